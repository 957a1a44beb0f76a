"""EnvelopedData: the pkcsPKIEnvelope that only the recipient can open (RFC 5652, 6; RFC 8894, 3.1).

Rule: this module does not know who signed the message, nor what the plaintext
means. `parse_enveloped` and `build_enveloped` are inverse when they are given
the same secrets; `decrypt` never takes valid padding for a right key.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sceplab.asn1 import der, oids
from sceplab.cms import algorithms
from sceplab.cms.algorithms import AlgorithmIdentifier, ContentCipher
from sceplab.cms.signed import content_of
from sceplab.cms.x509 import Certificate, CertificateIdentifier, load_public_key, parse_certificate, parse_identifier
from sceplab.errors import BuildError, DecryptError, Layer, Problem

RandomBytes = Callable[[int], bytes]
_PASSWORD = der.CONTEXT | der.CONSTRUCTED | 3
_OTHER_KINDS = {1: "KeyAgreeRecipientInfo", 2: "KEKRecipientInfo", 4: "OtherRecipientInfo"}
# PBKDF2 rounds that a message may ask for before we call it hostile (RFC 8018 says at least 1,000).
MAX_PBKDF2_ROUNDS = 10_000_000


@dataclass(frozen=True, slots=True)
class KeyTransRecipient:
    """A KeyTransRecipientInfo (RFC 5652, 6.2.1): the content key under the recipient's RSA key."""

    version: int
    identifier: CertificateIdentifier
    key_encryption: AlgorithmIdentifier
    encrypted_key: bytes

    def __str__(self) -> str:
        return str(self.identifier)


@dataclass(frozen=True, slots=True)
class PasswordRecipient:
    """A PasswordRecipientInfo (RFC 5652, 6.2.4): the content key under the challengePassword (RFC 8894, 3.1)."""

    version: int
    key_derivation: AlgorithmIdentifier | None
    key_encryption: AlgorithmIdentifier
    encrypted_key: bytes

    def __str__(self) -> str:
        return "whoever knows the challengePassword"


@dataclass(frozen=True, slots=True)
class OtherRecipient:
    """A RecipientInfo of a kind that SCEP does not use, kept as it is."""

    kind: str
    raw: bytes

    def __str__(self) -> str:
        return self.kind


Recipient = KeyTransRecipient | PasswordRecipient | OtherRecipient


@dataclass(frozen=True, slots=True)
class EnvelopedData:
    """A ContentInfo of type envelopedData, taken apart; `raw` are the captured bytes."""

    raw: bytes
    version: int = 0
    recipients: tuple[Recipient, ...] = ()
    content_type: str = ""
    content_encryption: AlgorithmIdentifier = AlgorithmIdentifier("")
    encrypted_content: bytes = b""
    problems: tuple[Problem, ...] = ()
    encrypted_content_offset: int | None = None

    @property
    def cipher(self) -> ContentCipher | None:
        """The content cipher, or None where it is not known here."""
        return algorithms.CIPHERS_BY_OID.get(self.content_encryption.oid)


class _Draft:
    """The fields of EnvelopedData read so far."""

    def __init__(self) -> None:
        self.version = 0
        self.recipients: list[Recipient] = []
        self.content_type = ""
        self.content_encryption = AlgorithmIdentifier("")
        self.encrypted_content = b""
        self.offset: int | None = None


def parse_enveloped(data: bytes) -> EnvelopedData:
    """Take a ContentInfo with EnvelopedData apart, BER or DER.

    Never raises: what could not be read is absent and named in `problems`.
    """
    draft = _Draft()
    problems: list[Problem] = []
    try:
        _read_enveloped(data, draft, problems)
    except der.DerError as error:
        problems.append(error.problem(Layer.ENVELOPED))
    return EnvelopedData(
        data,
        draft.version,
        tuple(draft.recipients),
        draft.content_type,
        draft.content_encryption,
        draft.encrypted_content,
        tuple(problems),
        draft.offset,
    )


def _read_enveloped(data: bytes, out: _Draft, problems: list[Problem]) -> None:
    body = content_of(data, oids.ENVELOPED_DATA, "envelopedData", problems, Layer.ENVELOPED)
    fields = body.children()
    if not fields:
        raise der.DerError(body.start, "EnvelopedData", "an empty element")
    out.version = der.int_of(fields[0])
    rest = fields[1:]
    if rest and rest[0].tag == der.CONTEXT | der.CONSTRUCTED:
        rest.pop(0)  # originatorInfo: key agreement only
    if not rest or rest[0].tag != der.SET:
        raise der.DerError(rest[0].start if rest else body.end, "recipientInfos (SET)", "something else")
    for item in rest[0].children():
        try:
            out.recipients.append(_read_recipient(item))
        except der.DerError as error:
            problems.append(error.problem(Layer.ENVELOPED))
    if len(rest) < 2:
        raise der.DerError(body.end, "encryptedContentInfo", "the end of EnvelopedData")
    parts = rest[1].children()
    if len(parts) < 2:
        raise der.DerError(rest[1].start, "contentType and contentEncryptionAlgorithm", f"{len(parts)} fields")
    out.content_type = der.oid_of(parts[0])
    out.content_encryption = algorithms.parse_algorithm(parts[1])
    if len(parts) > 2:
        out.offset = parts[2].start
        out.encrypted_content = parts[2].octets()


def _read_recipient(element: der.Element) -> Recipient:
    if element.tag == der.SEQUENCE:
        fields = element.children()
        if len(fields) != 4:
            raise der.DerError(element.start, "a KeyTransRecipientInfo of four fields", f"{len(fields)}")
        version, identifier, algorithm, key = fields
        return KeyTransRecipient(
            der.int_of(version), parse_identifier(identifier), algorithms.parse_algorithm(algorithm), key.octets()
        )
    if element.tag == _PASSWORD:
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
    return OtherRecipient(_OTHER_KINDS.get(element.tag & 0x1F, "unknown RecipientInfo"), element.raw)


# --------------------------------------------------------------- opening


@dataclass(frozen=True, slots=True)
class Opened:
    """An opened envelope; `content_key` and `iv` are of this one message, `recipient` is whose key opened it."""

    plaintext: bytes
    content_key: bytes = field(repr=False)
    iv: bytes
    recipient: KeyTransRecipient | PasswordRecipient
    how: str
    key: rsa.RSAPrivateKey | None = field(default=None, repr=False)


def decrypt(
    enveloped: EnvelopedData,
    *,
    keys: Sequence[rsa.RSAPrivateKey] = (),
    certificates: Iterable[bytes] = (),
    passwords: Sequence[bytes] = (),
) -> Opened:
    """Open the envelope with one of the private keys or challenge passwords.

    `certificates` (DER) tell which key belongs to which recipient; without them
    each key is tried. A result counts only if the content key has the right
    length, the padding is right AND the plaintext is one whole ASN.1 SEQUENCE,
    because RSA decryption with a wrong key gives random octets, not an error.
    Raises DecryptError, which says for whom the message is and what was tried.
    """
    cipher = enveloped.cipher
    if cipher is None:
        known = ", ".join(algorithms.CIPHERS)
        raise DecryptError(f"content encryption {enveloped.content_encryption.name} is not one of {known}")
    try:
        iv = iv_of(enveloped.content_encryption, cipher)
    except der.DerError as error:
        raise DecryptError(f"the parameters of {cipher.name} cannot be read: {error}") from error
    attempts: list[str] = []
    known_certificates: list[Certificate] | None = None
    for recipient in enveloped.recipients:
        if isinstance(recipient, KeyTransRecipient):
            ordered: Sequence[rsa.RSAPrivateKey] = keys
            if len(keys) > 1:
                if known_certificates is None:
                    known_certificates = [parse_certificate(c) for c in certificates]
                ordered = sorted(keys, key=lambda k: not _belongs(k, recipient, known_certificates or []))
            for key in ordered:
                opened = _attempt_key(enveloped, cipher, iv, recipient, key, attempts)
                if opened:
                    return opened
        elif isinstance(recipient, PasswordRecipient):
            for password in passwords:
                opened = _attempt_password(enveloped, cipher, iv, recipient, password, attempts)
                if opened:
                    return opened
    raise DecryptError(_explain(enveloped, keys, list(certificates), attempts))


def _belongs(key: rsa.RSAPrivateKey, recipient: KeyTransRecipient, certificates: Iterable[Certificate]) -> bool:
    info = public_key_info(key)
    return any(recipient.identifier.matches(c) and c.public_key_info == info for c in certificates)


def public_key_info(key: rsa.RSAPrivateKey) -> bytes:
    """Return the SubjectPublicKeyInfo (DER) of a private key."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _attempt_key(
    enveloped: EnvelopedData,
    cipher: ContentCipher,
    iv: bytes,
    recipient: KeyTransRecipient,
    key: rsa.RSAPrivateKey,
    attempts: list[str],
) -> Opened | None:
    try:
        content_key, how = decrypt_key(recipient, key)
    except (ValueError, UnsupportedAlgorithm, der.DerError) as error:
        text = str(error).rstrip(".") or "RSA decryption failed"
        attempts.append(f"for {recipient}: {text}")
        return None
    plaintext = _open_content(enveloped, cipher, iv, content_key, attempts, str(recipient))
    return None if plaintext is None else Opened(plaintext, content_key, iv, recipient, how, key)


def decrypt_key(recipient: KeyTransRecipient, key: rsa.RSAPrivateKey) -> tuple[bytes, str]:
    """Return the content key, and how it was encrypted. Raises ValueError, UnsupportedAlgorithm or DerError.

    A wrong key, or wrong padding, may also give random octets (OpenSSL 3.2 and
    newer make them up, so that no error tells).
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

    Raises ValueError or DerError on parameters that are not understood.
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


def iv_of(algorithm: AlgorithmIdentifier, cipher: ContentCipher) -> bytes:
    """Return the IV (nonce for GCM) from the parameters of a content cipher; DerError where there is none."""
    element = der.read(algorithm.parameters or b"")
    if element.tag == der.SEQUENCE:  # GCMParameters: nonce first; RC2-CBC-Parameter: IV last
        fields = element.children()
        if not fields:
            raise der.DerError(element.start, "an initialization vector", "an empty SEQUENCE")
        element = fields[0] if cipher.mode == "gcm" else fields[-1]
    iv = element.octets()
    wanted = cipher.block_length if cipher.mode == "cbc" else 12
    if len(iv) != wanted:
        raise der.DerError(element.start, f"an initialization vector of {wanted} octets", f"{len(iv)}")
    return iv


def _open_content(
    enveloped: EnvelopedData, cipher: ContentCipher, iv: bytes, content_key: bytes, attempts: list[str], whose: str
) -> bytes | None:
    if len(content_key) != cipher.key_length:
        attempts.append(
            f"for {whose}: gave {len(content_key)} octets, {cipher.name} needs a key of {cipher.key_length}"
        )
        return None
    try:
        plaintext = decrypt_content(cipher, content_key, iv, enveloped.encrypted_content)
    except (ValueError, InvalidTag, UnsupportedAlgorithm):
        attempts.append(f"for {whose}: the content does not decrypt under the key that came out")
        return None
    try:
        element = der.read(plaintext)
    except der.DerError:
        element = None
    if element is None or element.tag != der.SEQUENCE or element.end != len(plaintext):
        attempts.append(f"for {whose}: what came out is not ASN.1")
        return None
    return plaintext


def decrypt_content(cipher: ContentCipher, key: bytes, iv: bytes, ciphertext: bytes) -> bytes:
    """Decrypt content and take off the padding; raises ValueError or InvalidTag where that is impossible."""
    if cipher.mode == "gcm":
        return AESGCM(key).decrypt(iv, ciphertext, None)
    worker = Cipher(cipher.make(key), modes.CBC(iv)).decryptor()
    padded = worker.update(ciphertext) + worker.finalize()
    count = padded[-1] if padded else 0
    if not 1 <= count <= cipher.block_length or padded[-count:] != bytes((count,)) * count:
        raise ValueError("the padding is wrong")
    return padded[:-count]


def encrypt_content(cipher: ContentCipher, key: bytes, iv: bytes, plaintext: bytes) -> bytes:
    """Pad and encrypt content (RFC 5652, 6.3): the inverse of `decrypt_content`."""
    if cipher.mode == "gcm":
        return AESGCM(key).encrypt(iv, plaintext, None)
    count = cipher.block_length - len(plaintext) % cipher.block_length
    worker = Cipher(cipher.make(key), modes.CBC(iv)).encryptor()
    return worker.update(plaintext + bytes((count,)) * count) + worker.finalize()


def _explain(
    enveloped: EnvelopedData, keys: Sequence[rsa.RSAPrivateKey], certificates: Sequence[bytes], attempts: Sequence[str]
) -> str:
    if not enveloped.recipients:
        return "the pkcsPKIEnvelope names no recipient that could be read"
    lines = ["No key at hand opens the pkcsPKIEnvelope. It is encrypted for:"]
    lines += [f"  - {r}" for r in enveloped.recipients]
    if not keys:
        lines.append("No private key was given. Give the key that belongs to one of these certificates.")
        return "\n".join(lines)
    lines.append("Tried:")
    known = [parse_certificate(c) for c in certificates]
    for key in keys:
        info = public_key_info(key)
        name = f"  - the {key.key_size}-bit RSA key with SPKI SHA-256 {hashlib.sha256(info).hexdigest()[:16]}..."
        owners = [c for c in known if c.public_key_info == info]
        lines.append(name + (f", which is the key of {owners[0]}" if owners else ""))
    lines += [f"    {a}" for a in attempts]
    return "\n".join(lines)


# --------------------------------------------------------------- password recipients (RFC 5652 6.2.4, RFC 3211)


def _attempt_password(
    enveloped: EnvelopedData,
    cipher: ContentCipher,
    iv: bytes,
    recipient: PasswordRecipient,
    password: bytes,
    attempts: list[str],
) -> Opened | None:
    try:
        kek = derive_key(recipient.key_derivation, recipient.key_encryption, password)
        content_key = unwrap_key(recipient.key_encryption, kek, recipient.encrypted_key)
    except (ValueError, UnsupportedAlgorithm, der.DerError) as error:
        attempts.append(f"with a password: {error}")
        return None
    plaintext = _open_content(enveloped, cipher, iv, content_key, attempts, str(recipient))
    return None if plaintext is None else Opened(plaintext, content_key, iv, recipient, "password (PWRI-KEK)")


def _kek_cipher(algorithm: AlgorithmIdentifier) -> tuple[ContentCipher, bytes]:
    inner = algorithms.parse_algorithm(der.read(algorithm.parameters or b""))
    cipher = algorithms.CIPHERS_BY_OID.get(inner.oid)
    if algorithm.oid != oids.PWRI_KEK or cipher is None or cipher.mode != "cbc":
        raise ValueError(f"key encryption {algorithm.name} with {inner.name} is not PWRI-KEK with a known cipher")
    return cipher, iv_of(inner, cipher)


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
            name = algorithms.parse_algorithm(item).name
            if not name.startswith("hmacWithSHA"):
                raise ValueError(f"PBKDF2 with {name}")
            prf = algorithms.DIGESTS["sha" + name.removeprefix("hmacWithSHA")].make()
    return PBKDF2HMAC(prf, cipher.key_length, salt, rounds).derive(password)


def _pbkdf2(derivation: AlgorithmIdentifier) -> tuple[list[der.Element], int]:
    fields = der.read(derivation.parameters or b"").children()
    if len(fields) < 2:
        raise ValueError("PBKDF2 without salt and iteration count")
    return fields, der.int_of(fields[1])


def rounds_of(recipient: PasswordRecipient) -> int:
    """Return how many PBKDF2 rounds it takes to try one password; raises ValueError or DerError."""
    if recipient.key_derivation is None:
        raise ValueError("the key derivation is not PBKDF2")
    return _pbkdf2(recipient.key_derivation)[1]


def unwrap_key(algorithm: AlgorithmIdentifier, kek: bytes, wrapped: bytes) -> bytes:
    """Unwrap a content key (RFC 3211, 2.3.2); raises ValueError when the password was wrong."""
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
        raise ValueError("the check octets are wrong: another password")
    return key, plain[4 + length :]


def wrap_key(algorithm: AlgorithmIdentifier, kek: bytes, content_key: bytes, padding_octets: bytes) -> bytes:
    """Wrap a content key (RFC 3211, 2.3.1): the inverse of `unwrap_key`."""
    cipher, iv = _kek_cipher(algorithm)
    plain = bytes((len(content_key),)) + bytes(b ^ 0xFF for b in content_key[:3]) + content_key + padding_octets
    if len(plain) % cipher.block_length or len(plain) < 2 * cipher.block_length:
        raise BuildError("the padding of the wrapped key must fill whole blocks, at least two")
    once = _cbc(cipher, kek, iv, plain, encrypt=True)
    return _cbc(cipher, kek, once[-cipher.block_length :], once, encrypt=True)


def _cbc(cipher: ContentCipher, key: bytes, iv: bytes, data: bytes, *, encrypt: bool) -> bytes:
    context = Cipher(cipher.make(key), modes.CBC(iv))
    worker = context.encryptor() if encrypt else context.decryptor()
    return worker.update(data) + worker.finalize()


# --------------------------------------------------------------- putting together


@dataclass(frozen=True, slots=True)
class KeyTransDraft:
    """What goes into a KeyTransRecipientInfo: whose key, how, and the random octets of the padding.

    `randomness` is the PS string of PKCS#1 v1.5 (key octets - 3 - content key
    octets, none of them 0), or the seed of OAEP (as long as its digest).
    """

    identifier: CertificateIdentifier
    public_key_info: bytes
    key_encryption: AlgorithmIdentifier
    randomness: bytes = field(repr=False)
    version: int = 0


@dataclass(frozen=True, slots=True)
class PasswordDraft:
    """What goes into a PasswordRecipientInfo; `randomness` fills the wrapped key to whole blocks."""

    password: bytes = field(repr=False)
    key_derivation: AlgorithmIdentifier
    key_encryption: AlgorithmIdentifier
    randomness: bytes = field(repr=False)
    version: int = 0


@dataclass(frozen=True, slots=True)
class EnvelopeDraft:
    """All that goes into an EnvelopedData apart from the plaintext; the IV is in `content_encryption`."""

    recipients: tuple[KeyTransDraft | PasswordDraft, ...]
    content_key: bytes = field(repr=False)
    content_encryption: AlgorithmIdentifier
    version: int = 0
    content_type: str = oids.DATA
    shape: der.Shape = der.DER_SHAPE


def build_enveloped(draft: EnvelopeDraft, plaintext: bytes) -> bytes:
    """Encrypt `plaintext` and write the EnvelopedData; the same draft gives the same octets.

    Raises BuildError when the draft does not fit together.
    """
    cipher = algorithms.CIPHERS_BY_OID.get(draft.content_encryption.oid)
    if cipher is None or len(draft.content_key) != cipher.key_length:
        raise BuildError(
            f"{draft.content_encryption.name} cannot be used with a key of {len(draft.content_key)} octets"
        )
    try:
        iv = iv_of(draft.content_encryption, cipher)
        encrypted = encrypt_content(cipher, draft.content_key, iv, plaintext)
        recipients = [_build_recipient(r, draft.content_key) for r in draft.recipients]
        body = der.sequence(
            der.integer(draft.version),
            # In the order given: EnvelopedData need not be DER, and a rebuild keeps the captured order.
            der.encode(der.SET, *recipients),
            der.sequence(
                der.oid(draft.content_type),
                algorithms.build_algorithm(draft.content_encryption),
                der.context(0, encrypted, constructed=False),
            ),
        )
        plain = der.sequence(der.oid(oids.ENVELOPED_DATA), der.context(0, body))
        return der.dress(plain, draft.shape)
    except (ValueError, UnsupportedAlgorithm, der.DerError) as error:
        raise BuildError(f"the envelope cannot be built: {error}") from error


def _build_recipient(draft: KeyTransDraft | PasswordDraft, content_key: bytes) -> bytes:
    if isinstance(draft, PasswordDraft):
        kek = derive_key(draft.key_derivation, draft.key_encryption, draft.password)
        wrapped = wrap_key(draft.key_encryption, kek, content_key, draft.randomness)
        derivation = der.context(0, der.oid(draft.key_derivation.oid), draft.key_derivation.parameters or b"")
        return der.encode(
            _PASSWORD,
            der.integer(draft.version),
            derivation,
            algorithms.build_algorithm(draft.key_encryption),
            der.encode(der.OCTET_STRING, wrapped),
        )
    return der.sequence(
        der.integer(draft.version),
        draft.identifier.raw,
        algorithms.build_algorithm(draft.key_encryption),
        der.encode(der.OCTET_STRING, transport_key(draft, content_key)),
    )


def transport_key(draft: KeyTransDraft, content_key: bytes) -> bytes:
    """Encrypt the content key for an RSA recipient with the draft's own padding octets.

    `cryptography` draws the padding itself and takes none, so the block is put
    together here (RFC 8017, 7.1.1 and 7.2.1); the public operation needs no secret.
    Raises BuildError when padding or key do not fit.
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
            raise BuildError(f"PKCS#1 v1.5 padding needs {size - 3 - len(content_key)} octets, none of them 0")
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
        raise BuildError(f"OAEP with {digest} needs a seed of {len(label_hash)} octets and a longer RSA key")
    data = label_hash + bytes(room) + b"\1" + content_key
    masked = _xor(data, _mgf1(draft.randomness, len(data), mgf_digest))
    return b"\0" + _xor(draft.randomness, _mgf1(masked, len(label_hash), mgf_digest)) + masked


def transport_randomness(recipient: KeyTransRecipient, key: rsa.RSAPrivateKey) -> bytes:
    """Return the random octets that the sender padded the content key with, for building it again.

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


def draft_of_enveloped(
    enveloped: EnvelopedData,
    opened: Opened,
    *,
    keys: Sequence[rsa.RSAPrivateKey] = (),
    passwords: Sequence[bytes] = (),
) -> EnvelopeDraft:
    """Return what went into an opened envelope, without its ciphertext and encrypted keys.

    The padding of every recipient must be recovered, so each one's private key
    (or password) has to be among those given; raises BuildError otherwise.
    """
    drafts: list[KeyTransDraft | PasswordDraft] = []
    for recipient in enveloped.recipients:
        if isinstance(recipient, KeyTransRecipient):
            drafts.append(_draft_key(recipient, opened.content_key, keys))
        elif isinstance(recipient, PasswordRecipient):
            drafts.append(_draft_password(recipient, opened.content_key, passwords))
        else:
            raise BuildError(f"a {recipient} cannot be built")
    strings = () if enveloped.encrypted_content_offset is None else (enveloped.encrypted_content_offset,)
    try:
        _, shape = der.normalise(enveloped.raw, strings)
    except der.DerError as error:
        raise BuildError(f"the captured encoding cannot be described: {error}") from error
    return EnvelopeDraft(
        tuple(drafts),
        opened.content_key,
        enveloped.content_encryption,
        enveloped.version,
        enveloped.content_type,
        shape,
    )


def _draft_key(recipient: KeyTransRecipient, content_key: bytes, keys: Sequence[rsa.RSAPrivateKey]) -> KeyTransDraft:
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


def _draft_password(recipient: PasswordRecipient, content_key: bytes, passwords: Sequence[bytes]) -> PasswordDraft:
    for password in passwords:
        try:
            kek = derive_key(recipient.key_derivation, recipient.key_encryption, password)
            key, rest = _unwrap(recipient.key_encryption, kek, recipient.encrypted_key)
        except (ValueError, der.DerError):
            continue
        if key == content_key and recipient.key_derivation is not None:
            return PasswordDraft(password, recipient.key_derivation, recipient.key_encryption, rest, recipient.version)
    raise BuildError("the wrapped key cannot be built again without its password")


def nonzero(count: int, random: RandomBytes = secrets.token_bytes) -> bytes:
    """Return `count` random octets without a zero, as PKCS#1 v1.5 padding needs them."""
    out = b""
    while len(out) < count:
        out += random(count - len(out)).replace(b"\0", b"")
    return out
