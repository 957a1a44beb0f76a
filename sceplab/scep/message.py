"""The whole onion: a pkiMessage taken apart and put together (RFC 8894, 3).

Rule: nothing here reads bytes itself; each layer's module does. This one knows
only the order of the layers, downward in `decode_message` and upward in
`encode_message`. `encode_message(draft_of(m), key)` gives m back, octet for octet.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from sceplab.asn1 import der, oids
from sceplab.cms import algorithms
from sceplab.cms.algorithms import AlgorithmIdentifier, ContentCipher
from sceplab.cms.attribute import Attribute, build_attribute
from sceplab.cms.csr import CertificationRequest, verify_csr
from sceplab.cms.enveloped import (
    EnvelopedData,
    EnvelopeDraft,
    KeyTransDraft,
    Opened,
    PasswordDraft,
    RandomBytes,
    build_enveloped,
    decrypt,
    draft_of_enveloped,
    nonzero,
    parse_enveloped,
)
from sceplab.cms.signed import (
    Check,
    SignedData,
    SignedDraft,
    SigningKey,
    Verification,
    build_signed,
    draft_of_signed,
    parse_signed,
    signature_algorithm_for,
    verify_signed,
)
from sceplab.cms.trust import Trust
from sceplab.cms.x509 import Certificate, build_identifier, load_public_key, parse_certificate
from sceplab.errors import BuildError, DecryptError, Problem
from sceplab.scep.attributes import MessageType, ScepAttributes, build_attributes, parse_attributes
from sceplab.scep.messagedata import MessageData, parse_message_data


@dataclass(frozen=True, slots=True)
class PkiMessage:
    """A pkiMessage with every layer that could be read.

    `enveloped` is None where the message has no pkcsPKIEnvelope (FAILURE and
    PENDING). `opened` is None where no key fitted; `decrypt_error` then says why.
    """

    raw: bytes
    signed: SignedData
    attributes: ScepAttributes
    verification: Verification
    enveloped: EnvelopedData | None = None
    opened: Opened | None = None
    decrypt_error: str = ""
    message_data: MessageData | None = None
    proof_of_possession: Check | None = None

    @property
    def type(self) -> MessageType | None:
        """The messageType, None if absent or unknown."""
        return self.attributes.type

    @property
    def csr(self) -> CertificationRequest | None:
        """The PKCS#10 request, where there is one and it could be decrypted."""
        return self.message_data if isinstance(self.message_data, CertificationRequest) else None

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was met and read past, outermost layer first."""
        layers = (self.signed, self.attributes, self.enveloped, self.message_data)
        return tuple(p for layer in layers if layer is not None for p in layer.problems)


def decode_message(
    data: bytes,
    *,
    keys: Sequence[rsa.RSAPrivateKey] = (),
    certificates: Sequence[bytes] = (),
    passwords: Sequence[bytes] = (),
    trust: Trust | None = None,
    at: datetime | None = None,
) -> PkiMessage:
    """Take a pkiMessage apart, BER or DER, as far as it can be read. Never raises on content.

    `keys` are private keys that may open the envelope, `passwords` challenge
    passwords for the same, `certificates` DER certificates that help to find the
    signer and to match keys to recipients. With `trust` the signer's chain is
    validated, at the moment `at` or the message's own signingTime.
    """
    signed = parse_signed(data)
    info = signed.signer_info
    attributes = parse_attributes(info.signed_attributes if info else ())
    verification = verify_signed(signed, certificates=certificates, trust=trust, at=at)
    if not signed.content:
        return PkiMessage(data, signed, attributes, verification)
    enveloped = parse_enveloped(signed.content)
    opened = None
    decrypt_error = ""
    message_data: MessageData | None = None
    proof = None
    if enveloped.recipients or not enveloped.problems:
        try:
            opened = decrypt(enveloped, keys=keys, certificates=certificates, passwords=passwords)
        except DecryptError as error:
            decrypt_error = str(error)
    else:
        decrypt_error = "the pkcsPKIEnvelope could not be read"
    if opened is not None:
        message_data = parse_message_data(attributes.type, opened.plaintext)
        if isinstance(message_data, CertificationRequest):
            proof = verify_csr(message_data)
    return PkiMessage(data, signed, attributes, verification, enveloped, opened, decrypt_error, message_data, proof)


# --------------------------------------------------------------- putting together


@dataclass(frozen=True, slots=True)
class MessageDraft:
    """All that goes into a pkiMessage apart from the signer's private key.

    No digest, signature, ciphertext or encrypted key is in it: `encode_message`
    makes them. Without `envelope`, `content` is what eContent holds: None to
    leave it out (RFC 8894, 3.3.2.2), b"" for an empty OCTET STRING, which more
    clients take.
    """

    signed: SignedDraft
    envelope: EnvelopeDraft | None = None
    message_data: bytes | None = field(default=None, repr=False)
    content: bytes | None = None


def encode_message(draft: MessageDraft, key: SigningKey) -> bytes:
    """Encrypt, sign and write a pkiMessage (DER, or the captured BER form of a rebuilt one).

    The same draft and RSA key give the same octets. Raises BuildError.
    """
    content = draft.content
    if draft.envelope is not None:
        if draft.message_data is None:
            raise BuildError("an envelope needs messageData")
        content = build_enveloped(draft.envelope, draft.message_data)
    return build_signed(draft.signed, content, key)


def draft_of(
    message: PkiMessage, *, keys: Sequence[rsa.RSAPrivateKey] = (), passwords: Sequence[bytes] = ()
) -> MessageDraft:
    """Return what went into a decoded message, so that `encode_message` can make it again.

    `keys` (or `passwords`) must open every recipient's key, to recover the random
    padding. Raises BuildError where something cannot be recovered.
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
    signer_certificate: bytes,
    recipients: Sequence[bytes] = (),
    password: bytes | None = None,
    digest: str = "sha256",
    cipher: str = "aes-128-cbc",
    signature_scheme: str = "rsaEncryption",
    key_transport: str = "rsaEncryption",
    certificates: Sequence[bytes] | None = None,
    signing_time: datetime | None = None,
    extra_attributes: Sequence[Attribute] = (),
    content_key: bytes | None = None,
    iv: bytes | None = None,
    padding: Sequence[bytes] = (),
    empty_content: bool = False,
    random: RandomBytes = secrets.token_bytes,
) -> MessageDraft:
    """Lay out a new pkiMessage around `message_data` (None: without an envelope).

    Args:
        attributes: The SCEP attributes (messageType, transactionID, senderNonce ...).
        message_data: DER of the CSR, IssuerAndSubject ... that goes into the envelope.
        signer_certificate: DER; its key type decides the kind of signature.
        recipients: DER certificates with RSA keys to encrypt for.
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
        padding: The random octets for each recipient (see `KeyTransDraft.randomness`); random by default.
        empty_content: Without message_data, send an empty OCTET STRING rather than nothing.
        random: Where random octets come from.

    Raises:
        BuildError: When the arguments do not fit together.
    """
    if digest not in algorithms.DIGESTS:
        raise BuildError(f"{digest} is not one of {', '.join(algorithms.DIGESTS)}")
    if cipher not in algorithms.CIPHERS:
        raise BuildError(f"{cipher} is not one of {', '.join(algorithms.CIPHERS)}")
    signed = _draft_signed(
        attributes,
        parse_certificate(signer_certificate),
        digest,
        signature_scheme,
        (signer_certificate,) if certificates is None else tuple(certificates),
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
            _draft_recipient(parse_certificate(recipient), key_transport, digest, len(content_key), given, random)
        )
    if password is not None:
        drafts.append(_draft_password(password, algorithm, random))
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
        # The digest's octets come after the OID, which already decides the order.
        oids.MESSAGE_DIGEST: Attribute(oids.MESSAGE_DIGEST, (der.encode(der.OCTET_STRING, bytes(length)),)),
    }
    everything = [*stand_ins.values(), *build_attributes(attributes), *extra]
    if signing_time is not None:
        everything.append(Attribute(oids.SIGNING_TIME, (encode_time(signing_time),)))
    everything.sort(key=build_attribute)
    return tuple(Attribute(a.oid, ()) if a in stand_ins.values() else a for a in everything)


def encode_time(moment: datetime) -> bytes:
    """Return a Time as RFC 5652 11.3 wants it: UTCTime from 1950 to 2049, else GeneralizedTime."""
    utc = moment.astimezone(UTC)
    if 1950 <= utc.year < 2050:
        return der.encode(der.UTC_TIME, utc.strftime("%y%m%d%H%M%SZ").encode())
    return der.encode(der.GENERALIZED_TIME, utc.strftime("%Y%m%d%H%M%SZ").encode())


def cipher_identifier(cipher: ContentCipher, iv: bytes) -> AlgorithmIdentifier:
    """Return the contentEncryptionAlgorithm with this IV (RFC 3370, 5; RFC 3565; RFC 5084)."""
    parameters = der.encode(der.OCTET_STRING, iv)
    if cipher.mode == "gcm":
        parameters = der.sequence(parameters, der.integer(16))
    elif cipher.name == "rc2-cbc":
        parameters = der.sequence(der.integer(58), parameters)  # 58 stands for 128 bits
    return AlgorithmIdentifier(cipher.oid, parameters)


def _draft_recipient(
    certificate: Certificate, scheme: str, digest: str, key_length: int, given: bytes | None, random: RandomBytes
) -> KeyTransDraft:
    try:
        key = load_public_key(certificate.public_key_info)
    except ValueError as error:
        raise BuildError(f"the recipient's certificate has no usable key: {error}") from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise BuildError("the recipient has no RSA key: give a password instead (RFC 8894, 3.1)")
    if scheme == "oaep":
        sha = der.sequence(der.oid(algorithms.DIGESTS[digest].oid), der.NULL_ELEMENT)
        mask = der.sequence(der.oid(oids.MGF1), sha)
        algorithm = AlgorithmIdentifier(oids.RSAES_OAEP, der.sequence(der.context(0, sha), der.context(1, mask)))
        randomness = given or random(algorithms.DIGESTS[digest].make().digest_size)
    elif scheme == "rsaEncryption":
        algorithm = AlgorithmIdentifier(oids.RSA_ENCRYPTION, der.NULL_ELEMENT)
        randomness = given or nonzero((key.key_size + 7) // 8 - 3 - key_length, random)
    else:
        raise BuildError(f"{scheme} is not one of rsaEncryption, oaep")
    return KeyTransDraft(build_identifier(certificate), certificate.public_key_info, algorithm, randomness)


_PBKDF2_ROUNDS = 600_000  # OWASP's figure for PBKDF2-HMAC-SHA256


def _draft_password(password: bytes, cipher: ContentCipher, random: RandomBytes) -> PasswordDraft:
    # The key is wrapped with AES of the content key's length (GCM cannot wrap by RFC 3211).
    wrapping = {16: "aes-128-cbc", 24: "aes-192-cbc", 32: "aes-256-cbc"}.get(cipher.key_length, "aes-128-cbc")
    kek_cipher = algorithms.CIPHERS[wrapping]
    prf = der.sequence(der.oid(oids.HMAC_SHA256), der.NULL_ELEMENT)
    salt = der.encode(der.OCTET_STRING, random(16))
    derivation = AlgorithmIdentifier(oids.PBKDF2, der.sequence(salt, der.integer(_PBKDF2_ROUNDS), prf))
    inner = algorithms.build_algorithm(cipher_identifier(kek_cipher, random(kek_cipher.block_length)))
    used = 4 + cipher.key_length
    total = max(2 * kek_cipher.block_length, -(-used // kek_cipher.block_length) * kek_cipher.block_length)
    return PasswordDraft(password, derivation, AlgorithmIdentifier(oids.PWRI_KEK, inner), random(total - used))


def transaction_id_of(public_key_info: bytes, digest: str = "sha256") -> str:
    """Return a transactionID made from the key to be certified, in upper-case hex.

    A client that asks again for the same key thus uses the same transactionID
    (RFC 8894, 3.2.1.1). Cisco IOS uses MD5 of the SubjectPublicKeyInfo,
    strongSwan SHA-1.
    """
    return hashlib.new(digest, public_key_info, usedforsecurity=False).hexdigest().upper()
