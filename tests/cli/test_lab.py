"""`sceplab lab` and `sceplab enroll` as users type them."""

from __future__ import annotations

import io
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
from sceplab.cli.lab.start import log_lines
from sceplab.cms.x509 import parse_certificate
from sceplab.files import load_certificates, load_private_keys, load_signing_key
from sceplab.lab.client import ScepClient
from sceplab.lab.network import Lab
from sceplab.lab.policy import Policy
from sceplab.lab.ra import RaPolicy
from sceplab.lab.responder import Decision
from sceplab.scep.transport import parse_request
from tests.helpers.captures import needs
from tests.helpers.labs import SECRET, openssl


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Yield a lab in `tmp_path/lab`, with an RA."""
    policy = Policy((SECRET,), alt_names=("DNS:*.example",))
    with Lab(tmp_path / "lab", policy=policy, ra_policy=RaPolicy((SECRET,))) as running:
        running.enroll_ra()
        yield running


def _enroll(lab: Lab, out: Path, *more: str) -> int:
    return main(["enroll", lab.ca_url, "--subject", "CN=R3", "--out", str(out), "--every", "0.05", *more])


@needs("openssl")
def test_enroll_writes_files_that_openssl_accepts(lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Key with mode 0600, request, certificate and CA certificates; exit code 0; no output contains the key."""
    fingerprint = lab.ca.issuer.parsed.fingerprint()
    assert _enroll(lab, tmp_path, "--challenge", SECRET, "--dns", "r3.example", "--fingerprint", fingerprint) == 0
    out, err = capsys.readouterr()
    assert out.startswith("SUCCESS: CN=R3")
    assert err == ""
    key = tmp_path / "device.key.pem"
    assert key.stat().st_mode & 0o777 == 0o600
    assert "OK" in openssl("verify", "-CAfile", tmp_path / "device.ca.pem", tmp_path / "device.pem")
    public = openssl("x509", "-in", tmp_path / "device.pem", "-noout", "-pubkey")
    assert public == openssl("pkey", "-in", key, "-pubout")
    assert "verify OK" in openssl("req", "-in", tmp_path / "device.csr.pem", "-noout", "-verify")
    assert "DNS:r3.example" in openssl("x509", "-in", tmp_path / "device.pem", "-noout", "-text")


def test_enroll_does_not_overwrite_files(lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second run stops before it sends anything; --force replaces files, --key reuses the existing key."""
    assert _enroll(lab, tmp_path, "--challenge", SECRET) == 0
    before = {p.name: p.read_bytes() for p in tmp_path.glob("device.*")}
    count = len(lab.exchanges)
    assert _enroll(lab, tmp_path, "--challenge", SECRET) == 2
    assert "already exists" in capsys.readouterr().err
    assert {p.name: p.read_bytes() for p in tmp_path.glob("device.*")} == before
    assert len(lab.exchanges) == count
    assert _enroll(lab, tmp_path, "--challenge", SECRET, "--force") == 0
    assert (tmp_path / "device.key.pem").read_bytes() != before["device.key.pem"]


def test_a_pending_request_is_granted_in_another_terminal(
    lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1 while pending; after the grant, the same command with --key fetches the certificate."""
    assert _enroll(lab, tmp_path, "--limit", "0.2") == 1
    assert "PENDING" in capsys.readouterr().out
    folder = str(lab.folder)
    assert main(["lab", "pending", "--dir", folder]) == 0
    line = capsys.readouterr().out
    assert "CN=R3" in line
    assert "2048-bit" in line
    number = line.split()[0]
    assert main(["lab", "grant", number, "--dir", folder]) == 0
    assert "granted" in capsys.readouterr().out
    assert _enroll(lab, tmp_path, "--key", str(tmp_path / "device.key.pem")) == 0
    assert load_certificates(tmp_path / "device.pem")
    assert main(["lab", "pending", "--dir", folder]) == 0
    assert "no pending requests" in capsys.readouterr().out


def test_denied(lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, with the operator's reason."""
    assert _enroll(lab, tmp_path, "--limit", "0.1") == 1
    (waiting,) = lab.ca.pending()
    assert main(["lab", "deny", waiting.transaction_id, "--why", "go away", "--dir", str(lab.folder)]) == 0
    capsys.readouterr()
    assert _enroll(lab, tmp_path, "--key", str(tmp_path / "device.key.pem")) == 1
    assert "go away" in capsys.readouterr().out


def test_control_characters_in_a_name_are_escaped(lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A hostile subject does not control the operator's terminal."""
    enroll = ["enroll", lab.ca_url, "--out", str(tmp_path), "--limit", "0", "--every", "1", "--force"]
    assert main([*enroll, "--subject", "CN=\x1b[2Jevil"]) == 1
    out = capsys.readouterr().out
    assert "FAILURE (badRequest): CN has a control character in it" in out
    assert main([*enroll, "--subject", "CN=\N{RIGHT-TO-LEFT OVERRIDE}evil"]) == 1
    capsys.readouterr()
    main(["lab", "pending", "--dir", str(lab.folder)])
    out = capsys.readouterr().out
    assert "evil" in out
    assert "\x1b" not in out
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in out


def test_ra_and_end_users_enroll_and_renew(lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An operator grants the RA's request; requests and renewals of end users, signed by the RA, need no approval."""
    ra = ["enroll", lab.ca_url, "--subject", "OU=ioscs RA,serialNumber=7+unstructuredName=R9", "--name", "ra"]
    ra += ["--out", str(tmp_path), "--every", "0.05"]
    assert main([*ra, "--limit", "0.1"]) == 1
    main(["lab", "pending", "--dir", str(lab.folder)])
    assert "WOULD BE AN RA" in capsys.readouterr().out
    (waiting,) = lab.ca.pending()
    main(["lab", "grant", waiting.transaction_id[:10], "--dir", str(lab.folder)])
    assert main([*ra, "--key", str(tmp_path / "ra.key.pem")]) == 0
    as_ra = ["--signer-cert", str(tmp_path / "ra.pem"), "--signer-key", str(tmp_path / "ra.key.pem")]
    for kind in ("2048", "P-256"):
        name = f"user-{kind}"
        user = ["enroll", lab.ca_url, "--subject", f"CN={name}", "--name", name, "--out", str(tmp_path)]
        assert main([*user, "--new-key", kind, *as_ra]) == 0
        key = load_signing_key(tmp_path / f"{name}.key.pem").public_key()
        certificate = parse_certificate(load_certificates(tmp_path / f"{name}.pem")[0])
        assert certificate.public_key() == key
        assert certificate.subject.rfc4514() == f"CN={name}"
    old = ["--signer-cert", str(tmp_path / "user-2048.pem"), "--signer-key", str(tmp_path / "user-2048.key.pem")]
    renewal = [
        "enroll",
        lab.ca_url,
        "--subject",
        "CN=user-2048",
        "--name",
        "renewed",
        "--out",
        str(tmp_path),
        "--renew",
    ]
    assert main([*renewal, *old]) == 0
    assert lab.decisions[-1].kind == "RenewalReq"
    via_ra = ["enroll", lab.ra_url, "--subject", "CN=via", "--name", "via", "--out", str(tmp_path)]
    assert main([*via_ra, "--challenge", SECRET]) == 0


def test_a_one_time_challenge_is_accepted_once(lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The operator creates it, and it is valid once."""
    assert main(["lab", "challenge", "--subject", "CN=R3", "--dir", str(lab.folder)]) == 0
    word = capsys.readouterr().out.strip()
    assert _enroll(lab, tmp_path, "--challenge", word) == 0
    assert _enroll(lab, tmp_path, "--challenge", word, "--name", "second") == 1
    assert "wrong, used already" in capsys.readouterr().out


def test_a_secret_from_standard_input(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With `-` the secret is not visible in the process list; an empty standard input is one error."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{SECRET}\n"))
    assert _enroll(lab, tmp_path, "--challenge", "-") == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert _enroll(lab, tmp_path, "--challenge", "-", "--name", "second") == 2
    assert "as a line of standard input" in capsys.readouterr().err
    recorded = tmp_path / "lab.pcap"
    recorded.write_bytes(lab.pcap())
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{SECRET}\n"))
    assert main(["decode", str(recorded), "--password", "-"]) == 0
    assert main(["decode", "-", "--password", "-"]) == 2
    assert "challengePassword -: run this in a terminal" in capsys.readouterr().err


def test_an_unknown_usage_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown usage is one error, before a port is opened."""
    assert main(["lab", "start", "--allow-usage", "typo"]) == 2
    assert "typo is not an extendedKeyUsage" in capsys.readouterr().err


def test_revoke_and_rollover(lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A serial number in hex is revoked; the announced CA certificate takes over."""
    assert _enroll(lab, tmp_path, "--challenge", SECRET) == 0
    serial = parse_certificate(load_certificates(tmp_path / "device.pem")[0]).serial_hex
    folder = ["--dir", str(lab.folder)]
    assert main(["lab", "revoke", serial, *folder]) == 0
    assert main(["lab", "revoke", serial, *folder]) == 2
    assert main(["lab", "rollover", *folder]) == 2
    assert main(["lab", "next-ca", *folder]) == 0
    assert main(["lab", "rollover", *folder]) == 0
    assert capsys.readouterr().out.count("BEGIN CERTIFICATE") == 2


BAD = {
    "no such URL": (["enroll", "nonsense", "--subject", "CN=R3"], "not the URL"),
    "nobody there": (["enroll", "http://127.0.0.1:9/", "--subject", "CN=R3", "--timeout", "1"], "cannot be reached"),
    "bad subject": (["enroll", "http://127.0.0.1:9/", "--subject", "R3"], "not part of a subject"),
    "renew what": (["enroll", "http://127.0.0.1:9/", "--subject", "CN=R3", "--renew"], "--signer-cert"),
    "half a signer": (["enroll", "http://127.0.0.1:9/", "--subject", "CN=R3", "--signer-cert", "x"], "together"),
    "no lab": (["lab", "pending", "--dir", "/nowhere"], "not the folder of a lab"),
    "grant what": (["lab", "grant", "ABC"], "not the folder of a lab"),
    "bad serial": (["lab", "revoke", "xyz"], "not the folder of a lab"),
    "unknown fault": (["lab", "start", "--fault", "typo"], "no such fault"),
    "bad key": (["lab", "start", "--ca-key", "77"], "not a kind of key"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, one line, no traceback, and no key file."""
    monkeypatch.chdir(tmp_path)
    arguments, words = BAD[name]
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1
    assert list(tmp_path.glob("*.key.pem")) == []


@contextmanager
def started(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Yield a running `sceplab lab start` and its log file; one that is still running is killed."""
    command = [sys.executable, "-m", "sceplab.cli", "lab", "start", "--dir", "lab", "--ca-port", "0", "--ra-port", "0"]
    log = folder / "out.txt"
    with log.open("w") as out:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "80"}
        server = subprocess.Popen(
            [*command, *options], stdout=out, stderr=subprocess.STDOUT, cwd=folder, env=environment
        )
    try:
        deadline = time.monotonic() + 60
        while "Ctrl-C" not in log.read_text():
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield server, log
    finally:
        if server.poll() is None:
            server.kill()
            server.wait(60)


def test_start_serves_until_sigint(tmp_path: Path) -> None:
    """It prints the URLs and example commands, logs decisions, exits with 0 on SIGINT, and leaves a pcap."""
    with started(tmp_path, "--challenge", SECRET, "--record", "lab.pcap") as (server, log):
        url = re.search(r"R2 \(RA\)  (http\S+)", log.read_text())
        assert url
        code = main(["enroll", url[1], "--subject", "CN=R3", "--challenge", SECRET, "--out", str(tmp_path)])
        assert code == 0
        server.send_signal(signal.SIGINT)
        assert server.wait(60) == 0
    text = log.read_text()
    assert "pki --scep --url" in text
    assert "R2 (RA): PKCSReq" in text
    assert all(len(line) <= 80 for line in text.partition("Ctrl-C")[2].splitlines())
    assert "Traceback" not in text
    assert "PRIVATE KEY" not in text
    assert "warning" not in text
    assert len(read_capture(tmp_path / "lab.pcap")) > 5
    assert load_private_keys(tmp_path / "lab" / "ra.key.pem")


def test_the_record_of_a_killed_lab_is_readable(tmp_path: Path) -> None:
    """The traffic is written as it passes: after kill -9 the enrollment of the RA is in the file, and a request."""
    with started(tmp_path, "--record", "lab.pcap") as (server, log):
        url = re.search(r"R1 \(CA\)  (http\S+)", log.read_text())
        assert url
        ScepClient(url[1]).get_ca_cert()
        server.kill()
        server.wait(60)
    asked = [parse_request(e.request).operation for e in read_capture(tmp_path / "lab.pcap") if e.request is not None]
    assert "PKIOperation" in asked
    assert asked[-1] == "GetCACert"


def test_a_lab_that_cannot_start_leaves_no_record(lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The name is free for the next run."""
    port, record = lab.ca_url.split(":")[2].split("/")[0], tmp_path / "x.pcap"
    other = ["lab", "start", "--dir", str(tmp_path / "other"), "--ca-port", port, "--record", str(record)]
    assert main(other) == 2
    assert "cannot be listened on" in capsys.readouterr().err
    assert not record.exists()


@pytest.mark.parametrize("options", [("--challenge", SECRET), (), ("--grant-auto",)])
def test_listening_on_all_addresses_is_warned_about(options: tuple[str, ...], tmp_path: Path) -> None:
    """The URLs and commands have an address that clients reach, RA and CA reach each other."""
    everywhere = "0.0.0.0"  # noqa: S104 - what is tested
    with started(tmp_path, "--listen", everywhere, *options) as (server, log):
        url = re.search(r"R2 \(RA\)  (http\S+)", log.read_text())
        assert url
        assert everywhere not in url[1]
        assert len(ScepClient(url[1]).get_ca_cert().all) == 2
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0
    text = log.read_text()
    host = url[1].split("/")[2].split(":")[0]
    assert f"enrollment url http://{host}:" in text
    assert "listen on every address of this machine, not on loopback" in text
    gets = {0: "a person decides", 1: "anyone gets a certificate", 2: "who knows the challengePassword"}
    assert gets[len(options)] in text


LONG = "/" + "A" * 500
DECISION = Decision("R1 (CA)", "PKCSReq", "B" * 500, "SUCCESS", ("asks for CN=R3", LONG, "\x1b[2J" * 100))


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_log_lines_fit_the_screen(columns: int) -> None:
    """Also with a transactionID and a name of any length; steps are indented below who decided."""
    lines = log_lines(DECISION, columns)
    assert max(map(len, lines)) <= columns
    assert lines[0].startswith("R1 (CA): PKCSReq BBBBBBBB")
    assert all(line.startswith("    ") for line in lines[2:])
    assert "".join(lines).isprintable()
    assert sum(map(len, lines)) < 2000
