"""The command in a shell: interrupts, full or closed outputs, and other locales."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.captures import DATA, ROOT

CAPTURE = str(DATA / "captures" / "micromdm-wrongchallenge" / "capture.pcap")
SPECIMEN = DATA / "specimen"
SCEPLAB = [sys.executable, "-m", "sceplab.cli"]


def _environment(**more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": "/nonexistent", **more}


def _shell(command: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
    """Run a line of bash where `$S` is the command, `$C` a capture and `$D` the specimen's folder."""
    environment = _environment(S=" ".join(SCEPLAB), C=CAPTURE, D=str(SPECIMEN), **more.pop("environment", {}))
    return subprocess.run(["bash", "-c", command], env=environment, capture_output=True, check=False, **more)


# A shell starts background jobs with SIGINT ignored, and their children inherit that; a terminal does not.
_STARTED = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("sceplab.cli", run_name="__main__", alter_sys=True)
"""
AT_A_TERMINAL = [sys.executable, "-c", _STARTED]


def _interrupted(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, err
    assert (out, err) == (b"", b"sceplab: interrupted\n")


@pytest.mark.parametrize("command", ["decode", "lint", "diagnose", "walk"])
def test_ctrl_c_while_a_file_is_read(command: str, tmp_path: Path) -> None:
    """Exit code 130 and one line; the FIFO opens once the command reads it."""
    os.mkfifo(tmp_path / "fifo")
    process = subprocess.Popen(
        [*AT_A_TERMINAL, command, str(tmp_path / "fifo")],
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )
    with (tmp_path / "fifo").open("wb"):
        _interrupted(process)


def test_ctrl_c_while_waiting_for_a_server(tmp_path: Path) -> None:
    """The server has received the request and does not reply."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        process = subprocess.Popen(
            [*AT_A_TERMINAL, "enroll", url, "--subject", "CN=R3", "--out", str(tmp_path)],
            env=_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        connection, _ = server.accept()
        with connection:
            assert connection.recv(10)
            _interrupted(process)
    assert list(tmp_path.iterdir()) == []


PRINTING = {
    "version": "--version",
    "help": "decode --help",
    "decode": "decode $C",
    "JSON": "decode --json $C",
    "lint": "lint $C",
    "SARIF": "lint --sarif $C",
    "diagnose": "diagnose $C",
    "faults": "diagnose --list",
    "walk": "walk --out $T",
    "doctor": "doctor",
}


@pytest.mark.parametrize("command", PRINTING.values(), ids=PRINTING)
def test_outputs_that_cannot_be_written(command: str, tmp_path: Path) -> None:
    """A full disk is one line and exit code 2; a closed pipe and a closed output are not errors."""
    environment = {"T": str(tmp_path), "COLUMNS": "80"}
    force = "--force" if "walk" in command else ""
    full = _shell(f"$S {command} {force} > /dev/full", environment=environment)
    assert (full.returncode, full.stderr.count(b"\n")) == (2, 1), full.stderr
    assert b"cannot be written: No space left" in full.stderr
    stopped = _shell(f"set -o pipefail; $S {command} {force} | true", environment=environment)
    assert stopped.stderr == b""
    closed = _shell(f"$S {command} {force} >&-", environment=environment)
    assert closed.returncode in {0, 1}
    assert closed.stderr == b"" or command.startswith("-") or "--help" in command  # argparse exits by another route
    silent = _shell(f"$S {command} {force} 2>&-", environment=environment)
    assert silent.returncode in {0, 1}
    assert silent.stdout


@pytest.mark.parametrize("redirections", ["2>&-", "2>/dev/full", ">&- 2>&-", ">/dev/full 2>&1"])
def test_errors_that_cannot_be_written(redirections: str) -> None:
    """Only the exit code remains, and no error text goes to standard output."""
    done = _shell(f"$S decode nowhere.pcap {redirections}")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"Traceback" not in done.stderr


def test_a_closed_standard_input() -> None:
    """One line, both for input from `-` and for a passphrase prompt."""
    for command in (
        "decode -",
        "decode $C --key $D/ca.key.encrypted.pem",
        "enroll http://x --subject CN=x --challenge -",
    ):
        done = _shell(f"$S {command} <&-")
        assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1), done.stderr
        assert b"Traceback" not in done.stderr


def test_process_substitution() -> None:
    """Captures, keys and certificates are read from `<(command)` like files."""
    with_files = _shell("$S decode $D/capture.pcap --key $D/ca.key.pem --cert $D/ca.pem --json")
    piped = _shell("$S decode <(cat $D/capture.pcap) --key <(cat $D/ca.key.pem) --cert <(cat $D/ca.pem) --json")
    assert with_files.returncode == piped.returncode == 0, piped.stderr
    assert piped.stdout.count(b"\n") == with_files.stdout.count(b"\n") > 100
    redirected = _shell("$S decode - < $D/capture.pcap")
    assert redirected.stdout.startswith(b"[0]")


@pytest.mark.parametrize(
    "locale", [{"LC_ALL": "C"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
@pytest.mark.parametrize("encoding", ["", "ascii", "ascii:strict", "latin-1"])
def test_other_locales(locale: dict[str, str], encoding: str, tmp_path: Path) -> None:
    """File names that are not valid text, and text that the output encoding cannot represent."""
    name = os.fsencode(tmp_path) + b"/\xff\xc3\xa9.pcap"
    Path(os.fsdecode(name)).write_bytes((SPECIMEN / "capture.pcap").read_bytes())
    environment = {**locale, **({"PYTHONIOENCODING": encoding} if encoding else {}), "T": str(tmp_path)}
    for command in (
        "decode",
        "decode --json",
        "lint",
        "lint --sarif",
        "diagnose --report $T/r.md --force",
        "walk --force --out $T",
    ):
        done = _shell(f"$S {command} $T/$'\\xff\\xc3\\xa9.pcap'", environment=environment)
        assert done.returncode in {0, 1}, done.stderr
        assert done.stdout
    for command in ("decode $'\\xff.pcap'", "decode $C --cert $'\\xff'", "decode $C --$'\\xff\\xc3\\xa9'"):
        done = _shell(f"$S {command}", environment=environment)
        assert done.returncode == 2
        assert b"Traceback" not in done.stderr
