"""SignedData: the outer layer of a pkiMessage, parsed and written (RFC 5652, 5).

Rule: structure only; no keys are used and the content is not parsed.
`parse_signed` and `serialize_signed` are inverse; `verify` checks a parsed
structure, `sign` makes a new one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sceplab.asn1 import der, oids
from sceplab.cms import algorithms
from sceplab.cms.algorithms import AlgorithmIdentifier
from sceplab.cms.attribute import Attribute, build_attribute, parse_attribute_list
from sceplab.cms.contentinfo import content_of
from sceplab.cms.x509 import CertificateIdentifier, CertificateLike, der_of, parse_identifier, parse_time
from sceplab.errors import Layer, Problem, counted

_SIGNED_ATTRS = der.CONTEXT | der.CONSTRUCTED  # [0] IMPLICIT
_UNSIGNED_ATTRS = _SIGNED_ATTRS | 1
# Codes of problems that `verify` asks for.
UNREAD_SIGNER = "signer-info"
TRAILING = "trailing"


@dataclass(frozen=True, slots=True)
class SignerInfo:
    """One SignerInfo (RFC 5652, 5.3). `signed_attributes_raw` is the [0] element as captured."""

    version: int
    identifier: CertificateIdentifier
    digest_algorithm: AlgorithmIdentifier
    signed_attributes: tuple[Attribute, ...]
    signed_attributes_raw: bytes
    signature_algorithm: AlgorithmIdentifier
    signature: bytes
    unsigned_attributes_raw: bytes = b""

    def attribute(self, oid: str) -> Attribute | None:
        """Return a signed attribute by its identifier, or None."""
        return next((a for a in self.signed_attributes if a.oid == oid), None)

    @property
    def signing_time(self) -> datetime | None:
        """The signingTime attribute (RFC 5652, 11.3), or None where it was not sent."""
        attribute = self.attribute(oids.SIGNING_TIME)
        if attribute is None or not attribute.values:
            return None
        try:
            return parse_time(der.read(attribute.values[0]))
        except der.DerError:
            return None


@dataclass(frozen=True, slots=True)
class SignedData:
    """A parsed ContentInfo of type signedData.

    `content` is the joined bytes of eContent: None where it was left out,
    b"" where an empty OCTET STRING was sent. `raw` are the captured bytes.
    """

    raw: bytes
    version: int = 1
    digest_algorithms: tuple[AlgorithmIdentifier, ...] = ()
    content_type: str = ""
    content: bytes | None = None
    certificates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    signer_infos: tuple[SignerInfo, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def signer_info(self) -> SignerInfo | None:
        """The first SignerInfo: SCEP has one (RFC 8894, 3.2)."""
        return self.signer_infos[0] if self.signer_infos else None


def parse_signed(data: bytes) -> SignedData:
    """Parse a ContentInfo with SignedData, BER or DER.

    Never raises: what could not be read is absent from the result and named in
    its `problems`, with offsets into `data`.
    """
    fields: dict[str, Any] = {}
    problems: list[Problem] = []
    try:
        _read_signed(data, fields, problems)
    except der.DerError as error:
        advice = "Check that the whole message was copied, from its first byte (30) to its last."
        problems.append(error.problem(Layer.SIGNED, advice))
    return SignedData(data, problems=counted(problems), **fields)


def _read_signed(data: bytes, out: dict[str, Any], problems: list[Problem]) -> None:
    body = content_of(data, oids.SIGNED_DATA, "signedData", problems, Layer.SIGNED)
    if body.tag != der.SEQUENCE:
        raise der.DerError(body.start, "SignedData (SEQUENCE)", f"tag {body.tag:02x}")
    fields = body.children()
    if len(fields) < 4:
        missing = "version, digestAlgorithms, encapContentInfo and signerInfos"
        problems.append(Problem(Layer.SIGNED, "short", missing, f"{len(fields)} fields", body.start))
    if fields:
        out["version"] = der.int_of(fields[0])
    if len(fields) > 1:
        out["digest_algorithms"] = tuple(algorithms.parse_algorithm(a) for a in fields[1].children())
    if len(fields) > 2:
        _read_content(fields[2], out)
    for field in fields[3:]:
        if field.tag == _SIGNED_ATTRS:
            out["certificates"] = tuple(c.raw for c in field.children())
        elif field.tag == _UNSIGNED_ATTRS:
            out["crls"] = tuple(c.raw for c in field.children())
        elif field.tag == der.SET:
            out["signer_infos"] = (*out.get("signer_infos", ()), *_read_signers(field, problems))
        else:
            expected = "certificates [0], crls [1] or signerInfos"
            problems.append(Problem(Layer.SIGNED, "field", expected, f"tag {field.tag:02x}", field.start))


def _read_content(element: der.Element, out: dict[str, Any]) -> None:
    fields = element.children()
    if not fields:
        raise der.DerError(element.start, "eContentType", "an empty encapContentInfo")
    out["content_type"] = der.oid_of(fields[0])
    if len(fields) > 1:
        inner = fields[1].children()
        if inner:
            # Some programs leave out the OCTET STRING and put the content itself here (PKCS#7 1.5).
            out["content"] = inner[0].octets() if inner[0].tag & ~der.CONSTRUCTED == der.OCTET_STRING else inner[0].raw


def _read_signers(element: der.Element, problems: list[Problem]) -> Iterator[SignerInfo]:
    for item in element.children():
        try:
            yield _read_signer(item)
        except der.DerError as error:
            problems.append(Problem(Layer.SIGNED, UNREAD_SIGNER, error.expected, error.found, error.offset))


def _read_signer(element: der.Element) -> SignerInfo:
    fields = element.children()
    if len(fields) < 5:
        raise der.DerError(element.start, "a SignerInfo of at least five fields", f"{len(fields)}")
    version, identifier, digest = fields[:3]
    rest = fields[3:]
    attributes: tuple[Attribute, ...] = ()
    raw = b""
    if rest[0].tag == _SIGNED_ATTRS:
        signed = rest.pop(0)
        raw = signed.raw
        attributes = parse_attribute_list(element.data, signed.content_start, signed.content_end)
    if len(rest) < 2:
        raise der.DerError(element.end, "signatureAlgorithm and signature", "the end of SignerInfo")
    return SignerInfo(
        der.int_of(version),
        parse_identifier(identifier),
        algorithms.parse_algorithm(digest),
        attributes,
        raw,
        algorithms.parse_algorithm(rest[0]),
        rest[1].octets(),
        rest[2].raw if len(rest) > 2 else b"",
    )


def serialize_signed(signed: SignedData) -> bytes:
    """Write SignedData as DER, field by field: the inverse of `parse_signed` for DER input.

    Attributes, certificates and signers keep the order they have in `signed`.
    """
    content = b""
    if signed.content is not None:
        content = der.context(0, der.encode(der.OCTET_STRING, signed.content))
    body = der.sequence(
        der.integer(signed.version),
        der.encode(der.SET, *map(algorithms.build_algorithm, signed.digest_algorithms)),
        der.sequence(der.oid(signed.content_type), content),
        der.context(0, *signed.certificates) if signed.certificates else b"",
        der.context(1, *signed.crls) if signed.crls else b"",
        der.encode(der.SET, *map(_serialize_signer, signed.signer_infos)),
    )
    return der.sequence(der.oid(oids.SIGNED_DATA), der.context(0, body))


def _serialize_signer(info: SignerInfo) -> bytes:
    attributes = b""
    if info.signed_attributes:
        attributes = der.context(0, *map(build_attribute, info.signed_attributes))
    return der.sequence(
        der.integer(info.version),
        info.identifier.raw,
        algorithms.build_algorithm(info.digest_algorithm),
        attributes,
        algorithms.build_algorithm(info.signature_algorithm),
        der.encode(der.OCTET_STRING, info.signature),
        info.unsigned_attributes_raw,
    )


def build_degenerate(certificates: Sequence[CertificateLike], crls: Sequence[bytes] = ()) -> bytes:
    """Return a degenerate certificates-only SignedData: no content, no signers (RFC 8894, 3.4).

    Certificates keep the order given, which BER allows for a SET OF: some
    clients take the first as the issued one.
    """
    return serialize_signed(
        SignedData(b"", content_type=oids.DATA, certificates=tuple(map(der_of, certificates)), crls=tuple(crls))
    )
