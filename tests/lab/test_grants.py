"""Attacks on the CA and the RA over real sockets: nobody gets a certificate that was not approved.

Each test takes the attacker's side: it sends what the attacker sends and checks what the attacker does not get.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

import sceplab
from sceplab.asn1 import der, oids
from sceplab.cli import main
from sceplab.cms.csr import build_csr
from sceplab.cms.name import Name, NameAttribute, build_name, parse_subject
from sceplab.cms.sign import build_signed
from sceplab.cms.signature import SigningKey
from sceplab.cms.x509 import Certificate, Extension
from sceplab.errors import InputError
from sceplab.lab import vouching
from sceplab.lab.client import ScepClient, self_signed
from sceplab.lab.dialects import CLIENT_DIALECTS
from sceplab.lab.http import ClientError, http_sender
from sceplab.lab.identity import Identity, new_key
from sceplab.lab.network import Lab
from sceplab.lab.opening import Strictness
from sceplab.lab.policy import challenge_digest
from sceplab.lab.results import Result
from sceplab.scep.attributes import FailInfo, MessageType, PkiStatus, ScepAttributes
from sceplab.scep.messagedata import build_issuer_and_subject
from sceplab.scep.transport import HttpReply, HttpRequest, build_request, parse_request
from tests.helpers.labs import SECRET, csr, quick_key, running_lab

ADMIN = "CN=admin,O=Victim"


def _named(value: str, string_type: str, oid: str = oids.COMMON_NAME) -> Name:
    return build_name([[NameAttribute(oid, value, string_type)]])


def _request(
    subject: Name | str, key: SigningKey, challenge: str | None = None, extensions: tuple[Extension, ...] = ()
) -> bytes:
    name = parse_subject(subject) if isinstance(subject, str) else subject
    return build_csr(name, key, challenge_password=challenge, extensions=extensions)


def _alt_names(*names: str) -> Extension:
    value = x509.SubjectAlternativeName([x509.DNSName(n) for n in names]).public_bytes()
    return Extension(oids.SUBJECT_ALT_NAME, critical=False, value=value)


def _usages(*usages: str) -> Extension:
    return Extension(oids.EXTENDED_KEY_USAGE, critical=False, value=der.sequence(*map(der.oid, usages)))


def _identity(result: Result, number: int = 0) -> Identity:
    assert result.certificate is not None, result
    return Identity(result.certificate.der, quick_key(number))


def _claims(certificate: Certificate | None) -> dict[str, bytes]:
    assert certificate is not None
    wanted = {oids.SUBJECT_ALT_NAME, oids.EXTENDED_KEY_USAGE}
    return {e.oid: e.value for e in certificate.extensions if e.oid in wanted}


TLS = _usages(oids.SERVER_AUTH, oids.CLIENT_AUTH)


# --------------------------------------------------------------- requests for an RA's name or the CA's name


RA_NAMES = {
    "the RA's own": parse_subject("OU=ioscs RA,unstructuredName=R2"),
    "another": parse_subject("OU=ioscs RA,CN=other"),
    "case and spaces": parse_subject("OU=IOSCS   ra,unstructuredName=R2"),
    "UTF8String": build_name(
        [
            [NameAttribute(oids.ORGANIZATIONAL_UNIT_NAME, "ioscs RA", "UTF8String")],
            [NameAttribute(oids.UNSTRUCTURED_NAME, "R2", "IA5String")],
        ]
    ),
    "wide letters": _named("\uff49oscs\u200b RA", "UTF8String", oids.ORGANIZATIONAL_UNIT_NAME),
}


@pytest.mark.parametrize("name", RA_NAMES)
def test_ra_client_cannot_get_an_ra_certificate(name: str) -> None:
    """The client knows the RA's challengePassword and asks for an RA's name; the RA signs its request."""
    with running_lab(ra=True) as lab:
        before = len(lab.ca.store.all_issued())
        client = lab.client(via="ra")
        result = client.enroll(_request(RA_NAMES[name], quick_key(), SECRET), quick_key())
        assert result.status is not PkiStatus.SUCCESS
        assert len(lab.ca.store.all_issued()) == before


@pytest.mark.parametrize("kind", [MessageType.PKCSReq, MessageType.RenewalReq])
@pytest.mark.parametrize("name", RA_NAMES)
def test_ra_cannot_get_another_ra_certificate_without_approval(name: str, kind: MessageType) -> None:
    """The RA itself signs the request, for its own name or for another. The request is pending or refused."""
    with running_lab(ra=True, grant_auto=True) as lab:
        assert lab.ra is not None
        before = len(lab.ca.store.all_issued())
        request = _request(RA_NAMES[name], quick_key(), SECRET)
        result = lab.client().enroll(request, lab.ra.signer, message_type=kind)
        assert result.status is not PkiStatus.SUCCESS
        assert len(lab.ca.store.all_issued()) == before


def test_ra_renewal_with_a_new_key_needs_approval() -> None:
    """After the grant the new certificate works as an RA certificate."""
    with running_lab(ra=True) as lab:
        assert lab.ra is not None
        client = lab.client()
        pending = client.renew(_request(RA_NAMES["the RA's own"], quick_key()), lab.ra.signer)
        assert pending.status is PkiStatus.PENDING
        (waiting,) = lab.ca.pending()
        lab.ca.grant(waiting)
        renewed = _identity(client.poll(pending))
        assert client.enroll(csr("CN=user", 1, None), renewed).status is PkiStatus.SUCCESS


CA_NAMES = {
    "UTF8String": [[("CN", "R1"), ("O", "Lab")]],
    "case": [[("CN", "r1"), ("O", "LAB")]],
    "spaces": [[("CN", " R1 "), ("O", "Lab")]],
    "order": [[("O", "Lab"), ("CN", "R1")]],
    "wide": [[("CN", "\uff32\uff11"), ("O", "L\u00adab")]],
}
_OIDS = {"CN": oids.COMMON_NAME, "O": oids.ORGANIZATION_NAME}


def test_request_for_the_cas_name_is_refused(tmp_path: Path) -> None:
    """RFC 5280, 7.1: the variants in CA_NAMES are all the same name."""
    with Lab(tmp_path / "lab", subject="CN=R1+O=Lab", challenge=SECRET, record=False) as lab:
        client = lab.client()
        for number, (how, rdns) in enumerate(CA_NAMES.items()):
            name = build_name([[NameAttribute(_OIDS[k], v, "UTF8String") for k, v in rdn] for rdn in rdns])
            result = client.enroll(_request(name, quick_key(number), SECRET), quick_key(number))
            assert "CA's own" in result.fail_info_text, how
        assert lab.ca.store.all_issued() == []


# --------------------------------------------------------------- names and usages that need approval


WISHES = {
    "a name": (_alt_names("victim.example"),),
    "OCSPSigning": (_usages(oids.OCSP_SIGNING),),
    "any usage": (_usages(oids.ANY_EXTENDED_KEY_USAGE),),
    "one of the RA's": (_usages(oids.CLIENT_AUTH, oids.CMC_RA),),
}


@pytest.mark.parametrize("wish", WISHES)
def test_request_for_more_names_or_usages_is_pending(wish: str) -> None:
    """Covers a renewal, an RA, the RA's clients, a one-time challengePassword and `grant_auto`."""
    with running_lab(ra=True) as lab:
        assert lab.ra is not None
        client = lab.client()
        old = _identity(client.enroll(csr("CN=R3"), quick_key()))
        once = lab.ca.new_challenge("CN=R4")
        before = len(lab.ca.store.all_issued())

        def ask(subject: str, number: int, challenge: str | None = None) -> bytes:
            return _request(subject, quick_key(number), challenge, WISHES[wish])

        assert client.renew(ask("CN=R3", 1), old).status is PkiStatus.PENDING
        assert client.enroll(ask("CN=R4", 2, once), quick_key(2)).status is PkiStatus.PENDING
        assert client.enroll(ask(ADMIN, 3), lab.ra.signer).status is PkiStatus.PENDING
        assert client.enroll(ask(ADMIN, 4, SECRET), quick_key(4)).status is PkiStatus.PENDING
        through = lab.client(via="ra").enroll(ask(ADMIN, 5, SECRET), quick_key(5))
        assert through.status is PkiStatus.PENDING
        lab.ca.policy = replace(lab.ca.policy, grant_auto=True, challenges=())
        assert client.enroll(ask(ADMIN, 6), quick_key(6)).status is PkiStatus.PENDING
        assert len(lab.ca.store.all_issued()) == before
        # The one-time challengePassword is used up by the request that is pending.
        assert client.enroll(csr("CN=R4", 7, once), quick_key(7)).certificate is not None  # `grant_auto` is on
        challenge = lab.ca.store.challenge(challenge_digest(once))
        assert challenge is not None
        assert challenge.used


def test_allowed_names_and_usages_are_granted() -> None:
    """A request without usages gets those for TLS. A request beyond the policy gets all it asked for after a grant."""
    with running_lab(alt_names=("DNS:*.lab.example",), usages=(oids.CLIENT_AUTH, oids.CODE_SIGNING)) as lab:
        client = lab.client()
        wishes = (_alt_names("r3.LAB.example"), _usages(oids.CODE_SIGNING))
        allowed = client.enroll(_request("CN=R3", quick_key(), SECRET, wishes), quick_key())
        assert _claims(allowed.certificate) == {w.oid: w.value for w in wishes}
        mixed = (_alt_names("r3.lab.example", "victim.example"),)
        pending = client.enroll(_request("CN=R4", quick_key(1), SECRET, mixed), quick_key(1))
        assert pending.status is PkiStatus.PENDING
        lab.ca.grant(lab.ca.pending()[0])
        granted = client.poll(pending).certificate
        assert _claims(granted) == {mixed[0].oid: mixed[0].value, TLS.oid: TLS.value}


def test_renewal_keeps_the_names_and_usages_of_the_old_certificate() -> None:
    """The renewal may repeat the extensions or leave them out. The subject stays as it is in the old certificate."""
    with running_lab() as lab:
        client = lab.client()
        wishes = (_alt_names("r3.example"), _usages(oids.IPSEC_IKE))
        pending = client.enroll(_request("CN=R3", quick_key(), None, wishes), quick_key())
        lab.ca.grant(lab.ca.pending()[0])
        old = _identity(client.poll(pending))
        had = {w.oid: w.value for w in wishes}
        for number, (name, asked) in enumerate((("CN=R3", ()), ("CN=r3", wishes)), 1):
            renewed = client.renew(_request(name, quick_key(number), None, asked), old).certificate
            assert _claims(renewed) == had
            assert renewed is not None
            assert renewed.subject == old.parsed.subject


def test_renewal_through_the_ra_keeps_names_and_usages() -> None:
    """A renewal that asks for more is pending, and so is a first request with these names."""
    with running_lab(ra=True) as lab:
        client = lab.client(via="ra")
        wishes = (_alt_names("r3.example"), _usages(oids.IPSEC_IKE))
        pending = client.enroll(_request("CN=R3", quick_key(), SECRET, wishes), quick_key())
        assert pending.status is PkiStatus.PENDING
        lab.ca.grant(lab.ca.pending()[0])
        old = _identity(client.poll(pending))
        for number, asked in enumerate(((), wishes), 1):
            renewed = client.renew(_request("CN=R3", quick_key(number), None, asked), old)
            assert renewed.status is PkiStatus.SUCCESS, renewed
            assert _claims(renewed.certificate) == {w.oid: w.value for w in wishes}
        more = (_alt_names("r3.example", "r4.example"),)
        assert client.renew(_request("CN=R3", quick_key(3), None, more), old).status is PkiStatus.PENDING
        again = client.enroll(_request("CN=R3", quick_key(4), SECRET, wishes), quick_key(4))
        assert again.status is PkiStatus.PENDING, "it is not signed with the old certificate"


@pytest.mark.parametrize("forged", ["another subject", "not issued here", "only carried", "revoked"])
def test_ra_renewal_needs_a_valid_certificate_in_its_signed_attributes(forged: str) -> None:
    """This CA issued the certificate, it has the same name and is valid, and the RA's signature covers it."""
    with running_lab(ra=True) as lab:
        assert lab.ra is not None
        wishes = (_alt_names("r3.example"),)
        client = lab.client()
        pending = client.enroll(_request("CN=R3", quick_key(), SECRET, wishes), quick_key())
        lab.ca.grant(lab.ca.pending()[0])
        old = _identity(client.poll(pending)).parsed
        name = "CN=R4" if forged == "another subject" else "CN=R3"
        if forged == "not issued here":
            old = self_signed(csr("CN=R3"), quick_key()).parsed
        if forged == "revoked":
            lab.ca.revoke(old.serial_number)
        request = sceplab.parse_csr(_request(name, quick_key(1), None, wishes))
        attributes = ScepAttributes("19", "T1", bytes(16))
        draft = sceplab.draft_message(
            attributes,
            request.raw,
            signer_certificate=lab.ra.signer.certificate,
            recipients=[lab.ca.certificate],
            certificates=[lab.ra.signer.certificate, old.der],
            extra_attributes=() if forged == "only carried" else (vouching.renews(old),),
        )
        message = sceplab.encode_message(draft, lab.ra.signer.key)
        reply = sceplab.decode_message(
            http_sender(lab.ca_url)(build_request("PKIOperation", message=message, method="POST")).body
        )
        expected = PkiStatus.FAILURE if forged == "revoked" else PkiStatus.PENDING
        assert reply.attributes.status is expected


def test_lab_pending_and_grant_show_requested_extensions(capsys: pytest.CaptureFixture[str]) -> None:
    """The output also shows that another key signed the message."""
    with running_lab(ra=True, ra_auto=False) as lab:
        assert lab.ra is not None
        request = _request("CN=R3", quick_key(), None, (*WISHES["a name"], *WISHES["OCSPSigning"]))
        lab.client().enroll(request, lab.ra.signer)
        folder = ["--dir", str(lab.folder)]
        assert main(["lab", "pending", *folder]) == 0
        shown = capsys.readouterr().out
        assert "asks for subjectAltName: DNS:victim.example" in shown
        assert "asks for extendedKeyUsage: OCSPSigning" in shown
        assert "signed by another key" in shown
        assert main(["lab", "grant", shown.split()[0], *folder]) == 0
        assert "OCSPSigning" in capsys.readouterr().out


# --------------------------------------------------------------- transactions behind an RA


@pytest.mark.parametrize("own", [True, False], ids=["made of the key", "made up"])
def test_reused_transaction_id_gives_no_access_to_the_victims_certificate(*, own: bool) -> None:
    """A stranger enrolls and polls with the victim's transactionID, under both names.

    The victim gets its certificate.
    """
    with running_lab(ra=True, ra_auto=False, challenges=()) as lab:
        client = lab.client(via="ra")
        request = sceplab.parse_csr(csr("CN=victim"))
        named = sceplab.transaction_id_of(request.public_key_info) if own else "router-1"

        def ask(subject: str, number: int) -> Result:
            asked = sceplab.parse_csr(csr(subject, number))
            signer = self_signed(asked.raw, quick_key(number))
            return client.operate(MessageType.PKCSReq, asked.raw, signer, named, asked)

        def look(subject: str, number: int) -> Result:
            signer = self_signed(csr(subject, number), quick_key(number))
            data = build_issuer_and_subject(lab.ca.issuer.parsed.subject, parse_subject("CN=victim"))
            return client.operate(MessageType.CertPoll, data, signer, named, None)

        victim = ask("CN=victim", 0)
        (waiting,) = lab.ca.pending()
        assert look("CN=victim", 1).fail_info is FailInfo.badCertId
        assert ask("CN=stranger", 2).status is PkiStatus.PENDING
        lab.ca.grant(waiting)
        granted = client.poll(victim)
        assert granted.status is PkiStatus.SUCCESS
        assert granted.certificate is not None
        assert granted.certificate.subject.rfc4514() == "CN=victim"
        assert look("CN=victim", 1).fail_info is FailInfo.badCertId
        assert look("CN=victim", 2).status is PkiStatus.PENDING, "his own"


@pytest.mark.parametrize("dialect", CLIENT_DIALECTS)
def test_polls_through_the_ra_return_the_certificate_in_every_dialect(dialect: str) -> None:
    """Each dialect makes transactionIDs in its own way. Covers a first request and a renewal, both approved by hand."""
    with running_lab(ra=True, ra_auto=False, challenges=(), strict=Strictness(legacy=True)) as lab:
        assert lab.ra is not None
        lab.ra.policy = replace(lab.ra.policy, strict=Strictness(legacy=True))
        client = lab.client(via="ra", dialect=CLIENT_DIALECTS[dialect])
        pending = client.enroll(csr(), quick_key())
        lab.ca.grant(lab.ca.pending()[0])
        old = _identity(client.poll(pending))
        pending = client.enroll(csr("CN=R3", 1, None), old)
        assert pending.status is PkiStatus.PENDING
        lab.ca.grant(lab.ca.pending()[0])
        assert client.poll(pending).status is PkiStatus.SUCCESS


def test_ec_client_cannot_poll_through_the_ra_but_can_enroll_again() -> None:
    """A poll carries no challengePassword, and the RA keeps none, so the RA cannot encrypt a reply to it."""
    key = quick_key(0, "P-256")
    with running_lab(ra=True, ra_auto=False, challenges=()) as lab:
        client = lab.client(via="ra")
        request = csr("CN=ec", 0, SECRET, "P-256")
        pending = client.enroll(request, key)
        lab.ca.grant(lab.ca.pending()[0])
        assert "EC key" in client.poll(pending).fail_info_text
        assert client.enroll(request, key).status is PkiStatus.SUCCESS


# --------------------------------------------------------------- how an operator names a request


def test_operator_number_is_not_matched_against_transaction_ids(capsys: pytest.CaptureFixture[str]) -> None:
    """Clients choose transactionIDs that look like another request's number or share its prefix."""
    with running_lab() as lab:
        client = lab.client()
        for number, named in enumerate(("AAAAAAAA-1", "2", "1", "AAAAAAAA-2")):
            asked = sceplab.parse_csr(csr(f"CN=device-{number}", number, None))
            client.operate(MessageType.PKCSReq, asked.raw, self_signed(asked.raw, quick_key(number)), named, asked)
        first, second, third, fourth = lab.ca.pending()
        assert [lab.ca.find_pending(str(t.id)).id for t in (first, second, third)] == [first.id, second.id, third.id]
        folder = ["--dir", str(lab.folder)]
        assert main(["lab", "grant", "1", *folder]) == 0
        # Request 1 is granted already; "1" does not match the transactionID "1" of another request.
        assert main(["lab", "grant", "1", *folder]) == 2
        assert "no pending request matches '1'" in capsys.readouterr().err
        assert lab.ca.find_pending("AAAAAAAA").id == fourth.id
        with pytest.raises(InputError, match="at least 8 characters"):
            lab.ca.find_pending("AAAAAAA")
        asked = sceplab.parse_csr(csr("CN=device-5", 5, None))
        signer = self_signed(asked.raw, quick_key(5))
        client.operate(MessageType.PKCSReq, asked.raw, signer, fourth.transaction_id, asked)
        assert main(["lab", "deny", fourth.transaction_id, *folder]) == 2
        assert (
            f"2 pending requests match 'AAAAAAAA-2'; give the number of one: {fourth.id}, 5" in capsys.readouterr().err
        )
        assert [t.id for t in lab.ca.pending()] == [2, 3, 4, 5]


# --------------------------------------------------------------- secrets


def test_store_keeps_no_challenge_passwords(tmp_path: Path) -> None:
    """Covers granted and pending requests. A pending request can still be granted."""
    with Lab(tmp_path / "lab", record=False) as lab:
        client = lab.client()
        pending = client.enroll(csr("CN=R3", 0, "typed-at-a-prompt"), quick_key())
        lab.ca.grant(lab.ca.pending()[0])
        assert client.poll(pending).status is PkiStatus.SUCCESS
        lab.ca.policy = replace(lab.ca.policy, challenges=("R3-to-R1-via-R2",))
        assert client.enroll(csr("CN=R4", 1, "R3-to-R1-via-R2"), quick_key(1)).status is PkiStatus.SUCCESS
        assert client.enroll(csr("CN=R4", 1, "R3-to-R1-via-R2"), quick_key(1)).status is PkiStatus.SUCCESS, "a retry"
    kept = b"".join(p.read_bytes() for p in (tmp_path / "lab").iterdir() if p.name.startswith("ca.sqlite"))
    assert kept
    assert b"typed-at-a-prompt" not in kept
    assert b"R3-to-R1-via-R2" not in kept


@pytest.mark.parametrize("via", ["ca", "ra"])
@pytest.mark.parametrize("kind", ["2048", "P-256"])
def test_captured_envelope_signed_with_another_key_is_refused(via: str, kind: str) -> None:
    """The envelope is the victim's and the signature the attacker's. The reply shows nothing about the content."""
    with running_lab(ra=True) as lab:
        stolen: list[bytes] = []
        client = lab.client(via=via)
        url = lab.ca_url if via == "ca" else lab.ra_url
        send = http_sender(url)

        def listen(request: HttpRequest) -> HttpReply:
            asked = parse_request(request)
            if asked.message is not None:
                stolen.append(asked.message)
                return HttpReply(500)  # the victim's request does not reach the server
            return send(request)

        with pytest.raises(ClientError):
            ScepClient(listen).enroll(csr("CN=victim"), quick_key())
        envelope = sceplab.parse_signed(stolen[0]).content
        assert envelope is not None
        attacker = quick_key(1, kind)
        own = self_signed(_request("CN=victim", attacker), attacker)
        before = len(lab.ca.store.all_issued())
        attributes = ScepAttributes("19", "T1", bytes(16))
        draft = sceplab.draft_message(
            attributes, b"", signer_certificate=own.certificate, recipients=[client.ca.recipient]
        )
        message = build_signed(draft.signed, envelope, own.key)
        reply = sceplab.decode_message(send(build_request("PKIOperation", message=message, method="POST")).body)
        assert reply.attributes.failure is FailInfo.badMessageCheck
        assert "another key" in (reply.attributes.fail_info_text or "")
        assert len(lab.ca.store.all_issued()) == before


# --------------------------------------------------------------- requests that must be refused


def test_small_curves_are_refused() -> None:
    """P-224 and P-192 are refused; P-256 is granted."""
    with running_lab() as lab:
        client = lab.client()
        for curve in (ec.SECP224R1(), ec.SECP192R1()):
            small = ec.generate_private_key(curve)
            result = client.enroll(_request("CN=small", small, SECRET), small)
            assert f"the curve {curve.name}" in result.fail_info_text
        key = new_key("P-256")
        assert client.enroll(_request("CN=ec", key, SECRET), key).status is PkiStatus.SUCCESS


BAD = {
    "NUL": (_named("victim.example\0.eve.example", "UTF8String"), (), "control character"),
    "escape": (_named("\x1b[2Jadmin", "UTF8String", oids.ORGANIZATION_NAME), (), "control character"),
    "line": (_named("admin\u2028granted", "UTF8String"), (), "control character"),
    "NUL in a DNS name": (None, (_alt_names("victim.example\0.eve.example"),), "control character"),
    "many names": (None, (_alt_names(*(f"h{n}.example" for n in range(51))),), "51 alternative names"),
    "long DNS name": (None, (_alt_names("x" * 300),), "304 characters"),
    "many usages": (None, (_usages(*(f"1.3.6.1.4.1.{n}" for n in range(21))),), "21 extended key usages"),
    "no names": (None, (Extension(oids.SUBJECT_ALT_NAME, critical=False, value=b"\x04\x00"),), "cannot be read"),
    "long CN": (_named("x" * 65, "UTF8String"), (), "65 characters"),
    "long O": (_named("x" * 65, "UTF8String", oids.ORGANIZATION_NAME), (), "65 characters"),
    "long L": (_named("x" * 129, "UTF8String", oids.LOCALITY_NAME), (), "129 characters"),
    "many attributes": (parse_subject(",".join(f"OU=u{n}" for n in range(33))), (), "33 attributes"),
    "half a name": (Name(der.sequence(der.set_of([der.sequence(der.oid(oids.COMMON_NAME))]))), (), "cannot be read"),
}


@pytest.mark.parametrize("name", BAD)
def test_misleading_or_oversized_names_are_refused(name: str) -> None:
    """The CA and the RA refuse them with a reason. No such request becomes pending."""
    subject, extensions, words = BAD[name]
    with running_lab(ra=True) as lab:
        for via in ("ca", "ra"):
            request = sceplab.parse_csr(_request(subject or "CN=R3", quick_key(), SECRET, extensions))
            signer = self_signed(csr(), quick_key())
            client = lab.client(via=via)
            result = client.operate(MessageType.PKCSReq, request.raw, signer, "T1", request)
            assert result.status is PkiStatus.FAILURE
            assert words in result.fail_info_text
        assert lab.ca.pending() == []


def test_one_time_challenge_matches_its_name_in_any_string_type() -> None:
    """The operator's name is a PrintableString and the device's a UTF8String: RFC 5280, 7.1 treats them as equal."""
    with running_lab(challenges=()) as lab:
        once = lab.ca.new_challenge("CN=R3")
        client = lab.client()
        refused = client.enroll(_request(_named("R33", "UTF8String"), quick_key(1), once), quick_key(1))
        assert refused.status is PkiStatus.FAILURE
        granted = client.enroll(_request(_named("R3", "UTF8String"), quick_key(), once), quick_key())
        assert granted.status is PkiStatus.SUCCESS
