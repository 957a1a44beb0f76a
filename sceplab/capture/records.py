"""Lines of words, where those that belong together are put together: an event of Windows, an error of Apple.

Rule: what is printed as `Name: value` below one another, or as XML, is one record when an
event number or an error code is among its names. An exception with its stack trace
is one record (`traces`); every other line is a record of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sceplab.capture.traces import Trace, may_follow

LONGEST = 8000
"""Characters of a record."""
_MOST_LINES = 60
_NAMES = (
    *("log name", "source", "providername", "provider", "date", "date and time", "event id", "eventid", "id"),
    *("instanceid", "task category", "taskcategory", "category", "level", "leveldisplayname", "keywords", "user"),
    *("computer", "machinename", "timecreated", "timegenerated", "description", "message", "entrytype", "index"),
    *("protokollname", "quelle", "datum", "ereignis-id", "ebene", "beschreibung", "aufgabenkategorie", "benutzer"),
    *("nom du journal", "id de l'événement", "niveau", "nombre de registro", "origen", "id. del evento", "nivel"),
    *(
        "descripción",
        "schlüsselwörter",
        "opcode",
        "logname",
        "recordid",
        "processid",
        "threadid",
        "replacementstrings",
        "event type",
        "eventtype",
    ),
    *("desc", "us desc", "sugg", "us sugg", "domain", "code", "type", "params", "event source", "event category"),
)
_ANY_NAME = "|".join(sorted(map(re.escape, _NAMES), key=len, reverse=True))
_NAME = re.compile(rf"\s{{0,8}}({_ANY_NAME})\s{{0,20}}:(?!//)\s{{0,20}}(.{{0,80}})", re.IGNORECASE)
_NUMBERS = frozenset(
    {"ereignis-id", "id de l'événement", "id. del evento", "event id", "eventid", "id", "instanceid", "code"}
)
_GOES_ON = frozenset({"description", "message", "beschreibung", "descripción"})
_XML = re.compile(r"<Event(?:>|\s)")
_XML_START, _XML_END = "<Event", "</Event>"


@dataclass(frozen=True, slots=True)
class Record:
    """Words that belong together: the number and place of their first line, and the lines."""

    number: int
    start: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines as one."""
        return " ".join(line.strip() for line in self.lines)[:LONGEST] if len(self.lines) > 1 else self.lines[0]


Line = tuple[int, int, str]


def records_of(lines: Iterator[Line]) -> Iterator[Record]:
    """Put lines (number, place, text; none of them empty) together into records, in their order."""
    last: Record | None = None
    trace: Trace | None = None
    for record in _blocks(lines):
        if last is not None:
            if len(record.lines) == 1 and (trace is not None or may_follow(last.text, record.text)):
                trace = trace or Trace(last.text)
                if trace.takes(record.text):
                    continue
            yield _with(trace, last)
        last, trace = record, None
    if last is not None:
        yield _with(trace, last)


def _with(trace: Trace | None, record: Record) -> Record:
    if trace is None or trace.lines == 1:
        return record
    return Record(record.number, record.start, (trace.text[:LONGEST],))


def _blocks(lines: Iterator[Line]) -> Iterator[Record]:
    """Put the lines of an event or an error together."""
    block: list[Line] = []
    names: set[str] = set()
    xml = False
    open_end = False
    for line in lines:
        number, _, text = line
        named = _NAME.match(text)
        name = named[1].lower() if named is not None else ""
        follows = bool(block) and number == block[-1][0] + 1 and len(block) < _MOST_LINES
        if xml and len(block) < _MOST_LINES:
            block.append(line)
            if _XML_END in text:
                yield _one(block)
                block, xml = [], False
            continue
        goes_on = (follows or (open_end and len(block) < _MOST_LINES)) and name not in names
        if block and not goes_on:
            yield from _several(block, names)
            block, names = [], set()
        xml = _XML_START in text and _XML.search(text) is not None and _XML_END not in text
        if xml and block:
            yield from _several(block, names)
            block, names = [], set()
        if name or block or xml:
            block.append(line)
            names |= {name} - {""}
            open_end = named is not None and name in _GOES_ON and not named[2].strip()
        else:
            yield _one([line])
    if block:
        yield from [_one(block)] if xml else _several(block, names)


def _one(block: list[Line]) -> Record:
    return Record(block[0][0], block[0][1], tuple(text for _, _, text in block))


def _several(block: list[Line], names: set[str]) -> Iterator[Record]:
    if len(names) > 1 and names & _NUMBERS:
        yield _one(block)
    else:
        for line in block:
            yield _one([line])
