"""The viewer with a pen: change octets or values, and see which checks turn red.

Rule: `sceplab.analysis.whatif` edits and judges; this keeps the versions and shows them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sceplab.analysis.whatif import judge, overwrite, replace_content, reseal
from sceplab.asn1 import der
from sceplab.cms.verify import Outcome
from sceplab.errors import ScepError
from sceplab.scep.conversation import NO_MATERIALS, Materials
from sceplab.scep.message import PkiMessage
from sceplab.schema.layers import Buffer, buffers_of
from sceplab.widgets.table import Table, table
from sceplab.widgets.text import visible
from sceplab.widgets.viewer import Asn1Viewer


class WhatIf(Asn1Viewer):
    """A message that can be changed; `what_if` makes one.

    `judged` is what the checks say now, `original` what they said at first.
    """

    def __init__(self, data: bytes, materials: Materials, at: datetime | None, *, open_depth: int) -> None:
        """Judge and show a message."""
        self._materials, self._at = materials, at
        self._versions = [data]
        self.original = self.judged = judge(data, materials, at)
        self._buffers: tuple[Buffer, ...] = buffers_of(self.judged.message)
        checks = self._checks()
        super().__init__(self._buffers, title="What if", open_depth=open_depth, editable=True, checks=checks)

    @property
    def message(self) -> PkiMessage:
        """The message as it is now."""
        return self.judged.message

    @property
    def octets(self) -> bytes:
        """The octets of the message as they are now."""
        return self._versions[-1]

    @property
    def broke(self) -> tuple[str, ...]:
        """The checks that passed at first and do not now."""
        return self.judged.broke(self.original)

    def change(self, offset: int, octets: bytes, buffer: int = 0) -> None:
        """Write other octets over those at `offset`; raises BuildError where that is impossible."""
        self._apply(buffer, overwrite(self._buffers[buffer].data, offset, octets))

    def set_content(self, place: int | str, content: bytes | str | int, buffer: int | None = None) -> None:
        """Give an element (by offset or path) another content; the lengths around it follow.

        Text is written in the element's own type, a number as an INTEGER. Raises
        LookupError, BuildError, or ValueError where the content does not fit.
        """
        node = self.select(place, buffer)
        if isinstance(place, int) and node.start != place:
            raise LookupError(f"no element starts at octet {place}")
        index = self.selected[0]
        new = content if isinstance(content, bytes) else _content(node.element.tag, content)
        held = self._buffers[index]
        self._apply(index, replace_content(held.data, node.start, new, held.type_name))

    def undo(self) -> None:
        """Take the last change back; nothing happens where there was none."""
        if len(self._versions) > 1:
            self._versions.pop()
            self._renew()

    def _apply(self, buffer: int, data: bytes) -> None:
        if buffer:
            data = reseal(self._buffers, self.message, data)
        self._versions.append(data)
        self._renew()

    def _renew(self) -> None:
        data = self._versions[-1]
        self.judged = judge(data, self._materials, self._at)
        self._buffers = buffers_of(self.judged.message)
        before = buffers_of(self.original.message)
        with self.hold_sync():
            for name, value in self._state(self._buffers).items():
                setattr(self, name, value)
            self.changed = [
                [i, a, b]
                for i, (now, then) in enumerate(zip(self._buffers, before, strict=False))
                for a, b in _changed(now.data, then.data)
            ]
            if self.selected and self.selected[0] >= len(self._buffers):
                self.selected = [0, 0]
            self.checks = self._checks()
            self.can_undo = len(self._versions) > 1
            self.problem = ""
            self.revision += 1

    def _checks(self) -> list[list[str]]:
        # A rule is among the checks where it is broken: where it is not, it is kept.
        kept = Outcome.PASSED.value
        before = {c.name: c.outcome.value for c in self.original.checks}
        now = [[c.name, c.outcome.value, visible(c.detail), before.pop(c.name, kept)] for c in self.judged.checks]
        return now + [[name, kept, "no longer broken", outcome] for name, outcome in before.items()]

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
            # An exception in a callback would vanish: the view says it.
            self.problem = ""
            self.problem = f"not changed: {error}"

    def _table(self) -> Table:
        return table(
            ("check", "outcome", "before", "detail"), ((n, o, b if b != o else "", d) for n, o, d, b in self._checks())
        )

    def __repr__(self) -> str:
        return f"{super().__repr__()}\n{self._table()!r}"

    def _still(self) -> str:
        return super()._still() + self._table()._repr_html_()


def what_if(
    message: bytes | PkiMessage, materials: Materials = NO_MATERIALS, at: datetime | None = None, *, open_depth: int = 3
) -> WhatIf:
    """Return a view of a message in which octets and values can be changed.

    After each change all checks of `whatif.judge` run again, with the keys,
    certificates and passwords of `materials` and at the moment `at`.
    """
    return WhatIf(message.raw if isinstance(message, PkiMessage) else message, materials, at, open_depth=open_depth)


def _content(tag: int, value: str | int) -> bytes:
    if tag == der.INTEGER:
        element = der.read(der.integer(int(value)))
    elif tag == der.OID:
        element = der.read(der.oid(str(value)))
    elif tag in der.STRING_TYPE_NAMES and tag != der.OCTET_STRING:
        return der.encode_text(tag, str(value))
    else:
        return str(value).encode()
    return element.value


def _changed(now: bytes, then: bytes) -> list[tuple[int, int]]:
    """Return where octets differ from those of before: one stretch where lengths differ."""
    if len(now) != len(then):
        head = next((i for i, (a, b) in enumerate(zip(now, then, strict=False)) if a != b), min(len(now), len(then)))
        tail = next(
            (i for i, (a, b) in enumerate(zip(reversed(now), reversed(then), strict=False)) if a != b),
            min(len(now), len(then)),
        )
        return [(head, max(head, len(now) - tail))]
    out: list[tuple[int, int]] = []
    for i, (a, b) in enumerate(zip(now, then, strict=True)):
        if a != b:
            if out and out[-1][1] == i:
                out[-1] = (out[-1][0], i + 1)
            else:
                out.append((i, i + 1))
    return out[:200]
