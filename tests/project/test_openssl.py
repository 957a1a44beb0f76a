"""The openssl commands that sceplab prints give the same results as sceplab."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

import sceplab
from sceplab import openssl
from sceplab.errors import InputError
from sceplab.scep.message import PkiMessage
from tests.helpers.captures import DATA, certificate, decoded, key, needs

pytestmark = needs("openssl")
SPECIMEN = DATA / "specimen"


@pytest.fixture
def message(tmp_path: Path) -> PkiMessage:
    """Return the specimen's request, with its layers as files in `tmp_path`."""
    (item,) = decoded(SPECIMEN)
    assert item.request is not None
    assert item.request.signed.content is not None
    assert item.request.opened is not None
    (tmp_path / "message").write_bytes(item.request.raw)
    (tmp_path / "envelope").write_bytes(item.request.signed.content)
    (tmp_path / "csr").write_bytes(item.request.opened.plaintext)
    return item.request


@pytest.mark.parametrize("one_line", [True, False])
def test_openssl_decodes_base64_like_sceplab(tmp_path: Path, message: PkiMessage, *, one_line: bool) -> None:
    """Base64 in several lines and in one line."""
    text = base64.b64encode(message.raw) if one_line else base64.encodebytes(message.raw)
    (tmp_path / "text").write_bytes(text)
    openssl.run(openssl.base64_decode(tmp_path / "text", tmp_path / "out", one_line=one_line))
    assert message.raw == (tmp_path / "out").read_bytes()


def test_openssl_prints_the_values_that_sceplab_shows(tmp_path: Path, message: PkiMessage) -> None:
    """Printing commands show the values that sceplab shows."""
    shown = openssl.run(openssl.print_cms(tmp_path / "message"))
    assert message.attributes.transaction_id is not None
    assert message.attributes.transaction_id in shown
    assert "pkcs7-envelopedData" in openssl.run(openssl.asn1parse(tmp_path / "envelope"))
    at = message.raw.index(message.signed.content or b"?") - 4
    assert "pkcs7-envelopedData" in openssl.run(openssl.asn1parse(tmp_path / "message", at))
    openssl.run(openssl.signer_certificates(tmp_path / "message", tmp_path / "signer.pem"))
    assert "BEGIN CERTIFICATE" in (tmp_path / "signer.pem").read_text()
    assert "R3-to-R1-via-R2" in openssl.run(openssl.print_csr(tmp_path / "csr"))
    (tmp_path / "cert").write_bytes(certificate("ra"))
    assert "4279256517" in openssl.run(openssl.print_certificate(tmp_path / "cert"))
    (tmp_path / "bag").write_bytes(sceplab.build_degenerate([certificate("ra")]))
    assert "4279256517" in openssl.run(openssl.print_degenerate(tmp_path / "bag"))


def test_openssl_verifies_and_decrypts_like_sceplab(tmp_path: Path, message: PkiMessage) -> None:
    """Both extract the same content."""
    assert message.opened is not None
    out = tmp_path / "out"
    openssl.run(openssl.verify(tmp_path / "message", SPECIMEN / "ca.pem", out))
    assert message.signed.content == out.read_bytes()
    openssl.run(openssl.verify_signature_only(tmp_path / "message", out))
    assert message.signed.content == out.read_bytes()
    openssl.run(openssl.decrypt(tmp_path / "envelope", SPECIMEN / "ca.pem", SPECIMEN / "ca.key.pem", out))
    assert message.opened.plaintext == out.read_bytes()


def test_we_decrypt_envelopes_of_openssl(tmp_path: Path, message: PkiMessage) -> None:
    """For the CA, with two ciphers."""
    assert message.opened is not None
    for cipher in ("aes-256-cbc", "des-ede3-cbc"):
        openssl.run(openssl.encrypt(tmp_path / "csr", SPECIMEN / "ca.pem", tmp_path / "out", cipher=cipher))
        enveloped = sceplab.parse_enveloped((tmp_path / "out").read_bytes())
        assert message.opened.plaintext == sceplab.decrypt(enveloped, keys=[key("ca")]).plaintext


def test_the_error_of_a_refusal_has_the_message_of_openssl(tmp_path: Path, message: PkiMessage) -> None:
    """Verification against the wrong CA."""
    assert message
    with pytest.raises(InputError, match="exit code"):
        openssl.run(openssl.verify(tmp_path / "message", SPECIMEN / "ra.pem", tmp_path / "out"))
