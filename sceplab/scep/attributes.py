"""The SCEP signed attributes: what makes a CMS message a SCEP message (RFC 8894, 3.2.1).

Rule: everything about transactionID, messageType, pkiStatus, failInfo and the
nonces is here, both ways: `parse_attributes` reads them from CMS attributes,
`build_attributes` makes the attributes again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeVar

from sceplab.asn1 import der, oids
from sceplab.cms.attribute import Attribute
from sceplab.errors import BuildError, Layer, Problem, counted

_E = TypeVar("_E", bound=IntEnum)


class MessageType(IntEnum):
    """messageType (RFC 8894, 3.2.1.2); only drafts of it had 18."""

    CertRep = 3
    RenewalReq = 17
    UpdateReq = 18
    PKCSReq = 19
    CertPoll = 20
    GetCert = 21
    GetCRL = 22


class PkiStatus(IntEnum):
    """pkiStatus of a CertRep (RFC 8894, 3.2.1.3)."""

    SUCCESS = 0
    FAILURE = 2
    PENDING = 3


class FailInfo(IntEnum):
    """failInfo of a FAILURE (RFC 8894, 3.2.1.4)."""

    badAlg = 0
    badMessageCheck = 1
    badRequest = 2
    badTime = 3
    badCertId = 4


FAIL_INFO_MEANING = {
    FailInfo.badAlg: "unrecognised or unsupported algorithm",
    FailInfo.badMessageCheck: "integrity check (signature) failed",
    FailInfo.badRequest: "transaction not permitted or supported",
    FailInfo.badTime: "the signing time is too far from the CA's clock",
    FailInfo.badCertId: "no certificate matches the given one",
}


@dataclass(frozen=True, slots=True)
class ScepAttributes:
    """The SCEP attributes of one message; None means "not sent".

    `message_type`, `pki_status` and `fail_info` are kept as the text that was
    sent ("19"); the properties give the enum members where the text is one.
    Nonces are bytes, normally 16.
    """

    message_type: str | None = None
    transaction_id: str | None = None
    sender_nonce: bytes | None = None
    recipient_nonce: bytes | None = None
    pki_status: str | None = None
    fail_info: str | None = None
    fail_info_text: str | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def type(self) -> MessageType | None:
        """The messageType as a member of the enum, None if absent or unknown."""
        return _member(MessageType, self.message_type)

    @property
    def status(self) -> PkiStatus | None:
        """The pkiStatus as a member of the enum, None if absent or unknown."""
        return _member(PkiStatus, self.pki_status)

    @property
    def failure(self) -> FailInfo | None:
        """The failInfo as a member of the enum, None if absent or unknown."""
        return _member(FailInfo, self.fail_info)


def _member(enum: type[_E], text: str | None) -> _E | None:
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 9:
        return None
    try:
        return enum(int(text))
    except ValueError:
        return None


# field of ScepAttributes -> (OID, ASN.1 type that RFC 8894 table 1 requires)
FIELDS: dict[str, tuple[str, int]] = {
    "transaction_id": (oids.TRANSACTION_ID, der.PRINTABLE_STRING),
    "message_type": (oids.MESSAGE_TYPE, der.PRINTABLE_STRING),
    "pki_status": (oids.PKI_STATUS, der.PRINTABLE_STRING),
    "fail_info": (oids.FAIL_INFO, der.PRINTABLE_STRING),
    "fail_info_text": (oids.FAIL_INFO_TEXT, der.UTF8_STRING),
    "sender_nonce": (oids.SENDER_NONCE, der.OCTET_STRING),
    "recipient_nonce": (oids.RECIPIENT_NONCE, der.OCTET_STRING),
}
SINGLE_VALUED = frozenset(oid for oid, _ in FIELDS.values())
"""The SCEP attributes, for `verify_signed`: each has one value (RFC 8894, 3.2.1)."""
_FIELD_OF = {oid: (field, tag) for field, (oid, tag) in FIELDS.items()}


def parse_attributes(attributes: Iterable[Attribute]) -> ScepAttributes:
    """Return the SCEP attributes among signed attributes; other attributes are ignored. Never raises."""
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for attribute in attributes:
        known = _FIELD_OF.get(attribute.oid)
        if known is None:
            continue
        field, tag = known
        if field in found:
            problems.append(_problem("duplicate", f"one {attribute.name}", "another one; the first is used"))
            continue
        if len(attribute.values) != 1:
            problems.append(_problem("values", f"one value of {attribute.name}", f"{len(attribute.values)}"))
            if not attribute.values:
                continue
        try:
            value = der.read(attribute.values[0])
            if value.tag & ~der.CONSTRUCTED != tag:
                wanted = der.STRING_TYPE_NAMES[tag]
                problems.append(_problem("string-type", f"{attribute.name} as {wanted}", attribute.string_type))
            found[field] = value.octets() if tag == der.OCTET_STRING else der.text_of(value)
        except der.DerError as error:
            problems.append(error.problem(Layer.ATTRIBUTES))
    for required in ("transaction_id", "message_type"):
        if required not in found:
            advice = "Without it this is CMS, but not a SCEP message (RFC 8894, 3.2.1)."
            problems.append(_problem("missing", oids.name_of(FIELDS[required][0]), "no such attribute", advice))
    for label, field, enum in _NUMBERS:
        text = found.get(field)
        if text is not None and _member(enum, text) is None:
            problems.append(_problem("unknown-value", f"a {label} that RFC 8894 knows", repr(text[:40])))
    return ScepAttributes(**found, problems=counted(problems))


_NUMBERS: tuple[tuple[str, str, type[IntEnum]], ...] = (
    ("messageType", "message_type", MessageType),
    ("pkiStatus", "pki_status", PkiStatus),
    ("failInfo", "fail_info", FailInfo),
)


def _problem(code: str, expected: str, found: str, advice: str = "") -> Problem:
    return Problem(Layer.ATTRIBUTES, code, expected, found, None, advice)


def build_attributes(attributes: ScepAttributes) -> tuple[Attribute, ...]:
    """Return the CMS attributes for what is set, each of the type RFC 8894 table 1 requires.

    Raises BuildError if a text cannot be a PrintableString.
    """
    out = []
    for field, (oid, tag) in FIELDS.items():
        value = getattr(attributes, field)
        if value is None:
            continue
        if isinstance(value, str):
            try:
                content = value.encode("utf-8" if tag == der.UTF8_STRING else "ascii")
            except UnicodeEncodeError:
                raise BuildError(f"{oids.name_of(oid)} must be a PrintableString, not {value!r}") from None
        else:
            content = value
        out.append(Attribute(oid, (der.encode(tag, content),)))
    return tuple(out)


def transaction_id_of(public_key_info: bytes, digest: str = "sha256") -> str:
    """Return a transactionID made from the key to be certified, in upper-case hex.

    A client that asks again for the same key thus uses the same transactionID
    (RFC 8894, 3.2.1.1). Cisco IOS uses MD5 of the SubjectPublicKeyInfo,
    strongSwan SHA-1.
    """
    return hashlib.new(digest, public_key_info, usedforsecurity=False).hexdigest().upper()
