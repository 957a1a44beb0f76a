"""The walk: file names, sentences and commands depend on who signs and who decrypts. JSON has the same facts."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sceplab import cli
from sceplab.capture import read_capture
from sceplab.errors import InputError
from sceplab.files import pem_certificate
from sceplab.report.walk import walk_facts, walk_lines, walk_of
from sceplab.scep.conversation import NO_MATERIALS, Materials, decode_exchanges
from tests.helpers.captures import DATA, capture_file, certificate, decoded, key, materials, needs

MICROMDM = DATA / "captures" / "micromdm-default"
SPECIMEN = DATA / "specimen"
PCAP = str(SPECIMEN / "capture.pcap")


def _text(folder: Path, *, reply: bool) -> str:
    return "\n".join(walk_lines(walk_of(decoded(folder), materials(folder), reply=reply)))


@pytest.mark.parametrize(
    ("reply", "ends", "opener"), [(False, "client-CA", "ca.key.pem"), (True, "CA-client", "r.key")]
)
def test_the_walk_of_a_client_that_posts_to_a_ca(reply: bool, ends: str, opener: str) -> None:
    """It mentions no RA and no URL decoding, and a reply is decrypted with the client's key."""
    held = materials(MICROMDM)
    names = tuple("r.key" if name == "client.key" else name for name in held.key_names)
    walk = walk_of(
        decode_exchanges(read_capture(capture_file(MICROMDM)), held), replace(held, key_names=names), reply=reply
    )
    text = "\n".join(walk_lines(walk))
    assert "RA-" not in text
    assert "-RA" not in text
    assert "URL-decoded" not in text
    assert ".b64" not in text
    others = {"walk", "trusted", "client" if reply else "ca"}
    assert {name.partition(".")[0] for name in walk.files} - others == {ends}
    assert f"-inkey {opener} " in text
    assert f"-recip {'client' if reply else 'ca'}.pem" in text


def test_the_ra_decrypts_the_reply_to_its_request() -> None:
    """The specimen's reply is for the RA that asked, even if the RA's key is not given."""
    for keys in ((), (key("ca"),), (key("ra"),)):
        held = Materials(keys, (certificate("ca"), certificate("ra")), key_names=("given.pem",) * len(keys))
        walk = walk_of(decode_exchanges(read_capture(PCAP), held), held, reply=True)
        assert (walk.sender, walk.receiver) == ("CA", "RA")
        commands = [step["commands"] for step in walk_facts(walk)["steps"]]
        opened = "given.pem" if keys == (key("ra"),) else "ra.key.pem"
        assert f"-recip ra.pem -inkey {opened} " in commands[3][0]


def test_without_certificates_the_receiver_is_called_server() -> None:
    """The receiver may be an RA or a CA."""
    walk = walk_of(decode_exchanges(read_capture(PCAP)), NO_MATERIALS)
    assert walk.receiver == "server"
    assert [step.layer.value for step in walk.steps] == ["HTTP", "base64", "SignedData", "EnvelopedData"]
    (reason,) = walk.steps[-1].not_possible
    assert "No private key was given" in reason


def test_the_heading_identifies_the_message() -> None:
    """It counts from 1 and adds the number that `decode` prints."""
    assert _text(MICROMDM, reply=False).startswith(
        "Request 3 of 3 ([2] in `sceplab decode`), the first PKIOperation: PKCSReq"
    )
    renewal = DATA / "captures" / "micromdm-renewal"
    walk = walk_of(decoded(renewal), materials(renewal), number=5)
    assert walk.head.startswith("Request 6 of 6 ([5] in `sceplab decode`), as chosen: RenewalReq")
    for number in (-1, 6, 0):
        with pytest.raises(InputError, match="exchange"):
            walk_of(decoded(renewal), materials(renewal), number=number)


def test_a_bare_message_has_no_http_step() -> None:
    """The input is a DER file, so there is no HTTP and no base64 to explain."""
    raw = next(d.request.raw for d in decoded(MICROMDM) if d.request is not None)
    text = "\n".join(walk_lines(walk_of(decode_exchanges(read_capture(raw)), NO_MATERIALS)))
    assert "1. The message as it was given, without HTTP around it\n\n2. It is a CMS message of" in text
    assert "base64" not in text


def test_json_has_the_steps_with_their_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON names exactly the files written. The challengePassword is masked without --show-secrets."""
    keys = ["--key", str(SPECIMEN / "ca.key.pem"), "--cert", str(SPECIMEN / "ca.pem")]
    facts: Any = {}
    for more, shown in (([], False), (["--show-secrets", "--force"], True)):
        assert cli.main(["walk", PCAP, *keys, "--json", "--out", str(tmp_path), *more]) == 0
        out = capsys.readouterr().out
        assert ("R3-to-R1-via-R2" in out) is shown
        facts = json.loads(out)
    assert (facts["exchange"], facts["exchanges"], facts["direction"]) == (0, 1, "request")
    assert (facts["from"], facts["to"], facts["messageTypeName"]) == ("RA", "CA", "PKCSReq")
    assert (facts["not_read"], facts["notes"]) == ([], [])
    steps = facts["steps"]
    assert [s["layer"] for s in steps] == ["HTTP", "base64", "SignedData", "EnvelopedData", "PKCS#10"]
    assert all(s["title"] and isinstance(s["facts"], dict) for s in steps)
    written = {f["name"]: f["octets"] for s in steps for f in s["files"]}
    script = facts["script"]
    assert written | {script["name"]: script["octets"]} == {p.name: p.stat().st_size for p in tmp_path.iterdir()}
    assert steps[1]["octets"] == written["RA-CA.bin"]
    assert all(command.startswith("openssl ") for s in steps for command in s["commands"])
    assert cli.main(["walk", PCAP, "--exchange", "7", "--out", str(tmp_path / "none")]) == 2
    assert not (tmp_path / "none").exists()


@needs("openssl")
@pytest.mark.parametrize("reply", [False, True])
@pytest.mark.parametrize("name", ["micromdm-default", "micromdm-renewal", "strongswan-des3-sha1"])
def test_the_commands_reproduce_the_files(name: str, reply: bool, tmp_path: Path) -> None:
    """For several clients, in both directions: openssl makes the same files with the receiver's key."""
    folder = DATA / "captures" / name
    walk = walk_of(decoded(folder), materials(folder), reply=reply)
    for file, data in walk.files.items():
        (tmp_path / file).write_bytes(data)
    for path in folder.iterdir():
        if path.suffix in {".pem", ".key"}:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    item = decoded(folder)[walk.exchange]
    assert item.request is not None
    assert item.request.verification.signer is not None
    (tmp_path / "client.pem").write_bytes(pem_certificate(item.request.verification.signer.der))
    for command in [shlex.split(c) for step in walk_facts(walk)["steps"] for c in step["commands"]]:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 0, (command, done.stderr)
    assert {file: (tmp_path / file).read_bytes() for file in walk.files} == walk.files


_RUNS = [(DATA / "specimen", False), (DATA / "specimen", True)] + [
    (folder.parent, reply)
    for folder in sorted((DATA / "captures").glob("*/capture.pcap*"))
    for reply in (False, True)
    if not (reply and folder.parent.name == "micromdm-get-urlsafe-b64")  # the reply was not captured
]


@needs("openssl")
@pytest.mark.parametrize(("folder", "reply"), _RUNS, ids=lambda x: x.name if isinstance(x, Path) else "")
def test_the_script_runs_unchanged_and_reproduces_the_files(folder: Path, tmp_path: Path, *, reply: bool) -> None:
    """It runs under bash in the folder of the files. Keys are not copied."""
    held = materials(folder)
    keys = [next((p for p in folder.glob("*.key*") if p.name == name), Path(name)) for name in held.key_names]
    held = replace(held, key_names=tuple(str(p.resolve()) for p in keys))
    walk = walk_of(decode_exchanges(read_capture(capture_file(folder)), held), held, reply=reply)
    for name, data in walk.files.items():
        (tmp_path / name).write_bytes(data)
        assert b"PRIVATE KEY" not in data
    outputs = re.findall(r" -out (\S+)", (tmp_path / "walk.sh").read_text())
    assert outputs
    for name in outputs:
        (tmp_path / name).unlink(missing_ok=True)
    done = subprocess.run(["bash", str(tmp_path / "walk.sh")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stderr, (tmp_path / "walk.sh").read_text())
    made = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    # For a reply without content, openssl writes an empty file.
    assert {name: data for name, data in made.items() if data} == walk.files
