"""Making other people's text safe to show."""

from __future__ import annotations

from html import escape

from sceplab.outline import visible

__all__ = ["safe", "visible"]


def safe(text: str) -> str:
    """Return text for HTML: unprintable characters visible, markup escaped."""
    return escape(visible(text))
