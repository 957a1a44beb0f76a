"""States of views packed into text for a page: what is repeated is written once, and all is compressed.

Rule: static/saved/packs.js unpacks what is packed here, and a test compares the two.
What the page can work out from bytes is not written: values that are the hex of bytes,
base64 of a layer that is there. A pack holds a few exchanges, so that a page unpacks
only what is looked at. Nothing here decides what may be shown.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Sequence
from typing import Any, cast

from sceplab.views.state import (
    DiffState,
    Label,
    LabelKind,
    LabelsFound,
    PackedDiff,
    PackedView,
    PageExchange,
    TextForm,
    ViewerState,
)

_PACK = 192_000
"""Bytes of a pack, before it is compressed, from which on the next one begins."""
_HEX = re.compile(r"[0-9a-f]{2}(?: [0-9a-f]{2})*")
_HEADERS = (2, 3, 4, 5)
"""Bytes of tag and length, and of the unused bits of a BIT STRING, before a short content."""
_ESCAPES = (
    (),
    (("+", "%2B"), ("/", "%2F"), ("=", "%3D")),
    (("+", "%2b"), ("/", "%2f"), ("=", "%3d")),
    (("+", "%2B"),),
    (("+", "%2B"), ("=", "%3D")),
    (("+", "-"), ("/", "_")),
    (("+", " "),),
    (("=", ""),),
    (("+", "-"), ("/", "_"), ("=", "")),
)
_LONGEST_LINE = 200
_BETWEEN = ("\n", "\r\n", "%0A", "%0D%0A", "%0a", "%0d%0a", " ")


def packed_text(data: bytes) -> str:
    """Return data compressed (raw deflate, RFC 1951), in base64."""
    pressed = zlib.compressobj(9, zlib.DEFLATED, -15)
    return base64.b64encode(pressed.compress(data) + pressed.flush()).decode("ascii")


def packed_json(value: object) -> str:
    """Return a value as JSON, packed."""
    return packed_text(_json(value))


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


class Packer:
    """Packs exchanges, in the order in which they are added.

    `packs` are the finished packs, `held` the exchanges in each, `size` the characters of
    all, `kinds` what the labels have in common.
    """

    def __init__(self) -> None:
        """Begin the first pack."""
        self.packs: list[str] = []
        self.held: list[list[int]] = []
        self.size = 0
        self.kinds: list[LabelKind] = []
        self._known: dict[str, int] = {}
        self._open: dict[int, PageExchange] = {}
        self._bytes = bytearray()
        self._length = 0

    def view(self, state: ViewerState, later: Sequence[LabelsFound] = (), without: str = "") -> PackedView:
        """Return the state of a viewer for an exchange that is added next; `later` has labels of large layers."""
        data, buffers = state["data"], state["buffers"]
        by_layer = {found["buffer"]: found for found in later}
        parts = [data[b["start"] : b["start"] + b["length"]] for b in buffers]
        form = text_form(parts[0], parts[1]) if len(parts) > 1 and buffers[0]["type"] == "text" else None
        kept = data if form is None else data[len(parts[0]) :]
        at = self._keep(kept)
        every = range(len(buffers))
        return {
            "title": state["title"],
            "buffers": buffers,
            "labels": [self._rows(state["labels"][i], parts[i]) for i in every],
            "later": [self._rows(by_layer[i]["labels"], parts[i]) if i in by_layer else [] for i in every],
            "openings": state["openings"],
            "opened_later": [by_layer[i]["openings"] if i in by_layer else [] for i in every],
            "regions": state["regions"],
            "stations": state["stations"],
            "facts": state["facts"],
            "selected": state["selected"],
            "lit": state["lit"],
            "open_depth": state["open_depth"],
            "wrappers": state["wrappers"],
            "changed": state["changed"],
            "checks": state["checks"],
            "at": at,
            "length": len(kept),
            "text": form,
            "without": without,
        }

    def diff(self, state: DiffState) -> PackedDiff:
        """Return the state of a comparison for an exchange that is added next."""
        first, second = state["first"], state["second"]
        at = self._keep(first + second)
        return {
            "titles": state["titles"],
            "likenesses": state["likenesses"],
            "rows": state["rows"],
            "selected": state["selected"],
            "at": at,
            "split": len(first),
            "length": len(first) + len(second),
        }

    def add(self, number: int, exchange: PageExchange) -> None:
        """Add an exchange."""
        self._open[number] = exchange
        self._length += len(_json(exchange))
        if self._length + len(self._bytes) >= _PACK:
            self.finish()

    def finish(self) -> None:
        """Finish the pack that was begun."""
        if not self._open:
            return
        told = _json(list(self._open.values()))
        self.packs.append(packed_text(len(told).to_bytes(4, "big") + told + self._bytes))
        self.held.append(list(self._open))
        self.size += len(self.packs[-1])
        self._open, self._bytes, self._length = {}, bytearray(), 0

    def _keep(self, data: bytes) -> int:
        at = len(self._bytes)
        self._bytes += data
        return at

    def _rows(self, labels: Sequence[Label], data: bytes) -> list[list[object]]:
        out: list[list[object]] = []
        before = 0
        for label in labels:
            start, value = label["start"], label["value"]
            kind = {k: v for k, v in label.items() if k not in {"start", "header", "value"}}
            place = _hex_place(data, start, value)
            row: list[object] = [start - before, self._kind(kind), label.get("header", ""), place or value]
            before = start
            out.append(row)
        return out

    def _kind(self, kind: dict[str, Any]) -> int:
        key = repr(kind)
        if key not in self._known:
            self._known[key] = len(self.kinds)
            self.kinds.append(cast("LabelKind", kind))
        return self._known[key]


def _hex_place(data: bytes, start: int, value: str) -> list[int] | None:
    """Return where the bytes are whose hex a value is: distance from the element's start, and length."""
    if not _HEX.fullmatch(value):
        return None
    raw = bytes.fromhex(value)
    skip = next((s for s in _HEADERS if data[start + s : start + s + len(raw)] == raw), None)
    return None if skip is None else [skip, len(raw)]


def text_form(text: bytes, data: bytes) -> TextForm | None:
    """Return how the text is written from the data, None where no form of ours gives the same text."""
    plain = base64.b64encode(data).decode("ascii")
    for escapes in _ESCAPES:
        form = _form(text.decode("latin-1"), plain, [list(pair) for pair in escapes])
        if form is not None and written(form, data) == text:
            return form
    return None


def _form(text: str, plain: str, escapes: list[list[str]]) -> TextForm | None:
    body = _escaped(plain, escapes)
    same = next((i for i, (a, b) in enumerate(zip(text, body, strict=False)) if a != b), min(len(text), len(body)))
    if same == len(body):
        return {"escapes": escapes, "line": 0, "between": "", "end": text[same:]}
    between = next((b for b in sorted(_BETWEEN, key=len, reverse=True) if text.startswith(b, same)), "")
    line = next((n for n in range(1, _LONGEST_LINE) if len(_escaped(plain[:n], escapes)) == same), 0)
    if not between or not line:
        return None
    lines = _escaped_lines(plain, escapes, line, between)
    return {"escapes": escapes, "line": line, "between": between, "end": text[len(lines) :]}


def _escaped(text: str, escapes: list[list[str]]) -> str:
    return text.translate({ord(character): escape for character, escape in escapes})


def _escaped_lines(plain: str, escapes: list[list[str]], line: int, between: str) -> str:
    return between.join(_escaped(plain[i : i + line], escapes) for i in range(0, len(plain), line))


def written(form: TextForm, data: bytes) -> bytes:
    """Return data as base64 text in a form."""
    plain = base64.b64encode(data).decode("ascii")
    if form["line"]:
        body = _escaped_lines(plain, form["escapes"], form["line"], form["between"])
    else:
        body = _escaped(plain, form["escapes"])
    return (body + form["end"]).encode("latin-1")
