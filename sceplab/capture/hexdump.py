"""Hex dumps as people copy them: plain, xxd, hexdump -C, od, tcpdump -X, Wireshark, certutil, strongSwan, routers.

Rule: text to bytes; `octets` detects what they are. A dump ends at a line that is
not hex, or where its offsets restart at 0; one text can have several. A line is
first tried as it is, then without a log prefix, because the column of characters
may look like a time of day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from sceplab.capture.octets import Blob, read_blobs
from sceplab.capture.reading import Reading, union
from sceplab.scep.transport import PACKETS

# "Nov 24 08:04:11.123: CRYPTO_PKI: " and the like before the hex.
_LOG_PREFIX = re.compile(r".{0,60}?\d\d:\d\d:\d\d(?:[.,]\d+)?:?\s+|\*?\w{3} +\d+ [\d:.]+: ")
_TAG_PREFIX = re.compile(r"[A-Z][A-Z0-9_-]{2,30}:\s*")
# After the offset a colon, a tab or two spaces; one space for `od`, colon and space for short offsets.
_OFFSET = re.compile(
    r"[ \t>|]*(?:0x)?([0-9A-Fa-f]{1,8})"
    r"(?:(?<=[0-9A-Fa-f]{4})(?:[:|][ \t]*|[ \t]{2,}|\t)|:[ \t]+|(?<=[0-9A-Fa-f]{6}) (?=[0-9A-Fa-f]{2} ))"
    r"(?=[0-9A-Fa-f]{2})"
)
_INNER_OFFSET = re.compile(r"(?<=[ \t\]|>:])(?:0x)?[0-9A-Fa-f]{4,8}(?::[ \t]*|[ \t]{2,4})(?=[0-9A-Fa-f]{2})")
_GROUP = re.compile(r"(?:0x|\\x)?((?:[0-9A-Fa-f]{2}){1,16})([:,-]?[ \t]*)")
# Possessive, so that a long line that does not match takes linear time.
_HEX_LINE = re.compile(r"(?:(?:0x|\\x)?[0-9A-Fa-f]{2}[:,-]? *)++")
_HEX_WORD = re.compile(r"(?:[0-9A-Fa-f]{2})++")
# "char peer0_0[] = { /* Packet 1 */", and the end of a C array or string.
_ARRAY = re.compile(r"\s*(?:static |const |unsigned )*char peer(\d+)_\d+ ?\[")
_CLOSERS = ('"', '";', '",', "}", "};")
_TCPDUMP = re.compile(rb"^\d\d:\d\d:\d\d[.\d]{0,10} (?:[^\n]{1,80} )?IP6? [^\n]{1,1048576}$", re.MULTILINE)
_ROW = 16  # bytes a line, in every dump program's default form
_LONGEST_ROW = 64
# Fewest bytes after a log's words at the end of a line: fewer may be a number or a name.
_FEWEST_BEHIND_WORDS = 8
_LONGEST_PREFIXED = 1 << 16
_MOST_REPEATED = 1 << 16
_UNPRINTABLE = re.compile(rb"[^\x21-\x7e]")


@dataclass(slots=True)
class Dump:
    """The bytes of one dump, and the span of its lines in the text (in characters).

    `base` is the number base of its offsets, 0 while unknown; `prefix` is the text
    before each line, without its digits.
    """

    start: int
    end: int
    octets: bytearray = field(default_factory=bytearray)
    with_offsets: bool = False
    prefix: str = ""
    base: int = 0
    last: bytes = b""


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of a dump: its offset as written ("" if none), its bytes, and the prefix before them."""

    offset: str
    octets: bytes
    prefix: str = ""


def fits(data: bytes) -> bool:  # noqa: ARG001 - as every format
    """Always true: only `read` can find a dump."""
    return True


def read(data: bytes, name: str) -> Reading:
    """Read the dumps in a text: messages, HTTP, or packets of tcpdump and Wireshark."""
    dumps = read_hex(data.decode("latin-1"))
    reading = read_blobs((Blob(bytes(d.octets), (d.start, d.end)) for d in dumps), name, packets=True)
    claims = reading.claims
    if any(e.recorded == PACKETS for e in reading.exchanges):
        # What tcpdump says of each packet is in the packets.
        claims += tuple(m.span() for m in _TCPDUMP.finditer(data))
    # The two sides of a followed stream take turns.
    return replace(reading, claims=union(claims))


def read_hex(text: str, fewest: int = 4) -> list[Dump]:
    """Return each hex dump in a text, [] if there is none. Never raises.

    Fewer than `fewest` bytes in a row count as words, not as a dump.
    """
    dumps: list[Dump] = []
    current: Dump | None = None
    # Wireshark's "Follow Stream": one dump for each side, distinguished by indentation.
    sides: dict[str, Dump] = {}
    peer, squeezed = "", False
    for line, start, end in _lines(text):
        array = _ARRAY.match(line)
        if array is not None:
            # Wireshark writes one array for each packet: join those of one side.
            current = current if array[1] == peer else None
            peer = array[1]
            continue
        row = _row(line)
        if row is None:
            blank = not line.strip()
            squeezed = current is not None and line.strip() == "*"
            current = current if (peer and blank) or squeezed else None
            if not blank and not squeezed:
                sides.clear()
            continue
        if row.offset and not (current is not None and _goes_on(current, row, squeezed=squeezed)):
            current = sides.get(row.prefix)
        if current is None or not _goes_on(current, row, squeezed=squeezed):
            current = Dump(start, end, with_offsets=bool(row.offset), prefix=row.prefix)
            dumps.append(current)
            if row.offset:
                sides[row.prefix] = current
        squeezed = False
        current.octets += row.octets
        current.last = row.octets
        current.end = end
    return [d for d in dumps if len(d.octets) >= fewest]


def _lines(text: str) -> Iterator[tuple[str, int, int]]:
    end = 0
    for line in text.splitlines(keepends=True):
        start, end = end, end + len(line)
        yield line, start, end


def _goes_on(dump: Dump, row: _Row, *, squeezed: bool) -> bool:
    """Whether a row is the next one of a dump; adds the repeated rows that `*` replaces."""
    if bool(row.offset) != dump.with_offsets or row.prefix.strip() != dump.prefix.strip():
        return False
    if not row.offset:
        return True
    there = len(dump.octets)
    bases = [dump.base] if dump.base else [16, 10, 8]
    for base in bases:
        try:
            offset = int(row.offset, base)
        except ValueError:
            continue
        if (
            squeezed
            and dump.last
            and there < offset <= there + _MOST_REPEATED
            and not (offset - there) % len(dump.last)
        ):
            dump.octets += dump.last * ((offset - there) // len(dump.last))
            there = offset
        if offset == there:
            dump.base = base if there >= 8 else 0
            return True
    return False


def _row(line: str) -> _Row | None:
    """Parse a line of a dump; None if it is not hex."""
    # The marks of a C string or array around it.
    line = line.rstrip()
    if line.endswith(_CLOSERS):
        closed = line.rstrip('};," \t')
        line = closed if _OFFSET.match(line) is None else line
    if line.lstrip().startswith('"\\x'):
        line = line.lstrip()[1:]
    indent = line[: len(line) - len(line.lstrip())]
    if (found := _of_line(line, indent)) is not None:
        return found
    if len(line) > _LONGEST_PREFIXED:
        return None
    bare = _without(_TAG_PREFIX, _without(_LOG_PREFIX, line))
    if bare != line and (found := _of_line(bare, _style(line[: len(line) - len(bare)]))) is not None:
        return found
    inner = _INNER_OFFSET.search(line)
    if inner is not None and (found := _of_line(line[inner.start() :], _style(line[: inner.start()]))) is not None:
        return found
    return _behind_words(line)


def _without(prefix: re.Pattern[str], line: str) -> str:
    found = prefix.match(line)
    return line if found is None else line[found.end() :]


def _style(prefix: str) -> str:
    return re.sub(r"[\d\s]+", "", prefix) or "-"


def _of_line(line: str, prefix: str) -> _Row | None:
    found = _OFFSET.match(line)
    if found is not None:
        octets = _octets(line[found.end() :])
        return _Row(found[1], octets, prefix) if octets else None
    plain = line.strip()
    if not _HEX_LINE.fullmatch(plain):
        return None
    return _Row("", bytes.fromhex(re.sub(r"0x|\\x|[^0-9A-Fa-f]", "", plain)), "" if not prefix.strip() else prefix)


def _octets(rest: str) -> bytes:
    """Return the bytes after an offset; the column of characters or the spacing shows where they end."""
    octets = bytearray()
    at = ends = 0
    counts: list[tuple[int, int]] = []
    while len(octets) < _LONGEST_ROW and (group := _GROUP.match(rest, at)):
        octets += bytes.fromhex(group[1])
        at = group.end()
        counts.append((len(octets), at))
        # Two spaces end the hex, except in the middle of `hexdump -C`; more always do.
        wide = len(group[2]) > 2 or "\t" in group[2] or (len(group[2]) == 2 and len(octets) != _ROW // 2)
        if not ends and (wide or len(octets) >= _ROW):
            ends = min(len(octets), _ROW)
    for count, place in reversed(counts):
        if place < len(rest) and _shows(rest[place:], bytes(octets[:count])):
            return bytes(octets[:count])
    if at == len(rest) and len(octets) > _ROW:
        return bytes(octets)  # no column of characters
    return bytes(octets[: ends or _ROW])


def _shows(column: str, octets: bytes) -> bool:
    """Whether a column of characters fits some bytes; unprintable ones fit any character."""
    if len(column) > 2 * _LONGEST_ROW + 8:
        return False
    seen = "".join(column.split())
    wanted = _UNPRINTABLE.sub(b".", octets.replace(b" ", b"")).decode("ascii")
    # Some programs write bars around it.
    for text in (seen, seen.removeprefix("|").removesuffix("|"), seen.removeprefix(">").removesuffix("<")):
        if text == wanted:
            return True
        if len(text) == len(wanted) and all(w in (".", s) for s, w in zip(text, wanted, strict=True)):
            return True
    return False


def _behind_words(line: str) -> _Row | None:
    """Return the bytes at the end of a line of a log."""
    words = line.split()
    first, size = len(words), 0
    while first and _HEX_WORD.fullmatch(words[first - 1]):
        first -= 1
        size += len(words[first]) // 2
    if not 0 < first < len(words) or size < _FEWEST_BEHIND_WORDS:
        return None
    return _Row("", bytes.fromhex("".join(words[first:])), _style("".join(words[:first])))
