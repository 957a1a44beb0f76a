"""No padding oracle: however opening fails, one answer, one path, and a time that shows nothing (RFC 8894, 6)."""

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
    """Return a request whose envelope was made, or changed, to fail in one way."""
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
    """However opening fails, and whatever the message says it holds: the same failInfo, words and length."""
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
        # Each way checks the signature of one request: the one that came, or the decoy.
        assert checked == (list(SPOILS) if kind in {17, 19} else [])
        assert ca.store.all_issued() == []


def test_the_log_tells_what_the_reply_does_not(tmp_path: Path) -> None:
    """Who runs the server learns which step failed."""
    with authority(tmp_path) as ca:
        told: list[str] = []
        ca._on_decision = lambda decision: told.append(str(decision))
        broken = bytearray(csr())
        broken[-1] ^= 1
        _send(ca, bytes(broken))
        assert "does not fit the key in the request" in told[0]
        _send(ca, bytes(40))
        assert "nothing that is ASN.1" in told[1]


def test_a_poll_is_no_oracle(tmp_path: Path) -> None:
    """What a CertPoll holds does not matter: transactionID and signer decide (RFC 8894, 3.3.3)."""
    with authority(tmp_path) as ca:
        client = client_of(ca)
        own = self_signed(csr(), quick_key())
        pending = client.enroll(csr(challenge=None), own)
        for junk in (csr(), b"\x30\x00", bytes(33)):
            result = client.operate(MessageType.CertPoll, junk, own, pending.transaction_id, None)
            assert result.status is PkiStatus.PENDING


# --------------------------------------------------------------- the decoy, and when replies leave


def test_nobody_can_have_signed_the_decoy() -> None:
    """Whatever it is read as, it is refused as a changed request is, and held."""
    issuer = sceplab.parse_subject("CN=R1")
    for read in (lambda: read_csr(decoy(), Strictness()), lambda: read_lookup(decoy(), issuer)):
        with pytest.raises(Refused) as caught:
            read()
        assert caught.value.held
    request = sceplab.parse_csr(decoy())
    assert request.problems == ()
    assert (request.key_bits, len(request.attributes)) == (2048, 2)


def test_what_is_no_secret_is_not_held(tmp_path: Path) -> None:
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
def test_a_held_reply_leaves_at_a_tick_chosen_before_the_work(tick: float) -> None:
    """Counted from the arrival; however long the work takes within a tick, the time is the same."""
    for arrived in (0.0, 123.4):
        for waited, ticks in ((0, 2), (0.9, 2), (1.5, 3), (40.2, 42)):
            began = arrived + waited * tick
            times = {leaves_at(arrived, began, began + work * tick, tick) for work in (0, 0.01, 0.5, 1.0)}
            assert times == {arrived + ticks * tick}
        # Work that takes longer ends at a later tick, never between.
        assert leaves_at(arrived, arrived, arrived + 2.5 * tick, tick) == arrived + 3 * tick


def test_held_replies_hold_up_nobody() -> None:
    """With one thread, and ticks of an hour: others are answered, and the server stops at once."""
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


def test_what_cannot_be_opened_is_held_over_http_too() -> None:
    """By CA and RA: the reply comes, and is a FAILURE."""
    with running_lab(ra=True) as lab:
        for via in ("ca", "ra"):
            client = lab.client(via=via)
            message = client.build(MessageType.PKCSReq, b"0", self_signed(csr(), quick_key()), "T1", bytes(16))
            reply = client._send(build_request("PKIOperation", message=message, method="POST"))
            assert decode_message(reply.body).attributes.status is PkiStatus.FAILURE
