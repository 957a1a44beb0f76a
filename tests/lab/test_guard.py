"""The server against hostile clients over real sockets: foreign host names, ambiguous headers, stalled readers."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from sceplab.lab.guard import foreign_name
from sceplab.lab.http import http_sender
from sceplab.lab.network import Lab, own_addresses
from sceplab.lab.server import LIMITS, Limits, Server
from sceplab.scep.attributes import PkiStatus
from sceplab.scep.transport import HttpReply, HttpRequest
from tests.helpers.labs import SECRET, csr, quick_key

CAPS = b"GET /?operation=GetCACaps HTTP/1.1\r\n\r\n"
CLOSE = "Connection: close\r\n"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Yield a lab with an RA and one additional allowed host name."""
    with Lab(challenge=SECRET, host_names=("r1.example",)) as running:
        running.enroll_ra()
        yield running


def _address(url: str) -> tuple[str, int]:
    host, port = url.split("/")[2].split(":")
    return host, int(port)


def _talk(url: str, octets: bytes) -> bytes:
    """Send bytes and return what arrives until the server closes the connection."""
    with socket.create_connection(_address(url), timeout=60) as link:
        link.sendall(octets)
        return b"".join(iter(lambda: link.recv(65_536), b""))


@pytest.mark.parametrize("via", ["ca", "ra"])
@pytest.mark.parametrize("operation", ["GetCACaps", "GetCACert", "GetNextCACert", "PKIOperation", "nonsense"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_foreign_host_names_are_refused_for_every_operation(lab: Lab, method: str, operation: str, via: str) -> None:
    """A web page of another site cannot reach the lab under that site's name (DNS rebinding)."""
    url = lab.ca_url if via == "ca" else lab.ra_url
    port = _address(url)[1]
    for target, named in (
        ("", f"evil.example:{port}"),
        ("", "evil.example"),
        ("", "localhost.evil.example"),
        ("", "127.0.0.1.evil.example"),
        ("", f"user@evil.example:{port}"),
        ("", "192.0.2.1"),
        ("", f"127.0.0.1:{port + 1}"),
        (f"http://evil.example:{port}", f"127.0.0.1:{port}"),
    ):
        line = f"{method} {target}/?operation={operation} HTTP/1.1\r\nConnection: close\r\n"
        answer = _talk(url, f"{line}Host: {named}\r\nContent-Length: 0\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 421 "), (target, named, answer)
        assert b"ask for localhost" in answer
    twice = f"GET /?operation={operation} HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n".encode()
    assert _talk(url, twice).startswith(b"HTTP/1.1 400 ")


def test_own_host_names_are_served(lab: Lab) -> None:
    """Covers loopback names and addresses, allowed names, and requests without Host, as Cisco IOS sends them."""
    port = _address(lab.ca_url)[1]
    hosts = ("127.0.0.1", f"127.0.0.1:{port}", f"localhost:{port}", "LOCALHOST.", f"[::1]:{port}", "127.9.9.9", "")
    for named in (*hosts, "r1.example", f"R1.example:{port}", "r1.example:9"):
        for version in ("1.0", "1.1"):
            octets = f"GET /?operation=GetCACaps HTTP/{version}\r\nHost: {named}\r\n{CLOSE}\r\n".encode()
            assert _talk(lab.ca_url, octets).startswith(b"HTTP/1.1 200 "), named
    for octets in (CAPS.replace(b"\r\n\r\n", f"\r\n{CLOSE}\r\n".encode()), CAPS.replace(b"1.1", b"1.0")):
        assert _talk(lab.ca_url, octets).startswith(b"HTTP/1.1 200 ")
    absolute = f"GET http://localhost:{port}/?operation=GetCACaps HTTP/1.1\r\nHost: localhost\r\n{CLOSE}\r\n".encode()
    assert _talk(lab.ca_url, absolute).startswith(b"HTTP/1.1 200 ")
    assert foreign_name(HttpRequest("GET", "/?a=http://evil.example/"), 80, ()) is None


POST = b"POST /?operation=PKIOperation HTTP/1.1\r\n"


@pytest.mark.parametrize(
    "octets",
    [
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        POST + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
        POST + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\n12345",
        POST + b"Content-Length: 0, 0\r\n\r\n",
        POST + b"Content-Length: +0\r\n\r\n",
        POST + b"Content-Length : 0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n1\nA\n0\n\n",
        POST + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n",
        POST + b"X: a\r\n\tb: c\r\nContent-Length: 0\r\n\r\n",
        POST + b" X: a\r\nContent-Length: 0\r\n\r\n",
        POST + b"X: a\nContent-Length: 0\r\n\r\n",
        POST + b"X: a\rContent-Length: 5\r\nContent-Length: 0\r\n\r\n",
        POST.replace(b"\r\n", b"\n") + b"Content-Length: 0\n\n",
        POST + b"X: a\0b\r\nContent-Length: 0\r\n\r\n",
        POST + b"no colon\r\nContent-Length: 0\r\n\r\n",
        POST + b"x: y\r\n" * 101 + b"Content-Length: 0\r\n\r\n",
        POST + b"x: " + b"y" * 20_000 + b"\r\nContent-Length: 0\r\n\r\n",
        POST + b"y" * 300 + b": z\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_ambiguous_headers_are_refused(lab: Lab, octets: bytes) -> None:
    """Two programs could read such headers in two ways, or they are too many.

    The server answers 400 and closes the connection.
    """
    answer = _talk(lab.ca_url, octets + CAPS)
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert answer.count(b"HTTP/1.1 ") == 1


def _fill(link: socket.socket, octets: bytes) -> None:
    """Send until the other side stops reading; this side reads nothing."""
    link.settimeout(0)
    with contextlib.suppress(OSError):
        for _ in range(100_000):
            link.send(octets)


def test_clients_that_never_read_are_disconnected() -> None:
    """They take all connections, pipeline requests and read nothing. After write_time others are served."""
    limits = Limits(header_time=600, body_time=600, write_time=1, connections=20)
    with Server(lambda _: HttpReply(200, (), bytes(100_000)), limits=limits) as server:
        links = []
        for _ in range(20):
            link = socket.socket()
            # A small buffer, so that the server stalls soon.
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            link.connect(_address(server.url))
            links.append(link)
        stallers = [threading.Thread(target=_fill, args=(link, CAPS * 100)) for link in links]
        for staller in stallers:
            staller.start()
        for staller in stallers:
            staller.join()
        assert len(_until_served(server.url)) == 100_000
        for link in links:
            link.close()


def _until_served(url: str) -> bytes:
    """Return the body of a reply; retries while the server refuses the connection."""
    deadline = time.monotonic() + 120
    send = http_sender(url, retries=0, timeout=60)
    while True:
        try:
            return send(HttpRequest("GET", "/")).body
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@pytest.mark.skipif(not own_addresses(), reason="this machine has one loopback address")
def test_one_client_cannot_take_all_connections() -> None:
    """Connections beyond the limit of one address are closed at once; another address is served."""
    with Lab(challenge=SECRET, limits=Limits(header_time=600, connections=20, client_connections=12)) as lab:
        links = [socket.create_connection(_address(lab.ca_url), timeout=60) for _ in range(20)]
        for link in links[12:]:
            with contextlib.suppress(ConnectionError):
                assert link.recv(1) == b""
        assert lab.client().enroll(csr(), quick_key()).status is PkiStatus.SUCCESS, "from another address"
        for link in links:
            link.close()
    assert LIMITS.client_connections < LIMITS.connections


@pytest.mark.parametrize(("limits", "answered"), [(Limits(requests=3), 3), (Limits(life=0), 1)])
def test_connection_closes_after_its_request_or_time_limit(limits: Limits, answered: int) -> None:
    """The client pipelines more requests than the limit."""
    with Server(lambda _: HttpReply(200, (), b"yes"), limits=limits) as server:
        answer = _talk(server.url, CAPS * 50)
    assert answer.count(b"HTTP/1.1 200 ") == answered
    assert len(re.findall(rb"(?i)connection: close", answer)) == 1


def test_all_unfinished_bodies_share_one_memory_limit() -> None:
    """Beyond the limit a request is answered with 503. When memory is free again, the answer is 200."""
    limits = Limits(header_time=600, body_time=600, buffered=100_000)
    head = POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n"
    with Server(lambda _: HttpReply(200, (), b"yes"), limits=limits) as server:
        with socket.create_connection(_address(server.url), timeout=60) as half:
            half.sendall(head % 90_000 + bytes(10))
            half.sendall(bytes(80_000))
            # Repeat until the server has received the half request.
            answers = (_talk(server.url, head % 30_000 + bytes(30_000)) for _ in range(10_000))
            assert any(answer.startswith(b"HTTP/1.1 503 ") for answer in answers)
            half.sendall(bytes(9_990))
            assert half.recv(12) == b"HTTP/1.1 200"
        assert _talk(server.url, head % 90_000 + bytes(90_000)).startswith(b"HTTP/1.1 200 ")
