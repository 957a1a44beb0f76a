"""Ladder diagram of a conversation: lifelines, and messages as arrows between them.

Rule: exchanges become plain data, drawn as text by a report and as a picture by a
widget. One actor has one lifeline, even if it has several addresses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from sceplab.analysis.faults.model import Side
from sceplab.cms.verify import CheckName, Outcome
from sceplab.report.bounds import cut
from sceplab.report.escape import visible, without_passwords
from sceplab.report.names import kind_of
from sceplab.scep.attributes import PkiStatus
from sceplab.scep.capabilities import parse_caps
from sceplab.scep.conversation import DecodedExchange
from sceplab.scep.message import PkiMessage


class ArrowState(StrEnum):
    """The outcome of a message: `PLAIN` neither grants nor refuses."""

    PLAIN = "plain"
    GOOD = "good"
    FAILED = "failed"
    PENDING = "pending"
    MISSING = "missing"


SIGNS = {
    ArrowState.PLAIN: "",
    ArrowState.GOOD: "✓",
    ArrowState.FAILED: "✗",
    ArrowState.PENDING: "…",
    ArrowState.MISSING: "?",
}
"""Each state has a sign as well as a colour, for readers who cannot see colours."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """One message; `source` and `target` are numbers of lifelines, `exchange` counts from 0."""

    exchange: int
    side: Side
    source: int
    target: int
    label: str
    state: ArrowState = ArrowState.PLAIN
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class LadderDiagram:
    """The names of the lifelines from left to right, and the arrows from top to bottom."""

    lifelines: tuple[str, ...]
    arrows: tuple[Arrow, ...]


def lay_out(decoded: Sequence[DecodedExchange], names: Mapping[str, str] | None = None) -> LadderDiagram:
    """Return the ladder of a conversation.

    `names` gives endpoints ("127.0.0.1:8080") and hosts the label of their
    lifeline; endpoints of one label are one actor. Without a name a client is
    its host (its port changes all the time), a server its host and port, and a
    host that is the client of one and the server of another is one actor. From
    left to right: clients, actors that are both (an RA), servers. Arrows are in the
    order of their times, if known.
    """
    ends = _ends(decoded, names or {})
    asking = list(dict.fromkeys(a for a, _ in ends))
    asked = list(dict.fromkeys(b for _, b in ends))
    both = [a for a in asking if a in asked]
    lifelines = [
        *(a for a in asking if a not in both),
        *both,
        *(b for b in asked if b not in both),
    ]
    numbers = {label: i for i, label in enumerate(lifelines)}
    arrows = [
        arrow
        for index, (item, (client, server)) in enumerate(zip(decoded, ends, strict=True))
        for arrow in _arrows(index, item, numbers[client], numbers[server])
    ]
    return LadderDiagram(tuple(lifelines), tuple(_in_time(arrows)))


def without_times(ladder: LadderDiagram) -> LadderDiagram:
    """Return the ladder without times; its arrows keep their order."""
    return replace(ladder, arrows=tuple(replace(arrow, time=None) for arrow in ladder.arrows))


def _ends(decoded: Sequence[DecodedExchange], names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return (client, server) of each exchange by the labels of their lifelines."""
    hosts = [(_host(d.exchange.client), _host(d.exchange.server)) for d in decoded]
    # On one machine all actors have the same address, so it does not identify an actor.
    far = [(a, b) for a, b in hosts if a != b]
    both = {a for a, _ in far if a} & {b for _, b in far if b}
    out = []
    for item, (client_host, server_host) in zip(decoded, hosts, strict=True):
        client, server = item.exchange.client, item.exchange.server
        one = names.get(client) or names.get(client_host) or client_host or "client"
        two = names.get(server) or names.get(server_host)
        out.append((one, two or (server_host if server_host in both else server) or "server"))
    return out


def _host(endpoint: str) -> str:
    host, colon, port = endpoint.rpartition(":")
    return host if colon and port.isdigit() else endpoint


def _arrows(index: int, item: DecodedExchange, client: int, server: int) -> Iterator[Arrow]:
    exchange = item.exchange
    if exchange.request is not None:
        state = ArrowState.FAILED if _broken(item.request) else ArrowState.PLAIN
        yield Arrow(index, Side.REQUEST, client, server, _asked(item), state, exchange.time)
    if exchange.reply is not None:
        label, state = _answered(item)
        yield Arrow(index, Side.REPLY, server, client, label, state, exchange.answered)
    elif exchange.recorded.http and exchange.recorded.answers:
        yield Arrow(index, Side.REPLY, server, client, "no reply in the capture", ArrowState.MISSING)


def _asked(item: DecodedExchange) -> str:
    request, operation = item.exchange.request, item.operation
    method = request.method if request is not None else ""
    if item.request is not None:
        return f"{method} {kind_of(item.request)}"
    what = operation.operation if operation is not None else ""
    if not method and item.csr is not None:
        return "PKCS#10 alone"
    return (
        f"{method} {what or (without_passwords(request.target.partition('?')[0])[:40] if request is not None else '')}"
    )


def _answered(item: DecodedExchange) -> tuple[str, ArrowState]:
    reply, message = item.exchange.reply, item.reply
    assert reply is not None  # noqa: S101 - the caller looked
    if message is not None:
        attributes = message.attributes
        words = [kind_of(message)]
        if attributes.status is not None:
            words.append(attributes.status.name)
        if attributes.failure is not None:
            words.append(attributes.failure.name)
        if _broken(message):
            return f"{' '.join(words)}, changed or forged", ArrowState.FAILED
        states = {
            PkiStatus.FAILURE: ArrowState.FAILED,
            PkiStatus.PENDING: ArrowState.PENDING,
            PkiStatus.SUCCESS: ArrowState.GOOD,
        }
        return " ".join(words), states[attributes.status] if attributes.status is not None else ArrowState.PLAIN
    words = [f"HTTP {reply.status}"] if reply.status is not None else []
    if item.ca_certificates:
        words.append(_count(len(item.ca_certificates), "certificate"))
    elif not reply.body and not item.exchange.recorded.bodies:
        pass  # an access log says nothing about what was in it
    elif item.operation is not None and item.operation.operation == "GetCACaps" and reply.status == 200:
        words.append(_count(len(parse_caps(reply.body)), "capability", "capabilities"))
    elif reply.body:
        words.append(_count(len(reply.body), "byte"))
    return ", ".join(words), ArrowState.FAILED if (reply.status or 0) >= 400 else ArrowState.PLAIN


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _broken(message: PkiMessage | None) -> bool:
    """Whether the content or the signature of a message does not verify."""
    if message is None:
        return False
    return any(message.verification[name].outcome is Outcome.FAILED for name in (CheckName.DIGEST, CheckName.SIGNATURE))


def _in_time(arrows: Sequence[Arrow]) -> list[Arrow]:
    """Order arrows by time; one without a time stays after the one before it."""
    keyed: list[tuple[datetime | None, Arrow]] = []
    for arrow in arrows:
        moment = arrow.time or (keyed[-1][0] if keyed else None)
        keyed.append((moment, arrow))
    known = [m for m, _ in keyed if m is not None]
    # Times without a zone cannot be compared with those that have one.
    if len(known) < len(keyed) or len({m.tzinfo is None for m in known}) > 1:
        return list(arrows)
    return [a for _, a in sorted(keyed, key=lambda pair: pair[0])]  # type: ignore[arg-type,return-value]


def said(ladder: LadderDiagram, arrow: Arrow) -> str:
    """Return an arrow as a sentence: sender, receiver, message, outcome, time."""
    sign = SIGNS[arrow.state]
    when = f", {arrow.time:%H:%M:%S}" if arrow.time is not None else ""
    ends = f"{ladder.lifelines[arrow.source]} to {ladder.lifelines[arrow.target]}"
    return visible(cut(f"[{arrow.exchange}] {ends}: {sign + ' ' if sign else ''}{arrow.label}{when}"))


_WIDEST = 44
DRAWN = 200
"""Arrows that are drawn."""
_MOST_LIFELINES = 12
_LONGEST_NAME = 100


def drawn(ladder: LadderDiagram) -> Iterator[str]:
    """Yield the ladder as lines of text: names, lifelines, arrows with their labels, times at the left.

    Of a long one the beginning; a sentence for each arrow where there are too many lifelines to draw.
    """
    left_out = len(ladder.arrows) - DRAWN
    ladder = _beginning(ladder)
    if len(ladder.lifelines) > _MOST_LIFELINES:
        yield from (said(ladder, arrow) for arrow in ladder.arrows)
    else:
        yield from _drawn(ladder)
    if left_out > 0:
        yield f"... and {left_out:,} more messages"


def _beginning(ladder: LadderDiagram) -> LadderDiagram:
    """Return the first arrows, with their lifelines."""
    if len(ladder.arrows) <= DRAWN:
        return ladder
    arrows = ladder.arrows[:DRAWN]
    used = sorted({end for arrow in arrows for end in (arrow.source, arrow.target)})
    numbers = {old: new for new, old in enumerate(used)}
    arrows = tuple(replace(a, source=numbers[a.source], target=numbers[a.target]) for a in arrows)
    return LadderDiagram(tuple(ladder.lifelines[old] for old in used), arrows)


def _drawn(ladder: LadderDiagram) -> Iterator[str]:
    if not ladder.arrows:
        return
    names = [visible(cut(n, _LONGEST_NAME)) for n in ladder.lifelines]
    texts = [_text(a) for a in ladder.arrows]
    gaps = [max(len(a), len(b)) + 2 for a, b in pairwise(names)] or [len(names[0]) + 2]
    for arrow, text in zip(ladder.arrows, texts, strict=True):
        low, high = sorted((arrow.source, arrow.target))
        for gap in range(low, high):
            gaps[gap] = max(gaps[gap], -(-(min(len(text), _WIDEST) + 6) // (high - low)))
    timed = any(a.time is not None for a in ladder.arrows)
    left = (len("00:00:00.000") + 2 if timed else 0) + len(names[0]) // 2
    places = [left]
    for gap in gaps[: len(names) - 1]:
        places.append(places[-1] + gap)
    yield _at({p - len(n) // 2: n for p, n in zip(places, names, strict=True)})
    for arrow, text in zip(ladder.arrows, texts, strict=True):
        line = dict.fromkeys(places, "|")
        if arrow.time is not None:
            line[0] = f"{arrow.time:%H:%M:%S}.{arrow.time.microsecond // 1000:03}"
        low, high = sorted((places[arrow.source], places[arrow.target]))
        # Lifelines between the two continue under the arrow.
        line = {p: sign for p, sign in line.items() if not low < p < high}
        line[low + 1] = _drawn_arrow(text, high - low - 1, rightwards=arrow.source < arrow.target)
        yield _at(line)


def _drawn_arrow(text: str, room: int, *, rightwards: bool) -> str:
    if room < 0:
        return f" {text}"  # to itself
    shown = text if len(text) <= room - 4 else f"{text[: room - 7]}..."
    body = f" {shown} ".center(room - 1, "-")
    return body + ">" if rightwards else "<" + body


def _text(arrow: Arrow) -> str:
    sign = SIGNS[arrow.state]
    return visible(cut(f"{sign} {arrow.label}" if sign else arrow.label))


def _at(pieces: Mapping[int, str]) -> str:
    line = ""
    for place, piece in sorted(pieces.items()):
        line = line.ljust(place) + piece
    return line.rstrip()
