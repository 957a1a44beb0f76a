"""What a reply states: pending, failInfo, words; and clocks (RFC 8894, 3.2.1.3 and 3.2.1.4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sceplab.analysis.faults.model import Context, Fault, Hit, Likelihood
from sceplab.scep.attributes import FAIL_INFO_MEANING, FailInfo, PkiStatus
from sceplab.scep.conversation import DecodedExchange

_P = Likelihood.POSSIBLE
# Allowed clock skew plus transit time.
_LATE = timedelta(minutes=10)

SAYS = Fault(
    "server-says",
    "The server says why.",
    "Do what its words ask for; the server's log has more.",
    section="RFC 8894, 3.2.1.4",
    explains=Likelihood.LIKELY,
)
PENDING = Fault(
    "pending",
    "The CA waits for a person to grant the request.",
    "Grant it at the CA; the client polls on with the same transactionID.",
    section="RFC 8894, 3.2.1.3",
    explains=Likelihood.CERTAIN,
)
_FIX = {
    FailInfo.badAlg: "Compare digest, cipher and key with GetCACaps; use SHA-256 and AES-128-CBC.",
    FailInfo.badMessageCheck: "Check for whom the request is encrypted, and that its signature verifies.",
    FailInfo.badRequest: "Compare challengePassword, subject, key size and renewal with the CA's rules; read its log.",
    FailInfo.badTime: "Set the clocks (NTP).",
    FailInfo.badCertId: "Compare issuer and serial number, or the transactionID of the poll.",
}
_TITLE = {
    FailInfo.badAlg: "The CA refused the request: badAlg, an algorithm that it does not know or allow.",
    FailInfo.badMessageCheck: "The CA refused the request: badMessageCheck, it could not verify or decrypt it.",
    FailInfo.badRequest: "The CA refused the request: badRequest, it does not allow this request.",
    FailInfo.badTime: "The CA refused the request: badTime, its signing time is too far from the CA's clock.",
    FailInfo.badCertId: "The CA refused the request: badCertId, it has no such certificate.",
}
BY_FAIL_INFO = {
    info: Fault(info.name, _TITLE[info], _FIX[info], section="RFC 8894, 3.2.1.4", explains=_P) for info in FailInfo
}
CLOCK = Fault(
    "clock",
    "The clock of the client is wrong.",
    "Set the client's clock (NTP) before enrolling.",
    section="RFC 8894, 3.2.1.4",
    explains=Likelihood.LIKELY,
)


def stated(item: DecodedExchange, _context: Context) -> Iterator[Hit]:
    """Yield the faults that pkiStatus and failInfo of a reply state."""
    reply = item.reply
    if reply is None:
        return
    failure = reply.attributes.failure
    if reply.attributes.status is PkiStatus.PENDING:
        yield Hit(PENDING, "pkiStatus 3 (PENDING)")
    if failure is not None:
        yield Hit(BY_FAIL_INFO[failure], f"failInfo {failure.value} ({failure.name}: {FAIL_INFO_MEANING[failure]})")


def clock(item: DecodedExchange, _context: Context) -> Iterator[Hit]:
    """Yield a signingTime that is far from the time of the capture."""
    info = item.request.signed.signer_info if item.request is not None else None
    signed, seen = info.signing_time if info is not None else None, item.exchange.time
    if signed is None or seen is None or abs(seen - signed) <= _LATE:
        return
    refused = item.reply is not None and item.reply.attributes.failure is FailInfo.badTime
    found = f"signingTime {signed:%Y-%m-%d %H:%M:%S}, seen on the wire {seen:%Y-%m-%d %H:%M:%S} (UTC)"
    yield Hit(CLOCK, found, None, Likelihood.CERTAIN if refused else None)


FAULTS = (SAYS, PENDING, *BY_FAIL_INFO.values(), CLOCK)
