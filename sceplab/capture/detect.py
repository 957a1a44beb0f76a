"""Which format is it? The one table of formats, and the functions that walk it.

Rule: a new format is a module with `fits` and `read`, and one line in `FORMATS`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from sceplab.capture import alone, har, hexdump, httptext, logs, packets, pcap, pem, target, value
from sceplab.capture.compressed import GZIP, Unpacked
from sceplab.capture.reading import Capture, Format, Reading
from sceplab.errors import InputError
from sceplab.scep.transport import Exchange

MAX_OCTETS = 1 << 28
"""The largest file that is read as a whole; captures of packets may have any size."""

# The surest signs first: the first format that fits and of which something is read is the one.
FORMATS = (
    Format("DER or BER", alone.fits, alone.read),
    Format("log of JSON lines", logs.fits_json, logs.read),
    Format("HAR", har.fits, har.read),
    Format("HTTP as text", httptext.fits, httptext.read),
    Format("access log", logs.fits, logs.read),
    Format("hex dump", hexdump.fits, hexdump.read),
    Format("PEM", pem.fits, pem.read),
    Format("URL or request target", target.fits, target.read),
    Format("base64, or the value of message=", value.fits, value.read),
)
# Formats of files of any size, known by their first four bytes, read piece by piece.
STREAMS: tuple[tuple[Callable[[bytes], bool], Callable[[BinaryIO, str], Iterator[Exchange]]], ...] = (
    (packets.is_packets, pcap.read_pcap),
)
# What is not read here, and what to do with it: how it begins, and what it is.
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
_PATH_LIKE = re.compile(r"[^\n\r\0]{1,4096}")
_UTF16 = {b"\xff\xfe", b"\xfe\xff"}
_UTF8_MARK = b"\xef\xbb\xbf"


def read_capture(source: str | bytes | Path) -> Capture:
    """Read a file (given by its path), or text or bytes themselves.

    Formats: pcap and pcapng, also gzip'd; HAR; HTTP as it went over the wire; a
    URL, a request line, access logs; the value of `message=`; base64; PEM; DER;
    hex dumps (plain, xxd, hexdump -C, tcpdump -X, Wireshark, router debug).
    Exchanges of packets are in the order of their TCP streams. Raises
    InputError, which says what was found and what to try.
    """
    return Capture(sorted(iter_capture(source), key=lambda e: e.stream or 0))


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
        yield from read_octets(source.encode("utf-8", "surrogateescape"), "").exchanges
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
    if start.startswith(GZIP):
        file = Unpacked(file)  # type: ignore[assignment]
        start = file.read(4)
        file.seek(0)
    for fits, read in STREAMS:
        if fits(start):
            yield from read(file, name)
            return
    data = file.read(MAX_OCTETS + 1)
    if len(data) > MAX_OCTETS:
        advice = "cut it first (of a log: `grep -i operation=`)"
        raise InputError(f"this is larger than {MAX_OCTETS} octets and no capture of packets; {advice}")
    yield from read_octets(data, name).exchanges


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _looks_like_path(source: str) -> bool:
    """Whether a text was surely meant as a path, though there is no such file."""
    return len(source) < 256 and "://" not in source and "?" not in source and bool(re.search(r"\.\w{1,6}$", source))


def read_octets(data: bytes, name: str) -> Reading:
    """Read a file as a whole, of any of `FORMATS`; `name` becomes the source of each exchange.

    Claims of the reading are spans of the data as UTF-8 without a byte-order mark.
    Raises InputError, which says what was found and what to try.
    """
    for start, words in _OTHERS:
        if data.startswith(start):
            raise InputError(f"this is {words}")
    if not data.strip():
        raise InputError("there is nothing in it; give a capture, a URL, base64, PEM or DER")
    data = _as_utf8(data)
    for form in FORMATS:
        if form.fits(data):
            reading = form.read(data, name)
            if reading.exchanges:
                return reading
    raise InputError(_unknown(data))


def _as_utf8(data: bytes) -> bytes:
    if data[:2] in _UTF16:
        data = data.decode("utf-16", "replace").encode()  # as PowerShell's ">" writes
    return data.removeprefix(_UTF8_MARK)


def _unknown(data: bytes) -> str:
    words = data.decode("utf-8", "surrogateescape").strip()
    start = words[:16].encode("unicode_escape").decode("ascii")
    if re.match(r"\s*<(?:!doctype|html|\?xml)", words, re.IGNORECASE):
        found = "this is a web page or XML, without a SCEP request in it"
    elif b"\0" in data[:4096]:
        found = f"this is a binary file that starts with {data[:8].hex(' ')}"
    else:
        found = f"this is text that starts with {start!r}"
    return (
        f"{found}, and no format known here; "
        "give a pcap or pcapng file, HAR, HTTP, a URL, a message= value, base64, PEM, DER or a hex dump"
    )
