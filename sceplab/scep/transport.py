"""SCEP over HTTP: HTTP requests and replies to messages and back (RFC 8894, 4).

Rule: text and bytes only, no sockets, no CMS. How a program wrote the base64 of
a GET is a `Base64Dialect`; with it `encode_message_value` returns the same
text that `decode_message_value` read.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote_to_bytes

from sceplab.errors import Layer, Problem

Headers = tuple[tuple[str, str], ...]

PKI_MESSAGE = "application/x-pki-message"
CA_CERT = "application/x-x509-ca-cert"
CA_RA_CERT = "application/x-x509-ca-ra-cert"
NEXT_CA_CERT = "application/x-x509-next-ca-cert"
PKCS10 = "application/pkcs10"
"""Media type of a CSR captured alone (RFC 5967); in SCEP a CSR is always inside a message."""
DEFAULT_PATH = "/cgi-bin/pkiclient.exe"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the source of an exchange keeps. What it does not keep is unknown, never absent.

    `http`: method, target and status were seen. `answers`: a missing reply means
    that none came. `headers`, `bodies`: a missing header or an empty body means
    that none was sent.
    """

    http: bool = True
    answers: bool = True
    headers: bool = True
    bodies: bool = True


PACKETS = Recorded()
"""Packets: all that went over the wire."""
HTTP_TEXT = Recorded(answers=False)
"""HTTP that was copied, exported or dumped: whole messages, perhaps not all of them."""
LOG_LINE = Recorded(answers=False, headers=False, bodies=False)
"""A line of a log: method, target, perhaps a status."""
ALONE = Recorded(http=False, answers=False, headers=False)
"""A message from a file, without HTTP around it."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Text in a source besides the messages: the field `name` of a log line, or a whole line.

    `line` counts lines of the input from 1.
    """

    text: str
    name: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as captured; `target` is the text between method and version, unchanged."""

    method: str
    target: str
    headers: Headers = ()
    body: bytes = b""
    version: str = "1.1"
    truncated: bool = False

    def header(self, name: str) -> str | None:
        """Return the first header of that name, whatever its case, or None."""
        return _header(self.headers, name)


@dataclass(frozen=True, slots=True)
class HttpReply:
    """A reply as captured; `body` is without transfer and content encodings.

    `status` is None where it was not recorded (a message that came alone).
    """

    status: int | None
    headers: Headers = ()
    body: bytes = b""
    reason: str = ""
    truncated: bool = False

    def header(self, name: str) -> str | None:
        """Return the first header of that name, whatever its case, or None."""
        return _header(self.headers, name)


def _header(headers: Headers, name: str) -> str | None:
    wanted = name.lower()
    for found, value in headers:
        if found.lower() == wanted:
            return value
    return None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request with its reply, and where in a capture they were.

    `time` is when the request was seen, `answered` when the reply began.
    `stream` counts TCP conversations,
    `first_frame` is the frame that began this one (from 1, as tshark counts);
    `gap` says that segments are missing. Either side may be missing: `recorded`
    says what that means. `remarks` are the other words of the source about it, `line` is
    where it begins in a text.
    """

    request: HttpRequest | None
    reply: HttpReply | None
    client: str = ""
    server: str = ""
    time: datetime | None = None
    source: str = ""
    stream: int | None = None
    first_frame: int | None = None
    gap: bool = False
    problems: tuple[Problem, ...] = ()
    answered: datetime | None = None
    recorded: Recorded = PACKETS
    remarks: tuple[Remark, ...] = ()
    line: int | None = None


# --------------------------------------------------------------- the message= value


@dataclass(frozen=True, slots=True)
class Base64Dialect:
    """How a program wrote base64 into a URL.

    `line_length` is 0 for one line. `escaped` are the characters written as
    %XX (of "+", "/", "=", "-", "_" and the line end's).
    """

    urlsafe: bool = False
    line_length: int = 0
    line_end: str = "\n"
    ends_with_line_end: bool = False
    escaped: str = "+/=\r\n"
    lower_case_hex: bool = False
    padding: bool = True


PLAIN = Base64Dialect()
"""What RFC 8894 4.1 asks for: one line, with every character escaped that is special in a URL."""
IOS = Base64Dialect(line_length=64, ends_with_line_end=True)
"""Cisco IOS: lines of 64 characters, a line end after the last one too."""
SSCEP = Base64Dialect(line_length=64, ends_with_line_end=True, escaped="+=\r\n")
STRONGSWAN = Base64Dialect(line_length=64, ends_with_line_end=True, escaped="+\r\n")
CERTMONGER = Base64Dialect(escaped="+")
JSCEP = Base64Dialect(escaped="")
"""jscep leaves "+" as it is: a server that decodes the query as a form reads it as a space."""
MICROMDM = Base64Dialect(urlsafe=True, escaped="")
"""micromdm's client takes the URL-safe alphabet; its own server refuses it."""
APPLE = Base64Dialect(escaped="=")

DIALECTS = {
    "plain": PLAIN,
    "ios": IOS,
    "sscep": SSCEP,
    "strongswan": STRONGSWAN,
    "certmonger": CERTMONGER,
    "jscep": JSCEP,
    "micromdm": MICROMDM,
    "apple": APPLE,
}

_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_LOWER_ESCAPE = re.compile(r"%(?:[a-f][0-9A-Fa-f]|[0-9A-F][a-f])")
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


@dataclass(frozen=True, slots=True)
class MessageValue:
    """The bytes of a `message=` value, and how they were written."""

    data: bytes
    dialect: Base64Dialect
    problems: tuple[Problem, ...] = ()


def decode_message_value(text: str) -> MessageValue:
    """Decode the text after `message=`, in any spelling in which programs write or copy it.

    Takes line breaks, both alphabets, missing padding, escapes in full, in part
    or twice, and "+" that became a space; deviations from RFC 8894 4.1 are
    in `problems`. Never raises: text that is not base64 gives the bytes
    that could be read.
    """
    problems: list[Problem] = []

    def report(code: str, expected: str, found: str, offset: int | None = None, advice: str = "") -> None:
        problems.append(Problem(Layer.BASE64, code, expected, found, offset, advice))

    raw = text.strip(" \t")
    plain = _unescape(raw)
    if "%" in plain and _ESCAPE.search(plain):
        report(
            "escaped-twice", "percent-escapes applied once", "escapes inside escapes", None, "They were undone twice."
        )
        plain = _unescape(plain)
    dialect = _dialect_of(raw, plain)
    if " " in plain:
        advice = 'A program decoded "+" as a form does. Put back; the sender should write %2B.'
        report("plus-lost", '"+" in the base64', "a space", plain.index(" "), advice)
        plain = plain.replace(" ", "+")
    elif "+" in raw:
        advice = "A server that decodes the query as a form reads a space there, and the message breaks."
        report("raw-plus", '"+" written as %2B', '"+" as it is', raw.index("+"), advice)
    if dialect.urlsafe:
        report("url-alphabet", 'the alphabet with "+" and "/" (RFC 8894, 4.1)', 'the URL-safe one with "-" and "_"')
    if dialect.line_length:
        found = f"line breaks every {dialect.line_length} characters"
        report("line-breaks", "base64 without line breaks (RFC 4648, 3.1)", found, None, "Most servers skip them.")
    letters = "".join(plain.split())
    if dialect.urlsafe:
        letters = letters.replace("-", "+").replace("_", "/")
    body = letters.rstrip("=")
    alien = _NOT_BASE64.search(body) if body.encode("latin-1").translate(None, _BASE64) else None
    if alien:
        report("not-base64", "a character of the base64 alphabet", repr(alien.group()), alien.start(), "Left out.")
        body = _NOT_BASE64.sub("", body)
    if len(body) % 4 == 1:
        report(
            "cut-off", "groups of four characters", "one character left over", len(body) - 1, "The text was cut off."
        )
        body = body[:-1]
    elif not dialect.padding:
        report("no-padding", '"=" at the end', "none")
    return MessageValue(base64.b64decode(body + "=" * (-len(body) % 4)), dialect, tuple(problems))


def _unescape(text: str) -> str:
    return unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode("latin-1")


def _dialect_of(raw: str, plain: str) -> Base64Dialect:
    stripped = "".join(plain.split())
    line_end = "\r\n" if "\r\n" in plain else "\n"
    broken = "\n" in plain
    lowered = raw.lower()
    first = plain.splitlines()[0] if broken else ""
    # A character that does not occur counts as escaped, as RFC 8894 requires.
    escaped = "".join(c for c in "+/=-_\r\n" if (c in "+/=\r\n" and c not in plain) or f"%{ord(c):02x}" in lowered)
    return Base64Dialect(
        urlsafe="-" in plain or "_" in plain,
        line_length=len(first),
        line_end=line_end,
        ends_with_line_end=plain.endswith("\n"),
        escaped=escaped,
        lower_case_hex=_LOWER_ESCAPE.search(raw) is not None,
        padding=len(stripped) % 4 == 0,
    )


def encode_message_value(data: bytes, dialect: Base64Dialect = PLAIN) -> str:
    """Write bytes as a `message=` value: the inverse of `decode_message_value`."""
    text = (base64.urlsafe_b64encode(data) if dialect.urlsafe else base64.b64encode(data)).decode("ascii")
    if not dialect.padding:
        text = text.rstrip("=")
    if dialect.line_length and text:
        size = dialect.line_length
        text = dialect.line_end.join(text[i : i + size] for i in range(0, len(text), size))
        text += dialect.line_end if dialect.ends_with_line_end else ""
    case = "x" if dialect.lower_case_hex else "X"
    return "".join(f"%{ord(c):02{case}}" if c in dialect.escaped else c for c in text)


# --------------------------------------------------------------- operations

OPERATIONS = ("GetCACaps", "GetCACert", "PKIOperation", "GetNextCACert")


@dataclass(frozen=True, slots=True)
class ScepRequest:
    """The SCEP operation of an HTTP request.

    `operation` is "" where there is none. `message` are the bytes of the
    pkiMessage (PKIOperation only), `message_text` the `message=` value as it
    was sent, `identifier` that value where it names a CA (the other operations).
    """

    operation: str
    path: str
    method: str = "GET"
    message: bytes | None = None
    message_text: str | None = None
    identifier: str | None = None
    dialect: Base64Dialect | None = None
    problems: tuple[Problem, ...] = ()


def parse_request(request: HttpRequest) -> ScepRequest:
    """Parse the SCEP operation of an HTTP request (RFC 8894, 4.1). Never raises."""
    target = request.target
    if "://" in target:
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    path, _, query = target.partition("?")
    # Split by hand: form decoding would turn "+" into a space.
    fields = [part.partition("=") for part in query.split("&") if part]
    operation = next((v for n, _, v in fields if n.lower() == "operation"), "")
    text = next((v for n, eq, v in fields if n.lower() == "message" and eq), None)
    operation = next((o for o in OPERATIONS if o.lower() == operation.lower()), operation)
    if operation != "PKIOperation":
        return ScepRequest(operation, path, request.method, None, text, _unescape(text) if text else None)
    if request.method == "POST":
        return ScepRequest(operation, path, "POST", *_posted(request.body, text))
    value = decode_message_value(text or "")
    return ScepRequest(operation, path, request.method, value.data, text, None, value.dialect, value.problems)


def _posted(
    body: bytes, text: str | None
) -> tuple[bytes, str | None, str | None, Base64Dialect | None, tuple[Problem, ...]]:
    if body[:1] == b"\x30" or not body:
        return body, text, None, None, ()
    # Some programs POST the base64 that belongs into a GET.
    value = decode_message_value(body.decode("latin-1").removeprefix("message="))
    found = Problem(Layer.HTTP, "posted-base64", "the message itself in the body (RFC 8894, 4.3)", "base64 text")
    if value.data[:1] == b"\x30":
        return value.data, text, None, value.dialect, (found, *value.problems)
    return body, text, None, None, (Problem(Layer.HTTP, "body", "a pkiMessage (30 ..)", body[:8].hex(" ")),)


_TEXT_OF_DER = re.compile(
    rb"\s*(?:-----BEGIN [A-Z0-9 #]{1,40}-----\s+)?(MI[A-Za-z0-9+/\s]+={0,2})\s*(?:-----END [^\n]{1,60})?\s*"
)


def message_in_text(body: bytes) -> bytes | None:
    """Return the DER that a body holds as base64 or PEM, None if it is not such text. Never raises."""
    found = _TEXT_OF_DER.fullmatch(body)
    data = decode_message_value(re.sub(rb"\s", b"", found[1]).decode("ascii")).data if found is not None else b""
    return data if data[:1] == b"\x30" else None


def build_request(
    operation: str,
    *,
    path: str = DEFAULT_PATH,
    message: bytes | None = None,
    identifier: str | None = None,
    method: str = "GET",
    dialect: Base64Dialect = PLAIN,
    headers: Iterable[tuple[str, str]] = (),
    version: str = "1.1",
) -> HttpRequest:
    """Return the HTTP request for an operation (RFC 8894, 4.1): the inverse of `parse_request`.

    `message` goes into the body of a POST, or in `dialect` into the query of a GET.
    """
    target = f"{path}?operation={operation}"
    if method == "POST":
        return HttpRequest("POST", target, tuple(headers), message or b"", version)
    if message is not None:
        target += f"&message={encode_message_value(message, dialect)}"
    elif identifier is not None:
        target += f"&message={identifier}"
    return HttpRequest(method, target, tuple(headers), b"", version)
