"""Messages as text: a URL, a request line, a `message=` value, base64, PEM.

Rule: each function turns one form into `Exchange`s; which form it is, `read_text`
finds out by its signs, the surest first.
"""

from __future__ import annotations

import re

from sceplab.errors import InputError, Problem
from sceplab.transport import (
    DEFAULT_PATH,
    PKI_MESSAGE,
    Exchange,
    HttpReply,
    HttpRequest,
    decode_message_value,
)

_TARGET = re.compile(r"[^\s\"'<>]*\?[^\s\"'<>]*operation=[A-Za-z]+(?:&message=[^\s\"'<>]*)?", re.IGNORECASE)
_PEM = re.compile(rb"-----BEGIN (PKCS7|CMS|PKCS #7 SIGNED DATA|SCEP|MESSAGE)-----(.*?)-----END \1-----", re.DOTALL)
_PEM_ANY = re.compile(rb"-----BEGIN ([A-Z0-9 #]+)-----")
# Of a pkiMessage: SEQUENCE with a length of two or three octets, definite, or indefinite.
_MESSAGE_STARTS = (b"\x30\x82", b"\x30\x83", b"\x30\x80", b"\x30\x81")


def message_alone(data: bytes, name: str, problems: tuple[Problem, ...] = ()) -> Exchange:
    """Return an exchange around a message that came without HTTP.

    Whether it is a request or a reply its attributes tell; the reply's place is
    used for a CertRep, which is the only message with a pkiStatus attribute.
    """
    if _PKI_STATUS in data:
        reply = HttpReply(200, (("Content-Type", PKI_MESSAGE),), data)
        return Exchange(None, reply, source=name, problems=problems)
    request = HttpRequest("POST", f"{DEFAULT_PATH}?operation=PKIOperation", (), data)
    return Exchange(request, None, source=name, problems=problems)


_PKI_STATUS = bytes.fromhex("060a6086480186f845010903")


def read_text(data: bytes, name: str) -> list[Exchange]:
    """Read text of any of the forms; raises InputError saying what was found."""
    pem = _PEM.findall(data)
    if pem:
        return [_from_value(body.decode("latin-1"), name) for _, body in pem]
    other = _PEM_ANY.search(data)
    if other:
        label = other.group(1).decode("ascii")
        raise InputError(f"this is PEM of type {label}, not a SCEP message; give it with --cert or --key")
    words = data.decode("utf-8", "surrogateescape").strip()
    if not words:
        raise InputError("there is nothing in it; give a capture, a URL, base64, PEM or DER")
    targets = _TARGET.findall(words)
    if targets:
        return [_from_target(t, name) for t in targets]
    value = words.partition("message=")[2] if "message=" in words[:200] else words
    exchange = _from_value(value, name)
    body = exchange.request or exchange.reply
    if body is not None and body.body.startswith(_MESSAGE_STARTS):
        return [exchange]
    start = data[:16].decode("latin-1")
    raise InputError(
        f"this starts with {start!r} and is no format known here; "
        "give a pcap or pcapng file, HAR, HTTP, a URL, a message= value, base64, PEM, DER or a hex dump"
    )


def _from_target(target: str, name: str) -> Exchange:
    method = "GET"
    return Exchange(HttpRequest(method, target), None, source=name)


def _from_value(value: str, name: str) -> Exchange:
    decoded = decode_message_value(value)
    if "%" in value:
        # Still as it stood in a URL: keep the text, so that its dialect can be shown.
        target = f"{DEFAULT_PATH}?operation=PKIOperation&message={''.join(value.split())}"
        return Exchange(HttpRequest("GET", target, (), decoded.data), None, source=name, problems=decoded.problems)
    kept = tuple(p for p in decoded.problems if p.code not in {"line-breaks", "raw-plus"})
    return message_alone(decoded.data, name, kept)
