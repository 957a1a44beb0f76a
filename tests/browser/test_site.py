"""The live views of the documentation site, from a plain file server under a sub-path."""

from __future__ import annotations

import functools
import http.server
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.helpers.captures import ROOT, needs

pytestmark = [needs("chromium"), pytest.mark.xdist_group("browser")]
pytest.importorskip("myst_parser")


# What the theme says on its first page, and an icon that browsers ask for.
_OF_OTHERS = re.compile(r"^\S+/(?:scripts/pydata-sphinx-theme\.js|favicon\.ico)\b")


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """A plain file server."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Build the page of the viewer as `make docs` does, without the other pages, and serve it; yield its address."""
    source, out = tmp_path_factory.mktemp("docs"), tmp_path_factory.mktemp("web")
    for file in (ROOT / "docs/viewer.md", *(ROOT / "docs").glob("*.png")):
        shutil.copy(file, source)
    (source / "index.md").write_text("# Site\n\n```{toctree}\nviewer\n```\n")
    options = ["--fail-on-warning", "--quiet", "-D", "extensions=myst_parser,sphinx.ext.napoleon", "-c"]
    command = [sys.executable, "-m", "sphinx", *options, str(ROOT / "docs"), str(source), str(out / "some" / "where")]
    subprocess.run(command, check=True)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=out)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/some/where/viewer.html"
        server.shutdown()
        thread.join()


def test_views_of_the_site_are_live(chromium: BrowserContext, site: str) -> None:
    """The specimen in the page, and the other file behind its link: select, search, coverage; no request elsewhere."""
    page = chromium.new_page()
    strangers: list[str] = []
    errors: list[str] = []
    page.on("request", lambda r: None if urlsplit(r.url).netloc == urlsplit(site).netloc else strangers.append(r.url))
    page.on("console", lambda m: errors.append(f"{m.location['url']}: {m.text}") if m.type == "error" else None)
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.goto(site)
    frame = page.frame_locator("iframe")
    expect(frame.locator(".sceplab-fact-message")).to_have_text("PKCSReq")
    frame.locator(".sceplab-find").fill("challengePassword")
    expect(frame.locator("[role=treeitem][aria-selected=true]")).to_contain_text("R3-to-R1-via-R2")
    chip = frame.get_by_role("toolbar", name="Coverage").get_by_role("button", name="signature").first
    chip.click()
    expect(chip).to_have_attribute("aria-pressed", "true")
    page.get_by_role("link", name="an enrollment that was refused").click()
    expect(page.locator(".sceplab-rung")).to_have_count(6)
    page.locator(".sceplab-rung").last.click()
    expect(page.locator(".sceplab-fact-status")).to_have_text("FAILURE")
    assert Path(urlsplit(page.url).path).parts[-2:] == ("live", "refused.html")
    page.close()
    assert strangers == []
    assert [e for e in errors if not _OF_OTHERS.search(e)] == []
