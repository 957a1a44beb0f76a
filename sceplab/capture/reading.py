"""What a format is to `detect`, what a reader returns, and what comes out of all of them.

Rule: a module of a format offers `fits(data)` and `read(data, name)`; `detect` puts
them into its table. The data is a file as a whole, as bytes; text is UTF-8. What
another format has claimed of it is blanked, so that places stay what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, overload

from sceplab.errors import Problem
from sceplab.scep.transport import Exchange, Remark

Span = tuple[int, int]
"""Where something is in the data that was read: its first byte, and the one behind its last."""


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
