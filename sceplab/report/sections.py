"""The content of a report by sections, independent of the format.

Rule: plain text, escaped by the renderers (`plain`, `markdown`, `html`). ChallengePasswords
are masked unless the analysis is set to show them; private keys and plaintexts are
never included.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sceplab.analysis.analyse import Analysis
from sceplab.analysis.faults.model import Finding, strongest_first
from sceplab.analysis.ranking import Cause
from sceplab.report.bounds import LISTED, cut, listed
from sceplab.report.ladder import drawn, lay_out
from sceplab.report.names import count, place
from sceplab.report.text import outline
from sceplab.report.verdict import first_causes, remaining_lines, subject_of, verdicts
from sceplab.scep.conversation import DecodedExchange

TITLE = "SCEP enrollment"
MANY = 5
"""With more enrollments than this, tables by cause and by client replace a sentence for each."""
_CLIENTS = 20
_EXAMPLES = 3
_LONGEST_NAME = 100
_FINDINGS = 100
_LINES = 1_500
"""Lines of "Layer by layer" in a report: about fifty exchanges."""


@dataclass(frozen=True, slots=True)
class Block:
    """A cause: its sentence with place and likelihood before it, and labelled lines below it."""

    where: str
    level: str
    words: str
    lines: tuple[tuple[str, str], ...]
    exchange: int | None = None

    @property
    def head(self) -> str:
        """The first line: "[2] certain: ..."."""
        return f"{self.where} {self.level}: {self.words}".lstrip()


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with sentences, a table, preformatted lines, or blocks; `empty` is the text if there is nothing."""

    title: str
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    lines: tuple[str, ...] = ()
    empty: str = ""
    sentences: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()


def ladder_section(decoded: Sequence[DecodedExchange]) -> Section:
    """Return the ladder diagram as text."""
    return Section("Who sent what (times are UTC)", lines=tuple(drawn(lay_out(decoded))), empty="No exchanges.")


def findings_section(findings: Sequence[Finding]) -> Section:
    """Return broken rules as a table, strongest first."""
    rows = tuple(
        (f.fault.level.value, place(f.exchange, f.side), f.fault.rule, cut(f.found), f.fault.section, f.fault.fix)
        for f in strongest_first(findings)[:_FINDINGS]
    )
    head = ("level", "where", "rule", "found", "section", "fix")
    left = _left_out(len(findings) - _FINDINGS, "more finding")
    return Section("RFC violations", head, rows, empty="None found.", sentences=left)


def _left_out(number: int, what: str) -> tuple[str, ...]:
    return (f"{count(number, what)} not listed.",) if number > 0 else ()


def input_section(analysis: Analysis) -> Section:
    """Return the name and the time span of the input."""
    sources = dict.fromkeys(d.exchange.source for d in analysis.decoded if d.exchange.source)
    times = [d.exchange.time for d in analysis.decoded if d.exchange.time is not None]
    out = [cut(f"File: {', '.join(sources)}")] if sources else []
    if times:
        first, last = (f"{time:%Y-%m-%d %H:%M:%S}" for time in (times[0], times[-1]))
        out.append(f"Time: {first}{f' to {last}' if last != first else ''} UTC")
    return Section("Input", sentences=(*out, count(len(analysis.decoded), "exchange")))


def verdict_section(analysis: Analysis, *, everything: bool = False) -> Section:
    """Return the ending of each enrollment, or counts of endings; then what was left out or not read."""
    said = verdicts(analysis)
    if len(said) > MANY and not everything:
        endings = Counter(e.ending.value for e in analysis.enrollments.found)
        said = [f"{count(len(said), 'enrollment')}: {', '.join(f'{n:,} {name}' for name, n in endings.most_common())}."]
    return Section("Outcome", sentences=(*map(cut, said), *remaining_lines(analysis)))


def tables(analysis: Analysis) -> Iterator[Section]:
    """Yield tables of many enrollments: by cause, and by client."""
    first = first_causes(analysis)
    found = analysis.enrollments.found
    by_cause: dict[str, list[int]] = {}
    clients: dict[str, Counter[str]] = {}
    for number, enrollment in enumerate(found):
        if number in first:
            by_cause.setdefault(first[number].words, []).append(number)
        clients.setdefault(enrollment.service.client or "(unknown)", Counter())[enrollment.ending.value] += 1
    rows = []
    for words, numbers in sorted(by_cause.items(), key=lambda pair: -len(pair[1])):
        examples = "; ".join(
            f"{subject_of(found[n], analysis.decoded)} {place(first[n].exchange)}".strip() for n in numbers[:_EXAMPLES]
        )
        rows.append((str(len(numbers)), cut(f"{words} For example: {examples}")))
    if rows:
        left = _left_out(len(rows) - LISTED, "more cause")
        yield Section("By cause", ("count", "cause"), tuple(rows[:LISTED]), sentences=left)
    most = sorted(clients.items(), key=lambda pair: -pair[1].total())
    lines = tuple(
        (
            cut(name, _LONGEST_NAME),
            str(endings.total()),
            ", ".join(f"{n:,} {ending}" for ending, n in endings.most_common()),
        )
        for name, endings in most[:_CLIENTS]
    )
    left = _left_out(len(most) - _CLIENTS, "more client")
    yield Section("By client", ("client", "enrollments", "outcome"), lines, sentences=left)


def causes_section(analysis: Analysis, *, everything: bool = False) -> Section:
    """Return the causes as blocks, likeliest first; for many enrollments one block for each first cause."""
    causes: Sequence[Cause] = analysis.causes
    if len(analysis.enrollments.found) > MANY and not everything:
        once: dict[str, Cause] = {}
        heads = {id(c) for c in first_causes(analysis).values()}
        for cause in causes:
            if id(cause) in heads:
                once.setdefault(cause.words, cause)
        causes = tuple(once.values())
    shown = causes if everything else causes[:LISTED]
    left = _left_out(len(causes) - len(shown), "more cause")
    return Section("Why it failed", empty="No cause was found.", sentences=left, blocks=tuple(map(block, shown)))


def block(cause: Cause) -> Block:
    """Return a cause with its evidence and fix."""
    section = f" ({cause.fault.section})" if cause.fault.section else ""
    caution = (("note", f"These words often mislead: {cause.misleading}"),) if cause.misleading else ()
    return Block(
        place(cause.exchange),
        cause.likelihood.name.lower(),
        cut(cause.words),
        (("seen", f"{cut(cause.evidence)}{section}"), *caution, ("do", cause.action)),
        cause.exchange,
    )


def diagnosis(analysis: Analysis, *, everything: bool = False) -> Iterator[Section]:
    """Yield the sections of `sceplab diagnose`: outcome, tables for many enrollments, causes."""
    yield verdict_section(analysis, everything=everything)
    if len(analysis.enrollments.found) > MANY and not everything:
        yield from tables(analysis)
    if analysis.causes:
        yield causes_section(analysis, everything=everything)


def sections(analysis: Analysis) -> Iterator[Section]:
    """Yield the sections of a report."""
    yield input_section(analysis)
    yield from diagnosis(analysis)
    yield ladder_section(analysis.decoded)
    yield findings_section(analysis.findings)
    lines = outline(analysis.decoded, show_secrets=analysis.show_secrets)
    yield Section("Layer by layer", lines=tuple(listed(lines, "lines: `sceplab decode` prints all", _LINES)))
