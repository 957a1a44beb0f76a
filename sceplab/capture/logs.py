"""Access logs of web servers, proxies and CAs: one exchange for each line with a SCEP operation.

Rule: each line is tried in the formats below, and lines without SCEP are skipped. A
GET has the message in its URL; of a POST a log has no body. Other messages of a line
become its remarks; lines of a service about an operation (micromdm's) belong to the
adjacent request. Formats:
common and combined (Apache, nginx ...), HAProxy, squid, IIS (W3C), key=value (step-ca,
Traefik ...), and JSON (step-ca, Caddy, Traefik, nginx ...).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sceplab.capture import iis
from sceplab.capture.fields import BAD, fields_of, is_cut_json, remarks_of
from sceplab.capture.reading import Reading, Span
from sceplab.capture.target import is_cut, joined, not_logged, without_ellipsis
from sceplab.errors import Layer, Problem
from sceplab.masking import without_secrets
from sceplab.scep.transport import LOG_LINE, OPERATIONS, Exchange, HttpReply, HttpRequest, Remark

LONGEST_LINE = 1 << 20
_OPERATION = re.compile(rb"operation(?:=|%3d|\\u003d)", re.IGNORECASE)
# Lines of a service that have the operation as a field.
_SERVICE = re.compile(
    rb"(?<![?&])\b(?:method|op|operation)\"?[=:] ?\"?(?:GetCACaps|GetCACert|GetNextCACert|PKIOperation)\b",
    re.IGNORECASE,
)
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
    # AWS: http 2026-11-24T08:04:11.123Z app/lb/50dc 192.0.2.2:4711 10.0.0.1:80 0.0 0.1 0.0 502 502 34 366 "GET ..."
    re.compile(
        r"(?P<time>\d{4}-\d\d-\d\dT[\d:.]{8,20}Z) \S{1,200} (?P<client>[\w.:\[\]-]{1,80}):\d{1,5} \S{1,80}"
        rf"(?: -?[\d.]{{1,12}}){{3}} (?P<status>\d{{3}}) [-\d]{{1,4}} \d{{1,12}} \d{{1,12}} {_REQUEST}"
    ),
    # 1795507451.123     45 192.0.2.2 TCP_MISS/200 3355 GET http://ca.example/scep?... - HIER_DIRECT/192.0.2.1 type
    re.compile(
        r"(?P<time>\d{9,11}\.\d{1,6})\s{1,10}-?\d{1,10} (?P<client>[\w.:]{1,80}) [A-Z_]{1,60}/(?P<status>\d{3}) "
        r"\d{1,12} "
        r"(?P<method>[A-Z]{3,8}) (?P<target>\S+)(?P<end> |$)"
    ),
    # Kestrel, Express, a browser's console: POST http://ca.example/scep?... [type, size -] 413 ...
    re.compile(
        r"(?<![\w\"'])(?P<method>GET|POST|HEAD|PUT) (?P<target>(?:https?://[^\s/\"']{1,255})?/[^\s\"']*)(?P<end> )"
        r"(?!HTTP/)(?:[^\n]{0,80}? - )??(?P<status>[1-5]\d\d)(?= |$)"
    ),
    # Any line with a request line in quotes.
    re.compile(rf"{_REQUEST}(?:\D{{0,20}}(?P<status>\d{{3}})\b)?"),
)
# 2026/11/24 08:04:11 [error] 12#12: *5 words, client: 192.0.2.2, server: ca.example, request: "GET ...", host: "ca"
_NGINX_ERROR = re.compile(
    r"\[(?:warn|error|crit|alert|emerg)\] \d{1,10}#\d{1,10}: (?:\*\d{1,20} )?(?P<words>.{1,2000}?), "
    rf"client: (?P<client>[\w.:]{{1,80}}), server: (?P<server>[^,\s]{{0,260}}), request: {_REQUEST}"
)
# The names that programs use for the same field, the most specific first.
_NAMES: dict[str, tuple[str, ...]] = {
    "target": ("path", "uri", "request_uri", "requestpath", "url", "request", "clientrequesturi", "clientrequestpath"),
    "method": ("method", "request_method", "requestmethod", "httpmethod", "clientrequestmethod"),
    "status": (
        *("status", "downstreamstatus", "status_code", "statuscode", "originstatus", "response_code", "responsestatus"),
        *("edgeresponsestatus", "elb_status_code", "httpstatus", "httpstatuscode", "sc-status"),
    ),
    "client": (
        "remote-address",
        "clientip",
        "remote_ip",
        "client_ip",
        "clienthost",
        "remote_addr",
        "client",
        "caller_ip",
        "source_ip",
    ),
    "time": ("time", "startutc", "ts", "timestamp", "@timestamp", "time_iso8601"),
    "server": ("host", "requesthost", "server_name", "authority", "clientrequesthost"),
}
_WRAPPED = ("log", "message", "msg")
# A line that ends inside a URL, and the line that continues it.
_OPEN = re.compile(r"message=[A-Za-z0-9+/%=_-]{0,1048576}\s*$", re.IGNORECASE)
_GOES_ON = re.compile(r"\s{0,40}(?:[A-Za-z0-9+/%=_-]{16,}(?=[\s\"&]|$)|[A-Za-z0-9+/%=_-]{1,15}(?= HTTP/|\"))")
_MOST_JOINED = 4000
# Largest distance in lines between a request and the service's line about it.
_NEAR = 4


@dataclass(frozen=True, slots=True)
class _Said:
    """A service's line about an operation."""

    operation: str
    remarks: tuple[Remark, ...]
    line: int
    span: Span


def fits(data: bytes) -> bool:
    """Whether a text has a SCEP operation."""
    return _OPERATION.search(data) is not None or _SERVICE.search(data) is not None


def read(data: bytes, name: str) -> Reading:
    """Return an exchange for each line of a log with a SCEP operation."""
    found: list[tuple[Exchange, Span]] = []
    said: list[_Said] = []
    notes: list[Problem] = []
    fields: list[str] = []
    for line, span, number, was_joined in _lines(data):
        if line.startswith(iis.HEAD):
            fields = line.split()[1:]
            continue
        values = _said(line, fields)
        exchange = _exchange(line, values, name, number)
        if exchange is not None:
            found.append((exchange, span))
            notes += [joined()] * was_joined
        elif (service := _service(line, span, number)) is not None:
            said.append(service)
    exchanges, rest = _told([e for e, _ in found], said)
    spans = [span for _, span in found]
    claims = tuple(sorted([*spans, *(s.span for s in said)]))
    return Reading(exchanges, claims, tuple(span[0] for span in spans), rest, tuple(notes))


def _lines(data: bytes) -> Iterator[tuple[str, Span, int, bool]]:
    """Yield lines with an operation, and IIS's line of field names, with their spans; skip overlong ones.

    Each has its line number, and whether it was joined from several.
    """
    at = counted = 0
    number = 1
    starts = sorted({m.start() for form in (_OPERATION, _SERVICE) for m in form.finditer(data)})
    heads = [m.start() for m in re.finditer(rb"^" + iis.HEAD.encode(), data, re.MULTILINE)]
    places = sorted([*((p, False) for p in starts), *((p, True) for p in heads)])
    for place, is_head in places:
        if place < at:
            continue
        start = data.rfind(b"\n", at, place) + 1 or at
        end = data.find(b"\n", place)
        end = len(data) if end < 0 else end
        number += data.count(b"\n", counted, start)
        counted = start
        if is_head:
            yield data[start : min(end, start + 4096)].decode("utf-8", "replace").strip(), (start, end), number, False
            at = end
            continue
        if end - start > LONGEST_LINE:
            at = end
            continue
        pieces = [data[start:end].decode("utf-8", "replace").rstrip("\r")]
        end = _joined(data, pieces, end)
        at = end
        yield "".join(pieces).strip(), (start, end), number, len(pieces) > 1


def _joined(data: bytes, pieces: list[str], end: int) -> int:
    """Add the lines that continue a URL; returns where the last one ends."""
    size = len(pieces[0])
    while len(pieces) < _MOST_JOINED and size < LONGEST_LINE and end < len(data):
        if not (_OPEN.search(pieces[0]) if len(pieces) == 1 else re.fullmatch(r"[A-Za-z0-9+/%=_-]+", pieces[-1])):
            break
        stop = data.find(b"\n", end + 1)
        stop = len(data) if stop < 0 else stop
        if stop - end > LONGEST_LINE:
            break
        line = data[end + 1 : stop].decode("utf-8", "replace").strip()
        if not _GOES_ON.match(line) or "operation=" in line:
            break
        pieces[-1] = pieces[-1].rstrip()
        pieces.append(line)
        size += len(line)
        end = stop
    return end


def _exchange(line: str, said: Mapping[str, Any], name: str, number: int) -> Exchange | None:
    method, target = str(said.get("method") or "GET"), str(said.get("target") or "")
    if not _OPERATION.search(target.encode("utf-8", "replace")):
        return None
    server = str(said.get("server") or "")
    if "://" in target:
        server, _, target = target.partition("://")[2].partition("/")
        server = server.rpartition("@")[2]
        target = f"/{target}"
    status = str(said.get("status") or "")
    target, problems = without_ellipsis(target)
    if method == "POST":
        problems = (not_logged(),)
    elif (
        not problems
        and method == "GET"
        and (said.get("end") == "" or (is_cut_json(line) and (not status or is_cut(target))))
    ):
        advice = "Let it log longer lines (HAProxy: `len 8192` behind the log's address), or capture the packets."
        words = "a log line without its end"
        problems = (Problem(Layer.CAPTURE, "cut-short", "the whole URL", words, None, advice),)
    reply = HttpReply(int(status), truncated=True) if re.fullmatch(r"[1-5]\d\d", status) else None
    failed = reply is not None and reply.status is not None and reply.status >= 400
    remarks = said.get("remarks") or remarks_of(fields_of(line), number, failed=failed)
    if failed and not remarks and (words := _beside(line)):
        remarks = (Remark(words),)
    return Exchange(
        HttpRequest(method, target),
        reply,
        str(said.get("client") or ""),
        server,
        _time(said.get("time")),
        name,
        problems=problems,
        recorded=LOG_LINE,
        remarks=tuple(replace(r, line=number) for r in remarks),
        line=number,
    )


# The request and its status, and the agent that sent it: what is left of an access log's line is of the proxy.
_OWN = re.compile(r'"[A-Z]{3,8} [^"]*"(?: \d{3}\b)?|"[^"]*(?:/\d|Mozilla|curl)[^"]*"|\[[^\]]{0,40}\]')


def _beside(line: str) -> str:
    """Return what a line says beside the request, where it says why that failed; "" otherwise."""
    words = _OWN.sub(" ", without_secrets(line))
    return words.strip() if BAD.search(words) or "<NOSRV>" in words or "upstream" in words else ""


def _said(line: str, fields: list[str]) -> Mapping[str, Any]:
    """Return the fields of a line: client, time, method, target, status, server, end."""
    if line.startswith("{"):
        found = _of_fields(line)
        # Docker and journald wrap a program's own line.
        inner = (
            "" if "target" in found else next((v for k in _WRAPPED if isinstance(v := fields_of(line).get(k), str)), "")
        )
        return _said(inner.lstrip("{"), []) if "operation=" in inner else found
    if (of_iis := iis.said(line, fields)) is not None:
        return of_iis
    if match := _NGINX_ERROR.search(line):
        return {**match.groupdict(), "remarks": (Remark(without_secrets(match["words"]), "error"),)}
    for form in _FORMATS[:-1]:
        if match := form.search(line):
            return match.groupdict()
    named = _of_fields(line)
    if "target" in named and "method" in named:
        return named
    match = _FORMATS[-1].search(line)
    return match.groupdict() if match else named if "target" in named and '{"' in line else {}


def _of_fields(line: str) -> dict[str, Any]:
    values = fields_of(line)
    out: dict[str, Any] = {}
    for ours, theirs in _NAMES.items():
        for name in theirs:
            value = values.get(name)
            if isinstance(value, str | int | float) and value != "":
                out[ours] = value
                break
    # AWS WAF, nginx: the query in a field of its own.
    query = next(
        (str(values[k]) for k in ("args", "query", "query_string", "querystring", "requestquery") if values.get(k)), ""
    )
    if "operation=" in query and "?" not in str(out.get("target", "?")):
        out["target"] = f"{out['target']}?{query}"
    # nginx's $request: the whole request line.
    whole = re.fullmatch(r"([A-Z]{3,8}) (\S+)(?: HTTP/[\d.]+)?", str(out.get("target", "")))
    if whole:
        out["method"], out["target"] = whole.groups()
    return out


# --------------------------------------------------------------- lines of a service about an operation


def _service(line: str, span: Span, number: int) -> _Said | None:
    fields = fields_of(line)
    names = {o.lower(): o for o in OPERATIONS}
    operation = next(
        (names[v] for k in ("method", "op", "operation") if (v := str(fields.get(k, "")).lower()) in names), None
    )
    if operation is None or "?operation=" in line or "&operation=" in line:
        return None
    return _Said(operation, remarks_of(fields, number), number, span)


def _told(exchanges: list[Exchange], said: list[_Said]) -> tuple[list[Exchange], tuple[Remark, ...]]:
    """Add a service's lines to the adjacent request of the same operation; return the other lines, too."""
    rest: list[Remark] = []
    taken: set[int] = set()
    first = 0
    for service in said:
        if not service.remarks:
            continue
        while first < len(exchanges) and (exchanges[first].line or 0) < service.line - _NEAR:
            first += 1
        near = []
        for index in range(first, min(first + 2 * _NEAR + 1, len(exchanges))):
            exchange = exchanges[index]
            request, line = exchange.request, exchange.line or 0
            if (
                request is not None
                and abs(line - service.line) <= _NEAR
                and index not in taken
                and f"operation={service.operation.lower()}" in request.target.lower()
            ):
                near.append((line < service.line, abs(line - service.line), index))
        if not near:
            rest += service.remarks
            continue
        # micromdm logs the service's line first.
        index = min(near)[2]
        taken.add(index)
        exchanges[index] = replace(exchanges[index], remarks=(*exchanges[index].remarks, *service.remarks))
    return exchanges, tuple(rest)


def _time(text: object) -> datetime | None:
    """Read a time of any of the formats; without a zone it is taken as UTC."""
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
