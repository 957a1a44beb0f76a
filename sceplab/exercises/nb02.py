"""Exercises of 02-open-the-signed-data."""

from __future__ import annotations

from sceplab.asn1 import oids
from sceplab.exercises import Exercise
from sceplab.scep.message import PkiMessage


def exercises(message: PkiMessage) -> tuple[Exercise, ...]:
    """Return them for a signed message with its signer's certificate."""
    info, signer = message.signed.signer_info, message.verification.signer
    if info is None or signer is None:
        raise ValueError("these exercises need a message with its signer's certificate")
    nonce = info.attribute(oids.SENDER_NONCE)
    return (
        Exercise(
            "At which offset of the message do the signed attributes begin, that is, their octet a0?",
            message.raw.index(info.signed_attributes_raw),
            "message.index(signed.signer_info.signed_attributes_raw)",
            ("Unfold signerInfos in the tree: each line's octets begin with their offset.", "bytes have .index()"),
            {
                "that is where the first attribute begins, inside the a0.": message.raw.index(
                    info.signed_attributes_raw[3:]
                    if info.signed_attributes_raw[1] == 0x81
                    else info.signed_attributes_raw[4:]
                )
            },
        ),
        Exercise(
            "What is the value of the senderNonce (bytes, without tag and length)?",
            message.attributes.sender_nonce,
            "attributes.sender_nonce",
            ("It is an OCTET STRING: one octet of tag, one of length, then the value.", "attributes has it."),
            {"that still has its tag and length.": nonce.values[0] if nonce and nonce.values else None},
        ),
        Exercise(
            "Which key checks the signature: what is the subject of its certificate, as a str?",
            str(signer.subject),
            "str(verification.signer.subject)",
            ("The signerInfo names issuer and serial number.", "One certificate is in the message."),
            {
                "the CA issued that certificate, but the CA's key did not sign this message.": str(signer.issuer),
            },
        ),
    )
