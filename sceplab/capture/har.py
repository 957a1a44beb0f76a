"""HAR: the export format of browsers and HTTP proxies (http://www.softwareishard.com/blog/har-12-spec/).

Rule: JSON to `Exchange`s; the type of every value is checked.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
from datetime import datetime, timedelta
from typing import Any

from sceplab.capture.reading import Reading
from sceplab.errors import InputError
from sceplab.scep.transport import HTTP_TEXT, Exchange, Headers, HttpReply, HttpRequest


def fits(data: bytes) -> bool:
    """Whether it begins with a JSON object, as a log of JSON lines does too."""
    return data.lstrip()[:1] == b"{"


def read(data: bytes, name: str) -> Reading:
    """Return the exchanges of a HAR file in its order. Raises InputError for other JSON, or no entries."""
    try:
        entries = json.loads(data)["log"]["entries"]
        found = [_exchange(entry, name) for entry in entries]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"this is JSON, but not a readable HAR file ({type(error).__name__})") from error
    if not found:
        raise InputError("this HAR file has no request in it; was it saved before the enrollment?")
    return Reading(found, ((0, len(data)),), (0,) * len(found))


def _exchange(entry: dict[str, Any], name: str) -> Exchange:
    request, response = entry["request"], entry.get("response") or {}
    posted = request.get("postData") or {}
    body = _octets(str(posted.get("text", "")), str(posted.get("encoding", "")))
    url = str(request["url"])
    sent = HttpRequest(str(request.get("method", "GET")), url, _headers(request), body)
    status = int(response.get("status", 0))
    content = response.get("content") or {}
    reply = None
    if status:
        got = _octets(str(content.get("text", "")), str(content.get("encoding", "")))
        reply = HttpReply(status, _headers(response), got, str(response.get("statusText", "")))
    server = url.partition("://")[2].partition("/")[0].rpartition("@")[2]
    began, taken = _time(entry.get("startedDateTime")), entry.get("time")
    answered = None
    if began is not None and reply is not None and isinstance(taken, int | float) and 0 <= taken < _A_DAY:
        with contextlib.suppress(OverflowError):
            answered = began + timedelta(milliseconds=taken)
    return Exchange(sent, reply, "", server, began, name, answered=answered, recorded=HTTP_TEXT)


_A_DAY = 86_400_000


def _headers(message: dict[str, Any]) -> Headers:
    return tuple((str(h["name"]), str(h["value"])) for h in message.get("headers") or [])


def _octets(text: str, encoding: str) -> bytes:
    if encoding == "base64":
        try:
            return base64.b64decode(text)
        except binascii.Error:
            return b""
    # Without an encoding each character is one byte where possible.
    return text.encode("latin-1", "replace")


def _time(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None
