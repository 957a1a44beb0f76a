"""Tag, length, value: reading BER leniently, writing DER.

Rule: bytes, lengths and tags (X.690), no schema. Every layer above parses its
bytes with `read` and `Element.children`, so that a field is always a slice of the
captured bytes at a known offset. asn1crypto is not used for that: it keeps no
offsets, rejects legal BER that real SCEP programs send, and raises many kinds of
exception on hostile bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from sceplab.errors import Layer, Problem, ScepError

BOOLEAN = 0x01
INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
NULL = 0x05
OID = 0x06
UTF8_STRING = 0x0C
SEQUENCE = 0x30
SET = 0x31
NUMERIC_STRING = 0x12
PRINTABLE_STRING = 0x13
T61_STRING = 0x14
IA5_STRING = 0x16
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18
VISIBLE_STRING = 0x1A
UNIVERSAL_STRING = 0x1C
BMP_STRING = 0x1E

CONSTRUCTED = 0x20
CONTEXT = 0x80

# Limit of segments inside segments: only a hostile message has them.
MAX_SEGMENT_DEPTH = 8
# Elements of indefinite length inside each other: looking for the end of one is a pass over all inside it.
MAX_DEPTH = 200
_MAX_OID = 128
# Numbers that are read: versions, rounds, CRL numbers. Python prints at most 4,300 digits, and takes its time.
_MAX_INTEGER = 1024


class DerError(ScepError):
    """Bytes that are not the BER element expected at this offset."""

    def __init__(self, offset: int, expected: str, found: str) -> None:
        """Set the offset (bytes from the start of the data), what was expected and what was found."""
        super().__init__(f"byte {offset}: expected {expected}, found {found}")
        self.offset = offset
        self.expected = expected
        self.found = found

    def problem(self, layer: Layer, advice: str = "") -> Problem:
        """Return the same as a `Problem` of `layer`, for decoders that continue."""
        return Problem(layer, "ber", self.expected, self.found, self.offset, advice)


class Element:
    """One BER element in `data`: offsets only, bytes are copied on request.

    `tag` is the identifier byte (0x30 SEQUENCE, 0xA0 [0] constructed ...), or
    all identifier bytes as one number if the tag number is above 30.
    """

    __slots__ = ("content_end", "content_start", "data", "end", "start", "tag")

    def __init__(self, data: bytes, start: int, tag: int, content_start: int, content_end: int, end: int) -> None:
        self.data = data
        self.start = start
        self.tag = tag
        self.content_start = content_start
        self.content_end = content_end
        self.end = end

    def __repr__(self) -> str:
        return f"Element(tag=0x{self.tag:02x}, start={self.start}, content={self.content_start}:{self.content_end})"

    @property
    def raw(self) -> bytes:
        """The whole element, header included, as captured."""
        return self.data[self.start : self.end]

    @property
    def value(self) -> bytes:
        """The content bytes as captured (segments of a constructed string still have their headers)."""
        return self.data[self.content_start : self.content_end]

    @property
    def constructed(self) -> bool:
        """Whether the content consists of elements."""
        return bool(self.data[self.start] & CONSTRUCTED)

    @property
    def indefinite(self) -> bool:
        """Whether the length is indefinite (ended by two zero bytes)."""
        return self.end != self.content_end

    def children(self, limit: int = 10_000) -> list[Element]:
        """Return the elements of the content.

        Raises DerError if one is truncated, or if there are more than `limit`: no
        part of a SCEP message has that many, and each needs a hundred times its
        size in memory.
        """
        out: list[Element] = []
        pos, end, data = self.content_start, self.content_end, self.data
        few = end - pos <= 2 * limit  # an element has two bytes at least
        while pos < end and (few or len(out) <= limit):
            # `read` with the most common headers inlined (low tag, length of 1 or 3
            # bytes): a decoder spends most of its time here. A test compares
            # the two.
            here = pos + 2
            if here <= end and (tag := data[pos]) & 0x1F != 0x1F:
                length = data[pos + 1]
                if length == 0x82 and here + 2 <= end:
                    length = data[here] << 8 | data[here + 1]
                    here += 2
                elif length >= 0x80:
                    here = end + 1
                stop = here + length
                if stop <= end:
                    out.append(Element(data, pos, tag, here, stop, stop))
                    pos = stop
                    continue
            child = read(data, pos, end)
            out.append(child)
            pos = child.end
        if len(out) > limit:
            raise DerError(self.start, f"at most {limit} elements", "more")
        return out

    def octets(self) -> bytes:
        """Return the string value: the content, or the joined segments of a constructed string.

        Raises DerError if a segment is malformed.
        """
        if self.data[self.start] & CONSTRUCTED:
            return _join(self, 0)
        return self.data[self.content_start : self.content_end]


def _join(element: Element, depth: int) -> bytes:
    if depth > MAX_SEGMENT_DEPTH:
        raise DerError(element.start, f"at most {MAX_SEGMENT_DEPTH} levels of string segments", "more")
    return b"".join(_join(c, depth + 1) if c.constructed else c.value for c in element.children())


# What `header` returns instead of a length if there is no definite one.
INDEFINITE = -1
CUT_OFF = -2
LONG_TAG = -3
RESERVED = -4
PRIMITIVE = -5
_REFUSED = {
    CUT_OFF: ("an element (tag, length, value)", "the end of the data"),
    LONG_TAG: ("a tag number of at most 8 bytes", "a longer one"),
    RESERVED: ("a length (X.690, 8.1.3)", "the reserved byte ff"),
    PRIMITIVE: ("a definite length (the element is primitive)", "an indefinite length"),
}


def header(data: bytes, pos: int, limit: int) -> tuple[int, int, int]:
    """Read a tag and a length (X.690, 8.1): return (end of the tag, start of the content, length). Never raises.

    The length may reach past `limit`. It is negative if it is INDEFINITE, or
    if no element can start here: the header is CUT_OFF by the limit, the tag
    number has more than 8 bytes, the first length byte is the RESERVED ff, or
    a PRIMITIVE element claims an indefinite length.
    """
    here = pos + 1
    if here >= limit:
        return here, here, CUT_OFF
    first = data[pos]
    if first & 0x1F == 0x1F:
        while data[here] & 0x80:
            here += 1
            if here >= limit:
                return here, here, CUT_OFF
            if here - pos > 8:
                return here, here, LONG_TAG
        here += 1
        if here >= limit:
            return here, here, CUT_OFF
    tag_end = here
    length = data[here]
    here += 1
    if length < 0x80:
        return tag_end, here, length
    if length == 0x80:
        return tag_end, here, INDEFINITE if first & CONSTRUCTED else PRIMITIVE
    if length == 0xFF:
        return tag_end, here, RESERVED
    stop = here + length - 0x80
    if stop > limit:
        return tag_end, here, CUT_OFF
    return tag_end, stop, int.from_bytes(data[here:stop], "big")


def read(data: bytes, pos: int = 0, end: int | None = None) -> Element:
    """Read the element that starts at `pos` and must finish by `end`.

    Raises DerError if the header is truncated or reserved, or if the length
    reaches past `end`. Accepts definite and indefinite lengths, minimal or not.
    """
    limit = len(data) if end is None else end
    here = pos + 2
    if here <= limit and (tag := data[pos]) & 0x1F != 0x1F:  # the most common headers, as in `children`
        length = data[pos + 1]
        if length == 0x82 and here + 2 <= limit:
            length = data[here] << 8 | data[here + 1]
            here += 2
        elif length >= 0x80:
            here = limit + 1
        stop = here + length
        if stop <= limit:
            return Element(data, pos, tag, here, stop, stop)
    tag_end, here, length = header(data, pos, limit)
    if length < INDEFINITE:
        raise DerError(pos, *_REFUSED[length])
    tag = data[pos] if tag_end == pos + 1 else int.from_bytes(data[pos:tag_end], "big")
    if length == INDEFINITE:
        stop = _end_of_contents(data, pos, here, limit)
        return Element(data, pos, tag, here, stop, stop + 2)
    stop = here + length
    if stop > limit:
        raise DerError(pos, f"{_count(length)} of content", f"{max(limit - here, 0)} left")
    return Element(data, pos, tag, here, stop, stop)


def _count(length: int) -> str:
    return f"{length} bytes" if length < 1 << 64 else "an absurd number of bytes"


def _end_of_contents(data: bytes, start: int, pos: int, limit: int) -> int:
    """Return where the end-of-contents bytes of the element at `start` are, without recursion."""
    depth = 1
    while True:
        if pos + 2 > limit:
            raise DerError(start, "end-of-contents bytes (00 00)", "the end of the data")
        if data[pos] == 0 and data[pos + 1] == 0:
            depth -= 1
            if depth == 0:
                return pos
            pos += 2
            continue
        _, here, length = header(data, pos, limit)
        if length == INDEFINITE:
            depth += 1
            if depth > MAX_DEPTH:
                raise DerError(start, f"at most {MAX_DEPTH} levels of indefinite length", "more")
            pos = here
            continue
        if length < 0:
            raise DerError(pos, *_REFUSED[length])
        if here + length > limit:
            raise DerError(pos, f"{_count(length)} of content", "fewer")
        pos = here + length


def read_expected(data: bytes, tag: int, what: str, pos: int = 0, end: int | None = None) -> Element:
    """Read an element with this tag; raises DerError for another, in which `what` is its name."""
    element = read(data, pos, end)
    if element.tag != tag:
        raise DerError(pos, f"{what} (tag {tag:02x})", f"tag {element.tag:02x}")
    return element


# --------------------------------------------------------------- values


@lru_cache(maxsize=4096)
def decode_oid(content: bytes) -> str:
    """Return the dotted form of the content bytes of an OBJECT IDENTIFIER (X.690, 8.19).

    Raises DerError on an empty or truncated value, or on an arc above 128 bits
    (which would be slow to print).
    """
    if not content or content[-1] & 0x80 or len(content) > _MAX_OID:
        raise DerError(0, "a whole OBJECT IDENTIFIER", content[:16].hex() or "nothing")
    arcs: list[int] = []
    arc = 0
    for octet in content:
        arc = arc << 7 | octet & 0x7F
        if arc >> 128:
            raise DerError(0, "OBJECT IDENTIFIER arcs of at most 128 bits", "a larger one")
        if not octet & 0x80:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def oid_of(element: Element) -> str:
    """Return the dotted form of an OBJECT IDENTIFIER element; raises DerError for another tag or a malformed value."""
    if element.tag != OID:
        raise DerError(element.start, "an OBJECT IDENTIFIER (tag 06)", f"tag {element.tag:02x}")
    try:
        return decode_oid(element.data[element.content_start : element.content_end])
    except DerError as error:
        raise DerError(element.content_start, error.expected, error.found) from None


def int_of(element: Element) -> int:
    """Return the value of an INTEGER element (an empty one, seen in the wild, is 0).

    Raises DerError where it is none, or longer than 1024 octets.
    """
    if element.tag != INTEGER:
        raise DerError(element.start, "an INTEGER (tag 02)", f"tag {element.tag:02x}")
    if element.content_end - element.content_start > _MAX_INTEGER:
        raise DerError(element.start, f"an INTEGER of at most {_MAX_INTEGER} bytes", "a longer one")
    return int.from_bytes(element.value, "big", signed=True)


_TEXT_CODECS = {
    UTF8_STRING: "utf-8",
    NUMERIC_STRING: "ascii",
    PRINTABLE_STRING: "ascii",
    # T61 in certificates is Latin-1 in practice; nobody implements T.61 itself.
    T61_STRING: "latin-1",
    IA5_STRING: "ascii",
    VISIBLE_STRING: "ascii",
    BMP_STRING: "utf-16-be",
    UNIVERSAL_STRING: "utf-32-be",
}
STRING_TYPE_NAMES = {
    UTF8_STRING: "UTF8String",
    NUMERIC_STRING: "NumericString",
    PRINTABLE_STRING: "PrintableString",
    T61_STRING: "T61String",
    IA5_STRING: "IA5String",
    VISIBLE_STRING: "VisibleString",
    BMP_STRING: "BMPString",
    UNIVERSAL_STRING: "UniversalString",
    OCTET_STRING: "OCTET STRING",
}


def text_of(element: Element) -> str:
    """Return the text of a character string of any type; bytes that do not fit become U+FFFD."""
    content = element.octets()
    codec = _TEXT_CODECS.get(element.tag & ~CONSTRUCTED)
    if codec is None:
        return content.decode("latin-1")
    return content.decode(codec, "replace")


def encode_text(tag: int, text: str) -> bytes:
    """Return the content bytes of a character string type; raises ValueError if the text does not fit it."""
    return text.encode(_TEXT_CODECS[tag])


# --------------------------------------------------------------- writing DER


def encode_length(length: int) -> bytes:
    """Return the DER length bytes."""
    if length < 0x80:
        return bytes((length,))
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(octets),)) + octets


def encode(tag: int, *parts: bytes) -> bytes:
    """Return the DER element with this tag around the joined parts."""
    content = b"".join(parts)
    length = len(content)
    # Nearly all elements: one byte of tag, three of length at most.
    if tag < 0x100 and length < 0x10000:
        if length < 0x80:
            return bytes((tag, length)) + content
        if length < 0x100:
            return bytes((tag, 0x81, length)) + content
        return bytes((tag, 0x82, length >> 8, length & 0xFF)) + content
    return tag.to_bytes((max(tag.bit_length(), 1) + 7) // 8, "big") + encode_length(length) + content


def sequence(*parts: bytes) -> bytes:
    """Return a SEQUENCE of the parts."""
    return encode(SEQUENCE, *parts)


def set_of(parts: Iterable[bytes]) -> bytes:
    """Return a SET OF the parts in DER order (X.690, 11.6)."""
    return encode(SET, *sorted(parts))


def integer(value: int) -> bytes:
    """Return an INTEGER."""
    # ~value: -128 needs one byte, as 127 does.
    bits = (~value if value < 0 else value).bit_length()
    return encode(INTEGER, value.to_bytes(bits // 8 + 1, "big", signed=True))


@lru_cache(maxsize=1024)
def oid(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER from its dotted form."""
    arcs = [int(arc) for arc in dotted.split(".")]
    out = bytearray()
    for arc in (arcs[0] * 40 + arcs[1], *arcs[2:]):
        chunk = [arc & 0x7F]
        while arc := arc >> 7:
            chunk.append(arc & 0x7F | 0x80)
        out += bytes(reversed(chunk))
    return encode(OID, bytes(out))


def context(number: int, *parts: bytes, constructed: bool = True) -> bytes:
    """Return a context-specific element [number] around the parts."""
    return encode(CONTEXT | (CONSTRUCTED if constructed else 0) | number, *parts)


NULL_ELEMENT = b"\x05\x00"
