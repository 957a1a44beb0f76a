"""Which format is it? One table of signs, and the reader that goes with each.

Rule: a new format is one function in its module and one line in `read_octets`.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from sceplab.capture import har, hexdump, logs, packets, pcap, text
from sceplab.errors import InputError
from sceplab.scep.transport import Exchange

MAX_OCTETS = 1 << 28
"""The largest file that is read as a whole; captures of packets may have any size."""
MAX_UNPACKED = 1 << 33
"""The largest that a compressed file may become."""
MAX_GROWTH = 300
"""How many times its size a compressed file may become; captures reach 30."""
_PATH_LIKE = re.compile(r"[^\n\r\0]{1,4096}")
_GZIP = b"\x1f\x8b"


def read_capture(source: str | bytes | Path) -> list[Exchange]:
    """Read a file (a path, or "-" is not special here), or the text or octets themselves.

    Formats: pcap and pcapng, also gzip'd; HAR; HTTP as it went over the wire; a
    URL, a request line, access logs; the value of `message=`; base64; PEM; DER;
    hex dumps (plain, xxd, hexdump -C, tcpdump -X, Wireshark, router debug).
    Exchanges of packets are in the order of their TCP streams. Raises
    InputError, which says what was found and what to try.
    """
    return sorted(iter_capture(source), key=lambda e: e.stream or 0)


def iter_capture(source: str | bytes | Path) -> Iterator[Exchange]:
    """Yield what `read_capture` returns, one by one.

    A file of packets is never in memory as a whole: each exchange comes when its
    reply is whole, which is not quite the order in which they began.
    """
    if isinstance(source, bytes):
        yield from _from_file(io.BytesIO(source), "")
        return
    if isinstance(source, str) and not (_PATH_LIKE.fullmatch(source) and _is_file(Path(source))):
        if _looks_like_path(source):
            raise InputError(f"{source} cannot be read: no such file")
        yield from read_octets(source.encode("utf-8", "surrogateescape"), "")
        return
    path = Path(source)
    try:
        with path.open("rb") as file:
            yield from _from_file(file, path.name)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error


def _from_file(file: BinaryIO, name: str) -> Iterator[Exchange]:
    start = file.read(4)
    file.seek(0)
    if start[:2] == _GZIP:
        file = Unpacked(file)  # type: ignore[assignment]
        start = file.read(4)
        file.seek(0)
    if packets.is_packets(start):
        yield from pcap.read_pcap(file, name)
        return
    data = file.read(MAX_OCTETS + 1)
    if len(data) > MAX_OCTETS:
        advice = "cut it first (of a log: `grep -i operation=`)"
        raise InputError(f"this is larger than {MAX_OCTETS} octets and no capture of packets; {advice}")
    yield from read_octets(data, name)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _looks_like_path(source: str) -> bool:
    """Whether a text that is no file was surely meant as one (a URL is not)."""
    return len(source) < 256 and "://" not in source and "?" not in source and bool(re.search(r"\.\w{1,6}$", source))


def read_octets(data: bytes, name: str) -> list[Exchange]:
    """Read octets of any of the formats but packets; `name` is kept as the source of each exchange."""
    other = _other_format(data)
    if other:
        raise InputError(other)
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        data = data.decode("utf-16", "replace").encode()  # as PowerShell's ">" writes
    data = data.removeprefix(b"\xef\xbb\xbf")
    # 30 alone is the digit 0 as well, with which a hex dump may begin.
    if data[:1] == b"\x30" and b"operation=" not in data[:200] and not data[:64].isascii():
        return [text.message_alone(data, name)]
    if data.lstrip()[:1] == b"{" and not logs.is_log(data):
        return har.read_har(data, name)
    if text.is_http(data):
        return text.read_http(data, name)
    if logs.is_log(data):
        return logs.read_log(data, name)
    dumped = _read_dumps(data, name)
    return dumped or text.read_text(data, name)


# What people try as well: (how it begins, what it is and what to do).
_OTHERS = (
    (b"PK\x03\x04", "a ZIP archive: unpack it and give what is in it"),
    (b"\xfd7zXZ\0", "xz-compressed: unpack it first (`unxz`)"),
    (b"BZh", "bzip2-compressed: unpack it first (`bunzip2`)"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed: unpack it first (`unzstd`)"),
    (b"7z\xbc\xaf", "a 7z archive: unpack it and give what is in it"),
    (b"snoop\0\0\0", "a snoop capture: turn it into pcap first (`editcap -F pcap in out`)"),
    (b"GMBU", "a Network Monitor capture: turn it into pcap first (`editcap -F pcap in out`)"),
    (b"XCP\0", "a Sniffer capture: turn it into pcap first (`editcap -F pcap in out`)"),
    (b"MDMP", "a memory dump; give a capture of packets"),
    (b"\x89PNG", "a picture: text that can be copied is needed, or the capture itself"),
    (b"\xff\xd8\xff", "a picture: text that can be copied is needed, or the capture itself"),
    (b"%PDF", "a PDF: copy the text out of it, or give the capture itself"),
    (b"\x16\x03", "a TLS record, which is encrypted; capture the plain HTTP behind the proxy that ends TLS"),
)


def _other_format(data: bytes) -> str:
    found = next((words for start, words in _OTHERS if data.startswith(start)), "")
    if found:
        return f"this is {found}"
    if not data.strip():
        return "there is nothing in it; give a capture, a URL, base64, PEM or DER"
    return ""


def _read_dumps(data: bytes, name: str) -> list[Exchange]:
    """Read the hex dumps in a text: messages, HTTP, or packets of tcpdump and Wireshark."""
    found: list[Exchange] = []
    dumped: list[packets.Packet] = []
    for octets in hexdump.read_hex(data.decode("latin-1")):
        if text.kind_of(octets):
            found.append(text.message_alone(octets, name))
        elif text.is_http(octets):
            found += text.read_http(octets, name)
        elif octets[0] >> 4 in {4, 6} and octets[:1] != b"\x40":
            dumped.append((0.0, octets, 101))
        elif len(octets) > 34:
            dumped.append((0.0, octets, 1))
    try:
        # Wireshark adds what it reassembled to the packets: those alone have both sides.
        return sorted(pcap.exchanges_of(dumped, name), key=lambda e: e.stream or 0)
    except InputError:
        return text.paired(found)


class Unpacked(io.RawIOBase):
    """A gzip'd file as it is unpacked, read on and on; it may be rewound. Raises InputError where it explodes."""

    def __init__(self, file: BinaryIO) -> None:
        """Unpack from the file's present place."""
        self._file = file
        self._rewind()

    def _rewind(self) -> None:
        self._file.seek(0)
        self._worker = zlib.decompressobj(wbits=31)
        self._left = b""
        self.packed = self.unpacked = 0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go back to the start, the only place to go to."""
        if offset or whence != io.SEEK_SET:
            raise io.UnsupportedOperation("only the start")
        self._rewind()
        return 0

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` octets, less only at the end of what can be unpacked."""
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
                    break  # what came before is good
                raise InputError(f"the gzip data is damaged: {error}") from error
            self._left = self._worker.unconsumed_tail
            if self._worker.eof:
                # Several of them may follow one another.
                self._left = self._worker.unused_data.lstrip(b"\0")
                self._worker = zlib.decompressobj(wbits=31)
            self.unpacked += len(plain)
            out += plain
            if self.unpacked > max(self.packed, _PIECE) * MAX_GROWTH or self.unpacked > MAX_UNPACKED:
                raise InputError("the gzip data becomes enormous when unpacked; unpack it and cut it into parts first")
        return bytes(out)


_PIECE = 1 << 16
