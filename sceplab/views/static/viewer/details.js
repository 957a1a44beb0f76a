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
 * What a screen reader says of a row.
 * @param {Label} label
 * @param {number} length bytes of content
 * @param {string} mark "region" or "proof" where the element is in what is lit
 */
export function spoken(label, length, mark) {
  const { value } = label, octets = /^([0-9a-f]{2} ){4,}/.exec(value) ? value.split(" ") : null;
  const short = octets ? `${octets.slice(0, 4).join(" ")} and ${Math.max(length, octets.length) - 4} more` : value.slice(0, 120);
  const size = `${length} ${length === 1 ? "byte" : "bytes"}`, covered = { region: "covered", proof: "signature" }[mark];
  return [
    label.name, typeBeside(label), size, short === size ? "" : short, label.also, label.guess ? "a guess" : "",
    label.findings?.length ? "not DER" : "", covered,
  ].filter(Boolean).join(", ");
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

/** What the colours of the hex dump are. */
export function legend() {
  return make("div", "legend", { "aria-hidden": "true" },
    make("span", "tag", {}, "tag"), " ", make("span", "length", {}, "length"), " ", make("span", "value", {}, "value"), " ",
    make("span", "value selected", {}, "selected"), " ", make("span", "value region", {}, "covered"), " ",
    make("span", "value proof", {}, "signature"));
}

/** What stands where nothing is selected. */
export function hint() {
  return "Choose an element or a byte; search for a name, a value or an offset; press a button above to see what it covers.";
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
