"""Read captures from a path, text or bytes; packets are read as a stream.

Rule: everything except packets is read by `forms`, which is imported when needed.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from sceplab.capture import packets, pcap
from sceplab.capture.compressed import GZIP, Unpacked
from sceplab.capture.reading import Capture
from sceplab.errors import InputError
from sceplab.scep.transport import Exchange
from sceplab.sources import Forward, open_source, reason

MAX_OCTETS = 1 << 28
"""Limit in bytes for files that are read as a whole; packet captures may have any size."""

# Formats of files of any size, known by their first four bytes, read piece by piece.
STREAMS: tuple[tuple[Callable[[bytes], bool], Callable[[Forward, str], Iterator[Exchange]]], ...] = (
    (packets.is_packets, pcap.read_pcap),
)
_PATH_LIKE = re.compile(r"[^\n\r\0]{1,4096}")
# It ends like a file's name, or begins like a path and has no character of base64's that paths hardly have.
_PATH_SURELY = re.compile(r"(?!.*(?:://|\?)).*\.\w{1,6}|(?=.{1,119}$)(?:/|~|\.\.?/)[\w./~-]*")


Source = str | bytes | Path | BinaryIO


def read_capture(source: Source) -> Capture:
    """Read a file (given by its path, or open), or text or bytes themselves.

    Formats: pcap and pcapng, also gzip'd; HAR; raw HTTP; a
    URL, a request line, access logs; the value of `message=`; base64; PEM; DER;
    hex dumps (plain, xxd, hexdump -C, tcpdump -X, Wireshark, router debug).
    Exchanges of packets are in the order of their TCP streams. Raises
    InputError, which says what was found and what to try.
    """
    found = _read(source)
    return (
        found if isinstance(found, Capture) else Capture(sorted(found, key=lambda e: e.stream or 0), forms=("packets",))
    )


def iter_capture(source: Source) -> Iterator[Exchange]:
    """Yield what `read_capture` returns, one by one.

    A packet capture is never in memory as a whole: each exchange is yielded when its
    reply is complete, which may differ from the order of the requests.
    """
    yield from _read(source)


def _read(source: Source) -> Capture | Iterator[Exchange]:
    """Return a capture, or the exchanges of a file of packets, which are read while they are asked for."""
    if isinstance(source, bytes):
        return _from_file(io.BytesIO(source), "")
    if isinstance(source, str) and not (_PATH_LIKE.fullmatch(source) and _exists(Path(source))):
        if _looks_like_path(source):
            raise InputError(f"{source} cannot be read: no such file")
        return _read_octets(source.encode("utf-8", "surrogateescape"), "")
    with ExitStack() as opened:
        if isinstance(source, (str, Path)):
            path = Path(source)
            file, what, name = opened.enter_context(open_source(path)), str(path), path.name
        else:
            file, what, name = source, "the input", ""
        try:
            found = _from_file(file, name)
        except OSError as error:
            raise InputError(f"{what} cannot be read: {reason(error)}") from error
        # A stream is read later: then its end closes the file.
        return found if isinstance(found, Capture) else _closing(found, opened.pop_all(), what)


def _closing(exchanges: Iterator[Exchange], opened: ExitStack, what: str) -> Iterator[Exchange]:
    with opened:
        try:
            yield from exchanges
        except OSError as error:
            raise InputError(f"{what} cannot be read: {reason(error)}") from error


def _from_file(file: BinaryIO, name: str) -> Capture | Iterator[Exchange]:
    source = Forward(file)
    if source.peek(2) == GZIP:
        source = Forward(Unpacked(source))
    start = source.peek(4)
    for fits, read in STREAMS:
        if fits(start):
            return read(source, name)
    data = source.read(MAX_OCTETS + 1)
    if len(data) > MAX_OCTETS:
        advice = "cut it first (of a log: `grep -i operation=`)"
        raise InputError(f"this is larger than {MAX_OCTETS} bytes and no capture of packets; {advice}")
    return _read_octets(data, name)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _looks_like_path(source: str) -> bool:
    """Whether a text was surely meant as a path, though there is no such file."""
    return len(source) < 256 and bool(_PATH_SURELY.fullmatch(source))


def _read_octets(data: bytes, name: str) -> Capture:
    from sceplab.capture.forms import read_octets

    return read_octets(data, name)
