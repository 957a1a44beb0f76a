// The live views of ASN.1: a tree and its bytes as one (Asn1Viewer), and two structures
// beside each other (Asn1Diff). sceplab/views/script.py joins this file and what it
// imports into the one script that anywidget wants.
//
// Rules: only what is in sight is in the page (rows are made for the window and made
// anew), so that ten megabytes cost what three kilobytes cost. Text from anywhere reaches
// the page as text nodes, never as markup. What a cell may use is in the model; the rest
// is the view's own.

/** @import { DiffState, Model, ViewerState } from "./state.js" */

import { Diff } from "./viewer/diff.js";
import { Viewer } from "./viewer/viewer.js";

/** @param {{ model: Model<ViewerState> | Model<DiffState>, el: HTMLElement }} given */
function render({ model, el }) {
  const view = isDiff(model) ? new Diff(model, el) : new Viewer(model, el);
  return () => view.close();
}

/**
 * @param {Model<any>} model
 * @returns {model is Model<DiffState>}
 */
function isDiff(model) {
  return model.get("view") === "diff";
}

export default { render };
