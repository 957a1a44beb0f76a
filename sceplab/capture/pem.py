"""PEM: messages and CSRs between BEGIN and END lines (RFC 7468), also after log prefixes.

Rule: blocks that are not messages are not claimed, so that they are reported as
unread: a key or certificate is not a capture.
"""

from __future__ import annotations

import re

from sceplab.capture.reading import Reading, Span, assorted
from sceplab.capture.value import exchange_of
from sceplab.scep.transport import Exchange

_HEAD = re.compile(rb"-----BEGIN ([A-Z0-9 #]{1,40})-----")
_LABELS = {
    *(b"PKCS7", b"CMS", b"PKCS #7 SIGNED DATA", b"SCEP", b"MESSAGE"),
    *(b"CERTIFICATE REQUEST", b"NEW CERTIFICATE REQUEST"),
}
LARGEST = 1 << 20
"""Limit in bytes of the text between the two lines; larger blocks are not SCEP."""
_LAST_WORD = re.compile(rb"([A-Za-z0-9+/=]+)[\s\"',\\]*$")


def fits(data: bytes) -> bool:
    """Whether a text has a BEGIN line with any label."""
    return _HEAD.search(data) is not None


def read(data: bytes, name: str) -> Reading:
    """Return the messages of all blocks."""
    found: list[tuple[int, Exchange]] = []
    claims: list[Span] = []
    at = 0
    while (head := _HEAD.search(data, at)) is not None:
        at = head.end()
        if head[1] not in _LABELS:
            continue
        # Without an END line it ends at the next block or at the end of the text.
        other = _HEAD.search(data, at, at + LARGEST)
        limit = other.start() if other is not None else min(len(data), at + LARGEST)
        tail = b"-----END " + head[1] + b"-----"
        end = data.find(tail, at, limit)
        if end < 0:
            continue
        exchange = exchange_of(_body(data, head, end), name)
        found.append((head.start(), exchange))
        at = end + len(tail)
        claims.append((head.start(), at))
    return assorted(found, claims)


def _body(data: bytes, head: re.Match[bytes], end: int) -> str:
    """Return the base64 of a block, without log prefixes."""
    body = data[head.end() : end]
    if b"\\n" in body:
        body = body.replace(b"\\r", b"").replace(b"\\n", b"\n")
    start = data.rfind(b"\n", 0, head.start()) + 1
    if data[start : head.start()].strip(b" \t\"'>"):
        words = (_LAST_WORD.search(line[-200:]) for line in body.splitlines())
        body = b"\n".join(w[1] for w in words if w is not None)
    return body.translate(None, b"\"'>,").decode("latin-1")
