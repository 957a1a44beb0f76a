"""Exercises of 07-enroll-for-real."""

from __future__ import annotations

from collections.abc import Sequence

from sceplab.exercises import Exercise
from sceplab.scep.attributes import MessageType
from sceplab.scep.conversation import DecodedExchange


def exercises(legs: Sequence[DecodedExchange], polling: Sequence[DecodedExchange]) -> tuple[Exercise, ...]:
    """Return them for the two legs of an enrollment through an RA, and for one that waited."""
    outer, inner = (leg.request for leg in legs)
    reply = legs[1].reply
    asked = [d.request for d in polling if d.request is not None]
    polls = [m for m in asked if m.attributes.type is MessageType.CertPoll]
    if outer is None or inner is None or reply is None or inner.opened is None or outer.enveloped is None or not polls:
        raise ValueError("these exercises need both legs, opened, and an enrollment that polled")
    return (
        Exercise(
            "R2 takes R3's message apart and makes a new one. Which bytes of R3's message reach R1 as they were? "
            "Give the longest such piece (bytes).",
            inner.opened.plaintext,
            "legs[1].request.opened.plaintext  # the PKCS#10 request; legs[0].request.csr.raw is the same",
            (
                "Signature and envelope are R2's own on the second leg.",
                "What R3 signed first is inside of both envelopes.",
            ),
            {
                "that is R3's whole message; R1 never sees its signature.": outer.raw,
                "that is R2's whole message.": inner.raw,
                "that is R3's envelope, which only R2 can open.": outer.signed.content,
            },
        ),
        Exercise(
            "R1's CertRep to R2 has a recipientNonce. Which bytes must it hold?",
            inner.attributes.sender_nonce,
            "legs[1].request.attributes.sender_nonce",
            ("It repeats a nonce of the request that it answers.", "R1 answers R2, not R3."),
            {
                "that is R3's; R2 repeats it in its own reply to R3.": outer.attributes.sender_nonce,
                "that is the reply's own senderNonce.": reply.attributes.sender_nonce,
            },
        ),
        Exercise(
            "How many pkiMessages did R7 send in all until it had its certificate (look into `polling`)?",
            len(asked),
            "len([d for d in polling if d.request is not None])",
            ("The first is a PKCSReq; then it polls.", "GetCACaps and GetCACert carry no pkiMessage."),
            {
                "and the request itself.": len(polls),
                "that counts the replies too; R7 sent half of them.": 2 * len(asked),
                "GetCACaps and GetCACert are not pkiMessages.": len(polling),
            },
        ),
    )
