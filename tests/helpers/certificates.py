"""Certificates and CRLs for tests, made without the code that they test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from sceplab.asn1 import der
from sceplab.cms.signature import SigningKey

_START = datetime(2026, 5, 2, 12, 0, tzinfo=UTC)


@cache
def make_certificate(
    subject: str,
    own: SigningKey,
    *,
    issuer: str | None = None,
    signer: SigningKey | None = None,
    serial: int = 77,
    start: datetime = _START,
    days: int = 365,
    usage: tuple[bool, bool] | None = (True, True),
    ca: bool = False,
    key_identifier: bool = False,
) -> bytes:
    """Return a certificate (DER) made once with `cryptography`: self-signed, or by `issuer` with the key `signer`.

    `subject` and `issuer` are commonNames; `usage` is (digitalSignature, keyEncipherment), None
    for no keyUsage. `key_identifier` adds the subjectKeyIdentifier.
    """

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    builder = x509.CertificateBuilder(
        name(issuer or subject), name(subject), own.public_key(), serial, start, start + timedelta(days=days)
    )
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    if usage is not None:
        sign, encipher = usage
        bits = x509.KeyUsage(sign, False, encipher, False, False, ca, ca, False, False)
        builder = builder.add_extension(bits, critical=True)
    if key_identifier:
        identifier = x509.SubjectKeyIdentifier.from_public_key(own.public_key())
        builder = builder.add_extension(identifier, critical=False)
    return builder.sign(signer or own, hashes.SHA256()).public_bytes(Encoding.DER)


def make_crl(entries: int, *, reasons: bool = False) -> bytes:
    """Return the bytes of an unsigned CRL with `entries` revoked certificates (42 bytes each)."""
    algorithm = der.sequence(der.oid("1.2.840.113549.1.1.11"), der.NULL_ELEMENT)
    name = der.sequence(der.set_of([der.sequence(der.oid("2.5.4.3"), der.encode(der.PRINTABLE_STRING, b"Large CA"))]))
    time = der.encode(der.UTC_TIME, b"260101000000Z")
    reason = der.sequence(der.oid("2.5.29.21"), der.encode(der.OCTET_STRING, b"\x0a\x01\x01"))
    extra = der.sequence(reason) if reasons else der.sequence()
    revoked = b"".join(
        der.sequence(der.encode(der.INTEGER, b"\x01" + number.to_bytes(19, "big")), time, extra)
        for number in range(entries)
    )
    listed = der.sequence(der.integer(1), algorithm, name, time, time, der.encode(der.SEQUENCE, revoked))
    return der.sequence(listed, algorithm, der.encode(der.BIT_STRING, bytes(257)))
