"""Exercises of 04-read-the-request."""

from __future__ import annotations

import hashlib

from sceplab.cms.csr import CertificationRequest
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
            ("The cell above does it with MD5.", "sceplab.transaction_id_of takes the digest's name."),
            {
                "upper case was asked for.": digest.lower(),
                "that is the hash of the whole request.": hashlib.sha256(csr.raw).hexdigest().upper(),
                "that is MD5.": hashlib.md5(csr.public_key_info).hexdigest().upper(),
            },
        ),
        Exercise(
            "How many octets of the request does R3's own signature cover?",
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
        ),
    )
