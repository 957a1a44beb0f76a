"""The lab's CA loses no certificate and issues none twice: when killed, with a full disk, and with a shared store."""

from __future__ import annotations

import itertools
import os
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from sceplab.cms.name import parse_subject
from sceplab.errors import ScepError
from sceplab.lab.ca import CertificationAuthority
from sceplab.lab.client import ScepClient
from sceplab.lab.http import http_sender
from sceplab.lab.identity import make_request
from sceplab.lab.policy import Policy
from sceplab.lab.store import Store
from sceplab.scep.attributes import PkiStatus
from tests.helpers.labs import SECRET, csr, quick_key


@contextmanager
def process(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run `sceplab lab start` on a folder; yields the process and the CA's URL."""
    command = [sys.executable, "-m", "sceplab.cli", "lab", "start", "--dir", str(folder), "--no-ra"]
    command += ["--ca-port", "0", "--challenge", SECRET]
    log = folder.with_name(f"{folder.name}-{next(_NUMBERS)}.log")
    with log.open("w") as out:
        server = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 30
        while not (found := re.search(r"R1 \(CA\)  (http://\S+)", log.read_text())):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield server, found[1]
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGTERM)
        server.wait(20)


_NUMBERS = itertools.count()


def _client(url: str) -> ScepClient:
    return ScepClient(http_sender(url, retries=0))


def test_no_certificate_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    """SIGKILL under load, three times. Each certificate that a client received is stored, and a retry returns it."""
    got: dict[int, bytes] = {}
    for number in range(4):
        quick_key(number)  # made here, before threads need it at the same time
    for round_number in range(3):
        with process(tmp_path) as (server, url):
            for number, certificate in got.items():
                again = _client(url).enroll(csr(f"CN=n{number}", number % 4), quick_key(number % 4)).certificate
                assert again is not None
                assert again.der == certificate, "what was granted before the kill"
            enough = threading.Event()

            wanted = (round_number + 1) * 12

            def load(start: int, url: str = url, enough: threading.Event = enough, wanted: int = wanted) -> None:
                client = _client(url)
                for number in range(start, start + 1000):
                    try:
                        # The key gives the transactionID; another request with it is another transaction.
                        key = number % 4
                        result = client.enroll(csr(f"CN=n{number}", key), quick_key(key))
                    except ScepError:
                        return
                    assert result.certificate is not None
                    got[number] = result.certificate.der
                    if len(got) >= wanted:
                        enough.set()

            workers = [
                threading.Thread(target=load, args=(round_number * 10_000 + worker * 1_000,)) for worker in range(4)
            ]
            for worker in workers:
                worker.start()
            assert enough.wait(60)
            server.kill()
            for worker in workers:
                worker.join(30)
    with sqlite3.connect(tmp_path / "ca.sqlite") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    store = Store(tmp_path / "ca.sqlite")
    issued = [i.der for i in store.all_issued()]
    store.close()
    assert len(got) >= 36
    assert set(got.values()) <= set(issued)
    assert len(issued) == len(set(issued))


def test_two_processes_share_one_store(tmp_path: Path) -> None:
    """Equal requests to both give one certificate. A one-time challengePassword works once; no serial repeats."""
    folder = tmp_path / "shared"
    with process(folder) as (_, first), process(folder) as (_, second):
        clients = [_client(url) for url in (first, second)]
        assert clients[0].ca.ca == clients[1].ca.ca

        def ask(number: int) -> bytes:
            result = clients[number % 2].enroll(csr(f"CN=same{number // 2}", 0), quick_key())
            assert result.certificate is not None, result
            return result.certificate.der

        with ThreadPoolExecutor(4) as pool:
            got = list(pool.map(ask, range(40)))
        assert got[0::2] == got[1::2]
        assert len(set(got)) == 20
        store = Store(folder / "ca.sqlite")
        once = CertificationAuthority(store).new_challenge()

        def use(number: int) -> PkiStatus:
            return clients[number % 2].enroll(csr(f"CN=once{number}", number % 4, once), quick_key(number % 4)).status

        with ThreadPoolExecutor(4) as pool:
            statuses = list(pool.map(use, range(12)))
        assert statuses.count(PkiStatus.SUCCESS) == 1
        assert len({i.serial for i in store.all_issued()}) == len(store.all_issued()) == 21
        # An operator grants, in this third process, a request that the first one received.
        pending = clients[0].enroll(csr("CN=wait", 0, None), quick_key())
        CertificationAuthority(store).grant(CertificationAuthority(store).find_pending(pending.transaction_id))
        assert clients[1].poll(pending).status is PkiStatus.SUCCESS
        store.close()


def _fill(client: ScepClient) -> tuple[dict[int, bytes], str]:
    """Enroll until the server cannot store more; returns the certificates granted and the error text."""
    got: dict[int, bytes] = {}
    for number in range(2_000):
        try:
            result = client.enroll(csr(f"CN=fill{number}"), quick_key())
        except ScepError as error:
            return got, str(error)
        assert result.certificate is not None
        got[number] = result.certificate.der
    pytest.fail("the disk was never full")


def _same(url: str, got: dict[int, bytes]) -> None:
    """Check that granted certificates are still returned and that the next request is granted."""
    client = _client(url)
    for number, certificate in got.items():
        again = client.enroll(csr(f"CN=fill{number}"), quick_key()).certificate
        assert again is not None
        assert again.der == certificate
    assert client.enroll(csr("CN=after"), quick_key()).status is PkiStatus.SUCCESS


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux")
def test_server_answers_503_while_its_store_cannot_grow(tmp_path: Path) -> None:
    """The limit is RLIMIT_FSIZE. No certificate is lost, and the server grants again when the limit is lifted."""
    with process(tmp_path) as (server, url):
        client = _client(url)
        assert client.enroll(csr("CN=first"), quick_key()).status is PkiStatus.SUCCESS
        limits = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)  # type: ignore[attr-defined,unused-ignore]
        size = max(p.stat().st_size for p in tmp_path.glob("ca.sqlite*"))
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size + 60_000, limits[1]))  # type: ignore[attr-defined,unused-ignore]
        got, said = _fill(client)
        assert "503" in said
        assert server.poll() is None
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, limits)  # type: ignore[attr-defined,unused-ignore]
        _same(url, got)
    assert len(got) > 1


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a small file system")
def test_server_answers_503_while_the_disk_is_full(tmp_path: Path) -> None:
    """The file system is a small tmpfs, which is then enlarged."""
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(place)], check=True)
    try:
        with process(place) as (server, url):
            got, said = _fill(_client(url))
            assert "503" in said
            assert server.poll() is None
            subprocess.run(["mount", "-o", "remount,size=4m", str(place)], check=True)
            _same(url, got)
        assert len(got) > 10
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_threads_of_one_process_get_one_certificate_per_request(tmp_path: Path) -> None:
    """Eight threads send each of 30 requests three times. All serials differ."""
    store = Store(tmp_path / "ca.sqlite")
    CertificationAuthority.create(store, key=quick_key(9))
    ca = CertificationAuthority(store, Policy((SECRET,)))
    requests = [make_request(parse_subject(f"CN=t{i}"), quick_key(i % 4), challenge=SECRET) for i in range(30)]

    def ask(number: int) -> bytes:
        result = ScepClient(ca.answer).enroll(requests[number % 30], quick_key(number % 30 % 4))
        assert result.certificate is not None
        return result.certificate.der

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(ask, range(90)))
    assert got[:30] == got[30:60] == got[60:]
    assert len({i.serial for i in store.all_issued()}) == 30
    store.close()
