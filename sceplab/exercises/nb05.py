"""Exercises of 05-read-the-reply."""

from __future__ import annotations

from sceplab.exercises import Exercise
from sceplab.scep.attributes import MessageType, PkiStatus
from sceplab.scep.message import PkiMessage, decode_message
from sceplab.walk.story import Story


def exercises(refusal: PkiMessage, specimen: Story) -> tuple[Exercise, ...]:
    """Return them for a FAILURE, and the specimen opened with the CA's key."""

    def reply(answer: object) -> PkiMessage | None:
        if not isinstance(answer, bytes | bytearray):
            return None
        return decode_message(bytes(answer), trust=specimen.trust, at=specimen.at)

    def same_answer(answer: object) -> str:
        made = reply(answer)
        if made is None:
            return "give the message as bytes: what sceplab.encode_message returns."
        if made.type is not MessageType.CertRep:
            return "its messageType is not CertRep."
        if not made.verification.ok:
            return "its signature does not verify with the CA's certificate."
        return _answers(made, specimen.message)

    def forged(answer: object) -> str:
        wrong = same_answer(answer)
        if wrong:
            return wrong
        made = reply(answer)
        if made is None or made.attributes.status is not PkiStatus.FAILURE:
            return "its pkiStatus is not FAILURE."
        return "" if made.attributes.failure is refusal.attributes.failure else "its failInfo is not the refusal's."

    return (
        Exercise(
            "What does the refusal's failInfo say, as a sceplab.FailInfo?",
            refusal.attributes.failure,
            "refusal.attributes.failure",
            ("The table of the capture shows it.", "sceplab.FailInfo has a member for each value."),
            {
                "that is the pkiStatus.": PkiStatus.FAILURE,
                "that is the text that was sent; a member of the enum is asked for.": refusal.attributes.fail_info,
            },
            why="The text that was sent is a number; the enum has its name.",
        ),
        Exercise(
            "Make a PENDING with a senderNonce of your own that answers the specimen's request. Give the bytes.",
            same_answer,
            _code("PENDING"),
            ("Copy the cell above.", "Only sender_nonce may differ; it has 16 bytes."),
            why="transactionID and recipientNonce tie it to the request; the senderNonce is free.",
        ),
        Exercise(
            "Now refuse instead: make a FAILURE with the failInfo of micromdm's refusal. Give the bytes.",
            forged,
            _code("FAILURE", "fail_info=refusal.attributes.fail_info, "),
            ("ScepAttributes has fail_info too.", "refusal.attributes.fail_info is the text to send."),
            why="Without the CA's private key nobody could make a client believe it.",
        ),
    )


def _code(status: str, more: str = "") -> str:
    return (
        "own = sceplab.draft_message(sceplab.ScepAttributes(message_type=str(sceplab.MessageType.CertRep.value), "
        "transaction_id=specimen.message.attributes.transaction_id, sender_nonce=bytes(range(16)), "
        f"recipient_nonce=specimen.message.attributes.sender_nonce, {more}"
        f"pki_status=str(sceplab.PkiStatus.{status}.value)), None, signer_certificate=ca); "
        "sceplab.encode_message(own, ca_key)"
    )


def _answers(made: PkiMessage, request: PkiMessage) -> str:
    if made.attributes.transaction_id != request.attributes.transaction_id:
        return "its transactionID is not the request's."
    if made.attributes.recipient_nonce != request.attributes.sender_nonce:
        return "its recipientNonce is not the request's senderNonce."
    return "" if made.attributes.sender_nonce != bytes(16) else "its senderNonce is still 16 zeros."
