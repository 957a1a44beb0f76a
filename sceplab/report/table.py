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

from sceplab.cms import algorithms
from sceplab.report.names import count
from sceplab.report.rows import Row

COLUMNS = (
    *("file", "exchange", "time", "client", "server", "method", "type", "transaction", "cipher", "digest", "key_bits"),
    *("status", "failInfo", "worst", "rules", "cause", "error"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MOST = 10
_WEAK = {name for table in (algorithms.CIPHERS, algorithms.DIGESTS) for name, a in table.items() if a.weak}


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
    weak = ((row["client"] or "unknown client", used) for row in messages for used in _weak(row))
    yield from _counted("weak", Counter(f"{client}: {used}" for client, used in weak))


def _weak(row: Row) -> Iterator[str]:
    return (name for name in (row.get("cipher", ""), row.get("digest", "")) if name in _WEAK)


def _counted(what: str, counts: Counter[str]) -> Iterator[str]:
    for name, number in counts.most_common(_MOST):
        yield f"{what:8} {number:6}  {name}"
    if len(counts) > _MOST:
        yield f"{what:8} {len(counts) - _MOST:6}  more"
