// What is shown: the buffers of a model with their elements and labels, what is unfolded, what is found.

import { foldOf } from "./fold.js";
import { GARBAGE, OPENED, TEXT, TRAILING, deepest, lastStart, lastUpTo, oneElement, scan } from "./scan.js";
import { ascii, bytesOf, hex, tagName } from "./text.js";

/** @import { BufferState, Label, Model, ViewerState } from "../state.js" */
/** @import { Fold } from "./fold.js" */
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
 * @property {Set<number>} spread offsets of the rows that show all that only wraps them
 * @property {Fold | null} fold null where every element has a row
 */
/** @typedef {Omit<BufferState, "parent"> & { parent: number | null } & Shown} Buffer */

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
        ...given, parent: given.parent ?? null, // Python's None may arrive as undefined
        index, bytes, inside, tree,
        labels: new Map((labels[index] ?? []).map((label) => [label.start, label])),
        asked: new Set(),
        guesses: new Set(),
        open: new Uint8Array(tree.count),
        lists: new Map(),
        spread: new Set(),
        fold: null,
      };
    });
    this.wrappers = model.get("wrappers");
    this.buffers.forEach((buffer) => this.refold(buffer));
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
    this.refold(buffer);
    for (let i = 0; i < before.count; i++) {
      if (!open[i]) continue;
      const now = lastStart(buffer.tree, before.start[i]);
      if (now >= 0 && buffer.tree.start[now] === before.start[i]) buffer.open[now] = 1;
    }
  }

  /**
   * Find anew what the short tree leaves out. (A large buffer has not all its labels: there every element has a row.)
   * @param {Buffer} buffer
   */
  refold(buffer) {
    const { tree, labels, spread } = buffer;
    buffer.fold = this.wrappers || !buffer.complete ? null : foldOf(tree, labels, spread);
    buffer.lists.clear();
  }

  /**
   * Show every element, or leave out those that only wrap another.
   * @param {boolean} wrappers
   */
  showWrappers(wrappers) {
    this.wrappers = wrappers;
    this.buffers.forEach((buffer) => this.refold(buffer));
  }

  /**
   * Show what only wraps the element of a row, or leave it out again.
   * @param {Buffer} buffer
   * @param {number} i
   */
  spread(buffer, i) {
    const at = buffer.tree.start[i];
    if (!buffer.spread.delete(at)) buffer.spread.add(at);
    this.refold(buffer);
  }

  /**
   * The element whose row stands for one.
   * @param {Buffer} buffer
   * @param {number} i
   */
  home({ fold }, i) { return fold ? fold.home[i] : i; }

  /**
   * The element whose row holds the one of an element in the same buffer, or -1.
   * @param {Buffer} buffer
   * @param {number} i
   */
  above({ tree, fold }, i) {
    let up = tree.parent[i];
    while (up >= 0 && fold?.hidden[up]) up = tree.parent[up];
    return up;
  }

  /**
   * How deep the row of an element is.
   * @param {Buffer} buffer
   * @param {number} i
   */
  depth(buffer, i) {
    return this.baseDepth(buffer) + (buffer.fold ? buffer.fold.level[i] : buffer.tree.depth[i]);
  }

  /**
   * The elements whose rows are directly under that of one, or the outermost ones (-1).
   * @param {Buffer} buffer
   * @param {number} parent
   */
  inside({ tree, fold }, parent) {
    const found = [], stop = parent < 0 ? tree.count : tree.after[parent];
    for (let child = parent + 1; child < stop;) {
      if (fold?.hidden[child]) { child += 1; continue; }
      found.push(child);
      child = tree.after[child];
    }
    return found;
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
    const { tree, fold } = buffer;
    let first = i + 1;
    while (first < tree.after[i] && fold?.hidden[first]) first++;
    return first < tree.after[i] || Boolean(tree.flags[i] & TRAILING) || this.attachedTo(buffer, i).length > 0;
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
      return { ...bare, name: "trailing bytes", value: `${length} bytes after the end: open to read them`, step: "" };
    }
    const known = buffer.labels.get(start);
    if (known) return known;
    const name = flags & GARBAGE ? "not ASN.1" : tagName(buffer.bytes, start);
    const content = buffer.bytes.subarray(tree.content[i], tree.end[i]);
    const value = hex(content.subarray(0, 16)) + (content.length > 16 ? " ..." : "");
    return { ...bare, name, value: tree.after[i] > i + 1 ? "" : value, step: name, guess: this.guessed(buffer, i) };
  }

  /**
   * The name of an element in its row.
   * @param {Buffer} buffer
   * @param {number} i
   */
  called(buffer, i) {
    const { name, called } = this.label(buffer, i), { fold } = buffer;
    return fold && !buffer.spread.has(buffer.tree.start[i]) ? called ?? name : name;
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
    const parent = this.above(buffer, i);
    let list = buffer.lists.get(parent);
    if (!list) {
      list = Uint32Array.from(this.inside(buffer, parent));
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
      const { tree, open, fold } = buffer, base = this.baseDepth(buffer), level = fold ? fold.level : tree.depth;
      for (let i = 0; i < tree.count; i++) open[i] = level[i] + base < depth && !(tree.flags[i] & TRAILING) ? 1 : 0;
    }
  }

  /**
   * Unfold what holds some places, then level by level as much as makes a number of rows. What says
   * in its own row what is inside (a name, an algorithm) stays folded.
   * @param {{ buffer: number, offset: number }[]} places
   * @param {number} most rows
   */
  openFor(places, most) {
    this.expandTo(0);
    for (const { buffer: index, offset } of places) {
      const buffer = this.buffers[index], i = buffer ? deepest(buffer.tree, offset) : -1;
      if (i >= 0) this.uncover(buffer, this.home(buffer, i));
    }
    let rows = this.rows().nodes.length;
    const outermost = this.buffers.filter((b) => b.parent === null);
    const waiting = outermost.flatMap((buffer) => this.inside(buffer, -1).map((i) => ({ buffer, i })));
    for (let next = 0; next < waiting.length && rows < most; next++) {
      const { buffer, i } = waiting[next], { tree, open } = buffer;
      const made = this.attachedTo(buffer, i), flags = tree.flags[i];
      const said = flags & TRAILING || (this.label(buffer, i).value && !(flags & OPENED) && !made.length);
      if (said && !open[i]) continue;
      const inside = [buffer, ...made].flatMap((b) => this.inside(b, b === buffer ? i : -1).map((n) => ({ buffer: b, i: n })));
      if (!open[i] && rows + inside.length > most) continue;
      if (!open[i]) rows += inside.length;
      open[i] = 1;
      waiting.push(...inside);
    }
  }

  /**
   * Unfold an element and its siblings.
   * @param {Buffer} buffer
   * @param {number} i
   */
  openSiblings(buffer, i) {
    const { tree, open } = buffer;
    for (const child of this.inside(buffer, this.above(buffer, i))) if (!(tree.flags[child] & TRAILING)) open[child] = 1;
  }

  /**
   * How deep the outermost element of a buffer is in the tree of all buffers.
   * @param {Buffer} buffer
   * @returns {number}
   */
  baseDepth(buffer) {
    const origin = this.origin(buffer);
    return origin ? this.depth(origin.buffer, Math.max(origin.i, 0)) + 1 : 0;
  }

  /** The rows that are unfolded: the number of the buffer, and of the element, of each. */
  rows() {
    /** @type {number[]} */
    const owners = [];
    /** @type {number[]} */
    const nodes = [];
    /** @param {Buffer} buffer */
    const emit = (buffer) => {
      const { tree, open, fold } = buffer, any = this.attached.size > 0;
      for (let i = 0; i < tree.count;) {
        if (fold?.hidden[i]) { i += 1; continue; }
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
      const offset = buffer.tree.start[this.home(buffer, i)];
      if (i >= 0) found.set(buffer.index * 2 ** 32 + offset, { buffer: buffer.index, offset, cursor: offset });
    };
    if (/^hex\b/i.test(text)) text = text.slice(3).trim();
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
   * What an offset or a path leads to, then what has a text, or bytes written in hex.
   * @param {string} text
   * @param {number} current the buffer that an offset is one of
   * @param {number} most
   * @returns {Found[]}
   */
  look(text, current, most) {
    const place = this.resolve(text, current), found = text.length > 1 ? this.search(text, most) : [];
    if (!place) return found;
    return [place, ...found.filter(({ buffer, offset }) => buffer !== place.buffer || offset !== place.offset)];
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
          const i = lastStart(buffer.tree, start), path = this.path(buffer, i).toLowerCase();
          if (path === wanted || (!exact && path.endsWith(`.${wanted}`))) {
            const offset = buffer.tree.start[this.home(buffer, i)]; // in a short tree the value, not what wraps it
            return { buffer: buffer.index, offset, cursor: offset };
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
