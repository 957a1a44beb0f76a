"""Access logs of web servers, proxies and CAs: one exchange for each line with a SCEP operation.

Rule: a log is lines; each is tried as the formats below, and lines without SCEP are
skipped. A GET has the message in its URL; of a POST a log only shows that there
was one. Formats: common and combined (Apache, nginx ...), HAProxy, squid, IIS (W3C),
key=value (step-ca, Traefik ...), and JSON (step-ca, Caddy, Traefik, nginx ...).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sceplab.capture.reading import Reading, Span
from sceplab.errors import Layer, Problem
from sceplab.scep.transport import LOG_LINE, Exchange, HttpReply, HttpRequest

LONGEST_LINE = 1 << 20
_OPERATION = re.compile(rb"operation(?:=|%3d)", re.IGNORECASE)
_REQUEST = r'"(?P<method>[A-Z]{3,8}) (?P<target>[^\s"]+)(?: (?P<version>HTTP/[\d.]+))?(?P<end>"|$)'
_FORMATS = (
    # 192.0.2.2 - - [24/Nov/2026:08:04:11 +0000] "GET /scep?... HTTP/1.0" 200 3355 "-" "agent"
    re.compile(
        rf"(?P<client>[\w.:\[\]-]{{1,80}}) \S{{1,80}} \S{{1,80}} \[(?P<time>[^\]]{{1,40}})\] {_REQUEST}"
        r"(?: (?P<status>\d{3}))?"
    ),
    # ... haproxy[7]: 192.0.2.2:4711 [24/Nov/2026:08:04:11.123] front back/ca 0/0/1/5/6 200 3355 - - ---- ... "GET ..."
    re.compile(
        r"(?P<client>[\w.:\[\]-]{1,80}):\d{1,5} \[(?P<time>[^\]]{1,40})\] \S{1,200} \S{1,200} [-+\d/]{1,60} "
        rf"(?P<status>-?\d+) [^\"]{{0,2000}}{_REQUEST}"
    ),
    # 1795507451.123     45 192.0.2.2 TCP_MISS/200 3355 GET http://ca.example/scep?... - HIER_DIRECT/192.0.2.1 type
    re.compile(
        r"(?P<time>\d{9,11}\.\d{1,6})\s{1,10}-?\d{1,10} (?P<client>[\w.:]{1,80}) [A-Z_]{1,60}/(?P<status>\d{3}) "
        r"\d{1,12} "
        r"(?P<method>[A-Z]{3,8}) (?P<target>\S+)(?P<end> |$)"
    ),
    # Anything with a request in quotes.
    re.compile(rf"{_REQUEST}(?:\D{{0,20}}(?P<status>\d{{3}})\b)?"),
)
_PAIR = re.compile(r'([A-Za-z][\w.-]{0,40})=("(?:[^"\\]|\\.)*+"|[^\s"]+)')
# The names that programs have for the same thing, the surest first.
_NAMES: dict[str, tuple[str, ...]] = {
    "target": ("path", "uri", "request_uri", "requestpath", "url", "request"),
    "method": ("method", "request_method", "requestmethod"),
    "status": ("status", "downstreamstatus", "status_code", "originstatus"),
    "client": ("remote-address", "remote_ip", "client_ip", "clienthost", "remote_addr", "client"),
    "time": ("time", "startutc", "ts", "timestamp", "@timestamp", "time_iso8601"),
    "server": ("host", "requesthost", "server_name"),
}
# IIS's fields.
_IIS_HEAD = "#Fields:"
_IIS = {"c-ip": "client", "s-ip": "server", "cs-method": "method", "sc-status": "status", "cs-host": "server"}


def fits(data: bytes) -> bool:
    """Whether a text has a line of a known kind of log with a SCEP operation in it."""
    return next(_read(data, ""), None) is not None


def fits_json(data: bytes) -> bool:
    """Whether it is such a log, and its first line is JSON."""
    return data.lstrip()[:1] == b"{" and fits(data)


def read(data: bytes, name: str) -> Reading:
    """Return an exchange for each line of a log with a SCEP operation."""
    found = list(_read(data, name))
    return Reading([exchange for exchange, _ in found], tuple(span for _, span in found))


def _read(data: bytes, name: str) -> Iterator[tuple[Exchange, Span]]:
    fields: list[str] = []
    for line, span in _lines(data):
        if line.startswith(_IIS_HEAD):
            fields = line.split()[1:]
        elif (exchange := _exchange(line, fields, name)) is not None:
            yield exchange, span


def _lines(data: bytes) -> Iterator[tuple[str, Span]]:
    """Yield lines with an operation, and IIS's line of field names, with their spans; skip overlong ones."""
    at = 0
    head = data.rfind(_IIS_HEAD.encode(), 0, 65536)
    if head >= 0:
        line = data[head : head + 4096].split(b"\n", 1)[0]
        yield line.decode("utf-8", "replace").strip(), (head, head + len(line))
    for found in _OPERATION.finditer(data):
        if found.start() < at:
            continue
        start = data.rfind(b"\n", at, found.start()) + 1 or at
        end = data.find(b"\n", found.end())
        end = len(data) if end < 0 else end
        at = end
        if end - start <= LONGEST_LINE:
            yield data[start:end].decode("utf-8", "replace").strip(), (start, end)


def _exchange(line: str, fields: list[str], name: str) -> Exchange | None:
    said = _said(line, fields)
    method, target = str(said.get("method") or "GET"), str(said.get("target") or "")
    if not _OPERATION.search(target.encode("utf-8", "replace")):
        return None
    server = str(said.get("server") or "")
    if "://" in target:
        server, _, target = target.partition("://")[2].partition("/")
        target = f"/{target}"
    status = str(said.get("status") or "")
    problems = []
    if method == "POST":
        problems.append(
            Problem(Layer.CAPTURE, "not-logged", "the message", "a POST, whose body no log has", None, "Capture it.")
        )
    elif said.get("end") == "" and method == "GET":
        advice = "Let it log longer lines (HAProxy: `len 8192` behind the log's address), or capture the packets."
        problems.append(
            Problem(Layer.CAPTURE, "cut-short", "the whole URL", "a log line without its end", None, advice)
        )
    reply = HttpReply(int(status), truncated=True) if re.fullmatch(r"[1-5]\d\d", status) else None
    client = str(said.get("client") or "")
    return Exchange(
        HttpRequest(method, target),
        reply,
        client,
        server,
        _time(said.get("time")),
        name,
        problems=tuple(problems),
        recorded=LOG_LINE,
    )


def _said(line: str, fields: list[str]) -> Mapping[str, Any]:
    """Return what a line says: client, time, method, target, status, server, end."""
    if line.startswith("{"):
        return _of_json(line)
    if fields and (values := line.split()) and len(values) == len(fields):
        return _of_iis(dict(zip(fields, values, strict=True)))
    for form in _FORMATS[:3]:
        if found := form.search(line):
            return found.groupdict()
    pairs = {k.lower(): v.strip('"') for k, v in _PAIR.findall(line)}
    named = _named(pairs)
    if "target" in named and "method" in named:
        return named
    found = _FORMATS[3].search(line)
    return found.groupdict() if found else {}


def _named(values: Mapping[str, Any]) -> dict[str, Any]:
    out = {}
    for ours, theirs in _NAMES.items():
        for name in theirs:
            value = values.get(name)
            if isinstance(value, str | int | float) and value != "":
                out[ours] = value
                break
    return out


def _of_json(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(entry, dict):
        return {}
    flat = {str(k).lower(): v for k, v in entry.items()}
    if isinstance(flat.get("request"), dict):  # Caddy
        flat |= {str(k).lower(): v for k, v in flat.pop("request").items()}
    out = _named(flat)
    # nginx's $request: the whole request line.
    whole = re.fullmatch(r"([A-Z]{3,8}) (\S+) HTTP/[\d.]+", str(out.get("target", "")))
    if whole:
        out["method"], out["target"] = whole.groups()
    return out


def _of_iis(values: Mapping[str, str]) -> dict[str, Any]:
    out: dict[str, Any] = {ours: values[theirs] for theirs, ours in _IIS.items() if theirs in values}
    query = values.get("cs-uri-query", "-")
    out["target"] = values.get("cs-uri-stem", "") + ("" if query == "-" else f"?{query}")
    out["time"] = f"{values.get('date', '')}T{values.get('time', '')}Z"
    return out


def _time(text: object) -> datetime | None:
    """Read a time of any of the formats; without a zone it is taken for UTC."""
    if text is None:
        return None
    if isinstance(text, int | float) or re.fullmatch(r"\d{9,11}(?:\.\d+)?", str(text)):
        try:
            return datetime.fromtimestamp(float(str(text)), UTC)
        except (OverflowError, ValueError, OSError):
            return None
    for form in ("%d/%b/%Y:%H:%M:%S %z", "%d/%b/%Y:%H:%M:%S.%f", "%d/%b/%Y:%H:%M:%S"):
        try:
            made = datetime.strptime(str(text), form)  # noqa: DTZ007 - the zone is set below
        except ValueError:
            continue
        return made if made.tzinfo else made.replace(tzinfo=UTC)
    try:
        made = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return made if made.tzinfo else made.replace(tzinfo=UTC)
