"""Our messages at an independent SCEP server: micromdm's scepserver."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from cryptography import x509

import sceplab
from sceplab import openssl
from sceplab.lab import micromdm
from sceplab.scep import transport
from sceplab.scep.message import PkiMessage
from sceplab.scep.messagedata import CertsOnly
from tests.helpers.captures import DATA, certificate, key, needs

CHALLENGE = "R3-to-R1-via-R2"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Yield the URL of a running server that requires CHALLENGE."""
    with micromdm.scepserver(CHALLENGE) as address:
        yield address


def _request(url: str, challenge: str, *, digest: str, cipher: str) -> tuple[bytes, sceplab.ScepAttributes]:
    ca = sceplab.parse_ca_certificates(micromdm.get_ca_certificates(url))[0]
    name = sceplab.build_name([[sceplab.NameAttribute("2.5.4.3", f"{digest} {cipher}", "PrintableString")]])
    csr = sceplab.build_csr(name, key("r3"), challenge_password=challenge)
    attributes = sceplab.ScepAttributes(
        message_type="19",
        transaction_id=sceplab.transaction_id_of(sceplab.parse_csr(csr).public_key_info),
        sender_nonce=bytes(range(16)),
    )
    draft = sceplab.draft_message(
        attributes, csr, signer_certificate=certificate("ra"), recipients=[ca.der], digest=digest, cipher=cipher
    )
    return sceplab.encode_message(draft, key("ra")), attributes


def _read(reply: bytes) -> PkiMessage:
    return sceplab.decode_message(reply, keys=[key("ra")], certificates=[certificate("ra")])


@needs("scepserver")
@pytest.mark.xdist_group("scepserver")
@pytest.mark.parametrize(
    ("digest", "cipher"), [("sha256", "aes-128-cbc"), ("sha512", "aes-256-cbc"), ("sha1", "des-ede3-cbc")]
)
def test_scepserver_grants_a_request_that_our_ra_signed(url: str, digest: str, cipher: str) -> None:
    """The certificate has the key of the request and verifies with the server's CA."""
    message, attributes = _request(url, CHALLENGE, digest=digest, cipher=cipher)
    reply = _read(micromdm.post_message(url, message))
    assert reply.attributes.status is sceplab.PkiStatus.SUCCESS
    assert attributes.transaction_id == reply.attributes.transaction_id
    assert attributes.sender_nonce == reply.attributes.recipient_nonce
    assert isinstance(reply.message_data, CertsOnly)
    issued = x509.load_der_x509_certificate(reply.message_data.certificates[0].der)
    ca = x509.load_der_x509_certificate(micromdm.get_ca_certificates(url))
    issued.verify_directly_issued_by(ca)
    assert key("r3").public_key() == issued.public_key()


@needs("scepserver")
@pytest.mark.xdist_group("scepserver")
def test_scepserver_grants_a_request_sent_by_get(url: str) -> None:
    """The message is encoded in the URL as RFC 8894 requires."""
    message, _ = _request(url, CHALLENGE, digest="sha256", cipher="aes-128-cbc")
    target = transport.build_request("PKIOperation", path="/scep", message=message).target
    reply = requests.get(url.removesuffix("/scep") + target, timeout=30)
    assert _read(reply.content).attributes.status is sceplab.PkiStatus.SUCCESS


@needs("scepserver")
@pytest.mark.xdist_group("scepserver")
def test_scepserver_refuses_a_wrong_challenge_with_bad_request(url: str) -> None:
    """The FAILURE shows that the server decrypts and checks our request."""
    message, _ = _request(url, "wrong", digest="sha256", cipher="aes-128-cbc")
    reply = _read(micromdm.post_message(url, message))
    assert (sceplab.PkiStatus.FAILURE, sceplab.FailInfo.badRequest) == (
        reply.attributes.status,
        reply.attributes.failure,
    )


@needs("scepserver")
@pytest.mark.xdist_group("scepserver")
def test_scepserver_refuses_a_message_signed_by_openssl_alone(url: str, tmp_path: Path) -> None:
    """`openssl cms` cannot add the SCEP attributes, and without them the message is not SCEP."""
    message, _ = _request(url, CHALLENGE, digest="sha256", cipher="aes-128-cbc")
    content = sceplab.parse_signed(message).content
    assert content is not None
    (tmp_path / "envelope").write_bytes(content)
    who = ["-signer", str(DATA / "specimen" / "ra.pem"), "-inkey", str(DATA / "specimen" / "ra.key.pem")]
    files = ["-in", str(tmp_path / "envelope"), "-out", str(tmp_path / "signed")]
    openssl.run(["openssl", "cms", "-sign", "-binary", "-nodetach", "-outform", "DER", *who, *files])
    plain = (tmp_path / "signed").read_bytes()
    assert sceplab.decode_message(plain).verification.intact
    with pytest.raises(requests.HTTPError):
        micromdm.post_message(url, plain)
