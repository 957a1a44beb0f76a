"""A DER or BER structure without HTTP around it: a pkiMessage, certificates, a CSR.

Rule: its kind is known from a few bytes at fixed places; nothing is decoded here.
"""

from __future__ import annotations

from enum import Enum, auto

from sceplab.capture.reading import Reading
from sceplab.errors import Problem
from sceplab.scep.transport import (
    ALONE,
    CA_CERT,
    CA_RA_CERT,
    DEFAULT_PATH,
    PKCS10,
    PKI_MESSAGE,
    Exchange,
    HttpReply,
    HttpRequest,
)


def fits(data: bytes) -> bool:
    """Whether a file is one SEQUENCE. Its tag alone is also the digit 0, with which a hex dump may begin."""
    return data[:1] == b"\x30" and b"operation=" not in data[:200] and not data[:64].isascii()


def read(data: bytes, name: str) -> Reading:
    """Return one exchange with the structure as its body."""
    return Reading([message_alone(data, name)], ((0, len(data)),), (0,))


_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
_ENVELOPED_DATA = bytes.fromhex("06092a864886f70d010703")
_PKI_STATUS = bytes.fromhex("060a6086480186f845010903")
_SCEP_ATTRIBUTE = bytes.fromhex("060a6086480186f8450109")
_MESSAGE_DIGEST = bytes.fromhex("06092a864886f70d010904")


class Kind(Enum):
    """The kind of a DER or BER structure."""

    REQUEST = auto()
    REPLY = auto()
    CERTIFICATES = auto()
    CSR = auto()
    CERTIFICATE = auto()
    ENVELOPE = auto()


def kind_of(data: bytes) -> Kind | None:
    """Return the kind of a structure from a few of its bytes, None if SCEP does not use it."""
    outer = _content(data, 0)
    if outer is None:
        return None
    if data.startswith(_SIGNED_DATA, outer):
        if _PKI_STATUS in data:
            return Kind.REPLY
        # No signers: an empty SET at the very end, except for end-of-contents bytes.
        bare = _SCEP_ATTRIBUTE not in data and _MESSAGE_DIGEST not in data
        return Kind.CERTIFICATES if bare and data.rstrip(b"\0").endswith(b"\x31") else Kind.REQUEST
    if data.startswith(_ENVELOPED_DATA, outer):
        return Kind.ENVELOPE
    inner = _content(data, outer)
    if inner is None:
        return None
    if data.startswith(b"\x02\x01\x00\x30", inner):
        return Kind.CSR
    return Kind.CERTIFICATE if data.startswith(b"\xa0\x03\x02\x01", inner) else None


def _content(data: bytes, at: int) -> int | None:
    """Return the offset of the content of the SEQUENCE at offset `at`, None if there is no SEQUENCE."""
    head = data[at : at + 2]
    if len(head) < 2 or head[0] != 0x30:
        return None
    return at + 2 + (head[1] & 0x7F if head[1] > 0x80 else 0)


def size_of(data: bytes) -> int | None:
    """Return the size in bytes of the SEQUENCE at the start by its header, None if it has no definite length."""
    if len(data) < 2 or data[0] != 0x30 or data[1] == 0x80:
        return None
    if data[1] < 0x80:
        return 2 + data[1]
    count = data[1] & 0x7F
    return 2 + count + int.from_bytes(data[2 : 2 + count], "big") if count <= 4 and len(data) >= 2 + count else None


def message_alone(data: bytes, name: str, problems: tuple[Problem, ...] = ()) -> Exchange:
    """Return an exchange for bytes without HTTP: a request or a reply, depending on their kind.

    A CertRep and certificates are replies; a CSR is a request with its own
    Content-Type; anything else counts as a request.
    """
    kind = kind_of(data)
    content_type = _REPLIES.get(kind) if kind is not None else None
    if content_type is not None:
        reply = HttpReply(None, (("Content-Type", content_type),), data)
        return Exchange(None, reply, source=name, problems=problems, recorded=ALONE)
    if kind is Kind.CSR:
        asked = HttpRequest("", "", (("Content-Type", PKCS10),), data)
        return Exchange(asked, None, source=name, problems=problems, recorded=ALONE)
    request = HttpRequest("POST", f"{DEFAULT_PATH}?operation=PKIOperation", (), data)
    return Exchange(request, None, source=name, problems=problems, recorded=ALONE)


_REPLIES = {Kind.REPLY: PKI_MESSAGE, Kind.CERTIFICATES: CA_RA_CERT, Kind.CERTIFICATE: CA_CERT}
