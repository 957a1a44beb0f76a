"""How much of a list, and of a text, people are shown.

Rule: whoever writes a message chooses how many elements it has and how long they are,
so every list that is shown ends, and every line; what was left out is counted. JSON
and SARIF are whole: they have no more than a multiple of the bytes of the input.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sceplab.masking import without_passwords

LISTED = 50
"""Elements of a list that are shown."""
LONGEST = 1_000
"""Characters of a line that are shown."""


def cut(text: str, longest: int = LONGEST) -> str:
    """Return the start of a text of any length, and how much was left out."""
    if len(text) <= longest:
        return text
    text = without_passwords(text)  # a password that is cut in two could not be recognised any more
    return f"{text[:longest]} ... {len(text) - longest} more characters"


def listed(lines: Iterable[str], what: str, most: int = LISTED) -> Iterator[str]:
    """Yield the first lines, and "... and 12 more certificates" with the indentation of the last one."""
    left, last = 0, ""
    for number, line in enumerate(lines):
        if number < most:
            last = line
            yield line
        else:
            left += 1
    if left:
        indentation = last[: len(last) - len(last.lstrip())]
        yield f"{indentation}... and {left:,} more {what}"
