"""`sceplab lab list`, `export` and `revoke`: what the CA issued."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sceplab.cli import main
from sceplab.cms.x509 import Certificate, parse_certificate
from sceplab.files import load_certificates
from sceplab.lab.clock import SetClock, utc_now
from sceplab.lab.network import Lab
from tests.helpers.labs import SECRET, csr, openssl, quick_key

EVIL = "CN=\N{RIGHT-TO-LEFT OVERRIDE}evil"


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """Yield a lab in `tmp_path/sceplab-lab`, which is the working folder's."""
    monkeypatch.chdir(tmp_path)
    with Lab("sceplab-lab", challenge=SECRET, key="P-256") as running:
        yield running


def _issue(lab: Lab, *subjects: str) -> list[Certificate]:
    out = []
    for number, subject in enumerate(subjects):
        certificate = lab.client().enroll(csr(subject, number), quick_key(number)).certificate
        assert certificate is not None
        out.append(certificate)
    return out


def test_list_shows_what_was_issued(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """A row for each, with its state; the escaped subject; JSON with times and fingerprints."""
    assert main(["lab", "list"]) == 0
    assert capsys.readouterr().out == "no certificate was issued yet\n"
    one, two, three = _issue(lab, "CN=R3,O=Lab", EVIL, "CN=R5")
    lab.ca.revoke(two.serial_number)
    lab.store.add("T", b"", b"", b"", utc_now(), certificate=(7, _years_ago(lab)))
    assert main(["lab", "list"]) == 0
    out = capsys.readouterr().out
    head, *rows = out.splitlines()
    assert head.split() == ["serial", "not", "after", "state", "subject"]
    said = {row.split()[0]: row.split()[1:] for row in rows}
    assert said[one.serial_hex] == [f"{one.not_after:%Y-%m-%d}", "valid", str(one.subject)]
    assert said[two.serial_hex][1] == "revoked"
    assert "expired" in out
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in out
    assert main(["lab", "list", "--json"]) == 0
    found = {each["serial"]: each for each in json.loads(capsys.readouterr().out)}
    assert len(found) == 4
    assert found[three.serial_hex] == {
        "serial": three.serial_hex,
        "subject": "CN=R5",
        "notBefore": three.not_before.isoformat() if three.not_before else None,
        "notAfter": three.not_after.isoformat() if three.not_after else None,
        "state": "valid",
        "revoked": None,
        "sha256": three.fingerprint(),
    }
    assert found[two.serial_hex]["revoked"] is not None


def _years_ago(lab: Lab) -> bytes:
    """Return a certificate (DER) that has ended."""
    clock = SetClock()
    clock.wait(days=-800)
    with Lab(lab.folder / "past", challenge=SECRET, now=clock) as past:
        certificate = past.client().enroll(csr("CN=old"), quick_key()).certificate
    assert certificate is not None
    return certificate.der


def test_a_long_list_ends(lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The newest are shown, the others counted."""
    _issue(lab, "CN=R3", "CN=R4", "CN=R5")
    monkeypatch.setattr("sceplab.cli.lab.certificates._LISTED", 2)
    assert main(["lab", "list"]) == 0
    assert capsys.readouterr().out.splitlines()[3:] == ["... and 1 older ones, which --json shows"]


def test_export_writes_pem_files(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """One or all, into a new folder; where one file is there nothing is written without --force."""
    one, two = _issue(lab, "CN=R3", "CN=R4")
    assert main(["lab", "export", one.serial_hex.lower(), "--out", "a/b"]) == 0
    assert [p.name for p in Path("a/b").iterdir()] == [f"{one.serial_hex}.pem"]
    assert "CN = R3" in openssl("x509", "-in", f"a/b/{one.serial_hex}.pem", "-noout", "-subject")
    assert main(["lab", "export", "--out", "a/b"]) == 2
    assert f"{one.serial_hex}.pem: already written" in capsys.readouterr().err
    assert len(list(Path("a/b").iterdir())) == 1
    assert main(["lab", "export", "--out", "a/b", "--force"]) == 0
    assert capsys.readouterr().out == "2 certificates written to a/b\n"
    found = {parse_certificate(load_certificates(p)[0]).der for p in Path("a/b").iterdir()}
    assert found == {one.der, two.der}
    assert main(["lab", "export", "--out", f"a/b/{one.serial_hex}.pem"]) == 2
    assert main(["lab", "export", "99"]) == 2
    assert "no certificate has the serial 99" in capsys.readouterr().err


def test_revoke_takes_a_serial_as_people_copy_it(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """Decimal, hex, and as openssl prints it; what was revoked already is said, with the day."""
    issued = _issue(lab, *(f"CN=device {n}" for n in range(5)))
    hexes = [f"{c.serial_number:x}" for c in issued]
    pairs = issued[3].serial_hex
    ways = [
        str(issued[0].serial_number),
        f"0x{hexes[1]}",
        hexes[2].upper(),
        ":".join(pairs[i : i + 2] for i in range(0, len(pairs), 2)).lower(),
        f"serial={issued[4].serial_hex}",
    ]
    for way, certificate in zip(ways, issued, strict=True):
        assert main(["lab", "revoke", way]) == 0
        assert capsys.readouterr().out == f"revoked: {certificate.serial_hex}  {certificate.subject}\n"
    assert {i.serial for i in lab.store.all_revoked()} == {c.serial_number for c in issued}
    assert main(["lab", "revoke", ways[0]]) == 2
    assert f"was revoked on {utc_now():%Y-%m}" in capsys.readouterr().err
