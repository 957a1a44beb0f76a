"""Expiry and rollover: a CA that rolls over under a running lab, an RA that renews itself, expired CAs and RAs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import sceplab
from sceplab.cli import main
from sceplab.cms.x509 import parse_certificate
from sceplab.errors import InputError, ScepError
from sceplab.files import load_certificates, pem_certificate
from sceplab.lab import network
from sceplab.lab.ca import CertificationAuthority
from sceplab.lab.chains import issued_by
from sceplab.lab.client import ScepClient
from sceplab.lab.clock import SetClock
from sceplab.lab.http import ClientError
from sceplab.lab.identity import Identity, make_request
from sceplab.lab.network import Lab
from sceplab.lab.policy import Policy
from sceplab.lab.ra import RaPolicy, RegistrationAuthority
from sceplab.lab.responder import Decision
from sceplab.lab.results import Result
from sceplab.lab.store import Store
from sceplab.scep.attributes import FailInfo, PkiStatus
from tests.helpers.captures import needs
from tests.helpers.labs import SECRET, authority, client_of, csr, openssl, quick_key


def _identity(result: Result, number: int = 0) -> Identity:
    assert result.certificate is not None, str(result)
    return Identity(result.certificate.der, quick_key(number))


def _lab(folder: Path, clock: SetClock | None = None) -> Lab:
    policy, ra_policy = Policy((SECRET,)), RaPolicy((SECRET,))
    return Lab(folder, policy=policy, ra_policy=ra_policy, record=False, now=clock or SetClock())


def _roll_over(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Roll the CA over with the commands that an operator types."""
    assert main(["lab", "next-ca", "--dir", str(folder)]) == 0
    announced = capsys.readouterr().out
    assert main(["lab", "next-ca", "--dir", str(folder)]) == 0
    assert capsys.readouterr().out == announced, "what was announced stays"
    assert main(["lab", "rollover", "--dir", str(folder)]) == 0
    assert capsys.readouterr().out == announced


@pytest.fixture
def fresh_roles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each CA see at once what another process wrote."""
    monkeypatch.setattr("sceplab.lab.ca._ROLES_KEPT", -1.0)


@needs("openssl")
@pytest.mark.parametrize("two", [False, True])
@pytest.mark.usefixtures("fresh_roles")
def test_running_ra_follows_a_rollover_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, two: bool
) -> None:
    """`lab next-ca` and `lab rollover` run as in another terminal.

    The next client of the RA gets a certificate of the new CA.
    """
    with _lab(tmp_path / "lab") as lab:
        lab.enroll_ra(two_certificates=two)
        assert lab.ra is not None
        device = _identity(lab.client(via="ra").enroll(csr(), quick_key()))
        old = lab.ra.identities
        _roll_over(tmp_path / "lab", capsys)
        client = lab.client(via="ra")
        renewed = client.renew(csr("CN=R3", 1), device)
        assert renewed.certificate is not None
        assert client.enroll(csr("CN=R4", 2), quick_key(2)).status is PkiStatus.SUCCESS
        assert not set(old) & {lab.ra.signer, lab.ra.decrypter}
        assert (lab.ra.signer == lab.ra.decrypter) is not two
        told = [str(d) for d in lab.decisions if d.who == "R2 (RA)" and d.kind in {"GetNextCACert", "RenewalReq"}]
        assert len([t for t in told if "the CA has a new certificate" in t]) == 1, told
        assert len([t for t in told if "renews its own certificate" in t]) == 1 + two, told
        (tmp_path / "ca.pem").write_bytes(pem_certificate(lab.ca.certificate))
        for certificate in (renewed.certificate.der, lab.ra.signer.certificate, lab.ra.decrypter.certificate):
            (tmp_path / "one.pem").write_bytes(pem_certificate(certificate))
            assert "OK" in openssl("verify", "-CAfile", tmp_path / "ca.pem", tmp_path / "one.pem")
        kept = {tuple(load_certificates(p)) for p in (tmp_path / "lab").glob("ra*.pem") if ".key." not in p.name}
        assert kept == {(lab.ra.signer.certificate,), (lab.ra.decrypter.certificate,)}


@pytest.mark.usefixtures("fresh_roles")
def test_stopped_ra_renews_itself_when_started_after_a_rollover(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A device with a certificate of the previous CA renews through the RA."""
    with _lab(tmp_path) as lab:
        lab.enroll_ra()
        assert lab.ra is not None
        before = lab.ra.signer
        device = _identity(lab.client(via="ra").enroll(csr(), quick_key()))
    _roll_over(tmp_path, capsys)
    with _lab(tmp_path) as lab:
        assert lab.ra is not None
        assert lab.ra.signer != before
        assert issued_by(lab.ra.signer.parsed, lab.ca.issuer.parsed)
        assert lab.client(via="ra").renew(csr("CN=R3", 1, challenge=None), device).status is PkiStatus.SUCCESS
        assert lab.concerns() == []


def test_rollover_from_python_and_new_ra_certificates(tmp_path: Path) -> None:
    """`enroll_ra` gives a running RA new certificates."""
    with _lab(tmp_path) as lab:
        lab.enroll_ra()
        assert lab.ra is not None
        lab.ca.prepare_rollover(key=quick_key(10))
        lab.ca.roll_over()
        assert lab.client(via="ra").enroll(csr(), quick_key()).status is PkiStatus.SUCCESS
        one = lab.ra.signer
        lab.enroll_ra(two_certificates=True)
        assert lab.client(via="ra").enroll(csr("CN=R4", 1), quick_key(1)).status is PkiStatus.SUCCESS
        lab.enroll_ra()
        assert lab.client(via="ra").enroll(csr("CN=R5", 2), quick_key(2)).status is PkiStatus.SUCCESS
        assert lab.ra.signer == lab.ra.decrypter != one
        kept = lab.ra.signer.certificate
    with _lab(tmp_path) as lab:
        assert lab.ra is not None
        assert lab.ra.signer.certificate == lab.ra.decrypter.certificate == kept


def test_lab_renews_its_ra_without_any_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock moves 300 days ahead, and no client sends a request."""
    monkeypatch.setattr(network, "_UPKEEP", 0.01)
    clock, renewed = SetClock(), threading.Event()

    def told(decision: Decision) -> None:
        if "renews its own" in str(decision):
            renewed.set()

    with Lab(tmp_path, policy=Policy((SECRET,)), record=False, now=clock, on_decision=told) as lab:
        lab.enroll_ra()
        assert lab.ra is not None
        before = lab.ra.signer
        assert not renewed.is_set()
        clock.wait(days=300)
        assert renewed.wait(60)
        lab.keep_up()
        assert lab.ra.signer != before
        assert lab.ra.signer.key.private_numbers() == before.key.private_numbers()
        clock.wait(days=100)
        assert lab.client(via="ra").enroll(csr(), quick_key()).status is PkiStatus.SUCCESS


@pytest.fixture
def clock() -> SetClock:
    """Return a clock that starts at the machine's time."""
    return SetClock()


@pytest.fixture
def ca(tmp_path: Path, clock: SetClock) -> Iterator[CertificationAuthority]:
    """Yield a CA that lasts 400 days."""
    store = Store(tmp_path / "ca.sqlite")
    CertificationAuthority.create(store, key=quick_key(9), days=400, now=clock)
    yield CertificationAuthority(store, Policy((SECRET,)), now=clock)
    store.close()


def _ra(ca: CertificationAuthority, clock: SetClock) -> tuple[RegistrationAuthority, list[Decision]]:
    upstream, key = client_of(ca, now=clock), quick_key(20)
    pending = upstream.enroll(make_request(sceplab.parse_subject("OU=ioscs RA,CN=R2"), key), key)
    ca.grant(ca.pending()[0])
    decisions: list[Decision] = []
    own = _identity(upstream.poll(pending), 20)
    return (
        RegistrationAuthority(own, upstream, RaPolicy((SECRET,)), now=clock, on_decision=decisions.append),
        decisions,
    )


def test_client_with_the_previous_ra_certificate_is_served(ca: CertificationAuthority, clock: SetClock) -> None:
    """The client read GetCACert before the RA renewed itself. The reply is signed with the previous certificate."""
    ra, decisions = _ra(ca, clock)
    client = ScepClient(ra.answer, fingerprint=ca.issuer.parsed.fingerprint(), now=clock)
    _ = client.ca
    before = ra.signer
    clock.wait(days=300)
    result = client.enroll(csr(), quick_key())
    assert result.status is PkiStatus.SUCCESS
    assert ra.signer != before
    assert result.reply.verification.signer == before.parsed
    assert [d.outcome for d in decisions if "renews its own" in str(d)] == ["SUCCESS"]
    client.forget()
    assert client.enroll(csr("CN=R4", 1), quick_key(1)).reply.verification.signer == ra.signer.parsed


def test_ra_renewal_that_needs_approval_is_retried(ca: CertificationAuthority, clock: SetClock) -> None:
    """The RA logs PENDING, keeps its certificate, and uses the new one after the grant."""
    ca.policy = Policy(
        (SECRET,), capabilities=tuple(c for c in ca.policy.capabilities if c not in {"Renewal", "SCEPStandard"})
    )
    ra, decisions = _ra(ca, clock)
    before = ra.signer
    clock.wait(days=300)
    for _ in range(3):
        ra.keep_up()
    assert [d.outcome for d in decisions] == ["PENDING"]
    clock.wait(hours=2)
    ra.keep_up()
    (waiting,) = ca.pending()
    assert [d.outcome for d in decisions] == ["PENDING", "PENDING"]
    ca.grant(waiting)
    clock.wait(hours=2)
    ra.keep_up()
    assert decisions[-1].outcome == "SUCCESS"
    assert ra.signer != before


def test_ra_renewal_is_retried_when_the_ca_is_unreachable(ca: CertificationAuthority, clock: SetClock) -> None:
    """The RA logs the error and tries again an hour later."""
    ra, decisions = _ra(ca, clock)
    before, answer = ra.signer, ra.upstream._send
    clock.wait(days=300)

    def broken(_: object) -> None:
        raise ClientError("the CA cannot be reached")

    ra.upstream._send = broken  # type: ignore[assignment]
    ra.keep_up()
    assert "the CA cannot be reached" in str(decisions[-1])
    ra.upstream._send = answer
    ra.keep_up()
    assert ra.signer == before
    clock.wait(hours=2)
    ra.keep_up()
    assert ra.signer != before


def test_ra_renewal_refused_as_too_early_is_retried(ca: CertificationAuthority, clock: SetClock) -> None:
    """After a rollover the CA's renewal window no longer applies."""
    ca.policy = Policy((SECRET,), renewal_window=timedelta(days=30))
    ra, decisions = _ra(ca, clock)
    before = ra.signer
    device = _identity(client_of(ca).enroll(csr(), quick_key()))
    clock.wait(days=300)
    ra.keep_up()
    assert "too early" in str(decisions[-1])
    assert "too early" in client_of(ca).renew(csr("CN=R3", 1), device).fail_info_text
    clock.wait(days=40)
    ra.keep_up()
    assert ra.signer != before
    middle = ra.signer
    ca.prepare_rollover(key=quick_key(10))
    ca.roll_over()
    clock.wait(hours=2)
    ra.keep_up(ca.certificate)
    assert ra.signer != middle
    assert client_of(ca).renew(csr("CN=R3", 1), device).status is PkiStatus.SUCCESS


# --------------------------------------------------------------- expired certificates


def test_expired_ca_refuses_requests_and_names_the_reason(ca: CertificationAuthority, clock: SetClock) -> None:
    """Look-ups still work, and nothing can be granted until a rollover. The CA warns before its expiry."""
    client = client_of(ca, now=clock)
    assert ca.concerns() == []
    waiting = client.enroll(csr("CN=waits", 3, None), quick_key(3))
    clock.wait(days=380)
    (soon,) = ca.concerns()
    assert "ends on" in soon
    assert "sceplab lab next-ca" in soon
    late = client.enroll(csr(), quick_key())
    assert late.certificate is not None
    assert late.certificate.not_after == ca.issuer.parsed.not_after
    clock.wait(days=30)
    (over,) = ca.concerns()
    assert "ended on" in over
    for told in (client.enroll(csr("CN=R4", 1), quick_key(1)), client.renew(csr(), _identity(late))):
        assert (told.status, told.fail_info) == (PkiStatus.FAILURE, FailInfo.badRequest)
        assert "this CA cannot issue certificates now" in told.fail_info_text
        assert "Nothing is wrong with the request" in told.fail_info_text
    assert client.poll(waiting).status is PkiStatus.PENDING
    assert client.get_crl(_identity(late)).crls
    with pytest.raises(InputError, match="this CA cannot issue certificates now"):
        ca.grant(ca.pending()[0])
    ca.prepare_rollover(key=quick_key(10))
    ca.roll_over()
    ca.grant(ca.pending()[0])
    assert client_of(ca, now=clock).poll(waiting).status is PkiStatus.SUCCESS
    assert ca.concerns() == []


def test_expired_ra_names_the_reason_and_can_be_enrolled_again(tmp_path: Path, clock: SetClock) -> None:
    """The RA was stopped for two years. It warns at the start and in its replies."""
    with _lab(tmp_path, clock) as lab:
        lab.enroll_ra()
    clock.wait(days=800)
    with _lab(tmp_path, clock) as lab:
        assert lab.ra is not None
        assert lab.ra.has_ended()
        (sentence,) = lab.concerns()
        assert "a certificate of R2 (RA) ended on" in sentence
        told = lab.client(via="ra").enroll(csr(), quick_key())
        assert (told.status, told.fail_info) == (PkiStatus.FAILURE, FailInfo.badRequest)
        assert "this RA cannot pass on requests now" in told.fail_info_text
        assert "Nothing is wrong with the request" in told.fail_info_text
        lab.enroll_ra()
        assert lab.client(via="ra").enroll(csr(), quick_key()).status is PkiStatus.SUCCESS
        assert lab.concerns() == []


def test_request_granted_after_years_gets_a_valid_certificate(tmp_path: Path, clock: SetClock) -> None:
    """The validity starts at the time of the grant, not of the request."""
    with authority(tmp_path, clock=clock) as ca:
        client = client_of(ca, now=clock)
        pending = client.enroll(csr(challenge=None), quick_key())
        clock.wait(days=1100)
        assert client.poll(pending).status is PkiStatus.PENDING
        ca.grant(ca.pending()[0])
        certificate = client.poll(pending).certificate
        assert certificate is not None
        assert certificate.not_before is not None
        assert certificate.not_before <= clock.now
        assert certificate.not_after is not None
        assert certificate.not_after > clock.now


@needs("openssl")
def test_crl_after_a_rollover_is_signed_by_the_ca_of_the_certificate(tmp_path: Path, clock: SetClock) -> None:
    """The previous CA's key signs the CRL for certificates that it issued."""
    with authority(tmp_path, clock=clock) as ca:
        client = client_of(ca, now=clock)
        old = _identity(client.enroll(csr(), quick_key()))
        before = ca.certificate
        ca.prepare_rollover(key=quick_key(10))
        ca.roll_over()
        client = client_of(ca, now=clock)
        new = _identity(client.enroll(csr("CN=R4", 1), quick_key(1)), 1)
        ca.revoke(old.parsed.serial_number)
        for own, above, revoked in ((old, before, True), (new, ca.certificate, False)):
            (crl,) = client.get_crl(own).crls
            for name, data in (("ca.pem", pem_certificate(above)), ("one.pem", pem_certificate(own.certificate))):
                (tmp_path / name).write_bytes(data)
            (tmp_path / "crl.der").write_bytes(crl.der)
            openssl("crl", "-inform", "der", "-in", tmp_path / "crl.der", "-out", tmp_path / "crl.pem")
            checked = openssl("crl", "-in", tmp_path / "crl.pem", "-noout", "-CAfile", tmp_path / "ca.pem")
            assert "verify OK" in checked
            assert (own.parsed.serial in crl.revoked) is revoked


@pytest.mark.parametrize("kind", ["P-256", "separate"])
def test_rollover_keeps_key_type_and_separate_certificates(tmp_path: Path, clock: SetClock, kind: str) -> None:
    """A message encrypted for the previous CA is still opened."""
    store = Store(tmp_path / "ca.sqlite")
    key = quick_key(9, kind) if kind == "P-256" else quick_key(9)
    CertificationAuthority.create(store, key=key, separate=kind == "separate", now=clock)
    ca = CertificationAuthority(store, Policy((SECRET,)), now=clock)
    client = client_of(ca)
    pending = client.enroll(csr(challenge=None), quick_key())
    before = parse_certificate(ca.certificate)
    ca.prepare_rollover()
    ca.roll_over()
    now = parse_certificate(ca.certificate)
    assert type(now.public_key()) is type(before.public_key())
    assert [ca.identity(r) is not None for r in ("signer", "decrypter")] == [True, True]
    assert ca.pending()
    with pytest.raises(ScepError, match="not among the certificates"):
        client.poll(pending)
    assert client_of(ca).enroll(csr("CN=R4", 1), quick_key(1)).status is PkiStatus.SUCCESS
    store.close()


def test_next_ca_certificate_stays_available_after_the_rollover(tmp_path: Path, clock: SetClock) -> None:
    """The previous CA signs it until its own certificate expires."""
    with authority(tmp_path, clock=clock) as ca:
        late = client_of(ca, now=clock)
        ca.prepare_rollover(key=quick_key(10), days=9000)
        ca.roll_over()
        assert late.get_next_ca_cert().ca.der == ca.certificate
        with pytest.raises(ScepError, match="not signed by the current CA"):
            client_of(ca, now=clock).get_next_ca_cert()
        clock.wait(days=4000)
        with pytest.raises(ScepError, match="404"):
            late.get_next_ca_cert()
