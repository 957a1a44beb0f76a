"""The certificates of GetCACert: which is the issuing CA's, which are an RA's, and which are above (RFC 8894, 4.2.1).

Rule: who issued whom decides, by name, key and signature; the order of the reply
never does. Nothing is sent from here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.exceptions import UnsupportedAlgorithm

from sceplab.asn1 import der
from sceplab.cms.name import same_name
from sceplab.cms.pem import parse_pem
from sceplab.cms.signature import check_signature
from sceplab.cms.trust import Trust, validate_path
from sceplab.cms.x509 import Certificate, load_public_key, signed_parts
from sceplab.errors import InputError
from sceplab.lab.answers import summary
from sceplab.lab.claims import TLS_USAGES, claims_of
from sceplab.lab.http import ClientError, UntrustedError
from sceplab.scep.messagedata import parse_ca_certificates

# --------------------------------------------------------------- who issued whom


def issued_by(certificate: Certificate, issuer: Certificate) -> bool:
    """Whether `issuer` has the name and the key that a certificate was signed with (RFC 5280, 7.1). Never raises.

    Validity is no question here: a CA may be renewed under the same name and key.
    """
    return same_name(certificate.issuer, issuer.subject) and _signed(certificate.der, issuer.public_key_info)


def _signed(certificate: bytes, public_key_info: bytes) -> bool:
    try:
        body, algorithm, signature = signed_parts(certificate)
        return bool(check_signature(algorithm, "", load_public_key(public_key_info), signature, body))
    except (ValueError, der.DerError, UnsupportedAlgorithm):
        return False


def _may_issue(certificate: Certificate) -> bool:
    """Whether a certificate is a CA's: it says so, or it is a root without extensions (X.509 version 1)."""
    return certificate.is_ca or (certificate.self_issued and not certificate.extensions)


def chain_above(certificate: Certificate, among: Sequence[Certificate]) -> tuple[Certificate, ...]:
    """Return the CA certificates above a certificate, its issuer first and the root last, as far as they are there."""
    out: list[Certificate] = []
    current = certificate
    while not issued_by(current, current):
        known = {certificate.public_key_info, *(c.public_key_info for c in out)}
        above = [c for c in among if _may_issue(c) and c.public_key_info not in known and issued_by(current, c)]
        if not above:
            break
        current = max(above, key=_newest)
        out.append(current)
    return tuple(out)


def _newest(certificate: Certificate) -> tuple[float, bytes]:
    start = certificate.not_before
    return (start.timestamp() if start is not None else 0.0, certificate.der)


# --------------------------------------------------------------- the roles


@dataclass(frozen=True, slots=True)
class CaCertificates:
    """The certificates of GetCACert and the role of each (RFC 8894, 4.2.1).

    `all` are the CA's own and its RA's, `above` those above the CA, up to the root.
    `known` is the CA's own where one knows which it is, by a fingerprint.
    """

    all: tuple[Certificate, ...]
    known: Certificate | None = None
    above: tuple[Certificate, ...] = field(default=())

    @property
    def ca(self) -> Certificate:
        """The issuing CA's own: the known one, else the one that issued the others but no other CA."""
        return self.known or issuing_ca(self.all)

    @property
    def trust(self) -> Trust:
        """What a certificate of this CA must lead to; old algorithms are allowed."""
        return Trust((self.ca,), self.all, legacy=True)

    @property
    def registration_authorities(self) -> tuple[Certificate, ...]:
        """The other certificates: one or two of an RA."""
        return tuple(c for c in self.all if not c.is_ca and not c.self_issued)

    @property
    def recipient(self) -> Certificate:
        """The recipient of requests: the RA certificate for keyEncipherment, else the CA."""
        return self._with("keyEncipherment")

    @property
    def signer(self) -> Certificate:
        """The signer of replies: the RA certificate for digitalSignature, else the CA."""
        return self._with("digitalSignature")

    def _with(self, usage: str) -> Certificate:
        others = self.registration_authorities
        able = [c for c in others if c.key_usage is None or usage in c.key_usage]
        # Of two RA certificates, prefer the one with no other keyUsage.
        able.sort(key=lambda c: len(c.key_usage or ()))
        return (*able, *others, self.ca)[0]


def issuing_ca(certificates: Sequence[Certificate]) -> Certificate:
    """Return the CA at the lower end of a chain. Of several, the one that issued the others (an RA's), then the newest.

    Without any CA certificate it is the newest of all.
    """
    authorities = [c for c in certificates if _may_issue(c) or c.self_issued] or list(certificates)
    lowest = [
        c
        for c in authorities
        if not any(other.public_key_info != c.public_key_info and issued_by(other, c) for other in authorities)
    ] or authorities
    others = [c for c in certificates if c not in authorities]
    return max(lowest, key=lambda c: (sum(issued_by(o, c) for o in others), *_newest(c)))


# A chain has up to four, and an RA two; each is compared with each.
_MOST = 50


def has_fingerprint(certificate: Certificate, wanted: str) -> bool:
    """Whether a certificate has this SHA-256 or SHA-1 fingerprint (hex). Raises InputError where it is neither."""
    digits = "".join(c for c in wanted.lower() if c in "0123456789abcdef")
    digest = {40: "sha1", 64: "sha256"}.get(len(digits))
    if digest is None:
        raise InputError(f"{wanted} is not a SHA-256 or SHA-1 fingerprint in hex")
    return hashlib.new(digest, certificate.der, usedforsecurity=False).hexdigest() == digits


def sort_out(found: Sequence[Certificate], fingerprint: str | None, now: datetime) -> CaCertificates:
    """Return the certificates of one CA, with their roles. Raises ClientError for one that the CA does not vouch for.

    GetCACert is not signed: whoever is in between can add a certificate, to read
    requests or to sign replies. `fingerprint` is that of the issuing CA or of a CA
    above it. Those above have no part in SCEP.
    """
    if len(found) > _MOST:
        raise ClientError(f"the reply to GetCACert has {len(found)} certificates; at most {_MOST} are accepted")
    known = [c for c in found if fingerprint is not None and has_fingerprint(c, fingerprint)]
    if fingerprint is not None and not known:
        raise UntrustedError(
            f"the CA certificate has the fingerprint {issuing_ca(found).fingerprint()}, not {fingerprint}: "
            "this is another CA, or somebody is in between"
        )
    ca = _issuing_below(known[0], found, now) if known else issuing_ca(found)
    above = chain_above(ca, found)
    trust, kept = Trust((ca,), tuple(found), legacy=True), []
    for other in found:
        if other.der == ca.der:
            kept.append(other)
            continue
        path = validate_path(other, trust, other.not_before or now)
        if path.valid and not other.is_ca and _only_for_tls(other):
            raise ClientError(f"GetCACert has {other.subject}, which is a certificate for TLS, not one of an RA")
        if path.valid:
            kept.append(other)
        elif other not in above and not _is_above(other, ca, found, now):
            raise ClientError(
                f"GetCACert has {other.subject}, which was not issued by the CA {ca.subject}: {path.detail}; "
                "somebody in between may have added it"
            )
    return CaCertificates(tuple(dict.fromkeys(kept)), ca, above)


def _issuing_below(known: Certificate, found: Sequence[Certificate], now: datetime) -> Certificate:
    """Return the issuing CA that leads to the certificate whose fingerprint is known. Raises ClientError."""
    if not _may_issue(known) and not known.self_issued:
        raise ClientError(f"the fingerprint is that of {known.subject}, which is not a CA: give the CA's")
    key = known.public_key_info
    below = [
        c
        for c in found
        if c.der == known.der or (_may_issue(c) and any(a.public_key_info == key for a in chain_above(c, found)))
    ]
    ca = issuing_ca([*below, *(c for c in found if not _may_issue(c) and not c.self_issued)])
    chain = (ca, *chain_above(ca, found))
    moment = max((c.not_before for c in chain if c.not_before is not None), default=now)
    path = validate_path(ca, Trust((known,), tuple(found), legacy=True), moment)
    if not path.valid:
        raise ClientError(f"GetCACert has {ca.subject}, which does not lead to {known.subject}: {path.detail}")
    return ca


def _is_above(other: Certificate, ca: Certificate, found: Sequence[Certificate], now: datetime) -> bool:
    """Whether a certificate is above the CA: another one of the same CA above, say."""
    return validate_path(ca, Trust((other,), tuple(found), legacy=True), ca.not_before or now).valid


def _only_for_tls(certificate: Certificate) -> bool:
    """Whether a certificate is a device's: its extendedKeyUsage allows nothing but TLS (RFC 5280, 4.2.1.12)."""
    try:
        usages = claims_of(certificate.extensions).usages
    except der.DerError:
        return False
    return bool(usages) and set(usages) <= set(TLS_USAGES)


# --------------------------------------------------------------- the body


def read_ca_certificates(body: bytes, operation: str) -> tuple[tuple[Certificate, ...], str]:
    """Return the certificates in a body of GetCACert or GetNextCACert, and its form where that is not DER.

    Line breaks behind DER are ignored. Raises ClientError where there is no certificate.
    """
    octets, form = unwrap(body)
    found = tuple(c for piece in octets for c in parse_ca_certificates(piece))
    if not found or any(c.problems for c in found):
        looks = f": it is {form}" if form else f", but {summary(body)}"
        raise ClientError(f"the reply to {operation} has no readable certificate{looks}")
    return tuple(dict.fromkeys(found)), form


def unwrap(body: bytes) -> tuple[tuple[bytes, ...], str]:
    """Return the DER in a body (of PEM: that of each block) and its form: "", "PEM" or "base64". Never raises."""
    blocks = () if body[:1] == _SEQUENCE else parse_pem(body)
    texts = [b.body for b in blocks] if blocks else [body]
    try:
        octets = tuple(base64.b64decode(b"".join(t.split()), validate=True) for t in texts)
    except binascii.Error:
        octets = ()
    if any(o[:1] == _SEQUENCE for o in octets):
        return octets, "PEM" if blocks else "base64"
    return (_without_line_break(body),), "PEM" if blocks else ""


_SEQUENCE = bytes((der.SEQUENCE,))


def _without_line_break(body: bytes) -> bytes:
    try:
        end = der.read(body).end
    except der.DerError:
        return body
    return body[:end] if not body[end:].strip() else body
