"""What the server, the client or a log says in words or codes, gathered from wherever it stands.

Rule: words are quoted, never interpreted here; which fault they stand for is looked up
in `products`. Everything is bounded: these are other people's texts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from html.parser import HTMLParser
from typing import Any

from sceplab.analysis.products import Code, code_in, code_of, substatus_of, win32_of
from sceplab.asn1 import der, oids
from sceplab.scep.conversation import DecodedExchange
from sceplab.scep.message import PkiMessage
from sceplab.scep.transport import HttpReply

LONGEST = 300
"""Characters of one statement that are kept."""
_LARGEST = 65536
"""Bytes of a body that are looked at."""


class Source(StrEnum):
    """Where a statement stands."""

    FAIL_INFO_TEXT = "failInfoText"
    ATTRIBUTE = "signed attribute"
    HEADER = "HTTP header"
    BODY = "HTTP body"
    SUBSTATUS = "substatus"
    LOG_FIELD = "log field"
    LOG_LINE = "log line"


@dataclass(frozen=True, slots=True)
class Statement:
    """Words or a code: `name` is the field, header or attribute that they stand in.

    `exchange` is the number of the exchange that they belong to, `line` the line of the
    input, `code` what a code in them means; None where there is none.
    """

    source: Source
    text: str
    name: str = ""
    exchange: int | None = None
    line: int | None = None
    code: Code | None = None

    @property
    def quoted(self) -> str:
        """The words with where they stand, for people."""
        where = {
            Source.FAIL_INFO_TEXT: "failInfoText",
            Source.ATTRIBUTE: f"signed attribute {self.name}",
            Source.HEADER: f"HTTP header {self.name}",
            Source.BODY: "the body of the reply",
            Source.SUBSTATUS: self.name,
            Source.LOG_FIELD: f"the log's field {self.name}" if self.name else "the log",
            Source.LOG_LINE: f"line {self.line}" if self.line is not None else "the log",
        }[self.source]
        return f'{where} says "{self.text}"'


def statements_of(index: int, item: DecodedExchange) -> Iterator[Statement]:
    """Yield what is said beside and inside one exchange, the server's most direct words first."""
    if item.reply is not None:
        yield from _of_message(index, item.reply)
    reply = item.exchange.reply
    if reply is not None:
        name = item.operation.operation if item.operation is not None else ""
        answers = reply.status not in {200, None} or (name == "PKIOperation" and not is_web_page(reply.body))
        yield from _of_http(index, reply, speaks=answers and item.reply is None)
    for remark in item.exchange.remarks:
        yield from _of_field(index, remark.name, remark.text, remark.line, reply)


# --------------------------------------------------------------- in the message

_KNOWN = frozenset(
    {
        *(oids.CONTENT_TYPE, oids.MESSAGE_DIGEST, oids.SIGNING_TIME, oids.MESSAGE_TYPE, oids.PKI_STATUS),
        *(oids.FAIL_INFO, oids.FAIL_INFO_TEXT, oids.SENDER_NONCE, oids.RECIPIENT_NONCE, oids.TRANSACTION_ID),
    }
)


def _of_message(index: int, message: PkiMessage) -> Iterator[Statement]:
    text = message.attributes.fail_info_text
    if text and text.strip():
        yield Statement(Source.FAIL_INFO_TEXT, _cut(text), exchange=index, code=code_in(text))
    info = message.signed.signer_info
    for attribute in info.signed_attributes if info is not None else ():
        if attribute.oid in _KNOWN:
            continue
        words = value_words(attribute.values[0]) if attribute.values else ""
        number = _number(words)
        code = code_of(number) if number is not None and attribute.oid == oids.MS_ERROR else None
        if code is not None and number is not None:
            words = f"{words} = 0x{number & 0xFFFFFFFF:08X} {code.name}: {code.meaning}"
        if words:
            yield Statement(Source.ATTRIBUTE, _cut(words), attribute.name, index, code=code)


def value_words(value: bytes) -> str:
    """Return the text or number that a DER value holds, "" for anything else."""
    try:
        element = der.read(value)
        if element.tag == der.INTEGER:
            return str(der.int_of(element))
        if element.tag & ~der.CONSTRUCTED in der.STRING_TYPE_NAMES and element.tag != der.OCTET_STRING:
            return der.text_of(element).strip("\0 \r\n\t")
        if element.tag == der.OCTET_STRING and 0 < len(element.value) <= 8:
            return "0x" + element.value.hex()
    except der.DerError:
        pass
    return ""


def _number(text: str) -> int | None:
    try:
        return int(text, 0) if len(text) < 16 else None
    except ValueError:
        return None


# --------------------------------------------------------------- in HTTP

_SAYING_HEADER = re.compile(r"error|message|reason|fault|warning|diagnos|x-ms-|x-fail", re.IGNORECASE)
_NO_WORDS = frozenset({"content-type", "x-ms-proxy-service-name", "x-ms-proxy-subscription-id"})


def _of_http(index: int, reply: HttpReply, *, speaks: bool) -> Iterator[Statement]:
    failed = reply.status is not None and not 200 <= reply.status < 300
    for name, value in reply.headers:
        if (
            (failed or "error" in name.lower())
            and _SAYING_HEADER.search(name)
            and name.lower() not in _NO_WORDS
            and value.strip()
        ):
            yield Statement(Source.HEADER, _cut(value), name, index, code=code_in(value))
    if speaks and reply.body[:1] != b"\x30":
        words = body_words(reply)
        if words:
            yield Statement(Source.BODY, words, exchange=index, code=code_in(words))


class _Words(HTMLParser):
    """Collects the text of a page that a reader would see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._hidden += tag in {"script", "style"}

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in {"script", "style"} and self._hidden > 0

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.words.append(" ".join(data.split()))


def is_web_page(body: bytes) -> bool:
    """Whether a body is HTML."""
    start = body[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith(
        (b"<!doctype html", b"<html", b"<head", b"<body", b"<!--", b"<script", b"<meta", b"<title")
    ) or (start.startswith(b"<") and b"<html" in start)


def body_words(reply: HttpReply) -> str:
    """Return the words in a body: of HTML and XML the text, of JSON the messages; "" where it is no text."""
    body = reply.body[:_LARGEST]
    if not body.strip() or body.count(0) or sum(c > 0x7F for c in body) > len(body) // 3:
        return ""
    text = body.decode("utf-8", "replace").lstrip("\ufeff").strip()
    if text[:1] in "{[":
        try:
            found = list(_messages(json.loads(text)))
        except (ValueError, RecursionError):
            found = []
        return _cut(". ".join(dict.fromkeys(found)) or text)
    if text.startswith("<"):
        page = _Words()
        page.feed(text)
        page.close()
        return _cut(". ".join(dict.fromkeys(page.words)))
    return _cut(text)


_MESSAGE_KEYS = re.compile(r"error|message|msg|detail|reason|title|description|fault|code|cause", re.IGNORECASE)


def _messages(value: Any, depth: int = 0) -> Iterator[str]:  # noqa: ANN401 - JSON
    if depth > 6:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, str) and _MESSAGE_KEYS.search(str(key)):
                yield inner
            elif isinstance(inner, dict | list):
                yield from _messages(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value[:50]:
            yield from _messages(inner, depth + 1)


# --------------------------------------------------------------- in a log


def _is_number(text: str) -> bool:
    """Whether a field is a number of a size that codes have; `isdigit` also takes superscripts."""
    return re.fullmatch(r"[0-9]{1,15}", text) is not None


def _of_field(index: int, name: str, text: str, line: int | None, reply: HttpReply | None) -> Iterator[Statement]:
    if name == "sc-substatus":
        code = (
            substatus_of(reply.status, int(text)) if reply is not None and reply.status and _is_number(text) else None
        )
        if code is not None and reply is not None and reply.status and reply.status >= 400:
            yield Statement(Source.SUBSTATUS, f"{code.name}: {code.meaning}", "the IIS log", index, line, code)
        return
    if name == "sc-win32-status":
        code = win32_of(int(text)) if _is_number(text) else None
        if code is not None and reply is not None and reply.status and reply.status >= 400:
            yield Statement(
                Source.LOG_FIELD, f"{text} {code.name}: {code.meaning}", "sc-win32-status", index, line, code
            )
        return
    yield said_in_log(text, name, index, line)


def said_in_log(text: str, name: str = "", exchange: int | None = None, line: int | None = None) -> Statement:
    """Return words of a log as a statement, with the first code in them that is known."""
    return Statement(Source.LOG_FIELD if name else Source.LOG_LINE, _cut(text), name, exchange, line, code_in(text))


def _cut(text: str) -> str:
    folded = " ".join(text[: 4 * LONGEST].split())
    return folded if len(folded) <= LONGEST else f"{folded[:LONGEST]} ..."
