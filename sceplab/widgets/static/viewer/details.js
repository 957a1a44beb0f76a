// What is said below the panes: of the selected element, and of the checks.

import { make } from "../page.js";

/** @import { CheckState, Label, RegionState } from "../state.js" */
/** @import { Element, Scene } from "./scene.js" */

/**
 * The type of an element, where its name does not say it.
 * @param {Pick<Label, "name" | "type">} label
 */
export function typeBeside({ name, type }) {
  return type === name ? "" : type;
}

/**
 * A region in words.
 * @param {RegionState} region
 */
export function said(region) {
  return `${region.label}${region.note ? `, ${region.note}` : ""}`;
}

/** @param {string} text */
function sentence(text) {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}

/**
 * All that is known of an element.
 * @param {Scene} scene
 * @param {Element} element
 * @returns {(Node | string)[]}
 */
export function detailsOf(scene, element) {
  const { buffer, i, start, end } = scene.look(element), label = scene.content.label(buffer, i);
  const content = buffer.tree.content[i], type = typeBeside(label);
  const parts = [
    make("b", "", {}, label.name), type ? ` ${type}` : "", label.guess ? " (a guess)" : "", " ",
    label.link ? make("a", "", { href: label.link, target: "_blank", rel: "noopener" }, label.section) : label.section,
    make("br"),
    `bytes ${start} to ${end - 1} of ${buffer.title}: ${content - start} of tag and length, ${end - content} of content. `,
    "Path ", make("code", "", {}, scene.content.path(buffer, i)),
  ];
  if (label.header) parts.push(make("br"), label.header);
  if (label.meaning) parts.push(make("br"), make("span", "meaning", {}, sentence(label.meaning)));
  if (label.value) parts.push(make("br"), make("code", "", {}, label.value));
  for (const finding of label.findings ?? []) parts.push(make("br"), make("span", "finding", {}, `not DER: ${finding}`));
  for (const region of scene.covering(element)) parts.push(make("br"), `Covered: ${said(region)}.`);
  return parts;
}

/** @type {Record<string, string>} */
const MARKS = { passed: "✓", failed: "✗" };

/**
 * Checks as a table, those that changed marked.
 * @param {CheckState[]} checks
 */
export function checksTable(checks) {
  const head = make("tr", "", {}, ...["check", "outcome", "before", "detail"].map((t) => make("th", "", { scope: "col" }, t)));
  const rows = checks.map(({ name, outcome, detail, before }) => {
    const changed = outcome !== before;
    return make("tr", `${changed ? "turned " : ""}check-${outcome.replace(" ", "-")}`, {},
      make("td", "", {}, name), make("td", "", {}, `${MARKS[outcome] ?? "-"} ${outcome}`),
      make("td", "", {}, changed ? `was ${before}` : ""), make("td", "", {}, detail));
  });
  return make("table", "", { "aria-label": "Checks" }, make("thead", "", {}, head), make("tbody", "", {}, ...rows));
}
