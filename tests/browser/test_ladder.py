"""The ladder in a real browser, on a page of its own: positions of arrows, keyboard and mouse."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from sceplab.widgets import Ladder
from tests.browser.page import mount, open_page
from tests.helpers import scenes
from tests.helpers.captures import needs
from tests.helpers.scenes import WHEN, decode

pytestmark = [needs("chromium"), pytest.mark.xdist_group("browser")]


@pytest.fixture
def page(chromium: BrowserContext) -> Iterator[Page]:
    """Yield a page with the ladder's script; then check for console errors and requests."""
    page = chromium.new_page()
    errors: list[str] = []

    def refuse(route: Route) -> None:
        errors.append(route.request.url)
        route.abort()

    page.route("**/*", refuse)
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: errors.append(str(e)))
    open_page(page, "ladder")
    yield page
    page.close()
    assert errors == []


def _picture(page: Page, name: str) -> None:
    folder = os.environ.get("SCEPLAB_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png")


def _conversation() -> Ladder:
    """R3, an RA and a CA: GetCACaps, then enrollments that succeed, stay pending, fail and get no reply."""
    message = scenes.request()
    made = [
        ("192.0.2.3:1", "192.0.2.2:80", scenes.caps(), 0, 1),
        ("192.0.2.3:1", "192.0.2.2:80", scenes.posted(message, scenes.reply()), 2, 5),
        ("192.0.2.2:9", "192.0.2.1:80", scenes.posted(message, scenes.reply()), 3, 4),
        ("192.0.2.3:1", "192.0.2.2:80", scenes.posted(message, scenes.reply("3")), 6, 7),
        ("192.0.2.3:1", "192.0.2.2:80", scenes.posted(message, scenes.reply("2", fail="2")), 8, 9),
        ("192.0.2.3:1", "192.0.2.2:80", scenes.posted(message), 10, None),
    ]
    exchanges = [
        replace(
            e,
            client=client,
            server=server,
            time=WHEN + timedelta(seconds=a),
            answered=None if b is None else WHEN + timedelta(seconds=b),
        )
        for client, server, e, a, b in made
    ]
    return Ladder(decode(*exchanges), {"192.0.2.3": "R3", "192.0.2.2": "R2 (RA)", "192.0.2.1": "R1 (CA)"})


_ENDS = """() => [...document.querySelectorAll('.sceplab-arrow')].map((a) => {
    const box = a.getBoundingClientRect();
    return [box.left, box.right, getComputedStyle(a).borderBottomStyle, getComputedStyle(a).color];
})"""
_MIDDLES = """() => [...document.querySelectorAll('.sceplab-actor')].map((a) => {
    const box = a.getBoundingClientRect();
    return (box.left + box.right) / 2;
})"""


def test_arrows_reach_from_lifeline_to_lifeline(page: Page) -> None:
    """Each arrow starts and ends below the centre of an actor's name. Colour and sign show its state."""
    view = _conversation()
    mount(page, view)
    _picture(page, "ladder")
    middles = page.evaluate(_MIDDLES)
    assert len(middles) == 3
    ends = page.evaluate(_ENDS)
    assert len(ends) == len(view.arrows) == 12
    for arrow, (left, right, style, _) in zip(view.arrows, ends, strict=True):
        low, high = sorted((middles[arrow["from"]], middles[arrow["to"]]))
        assert abs(left - low) < 4
        assert abs(right - high) < 4
        missing = arrow["state"] == "missing"
        assert style == ("dotted" if missing else "dashed" if arrow["side"] == "reply" else "solid")
    by_state = {a["state"]: e[3] for a, e in zip(view.arrows, ends, strict=True)}
    assert len(set(by_state.values())) == len(by_state) == 5
    expect(page.get_by_role("option", name="CertRep FAILURE badRequest")).to_contain_text("✗")
    expect(page.get_by_role("option", name="CertRep PENDING")).to_contain_text("…")
    expect(page.get_by_role("option").first).to_have_accessible_name(
        "R3 to R2 (RA): request GET GetCACaps, 12:00:00.000"
    )


def test_mouse_and_keys_select(page: Page) -> None:
    """Click, Enter and Space select, arrow keys only move the focus, no key reaches the page, and Python can select."""
    mount(page, _conversation())
    page.evaluate("() => { window.leaked = []; document.addEventListener('keydown', (e) => leaked.push(e.key)); }")
    page.get_by_role("option", name="FAILURE").click()
    assert page.evaluate("() => model.get('selected')") == {"exchange": 4, "side": "reply"}
    chosen = page.locator("[role=option][aria-selected=true]")
    expect(chosen).to_contain_text("badRequest")
    page.get_by_role("listbox").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    expect(chosen).to_contain_text("badRequest")
    active = page.get_by_role("listbox").get_attribute("aria-activedescendant")
    expect(page.locator(f"#{active}")).to_contain_text("8 capabilities")
    page.keyboard.press("Enter")
    expect(chosen).to_contain_text("8 capabilities")
    assert page.evaluate("() => model.get('selected')") == {"exchange": 0, "side": "reply"}
    page.keyboard.press("End")
    page.keyboard.press(" ")
    expect(chosen).to_contain_text("no reply in the capture")
    page.keyboard.press("d")
    assert page.evaluate("() => leaked") == []
    page.evaluate("() => model.set('selected', { exchange: 1, side: 'request' })")
    expect(chosen).to_have_count(1)
    expect(chosen).to_contain_text("POST PKCSReq")


def test_new_messages_are_appended(page: Page) -> None:
    """The selection stays, and a ladder scrolled to its end follows the new messages."""
    whole = _conversation()
    view = Ladder(whole.decoded[:2], whole.names)
    mount(page, view)
    expect(page.get_by_role("option")).to_have_count(4)
    page.get_by_role("option").nth(1).click()
    view.decoded = whole.decoded * 3
    tell = """([arrows, lifelines]) => { model.set('lifelines', lifelines); model.set('arrows', arrows); }"""
    page.evaluate(tell, [view.arrows, view.lifelines])
    expect(page.locator("[role=option][aria-selected=true]")).to_have_count(0)  # out of view: the ladder shows its end
    assert page.evaluate("() => model.get('selected')") == {"exchange": 0, "side": "reply"}
    expect(page.get_by_role("option").last).to_have_attribute("aria-posinset", str(len(view.arrows)))
    page.locator(".sceplab-rungs").evaluate("(e) => { e.scrollTop = 0 }")
    expect(page.locator("[role=option][aria-selected=true]")).to_contain_text("8 capabilities")
    page.evaluate("() => model.set('arrows', [])")
    expect(page.get_by_text("No exchange yet.")).to_be_visible()


def test_thousands_of_messages_need_few_elements(page: Page) -> None:
    """Of 12,000 arrows the page holds only those in view. The End key shows the last one."""
    small = _conversation()
    view = Ladder(small.decoded * 1000, small.names)
    mount(page, view)
    assert page.evaluate("() => document.querySelectorAll('#host *').length") < 400
    page.get_by_role("listbox").focus()
    page.keyboard.press("End")
    expect(page.locator("[aria-posinset='12000']")).to_be_visible()
    assert page.evaluate("() => document.querySelectorAll('#host *').length") < 400


# The contrast of each label with its background, as WCAG 2 computes it (AA: 4.5).
_CONTRAST = """() => {
    const pen = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const light = (colours) => {
        pen.clearRect(0, 0, 1, 1);
        for (const colour of colours) { pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1); }
        const [r, g, b] = [...pen.getImageData(0, 0, 1, 1).data].map((v) =>
            v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    return [...document.querySelectorAll('.sceplab-label')].map((one) => {
        const ground = [];
        for (let up = one; up; up = up.parentElement) ground.unshift(getComputedStyle(up).backgroundColor);
        const a = light(ground), b = light([...ground, getComputedStyle(one).color]);
        return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    });
}"""


def test_light_dark_narrow_and_forced_colours(page: Page) -> None:
    """Contrast is sufficient in both themes, also in a selected row. A narrow page cuts labels off."""
    mount(page, _conversation())
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for row in (1, 5, 9):
            page.get_by_role("option").nth(row).click()
            page.mouse.move(0, 0)
            assert min(page.evaluate(_CONTRAST)) >= 4.5, scheme
        _picture(page, f"ladder-{scheme}")
    page.set_viewport_size({"width": 420, "height": 700})
    _picture(page, "ladder-narrow")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    page.emulate_media(forced_colors="active")
    outline = page.evaluate("() => getComputedStyle(document.querySelector('[aria-selected=true]')).outlineStyle")
    assert outline == "solid"
    page.set_viewport_size({"width": 1280, "height": 900})


def test_markup_in_names_is_escaped(page: Page) -> None:
    """The page shows markup in names and labels as text and does not run it."""
    evil = "<img src=x onerror=window.bad=1>"
    mount(page, Ladder(decode(scenes.sent(f"/{evil}")), {"192.0.2.1": evil}))
    expect(page.get_by_role("option").first).to_contain_text(evil)
    assert page.evaluate("() => [window.bad, document.querySelectorAll('#host img').length]") == [None, 0]
