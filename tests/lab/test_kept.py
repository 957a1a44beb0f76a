"""Memory of a flooded lab: limits apply before data is kept, and one budget counts everything that is kept."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from sceplab.cms.name import parse_subject
from sceplab.lab.client import self_signed
from sceplab.lab.http import http_sender
from sceplab.lab.identity import make_request
from sceplab.lab.kept import Budget, Kept, size_of
from sceplab.lab.network import Lab
from sceplab.lab.policy import Policy
from sceplab.lab.responder import Decision
from sceplab.scep.attributes import FailInfo, MessageType, PkiStatus, ScepAttributes
from sceplab.scep.draft import draft_message
from sceplab.scep.message import decode_message, encode_message
from sceplab.scep.transport import Exchange, HttpReply, HttpRequest
from tests.helpers.labs import SECRET, authority, client_of, csr, quick_key

POST = "/?operation=PKIOperation"


def _walk(item: object, seen: set[int]) -> Iterator[int]:
    """Yield the size of each object that is held, once; independent of `size_of`."""
    if id(item) in seen:
        return
    seen.add(id(item))
    yield sys.getsizeof(item)
    if is_dataclass(item):
        for field in fields(item):
            yield from _walk(getattr(item, field.name), seen)
    elif isinstance(item, tuple):
        for part in item:
            yield from _walk(part, seen)


def _account(lab: Lab) -> tuple[int, int]:
    """Return the bytes that the lab's budget counts, and the bytes that its queues really hold."""
    queues = (lab.exchanges, lab.decisions, lab._sent)
    seen: set[int] = set()
    return lab.exchanges._budget.held, sum(size for queue in queues for item in queue for size in _walk(item, seen))


def test_budget_matches_the_memory_really_held() -> None:
    """Covers bodies, targets, many header fields, decisions and the record.

    The counted size is never below the real one, and at most 25 % above.
    """
    with Lab(challenge=SECRET) as lab:
        send = http_sender(lab.ca_url)
        for number in range(20):
            fields = tuple((f"X-{i}", "v" * 150) for i in range(90))
            send(HttpRequest("GET", f"/?operation=GetCACaps&{'x' * 10_000}", fields))
            send(HttpRequest("POST", POST, fields, bytes(5_000 * number)))
            lab.client().enroll(csr(f"CN=R{number}"), quick_key())
        said, held = _account(lab)
        headers = sum(len(n) + len(v) for e in lab.exchanges if e.request for n, v in e.request.headers)
    assert headers > 500_000
    assert said * 0.8 < held <= said


def test_flood_of_headers_stays_within_the_budget() -> None:
    """The oldest items of any kind are dropped first."""
    with Lab(challenge=SECRET, memory_size=1_000_000) as lab:
        lab.client().enroll(csr(), quick_key())
        send = http_sender(lab.ca_url)
        for number in range(200):
            send(HttpRequest("GET", f"/?operation=GetCACaps&{number}", tuple((f"X-{i}", "v" * 150) for i in range(90))))
        said, held = _account(lab)
        assert held <= said <= 1_000_000
        newest = lab.exchanges[-1].request
        assert newest is not None
        assert newest.target.endswith("&199")
        assert not lab.decisions, "the only one was older than all that is left"
        lab.client().enroll(csr("CN=later"), quick_key())
        assert len(lab.decisions) == 1


def test_kept_queues_are_bounded_by_items_and_shared_bytes() -> None:
    """The byte limit is shared by all queues; the item limit is per queue. The newest items stay."""
    budget = Budget(10_000)
    first, second = Kept[bytes](budget), Kept[bytes](budget, items=5)
    for i in range(50):
        first.append(bytes((i,)) * 500)
    assert [item[0] for item in first] == list(range(50 - len(first), 50))
    assert 10 < len(first) < 20
    for i in range(50):
        second.append(bytes((i,)))
    assert [item[0] for item in second] == [45, 46, 47, 48, 49]
    assert len(first) > 10, "the items of another queue were dropped by its own limit"
    second.append(bytes(9_500))
    assert (len(first), [len(item) for item in second]) == (0, [1, 9_500]), "the oldest of all make room"
    second.append(bytes(10_500))
    assert (len(first), len(second), budget.held) == (0, 0, 0)


def test_size_counts_every_field_a_client_can_lengthen() -> None:
    """Each item has one field of 100,000 characters."""
    long = "x" * 100_000
    empty = HttpRequest("GET", "/")
    for item in (
        Exchange(HttpRequest("GET", long), None),
        Exchange(HttpRequest(long, "/"), None),
        Exchange(HttpRequest("GET", "/", (("X", long),)), None),
        Exchange(HttpRequest("GET", "/", ((long, ""),)), None),
        Exchange(HttpRequest("GET", "/", (), long.encode()), None),
        Exchange(empty, HttpReply(200, (("X", long),))),
        Exchange(empty, HttpReply(200, (), long.encode())),
        Exchange(empty, HttpReply(200, reason=long)),
        Exchange(empty, None, long),
        Decision("R1", "PKCSReq", long, "FAILURE", ()),
        Decision("R1", "PKCSReq", "", "FAILURE", ("a", long)),
    ):
        assert 100_000 < size_of(item) < 102_000


@pytest.mark.parametrize("via", ["ca", "ra"])
def test_long_transaction_id_is_refused_and_shortened_in_the_decision(via: str) -> None:
    """The transactionID has 900 kB. A messageType of 900 kB gives HTTP 400 and no decision."""
    with Lab(challenge=SECRET) as lab:
        lab.enroll_ra()
        client, before = lab.client(via=via), len(lab.decisions)
        data = csr()
        identity = self_signed(data, quick_key())
        send = http_sender(lab.ca_url if via == "ca" else lab.ra_url)
        message = client.build(MessageType.PKCSReq, data, identity, "A" * 900_000, bytes(16))
        reply = send(HttpRequest("POST", POST, body=message))
        assert decode_message(reply.body).attributes.status is PkiStatus.FAILURE
        (decision,) = list(lab.decisions)[before:]
        assert decision.transaction_id == "A" * 1000 + "..."
        assert size_of(decision) < 5000
        draft = draft_message(
            ScepAttributes(message_type="1" * 900_000, transaction_id="A", sender_nonce=bytes(16)),
            data,
            signer_certificate=identity.certificate,
            recipients=[lab.ca.certificate],
        )
        reply = send(HttpRequest("POST", POST, body=encode_message(draft, identity.key)))
        assert (reply.status, reply.body) == (400, b"the messageType is longer than 16 characters\n")
        assert len(lab.decisions) == before + 1


def test_steps_of_a_decision_are_shortened() -> None:
    """The subject is long; the decision keeps the first 1000 characters."""
    with Lab(challenge=SECRET) as lab:
        lab.client().enroll(csr(",".join(f"OU={i:060}" for i in range(100))), quick_key())
        steps = lab.decisions[-1].steps
    assert max(map(len, steps)) == 1003


def test_flood_of_pending_requests_is_refused_with_its_reason(tmp_path: Path) -> None:
    """Long requests and those beyond the limit are refused. A request that was pending before can be granted."""
    with authority(tmp_path, Policy((SECRET,), max_pending_size=5_000)) as ca:
        client = client_of(ca)
        honest = client.enroll(csr("CN=honest", challenge=None), quick_key())
        assert honest.status is PkiStatus.PENDING
        long = make_request(
            parse_subject("CN=long"), quick_key(1), dns_names=[f"{i}.{'x' * 50}.example" for i in range(2000)]
        )
        result = client.enroll(long, quick_key(1))
        assert (result.status, result.fail_info) == (PkiStatus.FAILURE, FailInfo.badRequest)
        assert result.fail_info_text == "the pkcsPKIEnvelope holds more than 100000 bytes"
        results = [client.enroll(csr(f"CN=flood-{i}", 1, challenge=None), quick_key(1)) for i in range(10)]
        refused = [r for r in results if r.status is PkiStatus.FAILURE]
        assert {r.fail_info_text for r in refused} == {"5000 bytes wait already"}
        assert 0 < len(refused) < 10
        assert ca.store.pending_size() == sum(len(t.request) for t in ca.pending()) <= 5_000
        ca.grant(ca.find_pending(honest.transaction_id))
        assert client.poll(honest).status is PkiStatus.SUCCESS
        # After the denials new requests can be pending again.
        for transaction in ca.pending():
            ca.deny(transaction)
        assert client.enroll(csr("CN=later", 1, challenge=None), quick_key(1)).status is PkiStatus.PENDING


def test_newest_returns_the_last_items_within_both_limits() -> None:
    """The limits are a number of items and a number of bytes. The oldest comes first."""
    queue = Kept[bytes](Budget(1_000_000))
    assert queue.newest(5, 1000) == []
    for i in range(10):
        queue.append(bytes((i,)) * 500)
    assert [item[0] for item in queue.newest(3, 1_000_000)] == [7, 8, 9]
    assert [item[0] for item in queue.newest(300, 1500)] == [8, 9]
    assert queue.newest(300, 100) == []
    assert len(queue.newest(300, 1_000_000)) == 10
