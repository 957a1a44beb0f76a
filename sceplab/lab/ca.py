"""The CA (R1): who gets a certificate, and what a SCEP server says (RFC 8894, 3 and 4).

Rule: policy, and nothing of sockets: an `HttpRequest` goes in, an `HttpReply`
comes out. What must outlive the process is in the store; what CA and RA do alike
is in `replies`.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from sceplab.asn1 import oids
from sceplab.cms.cipher import RandomBytes
from sceplab.cms.csr import CertificationRequest, parse_csr
from sceplab.cms.name import Name, parse_subject
from sceplab.cms.signature import SigningKey
from sceplab.cms.signed import build_degenerate
from sceplab.cms.x509 import Certificate, parse_certificate
from sceplab.errors import BuildError, InputError
from sceplab.lab import replies
from sceplab.lab.faults import faults_named
from sceplab.lab.identity import ENCIPHER, RA_UNIT, SIGN, Identity, issue, make_crl, make_request, make_root, new_key
from sceplab.lab.replies import (
    Answer,
    Decision,
    Desk,
    Incoming,
    NotAMessageError,
    Refused,
    ReplyForm,
    Strictness,
    ignore,
    text_reply,
)
from sceplab.lab.store import State, Store, StoreError, Transaction
from sceplab.scep.attributes import FailInfo, MessageType
from sceplab.scep.capabilities import Capability, build_caps
from sceplab.scep.transport import CA_CERT, CA_RA_CERT, NEXT_CA_CERT, HttpReply, HttpRequest, parse_request

DEFAULT_CAPABILITIES: tuple[str, ...] = (
    *(Capability.AES, Capability.DES3, Capability.POST, Capability.RENEWAL, Capability.SHA1, Capability.SHA256),
    *(Capability.SHA384, Capability.SHA512, Capability.STANDARD, Capability.GET_NEXT_CA_CERT),
)
"""SHA-384 is there for strongSwan 5.9.8, which takes AES only from a CA that offers it."""

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Policy:
    """Who gets a certificate from this CA, and how.

    `challenges` are challengePasswords that always hold; one-time ones are in
    the store. A request without any, or with one where none is set, waits for a
    person. `grant_auto` grants everything (as `grant auto` of Cisco IOS does);
    `ra_auto` grants what an RA of this CA signed (`grant ra-auto`). Whoever is to
    become an RA always waits for a person. `renewal_window` is how long before
    its end a certificate may be renewed (None: any time).
    """

    challenges: tuple[str, ...] = field(default=(), repr=False)
    grant_auto: bool = False
    ra_auto: bool = True
    renewal_window: timedelta | None = None
    validity: timedelta = timedelta(days=365)
    capabilities: tuple[str, ...] = DEFAULT_CAPABILITIES
    strict: Strictness = Strictness()
    max_pending: int = 1000
    crl_url: str | None = None
    form: ReplyForm = ReplyForm()


class CertificationAuthority:
    """A CA on a store. All of it may be called from several threads."""

    def __init__(
        self,
        store: Store,
        policy: Policy = Policy(),
        *,
        name: str = "CA",
        now: Clock = utc_now,
        random: RandomBytes = secrets.token_bytes,
        on_decision: Callable[[Decision], None] = ignore,
    ) -> None:
        """Take the CA that is in the store. Raises InputError where there is none (see `create`)."""
        self.store, self.policy, self.name = store, policy, name
        self._now, self._random, self._on_decision = now, random, on_decision
        self._roles: tuple[float, dict[str, tuple[bytes, bytes]]] = _NEVER, {}
        if "issuer" not in store.identities():
            raise InputError(f"{store.path} holds no CA yet")

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
        start = now() - timedelta(minutes=5)
        end = start + timedelta(days=days)
        own_key = new_key(key) if isinstance(key, str | int) else key
        root = make_root(parse_subject(subject), own_key, _new_serial(), start, end)
        roles = {"issuer": root}
        if separate or not isinstance(root.key, rsa.RSAPrivateKey):
            for role, usage in (("signer", SIGN), ("decrypter", ENCIPHER)):
                own = new_key(2048)
                request = make_request(parse_subject(f"CN=SCEP {role}"), own, usage=usage)
                roles[role] = Identity(issue(parse_csr(request), root, _new_serial(), start, end), own)
        store.add_identities(**{role: (i.certificate, _key_octets(i.key)) for role, i in roles.items()})

    # ---------------------------------------------------------- keys

    def identity(self, role: str) -> Identity | None:
        """Return who has a role (issuer, signer, decrypter, previous, next), or None."""
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
            raise StoreError(f"{self.store.path} has lost its CA")
        return found

    @property
    def certificate(self) -> bytes:
        """The CA's own certificate (DER)."""
        return self.issuer.certificate

    @property
    def signer(self) -> Identity:
        """Who signs CertReps."""
        return self.identity("signer") or self.issuer

    @property
    def _decrypters(self) -> tuple[Identity, ...]:
        """Who requests may be encrypted for; after a rollover clients still know the old certificate for a while."""
        roles = [self.identity(r) for r in ("decrypter", "previous")]
        return (*(i for i in roles if i is not None), self.issuer)

    def prepare_rollover(self, *, days: int = 3650) -> bytes:
        """Make the CA certificate that will follow this one, to be had by GetNextCACert (RFC 8894, 4.7)."""
        now = self._now()
        name = self.issuer.parsed.subject
        following = make_root(
            name, new_key(2048), _new_serial(), now - timedelta(minutes=5), now + timedelta(days=days)
        )
        self._set_identities(next=(following.certificate, _key_octets(following.key)))
        return following.certificate

    def roll_over(self) -> None:
        """Let the prepared CA certificate take over. Raises InputError where none was prepared."""
        roles = self.store.identities()
        if "next" not in roles:
            raise InputError("no CA certificate was prepared to follow this one")
        self._set_identities(issuer=roles["next"], previous=roles["issuer"], next=None, signer=None, decrypter=None)

    # ---------------------------------------------------------- what a person does

    def pending(self) -> list[Transaction]:
        """Return what waits for a person, oldest first."""
        return self.store.transactions(State.PENDING)

    def grant(self, transaction: Transaction) -> bytes:
        """Issue the certificate that a pending transaction asks for and return it (DER). Raises InputError.

        Granting what is granted already gives the same certificate again.
        """
        number = transaction.id
        for _ in range(_TRIES):
            found = self.store.transaction(number)
            if found is not None and found.certificate is not None:
                return found.certificate
            if found is None or found.state is not State.PENDING:
                break
            serial, certificate = self._issue(parse_csr(found.request))
            if self.store.grant(number, serial, certificate):
                return certificate
        raise InputError(f"transaction {transaction.transaction_id} is not pending")

    def deny(self, transaction: Transaction, why: str = "denied by the operator") -> None:
        """Refuse a pending transaction. Raises InputError where it is not pending."""
        if not self.store.deny(transaction.id, why):
            raise InputError(f"transaction {transaction.transaction_id} is not pending")

    def find_pending(self, text: str) -> Transaction:
        """Return the pending transaction with this number, or whose transactionID begins so. Raises InputError."""
        found = [t for t in self.pending() if t.transaction_id.startswith(text) or str(t.id) == text]
        if len(found) != 1:
            raise InputError(f"{len(found)} pending transactions begin with {text!r}")
        return found[0]

    def new_challenge(self, subject: str | None = None, lifetime: timedelta = timedelta(hours=1)) -> str:
        """Make a challengePassword that holds once, for this subject only if one is given."""
        text = secrets.token_hex(8).upper()
        bound = parse_subject(subject).raw if subject is not None else None
        self.store.add_challenge(_challenge_digest(text), bound, self._now() + lifetime)
        return text

    def revoke(self, serial: int) -> None:
        """Revoke a certificate. Raises InputError where there is none, or it is revoked already."""
        if not self.store.revoke(serial, self._now()):
            raise InputError(f"no certificate with serial {serial:X} that is not revoked yet")

    def crl(self) -> bytes:
        """Return a new CRL (DER)."""
        revoked = [(i.serial, i.revoked) for i in self.store.all_revoked() if i.revoked is not None]
        return make_crl(self.issuer, revoked, self.store.next_number("crl"), self._now())

    # ---------------------------------------------------------- what a client asks

    def answer(self, request: HttpRequest) -> HttpReply:
        """Answer a SCEP request over HTTP (RFC 8894, 4). Never raises on content."""
        asked = parse_request(request)
        faults = self.policy.form.faults
        try:
            match asked.operation:
                case "GetCACaps":
                    return self._capabilities(faults)
                case "GetCACert":
                    return self._ca_certificates()
                case "GetNextCACert":
                    return self._next_ca_certificate()
                case "PKIOperation":
                    refused = replies.refuse_method(request.method, self.policy.capabilities)
                    if refused is not None:
                        return refused
                    return replies.http_reply(self.operate(asked.message or b""), faults)
            return text_reply(400, "operation must be GetCACaps, GetCACert, GetNextCACert or PKIOperation")
        except NotAMessageError as error:
            return text_reply(400, str(error))
        except StoreError:
            return text_reply(503, "this CA cannot write its store; nothing was granted")

    def _capabilities(self, faults: frozenset[str]) -> HttpReply:
        if "caps-not-found" in faults:
            return text_reply(404, "no such operation")
        words = self.policy.capabilities
        if "empty-caps" in faults:
            words = ()
        if "weak-caps" in faults:
            words = (Capability.DES3, Capability.SHA1, Capability.POST)
        return HttpReply(200, (("Content-Type", "text/plain"),), build_caps(words))

    def _ca_certificates(self) -> HttpReply:
        signer, decrypter = self.identity("signer"), self.identity("decrypter")
        if signer is None or decrypter is None:
            return HttpReply(200, (("Content-Type", CA_CERT),), self.certificate)
        body = build_degenerate([signer.certificate, decrypter.certificate, self.certificate])
        return HttpReply(200, (("Content-Type", CA_RA_CERT),), body)

    def _next_ca_certificate(self) -> HttpReply:
        following = self.identity("next")
        if following is None:
            return text_reply(404, "this CA has no next certificate yet")
        # A SignedData that is no pkiMessage: the current CA vouches for the next one (RFC 8894, 4.7.1).
        body = replies.vouch(build_degenerate([following.certificate]), self.issuer)
        return HttpReply(200, (("Content-Type", NEXT_CA_CERT),), body)

    def operate(self, data: bytes) -> bytes:
        """Answer a pkiMessage with a CertRep (RFC 8894, 3). Raises NotAMessageError and StoreError only."""
        desk = Desk(
            self.name,
            self.signer,
            self._decrypters,
            self.policy.strict,
            self.policy.form,
            self.policy.challenges,
            self._random,
            self._on_decision,
        )
        return replies.respond(data, desk, self._now(), self._decide)

    def _decide(self, incoming: Incoming, opening: Callable[[], bytes], steps: list[str]) -> tuple[Answer, str | None]:
        """Return the answer, and the challengePassword to encrypt it with for a signer with an EC key."""
        kind = incoming.attributes.type
        if kind is MessageType.CertPoll:
            transaction = self.store.latest(incoming.transaction_id, _requester(incoming))
            if transaction is None:
                raise Refused(FailInfo.badCertId, "no transaction of this transactionID and signer (RFC 8894, 4.4)")
            request = parse_csr(transaction.request)
            steps.append(f"polls for {request.subject}")
            return self._state(transaction, steps), request.challenge_password
        if kind in {MessageType.PKCSReq, MessageType.RenewalReq}:
            request = replies.read_csr(opening(), self.policy.strict)
            steps.append(f"asks for {request.subject}")
            replies.check_reachable(incoming.signer, request.challenge_password)
            return self._enroll(incoming, request, steps), request.challenge_password
        replies.check_reachable(incoming.signer, None)
        wanted = replies.read_lookup(opening(), self.issuer.parsed.subject)
        if kind is MessageType.GetCRL:
            steps.append("asks for the CRL")
            return replies.success(crls=[self.crl()]), None
        steps.append(f"asks for certificate {wanted.serial_hex}")
        return self._get_certificate(wanted.serial), None

    def _get_certificate(self, serial: bytes) -> Answer:
        own = self.issuer
        if own.parsed.serial == serial:
            return replies.success([own.certificate])
        issued = self.store.issued(abs(int.from_bytes(serial, "big", signed=True)))
        if issued is None or parse_certificate(issued.der).serial != serial:
            raise Refused(FailInfo.badCertId, "this CA issued no certificate with that serial")
        return replies.success([issued.der])

    # ---------------------------------------------------------- who gets a certificate

    def _enroll(self, incoming: Incoming, request: CertificationRequest, steps: list[str]) -> Answer:
        requester = _requester(incoming)
        digest = hashlib.sha256(request.raw).digest()
        known = self.store.find(incoming.transaction_id, digest, requester)
        if known is not None:
            # The reply was lost, or the client polls by asking again: the same request has the same answer.
            steps.append("asked before")
            return self._state(known, steps)
        granted, challenge = self._authorise(incoming, request, steps)
        for _ in range(_TRIES):
            made = None
            if granted:
                made = self._issue(request)
            elif self.store.count(State.PENDING) >= self.policy.max_pending:
                raise Refused(FailInfo.badRequest, f"{self.policy.max_pending} requests are waiting already")
            added = self.store.add(
                incoming.transaction_id,
                digest,
                request.raw,
                requester,
                self._now(),
                certificate=made,
                challenge=challenge,
            )
            if added and made is not None:
                steps.append(f"certificate {made[0]:X}")
                return replies.success([made[1]])
            known = self.store.find(incoming.transaction_id, digest, requester)
            if known is not None:
                return self._state(known, steps)
            if challenge is not None:
                raise Refused(FailInfo.badRequest, _WRONG_CHALLENGE)
        raise StoreError(f"{self.store.path} takes no serial")

    def _authorise(
        self, incoming: Incoming, request: CertificationRequest, steps: list[str]
    ) -> tuple[bool, bytes | None]:
        """Return whether this is granted at once, and the digest of the one-time challenge that it uses up.

        Raises Refused where not even a person shall be asked.
        """
        policy = self.policy
        if request.subject.raw == self.issuer.parsed.subject.raw:
            raise Refused(FailInfo.badRequest, "the subject is the CA's own")
        renewed = self._renewable(incoming.signer, steps)
        if incoming.attributes.type is MessageType.RenewalReq and renewed is None:
            raise Refused(FailInfo.badRequest, "a RenewalReq must be signed with the certificate to renew")
        if renewed is not None and is_ra(renewed) and policy.ra_auto and not wants_ra(request):
            steps.append("granted: signed by an RA of this CA")
            return True, None
        if renewed is not None and renewed.subject.raw == request.subject.raw:
            self._check_window(renewed)
            steps.append("granted: renewal with the old certificate")
            return True, None
        if incoming.attributes.type is MessageType.RenewalReq:
            raise Refused(FailInfo.badRequest, "a RenewalReq must ask for the subject of the certificate that signs it")
        if wants_ra(request):
            steps.append(f"waits for a person: OU={RA_UNIT} would make it an RA")
            return False, None
        if policy.grant_auto:
            steps.append("granted: this CA grants everything")
            return True, None
        return self._check_challenge(request, steps)

    def _renewable(self, signer: Certificate, steps: list[str]) -> Certificate | None:
        """Return the signer's certificate if this CA issued it; Refused where it holds no more."""
        serial = signer.serial_number
        issued = self.store.issued(serial) if serial > 0 else None
        if issued is None or issued.der != signer.der:
            return None
        if issued.revoked is not None:
            raise Refused(FailInfo.badRequest, f"the signer's certificate was revoked {issued.revoked:%Y-%m-%d}")
        now, start, end = self._now(), signer.not_before, signer.not_after
        if start is None or end is None or not start <= now <= end:
            raise Refused(FailInfo.badRequest, f"the signer's certificate is valid from {start} to {end}")
        steps.append("the signer's certificate is this CA's")
        return signer

    def _check_window(self, old: Certificate) -> None:
        window, end = self.policy.renewal_window, old.not_after
        if window is not None and end is not None and end - self._now() > window:
            raise Refused(FailInfo.badRequest, f"it is too early: renewal is possible {window.days} days before {end}")

    def _check_challenge(self, request: CertificationRequest, steps: list[str]) -> tuple[bool, bytes | None]:
        given = request.challenge_password
        if given is None:
            steps.append("waits for a person: no challengePassword")
            return False, None
        if replies.is_one_of(given, self.policy.challenges):
            steps.append("granted: the challengePassword is right")
            return True, None
        digest = _challenge_digest(given)
        once = self.store.challenge(digest)
        if once is not None:
            fresh = not once.used and (once.expires is None or self._now() <= once.expires)
            if fresh and once.subject in {None, request.subject.raw}:
                steps.append("granted: the one-time challengePassword is right")
                return True, digest
        if once is None and not self.policy.challenges:
            # Cisco IOS sends whatever was typed at its prompt, also to a CA that never asked for it.
            steps.append("waits for a person: this CA has no challengePassword to compare with")
            return False, None
        raise Refused(FailInfo.badRequest, _WRONG_CHALLENGE)

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
        steps.append(f"certificate {certificate.serial_hex}")
        return replies.success([transaction.certificate])

    def _issue(self, request: CertificationRequest) -> tuple[int, bytes]:
        serial, now, issuer = _new_serial(), self._now(), self.issuer
        # A certificate that outlives its CA is of no use.
        end = min(now + self.policy.validity, issuer.parsed.not_after or now + self.policy.validity)
        try:
            made = issue(request, issuer, serial, now - timedelta(minutes=5), end, crl_url=self.policy.crl_url)
        except BuildError as error:
            raise Refused(FailInfo.badRequest, str(error)) from error
        return serial, made


_NEVER = float("-inf")
# Seconds after which a rollover that another process made is noticed.
_ROLES_KEPT = 1.0
_WRONG_CHALLENGE = "the challengePassword is wrong, used already or too old"
# A serial of 127 random bits is taken once in the life of the universe; another process may be first more often.
_TRIES = 5


def _new_serial() -> int:
    """Return a serial of 127 random bits: not to be guessed, and never the same again (the store sees to it)."""
    return secrets.randbits(126) | 1 << 126


def _challenge_digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _requester(incoming: Incoming) -> bytes:
    """Who asks: the key that signs, whatever certificate it has this time."""
    return hashlib.sha256(incoming.signer.public_key_info).digest()


def _units(name: Name) -> set[str]:
    unit = oids.ORGANIZATIONAL_UNIT_NAME
    return {a.value.strip().casefold() for rdn in name.rdns for a in rdn if a.oid == unit}


def is_ra(certificate: Certificate) -> bool:
    """Whether a certificate of this CA is an RA's: `OU=ioscs RA` in its subject."""
    return RA_UNIT.casefold() in _units(certificate.subject)


def wants_ra(request: CertificationRequest) -> bool:
    """Whether the certificate would be an RA's."""
    return RA_UNIT.casefold() in _units(request.subject)


def _key_octets(key: SigningKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


@lru_cache(maxsize=32)
def _load_identity(certificate: bytes, key: bytes) -> Identity:
    loaded = load_der_private_key(key, None)
    if not isinstance(loaded, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise StoreError("a key in the store is neither RSA nor EC")
    return Identity(certificate, loaded)


def with_faults(policy: Policy, *names: str) -> Policy:
    """Return the policy with these faults switched on (see `faults.FAULTS`)."""
    return replace(policy, form=replace(policy.form, faults=faults_named(*names)))
