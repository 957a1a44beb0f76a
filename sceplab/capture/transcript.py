"""Match replies to requests where a text has messages, HTTP headers and statuses one by one.

Rule: order decides. Headers and the bytes of their message are one request; a status
and the bytes after it are the reply to the last request without one. Nothing is
joined across lines of two logs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sceplab.capture.alone import Kind, kind_of
from sceplab.scep.transport import (
    ALONE,
    CA_CERT,
    CA_RA_CERT,
    HTTP_TEXT,
    LOG_LINE,
    PKCS10,
    PKI_MESSAGE,
    Exchange,
    HttpReply,
    HttpRequest,
    Remark,
    parse_request,
)

# How many exchanges back a message is searched that others (a CSR, a certificate) follow.
_BACK = 5


def paired(found: Iterable[Exchange]) -> tuple[list[Exchange], list[Remark]]:
    """Return the exchanges joined from their parts, and the remarks of replies that belong to none."""
    out: list[Exchange] = []
    rest: list[Remark] = []
    for exchange in found:
        if exchange.request is None and exchange.reply is not None:
            at = _asked(out, exchange)
            if at is not None:
                out[at] = _answered(out[at], exchange)
            elif exchange.recorded == LOG_LINE:
                rest += exchange.remarks
            elif not _repeated(out, exchange.reply.body):
                out.append(exchange)
        elif exchange.request is not None and exchange.reply is None and _joined(out, exchange):
            continue
        elif _announced(out, exchange):
            out[-1] = replace(exchange, line=out[-1].line)
        else:
            out.append(exchange)
    return _without_envelopes(out), rest


def _announced(out: list[Exchange], exchange: Exchange) -> bool:
    """Whether a line of a log has the reply to the request in the line before it."""
    before = out[-1] if out else None
    return (
        before is not None
        and before.recorded == exchange.recorded == LOG_LINE
        and before.reply is None
        and exchange.reply is not None
        and before.request is not None
        and before.request == exchange.request
    )


def _behind(out: list[Exchange]) -> list[int]:
    """Return the indices of the last exchanges, latest first, without single CSRs and certificates."""
    return [i for i in range(len(out) - 1, max(len(out) - _BACK, 0) - 1, -1) if not _beside(out[i])]


def _beside(exchange: Exchange) -> bool:
    """Whether a message alone is neither request nor CertRep: a router prints such between the two."""
    if exchange.recorded != ALONE:
        return False
    if exchange.request is None:
        return exchange.reply is not None and exchange.reply.header("Content-Type") in {CA_CERT, CA_RA_CERT}
    return exchange.request.header("Content-Type") == PKCS10 or kind_of(exchange.request.body) is Kind.ENVELOPE


def _operation(exchange: Exchange) -> str:
    return parse_request(exchange.request).operation if exchange.request is not None else ""


def _asked(out: list[Exchange], answer: Exchange) -> int | None:
    """Return the index of the request that a reply belongs to, or None."""
    reply = answer.reply
    if not out or reply is None:
        return None
    if answer.recorded == ALONE:
        kind = reply.header("Content-Type")
        places = _behind(out) if kind == PKI_MESSAGE else [len(out) - 1]
        for at in places[:1]:
            before = out[at]
            if before.recorded == LOG_LINE or (before.reply is not None and before.reply.body):
                return None
            wanted = {"PKIOperation"} if kind == PKI_MESSAGE else {"GetCACert", "GetNextCACert"}
            return at if _operation(before) in wanted else None
        return None
    places = [i for i in _behind(out) if out[i].request is not None]
    if not places or not _open(out[places[0]]):
        return None
    if reply.header("Content-Type") == PKI_MESSAGE and _operation(out[places[0]]) in {"GetCACert", "GetCACaps"}:
        return None  # the request that it answers was left out of the log
    if out[places[0]].recorded != HTTP_TEXT:
        return places[0]
    # Replies are in the order of their requests.
    at = places[0]
    while (
        at > 0 and out[at - 1].recorded == HTTP_TEXT and out[at - 1].request is not None and out[at - 1].reply is None
    ):
        at -= 1
    return at


def _open(exchange: Exchange) -> bool:
    reply = exchange.reply
    return reply is None or reply.status is None


def _answered(asked: Exchange, answer: Exchange) -> Exchange:
    """Join a request, with the parts of its reply so far, with a further part: headers or bytes."""
    new, old = answer.reply, asked.reply
    assert new is not None  # noqa: S101 - asked for by `paired`
    problems = (*asked.problems, *answer.problems)
    recorded = HTTP_TEXT if HTTP_TEXT in {asked.recorded, answer.recorded} else asked.recorded
    if old is not None:
        head, octets = (old, new) if new.status is None else (new, old)
        body = octets.body or head.body
        new = HttpReply(head.status, head.headers or octets.headers, body, head.reason, head.truncated and not body)
        problems = tuple(p for p in problems if p.code != "incomplete")
    return replace(
        asked,
        reply=new,
        problems=problems,
        recorded=recorded if recorded != LOG_LINE else asked.recorded,
        remarks=(*asked.remarks, *(answer.remarks if answer.recorded != LOG_LINE else ())),
    )


def _joined(out: list[Exchange], new: Exchange) -> bool:
    """Join a request with the one before it if one has the headers and the other the message; else False."""
    request = new.request
    assert request is not None  # noqa: S101 - asked for by `paired`
    if new.recorded == LOG_LINE or _beside(new) or _operation(new) != "PKIOperation":
        return False
    at = next(iter(_behind(out)), None)
    before = out[at] if at is not None else None
    if (
        at is None
        or before is None
        or before.request is None
        or before.recorded == LOG_LINE
        or before.reply is not None
    ):
        return False
    if _operation(before) != "PKIOperation" or (before.recorded == HTTP_TEXT) == (new.recorded == HTTP_TEXT):
        # The same message twice, in two spellings, counts once.
        same = _message(before.request) == _message(request) and before.recorded == new.recorded == ALONE
        return same and bool(_message(request))
    head, octets = (before, new) if before.recorded == HTTP_TEXT else (new, before)
    assert head.request is not None  # noqa: S101 - both have one
    assert octets.request is not None  # noqa: S101
    there, message = _message(head.request), _message(octets.request)
    if there and there != message:
        return False
    filled = head.request if there else replace(head.request, body=message, truncated=False)
    if not there and head.request.method == "GET":
        filled = replace(filled, method="POST")
    problems = tuple(p for p in (*before.problems, *new.problems) if p.code not in {"incomplete", "not-logged"})
    out[at] = replace(before, request=filled, problems=problems, recorded=HTTP_TEXT)
    return True


def _message(request: HttpRequest) -> bytes:
    return parse_request(request).message or b""


def _repeated(out: list[Exchange], body: bytes) -> bool:
    """Whether a message alone repeats the one before it."""
    before = out[-1].reply if out else None
    return before is not None and bool(body) and before.body == body


def _without_envelopes(found: list[Exchange]) -> list[Exchange]:
    """Leave out envelopes that are part of an adjacent message: a router prints each layer."""
    out = []
    for index, exchange in enumerate(found):
        request = exchange.request
        if exchange.recorded == ALONE and request is not None and kind_of(request.body) is Kind.ENVELOPE:
            near = found[max(index - _BACK, 0) : index + _BACK]
            if any(
                o.request is not None and o is not exchange and request.body[:200] in _message(o.request) for o in near
            ):
                continue
        out.append(exchange)
    return out
