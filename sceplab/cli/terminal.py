"""All that the command prints: lines, JSON and errors, escaped, in colour on terminals.

Rule: nothing else in `sceplab.cli` writes to standard output or error, so nothing
that a server, a capture or a file name holds can steer a terminal. NO_COLOR and
pipes are left to rich. An output that cannot be written is an `OutputError`.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO, TypeVar

from sceplab.errors import ScepError
from sceplab.report.bounds import LONGEST, cut
from sceplab.report.escape import json_text, visible
from sceplab.report.layout import WIDTH, wrapped
from sceplab.sources import reason

_Item = TypeVar("_Item")
_LONGEST_ERROR = 4 * LONGEST
_COLOURS = {"MUST": "red", "SHOULD": "yellow", "certain": "red", "likely": "yellow"}


class OutputError(ScepError):
    """Standard output cannot be written, for example because the disk is full."""


def prepare() -> None:
    """Let standard output and error show what their encoding lacks as escapes, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def width() -> int:
    """Return the columns of the terminal, or what COLUMNS says; `WIDTH` where there is neither."""
    import shutil

    return shutil.get_terminal_size((WIDTH, 24)).columns


def say(line: str, word: str = "", *, at_once: bool = False) -> None:
    """Print a line with its first `word` in colour, where the output is a terminal; `at_once` also into a pipe."""
    line = visible(line)
    with _written():
        if not word or word not in line:
            print(line, flush=at_once)
            return
        from rich.console import Console
        from rich.text import Text

        head, _, rest = line.partition(word)
        text = Text(head).append(word, style=_COLOURS.get(word, "dim")).append(rest)
        Console(soft_wrap=True, highlight=False).print(text)


def say_wrapped(line: str, word: str = "") -> None:
    """Print a line wrapped at the width of the terminal, its first `word` in colour."""
    first, *rest = wrapped(visible(line), width())
    say(first, word)
    for more in rest:
        say(more)


def say_json(value: object) -> None:
    """Print a value as JSON."""
    text = json_text(value)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        text = json_text(value, ascii_only=True)
    with _written():
        print(text)


def warn(text: str) -> None:
    """Print a line on standard error, if there is one that can be written."""
    if sys.stderr is not None:
        try:
            print(visible(cut(text, _LONGEST_ERROR)), file=sys.stderr, flush=True)
        except OSError:
            _abandon(sys.stderr)


def progress(text: str) -> None:
    """Replace the last line on standard error, where that is a terminal; "" ends it."""
    if sys.stderr is not None and sys.stderr.isatty():
        print(f"\r{visible(text)}" if text else "", end="" if text else "\n", file=sys.stderr, flush=True)


def tracked(items: Sequence[_Item], what: str) -> Iterable[_Item]:
    """Return the items, and show on standard error, where that is a terminal, how many were taken."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(items, what, console=console, transient=True, disable=not console.is_terminal)


def finish() -> None:
    """Write what is still held back. Raises OutputError and BrokenPipeError."""
    if sys.stderr is not None:
        try:
            sys.stderr.flush()
        except OSError:
            _abandon(sys.stderr)
    if sys.stdout is not None:
        try:
            with _written():
                sys.stdout.flush()
        except (OutputError, BrokenPipeError):
            _abandon(sys.stdout)
            raise


def _abandon(stream: TextIO) -> None:
    """Give a stream up: what is held back goes nowhere, and Python does not try again at its end."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


@contextlib.contextmanager
def _written() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"standard output cannot be written: {reason(error)}") from error
