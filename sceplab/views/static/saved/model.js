// A model without a kernel: it keeps what is selected, and answers from what the page holds.

/** @import { FromPython, Label, LabelsFound, ToPython } from "../state.js" */

/** @template State */
export class SavedModel {
  /**
   * @param {State} state
   * @param {LabelsFound[]} later labels that are given when they are asked for
   */
  constructor(state, later = []) {
    this.state = { ...state };
    this.later = later;
    /** @type {Map<number, Map<number, Label>>} */
    this.named = new Map();
    /** @type {Map<string, Set<(value: any) => void>>} */
    this.listeners = new Map();
  }

  /**
   * @template {keyof State} Name
   * @param {Name} name
   */
  get(name) { return this.state[name]; }

  /**
   * @template {keyof State} Name
   * @param {Name} name
   * @param {State[Name]} value
   */
  set(name, value) {
    const before = this.state[name];
    this.state[name] = value;
    if (JSON.stringify(before) !== JSON.stringify(value)) this.tell(`change:${String(name)}`, value);
  }

  /**
   * @param {string} event
   * @param {(value: any) => void} act
   */
  on(event, act) {
    const acts = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, acts.add(act));
  }

  /**
   * @param {string} event
   * @param {(value: any) => void} act
   */
  off(event, act) { this.listeners.get(event)?.delete(act); }

  /**
   * @param {string} event
   * @param {unknown} value
   */
  tell(event, value) { for (const act of this.listeners.get(event) ?? []) act(value); }

  /**
   * Answer a view, as Python would: after it has drawn.
   * @param {ToPython} message
   */
  send(message) {
    if (message.kind !== "labels") return;
    const found = this.later.find(({ buffer }) => buffer === message.buffer);
    if (!found) return;
    const { buffer } = found, named = this.named.get(buffer) ?? new Map(found.labels.map((label) => [label.start, label]));
    this.named.set(buffer, named);
    const labels = message.offsets.flatMap((offset) => named.get(offset) ?? []);
    if (!labels.length) return;
    const given = new Set(labels.map(({ start }) => start)), openings = found.openings.filter((at) => given.has(at));
    /** @type {FromPython} */
    const answer = { kind: "labels", buffer, labels, openings };
    setTimeout(() => this.tell("msg:custom", answer));
  }
}
