"""Exercises of 02-open-the-signed-data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sceplab.cms.signed import parse_signed
from sceplab.cms.trust import Trust
from sceplab.cms.verify import CheckName, Outcome, verify_signed
from sceplab.exercises import Exercise
from sceplab.scep.message import PkiMessage


def exercises(message: PkiMessage, trust: Trust | None, at: datetime | None) -> tuple[Exercise, ...]:
    """Return them for an intact message with signed attributes. Raises ValueError for another."""
    info = message.signed.signer_info
    if info is None or not info.signed_attributes_raw:
        raise ValueError("these exercises need a message with signed attributes")
    raw, content = message.raw, message.signed.content or b""
    start = raw.index(info.signed_attributes_raw)

    def judge(fails: str, passes: str) -> Callable[[object], str]:
        return lambda answer: _judged(answer, raw, fails, passes, trust, at)

    return (
        Exercise(
            "At which offset of the message do the signed attributes begin, that is, their tag a0?",
            start,
            "message.index(signed.signer_info.signed_attributes_raw)",
            ("Select signedAttrs in the viewer: the hex dump shows the offset.", "bytes have .index()"),
            {"that is where the first attribute begins, inside of the a0.": start + _header(raw, start)},
        ),
        Exercise(
            "Change one byte of message so that the digest fails but the signature still passes. Give the bytes.",
            judge(CheckName.DIGEST, CheckName.SIGNATURE),
            "changed = bytearray(message); changed[message.index(signed.content[-16:])] ^= 1; bytes(changed)",
            (
                "Which bytes does the digest cover, and the signature not?",
                f"Any of the {len(content)} bytes of the content; avoid those that are a tag or a length.",
            ),
            why="The signature covers the attributes, and these still hold the digest of the old content.",
        ),
        Exercise(
            "Now the other way: the digest passes, and the signature fails. Give the bytes.",
            judge(CheckName.SIGNATURE, CheckName.DIGEST),
            "changed = bytearray(message); changed[message.index(signed.signer_info.signature) + 9] ^= 1; "
            "bytes(changed)",
            ("Leave the content and messageDigest as they are.", "The signature itself may be changed too."),
            why="A byte of the transactionID does it too: the signature covers it, the digest does not.",
        ),
    )


def _header(raw: bytes, start: int) -> int:
    """Return how many bytes tag and length take."""
    return 2 + (raw[start + 1] & 0x7F if raw[start + 1] & 0x80 else 0)


def _judged(answer: object, raw: bytes, fails: str, passes: str, trust: Trust | None, at: datetime | None) -> str:
    if not isinstance(answer, bytes | bytearray):
        return f"give the changed message as bytes, not {type(answer).__name__}."
    given = bytes(answer)
    changed = sum(a != b for a, b in zip(given, raw, strict=False)) + abs(len(given) - len(raw))
    if changed != 1:
        return f"{changed} bytes differ from message; exactly one may."
    found = verify_signed(parse_signed(given), trust=trust, at=at)
    wanted = {fails: Outcome.FAILED, passes: Outcome.PASSED}
    wrong = [
        f"{name} is {found[name].outcome.value}" for name, outcome in wanted.items() if found[name].outcome != outcome
    ]
    return f"run on it: {' and '.join(wrong)}." if wrong else ""
