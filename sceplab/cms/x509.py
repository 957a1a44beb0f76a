"""The parts of X.509 that CMS refers to: certificates, keys, times, CRLs (RFC 5280).

Rule: read only. `cryptography` refuses some certificates that real SCEP clients
sign with (X.509 v1 with 32-byte serials, odd extensions), and re-encodes names,
so the identifiers of signers and recipients are slices of the captured bytes.
Keys are loaded, and new certificates are made, by `cryptography`.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from sceplab.asn1 import der, oids
from sceplab.asn1.memo import memo
from sceplab.cms.algorithms import MIN_EC_BITS, MIN_RSA_BITS, AlgorithmIdentifier, parse_algorithm
from sceplab.cms.name import Name
from sceplab.errors import Layer, Problem

# The same few certificates come with every message, so they are kept;
# larger things are not, or hostile input would fill the memory.
_MAX_CACHED = 8_192
_EMPTY_NAME = Name(b"")


@dataclass(frozen=True, slots=True)
class Extension:
    """An X.509 v3 extension; `value` is the DER inside the OCTET STRING."""

    oid: str
    critical: bool
    value: bytes


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate as captured. `serial` are the content bytes of the INTEGER, `public_key_info` the SPKI."""

    der: bytes
    version: int = 1
    serial: bytes = b""
    signature_algorithm: str = ""
    issuer: Name = _EMPTY_NAME
    subject: Name = _EMPTY_NAME
    not_before: datetime | None = None
    not_after: datetime | None = None
    public_key_info: bytes = b""
    extensions: tuple[Extension, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def serial_number(self) -> int:
        """The serial as a number (RFC 5280 requires a positive one; not all are)."""
        return int.from_bytes(self.serial, "big", signed=True)

    @property
    def serial_hex(self) -> str:
        """The serial as OpenSSL prints it: upper-case hex, whole bytes."""
        return serial_hex(self.serial)

    @property
    def self_issued(self) -> bool:
        """Whether issuer and subject are the same bytes."""
        return self.issuer.raw == self.subject.raw

    def fingerprint(self, digest: str = "sha256") -> str:
        """Return the fingerprint of the whole certificate in lower-case hex (RFC 8894, 2.2)."""
        return hashlib.new(digest, self.der, usedforsecurity=False).hexdigest()

    def extension(self, oid: str) -> Extension | None:
        """Return an extension by its identifier, or None."""
        return next((e for e in self.extensions if e.oid == oid), None)

    @property
    def key_usage(self) -> frozenset[str] | None:
        """The names of the keyUsage bits, or None where there is no such extension (RFC 5280, 4.2.1.3)."""
        extension = self.extension(oids.KEY_USAGE)
        if extension is None:
            return None
        try:
            bits = der.read_expected(extension.value, der.BIT_STRING, "keyUsage").value
        except der.DerError:
            return frozenset()
        number = int.from_bytes(bits[1:3].ljust(2, b"\0"), "big")
        return frozenset(name for i, name in enumerate(KEY_USAGE_BITS) if number & 0x8000 >> i)

    @property
    def subject_key_identifier(self) -> bytes | None:
        """The key identifier in the extension, or None."""
        extension = self.extension(oids.SUBJECT_KEY_IDENTIFIER)
        if extension is None:
            return None
        try:
            return der.read(extension.value).octets()
        except der.DerError:
            return None

    @property
    def is_ca(self) -> bool:
        """Whether basicConstraints says CA:TRUE."""
        extension = self.extension(oids.BASIC_CONSTRAINTS)
        if extension is None:
            return False
        try:
            fields = der.read(extension.value).children()
        except der.DerError:
            return False
        return bool(fields) and fields[0].tag == der.BOOLEAN and fields[0].value != b"\0"

    def public_key(self) -> PublicKeyTypes:
        """Load the public key; raises ValueError when it is none that `cryptography` knows."""
        return load_public_key(self.public_key_info)

    def __str__(self) -> str:
        return f"{self.subject.rfc4514()} (serial {self.serial_hex}, issued by {self.issuer.rfc4514()})"


CertificateLike = Certificate | bytes
"""What a caller gives where a certificate is wanted: one that was read, or its DER."""


def der_of(certificate: CertificateLike) -> bytes:
    """Return the bytes of a certificate, however it was given."""
    return certificate.der if isinstance(certificate, Certificate) else certificate


def certificate_of(certificate: CertificateLike) -> Certificate:
    """Return a parsed certificate, however it was given. Never raises, as `parse_certificate`."""
    return certificate if isinstance(certificate, Certificate) else parse_certificate(certificate)


KEY_USAGE_BITS = (
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Let `cryptography` read old keys and certificates without warnings about its own future."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def load_public_key(public_key_info: bytes) -> PublicKeyTypes:
    """Load a SubjectPublicKeyInfo; raises ValueError when `cryptography` cannot."""
    if len(public_key_info) > _MAX_CACHED:
        raise ValueError(f"a public key of {len(public_key_info)} bytes")
    return _cached_key(public_key_info)


# FIPS 186-5, A.1.1. A longer one makes each use of the key a hundred times slower.
_MAX_EXPONENT_BITS = 256
_LEAST_EXPONENT = 3


@lru_cache(maxsize=256)
@quiet()
def _cached_key(public_key_info: bytes) -> PublicKeyTypes:
    if _has_explicit_curve(public_key_info):  # OpenSSL refuses it in a path, whatever the curve is
        raise ValueError("an elliptic curve with explicit parameters (RFC 5480, 2.1.1 forbids them)")
    try:
        key = load_der_public_key(public_key_info)
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from error
    if isinstance(key, rsa.RSAPublicKey):
        exponent = key.public_numbers().e
        if exponent >> _MAX_EXPONENT_BITS:
            raise ValueError(f"an RSA exponent of more than {_MAX_EXPONENT_BITS} bits")
        if exponent < _LEAST_EXPONENT:  # with 1, a signature is its own padding: anybody can make it
            raise ValueError(f"an RSA exponent of {exponent}")
    return key


def _has_explicit_curve(public_key_info: bytes) -> bool:
    try:
        fields = der.read(public_key_info).children()
        algorithm = fields[0].children() if fields else []
        return len(algorithm) > 1 and der.oid_of(algorithm[0]) == oids.EC_PUBLIC_KEY and algorithm[1].tag != der.OID
    except der.DerError:
        return False


def shortness(public_key_info: bytes) -> str:
    """Return how short a key is ("RSA key has 1024 bits, less than 2048"), "" where it is long enough or unknown."""
    try:
        key = load_public_key(public_key_info)
    except ValueError:
        return ""
    if isinstance(key, rsa.RSAPublicKey):
        kind, least = "RSA key", MIN_RSA_BITS
    elif isinstance(key, ec.EllipticCurvePublicKey):
        kind, least = "elliptic curve", MIN_EC_BITS
    else:
        return ""
    return f"{kind} has {key.key_size} bits, less than {least}" if key.key_size < least else ""


def rsa_bits(public_key_info: bytes) -> int | None:
    """Return the size of an RSA key in bits, None for another kind of key or one that cannot be loaded."""
    try:
        key = load_public_key(public_key_info)
    except ValueError:
        return None
    return key.key_size if isinstance(key, rsa.RSAPublicKey) else None


def public_key_info(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    """Return the SubjectPublicKeyInfo (DER) of a private key."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def serial_hex(content: bytes) -> str:
    """Return the content bytes of a serial number as OpenSSL prints it."""
    number = int.from_bytes(content, "big", signed=True)
    text = f"{abs(number):X}"
    text = text.zfill(len(text) + len(text) % 2)
    return "-" + text if number < 0 else text


_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?(?:[.,](\d{1,6})\d*)?(Z|[+-]\d{4})?")


def parse_time(element: der.Element) -> datetime | None:
    """Read UTCTime or GeneralizedTime in any of the forms seen; None if it is not a time.

    A time without zone is not DER, and is taken as UTC.
    """
    text = element.value.decode("ascii", "replace")
    if element.tag == der.UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    elif element.tag != der.GENERALIZED_TIME:
        return None
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute = map(int, match.group(1, 2, 3, 4, 5))
    micros = int((match[7] or "0").ljust(6, "0"))
    try:
        moment = datetime(year, month, day, hour, minute, int(match[6] or 0), micros, tzinfo=UTC)
        zone = match[8] or "Z"
        if zone != "Z":
            away = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:]))
            moment += -away if zone[0] == "+" else away
    except (ValueError, OverflowError):
        return None
    return moment


def build_time(moment: datetime) -> bytes:
    """Return a Time as RFC 5652 11.3 requires: UTCTime from 1950 to 2049, else GeneralizedTime."""
    utc = moment.astimezone(UTC)
    if 1950 <= utc.year < 2050:
        return der.encode(der.UTC_TIME, utc.strftime("%y%m%d%H%M%SZ").encode())
    return der.encode(der.GENERALIZED_TIME, utc.strftime("%Y%m%d%H%M%SZ").encode())


@memo(256, longest=_MAX_CACHED)
def parse_certificate(data: bytes) -> Certificate:
    """Read a certificate (RFC 5280, 4.1) as far as it goes; `problems` says what was wrong. Never raises."""
    fields: dict[str, Any] = {}
    problems: list[Problem] = []
    try:
        _read_certificate(data, fields)
    except der.DerError as error:
        problems.append(error.problem(Layer.CERTIFICATE))
    except (ValueError, IndexError):
        problems.append(Problem(Layer.CERTIFICATE, "short", "a whole certificate", "missing fields"))
    problems += repeated(fields.get("extensions", ()))
    return Certificate(data, problems=tuple(problems), **fields)


def _read_certificate(data: bytes, out: dict[str, Any]) -> None:
    outer = der.read_expected(data, der.SEQUENCE, "Certificate").children()
    out["signature_algorithm"] = der.oid_of(outer[1].children()[0])
    parts = outer[0].children()
    if parts[0].tag == der.CONTEXT | der.CONSTRUCTED:
        out["version"] = der.int_of(parts.pop(0).children()[0]) + 1
    out["serial"] = parts[0].value
    out["issuer"] = Name(parts[2].raw)
    times = parts[3].children()
    out["not_before"], out["not_after"] = parse_time(times[0]), parse_time(times[1])
    out["subject"] = Name(parts[4].raw)
    out["public_key_info"] = parts[5].raw
    for part in parts[6:]:
        if part.tag == der.CONTEXT | der.CONSTRUCTED | 3:
            out["extensions"] = parse_extensions(part.children()[0])


def signed_parts(data: bytes) -> tuple[bytes, AlgorithmIdentifier, bytes]:
    """Return what a certificate's or CRL's signature covers, its algorithm and the signature (RFC 5280, 4.1 and 5.1).

    Raises DerError where it has not these three parts.
    """
    parts = der.read_expected(data, der.SEQUENCE, "a signed structure").children()
    if len(parts) != 3:
        raise der.DerError(0, "three parts", f"{len(parts)}")
    return parts[0].raw, parse_algorithm(parts[1]), parts[2].value[1:]  # the first octet counts unused bits


def parse_extensions(element: der.Element) -> tuple[Extension, ...]:
    """Read an Extensions SEQUENCE (RFC 5280, 4.1); raises DerError where it is malformed."""
    out = []
    for item in element.children():
        fields = item.children()
        if len(fields) < 2:
            raise der.DerError(item.start, "extnID and extnValue", f"{len(fields)} fields")
        critical = len(fields) > 2 and fields[1].tag == der.BOOLEAN and fields[1].value != b"\0"
        out.append(Extension(der.oid_of(fields[0]), critical, fields[-1].octets()))
    return tuple(out)


def repeated(extensions: Sequence[Extension]) -> list[Problem]:
    """Return a problem for each extension that is there more than once: readers differ on which one holds."""
    counts = Counter(extension.oid for extension in extensions)
    expected = "each extension once (RFC 5280, 4.2)"
    return [
        Problem(Layer.CERTIFICATE, "repeated-extension", expected, f"{oids.name_of(oid)} {count} times")
        for oid, count in counts.items()
        if count > 1
    ]


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A CRL as captured (RFC 5280, 5.1); `revoked` holds serials as content bytes."""

    der: bytes
    issuer: Name = _EMPTY_NAME
    this_update: datetime | None = None
    next_update: datetime | None = None
    revoked: tuple[bytes, ...] = ()
    extensions: tuple[Extension, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def number(self) -> int | None:
        """The cRLNumber, or None."""
        extension = next((e for e in self.extensions if e.oid == oids.CRL_NUMBER), None)
        try:
            return None if extension is None else der.int_of(der.read(extension.value))
        except der.DerError:
            return None

    def revoked_at(self, serial: bytes) -> datetime | None:
        """Return when the certificate with this serial (content octets) was revoked, None where no time is readable."""
        body = der.read(self.der).children()[0].children()
        listed = next(p for p in body[3:] if p.tag == der.SEQUENCE)
        for entry in _revoked_entries(listed):
            number = der.read(entry.data, entry.content_start, entry.content_end)
            if number.value == serial and number.end < entry.content_end:
                return parse_time(der.read(entry.data, number.end, entry.content_end))
        return None


def parse_crl(data: bytes) -> RevocationList:
    """Read a CRL as far as it goes; `problems` says what was wrong. Never raises."""
    fields: dict[str, Any] = {}
    problems: list[Problem] = []
    try:
        _read_crl(data, fields)
    except der.DerError as error:
        problems.append(error.problem(Layer.CERTIFICATE))
    except IndexError:
        problems.append(Problem(Layer.CERTIFICATE, "short", "a whole CertificateList", "missing fields"))
    problems += repeated(fields.get("extensions", ()))
    return RevocationList(data, problems=tuple(problems), **fields)


def _read_crl(data: bytes, out: dict[str, Any]) -> None:
    parts = der.read_expected(data, der.SEQUENCE, "CertificateList").children()[0].children()
    if parts[0].tag == der.INTEGER:
        parts.pop(0)
    out["issuer"] = Name(parts[1].raw)
    rest = parts[2:]
    for field in ("this_update", "next_update"):
        if rest and rest[0].tag in {der.UTC_TIME, der.GENERALIZED_TIME}:
            out[field] = parse_time(rest.pop(0))
    for part in rest:
        if part.tag == der.SEQUENCE:
            out["revoked"] = _revoked_serials(part)
        elif part.tag == der.CONTEXT | der.CONSTRUCTED:
            out["extensions"] = parse_extensions(part.children()[0])


def _revoked_serials(element: der.Element) -> tuple[bytes, ...]:
    return tuple(der.read(e.data, e.content_start, e.content_end).value for e in _revoked_entries(element))


def _revoked_entries(element: der.Element) -> Iterator[der.Element]:
    """Yield the entries of revokedCertificates one by one: there may be a million."""
    pos = element.content_start
    while pos < element.content_end:
        entry = der.read(element.data, pos, element.content_end)
        yield entry
        pos = entry.end


@dataclass(frozen=True, slots=True)
class CertificateIdentifier:
    """A SignerIdentifier or RecipientIdentifier of RFC 5652 (5.3, 6.2.1).

    Either issuer and serial (content bytes), or the subject key identifier.
    """

    issuer: Name | None
    serial: bytes
    key_identifier: bytes | None
    raw: bytes

    def matches(self, certificate: Certificate) -> bool:
        """Whether this names the given certificate: compared byte for byte."""
        if self.issuer is not None:
            return self.issuer.raw == certificate.issuer.raw and self.serial == certificate.serial
        return self.key_identifier is not None and self.key_identifier == certificate.subject_key_identifier

    def __str__(self) -> str:
        if self.issuer is not None:
            return f"issuer {self.issuer.rfc4514()}, serial {serial_hex(self.serial)}"
        return f"subjectKeyIdentifier {(self.key_identifier or b'').hex()}"


def parse_identifier(element: der.Element) -> CertificateIdentifier:
    """Read a SignerIdentifier or RecipientIdentifier; raises DerError where it is neither."""
    try:
        return _identifier_of(element.raw)
    except der.DerError:
        return _parse_identifier(element)  # again: the error has offsets in the message


@memo(512, longest=_MAX_CACHED)
def _identifier_of(raw: bytes) -> CertificateIdentifier:
    return _parse_identifier(der.read(raw))


def _parse_identifier(element: der.Element) -> CertificateIdentifier:
    if element.tag == der.SEQUENCE:
        fields = element.children()
        if len(fields) != 2:
            raise der.DerError(element.start, "issuer and serialNumber", f"{len(fields)} fields")
        return CertificateIdentifier(Name(fields[0].raw), fields[1].value, None, element.raw)
    if element.tag & ~der.CONSTRUCTED == der.CONTEXT:
        return CertificateIdentifier(None, b"", element.octets(), element.raw)
    raise der.DerError(element.start, "IssuerAndSerialNumber or [0] SubjectKeyIdentifier", f"tag {element.tag:02x}")


def build_identifier(certificate: Certificate, *, by_key: bool = False) -> CertificateIdentifier:
    """Return the identifier of a certificate: by issuer and serial, or by its subject key identifier.

    Raises ValueError for `by_key` if the certificate lacks that extension.
    """
    if by_key:
        key_identifier = certificate.subject_key_identifier
        if key_identifier is None:
            raise ValueError("the certificate has no subjectKeyIdentifier extension")
        raw = der.context(0, key_identifier, constructed=False)
        return CertificateIdentifier(None, b"", key_identifier, raw)
    raw = der.sequence(certificate.issuer.raw, der.encode(der.INTEGER, certificate.serial))
    return CertificateIdentifier(certificate.issuer, certificate.serial, None, raw)
