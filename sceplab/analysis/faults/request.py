"""Faults of the certificate request in a message, and of its signer (RFC 8894, 2.3 to 2.5; RFC 2986).

Rule: only a request that was decrypted and read without problems is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cryptography.hazmat.primitives.asymmetric import rsa

from sceplab.analysis.faults import strength
from sceplab.analysis.faults.model import Fault, Hit, Level, Likelihood
from sceplab.cms.csr import CertificationRequest
from sceplab.cms.name import Name
from sceplab.cms.verify import Outcome
from sceplab.cms.x509 import Certificate
from sceplab.scep.attributes import MessageType
from sceplab.scep.message import PkiMessage

SUBJECT = Fault(
    "subject",
    "The request has no subject.",
    "Put a subject into the CSR.",
    section="RFC 8894, 3.3.1",
    level=Level.MUST,
    rule="the request has a subject",
    explains=Likelihood.POSSIBLE,
)
POSSESSION = Fault(
    "possession",
    "The CSR is not signed with its own key.",
    "Whoever changes a CSR must have its requester sign it again.",
    section="RFC 2986, 3",
    level=Level.MUST,
    rule="the request is signed with its own key",
    explains=Likelihood.CERTAIN,
)


def _itself(message: PkiMessage, csr: CertificationRequest) -> Iterator[Hit]:
    if not csr.subject.rdns:
        yield Hit(SUBJECT, "it is empty")
    proof = message.proof_of_possession
    if proof is not None and proof.outcome is Outcome.FAILED:
        yield Hit(POSSESSION, proof.detail)


RENEWAL_CHALLENGE = Fault(
    "renewal-challenge",
    "A RenewalReq has a challengePassword.",
    "Leave it out of renewals, unless this CA asks for it.",
    section="RFC 8894, 2.4",
    level=Level.SHOULD,
    rule="a RenewalReq has no challengePassword",
    seen="step-ca asks",
)
RENEWAL_SIGNER = Fault(
    "renewal-signer",
    "A RenewalReq is signed with a self-signed certificate.",
    "Sign it with the certificate that is to be renewed, or send a PKCSReq.",
    section="RFC 8894, 2.3",
    level=Level.MUST,
    rule="a RenewalReq is signed with the old certificate",
    explains=Likelihood.CERTAIN,
)
RENEWAL_KEY = Fault(
    "renewal-key",
    "A renewal asks for the key that the old certificate has.",
    "Make a new key pair.",
    section="RFC 8894, 2.5",
    level=Level.SHOULD,
    rule="renewal is for a new key",
    seen="Apple, many MDMs",
)


def _renewal(message: PkiMessage, csr: CertificationRequest) -> Iterator[Hit]:
    signer = message.verification.signer
    if signer is None or message.type is not MessageType.RenewalReq:
        return
    if csr.challenge_password is not None:
        yield Hit(RENEWAL_CHALLENGE, "there is one")
    if signer.public_key_info == csr.public_key_info:
        yield Hit(RENEWAL_KEY, "the key is the old one")


CHALLENGE = Fault(
    "challenge",
    "A first request has no challengePassword.",
    "Get one from the CA's operator, where the CA wants one.",
    section="RFC 8894, 2.4",
    level=Level.INFO,
    rule="a first request has a challengePassword",
)
SELF_SIGNED_SUBJECT = Fault(
    "self-signed-subject",
    "The self-signed certificate has another subject than the request.",
    "Use the same subject in both: some CAs (OpenXPKI, XiPKI) compare.",
    section="RFC 8894, 2.3",
    level=Level.SHOULD,
    rule="the self-signed certificate has the CSR's subject",
    seen="Cisco IOS",
    explains=Likelihood.POSSIBLE,
)
SELF_SIGNED_KEY = Fault(
    "self-signed-key",
    "The self-signed certificate has another key than the request.",
    "Sign with the key that is to be certified: some CAs compare.",
    section="RFC 8894, 2.3",
    level=Level.SHOULD,
    rule="the self-signed certificate has the CSR's key",
    seen="Apple",
    explains=Likelihood.LIKELY,
)


def _first_request(message: PkiMessage, csr: CertificationRequest) -> Iterator[Hit]:
    signer = message.verification.signer
    if signer is None or not signer.self_issued or message.type is MessageType.RenewalReq:
        return
    if not csr.challenge_password:
        yield Hit(CHALLENGE, "there is none, and the signer is self-signed")
    if _said(signer.subject) != _said(csr.subject):
        yield Hit(SELF_SIGNED_SUBJECT, f"{signer.subject} signs for {csr.subject}")
    if signer.public_key_info != csr.public_key_info:
        yield Hit(SELF_SIGNED_KEY, "the keys are not the same")


def _said(name: Name) -> list[set[tuple[str, str]]]:
    """Return a name without string types: RFC 5280 7.1 compares values without regard to case and type."""
    return [{(a.oid, " ".join(a.value.split()).casefold()) for a in rdn} for rdn in name.rdns]


SIGNER_USAGE = Fault(
    "signer-usage",
    "The signer's certificate lacks a keyUsage that SCEP needs.",
    "Set digitalSignature and keyEncipherment.",
    section="RFC 8894, 2.3",
    level=Level.MUST,
    rule="the signer may sign and receive keys",
    explains=Likelihood.POSSIBLE,
)


def _signer_usage(message: PkiMessage, _csr: CertificationRequest) -> Iterator[Hit]:
    signer = message.verification.signer
    missing = _lacking_usage(signer) if signer is not None else ""
    if signer is not None and missing and isinstance(_key(signer), rsa.RSAPublicKey):
        yield Hit(SIGNER_USAGE, f"{signer.subject} lacks {missing}")


def _key(certificate: Certificate) -> object:
    try:
        return certificate.public_key()
    except ValueError:
        return None


def _lacking_usage(certificate: Certificate) -> str:
    """Return the keyUsage bits that SCEP needs and the certificate lacks ("" if none, or without keyUsage)."""
    usage = certificate.key_usage
    if usage is None:
        return ""
    return " and ".join(bit for bit in ("digitalSignature", "keyEncipherment") if bit not in usage)


_FINDERS: tuple[Callable[[PkiMessage, CertificationRequest], Iterator[Hit]], ...] = (
    *(_itself, strength.request_key, _renewal, _first_request, _signer_usage),
)


def request(message: PkiMessage) -> Iterator[Hit]:
    """Yield faults of the certificate request of a message, or of its signer's certificate."""
    data, signer = message.message_data, message.verification.signer
    # Everybody can see this one, also without the key that opens the envelope.
    if message.type is MessageType.RenewalReq and signer is not None and signer.self_issued:
        yield Hit(RENEWAL_SIGNER, f"signed by the self-signed {signer.subject}")
    if isinstance(data, CertificationRequest) and not data.problems:
        for finder in _FINDERS:
            yield from finder(message, data)


FAULTS = (
    *(SUBJECT, POSSESSION, CHALLENGE, RENEWAL_CHALLENGE, SELF_SIGNED_SUBJECT, SELF_SIGNED_KEY),
    *(SIGNER_USAGE, RENEWAL_SIGNER, RENEWAL_KEY),
)
