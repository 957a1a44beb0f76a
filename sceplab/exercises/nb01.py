"""Exercises of 01-unwrap-the-url."""

from __future__ import annotations

import base64

from sceplab.exercises import Exercise
from sceplab.scep.transport import ScepRequest, decode_message_value


def exercises(request: ScepRequest, as_a_form: str) -> tuple[Exercise, ...]:
    """Return them for a GET, and its base64 after a program has made spaces of its plus signs."""
    if request.dialect is None or request.message_text is None:
        raise ValueError("these exercises need a GET with a message= value")
    repaired = decode_message_value(as_a_form).data
    left = as_a_form.replace(" ", "")
    return (
        Exercise(
            "How many characters of base64 does the sender put on one line (0 where there are no line breaks)?",
            request.dialect.line_length,
            'text.index("\\n") if "\\n" in text else 0',
            ("URL-decode first; then look for the line end.", "len(text.splitlines()[0])"),
            {
                "that counts the line end or its escape too.": request.dialect.line_length + 1,
                "that counts %0A as part of the line.": request.dialect.line_length + 3,
            },
        ),
        Exercise(
            "as_a_form is the base64 with its plus signs lost. Repair it, without sceplab: what are the octets?",
            repaired,
            'base64.b64decode(as_a_form.replace(" ", "+"))',
            ("In base64 there are no spaces. What can they only have been?", 'as_a_form.replace(" ", ...)'),
            {"you decoded it as it is, and the spaces were dropped.": base64.b64decode(left[: len(left) // 4 * 4])},
        ),
    )
