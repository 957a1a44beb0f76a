"""The client of the lab: what it accepts, what it reports, and how it chooses algorithms."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import sceplab
from sceplab.cms.name import parse_subject
from sceplab.errors import BuildError, InputError, ScepError
from sceplab.lab.chains import CaCertificates
from sceplab.lab.client import ScepClient, self_signed
from sceplab.lab.faults import FAULTS, Fault, faults_named
from sceplab.lab.http import ClientError, http_sender
from sceplab.lab.identity import Identity, new_key
from sceplab.lab.opening import Strictness
from sceplab.lab.policy import Policy, with_faults
from sceplab.scep.attributes import PkiStatus, ScepAttributes
from sceplab.scep.capabilities import Capabilities
from sceplab.scep.transport import HttpReply, HttpRequest
from tests.helpers.captures import certificate
from tests.helpers.labs import SECRET, authority, client_of, csr, quick_key

# fault -> the error of our client, or its warning (after "warns:"); "" where the client continues without either.
SAID = {
    "wrong-nonce": "may be a replay",
    "no-nonce": "may be a replay",
    "wrong-transaction": "the reply is for transaction",
    "no-status": "pkiStatus",
    "no-fail-info": "",
    "des-reply": "warns: single DES",
    "md5-reply": "warns: MD5",
    "pss-reply": "",
    "no-certificates": "",
    "nothing-issued": "no certificate for the key",
    "wrong-recipient": "cannot be opened",
    "expired-signer": "not among the certificates of GetCACert",
    "bad-signature": "cannot be trusted: signature",
    "wrong-content-type": "warns: Content-Type is text/html",
    "pem-reply": "not a SCEP message",
    "empty-reply": "an empty body",
    "empty-caps": "warns: no AES",
    "caps-not-found": "warns: no AES",
    "weak-caps": "warns: no SHA-2",
    "server-error": "HTTP 500",
    "slow": "",
}


def test_every_fault_has_an_expected_message() -> None:
    """SAID lists all faults. An unknown fault is an error."""
    assert set(SAID) == set(FAULTS)
    with pytest.raises(InputError, match="no such fault"):
        faults_named("typo")


def test_every_fault_has_an_effect() -> None:
    """Each fault sets at least one field apart from its texts."""
    plain = Fault("", "", "")
    for fault in FAULTS.values():
        assert replace(fault, id="", what="", clients="") != plain, fault.id


def test_the_lab_loads_http_libraries_only_where_they_are_used() -> None:
    """Only the server needs tornado, and only sending needs requests."""
    small = (
        "ca",
        "client",
        "dialects",
        "faults",
        "http",
        "identity",
        "opening",
        "policy",
        "ra",
        "replies",
        "responder",
    )
    code = f"import sys; {'; '.join(f'import sceplab.lab.{m}' for m in small)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"requests", "tornado", "ipywidgets"} & set(done.stdout.split())


@pytest.mark.parametrize("fault", SAID)
def test_client_reports_each_fault(tmp_path: Path, fault: str) -> None:
    """The client raises an error, gives a warning, or succeeds, as SAID lists."""
    warnings: list[str] = []
    with authority(tmp_path, with_faults(Policy((SECRET,)), fault)) as ca:
        client = client_of(ca, on_warning=warnings.append)
        said = SAID[fault]
        if said and not said.startswith("warns: "):
            with pytest.raises(ClientError, match=said):
                client.enroll(csr(), quick_key())
        else:
            assert client.enroll(csr(), quick_key()).status is PkiStatus.SUCCESS
        wanted = said.removeprefix("warns: ") if said.startswith("warns: ") else ""
        assert bool(wanted) == bool(warnings), warnings
        assert any(wanted in w for w in warnings) or not wanted
        assert all(len(w) < 300 for w in warnings)


def test_failure_without_fail_info_is_reported(tmp_path: Path) -> None:
    """The CA leaves out failInfo. The client shows that and does not crash."""
    with authority(tmp_path, with_faults(Policy((SECRET,)), "no-fail-info")) as ca:
        result = client_of(ca).enroll(csr(challenge="wrong"), quick_key())
    assert str(result).startswith("FAILURE (no failInfo)")


def test_fingerprint_of_the_ca_is_checked(tmp_path: Path) -> None:
    """The right fingerprint passes in any form. A wrong one stops before the request; a missing one gives a warning."""
    with authority(tmp_path) as ca:
        digest = ca.issuer.parsed.fingerprint()
        colons = ":".join(digest[i : i + 2] for i in range(0, 64, 2)).upper()
        for good in (digest, colons, ca.issuer.parsed.fingerprint("sha1")):
            assert ScepClient(ca.answer, fingerprint=good).get_ca_cert().ca.der == ca.certificate
        with pytest.raises(ClientError, match="another CA"):
            ScepClient(ca.answer, fingerprint="0" * 64).enroll(csr(), quick_key())
        with pytest.raises(InputError, match="not a SHA-256 or SHA-1"):
            ScepClient(ca.answer, fingerprint="abc").get_ca_cert()
        warnings: list[str] = []
        ScepClient(ca.answer, on_warning=warnings.append).get_ca_cert()
        assert len(warnings) == 1
        assert digest in warnings[0]
        assert ca.store.all_issued() == []


CHOICES = {
    ("AES", "SHA-256", "POSTPKIOperation"): ("aes-128-cbc", "sha256", True, 0),
    ("SCEPStandard",): ("aes-128-cbc", "sha256", True, 0),
    ("aes", "sha-512"): ("aes-128-cbc", "sha512", False, 1),
    ("DES3", "SHA-1"): ("des-ede3-cbc", "sha1", False, 3),
    (): ("des-ede3-cbc", "sha1", False, 3),
}


@pytest.mark.parametrize("words", CHOICES)
def test_client_chooses_the_strongest_offered_algorithms(words: tuple[str, ...]) -> None:
    """The client never chooses DES or MD5, and warns of weak algorithms."""
    caps = Capabilities(words)
    cipher, digest, post, warnings = CHOICES[words]
    assert (caps.cipher, caps.digest, caps.post, len(caps.warnings)) == (cipher, digest, post, warnings)


def _tampered(ca_answer: Callable[[HttpRequest], HttpReply], change: Callable[[bytes], bytes]) -> ScepClient:
    def send(request: HttpRequest) -> HttpReply:
        reply = ca_answer(request)
        return replace(reply, body=change(reply.body)) if "PKIOperation" in request.target else reply

    return ScepClient(send)


def test_reply_signed_by_another_device_is_rejected(tmp_path: Path) -> None:
    """The signer has a certificate of the same CA but is neither the CA nor its RA."""
    with authority(tmp_path) as ca:
        issued = client_of(ca).enroll(csr("CN=mallory", 1), quick_key(1)).certificate
        assert issued is not None
        mallory = Identity(issued.der, quick_key(1))

        def forge(body: bytes) -> bytes:
            asked = sceplab.decode_message(body)
            attributes = ScepAttributes(
                "3", asked.attributes.transaction_id, bytes(16), asked.attributes.recipient_nonce, "2", "2"
            )
            draft = sceplab.draft_message(attributes, None, signer_certificate=mallory.certificate)
            return sceplab.encode_message(draft, mallory.key)

        with pytest.raises(ClientError, match="not among the certificates of GetCACert"):
            _tampered(ca.answer, forge).enroll(csr(), quick_key())


@pytest.mark.parametrize("place", [0.1, 0.3, 0.6, 0.95])
def test_changed_reply_is_rejected(tmp_path: Path, place: float) -> None:
    """One changed byte at any place gives a ClientError."""
    with authority(tmp_path) as ca:

        def change(body: bytes) -> bytes:
            at = int(len(body) * place)
            return body[:at] + bytes((body[at] ^ 4,)) + body[at + 1 :]

        with pytest.raises(ClientError):
            _tampered(ca.answer, change).enroll(csr(), quick_key())


@pytest.mark.parametrize("body", [b"", b"x", b"\x30\x03\x02\x01\x01", b"<html>login</html>", b"\x30\x80" * 2000])
@pytest.mark.parametrize("operation", ["GetCACert", "GetNextCACert", "PKIOperation"])
def test_junk_from_the_server_is_a_client_error(tmp_path: Path, operation: str, body: bytes) -> None:
    """The inputs: an empty body, bytes that are not DER, an unrelated INTEGER, a web page, and deep nesting."""
    with authority(tmp_path) as ca:

        def send(request: HttpRequest) -> HttpReply:
            return HttpReply(200, (), body) if operation in request.target else ca.answer(request)

        client = ScepClient(send)
        with pytest.raises(ClientError):
            client.get_next_ca_cert() if operation == "GetNextCACert" else client.enroll(csr(), quick_key())


def test_web_page_as_capabilities_gives_no_capabilities(tmp_path: Path) -> None:
    """The client warns that the body is not a list of capabilities."""
    with authority(tmp_path) as ca:
        warnings: list[str] = []

        def send(request: HttpRequest) -> HttpReply:
            page = b"<html>" + b"<p>please log in here to use this network, dear guest</p>\n" * 300
            return HttpReply(200, (), page) if "GetCACaps" in request.target else ca.answer(request)

        client = ScepClient(send, fingerprint=ca.issuer.parsed.fingerprint(), on_warning=warnings.append)
        assert client.capabilities.words == ()
        assert "not a list of capabilities" in warnings[0]


def test_next_ca_certificate_signed_by_another_ca_is_rejected(tmp_path: Path) -> None:
    """GetNextCACert must be signed by the current CA."""
    (tmp_path / "other").mkdir()
    with authority(tmp_path) as ca, authority(tmp_path / "other", key=8) as other:
        other.prepare_rollover()

        def send(request: HttpRequest) -> HttpReply:
            return (other if "GetNextCACert" in request.target else ca).answer(request)

        with pytest.raises(ClientError, match="not signed by the current CA"):
            ScepClient(send).get_next_ca_cert()


def test_ra_certificate_of_another_ca_is_rejected(tmp_path: Path) -> None:
    """GetCACert is not signed, so an RA certificate in it must be issued by the CA.

    Otherwise anyone could read requests.
    """
    (tmp_path / "other").mkdir()
    with authority(tmp_path) as ca, authority(tmp_path / "other", key=8) as other:
        other.policy = replace(other.policy, grant_auto=True)
        eve = client_of(other).enroll(csr("CN=eve", 1), quick_key(1)).certificate
        assert eve is not None

        def send(request: HttpRequest) -> HttpReply:
            if "GetCACert" in request.target:
                return HttpReply(200, (), sceplab.build_degenerate([eve.der, ca.certificate]))
            return ca.answer(request)

        with pytest.raises(ClientError, match="not issued by the CA"):
            ScepClient(send, fingerprint=ca.issuer.parsed.fingerprint()).get_ca_cert()


def test_wait_polls_until_granted_or_the_limit_is_reached(tmp_path: Path) -> None:
    """The callback gets the seconds waited so far."""
    with authority(tmp_path) as ca:
        client = client_of(ca)
        first = client.enroll(csr(challenge=None), quick_key())
        slept: list[float] = []
        told: list[float] = []

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            if len(slept) == 3:
                ca.grant(ca.pending()[0])

        assert client.wait(first, every=5, limit=12, sleep=lambda _: None).status is PkiStatus.PENDING
        assert client.wait(first, every=5, limit=100, on_wait=told.append, sleep=sleep).status is PkiStatus.SUCCESS
        assert (slept, told) == ([5, 5, 5], [0, 5, 10])


def test_des_client_reads_its_reply(tmp_path: Path) -> None:
    """A legacy client at a legacy CA uses single DES in both directions."""
    with authority(tmp_path, Policy((SECRET,), strict=Strictness(legacy=True))) as ca:
        result = client_of(ca, cipher="des-cbc", digest="sha1").enroll(csr(), quick_key())
        assert result.status is PkiStatus.SUCCESS
        assert result.reply.enveloped is not None
        assert result.reply.enveloped.content_encryption.name == "des-cbc"


@pytest.mark.parametrize("url", ["", "ftp://x/y", "localhost:80", "http://"])
def test_bad_url_is_an_input_error(url: str) -> None:
    """The error comes before anything is sent."""
    with pytest.raises(InputError, match="not the URL"):
        http_sender(url)


def test_refused_connection_is_a_client_error() -> None:
    """The error comes after one retry."""
    client = ScepClient(http_sender("http://127.0.0.1:9/scep", retries=1, pause=0))
    with pytest.raises(ClientError, match="cannot be reached: Connection refused"):
        client.get_ca_cert()


@pytest.mark.parametrize("subject", ["", "R3", "CN=", "XX=1", "CN=a,,O=b"])
def test_bad_subject_is_an_input_error_with_an_example(subject: str) -> None:
    """The message shows a valid subject."""
    with pytest.raises(InputError, match="CN=R3"):
        parse_subject(subject)


def test_names_longer_than_x509_allows_are_refused(tmp_path: Path) -> None:
    """The client and the CA both refuse them, without a warning from the cryptography library."""
    for subject in ("CN=" + "x" * 65, "C=USA", "CN=a,C=U"):
        with pytest.raises(InputError, match="RFC 5280"):
            parse_subject(subject)
    text = sceplab.NameAttribute("2.5.4.3", "x" * 65, "UTF8String")
    long = sceplab.build_csr(sceplab.build_name([[text]]), quick_key(), challenge_password=SECRET)
    with authority(tmp_path) as ca:
        with pytest.raises(BuildError, match="65 characters"):
            client_of(ca).enroll(long, quick_key())
        result = client_of(ca).enroll(long, self_signed(csr(), quick_key()))
        assert "65 characters" in result.fail_info_text
        assert ca.store.all_issued() == []


def test_parse_subject_keeps_order_and_multivalued_rdns() -> None:
    """Escapes are removed. Each value gets the string type that can hold it."""
    name = parse_subject(r"OU=ioscs RA,serialNumber=42+unstructuredName=R2,CN=A\, B,O=Fr\+d\\,L=Zürich")
    assert [[(a.keyword, a.value, a.string_type) for a in rdn] for rdn in name.rdns] == [
        [("OU", "ioscs RA", "PrintableString")],
        [("serialNumber", "42", "PrintableString"), ("unstructuredName", "R2", "IA5String")],
        [("CN", "A, B", "PrintableString")],
        [("O", r"Fr+d" + "\\", "UTF8String")],
        [("L", "Zürich", "UTF8String")],
    ]


@pytest.mark.parametrize("kind", ["512", "abc", "99999", "P-999", ""])
def test_bad_kind_of_key_is_an_input_error(kind: str) -> None:
    """The message lists the supported kinds."""
    with pytest.raises(InputError, match="P-256"):
        new_key(kind)


def test_ca_and_ra_certificates_are_told_apart_in_any_order() -> None:
    """With the CA's certificate alone, requests are encrypted for it."""
    root, ra = (sceplab.parse_certificate(certificate(name)) for name in ("ca", "ra"))
    for order in ((root, ra), (ra, root)):
        found = CaCertificates(order)
        assert (found.ca, found.recipient, found.signer) == (root, ra, ra)
    assert CaCertificates((root,)).recipient == root


def test_only_an_enrollment_can_be_polled(tmp_path: Path) -> None:
    """The input is the result of a GetCRL."""
    with authority(tmp_path) as ca:
        client = client_of(ca)
        own = client.enroll(csr(), quick_key())
        assert own.certificate is not None
        crl = client.get_crl(Identity(own.certificate.der, quick_key()))
        with pytest.raises(ScepError, match="enrollment"):
            client.poll(crl)
