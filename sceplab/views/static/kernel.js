// How a view reaches Python: what a person selects is known to the cell that runs next.
// sceplab.widgets.live says why ipywidgets' save_changes does not do.

/** @import { FromPython, Model, ToPython } from "./state.js" */

/** Which of several windows with the same view this is. */
const WINDOW = Math.random().toString(36).slice(2);
/** @type {Record<string, number>} the number of the last value that was sent, by trait */
const sent = {};

/**
 * Set a trait that a cell may ask for, here and in the kernel.
 * @template State
 * @template {keyof State & string} Name
 * @param {Model<State>} model
 * @param {Name} name
 * @param {State[Name]} value
 */
export function setTrait(model, name, value) {
  model.set(name, value);
  sent[name] = (sent[name] ?? 0) + 1;
  send(model, { kind: "set", name, value, window: WINDOW, number: sent[name] });
}

/**
 * Take a trait that another window set; of those set here only the last, since an older one would move a person back.
 * @param {Model<any>} model
 * @param {FromPython} message
 */
export function take(model, message) {
  if (message.kind !== "set") return;
  const { name, value, window, number } = message;
  if (window !== WINDOW || number === sent[name]) model.set(name, value);
}

/**
 * @param {Model<any>} model
 * @param {ToPython} message
 */
export function send(model, message) {
  try { model.send(message); } catch { /* The kernel is gone: what is here can be looked at all the same. */ }
}
