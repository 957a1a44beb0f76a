"""A relay between a real client and a real server, also one that speaks TLS: every byte passes, and is seen.

Rule: sockets and limits; `heads` finds requests, nothing here reads SCEP. Bytes are
passed on as they came, in both directions. The one exception is the name of the
server in a request (Host, and an absolute URL), which is the relay's in a client that
was given its address; `keep_host` leaves that too. What is not passed on is answered
by the relay itself, with a text that begins with "sceplab relay". The relay has a
thread for its event loop; `stop` ends it, and frees the port.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from http.client import responses
from pathlib import Path
from typing import Any

from sceplab.capture.pcap import Conversation
from sceplab.capture.record import Endpoint, Sent
from sceplab.errors import InputError
from sceplab.extras import LAB, needs
from sceplab.lab.guard import foreign_name, is_loopback
from sceplab.lab.heads import HeadError, RequestStream, name_server
from sceplab.lab.http import parts_of
from sceplab.lab.kept import Budget, Kept
from sceplab.lab.listening import Listening, authority_of
from sceplab.lab.server import LIMITS, Limits
from sceplab.lab.tls import tls_context, why_tls_failed
from sceplab.scep.conversation import NO_MATERIALS, DecodedExchange, Materials, decode_exchanges
from sceplab.scep.transport import DEFAULT_PATH, Exchange, HttpRequest

with needs(LAB):
    from tornado.netutil import add_accept_handler

_PIECE = 1 << 16
_HANDSHAKE = b"\x16\x03"
# Seconds for the last words of TLS.
_CLOSING = 2


def _nothing(_: object) -> None:
    pass


class Relay(Listening):
    """Stands between clients and the server at a URL; a context manager. `stop` closes all connections.

    `exchanges` are those that passed, oldest first; `problems` what was not passed on, in sentences.
    """

    title = "sceplab relay"

    def __init__(
        self,
        to: str,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        name: str = "",
        ca_file: Path | None = None,
        keep_host: bool = False,
        host_names: Sequence[str] = (),
        materials: Materials = NO_MATERIALS,
        limits: Limits = LIMITS,
        timeout: float = 10,
        memory_size: int = 64_000_000,
        on_exchange: Callable[[Exchange], None] = _nothing,
        on_sent: Callable[[Sent], None] = _nothing,
        on_problem: Callable[[str], None] = _nothing,
    ) -> None:
        """Set it up; `start` (or `with`) opens the port. Raises InputError for a URL or file that cannot be used.

        Args:
            to: The SCEP URL of the server, http or https.
            host: Address to listen on.
            port: 0 takes a free one.
            name: The label of the server in diagrams, by default its host and port.
            ca_file: The CAs to trust for TLS, instead of those of the system.
            keep_host: Leave Host and absolute URLs as the client sends them.
            host_names: On loopback, names that requests may be for besides loopback ones and the server's.
            materials: Keys and certificates to decode the traffic with.
            limits: What a client may use. A connection ends where nothing passes for `life` seconds.
            timeout: Seconds to connect to the server.
            memory_size: Bytes of memory for `exchanges`; the oldest make room.
            on_exchange: Called with each request and its reply, just before the end of the reply is passed on.
            on_sent: Called with bytes just before they are passed on, and when a side sends no more.
            on_problem: Called with a sentence for each thing that could not be passed on.
        """
        parts = parts_of(to)
        if parts.username is not None or parts.query or parts.fragment:
            raise InputError(f"{to}: give the SCEP URL of the server without user, query and fragment")
        super().__init__(host, port)
        self.to, self._name = to, name
        self._scheme, self.authority, self._path = parts.scheme, parts.netloc, parts.path or DEFAULT_PATH
        self._target = (parts.hostname or "", parts.port or {"http": 80, "https": 443}[parts.scheme])
        self._own_cas = ca_file is not None
        self._tls = tls_context(ca_file) if parts.scheme == "https" else None
        self.keep_host = keep_host
        self._host_names = (self._target[0], *host_names)
        self._materials, self._limits, self._timeout = materials, limits, timeout
        self.on_exchange, self.on_sent, self.on_problem = on_exchange, on_sent, on_problem
        memory = Budget(memory_size)
        self.exchanges: Kept[Exchange] = Kept(memory)
        self.problems: Kept[str] = Kept(memory, 1000)
        self._clients: Counter[str] = Counter()
        self._links = 0
        # Bytes of messages that are not whole yet, of all connections.
        self.unfinished = 0

    # ---------------------------------------------------------- what others ask

    @property
    def url(self) -> str:
        """The SCEP URL for clients: the server's path at the relay's address."""
        return f"http://{self.authority_for_clients}{self._path}"

    @property
    def server(self) -> str:
        """The server, as host and port."""
        return authority_of(*self._target)

    @property
    def names(self) -> dict[str, str]:
        """The label of the server, for diagrams."""
        return {self.server: self._name or (f"{self.server} (TLS)" if self._tls is not None else self.server)}

    @property
    def places(self) -> dict[str, str]:
        """The relay's URL, and where it leads to."""
        return {"Relay (give clients this URL)": self.url, "It leads to": self.to}

    def materials(self) -> Materials:
        """Return the keys and certificates that it was given."""
        return self._materials

    def decoded(self) -> list[DecodedExchange]:
        """Return what passed so far, decoded, oldest first."""
        return decode_exchanges(list(self.exchanges), self._materials)

    # ---------------------------------------------------------- connections

    async def _serve(self, listening: socket.socket, ready: Callable[[], None], stopping: asyncio.Event) -> None:
        busy: set[asyncio.Task[None]] = set()

        def begin(connection: socket.socket, address: tuple[Any, ...]) -> None:
            task = asyncio.create_task(self._attend(connection, address[:2]))
            busy.add(task)
            task.add_done_callback(busy.discard)
            # Also where it was cancelled before it began.
            task.add_done_callback(lambda _: connection.close())

        # Not `asyncio.start_server`: until Python 3.12 it forgets to close what it is about to take when it ends.
        refuse = add_accept_handler(listening, begin)
        ready()
        await stopping.wait()
        refuse()
        listening.close()
        for task in busy:
            task.cancel()
        if busy:
            await asyncio.wait(set(busy))

    async def _attend(self, connection: socket.socket, address: Endpoint) -> None:
        """Serve one connection of a client, within the limits."""
        client = address[0]
        if self._limits.are_reached(self._clients, client):
            return
        self._clients[client] += 1
        self._links += 1
        try:
            reader, writer = await asyncio.open_connection(sock=connection, limit=_PIECE)
            try:
                await _Link(self, reader, writer, address, self._links).run()
            finally:
                await _closed(writer)
        except OSError:  # gone already
            return
        finally:
            self._clients[client] -= 1
            if not self._clients[client]:
                del self._clients[client]

    # ---------------------------------------------------------- what a connection needs

    def problem(self, text: str) -> None:
        """Keep and tell what could not be passed on."""
        self.problems.append(text)
        self.on_problem(text)

    def passed(self, exchange: Exchange) -> None:
        """Keep and tell an exchange."""
        self.exchanges.append(exchange)
        self.on_exchange(exchange)

    def sent(self, sent: Sent) -> None:
        """Tell bytes that were passed on."""
        self.on_sent(sent)

    def change(self, head: bytes, request: HttpRequest) -> bytes:
        """Return the head of a request as it is passed on. Raises HeadError for one that is for another host."""
        if is_loopback(self.host):
            name = foreign_name(request, self.port, self._host_names)
            if name is not None:
                raise HeadError(
                    421,
                    f"this relay is on loopback: ask for localhost:{self.port}, not for {name[:100]!a} "
                    "(sceplab relay --host-name allows a name)",
                )
        return head if self.keep_host else name_server(head, self._scheme, self.authority)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the server. Raises HeadError, with the reason in a sentence."""
        host, port = self._target
        try:
            async with asyncio.timeout(self._timeout):
                return await asyncio.open_connection(host, port, ssl=self._tls, limit=_PIECE)
        except TimeoutError:
            raise HeadError(
                504, f"{self.server} cannot be reached: no connection in {self._timeout:g} seconds"
            ) from None
        except (OSError, ValueError) as error:  # ValueError: a name that is none, of the codec for names
            said = error if isinstance(error, OSError) else OSError(str(error))
            raise HeadError(502, why_tls_failed(said, self.server, own_cas=self._own_cas)) from error

    @property
    def limits(self) -> Limits:
        """What a client may use."""
        return self._limits


class _Link:
    """One connection of a client, and the one to the server that belongs to it."""

    def __init__(
        self, relay: Relay, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client: Endpoint, number: int
    ) -> None:
        self.relay, self.limits = relay, relay.limits
        self.reader, self.writer = reader, writer
        self.client = client
        self.requests = RequestStream(relay.change)
        self.watch = _Watch(relay, client, number)
        self.idle = asyncio.timeout(self.limits.life)
        # When the head that has begun must be whole.
        self.due: float | None = None
        self.refused: HeadError | None = None

    async def run(self) -> None:
        """Pass on what both sides send until both have ended, or one of them fails."""
        upstream: asyncio.StreamWriter | None = None
        try:
            async with self.idle:
                first = await self._first()
                if not first and self.refused is not None:
                    raise self.refused
                if not first:
                    return
                there, upstream = await self.relay.connect()
                server = upstream.get_extra_info("peername")
                if server is None:
                    raise ConnectionResetError  # gone already
                self.watch.begin(server[:2])
                await self._both(first, there, upstream)
        except HeadError as error:
            await self._answer(error)
        except (OSError, TimeoutError):
            # Who has gone, or is too slow, is left, and the other side sees that.
            self.writer.transport.abort()
        finally:
            self.watch.end()
            if upstream is not None:
                await _closed(upstream)

    async def _first(self) -> bytes:
        """Return the first bytes to pass on, none where the client went away."""
        while data := await self._read_request():
            if data.startswith(_HANDSHAKE) and not self.requests.partial:
                text = f"{self.client[0]} began TLS with the relay, which speaks HTTP: give the client an http:// URL"
                self.relay.problem(text)
                return b""
            if (passable := self._passable(data)) or self.refused is not None:
                return passable
        return self.requests.end()

    def _passable(self, data: bytes) -> bytes:
        """Return what to pass on of what the client sent; what is not passed on is in `refused`."""
        out = bytearray()
        try:
            for piece in self.requests.feed(data):
                out += piece
        except HeadError as error:
            self.refused = error
        return bytes(out)

    async def _read_request(self) -> bytes:
        """Read from the client: a head that has begun must be whole in time, between requests it may wait."""
        if not self.requests.partial:
            self.due = None
        elif self.due is None:
            self.due = asyncio.get_running_loop().time() + self.limits.header_time
        async with asyncio.timeout_at(self.due):
            data = await self.reader.read(_PIECE)
        self._passes()
        return data

    async def _both(self, first: bytes, there: asyncio.StreamReader, upstream: asyncio.StreamWriter) -> None:
        up = asyncio.create_task(self._up(first, upstream))
        down = asyncio.create_task(self._down(there))
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            if down.done():
                down.result()
                # The server is done; the client has a moment to see that.
                await asyncio.wait({up}, timeout=self.limits.grace)
                return
            broken = up.exception()
            if isinstance(broken, HeadError):
                raise broken
            if broken is None and not upstream.can_write_eof():
                # TLS cannot end in one direction: it ends when all is answered.
                self.watch.last = down.cancel
                self.watch.look()
            # A server that takes nothing more may have said why.
            await asyncio.wait({down}, timeout=None if broken is None else self.limits.grace)
            up.result()
            if down.done() and not down.cancelled():
                down.result()
        finally:
            for task in (up, down):
                task.cancel()
            await asyncio.gather(up, down, return_exceptions=True)

    async def _up(self, first: bytes, upstream: asyncio.StreamWriter) -> None:
        data = first
        while data:
            await self._write(upstream, data, from_client=True)
            if self.refused is not None:
                raise self.refused
            data = b""
            while not data and self.refused is None and (came := await self._read_request()):
                data = self._passable(came)
        if self.refused is not None:
            raise self.refused
        if held := self.requests.end():
            await self._write(upstream, held, from_client=True)
        self.watch.ended(from_client=True)
        if upstream.can_write_eof():
            upstream.write_eof()

    async def _down(self, there: asyncio.StreamReader) -> None:
        while data := await there.read(_PIECE):
            await self._write(self.writer, data, from_client=False)
        self.watch.ended(from_client=False)
        self.writer.write_eof()

    async def _write(self, writer: asyncio.StreamWriter, data: bytes, *, from_client: bool) -> None:
        # First, so that who has a reply finds it in the record and in `exchanges`, however the relay ends.
        self.watch.tell(data, from_client=from_client)
        self.watch.take(data, from_client=from_client)
        writer.write(data)
        if writer.transport.get_write_buffer_size():
            async with asyncio.timeout(self.limits.write_time):
                await writer.drain()
        self._passes()
        self.watch.look()

    def _passes(self) -> None:
        """Something passed: the connection is not idle."""
        if self.idle.when() is not None and not self.idle.expired():
            self.idle.reschedule(asyncio.get_running_loop().time() + self.limits.life)

    async def _answer(self, error: HeadError) -> None:
        """Answer in place of the server, where no reply of it is on its way."""
        self.relay.problem(str(error))
        if self.watch.waiting:
            self.writer.transport.abort()
            return
        body = f"sceplab relay: {error}\n".encode()
        head = f"HTTP/1.1 {error.status} {responses[error.status]}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        head += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(self.limits.grace):
                self.writer.write(head.encode() + body)
                await self.writer.drain()
                self.writer.write_eof()
                # Bytes that nobody reads would make the system take the answer back.
                while await self.reader.read(_PIECE):
                    pass


class _Watch:
    """What is seen of one connection: its exchanges, and its bytes for a record."""

    def __init__(self, relay: Relay, client: Endpoint, number: int) -> None:
        self._relay, self._client, self._number = relay, client, number
        self._server: Endpoint | None = None
        self._seen: Conversation | None = None
        self._held = 0
        self._ended = [False, False]
        # Called when all requests are answered, after the client has ended.
        self.last: Callable[[], object] | None = None

    @property
    def waiting(self) -> bool:
        """Whether a reply is awaited, as far as can be seen."""
        return self._server is not None and (self._seen is None or self._seen.waiting)

    def begin(self, server: Endpoint) -> None:
        """The connection to the server is there."""
        self._server = server
        self._seen = Conversation(self._client, server, "relay", self._number)

    def tell(self, data: bytes, *, from_client: bool, ended: bool = False) -> None:
        """Bytes are passed on, or a side sends no more: for a record."""
        server = self._server
        if server is not None:
            source, target = (self._client, server) if from_client else (server, self._client)
            self._relay.sent(Sent(datetime.now(UTC), source, target, data, ended))

    def take(self, data: bytes, *, from_client: bool) -> None:
        """Bytes are passed on: what they say."""
        if self._seen is None:
            return
        self._count(len(data))
        if self._relay.unfinished > self._relay.limits.buffered:
            self._seen = None
            self._count(-self._held)
            self._relay.problem(
                f"what {self._client[0]} and {self._relay.server} exchange is passed on, but too large to be shown"
            )
            return
        for exchange in self._seen.take(data, datetime.now(UTC).timestamp(), from_client=from_client):
            self._pass(exchange)
        if not self._seen.waiting and not from_client:
            self._count(-self._held)

    def look(self) -> None:
        """Call `last` where nothing is awaited."""
        if self.last is not None and not self.waiting:
            self.last()

    def ended(self, *, from_client: bool) -> None:
        """A side sends no more."""
        if self._server is not None and not self._ended[from_client]:
            self._ended[from_client] = True
            self.tell(b"", from_client=from_client, ended=True)

    def end(self) -> None:
        """The connection is over."""
        if self._seen is not None:
            for exchange in self._seen.end():
                self._pass(exchange)
        self._seen = None
        self._count(-self._held)
        for side in (True, False):
            self.ended(from_client=side)

    def _pass(self, exchange: Exchange) -> None:
        self._relay.passed(replace(exchange, server=self._relay.server, first_frame=None))

    def _count(self, octets: int) -> None:
        self._held += octets
        self._relay.unfinished += octets


async def _closed(writer: asyncio.StreamWriter) -> None:
    """Close a connection; what the other side did is no matter now, and what it does not take is dropped."""
    writer.close()
    try:
        async with asyncio.timeout(_CLOSING):
            await writer.wait_closed()
    except (OSError, TimeoutError):
        pass
    finally:
        # Also where this is cancelled: a transport with bytes left to write stays open after `close`.
        writer.transport.abort()
