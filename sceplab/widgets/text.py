"""Making other people's text safe to show."""

from __future__ import annotations

from html import escape


def visible(text: str) -> str:
    """Return text with control, bidi and other unprintable characters written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def safe(text: str) -> str:
    """Return text for HTML: unprintable characters visible, markup escaped."""
    return escape(visible(text))
