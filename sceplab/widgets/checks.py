"""Checks as a table: what was asked, how it ended, why."""

from __future__ import annotations

from collections.abc import Iterable

from sceplab.cms.verify import Check, Verification
from sceplab.widgets.table import Table, table


def show_checks(checks: Verification | Iterable[Check]) -> Table:
    """Return a table of checks, in their order."""
    listed = checks.checks if isinstance(checks, Verification) else checks
    return table(("check", "outcome", "detail"), ((c.name, c.outcome.value, c.detail) for c in listed))
