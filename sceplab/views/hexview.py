"""Bytes as lines of hex and ASCII.

Rule: offsets count from that of the first byte shown.
"""

from __future__ import annotations

from collections.abc import Iterator


def lines(data: bytes, start: int = 0, width: int = 16) -> Iterator[str]:
    """Yield `offset  hex  ascii`; `start` is the offset of the first byte."""
    for at in range(0, len(data), width):
        row = data[at : at + width]
        text = "".join(chr(b) if 0x20 <= b < 0x7F else "." for b in row)
        yield f"{start + at:5}  {row.hex(' '):{width * 3 - 1}}  {text}"


def hexdump(data: bytes, *, start: int = 0, limit: int = 256) -> str:
    """Return a hex dump as text; beyond `limit` bytes, only how many there are."""
    out = list(lines(data[:limit], start))
    if len(data) > limit:
        out.append(f"       ... {len(data) - limit} more bytes")
    return "\n".join(out)
