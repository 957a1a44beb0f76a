"""Faults of the pkcsPKIEnvelope and its content (RFC 8894, 3.2.2; RFC 5652, 6)."""

from __future__ import annotations

from collections.abc import Iterator

from sceplab.analysis.faults.model import Fault, Hit, Level, Likelihood
from sceplab.asn1 import oids
from sceplab.cms.cipher import gcm_fault
from sceplab.cms.enveloped import EnvelopedData
from sceplab.cms.keytransport import KeyTransRecipient
from sceplab.cms.password import PasswordRecipient
from sceplab.cms.signed import parse_signed
from sceplab.scep.attributes import MessageType, PkiStatus
from sceplab.scep.message import PkiMessage
from sceplab.scep.messagedata import CertsOnly

ENVELOPE = Fault(
    "envelope",
    "The message has no readable encrypted content where it must have one.",
    "Encrypt the messageData into a pkcsPKIEnvelope.",
    section="RFC 8894, 3.2.2",
    level=Level.MUST,
    rule="the content is a pkcsPKIEnvelope",
    explains=Likelihood.LIKELY,
)
NO_ENVELOPE = Fault(
    "no-envelope",
    "A FAILURE or PENDING reply has content.",
    "Leave the content out.",
    section="RFC 8894, 3.3.2",
    level=Level.MUST,
    rule="FAILURE and PENDING have no envelope",
)


def presence(message: PkiMessage) -> Iterator[Hit]:
    """Yield an envelope that is missing, unreadable, or not allowed."""
    attributes, enveloped = message.attributes, message.enveloped
    if attributes.status is not None and _should_be_empty(message):
        yield Hit(NO_ENVELOPE, f"{attributes.status.name} with {len(message.signed.content or b'')} bytes of content")
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
    """Return the envelope whose fields can be judged, None if there is none, or none is allowed."""
    enveloped = message.enveloped
    return enveloped if enveloped is not None and enveloped.recipients and not _should_be_empty(message) else None


INNER_TYPE = Fault(
    "inner-type",
    "The encrypted content is not of type data.",
    "Write contentType data in EncryptedContentInfo.",
    section="RFC 8894, 3.2.2",
    level=Level.MUST,
    rule="what is encrypted is data",
    seen="some send encryptedData",
    explains=Likelihood.LIKELY,
)
OAEP = Fault(
    "oaep",
    "The content key is encrypted with RSA-OAEP, which many CAs cannot open.",
    "Use RSA PKCS#1 v1.5 (rsaEncryption) for the content key.",
    section="RFC 8894, 3.1",
    level=Level.INFO,
    rule="OAEP is understood by few",
    seen="Windows MDM",
    explains=Likelihood.POSSIBLE,
)
ENVELOPED_VERSION = Fault(
    "enveloped-version",
    "The version of EnvelopedData does not fit its recipients.",
    "Write 0 for issuer and serial, 2 for key identifiers, 3 with a password recipient.",
    section="RFC 5652, 6.1",
    level=Level.SHOULD,
    rule="the version fits the recipients",
)

GCM_PARAMETERS = Fault(
    "gcm-parameters",
    "The parameters of AES-GCM are not encoded as GCMParameters, so strict programs cannot open the message.",
    "Use AES-CBC, or a version of the program that writes SEQUENCE { OCTET STRING nonce, INTEGER icvLen }.",
    section="RFC 5084, 3.2",
    level=Level.MUST,
    rule="GCMParameters are a SEQUENCE that begins with the nonce as OCTET STRING",
    seen="step-ca, micromdm (Go's pkcs7)",
    explains=Likelihood.LIKELY,
)


def fields(message: PkiMessage) -> Iterator[Hit]:
    """Yield fields of the envelope with wrong or unusual values."""
    enveloped = judged_envelope(message)
    if enveloped is None:
        return
    if enveloped.content_type not in {"", oids.DATA}:
        yield Hit(INNER_TYPE, f"it is {oids.name_of(enveloped.content_type)}")
    if (
        enveloped.cipher is not None
        and enveloped.cipher.mode == "gcm"
        and (wrong := gcm_fault(enveloped.content_encryption))
    ):
        yield Hit(GCM_PARAMETERS, wrong)
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


MESSAGE_DATA = Fault(
    "message-data",
    "The decrypted content is not what the messageType says.",
    "Encrypt the DER of the right structure: a CSR in PKCSReq, IssuerAndSubject in CertPoll.",
    section="RFC 8894, 3.2",
    level=Level.MUST,
    rule="what is encrypted fits the messageType",
    explains=Likelihood.LIKELY,
)
DEGENERATE = Fault(
    "degenerate",
    "The certificates in the reply come with content or signers.",
    "Leave content and signerInfos empty in the degenerate SignedData.",
    section="RFC 8894, 3.4",
    level=Level.MUST,
    rule="certificates come without content and signers",
    explains=Likelihood.LIKELY,
)


def content(message: PkiMessage) -> Iterator[Hit]:
    """Yield decrypted messageData that does not fit the messageType."""
    data = message.message_data
    if data is None:
        return
    for problem in data.problems:
        yield Hit(MESSAGE_DATA, str(problem), problem.offset)
    if isinstance(data, CertsOnly):
        signed = parse_signed(data.raw)
        if signed.content is not None or signed.signer_infos:
            yield Hit(DEGENERATE, f"content or {len(signed.signer_infos)} signers inside")


FAULTS = (ENVELOPE, NO_ENVELOPE, INNER_TYPE, OAEP, ENVELOPED_VERSION, GCM_PARAMETERS, MESSAGE_DATA, DEGENERATE)
