"""Exercises of 08-break-it."""

from __future__ import annotations

from datetime import datetime

from sceplab import schema
from sceplab.analysis.whatif import judge, overwrite
from sceplab.exercises import Exercise
from sceplab.scep.conversation import Materials


def exercises(data: bytes, held: Materials, at: datetime | None) -> tuple[Exercise, ...]:
    """Return them for a good request, and what its CA holds."""
    before = judge(data, held, at)
    opened = before.message.opened
    if opened is None or before.message.enveloped is None:
        raise ValueError("these exercises need a request that can be opened")
    nodes = list(schema.nodes_of(schema.describe(data)))
    kind = next(n for n in nodes if n.name == "messageType" and not n.children)
    key = next(n for n in nodes if n.name == "encryptedKey")
    changed = judge(overwrite(data, key.content_start, bytes((data[key.content_start] ^ 1,))), held, at)
    block = len(opened.iv)
    return (
        Exercise(
            "At which byte must you write the letter 7 to make a RenewalReq (17) out of this PKCSReq (19)?",
            kind.content_start + 1,
            'next(n for n in schema.nodes_of(root) if n.name == "messageType" and not n.children).content_start + 1',
            ("The messageType is two characters in a PrintableString.", "`view.select(...)` gives offsets."),
            {
                "that is its tag.": kind.start,
                "that is its length.": kind.start + 1,
                "that is the letter 1.": kind.content_start,
            },
        ),
        Exercise(
            "Flip the lowest bit of the first byte of encryptedKey. How many checks that passed before now fail?",
            len(changed.broke(before)),
            "len(judge(overwrite(data, (at := next(n for n in schema.nodes_of(root) if n.name == 'encryptedKey')"
            ".content_start), bytes([data[at] ^ 1])), held, exchange.time).broke(before))",
            ("It is inside of the content that the digest is about.", "judge(...).broke(before)"),
            {
                "the digest is one, but what cannot be decrypted cannot be read either.": 1,
                "and the proof of possession, for which there is no request then.": len(changed.broke(before)) - 1,
            },
        ),
        Exercise(
            "A byte of a CBC ciphertext is changed. How many bytes of plaintext can become different at most "
            f"({before.message.enveloped.content_encryption.name})?",
            block + 1,
            "len(before.message.opened.iv) + 1",
            ("One block is decrypted to garbage.", "And in the block after it the byte at the same place."),
            {
                "and one more, in the block after it.": block,
                "of the block after it only one byte changes.": 2 * block,
            },
        ),
    )
