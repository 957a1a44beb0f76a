"""Hex dumps as people copy them: plain, xxd, hexdump -C, tcpdump -X, Wireshark, router debug output.

Rule: text to octets only; what the octets are, `sniff` finds out. A dump ends
where a line is no hex, or where its offsets begin again at 0; so one text can
hold several.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# "Nov 24 08:04:11.123: CRYPTO_PKI: " and the like before the hex.
_LOG_PREFIX = re.compile(r"^.{0,60}?\d\d:\d\d:\d\d(?:\.\d+)?:?\s+|^\*?\w{3} +\d+ [\d:.]+: ")
_TAG_PREFIX = re.compile(r"^[A-Z][A-Z0-9_-]{2,30}:\s*")
# After the offset a colon or two spaces; `od` has one space, and groups that are shorter.
_OFFSET = re.compile(
    r"^\s*(0x)?([0-9A-Fa-f]{4,8})(?::\s*|\s{2,}|(?<=[0-9A-Fa-f]{6}) (?=[0-9A-Fa-f]{2} ))(?=[0-9A-Fa-f])"
)
_GROUP = re.compile(r"(?:0x|\\x)?((?:[0-9A-Fa-f]{2}){1,16})([:,]? *)")
# Possessive, so that a long line that ends badly takes linear time.
_HEX_LINE = re.compile(r"(?:(?:0x|\\x)?[0-9A-Fa-f]{2}[:,]? *)++")
# "char peer0_0[] = { /* Packet 1 */", and the end of a C array or string.
_ARRAY = re.compile(r"\s*(?:static |const |unsigned )*char peer(\d+)_\d+ ?\[")
_CLOSERS = ('"', '";', '",', "}", "};")
_ROW = 16  # octets a line, in every dump program's default form


@dataclass(slots=True)
class _Dump:
    """The octets of one dump so far; `expected` is the offset that the next line should have."""

    octets: bytearray = field(default_factory=bytearray)
    with_offsets: bool = False


def read_hex(text: str) -> list[bytes]:
    """Return the octets of each hex dump in a text, [] where there is none. Never raises.

    Fewer than four octets in a row count as words, not as a dump.
    """
    dumps: list[_Dump] = []
    current: _Dump | None = None
    peer = ""
    for line in text.splitlines():
        array = _ARRAY.match(line)
        if array is not None:
            # Wireshark gives each packet an array of its own: those of one side belong together.
            current = current if array[1] == peer else None
            peer = array[1]
            continue
        row = _row(line)
        if row is None:
            current = current if peer and not line.strip() else None
            continue
        offset, octets = row
        fits = current is not None and (
            offset == len(current.octets) if offset is not None else not current.with_offsets
        )
        if not fits or current is None:
            current = _Dump(with_offsets=offset is not None)
            dumps.append(current)
        current.octets += octets
    return [bytes(d.octets) for d in dumps if len(d.octets) >= 4]


def _row(line: str) -> tuple[int | None, bytes] | None:
    """Return the offset (None: without one) and the octets of a line, or None where it is no hex."""
    # The marks of a C string or array around it.
    line = line.rstrip()
    if line.endswith(_CLOSERS):
        line = line.rstrip('};," \t')
    if line.startswith('"\\x') or line.lstrip().startswith('"\\x'):
        line = line.lstrip()[1:]
    line = _TAG_PREFIX.sub("", _LOG_PREFIX.sub("", line, count=1), count=1).rstrip()
    found = _OFFSET.match(line)
    if found is None:
        plain = line.strip()
        if not _HEX_LINE.fullmatch(plain):
            return None
        return None, bytes.fromhex(re.sub(r"0x|\\x|[^0-9A-Fa-f]", "", plain))
    octets = bytearray()
    rest = line[found.end() :]
    while len(octets) < _ROW and (group := _GROUP.match(rest)):
        octets += bytes.fromhex(group[1])
        rest = rest[group.end() :]
        # Two spaces end the hex, except in the middle of `hexdump -C`; more always do.
        if len(group[2]) > 2 or (len(group[2]) == 2 and len(octets) != _ROW // 2):
            break
    return (int(found[2], 16), bytes(octets[:_ROW])) if octets else None
