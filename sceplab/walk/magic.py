"""`%%needs NAME ...`: a cell of a notebook that runs where the story has what it needs, else says what it lacks.

Rule: the first line of a cell decides whether the cell runs; the cell itself is
plain Python, and runs as if that line were a comment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sceplab.report.escape import visible
from sceplab.walk.needs import NEEDS, lacking
from sceplab.walk.story import Story

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

MAGIC = "%%needs"


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Make `%%needs` known, for `%load_ext sceplab.walk`."""

    def transform(lines: list[str]) -> list[str]:
        if not lines or lines[0].split()[:1] != [MAGIC]:
            return lines
        return cell_of(lines, shell.user_ns.get("story"))

    transformers = shell.input_transformers_cleanup
    transformers[:] = [t for t in transformers if getattr(t, "__qualname__", "") != transform.__qualname__]
    transformers.append(transform)


def cell_of(lines: list[str], story: object) -> list[str]:
    """Return the lines to run in place of a cell that begins with `%%needs`."""
    names = lines[0].split()[1:]
    if not isinstance(story, Story):
        return _statement("raise NameError", "open a story first: story = open_story()")
    if not names or any(name not in NEEDS for name in names):
        return _statement("raise ValueError", f"{MAGIC} takes some of these: {', '.join(NEEDS)}")
    found = lacking(story, " ".join(names))
    return _statement("print", f"Skipped. {visible(found)}") if found else [f"# {lines[0]}", *lines[1:]]


def _statement(call: str, text: str) -> list[str]:
    return [f"{call}({text!r})\n"]
