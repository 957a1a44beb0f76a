"""The pkcsPKIEnvelope and what is encrypted in it (RFC 8894, 3.2.2; RFC 5652, 6)."""

from __future__ import annotations

from collections.abc import Iterator

from sceplab.analysis.faults.model import Hit, Level, Rule
from sceplab.asn1 import oids
from sceplab.cms.enveloped import EnvelopedData
from sceplab.cms.keytransport import KeyTransRecipient
from sceplab.cms.password import PasswordRecipient
from sceplab.cms.signed import parse_signed
from sceplab.scep.attributes import MessageType, PkiStatus
from sceplab.scep.message import PkiMessage
from sceplab.scep.messagedata import CertsOnly

ENVELOPE = Rule(
    "envelope", "RFC 8894, 3.2.2", Level.MUST, "the content is a pkcsPKIEnvelope", "Encrypt the messageData."
)
NO_ENVELOPE = Rule(
    "no-envelope", "RFC 8894, 3.3.2", Level.MUST, "FAILURE and PENDING have no envelope", "Leave it out."
)


def presence(message: PkiMessage) -> Iterator[Hit]:
    """Yield an envelope that is missing, unreadable, or where none should be."""
    attributes, enveloped = message.attributes, message.enveloped
    if attributes.status is not None and _should_be_empty(message):
        yield Hit(NO_ENVELOPE, f"{attributes.status.name} with {len(message.signed.content or b'')} octets of content")
        return
    if enveloped is None:
        asks = attributes.type is not None and attributes.type is not MessageType.CertRep
        if asks or attributes.status is PkiStatus.SUCCESS:
            yield Hit(ENVELOPE, "there is no content")
        return
    for problem in enveloped.problems:
        yield Hit(ENVELOPE, str(problem), problem.offset)


def _should_be_empty(message: PkiMessage) -> bool:
    refused = message.attributes.status in {PkiStatus.FAILURE, PkiStatus.PENDING}
    return refused and bool(message.signed.content)


def judged_envelope(message: PkiMessage) -> EnvelopedData | None:
    """Return the envelope whose fields can be judged, None where there is none, or none should be."""
    enveloped = message.enveloped
    return enveloped if enveloped is not None and enveloped.recipients and not _should_be_empty(message) else None


INNER_TYPE = Rule(
    "inner-type", "RFC 8894, 3.2.2", Level.MUST, "what is encrypted is data", "Write data.", "some send encryptedData"
)
OAEP = Rule(
    "oaep",
    "RFC 8894, 3.1",
    Level.INFO,
    "OAEP is understood by few",
    "Use PKCS#1 v1.5 with unknown peers.",
    "Windows MDM",
)
ENVELOPED_VERSION = Rule(
    "enveloped-version",
    "RFC 5652, 6.1",
    Level.SHOULD,
    "the version fits the recipients",
    "0 by issuer and serial, 2, 3.",
)


def fields(message: PkiMessage) -> Iterator[Hit]:
    """Yield fields of the envelope that are not as they should be."""
    enveloped = judged_envelope(message)
    if enveloped is None:
        return
    if enveloped.content_type not in {"", oids.DATA}:
        yield Hit(INNER_TYPE, f"it is {oids.name_of(enveloped.content_type)}")
    expected = 0
    for recipient in enveloped.recipients:
        if isinstance(recipient, PasswordRecipient):
            expected = 3
        elif isinstance(recipient, KeyTransRecipient):
            if recipient.identifier.issuer is None:
                expected = max(expected, 2)
            if recipient.key_encryption.oid == oids.RSAES_OAEP:
                yield Hit(OAEP, "the content key is encrypted with RSAES-OAEP")
    if enveloped.version != expected:
        yield Hit(ENVELOPED_VERSION, f"it is {enveloped.version}, should be {expected}")


MESSAGE_DATA = Rule(
    "message-data",
    "RFC 8894, 3.2",
    Level.MUST,
    "what is encrypted fits the messageType",
    "Encrypt the right structure.",
)
DEGENERATE = Rule(
    "degenerate", "RFC 8894, 3.4", Level.MUST, "certificates come without content and signers", "Leave both out."
)


def content(message: PkiMessage) -> Iterator[Hit]:
    """Yield where the decrypted messageData is not what the messageType says."""
    data = message.message_data
    if data is None:
        return
    for problem in data.problems:
        yield Hit(MESSAGE_DATA, str(problem), problem.offset)
    if isinstance(data, CertsOnly):
        signed = parse_signed(data.raw)
        if signed.content is not None or signed.signer_infos:
            yield Hit(DEGENERATE, f"content or {len(signed.signer_infos)} signers inside")


RULES = (ENVELOPE, NO_ENVELOPE, INNER_TYPE, OAEP, ENVELOPED_VERSION, MESSAGE_DATA, DEGENERATE)
