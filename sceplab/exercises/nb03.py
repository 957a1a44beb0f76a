"""Exercises of 03-open-the-envelope."""

from __future__ import annotations

from sceplab.cms.enveloped import EnvelopedData, Opened
from sceplab.exercises import Exercise


def exercises(enveloped: EnvelopedData, opened: Opened) -> tuple[Exercise, ...]:
    """Return them for an envelope with a CBC cipher, opened."""
    cipher = enveloped.cipher
    if cipher is None or cipher.mode != "cbc":
        raise ValueError("these exercises need an envelope with a CBC cipher")
    filling = len(enveloped.encrypted_content) - len(opened.plaintext)
    return (
        Exercise(
            "How many octets would be filled in at the end if the request were one octet longer?",
            filling - 1 or cipher.block_length,
            "16 - (len(plaintext) + 1) % 16",
            (
                "The filled length is a multiple of the block, and at least one octet is filled in.",
                "How many are filled in now? padded[-1]",
            ),
            {
                "that is how many are filled in now.": filling,
                "that many would be filled in if it were one octet shorter.": filling % cipher.block_length + 1,
                "an empty filling does not exist: a full block is added instead.": 0,
            },
        ),
        Exercise(
            "An attacker wants the plaintext to begin with 31 instead of 30. What must the first octet of the IV be?",
            opened.iv[0] ^ opened.plaintext[0] ^ 0x31,
            "iv[0] ^ plaintext[0] ^ 0x31",
            ("In CBC the first block is decrypted, then XORed with the IV.", "Flip in the IV what you want flipped."),
            {"that is the plaintext's octet, not the IV's.": 0x31, "that is the IV as it is.": opened.iv[0]},
        ),
    )
