"""Parse, check and decrypt a request to a CA or RA.

Rule: no state, and no decision who gets a certificate. A request that cannot be
answered with a CertRep raises `NotAMessageError`; one that is answered with
FAILURE raises `Refused`.

No padding oracle: anybody may change bytes of a captured envelope, sign it with
another key, send it and watch the reply. So every failure of decryption, up to a
PKCS#10 request that is not signed with its own key, ends in one exception
(`_unopened`): the same failInfoText, and a reply that is held until a tick of the
clock (`Refused.held`, see `server`). An envelope that cannot be decrypted is taken for
one that holds a decoy, which then fails where a changed request fails. The content of a
CertPoll is not opened at all (RFC 8894, 3.3.3: transactionID and signer decide), and a
GetCert or GetCRL is answered only if it names this CA byte for byte: another issuer, and
whatever else is in the envelope, is one badCertId (`UNKNOWN`).
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sceplab.asn1 import der, oids
from sceplab.cms import algorithms
from sceplab.cms.algorithms import MIN_EC_BITS
from sceplab.cms.attribute import Attribute
from sceplab.cms.cipher import decrypt_content, iv_of
from sceplab.cms.csr import CertificationRequest, build_extensions, parse_csr, serialize_csr, verify_csr
from sceplab.cms.enveloped import MAX_RECIPIENTS, EnvelopedData, decrypt, parse_enveloped
from sceplab.cms.keytransport import KeyTransRecipient, decrypt_key
from sceplab.cms.name import Name, parse_subject
from sceplab.cms.password import PasswordRecipient, rounds_of
from sceplab.cms.reason import Reason
from sceplab.cms.signature import signature_algorithm_for
from sceplab.cms.signed import SignedData, parse_signed
from sceplab.cms.verify import CheckName, Outcome, verify_signed
from sceplab.cms.x509 import Certificate, Extension
from sceplab.errors import DecryptError, ScepError
from sceplab.lab.claims import check_claims
from sceplab.lab.identity import Identity
from sceplab.scep.attributes import SINGLE_VALUED, FailInfo, MessageType, ScepAttributes, parse_attributes
from sceplab.scep.messagedata import IssuerAndSerialNumber, parse_issuer_and_serial


class NotAMessageError(ScepError):
    """The bytes are not a SCEP request, so no CertRep can answer them."""


class Refused(ScepError):  # noqa: N818 - a verdict, not an error of ours
    """A request is answered with FAILURE.

    `text` becomes failInfoText, `aside` is only logged by the server. With `held` the time of the
    reply must not show what was found in the request.
    """

    def __init__(self, fail_info: FailInfo, text: str, aside: str = "", *, held: bool = False) -> None:
        super().__init__(text)
        self.fail_info, self.text, self.aside, self.held = fail_info, text, aside, held


@dataclass(frozen=True, slots=True)
class Strictness:
    """What a server accepts: `legacy` allows MD5 and single DES, `clock_skew` None allows any signingTime."""

    legacy: bool = False
    min_rsa_bits: int = 2048
    clock_skew: timedelta | None = None


DEFAULT_CIPHER = "aes-128-cbc"


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request whose signature was verified: the policy judges its `signer` later."""

    signed: SignedData
    attributes: ScepAttributes
    signer: Certificate
    enveloped: EnvelopedData

    @property
    def transaction_id(self) -> str:
        """The transactionID."""
        return self.attributes.transaction_id or ""

    @property
    def cipher(self) -> str:
        """The name of the cipher that it was encrypted with."""
        cipher = self.enveloped.cipher
        return cipher.name if cipher is not None else DEFAULT_CIPHER


# --------------------------------------------------------------- parse and check


Asked = tuple[SignedData, ScepAttributes]
"""The parts of a request that are needed to answer it."""


def read_request(data: bytes) -> Asked:
    """Parse a request up to its SCEP attributes. Raises NotAMessageError."""
    signed = parse_signed(data)
    info = signed.signer_info
    if info is None:
        reason = str(signed.problems[0]) if signed.problems else "nobody signed it"
        raise NotAMessageError(f"this is not a pkiMessage: {reason}")
    attributes = parse_attributes(info.signed_attributes)
    if not attributes.transaction_id or attributes.message_type is None:
        raise NotAMessageError("this is not a SCEP message: transactionID or messageType is missing (RFC 8894, 3.2.1)")
    if len(attributes.message_type) > _MAX_MESSAGE_TYPE:
        raise NotAMessageError(f"the messageType is longer than {_MAX_MESSAGE_TYPE} characters")
    if not attributes.transaction_id.isascii():
        raise NotAMessageError("the transactionID is not a PrintableString (RFC 8894, 3.2.1.1)")
    if attributes.type is MessageType.CertRep:
        raise NotAMessageError("this is a reply (CertRep), not a request")
    return signed, attributes


_MAX_TRANSACTION_ID, _MAX_MESSAGE_TYPE = 512, 16
_MAX_ENVELOPED = 100_000  # bytes; a request with an RSA key of 16384 bits has about 4500


def judge_request(signed: SignedData, attributes: ScepAttributes, strict: Strictness, now: datetime) -> SignedRequest:
    """Make every check that needs no private key of this server. Raises Refused."""
    verification = verify_signed(signed, single_valued=SINGLE_VALUED)
    signer, info = verification.signer, signed.signer_info
    if signer is None or info is None:
        raise Refused(FailInfo.badMessageCheck, "the signer's certificate is not in the message (RFC 8894, 2.3)")
    for name in (CheckName.STRUCTURE, CheckName.CONTENT_TYPE, CheckName.DIGEST, CheckName.SIGNATURE):
        check = verification[name]
        if check.reason is Reason.TRAILING:
            continue  # a line break behind the message harms nobody
        if check.outcome is Outcome.NOT_POSSIBLE:
            raise Refused(FailInfo.badAlg, f"{name}: {check.detail}")
        if check.outcome is Outcome.FAILED:
            raise Refused(FailInfo.badMessageCheck, f"{name}: {check.detail}")
    if attributes.type is None or attributes.type is MessageType.UpdateReq:
        raise Refused(FailInfo.badRequest, f"messageType {attributes.message_type} is not supported")
    if attributes.sender_nonce is None:
        raise Refused(FailInfo.badRequest, "there is no senderNonce (RFC 8894, 3.2.1.5)")
    if len(attributes.transaction_id or "") > _MAX_TRANSACTION_ID:
        raise Refused(FailInfo.badRequest, f"the transactionID is longer than {_MAX_TRANSACTION_ID} characters")
    digest = algorithms.DIGESTS_BY_OID.get(info.digest_algorithm.oid)
    if digest is not None and digest.name == "md5" and not strict.legacy:
        raise Refused(FailInfo.badAlg, digest.weak)
    if strict.clock_skew is not None and info.signing_time is not None:
        off = abs(info.signing_time - now)
        if off > strict.clock_skew:
            raise Refused(FailInfo.badTime, f"signingTime is {off} off this server's clock")
    enveloped = parse_enveloped(signed.content or b"")
    # Of the size anyone can see, so that this shows nothing of the content.
    if len(enveloped.encrypted_content) > _MAX_ENVELOPED:
        raise Refused(FailInfo.badRequest, f"the pkcsPKIEnvelope holds more than {_MAX_ENVELOPED} bytes")
    cipher = enveloped.cipher
    if cipher is None:
        if enveloped.problems:
            raise Refused(FailInfo.badRequest, f"there is no pkcsPKIEnvelope: {enveloped.problems[0]}")
        raise Refused(FailInfo.badAlg, f"content encryption {enveloped.content_encryption.name} is not supported")
    if cipher.name == "des-cbc" and not strict.legacy:
        raise Refused(FailInfo.badAlg, cipher.weak)
    return SignedRequest(signed, attributes, signer, enveloped)


# Limit of PBKDF2 rounds of one message, over all its PasswordRecipientInfos and all challengePasswords:
# five passwords of OWASP's 600,000 rounds, and about a second.
_MAX_ROUNDS = 3_000_000
UNOPENED = "the pkcsPKIEnvelope cannot be opened, or its content is not a request signed with its own key"


UNKNOWN = "the pkcsPKIEnvelope cannot be opened, or its content names no certificate of this CA"


def _unopened(aside: str) -> Refused:
    return Refused(FailInfo.badMessageCheck, UNOPENED, aside, held=True)


@dataclass(frozen=True, slots=True)
class Opened:
    """The messageData of a request, or a `decoy` where `aside` says why it cannot be decrypted."""

    data: bytes = field(repr=False)
    aside: str = ""


def open_request(incoming: SignedRequest, mine: Sequence[Identity], passwords: Sequence[str] = ()) -> Opened:
    """Return the messageData of a request, decrypted with a key in `mine` or a password. Raises Refused.

    A wrong recipient is reported openly: anyone can see the recipient. All later
    failures look the same: if the content key cannot be decrypted, a random one is
    used instead (as RFC 5246 7.4.7.1 does for TLS), and what decrypts to no ASN.1 is
    replaced by a decoy, which `read_csr` and `read_lookup` refuse.
    """
    enveloped = incoming.enveloped
    for recipient in enveloped.recipients[:MAX_RECIPIENTS]:
        if isinstance(recipient, PasswordRecipient) and passwords:
            return _open_with_password(enveloped, passwords)
        if isinstance(recipient, KeyTransRecipient):
            identity = next((i for i in mine if recipient.identifier.matches(i.parsed)), None)
            if identity is not None and isinstance(identity.key, rsa.RSAPrivateKey):
                return _open_with_key(enveloped, recipient, identity.key)
    whom = "; ".join(str(r) for r in enveloped.recipients[:3]) or "nobody"
    raise Refused(FailInfo.badMessageCheck, f"this is encrypted for {whom}, not for this server")


def _open_with_key(enveloped: EnvelopedData, recipient: KeyTransRecipient, key: rsa.RSAPrivateKey) -> Opened:
    cipher = enveloped.cipher
    assert cipher is not None  # noqa: S101 - judge_request made sure
    try:
        iv = iv_of(enveloped.content_encryption, cipher)
    except der.DerError as error:
        raise Refused(FailInfo.badRequest, f"the parameters of {cipher.name} cannot be read: {error}") from error
    content_key = secrets.token_bytes(cipher.key_length)
    try:
        found, _ = decrypt_key(recipient, key)
        content_key = found if len(found) == cipher.key_length else content_key
    except (ValueError, UnsupportedAlgorithm, der.DerError):
        pass
    plaintext = b""
    try:
        plaintext = decrypt_content(cipher, content_key, iv, enveloped.encrypted_content)
        element = der.read(plaintext)
        whole = element.tag == der.SEQUENCE and element.end == len(plaintext)
    except (ValueError, InvalidTag, UnsupportedAlgorithm, der.DerError):
        whole = False
    if not whole:
        return Opened(
            decoy(), "the decrypted content is not ASN.1: another key, or changed bytes (a decoy takes its place)"
        )
    return Opened(plaintext)


@cache
def decoy() -> bytes:
    """Return a request (DER) with attributes as devices send them, which nobody can have signed.

    Its RSA key is a random number of 2048 bits, which has no private key; making it takes no time.
    """
    modulus = secrets.randbits(2048) | 1 << 2047 | 1
    key = rsa.RSAPublicNumbers(65537, modulus).public_key()
    usage = der.encode(der.BIT_STRING, b"\x05\xa0")
    wanted = build_extensions([Extension(oids.KEY_USAGE, critical=False, value=usage)])
    challenge = der.encode(der.PRINTABLE_STRING, secrets.token_hex(8).encode())
    return serialize_csr(
        CertificationRequest(
            b"",
            subject=parse_subject("CN=nobody"),
            public_key_info=key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            attributes=(Attribute(oids.CHALLENGE_PASSWORD, (challenge,)), Attribute(oids.EXTENSION_REQUEST, (wanted,))),
            signature_algorithm=signature_algorithm_for(key, "sha256", "digestWithRSA"),
            signature=secrets.token_bytes(255).rjust(256, b"\0"),
        )
    )


@cache
def _parsed_decoy() -> CertificationRequest:
    return parse_csr(decoy())


def _open_with_password(enveloped: EnvelopedData, passwords: Sequence[str]) -> Opened:
    asked = (r for r in enveloped.recipients if isinstance(r, PasswordRecipient))
    if sum(map(rounds_of, asked)) * len(passwords) > _MAX_ROUNDS:
        # Openly: anyone can see the number of rounds.
        raise Refused(FailInfo.badRequest, f"more than {_MAX_ROUNDS} PBKDF2 rounds for all recipients and passwords")
    try:
        return Opened(decrypt(enveloped, passwords=[p.encode() for p in passwords]).plaintext)
    except (DecryptError, ValueError, der.DerError):
        return Opened(decoy(), "no challengePassword of this server opens it (a decoy takes its place)")


def read_csr(data: bytes, strict: Strictness) -> CertificationRequest:
    """Read the request of a PKCSReq or RenewalReq and check it: signature, names, key size. Raises Refused."""
    request = parse_csr(data)
    possession = verify_csr(request)
    if request.problems or possession.outcome is not Outcome.PASSED:
        if possession.reason is not Reason.MISMATCH:
            # One signature is checked, however it fails.
            verify_csr(_parsed_decoy())
        raise _unopened(f"PKCS#10: {next(iter(request.problems), possession)}")
    if not request.subject.rdns:
        raise Refused(FailInfo.badRequest, "the request has no subject (RFC 8894, 3.3.1)")
    key = request.public_key()
    if isinstance(key, rsa.RSAPublicKey) and not strict.min_rsa_bits <= key.key_size <= _MAX_RSA_BITS:
        raise Refused(
            FailInfo.badRequest,
            f"an RSA key of {key.key_size} bits: this server takes {strict.min_rsa_bits} to {_MAX_RSA_BITS}",
        )
    if isinstance(key, ec.EllipticCurvePublicKey) and key.key_size < MIN_EC_BITS:
        raise Refused(FailInfo.badRequest, f"the curve {key.curve.name}: this server takes {MIN_EC_BITS} bits or more")
    try:
        check_claims(request)
    except ValueError as error:
        raise Refused(FailInfo.badRequest, str(error)) from error
    return request


def read_lookup(data: bytes, issuer: Name) -> IssuerAndSerialNumber:
    """Parse the content of a GetCert or GetCRL about a certificate of this issuer. Raises Refused."""
    wanted = parse_issuer_and_serial(data)
    # Compared as bytes: a lenient comparison would let an attacker try changed bytes.
    if wanted.problems or wanted.issuer.raw != issuer.raw or not 0 < len(wanted.serial) <= _MAX_SERIAL:
        aside = f"asks for serial {wanted.serial_hex} of {wanted.issuer}, not of this CA"
        raise Refused(FailInfo.badCertId, UNKNOWN, aside, held=True)
    return wanted


_MAX_SERIAL = 20  # bytes (RFC 5280, 4.1.2.2)


def is_one_of(given: str, challenges: Sequence[str]) -> bool:
    """Whether a challengePassword is one of these. All are compared, so the time does not show which matched."""
    octets = given.encode("utf-8", "surrogatepass")
    return any([hmac.compare_digest(octets, c.encode()) for c in challenges])  # noqa: C419


# Longer keys cost more time than they add security.
_MAX_RSA_BITS = 8192
