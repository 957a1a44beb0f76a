"""After a change to a message, exactly the expected checks fail."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sceplab
from sceplab import schema
from sceplab.analysis.whatif import Judged, judge, overwrite, replace_content, reseal
from sceplab.asn1 import der, oids
from sceplab.errors import BuildError
from sceplab.scep.conversation import Materials
from sceplab.scep.message import PkiMessage
from sceplab.schema.layers import layers_of
from sceplab.widgets import what_if
from tests.helpers.captures import DATA, certificate, key, messages


@cache
def _held() -> Materials:
    return Materials((key("ca"),), (certificate("ca"),))


def _message() -> PkiMessage:
    return messages(DATA / "specimen")[0]


@cache
def _before() -> Judged:
    return judge(_message().raw, _held())


def _place(name: str) -> schema.Node:
    return next(n for n in schema.nodes_of(schema.describe(_message().raw)) if n.name == name and not n.children)


def test_an_unchanged_message_passes() -> None:
    """Every check of the unchanged specimen passes or is not possible."""
    assert {c.outcome for c in _before().checks} <= {sceplab.Outcome.PASSED, sceplab.Outcome.NOT_POSSIBLE}
    assert _before().broke(_before()) == ()
    # Without keys and certificates fewer checks are possible, and none fails.
    assert all(c.outcome is not sceplab.Outcome.FAILED for c in judge(_message().raw).checks)


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("senderNonce", {"signature"}),
        ("transactionID", {"signature"}),
        ("messageDigest", {"digest", "signature"}),
        ("signature", {"signature"}),
        ("signatureValue", {"chain"}),
        ("modulus", {"signature", "chain"}),
        ("encryptedKey", {"digest", "decryption", "messageData", "proof of possession"}),
    ],
)
def test_each_changed_byte_fails_the_right_checks(name: str, broken: set[str]) -> None:
    """Change one byte of a field: exactly these checks fail."""
    node = _place(name)
    at = node.content_start + (node.content_end - node.content_start) // 2
    changed = overwrite(_message().raw, at, bytes((_message().raw[at] ^ 0x04,)))
    assert set(judge(changed, _held()).broke(_before())) == broken


@settings(deadline=None, max_examples=120)
@given(st.deferred(lambda: st.integers(0, len(_message().raw) - 1)), st.integers(1, 255))
def test_a_change_to_any_protected_byte_fails_a_check(at: int, change: int) -> None:
    """A change to any byte makes a check fail, unless the byte is unprotected.

    Unprotected are fields outside the signature that no check compares, and tags that
    the lenient parser ignores.
    """
    judged = judge(overwrite(_message().raw, at, bytes((_message().raw[at] ^ change,))), _held())
    if not judged.broke(_before()):
        chain = schema.find(schema.describe(_message().raw), at)
        path = schema.path_of(chain)
        if at == chain[-1].start:
            return
        unprotected = ("version", "digestAlgorithms", "parameters", "signatureAlgorithm", "certificates", "contentType")
        assert any(word in path for word in unprotected), path


def test_new_content_updates_all_lengths() -> None:
    """Longer and shorter content, also inside an OCTET STRING, gives a well-formed CSR with the new value."""
    request = layers_of(_message())[-1].data
    original = _message().csr
    assert original is not None
    root = schema.describe(request, "CertificationRequest")
    node = next(n for n in schema.nodes_of(root) if n.name == "challengePassword" and not n.children)
    for password in (b"", b"x", b"y" * 300):
        changed = replace_content(request, node.start, password, "CertificationRequest")
        assert der.read(changed).end == len(changed)
        csr = sceplab.parse_csr(changed)
        assert csr.challenge_password == password.decode()
        assert sceplab.verify_csr(csr).outcome is sceplab.Outcome.FAILED
        assert csr.subject == original.subject
    inner = next(n for n in schema.nodes_of(root) if n.name == "keyUsage" and n.inner)
    changed = replace_content(request, inner.start, b"\x00\xff", "CertificationRequest")
    extension = sceplab.parse_csr(changed).extensions
    assert [e.value for e in extension if e.oid == oids.KEY_USAGE] == [b"\x03\x02\x00\xff"]
    assert replace_content(request, node.start, node.content, "CertificationRequest") == request


def test_indefinite_lengths_are_kept() -> None:
    """Indefinite lengths around changed content are kept."""
    data = bytes.fromhex("3080 3080 020105 0000 0000")
    assert replace_content(data, 4, b"\x06", "ANY") == bytes.fromhex("3080 3080 020106 0000 0000")


def test_a_plaintext_can_be_changed() -> None:
    """The new plaintext is encrypted with the same key and IV. It decrypts, and the digest check fails."""
    opened = _message().opened
    assert opened is not None
    new = opened.plaintext.replace(b"R3-to-R1-via-R2", b"R3-to-R1-via-R9")
    judged = judge(reseal(layers_of(_message()), _message(), new), _held())
    assert set(judged.broke(_before())) == {"digest", "proof of possession"}
    assert judged.message.csr is not None
    assert judged.message.csr.challenge_password == "R3-to-R1-via-R9"
    again = reseal(layers_of(_message()), _message(), opened.plaintext)
    assert again == _message().raw


def test_impossible_changes_raise_build_errors() -> None:
    """Errors for an offset outside the message, an offset inside an element, and an envelope that was not decrypted."""
    with pytest.raises(BuildError, match="not inside"):
        overwrite(_message().raw, len(_message().raw), b"\0")
    with pytest.raises(BuildError, match="no element starts"):
        replace_content(_message().raw, 1, b"")
    closed = sceplab.decode_message(_message().raw)
    with pytest.raises(BuildError, match="not opened"):
        reseal(layers_of(closed), closed, b"")


def test_the_widget_changes_checks_and_undoes() -> None:
    """Change and undo from Python and through messages of the view."""
    view = what_if(_message(), _held())
    assert [c["outcome"] for c in view.checks] == [c["before"] for c in view.checks]
    view.set_content("senderNonce", b"\xff" * 16)
    assert view.broke == ("signature",)
    assert view.changed
    assert view.can_undo
    view._receive(view, {"kind": "undo"}, [])
    assert view.octets == _message().raw
    assert not view.can_undo
    assert view.changed == []
    at = _place("messageType").content_start
    view._receive(view, {"kind": "octets", "buffer": 0, "offset": at + 1, "hex": "37"}, [])
    assert view.message.type is sceplab.MessageType.RenewalReq
    view.undo()
    node = next(
        n for n in schema.nodes_of(view.layers[-1].tree or schema.describe(b"")) if n.name == "challengePassword"
    )
    child = next(n for n in schema.nodes_of(node) if not n.children)
    view._receive(view, {"kind": "content", "buffer": 1, "offset": child.start, "text": "oops", "hex": False}, [])
    assert set(view.broke) == {"digest", "proof of possession"}
    html = view._still()
    assert "proof of possession" in html
    # Bad input changes nothing, and the view shows the reason.
    before = view.octets
    for bad in ({"hex": "zz", "offset": 0}, {"hex": "00", "offset": 10**9}):
        view._receive(view, {"kind": "octets", "buffer": 0, **bad}, [])
        assert view.problem.startswith("not changed")
        assert view.octets == before
    view._receive(view, {"kind": "content", "buffer": 0, "offset": 2, "text": "5", "hex": False}, [])
    assert view.problem.startswith("not changed")


def test_rfc_rules_are_checked_after_each_change() -> None:
    """A newly broken rule fails, a repaired rule passes, and a rule that was broken before is not newly broken."""
    view = what_if(_message(), _held())
    view.set_content("senderNonce", bytes(8))
    assert set(view.broke) == {"signature", "rule nonce-size"}
    (row,) = [r for r in view.checks if r["name"] == "rule nonce-size"]
    assert (row["outcome"], row["before"]) == ("failed", "passed")
    assert "SHOULD, RFC 8894, 3.2.1" in row["detail"]
    view.undo()
    assert not [r for r in view.checks if r["name"].startswith("rule")]
    wrong = replace_content(_message().raw, _place("messageType").start, b"99")
    view = what_if(wrong, _held())
    assert view.broke == ()
    view.set_content("messageType", "19")
    (row,) = [r for r in view.checks if r["name"] == "rule message-type"]
    assert (row["outcome"], row["detail"], row["before"]) == ("passed", "no longer broken", "failed")


def test_a_destroyed_message_can_be_checked() -> None:
    """A message that is no longer SignedData still gives a list of checks."""
    view = what_if(_message(), _held())
    view.change(0, b"\x04")
    assert "SignedData" in view.broke
    assert view.message.signed.signer_infos == ()
    view.undo()
    assert view.broke == ()
