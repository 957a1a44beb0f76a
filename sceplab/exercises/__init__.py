"""Exercises of the notebooks: check, hint, solution.

Rule: an exercise is data; this is the machinery. Right answers are computed from
what the reader has loaded, so they hold for the reader's own capture as well.
Starter cells say `answer = ...`; checking that is "not attempted yet" and never
raises, so that Run All reaches the end.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from types import EllipsisType
from typing import Any

from sceplab.errors import InputError
from sceplab.exercises.progress import note_solved


@dataclass(frozen=True, slots=True)
class Note:
    """Text for the reader, shown as HTML in a notebook and as text elsewhere."""

    kind: str
    text: str
    code: str = ""

    def __repr__(self) -> str:
        return f"{self.kind}: {' '.join(filter(None, (self.text, self.code)))}"

    def _repr_html_(self) -> str:
        code = f" <code>{escape(self.code)}</code>" if self.code else ""
        return f"<p><b>{escape(self.kind)}</b>: {_marked(self.text)}{code}</p>"


def _marked(text: str) -> str:
    """Return a text as HTML, what is between backticks as code."""
    parts = enumerate(text.split("`"))
    return "".join(f"<code>{escape(part)}</code>" if number % 2 else escape(part) for number, part in parts)


@dataclass(frozen=True, slots=True)
class Exercise:
    """One question about the loaded capture.

    `right` is the right answer, or, where the reader builds something, a judge
    that runs it: it returns "" if it is right, else what is wrong with it. `code`
    gives the right answer when it is run in the notebook, `why` is the reason.
    `mistakes` maps what goes wrong to the wrong answer it gives, so that a wrong
    answer is explained. `place` is its notebook and number there, by which progress
    is kept (see `progress`).
    """

    question: str
    right: object
    code: str
    hints: tuple[str, ...]
    mistakes: Mapping[str, object] = field(default_factory=dict)
    why: str = ""
    place: tuple[str, int] = ("", 0)

    def __repr__(self) -> str:
        return f"Exercise: {self.question}"

    def _repr_html_(self) -> str:
        return f"<p><b>Exercise</b>: {_marked(self.question)}</p>"

    def check(self, answer: object) -> Note:
        """Judge an answer; `...` is "not attempted yet". Never raises."""
        if isinstance(answer, EllipsisType):
            return Note("Not attempted yet", "replace the three dots with your answer and run the cell again.")
        if callable(self.right):
            lacking = _judged(self.right, answer)
            return Note("Not yet", lacking) if lacking else self._praise()
        if _same(answer, self.right):
            return self._praise()
        for what, wrong in self.mistakes.items():
            if _same(answer, wrong):
                return Note("Not yet", what)
        if type(answer) is not type(self.right):
            wanted, got = type(self.right).__name__, type(answer).__name__
            return Note("Not yet", f"the answer is of type {wanted}, yours is {got}.")
        return Note("Not yet", "that is not it; .hint() helps.")

    def _praise(self) -> Note:
        note_solved(self.place)
        return Note("Right", f"{self.why} In code:" if self.why else "", self.code)

    def hint(self, number: int = 1) -> Note:
        """Give a hint; the last one says nearly everything."""
        index = min(max(number, 1), len(self.hints)) - 1
        more = f" (.hint({index + 2}) says more)" if index + 1 < len(self.hints) else " (.solution() shows the code)"
        return Note(f"Hint {index + 1}", self.hints[index] + more)

    def solution(self) -> Note:
        """Show the code that gives the answer."""
        return Note("Solution", "", self.code)


def _judged(judge: Callable[[object], str], answer: object) -> str:
    try:
        return judge(answer)
    except Exception as error:  # noqa: BLE001 - what a reader built may fail in any way
        return f"trying it ended in an error: {type(error).__name__}: {error}"


def _same(a: object, b: object) -> bool:
    """Compare without ever raising; bytes and bytearray count as the same."""
    if isinstance(a, bytes | bytearray | memoryview) and isinstance(b, bytes):
        return bytes(a) == b
    try:
        return type(a) is type(b) and bool(a == b)
    except Exception:  # noqa: BLE001 - a reader's object may compare in any way
        return False


def load(notebook: str, *loaded: Any) -> tuple[Exercise, ...]:  # noqa: ANN401
    """Return the exercises of a notebook ("01"), their answers computed from what is `loaded`.

    Raises InputError when there are none for that notebook.
    """
    try:
        module = importlib.import_module(f"sceplab.exercises.nb{notebook}")
    except ModuleNotFoundError as error:
        raise InputError(f"there are no exercises for notebook {notebook}") from error
    make: Callable[..., tuple[Exercise, ...]] = module.exercises
    return tuple(replace(one, place=(notebook, number)) for number, one in enumerate(make(*loaded), 1))
