"""Tag, length, value: reading BER leniently, writing DER, and the way between them.

Rule: this module knows octets, lengths and tags (X.690), and no schema. Every
layer above takes its bytes apart with `read` and `Element.children`, so that a
field is always a slice of what was captured, at a known offset. asn1crypto is
not used for that: it keeps no offsets, refuses legal BER that real SCEP
programs send, and raises many kinds of exception on hostile bytes.

`normalise` and `dress` are inverse: the first turns BER into DER and says in a
`Shape` what it changed, the second puts the captured form back on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
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

# Universal string types: when one of these is constructed, its children are
# segments of one value (X.690, 8.7 and 8.23).
_STRING_TAGS = frozenset(
    {
        BIT_STRING,
        OCTET_STRING,
        UTF8_STRING,
        NUMERIC_STRING,
        PRINTABLE_STRING,
        T61_STRING,
        IA5_STRING,
        VISIBLE_STRING,
        UNIVERSAL_STRING,
        BMP_STRING,
    }
)
# Segments inside segments: no program does it, a hostile one might, without end.
_MAX_SEGMENT_DEPTH = 8
_MAX_OID = 128
# A SCEP message nests about 20 deep. Finding the end of an indefinite length
# costs a pass at each level, so depth is what a hostile message would spend.
_MAX_DEPTH = 200


class DerError(ScepError):
    """Bytes that are not the BER element that was expected at this place."""

    def __init__(self, offset: int, expected: str, found: str) -> None:
        """Say where (octets from the start of the data), what was expected, what was there."""
        super().__init__(f"octet {offset}: expected {expected}, found {found}")
        self.offset = offset
        self.expected = expected
        self.found = found

    def problem(self, layer: Layer, advice: str = "") -> Problem:
        """Return the same as a `Problem` of `layer`, for decoders that go on."""
        return Problem(layer, "ber", self.expected, self.found, self.offset, advice)


class Element:
    """One BER element in `data`: offsets only, nothing copied until asked for.

    `tag` is the identifier octet (0x30 SEQUENCE, 0xA0 [0] constructed ...), or
    all identifier octets as one number where the tag number is above 30.
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
        """The content octets as captured (segments of a constructed string still have their headers)."""
        return self.data[self.content_start : self.content_end]

    @property
    def constructed(self) -> bool:
        """Whether the content is made of elements."""
        return bool(self.data[self.start] & CONSTRUCTED)

    @property
    def indefinite(self) -> bool:
        """Whether the length is indefinite (ended by two zero octets)."""
        return self.end != self.content_end

    def children(self, limit: int = 10_000) -> list[Element]:
        """Return the elements of the content.

        Raises DerError where one is cut short (octets before it were well
        formed), or where there are more than `limit`: no part of a SCEP message
        has that many, and each costs a hundred times its octets in memory.
        """
        out: list[Element] = []
        pos, end, data = self.content_start, self.content_end, self.data
        while pos < end and len(out) <= limit:
            # `read` with its commonest headers inlined (low tag, length of 1 or 3
            # octets): a decoder spends most of its own time here.
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

        Raises DerError where a segment is malformed.
        """
        return self.value if not self.constructed else _join(self, 0)


def _join(element: Element, depth: int) -> bytes:
    if depth > _MAX_SEGMENT_DEPTH:
        raise DerError(element.start, f"at most {_MAX_SEGMENT_DEPTH} levels of string segments", "more")
    return b"".join(_join(c, depth + 1) if c.constructed else c.value for c in element.children())


def read(data: bytes, pos: int = 0, end: int | None = None) -> Element:
    """Read the element that starts at `pos` and must finish by `end`.

    Raises DerError when the header is cut short or reserved, or when the length
    runs past `end`. Takes definite and indefinite lengths, minimal or not.
    """
    limit = len(data) if end is None else end
    try:
        tag = data[pos]
        here = pos + 1
        if tag & 0x1F == 0x1F:
            tag, here = _high_tag(data, pos, limit)
        length = data[here]
        here += 1
        if length >= 0x80:
            if length == 0x80:
                return _indefinite(data, pos, tag, here, limit)
            count = length & 0x7F
            if here + count > limit:
                raise IndexError
            length = int.from_bytes(data[here : here + count], "big")
            here += count
    except IndexError:
        raise DerError(pos, "an element (tag, length, value)", "the end of the data") from None
    stop = here + length
    if stop > limit:
        raise DerError(pos, f"{_count(length)} of content", f"{max(limit - here, 0)} left")
    return Element(data, pos, tag, here, stop, stop)


def _count(length: int) -> str:
    return f"{length} octets" if length < 1 << 64 else "an absurd number of octets"


def _high_tag(data: bytes, pos: int, limit: int) -> tuple[int, int]:
    here = pos + 1
    while data[here] & 0x80:
        here += 1
        if here >= limit or here - pos > 8:
            raise DerError(pos, "a tag number of at most 8 octets", "a longer one")
    return int.from_bytes(data[pos : here + 1], "big"), here + 1


def _indefinite(data: bytes, start: int, tag: int, content_start: int, limit: int) -> Element:
    """Find the end-of-contents octets that belong to this element, without recursion."""
    if not data[start] & CONSTRUCTED:
        raise DerError(start, "a definite length (the element is primitive)", "an indefinite length")
    depth = 1
    pos = content_start
    while True:
        if pos + 2 > limit:
            raise DerError(start, "end-of-contents octets (00 00)", "the end of the data")
        first = data[pos]
        if first == 0 and data[pos + 1] == 0:
            depth -= 1
            if depth == 0:
                return Element(data, start, tag, content_start, pos, pos + 2)
            pos += 2
            continue
        here = pos + 1
        if first & 0x1F == 0x1F:
            here = _high_tag(data, pos, limit)[1]
        if here >= limit:
            raise DerError(pos, "a length", "the end of the data")
        length = data[here]
        here += 1
        if length == 0x80:
            if not first & CONSTRUCTED:
                raise DerError(pos, "a definite length (the element is primitive)", "an indefinite length")
            depth += 1
        else:
            if length > 0x80:
                count = length & 0x7F
                length = int.from_bytes(data[here : min(here + count, limit)], "big")
                here += count
            here += length
            if here > limit:
                raise DerError(pos, f"{_count(length)} of content", "fewer")
        pos = here


def read_expected(data: bytes, tag: int, what: str, pos: int = 0, end: int | None = None) -> Element:
    """Read an element and insist on its tag; `what` is its name in the error."""
    element = read(data, pos, end)
    if element.tag != tag:
        raise DerError(pos, f"{what} (tag {tag:02x})", f"tag {element.tag:02x}")
    return element


# --------------------------------------------------------------- values


@lru_cache(maxsize=4096)
def decode_oid(content: bytes) -> str:
    """Return the dotted form of the content octets of an OBJECT IDENTIFIER (X.690, 8.19).

    Raises DerError on an empty or cut-off value, or on an arc above 128 bits
    (so that a hostile identifier costs nothing to print).
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
    """Return the dotted form of an OBJECT IDENTIFIER element; DerError if it is none."""
    if element.tag != OID:
        raise DerError(element.start, "an OBJECT IDENTIFIER (tag 06)", f"tag {element.tag:02x}")
    try:
        return decode_oid(element.data[element.content_start : element.content_end])
    except DerError as error:
        raise DerError(element.content_start, error.expected, error.found) from None


def int_of(element: Element) -> int:
    """Return the value of an INTEGER element (an empty one, seen in the wild, is 0)."""
    if element.tag != INTEGER:
        raise DerError(element.start, "an INTEGER (tag 02)", f"tag {element.tag:02x}")
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
    """Return the text of a character string of any type; octets that do not fit become U+FFFD."""
    content = element.octets()
    codec = _TEXT_CODECS.get(element.tag & ~CONSTRUCTED)
    if codec is None:
        return content.decode("latin-1")
    return content.decode(codec, "replace")


def encode_text(tag: int, text: str) -> bytes:
    """Return the content octets of a character string type; raises ValueError where the text does not fit it."""
    return text.encode(_TEXT_CODECS[tag])


# --------------------------------------------------------------- writing DER


def encode_length(length: int) -> bytes:
    """Return the DER length octets."""
    if length < 0x80:
        return bytes((length,))
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(octets),)) + octets


def encode(tag: int, *parts: bytes) -> bytes:
    """Return the DER element with this tag around the joined parts."""
    content = b"".join(parts)
    length = len(content)
    # Nearly all elements: one octet of tag, three of length at most.
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
    # ~value: -128 needs one octet, as 127 does.
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


# --------------------------------------------------------------- BER <-> DER


@dataclass(frozen=True, slots=True)
class Form:
    """How one element was written, where that is not the DER way.

    `length_octets` counts the octets after 0x8n of a length that was not the
    shortest (0: shortest). `segments` holds, for a string that was constructed,
    the length and the form of each segment.
    """

    indefinite: bool = False
    length_octets: int = 0
    segments: tuple[tuple[int, Form], ...] | None = None


DER_FORM = Form()


@dataclass(frozen=True, slots=True)
class Shape:
    """What `normalise` took off: the form of each element that was not DER, by its place in reading order."""

    forms: tuple[tuple[int, Form], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.forms)


DER_SHAPE = Shape()


class _Tree:
    """The elements of a BER value in reading order, strings joined."""

    __slots__ = ("contents", "forms", "heads", "parents")

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.contents: list[bytes | None] = []
        self.parents: list[int] = []
        self.forms: list[Form] = []


def _form_of(element: Element, segments: tuple[tuple[int, Form], ...] | None = None) -> Form:
    if element.indefinite:
        return Form(indefinite=True, segments=segments)
    header = element.content_start - element.start
    head = _head(element)
    length = element.content_end - element.content_start
    used = header - len(head) - 1
    minimal = len(encode_length(length)) - 1
    if used == minimal and segments is None:
        return DER_FORM
    return Form(length_octets=0 if used == minimal else used, segments=segments)


def _head(element: Element) -> bytes:
    return element.tag.to_bytes((max(element.tag.bit_length(), 1) + 7) // 8, "big")


def _segments(element: Element, depth: int = 0) -> tuple[tuple[int, Form], ...]:
    if depth > _MAX_SEGMENT_DEPTH:
        raise DerError(element.start, f"at most {_MAX_SEGMENT_DEPTH} levels of string segments", "more")
    out = []
    for child in element.children():
        if child.tag & ~CONSTRUCTED != OCTET_STRING:
            raise DerError(child.start, "a segment that is an OCTET STRING", f"tag {child.tag:02x}")
        inner = _segments(child, depth + 1) if child.constructed else None
        out.append((len(child.octets()), _form_of(child, inner)))
    return tuple(out)


def _tree(data: bytes, strings: Collection[int]) -> _Tree:
    tree = _Tree()
    root = read(data)
    if root.end != len(data):
        raise DerError(root.end, "the end of the element", f"{len(data) - root.end} more octets")
    stack: list[tuple[Element, int, int]] = [(root, -1, 0)]
    while stack:
        element, parent, depth = stack.pop()
        if depth > _MAX_DEPTH:
            raise DerError(element.start, f"at most {_MAX_DEPTH} levels", "more")
        index = len(tree.heads)
        head = _head(element)
        segments = None
        if element.constructed and (
            (element.tag < CONTEXT and element.tag & ~CONSTRUCTED in _STRING_TAGS) or element.start in strings
        ):
            if element.tag & ~CONSTRUCTED == BIT_STRING:
                raise DerError(element.start, "a BIT STRING in one piece", "a segmented one")
            segments = _segments(element)
            head = bytes((head[0] & ~CONSTRUCTED,)) + head[1:]
        tree.heads.append(head)
        tree.parents.append(parent)
        tree.forms.append(_form_of(element, segments))
        if not element.constructed or segments is not None:
            tree.contents.append(element.octets())
        else:
            tree.contents.append(None)
            stack.extend((child, index, depth + 1) for child in reversed(element.children()))
    return tree


def _write(tree: _Tree, forms: Sequence[Form]) -> bytes:
    """Write the tree with these forms: lengths from the leaves up, then octets in reading order."""
    count = len(tree.heads)
    bodies = [0] * count
    payloads: list[bytes | None] = [None] * count
    heads: list[bytes] = [b""] * count
    last = list(range(count))  # the last element inside each one
    for i in range(count - 1, -1, -1):
        form, content = forms[i], tree.contents[i]
        head = tree.heads[i]
        if content is not None:
            if form.segments is not None:
                head = bytes((head[0] | CONSTRUCTED,)) + head[1:]
                content = _write_segments(content, form.segments)
            payloads[i] = content
            bodies[i] = len(content)
        head += _length(bodies[i], form)
        heads[i] = head
        parent = tree.parents[i]
        if parent >= 0:
            bodies[parent] += len(head) + bodies[i] + (2 if form.indefinite else 0)
            last[parent] = max(last[parent], last[i])
    out = []
    open_ends: list[int] = []
    for i in range(count):
        out.append(heads[i])
        payload = payloads[i]
        if payload is not None:
            out.append(payload)
        if forms[i].indefinite:
            open_ends.append(last[i])
        while open_ends and open_ends[-1] == i:
            out.append(b"\0\0")
            open_ends.pop()
    return b"".join(out)


def _length(length: int, form: Form) -> bytes:
    if form.indefinite:
        return b"\x80"
    if form.length_octets:
        return bytes((0x80 | form.length_octets,)) + length.to_bytes(form.length_octets, "big")
    return encode_length(length)


def _write_segments(content: bytes, segments: tuple[tuple[int, Form], ...]) -> bytes:
    if sum(length for length, _ in segments) != len(content):
        raise DerError(0, "a string as long as the captured one", f"{len(content)} octets")
    out = []
    pos = 0
    for length, form in segments:
        piece = content[pos : pos + length]
        pos += length
        tag = OCTET_STRING
        if form.segments is not None:
            tag |= CONSTRUCTED
            piece = _write_segments(piece, form.segments)
        out.append(bytes((tag,)) + _length(len(piece), form) + piece + (b"\0\0" if form.indefinite else b""))
    return b"".join(out)


def normalise(data: bytes, strings: Collection[int] = ()) -> tuple[bytes, Shape]:
    """Turn one BER element into DER lengths and primitive strings, and say what was changed.

    `strings` are the offsets of constructed context-tagged elements that the
    schema knows to be implicit OCTET STRINGs (encryptedContent): nothing in the
    bytes tells them from an explicit tag. The order of a SET OF is left as it
    was sent. Raises DerError on malformed or trailing bytes.
    """
    tree = _tree(data, strings)
    plain = [DER_FORM] * len(tree.heads)
    shape = Shape(tuple((i, form) for i, form in enumerate(tree.forms) if form != DER_FORM))
    return _write(tree, plain), shape


def dress(data: bytes, shape: Shape) -> bytes:
    """Write DER `data` again in the captured `shape`: the inverse of `normalise`.

    Raises DerError when the data does not have the shape's elements.
    """
    if not shape:
        return data
    tree = _tree(data, ())
    forms = [DER_FORM] * len(tree.heads)
    for index, form in shape.forms:
        if index >= len(forms):
            raise DerError(0, f"at least {index + 1} elements", str(len(forms)))
        forms[index] = form
    return _write(tree, forms)
