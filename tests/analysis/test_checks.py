"""Every rule is broken by a test scene, and clean enrollments break no rule."""

from __future__ import annotations

import pytest

import sceplab
from sceplab import schema
from sceplab.analysis.faults.attributes import provenance
from sceplab.analysis.faults.model import Finding, Level, Side, strongest_first, worst
from sceplab.analysis.faults.registry import FAULTS, check_exchanges, check_message
from sceplab.report.names import place
from sceplab.report.text import finding_line
from sceplab.scep import transport
from tests.helpers import scenes as s
from tests.helpers.broken_rules import BROKEN, MD5_OF_KEY, renewal
from tests.helpers.captures import DATA, SHARED, capture_folders, certificate, decoded, key
from tests.helpers.causes import SCENES
from tests.helpers.scenes import scene

# Rules that are broken in tests/analysis/test_faults.py instead.
NAMED_ELSEWHERE = {
    *("binary-transaction-id", "equal-nonces", "recipient-nonce-in-request", "one-signer", "readable", "message-data"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_scene_breaks_its_rule(name: str) -> None:
    """The scene named after a rule breaks that rule."""
    findings = check_exchanges(BROKEN[name]().decode())
    assert name in {f.fault.id for f in findings}


def test_every_rule_has_a_scene_that_breaks_it() -> None:
    """The scenes of this file, of the causes and of test_faults.py together break all rules."""
    seen = {f.fault.id for make in SCENES.values() for f in check_exchanges(make().decode())}
    rules = {name for name, fault in FAULTS.items() if fault.rule}
    assert sorted(rules - seen - set(BROKEN) - NAMED_ELSEWHERE) == []
    assert len(rules) >= 65


def test_every_rule_has_title_fix_and_section() -> None:
    """Every rule has a title, a fix and an RFC section."""
    for name, rule in FAULTS.items():
        assert name == rule.id
        assert rule.title.endswith((".", "?"))
        assert rule.fix.endswith(".") or ":" in rule.fix
        assert not rule.rule or rule.section
        assert schema.link(rule.section) or not rule.section.startswith("RFC") or "," not in rule.section


def _loud(findings: list[Finding]) -> list[str]:
    return [finding_line(f) for f in findings if f.fault.level is not Level.INFO]


def test_clean_enrollments_give_only_info_findings() -> None:
    """First request, renewal and RA, with every strong digest and cipher, give findings of level INFO only."""
    good = scene(s.caps(), s.ca(certificate("ca")), s.posted(s.request(), s.reply()))
    assert _loud(check_exchanges(good.decode())) == []
    renewed = scene(s.caps(), s.posted(renewal(None, s.new_key()), s.reply(issued=[s.issue(s.new_key())])))
    by_ra = s.request(signer=certificate("ra"), signing_key=key("ra"))
    relayed = scene(s.caps(), s.posted(by_ra, s.reply(recipient=certificate("ra"))))
    for made in (renewed, relayed):
        assert [f for f in _loud(check_exchanges(made.decode())) if "reply-recipient" not in f] == []
    for digest in ("sha256", "sha384", "sha512"):
        for cipher in ("aes-128-cbc", "aes-256-cbc", "aes-128-gcm"):
            message = sceplab.decode_message(s.request(digest=digest, cipher=cipher), keys=[key("ca")])
            assert _loud(check_message(message)) == []


def test_findings_in_real_captures() -> None:
    """The specimen breaks one rule (line breaks in the URL), micromdm many, strongSwan with jscep none."""
    assert [f.fault.id for f in check_exchanges(decoded(DATA / "specimen")) if f.fault.level is not Level.INFO] == [
        "base64"
    ]
    found = {f.fault.id for f in check_exchanges(decoded(DATA / "captures" / "micromdm-default"))}
    assert {"weak-cipher", "ca-usage", "nonce-copied", "old-digest", "self-signed-subject"} <= found
    if SHARED.is_dir():
        assert _loud(check_exchanges(decoded(SHARED / "captures" / "ra2-strongswan6-jscep"))) == []
    for folder in capture_folders():
        for finding in check_exchanges(decoded(folder)):
            assert finding.fault.id not in {"digest", "signature", "readable", "possession"}, (folder.name, finding)


def test_transaction_id_provenance() -> None:
    """The way a transactionID is derived from the key names the client."""
    csr = sceplab.parse_csr(s.csr())
    assert "Cisco" in provenance(MD5_OF_KEY, csr)
    assert "strongSwan" in provenance(sceplab.transaction_id_of(csr.public_key_info, "sha1"), csr)
    assert provenance("1", csr) == ""


def test_findings_are_ranked_by_level() -> None:
    """`worst` and `strongest_first` rank MUST above INFO."""
    a, b = Finding(FAULTS["signature"], ""), Finding(FAULTS["ber"], "")
    assert worst([b, a]) is Level.MUST
    assert worst([b]) is Level.INFO
    assert worst([]) is None
    assert strongest_first([b, a, b]) == [a, b, b]


def test_line_breaks_in_the_url_are_a_finding_of_the_exchange() -> None:
    """The finding names the exchange and the line length."""
    (finding,) = [
        f for f in check_exchanges(scene(s.got(s.request(), None, transport.IOS)).decode()) if f.fault.id == "base64"
    ]
    assert (finding.exchange, finding.side) == (0, Side.EXCHANGE)
    assert place(finding.exchange, finding.side) == "[0]"
    assert "64" in finding.found
