"""The rules of RFC 8894, 5652, 2986 and 5280 that a message or an exchange may break.

Rule: a rule is data (`RULES`); the functions below only say where one is broken.
Decoding reads past everything; this is where it is judged. A MUST or SHOULD is
the RFC's; INFO is worth knowing and no fault. What is said about products was
seen in their messages or source.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric import rsa

from sceplab import schema
from sceplab.asn1 import der, oids
from sceplab.cms import algorithms
from sceplab.cms.csr import CertificationRequest
from sceplab.cms.keytransport import KeyTransRecipient
from sceplab.cms.name import Name
from sceplab.cms.password import PasswordRecipient
from sceplab.cms.signed import parse_signed
from sceplab.cms.verify import CheckName, Outcome
from sceplab.cms.x509 import Certificate, rsa_bits
from sceplab.scep.attributes import MessageType, PkiStatus
from sceplab.scep.capabilities import AES, POST, SHA256, Capability, offers, parse_caps, spelling
from sceplab.scep.conversation import DecodedExchange
from sceplab.scep.message import PkiMessage
from sceplab.scep.messagedata import CertsOnly
from sceplab.scep.transport import CA_CERT, CA_RA_CERT, NEXT_CA_CERT, OPERATIONS, PKI_MESSAGE


class Level(StrEnum):
    """How strongly a rule is meant."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Rule:
    """What is demanded, where that stands, how to mend it, and who is known to break it."""

    id: str
    section: str
    level: Level
    text: str
    mend: str
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that is broken: what was found, in which message ("[2] reply"), at which octet of it."""

    rule: Rule
    found: str
    where: str = ""
    offset: int | None = None

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.rule.level.value} {self.rule.id}: {self.found} ({self.rule.section})"


_M, _S, _I = Level.MUST, Level.SHOULD, Level.INFO
_OLD = "old Cisco IOS, sscep without -S/-E, micromdm scep (DES), MikroTik fall back to it"
_RULES = (
    # ---- one message: SignedData
    Rule("readable", "RFC 5652", _M, "the message is CMS that can be read", "Look at the octets at the offset."),
    Rule("ber", "RFC 5652, 3", _I, "DER is what everybody reads", "Write definite lengths.", "micromdm, jscep, iOS"),
    Rule("one-signer", "RFC 8894, 3.2", _M, "there is one SignerInfo", "Sign once."),
    Rule("content-type", "RFC 8894, 3.2", _M, "eContentType is data", "Write 1.2.840.113549.1.7.1."),
    Rule("signed-attributes", "RFC 8894, 3.2", _M, "the signature is over attributes", "Add signedAttrs."),
    Rule("cms-attributes", "RFC 5652, 11", _M, "contentType and messageDigest, one value each", "Add what is missing."),
    Rule("attribute-order", "RFC 5652, 5.4", _I, "signedAttrs are sent in DER order", "Sort them before signing."),
    Rule("digest", "RFC 5652, 5.4", _M, "messageDigest fits the content", "The content was changed after signing."),
    Rule("signature", "RFC 5652, 5.6", _M, "the signature verifies", "Is it the signer's key? Were octets changed?"),
    Rule(
        "signer-included", "RFC 8894, 2.3", _M, "a request brings its signer's certificate", "Put it in certificates."
    ),
    Rule("chain", "RFC 8894, 2.3", _M, "the signer's certificate leads to the CA", "Renew it, or trust its CA."),
    Rule(
        "validity", "RFC 5280, 4.1.2.5", _M, "the signer's certificate is valid at signing", "Renew it; set the clock."
    ),
    Rule("weak-digest", "RFC 8894, 2.9", _M, "MD5 is not used", "Use SHA-256.", _OLD),
    Rule("old-digest", "RFC 8894, 2.9", _I, "SHA-1 is for old peers only", "Use SHA-256.", "micromdm, Windows MDM"),
    Rule("weak-cipher", "RFC 8894, 2.9", _M, "single DES is not used", "Use AES-128-CBC.", _OLD),
    Rule("odd-cipher", "RFC 8894, 3.5.2", _S, "AES or 3DES is used", "Use AES-128-CBC.", "sscep -E blowfish"),
    Rule("old-cipher", "RFC 8894, 2.9", _I, "3DES is for old peers only", "Use AES-128-CBC.", "sscep, Apple, NDES"),
    Rule(
        "short-key",
        "NIST SP 800-131A",
        _S,
        f"RSA keys have {algorithms.MIN_RSA_BITS} bits or more",
        "Make a longer key.",
        "Cisco default 1024",
    ),
    # ---- one message: SCEP attributes
    Rule("scep-attributes", "RFC 8894, 3.2.1", _M, "transactionID and messageType are there", "Add them."),
    Rule("sender-nonce", "RFC 8894, 3.2.1.5", _M, "a request has a senderNonce", "Add 16 random octets."),
    Rule("reply-sender-nonce", "RFC 8894, 3.3.2", _I, "a CertRep may go without a senderNonce", "", "RFC's own sample"),
    Rule("nonce-size", "RFC 8894, 3.2.1", _S, "nonces have 16 octets", "Use 16 random octets.", "Apple 2016: 8"),
    Rule("attribute-types", "RFC 8894, 3.2.1", _M, "attributes have the types of table 1", "Change the string type."),
    Rule("message-type", "RFC 8894, 3.2.1.2", _M, "the messageType is a known one", "Write 3, 17, 19, 20, 21 or 22."),
    Rule("update-req", "RFC 8894, 3.2.1.2", _S, "UpdateReq (18) was dropped", "Send RenewalReq (17).", "draft clients"),
    Rule("reply-attributes", "RFC 8894, 3.2.1", _M, "a CertRep has pkiStatus and recipientNonce", "Add them."),
    Rule("pki-status", "RFC 8894, 3.2.1.3", _M, "the pkiStatus is 0, 2 or 3", "Write a known one."),
    Rule("fail-info", "RFC 8894, 3.2.1.4", _M, "FAILURE has a failInfo from 0 to 4", "Say why."),
    Rule(
        "clear-secret",
        "RFC 8894, 2.4",
        _M,
        "the challengePassword is encrypted",
        "Put it in the CSR.",
        "Apple to NDES 2017",
    ),
    Rule("transaction-id", "RFC 8894, 3.2.1.1", _I, "what the transactionID was made of", ""),
    # ---- one message: envelope and what is in it
    Rule("envelope", "RFC 8894, 3.2.2", _M, "the content is a pkcsPKIEnvelope", "Encrypt the messageData."),
    Rule("no-envelope", "RFC 8894, 3.3.2", _M, "FAILURE and PENDING have no envelope", "Leave it out."),
    Rule("enveloped-version", "RFC 5652, 6.1", _S, "the version fits the recipients", "0 by issuer and serial, 2, 3."),
    Rule("inner-type", "RFC 8894, 3.2.2", _M, "what is encrypted is data", "Write data.", "some send encryptedData"),
    Rule("message-data", "RFC 8894, 3.2", _M, "what is encrypted fits the messageType", "Encrypt the right structure."),
    Rule(
        "oaep", "RFC 8894, 3.1", _I, "OAEP is understood by few", "Use PKCS#1 v1.5 with unknown peers.", "Windows MDM"
    ),
    Rule("subject", "RFC 8894, 3.3.1", _M, "the request has a subject", "Name who asks."),
    Rule("possession", "RFC 2986, 3", _M, "the request is signed with its own key", "Sign it anew after any change."),
    Rule("challenge", "RFC 8894, 2.4", _I, "a first request has a challengePassword", "Ask the CA's operator for one."),
    Rule(
        "renewal-challenge",
        "RFC 8894, 2.4",
        _S,
        "a RenewalReq has no challengePassword",
        "Leave it out.",
        "step-ca asks",
    ),
    Rule(
        "self-signed-subject", "RFC 8894, 2.3", _S, "the self-signed certificate has the CSR's subject", "", "Cisco IOS"
    ),
    Rule("self-signed-key", "RFC 8894, 2.3", _S, "the self-signed certificate has the CSR's key", "", "Apple"),
    Rule("signer-usage", "RFC 8894, 2.3", _M, "the signer may sign and receive keys", "Set both keyUsage bits."),
    Rule("renewal-signer", "RFC 8894, 2.3", _M, "a RenewalReq is signed with the old certificate", "Do not self-sign."),
    Rule("renewal-key", "RFC 8894, 2.5", _S, "renewal is for a new key", "Make a new key pair.", "Apple, many MDMs"),
    Rule("degenerate", "RFC 8894, 3.4", _M, "certificates come without content and signers", "Leave both out."),
    Rule("serial", "RFC 5280, 4.1.2.2", _I, "serials are positive, 20 octets at most", "", "sscep, OpenSCEP: 32"),
    # ---- HTTP
    Rule("base64", "RFC 8894, 4.1", _S, "message= is base64 in one line, escaped", "", "Cisco IOS, jscep, micromdm"),
    Rule("operation", "RFC 8894, 4.1", _M, "operation= is a known one", "PKIOperation, GetCACert, GetCACaps ..."),
    Rule("http-status", "RFC 8894, 4.1", _M, "the reply is 200 OK", "Read the server's log.", "micromdm: 500 for all"),
    Rule(
        "no-reply", "RFC 8894, 4.1", _I, "every request has a reply", "Is the capture complete? Did the server answer?"
    ),
    Rule(
        "reply-type", "RFC 8894, 4.3", _S, "Content-Type is that of the operation", "Clients may refuse it.", "Entrust"
    ),
    Rule(
        "get-with-post", "RFC 8894, 4.1", _M, "POST is used where it is offered", "Use POST.", "Cisco IOS, strongSwan"
    ),
    Rule("caps-weak", "RFC 8894, 2.9", _S, "AES and SHA-256 are offered", "Offer AES, SHA-256, SCEPStandard.", "NDES"),
    Rule("caps-case", "RFC 8894, 3.5.2", _M, "capabilities are written as in the RFC", "Some clients compare octets."),
    Rule("caps-unknown", "RFC 8894, 3.5.2", _I, "capabilities that RFC 8894 does not know", "Clients ignore them."),
    Rule(
        "downgrade", "RFC 8894, 7.5", _I, "SCEPStandard is missing", "Old server, or somebody took it out on the way."
    ),
    Rule("ca-usage", "RFC 8894, 2.1.2", _M, "the CA certificate may sign and receive keys", "", "micromdm's CA"),
    Rule("ca-expired", "RFC 8894, 2.2", _M, "CA certificates are valid", "Fetch new ones."),
    # ---- request and reply together
    Rule("nonce-answer", "RFC 8894, 3.2.1.5", _M, "recipientNonce is the request's senderNonce", "Refuse the reply."),
    Rule("nonce-copied", "RFC 8894, 3.2.1.5", _S, "the reply has a nonce of its own", "", "micromdm, step-ca, libscep"),
    Rule("transaction-answer", "RFC 8894, 3.2.1.1", _M, "the reply has the request's transactionID", ""),
    Rule("weaker-reply", "RFC 8894, 3.5.2", _S, "the reply is as strong as the request", "", "micromdm: SHA-1 and DES"),
    Rule("reply-recipient", "RFC 8894, 3.2.2", _M, "the reply is encrypted for the request's signer", ""),
    Rule("reply-signer", "RFC 8894, 3.3.2", _M, "the reply is signed by the CA (or RA) that was asked", ""),
    Rule("issued-key", "RFC 8894, 3.3.2.1", _M, "the issued certificate is for the request's key", ""),
    Rule("not-offered", "RFC 8894, 3.5.2", _S, "algorithms are among those offered", "Use what GetCACaps lists."),
    Rule("renewal-offered", "RFC 8894, 3.5.2", _M, "RenewalReq only where Renewal is offered", "Send a PKCSReq."),
    Rule("get-cert-pending", "RFC 8894, 4.5", _M, "GetCert and GetCRL are never PENDING", ""),
    # ---- the whole conversation
    Rule(
        "nonce-reused", "RFC 8894, 3.2.1.5", _M, "each request has a fresh senderNonce", "Take random octets each time."
    ),
    Rule("transaction-reused", "RFC 8894, 3.2.1.1", _M, "another key has another transactionID", ""),
    Rule("poll-transaction", "RFC 8894, 4.4", _M, "a poll has the transactionID of its request", ""),
)
RULES = {rule.id: rule for rule in _RULES}

Hit = tuple[str, str, int | None]


def check_message(message: PkiMessage, where: str = "") -> list[Finding]:
    """Return what a message breaks by itself. Never raises on content."""
    hits = (*_signed(message), *_attributes(message), *_content(message), *_inside(message))
    return [Finding(RULES[i], found, where, offset) for i, found, offset in hits]


def check_exchanges(decoded: Sequence[DecodedExchange]) -> list[Finding]:
    """Return what a conversation breaks: each message, each pair, and all together, in order."""
    out: list[Finding] = []
    state = _State()
    for index, item in enumerate(decoded):
        for label, message in (("request", item.request), ("reply", item.reply)):
            if message is not None:
                out += check_message(message, f"[{index}] {label}")
        out += [Finding(RULES[i], found, f"[{index}]", offset) for i, found, offset in _exchange(item, state)]
    return out


def worst(findings: Iterable[Finding]) -> Level | None:
    """Return the strongest level among findings, None where there are none."""
    return min((f.rule.level for f in findings), key=list(Level).index, default=None)


# --------------------------------------------------------------- SignedData


def _signed(message: PkiMessage) -> Iterator[Hit]:
    signed, info = message.signed, message.signed.signer_info
    for problem in signed.problems:
        yield "readable", str(problem), problem.offset
    if message.raw[1:2] == b"\x80":
        yield "ber", "the length is indefinite", 0
    if len(signed.signer_infos) != 1:
        yield "one-signer", f"there are {len(signed.signer_infos)}", None
    if signed.content_type not in {"", oids.DATA}:
        yield "content-type", f"it is {oids.name_of(signed.content_type)}", None
    if info is None:
        return
    if not info.signed_attributes:
        yield "signed-attributes", "there are none", None
    for oid in (oids.CONTENT_TYPE, oids.MESSAGE_DIGEST) if info.signed_attributes else ():
        attribute = info.attribute(oid)
        count = 0 if attribute is None else len(attribute.values)
        if count != 1:
            yield "cms-attributes", f"{oids.name_of(oid)} has {count} values", None
    yield from _order(message)
    yield from _verification(message)
    yield from _strength(message)


def _order(message: PkiMessage) -> Iterator[Hit]:
    node = next((n for n in schema.walk(schema.describe(message.raw), 5000) if n.name == "signedAttrs"), None)
    if node is not None and any("SET OF" in finding for finding in node.findings):
        yield "attribute-order", "they are not sorted", node.start


def _verification(message: PkiMessage) -> Iterator[Hit]:
    checks = {c.name: c for c in message.verification.checks}
    signer = message.verification.signer
    for name in (CheckName.DIGEST, CheckName.SIGNATURE, CheckName.VALIDITY):
        if checks[name].outcome is Outcome.FAILED:
            yield name, checks[name].detail, None
    # A first request, and the polls for it, are self-signed.
    may = message.type is not MessageType.CertRep and signer is not None and signer.self_issued
    if checks[CheckName.CHAIN].outcome is Outcome.FAILED and not may:
        yield "chain", checks[CheckName.CHAIN].detail, None
    if message.type is not MessageType.CertRep and not message.verification.signer_in_message:
        yield "signer-included", checks[CheckName.SIGNER].detail, None


def _digests(message: PkiMessage) -> set[str]:
    info = message.signed.signer_info
    if info is None:
        return set()
    named = {algorithms.SIGNATURES.get(info.signature_algorithm.oid, ("", None))[1]}
    digest = algorithms.DIGESTS_BY_OID.get(info.digest_algorithm.oid)
    return {n for n in (digest.name if digest else None, *named) if n}


def _strength(message: PkiMessage) -> Iterator[Hit]:
    for name in sorted(_digests(message)):
        if name == "md5":
            yield "weak-digest", "MD5", None
        elif name == "sha1":
            yield "old-digest", "SHA-1", None
    signer = message.verification.signer
    bits = rsa_bits(signer.public_key_info) if signer is not None else None
    if bits is not None and bits < algorithms.MIN_RSA_BITS:
        yield "short-key", f"the signer's RSA key has {bits} bits", None
    if signer is not None and not 0 < signer.serial_number < 1 << 160:
        yield "serial", f"the signer's serial has {len(signer.serial)} octets", None


# --------------------------------------------------------------- SCEP attributes


def _attributes(message: PkiMessage) -> Iterator[Hit]:
    attributes, info = message.attributes, message.signed.signer_info
    if info is None:
        return
    codes = {"missing": "scep-attributes", "string-type": "attribute-types", "values": "attribute-types"}
    for problem in attributes.problems:
        if problem.code in codes:
            yield codes[problem.code], f"expected {problem.expected}, found {problem.found}", problem.offset
    if attributes.message_type is not None and attributes.type is None:
        yield "message-type", f"it is {attributes.message_type!r}", None
    if attributes.type is MessageType.UpdateReq:
        yield "update-req", "messageType 18", None
    reply = attributes.type is MessageType.CertRep
    if attributes.sender_nonce is None:
        yield ("reply-sender-nonce" if reply else "sender-nonce"), "there is none", None
    for name, nonce in (("senderNonce", attributes.sender_nonce), ("recipientNonce", attributes.recipient_nonce)):
        if nonce is not None and len(nonce) != 16:
            yield "nonce-size", f"{name} has {len(nonce)} octets", None
    if info.attribute(oids.CHALLENGE_PASSWORD) is not None:
        yield "clear-secret", "a challengePassword is among the signed attributes, for all to read", None
    if reply:
        yield from _reply_attributes(message)
    elif message.csr is not None and attributes.transaction_id is not None:
        made = provenance(attributes.transaction_id, message.csr)
        if made:
            yield "transaction-id", made, None


def _reply_attributes(message: PkiMessage) -> Iterator[Hit]:
    attributes = message.attributes
    for name, value in (("pkiStatus", attributes.pki_status), ("recipientNonce", attributes.recipient_nonce)):
        if value is None:
            yield "reply-attributes", f"there is no {name}", None
    if attributes.pki_status is not None and attributes.status is None:
        yield "pki-status", f"it is {attributes.pki_status!r}", None
    if attributes.status is PkiStatus.FAILURE and attributes.failure is None:
        yield "fail-info", f"it is {attributes.fail_info!r}" if attributes.fail_info else "there is none", None


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


# --------------------------------------------------------------- envelope and content


def _content(message: PkiMessage) -> Iterator[Hit]:
    attributes, enveloped = message.attributes, message.enveloped
    needs = attributes.type is not None and attributes.type is not MessageType.CertRep
    needs = needs or attributes.status is PkiStatus.SUCCESS
    if attributes.status in {PkiStatus.FAILURE, PkiStatus.PENDING} and message.signed.content:
        yield "no-envelope", f"{attributes.status.name} with {len(message.signed.content)} octets of content", None
        return
    if enveloped is None:
        if needs:
            yield "envelope", "there is no content", None
        return
    for problem in enveloped.problems:
        yield "envelope", str(problem), problem.offset
    if not enveloped.recipients:
        return
    cipher = enveloped.cipher
    name = cipher.name if cipher is not None else enveloped.content_encryption.name
    if name == "des-cbc":
        yield "weak-cipher", "single DES", None
    elif name == "des-ede3-cbc":
        yield "old-cipher", "3DES", None
    elif not name.startswith("aes-"):
        yield "odd-cipher", name, None
    if enveloped.content_type not in {"", oids.DATA}:
        yield "inner-type", f"it is {oids.name_of(enveloped.content_type)}", None
    expected = 0
    for recipient in enveloped.recipients:
        if isinstance(recipient, PasswordRecipient):
            expected = 3
        elif isinstance(recipient, KeyTransRecipient):
            if recipient.identifier.issuer is None:
                expected = max(expected, 2)
            if recipient.key_encryption.oid == oids.RSAES_OAEP:
                yield "oaep", "the content key is encrypted with RSAES-OAEP", None
    if enveloped.version != expected:
        yield "enveloped-version", f"it is {enveloped.version}, should be {expected}", None


def _inside(message: PkiMessage) -> Iterator[Hit]:
    data = message.message_data
    if data is None:
        return
    for problem in data.problems:
        yield "message-data", str(problem), problem.offset
    if isinstance(data, CertsOnly):
        signed = parse_signed(data.raw)
        if signed.content is not None or signed.signer_infos:
            yield "degenerate", f"content or {len(signed.signer_infos)} signers inside", None
    if not isinstance(data, CertificationRequest) or data.problems:
        return
    yield from _request(message, data)


def _request(message: PkiMessage, csr: CertificationRequest) -> Iterator[Hit]:
    signer, renewal = message.verification.signer, message.type is MessageType.RenewalReq
    if not csr.subject.rdns:
        yield "subject", "it is empty", None
    proof = message.proof_of_possession
    if proof is not None and proof.outcome is Outcome.FAILED:
        yield "possession", proof.detail, None
    bits = rsa_bits(csr.public_key_info)
    if bits is not None and bits < algorithms.MIN_RSA_BITS:
        yield "short-key", f"the request's RSA key has {bits} bits", None
    if signer is None:
        return
    if renewal:
        if csr.challenge_password is not None:
            yield "renewal-challenge", "there is one", None
        if signer.self_issued:
            yield "renewal-signer", f"signed by the self-signed {signer.subject}", None
        if signer.public_key_info == csr.public_key_info:
            yield "renewal-key", "the key is the old one", None
    elif signer.self_issued:
        if not csr.challenge_password:
            yield "challenge", "there is none, and the signer is self-signed", None
        if _said(signer.subject) != _said(csr.subject):
            yield "self-signed-subject", f"{signer.subject} signs for {csr.subject}", None
        if signer.public_key_info != csr.public_key_info:
            yield "self-signed-key", "the keys are not the same", None
    missing = lacking_usage(signer)
    if missing and isinstance(_key(signer), rsa.RSAPublicKey):
        yield "signer-usage", f"{signer.subject} lacks {missing}", None


def _said(name: Name) -> list[set[tuple[str, str]]]:
    """Return a name without its string types: RFC 5280 7.1 compares values, whatever case and type."""
    return [{(a.oid, " ".join(a.value.split()).casefold()) for a in rdn} for rdn in name.rdns]


def _key(certificate: Certificate) -> object:
    try:
        return certificate.public_key()
    except ValueError:
        return None


def lacking_usage(certificate: Certificate) -> str:
    """Return which keyUsage bits SCEP needs and the certificate lacks ("" where it has them, or says nothing)."""
    usage = certificate.key_usage
    if usage is None:
        return ""
    return " and ".join(bit for bit in ("digitalSignature", "keyEncipherment") if bit not in usage)


# --------------------------------------------------------------- exchanges


@dataclass(slots=True)
class _State:
    """What earlier exchanges told."""

    caps: tuple[str, ...] | None = None
    ca_certificates: tuple[Certificate, ...] = ()
    nonces: frozenset[bytes] = frozenset()
    keys: tuple[tuple[str, bytes], ...] = ()  # transactionID, SubjectPublicKeyInfo


_TYPES = {
    "GetCACert": {CA_CERT, CA_RA_CERT},
    "GetNextCACert": {NEXT_CA_CERT},
    "PKIOperation": {PKI_MESSAGE},
}


def _exchange(item: DecodedExchange, state: _State) -> Iterator[Hit]:
    operation, reply = item.operation, item.exchange.reply
    name = operation.operation if operation is not None else ""
    if operation is not None and item.exchange.client:
        if name not in OPERATIONS:
            yield "operation", f"it is {name[:40]!r}", None
        if reply is None:
            yield "no-reply", f"{name} was not answered", None
    for problem in operation.problems if operation is not None else ():
        yield "base64", str(problem), problem.offset
    if reply is not None and item.exchange.client:
        if reply.status != 200:
            yield "http-status", f"{reply.status} {reply.reason}".strip(), None
        else:
            kind = (reply.header("Content-Type") or "").partition(";")[0].strip().lower()
            if name in _TYPES and kind not in _TYPES[name]:
                yield "reply-type", f"{name} answered with {kind or 'no Content-Type'}", None
            if name == "GetCACaps":
                state.caps = parse_caps(reply.body)
                yield from _caps(state.caps)
    if item.ca_certificates:
        if name == "GetCACert":
            state.ca_certificates = item.ca_certificates
        yield from _ca_certificates(item)
    if (
        name == "PKIOperation"
        and operation is not None
        and operation.method == "GET"
        and offers(state.caps or (), *POST)
    ):
        yield "get-with-post", "GET, though the server takes POST", None
    yield from _offers(item, state)
    if item.request is not None and item.reply is not None:
        yield from _pair(item, item.request, item.reply, state)
    if item.request is not None:
        yield from _history(item.request, state)


def _caps(caps: Sequence[str]) -> Iterator[Hit]:
    for word in caps:
        right = spelling(word)
        if right is None:
            yield "caps-unknown", word[:40], None
        elif right != word:
            yield "caps-case", f"{word} instead of {right}", None
    if not offers(caps, Capability.STANDARD):
        yield "downgrade", f"offered: {', '.join(caps)[:120] or 'nothing'}", None
        missing = [c for c in (Capability.AES, Capability.SHA256) if not offers(caps, c)]
        if missing:
            yield "caps-weak", f"not offered: {', '.join(missing)}", None


def _ca_certificates(item: DecodedExchange) -> Iterator[Hit]:
    combined = {bit for c in item.ca_certificates for bit in (c.key_usage or ("digitalSignature", "keyEncipherment"))}
    missing = [bit for bit in ("digitalSignature", "keyEncipherment") if bit not in combined]
    if missing:
        yield "ca-usage", f"none of the certificates has {' or '.join(missing)}", None
    for certificate in item.ca_certificates:
        if item.exchange.time and certificate.not_after and item.exchange.time > certificate.not_after:
            yield "ca-expired", f"{certificate.subject} expired {certificate.not_after:%Y-%m-%d}", None


_CIPHER_CAPS = {"aes": AES, "des-ede3": (Capability.DES3,)}
_DIGEST_CAPS = {"sha256": SHA256, "sha512": (Capability.SHA512,), "sha1": (Capability.SHA1,)}


def _offers(item: DecodedExchange, state: _State) -> Iterator[Hit]:
    message = item.request
    if message is None or state.caps is None:
        return
    cipher = message.enveloped.cipher if message.enveloped is not None else None
    if cipher is not None:
        wanted = next((caps for start, caps in _CIPHER_CAPS.items() if cipher.name.startswith(start)), None)
        if wanted is not None and not offers(state.caps, *wanted):
            yield "not-offered", f"{cipher.name} is used, the server offers {', '.join(state.caps) or 'nothing'}", None
    for digest in sorted(_digests(message)):
        if digest in _DIGEST_CAPS and not offers(state.caps, *_DIGEST_CAPS[digest]):
            yield "not-offered", f"{digest} is used, the server offers {', '.join(state.caps) or 'nothing'}", None
    if message.type is MessageType.RenewalReq and not offers(state.caps, Capability.RENEWAL):
        yield "renewal-offered", f"the server offers {', '.join(state.caps) or 'nothing'}", None


_STRENGTH = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
_CIPHER_STRENGTH = ("des-cbc", "rc2-cbc", "bf-cbc", "des-ede3-cbc", "aes")


def _pair(item: DecodedExchange, request: PkiMessage, reply: PkiMessage, state: _State) -> Iterator[Hit]:
    asked, answered = request.attributes, reply.attributes
    if answered.recipient_nonce is not None and answered.recipient_nonce != asked.sender_nonce:
        yield "nonce-answer", f"{answered.recipient_nonce.hex()} is not {(asked.sender_nonce or b'').hex()}", None
    if answered.sender_nonce is not None and answered.sender_nonce == asked.sender_nonce:
        yield "nonce-copied", "its senderNonce is the request's", None
    if answered.transaction_id != asked.transaction_id:
        yield "transaction-answer", f"{answered.transaction_id!r} is not {asked.transaction_id!r}", None
    yield from _weaker(request, reply)
    signer = request.verification.signer
    recipients = reply.enveloped.recipients if reply.enveloped is not None else ()
    named = [r.identifier for r in recipients if isinstance(r, KeyTransRecipient)]
    if signer is not None and named and not any(i.matches(signer) for i in named):
        yield "reply-recipient", f"it is for {named[0]}, the request was signed by {signer}", None
    known = {c.public_key_info for c in state.ca_certificates}
    author = reply.verification.signer
    if known and author is not None and author.public_key_info not in known:
        yield "reply-signer", f"{author} is not among the certificates of GetCACert", None
    issued, answers = item.issued, item.answers
    if issued is not None and answers is not None and issued.public_key_info != answers.public_key_info:
        yield "issued-key", f"{issued} has another key", None
    if request.type in {MessageType.GetCert, MessageType.GetCRL} and answered.status is PkiStatus.PENDING:
        yield "get-cert-pending", "PENDING", None


def _weaker(request: PkiMessage, reply: PkiMessage) -> Iterator[Hit]:
    sent, got = _digests(request), _digests(reply)
    if sent and got and min(map(_STRENGTH.index, got)) < min(map(_STRENGTH.index, sent)):
        yield "weaker-reply", f"{min(got, key=_STRENGTH.index)} in answer to {min(sent, key=_STRENGTH.index)}", None
    ciphers = [m.enveloped.cipher.name if m.enveloped and m.enveloped.cipher else "" for m in (request, reply)]
    ranks = [next((i for i, c in enumerate(_CIPHER_STRENGTH) if name.startswith(c)), -1) for name in ciphers]
    if -1 not in ranks and ranks[1] < ranks[0]:
        yield "weaker-reply", f"{ciphers[1]} in answer to {ciphers[0]}", None


def _history(message: PkiMessage, state: _State) -> Iterator[Hit]:
    attributes = message.attributes
    nonce, transaction = attributes.sender_nonce, attributes.transaction_id
    if nonce is not None:
        if nonce in state.nonces:
            yield "nonce-reused", f"{nonce.hex()} was sent before", None
        state.nonces |= {nonce}
    if transaction is None:
        return
    if message.type is MessageType.CertPoll and state.keys and transaction not in {t for t, _ in state.keys}:
        yield "poll-transaction", f"no request had {transaction[:64]!r}", None
    if message.csr is not None:
        key = message.csr.public_key_info
        if any(t == transaction and k != key for t, k in state.keys):
            yield "transaction-reused", f"{transaction[:64]!r} was another key's", None
        state.keys += ((transaction, key),)


# --------------------------------------------------------------- as JSON and SARIF


def finding_facts(finding: Finding) -> dict[str, Any]:
    """Return a finding with its rule."""
    rule = finding.rule
    return {
        "id": rule.id,
        "level": rule.level.value,
        "section": rule.section,
        "where": finding.where,
        "offset": finding.offset,
        "demanded": rule.text,
        "found": finding.found,
        "mend": rule.mend,
        "seenIn": rule.seen,
    }


_SARIF_LEVELS = {Level.MUST: "error", Level.SHOULD: "warning", Level.INFO: "note"}


def to_sarif(findings: Sequence[Finding], file: str) -> dict[str, Any]:
    """Return findings as a SARIF 2.1.0 log (OASIS), which code scanners read."""
    rules = {f.rule.id: f.rule for f in findings}
    return {
        "version": "2.1.0",
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "sceplab",
                        "rules": [
                            {
                                "id": rule.id,
                                "shortDescription": {"text": rule.text},
                                "help": {"text": f"{rule.section}. {rule.mend}".strip()},
                            }
                            for rule in rules.values()
                        ],
                    }
                },
                "results": [
                    {
                        "ruleId": f.rule.id,
                        "level": _SARIF_LEVELS[f.rule.level],
                        "message": {"text": f"{f.where}: {f.found}"},
                        "locations": [{"physicalLocation": {"artifactLocation": {"uri": quote(file)}}}],
                    }
                    for f in findings
                ],
            }
        ],
    }
