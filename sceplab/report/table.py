"""Rows of many captures as CSV, and what they say together.

Rule: text from rows; nothing is read here. A cell that a spreadsheet would run as a
formula gets an apostrophe in front: names in captures are other people's.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sceplab.report.names import count
from sceplab.report.rows import Row

COLUMNS = (
    *("file", "exchange", "time", "client", "device", "server", "method", "type", "transaction"),
    *("cipher", "digest", "key_bits", "weak", "status", "failInfo", "worst", "rules", "cause", "error"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MOST = 10


def csv_lines(rows: Iterable[Row]) -> Iterator[str]:
    """Yield the lines of a CSV file (RFC 4180) without their line ends: the head, then one for each row."""
    for cells in (COLUMNS, *([_cell(row.get(name)) for name in COLUMNS] for row in rows)):
        out = io.StringIO()
        csv.writer(out, lineterminator="").writerow(cells)
        yield out.getvalue()


def _cell(value: Any) -> str:  # noqa: ANN401 - a row holds plain values of any type
    if value is None:
        return ""
    text = " ".join(value) if isinstance(value, list) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def summary_lines(rows: Sequence[Row]) -> Iterator[str]:
    """Yield lines about all rows: how many, which outcomes, which causes, who uses weak algorithms."""
    messages = [row for row in rows if not row["error"]]
    unread = len(rows) - len(messages)
    files = len({row["file"] for row in rows})
    yield f"{count(len(messages), 'message')} in {count(files, 'file')}; {count(unread, 'file')} could not be read"
    yield from _counted("outcome", Counter(row["status"] or "no SCEP reply" for row in messages))
    yield from _counted("cause", Counter(row["cause"] for row in messages if row["cause"]))
    weak = ((_who(row), used) for row in messages for used in row.get("weak", ()))
    yield from _counted("weak", Counter(f"{who}: {used}" for who, used in weak))


def _who(row: Row) -> str:
    """Return who sent a request: the address, and the name of the device where it is known."""
    device = row.get("device", "")
    return " ".join(part for part in (row["client"] or "unknown client", f"({device})" if device else "") if part)


def _counted(what: str, counts: Counter[str]) -> Iterator[str]:
    for name, number in counts.most_common(_MOST):
        yield f"{what:8} {number:6}  {name}"
    if len(counts) > _MOST:
        yield f"{what:8} {len(counts) - _MOST:6}  more"
