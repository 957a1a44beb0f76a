"""The CA of the lab: which requests it grants, which it refuses, and what its replies say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

import sceplab
from sceplab.cms.name import parse_subject
from sceplab.cms.signature import SigningKey
from sceplab.cms.x509 import parse_certificate
from sceplab.errors import InputError
from sceplab.lab.client import ScepClient
from sceplab.lab.clock import SetClock
from sceplab.lab.dialects import CLIENT_DIALECTS
from sceplab.lab.http import ClientError
from sceplab.lab.identity import Identity, make_request
from sceplab.lab.opening import Strictness
from sceplab.lab.policy import DEFAULT_CAPABILITIES, Policy
from sceplab.lab.replies import ReplyForm
from sceplab.lab.results import Result
from sceplab.lab.store import State
from sceplab.scep.attributes import FailInfo, MessageType, PkiStatus, ScepAttributes
from sceplab.scep.message import PkiMessage, decode_message
from sceplab.scep.messagedata import build_issuer_and_serial, build_issuer_and_subject
from sceplab.scep.transport import HttpRequest, build_request
from tests.helpers.captures import needs
from tests.helpers.labs import SECRET, authority, client_of, csr, openssl, quick_key

RA = "OU=ioscs RA,serialNumber=42+unstructuredName=R2"


def _identity(result: Result, number: int = 0, kind: str = "2048") -> Identity:
    assert result.certificate is not None, result
    return Identity(result.certificate.der, quick_key(number, kind))


@needs("openssl")
def test_right_challenge_gives_a_certificate_that_openssl_verifies(tmp_path: Path) -> None:
    """The subject, key and names come from the request; the issuer name and key usage come from the CA."""
    request = make_request(parse_subject("CN=R3,O=Lab"), quick_key(), challenge=SECRET, dns_names=["r3.example"])
    with authority(tmp_path, Policy((SECRET,), alt_names=("DNS:*.example",))) as ca:
        result = client_of(ca).enroll(request, quick_key())
        (tmp_path / "ca.der").write_bytes(ca.certificate)
    assert result.status is PkiStatus.SUCCESS
    assert result.certificate is not None
    (tmp_path / "r3.der").write_bytes(result.certificate.der)
    openssl("x509", "-inform", "der", "-in", tmp_path / "ca.der", "-out", tmp_path / "ca.pem")
    told = openssl("verify", "-x509_strict", "-CAfile", tmp_path / "ca.pem", tmp_path / "r3.der")
    assert told.strip().endswith("OK")
    issued = x509.load_der_x509_certificate(result.certificate.der)
    assert issued.subject == x509.load_der_x509_csr(request).subject
    assert issued.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
        x509.DNSName
    ) == ["r3.example"]
    assert not any(isinstance(e.value, x509.BasicConstraints) and e.value.ca for e in issued.extensions)


def test_request_for_a_ca_certificate_gets_an_end_entity_certificate(tmp_path: Path) -> None:
    """The request asks for CA:TRUE and keyCertSign; the certificate has neither."""
    key = quick_key()
    builder = x509.CertificateSigningRequestBuilder(x509.Name.from_rfc4514_string("CN=evil"))
    usage = x509.KeyUsage(True, False, True, False, False, True, True, False, False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(usage, critical=True)
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding

    data = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    with authority(tmp_path, Policy(grant_auto=True)) as ca:
        result = client_of(ca).enroll(data, key)
    assert result.certificate is not None
    assert not result.certificate.is_ca
    assert result.certificate.key_usage == frozenset({"digitalSignature", "keyEncipherment"})


@pytest.mark.parametrize("wrong", ["", "Open sesame", SECRET + "x", "\N{SNOWMAN}"])
def test_wrong_challenge_is_refused(tmp_path: Path, wrong: str) -> None:
    """The reply is badRequest and names the challengePassword; no pending request is stored."""
    with authority(tmp_path) as ca:
        result = client_of(ca).enroll(csr(challenge=wrong), quick_key())
        assert ca.pending() == []
        assert ca.store.all_issued() == []
    assert (result.status, result.fail_info) == (PkiStatus.FAILURE, FailInfo.badRequest)
    assert "challengePassword" in result.fail_info_text


def test_request_without_challenge_is_pending_until_granted(tmp_path: Path) -> None:
    """After the grant a poll, or the same request sent again, returns the certificate."""
    with authority(tmp_path) as ca:
        client = client_of(ca)
        first = client.enroll(csr(challenge=None), quick_key())
        assert first.status is PkiStatus.PENDING
        assert first.certificate is None
        assert client.poll(first).status is PkiStatus.PENDING
        (waiting,) = ca.pending()
        granted = ca.grant(waiting)
        assert ca.grant(waiting) == granted, "granting twice is the same certificate"
        polled = client.poll(first)
        again = client.enroll(csr(challenge=None), quick_key())
        assert [r.certificate.der for r in (polled, again) if r.certificate is not None] == [granted, granted]
        assert len(ca.store.all_issued()) == 1


def test_denied_request_fails_with_the_given_reason(tmp_path: Path) -> None:
    """A poll returns FAILURE with the operator's text. The request cannot be granted later."""
    with authority(tmp_path) as ca:
        client = client_of(ca)
        first = client.enroll(csr(challenge=None), quick_key())
        (waiting,) = ca.pending()
        ca.deny(waiting, "who are you?")
        result = client.poll(first)
        assert (result.status, result.fail_info_text) == (PkiStatus.FAILURE, "who are you?")
        with pytest.raises(InputError, match="not pending"):
            ca.grant(waiting)
        with pytest.raises(InputError, match="not pending"):
            ca.deny(waiting)


def test_challenge_is_ignored_when_the_ca_has_none(tmp_path: Path) -> None:
    """Cisco IOS sends whatever was typed at its prompt. Without one at the CA it is pending."""
    with authority(tmp_path, Policy()) as ca:
        assert client_of(ca).enroll(csr(challenge="cisco"), quick_key()).status is PkiStatus.PENDING


def test_one_time_challenge_works_once_for_its_subject_until_it_expires(tmp_path: Path) -> None:
    """A retry of the same request gets the same certificate."""
    clock = SetClock()
    with authority(tmp_path, clock=clock) as ca:
        client = client_of(ca)
        once = ca.new_challenge("CN=R3")
        refused = client.enroll(csr("CN=R4", 1, once), quick_key(1))
        granted = client.enroll(csr("CN=R3", 0, once), quick_key())
        retried = client.enroll(csr("CN=R3", 0, once), quick_key())
        second = client.enroll(csr("CN=R3", 2, once), quick_key(2))
        late = ca.new_challenge(lifetime=timedelta(hours=1))
        clock.wait(hours=2)
        expired = client.enroll(csr("CN=R5", 3, late), quick_key(3))
        assert len(ca.store.all_issued()) == 1
    assert [r.status.name for r in (refused, granted, retried, second, expired)] == [
        "FAILURE",
        "SUCCESS",
        "SUCCESS",
        "FAILURE",
        "FAILURE",
    ]
    assert granted.certificate == retried.certificate


# --------------------------------------------------------------- RA


def test_ra_certificate_needs_approval_then_ra_signature_grants_requests(tmp_path: Path) -> None:
    """The request is pending even with the right challengePassword and with `grant_auto`."""
    with authority(tmp_path, Policy((SECRET,), grant_auto=True)) as ca:
        client = client_of(ca)
        pending = client.enroll(csr(RA), quick_key())
        assert pending.status is PkiStatus.PENDING
        ca.grant(ca.find_pending(pending.transaction_id[:8]))
        ra = _identity(client.poll(pending))
        user = client.enroll(csr("CN=user", 1, None), ra)
        assert user.status is PkiStatus.SUCCESS
        assert user.certificate is not None
        assert user.certificate.public_key_info == sceplab.parse_csr(csr("CN=user", 1)).public_key_info
        # An RA's signature does not grant another RA certificate.
        assert client.enroll(csr("OU=IOSCS ra,CN=second", 2, None), ra).status is PkiStatus.PENDING
        # Without `ra_auto` its signature does not grant a request.
        ca.policy = replace(ca.policy, ra_auto=False, grant_auto=False)
        assert client.enroll(csr("CN=other", 3, None), ra).status is PkiStatus.PENDING
        # A revoked RA certificate vouches for nothing.
        assert ra.parsed.serial_number
        ca.revoke(ra.parsed.serial_number)
        refused = client.enroll(csr("CN=late", 4, SECRET), ra)
        assert refused.status is PkiStatus.FAILURE
        assert "revoked" in refused.fail_info_text


def test_ra_name_in_a_foreign_certificate_grants_nothing(tmp_path: Path) -> None:
    """The certificate with OU=ioscs RA is self-signed, or another CA issued it."""
    (tmp_path / "other").mkdir()
    with authority(tmp_path) as ca, authority(tmp_path / "other", key=8) as other:
        from sceplab.lab.client import self_signed

        forged = self_signed(csr(RA), quick_key())
        assert client_of(ca).enroll(csr("CN=user", 1, None), forged).fail_info is FailInfo.badMessageCheck
        theirs = client_of(other).enroll(csr(RA), quick_key())
        other.grant(other.pending()[0])
        foreign = _identity(client_of(other).poll(theirs))
        assert client_of(ca).enroll(csr("CN=user2", 2, None), foreign).fail_info is FailInfo.badMessageCheck
        assert ca.store.all_issued() == []
        assert ca.pending() == []


# --------------------------------------------------------------- renewal


@pytest.mark.parametrize("kind", [MessageType.RenewalReq, MessageType.PKCSReq])
def test_renewal_signed_with_the_old_certificate_is_granted(tmp_path: Path, kind: MessageType) -> None:
    """Without a challengePassword a new key gets a certificate. Another subject or a revoked signer is refused."""
    with authority(tmp_path) as ca:
        client = client_of(ca)
        old = _identity(client.enroll(csr("CN=R3"), quick_key()))
        renewed = client.enroll(csr("CN=R3", 1, None), old, message_type=kind)
        assert renewed.status is PkiStatus.SUCCESS
        assert renewed.certificate is not None
        assert renewed.certificate.der != old.certificate
        assert client.enroll(csr("CN=R4", 2, None), old, message_type=kind).status is PkiStatus.FAILURE
        ca.revoke(old.parsed.serial_number)
        assert client.enroll(csr("CN=R3", 3, None), old, message_type=kind).status is PkiStatus.FAILURE


def test_renewal_must_be_signed_with_a_certificate_of_this_ca(tmp_path: Path) -> None:
    """A RenewalReq with a self-signed signer is refused, even with the right challengePassword."""
    with authority(tmp_path) as ca:
        result = client_of(ca).enroll(csr(), quick_key(), message_type=MessageType.RenewalReq)
        assert result.fail_info is FailInfo.badRequest
        assert "renew" in result.fail_info_text


def test_renewal_is_refused_before_its_window_and_after_expiry(tmp_path: Path) -> None:
    """The window is the last 14 of 100 days."""
    clock = SetClock()
    policy = Policy((SECRET,), renewal_window=timedelta(days=14), validity=timedelta(days=100))
    with authority(tmp_path, policy, clock=clock) as ca:
        client = client_of(ca)
        old = _identity(client.enroll(csr(), quick_key()))
        assert "too early" in client.renew(csr(number=1, challenge=None), old).fail_info_text
        clock.wait(days=90)
        assert client.renew(csr(number=2, challenge=None), old).status is PkiStatus.SUCCESS
        clock.wait(days=11)
        assert "valid from" in client.renew(csr(number=3, challenge=None), old).fail_info_text


# --------------------------------------------------------------- transactions


def test_poll_with_another_key_gets_bad_cert_id(tmp_path: Path) -> None:
    """The transactionID is not secret, so knowing it does not return the certificate of its requester."""
    with authority(tmp_path) as ca:
        client = client_of(ca)
        asked = client.enroll(csr(challenge=None), quick_key())
        ca.grant(ca.pending()[0])
        from sceplab.lab.client import self_signed

        thief = self_signed(csr(number=1), quick_key(1))
        data = build_issuer_and_subject(ca.issuer.parsed.subject, parse_subject("CN=R3"))
        result = client.operate(MessageType.CertPoll, data, thief, asked.transaction_id, None)
        assert (result.status, result.fail_info) == (PkiStatus.FAILURE, FailInfo.badCertId)


def test_renewal_with_same_key_and_transaction_id_is_a_new_request(tmp_path: Path) -> None:
    """Micromdm renews with the same key, hence with the same transactionID. This is not a retry."""
    with authority(tmp_path) as ca:
        client = client_of(ca)
        old = _identity(client.enroll(csr("CN=R3"), quick_key()))
        renewed = client.renew(make_request(parse_subject("CN=R3"), quick_key()), old)
        assert renewed.status is PkiStatus.SUCCESS
        assert renewed.certificate is not None
        assert renewed.certificate.der != old.certificate


def test_pending_queue_is_bounded(tmp_path: Path) -> None:
    """A request beyond the limit is refused. A request with the right challengePassword is still granted."""
    with authority(tmp_path, Policy((SECRET,), max_pending=2)) as ca:
        client = client_of(ca)
        results = [client.enroll(csr(f"CN=device-{i}", i, None), quick_key(i)) for i in range(3)]
        assert [r.status.name for r in results] == ["PENDING", "PENDING", "FAILURE"]
        assert client.enroll(csr("CN=r4", 4), quick_key(4)).status is PkiStatus.SUCCESS


# --------------------------------------------------------------- strictness


def _send(ca: object, data: bytes) -> PkiMessage:
    reply = ca.answer(build_request("PKIOperation", message=data, method="POST"))  # type: ignore[attr-defined]
    assert reply.status == 200, reply.body
    return decode_message(reply.body)


def _message(ca: object, data: bytes, **changes: object) -> bytes:
    """Return a PKCSReq around `data`, signed by `key` (key 0); `changes` go to `draft_message` or the attributes."""
    from sceplab.lab.client import self_signed

    key: SigningKey = changes.pop("key", quick_key())  # type: ignore[assignment]

    attributes: dict[str, object] = {"message_type": "19", "transaction_id": "T1", "sender_nonce": bytes(16)}
    attributes |= {k: changes.pop(k) for k in list(changes) if k in ScepAttributes.__slots__}
    signer = self_signed(csr(), key)
    options: dict[str, object] = {
        "signer_certificate": signer.certificate,
        "recipients": [ca.certificate],  # type: ignore[attr-defined]
        **changes,
    }
    draft = sceplab.draft_message(ScepAttributes(**attributes), data, **options)  # type: ignore[arg-type]
    return sceplab.encode_message(draft, signer.key)


STRICT: dict[str, tuple[dict[str, object], FailInfo, str]] = {
    "single DES": ({"cipher": "des-cbc"}, FailInfo.badAlg, "single DES"),
    "MD5": ({"digest": "md5"}, FailInfo.badAlg, "MD5"),
    "no senderNonce": ({"sender_nonce": None}, FailInfo.badRequest, "senderNonce"),
    "UpdateReq": ({"message_type": "18"}, FailInfo.badRequest, "messageType 18"),
    "unknown type": ({"message_type": "99"}, FailInfo.badRequest, "messageType 99"),
    "signer left out": ({"certificates": ()}, FailInfo.badMessageCheck, "not in the message"),
    "for somebody else": ({"recipients": "self"}, FailInfo.badMessageCheck, "not for this server"),
    "long transactionID": ({"transaction_id": "A" * 600}, FailInfo.badRequest, "longer"),
}


@pytest.mark.parametrize("name", STRICT)
def test_refusal_names_its_reason(tmp_path: Path, name: str) -> None:
    """Each FAILURE has its failInfo and text, and repeats the request's nonce and transactionID."""
    changes, fail_info, words = STRICT[name]
    options = dict(changes)
    with authority(tmp_path) as ca:
        if options.get("recipients") == "self":
            from sceplab.lab.client import self_signed

            options["recipients"] = [self_signed(csr(), quick_key()).certificate]
        reply = _send(ca, _message(ca, csr(), **options))
        assert ca.store.all_issued() == []
    assert (reply.attributes.status, reply.attributes.failure) == (PkiStatus.FAILURE, fail_info)
    assert words in (reply.attributes.fail_info_text or "")
    assert reply.attributes.recipient_nonce == options.get("sender_nonce", bytes(16))
    assert reply.attributes.transaction_id == options.get("transaction_id", "T1")
    assert reply.verification.signer is not None
    assert reply.verification.intact
    assert reply.signed.content == b"", "an empty OCTET STRING, which all clients read"


def test_legacy_switch_accepts_des_and_md5(tmp_path: Path) -> None:
    """The reply to a DES request uses DES, since an old client reads nothing else. It never uses MD5."""
    with authority(tmp_path, Policy((SECRET,), strict=Strictness(legacy=True))) as ca:
        reply = _send(ca, _message(ca, csr(), cipher="des-cbc", digest="md5"))
    assert reply.attributes.status is PkiStatus.SUCCESS
    assert reply.enveloped is not None
    assert reply.enveloped.content_encryption.name == "des-cbc"
    assert reply.signed.signer_info is not None
    assert reply.signed.signer_info.digest_algorithm.name == "sha256"


def test_failure_has_no_content_in_rfc_form(tmp_path: Path) -> None:
    """RFC 8894, 3.3.2.2: FAILURE and PENDING have no content. The switch `empty_content=False` selects this form."""
    with authority(tmp_path, Policy((SECRET,), form=ReplyForm(empty_content=False))) as ca:
        assert _send(ca, _message(ca, csr(challenge="x"))).signed.content is None


def test_changed_message_is_refused(tmp_path: Path) -> None:
    """One changed byte, in the content or in the signature, gives badMessageCheck."""
    with authority(tmp_path) as ca:
        data = bytearray(_message(ca, csr()))
        content = sceplab.parse_signed(bytes(data)).content
        assert content is not None
        for place in (bytes(data).index(content) + 400, len(data) - 5):
            changed = bytearray(data)
            changed[place] ^= 1
            assert _send(ca, bytes(changed)).attributes.failure is FailInfo.badMessageCheck


def test_bad_request_signature_short_key_and_bad_subject_are_refused(tmp_path: Path) -> None:
    """The inputs: a damaged PKCS#10 signature, a 1024-bit key, an empty subject, and the CA's own name."""
    with authority(tmp_path) as ca:
        broken = bytearray(csr())
        broken[-1] ^= 1
        assert _send(ca, _message(ca, bytes(broken))).attributes.failure is FailInfo.badMessageCheck
        short = make_request(parse_subject("CN=short"), quick_key(0, "1024"), challenge=SECRET)
        assert "1024 bits" in str(_send(ca, _message(ca, short, key=quick_key(0, "1024"))).attributes.fail_info_text)
        ca.policy = replace(ca.policy, strict=Strictness(min_rsa_bits=1024))
        assert _send(ca, _message(ca, short, key=quick_key(0, "1024"))).attributes.status is PkiStatus.SUCCESS
        assert "no subject" in str(
            _send(ca, _message(ca, sceplab.build_csr(sceplab.build_name([]), quick_key()))).attributes.fail_info_text
        )
        own = make_request(parse_subject("CN=R1"), quick_key(), challenge=SECRET)
        assert "CA's own" in str(_send(ca, _message(ca, own)).attributes.fail_info_text)


def test_signing_time_outside_the_allowed_skew_is_bad_time(tmp_path: Path) -> None:
    """The switch allows five minutes. A message without signingTime is granted."""
    strict = Strictness(clock_skew=timedelta(minutes=5))
    with authority(tmp_path, Policy((SECRET,), strict=strict)) as ca:
        now = datetime.now(UTC)
        assert (
            _send(ca, _message(ca, csr(), signing_time=now - timedelta(hours=1))).attributes.failure is FailInfo.badTime
        )
        assert _send(ca, _message(ca, csr(), signing_time=now)).attributes.status is PkiStatus.SUCCESS
        assert _send(ca, _message(ca, csr())).attributes.status is PkiStatus.SUCCESS


def test_ec_request_needs_a_challenge_password(tmp_path: Path) -> None:
    """RFC 8894, 3.1: the challengePassword encrypts the reply to an EC key. Without one it is refused."""
    key = quick_key(0, "P-256")
    with authority(tmp_path) as ca:
        client = client_of(ca)
        result = client.enroll(csr("CN=ec", 0, SECRET, "P-256"), key)
        assert result.status is PkiStatus.SUCCESS
        assert result.certificate is not None
        assert result.certificate.key_usage == frozenset({"digitalSignature"})
        refused = client.enroll(csr("CN=ec2", 0, None, "P-256"), key)
        assert "EC key" in refused.fail_info_text
        assert len(ca.store.all_issued()) == 1


def test_ca_with_an_ec_key_has_an_rsa_decrypter(tmp_path: Path) -> None:
    """An EC key cannot decrypt requests, so the CA makes an RSA certificate for that, and the client uses it."""
    from sceplab.lab.ca import CertificationAuthority
    from sceplab.lab.store import Store

    store = Store(tmp_path / "ca.sqlite")
    CertificationAuthority.create(store, key=quick_key(0, "P-256"))
    ca = CertificationAuthority(store, Policy((SECRET,)))
    assert not isinstance(ca.issuer.key, rsa.RSAPrivateKey)
    assert client_of(ca).enroll(csr(number=1), quick_key(1)).status is PkiStatus.SUCCESS
    store.close()


# --------------------------------------------------------------- the other operations


def test_client_uses_separate_signing_and_encryption_certificates(tmp_path: Path) -> None:
    """GetCACert returns three certificates: the CA's, one that signs replies, and one that receives requests."""
    with authority(tmp_path, separate=True) as ca:
        client = client_of(ca)
        certificates = client.get_ca_cert()
        assert len(certificates.all) == 3
        assert certificates.recipient.key_usage == frozenset({"keyEncipherment"})
        assert certificates.signer.key_usage == frozenset({"digitalSignature"})
        assert certificates.ca.der == ca.certificate
        result = client.enroll(csr(), quick_key())
        assert result.status is PkiStatus.SUCCESS
        assert result.reply.verification.signer == certificates.signer


def test_get_cert_finds_a_certificate_by_serial(tmp_path: Path) -> None:
    """An unknown serial and another CA's name give badCertId, as GetCert and as GetCRL (RFC 8894, 3.2.1.4)."""
    with authority(tmp_path) as ca:
        client = client_of(ca)
        own = _identity(client.enroll(csr(), quick_key()))
        found = client.get_cert(own.parsed.serial, own)
        assert found.certificate == own.parsed
        assert client.get_cert(ca.issuer.parsed.serial, own).certificate == ca.issuer.parsed
        assert client.get_cert(b"\x01\x02", own).fail_info is FailInfo.badCertId
        other = build_issuer_and_serial(parse_subject("CN=other"), own.parsed.serial)
        for kind in (MessageType.GetCert, MessageType.GetCRL):
            result = client.operate(kind, other, own, "T", None)
            assert (result.status, result.fail_info) == (PkiStatus.FAILURE, FailInfo.badCertId)
            assert "names no certificate of this CA" in result.fail_info_text


@needs("openssl")
def test_crl_lists_revoked_certificates_and_openssl_verifies_it(tmp_path: Path) -> None:
    """The CRL number goes up by one each time."""
    with authority(tmp_path) as ca:
        client = client_of(ca)
        own = _identity(client.enroll(csr(), quick_key()))
        (before,) = client.get_crl(own).crls
        other = client.enroll(csr("CN=R4", 1), quick_key(1)).certificate
        assert other is not None
        ca.revoke(other.serial_number)
        (after,) = client.get_crl(own).crls
        assert before.revoked == ()
        assert after.revoked == (other.serial,)
        assert (before.number, after.number) == (1, 2)
        (tmp_path / "ca.der").write_bytes(ca.certificate)
        (tmp_path / "crl.der").write_bytes(after.der)
        with pytest.raises(InputError, match="already"):
            ca.revoke(other.serial_number)
    openssl("x509", "-inform", "der", "-in", tmp_path / "ca.der", "-out", tmp_path / "ca.pem")
    told = openssl("crl", "-inform", "der", "-in", tmp_path / "crl.der", "-noout", "-CAfile", tmp_path / "ca.pem")
    assert "verify OK" in told


def test_rollover_announces_and_switches_to_the_new_ca(tmp_path: Path) -> None:
    """GetNextCACert returns the new CA. After the switch the old device certificate signs its renewal."""
    with authority(tmp_path) as ca:
        client = client_of(ca)
        old = _identity(client.enroll(csr(), quick_key()))
        with pytest.raises(ClientError, match="404"):
            client.get_next_ca_cert()
        with pytest.raises(InputError, match="prepared"):
            ca.roll_over()
        following = ca.prepare_rollover()
        assert client.get_next_ca_cert().ca.der == following
        ca.roll_over()
        # A client that has not noticed yet encrypts for the old certificate.
        with pytest.raises(ClientError, match="not among the certificates"):
            client.renew(csr(number=1, challenge=None), old)
        new = client_of(ca)
        renewed = new.renew(csr(number=1, challenge=None), old)
        assert renewed.certificate is not None
        assert renewed.certificate.issuer == parse_certificate(following).subject
        assert renewed.reply.verification.signer == parse_certificate(following)


def test_http_errors_for_requests_without_a_pki_message(tmp_path: Path) -> None:
    """Covers operations, methods and bodies for which no CertRep can be built."""
    with authority(tmp_path) as ca:
        caps = ca.answer(build_request("GetCACaps"))
        assert caps.header("content-type") == "text/plain"
        assert tuple(caps.body.decode().split()) == DEFAULT_CAPABILITIES
        assert ca.answer(build_request("GetCACert", identifier="anything")).body == ca.certificate
        for target in ("/", "/x?operation=Nonsense", "/x?message=AAAA"):
            assert ca.answer(HttpRequest("GET", target)).status == 400
        for junk in (b"", b"junk", b"\x30\x00", ca.certificate, b"\x30\x80" * 50):
            reply = ca.answer(build_request("PKIOperation", message=junk, method="POST"))
            assert (reply.status, reply.header("Content-Type")) == (400, "text/plain")
        assert ca.answer(build_request("PKIOperation", message=b"x", method="PUT")).status == 405
        ca.policy = replace(ca.policy, capabilities=("AES", "SHA-256"))
        assert ca.answer(build_request("PKIOperation", message=_message(ca, csr()), method="POST")).status == 405
        assert client_of(ca).enroll(csr(), quick_key()).request is not None, "by GET it goes"


@pytest.mark.parametrize("name", CLIENT_DIALECTS)
def test_every_client_dialect_is_granted_by_get_and_post(tmp_path: Path, name: str) -> None:
    """Each dialect makes its transactionID in its own way."""
    with authority(tmp_path, Policy((SECRET,), strict=Strictness(legacy=True))) as ca:
        ids = set()
        for number, method in enumerate(("GET", "POST", None)):
            client = client_of(ca, dialect=CLIENT_DIALECTS[name], method=method)
            result = client.enroll(csr(f"CN={name}", number), quick_key(number))
            assert result.status is PkiStatus.SUCCESS, result
            ids.add(result.transaction_id)
        assert len(ids) == 3


def test_missing_ca_or_store_is_a_clear_error(tmp_path: Path) -> None:
    """The inputs: a store without a CA, a text file, and a folder that does not exist."""
    from sceplab.lab.ca import CertificationAuthority
    from sceplab.lab.store import Store

    store = Store(tmp_path / "empty.sqlite")
    with pytest.raises(InputError, match="has no CA"):
        CertificationAuthority(store)
    store.close()
    (tmp_path / "text").write_text("this is no database, but it is long enough to be looked at" * 20)
    with pytest.raises(InputError, match="not the store"):
        Store(tmp_path / "text")
    with pytest.raises(InputError, match="cannot be opened"):
        Store(tmp_path / "no" / "such" / "folder")


def test_store_files_are_readable_by_the_owner_only(tmp_path: Path) -> None:
    """The store holds the CA's private key, and so do the files that SQLite creates beside it."""
    with authority(tmp_path) as ca:
        client_of(ca).enroll(csr(), quick_key())
        files = list(tmp_path.glob("ca.sqlite*"))
        assert len(files) >= 2
        assert {p.stat().st_mode & 0o777 for p in files} == {0o600}


def test_store_counts_transactions_by_state(tmp_path: Path) -> None:
    """One request is granted and one is pending."""
    with authority(tmp_path) as ca:
        client = client_of(ca)
        client.enroll(csr(), quick_key())
        client.enroll(csr("CN=R4", 1, None), quick_key(1))
        assert [ca.store.count(s) for s in State] == [1, 1, 0]
        assert [t.state for t in ca.store.transactions()] == [State.GRANTED, State.PENDING]
        with pytest.raises(InputError, match="no pending request matches 'nobody'"):
            ca.find_pending("nobody")
    assert isinstance(client, ScepClient)
