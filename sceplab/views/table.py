"""Rows as a table, in HTML and in text.

Rule: cells are plain text, escaped when shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from sceplab.cms.verify import Check, Outcome, Verification
from sceplab.views.text import safe, visible

_LEFT = 'style="text-align:left;vertical-align:top"'


@dataclass(frozen=True, slots=True)
class Table:
    """A table that a notebook shows."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    code: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        everything = [self.head, *self.rows]
        widths = [max(len(visible(row[i])) for row in everything) for i in range(len(self.head))]
        shown = [
            "  ".join(visible(c).ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in everything
        ]
        return "\n".join([shown[0], "  ".join("-" * w for w in widths), *shown[1:]])

    @property
    def html(self) -> str:
        """The table as HTML; the style is inline, as notebooks align cells to the right otherwise."""
        head = "".join(f"<th {_LEFT}>{safe(c)}</th>" for c in self.head)
        body = "".join("<tr>" + "".join(map(self._cell, self.head, row)) + "</tr>" for row in self.rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _cell(self, column: str, text: str) -> str:
        shown = safe(text)
        if text in self.links:
            shown = f'<a href="{escape(self.links[text])}">{shown}</a>'
        elif column in self.code and text:
            # Without the grey ground that a theme gives code.
            shown = f'<code style="background-color:transparent;padding:0">{shown}</code>'
        return f"<td {_LEFT}>{shown}</td>"

    def _repr_html_(self) -> str:
        return self.html


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    code: Sequence[str] = (),
    links: Mapping[str, str] | None = None,
) -> Table:
    """Return a table; every cell is converted to text, None to nothing.

    `code` are the columns that hold bytes or code, `links` gives a cell with that text a URL.
    Raises ValueError for a row with more or fewer cells than the head.
    """
    made = tuple(tuple("" if c is None else str(c) for c in row) for row in rows)
    if any(len(row) != len(head) for row in made):
        raise ValueError("every row needs as many cells as the head")
    return Table(tuple(head), made, tuple(code), dict(links or {}))


def show_checks(checks: Verification | Iterable[Check]) -> Table:
    """Return a table of checks with outcome and detail, in their order."""
    listed = checks.checks if isinstance(checks, Verification) else checks
    rows = ((f"{_SIGNS[c.outcome]} {c.name}", c.outcome.value, c.detail) for c in listed)
    return table(("check", "outcome", "detail"), rows)


_SIGNS = {Outcome.PASSED: "\N{CHECK MARK}", Outcome.FAILED: "\N{BALLOT X}", Outcome.NOT_POSSIBLE: "\N{EN DASH}"}
