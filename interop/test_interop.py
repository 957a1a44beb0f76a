"""Other people's programs at our servers, our client at theirs; openssl judges every certificate."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

import sceplab
from interop.cases import CHALLENGE, REFUSED, Case
from interop.judge import judge
from interop.matrix import clients
from interop.peers import Enrolled, Peer, Wish
from sceplab import transport
from sceplab.files import pem_certificate
from sceplab.lab.ca import DEFAULT_CAPABILITIES, Policy
from sceplab.lab.network import Lab
from sceplab.lab.ra import RaPolicy
from sceplab.lab.replies import Strictness


def _have(peer: Peer) -> None:
    why = peer.missing()
    if why is not None and os.environ.get("SCEPLAB_REQUIRE_ALL"):
        pytest.fail(f"{why}, and SCEPLAB_REQUIRE_ALL is set")
    if why is not None:
        pytest.skip(why)


def _lab(case: Case, peer: Peer) -> Lab:
    strict = Strictness() if case.strict else Strictness(legacy=True, min_rsa_bits=1024)
    led = peer.led or case.method is not None
    capabilities = case.capabilities if led else DEFAULT_CAPABILITIES
    challenges = () if case.person else (CHALLENGE,)
    return Lab(
        policy=Policy(challenges, strict=strict, capabilities=capabilities),
        ra_policy=RaPolicy(challenges, strict=strict, capabilities=capabilities),
    )


@pytest.mark.parametrize(("peer", "case"), clients("ca"))
def test_client_at_our_ca(peer: Peer, case: Case, tmp_path: Path) -> None:
    """It gets what it should, sends as it was asked to, and openssl has nothing to say against the certificate."""
    _have(peer)
    with _lab(case, peer) as lab:
        _enroll(peer, case, lab, lab.ca_url, tmp_path)


@pytest.mark.parametrize(("peer", "case"), clients("ra"))
def test_client_at_our_ra(peer: Peer, case: Case, tmp_path: Path) -> None:
    """The same through the RA, whose certificates it must have found in GetCACert."""
    _have(peer)
    with _lab(case, peer) as lab:
        lab.enroll_ra(two_certificates=True)
        _enroll(peer, case, lab, lab.ra_url, tmp_path)


def _enroll(peer: Peer, case: Case, lab: Lab, url: str, folder: Path) -> None:
    ca = folder / "our-ca.pem"
    ca.write_bytes(pem_certificate(lab.ca.certificate))
    wish = case.wish
    (folder / "one").mkdir()
    with _person(lab, grants=case.outcome != REFUSED) if case.person else _nobody():
        got = peer.enroll(url, folder / "one", wish)
    if case.outcome == REFUSED:
        assert got.held is None, got.log
        assert got.refused, got.log
        return
    _sent_as_asked(lab, url, case)
    _good(got, ca, wish)
    if case.renew:
        (folder / "two").mkdir()
        assert got.held is not None
        again = replace(wish, challenge="", renew=got.held)
        renewed = peer.enroll(url, folder / "two", again)
        _good(renewed, ca, again)
        assert renewed.held is not None
        assert renewed.held.certificate.read_bytes() != got.held.certificate.read_bytes()


def _good(got: Enrolled, ca: Path, wish: Wish) -> None:
    assert got.held is not None, got.log
    judge(got.held, ca, name=wish.name, kind="256 bit" if wish.ec else f"{wish.bits} bit")


def _sent_as_asked(lab: Lab, url: str, case: Case) -> None:
    """Compare what arrived with what the program was asked to send."""
    server = url.split("/")[2]
    requests = [e.request for e in lab.exchanges if e.request is not None and e.server == server]
    operations = [r for r in requests if transport.parse_request(r).operation == "PKIOperation"]
    assert operations, f"no PKIOperation among {len(requests)} requests to {server}"
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


class _nobody:  # noqa: N801 - read as words: with _nobody()
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


class _person:  # noqa: N801 - as above
    """Somebody who looks at the pending queue four times a second, two seconds late, and decides."""

    def __init__(self, lab: Lab, *, grants: bool) -> None:
        self._lab, self._grants, self._gone = lab, grants, threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._gone.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._gone.wait(0.25):
            for transaction in self._lab.ca.pending():
                # So late that the program has read PENDING before.
                time.sleep(2)
                if self._grants:
                    self._lab.ca.grant(transaction)
                else:
                    self._lab.ca.deny(transaction)
