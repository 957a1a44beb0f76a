"""PKCS#10: the certificate request at the heart of an enrollment (RFC 2986; RFC 8894, 3.3.1).

Rule: the request itself and its proof of possession. The message around it
belongs to the layers above. `parse_csr` and `serialize_csr` are inverse.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from sceplab.asn1 import der, oids
from sceplab.cms import algorithms
from sceplab.cms.algorithms import AlgorithmIdentifier
from sceplab.cms.attribute import Attribute, build_attribute, parse_attribute_list
from sceplab.cms.name import Name
from sceplab.cms.reason import Reason
from sceplab.cms.signature import SigningKey, UnknownAlgorithmError, check_signature, sign
from sceplab.cms.verify import Check, CheckName, Outcome
from sceplab.cms.x509 import Extension, load_public_key, parse_extensions, public_key_info
from sceplab.errors import BuildError, Layer, Problem

_EMPTY_NAME = Name(b"")


@dataclass(frozen=True, slots=True)
class CertificationRequest:
    """A PKCS#10 request as captured; `info_raw` is what its signature covers."""

    raw: bytes
    info_raw: bytes = b""
    version: int = 0
    subject: Name = _EMPTY_NAME
    public_key_info: bytes = b""
    attributes: tuple[Attribute, ...] = ()
    signature_algorithm: AlgorithmIdentifier = AlgorithmIdentifier("")
    signature: bytes = b""
    problems: tuple[Problem, ...] = ()

    def __repr__(self) -> str:
        # The octets hold the challengePassword, which is a secret.
        return f"<CertificationRequest {self.subject.rfc4514()!a}, {len(self.raw)} bytes>"

    def attribute(self, oid: str) -> Attribute | None:
        """Return an attribute by its identifier, or None."""
        return next((a for a in self.attributes if a.oid == oid), None)

    @property
    def challenge_password(self) -> str | None:
        """The challengePassword (RFC 2985, 5.4.1) in whatever string type it was sent, or None."""
        attribute = self.attribute(oids.CHALLENGE_PASSWORD)
        if attribute is None or not attribute.values:
            return None
        try:
            return der.text_of(der.read(attribute.values[0]))
        except der.DerError:
            return None

    @property
    def challenge_password_type(self) -> str | None:
        """The ASN.1 type of the challengePassword ("PrintableString"), or None."""
        attribute = self.attribute(oids.CHALLENGE_PASSWORD)
        return None if attribute is None else attribute.string_type or None

    @property
    def extensions(self) -> tuple[Extension, ...]:
        """The requested X.509 extensions (RFC 2985, 5.4.2), empty where none could be read."""
        for oid in (oids.EXTENSION_REQUEST, oids.MS_EXTENSION_REQUEST):
            attribute = self.attribute(oid)
            if attribute is not None and attribute.values:
                try:
                    return parse_extensions(der.read(attribute.values[0]))
                except der.DerError:
                    return ()
        return ()

    @property
    def subject_alt_name(self) -> str | None:
        """The requested alternative names as OpenSSL prints them, or None."""
        extension = next((e for e in self.extensions if e.oid == oids.SUBJECT_ALT_NAME), None)
        return None if extension is None else general_names(extension.value)

    @property
    def key_bits(self) -> int | None:
        """The size of the public key in bits, or None where it cannot be loaded."""
        try:
            return getattr(load_public_key(self.public_key_info), "key_size", None)
        except ValueError:
            return None

    def public_key(self) -> PublicKeyTypes:
        """Load the public key; raises ValueError when it is none that `cryptography` knows."""
        return load_public_key(self.public_key_info)


def general_names(value: bytes) -> str:
    """Return GeneralNames (RFC 5280, 4.2.1.6) on one line, as OpenSSL prints them."""
    labels = {1: "email", 2: "DNS", 6: "URI"}
    out = []
    try:
        for item in der.read(value).children():
            number = item.tag & 0x1F
            if number in labels:
                out.append(f"{labels[number]}:{item.value.decode('latin-1')}")
            elif number == 7 and len(item.value) in {4, 16}:
                out.append(f"IP Address:{ipaddress.ip_address(item.value)}")
            elif number == 4:
                out.append(f"DirName:{Name(item.value).rfc4514()}")
            elif number == 0:
                out.append(f"othername:{der.oid_of(item.children()[0])}")
            else:
                out.append(f"[{number}]:{item.value.hex()}")
    except (der.DerError, IndexError):
        out.append("(unreadable)")
    return ", ".join(out)


def parse_csr(data: bytes) -> CertificationRequest:
    """Parse a PKCS#10 request (RFC 2986, 4). Never raises; `problems` says what could not be read."""
    problems: list[Problem] = []
    fields: dict[str, Any] = {}
    try:
        _read_csr(data, fields, problems)
    except der.DerError as error:
        problems.append(error.problem(Layer.CSR))
    return CertificationRequest(data, problems=tuple(problems), **fields)


def _read_csr(data: bytes, out: dict[str, Any], problems: list[Problem]) -> None:
    outer = der.read_expected(data, der.SEQUENCE, "CertificationRequest")
    if outer.end != len(data):
        found = f"{len(data) - outer.end} more bytes"
        problems.append(Problem(Layer.CSR, "trailing", "the end of the request", found, outer.end))
    parts = outer.children()
    if len(parts) < 3:
        expected = "certificationRequestInfo, signatureAlgorithm and signature"
        problems.append(Problem(Layer.CSR, "short", expected, f"{len(parts)} fields", outer.start))
    if len(parts) > 1:
        out["signature_algorithm"] = algorithms.parse_algorithm(parts[1])
    if len(parts) > 2:
        out["signature"] = parts[2].value[1:]  # the first byte counts unused bits
    if not parts:
        return
    out["info_raw"] = parts[0].raw
    info = parts[0].children()
    if len(info) < 3:
        raise der.DerError(parts[0].start, "version, subject and subjectPKInfo", f"{len(info)} fields")
    out["version"] = der.int_of(info[0])
    out["subject"] = Name(info[1].raw)
    out["public_key_info"] = info[2].raw
    for field in info[3:]:
        if field.tag == der.CONTEXT | der.CONSTRUCTED:
            out["attributes"] = parse_attribute_list(data, field.content_start, field.content_end)


def verify_csr(request: CertificationRequest) -> Check:
    """Check the proof of possession: the request signed with the key that it asks to certify. Never raises."""
    name = CheckName.POSSESSION
    try:
        key = load_public_key(request.public_key_info)
        how = check_signature(request.signature_algorithm, "", key, request.signature, request.info_raw)
    except UnknownAlgorithmError as error:
        return Check(name, Outcome.NOT_POSSIBLE, str(error), Reason.UNKNOWN_ALGORITHM)
    except (ValueError, UnsupportedAlgorithm, der.DerError) as error:
        return Check(name, Outcome.FAILED, f"the request's key cannot be used: {error}", Reason.UNUSABLE_KEY)
    if how:
        return Check(name, Outcome.PASSED, f"{how}, with the key in the request")
    detail = "the signature does not fit the key in the request"
    return Check(name, Outcome.FAILED, detail, Reason.MISMATCH)


def serialize_csr(request: CertificationRequest) -> bytes:
    """Write a request as DER, field by field: the inverse of `parse_csr`."""
    return der.sequence(
        _serialize_info(request),
        algorithms.build_algorithm(request.signature_algorithm),
        der.encode(der.BIT_STRING, b"\0", request.signature),
    )


def _serialize_info(request: CertificationRequest) -> bytes:
    return der.sequence(
        der.integer(request.version),
        request.subject.raw,
        request.public_key_info,
        der.context(0, *map(build_attribute, request.attributes)),
    )


def build_csr(
    subject: Name,
    key: SigningKey,
    *,
    challenge_password: str | None = None,
    challenge_type: int = der.PRINTABLE_STRING,
    extensions: Sequence[Extension] = (),
    digest: str = "sha256",
    attributes: Sequence[Attribute] = (),
) -> bytes:
    """Make a PKCS#10 request and sign it with the requester's own key (RFC 2986, 4.2).

    `challenge_type` is the string type of the challengePassword (RFC 8894, 2.4
    asks for PrintableString or UTF8String), `attributes` are further ones; all are
    sent in DER order. The same RSA key and arguments give the same bytes. Raises BuildError.
    """
    all_attributes = []
    if challenge_password is not None:
        try:
            content = der.encode_text(challenge_type, challenge_password)
        except UnicodeEncodeError:
            kind = der.STRING_TYPE_NAMES[challenge_type]
            raise BuildError(f"this challengePassword does not fit a {kind}; use UTF8String") from None
        all_attributes.append(Attribute(oids.CHALLENGE_PASSWORD, (der.encode(challenge_type, content),)))
    if extensions:
        all_attributes.append(Attribute(oids.EXTENSION_REQUEST, (build_extensions(extensions),)))
    if digest not in algorithms.DIGESTS:
        raise BuildError(f"{digest} is not one of {', '.join(algorithms.DIGESTS)}")
    return sign_csr(
        CertificationRequest(
            b"",
            subject=subject,
            public_key_info=public_key_info(key),
            attributes=tuple(sorted((*all_attributes, *attributes), key=build_attribute)),
            signature_algorithm=_signature_algorithm(key, digest),
        ),
        key,
    )


def _signature_algorithm(key: SigningKey, digest: str) -> AlgorithmIdentifier:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return AlgorithmIdentifier(algorithms.SIGNATURE_OIDS["ec", digest])
    return AlgorithmIdentifier(algorithms.SIGNATURE_OIDS["rsa", digest], der.NULL_ELEMENT)


def sign_csr(request: CertificationRequest, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    """Write a request with a new signature made by `key` (RFC 2986, 4.2); raises BuildError."""
    info = _serialize_info(request)
    signature = sign(key, request.signature_algorithm, "", info)
    return der.sequence(
        info, algorithms.build_algorithm(request.signature_algorithm), der.encode(der.BIT_STRING, b"\0", signature)
    )


def build_extensions(extensions: Sequence[Extension]) -> bytes:
    """Return an Extensions SEQUENCE: the inverse of `x509.parse_extensions`."""
    return der.sequence(
        *(
            der.sequence(
                der.oid(e.oid),
                der.encode(der.BOOLEAN, b"\xff") if e.critical else b"",
                der.encode(der.OCTET_STRING, e.value),
            )
            for e in extensions
        )
    )
