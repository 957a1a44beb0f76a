"""For each rule a conversation that breaks it, except for rules that a scene of `causes` breaks."""

from __future__ import annotations

from collections.abc import Callable

import sceplab
from sceplab import schema
from sceplab.asn1 import der
from sceplab.cms import algorithms
from sceplab.cms.sign import SignedDraft, build_signed
from sceplab.cms.signature import signature_algorithm_for
from sceplab.cms.x509 import build_identifier
from sceplab.scep.transport import HttpReply
from tests.helpers import forge
from tests.helpers import scenes as s
from tests.helpers.captures import key
from tests.helpers.scenes import Scene, scene


def _overwrite(message: bytes, path_end: str, octet: int, at: int = -1, *, start: bool = False) -> bytes:
    """Return the message with one byte of a field replaced: a byte of its content, or the field's first byte."""
    root = schema.describe(message)
    node = next(n for n in schema.nodes_of(root) if schema.path_of(schema.find(root, n.start)).endswith(path_end))
    while node.children and not start:
        node = node.children[-1]
    place = node.start if start else range(node.content_start, node.content_end)[at]
    return message[:place] + bytes((octet,)) + message[place + 1 :]


def _without_attributes() -> bytes:
    signer = sceplab.parse_certificate(s.device_certificate())
    algorithm = algorithms.AlgorithmIdentifier(algorithms.DIGESTS["sha256"].oid, der.NULL_ELEMENT)
    scheme = signature_algorithm_for(key("r3").public_key(), "sha256", "rsaEncryption")
    draft = SignedDraft(build_identifier(signer), (signer.der,), (), algorithm, scheme)
    return build_signed(draft, sceplab.decode_message(s.request()).signed.content, key("r3"))


def _without_content() -> bytes:
    draft = sceplab.draft_message(
        sceplab.ScepAttributes("19", "T1", s.NONCE), None, signer_certificate=s.device_certificate()
    )
    return sceplab.encode_message(draft, key("r3"))


def renewal(challenge: str | None, own: object = None) -> bytes:
    """Return a RenewalReq, with a separate signing key if one is given."""
    return s.request(s.csr(own, challenge=challenge), message_type="17", signer=s.issue())  # type: ignore[arg-type]


def _nameless() -> bytes:
    return sceplab.build_csr(sceplab.build_name([]), key("r3"), challenge_password="secret")


def _negative_serial() -> bytes:
    message = s.request()
    assert message.count(b"\x02\x01\x4d") >= 2
    return message.replace(b"\x02\x01\x4d", b"\x02\x01\xcd")


def _as_html() -> HttpReply:
    return HttpReply(200, (("Content-Type", "text/html"),), s.reply(), "OK")


def _forged(name: str) -> Scene:
    return scene(s.posted(forge.FORGERIES[name][0]()), certificates=(forge.octets(forge.ca()),))


def _below_an_old_ca() -> Scene:
    anchor = forge.make("Forge CA", forge.fresh_key("ca"), ca=True, days=5)
    return scene(s.posted(forge.message(forge.good().info())), certificates=(forge.octets(anchor),))


MD5_OF_KEY = sceplab.transaction_id_of(sceplab.parse_csr(s.csr()).public_key_info, "md5")

# Only rules that no scene of `causes` breaks.
BROKEN: dict[str, Callable[[], Scene]] = {
    "attribute-types": lambda: scene(s.posted(_overwrite(s.request(), "messageType.messageType", 0x0C, start=True))),
    "caps-case": lambda: scene(s.caps("aes\nSHA-256\n")),
    "caps-unknown": lambda: scene(s.caps(s.CAPS + "Update\n")),
    "cms-attributes": lambda: scene(s.posted(_overwrite(s.request(), "signedAttrs.messageDigest.attrType", 0x2A))),
    "content-type": lambda: scene(s.posted(_overwrite(s.request(), "encapContentInfo.eContentType", 5))),
    "degenerate": lambda: scene(s.posted(s.request(), s.reply(data=s.request()))),
    "envelope": lambda: scene(s.posted(_without_content())),
    "enveloped-version": lambda: scene(s.posted(_overwrite(s.request(), "eContent.content.version", 7))),
    "fail-info": lambda: scene(s.posted(s.request(), s.reply("2"))),
    "gcm-parameters": lambda: scene(s.posted(s.request(), s.gcm_reply())),
    "get-with-post": lambda: scene(s.caps(), s.got(s.request(), s.reply())),
    "inner-type": lambda: scene(s.posted(_overwrite(s.request(), "encryptedContentInfo.contentType", 6))),
    "no-envelope": lambda: scene(s.posted(s.request(), s.reply("2", fail="2", data=s.csr()))),
    "nonce-copied": lambda: scene(s.posted(s.request(), s.reply(own_nonce=s.NONCE))),
    "nonce-size": lambda: scene(s.posted(s.request(nonce=b"12345678"))),
    "odd-cipher": lambda: scene(s.posted(s.request(cipher="bf-cbc"))),
    "old-cipher": lambda: scene(s.posted(s.request(cipher="des-ede3-cbc"))),
    "old-digest": lambda: scene(s.posted(s.request(digest="sha1"))),
    "weak-cipher": lambda: scene(s.posted(s.request(cipher="des-cbc"))),
    "weak-digest": lambda: scene(s.posted(s.request(digest="md5"))),
    "weaker-reply": lambda: scene(s.posted(s.request(), s.reply(digest="sha1"))),
    "pki-status": lambda: scene(s.posted(s.request(), s.reply("7"))),
    "renewal-challenge": lambda: scene(s.posted(renewal("secret", s.new_key()))),
    "renewal-key": lambda: scene(s.posted(renewal(None))),
    "repeated-attribute": lambda: _forged("messageType twice"),
    "reply-attributes": lambda: scene(s.posted(s.request(), s.reply(nonce=None))),
    "reply-sender-nonce": lambda: scene(s.posted(s.request(), s.reply(own_nonce=None))),
    "reply-type": lambda: scene(s.posted(s.request(), _as_html())),
    "serial": lambda: scene(s.posted(_negative_serial())),
    "signature-algorithm": lambda: _forged("RSA with another digest"),
    "signer-key-usage": lambda: _forged("a keyUsage that does not sign"),
    "signer-revoked": lambda: _forged("a CRL that revokes the signer"),
    "signed-attributes": lambda: scene(s.posted(_without_attributes())),
    "subject": lambda: scene(s.posted(s.request(_nameless()))),
    "transaction-id": lambda: scene(s.posted(s.request(transaction=MD5_OF_KEY))),
    "trusted-ca": _below_an_old_ca,
    "update-req": lambda: scene(s.posted(s.request(message_type="18"))),
}
