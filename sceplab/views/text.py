"""Text from a capture, made safe to show.

Rule: every word that somebody else wrote goes through here before it is HTML.
"""

from __future__ import annotations

from sceplab.report.bounds import cut
from sceplab.report.escape import safe, visible

__all__ = ["code_lines", "compact", "count", "cut", "safe", "safe_lines", "visible"]


def safe_lines(text: str) -> str:
    """Return lines for HTML: each escaped, the line ends kept."""
    return "\n".join(map(safe, text.split("\n")))


def code_lines(text: str) -> str:
    """Return lines as HTML in a font of one width: nbconvert's page gives `<pre>` alone another font."""
    return f"<pre><code>{safe_lines(text)}</code></pre>"


def count(number: int, word: str) -> str:
    """Return "1 key" or "2 keys"."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def compact(html: str) -> str:
    """Return HTML for an ipywidgets label with lines of normal height and with long words wrapped."""
    return f'<div style="line-height:1.4;overflow-wrap:anywhere">{html}</div>' if html else ""
