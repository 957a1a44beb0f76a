"""Exercises of 06-build-it-backwards."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.asymmetric import rsa

from sceplab.cms.keytransport import KeyTransRecipient, transport_randomness
from sceplab.exercises import Exercise
from sceplab.scep.message import PkiMessage
from sceplab.scep.messagedata import build_issuer_and_subject


def exercises(captured: PkiMessage, ca_key: rsa.RSAPrivateKey) -> tuple[Exercise, ...]:
    """Return them for an opened request and the key that opens it."""
    opened, csr, signer = captured.opened, captured.csr, captured.verification.signer
    if opened is None or csr is None or signer is None or not isinstance(opened.recipient, KeyTransRecipient):
        raise ValueError("these exercises need a request that was opened with an RSA key")
    content = captured.signed.content or b""
    filling = len(transport_randomness(opened.recipient, ca_key))
    poll = build_issuer_and_subject(signer.issuer, csr.subject)
    return (
        Exercise(
            "Around the content key there is random padding (PKCS#1 v1.5). How many random bytes are in the block?",
            filling,
            "256 - 3 - 16  # 00 02 ... 00 around it, and the key",
            ("The block is as long as the RSA key.", "00 02 <random> 00 <content key>"),
            {
                "two bytes before, and one between padding and key, are fixed.": filling + 3,
                "that is the whole block.": ca_key.key_size // 8,
            },
        ),
        Exercise(
            "Which bytes must the messageDigest attribute of the captured message hold?",
            hashlib.sha256(content).digest(),
            "hashlib.sha256(captured.signed.content).digest()",
            ("It is a SHA-256 over the content of the signedData.", "captured.signed.content"),
            {
                "that is the hash of the request inside; the signature knows only the envelope.": hashlib.sha256(
                    opened.plaintext
                ).digest(),
                "that is the hash of the whole message.": hashlib.sha256(captured.raw).digest(),
                "bytes were asked for, not hex.": hashlib.sha256(content).hexdigest(),
            },
        ),
        Exercise(
            "Had R1 answered PENDING, R2 would ask again with a CertPoll. Build its messageData, an IssuerAndSubject "
            "(RFC 8894 3.3.3): the CA's name, and the subject of R3's request.",
            poll,
            "sceplab.build_issuer_and_subject(sceplab.parse_certificate(ca).subject, captured.csr.subject)",
            (
                "IssuerAndSubject ::= SEQUENCE { issuer Name, subject Name }",
                "sceplab has a function for it.",
            ),
            {
                "the other way round: issuer first.": build_issuer_and_subject(csr.subject, signer.issuer),
                "the subject is that of the request, not of the RA.": build_issuer_and_subject(
                    signer.issuer, signer.subject
                ),
            },
        ),
    )
