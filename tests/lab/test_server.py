"""The lab over real sockets: HTTP of real clients, limits, hostile input, and cleanup."""

from __future__ import annotations

import random
import re
import resource
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import pytest
import requests

import sceplab
from sceplab.capture import read_capture
from sceplab.capture.record import Sent, build_pcap
from sceplab.cms.name import parse_subject
from sceplab.errors import InputError
from sceplab.lab.client import ScepClient
from sceplab.lab.http import ClientError, http_sender
from sceplab.lab.identity import make_request
from sceplab.lab.network import Lab
from sceplab.lab.policy import Policy
from sceplab.lab.server import Limits, Server
from sceplab.scep.attributes import PkiStatus
from sceplab.scep.conversation import decode_exchanges
from sceplab.scep.transport import CERTMONGER, HttpReply, HttpRequest, encode_message_value, parse_request
from tests.helpers.captures import needs, real_messages
from tests.helpers.labs import SECRET, csr, quick_key


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Yield a lab with an RA."""
    with Lab(challenge=SECRET) as running:
        running.enroll_ra()
        yield running


def _talk(lab: Lab, octets: bytes, *, replies: int = 1) -> bytes:
    """Send bytes to the CA's port; returns `replies` replies, or what arrives before the connection closes."""
    port = int(lab.ca_url.split(":")[2].split("/")[0])
    with socket.create_connection(("127.0.0.1", port), timeout=60) as link, link.makefile("rb") as stream:
        link.sendall(octets)
        return b"".join(_reply(stream) for _ in range(replies))


def _reply(stream: BinaryIO) -> bytes:
    """Read one HTTP reply by its length; a pause does not mark the end, since a busy machine pauses too."""
    head = b""
    while line := stream.readline():
        head += line
        if line == b"\r\n":
            break
    length = re.search(rb"^content-length: (\d+)", head, re.MULTILINE | re.IGNORECASE)
    return head + stream.read(int(length[1]) if length else 0)


def _message(lab: Lab, subject: str = "CN=R3", number: int = 0) -> bytes:
    """Return the pkiMessage of an enrollment."""
    from sceplab.lab.client import self_signed
    from sceplab.scep.attributes import MessageType

    data = csr(subject, number)
    return lab.client().build(MessageType.PKCSReq, data, self_signed(data, quick_key(number)), subject, bytes(16))


def test_enrollment_at_ca_and_ra_over_http(lab: Lab) -> None:
    """Both legs use real sockets."""
    for number, via in enumerate(("ca", "ra")):
        result = lab.client(via=via).enroll(csr(f"CN=via-{via}", number), quick_key(number))
        assert result.status is PkiStatus.SUCCESS


def test_http_forms_of_real_clients_are_accepted(lab: Lab) -> None:
    """HTTP/1.1 without Host, HTTP/1.0, unusual paths, pipelining, any Content-Type or none."""
    message = _message(lab, "CN=odd")
    value = encode_message_value(message, CERTMONGER)
    length = f"Content-Length: {len(message)}\r\n"
    forms = {
        "no Host, GET": f"GET /scep?operation=PKIOperation&message={value} HTTP/1.1\r\n\r\n".encode(),
        "HTTP/1.0": f"GET /?operation=PKIOperation&message={value} HTTP/1.0\r\n\r\n".encode(),
        "POST without type": f"POST /x/y.exe?operation=PKIOperation HTTP/1.1\r\n{length}\r\n".encode() + message,
        "POST as octet-stream": (
            "POST /?operation=PKIOperation HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Type: application/octet-stream\r\n{length}\r\n"
        ).encode()
        + message,
        "POST with message=": f"POST /?operation=PKIOperation&message= HTTP/1.1\r\n{length}\r\n".encode() + message,
        "chunked": b"POST /?operation=PKIOperation HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
        % (len(message), message),
        "lower case": f"GET /?operation=pkioperation&message={value} HTTP/1.0\r\n\r\n".encode(),
    }
    for name, octets in forms.items():
        head, _, body = _talk(lab, octets).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), (name, head, body)
        assert b"Content-Type: application/x-pki-message\r\n" in head + b"\r\n", (name, head)
        assert sceplab.decode_message(body).attributes.status is PkiStatus.SUCCESS, name
    pipelined = b"GET /?operation=GetCACaps HTTP/1.1\r\n\r\n" * 3
    assert _talk(lab, pipelined, replies=3).count(b"SCEPStandard") == 3


def test_bad_http_requests_get_4xx(lab: Lab) -> None:
    """No certificate is issued, and the server keeps running."""
    for octets in (
        b"GET / HTTP/1.1\r\n\r\n",
        b"DELETE /?operation=PKIOperation HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        b"GET /?operation=PKIOperation&message=%%% HTTP/1.1\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"GET /?operation=GetCACaps HTTP/9.9\r\n\r\n",
        b"POST /?operation=PKIOperation HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n",
        b"POST /?operation=PKIOperation HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /?operation=PKIOperation HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ):
        answer = _talk(lab, octets)
        assert answer == b"" or answer.split()[1][:1] == b"4", (octets, answer)
    assert lab.client().capabilities.post


@needs("tshark")
def test_recording_opens_in_tshark_and_sceplab(tmp_path: Path) -> None:
    """The pcap has the bytes that passed: tshark finds the HTTP requests, and sceplab decodes the same messages."""
    path = tmp_path / "lab.pcap"
    with Lab(challenge=SECRET) as lab:
        lab.enroll_ra()
        lab.client(via="ra").enroll(csr("CN=recorded", 5), quick_key(5))
        lab.client(via="ra").enroll(csr("CN=refused", 6, "wrong"), quick_key(6))
        path.write_bytes(lab.pcap())
        decoded = decode_exchanges(read_capture(path), lab.materials())
        live = lab.decoded()
    ours = [d.request.raw for d in live if d.request is not None]
    assert sorted(d.request.raw for d in decoded if d.request is not None) == sorted(ours)
    assert any(d.request is not None and d.request.csr is not None for d in decoded)
    told = subprocess.run(
        [
            *("tshark", "-r", str(path)),
            *(x for e in {item.exchange.server for item in live} for x in ("-d", f"tcp.port=={e.split(':')[1]},http")),
            *("-Y", "http.request", "-T", "fields", "-e", "http.request.uri"),
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert told.count("PKIOperation") == len(ours)


def test_pcap_splits_long_segments() -> None:
    """Bytes that exceed one packet are split, and the sequence numbers of both directions stay right."""
    client, server = ("127.0.0.3", 4000), ("127.0.0.1", 80)
    body = bytes(range(256)) * 600
    request = b"POST /?operation=PKIOperation HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    now = datetime.now(UTC)
    segments = [
        Sent(now, client, server, request),
        Sent(now, server, client, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"),
        Sent(now, client, server, b"GET /?operation=GetCACaps HTTP/1.1\r\n\r\n"),
        Sent(now, server, client, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nAES"),
    ]
    exchanges = read_capture(build_pcap(segments))
    assert [e.request.body if e.request else None for e in exchanges] == [body, b""]
    assert [e.reply.body if e.reply else None for e in exchanges] == [b"no", b"AES"]
    assert (exchanges[0].client, exchanges[0].server) == ("127.0.0.3:4000", "127.0.0.1:80")
    with pytest.raises(InputError, match="no readable packet"):
        read_capture(build_pcap([]))


def test_stop_leaves_no_thread_port_or_temporary_folder(tmp_path: Path) -> None:
    """A lab in a named folder starts again with the same CA and RA."""
    before = set(threading.enumerate())
    with Lab(challenge=SECRET) as first:
        first.enroll_ra()
        first.client(via="ra").enroll(csr(), quick_key())
        ports = [int(url.split(":")[2].split("/")[0]) for url in (first.ca_url, first.ra_url)]
        temporary = first.folder
    assert set(threading.enumerate()) <= before
    assert any(d.request is not None and d.request.csr is not None for d in first.decoded()), "to be looked at after"
    assert not temporary.exists()
    first.stop()
    for port, host in zip(ports, ("127.0.0.1", "127.0.0.2"), strict=True):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, port), timeout=1)
    with Lab(tmp_path / "kept", challenge=SECRET, ports=(ports[0], 0)) as kept:
        kept.enroll_ra(two_certificates=True)
        certificate = kept.ca.certificate
        assert {p.stat().st_mode & 0o777 for p in (tmp_path / "kept").glob("*.key.pem")} == {0o600}
    with Lab(tmp_path / "kept", challenge=SECRET, ports=(ports[0], 0)) as again:
        assert again.ca.certificate == certificate
        assert again.client(via="ra").enroll(csr(), quick_key()).status is PkiStatus.SUCCESS
        assert again.ra is not None
        with pytest.raises(InputError, match="running already"):
            again.start_ra(again.ra.signer)
        with pytest.raises(InputError, match="cannot be listened on"):
            Server(lambda _: HttpReply(200), port=ports[0]).start()


def test_stop_waits_for_a_running_answer() -> None:
    """The request in progress is answered before the port closes."""
    entered, leave = threading.Event(), threading.Event()

    def slow(_: HttpRequest) -> HttpReply:
        entered.set()
        leave.wait(5)
        return HttpReply(200, (), b"done")

    server = Server(slow)
    server.start()
    got: list[bytes] = []
    client = threading.Thread(target=lambda: got.append(requests.get(server.url, timeout=10).content))
    client.start()
    assert entered.wait(5)
    stopper = threading.Thread(target=server.stop)
    stopper.start()
    leave.set()
    client.join(10)
    stopper.join(10)
    assert got == [b"done"]


def test_internal_error_gives_a_500_without_details(caplog: pytest.LogCaptureFixture) -> None:
    """The log has the exception; the reply does not."""

    def broken(_: HttpRequest) -> HttpReply:
        raise ZeroDivisionError("a secret")

    with Server(broken) as server:
        reply = requests.get(server.url, timeout=10)
    assert reply.status_code == 500
    assert "secret" not in reply.text
    assert "ZeroDivisionError" in caplog.text


def _is_closed(link: socket.socket) -> bool:
    """Whether the other side has closed a connection, or closes it within the timeout; it may send bytes before."""
    try:
        while link.recv(1000):
            pass
    except ConnectionError:
        pass
    except (TimeoutError, BlockingIOError):
        return False
    return True


def _connections(lab: Lab, number: int) -> list[socket.socket]:
    address = ("127.0.0.1", int(lab.ca_url.split(":")[2].split("/")[0]))
    return [socket.create_connection(address, timeout=60) for _ in range(number)]


_HALF = b"POST /?operation=PKIOperation HTTP/1.1\r\nContent-Length: 1000\r\n\r\n\x30"


def test_slow_connections_do_not_delay_other_clients() -> None:
    """The time limits are far longer than the test: only concurrency lets the other client in."""
    with Lab(challenge=SECRET, limits=Limits(header_time=600, body_time=600)) as lab:
        links = _connections(lab, 40)
        for link in links[::2]:
            link.sendall(_HALF)
        assert lab.client().enroll(csr(), quick_key()).status is PkiStatus.SUCCESS
        for link in links:
            link.close()


def test_slow_and_half_open_connections_are_closed() -> None:
    """Silent, dripping and half-sent requests are closed when their time limit ends."""
    with Lab(challenge=SECRET, limits=Limits(header_time=1, body_time=1)) as lab:
        drip, *links = _connections(lab, 40)
        for link in links[::2]:
            link.sendall(_HALF)
        deadline = time.monotonic() + 60
        closed = False
        while time.monotonic() < deadline and not closed:
            try:
                drip.sendall(b"G")
                time.sleep(0.2)  # shorter than header_time
            except OSError:
                closed = True
        assert closed, "a header that comes octet by octet has one time limit for all of it"
        assert all(_is_closed(link) for link in links), "silent ones, and those with half a body"
        for link in (drip, *links):
            link.close()


def test_connections_beyond_the_limit_are_closed() -> None:
    """When other connections end, a new client is served."""
    with Lab(challenge=SECRET, limits=Limits(header_time=600, connections=60)) as lab:
        many = _connections(lab, 70)
        assert all(_is_closed(link) for link in many[60:])
        for link in many[:60]:
            link.settimeout(0)
            assert not _is_closed(link)
        for link in many:
            link.close()
        # The client retries while the server has not noticed all closed connections.
        assert lab.client().enroll(csr(), quick_key()).status is PkiStatus.SUCCESS


def _mutated(rng: random.Random, messages: list[bytes]) -> bytes:
    """Return a real message with a few bytes changed, cut, doubled or moved."""
    data = bytearray(rng.choice(messages))
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data))
        match rng.randrange(5):
            case 0:
                data[at] = rng.randrange(256)
            case 1:
                data[at] ^= 1 << rng.randrange(8)
            case 2:
                del data[at : at + rng.randint(1, 40)]
            case 3:
                data[at:at] = data[at : at + rng.randint(1, 40)]
            case _:
                data = data[: max(1, at)]
        if not data:
            data = bytearray(b"0")
    return bytes(data)


def test_ten_thousand_fuzzed_requests_are_answered() -> None:
    """They are mutations of real messages and of messages that only lack the challengePassword. Memory stays flat."""
    rng = random.Random(8894)  # noqa: S311 - repeatable, no secret
    with Lab(policy=Policy(("never sent",), max_pending=50), record=False) as lab:
        # Real messages, and messages encrypted for this CA, which reach every layer.
        own = [_message(lab, f"CN=own-{i}", i) for i in range(4)]
        messages = [*real_messages(), *own * 5]
        post = http_sender(lab.ca_url)
        held = []
        for number in range(10_000):
            octets = _mutated(rng, messages)
            if number % 10 == 0:
                value = encode_message_value(octets)
                reply = post(HttpRequest("GET", f"/?operation=PKIOperation&message={value}"))
            else:
                reply = post(HttpRequest("POST", "/?operation=PKIOperation", body=octets))
            assert reply.status in {200, 400}, (number, reply)
            if reply.status == 200:
                attributes = sceplab.decode_message(reply.body).attributes
                assert attributes.status in {PkiStatus.FAILURE, PkiStatus.PENDING}, number
                assert attributes.fail_info is not None or attributes.status is PkiStatus.PENDING
            if number in {2_000, 9_999}:
                held.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        assert lab.ca.store.all_issued() == []
        assert lab.client().capabilities.post
    assert held[1] - held[0] < 40_000, f"{held} KB"


def test_stopped_ca_behind_the_ra_gives_http_502() -> None:
    """The client has read GetCACert before the CA stops."""
    with Lab(challenge=SECRET) as lab:
        lab.enroll_ra()
        client = lab.client(via="ra")
        assert client.ca
        lab._servers[0].stop()
        with pytest.raises(ClientError, match="502"):
            client.enroll(csr(), quick_key())


def test_kept_exchange_decodes_to_the_request_sent(lab: Lab) -> None:
    """The ladder diagram is drawn from these exchanges."""
    request = make_request(parse_subject("CN=kept"), quick_key(7), challenge=SECRET)
    lab.client().enroll(request, quick_key(7))
    last = lab.exchanges[-1]
    assert last.request is not None
    assert parse_request(last.request).operation == "PKIOperation"
    (decoded,) = decode_exchanges([last], lab.materials())
    assert decoded.request is not None
    assert decoded.request.csr is not None
    assert decoded.request.csr.raw == request
    assert lab.names[last.server] == "R1 (CA)"
    assert isinstance(lab.client(), ScepClient)


def test_failed_start_closes_all_ports(tmp_path: Path) -> None:
    """The RA's port is taken. The CA's port is closed again, and the next start works."""
    with Lab(tmp_path, challenge="secret") as lab:
        lab.enroll_ra()
        host = lab.ra_url.split("/")[2].rpartition(":")[0]
    with socket.create_server((host, 0)) as taken:
        before = set(threading.enumerate())
        lab = Lab(tmp_path, ports=(0, taken.getsockname()[1]))
        with pytest.raises(InputError, match="cannot be listened on"):
            lab.start()
        assert set(threading.enumerate()) <= before
        assert not lab.running
    with lab:
        assert lab.ra is not None
