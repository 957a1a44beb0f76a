"""HTTP as text: off the wire, copied from a window, or printed by `curl -v`.

Rule: messages that follow one another are paired in their order. Time is linear in
the text: hostile lines have no end.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from sceplab.capture.http import HttpMessage, read_messages, reply_of, request_of
from sceplab.capture.reading import Reading, Span
from sceplab.errors import InputError, Layer, Problem
from sceplab.scep.transport import HTTP_TEXT, Exchange

_HTTP = re.compile(
    rb"^(?:[<>] ?)?(?:(?:GET|POST) [^\r\n ]+ HTTP/1\.[01]|HTTP/1\.[01] \d{3})(?=[\r\n ]|$)", re.MULTILINE
)
_HTTP_HERE = re.compile(rb"(?:GET|POST) [^\r\n ]+ HTTP/1\.[01]\r?\n|HTTP/1\.[01] \d{3}[\r\n ]")
_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,12})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_CURL = re.compile(rb"^[<>](?: |\r?$)", re.MULTILINE)


def fits(data: bytes) -> bool:
    """Whether data begins with an HTTP message, or with what `curl -v` prints before one."""
    if _HTTP.match(data):
        return True
    return data[:2] == b"* " and _CURL.search(data[:65536]) is not None and _HTTP.search(data[:65536]) is not None


def read(data: bytes, name: str) -> Reading:
    """Read requests and replies that follow one another. Raises InputError when none of them has a whole head."""
    whole = (0, len(data))
    marked = data[:2] in {b"* ", b"> ", b"< "}
    if marked:
        lines = (x for x in data.splitlines() if not x.startswith((b"* ", b"{ [", b"} [")))
        data = b"\n".join(x[1:].removeprefix(b" ") if x[:1] in {b"<", b">"} else x for x in lines)
    starts = list(_starts(data))
    out: list[Exchange] = []
    claims: list[Span] = []
    waiting: deque[int] = deque()
    for start, end in zip(starts, [*starts[1:], len(data)], strict=True):
        message = _one(data[start:end])
        if message is None:
            continue
        claims.append((start, end))
        problems = _whole(message)
        if message.method:
            waiting.append(len(out))
            out.append(Exchange(request_of(message), None, source=name, problems=problems, recorded=HTTP_TEXT))
        elif waiting:
            asked = out[waiting[0]]
            out[waiting.popleft()] = replace(asked, reply=reply_of(message), problems=(*asked.problems, *problems))
        else:
            out.append(Exchange(None, reply_of(message), source=name, problems=problems, recorded=HTTP_TEXT))
    if not out:
        raise InputError("this begins like an HTTP message, but cannot be read as one; give a capture of the packets")
    return Reading(out, (whole,) if marked else tuple(claims))


def _starts(data: bytes) -> Iterator[int]:
    """Yield where messages begin: right behind the last one where its length fits, else at a line's start."""
    found = _HTTP.search(data)
    while found is not None:
        at = found.start()
        yield at
        head = re.compile(rb"\r?\n\r?\n").search(data, at)
        if head is None:
            return
        length = _LENGTH.search(data, at, head.end())
        behind = head.end() + (int(length[1]) if length else 0)
        found = _HTTP_HERE.match(data, behind) or _HTTP.search(data, head.end())


def _one(data: bytes) -> HttpMessage | None:
    head, gap, body = data.partition(b"\r\n\r\n")
    if not gap or b"\n\n" in head:
        head, gap, body = data.partition(b"\n\n")  # a window's copy has no CR
        head = head.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    whole = head.rstrip(b"\r\n") + b"\r\n\r\n" + body
    found = read_messages([(whole, 0.0)], requests=not data.startswith(b"HTTP/"))
    return found[0] if found else None


def _whole(message: HttpMessage) -> tuple[Problem, ...]:
    if message.complete:
        return ()
    promised = message.promised
    found = f"{len(message.body)} octets of body" + (f" of {promised}" if promised is not None else "")
    advice = "Text that was copied loses octets: save the stream as a file (raw), or give the capture."
    return (Problem(Layer.CAPTURE, "incomplete", "the whole message", found, None, advice),)
