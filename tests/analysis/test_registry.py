"""The registry remembers certificates and capabilities between exchanges, separately for each CA."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sceplab.analysis.faults.registry import check_each
from sceplab.scep.transport import Exchange, HttpRequest
from tests.helpers import scenes as s
from tests.helpers.captures import certificate
from tests.helpers.certificates import make_certificate
from tests.helpers.scenes import decode, new_key

_TWO = "CA two"
_OLD = "DES3\nSHA-1\n"


def _two() -> bytes:
    return make_certificate(_TWO, new_key(number=2), ca=True, serial=5)


def _named(exchange: Exchange, name: str) -> Exchange:
    """Return the same request with a CA name in `message`."""
    assert exchange.request is not None
    return replace(exchange, request=HttpRequest("GET", f"{exchange.request.target}&message={name}"))


def _ids(*exchanges: Exchange) -> set[str]:
    return {f.fault.id for findings in check_each(decode(*exchanges)) for f in findings}


def _to_two(**changes: Any) -> tuple[bytes, bytes]:
    """Return a request to the second CA and the FAILURE reply to it."""
    return (
        s.request(recipients=[_two()], transaction="T2", nonce=b"2" * 16, **changes),
        s.reply("2", fail="2", transaction="T2", nonce=b"2" * 16, signer=_two(), signing_key=new_key(number=2)),
    )


def test_two_cas_at_one_path_are_kept_apart() -> None:
    """Each CA is asked by name for certificate and capabilities. Its messages are checked against its own answers."""
    to_one, to_two = (s.request(), s.reply()), _to_two(cipher="des-ede3-cbc", digest="sha1")
    one = (_named(s.ca(certificate("ca")), "one"), _named(s.caps(), "one"))
    two = (_named(s.ca(_two()), "two"), _named(s.caps(_OLD), "two"))
    for first, second in ((one, two), (two, one)):
        wrong = {"reply-signer", "wrong-recipient", "get-with-post", "not-offered", "renewal-offered"}
        assert not wrong & _ids(*first, *second, s.posted(*to_one), s.got(*to_two))
    # A recipient or signer from neither CA is still found, and so is an algorithm that the own CA does not offer.
    third = make_certificate("CA three", new_key(number=3), ca=True)
    assert "wrong-recipient" in _ids(*one, *two, s.posted(s.request(recipients=[third])))
    other = s.reply(signer=third, signing_key=new_key(number=3))
    assert "reply-signer" in _ids(*one, *two, s.posted(s.request(), other))
    assert "not-offered" in _ids(*one, *two, s.posted(*_to_two(cipher="aes-128-cbc")))
    assert "get-with-post" in _ids(*one, *two, s.got(*to_one))


def test_a_later_answer_without_a_ca_name_replaces_the_earlier() -> None:
    """After a second GetCACert with a new CA certificate, the old certificate is a wrong recipient."""
    old = s.posted(s.request(), s.reply("2", fail="1"))
    assert "wrong-recipient" not in _ids(s.ca(certificate("ca")), old)
    assert "wrong-recipient" in _ids(s.ca(certificate("ca")), s.ca(_two()), old)


def test_an_ra_certificate_counts_only_for_its_own_ca() -> None:
    """Only the second CA has an RA. Encryption for the CA itself is right at the first and wrong at the second."""
    ra = make_certificate("RA of two", new_key(number=4), issuer=_TWO, signer=new_key(number=2), serial=6)
    two = _named(s.ca(_two(), ra), "two")
    assert "ca-instead-of-ra" not in _ids(_named(s.ca(certificate("ca")), "one"), two, s.posted(s.request()))
    assert "ca-instead-of-ra" in _ids(_named(s.ca(certificate("ca")), "one"), two, s.posted(_to_two()[0]))
