"""Faults of HTTP requests and replies (RFC 8894, 4)."""

from __future__ import annotations

from collections.abc import Iterator

from sceplab.analysis.enrollments import is_scep
from sceplab.analysis.faults.model import Context, Fault, Hit, Level, Likelihood
from sceplab.scep.attributes import PkiStatus
from sceplab.scep.conversation import DecodedExchange
from sceplab.scep.transport import CA_CERT, CA_RA_CERT, NEXT_CA_CERT, OPERATIONS, PKI_MESSAGE

OPERATION = Fault(
    "operation",
    "The request names no operation that SCEP has.",
    "Write operation=PKIOperation, GetCACert, GetCACaps or GetNextCACert.",
    section="RFC 8894, 4.1",
    level=Level.MUST,
    rule="operation= is a known one",
    explains=Likelihood.CERTAIN,
)
NO_REPLY = Fault(
    "no-reply",
    "The server did not answer.",
    "Check that it runs, that the port is open, and that the capture goes on long enough.",
    section="RFC 8894, 4.1",
    level=Level.INFO,
    rule="every request has a reply",
    explains=Likelihood.LIKELY,
)
BASE64 = Fault(
    "base64",
    "The message= value is not written as RFC 8894 says.",
    "Write base64 in one line and escape +, / and = as %2B, %2F and %3D, or use POST.",
    section="RFC 8894, 4.1",
    level=Level.SHOULD,
    rule="message= is base64 in one line, escaped",
    seen="Cisco IOS, jscep, micromdm",
)


def asked(item: DecodedExchange, _context: Context) -> Iterator[Hit]:
    """Yield an operation that is unknown, unanswered, or whose message is badly encoded."""
    operation = item.operation
    if operation is None:
        return
    recorded = item.exchange.recorded
    if recorded.http and operation.operation not in OPERATIONS and is_scep(item):
        named = operation.operation[:40]
        yield Hit(OPERATION, f"it is {named!r}" if named else "the URL has no operation=")
    if recorded.answers and item.exchange.reply is None and is_scep(item):
        yield Hit(NO_REPLY, f"{operation.operation} was not answered")
    for problem in operation.problems:
        yield Hit(BASE64, str(problem), problem.offset)


HTTP_STATUS = Fault(
    "http-status",
    "The server answered with an HTTP error.",
    "Read the server's log of this moment.",
    section="RFC 8894, 4.1",
    level=Level.MUST,
    rule="the reply is 200 OK",
    seen="micromdm: 500 for all",
)
REPLY_TYPE = Fault(
    "reply-type",
    "The reply has another Content-Type than its operation asks for.",
    "Send application/x-pki-message, x-x509-ca-cert or x-x509-ca-ra-cert: some clients refuse others.",
    section="RFC 8894, 4.3",
    level=Level.SHOULD,
    rule="Content-Type is that of the operation",
    seen="Entrust",
    explains=Likelihood.POSSIBLE,
)
_TYPES = {
    "GetCACert": {CA_CERT, CA_RA_CERT},
    "GetNextCACert": {NEXT_CA_CERT},
    "PKIOperation": {PKI_MESSAGE},
}


def answered(item: DecodedExchange, _context: Context) -> Iterator[Hit]:
    """Yield a status or a Content-Type that does not fit the operation."""
    reply, name = item.exchange.reply, item.operation.operation if item.operation is not None else ""
    if reply is None or reply.status is None or not is_scep(item):
        return
    if reply.status != 200:
        yield Hit(HTTP_STATUS, f"{reply.status} {reply.reason}".strip())
        return
    if not item.exchange.recorded.headers:
        return
    kind = (reply.header("Content-Type") or "").partition(";")[0].strip().lower()
    if name in _TYPES and kind not in _TYPES[name]:
        # Some clients (sscep, certmonger) refuse even a grant of another type.
        granted = item.reply is not None and item.reply.attributes.status is PkiStatus.SUCCESS
        refused = granted and not kind.endswith("x-pki-message")
        found = f"{name} answered with {kind or 'no Content-Type'}"
        yield Hit(REPLY_TYPE, found, None, Likelihood.LIKELY if refused else None)


FAULTS = (OPERATION, NO_REPLY, BASE64, HTTP_STATUS, REPLY_TYPE)
