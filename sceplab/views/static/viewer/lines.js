// The lines above the panes: facts, where one is, and chips for coverage.

import { make, makeButton, roving } from "../page.js";

/** @import { Fact, RegionState, Station } from "../state.js" */
/** @import { Element, Scene } from "./scene.js" */

/** @type {Record<string, string>} what stands before a fact */
const BEFORE = { from: "from ", to: "to ", for: "for ", signature: "signature " };
/** @type {Record<string, string>} */
const SIGNS = { passed: "✓ ", failed: "✗ " };

/**
 * One button for each fact.
 * @param {Fact[]} facts
 * @param {(buffer: number, offset: number) => void} pick
 */
export function factsLine(facts, pick) {
  return facts.map(({ about, text, buffer, offset }) => {
    const button = makeButton(`fact fact-${about}`, `${BEFORE[about] ?? ""}${text}`, () => pick(buffer, offset));
    button.title = about;
    if (about === "signature") button.classList.add(`sceplab-${text.replace(" ", "-")}`);
    return button;
  });
}

/**
 * The layers, each a button; the one of the selected element is current.
 * @param {Station[]} stations
 * @param {number} here
 * @param {(buffer: number, offset: number) => void} pick
 */
export function layersLine(stations, here, pick) {
  return stations.map(({ title, buffer, offset }, n) => {
    const button = makeButton("station", title, () => pick(buffer, offset));
    if (n === here) button.setAttribute("aria-current", "location");
    return make("li", "", {}, button);
  });
}

/**
 * What holds an element, outermost first, as buttons.
 * @param {Scene} scene
 * @param {Element} element
 * @param {(buffer: number, offset: number) => void} pick
 */
export function crumbs(scene, element, pick) {
  return way(scene, element).map(({ buffer, i }, n, all) => {
    const shown = scene.content.buffers[buffer], name = scene.content.called(shown, i);
    const button = makeButton("crumb", name, () => pick(buffer, shown.tree.start[i]));
    if (n === all.length - 1) button.setAttribute("aria-current", "true");
    return make("li", "", {}, button);
  });
}

/**
 * The elements that have the rows above an element's, and its own, outermost first.
 * @param {Scene} scene
 * @param {Element} element
 * @returns {Element[]}
 */
export function way({ content }, element) {
  const out = [];
  let buffer = content.buffers[element.buffer], i = content.home(buffer, element.i);
  for (let steps = 0; steps < 250; steps++) {
    out.unshift({ buffer: buffer.index, i });
    const up = content.above(buffer, i), origin = up < 0 ? content.origin(buffer) : null;
    if (up >= 0) i = up;
    else if (origin && origin.i >= 0) ({ buffer, i } = origin);
    else break;
  }
  return out;
}

export class Chips {
  /**
   * @param {(number: number) => void} light the region with that number, or none (-1)
   * @param {(number: number) => void} preview
   */
  constructor(light, preview) {
    this.light = light;
    this.host = make("div", "chips", { role: "toolbar", "aria-label": "Coverage" });
    this.preview = preview;
    this.lit = -1;
  }

  /**
   * @param {RegionState[]} regions
   * @param {number} lit
   */
  draw(regions, lit) {
    this.host.hidden = !regions.length;
    this.host.replaceChildren(...regions.slice(0, 12).map((region, n) => {
      const chip = makeButton("chip", `${SIGNS[region.verdict] ?? ""}${region.title}`, () => this.light(this.lit === n ? -1 : n));
      chip.title = region.label;
      chip.classList.toggle("sceplab-failed", region.verdict === "failed");
      chip.addEventListener("mouseenter", () => this.preview(n));
      chip.addEventListener("mouseleave", () => this.preview(-1));
      return chip;
    }));
    this.press(lit);
    roving(this.host);
  }

  /** @param {number} lit */
  press(lit) {
    this.lit = lit;
    [...this.host.children].forEach((chip, n) => chip.setAttribute("aria-pressed", String(n === lit)));
  }
}
