"""The fields of a structure as a table: name, bytes, what they say, what they are for, where that is defined.

Rule: one row for each field of one structure; wrappers of explicit tags and of
sets with a single value are left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from sceplab.scep.message import PkiMessage
from sceplab.schema import Node
from sceplab.schema.nodes import step_of
from sceplab.schema.values import link
from sceplab.views.table import Table, table
from sceplab.views.viewer import layers_to_show, look_up

_SHOWN = 12
_LONGEST = 100
_MOST = 200


def show_fields(value: bytes | PkiMessage, place: int | str = "", type_name: str = "ContentInfo") -> Table:
    """Return the fields of the structure at `place` in a message or in bytes of a type.

    `place` is a path ("content.signerInfos.signerInfo"), its end, a name alone, or
    an offset; "" is the outermost structure. Raises LookupError where nothing is there.
    """
    layers = layers_to_show(value, type_name)
    root = layers[0].tree
    node = root if place == "" else look_up(layers, place)[1]
    if node is None:
        raise LookupError(f"nothing is at {place!r}")
    rows = [_row(field) for field in _fields(node)]
    links = {row[-1]: url for row in rows if (url := link(row[-1]))}
    return table(("field", "bytes", "here", "what it is for", "defined in"), rows, code=("bytes",), links=links)


def _fields(node: Node) -> Iterator[Node]:
    node = _unwrapped(node)
    if len(node.children) == 1 and len(node.children[0].children) > 1:
        node = node.children[0]  # a list of one: its fields say more
    for count, child in enumerate(node.children):
        if count == _MOST:
            return
        yield child


def _unwrapped(node: Node) -> Node:
    """Return what is inside of an explicit tag, or of a string that holds ASN.1."""
    while len(node.children) == 1 and (node.type.endswith("EXPLICIT") or node.holds):
        node = node.children[0]
    return node


def _row(node: Node) -> tuple[str, str, str, str, str]:
    shown = _valued(node)
    data = shown.raw[:_SHOWN].hex(" ") + (f" ... ({len(shown.raw)} bytes)" if len(shown.raw) > _SHOWN else "")
    said = shown.value or _summary(shown)
    return (
        step_of(node) or node.name,
        data,
        said[:_LONGEST] + "..." * (len(said) > _LONGEST),
        node.meaning,
        shown.section,
    )


def _valued(node: Node) -> Node:
    """Return the one value of an attribute; other nodes without their wrapper."""
    if node.type == "Attribute" and len(node.children) == 2 and len(node.children[1].children) == 1:
        return node.children[1].children[0]
    return _unwrapped(node)


def _summary(node: Node) -> str:
    if not node.children:
        return ""
    names = [step_of(child) or child.name for child in node.children[:_MOST]]
    if len(set(names)) == 1 and len(names) > 1:
        return f"{len(node.children)} times {names[0]}"
    return ", ".join(names)
