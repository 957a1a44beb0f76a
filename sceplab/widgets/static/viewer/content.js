// What is shown: the buffers of a model with their elements and labels, what is unfolded, what is found.

import { GARBAGE, TEXT, TRAILING, deepest, lastStart, lastUpTo, oneElement, scan } from "./scan.js";
import { ascii, bytesOf, hex, tagName } from "./text.js";

/** @import { BufferState, Label, Model, ViewerState } from "../state.js" */
/** @import { Scan } from "./scan.js" */

/**
 * @typedef {object} Shown what the page knows of a buffer
 * @property {number} index
 * @property {Uint8Array<ArrayBuffer>} bytes
 * @property {Map<number, Label>} labels by offset
 * @property {Set<number>} inside offsets of strings that are scanned as ASN.1, and of trailing bytes
 * @property {Set<number>} asked offsets whose labels were asked for
 * @property {Set<number>} guesses offsets that were opened as a guess
 * @property {Scan} tree
 * @property {Uint8Array} open 1 for each unfolded element
 * @property {Map<number, Uint32Array>} lists the children of elements that were looked at
 */
/** @typedef {BufferState & Shown} Buffer */

/**
 * An element's start, and the byte that was asked for.
 * @typedef {{ buffer: number, offset: number, cursor: number }} Found
 */

/** @typedef {Pick<Model<ViewerState>, "get">} Given */

export class Content {
  /** @param {Given} model */
  constructor(model) {
    const data = bytesOf(model.get("data")), labels = model.get("labels"), openings = model.get("openings");
    /** @type {Buffer[]} */
    this.buffers = model.get("buffers").map((given, index) => {
      const bytes = data.subarray(given.start, given.start + given.length), inside = new Set(openings[index] ?? []);
      const tree = treeOf(given, bytes, inside);
      return {
        ...given, index, bytes, inside, tree,
        labels: new Map((labels[index] ?? []).map((label) => [label.start, label])),
        asked: new Set(),
        guesses: new Set(),
        open: new Uint8Array(tree.count),
        lists: new Map(),
      };
    });
    /** @type {Map<string, Buffer[]>} */
    this.attached = new Map();
    for (const buffer of this.buffers) {
      if (buffer.parent === null) continue;
      const key = `${buffer.parent}:${buffer.at}`;
      this.attached.set(key, [...(this.attached.get(key) ?? []), buffer]);
    }
  }

  /**
   * Scan anew, for other strings inside; what is unfolded stays so.
   * @param {Buffer} buffer
   */
  rescan(buffer) {
    const before = buffer.tree, open = buffer.open;
    buffer.tree = treeOf(buffer, buffer.bytes, buffer.inside);
    buffer.open = new Uint8Array(buffer.tree.count);
    buffer.lists.clear();
    for (let i = 0; i < before.count; i++) {
      if (!open[i]) continue;
      const now = lastStart(buffer.tree, before.start[i]);
      if (now >= 0 && buffer.tree.start[now] === before.start[i]) buffer.open[now] = 1;
    }
  }

  /**
   * Scan a string's content, or bytes behind the end, and unfold it.
   * @param {Buffer} buffer
   * @param {number} at
   */
  openAt(buffer, at) {
    buffer.inside.add(at);
    this.rescan(buffer);
    buffer.open[lastStart(buffer.tree, at)] = 1;
  }

  /**
   * The buffers that were made from an element.
   * @param {Buffer} buffer
   * @param {number} i
   */
  attachedTo(buffer, i) {
    return this.attached.size ? this.attached.get(`${buffer.index}:${buffer.tree.start[i]}`) ?? [] : [];
  }

  /**
   * The buffer and element that a buffer was made from, or null.
   * @param {Buffer} buffer
   */
  origin(buffer) {
    if (buffer.parent === null) return null;
    const above = this.buffers[buffer.parent];
    return { buffer: above, i: lastStart(above.tree, buffer.at) };
  }

  /**
   * @param {Buffer} buffer
   * @param {number} i
   */
  expandable(buffer, i) {
    return buffer.tree.after[i] > i + 1 || Boolean(buffer.tree.flags[i] & TRAILING) || this.attachedTo(buffer, i).length > 0;
  }

  /**
   * Python's label of an element, or what can be said without.
   * @param {Buffer} buffer
   * @param {number} i
   * @returns {Label}
   */
  label(buffer, i) {
    const tree = buffer.tree, start = tree.start[i], length = tree.end[i] - start, flags = tree.flags[i];
    const bare = { start, type: "", value: "", section: "", link: "" };
    if (flags & TEXT) {
      return { ...bare, name: buffer.title, type: "text", value: ascii(buffer.bytes.subarray(0, 60)), step: buffer.title };
    }
    if (flags & TRAILING) {
      return { ...bare, name: "trailing bytes", value: `${length} bytes behind the end: open to read on`, step: "" };
    }
    const known = buffer.labels.get(start);
    if (known) return known;
    const name = flags & GARBAGE ? "not ASN.1" : tagName(buffer.bytes, start);
    const content = buffer.bytes.subarray(tree.content[i], tree.end[i]);
    const value = hex(content.subarray(0, 16)) + (content.length > 16 ? " ..." : "");
    return { ...bare, name, value: tree.after[i] > i + 1 ? "" : value, step: name, guess: this.guessed(buffer, i) };
  }

  /**
   * @param {Buffer} buffer
   * @param {number} i
   */
  guessed(buffer, i) {
    for (let up = i; up >= 0 && buffer.guesses.size; up = buffer.tree.parent[up]) {
      if (buffer.guesses.has(buffer.tree.start[up])) return true;
    }
    return false;
  }

  /**
   * @param {Buffer} buffer
   * @param {number} i
   */
  path(buffer, i) {
    const steps = [];
    for (let up = i; up > 0; up = buffer.tree.parent[up]) steps.unshift(this.label(buffer, up).step);
    return steps.filter(Boolean).join(".") || this.label(buffer, i).name;
  }

  /**
   * The position of an element among its siblings, from 1, and how many they are.
   * @param {Buffer} buffer
   * @param {number} i
   */
  place(buffer, i) {
    const tree = buffer.tree, parent = tree.parent[i];
    let list = buffer.lists.get(parent);
    if (!list) {
      list = Uint32Array.from(children(tree, parent));
      buffer.lists.set(parent, list);
    }
    return { position: lastUpTo(list, list.length, i) + 1, size: list.length };
  }

  /**
   * Unfold all above a depth, and fold all below.
   * @param {number} depth
   */
  expandTo(depth) {
    for (const buffer of this.buffers) {
      const { tree, open } = buffer, base = this.baseDepth(buffer);
      for (let i = 0; i < tree.count; i++) open[i] = tree.depth[i] + base < depth && !(tree.flags[i] & TRAILING) ? 1 : 0;
    }
  }

  /**
   * Unfold an element and its siblings.
   * @param {Buffer} buffer
   * @param {number} i
   */
  openSiblings({ tree, open }, i) {
    for (const child of children(tree, tree.parent[i])) if (!(tree.flags[child] & TRAILING)) open[child] = 1;
  }

  /**
   * How deep the outermost element of a buffer is in the tree of all buffers.
   * @param {Buffer} buffer
   * @returns {number}
   */
  baseDepth(buffer) {
    const origin = this.origin(buffer);
    return origin ? this.baseDepth(origin.buffer) + origin.buffer.tree.depth[Math.max(origin.i, 0)] + 1 : 0;
  }

  /** The rows that are unfolded: the number of the buffer, and of the element, of each. */
  rows() {
    /** @type {number[]} */
    const owners = [];
    /** @type {number[]} */
    const nodes = [];
    /** @param {Buffer} buffer */
    const emit = (buffer) => {
      const { tree, open } = buffer, any = this.attached.size > 0;
      for (let i = 0; i < tree.count;) {
        owners.push(buffer.index);
        nodes.push(i);
        if (!open[i]) { i = tree.after[i]; continue; }
        if (any) this.attachedTo(buffer, i).forEach(emit);
        i += 1;
      }
    };
    this.buffers.filter((b) => b.parent === null).forEach(emit);
    return { owners, nodes };
  }

  /**
   * Unfold all that holds an element.
   * @param {Buffer} buffer
   * @param {number} i
   */
  uncover(buffer, i) {
    for (let up = buffer.tree.parent[i]; up >= 0; up = buffer.tree.parent[up]) buffer.open[up] = 1;
    const origin = this.origin(buffer);
    if (!origin || origin.i < 0) return;
    origin.buffer.open[origin.i] = 1;
    this.uncover(origin.buffer, origin.i);
  }

  /**
   * The elements with a text, or with bytes written in hex, in order.
   * @param {string} text
   * @param {number} most
   * @returns {Found[]}
   */
  search(text, most = 1000) {
    const wanted = text.toLowerCase(), found = /** @type {Map<number, Found>} */ (new Map());
    /**
     * @param {Buffer} buffer
     * @param {number} i
     */
    const add = (buffer, i) => {
      const offset = buffer.tree.start[i];
      if (i >= 0) found.set(buffer.index * 2 ** 32 + offset, { buffer: buffer.index, offset, cursor: offset });
    };
    const patterns = [new TextEncoder().encode(text)];
    const pairs = text.replace(/[\s:]/g, "");
    if (/^([0-9a-f]{2}){2,}$/i.test(pairs)) {
      patterns.push(Uint8Array.from(pairs.match(/../g) ?? [], (pair) => parseInt(pair, 16)));
    }
    for (const buffer of this.buffers) {
      for (const { start, name, type, value } of buffer.labels.values()) {
        if (found.size >= most) break;
        if (![name, type, value].some((part) => part.toLowerCase().includes(wanted))) continue;
        add(buffer, lastStart(buffer.tree, start));
      }
      for (const pattern of patterns) {
        for (let at = buffer.bytes.indexOf(pattern[0]); at >= 0 && found.size < most;) {
          let same = 1;
          while (same < pattern.length && buffer.bytes[at + same] === pattern[same]) same++;
          if (same === pattern.length && same > 1) add(buffer, deepest(buffer.tree, at));
          at = buffer.bytes.indexOf(pattern[0], at + 1);
        }
      }
    }
    return [...found.entries()].sort((a, b) => a[0] - b[0]).map((entry) => entry[1]);
  }

  /**
   * The element at an offset (in the buffer `current`) or a path, or null.
   * @param {string} text
   * @param {number} current
   * @returns {Found | null}
   */
  resolve(text, current) {
    const wanted = text.trim().toLowerCase();
    if (/^(0x[0-9a-f]+|\d+)$/.test(wanted)) {
      const cursor = Number(wanted), { tree } = this.buffers[current], i = deepest(tree, cursor);
      return i < 0 ? null : { buffer: current, offset: tree.start[i], cursor };
    }
    const order = [this.buffers[current], ...this.buffers.filter((b) => b.index !== current)];
    for (const exact of [true, false]) {
      for (const buffer of order) {
        for (const { start } of buffer.labels.values()) {
          const path = this.path(buffer, lastStart(buffer.tree, start)).toLowerCase();
          if (path === wanted || (!exact && path.endsWith(`.${wanted}`))) {
            return { buffer: buffer.index, offset: start, cursor: start };
          }
        }
      }
    }
    return null;
  }
}

/**
 * @param {BufferState} buffer
 * @param {Uint8Array} bytes
 * @param {Set<number>} inside
 */
function treeOf(buffer, bytes, inside) {
  return buffer.type === "text" ? oneElement(bytes.length, TEXT) : scan(bytes, inside);
}

/**
 * The elements directly inside of one, or the outermost ones (-1).
 * @param {Scan} tree
 * @param {number} parent
 */
function children(tree, parent) {
  const found = [], stop = parent < 0 ? tree.count : tree.after[parent];
  for (let child = parent + 1; child < stop; child = tree.after[child]) found.push(child);
  return found;
}
