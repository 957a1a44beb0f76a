"""A tree of bytes with the names that the tables give them; branches are made on demand.

Rule: `Node.children` reads one level and no more, so that the start of a large
CRL is shown as fast as the start of a request. Never raises.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import overload

from sceplab.asn1 import der, oids
from sceplab.asn1.scan import CUT, GARBAGE, MAX_DEPTH, TRAILING, Ends, header, level, violations
from sceplab.schema.meanings import meaning_of
from sceplab.schema.tables import BY, TYPES, Field, Type
from sceplab.schema.values import header_words, tag_name, value_of

_LEAF = Type()
_UNKNOWN = Field("")
_SEGMENT = Field("segment", "OCTET STRING", section="X.690, 8.7")
# Lists longer than this are kept as offsets only; their nodes are made anew each time.
_KEPT = 1000
# Elements of a structure that are matched with fields; later ones are unknown extras.
_MATCHED = 64
# Types whose first element identifies the whole.
_SPEAKING = {"AlgorithmIdentifier", "SMIMECapability", "SubjectPublicKeyInfo", "Extension"}
_PAIRS = {"Attribute", "AttributeTypeAndValue"}

_Maker = Callable[[int, der.Element, int], "Node"]


@dataclass(frozen=True, slots=True)
class _Tree:
    """What all nodes of one tree share."""

    data: bytes
    names: Mapping[str, str]
    types: Mapping[str, str]
    probe: bool
    ends: Ends = field(default_factory=dict)

    def element(self, pos: int, limit: int) -> tuple[der.Element, int]:
        """Return the element at `pos`, as far as there is one, and its flags."""
        content, content_end, end, flags = header(self.data, pos, limit, self.ends)
        tag_end = pos + 1
        if self.data[pos] & 0x1F == 0x1F and not flags & GARBAGE:
            while self.data[tag_end] & 0x80:
                tag_end += 1
            tag_end += 1
        tag = int.from_bytes(self.data[pos:tag_end], "big")
        return der.Element(self.data, pos, tag, content, content_end, end), flags

    def name_of(self, oid: str) -> str:
        return self.names.get(oid) or oids.name_of(oid)


@dataclass(frozen=True, eq=False, repr=False)
class Node:
    """One element with its meaning.

    `name` is the field's name, `type` its ASN.1 type, `section` the RFC's place,
    `owner` the type of the structure that it is a field of.
    `element` has the offsets, from the start of the described octets. `known`
    says that a table has a name for it, `inner` that it is ASN.1 inside a
    string, `guess` that it was found by probing.
    """

    name: str
    type: str
    section: str
    element: der.Element
    known: bool
    depth: int
    inner: bool
    guess: bool
    flags: int
    owner: str
    _kind: str
    _definition: Type
    _default: bytes | None
    _tree: _Tree

    def __repr__(self) -> str:
        # (ascii: the value is other people's text, and a notebook shows what this returns.)
        said = f" {self.value!a}" if self.value else ""
        return f"<{self.name} {self.type}{said}, bytes {self.start} to {self.end - 1}>"

    @property
    def start(self) -> int:
        """Offset of the first identifier byte."""
        return self.element.start

    @property
    def content_start(self) -> int:
        """Offset of the first content byte."""
        return self.element.content_start

    @property
    def content_end(self) -> int:
        """Offset behind the content, before end-of-contents bytes."""
        return self.element.content_end

    @property
    def end(self) -> int:
        """Offset behind the element."""
        return self.element.end

    @property
    def raw(self) -> bytes:
        """The bytes of the whole element."""
        return self.element.raw

    @property
    def content(self) -> bytes:
        """The content bytes."""
        return self.element.value

    @property
    def segmented(self) -> bool:
        """Whether it is a string in pieces (BER): then the children are its segments."""
        tag = self.element.tag
        if self.flags & (GARBAGE | TRAILING) or not self.element.constructed:
            return False
        return self._kind == "segments" or (tag < der.CONTEXT and tag & ~der.CONSTRUCTED in der.STRING_TYPE_NAMES)

    @property
    def holds(self) -> str:
        """The name of the type of the ASN.1 inside the string, "" where it is no such string."""
        return self._definition.holds.type if self._definition.holds is not None else ""

    @cached_property
    def value(self) -> str:
        """The value in words."""
        if self.flags & (GARBAGE | TRAILING):
            return f"{self.end - self.start} bytes"
        text = value_of(self.element, self._kind, self._tree.names)
        if text or not self.children:
            return text or ("empty" if self.element.constructed and self.content_start == self.content_end else "")
        if self._kind in _SPEAKING:
            return _bare(self.children[0].value)
        if self._kind in _PAIRS and len(self.children) > 1:
            value = self.children[1]
            said = value.value or (value.children[0].value if value.children else "")
            return f"{_bare(self.children[0].value)}: {said}" if said else _bare(self.children[0].value)
        return ""

    @property
    def meaning(self) -> str:
        """What the field is for, in one line; "" where none is known."""
        if not self.known or self.flags & (GARBAGE | TRAILING):
            return ""
        return meaning_of(self.owner, step_of(self), self.name)

    @property
    def header(self) -> str:
        """The identifier and length octets, in words (X.690, 8.1.2 and 8.1.3)."""
        return header_words(self.element, self.flags)

    @cached_property
    def findings(self) -> tuple[str, ...]:
        """The deviations of the element from DER (see `scan.violations`)."""
        implicit_set = self._definition.set_of and self.element.tag & 0xC0 == der.CONTEXT
        found = violations(
            self._tree.data, self.start, self.content_start, self.content_end, self.flags, set_of=implicit_set
        )
        if self._default is not None and self.content == self._default:
            found = (*found, "a DEFAULT value that is written out (X.690, 11.5)")
        return found

    @cached_property
    def children(self) -> Sequence[Node]:
        """The elements inside, named; made when asked for."""
        if self.flags & (GARBAGE | TRAILING) or self.depth >= MAX_DEPTH:
            return ()
        if self.element.constructed:
            return self._level()
        if self._definition.holds is not None:
            return self._inside(self._definition.holds, guess=False)
        return self._inside(_UNKNOWN, guess=True) if self._tree.probe else ()

    def _level(self) -> Sequence[Node]:
        tree, limit = self._tree, self.content_end
        starts = level(tree.data, self.content_start, limit, tree.ends)
        make = self._maker()

        def child(position: int) -> Node:
            return make(position, *tree.element(starts[position], limit))

        if len(starts) <= _KEPT:
            return tuple(map(child, range(len(starts))))
        # Fields are matched in order, so those of a structure are made once, now.
        first = [child(i) for i in range(_MATCHED)] if self._definition.fields else []
        return _Lazy(starts, lambda position: first[position] if position < len(first) else child(position))

    def _maker(self) -> _Maker:
        if self._definition.fields:
            return self._structure(self._definition.fields)
        each = self._definition.each or _UNKNOWN
        if self.segmented:
            each = _SEGMENT

        def listed(_position: int, element: der.Element, flags: int) -> Node:
            return self._child(element, flags, each, listed=True)

        return listed

    def _structure(self, fields: tuple[Field, ...]) -> _Maker:
        """Match elements with fields in order, where fields may be absent."""
        at = 0
        oid = ""

        def matched(position: int, element: der.Element, flags: int) -> Node:
            nonlocal at, oid
            here = at
            while here < len(fields) and fields[here].tag not in {None, element.tag}:
                here += 1
            if here == len(fields) or position >= _MATCHED or flags & GARBAGE:
                return self._child(element, flags, _UNKNOWN)
            at = here + 1
            given = fields[here]
            if given.type == "OID" and element.tag == der.OID:
                oid = _dotted(element)
            made = self._child(element, flags, _by_identifier(self._tree, given, oid) if given.by else given)
            if given.type == "AlgorithmIdentifier" and made.children:
                oid = _dotted(made.children[0].element)
            return made

        return matched

    def _child(self, element: der.Element, flags: int, given: Field, *, listed: bool = False) -> Node:
        definition = given.definition or TYPES.get(given.type, _LEAF)
        if definition.choices and not given.explicit and element.tag in definition.choices:
            chosen = definition.choices[element.tag]
            name = chosen.name if listed or not given.name else given.name
            given = replace(chosen, name=name, section=given.section or definition.section)
            definition = TYPES.get(chosen.type, _LEAF)
        if not given.explicit:
            return self._make(element, flags, given, definition)
        around = Field(given.name, f"[{element.tag & 0x1F}] EXPLICIT", default=given.default, section=given.section)
        return self._make(element, flags, around, Type(each=replace(given, explicit=False, tag=None, default=None)))

    def _make(
        self,
        element: der.Element,
        flags: int,
        given: Field,
        definition: Type,
        *,
        inner: bool = False,
        guess: bool = False,
    ) -> Node:
        if flags & (GARBAGE | TRAILING):
            name, shown, known = ("trailing bytes" if flags & TRAILING else "unreadable bytes"), "not ASN.1", False
        else:
            structured = (definition.fields or definition.each) and given.definition is None and element.constructed
            shown = given.type if structured else tag_name(element.tag, given.type)
            name, known = given.name or shown, bool(given.name)
        return Node(
            name,
            shown,
            given.section or definition.section or self.section,
            element,
            known,
            self.depth + 1,
            inner,
            guess or self.guess,
            flags,
            self.owner if self.type.endswith("EXPLICIT") else self._kind,
            given.type,
            definition,
            given.default,
            self._tree,
        )

    def _inside(self, held: Field, *, guess: bool) -> Sequence[Node]:
        """Return the ASN.1 in a string: what the table says, or (probing) what fits exactly."""
        tree, limit = self._tree, self.content_end
        start = self.content_start + (self.element.tag == der.BIT_STRING)
        if limit - start < 2:
            return ()
        element, flags = tree.element(start, limit)
        if flags & (GARBAGE | CUT):
            return ()
        definition = held.definition or TYPES.get(held.type, _LEAF)
        if definition.fields and element.tag != der.SEQUENCE:
            return ()
        if guess and (element.end != limit or not _plausible(tree, element)):
            return ()
        first = self._make(element, flags, held, definition, inner=True, guess=guess)
        if element.end == limit:
            return (first,)
        rest = der.Element(tree.data, element.end, 0, element.end, limit, limit)
        return first, self._make(rest, TRAILING, _UNKNOWN, _LEAF)


class _Lazy(Sequence[Node]):
    """The children of a long list, each made anew when it is asked for."""

    def __init__(self, starts: Sequence[int], make: Callable[[int], Node]) -> None:
        self.starts = starts
        self._make = make

    def __len__(self) -> int:
        return len(self.starts)

    @overload
    def __getitem__(self, index: int) -> Node: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Node]: ...
    def __getitem__(self, index: int | slice) -> Node | Sequence[Node]:
        if isinstance(index, slice):
            return [self._make(i) for i in range(*index.indices(len(self.starts)))]
        return self._make(range(len(self.starts))[index])


def _plausible(tree: _Tree, element: der.Element) -> bool:
    """Whether a guess holds: a universal tag of the usual ones, and whole elements inside."""
    if element.tag not in {0x30, 0x31, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0C, 0x13, 0x16, 0x17, 0x18}:
        return False
    if not element.constructed:
        return True
    inside = level(tree.data, element.content_start, element.content_end, tree.ends)
    return not any(header(tree.data, pos, element.content_end, tree.ends)[3] & (GARBAGE | CUT) for pos in inside)


def _dotted(element: der.Element) -> str:
    try:
        return der.oid_of(element)
    except der.DerError:
        return ""


def _by_identifier(tree: _Tree, given: Field, oid: str) -> Field:
    """Return the field with the type that the identifier before it says."""
    kind, section = BY[given.by].get(oid, ("", ""))
    if given.by in {"attribute", "extension"}:
        kind = tree.types.get(oid, kind)
        known = Field(tree.name_of(oid), kind or "ANY", section=section) if kind or oid in tree.names else _UNKNOWN
        if given.by == "attribute":
            return replace(given, section="RFC 5652, 5.3", definition=Type(each=known, set_of=True))
        return replace(given, section="RFC 5280, 4.2", definition=Type(holds=known if kind else None))
    if given.by == "parameters":
        # RFC 5280, 4.1.1.2: they are the algorithm's; most have NULL, or none at all.
        return replace(given, type=kind or "ANY", section=section or ("" if kind else "RFC 5280, 4.1.1.2"))
    return replace(given, type=kind or given.type, section=section)


# --------------------------------------------------------------- the whole


def describe(
    data: bytes,
    type_name: str = "ContentInfo",
    *,
    names: Mapping[str, str] | None = None,
    types: Mapping[str, str] | None = None,
    probe: bool = False,
    start: int = 0,
) -> Node:
    """Return the tree of the element at the start of `data`, or at offset `start` of it. Never raises.

    Args:
        data: BER or DER; bytes behind the element are not described.
        type_name: One of `TYPES`, or "ANY".
        names: Own names of OIDs (dotted form to name); they go before ours.
        types: Own attributes and extensions: OID to the name (in `TYPES`) of their value's type.
        probe: Look into OCTET STRINGs of unknown content too; what fits is marked as a guess.
        start: Where the element begins; offsets count from the start of `data` all the same.
    """
    tree = _Tree(data, names or {}, types or {}, probe)
    nowhere = der.Element(data, start, 0, start, len(data), len(data))
    top = Node("", "", "", nowhere, False, -1, False, False, 0, "", "", _LEAF, None, tree)  # noqa: FBT003
    if start >= len(data):
        return top._make(nowhere, GARBAGE, _UNKNOWN, _LEAF)
    element, flags = tree.element(start, len(data))
    known = type_name if type_name != "ANY" else ""
    return top._child(element, flags, Field(known, type_name))  # noqa: SLF001


def nodes_of(root: Node, limit: int = 100_000) -> Iterator[Node]:
    """Yield a node and all inside it in reading order, at most `limit`."""
    stack = [iter((root,))]
    while stack and limit > 0:
        node = next(stack[-1], None)
        if node is None:
            stack.pop()
            continue
        limit -= 1
        yield node
        if node.children:
            stack.append(iter(node.children))


def find(root: Node, offset: int) -> list[Node]:
    """Return the nodes that contain the byte at `offset`, outermost first ([] where none does)."""
    out: list[Node] = []
    node: Node | None = root if root.start <= offset < root.end else None
    while node is not None:
        out.append(node)
        children = node.children
        starts = children.starts if isinstance(children, _Lazy) else [c.start for c in children]
        at = bisect_right(starts, offset) - 1
        child = children[at] if at >= 0 else None
        node = child if child is not None and offset < child.end else None
    return out


def step_of(node: Node) -> str:
    """Return what a node adds to a path: nothing for wrappers, its own name for an attribute or extension."""
    if node.type.endswith("EXPLICIT") or node.name in {"ContentInfo", "attrValues", "SET"}:
        return ""
    if node.type in {"Attribute", "Extension", "AttributeTypeAndValue"} and node.children:
        first = node.children[0]
        if first.type == "OBJECT IDENTIFIER":
            return _bare(first.value)
    return node.name


def _bare(value: str) -> str:
    """Return what an OBJECT IDENTIFIER says without its dotted form."""
    return re.sub(r" \([\d.]+\)", "", value)


def steps_of(children: Sequence[Node]) -> Iterator[tuple[Node, str]]:
    """Yield each child with its step, numbered where several have the same name."""
    names = [step_of(child) for child in children]
    seen: dict[str, int] = {}
    often = {name for name in names if names.count(name) > 1} if len(names) <= _KEPT else set(names)
    for child, name in zip(children, names, strict=True):
        if not name:
            yield child, ""
        elif name in often:
            number = seen.get(name, 0)
            seen[name] = number + 1
            yield child, f"{name}[{number}]"
        else:
            yield child, name


def path_of(nodes: Sequence[Node]) -> str:
    """Return the path of the last of `nodes`, which are those that `find` gives.

    An attribute or extension appears under its own name
    ("content.signerInfos.signerInfo.signedAttrs.senderNonce").
    """
    out = []
    for parent, node in pairwise(nodes):
        if len(parent.children) > _KEPT:
            # The number is enough: naming very many siblings would take too long.
            starts = parent.children.starts if isinstance(parent.children, _Lazy) else []
            out.append(f"{node.name}[{bisect_right(starts, node.start) - 1}]")
            continue
        out.append(next(step for child, step in steps_of(parent.children) if child.start == node.start))
    return ".".join(filter(None, out))


def paths(root: Node) -> Iterator[tuple[Node, str]]:
    """Yield a node and all inside it in reading order, each with its path."""
    stack = [iter([(root, "")])]
    while stack:
        found = next(stack[-1], None)
        if found is None:
            stack.pop()
            continue
        yield found
        stack.append(_inside_of(*found))


def _inside_of(node: Node, path: str) -> Iterator[tuple[Node, str]]:
    return ((child, ".".join(filter(None, (path, step)))) for child, step in steps_of(node.children))


def fields(data: bytes, type_name: str = "ContentInfo") -> dict[str, bytes]:
    """Return every field that holds no others, by its path, with its content bytes. Never raises."""
    leaves = ((path or node.name, node.content) for node, path in paths(describe(data, type_name)) if not node.children)
    return dict(sorted(leaves))


def by_path(root: Node, path: str) -> Node | None:
    """Return the node at a path as `path_of` gives it, or None."""
    stack: list[tuple[Node, str]] = [(root, "")]
    while stack:
        node, here = stack.pop()
        if here == path and here:
            return node
        for child, step in steps_of(node.children):
            longer = ".".join(filter(None, (here, step)))
            if path == longer or path.startswith(longer + ".") or not longer:
                stack.append((child, longer))
    return None
