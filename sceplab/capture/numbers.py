"""Bytes as programs print them: lists of numbers, hex within a line, strings with escapes.

Java's signed bytes, Go's and Python's lists, Node's Buffer, NSData, C and C# arrays,
.NET's BitConverter, SQL; Python's b'..', Go's %q, C and shell strings.

Rule: text to bytes; `octets` detects what they are. Every pattern is possessive, so
that time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sceplab.capture.octets import Blob, read_blobs
from sceplab.capture.reading import Reading, Span

_DECIMAL = re.compile(r"(?<![\w.\-])-?\d{1,3}(?:(?:[,;]\s{0,24}|\s{1,24})-?\d{1,3}(?!\d)){15,}+")
_HEX_LIST = re.compile(
    r"(?:\(byte\) ?)?0x[0-9A-Fa-f]{1,2}(?:\s?[,;]\s{0,24}(?:\(byte\) ?)?0x[0-9A-Fa-f]{1,2}(?![0-9A-Fa-f])){15,}+"
)
# The first bytes of DER, "GET ", "POST" and "HTTP".
_STARTS = (
    r"30[ :-]?8[0-4]",
    r"47[ :-]?45[ :-]?54[ :-]?20",
    r"50[ :-]?4[Ff][ :-]?53[ :-]?54",
    r"48[ :-]?54[ :-]?54[ :-]?50",
)
_HEX = re.compile(rf"(?<![0-9A-WYZa-wyz])(?:{'|'.join(_STARTS)})(?:[ :-]?(?:\s{{1,24}})?[0-9A-Fa-f]{{2}}){{15,}}+")
_STRING = re.compile(
    r"""(["'])(?=(?:0|\\x30|\\060|\\u0030)\\(?:x8[0-4]|20[0-4]|u008[0-4])"""
    r"""|(?:GET|POST) [^ "']{1,65536} HTTP/|HTTP/1\.[01] \d)"""
)
# A string may be wrapped, but has no empty line: one that was cut off does not run into what stands below it.
_INSIDE = {
    "'": re.compile(r"(?:[^'\\\n]|\\.|\n(?![ \t\r]{0,80}\n))*+", re.DOTALL),
    '"': re.compile(r'(?:[^"\\\n]|\\.|\n(?![ \t\r]{0,80}\n))*+', re.DOTALL),
}
_NEXT_STRING = re.compile(r"\s{0,80}[+\\]?\s{0,80}[bB]?([\"'])")
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|u00[0-9A-Fa-f]{2}|[0-7]{1,3}|.)", re.DOTALL)
_SHORT = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b", "E": "\x1b"}
# The format in which Python's http.client prints headers of a reply.
_HEADER = re.compile(r"\s{0,4}header: ([^\n]{1,4000})(?=\n|$)")
_LARGEST_BYTE = 255


def fits(data: bytes) -> bool:  # noqa: ARG001 - as every format
    """Always true: only `read` can find such bytes."""
    return True


def read(data: bytes, name: str) -> Reading:
    """Return the exchanges in lists of numbers and in hex within lines."""
    text = data.decode("latin-1")
    return read_blobs(_apart([*_decimals(text), *_hex_lists(text), *_hex(text)]), name)


def read_strings(data: bytes, name: str) -> Reading:
    """Return the exchanges in strings with escapes."""
    return read_blobs(_strings(data.decode("latin-1")), name)


def _apart(blobs: list[Blob]) -> Iterator[Blob]:
    """Yield the blobs that do not overlap, in order."""
    end = 0
    for blob in sorted(blobs, key=lambda b: b.span):
        if blob.span[0] >= end:
            end = blob.span[1]
            yield blob


def _decimals(text: str) -> Iterator[Blob]:
    for found in _DECIMAL.finditer(text):
        numbers = [int(n) for n in re.findall(r"-?\d+", found[0])]
        if all(-128 <= n <= _LARGEST_BYTE for n in numbers):
            yield Blob(bytes(n & 0xFF for n in numbers), found.span())


def _hex_lists(text: str) -> Iterator[Blob]:
    for found in _HEX_LIST.finditer(text):
        yield Blob(bytes(int(n, 16) for n in re.findall(r"0x([0-9A-Fa-f]{1,2})", found[0])), found.span())


def _hex(text: str) -> Iterator[Blob]:
    for found in _HEX.finditer(text):
        yield Blob(bytes.fromhex(re.sub(r"[^0-9A-Fa-f]", "", found[0])), found.span())


def _strings(text: str) -> Iterator[Blob]:
    at = 0
    while (found := _STRING.search(text, at)) is not None:
        octets, span = _string(text, found.end(), found[1])
        at = span[1]
        octets = octets.replace(b"[\r][\n]", b"\r\n")  # as Apache's HttpClient logs
        if octets[:1] in b"GP" and not (b"\n" in octets and b"operation=" in octets):
            continue  # the request line of an access log
        if octets.startswith(b"HTTP/"):
            while (header := _HEADER.match(text, at)) is not None:
                octets += header[1].strip().encode("latin-1") + b"\r\n"
                at = header.end()
        yield Blob(octets, (found.start(), at))


def _string(text: str, start: int, quote: str) -> tuple[bytes, Span]:
    """Return the bytes of a string and of the strings joined to it, and their span."""
    pieces: list[str] = []
    at = start
    while True:
        found = _INSIDE[quote].match(text, at)
        assert found is not None  # noqa: S101 - it may be empty
        pieces.append(found[0])
        at = found.end() + (1 if found.end() < len(text) else 0)
        further = _NEXT_STRING.match(text, at)
        if further is None:
            break
        quote, at = further[1], further.end()
    return _ESCAPE.sub(_character, "".join(pieces)).encode("latin-1", "replace"), (start, at)


def _character(found: re.Match[str]) -> str:
    what = found[1]
    if what[0] in "xu" and len(what) > 1:
        return chr(int(what[1:], 16))
    if what[0] in "01234567":
        return chr(int(what, 8) & 0xFF)
    return "" if what == "\n" else _SHORT.get(what, what)
