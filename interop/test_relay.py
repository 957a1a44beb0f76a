"""The relay between each client and each server with HTTPS: enrollment works as without the relay."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from interop.cases import CHALLENGE, Known
from interop.judge import judge
from interop.matrix import SERVERS, have, relayed
from interop.peers import Held, Peer, Wish
from interop.test_interop import expecting
from sceplab.cms.name import parse_subject
from sceplab.files import pem_certificate, pem_key
from sceplab.lab import micromdm
from sceplab.lab.client import ScepClient
from sceplab.lab.identity import make_request, new_key
from sceplab.lab.network import Lab
from sceplab.lab.opening import Strictness
from sceplab.lab.policy import Policy
from sceplab.lab.ra import RaPolicy
from sceplab.lab.relay import Relay
from sceplab.scep.attributes import PkiStatus
from tests.helpers.tls import server_files, tls_front


@contextmanager
def _server(name: str, folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the HTTP URL of a server, and its CA's certificate."""
    if name == SERVERS[-1]:
        if not micromdm.available():
            pytest.skip("scepserver is missing (apt-get install scep)")
        with micromdm.scepserver(CHALLENGE) as url:
            yield url, micromdm.get_ca_certificates(url)
        return
    strict = Strictness(legacy=True)
    with Lab(
        folder / "lab",
        policy=Policy((CHALLENGE,), strict=strict),
        ra_policy=RaPolicy((CHALLENGE,), strict=strict),
        host_names=("127.0.0.1",),
    ) as lab:
        if name == "our RA":
            lab.enroll_ra(two_certificates=True)
        yield lab.ra_url if name == "our RA" else lab.ca_url, lab.ca.certificate


@pytest.mark.parametrize(("peer", "server", "known"), relayed())
def test_enrollment_through_the_relay(peer: Peer | None, server: str, known: Known | None, tmp_path: Path) -> None:
    """The relay records the SUCCESS reply, and openssl accepts the certificate."""
    if peer is not None:
        have(peer)
    with expecting(known):
        _between(peer, server, tmp_path)


def _between(peer: Peer | None, server: str, tmp_path: Path) -> None:
    ca, files = server_files(tmp_path / "tls")
    with _server(server, tmp_path) as (plain, authority):
        host, port = plain.split("/")[2].split(":")
        with (
            tls_front(int(port), files, host) as secure,
            Relay(f"https://127.0.0.1:{secure}/{plain.split('/', 3)[3]}", ca_file=ca) as relay,
        ):
            held, log = _enroll(peer, server, relay.url, tmp_path)
            # A client may receive its reply before the relay has recorded it.
            deadline = time.monotonic() + 60
            while PkiStatus.SUCCESS not in _statuses(relay) and time.monotonic() < deadline:
                time.sleep(0.05)
            assert PkiStatus.SUCCESS in _statuses(relay), f"{list(relay.problems)}\n{log}"
        assert held is not None, log
        (tmp_path / "ca.pem").write_bytes(pem_certificate(authority))
        judge(held, tmp_path / "ca.pem", name="device", kind="2048 bit")
        assert not relay.problems


def _statuses(relay: Relay) -> list[PkiStatus | None]:
    return [d.reply.attributes.status for d in relay.decoded() if d.reply is not None]


def _enroll(peer: Peer | None, server: str, url: str, folder: Path) -> tuple[Held | None, str]:
    (folder / "one").mkdir()
    if peer is not None:
        # strongSwan derives no AES from the capabilities of micromdm's server.
        cipher = "3des" if (peer.name, server) == ("strongSwan pki", SERVERS[-1]) else None
        got = peer.enroll(url, folder / "one", Wish(challenge=CHALLENGE, cipher=cipher))
        return got.held, got.log
    key = new_key()
    result = ScepClient(url).enroll(make_request(parse_subject("CN=device"), key, challenge=CHALLENGE), key)
    if result.certificate is None:
        return None, str(result)
    held = Held(folder / "key.pem", folder / "certificate.pem")
    held.key.write_bytes(pem_key(key))
    held.certificate.write_bytes(pem_certificate(result.certificate.der))
    return held, str(result)
