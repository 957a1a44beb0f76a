"""What a step of the walk needs, and one sentence where the capture or the keys at hand lack it.

Rule: a need is judged by fields of the decoded message, or by the library that a
step uses, never by words. Each returns an empty text where it is met.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import unquote

from asn1crypto import cms
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sceplab.asn1 import oids
from sceplab.asn1.scan import CUT, GARBAGE, INDEFINITE, TRAILING, scan
from sceplab.cms.csr import verify_csr
from sceplab.cms.keytransport import KeyTransRecipient
from sceplab.cms.signed import SignerInfo
from sceplab.cms.verify import CheckName, Outcome, SignedForm
from sceplab.cms.x509 import load_public_key
from sceplab.scep.message import PkiMessage
from sceplab.scep.messagedata import CertsOnly
from sceplab.scep.transport import PLAIN, build_request
from sceplab.walk.settings import CERTIFICATES, FILE, KEYS
from sceplab.walk.story import Story

_AES_BLOCK = 16
_SET = f"Name its file in {FILE} or in {KEYS}."


def _specimen(story: Story) -> str:
    return "" if story.specimen else "This is true only of the specimen."


def _get(story: Story) -> str:
    if story.operation.message_text is not None:
        return ""
    return "The message came in the body of a POST: nothing is URL-encoded, and nothing is base64."


def _plain_base64(story: Story) -> str:
    lacking = _get(story)
    if lacking:
        return lacking
    text = story.operation.message_text or ""
    try:
        plain = base64.b64decode(unquote(text)) == story.message.raw
    except ValueError:
        plain = False
    return "" if plain else "Plain base64 decoding does not give the message: see the deviations below."


def _url(story: Story) -> str:
    lacking = _get(story)
    if lacking:
        return lacking
    written = build_request(
        "PKIOperation",
        path=story.exchange.request.target.partition("?")[0] if story.exchange.request is not None else "",
        message=story.message.raw,
        dialect=story.operation.dialect or PLAIN,
    )
    captured = story.exchange.request.target if story.exchange.request is not None else ""
    return "" if written.target == captured else "The captured URL has more in it than path, operation and message."


def _der(story: Story) -> str:
    scanned = scan(story.message.raw)
    bad = INDEFINITE | CUT | GARBAGE | TRAILING
    if len(scanned.flags) and not any(flag & bad for flag in scanned.flags):
        return ""
    return "This message is BER with indefinite lengths, or it is damaged: the twelve lines read only DER."


def _signed(story: Story) -> str:
    if story.message.signed.signer_infos:
        return ""
    problem = next(iter(story.message.signed.problems), None)
    why = f" ({problem})" if problem is not None else ""
    return f"What was sent cannot be read as a signed message{why}."


def _signer(story: Story) -> str:
    lacking = _signed(story)
    if lacking:
        return lacking
    return "" if story.message.verification.signer is not None else "The signer's certificate is not at hand."


def _intact(story: Story) -> str:
    return "" if story.message.verification.intact else "Digest and signature of this message do not both pass."


def _signed_attributes(story: Story) -> str:
    info = story.message.signed.signer_info
    lacking = _signed(story)
    if lacking or (info is not None and info.signed_attributes):
        return lacking
    return "The message has no signed attributes."


def _scep_attributes(story: Story) -> str:
    if story.message.signed.content is None:
        return "The content is not in the message."
    info = story.message.signed.signer_info
    wanted = (oids.TRANSACTION_ID, oids.SENDER_NONCE, oids.MESSAGE_DIGEST)
    missing = [oids.name_of(oid) for oid in wanted if info is None or info.attribute(oid) is None]
    return f"The message has no {missing[0]} among its signed attributes." if missing else ""


def _pkcs1_signature(story: Story) -> str:
    lacking = _intact(story) or _signer(story)
    signer, info = story.message.verification.signer, story.message.signed.signer_info
    if lacking or signer is None or info is None:
        return lacking
    if not isinstance(load_public_key(signer.public_key_info), rsa.RSAPublicKey):
        return "The signer's key is not an RSA key."
    if info.signature_algorithm.oid == oids.RSASSA_PSS:
        return "The signature is RSASSA-PSS, not PKCS#1 v1.5."
    covers = story.message.verification.covers
    if covers is not SignedForm.AS_SENT:
        return "The signature does not cover the attributes in the order in which they were sent."
    return _loads(partial(_verify, signer.public_key_info, info), "cryptography", "signature")


def _verify(public_key_info: bytes, info: SignerInfo) -> None:
    """Verify as the cell does: with the digest that digestAlgorithm names."""
    key = load_public_key(public_key_info)
    digest = getattr(hashes, info.digest_algorithm.name.upper(), None)
    if digest is None or not isinstance(key, rsa.RSAPublicKey):
        raise ValueError(f"no such hash: {info.digest_algorithm.name}")
    covered = b"\x31" + info.signed_attributes_raw[1:]
    key.verify(info.signature, covered, padding.PKCS1v15(), digest())


def _envelope(story: Story) -> str:
    if story.message.enveloped is not None and story.message.enveloped.recipients:
        return ""
    return "This message has no envelope that could be read."


def _opened(story: Story) -> str:
    return _envelope(story) or _sealed(story.message, "request")


def _sealed(message: PkiMessage, what: str) -> str:
    if message.opened is not None:
        return ""
    recipients = message.enveloped.recipients if message.enveloped is not None else ()
    whom = "; ".join(str(r) for r in recipients[:3]) or "a recipient that could not be read"
    return f"The {what} is encrypted for {whom}. The private key of that certificate is not at hand. {_SET}"


def _key(story: Story) -> str:
    lacking = _opened(story)
    if lacking or story.key is not None:
        return lacking
    return "A password opened this envelope, not a private key."


def _rsa_key_transport(story: Story) -> str:
    return _key(story) or _pkcs1(story.message)


def _pkcs1(message: PkiMessage) -> str:
    opened = message.opened
    if opened is None or not isinstance(opened.recipient, KeyTransRecipient):
        return "The content key is not encrypted with an RSA key."
    algorithm = opened.recipient.key_encryption
    return "" if algorithm.oid == oids.RSA_ENCRYPTION else f"The content key is encrypted with {algorithm.name}."


def _aes_cbc(message: PkiMessage) -> str:
    cipher = message.enveloped.cipher if message.enveloped is not None else None
    if cipher is None:
        return "The content encryption is not known."
    if cipher.mode == "cbc" and cipher.block_length == _AES_BLOCK and message.enveloped is not None:
        return ""
    return f"The content is encrypted with {cipher.name}, not with AES in CBC mode."


def _recipient_certificate(story: Story) -> str:
    lacking = _key(story)
    if lacking or story.recipient is not None:
        return lacking
    return f"The recipient's certificate is not at hand. Name its file in {FILE} or in {CERTIFICATES}."


def _csr(story: Story) -> str:
    lacking = _opened(story)
    if lacking or story.csr is not None:
        return lacking
    kind = story.message.type.name if story.message.type is not None else "message of an unknown type"
    return f"This is a {kind}: the content of its envelope cannot be read as a certificate request."


def _asn1crypto(story: Story) -> str:
    return _loads(lambda: _touch(story.message.raw), "asn1crypto", "message")


def _touch(data: bytes) -> None:
    """Read what the cells read by hand."""
    content = cms.ContentInfo.load(data)["content"]
    for info in content["signer_infos"]:
        _ = info.native
    _ = [c.chosen.dump() for c in content["certificates"]], content["encap_content_info"]["content"].native


def _loads(load: Callable[[], object], library: str, what: str) -> str:
    try:
        load()
    except (ValueError, TypeError, KeyError, AttributeError, UnsupportedAlgorithm, InvalidSignature) as error:
        return f"{library} cannot read this {what} ({_short(error)}); sceplab reads it as far as it goes."
    return ""


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _cryptography_csr(story: Story) -> str:
    from cryptography import x509

    lacking = _csr(story)
    if lacking:
        return lacking
    data = story.message.opened.plaintext if story.message.opened is not None else b""

    def load() -> None:
        request = x509.load_der_x509_csr(data)
        _ = (
            request.subject,
            request.attributes,
            request.extensions,
            request.public_key(),
            request.signature_hash_algorithm,
        )

    return _loads(load, "cryptography", "request")


def _rsa_csr(story: Story) -> str:
    lacking = _csr(story)
    if lacking or story.csr is None:
        return lacking
    if not isinstance(load_public_key(story.csr.public_key_info), rsa.RSAPublicKey):
        return "The key in the request is not an RSA key."
    if story.csr.signature_algorithm.oid == oids.RSASSA_PSS:
        return "The request is signed with RSASSA-PSS, not PKCS#1 v1.5."
    passed = verify_csr(story.csr).outcome is Outcome.PASSED
    return "" if passed else "The signature of this request does not fit the key in it."


def _ca(story: Story) -> str:
    if story.anchors:
        return ""
    return f"The CA's certificate is not at hand. Name its file in {FILE} or in {CERTIFICATES}."


def _chained(story: Story) -> str:
    lacking = _ca(story) or _signer(story)
    if lacking:
        return lacking
    check = story.message.verification[CheckName.CHAIN]
    return (
        "" if check.outcome is Outcome.PASSED else f"The signer's certificate does not chain to the CA: {check.detail}."
    )


def _http_reply(story: Story) -> str:
    return "" if story.exchange.reply is not None else "The capture has no reply to this request."


def _reply(story: Story) -> str:
    if story.reply is not None and story.reply.signed.signer_infos:
        return ""
    if story.exchange.reply is None:
        return "The capture has no reply to this request."
    status = story.exchange.reply.status
    return f"The reply is not a pkiMessage (HTTP status {status if status is not None else 'not recorded'})."


def _reply_opened(story: Story) -> str:
    lacking = _reply(story)
    if lacking or story.reply is None:
        return lacking
    if story.reply.enveloped is None:
        status = story.reply.attributes.status
        return f"A reply with pkiStatus {status.name if status is not None else 'unknown'} has no envelope."
    return _sealed(story.reply, "reply")


def _reply_key(story: Story) -> str:
    lacking = _reply_opened(story)
    if lacking or story.reply is None or story.reply_key is not None:
        return lacking
    return "A password opened this envelope, not a private key."


def _issued(story: Story) -> str:
    lacking = _reply_opened(story)
    if lacking or story.reply is None or isinstance(story.reply.message_data, CertsOnly):
        return lacking
    return "The content of the reply's envelope is not a certificates-only message."


NEEDS: Mapping[str, Callable[[Story], str]] = {
    "specimen": _specimen,
    "get": _get,
    "plain-base64": _plain_base64,
    "url": _url,
    "der": _der,
    "signed": _signed,
    "signer": _signer,
    "asn1crypto": _asn1crypto,
    "ca": _ca,
    "chain": _chained,
    "intact": _intact,
    "signed-attributes": _signed_attributes,
    "scep-attributes": _scep_attributes,
    "pkcs1-signature": _pkcs1_signature,
    "envelope": _envelope,
    "opened": _opened,
    "key": _key,
    "pkcs1": _rsa_key_transport,
    "aes-cbc": lambda story: _opened(story) or _aes_cbc(story.message),
    "recipient-certificate": _recipient_certificate,
    "csr": _csr,
    "cryptography": _cryptography_csr,
    "rsa-csr": _rsa_csr,
    "http-reply": _http_reply,
    "reply": _reply,
    "reply-opened": _reply_opened,
    "reply-key": _reply_key,
    "reply-pkcs1": lambda story: _reply_key(story) or (_pkcs1(story.reply) if story.reply else ""),
    "reply-aes-cbc": lambda story: _reply_opened(story) or (_aes_cbc(story.reply) if story.reply else ""),
    "issued": _issued,
}
"""Name of a need, as `%%needs` takes it: what is lacking in a story, "" where nothing is."""


def lacking(story: Story, names: str) -> str:
    """Return what a story lacks of the needs named, in one sentence; "" where nothing. Raises KeyError."""
    return next((found for name in names.split() if (found := NEEDS[name](story))), "")
