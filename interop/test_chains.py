"""Clients at a server below an intermediate CA and a root, whose GetCACert has the chain in several orders."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from interop.cases import CHALLENGE, Known
from interop.judge import judge
from interop.matrix import CHAINS, SHAPES, everybody, have
from interop.peers import Held, Peer, Wish
from interop.test_interop import expecting
from sceplab.cms.name import parse_subject
from sceplab.cms.x509 import parse_certificate
from sceplab.files import pem_certificate, pem_key
from sceplab.lab.client import ScepClient
from sceplab.lab.identity import Identity, make_request, new_key
from sceplab.lab.opening import Strictness
from sceplab.lab.policy import Policy
from sceplab.lab.ra import RaPolicy, RegistrationAuthority
from sceplab.lab.server import Server
from sceplab.scep.transport import HttpReply, HttpRequest
from tests.helpers.chains import Chain, chain_of
from tests.helpers.labs import quick_key

_STRICT = Strictness(legacy=True)


@dataclass(frozen=True)
class Places:
    """The URL of a server for each order of certificates; files with the root and with the CAs below it."""

    urls: dict[str, str]
    root: Path
    between: Path
    fingerprint: str


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    """Yield one server that gives its CA certificates in the order that the path of the URL names."""
    folder = tmp_path_factory.mktemp("chain")
    with _served(folder) as (chain, url):
        root, between = folder / "root.pem", folder / "between.pem"
        root.write_bytes(pem_certificate(chain.root))
        between.write_bytes(pem_certificate(chain.sub) + pem_certificate(chain.ca))
        urls = {shape: f"{url}/{shape.replace(' ', '-')}/pkiclient.exe" for shape in SHAPES}
        yield Places(urls, root, between, parse_certificate(chain.root).fingerprint())


@contextmanager
def _served(folder: Path) -> Iterator[tuple[Chain, str]]:
    with chain_of(folder, Policy((CHALLENGE,), strict=_STRICT)) as chain:
        # Who answers: the CA, its RA, or its RA with two certificates.
        upstream = ScepClient(chain.answer, fingerprint=parse_certificate(chain.ca).fingerprint())
        policy = RaPolicy((CHALLENGE,), strict=_STRICT)
        one = RegistrationAuthority(Identity(chain.ra, quick_key(20)), upstream, policy)
        sign, encrypt = Identity(chain.sign, quick_key(21)), Identity(chain.encrypt, quick_key(22))
        two = RegistrationAuthority(sign, upstream, policy, decrypter=encrypt)

        def answer(request: HttpRequest) -> HttpReply:
            shape = request.target.split("/")[1].replace("-", " ")
            who = two if "sign" in shape else one if "ra" in shape.split() else None
            return chain.serving(shape, who.answer if who else chain.answer)(request)

        with Server(answer, host="127.0.0.1", port=0) as server:
            yield chain, server.url.rsplit("/cgi-bin", 1)[0]


@pytest.mark.parametrize(("peer", "shape", "known"), everybody(CHAINS, SHAPES))
def test_enrollment_where_get_ca_cert_has_a_chain(
    places: Places, peer: Peer | None, shape: str, known: Known | None, tmp_path: Path
) -> None:
    """The certificate is by the issuing CA, and openssl verifies it up to the root."""
    if peer is not None:
        have(peer)
    with expecting(known):
        if peer is None:
            held = _ours(places, shape, tmp_path)
        else:
            got = peer.enroll(places.urls[shape], tmp_path, Wish(challenge=CHALLENGE))
            assert got.held is not None, got.log
            held = got.held
        judge(held, places.root, name="device", kind="2048 bit", between=places.between)


def _ours(places: Places, shape: str, folder: Path) -> Held:
    key = new_key()
    client = ScepClient(places.urls[shape], fingerprint=places.fingerprint)
    result = client.enroll(make_request(parse_subject("CN=device"), key, challenge=CHALLENGE), key)
    assert result.certificate is not None, str(result)
    held = Held(folder / "key.pem", folder / "certificate.pem")
    held.key.write_bytes(pem_key(key))
    held.certificate.write_bytes(pem_certificate(result.certificate.der))
    return held
