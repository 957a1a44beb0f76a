"""The store of a CA: commits shared by threads, the size limit, and stores of older versions."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sceplab.cms.csr import parse_csr
from sceplab.errors import MASK
from sceplab.lab.ca import CertificationAuthority
from sceplab.lab.client import ScepClient
from sceplab.lab.policy import Policy
from sceplab.lab.store import State, Store, StoreError, _Job
from sceplab.scep.attributes import FailInfo, PkiStatus
from tests.helpers.labs import SECRET, authority, client_of, csr, quick_key

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _together(
    store: Store, jobs: list[Callable[[], object]], monkeypatch: pytest.MonkeyPatch
) -> tuple[list[int], list[object]]:
    """Let the first job commit alone while the others queue up; returns the sizes of the commits and the results."""
    sizes: list[int] = []
    begun, go = threading.Event(), threading.Event()
    commit = Store._commit

    def slow(self: Store, group: list[_Job]) -> None:
        sizes.append(len(group))
        if len(sizes) == 1:
            begun.set()
            assert go.wait(30)
        commit(self, group)

    monkeypatch.setattr(Store, "_commit", slow)
    results: list[object] = [None] * len(jobs)

    def run(number: int) -> None:
        try:
            results[number] = jobs[number]()
        except StoreError as error:
            results[number] = str(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(jobs))]
    threads[0].start()
    assert begun.wait(30)
    for thread in threads[1:]:
        thread.start()
    waiting = threading.Event()
    while len(store._waiting) < len(jobs) - 1:
        waiting.wait(0.01)
    go.set()
    for thread in threads:
        thread.join(30)
    return sizes, results


def _add(store: Store, number: int, serial: int) -> Callable[[], object]:
    return lambda: store.add(f"T{number}", b"d", b"r", b"k", NOW, certificate=(serial, b"c"))


def test_threads_share_a_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each thread gets its own result. A job with a used serial writes nothing and does not affect the others."""
    store = Store(tmp_path / "ca.sqlite")
    jobs = [_add(store, 1, 1), _add(store, 2, 2), _add(store, 3, 1), _add(store, 4, 4), lambda: store.revoke(1, NOW)]
    sizes, results = _together(store, jobs, monkeypatch)
    assert sizes == [1, 4]
    assert results == [True, True, False, True, True]
    store.close()
    again = Store(tmp_path / "ca.sqlite")
    assert sorted((i.serial, i.revoked is not None) for i in again.all_issued()) == [(1, True), (2, False), (4, False)]
    assert {t.transaction_id for t in again.transactions()} == {"T1", "T2", "T4"}
    again.close()


def test_failed_commit_fails_for_all_its_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread gets a success. The next commit works."""
    store = Store(tmp_path / "ca.sqlite")

    def broken() -> object:
        def write(_: sqlite3.Connection) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        return store._write(write)

    sizes, results = _together(store, [_add(store, 1, 1), _add(store, 2, 2), broken, _add(store, 4, 4)], monkeypatch)
    assert sizes == [1, 3]
    assert results[0] is True
    assert all("database or disk is full" in str(result) for result in results[1:])
    assert [i.serial for i in store.all_issued()] == [1]
    assert _add(store, 5, 5)() is True
    store.close()


# --------------------------------------------------------------- size


def test_full_store_refuses_new_requests_with_its_reason(tmp_path: Path) -> None:
    """A retry is still answered, and a pending request can still be granted."""
    with authority(tmp_path) as ca:
        client = client_of(ca)
        first = client.enroll(csr("CN=first"), quick_key())
        waiting = client.enroll(csr("CN=waiting", challenge=None), quick_key())
        ca.policy = replace(ca.policy, max_store_size=ca.store.size())
        for challenge in (SECRET, None):
            refused = client.enroll(csr("CN=later", 1, challenge), quick_key(1))
            assert (refused.status, refused.fail_info) == (PkiStatus.FAILURE, FailInfo.badRequest)
            assert "the store is full" in refused.fail_info_text
        assert client.enroll(csr("CN=first"), quick_key()).certificate == first.certificate
        ca.grant(ca.find_pending(waiting.transaction_id))
        assert client.poll(waiting).status is PkiStatus.SUCCESS
        assert len(ca.store.all_issued()) == 2


# --------------------------------------------------------------- stores of older versions


def _made_before(folder: Path, clear: dict[str, bytes]) -> None:
    """Write unmasked requests into a store, by transactionID, as older versions of sceplab did."""
    with sqlite3.connect(folder / "ca.sqlite") as database:
        for transaction_id, request in clear.items():
            database.execute("UPDATE transactions SET request = ? WHERE transaction_id = ?", (request, transaction_id))
        database.execute("PRAGMA user_version = 0")
    database.close()


def test_old_store_gets_its_challenge_passwords_masked_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Pending requests can be granted, retries are recognised, and an EC client still gets its reply."""
    words = {"rsa": "typed-at-a-prompt-1", "granted": "typed-at-a-prompt-2", "ec": "typed-at-a-prompt-3"}
    keys = {"rsa": quick_key(1), "granted": quick_key(2), "ec": quick_key(3, "P-256")}
    requests = {
        "rsa": csr("CN=rsa", 1, words["rsa"]),
        "granted": csr("CN=granted", 2, words["granted"]),
        "ec": csr("CN=ec", 3, words["ec"], "P-256"),
    }
    with authority(tmp_path, Policy()) as ca:
        client = client_of(ca)
        pending = {name: client.enroll(requests[name], keys[name]) for name in words}
        ca.grant(ca.find_pending(pending["granted"].transaction_id))
    _made_before(tmp_path, {pending[name].transaction_id: requests[name] for name in words})
    kept = b"".join(p.read_bytes() for p in tmp_path.iterdir())
    assert all(word.encode() in kept for word in words.values())
    with authority(tmp_path, Policy()) as ca:
        assert "challengePasswords of 2 requests" in caplog.text
        found = {t.transaction_id: parse_csr(t.request).challenge_password for t in ca.store.transactions()}
        assert [found[pending[name].transaction_id] for name in words] == [MASK, MASK, words["ec"]]
        files = b"".join(p.read_bytes() for p in tmp_path.iterdir())
        assert words["rsa"].encode() not in files
        assert words["granted"].encode() not in files
        for transaction in ca.pending():
            ca.grant(transaction)
        client = ScepClient(ca.answer)
        assert all(client.poll(each).status is PkiStatus.SUCCESS for each in pending.values())
        again = client.enroll(requests["rsa"], keys["rsa"])
        assert again.certificate == client.poll(pending["rsa"]).certificate, "a retry, known by its digest"
        caplog.clear()
        CertificationAuthority(ca.store)
        assert caplog.text == ""
        assert ca.store.count(State.GRANTED) == 3


def test_old_store_keeps_the_challenge_password_of_an_ec_signer(tmp_path: Path) -> None:
    """An EC certificate signed an RSA renewal; its reply is encrypted with the challengePassword."""
    with authority(tmp_path, Policy()) as ca:
        client = client_of(ca)
        first = client.enroll(csr("CN=R3", 3, "word-for-the-first", "P-256"), quick_key(3, "P-256"))
        ca.grant(ca.pending()[0])
        certificate = client.poll(first).certificate
        assert certificate is not None
        ec_requester = ca.store.transactions()[0].requester
        request = csr("CN=R3", 1, "word-for-the-second")
        ca.store.add("T2", b"d", request, ec_requester, NOW)
        ca.store.add("T3", b"d", request, b"an RA with an RSA key", NOW)
    _made_before(tmp_path, {})
    with authority(tmp_path, Policy()) as ca:
        found = {t.transaction_id: parse_csr(t.request).challenge_password for t in ca.store.transactions()}
    assert (found["T2"], found["T3"]) == ("word-for-the-second", MASK)
