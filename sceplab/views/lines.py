"""Lines of text in HTML, wrapped between words at any width of the page.

Rule: JupyterLab breaks what is printed at any letter. Here the style is inline, and
without it the lines are still lines.
"""

from __future__ import annotations

from dataclasses import dataclass

from sceplab.report.layout import hang
from sceplab.views.text import safe, visible

_WRAP = "white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere"
_DEEPEST = 10


@dataclass(frozen=True, slots=True)
class Lines:
    """Text that a notebook shows, line by line."""

    text: str

    def __repr__(self) -> str:
        return "\n".join(map(visible, self.text.split("\n")))

    @property
    def html(self) -> str:
        """The lines as HTML; what does not fit goes on below the text after the line's label."""
        return f'<pre style="{_WRAP}"><code>{"".join(map(_line, self.text.split(chr(10))))}</code></pre>'

    def _repr_html_(self) -> str:
        return self.html


def show_text(text: str) -> Lines:
    """Return text that a notebook shows with its lines wrapped between words."""
    return Lines(text)


def _line(line: str) -> str:
    indent = min(hang(line), _DEEPEST)
    return f'<span style="display:block;padding-left:{indent}ch;text-indent:-{indent}ch">{safe(line)}\n</span>'
