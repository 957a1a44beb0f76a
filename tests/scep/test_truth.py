"""The decoder compared field by field with what openssl and tshark report for real captures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import sceplab
from sceplab import openssl
from sceplab.cms.x509 import public_key_info
from sceplab.errors import BuildError
from sceplab.files import load_private_keys
from sceplab.report.json import capture_facts
from tests.helpers.captures import (
    DATA,
    SHARED,
    capture_folders,
    certificate,
    decoded,
    key,
    materials,
    messages,
    needs,
    place_name,
)

FOLDERS = capture_folders()
# The reply keys of this capture were not kept, but its truth file has fields that need them.
NO_REPLY_KEYS = "odd-http-pipelined"
NEEDS_REPLY_KEY = {"inner", "decryptKey", "issuedSerial", "issuedSubject", "issuedMatchesCSRKey"}
# tshark gives up on a stream whose first segment comes after its end; sceplab reassembles it.
BETTER_THAN_TSHARK = ("odd-outoforder", 1)


@pytest.mark.parametrize("folder", FOLDERS, ids=place_name)
def test_every_decoded_field_equals_the_truth_file(folder: Path) -> None:
    """Each field of http[] and messages[] in the truth file equals the decoded one."""
    truth = json.loads((folder / "truth.json").read_text())
    ours = json.loads(json.dumps(capture_facts(decoded(folder), materials(folder))))
    assert len(truth["http"]) == len(ours["http"])
    assert len(truth["messages"]) == len(ours["messages"])
    for index, (expected, actual) in enumerate(zip(truth["http"], ours["http"], strict=True)):
        if (folder.name, index) == BETTER_THAN_TSHARK:
            assert expected["gap"]
            assert actual["status"] == 200
            assert [c["der_sha256"] for c in actual["certs"]] == [truth["messages"][1]["signer"]["der_sha256"]]
            continue
        assert expected == {k: actual.get(k) for k in expected}
    for expected, actual in zip(truth["messages"], ours["messages"], strict=True):
        skipped = NEEDS_REPLY_KEY if folder.name == NO_REPLY_KEYS and expected["direction"] == "reply" else set()
        wanted = {k: v for k, v in expected.items() if k not in skipped}
        assert wanted == {k: actual.get(k) for k in wanted}


@pytest.mark.parametrize("folder", [DATA / "specimen", *FOLDERS], ids=place_name)
def test_every_message_is_rebuilt_byte_for_byte(folder: Path) -> None:
    """encode(draft(decode(x))) == x: encrypted, digested and signed again with the captured random bytes."""
    keys = [key("ca"), key("ra")] if folder.name == "specimen" else materials(folder).keys
    left_out = 0
    assert messages(folder) or SHARED in folder.parents  # two shared captures ended before a message was sent
    for found in messages(folder):
        message = sceplab.decode_message(found.raw, keys=keys) if folder.name == "specimen" else found
        signer = message.verification.signer
        assert signer is not None
        signing = [k for k in keys if public_key_info(k) == signer.public_key_info]
        if folder.name == NO_REPLY_KEYS and not (signing and message.opened):
            left_out += 1
            continue
        draft = sceplab.draft_of(message, keys=keys)
        assert message.raw == sceplab.encode_message(draft, signing[0])
    if left_out:
        pytest.skip(f"messages left out: {left_out}; the device's key was not kept with this capture")


def test_a_draft_contains_no_computed_values() -> None:
    """Rebuilding computes the signature, digest, ciphertext and wrapped key; no draft contains them."""
    message = sceplab.decode_message(messages(DATA / "specimen")[0].raw, keys=[key("ca")])
    draft = sceplab.draft_of(message, keys=[key("ca")])
    info = message.signed.signer_info
    assert info is not None
    assert message.enveloped is not None
    held = repr(_all_bytes(draft))
    for result in (info.signature, message.enveloped.encrypted_content, message.enveloped.recipients[0].encrypted_key):  # type: ignore[union-attr]
        assert repr(result)[2:-1] not in held
    other = sceplab.encode_message(draft, key("r3"))
    assert other != message.raw
    assert not sceplab.decode_message(other).verification.intact


def _all_bytes(value: object) -> list[bytes]:
    if isinstance(value, bytes):
        return [value]
    if isinstance(value, tuple | list):
        return [b for item in value for b in _all_bytes(item)]
    slots = getattr(type(value), "__dataclass_fields__", {})
    return [b for name in slots for b in _all_bytes(getattr(value, name))]


def test_the_secrets_of_the_specimen_have_memorable_values() -> None:
    """The notebooks refer to these values, such as the senderNonce 00 01 02 ... 0f."""
    request, reply = messages(DATA / "specimen")
    opened = sceplab.decode_message(request.raw, keys=[key("ca")]).opened
    assert opened is not None
    assert request.attributes.sender_nonce == bytes(range(16))
    assert opened.content_key == bytes(range(0x20, 0x30))
    assert opened.iv == bytes(range(0xA0, 0xB0))
    answer = sceplab.decode_message(reply.raw, keys=[key("ra")]).opened
    assert answer is not None
    assert answer.content_key == bytes(range(0x40, 0x50))
    assert answer.iv == bytes(range(0xC0, 0xD0))
    assert reply.attributes.recipient_nonce == request.attributes.sender_nonce
    issued = decoded(DATA / "specimen")[0]
    assert issued.exchange.client.startswith("127.0.0.2:")
    assert certificate("ra") == (request.verification.signer or sceplab.parse_certificate(b"")).der


@pytest.mark.skipif(not (SHARED / "messages").is_dir(), reason="../shared is not here")
def test_every_shared_message_decodes() -> None:
    """Messages from other projects' test data: each is decoded without a problem, as the type its file name says."""
    files = sorted((SHARED / "messages").rglob("*.der"))
    assert len(files) >= 8
    kinds = {}
    for path in files:
        data = path.read_bytes()
        for name, parse in (
            ("pkiMessage", sceplab.parse_signed),
            ("envelope", sceplab.parse_enveloped),
            ("csr", sceplab.parse_csr),
        ):
            result = parse(data)
            if not result.problems:
                kinds[path.name] = name
                break
        else:
            pytest.fail(f"{path.name} is nothing we can read")
    assert kinds["scep_req0.der"] == "csr"
    assert kinds["scep_req1.der"] == kinds["scep_resp1.der"] == "envelope"
    assert kinds["scep_req2.der"] == kinds["scep_resp2.der"] == kinds["PKCSReq.der"] == "pkiMessage"
    for name in ("jscep-samples/scep_req2.der", "jscep-samples/scep_resp2.der", "micromdm-scep/PKCSReq.der"):
        message = sceplab.decode_message((SHARED / "messages" / name).read_bytes())
        assert message.verification.intact, message.verification.checks
        assert message.type is not None


@needs("openssl")
@pytest.mark.skipif(not (SHARED / "messages").is_dir(), reason="../shared is not here")
def test_the_shared_message_with_a_key_opens(tmp_path: Path) -> None:
    """In micromdm's test message, opened with the CA's key beside it, is the CSR that is stored beside it."""
    folder = SHARED / "messages" / "micromdm-scep"
    # The key is protected by an empty passphrase, which `cryptography` does not accept.
    openssl.run(["openssl", "rsa", "-in", str(folder / "ca.key"), "-passin", "pass:", "-out", str(tmp_path / "ca.key")])
    keys = load_private_keys(tmp_path / "ca.key")
    message = sceplab.decode_message((folder / "PKCSReq.der").read_bytes(), keys=keys)
    assert message.opened is not None, message.decrypt_error
    assert (folder / "PKCSReq.csr.der").read_bytes() == message.opened.plaintext


def test_the_error_says_why_a_message_cannot_be_rebuilt() -> None:
    """Without the recipient's key the padding is unknown."""
    message = messages(DATA / "specimen")[0]
    with pytest.raises(BuildError, match="not opened"):
        sceplab.draft_of(sceplab.decode_message(message.raw))
