"""Pages of HTML with live views, which need no kernel and no network: each is one file that opens from disk.

Rule: the states are those that widgets have, packed by `sceplab.views.packing`;
static/saved.js makes them live. Unless secrets are shown, a page has no decrypted
layer, and no bytes that hold a challengePassword in clear; it says what it leaves out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from sceplab.analysis.analyse import Analysis
from sceplab.analysis.compare import Pair
from sceplab.analysis.faults.model import Finding, Side, strongest_first
from sceplab.asn1 import der, oids
from sceplab.errors import InputError
from sceplab.report.bounds import LISTED, cut
from sceplab.report.html import Live, html_page, section_html, to_html
from sceplab.report.ladder import LadderDiagram, lay_out
from sceplab.report.names import place
from sceplab.report.sections import TITLE, diagnosis, input_section
from sceplab.scep.conversation import DecodedExchange
from sceplab.scep.message import PkiMessage
from sceplab.schema.coverage import coverage_of
from sceplab.schema.layers import LayerBytes, Made
from sceplab.views.blanking import blanked
from sceplab.views.difference import difference_html, difference_state
from sceplab.views.inspector import Opened, Said, message_parts, selected_at_first
from sceplab.views.ladder import ladder_picture, ladder_state
from sceplab.views.packing import Packer, packed_json
from sceplab.views.script import STATIC, join
from sceplab.views.state import (
    CheckState,
    LadderState,
    PageExchange,
    PageFinding,
    PagePart,
    PageState,
    Place,
    Span,
)
from sceplab.views.still import still_html
from sceplab.views.text import count, safe, visible
from sceplab.views.viewer import AS_NEEDED, LATER, labels_later, viewer_state

ROOM = 6_000_000
"""Characters of layers in a page."""
ROOM_IN_REPORT = 500_000
"""Characters of layers in a report for a ticket."""
_DRAWN = 10_000
"""Exchanges in the ladder of a page."""
_SECRET = der.oid(oids.CHALLENGE_PASSWORD)[2:]
_IN_CLEAR = "these bytes have a challengePassword in clear."
_CLOSED = " Messages are as captured: whoever has the key of a recipient can open them."
_BLANK = " Encrypted content and encrypted keys are left out: their bytes are zeros here."
_WITHOUT = "What if (changing bytes and values) needs the notebook: it is not in this file."


@dataclass(slots=True)
class _Held:
    """What went into a page so far, and what was left out of it."""

    packer: Packer
    show_secrets: bool
    blank: bool = False
    room: int = ROOM
    decrypted: int = 0
    in_clear: int = 0
    closed: int = 0
    exchanges: int = 0

    @property
    def words(self) -> str:
        """What the page says about secrets."""
        decrypted, clear = count(self.decrypted, "decrypted layer"), count(self.in_clear, "message")
        if self.show_secrets:
            return f"Secrets are shown: this file has {decrypted}, and challengePasswords can be read in it."
        left = [f"{decrypted} {'is' if self.decrypted == 1 else 'are'} left out"] if self.decrypted else []
        if self.in_clear:
            left.append(f"the bytes of {clear} with a challengePassword in clear are left out")
        closed = "" if not self.closed else _BLANK if self.blank else _CLOSED
        return f"Secrets are masked{': ' if left else ''}{', and '.join(left)}.{closed}"


def without_secrets(layers: Sequence[LayerBytes]) -> tuple[LayerBytes, ...]:
    """Return the layers that everybody may see who saw the message: none that was decrypted.

    Where a challengePassword is in one of these in clear, none of the layers is left.
    """
    kept = tuple(layer for layer in layers if layer.made is not Made.DECRYPTED)
    return () if any(_SECRET in layer.data for layer in kept) else kept


# ---------------------------------------------------------- whole captures


def inspector_page(analysis: Analysis, *, room: int = ROOM) -> tuple[str, str]:
    """Return a page with outcome, causes, ladder and layers of a capture, and what it says about secrets.

    Secrets are in it where the analysis is set to show them. Of more exchanges than
    there is room for, those with a cause come first.
    """
    live, words = _explorer(analysis, room)
    told = "".join(section_html(s, places=True) for s in (input_section(analysis), *diagnosis(analysis)))
    return html_page(TITLE, f"<p>{safe(words)}</p>{told}<h2>Messages</h2>{live.html}", live), words


def report_page(analysis: Analysis) -> str:
    """Return the report of `sceplab.report.html` with the ladder and the layers to explore in it.

    It goes to others: unless secrets are shown, nothing in it can be decrypted (see `sceplab.views.blanking`).
    """
    live, words = _explorer(analysis, ROOM_IN_REPORT, blank=not analysis.show_secrets)
    return to_html(analysis, replace(live, html=f"<h2>Explore</h2><p>{safe(words)}</p>{live.html}"))


def _explorer(analysis: Analysis, room: int, *, blank: bool = False) -> tuple[Live, str]:
    if not analysis.decoded:
        return Live("<p>No exchange.</p>"), ""
    first, side = selected_at_first(analysis.decoded, analysis.causes)
    shown = analysis.decoded[:_DRAWN]
    causing = {c.exchange for c in analysis.causes}
    order = sorted(range(len(shown)), key=lambda i: (i != first, i not in causing, i))
    held = _Held(Packer(), analysis.show_secrets, blank, room)
    _pack(held, analysis.decoded, order, analysis.by_exchange)
    laid = lay_out(shown)
    live = _live(held, ladder_state(laid), {"exchange": first, "side": side.value}, ladder_picture(laid), judged=True)
    words = [held.words]
    if held.exchanges < len(analysis.decoded):
        words.append(f"The layers of {held.exchanges:,} of {len(analysis.decoded):,} exchanges are in this file.")
    if len(shown) < len(analysis.decoded):
        words.append(f"The ladder has the first {len(shown):,}.")
    return live, " ".join(words)


def ladder_page(
    decoded: Sequence[DecodedExchange], ladder: LadderDiagram, state: LadderState, *, show_secrets: bool = False
) -> str:
    """Return a page with a ladder and the layers of its messages."""
    held = _Held(Packer(), show_secrets)
    _pack(held, decoded, range(len(decoded)), ())
    first: Place = {"exchange": 0 if decoded else -1, "side": "request"}
    if state["selected"]:
        first = {"exchange": int(str(state["selected"]["exchange"])), "side": str(state["selected"]["side"])}
    live = _live(held, state, first, ladder_picture(ladder))
    return html_page("Messages", f"<p>{safe(held.words)}</p>{live.html}", live)


def _pack(
    held: _Held,
    decoded: Sequence[DecodedExchange],
    order: Iterable[int],
    findings: Sequence[Sequence[Finding]],
) -> None:
    """Pack exchanges in this order while there is room."""
    for index in order:
        if held.packer.size >= held.room:
            break
        item, sides = decoded[index], (Side.REQUEST, Side.REPLY)
        request, reply = ([p for part in message_parts(item, s) for p in _part(held, part)] for s in sides)
        mine = strongest_first([f for f in findings[index] if f.fault.rule]) if findings else []
        exchange: PageExchange = {
            "request": request,
            "reply": reply,
            "findings": [_finding(f) for f in mine[:LISTED]],
            "more": max(0, len(mine) - LISTED),
        }
        held.packer.add(index, exchange)
        held.exchanges += 1
    held.packer.finish()


def _finding(finding: Finding) -> PageFinding:
    fault = finding.fault
    return {
        "level": fault.level.value,
        "rule": visible(fault.rule),
        "where": place(finding.exchange, finding.side),
        "found": visible(cut(finding.found)),
        "fix": visible(fault.fix),
        "section": visible(fault.section),
    }


def _part(held: _Held, part: Said | Opened) -> list[PagePart]:
    if isinstance(part, Said):
        text = "\n".join(map(visible, part.text.split("\n"))) if part.lines else visible(part.text)
        return [{"head": part.head, "text": text, "lines": part.lines}]
    layers, note = _allowed(held, part.layers)
    said: list[PagePart] = [{"head": "Left out:", "text": note, "lines": False}] if note else []
    if not layers:
        return said
    held.closed += part.message is not None and part.message.enveloped is not None
    if held.blank:
        layers = blanked(layers)
    size = sum(len(layer.data) for layer in layers)
    if 4 * size > 3 * held.room:  # in base64
        return [*said, {"head": "Left out:", "text": f"{size:,} bytes are too many for this file.", "lines": False}]
    state = viewer_state(layers, coverage_of(layers), part.message, title=part.title, open_depth=part.open_depth)
    later = labels_later(layers)
    view = held.packer.view(state, later)
    unnamed = f"Elements after the first {LATER:,} of a layer have no names here."
    large = any(len(found["labels"]) == LATER for found in later)
    return [*said, {"head": "", "text": unnamed if large else "", "lines": False, "view": view}]


def _allowed(held: _Held, layers: Sequence[LayerBytes]) -> tuple[tuple[LayerBytes, ...], str]:
    """Return the layers that a page may have, and a sentence about those that it may not."""
    kept = without_secrets(layers)
    closed = [layer.title for layer in layers if layer.made is Made.DECRYPTED]
    if held.show_secrets or len(kept) == len(layers):
        held.decrypted += len(closed)
        return tuple(layers), ""
    if not kept:
        held.in_clear += 1
        return (), _IN_CLEAR
    held.decrypted += len(closed)
    return kept, f"{', '.join(map(visible, closed))} was decrypted, and is not in this file."


# ---------------------------------------------------------- one view


@dataclass(frozen=True, slots=True)
class Kept:
    """What a viewer shows beside its layers, kept in its page; see `ViewerState`."""

    title: str = ""
    open_depth: int = AS_NEEDED
    wrappers: bool = False
    selected: Sequence[int] = ()
    lit: int = -1
    changed: Sequence[Span] = ()
    checks: Sequence[CheckState] = ()
    editable: bool = False


def viewer_page(
    layers: Sequence[LayerBytes], message: PkiMessage | None, kept: Kept, *, show_secrets: bool = False
) -> str:
    """Return a page with a viewer. Raises InputError where nothing would be left without secrets."""
    held = _Held(Packer(), show_secrets)
    shown, note = _allowed(held, layers)
    if not shown:
        raise InputError(f"nothing is saved: {note} Save it with show_secrets=True")
    coverage = coverage_of(shown)
    state = viewer_state(shown, coverage, message, title=kept.title, open_depth=kept.open_depth, wrappers=kept.wrappers)
    state["changed"] = [span for span in kept.changed if span["buffer"] < len(shown)]
    state["checks"] = list(kept.checks)
    if kept.selected and kept.selected[0] < len(shown):
        state["selected"] = list(kept.selected)
    state["lit"] = kept.lit if kept.lit < len(coverage) else -1
    held.closed += message is not None and message.enveloped is not None
    view = held.packer.view(state, labels_later(shown), _WITHOUT if kept.editable else "")
    still = still_html(shown, 2 if kept.open_depth == AS_NEEDED else kept.open_depth, coverage)
    part: PagePart = {"head": "Left out:" if note else "", "text": note, "lines": False, "view": view}
    return _page(held, kept.title or "ASN.1", [part], still)


def difference_page(
    first: bytes, second: bytes, titles: tuple[str, str], root: Pair, *, show_secrets: bool = False
) -> str:
    """Return a page with two structures side by side. Raises InputError for a challengePassword in clear."""
    if not show_secrets and (_SECRET in first or _SECRET in second):
        raise InputError(f"nothing is saved: {_IN_CLEAR} Save it with show_secrets=True")
    held = _Held(Packer(), show_secrets)
    diff = held.packer.diff(difference_state(first, second, titles, root))
    part: PagePart = {"head": "", "text": "", "lines": False, "diff": diff}
    return _page(held, "Comparison", [part], difference_html(root, titles))


def _page(held: _Held, title: str, parts: list[PagePart], still: str) -> str:
    held.packer.add(0, {"request": parts, "reply": [], "findings": [], "more": 0})
    held.packer.finish()
    live = _live(held, None, {"exchange": 0, "side": "request"}, still)
    return html_page(title, f"<p>{safe(held.words)}</p>{live.html}", live)


# ---------------------------------------------------------- the live part


def _live(held: _Held, ladder: LadderState | None, first: Place, still: str, *, judged: bool = False) -> Live:
    """Return what is live in a page; `still` is HTML for where JavaScript does not run."""
    packer = held.packer
    state: PageState = {
        "ladder": ladder,
        "first": first,
        "packs": packer.held,
        "kinds": packer.kinds,
        "judged": judged,
    }
    packs = "".join(f'<script type="text/plain" class="sceplab-pack">{pack}</script>' for pack in packer.packs)
    index = f'<script type="text/plain" id="sceplab-index">{packed_json(state)}</script>'
    html = f'<div id="sceplab-live"></div><noscript>{still}</noscript>{index}{packs}'
    return Live(html, _style(), _script())


@cache
def _script() -> str:
    return join(STATIC / "saved.js")


@cache
def _style() -> str:
    return "".join((STATIC / f"{name}.css").read_text("utf-8") for name in ("viewer", "ladder", "saved"))
