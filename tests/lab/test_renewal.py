"""Renewals: a renewal gives a new certificate, a retry the same one, and no device becomes an RA."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

import sceplab
from sceplab.asn1 import oids
from sceplab.cli import main
from sceplab.cms.name import Name, parse_subject
from sceplab.cms.x509 import Certificate, parse_certificate
from sceplab.files import load_certificates, load_signing_key
from sceplab.lab.ca import CertificationAuthority
from sceplab.lab.clock import SetClock
from sceplab.lab.identity import ENCIPHER, SIGN, Identity, make_request
from sceplab.lab.network import Lab
from sceplab.lab.opening import Strictness
from sceplab.lab.policy import Policy
from sceplab.lab.results import Result
from sceplab.lab.store import Store
from sceplab.scep.attributes import FailInfo, MessageType, PkiStatus
from sceplab.scep.messagedata import CertsOnly
from tests.helpers.labs import SECRET, authority, client_of, csr, quick_key, running_lab

RECORDED = Path(__file__).parent.parent / "data" / "renewals"
PROGRAMS = ("scepclient", "strongswan")
KINDS = (MessageType.RenewalReq, MessageType.PKCSReq)


# --------------------------------------------------------------- recorded renewals of other programs


@contextmanager
def _recorded_ca(folder: Path) -> Iterator[CertificationAuthority]:
    """Yield the CA of the recordings with both first certificates issued, at the time of the recordings."""
    store = Store(folder / "ca.sqlite")
    key = load_signing_key(RECORDED / "ca.key.pem")
    certificate = load_certificates(RECORDED / "ca.pem")[0]
    clock = SetClock()
    start = parse_certificate(certificate).not_before
    assert start is not None
    clock.now = start + timedelta(hours=1)
    try:
        octets = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        store.set_identities(issuer=(certificate, octets))
        for program in PROGRAMS:
            issued = load_certificates(RECORDED / program / "certificate.pem")[0]
            serial = parse_certificate(issued).serial_number
            assert store.add(program, b"", b"", b"", clock.now, certificate=(serial, issued))
        yield CertificationAuthority(store, Policy(("secret",), strict=Strictness(legacy=True)), now=clock)
    finally:
        store.close()


def _sent(ca: CertificationAuthority, program: str, name: str) -> Certificate:
    reply = ca.operate((RECORDED / program / name).read_bytes())
    key = load_signing_key(RECORDED / program / "key.pem")
    message = sceplab.decode_message(reply, keys=[key])  # type: ignore[list-item]
    assert message.attributes.status is PkiStatus.SUCCESS, message.attributes.fail_info_text
    assert isinstance(message.message_data, CertsOnly)
    return message.message_data.certificates[0]


@pytest.mark.parametrize("program", PROGRAMS)
def test_recorded_renewals_are_granted_and_retries_repeat(tmp_path: Path, program: str) -> None:
    """Each program sends an enrollment, then a renewal with the same PKCS#10 request. Both are repeated."""
    with _recorded_ca(tmp_path) as ca:
        first = _sent(ca, program, "enrollment.bin")
        assert _sent(ca, program, "enrollment.bin") == first
        renewed = _sent(ca, program, "renewal.bin")
        assert renewed != first
        assert renewed.public_key_info == first.public_key_info
        assert _sent(ca, program, "renewal.bin") == renewed
        assert _sent(ca, program, "enrollment.bin") == first


def _identity(result: Result, number: int = 0) -> Identity:
    assert result.certificate is not None, str(result)
    return Identity(result.certificate.der, quick_key(number))


@pytest.mark.parametrize("via", ["ca", "ra"])
@pytest.mark.parametrize("kind", KINDS)
def test_same_request_signed_with_the_old_certificate_renews(kind: MessageType, via: str) -> None:
    """One key and one request renew twice. Each time there is a new certificate, and a retry gives the same one."""
    with running_lab(ra=True) as lab:
        client = lab.client(via=via)
        request = csr()
        held = [_identity(client.enroll(request, quick_key()))]
        assert _identity(client.enroll(request, quick_key())) == held[0], "a retry of the first"
        for _ in range(2):
            held.append(_identity(client.enroll(request, held[-1], message_type=kind)))
            assert _identity(client.enroll(request, held[-2], message_type=kind)) == held[-1], "a retry"
        assert len({h.certificate for h in held}) == 3


def test_renewal_that_asks_for_more_is_pending(tmp_path: Path) -> None:
    """A retry belongs to the same transaction. A poll after the grant returns the certificate."""
    with authority(tmp_path) as ca:
        client = client_of(ca)
        old = _identity(client.enroll(csr(), quick_key()))
        more = make_request(parse_subject("CN=R3"), quick_key(), dns_names=["r3.example"])
        pending = client.renew(more, old)
        assert client.renew(more, old).status is PkiStatus.PENDING
        (waiting,) = ca.pending()
        ca.grant(waiting)
        renewed = _identity(client.poll(pending))
        assert renewed.certificate != old.certificate
        assert _identity(client.renew(more, old)) == renewed


def test_expired_certificate_is_not_returned_again(tmp_path: Path) -> None:
    """400 days later the same request counts as a new one, and a poll for the old transaction is refused."""
    clock = SetClock()
    with authority(tmp_path, clock=clock) as ca:
        client = client_of(ca, now=clock)
        first = client.enroll(csr(), quick_key())
        clock.wait(days=400)
        told = client.poll(first)
        assert (told.status, told.fail_info) == (PkiStatus.FAILURE, FailInfo.badCertId)
        assert "ended on" in told.fail_info_text
        again = client.enroll(csr(), quick_key())
        assert _identity(again) != _identity(first)
        assert _identity(client.enroll(csr(), quick_key())) == _identity(again), "a retry"
        wrong = client.enroll(csr(challenge="wrong"), quick_key())
        assert wrong.status is PkiStatus.FAILURE
        old = client.renew(csr(), _identity(first))
        assert "the signer's certificate is valid from" in old.fail_info_text


def test_request_with_used_one_time_challenge_is_refused_after_expiry(tmp_path: Path) -> None:
    """While the certificate is valid, the same request is a retry and gets the same certificate."""
    clock = SetClock()
    with authority(tmp_path, clock=clock) as ca:
        request = csr(challenge=ca.new_challenge())
        client = client_of(ca, now=clock)
        first = _identity(client.enroll(request, quick_key()))
        assert _identity(client.enroll(request, quick_key())) == first
        renewed = _identity(client.renew(request, first))
        assert renewed != first
        clock.wait(days=400)
        assert client.enroll(request, quick_key()).status is PkiStatus.FAILURE


def test_enroll_renew_with_the_same_key_gives_new_certificates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`sceplab enroll --renew --key` with the same key, twice, gives three different certificates in all."""
    with running_lab() as lab:
        common = ["enroll", lab.ca_url, "--subject", "CN=R3", "--challenge", SECRET, "--out", str(tmp_path)]
        common += ["--fingerprint", lab.ca.issuer.parsed.fingerprint()]
        assert main(common) == 0
        key, path = str(tmp_path / "device.key.pem"), tmp_path / "device.pem"
        found = [path.read_bytes()]
        for _ in range(2):
            assert (
                main([*common, "--renew", "--key", key, "--signer-cert", str(path), "--signer-key", key, "--force"])
                == 0
            )
            found.append(path.read_bytes())
        assert len(set(found)) == 3
        assert "warning" not in capsys.readouterr().err


def test_client_warns_when_a_renewal_returns_the_old_certificate(tmp_path: Path) -> None:
    """Our own server once did that."""
    with authority(tmp_path) as ca:
        warnings: list[str] = []
        client = client_of(ca, on_warning=warnings.append)
        old = _identity(client.enroll(csr(), quick_key()))
        assert warnings == []
        ca._asked_before = lambda *_: (b"", ca.store.transactions()[0])  # type: ignore[method-assign]
        client.renew(csr(), old)
        assert warnings == ["the CA sent back the certificate that was to be renewed, not a new one"]


# --------------------------------------------------------------- renewal of RA certificates

RA = "OU=ioscs RA,CN=R2"


@contextmanager
def _ca_with_ra(folder: Path, **policy: object) -> Iterator[tuple[CertificationAuthority, Identity]]:
    """Yield a CA with `grant_auto`, and the certificate of its RA (key 20)."""
    clock = SetClock()
    with authority(folder, Policy((SECRET,), grant_auto=True, **policy), clock=clock) as ca:  # type: ignore[arg-type]
        client, key = client_of(ca), quick_key(20)
        pending = client.enroll(make_request(parse_subject(RA), key), key)
        assert pending.status is PkiStatus.PENDING
        ca.grant(ca.pending()[0])
        certificate = client.poll(pending).certificate
        assert certificate is not None
        yield ca, Identity(certificate.der, key)


def test_ra_renews_its_own_certificate_with_the_same_key(tmp_path: Path) -> None:
    """The RA asks the CA directly and is granted at once. Names, usages and keyUsage stay the same."""
    with _ca_with_ra(tmp_path) as (ca, first):
        ra = first
        for subject in (RA, "OU=IOSCS  ra,CN=r2"):
            wanted = make_request(parse_subject(subject), quick_key(20), usage=SIGN)
            renewed = client_of(ca).enroll(wanted, ra, message_type=MessageType.RenewalReq)
            assert renewed.certificate is not None, str(renewed)
            assert renewed.certificate.der != ra.certificate
            assert renewed.certificate.subject.raw == ra.parsed.subject.raw
            assert renewed.certificate.public_key_info == ra.parsed.public_key_info
            assert renewed.certificate.key_usage == SIGN | ENCIPHER
            assert renewed.certificate.extension(oids.EXTENDED_KEY_USAGE) is None
            ra = Identity(renewed.certificate.der, quick_key(20))


ATTEMPTS = {
    "a client's key, as an RA may pass it on": (RA, 30, MessageType.PKCSReq, True),
    "a client's key, as a renewal": (RA, 30, MessageType.RenewalReq, True),
    "the RA's key, but passed on": (RA, 20, MessageType.PKCSReq, True),
    "another RA's name": ("OU=ioscs RA,CN=R9", 20, MessageType.RenewalReq, True),
    "another RA's name, passed on": ("OU=ioscs RA,CN=R9", 30, MessageType.PKCSReq, True),
    "the RA's name, signed by itself": (RA, 30, MessageType.PKCSReq, False),
    "the RA's name, a renewal signed by itself": (RA, 30, MessageType.RenewalReq, False),
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_other_requests_for_an_ra_name_are_not_granted(tmp_path: Path, attempt: str) -> None:
    """The RA signs whatever its clients send, and the CA has `grant_auto`. The request is pending or refused."""
    subject, number, kind, by_ra = ATTEMPTS[attempt]
    with _ca_with_ra(tmp_path) as (ca, ra):
        before = len(ca.store.all_issued())
        request = make_request(parse_subject(subject), quick_key(number), challenge=SECRET)
        result = client_of(ca).enroll(request, ra if by_ra else quick_key(number), message_type=kind)
        assert result.status is not PkiStatus.SUCCESS
        assert len(ca.store.all_issued()) == before


def test_device_certificate_cannot_be_renewed_as_an_ra(tmp_path: Path) -> None:
    """The key and the messageType are right, but the old certificate has another name."""
    with _ca_with_ra(tmp_path) as (ca, _):
        client = client_of(ca)
        device = _identity(client.enroll(csr("CN=device", 30), quick_key(30)), 30)
        before = len(ca.store.all_issued())
        for kind in KINDS:
            result = client.enroll(make_request(parse_subject(RA), quick_key(30)), device, message_type=kind)
            assert result.status is not PkiStatus.SUCCESS
        assert len(ca.store.all_issued()) == before


def test_ra_renewal_that_asks_for_more_is_pending(tmp_path: Path) -> None:
    """As in every renewal, a subjectAltName that the old certificate does not have needs approval."""
    with _ca_with_ra(tmp_path) as (ca, ra):
        wanted = make_request(parse_subject(RA), quick_key(20), dns_names=["ra.example"])
        result = client_of(ca).enroll(wanted, ra, message_type=MessageType.RenewalReq)
        assert result.status is PkiStatus.PENDING


@pytest.mark.parametrize("which", ["this one", "one of before"])
def test_revoked_ra_key_cannot_renew(tmp_path: Path, which: str) -> None:
    """One revoked certificate of a key blocks renewal with every certificate of that key."""
    with _ca_with_ra(tmp_path) as (ca, ra):
        wanted = make_request(parse_subject(RA), quick_key(20))
        renewed = client_of(ca).enroll(wanted, ra, message_type=MessageType.RenewalReq)
        assert renewed.certificate is not None
        new = Identity(renewed.certificate.der, quick_key(20))
        ca.revoke((new if which == "this one" else ra).parsed.serial_number)
        again = client_of(ca).enroll(wanted, new, message_type=MessageType.RenewalReq)
        assert again.status is not PkiStatus.SUCCESS


def test_expired_ra_certificate_cannot_renew(tmp_path: Path) -> None:
    """The RA's certificate lasts one minute, and the renewal comes two days later."""
    with _ca_with_ra(tmp_path, validity=timedelta(minutes=1)) as (ca, ra):
        now = ca._now() + timedelta(days=2)
        late = CertificationAuthority(ca.store, ca.policy, now=lambda: now)
        wanted = make_request(parse_subject(RA), quick_key(20))
        result = client_of(late).enroll(wanted, ra, message_type=MessageType.RenewalReq)
        assert "the signer's certificate is valid from" in result.fail_info_text


def test_ra_renewal_compares_names_as_rfc_5280_says() -> None:
    """The new certificate repeats the old subject byte for byte, whatever spelling the request has."""
    with Lab(challenge=SECRET, record=False) as lab:
        lab.enroll_ra()
        assert lab.ra is not None
        own = lab.ra.signer
        other = Name(own.parsed.subject.raw.replace(b"R2", b"r2"))
        result = lab.client().renew(make_request(other, own.key), own)
        assert result.certificate is not None
        assert result.certificate.subject.raw == own.parsed.subject.raw
        stranger = Name(own.parsed.subject.raw.replace(b"R2", b"R3"))
        assert lab.client().renew(make_request(stranger, own.key), own).status is not PkiStatus.SUCCESS
