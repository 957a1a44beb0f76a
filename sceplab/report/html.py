"""The report as a self-contained HTML page."""

from __future__ import annotations

import re
from html import escape

from sceplab import __version__
from sceplab.analysis.analyse import Analysis
from sceplab.report.escape import safe, visible
from sceplab.report.sections import TITLE, Block, Section, sections

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:14px/1.5 system-ui,sans-serif;max-width:75em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse}td,th{border:1px solid #8888;padding:.2em .5em;text-align:left;vertical-align:top}"
    "p{overflow-wrap:anywhere}pre{overflow:auto;border:1px solid #8888;padding:.5em}"
    "@media print{pre{white-space:pre-wrap}}"
)
_LEFT = ' style="text-align:left;vertical-align:top"'
_LONG_WORD = 20
"""Words up to this length are never broken in a cell."""
# A name after a comma, part of a URL or fingerprint, else 24 characters.
_PIECE = re.compile(r"[^,;/?&:]{0,23}[,;/?&:]+|[^,;/?&:]{1,24}")


def to_html(analysis: Analysis) -> str:
    """Return the report as an HTML page."""
    parts = map(section_html, sections(analysis))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{TITLE}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{TITLE}</h1><p>Made by sceplab {__version__}.</p>"
        f"{''.join(parts)}</body></html>\n"
    )


def section_html(section: Section, *, inline: bool = False) -> str:
    """Return a section as HTML, with all text escaped; `inline` styles cells, which notebooks align to the right."""
    out = f"<h2>{safe(section.title)}</h2>"
    out += "".join(f"<p>{safe(s)}</p>" for s in section.sentences)
    if section.blocks:
        return out + "".join(map(block_html, section.blocks))
    if section.rows:
        left = _LEFT if inline else ""
        head = "".join(f"<th{left}>{safe(h)}</th>" for h in section.head)
        cells = ("".join(f"<td{left}>{_breakable(c)}</td>" for c in row) for row in section.rows)
        body = "".join(f"<tr>{row}</tr>" for row in cells)
        return f"{out}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    if section.lines:
        lines = "\n".join(map(safe, section.lines))
        return f"{out}<pre><code>{lines}</code></pre>"
    return out if section.sentences else f"{out}<p>{safe(section.empty)}</p>"


def _breakable(text: str) -> str:
    """Return text as HTML in which browsers may break long words, and only those, so that a table fits the page."""
    words = re.split(r"(\s+)", visible(text))  # passwords are masked before words are broken
    return "".join("<wbr>".join(map(escape, _PIECE.findall(w) if len(w) > _LONG_WORD else [w])) for w in words)


def block_html(block: Block) -> str:
    """Return a cause as HTML: its sentence, with evidence and fix below it."""
    lines = "".join(f"<br>{safe(label)}: {safe(text)}" for label, text in block.lines)
    where = f"{safe(block.where)} " if block.where else ""
    return f"<p>{where}<i>{safe(block.level)}</i>: <b>{safe(block.words)}</b>{lines}</p>"
