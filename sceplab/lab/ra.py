"""The RA (R2): forwards requests of clients to the CA under its own signature (RFC 8894, 1 and appendix A).

Rule: no sockets, as in `ca`. What a client sends is encrypted
for the RA; it is opened, judged, encrypted anew for the CA and signed with the
RA's certificate, which makes the CA grant it. The request inside stays the
client's, byte for byte. Nothing is kept: what is pending, only the CA knows. To the
CA all transactions are the RA's, so a transactionID that is not made of the client's
key, as RFC 8894 3.2.1.1 wants it, is replaced by one that is.
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
from sceplab.cms.trust import Trust, validate_path
from sceplab.cms.x509 import Certificate
from sceplab.lab import replies
from sceplab.lab.client import ScepClient
from sceplab.lab.clock import Clock, utc_now
from sceplab.lab.dialects import CLIENT_DIALECTS
from sceplab.lab.http import ClientError, text_reply
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
from sceplab.lab.policy import DEFAULT_CAPABILITIES, check_own_key, wants_ra
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
from sceplab.scep.attributes import FailInfo, MessageType, PkiStatus
from sceplab.scep.messagedata import build_issuer_and_subject
from sceplab.scep.transport import CA_RA_CERT, NEXT_CA_CERT, HttpReply, HttpRequest, parse_request


@dataclass(frozen=True, slots=True)
class RaPolicy:
    """Which requests the RA forwards: those with one of the `challenges`, and renewals of a certificate of the CA.

    Without challenges it forwards everything, as an IOS RA with `grant auto` does.
    """

    challenges: tuple[str, ...] = field(default=(), repr=False)
    capabilities: tuple[str, ...] = DEFAULT_CAPABILITIES
    strict: Strictness = Strictness()
    form: ReplyForm = ReplyForm()


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
    ) -> None:
        """Take the RA's certificate, and the client that talks to the CA.

        `decrypter` is a second certificate of the RA to encrypt for, as NDES has;
        some clients (PyScep) work only with two RA certificates.
        """
        self.signer, self.decrypter = signer, decrypter or signer
        self.upstream, self.policy, self.name = upstream, policy, name
        self._now, self._random, self._on_decision = now, random, on_decision

    def answer(self, request: HttpRequest) -> HttpReply:
        """Answer a SCEP request over HTTP (RFC 8894, 4). Never raises on content."""
        asked = parse_request(request)
        try:
            match asked.operation:
                case "GetCACaps":
                    return capabilities_reply(self.policy.capabilities, self.policy.form)
                case "GetCACert":
                    own = dict.fromkeys((self.signer.certificate, self.decrypter.certificate))
                    body = build_degenerate([*own, self.upstream.ca.ca.der])
                    return HttpReply(200, (("Content-Type", CA_RA_CERT),), body)
                case "GetNextCACert":
                    # Signed by the CA, whose certificate clients have: forwarded unchanged.
                    return HttpReply(200, (("Content-Type", NEXT_CA_CERT),), self.upstream.fetch("GetNextCACert"))
                case "PKIOperation":
                    refused = refuse_method(request.method, self.policy.capabilities)
                    if refused is not None:
                        return refused
                    return message_reply(self._respond(asked.message or b""), self.policy.form)
            return text_reply(400, "operation must be GetCACaps, GetCACert, GetNextCACert or PKIOperation")
        except NotAMessageError as error:
            return text_reply(400, str(error))
        except ClientError as error:
            self.upstream.forget()
            return text_reply(502, f"the CA behind this RA: {error}")

    def operate(self, data: bytes) -> bytes:
        """Answer a pkiMessage with a CertRep (RFC 8894, 3). Raises NotAMessageError, and ClientError from the CA."""
        return self._respond(data).message

    def _respond(self, data: bytes) -> Response:
        responder = Responder(
            self.name,
            self.signer,
            (self.decrypter, self.signer),
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
        kind = incoming.attributes.type
        assert kind is not None  # noqa: S101 - judge_request made sure
        ca, signer = self.upstream.ca.ca, incoming.signer
        request = renews = None
        if kind is MessageType.CertPoll:
            replies.check_reachable(signer, None)
            data = build_issuer_and_subject(ca.subject, signer.subject)
        elif kind in {MessageType.PKCSReq, MessageType.RenewalReq}:
            data = opening()
            request = read_csr(data, self.policy.strict)
            steps.append(f"asks for {request.subject}")
            replies.check_reachable(signer, request.challenge_password)
            if self._vouch(incoming, request, steps):
                renews = signer
            # To the CA the requester is the RA, not the client that renews.
            kind = MessageType.PKCSReq
        else:
            replies.check_reachable(signer, None)
            data = read_lookup(opening(), ca.subject).raw
        steps.append(f"to the CA as {kind.name}, signed by {self.signer.parsed.subject}")
        result = self.upstream.operate(kind, data, self.signer, _transaction_at_ca(incoming), request, renews=renews)
        steps.append(f"the CA says {result}")
        return _passed_on(result), request.challenge_password if request is not None else None

    def _vouch(self, incoming: SignedRequest, request: CertificationRequest, steps: list[str]) -> bool:
        """Return whether a request is a renewal. Raises Refused for one that this RA does not pass on."""
        signer, challenges = incoming.signer, self.policy.challenges
        if wants_ra(request):
            raise Refused(
                FailInfo.badRequest, f"OU={RA_UNIT} would make it an RA: ask the CA itself, where a person decides"
            )
        if same_name(signer.subject, request.subject) and not signer.self_issued and self._holds(signer):
            steps.append("vouched for: renewal with a certificate of the CA")
            return True
        check_own_key(signer, request)
        if not challenges:
            steps.append("vouched for: this RA vouches for everybody")
            return False
        if not is_one_of(request.challenge_password or "", challenges):
            raise Refused(FailInfo.badRequest, "the challengePassword is not one that this RA takes")
        steps.append("vouched for: the challengePassword is right")
        return False

    def _holds(self, certificate: Certificate) -> bool:
        """Whether a certificate was issued by the CA, is valid now, and is not on its current CRL."""
        path = validate_path(certificate, Trust((self.upstream.ca.ca.der,), legacy=True), self._now())
        if not path.valid:
            return False
        crls = self.upstream.get_crl(self.signer, certificate).crls
        return bool(crls) and all(certificate.serial not in crl.revoked for crl in crls)


def _transaction_at_ca(incoming: SignedRequest) -> str:
    """Return the transactionID towards the CA: one that no other client of this RA can name.

    It is the client's own where that is a digest of the key that signs. Another one, as
    in a renewal with a new key, becomes a digest of both; the same for each poll.
    """
    asked, key = incoming.transaction_id, incoming.signer.public_key_info
    if any(dialect.transaction_id(key) == asked for dialect in CLIENT_DIALECTS.values()):
        return asked
    return hashlib.sha256(hashlib.sha256(asked.encode()).digest() + key).hexdigest().upper()


def _passed_on(result: Result) -> Answer:
    """Return the answer of the CA as the answer to the client."""
    if result.status is PkiStatus.SUCCESS:
        return replies.success([c.der for c in result.certificates], [crl.der for crl in result.crls])
    if result.status is PkiStatus.PENDING:
        return replies.PENDING
    return Answer(PkiStatus.FAILURE, None, result.fail_info or FailInfo.badRequest, result.fail_info_text)
