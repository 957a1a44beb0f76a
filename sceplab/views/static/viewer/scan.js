// Where every element is: BER or DER scanned into columns, the twin of sceplab.scan.

export const INDEFINITE = 1;
export const LONG_LENGTH = 2;
export const CUT = 4;
export const GARBAGE = 8;
export const STRAY_EOC = 16;
export const OPENED = 32;
export const TRAILING = 64;
export const DEEP = 128;
/** A buffer that is text: its one element has this flag. Python has none like it. */
export const TEXT = 256;

const MAX_DEPTH = 200;
const MAX_NODES = 4_000_000;

/**
 * All elements in reading order, as columns. `parent` is an index (-1: none), `after` the
 * index behind the last element inside.
 * @typedef {object} Scan
 * @property {Uint32Array} start
 * @property {Uint32Array} content
 * @property {Uint32Array} end
 * @property {Int32Array} parent
 * @property {Uint32Array} after
 * @property {Uint16Array} depth
 * @property {Uint16Array} flags
 * @property {number[]} closings offsets of end-of-contents octets
 * @property {number} count
 */

/**
 * A TLV's tag and length, read: where its content starts, where that stops, and flags.
 * @typedef {{ content: number, stop: number, flags: number }} Header
 */

/**
 * Scan BER or DER into columns, flag for flag as sceplab.scan.scan.
 * @param {Uint8Array} bytes
 * @param {Set<number>} inside offsets of strings whose content is ASN.1, and of trailing bytes to go on with
 * @param {number} maxDepth
 * @param {number} maxNodes
 * @returns {Scan}
 */
export function scan(bytes, inside = new Set(), maxDepth = MAX_DEPTH, maxNodes = MAX_NODES) {
  let room = Math.min(Math.max(64, bytes.length >> 3), maxNodes);
  let start = new Uint32Array(room), content = new Uint32Array(room), end = new Uint32Array(room);
  let parent = new Int32Array(room), after = new Uint32Array(room);
  let depth = new Uint16Array(room), flags = new Uint16Array(room);
  const closings = /** @type {number[]} */ ([]);
  const size = bytes.length;
  let limit = size, pos = 0, up = -1, count = 0, level = 0;
  // What to go back to behind each open element.
  const limits = new Float64Array(maxDepth), parents = new Int32Array(maxDepth);
  const read = { content: 0, stop: 0, flags: 0 };
  const ends = /** @type {Map<number, { stop: number, flags: number }>} */ (new Map());
  for (;;) {
    while (pos >= limit && up >= 0) {
      after[up] = count;
      if (flags[up] & INDEFINITE && end[up] > limit) {
        end[up] = limit;
        flags[up] |= CUT;
      }
      level -= 1;
      limit = limits[level];
      up = parents[level];
    }
    if (pos >= size || count >= maxNodes) break;
    readHeader(bytes, pos, limit, read);
    if (read.flags & STRAY_EOC && up >= 0 && (flags[up] & (INDEFINITE | CUT)) === INDEFINITE) {
      closings.push(pos);
      pos = read.stop;
      after[up] = count;
      end[up] = pos;
      level -= 1;
      limit = limits[level];
      up = parents[level];
      continue;
    }
    let here = read.content, stop = read.stop, flag = read.flags;
    if (flag & INDEFINITE && level >= maxDepth) {
      if (!ends.has(pos)) findEnds(bytes, pos, limit, ends);
      ({ stop, flags: flag } = ends.get(pos) ?? read);
    }
    if (up < 0 && count && !inside.has(pos)) { here = pos; stop = size; flag = TRAILING; }
    if (count === room) {
      room = Math.min(room * 2, maxNodes);
      start = larger(start, room); content = larger(content, room); end = larger(end, room);
      parent = larger(parent, room); after = larger(after, room);
      depth = larger(depth, room); flags = larger(flags, room);
    }
    content[count] = here;
    const sound = !(flag & (GARBAGE | TRAILING));
    let goIn = sound && (bytes[pos] & 0x20) !== 0;
    if (sound && !goIn && inside.has(pos) && (up >= 0 || !count)) {
      goIn = true;
      flag |= OPENED;
      if (bytes[pos] === 3 && here < stop) here += 1; // a BIT STRING's content begins with a count of unused bits
    }
    start[count] = pos;
    end[count] = stop;
    parent[count] = up;
    depth[count] = level;
    count += 1;
    after[count - 1] = count;
    if (goIn) {
      if (level < maxDepth) {
        flags[count - 1] = flag;
        limits[level] = limit;
        parents[level] = up;
        level += 1;
        up = count - 1;
        if (flag & INDEFINITE) end[up] = limit + 1; // not known yet; see above
        else limit = stop;
        pos = here;
        continue;
      }
      flag |= DEEP;
    }
    flags[count - 1] = flag;
    pos = stop;
  }
  while (up >= 0) { // stopped by maxNodes
    after[up] = count;
    end[up] = Math.min(end[up], limit);
    level -= 1;
    limit = limits[level];
    up = parents[level];
  }
  return { start, content, end, parent, after, depth, flags, closings, count };
}

/**
 * @template {Uint32Array | Int32Array | Uint16Array} Column
 * @param {Column} old
 * @param {number} room
 * @returns {Column}
 */
function larger(old, room) {
  const made = new /** @type {new (room: number) => Column} */ (old.constructor)(room);
  made.set(old);
  return made;
}

/**
 * The columns of one element that is not looked into.
 * @param {number} length
 * @param {number} flag
 * @returns {Scan}
 */
export function oneElement(length, flag) {
  return {
    start: Uint32Array.of(0), content: Uint32Array.of(0), end: Uint32Array.of(length), parent: Int32Array.of(-1),
    after: Uint32Array.of(1), depth: Uint16Array.of(0), flags: Uint16Array.of(flag), closings: [], count: 1,
  };
}

/**
 * Where the tag of an element ends, also a tag of several bytes.
 * @param {Uint8Array} bytes
 * @param {number} pos
 * @param {number} limit
 */
export function tagEnd(bytes, pos, limit = bytes.length) {
  let here = pos + 1;
  if ((bytes[pos] & 0x1f) === 0x1f) {
    while (here < limit && bytes[here] & 0x80) here += 1;
    here += 1;
  }
  return here;
}

/**
 * Read tag and length of the element at `pos`. An indefinite length is only flagged: its stop is the limit.
 * @param {Uint8Array} bytes
 * @param {number} pos
 * @param {number} limit
 * @param {Header} into the answer: handed in, since a scan of millions shall not make millions of objects
 */
function readHeader(bytes, pos, limit, into) {
  let here = tagEnd(bytes, pos, limit), flags = 0, length = bytes[here];
  here += 1;
  if (here > limit || here - pos > 10) flags = GARBAGE;
  else if (length < 0x80) {
    if (!length && !bytes[pos]) flags = STRAY_EOC;
  } else if (length === 0x80) {
    flags = bytes[pos] & 0x20 ? INDEFINITE : GARBAGE;
    length = limit - here;
  } else {
    const octets = length & 0x7f;
    if (length === 0xff || here + octets > limit) flags = GARBAGE;
    else {
      length = 0;
      for (let i = 0; i < octets; i++) length = length * 256 + bytes[here + i];
      if (length < 0x80 || !bytes[here]) flags = LONG_LENGTH;
      here += octets;
    }
  }
  let stop = here + length;
  if (flags === GARBAGE) {
    here = pos;
    stop = limit;
  } else if (stop > limit) {
    stop = limit;
    flags |= CUT;
  }
  into.content = here;
  into.stop = stop;
  into.flags = flags;
}

/**
 * Find where an element of indefinite length ends, and all of indefinite length inside, without depth.
 * @param {Uint8Array} bytes
 * @param {number} pos
 * @param {number} limit
 * @param {Map<number, { stop: number, flags: number }>} ends the answer
 */
function findEnds(bytes, pos, limit, ends) {
  const waiting = [], read = { content: 0, stop: 0, flags: 0 };
  do {
    readHeader(bytes, pos, limit, read);
    if (read.flags & INDEFINITE) {
      waiting.push(pos);
      pos = read.content;
      continue;
    }
    pos = read.stop;
    if (read.flags & STRAY_EOC) ends.set(/** @type {number} */ (waiting.pop()), { stop: pos, flags: INDEFINITE });
  } while (waiting.length && pos < limit);
  for (const left of waiting) ends.set(left, { stop: limit, flags: INDEFINITE | CUT });
}

/**
 * The index of the last of `count` ascending values that is not above `wanted`, or -1.
 * @param {ArrayLike<number>} values
 * @param {number} count
 * @param {number} wanted
 */
export function lastUpTo(values, count, wanted) {
  let low = 0, high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= wanted) low = middle + 1; else high = middle;
  }
  return low - 1;
}

/**
 * The index of the last element that starts at or before an offset, or -1.
 * @param {Scan} tree
 * @param {number} offset
 */
export function lastStart(tree, offset) {
  return lastUpTo(tree.start, tree.count, offset);
}

/**
 * The index of the deepest element that contains the byte at an offset, or -1.
 * @param {Scan} tree
 * @param {number} offset
 */
export function deepest(tree, offset) {
  let i = lastStart(tree, offset);
  while (i >= 0 && tree.end[i] <= offset) i = tree.parent[i];
  return i;
}
