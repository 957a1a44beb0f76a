"""The certificates that GetCACert and GetNextCACert bring (RFC 8894, 2.1.2 and 2.2)."""

from __future__ import annotations

from collections.abc import Iterator

from sceplab.analysis.faults.model import Context, Fault, Hit, Level, Likelihood
from sceplab.scep.conversation import DecodedExchange

CA_USAGE = Fault(
    "ca-usage",
    "No certificate from GetCACert may both sign and receive encrypted keys.",
    "Issue a CA or RA certificate with keyUsage digitalSignature and keyEncipherment.",
    section="RFC 8894, 2.1.2",
    level=Level.MUST,
    rule="the CA certificate may sign and receive keys",
    seen="micromdm's CA",
    explains=Likelihood.LIKELY,
)
CA_EXPIRED = Fault(
    "ca-expired",
    "A CA or RA certificate from GetCACert has expired.",
    "Renew it on the server, or fetch the new one.",
    section="RFC 8894, 2.2",
    level=Level.MUST,
    rule="CA certificates are valid",
    explains=Likelihood.CERTAIN,
)
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


FAULTS = (CA_USAGE, CA_EXPIRED)
