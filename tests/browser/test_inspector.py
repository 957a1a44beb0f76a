"""Notebook 09 as a new user runs it: upload, ladder, layers, causes and reports, with captures of several kinds."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.notebook import ERROR, PATIENCE, open_notebook, run_cell, screenshot
from tests.helpers.captures import DATA, SHARED, capture_file, decoded, needs
from tests.helpers.notebooks import write_notebook

pytestmark = [needs("chromium"), pytest.mark.xdist_group("browser")]
SHARED_CAPTURES = SHARED / "captures"


@dataclass(frozen=True)
class Tried:
    """A capture, the keys to upload with it, and the texts that the page must show."""

    folder: Path
    keys: tuple[str, ...]
    status: str
    arrow: str
    layer: str
    challenge: str = ""


def _tried() -> list[Tried]:
    own = DATA / "captures"
    out = [
        Tried(
            own / "micromdm-wrongchallenge", ("ca.key.pem", "ca.pem"), "3 exchanges", "FAILURE badRequest", "SignedData"
        ),
        Tried(own / "strongswan-wrongchallenge", (), "exchanges, 0 keys", "FAILURE badRequest", "SignedData"),
        Tried(
            own / "micromdm-default",
            ("ca.key.pem", "ca.pem"),
            "Granted, as far as can be seen",
            "PKCSReq",
            "CertificationRequest",
        ),
    ]
    if SHARED_CAPTURES.is_dir():
        shared = SHARED_CAPTURES
        out += [
            Tried(shared / "odd-gzip-pcap", ("ca.key.pem", "ca.pem"), "exchanges", "PKCSReq", "CertificationRequest"),
            Tried(shared / "sscep-jscep-pending-poll3", (), "exchanges", "CertRep PENDING", "SignedData"),
            Tried(
                shared / "ra2-strongswan6-jscep", (), "Granted, as far as can be seen", "CertRep SUCCESS", "SignedData"
            ),
        ]
    return out


def _upload(page: Page, number: int, files: list[Path]) -> None:
    """Give files to one of the two upload buttons."""
    with page.expect_file_chooser() as chooser:
        page.locator(".jupyter-widgets.widget-upload").nth(number).click()
    chooser.value.set_files(files)
    expect(page.locator(".jupyter-widgets.widget-upload").nth(number)).to_contain_text(f"({len(files)})")


def _report(page: Page, name: str, folder: Path) -> str:
    """Download a report and return it."""
    with page.expect_download() as download:
        page.get_by_role("link", name=name).click()
    path = folder / name
    download.value.save_as(path)
    return path.read_text("utf-8")


def _run_until_there(page: Page, lab: str, lab_root: Path) -> Locator:
    # Run a copy: a later test of the same notebook would get this kernel, whose execution count continues.
    shutil.copy(lab_root / "notebooks" / "09-your-own-capture.ipynb", lab_root / "notebooks" / "upload.ipynb")
    open_notebook(page, lab, "upload")
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    expect(page.get_by_text("Not attempted yet").first).to_be_visible(timeout=PATIENCE)
    ladder = page.locator(".sceplab-ladder")
    expect(ladder).to_be_visible(timeout=PATIENCE)
    expect(page.locator(ERROR)).to_have_count(0)
    return ladder


def test_from_upload_to_report(page: Page, lab: str, lab_root: Path, tmp_path: Path) -> None:
    """Upload each capture with its keys, open a message from the ladder, read the causes, and download the reports."""
    ladder = _run_until_there(page, lab, lab_root)
    for tried in _tried():
        file, keys = capture_file(tried.folder), [tried.folder / n for n in tried.keys]
        page.get_by_role("button", name="Clear").click()
        expect(ladder).to_be_hidden(timeout=PATIENCE)
        _upload(page, 0, [file])
        if keys:
            _upload(page, 1, keys)
        page.get_by_role("button", name="Decode").click()
        expect(ladder).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_text(tried.status).first).to_be_visible(timeout=PATIENCE)
        # The page keeps no uploaded file: saving the notebook would store it.
        for number in (0, 1):
            expect(page.locator(".jupyter-widgets.widget-upload").nth(number)).to_contain_text("(0)")
        ladder.get_by_role("option", name=tried.arrow).last.click()
        viewer = page.locator(".sceplab-viewer")
        expect(viewer).to_have_count(1, timeout=PATIENCE)
        expect(viewer.get_by_role("button", name=tried.layer, exact=True)).to_be_visible()
        viewer.get_by_role("button", name=tried.layer, exact=True).click()
        page.get_by_role("tab", name="RFC violations").click()
        expect(page.locator("b", has_text=re.compile(r"^Exchange \["))).to_be_visible()
        page.get_by_role("tab", name="Why it failed").click()
        ladder.scroll_into_view_if_needed()
        screenshot(page, f"inspector-{tried.folder.name}")
        box, side = viewer.bounding_box(), page.get_by_role("tab", name="Why it failed").bounding_box()
        assert box is not None
        assert side is not None
        assert box["width"] > 400
        assert side["y"] < box["y"] + box["height"]
        secrets = {
            d.request.csr.challenge_password
            for d in decoded(tried.folder)
            if d.request is not None and d.request.csr is not None and d.request.csr.challenge_password
        }
        for name, start in (("report.html", "<!doctype html>"), ("report.md", "# SCEP enrollment")):
            text = _report(page, name, tmp_path)
            assert text.startswith(start)
            assert "PRIVATE KEY" not in text
            # (Short secrets are skipped: one such as "bad" may be a word of the report.)
            assert not [s for s in secrets if len(s) > 4 and s in text]
            assert tried.arrow.split()[0] in text


def test_unreadable_input_gives_a_one_line_error(page: Page, lab: str, lab_root: Path, tmp_path: Path) -> None:
    """Text without a message, an encrypted key without its passphrase, an empty HAR file. The ladder stays."""
    ladder = _run_until_there(page, lab, lab_root)
    box = page.get_by_label("Or paste")
    box.fill("The router does not enroll.")
    page.get_by_role("button", name="Decode").click()
    expect(page.get_by_text("Not read:")).to_be_visible(timeout=PATIENCE)
    expect(ladder).to_be_visible()
    held = DATA / "specimen" / "ca.key.encrypted.pem"
    _upload(page, 1, [held])
    page.get_by_role("button", name="Decode").click()
    expect(page.get_by_text("type its passphrase")).to_be_visible(timeout=PATIENCE)
    zipped = tmp_path / "capture.har"
    zipped.write_bytes(gzip.compress(json.dumps({"log": {"entries": []}}).encode()))
    _upload(page, 0, [zipped])
    page.get_by_role("button", name="Decode").click()
    expect(page.get_by_text("no request in it")).to_be_visible(timeout=PATIENCE)


# Keep the kernel busy until the test creates a file: a fixed time would make the test flaky.
_BUSY = """
import time
from pathlib import Path
while not Path("pressed").exists():
    time.sleep(0.01)
Path("pressed").unlink()
"""


def test_decode_uses_the_text_typed_before_the_click(page: Page, lab: str, lab_root: Path) -> None:
    """Type and click while the kernel is busy. Decode uses the text of both boxes, and the next cell sees it."""
    first = "import time\nfrom sceplab.widgets import inspect_capture\nview = inspect_capture()\n"
    first += "view.challenge.observe(lambda _: time.sleep(0.5), 'value')\nview"
    asked = "print([e.request.target for e in view.exchanges], view.materials.passwords)"
    write_notebook(lab_root, "boxes", first, _BUSY, asked)
    open_notebook(page, lab, "boxes")
    run_cell(page, 0)
    paste, challenge = page.get_by_label("Or paste"), page.get_by_label("Expected challengePassword (optional)")
    expect(paste).to_be_visible(timeout=PATIENCE)
    # Repeat it: after its first reply the kernel may handle messages in another way.
    for word in ("one", "two"):
        run_cell(page, 1)
        challenge.press_sequentially(f"{word} password")
        paste.fill("")
        paste.press_sequentially(f"GET /{word}?operation=GetCACaps HTTP/1.1")
        page.get_by_role("button", name="Decode").click()
        out = run_cell(page, 2)
        (lab_root / "notebooks" / "pressed").touch()
        expect(out).to_contain_text(f"['/{word}?operation=GetCACaps'] (b'{word} password',)", timeout=PATIENCE)
