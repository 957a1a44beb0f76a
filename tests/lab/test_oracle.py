"""No padding oracle: every failed decryption gives the same answer, takes the same path, and hides its time.

See RFC 8894, 6.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa

import sceplab
from sceplab.cms.enveloped import build_enveloped
from sceplab.cms.sign import build_signed
from sceplab.cms.signature import check_signature
from sceplab.lab.client import self_signed
from sceplab.lab.http import HeldReply
from sceplab.lab.opening import Refused, Strictness, decoy, read_csr, read_lookup
from sceplab.lab.server import LIMITS, Server, leaves_at
from sceplab.scep.attributes import MessageType, PkiStatus, ScepAttributes
from sceplab.scep.message import decode_message
from sceplab.scep.transport import HttpReply, HttpRequest, build_request
from tests.helpers.labs import SECRET, authority, client_of, csr, quick_key, running_lab


def _send(ca: object, data: bytes) -> None:
    """Send a PKCSReq around `data`."""
    ca.answer(build_request("PKIOperation", message=_forged(ca, 19, data, ""), method="POST"))  # type: ignore[attr-defined]


def _forged(ca: object, kind: int, plaintext: bytes, spoil: str) -> bytes:
    """Return a request whose envelope fails to open in one chosen way."""
    own = self_signed(csr(), quick_key())
    attributes = ScepAttributes(str(kind), "T1", bytes(16))
    draft = sceplab.draft_message(
        attributes,
        plaintext,
        signer_certificate=own.certificate,
        recipients=[ca.certificate],  # type: ignore[attr-defined]
    )
    assert draft.envelope is not None
    envelope = build_enveloped(draft.envelope, plaintext)
    parsed = sceplab.parse_enveloped(envelope)
    recipient = parsed.recipients[0]
    secret, body = recipient.encrypted_key, parsed.encrypted_content  # type: ignore[union-attr]
    match spoil:
        case "RSA padding":
            changed = bytes((secret[0] ^ 1,)) + secret[1:]
            envelope = envelope.replace(secret, changed)
        case "key of another length":
            key = x509.load_der_x509_certificate(ca.certificate).public_key()  # type: ignore[attr-defined]
            assert isinstance(key, rsa.RSAPublicKey)
            envelope = envelope.replace(secret, key.encrypt(bytes(24), padding.PKCS1v15()))
        case "last block":
            envelope = envelope.replace(body, body[:-1] + bytes((body[-1] ^ 1,)))
        case "block before the last":
            envelope = envelope.replace(body, body[:-17] + bytes((body[-17] ^ 1,)) + body[-16:])
        case "first block":
            envelope = envelope.replace(body, bytes((body[0] ^ 1,)) + body[1:])
        case "middle block":
            at = len(body) // 2
            envelope = envelope.replace(body, body[:at] + bytes((body[at] ^ 1,)) + body[at + 1 :])
    return build_signed(draft.signed, envelope, own.key)


SPOILS = (
    *("RSA padding", "key of another length", "last block", "block before the last"),
    *("first block", "middle block", "not a request", "not ASN.1", "another's signature"),
)


@pytest.mark.parametrize("kind", [17, 19, 21, 22])
def test_no_oracle(tmp_path: Path, kind: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """All failures give the same status, failInfo, text and length, whatever the messageType.

    The server does the same work.
    """
    with authority(tmp_path) as ca:
        good = csr()
        broken = bytearray(good)
        broken[-1] ^= 1
        plaintexts = {
            "not a request": b"\x30\x03\x02\x01\x05",
            "not ASN.1": bytes(40),
            "another's signature": bytes(broken),
        }
        seen = set()
        checked: list[str] = []

        def counted(*arguments: object) -> str:
            found = check_signature(*arguments)  # type: ignore[arg-type]
            checked.append(spoil)
            return found

        monkeypatch.setattr("sceplab.cms.csr.check_signature", counted)
        for spoil in SPOILS:
            data = _forged(ca, kind, plaintexts.get(spoil, good), spoil)
            assert sceplab.decode_message(data).verification.intact, "only the envelope is wrong"
            reply = ca.answer(build_request("PKIOperation", message=data, method="POST"))
            assert isinstance(reply, HeldReply)
            attributes = decode_message(reply.body).attributes
            seen.add((reply.status, len(reply.body), attributes.failure, attributes.fail_info_text))
        assert len(seen) == 1, seen
        # Each failure checks one PKCS#10 signature: that of the request received, or that of the decoy.
        assert checked == (list(SPOILS) if kind in {17, 19} else [])
        assert ca.store.all_issued() == []


def test_decision_log_names_the_step_that_failed(tmp_path: Path) -> None:
    """Only the operator sees it; the reply does not contain it."""
    with authority(tmp_path) as ca:
        told: list[str] = []
        ca._on_decision = lambda decision: told.append(str(decision))
        broken = bytearray(csr())
        broken[-1] ^= 1
        _send(ca, bytes(broken))
        assert "does not fit the key in the request" in told[0]
        _send(ca, bytes(40))
        assert "content is not ASN.1" in told[1]


def test_content_of_a_poll_does_not_change_its_answer(tmp_path: Path) -> None:
    """RFC 8894, 3.3.3: the transactionID and the signer identify the request."""
    with authority(tmp_path) as ca:
        client = client_of(ca)
        own = self_signed(csr(), quick_key())
        pending = client.enroll(csr(challenge=None), own)
        for junk in (csr(), b"\x30\x00", bytes(33)):
            result = client.operate(MessageType.CertPoll, junk, own, pending.transaction_id, None)
            assert result.status is PkiStatus.PENDING


# --------------------------------------------------------------- the decoy, and when replies are sent


def test_decoy_is_always_refused_and_held() -> None:
    """The decoy is a well-formed request whose signature is not valid. It is refused like a changed request."""
    issuer = sceplab.parse_subject("CN=R1")
    for read in (lambda: read_csr(decoy(), Strictness()), lambda: read_lookup(decoy(), issuer)):
        with pytest.raises(Refused) as caught:
            read()
        assert caught.value.held
    request = sceplab.parse_csr(decoy())
    assert request.problems == ()
    assert (request.key_bits, len(request.attributes)) == (2048, 2)


def test_other_replies_are_not_held(tmp_path: Path) -> None:
    """A grant, a wrong challengePassword and a wrong recipient are answered at once."""
    (tmp_path / "other").mkdir()
    with authority(tmp_path) as ca, authority(tmp_path / "other", key=8) as other:
        replies = []

        def send(request: HttpRequest) -> HttpReply:
            reply = ca.answer(request)
            replies.append(reply)
            return reply

        for challenge in (SECRET, "wrong", None):
            client = client_of(ca)
            client._send = send
            client.enroll(csr(f"CN={challenge}", challenge=challenge), quick_key())
        foreign = _forged(other, 19, csr(), "")
        replies.append(ca.answer(build_request("PKIOperation", message=foreign, method="POST")))
    assert len(replies) > 4
    assert not any(isinstance(reply, HeldReply) for reply in replies)


@pytest.mark.parametrize("tick", [0.05, 1.0, 7.5])
def test_held_reply_is_sent_at_a_tick_chosen_before_the_work(tick: float) -> None:
    """Ticks count from the arrival. Work that ends within its tick does not change the time of the reply."""
    for arrived in (0.0, 123.4):
        for waited, ticks in ((0, 2), (0.9, 2), (1.5, 3), (40.2, 42)):
            began = arrived + waited * tick
            times = {leaves_at(arrived, began, began + work * tick, tick) for work in (0, 0.01, 0.5, 1.0)}
            assert times == {arrived + ticks * tick}
        # After longer work the reply is sent at a later tick, never between two ticks.
        assert leaves_at(arrived, arrived, arrived + 2.5 * tick, tick) == arrived + 3 * tick


def test_held_replies_do_not_delay_other_clients_or_stop() -> None:
    """The server has one thread and ticks of an hour."""
    held = threading.Event()

    def answer(request: HttpRequest) -> HttpReply:
        if "held" in request.target:
            held.set()
            return HeldReply(200, (), b"held")
        return HttpReply(200, (), b"at once")

    with Server(answer, threads=1, tick=3600, limits=replace(LIMITS, grace=0.1)) as server:
        got: list[str] = []

        def ask() -> None:
            try:
                got.append(requests.get(f"{server.url}?held", timeout=60).text)
            except requests.RequestException as error:
                got.append(type(error).__name__)

        waiting = [threading.Thread(target=ask) for _ in range(3)]
        for each in waiting:
            each.start()
        assert held.wait(10)
        assert [requests.get(server.url, timeout=10).text for _ in range(3)] == ["at once"] * 3
    for each in waiting:
        each.join(10)
    assert got == ["ConnectionError"] * 3


def test_request_that_cannot_be_opened_gets_a_failure_over_http() -> None:
    """The CA and the RA both send the held reply."""
    with running_lab(ra=True) as lab:
        for via in ("ca", "ra"):
            client = lab.client(via=via)
            message = client.build(MessageType.PKCSReq, b"0", self_signed(csr(), quick_key()), "T1", bytes(16))
            reply = client._send(build_request("PKIOperation", message=message, method="POST"))
            assert decode_message(reply.body).attributes.status is PkiStatus.FAILURE
