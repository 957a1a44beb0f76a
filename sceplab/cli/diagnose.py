"""`sceplab diagnose`: why an enrollment failed, and a report for a ticket."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from sceplab.analysis.analyse import analyse
from sceplab.cli.arguments import add_materials, decoded
from sceplab.files import write_new
from sceplab.report.json import analysis_facts
from sceplab.report.text import cause_lines
from sceplab.report.verdict import verdict_lines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser of the command its arguments."""
    parser.description = (
        "Say why the enrollments in FILE failed. --password gives the challengePassword that the CA "
        "expects. Exit code 1 where a cause was found."
    )
    parser.add_argument("file", metavar="FILE", help="as for decode")
    add_materials(parser)
    parser.add_argument("--json", action="store_true", help="print the causes as JSON")
    parser.add_argument("--show-secrets", action="store_true", help="show challengePasswords instead of masking them")
    parser.add_argument(
        "--report", metavar="FILE", type=Path, help="write a report for a ticket too: Markdown, or HTML for .html"
    )
    parser.add_argument("--force", action="store_true", help="replace an earlier report")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the causes, likeliest first; returns 1 where there is one."""
    capture, items, materials = decoded(arguments)
    analysis = analyse(items, materials, capture=capture, show_secrets=arguments.show_secrets)
    if arguments.report is not None:
        from sceplab.report.html import to_html
        from sceplab.report.markdown import to_markdown

        write = to_html if arguments.report.suffix.lower() in {".html", ".htm"} else to_markdown
        write_new(arguments.report, write(analysis).encode(), force=arguments.force)
    if arguments.json:
        print(json.dumps(analysis_facts(analysis), indent=1, ensure_ascii=False))
        return int(bool(analysis.causes))
    from sceplab.cli.coloured import print_line

    for line in verdict_lines(analysis):
        print(line)
    for cause in analysis.causes:
        first, *rest = cause_lines(cause)
        print_line(first, cause.likelihood.name.lower())
        for line in rest:
            print(line)
    return int(bool(analysis.causes))
