"""What a format is to `forms`, what a reader returns, and what comes out of all of them.

Rule: a module of a format offers `fits(data)` and `read(data, name)`; `forms` puts
them into its table. The data is a file as a whole, as bytes; text is UTF-8. What
another format has claimed of it is blanked, so that places stay what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, overload

from sceplab.errors import Problem
from sceplab.scep.transport import Exchange, Remark

Span = tuple[int, int]
"""Where something is in the data that was read: its first byte, and the one behind its last."""


@dataclass(frozen=True, slots=True)
class Unread:
    """What looks like evidence and was not read: what it is and what to do, how often, first and last line."""

    what: str
    count: int
    lines: tuple[int, int]

    def __str__(self) -> str:
        """Return it as words: "2 PEM blocks, lines 14 to 60"."""
        first, last = self.lines
        where = f"line {first}" if first == last else f"lines {first} to {last}"
        return f"{self.count} x {self.what} ({where})"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader found, and which part of the data that was.

    `claims` are the spans that were understood, in their order, and never overlap;
    `places` has the first byte of each of `exchanges`. `remarks` are words that
    stand beside them, `notes` what had to be put right to read them.
    """

    exchanges: list[Exchange]
    claims: tuple[Span, ...] = ()
    places: tuple[int, ...] = ()
    remarks: tuple[Remark, ...] = ()
    notes: tuple[Problem, ...] = ()
    unread: tuple[Unread, ...] = ()


def assorted(found: Iterable[tuple[int, Exchange]], claims: Iterable[Span]) -> Reading:
    """Return a reading of exchanges with their places, and of claims in any order."""
    placed = sorted(found, key=lambda pair: pair[0])
    return Reading([e for _, e in placed], tuple(sorted(claims)), tuple(at for at, _ in placed))


def union(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return spans in their order, those that overlap as one."""
    out: list[Span] = []
    for start, end in sorted(spans):
        if out and start < out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return tuple(out)


class Reader(Protocol):
    """Reads data that fits its format."""

    def __call__(self, data: bytes, name: str, /) -> Reading:
        """Read the data of a file; `name` becomes the source of each exchange.

        Raises InputError when it is surely this format, but cannot be read; the
        message says what was found and what to try.
        """


@dataclass(frozen=True, slots=True)
class Format:
    """One line of the table. `fits` may be wrong about data of which `read` then makes nothing."""

    name: str
    fits: Callable[[bytes], bool]
    read: Reader


_BLANK = bytes(c if c == 0x0A else 0x20 for c in range(256))


class Sheet:
    """A text while it is read: what is claimed is blanked, line ends stay, so that places stay what they are."""

    def __init__(self, data: bytes) -> None:
        """Begin with nothing claimed."""
        self.rest = bytearray(data)
        self.claims: list[Span] = []
        self.found: list[tuple[int, Exchange]] = []
        self.remarks: list[Remark] = []
        self.notes: list[Problem] = []
        self.unread: list[Unread] = []
        self.error = ""
        self._data = data

    def take(self, reading: Reading) -> bool:
        """Keep what a reader found, and blank what it claimed; False where that was nothing."""
        for start, end in reading.claims:
            self.rest[start:end] = self.rest[start:end].translate(_BLANK)
        self.claims += reading.claims
        self.found += zip(reading.places, reading.exchanges, strict=True)
        self.remarks += reading.remarks
        self.notes += reading.notes
        self.unread += reading.unread
        return bool(reading.claims)

    def with_lines(self) -> Iterator[Exchange]:
        """Yield the exchanges in the order of their places, each with the line where it begins."""
        line, at = 1, 0
        for place, exchange in self.found:
            line += self._data.count(b"\n", at, place)
            at = place
            yield exchange if exchange.line is not None else replace(exchange, line=line)


class Capture(Sequence[Exchange]):
    """The exchanges of a source in their order, and what stood around them.

    `remarks` are lines of words that belong to no exchange, `unread` is what was
    not read, `forms` names the formats that were, `notes` say what was put right.
    """

    __slots__ = ("exchanges", "forms", "notes", "remarks", "unread")

    def __init__(
        self,
        exchanges: Sequence[Exchange] = (),
        remarks: tuple[Remark, ...] = (),
        unread: tuple[Unread, ...] = (),
        forms: tuple[str, ...] = (),
        notes: tuple[Problem, ...] = (),
    ) -> None:
        """Keep all as it is given."""
        self.exchanges = tuple(exchanges)
        self.remarks, self.unread, self.forms, self.notes = remarks, unread, forms, notes

    @overload
    def __getitem__(self, index: int) -> Exchange: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Exchange]: ...
    def __getitem__(self, index: int | slice) -> Exchange | Sequence[Exchange]:
        """Return one exchange, or several."""
        return self.exchanges[index]

    def __len__(self) -> int:
        """Return the number of exchanges."""
        return len(self.exchanges)
