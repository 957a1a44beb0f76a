"""The types of all data that Python and the scripts of the views exchange.

Rule: the same types, by the same names, are in views/static/state.js (a test
compares them). All is JSON, but `data`, `first` and `second`, which are bytes. Text
was made visible (`text.visible`) and is never markup. (The scripts say "buffer" for
the bytes of a layer.)
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class Span(TypedDict):
    """The bytes from `start` to before `end` of the layer with index `buffer`."""

    buffer: int
    start: int
    end: int


class BufferState(TypedDict):
    """The bytes of one layer: `length` bytes from `start` on in `data`.

    `parent` and `at` are the layer and the offset of the element that it was made
    from, `how` is how; `complete` says whether `labels` has all its elements.
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
    """What an element is called, what it says and what it is for.

    `step` is its part of a path, "" where a path leaves it out; `header` is tag and
    length, in words. `wraps`: a short tree leaves it out (see `views.folding`);
    `called` and `also`: its name there, and what is said beside it.
    """

    start: int
    name: str
    type: str
    value: str
    section: str
    link: str
    step: str
    meaning: NotRequired[str]
    header: NotRequired[str]
    wraps: NotRequired[bool]
    called: NotRequired[str]
    also: NotRequired[str]
    guess: NotRequired[bool]
    findings: NotRequired[list[str]]


class RegionState(TypedDict):
    """One `sceplab.schema.coverage.Coverage`; `title` is its short name, `verdict` the outcome of its check or ""."""

    kind: str
    title: str
    verdict: str
    label: str
    note: str
    spans: list[Span]
    proof: Span | None


class Station(TypedDict):
    """A stop on the way through the layers."""

    title: str
    buffer: int
    offset: int


class Fact(TypedDict):
    """What the element at `offset` of a layer says about a message; `about` is e.g. "from"."""

    about: str
    text: str
    buffer: int
    offset: int


class CheckState(TypedDict):
    """A check of an edited message, with its outcome before the edits."""

    name: str
    outcome: str
    detail: str
    before: str


class ViewerState(TypedDict):
    """The viewer: lists in lists are one for each layer, `openings` the offsets of strings that hold ASN.1.

    `selected` is [layer, offset] or []; `lit` the index of a region, or -1;
    `open_depth` how many levels are open, -1 for as many as show the facts.
    `wrappers`: the tree has every element, also those that only wrap another.
    """

    view: Literal["viewer"]
    title: str
    data: bytes
    buffers: list[BufferState]
    labels: list[list[Label]]
    openings: list[list[int]]
    regions: list[RegionState]
    stations: list[Station]
    facts: list[Fact]
    selected: list[int]
    lit: int
    open_depth: int
    wrappers: bool
    changed: list[Span]
    checks: list[CheckState]
    editable: bool
    can_undo: bool
    problem: str
    revision: int


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
    """Bytes were overwritten with hex digits."""

    kind: Literal["octets"]
    buffer: int
    offset: int
    hex: str


class ContentTyped(TypedDict):
    """The content of an element was replaced; `hex` says whether `text` is hex digits."""

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
    """A field of one of two structures."""

    text: str
    start: int
    end: int


class DiffRow(TypedDict):
    """A field of two structures; `likeness` is an index of `likenesses`, `parts` the number of fields inside."""

    depth: int
    name: str
    type: str
    likeness: int
    sides: list[Side | None]
    why: str
    parts: int


class DiffState(TypedDict):
    """Two structures side by side; `selected` is the index of a row, or -1."""

    view: Literal["diff"]
    first: bytes
    second: bytes
    titles: list[str]
    likenesses: list[str]
    rows: list[DiffRow]
    selected: int


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
"""A message of the ladder; `from` and `to` are indexes of `lifelines`, `time` and `date` "" where not known."""


class Place(TypedDict):
    """A selected message of the ladder."""

    exchange: int
    side: str


class LadderState(TypedDict):
    """A ladder diagram; `selected` is {} where nothing is selected.

    `older` counts the exchanges before the first arrow that are left out. With
    `newest`, the list is first shown scrolled to its end.
    """

    lifelines: list[str]
    arrows: list[ArrowState]
    older: int
    newest: bool
    selected: Place | dict[str, object]
