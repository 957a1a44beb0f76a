"""Other programs at the lab's servers, and our client at theirs; openssl checks every certificate."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark import ParameterSet

import sceplab
from interop.cases import CHALLENGE, REFUSED, Case, Known, known_failure
from interop.judge import judge
from interop.matrix import THEIRS, clients, have
from interop.peers import Enrolled, Held, Peer, Wish
from sceplab import FailInfo, PkiStatus
from sceplab.cms.name import parse_subject
from sceplab.cms.signature import SigningKey
from sceplab.files import pem_certificate, pem_key
from sceplab.lab import micromdm
from sceplab.lab.client import ScepClient
from sceplab.lab.dialects import CLIENT_DIALECTS
from sceplab.lab.http import ClientError
from sceplab.lab.identity import Identity, make_request, new_key
from sceplab.lab.network import Lab
from sceplab.lab.opening import Strictness
from sceplab.lab.policy import DEFAULT_CAPABILITIES, Policy
from sceplab.lab.ra import RaPolicy
from sceplab.lab.results import Result
from sceplab.scep import transport


def _lab(case: Case, peer: Peer) -> Lab:
    strict = Strictness() if case.strict else Strictness(legacy=True, min_rsa_bits=1024)
    led = peer.led or case.method is not None
    capabilities = case.capabilities if led else DEFAULT_CAPABILITIES
    challenges = () if case.person else (CHALLENGE,)
    return Lab(
        policy=Policy(challenges, ra_auto=not case.person, strict=strict, capabilities=capabilities),
        ra_policy=RaPolicy(challenges, strict=strict, capabilities=capabilities),
    )


@pytest.mark.parametrize(("peer", "case", "known"), clients("ca"))
def test_client_at_our_ca(peer: Peer, case: Case, known: Known | None, tmp_path: Path) -> None:
    """The result is as expected, the request has the requested algorithms, and openssl accepts the certificate."""
    have(peer)
    with expecting(known), _lab(case, peer) as lab:
        _enroll(peer, case, lab, lab.ca_url, tmp_path)


@pytest.mark.parametrize(("peer", "case", "known"), clients("ra"))
def test_client_at_our_ra(peer: Peer, case: Case, known: Known | None, tmp_path: Path) -> None:
    """The same through the RA; the client must find its certificates in GetCACert."""
    have(peer)
    with expecting(known), _lab(case, peer) as lab:
        lab.enroll_ra(two_certificates=not case.one_ra_certificate)
        _enroll(peer, case, lab, lab.ra_url, tmp_path)


@contextmanager
def expecting(known: Known | None) -> Iterator[None]:
    """Accept a failure only with the known sign, and fail if a known failure no longer happens."""
    try:
        yield
    except (AssertionError, ClientError) as error:
        if known is None or known.sign not in str(error):
            raise
        pytest.xfail(f"{'n/a: ' if known.lacks else ''}{known.program}: {known.reason}")
    if known is not None:
        pytest.fail(f"this is known to fail, and did not: {known.reason}")


def _enroll(peer: Peer, case: Case, lab: Lab, url: str, folder: Path) -> None:
    ca = folder / "our-ca.pem"
    ca.write_bytes(pem_certificate(lab.ca.certificate))
    wish = case.wish
    (folder / "one").mkdir()
    with _person(lab, grants=case.outcome != REFUSED) if case.person else nullcontext():
        got = peer.enroll(url, folder / "one", wish)
    if case.outcome == REFUSED:
        assert got.held is None, got.log
        assert got.refused, got.log
        return
    assert got.held is not None, got.log
    _sent_as_asked(lab, url, case)
    _good(got, ca, wish)
    if case.renew:
        (folder / "two").mkdir()
        again = replace(wish, challenge="", renew=got.held)
        renewed = peer.enroll(url, folder / "two", again)
        assert renewed.held is not None, f"{[str(d) for d in lab.decisions][-3:]}\n{renewed.log}"
        _good(renewed, ca, again)
        assert renewed.held.certificate.read_bytes() != got.held.certificate.read_bytes()


def _good(got: Enrolled, ca: Path, wish: Wish) -> None:
    assert got.held is not None, got.log
    judge(got.held, ca, name=wish.name, kind="256 bit" if wish.ec else f"{wish.bits} bit")


def _sent_as_asked(lab: Lab, url: str, case: Case) -> None:
    """Compare the received message with the algorithms that the program was asked to use."""
    server = url.split("/")[2]
    requests = [e.request for e in lab.exchanges if e.request is not None and e.server == server]
    operations = [r for r in requests if transport.parse_request(r).operation == "PKIOperation"]
    assert len(operations) > case.person, f"{len(operations)} PKIOperations in {len(requests)} requests to {server}"
    if case.method is not None:
        assert {r.method for r in operations} == {case.method}
    for request in operations:
        octets = transport.parse_request(request).message
        assert octets is not None
        message = sceplab.decode_message(octets)
        assert message.enveloped is not None
        assert message.enveloped.cipher is not None
        assert message.signed.signer_info is not None
        if case.wish.cipher is not None:
            family = {"aes": "aes-", "3des": "des-ede3-"}[case.wish.cipher]
            assert message.enveloped.cipher.name.startswith(family)
        if case.wish.digest is not None:
            wanted = case.wish.digest.upper().replace("SHA", "SHA-")
            assert message.signed.signer_info.digest_algorithm.name.upper().replace("SHA", "SHA-") == wanted


class _person:  # noqa: N801 - read as words: with _person(...)
    """An operator who checks the pending queue every 0.25 seconds, and decides requests answered with PENDING."""

    def __init__(self, lab: Lab, *, grants: bool) -> None:
        self._lab, self._grants, self._gone = lab, grants, threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._gone.set()
        self._thread.join()

    def _work(self) -> None:
        decide = self._lab.ca.grant if self._grants else self._lab.ca.deny
        while not self._gone.wait(0.25):
            waiting = self._lab.ca.pending()
            replies = [d.reply.attributes for d in self._lab.decoded() if d.reply is not None] if waiting else []
            told = {r.transaction_id for r in replies if r.status is PkiStatus.PENDING}
            for transaction in waiting:
                if transaction.transaction_id in told:
                    decide(transaction)


# --------------------------------------------------------------- our client at their servers


def _at_micromdm(name: str, **more: Any) -> ParameterSet:
    column = "micromdm scepserver"
    return pytest.param(
        more,
        known_failure(column, name),
        id=name.replace(" ", "-"),
        marks=pytest.mark.field(THEIRS, name, column),
    )


@pytest.fixture(scope="module")
def scepserver_url() -> Iterator[str]:
    """Return the URL of a running scepserver that requires CHALLENGE."""
    if not micromdm.available() and not os.environ.get("SCEPLAB_REQUIRE_ALL"):
        pytest.skip("scepserver is missing (apt-get install scep)")
    with micromdm.scepserver(CHALLENGE) as url:
        yield url


@pytest.mark.xdist_group("micromdm")
@pytest.mark.parametrize(
    ("how", "known"),
    [
        _at_micromdm("POST", method="POST"),
        _at_micromdm("GET", method="GET"),
        *(_at_micromdm(c.upper(), cipher=c) for c in ("aes-128-cbc", "aes-256-cbc", "des-ede3-cbc")),
        *(_at_micromdm(d.upper(), digest=d) for d in ("sha1", "sha256", "sha512")),
        *(_at_micromdm(f"{bits} bits", bits=bits) for bits in (1024, 4096)),
        *(_at_micromdm(f"sent as {d.name}", dialect=d) for d in CLIENT_DIALECTS.values()),
        _at_micromdm("renewal", renew=True),
        _at_micromdm("renewal with the same request", renew=True, same=True),
        _at_micromdm("GetNextCACert", next_ca=True),
        _at_micromdm("wrong challenge", challenge="wrong"),
    ],
)
def test_our_client_at_micromdm(scepserver_url: str, how: dict[str, Any], known: Known | None, tmp_path: Path) -> None:
    """Our client enrolls at micromdm's scepserver."""
    with expecting(known):
        _ask_micromdm(scepserver_url, how, tmp_path)


def _ask_micromdm(url: str, how: dict[str, Any], tmp_path: Path) -> None:
    how = dict(how)
    bits, challenge = how.pop("bits", 2048), how.pop("challenge", CHALLENGE)
    renews, same, following = (how.pop(word, False) for word in ("renew", "same", "next_ca"))
    client = ScepClient(url, fingerprint=_fingerprint(url, tmp_path / "ca.pem"), **how)
    if following:
        assert client.get_next_ca_cert()
        return
    key = new_key(bits)
    csr = make_request(parse_subject("CN=device"), key, challenge=challenge)
    result = client.enroll(csr, key)
    if challenge != CHALLENGE:
        assert (result.status, result.fail_info) == (PkiStatus.FAILURE, FailInfo.badRequest)
        return
    first = _judged(result, key, tmp_path, bits)
    if renews:
        new = key if same else new_key(bits)
        request = csr if same else make_request(parse_subject("CN=device"), new, challenge=challenge)
        again = client.renew(request, Identity(first, key))
        assert _judged(again, new, tmp_path, bits) != first


def _fingerprint(url: str, target: Path) -> str:
    """Fetch the CA's certificate without our client, and return its SHA-256 fingerprint from openssl."""
    der = micromdm.get_ca_certificates(url)
    target.write_bytes(pem_certificate(der))
    command = ["openssl", "x509", "-in", str(target), "-noout", "-fingerprint", "-sha256"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().partition("=")[2]


def _judged(result: Result, key: SigningKey, folder: Path, bits: int) -> bytes:
    assert result.certificate is not None, str(result)
    held = Held(folder / "key.pem", folder / "certificate.pem")
    held.key.write_bytes(pem_key(key))
    held.certificate.write_bytes(pem_certificate(result.certificate.der))
    judge(held, folder / "ca.pem", name="device", kind=f"{bits} bit")
    return result.certificate.der
