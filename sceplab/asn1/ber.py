"""Convert captured BER to DER, and back to exactly the bytes that were sent (X.690, 8 to 10).

Rule: lengths and segments only, no schema. `normalise` and `dress` are inverse: the
first converts BER to DER and records its changes in a `Shape`, the second restores
the captured form.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sceplab.asn1 import der

# Universal string types: when one of these is constructed, its children are
# segments of one value (X.690, 8.7 and 8.23).
_STRING_TAGS = frozenset(
    {
        der.BIT_STRING,
        der.OCTET_STRING,
        der.UTF8_STRING,
        der.NUMERIC_STRING,
        der.PRINTABLE_STRING,
        der.T61_STRING,
        der.IA5_STRING,
        der.VISIBLE_STRING,
        der.UNIVERSAL_STRING,
        der.BMP_STRING,
    }
)
# A SCEP message nests about 20 deep. Finding the end of an indefinite length
# costs a pass at each level, so a hostile message would use depth.
_MAX_DEPTH = 200


@dataclass(frozen=True, slots=True)
class Form:
    """The encoding of one element that is not DER.

    `length_octets` counts the bytes after 0x8n of a length that was not the
    shortest (0: shortest). `segments` has, for a constructed string, the length
    and the form of each segment.
    """

    indefinite: bool = False
    length_octets: int = 0
    segments: tuple[tuple[int, Form], ...] | None = None


DER_FORM = Form()


@dataclass(frozen=True, slots=True)
class Shape:
    """The changes of `normalise`: the form of each element that was not DER, by its index in reading order."""

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


def _form_of(element: der.Element, segments: tuple[tuple[int, Form], ...] | None = None) -> Form:
    if element.indefinite:
        return Form(indefinite=True, segments=segments)
    header = element.content_start - element.start
    head = _head(element)
    length = element.content_end - element.content_start
    used = header - len(head) - 1
    minimal = len(der.encode_length(length)) - 1
    if used == minimal and segments is None:
        return DER_FORM
    return Form(length_octets=0 if used == minimal else used, segments=segments)


def _head(element: der.Element) -> bytes:
    return element.tag.to_bytes((max(element.tag.bit_length(), 1) + 7) // 8, "big")


def _segments(element: der.Element, depth: int = 0) -> tuple[tuple[int, Form], ...]:
    if depth > der.MAX_SEGMENT_DEPTH:
        raise der.DerError(element.start, f"at most {der.MAX_SEGMENT_DEPTH} levels of string segments", "more")
    out = []
    for child in element.children():
        if child.tag & ~der.CONSTRUCTED != der.OCTET_STRING:
            raise der.DerError(child.start, "a segment that is an OCTET STRING", f"tag {child.tag:02x}")
        inner = _segments(child, depth + 1) if child.constructed else None
        out.append((len(child.octets()), _form_of(child, inner)))
    return tuple(out)


def _tree(data: bytes, strings: Collection[int]) -> _Tree:
    tree = _Tree()
    root = der.read(data)
    if root.end != len(data):
        raise der.DerError(root.end, "the end of the element", f"{len(data) - root.end} more bytes")
    stack: list[tuple[der.Element, int, int]] = [(root, -1, 0)]
    while stack:
        element, parent, depth = stack.pop()
        if depth > _MAX_DEPTH:
            raise der.DerError(element.start, f"at most {_MAX_DEPTH} levels", "more")
        index = len(tree.heads)
        head = _head(element)
        segments = None
        if element.constructed and (
            (element.tag < der.CONTEXT and element.tag & ~der.CONSTRUCTED in _STRING_TAGS) or element.start in strings
        ):
            if element.tag & ~der.CONSTRUCTED == der.BIT_STRING:
                raise der.DerError(element.start, "a BIT STRING in one piece", "a segmented one")
            segments = _segments(element)
            head = bytes((head[0] & ~der.CONSTRUCTED,)) + head[1:]
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
    """Write the tree with these forms: lengths from the leaves up, then bytes in reading order."""
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
                head = bytes((head[0] | der.CONSTRUCTED,)) + head[1:]
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
    return der.encode_length(length)


def _write_segments(content: bytes, segments: tuple[tuple[int, Form], ...]) -> bytes:
    if sum(length for length, _ in segments) != len(content):
        raise der.DerError(0, "a string as long as the captured one", f"{len(content)} bytes")
    out = []
    pos = 0
    for length, form in segments:
        piece = content[pos : pos + length]
        pos += length
        tag = der.OCTET_STRING
        if form.segments is not None:
            tag |= der.CONSTRUCTED
            piece = _write_segments(piece, form.segments)
        out.append(bytes((tag,)) + _length(len(piece), form) + piece + (b"\0\0" if form.indefinite else b""))
    return b"".join(out)


def normalise(data: bytes, strings: Collection[int] = ()) -> tuple[bytes, Shape]:
    """Convert one BER element to DER lengths and primitive strings; returns the DER and the changes.

    `strings` are the offsets of constructed context-tagged elements that the
    schema defines as implicit OCTET STRINGs (encryptedContent): the bytes alone
    do not distinguish them from an explicit tag. The order of a SET OF is kept
    as sent. Raises der.DerError on malformed or trailing bytes.
    """
    tree = _tree(data, strings)
    plain = [DER_FORM] * len(tree.heads)
    shape = Shape(tuple((i, form) for i, form in enumerate(tree.forms) if form != DER_FORM))
    return _write(tree, plain), shape


def dress(data: bytes, shape: Shape) -> bytes:
    """Write DER `data` again in the captured `shape`: the inverse of `normalise`.

    Raises der.DerError if the data does not have the elements of the shape.
    """
    if not shape:
        return data
    tree = _tree(data, ())
    forms = [DER_FORM] * len(tree.heads)
    for index, form in shape.forms:
        if index >= len(forms):
            raise der.DerError(0, f"at least {index + 1} elements", str(len(forms)))
        forms[index] = form
    return _write(tree, forms)
