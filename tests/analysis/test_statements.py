"""What is said beside and inside messages: bodies, headers, attributes, fields of logs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sceplab.analysis.analyse import analyse
from sceplab.analysis.diagnose import Rank
from sceplab.analysis.products import LONGEST
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
def test_words_of_a_body(body: bytes, words: str) -> None:
    """Text of HTML, messages of JSON, plain words; nothing of binary data."""
    assert body_words(HttpReply(500, (), body)) == words


def test_a_body_is_bounded() -> None:
    """However much a server says."""
    assert len(body_words(HttpReply(500, (), b"<p>word</p>" * 100_000))) <= LONGEST


def _first(reply: HttpReply, **changes: object) -> str:
    (item,) = scene(replace(s.posted(s.request(), reply), **changes)).decode()  # type: ignore[arg-type]
    return next(iter(analyse([item]).causes)).fault.id


def test_the_server_comes_first() -> None:
    """In a header, a body, a failInfoText: before what is only likely, and words of no table as its own."""
    header: Headers = (("x-amzn-ErrorMessage", "The challenge password is not valid."),)
    assert _first(HttpReply(400, header, b"", "Bad Request")) == "challenge-refused"
    assert _first(HttpReply(500, (), b"failed validating challenge password")) == "challenge-refused"
    made = scene(s.posted(s.request(), s.reply("2", fail="2", text="the moon is full")))
    first, *_ = analyse(made.decode()).causes
    assert (first.fault.id, first.rank) == ("server-says", Rank.SAID)
    assert "the moon is full" in first.evidence


def test_the_error_attribute_of_ndes() -> None:
    """An HRESULT, signed, in decimal: named."""
    value = der.encode(der.PRINTABLE_STRING, b"-2146875375")
    made = scene(s.posted(s.request(), s.reply("2", fail="2", extra_attributes=[Attribute(oids.MS_ERROR, (value,))])))
    (item,) = made.decode()
    (said,) = [x for x in statements_of(0, item) if x.source is Source.ATTRIBUTE]
    assert "0x80094811 CERTSRV_E_KEY_LENGTH" in said.text
    assert analyse([item]).causes[0].fault.id == "key-length"


def test_fields_of_a_log() -> None:
    """`err=` of a line, and the substatus of IIS."""
    told = (Remark("failed validating challenge password", "err", 3),)
    assert _first(HttpReply(500, truncated=True), remarks=told) == "challenge-refused"
    iis = (Remark("15", "sc-substatus", 4), Remark("0", "sc-win32-status", 4))
    assert _first(HttpReply(404, truncated=True), remarks=iis) == "too-long"


def test_words_that_a_message_explains() -> None:
    """A server cannot decrypt, the message is signed with MD5: both stand in one cause, the message's fault first."""
    made = scene(s.posted(s.request(digest="md5"), HttpReply(500, (), b"pkcs7: failed to decrypt")))
    first, *_ = analyse(made.decode()).causes
    assert (first.fault.id, first.rank) == ("weak-digest", Rank.AGREED)
    assert "failed to decrypt" in first.evidence
