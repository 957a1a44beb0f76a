"""`--record` of the commands that listen: the file is checked before anything begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from sceplab.cli import main

COMMANDS = {
    "lab start": ["lab", "start", "--dir", "lab", "--ca-port", "0", "--no-ra"],
    "relay": ["relay", "--to", "http://127.0.0.1:9/", "--listen", "127.0.0.1:0"],
}


@pytest.mark.parametrize("record", ["missing/x", "file/x", ".", "there", "x" * 300])
@pytest.mark.parametrize("command", COMMANDS)
def test_an_unwritable_record_is_an_error_at_the_start(
    tmp_path: Path, command: str, record: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error comes at the start, before a port is opened or a key is made, not when the traffic is lost."""
    monkeypatch.chdir(tmp_path)
    for name in ("file", "there"):
        Path(name).write_text("mine")
    assert main([*COMMANDS[command], "--record", record]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "there"]
    assert Path("there").read_text() == "mine"
