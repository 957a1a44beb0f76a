"""The RA (R2): takes requests of clients, and asks the CA in its own name (RFC 8894, 1 and appendix A).

Rule: policy, and nothing of sockets, as in `ca`. What a client sends is encrypted
for the RA; it is opened, judged, encrypted anew for the CA and signed with the
RA's certificate, which makes the CA grant it. The request inside stays the
client's, octet for octet, and so does the transactionID. Nothing is kept: what is
pending is the CA's to know.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from sceplab.cms.cipher import RandomBytes
from sceplab.cms.csr import CertificationRequest
from sceplab.cms.signed import build_degenerate
from sceplab.cms.trust import Trust, validate_path
from sceplab.cms.x509 import Certificate
from sceplab.lab import replies
from sceplab.lab.ca import DEFAULT_CAPABILITIES, Clock, utc_now
from sceplab.lab.client import ClientError, Result, ScepClient
from sceplab.lab.identity import Identity
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
from sceplab.scep.attributes import FailInfo, MessageType, PkiStatus
from sceplab.scep.capabilities import build_caps
from sceplab.scep.messagedata import build_issuer_and_subject
from sceplab.scep.transport import CA_RA_CERT, NEXT_CA_CERT, HttpReply, HttpRequest, parse_request


@dataclass(frozen=True, slots=True)
class RaPolicy:
    """Whom this RA vouches for: who knows one of the `challenges`, or holds a certificate of the CA to renew.

    Without challenges it vouches for everybody, as an IOS RA with `grant auto` does.
    """

    challenges: tuple[str, ...] = field(default=(), repr=False)
    capabilities: tuple[str, ...] = DEFAULT_CAPABILITIES
    strict: Strictness = Strictness()
    form: ReplyForm = ReplyForm()


class RegistrationAuthority:
    """An RA in front of a CA. All of it may be called from several threads."""

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
        some clients (PyScep) find their way with two RA certificates only.
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
                    return HttpReply(200, (("Content-Type", "text/plain"),), build_caps(self.policy.capabilities))
                case "GetCACert":
                    own = dict.fromkeys((self.signer.certificate, self.decrypter.certificate))
                    body = build_degenerate([*own, self.upstream.ca.ca.der])
                    return HttpReply(200, (("Content-Type", CA_RA_CERT),), body)
                case "GetNextCACert":
                    # Signed by the CA, whom clients know: it goes on as it is.
                    return HttpReply(200, (("Content-Type", NEXT_CA_CERT),), self.upstream.fetch("GetNextCACert"))
                case "PKIOperation":
                    refused = replies.refuse_method(request.method, self.policy.capabilities)
                    if refused is not None:
                        return refused
                    return replies.http_reply(self.operate(asked.message or b""), self.policy.form.faults)
            return text_reply(400, "operation must be GetCACaps, GetCACert, GetNextCACert or PKIOperation")
        except NotAMessageError as error:
            return text_reply(400, str(error))
        except ClientError as error:
            self.upstream.forget()
            return text_reply(502, f"the CA behind this RA: {error}")

    def operate(self, data: bytes) -> bytes:
        """Answer a pkiMessage with a CertRep (RFC 8894, 3). Raises NotAMessageError, and ClientError from the CA."""
        desk = Desk(
            self.name,
            self.signer,
            (self.decrypter, self.signer),
            self.policy.strict,
            self.policy.form,
            self.policy.challenges,
            self._random,
            self._on_decision,
        )
        return replies.respond(data, desk, self._now(), self._decide)

    def _decide(self, incoming: Incoming, opening: Callable[[], bytes], steps: list[str]) -> tuple[Answer, str | None]:
        kind = incoming.attributes.type
        assert kind is not None  # noqa: S101 - judge_request saw to it
        ca, signer = self.upstream.ca.ca, incoming.signer
        request = None
        if kind is MessageType.CertPoll:
            data = build_issuer_and_subject(ca.subject, signer.subject)
        elif kind in {MessageType.PKCSReq, MessageType.RenewalReq}:
            data = opening()
            request = replies.read_csr(data, self.policy.strict)
            steps.append(f"asks for {request.subject}")
            replies.check_reachable(signer, request.challenge_password)
            self._vouch(incoming, request, steps)
            # To the CA it is the RA that asks, not who renews.
            kind = MessageType.PKCSReq
        else:
            replies.check_reachable(signer, None)
            data = replies.read_lookup(opening(), ca.subject).raw
        steps.append(f"to the CA as {kind.name}, signed by {self.signer.parsed.subject}")
        result = self.upstream.operate(kind, data, self.signer, incoming.transaction_id, request)
        steps.append(f"the CA says {result}")
        if kind is MessageType.CertPoll and not all(_is_for(c, signer) for c in result.certificates[:1]):
            # Many clients' transactions are one RA's at the CA: theirs must not be mixed up.
            raise Refused(FailInfo.badCertId, "the transaction is another one's (RFC 8894, 4.4)")
        return _passed_on(result), request.challenge_password if request is not None else None

    def _vouch(self, incoming: Incoming, request: CertificationRequest, steps: list[str]) -> None:
        """Raise Refused for a request that this RA does not vouch for."""
        challenges = self.policy.challenges
        if not challenges:
            steps.append("vouched for: this RA vouches for everybody")
            return
        signer = incoming.signer
        if signer.subject.raw == request.subject.raw and not signer.self_issued and self._holds(signer):
            steps.append("vouched for: renewal with a certificate of the CA")
            return
        if not replies.is_one_of(request.challenge_password or "", challenges):
            raise Refused(FailInfo.badRequest, "the challengePassword is not one that this RA takes")
        steps.append("vouched for: the challengePassword is right")

    def _holds(self, certificate: Certificate) -> bool:
        """Whether a certificate is the CA's, valid now, and not on its CRL of this moment."""
        path = validate_path(certificate, Trust((self.upstream.ca.ca.der,), legacy=True), self._now())
        if not path.valid:
            return False
        crls = self.upstream.get_crl(self.signer, certificate).crls
        return bool(crls) and all(certificate.serial not in crl.revoked for crl in crls)


def _is_for(certificate: Certificate, signer: Certificate) -> bool:
    """Whether a certificate may be what this signer polls for: his key, or his subject where he renews."""
    return signer.public_key_info == certificate.public_key_info or signer.subject.raw == certificate.subject.raw


def _passed_on(result: Result) -> Answer:
    """Return what the CA said as an answer to the client."""
    if result.status is PkiStatus.SUCCESS:
        return replies.success([c.der for c in result.certificates], [crl.der for crl in result.crls])
    if result.status is PkiStatus.PENDING:
        return replies.PENDING
    return Answer(PkiStatus.FAILURE, None, result.fail_info or FailInfo.badRequest, result.fail_info_text)
