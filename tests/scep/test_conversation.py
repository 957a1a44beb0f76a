"""Exchanges decoded together: what one exchange reveals about another, and when it may be used."""

from __future__ import annotations

from dataclasses import replace

from sceplab.cms.x509 import parse_certificate
from sceplab.scep.conversation import DecodedExchange
from sceplab.scep.transport import Exchange
from tests.helpers import scenes as s
from tests.helpers.certificates import make_certificate
from tests.helpers.scenes import decode, new_key


def _at(server: str, *exchanges: Exchange) -> list[Exchange]:
    return [replace(e, server=server) for e in exchanges]


def test_the_same_transaction_id_at_two_servers_is_two_transactions() -> None:
    """Servers and clients that count use "1" for different keys; a grant belongs to the request at its own server."""
    other = new_key(number=1)
    mine = s.posted(s.request(transaction="1"), s.reply("3", transaction="1"))
    theirs = s.posted(s.request(s.csr(other), transaction="1"), s.reply("3", transaction="1"))
    poll = s.posted(s.request(message_type="20", transaction="1"), s.reply(transaction="1"))
    *_, last = decode(*_at("192.0.2.1:80", mine), *_at("192.0.2.2:80", theirs), *_at("192.0.2.1:80", poll))
    assert _answers_key(last) == _key_of(s.issue())
    # Without a server address, the latest request counts.
    *_, last = decode(*_at("192.0.2.1:80", mine), *_at("", poll))
    assert _answers_key(last) == _key_of(s.issue())
    # A request to another server does not belong to this reply.
    *_, last = decode(*_at("192.0.2.2:80", theirs), *_at("192.0.2.1:80", poll))
    assert last.answers is None


def test_two_cas_with_the_same_name_and_serial_are_told_apart() -> None:
    """A CA that is set up again often repeats both; the certificate that the same server sent is the signer's."""
    twins = [(make_certificate("CA", new_key(number=n), ca=True, serial=1), new_key(number=n)) for n in (6, 7)]
    exchanges = []
    for number, (cert, own) in enumerate(twins):
        answer = s.reply("2", fail="2", signer=cert, signing_key=own, certificates=())
        exchanges += _at(f"192.0.2.{number}:80", s.ca(cert), s.posted(s.request(), answer))
    for item in s.scene(*exchanges, certificates=()).decode():
        if item.reply is not None:
            assert item.reply.verification.intact


def _answers_key(item: DecodedExchange) -> bytes:
    assert item.answers is not None
    return item.answers.public_key_info


def _key_of(issued: bytes) -> bytes:
    return parse_certificate(issued).public_key_info
