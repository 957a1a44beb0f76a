"""The certificate request in a message, and its signer (RFC 8894, 2.3 to 2.5; RFC 2986).

Rule: only a request that was decrypted and read without problems is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cryptography.hazmat.primitives.asymmetric import rsa

from sceplab.analysis.faults import strength
from sceplab.analysis.faults.model import Hit, Level, Rule
from sceplab.cms.csr import CertificationRequest
from sceplab.cms.name import Name
from sceplab.cms.verify import Outcome
from sceplab.cms.x509 import Certificate
from sceplab.scep.attributes import MessageType
from sceplab.scep.message import PkiMessage

SUBJECT = Rule("subject", "RFC 8894, 3.3.1", Level.MUST, "the request has a subject", "Name who asks.")
POSSESSION = Rule(
    "possession", "RFC 2986, 3", Level.MUST, "the request is signed with its own key", "Sign it anew after any change."
)


def _itself(message: PkiMessage, csr: CertificationRequest) -> Iterator[Hit]:
    if not csr.subject.rdns:
        yield Hit(SUBJECT, "it is empty")
    proof = message.proof_of_possession
    if proof is not None and proof.outcome is Outcome.FAILED:
        yield Hit(POSSESSION, proof.detail)


RENEWAL_CHALLENGE = Rule(
    "renewal-challenge",
    "RFC 8894, 2.4",
    Level.SHOULD,
    "a RenewalReq has no challengePassword",
    "Leave it out.",
    "step-ca asks",
)
RENEWAL_SIGNER = Rule(
    "renewal-signer",
    "RFC 8894, 2.3",
    Level.MUST,
    "a RenewalReq is signed with the old certificate",
    "Do not self-sign.",
)
RENEWAL_KEY = Rule(
    "renewal-key", "RFC 8894, 2.5", Level.SHOULD, "renewal is for a new key", "Make a new key pair.", "Apple, many MDMs"
)


def _renewal(message: PkiMessage, csr: CertificationRequest) -> Iterator[Hit]:
    signer = message.verification.signer
    if signer is None or message.type is not MessageType.RenewalReq:
        return
    if csr.challenge_password is not None:
        yield Hit(RENEWAL_CHALLENGE, "there is one")
    if signer.self_issued:
        yield Hit(RENEWAL_SIGNER, f"signed by the self-signed {signer.subject}")
    if signer.public_key_info == csr.public_key_info:
        yield Hit(RENEWAL_KEY, "the key is the old one")


CHALLENGE = Rule(
    "challenge",
    "RFC 8894, 2.4",
    Level.INFO,
    "a first request has a challengePassword",
    "Ask the CA's operator for one.",
)
SELF_SIGNED_SUBJECT = Rule(
    "self-signed-subject",
    "RFC 8894, 2.3",
    Level.SHOULD,
    "the self-signed certificate has the CSR's subject",
    "",
    "Cisco IOS",
)
SELF_SIGNED_KEY = Rule(
    "self-signed-key", "RFC 8894, 2.3", Level.SHOULD, "the self-signed certificate has the CSR's key", "", "Apple"
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
    """Return a name without its string types: RFC 5280 7.1 compares values, whatever case and type."""
    return [{(a.oid, " ".join(a.value.split()).casefold()) for a in rdn} for rdn in name.rdns]


SIGNER_USAGE = Rule(
    "signer-usage", "RFC 8894, 2.3", Level.MUST, "the signer may sign and receive keys", "Set both keyUsage bits."
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
    """Return which keyUsage bits SCEP needs and the certificate lacks ("" where it has them, or says nothing)."""
    usage = certificate.key_usage
    if usage is None:
        return ""
    return " and ".join(bit for bit in ("digitalSignature", "keyEncipherment") if bit not in usage)


_FINDERS: tuple[Callable[[PkiMessage, CertificationRequest], Iterator[Hit]], ...] = (
    *(_itself, strength.request_key, _renewal, _first_request, _signer_usage),
)


def request(message: PkiMessage) -> Iterator[Hit]:
    """Yield what is wrong with the certificate request of a message, or with its signer's certificate."""
    data = message.message_data
    if isinstance(data, CertificationRequest) and not data.problems:
        for finder in _FINDERS:
            yield from finder(message, data)


RULES = (
    *(SUBJECT, POSSESSION, CHALLENGE, RENEWAL_CHALLENGE, SELF_SIGNED_SUBJECT, SELF_SIGNED_KEY),
    *(SIGNER_USAGE, RENEWAL_SIGNER, RENEWAL_KEY),
)
