"""Escape untrusted text for display: in a terminal, in HTML, in a Markdown table.

Rule: one function for each destination; all displayed text is escaped by it.
"""

from __future__ import annotations

import re
from html import escape


def visible(text: str) -> str:
    """Return text with control, bidi and other unprintable characters written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def safe(text: str) -> str:
    """Return text for HTML: unprintable characters visible, markup escaped."""
    return escape(visible(text))


def marked(text: str) -> str:
    """Return text for a cell of a Markdown table."""
    return re.sub(r"([\\`*_\[\]|~#])", r"\\\1", escape(visible(text), quote=False))
