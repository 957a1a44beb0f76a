"""Making other people's text safe to show."""

from __future__ import annotations

from html import escape

from sceplab.report.text import visible

__all__ = ["compact", "cut", "safe", "visible"]


def safe(text: str) -> str:
    """Return text for HTML: unprintable characters visible, markup escaped."""
    return escape(visible(text))


def cut(text: str, longest: int = 500) -> str:
    """Return the start of a text that may be as long as its sender likes."""
    return text if len(text) <= longest else f"{text[:longest]} ... {len(text) - longest} more characters"


def compact(html: str) -> str:
    """Return HTML for an ipywidgets label, whose lines would else be as high as buttons and its long words cut."""
    return f'<div style="line-height:1.4;overflow-wrap:anywhere">{html}</div>' if html else ""
