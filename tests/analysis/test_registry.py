"""What is remembered of a server between exchanges, and to which CA it belongs."""

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
    """Ask the same of a CA by its name."""
    assert exchange.request is not None
    return replace(exchange, request=HttpRequest("GET", f"{exchange.request.target}&message={name}"))


def _ids(*exchanges: Exchange) -> set[str]:
    return {f.fault.id for findings in check_each(decode(*exchanges)) for f in findings}


def _to_two(**changes: Any) -> tuple[bytes, bytes]:
    """Return a request to the second CA, and its refusal."""
    return (
        s.request(recipients=[_two()], transaction="T2", nonce=b"2" * 16, **changes),
        s.reply("2", fail="2", transaction="T2", nonce=b"2" * 16, signer=_two(), signing_key=new_key(number=2)),
    )


def test_two_cas_behind_one_path() -> None:
    """Each is asked for its certificate and capabilities by name; neither is judged by what the other said."""
    to_one, to_two = (s.request(), s.reply()), _to_two(cipher="des-ede3-cbc", digest="sha1")
    one = (_named(s.ca(certificate("ca")), "one"), _named(s.caps(), "one"))
    two = (_named(s.ca(_two()), "two"), _named(s.caps(_OLD), "two"))
    for first, second in ((one, two), (two, one)):
        wrong = {"reply-signer", "wrong-recipient", "get-with-post", "not-offered", "renewal-offered"}
        assert not wrong & _ids(*first, *second, s.posted(*to_one), s.got(*to_two))
    # A CA that both do not have is still found, and so is what its own CA does not offer.
    third = make_certificate("CA three", new_key(number=3), ca=True)
    assert "wrong-recipient" in _ids(*one, *two, s.posted(s.request(recipients=[third])))
    other = s.reply(signer=third, signing_key=new_key(number=3))
    assert "reply-signer" in _ids(*one, *two, s.posted(s.request(), other))
    assert "not-offered" in _ids(*one, *two, s.posted(*_to_two(cipher="aes-128-cbc")))
    assert "get-with-post" in _ids(*one, *two, s.got(*to_one))


def test_an_answer_without_a_name_is_replaced_by_the_next() -> None:
    """A CA that was renewed gives its new certificate to who asks again: the old one is a wrong recipient then."""
    old = s.posted(s.request(), s.reply("2", fail="1"))
    assert "wrong-recipient" not in _ids(s.ca(certificate("ca")), old)
    assert "wrong-recipient" in _ids(s.ca(certificate("ca")), s.ca(_two()), old)


def test_an_ra_certificate_counts_for_its_own_ca() -> None:
    """The second CA has an RA for encryption, the first has none: encrypting for the first itself is right."""
    ra = make_certificate("RA of two", new_key(number=4), issuer=_TWO, signer=new_key(number=2), serial=6)
    two = _named(s.ca(_two(), ra), "two")
    assert "ca-instead-of-ra" not in _ids(_named(s.ca(certificate("ca")), "one"), two, s.posted(s.request()))
    assert "ca-instead-of-ra" in _ids(_named(s.ca(certificate("ca")), "one"), two, s.posted(_to_two()[0]))
