"""The value of `message=` alone: base64, with or without URL escapes; also any other base64 of a message.

Rule: the whole text is the value; it is read only if its bytes are a structure that
SCEP uses. Base64 inside other text is read by `base64text`.
"""

from __future__ import annotations

import re

from sceplab.capture.alone import kind_of, message_alone, size_of
from sceplab.capture.reading import Reading
from sceplab.scep.transport import ALONE, DEFAULT_PATH, Exchange, HttpRequest, decode_message_value

_ALIEN = re.compile(r"[^A-Za-z0-9+/=_%\s-]")
# Characters that copying may have changed; a text with more of them is not base64.
_MOST_ALIEN = 2


def fits(data: bytes) -> bool:
    """Whether a text is almost only base64."""
    value = _value(data)
    return "\\" not in value and len(_ALIEN.findall(value, 0, 1 << 20)) <= _MOST_ALIEN


def read(data: bytes, name: str) -> Reading:
    """Return one exchange with the message, none if the text is not a message."""
    exchange = exchange_of(_value(data), name)
    side = exchange.request or exchange.reply
    if side is None or kind_of(side.body) is None:
        return Reading([])
    size = size_of(side.body)
    if size is not None and len(side.body) > size + 2:
        return Reading([])  # other text follows
    return Reading([exchange], ((0, len(data)),), (len(data) - len(data.lstrip()),))


def _value(data: bytes) -> str:
    words = data.decode("utf-8", "surrogateescape").strip()
    return _without_quotes(words.partition("message=")[2] if "message=" in words[:200] else words)


def _without_quotes(value: str) -> str:
    """Strip the marks of a string or a quotation."""
    value = re.sub(r"(?m)^[ \t]*>[ \t]?", "", value)  # a mail's quotation
    return value.strip().strip("\"'`<>").strip()


def exchange_of(value: str, name: str) -> Exchange:
    """Return the exchange around the message in a value of `message=`. Never raises."""
    decoded = decode_message_value(value)
    if "%" in value:
        # Still URL-escaped: keep the text, so that its dialect can be shown.
        target = f"{DEFAULT_PATH}?operation=PKIOperation&message={''.join(value.split())}"
        asked = HttpRequest("GET", target, (), decoded.data)
        return Exchange(asked, None, source=name, problems=decoded.problems, recorded=ALONE)
    kept = tuple(p for p in decoded.problems if p.code not in {"line-breaks", "raw-plus"})
    return message_alone(decoded.data, name, kept)
