"""The viewer: a tree of ASN.1 and its octets as one, for a message with all its layers.

Rule: this side has the names, static/viewer.js draws. All state that a cell may
ask for or set is a trait, so that a saved view lives without a kernel; only the
names in a large file are sent when somebody looks at them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import traitlets

from sceplab.buffers import TEXT, Buffer, buffers_of
from sceplab.message import PkiMessage
from sceplab.regions import Region, Span, regions_of
from sceplab.schema import Node, by_path, describe, find, link, path_of, paths, steps_of, walk
from sceplab.widgets.live import CHOSEN, LiveView
from sceplab.widgets.state import BufferState, Label, LabelsFound, RegionState, Station
from sceplab.widgets.state import Span as SpanState
from sceplab.widgets.still import Named, still_html, still_text
from sceplab.widgets.text import visible

# Elements of a buffer whose names go along with it; of more, the outermost ones.
_NAMED_AT_ONCE = 4000
_NAMED_FIRST = 300
# Octets of text that one label may have.
_LONGEST = 600


class Asn1Viewer(LiveView):
    """A live view of buffers; see `show`, which makes one.

    `selected` is [buffer, offset] or []; setting it, or calling `select`, moves
    every view of it. `lit` is the number of the region that is lit, or -1.
    """

    view = traitlets.Unicode("viewer").tag(sync=True)
    title = traitlets.Unicode("").tag(sync=True)
    data = traitlets.Bytes(b"").tag(sync=True)
    buffers: Any = traitlets.List().tag(sync=True)
    labels: Any = traitlets.List().tag(sync=True)
    openings: Any = traitlets.List().tag(sync=True)
    regions: Any = traitlets.List().tag(sync=True)
    stations: Any = traitlets.List().tag(sync=True)
    selected: Any = traitlets.List().tag(**CHOSEN)
    lit = traitlets.Int(-1).tag(**CHOSEN)
    open_depth = traitlets.Int(2).tag(sync=True)
    changed: Any = traitlets.List().tag(sync=True)
    checks: Any = traitlets.List().tag(sync=True)
    editable = traitlets.Bool(False).tag(sync=True)  # noqa: FBT003
    can_undo = traitlets.Bool(False).tag(sync=True)  # noqa: FBT003
    problem = traitlets.Unicode("").tag(sync=True)
    revision = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        buffers: Sequence[Buffer],
        *,
        title: str = "",
        open_depth: int = 2,
        names: Mapping[str, str] | None = None,
        types: Mapping[str, str] | None = None,
        probe: bool = False,
        **more: object,
    ) -> None:
        """Show buffers; `names`, `types` and `probe` are those of `schema.describe`."""
        self._describe: dict[str, Any] = {"names": names, "types": types, "probe": probe}
        self._shown: tuple[Named, ...] = ()
        self._regions: tuple[Region, ...] = ()
        super().__init__(title=visible(title), open_depth=open_depth, **self._state(buffers), **more)

    # ---------------------------------------------------------- for cells

    @property
    def selection(self) -> Node | None:
        """The selected element with its name, octets and offsets, or None."""
        chain = self._chain()
        return chain[-1] if chain else None

    @property
    def path(self) -> str:
        """The path of the selected element, "" where nothing is selected."""
        return path_of(self._chain())

    def select(self, place: int | str, buffer: int | None = None) -> Node:
        """Select the element at an offset or a path and return it.

        Without `buffer` (its number, outermost 0) an offset is one of the first
        buffer of ASN.1, and a path is looked for in all; the end of a path, or a
        name alone, selects the first that fits. Raises LookupError.
        """
        for index, (_, root) in enumerate(self._shown):
            if root is None or buffer not in {None, index}:
                continue
            if isinstance(place, int):
                chain = find(root, place)
                node = chain[-1] if chain else None
                if node is None:
                    raise LookupError(f"octet {place} is outside of {self._shown[index][0].title}")
            else:
                node = by_path(root, place) or _named(root, place)
            if node is not None:
                self.selected = [index, node.start]
                return node
        raise LookupError(f"nothing is at {place!r}")

    def _chain(self) -> list[Node]:
        if len(self.selected) != 2:
            return []
        index, offset = self.selected
        for root in self._roots(index):
            chain = find(root, offset)
            while chain and chain[-1].start != offset:
                chain.pop()
            if chain:
                return chain
        return []

    def _roots(self, index: int) -> Iterator[Node]:
        """Yield the tree of a buffer, then what the browser opens on request: guesses, octets behind the end."""
        buffer, root = self._shown[index] if 0 <= index < len(self._shown) else (None, None)
        if buffer is None or root is None:
            return
        yield root
        own = self._describe | {"probe": True}
        yield describe(buffer.data, buffer.type_name, **own)
        while root.end < len(buffer.data):
            root = describe(buffer.data, "ANY", start=root.end, **own)
            yield root

    # ---------------------------------------------------------- state

    def _state(self, buffers: Sequence[Buffer]) -> dict[str, Any]:
        self._shown = tuple(
            (b, None if b.type_name == TEXT else describe(b.data, b.type_name, **self._describe)) for b in buffers
        )
        self._regions = regions_of(buffers)
        listed: list[BufferState] = []
        labels, openings = [], []
        start = 0
        for buffer, root in self._shown:
            mine, inside, complete = _labels(root)
            listed.append(
                {
                    "title": visible(buffer.title),
                    "type": buffer.type_name,
                    "start": start,
                    "length": len(buffer.data),
                    "parent": buffer.parent,
                    "at": buffer.at,
                    "how": buffer.how,
                    "complete": complete,
                }
            )
            start += len(buffer.data)
            labels.append(mine)
            openings.append(inside)
        return {
            "data": b"".join(b.data for b in buffers),
            "buffers": listed,
            "labels": labels,
            "openings": openings,
            "regions": [_region(r) for r in self._regions],
            "stations": _stations(self._shown),
        }

    def _receive(self, widget: object, content: dict[str, Any], buffers: object) -> None:
        super()._receive(widget, content, buffers)
        if content.get("kind") == "labels":
            index = content["buffer"]
            labels, inside = [], []
            for offset in content["offsets"][:200]:
                label, opened = self._label_at(index, offset)
                if label is not None:
                    labels.append(label)
                inside += opened
            self.send(LabelsFound(kind="labels", buffer=index, labels=labels, openings=inside))

    def _label_at(self, index: int, offset: int) -> tuple[Label | None, list[int]]:
        root = self._shown[index][1]
        chain = find(root, offset) if root is not None else []
        while chain and chain[-1].start > offset:
            chain.pop()
        node = next((n for n in reversed(chain) if n.start == offset), None)
        if node is None:
            return None, []
        steps = path_of(chain[: chain.index(node) + 1]).rpartition(".")[2]
        return _label(node, steps), [node.start] if _is_opened(node) else []

    # ---------------------------------------------------------- where no script runs

    def __repr__(self) -> str:
        return still_text(self._shown)

    def _still(self) -> str:
        return still_html(self._shown, self.open_depth, self._regions)


def show(
    value: bytes | PkiMessage,
    type_name: str = "ContentInfo",
    *,
    title: str = "",
    open_depth: int = 2,
    text: str = "",
    names: Mapping[str, str] | None = None,
    types: Mapping[str, str] | None = None,
    probe: bool = False,
) -> Asn1Viewer:
    """Return a viewer of octets as `type_name`, or of a decoded message with all its layers.

    Args:
        value: BER or DER, or what `decode_message` gave.
        type_name: One of `schema.TYPES`, or "ANY", where `value` are octets.
        title: What stands above them.
        open_depth: Levels that are unfolded at first.
        text: The base64 that a message came in; shown as its outermost layer.
        names: Own names of OIDs; see `schema.describe`.
        types: Own types of attributes and extensions; see `schema.describe`.
        probe: Look into strings of unknown content; what fits is marked as a guess.
    """
    if isinstance(value, PkiMessage):
        buffers = buffers_of(value, text)
    else:
        buffers = (Buffer(title or ("octets" if type_name == "ANY" else type_name), value, type_name),)
    return Asn1Viewer(
        buffers, title=title or buffers[0].title, open_depth=open_depth, names=names, types=types, probe=probe
    )


def _named(root: Node, place: str) -> Node | None:
    """Return the first node of that name, or with a path that ends so."""
    near = list(islice(paths(root), _NAMED_AT_ONCE))
    named = (node for node, _ in near if node.name == place)
    return next(named, None) or next((node for node, path in near if path.endswith(f".{place}")), None)


def _region(region: Region) -> RegionState:
    return {
        "kind": region.kind,
        "label": visible(region.label),
        "note": region.note,
        "spans": [_span(s) for s in region.spans],
        "proof": None if region.proof is None else _span(region.proof),
    }


def _span(span: Span) -> SpanState:
    return {"buffer": span.buffer, "start": span.start, "end": span.end}


def _is_opened(node: Node) -> bool:
    return bool(node.children) and not node.element.constructed


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
    if node.guess:
        label["guess"] = True
    if node.findings:
        label["findings"] = list(node.findings)
    return label


def _labels(root: Node | None) -> tuple[list[Label], list[int], bool]:
    """Return (labels, offsets of strings that were opened, whether these are all)."""
    if root is None:
        return [], [], True
    labels: list[Label] = []
    opened: list[int] = []
    # By breadth: where not all can be named, the outermost ones are.
    waiting = deque([(root, "")])
    small = sum(1 for _ in walk(root, _NAMED_AT_ONCE + 1)) <= _NAMED_AT_ONCE
    while waiting and (small or len(labels) < _NAMED_FIRST):
        node, step = waiting.popleft()
        labels.append(_label(node, step))
        if _is_opened(node):
            opened.append(node.start)
        if small or len(node.children) <= _NAMED_FIRST:
            waiting += steps_of(node.children)
    return labels, opened, not waiting and small


_LANDMARKS = {"SignedData", "EnvelopedData"}


def _stations(shown: Sequence[Named]) -> list[Station]:
    """Return the way through the layers."""
    out: list[Station] = []
    for index, (buffer, root) in enumerate(shown):
        if root is None:
            out.append({"title": visible(buffer.title), "buffer": index, "offset": 0})
            continue
        found = []
        if buffer.type_name == "ContentInfo":
            found = [n for n in walk(root, 2000) if n.type in _LANDMARKS]
        if not found or buffer.type_name != "ContentInfo":
            out.append({"title": visible(root.type), "buffer": index, "offset": root.start})
        out += [Station(title=n.type, buffer=index, offset=n.start) for n in found]
    return out
