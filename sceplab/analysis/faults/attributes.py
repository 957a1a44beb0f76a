"""The SCEP attributes of a message (RFC 8894, 3.2.1)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from sceplab.analysis.faults.model import Hit, Level, Rule
from sceplab.asn1 import der, oids
from sceplab.cms.csr import CertificationRequest
from sceplab.scep.attributes import MessageType, PkiStatus
from sceplab.scep.message import PkiMessage

SCEP_ATTRIBUTES = Rule(
    "scep-attributes", "RFC 8894, 3.2.1", Level.MUST, "transactionID and messageType are there", "Add them."
)
ATTRIBUTE_TYPES = Rule(
    "attribute-types",
    "RFC 8894, 3.2.1",
    Level.MUST,
    "attributes have the types of table 1",
    "Change the string type.",
)
MESSAGE_TYPE = Rule(
    "message-type",
    "RFC 8894, 3.2.1.2",
    Level.MUST,
    "the messageType is a known one",
    "Write 3, 17, 19, 20, 21 or 22.",
)
UPDATE_REQ = Rule(
    "update-req",
    "RFC 8894, 3.2.1.2",
    Level.SHOULD,
    "UpdateReq (18) was dropped",
    "Send RenewalReq (17).",
    "draft clients",
)
SENDER_NONCE = Rule(
    "sender-nonce", "RFC 8894, 3.2.1.5", Level.MUST, "a request has a senderNonce", "Add 16 random octets."
)
REPLY_SENDER_NONCE = Rule(
    "reply-sender-nonce",
    "RFC 8894, 3.3.2",
    Level.INFO,
    "a CertRep may go without a senderNonce",
    "",
    "RFC's own sample",
)
NONCE_SIZE = Rule(
    "nonce-size", "RFC 8894, 3.2.1", Level.SHOULD, "nonces have 16 octets", "Use 16 random octets.", "Apple 2016: 8"
)
CLEAR_SECRET = Rule(
    "clear-secret",
    "RFC 8894, 2.4",
    Level.MUST,
    "the challengePassword is encrypted",
    "Put it in the CSR.",
    "Apple to NDES 2017",
)
_BY_PROBLEM = {"missing": SCEP_ATTRIBUTES, "string-type": ATTRIBUTE_TYPES, "values": ATTRIBUTE_TYPES}


def present(message: PkiMessage) -> Iterator[Hit]:
    """Yield what is missing or wrong among the attributes of any message."""
    attributes, info = message.attributes, message.signed.signer_info
    if info is None:
        return
    for problem in attributes.problems:
        if problem.code in _BY_PROBLEM:
            found = f"expected {problem.expected}, found {problem.found}"
            yield Hit(_BY_PROBLEM[problem.code], found, problem.offset)
    if attributes.message_type is not None and attributes.type is None:
        yield Hit(MESSAGE_TYPE, f"it is {attributes.message_type!r}")
    if attributes.type is MessageType.UpdateReq:
        yield Hit(UPDATE_REQ, "messageType 18")
    if attributes.sender_nonce is None:
        yield Hit(REPLY_SENDER_NONCE if attributes.type is MessageType.CertRep else SENDER_NONCE, "there is none")
    for name, nonce in (("senderNonce", attributes.sender_nonce), ("recipientNonce", attributes.recipient_nonce)):
        if nonce is not None and len(nonce) != 16:
            yield Hit(NONCE_SIZE, f"{name} has {len(nonce)} octets")
    if info.attribute(oids.CHALLENGE_PASSWORD) is not None:
        yield Hit(CLEAR_SECRET, "a challengePassword is among the signed attributes, for all to read")


REPLY_ATTRIBUTES = Rule(
    "reply-attributes", "RFC 8894, 3.2.1", Level.MUST, "a CertRep has pkiStatus and recipientNonce", "Add them."
)
PKI_STATUS = Rule("pki-status", "RFC 8894, 3.2.1.3", Level.MUST, "the pkiStatus is 0, 2 or 3", "Write a known one.")
FAIL_INFO = Rule("fail-info", "RFC 8894, 3.2.1.4", Level.MUST, "FAILURE has a failInfo from 0 to 4", "Say why.")


def of_reply(message: PkiMessage) -> Iterator[Hit]:
    """Yield what is missing or wrong among the attributes of a CertRep."""
    attributes = message.attributes
    if message.signed.signer_info is None or attributes.type is not MessageType.CertRep:
        return
    for name, value in (("pkiStatus", attributes.pki_status), ("recipientNonce", attributes.recipient_nonce)):
        if value is None:
            yield Hit(REPLY_ATTRIBUTES, f"there is no {name}")
    if attributes.pki_status is not None and attributes.status is None:
        yield Hit(PKI_STATUS, f"it is {attributes.pki_status!r}")
    if attributes.status is PkiStatus.FAILURE and attributes.failure is None:
        yield Hit(FAIL_INFO, f"it is {attributes.fail_info!r}" if attributes.fail_info else "there is none")


TRANSACTION_ID = Rule("transaction-id", "RFC 8894, 3.2.1.1", Level.INFO, "what the transactionID was made of", "")


def transaction_id(message: PkiMessage) -> Iterator[Hit]:
    """Yield what the transactionID of a request was made of, where that is known."""
    attributes = message.attributes
    if message.signed.signer_info is None or attributes.type is MessageType.CertRep:
        return
    if message.csr is not None and attributes.transaction_id is not None:
        made = provenance(attributes.transaction_id, message.csr)
        if made:
            yield Hit(TRANSACTION_ID, made)


def provenance(transaction_id: str, csr: CertificationRequest) -> str:
    """Return what a transactionID was made of, and whose habit that is; "" where it is not known."""
    try:
        bits = der.read(csr.public_key_info).children()[1].value[1:]
    except (der.DerError, IndexError):
        bits = b""
    sources = (
        ("md5", csr.public_key_info, "MD5 of the SubjectPublicKeyInfo, as Cisco IOS and sscep do"),
        ("sha1", csr.public_key_info, "SHA-1 of the SubjectPublicKeyInfo, as strongSwan and jscep do"),
        ("sha256", csr.public_key_info, "SHA-256 of the SubjectPublicKeyInfo"),
        ("sha512", csr.public_key_info, "SHA-512 of the SubjectPublicKeyInfo"),
        ("md5", bits, "MD5 of the RSAPublicKey"),
        ("sha1", bits, "SHA-1 of the RSAPublicKey, as Apple does"),
        ("sha256", bits, "SHA-256 of the RSAPublicKey"),
    )
    sent = transaction_id.replace(":", "").lower()
    for name, octets, words in sources:
        if octets and hashlib.new(name, octets, usedforsecurity=False).hexdigest() == sent:
            return words
    return ""


RULES = (
    *(SCEP_ATTRIBUTES, ATTRIBUTE_TYPES, MESSAGE_TYPE, UPDATE_REQ, SENDER_NONCE, REPLY_SENDER_NONCE, NONCE_SIZE),
    *(CLEAR_SECRET, REPLY_ATTRIBUTES, PKI_STATUS, FAIL_INFO, TRANSACTION_ID),
)
