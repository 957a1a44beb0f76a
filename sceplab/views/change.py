"""The state of an edited message: which bytes changed, and what each check says now and said before.

Rule: `sceplab.analysis.whatif` edits and judges; here its results become plain data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TypedDict

from sceplab.analysis.whatif import Judged
from sceplab.cms.verify import Outcome
from sceplab.schema.layers import LayerBytes
from sceplab.views.state import CheckState, Span
from sceplab.views.table import Table, table
from sceplab.views.text import visible

# Stretches of changed bytes that are marked in one layer.
_MARKED = 200


class Changes(TypedDict):
    """The part of `ViewerState` that follows from the edits."""

    changed: list[Span]
    checks: list[CheckState]


def change_state(
    layers: Sequence[LayerBytes], judged: Judged, before: Sequence[LayerBytes], original: Judged
) -> Changes:
    """Return what differs between a message and its original, in bytes and checks."""
    changed: list[Span] = [
        {"buffer": index, "start": start, "end": end}
        for index, (now, then) in enumerate(zip(layers, before, strict=False))
        for start, end in _changed(now.data, then.data)
    ]
    return {"changed": changed, "checks": check_states(judged, original)}


def check_states(judged: Judged, original: Judged) -> list[CheckState]:
    """Return all checks; a rule that only the original broke has passed now."""
    # Only broken rules are among the checks; a missing one has passed.
    kept = Outcome.PASSED.value
    before = {c.name: c.outcome.value for c in original.checks}
    now: list[CheckState] = [
        {
            "name": c.name,
            "outcome": c.outcome.value,
            "detail": visible(c.detail),
            "before": before.pop(c.name, kept),
        }
        for c in judged.checks
    ]
    repaired = (CheckState(name=n, outcome=kept, detail="no longer broken", before=o) for n, o in before.items())
    return [*now, *repaired]


def check_table(checks: Sequence[CheckState]) -> Table:
    """Return the checks as a table; the outcome before is given where it differs."""
    return table(
        ("check", "outcome", "before", "detail"),
        ((c["name"], c["outcome"], c["before"] if c["before"] != c["outcome"] else "", c["detail"]) for c in checks),
    )


def _changed(now: bytes, then: bytes) -> list[tuple[int, int]]:
    """Return where bytes differ from those before: one stretch where lengths differ."""
    if len(now) != len(then):
        shorter = min(len(now), len(then))
        head = next((i for i in range(shorter) if now[i] != then[i]), shorter)
        tail = next((i for i in range(shorter) if now[-1 - i] != then[-1 - i]), shorter)
        return [(head, max(head, len(now) - tail))]
    return list(_stretches(now, then))[:_MARKED]


def _stretches(now: bytes, then: bytes) -> Iterator[tuple[int, int]]:
    """Yield the stretches of bytes of the same length that differ."""
    edges = [False, *(a != b for a, b in zip(now, then, strict=True)), False]
    turns = [i for i, (a, b) in enumerate(pairwise(edges)) if a != b]
    yield from zip(turns[::2], turns[1::2], strict=True)
