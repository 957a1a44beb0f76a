"""Hostile captures, logs and HAR files give a clear error or exchanges, in bounded time and memory."""

from __future__ import annotations

import contextlib
import gzip
import json
import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sceplab.analysis.analyse import analyse
from sceplab.capture import iter_capture, read_capture
from sceplab.capture.http import HttpReader
from sceplab.capture.packets import segment_of
from sceplab.capture.pcap import MAX_OPEN
from sceplab.capture.reading import Capture
from sceplab.errors import InputError
from sceplab.scep.conversation import decode_exchanges
from tests.helpers import packets
from tests.helpers.captures import DATA, ROOT
from tests.helpers.packets import SYN, Piece, Tcp, answered, asked, conversation, frames, ip

# Seconds of processor time. Linear time takes a tenth of it, five times that while memory and coverage are traced;
# exponential or quadratic time takes far longer.
_PATIENCE = 180.0


def _bounded(data: bytes, *, megabytes: int) -> int:
    """Read input and return the number of exchanges, -1 for an InputError. Fail on excessive time or memory."""
    started = time.process_time()
    tracemalloc.start()
    count, told = 0, ""
    try:
        for _ in iter_capture(data):
            count += 1
    except InputError as error:
        count, told = -1, str(error)
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert told.isprintable()
    assert time.process_time() - started < _PATIENCE
    assert peak < megabytes << 20, f"{peak >> 20} MB"
    return count


def _zeros(size: int, head: bytes = b"") -> bytes:
    worker = zlib.compressobj(9, wbits=31)
    out = [worker.compress(head)]
    piece = bytes(1 << 20)
    out += [worker.compress(piece) for _ in range(size >> 20)]
    return b"".join([*out, worker.flush()])


def test_a_gzip_bomb_as_a_capture() -> None:
    """A gzip bomb that starts as a pcap, as a pcapng and as text."""
    for head in (packets.pcap([]), packets.pcapng([(1, [])]), b"GET /scep?operation=PKIOperation&message="):
        data = _zeros(200 << 20, head)
        assert len(data) < 1 << 19
        with pytest.raises(InputError, match=r"enormous|no readable packet|no TCP"):
            read_capture(data)
        assert _bounded(data, megabytes=150) == -1
    assert _bounded(gzip.compress(_zeros(50 << 20)), megabytes=50) == -1  # a bomb inside another gzip


def test_gzip_bombs_as_bodies() -> None:
    """Many replies are small gzip bodies of 4 MB each; they are not decompressed."""
    bomb = gzip.compress(bytes(4 << 20))
    reply = answered(bomb, headers=b"Content-Encoding: gzip\r\n")
    talk = [Piece(from_client=True, data=asked(b"\x30\x00")), Piece(from_client=False, data=reply)] * 200
    assert _bounded(packets.pcap(frames(conversation(talk))), megabytes=20) == 200


def test_very_many_open_conversations() -> None:
    """Twice MAX_OPEN conversations of one packet each; at most MAX_OPEN are tracked at a time."""
    number = MAX_OPEN * 2
    ends = [(f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}", 1024 + i % 60000) for i in range(number)]
    made = [Tcp(end, ("192.0.2.1", 80), 1, SYN) for end in ends]
    data = packets.pcap(frames(made, "raw IP"), 101)
    assert _bounded(data, megabytes=120) == -1
    pieces = [Piece(from_client=True, data=asked(b"\x30\x00")), Piece(from_client=False, data=answered(b"x"))]
    talk = conversation(pieces)
    assert _bounded(packets.pcap(frames([*talk, *made[: MAX_OPEN + 9]], "raw IP"), 101), megabytes=120) == 1


def test_memory_for_missing_segments_is_bounded() -> None:
    """One segment, or every other one, of 8 MB is missing; the buffer of waiting segments is bounded."""
    segments = conversation([Piece(from_client=True, data=asked(bytes(8 << 20)))])
    lossy = segments[:4] + segments[5:]
    data = packets.pcap(frames(lossy))
    assert _bounded(data, megabytes=40) >= 0
    assert _bounded(packets.pcap(frames(segments[:3] + segments[4::2])), megabytes=40) >= 0


ENDLESS: dict[str, Callable[[], bytes]] = {
    "one line of hex": lambda: b"30" * 3_000_000,
    "one line of nearly hex": lambda: b"30 " * 2_000_000 + b"!",
    "one line of base64": lambda: b"MIIB" * 2_000_000,
    "one line of blanks": lambda: b" " * 3_000_000 + b"x",
    "one line of quotes": lambda: b'"' * 3_000_000,
    "one line of percent signs": lambda: b"%25" * 2_000_000,
    "one line of operations": lambda: b"?operation=PKIOperation&message=" * 200_000,
    "many operations without a path": lambda: b"operation=\n" * 50_000,
    "a log line that never ends": lambda: b'1.2.3.4 - - [x] "GET /?operation=PKIOperation&message=' + b"A" * 6_000_000,
    "key=value without end": lambda: b'operation= a="' + b"\\" * 2_000_000,
    "brackets of a log": lambda: b"operation= " + b"1 - - [" * 500_000,
    "JSON that nests": lambda: b'{"operation=":' * 200_000,
    "PEM without an end": lambda: b"-----BEGIN CMS-----\n" * 100_000,
    "HTTP head without an end": lambda: b"GET / HTTP/1.1\r\nX: " + b"y" * 3_000_000,
    "HTTP heads without end": lambda: b"GET /?operation=x HTTP/1.1\r\n" * 200_000,
    "HTTP status lines without end": lambda: b"HTTP/1.1 200 OK\r\n\r\n" * 50_000,
    "a target without an end": lambda: b"GET /" + b"y" * 3_000_000 + b" HTTP/1.1\r\n\r\n",
    "offsets of a dump": lambda: b"00000000: \n" * 300_000,
    "short dumps": lambda: b"30 82 01 00\nx\n" * 50_000,
    "curl's marks": lambda: b"* \n" + b"> \n" * 250_000,
    "a mail's marks": lambda: b"> " * 2_000_000,
    "null octets": lambda: bytes(3_000_000),
    "line ends": lambda: b"\n" * 5_000_000,
    "UTF-16": lambda: b"\xff\xfe" + b"3\x000\x00" * 1_000_000,
    "IIS fields": lambda: b"#Fields: " + b"a " * 1_000_000 + b"\n" + b"operation= " * 1000,
}


@pytest.mark.parametrize("name", ENDLESS)
def test_endless_text(name: str) -> None:
    """Very long lines, words and lists are read within the limits of time and memory."""
    _bounded(ENDLESS[name](), megabytes=900)


HARS: dict[str, object] = {
    "no list": {"log": {"entries": 7}},
    "no request": {"log": {"entries": [{}]}},
    "wrong types": {"log": {"entries": [{"request": {"url": [1], "method": {}, "headers": [{}]}}]}},
    "headers of another kind": {"log": {"entries": [{"request": {"url": "x", "headers": "abc"}}]}},
    "text in place of objects": {"log": {"entries": ["x"]}},
    "a status that is none": {"log": {"entries": [{"request": {"url": "x"}, "response": {"status": "many"}}]}},
    "an enormous status": {"log": {"entries": [{"request": {"url": "x"}, "response": {"status": 10**400}}]}},
    "a time that is none": {"log": {"entries": [{"request": {"url": "x"}, "startedDateTime": {}, "time": "long"}]}},
    "a time beyond all": {
        "log": {
            "entries": [
                {
                    "request": {"url": "x"},
                    "response": {"status": 200},
                    "startedDateTime": "9999-12-31T23:59:59Z",
                    "time": 86_000_000,
                }
            ]
        }
    },
    "base64 that is none": {
        "log": {"entries": [{"request": {"url": "x", "postData": {"text": "\u2028", "encoding": "base64"}}}]}
    },
}


@pytest.mark.parametrize("name", HARS)
def test_hostile_har(name: str) -> None:
    """The file gives one error about HAR or one exchange with the readable fields."""
    try:
        exchanges, told = read_capture(json.dumps(HARS[name])), ""
    except InputError as error:
        exchanges, told = Capture(), str(error)
    assert "HAR" in told or len(exchanges) == 1
    decode_exchanges(exchanges)


def test_har_with_many_entries() -> None:
    """A HAR file of a hundred thousand entries is read in bounded memory."""
    entry = '{"request":{"url":"http://x/?operation=GetCACaps"}}'
    data = f'{{"log":{{"entries":[{",".join([entry] * 100_000)}]}}}}'.encode()
    assert _bounded(data, megabytes=600) == 100_000


def _blocks(*lengths: int) -> bytes:
    return packets.pcapng([(1, [])]) + b"".join(struct.pack("<II", 6, n) + bytes(64) for n in lengths)


@pytest.mark.parametrize(
    "data",
    [
        *(_blocks(n) for n in (0, 4, 8, 11, 12, 13, 28, 31, 32, 0x7FFFFFFF, 0xFFFFFFFF)),
        packets.pcap([]) + struct.pack("<IIII", 0, 0, 0xFFFFFFFF, 1) + bytes(99),
        packets.pcap([]) + bytes(16 * 300_000),
    ],
    ids=lambda d: str(len(d)),
)
def test_wrong_block_and_packet_lengths(data: bytes) -> None:
    """Wrong lengths of pcapng blocks and pcap packets raise InputError."""
    assert _bounded(data, megabytes=60) == -1


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=60), st.integers(-3000, 3000)), max_size=8), st.booleans())
def test_any_bytes_and_gaps_as_http(pieces: list[tuple[bytes, int]], requests: bool) -> None:
    """Arbitrary bytes and gaps raise no error, and bodies are not larger than the input."""
    reader = HttpReader(requests=requests)
    first = b"POST / HTTP/1.1" if requests else b"HTTP/1.1 200 OK"
    start = first + b"\r\nContent-Length: 50\r\n\r\n"
    reader.take(start, 0, 1.0)
    for data, missing in pieces:
        reader.take(data, missing, 1.0)
    reader.finish(closed=True)
    assert sum(len(m.body) for m in reader.done) <= sum(len(d) for d, _ in pieces) + len(start)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_changed_bytes_in_a_capture(data: st.DataObject) -> None:
    """A real capture with bytes changed anywhere gives exchanges or InputError."""
    changed = bytearray((DATA / "specimen" / "capture.pcap").read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    try:
        exchanges = read_capture(bytes(changed))
    except InputError:
        return
    decode_exchanges(exchanges)


def test_a_segment_of_one_byte() -> None:
    """TLS clients that split records send such segments; they once made the whole capture unreadable."""
    with pytest.raises(InputError, match="no plain HTTP"):
        read_capture(ROOT / "tests" / "data" / "hostile" / "onebyte.pcap")


@pytest.mark.parametrize("size", [1, 2, 3])
def test_protocols_in_tiny_segments(size: int) -> None:
    """HTTP is read and other protocols are named with one to three bytes per segment."""
    talk = [Piece(from_client=True, data=asked(b"0\0")), Piece(from_client=False, data=answered(b"x"))]
    (exchange,) = read_capture(packets.pcap(frames(conversation(talk, size=size))))
    assert (exchange.request and exchange.request.body, exchange.reply and exchange.reply.body) == (b"0\0", b"x")
    for start, name in ((b"\x16\x03\x01\x02\0", "TLS"), (b"SSH-2.0-x", "SSH"), (b"PRI * HTTP/2.0\r\n", "HTTP/2")):
        talk = [Piece(from_client=True, data=start)]
        with pytest.raises(InputError, match=f"1 of {name}"):
            read_capture(packets.pcap(frames(conversation(talk, size=size))))


def test_any_single_byte() -> None:
    """Each byte value as a whole file, and as everything that each side of a conversation sent."""
    for octet in range(256):
        data = bytes((octet,))
        talk = [Piece(from_client=True, data=data), Piece(from_client=False, data=data)]
        for source in (data, packets.pcap(frames(conversation(talk)))):
            with contextlib.suppress(InputError):
                read_capture(source)


def test_deeply_nested_ip_packets() -> None:
    """IP in IP, 3000 levels deep, once raised RecursionError in a packet library."""
    four = ip(Tcp(packets.CLIENT, packets.SERVER, 1, SYN))
    six = ip(Tcp(packets.CLIENT6, packets.SERVER6, 1, SYN))
    for _ in range(3000):
        four = struct.pack(">BBHHHBBH8x", 0x45, 0, min(20 + len(four), 65_535), 1, 0, 64, 4, 0) + four
        six = struct.pack(">IHBB32x", 6 << 28, min(len(six), 65_535), 41, 64) + six
    assert segment_of(four, 101) is None
    assert segment_of(six, 101) is None


def _extended(packet: bytes, kinds: bytes) -> bytes:
    """Insert extension headers of 8 bytes between the IPv6 header and its payload."""
    chain = b"".join(bytes((following,)) + bytes(7) for following in (*kinds[1:], 6))
    return (
        packet[:4] + struct.pack(">H", len(packet) - 40 + len(chain)) + kinds[:1] + packet[7:40] + chain + packet[40:]
    )


@pytest.mark.parametrize("kinds", [b"\x00", b"\x2b\x2c", b"\x3c\x00\x33", b"\x2c" * 9], ids=bytes.hex)
def test_extension_headers_of_ipv6(kinds: bytes) -> None:
    """The TCP segment after the headers is found; a truncated packet gives no segment or a shorter one."""
    segment = Tcp(packets.CLIENT6, packets.SERVER6, 7, 16, b"GET / HTTP/1.0")
    packet = _extended(ip(segment), kinds)
    found = segment_of(packet, 101)
    assert found is not None
    assert (found.seq, found.data, found.missing) == (7, segment.data, 0)
    for length in range(len(packet)):
        cut = segment_of(packet[:length], 101)
        assert cut is None or len(cut.data) + cut.missing == len(segment.data)


@pytest.mark.parametrize("link", packets.LINKS)
def test_truncated_and_changed_frames(link: str) -> None:
    """Frames of every link type, truncated or with one byte set to an extreme value, raise nothing."""
    number, wrap = packets.LINKS[link]
    for ends in ((packets.CLIENT, packets.SERVER), (packets.CLIENT6, packets.SERVER6)):
        frame = wrap(ip(Tcp(*ends, 7, 16, b"\x16")))
        for length in range(len(frame) + 1):
            segment_of(frame[:length], number)
        for at in range(len(frame)):
            for octet in (0, 0xFF, frame[at] ^ 0x0F):
                segment_of(frame[:at] + bytes((octet,)) + frame[at + 1 :], number)


def test_truncated_capture_files() -> None:
    """A truncated pcap or pcapng file gives exchanges or InputError."""
    talk = [Piece(from_client=True, data=asked(b"0\0")), Piece(from_client=False, data=answered(b"x"))]
    made = frames(conversation(talk))
    for data in (packets.pcap(made), packets.pcapng([(1, made)]), packets.pcapng([(1, made)], order=">")):
        for length in range(len(data)):
            with contextlib.suppress(InputError):
                read_capture(data[:length])


NUMBERS: dict[str, str] = {
    "Content-Length": "GET /scep?operation=GetCACaps HTTP/1.1\n\nHTTP/1.1 500 OK\nContent-Length: {}\n\n<html>x",
    "IIS": "#Fields: cs-method cs-uri-stem cs-uri-query sc-status sc-substatus sc-win32-status\n"
    "GET /certsrv/mscep/mscep.dll operation=PKIOperation 500 {} {}",
    "IIS, Win32": "#Fields: cs-method cs-uri-stem cs-uri-query sc-status sc-substatus sc-win32-status\n"
    "GET /certsrv/mscep/mscep.dll operation=PKIOperation 500 0 {}",
    "words": "scep error {}: event id {}, hresult -2146{}, exit status {}, code {}",
    "decimals": "operation=PKIOperation [48, 130, {}, 4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]",
    "HAR": '{{"log":{{"entries":[{{"request":{{"url":"?operation=GetCACaps"}},"response":{{"status":"{}"}}}}]}}}}',
    "offsets": "{}: 30 82 01 00",
}


@pytest.mark.parametrize("number", ["9" * 5000, "\u00b2", "\u0663"], ids=["long", "superscript", "Arabic"])
@pytest.mark.parametrize("form", NUMBERS)
def test_numbers_that_python_cannot_convert(form: str, number: str) -> None:
    """Numbers of 5000 digits, and digits that `isdigit` accepts and `int` may not, once raised ValueError."""
    with contextlib.suppress(InputError):
        capture = read_capture(NUMBERS[form].replace("{}", number).replace("{{", "{").replace("}}", "}").encode())
        analyse(decode_exchanges(capture), capture=capture)
