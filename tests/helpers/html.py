"""Checks on HTML that shows untrusted text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

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
