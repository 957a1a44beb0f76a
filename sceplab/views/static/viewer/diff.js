// Two structures beside each other: fields with their likeness, and the bytes of both.

import { setTrait, take } from "../kernel.js";
import { around, keepKeys, make, uniqueId, walked } from "../page.js";
import { CHANGED, SELECTED } from "./codes.js";
import { typeBeside } from "./details.js";
import { Octets } from "./octets.js";
import { ROW, Rows } from "./rows.js";
import { bytesOf } from "./text.js";

/** @import { DiffState, FromPython, Model } from "../state.js" */

/** A sign for each likeness, in their order. */
const SIGNS = ["=", "~", "*", "≠", "−", "+"];
const SAME = 0;

export class Diff {
  /**
   * @param {Model<DiffState>} model
   * @param {HTMLElement} el
   */
  constructor(model, el) {
    this.model = model;
    this.id = uniqueId();
    this.all = model.get("rows");
    this.likenesses = model.get("likenesses");
    this.bytes = [bytesOf(model.get("first")), bytesOf(model.get("second"))];
    /** @type {Set<number>} the numbers of fields that are folded */
    this.closed = new Set();
    /** @type {number[]} the number of the field of each row that is unfolded */
    this.shown = [];
    this.row = 0;
    this.only = false;
    this.root = make("div", "viewer diff", { role: "group", "aria-label": "Comparison" });
    keepKeys(this.root);
    const titles = model.get("titles");
    this.tree = make("div", "tree difftree", {
      role: "treegrid", tabindex: "0", "aria-label": "Fields side by side", "aria-colcount": "3",
    });
    this.rows = new Rows(this.tree, ROW, (from, to) => this.drawRows(from, to), (appeared) => { if (appeared) this.follow(); });
    this.why = make("div", "details", {});
    const panes = make("div", "panes", {});
    this.dumps = [0, 1].map((side) => {
      const host = make("div", "right", {}, make("div", "title", {}, titles[side]));
      panes.append(host);
      const octets = new Octets(host, `${this.id}-h${side}`, titles[side], (from, to) => this.codes(side, from, to), {
        pick: (at) => this.pickOctet(side, at),
      });
      octets.set(this.bytes[side]);
      return octets;
    });
    this.live = make("div", "live", { role: "status", "aria-live": "polite" });
    const head = make("div", "row head", { "aria-hidden": "true" },
      ...["field", ...titles].map((title) => make("span", "cell", {}, title)));
    this.root.append(this.tools(), head, this.tree, this.why, panes, this.live);
    el.append(this.root);
    this.tree.addEventListener("keydown", (event) => this.key(event));
    this.tree.addEventListener("mousedown", (event) => this.click(event));
    this.tree.addEventListener("click", (event) => { if (!event.detail) this.click(event); });
    this.follower = () => this.follow();
    model.on("change:selected", this.follower);
    this.taken = (/** @type {FromPython} */ message) => take(model, message);
    model.on("msg:custom", this.taken);
    this.relist();
    this.follow();
  }

  close() {
    this.model.off("change:selected", this.follower);
    this.model.off("msg:custom", this.taken);
    this.rows.close();
    this.dumps.forEach((octets) => octets.rows.close());
  }

  tools() {
    const filter = make("input", "", { type: "checkbox", id: `${this.id}-only` });
    filter.addEventListener("change", () => { this.only = filter.checked; this.row = 0; this.relist(); this.draw(); });
    const counts = this.likenesses.flatMap((text, likeness) => {
      const many = this.all.filter((row) => row.likeness === likeness && !row.parts).length;
      return many ? [make("span", `count likeness-${likeness}`, {}, `${SIGNS[likeness]} ${many} ${text}`)] : [];
    });
    return make("div", "tools", {}, ...counts, filter, make("label", "", { for: `${this.id}-only` }, "differences only"));
  }

  /** The field of the row that is selected; undefined where there is none. */
  get field() { return this.all[this.shown[this.row]]; }

  relist() {
    this.shown = [];
    let hidden = Infinity;
    this.all.forEach(({ depth, likeness }, number) => {
      if (depth > hidden) return;
      hidden = Infinity;
      if (this.only && likeness === SAME) return;
      this.shown.push(number);
      if (this.closed.has(number)) hidden = depth;
    });
    this.rows.resize(this.shown.length);
  }

  /**
   * @param {number} from
   * @param {number} to
   */
  drawRows(from, to) {
    const out = [];
    for (let n = from; n < to; n++) out.push(this.line(n));
    this.tree.setAttribute("aria-activedescendant", `${this.id}-r${this.row}`);
    return out;
  }

  /** @param {number} n */
  line(n) {
    const number = this.shown[n], row = this.all[number], { depth, likeness, parts, sides } = row;
    const line = make("div", `row likeness-${likeness}`, {
      role: "row", id: `${this.id}-r${n}`, "aria-level": depth + 1, "aria-selected": String(n === this.row),
    });
    line.dataset.row = String(n);
    const open = !this.closed.has(number), type = typeBeside(row);
    if (parts) line.setAttribute("aria-expanded", String(open));
    const field = make("span", "cell", { role: "gridcell" },
      make("span", "twisty", { "aria-hidden": "true" }, parts ? (open ? "▾" : "▸") : " "),
      make("span", "sign", { title: this.likenesses[likeness] }, SIGNS[likeness]),
      make("b", "", {}, row.name), type ? ` ${type}` : "");
    field.style.paddingLeft = `calc(${Math.min(depth, 30)} * var(--sl-indent))`;
    line.append(field, ...sides.map((side) => make("span", "cell", { role: "gridcell" }, side?.text ?? "")));
    return line;
  }

  /**
   * The codes (see codes.js) of bytes of one side: the selected field, and in it what the other side has not.
   * @param {number} side
   * @param {number} from
   * @param {number} to
   */
  codes(side, from, to) {
    const out = new Uint8Array(to - from), mine = this.field?.sides[side], other = this.field?.sides[1 - side];
    if (!mine) return out;
    for (let at = Math.max(mine.start, from); at < Math.min(mine.end, to); at++) {
      out[at - from] |= SELECTED;
      const there = other ? other.start + at - mine.start : -1;
      const alike = other && there < other.end && this.bytes[1 - side][there] === this.bytes[side][at];
      if (!alike) out[at - from] |= CHANGED;
    }
    return out;
  }

  /** @param {number} n */
  pick(n) {
    setTrait(this.model, "selected", this.shown[n] ?? -1);
    this.follow();
  }

  /**
   * @param {number} side
   * @param {number} at
   */
  pickOctet(side, at) {
    const n = this.shown.findLastIndex((number) => {
      const span = this.all[number].sides[side];
      return span && span.start <= at && at < span.end;
    });
    if (n >= 0) this.pick(n);
  }

  /** @param {Event} event */
  click(event) {
    const line = around(event, ".sceplab-row");
    if (!line) return;
    const n = Number(line.dataset.row);
    if (around(event, ".sceplab-twisty")) this.toggle(this.shown[n]);
    this.pick(n);
  }

  /** Show what the model says is selected. */
  follow() {
    const wanted = this.model.get("selected");
    let n = this.shown.indexOf(wanted);
    if (n < 0 && wanted >= 0 && wanted < this.all.length) {
      this.closed.clear();
      this.only = this.only && this.all[wanted].likeness !== SAME;
      this.relist();
      n = this.shown.indexOf(wanted);
    }
    this.row = Math.max(n, 0);
    this.rows.reveal(this.row);
    if (this.field) {
      const { name, likeness, why, sides } = this.field;
      sides.forEach((side, number) => { if (side) this.dumps[number].show(side.start); });
      this.why.textContent = this.live.textContent = `${name}: ${this.likenesses[likeness]}${why ? ` - ${why}` : ""}`;
    }
    this.draw();
  }

  /** @param {number} number of a field */
  toggle(number) {
    if (this.closed.has(number)) this.closed.delete(number); else this.closed.add(number);
    this.relist();
    this.draw();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const number = this.shown[this.row], parts = this.field?.parts, closed = this.closed.has(number);
    const to = walked(event.key, this.row, this.shown.length, this.rows.shown);
    if (to >= 0) this.pick(to);
    else if ((event.key === "ArrowLeft" && parts && !closed) || (event.key === "ArrowRight" && closed)) this.toggle(number);
    else if (event.key === "Enter" || event.key === " ") { if (parts) this.toggle(number); }
    else if (event.key === "n") {
      const next = this.shown.findIndex((k, n) => n > this.row && this.all[k].likeness !== SAME && !this.all[k].parts);
      if (next >= 0) this.pick(next);
    } else return;
    event.preventDefault();
  }

  draw() {
    this.rows.now();
    this.dumps.forEach((octets) => octets.rows.now());
  }
}
