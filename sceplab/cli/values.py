"""Values of options: numbers within limits, for argparse's `type`.

Rule: a value that makes no sense is refused here, before anything is done; the
error says what would do.
"""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return a function that reads a whole number from `least` to `most`; it raises ArgumentTypeError."""

    def read(text: str) -> int:
        if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
        return int(text)

    return read


def seconds(least: float, most: float) -> Callable[[str], float]:
    """Return a function that reads seconds, perhaps with a fraction; it raises ArgumentTypeError."""

    def read(text: str) -> float:
        try:
            value = float(text) if text.isascii() and "_" not in text else math.nan
        except ValueError:
            value = math.nan
        if not least <= value <= most:  # also where it is no number
            raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from {least:g} to {most:g}")
        return value

    return read


PORT = whole(0, 65_535)
DAY = 86_400
YEAR = 366
"""In days."""
