"""What an RA tells the CA about a request that it signs for a client: which certificate is renewed, or "not vouched".

Rule: writes and reads signed attributes, and judges nothing. The RA signs for the
client, so the CA does not see who holds the old certificate. The RA adds it to the
message, and its SHA-256 to what it signs: certificates around a message are not
signed, and anybody could add one. Other CAs ignore all of it.
"""

from __future__ import annotations

import hashlib

from sceplab.asn1 import der
from sceplab.cms.attribute import Attribute
from sceplab.cms.signed import SignedData
from sceplab.cms.x509 import Certificate, parse_certificate

RENEWS = "2.25.230389279954614815570127049014214682380"
"""The signed attribute: an OCTET STRING with the SHA-256 of the certificate. (A UUID is an arc of its own: X.667.)"""
NOT_VOUCHED = "2.25.131007808022761439042831455627310436010"
"""The signed attribute of a request that an RA passes on and does not vouch for: a NULL."""


def not_vouched() -> Attribute:
    """Return the attribute that says that the RA does not vouch for the request."""
    return Attribute(NOT_VOUCHED, (der.encode(der.NULL, b""),))


def is_vouched(signed: SignedData) -> bool:
    """Whether an RA that signed a message vouches for the request in it."""
    info = signed.signer_info
    return info is None or info.attribute(NOT_VOUCHED) is None


def renews(old: Certificate) -> Attribute:
    """Return the attribute that names the certificate to renew."""
    return Attribute(RENEWS, (der.encode(der.OCTET_STRING, hashlib.sha256(old.der).digest()),))


def renewed_by(signed: SignedData) -> Certificate | None:
    """Return the certificate that a message says it renews, None where it says nothing or carries no such one."""
    info = signed.signer_info
    attribute = info.attribute(RENEWS) if info is not None else None
    if attribute is None:
        return None
    for carried in signed.certificates:
        if renews(parse_certificate(carried)) == attribute:
            return parse_certificate(carried)
    return None
