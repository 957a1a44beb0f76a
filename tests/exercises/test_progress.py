"""Progress over all notebooks: noted beside them, and nowhere else."""

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
    """A folder with two notebooks, which is the present one."""
    for name in ("01-unwrap-the-url", "02-open-the-signed-data"):
        (tmp_path / f"{name}.ipynb").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_notebook_has_as_many_exercises_as_it_says() -> None:
    """The numbers are those of the cells with a check."""
    found = {s.stem.partition("-")[0]: len(re.findall(r"\.check\(", s.read_text())) for s in notebooks.sources()}
    assert found == NUMBERS


def test_a_right_answer_is_noted_once_and_a_wrong_one_never(folder: Path) -> None:
    """By the check of an exercise; the file holds numbers and no answers."""
    exercise = Exercise("?", 7, "7", ("think", "harder"), place=("01", 2))
    for answer in (..., 6, 7, 7):
        exercise.check(answer)
    assert solved_in()["01"] == (2,)
    assert json.loads((folder / FILE).read_text())["01"] == [2]
    note_solved(("02", 1))
    assert total(solved_in(folder)) == f"2 of {sum(NUMBERS.values())}"
    assert [p.name for p in FILE.parent.iterdir()] == [FILE.name]


def test_nothing_is_written_where_there_are_no_notebooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script may use exercises too; and one made by hand has no place."""
    monkeypatch.chdir(tmp_path)
    note_solved(("01", 1))
    Exercise("?", 7, "7", ("think", "harder")).check(7)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text", ["", "no json", "[]", '{"01": 3}', '{"01": [0, 4, "1", true, null, 1e9]}', "[" * 9000, "\udcff"]
)
def test_a_file_that_makes_no_sense_is_no_progress(folder: Path, text: str) -> None:
    """Whoever wrote it: nothing is solved, and the next right answer is noted."""
    (folder / FILE).parent.mkdir()
    (folder / FILE).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert not any(solved_in().values())
    note_solved(("01", 3))
    assert solved_in()["01"] == (3,)


def test_a_folder_that_cannot_be_written_is_no_error(folder: Path) -> None:
    """A file stands where the folder should be."""
    (folder / "work").touch()
    note_solved(("01", 3))
    assert not any(solved_in().values())


def test_the_command_for_a_teacher(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each folder; JSON with the numbers."""
    note_solved(("01", 3))
    assert main(["progress", str(folder), "."]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[2] for line in lines] == [f"1 of {sum(NUMBERS.values())} exercises solved (01: 1)"] * 2
    assert main(["progress", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["."]["01"] == [3]
    assert main(["progress", str(folder / "none")]) == 2
