"""What is left of a text when all formats have read theirs: lines of words, and evidence that nobody read.

Rule: words are kept with their line where they speak of SCEP or of an error; what they
mean is known to `analysis.products`. What looks like octets or HTTP and was not
read is named, with what to do. One pass over the lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from sceplab.capture.fields import BAD, fields_of, remarks_of
from sceplab.capture.reading import Unread
from sceplab.scep.transport import LOG_LINE, Exchange, HttpReply, Remark

MAX_REMARKS = 10_000
LONGEST = 2000
_KNOWN = re.compile(
    r"\b(?:scep|sscep|jscep|ndes|mscep|crypto_pki|pkistatus|pki status|failinfo|fail info|getca(?:caps|cert)|"
    r"pkioperation|"
    r"pkcs ?#?(?:7|10)|certrep|"
    r"challenge ?password|pki-\d|profiled|mdmclient|certmonger|CA_UNREACHABLE|CA_REJECTED|"
    r"certsrv|event ?id|badAlg|badMessageCheck|badRequest|badTime|badCertId)\b|%PKI|"
    r"status ?= ?(?:0x)?[0-9A-Fa-f]{2,8}\b|\b0x[0-9A-Fa-f]{8}\b|transaction ?(?:id|permitted)",
    re.IGNORECASE,
)
_FOREIGN = re.compile(
    r'"[A-Z]{3,8} [^"\s]+ HTTP/[\d.]+" [1-5]\d\d|^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [\d.:a-f]+ (?:GET|POST|HEAD) /'
)
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 #]{1,40})-----")
_PEM_END = re.compile(r"-----END [A-Z0-9 #]{1,40}-----")
_STATUS = re.compile(r"(?:^|[\s>:])HTTP/\d(?:\.\d)? [1-5]\d\d\b")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{200,}+={0,2}")
_BASE64_LINE = re.compile(r"[\s>\"']{0,20}[A-Za-z0-9+/]{40,100}={0,2}[\"',\\\s]{0,8}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}[ :-]?){64,}+")
_HEX_LINE = re.compile(r"\s{0,20}(?:(?:0x)?[0-9A-Fa-f]{4,8}[:\s]\s{0,4})?(?:[0-9A-Fa-f]{2}[ :]?){16,64}+.{0,80}")
# Lines of octets in a row that make a block.
_FEWEST_LINES = 3
# sscep tells the reply's head in words of its own.
_SSCEP_STATUS = re.compile(r"server response status code: ([1-5]\d\d)(?:, MIME header: (\S{1,80}))?")
# Exports of other programs that have no octets in them, or in a form that only they read.
_EXPORTS = (
    (
        re.compile(r"<\?charles serialisation-version|\"scheme\":\"https?\".{0,200}\"sizes\""),
        "a session of Charles: export it as HAR (File, Export Session)",
    ),
    (
        re.compile(r"^PKCS7 Message:|^X509 Certificate(?: Request)?:|^PKCS10 Certificate Request:"),
        "a description by certutil -dump, without its octets: give the file itself",
    ),
    (
        re.compile(r"^\s*\d+:d=\d+\s+hl=\d+ l=\s*\d+ (?:cons|prim):"),
        "a description by openssl asn1parse, without its octets: give the DER or PEM",
    ),
    (
        re.compile(r"^(?:CMS_ContentInfo|PKCS7):\s*$"),
        "a description by openssl cms -print, without its octets: give the DER or PEM",
    ),
    (
        re.compile(r"^SEQUENCE \(\d+ elem\)|^(?:  )?ContentInfo SEQUENCE \(\d+ elem\)"),
        "a tree by asn1js, without its octets: copy the hex or the link",
    ),
)
_ADVICE = {
    "CERTIFICATE": "certificate in PEM, no message: give it with --cert, beside this",
    "TRUSTED CERTIFICATE": "certificate in PEM, no message: give it with --cert, beside this",
}


@dataclass(slots=True)
class Left:
    """What was found in the rest: remarks, heads of replies in words with their place, and what nobody read."""

    remarks: list[Remark] = field(default_factory=list)
    answers: list[tuple[int, Exchange]] = field(default_factory=list)
    unread: tuple[Unread, ...] = ()


def read_rest(data: bytes, name: str) -> Left:
    """Return what is in the rest of a text, where all that was read is blank."""
    left = Left()
    seen: dict[str, list[int]] = {}
    counts: dict[str, int] = {}
    for number, start, line in _lines(data):
        answer = _SSCEP_STATUS.search(line)
        if answer is not None:
            headers = (("Content-Type", answer[2]),) if answer[2] else ()
            remark = Remark(line.strip()[:LONGEST], "", number)
            reply = HttpReply(int(answer[1]), headers, truncated=True)
            left.answers.append((start, Exchange(None, reply, source=name, recorded=LOG_LINE, remarks=(remark,))))
        elif not _FOREIGN.search(line[: 4 * LONGEST]) and len(left.remarks) < MAX_REMARKS:
            left.remarks += _remarks(line, number)
    for what, first, last in _evidence(data):
        counts[what] = counts.get(what, 0) + 1
        seen.setdefault(what, [first, last])[1] = last
    left.unread = tuple(Unread(what, counts[what], (first, last)) for what, (first, last) in seen.items())
    return left


def _lines(data: bytes) -> Iterator[tuple[int, int, str]]:
    """Yield the lines with words: number, place, text."""
    end = 0
    for number, line in enumerate(data.split(b"\n"), 1):
        start, end = end, end + len(line) + 1
        text = line.strip()
        if text:
            yield number, start, text.decode("utf-8", "replace")


def _remarks(line: str, number: int) -> list[Remark]:
    start = line[: 4 * LONGEST]
    if not (BAD.search(start) or _KNOWN.search(start)) or _octets_only(start):
        return []
    fields = fields_of(start) if "=" in start or '{"' in start else {}
    if {"level", "ts", "caller", "severity"} & fields.keys():
        said = remarks_of(fields, number)
        if said:
            return list(said)
    return [Remark(line[:LONGEST], "", number)]


def _octets_only(line: str) -> bool:
    return bool(_BASE64_LINE.fullmatch(line) or _HEX_LINE.fullmatch(line)) or line.startswith("-----")


class _Line(NamedTuple):
    """A line outside of PEM; or, with a label, a block of PEM as one."""

    first: int
    last: int
    text: str
    label: str = ""


def _with_pem(data: bytes) -> Iterator[_Line]:
    """Yield lines, and blocks of PEM as one. Of a block without an end only the head is one: the rest is lines."""
    head: _Line | None = None
    inside: list[_Line] = []
    for number, _, text in _lines(data):
        line = _Line(number, number, text)
        begins = _PEM.search(text if head is not None else text[: 4 * LONGEST])
        ends = _PEM_END.search(text, begins.end() if begins is not None else 0)
        if head is not None and ends is not None and begins is None:
            yield head._replace(last=number)
            head, inside = None, []
        elif begins is not None:
            if head is not None:
                yield from (head, *inside)
            head, inside = line._replace(label=begins[1]), []
            if ends is not None:
                yield head
                head = None
        elif head is not None:
            inside.append(line)
        else:
            yield line
    if head is not None:
        yield from (head, *inside)


def _evidence(data: bytes) -> Iterator[tuple[str, int, int]]:
    """Yield what looks like evidence: what it is, first and last line."""
    run: tuple[str, int, int] | None = None
    for line in _with_pem(data):
        kind = ""
        if not line.label:
            # Digits of hex are letters of base64, too.
            kind = "hex" if _HEX_LINE.fullmatch(line.text) else "base64" if _BASE64_LINE.fullmatch(line.text) else ""
        if run is not None and (run[0] != kind or line.first != run[2] + 1):
            yield from _run(run)
            run = None
        if line.label:
            yield _pem(line.label), line.first, line.last
        elif kind:
            run = (kind, run[1] if run is not None else line.first, line.first)
        else:
            for what in _of_line(line.text):
                yield what, line.first, line.first
    if run is not None:
        yield from _run(run)


def _run(run: tuple[str, int, int]) -> Iterator[tuple[str, int, int]]:
    kind, first, last = run
    if last - first + 1 >= _FEWEST_LINES:
        yield _BLOCKS[kind], first, last


_BLOCKS = {
    "base64": "block of base64 that is no message of SCEP, or not all of one",
    "hex": "block of hex that is no message of SCEP, or not all of one",
}


def _of_line(line: str) -> Iterator[str]:
    if _HEX.search(line):
        yield _BLOCKS["hex"]
    elif _BASE64.search(line):
        yield _BLOCKS["base64"]
    start = line[: 4 * LONGEST]
    if _STATUS.search(start) and not _FOREIGN.search(start):
        yield "HTTP status line without its request"
    for sign, what in _EXPORTS:
        if sign.search(start):
            yield what


def _pem(label: str) -> str:
    if "PRIVATE KEY" in label:
        return f"private key ({label}), no message: give it with --key, beside this"
    return _ADVICE.get(label, f"PEM of type {label}, no message of SCEP, or without its end: give PKCS7 or CMS")
