"""Types of the readers: a format, the result of one reader, and the whole capture.

Rule: a module of a format has `fits(data)` and `read(data, name)`, listed in the
table of `forms`. The data is the whole file as bytes; text is UTF-8. Parts claimed
by another format are overwritten with spaces, so that offsets do not change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, overload

from sceplab.errors import Problem
from sceplab.scep.transport import Exchange, Remark

Span = tuple[int, int]
"""A span of the data: offset of the first byte, and of the byte after the last."""


@dataclass(frozen=True, slots=True)
class Unread:
    """Data that was not read: its kind with advice, how often, first and last line."""

    what: str
    count: int
    lines: tuple[int, int]

    def __str__(self) -> str:
        """Return it as text: "2 PEM blocks, lines 14 to 60"."""
        first, last = self.lines
        where = f"line {first}" if first == last else f"lines {first} to {last}"
        return f"{self.count} x {self.what} ({where})"


@dataclass(frozen=True, slots=True)
class Reading:
    """The exchanges a reader found, and where in the data.

    `claims` are the spans that were read, in order and without overlap; `places` has
    the first byte of each of `exchanges`. `remarks` are other words about them,
    `notes` the corrections needed to read them.
    """

    exchanges: list[Exchange]
    claims: tuple[Span, ...] = ()
    places: tuple[int, ...] = ()
    remarks: tuple[Remark, ...] = ()
    notes: tuple[Problem, ...] = ()
    unread: tuple[Unread, ...] = ()


def assorted(found: Iterable[tuple[int, Exchange]], claims: Iterable[Span]) -> Reading:
    """Return a Reading from exchanges with their places, and from claims in any order."""
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

        Raises InputError if it is certainly this format but cannot be read; the
        message says what was found and what to try.
        """


@dataclass(frozen=True, slots=True)
class Format:
    """One line of the table. `fits` may accept data in which `read` finds nothing."""

    name: str
    fits: Callable[[bytes], bool]
    read: Reader


_BLANK = bytes(c if c == 0x0A else 0x20 for c in range(256))


class Sheet:
    """A text while it is read: claimed parts are blanked except line ends, so that offsets do not change."""

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
        """Keep the result of a reader and blank its claims; False if it found nothing."""
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
    """The exchanges of a source in order, and the other text in it.

    `remarks` are lines of words that belong to no exchange, `unread` is what was
    not read, `forms` the names of the formats read, `notes` the corrections made.
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
        """Store the arguments unchanged."""
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
