"""Causes found only in the messages: unusable grants, renewals, and base64 inside a log."""

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


def test_a_grant_signed_by_an_unknown_ca_has_a_cause() -> None:
    """The reply's signer is not in the GetCACert reply and was not issued by a CA in it."""
    other = make_certificate("Other CA", s.new_key(2048, 8))
    asked = s.request(recipients=[other])
    assert _first(s.ca(other), s.posted(asked, s.reply())) == "reply-signer"
    assert _first(s.ca(certificate("ca")), s.posted(s.request(), s.reply())) == "-"


@pytest.mark.parametrize(
    ("kind", "cause"),
    [("application/octet-stream", "reply-type"), ("application/x-pki-message", "-"), ("x-pki-message", "-")],
)
def test_a_grant_with_a_wrong_media_type_has_a_cause(kind: str, cause: str) -> None:
    """Clients refuse a wrong media type. The right one has no cause, even without `application/`."""
    assert _first(s.ca(certificate("ca")), _granted(s.reply(), kind)) == cause


def test_a_base64_reply_is_decoded_and_reported() -> None:
    """A base64 reply is decoded like any other and is reported as the cause."""
    exchange = _granted(base64.encodebytes(s.reply()), "application/x-pki-message")
    (item,) = decode_exchanges([exchange])
    assert item.reply is not None
    assert item.reply.attributes.transaction_id == "T1"
    assert _first(s.ca(certificate("ca")), exchange) == "reply-base64"


def test_a_self_signed_renewal_is_found_without_a_key() -> None:
    """The signer is visible although the envelope cannot be decrypted."""
    asked = s.request(message_type="17")
    assert _first(s.ca(certificate("ca")), s.posted(asked, s.reply("2", fail="1"))) == "renewal-signer"


def test_base64_in_a_log_with_plus_signs_turned_into_spaces() -> None:
    """The message is restored and the lost plus signs are the cause; text after the value is not read as base64."""
    value = base64.b64encode(s.request()).decode()
    text = f"10:00:01 DEBUG message={value.replace('+', ' ')} was received\n10:00:02 ERROR corrupted stream\n"
    capture = read_octets(text.encode(), "log")
    (item,) = decode_exchanges(capture)
    assert item.request is not None
    assert item.request.raw == base64.b64decode(value)
    assert analyse([item], capture=capture).causes[0].fault.id == "plus-lost"
