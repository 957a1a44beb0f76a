"""Enrollments that fail: messages, replies and exchanges, each with one thing changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

import sceplab
from sceplab.asn1 import der, oids
from sceplab.cms.signed import build_degenerate
from sceplab.scep import transport
from sceplab.scep.conversation import DecodedExchange, Materials, decode_exchanges
from sceplab.scep.transport import PKI_MESSAGE, Exchange, HttpReply, HttpRequest
from tests.helpers.captures import certificate, key
from tests.helpers.certificates import make_certificate

WHEN = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
NONCE = bytes(range(16))
CAPS = "AES\nDES3\nPOSTPKIOperation\nRenewal\nSHA-1\nSHA-256\nSHA-512\nSCEPStandard\n"


@cache
def new_key(bits: int = 2048, number: int = 0) -> rsa.RSAPrivateKey:
    """Return a key that the specimen does not use; each `number` gives another key."""
    assert number >= 0
    return rsa.generate_private_key(65537, bits)


def csr(own: rsa.RSAPrivateKey | None = None, *, subject: str = "device", challenge: str | None = "secret") -> bytes:
    """Return a PKCS#10 request."""
    name = sceplab.build_name([[sceplab.NameAttribute(oids.COMMON_NAME, subject, "PrintableString")]])
    return sceplab.build_csr(name, own or key("r3"), challenge_password=challenge)


def device_certificate(**changes: Any) -> bytes:
    """Return R3's self-signed certificate for its request."""
    return make_certificate("device", key("r3"), **changes)


def request(
    data: bytes | None = None,
    *,
    message_type: str = "19",
    transaction: str = "T1",
    nonce: bytes | None = NONCE,
    recipient_nonce: bytes | None = None,
    signer: bytes | None = None,
    signing_key: Any = None,
    recipients: Sequence[bytes] | None = None,
    **more: Any,
) -> bytes:
    """Return a request of R3 to the specimen's CA."""
    attributes = sceplab.ScepAttributes(message_type, transaction, nonce, recipient_nonce)
    draft = sceplab.draft_message(
        attributes,
        csr() if data is None else data,
        signer_certificate=signer or device_certificate(),
        recipients=[certificate("ca")] if recipients is None else recipients,
        **more,
    )
    return sceplab.encode_message(draft, signing_key or key("r3"))


def reply(
    status: str = "0",
    *,
    fail: str | None = None,
    text: str | None = None,
    transaction: str | None = "T1",
    nonce: bytes | None = NONCE,
    own_nonce: bytes | None = bytes(16),
    recipient: bytes | None = None,
    issued: Sequence[bytes] | None = None,
    data: bytes | None = None,
    signer: bytes | None = None,
    signing_key: Any = None,
    **more: Any,
) -> bytes:
    """Return the CA's CertRep; it encrypts `data` instead of certificates."""
    attributes = sceplab.ScepAttributes("3", transaction, own_nonce, nonce, status, fail, text)
    if data is None and status == "0":
        data = build_degenerate([issue()] if issued is None else issued)
    draft = sceplab.draft_message(
        attributes,
        data,
        signer_certificate=signer or certificate("ca"),
        recipients=[recipient or device_certificate()] if data is not None else [],
        **more,
    )
    return sceplab.encode_message(draft, signing_key or key("ca"))


def gcm_reply(**changes: Any) -> bytes:
    """Return a SUCCESS whose GCMParameters are as Go's pkcs7 (step-ca, micromdm) writes them."""
    made = sceplab.decode_message(reply(cipher="aes-128-gcm", **changes), keys=[key("r3")])
    draft = sceplab.draft_of(made, keys=[key("r3")])
    assert draft.envelope is not None
    nonce = der.read(draft.envelope.content_encryption.parameters or b"").children()[0].value
    inner = der.sequence(der.context(4, nonce, constructed=False), der.integer(16))
    algorithm = replace(draft.envelope.content_encryption, parameters=der.encode(0x10, inner))
    envelope = replace(draft.envelope, content_encryption=algorithm)
    return sceplab.encode_message(replace(draft, envelope=envelope), key("ca"))


def issue(own: rsa.RSAPrivateKey | None = None, subject: str = "device") -> bytes:
    """Return a certificate that the CA issues."""
    ca = sceplab.parse_certificate(certificate("ca")).subject.get(oids.COMMON_NAME)
    return make_certificate(subject, own or key("r3"), issuer=ca, signer=key("ca"), serial=99)


def posted(message: bytes, answer: bytes | HttpReply | None = None, *, when: datetime | None = WHEN) -> Exchange:
    """Return the exchange of a POST."""
    return _exchange(transport.build_request("PKIOperation", message=message, method="POST"), answer, when)


def got(message: bytes, answer: bytes | HttpReply | None = None, dialect: Any = transport.PLAIN) -> Exchange:
    """Return the exchange of a GET."""
    return _exchange(transport.build_request("PKIOperation", message=message, dialect=dialect), answer, WHEN)


def sent(target: str, answer: bytes | HttpReply | None = None, method: str = "GET", body: bytes = b"") -> Exchange:
    """Return the exchange of any request."""
    return _exchange(HttpRequest(method, target, (), body), answer, WHEN)


def _exchange(asked: HttpRequest, answer: bytes | HttpReply | None, when: datetime | None) -> Exchange:
    if isinstance(answer, bytes):
        answer = HttpReply(200, (("Content-Type", PKI_MESSAGE),), answer, "OK")
    return Exchange(asked, answer, "192.0.2.3:1", "192.0.2.1:80", when)


def caps(text: str = CAPS) -> Exchange:
    """Return a GetCACaps exchange."""
    answer = HttpReply(200, (("Content-Type", "text/plain"),), text.encode(), "OK")
    return _exchange(transport.build_request("GetCACaps"), answer, WHEN)


def ca(*certificates: bytes, kind: str = "") -> Exchange:
    """Return a GetCACert exchange."""
    single = len(certificates) == 1
    kind = kind or f"application/x-x509-ca-{'' if single else 'ra-'}cert"
    body = certificates[0] if single else build_degenerate(certificates)
    answer = HttpReply(200, (("Content-Type", kind),), body, "OK")
    return _exchange(transport.build_request("GetCACert"), answer, WHEN)


@cache
def materials() -> Materials:
    """Return the specimen's keys and the certificates of its CA and RA."""
    return Materials((key("ca"), key("ra"), key("r3")), (certificate("ca"), certificate("ra")))


def decode(*exchanges: Exchange) -> list[DecodedExchange]:
    """Decode a conversation with `materials`."""
    return decode_exchanges(exchanges, materials())


@dataclass(frozen=True)
class Scene:
    """A conversation, and the keys and certificates that its reader has."""

    exchanges: tuple[Exchange, ...]
    held: Materials

    def decode(self) -> list[DecodedExchange]:
        """Return the decoded conversation."""
        return decode_exchanges(self.exchanges, self.held)


def scene(*exchanges: Exchange, **held: Any) -> Scene:
    """Return a scene; `held` changes the keys and certificates of its reader."""
    return Scene(exchanges, replace(materials(), **held))
