"""The certificates that GetCACert and GetNextCACert bring (RFC 8894, 2.1.2 and 2.2)."""

from __future__ import annotations

from collections.abc import Iterator

from sceplab.analysis.faults.model import Context, Hit, Level, Rule
from sceplab.scep.conversation import DecodedExchange

CA_USAGE = Rule(
    "ca-usage", "RFC 8894, 2.1.2", Level.MUST, "the CA certificate may sign and receive keys", "", "micromdm's CA"
)
CA_EXPIRED = Rule("ca-expired", "RFC 8894, 2.2", Level.MUST, "CA certificates are valid", "Fetch new ones.")
_NEEDED = ("digitalSignature", "keyEncipherment")


def usable(item: DecodedExchange, _context: Context) -> Iterator[Hit]:
    """Yield CA certificates that cannot be used: no usable keyUsage among them, or expired."""
    if not item.ca_certificates:
        return
    combined = {bit for c in item.ca_certificates for bit in (c.key_usage or _NEEDED)}
    missing = [bit for bit in _NEEDED if bit not in combined]
    if missing:
        yield Hit(CA_USAGE, f"none of the certificates has {' or '.join(missing)}")
    for certificate in item.ca_certificates:
        if item.exchange.time and certificate.not_after and item.exchange.time > certificate.not_after:
            yield Hit(CA_EXPIRED, f"{certificate.subject} expired {certificate.not_after:%Y-%m-%d}")


RULES = (CA_USAGE, CA_EXPIRED)
