"""Write a pcap of the bytes that passed a socket: the inverse of reading a capture.

Rule: the bytes and their times are real; the TCP headers (handshake, acknowledgements,
sequence numbers) are synthetic, since a program cannot see them. Wireshark and
`read_capture` open the result.
"""

from __future__ import annotations

import io
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import dpkt

Endpoint = tuple[str, int]
_RAW_IP = 101  # LINKTYPE_RAW: packets begin with the IP header
_FIN, _SYN, _ACK, _PSH = dpkt.tcp.TH_FIN, dpkt.tcp.TH_SYN, dpkt.tcp.TH_ACK, dpkt.tcp.TH_PUSH
# Payload of the largest packet: the IPv4 header counts in its length, the IPv6 header does not.
_MOST = 65_535 - 40
# Spreads the first sequence numbers, so that a port that is used again begins another conversation.
_APART = 0x9E3779B1


@dataclass(frozen=True, slots=True)
class Sent:
    """Bytes that went from `source` to `target` (address, port) at `time`; `ended`: the source sends no more."""

    time: datetime
    source: Endpoint
    target: Endpoint
    data: bytes
    ended: bool = False


class Writable(Protocol):
    """What packets are written to."""

    def write(self, data: bytes, /) -> object:
        """Write all of the bytes."""


class PcapWriter:
    """Writes a pcap as the bytes pass: one TCP conversation for each pair of endpoints, until both have ended.

    Addresses are IPv4 or IPv6; where one end has each, both are written as IPv6.
    The first sender of a conversation is its client.
    """

    def __init__(self, out: Writable) -> None:
        """Write the header of the file; each packet is then one `write`."""
        self._out = out
        head = io.BytesIO()
        dpkt.pcap.Writer(head, linktype=_RAW_IP, snaplen=262_144)
        out.write(head.getvalue())
        # The next sequence number of each direction; those of a conversation that has ended are dropped.
        self._next: dict[tuple[Endpoint, Endpoint], int] = {}
        self._ended: set[tuple[Endpoint, Endpoint]] = set()
        self._begun = 0

    def take(self, sent: Sent) -> None:
        """Write what was sent."""
        there, back = (sent.source, sent.target), (sent.target, sent.source)
        if there not in self._next:
            first = self._begun * _APART & 0xFFFFFFFF
            self._begun += 1
            self._next[there] = self._next[back] = first
            self._packet(sent.time, there, _SYN)
            self._packet(sent.time, back, _SYN | _ACK)
            self._packet(sent.time, there, _ACK)
        for start in range(0, len(sent.data), _MOST):
            self._packet(sent.time, there, _PSH | _ACK, sent.data[start : start + _MOST])
        if sent.ended and there not in self._ended:
            self._packet(sent.time, there, _FIN | _ACK)
            self._ended.add(there)
            if back in self._ended:
                for way in (there, back):
                    del self._next[way]
                    self._ended.discard(way)

    def _packet(self, time: datetime, way: tuple[Endpoint, Endpoint], flags: int, data: bytes = b"") -> None:
        source, target = way
        seq = self._next[way]
        acknowledged = self._next[target, source] if flags & _ACK else 0
        packet = _packet(source, target, flags, seq, acknowledged, data)
        # SYN and FIN count as one byte.
        self._next[way] = (seq + len(data) + bool(flags & (_SYN | _FIN))) & 0xFFFFFFFF
        one = io.BytesIO()
        dpkt.pcap.Writer(one, linktype=_RAW_IP, snaplen=262_144).writepkt(packet, time.timestamp())
        self._out.write(one.getvalue()[_FILE_HEADER:])


_FILE_HEADER = 24


def build_pcap(sent: Iterable[Sent]) -> bytes:
    """Return a pcap (bytes) of what was sent, as `PcapWriter` writes it."""
    out = io.BytesIO()
    writer = PcapWriter(out)
    for each in sent:
        writer.take(each)
    return out.getvalue()


def _packet(source: Endpoint, target: Endpoint, flags: int, seq: int, ack: int, data: bytes) -> bytes:
    tcp = dpkt.tcp.TCP(sport=source[1], dport=target[1], seq=seq, ack=ack, flags=flags, win=65_535, data=data)
    here, there = (ipaddress.ip_address(address.partition("%")[0]) for address, _ in (source, target))
    if here.version == there.version == 4:
        packet = dpkt.ip.IP(src=here.packed, dst=there.packed, p=dpkt.ip.IP_PROTO_TCP, ttl=64, data=tcp)
        return bytes(packet)
    six = [a.packed if a.version == 6 else bytes(10) + b"\xff\xff" + a.packed for a in (here, there)]
    # The length of the payload is not counted by dpkt.
    whole = dpkt.ip6.IP6(src=six[0], dst=six[1], nxt=dpkt.ip.IP_PROTO_TCP, hlim=64, plen=len(bytes(tcp)), data=tcp)
    return bytes(whole)
