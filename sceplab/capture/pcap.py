"""pcap and pcapng: packets to TCP streams to HTTP exchanges.

Rule: dpkt (BSD) takes files and packet headers apart, httptools (MIT; llhttp, as
in Node) the HTTP messages, because both are lenient and fast. Only putting TCP
segments into order is done here: no well-kept library offers that without
binding HTTP to fixed ports or starting another program.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import dpkt

from sceplab.capture.http import read_messages, reply_of, request_of
from sceplab.errors import InputError, Layer, Problem
from sceplab.transport import Exchange

_MAGICS = {bytes.fromhex(m) for m in ("a1b2c3d4", "d4c3b2a1", "a1b23c4d", "4d3cb2a1", "0a0d0d0a")}
MAX_STREAM_OCTETS = 64 << 20
"""The most that is kept of one direction of a stream: SCEP messages have a few thousand."""

_IP4, _IP6 = 0x0800, 0x86DD
_VLAN_TYPES = {0x8100, 0x88A8, 0x9100}


def is_pcap(data: bytes) -> bool:
    """Whether the octets begin like a pcap or pcapng file."""
    return data[:4] in _MAGICS


@dataclass(slots=True)
class _Direction:
    """The octets that one side sent, put into order by sequence number."""

    chunks: list[tuple[bytes, float]] = field(default_factory=list)
    length: int = 0
    first_seq: int | None = None
    next_seq: int | None = None
    waiting: dict[int, tuple[bytes, float]] = field(default_factory=dict)
    cut: bool = False

    @property
    def start(self) -> bytes:
        """The first octets, which tell requests from replies."""
        return self.chunks[0][0] if self.chunks else b""


@dataclass(slots=True)
class _Stream:
    """One TCP conversation; `a` is who sent the first packet seen."""

    number: int
    first_frame: int
    a: tuple[str, int]
    b: tuple[str, int]
    from_a: _Direction = field(default_factory=_Direction)
    from_b: _Direction = field(default_factory=_Direction)
    closed: bool = False


def read_pcap(data: bytes, name: str = "") -> list[Exchange]:
    """Return the HTTP exchanges in a pcap or pcapng file, in the order of their TCP streams.

    Raises InputError when the file has no readable packets; damaged packets are
    passed over.
    """
    return read_packets(_packets(data), name)


def read_packets(packets: Iterable[tuple[float, bytes, int]], name: str = "") -> list[Exchange]:
    """Return the HTTP exchanges in packets, each with its time (seconds since 1970) and link type."""
    streams: dict[tuple[tuple[str, int], tuple[str, int]], _Stream] = {}
    order: list[_Stream] = []
    for frame, (moment, packet, linktype) in enumerate(packets, 1):
        segment = _segment(packet, linktype)
        if segment is not None:
            _add(streams, order, frame, moment, segment)
    exchanges: list[Exchange] = []
    for stream in order:
        exchanges += _exchanges(stream, name)
    return exchanges


def _packets(data: bytes) -> Iterator[tuple[float, bytes, int]]:
    try:
        reader = dpkt.pcap.UniversalReader(io.BytesIO(data))
        linktype = int(reader.datalink())
    except (ValueError, dpkt.Error, struct.error, AttributeError) as error:
        raise InputError(f"this begins like a capture file, but cannot be read: {error}") from error
    packets = iter(reader)
    while True:
        try:
            moment, packet = next(packets)
        except StopIteration:
            return
        except (ValueError, dpkt.Error, struct.error, OverflowError, MemoryError, TypeError, IndexError, KeyError):
            return  # the file ends inside a packet: what came before is good
        yield float(moment), bytes(packet), linktype


@dataclass(frozen=True, slots=True)
class _Segment:
    source: tuple[str, int]
    target: tuple[str, int]
    seq: int
    flags: int
    data: bytes
    missing: bool


def _segment(packet: bytes, linktype: int) -> _Segment | None:
    payload = _network_layer(packet, linktype)
    if payload is None:
        return None
    try:
        version = payload[0] >> 4
        if version == 4:
            ip = dpkt.ip.IP(payload)
            if ip.p != dpkt.ip.IP_PROTO_TCP or ip.offset:
                return None
            total, header = ip.len, ip.hl * 4
            addresses = [".".join(map(str, a)) for a in (ip.src, ip.dst)]
        else:
            ip = dpkt.ip6.IP6(payload)
            total, header = ip.plen + 40, 40
            addresses = [_ip6(a) for a in (ip.src, ip.dst)]
        tcp = ip.data
        if not isinstance(tcp, dpkt.tcp.TCP):
            return None
    except (dpkt.Error, struct.error, IndexError, ValueError, TypeError, AttributeError):
        return None  # dpkt 1.9.8 also trips over odd IPv6 extension headers
    content = bytes(tcp.data)
    promised = total - header - tcp.off * 4
    missing = version == 4 and total > 0 and promised > len(content)
    if 0 <= promised < len(content) and total > 0:
        content = content[:promised]  # Ethernet's padding
    return _Segment((addresses[0], tcp.sport), (addresses[1], tcp.dport), tcp.seq, tcp.flags, content, missing)


def _ip6(address: bytes) -> str:
    import ipaddress

    return f"[{ipaddress.IPv6Address(address)}]"


def _network_layer(packet: bytes, linktype: int) -> bytes | None:
    """Return the IP packet inside a frame, or None where there is none."""
    if linktype == 1:
        return _after_ethertype(packet, 12)
    if linktype == 113:
        return _after_ethertype(packet, 14)
    if linktype == 276:
        return packet[20:] if packet[:2] in {b"\x08\x00", b"\x86\xdd"} else None
    if linktype in {0, 108}:  # BSD loopback: four octets of address family
        return packet[4:] if len(packet) > 4 else None
    if linktype in {12, 14, 101, 228, 229}:
        return packet or None
    return None


def _after_ethertype(packet: bytes, at: int) -> bytes | None:
    while at + 2 <= len(packet):
        kind = int.from_bytes(packet[at : at + 2], "big")
        at += 2
        if kind in {_IP4, _IP6}:
            return packet[at:] or None
        if kind not in _VLAN_TYPES:
            return None
        at += 2
    return None


_FIN, _SYN, _RST = 0x01, 0x02, 0x04
# How far a conversation's first seen octet may be from its SYN.
_SYN_WINDOW = 1 << 20


def _add(
    streams: dict[tuple[tuple[str, int], tuple[str, int]], _Stream],
    order: list[_Stream],
    frame: int,
    moment: float,
    segment: _Segment,
) -> None:
    key = (min(segment.source, segment.target), max(segment.source, segment.target))
    stream = streams.get(key)
    fresh_syn = segment.flags & (_SYN | 0x10) == _SYN
    if stream is None or (fresh_syn and _reused(stream, segment)):
        stream = _Stream(len(order), frame, segment.source, segment.target)
        streams[key] = stream
        order.append(stream)
    direction = stream.from_a if segment.source == stream.a else stream.from_b
    if segment.flags & _SYN:
        if direction.next_seq is None:
            direction.first_seq = direction.next_seq = (segment.seq + 1) & 0xFFFFFFFF
        return
    if segment.flags & (_FIN | _RST):
        stream.closed = True
    if segment.missing:
        direction.cut = True
    if segment.data:
        _place(direction, segment.seq, segment.data, moment)


def _reused(stream: _Stream, segment: _Segment) -> bool:
    """Whether a SYN begins a new conversation on ports that were used before.

    It does not when it fits the numbers already seen: sniffers write packets
    of one conversation out of order, the SYN after the data it came before.
    """
    direction = stream.from_a if segment.source == stream.a else stream.from_b
    if direction.first_seq is None:
        return stream.closed
    return (direction.first_seq - segment.seq - 1) & 0xFFFFFFFF > _SYN_WINDOW


def _place(direction: _Direction, seq: int, data: bytes, moment: float) -> None:
    if direction.next_seq is None:
        direction.first_seq = direction.next_seq = seq  # the capture began in the middle
    ahead = (seq - direction.next_seq) & 0xFFFFFFFF
    if ahead >= 1 << 31:
        # Begins before what is expected: a retransmission, perhaps with news at its end.
        known = (direction.next_seq - seq) & 0xFFFFFFFF
        if known >= len(data):
            return
        data, ahead = data[known:], 0
    if ahead:
        held = direction.waiting.get(seq)
        if (held is None or len(held[0]) < len(data)) and len(direction.waiting) < 4096:
            direction.waiting[seq] = (data, moment)
        return
    _append(direction, data, moment)
    while direction.waiting:
        ready = [s for s in direction.waiting if (direction.next_seq - s) & 0xFFFFFFFF < 1 << 31]
        if not ready:
            break
        for start in ready:
            late, when = direction.waiting.pop(start)
            known = (direction.next_seq - start) & 0xFFFFFFFF
            if known < len(late):
                _append(direction, late[known:], when)


def _append(direction: _Direction, data: bytes, moment: float) -> None:
    assert direction.next_seq is not None  # noqa: S101
    direction.next_seq = (direction.next_seq + len(data)) & 0xFFFFFFFF
    if direction.length + len(data) > MAX_STREAM_OCTETS:
        direction.cut = True
        return
    direction.chunks.append((data, moment))
    direction.length += len(data)


def _exchanges(stream: _Stream, name: str) -> Iterator[Exchange]:
    a, b = stream.from_a.start, stream.from_b.start
    if not a and not b:
        return
    # Whoever sends requests is the client, whatever the ports say.
    a_asks = not a.startswith(b"HTTP/") and not b.startswith(_METHODS)
    asking, answering = (stream.from_a, stream.from_b) if a_asks else (stream.from_b, stream.from_a)
    client, server = (stream.a, stream.b) if a_asks else (stream.b, stream.a)
    requests = read_messages(asking.chunks, requests=True)
    replies = read_messages(answering.chunks, requests=False, closed=stream.closed)
    gap = bool(asking.waiting or answering.waiting)
    problems = []
    if gap:
        problems.append(_missing("every segment of the TCP stream", "a gap", "Packets were lost by the sniffer."))
    if asking.cut or answering.cut:
        problems.append(_missing("whole packets", "packets cut short", "Capture again with `tcpdump -s 0`."))
    for index in range(max(len(requests), len(replies))):
        request = requests[index] if index < len(requests) else None
        reply = replies[index] if index < len(replies) else None
        first = request or reply
        yield Exchange(
            request_of(request) if request else None,
            reply_of(reply) if reply else None,
            f"{client[0]}:{client[1]}",
            f"{server[0]}:{server[1]}",
            _moment(first.moment) if first else None,
            name,
            stream.number,
            stream.first_frame,
            gap,
            tuple(problems),
            _moment(reply.moment) if reply else None,
        )


def _missing(expected: str, found: str, advice: str) -> Problem:
    return Problem(Layer.CAPTURE, "incomplete", expected, found, None, advice)


_METHODS = (b"GET ", b"POST ", b"HEAD ", b"PUT ", b"OPTIONS ")


def _moment(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
