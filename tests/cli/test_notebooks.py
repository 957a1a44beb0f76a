"""`sceplab notebooks`: it adds files, opens JupyterLab, and never replaces what a reader changed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from sceplab import __version__
from sceplab.cli import main, notebooks
from sceplab.cli.notebooks import FIRST, Fate, copy
from tests.helpers.captures import DATA, ROOT

OTHER = "notebooks/01-unwrap-the-url.ipynb"


def _files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_all_notebooks_and_all_data_are_written(tmp_path: Path) -> None:
    """A folder that is not there is made, and what is in it equals what comes with sceplab."""
    folder = tmp_path / "new" / "one"
    fates = copy(folder)
    there = _files(folder)
    assert set(fates) == {Fate.NEW}
    assert {n for n in there if n.startswith("notebooks/")} == {
        f"notebooks/{p.name}" for p in (ROOT / "notebooks").glob("*.ipynb")
    }
    assert there["data/specimen/capture.pcap"] == (DATA / "specimen" / "capture.pcap").read_bytes()
    assert copy(folder).keys() == {Fate.SAME}


def test_changes_of_a_reader_stay(tmp_path: Path) -> None:
    """Also with --update, which puts the new file beside the changed one; a deleted file comes back."""
    copy(tmp_path)
    (tmp_path / FIRST).write_bytes(b"mine")
    (tmp_path / OTHER).unlink()
    assert copy(tmp_path)[Fate.KEPT] == 1
    assert (tmp_path / OTHER).is_file()
    for _ in range(2):
        fates = copy(tmp_path, update=True)
        assert (fates[Fate.BESIDE], fates[Fate.REPLACED]) == (1, 0)
        assert (tmp_path / FIRST).read_bytes() == b"mine"
        beside = tmp_path / FIRST.replace(".ipynb", f".{__version__}.ipynb")
        assert beside.read_bytes() == (ROOT / FIRST).read_bytes()


def test_update_brings_what_the_reader_did_not_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file as an earlier version wrote it is replaced with --update, and only then."""
    shipped = tmp_path / "shipped"
    for name in (FIRST, OTHER, "data/x.pem"):
        (shipped / name).parent.mkdir(parents=True, exist_ok=True)
        (shipped / name).write_bytes(b"old")
    monkeypatch.setattr(notebooks, "SHIPPED", shipped)
    monkeypatch.setattr(notebooks, "NOTEBOOKS", shipped / "notebooks")
    monkeypatch.setattr(notebooks, "DATA", shipped / "data")
    folder = tmp_path / "folder"
    assert copy(folder) == {Fate.NEW: 3}
    (shipped / FIRST).write_bytes(b"new")
    assert copy(folder) == {Fate.SAME: 2, Fate.KEPT: 1}
    assert copy(folder, update=True) == {Fate.SAME: 2, Fate.REPLACED: 1}
    assert (folder / FIRST).read_bytes() == b"new"
    (shipped / FIRST).write_bytes(b"newer")
    assert copy(folder, update=True)[Fate.REPLACED] == 1


@pytest.mark.parametrize("record", [b"", b"[]", b"\xff", b'{"notebooks/00-start-here.ipynb": 1}'])
def test_where_the_record_is_spoilt_nothing_is_replaced(tmp_path: Path, record: bytes) -> None:
    """Without a record of what was written, a file that differs counts as the reader's."""
    copy(tmp_path)
    (tmp_path / FIRST).write_bytes(b"mine")
    (tmp_path / ".sceplab-notebooks.json").write_bytes(record)
    assert copy(tmp_path, update=True)[Fate.BESIDE] == 1
    assert (tmp_path / FIRST).read_bytes() == b"mine"


def test_what_is_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--no-open says how to open them."""
    assert main(["notebooks", str(tmp_path), "--no-open"]) == 0
    out = capsys.readouterr().out
    assert "files written" in out
    assert "-m jupyter lab" in out


def test_a_folder_that_cannot_be_made_is_one_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file in its place ends in exit code 2."""
    (tmp_path / "file").write_bytes(b"")
    assert main(["notebooks", str(tmp_path / "file"), "--no-open"]) == 2
    assert "cannot be created" in capsys.readouterr().err


def test_without_jupyterlab_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, "jupyterlab", None)
    assert main(["notebooks", str(tmp_path / "x")]) == 2
    assert 'pip install "sceplab[notebooks]"' in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_jupyterlab_gets_the_folder_and_its_exit_code_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command is run in a process of its own."""
    said = tmp_path / "said.json"
    script = "import json, sys; json.dump(sys.argv[2:], open(sys.argv[1], 'w')); raise SystemExit(3)"
    real = notebooks.jupyterlab
    monkeypatch.setattr(
        notebooks, "jupyterlab", lambda folder: [sys.executable, "-c", script, str(said), *real(folder)[1:]]
    )
    assert main(["notebooks", str(tmp_path / "x")]) == 3
    assert f"--ServerApp.root_dir={tmp_path / 'x'}" in json.loads(said.read_text())
