"""The running lab in one view: messages, decisions with their reasons, pending requests, and a form.

Rule: puts the other widgets together and keeps them new; has no state of its own
but what is selected.
"""

from __future__ import annotations

import re
import threading

import ipywidgets as w

from sceplab.errors import ScepError
from sceplab.lab.network import R1, Lab
from sceplab.lab.responder import Decision
from sceplab.report.escape import without_passwords
from sceplab.report.ladder import LadderDiagram, drawn, lay_out, said, without_times
from sceplab.scep.capabilities import parse_caps
from sceplab.scep.conversation import DecodedExchange, Materials, decode_exchanges
from sceplab.scep.message import PkiMessage
from sceplab.scep.transport import Exchange
from sceplab.views.ladder import ladder_picture, older_words
from sceplab.views.text import compact, cut, safe, visible
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
# And how many exchanges where no script runs, and nothing can be scrolled.
_STILL = 12
# Bytes shown of an answer that is no SCEP message.
_SHOWN = 2000


class LabView(Following, w.VBox):  # type: ignore[misc]
    """A live view of a lab: ladder, decisions, pending queue, enrollment form.

    Choose a message in the ladder, and it opens below, layer by layer, with all
    keys of the lab and those in `Lab.keys`. `selected_message` is that message.
    `ladder`, `queue` and `form` can be used, and shown, alone.
    """

    def __init__(self, lab: Lab) -> None:
        """Show the lab, running or not."""
        self._lab = lab
        self._lock = threading.RLock()
        self._materials = Materials()
        self._names: dict[str, str] = {}
        self._kept: dict[int, DecodedExchange] = {}
        self._last: Decision | None = None
        self._open: tuple[Exchange, str] | None = None
        self.ladder = Ladder(newest=True)
        self.queue = PendingQueue(lab)
        self.form = EnrollmentForm(lab)
        self.status, self.decided = w.HTML(), w.HTML()
        self.onion = w.VBox()
        wrap, line = w.Layout(flex_flow="row wrap", grid_gap="8px"), "1px solid var(--jp-border-color1, #bdbdbd)"
        trace = w.VBox(
            [w.HTML("<b>Decisions, the newest first</b>"), self.decided],
            layout=w.Layout(flex="1 1 260px", min_width="0", max_height="470px", overflow="auto"),
        )
        self.ladder.layout = w.Layout(flex="3 1 420px", min_width="0")
        for part in (self.queue, self.form):
            part.layout = w.Layout(flex="1 1 380px", min_width="0", padding="4px 8px", border=line)
        super().__init__(
            [
                self.status,
                w.HBox([self.queue, self.form], layout=wrap),
                w.HBox([self.ladder, trace], layout=wrap),
                self.onion,
            ]
        )
        self.layout.grid_gap = "8px"
        self.ladder.observe(lambda _: self._choose(), names=["selected"])
        self.refresh()

    @property
    def selected_message(self) -> PkiMessage | None:
        """The pkiMessage that is selected in the ladder, or None."""
        return self.ladder.selected_message

    # ---------------------------------------------------------- keeping it new

    def _followed(self) -> bool:
        return self._lab.running and self.comm is not None

    def refresh(self) -> None:
        """Show new messages and decisions. Never raises."""
        with self._lock:
            self.queue.refresh()
            self._show_decisions()
            try:
                self._show_exchanges()
                self.status.value = self._where()
            except ScepError as error:
                self.status.value = f"<b>The lab:</b> {safe(str(error))}"

    def _where(self) -> str:
        if not self._lab.running:
            return "<b>The lab is not running.</b>"
        ra = f"R2 (RA): <code>{safe(self._lab.ra_url)}</code>" if self._lab.ra is not None else "R2 (RA): not started."
        return compact(f"R1 (CA): <code>{safe(self._lab.ca_url)}</code><br>{ra}")

    def _show_exchanges(self) -> None:
        passed = self._lab.exchanges.newest(_EXCHANGES, _EXCHANGES_SIZE)
        older = len(self._lab.exchanges) - len(passed)
        if self._lab.running:
            materials = self._lab.materials()
            # Other programs on this machine come from the CA's own address.
            self._names = {R1: "this machine"} | self._lab.names
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
        if self._open is not None:
            # The oldest were dropped: the open one has another number now, or none.
            exchange, side = self._open
            place = next((i for i, e in enumerate(passed) if e is exchange), None)
            self.ladder.selected = {} if place is None else {"exchange": place, "side": side}

    def _show_decisions(self) -> None:
        decisions = list(self._lab.decisions)[-_DECISIONS:]
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

    # ---------------------------------------------------------- where no script runs

    def __repr__(self) -> str:
        with self._lock:
            ladder = "\n".join([*filter(None, [older_words(self._left_out())]), *drawn(self._newest())])
            decided = "\n".join(visible(_told(d)) for d in list(self._lab.decisions)[-_DECISIONS:])
            parts = (ladder or "No exchange yet.", decided, repr(self.queue), repr(self.form))
            return "\n\n".join(part for part in parts if part)

    def _newest(self) -> LadderDiagram:
        return without_times(lay_out(self.ladder.decoded[-_STILL:], self._names))

    def _left_out(self) -> int:
        return int(self.ladder.older) + max(0, len(self.ladder.decoded) - _STILL)

    def _still(self) -> str:
        with self._lock:
            ladder = self._newest()
            picture = ladder_picture(ladder, self._left_out()) if ladder.arrows else ""
            decided = "".join(f"<li>{safe(_told(d))}</li>" for d in list(self._lab.decisions)[-_DECISIONS:])
            trace = f"<details><summary>Decisions</summary><ul>{decided}</ul></details>" if decided else ""
            return (
                f"<div>{picture or '<p>No exchange yet.</p>'}{trace}{self.queue._still()}"  # noqa: SLF001 - its part
                f"<details><summary>Enroll</summary>{self.form._still()}</details></div>"  # noqa: SLF001 - as above
            )


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
_NEW = re.compile(rf"{_LONG.pattern}|\d{{4}}-\d\d-\d\d( [\d:.+]+)?")


def _shortened(step: str) -> str:
    return cut(_LONG.sub(lambda found: f"{found[0][:8]}...", step))
