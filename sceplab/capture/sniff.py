"""Which format is it? One table of signs, and the reader that goes with each.

Rule: a new format is one function in its module and one line in `read_octets`.
"""

from __future__ import annotations

import binascii
import re
import zlib
from pathlib import Path

from sceplab.capture import har, hexdump, pcap, text
from sceplab.capture.http import read_messages, reply_of, request_of
from sceplab.errors import InputError
from sceplab.transport import Exchange

MAX_OCTETS = 1 << 30
"""The largest file that is read, and the largest that a compressed one may become."""
_PATH_LIKE = re.compile(r"[^\n\r\0]{1,4096}")


def read_capture(source: str | bytes | Path) -> list[Exchange]:
    """Read a file (a path, or "-" is not special here), or the text or octets themselves.

    Formats: pcap and pcapng, also gzip'd; HAR; HTTP as it went over the wire; a
    URL, a request line, a log with them; the value of `message=`; base64; PEM;
    DER; hex dumps (plain, xxd, hexdump -C, tcpdump -X, Wireshark, router debug).
    Raises InputError, which says what was found and what to try.
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
    # 30 alone is the digit 0 as well, with which a hex dump may begin.
    if data[:1] == b"\x30" and b"operation=" not in data[:200] and not data[:64].isascii():
        return [text.message_alone(data, name)]
    if data.lstrip()[:1] == b"{":
        return har.read_har(data, name)
    if _HTTP_START.match(data) and b"\r\n" in data[:10_000]:
        return _read_http(data, name)
    dumped = _read_dumps(data, name)
    return dumped or text.read_text(data, name)


_HTTP_START = re.compile(rb"(?:GET|POST) [^\r\n]+ HTTP/1\.[01]\r\n|HTTP/1\.[01] \d\d\d")


def _read_http(data: bytes, name: str) -> list[Exchange]:
    """Read one request or one reply, as it went over the wire."""
    messages = read_messages([(data, 0.0)], requests=not data.startswith(b"HTTP/"))
    if not messages:
        raise InputError("this begins like an HTTP message, but cannot be read as one; give a capture of the packets")
    message = messages[0]
    if message.method:
        return [Exchange(request_of(message), None, source=name)]
    return [Exchange(None, reply_of(message), source=name)]


# signedData's OID stands this near to the beginning of a pkiMessage.
_SIGNED_DATA, _NEAR = bytes.fromhex("06092a864886f70d010702"), 20


def _read_dumps(data: bytes, name: str) -> list[Exchange]:
    """Read the hex dumps in a text: messages, HTTP, or packets of tcpdump and Wireshark."""
    found: list[Exchange] = []
    packets: list[tuple[float, bytes, int]] = []
    for octets in hexdump.read_hex(data.decode("latin-1")):
        if octets[:1] == b"\x30" and _SIGNED_DATA in octets[:_NEAR]:
            found.append(text.message_alone(octets, name))
        elif _HTTP_START.match(octets):
            found += _read_http(octets, name)
        elif octets[0] >> 4 in {4, 6} and octets[:1] != b"\x40":
            packets.append((0.0, octets, 101))
        elif len(octets) > 34:
            packets.append((0.0, octets, 1))
    # Wireshark adds what it reassembled to the packets: those alone have both sides.
    return pcap.read_packets(packets, name) or found


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
