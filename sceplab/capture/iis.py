"""Lines of IIS (W3C extended log format), with or without the line of field names.

Rule: without names, fields are found by the method: the URL follows it, the client
follows port and user, and the three numbers of the status are adjacent.
"""

from __future__ import annotations

import re
from typing import Any

from sceplab.scep.transport import Remark

HEAD = "#Fields:"
"""Start of the line of field names."""
_NAMES = {"c-ip": "client", "s-ip": "server", "cs-method": "method", "sc-status": "status", "cs-host": "server"}
_CODES = ("sc-substatus", "sc-win32-status", "s-reason")
_METHODS = frozenset({"GET", "POST", "HEAD"})
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"\d\d:\d\d:\d\d")
_STATUS = re.compile(r"[1-5]\d\d")
_ADDRESS = re.compile(r"[\d.]{7,15}|[0-9a-fA-F:%]{2,60}")
# Fields between date and method: site, computer, address.
_MOST_BEFORE = 6


def said(line: str, fields: list[str]) -> dict[str, Any] | None:
    """Return the fields of a line, with its codes as remarks; None if it is not a line of IIS."""
    values = line.split()
    if fields and len(values) == len(fields):
        named = dict(zip(fields, values, strict=True))
        # A line of another log may have as many words.
        if named.get("cs-uri-stem", "/").startswith("/") and _DATE.fullmatch(named.get("date", "0000-00-00")):
            return _named(named)
    if len(values) >= 8 and _DATE.fullmatch(values[0]) and _TIME.fullmatch(values[1]):
        return _unnamed(values)
    return None


def _named(values: dict[str, str]) -> dict[str, Any]:
    out: dict[str, Any] = {ours: values[theirs] for theirs, ours in _NAMES.items() if theirs in values}
    # HTTP.sys writes the whole URL (cs-uri) into its own error log, and why it did not pass the request on.
    out["target"] = values.get("cs-uri") or _target(values.get("cs-uri-stem", ""), values.get("cs-uri-query", "-"))
    out["time"] = f"{values.get('date', '')}T{values.get('time', '')}Z"
    out["remarks"] = tuple(Remark(values[name], name) for name in _CODES if values.get(name, "-") != "-")
    return out


def _target(stem: str, query: str) -> str:
    return stem if query == "-" else f"{stem}?{query}"


def _unnamed(values: list[str]) -> dict[str, Any] | None:
    at = next((i for i, v in enumerate(values[:_MOST_BEFORE], 0) if v in _METHODS), None)
    if at is None or at + 3 >= len(values) or not values[at + 1].startswith("/"):
        return None
    out: dict[str, Any] = {
        "method": values[at],
        "target": _target(values[at + 1], values[at + 2]),
        "time": f"{values[0]}T{values[1]}Z",
    }
    if at > 2 and _ADDRESS.fullmatch(values[at - 1]):
        out["server"] = values[at - 1]
    if at + 5 < len(values) and _ADDRESS.fullmatch(values[at + 5]):
        out["client"] = values[at + 5]
    for index in range(at + 5, len(values) - 2):
        codes = values[index : index + 3]
        if _STATUS.fullmatch(codes[0]) and all(c.isdigit() for c in codes[1:]):
            out["status"] = codes[0]
            out["remarks"] = tuple(Remark(c, name) for name, c in zip(_CODES, codes[1:], strict=False))
            break
    return out
