// The boxes to search with, and to go to an offset or a path.

import { make, makeButton } from "../page.js";

/** @import { Found } from "./content.js" */
/** @import { Scene } from "./scene.js" */

const MOST = 1000;

export class Finder {
  /**
   * @param {Scene} scene
   * @param {(found: Found) => void} pick
   * @param {(text: string) => void} say
   */
  constructor(scene, pick, say) {
    this.scene = scene;
    this.pick = pick;
    /** @type {Found[]} */
    this.hits = [];
    this.hit = -1;
    this.find = make("input", "find", { type: "search", placeholder: "Search text or hex", "aria-label": "Search" });
    this.found = make("span", "found", {});
    const goTo = make("input", "goto", { type: "text", placeholder: "Offset or path", "aria-label": "Go to offset or path" });
    this.parts = [this.find, makeButton("next", "Next", () => this.step(1)), this.found, goTo];
    this.find.addEventListener("input", () => this.search());
    this.find.addEventListener("keydown", (event) => { if (event.key === "Enter") this.step(event.shiftKey ? -1 : 1); });
    goTo.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      const place = scene.content.resolve(goTo.value, scene.current);
      if (place) pick(place);
      else say(`nothing at ${goTo.value}`);
    });
  }

  search() {
    const text = this.find.value;
    this.hits = text.length > 1 ? this.scene.content.search(text, MOST) : [];
    this.hit = -1;
    if (this.hits.length) this.step(1);
    else this.found.textContent = text.length > 1 ? "nothing found" : "";
  }

  /**
   * Go to the next hit, or the one before.
   * @param {1 | -1} by
   */
  step(by) {
    if (!this.hits.length) return;
    this.hit = (this.hit + by + this.hits.length) % this.hits.length;
    this.found.textContent = `${this.hit + 1} of ${this.hits.length}${this.hits.length >= MOST ? " or more" : ""}`;
    this.pick(this.hits[this.hit]);
  }
}
