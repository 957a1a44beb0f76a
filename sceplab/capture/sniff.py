"""Which format is it? One table of signs, and the reader that goes with each.

Rule: a new format is one function in its module and one line in `read_octets`.
"""

from __future__ import annotations

import binascii
import re
import zlib
from pathlib import Path

from sceplab.capture import pcap, text
from sceplab.errors import InputError
from sceplab.transport import Exchange

MAX_OCTETS = 1 << 30
"""The largest file that is read, and the largest that a compressed one may become."""
_PATH_LIKE = re.compile(r"[^\n\r\0]{1,4096}")


def read_capture(source: str | bytes | Path) -> list[Exchange]:
    """Read a file (a path, or "-" is not special here), or the text or octets themselves.

    Formats: pcap and pcapng, also gzip'd; a URL or an HTTP request line; the
    value of `message=`; base64; PEM; DER. Raises InputError, which says what
    was found and what to try.
    """
    if isinstance(source, bytes):
        return read_octets(source, "")
    if isinstance(source, str) and not (_PATH_LIKE.fullmatch(source) and _is_file(Path(source))):
        if _looks_like_path(source):
            raise InputError(f"{source} cannot be read: no such file")
        return read_octets(source.encode("utf-8", "surrogateescape"), "")
    path = Path(source)
    try:
        if path.stat().st_size > MAX_OCTETS:
            raise InputError(f"{path} is larger than {MAX_OCTETS} octets; cut it with `editcap -c` or a filter first")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    return read_octets(data, path.name)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _looks_like_path(source: str) -> bool:
    """Whether a text that is no file was surely meant as one (a URL is not)."""
    return len(source) < 256 and "://" not in source and "?" not in source and bool(re.search(r"\.\w{1,6}$", source))


def read_octets(data: bytes, name: str) -> list[Exchange]:
    """Read octets of any of the formats; `name` is kept as the source of each exchange."""
    if data[:2] == b"\x1f\x8b":
        data = gunzip(data)
    if pcap.is_pcap(data):
        return pcap.read_pcap(data, name)
    if data[:1] == b"\x30" and b"operation=" not in data[:200]:
        return [text.message_alone(data, name)]
    return text.read_text(data, name)


def gunzip(data: bytes, limit: int = MAX_OCTETS) -> bytes:
    """Decompress gzip data; raises InputError when it is damaged or grows past `limit`."""
    worker = zlib.decompressobj(wbits=31)
    try:
        out = worker.decompress(data, limit)
    except (zlib.error, binascii.Error) as error:
        raise InputError(f"the gzip data is damaged: {error}") from error
    if worker.unconsumed_tail:
        raise InputError(f"the gzip data is larger than {limit} octets when unpacked; unpack and cut it first")
    return out
