"""`sceplab inspect`, and the report of `sceplab diagnose` that can be explored."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from sceplab import cli
from tests.helpers.captures import DATA
from tests.helpers.html import exchanges_in, unpacked

SPECIMEN = DATA / "specimen"
KEYS = ["--key", str(SPECIMEN / "ca.key.pem"), "--cert", str(SPECIMEN / "ca.pem")]
PCAP = str(SPECIMEN / "capture.pcap")
PASSWORD = b"R3-to-R1-via-R2"


def test_a_capture_becomes_one_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says what it wrote; secrets are in it only when asked for, and then the file is its owner's alone."""
    path = tmp_path / "out.html"
    assert cli.main(["inspect", PCAP, *KEYS, "--html", str(path)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "out.html: 1 exchange," in said
    assert "Secrets are masked: 1 decrypted layer is left out." in said
    masked = path.read_text("utf-8")
    assert len(masked) < 200_000
    assert list(exchanges_in(masked)) == [0]
    assert PASSWORD not in b"".join(unpacked(masked))
    assert cli.main(["inspect", PCAP, *KEYS, "--html", str(path), "--show-secrets"]) == 2
    assert "--force" in capsys.readouterr().err
    assert path.read_text("utf-8") == masked
    assert cli.main(["inspect", PCAP, *KEYS, "--html", str(path), "--show-secrets", "--force"]) == 0
    assert "Secrets are shown" in " ".join(capsys.readouterr().out.split())
    assert PASSWORD in b"".join(unpacked(path.read_text("utf-8")))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_file_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """Without --html there is nothing to do."""
    with pytest.raises(SystemExit):
        cli.main(["inspect", PCAP])
    assert "--html" in capsys.readouterr().err


def test_a_log_without_exchanges_is_inspected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its words are in the page, though there is no message to select."""
    log = tmp_path / "scep.log"
    log.write_text("2026-11-24 08:00:00 sscep: wrong (missing) pkiStatus\nsscep: cannot connect to 192.0.2.1\n")
    assert cli.main(["inspect", str(log), "--html", str(tmp_path / "log.html")]) == 0
    assert "0 exchanges" in capsys.readouterr().out
    assert "No exchange." in (tmp_path / "log.html").read_text("utf-8")


def test_a_report_is_explored_without_what_could_be_decrypted(tmp_path: Path) -> None:
    """The messages are in an HTML report, their ciphertext is not; with --show-secrets all of it is."""
    path = tmp_path / "report.html"
    cli.main(["diagnose", PCAP, *KEYS, "--report", str(path)])
    report = path.read_text("utf-8")
    assert "their bytes are zeros here" in report
    assert list(exchanges_in(report)) == [0]
    assert PASSWORD not in b"".join([report.encode(), *unpacked(report)])
    cli.main(["diagnose", PCAP, *KEYS, "--report", str(path), "--force", "--show-secrets"])
    report = path.read_text("utf-8")
    assert PASSWORD in b"".join(unpacked(report))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
