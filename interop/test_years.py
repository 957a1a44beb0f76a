"""Other programs at a lab that is eleven months old: the same request again, renewal, and a rollover of the CA.

Rule: the lab's clock moves from the past to today, so a program's own clock is always right.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from interop.cases import CHALLENGE, Known
from interop.judge import judge
from interop.matrix import GET_NEXT, LATER, SAME, TAKEN_OVER, have, later
from interop.peers import Enrolled, Held, Peer, PyScep, Wish
from interop.test_interop import expecting
from sceplab.asn1 import oids
from sceplab.cms.x509 import parse_certificate
from sceplab.files import load_certificates, pem_certificate
from sceplab.lab.clock import SetClock, utc_now
from sceplab.lab.network import Lab
from sceplab.lab.opening import Strictness
from sceplab.lab.policy import Policy
from sceplab.lab.ra import RaPolicy
from sceplab.scep.transport import parse_request

_AGE = timedelta(days=335)


class Old:
    """A lab that began eleven months ago, at the CA or at the RA; `today` moves its clock to the present."""

    def __init__(self, lab: Lab, clock: SetClock, url: str, folder: Path) -> None:
        """Use this running lab; the program's files go into the folder."""
        self.lab, self.clock, self.url, self._folder = lab, clock, url, folder

    def enroll(self, peer: Peer, step: str, wish: Wish) -> Held:
        """Let a program enroll or renew, and let openssl judge its certificate by the CA of now."""
        (self._folder / step).mkdir()
        got = peer.enroll(self.url, self._folder / step, wish)
        assert got.held is not None, self._why(got)
        ca = self._folder / f"{step}-ca.pem"
        ca.write_bytes(pem_certificate(self.lab.ca.certificate))
        judge(got.held, ca, name="device", kind="2048 bit")
        return got.held

    def _why(self, got: Enrolled) -> str:
        return f"{[str(d) for d in self.lab.decisions][-3:]}\n{got.log}"

    def today(self) -> None:
        """Let eleven months pass."""
        self.clock.now = utc_now()

    def operations(self) -> set[str | None]:
        """Return what clients asked this server for."""
        server = self.url.split("/")[2]
        return {parse_request(e.request).operation for e in self.lab.exchanges if e.request and e.server == server}


@contextmanager
def _old_lab(side: str, folder: Path) -> Iterator[Old]:
    clock = SetClock(utc_now() - _AGE)
    strict = Strictness(legacy=True)
    with Lab(
        policy=Policy((CHALLENGE,), strict=strict),
        ra_policy=RaPolicy((CHALLENGE,), strict=strict),
        now=clock,
    ) as lab:
        if side == "ra":
            lab.enroll_ra(two_certificates=True)
        yield Old(lab, clock, lab.ra_url if side == "ra" else lab.ca_url, folder)


def _begin(held: Held) -> datetime:
    begin = parse_certificate(load_certificates(held.certificate)[0]).not_before
    assert begin is not None
    return begin


@pytest.mark.parametrize(("peer", "side", "known"), later(SAME))
def test_the_same_request_again_renews(peer: Peer, side: str, known: Known | None, tmp_path: Path) -> None:
    """The program sends the PKCS#10 request that it sent before, signed with the certificate that it got for it."""
    have(peer)
    with expecting(known), _old_lab(side, tmp_path) as old:
        first = old.enroll(peer, "first", Wish(challenge=CHALLENGE))
        old.today()
        again = old.enroll(peer, "again", Wish(challenge=CHALLENGE, renew=first, same=True))
        assert _begin(again) - _begin(first) >= _AGE
        requests = [d.request.csr for d in old.lab.decoded() if d.request is not None]
        sent = [r.raw for r in requests if r is not None and r.subject.get(oids.COMMON_NAME) == "device"]
        assert len(sent) >= 2
        assert len(set(sent)) == 1, "these are different requests"


@pytest.mark.parametrize(("peer", "side", "known"), later(LATER))
def test_renewal_after_eleven_months(peer: Peer, side: str, known: Known | None, tmp_path: Path) -> None:
    """The RA has renewed its own certificate by then."""
    have(peer)
    with expecting(known), _old_lab(side, tmp_path) as old:
        first = old.enroll(peer, "first", Wish(challenge=CHALLENGE))
        old.today()
        renewed = old.enroll(peer, "later", Wish(renew=first))
        assert _begin(renewed) - _begin(first) >= _AGE


@pytest.mark.parametrize(("peer", "side", "known"), later(TAKEN_OVER))
def test_renewal_after_a_rollover(peer: Peer, side: str, known: Known | None, tmp_path: Path) -> None:
    """The certificate to renew is by the CA of before; the new one is by the new CA."""
    have(peer)
    with expecting(known), _old_lab(side, tmp_path) as old:
        first, before = old.enroll(peer, "first", Wish(challenge=CHALLENGE)), old.lab.ca.certificate
        old.clock.wait(days=300)
        old.lab.ca.prepare_rollover()
        old.clock.wait(days=30)
        old.lab.ca.roll_over()
        assert old.lab.ca.certificate != before
        old.today()
        renewed = old.enroll(peer, "later", Wish(renew=first))
        assert _begin(renewed) - _begin(first) >= _AGE


@pytest.mark.parametrize(("peer", "side", "known"), later(GET_NEXT))
def test_program_asks_for_the_next_ca(peer: Peer, side: str, known: Known | None, tmp_path: Path) -> None:
    """The CA has announced its successor, which a program may fetch before it enrolls."""
    have(peer)
    with expecting(known), _old_lab(side, tmp_path) as old:
        old.today()
        following = old.lab.ca.prepare_rollover()
        if isinstance(peer, PyScep):
            found, log = peer.next_ca(old.url, tmp_path)
            assert [c.public_bytes(Encoding.DER) for c in found] == [following], log
        else:
            old.enroll(peer, "first", Wish(challenge=CHALLENGE))
        assert "GetNextCACert" in old.operations(), f"never asked; it asked for {sorted(map(str, old.operations()))}"
