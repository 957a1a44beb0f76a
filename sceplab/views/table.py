"""Rows as a table, in HTML and in text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sceplab.views.text import safe, visible


@dataclass(frozen=True, slots=True)
class Table:
    """A table that a notebook shows; cells are plain text, escaped when shown."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __repr__(self) -> str:
        everything = [self.head, *self.rows]
        widths = [max(len(visible(row[i])) for row in everything) for i in range(len(self.head))]
        shown = [
            "  ".join(visible(c).ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in everything
        ]
        return "\n".join([shown[0], "  ".join("-" * w for w in widths), *shown[1:]])

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{safe(c)}</th>" for c in self.head)
        body = "".join("<tr>" + "".join(f"<td>{safe(c)}</td>" for c in row) + "</tr>" for row in self.rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Return a table; every cell is turned into text, None into nothing."""
    made = tuple(tuple("" if c is None else str(c) for c in row) for row in rows)
    if any(len(row) != len(head) for row in made):
        raise ValueError("every row needs as many cells as the head")
    return Table(tuple(head), made)
