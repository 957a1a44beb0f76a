"""The state of the ladder diagram, and the diagram as HTML without scripts.

Rule: `sceplab.report.ladder` says what the arrows are; here they become plain data.
"""

from __future__ import annotations

from typing import TypedDict

from sceplab.report.ladder import SIGNS, Arrow, Ladder, drawn, said
from sceplab.views.text import safe, safe_lines, visible

# ("from" is no name that a class could have.)
ArrowState = TypedDict(
    "ArrowState",
    {
        "exchange": int,
        "side": str,
        "from": int,
        "to": int,
        "label": str,
        "state": str,
        "sign": str,
        "time": str,
        "date": str,
    },
)
"""One message; "from" and "to" are indexes of lifelines, "time" and "date" are "" where not known."""


class LadderState(TypedDict):
    """What the script needs to draw a ladder; the names are those of its traits."""

    lifelines: list[str]
    arrows: list[ArrowState]


def ladder_state(ladder: Ladder) -> LadderState:
    """Return the state of a ladder."""
    return {"lifelines": [visible(name) for name in ladder.lifelines], "arrows": list(map(_arrow, ladder.arrows))}


def _arrow(arrow: Arrow) -> ArrowState:
    time = arrow.time
    return {
        "exchange": arrow.exchange,
        "side": arrow.side,
        "from": arrow.source,
        "to": arrow.target,
        "label": visible(arrow.label),
        "state": arrow.state.value,
        "sign": SIGNS[arrow.state],
        "time": f"{time:%H:%M:%S}.{time.microsecond // 1000:03}" if time is not None else "",
        "date": f"{time:%Y-%m-%d}" if time is not None else "",
    }


def ladder_html(ladder: Ladder) -> str:
    """Return the diagram drawn in text, and as a list for those who cannot see it."""
    if not ladder.arrows:
        return "<p>No exchange yet.</p>"
    spoken = "".join(f"<li>{safe(said(ladder, a))}</li>" for a in ladder.arrows)
    listed = f"<details><summary>As a list</summary><ul>{spoken}</ul></details>"
    return f"<div>{ladder_picture(ladder)}{listed}</div>"


def ladder_picture(ladder: Ladder) -> str:
    """Return the diagram alone, drawn in text."""
    return f"<pre>{safe_lines(chr(10).join(drawn(ladder)))}</pre>"
