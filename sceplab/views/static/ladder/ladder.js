// The ladder diagram (sceplab.widgets.ladder): lifelines, and messages as arrows
// between them. What a cell may use is in the model, the rest is the view's.
// Only rows in sight exist in the page, so that thousands of messages scroll well.

/** @import { ArrowState, FromPython, LadderState, Model } from "../state.js" */

import { setTrait, take } from "../kernel.js";
import { around, keepKeys, make, uniqueId, walked } from "../page.js";

/** Pixels of a row. */
const HEIGHT = 36;
/** Rows that are shown without scrolling. */
const TALLEST = 12;
/** Rows drawn beyond those in sight, above and below. */
const SPARE = 6;

/** @type {Record<string, string>} */
const STATES = { good: "granted", failed: "failed", pending: "pending", missing: "missing" };

export class Ladder {
  /**
   * @param {Model<LadderState>} model
   * @param {HTMLElement} el
   */
  constructor(model, el) {
    this.model = model;
    this.id = uniqueId();
    this.row = 0;
    this.count = 0;
    this.again = 0;
    /** Whether the end is to be shown as soon as there is something to scroll. */
    this.toEnd = Boolean(model.get("newest"));
    this.actors = make("div", "actors", { "aria-hidden": "true" });
    this.drawn = make("div", "drawn", { role: "presentation" });
    this.spacer = make("div", "spacer", { role: "presentation" });
    this.list = make("div", "rungs", { role: "listbox", tabindex: "0", "aria-label": "Messages, in their order" },
      this.spacer, this.drawn);
    this.none = make("div", "none", {}, "No exchange yet.");
    this.older = make("div", "older", {});
    this.root = make("div", "ladder", {}, this.older, this.actors, this.list, this.none);
    keepKeys(this.root, (event) => this.key(event));
    el.append(this.root);
    this.list.addEventListener("scroll", () => this.draw(), { passive: true });
    this.list.addEventListener("click", (event) => {
      const rung = around(event, "[role=option]");
      if (rung) this.pick(Number(rung.dataset.row));
    });
    this.sizes = new ResizeObserver(() => this.draw());
    this.sizes.observe(this.list);
    this.changed = () => this.relist();
    this.moved = () => this.follow();
    this.taken = (/** @type {FromPython} */ message) => take(model, message);
    model.on("change:arrows", this.changed);
    model.on("change:lifelines", this.changed);
    model.on("change:older", this.changed);
    model.on("change:selected", this.moved);
    model.on("msg:custom", this.taken);
    this.relist();
    this.follow();
  }

  close() {
    this.sizes.disconnect();
    clearTimeout(this.again);
    this.model.off("change:arrows", this.changed);
    this.model.off("change:lifelines", this.changed);
    this.model.off("change:older", this.changed);
    this.model.off("change:selected", this.moved);
    this.model.off("msg:custom", this.taken);
  }

  get arrows() { return this.model.get("arrows") ?? []; }

  get chosen() {
    const place = this.model.get("selected") ?? {};
    return this.arrows.findIndex((a) => a.exchange === place.exchange && a.side === place.side);
  }

  relist() {
    const names = this.model.get("lifelines") ?? [], arrows = this.arrows, list = this.list;
    const atEnd = this.count > 0 && list.scrollTop + list.clientHeight >= list.scrollHeight - HEIGHT;
    this.count = arrows.length;
    this.root.style.setProperty("--actors", String(Math.max(1, names.length)));
    const dates = [...new Set(arrows.map((a) => a.date).filter(Boolean))];
    this.actors.replaceChildren(
      make("span", "when", { title: "UTC" }, dates.length ? `${dates[0]} UTC` : ""),
      make("div", "lanes", {}, ...names.map((name) => make("div", "actor", { title: name }, name))),
    );
    this.actors.hidden = list.hidden = !arrows.length;
    this.none.hidden = arrows.length > 0;
    const older = this.model.get("older") ?? 0;
    this.older.hidden = !older;
    this.older.textContent = older ? `${older} older exchange${older === 1 ? " is" : "s are"} not shown.` : "";
    list.style.height = `${Math.min(arrows.length, TALLEST) * HEIGHT}px`;
    this.spacer.style.height = `${arrows.length * HEIGHT}px`;
    this.row = Math.max(0, Math.min(this.row, arrows.length - 1));
    if (atEnd) list.scrollTop = list.scrollHeight; // somebody watches: show what is new
    this.draw();
  }

  draw() {
    clearTimeout(this.again);
    if (!this.list.clientHeight) {
      // As in viewer/rows.js: out of sight the rows stay, and of a moment shorter than a frame nobody tells the end.
      this.again = setTimeout(() => { if (this.list.clientHeight) this.draw(); }, 200);
      return;
    }
    if (this.toEnd) {
      this.toEnd = false;
      this.list.scrollTop = this.list.scrollHeight;
    }
    const arrows = this.arrows, chosen = this.chosen, lanes = (this.model.get("lifelines") ?? []).length;
    const first = Math.max(0, Math.floor(this.list.scrollTop / HEIGHT) - SPARE);
    const last = Math.min(arrows.length, Math.ceil((this.list.scrollTop + this.list.clientHeight) / HEIGHT) + SPARE);
    this.drawn.style.top = `${first * HEIGHT}px`;
    const rows = [];
    for (let i = first; i < last; i++) rows.push(this.rung(arrows[i], i, i === chosen, lanes, arrows.length));
    this.drawn.replaceChildren(...rows);
    if (this.row >= first && this.row < last) this.list.setAttribute("aria-activedescendant", `${this.id}-${this.row}`);
    else this.list.removeAttribute("aria-activedescendant");
  }

  /**
   * @param {ArrowState} arrow
   * @param {number} row
   * @param {boolean} chosen
   * @param {number} lanes
   * @param {number} count
   */
  rung(arrow, row, chosen, lanes, count) {
    const names = this.model.get("lifelines"), share = 100 / lanes;
    const low = Math.min(arrow.from, arrow.to), high = Math.max(arrow.from, arrow.to);
    const side = arrow.to > arrow.from ? "right" : arrow.to < arrow.from ? "left" : "self";
    const label = make("span", "label", {});
    if (arrow.sign) label.append(make("b", "", {}, arrow.sign));
    label.append(arrow.label);
    const line = make("div", `arrow ${arrow.side} ${side} ${arrow.state}`, {}, label);
    line.style.left = `calc(${(low + (side === "self" ? 0 : 0.5)) * share}% + 1px)`;
    line.style.width = `calc(${side === "self" ? share : (high - low) * share}% - 2px)`;
    const state = STATES[arrow.state] ? `, ${STATES[arrow.state]}` : "";
    const time = arrow.time ? `, ${arrow.time}` : "";
    const spoken = `${names[arrow.from]} to ${names[arrow.to]}: ${arrow.side} ${arrow.label}${state}${time}`;
    return make("div", row === this.row ? "rung here" : "rung", {
      role: "option", id: `${this.id}-${row}`, "data-row": row, "aria-selected": String(chosen), "aria-label": spoken,
      "aria-posinset": row + 1, "aria-setsize": count, title: spoken,
    }, make("span", "when", {}, arrow.time), make("div", "lanes", {}, line));
  }

  /** @param {number} row */
  pick(row) {
    const arrow = this.arrows[row];
    if (!arrow) return;
    this.row = row;
    setTrait(this.model, "selected", { exchange: arrow.exchange, side: arrow.side });
    this.draw();
  }

  follow() {
    const chosen = this.chosen;
    if (chosen >= 0) {
      this.row = chosen;
      this.reveal();
    }
    this.draw();
  }

  reveal() {
    const top = this.row * HEIGHT, list = this.list;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + HEIGHT > list.scrollTop + list.clientHeight) list.scrollTop = top + HEIGHT - list.clientHeight;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const page = Math.max(1, Math.floor(this.list.clientHeight / HEIGHT) - 1);
    const to = walked(event.key, this.row, this.arrows.length, page);
    if (to >= 0) {
      this.row = to;
      this.reveal();
      this.draw();
    } else if (event.key === "Enter" || event.key === " ") this.pick(this.row);
    else return;
    event.preventDefault();
  }
}
