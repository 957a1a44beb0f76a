"""Any text made of pieces: every piece is read once or listed as unread."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sceplab.capture import hexdump, read_capture
from sceplab.capture.forms import read_text
from sceplab.capture.reading import Span, Unread
from sceplab.errors import InputError
from sceplab.scep.conversation import decode_exchanges
from tests.helpers.captures import DATA, messages
from tests.helpers.spellings import LOGS, REQUESTS, url_of

# Forms that must be a whole file, without other text.
_WHOLE_FILES = {"DER", "HTTP POST"}
_FORMS = sorted({*REQUESTS, *LOGS} - _WHOLE_FILES)
_WORDS = (
    "ERROR scepd: cannot decrypt the envelope",
    '192.0.2.9 - - [24/Nov/2026:08:04:11 +0000] "GET /index.html HTTP/1.1" 200 12',
    "Hello, here is what we see.",
    "-- next --",
    "> quoted, 12:30 and 0x8009000d",
    '\t\u00fc\u0001\u20ac %41 &amp; {"a": [1, 2]}',
)
_EVIDENCE = re.compile(rb"[A-Za-z0-9+/_%-]{200,}|(?:[0-9A-Fa-f]{2}[ :]?){64,}|-----BEGIN ")


@cache
def _messages() -> tuple[bytes, ...]:
    """Return distinct requests."""
    folders = [DATA / "specimen", *sorted((DATA / "captures").iterdir())]
    return tuple(dict.fromkeys(m.raw for f in folders for m in messages(f) if m.csr is not None))


def _made(name: str, raw: bytes) -> str:
    made = LOGS[name].format(url=url_of(raw)) if name in LOGS else REQUESTS[name](raw)
    return made.decode("latin-1") if isinstance(made, bytes) else made


class Paste(NamedTuple):
    """A text and its pieces: form, the complete message in it (None when truncated), first and last line."""

    data: bytes
    pieces: list[tuple[str, bytes | None, int, int]]


def _paste(chance: Random) -> Paste:
    """Make a text of pieces in any form, about one in four truncated, with other text between them."""
    text, pieces = "Hello\n\n", []
    for raw in chance.sample(_messages(), chance.randint(1, 4)):
        name = chance.choice(_FORMS)
        piece, whole = _made(name, raw), chance.random() < 0.75
        first = text.count("\n") + 1
        text += (piece if whole else piece[: chance.randint(0, len(piece))]) + "\n"
        pieces.append((name, raw if whole else None, first, text.count("\n")))
        text += f"\n{chance.choice(_WORDS)}\n\n"
    return Paste(text.encode(), pieces)


def _named(unread: Iterable[Unread], first: int, last: int) -> bool:
    return any(u.lines[0] <= last and first <= u.lines[1] for u in unread)


def _blank(data: bytes, claims: Iterable[Span]) -> bytes:
    rest = bytearray(data)
    for start, end in claims:
        rest[start:end] = re.sub(rb"[^\n]", b" ", bytes(rest[start:end]))
    return bytes(rest)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32))
def test_complete_messages_are_read_and_the_rest_is_listed(seed: int) -> None:
    """Complete messages, truncated ones, logs and other text in sequence: nothing is read twice, nothing is lost."""
    data, pieces = _paste(Random(seed))  # noqa: S311 - no secret is made
    forms = [(name, raw is not None) for name, raw, *_ in pieces]
    try:
        capture, claims = read_text(data, "")
    except InputError:
        assert not any(raw for _, raw, *_ in pieces), forms
        return
    assert all(0 <= first < last <= len(data) for first, last in claims)
    assert all(before[1] <= after[0] for before, after in pairwise(claims)), forms
    decoded = {m.raw for d in decode_exchanges(capture) for m in (d.request, d.reply) if m is not None}
    for name, raw, first, last in pieces:
        assert raw is None or raw in decoded or _named(capture.unread, first, last), (name, forms)
    for number, line in enumerate(_blank(data, claims).split(b"\n"), 1):
        assert not _EVIDENCE.search(line) or _named(capture.unread, number, number), (line[:100], forms)


def _all_read(*texts: str) -> int:
    """Join texts with empty lines, read them, and return how many of the known messages were found."""
    found = {m.raw for d in decode_exchanges(read_capture("\n\n".join(texts))) for m in (d.request, d.reply) if m}
    return len(found.intersection(_messages()))


_CURL = "> GET /scep?operation=GetCACert HTTP/1.1\n> Host: ca\n> \n< HTTP/1.1 500 No\n{}< \n{}"


@pytest.mark.parametrize(
    "body",
    [
        _CURL.format("Content-Length: 5\n", "Oops\n"),
        _CURL.format("", ""),
        _CURL.format("", "Oops\n"),
        _CURL.format("", "<html>\n\n<p>No\n</html>\n"),
    ],
)
@pytest.mark.parametrize("form", ["PEM", "hexdump -C", "nginx, combined", "C string", "base64 in lines"])
def test_text_below_a_body_is_not_part_of_it(body: str, form: str) -> None:
    """A reply body printed by `curl -v` ends at its length, at the end of its page or at its paragraph."""
    assert _all_read(body, _made(form, _messages()[0])) == 1


def test_a_body_with_empty_lines_stays_whole() -> None:
    """Text with empty lines and nothing else after it is all body."""
    text = _CURL.format("", "The request\n\nwas refused\n\n\nby policy.\n")
    (exchange,) = read_capture(text)
    assert exchange.reply is not None
    assert exchange.reply.body == b"The request\n\nwas refused\n\n\nby policy.\n"


def test_a_truncated_string_ends_at_an_empty_line() -> None:
    """Otherwise it would run to the next quote, and the text between would be lost."""
    first, second = _messages()[:2]
    assert _all_read(_made("C string", first)[:500], _made("hex", second), 'He said "no".') == 1


def test_another_log_line_below_an_iis_line() -> None:
    """The other line may have as many words as the IIS line has fields."""
    assert _all_read(_made("IIS", _messages()[0]), _made("step-ca, text", _messages()[1])) == 2


def test_a_dump_below_an_unterminated_pem_block() -> None:
    """The BEGIN line and the dump below it are listed separately; the dump is not part of the PEM block."""
    raw = bytes(range(256)) * 2
    text = (
        f"error\n-----BEGIN CMS-----\nMIIB\n\nthen\n{_made('hex in lines', raw)}\n-----BEGIN X-----\n-----END X-----\n"
    )
    capture = read_capture(text)
    assert [(u.count, u.lines) for u in capture.unread if "hex" in u.what] == [(1, (6, 21))]
    assert [u.lines for u in capture.unread if "PEM" in u.what] == [(2, 2), (23, 24)]


@pytest.mark.parametrize("dots", [".", "\u2026", "[...]"])
def test_many_dots_in_a_url_are_read_quickly(dots: str) -> None:
    """Found by fuzzing: the pattern tried every grouping of dots in a URL, for hours."""
    url = f"http://ca/scep?operation=PKIOperation&message=MIIB{dots * 100_000}"
    for end in ("A", ""):
        (exchange,) = read_capture(f"See {url}{end}\n")
        assert exchange.request is not None
        assert [p.code for p in exchange.problems if p.code == "cut-short"] == ["cut-short"] * (not end)


def test_alternating_sides_of_a_stream_are_claimed_once() -> None:
    """Found by fuzzing: in a followed stream with two turns per side, the spans of the sides overlapped."""
    turns = [(b"GET /scep?operation=GetCACaps HTTP/1.1\r\nHost: ca\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nAES\n")] * 2
    offsets, text = [0, 0], ""
    for pair in turns:
        for side, octets in enumerate(pair):
            for at in range(0, len(octets), 16):
                text += f"{'    ' * side}{offsets[side]:08x}  {octets[at : at + 16].hex(' ')}\n"
                offsets[side] += len(octets[at : at + 16])
    claims = hexdump.read(text.encode(), "").claims
    assert claims
    assert all(before[1] <= after[0] for before, after in pairwise(claims))
