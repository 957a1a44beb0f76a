"""Words that a browser breaks."""

from __future__ import annotations

from playwright.sync_api import Locator

_BROKEN = """(root) => {
    const out = [], walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        for (const { 0: word, index } of node.data.matchAll(/[A-Za-z]+/g)) {
            const range = document.createRange();
            range.setStart(node, index);
            range.setEnd(node, index + word.length);
            const lines = new Set([...range.getClientRects()].map((r) => Math.round(r.top)));
            if (lines.size > 1 && word.length <= 20) out.push(word);
        }
    }
    return out;
}"""


def broken_words(where: Locator) -> list[str]:
    """Return the words of up to 20 letters that are on more than one line."""
    found: list[str] = where.evaluate(_BROKEN)
    return found
