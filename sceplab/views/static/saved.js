// A page that needs no kernel (sceplab/views/page.py): its states are in it, packed; here they become live views.

import { Book } from "./saved/book.js";
import { Explorer } from "./saved/explorer.js";

/** Show what is in the page. */
async function start() {
  const host = document.querySelector("#sceplab-live");
  if (!host) return;
  try {
    const explorer = new Explorer(await Book.of(document));
    host.append(explorer.root);
    explorer.point(document);
    await explorer.choose();
  } catch (error) {
    host.textContent = `This browser cannot show the live view: ${error}. It needs one of 2023 or newer.`;
  }
}

const started = start();

export default { started };
