"""The state of the viewer: layers with the names, coverage and landmarks that its script draws.

Rule: of a large layer only the outermost names are sent; the script asks for the
rest by offset (`labels_found`). What a person selects is a layer's index and an
offset in that layer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypedDict

from sceplab.scep.message import PkiMessage
from sceplab.schema import Node, by_path, find, link, nodes_of, path_of, paths, steps_of
from sceplab.schema import coverage as covering
from sceplab.schema.coverage import Coverage, Covered
from sceplab.schema.layers import AS_USUAL, LayerBytes, Reading, layers_of
from sceplab.views.facts import facts_of, verdict_of
from sceplab.views.folding import Folded, fold
from sceplab.views.state import BufferState, Fact, Label, LabelsFound, RegionState, Span, Station, ViewerState
from sceplab.views.text import visible

AS_NEEDED = -1
"""An open_depth: open what shows the facts of a message, and as much as fills the pane."""

LATER = 40_000
"""Elements of a large layer whose names a page without a kernel holds."""

# Nodes of a layer whose names go along with it; of a larger layer only the outermost ones.
_NAMED_AT_ONCE = 4000
_NAMED_FIRST = 300
# Offsets that are answered at once.
_ASKED = 200
# Nodes among which landmarks are looked for.
_STATIONS = 2000
# Characters of a value in one label.
_LONGEST = 600


class Drawn(TypedDict):
    """The part of `ViewerState` that follows from the layers."""

    data: bytes
    buffers: list[BufferState]
    labels: list[list[Label]]
    openings: list[list[int]]
    regions: list[RegionState]
    stations: list[Station]
    facts: list[Fact]


_NOTHING = Folded()


@dataclass(slots=True)
class _Labels:
    """Labels of one layer, and the offsets of the strings in it that hold ASN.1."""

    labels: list[Label] = field(default_factory=list)
    openings: list[int] = field(default_factory=list)
    complete: bool = True

    def add(self, node: Node, step: str, folded: Folded = _NOTHING) -> None:
        """Add the label of a node."""
        label = _label(node, step)
        if node.start in folded.wraps:
            label["wraps"] = True
        if node.start in folded.called:
            label["called"] = visible(folded.called[node.start])
        if node.start in folded.also:
            label["also"] = folded.also[node.start]
        self.labels.append(label)
        if node.children and not node.element.constructed:
            self.openings.append(node.start)


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
    named = title or ("bytes" if type_name == "ANY" else type_name)
    return (LayerBytes(named, value, type_name, reading=reading),)


def viewer_state(
    layers: Sequence[LayerBytes],
    coverage: Iterable[Coverage],
    message: PkiMessage | None = None,
    *,
    title: str = "",
    open_depth: int = AS_NEEDED,
    wrappers: bool = False,
) -> ViewerState:
    """Return the state of a viewer of these layers with their coverage; nothing is selected.

    `message` is what the layers are of, where it was decoded: it has the facts.
    """
    return {
        "view": "viewer",
        "title": visible(title),
        **drawn_state(layers, coverage, message),
        "selected": [],
        "lit": -1,
        "open_depth": open_depth,
        "wrappers": wrappers,
        "changed": [],
        "checks": [],
        "editable": False,
        "can_undo": False,
        "problem": "",
        "revision": 0,
    }


def drawn_state(layers: Sequence[LayerBytes], coverage: Iterable[Coverage], message: PkiMessage | None = None) -> Drawn:
    """Return the part of the state that follows from the layers."""
    listed: list[BufferState] = []
    named = [_labels(layer.tree) for layer in layers]
    start = 0
    for layer, labels in zip(layers, named, strict=True):
        listed.append(
            {
                "title": visible(layer.title),
                "type": layer.type_name,
                "start": start,
                "length": len(layer.data),
                "parent": layer.parent,
                "at": layer.at,
                "how": layer.made.value,
                "complete": labels.complete,
            }
        )
        start += len(layer.data)
    return {
        "data": b"".join(layer.data for layer in layers),
        "buffers": listed,
        "labels": [n.labels for n in named],
        "openings": [n.openings for n in named],
        "regions": [_region(c, message) for c in coverage],
        "stations": list(_stations(layers)),
        "facts": facts_of(message, layers),
    }


def labels_found(layers: Sequence[LayerBytes], index: int, offsets: Sequence[int]) -> LabelsFound:
    """Return the labels of the nodes that start at the offsets of a layer; other offsets are passed over."""
    found = _Labels()
    for offset in offsets[:_ASKED]:
        chain = _chain_to(layers[index].tree, offset)
        if chain:
            found.add(chain[-1], path_of(chain).rpartition(".")[2])
    return {"kind": "labels", "buffer": index, "labels": found.labels, "openings": found.openings}


def labels_later(layers: Sequence[LayerBytes], most: int = LATER) -> list[LabelsFound]:
    """Return the labels of the layers that `drawn_state` does not name whole, up to a number of elements each.

    For a page that has no kernel to ask when more is looked at.
    """
    out: list[LabelsFound] = []
    for index, layer in enumerate(layers):
        if layer.tree is None or len(list(islice(nodes_of(layer.tree), _NAMED_AT_ONCE + 1))) <= _NAMED_AT_ONCE:
            continue
        found = _Labels()
        for node, path in islice(paths(layer.tree), most):
            found.add(node, path.rpartition(".")[2])
        out.append({"kind": "labels", "buffer": index, "labels": found.labels, "openings": found.openings})
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
                raise LookupError(f"byte {place} is outside {one.title}")
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


# What a signature is called, by the field that it covers.
_SIGNATURES = {
    "tbsCertificate": "issuer's signature",
    "tbsCertList": "CA's signature",
    "certificationRequestInfo": "proof of possession",
}
_TITLES = {Covered.DIGEST: "digest", Covered.KEY: "content key"}


def _region(one: Coverage, message: PkiMessage | None) -> RegionState:
    signature = _SIGNATURES.get(one.field, "signature") if one.kind is Covered.SIGNATURE else one.kind.value
    return {
        "kind": one.kind.value,
        "title": _TITLES.get(one.kind, signature),
        "verdict": verdict_of(message, one.kind, one.field),
        "label": visible(one.label),
        "note": one.note,
        "spans": [_span(s) for s in one.spans],
        "proof": None if one.proof is None else _span(one.proof),
    }


def _span(span: covering.Span) -> Span:
    return {"buffer": span.layer, "start": span.start, "end": span.end}


def _label(node: Node, step: str) -> Label:
    value = visible(node.value)
    label: Label = {
        "start": node.start,
        "name": visible(node.name),
        "type": visible(node.type),
        "value": value if len(value) <= _LONGEST else f"{value[:_LONGEST]} ...",
        "section": node.section,
        "link": link(node.section),
        "step": visible(step),
    }
    if node.meaning:
        label["meaning"] = node.meaning
    if node.header:
        label["header"] = node.header
    if node.guess:
        label["guess"] = True
    if node.findings:
        label["findings"] = list(node.findings)
    return label


def _labels(root: Node | None) -> _Labels:
    """Return the labels that go along with a layer."""
    out = _Labels()
    if root is None:
        return out
    # Of a large layer every element is shown: what is not labelled yet cannot be left out.
    every = list(islice(nodes_of(root), _NAMED_AT_ONCE + 1))
    small = len(every) <= _NAMED_AT_ONCE
    folded = fold(every) if small else _NOTHING
    # Breadth first: if not all can be named, the outermost ones are.
    waiting = deque([(root, "")])
    while waiting and (small or len(out.labels) < _NAMED_FIRST):
        node, step = waiting.popleft()
        out.add(node, step, folded)
        if small or len(node.children) <= _NAMED_FIRST:
            waiting += steps_of(node.children)
    out.complete = not waiting and small
    return out


_LANDMARKS = {"SignedData", "EnvelopedData"}


def _stations(layers: Sequence[LayerBytes]) -> Iterator[Station]:
    """Yield the way through the layers."""
    for index, layer in enumerate(layers):
        root = layer.tree
        if root is None:
            yield {"title": visible(layer.title), "buffer": index, "offset": 0}
            continue
        found = []
        if layer.type_name == "ContentInfo":
            found = [n for n in nodes_of(root, _STATIONS) if n.type in _LANDMARKS]
        if not found:
            yield {"title": visible(root.type), "buffer": index, "offset": root.start}
        for node in found:
            yield {"title": node.type, "buffer": index, "offset": node.start}
