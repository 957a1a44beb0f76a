"""Each rule has a conversation that breaks it; clean ones break none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import sceplab
from sceplab import schema
from sceplab.analysis.faults.attributes import provenance
from sceplab.analysis.faults.model import Finding, Level, Side, strongest_first, worst
from sceplab.analysis.faults.registry import FAULTS, check_exchanges, check_message
from sceplab.asn1 import der
from sceplab.cms import algorithms
from sceplab.cms.sign import SignedDraft, build_signed
from sceplab.cms.signature import signature_algorithm_for
from sceplab.cms.x509 import build_identifier
from sceplab.report.names import place
from sceplab.report.text import finding_line
from sceplab.scep import transport
from sceplab.scep.transport import HttpReply
from tests.analysis.test_diagnose import SCENES
from tests.helpers import scenes as s
from tests.helpers.captures import DATA, SHARED, capture_folders, certificate, decoded, key
from tests.helpers.scenes import Scene, scene


def _overwrite(message: bytes, path_end: str, octet: int, at: int = -1, *, start: bool = False) -> bytes:
    """Return the message with one octet of a field changed: of its content, or its first."""
    root = schema.describe(message)
    node = next(n for n in schema.nodes_of(root) if schema.path_of(schema.find(root, n.start)).endswith(path_end))
    while node.children and not start:
        node = node.children[-1]
    place = node.start if start else range(node.content_start, node.content_end)[at]
    return message[:place] + bytes((octet,)) + message[place + 1 :]


def _without_attributes() -> bytes:
    signer = sceplab.parse_certificate(s.device_certificate())
    algorithm = algorithms.AlgorithmIdentifier(algorithms.DIGESTS["sha256"].oid, der.NULL_ELEMENT)
    scheme = signature_algorithm_for(key("r3").public_key(), "sha256", "rsaEncryption")
    draft = SignedDraft(build_identifier(signer), (signer.der,), (), algorithm, scheme)
    return build_signed(draft, sceplab.decode_message(s.request()).signed.content, key("r3"))


def _without_content() -> bytes:
    draft = sceplab.draft_message(
        sceplab.ScepAttributes("19", "T1", s.NONCE), None, signer_certificate=s.device_certificate()
    )
    return sceplab.encode_message(draft, key("r3"))


def _renewal(challenge: str | None, own: object = None) -> bytes:
    return s.request(s.csr(own, challenge=challenge), message_type="17", signer=s.issue())  # type: ignore[arg-type]


def _nameless() -> bytes:
    return sceplab.build_csr(sceplab.build_name([]), key("r3"), challenge_password="secret")


def _negative_serial() -> bytes:
    message = s.request()
    assert message.count(b"\x02\x01\x4d") >= 2
    return message.replace(b"\x02\x01\x4d", b"\x02\x01\xcd")


_PAGE = HttpReply(200, (("Content-Type", "text/html"),), s.reply(), "OK")
_MD5_OF_KEY = sceplab.transaction_id_of(sceplab.parse_csr(s.csr()).public_key_info, "md5")

# Rules that tests/analysis/test_faults.py breaks.
NAMED_ELSEWHERE = {
    *("binary-transaction-id", "equal-nonces", "recipient-nonce-in-request", "one-signer", "readable", "message-data"),
}

# Rules that no scene of tests/analysis/test_diagnose.py breaks.
MORE: dict[str, Callable[[], Scene]] = {
    "attribute-types": lambda: scene(s.posted(_overwrite(s.request(), "messageType.messageType", 0x0C, start=True))),
    "caps-case": lambda: scene(s.caps("aes\nSHA-256\n")),
    "caps-unknown": lambda: scene(s.caps(s.CAPS + "Update\n")),
    "cms-attributes": lambda: scene(s.posted(_overwrite(s.request(), "signedAttrs.messageDigest.attrType", 0x2A))),
    "content-type": lambda: scene(s.posted(_overwrite(s.request(), "encapContentInfo.eContentType", 5))),
    "degenerate": lambda: scene(s.posted(s.request(), s.reply(data=s.request()))),
    "envelope": lambda: scene(s.posted(_without_content())),
    "enveloped-version": lambda: scene(s.posted(_overwrite(s.request(), "eContent.content.version", 7))),
    "fail-info": lambda: scene(s.posted(s.request(), s.reply("2"))),
    "get-with-post": lambda: scene(s.caps(), s.got(s.request(), s.reply())),
    "inner-type": lambda: scene(s.posted(_overwrite(s.request(), "encryptedContentInfo.contentType", 6))),
    "no-envelope": lambda: scene(s.posted(s.request(), s.reply("2", fail="2", data=s.csr()))),
    "nonce-copied": lambda: scene(s.posted(s.request(), s.reply(own_nonce=s.NONCE))),
    "nonce-size": lambda: scene(s.posted(s.request(nonce=b"12345678"))),
    "odd-cipher": lambda: scene(s.posted(s.request(cipher="bf-cbc"))),
    "old-cipher": lambda: scene(s.posted(s.request(cipher="des-ede3-cbc"))),
    "old-digest": lambda: scene(s.posted(s.request(digest="sha1"))),
    "weak-cipher": lambda: scene(s.posted(s.request(cipher="des-cbc"))),
    "weak-digest": lambda: scene(s.posted(s.request(digest="md5"))),
    "weaker-reply": lambda: scene(s.posted(s.request(), s.reply(digest="sha1"))),
    "pki-status": lambda: scene(s.posted(s.request(), s.reply("7"))),
    "renewal-challenge": lambda: scene(s.posted(_renewal("secret", s.new_key()))),
    "renewal-key": lambda: scene(s.posted(_renewal(None))),
    "reply-attributes": lambda: scene(s.posted(s.request(), s.reply(nonce=None))),
    "reply-sender-nonce": lambda: scene(s.posted(s.request(), s.reply(own_nonce=None))),
    "reply-type": lambda: scene(s.posted(s.request(), _PAGE)),
    "serial": lambda: scene(s.posted(_negative_serial())),
    "signed-attributes": lambda: scene(s.posted(_without_attributes())),
    "subject": lambda: scene(s.posted(s.request(_nameless()))),
    "transaction-id": lambda: scene(s.posted(s.request(transaction=_MD5_OF_KEY))),
    "update-req": lambda: scene(s.posted(s.request(message_type="18"))),
}


@pytest.mark.parametrize("name", MORE)
def test_each_rule_is_broken(name: str) -> None:
    """In its conversation."""
    findings = check_exchanges(MORE[name]().decode())
    assert name in {f.fault.id for f in findings}


def test_every_rule_is_broken_somewhere() -> None:
    """By a scene here, or one of the causes; none is dead."""
    seen = {f.fault.id for make in SCENES.values() for f in check_exchanges(make().decode())}
    rules = {name for name, fault in FAULTS.items() if fault.rule}
    assert sorted(rules - seen - set(MORE) - NAMED_ELSEWHERE) == []
    assert len(rules) >= 65


def test_rules_are_complete() -> None:
    """A section and what it demands; what is a fault can be mended."""
    for name, rule in FAULTS.items():
        assert name == rule.id
        assert rule.title.endswith((".", "?"))
        assert rule.fix.endswith(".") or ":" in rule.fix
        assert not rule.rule or rule.section
        assert schema.link(rule.section) or not rule.section.startswith("RFC") or "," not in rule.section


def _loud(findings: list[Finding]) -> list[str]:
    return [finding_line(f) for f in findings if f.fault.level is not Level.INFO]


def test_a_clean_enrollment_has_notes_at_most() -> None:
    """First request, polls, renewal, with and without RA, in every strong algorithm."""
    good = scene(s.caps(), s.ca(certificate("ca")), s.posted(s.request(), s.reply()))
    assert _loud(check_exchanges(good.decode())) == []
    renewed = scene(s.caps(), s.posted(_renewal(None, s.new_key()), s.reply(issued=[s.issue(s.new_key())])))
    by_ra = s.request(signer=certificate("ra"), signing_key=key("ra"))
    relayed = scene(s.caps(), s.posted(by_ra, s.reply(recipient=certificate("ra"))))
    for made in (renewed, relayed):
        assert [f for f in _loud(check_exchanges(made.decode())) if "reply-recipient" not in f] == []
    for digest in ("sha256", "sha384", "sha512"):
        for cipher in ("aes-128-cbc", "aes-256-cbc", "aes-128-gcm"):
            message = sceplab.decode_message(s.request(digest=digest, cipher=cipher), keys=[key("ca")])
            assert _loud(check_message(message)) == []


def test_real_captures() -> None:
    """The specimen breaks one rule (lines in the URL); micromdm many; strongSwan with jscep none."""
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


def test_provenance() -> None:
    """What a transactionID was made of."""
    csr = sceplab.parse_csr(s.csr())
    assert "Cisco" in provenance(_MD5_OF_KEY, csr)
    assert "strongSwan" in provenance(sceplab.transaction_id_of(csr.public_key_info, "sha1"), csr)
    assert provenance("1", csr) == ""


def test_worst() -> None:
    """MUST before SHOULD before info."""
    a, b = Finding(FAULTS["signature"], ""), Finding(FAULTS["ber"], "")
    assert worst([b, a]) is Level.MUST
    assert worst([b]) is Level.INFO
    assert worst([]) is None
    assert strongest_first([b, a, b]) == [a, b, b]


def test_transport_is_where_lines_are_found() -> None:
    """The finding has its place and the offset."""
    (finding,) = [
        f for f in check_exchanges(scene(s.got(s.request(), None, transport.IOS)).decode()) if f.fault.id == "base64"
    ]
    assert (finding.exchange, finding.side) == (0, Side.EXCHANGE)
    assert place(finding.exchange, finding.side) == "[0]"
    assert "64" in finding.found
