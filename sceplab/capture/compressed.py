"""Read gzip-compressed files as a stream.

Rule: a compressed file may not make the reader use unlimited memory or time.
"""

from __future__ import annotations

import io
import zlib

from sceplab.errors import InputError
from sceplab.sources import Forward

GZIP = b"\x1f\x8b"
"""The first bytes of such a file (RFC 1952)."""
MAX_UNPACKED = 1 << 33
"""Limit of the decompressed size in bytes."""
MAX_GROWTH = 300
"""Limit of the compression ratio; captures reach 30."""
_PIECE = 1 << 16


class Unpacked(io.RawIOBase):
    """A gzip'd file, unpacked while it is read. `read` raises InputError beyond the limits."""

    def __init__(self, file: Forward) -> None:
        """Unpack from the file's present place."""
        self._file = file
        self._worker = zlib.decompressobj(wbits=31)
        self._left = b""
        self.packed = self.unpacked = 0

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, fewer only at the end of what can be decompressed."""
        out = bytearray()
        while size < 0 or len(out) < size:
            wanted = _PIECE if size < 0 else min(size - len(out), _PIECE)
            packed = self._left or self._file.read(_PIECE)
            if not self._left:
                self.packed += len(packed)
            if not packed and not self._worker.unconsumed_tail:
                break
            try:
                plain = self._worker.decompress(packed, wanted)
            except zlib.error as error:
                if self.unpacked or out:
                    break  # the data before is valid
                raise InputError(f"the gzip data is damaged: {error}") from error
            self._left = self._worker.unconsumed_tail
            if self._worker.eof:
                # A file may have several gzip members.
                self._left = self._worker.unused_data.lstrip(b"\0")
                self._worker = zlib.decompressobj(wbits=31)
            self.unpacked += len(plain)
            out += plain
            if self.unpacked > max(self.packed, _PIECE) * MAX_GROWTH or self.unpacked > MAX_UNPACKED:
                raise InputError("the gzip data becomes enormous when unpacked; unpack it and cut it into parts first")
        return bytes(out)
