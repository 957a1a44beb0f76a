"""The challengePassword of a request compared with the expected one (RFC 8894, 2.4; RFC 2985, 5.4.1)."""

from __future__ import annotations

from collections.abc import Iterator

from sceplab.analysis.faults.model import Context, Fault, Hit, Likelihood
from sceplab.asn1 import der
from sceplab.errors import MASK
from sceplab.scep.attributes import FailInfo, MessageType
from sceplab.scep.conversation import DecodedExchange

NO_CHALLENGE = Fault(
    "no-challenge",
    "The request has no challengePassword.",
    "Get one from the CA's operator, put it into the CSR, and delete a CSR that the client kept.",
    section="RFC 8894, 2.4",
    explains=Likelihood.POSSIBLE,
)
WRONG_CHALLENGE = Fault(
    "wrong-challenge",
    "The challengePassword is not the expected one.",
    "Type it again: watch for spaces, quotes, and one-time passwords that were used.",
    section="RFC 8894, 2.4",
    explains=Likelihood.LIKELY,
)
CHALLENGE = Fault(
    "challenge-unknown",
    "The challengePassword may not be the one that the CA expects.",
    "Compare it with the CA's (--password P says which is expected); a one-time one works once.",
    section="RFC 8894, 2.4",
    explains=Likelihood.POSSIBLE,
)
CHALLENGE_TYPE = Fault(
    "challenge-type",
    "The challengePassword is a TeletexString (T61String), which servers written in Go cannot parse.",
    "Write it as PrintableString or UTF8String.",
    section="RFC 2985, 5.4.1",
    explains=Likelihood.LIKELY,
)


def challenge(item: DecodedExchange, context: Context) -> Iterator[Hit]:
    """Yield a challengePassword that is missing, different from the expected one, or of an unusual type."""
    request, csr = item.request, item.csr
    if request is None:
        return
    refused = item.reply is not None and item.reply.attributes.failure is FailInfo.badRequest
    if csr is None:
        asks = request.type in {MessageType.PKCSReq, MessageType.RenewalReq}
        if refused and asks and request.opened is None:
            yield Hit(CHALLENGE, "the request cannot be read without the CA's key, so its challengePassword is unknown")
        return
    sent = csr.challenge_password
    if not sent:
        if request.type is MessageType.PKCSReq:
            yield Hit(NO_CHALLENGE, "the CSR has no such attribute", None, Likelihood.LIKELY if refused else None)
        return
    if csr.challenge_password_type == der.STRING_TYPE_NAMES[der.T61_STRING]:
        yield Hit(CHALLENGE_TYPE, f"it is a {csr.challenge_password_type} of {len(sent)} characters")
    held = context.held
    if sent in held.passwords:
        return
    if not held.passwords:
        shown = repr(sent) if held.show_secrets else f"{MASK} ({len(sent)} characters)"
        if refused:
            yield Hit(CHALLENGE, f"{shown} was sent", None, Likelihood.LIKELY)
        return
    expected = held.passwords[0]
    seen = f"{sent!r} was sent, {expected!r} is expected"
    if not held.show_secrets:
        seen = f"{MASK} of {len(sent)} characters was sent, one of {len(expected)} is expected"
    if sent.strip().lower() in {e.strip().lower() for e in held.passwords}:
        seen += "; they differ in spaces or capitals only"
    yield Hit(WRONG_CHALLENGE, seen, None, Likelihood.CERTAIN if refused else None)


FAULTS = (NO_CHALLENGE, WRONG_CHALLENGE, CHALLENGE, CHALLENGE_TYPE)
