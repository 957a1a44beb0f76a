"""Write the CertRep that answers a request: the same for CA and RA (RFC 8894, 3.3.2).

Rule: no state and no policy; the answer was decided before. Faults change the plan
of a reply or its bytes; none is mentioned here by name.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import rsa

from sceplab.asn1 import der, oids
from sceplab.cms import algorithms
from sceplab.cms.algorithms import AlgorithmIdentifier
from sceplab.cms.attribute import Attribute
from sceplab.cms.cipher import RandomBytes
from sceplab.cms.sign import SignedDraft, build_signed
from sceplab.cms.signature import signature_algorithm_for
from sceplab.cms.signed import build_degenerate
from sceplab.cms.x509 import Certificate, build_identifier
from sceplab.lab.faults import Fault, ReplyPlan
from sceplab.lab.identity import Identity
from sceplab.lab.opening import DEFAULT_CIPHER, Asked, Refused
from sceplab.scep.attributes import FailInfo, MessageType, PkiStatus, ScepAttributes
from sceplab.scep.draft import draft_message
from sceplab.scep.message import encode_message


@dataclass(frozen=True, slots=True)
class Answer:
    """The content of a CertRep. `payload` is the degenerate SignedData of a SUCCESS; `held` as in `Refused`."""

    status: PkiStatus
    payload: bytes | None = field(default=None, repr=False)
    fail_info: FailInfo | None = None
    text: str = ""
    held: bool = False


def success(certificates: Sequence[bytes] = (), crls: Sequence[bytes] = ()) -> Answer:
    """Return the SUCCESS with certificates or CRLs, all DER (RFC 8894, 3.3.2.1)."""
    return Answer(PkiStatus.SUCCESS, build_degenerate(certificates, crls))


PENDING = Answer(PkiStatus.PENDING)


def failure(refused: Refused) -> Answer:
    """Return the FAILURE with the reason of a refusal (RFC 8894, 3.3.2.2)."""
    return Answer(PkiStatus.FAILURE, None, refused.fail_info, refused.text, refused.held)


@dataclass(frozen=True, slots=True)
class ReplyForm:
    """How replies are written; every known client reads the default.

    `empty_content` sends an empty OCTET STRING where RFC 8894 3.3.2.2 has no
    content at all, because certmonger and PyScep fail if there is none.
    """

    empty_content: bool = True
    faults: tuple[Fault, ...] = ()


# A failInfoText is for people; longer ones are cut.
_MAX_TEXT = 400


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
    that the client can read it. The recipient is the signer of the request; one
    with an EC key needs the `password` (challengePassword). Raises Refused when
    the reply cannot be encrypted for the recipient.
    """
    if answer.payload is not None and recipient is not None:
        check_reachable(recipient, password)
    to = recipient.der if recipient is not None and receives(recipient) else None
    plan = _plan(answer, asked, signer, to, cipher, random)
    for fault in form.faults:
        plan = fault.plan(plan)
    made = encode_message(
        draft_message(
            plan.attributes,
            plan.payload,
            signer_certificate=plan.signer.certificate,
            recipients=[plan.recipient] if plan.recipient is not None else [],
            password=password.encode() if password is not None and plan.recipient is None else None,
            digest=plan.digest,
            cipher=plan.cipher,
            signature_scheme=plan.signature_scheme,
            certificates=plan.certificates,
            empty_content=form.empty_content,
            random=random,
        ),
        plan.signer.key,
    )
    for fault in form.faults:
        made = fault.message(made)
    return made


def _plan(
    answer: Answer, asked: Asked, signer: Identity, recipient: bytes | None, cipher: str, random: RandomBytes
) -> ReplyPlan:
    """Return the plan of a server without faults."""
    signed, attributes = asked
    info = signed.signer_info
    digest = info.digest_algorithm.name if info is not None else ""
    reply = ScepAttributes(
        message_type=str(int(MessageType.CertRep)),
        transaction_id=attributes.transaction_id,
        sender_nonce=random(16),
        recipient_nonce=attributes.sender_nonce,
        pki_status=str(int(answer.status)),
        fail_info=str(int(answer.fail_info)) if answer.fail_info is not None else None,
        fail_info_text=answer.text[:_MAX_TEXT] or None,
    )
    usable = digest in algorithms.DIGESTS and digest != "md5"
    return ReplyPlan(reply, answer.payload, signer, recipient, digest if usable else "sha256", cipher)


def receives(certificate: Certificate) -> bool:
    """Whether a reply can be encrypted for this certificate: it has an RSA key."""
    return isinstance(certificate.public_key(), rsa.RSAPublicKey)


def check_reachable(signer: Certificate, password: str | None) -> None:
    """Raise Refused when no reply can be encrypted for this signer; called before anything is granted."""
    if not receives(signer) and password is None:
        reason = "an EC key cannot receive an encrypted reply without a challengePassword (RFC 8894, 3.1)"
        raise Refused(FailInfo.badRequest, reason)


def vouch(content: bytes, signer: Identity) -> bytes:
    """Return a SignedData (DER) around `content` without SCEP attributes, for GetNextCACert (RFC 8894, 4.7.1)."""
    certificate = signer.parsed
    draft = SignedDraft(
        build_identifier(certificate),
        (signer.certificate,),
        (Attribute(oids.CONTENT_TYPE, ()), Attribute(oids.MESSAGE_DIGEST, ())),
        AlgorithmIdentifier(algorithms.DIGESTS["sha256"].oid, der.NULL_ELEMENT),
        signature_algorithm_for(signer.key.public_key(), "sha256"),
    )
    return build_signed(draft, content, signer.key)
