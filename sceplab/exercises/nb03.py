"""Exercises of 03-open-the-envelope."""

from __future__ import annotations

from sceplab.cms.cipher import decrypt_content
from sceplab.cms.enveloped import EnvelopedData, Opened
from sceplab.exercises import Exercise


def exercises(enveloped: EnvelopedData, opened: Opened) -> tuple[Exercise, ...]:
    """Return them for an envelope with a CBC cipher, opened."""
    cipher = enveloped.cipher
    if cipher is None or cipher.mode != "cbc":
        raise ValueError("these exercises need an envelope with a CBC cipher")
    filling = len(enveloped.encrypted_content) - len(opened.plaintext)

    def judge(answer: object) -> str:
        if not isinstance(answer, bytes | bytearray):
            return f"give the ciphertext as bytes, not {type(answer).__name__}."
        if bytes(answer) == enveloped.encrypted_content:
            return "that is the captured ciphertext; it needs the captured IV."
        try:
            plaintext = decrypt_content(cipher, opened.content_key, bytes(cipher.block_length), bytes(answer))
        except ValueError as error:
            return f"decrypting it failed: {error}"
        return "" if plaintext == opened.plaintext else "it decrypts to something else."

    return (
        Exercise(
            "How many padding bytes would there be if the plaintext were one byte longer?",
            filling - 1 or cipher.block_length,
            "16 - (len(plaintext) + 1) % 16",
            (
                "The padded length is a multiple of 16, and at least one byte is added.",
                "How many are there now? padded[-1]",
            ),
            {
                "that is how many there are now.": filling,
                "that is for a plaintext that is one byte shorter.": filling % cipher.block_length + 1,
                "there is always padding: where none is needed, a full block is added.": 0,
            },
            why="The padding fills the last block, and is never empty.",
        ),
        Exercise(
            "An attacker wants the plaintext to begin with 31 instead of 30. What must the first byte of the IV be?",
            opened.iv[0] ^ opened.plaintext[0] ^ 0x31,
            "iv[0] ^ plaintext[0] ^ 0x31",
            ("In CBC the first block is decrypted, then XORed with the IV.", "Flip in the IV what you want flipped."),
            {"that is the plaintext's byte, not the IV's.": 0x31, "that is the IV as it is.": opened.iv[0]},
            why="Whatever is flipped in the IV is flipped in the first block of the plaintext.",
        ),
        Exercise(
            "Encrypt plaintext again with content_key, but with an IV of 16 zeros. Give the ciphertext (bytes).",
            judge,
            "worker = Cipher(algorithms.AES(content_key), modes.CBC(bytes(16))).encryptor(); "
            "worker.update(padded) + worker.finalize()",
            ("The padding goes on before encryption: padded has it.", "Cipher(...).encryptor() is the other way."),
            why="Every block differs from the captured one: in CBC each block depends on the one before it.",
        ),
    )
