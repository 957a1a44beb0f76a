"""The RA of the lab: which requests it signs, what it changes, and what it passes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from sceplab.cms.name import parse_subject
from sceplab.errors import ScepError
from sceplab.lab.ca import CertificationAuthority
from sceplab.lab.chains import issued_by
from sceplab.lab.client import ScepClient
from sceplab.lab.http import ClientError
from sceplab.lab.identity import ENCIPHER, SIGN, Identity, make_request
from sceplab.lab.network import Lab
from sceplab.lab.policy import Policy
from sceplab.lab.ra import RaPolicy, RegistrationAuthority
from sceplab.lab.responder import Decision
from sceplab.lab.results import Result
from sceplab.scep.attributes import FailInfo, PkiStatus
from sceplab.scep.message import PkiMessage, decode_message
from sceplab.scep.transport import HttpReply, HttpRequest, build_request, parse_request
from tests.helpers.labs import SECRET, authority, client_of, csr, quick_key


class Wire:
    """Passes requests on to the CA and keeps the pkiMessages."""

    def __init__(self, ca: CertificationAuthority) -> None:
        self.ca, self.seen = ca, []  # type: ignore[var-annotated]
        self.broken = False

    def __call__(self, request: HttpRequest) -> HttpReply:
        """Send one request to the CA."""
        if self.broken:
            raise ClientError("the CA cannot be reached")
        asked = parse_request(request)
        if asked.message is not None:
            self.seen.append(asked.message)
        return self.ca.answer(request)

    def opened(self) -> list[PkiMessage]:
        """Return the messages, opened with the CA's key."""
        key = self.ca.issuer.key
        return [decode_message(m, keys=[key]) for m in self.seen]  # type: ignore[list-item]


@contextmanager
def network(
    folder: Path, ca_policy: Policy | None = None, ra_policy: RaPolicy | None = None, *, two: bool = False
) -> Iterator[tuple[RegistrationAuthority, Wire, list[Decision]]]:
    """Yield an RA in front of a CA that has granted it its certificate(s), and the wire between them."""
    with authority(folder, ca_policy or Policy()) as ca:
        wire, decisions = Wire(ca), []  # type: ignore[var-annotated]
        upstream = ScepClient(wire, fingerprint=ca.issuer.parsed.fingerprint())
        identities = []
        for number, usage in enumerate((SIGN, ENCIPHER) if two else (SIGN | ENCIPHER,)):
            key = quick_key(20 + number)
            pending = upstream.enroll(make_request(parse_subject("OU=ioscs RA,CN=R2"), key, usage=usage), key)
            ca.grant(ca.pending()[0])
            certificate = upstream.poll(pending).certificate
            assert certificate is not None
            identities.append(Identity(certificate.der, key))
        wire.seen.clear()
        policy = ra_policy or RaPolicy((SECRET,))
        ra = RegistrationAuthority(
            identities[0],
            upstream,
            policy,
            decrypter=identities[1] if two else None,
            on_decision=decisions.append,
        )
        yield ra, wire, decisions


def _client(ra: RegistrationAuthority, wire: Wire) -> ScepClient:
    return ScepClient(ra.answer, fingerprint=wire.ca.issuer.parsed.fingerprint())


def test_ra_passes_the_request_on_unchanged_under_its_own_signature(tmp_path: Path) -> None:
    """The client encrypts for the RA, and the RA for the CA. The PKCS#10 request inside is the same byte for byte."""
    with network(tmp_path) as (ra, wire, decisions):
        request = csr()
        result = _client(ra, wire).enroll(request, quick_key())
        (relayed,) = wire.opened()
    assert result.status is PkiStatus.SUCCESS
    assert relayed.csr is not None
    assert relayed.csr.raw == request
    assert relayed.attributes.transaction_id == result.transaction_id
    assert relayed.attributes.sender_nonce != result.request.attributes.sender_nonce
    assert relayed.verification.signer == ra.signer.parsed
    assert result.request.verification.signer != ra.signer.parsed
    assert result.reply.verification.signer == ra.signer.parsed
    assert result.certificate is not None
    assert result.certificate.issuer == wire.ca.issuer.parsed.subject
    (decision,) = decisions
    assert decision.outcome == "SUCCESS"
    assert any("vouched for: the challengePassword" in step for step in decision.steps)
    assert any("the CA says SUCCESS" in step for step in decision.steps)


@pytest.mark.parametrize("challenge", [None, "", "wrong"])
def test_ra_refuses_a_wrong_challenge_without_asking_the_ca(tmp_path: Path, challenge: str | None) -> None:
    """The challengePassword is missing, empty or wrong."""
    with network(tmp_path) as (ra, wire, _):
        result = _client(ra, wire).enroll(csr(challenge=challenge), quick_key())
        assert (result.status, result.fail_info) == (PkiStatus.FAILURE, FailInfo.badRequest)
        assert wire.seen == []


def test_ca_and_ra_say_the_same(tmp_path: Path) -> None:
    """Without a challengePassword a person decides, with a wrong one the words are the same; a renewal needs none."""
    with Lab(tmp_path, challenge=SECRET) as lab:
        lab.enroll_ra()
        for number, challenge in enumerate((None, "", "wrong")):
            request = csr(f"CN=device {number}", challenge=challenge)
            said = {str(lab.client(via=via).enroll(request, quick_key())) for via in ("ca", "ra")}
            assert len(said) == 1, said
        via_ra = lab.client(via="ra")
        result = via_ra.enroll(csr("CN=R9", challenge=None), quick_key())
        assert result.status is PkiStatus.PENDING
        assert "not vouched for: no challengePassword" in " ".join(lab.decisions[-1].steps)
        lab.ca.grant(lab.ca.pending()[-1])
        assert via_ra.poll(result).status is PkiStatus.SUCCESS


def test_pending_and_polls_are_passed_on(tmp_path: Path) -> None:
    """The CA asks for approval. The client gets PENDING, and its polls reach the CA."""
    with network(tmp_path, Policy(ra_auto=False)) as (ra, wire, _):
        client = _client(ra, wire)
        first = client.enroll(csr(), quick_key())
        assert first.status is PkiStatus.PENDING
        assert client.poll(first).status is PkiStatus.PENDING
        wire.ca.grant(wire.ca.pending()[0])
        assert client.poll(first).status is PkiStatus.SUCCESS
        assert [m.type.name for m in wire.opened() if m.type is not None] == ["PKCSReq", "CertPoll", "CertPoll"]


def test_denial_is_passed_on(tmp_path: Path) -> None:
    """The client gets the operator's text."""
    with network(tmp_path, Policy(ra_auto=False)) as (ra, wire, _):
        client = _client(ra, wire)
        first = client.enroll(csr(), quick_key())
        wire.ca.deny(wire.ca.pending()[0], "not today")
        assert client.poll(first).fail_info_text == "not today"


def test_poll_for_another_clients_transaction_gets_bad_cert_id(tmp_path: Path) -> None:
    """At the CA the RA is the requester of all transactions, so the RA must separate its clients."""
    with network(tmp_path) as (ra, wire, _):
        client = _client(ra, wire)
        victim = client.enroll(csr("CN=victim"), quick_key())
        thief: Result = replace(
            client.enroll(csr("CN=thief", 1, "wrong"), quick_key(1)), transaction_id=victim.transaction_id
        )
        assert client.poll(thief).fail_info is FailInfo.badCertId


def test_ra_accepts_a_renewal_signed_with_a_valid_certificate(tmp_path: Path) -> None:
    """No challengePassword is needed. Another subject or a revoked certificate is refused."""
    with network(tmp_path) as (ra, wire, decisions):
        client = _client(ra, wire)
        first = client.enroll(csr(), quick_key())
        assert first.certificate is not None
        old = Identity(first.certificate.der, quick_key())
        assert client.renew(csr(number=1, challenge=None), old).status is PkiStatus.SUCCESS
        assert any("renewal" in step for step in decisions[-1].steps)
        assert client.renew(csr("CN=other", 2, None), old).status is PkiStatus.FAILURE
        wire.ca.revoke(first.certificate.serial_number)
        assert client.renew(csr(number=3, challenge=None), old).status is PkiStatus.FAILURE


def test_ra_without_challenges_signs_every_request(tmp_path: Path) -> None:
    """A Cisco IOS RA with `grant auto` does the same."""
    with network(tmp_path, ra_policy=RaPolicy()) as (ra, wire, _):
        assert _client(ra, wire).enroll(csr(challenge=None), quick_key()).status is PkiStatus.SUCCESS


def test_get_cert_and_get_crl_are_passed_on(tmp_path: Path) -> None:
    """The reply is encrypted for the client."""
    with network(tmp_path) as (ra, wire, _):
        client = _client(ra, wire)
        first = client.enroll(csr(), quick_key())
        assert first.certificate is not None
        own = Identity(first.certificate.der, quick_key())
        assert client.get_cert(first.certificate.serial, own).certificate == first.certificate
        assert len(client.get_crl(own).crls) == 1
        assert client.get_cert(b"\x05", own).fail_info is FailInfo.badCertId


def test_ra_can_have_two_certificates_as_ndes_does(tmp_path: Path) -> None:
    """GetCACert returns the signing certificate, the encryption certificate, and the CA's."""
    with network(tmp_path, two=True) as (ra, wire, _):
        client = _client(ra, wire)
        certificates = client.get_ca_cert()
        assert [c.der for c in certificates.all] == [
            ra.signer.certificate,
            ra.decrypter.certificate,
            wire.ca.certificate,
        ]
        assert certificates.recipient == ra.decrypter.parsed
        assert client.enroll(csr(), quick_key()).status is PkiStatus.SUCCESS


def test_next_ca_certificate_is_passed_on_unchanged(tmp_path: Path) -> None:
    """The CA signs it. If the CA has none, the RA answers with HTTP 502."""
    with network(tmp_path) as (ra, wire, _):
        client = _client(ra, wire)
        with pytest.raises(ScepError, match="502"):
            client.get_next_ca_cert()
        following = wire.ca.prepare_rollover()
        assert client.get_next_ca_cert().ca.der == following


def test_unreachable_ca_gives_http_502(tmp_path: Path) -> None:
    """The same request is granted when the CA is back."""
    with network(tmp_path) as (ra, wire, _):
        client = _client(ra, wire)
        _ = client.ca
        wire.broken = True
        with pytest.raises(ClientError, match="502"):
            client.enroll(csr(), quick_key())
        wire.broken = False
        assert client.enroll(csr(), quick_key()).status is PkiStatus.SUCCESS


def test_ra_follows_a_ca_rollover_and_renews_itself(tmp_path: Path) -> None:
    """A reply that it cannot verify starts this. The RA accepts a new CA certificate that the previous CA signed."""
    with network(tmp_path) as (ra, wire, decisions):
        client = _client(ra, wire)
        assert client.enroll(csr(), quick_key()).status is PkiStatus.SUCCESS
        before, first = ra.signer, wire.ca.issuer.parsed
        wire.ca.prepare_rollover(key=quick_key(10))
        wire.ca.roll_over()
        # The client knows the previous CA: it accepts the reply's signature, but not the certificate inside.
        with pytest.raises(ClientError, match="the CA that was asked did not issue CN=R4"):
            client.enroll(csr("CN=R4", 1), quick_key(1))
        assert ra.signer != before
        assert _client(ra, wire).enroll(csr("CN=R4", 1), quick_key(1)).status is PkiStatus.SUCCESS
        told = [str(d) for d in decisions if d.kind == "GetNextCACert" or "renews its own" in str(d)]
        assert len(told) == 2, told
        assert wire.ca.issuer.parsed.fingerprint() in told[0]
        assert issued_by(ra.signer.parsed, wire.ca.issuer.parsed)
        assert not issued_by(ra.signer.parsed, first)


def test_ra_rejects_a_replaced_ca_with_the_same_name(tmp_path: Path) -> None:
    """The known CA did not sign the other one, so its GetNextCACert does not count."""
    (tmp_path / "other").mkdir()
    with network(tmp_path) as (ra, wire, _), authority(tmp_path / "other", key=8) as other:
        assert _client(ra, wire).enroll(csr(), quick_key()).status is PkiStatus.SUCCESS
        before, mine = ra.signer, wire.ca
        other.prepare_rollover(key=quick_key(10))
        for rolled in (False, True):
            if rolled:
                other.roll_over()
            wire.ca = other
            ra.keep_up(other.certificate)
            assert (ra.signer, ra.upstream.fingerprint) == (before, mine.issuer.parsed.fingerprint())
            with pytest.raises(ClientError, match="502"):
                ScepClient(ra.answer).enroll(csr("CN=R4", 1), quick_key(1))
        wire.ca = mine
        assert _client(ra, wire).enroll(csr("CN=R4", 1), quick_key(1)).status is PkiStatus.SUCCESS


def test_requests_that_are_not_scep_get_http_400(tmp_path: Path) -> None:
    """The inputs: an unknown operation and a body that is not DER."""
    with network(tmp_path) as (ra, _, _):
        assert ra.answer(HttpRequest("GET", "/?operation=Nothing")).status == 400
        assert ra.answer(build_request("PKIOperation", message=b"junk", method="POST")).status == 400
        assert b"AES" in ra.answer(build_request("GetCACaps")).body


def test_ca_still_refuses_what_the_ra_accepted(tmp_path: Path) -> None:
    """The RA accepts 1024-bit keys; the CA does not."""
    with network(tmp_path) as (ra, wire, _):
        from sceplab.lab.opening import Strictness

        ra.policy = replace(ra.policy, strict=Strictness(min_rsa_bits=1024))
        key = quick_key(0, "1024")
        short = make_request(parse_subject("CN=short"), key, challenge=SECRET)
        result = _client(ra, wire).enroll(short, key)
        assert "1024 bits" in result.fail_info_text
        assert client_of(wire.ca).ca.ca.der == wire.ca.certificate
