"""A record of what passes, written as it passes: for server and relay.

Rule: bytes come first. A record that cannot be written any more ends; what it records does not.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from sceplab.capture.record import PcapWriter, Sent
from sceplab.errors import InputError
from sceplab.sources import reason


class Record:
    """A pcap file that grows with what passes: what was written stays, also after `kill -9`. A context manager.

    An exception before anything passed removes the file.
    """

    def __init__(self, path: Path, on_problem: Callable[[str], None]) -> None:
        """Make the file, which must not exist yet. Raises InputError; later problems go to `on_problem`, once."""
        self._path, self._on_problem = path, on_problem
        try:
            number = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            raise InputError(f"{path} already exists; give another name for the record") from None
        except (OSError, ValueError) as error:
            raise InputError(f"{path} cannot be written: {reason(error)}") from error
        # Without a buffer of its own: each packet is with the system at once.
        self._file = os.fdopen(number, "wb", buffering=0)
        self._lock = threading.Lock()
        self._broken = self._begun = False
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
        """Write what passed, from any thread. Never raises: the first failure ends the record."""
        with self._lock:
            if self._broken:
                return
            self._begun = True
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
        with self._lock:
            self._broken = True
            self._file.close()
        if kind is not None and not self._begun:
            self._path.unlink(missing_ok=True)
