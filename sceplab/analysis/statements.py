"""Collect the words and codes of server, client and log from all places of an exchange.

Rule: words are quoted, never interpreted here; `products` has the fault that they mean.
Lengths are limited, because the texts are untrusted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from html.parser import HTMLParser
from typing import Any

from sceplab.analysis.products import LONGEST, Code, code_in, code_of, sentence_in, substatus_of, win32_of
from sceplab.asn1 import der, oids
from sceplab.cms.attribute import Attribute
from sceplab.masking import without_secrets
from sceplab.scep.conversation import DecodedExchange
from sceplab.scep.message import PkiMessage
from sceplab.scep.transport import HttpReply

SHOWN = 300
"""Characters of one statement that are shown; more of them are recognised."""
_LARGEST = 65536
"""How many bytes of a body are searched."""


class Source(StrEnum):
    """The place of a statement."""

    FAIL_INFO_TEXT = "failInfoText"
    ATTRIBUTE = "signed attribute"
    HEADER = "HTTP header"
    BODY = "HTTP body"
    SUBSTATUS = "substatus"
    LOG_FIELD = "log field"
    LOG_LINE = "log line"


@dataclass(frozen=True, slots=True)
class Statement:
    """Words or a code: `name` is their field, header or attribute.

    `exchange` is the number of their exchange, `line` the line of the input, `code` the
    meaning of a code in them; None if there is none.
    """

    source: Source
    text: str
    name: str = ""
    exchange: int | None = None
    line: int | None = None
    code: Code | None = None

    @property
    def quoted(self) -> str:
        """The words with their place, for people."""
        where = {
            Source.FAIL_INFO_TEXT: "failInfoText",
            Source.ATTRIBUTE: f"signed attribute {self.name}",
            Source.HEADER: f"HTTP header {self.name}",
            Source.BODY: "the body of the reply",
            Source.SUBSTATUS: self.name,
            Source.LOG_FIELD: f"the log's field {self.name}" if self.name else "the log",
            Source.LOG_LINE: f"line {self.line}" if self.line is not None else "the log",
        }[self.source]
        shown = self.text if len(self.text) <= SHOWN else f"{self.text[:SHOWN]} ..."
        return f'{where} says "{shown}"'


def statements_of(index: int, item: DecodedExchange) -> Iterator[Statement]:
    """Yield the statements in and about one exchange, the server's most direct words first."""
    if item.reply is not None:
        yield from _of_message(index, item.reply)
    reply = item.exchange.reply
    if reply is not None:
        name = item.operation.operation if item.operation is not None else ""
        answers = reply.status not in {200, None} or (name == "PKIOperation" and not is_web_page(reply.body))
        yield from _of_http(index, reply, speaks=answers and item.reply is None)
        if not answers and is_web_page(reply.body) and sentence_in(words := body_words(reply)) is not None:
            yield Statement(Source.BODY, words, exchange=index, code=code_in(words))
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
        yield Statement(Source.FAIL_INFO_TEXT, _folded(text), exchange=index, code=code_in(text))
    info = message.signed.signer_info
    for attribute in info.signed_attributes if info is not None else ():
        if attribute.oid in _KNOWN:
            continue
        words, code = attribute_words(attribute)
        if words:
            yield Statement(Source.ATTRIBUTE, _folded(words), attribute.name, index, code=code)


def attribute_words(attribute: Attribute) -> tuple[str, Code | None]:
    """Return what the first value of an attribute says, and the code that it is where it is NDES's HRESULT."""
    words = _value_words(attribute.values[0]) if attribute.values else ""
    number = _number(words) if attribute.oid == oids.MS_ERROR else None
    if number is None:
        return words, None
    code = code_of(number)
    meaning = f" {code.name}: {code.meaning}" if code is not None else ""
    return f"{words} = 0x{number & 0xFFFFFFFF:08X}{meaning}", code


def _value_words(value: bytes) -> str:
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
            and not name.lower().endswith("-id")
            and value.strip()
        ):
            yield Statement(Source.HEADER, _folded(value), name, index, code=code_in(value))
    if speaks and reply.body[:1] != b"\x30":
        words = body_words(reply)
        if words:
            yield Statement(Source.BODY, words, exchange=index, code=code_in(words))


class _Words(HTMLParser):
    """Collects the visible text of a page."""

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
    """Return the words in a body: of HTML and XML the text, of JSON the messages; "" if it is not text."""
    body = reply.body[:_LARGEST]
    if not body.strip() or body.count(0) or sum(c > 0x7F for c in body) > len(body) // 3:
        return ""
    text = body.decode("utf-8", "replace").lstrip("\ufeff").strip()
    if text[:1] in "{[":
        try:
            found = list(_messages(json.loads(text)))
        except (ValueError, RecursionError):
            found = []
        return _folded(". ".join(dict.fromkeys(found)) or text)
    if text.startswith("<"):
        page = _Words()
        page.feed(text)
        page.close()
        return _folded(". ".join(dict.fromkeys(page.words)))
    return _folded(text)


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
    return Statement(Source.LOG_FIELD if name else Source.LOG_LINE, _folded(text), name, exchange, line, code_in(text))


def _folded(text: str) -> str:
    return " ".join(without_secrets(text[: 4 * LONGEST])[:LONGEST].split())
