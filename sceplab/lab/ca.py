"""The CA (R1): its keys, what it issues, and its answers as a SCEP server (RFC 8894, 3 and 4).

Rule: no sockets: an `HttpRequest` goes in, an `HttpReply` comes out. What must
outlive the process is in the store, who gets a certificate is decided in `policy`,
and the steps that CA and RA share are in `responder`.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache, lru_cache

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key

from sceplab.asn1 import der, oids
from sceplab.cms.attribute import Attribute
from sceplab.cms.cipher import RandomBytes
from sceplab.cms.csr import CertificationRequest, parse_csr, serialize_csr
from sceplab.cms.name import parse_subject, same_name
from sceplab.cms.signature import SigningKey
from sceplab.cms.signed import build_degenerate
from sceplab.cms.x509 import Certificate, parse_certificate
from sceplab.errors import MASK, BuildError, InputError
from sceplab.lab import replies
from sceplab.lab.chains import issued_by
from sceplab.lab.claims import TLS_USAGES
from sceplab.lab.clock import Clock, concern, ended, utc_now
from sceplab.lab.http import text_reply
from sceplab.lab.identity import (
    Identity,
    issue,
    make_crl,
    new_key,
    subject_of,
)
from sceplab.lab.opening import NotAMessageError, Refused, SignedRequest, read_csr, read_lookup
from sceplab.lab.policy import DEFAULT_POLICY, WRONG_CHALLENGE, Judge, Policy, challenge_digest, is_name_of_ra, wants_ra
from sceplab.lab.replies import Answer
from sceplab.lab.responder import (
    Decision,
    Responder,
    Response,
    capabilities_reply,
    ignore,
    message_reply,
    refuse_method,
)
from sceplab.lab.roles import kind_of, new_roles, new_serial
from sceplab.lab.store import State, Store, StoreError, Transaction
from sceplab.scep.attributes import FailInfo, MessageType
from sceplab.scep.transport import CA_CERT, CA_RA_CERT, NEXT_CA_CERT, HttpReply, HttpRequest, parse_request

_LOG = logging.getLogger(__name__)


class CertificationAuthority:
    """A CA whose state is in a store. All methods may be called from several threads."""

    def __init__(
        self,
        store: Store,
        policy: Policy = DEFAULT_POLICY,
        *,
        name: str = "CA",
        now: Clock = utc_now,
        random: RandomBytes = secrets.token_bytes,
        on_decision: Callable[[Decision], None] = ignore,
    ) -> None:
        """Use the CA in the store. Raises InputError when it holds none (see `create`)."""
        self.store, self.policy, self.name = store, policy, name
        self._now, self._random, self._on_decision = now, random, on_decision
        self._roles: tuple[float, dict[str, tuple[bytes, bytes]]] = _NEVER, {}
        if "issuer" not in store.identities():
            raise InputError(f"{store.path} has no CA yet")
        self._mask_requests()

    @classmethod
    def create(
        cls,
        store: Store,
        subject: str = "CN=R1",
        *,
        key: SigningKey | str | int = 2048,
        days: int = 3650,
        separate: bool = False,
        now: Clock = utc_now,
    ) -> None:
        """Put a new CA into the store if there is none. Raises InputError.

        `key` is its private key, or the kind of one to make (see `new_key`). With
        `separate` it gets certificates of their own for signing replies and for
        receiving requests, as NDES has (RFC 8894, 4.2.1.2).
        """
        if "issuer" in store.identities():
            return
        own_key = new_key(key) if isinstance(key, str | int) else key
        store.add_identities(**new_roles(parse_subject(subject), own_key, now(), days, separate=separate))

    def _mask_requests(self) -> None:
        """Mask the challengePasswords in a store that was made when they were kept."""

        @cache
        def without_rsa() -> frozenset[bytes]:
            issued = (parse_certificate(i.der) for i in self.store.all_issued())
            return frozenset(requester_of(c) for c in issued if not replies.receives(c))

        def change(data: bytes, requester: bytes) -> bytes:
            request = parse_csr(data)
            if requester == hashlib.sha256(request.public_key_info).digest():
                reachable = not isinstance(_key_of(request), ec.EllipticCurvePublicKey)
            else:
                reachable = requester not in without_rsa()
            return _masked(request) if reachable else data

        changed = self.store.mask(change)
        if changed:
            _LOG.warning(
                "%s: challengePasswords of %d requests were in it; they were removed", self.store.path, changed
            )

    # ---------------------------------------------------------- keys

    def identity(self, role: str) -> Identity | None:
        """Return certificate and key of a role (issuer, signer, decrypter, previous, next), or None."""
        read, roles = self._roles
        if time.monotonic() - read > _ROLES_KEPT:
            roles = self.store.identities()
            self._roles = time.monotonic(), roles
        found = roles.get(role)
        return _load_identity(*found) if found is not None else None

    def _set_identities(self, **roles: tuple[bytes, bytes] | None) -> None:
        self.store.set_identities(**roles)
        self._roles = _NEVER, {}

    @property
    def issuer(self) -> Identity:
        """The CA's own certificate and key."""
        found = self.identity("issuer")
        if found is None:
            raise StoreError(f"{self.store.path} no longer has its CA")
        return found

    @property
    def certificate(self) -> bytes:
        """The CA's own certificate (DER)."""
        return self.issuer.certificate

    @property
    def signer(self) -> Identity:
        """The identity that signs CertReps."""
        return self.identity("signer") or self.issuer

    @property
    def _decrypters(self) -> tuple[Identity, ...]:
        """The recipients of requests; after a rollover, clients use the old certificates for a while."""
        roles = [self.identity(r) for r in ("decrypter", "previous_decrypter", "previous")]
        return (*(i for i in roles if i is not None), self.issuer)

    def prepare_rollover(self, *, days: int = 3650, key: SigningKey | None = None) -> bytes:
        """Make the next CA certificate (DER), which GetNextCACert announces (RFC 8894, 4.7).

        `days` is its validity, and `key` its private key: by default a new one of the
        same kind. One that was announced already, and has not ended, is returned again.
        """
        now, following = self._now(), self.identity("next")
        if following is None or ended(following.parsed, now):
            own = self.issuer
            made = new_roles(
                own.parsed.subject,
                key or new_key(kind_of(own.key)),
                now,
                days,
                separate=self.identity("signer") is not None,
            )
            self._set_identities(**{_NEXT[role]: made.get(role) for role in _NEXT})
            return made["issuer"][0]
        return following.certificate

    def roll_over(self) -> None:
        """Make the prepared CA certificate the current one. Raises InputError when none was prepared, or it ended."""
        roles = self.store.identities()
        if "next" not in roles:
            raise InputError("no CA certificate was prepared to follow this one")
        if ended(parse_certificate(roles["next"][0]), self._now()):
            raise InputError("the CA certificate that was prepared has ended: prepare another")
        changes = {role: roles.get(following) for role, following in _NEXT.items()}
        changes |= dict.fromkeys(_NEXT.values())
        changes |= {"previous": roles["issuer"], "previous_decrypter": roles.get("decrypter")}
        self._set_identities(**changes)

    def concerns(self) -> list[str]:
        """Return what its operator should know: a sentence where its certificate ends soon, or has ended."""
        remedy = "make the next one with `sceplab lab next-ca`, then `sceplab lab rollover`"
        now = self._now()
        # Certificates for signing and receiving end with the CA's, and follow it.
        found = concern(f"the certificate of {self.name}", self.issuer.parsed, now, remedy)
        return [found] if found is not None else []

    # ---------------------------------------------------------- what the operator does

    def pending(self) -> list[Transaction]:
        """Return the pending requests, oldest first."""
        return self.store.transactions(State.PENDING)

    def grant(self, transaction: Transaction) -> bytes:
        """Issue the certificate that a pending transaction asks for and return it (DER). Raises InputError.

        Granting a request twice returns the same certificate again.
        """
        number = transaction.id
        for _ in range(_TRIES):
            found = self.store.transaction(number)
            if found is not None and found.certificate is not None:
                return found.certificate
            if found is None or found.state is not State.PENDING:
                break
            try:
                serial, certificate = self._issue(parse_csr(found.request), by_person=True)
            except Refused as refused:
                raise InputError(str(refused)) from refused
            if self.store.grant(number, serial, certificate):
                self._on_decision(Decision.by_person(self.name, found.transaction_id, "GRANTED", found.request))
                return certificate
        raise InputError(f"transaction {transaction.transaction_id} is not pending")

    def deny(self, transaction: Transaction, why: str = "denied by the operator") -> None:
        """Refuse a pending transaction. Raises InputError where it is not pending."""
        if not self.store.deny(transaction.id, why):
            raise InputError(f"transaction {transaction.transaction_id} is not pending")
        number, request = transaction.transaction_id, transaction.request
        self._on_decision(Decision.by_person(self.name, number, "DENIED", request, f"the client is told: {why}"))

    def find_pending(self, text: str) -> Transaction:
        """Return the pending transaction with this number, or whose transactionID begins so. Raises InputError.

        The client chooses the transactionID, so a number is first of all a number, and
        a beginning of less than 8 characters is none.
        """
        waiting = self.pending()
        numbered = [t for t in waiting if str(t.id) == text]
        if numbered:
            return numbered[0]
        found = [t for t in waiting if t.transaction_id.startswith(text)] if len(text) >= _SHORTEST_BEGINNING else []
        if len(found) == 1:
            return found[0]
        if found:
            numbers = ", ".join(str(t.id) for t in found)
            raise InputError(f"{len(found)} pending requests match {text!r}; give the number of one: {numbers}")
        raise InputError(
            f"no pending request matches {text!r}: give its number, "
            f"or at least {_SHORTEST_BEGINNING} characters of its transactionID"
        )

    def new_challenge(self, subject: str | None = None, lifetime: timedelta = timedelta(hours=1)) -> str:
        """Create a one-time challengePassword; with `subject`, for that subject only."""
        text = secrets.token_hex(8).upper()
        bound = parse_subject(subject).raw if subject is not None else None
        self.store.add_challenge(challenge_digest(text), bound, self._now() + lifetime)
        return text

    def revoke(self, serial: int) -> None:
        """Revoke a certificate. Raises InputError for an unknown or already revoked serial."""
        if self.store.revoke(serial, self._now()):
            return
        found = self.store.issued(serial)
        if found is None or found.revoked is None:
            raise InputError(f"this CA issued no certificate with serial {serial:X}")
        raise InputError(f"the certificate with serial {serial:X} was revoked on {found.revoked:%Y-%m-%d} already")

    def time(self) -> datetime:
        """Return what its clock says."""
        return self._now()

    def crl(self, about: Certificate | None = None) -> bytes:
        """Return a new CRL (DER), signed with the CA's key; with the one before a rollover if that issued `about`."""
        revoked = [(i.serial, i.revoked) for i in self.store.all_revoked() if i.revoked is not None]
        issuer, previous = self.issuer, self.identity("previous")
        if about is not None and previous is not None and issued_by(about, previous.parsed):
            issuer = previous
        return make_crl(issuer, revoked, self.store.next_number("crl"), self._now())

    # ---------------------------------------------------------- requests of clients

    def answer(self, request: HttpRequest) -> HttpReply:
        """Answer a SCEP request over HTTP (RFC 8894, 4). Never raises on content."""
        asked = parse_request(request)
        try:
            match asked.operation:
                case "GetCACaps":
                    return capabilities_reply(self.policy.capabilities, self.policy.form)
                case "GetCACert":
                    return self._ca_certificates()
                case "GetNextCACert":
                    return self._next_ca_certificate()
                case "PKIOperation":
                    refused = refuse_method(request.method, self.policy.capabilities)
                    if refused is not None:
                        return refused
                    return message_reply(self._respond(asked.message or b""), self.policy.form)
            return text_reply(400, "operation must be GetCACaps, GetCACert, GetNextCACert or PKIOperation")
        except NotAMessageError as error:
            return text_reply(400, str(error))
        except StoreError:
            return text_reply(503, "this CA cannot write its store; nothing was granted")

    def _ca_certificates(self) -> HttpReply:
        signer, decrypter = self.identity("signer"), self.identity("decrypter")
        if signer is None or decrypter is None:
            return HttpReply(200, (("Content-Type", CA_CERT),), self.certificate)
        body = build_degenerate([signer.certificate, decrypter.certificate, self.certificate])
        return HttpReply(200, (("Content-Type", CA_RA_CERT),), body)

    def _next_ca_certificate(self) -> HttpReply:
        current, upcoming = self.issuer, True
        if self.identity("next") is None:
            # After a rollover the CA of before still says who follows: some clients ask too late.
            previous = self.identity("previous")
            if previous is None or ended(previous.parsed, self._now()):
                return text_reply(404, "this CA has no next certificate yet")
            current, upcoming = previous, False
        roles = ("signer", "decrypter", "issuer")
        found = [i for i in (self.identity(_NEXT[r] if upcoming else r) for r in roles) if i is not None]
        # A SignedData without SCEP attributes: the current CA signs the next one (RFC 8894, 4.7.1).
        body = replies.vouch(build_degenerate([i.certificate for i in found]), current)
        return HttpReply(200, (("Content-Type", NEXT_CA_CERT),), body)

    def operate(self, data: bytes) -> bytes:
        """Answer a pkiMessage with a CertRep (RFC 8894, 3). Raises NotAMessageError and StoreError only."""
        return self._respond(data).message

    def _respond(self, data: bytes) -> Response:
        responder = Responder(
            self.name,
            self.signer,
            self._decrypters,
            self.policy.strict,
            self.policy.form,
            self.policy.challenges,
            self._random,
            self._on_decision,
        )
        return responder.respond(data, self._now(), self._decide)

    def _decide(
        self, incoming: SignedRequest, opening: Callable[[], bytes], steps: list[str]
    ) -> tuple[Answer, str | None]:
        """Return the answer, and the challengePassword to encrypt it with for a signer with an EC key."""
        kind = incoming.attributes.type
        if kind is MessageType.CertPoll:
            transaction = self.store.latest(incoming.transaction_id, requester_of(incoming.signer))
            if transaction is None:
                raise Refused(FailInfo.badCertId, "no transaction of this transactionID and signer (RFC 8894, 4.4)")
            request = parse_csr(transaction.request)
            steps.append(f"polls for {request.subject}")
            replies.check_reachable(incoming.signer, request.challenge_password)
            return self._state(transaction, steps), request.challenge_password
        if kind in {MessageType.PKCSReq, MessageType.RenewalReq}:
            request = read_csr(opening(), self.policy.strict)
            steps.append(f"asks for {request.subject}")
            replies.check_reachable(incoming.signer, request.challenge_password)
            return self._enroll(incoming, request, steps), request.challenge_password
        replies.check_reachable(incoming.signer, None)
        wanted = read_lookup(opening(), self.issuer.parsed.subject)
        if kind is MessageType.GetCRL:
            steps.append("asks for the CRL")
            about = self.store.issued(int.from_bytes(wanted.serial, "big")) if wanted.serial else None
            return replies.success(crls=[self.crl(parse_certificate(about.der) if about is not None else None)]), None
        steps.append(f"asks for certificate {wanted.serial_hex}")
        return self._get_certificate(wanted.serial), None

    def _get_certificate(self, serial: bytes) -> Answer:
        for own in (self.issuer, self.identity("previous")):
            if own is not None and own.parsed.serial == serial:
                return replies.success([own.certificate])
        issued = self.store.issued(abs(int.from_bytes(serial, "big", signed=True)))
        if issued is None or parse_certificate(issued.der).serial != serial:
            raise Refused(FailInfo.badCertId, "this CA issued no certificate with that serial")
        return replies.success([issued.der])

    # ---------------------------------------------------------- who gets a certificate

    def _enroll(self, incoming: SignedRequest, request: CertificationRequest, steps: list[str]) -> Answer:
        requester = requester_of(incoming.signer)
        digest, known = self._asked_before(incoming, request, requester)
        if known is not None:
            # The reply was lost, or the client polls by repeating the request: give the same answer.
            steps.append("asked before")
            return self._state(known, steps)
        self._check_alive()
        judge = Judge(self.policy, self.store, self.issuer.parsed, self._now(), steps)
        verdict = judge.authorise(incoming, request)
        for _ in range(_TRIES):
            made = None
            if self.store.size() >= self.policy.max_store_size:
                raise Refused(FailInfo.badRequest, f"the store is full: it has {self.policy.max_store_size} bytes")
            if verdict.granted:
                made = self._issue(verdict.request, same_ra=verdict.same_ra)
            elif self.store.count(State.PENDING) >= self.policy.max_pending:
                raise Refused(FailInfo.badRequest, f"{self.policy.max_pending} requests are waiting already")
            elif self.store.pending_size() + len(request.raw) > self.policy.max_pending_size:
                raise Refused(FailInfo.badRequest, f"{self.policy.max_pending_size} bytes wait already")
            added = self.store.add(
                incoming.transaction_id,
                digest,
                _kept(request, incoming.signer),
                requester,
                self._now(),
                certificate=made,
                challenge=verdict.challenge,
            )
            if added and made is not None:
                steps.append(f"certificate {made[0]:X}")
                if self._now() + self.policy.validity > (self.issuer.parsed.not_after or self._now()):
                    steps.append(f"it ends with this CA, on {self.issuer.parsed.not_after:%Y-%m-%d}")
                return replies.success([made[1]])
            known = self.store.find(incoming.transaction_id, digest, requester)
            if known is not None:
                return self._state(known, steps)
            if verdict.challenge is not None:
                raise Refused(FailInfo.badRequest, WRONG_CHALLENGE)
        raise StoreError(f"{self.store.path} takes no serial")

    def _asked_before(
        self, incoming: SignedRequest, request: CertificationRequest, requester: bytes
    ) -> tuple[bytes, Transaction | None]:
        """Return the digest under which the store has a request, and the transaction if this is a retry of it.

        A retry has the same transactionID, messageType, CSR and signer. Programs that
        keep their CSR send it again years later, signed with the certificate to
        renew: so a renewal is known by that certificate too. A certificate that has ended
        answers nobody any more.
        """
        digest, signer, kind = hashlib.sha256(request.raw).digest(), incoming.signer, incoming.attributes.type
        own = signer.serial_number > 0 and not signer.self_issued
        issued = self.store.issued(signer.serial_number) if own else None
        if issued is not None and issued.der == signer.der and same_name(signer.subject, request.subject):
            digest = hashlib.sha256(digest + str(int(kind or 0)).encode() + signer.der).digest()
        while True:
            known = self.store.find(incoming.transaction_id, digest, requester)
            if (
                known is None
                or known.certificate is None
                or not ended(parse_certificate(known.certificate), self._now())
            ):
                return digest, known
            digest = hashlib.sha256(digest + known.certificate).digest()

    def _check_alive(self) -> None:
        """Raise Refused where this CA cannot issue anything now, which is no fault of a request."""
        own, now = self.issuer.parsed, self._now()
        start, end = own.not_before, own.not_after
        if start is None or end is None or not start <= now <= end:
            reason = f"this CA cannot issue certificates now: its own certificate is valid from {start} to {end}"
            raise Refused(FailInfo.badRequest, f"{reason}. Nothing is wrong with the request")

    def _state(self, transaction: Transaction, steps: list[str]) -> Answer:
        """Return the answer that a transaction's state gives."""
        if transaction.state is State.PENDING:
            steps.append("pending")
            return replies.PENDING
        if transaction.certificate is None:
            raise Refused(FailInfo.badRequest, transaction.why or "denied")
        certificate = parse_certificate(transaction.certificate)
        issued = self.store.issued(certificate.serial_number)
        if issued is not None and issued.revoked is not None:
            raise Refused(FailInfo.badCertId, "the certificate of this transaction was revoked")
        if ended(certificate, self._now()):
            reason = f"the certificate of this transaction ended on {certificate.not_after:%Y-%m-%d}: ask for a new one"
            raise Refused(FailInfo.badCertId, reason)
        steps.append(f"certificate {certificate.serial_hex}")
        return replies.success([transaction.certificate])

    def _issue(
        self, request: CertificationRequest, *, by_person: bool = False, same_ra: bool = False
    ) -> tuple[int, bytes]:
        """Return serial and certificate (DER) for a request. Raises Refused."""
        self._check_alive()
        serial, now, issuer = new_serial(), self._now(), self.issuer
        # A certificate cannot be used after its CA has expired.
        end = min(now + self.policy.validity, issuer.parsed.not_after or now + self.policy.validity)
        try:
            made = issue(
                request,
                issuer,
                serial,
                now - timedelta(minutes=5),
                end,
                crl_url=self.policy.crl_url,
                usages=() if wants_ra(request) else TLS_USAGES,
            )
        except BuildError as error:
            raise Refused(FailInfo.badRequest, str(error)) from error
        if not (by_person or same_ra) and is_name_of_ra(subject_of(made)):
            # Judged by what was made, too: another reader of names may see more in a request than ours.
            raise Refused(FailInfo.badRequest, "only a person makes an RA")
        return serial, made


# The role of each certificate that follows at a rollover.
_NEXT = {"issuer": "next", "signer": "next_signer", "decrypter": "next_decrypter"}
_NEVER = float("-inf")
# Seconds until a rollover made by another process is noticed.
_ROLES_KEPT = 1.0
_SHORTEST_BEGINNING = 8
# Retries are for races with other processes; collisions of serials are negligible.
_TRIES = 5


def requester_of(signer: Certificate) -> bytes:
    """Return who a transaction belongs to: the SHA-256 of the signing key, since its certificate may change."""
    return hashlib.sha256(signer.public_key_info).digest()


def _kept(request: CertificationRequest, signer: Certificate) -> bytes:
    """Return the request (DER) as the store keeps it: without its challengePassword, and what would let one guess it.

    The request's own signature was checked, and is over the challengePassword. A signer
    that has no RSA key gets the replies to its polls encrypted with it, so there it stays.
    """
    return _masked(request) if replies.receives(signer) else request.raw


def _masked(request: CertificationRequest) -> bytes:
    if request.challenge_password is None:
        return request.raw
    masked = Attribute(oids.CHALLENGE_PASSWORD, (der.encode(der.PRINTABLE_STRING, MASK.encode()),))
    attributes = tuple(masked if a.oid == masked.oid else a for a in request.attributes)
    return serialize_csr(replace(request, attributes=attributes, signature=b""))


def _key_of(request: CertificationRequest) -> object:
    """Return the key of a request, None where it cannot be loaded: the store may be damaged."""
    try:
        return request.public_key()
    except ValueError:
        return None


@lru_cache(maxsize=32)
def _load_identity(certificate: bytes, key: bytes) -> Identity:
    loaded = load_der_private_key(key, None)
    if not isinstance(loaded, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise StoreError("a key in the store is neither RSA nor EC")
    return Identity(certificate, loaded)
