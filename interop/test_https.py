"""Clients at our CA behind TLS, whose certificate is by a CA that no system knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from interop.cases import CHALLENGE, Known
from interop.judge import judge
from interop.matrix import HTTPS, TRUSTED, UNTRUSTED, everybody, have
from interop.peers import Held, Peer, Wish
from interop.test_interop import expecting
from sceplab.cli import main
from sceplab.files import pem_certificate
from sceplab.lab.network import Lab
from sceplab.lab.opening import Strictness
from sceplab.lab.policy import Policy
from tests.helpers.tls import server_files, tls_front


@dataclass(frozen=True)
class Place:
    """The URL of the CA, the file of the CA of TLS, and the lab."""

    url: str
    tls_ca: Path
    lab: Lab


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Yield our CA behind a TLS port."""
    folder = tmp_path_factory.mktemp("https")
    tls_ca, files = server_files(folder / "tls")
    policy = Policy((CHALLENGE,), strict=Strictness(legacy=True))
    with Lab(folder / "lab", policy=policy, host_names=("127.0.0.1",)) as lab:
        plain = lab.ca_url.split("/", 3)
        host, port = plain[2].split(":")
        with tls_front(int(port), files, host) as secure:
            yield Place(f"https://127.0.0.1:{secure}/{plain[3]}", tls_ca, lab)


@pytest.mark.parametrize(("peer", "row", "known"), everybody(HTTPS, (TRUSTED, UNTRUSTED)))
def test_https_server_with_its_own_ca(
    place: Place,
    peer: Peer | None,
    row: str,
    known: Known | None,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """With the CA's certificate a client enrolls. Without it no request reaches the server."""
    if peer is not None:
        have(peer)
    tls_ca = place.tls_ca if row == TRUSTED else None
    with expecting(known):
        before = len(place.lab.exchanges)
        if peer is None:
            held, log = _ours(place.url, tls_ca, tmp_path, capfd)
        else:
            got = peer.enroll(place.url, tmp_path, Wish(challenge=CHALLENGE, tls_ca=tls_ca))
            held, log = got.held, got.log
        if tls_ca is None:
            assert held is None, f"the server was not checked: {log}"
            assert len(place.lab.exchanges) == before, log
            return
        assert held is not None, log
        (tmp_path / "our-ca.pem").write_bytes(pem_certificate(place.lab.ca.certificate))
        judge(held, tmp_path / "our-ca.pem", name="device", kind="2048 bit")


def _ours(url: str, tls_ca: Path | None, folder: Path, capfd: pytest.CaptureFixture[str]) -> tuple[Held | None, str]:
    command = ["enroll", url, "--subject", "CN=device", "--challenge", CHALLENGE, "--out", str(folder)]
    code = main([*command, *(["--ca-file", str(tls_ca)] if tls_ca else [])])
    said = capfd.readouterr()
    held = Held(folder / "device.key.pem", folder / "device.pem") if code == 0 else None
    return held, said.out + said.err
