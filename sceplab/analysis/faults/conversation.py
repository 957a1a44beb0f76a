"""A request compared with earlier ones: nonces, transactions, polls (RFC 8894, 3.2.1 and 4.4)."""

from __future__ import annotations

from collections.abc import Iterator

from sceplab.analysis.faults.capabilities import offered
from sceplab.analysis.faults.model import Context, Hit, Level, Rule
from sceplab.scep.attributes import MessageType
from sceplab.scep.conversation import DecodedExchange

NONCE_REUSED = Rule(
    "nonce-reused",
    "RFC 8894, 3.2.1.5",
    Level.MUST,
    "each request has a fresh senderNonce",
    "Take random octets each time.",
)
POLL_TRANSACTION = Rule(
    "poll-transaction", "RFC 8894, 4.4", Level.MUST, "a poll has the transactionID of its request", ""
)
TRANSACTION_REUSED = Rule(
    "transaction-reused", "RFC 8894, 3.2.1.1", Level.MUST, "another key has another transactionID", ""
)


def history(item: DecodedExchange, context: Context) -> Iterator[Hit]:
    """Yield a nonce or a transactionID that is wrong because of an earlier request."""
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
    caps = offered(item)
    if caps is not None:
        context.caps = caps
    if item.ca_certificates and item.operation is not None and item.operation.operation == "GetCACert":
        context.ca_certificates = item.ca_certificates


def learn_client(item: DecodedExchange, context: Context) -> None:
    """Remember what a request shows of the client, after it was judged."""
    if item.request is None:
        return
    nonce, transaction = item.request.attributes.sender_nonce, item.request.attributes.transaction_id
    if nonce is not None:
        context.nonces.add(nonce)
    if transaction is not None and item.request.csr is not None:
        context.keys.setdefault(transaction, set()).add(item.request.csr.public_key_info)


RULES = (NONCE_REUSED, POLL_TRANSACTION, TRANSACTION_REUSED)
