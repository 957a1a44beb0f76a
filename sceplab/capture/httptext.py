"""HTTP as text: raw, copied from a window, or headers among the lines of a log.

Rule: raw messages that follow one another are paired in order. In a log only
headers are read, and a body that clearly follows; `transcript` matches replies to
requests. Time is linear in the text, since hostile lines may be of any length.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from sceplab.capture.http import HttpMessage, read_messages, reply_of, request_of
from sceplab.capture.reading import Reading, Span
from sceplab.errors import InputError, Layer, Problem
from sceplab.scep.transport import HTTP_TEXT, Exchange, HttpReply, HttpRequest

_LINE = rb"(?:GET|POST) [^\r\n ]+ HTTP/1\.[01]|HTTP/1\.[01] \d{3}"
_HTTP = re.compile(rb"^(?:" + _LINE + rb")(?=[\r\n ]|$)", re.MULTILINE)
_HTTP_HERE = re.compile(rb"(?:GET|POST) [^\r\n ]+ HTTP/1\.[01]\r?\n|HTTP/1\.[01] \d{3}[\r\n ]")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,12})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)


def begins(data: bytes) -> bool:
    """Whether data begins with an HTTP message."""
    return _HTTP.match(data) is not None


def fits(data: bytes) -> bool:
    """Whether data begins with an HTTP message; empty lines may be before it."""
    return begins(data.lstrip(b"\r\n \t"))


def read(data: bytes, name: str) -> Reading:
    """Read requests and replies that follow one another. Raises InputError if none of them has complete headers."""
    starts = list(_starts(data))
    out: list[Exchange] = []
    claims: list[Span] = []
    places: list[int] = []
    waiting: deque[int] = deque()
    for start, end in pairwise([*starts, len(data)]):
        message = message_of(data[start:end])
        if message is None:
            continue
        message.body = _spelled(message.body)
        claims.append((start, _end(data, start, end, message)))
        problems = what_is_missing(message)
        if message.method:
            waiting.append(len(out))
            out.append(Exchange(request_of(message), None, source=name, problems=problems, recorded=HTTP_TEXT))
            places.append(start)
        elif waiting:
            asked = out[waiting[0]]
            out[waiting.popleft()] = replace(asked, reply=reply_of(message), problems=(*asked.problems, *problems))
        else:
            out.append(Exchange(None, reply_of(message), source=name, problems=problems, recorded=HTTP_TEXT))
            places.append(start)
    if not out:
        raise InputError("this begins like an HTTP message, but cannot be read as one; give a capture of the packets")
    return Reading(out, tuple(claims), tuple(places))


_HEX_BODY = re.compile(rb"\s*30[\s:]?8[0-4][0-9A-Fa-f\s:]{28,}+")


def _spelled(body: bytes) -> bytes:
    """Return the bytes of a body that was copied as hex."""
    if not _HEX_BODY.fullmatch(body):
        return body
    digits = body.translate(None, b" \t\r\n:\f\v")
    return bytes.fromhex(digits[: len(digits) // 2 * 2].decode("ascii"))


def _end(data: bytes, start: int, limit: int, message: HttpMessage) -> int:
    """Return the end of a message. Text after a request without a length, or after a complete body, is not included."""
    head = _HEAD_END.search(data, start, limit)
    if head is None:
        return limit
    if message.promised is not None and message.complete:
        return min(limit, head.end() + message.promised)
    return head.end() if message.method and not message.body else limit


def _starts(data: bytes) -> Iterator[int]:
    """Yield where messages begin: directly after the last one if its length fits, else at the start of a line."""
    found = _HTTP.search(data)
    while found is not None:
        at = found.start()
        yield at
        head = _HEAD_END.search(data, at)
        if head is None:
            return
        length = _LENGTH.search(data, at, head.end())
        behind = head.end() + (int(length[1]) if length else 0)
        found = _HTTP_HERE.match(data, behind) or _HTTP.search(data, head.end())


def message_of(data: bytes) -> HttpMessage | None:
    """Return the HTTP message in a text with any line ends; None if it has no start line."""
    head, gap, body = data.partition(b"\r\n\r\n")
    if not gap or b"\n\n" in head:
        head, gap, body = data.partition(b"\n\n")  # a window's copy has no CR
        head = head.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    whole = head.rstrip(b"\r\n") + b"\r\n\r\n" + body
    found = read_messages([(whole, 0.0)], requests=not data.startswith(b"HTTP/"))
    return found[0] if found else None


def what_is_missing(message: HttpMessage) -> tuple[Problem, ...]:
    """Return which parts of a message are missing from the text."""
    if message.complete:
        return ()
    promised = message.promised
    found = f"{len(message.body)} bytes of body" + (f" of {promised}" if promised is not None else "")
    advice = "Text that was copied loses bytes: save the stream as a file (raw), or give the capture."
    return (Problem(Layer.CAPTURE, "incomplete", "the whole message", found, None, advice),)


# --------------------------------------------------------------- heads among the lines of a log

# Not in quotes, as in an access log; words may be before it.
_REQUEST_LINE = re.compile(
    rb"(?:(?<=[\s>:\[])|(?<![^\n]))(GET|POST) ([^\s\"']{1,1048576}) HTTP/([12](?:\.\d)?)"
    rb"(?:\[\\r\]\[\\n\]|\\r\\n)?[\"']?[ \t]*\r?$",
    re.MULTILINE,
)
_STATUS_LINE = re.compile(
    rb"(?:(?<=[\s>:\[\"'])|(?<![^\n]))HTTP/([12](?:\.\d)?) ([1-5]\d\d)\b ?([^\r\n\"'\[\\]{0,200})"
    rb"(?:\[\\r\]\[\\n\]|\\r\\n)?[\"']?[ \t]*\r?$",
    re.MULTILINE,
)
_FIELD = re.compile(
    rb"(?i)(?:^|(?<=[\s>:|\"]))(host|user-agent|accept[a-z-]*|content-[a-z-]+|date|server|connection|cache-control|pragma|"
    rb"expires|last-modified|etag|location|www-authenticate|proxy-[a-z-]+|set-cookie|cookie|transfer-encoding|"
    rb"x-[a-z0-9-]+|via|age|allow|strict-transport-security|keep-alive|vary|upgrade|retry-after|referer|origin|warning|"
    rb"mime-version|persistent-auth|authorization): ?([^\r\n]{0,8000}?)(?:\[\\r\]\[\\n\]|\\r\\n)?[\"']?[ \t\r]*$"
)
_DIGITS = re.compile(rb"[\d\s]+")
_LONGEST_PREFIX = 300
_LARGEST_BODY = 1 << 16
_TIMED = re.compile(rb"^.{0,40}?\d\d:\d\d:\d\d|^[\w()-]{1,40}(?:\[\d+\])?: |^-----BEGIN |^\s*(?:[0-9A-Fa-f]{2} ?){8}")


def fits_heads(data: bytes) -> bool:
    """Whether a text has a request line or a status line."""
    return _REQUEST_LINE.search(data) is not None or _STATUS_LINE.search(data) is not None


def read_heads(data: bytes, name: str) -> Reading:
    """Return the HTTP headers among other lines, one exchange for each message."""
    found = sorted([*_REQUEST_LINE.finditer(data), *_STATUS_LINE.finditer(data)], key=lambda m: m.start())
    exchanges: list[Exchange] = []
    claims: list[Span] = []
    end = 0
    for line in found:
        if line.start() < end:
            continue
        headers, at = _fields(data, line)
        if line.re is _REQUEST_LINE:
            end = at
            claims.append((line.start(), end))
            if b"operation=" not in line[2].lower():
                exchanges.append(Exchange(None, None, source=name))  # not SCEP
                continue
            asked = HttpRequest(line[1].decode(), line[2].decode("latin-1"), headers, version=line[3].decode())
            exchanges.append(Exchange(asked, None, source=name, recorded=HTTP_TEXT))
            continue
        body, end = _body(data, at, headers, int(line[2]))
        claims.append((line.start(), end))
        reason = line[3].decode("latin-1").strip()
        # A log shows heads and leaves out bodies: one that is not there is not known to be empty.
        reply = HttpReply(int(line[2]), headers, body, reason, truncated=not body and not _says_empty(headers))
        exchanges.append(Exchange(None, reply, source=name, recorded=HTTP_TEXT))
    kept = [
        (e, claim) for e, claim in zip(exchanges, claims, strict=True) if e.request is not None or e.reply is not None
    ]
    return Reading([e for e, _ in kept], tuple(claims), tuple(claim[0] for _, claim in kept))


def _fields(data: bytes, first: re.Match[bytes]) -> tuple[tuple[tuple[str, str], ...], int]:
    """Return the headers after a start line, and where they end; each may have the same prefix as the start line."""
    start = data.rfind(b"\n", max(0, first.start() - _LONGEST_PREFIX), first.start()) + 1
    prefix = _DIGITS.sub(b"", data[start : first.start()])
    at = first.end()
    headers: list[tuple[str, str]] = []
    while at < len(data):
        stop = data.find(b"\n", at + 1)
        stop = len(data) if stop < 0 else stop
        line = data[at + 1 : stop]
        field = _FIELD.search(line[:8400])
        if field is None or _DIGITS.sub(b"", line[: field.start()][:_LONGEST_PREFIX]) not in {prefix, b""}:
            return tuple(headers), stop if not line.strip() and stop < len(data) else at
        headers.append((field[1].decode(), field[2].decode("latin-1").strip()))
        at = stop
    return tuple(headers), at


def _says_empty(headers: tuple[tuple[str, str], ...]) -> bool:
    return any(n.lower() == "content-length" and v.strip() == "0" for n, v in headers)


def _body(data: bytes, at: int, headers: tuple[tuple[str, str], ...], status: int) -> tuple[bytes, int]:
    """Return the words behind a head that are plainly its body, and where they end."""
    length = next(
        (int(v) for n, v in headers if n.lower() == "content-length" and re.fullmatch(r"[0-9]{1,15}", v)), None
    )
    start = at + 1
    rest = data[start : start + (_LARGEST_BODY if length is None else min(length, _LARGEST_BODY))]
    if not rest.strip() or not data[at : at + 1].isspace():
        return b"", at
    markup = rest.lstrip()[:1] in {b"<", b"{"}
    if not markup and (status < 400 or length is None):
        return b"", at
    kept = 0
    for line in rest.splitlines(keepends=True):
        if _TIMED.match(line) or (length is None and not line.strip()):
            break
        kept += len(line)
    if not markup and kept < len(rest):
        return b"", at
    return rest[:kept].rstrip(b"\r\n"), start + kept
