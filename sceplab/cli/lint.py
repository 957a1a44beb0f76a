"""`sceplab lint`: which rules of the RFCs are broken."""

from __future__ import annotations

import argparse
import json

from sceplab.analysis.faults.model import Level
from sceplab.analysis.faults.registry import check_exchanges
from sceplab.cli.arguments import add_materials, decoded
from sceplab.report.json import finding_facts
from sceplab.report.sarif import to_sarif
from sceplab.report.text import finding_line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser of the command its arguments."""
    parser.description = "Check everything in FILE against the RFCs. Exit code 1 where a MUST or SHOULD is broken."
    parser.add_argument("file", metavar="FILE", help="as for decode")
    add_materials(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the findings as JSON")
    form.add_argument("--sarif", action="store_true", help="print the findings as SARIF 2.1.0, for code scanners")
    parser.add_argument("--level", choices=["MUST", "SHOULD", "info"], default="info", help="leave out what is weaker")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; returns 1 where one is a MUST or SHOULD."""
    _, items, _ = decoded(arguments)
    findings = [f for f in check_exchanges(items) if f.fault.level.rank <= Level(arguments.level).rank]
    if arguments.json:
        print(json.dumps([finding_facts(f) for f in findings], indent=1, ensure_ascii=False))
    elif arguments.sarif:
        print(json.dumps(to_sarif(findings, arguments.file), indent=1, ensure_ascii=False))
    else:
        from sceplab.cli.coloured import print_line

        for finding in findings:
            print_line(finding_line(finding), finding.fault.level.value)
            if finding.fault.fix:
                print(f"    {finding.fault.fix}")
        loud = sum(f.fault.level is not Level.INFO for f in findings)
        print(f"{loud} findings, {len(findings) - loud} notes, in {len(items)} exchanges")
    return int(any(f.fault.level is not Level.INFO for f in findings))
