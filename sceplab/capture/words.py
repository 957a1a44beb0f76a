"""The text that no format has read: lines of words, and evidence that was not read.

Rule: words are kept with their line where they speak of SCEP or of an error; what they
mean is known to `analysis.products`. What looks like octets or HTTP and was not
read is named, with what to do. One pass over the lines; a line of a scrap counts whatever it says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sceplab.capture.fields import BAD, fields_of, remarks_of
from sceplab.capture.reading import Unread
from sceplab.capture.records import Line, Record, records_of
from sceplab.capture.sieve import Guarded
from sceplab.masking import without_secrets
from sceplab.scep.transport import LOG_LINE, Exchange, HttpReply, Remark

MAX_REMARKS = 10_000
LONGEST = 2000
SCRAP = 200
"""Records in a text that somebody cut out of a log, not the log itself."""
_FEWEST_WORDS = 3
_BAD = Guarded(BAD.pattern, BAD.flags)
_KNOWN = Guarded(
    r"\b(?:scep|sscep|jscep|ndes|mscep|crypto_pki|pkistatus|pki status|failinfo|fail info|getca(?:caps|cert)|"
    r"pkioperation|"
    r"pkcs ?#?(?:7|10)|certrep|"
    r"challenge ?password|pki-\d|profiled|mdmclient|certmonger|CA_UNREACHABLE|CA_REJECTED|"
    r"Zertifikatanforderung|Registrierungsdienst|certsrv|event ?id|ereignis-id|NetworkDeviceEnrollmentService|"
    r"badAlg|badMessageCheck|badRequest|badTime|badCertId)\b|%PKI|"
    r"\bcrypto (?:pki|ca)\b|trustpoint|\bpkid\b|"
    r'"(?:error|errors|error_?description|errorMessage|message|description|detail|reason|fault)"\s*:|'
    r"certificate (?:signing )?request|certificate (?:authority|services)\b|"
    r"status ?= ?(?:0x)?[0-9A-Fa-f]{2,8}\b|\b0x[0-9A-Fa-f]{8}\b|transaction ?(?:id|permitted)",
    re.IGNORECASE,
)
_FOREIGN = Guarded(
    r'"[A-Z]{3,8} [^"\s]+ HTTP/[\d.]+" [1-5]\d\d|^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [\d.:a-f]+ (?:GET|POST|HEAD) /'
)
# Such a line of a SCEP page, whose status says that it failed.
_SCEP_FAILED = Guarded(
    r"(?i)(?:mscep(?!_admin)|pkiclient|\bscep\b).{0,2000}?(?:\" [45]\d\d(?: |$)|\s[45]\d\d \d{1,3} \d{1,10}(?:\s|$))"
)
# host program[pid]: in syslog and the journal.
_PROGRAM = Guarded(r"(?:^|\s)([A-Za-z][\w./@-]{0,60})\[\d{1,10}\]:(?=\s)")
_OF_PKI = re.compile(
    r"scep|\bpki|cert|zertifikat|\bCA\b|\bRA\b|enrol|challenge|pkcs|\bcsr\b|envelope|recipient|\bsign(?:er|ing|ature)|decrypt|algorithm|x509|\btls\b|\bssl\b|step-?ca|ejbca|ndes",
    re.IGNORECASE,
)
# What no text has.
_BINARY = re.compile(r"[\x00-\x08\x0e-\x1f]")
# What a program's line has and a person's sentence has not.
_OF_LOG = re.compile(r"[:=\[{<_]|\d")
_PEM = Guarded(r"-----BEGIN ([A-Z0-9 #]{1,40})-----")
_PEM_END = Guarded(r"-----END [A-Z0-9 #]{1,40}-----")
_STATUS = Guarded(r"(?:^|[\s>:])HTTP/\d(?:\.\d)? [1-5]\d\d\b")
# Where such a run has begun before, it is not begun again: so a line of many short runs takes linear time.
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{200,}+")
_BASE64_LINE = re.compile(r"[\s>\"']{0,20}[A-Za-z0-9+/]{40,100}={0,2}[\"',\\\s]{0,8}")
_HEX = re.compile(r"(?<![0-9A-Fa-f]{2})(?<![0-9A-Fa-f]{2}[ :-])(?:[0-9A-Fa-f]{2}[ :-]?){64,}+")
_SHORTEST_HEX = 128
_HEX_LINE = re.compile(r"\s{0,20}(?:(?:0x)?[0-9A-Fa-f]{4,8}[:\s]\s{0,4})?(?:[0-9A-Fa-f]{2}[ :]?){16,64}+.{0,80}")
# This many lines of bytes in a row are a block.
_FEWEST_LINES = 3
# sscep prints the status of the reply in its own words.
_SSCEP_STATUS = Guarded(r"server response status code: ([1-5]\d\d)(?:, MIME header: (\S{1,80}))?")
# Exports of other programs without bytes, or in a format that only they read.
_EXPORTS = (
    (
        Guarded(r"<\?charles serialisation-version|\"scheme\":\"https?\".{0,200}\"sizes\""),
        "a session of Charles: export it as HAR (File, Export Session)",
    ),
    (
        Guarded(r"^PKCS7 Message:|^X509 Certificate(?: Request)?:|^PKCS10 Certificate Request:"),
        "a description by certutil -dump, without its bytes: give the file itself",
    ),
    (
        Guarded(r"^\s*\d+:d=\d+\s+hl=\d+ l=\s*\d+ (?:cons|prim):"),
        "a description by openssl asn1parse, without its bytes: give the DER or PEM",
    ),
    (
        Guarded(r"^(?:CMS_ContentInfo|PKCS7):\s*$"),
        "a description by openssl cms -print, without its bytes: give the DER or PEM",
    ),
    (
        Guarded(r"^SEQUENCE \(\d+ elem\)|^(?:  )?ContentInfo SEQUENCE \(\d+ elem\)"),
        "a tree by asn1js, without its bytes: copy the hex or the link",
    ),
)
_ADVICE = {
    "CERTIFICATE": "certificate in PEM, no message: give it with --cert, beside this",
    "TRUSTED CERTIFICATE": "certificate in PEM, no message: give it with --cert, beside this",
}


@dataclass(slots=True)
class Left:
    """Found in the rest: remarks, statuses of replies in words with their place, and unread data."""

    remarks: list[Remark] = field(default_factory=list)
    answers: list[tuple[int, Exchange]] = field(default_factory=list)
    unread: tuple[Unread, ...] = ()


def read_rest(data: bytes, name: str) -> Left:
    """Return the findings in the rest of a text, in which everything read is blank."""
    left = Left()
    evidence = _Evidence()
    words: list[tuple[bool, Record]] = []
    for record in records_of(_lines(data, evidence)):
        line = record.text
        answer = _SSCEP_STATUS.search(line)
        if answer is not None:
            headers = (("Content-Type", answer[2]),) if answer[2] else ()
            remark = Remark(without_secrets(line[: 4 * LONGEST]).strip()[:LONGEST], "", record.number)
            reply = HttpReply(int(answer[1]), headers, truncated=True)
            exchange = Exchange(None, reply, source=name, recorded=LOG_LINE, remarks=(remark,))
            left.answers.append((record.start, exchange))
        elif len(words) < MAX_REMARKS and not _octets_only(line[: 4 * LONGEST]) and not _is_foreign(line):
            words.append((_speaks(line), record))
    others = _of_others([record.text for _, record in words])
    words = [pair for n, pair in enumerate(words) if n not in others]
    # People cut the lines that matter out of a log: in a scrap each of them counts.
    scrap = len(words) <= SCRAP
    if any(speaks or (scrap and _is_of_pki(record.text)) for speaks, record in words):
        for speaks, record in words:
            if speaks or (scrap and len(record.text.replace("_", " ").split(maxsplit=_FEWEST_WORDS)) >= _FEWEST_WORDS):
                left.remarks += _remarks(record)
    left.unread = evidence.result()
    return left


def _lines(data: bytes, evidence: _Evidence) -> Iterator[Line]:
    """Yield the lines with words: number, place, text; what looks like evidence is noted on the way."""
    end = 0
    for number, line in enumerate(data.split(b"\n"), 1):
        start, end = end, end + len(line) + 1
        text = line.strip()
        if text:
            words = text.decode("utf-8", "replace")
            evidence.look(number, words)
            yield number, start, words


def _speaks(line: str) -> bool:
    """Whether a line speaks of SCEP or of an error."""
    start = line[: 4 * LONGEST]
    return bool(_BAD.search(start) or _KNOWN.search(start))


def _is_of_pki(line: str) -> bool:
    """Whether a line is text of a log and has words, one of which is of certificates."""
    start = line[: 4 * LONGEST]
    if _BINARY.search(start) or 20 * start.count("\ufffd") > len(start):
        return False
    words = start.replace("_", " ").split(maxsplit=_FEWEST_WORDS)
    return len(words) >= _FEWEST_WORDS and bool(_OF_PKI.search(start) and _OF_LOG.search(start))


def _of_others(lines: Sequence[str]) -> set[int]:
    """Return which lines of a system log are of programs that never speak of certificates, where another does."""
    names, ours = [], set()
    for line in lines:
        start = line[: 4 * LONGEST]
        found = _PROGRAM.search(start[:200])
        names.append(found[1] if found is not None else "")
        if found is not None and _OF_PKI.search(start, found.start(1)):
            ours.add(found[1])
    return {n for n, name in enumerate(names) if name and name not in ours} if ours else set()


def _is_foreign(line: str) -> bool:
    """Whether a line of an access log is of other pages, or of a SCEP page that was answered well."""
    start = line[: 4 * LONGEST]
    return _FOREIGN.search(start) is not None and _SCEP_FAILED.search(start) is None


def _remarks(record: Record) -> list[Remark]:
    line, number = record.text, record.number
    start = line[: 4 * LONGEST]
    fields = fields_of(start) if "=" in start or '{"' in start else {}
    if {"level", "ts", "caller", "severity"} & fields.keys():
        said = remarks_of(fields, number)
        if said:
            return list(said)
    return [Remark(without_secrets(start)[:LONGEST], "", number)]


def _octets_only(line: str) -> bool:
    return bool(_BASE64_LINE.fullmatch(line) or _HEX_LINE.fullmatch(line)) or line.startswith("-----")


class _Evidence:
    """What looks like evidence and was read by nobody: told line by line, counted by what it is."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._places: dict[str, tuple[int, int]] = {}
        self._pem: tuple[str, int] | None = None
        self._inside: list[tuple[int, str]] = []
        self._run: tuple[str, int, int] | None = None

    def result(self) -> tuple[Unread, ...]:
        """Return what was found, when all lines were told."""
        self._end_of_run()
        self._end_of_open_pem()
        self._end_of_run()
        return tuple(Unread(what, self._counts[what], place) for what, place in self._places.items())

    def look(self, number: int, line: str) -> None:
        """Take the next line that has words."""
        if self._in_pem(number, line):
            return
        # Digits of hex are letters of base64, too.
        kind = "hex" if _HEX_LINE.fullmatch(line) else "base64" if _BASE64_LINE.fullmatch(line) else ""
        if self._run is not None and (self._run[0] != kind or number != self._run[2] + 1):
            self._end_of_run()
        if kind:
            self._run = (kind, self._run[1] if self._run is not None else number, number)
            return
        for what in _of_line(line):
            self._note(what, number, number)

    def _in_pem(self, number: int, line: str) -> bool:
        if self._pem is not None:
            if _PEM_END.search(line):
                self._note(_pem(self._pem[0]), self._pem[1], number)
                self._pem, self._inside = None, []
            elif (head := _PEM.search(line)) is not None:
                self._end_of_open_pem()
                self._pem = (head[1], number)
            else:
                self._inside.append((number, line))
            return True
        head = _PEM.search(line[: 4 * LONGEST])
        if head is None:
            return False
        if _PEM_END.search(line, head.end()):
            self._note(_pem(head[1]), number, number)
        else:
            self._pem = (head[1], number)
        return True

    def _end_of_open_pem(self) -> None:
        """Note the head of a block that has no end: what follows it are lines like others."""
        if self._pem is None:
            return
        self._end_of_run()
        self._note(_pem(self._pem[0]), self._pem[1], self._pem[1])
        self._pem, inside = None, self._inside
        self._inside = []
        for number, line in inside:
            self.look(number, line)

    def _end_of_run(self) -> None:
        if self._run is not None and self._run[2] - self._run[1] + 1 >= _FEWEST_LINES:
            self._note(_BLOCKS[self._run[0]], self._run[1], self._run[2])
        self._run = None

    def _note(self, what: str, first: int, last: int) -> None:
        self._counts[what] = self._counts.get(what, 0) + 1
        self._places[what] = (self._places.get(what, (first, last))[0], last)


_BLOCKS = {
    "base64": "block of base64 that is no message of SCEP, or not all of one",
    "hex": "block of hex that is no message of SCEP, or not all of one",
}


def _of_line(line: str) -> Iterator[str]:
    if len(line) >= _SHORTEST_HEX and _HEX.search(line):
        yield _BLOCKS["hex"]
    elif len(line) >= _SHORTEST_HEX and _BASE64.search(line):
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
