// The box to search with: text, hex, an object identifier, an offset or a path.

import { make, makeButton } from "../page.js";

/** @import { Found } from "./content.js" */
/** @import { Scene } from "./scene.js" */

const MOST = 1000;

export class Finder {
  /**
   * @param {Scene} scene
   * @param {(found: Found) => void} pick
   * @param {() => void} marked the marks of what is found changed
   */
  constructor(scene, pick, marked) {
    this.scene = scene;
    this.pick = pick;
    this.marked = marked;
    /** @type {Found[]} */
    this.hits = [];
    this.hit = -1;
    const said = "Search text, hex, object identifier, offset or path";
    this.find = make("input", "find", { type: "search", placeholder: "Text, hex, OID, offset, path", "aria-label": said });
    this.found = make("span", "found", { role: "status" });
    this.parts = [this.find, this.found];
    this.buttons = [makeButton("previous", "Previous", () => this.step(-1)), makeButton("next", "Next", () => this.step(1))];
    this.find.addEventListener("input", () => this.search());
    this.find.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.step(event.shiftKey ? -1 : 1);
      if (event.key !== "Escape" || !this.find.value) return;
      event.stopPropagation(); // the first Escape clears, the second leaves
      event.preventDefault();
      this.find.value = "";
      this.search();
    });
  }

  search() {
    const text = this.find.value.trim();
    this.hits = text ? this.scene.content.look(text, this.scene.current, MOST) : [];
    this.scene.keep(this.hits);
    this.hit = -1;
    if (this.hits.length) this.step(1);
    else this.found.textContent = text.length > 1 ? "nothing found" : "";
    this.marked();
  }

  /**
   * Go to the next hit, or the one before.
   * @param {1 | -1} by
   */
  step(by) {
    if (!this.hits.length) return;
    this.hit = this.hit < 0 && by < 0 ? this.hits.length - 1 : (this.hit + by + this.hits.length) % this.hits.length;
    this.found.textContent = `${this.hit + 1} of ${this.hits.length}${this.hits.length >= MOST ? " or more" : ""}`;
    this.pick(this.hits[this.hit]);
  }
}
