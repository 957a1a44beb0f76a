"""Names for people: places, kinds of message, transactions, checks.

Rule: each is worded once. Missing values are named as missing; bytes that are not text are shown in hex.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from sceplab.analysis.faults.model import Side
from sceplab.asn1 import der, oids
from sceplab.capture.reading import Unread
from sceplab.cms.verify import Check, CheckName, Outcome
from sceplab.errors import Problem
from sceplab.report.bounds import cut, listed
from sceplab.scep.attributes import MessageType
from sceplab.scep.message import PkiMessage

_FIRST = frozenset({MessageType.PKCSReq, MessageType.CertPoll})
"""Message types of a client that may have no certificate from a CA yet (RFC 8894, 2.3)."""


def place(exchange: int | None, side: Side | None = None) -> str:
    """Return where something is in the capture: "[2] reply", "[2]" for the whole exchange, "" otherwise."""
    if exchange is None:
        return ""
    return f"[{exchange}] {side.value}" if side is not None and side is not Side.EXCHANGE else f"[{exchange}]"


def count(number: int, one: str, many: str = "") -> str:
    """Return "1 finding" or "2 findings"; large numbers with commas."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def reading_lines(notes: Iterable[Problem], unread: Iterable[Unread]) -> Iterator[str]:
    """Yield the corrections needed to read a source, and the data not read."""
    yield from listed((cut(f"note: {note}") for note in notes), "notes")
    yield from listed((cut(f"not read: {part}") for part in unread), "parts that were not read")


def kind_of(message: PkiMessage) -> str:
    """Return the name of the messageType, or the unknown value that was sent."""
    attributes = message.attributes
    if attributes.type is not None:
        return attributes.type.name
    if attributes.message_type is not None:
        return f"messageType {attributes.message_type!r}"
    return "damaged message" if is_cut(message) else "message without messageType"


def transaction_of(message: PkiMessage) -> str | None:
    """Return the transactionID as text, in hex if its bytes are not text; None if none was sent."""
    text, info = message.attributes.transaction_id, message.signed.signer_info
    if text is None or (text.isprintable() and "\ufffd" not in text):
        return text
    attribute = info.attribute(oids.TRANSACTION_ID) if info is not None else None
    if attribute is None or not attribute.values:
        return text
    try:
        return der.read(attribute.values[0]).octets().hex()
    except der.DerError:
        return text


def is_cut(message: PkiMessage) -> bool:
    """Whether the message has no SignerInfo because it is truncated."""
    return message.signed.signer_info is None and bool(message.signed.problems)


def checks_of(message: PkiMessage) -> Iterator[Check]:
    """Yield the checks of a message as they are shown to people.

    A first request is self-signed (RFC 8894, 2.3): its signer has no chain, so that
    check is not possible instead of failed.
    """
    signer = message.verification.signer
    first = message.type in _FIRST and signer is not None and signer.self_issued
    for check in message.verification.checks:
        if first and check.name == CheckName.CHAIN and check.outcome is not Outcome.PASSED:
            words = "self-signed, as a first request is: nothing to chain to"
            yield replace(check, outcome=Outcome.NOT_POSSIBLE, detail=words)
        else:
            yield check
