"""A path that was found valid is kept, and used again only where validating anew would say the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sceplab
from sceplab.cms import trust
from sceplab.cms.csr import CertificationRequest
from sceplab.cms.name import parse_subject
from sceplab.cms.trust import Trust, validate_path
from sceplab.cms.x509 import Certificate
from sceplab.lab.identity import Identity, issue, make_request, make_root
from tests.helpers.captures import DATA, certificate, key, messages
from tests.helpers.labs import quick_key

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@cache
def _root(name: str, number: int, days: int = 100) -> Identity:
    return make_root(parse_subject(f"CN={name}"), quick_key(number), number + 1, START, START + days * DAY)


def _ca() -> Identity:
    return _root("Root", 0)


def _other() -> Identity:
    return _root("Other", 1)


def _short() -> Identity:
    return _root("Short", 2, days=5)


@cache
def _request() -> CertificationRequest:
    return sceplab.parse_csr(make_request(parse_subject("CN=R3"), quick_key(3)))


@cache
def _leaf() -> Certificate:
    return sceplab.parse_certificate(issue(_request(), _ca(), 7, START + 10 * DAY, START + 20 * DAY))


@pytest.fixture(autouse=True)
def _forget() -> None:
    trust.forget_paths()


@pytest.fixture
def validated(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """Return the moments at which a path was really validated."""
    moments: list[datetime] = []
    real = trust._find_path

    def counted(inputs: trust._Inputs, at: datetime) -> object:
        moments.append(at)
        return real(inputs, at)

    monkeypatch.setattr(trust, "_find_path", counted)
    return moments


def test_one_signer_is_validated_once_within_its_validity(validated: list[datetime]) -> None:
    """However the moments and the certificates are given, and in which order."""
    inputs = Trust((_ca().certificate,))
    for days in (12, 15, 10, 20):
        assert validate_path(_leaf(), inputs, START + days * DAY).valid
    assert validate_path(_leaf(), Trust((_ca().parsed,)), (START + 13 * DAY).astimezone()).valid
    assert validated == [START + 12 * DAY]


def test_it_is_not_valid_later_or_before(validated: list[datetime]) -> None:
    """Past the second that the validator forgives; and what failed is not remembered as valid, nor the other way."""
    inputs = Trust((_ca().certificate,))
    for at, valid in (
        (START + 15 * DAY, True),
        (START + 20 * DAY + 2 * SECOND, False),
        (START + 10 * DAY - 2 * SECOND, False),
        (START + 300 * DAY, False),
        (START + 20 * DAY, True),
        (START + 20 * DAY + 2 * SECOND, False),
    ):
        assert validate_path(_leaf(), inputs, at).valid is valid, at
    assert len(validated) == 5


def test_the_second_that_is_forgiven_lasts_a_second(validated: list[datetime]) -> None:
    """A result from just behind the end is not kept for what comes after."""
    inputs = Trust((_ca().certificate,))
    end = START + 20 * DAY
    assert validate_path(_leaf(), inputs, end + SECOND).valid
    assert not validate_path(_leaf(), inputs, end + 3 * SECOND).valid
    assert not validate_path(_leaf(), inputs, end + DAY).valid
    assert len(validated) == 3


def test_another_trust_is_another_question(validated: list[datetime]) -> None:
    """Another anchor, further ones, intermediates, old algorithms allowed: each is validated itself."""
    at = START + 12 * DAY
    root, other = _ca().certificate, _other().certificate
    asked = [
        (Trust((root,)), True),
        (Trust((other,)), False),
        (Trust((root, other)), True),
        (Trust((root,), (other,)), True),
        (Trust((other,), (root,)), False),
        (Trust((root,), legacy=True), True),
    ]
    for _ in range(2):
        assert [validate_path(_leaf(), t, at).valid for t, _ in asked] == [valid for _, valid in asked]
    assert len(validated) == 6 + 2  # what failed is asked again


def test_any_certificate_that_begins_or_ends_is_a_border(validated: list[datetime]) -> None:
    """Also one that is not on the path: what the validator looks at must not have changed."""
    inputs = Trust((_ca().certificate, _short().certificate))
    assert validate_path(_leaf(), inputs, START + 15 * DAY).valid
    assert validate_path(_ca().parsed, Trust((_other().certificate,)), START).valid is False
    early = sceplab.parse_certificate(issue(_request(), _ca(), 8, START, START + 20 * DAY))
    for days in (1, 2, 4, 6, 7):
        assert validate_path(early, inputs, START + days * DAY).valid
    assert validated == [START + 15 * DAY, START + DAY, START + 6 * DAY]


def test_many_octets_are_not_kept(validated: list[datetime], monkeypatch: pytest.MonkeyPatch) -> None:
    """Hostile messages with heaps of certificates cost time, but no memory."""
    monkeypatch.setattr(trust, "_MAX_KEPT", 1000)
    for _ in range(2):
        assert validate_path(_leaf(), Trust((_ca().certificate,)), START + 12 * DAY).valid
    assert len(validated) == 2
    assert trust._spans.cache_info().currsize == 0


@given(st.lists(st.integers(-3 * 86_400, 30 * 86_400), min_size=1, max_size=8))
def test_kept_or_not_the_answer_is_the_same(seconds: list[int]) -> None:
    """At any moments, in any order."""
    inputs = Trust((_ca().certificate, _short().certificate))
    kept = [validate_path(_leaf(), inputs, START + s * SECOND) for s in seconds]
    for s, result in zip(seconds, kept, strict=True):
        trust.forget_paths()
        assert validate_path(_leaf(), inputs, START + s * SECOND) == result


def test_a_certificate_is_taken_wherever_its_octets_are() -> None:
    """Read or as DER: the same message, the same verdict."""
    ca, ra = certificate("ca"), certificate("ra")
    request = messages(DATA / "specimen")[0]
    assert request.csr is not None
    results = []
    for of in (bytes, sceplab.parse_certificate):
        draft = sceplab.draft_message(
            request.attributes,
            request.csr.raw,
            signer_certificate=of(ra),
            recipients=[of(ca)],
            certificates=[of(ra), of(ca)],
            random=lambda n: bytes(i % 255 + 1 for i in range(n)),
        )
        message = sceplab.encode_message(draft, key("ra"))
        held = sceplab.Trust((of(ca),), (of(ra),))
        decoded = sceplab.decode_message(message, keys=[key("ca"), key("ra")], certificates=[of(ca)], trust=held)
        alone = sceplab.decode_message(message).signed
        checks = sceplab.verify_signed(alone, certificates=[of(ra)], trust=held).checks
        results.append((message, decoded.verification.checks, checks, sceplab.build_degenerate([of(ca), of(ra)])))
    assert results[0] == results[1]
