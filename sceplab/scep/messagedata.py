"""messageData: the content of the envelope, by messageType (RFC 8894, 3.3).

Rule: one dataclass for each kind of content, with a parse and a build function
that are inverse; PKCS#10 has its own module.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sceplab.asn1 import der, oids
from sceplab.asn1.memo import memo
from sceplab.cms.csr import CertificationRequest, parse_csr
from sceplab.cms.name import Name
from sceplab.cms.signed import parse_signed
from sceplab.cms.x509 import Certificate, RevocationList, parse_certificate, parse_crl, serial_hex
from sceplab.errors import Layer, Problem
from sceplab.scep.attributes import MessageType


@dataclass(frozen=True, slots=True)
class IssuerAndSubject:
    """The content of a CertPoll (RFC 8894, 3.3.3)."""

    raw: bytes = field(repr=False)
    issuer: Name
    subject: Name
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class IssuerAndSerialNumber:
    """The content of a GetCert or GetCRL (RFC 8894, 3.3.4); `serial` are content bytes."""

    raw: bytes = field(repr=False)
    issuer: Name
    serial: bytes
    problems: tuple[Problem, ...] = ()

    @property
    def serial_hex(self) -> str:
        """The serial as OpenSSL prints it."""
        return serial_hex(self.serial)


@dataclass(frozen=True, slots=True)
class CertsOnly:
    """The content of a successful CertRep: a degenerate SignedData (RFC 8894, 3.4)."""

    raw: bytes = field(repr=False)
    certificates: tuple[Certificate, ...]
    crls: tuple[RevocationList, ...]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class UnknownData:
    """Content of a message whose messageType does not define it."""

    raw: bytes = field(repr=False)
    problems: tuple[Problem, ...] = ()


MessageData = CertificationRequest | IssuerAndSubject | IssuerAndSerialNumber | CertsOnly | UnknownData

_REQUESTS = {MessageType.PKCSReq, MessageType.RenewalReq, MessageType.UpdateReq}


def parse_message_data(message_type: MessageType | None, data: bytes) -> MessageData:
    """Parse the plaintext of an envelope as the content that `message_type` defines (RFC 8894, 3.3). Never raises."""
    if message_type in _REQUESTS:
        return parse_csr(data)
    if message_type is MessageType.CertPoll:
        return parse_issuer_and_subject(data)
    if message_type in {MessageType.GetCert, MessageType.GetCRL}:
        return parse_issuer_and_serial(data)
    if message_type is MessageType.CertRep:
        return parse_certs_only(data)
    found = "an unknown messageType"
    return UnknownData(data, (Problem(Layer.MESSAGE_DATA, "unknown-type", "a known messageType", found),))


def _pair(data: bytes, what: str, problems: list[Problem]) -> tuple[der.Element, der.Element] | None:
    try:
        outer = der.read_expected(data, der.SEQUENCE, what)
        fields = outer.children()
        if len(fields) != 2:
            raise der.DerError(outer.start, f"{what} of two fields", f"{len(fields)}")
    except der.DerError as error:
        problems.append(error.problem(Layer.MESSAGE_DATA))
        return None
    return fields[0], fields[1]


def parse_issuer_and_subject(data: bytes) -> IssuerAndSubject:
    """Read IssuerAndSubject (RFC 8894, 3.3.3). Never raises."""
    problems: list[Problem] = []
    pair = _pair(data, "IssuerAndSubject", problems)
    issuer, subject = (pair[0].raw, pair[1].raw) if pair else (b"", b"")
    return IssuerAndSubject(data, Name(issuer), Name(subject), tuple(problems))


def build_issuer_and_subject(issuer: Name, subject: Name) -> bytes:
    """Return the DER of IssuerAndSubject."""
    return der.sequence(issuer.raw, subject.raw)


def parse_issuer_and_serial(data: bytes) -> IssuerAndSerialNumber:
    """Read IssuerAndSerialNumber (RFC 5652, 10.2.4). Never raises."""
    problems: list[Problem] = []
    pair = _pair(data, "IssuerAndSerialNumber", problems)
    issuer, serial = (pair[0].raw, pair[1].value) if pair else (b"", b"")
    return IssuerAndSerialNumber(data, Name(issuer), serial, tuple(problems))


def build_issuer_and_serial(issuer: Name, serial: bytes) -> bytes:
    """Return the DER of IssuerAndSerialNumber; `serial` are the content bytes of the INTEGER."""
    return der.sequence(issuer.raw, der.encode(der.INTEGER, serial))


def parse_certs_only(data: bytes) -> CertsOnly:
    """Read a degenerate certificates-only SignedData (RFC 8894, 3.4). Never raises."""
    signed = parse_signed(data)
    problems = list(signed.problems)
    if signed.content is not None:
        problems.append(Problem(Layer.MESSAGE_DATA, "content", "no content (RFC 8894, 3.4)", "an eContent"))
    if signed.content_type not in {oids.DATA, ""}:
        problems.append(
            Problem(Layer.MESSAGE_DATA, "content-type", "eContentType data", oids.name_of(signed.content_type))
        )
    return CertsOnly(
        data,
        tuple(map(parse_certificate, signed.certificates)),
        tuple(map(parse_crl, signed.crls)),
        tuple(problems),
    )


# All clients of a CA get the same reply.
@memo(64, longest=16_384)
def parse_ca_certificates(data: bytes) -> tuple[Certificate, ...]:
    """Read a GetCACert or GetNextCACert reply (RFC 8894, 4.2.1, 4.7.1). Never raises.

    A GetNextCACert reply is a SignedData of the current CA around a degenerate one.
    """
    certificate = parse_certificate(data)
    if not certificate.problems:
        return (certificate,)
    signed = parse_signed(data)
    if signed.content:
        signed = parse_signed(signed.content)
    return tuple(map(parse_certificate, signed.certificates))
