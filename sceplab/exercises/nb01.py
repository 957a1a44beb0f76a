"""Exercises of 01-unwrap-the-url."""

from __future__ import annotations

import base64
from collections.abc import Callable

from sceplab.exercises import Exercise
from sceplab.scep.transport import HttpRequest, decode_message_value, parse_request


def exercises(message: bytes, as_a_form: str) -> tuple[Exercise, ...]:
    """Return them for the bytes of a message, and its base64 after a program has turned its plus signs into spaces."""
    repaired = decode_message_value(as_a_form).data
    left = as_a_form.replace(" ", "")
    return (
        Exercise(
            "How many characters does the base64 of message have, without line breaks and escapes? Compute it.",
            len(base64.b64encode(message)),
            "-(-len(message) // 3) * 4",
            ("3 bytes are 24 bits; a character of base64 carries 6.", "The last group is always written in full."),
            {"you left out the padding at the end.": len(base64.b64encode(message).rstrip(b"="))},
            why="Every 3 bytes become 4 characters, and the last group is padded with =.",
        ),
        Exercise(
            "as_a_form is the base64 with its plus signs lost. Repair it without sceplab: what are the bytes?",
            repaired,
            'base64.b64decode(as_a_form.replace(" ", "+"))',
            ("Base64 contains no spaces. What can they only have been?", 'as_a_form.replace(" ", ...)'),
            {"you decoded it as it is, and the spaces were dropped.": base64.b64decode(left[: len(left) // 4 * 4])},
            why="Base64 has no spaces, so each was a plus sign.",
        ),
        Exercise(
            "Build a target (str) for a GET of PKIOperation that carries message so that every server reads it.",
            _carries(message),
            '"/scep?operation=PKIOperation&message=" + urllib.parse.quote(base64.b64encode(message), safe="")',
            ("Three characters of base64 must be escaped.", 'urllib.parse.quote(..., safe="")'),
            why="With +, / and = escaped, decoding as a form and decoding as a URL give the same.",
        ),
    )


def _carries(message: bytes) -> Callable[[object], str]:
    """Return the judge of a target: "" where it carries the message for every server, else what is wrong with it."""

    def judge(answer: object) -> str:
        if not isinstance(answer, str):
            return f"give a str, not {type(answer).__name__}."
        read = parse_request(HttpRequest("GET", answer))
        if read.operation != "PKIOperation":
            return "a server finds no operation=PKIOperation in it."
        if read.message != message:
            return "a server reads other bytes from it."
        if any(c in answer.partition("message=")[2] for c in "+/= \n"):
            return "sceplab can read it, but a server that decodes it as a form cannot: + / = are not escaped."
        return ""

    return judge
