"""HTTP: how a message was asked for, written and answered (RFC 8894, 4)."""

from __future__ import annotations

from collections.abc import Iterator

from sceplab.analysis.faults.model import Context, Hit, Level, Rule
from sceplab.scep.conversation import DecodedExchange
from sceplab.scep.transport import OPERATIONS, PKI_MESSAGE

OPERATION = Rule(
    "operation",
    "RFC 8894, 4.1",
    Level.MUST,
    "operation= is a known one",
    "PKIOperation, GetCACert, GetCACaps ...",
)
NO_REPLY = Rule(
    "no-reply",
    "RFC 8894, 4.1",
    Level.INFO,
    "every request has a reply",
    "Is the capture complete? Did the server answer?",
)
BASE64 = Rule(
    "base64",
    "RFC 8894, 4.1",
    Level.SHOULD,
    "message= is base64 in one line, escaped",
    "",
    "Cisco IOS, jscep, micromdm",
)


def asked(item: DecodedExchange, _context: Context) -> Iterator[Hit]:
    """Yield an operation that is unknown, unanswered, or whose message is badly written."""
    operation = item.operation
    if operation is None:
        return
    if item.exchange.client:
        if operation.operation not in OPERATIONS:
            yield Hit(OPERATION, f"it is {operation.operation[:40]!r}")
        if item.exchange.reply is None:
            yield Hit(NO_REPLY, f"{operation.operation} was not answered")
    for problem in operation.problems:
        yield Hit(BASE64, str(problem), problem.offset)


HTTP_STATUS = Rule(
    "http-status",
    "RFC 8894, 4.1",
    Level.MUST,
    "the reply is 200 OK",
    "Read the server's log.",
    "micromdm: 500 for all",
)
REPLY_TYPE = Rule(
    "reply-type",
    "RFC 8894, 4.3",
    Level.SHOULD,
    "Content-Type is that of the operation",
    "Clients may refuse it.",
    "Entrust",
)
_TYPES = {
    "GetCACert": {"application/x-x509-ca-cert", "application/x-x509-ca-ra-cert"},
    "GetNextCACert": {"application/x-x509-next-ca-cert"},
    "PKIOperation": {PKI_MESSAGE},
}


def answered(item: DecodedExchange, _context: Context) -> Iterator[Hit]:
    """Yield a status or a Content-Type that is not that of the operation."""
    reply, name = item.exchange.reply, item.operation.operation if item.operation is not None else ""
    if reply is None or not item.exchange.client:
        return
    if reply.status != 200:
        yield Hit(HTTP_STATUS, f"{reply.status} {reply.reason}".strip())
        return
    kind = (reply.header("Content-Type") or "").partition(";")[0].strip().lower()
    if name in _TYPES and kind not in _TYPES[name]:
        yield Hit(REPLY_TYPE, f"{name} answered with {kind or 'no Content-Type'}")


RULES = (OPERATION, NO_REPLY, BASE64, HTTP_STATUS, REPLY_TYPE)
