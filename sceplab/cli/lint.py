"""`sceplab lint`: which rules of the RFCs are broken."""

from __future__ import annotations

import argparse

from sceplab.analysis.faults.model import Level
from sceplab.analysis.faults.registry import check_exchanges
from sceplab.cli.arguments import add_materials, decoded
from sceplab.cli.terminal import say, say_json, say_wrapped, warn
from sceplab.report.json import lint_facts
from sceplab.report.names import count, reading_lines
from sceplab.report.sarif import to_sarif
from sceplab.report.text import finding_line, first_of_each, grouped_lines

_MANY = 50
"""With more findings than this, those of one rule are grouped."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser of the command its arguments."""
    parser.description = "Check everything in FILE against the RFCs. Exit code 1 if a MUST or SHOULD is broken."
    parser.add_argument("file", metavar="FILE", help="as for decode")
    add_materials(parser)
    parser.add_argument("--all", action="store_true", help="list each finding, however often a rule is broken")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the findings as JSON")
    form.add_argument("--sarif", action="store_true", help="print the findings as SARIF 2.1.0, for code scanners")
    parser.add_argument("--level", choices=["MUST", "SHOULD", "info"], default="info", help="hide lower levels")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; returns 1 if one is a MUST or SHOULD, else 0."""
    capture, items, _ = decoded(arguments)
    findings = [f for f in check_exchanges(items) if f.fault.level.rank <= Level(arguments.level).rank]
    if arguments.json:
        say_json(lint_facts(findings, capture))
    elif arguments.sarif:
        say_json(to_sarif(findings, arguments.file))
    else:
        grouped = len(findings) > _MANY and not arguments.all
        shown = first_of_each(findings) if grouped else findings
        lines = grouped_lines(findings) if grouped else map(finding_line, findings)
        for finding, line in zip(shown, lines, strict=True):
            say_wrapped(line, finding.fault.level.value)
            if finding.fault.fix:
                say_wrapped(f"    fix: {finding.fault.fix}")
        loud = sum(f.fault.level is not Level.INFO for f in findings)
        say(
            f"{count(loud, 'finding')}, {count(len(findings) - loud, 'note')}, in {count(len(items), 'exchange')}"
            + ("; --all lists each" if len(shown) < len(findings) else "")
        )
    if not arguments.json:
        for line in reading_lines(capture.notes, capture.unread):
            (warn if arguments.sarif else say)(line)
    return int(any(f.fault.level is not Level.INFO for f in findings))
