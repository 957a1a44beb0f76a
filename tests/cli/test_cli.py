"""The command line: what it prints, what it writes, and that bad input gives one clear error."""

from __future__ import annotations

import base64
import json
import os
import pty
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from sceplab import cli, openssl
from sceplab.capture import read_capture
from sceplab.cli import doctor
from sceplab.files import load_private_keys
from sceplab.report.json import capture_facts
from sceplab.scep.conversation import decode_exchanges
from tests.helpers.captures import DATA, ROOT, capture_file, decoded, materials

SPECIMEN = DATA / "specimen"
KEYS = ["--key", str(SPECIMEN / "ca.key.pem"), "--cert", str(SPECIMEN / "ca.pem")]
OWN = sorted((DATA / "captures").iterdir())


@pytest.mark.parametrize("folder", OWN, ids=lambda p: p.name)
def test_json_output_equals_the_truth_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`decode --json` prints the values that test_truth compares with truth.json."""
    given = materials(folder)
    arguments = ["decode", str(capture_file(folder)), "--json", "--show-secrets", "--legacy"]
    for path in sorted(folder.iterdir()):
        if path.name.endswith((".key", ".key.pem")):
            arguments += ["--key", str(path)]
    for path in sorted(folder.glob("*.pem")):
        if "key" not in path.name:
            arguments += ["--cert", str(path)]
    assert cli.main(arguments) == 0
    assert capture_facts(decoded(folder), given) | {"not_read": []} == json.loads(capsys.readouterr().out)


def test_passwords_are_masked_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    """In the outline, in JSON and in the output of `walk`."""
    for arguments in (
        ["decode", str(SPECIMEN / "capture.pcap"), *KEYS],
        ["decode", "--json", str(SPECIMEN / "capture.pcap"), *KEYS],
    ):
        assert cli.main(arguments) == 0
        assert "R3-to-R1-via-R2" not in capsys.readouterr().out
        assert cli.main([*arguments, "--show-secrets"]) == 0
        assert "R3-to-R1-via-R2" in capsys.readouterr().out


def test_walk_writes_its_files_and_does_not_overwrite_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`walk` writes the files of its steps; a second run refuses to overwrite them."""
    assert cli.main(["walk", "--out", str(tmp_path)]) == 0
    assert "R3-to-R1-via-R2" not in capsys.readouterr().out
    written = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    layers = {"RA-CA.b64", "RA-CA.bin", "RA-CA.signer.der", "RA-CA.payload1.der", "RA-CA.payload2.der"}
    assert set(written) == layers | {"ca.pem", "trusted.pem", "walk.sh"}
    assert (SPECIMEN / "r3.csr.der").read_bytes() == written["RA-CA.payload2.der"]
    (tmp_path / "RA-CA.bin").write_bytes(b"mine")
    assert cli.main(["walk", "--out", str(tmp_path)]) == 2
    assert "--force" in capsys.readouterr().err
    assert (tmp_path / "RA-CA.bin").read_bytes() == b"mine"
    assert cli.main(["walk", "--out", str(tmp_path), "--force"]) == 0
    assert written == {p.name: p.read_bytes() for p in tmp_path.iterdir()}


def test_walk_prints_openssl_commands_that_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command succeeds in the folder of the files, and gives the same file."""
    if not openssl.available():
        pytest.skip("openssl is not installed (apt-get install openssl)")
    assert cli.main(["walk", "--out", str(tmp_path)]) == 0
    commands = [
        line.split("$ ", 1)[1] for line in capsys.readouterr().out.splitlines() if line.strip().startswith("$ ")
    ]
    assert len(commands) >= 4
    for name in ("ca.pem", "ca.key.pem"):
        (tmp_path / name).write_bytes((SPECIMEN / name).read_bytes())
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    for command in commands:
        done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
    assert before == {p.name: p.read_bytes() for p in tmp_path.iterdir()}


BAD: dict[str, list[str]] = {
    "no such file": ["decode", "nowhere.pcap"],
    "a folder": ["decode", "."],
    "an empty file": ["decode", "empty"],
    "nothing we know": ["decode", "noise"],
    "a pcap without packets": ["decode", "cut.pcap"],
    "a key that is none": ["decode", str(SPECIMEN / "capture.pcap"), "--key", "noise"],
    "a certificate as key": ["decode", str(SPECIMEN / "capture.pcap"), "--key", str(SPECIMEN / "ca.pem")],
    "a key as certificate": ["decode", str(SPECIMEN / "capture.pcap"), "--cert", str(SPECIMEN / "ca.key.pem")],
    "a passphrase wanted": ["decode", str(SPECIMEN / "capture.pcap"), "--key", str(SPECIMEN / "ca.key.encrypted.pem")],
    "walk where there is no message": ["walk", "noise"],
    "walk into what is no folder": ["walk", "--out", "noise/folder"],
    "no command": [],
    "an unknown option": ["decode", "--nonsense", "x"],
}


@pytest.mark.parametrize("arguments", BAD.values(), ids=BAD.keys())
def test_bad_input_is_one_clear_error(arguments: list[str], tmp_path: Path) -> None:
    """Exit code 2, a message on stderr, no traceback, and nothing on stdout."""
    (tmp_path / "empty").touch()
    (tmp_path / "noise").write_bytes(bytes(range(256)) * 4)
    (tmp_path / "cut.pcap").write_bytes((SPECIMEN / "capture.pcap").read_bytes()[:30])
    done = subprocess.run(
        [sys.executable, "-m", "sceplab.cli", *arguments],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 2, done.stdout
    assert done.stdout == ""
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


def test_doctor_reports_no_problem(capsys: pytest.CaptureFixture[str]) -> None:
    """On the machine that runs the tests."""
    assert cli.main(["doctor"]) == 0
    assert "WRONG" not in capsys.readouterr().out


def test_doctor_reports_a_missing_extra_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing library of an extra is optional, with its install command; a missing core library is an error."""
    found = metadata.version

    def version(name: str) -> str:
        if name in {"dask", "dpkt"}:
            raise metadata.PackageNotFoundError(name)
        return found(name)

    monkeypatch.setattr(metadata, "version", version)
    by_name = {finding.what: finding for finding in doctor.examine()}
    assert by_name["[many] dask"].ok is None
    assert 'pip install "sceplab[many]"' in by_name["[many] dask"].detail
    assert by_name["[lab] tornado"].ok
    assert by_name["dpkt"].ok is False


def test_a_message_in_any_form_decodes_the_same() -> None:
    """A URL, a message value, base64, PEM and DER of the specimen give the same bytes."""
    (item,) = decoded(SPECIMEN)
    assert item.request is not None
    assert item.exchange.request is not None
    raw, target = item.request.raw, item.exchange.request.target
    text = base64.b64encode(raw).decode()
    forms: list[str | bytes] = [
        f"http://r1.example{target}",
        f"GET {target} HTTP/1.0",
        target.partition("message=")[2],
        text,
        base64.encodebytes(raw).decode(),
        f"-----BEGIN PKCS7-----\n{base64.encodebytes(raw).decode()}-----END PKCS7-----\n",
        raw,
    ]
    for form in forms:
        (again,) = decode_exchanges(read_capture(form))
        assert again.request is not None, form[:60]
        assert raw == again.request.raw


# --------------------------------------------------------------- lint and diagnose

REFUSED = DATA / "captures" / "micromdm-wrongchallenge"
GRANTED = DATA / "captures" / "micromdm-default"


def _run(*arguments: str, stdin: bytes = b"", **more: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "sceplab.cli", *arguments],
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        check=False,
        **more,
    )


def _clean(tmp_path: Path) -> Path:
    """Write a conversation without any violation as packets."""
    from tests.helpers import packets, scenes
    from tests.helpers.packets import Piece, answered, asked

    caps = b"GET /scep?operation=GetCACaps HTTP/1.1\r\n\r\n"
    plain = answered(scenes.CAPS.encode()).replace(b"application/x-pki-message", b"text/plain")
    talk = [
        *(Piece(from_client=True, data=caps), Piece(from_client=False, data=plain)),
        Piece(from_client=True, data=asked(scenes.request())),
        Piece(from_client=False, data=answered(scenes.reply())),
    ]
    start = scenes.WHEN.timestamp()
    path = tmp_path / "clean.pcap"
    path.write_bytes(packets.pcap(packets.frames(packets.conversation(talk), start=start)))
    return path


def test_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """0: nothing found; 1: a broken rule or a cause was found; 2: the input cannot be read."""
    clean, keys = str(_clean(tmp_path)), [*KEYS, "--key", str(SPECIMEN / "r3.key.pem")]
    (tmp_path / "noise").write_bytes(bytes(range(256)))
    for command, expected in (
        (["lint", clean, *keys], 0),
        (["lint", str(REFUSED / "capture.pcap")], 1),
        (["lint", str(tmp_path / "noise")], 2),
        (["diagnose", clean, *keys], 0),
        (["diagnose", str(REFUSED / "capture.pcap")], 1),
        (["diagnose", str(tmp_path / "noise")], 2),
        (["decode", clean], 0),
        (["decode", str(REFUSED / "capture.pcap")], 0),
        (["lint", "--level", "MUST", str(SPECIMEN / "capture.pcap")], 0),
        (["lint", "--level", "SHOULD", str(SPECIMEN / "capture.pcap")], 1),
    ):
        assert cli.main(command) == expected, (command, capsys.readouterr())
    assert "No failure found." in capsys.readouterr().out


def test_lint_as_json_and_sarif(capsys: pytest.CaptureFixture[str]) -> None:
    """The same findings in each form; SARIF lists its rules and refers to the file."""
    file = str(REFUSED / "capture.pcap")
    assert cli.main(["lint", file, "--json"]) == 1
    facts = json.loads(capsys.readouterr().out)
    assert {"findings", "not_read", "notes"} == set(facts)
    findings = facts["findings"]
    assert {"id", "level", "section", "found", "where"} <= set(findings[0])
    assert cli.main(["lint", file, "--sarif"]) == 1
    sarif = json.loads(capsys.readouterr().out)
    assert sarif["version"] == "2.1.0"
    (run,) = sarif["runs"]
    assert [r["ruleId"] for r in run["results"]] == [f["id"] for f in findings]
    assert {r["ruleId"] for r in run["results"]} == {r["id"] for r in run["tool"]["driver"]["rules"]}
    levels = {"MUST": "error", "SHOULD": "warning", "info": "note"}
    assert [r["level"] for r in run["results"]] == [levels[f["level"]] for f in findings]
    assert all(r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in run["results"])
    assert cli.main(["lint", file]) == 1
    text = capsys.readouterr().out
    assert all(f"{f['level']} {f['id']}" in text for f in findings)
    assert cli.main(["lint", file, "--json", "--level", "MUST"]) == 1
    strong = json.loads(capsys.readouterr().out)["findings"]
    assert strong == [f for f in findings if f["level"] == "MUST"]


def test_lint_as_json_lists_unread_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The JSON itself lists unread input, as in `decode` and `diagnose`, so programs need not parse stderr."""
    pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    (tmp_path / "log.txt").write_text(f"GET /scep?operation=GetCACaps HTTP/1.0\n\n{pem}")
    out = {}
    for command in ("lint", "decode", "diagnose"):
        cli.main([command, str(tmp_path / "log.txt"), "--json"])
        shown = capsys.readouterr()
        assert shown.err == ""
        out[command] = json.loads(shown.out)["not_read"]
    assert [(u["count"], u["first_line"], u["last_line"]) for u in out["lint"]] == [(1, 3, 5)]
    assert out["lint"] == out["decode"] == out["diagnose"]


def test_diagnose_masks_secrets_and_writes_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The wrong challenge is the first cause; secrets appear on screen and in reports only on request."""
    keys = ["--key", str(REFUSED / "ca.key.pem"), "--cert", str(REFUSED / "ca.pem"), "--password", "the right one"]
    command = ["diagnose", str(REFUSED / "capture.pcap"), *keys]
    (sent,) = {
        d.request.csr.challenge_password
        for d in decoded(REFUSED)
        if d.request is not None and d.request.csr is not None
    }
    assert sent is not None
    assert cli.main([*command, "--json"]) == 1
    causes = json.loads(capsys.readouterr().out)["causes"]
    assert causes[0]["id"] == "wrong-challenge"
    assert causes[0]["likelihood"] == "certain"
    for name, start in (("ticket.md", "# SCEP"), ("ticket.html", "<!doctype html>")):
        report = tmp_path / name
        assert cli.main([*command, "--report", str(report)]) == 1
        out = capsys.readouterr().out
        text = report.read_text()
        assert text.startswith(start)
        # The words of the program in it are not the report's; what it is given is tested in tests/views.
        text = re.sub(r'<script type="module">.*?</script>', "", text, flags=re.DOTALL)
        for shown in (out, text):
            assert sent not in shown
            assert "the right one" not in shown
            assert "PRIVATE" not in shown
        assert cli.main([*command, "--report", str(report)]) == 2
        assert "--force" in capsys.readouterr().err
        assert cli.main([*command, "--report", str(report), "--force", "--show-secrets"]) == 1
        assert sent in capsys.readouterr().out
        assert sent in report.read_text()


def test_only_terminals_get_colour(tmp_path: Path) -> None:
    """Output to a pipe or file has no colour; output to a terminal has, unless NO_COLOR is set."""
    command = ["lint", str(REFUSED / "capture.pcap")]
    assert b"\x1b[" not in _run(*command).stdout
    shown = _on_terminal(command, {"TERM": "xterm-256color"})
    assert b"\x1b[31m" in shown
    assert b"\x1b[31m" not in _on_terminal(command, {"TERM": "xterm-256color", "NO_COLOR": "1"})
    assert tmp_path.is_dir()


def _on_terminal(arguments: list[str], environment: dict[str, str], typed: bytes = b"", wait: bytes = b"") -> bytes:
    """Run the command on a pseudo-terminal; type input when `wait` appears; return all output."""
    terminal, theirs = pty.openpty()
    code = (
        "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
        "import runpy; sys.argv[0] = 'sceplab'; runpy.run_module('sceplab.cli', run_name='__main__')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        while True:
            try:
                piece = os.read(terminal, 65536)
            except OSError:  # the other side has closed the terminal
                break
            if not piece:
                break
            shown += piece
            if typed and wait in shown:
                os.write(terminal, typed)
                typed = b""
    finally:
        os.close(terminal)
        process.wait(60)
    return shown


def _bundle(tmp_path: Path) -> Path:
    """Write the CA's key and certificate as PKCS#12."""
    certificate = x509.load_pem_x509_certificate((SPECIMEN / "ca.pem").read_bytes())
    (own,) = load_private_keys(SPECIMEN / "ca.key.pem")
    made = pkcs12.serialize_key_and_certificates(b"ca", own, certificate, None, BestAvailableEncryption(b"open sesame"))
    path = tmp_path / "ca.p12"
    path.write_bytes(made)
    return path


def test_passphrases_are_prompted_for_without_echo(tmp_path: Path) -> None:
    """The prompt for PKCS#12 and encrypted PEM does not echo; a wrong passphrase is one clear error."""
    bundle = str(_bundle(tmp_path))
    command = ["decode", str(SPECIMEN / "capture.pcap"), "--key", bundle]
    plain = {"TERM": "dumb"}
    shown = _on_terminal(command, plain, b"open sesame\n", b"Passphrase for")
    assert b"challengePassword ********" in shown
    assert b"sesame" not in shown
    assert b"PRIVATE" not in shown
    shown = _on_terminal(command, plain, b"wrong\n", b"Passphrase for")
    assert b"passphrase is wrong" in shown
    assert b"Traceback" not in shown
    done = _run(*command)
    assert done.returncode == 2
    assert b"run this in a terminal" in done.stderr


def test_keys_and_certificates_are_read_in_every_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """PEM, DER and unprotected PKCS#12 open the same envelope."""
    (own,) = load_private_keys(SPECIMEN / "ca.key.pem")
    (tmp_path / "key.der").write_bytes(own.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "old.der").write_bytes(
        own.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )
    certificate = x509.load_pem_x509_certificate((SPECIMEN / "ca.pem").read_bytes())
    (tmp_path / "ca.der").write_bytes(certificate.public_bytes(Encoding.DER))
    made = pkcs12.serialize_key_and_certificates(b"ca", own, certificate, None, NoEncryption())
    (tmp_path / "both.p12").write_bytes(made)
    outputs = set()
    for key_file, certificate_file in (
        (SPECIMEN / "ca.key.pem", SPECIMEN / "ca.pem"),
        (tmp_path / "key.der", tmp_path / "ca.der"),
        (tmp_path / "old.der", tmp_path / "both.p12"),
        (tmp_path / "both.p12", tmp_path / "both.p12"),
    ):
        command = ["decode", str(SPECIMEN / "capture.pcap"), "--key", str(key_file), "--cert", str(certificate_file)]
        assert cli.main(command) == 0
        outputs.add(capsys.readouterr().out)
    (out,) = outputs
    assert "PKCS#10" in out
    assert f"{own.private_numbers().p:x}" not in out


def test_a_long_capture_has_a_progress_bar(tmp_path: Path) -> None:
    """On standard error of a terminal only, and removed at the end; a pipe gets none."""
    from tests.helpers import packets
    from tests.helpers.packets import Piece

    caps = [
        Piece(from_client=True, data=b"GET /scep?operation=GetCACaps HTTP/1.1\r\n\r\n"),
        Piece(from_client=False, data=packets.answered(b"AES\n")),
    ]
    path = tmp_path / "long.pcap"
    path.write_bytes(packets.pcap(packets.frames(packets.conversation(caps * 400))))
    shown = _on_terminal(["lint", str(path)], {"TERM": "xterm-256color"})
    assert b"decoding" in shown
    assert b"in 400 exchanges" in shown
    done = _run("lint", str(path))
    assert done.stderr == b""


def test_standard_input_is_read_and_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    """`-` reads standard input; a closed pipe (`| head`) is not an error."""
    done = _run("decode", "-", stdin=(SPECIMEN / "capture.pcap").read_bytes())
    assert done.returncode == 0
    assert done.stdout == _run("decode", str(SPECIMEN / "capture.pcap")).stdout
    command = f"{sys.executable} -m sceplab.cli decode {GRANTED / 'capture.pcap'} | head -1"
    piped = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, check=True)
    assert piped.stderr == b""
    assert tmp_path.is_dir()
