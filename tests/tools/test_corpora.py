"""The runner of corpora: one bad file is named, whatever it does, and the next one is read."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.helpers.captures import DATA
from tools.corpora.readings import examine
from tools.corpora.runner import Failure, Limits, run

LIMITS = Limits(seconds=0.3, megabytes=100, patience=60)


def misbehave(path: Path) -> None:
    """Do what the name of the file says."""
    match path.stem:
        case "computes":
            while True:
                pass
        case "waits":
            signal.pause()
        case "raises":
            raise IndexError("out of range")
        case "leaves":
            raise SystemExit(0)
        case "eats":
            held = [bytearray(10 << 20) for _ in range(100)]
            assert held
        case "dies":
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("computes", "more than 0.3 seconds"),
        ("raises", "IndexError: out of range"),
        ("leaves", "SystemExit"),
        ("eats", "more than 100 MB"),
        ("dies", "died"),
    ],
)
def test_each_way_to_go_wrong(name: str, words: str, tmp_path: Path) -> None:
    """The file is named, and those around it are fine."""
    files = [tmp_path / n for n in ("good1", name, "good2", name, "good3")]
    failures = list(run(files, misbehave, LIMITS, jobs=1))
    assert [f.path.name for f in failures] == [name, name]
    assert all(words in f.what for f in failures), failures


def test_a_file_that_waits(tmp_path: Path) -> None:
    """It takes no processor time; the clock ends it."""
    (failure,) = run([tmp_path / "waits"], misbehave, Limits(patience=0.2), jobs=1)
    assert "hangs" in failure.what


def test_good_files_of_ours() -> None:
    """The specimen passes; two processes share the work."""
    files = sorted((DATA / "specimen").iterdir())
    assert list[Failure](run(files, examine, Limits(), jobs=2)) == []
