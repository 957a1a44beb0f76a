"""Compare two structures field by field.

Rule: fields are aligned by name or identifier, not by position. Elements of a
SET OF have no order; an attribute is matched by its identifier. Fields are compared
by their values, so BER and DER, or PrintableString and UTF8String, can be the same
value in another encoding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import zip_longest

from sceplab.asn1 import der
from sceplab.asn1.scan import GARBAGE, TRAILING
from sceplab.schema import Node, describe, step_of

# Limit of elements that are compared on each side; a SCEP message has a few hundred.
MAX_NODES = 20_000
# Longer lists are compared by position: finding partners costs the square of their number.
_ALIGNED = 1000


class Likeness(StrEnum):
    """How similar two fields are, from most to least."""

    SAME = "same"
    ENCODING = "same value, other encoding"
    EXPECTED = "expected to differ"
    DIFFERENT = "different"
    FIRST_ONLY = "only in the first"
    SECOND_ONLY = "only in the second"


# Fields that differ in each message because they are random, new, or computed from
# such fields: step in the path, and reason. Fields inside certificates are not listed.
EXPECTED = {
    "senderNonce": "random, new with each message (RFC 8894, 3.2.1.5)",
    "recipientNonce": "the senderNonce of the request (RFC 8894, 3.2.1.5)",
    "encryptedKey": "a new content key, encrypted anew",
    "encryptedContent": "encrypted under a new content key",
    "contentEncryptionAlgorithm.parameters": "a new IV",
    "contentEncryptionAlgorithm.nonce": "a new nonce",
    "messageDigest": "follows from the content",
    "signerInfo.signature": "follows from the signed attributes",
    "signingTime": "the moment of signing",
}


@dataclass(frozen=True, slots=True)
class Pair:
    """A field of two structures; None where one of them does not have it.

    `likeness` of a structure is the least of its parts. `why` is the reason of an
    EXPECTED difference.
    """

    path: str
    name: str
    first: Node | None
    second: Node | None
    likeness: Likeness
    why: str
    children: tuple[Pair, ...]

    @property
    def leaf(self) -> bool:
        """Whether there are no fields inside."""
        return not self.children

    def leaves(self) -> Iterator[Pair]:
        """Yield the pairs without fields inside, in order."""
        stack = [self]
        while stack:
            pair = stack.pop()
            if pair.leaf:
                yield pair
            stack += reversed(pair.children)


def compare(first: bytes, second: bytes, type_name: str = "ContentInfo") -> Pair:
    """Return two structures (bytes) of one type as aligned pairs. Never raises."""
    budget = [MAX_NODES]
    return _pair(describe(first, type_name), describe(second, type_name), "", "", budget)


_ORDER = list(Likeness)


def _pair(first: Node | None, second: Node | None, path: str, step: str, budget: list[int]) -> Pair:
    one = first if first is not None else second
    assert one is not None  # noqa: S101 - one of them always is
    here = ".".join(filter(None, (path, step)))
    budget[0] -= 1
    children: tuple[Pair, ...] = ()
    pieces = any(n is not None and n.segmented for n in (first, second))
    if budget[0] > 0 and one.depth < 100 and not pieces:
        children = tuple(_children(first, second, here, budget))
    likeness, why = _likeness(first, second, children, here)
    return Pair(here, one.name, first, second, likeness, why, children)


def _children(first: Node | None, second: Node | None, path: str, budget: list[int]) -> Iterator[Pair]:
    a = list(first.children[: budget[0]]) if first is not None else []
    b = list(second.children[: budget[0]]) if second is not None else []
    if max(len(a), len(b)) > _ALIGNED:
        for number, (x, y) in enumerate(zip_longest(a, b)):
            name = step_of(x) if x is not None else step_of(y) if y is not None else ""
            yield _pair(x, y, path, f"{name}[{number}]", budget)
        return
    unordered = any(n is not None and _is_set(n) for n in (first, second))
    pairs = list(_match_set(a, b) if unordered else _match_list(a, b))
    names = [step_of(x) if x is not None else step_of(y) if y is not None else "" for x, y in pairs]
    often = Counter(names)
    seen: dict[str, int] = {}
    for (x, y), name in zip(pairs, names, strict=True):
        step = name
        if name and often[name] > 1:
            step = f"{name}[{seen.get(name, 0)}]"
            seen[name] = seen.get(name, 0) + 1
        yield _pair(x, y, path, step, budget)


_Match = Iterator[tuple[Node | None, Node | None]]


def _is_set(node: Node) -> bool:
    return node.element.tag == der.SET or node.name in {"signedAttrs", "certificates", "attributes", "unsignedAttrs"}


def _match_set(a: Sequence[Node], b: Sequence[Node]) -> _Match:
    """Match equal elements, then elements of the same name; return the unmatched ones, too."""
    left = list(b)
    partner: dict[int, Node] = {}
    for same in (lambda x, y: x.raw == y.raw, lambda x, y: step_of(x) == step_of(y)):
        for x in a:
            if id(x) in partner:
                continue
            found = next((y for y in left if same(x, y)), None)
            if found is not None:
                partner[id(x)] = found
                left.remove(found)
    for x in a:
        yield x, partner.get(id(x))
    for y in left:
        yield None, y


def _match_list(a: Sequence[Node], b: Sequence[Node]) -> _Match:
    """Match in order, by name (and by bytes where names repeat)."""
    keys_a, keys_b = [step_of(x) for x in a], [step_of(x) for x in b]
    if len(set(keys_a)) < len(keys_a) or len(set(keys_b)) < len(keys_b):
        raws_a, raws_b = [x.raw for x in a], [x.raw for x in b]
        for what, i, j, k, m in SequenceMatcher(None, raws_a, raws_b, autojunk=False).get_opcodes():
            if what == "equal":
                yield from zip(a[i:j], b[k:m], strict=True)
            else:
                yield from _match_names(a[i:j], b[k:m])
        return
    yield from _match_names(a, b)


def _match_names(a: Sequence[Node], b: Sequence[Node]) -> _Match:
    keys_a, keys_b = [step_of(x) for x in a], [step_of(x) for x in b]
    for what, i, j, k, m in SequenceMatcher(None, keys_a, keys_b, autojunk=False).get_opcodes():
        if what == "equal":
            yield from zip(a[i:j], b[k:m], strict=True)
        else:
            yield from ((x, None) for x in a[i:j])
            yield from ((None, y) for y in b[k:m])


def _likeness(first: Node | None, second: Node | None, children: Sequence[Pair], path: str) -> tuple[Likeness, str]:
    if first is None:
        return Likeness.SECOND_ONLY, ""
    if second is None:
        return Likeness.FIRST_ONLY, ""
    if first.raw == second.raw:
        return Likeness.SAME, ""
    if children:
        worst = max((c.likeness for c in children), key=_ORDER.index)
        if worst in {Likeness.FIRST_ONLY, Likeness.SECOND_ONLY}:
            return Likeness.DIFFERENT, ""
        if worst is Likeness.SAME:
            return Likeness.ENCODING, _how(first, second)
        return worst, next((c.why for c in children if c.likeness is worst), "") if worst is Likeness.ENCODING else ""
    if _says(first) == _says(second):
        return Likeness.ENCODING, _how(first, second)
    if first.holds and (first.segmented or second.segmented):
        # Segments cannot be shown side by side, but their joined content can be compared.
        inner = compare(_joined(first), _joined(second), first.holds)
        return inner.likeness, inner.why
    for end, why in EXPECTED.items():
        if path == end or path.endswith("." + end) or (path + ".").endswith(f".{end}.{end.rpartition('.')[2]}."):
            return Likeness.EXPECTED, why
    if ".encryptedContent" in path:
        return Likeness.EXPECTED, EXPECTED["encryptedContent"]
    return Likeness.DIFFERENT, ""


def _says(node: Node) -> tuple[str, object]:
    """Return the value of a field without its encoding."""
    if node.flags & (GARBAGE | TRAILING):
        return "raw", node.raw
    element = node.element
    plain = element.tag & ~der.CONSTRUCTED
    try:
        if plain in der.STRING_TYPE_NAMES and plain != der.OCTET_STRING and plain < der.CONTEXT:
            return "text", der.text_of(element)
        if element.tag == der.INTEGER:
            return "number", der.int_of(element)
        if element.tag == der.BOOLEAN:
            return "truth", node.content != b"\0"
        if element.tag in {der.UTC_TIME, der.GENERALIZED_TIME} and node.value:
            return "time", node.value
        return f"{plain:02x}", element.octets()
    except der.DerError:
        return "raw", node.raw


def _joined(node: Node) -> bytes:
    try:
        return node.element.octets()
    except der.DerError:
        return node.content


def _how(first: Node, second: Node) -> str:
    if first.type != second.type:
        return f"{first.type} and {second.type}"
    both = [(a, b) for a, b in ((first, second), (second, first)) if a.findings and not b.findings]
    if both:
        return both[0][0].findings[0]
    return "the order of a SET OF" if _is_set(first) else "written in another form"
