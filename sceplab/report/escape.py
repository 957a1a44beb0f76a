"""Other people's text made safe to show: in a terminal, in JSON, HTML, Markdown and SARIF.

Rule: one function for each destination; all displayed text is escaped by it, and
passwords in URLs are masked by all of them.
"""

from __future__ import annotations

import json
import re
from html import escape

from sceplab.masking import without_passwords


def visible(text: str) -> str:
    """Return text with every unprintable character written as an escape, and passwords in URLs masked.

    These are controls (C0, DEL, C1, so also ESC and line ends), bidi overrides and
    isolates, separators of lines and paragraphs, other spaces than " ", lone
    surrogates, and what is not assigned. Applying it twice changes nothing more.
    """
    text = without_passwords(text)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def json_text(value: object, *, ascii_only: bool = False) -> str:
    r"""Return a value as JSON, with what `visible` would escape as \uXXXX: the same value for a reader of JSON.

    Only the passwords in URLs are masked.
    """
    text = json.dumps(_without_passwords_inside(value), indent=1, ensure_ascii=ascii_only)
    # Between strings JSON has ASCII alone, so every match is in a string.
    return _UNPRINTED.sub(lambda m: "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in m[0]), text)


def _without_passwords_inside(value: object) -> object:
    match value:
        case str():
            return without_passwords(value)
        case dict():
            return {_without_passwords_inside(k): _without_passwords_inside(v) for k, v in value.items()}
        case list() | tuple():
            return [_without_passwords_inside(v) for v in value]
    return value


_UNPRINTED = re.compile(r"[^\n -~]+")


def safe(text: str) -> str:
    """Return text for HTML: unprintable characters visible, markup escaped."""
    return escape(visible(text))


def marked(text: str) -> str:
    """Return text for a cell of a Markdown table, or for the middle of a line."""
    return re.sub(r"([\\`*_\[\]|~#$])", r"\\\1", escape(visible(text), quote=False))


def paragraph(text: str) -> str:
    """Return text for a Markdown paragraph of its own: nothing at its start makes it a list, a heading or code."""
    return re.sub(r"^(\d*)([-+=.)])", r"\1\\\2", marked(text.strip()))


def sarif_text(text: str) -> str:
    """Return text for a message of SARIF, where brackets make links (SARIF 2.1.0, 3.11.6)."""
    return re.sub(r"([\\\[\]])", r"\\\1", visible(text))
