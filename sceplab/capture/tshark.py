"""Packets as Wireshark and tshark export them: PDML, JSON, EK, and the text of -V.

Rule: endpoints, sequence number and payload of a packet are written into a new packet,
which is read as usual. The text of -V has no payload: its HTTP headers are read, and
the missing bytes are reported.
"""

from __future__ import annotations

import html
import re
import struct
from collections.abc import Iterable, Iterator
from ipaddress import ip_address

import dpkt

from sceplab.capture import pcap
from sceplab.capture.packets import Packet
from sceplab.capture.reading import Reading, Span, Unread
from sceplab.errors import InputError, Layer, Problem
from sceplab.scep.transport import HTTP_TEXT, Exchange, HttpReply, HttpRequest

_FIELDS = (
    r"frame[._]time_epoch|ip[._]src|ip[._]dst|ipv6[._]src|ipv6[._]dst|tcp[._]srcport|tcp[._]dstport|"
    r"tcp[._]seq_raw|tcp[._]seq|tcp[._]flags|tcp[._]payload|tcp[._]segment_data"
)
_OF_PDML = re.compile(rf'<field name="(?P<json>{_FIELDS})"[^>]{{0,400}}? show="(?P<value>[^"]*)"')
# EK puts the protocol before each name, and newer ones a list around each value; "tcp.seq_raw" with a list is another.
_OF_JSON = re.compile(
    rf'"(?:(?:frame|ip|ipv6|tcp)_(?=[a-z]{{1,8}}_)(?P<ek>{_FIELDS})"\s{{0,8}}:\s{{0,40}}\[?|(?P<json>{_FIELDS})"\s{{0,8}}:)'
    r'\s{0,40}"(?P<value>[^"]*)"'
)
_RAW_IP = 101
_ADVICE = "an export without the bytes: give the pcap, or `tshark -r FILE -T pdml` with all fields"


def fits_pdml(data: bytes) -> bool:
    """Whether it is PDML."""
    return b"<pdml" in data[:4096]


def read_pdml(data: bytes, name: str) -> Reading:
    """Return the exchanges of the packets."""
    return _read(data, _OF_PDML, "PDML", name)


def fits_json(data: bytes) -> bool:
    """Whether it is what `tshark -T json` or -T ek writes."""
    start = data[:65536]
    return start.lstrip()[:1] in {b"[", b"{"} and b'"layers"' in start and (b'"frame' in start)


def read_json(data: bytes, name: str) -> Reading:
    """Return the exchanges of the packets."""
    return _read(data, _OF_JSON, "JSON", name)


def _read(data: bytes, form: re.Pattern[str], what: str, name: str) -> Reading:
    text = data.decode("latin-1")
    packets = list(_packets(form.finditer(text)))
    try:
        exchanges = sorted(pcap.exchanges_of(packets, name), key=lambda e: e.stream or 0)
    except InputError as error:
        raise InputError(f"this is {what} of Wireshark, {_ADVICE} ({error})") from error
    return Reading(exchanges, ((0, len(data)),), (0,) * len(exchanges))


def _packets(fields: Iterable[re.Match[str]]) -> Iterator[Packet]:
    """Yield a packet for each one with a payload or a SYN."""
    said: dict[str, str] = {}
    for found in fields:
        groups = found.groupdict()
        name = groups["json"] or groups["ek"].replace("_", ".", 1)
        value = html.unescape(groups["value"])
        if name == "frame.time_epoch" and said:
            yield from _packet(said)
            said = {}
        said.setdefault(name, value)
    yield from _packet(said)


def _packet(said: dict[str, str]) -> Iterator[Packet]:
    try:
        ends = [ip_address(said.get(f"ip.{n}") or said[f"ipv6.{n}"]) for n in ("src", "dst")]
        ports = [int(said[f"tcp.{n}"]) for n in ("srcport", "dstport")]
        payload = said.get("tcp.payload") or said.get("tcp.segment_data") or ""
        octets = bytes.fromhex(payload.replace(":", ""))
        seq = int(said.get("tcp.seq_raw") or said.get("tcp.seq") or "0") & 0xFFFFFFFF
        flags = int(said.get("tcp.flags") or "0x18", 0) & 0xFF
        moment = float(said.get("frame.time_epoch") or 0)
        tcp = dpkt.tcp.TCP(sport=ports[0], dport=ports[1], seq=seq, flags=flags, data=octets)
        source, target = (e.packed for e in ends)
        if ends[0].version == 4:
            packet = dpkt.ip.IP(src=source, dst=target, p=dpkt.ip.IP_PROTO_TCP, ttl=64, data=tcp)
        else:
            packet = dpkt.ip6.IP6(src=source, dst=target, nxt=dpkt.ip.IP_PROTO_TCP, plen=20 + len(octets), data=tcp)
        yield moment, bytes(packet), _RAW_IP
    except (KeyError, ValueError, dpkt.Error, struct.error, OverflowError):
        return  # no TCP, or truncated


# --------------------------------------------------------------- the text of -V

_FRAME = re.compile(rb"^Frame \d+: \d+ bytes on wire", re.MULTILINE)
_HTTP_LINE = re.compile(
    rb"^    (?:(GET|POST) (\S{1,1048576}) HTTP/[\d.]+|HTTP/[\d.]+ ([1-5]\d\d) ?([^\\\r\n]{0,200}))\\r\\n\r?$"
)
_HEADER = re.compile(rb"^    ([A-Za-z][\w-]{0,60}): ?(.{0,8000})\\r\\n\r?$")
# Protocols are named at the start of a line, with their fields indented below.
_TOLD = re.compile(
    rb"^(?:Frame \d|Ethernet|Linux cooked|Raw packet|Null/Loopback|Internet Protocol|Transmission Control|Hypertext|"
    rb"\[\d+ Reassembled|Line-based|Media Type|Data \(|Cryptographic|Certificate|JavaScript|HTML|Simple Certificate)"
)


def fits_text(data: bytes) -> bool:
    """Whether it is the text of a packet (-V)."""
    return _FRAME.search(data) is not None


def read_text(data: bytes, name: str) -> Reading:
    """Return the HTTP headers in the text of packets; a problem says that the bytes are missing."""
    exchanges: list[Exchange] = []
    places: list[int] = []
    spans: list[Span] = []
    current: list[tuple[int, re.Match[bytes], list[tuple[str, str]]]] = []
    numbers: list[int] = []
    inside, end, frames = False, 0, 0
    for number, line in enumerate(data.splitlines(keepends=True), 1):
        start, end = end, end + len(line)
        text = line.rstrip(b"\n")
        if _FRAME.match(text):
            frames += 1
        if not text.strip():
            continue
        inside = text[:1].isspace() if not _TOLD.match(text) else True
        if not (inside and frames):
            continue
        spans.append((start, end))
        numbers.append(number)
        if (found := _HTTP_LINE.match(text)) is not None:
            current.append((start, found, []))
        elif current and (header := _HEADER.match(text)) is not None:
            current[-1][2].append((header[1].decode(), header[2].decode("latin-1").replace("\\r\\n", "")))
    for place, found, headers in current:
        if found[1]:
            asked = HttpRequest(found[1].decode(), found[2].decode("latin-1"), tuple(headers), truncated=True)
            problem = _not_there() if found[1] == b"POST" else ()
            exchanges.append(Exchange(asked, None, source=name, problems=problem, recorded=HTTP_TEXT))
        else:
            reply = HttpReply(int(found[3]), tuple(headers), b"", found[4].decode("latin-1").strip(), truncated=True)
            exchanges.append(Exchange(None, reply, source=name, problems=_not_there(), recorded=HTTP_TEXT))
        places.append(place)
    what = "packet as text (tshark -V, Wireshark's plain text), cut and without its bytes: give the pcap"
    unread = (Unread(what, frames, (numbers[0], numbers[-1])),) if numbers else ()
    return Reading(exchanges, tuple(spans), tuple(places), unread=unread)


def _not_there() -> tuple[Problem, ...]:
    found = "a description by Wireshark, without the bytes"
    return (Problem(Layer.CAPTURE, "not-logged", "the message", found, None, "Give the pcap."),)
