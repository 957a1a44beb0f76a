"""The tables at the end of `make interop`: which program did what with which server, and the cause of each failure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest

from interop import matrix


@pytest.fixture(autouse=True)
def _row(request: pytest.FixtureRequest) -> None:
    """Record the test's table field before anything can fail."""
    marker = request.node.get_closest_marker("field")
    if marker is not None:
        request.node.user_properties.append(("field", tuple(marker.args)))


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", "field(table, row, column): which field of the printed tables a test fills")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables and write them to build/interop.md."""
    said: dict[str, dict[tuple[str, str], str]] = defaultdict(dict)
    for kind in ("passed", "xfailed", "xpassed", "failed", "error", "skipped"):
        for report in terminalreporter.getreports(kind):
            where = next((value for key, value in getattr(report, "user_properties", ()) if key == "field"), None)
            if where is not None:
                table, row, column = where
                said[table][row, column] = _word(kind, report)
    if not said:
        return
    lines: list[str] = []
    for table, fields in sorted(said.items()):
        lines += _markdown(table, fields | matrix.not_applicable(table, fields))
    text = "\n".join(lines)
    terminalreporter.section("interoperability")
    terminalreporter.write_line(text)
    target = Path(__file__).resolve().parent.parent / "build" / "interop.md"
    target.parent.mkdir(exist_ok=True)
    target.write_text(text + "\n", encoding="utf-8")


def _word(kind: str, report: pytest.TestReport) -> str:
    if kind == "xfailed":
        reason = getattr(report, "wasxfail", "").removeprefix("reason: ")
        return reason if reason.startswith("n/a: ") else f"fails: {reason}"
    return {"passed": "ok", "skipped": "not run", "xpassed": "OK, but known to fail"}.get(kind, "FAILS")


def _markdown(table: str, fields: dict[tuple[str, str], str]) -> Sequence[str]:
    columns = sorted({column for _, column in fields}, key=matrix.column_order)
    rows = sorted({row for row, _ in fields}, key=matrix.order)
    notes: list[str] = []

    def short(text: str) -> str:
        if not text.startswith(("fails: ", "n/a: ")):
            return text
        if text not in notes:
            notes.append(text)
        return f"{text.partition(':')[0]} ({notes.index(text) + 1})"

    cells = [[row, *(short(fields.get((row, column), "")) for column in columns)] for row in rows]
    out = ["", f"**{table}**", "", f"| | {' | '.join(columns)} |", f"|{' --- |' * (len(columns) + 1)}"]
    out += [f"| {' | '.join(row)} |" for row in cells]
    return [*out, "", *(f"{n}. {text.partition(': ')[2]}" for n, text in enumerate(notes, 1))]
