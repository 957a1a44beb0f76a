"""Output of `curl`: -v, --trace and --trace-ascii.

Rule: -v has marked headers and unmarked reply bodies, and no request bodies.
--trace has all bytes. Messages of curl itself are kept as words: they say why
a connection failed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from sceplab.capture.hexdump import read_hex
from sceplab.capture.http import HttpMessage, reply_of, request_of
from sceplab.capture.httptext import message_of, read, what_is_missing
from sceplab.capture.reading import Reading, Span
from sceplab.errors import InputError, Layer, Problem
from sceplab.scep.transport import HTTP_TEXT, Exchange

_HEAD = re.compile(rb"^(?:> (?:GET|POST|HEAD) [^\r\n]* HTTP/|< HTTP/\d)", re.MULTILINE)
_TRACE = re.compile(rb"^(?:[\d:.]{8,20} )?(=>|<=) (Send|Recv) (header|data)(?:, | \()[^\r\n]*\r?$", re.MULTILINE)
_OTHER = re.compile(
    rb"^(?:\* |== Info|[{}] \[\d+ bytes data\]|\s*% Total|\s*Dload|.*--:--:--|Note: Unnecessary|Warning: )"
)
# A body without a line end is followed directly by curl's next words.
_GLUED = re.compile(rb"\* (?:Connection #\d+ to host|Closing connection|Curl_http_done|TLSv1)[^\r\n]*")
# What is no running text: PEM, targets, octets in hex, in base64 or with escapes.
_EVIDENCE = re.compile(
    rb"-----BEGIN |operation=|\\x[0-9A-Fa-f]{2}\\x|[A-Za-z0-9+/_-]{60}|(?:[0-9A-Fa-f]{2}[ :-]{1,2}){7}|"
    rb"(?:[0-9A-Fa-f]{4} ){7}|MII|(?:(?:\(byte\) ?)?(?:0x[0-9A-Fa-f]{1,2}|-?\d{1,3})[,;]? ?){15}"
)
_COMMAND = re.compile(rb"^[^\r\n]{0,80}\bcurl(?:\.exe)? [^\r\n]*operation=[^\r\n]*", re.MULTILINE)
_HTTP_VERSION = re.compile(rb"HTTP/[23](?:\.0)?(?= |\r?$)")


@dataclass(slots=True)
class _Part:
    """One message: its head, the lines that may be its body, and where in the data they are."""

    asks: bool
    head: list[bytes] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    body: list[bytes] = field(default_factory=list)
    body_spans: list[Span] = field(default_factory=list)


def fits(data: bytes) -> bool:
    """Whether a text has lines with the marks of `curl -v`."""
    return _HEAD.search(data) is not None


def read_verbose(data: bytes, name: str) -> Reading:
    """Return the exchanges that `curl -v` printed."""
    exchanges: list[Exchange] = []
    # The command that printed it is no request of its own.
    spans: list[Span] = [found.span() for found in _COMMAND.finditer(data)]
    places: list[int] = []
    for part in _parts(data):
        lines = _lines_of_body(part)
        body = b"".join(part.body[:lines])[: _content_length(part)]
        message = message_of(_HTTP_VERSION.sub(b"HTTP/1.1", b"\r\n".join(part.head), count=1) + b"\r\n\r\n" + body)
        if message is None:
            continue
        spans += [*part.spans, *part.body_spans[:lines]]
        if part.asks:
            exchanges.append(_asked(message, name))
            places.append(part.spans[0][0])
        elif exchanges and exchanges[-1].reply is None:
            before = exchanges[-1]
            reply = reply_of(message)
            exchanges[-1] = replace(before, reply=reply, problems=(*before.problems, *what_is_missing(message)))
        else:
            exchanges.append(Exchange(None, reply_of(message), source=name, recorded=HTTP_TEXT))
            places.append(part.spans[0][0])
    return Reading(exchanges, tuple(sorted(spans)) if exchanges else (), tuple(places))


def _parts(data: bytes) -> Iterator[_Part]:
    """Yield the messages by their marks; lines without one are the body of the last reply."""
    part: _Part | None = None
    in_head = False
    end = 0
    for line in data.splitlines(keepends=True):
        start, end = end, end + len(line)
        mark = line[:1]
        head = _HEAD.match(line) is not None
        if head:
            if part is not None:
                yield part
            part, in_head = _Part(mark == b">"), True
        if part is None:
            continue
        if in_head and mark == (b">" if part.asks else b"<"):
            text = line[1:].removeprefix(b" ").rstrip(b"\r\n")
            in_head = bool(text.strip())
            if in_head:
                part.head.append(text)
            part.spans.append((start, end))
        elif _OTHER.match(line):
            if mark in {b"{", b"}"}:
                part.spans.append((start, end))
        elif not in_head and not part.asks:
            glued = _GLUED.search(line)
            stop = start + glued.start() if glued is not None else end
            if stop > start:
                part.body.append(line[: stop - start])
                part.body_spans.append((start, stop))
    if part is not None:
        yield part


def _content_length(part: _Part) -> int | None:
    for line in part.head:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit() and len(value) < 12:
            return int(value)
    return None


def _lines_of_body(part: _Part) -> int:
    """Return how many of the lines are the body: what stands below it belongs to other readers.

    Where no Content-Length says so, a page ends with its last tag, and another body before
    the blank line above what looks like a message in a form of its own.
    """
    length, taken = _content_length(part), 0
    blank: int | None = None
    for number, line in enumerate(part.body):
        if length is not None and taken >= length:
            return number
        taken += len(line)
        if length is not None:
            continue
        if b"</html>" in line.lower():
            return number + 1
        if not line.strip():
            blank = blank if blank is not None and not part.body[number - 1].strip() else number
        elif blank is not None and _EVIDENCE.search(line):
            return blank
    return len(part.body)


def _asked(message: HttpMessage, name: str) -> Exchange:
    problems: tuple[Problem, ...] = ()
    if message.method == "POST" and not message.body:
        found = "a POST, whose body `curl -v` does not print"
        advice = "Use `curl --trace FILE`, or capture the packets."
        problems = (Problem(Layer.CAPTURE, "not-logged", "the message", found, None, advice),)
    return Exchange(request_of(message), None, source=name, problems=problems, recorded=HTTP_TEXT)


# --------------------------------------------------------------- --trace and --trace-ascii

_ROW = re.compile(rb"^[0-9a-f]{4,8}: ?(.*)$")


def fits_trace(data: bytes) -> bool:
    """Whether a text has lines of `curl --trace`."""
    return _TRACE.search(data) is not None


def read_trace(data: bytes, name: str) -> Reading:
    """Return the exchanges in output of `curl --trace`; --trace-ascii has text only."""
    marks = list(_TRACE.finditer(data))
    messages: list[bytes] = []
    pieces: list[bytes] = []
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        rows = data[mark.end() : following.start() if following is not None else len(data)]
        octets = _octets(rows, header=mark[3] == b"header")
        if mark[3] == b"header" and octets.startswith((b"GET ", b"POST ", b"HEAD ", b"HTTP/")) and pieces:
            messages.append(b"".join(pieces))
            pieces = []
        pieces.append(octets)
    messages.append(b"".join(pieces))
    out: list[Exchange] = []
    for octets in messages:
        try:
            out += read(_HTTP_VERSION.sub(b"HTTP/1.1", octets, count=1), name).exchanges
        except InputError:
            continue
    exchanges = _paired(out)
    if not exchanges:
        return Reading([])
    claims = tuple((mark.start(), _last(data, mark.end())) for mark in marks)
    return Reading(exchanges, claims, (marks[0].start(),) * len(exchanges))


def _paired(found: list[Exchange]) -> list[Exchange]:
    out: list[Exchange] = []
    for exchange in found:
        before = out[-1] if out else None
        if exchange.request is None and before is not None and before.request is not None and before.reply is None:
            out[-1] = replace(before, reply=exchange.reply, problems=(*before.problems, *exchange.problems))
        else:
            out.append(exchange)
    return [e if e.request is None or e.request.body[:1] != b"0" else _without_text(e) for e in out]


def _without_text(exchange: Exchange) -> Exchange:
    """Remove a body of --trace-ascii, in which dots replace most bytes."""
    request = exchange.request
    if request is None or len(request.body) < 4 or request.body[1:2] >= b"\x80":
        return exchange
    found = "a body with dots for its bytes"
    problem = Problem(Layer.CAPTURE, "not-logged", "the message", found, None, "Use `curl --trace`, not --trace-ascii.")
    kept = tuple(p for p in exchange.problems if p.code != "incomplete")
    return replace(exchange, request=replace(request, body=b"", truncated=True), problems=(*kept, problem))


def _octets(rows: bytes, *, header: bool) -> bytes:
    """Return the bytes of a block: of a dump, or of lines of text whose line ends are left out."""
    dumps = read_hex(rows.decode("latin-1"), 1)
    if dumps and dumps[0].with_offsets:
        return bytes(dumps[0].octets)
    pieces = []
    for line in rows.splitlines():
        found = _ROW.match(line)
        if found is None:
            continue
        pieces.append(found[1] + (b"\r\n" if header else b""))
    return b"".join(pieces)


def _last(data: bytes, at: int) -> int:
    """Return the offset where the rows after the last mark end."""
    while at < len(data):
        stop = data.find(b"\n", at + 1)
        stop = len(data) if stop < 0 else stop
        line = data[at:stop].strip()
        if line and not _ROW.match(line):
            return at
        at = stop
    return at
