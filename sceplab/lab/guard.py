"""What the server refuses before it answers: heads that are doubtful, names that are not its own, readers that stall.

Rule: HTTP only, no SCEP. Where two programs could read one request in two ways (RFC
9112, 6.3 and 11.2), it is refused, also where Tornado would take it.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from asyncio import Future
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from sceplab.capture.record import Sent
from sceplab.extras import LAB, needs
from sceplab.scep.transport import HttpRequest

with needs(LAB):
    from tornado import httputil, iostream

_FIELDS = 100
_FIELDS_SIZE = 16_384
# Tornado keeps the names of a thousand fields for ever.
_NAME_SIZE = 256
_ONCE = ("content-length", "transfer-encoding", "host")


def check_head(head: bytes) -> None:
    """Check request line and header fields, up to the empty line. Raises HTTPInputError, which becomes a 400."""
    if b"\n" in head.replace(b"\r\n", b"") or b"\0" in head:
        raise httputil.HTTPInputError("lines must end with CR LF")
    _, *fields = head.strip(b"\r\n").split(b"\r\n")
    if len(fields) > _FIELDS or sum(map(len, fields)) > _FIELDS_SIZE:
        raise httputil.HTTPInputError("too many header fields")
    names: Counter[str] = Counter()
    for field in fields:
        name, colon, value = field.partition(b":")
        if not colon or not name or len(name) > _NAME_SIZE or name != name.strip():
            raise httputil.HTTPInputError("a header line is no name and value")
        lower = name.decode("latin-1").lower()
        if lower == "content-length" and b"," in value:
            raise httputil.HTTPInputError("Content-Length is repeated")
        names[lower] += 1
    if any(names[name] > 1 for name in _ONCE):
        raise httputil.HTTPInputError("a header field that may be there once is repeated")
    if names["content-length"] and names["transfer-encoding"]:
        raise httputil.HTTPInputError("Content-Length and Transfer-Encoding exclude each other")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine for itself only: localhost, 127.0.0.0/8 or ::1."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def foreign_name(request: HttpRequest, port: int, allowed: Sequence[str]) -> str | None:
    """Return the host that a request is for where it is not this one, else None.

    A page of another site can make a browser ask this server under the name of that
    site (DNS rebinding), and then read the answers. A browser always says which name
    it means; programs that say none (HTTP/1.0) are no browsers. `allowed` are names
    besides the loopback ones, for any port.
    """
    named = [request.header("Host") or ""]
    scheme, separator, rest = request.target.partition("://")
    if separator and scheme.isalpha():
        named.append(rest.partition("/")[0].partition("?")[0])
    for authority in filter(None, named):
        if authority.startswith("["):
            host, _, end = authority[1:].partition("]")
        else:
            host, colon, end = authority.partition(":")
            end = colon + end
        host = host.lower().rstrip(".")
        if host in {name.lower().strip("[]").rstrip(".") for name in allowed}:
            continue
        if not is_loopback(host) or end not in {"", ":", f":{port}"}:
            return authority
    return None


class GuardedStream(iostream.IOStream):
    """A connection of a client: heads are checked, and what is written must be taken in time.

    `since` is when it was opened (as `time.monotonic`), `requests` how many came.
    """

    def __init__(
        self,
        connection: socket.socket,
        write_time: float,
        report: Callable[[Sent], None] | None,
        **options: Any,  # noqa: ANN401 - as the base class
    ) -> None:
        """Take the socket; `report` gets what passes it, `write_time` is in seconds."""
        self._write_time, self._report = write_time, report
        self.since, self.requests = time.monotonic(), 0
        self._here, self._there = connection.getsockname()[:2], connection.getpeername()[:2]
        super().__init__(connection, **options)

    def read_until_regex(self, regex: bytes, max_bytes: int | None = None) -> Future[bytes]:
        """Read the head of a request, and check it."""
        checked: Future[bytes] = Future()
        # As the base class does: whoever waits may have gone.
        checked.add_done_callback(lambda done: done.cancelled() or done.exception())

        def check(came: Future[bytes]) -> None:
            if checked.done():
                return
            try:
                head = came.result()
                check_head(head)
            except Exception as error:  # noqa: BLE001 - passed on
                checked.set_exception(error)
            else:
                checked.set_result(head)

        super().read_until_regex(regex, max_bytes).add_done_callback(check)  # type: ignore[attr-defined]  # a Future
        return checked

    def write(self, data: bytes | memoryview) -> Future[None]:
        """Write; the connection is closed where the other side does not take it in time."""
        done = super().write(data)
        if not done.done():
            timer = self.io_loop.asyncio_loop.call_later(self._write_time, self.close)  # type: ignore[attr-defined]
            done.add_done_callback(lambda _: timer.cancel())
        return done

    def close_fd(self) -> None:
        """Close the socket, and report that both sides are done."""
        if self._report is not None and self.fileno() is not None:
            for source, target in ((self._there, self._here), (self._here, self._there)):
                self._report(Sent(datetime.now(UTC), source, target, b"", ended=True))
        super().close_fd()

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        """Read from the socket, and report what came."""
        count = super().read_from_fd(buf)
        if count and self._report is not None:
            self._report(Sent(datetime.now(UTC), self._there, self._here, bytes(buf[:count])))
        return count

    def write_to_fd(self, data: memoryview) -> int:
        """Write to the socket, and report what went."""
        if self._report is None:
            return super().write_to_fd(data)
        copy = bytes(data)
        count = super().write_to_fd(data)
        self._report(Sent(datetime.now(UTC), self._here, self._there, copy[:count]))
        return count
