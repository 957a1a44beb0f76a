"""Faults of the certificates in GetCACert and GetNextCACert replies (RFC 8894, 2.1.2 and 2.2)."""

from __future__ import annotations

from collections.abc import Iterator

from sceplab.analysis.faults.model import Context, Fault, Hit, Level, Likelihood, Side
from sceplab.analysis.faults.said import BY_ID
from sceplab.asn1 import der, oids
from sceplab.cms.x509 import Certificate, rsa_bits
from sceplab.scep.conversation import DecodedExchange

CA_USAGE = Fault(
    "ca-usage",
    "No certificate from GetCACert may both sign and receive encrypted keys.",
    "Issue a CA or RA certificate with keyUsage digitalSignature and keyEncipherment.",
    section="RFC 8894, 2.1.2",
    level=Level.MUST,
    rule="the CA certificate may sign and receive keys",
    seen="micromdm's CA",
    explains=Likelihood.POSSIBLE,
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
CA_WITHOUT_RSA = Fault(
    "ca-without-rsa",
    "GetCACert returned no certificate with an RSA key (only EC or others): nothing can be encrypted for it.",
    "Give the server an RA certificate with an RSA key for encryption.",
    section="RFC 8894, 3.1",
    explains=Likelihood.CERTAIN,
)
RA_NOT_OF_CA = BY_ID["ra-not-of-ca"]
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
            yield Hit(CA_EXPIRED, f"{certificate.subject} expired {certificate.not_after:%Y-%m-%d}", side=Side.REPLY)


def whole(item: DecodedExchange, _context: Context) -> Iterator[Hit]:
    """Yield faults of the set of certificates: no RSA key in it, an RA of another CA."""
    found = item.ca_certificates
    if not found:
        return
    if all(rsa_bits(c.public_key_info) is None for c in found):
        yield Hit(CA_WITHOUT_RSA, f"{found[0].subject} has {key_name(found[0])}", side=Side.REPLY)
    authorities = [c for c in found if c.is_ca or c.self_issued]
    for certificate in found:
        if certificate in authorities or not authorities:
            continue
        if not any(certificate.issuer.raw == c.subject.raw for c in authorities):
            seen = f"{certificate}, issued by {certificate.issuer}; the CA in the set is {authorities[0].subject}"
            yield Hit(RA_NOT_OF_CA, seen, None, Likelihood.LIKELY, Side.REPLY)


def key_name(certificate: Certificate) -> str:
    """Return the name of a certificate's kind of key ("id-ecPublicKey")."""
    try:
        return oids.name_of(der.oid_of(der.read(certificate.public_key_info).children()[0].children()[0]))
    except (der.DerError, IndexError):
        return "an unknown key"


FAULTS = (CA_USAGE, CA_EXPIRED, CA_WITHOUT_RSA)
