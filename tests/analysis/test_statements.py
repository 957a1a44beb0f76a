"""Statements of servers and logs: text in bodies, headers, attributes and log fields."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sceplab.analysis.analyse import analyse
from sceplab.analysis.products import LONGEST
from sceplab.analysis.ranking import Rank
from sceplab.analysis.statements import Source, body_words, statements_of
from sceplab.asn1 import der, oids
from sceplab.cms.attribute import Attribute
from sceplab.scep.transport import Headers, HttpReply, Remark
from tests.helpers import scenes as s
from tests.helpers.scenes import scene


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"CA does not exist\r\n", "CA does not exist"),
        (b"<html><head><title>Error</title><style>p{}</style></head><body>No password in request.</body></html>",
         "Error. No password in request."),
        (b'{"status":500,"error":{"message":"quota used up"}}', "quota used up"),
        (b'{"a": 1', '{"a": 1'),
        (b"\xef\xbb\xbfbad &amp; wrong", "bad &amp; wrong"),
        (b"\x30\x82\x01\x00" * 9, ""),
        (b"", ""),
        (b"\0" * 9, ""),
    ],
)  # fmt: skip
def test_text_of_a_body(body: bytes, words: str) -> None:
    """Text is taken from HTML, JSON messages and plain text; binary data gives none."""
    assert body_words(HttpReply(500, (), body)) == words


def test_text_of_a_body_is_bounded() -> None:
    """The text of a long HTML body is cut at LONGEST."""
    assert len(body_words(HttpReply(500, (), b"<p>word</p>" * 100_000))) <= LONGEST


def _first(reply: HttpReply, **changes: object) -> str:
    (item,) = scene(replace(s.posted(s.request(), reply), **changes)).decode()  # type: ignore[arg-type]
    return next(iter(analyse([item]).causes)).fault.id


def test_server_statements_come_first() -> None:
    """A statement in a header, body or failInfoText ranks before likely causes; unknown text becomes `server-says`."""
    header: Headers = (("x-amzn-ErrorMessage", "The challenge password is not valid."),)
    assert _first(HttpReply(400, header, b"", "Bad Request")) == "challenge-refused"
    assert _first(HttpReply(500, (), b"failed validating challenge password")) == "challenge-refused"
    made = scene(s.posted(s.request(), s.reply("2", fail="2", text="the moon is full")))
    first, *_ = analyse(made.decode()).causes
    assert (first.fault.id, first.rank) == ("server-says", Rank.SAID)
    assert "the moon is full" in first.evidence


def test_ndes_error_attribute() -> None:
    """NDES writes the HRESULT as a signed decimal number; the statement names the code."""
    value = der.encode(der.PRINTABLE_STRING, b"-2146875375")
    made = scene(s.posted(s.request(), s.reply("2", fail="2", extra_attributes=[Attribute(oids.MS_ERROR, (value,))])))
    (item,) = made.decode()
    (said,) = [x for x in statements_of(0, item) if x.source is Source.ATTRIBUTE]
    assert "0x80094811 CERTSRV_E_KEY_LENGTH" in said.text
    assert analyse([item]).causes[0].fault.id == "key-length"


def test_log_fields_give_the_cause() -> None:
    """The `err` field of a log line and the IIS substatus give the cause."""
    told = (Remark("failed validating challenge password", "err", 3),)
    assert _first(HttpReply(500, truncated=True), remarks=told) == "challenge-refused"
    iis = (Remark("15", "sc-substatus", 4), Remark("0", "sc-win32-status", 4))
    assert _first(HttpReply(404, truncated=True), remarks=iis) == "too-long"


def test_server_text_and_message_fault_become_one_cause() -> None:
    """The server cannot decrypt and the request uses MD5. One cause holds both; it is the fault in the message."""
    made = scene(s.posted(s.request(digest="md5"), HttpReply(500, (), b"pkcs7: failed to decrypt")))
    first, *_ = analyse(made.decode()).causes
    assert (first.fault.id, first.rank) == ("weak-digest", Rank.AGREED)
    assert "failed to decrypt" in first.evidence
