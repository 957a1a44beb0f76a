"""Exercises of 10-many-captures."""

from __future__ import annotations

from collections.abc import Sequence

from sceplab.exercises import Exercise
from sceplab.report.rows import Row


def exercises(rows: Sequence[Row]) -> tuple[Exercise, ...]:
    """Return them for the rows of a folder."""
    posts = sum(row.get("method") == "POST" for row in rows)
    hosts = {row["client"] for row in rows if row.get("client")}
    failed = sum(row.get("status") == "FAILURE" for row in rows)
    return (
        Exercise(
            "How many messages went by POST?",
            posts,
            "sum(row['method'] == 'POST' for row in messages)",
            ("Each row has a method.", "row['method']"),
            {"that is all of them.": len(rows), "those are the others.": len(rows) - posts},
        ),
        Exercise(
            "How many requests did a CA refuse (FAILURE)?",
            failed,
            "sum(row['status'] == 'FAILURE' for row in messages)",
            ("The pkiStatus of the reply is in each row.", "row['status']"),
            {
                "those are clients.": len(hosts),
                "a server that answers with an HTTP error has not refused it in SCEP.": sum(
                    row.get("status") != "SUCCESS" for row in rows
                ),
            },
        ),
    )
