"""A SCEP client: GetCACert, enroll, poll, renew, GetCert and GetCRL (RFC 8894, 2 and 4).

Rule: this module decides what is sent and when. The transport is a function
(`HttpRequest` in, `HttpReply` out): `http_sender` uses the network, a CA's own
`answer` needs none. Replies are checked in `results` before they are used.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import rsa

from sceplab.analysis.statements import is_web_page
from sceplab.cms.cipher import RandomBytes
from sceplab.cms.csr import CertificationRequest, parse_csr
from sceplab.cms.signature import SigningKey
from sceplab.cms.signed import parse_signed
from sceplab.cms.verify import verify_signed
from sceplab.cms.x509 import Certificate
from sceplab.errors import InputError
from sceplab.lab import vouching
from sceplab.lab.answers import explained
from sceplab.lab.chains import CaCertificates, has_fingerprint, read_ca_certificates, sort_out, unwrap
from sceplab.lab.clock import Clock, ended, utc_now
from sceplab.lab.dialects import SCEPLAB, ClientDialect
from sceplab.lab.http import OK, ClientError, Send, http_sender
from sceplab.lab.identity import Identity, make_self_signed
from sceplab.lab.results import Result, check_reply, result_of, weaknesses
from sceplab.scep import transport
from sceplab.scep.attributes import MessageType, PkiStatus, ScepAttributes
from sceplab.scep.capabilities import Capabilities, parse_caps
from sceplab.scep.draft import draft_message
from sceplab.scep.message import decode_message, encode_message
from sceplab.scep.messagedata import build_issuer_and_serial, build_issuer_and_subject, parse_ca_certificates
from sceplab.scep.transport import HttpRequest, build_request


def _silent(_: str) -> None:
    pass


class ScepClient:
    """A client of one SCEP server.

    `get_ca_caps` and `get_ca_cert` are called when first needed, and their results
    are cached. Security warnings go to `on_warning`.
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
        now: Clock = utc_now,
    ) -> None:
        """Set the client up; nothing is sent yet.

        Args:
            send: The SCEP URL, or a function that brings an HttpRequest to the server.
            fingerprint: Hex of the SHA-256 (or SHA-1) of the CA certificate, or of one above it that GetCACert
                has too, obtained out of band (RFC 8894, 2.2).
            dialect: The program to imitate.
            method: "GET" or "POST"; by default what dialect or GetCACaps say.
            cipher: Name in `algorithms.CIPHERS`, likewise.
            digest: Name in `algorithms.DIGESTS`, likewise.
            on_warning: Called with one sentence each.
            random: Source of nonces, keys and padding.
            now: The clock by which certificates are valid.
        """
        self._send = http_sender(send) if isinstance(send, str) else send
        self.fingerprint, self.dialect = fingerprint, dialect
        self._method, self._cipher, self._digest = method, cipher, digest
        self._warn, self._random, self._now = on_warning, random, now
        self._caps: Capabilities | None = None
        self._ca: CaCertificates | None = None

    # ---------------------------------------------------------- GetCACaps, GetCACert, GetNextCACert

    def get_ca_caps(self) -> Capabilities:
        """Ask for the capabilities (RFC 8894, 3.5); an HTTP error counts as no capabilities. Raises ClientError."""
        reply = self._send(build_request("GetCACaps", identifier=self.dialect.identifier, headers=self._headers(())))
        words = parse_caps(reply.body) if reply.status == OK else ()
        if len(words) > _MAX_WORDS or any(len(w) > _MAX_WORD for w in words):
            self._warn("the reply to GetCACaps is not a list of capabilities: none are assumed")
            words = ()
        self._caps = Capabilities(words)
        for warning in self._caps.warnings:
            self._warn(warning)
        return self._caps

    @property
    def capabilities(self) -> Capabilities:
        """The capabilities, fetched when first needed."""
        return self._caps if self._caps is not None else self.get_ca_caps()

    def get_ca_cert(self) -> CaCertificates:
        """Fetch the CA's certificates and compare the fingerprint (RFC 8894, 2.2, 4.2). Raises ClientError."""
        found, form = read_ca_certificates(self.fetch("GetCACert"), "GetCACert")
        if form:
            self._warn(f"the body of GetCACert is {form}: RFC 8894 4.2.1 has DER")
        now = self._now()
        certificates = sort_out(found, self.fingerprint, now)
        if self.fingerprint is None:
            self._warn(
                f"the CA certificate {certificates.ca.subject} was not authenticated (RFC 8894, 2.2): compare its "
                f"SHA-256 fingerprint {certificates.ca.fingerprint()} with one from another source"
            )
        for certificate in found:
            if certificate.not_after is not None and certificate.not_after < now:
                self._warn(f"{certificate.subject} expired {certificate.not_after:%Y-%m-%d} (RFC 8894, 2.2)")
        if certificates.recipient is certificates.ca and not _receives(certificates.ca):
            self._warn(
                f"the keyUsage of {certificates.ca.subject} has no keyEncipherment, and there is no RA certificate "
                "that has it (RFC 8894, 2.1.2): the request is encrypted for it all the same"
            )
        self._ca = certificates
        return certificates

    @property
    def ca(self) -> CaCertificates:
        """The CA's certificates, fetched when first needed."""
        return self._ca if self._ca is not None else self.get_ca_cert()

    def forget(self) -> None:
        """Clear the cached capabilities and certificates."""
        self._caps = self._ca = None

    def get_next_ca_cert(self) -> CaCertificates:
        """Fetch the next CA certificates, signed by the current CA (RFC 8894, 4.7). Raises ClientError."""
        (body, *_), _ = unwrap(self.fetch("GetNextCACert"))
        signed = parse_signed(body)
        verification = verify_signed(signed)
        signer = verification.signer
        # After a rollover GetCACert has the next one already: then its fingerprint says which is the one before.
        wanted = self.fingerprint if self._ca is None else None
        if wanted is None or signer is None or not has_fingerprint(signer, wanted):
            verification = verify_signed(signed, certificates=[c.der for c in self.ca.all])
            signer = verification.signer
            if signer is None or signer.der != self.ca.ca.der:
                raise ClientError("GetNextCACert is not signed by the current CA")
        if not verification.intact:
            raise ClientError(f"GetNextCACert is not signed by the current CA: {verification['signature'].detail}")
        # Only what the CA signed: anybody can put certificates around a CertRep of this CA, which has no content.
        found = parse_ca_certificates(signed.content or b"")
        if not found:
            raise ClientError("the reply to GetNextCACert has no certificate")
        return CaCertificates(found)

    def fetch(self, operation: str) -> bytes:
        """Return the unchanged body of GetCACert or GetNextCACert (RFC 8894, 4.2, 4.7). Raises ClientError."""
        request = build_request(operation, identifier=self.dialect.identifier, headers=self._headers(()))
        reply = self._send(request)
        if reply.status != OK or not reply.body:
            raise ClientError(f"{operation}: {explained(reply, 'GET')}")
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
            message_type: PKCSReq by default.
        """
        request = parse_csr(csr)
        identity = signer if isinstance(signer, Identity) else self_signed(csr, signer, self._now())
        kind = message_type or MessageType.PKCSReq
        return self.operate(kind, csr, identity, self.dialect.transaction_id(request.public_key_info), request)

    def renew(self, csr: bytes, old: Identity) -> Result:
        """Renew: sign with the old certificate, by RenewalReq where offered (RFC 8894, 2.3). Raises ClientError."""
        kind = MessageType.RenewalReq if self.capabilities.renewal else MessageType.PKCSReq
        return self.enroll(csr, old, message_type=kind)

    def poll(self, pending: Result) -> Result:
        """Ask for the outcome of a PENDING request (CertPoll; RFC 8894, 3.3.3). Raises ClientError."""
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
        """Poll every `every` seconds until the request is no longer pending, or for `limit` seconds.

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
        """Ask for a certificate by its serial (content bytes; RFC 8894, 3.3.4). Raises ClientError."""
        data = build_issuer_and_serial(self.ca.ca.subject, serial)
        return self.operate(MessageType.GetCert, data, signer, secrets.token_hex(16).upper(), None)

    def get_crl(self, signer: Identity, certificate: Certificate | None = None) -> Result:
        """Ask for the CRL that lists `certificate`, by default the signer's (RFC 8894, 3.3.4). Raises ClientError."""
        about = certificate or signer.parsed
        data = build_issuer_and_serial(self.ca.ca.subject, about.serial)
        return self.operate(MessageType.GetCRL, data, signer, secrets.token_hex(16).upper(), None)

    def operate(
        self,
        kind: MessageType,
        data: bytes,
        signer: Identity,
        transaction_id: str,
        csr: CertificationRequest | None,
        *,
        renews: Certificate | None = None,
        vouched: bool = True,
    ) -> Result:
        """Send a pkiMessage with `data` (messageData) and check the reply (RFC 8894, 3). Raises ClientError.

        Args:
            kind: The messageType.
            data: messageData as DER, encrypted for the CA here.
            signer: Who signs it, and for whom the reply is encrypted.
            transaction_id: The transactionID.
            csr: The request whose key a certificate in the reply must have, None for look-ups.
            renews: The certificate that an RA vouches to be renewed (see `vouching`).
            vouched: False for what an RA passes on and does not vouch for.
        """
        nonce = self._random(self.dialect.nonce_length)
        octets = self.build(kind, data, signer, transaction_id, nonce, renews, vouched=vouched)
        request = self._request(octets)
        reply = self._send(request)
        if reply.status != OK or not reply.body or is_web_page(reply.body):
            raise ClientError(f"PKIOperation: {explained(reply, request.method)}")
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
        check_reply(answer, sent, self.ca.all)
        for weakness in weaknesses(answer):
            self._warn(f"the reply uses {weakness}")
        result = result_of(answer, sent, signer, transaction_id, csr, self.ca.trust)
        if csr is not None and result.certificate is not None:
            if result.certificate.der == signer.certificate:
                self._warn("the CA sent back the certificate that was to be renewed, not a new one")
            elif ended(result.certificate, self._now()):
                self._warn(f"the certificate in the reply ended on {result.certificate.not_after:%Y-%m-%d}")
        return result

    def build(
        self,
        kind: MessageType,
        data: bytes,
        signer: Identity,
        transaction_id: str,
        nonce: bytes,
        renews: Certificate | None = None,
        *,
        vouched: bool = True,
    ) -> bytes:
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
        said = [vouching.renews(renews)] if renews is not None else []
        said += [] if vouched else [vouching.not_vouched()]
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
            certificates=(signer.certificate, renews.der) if renews is not None else None,
            extra_attributes=tuple(said),
            random=self._random,
        )
        return encode_message(draft, signer.key)

    def _request(self, message: bytes) -> HttpRequest:
        method = self._method or self.dialect.method or ("POST" if self.capabilities.post else "GET")
        headers = self.dialect.headers if method == "POST" else self._headers(())
        return build_request(
            "PKIOperation", message=message, method=method, dialect=self.dialect.base64, headers=headers
        )


_MAX_WORDS, _MAX_WORD = 100, 60


def _receives(certificate: Certificate) -> bool:
    """Whether a certificate is one to encrypt for."""
    usage = certificate.key_usage
    return usage is None or "keyEncipherment" in usage


def self_signed(csr: bytes, key: SigningKey, now: datetime | None = None) -> Identity:
    """Return an identity with a self-signed certificate, for a client that has no other yet (RFC 8894, 2.3)."""
    start = (now or utc_now()) - timedelta(minutes=5)
    return Identity(make_self_signed(csr, key, start, start + timedelta(days=7)), key)
