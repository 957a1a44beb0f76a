"""The report as Markdown, for a ticket."""

from __future__ import annotations

import re

from sceplab import __version__
from sceplab.analysis.analyse import Analysis
from sceplab.report.escape import marked, paragraph, visible
from sceplab.report.sections import TITLE, sections


def to_markdown(analysis: Analysis) -> str:
    """Return the report as Markdown."""
    out = [f"# {TITLE}", "", f"Made by sceplab {__version__}.", ""]
    for section in sections(analysis):
        out += [f"## {section.title}", ""]
        for sentence in section.sentences:
            out += [paragraph(sentence), ""]
        if section.rows:
            out.append("| " + " | ".join(section.head) + " |")
            out.append("| " + " | ".join("---" for _ in section.head) + " |")
            out += ["| " + " | ".join(map(marked, row)) + " |" for row in section.rows]
        elif section.lines:
            # A fence longer than any in the lines, so that no line can close it.
            fence = "`" * max(3, 1 + max((len(m) for x in section.lines for m in re.findall("`+", x)), default=0))
            out += [fence, *map(visible, section.lines), fence]
        for block in section.blocks:
            where = f"{marked(block.where)} " if block.where else ""
            out.append(f"- {where}{block.level}: **{marked(block.words)}**")
            out += [f"  - {label}: {marked(text)}" for label, text in block.lines]
        if not (section.sentences or section.rows or section.lines or section.blocks):
            out.append(section.empty)
        out.append("")
    return "\n".join(out)
