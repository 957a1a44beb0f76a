"""A whole pkiMessage: decode and encode all layers (RFC 8894, 3).

Rule: each layer is parsed and built by its own module. This one has the order of
the layers, from the outside in `decode_message` and from the inside in
`encode_message`. A message is drafted in `draft`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import rsa

from sceplab.cms.csr import CertificationRequest, verify_csr
from sceplab.cms.enveloped import EnvelopedData, EnvelopeDraft, Opened, build_enveloped, decrypt, parse_enveloped
from sceplab.cms.sign import SignedDraft, build_signed
from sceplab.cms.signature import SigningKey
from sceplab.cms.signed import SignedData, parse_signed
from sceplab.cms.trust import Trust
from sceplab.cms.verify import Check, Verification, verify_signed
from sceplab.cms.x509 import CertificateLike
from sceplab.errors import BuildError, DecryptError, Problem
from sceplab.scep.attributes import SINGLE_VALUED, MessageType, ScepAttributes, parse_attributes
from sceplab.scep.messagedata import MessageData, parse_message_data


@dataclass(frozen=True, slots=True)
class PkiMessage:
    """A pkiMessage with every layer that could be read.

    `enveloped` is None where the message has no pkcsPKIEnvelope (FAILURE and
    PENDING). `opened` is None if no key fitted; `decrypt_error` then says why.
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
        """Everything malformed that was skipped, outermost layer first."""
        layers = (self.signed, self.attributes, self.enveloped, self.message_data)
        return tuple(p for layer in layers if layer is not None for p in layer.problems)


def decode_message(
    data: bytes,
    *,
    keys: Sequence[rsa.RSAPrivateKey] = (),
    certificates: Sequence[CertificateLike] = (),
    passwords: Sequence[bytes] = (),
    trust: Trust | None = None,
    at: datetime | None = None,
) -> PkiMessage:
    """Decode a pkiMessage, BER or DER, as far as it can be read. Never raises on content.

    `keys` are private keys that may open the envelope, `passwords` challenge
    passwords for the same, `certificates` are used to find the
    signer and to match keys to recipients. With `trust` the signer's chain is
    validated, at the moment `at` or the message's own signingTime.
    """
    signed = parse_signed(data)
    info = signed.signer_info
    attributes = parse_attributes(info.signed_attributes if info else ())
    verification = verify_signed(signed, certificates=certificates, trust=trust, at=at, single_valued=SINGLE_VALUED)
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


# --------------------------------------------------------------- encoding


@dataclass(frozen=True, slots=True)
class MessageDraft:
    """Everything that a pkiMessage is built from except the signer's private key.

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

    The same draft and RSA key give the same bytes. Raises BuildError.
    """
    content = draft.content
    if draft.envelope is not None:
        if draft.message_data is None:
            raise BuildError("an envelope needs messageData")
        content = build_enveloped(draft.envelope, draft.message_data)
    return build_signed(draft.signed, content, key)
