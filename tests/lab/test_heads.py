"""Request headers in a client's byte stream: found wherever packets break, with only the server's name changed."""

from __future__ import annotations

import pytest

from sceplab.lab.heads import HEAD_SIZE, HeadError, RequestStream, name_server
from sceplab.scep.transport import HttpRequest


def _named(head: bytes, _: HttpRequest) -> bytes:
    return name_server(head, "https", "ca.example:444")


def _as_it_is(head: bytes, _: HttpRequest) -> bytes:
    return head


def _through(data: bytes, size: int, change: object = _named) -> bytes:
    """Return what the stream gives out when the bytes come in pieces of `size`."""
    stream = RequestStream(change)  # type: ignore[arg-type]
    out = b"".join(piece for i in range(0, len(data), size) for piece in stream.feed(data[i : i + size]))
    return out + stream.end()


CHANGED = [
    (b"GET /x?a=b HTTP/1.1\r\nhOsT :\t relay:8082 \r\nA:b\r\n\r\n", b"relay:8082", b"ca.example:444"),
    (b"GET /x HTTP/1.0\nHost:relay\n\n", b"relay", b"ca.example:444"),
    (b"GET http://relay:1/x?u=http://a/ HTTP/1.1\r\n\r\n", b"http://relay:1", b"https://ca.example:444"),
    (b"POST /a b HTTP/1.1\r\nHost: relay\r\nContent-Length: 9\r\n\r\nHost: x\r\n", b" relay", b" ca.example:444"),
    (
        b"PUT / HTTP/1.1\r\nHost: relay\r\nTransfer-Encoding: chunked\r\n\r\n9;x=y\r\nHost: a\r\n\r\n0\r\nT: t\r\n\r\n",
        b" relay",
        b" ca.example:444",
    ),
]
SAME = [
    b"GET / HTTP/1.0\r\n\r\n",
    b"GET /?u=http://relay/ HTTP/1.1\r\nX-Host: relay\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc\r\n",
    b"OPTIONS * HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
]
# Everything after these stays unchanged: the start of the next request is not certain.
LAST = [
    b"CONNECT ca:443 HTTP/1.1\r\n\r\n\x16\x03\x01",
    b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    b"POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\na",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\nzz",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1;" + b"x" * 20_000,
    b"POST / HTTP/1.0\r\n\r\n\x30\x82\x01\x00",
    b"GET /old\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"MIIJFQYJKoZIhvcNAQcCoIIJBjCCCQIC",
    b"\x00\xff",
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10**6])
def test_server_name_is_changed_wherever_packets_break(size: int) -> None:
    """All kinds of requests on one connection. The name changes in headers and never in bodies."""
    sent = b"".join(before for before, _, _ in CHANGED) + b"".join(SAME)
    due = b"".join(before.replace(old, new, 1) for before, old, new in CHANGED) + b"".join(SAME)
    assert _through(sent * 2, size) == due * 2
    assert _through(sent, size, _as_it_is) == sent


@pytest.mark.parametrize("last", LAST)
@pytest.mark.parametrize("size", [1, 10**6])
def test_bytes_after_an_unframed_request_stay_unchanged(last: bytes, size: int) -> None:
    """Something that looks like another request follows and is passed on to the last byte."""
    sent = CHANGED[1][0] + last + b"GET / HTTP/1.1\r\nHost: relay\r\n\r\n"
    assert _through(sent, size) == CHANGED[1][0].replace(b"relay", b"ca.example:444") + sent[len(CHANGED[1][0]) :]


def test_incomplete_header_is_held_until_complete_or_end() -> None:
    """At the end of the stream the held bytes are returned."""
    stream = RequestStream(_named)
    assert list(stream.feed(b"GET / HTTP/1.1\r\nHo")) == []
    assert stream.partial
    assert stream.end() == b"GET / HTTP/1.1\r\nHo"
    assert not stream.partial


@pytest.mark.parametrize("size", [1000, 10**7])
def test_oversized_header_is_refused_with_431(size: int) -> None:
    """The limit leaves room for a GET with a message in its URL."""
    head = b"GET /?" + b"a" * (HEAD_SIZE - 100) + b" HTTP/1.1\r\n\r\n"
    assert _through(head, size) == head
    with pytest.raises(HeadError, match="more than") as refused:
        _through(b"GET /?" + b"a" * 2 * HEAD_SIZE, size)
    assert refused.value.status == 431


def test_requests_before_a_refused_one_are_passed_on() -> None:
    """The change function raises HeadError for the second of two requests."""

    def change(head: bytes, request: HttpRequest) -> bytes:
        if request.target == "/no":
            raise HeadError(421, "no")
        return head

    stream = RequestStream(change).feed(SAME[0] + b"GET /no HTTP/1.1\r\n\r\n")
    assert next(stream) == SAME[0]
    with pytest.raises(HeadError):
        next(stream)
