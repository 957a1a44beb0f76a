"""Faults that a CA of the lab has on request, each for one lesson.

Rule: a fault is one object: its name, what it is, how clients react, and its
effect. A new fault is one entry of `FAULTS`; `replies` and `responder` apply the
effect of each active fault and mention none by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TypeVar

from sceplab.cms.csr import parse_csr
from sceplab.cms.name import parse_subject
from sceplab.cms.pem import build_pem
from sceplab.cms.signed import build_degenerate
from sceplab.errors import InputError
from sceplab.lab.http import text_reply
from sceplab.lab.identity import Identity, issue, make_request, make_root, new_key
from sceplab.scep.attributes import ScepAttributes
from sceplab.scep.capabilities import build_caps
from sceplab.scep.transport import HttpReply

T = TypeVar("T")


def _unchanged(value: T) -> T:
    return value


@dataclass(frozen=True, slots=True)
class ReplyPlan:
    """The content and the format of a CertRep before it is encoded.

    `payload` is the degenerate SignedData of a SUCCESS, `recipient` the certificate
    (DER) it is encrypted for, `digest` and `cipher` are names in `algorithms`.
    `certificates` None carries the signer's certificate.
    """

    attributes: ScepAttributes
    payload: bytes | None
    signer: Identity
    recipient: bytes | None
    digest: str
    cipher: str
    signature_scheme: str = "rsaEncryption"
    certificates: tuple[bytes, ...] | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: `what` it is, how `clients` were seen to react, and its effect.

    Each effect takes what a server without the fault would send, and returns what
    to send instead: `plan` changes a CertRep before it is written, `message` its DER,
    `capabilities` the reply to GetCACaps, `reply` the reply to PKIOperation.
    `delay` is in seconds, before every reply.
    """

    id: str
    what: str
    clients: str
    plan: Callable[[ReplyPlan], ReplyPlan] = _unchanged
    message: Callable[[bytes], bytes] = _unchanged
    capabilities: Callable[[HttpReply], HttpReply] = _unchanged
    reply: Callable[[HttpReply], HttpReply] = _unchanged
    delay: float = 0


# --------------------------------------------------------------- effects


def _attributes(change: Callable[[ScepAttributes], ScepAttributes]) -> Callable[[ReplyPlan], ReplyPlan]:
    return lambda plan: replace(plan, attributes=change(plan.attributes))


def _another_nonce(attributes: ScepAttributes) -> ScepAttributes:
    nonce = attributes.recipient_nonce
    return replace(attributes, recipient_nonce=bytes(b ^ 0xFF for b in nonce) if nonce is not None else None)


def _nothing_issued(plan: ReplyPlan) -> ReplyPlan:
    return replace(plan, payload=build_degenerate(())) if plan.payload is not None else plan


def _another_recipient(plan: ReplyPlan) -> ReplyPlan:
    return replace(plan, recipient=_stranger().certificate) if plan.recipient is not None else plan


def _last_bit_flipped(message: bytes) -> bytes:
    return message[:-1] + bytes((message[-1] ^ 1,))


def _expired_signer(plan: ReplyPlan) -> ReplyPlan:
    """Sign with another key, whose certificate (issued by the true signer) expired yesterday."""
    now, signer, key = datetime.now(UTC), plan.signer, _stranger().key
    request = parse_csr(make_request(signer.parsed.subject, key))
    certificate = issue(request, signer, 2, now - timedelta(days=30), now - timedelta(days=1))
    return replace(plan, signer=Identity(certificate, key))


@cache
def _stranger() -> Identity:
    """Return a key that no party of the lab has, with a certificate."""
    now = datetime.now(UTC)
    return make_root(parse_subject("CN=nobody"), new_key(), 1, now - timedelta(days=1), now + timedelta(days=1))


# --------------------------------------------------------------- the faults

_FAULTS = (
    Fault(
        "wrong-nonce",
        "recipientNonce is not the request's senderNonce",
        "certmonger and jscep refuse; others accept",
        plan=_attributes(_another_nonce),
    ),
    Fault(
        "no-nonce",
        "recipientNonce is missing",
        "micromdm, sscep, certmonger and jscep refuse",
        plan=_attributes(lambda a: replace(a, recipient_nonce=None)),
    ),
    Fault(
        "wrong-transaction",
        "transactionID is another one",
        "micromdm and PyScep accept; others refuse",
        plan=_attributes(lambda a: replace(a, transaction_id=f"not-{a.transaction_id}")),
    ),
    Fault(
        "no-status",
        "pkiStatus is missing",
        "all but PyScep refuse",
        plan=_attributes(lambda a: replace(a, pki_status=None)),
    ),
    Fault(
        "no-fail-info",
        "a FAILURE does not say why",
        "micromdm, sscep and jscep crash or stop with an error",
        plan=_attributes(lambda a: replace(a, fail_info=None)),
    ),
    Fault(
        "des-reply",
        "the reply is encrypted with single DES",
        "read by old clients; AES-only ones refuse",
        plan=lambda plan: replace(plan, cipher="des-cbc"),
    ),
    Fault(
        "md5-reply",
        "the reply is signed with MD5",
        "micromdm and PyScep refuse",
        plan=lambda plan: replace(plan, digest="md5"),
    ),
    Fault(
        "pss-reply",
        "the reply is signed with RSA-PSS",
        "all but strongSwan 6 refuse",
        plan=lambda plan: replace(plan, signature_scheme="pss"),
    ),
    Fault(
        "no-certificates",
        "the reply does not carry its signer's certificate",
        "all accept: they have it already",
        plan=lambda plan: replace(plan, certificates=()),
    ),
    Fault("nothing-issued", "SUCCESS without a certificate in it", "all stop with an error", plan=_nothing_issued),
    Fault("wrong-recipient", "the reply is encrypted for somebody else", "nobody can open it", plan=_another_recipient),
    Fault("expired-signer", "the reply is signed by a certificate that has expired", "few look", plan=_expired_signer),
    Fault("bad-signature", "the signature does not fit", "all refuse", message=_last_bit_flipped),
    Fault(
        "wrong-content-type",
        "Content-Type is text/html",
        "sscep, certmonger and jscep refuse",
        reply=lambda reply: replace(reply, headers=(("Content-Type", "text/html"),)),
    ),
    Fault(
        "pem-reply",
        "the reply is PEM text",
        "all refuse; sscep crashes",
        reply=lambda reply: replace(reply, body=build_pem("PKCS7", reply.body)),
    ),
    Fault(
        "empty-reply",
        "HTTP 200 with an empty body, as NDES 2012 does",
        "all refuse",
        reply=lambda reply: replace(reply, body=b""),
    ),
    Fault(
        "empty-caps",
        "GetCACaps is empty",
        "strongSwan, PyScep and certmonger stop; jscep falls back to DES and MD5",
        capabilities=lambda reply: replace(reply, body=b""),
    ),
    Fault(
        "caps-not-found",
        "GetCACaps answers 404",
        "as empty-caps",
        capabilities=lambda _: text_reply(404, "no such operation"),
    ),
    Fault(
        "weak-caps",
        "GetCACaps offers nothing newer than 3DES and SHA-1: somebody removed the rest",
        "all obey",
        capabilities=lambda reply: replace(reply, body=build_caps(("DES3", "SHA-1", "POSTPKIOperation"))),
    ),
    Fault(
        "server-error",
        "PKIOperation answers 500",
        "all stop; some try again",
        reply=lambda _: text_reply(500, "this CA was told to fail"),
    ),
    Fault("slow", "every answer takes 3 seconds", "most wait", delay=3),
)
FAULTS = {fault.id: fault for fault in _FAULTS}


def faults_named(*names: str) -> tuple[Fault, ...]:
    """Return the named faults in the order of `FAULTS`, which is the order of their effects. Raises InputError."""
    unknown = set(names) - set(FAULTS)
    if unknown:
        raise InputError(f"{', '.join(sorted(unknown))}: no such fault; there are {', '.join(FAULTS)}")
    return tuple(fault for name, fault in FAULTS.items() if name in names)
