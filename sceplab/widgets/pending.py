"""The pending requests of the lab's CA, with buttons Grant and Deny.

Rule: shows and presses; who may become what is the CA's to say. A request comes
from anybody, so every word of it is escaped.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import ipywidgets as w
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from sceplab.cms.csr import CertificationRequest, parse_csr
from sceplab.cms.x509 import parse_certificate
from sceplab.errors import MASK, ScepError
from sceplab.lab.claims import claims_in
from sceplab.lab.network import Lab
from sceplab.lab.policy import wants_ra
from sceplab.lab.store import Transaction
from sceplab.report.names import count
from sceplab.views.text import compact, cut, safe, visible
from sceplab.widgets.live import AS_A_WHOLE, Following, in_order

# Rows shown; for more, the number of the others is given.
_SHOWN = 50
_DENIED = "denied by the operator"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A pending request in words. `lines` are (what, value) without anything that a new key changes."""

    subject: str
    lines: tuple[tuple[str, str], ...]
    transaction_id: str
    asked: str


def describe_pending(transaction: Transaction, holders: Callable[[], Mapping[bytes, str]]) -> Waiting:
    """Return what a person should look at before granting.

    `holders` gives the subjects of the CA's certificates by the SHA-256 of their
    SubjectPublicKeyInfo; it is called only where the request's own key did not sign.
    """
    request = parse_csr(transaction.request)
    lines = [
        ("key", _key(request)),
        ("signed by", _signer(transaction, request, holders)),
        ("challengePassword", MASK if request.challenge_password is not None else "none"),
    ]
    # Not cut: whoever grants must see all of it, and the CA limits its length.
    lines += claims_in(request).lines()
    if wants_ra(request):
        lines.append(("would become", "an RA: every request that it signs is granted at once"))
    asked = f"{transaction.created:%Y-%m-%d %H:%M:%S} UTC"
    return Waiting(cut(str(request.subject)), tuple(lines), transaction.transaction_id, asked)


def _key(request: CertificationRequest) -> str:
    try:
        key = request.public_key()
    except ValueError:
        return "of an unknown kind"
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    return f"EC {key.curve.name}" if isinstance(key, ec.EllipticCurvePublicKey) else type(key).__name__


def _signer(transaction: Transaction, request: CertificationRequest, holders: Callable[[], Mapping[bytes, str]]) -> str:
    if transaction.requester == hashlib.sha256(request.public_key_info).digest():
        return "its own key"
    holder = holders().get(transaction.requester)
    if holder is not None:
        return f"{cut(holder)}, which has a certificate of this CA"
    return "a key that this CA does not know"


class PendingQueue(Following, w.VBox):  # type: ignore[misc]
    """A live list of the CA's pending requests.

    It follows the CA's store, so a request shows up whoever sent it: a cell, or
    another program. `grant` and `deny` are what the buttons do.
    """

    def __init__(self, lab: Lab) -> None:
        """Show the queue of the lab's CA."""
        self._lab = lab
        self._lock = threading.RLock()
        self._waiting: dict[int, Waiting] = {}
        self._rows: dict[int, w.HBox] = {}
        self._holders: dict[int, tuple[bytes, str]] = {}
        self._more = 0
        self._lost = False
        self.status = w.HTML()
        self.refresh_button = w.Button(description="Refresh", layout=w.Layout(width="auto"))
        self.refresh_button.on_click(lambda _: self.refresh())
        self._list = w.VBox()
        head = w.HBox([self.status, self.refresh_button], layout=w.Layout(align_items="center"))
        super().__init__([head, self._list])
        self.refresh()

    # ---------------------------------------------------------- what a person does

    def grant(self, transaction: Transaction) -> None:
        """Grant a pending request; one that is granted already stays so."""
        self._decide(transaction, "granted", partial(self._lab.ca.grant, transaction))

    def deny(self, transaction: Transaction, why: str = _DENIED) -> None:
        """Deny a pending request; the client is told why."""
        self._decide(transaction, "denied", partial(self._lab.ca.deny, transaction, why.strip() or _DENIED))

    def _decide(self, transaction: Transaction, done: str, act: Any) -> None:  # noqa: ANN401 - either of the two above
        subject = safe(cut(str(parse_csr(transaction.request).subject)))
        try:
            act()
        except ScepError as error:
            self.refresh()
            self.status.value = f"<b>Not {done}:</b> {safe(str(error))}"
        else:
            self.refresh()
            self.status.value = f"{self._count()} <i>{subject}: {done}.</i>"

    # ---------------------------------------------------------- what is shown

    def _followed(self) -> bool:
        return self._lab.running and self.comm is not None

    def refresh(self) -> None:
        """Show the requests that are pending now. Never raises."""
        with self._lock:
            try:
                self._look()
            except ScepError as error:
                self._lost = True
                self.status.value = f"<b>The CA's store:</b> {safe(str(error))}"

    def _look(self) -> None:
        found = self._lab.ca.pending() if self._lab.running else []
        first = found[:_SHOWN]
        before = (list(self._rows), self._more, not self.refresh_button.disabled)
        self._more = len(found) - len(first)
        holders = cache(self._all_holders)
        self._waiting = {t.id: self._waiting.get(t.id) or describe_pending(t, holders) for t in first}
        # Rows that stay are the same widgets: somebody may be typing a reason.
        self._rows = {t.id: self._rows.get(t.id) or self._row(t, self._waiting[t.id]) for t in first}
        self.refresh_button.disabled = not self._lab.running
        if before != (list(self._rows), self._more, self._lab.running) or self._lost or not self.status.value:
            self._lost = False
            gone = [row for row in self._list.children if row not in self._rows.values()]
            self._list.children = tuple(self._rows.values())
            for row in gone:
                for part in (*row.children, row):
                    part.close()
            self.status.value = self._count()

    def _all_holders(self) -> Mapping[bytes, str]:
        """Return who has a certificate of this CA, each read once: a CA may have issued many."""
        for issued in self._lab.ca.store.all_issued():
            if issued.serial not in self._holders:
                found = parse_certificate(issued.der)
                digest = hashlib.sha256(found.public_key_info).digest()
                self._holders[issued.serial] = (digest, str(found.subject))
        return dict(self._holders.values())

    def _count(self) -> str:
        if not self._lab.running:
            return "<b>The lab is not running.</b>"
        number = len(self._rows) + self._more
        if not number:
            return "<b>No pending requests.</b>"
        more = f" The first {len(self._rows)} are shown." if self._more else ""
        return f"<b>{count(number, 'request')} awaiting approval.</b>{more}"

    def _row(self, transaction: Transaction, waiting: Waiting) -> w.HBox:
        parts = "; ".join(f"{safe(what)} <b>{safe(value)}</b>" for what, value in waiting.lines)
        text = w.HTML(
            compact(
                f"<b>{safe(waiting.subject)}</b><br>{parts}<br>"
                f"<small>transactionID {safe(waiting.transaction_id)}, sent {safe(waiting.asked)}</small>"
            ),
            layout=w.Layout(flex="1 1 100%", min_width="0", max_height="12em", overflow="auto"),
        )
        # The sender chooses the length of a subject; a long one is cut in the tooltip.
        about = visible(waiting.subject)[:80]
        narrow = w.Layout(width="auto")
        grant = w.Button(description="Grant", button_style="success", tooltip=f"Grant {about}", layout=narrow)
        deny = w.Button(description="Deny", button_style="danger", tooltip=f"Deny {about}", layout=narrow)
        reason = w.Text(placeholder="reason for the client", layout=w.Layout(width="180px"), **AS_A_WHOLE)
        grant.on_click(lambda _: self.grant(transaction))
        deny.on_click(lambda _: self.deny(transaction, reason.value))
        layout = w.Layout(
            flex_flow="row wrap",
            align_items="center",
            padding="4px 0",
            border_top="1px solid var(--jp-border-color2, #bdbdbd)",
        )
        row = w.HBox([text, grant, deny, reason], layout=layout)
        in_order(row)
        return row

    # ---------------------------------------------------------- where JavaScript does not run

    def __repr__(self) -> str:
        with self._lock:
            lines = [
                f"{visible(w_.subject)}: " + "; ".join(f"{visible(a)} {visible(b)}" for a, b in w_.lines)
                for w_ in self._waiting.values()
            ]
        return "\n".join(lines) or "PendingQueue: no pending requests"

    def _still(self) -> str:
        with self._lock:
            rows = "".join(
                f"<li><b>{safe(waiting.subject)}</b>: "
                + "; ".join(f"{safe(what)} {safe(value)}" for what, value in waiting.lines)
                + " [Grant] [Deny]</li>"
                for waiting in self._waiting.values()
            )
            return f"<div><p>{self._count()}</p><ul>{rows}</ul></div>" if rows else f"<div><p>{self._count()}</p></div>"
