"""A man in the middle between client and CA: the client rejects what he adds or forges, over real sockets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

import sceplab
from sceplab.cli import main
from sceplab.cms.name import parse_subject
from sceplab.cms.signed import serialize_signed
from sceplab.cms.x509 import parse_certificate
from sceplab.files import load_certificates
from sceplab.lab.client import ScepClient
from sceplab.lab.http import ClientError
from sceplab.lab.identity import Identity, issue, make_root
from sceplab.lab.network import Lab
from sceplab.lab.server import Server
from sceplab.scep.attributes import PkiStatus, ScepAttributes
from sceplab.scep.transport import HttpReply, HttpRequest, parse_request
from tests.helpers.labs import SECRET, csr, quick_key, running_lab


class _Between:
    """Answers as the CA does, but adds a certificate to GetCACert, and may answer PKIOperation itself."""

    def __init__(self, lab: Lab, *added: bytes, first: bool = True) -> None:
        self.lab, self.added, self.first = lab, added, first
        self.stolen: list[bytes] = []
        self.forge: Callable[[bytes], bytes] | None = None

    def __call__(self, request: HttpRequest) -> HttpReply:
        """Answer one request."""
        asked = parse_request(request)
        reply = self.lab.ca.answer(request)
        if asked.operation == "GetCACert":
            ca = self.lab.ca.certificate
            body = sceplab.build_degenerate([*self.added, ca] if self.first else [ca, *self.added])
            return replace(reply, body=body)
        if asked.message is not None:
            self.stolen.append(asked.message)
            if self.forge is not None:
                return replace(reply, body=self.forge(asked.message))
        return reply


@contextmanager
def _between(between: _Between) -> Iterator[str]:
    """Yield the URL of a man in the middle."""
    with Server(between, host="127.0.0.1", port=0) as server:
        yield server.url


def _strangers(subject: str, lab: Lab) -> Identity:
    """Return a self-signed CA certificate of a stranger, with the same start of validity as the lab's CA."""
    start = lab.ca.issuer.parsed.not_before
    assert start is not None
    return make_root(parse_subject(subject), quick_key(50), 77, start, start + timedelta(days=1000))


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("subject", ["CN=eve", "CN=R1"])
@pytest.mark.parametrize("dialect", ["sceplab", "micromdm"])
def test_client_rejects_an_added_self_signed_certificate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], dialect: str, subject: str, *, first: bool
) -> None:
    """The man in the middle adds a certificate to GetCACert, even one with the CA's name.

    The client sends no request and writes no file.
    """
    with running_lab() as lab:
        eve = _strangers(subject, lab)
        middle = _Between(lab, eve.certificate, first=first)
        with _between(middle) as url:
            command = ["enroll", url, "--subject", "CN=R3", "--challenge", SECRET, "--out", str(tmp_path)]
            command += ["--fingerprint", lab.ca.issuer.parsed.fingerprint(), "--like", dialect]
            assert main(command) == 2
        assert f"GetCACert has {subject}, which was not issued by the CA" in capsys.readouterr().err
        assert middle.stolen == []
        assert list(tmp_path.iterdir()) == []


def test_device_certificate_is_not_accepted_as_an_ra() -> None:
    """The CA issued the added certificate to a device. The client does not encrypt a request for it."""
    with running_lab() as lab:
        device = lab.client().enroll(csr("CN=device"), quick_key()).certificate
        assert device is not None
        middle = _Between(lab, device.der)
        with _between(middle) as url:
            client = ScepClient(url, fingerprint=lab.ca.issuer.parsed.fingerprint())
            with pytest.raises(ClientError, match="CN=device, which is a certificate for TLS"):
                client.enroll(csr("CN=R3", 1), quick_key(1))
        assert middle.stolen == []


def test_root_in_get_ca_cert_is_accepted_but_not_used() -> None:
    """GetCACert may include the root above the CA. The client neither encrypts for it nor accepts its signature."""
    with running_lab() as lab:
        start = lab.ca.issuer.parsed.not_before
        assert start is not None
        root = make_root(parse_subject("CN=root"), quick_key(50), 5, start, start + timedelta(days=9000))
        middle = _Between(lab, root.certificate, first=False)
        below = lab.ca.issuer
        # The CA's name and key, certified by the root.
        crossed = (
            x509.CertificateBuilder()
            .issuer_name(x509.load_der_x509_certificate(root.certificate).subject)
            .subject_name(x509.load_der_x509_certificate(below.certificate).subject)
            .public_key(below.key.public_key())
            .serial_number(6)
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=8000))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        )
        issuing = crossed.sign(root.key, hashes.SHA256()).public_bytes(Encoding.DER)
        lab.store.set_identities(issuer=(issuing, lab.store.identities()["issuer"][1]))
        lab.ca._set_identities()
        with _between(middle) as url:
            client = ScepClient(url, fingerprint=parse_certificate(issuing).fingerprint())
            assert [c.der for c in client.ca.all] == [issuing]
            assert client.enroll(csr(), quick_key()).status is PkiStatus.SUCCESS


def test_client_rejects_a_certificate_that_another_ca_issued() -> None:
    """The CA signs the reply, but the certificate in it comes from another CA."""
    with running_lab() as lab:
        eve = _strangers("CN=R1", lab)
        forged: list[bytes] = []

        def forge(message: bytes) -> bytes:
            own = lab.ca.issuer
            asked = sceplab.decode_message(message, keys=[own.key])  # type: ignore[list-item]
            assert asked.csr is not None
            assert asked.verification.signer is not None
            start = own.parsed.not_before
            assert start is not None
            forged.append(issue(asked.csr, eve, 9, start, start + timedelta(days=9)))
            attributes = ScepAttributes(
                "3", asked.attributes.transaction_id, bytes(16), asked.attributes.sender_nonce, "0"
            )
            draft = sceplab.draft_message(
                attributes,
                sceplab.build_degenerate(forged[-1:]),
                signer_certificate=own.certificate,
                recipients=[asked.verification.signer],
            )
            return sceplab.encode_message(draft, own.key)

        middle = _Between(lab)
        middle.forge = forge
        with _between(middle) as url:
            client = ScepClient(url, fingerprint=lab.ca.issuer.parsed.fingerprint())
            with pytest.raises(ClientError, match="the CA that was asked did not issue CN=R3"):
                client.enroll(csr(), quick_key())
        assert forged


def test_unsigned_certificates_around_a_reply_are_not_the_next_ca() -> None:
    """A signed FAILURE has no content, and its signature does not cover the certificates added around it."""
    with running_lab() as lab:
        eve = _strangers("CN=R1", lab)
        refusal: list[bytes] = []

        def answer(request: HttpRequest) -> HttpReply:
            reply = lab.ca.answer(request)
            if parse_request(request).operation == "PKIOperation":
                refusal.append(reply.body)
            if parse_request(request).operation == "GetNextCACert":
                signed = sceplab.parse_signed(refusal[0])
                certificates = (eve.certificate, *signed.certificates)
                return replace(reply, status=200, body=serialize_signed(replace(signed, certificates=certificates)))
            return reply

        client = ScepClient(answer, fingerprint=lab.ca.issuer.parsed.fingerprint())
        assert client.enroll(csr(challenge="wrong"), quick_key()).status is PkiStatus.FAILURE
        with pytest.raises(ClientError, match="the reply to GetNextCACert has no certificate"):
            client.get_next_ca_cert()


def test_enroll_writes_ca_and_ra_certificates(tmp_path: Path) -> None:
    """NAME.ca.pem has the RA's certificate first, then the CA's."""
    with running_lab(ra=True) as lab:
        assert lab.ra is not None
        command = ["enroll", lab.ra_url, "--subject", "CN=R3", "--challenge", SECRET, "--out", str(tmp_path)]
        assert main([*command, "--fingerprint", lab.ca.issuer.parsed.fingerprint()]) == 0
        assert load_certificates(tmp_path / "device.ca.pem") == [lab.ra.signer.certificate, lab.ca.certificate]
