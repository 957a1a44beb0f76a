"""The live views in a real browser, on a page of their own: drawing, keyboard and mouse."""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from anywidget import AnyWidget
from playwright.sync_api import BrowserContext, Page, Route, expect

import sceplab
from sceplab.asn1 import oids
from sceplab.scep.conversation import Materials
from sceplab.scep.message import PkiMessage
from sceplab.views.script import STATIC, join
from sceplab.widgets import Asn1Diff, Ladder, show, show_differences, what_if
from tests.browser.page import ADDRESS, mount, open_page, painted
from tests.helpers import scenes
from tests.helpers.captures import DATA, certificate, key, messages, needs
from tests.helpers.certificates import make_crl
from tests.helpers.scenes import decode

pytestmark = [needs("chromium"), pytest.mark.xdist_group("browser")]


@pytest.fixture
def page(chromium: BrowserContext) -> Iterator[Page]:
    """Yield a page with the views' script; then check for console errors and requests to other hosts."""
    page = chromium.new_page()
    errors: list[str] = []
    strangers: list[str] = []

    def refuse(route: Route) -> None:
        strangers.append(route.request.url)
        route.abort()

    page.route("**/*", refuse)
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: errors.append(str(e)))
    open_page(page)
    yield page
    page.close()
    assert errors == []
    assert [s for s in strangers if not s.startswith(ADDRESS)] == []


def _specimen() -> PkiMessage:
    return messages(DATA / "specimen")[0]


def _selected(page: Page) -> str:
    return page.locator("[role=treeitem][aria-selected=true] b").inner_text()


def test_layer_buttons_select_their_element(page: Page) -> None:
    """The buttons lead from base64 to the request. Each selects its element and shows its bytes."""
    message = _specimen()
    mount(page, show(message, text=base64.b64encode(message.raw).decode(), open_depth=3, wrappers=True))
    stations = page.locator(".sceplab-station")
    expect(stations).to_have_text(["base64", "SignedData", "EnvelopedData", "CertificationRequest"])
    for name, title in (("CertificationRequest", "messageData (decrypted): 688"), ("EnvelopedData", "pkiMessage")):
        page.get_by_role("button", name=name, exact=True).click()
        expect(page.locator("[aria-current=location]")).to_have_text(name)
        expect(page.locator(".sceplab-title")).to_contain_text(title)
    expect(page.locator("[role=treeitem][aria-selected=true]")).to_contain_text("EnvelopedData")
    page.get_by_role("button", name="CertificationRequest", exact=True).click()
    # The plaintext is a child of the ciphertext: its level is one deeper.
    levels = [int(page.locator("[role=treeitem][aria-selected=true]").get_attribute("aria-level") or 0)]
    page.get_by_role("tree").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert _selected(page) == "encryptedContent"
    levels.append(int(page.locator("[role=treeitem][aria-selected=true]").get_attribute("aria-level") or 0))
    assert levels[0] == levels[1] + 1


def test_keys_move_through_the_tree(page: Page) -> None:
    """Keys follow the ARIA treeview pattern: arrows, Home, End, letters, *, Enter. None reaches the page."""
    mount(page, show(_specimen(), open_depth=1, wrappers=True))
    page.evaluate("() => { window.leaked = []; document.addEventListener('keydown', (e) => leaked.push(e.key)); }")
    tree = page.get_by_role("tree")
    tree.focus()
    for press, name in (
        *(("ArrowDown", "ContentInfo"), ("ArrowDown", "contentType"), ("End", "content"), ("ArrowRight", "content")),
        *(("ArrowRight", "content"), ("Home", "ContentInfo"), ("c", "contentType"), ("ArrowLeft", "ContentInfo")),
        *(("ArrowLeft", "ContentInfo"), ("ArrowDown", "ContentInfo"), ("Enter", "ContentInfo")),
        *(("PageDown", "content"), ("PageUp", "ContentInfo")),
    ):
        page.keyboard.press(press)
        assert _selected(page) == name, press
    row = page.locator("[role=treeitem][aria-selected=true]")
    expect(row).to_have_attribute("aria-expanded", "true")
    assert tree.get_attribute("aria-activedescendant") == row.get_attribute("id")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("*")
    assert page.locator("[role=treeitem]").count() > 3
    assert page.evaluate("() => leaked") == []
    expect(page.locator(".sceplab-viewer")).to_have_attribute("data-lm-suppress-shortcuts", "true")
    expect(page.locator(".sceplab-live")).to_contain_text("contentType OBJECT IDENTIFIER")


def test_rows_have_consistent_aria_positions(page: Page) -> None:
    """The values of aria-level, -setsize and -posinset of all rows agree, although few rows exist at a time."""
    mount(page, show(_specimen(), open_depth=99, wrappers=True))
    page.get_by_role("tree").focus()
    page.keyboard.press("Home")
    seen: dict[str, tuple[int, int, int]] = {}
    read = """() => [...document.querySelectorAll('[role=treeitem]')].map((r) =>
        [r.id, +r.ariaLevel, +r.ariaPosInSet, +r.ariaSetSize])"""
    for _ in range(30):
        seen.update({r[0]: (r[1], r[2], r[3]) for r in page.evaluate(read)})
        page.keyboard.press("PageDown")
    rows = [seen[k] for k in sorted(seen, key=lambda k: int(k.rpartition("r")[2]))]
    assert len(rows) > 150
    stack: list[tuple[int, int]] = []
    for level, position, size in rows:
        while len(stack) >= level:
            stack.pop()
        assert len(stack) == level - 1
        assert 1 <= position <= size
        stack.append((position, size))


def test_tree_and_hex_dump_are_linked(page: Page) -> None:
    """In both directions: hovering highlights, a click selects."""
    message = _specimen()
    mount(page, show(message, open_depth=9, wrappers=True))
    row = page.locator("[role=treeitem]", has_text="digestAlgorithms")
    row.locator("b").hover()
    expect(page.locator(".sceplab-hexes .sceplab-hovered").first).to_have_text("31")
    row.locator("b").click()
    assert _selected(page) == "digestAlgorithms"
    lit = page.locator(".sceplab-hexes .sceplab-selected")
    assert bytes.fromhex("".join(lit.all_inner_texts()).replace(" ", "")[:30]) == message.raw[26:41]
    # Byte 30 is the tag of the digest's OBJECT IDENTIFIER: row 1, column 14.
    cell = page.locator("[data-row='1'] .sceplab-hexes")
    box = cell.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 14.5 / 16, box["y"] + 8)
    expect(page.locator("[role=treeitem].sceplab-hovered")).to_contain_text("sha256 (2.16.840.1.101.3.4.2.1)")
    page.mouse.down()
    page.mouse.up()
    assert _selected(page) == "algorithm"
    assert page.evaluate("() => model.get('selected')") == [0, 30]
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert _selected(page) == "digestAlgorithm"
    # Tag, length and content differ in more than colour.
    styles = page.evaluate(
        """() => ['.sceplab-tag', '.sceplab-length', ''].map((c) =>
            getComputedStyle(document.querySelector(`.sceplab-octets .sceplab-hexes ${c}`)).textDecoration)"""
    )
    assert len(set(styles)) == 3


def test_search_and_go_to(page: Page) -> None:
    """Search by name, by text and by hex bytes; go to an offset or a path."""
    message = _specimen()
    mount(page, show(message, open_depth=2, wrappers=True))
    find, status = page.get_by_role("searchbox"), page.locator(".sceplab-found")
    find.fill("PKCSReq")
    assert _selected(page) == "attribute"
    page.keyboard.press("Enter")
    assert _selected(page) == "messageType"
    expect(status).to_have_text("2 of 2")
    find.fill("ioscs RA")
    expect(page.locator("[role=treeitem][aria-selected=true]")).to_contain_text("ioscs RA")
    find.fill("00 01 02 03 04")
    assert _selected(page) == "attribute"
    page.get_by_role("button", name="Next").click()
    assert _selected(page) == "senderNonce"
    find.fill("no such thing")
    expect(status).to_have_text("nothing found")
    for typed, name in (
        *(("0", "ContentInfo"), ("0x1e", "algorithm"), ("senderNonce.senderNonce", "senderNonce")),
        *(("signerInfo.version", "version"), ("certificationRequestInfo.subject", "subject")),
    ):
        find.fill(typed)
        assert _selected(page) == name, typed
    find.fill("nowhere.at.all")
    expect(status).to_have_text("nothing found")
    # The first Escape clears the box, and a second has nothing left to clear.
    find.press("Escape")
    expect(find).to_have_value("")
    expect(status).to_have_text("")
    # Folding the branch of the selected element selects its closest visible ancestor.
    page.get_by_label("Expand to depth").select_option("2")
    expect(page.locator("[role=treeitem]")).to_have_count(4)
    assert _selected(page) == "content"
    page.get_by_label("Expand to depth").select_option("all levels")
    assert page.locator("[role=treeitem]").count() >= 15


@needs("openssl")
def test_copy_and_save(page: Page, chromium: BrowserContext, tmp_path: Path) -> None:
    """Each copy decodes to the element, the openssl command runs, and a saved element has the same bytes."""
    chromium.grant_permissions(["clipboard-read", "clipboard-write"])
    message = _specimen()
    view = show(message)
    node = view.select("tbsCertificate")
    mount(page, view)
    copied = {}
    for form in ("hex", "base64", "pem", "value", "path", "python", "openssl"):
        page.get_by_label("Copy as").select_option(form)
        page.get_by_role("button", name="Copy", exact=True).click()
        expect(page.locator(".sceplab-live")).to_contain_text("copied as")
        # http://views.test is not a secure origin: the view copies with the old API, and the test pastes to read it.
        page.get_by_role("searchbox").fill("")
        page.get_by_role("searchbox").press("Control+v")
        copied[form] = page.get_by_role("searchbox").input_value()
        page.evaluate("(place) => model.set('selected', place)", view.selected)
    assert bytes.fromhex(copied["hex"]) == node.raw
    assert base64.b64decode(copied["base64"]) == node.raw
    assert copied["pem"].startswith("-----BEGIN TBSCERTIFICATE-----")
    assert copied["path"] == view.path
    assert eval(copied["python"], {"base64": base64, "bytes": bytes}) == node.raw  # noqa: S307 - our own text
    with page.expect_download() as got:
        page.get_by_role("button", name="Save layer").click()
    assert got.value.suggested_filename == "pkiMessage.der"
    got.value.save_as(tmp_path / "pkiMessage.der")
    assert (tmp_path / "pkiMessage.der").read_bytes() == message.raw
    command = copied["openssl"].split()
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert f"l= {node.content_end - node.content_start} cons: SEQUENCE" in done.stdout
    with page.expect_download() as got:
        page.get_by_role("button", name="Save element").click()
    got.value.save_as(tmp_path / "element")
    assert (tmp_path / "element").read_bytes() == node.raw


def test_first_sight_shows_the_story(page: Page) -> None:
    """A line says who sent the message, for whom and whether it holds; each part leads to its element."""
    mount(page, show(_specimen()))
    facts = page.locator(".sceplab-fact")
    told = ["PKCSReq", "from R2", "to CA, serial 01", "for R3", "sha256", "aes-128-cbc", "signature passed"]
    expect(facts).to_have_text([*told, "opened with a key"])
    rows = page.locator("[role=treeitem]")
    assert rows.count() >= 20
    assert page.evaluate("() => document.querySelectorAll('#host *').length") <= 500
    for fact, name in (("PKCSReq", "messageType"), ("to CA, serial 01", "rid"), ("for R3", "subject")):
        page.get_by_role("button", name=fact, exact=True).click()
        assert _selected(page) == name
    page.get_by_role("button", name="signedAttrs", exact=True).or_(facts.first).first.click()
    assert page.locator(".sceplab-crumb").all_inner_texts()[-2:] == ["signedAttrs", "messageType"]
    page.locator(".sceplab-crumb", has_text="signedAttrs").click()
    assert _selected(page) == "signedAttrs"


def test_wrappers_are_shown_on_demand(page: Page) -> None:
    """A search for senderNonce finds one row. What wraps it is shown by its button, by +, and by a switch."""
    mount(page, show(_specimen()))
    page.get_by_role("searchbox").fill("senderNonce")
    expect(page.locator(".sceplab-found")).to_have_text("1 of 1")
    expect(page.locator(".sceplab-details b")).to_have_text("senderNonce")
    row = page.locator("[role=treeitem][aria-selected=true]")
    expect(row).to_have_attribute("aria-label", "senderNonce, OCTET STRING, 16 bytes, 00 01 02 03 and 12 more")
    assert int(row.get_attribute("aria-level") or 0) <= 7
    before = page.locator("[role=treeitem] b", has_text="attrType")
    expect(before).to_have_count(0)
    row.locator(".sceplab-spread").click()
    expect(before).to_have_count(1)
    page.get_by_role("tree").press("+")
    expect(before).to_have_count(0)
    assert _selected(page) == "senderNonce"
    switch = page.get_by_role("button", name="Every element")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "true")
    expect(before).not_to_have_count(0)
    assert _selected(page) == "senderNonce"


def test_the_status_line_explains_a_byte(page: Page) -> None:
    """The cursor's byte is explained, aloud too; bytes out of sight are announced at the edge."""
    view = show(_specimen())
    node = view.select("senderNonce.senderNonce")
    mount(page, view)
    status = page.locator(".sceplab-status")
    tag = "tag: universal 4 OCTET STRING, primitive (00 0 00100) of senderNonce"
    expect(status).to_have_text(f"{node.start}  04  {tag}")
    page.locator(".sceplab-octets").focus()
    page.keyboard.press("ArrowRight")
    expect(status).to_have_text(f"{node.start + 1}  10  length: 16 of senderNonce")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".sceplab-live")).to_have_text(f"{node.start + 2}  00  senderNonce, byte 1 of 16")
    page.get_by_role("tree").press("Home")
    page.evaluate("() => model.set('selected', [0, 0])")
    page.locator("[role=treeitem] b", has_text="recipientInfos").hover()
    painted(page)
    page.locator(".sceplab-octets").evaluate("(e) => { e.scrollTop = e.scrollHeight }")
    page.locator("[role=treeitem] b", has_text="digestAlgorithms").hover()
    expect(page.locator(".sceplab-beyond")).to_have_text("bytes 26 to 42, above")


def test_six_stops_of_tab(page: Page) -> None:
    """Groups of buttons are one stop each; arrow keys walk inside of a group."""
    view = show(_specimen())
    view.select("senderNonce.senderNonce")
    mount(page, view)
    stops = """() => [...document.querySelectorAll('#host :is(button, input, select, a, [tabindex])')]
        .filter((e) => e.tabIndex >= 0 && e.checkVisibility()).length"""
    assert page.evaluate(stops) <= 7
    page.locator(".sceplab-chip").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".sceplab-chip").nth(1)).to_be_focused()
    assert page.evaluate(stops) <= 7


def test_coverage_is_highlighted(page: Page) -> None:
    """Tree and hex dump highlight what the signature covers and the signature itself. The status explains it."""
    message = _specimen()
    mount(page, show(message, open_depth=9, wrappers=True))
    chip = page.get_by_role("button", name="✓ signature", exact=True)
    chip.click()
    expect(chip).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".sceplab-live")).to_contain_text("a0 read as 31")
    assert _selected(page) == "signedAttrs"
    info = message.signed.signer_info
    assert info is not None
    covered = "".join(page.locator(".sceplab-hexes .sceplab-region").all_inner_texts()).replace(" ", "")
    assert info.signed_attributes_raw.hex().startswith(covered[:200])
    expect(page.locator("[role=treeitem].sceplab-region").first).to_have_attribute("aria-label", re.compile("covered$"))
    expect(page.locator(".sceplab-details")).to_contain_text("Covered: the signature covers signedAttrs")
    page.get_by_role("searchbox").fill("signerInfo.signature")
    proof = "".join(page.locator(".sceplab-hexes .sceplab-proof").all_inner_texts()).replace(" ", "")
    assert proof[:8] == "04820100"
    expect(page.locator("[role=treeitem][aria-selected=true]")).to_have_class(re.compile("sceplab-proof"))
    chip.click()
    expect(page.locator(".sceplab-octets .sceplab-region")).to_have_count(0)
    page.get_by_role("button", name="content key", exact=True).hover()
    expect(page.locator("[role=treeitem].sceplab-proof")).to_have_count(0)
    chip.hover()
    expect(page.locator("[role=treeitem].sceplab-proof")).to_have_count(1)
    expect(chip).to_have_attribute("aria-pressed", "false")


def test_trailing_bytes_and_guesses(page: Page) -> None:
    """Bytes after the end can be opened. A string of unknown content is parsed as a guess, on request only."""
    data = bytes.fromhex("3009 0407 3005 0403 010203 3003 0201 07")
    mount(page, show(data, "ANY", open_depth=9))
    rows, inside = page.locator("[role=treeitem]"), page.get_by_role("button", name="Try to parse as ASN.1")
    expect(rows).to_have_count(3)
    expect(rows.last).to_contain_text("5 bytes after the end: open to read them")
    expect(rows.last).to_have_attribute("aria-expanded", "false")
    page.get_by_role("tree").focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    expect(rows).to_have_count(4)
    expect(rows.nth(2)).to_contain_text("SEQUENCE")
    expect(rows.nth(3)).to_contain_text("INTEGER")
    rows.nth(3).locator("b").click()
    expect(inside).to_be_hidden()  # an INTEGER has no content to parse
    rows.nth(1).locator("b").click()
    expect(page.locator(".sceplab-guess")).to_have_count(0)
    inside.click()
    expect(rows).to_have_count(5)
    expect(rows.nth(2).locator(".sceplab-guess")).to_have_text("guess")
    rows.nth(2).locator(".sceplab-twisty").click()
    expect(rows.nth(3).locator(".sceplab-guess")).to_have_text("guess")
    rows.nth(3).locator("b").click()
    expect(page.locator(".sceplab-details")).to_contain_text("(a guess)")
    inside.click()
    expect(page.locator(".sceplab-live")).to_have_text("the content is not ASN.1")
    # Guesses made in Python are marked as well, also where an element has only a type and no name.
    page.evaluate("() => { close_view(); document.querySelector('#host').replaceChildren(); }")
    mount(page, show(data, "ANY", open_depth=9, probe=True))
    expect(rows.nth(2)).to_contain_text("SEQUENCE")
    expect(page.locator(".sceplab-guess")).to_have_text(["guess", "guess"])


def test_markup_in_a_message_is_escaped(page: Page) -> None:
    """A subject with markup, a closing tag, bidi and control characters is shown as text and not run."""
    hostile = '<script>window.bad=1</script></pre><img src=x onerror="window.bad=1">\u202egpj.\x07\x1b[31m'
    name = sceplab.build_name([[sceplab.NameAttribute(oids.COMMON_NAME, hostile, "UTF8String")]])
    csr = sceplab.build_csr(name, key("r3"), challenge_password=hostile, challenge_type=0x0C)
    mount(page, show(csr, "CertificationRequest", open_depth=99))
    page.get_by_role("searchbox").fill("window.bad")
    page.get_by_role("button", name="Next").click()
    expect(page.locator("[role=treeitem]", has_text="<script>window.bad=1</script>").first).to_be_visible()
    page.evaluate("() => { close_view(); document.querySelector('#host').replaceChildren(); }")
    mount(page, show(csr, "CertificationRequest", open_depth=99, title=hostile))
    page.get_by_role("searchbox").fill("window.bad")
    body = page.locator("body").inner_text()
    assert body.count("\\u202e") >= 4
    assert not {"\u202e", "\x07", "\x1b"} & set(body)
    assert page.evaluate("() => [window.bad, document.querySelectorAll('#host img, #host script').length]") == [None, 0]
    mount(page, show_differences(csr, csr, "CertificationRequest", titles=(hostile, hostile)))
    assert page.evaluate("() => [window.bad, document.querySelectorAll('#host img, #host script').length]") == [None, 0]


@pytest.mark.parametrize("entries", [25_000, 250_000])
def test_a_large_crl_needs_few_elements(page: Page, entries: int) -> None:
    """CRLs of one and ten megabytes: the page has few elements, End works, and names are loaded on demand."""
    view = show(make_crl(entries), "CertificateList", open_depth=9)
    assert len(view.labels[0]) < 400
    mount(page, view)
    count = "() => document.querySelectorAll('#host *').length"
    assert page.evaluate(count) <= 500
    page.get_by_role("tree").focus()
    page.keyboard.press("End")
    assert _selected(page) in {"signatureValue", "BIT STRING"}
    assert page.evaluate(count) <= 500
    asked = page.evaluate("() => model.sent.filter((m) => m.kind !== 'set')")
    assert all(m["kind"] == "labels" and len(m["offsets"]) < 60 for m in asked)
    # Deliver Python's answers to the page.
    for message in asked:
        sent: list[dict[str, Any]] = []
        view.send = lambda content, _sent=sent: _sent.append(content)
        view._receive(view, message, [])
        page.evaluate("(answer) => model.tell('msg:custom', answer)", sent[0])
    expect(page.locator("[role=treeitem]", has_text="RevokedCertificate").first).to_be_visible()
    expect(page.locator("[role=treeitem]", has_text="2026-01-01 00:00:00 UTC").first).to_be_visible()
    middle = page.locator("[role=treeitem]", has_text="revokedCertificate").first
    assert middle.get_attribute("aria-setsize") == str(entries)
    page.locator(".sceplab-octets").evaluate("(e) => { e.scrollTop = e.scrollHeight / 2 }")
    painted(page)
    assert page.evaluate(count) <= 500


def test_differences(page: Page) -> None:
    """Side by side: counts, signs, differences only, marked bytes, keys, and a selection from Python."""
    message = _specimen()
    changed = message.raw.replace(bytes(range(16)), bytes(range(1, 17)), 1)
    view: Asn1Diff = show_differences(message.raw, changed, titles=("captured", "changed"))
    mount(page, view)
    expect(page.locator(".sceplab-tools")).to_contain_text("1 expected to differ")
    row = page.locator("[role=row][aria-selected=true][id]")
    expect(row).to_contain_text("senderNonce")
    marked = page.locator(".sceplab-octets .sceplab-changed")
    assert "00 01 02" in " ".join(marked.all_inner_texts())
    page.get_by_label("differences only").check()
    rows = page.locator(".sceplab-difftree [role=row]")
    assert rows.count() < 12
    expect(rows.first).to_have_attribute("aria-expanded", "true")
    page.get_by_role("treegrid").focus()
    page.keyboard.press("Home")
    page.keyboard.press("n")
    expect(row).to_contain_text("senderNonce")
    expect(page.locator(".sceplab-live")).to_contain_text("random, new with each message")
    page.evaluate("() => model.set('selected', 0)")
    expect(row).to_contain_text("ContentInfo")
    page.keyboard.press("ArrowLeft")
    expect(rows).to_have_count(1)
    assert page.evaluate("() => document.querySelectorAll('#host *').length") <= 500


def test_rows_of_differences_fill_their_pane(page: Page) -> None:
    """Rows are drawn down to the lower edge, wherever the list is scrolled to."""
    message = _specimen().raw
    mount(page, show_differences(message, message))
    free = """(e) => {
        const rows = e.querySelectorAll("[role=row]");
        return e.getBoundingClientRect().bottom - rows[rows.length - 1].getBoundingClientRect().bottom;
    }"""
    pane = page.locator(".sceplab-difftree")
    for top in (0, 300, 100_000):
        pane.evaluate("(e, top) => { e.scrollTop = top }", top)
        painted(page)
        assert pane.evaluate(free) < 4


def test_what_if(page: Page) -> None:
    """Typed hex digits and new content are sent to Python. The page shows the broken check and can undo."""
    view = what_if(_specimen(), Materials((key("ca"),), (certificate("ca"),)), open_depth=9)
    node = view.select("senderNonce")
    mount(page, view)
    expect(page.locator(".sceplab-turned")).to_have_count(0)
    page.locator(".sceplab-octets").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("f")
    page.keyboard.press("e")
    (sent,) = page.evaluate("() => model.sent")
    assert sent == {"kind": "octets", "buffer": 0, "offset": node.content_start, "hex": "fe"}
    view._receive(view, sent, [])
    names = (
        "data",
        "buffers",
        "labels",
        "openings",
        "regions",
        "stations",
        "changed",
        "checks",
        "can_undo",
        "revision",
    )
    news = {n: getattr(view, n) for n in names if n != "data"}
    octets = base64.b64encode(view.data).decode()
    tell = """([news, octets]) => {
        model.set('data', new DataView(Uint8Array.from(atob(octets), (c) => c.charCodeAt(0)).buffer));
        for (const [name, value] of Object.entries(news)) model.set(name, value);
    }"""
    page.evaluate(tell, [news, octets])
    expect(page.locator(".sceplab-turned")).to_have_count(1)
    expect(page.locator(".sceplab-turned")).to_contain_text("signature")
    expect(page.locator(".sceplab-turned")).to_contain_text("was passed")
    expect(page.locator(".sceplab-octets .sceplab-changed").first).to_have_text("fe")
    page.get_by_role("button", name="Undo").click()
    assert page.evaluate("() => model.sent.at(-1)") == {"kind": "undo"}
    page.get_by_label("New content").fill("00ff")
    page.get_by_label("hex", exact=True).check()
    page.get_by_role("button", name="Change").click()
    assert page.evaluate("() => model.sent.at(-1)")["text"] == "00ff"
    page.evaluate("() => model.set('problem', 'not changed: because')")
    expect(page.locator(".sceplab-live")).to_have_text("not changed: because")


def test_two_views_share_one_model(page: Page) -> None:
    """Each follows the other's selection, and closing one does not affect the other."""
    mount(page, show(_specimen(), open_depth=3, wrappers=True))
    page.evaluate("() => viewer.default.render({ model, el: document.querySelector('#host') })")
    trees = page.get_by_role("tree")
    expect(trees).to_have_count(2)
    trees.first.get_by_text("contentType").first.click()
    for view in page.locator(".sceplab-viewer").all():
        expect(view.locator("[role=treeitem][aria-selected=true]")).to_contain_text("contentType")
    ids = page.evaluate("() => [...document.querySelectorAll('#host [id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids))
    page.evaluate("() => close_view()")
    page.evaluate("() => model.set('selected', [0, 0])")
    expect(page.locator(".sceplab-viewer").last.locator("[aria-selected=true]")).to_contain_text("ContentInfo")


@pytest.mark.parametrize("number", range(3))
def test_ids_differ_between_widgets(chromium: BrowserContext, number: int) -> None:
    """Each widget loads the script anew. No id occurs twice, and each id that is referred to exists."""
    view, _ = _one_of_each()[number]
    name = "ladder" if isinstance(view, Ladder) else "viewer"
    page = chromium.new_page()
    open_page(page, name)
    mount(page, view)
    other = f"""async () => {{
        const again = await import("/{name}.js?again");
        const host = document.createElement("div");
        document.querySelector("#host").append(host);
        again.default.render({{ model, el: host }});
    }}"""
    script = join(STATIC / f"{name}.js")
    page.route(f"{ADDRESS}{name}.js?again", lambda r: r.fulfill(body=script, content_type="text/javascript"))
    page.evaluate(other)
    painted(page)
    ids = page.evaluate("() => [...document.querySelectorAll('#host [id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids)) > 1
    refer = """() => ["aria-activedescendant", "for", "aria-labelledby", "aria-controls"].flatMap((name) =>
        [...document.querySelectorAll(`#host [${name}]`)].map((e) => e.getAttribute(name))).filter(Boolean)"""
    assert set(page.evaluate(refer)) <= set(ids)
    page.close()


def test_narrow_dark_and_high_contrast(page: Page) -> None:
    """Below 760 pixels the panes are stacked, colours follow the theme, and forced colours keep the marks."""
    mount(page, show(_specimen(), open_depth=9))
    where = "() => ['tree', 'octets'].map((c) => document.querySelector('.sceplab-' + c).getBoundingClientRect().top)"
    page.get_by_role("searchbox").fill("senderNonce")
    for width in (700, 320):
        page.set_viewport_size({"width": width, "height": 900})
        painted(page)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    page.set_viewport_size({"width": 1280, "height": 900})
    painted(page)
    wide = page.evaluate(where)
    page.set_viewport_size({"width": 500, "height": 900})
    narrow = page.evaluate(where)
    assert wide[1] - wide[0] < 100 < narrow[1] - narrow[0]
    back = "() => getComputedStyle(document.querySelector('.sceplab-viewer')).backgroundColor"
    light = page.evaluate(back)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(back) != light
    page.emulate_media(forced_colors="active")
    page.locator("[role=treeitem]").first.click()
    outline = page.evaluate("() => getComputedStyle(document.querySelector('[aria-selected=true]')).outlineStyle")
    assert outline == "solid"
    page.set_viewport_size({"width": 1280, "height": 900})


def test_hex_lines_fit_the_width(page: Page) -> None:
    """With 16 or 8 bytes in a line the same byte stays selected, and keys and mouse find the right bytes."""
    message = _specimen()
    mount(page, show(message, open_depth=9, wrappers=True))
    page.locator("[role=treeitem]", has_text="digestAlgorithms").locator("b").click()
    line = page.locator("[data-row='1'] .sceplab-hexes")
    expect(line).to_have_text(message.raw[16:32].hex(" "))
    page.set_viewport_size({"width": 850, "height": 900})
    expect(line).to_have_text(message.raw[8:16].hex(" "))
    expect(page.locator("[data-row='3'] .sceplab-cursor").first).to_have_text("31")
    box = page.locator("[data-row='3'] .sceplab-hexes").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 6.5 / 8, box["y"] + 8)
    assert page.evaluate("() => model.get('selected')") == [0, 30]
    ascii_box = page.locator("[data-row='4'] .sceplab-ascii").bounding_box()
    assert ascii_box is not None
    page.mouse.click(ascii_box["x"] + ascii_box["width"] * 0.5 / 8, ascii_box["y"] + 8)
    assert page.evaluate("() => model.get('selected')") == [0, 30]  # byte 32 belongs to the same element
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowUp")
    expect(page.locator("[data-row='2'] .sceplab-cursor").first).to_have_text(message.raw[16:17].hex())
    page.keyboard.press("End")
    expect(page.locator("[data-row='2'] .sceplab-cursor").first).to_have_text(message.raw[23:24].hex())
    for wide in (850, 420):
        page.set_viewport_size({"width": wide, "height": 900})
        page.wait_for_function(
            "() => { const o = document.querySelector('.sceplab-octets'); return o.scrollWidth <= o.clientWidth; }"
        )
    page.set_viewport_size({"width": 1280, "height": 900})
    expect(line).to_have_text(message.raw[16:32].hex(" "))


def test_rows_return_after_the_view_was_hidden(page: Page) -> None:
    """The view is redrawn while it has no size, as when JupyterLab loads another theme. All rows appear afterwards."""
    mount(page, show(_specimen(), open_depth=9, wrappers=True))
    page.evaluate(
        """() => {
            const host = document.querySelector('#host');
            host.style.display = 'none';
            model.set('selected', [0, 30]);
            host.style.display = '';
        }"""
    )
    expect(page.locator(".sceplab-line")).to_have_count(22)
    assert page.locator("[role=treeitem]").count() >= 15
    assert _selected(page) == "algorithm"


def test_a_selected_row_keeps_its_colour_under_the_mouse(page: Page) -> None:
    """After a click the mouse is over the row, which must not look like a row that is only hovered."""
    mount(page, show(_specimen(), open_depth=9, wrappers=True))
    row = page.locator("[role=treeitem]", has_text="digestAlgorithms")
    colour = "(e) => getComputedStyle(e).backgroundColor"
    row.locator("b").click()
    under = row.evaluate(colour)
    page.mouse.move(0, 0)
    painted(page)
    assert row.evaluate(colour) == under != "rgba(0, 0, 0, 0)"


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x30", b"\xff" * 40, b"\x30\x80", b"\x30\x03\x02\x05\x00"])
def test_bytes_that_are_not_asn1(page: Page, data: bytes) -> None:
    """Any input can be shown and navigated without an error."""
    mount(page, show(data, open_depth=9))
    page.get_by_role("tree").focus()
    for press in ("ArrowDown", "ArrowRight", "End", "Enter", "*", "ArrowLeft", "a"):
        page.keyboard.press(press)
    page.locator(".sceplab-octets").focus()
    for press in ("ArrowDown", "End", "Control+End", "Enter"):
        page.keyboard.press(press)
    page.get_by_role("searchbox").fill("02 05")
    expect(page.locator(".sceplab-viewer")).to_be_visible()


def _one_of_each() -> list[tuple[AnyWidget, str]]:
    """Return each view that has a script, with the ARIA role of its rows."""
    message = _specimen()
    ladder = Ladder(decode(scenes.posted(scenes.request(), scenes.reply())))
    diff = show_differences(message.raw, message.raw)
    return [(show(message, open_depth=9), "treeitem"), (diff, "row"), (ladder, "option")]


@pytest.mark.parametrize("number", range(3))
def test_a_selection_is_sent_at_once_and_a_late_answer_is_ignored(chromium: BrowserContext, number: int) -> None:
    """Two selections send two messages. Another window can select, and without a kernel selecting still works."""
    view, role = _one_of_each()[number]
    page = chromium.new_page()
    open_page(page, "ladder" if isinstance(view, Ladder) else "viewer")
    mount(page, view)
    rows = page.locator(f"[role={role}]")
    rows.nth(0).click()
    first = page.evaluate("() => model.get('selected')")
    rows.nth(1).click()
    second = page.evaluate("() => model.get('selected')")
    assert first != second
    sent = [m for m in page.evaluate("() => model.sent") if m["kind"] == "set"]
    assert [m["value"] for m in sent[-2:]] == [first, second]
    answer = "(message) => { model.tell('msg:custom', message); return model.get('selected'); }"
    assert page.evaluate(answer, sent[-2]) == second
    assert page.evaluate(answer, sent[-1] | {"value": first}) == first
    assert page.evaluate(answer, sent[0] | {"window": "another", "value": second}) == second
    page.evaluate("() => { model.send = () => { throw new Error('Cannot send'); }; }")
    rows.nth(0).click()
    assert page.evaluate("() => model.get('selected')") == first
    assert page.evaluate("() => model.saved") == 0
    page.close()
