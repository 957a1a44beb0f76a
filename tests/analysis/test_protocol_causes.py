"""Causes that only the messages show: in a grant that no client can use, in a renewal, in base64 inside a log."""

from __future__ import annotations

import base64

import pytest

from sceplab.analysis.analyse import analyse
from sceplab.capture.forms import read_octets
from sceplab.scep.conversation import decode_exchanges
from sceplab.scep.transport import Exchange, HttpReply
from tests.helpers import scenes as s
from tests.helpers.captures import certificate
from tests.helpers.certificates import make_certificate


def _first(*exchanges: Exchange) -> str:
    found = analyse(decode_exchanges(exchanges)).causes
    return found[0].fault.id if found else "-"


def _granted(body: bytes, kind: str) -> Exchange:
    return s.posted(s.request(), HttpReply(200, (("Content-Type", kind),), body, "OK"))


def test_a_grant_of_another_ca_is_of_no_use() -> None:
    """The reply is signed by nobody that GetCACert named, nor by one whom they issued."""
    other = make_certificate("Other CA", s.new_key(2048, 8))
    asked = s.request(recipients=[other])
    assert _first(s.ca(other), s.posted(asked, s.reply())) == "reply-signer"
    assert _first(s.ca(certificate("ca")), s.posted(s.request(), s.reply())) == "-"


@pytest.mark.parametrize(
    ("kind", "cause"),
    [("application/octet-stream", "reply-type"), ("application/x-pki-message", "-"), ("x-pki-message", "-")],
)
def test_a_grant_of_another_media_type(kind: str, cause: str) -> None:
    """Clients refuse it; the right one, also without its first part, is no cause."""
    assert _first(s.ca(certificate("ca")), _granted(s.reply(), kind)) == cause


def test_a_reply_in_base64_is_read_and_named() -> None:
    """It is the cause, and its message is decoded as others are."""
    exchange = _granted(base64.encodebytes(s.reply()), "application/x-pki-message")
    (item,) = decode_exchanges([exchange])
    assert item.reply is not None
    assert item.reply.attributes.transaction_id == "T1"
    assert _first(s.ca(certificate("ca")), exchange) == "reply-base64"


def test_a_renewal_of_a_self_signed_signer_needs_no_key_to_be_seen() -> None:
    """The envelope stays closed, and the signer is seen."""
    asked = s.request(message_type="17")
    assert _first(s.ca(certificate("ca")), s.posted(asked, s.reply("2", fail="1"))) == "renewal-signer"


def test_base64_in_a_log_whose_plus_became_spaces() -> None:
    """It is read whole, and that is the cause; words behind it are not taken for base64."""
    value = base64.b64encode(s.request()).decode()
    text = f"10:00:01 DEBUG message={value.replace('+', ' ')} was received\n10:00:02 ERROR corrupted stream\n"
    capture = read_octets(text.encode(), "log")
    (item,) = decode_exchanges(capture)
    assert item.request is not None
    assert item.request.raw == base64.b64decode(value)
    assert analyse([item], capture=capture).causes[0].fault.id == "plus-lost"
