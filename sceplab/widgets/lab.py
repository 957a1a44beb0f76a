"""A running lab, or a relay, in one view: messages, what was decided or what it means, pending requests, a form.

Rule: puts the other widgets together and keeps them new; has no state of its own
but what is selected.
"""

from __future__ import annotations

import re
import threading
from typing import Protocol

import ipywidgets as w

from sceplab.analysis.analyse import analyse
from sceplab.errors import ScepError
from sceplab.lab.kept import Kept
from sceplab.lab.network import R1, Lab
from sceplab.lab.responder import Decision
from sceplab.masking import without_passwords
from sceplab.report.ladder import LadderDiagram, drawn, lay_out, said, without_times
from sceplab.report.plain import to_text
from sceplab.scep.capabilities import parse_caps
from sceplab.scep.conversation import DecodedExchange, Materials, decode_exchanges
from sceplab.scep.message import PkiMessage
from sceplab.scep.transport import Exchange
from sceplab.views.ladder import ladder_picture, older_words
from sceplab.views.lines import Lines
from sceplab.views.text import code_lines, compact, cut, safe, visible
from sceplab.widgets.enrollment import EnrollmentForm
from sceplab.widgets.ladder import Ladder
from sceplab.widgets.live import Following
from sceplab.widgets.pending import PendingQueue
from sceplab.widgets.viewer import show

# How many of the newest exchanges and decisions are shown; the lab keeps more. Decoded exchanges take
# up to twenty times the bytes that passed, and are no part of the lab's limit of memory.
_EXCHANGES = 300
_EXCHANGES_SIZE = 3_000_000
_DECISIONS = 60
# And how many exchanges where JavaScript does not run, and nothing can be scrolled.
_STILL = 12
# Bytes shown of an answer that is no SCEP message.
_SHOWN = 2000
# Characters of a verdict.
_VERDICT = 20_000


class Watched(Protocol):
    """What the view needs of what it shows: a `Lab` has it, and a `Relay`."""

    exchanges: Kept[Exchange]

    @property
    def running(self) -> bool:
        """Whether anything can still pass."""

    @property
    def names(self) -> dict[str, str]:
        """The labels of addresses."""

    @property
    def places(self) -> dict[str, str]:
        """The URLs in it, each with what is there."""

    def materials(self) -> Materials:
        """Return the keys and certificates to decode the traffic with."""


class LabView(Following, w.VBox):  # type: ignore[misc]
    """A live view of a lab: ladder, decisions, pending queue, enrollment form; or of a relay: ladder and verdict.

    Choose a message in the ladder, and it opens below, layer by layer, with all
    keys of the lab and those in `Lab.keys`, or those that the relay was given. `selected_message` is that message.
    `ladder`, `queue` and `form` can be used, and shown, alone; a relay has no queue and no form.
    """

    queue: PendingQueue
    form: EnrollmentForm

    def __init__(self, watched: Watched) -> None:
        """Show the lab or relay, running or not."""
        self._watched = watched
        self._lab = watched if isinstance(watched, Lab) else None
        self._verdict = ""
        self._lock = threading.RLock()
        self._materials = Materials()
        self._names: dict[str, str] = {}
        self._kept: dict[int, DecodedExchange] = {}
        self._last: Decision | None = None
        self._open: tuple[Exchange, str] | None = None
        self.ladder = Ladder(newest=True)
        self.status, self.decided = w.HTML(), w.HTML()
        self.onion = w.VBox()
        wrap, line = w.Layout(flex_flow="row wrap", grid_gap="8px"), "1px solid var(--jp-border-color1, #bdbdbd)"
        trace = w.VBox(
            [w.HTML(f"<b>{'Decisions, the newest first' if self._lab is not None else 'Verdict'}</b>"), self.decided],
            layout=w.Layout(flex="1 1 260px", min_width="0", max_height="470px", overflow="auto"),
        )
        self.ladder.layout = w.Layout(flex="3 1 420px", min_width="0")
        parts: list[w.Widget] = []
        if self._lab is not None:
            self.queue, self.form = PendingQueue(self._lab), EnrollmentForm(self._lab)
            for part in (self.queue, self.form):
                part.layout = w.Layout(flex="1 1 380px", min_width="0", padding="4px 8px", border=line)
            parts.append(w.HBox([self.queue, self.form], layout=wrap))
        super().__init__([self.status, *parts, w.HBox([self.ladder, trace], layout=wrap), self.onion])
        self.layout.grid_gap = "8px"
        self.ladder.observe(lambda _: self._choose(), names=["selected"])
        self.refresh()

    @property
    def selected_message(self) -> PkiMessage | None:
        """The pkiMessage that is selected in the ladder, or None."""
        return self.ladder.selected_message

    # ---------------------------------------------------------- keeping it new

    def _followed(self) -> bool:
        return self._watched.running and self.comm is not None

    def refresh(self) -> None:
        """Show new messages and decisions. Never raises."""
        with self._lock:
            if self._lab is not None:
                self.queue.refresh()
                self._show_decisions(self._lab)
            try:
                self._show_exchanges()
                self.status.value = self._where()
            except ScepError as error:
                self.status.value = f"<b>The lab:</b> {safe(str(error))}"

    def _where(self) -> str:
        if not self._watched.running:
            return f"<b>The {'lab' if self._lab is not None else 'relay'} is not running.</b>"
        lines = [f"{safe(what)}: <code>{safe(url)}</code>" for what, url in self._watched.places.items()]
        if self._lab is not None and self._lab.ra is None:
            lines.append("R2 (RA): not started.")
        return compact("<br>".join(lines))

    def _show_exchanges(self) -> None:
        watched = self._watched
        passed = watched.exchanges.newest(_EXCHANGES, _EXCHANGES_SIZE)
        older = len(watched.exchanges) - len(passed)
        if watched.running:
            materials = watched.materials()
            # Other programs on this machine come from the CA's own address.
            self._names = {R1: "this machine"} | watched.names
        else:
            materials = self._materials
        if materials != self._materials:
            # A new key may open more messages.
            self._kept = {number: item for number, item in self._kept.items() if _is_open(item)}
        self._materials = materials
        new = [e for e in passed if id(e) not in self._kept]
        decoded = dict(zip(map(id, new), decode_exchanges(new, materials), strict=True))
        self._kept = {id(e): decoded.get(id(e)) or self._kept[id(e)] for e in passed}
        shown = tuple(self._kept.values())
        if (shown, self._names, older) == (self.ladder.decoded, self.ladder.names, self.ladder.older):
            return
        self.ladder.show(shown, self._names, older=older)
        if self._lab is None:
            self._show_verdict()
        if self._open is not None:
            # The oldest were dropped: the open one has another number now, or none.
            exchange, side = self._open
            place = next((i for i, e in enumerate(passed) if e is exchange), None)
            self.ladder.selected = {} if place is None else {"exchange": place, "side": side}

    def _show_verdict(self) -> None:
        """Say what `sceplab diagnose` says of what passed."""
        analysis = analyse(self.ladder.decoded, self._materials)
        self._verdict = cut(to_text(analysis), _VERDICT)
        self.decided.value = Lines(cut(to_text(analysis, width=_VERDICT), _VERDICT)).html

    def _show_decisions(self, lab: Lab) -> None:
        decisions = list(lab.decisions)[-_DECISIONS:]
        if decisions and decisions[-1] is self._last:
            return
        self._last = decisions[-1] if decisions else None
        self.decided.value = compact("".join(map(_decision, reversed(decisions))) or "No decisions yet.")

    # ---------------------------------------------------------- the message that is chosen

    def _choose(self) -> None:
        with self._lock:
            place = self.ladder.selected
            index, side = place.get("exchange"), place.get("side")
            chosen = None
            if isinstance(index, int) and 0 <= index < len(self.ladder.decoded):
                chosen = self.ladder.decoded[index]
            now = (chosen.exchange, str(side)) if chosen is not None else None
            before = self._open
            if now is not None and before is not None and now[0] is before[0] and now[1] == before[1]:
                return
            self._open = now
            old, self.onion.children = self.onion.children, self._opened(chosen, str(side)) if chosen else ()
            for part in old:
                part.close()

    def _opened(self, item: DecodedExchange, side: str) -> tuple[w.Widget, ...]:
        ladder = lay_out([item], self._names)
        arrow = next((a for a in ladder.arrows if a.side == side), None)
        title = safe(said(ladder, arrow).partition("] ")[2]) if arrow is not None else ""
        message = item.request if side == "request" else item.reply
        if message is not None:
            why = f"<br>{safe(message.decrypt_error.split(chr(10))[0])}" if message.decrypt_error else ""
            text = (item.operation.message_text or "") if item.operation is not None and side == "request" else ""
            return w.HTML(compact(f"<b>{title}</b>{why}")), show(message, text=text)
        if side == "request":
            request = item.exchange.request
            line = f"{request.method} {without_passwords(request.target)[:_SHOWN]}" if request is not None else ""
            return (w.HTML(compact(f"<b>{title}</b><br><code>{safe(line)}</code>")),)
        views = [show(c.der, "Certificate", title=visible(str(c.subject))) for c in item.ca_certificates]
        reply = item.exchange.reply
        words = ""
        if not views and reply is not None:
            listed = item.operation is not None and item.operation.operation == "GetCACaps" and reply.status == 200
            body = ", ".join(parse_caps(reply.body)) if listed else reply.body[:_SHOWN].decode("utf-8", "replace")
            words = f"<br><code>{safe(body[:_SHOWN]) or '(empty)'}</code>"
        return w.HTML(compact(f"<b>{title}</b>{words}")), *views

    # ---------------------------------------------------------- where JavaScript does not run

    def __repr__(self) -> str:
        with self._lock:
            ladder = "\n".join([*filter(None, [older_words(self._left_out())]), *drawn(self._newest())])
            parts = [ladder or "No exchange yet."]
            if self._lab is None:
                parts.append(self._told_verdict())
            else:
                parts += ["\n".join(map(visible, self._told_decisions(self._lab))), repr(self.queue), repr(self.form)]
            return "\n\n".join(part for part in parts if part)

    def _newest(self) -> LadderDiagram:
        return without_times(lay_out(self.ladder.decoded[-_STILL:], self._names))

    def _left_out(self) -> int:
        return int(self.ladder.older) + max(0, len(self.ladder.decoded) - _STILL)

    def _still(self) -> str:
        with self._lock:
            ladder = self._newest()
            picture = ladder_picture(ladder, self._left_out()) if ladder.arrows else ""
            if self._lab is None:
                verdict = code_lines(self._told_verdict()) if self._verdict else ""
                return f"<div>{picture or '<p>No exchange yet.</p>'}{verdict}</div>"
            decided = "".join(f"<li>{safe(line)}</li>" for line in self._told_decisions(self._lab))
            trace = f"<details><summary>Decisions</summary><ul>{decided}</ul></details>" if decided else ""
            return (
                f"<div>{picture or '<p>No exchange yet.</p>'}{trace}{self.queue._still()}"  # noqa: SLF001 - its part
                f"<details><summary>Enroll</summary>{self.form._still()}</details></div>"  # noqa: SLF001 - as above
            )

    @staticmethod
    def _told_decisions(lab: Lab) -> list[str]:
        return [_told(decision) for decision in list(lab.decisions)[-_DECISIONS:]]

    def _told_verdict(self) -> str:
        """Return the verdict without what is new each time."""
        return _PORT.sub(r"\1:...", _NEW.sub("...", self._verdict))


def _is_open(item: DecodedExchange) -> bool:
    """Whether nothing in an exchange is left that a key could open."""
    return all(m is None or m.enveloped is None or m.message_data is not None for m in (item.request, item.reply))


def _decision(decision: Decision) -> str:
    steps = "".join(f"<li>{safe(_shortened(step))}</li>" for step in decision.steps)
    number = safe(decision.transaction_id[:8])
    return (
        f"<div><b>{safe(decision.who)}</b>: {safe(decision.kind)} <code>{number}...</code> "
        f"<b>{safe(decision.outcome)}</b>"
        f'<ul style="margin:0 0 6px;padding-left:1.4em">{steps}</ul></div>'
    )


def _told(decision: Decision) -> str:
    """Return a decision without transactionIDs, serials and dates, which are new each time."""
    steps = "; ".join(cut(_NEW.sub("...", step)) for step in decision.steps)
    return f"{decision.who}: {decision.kind} {decision.outcome}: {steps}"


_LONG = re.compile(r"[0-9A-Fa-f]{16,}")
_PORT = re.compile(r"(127\.0\.0\.\d|localhost):\d+")
_NEW = re.compile(rf"{_LONG.pattern}|\d{{4}}-\d\d-\d\d( [\d:.+]+)?")


def _shortened(step: str) -> str:
    return cut(_LONG.sub(lambda found: f"{found[0][:8]}...", step))
