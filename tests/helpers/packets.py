"""Synthetic captures: a conversation as TCP segments, in any kind of frame and capture file."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

Frame = tuple[float, bytes]
SYN, ACK, FIN, PSH = 2, 16, 1, 8
CLIENT, SERVER = ("192.0.2.3", 40001), ("192.0.2.1", 8080)
CLIENT6, SERVER6 = ("2001:db8::3", 40001), ("2001:db8::1", 8080)


@dataclass(frozen=True)
class Piece:
    """Bytes that one side sends."""

    from_client: bool
    data: bytes


@dataclass(frozen=True)
class Tcp:
    """One TCP segment."""

    source: tuple[str, int]
    target: tuple[str, int]
    seq: int
    flags: int
    data: bytes = b""


def checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return int(~total & 0xFFFF)


def conversation(
    pieces: Iterable[Piece],
    *,
    size: int = 1400,
    client: tuple[str, int] = CLIENT,
    server: tuple[str, int] = SERVER,
    start: int = 4_294_967_000,  # so that the sequence numbers wrap around
    close: bool = True,
) -> list[Tcp]:
    """Return a handshake, the pieces in segments of `size` bytes, and the end of the connection."""
    numbers = {True: start, False: 7}
    ends = {True: (client, server), False: (server, client)}
    out = [Tcp(*ends[True], numbers[True], SYN), Tcp(*ends[False], numbers[False], SYN | ACK)]
    numbers = {k: v + 1 for k, v in numbers.items()}
    for piece in pieces:
        for at in range(0, len(piece.data), size):
            part = piece.data[at : at + size]
            out.append(Tcp(*ends[piece.from_client], numbers[piece.from_client] % 2**32, ACK | PSH, part))
            numbers[piece.from_client] += len(part)
    if close:
        out += [Tcp(*ends[side], numbers[side] % 2**32, FIN | ACK) for side in (False, True)]
    return out


def ip(segment: Tcp) -> bytes:
    """Return an IPv4 or IPv6 packet."""
    source, target = ip_address(segment.source[0]), ip_address(segment.target[0])
    tcp = struct.pack(
        ">HHIIBBHHH", segment.source[1], segment.target[1], segment.seq, 0, 5 << 4, segment.flags, 65535, 0, 0
    )
    tcp += segment.data
    if source.version == 6:
        return struct.pack(">IHBB", 6 << 28, len(tcp), 6, 64) + source.packed + target.packed + tcp
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0) + source.packed + target.packed
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + tcp


_TYPE = {4: b"\x08\x00", 6: b"\x86\xdd"}


def _type(packet: bytes) -> bytes:
    return _TYPE[packet[0] >> 4]


def _ethernet(packet: bytes) -> bytes:
    # Short frames are padded to 60 octets.
    return (b"\x02" * 12 + _type(packet) + packet).ljust(60, b"\0")


def _wifi(packet: bytes) -> bytes:
    radiotap = bytes.fromhex("0000080000000000")
    data = bytes.fromhex("08010000") + b"\x02" * 18 + bytes(2)
    return radiotap + data + bytes.fromhex("aaaa03000000") + _type(packet) + packet


def _nflog(packet: bytes) -> bytes:
    attributes = bytes.fromhex("0800 0100 0800 0300") + bytes.fromhex("0800 0500 0000 0002")
    return bytes((2 if packet[0] >> 4 == 4 else 10, 0, 0, 0)) + attributes + packet


# name -> (link type, function that wraps an IP packet)
LINKS: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "Ethernet": (1, _ethernet),
    "VLAN": (1, lambda p: b"\x02" * 12 + b"\x81\x00\x00\x07" + _type(p) + p),
    "QinQ": (1, lambda p: b"\x02" * 12 + b"\x88\xa8\x00\x07\x81\x00\x00\x08" + _type(p) + p),
    "PPPoE": (
        1,
        lambda p: (
            b"\x02" * 12
            + bytes.fromhex("8864 1100 0001")
            + struct.pack(">H", len(p) + 2)
            + (b"\x00\x21" if p[0] >> 4 == 4 else b"\x00\x57")
            + p
        ),
    ),
    "MPLS": (1, lambda p: b"\x02" * 12 + bytes.fromhex("8847 00010040 00020140") + p),
    "loopback, BSD": (0, lambda p: struct.pack("<I", 2 if p[0] >> 4 == 4 else 30) + p),
    "loopback, OpenBSD": (108, lambda p: struct.pack(">I", 2 if p[0] >> 4 == 4 else 24) + p),
    "cooked Linux (SLL)": (113, lambda p: b"\x00\x04\x00\x01\x00\x06" + bytes(8) + _type(p) + p),
    "cooked Linux, VLAN": (113, lambda p: b"\x00\x04\x00\x01\x00\x06" + bytes(8) + b"\x81\x00\x00\x07" + _type(p) + p),
    "cooked Linux 2 (SLL2)": (276, lambda p: _type(p) + bytes(18) + p),
    "raw IP": (101, lambda p: p),
    "raw IP, BSD": (12, lambda p: p),
    "IPv4 or IPv6": (228, lambda p: p),
    "Cisco HDLC": (104, lambda p: b"\x0f\x00" + _type(p) + p),
    "PPP": (9, lambda p: b"\xff\x03" + (b"\x00\x21" if p[0] >> 4 == 4 else b"\x00\x57") + p),
    "Wi-Fi with radiotap": (127, _wifi),
    "NFLOG": (239, _nflog),
}


def frames(segments: Sequence[Tcp], link: str = "Ethernet", *, start: float = 1_795_507_451.0) -> list[Frame]:
    """Return a frame for each segment, a millisecond apart."""
    wrap = LINKS[link][1]
    return [(start + i / 1000, wrap(ip(s))) for i, s in enumerate(segments)]


def pcap(
    made: Iterable[Frame], linktype: int = 1, *, snaplen: int = 262_144, order: str = "<", nanoseconds: bool = False
) -> bytes:
    """Return a pcap file; packets longer than `snaplen` are cut."""
    scale = 1_000_000_000 if nanoseconds else 1_000_000
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    out = [struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, snaplen, linktype)]
    for moment, data in made:
        whole = int(moment)
        head = struct.pack(f"{order}IIII", whole, round((moment - whole) * scale), min(len(data), snaplen), len(data))
        out += [head, data[:snaplen]]
    return b"".join(out)


def _block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    length = len(body) + 12
    return struct.pack(f"{order}II", kind, length) + body + struct.pack(f"{order}I", length)


def pcapng(interfaces: Sequence[tuple[int, Sequence[Frame]]], *, order: str = "<") -> bytes:
    """Return a pcapng file with one block per interface (link type, frames) and the packets in order of time.

    The second interface counts nanoseconds.
    """
    out = [_block(order, 0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1))]
    packets = []
    for number, (linktype, made) in enumerate(interfaces):
        options = struct.pack(f"{order}HHB3xHH", 9, 1, 9, 0, 0) if number == 1 else b""
        out.append(_block(order, 1, struct.pack(f"{order}HHI", linktype, 0, 0) + options))
        packets += [(moment, number, data) for moment, data in made]
    for moment, number, data in sorted(packets):
        ticks = round(moment * (1e9 if number == 1 else 1e6))
        head = struct.pack(f"{order}IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data))
        out.append(_block(order, 6, head + data))
    return b"".join(out)


def asked(message: bytes, *, target: str = "/scep?operation=PKIOperation", headers: bytes = b"") -> bytes:
    """Return a POST request as sent over the wire."""
    return (
        f"POST {target} HTTP/1.1\r\nHost: ca\r\nContent-Length: {len(message)}\r\n".encode()
        + headers
        + b"\r\n"
        + message
    )


def answered(body: bytes, *, status: int = 200, headers: bytes = b"") -> bytes:
    """Return an HTTP reply as sent over the wire."""
    head = f"HTTP/1.1 {status} OK\r\nContent-Type: application/x-pki-message\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + headers + b"\r\n" + body


def packed(body: bytes) -> bytes:
    """Return a body compressed with gzip."""
    return gzip.compress(body, mtime=0)
