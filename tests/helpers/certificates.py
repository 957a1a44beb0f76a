"""CRLs of any size: what a viewer has to stand."""

from __future__ import annotations

from sceplab.asn1 import der


def make_crl(entries: int, *, reasons: bool = False) -> bytes:
    """Return the octets of a CRL with so many revoked certificates (42 octets each; unsigned)."""
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
