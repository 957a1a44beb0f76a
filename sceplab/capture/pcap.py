"""Packets to TCP streams to HTTP exchanges, as a stream.

Rule: an exchange is yielded as soon as it is complete, and a stream is dropped when
it ends, so that memory does not grow with the capture. TCP segments are reordered
here because no maintained library does so without fixed HTTP ports or an external
program. Ports are ignored: the side that sends an HTTP request is the client.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import BinaryIO

from sceplab.capture.http import HttpMessage, HttpReader, reply_of, request_of
from sceplab.capture.packets import Packet, TcpSegment, read_packets, segment_of
from sceplab.errors import InputError, Layer, Problem
from sceplab.scep.transport import Exchange
from sceplab.sources import Forward

MAX_OPEN = 32_768
"""Limit of open conversations; beyond it, the longest idle one is ended."""
MAX_WAITING = 1 << 20
"""Limit of bytes per direction that wait for a missing segment before it counts as lost."""
_FIN, _SYN, _RST, _ACK = 0x01, 0x02, 0x04, 0x10
# Largest distance in bytes of the first segment seen from the SYN.
_SYN_WINDOW = 1 << 20
# Sniffers write packets out of order: drop a closed stream only this many packets later.
_GRACE = 1000
_METHODS = (b"GET ", b"POST ", b"HEAD ", b"PUT ", b"OPTIONS ")
# Protocols that are named where there is no plain HTTP, by how a side begins.
_OTHERS = {b"\x16\x03": "TLS", b"SSH-": "SSH", b"PRI * HT": "HTTP/2"}
_WORDS = (*_METHODS, b"HTTP/", *_OTHERS)
_LONGEST_WORD = max(map(len, _WORDS))
# Segments that are looked at for the start of an HTTP message.
_TRIES = 64

End = tuple[str, int]


def read_pcap(file: BinaryIO | Forward, name: str = "") -> Iterator[Exchange]:
    """Yield the HTTP exchanges of a pcap or pcapng file, each when its reply is whole.

    Raises InputError if the file cannot be read, or if it has no plain HTTP; the
    message then says what is in it instead.
    """
    return exchanges_of(read_packets(file), name)


def exchanges_of(packets: Iterable[Packet], name: str = "") -> Iterator[Exchange]:
    """Yield the HTTP exchanges in packets, as `read_pcap` does."""
    table = _Table(name)
    for frame, (moment, packet, linktype) in enumerate(packets, 1):
        table.frames = frame
        segment = segment_of(packet, linktype)
        if segment is not None:
            yield from table.take(segment, moment)
    yield from table.end()
    if not table.found:
        raise InputError(table.what_was_found())


class Conversation:
    """The exchanges of one connection whose bytes come in order, as a program sees them that passes them on."""

    def __init__(self, client: End, server: End, name: str = "", number: int = 0) -> None:
        """Begin: nothing has been sent. `name` is the source of the exchanges, `number` that of the connection."""
        self._table = _Table(name)
        self._stream = _Stream(number, 0, client, server)
        self._table._decide(self._stream, self._stream.from_a)  # noqa: SLF001 - the table of this module

    @property
    def waiting(self) -> bool:
        """Whether a request has no reply yet, as far as both were read."""
        reader = self._stream.from_a.reader
        return reader is not None and bool(reader.done)

    def take(self, data: bytes, moment: float, *, from_client: bool) -> Iterator[Exchange]:
        """Yield the exchanges that are whole after these bytes, which came at `moment` (seconds since 1970)."""
        half = self._stream.from_a if from_client else self._stream.from_b
        if half.reader is not None:
            half.reader.take(data, 0, moment)
        yield from self._table._pairs(self._stream)  # noqa: SLF001 - as above

    def end(self) -> Iterator[Exchange]:
        """End the connection; yields the exchanges that are not whole, too."""
        self._stream.closed = True
        yield from self._table._finish(self._stream)  # noqa: SLF001 - as above


# --------------------------------------------------------------- one direction


@dataclass(slots=True)
class _Half:
    """One direction of a stream, yielded in the order of its sequence numbers."""

    first_seq: int | None = None
    next_seq: int | None = None
    waiting: dict[int, tuple[bytes, int, float]] | None = None
    held: int = 0
    # The start of the stream while it is too short to recognise a method.
    opening: bytes = b""
    reader: HttpReader | None = None
    ended: bool = False

    def place(self, seq: int, data: bytes, missing: int, moment: float) -> Iterable[tuple[bytes, int, float]]:
        """Return what is now in order: bytes, how many after them are missing, and their time."""
        if self.next_seq is None:
            self.first_seq = self.next_seq = seq  # the capture began in the middle
        if seq == self.next_seq and not self.waiting:  # nearly every segment
            self.next_seq = (seq + len(data) + missing) & 0xFFFFFFFF
            return ((data, missing, moment),)
        return self._sort_in(self.next_seq, seq, data, missing, moment)

    def _sort_in(
        self, expected: int, seq: int, data: bytes, missing: int, moment: float
    ) -> Iterator[tuple[bytes, int, float]]:
        ahead = (seq - expected) & 0xFFFFFFFF
        if 0 < ahead < 1 << 31:
            self.waiting = {} if self.waiting is None else self.waiting
            held = self.waiting.get(seq)
            if held is None or len(held[0]) < len(data):
                self.held += len(data) - (len(held[0]) if held else 0)
                self.waiting[seq] = (data, missing, moment)
            if self.held > MAX_WAITING or len(self.waiting) > 4096:
                yield from self.give_up()
            return
        piece = self._news(seq, data, missing, moment)
        if piece is not None:
            yield piece
            yield from self._ready()

    def _news(self, seq: int, data: bytes, missing: int, moment: float) -> tuple[bytes, int, float] | None:
        """Return the new bytes of a segment that begins at or before the expected number."""
        assert self.next_seq is not None  # noqa: S101 - `place` sets it
        known = (self.next_seq - seq) & 0xFFFFFFFF
        if known >= len(data) + missing:
            return None
        self.next_seq = (seq + len(data) + missing) & 0xFFFFFFFF
        return data[known:], min(missing, len(data) + missing - known), moment

    def _ready(self) -> Iterator[tuple[bytes, int, float]]:
        while self.waiting:
            ready = [s for s in self.waiting if (self.next_seq - s) & 0xFFFFFFFF < 1 << 31]  # type: ignore[operator]
            if not ready:
                return
            for start in ready:
                data, missing, moment = self.waiting.pop(start)
                self.held -= len(data)
                piece = self._news(start, data, missing, moment)
                if piece is not None:
                    yield piece

    def give_up(self) -> Iterator[tuple[bytes, int, float]]:
        """Yield the waiting segments, with the number of bytes lost before each."""
        while self.waiting:
            start = min(self.waiting, key=lambda s: (s - self.next_seq) & 0xFFFFFFFF)  # type: ignore[operator]
            lost = (start - self.next_seq) & 0xFFFFFFFF  # type: ignore[operator]
            self.next_seq = start
            yield b"", -lost, self.waiting[start][2]
            yield from self._ready()


@dataclass(slots=True)
class _Stream:
    """One TCP conversation; `a` is the sender of the first packet seen."""

    number: int
    first_frame: int
    a: End
    b: End
    from_a: _Half = field(default_factory=_Half)
    from_b: _Half = field(default_factory=_Half)
    asking: _Half | None = None
    closed: bool = False
    tries: int = 0
    other: str = ""

    @property
    def answering(self) -> _Half:
        return self.from_b if self.asking is self.from_a else self.from_a


# --------------------------------------------------------------- all conversations


class _Table:
    """All conversations of a capture; `take` and `end` yield the exchanges that became complete."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.frames = self.segments = self.streams = self.found = 0
        self.others: dict[str, int] = {}
        self._open: OrderedDict[tuple[End, End], _Stream] = OrderedDict()
        self._closing: deque[tuple[int, tuple[End, End], _Stream]] = deque()

    def take(self, segment: TcpSegment, moment: float) -> Iterable[Exchange]:
        """Process the next segment of the capture; returns the exchanges that it completes."""
        found: list[Exchange] = []
        self.segments += 1
        while self._closing and self._closing[0][0] < self.frames - _GRACE:
            _, old, done = self._closing.popleft()
            if self._open.get(old) is done:
                del self._open[old]
                found += self._finish(done)
        source, target, seq, flags, data, missing = segment
        key = (source, target) if source < target else (target, source)
        stream = self._open.get(key)
        if stream is None or (flags & (_SYN | _ACK) == _SYN and _reused(stream, segment)):
            if stream is not None:
                found += self._finish(stream)
            elif len(self._open) >= MAX_OPEN:
                found += self._finish(self._open.popitem(last=False)[1])
            stream = self._open[key] = _Stream(self.streams, self.frames, source, target)
            self.streams += 1
        self._open.move_to_end(key)
        half = stream.from_a if source == stream.a else stream.from_b
        if flags & _SYN:
            if half.next_seq is None:
                half.first_seq = half.next_seq = (seq + 1) & 0xFFFFFFFF
            return found
        if (data or missing) and not stream.other:
            for piece in half.place(seq, data, missing, moment):
                self._hand_on(stream, half, *piece)
            # A pair is new only if this side has a whole message.
            if half.reader is not None and half.reader.done:
                found += self._pairs(stream)
        if flags & (_FIN | _RST):
            half.ended = True
            if flags & _RST or (stream.from_a.ended and stream.from_b.ended):
                self._closing.append((self.frames, key, stream))
            stream.closed = True
        return found

    def end(self) -> Iterator[Exchange]:
        """End the capture; yields the remaining exchanges."""
        while self._open:
            yield from self._finish(self._open.popitem(last=False)[1])

    def _finish(self, stream: _Stream) -> Iterator[Exchange]:
        for half in (stream.from_a, stream.from_b):
            for piece in half.give_up():
                self._hand_on(stream, half, *piece)
        for half in (stream.from_a, stream.from_b):
            if half.reader is not None:
                half.reader.finish(closed=stream.closed)
        yield from self._pairs(stream, last=True)
        if stream.other:
            self.others[stream.other] = self.others.get(stream.other, 0) + 1

    # ---------------------------------------------------------- which side is the client

    def _hand_on(self, stream: _Stream, half: _Half, data: bytes, missing: int, moment: float) -> None:
        if data and stream.asking is None:
            start = half.opening + data[:_LONGEST_WORD]
            if start.startswith(_METHODS):
                self._decide(stream, half)
            elif start.startswith(b"HTTP/"):
                self._decide(stream, stream.from_b if half is stream.from_a else stream.from_a)
            elif any(len(start) < len(word) and word.startswith(start) for word in _WORDS):
                half.opening = start
                return
            else:
                # The middle of a message, or another protocol: the next segments decide.
                half.opening = b""
                stream.tries += 1
                kind = next((name for word, name in _OTHERS.items() if start.startswith(word)), "")
                if kind or stream.tries > _TRIES:
                    stream.other = kind or "another protocol"
                return
            data, half.opening = half.opening + data, b""
        if half.reader is not None:
            half.reader.take(data, missing, moment)

    @staticmethod
    def _decide(stream: _Stream, asking: _Half) -> None:
        stream.asking = asking
        for half in (stream.from_a, stream.from_b):
            half.reader = HttpReader(requests=half is asking)

    # ---------------------------------------------------------- requests and replies

    def _pairs(self, stream: _Stream, *, last: bool = False) -> Iterator[Exchange]:
        if stream.asking is None or stream.asking.reader is None:
            return
        asked, answered = stream.asking.reader, stream.answering.reader or stream.asking.reader
        requests, replies = asked.done, answered.done
        while (requests and replies) or (last and (requests or replies)):
            request = requests[0] if requests else None
            reply = replies[0] if replies else None
            if request and reply and reply.moment < request.moment and (asked.broken or answered.broken):
                request = None  # the request of this reply is not in the capture
            if request:
                requests.popleft()
            if reply:
                replies.popleft()
            self.found += 1
            yield self._exchange(stream, request, reply)

    def _exchange(self, stream: _Stream, request: HttpMessage | None, reply: HttpMessage | None) -> Exchange:
        client, server = (stream.a, stream.b) if stream.asking is stream.from_a else (stream.b, stream.a)
        first = request or reply
        problems: list[Problem] = []
        for message, side in ((request, "request"), (reply, "reply")):
            if message is not None and (message.cut or message.lost or message.note or not message.complete):
                problems += _missing(message, side)
        return Exchange(
            request_of(request) if request else None,
            reply_of(reply) if reply else None,
            f"{client[0]}:{client[1]}",
            f"{server[0]}:{server[1]}",
            _moment(first.moment) if first else None,
            self.name,
            stream.number,
            stream.first_frame,
            bool((request and request.lost) or (reply and reply.lost)),
            tuple(problems),
            _moment(reply.moment) if reply else None,
        )

    def what_was_found(self) -> str:
        """Return a sentence for a capture without HTTP: what is in it, and what to do."""
        if not self.frames:
            return "this capture has no readable packet; was the sniffer stopped before the enrollment?"
        if not self.segments:
            return (
                f"this capture has {self.frames} packets and no TCP in them; capture the plain HTTP between "
                "client and CA (`tcpdump -i any -s 0 -w scep.pcap tcp`)"
            )
        others = ", ".join(f"{n} of {what}" for what, n in sorted(self.others.items()))
        return (
            f"this capture has {self.streams} TCP conversations{f' ({others})' if others else ''} and no plain HTTP "
            "in them; capture where HTTP is not encrypted: behind the proxy that ends TLS, or between RA and CA"
        )


def _reused(stream: _Stream, segment: TcpSegment) -> bool:
    """Whether a SYN begins a new conversation on ports that were used before.

    Not if its number fits those already seen: sniffers write packets out of
    order, sometimes the SYN after the data that follows it.
    """
    half = stream.from_a if segment.source == stream.a else stream.from_b
    if half.first_seq is None:
        return stream.closed
    return (half.first_seq - segment.seq - 1) & 0xFFFFFFFF > _SYN_WINDOW


def _missing(message: HttpMessage, side: str) -> Iterator[Problem]:
    """Yield which parts of a message are missing from the capture, and why."""
    if message.cut:
        found = f"{message.cut} bytes of it were cut off, from byte {message.hole} of the body on"
        advice = "The sniffer kept the start of each packet only: capture again with `tcpdump -s 0`."
        yield Problem(Layer.CAPTURE, "cut-short", f"the whole {side}", found, None, advice)
    if message.lost:
        found = f"{message.lost} bytes of it are missing (a gap), from byte {message.hole} of the body on"
        yield Problem(
            Layer.CAPTURE, "incomplete", f"every segment of the {side}", found, None, "The sniffer lost packets."
        )
    if not message.complete and not message.cut and not message.lost:
        promised = message.promised
        found = f"{len(message.body)} bytes of body" + (f" of {promised}" if promised is not None else "")
        advice = "The capture ended before the message did, or the connection broke."
        yield Problem(Layer.CAPTURE, "incomplete", f"the whole {side}", found, None, advice)
    if message.note:
        yield Problem(Layer.HTTP, "content-encoding", f"a {side} body that can be unpacked", message.note)


def _moment(seconds: float) -> datetime | None:
    if not seconds:
        return None  # packets without a time
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
