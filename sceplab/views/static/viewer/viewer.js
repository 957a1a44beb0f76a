// The viewer of a message: toolbar, tree, hex dump, details, and the edits of an editable one.

import { send, setTrait, take } from "../kernel.js";
import { keepKeys, make, makeButton, roving, uniqueId } from "../page.js";
import { checksTable, detailsOf, hint, legend, said } from "./details.js";
import { explain } from "./explain.js";
import { Finder } from "./finder.js";
import { FORMS, copy, save, written } from "./forms.js";
import { Chips, crumbs, factsLine, layersLine } from "./lines.js";
import { Octets } from "./octets.js";
import { CUT, GARBAGE, STRAY_EOC, TRAILING, deepest, scan } from "./scan.js";
import { Scene, same } from "./scene.js";
import { TreePane } from "./tree.js";

/** @import { FromPython, Model, ViewerState } from "../state.js" */
/** @import { Form } from "./forms.js" */
/** @import { Element } from "./scene.js" */

/** Elements that "Try to parse as ASN.1" reads to see whether a string's content is ASN.1. */
const LOOKED_AT = 10_000;
/** Rows to which the tree is unfolded where nobody says how deep. */
const FILLED = 45;

export class Viewer {
  /**
   * @param {Model<ViewerState>} model
   * @param {HTMLElement} el
   */
  constructor(model, el) {
    this.model = model;
    this.pick = (/** @type {number} */ buffer, /** @type {number} */ offset) => this.select(buffer, offset);
    this.id = uniqueId();
    this.scene = new Scene(model);
    this.open();
    /** @type {number | undefined} the byte to put the cursor on, where it is not the first of the selected element */
    this.cursorAt = undefined;
    /** @type {{ at: number, digit: string } | null} the first digit of a byte that is typed */
    this.half = null;
    const editable = model.get("editable");
    this.way = make("ol", "way", { "aria-label": "Layers" });
    this.crumbs = make("ol", "crumbs", { "aria-label": "Selected element" });
    this.facts = make("div", "facts", { role: "group", "aria-label": "What the message is" });
    this.head = make("div", "heads", { role: "toolbar", "aria-label": "Message" },
      this.facts, make("div", "where", {}, this.way, this.crumbs));
    this.finder = new Finder(
      this.scene, ({ buffer, offset, cursor }) => this.select(buffer, offset, cursor), () => this.tree.rows.later(),
    );
    this.chips = new Chips((number) => {
      this.scene.preview = -1;
      setTrait(model, "lit", number); // and its change lights it in every view
    }, (number) => {
      this.scene.preview = number;
      this.tree.rows.later();
      this.octets.rows.later();
    });
    this.tree = new TreePane(this.id, this.scene, {
      pick: this.pick,
      hover: (element) => this.hover(element),
      ask: (buffer, offsets) => send(model, { kind: "labels", buffer, offsets }),
      moved: () => this.follow(),
      appeared: () => this.reveal(),
    });
    this.title = make("div", "title", {});
    const right = make("div", "right", {}, this.title);
    this.octets = new Octets(right, `${this.id}-h`, "Bytes", (from, to) => this.scene.codes(from, to), {
      hover: (at) => this.hoverOctet(at),
      pick: (at) => this.pickOctet(at),
      type: editable ? (at, digit) => this.type(at, digit) : null,
    });
    this.status = make("div", "status", { "aria-hidden": "true" }, legend());
    this.beyond = make("div", "beyond", { "aria-hidden": "true" });
    this.beyond.hidden = true;
    right.append(this.beyond, this.status);
    this.details = make("div", "details", {});
    this.probe = makeButton("probe", "Try to parse as ASN.1", () => this.lookInside());
    this.newValue = make("input", "new-value", { type: "text", "aria-label": "New content of the element" });
    this.undo = makeButton("undo", "Undo", () => send(model, { kind: "undo" }));
    this.checks = make("div", "checks", {});
    this.below = make("div", "below", {}, this.details, this.actions());
    this.live = make("div", "live", { role: "status", "aria-live": "polite" });
    this.root = make("div", "viewer", { role: "group", "aria-label": model.get("title") || "ASN.1 viewer" },
      this.head, this.tools(), make("div", "panes", {}, this.tree.host, right), this.below,
      ...(editable ? [this.edits()] : []), this.checks, this.live);
    keepKeys(this.root, (event) => {
      if (event.key === "F3") { event.preventDefault(); this.finder.step(event.shiftKey ? -1 : 1); }
    });
    el.append(this.root);
    this.drawFacts();
    this.drawLights();
    this.drawChecks();
    /** @type {Record<string, (value: any) => void>} */
    this.changes = {
      "change:selected": () => this.follow(),
      "change:revision": () => this.renew(),
      "change:checks": () => this.drawChecks(),
      "change:problem": () => this.say(model.get("problem")),
      "change:lit": () => this.light(model.get("lit")),
      "msg:custom": (message) => this.receive(message),
    };
    for (const [name, act] of Object.entries(this.changes)) model.on(name, act);
    this.tree.relist();
    this.follow();
  }

  close() {
    for (const [name, act] of Object.entries(this.changes)) this.model.off(name, act);
    this.tree.rows.close();
    this.octets.rows.close();
  }

  tools() {
    const every = makeButton("every", "Every element", () => {
      this.scene.content.showWrappers(!this.scene.content.wrappers);
      every.setAttribute("aria-pressed", String(this.scene.content.wrappers));
      this.tree.relist();
      this.tree.surface();
      this.draw();
    });
    every.title = "Also show the elements that only wrap another one";
    every.setAttribute("aria-pressed", String(this.scene.content.wrappers));
    every.hidden = !this.scene.content.buffers.some(({ fold }) => fold?.left.size);
    const parts = [...this.finder.buttons, this.depthBox(), every];
    const tools = make("span", "tools", { role: "toolbar", "aria-label": "Tools" }, ...parts);
    roving(tools);
    return make("div", "tools", {}, ...this.finder.parts, tools, this.chips.host);
  }

  /** Unfold as much as the model says. */
  open() {
    const depth = this.model.get("open_depth");
    if (depth < 0) this.scene.content.openFor(this.model.get("facts"), FILLED);
    else this.scene.content.expandTo(depth);
  }

  depthBox() {
    const box = make("select", "depth", { "aria-label": "Expand to depth" }, make("option", "", { value: "" }, "Expand to ..."));
    for (const depth of [1, 2, 3, 4, 6, 9]) box.append(make("option", "", { value: depth }, `${depth} levels`));
    box.append(make("option", "", { value: 999 }, "all levels"));
    box.addEventListener("change", () => {
      if (!box.value) return;
      this.scene.content.expandTo(Number(box.value));
      box.value = "";
      this.tree.relist();
      this.tree.surface();
      this.draw();
    });
    return box;
  }

  /** What can be done with the selected element. */
  actions() {
    const form = make("select", "copy", { "aria-label": "Copy as" });
    for (const [value, text] of Object.entries(FORMS)) form.append(make("option", "", { value }, text));
    return make("div", "actions", { role: "toolbar", "aria-label": "Selected element" },
      "Copy as ", form, makeButton("do-copy", "Copy", () => this.copy(/** @type {Form} */ (form.value))),
      makeButton("save", "Save element", () => this.saveElement()), makeButton("save-all", "Save layer", () => this.saveLayer()),
      this.probe);
  }

  edits() {
    const asHex = make("input", "as-hex", { type: "checkbox", id: `${this.id}-hex` });
    const apply = () => {
      if (!this.scene.selected) return;
      const { buffer, start } = this.scene.look(this.scene.selected);
      send(this.model, {
        kind: "content", buffer: buffer.index, offset: start, text: this.newValue.value, hex: asHex.checked,
      });
    };
    this.newValue.addEventListener("keydown", (event) => { if (event.key === "Enter") apply(); });
    return make("div", "edits", { role: "toolbar", "aria-label": "Change" },
      "New content ", this.newValue, asHex, make("label", "", { for: `${this.id}-hex` }, "hex"),
      makeButton("apply", "Change", apply), this.undo, make("small", "", {}, "or type hex digits over the bytes"));
  }

  draw() {
    this.tree.rows.now();
    this.octets.rows.now();
  }

  /** @param {string} text */
  say(text) { this.live.textContent = text; }

  // ---- selecting

  /**
   * @param {number} buffer
   * @param {number} offset where the element starts
   * @param {number} cursor the byte to put the cursor on
   */
  select(buffer, offset, cursor = offset) {
    this.cursorAt = cursor;
    const [index, at] = this.model.get("selected");
    if (index === buffer && at === offset) { this.follow(); return; }
    setTrait(this.model, "selected", [buffer, offset]); // and its change makes every view follow
  }

  reveal() {
    this.tree.reveal();
    this.octets.show(this.octets.cursor);
  }

  /** Show what the model says is selected. */
  follow() {
    const [index = -1, offset = -1] = this.model.get("selected");
    const buffer = this.scene.content.buffers[index], i = buffer ? deepest(buffer.tree, offset) : -1;
    if (i < 0) {
      this.scene.selected = null;
      this.tree.row = -1;
      this.showBuffer(0);
      this.drawDetails();
      this.drawWay();
      this.drawStatus(-1);
      this.draw();
      return;
    }
    const element = { buffer: index, i }, cursor = this.cursorAt ?? buffer.tree.start[i];
    this.cursorAt = undefined;
    const known = same(this.scene.selected, element) && this.tree.row >= 0 && this.scene.current === index;
    if (!known) {
      this.scene.selected = element;
      this.tree.findRow();
      if (this.tree.row < 0) {
        this.scene.content.uncover(buffer, i);
        this.tree.relist();
      }
      this.showBuffer(index);
    }
    this.tree.reveal();
    this.octets.show(cursor);
    this.drawStatus(cursor);
    if (known) this.say(this.status.textContent ?? "");
    else {
      this.drawDetails();
      this.drawWay();
    }
    this.draw();
  }

  /** @param {number} index */
  showBuffer(index) {
    const buffer = this.scene.content.buffers[index];
    if (!buffer) return;
    this.scene.current = index;
    this.octets.set(buffer.bytes);
    this.title.textContent = `${buffer.title}${buffer.how ? ` (${buffer.how})` : ""}: ${buffer.bytes.length} bytes`;
  }

  /** Show elements that have other indexes now. */
  reshape() {
    this.scene.selected = null;
    this.tree.relist();
    this.follow();
  }

  /** @param {number} at */
  pickOctet(at) {
    const { tree } = this.scene.content.buffers[this.scene.current], i = deepest(tree, at);
    if (i >= 0) this.select(this.scene.current, tree.start[i], at);
    this.half = null;
  }

  /** @param {Element | null} element */
  hover(element) {
    if (same(element, this.scene.hovered)) return;
    this.scene.hovered = element;
    this.drawBeyond();
    this.tree.rows.later();
    this.octets.rows.later();
  }

  /** @param {number} at */
  hoverOctet(at) {
    this.drawStatus(at < 0 ? this.octets.cursor : at);
    const buffer = this.scene.current, i = at < 0 ? -1 : deepest(this.scene.content.buffers[buffer].tree, at);
    this.hover(i < 0 ? null : { buffer, i });
  }

  // ---- around the panes

  drawWay() {
    const { selected } = this.scene;
    this.way.replaceChildren(...layersLine(this.model.get("stations"), this.scene.station(), this.pick));
    this.crumbs.replaceChildren(...(selected ? crumbs(this.scene, selected, this.pick) : []));
    roving(this.head);
  }

  drawFacts() {
    const facts = this.model.get("facts");
    this.facts.replaceChildren(...factsLine(facts, this.pick));
    this.facts.hidden = !facts.length;
    roving(this.head);
  }

  /**
   * Say what a byte is.
   * @param {number} at
   */
  drawStatus(at) {
    const { selected, content, current } = this.scene;
    if (!selected && !this.scene.hovered) { this.status.replaceChildren(legend()); return; }
    this.status.textContent = explain(content, content.buffers[current], at);
  }

  /** Say where the bytes of the element under the mouse are, where they are out of sight. */
  drawBeyond() {
    const { hovered, current } = this.scene, { rows, width } = this.octets;
    this.beyond.hidden = true;
    if (!hovered) return;
    const { buffer, start, end } = this.scene.look(hovered), above = end / width <= rows.first;
    const below = start / width >= rows.first + rows.shown;
    if (buffer.index === current && !above && !below) return;
    const where = buffer.index !== current ? `in ${buffer.title}` : above ? "above" : "below";
    this.beyond.hidden = false;
    this.beyond.textContent = `bytes ${start} to ${end - 1}, ${where}`;
  }

  drawLights() {
    this.chips.draw(this.model.get("regions"), this.scene.lit);
  }

  /** @param {number} number of a region, or -1 */
  light(number) {
    this.scene.lit = number;
    this.chips.press(number);
    const { region } = this.scene;
    if (region?.spans.length) this.select(region.spans[0].buffer, region.spans[0].start);
    this.drawDetails();
    this.draw();
    this.say(region ? said(region) : "");
  }

  drawDetails() {
    const { selected, content } = this.scene;
    this.probe.hidden = !selected || !this.scene.mayHold(selected);
    if (!selected) {
      this.details.replaceChildren(hint());
      roving(this.below);
      return;
    }
    this.details.replaceChildren(...detailsOf(this.scene, selected));
    roving(this.below);
    const { buffer, i, start, end } = this.scene.look(selected), { name, type, value } = content.label(buffer, i);
    this.newValue.value = "";
    this.newValue.placeholder = value.slice(0, 60);
    this.drawUndo();
    const covered = this.scene.covering(selected).map((region) => `, ${region.label}`).join("");
    this.say(`${name} ${type} ${value.slice(0, 80)}, bytes ${start} to ${end - 1}${covered}`);
  }

  drawUndo() {
    this.undo.disabled = !this.model.get("can_undo");
  }

  drawChecks() {
    const checks = this.model.get("checks");
    this.checks.replaceChildren(...(checks.length ? [checksTable(checks)] : []));
  }

  // ---- acting on the selected element

  /** @param {Form} form */
  async copy(form) {
    if (!this.scene.selected) return;
    const { buffer, i } = this.scene.look(this.scene.selected);
    await copy(written(this.scene.content, buffer, i, form), this.root);
    this.say(`copied as ${FORMS[form]}${form === "openssl" ? "; it reads the file that Save layer writes" : ""}`);
  }

  saveElement() {
    if (!this.scene.selected) return;
    const { buffer, i, start, end } = this.scene.look(this.scene.selected);
    const name = this.scene.content.label(buffer, i).name.replace(/[^\w.-]+/g, "-");
    save(buffer.bytes.subarray(start, end), name + suffix(buffer));
  }

  saveLayer() {
    if (!this.scene.selected) return;
    const { buffer } = this.scene.look(this.scene.selected);
    save(buffer.bytes, buffer.title + suffix(buffer));
  }

  lookInside() {
    if (!this.scene.selected) return;
    const { buffer, i, start, end } = this.scene.look(this.scene.selected);
    const from = buffer.tree.content[i] + (buffer.bytes[start] === 3 ? 1 : 0);
    const inside = scan(buffer.bytes.subarray(from, end), undefined, undefined, LOOKED_AT);
    const broken = inside.flags.subarray(0, inside.count).some((f) => f & (GARBAGE | CUT | STRAY_EOC | TRAILING));
    if (!inside.count || broken) { this.say("the content is not ASN.1"); return; }
    buffer.guesses.add(start);
    this.scene.content.openAt(buffer, start);
    this.reshape();
  }

  /**
   * @param {number} at
   * @param {string} digit
   */
  type(at, digit) {
    if (this.half?.at === at) {
      send(this.model, { kind: "octets", buffer: this.scene.current, offset: at, hex: this.half.digit + digit });
      this.half = null;
      this.cursorAt = Math.min(at + 1, this.octets.bytes.length - 1); // once the answer is here
    } else {
      this.half = { at, digit };
      this.say(`${digit}_ : one more digit`);
    }
  }

  // ---- news from Python

  /** @param {FromPython} message */
  receive(message) {
    take(this.model, message);
    if (message.kind !== "labels") return;
    const buffer = this.scene.content.buffers[message.buffer];
    if (!buffer) return;
    for (const label of message.labels) buffer.labels.set(label.start, label);
    const fresh = message.openings.filter((at) => !buffer.inside.has(at));
    if (fresh.length) {
      fresh.forEach((at) => buffer.inside.add(at));
      this.scene.content.rescan(buffer);
      this.reshape();
    }
    this.drawDetails();
    this.draw();
  }

  /** Show other bytes under the same view. */
  renew() {
    this.scene.renew();
    this.tree.relist();
    this.drawFacts();
    this.drawLights();
    this.follow();
    this.drawChecks();
    this.drawUndo();
  }
}

/** @param {{ type: string }} buffer */
function suffix({ type }) {
  return type === "text" ? ".txt" : ".der";
}
