"""Exercises of 09-your-own-capture."""

from __future__ import annotations

from collections.abc import Sequence

from sceplab.analysis.faults.model import Level
from sceplab.analysis.faults.registry import check_exchanges
from sceplab.exercises import Exercise
from sceplab.scep.conversation import DecodedExchange


def exercises(decoded: Sequence[DecodedExchange]) -> tuple[Exercise, ...]:
    """Return them for a decoded conversation with at least one reply."""
    replies = [d.reply for d in decoded if d.reply is not None]
    if not replies:
        raise ValueError("these exercises need a capture with a reply")
    last = replies[-1].attributes
    findings = check_exchanges(decoded)
    musts = sum(f.fault.level is Level.MUST for f in findings)
    return (
        Exercise(
            "What did the CA answer in the end? Give the pkiStatus as a name.",
            last.status.name if last.status is not None else "",
            "decoded[-1].reply.attributes.status.name",
            ("The last exchange has a reply.", "decoded[-1].reply.attributes"),
            {
                "that is its number on the wire; the question was for the name.": last.pki_status,
                "that is why; the status is something else.": last.failure.name if last.failure is not None else None,
            },
        ),
        Exercise(
            "How many findings break a MUST?",
            musts,
            "sum(f.fault.level.value == 'MUST' for f in analysis.findings)",
            ("`analysis.findings` has all of them.", "Each has a rule, and each rule a level."),
            {"that is all of them, notes too.": len(findings)},
        ),
    )
