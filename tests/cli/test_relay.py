"""`sceplab relay` as users type it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sceplab.capture import read_capture
from sceplab.cli import main
from sceplab.cli.listening import address_of, host_of
from sceplab.errors import InputError
from sceplab.lab.client import ScepClient
from sceplab.scep.transport import HttpReply, HttpRequest
from tests.helpers.labs import csr, quick_key, running_lab


@contextmanager
def relaying(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], str, Path]]:
    """Yield a running `sceplab relay`, its URL and its log file; a relay that is still running is killed."""
    log = folder / "out.txt"
    command = [sys.executable, "-m", "sceplab.cli", "relay", *options]
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=folder, env={**os.environ})
    try:
        deadline = time.monotonic() + 60
        while "Ctrl-C" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        url = re.search(r"Give the client this URL: (\S+)", log.read_text())
        assert url is not None
        yield process, url[1], log
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(60)


def test_the_relay_logs_the_traffic_until_sigint(tmp_path: Path) -> None:
    """Its changes, a line for each exchange, and the verdict; no output contains secrets or keys."""
    with running_lab() as lab:
        # The lab keeps the CA's keys in its store, so this test passes none.
        options = ["--to", lab.ca_url, "--listen", "127.0.0.1:0", "--record", "x.pcap"]
        with relaying(tmp_path, *options) as (process, url, log):
            ScepClient(url).enroll(csr(challenge="wrong-word"), quick_key())
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
            text = log.read_text()
        assert f"It leads to {lab.ca_url}." in text
        assert f"becomes {lab.ca_url.split('/')[2]} (--keep-host keeps it)" in text
        assert re.search(
            r"^\[2\] \d\d:\d\d:\d\d 127\.0\.0\.1: POST PKCSReq -> ✗ CertRep FAILURE badRequest$", text, re.M
        )
        assert "refused by" in text
        assert "wrong-word" not in text
        assert "Traceback" not in text
        assert text.endswith("recorded in x.pcap\n")
        assert len(read_capture(tmp_path / "x.pcap")) == 3


def test_the_record_is_complete_after_kill_9(tmp_path: Path) -> None:
    """The record is written during the traffic."""
    with running_lab() as lab:
        options = ["--to", lab.ca_url, "--listen", "127.0.0.1:0", "--record", "x.pcap", "--keep-host"]
        options += ["--host-name", "127.0.0.1", "--layers"]
        with relaying(tmp_path, *options) as (process, url, log):
            # With --keep-host the lab sees a foreign port and refuses the request; that exchange is recorded too.
            assert ScepClient(url).get_ca_caps().words == ()
            process.kill()
            process.wait(60)
            assert "Nothing is changed" in log.read_text()
        (exchange,) = read_capture(tmp_path / "x.pcap")
        assert exchange.reply is not None
        assert exchange.reply.status == 421


def test_a_port_in_use_leaves_no_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, and the file name is free for the next run."""
    with running_lab() as lab:
        address = lab.ca_url.split("/")[2]
        record = tmp_path / "x.pcap"
        assert main(["relay", "--to", lab.ca_url, "--listen", address, "--record", str(record)]) == 2
        assert "cannot be listened on" in capsys.readouterr().err
        assert not record.exists()


def test_addresses() -> None:
    """Host and port, IPv6 in brackets, or a port alone; for the lab a host alone."""
    assert address_of("8082", "x") == ("127.0.0.1", 8082)
    assert address_of("localhost:0", "x") == ("localhost", 0)
    assert address_of("[::1]:1", "x") == ("::1", 1)
    for wrong in ("", "x", ":1", "::1", "[::1]", "h:65536", "h:1:2", "a b:1", "h:-1", "h:\u0661"):
        with pytest.raises(InputError):
            address_of(wrong, "x")
    assert [host_of(a) for a in ("192.0.2.7", "::", "[::1]", "lab.ex")] == ["192.0.2.7", "::", "::1", "lab.ex"]
    for wrong in ("", "0", "1.2", "h:1", "192.0.2.7:8080", "a b", "[::1]:1", "h/", "\u0661"):
        with pytest.raises(InputError):
            host_of(wrong)


def test_listening_on_all_addresses_gives_a_warning(tmp_path: Path) -> None:
    """The warning goes to standard error."""
    with relaying(tmp_path, "--to", "http://127.0.0.1:9/", "--listen", "0.0.0.0:0") as (process, _, log):
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert "warning: the relay listens on 0.0.0.0:" in log.read_text()


def test_untrusted_text_in_log_lines_is_escaped() -> None:
    """Targets and server text are escaped in the log lines."""
    from sceplab.report.follow import Follower
    from sceplab.scep.transport import Exchange

    evil = "\x1b[2J\u202e\x9b\r\n"
    request = HttpRequest("GET", f"/{evil}?operation=GetCACert", ((f"Host{evil}", evil),))
    follower = Follower(layers=True)
    exchange = Exchange(request, HttpReply(403, (("Server", evil),), evil.encode(), evil), "192.0.2.1:1", "ca:443")
    lines = [*follower.take(exchange), *follower.end()]
    assert len(lines) > 3
    assert all(line.text.isprintable() for line in lines)
