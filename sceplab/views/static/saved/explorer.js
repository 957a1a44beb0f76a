// The live part of a page: the ladder, the layers of the message that is selected in it, and what is wrong with that exchange.

import { Ladder } from "../ladder/ladder.js";
import { make, makeButton } from "../page.js";
import { Diff } from "../viewer/diff.js";
import { Viewer } from "../viewer/viewer.js";
import { diffState, viewerState } from "./book.js";
import { SavedModel } from "./model.js";

/** @import { LadderState, PageExchange, PagePart, Place } from "../state.js" */
/** @import { Book, Unpacked } from "./book.js" */

const LEFT_OUT = "The layers of this exchange are not in this file, to keep it small.";

export class Explorer {
  /** @param {Book} book */
  constructor(book) {
    this.book = book;
    /** @type {{ close: () => void }[]} */
    this.views = [];
    /** How often something was chosen: an answer that comes late is not shown. */
    this.times = 0;
    this.head = make("h3", "chosen", { "aria-live": "polite" });
    this.onion = make("div", "onion");
    this.wrong = make("div", "wrong");
    this.root = make("div", "explorer");
    const { ladder, first } = book.state;
    /** @type {SavedModel<LadderState> | null} */
    this.model = ladder ? new SavedModel({ ...ladder, selected: first }) : null;
    if (this.model) {
      new Ladder(this.model, this.root);
      this.model.on("change:selected", () => this.choose());
      this.root.append(this.head);
    }
    this.root.append(this.onion, this.wrong);
  }

  /**
   * Make the place of each cause a button that selects it.
   * @param {Document} page
   */
  point(page) {
    const { model } = this;
    if (!model) return;
    for (const where of page.querySelectorAll("span[data-exchange]")) {
      const exchange = Number(/** @type {HTMLElement} */ (where).dataset.exchange);
      const sides = model.get("arrows").filter((arrow) => arrow.exchange === exchange).map(({ side }) => side);
      if (!sides.length) continue;
      const button = makeButton("go", where.textContent ?? "", () => {
        model.set("selected", { exchange, side: sides[0] });
        this.root.scrollIntoView();
      });
      button.title = "Show this exchange";
      where.replaceChildren(button);
    }
  }

  /** @returns {Partial<Place>} */
  get place() { return this.model ? this.model.get("selected") : this.book.state.first; }

  /** Show what is selected. */
  async choose() {
    const { exchange = -1, side = "" } = this.place, time = ++this.times;
    const found = await this.book.exchange(exchange);
    if (time !== this.times) return;
    this.views.forEach((view) => view.close());
    this.views = [];
    this.onion.replaceChildren();
    this.head.textContent = exchange < 0 ? "" : `[${exchange}] ${side}`;
    if (found) this.show(found, side === "reply" ? found.exchange.reply : found.exchange.request);
    else if (exchange >= 0) this.onion.append(make("p", "", {}, LEFT_OUT));
    this.wrong.replaceChildren(...(found && this.book.state.judged ? wrongWith(found.exchange, exchange) : []));
    this.root.dataset.shown = `${exchange} ${side}`;
  }

  /**
   * @param {Unpacked} unpacked
   * @param {PagePart[]} parts
   */
  show({ bytes }, parts) {
    for (const { head, text, lines, view, diff } of parts) {
      if (lines) this.onion.append(make("pre", "", {}, text));
      else if (head || text) this.onion.append(make("p", "", {}, make("b", "", {}, head), head ? " " : "", text));
      if (view) {
        const { state, later } = viewerState(view, this.book.state.kinds, bytes);
        this.views.push(new Viewer(new SavedModel(state, later), this.onion));
        if (view.without) this.onion.append(make("p", "without", {}, view.without));
      }
      if (diff) this.views.push(new Diff(new SavedModel(diffState(diff, bytes)), this.onion));
    }
  }
}

/**
 * The rules that an exchange breaks.
 * @param {PageExchange} exchange
 * @param {number} number
 */
function wrongWith({ findings, more }, number) {
  const items = findings.map(({ level, rule, where, found, fix, section }) => make("li", "", {},
    make("b", "", {}, level), ` ${rule}`, make("br"), `${where}: ${found} `, make("small", "", {}, section),
    ...(fix ? [make("br"), `fix: ${fix}`] : [])));
  const rest = more ? [make("p", "", {}, `${more} more in this exchange.`)] : [];
  const list = items.length ? make("ul", "", {}, ...items) : make("p", "", {}, "No rule is broken.");
  return [make("h3", "", {}, `RFC violations in exchange [${number}]`), list, ...rest];
}
