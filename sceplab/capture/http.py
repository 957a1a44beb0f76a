"""Read HTTP messages from a byte stream: pipelined or not, complete, truncated, or with missing bytes.

Rule: httptools parses; this module adds when each message began. If bytes are
missing or the stream cannot be parsed, the message keeps the bytes before, and
reading continues at the next message.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import httptools

from sceplab.scep.transport import Headers, HttpReply, HttpRequest

MAX_BODY = 16 << 20
"""Limit of a body in bytes, also when decompressed; SCEP messages are much smaller."""
MAX_HEAD = 1 << 20
"""Limit of the request line and headers in bytes: a GET has its message there."""
_MAX_HOLE = 1 << 20
# Decompression limit: a multiple of the compressed size plus a constant; DER hardly compresses.
_GROWTH, _GROWTH_FLOOR = 20, 4096


@dataclass(slots=True)
class HttpMessage:
    """One HTTP message; `moment` is when it began, in seconds since 1970.

    `cut` bytes were not captured (snapshot length), the segments of `lost` ones are
    missing; the first missing byte is byte `hole` of the body, which ends there.
    """

    moment: float
    method: str = ""
    target: str = ""
    status: int = 0
    reason: str = ""
    version: str = "1.1"
    headers: Headers = ()
    body: bytes = b""
    complete: bool = False
    cut: int = 0
    lost: int = 0
    hole: int = 0
    note: str = ""

    @property
    def promised(self) -> int | None:
        """The Content-Length in bytes, or None."""
        value = ""
        for name, text in self.headers:
            if name.lower() == "content-length":
                value = text
                break
        return int(value) if value.isdecimal() and value.isascii() and len(value) < 16 else None


@dataclass(slots=True)
class _Collector:
    """Callbacks of httptools: collects one message after the other."""

    moment: float = 0.0
    done: deque[HttpMessage] = field(default_factory=deque)
    current: HttpMessage | None = None
    pieces: list[bytes] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)
    size: int = 0
    head: int = 0
    url: bytes = b""
    status: bytes = b""
    parser: httptools.HttpRequestParser | httptools.HttpResponseParser | None = None

    def on_message_begin(self) -> None:
        self.current = HttpMessage(self.moment)
        self.pieces, self.headers, self.size, self.head, self.url, self.status = [], [], 0, 0, b"", b""

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_status(self, status: bytes) -> None:
        self.status += status

    def on_header(self, name: bytes, value: bytes) -> None:
        self.head += len(name) + len(value)
        if self.head <= MAX_HEAD:
            self.headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        message, parser = self.current, self.parser
        if message is None or parser is None:
            return
        message.version = parser.get_http_version()
        if isinstance(parser, httptools.HttpRequestParser):
            message.method = parser.get_method().decode("latin-1")
        else:
            message.status = parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        self.size += len(body)
        if self.size <= MAX_BODY:
            self.pieces.append(body)

    def on_message_complete(self) -> None:
        self.finish(complete=True)

    def finish(self, *, complete: bool) -> None:
        """Finish the current message; interim replies (1xx) are dropped."""
        message, self.current = self.current, None
        if message is None or not (self.url or message.status) or 100 <= message.status < 200:
            return
        message.headers = tuple(self.headers)
        message.target = self.url.decode("latin-1")
        message.reason = self.status.decode("latin-1")
        body = b"".join(self.pieces)
        if message.cut or message.lost:
            body, complete = body[: message.hole], False
        message.body, message.note = _unpacked(body, message.headers)
        message.complete = complete and self.size <= MAX_BODY
        self.done.append(message)


def _unpacked(body: bytes, headers: Headers) -> tuple[bytes, str]:
    """Decompress a body; a damaged or too large one stays compressed, with a note."""
    if not body:
        return body, ""
    coding = ""
    for name, value in headers:
        if name.lower() == "content-encoding":
            coding = value.lower().strip()
            break
    if coding in {"identity", ""}:
        return body, ""
    if coding not in {"gzip", "x-gzip", "deflate"}:
        return body, f"{coding}, which is not read here"
    # "deflate" means zlib; some programs send it without zlib's frame.
    for bits in (47, -15):
        worker = zlib.decompressobj(wbits=bits)
        try:
            plain = worker.decompress(body, min(MAX_BODY, len(body) * _GROWTH + _GROWTH_FLOOR))
        except zlib.error:
            continue
        if worker.unconsumed_tail:
            return body, f"{coding} that grows more than {_GROWTH}-fold; it was left packed"
        return plain, "" if worker.eof else f"{coding} that ends too early"
    return body, f"{coding} that is damaged"


_REQUEST_STARTS = tuple(f"{m} ".encode() for m in ("GET", "POST", "HEAD", "PUT", "OPTIONS", "DELETE", "PATCH"))
_REPLY_STARTS = (b"HTTP/1.",)


class HttpReader:
    """Reads the requests, or the replies, of one stream; `done` has the complete ones."""

    __slots__ = (
        "_collector",
        "_left",
        "_parser",
        "_prefix",
        "_recent",
        "_requests",
        "_rest_of",
        "_starts",
        "broken",
        "done",
    )

    def __init__(self, *, requests: bool) -> None:
        """Read requests, or replies."""
        self._requests = requests
        self._starts = _REQUEST_STARTS if requests else _REPLY_STARTS
        self._collector = _Collector()
        self.done = self._collector.done
        """The complete messages, in order; the caller removes them."""
        self._parser: httptools.HttpRequestParser | httptools.HttpResponseParser | None = None
        # Bytes since the last message began: a body without Content-Length is among them.
        self._recent = bytearray()
        self._prefix = b""
        # A message whose body bypasses the parser, and how many bytes are left (None: to the end).
        self._rest_of: HttpMessage | None = None
        self._left: int | None = None
        self.broken = False
        """Whether messages may be missing between those that were read."""

    def take(self, data: bytes, missing: int, moment: float) -> None:
        """Process the next bytes; `missing` is how many after them are missing (negative: lost, not cut)."""
        self._collector.moment = moment
        if self._rest_of is not None:
            data, missing = self._more(self._rest_of, data, missing)
        if data:
            self._feed(data)
        if missing:
            self._skip(missing)

    def _feed(self, data: bytes) -> None:
        collector = self._collector
        if self._requests:
            if collector.current is None and self._open_ended() is None:
                self._recent.clear()
            if len(self._recent) < MAX_HEAD:
                self._recent += data
        while data:
            if self._parser is None:
                # Not synchronised: wait for a segment that begins with a message.
                data, self._prefix = self._prefix + data, b""
                if not data.startswith(self._starts):
                    self._prefix = data if any(s.startswith(data) for s in self._starts) else b""
                    return
                kind = httptools.HttpRequestParser if self._requests else httptools.HttpResponseParser
                self._parser = collector.parser = kind(collector)
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                # An upgrade is requested (as Java does), but rarely accepted: continue.
                self._parser = None
                data = self._announced(data[upgrade.args[0] :])
                continue
            except httptools.HttpParserError:
                self._lost_thread()
            if len(collector.url) > MAX_HEAD:
                self._lost_thread()
            return

    def _lost_thread(self) -> None:
        collector = self._collector
        self._parser = None
        self.broken = True
        body = self._unannounced()
        if body is not None:
            collector.current = None
            message = collector.done.pop()
            message.complete = False
            self._rest_of, self._left = message, None
            self._more(message, body, 0)
            return
        collector.finish(complete=False)

    def _announced(self, data: bytes) -> bytes:
        """Read the body of a request with an upgrade, which the parser skips; returns the bytes after it."""
        last = self._collector.done[-1] if self._requests and self._collector.done else None
        if last is None or last.body or not last.promised:
            return data
        self._rest_of, self._left = self._collector.done.pop(), last.promised
        return self._more(last, data, 0)[0]

    def _unannounced(self) -> bytes | None:
        """Return the body of a POST without Content-Length: the bytes after it up to the next request."""
        last = self._open_ended()
        if last is None:
            return None
        start = self._recent.rfind(b"POST " + last.target.encode("latin-1"))
        end = self._recent.find(b"\r\n\r\n", start) if start >= 0 else -1
        return bytes(self._recent[end + 4 :]) if end >= 0 else None

    def _open_ended(self) -> HttpMessage | None:
        """Return the last message if it is a POST without a length."""
        last = self._collector.done[-1] if self._requests and self._collector.done else None
        if last is None or last.method != "POST" or last.body or last.promised is not None:
            return None
        return None if any(n.lower() == "transfer-encoding" for n, _ in last.headers) else last

    def _more(self, message: HttpMessage, data: bytes, missing: int) -> tuple[bytes, int]:
        """Add bytes to a body that bypasses the parser; returns the bytes after it."""
        mine, behind = (data, b"") if self._left is None else (data[: self._left], data[self._left :])
        if not (message.cut or message.lost) and len(message.body) + len(mine) <= MAX_BODY:
            message.body += mine
            message.hole = len(message.body)
        if not behind:
            message.cut += max(missing, 0)
            message.lost += max(-missing, 0)
        if self._left is not None:
            self._left -= len(mine) + (0 if behind else abs(missing))
            if self._left <= 0:
                message.complete = not (message.cut or message.lost)
                self._collector.done.append(message)
                self._rest_of = None
        return behind, missing if behind else 0

    def _skip(self, missing: int) -> None:
        """Skip bytes that are missing; the parser gets zeros instead."""
        collector = self._collector
        self.broken = True
        if self._parser is None:
            return
        if collector.current is None or abs(missing) > _MAX_HOLE:
            # Complete messages may be missing.
            collector.finish(complete=False)
            self._parser = None
            return
        message = collector.current
        if not (message.cut or message.lost):
            message.hole = collector.size
        cut, lost = max(missing, 0), max(-missing, 0)
        message.cut, message.lost = message.cut + cut, message.lost + lost
        try:
            self._parser.feed_data(bytes(cut + lost))
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            collector.finish(complete=False)
            self._parser = None

    def finish(self, *, closed: bool) -> None:
        """End the stream: a reply without a length is complete if the connection was `closed`."""
        collector = self._collector
        if self._rest_of is not None:
            self._rest_of.complete = self._left is None and not (self._rest_of.cut or self._rest_of.lost)
            collector.done.append(self._rest_of)
            self._rest_of = None
        elif collector.current is not None:
            bounded = any(n.lower() in {"content-length", "transfer-encoding"} for n, _ in collector.headers)
            collector.finish(complete=not self._requests and closed and not bounded)
        self._parser = None


def read_messages(chunks: Iterable[tuple[bytes, float]], *, requests: bool, closed: bool = True) -> list[HttpMessage]:
    """Return the HTTP messages in the pieces of a stream, each piece with its time."""
    reader = HttpReader(requests=requests)
    for data, moment in chunks:
        reader.take(data, 0, moment)
    reader.finish(closed=closed)
    return list(reader.done)


def request_of(message: HttpMessage) -> HttpRequest:
    """Convert a message to an HttpRequest."""
    return HttpRequest(
        message.method, message.target, message.headers, message.body, message.version, not message.complete
    )


def reply_of(message: HttpMessage) -> HttpReply:
    """Convert a message to an HttpReply."""
    return HttpReply(message.status, message.headers, message.body, message.reason, not message.complete)
