// What every view needs of the page: elements, ids, and keys that stay inside.

/**
 * Make an element: names of classes, attributes, children (strings become text).
 * @template {keyof HTMLElementTagNameMap} Kind
 * @param {Kind} kind
 * @param {string} classes
 * @param {Record<string, string | number>} attributes
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Kind]}
 */
export function make(kind, classes = "", attributes = {}, ...children) {
  const element = document.createElement(kind);
  if (classes) element.className = classes.split(" ").map((c) => `sceplab-${c}`).join(" ");
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/**
 * Make a button.
 * @param {string} classes
 * @param {string} text
 * @param {() => void} act
 */
export function makeButton(classes, text, act) {
  const button = make("button", classes, { type: "button" }, text);
  button.addEventListener("click", act);
  return button;
}

/**
 * Make the buttons, boxes and links of a group one stop of Tab: arrow keys walk in it.
 * @param {HTMLElement} group
 */
export function roving(group) {
  const parts = () => /** @type {HTMLElement[]} */ ([...group.querySelectorAll("button, select, a, input[type=checkbox]")])
    .filter((part) => !part.hidden && !(/** @type {HTMLButtonElement} */ (part).disabled));
  /** @param {HTMLElement | undefined} one */
  const stop = (one) => parts().forEach((part) => { part.tabIndex = part === one ? 0 : -1; });
  const stops = parts().filter((part) => part.tabIndex === 0);
  stop(parts().find((part) => part === document.activeElement) ?? stops[0] ?? parts()[0]);
  if (group.dataset.roving) return;
  group.dataset.roving = "true";
  group.addEventListener("focusin", (event) => stop(parts().find((part) => part === event.target) ?? parts()[0]));
  group.addEventListener("keydown", (event) => {
    const all = parts(), here = all.findIndex((part) => part === event.target);
    const to = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: all.length - 1 }[event.key];
    if (here < 0 || to === undefined) return;
    event.preventDefault();
    all[(to + all.length) % all.length].focus();
  });
}

/** An id that no other view has. (Each widget loads this script anew, so a counter would start anew too.) */
export function uniqueId() {
  return `sceplab-${Math.floor(Math.random() * 2 ** 48).toString(16)}`;
}

/**
 * The nearest element around the target of an event that fits a selector.
 * @param {Event} event
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export function around(event, selector) {
  return event.target instanceof Element ? event.target.closest(selector) : null;
}

/**
 * Keep keys from JupyterLab, where "d d" deletes a cell; Escape goes back to the notebook.
 * @param {HTMLElement} root
 * @param {(event: KeyboardEvent) => void} act what other keys do
 */
export function keepKeys(root, act = () => {}) {
  root.setAttribute("data-lm-suppress-shortcuts", "true");
  root.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      /** @type {HTMLElement | null} */ (root.closest(".jp-Notebook, .jp-WindowedPanel-outer"))?.focus();
    } else act(event);
    event.stopPropagation();
  });
}

/**
 * Where a key leads in a list, or -1 where it is none that walks.
 * @param {string} key
 * @param {number} row
 * @param {number} count
 * @param {number} page rows of a page
 */
export function walked(key, row, count, page) {
  /** @type {Record<string, number>} */
  const places = { ArrowDown: row + 1, ArrowUp: row - 1, PageDown: row + page, PageUp: row - page, Home: 0, End: count - 1 };
  return key in places ? Math.max(0, Math.min(places[key], count - 1)) : -1;
}
