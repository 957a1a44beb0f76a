"""Faults of GetCACaps replies, and requests that use what the server does not offer (RFC 8894, 3.5.2)."""

from __future__ import annotations

from collections.abc import Iterator

from sceplab.analysis.faults.model import Context, Fault, Hit, Level, Likelihood
from sceplab.analysis.faults.status import not_a_list
from sceplab.analysis.faults.strength import digests_of
from sceplab.cms.keytransport import KeyTransRecipient
from sceplab.scep.attributes import MessageType
from sceplab.scep.capabilities import AES, POST, SHA256, Capability, offers, parse_caps, spelling
from sceplab.scep.conversation import DecodedExchange

CAPS_UNKNOWN = Fault(
    "caps-unknown",
    "GetCACaps lists a word that RFC 8894 does not know.",
    "Nothing needs to be done: clients ignore it.",
    section="RFC 8894, 3.5.2",
    level=Level.INFO,
    rule="capabilities that RFC 8894 does not know",
)
CAPS_CASE = Fault(
    "caps-case",
    "GetCACaps writes a capability in another case than RFC 8894.",
    "Write capabilities as in RFC 8894, 3.5.2: some clients compare byte by byte.",
    section="RFC 8894, 3.5.2",
    level=Level.MUST,
    rule="capabilities are written as in the RFC",
)
DOWNGRADE = Fault(
    "downgrade",
    "GetCACaps does not list SCEPStandard.",
    "On an old server nothing; otherwise check whether somebody removed it on the way.",
    section="RFC 8894, 7.5",
    level=Level.INFO,
    rule="SCEPStandard is missing",
)
CAPS_WEAK = Fault(
    "caps-weak",
    "GetCACaps does not list AES or SHA-256.",
    "Offer AES, SHA-256 and SCEPStandard.",
    section="RFC 8894, 2.9",
    level=Level.SHOULD,
    rule="AES and SHA-256 are offered",
    seen="NDES",
)


def offered(item: DecodedExchange) -> tuple[str, ...] | None:
    """Return the capabilities in an exchange, None if it is not an answered GetCACaps."""
    reply, operation = item.exchange.reply, item.operation
    if operation is None or operation.operation != "GetCACaps" or reply is None or not item.exchange.recorded.bodies:
        return None
    if reply.status not in {200, None} or not_a_list(reply.body) is not None:
        return None
    return parse_caps(reply.body)


def listed(item: DecodedExchange, _context: Context) -> Iterator[Hit]:
    """Yield capabilities that are unknown, misspelt, or missing."""
    caps = offered(item)
    if caps is None:
        return
    for word in caps:
        right = spelling(word)
        if right is None:
            yield Hit(CAPS_UNKNOWN, word[:40])
        elif right.value != word:
            yield Hit(CAPS_CASE, f"{word} instead of {right.value}")
    if not offers(caps, Capability.STANDARD):
        yield Hit(DOWNGRADE, f"offered: {', '.join(caps)[:120] or 'nothing'}")
        missing = [c.value for c in (Capability.AES, Capability.SHA256) if not offers(caps, c)]
        if missing:
            yield Hit(CAPS_WEAK, f"not offered: {', '.join(missing)}")


GET_WITH_POST = Fault(
    "get-with-post",
    "The client uses GET although the server offers POST.",
    "Use POST for PKIOperation.",
    section="RFC 8894, 4.1",
    level=Level.MUST,
    rule="POST is used where it is offered",
    seen="Cisco IOS, strongSwan",
)
NOT_OFFERED = Fault(
    "not-offered",
    "The request uses an algorithm that GetCACaps does not list.",
    "Use what GetCACaps lists.",
    section="RFC 8894, 3.5.2",
    level=Level.SHOULD,
    rule="algorithms are among those offered",
    explains=Likelihood.LIKELY,
)
RENEWAL_OFFERED = Fault(
    "renewal-offered",
    "The client sends a RenewalReq, but GetCACaps does not list Renewal.",
    "Send a PKCSReq signed with the old certificate, or enable renewal on the server.",
    section="RFC 8894, 3.5.2",
    level=Level.MUST,
    rule="RenewalReq only where Renewal is offered",
    explains=Likelihood.LIKELY,
)
_CIPHER_CAPS: dict[str, tuple[Capability, ...]] = {"aes": AES, "des-ede3": (Capability.DES3,)}
_DIGEST_CAPS: dict[str, tuple[Capability, ...]] = {
    "sha256": SHA256,
    "sha512": (Capability.SHA512,),
    "sha1": (Capability.SHA1,),
}


def used(item: DecodedExchange, context: Context) -> Iterator[Hit]:
    """Yield features that a request uses but the server does not offer, and GET although POST is offered."""
    operation, message = item.operation, item.request
    recipients = message.enveloped.recipients if message is not None and message.enveloped is not None else ()
    lists = context.caps_for(r.identifier for r in recipients if isinstance(r, KeyTransRecipient))
    if not lists:
        return
    by_get = operation is not None and operation.operation == "PKIOperation" and operation.method == "GET"
    if by_get and all(offers(caps, *POST) for caps in lists):
        yield Hit(GET_WITH_POST, "GET, though the server takes POST")
    if message is None:
        return
    # What one of the CAs offers that may be meant is not missing.
    caps = tuple(dict.fromkeys(word for each in lists for word in each))
    offer = f"the server offers {', '.join(caps) or 'nothing'}"
    cipher = message.enveloped.cipher if message.enveloped is not None else None
    if cipher is not None:
        wanted = next((words for start, words in _CIPHER_CAPS.items() if cipher.name.startswith(start)), None)
        if wanted is not None and not offers(caps, *wanted):
            yield Hit(NOT_OFFERED, f"{cipher.name} is used, {offer}")
    for digest in sorted(digests_of(message)):
        if digest in _DIGEST_CAPS and not offers(caps, *_DIGEST_CAPS[digest]):
            yield Hit(NOT_OFFERED, f"{digest} is used, {offer}")
    if message.type is MessageType.RenewalReq and not offers(caps, Capability.RENEWAL):
        yield Hit(RENEWAL_OFFERED, offer)


FAULTS = (CAPS_UNKNOWN, CAPS_CASE, DOWNGRADE, CAPS_WEAK, GET_WITH_POST, NOT_OFFERED, RENEWAL_OFFERED)
