// The ladder diagram for anywidget (sceplab.widgets.ladder).

/** @import { LadderState, Model } from "./state.js" */

import { Ladder } from "./ladder/ladder.js";

/** @param {{ model: Model<LadderState>, el: HTMLElement }} given */
function render({ model, el }) {
  const view = new Ladder(model, el);
  return () => view.close();
}

export default { render };
