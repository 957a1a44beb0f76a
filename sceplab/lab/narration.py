"""Tell what passes a relay while it passes: in a thread of its own, so that nobody waits for it.

Rule: bytes come first. What cannot be told in time is counted, never waited for; a
record that cannot be written ends, the relay does not.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from sceplab.capture.record import PcapWriter, Sent
from sceplab.errors import InputError
from sceplab.report.follow import Follower
from sceplab.report.plain import Line
from sceplab.scep.transport import Exchange
from sceplab.sources import reason

_WAITING = 1000


class Narration:
    """Gives the lines of a `Follower` to a function, and sentences between them; a context manager."""

    def __init__(self, follower: Follower, tell: Callable[[Line], None], *, waiting: int = _WAITING) -> None:
        """Take who follows, and what gets each line, in one thread; `waiting` exchanges may wait to be told."""
        self._follower, self._tell = follower, tell
        self._queue: queue.Queue[Exchange | str | None] = queue.Queue(waiting)
        self._lock = threading.Lock()
        self._left_out = 0
        self._thread = threading.Thread(target=self._work, name="sceplab narration", daemon=True)

    def take(self, what: Exchange | str) -> None:
        """Tell an exchange or a sentence as soon as possible. Never waits."""
        try:
            self._queue.put_nowait(what)
        except queue.Full:
            with self._lock:
                self._left_out += 1

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (what := self._queue.get()) is not None:
            if isinstance(what, str):
                self._tell(Line(what))
            else:
                for line in self._follower.take(what):
                    self._tell(line)
            with self._lock:
                left_out, self._left_out = self._left_out, 0
            if left_out:
                self._tell(Line(f"{left_out:,} more passed and are not shown: too many at once"))
        for line in self._follower.end():
            self._tell(line)


class Record:
    """A pcap file that grows with what passes: what was written stays, also after `kill -9`. A context manager."""

    def __init__(self, path: Path, on_problem: Callable[[str], None]) -> None:
        """Make the file, which must not exist yet. Raises InputError; later problems go to `on_problem`, once."""
        self._path, self._on_problem = path, on_problem
        try:
            number = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            raise InputError(f"{path} is already there; give another name for the record") from None
        except (OSError, ValueError) as error:
            raise InputError(f"{path} cannot be written: {reason(error)}") from error
        # Without a buffer of its own: each packet is with the system at once.
        self._file = os.fdopen(number, "wb", buffering=0)
        self._broken = False
        try:
            self._writer = PcapWriter(self)
        except OSError as error:
            self._file.close()
            raise InputError(f"{path} cannot be written: {reason(error)}") from error

    def write(self, data: bytes) -> None:
        """Write all of these bytes (for `PcapWriter`). Raises OSError."""
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) or 0 :]

    def take(self, sent: Sent) -> None:
        """Write what passed. Never raises: the first failure ends the record."""
        if self._broken:
            return
        try:
            self._writer.take(sent)
        except (OSError, ValueError) as error:
            self._broken = True
            self._on_problem(f"the record {self._path} ends here: {reason(error)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._broken = True
        self._file.close()
