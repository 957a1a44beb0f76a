// A list of rows of one height, of which only those in sight exist.

import { make } from "../page.js";

/** Browsers lose precision beyond some ten million pixels: longer lists scroll by proportion. */
const TALLEST = 8_000_000;
/** Pixels of a row of a tree, as in viewer.css. */
export const ROW = 18;

export class Rows {
  /**
   * @param {HTMLElement} host
   * @param {number} height pixels of a row
   * @param {(from: number, to: number) => Node[]} draw makes rows
   * @param {(appeared: boolean) => void} resized
   */
  constructor(host, height, draw, resized) {
    this.host = host;
    this.height = height;
    this.draw = draw;
    this.count = 0;
    this.pending = 0;
    this.again = 0;
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

  /** @param {number} count */
  resize(count) {
    this.count = count;
    // Rows far below would keep a list that became shorter scrolled behind its end.
    this.window.replaceChildren();
    this.window.style.top = "0";
    this.spacer.style.height = `${Math.min(count * this.height, TALLEST)}px`;
  }

  /** How many whole rows are in sight. */
  get shown() { return Math.max(1, Math.floor(this.host.clientHeight / this.height)); }

  /** The first row in sight, with its fraction. */
  get first() {
    const view = this.host.clientHeight, tall = Math.min(this.count * this.height, TALLEST);
    if (tall === this.count * this.height) return this.host.scrollTop / this.height;
    const share = this.host.scrollTop / Math.max(1, tall - view);
    return share * Math.max(0, this.count - view / this.height);
  }

  /** @param {number} row */
  reveal(row) {
    const view = this.host.clientHeight, first = this.first, inSight = view / this.height;
    if (row >= first && row + 1 <= first + inSight) return;
    const wanted = Math.max(0, Math.min(row - inSight / 3, this.count - inSight));
    const tall = Math.min(this.count * this.height, TALLEST);
    this.host.scrollTop = tall === this.count * this.height
      ? wanted * this.height
      : (wanted / Math.max(1, this.count - inSight)) * (tall - view);
  }

  /** Draw in the next frame. */
  later() {
    if (!this.pending) this.pending = requestAnimationFrame(() => this.now());
  }

  /** Draw. */
  now() {
    cancelAnimationFrame(this.pending);
    this.pending = 0;
    clearTimeout(this.again);
    if (!this.host.clientHeight) {
      // Out of sight there is nothing to measure. Mostly the observer tells when that is over,
      // but not of a moment shorter than a frame (a theme that is just loading): look once more.
      this.again = setTimeout(() => { if (this.host.clientHeight) this.now(); }, 200);
      return;
    }
    const first = this.first, from = Math.max(0, Math.floor(first));
    const to = Math.min(this.count, Math.ceil(first + this.host.clientHeight / this.height));
    this.window.style.top = `${this.host.scrollTop - (first - from) * this.height}px`;
    this.window.replaceChildren(...this.draw(from, to));
  }
}
