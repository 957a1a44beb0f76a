"""The relay over real sockets: it changes only the server's name, and it sees every exchange."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import random
import select
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from sceplab.capture import read_capture
from sceplab.capture.record import Sent
from sceplab.errors import InputError
from sceplab.lab import micromdm
from sceplab.lab.client import ScepClient
from sceplab.lab.http import ClientError
from sceplab.lab.narration import Narration
from sceplab.lab.network import Lab
from sceplab.lab.opening import Strictness
from sceplab.lab.policy import Policy
from sceplab.lab.recording import Record
from sceplab.lab.relay import Relay
from sceplab.lab.server import LIMITS
from sceplab.report.follow import Follower
from sceplab.scep.attributes import PkiStatus
from sceplab.scep.transport import Exchange
from tests.helpers.labs import SECRET, csr, quick_key
from tests.helpers.tls import server_files, tls_front

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Yield the port of a server that calls `answer` with each connection, in a thread."""
    workers: list[threading.Thread] = []

    def work(link: socket.socket) -> None:
        with link, contextlib.suppress(OSError):
            link.settimeout(60)
            answer(link)

    def accept() -> None:
        # The last connection is the one that ends this: those before it are not lost.
        while (accepted := listener.accept())[1] not in ended:
            worker = threading.Thread(target=work, args=(accepted[0],))
            workers.append(worker)
            worker.start()
        accepted[0].close()

    ended: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield listener.getsockname()[1]
        finally:
            with socket.socket() as last:
                last.bind(("127.0.0.1", 0))
                ended.append(last.getsockname())
                last.connect(listener.getsockname())
                accepting.join(60)
            for worker in workers:
                worker.join(60)


def _says(octets: bytes) -> Callable[[socket.socket], None]:
    def answer(link: socket.socket) -> None:
        link.recv(65_536)
        link.sendall(octets)

    return answer


@contextmanager
def client(relay: Relay) -> Iterator[socket.socket]:
    """Yield a connection to a relay."""
    with socket.create_connection((relay.host, relay.port), timeout=60) as link:
        yield link


def _rest(link: socket.socket) -> bytes:
    return b"".join(iter(lambda: link.recv(65_536), b""))


def _until(link: socket.socket, end: bytes) -> bytes:
    got = b""
    while not got.endswith(end):
        piece = link.recv(65_536)
        assert piece, got
        got += piece
    return got


def _statuses(relay: Relay) -> list[PkiStatus | None]:
    return [d.reply.attributes.status for d in relay.decoded() if d.reply is not None]


def _eventually(true: Callable[[], object]) -> None:
    """Wait at most a minute until another thread has made the condition true."""
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# --------------------------------------------------------------- every byte


def _odd(number: int, side: bytes) -> bytes:
    """Return header fields and a body in unusual spellings, different for each number."""
    chance = random.Random(number)  # noqa: S311 - repeatable, not a secret
    body = chance.randbytes(chance.randrange(1, 60))
    name = bytes(c ^ 0x20 if c != 0x2D and chance.random() < 0.5 else c for c in b"content-length")
    more = b"".join(b"X-%d-%s:%s\xfc \t\r\n" % (i, side, b" " * i) for i in range(chance.randrange(4)))
    return more + name + b":%d" % len(body) + b"\r\nHOST: 127.0.0.1\r\nhost2:x\r\n\r\n" + body


def test_ten_thousand_requests_pass_byte_for_byte() -> None:
    """They are pipelined over four connections in unusual spellings. Requests and replies arrive unchanged."""
    links, each = 4, 2500
    requests = [
        [b"POST /x?n=%d&k=%d HTTP/1.1\r\n" % (k, n) + _odd(k * each + n, b"q") for n in range(each)]
        for k in range(links)
    ]
    replies = [b"HTTP/1.1 200 Fine  by me\r\n" + _odd(n, b"r") for n in range(each)]
    got: dict[int, bytes] = {}

    def answer(link: socket.socket) -> None:
        # The first request holds the number of its connection.
        came = link.recv(65_536)
        number = int(came[len(b"POST /x?n=") : came.index(b"&")])
        size = sum(map(len, requests[number]))
        sender = threading.Thread(target=link.sendall, args=(b"".join(replies),))
        sender.start()
        while len(came) < size:
            came += link.recv(65_536)
        got[number] = came
        sender.join()

    def ask(number: int) -> None:
        with client(relay) as link:
            sender = threading.Thread(target=link.sendall, args=(b"".join(requests[number]),))
            sender.start()
            taken[number] = hashlib.sha256(_rest(link)).hexdigest()
            sender.join()

    taken: dict[int, str] = {}
    with server(answer) as port, Relay(f"http://127.0.0.1:{port}/x", keep_host=True) as relay:
        workers = [threading.Thread(target=ask, args=(k,)) for k in range(links)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert taken == dict.fromkeys(range(links), hashlib.sha256(b"".join(replies)).hexdigest())
    assert {k: hashlib.sha256(v).hexdigest() for k, v in got.items()} == {
        k: hashlib.sha256(b"".join(requests[k])).hexdigest() for k in range(links)
    }
    assert len(relay.exchanges) == links * each
    assert all(e.request is not None and e.reply is not None for e in relay.exchanges)
    assert relay.unfinished == 0
    assert not relay.problems


KINDS = {
    "keep-alive": [b"GET /a HTTP/1.1\r\nHost: {}\r\n\r\n", b"GET /b HTTP/1.1\r\nHost: {}\r\n\r\n"],
    "chunked": [b"POST / HTTP/1.1\r\nhost:{}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: v\r\n\r\n"],
    "HTTP/1.0": [b"GET /a HTTP/1.0\r\n\r\n"],
    "bare LF": [b"GET /a HTTP/1.0\nHost: {}\n\n"],
}
REPLIES = {
    "length": OK,
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\nX: y\r\n\r\n",
    "interim": b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" + OK,
    "no words": b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("reply", REPLIES)
@pytest.mark.parametrize("kind", KINDS)
def test_framing_versions_and_line_ends_stay_unchanged(kind: str, reply: str) -> None:
    """Only the Host field changes: the server gets its own name."""
    got: list[bytes] = []

    def answer(link: socket.socket) -> None:
        for request in KINDS[kind]:
            size = len(request.replace(b"{}", f"127.0.0.1:{port}".encode()))
            came = b""
            while len(came) < size:
                came += link.recv(size - len(came))
            got.append(came)
            link.sendall(REPLIES[reply])

    with server(answer) as port, Relay(f"http://127.0.0.1:{port}/") as relay, client(relay) as link:
        for request in KINDS[kind]:
            link.sendall(request.replace(b"{}", f"localhost:{relay.port}".encode()))
            assert _until(link, REPLIES[reply]) == REPLIES[reply]
    assert got == [r.replace(b"{}", f"127.0.0.1:{port}".encode()) for r in KINDS[kind]]
    assert [e.reply.status for e in relay.exchanges if e.reply is not None] == [200] * len(KINDS[kind])


def test_bytes_are_recorded_before_the_other_side_gets_them() -> None:
    """A relay that is killed has recorded all that a client received."""
    links: list[socket.socket] = []
    early: list[bool] = []

    def sent(what: Sent) -> None:
        if what.data == OK:
            early.append(not select.select(links, [], [], 0.1)[0])

    with server(_says(OK)) as port, Relay(f"http://127.0.0.1:{port}/", on_sent=sent) as relay, client(relay) as link:
        links.append(link)
        link.sendall(b"GET /?operation=GetCACaps HTTP/1.0\r\n\r\n")
        assert _rest(link) == OK
    assert early == [True]


def test_half_close_is_passed_on_in_both_directions() -> None:
    """A client that closes its sending side still gets the reply. A body without a length ends with the connection."""
    body = b"\x30\x82\x01\x00" + bytes(256)

    def answer(link: socket.socket) -> None:
        assert _rest(link) == b"POST / HTTP/1.0\r\n\r\n" + body
        link.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + body)

    with server(answer) as port, Relay(f"http://127.0.0.1:{port}/") as relay, client(relay) as link:
        link.sendall(b"POST / HTTP/1.0\r\n\r\n" + body)
        link.shutdown(socket.SHUT_WR)
        assert _rest(link) == b"HTTP/1.0 200 OK\r\n\r\n" + body
    (exchange,) = relay.exchanges
    assert exchange.reply is not None
    assert exchange.reply.body == body
    assert not exchange.reply.truncated


def test_expect_100_continue_is_passed_on() -> None:
    """The header is passed on before the body arrives, and so is the interim answer."""

    def answer(link: socket.socket) -> None:
        _until(link, b"\r\n\r\n")
        link.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert _until(link, b"body") == b"body"
        link.sendall(OK)

    with server(answer) as port, Relay(f"http://127.0.0.1:{port}/") as relay, client(relay) as link:
        link.sendall(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        assert _until(link, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        link.sendall(b"body")
        assert _until(link, b"ok") == OK


def test_early_answer_of_a_closing_server_reaches_the_client() -> None:
    """The server answers 413 and closes before it has read the body."""

    def answer(link: socket.socket) -> None:
        _until(link, b"\r\n\r\n")
        link.sendall(b"HTTP/1.1 413 Too large\r\nContent-Length: 0\r\n\r\n")

    with server(answer) as port, Relay(f"http://127.0.0.1:{port}/") as relay, client(relay) as link:
        link.sendall(b"POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n")
        assert _rest(link).startswith(b"HTTP/1.1 413 ")


# --------------------------------------------------------------- what the relay itself refuses


def _talk(relay: Relay, octets: bytes) -> bytes:
    with client(relay) as link:
        link.sendall(octets)
        return _rest(link)


def test_unreachable_server_gives_a_502_of_the_relay() -> None:
    """The text begins with "sceplab relay"."""
    with server(lambda _: None) as port:
        pass
    with Relay(f"http://127.0.0.1:{port}/") as relay:
        reply = _talk(relay, b"GET / HTTP/1.1\r\n\r\n")
    assert reply.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert b"sceplab relay: 127.0.0.1:%d cannot be reached: " % port in reply
    assert list(relay.problems) == [reply.split(b"sceplab relay: ")[1].decode().strip()]
    assert not relay.exchanges


def test_foreign_host_names_are_refused_on_loopback() -> None:
    """A web page of another site cannot use the relay (DNS rebinding).

    The server's name and given names are accepted.
    """
    with (
        server(_says(OK)) as port,
        Relay(f"http://localhost:{port}/", host_names=["r.example"]) as relay,
    ):
        for host in ("evil.example", f"127.0.0.1:{relay.port + 1}", "127.0.0.1.evil.example"):
            assert _talk(relay, f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()).startswith(b"HTTP/1.1 421 ")
            assert _talk(relay, f"GET http://{host}/ HTTP/1.1\r\n\r\n".encode()).startswith(b"HTTP/1.1 421 ")
        for host in (f"127.0.0.1:{relay.port}", "localhost", f"localhost:{port}", "r.example:1"):
            assert _talk(relay, f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()) == OK
    assert len(relay.exchanges) == 4


def test_refusal_after_a_passed_request_closes_the_connection() -> None:
    """The second of two pipelined requests is refused. The relay's answer does not mix with the reply to the first."""
    got: list[bytes] = []

    def answer(link: socket.socket) -> None:
        got.append(_rest(link))

    with server(answer) as port, Relay(f"http://127.0.0.1:{port}/") as relay, client(relay) as link:
        link.sendall(b"GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\nHost: evil\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert _rest(link) == b""
    assert got == [b"GET /1 HTTP/1.1\r\n\r\n"]


def test_exchange_is_there_before_the_client_has_the_reply() -> None:
    """Who has the end of a reply finds the exchange: at the moment that it is told, nothing can be read yet."""
    links: list[socket.socket] = []
    readable: list[list[socket.socket]] = []

    def look(_: Exchange) -> None:
        readable.append(select.select(links, [], [], 0)[0])

    with (
        server(_says(OK)) as port,
        Relay(f"http://127.0.0.1:{port}/", on_exchange=look) as relay,
        client(relay) as link,
    ):
        links.append(link)
        link.sendall(b"GET /1 HTTP/1.1\r\n\r\n")
        assert _rest(link) == OK
    assert readable == [[]]


def test_tls_client_at_a_plain_relay_is_reported() -> None:
    """The client has https in its URL."""
    with Relay("http://127.0.0.1:9/") as relay, client(relay) as link:
        link.sendall(b"\x16\x03\x01\x02\x00\x01")
        assert _rest(link) == b""
        assert "give the client an http:// URL" in relay.problems[0]


def test_stalled_idle_and_excess_connections_are_closed() -> None:
    """Covers an incomplete header, an idle connection, and more connections than one client may have."""
    limits = replace(LIMITS, header_time=0.2, life=0.4, client_connections=2, grace=0.2)
    with server(lambda link: link.sendall(_rest(link))) as port:
        with Relay(f"http://127.0.0.1:{port}/", limits=limits) as relay:
            for stalled in (b"GET / HT", b"GET / HTTP/1.1\r\n\r\n", b""):
                with client(relay) as link, contextlib.suppress(ConnectionResetError):
                    link.sendall(stalled)
                    assert _rest(link) == b""
        with Relay(f"http://127.0.0.1:{port}/", limits=replace(limits, life=60)) as relay:
            with client(relay), client(relay):
                _eventually(lambda: relay._clients.total() == 2)
                with client(relay) as third, contextlib.suppress(ConnectionResetError):
                    assert _rest(third) == b""
            _eventually(lambda: not relay._clients)


def test_exchange_too_large_to_keep_is_passed_on() -> None:
    """The bytes pass, the exchange is not kept, and the relay reports that."""
    body = bytes(300_000)
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with (
        server(_says(reply)) as port,
        Relay(f"http://127.0.0.1:{port}/", limits=replace(LIMITS, buffered=100_000)) as relay,
    ):
        assert _talk(relay, b"GET / HTTP/1.1\r\n\r\n") == reply
        assert relay.unfinished == 0
    assert not relay.exchanges
    assert "too large to be shown" in relay.problems[0]


@pytest.mark.parametrize("url", ["ftp://x/", "http://u:p@x/", "http://x/?a=b", "http://x/#a", "x", "http://x:0/"])
def test_bad_server_url_is_an_input_error(url: str) -> None:
    """The error comes before a port is opened."""
    with pytest.raises(InputError):
        Relay(url)


def test_stop_closes_connections_threads_and_port() -> None:
    """A second stop does nothing."""
    got = threading.Event()

    def answer(link: socket.socket) -> None:
        _until(link, b"\r\n\r\n")
        got.set()
        _rest(link)

    with server(answer) as port, Relay(f"http://127.0.0.1:{port}/") as relay, client(relay) as link:
        link.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert got.wait(60)
        relay.stop()
        relay.stop()
        with contextlib.suppress(ConnectionResetError):
            assert _rest(link) == b""
    assert not relay.running
    assert [t.name for t in threading.enumerate() if "sceplab relay" in t.name] == []
    (exchange,) = relay.exchanges
    assert exchange.reply is None


def test_stop_leaves_no_connection_open_that_comes_at_that_moment() -> None:
    """A socket that nobody closed is a ResourceWarning when it is collected, which fails the test."""
    with server(_says(OK)) as port:
        for _ in range(10):
            relay = Relay(f"http://127.0.0.1:{port}/scep").start()
            begun = threading.Event()

            def knock(relay: Relay = relay, begun: threading.Event = begun) -> None:
                with contextlib.ExitStack() as links, contextlib.suppress(OSError):
                    for _ in range(200):
                        link = socket.create_connection((relay.host, relay.port), timeout=60)
                        links.enter_context(link)
                        begun.set()
                        link.sendall(f"GET /scep HTTP/1.1\r\nHost: {relay.host}:{relay.port}\r\n\r\n".encode())

            clients = threading.Thread(target=knock)
            clients.start()
            assert begun.wait(60)
            relay.stop()
            clients.join(60)
            gc.collect()


def test_stop_leaves_no_connection_open_that_is_being_closed() -> None:
    """The server takes nothing more: what is left to write keeps the relay's connection to it open."""
    held = threading.Event()

    def stall(link: socket.socket) -> None:
        assert link.recv(1)
        held.wait(60)

    limits = replace(LIMITS, write_time=0.1)
    with server(stall) as port, Relay(f"http://127.0.0.1:{port}/scep", limits=limits) as relay:
        with client(relay) as link, contextlib.suppress(OSError):
            link.sendall(f"POST /scep HTTP/1.1\r\nHost: {relay.host}:{relay.port}\r\n".encode())
            link.sendall(b"Content-Length: 100000000\r\n\r\n" + bytes(100_000_000))
        # It gave up, and waits for a moment that its last bytes are taken.
        relay.stop()
        gc.collect()
        held.set()


def test_client_that_reset_its_connection_before_it_was_taken_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    """The system has no address of the other side any more; the next client is served."""
    held = threading.Event()
    with server(_says(OK)) as port, Relay(f"http://127.0.0.1:{port}/scep") as relay:
        loop = relay._loop
        assert loop is not None
        loop.call_soon_threadsafe(held.wait, 60)
        with client(relay) as link:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        held.set()
        with client(relay) as link:
            link.sendall(f"GET /scep HTTP/1.1\r\nHost: {relay.host}:{relay.port}\r\n\r\n".encode())
            assert _rest(link) == OK
    gc.collect()
    assert caplog.records == []


# --------------------------------------------------------------- TLS


def test_tls_certificate_of_the_server_is_checked(tmp_path: Path) -> None:
    """The relay reports each reason in a sentence with a fix, and sends nothing."""
    ca, good = server_files(tmp_path / "good")
    other_ca, other_name = server_files(tmp_path / "name", ("ca.example",))
    old_ca, old = server_files(tmp_path / "old", days=-1)
    asked: list[int] = []
    with server(lambda link: asked.append(len(link.recv(1)))) as plain:
        for trusted, files, words in (
            (None, good, "is not trusted: it does not lead to the CAs that this system trusts"),
            (other_ca, good, "is not trusted: it does not lead to the CAs in --ca-file"),
            (other_ca, other_name, "is for another name"),
            (old_ca, old, "has expired"),
        ):
            with tls_front(plain, files) as port, Relay(f"https://127.0.0.1:{port}/", ca_file=trusted) as relay:
                reply = _talk(relay, b"GET / HTTP/1.1\r\n\r\n")
                assert reply.startswith(b"HTTP/1.1 502 ")
                assert words in relay.problems[0]
        with Relay(f"https://127.0.0.1:{plain}/", ca_file=ca, timeout=60) as relay:
            _talk(relay, b"GET / HTTP/1.1\r\n\r\n")
            assert relay.problems
    assert sum(asked) <= 1, "only the last had no TLS before it"


def test_half_close_towards_a_tls_server_ends_after_the_replies(tmp_path: Path) -> None:
    """TLS has no half-close. The client gets all replies, then the relay closes the connection."""
    ca, files = server_files(tmp_path)

    def answer(link: socket.socket) -> None:
        while link.recv(65_536):
            link.sendall(OK)

    with (
        server(answer) as plain,
        tls_front(plain, files) as port,
        Relay(f"https://localhost:{port}/", ca_file=ca) as relay,
        client(relay) as link,
    ):
        link.sendall(b"GET / HTTP/1.1\r\n\r\n")
        link.shutdown(socket.SHUT_WR)
        assert _rest(link) == OK


# --------------------------------------------------------------- SCEP through the relay


@contextmanager
def https_lab(folder: Path) -> Iterator[tuple[Lab, str, Path]]:
    """Yield a lab, the https URL of its CA, and the file with the CA certificate for TLS."""
    ca, files = server_files(folder / "tls")
    policy = Policy((SECRET,), strict=Strictness(legacy=True))
    with Lab(policy=policy, host_names=("127.0.0.1", "localhost")) as lab:
        port = int(lab.ca_url.split("/")[2].partition(":")[2])
        with tls_front(port, files) as secure:
            yield lab, f"https://localhost:{secure}/cgi-bin/pkiclient.exe", ca


def test_enrollments_over_tls_are_narrated_and_recorded(tmp_path: Path) -> None:
    """The lines have the verdicts of `sceplab diagnose`, and the record reads as the same exchanges."""
    lines: list[str] = []
    with https_lab(tmp_path) as (lab, url, ca):
        narration = Narration(Follower(lab.materials()), lambda line: lines.append(line.text))
        with (
            narration,
            Record(tmp_path / "x.pcap", lines.append) as record,
            Relay(url, ca_file=ca, on_exchange=narration.take, on_sent=record.take) as relay,
        ):
            for challenge in (SECRET, "wrong"):
                known = ScepClient(relay.url, fingerprint=lab.ca.issuer.parsed.fingerprint())
                result = known.enroll(csr(challenge=challenge), quick_key())
                assert (result.status is PkiStatus.SUCCESS) == (challenge == SECRET)
            server_name = relay.server
        text = "\n".join(lines)
        assert "POST PKCSReq -> ✓ CertRep SUCCESS" in text
        assert f"CN=R3 from 127.0.0.1: granted by {server_name}." in text
        assert "POST PKCSReq -> ✗ CertRep FAILURE badRequest" in text
        assert f"CN=R3 from 127.0.0.1: refused by {server_name} (FAILURE badRequest" in text
        assert "[5] likely: The challengePassword" in text
        assert "wrong" not in text.replace("challengePassword is\n", "").replace("is wrong,", "").replace(
            "wrong, used", ""
        )
        recorded = read_capture(tmp_path / "x.pcap")
        assert [e.request for e in recorded] == [e.request for e in relay.exchanges]
        assert [e.reply for e in recorded] == [e.reply for e in relay.exchanges]
        assert [d.csr is not None for d in relay.decoded()] == [False] * 6, "no key was given"


@pytest.mark.skipif(shutil.which("pki") is None, reason="pki is missing (apt-get install strongswan-pki)")
def test_strongswan_enrolls_through_the_relay(tmp_path: Path) -> None:
    """Strongswan cannot use TLS with a private CA. Through the relay it gets a certificate."""
    with https_lab(tmp_path) as (_, url, ca), Relay(url, ca_file=ca) as relay:

        def pki(*words: str) -> bytes:
            done = subprocess.run(["pki", *words], cwd=tmp_path, capture_output=True, timeout=90, check=False)
            return done.stdout

        pki("--scepca", "--url", relay.url, "--caout", "ca.pem", "--outform", "pem")
        (tmp_path / "r3.key").write_bytes(pki("--gen", "--size", "2048", "--outform", "pem"))
        for challenge, works in (("wrong", False), (SECRET, True)):
            enroll = ["--scep", "--url", relay.url, "--in", "r3.key", "--dn", "CN=R3", "--password", challenge]
            authority = [w for o in ("enc", "sig") for w in (f"--cacert-{o}", "ca.pem")]
            out = pki(*enroll, *authority, "--cacert", "ca.pem", "--outform", "pem")
            assert (b"BEGIN CERTIFICATE" in out) == works
        _eventually(lambda: _statuses(relay) == [PkiStatus.FAILURE, PkiStatus.SUCCESS])


@pytest.mark.skipif(shutil.which("scepclient") is None, reason="scepclient is missing (apt-get install scep)")
def test_micromdm_client_enrolls_through_the_relay(tmp_path: Path) -> None:
    """The client is scepclient, the CA is behind TLS."""
    with https_lab(tmp_path) as (_, url, ca), Relay(url, ca_file=ca) as relay:
        command = ["scepclient", "-server-url", relay.url, "-private-key", "r3.key", "-certificate", "r3.pem"]
        done = subprocess.run(
            [*command, "-challenge", SECRET, "-cn", "R3"], cwd=tmp_path, capture_output=True, timeout=90, check=False
        )
        assert done.returncode == 0, done.stderr
        _eventually(lambda: PkiStatus.SUCCESS in _statuses(relay))


@pytest.mark.skipif(not micromdm.available(), reason="scepserver is missing (apt-get install scep)")
@pytest.mark.xdist_group("micromdm")
def test_client_enrolls_at_micromdm_server_through_the_relay(tmp_path: Path) -> None:
    """The server is behind TLS. The relay's verdict on a wrong challengePassword is checked too."""
    ca, files = server_files(tmp_path)
    lines: list[str] = []
    with micromdm.scepserver(SECRET) as plain, tls_front(int(plain.split("/")[2].partition(":")[2]), files) as port:
        narration = Narration(Follower(), lambda line: lines.append(line.text))
        with narration, Relay(f"https://127.0.0.1:{port}/scep", ca_file=ca, on_exchange=narration.take) as relay:
            for challenge in (SECRET, "wrong"):
                result = ScepClient(relay.url).enroll(csr(challenge=challenge), quick_key())
                assert (result.status is PkiStatus.SUCCESS) == (challenge == SECRET)
    assert any("granted by" in line for line in lines)
    assert any("refused by" in line for line in lines)


def test_client_error_shows_the_text_of_the_relay(tmp_path: Path) -> None:
    """The user of the client reads why the relay answers 502."""
    _, files = server_files(tmp_path)
    with (
        server(lambda _: None) as plain,
        tls_front(plain, files) as port,
        Relay(f"https://127.0.0.1:{port}/") as relay,
        pytest.raises(ClientError, match=r"HTTP 502 .* it sent .sceplab relay: the TLS certificate of 127\.0\.0\.1"),
    ):
        ScepClient(relay.url).get_ca_cert()
