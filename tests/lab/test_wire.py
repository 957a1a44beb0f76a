"""The client against hostile servers over real sockets: large, endless and dripping replies."""

from __future__ import annotations

import gzip
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from sceplab.lab.client import ScepClient, self_signed
from sceplab.lab.http import ClientError, http_sender
from sceplab.lab.ra import RegistrationAuthority
from sceplab.lab.wire import Allowance, TooMuchError, unpacked
from sceplab.scep.transport import HttpRequest
from tests.helpers.labs import csr, quick_key

CAPS = HttpRequest("GET", "/?operation=GetCACaps")
OK = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def hostile(answer: Callable[[socket.socket], None]) -> Iterator[tuple[str, list[int]]]:
    """Yield the URL of a server that reads a request and then calls `answer`, and a list with one item per request."""
    asked: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    link, _ = listener.accept()
                    with link, suppress(OSError):
                        link.recv(65_536)
                        asked.append(1)
                        answer(link)

        worker = threading.Thread(target=serve, daemon=True)
        worker.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/scep", asked
        listener.shutdown(socket.SHUT_RDWR)
    worker.join(60)


def _says(octets: bytes) -> Callable[[socket.socket], None]:
    return lambda link: link.sendall(octets)


def _for_ever(start: bytes, piece: bytes) -> Callable[[socket.socket], None]:
    """Send until the client closes the connection; 200 MB count as endless."""

    def answer(link: socket.socket) -> None:
        link.sendall(start)
        for _ in range(200_000_000 // len(piece)):
            link.sendall(piece)

    return answer


PACKED = gzip.compress(bytes(50_000_000))
TOO_LARGE = {
    "gzip": _says(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(PACKED) + PACKED),
    "content-length": _for_ever(OK + b"Content-Length: 200000000\r\n\r\n", bytes(100_000)),
    "until it closes": _for_ever(OK + b"\r\n", bytes(100_000)),
    "chunks": _for_ever(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n" * 10_000),
    "chunk extensions": _for_ever(OK + b"Transfer-Encoding: chunked\r\n\r\n", (b"1;" + b"x" * 60_000 + b"\r\na\r\n")),
    "trailers": _for_ever(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"x: " + b"y" * 60_000 + b"\r\n"),
    "100 Continue": _for_ever(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 4_000),
    "headers": _for_ever(OK, b"x: " + b"y" * 60_000 + b"\r\n"),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_large_and_endless_replies_are_cut_off(name: str) -> None:
    """The client closes the connection at its limit, reports it, and does not retry."""
    with hostile(TOO_LARGE[name]) as (url, asked):
        with pytest.raises(ClientError, match="too large"):
            http_sender(url, most=1_000_000, timeout=60, pause=0)(CAPS)
        assert len(asked) == 1


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nX: ", OK + b"Content-Length: 1000000\r\n\r\n"])
def test_dripping_reply_ends_at_the_total_timeout(start: bytes) -> None:
    """Each byte arrives within the time limit, but the whole reply does not."""
    over = threading.Event()

    def drip(link: socket.socket) -> None:
        link.sendall(start)
        # The server never stops by itself: the test ends when the client closes the connection.
        while not over.wait(0.05):
            link.sendall(b"a")

    with hostile(drip) as (url, asked):
        try:
            with pytest.raises(ClientError, match=r"no complete answer in 0\.5 seconds"):
                http_sender(url, timeout=0.5, pause=0)(CAPS)
        finally:
            over.set()
        assert len(asked) <= 1, "it does not ask again: that would take as long"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["http://192.0.2.1/scep", "file:///etc/passwd", "http://u@127.0.0.1/", "//x/"])
def test_redirects_to_another_host_are_reported_not_followed(status: int, target: str) -> None:
    """Nothing is sent to a server that the user did not choose, and no other scheme is opened."""
    head = f"HTTP/1.1 {status} Moved\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()
    with hostile(_says(head)) as (url, asked):
        with pytest.raises(ClientError, match=re.escape(f"redirects to {target}: give that URL")):
            ScepClient(http_sender(url, pause=0)).get_ca_cert()
        assert len(asked) == 1


def test_cookies_are_not_sent_back() -> None:
    """A server cannot make the client store or send data."""
    seen: list[bytes] = []

    def answer(link: socket.socket) -> None:
        link.sendall(OK + b"Set-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")
        seen.append(link.recv(65_536))
        link.sendall(OK + b"Content-Length: 0\r\n\r\n")

    with hostile(answer) as (url, _):
        send = http_sender(url, pause=0)
        assert [send(CAPS).status, send(CAPS).status] == [200, 200]
    assert seen[0].startswith(b"GET")
    assert b"cookie" not in seen[0].lower()


def test_usual_replies_are_read() -> None:
    """Covers gzip, chunked bodies, a body that ends with the connection, an interim reply, and damaged gzip."""
    packed = gzip.compress(b"AES\n")
    for octets in (
        OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed,
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nAE\r\n2\r\nS\n\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nAES\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 4\r\n\r\nAES\n",
    ):
        with hostile(_says(octets)) as (url, _):
            assert http_sender(url, pause=0)(CAPS).body == b"AES\n"
    damaged = OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nAES\n"
    with hostile(_says(damaged)) as (url, _), pytest.raises(ClientError, match="Content-Encoding gzip is damaged"):
        http_sender(url, pause=0)(CAPS)


def test_allowance_and_unpacking_stop_at_their_limits() -> None:
    """Covers the time limit, the byte limit and the limit of unpacked bytes."""
    allowance = Allowance()
    allowance.begin(0)
    with pytest.raises(TimeoutError):
        allowance.seconds()
    allowance.octets = 10
    allowance.count(10)
    with pytest.raises(TooMuchError):
        allowance.count(1)
    assert unpacked(gzip.compress(bytes(100)), "gzip", 100) == bytes(100)
    with pytest.raises(TooMuchError):
        unpacked(gzip.compress(bytes(101)), "gzip", 100)
    assert unpacked(b"as it is", "br", 100) == b"as it is"


@pytest.mark.parametrize("name", TOO_LARGE)
def test_ra_answers_502_when_its_ca_replies_without_end(name: str) -> None:
    """The reply of the RA is one line."""
    with hostile(TOO_LARGE[name]) as (url, asked):
        key = quick_key()
        upstream = ScepClient(http_sender(url, most=1_000_000, timeout=60, pause=0))
        ra = RegistrationAuthority(self_signed(csr(), key), upstream)
        reply = ra.answer(HttpRequest("GET", "/?operation=GetCACert"))
        assert reply.status == 502
        assert b"too large" in reply.body
        assert len(reply.body.splitlines()) == 1
        assert len(asked) == 1
