"""Capture records, frames and packet headers are read as dpkt, an independent implementation, reads them."""

from __future__ import annotations

import io
import socket
from pathlib import Path

import dpkt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sceplab.capture.packets import TcpSegment, read_packets, segment_of
from sceplab.paths import DATA
from tests.helpers import packets

CAPTURES = sorted(DATA.rglob("*.pcap"))


class Slow(io.BytesIO):
    """A file that returns a few bytes per read, as a pipe may."""

    def read1(self, size: int | None = -1) -> bytes:
        """Return at most seven bytes."""
        return self.read(min(size or 7, 7))


def _records(data: bytes) -> list[tuple[float, bytes]]:
    out: list[tuple[float, bytes]] = []
    records = iter(dpkt.pcap.Reader(io.BytesIO(data)))
    while True:
        try:
            moment, packet = next(records)
        except (StopIteration, dpkt.Error):
            return out
        out.append((float(moment), packet))


def _segment(frame: bytes) -> TcpSegment | None:
    """Return the segment in an Ethernet frame."""
    packet = dpkt.ethernet.Ethernet(frame).data
    if not isinstance(packet, (dpkt.ip.IP, dpkt.ip6.IP6)) or not isinstance(packet.data, dpkt.tcp.TCP):
        return None
    tcp = packet.data
    if isinstance(packet, dpkt.ip.IP):
        source, target = socket.inet_ntoa(packet.src), socket.inet_ntoa(packet.dst)
    else:
        source, target = (f"[{socket.inet_ntop(socket.AF_INET6, a)}]" for a in (packet.src, packet.dst))
    return TcpSegment((source, tcp.sport), (target, tcp.dport), tcp.seq, tcp.flags & 0xFF, tcp.data, 0)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 999_999_999), st.binary(max_size=90)), max_size=12),
    st.sampled_from(["big", "little"]),
    st.booleans(),
    st.integers(0, 1500),
)
def test_records_as_dpkt_reads_them(
    records: list[tuple[int, int, bytes]], order: str, nanoseconds: bool, end: int
) -> None:
    """Any times and sizes, both byte orders, truncated anywhere, also read a few bytes at a time."""
    data = packets.pcap([], order="<" if order == "little" else ">", nanoseconds=nanoseconds)
    for seconds, fraction, packet in records:
        for value in (seconds, fraction, len(packet), len(packet)):
            data += value.to_bytes(4, "little" if order == "little" else "big")
        data += packet
    data = data[: 24 + end]
    expected = _records(data)
    for file in (io.BytesIO(data), Slow(data)):
        assert [(moment, packet) for moment, packet, _ in read_packets(file)] == expected


@pytest.mark.parametrize("path", CAPTURES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_stored_captures_as_dpkt_reads_them(path: Path) -> None:
    """Records and TCP segments of every pcap that comes with sceplab."""
    data = path.read_bytes()
    read = list(read_packets(io.BytesIO(data)))
    assert [(moment, packet) for moment, packet, _ in read] == _records(data)
    for _, packet, linktype in read:
        if linktype == 1:
            assert segment_of(packet, linktype) == _segment(packet)


@pytest.mark.parametrize("link", packets.LINKS)
@settings(max_examples=30, deadline=None)
@given(
    st.booleans(),
    st.integers(0, 2**32 - 1),
    st.sampled_from([packets.SYN, packets.SYN | packets.ACK, packets.ACK, packets.PSH | packets.ACK, packets.FIN]),
    st.binary(max_size=70),
)
def test_a_segment_in_any_frame(link: str, old: bool, seq: int, flags: int, data: bytes) -> None:
    """The segment is read back from a frame of any link type, padded or not; bytes that are cut off are counted."""
    source, target = (packets.CLIENT, packets.SERVER) if old else (packets.CLIENT6, packets.SERVER6)
    linktype, wrap = packets.LINKS[link]
    frame = wrap(packets.ip(packets.Tcp(source, target, seq, flags, data)))
    ends = [(a if old else f"[{a}]", port) for a, port in (source, target)]
    assert segment_of(frame, linktype) == TcpSegment(ends[0], ends[1], seq, flags, data, 0)
    if link not in {"Ethernet", "PPP", "Wi-Fi with radiotap", "NFLOG"}:
        for cut in range(1, len(data) + 1):
            found = segment_of(frame[:-cut], linktype)
            assert found == TcpSegment(ends[0], ends[1], seq, flags, data[:-cut], cut)
    if link == "Ethernet":
        assert segment_of(frame, linktype) == _segment(frame)
