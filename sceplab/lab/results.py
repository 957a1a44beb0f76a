"""Check a server's reply and return its result (RFC 8894, 3.3.2).

Rule: a reply that is not signed by the CA, or that answers another request, is
refused and never used. Nothing is sent from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sceplab.cms import algorithms
from sceplab.cms.csr import CertificationRequest
from sceplab.cms.reason import Reason
from sceplab.cms.trust import Trust, validate_path
from sceplab.cms.verify import CheckName, Outcome
from sceplab.cms.x509 import Certificate, RevocationList, certificate_of
from sceplab.lab.http import ClientError, UntrustedError
from sceplab.lab.identity import Identity
from sceplab.scep.attributes import FailInfo, MessageType, PkiStatus
from sceplab.scep.message import PkiMessage
from sceplab.scep.messagedata import CertsOnly


@dataclass(frozen=True, slots=True)
class Result:
    """A result: SUCCESS with certificates or CRLs, PENDING, or FAILURE with its reason.

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


def check_reply(reply: PkiMessage, sent: PkiMessage, trusted: Sequence[Certificate]) -> None:
    """Raise ClientError for a reply that does not answer `sent`, or that none of `trusted` signed (RFC 8894, 3.2)."""
    if not reply.signed.signer_infos:
        reason = str(reply.problems[0]) if reply.problems else "nobody signed it"
        raise ClientError(f"the reply is not a SCEP message: {reason}")
    for name in (CheckName.STRUCTURE, CheckName.SIGNER, CheckName.DIGEST, CheckName.SIGNATURE):
        check = reply.verification[name]
        if check.outcome is not Outcome.PASSED and check.reason is not Reason.TRAILING:
            raise ClientError(f"the reply cannot be trusted: {check}")
    signer = reply.verification.signer
    if signer is None or signer.der not in {c.der for c in trusted}:
        # Not just any certificate of this CA: every device has one of those.
        raise UntrustedError(f"the reply is signed by {signer}, which is not among the certificates of GetCACert")
    mine, theirs = sent.attributes, reply.attributes
    if theirs.type is not MessageType.CertRep:
        raise ClientError(f"the reply has messageType {theirs.message_type}, not 3 (CertRep)")
    if theirs.transaction_id != mine.transaction_id:
        raise ClientError(f"the reply is for transaction {theirs.transaction_id}, not {mine.transaction_id}")
    if theirs.recipient_nonce != mine.sender_nonce:
        raise ClientError("the reply's recipientNonce is not the senderNonce of the request: it may be a replay")
    if theirs.status is None:
        raise ClientError(f"the reply has pkiStatus {theirs.pki_status}")


def weaknesses(reply: PkiMessage) -> list[str]:
    """Return the weak algorithms of a reply, one sentence each."""
    info, enveloped = reply.signed.signer_info, reply.enveloped
    digest = algorithms.DIGESTS_BY_OID.get(info.digest_algorithm.oid) if info is not None else None
    cipher = enveloped.cipher if enveloped is not None else None
    return [used.weak for used in (digest, cipher) if used is not None and used.weak]


def _check_issuer(certificate: Certificate, trust: Trust) -> None:
    """Raise ClientError where the CA that was asked did not issue a certificate."""
    # The lab, and others, date certificates back a little: not further than the CA's own.
    starts = [c.not_before for c in (certificate, *map(certificate_of, trust.anchors)) if c.not_before is not None]
    path = validate_path(certificate, trust, max(starts, default=datetime.now(UTC)))
    if not path.valid:
        raise ClientError(f"SUCCESS, but the CA that was asked did not issue {certificate.subject}: {path.detail}")


def _newest(certificates: Iterable[Certificate]) -> Certificate | None:
    """Return the one whose validity begins last: beside it a reply may have the one that was renewed."""
    start = datetime.min.replace(tzinfo=UTC)
    return max(certificates, key=lambda c: c.not_before or start, default=None)


def result_of(
    reply: PkiMessage,
    sent: PkiMessage,
    signer: Identity,
    transaction_id: str,
    csr: CertificationRequest | None,
    trust: Trust,
) -> Result:
    """Return the result in a reply that passed `check_reply`.

    Raises ClientError for a SUCCESS that cannot be opened, or that has no certificate for the key of `csr` that leads
    to the CA (`trust`).
    """
    attributes = reply.attributes
    certificates: tuple[Certificate, ...] = ()
    crls: tuple[RevocationList, ...] = ()
    own = None
    if attributes.status is PkiStatus.SUCCESS:
        data = reply.message_data
        if not isinstance(data, CertsOnly):
            raise ClientError(f"SUCCESS, but the reply cannot be opened: {reply.decrypt_error or 'it is empty'}")
        certificates, crls = data.certificates, data.crls
        own = _newest(c for c in certificates if csr is not None and c.public_key_info == csr.public_key_info)
        if csr is not None and own is None:
            raise ClientError("SUCCESS, but no certificate for the key of the request is in it (RFC 8894, 3.3.2.1)")
        if own is not None:
            _check_issuer(own, trust)
        own = own or next(iter(certificates), None)
    assert attributes.status is not None  # noqa: S101 - check_reply made sure
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
