"""Faults of the SCEP attributes of a message (RFC 8894, 3.2.1)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from sceplab.analysis.faults.model import Fault, Hit, Level, Likelihood
from sceplab.asn1 import der, oids
from sceplab.cms.csr import CertificationRequest
from sceplab.scep.attributes import MessageType, PkiStatus
from sceplab.scep.message import PkiMessage

SCEP_ATTRIBUTES = Fault(
    "scep-attributes",
    "This is a CMS message without the SCEP attributes transactionID and messageType.",
    "Add the SCEP signed attributes.",
    section="RFC 8894, 3.2.1",
    level=Level.MUST,
    rule="transactionID and messageType are there",
    explains=Likelihood.CERTAIN,
)
ATTRIBUTE_TYPES = Fault(
    "attribute-types",
    "A SCEP attribute has another string type or number of values than RFC 8894 says.",
    "Write it as table 1 of RFC 8894 says (PrintableString, OCTET STRING for nonces).",
    section="RFC 8894, 3.2.1",
    level=Level.MUST,
    rule="attributes have the types of table 1",
    explains=Likelihood.POSSIBLE,
)
MESSAGE_TYPE = Fault(
    "message-type",
    "The messageType is not one that CAs know.",
    "Send 19 (PKCSReq), 17 (RenewalReq), 20 (CertPoll), 21, 22, or 3 in a reply.",
    section="RFC 8894, 3.2.1.2",
    level=Level.MUST,
    rule="the messageType is a known one",
    explains=Likelihood.CERTAIN,
)
UPDATE_REQ = Fault(
    "update-req",
    "The message is an UpdateReq (18), which RFC 8894 dropped.",
    "Send a RenewalReq (17).",
    section="RFC 8894, 3.2.1.2",
    level=Level.SHOULD,
    rule="UpdateReq (18) was dropped",
    seen="draft clients",
    explains=Likelihood.LIKELY,
)
SENDER_NONCE = Fault(
    "sender-nonce",
    "The request has no senderNonce.",
    "Add a senderNonce of 16 random bytes.",
    section="RFC 8894, 3.2.1.5",
    level=Level.MUST,
    rule="a request has a senderNonce",
    explains=Likelihood.LIKELY,
)
REPLY_SENDER_NONCE = Fault(
    "reply-sender-nonce",
    "The reply has no senderNonce.",
    "Nothing needs to be done: RFC 8894 allows it.",
    section="RFC 8894, 3.3.2",
    level=Level.INFO,
    rule="a CertRep may go without a senderNonce",
    seen="RFC's own sample",
)
NONCE_SIZE = Fault(
    "nonce-size",
    "A nonce does not have 16 bytes.",
    "Use 16 random bytes.",
    section="RFC 8894, 3.2.1",
    level=Level.SHOULD,
    rule="nonces have 16 bytes",
    seen="Apple 2016: 8",
)
CLEAR_SECRET = Fault(
    "clear-secret",
    "A challengePassword was sent unencrypted, among the signed attributes.",
    "Count it as known to others: change it, and put it into the CSR.",
    section="RFC 8894, 2.4",
    level=Level.MUST,
    rule="the challengePassword is encrypted",
    seen="Apple to NDES 2017",
    explains=Likelihood.POSSIBLE,
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
            yield Hit(NONCE_SIZE, f"{name} has {len(nonce)} bytes")
    if attributes.type is not MessageType.CertRep and attributes.recipient_nonce is not None:
        yield Hit(RECIPIENT_NONCE, f"recipientNonce {attributes.recipient_nonce.hex()[:64]}")
    if attributes.type is not MessageType.CertRep and attributes.sender_nonce == attributes.recipient_nonce is not None:
        yield Hit(EQUAL_NONCES, f"both are {attributes.recipient_nonce.hex()[:64]}")
    if attributes.transaction_id is not None and not attributes.transaction_id.isprintable():
        yield Hit(BINARY_TRANSACTION, f"it has {len(attributes.transaction_id)} characters, some of them not printable")
    if info.attribute(oids.CHALLENGE_PASSWORD) is not None:
        yield Hit(CLEAR_SECRET, "a challengePassword is among the signed attributes, for all to read")


RECIPIENT_NONCE = Fault(
    "recipient-nonce-in-request",
    "The request has a recipientNonce, which belongs in replies.",
    "Leave the recipientNonce out of requests.",
    section="RFC 8894, 3.2.1",
    level=Level.INFO,
    rule="a request has no recipientNonce",
)
EQUAL_NONCES = Fault(
    "equal-nonces",
    "senderNonce and recipientNonce are equal.",
    "Use 16 fresh random bytes as senderNonce.",
    section="RFC 8894, 3.2.1.5",
    level=Level.INFO,
    rule="the two nonces of a message differ",
)
BINARY_TRANSACTION = Fault(
    "binary-transaction-id",
    "The transactionID is binary, not printable text.",
    "Write it as a PrintableString, for example in hex.",
    section="RFC 8894, 3.2.1.1",
    level=Level.SHOULD,
    rule="the transactionID is a PrintableString",
    explains=Likelihood.POSSIBLE,
)
REPLY_ATTRIBUTES = Fault(
    "reply-attributes",
    "The reply lacks pkiStatus or recipientNonce.",
    "Add pkiStatus, and the request's senderNonce as recipientNonce.",
    section="RFC 8894, 3.2.1",
    level=Level.MUST,
    rule="a CertRep has pkiStatus and recipientNonce",
    explains=Likelihood.LIKELY,
)
PKI_STATUS = Fault(
    "pki-status",
    "The reply's pkiStatus is not one that RFC 8894 knows.",
    "Send 0 (SUCCESS), 2 (FAILURE) or 3 (PENDING).",
    section="RFC 8894, 3.2.1.3",
    level=Level.MUST,
    rule="the pkiStatus is 0, 2 or 3",
    explains=Likelihood.LIKELY,
)
FAIL_INFO = Fault(
    "fail-info",
    "The reply says FAILURE without a failInfo that RFC 8894 knows.",
    "Add failInfo 0 to 4, and a failInfoText with the reason.",
    section="RFC 8894, 3.2.1.4",
    level=Level.MUST,
    rule="FAILURE has a failInfo from 0 to 4",
)


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


TRANSACTION_ID = Fault(
    "transaction-id",
    "The transactionID was made from the key.",
    "Nothing needs to be done.",
    section="RFC 8894, 3.2.1.1",
    level=Level.INFO,
    rule="what the transactionID was made of",
)


def transaction_id(message: PkiMessage) -> Iterator[Hit]:
    """Yield how the transactionID of a request was computed, if known."""
    attributes = message.attributes
    if message.signed.signer_info is None or attributes.type is MessageType.CertRep:
        return
    if message.csr is not None and attributes.transaction_id is not None:
        made = provenance(attributes.transaction_id, message.csr)
        if made:
            yield Hit(TRANSACTION_ID, made)


def provenance(transaction_id: str, csr: CertificationRequest) -> str:
    """Return how a transactionID was computed, and which client does so; "" if unknown."""
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


FAULTS = (
    *(SCEP_ATTRIBUTES, ATTRIBUTE_TYPES, MESSAGE_TYPE, UPDATE_REQ, SENDER_NONCE, REPLY_SENDER_NONCE, NONCE_SIZE),
    *(CLEAR_SECRET, REPLY_ATTRIBUTES, PKI_STATUS, FAIL_INFO, TRANSACTION_ID),
    *(RECIPIENT_NONCE, EQUAL_NONCES, BINARY_TRANSACTION),
)
