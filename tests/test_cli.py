"""The command line: what it prints, what it writes, and that bad input is one clear error."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from sceplab import cli, openssl
from sceplab.capture import read_capture
from sceplab.conversation import decode_exchanges
from sceplab.facts import capture_facts
from tests.support import DATA, ROOT, capture_file, decoded, materials

SPECIMEN = DATA / "specimen"
KEYS = ["--key", str(SPECIMEN / "ca.key.pem"), "--cert", str(SPECIMEN / "ca.pem")]
OWN = sorted((DATA / "captures").iterdir())


@pytest.mark.parametrize("folder", OWN, ids=lambda p: p.name)
def test_json_is_the_facts_that_the_truth_files_judge(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`decode --json` prints what test_truth compares with truth.json."""
    given = materials(folder)
    arguments = ["decode", str(capture_file(folder)), "--json", "--show-secrets", "--legacy"]
    for path in sorted(folder.iterdir()):
        if path.name.endswith((".key", ".key.pem")):
            arguments += ["--key", str(path)]
    for path in sorted(folder.glob("*.pem")):
        if "key" not in path.name:
            arguments += ["--cert", str(path)]
    assert cli.main(arguments) == 0
    assert capture_facts(decoded(folder), given) == json.loads(capsys.readouterr().out)


def test_passwords_are_masked_unless_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """In the outline, in JSON and in the walk."""
    for arguments in (
        ["decode", str(SPECIMEN / "capture.pcap"), *KEYS],
        ["decode", "--json", str(SPECIMEN / "capture.pcap"), *KEYS],
    ):
        assert cli.main(arguments) == 0
        assert "R3-to-R1-via-R2" not in capsys.readouterr().out
        assert cli.main([*arguments, "--show-secrets"]) == 0
        assert "R3-to-R1-via-R2" in capsys.readouterr().out


def test_walk_writes_the_story_and_replaces_nothing_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The files of the steps; a second walk refuses, and leaves them as they were."""
    assert cli.main(["walk", "--out", str(tmp_path)]) == 0
    assert "R3-to-R1-via-R2" not in capsys.readouterr().out
    written = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert {"RA-CA.b64", "RA-CA.bin", "RA-CA.signer.der", "RA-CA.payload1.der", "RA-CA.payload2.der"} == set(written)
    assert (SPECIMEN / "r3.csr.der").read_bytes() == written["RA-CA.payload2.der"]
    (tmp_path / "RA-CA.bin").write_bytes(b"mine")
    assert cli.main(["walk", "--out", str(tmp_path)]) == 2
    assert "--force" in capsys.readouterr().err
    assert (tmp_path / "RA-CA.bin").read_bytes() == b"mine"
    assert cli.main(["walk", "--out", str(tmp_path), "--force"]) == 0
    assert written == {p.name: p.read_bytes() for p in tmp_path.iterdir()}


def test_walk_prints_openssl_commands_that_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Typed in the folder of the files, each command succeeds and gives the same file."""
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
    """Exit code 2, a message on stderr, no traceback, nothing on stdout."""
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


def test_doctor_finds_all_well(capsys: pytest.CaptureFixture[str]) -> None:
    """On the machine that runs the tests."""
    assert cli.main(["doctor"]) == 0
    assert "WRONG" not in capsys.readouterr().out


def test_a_message_in_any_form_decodes_the_same() -> None:
    """URL, value, base64, PEM and DER of the specimen give the same octets."""
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
