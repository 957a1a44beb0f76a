"""The state of two structures side by side, and the differences as a table.

Rule: `sceplab.analysis.compare` aligns and judges; here its pairs become plain data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sceplab.analysis.compare import Likeness, Pair
from sceplab.schema import Node
from sceplab.views.state import DiffRow, DiffState, Side
from sceplab.views.table import Table, table
from sceplab.views.text import visible

_LONGEST = 200
_ORDER = list(Likeness)


def pairs_in_order(root: Pair) -> Iterator[tuple[Pair, int]]:
    """Yield a pair and all inside it in reading order, each with its depth."""
    stack = [(root, 0)]
    while stack:
        pair, depth = stack.pop()
        yield pair, depth
        stack += [(child, depth + 1) for child in reversed(pair.children)]


def difference_state(first: bytes, second: bytes, titles: tuple[str, str], root: Pair) -> DiffState:
    """Return the state for two values and what `compare` found; the first difference is selected."""
    pairs = list(pairs_in_order(root))
    return {
        "view": "diff",
        "first": first,
        "second": second,
        "titles": [visible(t) for t in titles],
        "likenesses": [k.value for k in Likeness],
        "rows": [_row(pair, depth) for pair, depth in pairs],
        "selected": next((i for i, (p, _) in enumerate(pairs) if p.leaf and p.likeness is not Likeness.SAME), 0),
    }


def differences_of(root: Pair) -> list[Pair]:
    """Return the fields that are not the same, in order."""
    return [p for p in root.leaves() if p.likeness is not Likeness.SAME]


def counts_of(root: Pair) -> dict[Likeness, int]:
    """Return the number of fields of each likeness that occurs."""
    found = Counter(p.likeness for p in root.leaves())
    return {k: found[k] for k in Likeness if found[k]}


def difference_text(root: Pair, titles: tuple[str, str]) -> str:
    """Return the counts and the table of differences as text."""
    return f"{_counted(root)}\n{_table(root, titles)!r}" if differences_of(root) else _counted(root)


def difference_html(root: Pair, titles: tuple[str, str]) -> str:
    """Return the counts and the table of differences."""
    return f"<div><p>{_counted(root)}</p>{_table(root, titles).html}</div>"


def _counted(root: Pair) -> str:
    return ", ".join(f"{n} {k.value}" for k, n in counts_of(root).items())


def _table(root: Pair, titles: tuple[str, str]) -> Table:
    # Show only the sizes of random fields, so that stored output is reproducible.
    rows = (
        (p.path, p.likeness.value, _size(p.first), _size(p.second), p.why)
        if p.likeness is Likeness.EXPECTED
        else (p.path, p.likeness.value, _said(p.first), _said(p.second), p.why)
        for p in differences_of(root)
    )
    return table(("field", "likeness", *titles, "why"), rows)


def _size(node: Node | None) -> str:
    return "" if node is None else f"{node.content_end - node.content_start} bytes"


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
