"""Faults of a request and its reply together (RFC 8894, 3.2.1 and 3.3.2)."""

from __future__ import annotations

from collections.abc import Iterator

from sceplab.analysis.faults.model import Context, Fault, Hit, Level, Likelihood
from sceplab.analysis.faults.strength import digests_of
from sceplab.cms.keytransport import KeyTransRecipient
from sceplab.scep.attributes import MessageType, PkiStatus
from sceplab.scep.conversation import DecodedExchange
from sceplab.scep.message import PkiMessage

NONCE_ANSWER = Fault(
    "nonce-answer",
    "The reply repeats another nonce than the request sent.",
    "Discard the reply; look for a cache or a mixed-up connection in between.",
    section="RFC 8894, 3.2.1.5",
    level=Level.MUST,
    rule="recipientNonce is the request's senderNonce",
    explains=Likelihood.CERTAIN,
)
NONCE_COPIED = Fault(
    "nonce-copied",
    "The reply's senderNonce is a copy of the request's.",
    "Use 16 fresh random bytes in the reply.",
    section="RFC 8894, 3.2.1.5",
    level=Level.SHOULD,
    rule="the reply has a nonce of its own",
    seen="micromdm, step-ca, libscep",
)
TRANSACTION_ANSWER = Fault(
    "transaction-answer",
    "The reply has another transactionID than its request.",
    "Discard the reply; look for a cache or a proxy in between.",
    section="RFC 8894, 3.2.1.1",
    level=Level.MUST,
    rule="the reply has the request's transactionID",
    explains=Likelihood.CERTAIN,
)


def _attributes(request: PkiMessage, reply: PkiMessage) -> Iterator[Hit]:
    asked, answered = request.attributes, reply.attributes
    if answered.recipient_nonce is not None and answered.recipient_nonce != asked.sender_nonce:
        yield Hit(NONCE_ANSWER, f"{answered.recipient_nonce.hex()} is not {(asked.sender_nonce or b'').hex()}")
    if answered.sender_nonce is not None and answered.sender_nonce == asked.sender_nonce:
        yield Hit(NONCE_COPIED, "its senderNonce is the request's")
    if answered.transaction_id != asked.transaction_id:
        yield Hit(TRANSACTION_ANSWER, f"{answered.transaction_id!r} is not {asked.transaction_id!r}")


WEAKER_REPLY = Fault(
    "weaker-reply",
    "The reply uses weaker algorithms than the request.",
    "Have the CA answer with the request's digest and cipher.",
    section="RFC 8894, 3.5.2",
    level=Level.SHOULD,
    rule="the reply is as strong as the request",
    seen="micromdm: SHA-1 and DES",
)
# From weak to strong.
_DIGESTS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
_CIPHERS = ("des-cbc", "rc2-cbc", "bf-cbc", "des-ede3-cbc", "aes")


def _weaker(request: PkiMessage, reply: PkiMessage) -> Iterator[Hit]:
    sent, got = digests_of(request), digests_of(reply)
    if sent and got and min(map(_DIGESTS.index, got)) < min(map(_DIGESTS.index, sent)):
        weak, asked = min(got, key=_DIGESTS.index), min(sent, key=_DIGESTS.index)
        yield Hit(WEAKER_REPLY, f"{weak} in answer to {asked}")
    ciphers = [m.enveloped.cipher.name if m.enveloped and m.enveloped.cipher else "" for m in (request, reply)]
    ranks = [next((i for i, c in enumerate(_CIPHERS) if name.startswith(c)), -1) for name in ciphers]
    if -1 not in ranks and ranks[1] < ranks[0]:
        yield Hit(WEAKER_REPLY, f"{ciphers[1]} in answer to {ciphers[0]}")


REPLY_RECIPIENT = Fault(
    "reply-recipient",
    "The reply is encrypted for somebody other than the signer of the request.",
    "Have the CA encrypt for the certificate that signed the request.",
    section="RFC 8894, 3.2.2",
    level=Level.MUST,
    rule="the reply is encrypted for the request's signer",
    explains=Likelihood.CERTAIN,
)
REPLY_SIGNER = Fault(
    "reply-signer",
    "The reply is signed by a certificate that GetCACert did not return.",
    "Fetch GetCACert again, or have the server return the certificate that signs its replies.",
    section="RFC 8894, 3.3.2",
    level=Level.MUST,
    rule="the reply is signed by the CA (or RA) that was asked",
    explains=Likelihood.LIKELY,
)
ISSUED_KEY = Fault(
    "issued-key",
    "The issued certificate has another key than the request.",
    "Discard it and enroll again; check whether another request had this transactionID.",
    section="RFC 8894, 3.3.2.1",
    level=Level.MUST,
    rule="the issued certificate is for the request's key",
    explains=Likelihood.CERTAIN,
)
GET_CERT_PENDING = Fault(
    "get-cert-pending",
    "A GetCert or GetCRL was answered with PENDING.",
    "Answer it at once: SUCCESS or FAILURE.",
    section="RFC 8894, 4.5",
    level=Level.MUST,
    rule="GetCert and GetCRL are never PENDING",
    explains=Likelihood.LIKELY,
)


def answer(item: DecodedExchange, context: Context) -> Iterator[Hit]:
    """Yield values of a reply that do not fit its request."""
    request, reply = item.request, item.reply
    if request is None or reply is None:
        return
    yield from _attributes(request, reply)
    yield from _weaker(request, reply)
    signer = request.verification.signer
    recipients = reply.enveloped.recipients if reply.enveloped is not None else ()
    named = [r.identifier for r in recipients if isinstance(r, KeyTransRecipient)]
    if signer is not None and named and not any(i.matches(signer) for i in named):
        yield Hit(REPLY_RECIPIENT, f"it is for {named[0]}, the request was signed by {signer}")
    known = {c.public_key_info for c in context.ca_certificates}
    author = reply.verification.signer
    if known and author is not None and author.public_key_info not in known:
        # Some clients take a signer that the CA issued.
        issued_by = any(c.subject == author.issuer for c in context.ca_certificates)
        found = f"{author} is not among the certificates of GetCACert"
        yield Hit(REPLY_SIGNER, found, None, Likelihood.POSSIBLE if issued_by else None)
    issued, answers = item.issued, item.answers
    if issued is not None and answers is not None and issued.public_key_info != answers.public_key_info:
        yield Hit(ISSUED_KEY, f"{issued} has another key")
    if request.type in {MessageType.GetCert, MessageType.GetCRL} and reply.attributes.status is PkiStatus.PENDING:
        yield Hit(GET_CERT_PENDING, "PENDING")


FAULTS = (
    *(NONCE_ANSWER, NONCE_COPIED, TRANSACTION_ANSWER, WEAKER_REPLY),
    *(REPLY_RECIPIENT, REPLY_SIGNER, ISSUED_KEY, GET_CERT_PENDING),
)
