// What a page holds: packs of exchanges, each unpacked when it is first looked at. The twin of sceplab/views/packing.py.

import { base64 } from "../viewer/text.js";

/** @import { DiffState, Label, LabelKind, LabelsFound, PackedDiff, PackedView } from "../state.js" */
/** @import { PageExchange, PageState, TextForm, ViewerState } from "../state.js" */

/** @typedef {{ exchange: PageExchange, bytes: Uint8Array<ArrayBuffer> }} Unpacked an exchange with the bytes of its pack */

export class Book {
  /**
   * @param {PageState} state
   * @param {string[]} packs
   */
  constructor(state, packs) {
    this.state = state;
    this.packs = packs;
    /** @type {Map<number, number>} the pack of each exchange */
    this.places = new Map(state.packs.flatMap((held, pack) => held.map((number) => [number, pack])));
    /** @type {Map<number, Promise<Map<number, Unpacked>>>} */
    this.open = new Map();
  }

  /**
   * The book that a page holds.
   * @param {Document} page
   */
  static async of(page) {
    const index = page.querySelector("#sceplab-index")?.textContent ?? "";
    const state = JSON.parse(new TextDecoder().decode(await unpacked(index)));
    return new Book(state, [...page.querySelectorAll(".sceplab-pack")].map((pack) => pack.textContent ?? ""));
  }

  /**
   * An exchange, or undefined where the page holds no more of it than its arrows.
   * @param {number} number
   */
  async exchange(number) {
    const pack = this.places.get(number);
    if (pack === undefined) return undefined;
    const opened = this.open.get(pack) ?? this.unpack(pack);
    this.open.set(pack, opened);
    return (await opened).get(number);
  }

  /** @param {number} pack */
  async unpack(pack) {
    const all = await unpacked(this.packs[pack]);
    const size = new DataView(all.buffer).getUint32(0), bytes = all.subarray(4 + size);
    /** @type {PageExchange[]} */
    const exchanges = JSON.parse(new TextDecoder().decode(all.subarray(4, 4 + size)));
    return new Map(exchanges.map((exchange, n) => [this.state.packs[pack][n], { exchange, bytes }]));
  }
}

/**
 * Data from text: base64 of a raw deflate stream.
 * @param {string} text
 */
export async function unpacked(text) {
  const pressed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([pressed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * The state of a viewer, and the labels that are given when they are asked for.
 * @param {PackedView} packed
 * @param {LabelKind[]} kinds
 * @param {Uint8Array<ArrayBuffer>} bytes of its pack
 * @returns {{ state: ViewerState, later: LabelsFound[] }}
 */
export function viewerState(packed, kinds, bytes) {
  const { title, buffers, openings, regions, stations, facts, selected, lit, open_depth, wrappers, changed, checks } = packed;
  const kept = bytes.subarray(packed.at, packed.at + packed.length);
  const data = packed.text ? joined(written(packed.text, kept.subarray(0, buffers[1].length)), kept) : kept;
  const parts = buffers.map(({ start, length }) => data.subarray(start, start + length));
  /** @type {ViewerState} */
  const state = {
    view: "viewer", title, data: viewOf(data), buffers, openings, regions, stations, facts, open_depth, wrappers, changed, checks,
    labels: packed.labels.map((rows, n) => labelsOf(rows, kinds, parts[n])),
    selected, lit, editable: false, can_undo: false, problem: "", revision: 0,
  };
  /** @type {LabelsFound[]} */
  const later = packed.later.flatMap((rows, buffer) => {
    if (!rows.length) return [];
    return [{ kind: "labels", buffer, labels: labelsOf(rows, kinds, parts[buffer]), openings: packed.opened_later[buffer] }];
  });
  return { state, later };
}

/**
 * The state of a comparison.
 * @param {PackedDiff} packed
 * @param {Uint8Array<ArrayBuffer>} bytes of its pack
 * @returns {DiffState}
 */
export function diffState({ titles, likenesses, rows, selected, at, split, length }, bytes) {
  const first = viewOf(bytes.subarray(at, at + split)), second = viewOf(bytes.subarray(at + split, at + length));
  return { view: "diff", first, second, titles, likenesses, rows, selected };
}

/**
 * @param {unknown[][]} rows
 * @param {LabelKind[]} kinds
 * @param {Uint8Array} bytes
 * @returns {Label[]}
 */
function labelsOf(rows, kinds, bytes) {
  let start = 0;
  return rows.map((row) => {
    const [step, kind, header, told] = /** @type {[number, number, string, string | [number, number]]} */ (row);
    start += step;
    const value = typeof told === "string" ? told : pairs(bytes.subarray(start + told[0], start + told[0] + told[1]));
    return { ...kinds[kind], start, value, ...(header ? { header } : {}) };
  });
}

/** @param {Uint8Array} bytes */
function pairs(bytes) {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join(" ");
}

/**
 * Bytes as base64 text in a form.
 * @param {TextForm} form
 * @param {Uint8Array} bytes
 */
export function written({ escapes, line, between, end }, bytes) {
  const plain = base64(bytes), escaped = new Map(escapes.map(([character, escape]) => [character, escape]));
  const lines = line ? plain.match(new RegExp(`.{1,${line}}`, "g")) ?? [] : [plain];
  const text = lines.map((part) => (escaped.size ? part.replace(/[+/=]/g, (c) => escaped.get(c) ?? c) : part)).join(between);
  return Uint8Array.from(text + end, (c) => c.charCodeAt(0));
}

/**
 * @param {Uint8Array} one
 * @param {Uint8Array} other
 */
function joined(one, other) {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
function viewOf(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
