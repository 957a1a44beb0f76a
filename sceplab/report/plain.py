"""A diagnosis as plain text, wrapped: for terminals, notebooks and logs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sceplab.analysis.analyse import Analysis
from sceplab.report.escape import visible
from sceplab.report.layout import WIDTH, columns, wrapped
from sceplab.report.sections import Section, diagnosis


class Line(NamedTuple):
    """A line, and the word in it that is coloured in a terminal ("" for none)."""

    text: str
    word: str = ""


def to_text(analysis: Analysis, *, width: int = WIDTH, everything: bool = False) -> str:
    """Return the verdict of each enrollment and the causes as text; `everything` lists each of many enrollments."""
    return "\n".join(line.text for line in section_lines(diagnosis(analysis, everything=everything), width))


def section_lines(sections: Iterable[Section], width: int = WIDTH) -> Iterator[Line]:
    """Yield sections as lines of at most `width` columns, without headings, a blank line around tables."""
    for section in sections:
        for sentence in section.sentences:
            yield from map(Line, wrapped(visible(sentence), width))
        if section.rows:
            rows = [tuple(map(visible, row)) for row in section.rows]
            yield Line("")
            yield from map(Line, columns(section.head, rows, width))
            yield Line("")
        yield from map(Line, map(visible, section.lines))
        for block in section.blocks:
            first, *rest = wrapped(visible(block.head), width)
            yield Line(first, block.level)
            yield from map(Line, rest)
            for label, text in block.lines:
                yield from map(Line, wrapped(visible(f"    {label + ':':5} {text}"), width))
