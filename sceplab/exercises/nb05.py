"""Exercises of 05-read-the-reply."""

from __future__ import annotations

from sceplab.cms.csr import CertificationRequest
from sceplab.exercises import Exercise
from sceplab.scep.attributes import PkiStatus
from sceplab.scep.message import PkiMessage
from sceplab.scep.messagedata import CertsOnly


def exercises(reply: PkiMessage, csr: CertificationRequest, refusal: PkiMessage) -> tuple[Exercise, ...]:
    """Return them for an opened SUCCESS, the request it answers, and a FAILURE."""
    if not isinstance(reply.message_data, CertsOnly):
        raise TypeError("these exercises need a CertRep that was opened")
    certificates = reply.message_data.certificates
    (issued,) = (c for c in certificates if c.public_key_info == csr.public_key_info)
    return (
        Exercise(
            "What is the serial number of the certificate that R3 got (as an int)?",
            issued.serial_number,
            "issued.serial_number",
            ("It is the certificate with the request's key.", "Unfold tbsCertificate above."),
            {f"that is the certificate of {c.subject}.": c.serial_number for c in certificates if c is not issued},
        ),
        Exercise(
            "What does the refusal's failInfo say, as a sceplab.FailInfo?",
            refusal.attributes.failure,
            "refusal.attributes.failure",
            ("The table of the foreign capture shows it.", "sceplab.FailInfo has a member for each value."),
            {
                "that is the pkiStatus.": PkiStatus.FAILURE,
                "that is the text that was sent; a member of the enum is asked for.": refusal.attributes.fail_info,
            },
        ),
    )
