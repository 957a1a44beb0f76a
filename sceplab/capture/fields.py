"""The fields of one line of a log: key=value, JSON (also cut off), and which of them report an error.

Rule: a line in, names and values out; `logs` finds the request they belong to.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from sceplab.masking import without_secrets
from sceplab.scep.transport import Remark

Fields = dict[str, Any]
LONGEST_VALUE = 4000

_PAIR = re.compile(r'([A-Za-z@][\w.@-]{0,60})=("(?:[^"\\]|\\.)*+"?|[^\s"]*)')
_JSON_PAIR = re.compile(r'"([^"\\]{1,80})"\s{0,4}:\s{0,4}("(?:[^"\\]|\\.)*+"?|-?[\d.]{1,30}|true|false|null)')
# Fields with a message about the request, as various programs spell them.
SAYING = (
    *("err", "error", "msg", "message", "reason", "failinfo", "fail_info", "failinfotext", "pkistatus", "pki_status"),
    *(
        "detail",
        "details",
        "exception",
        "cause",
        "error_message",
        "errormessage",
        "error_description",
        "fault",
        "status_text",
        "error_msg",
        "errormsg",
        "fail_reason",
        "upstream_transport_failure_reason",
        "response_code_details",
    ),
)
_ONLY_WHEN_BAD = frozenset({"msg", "message", "reason", "detail", "details", "cause", "status_text"})
_NOTHING = frozenset({"", "via_upstream", "null", "nil", "none", "<nil>", "-", "ok", "false", "true", "0"})
# What a filter in front of the server writes of a request that it did not let through.
_FILTERED = frozenset({"block", "blocked", "deny", "denied", "drop", "reject"})
_BAD_LEVELS = frozenset(
    {"error", "err", "erro", "fatal", "fata", "panic", "warn", "warning", "critical", "crit", "alert"}
)
_FAILED = (
    r"(?<!\b0 )(?<!\bno )\b(?:errors?|fail(?:s|ed|ures?)?)\b"
    r"(?![\"']?\s?[=:]\s?[\"']?(?:<?nil|null|none|0|false|[\"']|$))|"
    r"\b(?:fatal|\w*exception|refus(?:ed|ing)|reject(?:ed|ing)|den(?:ied|ying)|aborted|cannot|can't|could ?n[o']t|"
    r"unable to|not (?:permitted|allowed|authori[sz]ed|trusted))\b"
)
FAILURE = re.compile(_FAILED, re.IGNORECASE)
"""Words that say that something went wrong; "0 errors" and "error=null" do not."""
BAD = re.compile(
    rf"{_FAILED}|error|fail|refus|reject|deny|denied|invalid|unable|could not|exception|time(?:d )?-?out|unreachable|"
    r"(?:n['\u2019]t|\bnot) (?:exist|found|permit|support|trust|allow|authori[sz]|valid|known|match|have|be\b|"
    r"available|belong)|"
    r"non-?exist|forbidden|unauthori[sz]ed|is full|insufficient|incorrect|wrong|"
    r"bad ?request|mismatch|expired|missing|unknown|abort|unexpected|unsupported|revoked|no such|HRESULT|"
    r"pending|violat|exceed|\btoo (?:long|large|big|short|small|old|many|weak)|block|none of|exited|"
    r"requires the use of|\bempty\b|reset by|closed by|hang up|\bE(?:OF|PIPE|PROTO|CONN[A-Z]+|NOTFOUND|AI_[A-Z]+)\b|"
    r"n[o']t (?:long|accept|verif|complet|process|read|decrypt|connect|resolve)|off-?line|no valid|denial|misbehaving|"
    r"no space left|disk full|read-only file ?system|database is locked|sent to (?:an )?HTTPS port|"
    r"not in the list|no more|not yet valid|unrecogni[sz]ed|illegal|"
    r"\b[45]\d\d[ -]{1,3}(?:Bad|Method|Proxy|Request|Payload|Content|URI|Internal|Service|Gateway|Backend)\b",
    re.IGNORECASE,
)
"""Words for which a line is kept; most of them mean something only beside others."""


def fields_of(line: str) -> Fields:
    """Return the fields of a line by their names in lower case; {} if it has none."""
    at = line.find('{"')
    if at >= 0 and at < 200:
        found = _of_json(line[at:])
        if found:
            return found
    return {k.lower(): _unquoted(v) for k, v in _PAIR.findall(line)}


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    inner = value[1:].removesuffix('"') if len(value) > 1 else ""
    return re.sub(r'\\(["\\])', r"\1", inner) if "\\" in inner else inner


def _of_json(line: str) -> Fields:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        entry = dict(_cut_json(line))
    if not isinstance(entry, dict):
        return {}
    flat: Fields = {}
    for key, value in entry.items():
        name = str(key).lower()
        if isinstance(value, dict):  # Caddy's "request", logrus's "fields"
            flat |= {str(k).lower(): v for k, v in value.items() if str(k).lower() not in flat}
        flat[name] = value
    return flat


def _cut_json(line: str) -> Iterator[tuple[str, Any]]:
    """Yield the pairs of a truncated JSON object."""
    for name, value in _JSON_PAIR.findall(line):
        if value.startswith('"'):
            whole = value if len(value) > 1 and value.endswith('"') else f'{value.rstrip(chr(92))}"'
            try:
                yield name, json.loads(whole, strict=False)
            except ValueError:
                yield name, value.strip('"')
        else:
            yield name, value


def is_cut_json(line: str) -> bool:
    """Whether a line is a truncated JSON object."""
    at = line.find('{"')
    return 0 <= at < 200 and not line.rstrip().endswith("}")


def remarks_of(fields: Mapping[str, Any], line: int | None = None, *, failed: bool = False) -> tuple[Remark, ...]:
    """Return the fields of a line that report an error. `failed`: the request failed, so take every message."""
    level = str(fields.get("level") or fields.get("severity") or fields.get("lvl") or "").lower()
    bad = failed or level in _BAD_LEVELS
    out = []
    for name in SAYING:
        value = fields.get(name)
        if isinstance(value, dict | list):
            value = json.dumps(value)
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            continue
        text = without_secrets(str(value).strip()[: 4 * LONGEST_VALUE])[:LONGEST_VALUE]
        if text.lower() in _NOTHING or (name in _ONLY_WHEN_BAD and not bad and not BAD.search(text)):
            continue
        if "operation=" in text:
            continue
        out.append(Remark(text, name, line))
    blocked = (n for n in ("action", "wafaction", "securityaction") if str(fields.get(n, "")).lower() in _FILTERED)
    return (*out, *(Remark(f"action={fields[name]}", name, line) for name in blocked))
