"""The RA (R2): forwards requests of clients to the CA under its own signature (RFC 8894, 1 and appendix A).

Rule: no sockets, as in `ca`. What a client sends is encrypted
for the RA; it is opened, judged, encrypted anew for the CA and signed with the
RA's certificate, which makes the CA grant it. The request inside stays the
client's, byte for byte. Nothing is kept: what is pending, only the CA knows. To the
CA all transactions are the RA's, so a transactionID that is not made of the client's
key, as RFC 8894 3.2.1.1 wants it, is replaced by one that is. Its own certificates
are renewed in `upkeep`.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from sceplab.cms.cipher import RandomBytes
from sceplab.cms.csr import CertificationRequest
from sceplab.cms.name import same_name
from sceplab.cms.signed import build_degenerate
from sceplab.cms.trust import validate_path
from sceplab.cms.x509 import Certificate, parse_certificate
from sceplab.lab import replies
from sceplab.lab.client import ScepClient
from sceplab.lab.clock import Clock, concern, ended, ends_soon, utc_now
from sceplab.lab.dialects import CLIENT_DIALECTS
from sceplab.lab.http import ClientError, UntrustedError, text_reply
from sceplab.lab.identity import RA_UNIT, Identity
from sceplab.lab.opening import (
    NotAMessageError,
    Refused,
    SignedRequest,
    Strictness,
    is_one_of,
    read_csr,
    read_lookup,
)
from sceplab.lab.policy import DEFAULT_CAPABILITIES, WRONG_CHALLENGE, check_own_key, wants_ra
from sceplab.lab.replies import Answer, ReplyForm
from sceplab.lab.responder import (
    Decision,
    Responder,
    Response,
    capabilities_reply,
    ignore,
    message_reply,
    refuse_method,
)
from sceplab.lab.results import Result
from sceplab.lab.upkeep import Standing, Upkeep
from sceplab.scep.attributes import FailInfo, MessageType, PkiStatus
from sceplab.scep.messagedata import build_issuer_and_subject
from sceplab.scep.transport import CA_RA_CERT, NEXT_CA_CERT, HttpReply, HttpRequest, ScepRequest, parse_request


@dataclass(frozen=True, slots=True)
class RaPolicy:
    """Which requests the RA forwards: those with one of the `challenges`, and renewals of a certificate of the CA.

    Without challenges it forwards everything, as an IOS RA with `grant auto` does. With `asks_ca` it vouches only
    for what has one of its challenges: what has none, where it has any itself, and everything where it has none,
    is forwarded with the remark that the RA does not vouch for it. Our CA then decides as if the client
    had asked it; others would ignore the remark.
    """

    challenges: tuple[str, ...] = field(default=(), repr=False)
    asks_ca: bool = False
    capabilities: tuple[str, ...] = DEFAULT_CAPABILITIES
    strict: Strictness = Strictness()
    form: ReplyForm = ReplyForm()


def _keep_nothing(_: Standing) -> None:
    """Do nothing with a new standing."""


class RegistrationAuthority:
    """An RA in front of a CA. All methods may be called from several threads."""

    def __init__(
        self,
        signer: Identity,
        upstream: ScepClient,
        policy: RaPolicy = RaPolicy(),
        *,
        decrypter: Identity | None = None,
        name: str = "RA",
        now: Clock = utc_now,
        random: RandomBytes = secrets.token_bytes,
        on_decision: Callable[[Decision], None] = ignore,
        on_renewed: Callable[[Standing], None] = _keep_nothing,
        former_cas: tuple[Certificate, ...] = (),
    ) -> None:
        """Take the RA's certificate, and the client that talks to the CA.

        `decrypter` is a second certificate of the RA to encrypt for, as NDES has;
        some clients (PyScep) work only with two RA certificates. `on_renewed` is called
        with what is to be kept once the RA has renewed its certificates; `former_cas` are the
        CA's own before its rollovers, whose devices may renew.
        """
        self.policy, self.name = policy, name
        self._now, self._random, self._on_decision = now, random, on_decision
        standing = Standing(upstream, signer, decrypter or signer, former_cas=former_cas)
        self._upkeep = Upkeep(standing, name, on_decision, on_renewed)

    @property
    def signer(self) -> Identity:
        """The certificate and key that sign, towards the CA and the clients."""
        return self._upkeep.standing.signer

    @property
    def decrypter(self) -> Identity:
        """The certificate and key that clients encrypt for."""
        return self._upkeep.standing.decrypter

    @property
    def upstream(self) -> ScepClient:
        """The client that talks to the CA."""
        return self._upkeep.standing.upstream

    @property
    def identities(self) -> tuple[Identity, ...]:
        """Every certificate that a message for this RA may be encrypted for, those of before last."""
        standing = self._upkeep.standing
        former = (own for pair in standing.former for own in pair)
        return tuple(dict.fromkeys((standing.decrypter, standing.signer, *former)))

    def take(self, signer: Identity, decrypter: Identity | None, upstream: ScepClient) -> None:
        """Go on with certificates that a person granted anew, and a client of the CA that is to be trusted."""
        self._upkeep.take(signer, decrypter or signer, upstream)

    def keep_up(self, hint: bytes | None = None) -> None:
        """Follow a rollover of the CA, and renew certificates that end soon; to be called now and then. Never raises.

        `hint` is what is said to be the CA's certificate now (DER); another one than is known is a reason to look.
        """
        self._upkeep.tend(self._now(), hint)

    def has_ended(self) -> bool:
        """Whether a certificate of the RA has ended: a person must enroll it anew."""
        return any(ended(own.parsed, self._now()) for own in (self.signer, self.decrypter))

    def concerns(self) -> list[str]:
        """Return what its operator should know: a sentence for each certificate that ends soon, or has ended."""
        remedy = "it renews itself while it runs; once it has ended, enroll it anew (`sceplab lab start` does)"
        own = dict.fromkeys((self.signer.certificate, self.decrypter.certificate))
        found = (concern(f"a certificate of {self.name}", parse_certificate(c), self._now(), remedy) for c in own)
        return [sentence for sentence in found if sentence is not None]

    def answer(self, request: HttpRequest) -> HttpReply:
        """Answer a SCEP request over HTTP (RFC 8894, 4). Never raises on content."""
        asked, before = parse_request(request), self._upkeep.standing
        try:
            try:
                return self._answer(request, asked)
            except UntrustedError:
                # The CA may have rolled over: its replies are then signed by one that is not known yet.
                if not self._upkeep.recover(before, self._now()):
                    raise
                return self._answer(request, asked)
        except NotAMessageError as error:
            return text_reply(400, str(error))
        except ClientError as error:
            self.upstream.forget()
            return text_reply(502, f"the CA behind this RA: {error}")

    def _answer(self, request: HttpRequest, asked: ScepRequest) -> HttpReply:
        match asked.operation:
            case "GetCACaps":
                return capabilities_reply(self.policy.capabilities, self.policy.form)
            case "GetCACert":
                self._upkeep.know_ca()
                self.keep_up()
                standing = self._upkeep.standing
                own = dict.fromkeys((standing.signer.certificate, standing.decrypter.certificate))
                body = build_degenerate([*own, standing.upstream.ca.ca.der])
                return HttpReply(200, (("Content-Type", CA_RA_CERT),), body)
            case "GetNextCACert":
                # Signed by the CA, whose certificate clients have: forwarded unchanged.
                return HttpReply(200, (("Content-Type", NEXT_CA_CERT),), self.upstream.fetch("GetNextCACert"))
            case "PKIOperation":
                refused = refuse_method(request.method, self.policy.capabilities)
                if refused is not None:
                    return refused
                self.keep_up()
                return message_reply(self._respond(asked.message or b""), self.policy.form)
        return text_reply(400, "operation must be GetCACaps, GetCACert, GetNextCACert or PKIOperation")

    def operate(self, data: bytes) -> bytes:
        """Answer a pkiMessage with a CertRep (RFC 8894, 3). Raises NotAMessageError, and ClientError from the CA."""
        return self._respond(data).message

    def _respond(self, data: bytes) -> Response:
        standing, now = self._upkeep.standing, self._now()
        responder = Responder(
            self.name,
            standing.signer,
            self.identities,
            self.policy.strict,
            self.policy.form,
            self.policy.challenges,
            self._random,
            self._on_decision,
            tuple(pair for pair in standing.former if not ended(pair[1].parsed, now)),
        )
        return responder.respond(data, now, self._decide)

    def _decide(
        self, incoming: SignedRequest, opening: Callable[[], bytes], steps: list[str]
    ) -> tuple[Answer, str | None]:
        kind = incoming.attributes.type
        assert kind is not None  # noqa: S101 - judge_request made sure
        ca, signer = self._upkeep.know_ca(), incoming.signer
        self._check_alive(kind, steps)
        standing = self._upkeep.standing
        request = renews = None
        vouched = True
        if kind is MessageType.CertPoll:
            replies.check_reachable(signer, None)
            data = build_issuer_and_subject(ca.subject, signer.subject)
        elif kind in {MessageType.PKCSReq, MessageType.RenewalReq}:
            data = opening()
            request = read_csr(data, self.policy.strict)
            steps.append(f"asks for {request.subject}")
            replies.check_reachable(signer, request.challenge_password)
            if self._renews(incoming, request):
                steps.append("vouched for: renewal with a certificate of the CA")
                renews = signer
            else:
                vouched = self._vouch(incoming, request, steps)
            # To the CA the requester is the RA, not the client that renews.
            kind = MessageType.PKCSReq
        else:
            replies.check_reachable(signer, None)
            data = read_lookup(opening(), ca.subject).raw
        steps.append(f"to the CA as {kind.name}, signed by {standing.signer.parsed.subject}")
        transaction_id = _transaction_at_ca(incoming, ca)
        result = standing.upstream.operate(
            kind, data, standing.signer, transaction_id, request, renews=renews, vouched=vouched
        )
        steps.append(f"the CA says {result}")
        return _passed_on(result), request.challenge_password if request is not None else None

    def _check_alive(self, kind: MessageType, steps: list[str]) -> None:
        """Raise Refused where this RA can vouch for nothing now, which is no fault of a request."""
        own, now = self.signer.parsed, self._now()
        if ended(own, now) and kind in {MessageType.PKCSReq, MessageType.RenewalReq}:
            reason = f"this RA cannot pass on requests now: its own certificate ended on {own.not_after:%Y-%m-%d}"
            raise Refused(FailInfo.badRequest, f"{reason}. Nothing is wrong with the request")
        if ends_soon(own, now):
            steps.append(f"this RA's own certificate ends on {own.not_after:%Y-%m-%d}")

    def _renews(self, incoming: SignedRequest, request: CertificationRequest) -> bool:
        """Whether a request renews a certificate of the CA. Raises Refused for one that would make an RA."""
        signer = incoming.signer
        if wants_ra(request):
            raise Refused(
                FailInfo.badRequest, f"OU={RA_UNIT} would make it an RA: ask the CA itself, where a person decides"
            )
        return same_name(signer.subject, request.subject) and not signer.self_issued and self._holds(signer)

    def _vouch(self, incoming: SignedRequest, request: CertificationRequest, steps: list[str]) -> bool:
        """Return whether this RA vouches for a new enrollment. Raises Refused for one that it does not pass on."""
        check_own_key(incoming.signer, request)
        given, challenges = request.challenge_password, self.policy.challenges
        if self.policy.asks_ca and (given is None or not challenges):
            lacking = "no challengePassword" if given is None else "this RA has no challengePassword to compare with"
            steps.append(f"not vouched for: {lacking}")
            return False
        if not challenges:
            steps.append("vouched for: this RA vouches for everybody")
            return True
        if given is None:
            raise Refused(FailInfo.badRequest, "the request has no challengePassword")
        if not is_one_of(given, challenges):
            raise Refused(FailInfo.badRequest, WRONG_CHALLENGE)
        steps.append("vouched for: the challengePassword is right")
        return True

    def _holds(self, certificate: Certificate) -> bool:
        """Whether a certificate was issued by the CA, is valid now, and is not on its current CRL."""
        path = validate_path(certificate, self._upkeep.standing.trust(self._now()), self._now())
        if not path.valid:
            return False
        crls = self.upstream.get_crl(self.signer, certificate).crls
        return bool(crls) and all(certificate.serial not in crl.revoked for crl in crls)


def _transaction_at_ca(incoming: SignedRequest, ca: Certificate) -> str:
    """Return the transactionID towards the CA: one that no other client of this RA can name.

    It is the client's own where that is a digest of the key that signs. Another one, as
    in a renewal with a new key, becomes a digest of both; the same for each poll. Signed with
    a certificate of the CA, as a renewal is, it is a digest of that too: to the CA all are signed by the RA, and
    a renewal with the CSR of before would be a retry.
    """
    signer = incoming.signer
    asked, key = incoming.transaction_id, signer.public_key_info
    if not signer.self_issued and same_name(signer.issuer, ca.subject):
        key += hashlib.sha256(signer.der).digest()
    elif any(dialect.transaction_id(key) == asked for dialect in CLIENT_DIALECTS.values()):
        return asked
    return hashlib.sha256(hashlib.sha256(asked.encode()).digest() + key).hexdigest().upper()


def _passed_on(result: Result) -> Answer:
    """Return the answer of the CA as the answer to the client."""
    if result.status is PkiStatus.SUCCESS:
        return replies.success([c.der for c in result.certificates], [crl.der for crl in result.crls])
    if result.status is PkiStatus.PENDING:
        return replies.PENDING
    return Answer(PkiStatus.FAILURE, None, result.fail_info or FailInfo.badRequest, result.fail_info_text)
