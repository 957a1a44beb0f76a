"""What a report says, section by section, whatever format it is written in.

Rule: plain text, escaped by the renderers (`markdown`, `html`). ChallengePasswords
are masked unless the analysis was made to show them; private keys and plaintexts
are never in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sceplab.analysis.analyse import Analysis
from sceplab.analysis.diagnose import Cause
from sceplab.analysis.faults.model import Finding, strongest_first
from sceplab.report.ladder import drawn, lay_out
from sceplab.report.text import outline, place
from sceplab.scep.conversation import DecodedExchange

TITLE = "SCEP enrollment"
NO_FAILURE = "No failure was seen."


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with a table, or with lines as they are; `empty` is said where there is neither."""

    title: str
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    lines: tuple[str, ...] = ()
    empty: str = ""


def ladder_section(decoded: Sequence[DecodedExchange]) -> Section:
    """Return who sent what to whom, in order, as a drawing in text."""
    return Section("Who sent what (times are UTC)", lines=tuple(drawn(lay_out(decoded))), empty="No exchanges.")


def findings_section(findings: Sequence[Finding]) -> Section:
    """Return broken rules as a table, strongest first."""
    rows = tuple(
        (f.fault.level.value, place(f.exchange, f.side), f.fault.rule, f.found, f.fault.section, f.fault.fix)
        for f in strongest_first(findings)
    )
    return Section("RFC violations", ("level", "where", "rule", "found", "section", "fix"), rows, empty="None found.")


def causes_section(causes: Sequence[Cause]) -> Section:
    """Return causes as a table, likeliest first."""
    rows = tuple(
        (c.likelihood.name.lower(), place(c.exchange), c.words, c.evidence, c.action, c.fault.section) for c in causes
    )
    head = ("likelihood", "where", "cause", "evidence", "what to do", "section")
    return Section("Why it failed", head, rows, empty=NO_FAILURE)


def sections(analysis: Analysis) -> Iterator[Section]:
    """Yield the sections of a report."""
    yield ladder_section(analysis.decoded)
    yield causes_section(analysis.causes)
    yield findings_section(analysis.findings)
    lines = outline(analysis.decoded, show_secrets=analysis.show_secrets)
    yield Section("Layer by layer", lines=tuple(lines))
