"""For each cause a conversation that shows it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec

import sceplab
from sceplab.asn1 import oids
from sceplab.cms import algorithms
from sceplab.cms.attribute import Attribute
from sceplab.scep import messagedata, transport
from sceplab.scep.transport import HttpReply
from tests.helpers import scenes as s
from tests.helpers.captures import as_ber, certificate, key
from tests.helpers.certificates import make_certificate
from tests.helpers.scenes import Scene, scene

_POLL = b"\x30\x00"


@cache
def _refused() -> bytes:
    return s.reply("2", fail="2")


def _other_ca() -> bytes:
    return make_certificate("Other CA", s.new_key(number=1), ca=True)


@cache
def _poll_refused() -> bytes:
    return s.reply("2", fail="2", transaction="T2", nonce=b"\x07" * 16)


def _poll(transaction: str) -> bytes:
    subject = sceplab.parse_csr(s.csr()).subject
    data = messagedata.build_issuer_and_subject(sceplab.parse_certificate(certificate("ca")).subject, subject)
    return s.request(data, message_type="20", transaction=transaction, nonce=b"\x07" * 16)


def _renewal(signer: bytes, own: object) -> bytes:
    return s.request(s.csr(s.new_key(), challenge=None), message_type="17", signer=signer, signing_key=own)


def _flip(message: bytes, name: str) -> bytes:
    from sceplab import schema

    node = next(n for n in schema.nodes_of(schema.describe(message)) if n.name == name and not n.children)
    at = node.content_start + (node.content_end - node.content_start) // 2
    return message[:at] + bytes((message[at] ^ 4,)) + message[at + 1 :]


def _plus_lost() -> Scene:
    careless = transport.Base64Dialect(escaped="")
    target = transport.build_request("PKIOperation", message=s.request(), dialect=careless).target
    assert "+" in target
    return scene(s.sent(target.replace("+", " "), HttpReply(500, (), b"", "Internal Server Error")))


def _status(code: int, reason: str = "", headers: tuple[tuple[str, str], ...] = ()) -> Scene:
    return scene(s.posted(s.request(), HttpReply(code, headers, b"", reason)))


def _with_clear_secret() -> bytes:
    secret = Attribute(oids.CHALLENGE_PASSWORD, (b"\x13\x06secret",))
    return s.request(extra_attributes=[secret])


def _not_scep() -> bytes:
    from sceplab.asn1 import der
    from sceplab.cms.sign import SignedDraft, build_signed
    from sceplab.cms.signature import signature_algorithm_for
    from sceplab.cms.x509 import build_identifier

    signer = sceplab.parse_certificate(s.device_certificate())
    algorithm = algorithms.AlgorithmIdentifier(algorithms.DIGESTS["sha256"].oid, der.NULL_ELEMENT)
    scheme = signature_algorithm_for(key("r3").public_key(), "sha256", "rsaEncryption")
    attributes = (Attribute(oids.CONTENT_TYPE, ()), Attribute(oids.MESSAGE_DIGEST, ()))
    draft = SignedDraft(build_identifier(signer), (signer.der,), attributes, algorithm, scheme)
    content = sceplab.decode_message(s.request()).signed.content
    return build_signed(draft, content, key("r3"))


@cache
def _ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _expired() -> bytes:
    return s.device_certificate(days=10)


def _early() -> bytes:
    return s.device_certificate(start=s.WHEN + timedelta(days=2))


# cause -> the conversation that shows it
SCENES: dict[str, Callable[[], Scene]] = {
    "no-reply": lambda: scene(s.posted(s.request())),
    "forbidden": lambda: _status(403, "Forbidden"),
    "not-found": lambda: _status(404, "Not Found"),
    "method": lambda: _status(405, "Method Not Allowed"),
    "too-long": lambda: _status(414, "URI Too Long"),
    "redirect": lambda: _status(302, "Found", (("Location", "https://elsewhere.example/"),)),
    "server-error": lambda: _status(500, "Internal Server Error"),
    "http-error": lambda: _status(418, "I'm a teapot"),
    "empty-reply": lambda: scene(s.posted(s.request(), b"")),
    "html-reply": lambda: scene(s.posted(s.request(), b"<html>login</html>")),
    "reply-base64": lambda: scene(s.posted(s.request(), base64.encodebytes(s.reply()))),
    "not-a-message": lambda: scene(s.posted(s.request(), b"error 17")),
    "broken-reply": lambda: scene(s.posted(s.request(), s.reply()[:-90])),
    "plus-lost": _plus_lost,
    "raw-plus": lambda: scene(s.got(s.request(), HttpReply(500), transport.JSCEP)),
    "url-alphabet": lambda: scene(s.got(s.request(), HttpReply(500), transport.MICROMDM)),
    "escaped-twice": lambda: scene(
        s.sent(s.got(s.request()).request.target.replace("%", "%25"), HttpReply(500))  # type: ignore[union-attr]
    ),
    "posted-base64": lambda: scene(
        s.sent(
            "/scep?operation=PKIOperation",
            HttpReply(500),
            "POST",
            transport.encode_message_value(s.request(), transport.JSCEP).encode(),
        )
    ),
    "cut-off": lambda: scene(s.sent(s.got(s.request()).request.target[:1500], HttpReply(500))),  # type: ignore[union-attr]
    "operation": lambda: scene(s.sent("/scep?operation=PkiOperations&message=MII", HttpReply(200, (), b"what?"))),
    "digest": lambda: scene(s.posted(_flip(s.request(), "encryptedContent"), s.reply("2", fail="1"))),
    "signature": lambda: scene(s.posted(_flip(s.request(), "signature"), s.reply("2", fail="1"))),
    "possession": lambda: scene(s.posted(s.request(s.csr()[:-1] + b"\x01"), _refused())),
    "signer-included": lambda: scene(s.posted(s.request(certificates=[]), _refused())),
    "scep-attributes": lambda: scene(s.posted(_not_scep(), HttpReply(500))),
    "sender-nonce": lambda: scene(s.posted(s.request(nonce=None), _refused())),
    "message-type": lambda: scene(s.posted(s.request(message_type="23"), _refused())),
    "csr-is-other": lambda: scene(s.posted(s.request(_POLL), _refused())),
    "validity": lambda: scene(s.posted(s.request(signer=_expired()), _refused())),
    "validity-early": lambda: scene(s.posted(s.request(signer=_early()), _refused())),
    "clock": lambda: scene(s.posted(s.request(signing_time=s.WHEN - timedelta(days=9)), s.reply("2", fail="3"))),
    "chain": lambda: scene(
        s.posted(
            s.request(
                signer=make_certificate("ra", key("r3"), issuer="Other CA", signer=s.new_key(number=1)),
            ),
            _refused(),
        )
    ),
    "signer-usage": lambda: scene(s.posted(s.request(signer=s.device_certificate(usage=(True, False))), _refused())),
    "self-signed-key": lambda: scene(s.posted(s.request(s.csr(s.new_key())), _refused())),
    "self-signed-subject": lambda: scene(s.posted(s.request(s.csr(subject="another name")), _refused())),
    "renewal-signer": lambda: scene(s.caps(), s.posted(_renewal(s.device_certificate(), key("r3")), _refused())),
    "renewal-offered": lambda: scene(s.caps("AES\nSHA-256\n"), s.posted(_renewal(s.issue(), key("r3")), _refused())),
    "not-offered": lambda: scene(
        s.caps("DES3\nSHA-1\n"), s.posted(s.request(cipher="aes-256-cbc"), s.reply("2", fail="0"))
    ),
    "short-key": lambda: scene(s.posted(s.request(s.csr(s.new_key(1024))), _refused())),
    "oaep": lambda: scene(s.posted(s.request(key_transport="oaep"), HttpReply(500))),
    "ber": lambda: scene(s.posted(as_ber(s.request()), HttpReply(500))),
    "clear-secret": lambda: scene(s.posted(_with_clear_secret(), _refused())),
    "wrong-recipient": lambda: scene(
        s.ca(certificate("ca")), s.posted(s.request(recipients=[_other_ca()]), HttpReply(500))
    ),
    "signing-only-recipient": lambda: scene(
        s.ca(only := make_certificate("CA", key("ca"), usage=(True, False), ca=True)),
        s.posted(s.request(recipients=[only]), HttpReply(500)),
    ),
    "request-for-another-key": lambda: scene(
        s.posted(s.request(recipients=[_other_ca()]), HttpReply(500)), keys=(key("ca"),)
    ),
    "no-encryption-key": lambda: scene(
        s.posted(s.request(signer=make_certificate("device", _ec_key()), signing_key=_ec_key()), _refused())
    ),
    "no-challenge": lambda: scene(s.posted(s.request(s.csr(challenge=None)), _refused())),
    "wrong-challenge": lambda: scene(s.posted(s.request(), _refused()), passwords=(b"Secret ",)),
    "challenge-unknown": lambda: scene(s.posted(s.request(), _refused())),
    "pending": lambda: scene(s.posted(s.request(), s.reply("3"))),
    "server-says": lambda: scene(s.posted(s.request(), s.reply("2", fail="2", text="quota used up"))),
    "badAlg": lambda: scene(s.posted(s.request(), s.reply("2", fail="0"))),
    "badMessageCheck": lambda: scene(s.posted(s.request(), s.reply("2", fail="1"))),
    "badRequest": lambda: scene(s.posted(s.request(), _refused())),
    "badTime": lambda: scene(s.posted(s.request(), s.reply("2", fail="3"))),
    "badCertId": lambda: scene(s.posted(s.request(), s.reply("2", fail="4"))),
    "nonce-answer": lambda: scene(s.posted(s.request(), s.reply(nonce=b"\x01" * 16))),
    "transaction-answer": lambda: scene(s.posted(s.request(), s.reply(transaction="T2"))),
    "reply-recipient": lambda: scene(s.posted(s.request(), s.reply(recipient=certificate("ra")))),
    "reply-signer": lambda: scene(
        s.ca(certificate("ca")),
        s.posted(s.request(), s.reply("2", fail="2", signer=_other_ca(), signing_key=s.new_key(number=1))),
    ),
    "issued-key": lambda: scene(s.posted(s.request(), s.reply(issued=[s.issue(s.new_key())]))),
    "get-cert-pending": lambda: scene(
        s.posted(
            s.request(
                messagedata.build_issuer_and_serial(sceplab.parse_certificate(certificate("ca")).subject, b"\x05"),
                message_type="21",
            ),
            s.reply("3"),
        )
    ),
    "ca-expired": lambda: scene(s.ca(make_certificate("Old CA", s.new_key(), days=5, ca=True))),
    "poll-transaction": lambda: scene(s.posted(s.request(), s.reply("3")), s.posted(_poll("T2"), _poll_refused())),
    "transaction-reused": lambda: scene(
        s.posted(s.request(), s.reply("3")), s.posted(s.request(s.csr(s.new_key()), nonce=b"\x02" * 16), _refused())
    ),
    "nonce-reused": lambda: scene(s.posted(s.request(), s.reply("3")), s.posted(s.request(), _refused())),
}
