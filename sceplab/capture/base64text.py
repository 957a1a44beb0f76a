r"""Base64 inside other text: after a log's prefix, in JSON, XML, YAML or source, in links, with `\n` for line ends.

Rule: it begins like DER or HTTP in base64, and continues over line ends of any
spelling, or over spaces that were "+", until the structure is complete. Time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from sceplab.capture.octets import Blob, read_blobs
from sceplab.capture.reading import Reading
from sceplab.scep.transport import decode_message_value

# 30 80 .. 30 84 ("MI"), "POST ", "GET ", "HTTP/".
_START = re.compile(r"(?<![A-Za-z0-9+/_-])(?:MI[A-T]|UE9TVC|R0VUI|SFRUUC8)(?=[A-Za-z0-9+/_%-]{12})")
_PIECE = re.compile(r"[A-Za-z0-9+/_%=-]++")
_SPACED = re.compile(r"[A-Za-z0-9+/ ]++")
# Escaped line ends, and operators that join strings in source code.
_WRITTEN = re.compile(r"(?:\\r|\\n|\\u000[aAdD]|&#(?:10|13|x[aAdD]|x0[aAdD]);)+\s{0,80}")
_JOINED = re.compile(r"[\"'][ \t]{0,8}[,+.\\]?[ \t]{0,8}\r?\n[ \t]{0,80}[+.]?[ \t]{0,8}[\"']")
_BREAK = re.compile(r"[ \t\\]{0,8}\r?\n")
_LONGEST_LINE = 1 << 20
_SHORTEST_LINE = 16


def fits(data: bytes) -> bool:
    """Whether a text has base64 that begins like DER or HTTP."""
    return _START.search(data.decode("latin-1")) is not None


def read(data: bytes, name: str) -> Reading:
    """Return the exchanges in all base64 of a text."""
    return read_blobs(_blobs(data.decode("latin-1")), name)


def _blobs(text: str) -> Iterator[Blob]:
    at = 0
    while (found := _START.search(text, at)) is not None:
        letters, end = _gather(text, found.start())
        decoded = decode_message_value(letters)
        kept = tuple(
            p for p in decoded.problems if p.code not in {"line-breaks", "raw-plus", "no-padding", "url-alphabet"}
        )
        yield Blob(decoded.data, (found.start(), end), kept)
        at = end


def _gather(text: str, start: int) -> tuple[str, int]:
    """Return the base64 from `start` on without line ends, and the offset of its end."""
    pieces: list[str] = []
    size, end, width = 0, start, 0
    wanted: int | None = None
    at: int | None = start
    while at is not None:
        piece = _PIECE.match(text, at)
        if piece is None:
            break
        letters = _plain(piece[0])
        if wanted is None:
            wanted = _letters_of("".join(pieces) + letters)
        if wanted is not None and size + len(letters) >= wanted:
            # Complete; padding may follow.
            if "%" not in piece[0] and "=3D" not in piece[0]:
                rest = letters[wanted - size :]
                padding = len(rest) - len(rest.lstrip("="))
                letters, end = letters[: wanted - size] + rest[:padding], piece.start() + wanted - size + padding
            else:
                end = piece.end()
            pieces.append(letters)
            break
        if letters.endswith("=") and text[piece.end() : piece.end() + 2].startswith(("\n", "\r\n")):
            letters = letters[:-1]  # a soft line end of quoted-printable
        pieces.append(letters)
        size, end = size + len(letters), piece.end()
        width = width if len(pieces) == 2 else max(width, min(len(letters), 1 << 16)) if len(pieces) > 1 else 0
        at = _further(text, end, width, None if wanted is None else wanted - size)
        if at is None and wanted is not None and (spaced := _with_spaces(text, end, wanted - size)):
            pieces.append(spaced)
            end += len(spaced)
    return "".join(pieces), end


def _with_spaces(text: str, end: int, remaining: int) -> str:
    """Return the rest of a structure in which "+" became spaces, "" if what follows is no such rest."""
    rest = text[end : end + remaining]
    if not rest.startswith(" ") or len(rest) < remaining or _SPACED.fullmatch(rest) is None:
        return ""
    # Of 64 letters one is a "+"; words have a space after every few.
    if rest.count(" ") > remaining // 16 + 2:
        return ""
    behind = text[end + remaining : end + remaining + 3]
    return rest + behind[: len(behind) - len(behind.lstrip("="))]


def _plain(piece: str) -> str:
    letters = piece.replace("=3D", "=") if "=3D" in piece else piece
    return unquote(letters, "latin-1") if "%" in letters else letters


def _letters_of(letters: str) -> int | None:
    """Return how many base64 characters a structure has without padding, by its DER header; None if unknown."""
    if len(letters) < 12:
        return None
    head = decode_message_value(letters[:12]).data
    if head[0] != 0x30 or head[1] <= 0x80 or head[1] > 0x84:
        return None
    count = head[1] & 0x7F
    size = 2 + count + int.from_bytes(head[2 : 2 + count], "big")
    return -(-size * 4 // 3)


def _further(text: str, end: int, width: int, remaining: int | None) -> int | None:
    """Return the offset where base64 continues after a line end, None if it does not."""
    for form in (_WRITTEN, _JOINED):
        if (found := form.match(text, end)) is not None:
            return found.end()
    found = _BREAK.match(text, end)
    if found is None:
        return None
    stop = text.find("\n", found.end(), found.end() + _LONGEST_LINE)
    line = text[found.end() : stop if stop >= 0 else found.end() + _LONGEST_LINE].rstrip(" \t\r\"',\\>")
    words = line.split()
    if not words or _PIECE.fullmatch(words[-1]) is None:
        return None
    word = words[-1]
    # A line of base64, not of words, is as long as those before it, or as the rest of the structure.
    least = min(width or _SHORTEST_LINE, _SHORTEST_LINE, *([remaining] if remaining is not None else []))
    if len(word) < least or (len(words) > 1 and len(word) < _SHORTEST_LINE and remaining is None):
        return None
    return found.end() + len(line) - len(word)
