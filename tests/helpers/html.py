"""Checks on HTML that shows untrusted text."""

from __future__ import annotations

import base64
import json
import re
import zlib
from html.parser import HTMLParser
from typing import Any

from sceplab.views.script import STATIC, join

_ALLOWED = {"div", "p", "b", "span", "i", "details", "summary", "code", "small", "pre", "ul", "li", "wbr"} | {
    *("table", "thead", "tbody", "tr", "th", "td", "a")
}
# The attributes that JupyterLab's sanitizer allows.
_ATTRIBUTES = {
    ("details", "open"),
    ("a", "href"),
    ("b", "title"),
    ("th", "style"),
    ("td", "style"),
    ("span", "style"),
    ("pre", "style"),
}


_PACKED = re.compile(r'<script type="text/plain" (?:id="sceplab-index"|class="sceplab-pack")>[A-Za-z0-9+/=]+</script>')


def still_part(page: str) -> str:
    """Return a page without its live part: the one script, which is ours, and what it shows, in base64."""
    script = f'<script type="module">{join(STATIC / "saved.js")}</script>'
    assert page.count(script) == (1 if "sceplab-live" in page else 0)
    page = _PACKED.sub("", page.replace(script, ""))
    page = re.sub(r' data-exchange="\d+"', "", page)
    return page.replace('<div id="sceplab-live"></div>', "").replace("<noscript>", "").replace("</noscript>", "")


def unpacked(page: str) -> list[bytes]:
    """Return what a page holds packed: the index, then each pack; [] for a page without a live part."""
    packed = re.findall(r'<script type="text/plain" [^>]*>([^<]*)</script>', page)
    return [zlib.decompress(base64.b64decode(text), -15) for text in packed]


def exchanges_in(page: str) -> dict[int, tuple[dict[str, Any], bytes]]:
    """Return what a page holds of each exchange, with the bytes of its pack."""
    index, *packs = unpacked(page)
    out = {}
    for numbers, pack in zip(json.loads(index)["packs"], packs, strict=True):
        size = int.from_bytes(pack[:4], "big")
        for number, exchange in zip(numbers, json.loads(pack[4 : 4 + size]), strict=True):
            out[number] = (exchange, pack[4 + size :])
    return out


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[tuple[str, str]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.update((tag, a) for a, _ in attrs)
        self.seen.add((tag, ""))


def assert_harmless(html: str) -> None:
    """Fail if the HTML has more than the plain elements of a static view."""
    parser = _Tags()
    parser.feed(html)
    assert parser.seen <= {(t, "") for t in _ALLOWED} | _ATTRIBUTES
    assert all(link.startswith("https://www.rfc-editor.org/rfc/rfc") for link in re.findall(r'href="([^"]*)"', html))
    assert "\u202e" not in html
    assert "\x1b" not in html
    assert "\0" not in html
