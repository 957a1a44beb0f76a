// The short tree: without the elements that only wrap another one (see sceplab/views/folding.py).

/** @import { Label } from "../state.js" */
/** @import { Scan } from "./scan.js" */

/**
 * Which elements are left out, by index. `home` is the element whose row stands for each, `level`
 * the depth of each in the short tree, `left` how many are left out at each home.
 * @typedef {object} Fold
 * @property {Uint8Array} hidden
 * @property {Uint32Array} home
 * @property {Uint16Array} level
 * @property {Map<number, number>} left
 */

/**
 * Fold a tree.
 * @param {Scan} tree
 * @param {Map<number, Label>} labels by offset
 * @param {Set<number>} spread offsets of the homes that are shown with all that is left out there
 * @returns {Fold}
 */
export function foldOf(tree, labels, spread) {
  const { count, start } = tree, wraps = new Uint8Array(count);
  for (let i = 0; i < count; i++) if (labels.get(start[i])?.wraps) wraps[i] = 1;
  const home = homesOf(tree, wraps), hidden = new Uint8Array(count), level = new Uint16Array(count);
  const left = /** @type {Map<number, number>} */ (new Map());
  for (let i = 0; i < count; i++) {
    if (wraps[i] && home[i] !== i) {
      left.set(home[i], (left.get(home[i]) ?? 0) + 1);
      hidden[i] = spread.has(start[home[i]]) ? 0 : 1;
    }
    const up = tree.parent[i];
    level[i] = up < 0 ? 0 : level[up] + (hidden[up] ? 0 : 1);
  }
  return { hidden, home: Uint32Array.from(home, (at, i) => (hidden[i] ? at : i)), level, left };
}

/**
 * For each element that wraps: the first inside of it that does not, else that of what holds it. Others are at home.
 * @param {Scan} tree
 * @param {Uint8Array} wraps
 */
function homesOf({ count, after, parent }, wraps) {
  const home = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = 0; i < count; i++) {
    for (let up = i; wraps[i] && up >= 0; up = parent[up]) {
      if (!wraps[up]) { home[i] = up; break; }
      let first = up + 1;
      while (first < after[up] && wraps[first]) first++;
      if (first < after[up]) { home[i] = first; break; }
    }
  }
  return home;
}
