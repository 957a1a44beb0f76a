"""Encrypt and decrypt the content key by challengePassword: PBKDF2 and PWRI-KEK (RFC 5652, 6.2.4; RFC 3211; RFC 8018).

Rule: as in `keytransport`: `draft_password` drafts a new recipient,
`recover_password` returns the draft of a captured one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from sceplab.asn1 import der, oids
from sceplab.cms import algorithms
from sceplab.cms.algorithms import AlgorithmIdentifier, ContentCipher
from sceplab.cms.cipher import RandomBytes, cipher_identifier, iv_of
from sceplab.errors import BuildError

PASSWORD_RECIPIENT = der.CONTEXT | der.CONSTRUCTED | 3
MAX_PBKDF2_ROUNDS = 10_000_000
"""PBKDF2 rounds that one message may cost, over all its recipients and all passwords that are tried.

RFC 8018 asks for at least 1,000, OWASP for 600,000; ten million take seconds.
"""


@dataclass(frozen=True, slots=True)
class PasswordRecipient:
    """A PasswordRecipientInfo (RFC 5652, 6.2.4): the content key, encrypted by challengePassword (RFC 8894, 3.1)."""

    version: int
    key_derivation: AlgorithmIdentifier | None
    key_encryption: AlgorithmIdentifier
    encrypted_key: bytes

    def __str__(self) -> str:
        return "whoever knows the challengePassword"


def parse_password(element: der.Element) -> PasswordRecipient:
    """Read a PasswordRecipientInfo; raises DerError if it is malformed."""
    fields = element.children()
    if len(fields) < 3:
        raise der.DerError(element.start, "a PasswordRecipientInfo of at least three fields", f"{len(fields)}")
    version, *middle, key = fields
    derivation = None
    if middle[0].tag == der.CONTEXT | der.CONSTRUCTED:
        # [0] IMPLICIT AlgorithmIdentifier
        inner = middle.pop(0)
        parts = inner.children()
        if not parts:
            raise der.DerError(inner.start, "a keyDerivationAlgorithm", "an empty element")
        derivation = AlgorithmIdentifier(der.oid_of(parts[0]), parts[1].raw if len(parts) > 1 else None)
    if not middle:
        raise der.DerError(element.start, "a keyEncryptionAlgorithm", "none")
    return PasswordRecipient(der.int_of(version), derivation, algorithms.parse_algorithm(middle[0]), key.octets())


def derive_key(derivation: AlgorithmIdentifier | None, wrapping: AlgorithmIdentifier, password: bytes) -> bytes:
    """Derive the key-encryption key by PBKDF2 (RFC 8018, 5.2); raises ValueError or DerError."""
    cipher, _ = _kek_cipher(wrapping)
    if derivation is None or derivation.oid != oids.PBKDF2:
        raise ValueError("the key derivation is not PBKDF2")
    fields, rounds = _pbkdf2(derivation)
    salt = fields[0].octets()
    if not 0 < rounds <= MAX_PBKDF2_ROUNDS:
        raise ValueError(f"{rounds} PBKDF2 rounds are more than {MAX_PBKDF2_ROUNDS}")
    prf: hashes.HashAlgorithm = hashes.SHA1()
    for item in fields[2:]:
        if item.tag == der.SEQUENCE:
            algorithm = algorithms.parse_algorithm(item)
            if algorithm.oid not in algorithms.HMACS:
                raise ValueError(f"PBKDF2 with {algorithm.name}")
            prf = algorithms.DIGESTS[algorithms.HMACS[algorithm.oid]].make()
    return PBKDF2HMAC(prf, cipher.key_length, salt, rounds).derive(password)


def _pbkdf2(derivation: AlgorithmIdentifier) -> tuple[list[der.Element], int]:
    fields = der.read(derivation.parameters or b"").children()
    if len(fields) < 2:
        raise ValueError("PBKDF2 without salt and iteration count")
    return fields, der.int_of(fields[1])


def rounds_of(recipient: PasswordRecipient) -> int:
    """Return how many PBKDF2 rounds it takes to try one password, 0 where it cannot be tried."""
    try:
        return max(_pbkdf2(recipient.key_derivation)[1], 0) if recipient.key_derivation is not None else 0
    except (ValueError, der.DerError):
        return 0


def unwrap_key(algorithm: AlgorithmIdentifier, kek: bytes, wrapped: bytes) -> bytes:
    """Unwrap a content key (RFC 3211, 2.3.2); raises ValueError if the password is wrong."""
    return _unwrap(algorithm, kek, wrapped)[0]


def _unwrap(algorithm: AlgorithmIdentifier, kek: bytes, wrapped: bytes) -> tuple[bytes, bytes]:
    cipher, iv = _kek_cipher(algorithm)
    size = cipher.block_length
    if len(wrapped) < 2 * size or len(wrapped) % size:
        raise ValueError("the wrapped key is not at least two whole blocks")
    # The last block was encrypted with the block before it as IV; that gives the inner IV.
    last = _cbc(cipher, kek, wrapped[-2 * size : -size], wrapped[-size:], encrypt=False)
    inner = _cbc(cipher, kek, last, wrapped[:-size], encrypt=False) + last
    plain = _cbc(cipher, kek, iv, inner, encrypt=False)
    length = plain[0]
    key = plain[4 : 4 + length]
    if len(key) != length or bytes(b ^ 0xFF for b in key[:3]) != plain[1:4]:
        raise ValueError("the check bytes are wrong: another password")
    return key, plain[4 + length :]


def wrap_key(algorithm: AlgorithmIdentifier, kek: bytes, content_key: bytes, padding_octets: bytes) -> bytes:
    """Wrap a content key (RFC 3211, 2.3.1): the inverse of `unwrap_key`."""
    cipher, iv = _kek_cipher(algorithm)
    plain = bytes((len(content_key),)) + bytes(b ^ 0xFF for b in content_key[:3]) + content_key + padding_octets
    if len(plain) % cipher.block_length or len(plain) < 2 * cipher.block_length:
        raise BuildError("the padding of the wrapped key must fill whole blocks, at least two")
    once = _cbc(cipher, kek, iv, plain, encrypt=True)
    return _cbc(cipher, kek, once[-cipher.block_length :], once, encrypt=True)


def _kek_cipher(algorithm: AlgorithmIdentifier) -> tuple[ContentCipher, bytes]:
    inner = algorithms.parse_algorithm(der.read(algorithm.parameters or b""))
    cipher = algorithms.CIPHERS_BY_OID.get(inner.oid)
    if algorithm.oid != oids.PWRI_KEK or cipher is None or cipher.mode != "cbc":
        raise ValueError(f"key encryption {algorithm.name} with {inner.name} is not PWRI-KEK with a known cipher")
    return cipher, iv_of(inner, cipher)


def _cbc(cipher: ContentCipher, key: bytes, iv: bytes, data: bytes, *, encrypt: bool) -> bytes:
    context = Cipher(cipher.make(key), modes.CBC(iv))
    worker = context.encryptor() if encrypt else context.decryptor()
    return worker.update(data) + worker.finalize()


@dataclass(frozen=True, slots=True)
class PasswordDraft:
    """What a PasswordRecipientInfo is built from; `randomness` pads the wrapped key to whole blocks."""

    password: bytes = field(repr=False)
    key_derivation: AlgorithmIdentifier
    key_encryption: AlgorithmIdentifier
    randomness: bytes = field(repr=False)
    version: int = 0


_PBKDF2_ROUNDS = 600_000  # OWASP's figure for PBKDF2-HMAC-SHA256


def draft_password(password: bytes, cipher: ContentCipher, random: RandomBytes) -> PasswordDraft:
    """Draft a recipient that knows the password, for a content key of this cipher."""
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


def build_password(draft: PasswordDraft, content_key: bytes) -> bytes:
    """Wrap the content key and write the PasswordRecipientInfo. Raises BuildError, ValueError or DerError."""
    kek = derive_key(draft.key_derivation, draft.key_encryption, draft.password)
    wrapped = wrap_key(draft.key_encryption, kek, content_key, draft.randomness)
    return der.encode(
        PASSWORD_RECIPIENT,
        der.integer(draft.version),
        der.context(0, der.oid(draft.key_derivation.oid), draft.key_derivation.parameters or b""),
        algorithms.build_algorithm(draft.key_encryption),
        der.encode(der.OCTET_STRING, wrapped),
    )


def recover_password(recipient: PasswordRecipient, content_key: bytes, passwords: Sequence[bytes]) -> PasswordDraft:
    """Return the draft of a captured recipient; raises BuildError if its password is not among `passwords`."""
    for password in passwords:
        try:
            kek = derive_key(recipient.key_derivation, recipient.key_encryption, password)
            key, rest = _unwrap(recipient.key_encryption, kek, recipient.encrypted_key)
        except (ValueError, der.DerError):
            continue
        if key == content_key and recipient.key_derivation is not None:
            return PasswordDraft(password, recipient.key_derivation, recipient.key_encryption, rest, recipient.version)
    raise BuildError("the wrapped key cannot be built again without its password")
