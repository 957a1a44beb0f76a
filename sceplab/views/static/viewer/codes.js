// What each byte of a hex dump is, as one number: a part of a TLV, and marks.

import { GARBAGE, TEXT, TRAILING, lastStart, lastUpTo, tagEnd } from "./scan.js";

/** @import { Scan } from "./scan.js" */

// The part is the number in the lowest two bits, a place in PARTS.
const PART = 3;
const TAG = 1;
const LENGTH = 2;
const CLOSING = 3;
const PARTS = ["value", "tag", "length", "eoc"];

export const SELECTED = 4;
export const HOVERED = 8;
export const REGION = 16;
export const PROOF = 32;
export const CURSOR = 64;
export const CHANGED = 128;

/**
 * The names of classes for a code.
 * @param {number} code
 */
export function classesOf(code) {
  const out = [PARTS[code & PART]];
  if (code & SELECTED) out.push("selected");
  if (code & HOVERED) out.push("hovered");
  if (code & REGION) out.push("region");
  if (code & PROOF) out.push("proof");
  if (code & CURSOR) out.push("cursor");
  if (code & CHANGED) out.push("changed");
  return out.join(" ");
}

/**
 * The codes of the bytes `from` to before `to`: tags, lengths, values and end-of-contents octets.
 * @param {Uint8Array} bytes
 * @param {Scan} tree
 * @param {number} from
 * @param {number} to
 */
export function partsOf(bytes, tree, from, to) {
  const out = new Uint8Array(to - from);
  if (tree.flags[0] & TEXT) return out;
  // 32: a header is shorter, unless somebody pads its length with zeros.
  for (let i = Math.max(0, lastStart(tree, from - 32)); i < tree.count && tree.start[i] < to; i++) {
    if (tree.flags[i] & (GARBAGE | TRAILING)) continue;
    const start = tree.start[i], middle = tagEnd(bytes, start);
    for (let at = Math.max(start, from); at < Math.min(tree.content[i], to); at++) {
      out[at - from] = at < middle ? TAG : LENGTH;
    }
  }
  const { closings } = tree;
  for (let c = Math.max(0, lastUpTo(closings, closings.length, from - 1)); c < closings.length && closings[c] < to; c++) {
    for (const at of [closings[c], closings[c] + 1]) if (at >= from && at < to) out[at - from] = CLOSING;
  }
  return out;
}

/**
 * Mark the bytes `start` to before `end` in the codes of those from `from` on.
 * @param {Uint8Array} codes
 * @param {number} from
 * @param {{ start: number, end: number }} span
 * @param {number} mark
 */
export function paint(codes, from, { start, end }, mark) {
  for (let at = Math.max(start, from); at < Math.min(end, from + codes.length); at++) codes[at - from] |= mark;
}
