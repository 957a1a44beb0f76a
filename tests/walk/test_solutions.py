"""The solutions of the exercises in notebooks 01 to 05 are right when they run in the notebook, on any capture."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from sceplab.exercises import Exercise
from sceplab.paths import DATA
from tests.helpers.cells import run_cells

OTHER = DATA / "captures" / "strongswan-wrongchallenge"


@pytest.mark.parametrize("own", [False, True], ids=["specimen", "own-capture"])
@pytest.mark.parametrize("number", ["01", "02", "03", "04", "05"])
def test_solutions_are_right_and_wrong_answers_are_explained(
    number: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, own: bool
) -> None:
    """Each notebook has at least two exercises, and in one of them the reader builds something."""
    monkeypatch.chdir(tmp_path)
    if own:
        monkeypatch.setenv("SCEPLAB_CAPTURE", str(OTHER / "capture.pcap"))
        monkeypatch.setenv("SCEPLAB_KEYS", os.pathsep.join(map(str, OTHER.glob("*.key.pem"))))
    run_cells(number, _judge)


def _judge(shell: InteractiveShell) -> None:
    made = [shell.user_ns[name] for name in ("one", "two", "three") if name in shell.user_ns]
    assert len(made) >= 2
    assert any(callable(e.right) for e in made)
    for exercise in made:
        assert isinstance(exercise, Exercise)
        answer = shell.run_cell(exercise.code).result
        assert repr(exercise.check(answer)).startswith("Right"), (exercise.question, exercise.check(answer))
        assert repr(exercise.check(...)).startswith("Not attempted yet")
        for what, wrong in exercise.mistakes.items():
            if wrong is not None:
                assert repr(exercise.check(wrong)) == f"Not yet: {what}"
        for nonsense in (None, "nonsense", b"", b"\x30\x80", -1, object(), [], float("nan")):
            assert repr(exercise.check(nonsense)).startswith("Not yet")
        assert len(exercise.hints) >= 2
