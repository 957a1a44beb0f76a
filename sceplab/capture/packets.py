"""Read packets from pcap and pcapng files, and TCP segments from packets.

Rule: one packet at a time, so that memory does not grow with the file; nothing
is kept here. Nearly all the time of a large capture is spent once per packet, so
heads are read in place, with `struct`, and the payload is the only copy. dpkt
makes an object for each record, takes every packet of pcapng for one of the first
interface, and reads whatever a packet carries, to any depth; tests compare with
it. A damaged packet is passed over.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address
from typing import BinaryIO, NamedTuple

from sceplab.errors import InputError
from sceplab.sources import Forward

Packet = tuple[float, bytes, int]
"""A packet: its time (seconds since 1970), its bytes, and its link type."""

# The first four bytes of a pcap: the byte order of its heads, and the fractions of a second that it counts.
_PCAP = {
    bytes.fromhex("a1b2c3d4"): (">", 10**6),
    bytes.fromhex("d4c3b2a1"): ("<", 10**6),
    bytes.fromhex("a1b23c4d"): (">", 10**9),
    bytes.fromhex("4d3cb2a1"): ("<", 10**9),
}
_PCAPNG = bytes.fromhex("0a0d0d0a")
LARGEST = 1 << 20
"""Limit of a packet in bytes: no snapshot length is larger than 262144."""
# A file with this many empty records in a row is not a capture.
_EMPTY = 100_000
# Bytes that are read at once: some packets, so that a stream is decoded while it comes.
_PIECE = 1 << 14
_FILE_HEAD = 24


def is_packets(data: bytes) -> bool:
    """Whether the bytes begin like a pcap or pcapng file."""
    return data[:4] in _PCAP or data[:4] == _PCAPNG


def read_packets(file: BinaryIO | Forward) -> Iterator[Packet]:
    """Yield the packets of a pcap or pcapng file, from its start.

    Raises InputError if the file header cannot be read. If the file ends in the
    middle of a packet, the packets before are yielded.
    """
    source = file if isinstance(file, Forward) else Forward(file)
    head = source.peek(_FILE_HEAD)
    if head[:4] == _PCAPNG:
        yield from _pcapng(source)
        return
    order, fractions = _PCAP.get(head[:4], ("", 0))
    if not order or len(head) < _FILE_HEAD:
        found = f"{len(head)} bytes of {_FILE_HEAD}" if order else "it is no pcap"
        raise InputError(f"this begins like a capture file, but its head cannot be read: {found}")
    (linktype,) = struct.unpack_from(f"{order}I", head, 20)
    source.read(_FILE_HEAD)
    yield from _pcap(source, order, fractions, linktype)


def _pcap(source: Forward, order: str, fractions: int, linktype: int) -> Iterator[Packet]:
    record = struct.Struct(f"{order}IIII")
    size, unpack, read = record.size, record.unpack_from, source.read1
    data, at, empty = b"", 0, 0
    while True:
        while len(data) - at < size:
            more = read(_PIECE)
            if not more:
                return
            data, at = data[at:] + more, 0
        seconds, fraction, length, _ = unpack(data, at)
        empty = 0 if length else empty + 1
        if length > LARGEST or empty > _EMPTY:
            return  # an absurd length: the rest of the file is not one packet
        at += size
        while len(data) - at < length:
            more = read(max(_PIECE, length - len(data) + at))
            if not more:
                break  # the last packet is cut off
            data, at = data[at:] + more, 0
        packet = data[at : at + length]
        at += length
        # Nanoseconds since 1970 are no float: divide them as integers.
        moment = seconds + fraction / 1e6 if fractions == 10**6 else (seconds * fractions + fraction) / fractions
        yield moment, packet, linktype


# --------------------------------------------------------------- the blocks of pcapng

_SECTION, _INTERFACE, _OLD_PACKET, _SIMPLE, _ENHANCED = 0x0A0D0D0A, 1, 2, 3, 6
_TSRESOL, _TSOFFSET = 9, 14


@dataclass(slots=True)
class _Interface:
    linktype: int
    snaplen: int
    ticks: float = 1e6  # in a second
    offset: int = 0


def _pcapng(file: Forward) -> Iterator[Packet]:
    order = "<"
    interfaces: list[_Interface] = []
    while len(head := file.read(8)) == 8:
        if head[:4] == _PCAPNG:
            # A section begins, perhaps in another byte order.
            mark = file.read(4)
            orders = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
            if mark not in orders:
                raise InputError("this begins like a pcapng file, but has no byte-order mark")
            order, interfaces = orders[mark], []
            (length,) = struct.unpack(f"{order}I", head[4:])
            file.read(min(max(length - 12, 0), LARGEST))
            continue
        kind, length = struct.unpack(f"{order}II", head)
        if not 12 <= length <= LARGEST:
            return
        body = file.read(length - 8)
        if len(body) < length - 8:
            return
        try:
            if kind == _INTERFACE:
                interfaces.append(_interface(body, order))
            elif (packet := _block(kind, body[:-4], order, interfaces)) is not None:
                yield packet
        except (struct.error, IndexError, OverflowError):
            continue


def _interface(body: bytes, order: str) -> _Interface:
    linktype, _, snaplen = struct.unpack_from(f"{order}HHI", body)
    made = _Interface(linktype, snaplen)
    at = 8
    while at + 4 <= len(body) - 4:
        code, length = struct.unpack_from(f"{order}HH", body, at)
        value = body[at + 4 : at + 4 + length]
        at += 4 + length + -length % 4
        if code == 0:
            break
        if code == _TSRESOL and value:
            made.ticks = float((2 if value[0] & 0x80 else 10) ** (value[0] & 0x7F))
        elif code == _TSOFFSET and len(value) == 8:
            (made.offset,) = struct.unpack(f"{order}q", value)
    return made


def _block(kind: int, body: bytes, order: str, interfaces: list[_Interface]) -> Packet | None:
    if kind == _ENHANCED:
        number, high, low, captured, _ = struct.unpack_from(f"{order}IIIII", body)
    elif kind == _OLD_PACKET:
        number, _, high, low, captured, _ = struct.unpack_from(f"{order}HHIIII", body)
    elif kind == _SIMPLE:
        (captured,) = struct.unpack_from(f"{order}I", body)
        found = interfaces[0]
        return 0.0, body[4 : 4 + min(captured, found.snaplen or captured)], found.linktype
    else:
        return None
    found = interfaces[number]
    return found.offset + ((high << 32) | low) / found.ticks, body[20 : 20 + captured], found.linktype


# --------------------------------------------------------------- packets to TCP segments


class TcpSegment(NamedTuple):
    """A TCP segment: endpoints (address, port), sequence number, flags, bytes, and how many were not captured."""

    source: tuple[str, int]
    target: tuple[str, int]
    seq: int
    flags: int
    data: bytes
    missing: int


def segment_of(packet: bytes, linktype: int) -> TcpSegment | None:
    """Return the TCP segment in a packet, None if there is none. Never raises on content."""
    try:
        begin = _network_layer(packet, linktype)
        if begin is None:
            return None
        read = _ip_version_4 if packet[begin] >> 4 == 4 else _ip_version_6
        source, target, total, at = read(packet, begin)
        source_port, target_port, seq, offset, flags = _TCP_HEAD.unpack_from(packet, at)
    except (_NotTcpError, struct.error, IndexError):
        return None
    head = (offset >> 4) * 4
    if head < _TCP_HEAD_SIZE:
        return None
    start = at + head
    if not total:  # the network card cut the segments
        return TcpSegment((source, source_port), (target, target_port), seq, flags, packet[start:], 0)
    end = begin + total  # behind it is Ethernet's padding
    if end < at + _TCP_HEAD.size:
        return None
    content = packet[start:end]
    missing = end - start - len(content) if end > start else 0
    return TcpSegment((source, source_port), (target, target_port), seq, flags, content, missing)


_TCP = 6
_TCP_HEAD, _TCP_HEAD_SIZE = struct.Struct(">HHI4xBB"), 20
_IP4_HEAD = struct.Struct(">2xH2xHxB2x4s4s")
# Extension headers of IPv6 (RFC 8200, 4; RFC 4302): the next one's kind is their first byte.
_FRAGMENT, _AUTHENTICATION = 44, 51
_EXTENSIONS = {0, 43, _FRAGMENT, _AUTHENTICATION, 60, 135, 139, 140}


class _NotTcpError(Exception):
    """An IP packet carries something else, or only a later part of a segment."""


def _ip_version_4(packet: bytes, begin: int) -> tuple[str, str, int, int]:
    """Return source, destination, the length that the head names, and where TCP begins (RFC 791, 3.1)."""
    total, fragment, kind, source, target = _IP4_HEAD.unpack_from(packet, begin)
    size = (packet[begin] & 15) * 4
    if kind != _TCP or fragment & 0x1FFF or size < 20:
        raise _NotTcpError
    return _text_4(source), _text_4(target), total, begin + size


def _ip_version_6(packet: bytes, begin: int) -> tuple[str, str, int, int]:
    """Return source, destination, the length that the head names, and where TCP begins (RFC 8200, 3)."""
    if packet[begin] >> 4 != 6 or len(packet) < begin + 40:
        raise _NotTcpError
    (length,), kind, at = struct.unpack_from(">H", packet, begin + 4), packet[begin + 6], begin + 40
    while kind in _EXTENSIONS:
        if kind == _FRAGMENT and int.from_bytes(packet[at + 2 : at + 4], "big") >> 3:
            raise _NotTcpError
        size = {_FRAGMENT: 8, _AUTHENTICATION: packet[at + 1] * 4 + 8}.get(kind, packet[at + 1] * 8 + 8)
        kind, at = packet[at], at + size
    if kind != _TCP:
        raise _NotTcpError
    source, target = _text_6(packet[begin + 8 : begin + 24]), _text_6(packet[begin + 24 : begin + 40])
    return source, target, length + 40 if length else 0, at


# A capture has few addresses, each in many packets.
_ADDRESSES = 4096


@lru_cache(_ADDRESSES)
def _text_4(address: bytes) -> str:
    return ".".join(map(str, address))


@lru_cache(_ADDRESSES)
def _text_6(address: bytes) -> str:
    return f"[{IPv6Address(address)}]"


_IP4, _IP6 = 0x0800, 0x86DD
_VLAN = {0x8100, 0x88A8, 0x9100, 0x9200}
_PPPOE, _MPLS = 0x8864, {0x8847, 0x8848}

# Offset of the IP packet, or of the EtherType before it, by link type
# (https://www.tcpdump.org/linktypes.html).
_RAW = {12, 14, 101, 228, 229}
_AT = {0: 4, 108: 4, 109: 12}  # BSD loopback and tunnels: a header with an address family
_ETHERTYPE_AT = {1: 12, 113: 14, 276: 0, 104: 2, 106: 6}  # Ethernet, cooked Linux (1 and 2), Cisco HDLC, ATM
_COOKED_2 = 20  # bytes of the header of cooked Linux, version 2


def _network_layer(packet: bytes, linktype: int) -> int | None:
    """Return where the IP packet inside a frame begins, or None; IndexError where the frame ends before it."""
    at = _ETHERTYPE_AT.get(linktype)
    if at is not None:
        return _typed(packet, packet[at] << 8 | packet[at + 1], _COOKED_2 if linktype == 276 else at + 2)
    if linktype in _RAW:
        return 0
    return _AT[linktype] if linktype in _AT else _anywhere(packet)


def _typed(packet: bytes, kind: int, at: int) -> int | None:
    """Return where the IP packet after an EtherType begins, skipping tags."""
    while at < len(packet):
        if kind in {_IP4, _IP6}:
            return at
        if kind in _VLAN:
            kind = int.from_bytes(packet[at + 2 : at + 4], "big")
            at += 4
        elif kind == _PPPOE:
            return at + 8 if packet[at + 6 : at + 8] in {b"\x00\x21", b"\x00\x57"} else None
        elif kind in _MPLS:
            while at + 4 <= len(packet) and not packet[at + 2] & 1:
                at += 4
            return at + 4
        else:
            return None
    return None


# How many bytes of another frame (PPP, Wi-Fi, NFLOG ...) are searched for an IP packet.
_DEEPEST = 128


def _anywhere(packet: bytes) -> int | None:
    """Find an IP packet with TCP in any frame by version, lengths and checksum."""
    size = len(packet)
    for at in range(min(size - 39, _DEEPEST)):
        first = packet[at]
        if first >> 4 == 4 and packet[at + 9] == 6:
            length = (first & 15) * 4
            head = packet[at : at + length]
            total = int.from_bytes(head[2:4], "big")
            # The frame may end inside a header with options.
            whole = len(head) == length >= 20
            if whole and length + 20 <= total <= size - at + LARGEST and _sums_up(head):
                return at
        elif (
            first >> 4 == 6
            and packet[at + 6] == 6
            and int.from_bytes(packet[at + 4 : at + 6], "big")
            in {
                size - at - 40,
                size - at - 44,  # a frame check sequence after it
            }
        ):
            return at
    return None


def _sums_up(head: bytes) -> bool:
    total = sum(struct.unpack(f">{len(head) // 2}H", head))
    return (total & 0xFFFF) + (total >> 16) in {0xFFFF, 0x1FFFE}
