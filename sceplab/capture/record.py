"""Write a pcap of the bytes that passed a socket: the inverse of reading a capture.

Rule: the bytes and their times are real; the TCP headers (handshake, acknowledgements,
sequence numbers) are synthetic, since a program cannot see them. Wireshark and
`read_capture` open the result.
"""

from __future__ import annotations

import io
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import dpkt

Endpoint = tuple[str, int]
_RAW_IP = 101  # LINKTYPE_RAW: packets begin with the IP header
_SYN, _ACK, _PSH = dpkt.tcp.TH_SYN, dpkt.tcp.TH_ACK, dpkt.tcp.TH_PUSH
# Payload of the largest IPv4 packet.
_MOST = 65_535 - 40


@dataclass(frozen=True, slots=True)
class Sent:
    """Bytes that went from `source` to `target` (address, port) at `time`."""

    time: datetime
    source: Endpoint
    target: Endpoint
    data: bytes


def build_pcap(sent: Iterable[Sent]) -> bytes:
    """Return a pcap (bytes) of what was sent, one TCP conversation for each pair of endpoints.

    Addresses are IPv4. The first sender of a conversation is its client.
    """
    out = io.BytesIO()
    writer = dpkt.pcap.Writer(out, linktype=_RAW_IP, snaplen=262_144)
    so_far: dict[tuple[Endpoint, Endpoint], int] = {}
    for each in sent:
        there, back = (each.source, each.target), (each.target, each.source)
        time = each.time.timestamp()
        if there not in so_far:
            so_far[there] = so_far[back] = 0
            for (source, target), flags, seq, ack in (
                (there, _SYN, 0, 0),
                (back, _SYN | _ACK, 0, 1),
                (there, _ACK, 1, 1),
            ):
                writer.writepkt(_packet(source, target, flags, seq, ack, b""), time)
        for start in range(0, len(each.data), _MOST):
            part = each.data[start : start + _MOST]
            writer.writepkt(_packet(*there, _PSH | _ACK, so_far[there] + 1, so_far[back] + 1, part), time)
            so_far[there] += len(part)
    return out.getvalue()


def _packet(source: Endpoint, target: Endpoint, flags: int, seq: int, ack: int, data: bytes) -> bytes:
    tcp = dpkt.tcp.TCP(sport=source[1], dport=target[1], seq=seq, ack=ack, flags=flags, win=65_535, data=data)
    packet = dpkt.ip.IP(
        src=socket.inet_aton(source[0]), dst=socket.inet_aton(target[0]), p=dpkt.ip.IP_PROTO_TCP, ttl=64, data=tcp
    )
    return bytes(packet)
