"""What a server offers by GetCACaps, and requests that use something else (RFC 8894, 3.5.2)."""

from __future__ import annotations

from collections.abc import Iterator

from sceplab.analysis.faults.model import Context, Hit, Level, Rule
from sceplab.analysis.faults.strength import digests_of
from sceplab.scep.attributes import MessageType
from sceplab.scep.capabilities import parse_caps
from sceplab.scep.conversation import DecodedExchange

CAPS_UNKNOWN = Rule(
    "caps-unknown", "RFC 8894, 3.5.2", Level.INFO, "capabilities that RFC 8894 does not know", "Clients ignore them."
)
CAPS_CASE = Rule(
    "caps-case",
    "RFC 8894, 3.5.2",
    Level.MUST,
    "capabilities are written as in the RFC",
    "Some clients compare octets.",
)
DOWNGRADE = Rule(
    "downgrade",
    "RFC 8894, 7.5",
    Level.INFO,
    "SCEPStandard is missing",
    "Old server, or somebody took it out on the way.",
)
CAPS_WEAK = Rule(
    "caps-weak",
    "RFC 8894, 2.9",
    Level.SHOULD,
    "AES and SHA-256 are offered",
    "Offer AES, SHA-256, SCEPStandard.",
    "NDES",
)
_KNOWN_CAPS = (
    *("AES", "DES3", "GetNextCACert", "POSTPKIOperation", "Renewal", "SHA-1", "SHA-256", "SHA-512", "SCEPStandard"),
)


def offered(item: DecodedExchange) -> tuple[str, ...] | None:
    """Return the capabilities that an exchange shows, None where it is no answered GetCACaps."""
    reply, operation = item.exchange.reply, item.operation
    if operation is None or operation.operation != "GetCACaps" or reply is None or not item.exchange.client:
        return None
    return parse_caps(reply.body) if reply.status == 200 else None


def listed(item: DecodedExchange, _context: Context) -> Iterator[Hit]:
    """Yield capabilities that are unknown, misspelt, or missing."""
    caps = offered(item)
    if caps is None:
        return
    for word in caps:
        right = next((k for k in _KNOWN_CAPS if k.lower() == word.lower()), None)
        if right is None:
            yield Hit(CAPS_UNKNOWN, word[:40])
        elif right != word:
            yield Hit(CAPS_CASE, f"{word} instead of {right}")
    lower = {c.lower() for c in caps}
    if "scepstandard" not in lower:
        yield Hit(DOWNGRADE, f"offered: {', '.join(caps)[:120] or 'nothing'}")
        missing = [c for c in ("AES", "SHA-256") if c.lower() not in lower]
        if missing:
            yield Hit(CAPS_WEAK, f"not offered: {', '.join(missing)}")


GET_WITH_POST = Rule(
    "get-with-post",
    "RFC 8894, 4.1",
    Level.MUST,
    "POST is used where it is offered",
    "Use POST.",
    "Cisco IOS, strongSwan",
)
NOT_OFFERED = Rule(
    "not-offered",
    "RFC 8894, 3.5.2",
    Level.SHOULD,
    "algorithms are among those offered",
    "Use what GetCACaps lists.",
)
RENEWAL_OFFERED = Rule(
    "renewal-offered",
    "RFC 8894, 3.5.2",
    Level.MUST,
    "RenewalReq only where Renewal is offered",
    "Send a PKCSReq.",
)
_CIPHER_CAPS = {"aes": ("AES", "SCEPStandard"), "des-ede3": ("DES3",)}
_DIGEST_CAPS = {"sha256": ("SHA-256", "SCEPStandard"), "sha512": ("SHA-512",), "sha1": ("SHA-1",)}


def used(item: DecodedExchange, context: Context) -> Iterator[Hit]:
    """Yield what a request uses without the server offering it, and GET where POST is offered."""
    operation, message = item.operation, item.request
    if context.caps is None:
        return
    by_get = operation is not None and operation.operation == "PKIOperation" and operation.method == "GET"
    if by_get and context.offers("POSTPKIOperation", "SCEPStandard"):
        yield Hit(GET_WITH_POST, "GET, though the server takes POST")
    if message is None:
        return
    offer = f"the server offers {', '.join(context.caps) or 'nothing'}"
    cipher = message.enveloped.cipher if message.enveloped is not None else None
    if cipher is not None:
        wanted = next((caps for start, caps in _CIPHER_CAPS.items() if cipher.name.startswith(start)), None)
        if wanted is not None and not context.offers(*wanted):
            yield Hit(NOT_OFFERED, f"{cipher.name} is used, {offer}")
    for digest in sorted(digests_of(message)):
        if digest in _DIGEST_CAPS and not context.offers(*_DIGEST_CAPS[digest]):
            yield Hit(NOT_OFFERED, f"{digest} is used, {offer}")
    if message.type is MessageType.RenewalReq and not context.offers("Renewal"):
        yield Hit(RENEWAL_OFFERED, offer)


RULES = (CAPS_UNKNOWN, CAPS_CASE, DOWNGRADE, CAPS_WEAK, GET_WITH_POST, NOT_OFFERED, RENEWAL_OFFERED)
