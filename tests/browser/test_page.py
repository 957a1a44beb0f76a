"""Files of HTML that need no kernel, opened from disk in a real browser: live, without a request."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from sceplab import cli
from sceplab.analysis.analyse import analyse
from sceplab.scep.transport import HttpReply
from sceplab.views.page import inspector_page
from sceplab.widgets import Ladder, show, show_differences, what_if
from tests.browser.page import painted
from tests.helpers import scenes
from tests.helpers.captures import DATA, capture_file, capture_folders, decoded, messages, needs
from tests.helpers.certificates import make_crl
from tests.views.test_page import KINDS

pytestmark = [needs("chromium"), pytest.mark.xdist_group("browser")]
FOLDER = next(f for f in capture_folders() if f.name == "micromdm-wrongchallenge")


@pytest.fixture
def opened(chromium: BrowserContext) -> Iterator[Callable[[Path], Page]]:
    """Yield a function that opens a file from disk; then check for console errors, and for any other request."""
    pages: list[Page] = []
    wrong: list[str] = []

    def open_file(path: Path) -> Page:
        page = chromium.new_page()
        pages.append(page)
        page.on("request", lambda r: wrong.append(r.url) if r.url != path.as_uri() else None)
        page.on("console", lambda m: wrong.append(m.text))
        page.on("pageerror", lambda e: wrong.append(str(e)))
        page.goto(path.as_uri())
        expect(page.locator(".sceplab-explorer[data-shown]")).to_have_count(1)
        return page

    yield open_file
    for page in pages:
        page.close()
    assert wrong == []


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what `sceplab inspect` makes of a refused enrollment, with its keys."""
    path = tmp_path_factory.mktemp("page") / "out.html"
    keys = [o for p in sorted(FOLDER.glob("*.key*")) for o in ("--key", str(p))]
    assert cli.main(["inspect", str(capture_file(FOLDER)), *keys, "--html", str(path), "--show-secrets"]) == 0
    return path


def _picture(page: Page, name: str) -> None:
    folder = os.environ.get("SCEPLAB_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def _choose(page: Page, row: int) -> None:
    page.locator(".sceplab-rung").nth(row).click()
    expect(page.locator(f".sceplab-rung >> nth={row}")).to_have_attribute("aria-selected", "true")


def test_a_file_is_explored_with_the_mouse(opened: Callable[[Path], Page], file: Path) -> None:
    """Ladder, layers, search, coverage, findings and causes of a capture; in light and dark colours."""
    page = opened(file)
    items = decoded(FOLDER)
    refused = next(i for i, d in enumerate(items) if d.request is not None)
    expect(page.locator(".sceplab-rung")).to_have_count(2 * len(items))
    expect(page.locator(".sceplab-chosen")).to_have_text(f"[{refused}] request")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        painted(page)
        _picture(page, f"page-{scheme}")
        back = page.locator(".sceplab-viewer").evaluate("(e) => getComputedStyle(e).backgroundColor")
        assert back == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(17, 17, 17)")
    page.get_by_role("button", name="CertificationRequest", exact=True).click()
    expect(page.locator(".sceplab-title")).to_contain_text("messageData (decrypted)")
    page.locator(".sceplab-find").fill("challengePassword")
    expect(page.locator(".sceplab-found")).to_contain_text("1 of")
    expect(page.locator("[role=treeitem][aria-selected=true]")).to_contain_text("challengePassword")
    chip = page.get_by_role("toolbar", name="Coverage").get_by_role("button", name="signature").first
    chip.click()
    expect(chip).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".sceplab-octets .sceplab-region").first).to_be_visible()
    page.locator(".sceplab-octets .sceplab-tag").first.click()
    expect(page.locator(".sceplab-details")).to_contain_text("of tag and length")
    _choose(page, 0)
    expect(page.locator(".sceplab-chosen")).to_have_text("[0] request")
    expect(page.locator(".sceplab-viewer")).to_have_count(0)
    expect(page.locator(".sceplab-wrong h3")).to_have_text("RFC violations in exchange [0]")
    page.get_by_role("button", name=f"[{refused}]").first.click()
    expect(page.locator(".sceplab-chosen")).to_have_text(f"[{refused}] request")
    expect(page.locator(".sceplab-viewer")).to_have_count(1)
    with page.expect_download() as download:
        page.get_by_role("button", name="signature passed").click()
        page.get_by_role("button", name="Save layer").click()
    message = items[refused].request
    assert message is not None
    assert download.value.path().read_bytes() == message.raw


def test_a_file_is_explored_with_the_keyboard(opened: Callable[[Path], Page], file: Path) -> None:
    """Arrow keys and Enter in the ladder, arrow keys in the tree, F3 for the next hit."""
    page = opened(file)
    last = 2 * len(decoded(FOLDER)) - 1
    page.get_by_role("listbox").focus()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.locator(".sceplab-chosen")).to_have_text(f"[{last // 2}] reply")
    expect(page.get_by_role("listbox")).to_be_focused()
    expect(page.locator(".sceplab-fact-status")).to_have_text("FAILURE")
    page.get_by_role("tree").focus()
    page.keyboard.press("ArrowDown")
    first = page.locator("[role=treeitem][aria-selected=true]").inner_text()
    page.keyboard.press("ArrowDown")
    expect(page.locator("[role=treeitem][aria-selected=true]")).not_to_have_text(first)
    page.locator(".sceplab-find").fill("version")
    expect(page.locator(".sceplab-found")).to_contain_text("1 of")
    page.keyboard.press("F3")
    expect(page.locator(".sceplab-found")).to_contain_text("2 of")


def test_saved_views_are_live(opened: Callable[[Path], Page], tmp_path: Path) -> None:
    """A viewer with what was selected, an edited message without its editor, a comparison, and a ladder."""
    message, other = messages(DATA / "specimen")[:2]
    view = show(message)
    view.select("senderNonce")
    view.highlight("signature")
    view.save(tmp_path / "viewer.html")
    page = opened(tmp_path / "viewer.html")
    expect(page.locator("[role=treeitem][aria-selected=true] b")).to_have_text("senderNonce")
    expect(page.locator(".sceplab-chip[aria-pressed=true]")).to_contain_text("signature")
    expect(page.locator(".sceplab-onion > p")).to_have_text(
        "Left out: messageData was decrypted, and is not in this file."
    )
    edited = what_if(message)
    edited.set_content("senderNonce", bytes(16))
    edited.save(tmp_path / "edited.html", show_secrets=True)
    page = opened(tmp_path / "edited.html")
    expect(page.locator(".sceplab-edits")).to_have_count(0)
    expect(page.locator(".sceplab-without")).to_contain_text("needs the notebook")
    expect(page.locator(".sceplab-check-failed").first).to_be_visible()
    show_differences(message, other).save(tmp_path / "differences.html")
    page = opened(tmp_path / "differences.html")
    page.get_by_role("treegrid").focus()
    page.keyboard.press("End")
    expect(page.locator("[role=row][aria-selected=true]")).to_be_visible()
    Ladder(decoded(FOLDER)).save(tmp_path / "ladder.html")
    page = opened(tmp_path / "ladder.html")
    _choose(page, 1)
    expect(page.locator(".sceplab-chosen")).to_have_text("[0] reply")
    expect(page.locator(".sceplab-wrong")).to_be_empty()


def test_names_of_a_large_layer_are_given_when_looked_at(opened: Callable[[Path], Page], tmp_path: Path) -> None:
    """Far down in a CRL, elements have their names, and their values can be read."""
    show(make_crl(1500, reasons=True), "CertificateList", open_depth=4).save(tmp_path / "crl.html")
    page = opened(tmp_path / "crl.html")
    page.get_by_role("tree").focus()
    page.keyboard.press("End")
    for _ in range(12):
        page.keyboard.press("ArrowUp")
    names = page.locator("[role=treeitem] b")
    expect(names.filter(has_text="userCertificate").first).to_be_visible()
    expect(names.filter(has_text="revocationDate").first).to_be_visible()


def test_markup_in_a_page_is_text(opened: Callable[[Path], Page], tmp_path: Path) -> None:
    """Each kind of markup, in names, paths and words, is shown as text and not run."""
    exchanges = []
    for kind in KINDS:
        answer = HttpReply(500, (("Content-Type", kind),), kind.encode(), kind)
        asked = scenes.sent(f"/{kind}?operation={kind}", answer)
        text = scenes.reply("2", fail="2", text=kind, transaction=kind.encode("ascii", "ignore").decode())
        made = (asked, scenes.posted(scenes.request(), text))
        exchanges += [replace(one, client=f"a{kind}", server=f"b{kind}", source=kind) for one in made]
    html, _ = inspector_page(analyse(scenes.decode(*exchanges), scenes.materials()))
    path = tmp_path / "hostile.html"
    path.write_text(html, "utf-8")
    page = opened(path)
    for row in range(12):
        page.locator(f".sceplab-rung[data-row='{row}']").click()
        expect(page.locator(".sceplab-chosen")).to_have_text(f"[{row // 2}] {'reply' if row % 2 else 'request'}")
    expect(page.locator(".sceplab-actor").first).to_have_text(f"a{KINDS[0]}")
    page.locator(".sceplab-find").fill("failInfoText")
    expect(page.locator(".sceplab-details")).to_contain_text(KINDS[2])
    expect(page.locator(".sceplab-wrong")).to_contain_text(KINDS[2])
    expect(page.get_by_text(KINDS[3]).first).to_be_attached()
    assert page.evaluate("window.bad") is None
    assert page.locator("img, svg, iframe, body script:not([type='text/plain']):not([type=module])").count() == 0


def test_the_policy_of_a_page_forbids_requests(chromium: BrowserContext, file: Path) -> None:
    """What a script in the page would load, send or run is refused by the browser: a server nearby is not asked."""
    page = chromium.new_page()
    page.goto(file.as_uri())
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        seen, bad = page.evaluate(_TRY, f"http://127.0.0.1:{server.getsockname()[1]}/x")
        with pytest.raises(BlockingIOError):
            server.accept()
    page.close()
    assert {"connect-src", "img-src", "style-src-elem", "require-trusted-types-for"} <= set(seen)
    assert bad is None


_TRY = """async (address) => {
    const seen = [];
    document.addEventListener("securitypolicyviolation", (event) => seen.push(event.effectiveDirective));
    await fetch(address).catch(() => {});
    const image = new Image(), style = document.createElement("style"), script = document.createElement("script");
    image.src = address;
    style.textContent = "body { display: none }";
    try { document.body.innerHTML = "<b>x</b>"; } catch { /* trusted types */ }
    try { script.textContent = "window.bad = 1"; } catch { /* trusted types */ }
    navigator.sendBeacon(address);
    document.body.append(style, script);
    await new Promise((done) => setTimeout(done, 200));
    return [seen, window.bad ?? null];
}"""
