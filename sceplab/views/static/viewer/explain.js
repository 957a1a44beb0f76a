// What one byte is, in words.

import { GARBAGE, INDEFINITE, TEXT, TRAILING, deepest, tagEnd } from "./scan.js";
import { hex, tagName } from "./text.js";

/** @import { Buffer, Content } from "./content.js" */

const CLASSES = ["universal", "application", "context", "private"];

/**
 * The byte at an offset: "2058  04  tag: universal 4 OCTET STRING, primitive (00 0 00100) of senderNonce".
 * @param {Content} content
 * @param {Buffer} buffer
 * @param {number} at
 */
export function explain(content, buffer, at) {
  const { tree, bytes, title } = buffer, i = deepest(tree, at);
  if (at < 0 || at >= bytes.length) return "";
  const said = `${at}  ${hex(bytes.subarray(at, at + 1))}  `;
  if (i < 0) return said;
  if (tree.flags[i] & TEXT) return `${said}character ${at + 1} of ${bytes.length} of ${title}`;
  if (tree.flags[i] & (TRAILING | GARBAGE)) return `${said}${tree.flags[i] & TRAILING ? "after the end" : "not ASN.1"}`;
  const start = tree.start[i], from = tree.content[i], end = tree.end[i];
  const name = content.called(buffer, i), behind = tagEnd(bytes, start);
  if (at < behind) return `${said}${at === start ? tagWords(bytes, start) : "tag, continued"} of ${name}`;
  if (at < from) {
    return `${said}${tree.flags[i] & INDEFINITE ? "length: indefinite" : lengthWords(from - behind, end - from)} of ${name}`;
  }
  if (tree.closings.some((c) => at === c || at === c + 1)) return `${said}end of contents of ${name}`;
  return `${said}${name}, byte ${at - from + 1} of ${end - from}`;
}

/**
 * @param {Uint8Array} bytes
 * @param {number} at
 */
function tagWords(bytes, at) {
  const tag = bytes[at], bits = tag.toString(2).padStart(8, "0"), number = tag & 0x1f, kind = CLASSES[tag >> 6];
  const many = number === 0x1f ? "in the bytes that follow" : `${number}`, type = tag < 0x40 ? ` ${tagName(bytes, at)}` : "";
  return `tag: ${kind} ${many}${type}, ${tag & 0x20 ? "constructed" : "primitive"} `
    + `(${bits.slice(0, 2)} ${bits[2]} ${bits.slice(3)})`;
}

/**
 * @param {number} octets
 * @param {number} length
 */
function lengthWords(octets, length) {
  return octets === 1 ? `length: ${length}` : `length: ${length}, written in ${octets} bytes`;
}
