"""What a CA and an RA do alike: judge and open a request that is for them, and sign a CertRep.

Rule: no state and no policy of who gets a certificate. A request that cannot be
answered raises `NotAMessageError`, one that is answered with FAILURE `Refused`.

No oracle: anybody may sign a captured envelope anew, with octets of it changed,
and ask what becomes of it. So all ways in which opening fails end in the same
words, down to a PKCS#10 request that is not signed with its own key; what a
CertPoll holds is not looked at (RFC 8894, 3.3.3: transactionID and signer decide);
and a look-up is answered only if it names this CA, octet for octet.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, partial

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa

from sceplab.asn1 import der, oids
from sceplab.cms import algorithms
from sceplab.cms.algorithms import AlgorithmIdentifier
from sceplab.cms.attribute import Attribute
from sceplab.cms.cipher import RandomBytes, decrypt_content, iv_of
from sceplab.cms.csr import CertificationRequest, parse_csr, verify_csr
from sceplab.cms.enveloped import EnvelopedData, decrypt, parse_enveloped
from sceplab.cms.keytransport import KeyTransRecipient, decrypt_key
from sceplab.cms.name import Name, parse_subject
from sceplab.cms.password import PasswordRecipient, rounds_of
from sceplab.cms.pem import build_pem
from sceplab.cms.sign import SignedDraft, build_signed
from sceplab.cms.signature import signature_algorithm_for
from sceplab.cms.signed import SignedData, build_degenerate, parse_signed
from sceplab.cms.verify import CheckName, Outcome, Reason, verify_signed
from sceplab.cms.x509 import Certificate, build_identifier
from sceplab.errors import DecryptError, ScepError
from sceplab.lab.identity import Identity, issue, make_request, make_root, new_key
from sceplab.scep.attributes import FailInfo, MessageType, PkiStatus, ScepAttributes, parse_attributes
from sceplab.scep.capabilities import POST, offers
from sceplab.scep.draft import draft_message
from sceplab.scep.message import encode_message
from sceplab.scep.messagedata import IssuerAndSerialNumber, parse_issuer_and_serial
from sceplab.scep.transport import PKI_MESSAGE, HttpReply


class NotAMessageError(ScepError):
    """What came is no SCEP request that could be answered with a CertRep."""


class Refused(ScepError):  # noqa: N818 - a verdict, not an error of ours
    """A request is answered with FAILURE; the text becomes failInfoText, `aside` is for the server's own log."""

    def __init__(self, fail_info: FailInfo, text: str, aside: str = "") -> None:
        super().__init__(text)
        self.fail_info, self.text, self.aside = fail_info, text, aside


@dataclass(frozen=True, slots=True)
class Strictness:
    """What a server takes: `legacy` is MD5 and single DES, `clock_skew` None takes any signingTime."""

    legacy: bool = False
    min_rsa_bits: int = algorithms.MIN_RSA_BITS
    clock_skew: timedelta | None = None


DEFAULT_CIPHER = "aes-128-cbc"


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request of which it is known who signed it (`signer`), not yet whether that is enough."""

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


# --------------------------------------------------------------- a request comes in


Asked = tuple[SignedData, ScepAttributes]
"""A request as far as it must be read to be answered."""


def read_request(data: bytes) -> Asked:
    """Read a request as far as its SCEP attributes. Raises NotAMessageError where there is nobody to answer."""
    signed = parse_signed(data)
    info = signed.signer_info
    if info is None:
        reason = str(signed.problems[0]) if signed.problems else "nobody signed it"
        raise NotAMessageError(f"this is no pkiMessage: {reason}")
    attributes = parse_attributes(info.signed_attributes)
    if not attributes.transaction_id or attributes.message_type is None:
        raise NotAMessageError("this is no SCEP message: transactionID or messageType is missing (RFC 8894, 3.2.1)")
    if not attributes.transaction_id.isascii():
        raise NotAMessageError("the transactionID is no PrintableString (RFC 8894, 3.2.1.1)")
    if attributes.type is MessageType.CertRep:
        raise NotAMessageError("this is a reply (CertRep), not a request")
    return signed, attributes


_MAX_TRANSACTION_ID = 512


def judge_request(signed: SignedData, attributes: ScepAttributes, strict: Strictness, now: datetime) -> Incoming:
    """Check all that can be checked without a key of ours. Raises Refused."""
    verification = verify_signed(signed)
    signer, info = verification.signer, signed.signer_info
    if signer is None or info is None:
        raise Refused(FailInfo.badMessageCheck, "the signer's certificate is not in the message (RFC 8894, 2.3)")
    for name in (CheckName.DIGEST, CheckName.SIGNATURE):
        check = verification[name]
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
    cipher = enveloped.cipher
    if cipher is None:
        if enveloped.problems:
            raise Refused(FailInfo.badRequest, f"there is no pkcsPKIEnvelope: {enveloped.problems[0]}")
        raise Refused(FailInfo.badAlg, f"content encryption {enveloped.content_encryption.name} is not supported")
    if cipher.name == "des-cbc" and not strict.legacy:
        raise Refused(FailInfo.badAlg, cipher.weak)
    return Incoming(signed, attributes, signer, enveloped)


# What a PasswordRecipientInfo may make this server do, in PBKDF2 rounds.
_MAX_ROUNDS = 1_000_000
UNOPENED = "the pkcsPKIEnvelope cannot be opened, or what is in it is no request signed with its own key"


def _unopened(aside: str) -> Refused:
    return Refused(FailInfo.badMessageCheck, UNOPENED, aside)


def open_request(incoming: Incoming, mine: Sequence[Identity], passwords: Sequence[str] = ()) -> bytes:
    """Return the messageData of a request that is encrypted for one of my keys (or passwords). Raises Refused.

    That it is for somebody else is told, since everybody can see it. Beyond that
    all failures are one: a key that does not come out is replaced by a random
    one, and the work goes on with that (RFC 5246 7.4.7.1 does so for TLS).
    """
    enveloped = incoming.enveloped
    for recipient in enveloped.recipients:
        if isinstance(recipient, PasswordRecipient) and passwords:
            return _open_with_password(enveloped, recipient, passwords)
        if isinstance(recipient, KeyTransRecipient):
            identity = next((i for i in mine if recipient.identifier.matches(i.parsed)), None)
            if identity is not None and isinstance(identity.key, rsa.RSAPrivateKey):
                return _open_with_key(enveloped, recipient, identity.key)
    whom = "; ".join(str(r) for r in enveloped.recipients) or "nobody"
    raise Refused(FailInfo.badMessageCheck, f"this is encrypted for {whom}, not for this server")


def _open_with_key(enveloped: EnvelopedData, recipient: KeyTransRecipient, key: rsa.RSAPrivateKey) -> bytes:
    cipher = enveloped.cipher
    assert cipher is not None  # noqa: S101 - judge_request saw to it
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
        _work_on()
        raise _unopened("decryption gives nothing that is ASN.1: another key, or octets were changed")
    return plaintext


def _work_on() -> None:
    """Do the work that would have come next, so that time does not tell how far it came."""
    verify_csr(parse_csr(_some_request()))


@cache
def _parsed_request() -> CertificationRequest:
    return parse_csr(_some_request())


@cache
def _some_request() -> bytes:
    """Return a request whose signature is wrong: that takes longer to find than that it is right."""
    made = make_request(parse_subject("CN=nobody"), new_key())
    return made[:-1] + bytes((made[-1] ^ 1,))


def _open_with_password(enveloped: EnvelopedData, recipient: PasswordRecipient, passwords: Sequence[str]) -> bytes:
    try:
        if rounds_of(recipient) > _MAX_ROUNDS:
            raise Refused(FailInfo.badRequest, f"more than {_MAX_ROUNDS} PBKDF2 rounds")
        return decrypt(enveloped, passwords=[p.encode() for p in passwords]).plaintext
    except (DecryptError, ValueError, der.DerError) as error:
        raise _unopened("no challengePassword of this server opens it") from error


def read_csr(data: bytes, strict: Strictness) -> CertificationRequest:
    """Read the request of a PKCSReq or RenewalReq and check what it says of itself. Raises Refused."""
    request = parse_csr(data)
    possession = verify_csr(request)
    if request.problems or possession.outcome is not Outcome.PASSED:
        if possession.reason is not Reason.MISMATCH:
            verify_csr(_parsed_request())
        raise _unopened(f"PKCS#10: {next(iter(request.problems), possession)}")
    if not request.subject.rdns:
        raise Refused(FailInfo.badRequest, "the request has no subject (RFC 8894, 3.3.1)")
    key = request.public_key()
    if isinstance(key, rsa.RSAPublicKey) and not strict.min_rsa_bits <= key.key_size <= _MAX_RSA_BITS:
        raise Refused(
            FailInfo.badRequest,
            f"an RSA key of {key.key_size} bits: this server takes {strict.min_rsa_bits} to {_MAX_RSA_BITS}",
        )
    return request


def read_lookup(data: bytes, issuer: Name) -> IssuerAndSerialNumber:
    """Read what a GetCert or GetCRL asks for of this issuer. Raises Refused."""
    wanted = parse_issuer_and_serial(data)
    # Unlike a name, this leaves no room for octets that somebody wants to try.
    if wanted.problems or wanted.issuer.raw != issuer.raw or not 0 < len(wanted.serial) <= _MAX_SERIAL:
        raise _unopened(f"asks for serial {wanted.serial_hex} of {wanted.issuer}, not of this CA")
    return wanted


_MAX_SERIAL = 20  # octets (RFC 5280, 4.1.2.2)


def is_one_of(given: str, challenges: Sequence[str]) -> bool:
    """Whether a challengePassword is one of these. All are compared, so that time does not tell which came close."""
    octets = given.encode("utf-8", "surrogatepass")
    return any([hmac.compare_digest(octets, c.encode()) for c in challenges])  # noqa: C419


# Longer keys cost more time than they give safety.
_MAX_RSA_BITS = 8192


# --------------------------------------------------------------- a reply goes out


@dataclass(frozen=True, slots=True)
class Answer:
    """What a CertRep says. `payload` is the degenerate SignedData of a SUCCESS."""

    status: PkiStatus
    payload: bytes | None = field(default=None, repr=False)
    fail_info: FailInfo | None = None
    text: str = ""


def success(certificates: Sequence[bytes] = (), crls: Sequence[bytes] = ()) -> Answer:
    """Return the answer that brings certificates or CRLs (RFC 8894, 3.3.2.1)."""
    return Answer(PkiStatus.SUCCESS, build_degenerate(certificates, crls))


PENDING = Answer(PkiStatus.PENDING)


def failure(refused: Refused) -> Answer:
    """Return the answer that says why not (RFC 8894, 3.3.2.2)."""
    return Answer(PkiStatus.FAILURE, None, refused.fail_info, refused.text)


@dataclass(frozen=True, slots=True)
class ReplyForm:
    """How replies are written; the default is the form that every client known takes.

    `empty_content` sends an empty OCTET STRING where RFC 8894 3.3.2.2 has no
    content at all, because certmonger and PyScep stumble over none.
    """

    empty_content: bool = True
    faults: frozenset[str] = frozenset()


def build_reply(
    answer: Answer,
    asked: Asked,
    signer: Identity,
    form: ReplyForm,
    *,
    recipient: Certificate | None = None,
    password: str | None = None,
    cipher: str = DEFAULT_CIPHER,
    random: RandomBytes = secrets.token_bytes,
) -> bytes:
    """Return the CertRep (DER) that answers a request (RFC 8894, 3.3.2).

    It is signed with the digest and encrypted with the cipher of the request, so
    that its client can read it. The recipient is the request's signer; one
    with an EC key needs the `password` (challengePassword). Raises Refused where
    there is no way to encrypt for him.
    """
    signed, attributes = asked
    info = signed.signer_info
    faults = form.faults
    digest = info.digest_algorithm.name if info is not None else ""
    digest = (
        "md5" if "md5-reply" in faults else digest if digest in algorithms.DIGESTS and digest != "md5" else "sha256"
    )
    if "expired-signer" in faults:
        signer = _expired(signer)
    if answer.payload is not None and "nothing-issued" in faults:
        answer = success()
    nonce = attributes.sender_nonce
    if nonce is not None and "wrong-nonce" in faults:
        nonce = bytes(b ^ 0xFF for b in nonce)
    reply = ScepAttributes(
        message_type=str(int(MessageType.CertRep)),
        transaction_id=f"not-{attributes.transaction_id}"
        if "wrong-transaction" in faults
        else attributes.transaction_id,
        sender_nonce=random(16),
        recipient_nonce=None if "no-nonce" in faults else nonce,
        pki_status=None if "no-status" in faults else str(int(answer.status)),
        fail_info=None if answer.fail_info is None or "no-fail-info" in faults else str(int(answer.fail_info)),
        fail_info_text=answer.text[:_MAX_TEXT] or None,
    )
    if answer.payload is not None and recipient is not None:
        check_reachable(recipient, password)
    to = recipient.der if recipient is not None and _receives(recipient) else None
    if to is not None and "wrong-recipient" in faults:
        to = _stranger().certificate
    made = encode_message(
        draft_message(
            reply,
            answer.payload,
            signer_certificate=signer.certificate,
            recipients=[to] if to is not None else [],
            password=password.encode() if password is not None and to is None else None,
            digest=digest,
            cipher="des-cbc" if "des-reply" in faults else cipher,
            signature_scheme="pss" if "pss-reply" in faults else "rsaEncryption",
            certificates=() if "no-certificates" in faults else None,
            empty_content=form.empty_content,
            random=random,
        ),
        signer.key,
    )
    if "bad-signature" in faults:
        made = made[:-1] + bytes((made[-1] ^ 1,))
    return made


def _receives(certificate: Certificate) -> bool:
    return isinstance(certificate.public_key(), rsa.RSAPublicKey)


def check_reachable(signer: Certificate, password: str | None) -> None:
    """Raise Refused where no reply could be encrypted for this signer: find out before anything is granted."""
    if not _receives(signer) and password is None:
        reason = "an EC key cannot receive an encrypted reply without a challengePassword (RFC 8894, 3.1)"
        raise Refused(FailInfo.badRequest, reason)


def vouch(content: bytes, signer: Identity) -> bytes:
    """Return a SignedData (DER) around `content` that is no pkiMessage, as GetNextCACert has it (RFC 8894, 4.7.1)."""
    certificate = signer.parsed
    draft = SignedDraft(
        build_identifier(certificate),
        (signer.certificate,),
        (Attribute(oids.CONTENT_TYPE, ()), Attribute(oids.MESSAGE_DIGEST, ())),
        AlgorithmIdentifier(algorithms.DIGESTS["sha256"].oid, der.NULL_ELEMENT),
        signature_algorithm_for(signer.key.public_key(), "sha256"),
    )
    return build_signed(draft, content, signer.key)


# A failInfoText is for people; nobody reads more.
_MAX_TEXT = 400


def refuse_method(method: str, capabilities: Sequence[str]) -> HttpReply | None:
    """Return the reply to a PKIOperation by a method that is not offered (RFC 8894, 4.1), None where it is."""
    if method not in {"GET", "POST"}:
        return text_reply(405, "PKIOperation goes by GET or POST (RFC 8894, 4.1)")
    if method == "POST" and not offers(capabilities, *POST):
        return text_reply(405, "this server does not offer POST (RFC 8894, 3.5.2)")
    return None


def http_reply(message: bytes, faults: frozenset[str]) -> HttpReply:
    """Return the HTTP reply around a CertRep (RFC 8894, 4.3.1)."""
    if "server-error" in faults:
        return text_reply(500, "this CA was told to fail")
    if "empty-reply" in faults:
        message = b""
    if "pem-reply" in faults:
        message = build_pem("PKCS7", message)
    kind = "text/html" if "wrong-content-type" in faults else PKI_MESSAGE
    return HttpReply(200, (("Content-Type", kind),), message)


def text_reply(status: int, text: str) -> HttpReply:
    """Return an HTTP reply of one line."""
    return HttpReply(status, (("Content-Type", "text/plain"),), f"{text}\n".encode())


# --------------------------------------------------------------- both together


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about one request, step by step, for the log and for people who learn."""

    who: str
    kind: str
    transaction_id: str
    outcome: str
    steps: tuple[str, ...]

    @classmethod
    def about(cls, who: str, attributes: ScepAttributes, answer: Answer, steps: list[str]) -> Decision:
        """Return the decision on a request that got this answer."""
        kind = attributes.type.name if attributes.type is not None else str(attributes.message_type)
        told = (answer.text,) if answer.text else ()
        return cls(who, kind, attributes.transaction_id or "", answer.status.name, (*steps, *told))

    def __str__(self) -> str:
        return f"{self.who}: {self.kind} {self.transaction_id}: {self.outcome} ({'; '.join(self.steps)})"


def ignore(_: Decision) -> None:
    """Do nothing with a decision."""


@dataclass(frozen=True, slots=True)
class Desk:
    """With what a server works: its keys, how strict it is, how it writes, whom it tells."""

    name: str
    signer: Identity
    decrypters: tuple[Identity, ...]
    strict: Strictness
    form: ReplyForm
    passwords: tuple[str, ...] = field(repr=False)
    random: RandomBytes
    on_decision: Callable[[Decision], None]


Decide = Callable[[Incoming, Callable[[], bytes], list[str]], tuple[Answer, str | None]]
"""From a request, a function that opens it, and a list to write steps into: the answer, and the challengePassword
by which it can be encrypted for a signer with an EC key."""


def respond(data: bytes, desk: Desk, now: datetime, decide: Decide) -> bytes:
    """Answer a pkiMessage with a CertRep (RFC 8894, 3). Raises NotAMessageError, and what `decide` raises."""
    asked = read_request(data)
    signed, attributes = asked
    steps: list[str] = []
    incoming, password = None, None
    try:
        incoming = judge_request(signed, attributes, desk.strict, now)
        steps.append(f"signed by {incoming.signer}")
        opening = partial(open_request, incoming, desk.decrypters, desk.passwords)
        answer, password = decide(incoming, opening, steps)
    except Refused as refused:
        answer = failure(refused)
        if refused.aside:
            steps.append(refused.aside)
    desk.on_decision(Decision.about(desk.name, attributes, answer, steps))
    return build_reply(
        answer,
        asked,
        desk.signer,
        desk.form,
        recipient=incoming.signer if incoming is not None else None,
        password=password,
        cipher=incoming.cipher if incoming is not None else DEFAULT_CIPHER,
        random=desk.random,
    )


# --------------------------------------------------------------- for the faults


def _expired(signer: Identity) -> Identity:
    """Return a certificate of this signer's for a new key that expired yesterday."""
    now = datetime.now(UTC)
    key = _stranger().key
    request = make_request(signer.parsed.subject, key)
    return Identity(issue(parse_csr(request), signer, 2, now - timedelta(days=30), now - timedelta(days=1)), key)


@cache
def _stranger() -> Identity:
    """Return a key that nobody has, with a certificate."""
    now = datetime.now(UTC)
    return make_root(parse_subject("CN=nobody"), new_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
