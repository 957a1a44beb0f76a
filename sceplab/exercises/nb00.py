"""Exercises of 00-start-here."""

from __future__ import annotations

from sceplab.asn1 import oids
from sceplab.exercises import Exercise
from sceplab.scep.message import PkiMessage


def exercises(message: PkiMessage) -> tuple[Exercise, ...]:
    """Return them for a request that is signed and could be opened."""
    signer, opened = message.verification.signer, message.opened
    if signer is None or opened is None or not message.signed.content:
        raise ValueError("these exercises need a message with its signer's certificate, opened")
    return (
        Exercise(
            "The onion: how many bytes does the outer layer add around the pkcsPKIEnvelope?",
            len(message.raw) - len(message.signed.content),
            "len(message.raw) - len(message.signed.content)",
            (
                "The table above has the sizes of all layers.",
                "Take the size of the second layer from that of the first.",
            ),
            {
                "that is the size of the whole message.": len(message.raw),
                "that is the size of the envelope itself.": len(message.signed.content),
                "that is what the inner two layers add.": len(message.signed.content) - len(opened.plaintext),
            },
        ),
        Exercise(
            "What is the unstructuredName in the subject of the signer's certificate (as a str)?",
            signer.subject.get(oids.UNSTRUCTURED_NAME),
            "message.verification.signer.subject.get(sceplab.asn1.oids.UNSTRUCTURED_NAME)",
            (
                "Unfold certificates, certificate, tbsCertificate, subject in the tree.",
                "print(message.verification.signer.subject) shows the whole name.",
            ),
            {
                "that is who wants the certificate, not who signed the message.": message.csr.subject.get(
                    oids.UNSTRUCTURED_NAME
                )
                if message.csr
                else None,
                "that is the whole name; one part of it is asked for.": str(signer.subject),
            },
        ),
    )
