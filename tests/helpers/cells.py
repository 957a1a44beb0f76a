"""Run the code cells of a notebook's source in this process, in order, as Run All does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jupytext
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

SOURCES = Path(__file__).resolve().parents[2] / "notebooks" / "src"


@dataclass(frozen=True)
class Ran:
    """A cell that was run: its code, its output, and the error that ended it."""

    code: str
    text: str
    error: BaseException | None


def source(number: str) -> Path:
    """Return the source of the notebook whose file begins with `number`."""
    (found,) = SOURCES.glob(f"{number}-*.md")
    return found


def run_cells(number: str, then: Callable[[InteractiveShell], None] = lambda _: None) -> list[Ran]:
    """Run all code cells of a notebook in a fresh namespace, in the current folder, and then the code in `then`."""
    shell = InteractiveShell()
    out = []
    for cell in jupytext.read(source(number)).cells:
        if cell.cell_type != "code":
            continue
        with capture_output() as captured:
            done = shell.run_cell(cell.source)
        shown = "\n".join(str(o.data.get("text/plain", "")) for o in captured.outputs)
        result = "" if done.result is None else repr(done.result)
        out.append(Ran(cell.source, captured.stdout + shown + result, done.error_before_exec or done.error_in_exec))
    then(shell)
    return out
