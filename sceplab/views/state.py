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


class LabelKind(TypedDict):
    """What labels of a page have in common: a `Label` without its place, its header and its value."""

    name: str
    type: str
    section: str
    link: str
    step: str
    meaning: NotRequired[str]
    wraps: NotRequired[bool]
    called: NotRequired[str]
    also: NotRequired[str]
    guess: NotRequired[bool]
    findings: NotRequired[list[str]]


class TextForm(TypedDict):
    """How a layer of base64 text is written from the bytes of the layer after it.

    Base64, of which `escapes` are written otherwise (pairs of characters and their
    escapes), with `between` after each `line` characters (0: no lines), then `end`.
    """

    escapes: list[list[str]]
    line: int
    between: str
    end: str


class PackedView(TypedDict):
    """The state of a viewer as it is kept in a page; see `sceplab.views.packing`.

    `labels` are rows: the distance of `start` from that of the row before, the index
    of a `LabelKind`, the header, and the value, or [distance from `start`, length] of
    the bytes whose hex it is. `later` are those that are given when looked at.
    The bytes are those from `at` on of its pack; `text` says how to write its first
    layer, which is not among them, None where it is. `without` says in a sentence
    what can be done in a notebook only, "" for nothing.
    """

    title: str
    buffers: list[BufferState]
    labels: list[list[list[object]]]
    later: list[list[list[object]]]
    openings: list[list[int]]
    opened_later: list[list[int]]
    regions: list[RegionState]
    stations: list[Station]
    facts: list[Fact]
    selected: list[int]
    lit: int
    open_depth: int
    wrappers: bool
    changed: list[Span]
    checks: list[CheckState]
    at: int
    length: int
    text: TextForm | None
    without: str


class PackedDiff(TypedDict):
    """The state of a comparison as it is kept in a page: its first `split` bytes from `at` on are those of `first`."""

    titles: list[str]
    likenesses: list[str]
    rows: list[DiffRow]
    selected: int
    at: int
    split: int
    length: int


class PagePart(TypedDict):
    """What is shown of a message: a sentence with its bold start `head`, preformatted `lines`, or a view."""

    head: str
    text: str
    lines: bool
    view: NotRequired[PackedView]
    diff: NotRequired[PackedDiff]


class PageFinding(TypedDict):
    """A broken rule."""

    level: str
    rule: str
    where: str
    found: str
    fix: str
    section: str


class PageExchange(TypedDict):
    """What a page shows of one exchange; `more` is how many findings are not listed."""

    request: list[PagePart]
    reply: list[PagePart]
    findings: list[PageFinding]
    more: int


class PageState(TypedDict):
    """What a page holds: `packs` are the exchanges of each pack, `kinds` what their labels have in common.

    Without a ladder the first exchange is shown. `judged` says whether findings were looked for.
    """

    ladder: LadderState | None
    first: Place
    packs: list[list[int]]
    kinds: list[LabelKind]
    judged: bool
