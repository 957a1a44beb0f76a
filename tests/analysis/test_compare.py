"""`compare` finds every difference between two structures and reports no others."""

from __future__ import annotations

import secrets
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sceplab
from sceplab.analysis.compare import Likeness, compare
from sceplab.asn1 import ber, der
from sceplab.cms.signed import serialize_signed
from tests.helpers.captures import DATA, as_ber, certificate, key, messages, needs, real_messages


def _found(first: bytes, second: bytes, kind: str = "ContentInfo") -> dict[str, Likeness]:
    return {p.path: p.likeness for p in compare(first, second, kind).leaves() if p.likeness is not Likeness.SAME}


def test_a_message_is_the_same_as_itself() -> None:
    """Compare every real message with itself."""
    for raw in real_messages():
        assert compare(raw, raw).likeness is Likeness.SAME
        assert _found(raw, raw) == {}


def test_a_rebuilt_message_differs_only_in_random_and_derived_fields() -> None:
    """Only the nonce, content key, IV and the values that depend on them differ."""
    (message, *_) = messages(DATA / "specimen")
    assert message.csr is not None
    attributes = sceplab.ScepAttributes("19", message.attributes.transaction_id, secrets.token_bytes(16))
    draft = sceplab.draft_message(
        attributes, message.csr.raw, signer_certificate=certificate("ra"), recipients=[certificate("ca")]
    )
    again = sceplab.encode_message(draft, key("ra"))
    found = _found(message.raw, again)
    assert set(found.values()) == {Likeness.EXPECTED}
    assert {path.rpartition(".")[2] for path in found} == {
        *("encryptedKey", "parameters", "encryptedContent", "senderNonce", "messageDigest", "signature")
    }
    # Another transactionID is a real difference, not an expected one.
    other = sceplab.ScepAttributes("19", "ANOTHER", attributes.sender_nonce)
    draft = sceplab.draft_message(
        other, message.csr.raw, signer_certificate=certificate("ra"), recipients=[certificate("ca")]
    )
    found = _found(message.raw, sceplab.encode_message(draft, key("ra")))
    assert [p for p, k in found.items() if k is Likeness.DIFFERENT] == [
        "content.signerInfos.signerInfo.signedAttrs.transactionID.transactionID"
    ]


def test_ber_and_der_forms_differ_only_in_encoding() -> None:
    """A BER message and its DER form have the same values. The shared captures add real BER messages."""
    count = 0
    for raw in (as_ber(messages(DATA / "specimen")[0].raw), *real_messages()):
        if raw[1] != 0x80:
            continue
        plain, shape = ber.normalise(raw)
        assert shape
        found = set(_found(raw, plain).values())
        assert found <= {Likeness.ENCODING}
        assert compare(raw, plain).likeness is Likeness.ENCODING
        count += 1
    assert count > 0


@pytest.mark.parametrize(
    ("first", "second", "likeness", "why"),
    [
        ("130141", "0c0141", Likeness.ENCODING, "PrintableString and UTF8String"),
        ("020105", "02020005", Likeness.ENCODING, "more bytes than needed"),
        ("0101ff", "010101", Likeness.ENCODING, "not FF"),
        ("020105", "020106", Likeness.DIFFERENT, ""),
        ("3106020101020102", "3106020102020101", Likeness.ENCODING, "ascending order"),
        ("30020500", "3081020500", Likeness.ENCODING, "more length bytes"),
        ("3003020101", "3006020101020102", Likeness.DIFFERENT, ""),
    ],
)
def test_likeness_of_two_elements(first: str, second: str, likeness: Likeness, why: str) -> None:
    """Pairs of elements are the same value in another encoding, or different, in either order."""
    for a, b in ((first, second), (second, first)):
        pair = compare(bytes.fromhex(a), bytes.fromhex(b), "ANY")
        assert pair.likeness is likeness
        assert why in pair.why or pair.why.startswith("UTF8String and")


def test_order_of_attributes_does_not_matter() -> None:
    """Reversed signed attributes count as another encoding; a missing attribute is on one side only."""
    (message, *_) = messages(DATA / "specimen")
    info = message.signed.signer_info
    assert info is not None
    attributes = [der.sequence(der.oid(a.oid), der.encode(der.SET, *a.values)) for a in info.signed_attributes]
    raw = info.signed_attributes_raw
    turned = message.raw.replace(raw, der.context(0, *reversed(attributes)))
    assert len(turned) == len(message.raw)
    assert _found(message.raw, turned) == {}
    assert compare(message.raw, turned).likeness is Likeness.ENCODING
    first = der.context(0, *attributes)
    without = {p.path: p.likeness for p in compare(first, der.context(0, *attributes[:-1]), "Attributes").leaves()}
    assert Likeness.FIRST_ONLY in without.values()
    assert Likeness.DIFFERENT not in without.values()
    assert serialize_signed(message.signed) == message.raw


@needs("openssl")
def test_two_openssl_certificates_with_one_subject(tmp_path: Path) -> None:
    """Certificates with one subject and different keys differ in key, key identifiers, times and signature only."""
    made = []
    for name in ("a", "b"):
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=same/O=same"]
        command += ["-keyout", str(tmp_path / "k"), "-set_serial", "7", "-days", "10", "-outform", "DER"]
        subprocess.run([*command, "-out", str(tmp_path / name)], check=True, capture_output=True)
        made.append((tmp_path / name).read_bytes())
    found = _found(made[0], made[1], "Certificate")
    times = {"tbsCertificate.validity.notBefore", "tbsCertificate.validity.notAfter"}
    assert set(found) - times == {
        "tbsCertificate.subjectPublicKeyInfo.subjectPublicKey.RSAPublicKey.modulus",
        "tbsCertificate.extensions.subjectKeyIdentifier.extnValue.subjectKeyIdentifier",
        "tbsCertificate.extensions.authorityKeyIdentifier.extnValue.authorityKeyIdentifier.keyIdentifier",
        "signatureValue",
    }


def test_long_lists_are_compared_by_position() -> None:
    """The one different element among five thousand is found, without quadratic time."""
    first = der.sequence(*[der.NULL_ELEMENT] * 5000)
    second = der.sequence(*[der.NULL_ELEMENT] * 4999, der.integer(1))
    (path,) = _found(first, second, "ANY")
    assert path == "NULL[4999]"


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_bytes_can_be_compared(first: bytes, second: bytes) -> None:
    """Comparison of arbitrary bytes raises nothing and is symmetric."""
    assert len(list(compare(first, second, "ANY").leaves())) >= 1
    same = compare(first, second).likeness is Likeness.SAME
    assert same is (compare(second, first).likeness is Likeness.SAME)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_each_changed_byte_is_found(data: st.DataObject) -> None:
    """Change one byte of a value in a real message: exactly that field differs."""
    (message, *_) = messages(DATA / "specimen")
    leaves = [p.first for p in compare(message.raw, message.raw).leaves() if p.first is not None]
    node = data.draw(st.sampled_from([n for n in leaves if n.type in {"OCTET STRING", "PrintableString"}]))
    at = data.draw(st.integers(node.content_start, node.content_end - 1))
    changed = message.raw[:at] + bytes((message.raw[at] ^ 1,)) + message.raw[at + 1 :]
    (path,) = _found(message.raw, changed)
    assert path.endswith(node.name)
