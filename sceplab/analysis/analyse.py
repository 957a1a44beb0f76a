"""What a decoded capture means, worked out once: its findings and its causes.

Rule: every report is made of one `Analysis`; no report runs a rule itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sceplab.analysis.diagnose import Cause, diagnose
from sceplab.analysis.faults.model import Finding
from sceplab.analysis.faults.registry import check_each
from sceplab.scep.conversation import NO_MATERIALS, DecodedExchange, Materials


@dataclass(frozen=True, slots=True)
class Analysis:
    """Decoded exchanges with their findings, by exchange, and the causes of failure, likeliest first.

    `show_secrets` says whether challengePasswords may be shown: the causes were
    written so, and a report of them does the same.
    """

    decoded: tuple[DecodedExchange, ...] = ()
    by_exchange: tuple[tuple[Finding, ...], ...] = ()
    causes: tuple[Cause, ...] = ()
    show_secrets: bool = False

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, in the order of the exchanges."""
        return tuple(finding for findings in self.by_exchange for finding in findings)


def analyse(
    decoded: Sequence[DecodedExchange], materials: Materials = NO_MATERIALS, *, show_secrets: bool = False
) -> Analysis:
    """Return what exchanges mean: broken rules, and why they failed. Never raises on content.

    `materials.passwords` are the challengePasswords that the CA expects. Without
    `show_secrets` those in messages are masked.
    """
    findings = tuple(map(tuple, check_each(decoded)))
    causes = diagnose(decoded, findings, materials, show_secrets=show_secrets)
    return Analysis(tuple(decoded), findings, tuple(causes), show_secrets)
