"""From a request to its reply: the steps that a CA and an RA share.

Rule: order only. `opening` parses and checks the request, a `decide` function of the
CA or RA returns the answer, `replies` writes it. Every decision is reported with its
steps, for the log and for learners.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sceplab.cms.cipher import RandomBytes
from sceplab.cms.csr import parse_csr
from sceplab.cms.enveloped import MAX_RECIPIENTS
from sceplab.cms.keytransport import KeyTransRecipient
from sceplab.lab.http import OK, HeldReply, text_reply
from sceplab.lab.identity import Identity
from sceplab.lab.opening import (
    DEFAULT_CIPHER,
    Refused,
    SignedRequest,
    Strictness,
    judge_request,
    open_request,
    read_request,
)
from sceplab.lab.replies import Answer, ReplyForm, build_reply, failure
from sceplab.scep.attributes import ScepAttributes
from sceplab.scep.capabilities import build_caps
from sceplab.scep.transport import PKI_MESSAGE, HttpReply

# Characters of a text that are kept: names in a request may be as long as the request.
_KEPT = 1000


def _short(text: str) -> str:
    return text if len(text) <= _KEPT else f"{text[:_KEPT]}..."


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision on one request, with its steps. `kind` is its messageType, or "a person" who granted or denied."""

    who: str
    kind: str
    transaction_id: str
    outcome: str
    steps: tuple[str, ...]

    @classmethod
    def about(cls, who: str, attributes: ScepAttributes, answer: Answer, steps: list[str]) -> Decision:
        """Return the decision on a request that got this answer."""
        kind = attributes.type.name if attributes.type is not None else str(attributes.message_type)
        told = (answer.text,) if answer.text else ()
        transaction_id = _short(attributes.transaction_id or "")
        return cls(who, kind, transaction_id, answer.status.name, tuple(map(_short, (*steps, *told))))

    @classmethod
    def by_person(cls, who: str, transaction_id: str, outcome: str, request: bytes, *more: str) -> Decision:
        """Return the decision of a person on a pending request (PKCS#10, DER), with `more` steps."""
        steps = (f"asked for {parse_csr(request).subject}", *more)
        return cls(who, "a person", _short(transaction_id), outcome, tuple(map(_short, steps)))

    def __str__(self) -> str:
        return f"{self.who}: {self.kind} {self.transaction_id}: {self.outcome} ({'; '.join(self.steps)})"


def ignore(_: Decision) -> None:
    """Do nothing with a decision."""


@dataclass(frozen=True, slots=True)
class Response:
    """The CertRep (DER) to a request; `held` as in `Refused`."""

    message: bytes = field(repr=False)
    held: bool


Decide = Callable[[SignedRequest, Callable[[], bytes], list[str]], tuple[Answer, str | None]]
"""Takes a request, a function that opens it, and a list for the steps; returns the answer, and the challengePassword
to encrypt it with for a signer with an EC key. Raises Refused."""


@dataclass(frozen=True, slots=True)
class Responder:
    """Everything a server needs to answer: keys, strictness, reply format, callback."""

    name: str
    signer: Identity
    decrypters: tuple[Identity, ...]
    strict: Strictness
    form: ReplyForm
    passwords: tuple[str, ...] = field(repr=False)
    random: RandomBytes
    on_decision: Callable[[Decision], None]
    # (decrypter, signer) of before: who encrypts for it knows no other signer yet.
    former: tuple[tuple[Identity, Identity], ...] = ()

    def respond(self, data: bytes, now: datetime, decide: Decide) -> Response:
        """Answer a pkiMessage (DER) with a CertRep (RFC 8894, 3).

        Raises NotAMessageError, and whatever `decide` raises except Refused.
        """
        asked = read_request(data)
        signed, attributes = asked
        steps: list[str] = []
        incoming, password = None, None
        try:
            incoming = judge_request(signed, attributes, self.strict, now)
            steps.append(f"signed by {incoming.signer}")
            answer, password = decide(incoming, self._opening(incoming, steps), steps)
        except Refused as refused:
            answer = failure(refused)
            if refused.aside:
                steps.append(refused.aside)
        self.on_decision(Decision.about(self.name, attributes, answer, steps))
        message = build_reply(
            answer,
            asked,
            self.signer if incoming is None else self._signer(incoming),
            self.form,
            recipient=incoming.signer if incoming is not None else None,
            password=password,
            cipher=incoming.cipher if incoming is not None else DEFAULT_CIPHER,
            random=self.random,
        )
        return Response(message, answer.held)

    def _signer(self, incoming: SignedRequest) -> Identity:
        """Return who signs the reply: with the certificate of before where the request is encrypted for that one."""
        if not self.former:
            return self.signer
        recipients = incoming.enveloped.recipients[:MAX_RECIPIENTS]
        named = [r.identifier for r in recipients if isinstance(r, KeyTransRecipient)]
        if any(i.matches(self.decrypters[0].parsed) for i in named):
            return self.signer
        return next((s for d, s in self.former if any(i.matches(d.parsed) for i in named)), self.signer)

    def _opening(self, incoming: SignedRequest, steps: list[str]) -> Callable[[], bytes]:
        def opening() -> bytes:
            opened = open_request(incoming, self.decrypters, self.passwords)
            if opened.aside:
                steps.append(opened.aside)
            return opened.data

        return opening


# --------------------------------------------------------------- HTTP


def refuse_method(method: str, capabilities: Sequence[str]) -> HttpReply | None:
    """Return the reply to a PKIOperation by a method that is not offered (RFC 8894, 4.1), None where it is."""
    if method not in {"GET", "POST"}:
        return text_reply(405, "PKIOperation goes by GET or POST (RFC 8894, 4.1)")
    if method == "POST" and not {"POSTPKIOperation", "SCEPStandard"} & set(capabilities):
        return text_reply(405, "this server does not offer POST (RFC 8894, 3.5.2)")
    return None


def message_reply(response: Response, form: ReplyForm) -> HttpReply:
    """Return the HTTP reply around a CertRep (RFC 8894, 4.3.1); a HeldReply where its time must show nothing."""
    reply = HttpReply(OK, (("Content-Type", PKI_MESSAGE),), response.message)
    for fault in form.faults:
        reply = fault.reply(reply)
    return HeldReply(reply.status, reply.headers, reply.body, reply.reason) if response.held else reply


def capabilities_reply(words: Sequence[str], form: ReplyForm) -> HttpReply:
    """Return the HTTP reply to GetCACaps (RFC 8894, 3.5.2)."""
    reply = HttpReply(OK, (("Content-Type", "text/plain"),), build_caps(words))
    for fault in form.faults:
        reply = fault.capabilities(reply)
    return reply
