"""Keys and certificates, and the requests, certificates and CRLs that the lab makes.

Rule: everything is an argument (keys, serials, times), nothing is stored or
sent. `cryptography` writes the certificates; its strict parser is a second check
of requests from outside.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding

from sceplab.asn1 import der, oids
from sceplab.cms.algorithms import MIN_RSA_BITS
from sceplab.cms.attribute import Attribute
from sceplab.cms.csr import CertificationRequest, build_csr, build_extensions, parse_csr, serialize_csr
from sceplab.cms.name import Name, check_lengths, is_printable
from sceplab.cms.signature import SigningKey
from sceplab.cms.x509 import Certificate, Extension, parse_certificate
from sceplab.errors import BuildError, InputError
from sceplab.lab.claims import CLAIMS

RA_UNIT = "ioscs RA"
"""The organizationalUnitName by which a Cisco IOS CA recognises its RAs (`mode ra`, `grant ra-auto`)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate (DER) with the private key that belongs to it."""

    certificate: bytes
    key: SigningKey = field(repr=False)

    @property
    def parsed(self) -> Certificate:
        """The certificate, read."""
        return parse_certificate(self.certificate)


CURVES: dict[str, type[ec.EllipticCurve]] = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}


def new_key(kind: str | int = MIN_RSA_BITS) -> SigningKey:
    """Make a private key: RSA of so many bits (1024 to 16384), or EC "P-256", "P-384", "P-521". Raises InputError."""
    curve = CURVES.get(str(kind).upper())
    if curve is not None:
        return ec.generate_private_key(curve())
    if not re.fullmatch(r"[0-9]{1,5}", str(kind)) or not 1024 <= int(kind) <= 16384:
        raise InputError(f"{kind} is not a kind of key: give RSA bits from 1024 to 16384, or {', '.join(CURVES)}")
    return rsa.generate_private_key(65537, int(kind))


# --------------------------------------------------------------- requests

SIGN = frozenset({"digitalSignature"})
ENCIPHER = frozenset({"keyEncipherment"})


def make_request(
    subject: Name,
    key: SigningKey,
    *,
    challenge: str | None = None,
    dns_names: Sequence[str] = (),
    usage: frozenset[str] = SIGN | ENCIPHER,
) -> bytes:
    """Return a PKCS#10 request (DER) as devices make it, with the keyUsage asked for (an EC key only signs).

    A challengePassword that cannot be a PrintableString is sent as UTF8String. Raises BuildError.
    """
    bits = _usage(usage if isinstance(key, rsa.RSAPrivateKey) else SIGN)
    # Not critical: the CA decides what it grants.
    wanted = [Extension(oids.KEY_USAGE, critical=False, value=bits.public_bytes())]
    if dns_names:
        try:
            names = x509.SubjectAlternativeName([x509.DNSName(n) for n in dns_names])
        except ValueError as error:
            raise BuildError(f"a DNS name must be ASCII (for others, use the xn-- form): {error}") from error
        wanted.append(Extension(oids.SUBJECT_ALT_NAME, critical=False, value=names.public_bytes()))
    printable = challenge is None or is_printable(challenge)
    return build_csr(
        subject,
        key,
        challenge_password=challenge,
        challenge_type=der.PRINTABLE_STRING if printable else der.UTF8_STRING,
        extensions=wanted,
    )


# --------------------------------------------------------------- certificates


_UNUSABLE = (
    *(ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion),
    *(x509.DuplicateExtension, x509.UnsupportedGeneralNameType),
)


def _load(request: CertificationRequest) -> x509.CertificateSigningRequest:
    """Load a request with `cryptography`; raises ValueError if subject, key or extensions cannot be read.

    Its parser requires attributes in DER order, which some devices do not keep, so
    only the extensions are passed on. The proof of possession was verified before,
    over the captured bytes.
    """
    # `cryptography` would only warn, once for the whole process.
    check_lengths(request.subject)
    wanted = request.extensions
    attributes = (Attribute(oids.EXTENSION_REQUEST, (build_extensions(wanted),)),) if wanted else ()
    return x509.load_der_x509_csr(serialize_csr(replace(request, attributes=attributes)))


def issue(
    request: CertificationRequest,
    issuer: Identity,
    serial: int,
    start: datetime,
    end: datetime,
    *,
    crl_url: str | None = None,
    usages: Sequence[str] = (),
) -> bytes:
    """Return the end-entity certificate (DER) for a PKCS#10 request (RFC 5280, 4.2).

    Subject, key, subjectAltName and extendedKeyUsage are the request's; `usages` are
    the object identifiers of the extendedKeyUsage where it has none. Of the keyUsage
    it gets what it asked for of signing and key transport; it is never a CA. Raises
    BuildError where the request is none that a strict reader takes.
    """
    try:
        csr = _load(request)
        builder = _certificate(csr.subject, csr.public_key(), issuer, serial, start, end)
        # CA:FALSE is the default and may be left out, but PyScep then takes the certificate as neither CA nor RA.
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_granted_usage(csr), critical=True)
        copied = [e for e in csr.extensions if e.oid.dotted_string in CLAIMS]
        for extension in copied:
            builder = builder.add_extension(extension.value, extension.critical)
        if usages and not any(isinstance(e.value, x509.ExtendedKeyUsage) for e in copied):
            purposes = x509.ExtendedKeyUsage([x509.ObjectIdentifier(u) for u in usages])
            builder = builder.add_extension(purposes, critical=False)
        if crl_url:
            point = x509.DistributionPoint([x509.UniformResourceIdentifier(crl_url)], None, None, None)
            builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
        return builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)
    except _UNUSABLE as error:
        raise BuildError(f"no certificate can be made of this request: {error}") from error


def _granted_usage(csr: x509.CertificateSigningRequest) -> x509.KeyUsage:
    able = SIGN | ENCIPHER if isinstance(csr.public_key(), rsa.RSAPublicKey) else SIGN
    try:
        asked = csr.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return _usage(able)
    wanted = {n for n, bit in _USAGE_BITS.items() if getattr(asked, bit)}
    return _usage(able & wanted or able)


_USAGE_BITS = {"digitalSignature": "digital_signature", "keyEncipherment": "key_encipherment"}


def make_root(name: Name, key: SigningKey, serial: int, start: datetime, end: datetime) -> Identity:
    """Return a CA with a self-signed certificate that may sign and receive keys too (RFC 8894, 2.1.2)."""
    subject = _load(parse_csr(build_csr(name, key))).subject
    builder = _certificate(subject, key.public_key(), None, serial, start, end)
    usage = SIGN | ENCIPHER if isinstance(key, rsa.RSAPrivateKey) else SIGN
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(_usage(usage, ca=True), critical=True)
    return Identity(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER), key)


def make_self_signed(request: bytes, key: SigningKey, start: datetime, end: datetime, *, serial: int = 1) -> bytes:
    """Return the self-signed certificate (DER) that a client without one signs its PKCSReq with (RFC 8894, 2.3).

    It has the subject and the key of the request, and may sign and receive keys. Raises BuildError.
    """
    try:
        subject = _load(parse_csr(request)).subject
        usage = SIGN | ENCIPHER if isinstance(key, rsa.RSAPrivateKey) else SIGN
        builder = _certificate(subject, key.public_key(), None, serial, start, end)
        builder = builder.add_extension(_usage(usage), critical=True)
        return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    except _UNUSABLE as error:
        raise BuildError(f"no certificate can be made of this request: {error}") from error


def _certificate(
    subject: x509.Name,
    public_key: CertificatePublicKeyTypes,
    issuer: Identity | None,
    serial: int,
    start: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    above, key_identifier = _issuer(issuer.certificate) if issuer is not None else (subject, None)
    builder = (
        x509.CertificateBuilder()
        .issuer_name(above)
        .subject_name(subject)
        .public_key(public_key)
        .serial_number(serial)
        .not_valid_before(start.astimezone(UTC))
        .not_valid_after(end.astimezone(UTC))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )
    if key_identifier is not None:
        builder = builder.add_extension(key_identifier, critical=False)
    return builder


@lru_cache(maxsize=16)
def _issuer(certificate: bytes) -> tuple[x509.Name, x509.AuthorityKeyIdentifier]:
    """Return what each certificate says about its issuer, whose own certificate (DER) this is."""
    own = x509.load_der_x509_certificate(certificate)
    key = own.public_key()
    return own.subject, x509.AuthorityKeyIdentifier.from_issuer_public_key(key)  # type: ignore[arg-type]


def subject_of(certificate: bytes) -> Name:
    """Return the subject of a certificate (DER) that `issue` made, without reading the rest."""
    version_to_key = der.read(certificate).children()[0].children()
    return Name(version_to_key[5].raw)


def _usage(usage: frozenset[str], *, ca: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature="digitalSignature" in usage,
        content_commitment=False,
        key_encipherment="keyEncipherment" in usage,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def make_crl(
    issuer: Identity, revoked: Iterable[tuple[int, datetime]], number: int, now: datetime, *, days: int = 7
) -> bytes:
    """Return a CRL (DER; RFC 5280, 5) with these serials and the moments of their revocation."""
    certificate = x509.load_der_x509_certificate(issuer.certificate)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(certificate.subject)
        .last_update(now.astimezone(UTC))
        .next_update(now.astimezone(UTC) + timedelta(days=days))
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()),
            critical=False,
        )
    )
    for serial, moment in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(moment.astimezone(UTC)).build()
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)
