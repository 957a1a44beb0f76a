"""What a format is to `detect`: a name, a test and a reader, and what a reader returns.

Rule: a module of a format offers `fits(data)` and `read(data, name)`; `detect` puts
them into its table. The data is a file as a whole, as bytes; text is UTF-8.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sceplab.scep.transport import Exchange

Span = tuple[int, int]
"""Where something is in the data that was read: its first byte, and the one behind its last."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader found, and which part of the data that was.

    `claims` are the spans that became `exchanges`, in their order; whatever is
    outside of them was not read. `notes` are sentences about what the reader saw and
    could not use. Without exchanges, the data is of another format.
    """

    exchanges: list[Exchange]
    claims: tuple[Span, ...] = ()
    notes: tuple[str, ...] = ()


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
