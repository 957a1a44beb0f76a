"""Lines with one word in colour, for terminals, and how wide the terminal is.

Rule: the word decides the colour; rich handles NO_COLOR and pipes.
"""

from __future__ import annotations

import shutil

from sceplab.report.layout import WIDTH, wrapped

_COLOURS = {"MUST": "red", "SHOULD": "yellow", "certain": "red", "likely": "yellow"}


def width() -> int:
    """Return the columns of the terminal, or of COLUMNS; `WIDTH` if there is neither."""
    return shutil.get_terminal_size((WIDTH, 24)).columns


def print_line(line: str, word: str = "") -> None:
    """Print a line with its first `word` in colour, where the output is a terminal."""
    from rich.console import Console
    from rich.text import Text

    head, _, rest = line.partition(word) if word else (line, "", "")
    text = Text(head).append(word, style=_COLOURS.get(word, "dim")).append(rest) if word in line else Text(line)
    Console(soft_wrap=True, highlight=False).print(text)


def print_wrapped(line: str, word: str = "") -> None:
    """Print a line wrapped at the width of the terminal, its first `word` in colour."""
    first, *rest = wrapped(line, width())
    if word:
        print_line(first, word)
    else:
        print(first)
    for more in rest:
        print(more)
