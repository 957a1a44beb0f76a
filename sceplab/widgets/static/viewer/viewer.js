// The viewer of a message: toolbar, tree, hex dump, details, and the edits of an editable one.

import { send, setTrait, take } from "../kernel.js";
import { keepKeys, make, makeButton, uniqueId } from "../page.js";
import { checksTable, detailsOf, said } from "./details.js";
import { Finder } from "./finder.js";
import { FORMS, copy, save, written } from "./forms.js";
import { Octets } from "./octets.js";
import { CUT, GARBAGE, STRAY_EOC, TEXT, TRAILING, deepest, scan } from "./scan.js";
import { Scene, same } from "./scene.js";
import { TreePane } from "./tree.js";

/** @import { FromPython, Model, ViewerState } from "../state.js" */
/** @import { Form } from "./forms.js" */
/** @import { Element } from "./scene.js" */

/** Elements that "Try to parse as ASN.1" reads to see whether a string's content is ASN.1. */
const LOOKED_AT = 10_000;

export class Viewer {
  /**
   * @param {Model<ViewerState>} model
   * @param {HTMLElement} el
   */
  constructor(model, el) {
    this.model = model;
    this.id = uniqueId();
    this.scene = new Scene(model);
    this.scene.content.expandTo(model.get("open_depth"));
    /** @type {number | undefined} the byte to put the cursor on, where it is not the first of the selected element */
    this.cursorAt = undefined;
    /** @type {{ at: number, digit: string } | null} the first digit of a byte that is typed */
    this.half = null;
    const editable = model.get("editable");
    this.way = make("ol", "way", { "aria-label": "Layers" });
    this.finder = new Finder(
      this.scene, ({ buffer, offset, cursor }) => this.select(buffer, offset, cursor), (text) => this.say(text),
    );
    this.lights = make("select", "lights", { "aria-label": "Show what covers what" });
    this.lights.addEventListener("change", () => {
      setTrait(model, "lit", Number(this.lights.value)); // and its change lights it in every view
    });
    this.tree = new TreePane(this.id, this.scene, {
      pick: (buffer, offset) => this.select(buffer, offset),
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
    right.append(legend());
    this.details = make("div", "details", {});
    this.probe = makeButton("probe", "Try to parse as ASN.1", () => this.lookInside());
    this.newValue = make("input", "new-value", { type: "text", "aria-label": "New content of the element" });
    this.undo = makeButton("undo", "Undo", () => send(model, { kind: "undo" }));
    this.checks = make("div", "checks", {});
    this.live = make("div", "live", { role: "status", "aria-live": "polite" });
    this.root = make("div", "viewer", { role: "group", "aria-label": model.get("title") || "ASN.1 viewer" },
      this.way, this.tools(), make("div", "panes", {}, this.tree.host, right), this.details, this.actions(),
      ...(editable ? [this.edits()] : []), this.checks, this.live);
    keepKeys(this.root);
    el.append(this.root);
    this.drawWay();
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
    return make("div", "tools", { role: "toolbar", "aria-label": "Tools" },
      ...this.finder.parts, this.depthBox(), this.lights);
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
    if (!known) {
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
    this.tree.rows.later();
    this.octets.rows.later();
  }

  /** @param {number} at */
  hoverOctet(at) {
    const buffer = this.scene.current, i = at < 0 ? -1 : deepest(this.scene.content.buffers[buffer].tree, at);
    this.hover(i < 0 ? null : { buffer, i });
  }

  // ---- around the panes

  drawWay() {
    const here = this.scene.station();
    this.way.replaceChildren(...this.model.get("stations").map(({ title, buffer, offset }, n) => {
      const button = makeButton("station", title, () => this.select(buffer, offset));
      if (n === here) button.setAttribute("aria-current", "location");
      return make("li", "", {}, button);
    }));
  }

  drawLights() {
    const regions = this.model.get("regions");
    this.lights.replaceChildren(make("option", "", { value: "-1" }, "Covered by ..."),
      ...regions.map((region, n) => make("option", "", { value: n }, region.label)));
    this.lights.hidden = !regions.length;
    this.lights.value = String(this.scene.lit);
  }

  /** @param {number} number of a region, or -1 */
  light(number) {
    this.scene.lit = number;
    this.lights.value = String(number);
    const { region } = this.scene;
    if (region?.spans.length) this.select(region.spans[0].buffer, region.spans[0].start);
    this.drawDetails();
    this.draw();
    this.say(region ? said(region) : "");
  }

  drawDetails() {
    const { selected, content } = this.scene;
    this.probe.hidden = !selected || !this.mayHold(selected);
    if (!selected) {
      this.details.replaceChildren(make("span", "", {}, "Choose an element in the tree, or a byte."));
      return;
    }
    this.details.replaceChildren(...detailsOf(this.scene, selected));
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
    this.say(`copied as ${FORMS[form]}${form === "openssl" ? "; it reads the file that Save layer gives" : ""}`);
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

  /**
   * Whether an element may be a string with ASN.1 inside that was not opened yet.
   * @param {Element} element
   */
  mayHold(element) {
    const { buffer, i, start, end } = this.scene.look(element), { tree, bytes } = buffer;
    // An OCTET STRING, a BIT STRING, or what an IMPLICIT tag may hide one of.
    const string = bytes[start] === 3 || bytes[start] === 4 || (bytes[start] & 0xe0) === 0x80;
    const leaf = tree.after[i] === i + 1 && !(tree.flags[i] & (TEXT | TRAILING | GARBAGE));
    return string && leaf && end - tree.content[i] >= 2 && !this.scene.content.attachedTo(buffer, i).length;
  }

  lookInside() {
    if (!this.scene.selected) return;
    const { buffer, i, start, end } = this.scene.look(this.scene.selected);
    const from = buffer.tree.content[i] + (buffer.bytes[start] === 3 ? 1 : 0);
    const inside = scan(buffer.bytes.subarray(from, end), undefined, undefined, LOOKED_AT);
    const broken = inside.flags.subarray(0, inside.count).some((f) => f & (GARBAGE | CUT | STRAY_EOC | TRAILING));
    if (!inside.count || broken) { this.say("what is inside is no ASN.1"); return; }
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
    this.drawLights();
    this.drawWay();
    this.follow();
    this.drawChecks();
    this.drawUndo();
  }
}

/** What the colours of the hex dump are. */
function legend() {
  return make("div", "legend", { "aria-hidden": "true" },
    make("span", "tag", {}, "tag"), " ", make("span", "length", {}, "length"), " ", make("span", "value", {}, "value"), " ",
    make("span", "value selected", {}, "selected"), " ", make("span", "value region", {}, "covered"), " ",
    make("span", "value proof", {}, "signature"));
}

/** @param {{ type: string }} buffer */
function suffix({ type }) {
  return type === "text" ? ".txt" : ".der";
}
