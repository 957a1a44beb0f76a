"""Hex dumps as people copy them: plain, xxd, hexdump -C, tcpdump -X, Wireshark, router debug output.

Rule: text to bytes, and bytes to messages, HTTP or packets. A dump ends at a line
that is not hex, or where its offsets begin again at 0; so one text can hold several.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sceplab.capture import httptext, pcap
from sceplab.capture.alone import kind_of, message_alone, paired
from sceplab.capture.packets import Packet
from sceplab.capture.reading import Reading, Span
from sceplab.errors import InputError
from sceplab.scep.transport import Exchange

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
_ROW = 16  # bytes a line, in every dump program's default form


@dataclass(slots=True)
class Dump:
    """The bytes of one dump, and from where to where in the text (in characters) its lines are."""

    start: int
    end: int
    octets: bytearray = field(default_factory=bytearray)
    with_offsets: bool = False


def fits(data: bytes) -> bool:  # noqa: ARG001 - as every format
    """Any text may hold a dump; `read` finds out."""
    return True


def read(data: bytes, name: str) -> Reading:
    """Read the dumps in a text: messages, HTTP, or packets of tcpdump and Wireshark."""
    found: list[Exchange] = []
    dumped: list[Packet] = []
    claims: list[Span] = []
    for dump in read_hex(data.decode("latin-1")):
        octets = bytes(dump.octets)
        if kind_of(octets) is not None:
            found.append(message_alone(octets, name))
        elif httptext.fits(octets):
            found += httptext.read(octets, name).exchanges
        elif octets[0] >> 4 in {4, 6} and octets[:1] != b"\x40":
            dumped.append((0.0, octets, _RAW_IP))
        elif len(octets) > _SHORTEST_FRAME:
            dumped.append((0.0, octets, _ETHERNET))
        else:
            continue
        claims.append((dump.start, dump.end))
    try:
        # Wireshark adds what it reassembled to the packets: only the packets have both sides.
        exchanges = sorted(pcap.exchanges_of(dumped, name), key=lambda e: e.stream or 0)
    except InputError:
        exchanges = paired(found)
    return Reading(exchanges, tuple(claims) if exchanges else ())


# Link types (https://www.tcpdump.org/linktypes.html), and the heads of Ethernet and IPv4.
_ETHERNET, _RAW_IP = 1, 101
_SHORTEST_FRAME = 14 + 20


def read_hex(text: str) -> list[Dump]:
    """Return each hex dump in a text, [] where there is none. Never raises.

    Fewer than four bytes in a row count as words, not as a dump.
    """
    dumps: list[Dump] = []
    current: Dump | None = None
    peer = ""
    end = 0
    for line in text.splitlines(keepends=True):
        start, end = end, end + len(line)
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
            current = Dump(start, end, with_offsets=offset is not None)
            dumps.append(current)
        current.octets += octets
        current.end = end
    return [d for d in dumps if len(d.octets) >= 4]


def _row(line: str) -> tuple[int | None, bytes] | None:
    """Return the offset (None: without one) and the bytes of a line, or None where it is no hex."""
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
