"""A report of an enrollment that can go into a ticket: Markdown, or one HTML page.

Rule: the same sections in both; challengePasswords are masked unless the caller
says otherwise, private keys and plaintexts are never in it, and text from the
wire is escaped for where it goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from sceplab import __version__
from sceplab.analysis.checks import Finding, check_exchanges
from sceplab.analysis.diagnose import Cause, diagnose
from sceplab.report.ladder import drawn, lay_out
from sceplab.report.text import outline, visible
from sceplab.scep.conversation import NO_MATERIALS, DecodedExchange, Materials


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with a table, or with lines as they are."""

    title: str
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    lines: tuple[str, ...] = ()
    empty: str = ""


def ladder_section(decoded: Sequence[DecodedExchange]) -> Section:
    """Return who sent what to whom, in order, drawn with letters."""
    return Section("Who sent what (times are UTC)", lines=tuple(drawn(lay_out(decoded))), empty="Nothing.")


def findings_section(findings: Sequence[Finding]) -> Section:
    """Return broken rules as a table, strongest first."""
    order = ("MUST", "SHOULD", "info")
    listed = sorted(findings, key=lambda f: order.index(f.rule.level.value))
    rows = tuple((f.rule.level.value, f.where, f.rule.text, f.found, f.rule.section, f.rule.mend) for f in listed)
    head = ("level", "where", "demanded", "found", "section", "how to mend")
    return Section("What breaks the RFCs", head, rows, empty="Nothing does.")


def causes_section(causes: Sequence[Cause]) -> Section:
    """Return causes as a table, likeliest first."""
    rows = tuple(
        (c.likelihood.name.lower(), f"[{c.exchange}]", c.kind.words, c.evidence, c.kind.do, c.kind.section)
        for c in causes
    )
    head = ("likelihood", "where", "cause", "seen", "what to do", "section")
    return Section("Why it failed", head, rows, empty="No failure was seen.")


def sections(
    decoded: Sequence[DecodedExchange], materials: Materials = NO_MATERIALS, *, show_secrets: bool = False
) -> Iterator[Section]:
    """Yield the sections of a report."""
    yield ladder_section(decoded)
    yield causes_section(diagnose(decoded, materials, show_secrets=show_secrets))
    yield findings_section(check_exchanges(decoded))
    yield Section("Layer by layer", lines=tuple(outline(decoded, show_secrets=show_secrets)))


def to_markdown(
    decoded: Sequence[DecodedExchange], materials: Materials = NO_MATERIALS, *, show_secrets: bool = False
) -> str:
    """Return the report as Markdown."""
    out = ["# SCEP enrollment", "", f"Made by sceplab {__version__}.", ""]
    for section in sections(decoded, materials, show_secrets=show_secrets):
        out += [f"## {section.title}", ""]
        if section.rows:
            out.append("| " + " | ".join(section.head) + " |")
            out.append("| " + " | ".join("---" for _ in section.head) + " |")
            out += ["| " + " | ".join(map(_marked, row)) + " |" for row in section.rows]
        elif section.lines:
            # A fence longer than any in the lines, so that none of them can end it.
            fence = "`" * max(3, 1 + max((len(m) for x in section.lines for m in re.findall("`+", x)), default=0))
            out += [fence, *map(visible, section.lines), fence]
        else:
            out.append(section.empty)
        out.append("")
    return "\n".join(out)


def _marked(text: str) -> str:
    """Escape text for a cell of a Markdown table."""
    return re.sub(r"([\\`*_\[\]|~#])", r"\\\1", escape(visible(text), quote=False))


_STYLE = (
    "body{font:14px/1.5 system-ui,sans-serif;max-width:75em;margin:2em auto;padding:0 1em;color-scheme:light dark}"
    "table{border-collapse:collapse}td,th{border:1px solid #8888;padding:.2em .5em;text-align:left;"
    "vertical-align:top;overflow-wrap:anywhere}pre{overflow:auto;border:1px solid #8888;padding:.5em}"
)


def to_html(
    decoded: Sequence[DecodedExchange], materials: Materials = NO_MATERIALS, *, show_secrets: bool = False
) -> str:
    """Return the report as one HTML page that needs nothing else."""
    parts = [section_html(s) for s in sections(decoded, materials, show_secrets=show_secrets)]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>SCEP enrollment</title>'
        f"<style>{_STYLE}</style></head><body><h1>SCEP enrollment</h1><p>Made by sceplab {__version__}.</p>"
        f"{''.join(parts)}</body></html>\n"
    )


def section_html(section: Section) -> str:
    """Return a section as HTML, everything in it escaped."""
    out = f"<h2>{escape(section.title)}</h2>"
    if section.rows:
        head = "".join(f"<th>{escape(h)}</th>" for h in section.head)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(visible(c))}</td>" for c in row) + "</tr>" for row in section.rows
        )
        return f"{out}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    if section.lines:
        text = escape("\n".join(map(visible, section.lines)))
        return f"{out}<pre>{text}</pre>"
    return f"{out}<p>{escape(section.empty)}</p>"
