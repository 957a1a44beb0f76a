"""A SCEP client: fetch the CA's certificates, ask for one's own, poll, renew, look things up (RFC 8894, 2 and 4).

Rule: what is sent and what is believed. How octets travel is a function
(`HttpRequest` in, `HttpReply` out): `http_sender` is the one over the network,
and a CA's own `answer` is one without. A reply that is not signed by the CA that
was asked, or that answers something else, is refused and never used.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import rsa

from sceplab.cms import algorithms
from sceplab.cms.csr import CertificationRequest, parse_csr
from sceplab.cms.enveloped import RandomBytes
from sceplab.cms.signed import Outcome, SigningKey, parse_signed, verify_signed
from sceplab.cms.trust import Trust, validate_path
from sceplab.cms.x509 import Certificate, RevocationList
from sceplab.errors import InputError, ScepError
from sceplab.extras import LAB, needs
from sceplab.lab.dialects import SCEPLAB, ClientDialect
from sceplab.lab.identity import Identity, make_self_signed
from sceplab.scep import transport
from sceplab.scep.attributes import FailInfo, MessageType, PkiStatus, ScepAttributes
from sceplab.scep.message import PkiMessage, decode_message, draft_message, encode_message
from sceplab.scep.messagedata import CertsOnly, build_issuer_and_serial, build_issuer_and_subject, parse_ca_certificates
from sceplab.scep.transport import HttpReply, HttpRequest, build_request, parse_caps

with needs(LAB):
    import requests
    import requests.adapters

Send = Callable[[HttpRequest], HttpReply]


class ClientError(ScepError):
    """The server cannot be reached, or its answer cannot be believed; the text says which."""


# --------------------------------------------------------------- HTTP


def http_sender(
    url: str, *, timeout: float = 10, retries: int = 2, pause: float = 0.5, source: str | None = None
) -> Send:
    """Return a function that sends to the SCEP URL, whose path takes the place of the request's.

    `timeout` and `pause` are seconds, `source` is the address to send from. It tries again when there is no connection
    or the answer is 503: to send the same pkiMessage twice is safe. Raises
    InputError where `url` is none, and the function ClientError.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise InputError(f"{url} is no URL of a SCEP server; write for example http://192.0.2.1/cgi-bin/pkiclient.exe")
    path = parts.path or transport.DEFAULT_PATH
    session = requests.Session()
    # A proxy of the environment would see, and change, what the lab is about.
    session.trust_env = False
    if source is not None:
        session.mount("http://", _FromAddress(source))

    def send(request: HttpRequest) -> HttpReply:
        query = request.target.partition("?")[2]
        prepared = session.prepare_request(
            requests.Request(request.method, url, data=request.body or None, headers=dict(request.headers))
        )
        # As it is: `requests` would write some escapes anew, and how they are written is what dialects are about.
        prepared.url = f"{parts.scheme}://{parts.netloc}{path}?{query}"
        reason = ""
        for attempt in range(retries + 1):
            if attempt:
                time.sleep(pause * 2 ** (attempt - 1))
            try:
                reply = session.send(prepared, timeout=timeout, allow_redirects=False)
            except requests.RequestException as error:
                reason = f"{url} cannot be reached: {_cause(error)}"
                continue
            if reply.status_code != requests.codes.unavailable:
                return HttpReply(reply.status_code, tuple(reply.headers.items()), reply.content, reply.reason or "")
            reason = f"{url} answers 503: {_first_line(reply.content)}"
        raise ClientError(reason)

    return send


class _FromAddress(requests.adapters.HTTPAdapter):
    """Connections that begin at a given address of this machine."""

    def __init__(self, source: str) -> None:
        self._source = source
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as the base class
        super().init_poolmanager(*args, **kwargs, source_address=(self._source, 0))


def _cause(error: BaseException) -> str:
    """Return the innermost reason: `requests` wraps it three times."""
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    while error.__context__ is not None:
        error = error.__context__
    return str(getattr(error, "strerror", None) or error)


def _first_line(body: bytes) -> str:
    return body[:200].decode("utf-8", "replace").strip().split("\n")[0]


# --------------------------------------------------------------- what the CA offers


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The words of GetCACaps (RFC 8894, 3.5.2), and what follows from them."""

    words: tuple[str, ...]

    def has(self, *words: str) -> bool:
        """Whether one of the words is offered, in any case."""
        return bool({w.lower() for w in words} & {w.lower() for w in self.words})

    @property
    def post(self) -> bool:
        """Whether PKIOperation goes by POST."""
        return self.has("POSTPKIOperation", "SCEPStandard")

    @property
    def renewal(self) -> bool:
        """Whether RenewalReq is understood."""
        return self.has("Renewal")

    @property
    def cipher(self) -> str:
        """The best cipher for content: AES-128, or 3DES for old CAs."""
        return "aes-128-cbc" if self.has("AES", "SCEPStandard") else "des-ede3-cbc"

    @property
    def digest(self) -> str:
        """The best digest that everybody has: SHA-256, else what there is, SHA-1 at last."""
        if self.has("SHA-256", "SCEPStandard"):
            return "sha256"
        return next((n for w, n in (("SHA-512", "sha512"), ("SHA-384", "sha384")) if self.has(w)), "sha1")

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is weaker than RFC 8894 wants: an old CA, or somebody on the way took words out (RFC 8894, 7.5)."""
        out = []
        if self.cipher == "des-ede3-cbc":
            out.append("the CA offers no AES: 3DES is used, an old CA or a downgrade")
        if self.digest == "sha1":
            out.append("the CA offers no SHA-2: SHA-1 is used, an old CA or a downgrade")
        if not self.post:
            out.append("the CA offers no POST: GET is used")
        return tuple(out)


@dataclass(frozen=True, slots=True)
class CaCertificates:
    """The certificates of GetCACert and the part of each (RFC 8894, 4.2.1)."""

    all: tuple[Certificate, ...]

    @property
    def ca(self) -> Certificate:
        """The CA's own: the one that is a CA, the last of several (RAs come first)."""
        return next((c for c in reversed(self.all) if c.is_ca or c.self_issued), self.all[-1])

    @property
    def registration_authorities(self) -> tuple[Certificate, ...]:
        """Those that are no CA's: an RA's, one or two."""
        return tuple(c for c in self.all if not c.is_ca and not c.self_issued)

    @property
    def recipient(self) -> Certificate:
        """Whom to encrypt for: the RA that may receive keys, else the CA."""
        return self._with("keyEncipherment")

    @property
    def signer(self) -> Certificate:
        """Who will sign replies: the RA that may sign, else the CA."""
        return self._with("digitalSignature")

    def _with(self, usage: str) -> Certificate:
        others = self.registration_authorities
        able = [c for c in others if c.key_usage is None or usage in c.key_usage]
        # Of two RA certificates the one that can do nothing else is meant for this.
        able.sort(key=lambda c: len(c.key_usage or ()))
        return (*able, *others, self.ca)[0]


@dataclass(frozen=True, slots=True)
class Result:
    """What came back: SUCCESS with certificates or CRLs, PENDING, or FAILURE with its reason.

    `request` and `reply` are the pkiMessages, decoded; `signer` signed the request
    (polls are signed by the same).
    """

    status: PkiStatus
    transaction_id: str
    signer: Identity
    request: PkiMessage = field(repr=False)
    reply: PkiMessage = field(repr=False)
    certificate: Certificate | None = None
    certificates: tuple[Certificate, ...] = ()
    crls: tuple[RevocationList, ...] = ()
    fail_info: FailInfo | None = None
    fail_info_text: str = ""
    csr: CertificationRequest | None = field(default=None, repr=False)

    def __str__(self) -> str:
        if self.status is PkiStatus.FAILURE:
            reason = self.fail_info.name if self.fail_info is not None else "no failInfo"
            return f"FAILURE ({reason}){': ' + self.fail_info_text if self.fail_info_text else ''}"
        return f"{self.status.name}{f': {self.certificate}' if self.certificate is not None else ''}"


def _silent(_: str) -> None:
    pass


class ScepClient:
    """A client of one SCEP server.

    `get_ca_caps` and `get_ca_cert` are called when they are needed, and their
    answers kept. What a careful client would complain of goes to `on_warning`.
    """

    def __init__(
        self,
        send: Send | str,
        *,
        fingerprint: str | None = None,
        dialect: ClientDialect = SCEPLAB,
        method: str | None = None,
        cipher: str | None = None,
        digest: str | None = None,
        on_warning: Callable[[str], None] = _silent,
        random: RandomBytes = secrets.token_bytes,
    ) -> None:
        """Take the server's URL, or a function that sends.

        Args:
            send: The SCEP URL, or what brings an HttpRequest to the server.
            fingerprint: Hex of the SHA-256 (or SHA-1) of the CA certificate, from elsewhere (RFC 8894, 2.2).
            dialect: Which program to send like.
            method: "GET" or "POST" instead of what GetCACaps and dialect say.
            cipher: Name in `algorithms.CIPHERS`, likewise.
            digest: Name in `algorithms.DIGESTS`, likewise.
            on_warning: Called with one sentence each.
            random: Where nonces, keys and padding come from.
        """
        self._send = http_sender(send) if isinstance(send, str) else send
        self.fingerprint, self.dialect = fingerprint, dialect
        self._method, self._cipher, self._digest = method, cipher, digest
        self._warn, self._random = on_warning, random
        self._caps: Capabilities | None = None
        self._ca: CaCertificates | None = None

    # ---------------------------------------------------------- GetCACaps, GetCACert, GetNextCACert

    def get_ca_caps(self) -> Capabilities:
        """Ask for the capabilities (RFC 8894, 3.5). No answer, or an error, means none. Raises ClientError."""
        reply = self._send(build_request("GetCACaps", identifier=self.dialect.identifier, headers=self._headers(())))
        words = parse_caps(reply.body) if reply.status == requests.codes.ok else ()
        if len(words) > _MAX_WORDS or any(len(w) > _MAX_WORD for w in words):
            self._warn("GetCACaps brought something that is no list of capabilities: it is taken for none")
            words = ()
        self._caps = Capabilities(words)
        for warning in self._caps.warnings:
            self._warn(warning)
        return self._caps

    @property
    def capabilities(self) -> Capabilities:
        """The capabilities, asked for when first needed."""
        return self._caps if self._caps is not None else self.get_ca_caps()

    def get_ca_cert(self) -> CaCertificates:
        """Fetch the CA's certificates and compare the fingerprint (RFC 8894, 2.2, 4.2). Raises ClientError."""
        body = self.fetch("GetCACert")
        found = parse_ca_certificates(body)
        if not found or any(c.problems for c in found):
            raise ClientError("GetCACert brought no certificate that can be read")
        certificates = CaCertificates(found)
        if self.fingerprint is None:
            self._warn(
                f"the CA certificate {certificates.ca.subject} was not authenticated (RFC 8894, 2.2): compare its "
                f"SHA-256 fingerprint {certificates.ca.fingerprint()} with one from elsewhere"
            )
        elif not _has_fingerprint(certificates.ca, self.fingerprint):
            raise ClientError(
                f"the CA certificate has the fingerprint {certificates.ca.fingerprint()}, not {self.fingerprint}: "
                "this is another CA, or somebody is in between"
            )
        now = datetime.now(UTC)
        for certificate in found:
            if certificate.not_after is not None and certificate.not_after < now:
                self._warn(f"{certificate.subject} expired {certificate.not_after:%Y-%m-%d} (RFC 8894, 2.2)")
        for other in certificates.registration_authorities:
            path = validate_path(other, Trust((certificates.ca.der,), legacy=True), other.not_before or now)
            if not path.valid:
                raise ClientError(f"the RA certificate {other.subject} was not issued by the CA: {path.detail}")
        self._ca = certificates
        return certificates

    @property
    def ca(self) -> CaCertificates:
        """The CA's certificates, fetched when first needed."""
        return self._ca if self._ca is not None else self.get_ca_cert()

    def forget(self) -> None:
        """Ask for capabilities and certificates again when they are next needed."""
        self._caps = self._ca = None

    def get_next_ca_cert(self) -> CaCertificates:
        """Fetch the certificates that will follow, signed by the current CA (RFC 8894, 4.7). Raises ClientError."""
        body = self.fetch("GetNextCACert")
        signed = parse_signed(body)
        verification = verify_signed(signed, certificates=[c.der for c in self.ca.all])
        if not verification.intact or verification.signer is None or verification.signer.der != self.ca.ca.der:
            raise ClientError(f"GetNextCACert is not signed by the current CA: {verification['signature'].detail}")
        found = parse_ca_certificates(body)
        if not found:
            raise ClientError("GetNextCACert brought no certificate")
        return CaCertificates(found)

    def fetch(self, operation: str) -> bytes:
        """Return the body of GetCACert or GetNextCACert as it came (RFC 8894, 4.2, 4.7). Raises ClientError."""
        request = build_request(operation, identifier=self.dialect.identifier, headers=self._headers(()))
        reply = self._send(request)
        if reply.status != requests.codes.ok or not reply.body:
            raise ClientError(f"{operation}: HTTP {reply.status}, {_first_line(reply.body) or 'an empty body'}")
        return reply.body

    def _headers(self, more: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        return (*(h for h in self.dialect.headers if h[0] != "Content-Type"), *more)

    # ---------------------------------------------------------- PKIOperation

    def enroll(self, csr: bytes, signer: Identity | SigningKey, *, message_type: MessageType | None = None) -> Result:
        """Ask for a certificate (RFC 8894, 3.3.1). Raises ClientError, BuildError.

        Args:
            csr: The PKCS#10 request (DER).
            signer: Who signs the message: the device's own key (a self-signed
                certificate is made for it, RFC 8894 2.3), or an identity: the RA's,
                or the certificate to renew with its key.
            message_type: PKCSReq unless said otherwise.
        """
        request = parse_csr(csr)
        identity = signer if isinstance(signer, Identity) else self_signed(csr, signer)
        kind = message_type or MessageType.PKCSReq
        return self.operate(kind, csr, identity, self.dialect.transaction_id(request.public_key_info), request)

    def renew(self, csr: bytes, old: Identity) -> Result:
        """Renew: sign with the old certificate, by RenewalReq where offered (RFC 8894, 2.3). Raises ClientError."""
        kind = MessageType.RenewalReq if self.capabilities.renewal else MessageType.PKCSReq
        return self.enroll(csr, old, message_type=kind)

    def poll(self, pending: Result) -> Result:
        """Ask what became of a PENDING request (CertPoll; RFC 8894, 3.3.3). Raises ClientError."""
        if pending.csr is None:
            raise InputError("only an enrollment can be polled")
        data = build_issuer_and_subject(self.ca.ca.subject, pending.csr.subject)
        return self.operate(MessageType.CertPoll, data, pending.signer, pending.transaction_id, pending.csr)

    def wait(
        self,
        result: Result,
        *,
        every: float = 5,
        limit: float = 600,
        on_wait: Callable[[float], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Result:
        """Poll every so many seconds until it is pending no more, or `limit` seconds are over.

        `on_wait` is called with the seconds waited so far, before each pause.
        """
        waited = 0.0
        while result.status is PkiStatus.PENDING and waited + every <= limit:
            on_wait(waited)
            sleep(every)
            waited += every
            result = self.poll(result)
        return result

    def get_cert(self, serial: bytes, signer: Identity) -> Result:
        """Ask for a certificate by its serial (content octets; RFC 8894, 3.3.4). Raises ClientError."""
        data = build_issuer_and_serial(self.ca.ca.subject, serial)
        return self.operate(MessageType.GetCert, data, signer, secrets.token_hex(16).upper(), None)

    def get_crl(self, signer: Identity, certificate: Certificate | None = None) -> Result:
        """Ask for the CRL that lists `certificate`, by default the signer's (RFC 8894, 3.3.4). Raises ClientError."""
        about = certificate or signer.parsed
        data = build_issuer_and_serial(self.ca.ca.subject, about.serial)
        return self.operate(MessageType.GetCRL, data, signer, secrets.token_hex(16).upper(), None)

    def operate(
        self, kind: MessageType, data: bytes, signer: Identity, transaction_id: str, csr: CertificationRequest | None
    ) -> Result:
        """Send a pkiMessage around `data` (messageData) and judge what comes back (RFC 8894, 3). Raises ClientError.

        Args:
            kind: The messageType.
            data: messageData as DER, encrypted for the CA here.
            signer: Who signs it, and for whom the reply is encrypted.
            transaction_id: The transactionID.
            csr: The request that a certificate in the reply must fit, None where there is none.
        """
        nonce = self._random(self.dialect.nonce_length)
        octets = self.build(kind, data, signer, transaction_id, nonce)
        reply = self._send(self._request(octets))
        if reply.status != requests.codes.ok:
            raise ClientError(f"PKIOperation: HTTP {reply.status}, {_first_line(reply.body) or 'an empty body'}")
        if not reply.body:
            raise ClientError("PKIOperation: HTTP 200 with an empty body")
        if (reply.header("Content-Type") or "").partition(";")[0].strip().lower() != transport.PKI_MESSAGE:
            self._warn(f"Content-Type is {reply.header('Content-Type')}, not {transport.PKI_MESSAGE} (RFC 8894, 4.3.1)")
        password = csr.challenge_password if csr is not None else None
        answer = decode_message(
            reply.body,
            keys=[signer.key] if isinstance(signer.key, rsa.RSAPrivateKey) else (),
            certificates=[c.der for c in self.ca.all] + [signer.certificate],
            passwords=[password.encode()] if password is not None else (),
        )
        sent = decode_message(octets)
        self._believe(answer, sent)
        self._compare_strength(answer)
        return self._result(answer, sent, signer, transaction_id, csr)

    def build(self, kind: MessageType, data: bytes, signer: Identity, transaction_id: str, nonce: bytes) -> bytes:
        """Return the pkiMessage (DER) that would be sent, encrypted for the CA or its RA (RFC 8894, 3.2)."""
        attributes = ScepAttributes(message_type=str(int(kind)), transaction_id=transaction_id, sender_nonce=nonce)
        dialect, recipient = self.dialect, self.ca.recipient
        password = None
        recipients = [c.der for c in self.ca.all] if dialect.to_all else [recipient.der]
        if not isinstance(recipient.public_key(), rsa.RSAPublicKey):
            password = parse_csr(data).challenge_password
            if password is None:
                raise ClientError("the CA has no RSA key: only a request with a challengePassword can be encrypted")
            recipients = []
        draft = draft_message(
            attributes,
            data,
            signer_certificate=signer.certificate,
            recipients=recipients,
            password=password.encode() if password is not None else None,
            digest=self._digest or dialect.digest or self.capabilities.digest,
            cipher=self._cipher or dialect.cipher or self.capabilities.cipher,
            signature_scheme=dialect.signature_scheme,
            key_transport=dialect.key_transport,
            random=self._random,
        )
        return encode_message(draft, signer.key)

    def _request(self, message: bytes) -> HttpRequest:
        method = self._method or self.dialect.method or ("POST" if self.capabilities.post else "GET")
        headers = self.dialect.headers if method == "POST" else self._headers(())
        return build_request(
            "PKIOperation", message=message, method=method, dialect=self.dialect.base64, headers=headers
        )

    def _believe(self, reply: PkiMessage, sent: PkiMessage) -> None:
        """Refuse a reply that is no answer of this CA to this request (RFC 8894, 3.2.1, 3.3.2)."""
        if not reply.signed.signer_infos:
            reason = str(reply.problems[0]) if reply.problems else "nobody signed it"
            raise ClientError(f"the reply is no SCEP message: {reason}")
        for name in ("signer certificate", "digest", "signature"):
            check = reply.verification[name]
            if check.outcome is not Outcome.PASSED:
                raise ClientError(f"the reply cannot be believed: {check}")
        signer = reply.verification.signer
        if signer is None or signer.der not in {c.der for c in self.ca.all}:
            # Not just any certificate of this CA: every device has one of those.
            raise ClientError(f"the reply is signed by {signer}, which is none of the certificates of GetCACert")
        mine, theirs = sent.attributes, reply.attributes
        if theirs.type is not MessageType.CertRep:
            raise ClientError(f"the reply has messageType {theirs.message_type}, not 3 (CertRep)")
        if theirs.transaction_id != mine.transaction_id:
            raise ClientError(f"the reply is for transaction {theirs.transaction_id}, not {mine.transaction_id}")
        if theirs.recipient_nonce != mine.sender_nonce:
            raise ClientError("the reply's recipientNonce is not the senderNonce of the request: it may be a replay")
        if theirs.status is None:
            raise ClientError(f"the reply has pkiStatus {theirs.pki_status}")

    def _compare_strength(self, reply: PkiMessage) -> None:
        info, enveloped = reply.signed.signer_info, reply.enveloped
        digest = algorithms.DIGESTS_BY_OID.get(info.digest_algorithm.oid) if info is not None else None
        for used in (digest, enveloped.cipher if enveloped is not None else None):
            if used is not None and used.weak:
                self._warn(f"the reply uses {used.weak}")

    def _result(
        self,
        reply: PkiMessage,
        sent: PkiMessage,
        signer: Identity,
        transaction_id: str,
        csr: CertificationRequest | None,
    ) -> Result:
        attributes = reply.attributes
        certificates: tuple[Certificate, ...] = ()
        crls: tuple[RevocationList, ...] = ()
        own = None
        if attributes.status is PkiStatus.SUCCESS:
            data = reply.message_data
            if not isinstance(data, CertsOnly):
                raise ClientError(f"SUCCESS, but the reply cannot be opened: {reply.decrypt_error or 'it is empty'}")
            certificates, crls = data.certificates, data.crls
            own = next((c for c in certificates if csr is not None and c.public_key_info == csr.public_key_info), None)
            if csr is not None and own is None:
                raise ClientError("SUCCESS, but no certificate for the key of the request is in it (RFC 8894, 3.3.2.1)")
            own = own or next(iter(certificates), None)
        assert attributes.status is not None  # noqa: S101 - _believe saw to it
        return Result(
            attributes.status,
            transaction_id,
            signer,
            sent,
            reply,
            own,
            certificates,
            crls,
            attributes.failure,
            attributes.fail_info_text or "",
            csr,
        )


_MAX_WORDS, _MAX_WORD = 100, 60


def _has_fingerprint(certificate: Certificate, wanted: str) -> bool:
    digits = "".join(c for c in wanted.lower() if c in "0123456789abcdef")
    digest = {40: "sha1", 64: "sha256"}.get(len(digits))
    if digest is None:
        raise InputError(f"{wanted} is no SHA-256 or SHA-1 fingerprint in hex")
    return hashlib.new(digest, certificate.der, usedforsecurity=False).hexdigest() == digits


def self_signed(csr: bytes, key: SigningKey, now: datetime | None = None) -> Identity:
    """Return the identity of a client that has no certificate yet: one that it made itself (RFC 8894, 2.3)."""
    start = (now or datetime.now(UTC)) - timedelta(minutes=5)
    return Identity(make_self_signed(csr, key, start, start + timedelta(days=7)), key)
