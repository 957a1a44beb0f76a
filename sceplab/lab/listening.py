"""Something that listens at a port, with an event loop in a thread of its own: what server and relay share.

Rule: it opens and frees the port and owns the thread; what happens on a connection is the subclass's.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Self

from sceplab.errors import InputError


def authority_of(host: str, port: int) -> str:
    """Return host and port as in a URL (RFC 3986, 3.2): an IPv6 address has brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def reachable(host: str) -> str:
    """Return an address at which `host` is reached: itself, or for all addresses (0.0.0.0, ::) one of this machine.

    It is the one that this machine would use towards others, and loopback where it has no network.
    """
    if not is_every_address(host):
        return host
    six = ":" in host
    # Nothing is sent: these addresses are for documentation (RFC 5737, RFC 3849).
    with socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("2001:db8::1" if six else "192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "::1" if six else "127.0.0.1"


def is_every_address(host: str) -> bool:
    """Whether a host stands for every address of this machine: 0.0.0.0 or ::."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


class Listening(ABC):
    """Serves at `host` and `port` from `start` to `stop`; a context manager. Port 0 takes a free one."""

    title = "sceplab"
    """What the name of the thread begins with."""

    def __init__(self, host: str, port: int) -> None:
        """Set it up; `start` opens the port."""
        self.host, self.port = host, port
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    @property
    def authority_for_clients(self) -> str:
        """Host and port in the URL that clients are given."""
        return authority_of(reachable(self.host), self.port)

    @property
    def running(self) -> bool:
        """Whether the port is open."""
        return self._thread is not None

    def start(self) -> Self:
        """Open the port and serve. Raises InputError when the port cannot be opened."""
        if self._thread is not None:
            return self
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        try:
            listening = socket.create_server((self.host, self.port), family=family, backlog=128)
        except (OSError, UnicodeError) as error:
            said = getattr(error, "strerror", None) or error
            raise InputError(f"{self.host}:{self.port} cannot be listened on: {said}") from error
        listening.settimeout(0)
        self.port = listening.getsockname()[1]
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._run(listening, ready)),
            name=f"{self.title} {authority_of(self.host, self.port)}",
            daemon=True,
        )
        self._thread.start()
        ready.wait()
        return self

    def stop(self) -> None:
        """End what is in progress as the subclass does, then free the port. Stopping twice is not an error."""
        thread, loop, stopping = self._thread, self._loop, self._stopping
        if thread is None or loop is None or stopping is None:
            return
        loop.call_soon_threadsafe(stopping.set)
        thread.join()
        self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def _run(self, listening: socket.socket, ready: threading.Event) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        await self._serve(listening, ready.set, self._stopping)

    @abstractmethod
    async def _serve(self, listening: socket.socket, ready: Callable[[], None], stopping: asyncio.Event) -> None:
        """Serve until `stopping` is set, and end all connections; call `ready` once connections are taken."""
