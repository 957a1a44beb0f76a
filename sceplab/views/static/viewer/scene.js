// What a viewer shows, without the page: the selected element, the one under the mouse, the lit region.

import { CHANGED, HOVERED, PROOF, REGION, SELECTED, paint, partsOf } from "./codes.js";
import { Content } from "./content.js";
import { GARBAGE, TEXT, TRAILING, deepest } from "./scan.js";

/** @import { Span } from "../state.js" */
/** @import { Given } from "./content.js" */

/**
 * An element: the number of its buffer, and its index there.
 * @typedef {{ buffer: number, i: number }} Element
 */

export class Scene {
  /** @param {Given} model */
  constructor(model) {
    this.model = model;
    this.content = new Content(model);
    /** The number of the buffer whose bytes are shown. */
    this.current = 0;
    /** @type {Element | null} */
    this.selected = null;
    /** @type {Element | null} */
    this.hovered = null;
    this.lit = model.get("lit");
    /** The number of the region that a chip under the mouse stands for, or -1. */
    this.preview = -1;
    /** @type {Set<string>} the elements that a search found */
    this.found = new Set();
  }

  /** @param {{ buffer: number, offset: number }[]} hits */
  keep(hits) {
    this.found = new Set(hits.map(({ buffer, offset }) => `${buffer}:${offset}`));
  }

  /** Take the model's buffers anew; what was unfolded stays so. */
  renew() {
    const before = this.content;
    this.content = new Content(this.model);
    for (const buffer of this.content.buffers) {
      const old = before.buffers[buffer.index];
      if (old) buffer.open.set(old.open.subarray(0, buffer.tree.count));
      else buffer.open[0] = 1;
    }
    this.selected = null;
  }

  /**
   * The buffer of an element, with its index and where it starts and ends.
   * @param {Element} element
   */
  look({ buffer: index, i }) {
    const buffer = this.content.buffers[index];
    return { buffer, i, start: buffer.tree.start[i], end: buffer.tree.end[i] };
  }

  /**
   * Whether an element may be a string with ASN.1 inside that was not opened yet.
   * @param {Element} element
   */
  mayHold(element) {
    const { buffer, i, start, end } = this.look(element), { tree, bytes } = buffer;
    // An OCTET STRING, a BIT STRING, or what an IMPLICIT tag may hide one of.
    const string = bytes[start] === 3 || bytes[start] === 4 || (bytes[start] & 0xe0) === 0x80;
    const leaf = tree.after[i] === i + 1 && !(tree.flags[i] & (TEXT | TRAILING | GARBAGE));
    return string && leaf && end - tree.content[i] >= 2 && !this.content.attachedTo(buffer, i).length;
  }

  /** What is lit, if anything is. */
  get region() { return this.model.get("regions")[this.preview < 0 ? this.lit : this.preview]; }

  /**
   * "region" or "proof" where an element is inside of what is lit.
   * @param {Element} element
   */
  mark(element) {
    const region = this.region;
    if (!region) return "";
    const here = this.span(element);
    if (region.proof && within(here, region.proof)) return "proof";
    return region.spans.some((span) => within(here, span)) ? "region" : "";
  }

  /**
   * The regions that an element is inside of.
   * @param {Element} element
   */
  covering(element) {
    const here = this.span(element);
    return this.model.get("regions").filter(({ spans }) => spans.some((span) => within(here, span)));
  }

  /** The number of the last station that the selected element is inside of, or -1. */
  station() {
    if (!this.selected) return -1;
    const here = this.span(this.selected);
    return this.model.get("stations").findLastIndex(({ buffer, offset }) => {
      const { tree } = this.content.buffers[buffer];
      return within(here, { buffer, start: offset, end: tree.end[deepest(tree, offset)] });
    });
  }

  /**
   * The codes (see codes.js) of the bytes `from` to before `to` of the buffer that is shown.
   * @param {number} from
   * @param {number} to
   */
  codes(from, to) {
    const { bytes, tree } = this.content.buffers[this.current];
    const codes = partsOf(bytes, tree, from, to);
    /**
     * @param {Span | null} span
     * @param {number} bit
     */
    const mark = (span, bit) => { if (span?.buffer === this.current) paint(codes, from, span, bit); };
    if (this.selected) mark(this.span(this.selected), SELECTED);
    if (this.hovered) mark(this.span(this.hovered), HOVERED);
    const region = this.region;
    if (region) {
      region.spans.forEach((span) => mark(span, REGION));
      mark(region.proof, PROOF);
    }
    this.model.get("changed").forEach((span) => mark(span, CHANGED));
    return codes;
  }

  /**
   * @param {Element} element
   * @returns {Span}
   */
  span({ buffer, i }) {
    const { tree } = this.content.buffers[buffer];
    return { buffer, start: tree.start[i], end: tree.end[i] };
  }
}

/**
 * @param {Element | null} one
 * @param {Element | null} other
 */
export function same(one, other) {
  return one === other || (one !== null && other !== null && one.buffer === other.buffer && one.i === other.i);
}

/**
 * @param {Span} inner
 * @param {Span} outer
 */
function within(inner, outer) {
  return inner.buffer === outer.buffer && outer.start <= inner.start && inner.end <= outer.end;
}
