"""Two structures beside each other, live, and as a table where no script runs."""

from __future__ import annotations

from collections import Counter
from typing import Any

import traitlets

from sceplab.compare import Likeness, Pair, compare
from sceplab.schema import Node
from sceplab.widgets.live import CHOSEN, LiveView
from sceplab.widgets.state import DiffRow, Side
from sceplab.widgets.table import Table, table
from sceplab.widgets.text import visible

_LONGEST = 200
_ORDER = list(Likeness)


class Asn1Diff(LiveView):
    """A live view of two structures, aligned by `compare`; `show_differences` makes one.

    `selected` is the number of a field, `pairs[selected]` what it is.
    """

    view = traitlets.Unicode("diff").tag(sync=True)
    first = traitlets.Bytes(b"").tag(sync=True)
    second = traitlets.Bytes(b"").tag(sync=True)
    titles: Any = traitlets.List().tag(sync=True)
    likenesses: Any = traitlets.List().tag(sync=True)
    rows: Any = traitlets.List().tag(sync=True)
    selected = traitlets.Int(-1).tag(**CHOSEN)

    def __init__(self, first: bytes, second: bytes, type_name: str, titles: tuple[str, str]) -> None:
        """Compare and show."""
        self.root = compare(first, second, type_name)
        self.pairs: list[Pair] = []
        rows = []
        stack = [(self.root, 0)]
        while stack:
            pair, depth = stack.pop()
            self.pairs.append(pair)
            rows.append(_row(pair, depth))
            stack += [(child, depth + 1) for child in reversed(pair.children)]
        start = next((i for i, p in enumerate(self.pairs) if p.leaf and p.likeness is not Likeness.SAME), 0)
        super().__init__(
            first=first,
            second=second,
            titles=[visible(t) for t in titles],
            likenesses=[k.value for k in Likeness],
            rows=rows,
            selected=start,
        )

    @property
    def differences(self) -> list[Pair]:
        """The fields that are not the same, in order."""
        return [p for p in self.root.leaves() if p.likeness is not Likeness.SAME]

    @property
    def counts(self) -> dict[Likeness, int]:
        """How many fields are how alike."""
        found = Counter(p.likeness for p in self.root.leaves())
        return {k: found[k] for k in Likeness if found[k]}

    def _table(self) -> Table:
        # Of what is random the octets say nothing; and so a still picture is the same each time.
        rows = (
            (p.path, p.likeness.value, _size(p.first), _size(p.second), p.why)
            if p.likeness is Likeness.EXPECTED
            else (p.path, p.likeness.value, _said(p.first), _said(p.second), p.why)
            for p in self.differences
        )
        return table(("field", "likeness", *self.titles, "why"), rows)

    def __repr__(self) -> str:
        counts = ", ".join(f"{n} {k.value}" for k, n in self.counts.items())
        return f"{counts}\n{self._table()!r}" if self.differences else counts

    def _still(self) -> str:
        counts = ", ".join(f"{n} {k.value}" for k, n in self.counts.items())
        return f"<div><p>{counts}</p>{self._table()._repr_html_()}</div>"


def show_differences(
    first: bytes, second: bytes, type_name: str = "ContentInfo", *, titles: tuple[str, str] = ("first", "second")
) -> Asn1Diff:
    """Return a view of two values of one type, field beside field (see `compare.compare`)."""
    return Asn1Diff(first, second, type_name, titles)


def _size(node: Node | None) -> str:
    return "" if node is None else f"{node.content_end - node.content_start} octets"


def _said(node: Node | None) -> str:
    if node is None:
        return ""
    text = node.value or (node.content[:24].hex(" ") if not node.children else "")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."


def _row(pair: Pair, depth: int) -> DiffRow:
    one = pair.first if pair.first is not None else pair.second
    return {
        "depth": depth,
        "name": visible(pair.name),
        "type": visible(one.type) if one is not None else "",
        "likeness": _ORDER.index(pair.likeness),
        "sides": [_side(pair.first), _side(pair.second)],
        "why": pair.why,
        "parts": len(pair.children),
    }


def _side(node: Node | None) -> Side | None:
    return None if node is None else {"text": visible(_said(node)), "start": node.start, "end": node.end}
