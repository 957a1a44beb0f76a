"""Analyse a decoded capture once: findings, enrollments, causes.

Rule: every report is written from one `Analysis`; no report runs a finder itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sceplab.analysis.diagnose import diagnose
from sceplab.analysis.enrollments import Enrollments, group
from sceplab.analysis.faults.model import Finding, Held
from sceplab.analysis.faults.registry import check_each
from sceplab.analysis.ranking import Cause
from sceplab.analysis.statements import Statement, said_in_log
from sceplab.capture.reading import Capture, Unread
from sceplab.cms.x509 import certificate_of, public_key_info
from sceplab.errors import Problem
from sceplab.scep.conversation import NO_MATERIALS, DecodedExchange, Materials


@dataclass(frozen=True, slots=True)
class Analysis:
    """Decoded exchanges with their faults by exchange, enrollments, and causes in rank order.

    `remarks` are words of a log that belong to no exchange, `unread` is data of the
    input that was not read, `notes` the corrections made. `show_secrets` says
    whether challengePasswords are shown in causes and reports.
    """

    decoded: tuple[DecodedExchange, ...] = ()
    by_exchange: tuple[tuple[Finding, ...], ...] = ()
    enrollments: Enrollments = Enrollments(())
    causes: tuple[Cause, ...] = ()
    remarks: tuple[Statement, ...] = ()
    unread: tuple[Unread, ...] = ()
    notes: tuple[Problem, ...] = ()
    show_secrets: bool = False

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All broken rules, in the order of the exchanges."""
        return tuple(f for findings in self.by_exchange for f in findings if f.fault.rule)


def analyse(
    decoded: Sequence[DecodedExchange],
    materials: Materials = NO_MATERIALS,
    *,
    capture: Capture | None = None,
    show_secrets: bool = False,
) -> Analysis:
    """Return findings, enrollments and the causes of failures. Never raises on content.

    `materials.passwords` are the challengePasswords that the CA expects. Without
    `show_secrets` those in messages are masked. `capture` is the source of the
    exchanges: its words and its unread data are used in the verdict.
    """
    held = Held(
        tuple(map(certificate_of, materials.certificates)),
        frozenset(map(public_key_info, materials.keys)),
        tuple(p.decode("utf-8", "replace") for p in materials.passwords),
        show_secrets,
    )
    findings = tuple(map(tuple, check_each(decoded, held)))
    enrollments = group(decoded)
    read = capture if capture is not None else Capture()
    said = tuple(said_in_log(r.text, r.name, None, r.line) for r in read.remarks)
    causes = tuple(diagnose(decoded, findings, enrollments, said))
    return Analysis(tuple(decoded), findings, enrollments, causes, said, read.unread, read.notes, show_secrets)
