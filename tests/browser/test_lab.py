"""Every notebook in a real JupyterLab: Run All is clean, the tree unfolds, an exercise answers."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support import needs
from tools.notebooks import sources

pytestmark = [needs("chromium"), pytest.mark.xdist_group("browser")]
# Milliseconds: a kernel may take long to start on two busy cores.
_PATIENCE = 120_000
_READY = """async () => {
    const app = window.jupyterapp, widget = app.shell.currentWidget;
    await app.started; await app.restored; await widget.context.ready;
    await widget.sessionContext.ready; await widget.sessionContext.session.kernel.info;
}"""
_RUN_ALL = "() => window.jupyterapp.commands.execute('notebook:run-all-cells')"
_ERROR = ".jp-RenderedText[data-mime-type='application/vnd.jupyter.error']"


def _open(page: Page, lab: str, name: str) -> None:
    page.goto(f"{lab}/lab/tree/notebooks/{name}.ipynb?reset")
    page.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.sessionContext", timeout=_PATIENCE)
    page.evaluate(_READY)


def _picture(page: Page, name: str) -> None:
    """Keep a screenshot where somebody asked for them (SCEPLAB_SCREENSHOTS names the folder)."""
    folder = os.environ.get("SCEPLAB_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png")


@pytest.mark.parametrize("name", [s.stem for s in sources()])
def test_run_all_is_clean(page: Page, lab: str, name: str) -> None:
    """Every cell runs, in order, and none fails."""
    _open(page, lab, name)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    expect(page.get_by_text("Not attempted yet")).to_have_count(0)
    page.evaluate(_RUN_ALL)
    cells = page.locator(".jp-CodeCell").count()
    assert cells >= 8
    prompt = page.locator(".jp-CodeCell .jp-InputPrompt", has_text=re.compile(rf"\[{cells}\]:"))
    expect(prompt).to_have_count(1, timeout=_PATIENCE)
    expect(page.get_by_text("Not attempted yet").first).to_be_visible(timeout=_PATIENCE)
    expect(page.locator(_ERROR)).to_have_count(0)
    _picture(page, name)


def test_the_tree_unfolds_and_says_where(page: Page, lab: str) -> None:
    """Click down to the senderNonce: its octets are there, with their offset."""
    _open(page, lab, "00-start-here")
    page.evaluate(_RUN_ALL)
    tree = page.locator(".jp-RenderedHTMLCommon details").first
    expect(tree).to_be_visible(timeout=_PATIENCE)
    nonce = page.locator("details", has=page.locator("> summary", has_text=re.compile(r"^senderNonce")))
    expect(nonce.locator("> pre").first).to_be_hidden()
    page.evaluate("() => document.querySelectorAll('details').forEach(d => { d.open = true })")
    expect(nonce.locator("> pre").first).to_contain_text("[04 10] 00 01 02 03 04 05")
    nonce.locator("> summary").first.scroll_into_view_if_needed()
    _picture(page, "tree")


def test_an_exercise_reacts(page: Page, lab: str) -> None:
    """A wrong answer is explained, the right one is right."""
    _open(page, lab, "00-start-here")
    page.evaluate(_RUN_ALL)
    expect(page.get_by_text("Not attempted yet").first).to_be_visible(timeout=_PATIENCE)
    cells = page.locator(".jp-CodeCell")
    # By number: what the cell says changes below.
    cell = cells.nth(next(i for i in range(cells.count()) if "one.check(" in cells.nth(i).inner_text()))
    for typed, word in (("len(message.raw)", "the size of the whole message"), ("eval(one.code)", "Right")):
        cell.locator(".cm-content").click()
        page.keyboard.press("Control+a")
        page.keyboard.type(f"one.check({typed})")
        page.keyboard.press("Control+Enter")
        expect(cell.locator(".jp-OutputArea")).to_contain_text(word, timeout=_PATIENCE)
