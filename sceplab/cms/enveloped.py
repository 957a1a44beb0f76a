"""EnvelopedData: the pkcsPKIEnvelope, encrypted for its recipients (RFC 5652, 6; RFC 8894, 3.1).

Rule: the signature around the envelope and the type of the plaintext are handled
elsewhere. `parse_enveloped` and `build_enveloped` are inverse when they are given
the same secrets; `decrypt` does not accept a key because the padding is valid.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa

from sceplab.asn1 import ber, der, oids
from sceplab.cms import algorithms
from sceplab.cms.algorithms import AlgorithmIdentifier, ContentCipher
from sceplab.cms.cipher import decrypt_content, encrypt_content, iv_of
from sceplab.cms.contentinfo import content_of
from sceplab.cms.keytransport import (
    KeyTransDraft,
    KeyTransRecipient,
    build_key_transport,
    decrypt_key,
    parse_key_transport,
    recover_key_transport,
)
from sceplab.cms.password import (
    MAX_PBKDF2_ROUNDS,
    PASSWORD_RECIPIENT,
    PasswordDraft,
    PasswordRecipient,
    build_password,
    derive_key,
    parse_password,
    recover_password,
    rounds_of,
    unwrap_key,
)
from sceplab.cms.x509 import Certificate, CertificateLike, certificate_of, public_key_info
from sceplab.errors import BuildError, DecryptError, Layer, Problem, counted

_OTHER_KINDS = {1: "KeyAgreeRecipientInfo", 2: "KEKRecipientInfo", 4: "OtherRecipientInfo"}


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
    """A parsed ContentInfo of type envelopedData; `raw` are the captured bytes."""

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
        """The content cipher, or None if its identifier is unknown."""
        return algorithms.CIPHERS_BY_OID.get(self.content_encryption.oid)


def parse_enveloped(data: bytes) -> EnvelopedData:
    """Parse a ContentInfo with EnvelopedData, BER or DER.

    Never raises: what could not be read is absent and named in `problems`.
    """
    fields: dict[str, Any] = {}
    problems: list[Problem] = []
    try:
        _read_enveloped(data, fields, problems)
    except der.DerError as error:
        problems.append(error.problem(Layer.ENVELOPED))
    return EnvelopedData(data, problems=counted(problems), **fields)


def _read_enveloped(data: bytes, out: dict[str, Any], problems: list[Problem]) -> None:
    body = content_of(data, oids.ENVELOPED_DATA, "envelopedData", problems, Layer.ENVELOPED)
    fields = body.children()
    if not fields:
        raise der.DerError(body.start, "EnvelopedData", "an empty element")
    out["version"] = der.int_of(fields[0])
    rest = fields[1:]
    if rest and rest[0].tag == der.CONTEXT | der.CONSTRUCTED:
        rest.pop(0)  # originatorInfo: key agreement only
    if not rest or rest[0].tag != der.SET:
        raise der.DerError(rest[0].start if rest else body.end, "recipientInfos (SET)", "something else")
    recipients: list[Recipient] = []
    for item in rest[0].children():
        try:
            recipients.append(_read_recipient(item))
        except der.DerError as error:
            problems.append(error.problem(Layer.ENVELOPED))
    out["recipients"] = tuple(recipients)
    if len(rest) < 2:
        raise der.DerError(body.end, "encryptedContentInfo", "the end of EnvelopedData")
    parts = rest[1].children()
    if len(parts) < 2:
        raise der.DerError(rest[1].start, "contentType and contentEncryptionAlgorithm", f"{len(parts)} fields")
    out["content_type"] = der.oid_of(parts[0])
    out["content_encryption"] = algorithms.parse_algorithm(parts[1])
    if len(parts) > 2:
        out["encrypted_content_offset"] = parts[2].start
        out["encrypted_content"] = parts[2].octets()


def _read_recipient(element: der.Element) -> Recipient:
    if element.tag == der.SEQUENCE:
        return parse_key_transport(element)
    if element.tag == PASSWORD_RECIPIENT:
        return parse_password(element)
    return OtherRecipient(_OTHER_KINDS.get(element.tag & 0x1F, "unknown RecipientInfo"), element.raw)


# --------------------------------------------------------------- opening

MAX_RECIPIENTS = 32
"""Recipients that are tried: real messages have one or two, and each costs a decryption with every key."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An opened envelope: plaintext, content key, IV, and the recipient with the key or password that opened it."""

    plaintext: bytes = field(repr=False)
    content_key: bytes = field(repr=False)
    iv: bytes
    recipient: KeyTransRecipient | PasswordRecipient
    how: str
    key: rsa.RSAPrivateKey | None = field(default=None, repr=False)
    password: bytes | None = field(default=None, repr=False)


def decrypt(
    enveloped: EnvelopedData,
    *,
    keys: Sequence[rsa.RSAPrivateKey] = (),
    certificates: Sequence[CertificateLike] = (),
    passwords: Sequence[bytes] = (),
) -> Opened:
    """Open the envelope with one of the private keys or challenge passwords.

    `certificates` tell which key belongs to which recipient; without them
    each key is tried. A result counts only if the content key has the right
    length, the padding is right AND the plaintext is ASN.1 or text, because RSA
    decryption with a wrong key gives random bytes, not an error.
    A message chooses how many recipients it has and how many PBKDF2 rounds each
    costs: `MAX_RECIPIENTS` are tried, and `MAX_PBKDF2_ROUNDS` spent in all.
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
    rounds = 0
    for recipient in enveloped.recipients[:MAX_RECIPIENTS]:
        if isinstance(recipient, KeyTransRecipient):
            ordered: Sequence[rsa.RSAPrivateKey] = keys
            if len(keys) > 1:
                if known_certificates is None:
                    known_certificates = [*map(certificate_of, certificates)]
                ordered = sorted(keys, key=lambda k: not _belongs(k, recipient, known_certificates or []))
            for key in ordered:
                opened = _attempt_key(enveloped, cipher, iv, recipient, key, attempts)
                if opened:
                    return opened
        elif isinstance(recipient, PasswordRecipient):
            for password in passwords:
                rounds += rounds_of(recipient)
                if rounds > MAX_PBKDF2_ROUNDS:
                    attempts.append(f"gave up: all recipients and passwords cost more than {MAX_PBKDF2_ROUNDS} rounds")
                    break
                opened = _attempt_password(enveloped, cipher, iv, recipient, password, attempts)
                if opened:
                    return opened
    raise DecryptError(_explain(enveloped, keys, certificates, attempts))


def _belongs(key: rsa.RSAPrivateKey, recipient: KeyTransRecipient, certificates: Iterable[Certificate]) -> bool:
    info = public_key_info(key)
    return any(recipient.identifier.matches(c) and c.public_key_info == info for c in certificates)


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
    how = "password (PWRI-KEK)"
    return None if plaintext is None else Opened(plaintext, content_key, iv, recipient, how, password=password)


def _open_content(
    enveloped: EnvelopedData, cipher: ContentCipher, iv: bytes, content_key: bytes, attempts: list[str], whose: str
) -> bytes | None:
    if len(content_key) != cipher.key_length:
        attempts.append(f"for {whose}: this is not its key")
        return None
    try:
        plaintext = decrypt_content(cipher, content_key, iv, enveloped.encrypted_content)
    except (ValueError, InvalidTag, UnsupportedAlgorithm):
        attempts.append(f"for {whose}: this is not its key, or the content was changed")
        return None
    if not _is_meant(plaintext):
        attempts.append(f"for {whose}: this is not its key (what came out is neither ASN.1 nor text)")
        return None
    return plaintext


def _is_meant(plaintext: bytes) -> bool:
    """Whether the plaintext is ASN.1 elements up to the end, or text such as PEM.

    A wrong key can give random bytes with valid padding; those are neither.
    """
    if len(plaintext) >= _LEAST_TEXT and all(c in _TEXT for c in plaintext[:4096]):
        return True
    here = 0
    try:
        while here < len(plaintext):
            element = der.read(plaintext, here)
            if element.tag not in {der.SEQUENCE, der.INTEGER, der.BIT_STRING, der.SET}:
                return False
            here = element.end
    except der.DerError:
        return False
    return len(plaintext) >= _LEAST_TEXT or (plaintext[:1] == b"\x30" and here > 0)


_LEAST_TEXT = 24
_TEXT = frozenset(b"\t\r\n" + bytes(range(0x20, 0x7F)))


def _explain(
    enveloped: EnvelopedData,
    keys: Sequence[rsa.RSAPrivateKey],
    certificates: Sequence[CertificateLike],
    attempts: Sequence[str],
) -> str:
    if not enveloped.recipients:
        return "the pkcsPKIEnvelope names no recipient that could be read"
    lines = ["No key at hand opens the pkcsPKIEnvelope. It is encrypted for:"]
    lines += [f"  - {r}" for r in enveloped.recipients[:MAX_RECIPIENTS]]
    if len(enveloped.recipients) > MAX_RECIPIENTS:
        lines.append(f"  - and {len(enveloped.recipients) - MAX_RECIPIENTS} more, which were not tried")
    if not keys:
        lines.append("No private key was given. Give the key that belongs to one of these certificates.")
        return "\n".join(lines)
    lines.append("Tried:")
    known = [*map(certificate_of, certificates)]
    for key in keys:
        info = public_key_info(key)
        name = f"  - the {key.key_size}-bit RSA key with SPKI SHA-256 {hashlib.sha256(info).hexdigest()[:16]}..."
        owners = [c for c in known if c.public_key_info == info]
        lines.append(name + (f", which is the key of {owners[0]}" if owners else ""))
    lines += [f"    {a}" for a in attempts]
    return "\n".join(lines)


# --------------------------------------------------------------- building


@dataclass(frozen=True, slots=True)
class EnvelopeDraft:
    """Everything that an EnvelopedData is built from except the plaintext; the IV is in `content_encryption`."""

    recipients: tuple[KeyTransDraft | PasswordDraft, ...]
    content_key: bytes = field(repr=False)
    content_encryption: AlgorithmIdentifier
    version: int = 0
    content_type: str = oids.DATA
    shape: ber.Shape = ber.DER_SHAPE


def build_enveloped(draft: EnvelopeDraft, plaintext: bytes) -> bytes:
    """Encrypt `plaintext` and write the EnvelopedData; the same draft gives the same bytes.

    Raises BuildError if parts of the draft do not match.
    """
    cipher = algorithms.CIPHERS_BY_OID.get(draft.content_encryption.oid)
    if cipher is None or len(draft.content_key) != cipher.key_length:
        raise BuildError(f"{draft.content_encryption.name} cannot be used with a key of {len(draft.content_key)} bytes")
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
        return ber.dress(plain, draft.shape)
    except (ValueError, UnsupportedAlgorithm, der.DerError) as error:
        raise BuildError(f"the envelope cannot be built: {error}") from error


def _build_recipient(draft: KeyTransDraft | PasswordDraft, content_key: bytes) -> bytes:
    if isinstance(draft, PasswordDraft):
        return build_password(draft, content_key)
    return build_key_transport(draft, content_key)


def draft_of_enveloped(
    enveloped: EnvelopedData,
    opened: Opened,
    *,
    keys: Sequence[rsa.RSAPrivateKey] = (),
    passwords: Sequence[bytes] = (),
) -> EnvelopeDraft:
    """Return the draft of an opened envelope, without its ciphertext and encrypted keys.

    The padding of every recipient must be recovered, so each one's private key
    (or password) has to be among those given; raises BuildError otherwise.
    """
    rounds = sum(rounds_of(r) for r in enveloped.recipients if isinstance(r, PasswordRecipient)) * len(passwords)
    if len(enveloped.recipients) > MAX_RECIPIENTS or rounds > MAX_PBKDF2_ROUNDS:
        raise BuildError(f"more than {MAX_RECIPIENTS} recipients or {MAX_PBKDF2_ROUNDS} PBKDF2 rounds")
    drafts: list[KeyTransDraft | PasswordDraft] = []
    for recipient in enveloped.recipients:
        if isinstance(recipient, KeyTransRecipient):
            drafts.append(recover_key_transport(recipient, opened.content_key, keys))
        elif isinstance(recipient, PasswordRecipient):
            drafts.append(recover_password(recipient, opened.content_key, passwords))
        else:
            raise BuildError(f"a {recipient} cannot be built")
    strings = () if enveloped.encrypted_content_offset is None else (enveloped.encrypted_content_offset,)
    try:
        _, shape = ber.normalise(enveloped.raw, strings)
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
