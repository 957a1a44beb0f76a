"""The report as a self-contained HTML page.

Rule: a page opens from disk and makes no request. Its Content Security Policy forbids
what its author did not think of; text from a capture is escaped by `safe`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Live:
    """A live part of a page: its HTML, and the style and the script that it needs."""

    html: str = ""
    style: str = ""
    script: str = ""


STILL = Live()
"""No live part."""


def to_html(analysis: Analysis, live: Live = STILL) -> str:
    """Return the report as an HTML page, with a live part before the lines of all layers."""
    *first, last = (section_html(section, places=bool(live.script)) for section in sections(analysis))
    return html_page(TITLE, f"{''.join(first)}{live.html}{last}", live)


def html_page(title: str, body: str, live: Live = STILL) -> str:
    """Return a page whose policy allows its own style and script alone, and no request; `body` has the live part."""
    style = _STYLE + live.style
    script = f'<script type="module">{live.script}</script>' if live.script else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, live.script)}">'
        f'<meta name="referrer" content="no-referrer">'
        f'<meta name="viewport" content="width=device-width"><title>{safe(title)}</title>'
        f"<style>{style}</style></head><body><h1>{safe(title)}</h1><p>Made by sceplab {__version__}.</p>"
        f"{body}{script}</body></html>\n"
    )


def _policy(style: str, script: str) -> str:
    """Return the Content Security Policy of a page: what is not named here is forbidden."""
    scripts = f"script-src {_digest(script)}; " if script else ""
    return (
        f"default-src 'none'; {scripts}style-src {_digest(style)}; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


def section_html(section: Section, *, inline: bool = False, places: bool = False) -> str:
    """Return a section as HTML, with all text escaped.

    `inline` styles cells, which notebooks align to the right; with `places` a live part makes the place of a cause
    a button.
    """
    out = f"<h2>{safe(section.title)}</h2>"
    out += "".join(f"<p>{safe(s)}</p>" for s in section.sentences)
    if section.blocks:
        return out + "".join(block_html(block, places=places) for block in section.blocks)
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


def block_html(block: Block, *, places: bool = False) -> str:
    """Return a cause as HTML: its sentence, with evidence and fix below it; `places` as in `section_html`."""
    lines = "".join(f"<br>{safe(label)}: {safe(text)}" for label, text in block.lines)
    where = f"{safe(block.where)} " if block.where else ""
    if places and block.exchange is not None:
        where = f'<span data-exchange="{block.exchange}">{safe(block.where)}</span> '
    return f"<p>{where}<i>{safe(block.level)}</i>: <b>{safe(block.words)}</b>{lines}</p>"
