"""Wrap lines to a width, with indented continuation lines.

Rule: plain text in and out; the caller gives the width in columns.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

WIDTH = 100
"""Columns if there is no terminal."""
_NARROWEST = 40
_LABEL = re.compile(r"\s*(?:(?:seen|do|fix|note|not read):\s+|\[\d+\] )?")


def wrapped(line: str, width: int = WIDTH) -> list[str]:
    """Return a line as lines of at most `width` columns; continuation lines are aligned with the text after its label.

    Long words (hex, base64, names) are never broken.
    """
    if len(line) <= width:
        return [line]
    width = max(width, _NARROWEST)
    return textwrap.wrap(
        line,
        width,
        subsequent_indent=" " * min(hang(line), width // 2),
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
        replace_whitespace=False,
    ) or [line]


def hang(line: str) -> int:
    """Return how far continuation lines are indented."""
    label = _LABEL.match(line)
    return label.end() if label is not None and label.group().strip() else len(line) - len(line.lstrip()) + 4


def columns(head: Sequence[str], rows: Sequence[Sequence[str]], width: int = WIDTH) -> Iterator[str]:
    """Yield a table as lines; the last column is wrapped, numbers are right-aligned."""
    everything = [tuple(head), *map(tuple, rows)]
    widths = [max(len(row[i]) for row in everything) for i in range(len(head) - 1)]
    numeric = [all(row[i].isdigit() for row in rows) for i in range(len(head) - 1)]
    left = sum(w + 2 for w in widths)
    room = max(width - left, _NARROWEST)
    for row in everything:
        cells = [c.rjust(w) if n else c.ljust(w) for c, w, n in zip(row, widths, numeric, strict=False)]
        first, *more = textwrap.wrap(row[-1], room, break_long_words=False, break_on_hyphens=False) or [""]
        yield "".join(f"{c}  " for c in cells) + first
        yield from (" " * left + line for line in more)
