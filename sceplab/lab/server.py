"""HTTP server on loopback around an answering function: the network side of a CA or RA.

Rule: sockets, limits and threads; no SCEP. Tornado (Apache-2.0, the server
under JupyterLab itself) does the HTTP: it accepts clients that send no Host header,
and limits the time for all of the header and all of the body, so that a slow or
silent client costs nothing but its connection. Each server has a thread for its
event loop and a few for answers; `stop` ends them all and frees the port.
"""

from __future__ import annotations

import asyncio
import http.client
import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

from sceplab.capture.record import Sent
from sceplab.errors import InputError
from sceplab.extras import LAB, needs
from sceplab.scep.transport import DEFAULT_PATH, Exchange, HttpReply, HttpRequest

with needs(LAB):
    from tornado import httputil, iostream
    from tornado.httpserver import HTTPServer

_LOG = logging.getLogger(__name__)

Answerer = Callable[[HttpRequest], HttpReply]


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for a client; times are seconds, sizes bytes. A SCEP message has a few thousand bytes."""

    header_time: float = 15
    body_time: float = 15
    header_size: int = 200_000
    body_size: int = 1_000_000
    connections: int = 500
    grace: float = 5


LIMITS = Limits()


class Server:
    """Serves `answer` at `url` while it runs; a context manager. The port is free again after `stop`."""

    def __init__(
        self,
        answer: Answerer,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        path: str = DEFAULT_PATH,
        threads: int = 4,
        limits: Limits = LIMITS,
        delay: Callable[[], float] = lambda: 0,
        on_exchange: Callable[[Exchange], None] | None = None,
        on_sent: Callable[[Sent], None] | None = None,
        sockets: list[socket.socket] | None = None,
    ) -> None:
        """Set it up; `start` opens the port.

        Args:
            answer: Called in one of `threads` threads for each request.
            host: Address to listen on.
            port: 0 takes a free one.
            path: What `url` ends with; any path is answered.
            threads: How many requests are answered at the same time.
            limits: Limits of each client.
            delay: Seconds to wait before each reply.
            on_exchange: Called with each request and its reply.
            on_sent: Called with the bytes as they are sent or received.
            sockets: Listening sockets to use instead of new ones.
        """
        self._answer, self.host, self.port, self._path = answer, host, port, path
        self._threads, self._limits, self._delay = threads, limits, delay
        self._on_exchange, self._on_sent = on_exchange, on_sent
        self._sockets = sockets
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    @property
    def url(self) -> str:
        """The SCEP URL."""
        return f"http://{self.host}:{self.port}{self._path}"

    def start(self) -> None:
        """Open the port and serve. Raises InputError when the port cannot be opened."""
        if self._thread is not None:
            return
        sockets = self._sockets
        if sockets is None:
            try:
                sockets = [socket.create_server((self.host, self.port), backlog=128)]
            except OSError as error:
                raise InputError(f"{self.host}:{self.port} cannot be listened on: {error.strerror or error}") from error
        for each in sockets:
            each.settimeout(0)
        self.port = sockets[0].getsockname()[1]
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(sockets, ready)), name=f"sceplab {self.url}", daemon=True
        )
        self._thread.start()
        ready.wait()

    def stop(self) -> None:
        """Finish the replies in progress, then close everything. Stopping twice is not an error."""
        thread, loop, stopping = self._thread, self._loop, self._stopping
        if thread is None or loop is None or stopping is None:
            return
        loop.call_soon_threadsafe(stopping.set)
        thread.join()
        self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def _serve(self, sockets: list[socket.socket], ready: threading.Event) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        with ThreadPoolExecutor(self._threads, f"sceplab {self.port}") as pool:
            service = _Service(self, pool)
            limits = self._limits
            server = _Listener(
                service,
                idle_connection_timeout=limits.header_time,
                body_timeout=limits.body_time,
                max_header_size=limits.header_size,
                max_body_size=limits.body_size,
                max_buffer_size=limits.body_size + limits.header_size,
            )
            server.max_connections, server.on_sent = limits.connections, self._on_sent
            server.add_sockets(sockets)
            ready.set()
            await self._stopping.wait()
            server.stop()
            if service.busy:
                await asyncio.wait(service.busy, timeout=limits.grace)
            await server.close_all_connections()

    async def handle(self, request: HttpRequest, client: str, pool: ThreadPoolExecutor) -> HttpReply:
        """Answer one request in one of the threads; an exception there becomes a 500 without details."""
        time = datetime.now(UTC)
        try:
            reply = await asyncio.get_running_loop().run_in_executor(pool, self._answer, request)
        except Exception:  # noqa: BLE001 - a server keeps running
            _LOG.exception("a request from %s could not be answered", client)
            reply = HttpReply(500, (("Content-Type", "text/plain"),), b"this server failed; see its log\n")
        await asyncio.sleep(self._delay())
        if self._on_exchange is not None:
            here = f"{self.host}:{self.port}"
            self._on_exchange(Exchange(request, reply, client, here, time, "lab", answered=datetime.now(UTC)))
        return reply


class _Listener(HTTPServer):
    """Tornado's server, with a limit of connections, and a callback with all bytes."""

    max_connections = 0
    on_sent: Callable[[Sent], None] | None = None
    open_connections = 0

    def handle_stream(self, stream: iostream.IOStream, address: Any) -> None:  # noqa: ANN401 - as the base class
        if self.open_connections >= self.max_connections:
            stream.close()
            return
        self.open_connections += 1
        if self.on_sent is not None:
            # Replaces the stream that Tornado made for the socket, which has not been read yet.
            stream = _TappedStream(stream.socket, self.on_sent, max_buffer_size=self.max_buffer_size)
        super().handle_stream(stream, address)

    def on_close(self, server_conn: object) -> None:
        self.open_connections -= 1
        super().on_close(server_conn)


class _TappedStream(iostream.IOStream):
    """A stream that reports the bytes that are sent and received."""

    def __init__(self, connection: socket.socket, report: Callable[[Sent], None], **options: Any) -> None:  # noqa: ANN401
        self._report = report
        self._here, self._there = connection.getsockname()[:2], connection.getpeername()[:2]
        super().__init__(connection, **options)

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        count = super().read_from_fd(buf)
        if count:
            self._report(Sent(datetime.now(UTC), self._there, self._here, bytes(buf[:count])))
        return count

    def write_to_fd(self, data: memoryview) -> int:
        copy = bytes(data)
        count = super().write_to_fd(data)
        self._report(Sent(datetime.now(UTC), self._here, self._there, copy[:count]))
        return count


class _Service(httputil.HTTPServerConnectionDelegate):
    """Turns the requests of Tornado into `HttpRequest`s."""

    def __init__(self, server: Server, pool: ThreadPoolExecutor) -> None:
        self.server, self.pool = server, pool
        self.busy: set[asyncio.Task[None]] = set()

    def start_request(
        self,
        server_conn: object,  # noqa: ARG002 - as the base class
        request_conn: httputil.HTTPConnection,
    ) -> httputil.HTTPMessageDelegate:
        return _Message(self, request_conn)


class _Message(httputil.HTTPMessageDelegate):
    def __init__(self, service: _Service, connection: httputil.HTTPConnection) -> None:
        self._service, self._connection = service, connection
        self._chunks: list[bytes] = []
        self._line: httputil.RequestStartLine | None = None
        self._headers: tuple[tuple[str, str], ...] = ()

    def headers_received(
        self, start_line: httputil.RequestStartLine | httputil.ResponseStartLine, headers: httputil.HTTPHeaders
    ) -> None:
        if isinstance(start_line, httputil.RequestStartLine):
            self._line = start_line
        self._headers = tuple(headers.get_all())

    def data_received(self, chunk: bytes) -> None:
        self._chunks.append(chunk)

    def finish(self) -> None:
        task = asyncio.ensure_future(self._reply())
        self._service.busy.add(task)
        task.add_done_callback(self._service.busy.discard)

    async def _reply(self) -> None:
        line = self._line
        if line is None:
            return
        request = HttpRequest(
            line.method, line.path, self._headers, b"".join(self._chunks), line.version.removeprefix("HTTP/")
        )
        address = getattr(getattr(self._connection, "context", None), "address", None) or ("", 0)
        reply = await self._service.server.handle(request, f"{address[0]}:{address[1]}", self._service.pool)
        headers = httputil.HTTPHeaders()
        for name, value in reply.headers:
            headers.add(name, value)
        headers["Content-Length"] = str(len(reply.body))
        status = reply.status or HTTPStatus.OK
        reason = reply.reason or http.client.responses.get(status, "Unknown")
        try:
            self._connection.write_headers(
                httputil.ResponseStartLine("HTTP/1.1", status, reason),
                headers,
                b"" if line.method == "HEAD" else reply.body,
            )
            self._connection.finish()
        except iostream.StreamClosedError:
            _LOG.info("%s went away before it was answered", address)
