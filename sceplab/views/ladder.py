"""The state of the ladder diagram, and the diagram as HTML without scripts.

Rule: `sceplab.report.ladder` says what the arrows are; here they become plain data.
"""

from __future__ import annotations

from sceplab.report.bounds import listed
from sceplab.report.ladder import DRAWN, SIGNS, Arrow, LadderDiagram, drawn, said
from sceplab.report.names import count
from sceplab.views.state import ArrowState, LadderState
from sceplab.views.text import code_lines, safe, visible


def ladder_state(ladder: LadderDiagram, *, older: int = 0, newest: bool = False) -> LadderState:
    """Return the state of a ladder (see `LadderState`); nothing is selected."""
    return {
        "lifelines": [visible(name) for name in ladder.lifelines],
        "arrows": [_arrow(a) for a in ladder.arrows],
        "older": older,
        "newest": newest,
        "selected": {},
    }


def older_words(older: int) -> str:
    """Return how many exchanges are left out before the first one shown, as a sentence; "" for none."""
    return f"{count(older, 'older exchange')} {'is' if older == 1 else 'are'} not shown." if older else ""


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


def ladder_html(ladder: LadderDiagram, older: int = 0) -> str:
    """Return the diagram drawn in text, and as a list for those who cannot see it; `older` as in `LadderState`."""
    if not ladder.arrows:
        return "<p>No exchange yet.</p>"
    sentences = (said(ladder, arrow) for arrow in ladder.arrows)
    spoken = "".join(f"<li>{safe(sentence)}</li>" for sentence in listed(sentences, "messages", DRAWN))
    as_list = f"<details><summary>As a list</summary><ul>{spoken}</ul></details>"
    return f"<div>{ladder_picture(ladder, older)}{as_list}</div>"


def ladder_picture(ladder: LadderDiagram, older: int = 0) -> str:
    """Return the diagram alone, drawn in text; `older` as in `LadderState`."""
    words = older_words(older)
    left_out = f"<p>{words}</p>" if words else ""
    return left_out + code_lines("\n".join(drawn(ladder)))
