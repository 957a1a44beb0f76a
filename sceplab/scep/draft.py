"""Draft a new pkiMessage, or return the draft of a decoded one (RFC 8894, 3).

Rule: this module combines the drafts of the layers; each layer's module builds
its own. `encode_message(draft_of(m), key)` equals m byte for byte.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from sceplab.asn1 import der, oids
from sceplab.cms import algorithms
from sceplab.cms.algorithms import AlgorithmIdentifier
from sceplab.cms.attribute import Attribute, build_attribute
from sceplab.cms.cipher import RandomBytes, cipher_identifier
from sceplab.cms.enveloped import EnvelopeDraft, draft_of_enveloped
from sceplab.cms.keytransport import KeyTransDraft, draft_key_transport
from sceplab.cms.password import PasswordDraft, draft_password
from sceplab.cms.sign import SignedDraft, draft_of_signed
from sceplab.cms.signature import signature_algorithm_for
from sceplab.cms.x509 import (
    Certificate,
    CertificateLike,
    build_identifier,
    build_time,
    certificate_of,
    der_of,
    load_public_key,
)
from sceplab.errors import BuildError
from sceplab.scep.attributes import ScepAttributes, build_attributes
from sceplab.scep.message import MessageDraft, PkiMessage


def draft_of(
    message: PkiMessage, *, keys: Sequence[rsa.RSAPrivateKey] = (), passwords: Sequence[bytes] = ()
) -> MessageDraft:
    """Return the draft of a decoded message, so that `encode_message` can make it again.

    `keys` (or `passwords`) must open every recipient's key, to recover the random
    padding. Raises BuildError if something cannot be recovered.
    """
    signed = draft_of_signed(message.signed)
    if message.enveloped is None:
        return MessageDraft(signed, content=message.signed.content)
    if message.opened is None:
        raise BuildError(f"the envelope was not opened: {message.decrypt_error}")
    envelope = draft_of_enveloped(message.enveloped, message.opened, keys=keys, passwords=passwords)
    return MessageDraft(signed, envelope, message.opened.plaintext)


def draft_message(
    attributes: ScepAttributes,
    message_data: bytes | None,
    *,
    signer_certificate: CertificateLike,
    recipients: Sequence[CertificateLike] = (),
    password: bytes | None = None,
    digest: str = "sha256",
    cipher: str = "aes-128-cbc",
    signature_scheme: str = "rsaEncryption",
    key_transport: str = "rsaEncryption",
    certificates: Sequence[CertificateLike] | None = None,
    signing_time: datetime | None = None,
    extra_attributes: Sequence[Attribute] = (),
    content_key: bytes | None = None,
    iv: bytes | None = None,
    padding: Sequence[bytes] = (),
    empty_content: bool = False,
    random: RandomBytes = secrets.token_bytes,
) -> MessageDraft:
    """Draft a new pkiMessage around `message_data` (None: without an envelope).

    Args:
        attributes: The SCEP attributes (messageType, transactionID, senderNonce ...).
        message_data: DER of the CSR, IssuerAndSubject ... that goes into the envelope.
        signer_certificate: Its key type decides the kind of signature.
        recipients: Certificates with RSA keys to encrypt for.
        password: challengePassword to encrypt with instead (for EC keys; RFC 8894, 3.1).
        digest: Name in `algorithms.DIGESTS`.
        cipher: Name in `algorithms.CIPHERS`.
        signature_scheme: "rsaEncryption", "digestWithRSA" or "pss" for RSA keys.
        key_transport: "rsaEncryption" (PKCS#1 v1.5) or "oaep" (with the same digest).
        certificates: What SignedData carries; the signer's alone by default.
        signing_time: Adds the signingTime attribute.
        extra_attributes: Further signed attributes, values as DER.
        content_key: The key of the content; random by default.
        iv: The IV or nonce; random by default.
        padding: The random bytes for each recipient (see `KeyTransDraft.randomness`); random by default.
        empty_content: Without message_data, send an empty OCTET STRING rather than nothing.
        random: Where random bytes come from.

    Raises:
        BuildError: If the arguments do not match.
    """
    if digest not in algorithms.DIGESTS:
        raise BuildError(f"{digest} is not one of {', '.join(algorithms.DIGESTS)}")
    if cipher not in algorithms.CIPHERS:
        raise BuildError(f"{cipher} is not one of {', '.join(algorithms.CIPHERS)}")
    signed = _draft_signed(
        attributes,
        certificate_of(signer_certificate),
        digest,
        signature_scheme,
        tuple(map(der_of, (signer_certificate,) if certificates is None else certificates)),
        _sorted_attributes(attributes, signing_time, extra_attributes, digest),
    )
    if message_data is None:
        return MessageDraft(signed, content=b"" if empty_content else None)
    algorithm = algorithms.CIPHERS[cipher]
    content_key = random(algorithm.key_length) if content_key is None else content_key
    iv = random(12 if algorithm.mode == "gcm" else algorithm.block_length) if iv is None else iv
    drafts: list[KeyTransDraft | PasswordDraft] = []
    for index, recipient in enumerate(recipients):
        given = padding[index] if index < len(padding) else None
        drafts.append(
            draft_key_transport(certificate_of(recipient), key_transport, digest, len(content_key), given, random)
        )
    if password is not None:
        drafts.append(draft_password(password, algorithm, random))
    if not drafts:
        raise BuildError("nobody to encrypt for: give a recipient's certificate, or a password")
    version = 3 if password is not None else 0
    envelope = EnvelopeDraft(tuple(drafts), content_key, cipher_identifier(algorithm, iv), version)
    return MessageDraft(signed, envelope, message_data)


def _draft_signed(
    attributes: ScepAttributes,
    signer: Certificate,
    digest: str,
    scheme: str,
    certificates: tuple[bytes, ...],
    signed_attributes: tuple[Attribute, ...],
) -> SignedDraft:
    if attributes.message_type is None or attributes.transaction_id is None:
        raise BuildError("a SCEP message needs messageType and transactionID (RFC 8894, 3.2.1)")
    try:
        key = load_public_key(signer.public_key_info)
    except ValueError as error:
        raise BuildError(f"the signer's certificate has no key that can sign: {error}") from error
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise BuildError(f"a {type(key).__name__} cannot sign a SCEP message here")
    if scheme not in {"rsaEncryption", "digestWithRSA", "pss"}:
        raise BuildError(f"{scheme} is not one of rsaEncryption, digestWithRSA, pss")
    return SignedDraft(
        build_identifier(signer),
        certificates,
        signed_attributes,
        AlgorithmIdentifier(algorithms.DIGESTS[digest].oid, der.NULL_ELEMENT),
        signature_algorithm_for(key, digest, scheme),
    )


def _sorted_attributes(
    attributes: ScepAttributes, signing_time: datetime | None, extra: Sequence[Attribute], digest: str
) -> tuple[Attribute, ...]:
    """Put all signed attributes into DER order; contentType and messageDigest still have no values."""
    length = algorithms.DIGESTS[digest].make().digest_size
    stand_ins = {
        oids.CONTENT_TYPE: Attribute(oids.CONTENT_TYPE, (der.oid(oids.DATA),)),
        # The digest's bytes come after the OID, which already decides the order.
        oids.MESSAGE_DIGEST: Attribute(oids.MESSAGE_DIGEST, (der.encode(der.OCTET_STRING, bytes(length)),)),
    }
    everything = [*stand_ins.values(), *build_attributes(attributes), *extra]
    if signing_time is not None:
        everything.append(Attribute(oids.SIGNING_TIME, (build_time(signing_time),)))
    everything.sort(key=build_attribute)
    return tuple(Attribute(a.oid, ()) if a in stand_ins.values() else a for a in everything)
