"""Progress over all notebooks is stored in a file beside them, and nowhere else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sceplab.cli import main
from sceplab.exercises import Exercise
from sceplab.exercises.progress import FILE, NUMBERS, note_solved, solved_in, total
from tools import notebooks


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder with two notebooks and change to it."""
    for name in ("01-unwrap-the-url", "02-open-the-signed-data"):
        (tmp_path / f"{name}.ipynb").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_numbers_of_exercises_match_the_notebooks() -> None:
    """Each exercise has one cell with a check."""
    found = {s.stem.partition("-")[0]: len(re.findall(r"\.check\(", s.read_text())) for s in notebooks.sources()}
    assert found == NUMBERS


def test_only_right_answers_are_stored_and_only_once(folder: Path) -> None:
    """The check of an exercise stores its number and not the answer."""
    exercise = Exercise("?", 7, "7", ("think", "harder"), place=("01", 2))
    for answer in (..., 6, 7, 7):
        exercise.check(answer)
    assert solved_in()["01"] == (2,)
    assert json.loads((folder / FILE).read_text())["01"] == [2]
    note_solved(("02", 1))
    assert total(solved_in(folder)) == f"2 of {sum(NUMBERS.values())}"
    assert [p.name for p in FILE.parent.iterdir()] == [FILE.name]


def test_nothing_is_written_in_a_folder_without_notebooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts may use exercises too. An exercise made by hand has no place to be stored under."""
    monkeypatch.chdir(tmp_path)
    note_solved(("01", 1))
    Exercise("?", 7, "7", ("think", "harder")).check(7)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text", ["", "no json", "[]", '{"01": 3}', '{"01": [0, 4, "1", true, null, 1e9]}', "[" * 9000, "\udcff"]
)
def test_an_invalid_file_counts_as_no_progress(folder: Path, text: str) -> None:
    """Nothing counts as solved, and the next right answer is stored."""
    (folder / FILE).parent.mkdir()
    (folder / FILE).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert not any(solved_in().values())
    note_solved(("01", 3))
    assert solved_in()["01"] == (3,)


def test_an_unwritable_folder_is_no_error(folder: Path) -> None:
    """The name of the folder is taken by a file."""
    (folder / "work").touch()
    note_solved(("01", 3))
    assert not any(solved_in().values())


def test_the_progress_command_prints_each_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It prints one line for each folder, or JSON with the numbers. A missing folder is an error."""
    note_solved(("01", 3))
    assert main(["progress", str(folder), "."]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[2] for line in lines] == [f"1 of {sum(NUMBERS.values())} exercises solved (01: 1)"] * 2
    assert main(["progress", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["."]["01"] == [3]
    assert main(["progress", str(folder / "none")]) == 2
