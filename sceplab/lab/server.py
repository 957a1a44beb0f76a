"""HTTP server on loopback around an answering function: the network side of a CA or RA.

Rule: sockets, limits and threads; no SCEP. Tornado (Apache-2.0, the server
under JupyterLab itself) does the HTTP: it accepts clients that send no Host header,
and limits the time for all of the header and all of the body. Connections, and what
they may hold, have limits too, for each client and in total, so that none can shut
out the others. Each server has a thread for its event loop and a few that answer;
`stop` ends them all and frees the port.

A `HeldReply` leaves at a tick that was chosen before a thread began to work on the
request (`leaves_at`), so its time does not show how long that took. It waits in
the event loop: no thread is held up, and the limits of connections and of bodies
apply while it waits.
"""

from __future__ import annotations

import asyncio
import http.client
import logging
import math
import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from sceplab.capture.record import Sent
from sceplab.extras import LAB, needs
from sceplab.lab.guard import GuardedStream, foreign_name, is_loopback
from sceplab.lab.http import HeldReply, text_reply
from sceplab.lab.listening import Listening
from sceplab.scep.transport import DEFAULT_PATH, Exchange, HttpReply, HttpRequest

with needs(LAB):
    from tornado import httputil, iostream
    from tornado.http1connection import HTTP1Connection
    from tornado.httpserver import HTTPServer

_LOG = logging.getLogger(__name__)

Answerer = Callable[[HttpRequest], HttpReply]


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for clients; times are seconds, sizes bytes. A SCEP message has a few thousand bytes.

    `write_time` is for taking a reply, `life` and `requests` are for one connection,
    `client_connections` are those of one address, and `buffered` are the bodies that
    wait for an answer at the same time, of all clients.
    """

    header_time: float = 15
    body_time: float = 15
    write_time: float = 15
    life: float = 300
    requests: int = 10_000
    header_size: int = 200_000
    body_size: int = 1_000_000
    connections: int = 500
    client_connections: int = 250
    buffered: int = 50_000_000
    grace: float = 5

    def are_reached(self, connections: Counter[str], client: str) -> bool:
        """Whether one more connection of a client is too many, given how many each client has."""
        return connections.total() >= self.connections or connections[client] >= self.client_connections


LIMITS = Limits()
TICK = 0.05
"""Seconds between the ticks at which held replies leave: many times what the work on a request takes."""


def leaves_at(arrived: float, began: float, done: float, tick: float = TICK) -> float:
    """Return when a held reply leaves, in seconds of the same clock as the arguments.

    Ticks are counted from when the request had `arrived`. The reply leaves at the first that is at least
    a whole tick after the work on it `began`; where it was `done` only after that, at the first tick after it.
    """
    chosen = math.floor((began - arrived) / tick) + 2
    return arrived + max(chosen, math.ceil((done - arrived) / tick)) * tick


class Server(Listening):
    """Serves `answer` at `url` while it runs; a context manager. `stop` finishes the replies in progress."""

    def __init__(
        self,
        answer: Answerer,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        path: str = DEFAULT_PATH,
        threads: int = 8,
        limits: Limits = LIMITS,
        delay: Callable[[], float] = lambda: 0,
        tick: float = TICK,
        on_exchange: Callable[[Exchange], None] | None = None,
        on_sent: Callable[[Sent], None] | None = None,
        host_names: Sequence[str] = (),
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
            tick: Seconds between the ticks at which held replies leave.
            on_exchange: Called with each request and its reply.
            on_sent: Called with the bytes as they are sent or received.
            host_names: On loopback, names that requests may be for besides loopback ones.
        """
        super().__init__(host, port)
        self._answer, self._path = answer, path
        self._threads, self._limits, self._delay, self._tick = threads, limits, delay, tick
        self._on_exchange, self._on_sent = on_exchange, on_sent
        self._host_names, self._loopback = host_names, is_loopback(host)

    @property
    def url(self) -> str:
        """The SCEP URL."""
        return f"http://{self.authority_for_clients}{self._path}"

    async def _serve(self, listening: socket.socket, ready: Callable[[], None], stopping: asyncio.Event) -> None:
        with ThreadPoolExecutor(self._threads, f"sceplab {self.port}") as pool:
            limits = self._limits
            service = _Service(self, pool, limits)
            server = _Listener(
                service,
                idle_connection_timeout=limits.header_time,
                body_timeout=limits.body_time,
                max_header_size=limits.header_size,
                max_body_size=limits.body_size,
                max_buffer_size=limits.body_size + limits.header_size,
            )
            server.limits, server.on_sent = limits, self._on_sent
            server.add_socket(listening)
            ready()
            await stopping.wait()
            server.stop()
            if service.busy:
                await asyncio.wait(service.busy, timeout=limits.grace)
            await server.close_all_connections()

    async def handle(self, request: HttpRequest, client: str, pool: ThreadPoolExecutor) -> HttpReply:
        """Answer one request in one of the threads; an exception there becomes a 500 without details."""
        asked, loop = datetime.now(UTC), asyncio.get_running_loop()
        arrived = began = loop.time()

        def work() -> HttpReply:
            nonlocal began
            began = loop.time()
            return self._answer(request)

        try:
            reply = self._misdirected(request)
            if reply is None:
                reply = await loop.run_in_executor(pool, work)
        except Exception:  # noqa: BLE001 - a server keeps running
            _LOG.exception("a request from %s could not be answered", client)
            reply = HeldReply(500, (("Content-Type", "text/plain"),), b"this server failed; see its log\n")
        if isinstance(reply, HeldReply):
            await asyncio.sleep(leaves_at(arrived, began, loop.time(), self._tick) - loop.time())
        await asyncio.sleep(self._delay())
        if self._on_exchange is not None:
            here = f"{self.host}:{self.port}"
            self._on_exchange(Exchange(request, reply, client, here, asked, "lab", answered=datetime.now(UTC)))
        return reply

    def _misdirected(self, request: HttpRequest) -> HttpReply | None:
        """Return the reply to a request for another host (RFC 9110, 15.5.20), None for one that is for this one."""
        if not self._loopback:
            return None
        name = foreign_name(request, self.port, self._host_names)
        if name is None:
            return None
        return text_reply(
            421,
            f"this server is on loopback: ask for localhost:{self.port} or {self.host}:{self.port}, "
            f"not for {name[:100]!a} (sceplab lab start --host-name allows a name)",
        )


class _Listener(HTTPServer):
    """Tornado's server, with limits of connections, and a report of the bytes that pass."""

    limits = LIMITS
    on_sent: Callable[[Sent], None] | None = None

    def initialize(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as the base class
        self.clients: Counter[str] = Counter()
        super().initialize(*args, **options)

    def handle_stream(self, stream: iostream.IOStream, address: Any) -> None:  # noqa: ANN401 - as the base class
        client, limits = str(address[0]), self.limits
        if limits.are_reached(self.clients, client):
            stream.close()
            return
        try:
            # Replaces the stream that Tornado made for the socket, which was not read from yet.
            guarded = GuardedStream(
                stream.socket, limits.write_time, self.on_sent, max_buffer_size=self.max_buffer_size
            )
        except OSError:  # gone already
            stream.close()
            return
        self.clients[client] += 1
        super().handle_stream(guarded, address)

    def on_close(self, server_conn: object) -> None:
        client = str(getattr(server_conn, "context").address[0])  # noqa: B009 - Tornado's context has no type
        self.clients[client] -= 1
        if not self.clients[client]:
            del self.clients[client]
        super().on_close(server_conn)


class _Service(httputil.HTTPServerConnectionDelegate):
    """Turns the requests of Tornado into `HttpRequest`s."""

    def __init__(self, server: Server, pool: ThreadPoolExecutor, limits: Limits) -> None:
        self.server, self.pool, self.limits = server, pool, limits
        # Bytes of bodies that came and were not answered yet.
        self.buffered = 0
        self.busy: set[asyncio.Task[None]] = set()

    def start_request(
        self,
        server_conn: object,  # noqa: ARG002 - as the base class
        request_conn: httputil.HTTPConnection,
    ) -> httputil.HTTPMessageDelegate:
        assert isinstance(request_conn, HTTP1Connection)  # noqa: S101 - Tornado makes no others here
        stream = request_conn.stream
        assert isinstance(stream, GuardedStream)  # noqa: S101 - see `_Listener`
        stream.requests += 1
        if stream.requests >= self.limits.requests or time.monotonic() - stream.since >= self.limits.life:
            request_conn.params = copy(request_conn.params)
            request_conn.params.no_keep_alive = True
        return _Message(self, request_conn)


class _Message(httputil.HTTPMessageDelegate):
    def __init__(self, service: _Service, connection: httputil.HTTPConnection) -> None:
        self._service, self._connection = service, connection
        self._chunks: list[bytes] = []
        self._held = 0
        self._too_much = False
        self._line: httputil.RequestStartLine | None = None
        self._headers: tuple[tuple[str, str], ...] = ()

    def headers_received(
        self, start_line: httputil.RequestStartLine | httputil.ResponseStartLine, headers: httputil.HTTPHeaders
    ) -> None:
        if isinstance(start_line, httputil.RequestStartLine):
            self._line = start_line
        self._headers = tuple(headers.get_all())

    def data_received(self, chunk: bytes) -> None:
        service = self._service
        if self._too_much or service.buffered + len(chunk) > service.limits.buffered:
            self._too_much = True
            self._release()
            return
        self._chunks.append(chunk)
        self._held += len(chunk)
        service.buffered += len(chunk)

    def _release(self) -> None:
        self._chunks.clear()
        self._service.buffered -= self._held
        self._held = 0

    def on_connection_close(self) -> None:
        self._release()

    def finish(self) -> None:
        task = asyncio.ensure_future(self._reply())
        self._service.busy.add(task)
        task.add_done_callback(self._service.busy.discard)
        task.add_done_callback(lambda _: self._release())

    async def _reply(self) -> None:
        line = self._line
        if line is None:
            return
        request = HttpRequest(
            line.method, line.path, self._headers, b"".join(self._chunks), line.version.removeprefix("HTTP/")
        )
        address = getattr(getattr(self._connection, "context", None), "address", None) or ("", 0)
        if self._too_much:
            reply = text_reply(503, "this server has too many requests to answer; ask again")
        else:
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
