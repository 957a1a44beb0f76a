"""HTTP messages out of a byte stream, pipelined or not, whole or cut off.

Rule: httptools parses; what is added here is when each message began, and what
to do where the stream stops in the middle or stops making sense.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import httptools

from sceplab.transport import Headers, HttpReply, HttpRequest

MAX_BODY = 16 << 20
"""The largest body that is kept, also when unpacked: no SCEP message comes near."""


@dataclass(slots=True)
class HttpMessage:
    """One HTTP message; `moment` is when it began, in seconds since 1970."""

    moment: float
    method: str = ""
    target: str = ""
    status: int = 0
    reason: str = ""
    version: str = "1.1"
    headers: Headers = ()
    body: bytes = b""
    complete: bool = False


@dataclass(slots=True)
class _Collector:
    """Callbacks of httptools: gathers one message after the other."""

    moment: float = 0.0
    done: list[HttpMessage] = field(default_factory=list)
    current: HttpMessage | None = None
    pieces: list[bytes] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)
    size: int = 0
    url: bytes = b""
    status: bytes = b""
    parser: httptools.HttpRequestParser | httptools.HttpResponseParser | None = None

    def on_message_begin(self) -> None:
        self.current = HttpMessage(self.moment)
        self.pieces, self.headers, self.size, self.url, self.status = [], [], 0, b"", b""

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_status(self, status: bytes) -> None:
        self.status += status

    def on_header(self, name: bytes, value: bytes) -> None:
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
        """Close the current message."""
        if self.current is None:
            return
        message, self.current = self.current, None
        message.headers = tuple(self.headers)
        message.target = self.url.decode("latin-1")
        message.reason = self.status.decode("latin-1")
        message.body = _decoded(b"".join(self.pieces), message.headers)
        message.complete = complete and self.size <= MAX_BODY
        self.done.append(message)


def _decoded(body: bytes, headers: Headers) -> bytes:
    """Take gzip or deflate off a body; a damaged or exploding one stays as it is."""
    coding = next((v.lower().strip() for n, v in headers if n.lower() == "content-encoding"), "")
    bits = {"gzip": 31, "x-gzip": 31, "deflate": 15}.get(coding)
    if bits is None:
        return body
    worker = zlib.decompressobj(wbits=bits)
    try:
        plain = worker.decompress(body, MAX_BODY)
    except zlib.error:
        return body
    return body if worker.unconsumed_tail else plain


def read_messages(chunks: Iterable[tuple[bytes, float]], *, requests: bool, closed: bool = True) -> list[HttpMessage]:
    """Return the HTTP messages in the pieces of a stream, each piece with its time.

    A reply without Content-Length lasts until the end of the stream; it is
    complete where the connection was `closed`. What is no HTTP ends the reading.
    """
    collector = _Collector()
    parser: httptools.HttpRequestParser | httptools.HttpResponseParser
    parser = httptools.HttpRequestParser(collector) if requests else httptools.HttpResponseParser(collector)
    collector.parser = parser
    try:
        for data, moment in chunks:
            collector.moment = moment
            parser.feed_data(data)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        collector.finish(complete=False)
    if collector.current is not None and (collector.url or collector.current.status):
        bounded = any(n.lower() in {"content-length", "transfer-encoding"} for n, _ in collector.headers)
        collector.finish(complete=not requests and closed and not bounded)
    return collector.done


def request_of(message: HttpMessage) -> HttpRequest:
    """Return a message that was read as a request."""
    return HttpRequest(
        message.method, message.target, message.headers, message.body, message.version, not message.complete
    )


def reply_of(message: HttpMessage) -> HttpReply:
    """Return a message that was read as a reply."""
    return HttpReply(message.status, message.headers, message.body, message.reason, not message.complete)
