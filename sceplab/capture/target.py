"""URLs and request targets with an operation= in any text: a mail, a browser, a log of unknown format.

Rule: each is a GET, unless the word before it is POST; its line may contain the
status of its reply ("Received '403 Forbidden' when sending ... to URL"). Time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sceplab.capture.alone import size_of
from sceplab.capture.reading import Reading, Span
from sceplab.errors import Layer, Problem
from sceplab.masking import overhang, without_secrets
from sceplab.scep.transport import (
    LOG_LINE,
    Exchange,
    HttpReply,
    HttpRequest,
    Remark,
    decode_message_value,
    parse_request,
)

_ENDS = re.compile(r"[\s\"'<>`|\\]")
_OPERATION = re.compile(r"[?&]operation=[a-z]", re.IGNORECASE)
_LONGEST_PATH, _LONGEST_TARGET = 4096, 1 << 20
# How many characters before and after a URL are searched for a status.
_NEAR = 400
_LETTERS_OF_SCHEME = "HTPShtps"
_USER = re.compile(r"://[^\s/?#@:]*:[^\s@]*")
_FURTHER = re.compile(r"[ \t>]*=?\r?\n[ \t>]*([A-Za-z0-9+/=%_-]+)(?=[\"']?(?:\s|$))")
_STATUS = (
    re.compile(r"'([1-5]\d\d) ([A-Za-z][A-Za-z .-]{0,60})'"),
    re.compile(r"\b([1-5]\d\d) (?:Client|Server) Error: ([A-Za-z][A-Za-z .-]{0,60}?)(?= for url|\s*$)"),
    re.compile(r"\bHTTP(?:/[\d.]+)?[ :]{1,3}([1-5]\d\d)\b(?: ([A-Z][A-Za-z]+(?: [A-Z][A-Za-z]+){0,3}))?"),
    re.compile(
        r"\b(?:status(?:[ _-]?code)?|response(?:[ _-]?code)?|returned|error|code|got|received)"
        r"[\"']?[ :=(]{1,3}[\"']?([1-5]\d\d)\b(?: ([A-Z][A-Za-z]+(?: [A-Z][A-Za-z]+){0,3}))?",
        re.IGNORECASE,
    ),
)
# An escape broken by a line end.
_HALF = re.compile(r"%[0-9A-Fa-f]?$")
_POST = re.compile(r"\bPOST\b[^\w/]{0,8}$")
# Possessive: else many dots that are not at the end take a time that doubles with each.
_ELLIPSIS = re.compile(r"(?:\.{3,}+|\u2026|\[\u2026\]|\[\.{3}\])++$")
_LONGEST_ELLIPSIS = 64


def fits(data: bytes) -> bool:
    """Whether a text has an operation= in a query."""
    return _OPERATION.search(data.decode("utf-8", "surrogateescape")) is not None


def read(data: bytes, name: str) -> Reading:
    """Return an exchange for each target."""
    text = data.decode("utf-8", "surrogateescape").rstrip()
    exchanges: list[Exchange] = []
    spans: list[Span] = []
    notes: list[Problem] = []
    end = 0
    for start, stop in _targets(text):
        if start < end:
            continue  # a line that was joined to the one before
        end, target = _rejoined(text, start, stop)
        if end > stop:
            notes.append(joined())
        end += overhang(target, text[end : end + _NEAR])
        spans.append((start, end))
        exchanges.append(_exchange(text, target, (start, end), name))
    in_bytes = tuple(_in_bytes(text, spans))
    return Reading(exchanges, in_bytes, tuple(first for first, _ in in_bytes), notes=tuple(notes))


def joined() -> Problem:
    """Return the note that a URL was joined from several lines."""
    return Problem(Layer.CAPTURE, "joined", "a URL on one line", "line breaks inside it", None, "They were taken out.")


def _targets(text: str) -> Iterator[Span]:
    """Yield the spans of the targets, in characters."""
    last = 0
    for found in _OPERATION.finditer(text):
        at = found.start()
        if at < last:
            continue
        low = max(last, at - _LONGEST_PATH)
        start = max((m.end() + low for m in _ENDS.finditer(text[low:at])), default=low)
        start = _with_user(text, low, start, at)
        end = _ENDS.search(text, at, at + _LONGEST_TARGET)
        last = end.start() if end else min(len(text), at + _LONGEST_TARGET)
        while text[start:last].startswith(("(", "[", "{")):
            start += 1
        target = text[start:last].rstrip(");,]}")
        yield start, start + len(target if _ellipsis(target) else target.rstrip("."))


def _with_user(text: str, low: int, start: int, at: int) -> int:
    """Return where a URL begins whose user has a password with a quotation mark, in front of which `start` is."""
    scheme = text.rfind("://", low, start)
    if scheme < 0 or text.find("@", start, at) < 0 or _USER.fullmatch(text, scheme, start) is None:
        return start
    letters = text[max(low, scheme - 8) : scheme]
    return scheme - len(letters) + len(letters.rstrip(_LETTERS_OF_SCHEME))


def _rejoined(text: str, start: int, stop: int) -> tuple[int, str]:
    """Join a URL that a mail program or a window broke into lines; returns its end and the text."""
    target = text[start:stop]
    if "message=" not in target or "operation=pkioperation" not in target.lower():
        return stop, target
    at = stop
    widths: list[int] = []
    pieces = [target]
    wanted, size = _letters_of(target)
    while (line := _FURTHER.match(text, at)) is not None:
        if wanted is not None and size >= wanted and not _HALF.search(pieces[-1][-2:]):
            break
        # A short line is the last one, after lines of one width.
        if len(line[1]) < 16 and (len(widths) < 2 or widths[-1] != widths[-2] or len(line[1]) > widths[-1]):
            break
        pieces.append(line[1])
        size += len(line[1].replace("%2B", "+").replace("%2F", "/").replace("%3D", "=").replace("%0A", ""))
        widths.append(len(line[1]))
        at = line.end()
        if wanted is None and len(pieces) == 2:
            wanted, size = _letters_of("".join(pieces))
    return at, "".join(pieces)


def _letters_of(target: str) -> tuple[int | None, int]:
    """Return how many base64 characters a message has by its DER header (None: unknown), and how many are there."""
    value = target[target.lower().find("message=") + 8 :]
    data = decode_message_value(value).data
    size = size_of(data)
    return (None if size is None else -(-size * 4 // 3)), -(-len(data) * 4 // 3)


def _exchange(text: str, target: str, span: Span, name: str) -> Exchange:
    start, end = span
    first = max(text.rfind("\n", max(0, start - _NEAR), start) + 1, start - _NEAR, 0)
    last = text.find("\n", end, end + _NEAR)
    before, behind = text[first:start], text[end : last if last >= 0 else end + _NEAR]
    method = "POST" if _POST.search(before) else "GET"
    reply = None
    for form in _STATUS:
        found = form.search(before) or form.search(behind)
        if found is not None:
            reply = HttpReply(int(found[1]), reason=(found[2] or "").strip(), truncated=True)
            break
    server = ""
    target, problems = without_ellipsis(target)
    if method == "POST":
        problems = (*problems, not_logged())
    elif not problems and before.strip(" \t\"'<>(") and not behind.strip() and is_cut(target):
        advice = "Let it log longer lines, or capture the packets."
        found_words = "a URL that ends in the middle of its message, at the end of a log's line"
        problems = (Problem(Layer.CAPTURE, "cut-short", "the whole URL", found_words, None, advice),)
    if "://" in target:
        server = target.partition("://")[2].partition("/")[0].rpartition("@")[2]
    words = without_secrets(f"{before}URL{behind}").strip()
    remarks = (Remark(words, "", text.count("\n", 0, start) + 1),) if reply is not None and words != "URL" else ()
    return Exchange(
        HttpRequest(method, target),
        reply,
        server=server,
        source=name,
        problems=problems,
        recorded=LOG_LINE,
        remarks=remarks,
    )


def is_cut(target: str) -> bool:
    """Whether the message in a target is shorter than its DER header says."""
    if "message=" not in target:
        return False
    asked = parse_request(HttpRequest("GET", target))
    size = size_of(asked.message or b"")
    return size is not None and size > len(asked.message or b"")


def not_logged() -> Problem:
    """Return the problem that a POST was seen without its body."""
    return Problem(Layer.CAPTURE, "not-logged", "the message", "a POST, whose body no log has", None, "Capture it.")


def without_ellipsis(target: str) -> tuple[str, tuple[Problem, ...]]:
    """Take off the dots that a log put in place of the rest of a target, and say so."""
    found = _ellipsis(target)
    if found is None:
        return target, ()
    rest = target[: found.start()].rstrip(".\u2026")
    code = "not-logged" if rest.endswith("=") or "message=" not in rest else "cut-short"
    advice = "The log shortened it, not the wire: let it log whole URLs, or capture the packets."
    return rest, (Problem(Layer.CAPTURE, code, "the whole URL", f"a URL that ends in {found[0]!r}", None, advice),)


def _ellipsis(target: str) -> re.Match[str] | None:
    return _ELLIPSIS.search(target, max(0, len(target) - _LONGEST_ELLIPSIS))


def _in_bytes(text: str, spans: list[Span]) -> Iterator[Span]:
    """Convert spans in characters, in order, to spans in bytes."""
    characters = octets = 0
    for start, end in spans:
        first = octets + len(text[characters:start].encode("utf-8", "surrogateescape"))
        octets = first + len(text[start:end].encode("utf-8", "surrogateescape"))
        characters = end
        yield first, octets
