"""Which exercises a reader has solved, over all notebooks.

Rule: kept in one file beside the notebooks, which git ignores; nothing is sent
anywhere. No answer is kept, only the numbers of what was solved. What cannot be
read or written is left alone: an exercise never fails because of it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

NUMBERS = {
    "00": 2,
    "01": 3,
    "01b": 3,
    "02": 3,
    "03": 3,
    "04": 3,
    "05": 3,
    "06": 3,
    "07": 3,
    "08": 3,
    "09": 2,
    "10": 2,
    "11": 8,
}
"""How many exercises each notebook has."""
FILE = Path("work") / "progress.json"
"""Where progress is kept, below the folder of the notebooks."""
_LARGEST = 10_000


def note_solved(place: tuple[str, int], folder: Path | None = None) -> None:
    """Note that the exercise at (notebook, number) is solved; by default only where the notebooks are. Never raises."""
    folder = folder or Path()
    notebook, number = place
    if notebook not in NUMBERS or not any(folder.glob(f"{notebook}-*.ipynb")):
        return
    solved = {name: set(numbers) for name, numbers in solved_in(folder).items()}
    if number in solved.setdefault(notebook, set()):
        return
    solved[notebook].add(number)
    text = json.dumps({name: sorted(numbers) for name, numbers in sorted(solved.items())})
    target = folder / FILE
    # Written aside: another notebook's kernel may read it now.
    aside = target.with_name(f"progress-{os.getpid()}.part")
    try:
        target.parent.mkdir(exist_ok=True)
        aside.write_text(text, encoding="utf-8")
        aside.replace(target)
    except OSError:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


def solved_in(folder: Path | None = None) -> dict[str, tuple[int, ...]]:
    """Return the numbers of the solved exercises by notebook, for all notebooks. Never raises."""
    try:
        with ((folder or Path()) / FILE).open(encoding="utf-8") as file:
            found = json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        found = {}
    return {name: _numbers(found, name, most) for name, most in NUMBERS.items()}


def _numbers(found: object, name: str, most: int) -> tuple[int, ...]:
    listed = found.get(name) if isinstance(found, Mapping) else None
    numbers = listed if isinstance(listed, list) else []
    return tuple(sorted({n for n in numbers if type(n) is int and 1 <= n <= most}))


def total(solved: Mapping[str, tuple[int, ...]]) -> str:
    """Return how many exercises are solved, as "3 of 41"."""
    return f"{sum(map(len, solved.values()))} of {sum(NUMBERS.values())}"
