"""No forged message verifies: verification is strict, decoding is lenient, and each refusal has a reason."""

from __future__ import annotations

import json
import subprocess
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import sceplab
from sceplab.analysis.faults.registry import check_message
from sceplab.cms.reason import Reason
from sceplab.cms.signature import check_signature
from sceplab.cms.trust import Trust
from sceplab.cms.verify import CheckName, Outcome, Verification
from sceplab.files import load_certificates
from sceplab.scep.message import PkiMessage
from tests.helpers import forge
from tests.helpers.captures import ROOT, needs
from tests.helpers.forge import FORGERIES

FORGED = ROOT / "tests/data/forged"


@cache
def _cases() -> tuple[datetime, bytes, dict[str, dict[str, Any]]]:
    stated = json.loads((FORGED / "cases.json").read_text())
    (ca,) = load_certificates(FORGED / stated["trust"])
    return datetime.fromisoformat(stated["at"]), ca, {c["file"]: c for c in stated["cases"]}


def _judge(file: str, *, legacy: bool = False) -> PkiMessage:
    at, ca, _ = _cases()
    return sceplab.decode_message((FORGED / file).read_bytes(), trust=Trust((ca,), legacy=legacy), at=at)


NAMES = sorted(p.name for p in FORGED.glob("*.der"))


@pytest.mark.parametrize("file", NAMES)
def test_a_forged_message_is_judged_as_the_rfcs_demand(file: str) -> None:
    """Accepted exactly where the RFCs accept it, refused with a reason otherwise, and decoded in any case."""
    case = _cases()[2][file]
    message = _judge(file)
    assert message.verification.ok is case["accept"], message.verification.checks
    if not case["accept"]:
        assert any(c.reason for c in message.verification.checks if c.outcome is not Outcome.PASSED)
    assert list(check_message(message)) is not None


def test_every_case_has_a_file_and_a_verdict() -> None:
    """Every file has a verdict, and every verdict has a file."""
    assert sorted(_cases()[2]) == NAMES
    assert len(NAMES) >= 67


def test_only_forms_that_the_rfcs_allow_are_accepted_against_openssl() -> None:
    """Four forms that RFC 5652 and RFC 8017 allow and OpenSSL cannot read."""
    odd = [f for f, c in _cases()[2].items() if _judge(f).verification.ok and not c["openssl_purpose_any"]]
    assert odd == [
        "digest-not-listed.der",
        "rsa-digestinfo-no-null.der",
        "scep-attrs-unsigned.der",
        "ski-collision-good-signs-evil-first.der",
    ]


def test_legacy_accepts_policy_refusals_and_reports_them() -> None:
    """Old digests in the path, a short key, keyUsage, a CRL: accepted with `legacy`, each with a note or finding."""
    for file, case in _cases()[2].items():
        message = _judge(file, legacy=True)
        assert message.verification.ok is (case["accept"] or case["policy_only"]), file
        if case["policy_only"] and "cert" not in file and file != "sha1.der":
            assert {"signer-revoked", "signer-key-usage", "short-key"} & {f.fault.id for f in check_message(message)}
            assert message.verification[CheckName.CHAIN].notes


# --------------------------------------------------------------- forgeries made for each run


def _verify(data: bytes, *, legacy: bool = False) -> Verification:
    trust = Trust((forge.octets(forge.ca()),), legacy=legacy)
    return sceplab.decode_message(data, trust=trust, at=forge.AT).verification


@pytest.mark.parametrize("name", FORGERIES)
def test_each_forgery_fails_the_expected_check(name: str) -> None:
    """Each forgery, made with new keys, fails the expected check with the expected reason."""
    make, check, reason, _ = FORGERIES[name]
    found = _verify(make())
    assert not found.ok
    assert (found[check].outcome, found[check].reason) == (Outcome.FAILED, reason), found.checks


def test_a_message_without_forgery_is_accepted() -> None:
    """The forgery tools without a forgery."""
    assert _verify(forge.message(forge.good().info())).ok


def _openssl_accepts(data: bytes, folder: Path) -> bool:
    (folder / "m.der").write_bytes(data)
    (folder / "ca.der").write_bytes(forge.octets(forge.ca()))
    for command in (
        ["openssl", "x509", "-inform", "der", "-in", "ca.der", "-out", "ca.pem"],
        [
            *("openssl", "cms", "-verify", "-inform", "der", "-in", "m.der", "-purpose", "any", "-CAfile", "ca.pem"),
            *("-attime", str(int(forge.AT.timestamp())), "-out", "content"),
        ],
    ):
        if subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode:
            return False
    return True


@needs("openssl")
def test_openssl_gives_the_expected_verdict_on_each_forgery(tmp_path: Path) -> None:
    """It accepts the valid message, and those forgeries that neither CMS nor its policy rules out."""
    assert _openssl_accepts(forge.message(forge.good().info()), tmp_path)
    refused = {name for name, (make, *_) in FORGERIES.items() if not _openssl_accepts(make(), tmp_path)}
    assert refused == {name for name, (*_, by_openssl) in FORGERIES.items() if by_openssl}


# --------------------------------------------------------------- CRLs and extra certificates


def test_a_crl_counts_only_if_the_issuer_signed_it() -> None:
    """The signature does not cover CRLs, so anyone on the way can add one."""
    leaf, key = forge.leaf(), forge.fresh_key("leaf")
    for crl in (forge.crl(leaf, signer="rogue"), forge.crl(forge.ca()), b"\x30\x00", b"junk"):
        signer = forge.Signer(key, leaf).info()
        assert _verify(forge.message(signer, crls=(crl,) if crl != b"junk" else (b"\x04\x04junk",))).ok


def test_all_certificates_with_the_same_serial_and_name_are_tried() -> None:
    """A false certificate placed before the true one neither hides nor replaces it."""
    rogue, serial = forge.fresh_key("rogue"), forge.leaf().serial_number
    false = forge.octets(forge.make("leaf", rogue, "Forge CA", rogue, serial=serial))
    for certificates in ((false, forge.octets(forge.leaf())), (forge.octets(forge.leaf()), false)):
        found = _verify(forge.message(forge.good().info(), certificates=certificates))
        assert found.ok
        assert found.signer is not None
        assert found.signer.der == forge.octets(forge.leaf())
        forged = forge.Signer(rogue, forge.leaf()).info()
        assert _verify(forge.message(forged, certificates=certificates))[CheckName.CHAIN].reason is Reason.NO_PATH


@pytest.mark.parametrize("count", [8, 40])
def test_the_work_for_a_signer_is_bounded(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most eight keys are tried, however many certificates share the serial number."""
    tried: list[object] = []

    def counted(*arguments: Any) -> str:
        tried.append(arguments)
        return check_signature(*arguments)

    monkeypatch.setattr("sceplab.cms.verify.check_signature", counted)
    leaf = forge.octets(forge.leaf())
    many = [leaf[:-1] + bytes((number,)) for number in range(count)]
    found = sceplab.decode_message(
        forge.message(forge.Signer(forge.fresh_key("rogue"), forge.leaf()).info(), certificates=tuple(many))
    ).verification
    assert found[CheckName.SIGNATURE].reason is Reason.MISMATCH
    assert len(tried) == 8
