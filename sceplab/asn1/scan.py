"""Scan a buffer for all elements without raising, and find deviations from DER.

Rule: bytes only, no schema and no recursion. `scan` fills packed columns, 21
bytes for each element, so that megabytes can be shown; `level` and `header`
give a single level, so that opening a large list costs only that list. Unlike
`der.read`, which decoders use and which raises, the scan continues after an error:
truncated data, or data that is not ASN.1, becomes an element with a flag. The
viewer's JavaScript has the same `scan`; tests compare the two.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise

from sceplab.asn1 import der
from sceplab.errors import Layer, Problem

# Flags of an element.
INDEFINITE = 1  # ended by 00 00
LONG_LENGTH = 2  # more length bytes than needed
CUT = 4  # its content would continue after the end of its parent
GARBAGE = 8  # no element starts here; it reaches to the end of its parent
STRAY_EOC = 16  # end-of-contents bytes without an indefinite length
OPENED = 32  # a string whose content was scanned as ASN.1
TRAILING = 64  # bytes after the outermost element, not scanned
DEEP = 128  # constructed, but below the depth limit: not scanned

MAX_DEPTH = der.MAX_DEPTH
MAX_NODES = 2_000_000

# Ends of indefinite-length elements by start: (content_end, end, flags).
Ends = dict[int, tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class Scan:
    """All elements in reading order, as columns; offsets count from the start of `data`.

    `parent` is an index (-1: none). `after` is the index after the last element
    inside, so that the children of i are i+1, after[i+1], ... below after[i].
    """

    data: bytes
    start: array[int]
    content_start: array[int]
    end: array[int]
    parent: array[int]
    after: array[int]
    flags: bytearray
    problems: tuple[Problem, ...] = ()

    def __len__(self) -> int:
        return len(self.start)

    def content_end(self, index: int) -> int:
        """Return the offset of the end of the content, before any end-of-contents bytes."""
        closed = self.flags[index] & (INDEFINITE | CUT) == INDEFINITE
        return self.end[index] - 2 if closed else self.end[index]

    def children(self, index: int) -> Iterator[int]:
        """Yield the indexes of the elements directly inside."""
        child, stop = index + 1, self.after[index]
        while child < stop:
            yield child
            child = self.after[child]

    def findings(self) -> Iterator[tuple[int, str]]:
        """Yield (index, deviation from DER) for every element of the scan."""
        for i in range(len(self)):
            for text in violations(self.data, self.start[i], self.content_start[i], self.content_end(i), self.flags[i]):
                yield i, text


def scan(  # noqa: PLR0915 - one loop, written out for speed
    data: bytes,
    *,
    inside: Collection[int] = (),
    max_depth: int = MAX_DEPTH,
    max_nodes: int = MAX_NODES,
) -> Scan:
    """Scan BER or DER from the first byte to the last. Never raises.

    `inside` are the offsets of strings whose content is also ASN.1 (which no tag
    says), and of bytes after the outermost element that are to be scanned too.
    Below `max_depth` levels constructed elements are not opened, and after
    `max_nodes` elements the scan ends; both are `problems`, as is everything
    malformed.
    """
    starts, contents, ends = array("I"), array("I"), array("I")
    parents, afters = array("i"), array("I")
    flags = bytearray()
    problems: list[Problem] = []
    add_start, add_content, add_end = starts.append, contents.append, ends.append
    add_parent, add_after, add_flag = parents.append, afters.append, flags.append
    size = limit = len(data)
    pos, parent, count = 0, -1, 0
    opened: list[tuple[int, int]] = []  # (limit, parent) to go back to
    found: Ends = {}
    inner = frozenset(inside)
    while True:
        while pos >= limit:
            # The content of `parent` is read (for an indefinite length: without its end).
            if parent < 0:
                break
            afters[parent] = count
            if flags[parent] & INDEFINITE and ends[parent] > limit:
                ends[parent] = limit
                flags[parent] |= CUT
                problems.append(_problem(data, starts[parent], CUT))
            limit, parent = opened.pop()
        if pos >= size or count >= max_nodes:
            break
        tag = data[pos]
        here = pos + 2
        length = data[pos + 1] if here <= limit else 0xFF
        flag = 0
        if length < 0x80 and tag & 0x1F != 0x1F and tag:
            stop = here + length
            if stop > limit:
                stop, flag = limit, CUT
        elif not tag and length == 0:
            if parent >= 0 and flags[parent] & INDEFINITE and not flags[parent] & CUT:
                pos += 2
                afters[parent] = count
                ends[parent] = pos
                limit, parent = opened.pop()
                continue
            stop, flag = here, STRAY_EOC
        else:
            here, _, stop, flag = _header(data, pos, limit)
            if flag & INDEFINITE and len(opened) >= max_depth:
                here, _, stop, flag = header(data, pos, limit, found)
        if parent < 0 and count and pos not in inner:
            here, stop, flag = pos, size, TRAILING
        if flag & ~LONG_LENGTH & ~INDEFINITE:
            problems.append(_problem(data, pos, flag))
        add_start(pos)
        add_content(here)
        add_end(stop)
        add_parent(parent)
        count += 1
        add_after(count)
        go_in = bool(tag & 0x20) and not flag & (GARBAGE | TRAILING)
        # (After the outermost element `inside` means: continue, not: open.)
        if pos in inner and not tag & 0x20 and not flag & (GARBAGE | TRAILING) and (parent >= 0 or count == 1):
            go_in, flag = True, flag | OPENED
            if tag == der.BIT_STRING and here < stop:
                here += 1
        if go_in:
            if len(opened) < max_depth:
                add_flag(flag)
                opened.append((limit, parent))
                parent = count - 1
                limit = limit if flag & INDEFINITE else stop
                if flag & INDEFINITE:
                    ends[parent] = limit + 1  # not known yet; see above
                pos = here
                continue
            flag |= DEEP
            problems.append(_problem(data, pos, DEEP))
        add_flag(flag)
        pos = stop
    while parent >= 0:  # stopped by max_nodes
        afters[parent] = count
        ends[parent] = min(ends[parent], limit)
        limit, parent = opened.pop()
    if pos < size:
        problems.append(
            Problem(Layer.DER, "too-many", f"at most {max_nodes} elements", "more", pos, "Raise max_nodes to read on.")
        )
    return Scan(data, starts, contents, ends, parents, afters, flags, tuple(problems))


def _header(data: bytes, pos: int, limit: int) -> tuple[int, int, int, int]:
    """Like `header`, but an indefinite length is only flagged (its end is the limit)."""
    tag_end, here, length = der.header(data, pos, limit)
    if length < 0:
        return (here, limit, limit, INDEFINITE) if length == der.INDEFINITE else (pos, limit, limit, GARBAGE)
    flags = 0
    if here > tag_end + 1:
        if length < 0x80 or not data[tag_end + 1]:
            flags = LONG_LENGTH
    elif not length and not data[pos]:
        flags = STRAY_EOC
    stop = here + length
    return (here, limit, limit, flags | CUT) if stop > limit else (here, stop, stop, flags)


def header(data: bytes, pos: int, limit: int, ends: Ends) -> tuple[int, int, int, int]:
    """Return (content_start, content_end, end, flags) of the element at `pos`. Never raises.

    `ends` caches the ends of indefinite lengths: use the same one for all elements
    of a buffer, or nested ones cost a pass for each level.
    """
    content, content_end, end, flags = _header(data, pos, limit)
    if not flags & INDEFINITE:
        return content, content_end, end, flags
    if pos not in ends:
        _find_ends(data, pos, content, limit, ends)
    content_end, end, flags = ends[pos]
    return content, content_end, end, flags


def _find_ends(data: bytes, start: int, pos: int, limit: int, ends: Ends) -> None:
    waiting = [start]
    while waiting and pos < limit:
        if data[pos : pos + 2] == b"\0\0" and pos + 2 <= limit:
            ends[waiting.pop()] = (pos, pos + 2, INDEFINITE)
            pos += 2
            continue
        content, _, stop, flags = _header(data, pos, limit)
        if flags & INDEFINITE:
            waiting.append(pos)
            pos = content
        else:
            pos = stop
    for left in waiting:
        ends[left] = (limit, limit, INDEFINITE | CUT)


def level(data: bytes, start: int, end: int, ends: Ends) -> array[int]:
    """Return the offsets of the elements from `start` to `end`, not of those inside them. Never raises."""
    out = array("I")
    add = out.append
    pos = start
    while pos < end:
        add(pos)
        here = pos + 2
        if here <= end and data[pos] & 0x1F != 0x1F and (length := data[pos + 1]) < 0x80:
            pos = here + length
        else:
            pos = header(data, pos, end, ends)[2]
    return out


def _problem(data: bytes, pos: int, flag: int) -> Problem:
    if flag & GARBAGE:
        expected, found, code = "an element (tag, length, value)", data[pos : pos + 4].hex(" "), "not-asn1"
        advice = "Is this byte really ASN.1, or does something before it have a wrong length?"
    elif flag & CUT:
        expected, found, code = "the whole element", "the end of what holds it", "cut-off"
        advice = "Bytes are missing, or a length before this one is wrong: was everything copied?"
    elif flag & DEEP:
        expected, found, code = "fewer levels", "more levels inside", "too-deep"
        advice = "Raise max_depth to see them; no SCEP message nests so deep."
    elif flag & TRAILING:
        expected, found, code = "the end of the data", f"{len(data) - pos} more bytes", "trailing"
        advice = "Decode them as a further element, or cut them off."
    else:
        expected, found, code = "an element", "end-of-contents bytes (00 00) that end nothing", "stray-eoc"
        advice = "They belong only behind an element of indefinite length."
    return Problem(Layer.DER, code, expected, found, pos, advice)


# --------------------------------------------------------------- deviations from DER

_PRINTABLE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '()+,-./:=?")
_NUMERIC = frozenset(b"0123456789 ")
# Limit of compared children of a SET; longer ones are taken as sorted.
_SORTED = 4096


def violations(
    data: bytes, start: int, content_start: int, content_end: int, flags: int, *, set_of: bool = False
) -> tuple[str, ...]:
    """Return the deviations of an element from DER (X.690, 8 to 11); () if there are none.

    `set_of`: a context-tagged element is an IMPLICIT SET OF.
    """
    if flags & TRAILING:
        return ("bytes after the end of the outermost element",)
    if flags & GARBAGE:
        return ("no ASN.1 element starts here",)
    out = []
    if flags & CUT:
        out.append("the content is cut short")
    if flags & STRAY_EOC:
        return (*out, "end-of-contents bytes that end nothing (X.690, 8.1.5)")
    if flags & INDEFINITE:
        out.append("indefinite length: BER, not DER (X.690, 10.1)")
    if flags & LONG_LENGTH:
        out.append("more length bytes than needed (X.690, 10.1)")
    tag = data[start]
    if tag & 0x1F == 0x1F and data[start + 1] < 0x1F:
        out.append("a tag number below 31 in the long form (X.690, 8.1.2.2)")
    if not tag & ~der.CONSTRUCTED and not flags & CUT:
        out.append("an element of tag 0, which is for end-of-contents alone (X.690, 8.1.5)")
    content = data[content_start:content_end] if content_end - content_start <= 1 << 16 else b""
    if tag & der.CONSTRUCTED:
        if tag < der.CONTEXT and tag not in {der.SEQUENCE, der.SET, 0x28, 0x2B} and tag & 0x1F != 0x1F:
            out.append("a string in pieces: BER, not DER (X.690, 10.2)")
        if (tag == der.SET or set_of) and not is_sorted(data, content_start, content_end):
            out.append("a SET OF that is not in ascending order (X.690, 11.6)")
    elif content or content_end == content_start:
        rule = _RULES.get(tag)
        if rule is not None and (text := rule(content)):
            out.append(text)
    return tuple(out)


def is_sorted(data: bytes, start: int, end: int) -> bool:
    """Whether the elements from `start` to `end` are in the order of a SET OF (X.690, 11.6). Never raises."""
    if end - start > 1 << 16:
        return True
    ends: Ends = {}
    starts = level(data, start, end, ends)[:_SORTED]
    raws = [data[pos : header(data, pos, end, ends)[2]] for pos in starts]
    return all(a <= b for a, b in pairwise(raws))


def _boolean(content: bytes) -> str:
    if len(content) != 1:
        return "a BOOLEAN of other than one byte (X.690, 8.2.1)"
    return "" if content in {b"\0", b"\xff"} else "TRUE that is not FF (X.690, 11.1)"


def _integer(content: bytes) -> str:
    if not content:
        return "an INTEGER without bytes (X.690, 8.3.1)"
    if len(content) > 1 and (content[0], content[1] >> 7) in {(0, 0), (0xFF, 1)}:
        return "an INTEGER with more bytes than needed (X.690, 8.3.2)"
    return ""


def _bit_string(content: bytes) -> str:
    if not content:
        return "a BIT STRING without its first byte (X.690, 8.6.2)"
    unused = content[0]
    if unused > 7 or (unused and len(content) == 1):
        return f"a BIT STRING with {unused} unused bits (X.690, 8.6.2)"
    return "unused bits that are not zero (X.690, 11.2.1)" if content[-1] & (1 << unused) - 1 and unused else ""


def _null(content: bytes) -> str:
    return "a NULL with bytes (X.690, 8.8.2)" if content else ""


def _oid(content: bytes) -> str:
    if not content or content[-1] & 0x80:
        return "an OBJECT IDENTIFIER that is cut off (X.690, 8.19)"
    if content[0] == 0x80 or any(content[i] == 0x80 and not content[i - 1] & 0x80 for i in range(1, len(content))):
        return "an arc with a leading zero byte (X.690, 8.19.2)"
    return ""


def _decodes(codec: str, name: str) -> Callable[[bytes], str]:
    def rule(content: bytes) -> str:
        try:
            content.decode(codec)
        except ValueError:
            return f"bytes that are no {name}"
        return ""

    return rule


def _only(allowed: frozenset[int], name: str) -> Callable[[bytes], str]:
    def rule(content: bytes) -> str:
        strange = next((octet for octet in content if octet not in allowed), None)
        return "" if strange is None else f"a character ({strange:02x}) that a {name} cannot hold (X.680, 41)"

    return rule


def _utc_time(content: bytes) -> str:
    good = len(content) == 13 and content[:12].isdigit() and content.endswith(b"Z")
    return "" if good else "a UTCTime that is not YYMMDDHHMMSSZ (X.690, 11.8)"


def _generalized_time(content: bytes) -> str:
    whole, dot, fraction = content[:-1].partition(b".")
    good = content.endswith(b"Z") and len(whole) == 14 and whole.isdigit()
    if dot:
        good = good and fraction.isdigit() and not fraction.endswith(b"0")
    return "" if good else "a GeneralizedTime that is not YYYYMMDDHHMMSS[.f]Z (X.690, 11.7)"


_RULES: dict[int, Callable[[bytes], str]] = {
    der.BOOLEAN: _boolean,
    der.INTEGER: _integer,
    0x0A: _integer,
    der.BIT_STRING: _bit_string,
    der.NULL: _null,
    der.OID: _oid,
    der.UTF8_STRING: _decodes("utf-8", "UTF-8"),
    der.NUMERIC_STRING: _only(_NUMERIC, "NumericString"),
    der.PRINTABLE_STRING: _only(_PRINTABLE, "PrintableString"),
    der.IA5_STRING: _decodes("ascii", "IA5 (ASCII)"),
    der.VISIBLE_STRING: _decodes("ascii", "ASCII"),
    der.BMP_STRING: _decodes("utf-16-be", "UTF-16"),
    der.UNIVERSAL_STRING: _decodes("utf-32-be", "UTF-32"),
    der.UTC_TIME: _utc_time,
    der.GENERALIZED_TIME: _generalized_time,
}
