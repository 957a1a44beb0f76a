"""Chains in GetCACert: certificates are chosen by issuer, whatever their order."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest

import sceplab
from sceplab.cli import main
from sceplab.cms.x509 import Certificate, parse_certificate
from sceplab.files import load_certificates, pem_certificate
from sceplab.lab.chains import CaCertificates, chain_above, issued_by, sort_out
from sceplab.lab.client import ScepClient
from sceplab.lab.clock import utc_now
from sceplab.lab.http import ClientError
from sceplab.lab.identity import Identity, make_root
from sceplab.lab.network import Lab
from sceplab.lab.server import Server
from sceplab.scep.attributes import PkiStatus
from tests.helpers.captures import needs
from tests.helpers.chains import Chain, ca_below, chain_of
from tests.helpers.labs import SECRET, authority, csr, openssl, quick_key

SERVED = (
    "ca",
    "ca sub root",
    "root sub ca",
    "sub root ca",
    "ra ca sub root",
    "root sub ca ra",
    "sign encrypt ca sub root",
)


@pytest.mark.parametrize("names", SERVED)
@pytest.mark.parametrize("known", ["ca", "root", "sub", None])
def test_certificates_are_found_in_any_order(tmp_path: Path, names: str, known: str | None) -> None:
    """The issuing CA, the RA and the chain are found, with the fingerprint of any CA in the chain or without one."""
    if known is not None and known not in names.split():
        pytest.skip("not sent")
    with chain_of(tmp_path) as chain:
        fingerprint = parse_certificate(getattr(chain, known)).fingerprint() if known else None
        certificates = [parse_certificate(c) for c in chain.named(names)]
        orders = list(permutations(certificates))
        for order in orders[:: len(orders) // 12 or 1]:
            found = sort_out(order, fingerprint, utc_now())
            assert found.ca.der == chain.ca
            expected = "encrypt" if "encrypt" in names else "ra" if "ra" in names.split() else "ca"
            assert found.recipient.der == getattr(chain, expected)
            assert found.signer.der == (chain.sign if "sign" in names else getattr(chain, expected))
            assert [c.der for c in found.above] == ([chain.sub, chain.root] if "sub" in names else [])
            assert not {chain.sub, chain.root} & {c.der for c in found.all}, "they have no part in SCEP"


@pytest.mark.parametrize("names", ["ca sub root", "root sub ca"])
@pytest.mark.parametrize("known", ["ca", "root"])
def test_enrollment_succeeds_with_the_fingerprint_of_issuing_ca_or_root(tmp_path: Path, names: str, known: str) -> None:
    """The request is encrypted for the issuing CA in both cases."""
    with chain_of(tmp_path) as chain:
        fingerprint = parse_certificate(getattr(chain, known)).fingerprint()
        result = ScepClient(chain.serving(names), fingerprint=fingerprint).enroll(csr(), quick_key())
        assert result.status is PkiStatus.SUCCESS


@needs("openssl")
@pytest.mark.parametrize("known", ["ca", "root"])
def test_enroll_writes_the_chain(tmp_path: Path, known: str) -> None:
    """NAME.ca.pem has all three CA certificates, and openssl verifies the device certificate with it."""
    (tmp_path / "store").mkdir()
    with (
        chain_of(tmp_path / "store") as chain,
        Server(chain.serving("sub root ca"), host="127.0.0.1", port=0) as server,
    ):
        command = ["enroll", server.url, "--subject", "CN=R3", "--challenge", SECRET, "--out", str(tmp_path)]
        assert main([*command, "--fingerprint", parse_certificate(getattr(chain, known)).fingerprint()]) == 0
        assert load_certificates(tmp_path / "device.ca.pem") == [chain.ca, chain.sub, chain.root]
        assert "OK" in openssl("verify", "-CAfile", tmp_path / "device.ca.pem", tmp_path / "device.pem")


def test_ca_below_another_root_is_rejected(tmp_path: Path) -> None:
    """The other root has the same name but not the same fingerprint.

    The fingerprint of an RA certificate is rejected too.
    """
    with chain_of(tmp_path) as chain:
        parsed = {n: parse_certificate(getattr(chain, n)) for n in ("root", "sub", "ca", "ra")}
        start = parsed["root"].not_before
        assert start is not None
        other = make_root(sceplab.parse_subject("CN=root"), quick_key(60), 5, start, start + timedelta(days=9000))
        eve = parse_certificate(ca_below(other, "sub", 61, 6).certificate)
        right = parsed["root"].fingerprint()
        with pytest.raises(ClientError, match="GetCACert has CN=sub, which was not issued by the CA"):
            sort_out([parsed["ca"], parsed["sub"], parsed["root"], eve], right, utc_now())
        with pytest.raises(ClientError, match="GetCACert has CN=sub, which was not issued by the CA CN=root"):
            sort_out([eve, parsed["root"]], right, utc_now())
        with pytest.raises(ClientError, match="has the fingerprint"):
            sort_out([eve, parse_certificate(other.certificate)], right, utc_now())
        with pytest.raises(ClientError, match="which is not a CA"):
            sort_out([parsed["ra"], parsed["ca"]], parsed["ra"].fingerprint(), utc_now())


def test_certificate_signed_by_an_end_entity_is_rejected(tmp_path: Path) -> None:
    """The signing certificate does not have CA:TRUE."""
    with chain_of(tmp_path) as chain:
        ra = Identity(chain.ra, quick_key(20))
        below = parse_certificate(ca_below(ra, "below", 61, 6).certificate)
        found = [parse_certificate(c) for c in (chain.ra, chain.ca, chain.sub, chain.root)]
        with pytest.raises(ClientError, match="CN=below"):
            sort_out([*found, below], found[-1].fingerprint(), utc_now())
        assert chain_above(below, found) == ()


def test_issuer_name_matches_across_string_types() -> None:
    """RFC 5280, 7.1: PrintableString "R1" and UTF8String "r1" are the same name."""
    with Lab(record=False) as lab:
        own = lab.ca.issuer.parsed
        written = replace(own, subject=replace(own.subject, raw=own.subject.raw.replace(b"\x13\x02R1", b"\x0c\x02r1")))
        assert written.subject.raw != own.subject.raw
        assert issued_by(own, written)
        assert not issued_by(own, replace(own, public_key_info=b""))


def test_too_many_certificates_in_get_ca_cert_are_rejected(tmp_path: Path) -> None:
    """Each certificate is compared with each other one, so their number is limited."""
    with authority(tmp_path) as ca:
        many: Sequence[Certificate] = [replace(ca.issuer.parsed, serial=bytes((i,))) for i in range(60)]
        with pytest.raises(ClientError, match="60 certificates"):
            sort_out(many, None, utc_now())


def _pem(*certificates: bytes) -> bytes:
    return b"".join(map(pem_certificate, certificates))


BODIES: dict[str, tuple[Callable[[Chain], bytes], str]] = {
    "DER, one": (lambda c: c.ca, ""),
    "DER, CRLF behind": (lambda c: c.ca + b"\r\n", ""),
    "PKCS#7, CRLF behind": (lambda c: sceplab.build_degenerate([c.ra, c.ca]) + b"\r\n", ""),
    "PEM, one": (lambda c: _pem(c.ca), "PEM"),
    "PEM, three": (lambda c: b"the CA\r\n" + _pem(c.root, c.ca, c.sub).replace(b"\n", b"\r\n"), "PEM"),
    "PEM of PKCS#7": (
        lambda c: (
            b"-----BEGIN PKCS7-----\n"
            + base64.encodebytes(sceplab.build_degenerate([c.ca, c.sub, c.root]))
            + b"-----END PKCS7-----\n"
        ),
        "PEM",
    ),
    "base64": (lambda c: base64.encodebytes(c.ca), "base64"),
    "base64 of PKCS#7": (lambda c: base64.b64encode(sceplab.build_degenerate([c.ca, c.ra])), "base64"),
}


@pytest.mark.parametrize("name", BODIES)
def test_ca_certificate_body_is_read_as_der_pem_or_base64(tmp_path: Path, name: str) -> None:
    """A line break after the DER is ignored. PEM and base64 give a warning."""
    make, form = BODIES[name]
    with chain_of(tmp_path) as chain:
        warnings: list[str] = []
        fingerprint = parse_certificate(chain.ca).fingerprint()
        client = ScepClient(chain.with_body(make(chain)), fingerprint=fingerprint, on_warning=warnings.append)
        assert client.get_ca_cert().ca.der == chain.ca
        assert warnings == ([f"the body of GetCACert is {form}: RFC 8894 4.2.1 has DER"] if form else [])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>login</html>", 'a web page: "login"'),
        (b"-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n", "it is PEM"),
        (base64.b64encode(b"\x30\x03\x02\x01\x01"), "it is base64"),
    ],
)
def test_error_names_what_came_instead_of_certificates(tmp_path: Path, body: bytes, words: str) -> None:
    """The inputs: a web page, broken PEM, and base64 of something else."""
    with (
        chain_of(tmp_path) as chain,
        pytest.raises(ClientError, match="has no readable certificate") as error,
    ):
        ScepClient(chain.with_body(body)).get_ca_cert()
    assert words in str(error.value)


def test_ca_without_key_encipherment_and_without_ra_is_warned_about(tmp_path: Path) -> None:
    """The keyUsage of an intermediate CA above the issuing CA gives no warning."""
    with chain_of(tmp_path) as chain:
        warnings: list[str] = []
        sub = parse_certificate(chain.sub)
        client = ScepClient(chain.serving("sub root"), fingerprint=sub.fingerprint(), on_warning=warnings.append)
        assert client.get_ca_cert().ca == sub
        assert len(warnings) == 1
        assert "no keyEncipherment" in warnings[0]
        warnings.clear()
        ScepClient(
            chain.serving("ca sub root"), fingerprint=sub.fingerprint(), on_warning=warnings.append
        ).get_ca_cert()
        assert warnings == []
        assert CaCertificates((sub,)).recipient == sub
