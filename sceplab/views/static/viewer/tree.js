// The tree pane: the unfolded elements as rows, and the keys and clicks that walk and unfold it.

import { around, make, walked } from "../page.js";
import { spoken, typeBeside } from "./details.js";
import { ROW, Rows } from "./rows.js";
import { TRAILING } from "./scan.js";
import { kindOf } from "./text.js";

/** @import { Buffer } from "./content.js" */
/** @import { Element, Scene } from "./scene.js" */

/**
 * What the pane tells: an element was picked, or is under the mouse (null: none); labels
 * are wanted; elements have other indexes or rows now, or other classes.
 * @typedef {object} Acts
 * @property {(buffer: number, offset: number) => void} pick
 * @property {(element: Element | null) => void} hover
 * @property {(buffer: number, offsets: number[]) => void} ask
 * @property {() => void} moved
 * @property {() => void} appeared
 */

export class TreePane {
  /**
   * @param {string} id
   * @param {Scene} scene
   * @param {Acts} acts
   */
  constructor(id, scene, acts) {
    this.id = id;
    this.scene = scene;
    this.acts = acts;
    /** The row of the selected element, or -1. */
    this.row = -1;
    /** @type {number[]} the number of the buffer of each row */
    this.owners = [];
    /** @type {number[]} the index of the element of each row */
    this.nodes = [];
    this.host = make("div", "tree", { role: "tree", tabindex: "0", "aria-label": "Elements" });
    this.rows = new Rows(this.host, ROW, (from, to) => this.draw(from, to), (appeared) => { if (appeared) acts.appeared(); });
    this.host.addEventListener("keydown", (event) => this.key(event));
    this.host.addEventListener("mousemove", (event) => {
      const row = this.rowOf(event);
      acts.hover(row < 0 ? null : { buffer: this.owners[row], i: this.nodes[row] });
    });
    this.host.addEventListener("mouseleave", () => acts.hover(null));
    this.host.addEventListener("mousedown", (event) => this.click(event));
    // (A click of no mouse: a screen reader's. A mouse's may miss its row, drawn anew while it was down.)
    this.host.addEventListener("click", (event) => { if (!event.detail) this.click(event); });
  }

  get content() { return this.scene.content; }

  /** Make the list of rows anew: something was folded or unfolded. */
  relist() {
    const { owners, nodes } = this.content.rows();
    this.owners = owners;
    this.nodes = nodes;
    this.rows.resize(nodes.length);
    this.findRow();
  }

  findRow() {
    const { selected } = this.scene, { owners, nodes } = this;
    this.row = -1;
    if (!selected) return;
    const home = this.content.home(this.content.buffers[selected.buffer], selected.i);
    // A loop, not findIndex: there may be a million rows.
    for (let row = 0; row < nodes.length; row++) {
      if (nodes[row] === home && owners[row] === selected.buffer) { this.row = row; return; }
    }
  }

  /** Bring the selected element into sight. */
  reveal() {
    if (this.row >= 0) this.rows.reveal(this.row);
  }

  /** Select what holds the selected element, where that is in a branch that was closed. */
  surface() {
    while (this.scene.selected && this.row < 0) {
      const { buffer, i } = this.scene.look(this.scene.selected), up = this.content.above(buffer, i);
      const origin = this.content.origin(buffer);
      if (up >= 0) this.scene.selected = { buffer: buffer.index, i: up };
      else if (!origin) break;
      else this.scene.selected = { buffer: origin.buffer.index, i: origin.i };
      this.findRow();
    }
    if (this.row < 0) return;
    this.pick(this.row);
    this.reveal();
  }

  /**
   * @param {number} from
   * @param {number} to
   */
  draw(from, to) {
    const out = [], unnamed = /** @type {Map<Buffer, number[]>} */ (new Map());
    for (let row = from; row < to; row++) {
      const { buffer, i } = this.at(row), offset = buffer.tree.start[i];
      if (!buffer.complete && !buffer.labels.has(offset) && !buffer.asked.has(offset)) {
        unnamed.set(buffer, [...(unnamed.get(buffer) ?? []), offset]);
      }
      out.push(this.line(row, buffer, i));
    }
    for (const [buffer, offsets] of unnamed) {
      offsets.forEach((offset) => buffer.asked.add(offset));
      this.acts.ask(buffer.index, offsets);
    }
    this.host.setAttribute("aria-activedescendant", this.row >= 0 ? `${this.id}-r${this.row}` : "");
    return out;
  }

  /**
   * @param {number} row
   * @param {Buffer} buffer
   * @param {number} i
   */
  line(row, buffer, i) {
    const offset = buffer.tree.start[i];
    const element = { buffer: buffer.index, i }, label = this.content.label(buffer, i), { value, findings } = label;
    const depth = this.content.depth(buffer, i), left = buffer.fold?.left.get(i) ?? 0;
    const { position, size } = this.content.place(buffer, i);
    const expandable = this.content.expandable(buffer, i), open = Boolean(buffer.open[i]);
    const line = make("div", "row", {
      role: "treeitem", id: `${this.id}-r${row}`, "aria-level": depth + 1, "aria-setsize": size,
      "aria-posinset": position, "aria-selected": String(row === this.row),
    });
    if (expandable) line.setAttribute("aria-expanded", String(open));
    const hovered = this.scene.hovered;
    if (hovered?.buffer === buffer.index && this.content.home(buffer, hovered.i) === i) line.classList.add("sceplab-hovered");
    const mark = this.scene.mark(element), name = this.content.called(buffer, i), type = typeBeside({ ...label, name });
    if (mark) line.classList.add(`sceplab-${mark}`);
    if (this.scene.found.has(`${buffer.index}:${offset}`)) line.classList.add("sceplab-hit");
    if (label.meaning) line.title = label.meaning;
    line.setAttribute("aria-label", spoken({ ...label, name }, buffer.tree.end[i] - buffer.tree.content[i], mark));
    line.dataset.row = String(row);
    line.style.paddingLeft = `calc(${Math.min(depth, 40)} * var(--sl-indent) + 2px)`;
    if (expandable) line.append(make("span", "twisty", { "aria-hidden": "true" }, open ? "▾" : "▸"));
    line.append(make("b", expandable ? "" : "leaf", {}, name));
    if (type) line.append(" ", make("i", "", {}, type));
    if (label.guess) line.append(" ", make("span", "mark guess", {}, "guess"));
    if (value) {
      const kind = kindOf(buffer.bytes[buffer.tree.start[i]]);
      line.append(" ", make("code", kind, {}, value.length > 160 ? `${value.slice(0, 160)} ...` : value));
    }
    if (label.also && buffer.fold) line.append(" ", make("small", "", {}, label.also));
    if (findings?.length) line.append(" ", make("span", "finding", { title: findings.join("\n") }, "not DER"));
    if (left) {
      const shown = buffer.spread.has(offset);
      const title = shown ? "Hide the elements that only wrap this one" : `${left} elements only wrap this one: show them`;
      line.append(" ", make("span", "spread", { title }, `${shown ? "−" : "+"}${left}`));
    }
    if (label.section) line.append(make("span", "section", {}, label.section.replace(/^RFC (\d+), /, "$1 §")));
    return line;
  }

  /**
   * The buffer and index of the element of a row.
   * @param {number} row
   */
  at(row) {
    return { buffer: this.content.buffers[this.owners[row]], i: this.nodes[row] };
  }

  /**
   * The row that an event happened on, or -1.
   * @param {Event} event
   */
  rowOf(event) {
    return Number(around(event, ".sceplab-row")?.dataset.row ?? -1);
  }

  /** @param {number} row */
  pick(row) {
    const { buffer, i } = this.at(row);
    this.acts.pick(buffer.index, buffer.tree.start[i]);
  }

  /** @param {Event} event */
  click(event) {
    const row = this.rowOf(event);
    if (row < 0) return;
    if (around(event, ".sceplab-twisty")) this.toggle(row);
    else if (around(event, ".sceplab-spread")) this.spread(row);
    else this.pick(row);
  }

  /**
   * Show what only wraps the element of a row, or leave it out again.
   * @param {number} row
   */
  spread(row) {
    const { buffer, i } = this.at(row);
    if (!buffer.fold?.left.has(i)) return;
    this.pick(row);
    this.content.spread(buffer, i);
    this.content.uncover(buffer, i);
    this.relist();
    this.acts.moved();
  }

  /**
   * Unfold a row, or fold it.
   * @param {number} row
   * @param {0 | 1} [wanted] which of the two; else the other one than now
   */
  toggle(row, wanted) {
    const { buffer, i } = this.at(row);
    // Selected first: what is selected must not vanish in a branch that closes.
    this.pick(row);
    if (!this.content.expandable(buffer, i)) return;
    if (buffer.tree.flags[i] & TRAILING) {
      this.content.openAt(buffer, buffer.tree.start[i]);
      this.scene.selected = null;
    } else {
      buffer.open[i] = wanted ?? (buffer.open[i] ? 0 : 1);
    }
    this.relist();
    this.acts.moved();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || !this.nodes.length) return;
    const last = this.nodes.length - 1, row = Math.max(this.row, 0);
    const { buffer, i } = this.at(row), open = buffer.open[i] && this.content.expandable(buffer, i);
    let to = walked(event.key, event.key === "ArrowDown" ? this.row : row, this.nodes.length, this.rows.shown);
    if (to >= 0) { /* walked */ }
    else if (event.key === "ArrowRight") {
      if (open) to = Math.min(row + 1, last); else this.toggle(row, 1);
    } else if (event.key === "ArrowLeft") {
      if (open) this.toggle(row, 0); else to = this.above(row);
    } else if (event.key === "Enter" || event.key === " ") this.toggle(row);
    else if (event.key === "+") this.spread(row);
    else if (event.key === "*") {
      this.content.openSiblings(buffer, i);
      this.relist();
      this.rows.now();
    } else if (/^[\p{L}\p{N}[]$/u.test(event.key)) to = this.startingWith(event.key, row);
    else return;
    event.preventDefault();
    if (to >= 0) this.pick(to);
  }

  /**
   * The row of what holds the element of a row.
   * @param {number} row
   */
  above(row) {
    const { buffer, i } = this.at(row), parent = this.content.above(buffer, i);
    for (let up = row - 1; up >= 0; up--) {
      if (parent >= 0 && this.owners[up] === buffer.index && this.nodes[up] === parent) return up;
      if (parent < 0 && this.owners[up] === buffer.parent) return up;
    }
    return row;
  }

  /**
   * The next row whose name starts with a letter, or -1.
   * @param {string} letter
   * @param {number} row
   */
  startingWith(letter, row) {
    for (let step = 1; step <= Math.min(this.nodes.length, 5000); step++) {
      const next = (row + step) % this.nodes.length, { buffer, i } = this.at(next);
      if (this.content.called(buffer, i).toLowerCase().startsWith(letter.toLowerCase())) return next;
    }
    return -1;
  }
}
