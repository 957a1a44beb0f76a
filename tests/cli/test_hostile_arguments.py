"""Senseless values for every option of every command: they are accepted, or exit code 2 and a clear error."""

from __future__ import annotations

import argparse
import importlib
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sceplab import cli
from sceplab.cli.commands import COMMANDS
from sceplab.cli.lab import ACTIONS
from sceplab.lab import http
from sceplab.lab.network import Lab
from sceplab.lab.policy import Policy
from tests.helpers.captures import DATA

SECRET = "R3-to-R1-via-R2"
SPECIMEN = DATA / "specimen"
# Valid arguments of each command; a test replaces or adds one value at a time.
RIGHT = {
    "decode": [str(SPECIMEN / "capture.pcap")],
    "lint": [str(SPECIMEN / "capture.pcap")],
    "diagnose": [str(SPECIMEN / "capture.pcap")],
    "inspect": [str(SPECIMEN / "capture.pcap"), "--html", "out.html"],
    "walk": [],
    "table": [str(DATA / "mysteries")],
    "notebooks": ["--no-open"],
    "progress": ["."],
    "doctor": [],
    "enroll": ["http://127.0.0.1:9/", "--subject", "CN=R3", "--new-key", "P-256", "--limit", "0"],
    "relay": ["--to", "http://127.0.0.1:9/", "--listen", "127.0.0.1:0"],
    "lab start": ["--ca-port", "0", "--ra-port", "0", "--ca-key", "P-256", "--no-ra"],
    "lab pending": [],
    "lab grant": ["1"],
    "lab deny": ["1"],
    "lab challenge": [],
    "lab list": [],
    "lab export": [],
    "lab revoke": ["1"],
    "lab next-ca": [],
    "lab rollover": [],
}


def _words(text: str) -> list[str]:
    return text.split()


NUMBERS = _words("-1 0 1 -5 65536 99999999999999999999 1e400 nan inf -inf 1_000 \u0663 0x10 1.5 +1 -- -")
NUMBERS += ["9" * 5000, " 1", ""]
URLS = [
    *_words("http://[::1 http://[::1]:x/ http://x:99999/ http://x:-1/ http:// http:///x http://. http://* ftp://x/"),
    *_words(
        "http://\u00fc/ http://a..b/ http://x/\u00fc http://x\\@y/ http://u:p@127.0.0.1:9/ http://%/ http://x%00y/"
    ),
    *(
        "http://127.0.0.1:9/?a=b#c",
        "HTTP://127.0.0.1:9",
        "http://\udcff/",
        "http://x y/",
        f"http://{'a' * 70}.example/",
    ),
]
NAMES = [
    *_words("\u00fc a..b * \udcff \x1b -x \u202e CN= = CN=R3, CN=\u00fc C=DEU 1.2=x CN=a+ \\ CN=\\ DC=\u00fc 9.9.9=x"),
    *("", " ", "." * 300, "a" * 300, "a\nb", "emailAddress=\u00fc", "CN=\udcff", "CN=" + "x" * 65),
]
PATHS = [*_words(". .. /dev/null /dev/null/x /etc/passwd/x.md /proc/self/mem ~ no/such"), "n" * 300, "x/" * 3000]
VALUES = [*NUMBERS, *URLS, *NAMES, *PATHS]


def _parsers() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield each command with its parser, read from argparse's own table."""
    homes = [(c.name, c) for c in COMMANDS if c.name != "lab"] + [(f"lab {a.name}", a) for a in ACTIONS]
    for name, command in homes:
        parser = argparse.ArgumentParser()
        getattr(importlib.import_module(f"sceplab.cli.{command.home}"), command.adds)(parser)
        yield name, parser


def _cases() -> list[tuple[str, str]]:
    """Return each command with each argument that takes a value ("" for the positional one)."""
    out = []
    for name, parser in _parsers():
        for action in parser._actions:
            if action.nargs == 0 or isinstance(action, argparse._HelpAction):
                continue
            out.append((name, _word(action)))
    return out


def _word(action: argparse.Action) -> str:
    return action.option_strings[0] if action.option_strings else ""


def test_every_command_is_tested() -> None:
    """The lists above cover all commands."""
    assert {name for name, _ in _parsers()} == set(RIGHT)
    assert len(_cases()) > 60


class _AtOnce(threading.Event):
    """An event that simulates an immediate Ctrl-C."""

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is None
        return True


def _nowhere(*_: object, **__: object) -> None:
    raise socket.gaierror("no name is looked up in a test")


class _Ended(threading.Event):
    """An event that does not wait."""

    def wait(self, timeout: float | None = None) -> bool:
        """Return at once."""
        return super().wait(timeout or 0.0)


@pytest.fixture
def lab_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield a working folder with a lab; nothing sleeps, waits for Ctrl-C, or writes files elsewhere."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    policy = Policy((SECRET,))
    with Lab(tmp_path / "sceplab-lab", policy=policy, key="P-256") as lab:
        authority = lab.ca

    def sender(url: str, **options: Any) -> http.Send:
        send = http.http_sender(url, **options)
        return authority.answer if url.startswith(RIGHT["enroll"][0]) else send

    monkeypatch.setattr("sceplab.cli.enroll.http_sender", sender)
    monkeypatch.setattr("socket.getaddrinfo", _nowhere)
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr("getpass.getpass", lambda _: "")
    monkeypatch.setattr("sceplab.cli.listening.threading", SimpleNamespace(Event=_AtOnce))
    before = set(Path("/").iterdir())
    yield tmp_path
    assert set(Path("/").iterdir()) == before
    assert [t.name for t in threading.enumerate() if "sceplab" in t.name] == []


@pytest.mark.parametrize(("command", "option"), _cases(), ids=lambda x: x or "positional")
def test_hostile_values_of_every_option_give_one_clear_error(
    command: str, option: str, lab_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback and no hang: exit code 0 or 1, or 2 with one line (and argparse's usage)."""
    kind = next(a.type for n, p in _parsers() if n == command for a in p._actions if _word(a) == option)
    values = VALUES if kind is None else PATHS + NAMES[:4] if kind is Path else NUMBERS
    for value in values:
        name, right = command.split(), list(RIGHT[command])
        if not option and right and not right[0].startswith("-"):
            right[0] = value
        elif option in right:
            right[right.index(option) + 1] = value
        else:
            right += [value] if not option else [option, value]
        try:
            code = cli.main([*name, *right])
        except SystemExit as ended:
            code = int(ended.code or 0)
        except BaseException as error:
            raise AssertionError(f"{[*name, *right]} ended in {error!r}") from error
        _, err = capsys.readouterr()
        assert code in {0, 1, 2}, value
        if code == 2:
            told = [line for line in err.splitlines() if line.startswith("sceplab") and "warning: " not in line]
            assert len(told) == 1, (value, err)
            assert err.rstrip("\n").splitlines()[-1] == told[0], (value, err)
            assert not [*lab_folder.glob("*.key.pem")], value
        for path in lab_folder.iterdir():
            if path.name != "sceplab-lab":
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


NUMERIC = {
    "enroll": {"--every": "0", "--limit": "-1", "--timeout": "0"},
    "relay": {"--timeout": "0"},
    "lab start": {"--ca-port": "65536", "--ra-port": "-1", "--days": "0", "--clock-skew": "-1", "--min-rsa-bits": "-1"},
    "lab challenge": {"--minutes": "0"},
    "walk": {"--exchange": "-1"},
}


@pytest.mark.parametrize("command", NUMERIC)
def test_numbers_out_of_range_are_refused(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An endless wait, an invalid port, a certificate that is never valid: refused at once."""
    for option, wrong in NUMERIC[command].items():
        for value in (wrong, "nan", "inf", "-inf", "x", "", "1_0", "9" * 5000):
            with pytest.raises(SystemExit) as ended:
                cli.main([*command.split(), *RIGHT[command], f"{option}={value}"])
            assert ended.value.code == 2
            assert f"argument {option}: " in capsys.readouterr().err
    options = {o for _, o in _cases()}
    typed = {a.option_strings[0] for _, p in _parsers() for a in p._actions if a.type not in {None, Path}}
    assert typed == {o for group in NUMERIC.values() for o in group} <= options
