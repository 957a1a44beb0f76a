"""The state of the viewer: layers with the names, coverage and landmarks that its script draws.

Rule: of a large layer only the names in sight go along; the script asks for the
rest by offset (`labels_at`). What a person selects is a layer's index and an
offset in that layer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypedDict

from sceplab.scep.message import PkiMessage
from sceplab.schema import Node, by_path, find, link, nodes_of, path_of, paths, steps_of
from sceplab.schema.coverage import Coverage, Span
from sceplab.schema.layers import AS_USUAL, LayerBytes, Reading, layers_of
from sceplab.views.text import visible

# Nodes of a layer whose names go along with it; of a larger layer only the outermost ones.
_NAMED_AT_ONCE = 4000
_NAMED_FIRST = 300
# Offsets that are answered at once.
_ASKED = 200
# Nodes among which landmarks are looked for.
_STATIONS = 2000
# Characters of a value in one label.
_LONGEST = 600

Label = list[Any]
"""A node's offset, name, type, value, section, link, step of the path, guess (0 or 1), findings."""

Station = list[Any]
"""A step of the way through the layers: title, layer, offset."""


class LayerState(TypedDict):
    """One layer; `start` and `length` are its place in `ViewerState.data`, `complete` says that all have labels."""

    title: str
    type: str
    start: int
    length: int
    parent: int | None
    at: int
    how: str
    complete: bool


class CoverageState(TypedDict):
    """One `Coverage`; a span is [layer, start, end]."""

    kind: str
    label: str
    note: str
    spans: list[list[int]]
    proof: list[int] | None


class ViewerState(TypedDict):
    """What the script needs to draw layers; the names are those of its traits."""

    data: bytes
    buffers: list[LayerState]
    labels: list[list[Label]]
    openings: list[list[int]]
    regions: list[CoverageState]
    stations: list[Station]


class Labels(TypedDict):
    """Labels of one layer and the offsets of the strings in it that hold ASN.1."""

    labels: list[Label]
    openings: list[int]


def layers_to_show(
    value: bytes | PkiMessage,
    type_name: str = "ContentInfo",
    *,
    title: str = "",
    text: str = "",
    reading: Reading = AS_USUAL,
) -> tuple[LayerBytes, ...]:
    """Return the layers of a decoded message (`text`: the base64 that it came in), or one layer of bytes."""
    if isinstance(value, PkiMessage):
        return layers_of(value, text, reading)
    named = title or ("octets" if type_name == "ANY" else type_name)
    return (LayerBytes(named, value, type_name, reading=reading),)


def viewer_state(layers: Sequence[LayerBytes], coverage: Iterable[Coverage]) -> ViewerState:
    """Return the state of a viewer of these layers with their coverage."""
    listed: list[LayerState] = []
    labels, openings = [], []
    start = 0
    for layer in layers:
        named, complete = _labels(layer.tree)
        listed.append(
            {
                "title": visible(layer.title),
                "type": layer.type_name,
                "start": start,
                "length": len(layer.data),
                "parent": layer.parent,
                "at": layer.at,
                "how": layer.made.value,
                "complete": complete,
            }
        )
        start += len(layer.data)
        labels.append(named["labels"])
        openings.append(named["openings"])
    return {
        "data": b"".join(layer.data for layer in layers),
        "buffers": listed,
        "labels": labels,
        "openings": openings,
        "regions": [_coverage(c) for c in coverage],
        "stations": list(_stations(layers)),
    }


def labels_at(layer: LayerBytes, offsets: Sequence[int]) -> Labels:
    """Return the labels of the nodes that start at the offsets; other offsets are passed over."""
    out: Labels = {"labels": [], "openings": []}
    for offset in offsets[:_ASKED]:
        chain = _chain_to(layer.tree, offset)
        if chain:
            _add(out, chain[-1], path_of(chain).rpartition(".")[2])
    return out


def chain_at(layers: Sequence[LayerBytes], selected: Sequence[int]) -> list[Node]:
    """Return the nodes down to the one at [layer, offset], outermost first; [] where no node starts there."""
    if len(selected) != 2 or not 0 <= selected[0] < len(layers):
        return []
    chains = (_chain_to(root, selected[1]) for root in _roots(layers[selected[0]]))
    return next(filter(None, chains), [])


def look_up(layers: Sequence[LayerBytes], place: int | str, layer: int | None = None) -> tuple[int, Node]:
    """Return the index of a layer and the node in it at an offset or a path.

    Without `layer` an offset is one of the outermost layer of ASN.1, and a path is
    looked for in all layers; the end of a path, or a name alone, finds the first
    node that fits. Raises LookupError.
    """
    for index, one in enumerate(layers):
        root = one.tree
        if root is None or layer not in {None, index}:
            continue
        if isinstance(place, int):
            chain = find(root, place)
            if not chain:
                raise LookupError(f"octet {place} is outside of {one.title}")
            return index, chain[-1]
        node = by_path(root, place) or _named(root, place)
        if node is not None:
            return index, node
    raise LookupError(f"nothing is at {place!r}")


def _named(root: Node, place: str) -> Node | None:
    """Return the first node of that name, or with a path that ends so."""
    near = list(islice(paths(root), _NAMED_AT_ONCE))
    named = (node for node, _ in near if node.name == place)
    return next(named, None) or next((node for node, path in near if path.endswith(f".{place}")), None)


def _chain_to(root: Node | None, offset: int) -> list[Node]:
    chain = find(root, offset) if root is not None else []
    while chain and chain[-1].start != offset:
        chain.pop()
    return chain


def _roots(layer: LayerBytes) -> Iterator[Node]:
    """Yield the tree of a layer, then what the script opens on request: guesses, and what follows the first element."""
    root = layer.tree
    if root is None:
        return
    yield root
    yield layer.describe(probe=True)
    while root.end < len(layer.data):
        root = layer.describe("ANY", root.end, probe=True)
        yield root


def _span(span: Span) -> list[int]:
    return [span.layer, span.start, span.end]


def _coverage(one: Coverage) -> CoverageState:
    return {
        "kind": one.kind.value,
        "label": visible(one.label),
        "note": one.note,
        "spans": [_span(s) for s in one.spans],
        "proof": None if one.proof is None else _span(one.proof),
    }


def _add(out: Labels, node: Node, step: str) -> None:
    out["labels"].append(_label(node, step))
    if node.children and not node.element.constructed:
        out["openings"].append(node.start)


def _label(node: Node, step: str) -> Label:
    value = visible(node.value)
    return [
        node.start,
        visible(node.name),
        visible(node.type),
        value if len(value) <= _LONGEST else f"{value[:_LONGEST]} ...",
        node.section,
        link(node.section),
        visible(step),
        int(node.guess),
        list(node.findings),
    ]


def _labels(root: Node | None) -> tuple[Labels, bool]:
    """Return the labels that go along with a layer, and whether these are all."""
    out: Labels = {"labels": [], "openings": []}
    if root is None:
        return out, True
    # By breadth: where not all can be named, the outermost ones are.
    waiting = deque([(root, "")])
    small = sum(1 for _ in nodes_of(root, _NAMED_AT_ONCE + 1)) <= _NAMED_AT_ONCE
    while waiting and (small or len(out["labels"]) < _NAMED_FIRST):
        node, step = waiting.popleft()
        _add(out, node, step)
        if small or len(node.children) <= _NAMED_FIRST:
            waiting += steps_of(node.children)
    return out, not waiting and small


_LANDMARKS = {"SignedData", "EnvelopedData"}


def _stations(layers: Sequence[LayerBytes]) -> Iterator[Station]:
    """Yield the way through the layers."""
    for index, layer in enumerate(layers):
        root = layer.tree
        if root is None:
            yield [visible(layer.title), index, 0]
            continue
        found = []
        if layer.type_name == "ContentInfo":
            found = [n for n in nodes_of(root, _STATIONS) if n.type in _LANDMARKS]
        if not found:
            yield [visible(root.type), index, root.start]
        yield from ([n.type, index, n.start] for n in found)
