"""The state of the ladder diagram, and the diagram as HTML without scripts.

Rule: `sceplab.report.ladder` says what the arrows are; here they become plain data.
"""

from __future__ import annotations

from sceplab.report.bounds import listed
from sceplab.report.ladder import DRAWN, SIGNS, Arrow, LadderDiagram, drawn, said
from sceplab.views.state import ArrowState, LadderState
from sceplab.views.text import safe, safe_lines, visible


def ladder_state(ladder: LadderDiagram) -> LadderState:
    """Return the state of a ladder; nothing is selected."""
    return {
        "lifelines": [visible(name) for name in ladder.lifelines],
        "arrows": [_arrow(a) for a in ladder.arrows],
        "selected": {},
    }


def _arrow(arrow: Arrow) -> ArrowState:
    time = arrow.time
    return {
        "exchange": arrow.exchange,
        "side": arrow.side.value,
        "from": arrow.source,
        "to": arrow.target,
        "label": visible(arrow.label),
        "state": arrow.state.value,
        "sign": SIGNS[arrow.state],
        "time": f"{time:%H:%M:%S}.{time.microsecond // 1000:03}" if time is not None else "",
        "date": f"{time:%Y-%m-%d}" if time is not None else "",
    }


def ladder_html(ladder: LadderDiagram) -> str:
    """Return the diagram drawn in text, and as a list for those who cannot see it."""
    if not ladder.arrows:
        return "<p>No exchange yet.</p>"
    sentences = (said(ladder, arrow) for arrow in ladder.arrows)
    spoken = "".join(f"<li>{safe(sentence)}</li>" for sentence in listed(sentences, "messages", DRAWN))
    as_list = f"<details><summary>As a list</summary><ul>{spoken}</ul></details>"
    return f"<div>{ladder_picture(ladder)}{as_list}</div>"


def ladder_picture(ladder: LadderDiagram) -> str:
    """Return the diagram alone, drawn in text."""
    return f"<pre>{safe_lines(chr(10).join(drawn(ladder)))}</pre>"
