"""Exercises of 04-read-the-request."""

from __future__ import annotations

import hashlib

from sceplab.cms.csr import CertificationRequest, parse_csr, verify_csr
from sceplab.cms.verify import Outcome
from sceplab.exercises import Exercise


def exercises(csr: CertificationRequest) -> tuple[Exercise, ...]:
    """Return them for a request with a challengePassword."""
    digest = hashlib.sha256(csr.public_key_info).hexdigest().upper()
    return (
        Exercise(
            "strongSwan takes SHA-1 and others SHA-256 for the transactionID. "
            "What would it be with SHA-256 over the SubjectPublicKeyInfo (upper-case hex)?",
            digest,
            "hashlib.sha256(csr.public_key_info).hexdigest().upper()",
            ("The cell above does it with three hashes.", "sceplab.transaction_id_of takes the digest's name."),
            {
                "upper case was asked for.": digest.lower(),
                "that is the hash of the whole request.": hashlib.sha256(csr.raw).hexdigest().upper(),
                "that is MD5.": hashlib.md5(csr.public_key_info).hexdigest().upper(),
            },
            why="The same key gives the same transactionID again.",
        ),
        Exercise(
            "How many bytes of the request does the request's own signature cover?",
            len(csr.info_raw),
            "len(csr.info_raw)",
            (
                "A signature cannot cover itself.",
                "It covers the certificationRequestInfo, with its tag and length.",
            ),
            {
                "that is the whole request, with the signature.": len(csr.raw),
                "nearly: the tag and the length of certificationRequestInfo count too.": len(csr.info_raw) - 4,
            },
            why="The signature covers certificationRequestInfo, and cannot cover itself.",
        ),
        Exercise(
            "Make a key and a PKCS#10 request (DER bytes) for the subject CN=me whose signature holds.",
            _judge,
            "from cryptography.hazmat.primitives.asymmetric import rsa; "
            "own_key = rsa.generate_private_key(public_exponent=65537, key_size=2048); "
            'sceplab.build_csr(sceplab.parse_subject("CN=me"), own_key)',
            (
                "rsa is in cryptography.hazmat.primitives.asymmetric.",
                "sceplab.build_csr takes a name and a private key; sceplab.parse_subject makes a name of text.",
            ),
            why="Whoever builds a request signs it with its own key: that is the proof of possession.",
        ),
    )


def _judge(answer: object) -> str:
    if not isinstance(answer, bytes | bytearray):
        return f"give the request as DER bytes, not {type(answer).__name__}."
    made = parse_csr(bytes(answer))
    if str(made.subject) != "CN=me":
        return f"its subject is {str(made.subject)[:80] or 'empty'}."
    check = verify_csr(made)
    return "" if check.outcome is Outcome.PASSED else f"{check.name}: {check.outcome.value}."
