"""In a narrow window no word is broken: in the report, and in a notebook."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

import sceplab
from sceplab.analysis.analyse import Analysis
from sceplab.widgets import show_text
from tests.browser.notebook import PATIENCE, open_notebook
from tests.browser.words import broken_words
from tests.helpers.captures import DATA, needs
from tests.helpers.notebooks import write_notebook

pytestmark = [needs("chromium"), pytest.mark.xdist_group("browser")]


def _analysis(name: str) -> Analysis:
    folder = DATA / "captures" / name
    held = sceplab.Materials(keys=tuple(sceplab.load_private_keys(next(folder.glob("*.key*")))))
    return sceplab.analyse(sceplab.decode_exchanges(sceplab.read_capture(folder / "capture.pcap"), held), held)


@pytest.mark.parametrize("width", [700, 1400])
@pytest.mark.parametrize("name", ["micromdm-wrongchallenge", "strongswan-wrongchallenge"])
def test_no_word_of_the_report_is_broken(chromium: BrowserContext, name: str, width: int) -> None:
    """This holds with the names and URLs of real captures, and the page does not scroll sideways."""
    page = chromium.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    page.set_content(sceplab.to_html(_analysis(name)))
    assert page.locator("td").count() > 5
    assert broken_words(page.locator("body")) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_jupyterlab_breaks_no_word_of_show_text(page: Page, lab: str, lab_root: Path) -> None:
    """The same text printed is broken inside words: JupyterLab's own style does that."""
    text = sceplab.to_text(_analysis("micromdm-wrongchallenge"), width=1000)
    shown = show_text(text)
    data = {"text/html": shown._repr_html_(), "text/plain": repr(shown)}
    output: dict[str, object] = {"output_type": "display_data", "metadata": {}, "data": data}
    write_notebook(lab_root, "lines", "1", output=output)
    write_notebook(lab_root, "printed", "1", output={"output_type": "stream", "name": "stdout", "text": text})
    page.set_viewport_size({"width": 700, "height": 900})
    for name, whole in (("lines", True), ("printed", False)):
        open_notebook(page, lab, name)
        pre = page.locator(".jp-OutputArea-output pre").first
        expect(pre).to_contain_text("likely: The challengePassword", timeout=PATIENCE)
        assert (broken_words(pre) == []) is whole
