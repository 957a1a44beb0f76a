"""The client's connections: one time limit for a whole reply, and a limit for its size.

Rule: sockets and counts, no SCEP. `requests` limits the time of each read only, so a
server that sends a byte now and then could hold a client for ever, and it reads
whatever comes. Here each read gets the time that is left, and every byte is counted:
also those of headers, of "100 Continue" and of chunk sizes, which `requests` does not
show.
"""

from __future__ import annotations

import io
import socket
import ssl
import threading
import time
import zlib
from typing import Any

from sceplab.errors import ScepError
from sceplab.extras import LAB, needs
from sceplab.lab.tls import tls_context

with needs(LAB):
    from requests.adapters import HTTPAdapter
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.exceptions import NewConnectionError

HEADER_SIZE = 200_000
"""The most bytes of a reply before its body."""
# A host name may have more addresses than a client should try.
_ADDRESSES = 8
_PIECE = 1 << 16


class TooMuchError(ScepError, OSError):
    """A reply is larger than a client takes; an OSError, so that the connection is given up."""


class Allowance(threading.local):
    """How much time and how many bytes the request of this thread has left."""

    deadline = 0.0
    octets = 0

    def begin(self, seconds: float) -> None:
        """Start a request: the time is for all of it, the bytes are for the headers of its reply."""
        self.deadline, self.octets = time.monotonic() + seconds, HEADER_SIZE

    def seconds(self) -> float:
        """Return how many seconds are left. Raises TimeoutError where there are none."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer in time")
        return left

    def count(self, octets: int) -> None:
        """Take note of bytes that came. Raises TooMuchError."""
        self.octets -= octets
        if self.octets < 0:
            raise TooMuchError("the reply is too large")


def adapter(allowance: Allowance, source: str | None = None, tls: ssl.SSLContext | None = None) -> HTTPAdapter:
    """Return an adapter for `requests.Session.mount` whose connections keep to the allowance of their thread.

    `source` is the address of this machine to send from, `tls` says whom to trust: by
    default what the system trusts, where `requests` would go by a list of its own.
    """

    class Plain(_Limited, HTTPConnection):
        limits, origin = allowance, source

    class Secure(_Limited, HTTPSConnection):
        limits, origin = allowance, source

        def connect(self) -> None:
            self.ssl_context, self.cert_reqs = tls or tls_context(), ssl.CERT_REQUIRED
            self.ca_certs = self.ca_cert_dir = self.ca_cert_data = None
            super().connect()

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:  # noqa: ANN401, FBT001, FBT002 - as the base class
            self.poolmanager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **options)
            self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}

        def proxy_manager_for(self, proxy: str, **options: Any) -> Any:  # noqa: ANN401 - as the base class
            manager = super().proxy_manager_for(proxy, **options)
            manager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
            return manager

    return Adapter()


class _Limited:
    """What both kinds of connections have: the allowance, and the socket that keeps to it."""

    limits: Allowance
    origin: str | None
    host: str
    port: int
    sock: Any

    def _new_conn(self) -> socket.socket:
        """Connect to one of the host's addresses in the time that is left, for all of them together."""
        reason: OSError = OSError("no address")
        try:
            found = socket.getaddrinfo(self.host.strip("[]"), self.port, type=socket.SOCK_STREAM)
            for family, kind, protocol, _, address in found[:_ADDRESSES]:
                link = socket.socket(family, kind, protocol)
                try:
                    link.settimeout(self.limits.seconds())
                    if self.origin is not None:
                        link.bind((self.origin, 0))
                    link.connect(address)
                    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                except OSError as error:
                    link.close()
                    reason = error
                else:
                    return link
        except OSError as error:
            reason = error
        raise NewConnectionError(self, str(reason)) from reason  # type: ignore[arg-type]  # it is one, see `adapter`

    def connect(self) -> None:
        """Connect, and from then on read and write within the allowance."""
        super().connect()  # type: ignore[misc]  # of the HTTPConnection beside it
        self.sock = _LimitedSocket(self.sock, self.limits)


class _LimitedSocket:
    """A socket, plain or TLS, that reads and writes within an allowance."""

    def __init__(self, link: socket.socket, limits: Allowance) -> None:
        self._link, self._limits = link, limits

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the socket has
        return getattr(self._link, name)

    def sendall(self, data: bytes) -> None:
        # The timeout of `sendall` is for all of the data.
        self._link.settimeout(self._limits.seconds())
        self._link.sendall(data)

    def makefile(self, mode: str = "rb", buffering: int | None = None) -> io.BufferedReader:  # noqa: ARG002 - as a socket's
        return io.BufferedReader(_LimitedReader(self._link, self._limits))


class _LimitedReader(io.RawIOBase):
    """What comes from a socket, within an allowance."""

    def __init__(self, link: socket.socket, limits: Allowance) -> None:
        # Its own file keeps the socket open for as long as this is.
        self._link, self._limits, self._file = link, limits, link.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - as the base class
        self._link.settimeout(self._limits.seconds())
        count = self._file.readinto(buffer)
        self._limits.count(count or 0)
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


def unpacked(body: bytes, coding: str, most: int) -> bytes:
    """Return a body without its Content-Encoding; one of another kind than gzip and deflate is returned as it is.

    Raises TooMuchError beyond `most` bytes, and ScepError for damaged data.
    """
    if coding.strip().lower() not in {"gzip", "x-gzip", "deflate"} or not body:
        return body
    # "deflate" means zlib; some programs send it without zlib's frame.
    for bits in (47, -15):
        worker = zlib.decompressobj(wbits=bits)
        try:
            plain = worker.decompress(body, most + 1)
        except zlib.error:
            continue
        if len(plain) > most:
            raise TooMuchError("the reply is too large")
        if worker.eof:
            return plain
    raise ScepError(f"its Content-Encoding {coding[:20]} is damaged")
