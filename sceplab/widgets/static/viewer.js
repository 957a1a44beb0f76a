// The live views of ASN.1: a tree and its octets as one (Asn1Viewer), two structures
// beside each other (Asn1Diff). One file without a build step, as anywidget wants it.
//
// Rules: only what can be seen is in the page (rows are made for the window and made
// anew), so that ten megabytes cost what three kilobytes cost. The tree's shape is
// scanned here, names come from Python as labels by offset: all of them for a message,
// those in sight for a large file. Text from anywhere reaches the page as text nodes,
// never as markup. State that a cell may use is in the model, the rest is the view's.

/** @typedef {{start: Uint32Array, content: Uint32Array, end: Uint32Array, parent: Int32Array,
 *   after: Uint32Array, depth: Uint16Array, flags: Uint16Array, closings: number[], count: number}} Scan */

export const INDEFINITE = 1, LONG_LENGTH = 2, CUT = 4, GARBAGE = 8, STRAY_EOC = 16;
export const OPENED = 32, TRAILING = 64, DEEP = 128, TEXT = 256;

const MAX_DEPTH = 200;
const MAX_NODES = 4_000_000;

/**
 * Scan BER or DER into columns: the twin of sceplab.scan.scan, flag for flag.
 * @param {Uint8Array} bytes
 * @param {Set<number>} inside offsets of strings whose content is ASN.1, and of trailing octets to go on with
 * @returns {Scan}
 */
export function scan(bytes, inside = new Set(), maxDepth = MAX_DEPTH, maxNodes = MAX_NODES) {
  let room = Math.min(Math.max(64, bytes.length >> 3), maxNodes);
  let start = new Uint32Array(room), content = new Uint32Array(room), end = new Uint32Array(room);
  let parent = new Int32Array(room), after = new Uint32Array(room);
  let depths = new Uint16Array(room), flags = new Uint16Array(room);
  const closings = [];
  const grow = (old) => {
    const larger = new old.constructor(room);
    larger.set(old);
    return larger;
  };
  const size = bytes.length;
  let limit = size, pos = 0, up = -1, count = 0;
  const limits = [], parents = [];
  const ends = new Map();
  for (;;) {
    while (pos >= limit && up >= 0) {
      after[up] = count;
      if (flags[up] & INDEFINITE && end[up] > limit) {
        end[up] = limit;
        flags[up] |= CUT;
      }
      limit = limits.pop();
      up = parents.pop();
    }
    if (pos >= size || count >= maxNodes) break;
    const tag = bytes[pos];
    let here = pos + 2, flag = 0, stop;
    const length = here <= limit ? bytes[pos + 1] : 0xff;
    if (length < 0x80 && (tag & 0x1f) !== 0x1f && tag) {
      stop = here + length;
      if (stop > limit) { stop = limit; flag = CUT; }
    } else if (!tag && length === 0) {
      if (up >= 0 && flags[up] & INDEFINITE && !(flags[up] & CUT)) {
        closings.push(pos);
        pos += 2;
        after[up] = count;
        end[up] = pos;
        limit = limits.pop();
        up = parents.pop();
        continue;
      }
      stop = here;
      flag = STRAY_EOC;
    } else {
      [here, stop, flag] = header(bytes, pos, limit);
      if (flag & INDEFINITE && limits.length >= maxDepth) {
        if (!ends.has(pos)) findEnds(bytes, pos, here, limit, ends);
        [stop, flag] = ends.get(pos);
      }
    }
    if (up < 0 && count && !inside.has(pos)) { here = pos; stop = size; flag = TRAILING; }
    if (count === room) {
      room = Math.min(room * 2, maxNodes);
      start = grow(start); content = grow(content); end = grow(end);
      parent = grow(parent); after = grow(after); depths = grow(depths); flags = grow(flags);
    }
    const sound = !(flag & (GARBAGE | TRAILING));
    let goIn = sound && tag & 0x20;
    if (sound && !goIn && inside.has(pos) && (up >= 0 || !count)) {
      goIn = 1;
      flag |= OPENED;
      if (tag === 3 && here < stop) here += 1;
    }
    start[count] = pos;
    content[count] = here;
    end[count] = stop;
    parent[count] = up;
    depths[count] = limits.length;
    count += 1;
    after[count - 1] = count;
    if (goIn) {
      if (limits.length < maxDepth) {
        flags[count - 1] = flag;
        limits.push(limit);
        parents.push(up);
        up = count - 1;
        if (flag & INDEFINITE) end[up] = limit + 1;
        else limit = stop;
        pos = here;
        continue;
      }
      flag |= DEEP;
    }
    flags[count - 1] = flag;
    pos = stop;
  }
  while (up >= 0) {
    after[up] = count;
    end[up] = Math.min(end[up], limit);
    limit = limits.pop();
    up = parents.pop();
  }
  return { start, content, end, parent, after, depth: depths, flags, closings, count };
}

function header(bytes, pos, limit) {
  const garbage = [pos, limit, GARBAGE];
  let here = pos + 1;
  if (here >= limit) return garbage;
  if ((bytes[pos] & 0x1f) === 0x1f) {
    while (here < limit && bytes[here] & 0x80) here += 1;
    here += 1;
    if (here >= limit || here - pos > 9) return garbage;
  }
  let length = bytes[here];
  here += 1;
  let flags = 0;
  if (length === 0x80) return bytes[pos] & 0x20 ? [here, limit, INDEFINITE] : garbage;
  if (length > 0x80) {
    const octets = length & 0x7f;
    if (length === 0xff || here + octets > limit) return garbage;
    length = 0;
    for (let i = 0; i < octets; i++) length = length * 256 + bytes[here + i];
    if (length < 0x80 || !bytes[here]) flags = LONG_LENGTH;
    here += octets;
  } else if (!length && !bytes[pos]) {
    flags = STRAY_EOC;
  }
  const stop = here + length;
  return stop > limit ? [here, limit, flags | CUT] : [here, stop, flags];
}

function findEnds(bytes, from, pos, limit, ends) {
  const waiting = [from];
  while (waiting.length && pos < limit) {
    if (!bytes[pos] && bytes[pos + 1] === 0 && pos + 2 <= limit) {
      ends.set(waiting.pop(), [pos + 2, INDEFINITE]);
      pos += 2;
      continue;
    }
    const [content, stop, flags] = header(bytes, pos, limit);
    if (flags & INDEFINITE) { waiting.push(pos); pos = content; } else pos = stop;
  }
  for (const left of waiting) ends.set(left, [limit, INDEFINITE | CUT]);
}

/** The index of the last of `count` ascending values that is not above `wanted`, or -1. */
export function lastUpTo(values, count, wanted) {
  let low = 0, high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= wanted) low = middle + 1; else high = middle;
  }
  return low - 1;
}

/** The index of the deepest element that contains the octet, or -1. */
export function deepest(tree, offset) {
  let i = lastUpTo(tree.start, tree.count, offset);
  while (i >= 0 && tree.end[i] <= offset) i = tree.parent[i];
  return i;
}

const TAGS = {
  1: "BOOLEAN", 2: "INTEGER", 3: "BIT STRING", 4: "OCTET STRING", 5: "NULL", 6: "OBJECT IDENTIFIER", 10: "ENUMERATED",
  12: "UTF8String", 16: "SEQUENCE", 17: "SET", 18: "NumericString", 19: "PrintableString", 20: "T61String",
  22: "IA5String", 23: "UTCTime", 24: "GeneralizedTime", 26: "VisibleString", 28: "UniversalString", 30: "BMPString",
};

export function tagName(bytes, at) {
  const first = bytes[at];
  let number = first & 0x1f;
  if (number === 0x1f) {
    number = 0;
    for (let i = at + 1; i < bytes.length && i < at + 9; i++) {
      number = number * 128 + (bytes[i] & 0x7f);
      if (!(bytes[i] & 0x80)) break;
    }
  }
  const kind = ["UNIVERSAL ", "APPLICATION ", "", "PRIVATE "][first >> 6];
  return first < 0x40 && TAGS[number] ? TAGS[number] : `[${kind}${number}]`;
}

// ------------------------------------------------------------------ small things

const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join(" ");
const ascii = (bytes) => Array.from(bytes, (b) => (b >= 0x20 && b < 0x7f ? String.fromCharCode(b) : ".")).join("");

export function base64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 0x6000) text += String.fromCharCode(...bytes.subarray(i, i + 0x6000));
  return btoa(text);
}

const PEM = {
  Certificate: "CERTIFICATE", CertificationRequest: "CERTIFICATE REQUEST", ContentInfo: "CMS",
  CertificateList: "X509 CRL", SubjectPublicKeyInfo: "PUBLIC KEY",
};

function pem(bytes, type) {
  const label = PEM[type] ?? type.toUpperCase();
  return `-----BEGIN ${label}-----\n${base64(bytes).match(/.{1,64}/g)?.join("\n") ?? ""}\n-----END ${label}-----\n`;
}

/** Make an element: names of classes, attributes, children (strings become text). */
function make(kind, classes = "", attributes = {}, ...children) {
  const element = document.createElement(kind);
  if (classes) element.className = classes.split(" ").map((c) => `sceplab-${c}`).join(" ");
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const octetsOf = (view) => view ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : new Uint8Array();

let views = 0; // Only for ids that are unique in the page.

/** Browsers lose precision beyond some ten million pixels: longer lists scroll by proportion. */
const TALLEST = 8_000_000;

/** A list of rows of one height, of which those in sight exist. */
class Rows {
  constructor(host, height, draw, resized) {
    this.host = host;
    this.height = height;
    this.draw = draw;
    this.count = 0;
    this.spacer = make("div", "spacer", { role: "presentation" });
    this.window = make("div", "window", { role: "presentation" });
    host.append(this.spacer, this.window);
    host.addEventListener("scroll", () => this.later(), { passive: true });
    // A notebook makes views before it shows them, and takes them out of the page at times.
    let tall = 0;
    this.sizes = new ResizeObserver(() => {
      resized(!tall && host.clientHeight > 0);
      tall = host.clientHeight;
      this.later();
    });
    this.sizes.observe(host);
  }

  close() {
    this.sizes.disconnect();
    cancelAnimationFrame(this.pending);
    clearTimeout(this.again);
  }

  resize(count) {
    this.count = count;
    // Rows far below would keep a list that became shorter scrolled behind its end.
    this.window.replaceChildren();
    this.window.style.top = "0";
    this.spacer.style.height = `${Math.min(count * this.height, TALLEST)}px`;
  }

  get shown() { return Math.max(1, Math.floor(this.host.clientHeight / this.height)); }

  /** The first row in sight, with its fraction. */
  get first() {
    const view = this.host.clientHeight, tall = Math.min(this.count * this.height, TALLEST);
    if (tall === this.count * this.height) return this.host.scrollTop / this.height;
    const share = this.host.scrollTop / Math.max(1, tall - view);
    return share * Math.max(0, this.count - view / this.height);
  }

  reveal(row) {
    const view = this.host.clientHeight, first = this.first, inSight = view / this.height;
    if (row >= first && row + 1 <= first + inSight) return;
    const wanted = Math.max(0, Math.min(row - inSight / 3, this.count - inSight));
    const tall = Math.min(this.count * this.height, TALLEST);
    this.host.scrollTop = tall === this.count * this.height
      ? wanted * this.height
      : (wanted / Math.max(1, this.count - inSight)) * (tall - view);
  }

  later() {
    if (!this.pending) this.pending = requestAnimationFrame(() => this.now());
  }

  now() {
    cancelAnimationFrame(this.pending);
    this.pending = 0;
    clearTimeout(this.again);
    if (!this.host.clientHeight) {
      // Out of sight there is nothing to measure. Mostly the observer tells when that is over,
      // but not of a moment shorter than a frame (a theme that is just loading): look once more.
      this.again = setTimeout(() => this.host.clientHeight && this.now(), 200);
      return;
    }
    const first = this.first, from = Math.max(0, Math.floor(first));
    const to = Math.min(this.count, Math.ceil(first + this.host.clientHeight / this.height));
    this.window.style.top = `${this.host.scrollTop - (first - from) * this.height}px`;
    this.window.replaceChildren(...this.draw(from, to));
  }
}

// ------------------------------------------------------------------ octets

const PART = 3, SELECTED = 4, HOVERED = 8, REGION = 16, PROOF = 32, CURSOR = 64, CHANGED = 128;
const PARTS = ["value", "tag", "length", "eoc"];
/** Pixels that a line of sixteen octets needs, as hex and ASCII; in less there are eight. */
const FOR_SIXTEEN = 465;

function classesOf(code) {
  const out = [PARTS[code & PART]];
  if (code & SELECTED) out.push("selected");
  if (code & HOVERED) out.push("hovered");
  if (code & REGION) out.push("region");
  if (code & PROOF) out.push("proof");
  if (code & CURSOR) out.push("cursor");
  if (code & CHANGED) out.push("changed");
  return out.join(" ");
}

/** Octets as lines of hex and ASCII; `codes(from, to)` says what each one is. */
class Octets {
  constructor(host, id, label, codes, { hover, pick, type }) {
    this.id = id;
    this.bytes = new Uint8Array();
    this.codes = codes;
    this.cursor = 0;
    this.width = 16;
    this.host = make("div", "octets", {
      role: "grid", tabindex: "0", "aria-label": label, "aria-readonly": type ? "false" : "true", "aria-colcount": "3",
    });
    host.append(this.host);
    this.rows = new Rows(this.host, 20, (from, to) => this.draw(from, to), () => this.fit());
    this.host.addEventListener("mousemove", (event) => hover(this.at(event)));
    this.host.addEventListener("mouseleave", () => hover(-1));
    this.host.addEventListener("mousedown", (event) => {
      const at = this.at(event);
      if (at >= 0) { this.cursor = at; pick(at); }
    });
    this.host.addEventListener("keydown", (event) => this.key(event, pick, type));
  }

  set(bytes) {
    this.bytes = bytes;
    this.cursor = Math.min(this.cursor, Math.max(0, bytes.length - 1));
    this.rows.resize(Math.ceil(bytes.length / this.width));
    this.host.setAttribute("aria-rowcount", String(this.rows.count));
  }

  /** As many octets in a line as there is room for. */
  fit() {
    const wide = this.host.clientWidth, width = wide && wide < FOR_SIXTEEN ? 8 : 16;
    if (width === this.width) return;
    this.width = width;
    this.host.classList.toggle("sceplab-eight", width === 8);
    this.set(this.bytes);
    this.show(this.cursor);
  }

  at(event) {
    const cell = event.target.closest?.(".sceplab-hexes, .sceplab-ascii");
    if (!cell) return -1;
    const box = cell.getBoundingClientRect(), row = Number(cell.parentElement.dataset.row) * this.width;
    const length = Math.min(this.width, this.bytes.length - row);
    // The hex is as wide as a full line, the ASCII as wide as it is long.
    const columns = cell.classList.contains("sceplab-hexes") ? this.width : length;
    const column = Math.floor(((event.clientX - box.left) / box.width) * columns);
    return column >= 0 && column < length ? row + column : -1;
  }

  key(event, pick, type) {
    const line = this.width, page = this.rows.shown * line;
    const moves = {
      ArrowLeft: -1, ArrowRight: 1, ArrowUp: -line, ArrowDown: line, PageUp: -page, PageDown: page,
    };
    let to = this.cursor;
    if (event.key in moves && !event.altKey && !event.metaKey) to += moves[event.key];
    else if (event.key === "Home") to = event.ctrlKey ? 0 : to - (to % line);
    else if (event.key === "End") to = event.ctrlKey ? this.bytes.length - 1 : to - (to % line) + line - 1;
    else if (event.key === "Enter" || event.key === " ") { /* pick again what is there */ }
    else {
      if (type && /^[0-9a-fA-F]$/.test(event.key) && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        type(this.cursor, event.key);
      }
      return;
    }
    event.preventDefault();
    this.cursor = Math.max(0, Math.min(to, this.bytes.length - 1));
    pick(this.cursor);
  }

  show(offset) {
    this.cursor = offset;
    this.rows.reveal(Math.floor(offset / this.width));
  }

  draw(from, to) {
    const out = [];
    for (let row = from; row < to; row++) {
      const start = row * this.width, end = Math.min(start + this.width, this.bytes.length);
      const codes = this.codes(start, end);
      if (this.cursor >= start && this.cursor < end) codes[this.cursor - start] |= CURSOR;
      const hexes = make("span", "hexes", { role: "gridcell", id: `${this.id}-${row}` });
      const chars = make("span", "ascii", { role: "gridcell" });
      for (let i = 0, j; i < end - start; i = j) {
        for (j = i + 1; j < end - start && codes[j] === codes[i];) j++;
        const run = this.bytes.subarray(start + i, start + j);
        const classes = classesOf(codes[i]);
        hexes.append(make("span", classes, {}, hex(run)), j < end - start ? " " : "");
      }
      const marked = (SELECTED | HOVERED | CHANGED | CURSOR);
      for (let i = 0, j; i < end - start; i = j) {
        for (j = i + 1; j < end - start && (codes[j] & marked) === (codes[i] & marked);) j++;
        const run = this.bytes.subarray(start + i, start + j);
        chars.append(codes[i] & marked ? make("span", classesOf(codes[i] & marked), {}, ascii(run)) : ascii(run));
      }
      const offset = make("span", "offset", { role: "rowheader" }, String(start));
      const line = make("div", "line", { role: "row", "aria-rowindex": String(row + 1) }, offset, hexes, chars);
      line.dataset.row = String(row);
      out.push(line);
    }
    this.host.setAttribute("aria-activedescendant", `${this.id}-${Math.floor(this.cursor / this.width)}`);
    return out;
  }
}

// ------------------------------------------------------------------ what is shown

/** The buffers of a model: octets, elements, labels. Labels are [start, name, type, value, section, link, step,
 *  guess, findings]. */
export class Content {
  constructor(model) {
    const data = octetsOf(model.get("data")), labels = model.get("labels"), inside = model.get("openings");
    this.buffers = model.get("buffers").map((given, index) => ({
      ...given,
      index,
      bytes: data.subarray(given.start, given.start + given.length),
      labels: new Map((labels[index] ?? []).map((label) => [label[0], label])),
      inside: new Set(inside[index] ?? []),
      asked: new Set(),
      guesses: new Set(),
      tree: null,
      open: null,
      lists: new Map(),
    }));
    this.attached = new Map();
    for (const buffer of this.buffers) {
      if (buffer.parent === null) continue;
      const key = `${buffer.parent}:${buffer.at}`;
      this.attached.set(key, [...(this.attached.get(key) ?? []), buffer]);
    }
    for (const buffer of this.buffers) this.rescan(buffer);
  }

  rescan(buffer) {
    const before = buffer.tree, open = buffer.open;
    buffer.tree = buffer.type === "text"
      ? {
        start: [0], content: [0], end: [buffer.bytes.length], parent: [-1], after: [1], depth: [0], flags: [TEXT],
        closings: [], count: 1,
      }
      : scan(buffer.bytes, buffer.inside);
    buffer.open = new Uint8Array(buffer.tree.count);
    buffer.lists.clear();
    if (!before) return;
    for (let i = 0; i < before.count; i++) {
      if (!open[i]) continue;
      const now = lastUpTo(buffer.tree.start, buffer.tree.count, before.start[i]);
      if (now >= 0 && buffer.tree.start[now] === before.start[i]) buffer.open[now] = 1;
    }
  }

  /** Scan a string's content, or octets behind the end, and unfold it. */
  openAt(buffer, at) {
    buffer.inside.add(at);
    this.rescan(buffer);
    buffer.open[lastUpTo(buffer.tree.start, buffer.tree.count, at)] = 1;
  }

  attachedTo(buffer, i) {
    return this.attached.size ? this.attached.get(`${buffer.index}:${buffer.tree.start[i]}`) ?? [] : [];
  }

  expandable(buffer, i) {
    return buffer.tree.after[i] > i + 1 || Boolean(buffer.tree.flags[i] & TRAILING) || this.attachedTo(buffer, i).length > 0;
  }

  name(buffer, i) {
    const tree = buffer.tree, at = tree.start[i], flags = tree.flags[i];
    const label = buffer.labels.get(at);
    if (flags & TEXT) return [at, buffer.title, "text", ascii(buffer.bytes.subarray(0, 60)), "", "", buffer.title, 0, []];
    if (flags & TRAILING) return [at, "trailing octets", "", `${tree.end[i] - at} octets behind the end: open to read on`, "", "", "", 0, []];
    if (label) return label;
    const type = flags & GARBAGE ? "not ASN.1" : tagName(buffer.bytes, at);
    const guess = this.guessed(buffer, i) ? 1 : 0;
    const inner = buffer.bytes.subarray(tree.content[i], Math.min(tree.end[i], tree.content[i] + 16));
    const value = tree.after[i] > i + 1 ? "" : hex(inner) + (tree.end[i] - tree.content[i] > 16 ? " ..." : "");
    return [at, type, "", value, "", "", type, guess, []];
  }

  guessed(buffer, i) {
    for (let up = i; up >= 0 && buffer.guesses.size; up = buffer.tree.parent[up]) {
      if (buffer.guesses.has(buffer.tree.start[up])) return true;
    }
    return false;
  }

  path(buffer, i) {
    const steps = [];
    for (let up = i; up > 0; up = buffer.tree.parent[up]) steps.unshift(this.name(buffer, up)[6]);
    return steps.filter(Boolean).join(".") || this.name(buffer, i)[1];
  }

  /** [position, how many] of an element among its siblings. */
  place(buffer, i) {
    const tree = buffer.tree, parent = tree.parent[i];
    let list = buffer.lists.get(parent);
    if (!list) {
      const found = [];
      const stop = parent < 0 ? tree.count : tree.after[parent];
      for (let child = parent + 1; child < stop; child = tree.after[child]) found.push(child);
      list = Uint32Array.from(found);
      buffer.lists.set(parent, list);
    }
    return [lastUpTo(list, list.length, i) + 1, list.length];
  }

  expandTo(depth) {
    for (const buffer of this.buffers) {
      const { tree, open } = buffer;
      const base = this.baseDepth(buffer);
      for (let i = 0; i < tree.count; i++) open[i] = tree.depth[i] + base < depth && !(tree.flags[i] & TRAILING) ? 1 : 0;
    }
  }

  /** How deep the outermost element of a buffer stands in the tree of all buffers. */
  baseDepth(buffer) {
    if (buffer.parent === null) return 0;
    const above = this.buffers[buffer.parent], i = lastUpTo(above.tree.start, above.tree.count, buffer.at);
    return this.baseDepth(above) + above.tree.depth[Math.max(i, 0)] + 1;
  }

  /** The rows that are open, as [buffer index, element index] in two arrays. */
  rows() {
    const owners = [], nodes = [];
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

  /** Open all that holds an element. */
  uncover(buffer, i) {
    for (let up = buffer.tree.parent[i]; up >= 0; up = buffer.tree.parent[up]) buffer.open[up] = 1;
    if (buffer.parent === null) return;
    const above = this.buffers[buffer.parent], at = lastUpTo(above.tree.start, above.tree.count, buffer.at);
    if (at >= 0) { above.open[at] = 1; this.uncover(above, at); }
  }

  /** Places where a text, or octets written in hex, stand: [[buffer, offset]], at most `most`. */
  search(text, most = 1000) {
    const wanted = text.toLowerCase(), found = new Map();
    const add = (buffer, i) => {
      if (i >= 0) found.set(buffer.index * 2 ** 32 + buffer.tree.start[i], [buffer.index, buffer.tree.start[i]]);
    };
    const patterns = [new TextEncoder().encode(text)];
    const pairs = text.replace(/[\s:]/g, "");
    if (/^([0-9a-f]{2}){2,}$/i.test(pairs)) patterns.push(Uint8Array.from(pairs.match(/../g), (p) => parseInt(p, 16)));
    for (const buffer of this.buffers) {
      for (const label of buffer.labels.values()) {
        if (!label.slice(1, 4).some((part) => part.toLowerCase().includes(wanted))) continue;
        add(buffer, lastUpTo(buffer.tree.start, buffer.tree.count, label[0]));
        if (found.size >= most) break;
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

  /** [buffer, offset] for an offset (in `current`) or a path, or null. */
  resolve(text, current) {
    const wanted = text.trim();
    if (/^(0x[0-9a-f]+|\d+)$/i.test(wanted)) {
      const offset = Number(wanted), buffer = this.buffers[current];
      const i = deepest(buffer.tree, offset);
      return i < 0 ? null : [current, buffer.tree.start[i], offset];
    }
    const order = [this.buffers[current], ...this.buffers.filter((b) => b.index !== current)];
    for (const exact of [true, false]) {
      for (const buffer of order) {
        for (const label of buffer.labels.values()) {
          const i = lastUpTo(buffer.tree.start, buffer.tree.count, label[0]);
          const path = this.path(buffer, i).toLowerCase(), asked = wanted.toLowerCase();
          if (path === asked || (!exact && path.endsWith(`.${asked}`))) return [buffer.index, label[0], label[0]];
        }
      }
    }
    return null;
  }
}

// ------------------------------------------------------------------ the viewer

const COPIES = {
  hex: "hex", base64: "base64", pem: "PEM", value: "value", path: "path", python: "Python", openssl: "openssl command",
};

/** Set what a cell may ask for: the cell that runs next must see it (sceplab.widgets.live says why no save_changes). */
const WINDOW = Math.random().toString(36).slice(2), sent = {};
function set(model, name, value) {
  model.set(name, value);
  sent[name] = (sent[name] ?? 0) + 1;
  send(model, { kind: "set", name, value, window: WINDOW, number: sent[name] });
}
function taken(model, { kind, name, value, window, number }) {
  if (kind === "set" && (window !== WINDOW || number === sent[name])) model.set(name, value);
}
function send(model, message) {
  try { model.send(message); } catch { /* The kernel is gone: what is here can be looked at all the same. */ }
}

class Viewer {
  constructor(model, el) {
    this.model = model;
    this.id = `sceplab-${++views}`;
    this.hover = null;
    this.region = -1;
    this.hits = [];
    this.hit = -1;
    this.half = null;
    this.content = new Content(model);
    this.content.expandTo(model.get("open_depth"));
    this.build(el);
    this.changes = {
      "change:selected": () => this.follow(),
      "change:revision": () => this.renew(),
      "change:checks": () => this.drawChecks(),
      "change:problem": () => this.say(model.get("problem")),
      "change:lit": () => this.light(model.get("lit")),
      "msg:custom": (message) => this.receive(message),
    };
    for (const [name, what] of Object.entries(this.changes)) model.on(name, what);
    this.relist();
    this.current = 0;
    this.region = model.get("lit");
    this.drawLights();
    this.follow();
  }

  close() {
    for (const [name, what] of Object.entries(this.changes)) this.model.off(name, what);
    this.treeRows.close();
    this.octets.rows.close();
  }

  build(el) {
    const editable = this.model.get("editable");
    const root = make("div", "viewer", {
      "data-lm-suppress-shortcuts": "true", role: "group", "aria-label": this.model.get("title") || "ASN.1 viewer",
    });
    this.root = root;
    this.way = make("ol", "way", { "aria-label": "Layers" });
    this.find = make("input", "find", { type: "search", placeholder: "Search text or hex", "aria-label": "Search" });
    this.found = make("span", "found", {});
    this.goto = make("input", "goto", { type: "text", placeholder: "Offset or path", "aria-label": "Go to offset or path" });
    this.depth = make("select", "depth", { "aria-label": "Expand to depth" });
    for (const [value, text] of [["", "Expand to ..."], ...[1, 2, 3, 4, 6, 9].map((d) => [d, `${d} levels`]), [999, "all levels"]]) {
      this.depth.append(make("option", "", { value }, text));
    }
    this.lights = make("select", "lights", { "aria-label": "Show what covers what" });
    const tools = make("div", "tools", { role: "toolbar", "aria-label": "Tools" },
      this.find, this.button("next", "Next", () => this.step(1)), this.found, this.goto, this.depth, this.lights);
    this.tree = make("div", "tree", { role: "tree", tabindex: "0", "aria-label": "Elements" });
    const right = make("div", "right");
    this.title = make("div", "title", {});
    right.append(this.title);
    this.treeRows = new Rows(this.tree, 22, (from, to) => this.drawRows(from, to), (appeared) => appeared && this.reveal());
    this.octets = new Octets(right, `${this.id}-h`, "Octets", (from, to) => this.codes(from, to), {
      hover: (at) => this.hoverOctet(at),
      pick: (at) => this.pickOctet(at),
      type: editable ? (at, digit) => this.type(at, digit) : null,
    });
    const legend = make("div", "legend", { "aria-hidden": "true" },
      make("span", "tag", {}, "tag"), " ", make("span", "length", {}, "length"), " ", make("span", "value", {}, "value"), " ",
      make("span", "value selected", {}, "selected"), " ", make("span", "value region", {}, "covered"), " ",
      make("span", "value proof", {}, "by this"));
    right.append(legend);
    this.panes = make("div", "panes", {}, this.tree, right);
    this.details = make("div", "details", {});
    this.copy = make("select", "copy", { "aria-label": "Copy as" });
    for (const [value, text] of Object.entries(COPIES)) this.copy.append(make("option", "", { value }, text));
    this.actions = make("div", "actions", { role: "toolbar", "aria-label": "Selected element" },
      "Copy as ", this.copy, this.button("do-copy", "Copy", () => this.doCopy()),
      this.button("save", "Save element", () => this.save(false)), this.button("save-all", "Save layer", () => this.save(true)));
    this.probe = this.button("probe", "Look inside (a guess)", () => this.lookInside());
    this.actions.append(this.probe);
    this.live = make("div", "live", { role: "status", "aria-live": "polite" });
    this.checks = make("div", "checks", {});
    root.append(this.way, tools, this.panes, this.details, this.actions);
    if (editable) root.append(this.edits());
    root.append(this.checks, this.live);
    el.append(root);
    this.wire();
    this.drawWay();
    this.drawLights();
    this.drawChecks();
  }

  button(name, text, act) {
    const button = make("button", name, { type: "button" }, text);
    button.addEventListener("click", act);
    return button;
  }

  edits() {
    this.newValue = make("input", "new-value", { type: "text", "aria-label": "New content of the element" });
    this.asHex = make("input", "as-hex", { type: "checkbox", id: `${this.id}-hex` });
    this.undo = this.button("undo", "Undo", () => send(this.model, { kind: "undo" }));
    const apply = () => this.selected && send(this.model, {
      kind: "content", buffer: this.selected[0], offset: this.start, text: this.newValue.value, hex: this.asHex.checked,
    });
    this.newValue.addEventListener("keydown", (event) => event.key === "Enter" && apply());
    return make("div", "edits", { role: "toolbar", "aria-label": "Change" },
      "New content ", this.newValue, this.asHex, make("label", "", { for: `${this.id}-hex` }, "hex"),
      this.button("apply", "Change", apply), this.undo, make("small", "", {}, "or type hex digits over the octets"));
  }

  wire() {
    // Keys are this view's own: none may reach the notebook, where "d d" deletes a cell.
    this.root.addEventListener("keydown", (event) => {
      if (event.key === "Escape") (this.root.closest(".jp-Notebook, .jp-WindowedPanel-outer") ?? document.activeElement)?.focus?.();
      event.stopPropagation();
    });
    this.tree.addEventListener("keydown", (event) => this.key(event));
    this.tree.addEventListener("mousemove", (event) => this.hoverRow(event));
    this.tree.addEventListener("mouseleave", () => this.setHover(null));
    this.tree.addEventListener("mousedown", (event) => this.click(event));
    // (A click of no mouse: a screen reader's. A mouse's may miss its row, drawn anew while it was down.)
    this.tree.addEventListener("click", (event) => event.detail || this.click(event));
    this.find.addEventListener("input", () => this.search());
    this.find.addEventListener("keydown", (event) => event.key === "Enter" && this.step(event.shiftKey ? -1 : 1));
    this.goto.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      const place = this.content.resolve(this.goto.value, this.current);
      if (place) this.select(place[0], place[1], place[2]);
      else this.say(`nothing at ${this.goto.value}`);
    });
    this.depth.addEventListener("change", () => {
      if (!this.depth.value) return;
      this.content.expandTo(Number(this.depth.value));
      this.depth.value = "";
      this.relist();
      this.surface();
      this.draw();
    });
    this.lights.addEventListener("change", () => {
      set(this.model, "lit", Number(this.lights.value)); // and its change lights it in every view
    });
  }

  // ---- rows

  relist() {
    const { owners, nodes } = this.content.rows();
    this.owners = owners;
    this.nodes = nodes;
    this.treeRows.resize(nodes.length);
    this.findRow();
  }

  findRow() {
    this.row = -1;
    if (!this.selected) return;
    const [index, i] = this.selected;
    // Rows of one buffer are in the order of its elements: look for the buffer's stretch that holds it.
    for (let row = 0; row < this.nodes.length; row++) {
      if (this.owners[row] === index && this.nodes[row] === i) { this.row = row; return; }
    }
  }

  /** Select what holds the selected element, where that is in a branch that was closed. */
  surface() {
    while (this.selected && this.row < 0) {
      const [index, i] = this.selected, buffer = this.content.buffers[index], up = buffer.tree.parent[i];
      if (up >= 0) this.selected = [index, up];
      else if (buffer.parent === null) break;
      else {
        const above = this.content.buffers[buffer.parent].tree;
        this.selected = [buffer.parent, lastUpTo(above.start, above.count, buffer.at)];
      }
      this.findRow();
    }
    if (this.row < 0) return;
    const [index, i] = this.selected;
    this.select(index, this.content.buffers[index].tree.start[i]);
    this.treeRows.reveal(this.row);
  }

  drawRows(from, to) {
    const out = [], unnamed = new Map();
    for (let row = from; row < to; row++) {
      const buffer = this.content.buffers[this.owners[row]], i = this.nodes[row];
      const at = buffer.tree.start[i];
      if (!buffer.complete && !buffer.labels.has(at) && !buffer.asked.has(at)) {
        unnamed.set(buffer, [...(unnamed.get(buffer) ?? []), at]);
      }
      out.push(this.drawRow(row, buffer, i));
    }
    for (const [buffer, offsets] of unnamed) {
      offsets.forEach((at) => buffer.asked.add(at));
      send(this.model, { kind: "labels", buffer: buffer.index, offsets });
    }
    this.tree.setAttribute("aria-activedescendant", this.row >= 0 ? `${this.id}-r${this.row}` : "");
    return out;
  }

  drawRow(row, buffer, i) {
    const [, name, type, value, section, link, , guess, findings] = this.content.name(buffer, i);
    const depth = this.content.baseDepth(buffer) + buffer.tree.depth[i];
    const [position, size] = this.content.place(buffer, i);
    const expandable = this.content.expandable(buffer, i), open = Boolean(buffer.open[i]);
    const line = make("div", "row", {
      role: "treeitem", id: `${this.id}-r${row}`, "aria-level": String(depth + 1), "aria-setsize": String(size),
      "aria-posinset": String(position), "aria-selected": String(row === this.row),
    });
    if (expandable) line.setAttribute("aria-expanded", String(open));
    if (this.hover && this.hover[0] === buffer.index && this.hover[1] === i) line.classList.add("sceplab-hovered");
    const marks = this.marks(buffer.index, buffer.tree.start[i], buffer.tree.end[i]);
    if (marks) line.classList.add(`sceplab-${marks}`);
    line.dataset.row = String(row);
    line.style.paddingLeft = `calc(${Math.min(depth, 40)} * var(--sl-indent) + 2px)`;
    line.append(make("span", "twisty", { "aria-hidden": "true" }, expandable ? (open ? "▾" : "▸") : " "),
      make("b", "", {}, name));
    if (marks) line.append(" ", make("span", "mark", {}, marks === "proof" ? "by this" : "covered"));
    if (type && type !== name) line.append(" ", make("i", "", {}, type));
    if (guess) line.append(" ", make("span", "mark guess", {}, "guess"));
    if (value) line.append(" ", make("code", "", {}, value.length > 160 ? `${value.slice(0, 160)} ...` : value));
    if (findings.length) line.append(" ", make("span", "finding", { title: findings.join("\n") }, "not DER"));
    if (link) line.append(" ", make("a", "", { href: link, target: "_blank", rel: "noopener", tabindex: "-1" }, section));
    return line;
  }

  /** "region" or "proof" where an element is inside of what is lit. */
  marks(index, start, end) {
    const region = this.content && this.model.get("regions")[this.region];
    if (!region) return "";
    const inside = ([b, s, e]) => b === index && s <= start && end <= e;
    if (region.proof && inside(region.proof)) return "proof";
    return region.spans.some(inside) ? "region" : "";
  }

  codes(from, to) {
    const out = new Uint8Array(to - from), buffer = this.content.buffers[this.current], tree = buffer.tree;
    if (!(tree.flags[0] & TEXT)) {
      for (let i = Math.max(0, lastUpTo(tree.start, tree.count, from - 32)); i < tree.count && tree.start[i] < to; i++) {
        if (tree.flags[i] & (GARBAGE | TRAILING)) continue;
        let tagEnd = tree.start[i] + 1;
        if ((buffer.bytes[tagEnd - 1] & 0x1f) === 0x1f) { while (buffer.bytes[tagEnd] & 0x80) tagEnd++; tagEnd++; }
        const unused = tree.flags[i] & OPENED && buffer.bytes[tree.start[i]] === 3 ? 1 : 0;
        for (let at = Math.max(tree.start[i], from); at < Math.min(tree.content[i] - unused, to); at++) {
          out[at - from] = at < tagEnd ? 1 : 2;
        }
      }
      const closing = lastUpTo(tree.closings, tree.closings.length, to);
      for (let c = Math.max(0, closing - 9); c <= closing; c++) {
        for (const at of [tree.closings[c], tree.closings[c] + 1]) if (at >= from && at < to) out[at - from] = 3;
      }
    }
    const paint = (start, end, bit) => {
      for (let at = Math.max(start, from); at < Math.min(end, to); at++) out[at - from] |= bit;
    };
    if (this.selected && this.selected[0] === this.current) {
      const i = this.selected[1];
      paint(tree.start[i], tree.end[i], SELECTED);
    }
    if (this.hover && this.hover[0] === this.current) paint(tree.start[this.hover[1]], tree.end[this.hover[1]], HOVERED);
    const region = this.model.get("regions")[this.region];
    if (region) {
      for (const [b, s, e] of region.spans) if (b === this.current) paint(s, e, REGION);
      if (region.proof && region.proof[0] === this.current) paint(region.proof[1], region.proof[2], PROOF);
    }
    for (const [b, s, e] of this.model.get("changed")) if (b === this.current) paint(s, e, CHANGED);
    return out;
  }

  draw() {
    this.treeRows.now();
    this.octets.rows.now();
  }

  // ---- selecting

  select(index, offset, cursor = offset) {
    this.cursorAt = cursor;
    const [b, at] = this.model.get("selected");
    if (b === index && at === offset) { this.follow(); return; }
    set(this.model, "selected", [index, offset]); // and its change makes every view follow
  }

  reveal() {
    if (this.row >= 0) this.treeRows.reveal(this.row);
    this.octets.show(this.octets.cursor);
  }

  /** Show what the model says is selected. */
  follow() {
    const [index, offset] = this.model.get("selected");
    const buffer = this.content.buffers[index];
    const i = buffer ? deepest(buffer.tree, offset) : -1;
    if (i < 0) {
      this.selected = null;
      this.row = -1;
      this.showBuffer(0);
      this.drawDetails();
      this.draw();
      return;
    }
    this.start = buffer.tree.start[i];
    if (this.selected && this.selected[0] === index && this.selected[1] === i && this.row >= 0 && this.current === index) {
      this.octets.show(this.cursorAt ?? this.start);
      this.cursorAt = undefined;
      this.treeRows.reveal(this.row);
      this.draw();
      return;
    }
    this.selected = [index, i];
    this.findRow();
    if (this.row < 0) {
      this.content.uncover(buffer, i);
      this.relist();
    }
    this.showBuffer(index);
    this.treeRows.reveal(this.row);
    this.octets.show(this.cursorAt ?? this.start);
    this.cursorAt = undefined;
    this.drawDetails();
    this.drawWay();
    this.draw();
  }

  showBuffer(index) {
    const buffer = this.content.buffers[index];
    if (!buffer) return;
    this.current = index;
    this.octets.set(buffer.bytes);
    this.title.textContent = `${buffer.title}${buffer.how ? ` (${buffer.how})` : ""}: ${buffer.bytes.length} octets`;
  }

  pickRow(row) {
    const buffer = this.content.buffers[this.owners[row]];
    this.select(buffer.index, buffer.tree.start[this.nodes[row]]);
  }

  pickOctet(at) {
    const buffer = this.content.buffers[this.current], i = deepest(buffer.tree, at);
    if (i >= 0) this.select(this.current, buffer.tree.start[i], at);
    this.half = null;
  }

  setHover(next) {
    const same = next === this.hover || (next && this.hover && next[0] === this.hover[0] && next[1] === this.hover[1]);
    if (same) return;
    this.hover = next;
    this.treeRows.later();
    this.octets.rows.later();
  }

  hoverOctet(at) {
    const i = at < 0 ? -1 : deepest(this.content.buffers[this.current].tree, at);
    this.setHover(i < 0 ? null : [this.current, i]);
  }

  hoverRow(event) {
    const line = event.target.closest?.(".sceplab-row");
    const row = line ? Number(line.dataset.row) : -1;
    this.setHover(row < 0 ? null : [this.owners[row], this.nodes[row]]);
  }

  click(event) {
    const line = event.target.closest?.(".sceplab-row");
    if (!line || event.target.closest("a")) return;
    const row = Number(line.dataset.row);
    if (event.target.closest(".sceplab-twisty")) this.toggle(row); else this.pickRow(row);
  }

  toggle(row, wanted) {
    const buffer = this.content.buffers[this.owners[row]], i = this.nodes[row];
    // Selected first: what is selected must not vanish in a branch that closes.
    this.pickRow(row);
    if (!this.content.expandable(buffer, i)) return;
    if (buffer.tree.flags[i] & TRAILING) {
      this.content.openAt(buffer, buffer.tree.start[i]);
      this.selected = null;
    } else {
      buffer.open[i] = wanted ?? (buffer.open[i] ? 0 : 1);
    }
    this.relist();
    this.follow();
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || !this.nodes.length) return;
    const last = this.nodes.length - 1;
    const row = Math.max(this.row, 0);
    const buffer = this.content.buffers[this.owners[row]], i = this.nodes[row];
    const open = buffer.open[i] && this.content.expandable(buffer, i);
    let to = -1;
    if (event.key === "ArrowDown") to = this.row < 0 ? 0 : Math.min(row + 1, last);
    else if (event.key === "ArrowUp") to = Math.max(row - 1, 0);
    else if (event.key === "Home") to = 0;
    else if (event.key === "End") to = last;
    else if (event.key === "PageDown") to = Math.min(row + this.treeRows.shown, last);
    else if (event.key === "PageUp") to = Math.max(row - this.treeRows.shown, 0);
    else if (event.key === "ArrowRight") {
      if (open) to = Math.min(row + 1, last); else this.toggle(row, 1);
    } else if (event.key === "ArrowLeft") {
      if (open) this.toggle(row, 0); else to = this.above(row);
    } else if (event.key === "Enter" || event.key === " ") this.toggle(row);
    else if (event.key === "*") this.openSiblings(buffer, i);
    else if (/^[\p{L}\p{N}[]$/u.test(event.key)) to = this.startingWith(event.key, row);
    else return;
    event.preventDefault();
    if (to >= 0) this.pickRow(to);
  }

  above(row) {
    const owner = this.owners[row], parent = this.content.buffers[owner].tree.parent[this.nodes[row]];
    for (let up = row - 1; up >= 0; up--) {
      if (parent >= 0 && this.owners[up] === owner && this.nodes[up] === parent) return up;
      if (parent < 0 && this.owners[up] === this.content.buffers[owner].parent) return up;
    }
    return row;
  }

  openSiblings(buffer, i) {
    const parent = buffer.tree.parent[i];
    const stop = parent < 0 ? buffer.tree.count : buffer.tree.after[parent];
    for (let child = parent + 1; child < stop; child = buffer.tree.after[child]) {
      if (!(buffer.tree.flags[child] & TRAILING)) buffer.open[child] = 1;
    }
    this.relist();
    this.draw();
  }

  startingWith(letter, row) {
    for (let step = 1; step <= Math.min(this.nodes.length, 5000); step++) {
      const next = (row + step) % this.nodes.length;
      const name = this.content.name(this.content.buffers[this.owners[next]], this.nodes[next])[1];
      if (name.toLowerCase().startsWith(letter.toLowerCase())) return next;
    }
    return -1;
  }

  // ---- around the panes

  drawWay() {
    const stations = this.model.get("stations");
    let here = -1;
    if (this.selected) {
      const [index, i] = this.selected, tree = this.content.buffers[index].tree;
      stations.forEach(([, b, offset], n) => {
        const at = deepest(this.content.buffers[b].tree, offset);
        if (b === index && tree.start[i] >= offset && tree.end[i] <= this.content.buffers[b].tree.end[at]) here = n;
      });
    }
    this.way.replaceChildren(...stations.map(([text, b, offset], n) => {
      const button = this.button("station", text, () => this.select(b, offset));
      if (n === here) button.setAttribute("aria-current", "location");
      return make("li", "", {}, button);
    }));
  }

  drawLights() {
    const regions = this.model.get("regions");
    this.lights.replaceChildren(make("option", "", { value: "-1" }, "Covered by ..."),
      ...regions.map((region, n) => make("option", "", { value: String(n) }, region.label)));
    this.lights.hidden = !regions.length;
    this.lights.value = String(this.region);
  }

  light(number) {
    this.region = number;
    this.lights.value = String(number);
    const region = this.model.get("regions")[number];
    if (region?.spans.length) this.select(region.spans[0][0], region.spans[0][1]);
    this.drawDetails();
    this.draw();
    this.say(region ? `${region.label}${region.note ? `, ${region.note}` : ""}` : "");
  }

  drawDetails() {
    if (!this.selected) {
      this.details.replaceChildren(make("span", "", {}, "Choose an element in the tree, or an octet."));
      this.probe.hidden = true;
      return;
    }
    const [index, i] = this.selected, buffer = this.content.buffers[index], tree = buffer.tree;
    const [at, name, type, value, section, link, , guess, findings] = this.content.name(buffer, i);
    const header = tree.content[i] - at, length = tree.end[i] - tree.content[i];
    const path = make("code", "", {}, this.content.path(buffer, i));
    const parts = [make("b", "", {}, name), type && type !== name ? ` ${type}` : "", guess ? " (a guess)" : "", " ",
      link ? make("a", "", { href: link, target: "_blank", rel: "noopener" }, section) : section,
      make("br"), `octets ${at} to ${tree.end[i] - 1} of ${buffer.title}: ${header} of tag and length, ${length} of content. `,
      "Path ", path];
    if (value) parts.push(make("br"), make("code", "", {}, value));
    for (const finding of findings) parts.push(make("br"), make("span", "finding", {}, `not DER: ${finding}`));
    const covering = this.covering(index, at, tree.end[i]);
    for (const region of covering) parts.push(make("br"), `Covered: ${region.label}${region.note ? `, ${region.note}` : ""}.`);
    this.details.replaceChildren(...parts);
    // An OCTET STRING, a BIT STRING, or what an IMPLICIT tag may hide one of.
    const string = [3, 4].includes(buffer.bytes[at]) || (buffer.bytes[at] & 0xe0) === 0x80;
    const leaf = tree.after[i] === i + 1 && !(tree.flags[i] & (TEXT | TRAILING | GARBAGE));
    this.probe.hidden = !string || !leaf || length < 2 || this.content.attachedTo(buffer, i).length > 0;
    if (this.newValue) {
      this.newValue.value = "";
      this.newValue.placeholder = value.slice(0, 60);
      this.undo.disabled = !this.model.get("can_undo");
    }
    const covered = covering.map((region) => `, ${region.label}`).join("");
    this.say(`${name} ${type} ${value.slice(0, 80)}, octets ${at} to ${tree.end[i] - 1}${covered}`);
  }

  covering(index, start, end) {
    return this.model.get("regions").filter(({ spans }) => spans.some(([b, s, e]) => b === index && s <= start && end <= e));
  }

  drawChecks() {
    const checks = this.model.get("checks");
    if (!checks.length) { this.checks.replaceChildren(); return; }
    const head = make("tr", "", {}, ...["check", "outcome", "before", "detail"].map((t) => make("th", "", { scope: "col" }, t)));
    const rows = checks.map(([name, outcome, detail, before]) => {
      const changed = outcome !== before;
      const mark = { passed: "✓ ", failed: "✗ " }[outcome] ?? "- ";
      return make("tr", `${changed ? "turned " : ""}check-${outcome.replace(" ", "-")}`, {},
        make("td", "", {}, name), make("td", "", {}, mark + outcome), make("td", "", {}, changed ? `was ${before}` : ""),
        make("td", "", {}, detail));
    });
    this.checks.replaceChildren(make("table", "", { "aria-label": "Checks" }, make("thead", "", {}, head), make("tbody", "", {}, ...rows)));
  }

  say(text) { this.live.textContent = text; }

  // ---- finding

  search() {
    const text = this.find.value;
    this.hits = text.length > 1 ? this.content.search(text) : [];
    this.hit = -1;
    if (this.hits.length) this.step(1);
    else this.found.textContent = text.length > 1 ? "nothing found" : "";
  }

  step(by) {
    if (!this.hits.length) return;
    this.hit = (this.hit + by + this.hits.length) % this.hits.length;
    this.found.textContent = `${this.hit + 1} of ${this.hits.length}${this.hits.length >= 1000 ? " or more" : ""}`;
    this.select(...this.hits[this.hit]);
  }

  // ---- acting on the selected element

  text(format) {
    const [index, i] = this.selected, buffer = this.content.buffers[index], tree = buffer.tree;
    const [at, , type, value] = this.content.name(buffer, i), end = tree.end[i], raw = buffer.bytes.subarray(at, end);
    switch (format) {
      case "hex": return hex(raw);
      case "base64": return base64(raw);
      case "pem": return pem(raw, type || "ASN1");
      case "value": return value || hex(buffer.bytes.subarray(tree.content[i], end));
      case "path": return this.content.path(buffer, i);
      case "python": return raw.length <= 256
        ? `bytes.fromhex("${hex(raw)}")`
        : `base64.b64decode("${base64(raw)}")`;
      default: if (tree.flags[i] & TEXT) return `openssl base64 -d -A -in ${buffer.title}.txt`;
        return `openssl asn1parse -inform DER -in ${buffer.title}.der -offset ${at} -length ${end - at}`;
    }
  }

  async doCopy() {
    if (!this.selected) return;
    const text = this.text(this.copy.value);
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without a secure origin there is no clipboard API: the old way.
      const area = make("textarea", "live", {});
      area.value = text;
      this.root.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    const file = this.copy.value === "openssl" ? "; it reads the file that Save layer gives" : "";
    this.say(`copied as ${COPIES[this.copy.value]}${file}`);
  }

  save(all) {
    if (!this.selected) return;
    const [index, i] = this.selected, buffer = this.content.buffers[index];
    const [at, name] = this.content.name(buffer, i);
    const octets = all ? buffer.bytes : buffer.bytes.subarray(at, buffer.tree.end[i]);
    const file = all ? buffer.title : name.replace(/[^\w.-]+/g, "-");
    const link = make("a", "", { download: `${file}.${buffer.type === "text" ? "txt" : "der"}` });
    link.href = URL.createObjectURL(new Blob([octets], { type: "application/octet-stream" }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  lookInside() {
    const [index, i] = this.selected, buffer = this.content.buffers[index], tree = buffer.tree, at = tree.start[i];
    const from = tree.content[i] + (buffer.bytes[at] === 3 ? 1 : 0);
    const inside = scan(buffer.bytes.subarray(from, tree.end[i]), new Set(), MAX_DEPTH, 10_000);
    const broken = inside.flags.subarray(0, inside.count).some((f) => f & (GARBAGE | CUT | STRAY_EOC | TRAILING));
    if (!inside.count || broken) { this.say("what is inside is no ASN.1"); return; }
    buffer.guesses.add(at);
    this.content.openAt(buffer, at);
    this.selected = null;
    this.relist();
    this.follow();
  }

  type(at, digit) {
    if (this.half?.at === at) {
      send(this.model, { kind: "octets", buffer: this.current, offset: at, hex: this.half.digit + digit });
      this.half = null;
      this.cursorAt = Math.min(at + 1, this.octets.bytes.length - 1); // once the answer is here
    } else {
      this.half = { at, digit };
      this.say(`${digit}_ : one more digit`);
    }
  }

  // ---- news from Python

  receive(message) {
    taken(this.model, message);
    if (message.kind !== "labels") return;
    const buffer = this.content.buffers[message.buffer];
    if (!buffer) return;
    for (const label of message.labels) buffer.labels.set(label[0], label);
    const fresh = message.openings.filter((at) => !buffer.inside.has(at));
    if (fresh.length) {
      fresh.forEach((at) => buffer.inside.add(at));
      this.content.rescan(buffer);
      this.selected = null;
      this.relist();
      this.follow();
    }
    this.drawDetails();
    this.draw();
  }

  /** Other octets under the same view: what was open stays open. */
  renew() {
    const before = this.content;
    this.content = new Content(this.model);
    for (const buffer of this.content.buffers) {
      const old = before.buffers[buffer.index];
      if (!old) { buffer.open[0] = 1; continue; }
      for (let i = 0; i < Math.min(old.tree.count, buffer.tree.count); i++) buffer.open[i] = old.open[i];
    }
    this.selected = null;
    this.relist();
    this.drawLights();
    this.drawWay();
    this.follow();
    this.drawChecks();
    if (this.undo) this.undo.disabled = !this.model.get("can_undo");
  }
}

// ------------------------------------------------------------------ the diff

const SIGNS = ["=", "~", "*", "≠", "−", "+"];

/** Rows are [depth, name, type, likeness, value, value, [start, end] or null, [start, end] or null, why, parts]. */
class Diff {
  constructor(model, el) {
    this.model = model;
    this.id = `sceplab-${++views}`;
    this.all = model.get("rows");
    this.likenesses = model.get("likenesses");
    this.closed = new Set();
    this.row = 0;
    this.only = false;
    this.root = make("div", "viewer diff", { "data-lm-suppress-shortcuts": "true", role: "group", "aria-label": "Comparison" });
    const counts = this.likenesses.map((text, n) => [text, n, this.all.filter((r) => r[3] === n && !r[9]).length]);
    const filter = make("input", "", { type: "checkbox", id: `${this.id}-only` });
    filter.addEventListener("change", () => { this.only = filter.checked; this.row = 0; this.relist(); this.draw(); });
    this.root.append(make("div", "tools", {},
      ...counts.filter(([, , n]) => n).map(([text, n, many]) => make("span", `count likeness-${n}`, {}, `${SIGNS[n]} ${many} ${text}`)),
      filter, make("label", "", { for: `${this.id}-only` }, "differences only")));
    this.tree = make("div", "tree difftree", { role: "treegrid", tabindex: "0", "aria-label": "Fields side by side", "aria-colcount": "3" });
    const titles = model.get("titles");
    this.root.append(make("div", "row head", { "aria-hidden": "true" }, make("span", "cell", {}, "field"),
      make("span", "cell", {}, titles[0]), make("span", "cell", {}, titles[1])));
    this.rows = new Rows(this.tree, 22, (from, to) => this.drawRows(from, to), (appeared) => appeared && this.follow());
    this.why = make("div", "details", {});
    this.bytes = ["first", "second"].map((name) => octetsOf(model.get(name)));
    const sides = make("div", "panes", {});
    this.sides = [0, 1].map((side) => {
      const host = make("div", "right", {}, make("div", "title", {}, titles[side]));
      sides.append(host);
      const octets = new Octets(host, `${this.id}-h${side}`, titles[side], (from, to) => this.codes(side, from, to), {
        hover: () => {}, pick: (at) => this.pickOctet(side, at),
      });
      octets.set(this.bytes[side]);
      return octets;
    });
    this.live = make("div", "live", { role: "status", "aria-live": "polite" });
    this.root.append(this.tree, this.why, sides, this.live);
    el.append(this.root);
    this.root.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.root.closest(".jp-Notebook, .jp-WindowedPanel-outer")?.focus?.();
      event.stopPropagation();
    });
    this.tree.addEventListener("keydown", (event) => this.key(event));
    const click = (event) => {
      const line = event.target.closest?.(".sceplab-row");
      if (!line) return;
      if (event.target.closest(".sceplab-twisty")) this.toggle(this.shown[Number(line.dataset.row)]);
      this.pick(Number(line.dataset.row));
    };
    this.tree.addEventListener("mousedown", click);
    this.tree.addEventListener("click", (event) => event.detail || click(event));
    this.follower = () => this.follow();
    model.on("change:selected", this.follower);
    this.taken = (message) => taken(model, message);
    model.on("msg:custom", this.taken);
    this.relist();
    this.follow();
  }

  close() {
    this.model.off("change:selected", this.follower);
    this.model.off("msg:custom", this.taken);
    this.rows.close();
    this.sides.forEach((side) => side.rows.close());
  }

  relist() {
    this.shown = [];
    let hidden = 999;
    this.all.forEach((row, number) => {
      if (row[0] > hidden) return;
      hidden = 999;
      if (this.only && row[3] === 0) return;
      this.shown.push(number);
      if (this.closed.has(number)) hidden = row[0];
    });
    this.rows.resize(this.shown.length);
  }

  drawRows(from, to) {
    const out = [];
    for (let n = from; n < to; n++) {
      const number = this.shown[n], [depth, name, type, likeness, first, second, , , , parts] = this.all[number];
      const line = make("div", `row likeness-${likeness}`, {
        role: "row", id: `${this.id}-r${n}`, "aria-level": String(depth + 1), "aria-selected": String(n === this.row),
      });
      line.dataset.row = String(n);
      const open = !this.closed.has(number);
      if (parts) line.setAttribute("aria-expanded", String(open));
      const field = make("span", "cell", { role: "gridcell" }, make("span", "twisty", { "aria-hidden": "true" }, parts ? (open ? "▾" : "▸") : " "),
        make("span", "sign", { title: this.likenesses[likeness] }, SIGNS[likeness]), make("b", "", {}, name), type === name ? "" : ` ${type}`);
      field.style.paddingLeft = `calc(${Math.min(depth, 30)} * var(--sl-indent))`;
      line.append(field, make("span", "cell", { role: "gridcell" }, first), make("span", "cell", { role: "gridcell" }, second));
      out.push(line);
    }
    this.tree.setAttribute("aria-activedescendant", `${this.id}-r${this.row}`);
    return out;
  }

  codes(side, from, to) {
    const out = new Uint8Array(to - from), row = this.all[this.shown[this.row]];
    const mine = row?.[6 + side], other = row?.[7 - side];
    if (!mine) return out;
    for (let at = Math.max(mine[0], from); at < Math.min(mine[1], to); at++) {
      out[at - from] |= SELECTED;
      const there = other ? other[0] + at - mine[0] : -1;
      const same = other && there < other[1] && this.bytes[1 - side][there] === this.bytes[side][at];
      if (!same) out[at - from] |= CHANGED;
    }
    return out;
  }

  pick(n) {
    set(this.model, "selected", this.shown[n] ?? -1);
    this.follow();
  }

  pickOctet(side, at) {
    let best = -1;
    this.shown.forEach((number, n) => {
      const span = this.all[number][6 + side];
      if (span && span[0] <= at && at < span[1]) best = n;
    });
    if (best >= 0) this.pick(best);
  }

  follow() {
    const wanted = this.model.get("selected");
    let n = this.shown.indexOf(wanted);
    if (n < 0 && wanted >= 0 && wanted < this.all.length) {
      this.closed.clear();
      this.only = this.only && this.all[wanted][3] !== 0;
      this.relist();
      n = this.shown.indexOf(wanted);
    }
    this.row = Math.max(n, 0);
    const row = this.all[this.shown[this.row]];
    this.rows.reveal(this.row);
    if (row) {
      [0, 1].forEach((side) => row[6 + side] && this.sides[side].show(row[6 + side][0]));
      const text = `${row[1]}: ${this.likenesses[row[3]]}${row[8] ? ` - ${row[8]}` : ""}`;
      this.why.textContent = text;
      this.live.textContent = text;
    }
    this.draw();
  }

  toggle(number) {
    if (this.closed.has(number)) this.closed.delete(number); else this.closed.add(number);
    this.relist();
    this.draw();
  }

  key(event) {
    const row = this.all[this.shown[this.row]], last = this.shown.length - 1, page = this.rows.shown;
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -1e9, End: 1e9 };
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key in moves) this.pick(Math.max(0, Math.min(this.row + moves[event.key], last)));
    else if (event.key === "ArrowLeft" && row[9] && !this.closed.has(this.shown[this.row])) this.toggle(this.shown[this.row]);
    else if (event.key === "ArrowRight" && this.closed.has(this.shown[this.row])) this.toggle(this.shown[this.row]);
    else if (event.key === "Enter" || event.key === " ") row[9] && this.toggle(this.shown[this.row]);
    else if (event.key === "n") {
      const next = this.shown.findIndex((number, n) => n > this.row && this.all[number][3] !== 0 && !this.all[number][9]);
      if (next >= 0) this.pick(next);
    } else return;
    event.preventDefault();
  }

  draw() {
    this.rows.now();
    this.sides.forEach((side) => side.rows.now());
  }
}

function render({ model, el }) {
  const view = model.get("view") === "diff" ? new Diff(model, el) : new Viewer(model, el);
  return () => view.close();
}

export default { render };
