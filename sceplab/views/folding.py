"""Which elements a short tree leaves out, because they only wrap another one or repeat what it says.

Rule: decided by types of the tables, never by values. What is left out is still in
the bytes and in the full tree. For example an Attribute is SEQUENCE, attrType,
attrValues and a value: the short tree has the value alone, under its own name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sceplab.schema import Node, step_of


@dataclass(slots=True)
class Folded:
    """The elements that are left out, and what the others are called then (by offset of the first byte).

    `also` is what an element that was left out adds to a row: "critical".
    """

    wraps: set[int] = field(default_factory=set)
    called: dict[int, str] = field(default_factory=dict)
    also: dict[int, str] = field(default_factory=dict)

    def leave_out(self, *nodes: Node) -> None:
        """Leave out elements."""
        self.wraps.update(n.start for n in nodes)


def fold(nodes: Iterable[Node]) -> Folded:
    """Return what the short tree of these elements leaves out."""
    out = Folded()
    for node in nodes:
        if node.known:
            _fold(node, list(node.children[:8]), out)
    return out


def _fold(node: Node, inside: list[Node], out: Folded) -> None:
    last = inside[-1] if inside else node
    if len(inside) == 1 and last.name == node.name and not last.inner:
        out.leave_out(node)  # [0] EXPLICIT
    elif node.type == "RelativeDistinguishedName" and len(inside) == 1:
        out.leave_out(node)
    elif node.type == "AttributeTypeAndValue" and len(inside) == 2:
        out.leave_out(node, inside[0])
        out.called[last.start] = step_of(node)
    elif node.type == "Attribute" and len(inside) == 2 and len(last.children) == 1:
        out.leave_out(node, *inside)
    elif node.type == "AlgorithmIdentifier":
        out.leave_out(*inside[:1], *(n for n in inside[1:] if n.type == "NULL"))
    elif node.type == "ContentInfo" and len(inside) == 2 and len(last.children) == 1:
        out.leave_out(node, *inside)
        out.called[last.children[0].start] = last.children[0].type
    elif node.type == "Extension" and len(last.children) == 1 and last.children[0].inner:
        out.leave_out(node, *inside)
        critical = any(n.name == "critical" and n.content != b"\0" for n in inside)
        if critical:
            out.also[last.children[0].start] = "critical"


def shown(root: Node, folded: Folded) -> Iterator[tuple[Node, int]]:
    """Yield the elements of the short tree in reading order, each with its depth."""
    stack = [(root, 0)]
    while stack:
        node, depth = stack.pop()
        left_out = node.start in folded.wraps
        if not left_out:
            yield node, depth
        stack += [(child, depth if left_out else depth + 1) for child in reversed(node.children)]
