"""Packet captures: file formats, link types, segment order, reported gaps, and captures without HTTP."""

from __future__ import annotations

import contextlib
import gzip
import io
import random
import zlib
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sceplab.capture import iter_capture, read_capture
from sceplab.capture.packets import segment_of
from sceplab.errors import InputError
from sceplab.scep.transport import Exchange
from tests.helpers import packets
from tests.helpers.packets import CLIENT, SERVER, Piece, Tcp, answered, asked, conversation, frames

ONE, TWO = bytes.fromhex("30820bb8") + b"\x01" * 3000, bytes.fromhex("30820384") + b"\x02" * 900
TALK = [Piece(True, asked(ONE)), Piece(False, answered(TWO)), Piece(True, asked(TWO)), Piece(False, answered(ONE))]


def _bodies(exchanges: Sequence[Exchange]) -> list[tuple[bytes | None, bytes | None]]:
    return [(e.request.body if e.request else None, e.reply.body if e.reply else None) for e in exchanges]


def _whole(data: bytes) -> None:
    exchanges = read_capture(data)
    assert _bodies(exchanges) == [(ONE, TWO), (TWO, ONE)]
    assert [(e.problems, e.gap) for e in exchanges] == [((), False)] * 2


@pytest.mark.parametrize("link", packets.LINKS)
@pytest.mark.parametrize("version", [4, 6])
def test_every_link_type(link: str, version: int) -> None:
    """The same conversation in frames of every link type, over IPv4 and IPv6."""
    ends = (CLIENT, SERVER) if version == 4 else (packets.CLIENT6, packets.SERVER6)
    made = frames(conversation(TALK, client=ends[0], server=ends[1]), link)
    data = packets.pcap(made, packets.LINKS[link][0])
    _whole(data)
    (first, _) = read_capture(data)
    assert first.client == f"{ends[0][0]}:40001" if version == 4 else f"[{ends[0][0]}]:40001"
    assert first.stream == 0
    assert first.first_frame == 1
    assert first.time is not None
    assert first.answered is not None
    assert first.time < first.answered


FILES: dict[str, Callable[[], bytes]] = {
    "pcap": lambda: packets.pcap(frames(conversation(TALK))),
    "pcap, big-endian": lambda: packets.pcap(frames(conversation(TALK)), order=">"),
    "pcap, nanoseconds": lambda: packets.pcap(frames(conversation(TALK)), nanoseconds=True),
    "pcapng": lambda: packets.pcapng([(1, frames(conversation(TALK)))]),
    "pcapng, big-endian": lambda: packets.pcapng([(1, frames(conversation(TALK)))], order=">"),
    "pcapng, two interfaces": lambda: packets.pcapng(
        [(1, frames(conversation(TALK))[::2]), (101, [(m, f) for m, f in frames(conversation(TALK), "raw IP")][1::2])]
    ),
    "pcapng, two sections": lambda: (
        packets.pcapng([(1, [])], order=">") + packets.pcapng([(1, frames(conversation(TALK)))])
    ),
    "gzip": lambda: gzip.compress(packets.pcap(frames(conversation(TALK)))),
    "gzip, two members": lambda: b"".join(
        gzip.compress(packets.pcap(frames(conversation(TALK)))[part]) for part in (slice(900), slice(900, None))
    ),
    "pcapng, gzip": lambda: gzip.compress(packets.pcapng([(1, frames(conversation(TALK)))])),
}


@pytest.mark.parametrize("name", FILES)
def test_every_kind_of_file(name: str) -> None:
    """Byte orders, time resolutions, several interfaces and sections, and gzip."""
    _whole(FILES[name]())
    assert all(e.time is not None and e.time.year == 2026 for e in read_capture(FILES[name]()))


def _shuffled(segments: list[Tcp], seed: int) -> list[Tcp]:
    chance = random.Random(seed)  # noqa: S311 - a test
    out = list(segments)
    for i in range(len(out) - 3):
        j = i + chance.randrange(3)
        out[i], out[j] = out[j], out[i]
    return out


def _overlapping(segments: list[Tcp]) -> list[Tcp]:
    """Resend each segment joined to the one before it, and one that begins in the middle of the one before."""
    out: list[Tcp] = []
    last: dict[tuple[str, int], Tcp] = {}
    for s in segments:
        out.append(s)
        before = last.get(s.source)
        if s.data and before is not None:
            out.append(Tcp(s.source, s.target, before.seq, s.flags, before.data + s.data))
            half = len(before.data) // 2
            out.append(Tcp(s.source, s.target, (before.seq + half) % 2**32, s.flags, before.data[half:] + s.data[:5]))
        if s.data:
            last[s.source] = s
    return out


ORDERS: dict[str, Callable[[list[Tcp]], list[Tcp]]] = {
    "as sent": lambda s: s,
    "all sent twice": lambda s: [x for x in s for _ in range(2)],
    "retransmitted at the end": lambda s: [*s, *s],
    "shuffled": lambda s: _shuffled(s, 1),
    "shuffled otherwise": lambda s: _shuffled(s, 2),
    "overlapping": _overlapping,
    "overlapping and shuffled": lambda s: _shuffled(_overlapping(s), 3),
    "without the handshake": lambda s: s[2:],
    "without the end": lambda s: s[:-2],
    "keep-alive probes": lambda s: [
        x for y in s for x in (y, *((Tcp(y.source, y.target, (y.seq - 1) % 2**32, 16, b"\0"),) if y.data else ()))
    ],
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [97, 536, 1400])
def test_every_order_of_segments(order: str, size: int) -> None:
    """Retransmitted, overlapping and out of order; sequence numbers wrap around at 2^32."""
    _whole(packets.pcap(frames(ORDERS[order](conversation(TALK, size=size)))))


def test_segments_of_one_byte() -> None:
    """Each segment carries one byte."""
    _whole(packets.pcap(frames(conversation(TALK, size=1))))


def test_clients_and_transactions_interleave() -> None:
    """Many clients at once with several transactions each; ports are reused."""
    talks = []
    for n in range(12):
        body = bytes((0x30, 0x03, 2, 1, n))
        pieces = [Piece(True, asked(body)), Piece(False, answered(body * 3))] * (1 + n % 3)
        talks.append(conversation(pieces, client=("192.0.2.9", 2000 + n % 6), start=n * 100_000_000, size=60))
    together = []
    for some in (talks[:6], talks[6:]):
        rest = [list(t) for t in some]
        while any(rest):
            together += [t.pop(0) for t in rest if t]
    exchanges = read_capture(packets.pcap(frames(together)))
    assert len(exchanges) == sum(1 + n % 3 for n in range(12))
    assert [e.stream for e in exchanges] == sorted(n for n in range(12) for _ in range(1 + n % 3))
    for e in exchanges:
        assert e.request is not None
        assert e.reply is not None
        assert e.reply.body == e.request.body * 3
        assert e.problems == ()


def _reply(head: str, body: bytes) -> bytes:
    return f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + body


def _chunked(body: bytes) -> bytes:
    parts = [body[:1], body[1:700], body[700:]]
    return b"".join(f"{len(p):x};ext=1\r\n".encode() + p + b"\r\n" for p in parts) + b"0\r\nTrailer: 1\r\n\r\n"


BODIES: dict[str, tuple[bytes, bytes]] = {
    "with lengths": (asked(ONE), answered(TWO)),
    "chunked reply": (asked(ONE), _reply("Transfer-Encoding: chunked\r\n", _chunked(TWO))),
    "chunked request": (
        b"POST /scep?operation=PKIOperation HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + _chunked(ONE),
        answered(TWO),
    ),
    "gzip reply": (
        asked(ONE),
        _reply(f"Content-Encoding: gzip\r\nContent-Length: {len(packets.packed(TWO))}\r\n", packets.packed(TWO)),
    ),
    "gzip, chunked": (
        asked(ONE),
        _reply("Content-Encoding: x-gzip\r\nTransfer-Encoding: chunked\r\n", _chunked(gzip.compress(TWO))),
    ),
    "deflate": (asked(ONE), _reply("Content-Encoding: deflate\r\n", zlib.compress(TWO))),
    "deflate, raw": (asked(ONE), _reply("Content-Encoding: deflate\r\n", zlib.compress(TWO)[2:-4])),
    "no length, until the end": (asked(ONE), _reply("", TWO)),
    "HTTP/1.0": (asked(ONE).replace(b"HTTP/1.1", b"HTTP/1.0"), b"HTTP/1.0 200 OK\r\n\r\n" + TWO),
    "request without a length": (b"POST /scep?operation=PKIOperation HTTP/1.0\r\n\r\n" + ONE, answered(TWO)),
    "interim reply": (
        asked(ONE, headers=b"Expect: 100-continue\r\n"),
        b"HTTP/1.1 100 Continue\r\n\r\n" + answered(TWO),
    ),
    "upgrade asked for (Java)": (
        asked(ONE, headers=b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEA\r\n"),
        answered(TWO),
    ),
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("size", [50, 1400])
def test_every_kind_of_body(name: str, size: int) -> None:
    """Chunked, compressed, of unknown length, HTTP/1.0: the bodies are the same."""
    request, reply = BODIES[name]
    made = conversation([Piece(True, request), Piece(False, reply)], size=size)
    (e,) = read_capture(packets.pcap(frames(made)))
    assert _bodies([e]) == [(ONE, TWO)]
    assert e.request is not None
    assert e.reply is not None
    assert (e.request.truncated, e.reply.truncated, e.problems) == (False, False, ())


def test_pipelined_requests() -> None:
    """All requests are sent before the first reply."""
    talk = [Piece(True, asked(ONE) + asked(TWO)), Piece(False, answered(TWO) + answered(ONE))]
    _whole(packets.pcap(frames(conversation(talk, size=60_000), "raw IP"), 101))


def test_a_declined_upgrade_does_not_end_http() -> None:
    """Java requests HTTP/2 with its first GET; the server continues with HTTP/1.1."""
    first = b"GET /scep?operation=GetCACaps HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    talk = [Piece(True, first), Piece(False, answered(b"AES\n")), Piece(True, asked(ONE)), Piece(False, answered(TWO))]
    exchanges = read_capture(packets.pcap(frames(conversation(talk))))
    assert _bodies(exchanges) == [(b"", b"AES\n"), (ONE, TWO)]


# --------------------------------------------------------------- missing data


def test_packets_truncated_by_snaplen() -> None:
    """`tcpdump -s 256` keeps the start of each body; the missing bytes are reported and later exchanges are read."""
    exchanges = read_capture(packets.pcap(frames(conversation(TALK)), snaplen=256))
    assert len(exchanges) == 2
    for e, (request, reply) in zip(exchanges, [(ONE, TWO), (TWO, ONE)], strict=True):
        assert e.request is not None
        assert e.reply is not None
        assert e.request.truncated
        assert e.reply.truncated
        assert request.startswith(e.request.body)
        assert reply.startswith(e.reply.body)
        first, second = map(str, e.problems)
        assert f"from byte {len(e.request.body)} of the body on" in first
        assert "tcpdump -s 0" in first
        assert "the whole reply" in second
    missing = [int(str(p).split("found ")[1].split()[0]) for e in exchanges for p in e.problems]
    sizes = [len(f) - 256 for _, f in frames(conversation(TALK)) if len(f) > 256]
    assert sum(missing) == sum(sizes)


@pytest.mark.parametrize("number", range(2, 10))
def test_one_segment_lost(number: int) -> None:
    """No wrong byte appears, the gap is reported, and the data before and after it is read."""
    segments = conversation(TALK)
    lost = segments[number]
    assert lost.data
    exchanges = read_capture(packets.pcap(frames([s for s in segments if s is not lost])))
    assert any(e.gap or e.problems or e.request is None or e.reply is None for e in exchanges)
    good = {ONE, TWO}
    for e in exchanges:
        for message in (e.request, e.reply):
            if message is not None and not message.truncated:
                assert message.body in good
            elif message is not None:
                assert any(body.startswith(message.body) for body in good)
    assert sum(b in good for pair in _bodies(exchanges) for b in pair) >= 3


def test_the_capture_ends_too_early() -> None:
    """A capture that stops in a reply reports how many bytes of the body it has."""
    segments = conversation(TALK[:2], size=400)
    (e,) = read_capture(packets.pcap(frames(segments[:-3])))
    assert e.reply is not None
    assert e.reply.truncated
    assert f"{len(e.reply.body)} bytes of body of 904" in str(e.problems[0])
    whole = packets.pcap(frames(conversation(TALK)))
    for end in range(24, len(whole), 50):
        with contextlib.suppress(InputError):
            assert all(p.found for e in read_capture(whole[:end]) for p in e.problems)


def test_a_body_that_cannot_be_decompressed() -> None:
    """Damaged, unknown, enormous and truncated content codings are reported and the body stays compressed."""
    bomb = gzip.compress(bytes(50_000_000))
    for coding, body, words in (
        ("gzip", b"no gzip", "damaged"),
        ("br", b"anything", "not read here"),
        ("gzip", bomb, "grows more than"),
        ("gzip", gzip.compress(TWO)[:-9], "ends too early"),
    ):
        reply = answered(body, headers=f"Content-Encoding: {coding}\r\n".encode())
        (e,) = read_capture(packets.pcap(frames(conversation([Piece(True, asked(ONE)), Piece(False, reply)]))))
        assert words in str(e.problems[0])
        assert e.reply is not None
        assert len(e.reply.body) < 100_000


# --------------------------------------------------------------- captures without HTTP


def _udp() -> bytes:
    packet = bytes.fromhex("4500001c00010000401100000a0000010a0000020035003500080000")
    return packets.pcap([(1.0, packet)] * 5, 101)


def _speaks(first: bytes, second: bytes = b"") -> bytes:
    return packets.pcap(frames(conversation([Piece(True, first), Piece(False, second)])))


NO_HTTP: dict[str, tuple[Callable[[], bytes], str]] = {
    "no packet": (lambda: packets.pcap([]), "no readable packet"),
    "no TCP": (_udp, "5 packets and no TCP"),
    "TLS": (lambda: _speaks(b"\x16\x03\x01" + bytes(200), b"\x16\x03\x03" + bytes(90)), "1 of TLS"),
    "SSH": (lambda: _speaks(b"SSH-2.0-x\r\n", b"SSH-2.0-y\r\n"), "1 of SSH"),
    "HTTP/2": (lambda: _speaks(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(90)), "1 of HTTP/2"),
    "handshakes only": (lambda: packets.pcap(frames(conversation([]))), "1 TCP conversations and no plain HTTP"),
    "binary": (lambda: _speaks(bytes(range(100)) * 70, bytes(5000)), "no plain HTTP"),
    "pcapng without a mark": (lambda: bytes.fromhex("0a0d0d0a1c000000") + bytes(20), "byte-order mark"),
    "head cut off": (lambda: packets.pcap([])[:20], "head cannot be read"),
}


@pytest.mark.parametrize("name", NO_HTTP)
def test_captures_without_http_are_one_error(name: str) -> None:
    """The error is one line that says what was found."""
    make, words = NO_HTTP[name]
    with pytest.raises(InputError, match=words) as raised:
        read_capture(make())
    assert "\n" not in str(raised.value)


# --------------------------------------------------------------- streaming


def test_exchanges_come_while_the_file_is_read() -> None:
    """The first exchange is returned after a small part of the file was read."""
    talks = [x for n in range(300) for x in conversation(TALK, client=("192.0.2.9", 2000 + n))]
    data = packets.pcap(frames(talks))

    class Slow(io.BytesIO):
        """A file that reports its read position."""

    from sceplab.capture.pcap import read_pcap

    file = Slow(data)
    first = next(read_pcap(file))
    assert first.request is not None
    assert file.tell() < len(data) // 50
    assert len(list(iter_capture(data))) == 600


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), max_size=12), st.integers(40, 1400))
def test_any_segments_lost_and_duplicated(changes: list[int], size: int) -> None:
    """Only InputError is raised, and no incomplete body is reported as complete."""
    segments = conversation(TALK, size=size)
    for change in changes:
        at = change % len(segments)
        if change % 2 and len(segments) > 4:
            del segments[at]
        else:
            segments.insert(change, segments[at])
    try:
        exchanges = read_capture(packets.pcap(frames(segments)))
    except InputError:
        return
    for e in exchanges:
        for message in (e.request, e.reply):
            if message is not None and not message.truncated:
                assert message.body in {ONE, TWO}


def test_a_frame_that_ends_in_an_ip_header() -> None:
    """Found by fuzzing: a truncated IP header with options is not a packet."""
    for first in range(0x45, 0x50):
        for tail in range(30, 50):
            frame = bytes(4) + bytes((first, 0, 0, 100, 0, 0, 0, 0, 64, 6)) + b"\xa5" * tail
            for linktype in (9, 127, 239, 9999):
                assert segment_of(frame, linktype) is None
