"""Faults of a request compared with earlier ones: nonces, transactions, polls (RFC 8894, 3.2.1 and 4.4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from sceplab.analysis.faults.capabilities import offered
from sceplab.analysis.faults.model import Context, Fault, Hit, Level, Likelihood
from sceplab.scep.attributes import MessageType
from sceplab.scep.conversation import DecodedExchange

_T = TypeVar("_T")
_CAS = 64
"""CAs at one server and path that are kept apart."""

NONCE_REUSED = Fault(
    "nonce-reused",
    "A senderNonce was sent before.",
    "Use fresh random bytes in every request.",
    section="RFC 8894, 3.2.1.5",
    level=Level.MUST,
    rule="each request has a fresh senderNonce",
    explains=Likelihood.POSSIBLE,
)
POLL_TRANSACTION = Fault(
    "poll-transaction",
    "The poll has another transactionID than the request it asks for.",
    "Keep the transactionID until the certificate is there.",
    section="RFC 8894, 4.4",
    level=Level.MUST,
    rule="a poll has the transactionID of its request",
    explains=Likelihood.CERTAIN,
)
TRANSACTION_REUSED = Fault(
    "transaction-reused",
    "A request for another key had this transactionID before.",
    "Make the transactionID from the key.",
    section="RFC 8894, 3.2.1.1",
    level=Level.MUST,
    rule="another key has another transactionID",
    explains=Likelihood.LIKELY,
)


def history(item: DecodedExchange, context: Context) -> Iterator[Hit]:
    """Yield a nonce or a transactionID that conflicts with an earlier request."""
    message = item.request
    if message is None:
        return
    nonce, transaction = message.attributes.sender_nonce, message.attributes.transaction_id
    if nonce is not None and nonce in context.nonces:
        yield Hit(NONCE_REUSED, f"{nonce.hex()} was sent before")
    if transaction is None:
        return
    if message.type is MessageType.CertPoll and context.keys and transaction not in context.keys:
        yield Hit(POLL_TRANSACTION, f"no request had {transaction[:64]!r}")
    if message.csr is not None and context.keys.get(transaction, set()) - {message.csr.public_key_info}:
        yield Hit(TRANSACTION_REUSED, f"{transaction[:64]!r} was another key's")


def learn_server(item: DecodedExchange, context: Context) -> None:
    """Remember what an exchange shows of the server, before the exchange itself is judged."""
    ca = (item.operation.identifier if item.operation is not None else None) or ""
    caps = offered(item)
    if caps is not None:
        _remember(context.caps, ca, caps)
    if item.operation is not None and item.exchange.reply is not None and item.exchange.reply.status == 200:
        context.answered.add(item.operation.operation)
    if item.ca_certificates and item.operation is not None and item.operation.operation == "GetCACert":
        _remember(context.certificates, ca, item.ca_certificates)


def _remember(known: dict[str, _T], ca: str, found: _T) -> None:
    """Keep the newest answer for each CA; of very many CAs at one path the oldest is forgotten."""
    known.pop(ca, None)
    known[ca] = found
    if len(known) > _CAS:
        del known[next(iter(known))]


def learn_client(item: DecodedExchange, context: Context) -> None:
    """Store what a request shows about the client, after it was judged."""
    if item.request is None:
        return
    nonce, transaction = item.request.attributes.sender_nonce, item.request.attributes.transaction_id
    if nonce is not None:
        context.nonces.add(nonce)
    if transaction is not None and item.request.csr is not None:
        context.keys.setdefault(transaction, set()).add(item.request.csr.public_key_info)


FAULTS = (NONCE_REUSED, POLL_TRANSACTION, TRANSACTION_REUSED)
