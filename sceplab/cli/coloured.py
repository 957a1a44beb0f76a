"""Lines with one word in colour, for terminals.

Rule: the word decides the colour; NO_COLOR and pipes are left to rich.
"""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

_COLOURS = {"MUST": "red", "SHOULD": "yellow", "certain": "red", "likely": "yellow"}


def print_line(line: str, word: str) -> None:
    """Print a line with its first `word` in colour, where the output is a terminal."""
    head, _, rest = line.partition(word)
    text = Text(head).append(word, style=_COLOURS.get(word, "dim")).append(rest) if word in line else Text(line)
    Console(soft_wrap=True, highlight=False).print(text)
