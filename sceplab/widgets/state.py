"""What crosses between Python and the page, field by field.

Rule: twins of the types in static/state.js, name for name (a test compares them).
Everything is JSON; text is already made visible (`text.visible`), never markup.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class Span(TypedDict):
    """The bytes from `start` to before `end` of a buffer."""

    buffer: int
    start: int
    end: int


class BufferState(TypedDict):
    """Bytes that are shown as one layer: those from `start` on in `data`.

    `parent` and `at` are the buffer and the offset of the element that it was made
    from, `how` what was done; `complete` says whether `labels` has all its elements.
    """

    title: str
    type: str
    start: int
    length: int
    parent: int | None
    at: int
    how: str
    complete: bool


class Label(TypedDict):
    """What an element is called and what it says; `step` is its part of a path, "" where a path leaves it out."""

    start: int
    name: str
    type: str
    value: str
    section: str
    link: str
    step: str
    guess: NotRequired[bool]
    findings: NotRequired[list[str]]


class RegionState(TypedDict):
    """Bytes with a meaning (`sceplab.regions.Region`)."""

    kind: str
    label: str
    note: str
    spans: list[Span]
    proof: Span | None


class Station(TypedDict):
    """A stop on the way through the layers."""

    title: str
    buffer: int
    offset: int


class CheckState(TypedDict):
    """A check of an editable message, with its outcome before anything was changed."""

    name: str
    outcome: str
    detail: str
    before: str


class LabelsFound(TypedDict):
    """The answer to LabelsWanted."""

    kind: Literal["labels"]
    buffer: int
    labels: list[Label]
    openings: list[int]


class LabelsWanted(TypedDict):
    """A view asks for the labels of elements."""

    kind: Literal["labels"]
    buffer: int
    offsets: list[int]


class OctetsTyped(TypedDict):
    """Hex digits were typed over bytes."""

    kind: Literal["octets"]
    buffer: int
    offset: int
    hex: str


class ContentTyped(TypedDict):
    """An element was given another content; `hex` says whether `text` is hex digits."""

    kind: Literal["content"]
    buffer: int
    offset: int
    text: str
    hex: bool


class UndoPressed(TypedDict):
    """Undo was pressed."""

    kind: Literal["undo"]


class TraitSet(TypedDict):
    """A trait was set in a window, where it is the trait's `number`-th; the same is sent back (see `live.View`)."""

    kind: Literal["set"]
    name: str
    value: object
    window: str
    number: int


class Side(TypedDict):
    """A field as one of two structures has it."""

    text: str
    start: int
    end: int


class DiffRow(TypedDict):
    """A field of two structures beside each other; `likeness` is its place in `Likeness`, `parts` how many it has."""

    depth: int
    name: str
    type: str
    likeness: int
    sides: list[Side | None]
    why: str
    parts: int


# (A class cannot have a field "from".)
ArrowState = TypedDict(
    "ArrowState",
    {
        "exchange": int,
        "side": str,
        "from": int,
        "to": int,
        "label": str,
        "state": str,
        "sign": str,
        "time": str,
        "date": str,
    },
)
"""A message of the ladder; `from` and `to` are places in `lifelines`."""


class Place(TypedDict):
    """A message of the ladder, as what is selected."""

    exchange: int
    side: str
