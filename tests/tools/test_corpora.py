"""The corpora runner: it names a file that fails in any way, goes on with the next one, and counts all."""

from __future__ import annotations

import json
import os
import signal
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.helpers.captures import DATA, certificate
from tools.corpora.debian import ARCHIVES, is_data
from tools.corpora.readings import DAMAGED, FILE, INSIDE, examine
from tools.corpora.runner import Failure, Limits, run

LIMITS = Limits(megabytes=100)
SHORT = Limits(seconds=0.5)


def misbehave(path: Path) -> None:
    """Fail in the way that the file name says."""
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
            held = bytearray(1 << 30)
            assert held
        case "dies":
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("name", "limits", "words"),
    [
        ("computes", SHORT, "more than 0.5 seconds"),
        ("raises", LIMITS, "IndexError: out of range"),
        ("leaves", LIMITS, "SystemExit"),
        ("eats", LIMITS, "more than 100 MB"),
        ("dies", LIMITS, "died"),
    ],
)
def test_each_kind_of_failure_is_reported(name: str, limits: Limits, words: str, tmp_path: Path) -> None:
    """The failing file is named, and the files around it pass. Only a file that computes has a short time."""
    files = [tmp_path / n for n in ("good1", name, "good2", name, "good3")]
    failures = list(run(files, misbehave, limits, jobs=1))
    assert [f.path.name for f in failures] == [name, name]
    assert all(words in f.what for f in failures), failures


def test_a_file_that_hangs_is_reported(tmp_path: Path) -> None:
    """It uses no processor time; the wall-clock limit ends it."""
    (failure,) = run([tmp_path / "waits"], misbehave, Limits(patience=0.2), jobs=1)
    assert "hangs" in failure.what


def in_parts(path: Path) -> Iterator[str]:
    """Compute five times, each below the time limit."""
    assert path
    for _ in range(5):
        end = time.process_time() + 0.3
        while time.process_time() < end:
            pass
        yield "part"


def test_each_part_of_a_file_has_its_own_time_limit(tmp_path: Path) -> None:
    """A file of many structures may take longer than the limit for one structure."""
    counts = Counter[str]()
    assert list(run([tmp_path / "file"], in_parts, Limits(seconds=1.2), 1, counts)) == []
    assert counts == {"part": 5}


def test_the_specimen_passes_all_readers() -> None:
    """The specimen passes; two processes share the work, and each file is counted."""
    files = sorted((DATA / "specimen").iterdir())
    counts = Counter[str]()
    assert list[Failure](run(files, partial(examine, ways=1), Limits(), 2, counts)) == []
    assert counts[FILE] == len(files)
    assert counts[INSIDE] >= 3
    assert counts[DAMAGED] >= 3


def test_structures_in_text_are_found_and_damaged(tmp_path: Path) -> None:
    """Hex and base64, as in JSON test vectors; found and damaged structures are counted separately."""
    path = tmp_path / "vectors.json"
    one, two = certificate("ca"), certificate("ra")
    path.write_text(json.dumps({"hex": one.hex(), "base64": b64encode(two).decode(), "again": one.hex(), "no": "30"}))
    assert Counter(examine(path, 4)) == {FILE: 1, INSIDE: 2, DAMAGED: 8}


def test_only_the_test_data_of_a_source_package_is_used() -> None:
    """Test data is chosen by its path below the package's folder."""
    assert len(set(ARCHIVES.values())) == len(ARCHIVES) == 17
    assert all(len(digest) == 64 for digest in ARCHIVES.values())
    assert is_data(Path("openssl-3/test/certs/a.pem"))
    assert not is_data(Path("testing-1/src/a.c"))
