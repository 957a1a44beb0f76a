"""The client of the lab: what it believes, what it says, and how it picks algorithms."""

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

# fault -> what our client says ("" where it goes on, as RFC 8894 or good sense has it), or warns of (after "warns:").
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
    "expired-signer": "none of the certificates of GetCACert",
    "bad-signature": "cannot be believed: signature",
    "wrong-content-type": "warns: Content-Type is text/html",
    "pem-reply": "no SCEP message",
    "empty-reply": "an empty body",
    "empty-caps": "warns: no AES",
    "caps-not-found": "warns: no AES",
    "weak-caps": "warns: no SHA-2",
    "server-error": "HTTP 500",
    "slow": "",
}


def test_every_fault_has_its_line() -> None:
    """Faults and what is said of them go together."""
    assert set(SAID) == set(FAULTS)
    with pytest.raises(InputError, match="no such fault"):
        faults_named("typo")


def test_every_fault_has_an_effect() -> None:
    """A fault without one would be a right answer under a wrong name."""
    plain = Fault("", "", "")
    for fault in FAULTS.values():
        assert replace(fault, id="", what="", clients="") != plain, fault.id


def test_the_lab_loads_http_libraries_only_where_they_are_used() -> None:
    """Tornado belongs to the server, requests to what is sent."""
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
def test_faults(tmp_path: Path, fault: str) -> None:
    """Each fault of the CA is noticed, by an error or a warning, or is none for us."""
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


def test_failure_without_fail_info_is_still_one(tmp_path: Path) -> None:
    """It is reported, not crashed upon."""
    with authority(tmp_path, with_faults(Policy((SECRET,)), "no-fail-info")) as ca:
        result = client_of(ca).enroll(csr(challenge="wrong"), quick_key())
    assert str(result).startswith("FAILURE (no failInfo)")


def test_fingerprint(tmp_path: Path) -> None:
    """The right one in any form passes; a wrong one stops before anything is sent; none is warned of."""
    with authority(tmp_path) as ca:
        digest = ca.issuer.parsed.fingerprint()
        colons = ":".join(digest[i : i + 2] for i in range(0, 64, 2)).upper()
        for good in (digest, colons, ca.issuer.parsed.fingerprint("sha1")):
            assert ScepClient(ca.answer, fingerprint=good).get_ca_cert().ca.der == ca.certificate
        with pytest.raises(ClientError, match="another CA"):
            ScepClient(ca.answer, fingerprint="0" * 64).enroll(csr(), quick_key())
        with pytest.raises(InputError, match="no SHA-256 or SHA-1"):
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
def test_algorithms_by_capabilities(words: tuple[str, ...]) -> None:
    """The strongest that is offered; never DES or MD5; what is weak is warned of."""
    caps = Capabilities(words)
    cipher, digest, post, warnings = CHOICES[words]
    assert (caps.cipher, caps.digest, caps.post, len(caps.warnings)) == (cipher, digest, post, warnings)


def _tampered(ca_answer: Callable[[HttpRequest], HttpReply], change: Callable[[bytes], bytes]) -> ScepClient:
    def send(request: HttpRequest) -> HttpReply:
        reply = ca_answer(request)
        return replace(reply, body=change(reply.body)) if "PKIOperation" in request.target else reply

    return ScepClient(send)


def test_a_reply_of_another_device(tmp_path: Path) -> None:
    """Who has a certificate of this CA is not the CA: a CertRep that it signs is refused."""
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

        with pytest.raises(ClientError, match="none of the certificates of GetCACert"):
            _tampered(ca.answer, forge).enroll(csr(), quick_key())


@pytest.mark.parametrize("place", [0.1, 0.3, 0.6, 0.95])
def test_a_changed_reply(tmp_path: Path, place: float) -> None:
    """One octet anywhere: refused, never believed, never a crash."""
    with authority(tmp_path) as ca:

        def change(body: bytes) -> bytes:
            at = int(len(body) * place)
            return body[:at] + bytes((body[at] ^ 4,)) + body[at + 1 :]

        with pytest.raises(ClientError):
            _tampered(ca.answer, change).enroll(csr(), quick_key())


@pytest.mark.parametrize("body", [b"", b"x", b"\x30\x03\x02\x01\x01", b"<html>login</html>", b"\x30\x80" * 2000])
@pytest.mark.parametrize("operation", ["GetCACert", "GetNextCACert", "PKIOperation"])
def test_junk_from_the_server(tmp_path: Path, operation: str, body: bytes) -> None:
    """One clear error."""
    with authority(tmp_path) as ca:

        def send(request: HttpRequest) -> HttpReply:
            return HttpReply(200, (), body) if operation in request.target else ca.answer(request)

        client = ScepClient(send)
        with pytest.raises(ClientError):
            client.get_next_ca_cert() if operation == "GetNextCACert" else client.enroll(csr(), quick_key())


def test_junk_capabilities_are_none(tmp_path: Path) -> None:
    """A web page instead of capabilities: no capabilities, with a warning."""
    with authority(tmp_path) as ca:
        warnings: list[str] = []

        def send(request: HttpRequest) -> HttpReply:
            page = b"<html>" + b"<p>please log in here to use this network, dear guest</p>\n" * 300
            return HttpReply(200, (), page) if "GetCACaps" in request.target else ca.answer(request)

        client = ScepClient(send, fingerprint=ca.issuer.parsed.fingerprint(), on_warning=warnings.append)
        assert client.capabilities.words == ()
        assert "no list of capabilities" in warnings[0]


def test_next_ca_certificate_by_a_stranger(tmp_path: Path) -> None:
    """A rollover that somebody else signed is refused."""
    (tmp_path / "other").mkdir()
    with authority(tmp_path) as ca, authority(tmp_path / "other", key=8) as other:
        other.prepare_rollover()

        def send(request: HttpRequest) -> HttpReply:
            return (other if "GetNextCACert" in request.target else ca).answer(request)

        with pytest.raises(ClientError, match="not signed by the current CA"):
            ScepClient(send).get_next_ca_cert()


def test_an_ra_that_the_ca_does_not_know(tmp_path: Path) -> None:
    """GetCACert is not signed: an RA certificate in it must be the CA's, or anybody could read the request."""
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


def test_wait(tmp_path: Path) -> None:
    """Polls until it is granted, tells how long it waits, and gives up in the end."""
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
    """A legacy client at a legacy CA: single DES there and back."""
    with authority(tmp_path, Policy((SECRET,), strict=Strictness(legacy=True))) as ca:
        result = client_of(ca, cipher="des-cbc", digest="sha1").enroll(csr(), quick_key())
        assert result.status is PkiStatus.SUCCESS
        assert result.reply.enveloped is not None
        assert result.reply.enveloped.content_encryption.name == "des-cbc"


@pytest.mark.parametrize("url", ["", "ftp://x/y", "localhost:80", "http://"])
def test_bad_url(url: str) -> None:
    """Said before anything is sent."""
    with pytest.raises(InputError, match="no URL"):
        http_sender(url)


def test_nobody_there() -> None:
    """One sentence, after the retries."""
    client = ScepClient(http_sender("http://127.0.0.1:9/scep", retries=1, pause=0))
    with pytest.raises(ClientError, match="cannot be reached: Connection refused"):
        client.get_ca_cert()


@pytest.mark.parametrize("subject", ["", "R3", "CN=", "XX=1", "CN=a,,O=b"])
def test_bad_subject(subject: str) -> None:
    """One sentence with an example."""
    with pytest.raises(InputError, match="CN=R3"):
        parse_subject(subject)


def test_lengths_of_names(tmp_path: Path) -> None:
    """What X.509 does not allow is refused here and by the CA, without a warning of a library."""
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


def test_subjects() -> None:
    """Order and multi-valued RDNs as written, escapes undone, string types by what fits."""
    name = parse_subject(r"OU=ioscs RA,serialNumber=42+unstructuredName=R2,CN=A\, B,O=Fr\+d\\,L=Zürich")
    assert [[(a.keyword, a.value, a.string_type) for a in rdn] for rdn in name.rdns] == [
        [("OU", "ioscs RA", "PrintableString")],
        [("serialNumber", "42", "PrintableString"), ("unstructuredName", "R2", "IA5String")],
        [("CN", "A, B", "PrintableString")],
        [("O", r"Fr+d" + "\\", "UTF8String")],
        [("L", "Zürich", "UTF8String")],
    ]


@pytest.mark.parametrize("kind", ["512", "abc", "99999", "P-999", ""])
def test_bad_kind_of_key(kind: str) -> None:
    """One sentence with what there is."""
    with pytest.raises(InputError, match="P-256"):
        new_key(kind)


def test_ca_among_several() -> None:
    """Which certificate is for what, in any order of the reply."""
    root, ra = (sceplab.parse_certificate(certificate(name)) for name in ("ca", "ra"))
    for order in ((root, ra), (ra, root)):
        found = CaCertificates(order)
        assert (found.ca, found.recipient, found.signer) == (root, ra, ra)
    assert CaCertificates((root,)).recipient == root


def test_polling_what_is_no_enrollment(tmp_path: Path) -> None:
    """Only an enrollment can be pending."""
    with authority(tmp_path) as ca:
        client = client_of(ca)
        own = client.enroll(csr(), quick_key())
        assert own.certificate is not None
        crl = client.get_crl(Identity(own.certificate.der, quick_key()))
        with pytest.raises(ScepError, match="enrollment"):
            client.poll(crl)
