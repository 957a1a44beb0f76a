"""Which format is it? The one table of formats, and the functions that walk it.

Rule: a new format is a module with `fits` and `read`, and one line in `WHOLE` or `PARTS`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from sceplab.capture import (
    alone,
    base64text,
    curl,
    har,
    hexdump,
    httptext,
    logs,
    numbers,
    packets,
    pcap,
    pem,
    target,
    tshark,
    value,
)
from sceplab.capture.compressed import GZIP, Unpacked
from sceplab.capture.reading import Capture, Format, Sheet, Span, Unread
from sceplab.capture.transcript import paired
from sceplab.capture.words import read_rest
from sceplab.errors import InputError
from sceplab.scep.transport import Exchange

MAX_OCTETS = 1 << 28
"""The largest file that is read as a whole; captures of packets may have any size."""

# Formats of a file as a whole: the first that fits and of which something is read is the only one.
WHOLE = (
    Format("DER or BER", alone.fits, alone.read),
    Format("HAR", har.fits, har.read),
    Format("packets as PDML", tshark.fits_pdml, tshark.read_pdml),
    Format("packets as JSON", tshark.fits_json, tshark.read_json),
    Format("HTTP as text", httptext.fits, httptext.read),
)
# Formats that a text may hold beside one another, the surest signs first: each is tried on what is still unclaimed.
PARTS = (
    Format("packets as text (tshark -V)", tshark.fits_text, tshark.read_text),
    Format("curl --trace", curl.fits_trace, curl.read_trace),
    Format("curl -v", curl.fits, curl.read_verbose),
    Format("access log", logs.fits, logs.read),
    Format("strings of a program", numbers.fits, numbers.read_strings),
    Format("hex dump", hexdump.fits, hexdump.read),
    Format("heads of HTTP", httptext.fits_heads, httptext.read_heads),
    Format("octets of a program", numbers.fits, numbers.read),
    Format("PEM", pem.fits, pem.read),
    Format("URL or request target", target.fits, target.read),
    Format("base64, or the value of message=", value.fits, value.read),
    Format("base64 in a text", base64text.fits, base64text.read),
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
    (b"mitmproxy", "a flow file of mitmproxy: export it as HAR (`mitmdump -nr FILE --set hardump=out.har`)"),
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
    found = _read(source)
    return (
        found if isinstance(found, Capture) else Capture(sorted(found, key=lambda e: e.stream or 0), forms=("packets",))
    )


def iter_capture(source: str | bytes | Path) -> Iterator[Exchange]:
    """Yield what `read_capture` returns, one by one.

    A file of packets is never in memory as a whole: each exchange comes when its
    reply is whole, which is not quite the order in which they began.
    """
    yield from _read(source)


def _read(source: str | bytes | Path) -> Capture | Iterator[Exchange]:
    """Return a capture, or the exchanges of a file of packets, which are read while they are asked for."""
    if isinstance(source, bytes):
        return _from_file(io.BytesIO(source), "")
    if isinstance(source, str) and not (_PATH_LIKE.fullmatch(source) and _is_file(Path(source))):
        if _looks_like_path(source):
            raise InputError(f"{source} cannot be read: no such file")
        return read_octets(source.encode("utf-8", "surrogateescape"), "")
    path = Path(source)
    with ExitStack() as opened:
        try:
            file = opened.enter_context(path.open("rb"))
            found = _from_file(file, path.name)
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}") from error
        # A stream is read later: then its end closes the file.
        return found if isinstance(found, Capture) else _closing(found, opened.pop_all(), path)


def _closing(exchanges: Iterator[Exchange], opened: ExitStack, path: Path) -> Iterator[Exchange]:
    with opened:
        try:
            yield from exchanges
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}") from error


def _from_file(file: BinaryIO, name: str) -> Capture | Iterator[Exchange]:
    start = file.read(4)
    file.seek(0)
    if start.startswith(GZIP):
        file = Unpacked(file)  # type: ignore[assignment]
        start = file.read(4)
        file.seek(0)
    for fits, read in STREAMS:
        if fits(start):
            return read(file, name)
    data = file.read(MAX_OCTETS + 1)
    if len(data) > MAX_OCTETS:
        advice = "cut it first (of a log: `grep -i operation=`)"
        raise InputError(f"this is larger than {MAX_OCTETS} octets and no capture of packets; {advice}")
    return read_octets(data, name)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _looks_like_path(source: str) -> bool:
    """Whether a text was surely meant as a path, though there is no such file."""
    return len(source) < 256 and "://" not in source and "?" not in source and bool(re.search(r"\.\w{1,6}$", source))


def read_octets(data: bytes, name: str) -> Capture:
    """Read a file as a whole, of any of the formats; `name` becomes the source of each exchange.

    Raises InputError, which says what was found and what to try, where there is neither
    an exchange nor a line of words that says something.
    """
    return read_text(data, name)[0]


def read_text(data: bytes, name: str) -> tuple[Capture, tuple[Span, ...]]:
    """Return what `read_octets` does, and the spans of the data (as UTF-8 without a byte-order mark) that were read."""
    for start, words in _OTHERS:
        if data.startswith(start):
            raise InputError(f"this is {words}")
    if not data.strip():
        raise InputError("there is nothing in it; give a capture, a URL, base64, PEM or DER")
    data = _as_utf8(data)
    sheet = Sheet(data)
    forms = _read_parts(sheet, name)
    left = read_rest(bytes(sheet.rest), name)
    sheet.found += left.answers
    sheet.found.sort(key=lambda pair: pair[0])
    exchanges, remarks = paired(sheet.with_lines())
    remarks = sorted([*sheet.remarks, *remarks, *left.remarks], key=lambda r: r.line or 0)
    unread = (*sheet.unread, *left.unread)
    if not exchanges and not remarks:
        raise InputError(sheet.error or _unknown(data, unread))
    return Capture(exchanges, tuple(remarks), unread, forms, tuple(sheet.notes)), tuple(sorted(sheet.claims))


def _read_parts(sheet: Sheet, name: str) -> tuple[str, ...]:
    """Try every format on what is still unclaimed; return the names of those that found something."""
    forms = []
    for form in (*WHOLE, *PARTS):
        data = bytes(sheet.rest)
        if form in WHOLE and sheet.claims:
            continue
        if not data.strip():
            break
        if form.fits(data):
            try:
                reading = form.read(data, name)
            except InputError as error:
                sheet.error = sheet.error or str(error)
                continue
            if sheet.take(reading):
                forms.append(form.name)
    return tuple(forms)


def _as_utf8(data: bytes) -> bytes:
    if data[:2] in _UTF16:
        data = data.decode("utf-16", "replace").encode()  # as PowerShell's ">" writes
    return data.removeprefix(_UTF8_MARK)


def _unknown(data: bytes, unread: tuple[Unread, ...]) -> str:
    words = data.decode("utf-8", "surrogateescape").strip()
    start = words[:16].encode("unicode_escape").decode("ascii")
    if re.match(r"\s*<(?:!doctype|html|\?xml)", words, re.IGNORECASE):
        found = "this is a web page or XML, without a SCEP request in it"
    elif b"\0" in data[:4096]:
        found = f"this is a binary file that starts with {data[:8].hex(' ')}"
    else:
        found = f"this is text that starts with {start!r}"
    if unread:
        return "; ".join(f"this holds {each}" for each in unread[:3])
    return (
        f"{found}, and no format known here; "
        "give a pcap or pcapng file, HAR, HTTP, a URL, a message= value, base64, PEM, DER or a hex dump"
    )
