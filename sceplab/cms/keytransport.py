"""Encrypt and decrypt the content key with RSA: PKCS#1 v1.5 and OAEP (RFC 5652, 6.2.1; RFC 4055; RFC 8017).

Rule: the padding is built and parsed here, so that its random bytes can be
given and recovered; `draft_key_transport` drafts a new recipient,
`recover_key_transport` returns the draft of a captured one.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sceplab.asn1 import der, oids
from sceplab.cms import algorithms
from sceplab.cms.algorithms import AlgorithmIdentifier
from sceplab.cms.cipher import RandomBytes
from sceplab.cms.x509 import (
    Certificate,
    CertificateIdentifier,
    build_identifier,
    load_public_key,
    parse_identifier,
    public_key_info,
)
from sceplab.errors import BuildError, DecryptError


@dataclass(frozen=True, slots=True)
class KeyTransRecipient:
    """A KeyTransRecipientInfo (RFC 5652, 6.2.1): the content key encrypted with the recipient's RSA key."""

    version: int
    identifier: CertificateIdentifier
    key_encryption: AlgorithmIdentifier
    encrypted_key: bytes

    def __str__(self) -> str:
        return str(self.identifier)


def parse_key_transport(element: der.Element) -> KeyTransRecipient:
    """Read a KeyTransRecipientInfo; raises DerError if it is malformed."""
    fields = element.children()
    if len(fields) != 4:
        raise der.DerError(element.start, "a KeyTransRecipientInfo of four fields", f"{len(fields)}")
    version, identifier, algorithm, key = fields
    return KeyTransRecipient(
        der.int_of(version), parse_identifier(identifier), algorithms.parse_algorithm(algorithm), key.octets()
    )


def decrypt_key(recipient: KeyTransRecipient, key: rsa.RSAPrivateKey) -> tuple[bytes, str]:
    """Return the content key, and how it was encrypted. Raises ValueError, UnsupportedAlgorithm or DerError.

    A wrong key, or wrong padding, may also give random bytes (OpenSSL 3.2 and
    newer return them instead of an error, against padding oracles).
    """
    scheme, how = _key_transport(recipient.key_encryption)
    return key.decrypt(recipient.encrypted_key, scheme), how


def _key_transport(algorithm: AlgorithmIdentifier) -> tuple[padding.AsymmetricPadding, str]:
    if algorithm.oid == oids.RSA_ENCRYPTION:
        return padding.PKCS1v15(), "RSA key transport, PKCS#1 v1.5 padding"
    if algorithm.oid == oids.RSAES_OAEP:
        digest, mgf_digest, label = parse_oaep(algorithm.parameters)
        make = algorithms.DIGESTS[digest].make
        scheme = padding.OAEP(padding.MGF1(algorithms.DIGESTS[mgf_digest].make()), make(), label)
        return scheme, f"RSA key transport, OAEP padding with {digest}"
    raise ValueError(f"key encryption {algorithm.name} is not rsaEncryption or rsaesOaep")


def parse_oaep(parameters: bytes | None) -> tuple[str, str, bytes]:
    """Read RSAES-OAEP-params (RFC 4055, 4.1): digest, digest of the mask function, label.

    Raises ValueError or DerError on unsupported parameters.
    """
    digest, mgf_digest, label = "sha1", "sha1", b""
    for item in der.read(parameters).children() if parameters else []:
        inner = item.children()
        if not inner:
            raise der.DerError(item.start, "a parameter", "an empty element")
        algorithm = algorithms.parse_algorithm(inner[0])
        number = item.tag & 0x1F
        if number == 0:
            digest = algorithm.name
        elif number == 1:
            mgf_digest = algorithms.parse_algorithm(der.read(algorithm.parameters or b"")).name
        elif algorithm.parameters:
            label = der.read(algorithm.parameters).octets()
    if digest not in algorithms.DIGESTS or mgf_digest not in algorithms.DIGESTS:
        raise ValueError(f"OAEP with {digest} and {mgf_digest} is not known")
    return digest, mgf_digest, label


def build_oaep(digest: str) -> bytes:
    """Return RSAES-OAEP-params with this digest (in MGF1 too) and no label: the inverse of `parse_oaep`."""
    sha = der.sequence(der.oid(algorithms.DIGESTS[digest].oid), der.NULL_ELEMENT)
    return der.sequence(der.context(0, sha), der.context(1, der.sequence(der.oid(oids.MGF1), sha)))


@dataclass(frozen=True, slots=True)
class KeyTransDraft:
    """What a KeyTransRecipientInfo is built from: the key, the algorithm, and the random bytes of the padding.

    `randomness` is the PS string of PKCS#1 v1.5 (key bytes - 3 - content key
    bytes, none of them 0), or the seed of OAEP (as long as its digest).
    """

    identifier: CertificateIdentifier
    public_key_info: bytes
    key_encryption: AlgorithmIdentifier
    randomness: bytes = field(repr=False)
    version: int = 0


def draft_key_transport(
    certificate: Certificate, scheme: str, digest: str, key_length: int, given: bytes | None, random: RandomBytes
) -> KeyTransDraft:
    """Draft a recipient with an RSA key: `scheme` is "rsaEncryption" (PKCS#1 v1.5) or "oaep" with this digest.

    `given` are the random bytes of the padding, None to draw them. Raises BuildError.
    """
    try:
        key = load_public_key(certificate.public_key_info)
    except ValueError as error:
        raise BuildError(f"the recipient's certificate has no usable key: {error}") from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise BuildError("the recipient has no RSA key: give a password instead (RFC 8894, 3.1)")
    if scheme == "oaep":
        algorithm = AlgorithmIdentifier(oids.RSAES_OAEP, build_oaep(digest))
        randomness = given or random(algorithms.DIGESTS[digest].make().digest_size)
    elif scheme == "rsaEncryption":
        algorithm = AlgorithmIdentifier(oids.RSA_ENCRYPTION, der.NULL_ELEMENT)
        randomness = given or nonzero((key.key_size + 7) // 8 - 3 - key_length, random)
    else:
        raise BuildError(f"{scheme} is not one of rsaEncryption, oaep")
    return KeyTransDraft(build_identifier(certificate), certificate.public_key_info, algorithm, randomness)


def nonzero(count: int, random: RandomBytes = secrets.token_bytes) -> bytes:
    """Return `count` random bytes without a zero, as PKCS#1 v1.5 padding needs them."""
    out = b""
    while len(out) < count:
        out += random(count - len(out)).replace(b"\0", b"")
    return out


def transport_key(draft: KeyTransDraft, content_key: bytes) -> bytes:
    """Encrypt the content key for an RSA recipient with the draft's own padding bytes.

    `cryptography` draws the padding itself and accepts none, so the block is
    built here (RFC 8017, 7.1.1 and 7.2.1); the public operation needs no secret.
    Raises BuildError if the padding or the key has a wrong length.
    """
    key = load_public_key(draft.public_key_info)
    if not isinstance(key, rsa.RSAPublicKey):
        raise BuildError("key transport needs an RSA key; for another key use a password recipient (RFC 8894, 3.1)")
    numbers = key.public_numbers()
    size = (numbers.n.bit_length() + 7) // 8
    if draft.key_encryption.oid == oids.RSAES_OAEP:
        block = _oaep_block(content_key, size, draft)
    else:
        block = b"\0\2" + draft.randomness + b"\0" + content_key
        if 0 in draft.randomness or len(block) != size or len(draft.randomness) < 8:
            raise BuildError(f"PKCS#1 v1.5 padding needs {size - 3 - len(content_key)} bytes, none of them 0")
    return pow(int.from_bytes(block, "big"), numbers.e, numbers.n).to_bytes(size, "big")


def _mgf1(seed: bytes, length: int, digest: str) -> bytes:
    out = b""
    for counter in range(length):
        out += hashlib.new(digest, seed + counter.to_bytes(4, "big"), usedforsecurity=False).digest()
        if len(out) >= length:
            break
    return out[:length]


def _xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


def _oaep_block(content_key: bytes, size: int, draft: KeyTransDraft) -> bytes:
    digest, mgf_digest, label = parse_oaep(draft.key_encryption.parameters)
    label_hash = hashlib.new(digest, label, usedforsecurity=False).digest()
    room = size - 2 * len(label_hash) - 2 - len(content_key)
    if room < 0 or len(draft.randomness) != len(label_hash):
        raise BuildError(f"OAEP with {digest} needs a seed of {len(label_hash)} bytes and a longer RSA key")
    data = label_hash + bytes(room) + b"\1" + content_key
    masked = _xor(data, _mgf1(draft.randomness, len(data), mgf_digest))
    return b"\0" + _xor(draft.randomness, _mgf1(masked, len(label_hash), mgf_digest)) + masked


def transport_randomness(recipient: KeyTransRecipient, key: rsa.RSAPrivateKey) -> bytes:
    """Return the random bytes of the sender's padding, needed to build the same recipient again.

    Raises DecryptError when the block is not padded as its algorithm says.
    """
    numbers = key.private_numbers()
    n = numbers.public_numbers.n
    size = (n.bit_length() + 7) // 8
    block = pow(int.from_bytes(recipient.encrypted_key, "big"), numbers.d, n).to_bytes(size, "big")
    if recipient.key_encryption.oid == oids.RSAES_OAEP:
        digest, mgf_digest, _ = parse_oaep(recipient.key_encryption.parameters)
        length = algorithms.DIGESTS[digest].make().digest_size
        masked = block[1 + length :]
        return _xor(block[1 : 1 + length], _mgf1(masked, length, mgf_digest))
    end = block.find(b"\0", 2)
    if block[:2] != b"\0\2" or end < 10:
        raise DecryptError(f"the key for {recipient} is not padded by PKCS#1 v1.5")
    return block[2:end]


def build_key_transport(draft: KeyTransDraft, content_key: bytes) -> bytes:
    """Encrypt the content key and write the KeyTransRecipientInfo. Raises BuildError."""
    return der.sequence(
        der.integer(draft.version),
        draft.identifier.raw,
        algorithms.build_algorithm(draft.key_encryption),
        der.encode(der.OCTET_STRING, transport_key(draft, content_key)),
    )


def recover_key_transport(
    recipient: KeyTransRecipient, content_key: bytes, keys: Sequence[rsa.RSAPrivateKey]
) -> KeyTransDraft:
    """Return the draft of a captured recipient; raises BuildError if its private key is not among `keys`."""
    for key in keys:
        try:
            draft = KeyTransDraft(
                recipient.identifier,
                public_key_info(key),
                recipient.key_encryption,
                transport_randomness(recipient, key),
                recipient.version,
            )
            if transport_key(draft, content_key) == recipient.encrypted_key:
                return draft
        except (DecryptError, BuildError, OverflowError, ValueError):
            continue
    raise BuildError(f"the padding for {recipient} cannot be recovered without its private key")
