"""Tell what passes a relay while it passes: in a thread of its own, so that nobody waits for it.

Rule: bytes come first. What cannot be told in time is counted, never waited for.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from sceplab.report.follow import Follower
from sceplab.report.plain import Line
from sceplab.scep.transport import Exchange

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
                self._tell(Line(f"{left_out:,} more not shown: too many at once"))
        for line in self._follower.end():
            self._tell(line)
