"""URLs and request targets with an operation= in a text of any kind: a mail, a browser, a log without a known form.

Rule: each is a GET; nothing is known of its reply. Time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sceplab.capture.reading import Reading, Span
from sceplab.scep.transport import LOG_LINE, Exchange, HttpRequest

_ENDS = re.compile(r"[\s\"'<>`|]")
_OPERATION = re.compile(r"[?&]operation=[a-z]", re.IGNORECASE)
_LONGEST_PATH, _LONGEST_TARGET = 4096, 1 << 20


_FURTHER = re.compile(r"[ \t>]*=?\r?\n[ \t>]*([A-Za-z0-9+/=%_-]+)(?=\s|$)")


def fits(data: bytes) -> bool:
    """Whether there is an operation= in a query."""
    return _OPERATION.search(data.decode("utf-8", "surrogateescape")) is not None


def read(data: bytes, name: str) -> Reading:
    """Return a GET for each target."""
    text = data.decode("utf-8", "surrogateescape").rstrip()
    targets = [(text[start:end], (start, end)) for start, end in _targets(text)]
    if len(targets) == 1:
        targets = [_rejoined(text, *targets[0])]
    exchanges = [Exchange(HttpRequest("GET", target), None, source=name, recorded=LOG_LINE) for target, _ in targets]
    return Reading(exchanges, tuple(_in_bytes(text, [span for _, span in targets])))


def _targets(text: str) -> Iterator[Span]:
    """Yield where the targets are, in characters."""
    last = 0
    for found in _OPERATION.finditer(text):
        at = found.start()
        if at < last:
            continue
        low = max(last, at - _LONGEST_PATH)
        start = max((m.end() + low for m in _ENDS.finditer(text[low:at])), default=low)
        end = _ENDS.search(text, at, at + _LONGEST_TARGET)
        last = end.start() if end else min(len(text), at + _LONGEST_TARGET)
        yield start, start + len(text[start:last].rstrip(").,;]}"))


def _rejoined(text: str, target: str, span: Span) -> tuple[str, Span]:
    """Join a URL that a mail program broke into lines."""
    if "message=" not in target.lower():
        return target, span
    start, at = span
    widths: list[int] = []
    while (line := _FURTHER.match(text, at)) is not None:
        # A short line is the last one, after lines of one width.
        if len(line[1]) < 16 and (len(widths) < 2 or widths[-1] != widths[-2] or len(line[1]) > widths[-1]):
            break
        target += line[1]
        widths.append(len(line[1]))
        at = line.end()
    return target, (start, at)


def _in_bytes(text: str, spans: list[Span]) -> Iterator[Span]:
    """Turn spans in characters, in their order, into spans in bytes."""
    characters = octets = 0
    for start, end in spans:
        first = octets + len(text[characters:start].encode("utf-8", "surrogateescape"))
        octets = first + len(text[start:end].encode("utf-8", "surrogateescape"))
        characters = end
        yield first, octets
