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

MAX_OCTETS = 1 << 28
"""Limit in bytes for files that are read as a whole; packet captures may have any size."""

# Formats that are read as a stream, known by their first four bytes.
STREAMS: tuple[tuple[Callable[[bytes], bool], Callable[[BinaryIO, str], Iterator[Exchange]]], ...] = (
    (packets.is_packets, pcap.read_pcap),
)
_PATH_LIKE = re.compile(r"[^\n\r\0]{1,4096}")


def read_capture(source: str | bytes | Path) -> Capture:
    """Read a capture from a file (given by its path), from text or from bytes.

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


def iter_capture(source: str | bytes | Path) -> Iterator[Exchange]:
    """Yield what `read_capture` returns, one by one.

    A packet capture is never in memory as a whole: each exchange is yielded when its
    reply is complete, which may differ from the order of the requests.
    """
    yield from _read(source)


def _read(source: str | bytes | Path) -> Capture | Iterator[Exchange]:
    """Return a capture, or an iterator that reads the exchanges of a packet capture."""
    if isinstance(source, bytes):
        return _from_file(io.BytesIO(source), "")
    if isinstance(source, str) and not (_PATH_LIKE.fullmatch(source) and _is_file(Path(source))):
        if _looks_like_path(source):
            raise InputError(f"{source} cannot be read: no such file")
        return _read_octets(source.encode("utf-8", "surrogateescape"), "")
    path = Path(source)
    with ExitStack() as opened:
        try:
            file = opened.enter_context(path.open("rb"))
            found = _from_file(file, path.name)
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}") from error
        # A stream is read later and closes the file at its end.
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
    return _read_octets(data, name)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _looks_like_path(source: str) -> bool:
    """Whether a text is certainly a path, although there is no such file."""
    return len(source) < 256 and "://" not in source and "?" not in source and bool(re.search(r"\.\w{1,6}$", source))


def _read_octets(data: bytes, name: str) -> Capture:
    from sceplab.capture.forms import read_octets

    return read_octets(data, name)
