"""Find known words and codes in a text, the most specific first.

Rule: a number counts only with its name (`0x80094811`, `Event ID: 31` with its
source, `MDM-SCEP:14006`): a bare number is never taken as a code. Time is linear in the text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, lru_cache

from sceplab.analysis.products.clients import APPLE, CISCO, EXITS, FAIL_INFOS, PKI_STATUSES
from sceplab.analysis.products.code import Code
from sceplab.analysis.products.events import CONNECTOR, EVENTS, WITH_HRESULT
from sceplab.analysis.products.grammar import fault_of, is_open
from sceplab.analysis.products.hresults import HRESULTS, code_of
from sceplab.analysis.products.hresults_system import OF_CLIENT, SYSTEM, TEXTS
from sceplab.analysis.products.iis import STATUSES, substatus_of, win32_of
from sceplab.analysis.products.saying import Saying
from sceplab.analysis.products.words_any import ANY
from sceplab.analysis.products.words_cas import CAS, SERVICES, STEPS
from sceplab.analysis.products.words_clients import CLIENTS
from sceplab.analysis.products.words_fronts import FRONTS
from sceplab.analysis.products.words_libraries import LIBRARIES
from sceplab.analysis.products.words_mdm import MDM
from sceplab.analysis.products.words_network import NETWORK
from sceplab.analysis.products.words_servers import SERVERS
from sceplab.analysis.products.words_transport import TRANSPORT
from sceplab.analysis.products.words_windows import WINDOWS
from sceplab.capture.fields import FAILURE
from sceplab.capture.sieve import Sieve

LONGEST = 4000
"""How many characters of a text are searched."""

_HEX = re.compile(r"(?i)\b0x([0-9a-f]{8})\b|\b(8009[0-9a-f]{4}|800[7b][0-9a-f]{4})\b")
_DECIMAL = re.compile(r"(?<!\d)-\d{10}\b|\b214[67]\d{6}\b|\b2148\d{6}\b")
# WinHTTP's own numbers: the same without 0x80070000.
_WINHTTP = re.compile(
    r"(?i)\b(?:error|code|failed with|win_?http\w*|win_?inet\w*|12\d{3} ERROR_WINHTTP\w*)\b[:=( ]{1,3}"
    r"(?:error )?(12[01]\d\d)\b"
)
_NAMES = {code.name: number for number, code in (HRESULTS | SYSTEM).items()}
_NAME = re.compile(r"\b(?:" + "|".join(_NAMES) + r")\b")
_TEXT = re.compile(r"\b(?:" + "|".join(re.escape(text).replace("\\ ", r"\s+") for text in TEXTS) + ")", re.IGNORECASE)
# Windows' SCEP client about itself.
_OF_CLIENT = re.compile(
    r"(?i)SCEP: (?:Certificate enroll failed|Failed)|SCEPInstall|DeviceManagement-Enterprise|CertificateServicesClient|"
    r"SCEP Certificate enrol|\bC?X509Enrollment|\bcertreq\b"
)

_EVENT = re.compile(
    r"(?i)\b(?:events?[\s_-]?(?:id)?s?|Ereignis-?ID|ID de l..?v.nement|Id\. ?del evento|ID evento)[\"']?\s{0,3}"
    r"[:=#>]?\s{0,3}[\"']?(\d{1,5})\b|\bid[\"']?\s{0,3}[:=]\s{0,3}[\"']?(\d{1,5})\b|"
    # Tables of PowerShell, and lists that Event Viewer saves as CSV.
    r"\s(\d{1,5})\s{1,40}(?:Error|Warning|Fehler|Warnung)\b|,(\d{1,5}),(?:None|Keine)\b"
)
_SOURCES = (
    ("ndes", re.compile(r"(?i)NetworkDeviceEnrollmentService|\bNDES\b|\bmscep\b|Network Device Enrollment Service")),
    ("capi2", re.compile(r"(?i)\bCAPI2\b")),
    ("connector", re.compile(r"(?i)connector|CertificateRegistrationPoint|\bNDESPlugin\b")),
    ("certenroll", re.compile(r"(?i)CertificateServicesClient|CertEnroll\b")),
    ("device-management", re.compile(r"(?i)DeviceManagement|\bMDM\b")),
    ("application", re.compile(r"(?i)Application Error|w3wp\.exe")),
    ("system", re.compile(r"(?i)\bWAS\b|application pool|\bSystem\b")),
    ("asp.net", re.compile(r"(?i)ASP\.NET|\b1310\b")),
)
_OWN_IDS = frozenset({10102, 10301, 10302, 20501, 20502, 20602})
_DIAGNOSTIC = re.compile(r"(?i)(?:diagnostic|connector|error ?code|code)\D{0,20}0x0{0,5}(4[01][0-9a-f])\b")
_APPLE = re.compile(r"(?i)(?:MCSCEPErrorDomain|MDM-SCEP)\D{0,20}?(\d{5})\b|\b(220(?:0\d|1[0-3]))\b(?=.{0,200}SCEP)")
_CISCO = re.compile(r"(?i)\bstatus\s{0,3}=\s{0,3}(0x[0-9a-f]{3}\b|\d{3}\b)|\b(0x7[0-9a-f]{2})\(E_")
_EXIT = re.compile(
    r"(?i)\b(sscep|scep-submit|getcert|certmonger)\b.{0,80}?\b(?:exit\w*|return\w*|status|code)\b\D{0,20}?(\d{1,2})\b"
)
_SUBSTATUS = re.compile(
    r"(?i)(?:\bHTTP(?: Error)?|\bIIS\b|\berror|\bsub-?status|\bstatus)\D{0,12}([45]\d\d)\.(\d{1,2})\b"
)
_TRIPLE = re.compile(
    r"(?i)(?:\b(?:GET|POST)\b|\bIIS\b|mscep|status).{0,1500}?\s([45]\d\d) (\d{1,2}) (\d{1,10})(?=\s|$|[\"',;)])"
)
_STATUS = re.compile(
    r"(?i)(?:\bHTTP(?:/[\d.]{1,3})?(?:[ _-]?(?:status|error|response|code|result)){0,3}|\bstatus[ _-]?code|"
    r"\bresponse(?: code)?|\bserver returned(?: status)?|\bfailed with (?:the )?(?:HTTP )?status(?: code)?)"
    r"[\"'\u201c]?\s{0,2}[:=(]?\s{0,2}[\"'\u201c]?([45]\d\d)\b|"
    r"\b([45]\d\d)[): ]{1,2}(?:Bad Request|Unauthorized|Forbidden|Not Found|Method Not Allowed|Proxy Auth|"
    r"Request Timeout|Payload Too Large|Request Entity Too Large|"
    r"Content Too Large|(?:Request-)?URI Too|Too Many Requests|"
    r"Internal Server Error|Not Implemented|Bad Gateway|"
    r"(?:Service|Server) (?:Temporarily )?Unavailable|Gateway Time-?out)"
)
# failInfo and pkiStatus by number, in any notation: `fail_info: 0x02`, or the OID and its value.
_FAIL_INFO = re.compile(
    r"(?i)\bfail(?:ure)?[ _-]?info\b[\"']?\W{0,6}(?:0x0?)?([0-4])\b(?!\.)|113733\.1\.9\.4\b\D{0,40}?\b([0-4])\b(?!\.)"
)
_PKI_STATUS = re.compile(
    r"(?i)\bpki[ _-]?status\b[\"']?\W{0,6}(?:0x0?)?([23])\b(?!\.)|113733\.1\.9\.3\b\D{0,40}?\b([23])\b(?!\.)"
)
# Between what failed and why, as Go and many others write it; not in a time or an address.
_LINK = re.compile(r"(?<=[A-Za-z\])\"']): (?=[A-Za-z\"'(\[])")
# A step that fails for a reason, which may be behind it.
_STEP_FAULTS = frozenset({"cannot-decrypt", "server-rejects-signature", "not-a-request", "ca-cannot-sign"})
# Words of clients alone: a server grants to one what it refuses to another.
_GRANTED = re.compile(
    r"(?i)%?PKI-6-CERT(?:RET|_?INSTALL)|ASA-6-717003|certificate (?:request )?(?:is |has been )?granted|"
    r"\bstatus = 100\b|"
    r"SCEP: Certificate installed successfully|Event ID: 39\b.{0,200}SCEP|\bCERT_ENROLLED\b|"
    r"\bpki ?status: (?:SUCCESS|0)\b|status: MONITORING|pkiStatus=SUCCESS|certificate written as|"
    r"(?:enrol?lment|certificate request) (?:was |has been )?(?:successful|succeeded)|successfully enrolled"
)

# Words of servers, that name the client or the transaction to which they granted.
_ISSUED = re.compile(
    r"(?i)\bCertRep\b[^.\n]{0,20}\bSUCCESS|certificate (?:was |has been )?(?:successfully )?issued|"
    r"issued (?:a )?certificate|pki_?status\W{1,3}(?:SUCCESS|0)\b"
)
_PARTY = re.compile(
    r"(?i)\b(?:client|remote|peer|from|src|source|device|host|cn|subject|serial|trans(?:action)?)"
    r"[ _-]?(?:id|ip|addr(?:ess)?|name)?"
    r"[\"']?\s?[=:]?\s?[\"']?((?=[\w.:-]*\d)[\w.:-]{4,80})"
)


def hresults_in(text: str) -> Iterator[int]:
    """Yield each number in a text that is written as an HRESULT (hex, decimal, or by name), unsigned."""
    for found in _HEX.finditer(text):
        yield int(found[1] or found[2], 16)
    for found in _DECIMAL.finditer(text):
        yield int(found[0]) & 0xFFFFFFFF
    for found in _WINHTTP.finditer(text):
        yield 0x80070000 + int(found[1])
    for found in _NAME.finditer(text):
        yield _NAMES[found[0]]
    for found in _TEXT.finditer(text):
        yield TEXTS[" ".join(found[0].lower().split())]


def code_in(text: str) -> Code | None:
    """Return the HRESULT in a text, with its event if there is one next to it; None if none indicates a fault."""
    text = text[:LONGEST]
    numbers = list(hresults_in(text))
    if not numbers:
        return None
    events = list(_events(text))
    for event in events:
        for number in numbers:
            if (code := WITH_HRESULT.get((*event, number))) is not None:
                return code
    by_client = OF_CLIENT if _OF_CLIENT.search(text) else {}
    codes = (by_client.get(number) or code_of(number) for number in numbers)
    return next((code for code in codes if code is not None and code.fault), None)


def _events(text: str) -> Iterator[tuple[str, int]]:
    ids = [int(next(filter(None, found.groups()))) for found in _EVENT.finditer(text)]
    if ids:
        sources = [name for name, pattern in _SOURCES if pattern.search(text)]
        for number in ids:
            for name in ["connector"] if number in _OWN_IDS else sources:
                yield name, number


def codes_in(text: str) -> Iterator[Code]:
    """Yield the codes in a text that have a name (without HRESULTs and statuses), most specific first."""
    if "connector" in text.lower() or "2050" in text or "diagnostic" in text.lower():
        for found in _DIAGNOSTIC.finditer(text):
            yield from _known(CONNECTOR.get(int(found[1], 16)))
    for event in _events(text):
        yield from _known(EVENTS.get(event))
    for found in _APPLE.finditer(text):
        yield from _known(APPLE.get(int(found[1] or found[2])))
    for found in _CISCO.finditer(text):
        yield from _known(CISCO.get(int(found[1] or found[2], 0)))
    for found in _FAIL_INFO.finditer(text):
        yield FAIL_INFOS[int(found[1] or found[2])]
    for found in _PKI_STATUS.finditer(text):
        yield PKI_STATUSES[int(found[1] or found[2])]
    for found in _EXIT.finditer(text):
        program = "sscep" if found[1].lower() == "sscep" else "certmonger"
        yield from _known(EXITS.get((program, int(found[2]))))
    for found in _TRIPLE.finditer(text):
        status, substatus, win32 = map(int, found.groups())
        yield from _known(win32_of(win32))
        yield from _known(substatus_of(status, substatus))
    for found in _SUBSTATUS.finditer(text):
        yield from _known(substatus_of(int(found[1]), int(found[2])))


def _known(code: Code | None) -> Iterator[Code]:
    if code is not None and code.fault:
        yield code


def _as_saying(code: Code) -> Saying:
    return Saying(f"{code.name}: {code.meaning}", "", code.fault, code.fix, code.source, vague=code.vague)


_SENTENCES = (*STEPS, *SERVERS, *WINDOWS, *NETWORK, *CLIENTS, *CAS, *FRONTS, *MDM)
# What any program may write: after the sentences of products and the codes, before loose words.
_LOOSE = (*SERVICES, *LIBRARIES, *TRANSPORT, *ANY)
_OF_PRODUCTS = frozenset(_SENTENCES)


@cache
def _sieves() -> tuple[Sieve[Saying], Sieve[Saying]]:
    """Return what finds the sentences, and the loose words, that a text may have."""
    return Sieve((each.expression, each) for each in _SENTENCES), Sieve((each.expression, each) for each in _LOOSE)


def tells_of_failure(text: str) -> bool:
    """Whether words that are in no table say that something went wrong."""
    return FAILURE.search(text[:LONGEST]) is not None


def guess_in(text: str) -> str:
    """Return the id of the fault that words of no table may mean, "" if they tell of no state of anything."""
    return fault_of(text)


def sentence_in(text: str) -> Saying | None:
    """Return the sentence of one product that a text has and that says why, or None; codes are none."""
    saying = next(recognise(text), None)
    return saying if saying in _OF_PRODUCTS and not saying.vague else None


def recognise(text: str) -> Iterator[Saying]:
    """Yield what is known of words: sentences of products, then codes, then words of any product, then statuses.

    Vague ones come last.
    """
    return iter(_recognised(text[:LONGEST]))


@lru_cache(maxsize=2048)
def _recognised(text: str) -> tuple[Saying, ...]:
    sentences, loose = _sieves()
    out = [saying for saying in sentences.among(text) if saying.pattern.search(text)]
    out += map(_as_saying, codes_in(text))
    out += _innermost_first(
        [_in_general(saying, text) for saying in loose.among(text) if saying.pattern.search(text)], text
    )
    out += [_as_saying(code) for at in _STATUS.finditer(text) if (code := STATUSES.get(int(at[1] or at[2])))]
    out.sort(key=lambda saying: saying.vague)
    if out and out[0].fault in _NO_ANSWER:
        # "504 Gateway Time-out" is an answer: of what stands in front.
        out.sort(key=lambda saying: saying.fault not in _FRONT)
    return tuple(out)


_NO_ANSWER = frozenset({"no-reply", "no-network"})
_FRONT = frozenset({"gateway", "unavailable", "overloaded"})
# One of several that the words leave possible, and what all of them have in common.
_IN_GENERAL = dict.fromkeys(
    ("challenge-expired", "challenge-used", "no-challenge", "challenge-form"), "challenge-refused"
)
_AROUND = 60


def _in_general(saying: Saying, text: str) -> Saying:
    """Return a saying as it is, or what "wrong, used already or expired" have in common where the words say "or".

    What says no more than that the challenge was refused is made more precise where the words around it are.
    """
    if saying.fault not in _IN_GENERAL and saying.fault not in _IN_GENERAL.values():
        return saying
    found = saying.pattern.search(text)
    around = text[max(0, found.start() - _AROUND) : found.end() + _AROUND] if found is not None else ""
    if is_open(around):
        return replace(saying, fault=_IN_GENERAL.get(saying.fault, saying.fault))
    precise = fault_of(around) if saying.fault in _IN_GENERAL.values() else ""
    return replace(saying, fault=precise) if precise in _IN_GENERAL else saying


def _innermost_first(sayings: list[Saying], text: str) -> list[Saying]:
    """Sort sayings of loose words about a step by where they are in `what: why: why`: the last part is the reason."""
    ends = [found.end() for found in _LINK.finditer(text)]
    if len(sayings) < 2 or sayings[0].fault not in _STEP_FAULTS or not ends:
        return sayings
    return sorted(sayings, key=lambda s: -max(bisect_right(ends, m.start()) for m in s.pattern.finditer(text)))


# A program that begins says how it is set: "challenge required, minimum key size 2048" is no failure.
_BEGINS = re.compile(
    r"(?i)\b(?:starting(?: up)?|started|listening on|ready to serve|(?:configuration|config) (?:loaded|read))\b"
)


def tells_of_start(text: str) -> bool:
    """Whether a line says that a program begins, and of no failure of it."""
    return _BEGINS.search(text[:LONGEST]) is not None and not tells_of_failure(text)


def tells_of_grant(text: str) -> bool:
    """Whether a client says that it has its certificate now."""
    return _GRANTED.search(text[:LONGEST]) is not None


def tells_of_issue(text: str) -> bool:
    """Whether a server says that it granted a certificate; `parties_in` says to whom."""
    return _ISSUED.search(text[:LONGEST]) is not None


def parties_in(text: str) -> frozenset[str]:
    """Return the clients and transactions that a line names."""
    return frozenset(found[1].lower() for found in _PARTY.finditer(text[:LONGEST]))
