"""Unusual and unacceptable keys: what sceplab reports, and that it never accepts a key that openssl refuses."""

from __future__ import annotations

import binascii
import subprocess
from functools import cache
from math import prod
from pathlib import Path

import pytest

import sceplab
from sceplab.analysis.faults.registry import check_exchanges, check_message
from sceplab.asn1 import der, oids
from sceplab.cms.algorithms import AlgorithmIdentifier
from sceplab.cms.csr import verify_csr
from sceplab.cms.pem import parse_pem
from sceplab.cms.reason import Reason
from sceplab.cms.signature import check_signature
from sceplab.cms.trust import Trust
from sceplab.cms.verify import CheckName, Outcome, Verification
from sceplab.cms.x509 import load_public_key, shortness
from sceplab.files import load_certificates
from sceplab.lab.opening import Refused, Strictness, read_csr
from sceplab.report.text import outline
from tests.helpers import scenes
from tests.helpers.captures import needs
from tests.helpers.labs import openssl

_EC = "-algorithm EC -pkeyopt ec_paramgen_curve:"
_EXPLICIT = " -pkeyopt ec_param_enc:explicit"
KINDS = {
    "P-256": f"{_EC}P-256",
    "secp256k1": f"{_EC}secp256k1",
    "brainpoolP512r1": f"{_EC}brainpoolP512r1",
    "P-256 explicit": f"{_EC}P-256{_EXPLICIT}",
    "P-521 explicit": f"{_EC}P-521{_EXPLICIT}",
    "sect233k1 explicit": f"{_EC}sect233k1{_EXPLICIT}",
    "P-192": f"{_EC}prime192v1",
    "P-224": f"{_EC}P-224",
    "secp112r1": f"{_EC}secp112r1",
    "sect163k1": f"{_EC}sect163k1",
    "SM2": "-algorithm SM2",
    "Ed25519": "-algorithm ED25519",
    "Ed448": "-algorithm ED448",
    "DSA": "-paramfile dsa.par",
}
GOOD = frozenset({"P-256", "secp256k1", "brainpoolP512r1"})
SHORT = frozenset({"P-192", "P-224"})
"""Refused by the default policy, accepted with `legacy`."""
NO_SIGNERS = frozenset({"SM2", "Ed25519", "Ed448"})
"""openssl 3.0 cannot sign CMS messages with these keys."""


@cache
def _made(name: str, folder: Path) -> dict[str, Path]:
    """Return a key, its CSR, a certificate for it, a CA that uses it, and messages signed by and below each."""
    stem = name.replace(" ", "-")
    files = {part: folder / f"{stem}.{part}" for part in ("key", "csr", "signer", "ca", "below", "signed", "issued")}
    if name == "DSA":
        openssl("genpkey", "-genparam", "-algorithm", "DSA", "-pkeyopt", "dsa_paramgen_bits:1024", "-out", "dsa.par")
    openssl("genpkey", *KINDS[name].split(), "-out", files["key"])
    request = ("req", "-new", "-key", files["key"], "-subj", f"/CN={stem}")
    openssl(*request, "-out", files["csr"])
    openssl(*request, "-x509", "-days", 30, "-addext", "basicConstraints=critical,CA:TRUE", "-out", files["ca"])
    issue = ("x509", "-req", "-days", 20, "-set_serial", 7)
    openssl(
        *issue, "-in", files["csr"], "-CA", folder / "ca.pem", "-CAkey", folder / "rsa.key", "-out", files["signer"]
    )
    openssl(*issue, "-in", folder / "rsa.csr", "-CA", files["ca"], "-CAkey", files["key"], "-out", files["below"])
    sign = ("cms", "-sign", "-in", folder / "content", "-binary", "-nodetach", "-outform", "DER", "-md", "sha256")
    openssl(*sign, "-signer", files["below"], "-inkey", folder / "rsa.key", "-out", files["issued"])
    if name not in NO_SIGNERS:
        openssl(*sign, "-signer", files["signer"], "-inkey", files["key"], "-out", files["signed"])
    return files


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an RSA key, its CSR, and its CA certificate."""
    made = tmp_path_factory.mktemp("keys")
    (made / "content").write_bytes(b"content")
    openssl("genpkey", "-algorithm", "RSA", "-out", made / "rsa.key")
    request = ("req", "-new", "-key", made / "rsa.key", "-subj", "/CN=RSA")
    openssl(*request, "-out", made / "rsa.csr")
    openssl(*request, "-x509", "-days", 30, "-addext", "basicConstraints=critical,CA:TRUE", "-out", made / "ca.pem")
    return made


def _der(path: Path) -> bytes:
    return binascii.a2b_base64(parse_pem(path.read_bytes())[0].body)


def _judge(message: Path, ca: Path, *, legacy: bool = False) -> Verification:
    trust = Trust(tuple(load_certificates(ca)), legacy=legacy)
    return sceplab.verify_signed(sceplab.parse_signed(message.read_bytes()), trust=trust)


def _openssl_accepts(message: Path, ca: Path) -> bool:
    command = (
        "openssl",
        "cms",
        "-verify",
        "-purpose",
        "any",
        "-inform",
        "DER",
        "-in",
        str(message),
        "-CAfile",
        str(ca),
    )
    return subprocess.run([*command, "-out", "/dev/null"], capture_output=True, check=False).returncode == 0


@needs("openssl")
@pytest.mark.parametrize("name", KINDS)
def test_no_key_is_accepted_that_openssl_refuses(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For signers and CAs. Regression: explicit curve parameters, and short curves under any policy, were accepted."""
    monkeypatch.chdir(folder)
    files = _made(name, folder)
    pairs = [(files["issued"], files["ca"])] + [(files["signed"], folder / "ca.pem")] * (name not in NO_SIGNERS)
    for message, ca in pairs:
        strict, legacy = _judge(message, ca), _judge(message, ca, legacy=True)
        if strict.ok or legacy.ok:
            assert _openssl_accepts(message, ca)
        signer = message is files["signed"]
        assert strict.ok is (name in GOOD or (name in {"Ed25519", "Ed448"} and not signer)), strict.checks
        if not strict.ok:
            assert any(c.reason for c in strict.checks if c.outcome is not Outcome.PASSED)
        if name in SHORT:
            assert strict[CheckName.CHAIN].reason is (Reason.SHORT_KEY if signer else Reason.WEAK_PATH)
            assert legacy.ok
        if "explicit" in name:
            assert legacy[CheckName.CHAIN].reason is Reason.UNUSABLE_KEY
            assert not signer or legacy[CheckName.SIGNATURE].reason is Reason.UNUSABLE_KEY


@needs("openssl")
@pytest.mark.parametrize("name", KINDS)
def test_a_request_with_an_unusual_key_is_decoded_and_checked(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decode and lint never fail; proof of possession is checked if possible; the lab's CA accepts only good keys."""
    monkeypatch.chdir(folder)
    data = _der(_made(name, folder)["csr"])
    outcome = verify_csr(sceplab.parse_csr(data)).outcome
    known = name in GOOD | SHORT
    unknown = name in {"Ed25519", "Ed448", "DSA"}
    # Old releases of cryptography still have binary curves; this one is a short key there.
    old = name == "sect163k1" and outcome is Outcome.PASSED
    assert old or outcome is (Outcome.PASSED if known else Outcome.NOT_POSSIBLE if unknown else Outcome.FAILED)
    items = scenes.decode(scenes.posted(scenes.request(data)))
    text = "\n".join(outline(items))
    assert f"PKCS#10         CN={name.replace(' ', '-')}, " in text
    rules = {f.fault.id for f in check_exchanges(items)}
    assert ("short-key" in rules) is (name in SHORT or old)
    if name in GOOD:
        read_csr(data, Strictness())
    else:
        with pytest.raises(Refused):
            read_csr(data, Strictness())


def _rsa(modulus: int, exponent: int = 65537) -> bytes:
    key = der.sequence(der.integer(modulus), der.integer(exponent))
    algorithm = der.sequence(der.oid(oids.RSA_ENCRYPTION), der.NULL_ELEMENT)
    return der.sequence(algorithm, der.encode(der.BIT_STRING, b"\0", key))


def _bits(number: int) -> str:
    return f"{number.bit_length()} bits"


LARGE = prod(2**n - 1 for n in (11213, 4423, 607, 127, 7, 5, 2))
"""16,384 bits, a product of Mersenne primes: the largest modulus that OpenSSL computes with."""


@pytest.mark.parametrize("modulus", [LARGE, 2**20_000 + 1, 2**60_000 + 1, 2**400_000 + 1, 2**2048, 9, 1], ids=_bits)
@pytest.mark.parametrize("exponent", [1, 3, 65537, 2**64 + 1, 2**255 + 1, 2**300 + 1], ids=_bits)
def test_rsa_keys_of_any_size_are_checked_quickly(modulus: int, exponent: int) -> None:
    """Any modulus and exponent gives a ValueError or an invalid signature, never a long computation."""
    info = _rsa(modulus, exponent)
    algorithm = AlgorithmIdentifier(oids.SHA256_WITH_RSA, der.NULL_ELEMENT)
    signature = bytes((1,)) * (-(-modulus.bit_length() // 8))
    try:
        assert not check_signature(algorithm, "", load_public_key(info), signature, b"")
    except ValueError:
        assert modulus != LARGE or exponent in {1, 2**300 + 1}
    assert not shortness(info) or modulus < LARGE


def test_a_message_with_the_largest_rsa_key_is_not_valid() -> None:
    """The message is decoded and linted, but its signature is not valid."""
    certificate = scenes.device_certificate()
    own = sceplab.parse_certificate(certificate).public_key_info
    message = scenes.request(signer=certificate)
    assert message.count(own) == 1
    changed = sceplab.decode_message(_replaced(message, own, _rsa(LARGE)))
    assert changed.verification.signer is not None
    assert changed.verification[CheckName.SIGNATURE].reason is Reason.MISMATCH
    assert not changed.verification.ok
    assert "weak" not in " ".join(f.fault.id for f in check_message(changed))


def _replaced(data: bytes, old: bytes, new: bytes) -> bytes:
    """Return DER with one element replaced and all enclosing lengths updated."""
    if data == old:
        return new
    element = der.read(data)
    if old not in data or not element.tag & der.CONSTRUCTED:
        return data
    return der.encode(element.tag, *(_replaced(child.raw, old, new) for child in element.children()))
