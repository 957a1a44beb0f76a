"""Damage of a message in transit: text conversions, truncation, escapes (RFC 8894, 4.1)."""

from __future__ import annotations

from collections.abc import Iterator

from sceplab.analysis.faults.model import Context, Fault, Hit, Likelihood, Side
from sceplab.asn1 import der
from sceplab.scep.conversation import DecodedExchange

PLUS_LOST = Fault(
    "plus-lost",
    'The "+" of the base64 became spaces.',
    'Write "+" as %2B, or use POST.',
    section="RFC 8894, 4.1",
    explains=Likelihood.CERTAIN,
)
RAW_PLUS = Fault(
    "raw-plus",
    'The "+" of the base64 is not escaped; many servers read a space.',
    'Write "+" as %2B, or use POST.',
    section="RFC 8894, 4.1",
    explains=Likelihood.POSSIBLE,
)
URL_ALPHABET = Fault(
    "url-alphabet",
    "The base64 is in the URL-safe alphabet, which many servers refuse.",
    'Use "+" and "/", percent-encoded.',
    section="RFC 8894, 4.1",
    explains=Likelihood.LIKELY,
)
ESCAPED_TWICE = Fault(
    "escaped-twice",
    "The message was percent-encoded twice.",
    "Leave the encoding to the HTTP library, or do it yourself: once is enough.",
    section="RFC 8894, 4.1",
    explains=Likelihood.LIKELY,
)
POSTED_BASE64 = Fault(
    "posted-base64",
    "The POST carries base64 text in place of the message.",
    "Post the bytes of the message (DER), without base64.",
    section="RFC 8894, 4.3",
    explains=Likelihood.LIKELY,
)
CUT_OFF = Fault(
    "cut-off",
    "The request is cut off: its end is missing.",
    "Find what limits the length (URL, proxy, log, form field), and use POST.",
    section="RFC 8894, 4.1",
    explains=Likelihood.LIKELY,
)
TEXT_UTF8 = Fault(
    "text-utf8",
    "The message was converted to UTF-8 text on its way: bytes were replaced by EF BF BD.",
    "Handle the body as bytes, not as text, in the program that sends or forwards it.",
    explains=Likelihood.CERTAIN,
)
TEXT_CRLF = Fault(
    "text-crlf",
    "The message was treated as text on its way: each line feed (0A) became CR LF (0D 0A).",
    "Handle the body as bytes, not as text, in the program that sends or forwards it.",
    explains=Likelihood.CERTAIN,
)
TEXT_ASCII = Fault(
    "text-ascii",
    'The message was converted to ASCII text on its way: bytes above 7F became "?".',
    "Handle the body as bytes, not as text, in the program that sends or forwards it.",
    explains=Likelihood.CERTAIN,
)
_OF_TEXT = {f.id: f for f in (PLUS_LOST, RAW_PLUS, URL_ALPHABET, ESCAPED_TWICE, POSTED_BASE64)}
_REPLACED = "\ufffd".encode()


def damaged(data: bytes) -> Hit | None:
    """Return how a conversion to text changed bytes that should be DER, None if it did not."""
    replaced = data.count(_REPLACED)
    if replaced >= 3 and data[:1] == b"\x30":
        return Hit(TEXT_UTF8, f"EF BF BD stands {replaced} times in {len(data)} bytes")
    lines = data.count(b"\n")
    if lines >= 3 and data.count(b"\r\n") == lines and _whole(data.replace(b"\r\n", b"\n")) and not _whole(data):
        return Hit(TEXT_CRLF, f"all {lines} bytes 0A follow a 0D; without these {lines} the message is whole")
    if len(data) > 64 and data[:2] == b"0?" and data.isascii():
        return Hit(TEXT_ASCII, f'no byte is above 7F, and "?" stands {data.count(b"?")} times')
    return None


def _whole(data: bytes) -> bool:
    try:
        return der.read(data).end == len(data)
    except der.DerError:
        return False


def promised(data: bytes) -> int | None:
    """Return the size in bytes of a message by its first DER header, None if it cannot be read."""
    if len(data) < 6 or data[0] != 0x30 or not 0x80 < data[1] <= 0x84:
        return None
    count = data[1] & 0x7F
    return 2 + count + int.from_bytes(data[2 : 2 + count], "big")


def sent(item: DecodedExchange, _context: Context) -> Iterator[Hit]:
    """Yield damage of a request by a conversion, an escape or truncation."""
    operation = item.operation
    if operation is None:
        return
    codes = {p.code: p for p in operation.problems}
    if not item.exchange.recorded.http:
        # Base64 in another text, in which the sender or a log wrote spaces.
        codes |= {p.code: p for p in item.exchange.problems if p.code == PLUS_LOST.id}
    for code, fault in _OF_TEXT.items():
        if code in codes:
            yield Hit(fault, str(codes[code]), side=Side.REQUEST)
    data = operation.message or b""
    change = damaged(data)
    if change is not None:
        yield change._replace(side=Side.REQUEST)
        return
    total = promised(data)
    if total is not None and total > len(data) and not is_cut_by_source(item):
        yield Hit(CUT_OFF, f"{len(data)} of {total} bytes are there", side=Side.REQUEST)
    elif "cut-off" in codes and not is_cut_by_source(item):
        yield Hit(CUT_OFF, str(codes["cut-off"]), side=Side.REQUEST)


def is_cut_by_source(item: DecodedExchange) -> bool:
    """Whether the capture or log truncated the message, so that the bytes in transit are unknown."""
    return any(p.code in {"cut-short", "incomplete", "not-logged"} for p in item.exchange.problems)


FAULTS = (
    *(PLUS_LOST, RAW_PLUS, URL_ALPHABET, ESCAPED_TWICE, POSTED_BASE64, CUT_OFF),
    *(TEXT_UTF8, TEXT_CRLF, TEXT_ASCII),
)
