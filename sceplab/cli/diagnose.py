"""`sceplab diagnose`: why an enrollment failed, and a report for a ticket."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from sceplab.analysis.analyse import analyse
from sceplab.analysis.faults.registry import FAULTS
from sceplab.cli.arguments import add_materials, decoded
from sceplab.cli.terminal import say, say_json, say_wrapped, width
from sceplab.errors import InputError
from sceplab.files import write_new
from sceplab.report.json import analysis_facts
from sceplab.report.plain import section_lines
from sceplab.report.sections import diagnosis


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser of the command its arguments."""
    parser.description = (
        "Explain why the enrollments in FILE failed. With --password, give the challengePassword that the CA "
        "expects. Exit code 1 if a cause was found."
    )
    parser.add_argument("file", metavar="FILE", nargs="?", help="as for decode")
    add_materials(parser)
    parser.add_argument("--all", action="store_true", help="list every enrollment, however many there are")
    parser.add_argument("--list", action="store_true", help="list all faults that it can find; needs no FILE")
    parser.add_argument("--json", action="store_true", help="print the causes as JSON")
    parser.add_argument("--show-secrets", action="store_true", help="show challengePasswords instead of masking them")
    parser.add_argument(
        "--report",
        metavar="FILE",
        type=Path,
        help="also write a report for a ticket: HTML if FILE ends in .html, else Markdown",
    )
    parser.add_argument("--force", action="store_true", help="replace an existing report")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the causes, likeliest first; returns 1 if there is one, else 0."""
    if arguments.list:
        for fault_line in fault_lines():
            say_wrapped(fault_line)
        return 0
    if arguments.file is None:
        raise InputError("diagnose needs a FILE (- for standard input); --list prints all faults")
    capture, items, materials = decoded(arguments)
    analysis = analyse(items, materials, capture=capture, show_secrets=arguments.show_secrets)
    if arguments.report is not None:
        from sceplab.report.markdown import to_markdown
        from sceplab.views.page import report_page

        write = report_page if arguments.report.suffix.lower() in {".html", ".htm"} else to_markdown
        write_new(arguments.report, write(analysis).encode(), force=arguments.force, private=arguments.show_secrets)
    if arguments.json:
        say_json(analysis_facts(analysis))
        return int(bool(analysis.causes))
    for line in section_lines(diagnosis(analysis, everything=arguments.all), width()):
        say(line.text, line.word)
    return int(bool(analysis.causes))


def fault_lines() -> Iterator[str]:
    """Yield all faults in the order of their ids: what is wrong, what to do, and where the rule is."""
    for fault in sorted(FAULTS.values(), key=lambda f: f.id):
        section = f" ({fault.section})" if fault.section else ""
        yield f"{fault.id}: {fault.title}{section}"
        if fault.fix:
            yield f"    do:   {fault.fix}"
