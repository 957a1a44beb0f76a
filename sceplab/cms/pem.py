"""PEM: bytes as text between two lines that name them (RFC 7468).

Rule: text and bytes, no files and no keys. `build_pem` writes strictly;
`parse_pem` finds every block, whatever text is around it.
"""

from __future__ import annotations

import base64
import re
import textwrap
from dataclasses import dataclass

_BEGIN = rb"-----BEGIN ([A-Z0-9 #]{1,40})-----"
# A body may have headers with single dashes in them (RFC 1421), but no line of five.
_BLOCK = re.compile(_BEGIN + rb"([^-]*(?:-(?!----)[^-]*)*)-----END \1-----")
_HEAD = re.compile(_BEGIN)


@dataclass(frozen=True, slots=True)
class PemBlock:
    """One block: its label, the text between the two lines, and the whole block as it was given."""

    label: str
    body: bytes
    raw: bytes


def parse_pem(data: bytes) -> tuple[PemBlock, ...]:
    """Return the complete blocks in order, ignoring other text. Never raises; nothing is decoded."""
    return tuple(PemBlock(m[1].decode("ascii"), m[2], m[0]) for m in _BLOCK.finditer(data))


def first_label(data: bytes) -> str | None:
    """Return the label of the first block that begins, whether it ends or not; None where none does."""
    match = _HEAD.search(data)
    return None if match is None else match[1].decode("ascii")


def build_pem(label: str, data: bytes) -> bytes:
    """Return bytes as one PEM block."""
    lines = "\n".join(textwrap.wrap(base64.b64encode(data).decode("ascii"), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n".encode("ascii")
