"""Findings as a SARIF 2.1.0 log (OASIS), the format of code scanners."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from sceplab.analysis.faults.model import Finding, Level
from sceplab.report.escape import sarif_text
from sceplab.report.names import place

_LEVELS = {Level.MUST: "error", Level.SHOULD: "warning", Level.INFO: "note"}


def to_sarif(findings: Sequence[Finding], file: str) -> dict[str, Any]:
    """Return findings in `file` as a SARIF log."""
    rules = {f.fault.id: f.fault for f in findings}
    return {
        "version": "2.1.0",
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "sceplab",
                        "rules": [
                            {
                                "id": rule.id,
                                "shortDescription": {"text": sarif_text(rule.rule)},
                                "help": {"text": sarif_text(f"{rule.section}. {rule.fix}".strip())},
                            }
                            for rule in rules.values()
                        ],
                    }
                },
                "results": [
                    {
                        "ruleId": f.fault.id,
                        "level": _LEVELS[f.fault.level],
                        "message": {"text": sarif_text(f"{place(f.exchange, f.side)}: {f.found}")},
                        "locations": [{"physicalLocation": {"artifactLocation": {"uri": quote(os.fsencode(file))}}}],
                    }
                    for f in findings
                ],
            }
        ],
    }
