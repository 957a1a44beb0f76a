// A hex dump: bytes as lines of hex and ASCII, with a cursor.

import { around, make } from "../page.js";
import { CHANGED, CURSOR, HOVERED, SELECTED, classesOf } from "./codes.js";
import { Rows } from "./rows.js";
import { ascii, hex } from "./text.js";

/** Pixels that a line of sixteen bytes needs, as hex and ASCII; in less there are eight. */
const FOR_SIXTEEN = 465;
/** Pixels of a line. */
const LINE = 18;
/** What is marked in the ASCII too. */
const MARKED = SELECTED | HOVERED | CHANGED | CURSOR;

/**
 * What a hex dump tells: the byte under the mouse (-1: none), one that was picked, a hex digit that was typed.
 * @typedef {object} Acts
 * @property {(at: number) => void} [hover]
 * @property {(at: number) => void} pick
 * @property {((at: number, digit: string) => void) | null} [type] null where nothing can be changed
 */

export class Octets {
  /**
   * @param {HTMLElement} host
   * @param {string} id
   * @param {string} label
   * @param {(from: number, to: number) => Uint8Array} codes says what each byte is (see codes.js)
   * @param {Acts} acts
   */
  constructor(host, id, label, codes, acts) {
    const { hover = () => {}, pick, type } = acts;
    this.id = id;
    this.bytes = new Uint8Array();
    this.codes = codes;
    this.acts = acts;
    this.cursor = 0;
    this.width = 16;
    this.host = make("div", "octets", {
      role: "grid", tabindex: "0", "aria-label": label, "aria-readonly": type ? "false" : "true", "aria-colcount": "3",
    });
    host.append(this.host);
    this.rows = new Rows(this.host, LINE, (from, to) => this.draw(from, to), () => this.fit());
    this.host.addEventListener("mousemove", (event) => hover(this.at(event)));
    this.host.addEventListener("mouseleave", () => hover(-1));
    this.host.addEventListener("mousedown", (event) => {
      const at = this.at(event);
      if (at >= 0) { this.cursor = at; pick(at); }
    });
    this.host.addEventListener("keydown", (event) => this.key(event));
  }

  /** @param {Uint8Array<ArrayBuffer>} bytes */
  set(bytes) {
    this.bytes = bytes;
    this.cursor = Math.min(this.cursor, Math.max(0, bytes.length - 1));
    this.rows.resize(Math.ceil(bytes.length / this.width));
    this.host.setAttribute("aria-rowcount", String(this.rows.count));
  }

  /** Take as many bytes in a line as there is room for. */
  fit() {
    const wide = this.host.clientWidth, width = wide && wide < FOR_SIXTEEN ? 8 : 16;
    if (width === this.width) return;
    this.width = width;
    this.host.classList.toggle("sceplab-eight", width === 8);
    this.set(this.bytes);
    this.show(this.cursor);
  }

  /**
   * The offset of the byte under the mouse, or -1.
   * @param {MouseEvent} event
   */
  at(event) {
    const cell = around(event, ".sceplab-hexes, .sceplab-ascii");
    if (!cell) return -1;
    const box = cell.getBoundingClientRect(), row = Number(cell.parentElement?.dataset.row) * this.width;
    const length = Math.min(this.width, this.bytes.length - row);
    // The hex is as wide as a full line, the ASCII as wide as it is long.
    const columns = cell.classList.contains("sceplab-hexes") ? this.width : length;
    const column = Math.floor(((event.clientX - box.left) / box.width) * columns);
    return column >= 0 && column < length ? row + column : -1;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { pick, type } = this.acts, line = this.width, page = this.rows.shown * line;
    /** @type {Record<string, number>} */
    const moves = {
      ArrowLeft: -1, ArrowRight: 1, ArrowUp: -line, ArrowDown: line, PageUp: -page, PageDown: page,
    };
    let to = this.cursor;
    if (event.key in moves && !event.altKey && !event.metaKey) to += moves[event.key];
    else if (event.key === "Home") to = event.ctrlKey ? 0 : to - (to % line);
    else if (event.key === "End") to = event.ctrlKey ? this.bytes.length - 1 : to - (to % line) + line - 1;
    else if (event.key !== "Enter" && event.key !== " ") { // these pick again what is there
      if (type && /^[0-9a-fA-F]$/.test(event.key) && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        type(this.cursor, event.key);
      }
      return;
    }
    event.preventDefault();
    this.cursor = Math.max(0, Math.min(to, this.bytes.length - 1));
    pick(this.cursor);
  }

  /** @param {number} offset */
  show(offset) {
    this.cursor = offset;
    this.rows.reveal(Math.floor(offset / this.width));
  }

  /**
   * @param {number} from
   * @param {number} to
   */
  draw(from, to) {
    const out = [];
    for (let row = from; row < to; row++) out.push(this.line(row));
    this.host.setAttribute("aria-activedescendant", `${this.id}-${Math.floor(this.cursor / this.width)}`);
    return out;
  }

  /** @param {number} row */
  line(row) {
    const start = row * this.width, end = Math.min(start + this.width, this.bytes.length);
    const codes = this.codes(start, end);
    if (this.cursor >= start && this.cursor < end) codes[this.cursor - start] |= CURSOR;
    const hexes = make("span", "hexes", { role: "gridcell", id: `${this.id}-${row}` });
    const chars = make("span", "ascii", { role: "gridcell" });
    for (let i = 0, j; i < end - start; i = j) {
      for (j = i + 1; j < end - start && codes[j] === codes[i];) j++;
      const run = this.bytes.subarray(start + i, start + j);
      hexes.append(codes[i] ? make("span", classesOf(codes[i]), {}, hex(run)) : hex(run), j < end - start ? " " : "");
    }
    for (let i = 0, j; i < end - start; i = j) {
      for (j = i + 1; j < end - start && (codes[j] & MARKED) === (codes[i] & MARKED);) j++;
      const run = this.bytes.subarray(start + i, start + j);
      chars.append(codes[i] & MARKED ? make("span", classesOf(codes[i] & MARKED), {}, ascii(run)) : ascii(run));
    }
    const offset = make("span", "offset", { role: "rowheader" }, String(start));
    const line = make("div", "line", { role: "row", "aria-rowindex": row + 1 }, offset, hexes, chars);
    line.dataset.row = String(row);
    return line;
  }
}
