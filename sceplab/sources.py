"""Files and pipes that a user names: opened, and read forward up to a limit.

Rule: what may never end is refused (a device) or has a limit (a pipe), so that a
wrong name costs a sentence, not the memory. Nothing is read twice, so
`<(command)` and standard input are as good as files.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from sceplab.errors import InputError

MAX_SMALL = 10_000_000
"""The largest file of keys or certificates, in bytes."""
MAX_PIPED = 1 << 33
"""The most bytes that are read from a pipe, whatever it holds."""


def open_source(path: Path) -> BinaryIO:
    """Open a file or FIFO for reading. Raises InputError where it is missing, a folder, a device or a socket."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode) or stat.S_ISFIFO(mode):
            return path.open("rb")
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {reason(error)}") from error
    raise InputError(
        f"{path} cannot be read: it is a {'folder' if stat.S_ISDIR(mode) else 'device or socket'}, not a file"
    )


def read_small(path: Path) -> bytes:
    """Return the bytes of a file or FIFO of keys or certificates. Raises InputError, also beyond `MAX_SMALL`."""
    try:
        with open_source(path) as file:
            data = file.read(MAX_SMALL + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {reason(error)}") from error
    if len(data) > MAX_SMALL:
        raise InputError(f"{path} is larger than {MAX_SMALL:,} bytes, too large for keys or certificates")
    return data


def reason(error: Exception) -> str:
    """Return why a file cannot be used, without its name."""
    return str(getattr(error, "strerror", None) or error)


class Forward(io.RawIOBase):
    """A file read forward, whose next bytes can be looked at first.

    From a pipe at most `MAX_PIPED` bytes are read; then `read` raises InputError.
    """

    def __init__(self, file: BinaryIO | io.RawIOBase) -> None:
        """Begin at the file's present place."""
        self._file = file
        self._read1: Callable[[int], bytes | None] = getattr(file, "read1", file.read)
        self._seen = b""
        self._left = MAX_PIPED if _is_pipe(file) else None

    def peek(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer only at the end, and leave them to be read."""
        self._seen += self._more(size - len(self._seen)) if len(self._seen) < size else b""
        return self._seen[:size]

    def read(self, size: int = -1) -> bytes:
        """Return the next `size` bytes (-1: all), fewer only at the end."""
        if not self._seen:
            return self._more(size)
        out, self._seen = (self._seen, b"") if size < 0 else (self._seen[:size], self._seen[size:])
        return out if len(out) == size else out + self._more(size - len(out) if size >= 0 else -1)

    def read1(self, size: int) -> bytes:
        """Return at most `size` bytes, and of a pipe what there is of them; b"" only at the end."""
        if self._seen:
            out, self._seen = self._seen[:size], self._seen[size:]
            return out
        return self._more(size, self._read1)

    def _more(self, size: int, read: Callable[[int], bytes | None] | None = None) -> bytes:
        read = read or self._file.read
        if self._left is None:
            return read(size) or b""
        data = read(min(size, self._left + 1) if size >= 0 else self._left + 1) or b""
        self._left -= len(data)
        if self._left < 0:
            raise InputError(f"the input is larger than {MAX_PIPED:,} bytes; write it to a file and cut it first")
        return data


def _is_pipe(file: BinaryIO | io.RawIOBase) -> bool:
    try:
        return not stat.S_ISREG(os.fstat(file.fileno()).st_mode)
    except (OSError, io.UnsupportedOperation):
        return False  # bytes in memory
