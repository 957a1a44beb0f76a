"""The viewer in a notebook: a tree of ASN.1 linked to its hex dump, for a message with all its layers.

Rule: `sceplab.views.viewer` makes the state, static/viewer.js draws it. All that a
cell may ask for or set is a trait, so that a saved view works without a kernel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import traitlets

from sceplab.scep.message import PkiMessage
from sceplab.schema import Node, path_of
from sceplab.schema.coverage import Coverage, coverage_of
from sceplab.schema.layers import LayerBytes, Reading
from sceplab.views.page import Kept, viewer_page
from sceplab.views.still import still_html, still_text
from sceplab.views.viewer import AS_NEEDED, chain_at, drawn_state, labels_found, layers_to_show, look_up, viewer_state
from sceplab.widgets.live import CHOSEN, LiveView


class Asn1Viewer(LiveView):
    """A live view of layers; `show` makes one.

    `selected` is [layer, offset] or []; setting it, or calling `select`, moves
    every view of it. `lit` is the index in `coverage` of what is highlighted, or -1.
    """

    still_depth = 2
    """Levels of the still that are open where nobody says how many."""

    view = traitlets.Unicode("viewer").tag(sync=True)
    title = traitlets.Unicode("").tag(sync=True)
    data = traitlets.Bytes(b"").tag(sync=True)
    buffers: Any = traitlets.List().tag(sync=True)
    labels: Any = traitlets.List().tag(sync=True)
    openings: Any = traitlets.List().tag(sync=True)
    regions: Any = traitlets.List().tag(sync=True)
    stations: Any = traitlets.List().tag(sync=True)
    facts: Any = traitlets.List().tag(sync=True)
    selected: Any = traitlets.List().tag(**CHOSEN)
    lit = traitlets.Int(-1).tag(**CHOSEN)
    open_depth = traitlets.Int(AS_NEEDED).tag(sync=True)
    wrappers = traitlets.Bool(False).tag(sync=True)  # noqa: FBT003
    changed: Any = traitlets.List().tag(sync=True)
    checks: Any = traitlets.List().tag(sync=True)
    editable = traitlets.Bool(False).tag(sync=True)  # noqa: FBT003
    can_undo = traitlets.Bool(False).tag(sync=True)  # noqa: FBT003
    problem = traitlets.Unicode("").tag(sync=True)
    revision = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        layers: Sequence[LayerBytes],
        message: PkiMessage | None = None,
        *,
        title: str = "",
        open_depth: int = AS_NEEDED,
        **more: object,
    ) -> None:
        """Show layers, and the facts of the message that they are of; `more` are other traits."""
        self._keep(layers)
        self._message = message
        state = viewer_state(self.layers, self.coverage, message, title=title, open_depth=open_depth)
        super().__init__(**{**state, **more})

    # ---------------------------------------------------------- for cells

    @property
    def selection(self) -> Node | None:
        """The selected element with its name, bytes and offsets, or None."""
        chain = chain_at(self.layers, self.selected)
        return chain[-1] if chain else None

    @property
    def path(self) -> str:
        """The path of the selected element, "" where nothing is selected."""
        return path_of(chain_at(self.layers, self.selected))

    def select(self, place: int | str, layer: int | None = None) -> Node:
        """Select the element at an offset or a path and return it.

        Without `layer` (its index, outermost 0) an offset is one of the outermost
        layer of ASN.1, and a path is looked for in all; the end of a path, or a
        name alone, selects the first that fits. Raises LookupError.
        """
        index, node = look_up(self.layers, place, layer)
        self.selected = [index, node.start]
        return node

    def highlight(self, kind: str, field: str = "") -> Coverage:
        """Highlight what a signature, digest or key covers, and return it.

        `kind` is one of `Covered` ("signature"), `field` the name of the structure
        where several have one ("signedAttrs"). Raises LookupError where there is none.
        """
        for index, one in enumerate(self.coverage):
            if one.kind.value == kind and field in {"", one.field}:
                self.lit = index
                return one
        raise LookupError(f"there is no coverage of the kind {kind!r} {field}".rstrip())

    # ---------------------------------------------------------- state

    def _keep(self, layers: Sequence[LayerBytes]) -> None:
        self.layers: tuple[LayerBytes, ...] = tuple(layers)
        self.coverage: tuple[Coverage, ...] = coverage_of(layers)

    def _draw(self, layers: Sequence[LayerBytes], message: PkiMessage) -> None:
        """Show other layers; what is selected stays selected."""
        self._keep(layers)
        self._message = message
        for name, value in drawn_state(self.layers, self.coverage, message).items():
            setattr(self, name, value)

    def _receive(self, widget: object, content: dict[str, Any], buffers: object) -> None:
        super()._receive(widget, content, buffers)
        if content.get("kind") == "labels":
            self.send(labels_found(self.layers, content["buffer"], content["offsets"]))

    # ---------------------------------------------------------- where JavaScript does not run

    def __repr__(self) -> str:
        return still_text(self.layers)

    def _page(self, *, show_secrets: bool) -> str:
        kept = Kept(
            title=self.title,
            open_depth=self.open_depth,
            wrappers=self.wrappers,
            selected=self.selected,
            lit=self.lit,
            changed=self.changed,
            checks=self.checks,
            editable=self.editable,
        )
        return viewer_page(self.layers, self._message, kept, show_secrets=show_secrets)

    def _still(self) -> str:
        depth = self.still_depth if self.open_depth == AS_NEEDED else self.open_depth
        return still_html(self.layers, depth, self.coverage)


def show(
    value: bytes | PkiMessage,
    type_name: str = "ContentInfo",
    *,
    title: str = "",
    open_depth: int = AS_NEEDED,
    wrappers: bool = False,
    text: str = "",
    names: Mapping[str, str] | None = None,
    types: Mapping[str, str] | None = None,
    probe: bool = False,
) -> Asn1Viewer:
    """Return a viewer of bytes as `type_name`, or of a decoded message with all its layers.

    Args:
        value: BER or DER, or what `decode_message` returned.
        type_name: One of `schema.TYPES`, or "ANY", where `value` is bytes.
        title: The heading.
        open_depth: Levels that are unfolded at first; -1 for what tells who sent a message, for whom and what for.
        wrappers: Show every element, also those that only wrap another one.
        text: The base64 that a message came in; shown as its outermost layer.
        names: Own names of OIDs; see `schema.describe`.
        types: Own types of attributes and extensions; see `schema.describe`.
        probe: Look into strings of unknown content; what fits is marked as a guess.
    """
    layers = layers_to_show(value, type_name, title=title, text=text, reading=Reading(names, types, probe))
    message = value if isinstance(value, PkiMessage) else None
    return Asn1Viewer(layers, message, title=title or layers[0].title, open_depth=open_depth, wrappers=wrappers)
