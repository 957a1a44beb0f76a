"""Exchanges as they pass: a line for each, and the verdict on an enrollment when it has ended.

Rule: no I/O, and a limit of memory: the last exchanges are enough for any one enrollment.
The words are those of the ladder and of `sceplab diagnose`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sceplab.analysis.analyse import Analysis, analyse
from sceplab.analysis.enrollments import Ending, Enrollment, Enrollments, ending_of, is_scep, service_of
from sceplab.analysis.faults.model import Side
from sceplab.report.escape import visible
from sceplab.report.ladder import SIGNS, Arrow, lay_out
from sceplab.report.layout import WIDTH
from sceplab.report.plain import Line, section_lines
from sceplab.report.sections import diagnosis
from sceplab.report.text import outline
from sceplab.scep.conversation import NO_MATERIALS, DecodedExchange, Materials, iter_decoded
from sceplab.scep.transport import Exchange

WINDOW = 300
"""How many exchanges are remembered."""
_WINDOW_SIZE = 20_000_000
_ENDED = frozenset({Ending.GRANTED, Ending.REFUSED, Ending.FAILED, Ending.NO_ANSWER})
_OPEN = frozenset({Ending.PENDING, Ending.NOT_SENT, Ending.NOT_RECORDED})


@dataclass(frozen=True, slots=True)
class _Passed:
    """An exchange, its number from 0, and its size in bytes."""

    number: int
    item: DecodedExchange
    size: int


class Follower:
    """Says what passes. `take` each exchange in the order in which they ended, then `end`."""

    def __init__(self, materials: Materials = NO_MATERIALS, *, layers: bool = False, width: int = WIDTH) -> None:
        """Begin; `layers` adds each message layer by layer, `width` is that of the lines in columns."""
        self._materials, self._layers, self._width = materials, layers, width
        self._next: deque[Exchange] = deque()
        self._decoded = iter_decoded(self._coming(), materials)
        self._window: deque[_Passed] = deque()
        self._size = self._count = 0

    def _coming(self) -> Iterator[Exchange]:
        while True:
            yield self._next.popleft()

    def take(self, exchange: Exchange) -> Iterator[Line]:
        """Yield the lines about one exchange, and about the enrollment that it ended."""
        self._next.append(exchange)
        passed = _Passed(self._count, next(self._decoded), _size(exchange))
        self._count += 1
        self._window.append(passed)
        self._size += passed.size
        while len(self._window) > 1 and (len(self._window) > WINDOW or self._size > _WINDOW_SIZE):
            self._size -= self._window.popleft().size
        yield Line(_line(passed))
        if self._layers:
            # Without its heading: the number would always be 0.
            yield from map(Line, list(outline([passed.item]))[1:])
        if _ends(passed.item):
            numbers, analysis = self._analysis(passed.item)
            place = len(numbers) - 1
            found = next((e for e in analysis.enrollments.found if place in e.exchanges), None)
            if found is not None:
                yield from self._verdict(analysis, found, numbers)
                if found.ending is Ending.GRANTED:
                    # What comes with the same key and transactionID is another enrollment.
                    done = {numbers[step] for step in found.steps}
                    self._window = deque(p for p in self._window if p.number not in done)
                    self._size = sum(p.size for p in self._window)

    def end(self) -> Iterator[Line]:
        """Yield the verdicts on what is not finished: pending requests, and those who never sent one."""
        services = dict.fromkeys(service_of(p.item) for p in self._window if is_scep(p.item))
        for client, server in dict.fromkeys((s.client, s.server) for s in services):
            last = next(
                p.item
                for p in reversed(self._window)
                if (service_of(p.item).client, service_of(p.item).server) == (client, server)
            )
            numbers, analysis = self._analysis(last)
            for enrollment in analysis.enrollments.found:
                final = enrollment.last
                if enrollment.ending in _OPEN and not (final is not None and _ends(analysis.decoded[final])):
                    yield from self._verdict(analysis, enrollment, numbers)

    def _analysis(self, item: DecodedExchange) -> tuple[list[int], Analysis]:
        """Return the analysis of all that one client and one server exchanged, and the numbers of the exchanges."""
        wanted = service_of(item)
        mine = [
            p for p in self._window if (s := service_of(p.item)).client == wanted.client and s.server == wanted.server
        ]
        return [p.number for p in mine], analyse([p.item for p in mine], self._materials)

    def _verdict(self, analysis: Analysis, enrollment: Enrollment, numbers: list[int]) -> Iterator[Line]:
        """Yield what `sceplab diagnose` says of one enrollment, with the numbers of the exchanges as they passed."""
        which = analysis.enrollments.found.index(enrollment)
        causes = tuple(
            replace(c, enrollment=0, exchange=numbers[c.exchange] if c.exchange is not None else None)
            for c in analysis.causes
            if c.enrollment == which
        )
        alone = replace(
            analysis, enrollments=Enrollments((enrollment,)), causes=causes, remarks=(), unread=(), notes=()
        )
        for line in section_lines(diagnosis(alone), self._width - len(_INDENT)):
            yield Line(f"{_INDENT}{line.text}", line.word)


_INDENT = "    "


def _size(exchange: Exchange) -> int:
    """Return about how many bytes of memory an exchange takes, decoded."""
    sides = (exchange.request, exchange.reply)
    size = sum(len(s.body) + sum(len(n) + len(v) for n, v in s.headers) for s in sides if s is not None)
    return size + (len(exchange.request.target) if exchange.request is not None else 0)


def _ends(item: DecodedExchange) -> bool:
    """Whether an exchange ends an enrollment, well or badly: also where the CA's certificates were not to be had."""
    name = item.operation.operation if item.operation is not None else ""
    if item.request is not None or item.reply is not None or name == "PKIOperation":
        return ending_of(item) in _ENDED
    reply = item.exchange.reply
    if name not in {"GetCACert", "GetNextCACert"}:
        return False
    return reply is None or reply.status != 200 or not item.ca_certificates


def _line(passed: _Passed) -> str:
    """Return an exchange as a line: number, time, client, what it asked, what it got."""
    ladder = lay_out([passed.item])
    asked = _words(next((a for a in ladder.arrows if a.side is Side.REQUEST), None)) or "(no request)"
    answered = _words(next((a for a in ladder.arrows if a.side is Side.REPLY), None))
    time = passed.item.exchange.time
    when = f"{time:%H:%M:%S} " if time is not None else ""
    client = passed.item.exchange.client.rpartition(":")[0]
    return visible(f"[{passed.number}] {when}{client}: {asked} -> {answered or 'no reply'}")


def _words(arrow: Arrow | None) -> str:
    if arrow is None:
        return ""
    sign = SIGNS[arrow.state]
    return f"{sign} {arrow.label}" if sign else arrow.label
