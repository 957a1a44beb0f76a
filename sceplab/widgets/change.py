"""The viewer with an editor: change bytes or values, and see which checks fail.

Rule: `sceplab.analysis.whatif` edits and judges, `sceplab.views.change` makes the
state; here the versions are kept and shown.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sceplab.analysis.whatif import encode_content, judge, materials_of, overwrite, replace_content, reseal
from sceplab.errors import ScepError
from sceplab.scep.conversation import NO_MATERIALS, Materials
from sceplab.scep.message import PkiMessage
from sceplab.schema.layers import layers_of
from sceplab.views.change import change_state, check_states, check_table
from sceplab.views.viewer import AS_NEEDED
from sceplab.widgets.viewer import Asn1Viewer


class WhatIf(Asn1Viewer):
    """A view of a message that can be edited; `what_if` makes one.

    `judged` is the message with its checks as they are now, `original` as they were at first.
    """

    still_depth = 3

    def __init__(self, data: bytes, materials: Materials, at: datetime | None, *, open_depth: int) -> None:
        """Judge and show a message."""
        self._materials, self._at = materials, at
        self._versions = [data]
        self.original = self.judged = judge(data, materials, at)
        self._original_layers = layers_of(self.original.message)
        checks = check_states(self.judged, self.original)
        super().__init__(
            self._original_layers, self.message, title="What if", open_depth=open_depth, editable=True, checks=checks
        )

    @property
    def message(self) -> PkiMessage:
        """The message as it is now."""
        return self.judged.message

    @property
    def octets(self) -> bytes:
        """The bytes of the message as they are now."""
        return self._versions[-1]

    @property
    def broke(self) -> tuple[str, ...]:
        """The checks that passed at first and do not now."""
        return self.judged.broke(self.original)

    def change(self, offset: int, octets: bytes, layer: int = 0) -> None:
        """Overwrite the bytes at `offset`; raises BuildError where they are not inside the layer."""
        self._apply(layer, overwrite(self.layers[layer].data, offset, octets))

    def set_content(self, place: int | str, content: bytes | str | int, layer: int | None = None) -> None:
        """Replace the content of an element (by offset or path); the lengths around it follow.

        Text is encoded in the element's own type, a number as an INTEGER. Raises
        LookupError, BuildError, or ValueError for content that does not fit.
        """
        node = self.select(place, layer)
        if isinstance(place, int) and node.start != place:
            raise LookupError(f"no element starts at byte {place}")
        index = self.selected[0]
        new = content if isinstance(content, bytes) else encode_content(node.element.tag, content)
        held = self.layers[index]
        self._apply(index, replace_content(held.data, node.start, new, held.type_name))

    def undo(self) -> None:
        """Undo the last change, if there is one."""
        if len(self._versions) > 1:
            self._versions.pop()
            self._renew()

    def _apply(self, layer: int, data: bytes) -> None:
        if layer:
            data = reseal(self.layers, self.message, data)
        self._versions.append(data)
        self._renew()

    def _renew(self) -> None:
        self.judged = judge(self.octets, self._materials, self._at)
        with self.hold_sync():
            self._draw(layers_of(self.judged.message), self.judged.message)
            changes = change_state(self.layers, self.judged, self._original_layers, self.original)
            for name, value in changes.items():
                setattr(self, name, value)
            if self.selected and self.selected[0] >= len(self.layers):
                self.selected = [0, 0]
            self.can_undo = len(self._versions) > 1
            self.problem = ""
            self.revision += 1

    def _receive(self, widget: object, content: dict[str, Any], buffers: object) -> None:
        kind = content.get("kind")
        try:
            if kind == "undo":
                self.undo()
            elif kind == "octets":
                self.change(content["offset"], bytes.fromhex(content["hex"]), content["buffer"])
            elif kind == "content":
                text = content["text"]
                new = bytes.fromhex(text) if content["hex"] else text
                self.set_content(content["offset"], new, content["buffer"])
            else:
                super()._receive(widget, content, buffers)
        except (ScepError, ValueError, LookupError) as error:
            # An exception in a callback would be lost: the view shows it.
            self.problem = ""
            self.problem = f"not changed: {error}"

    def __repr__(self) -> str:
        return f"{super().__repr__()}\n{check_table(self.checks)!r}"

    def _still(self) -> str:
        return super()._still() + check_table(self.checks).html


def what_if(
    message: bytes | PkiMessage,
    materials: Materials = NO_MATERIALS,
    at: datetime | None = None,
    *,
    open_depth: int = AS_NEEDED,
) -> WhatIf:
    """Return a view of a message in which bytes and values can be changed.

    After each change all checks of `whatif.judge` run again, with the keys,
    certificates and passwords of `materials`, judged at the time `at`. What opened
    and verified a decoded message is used as well.
    """
    if isinstance(message, PkiMessage):
        materials, message = materials_of(message, materials), message.raw
    return WhatIf(message, materials, at, open_depth=open_depth)
