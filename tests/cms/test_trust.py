"""A valid path is cached, and reused only where a new validation would give the same result."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

import sceplab
from sceplab.asn1 import der, oids
from sceplab.cms import trust
from sceplab.cms.csr import CertificationRequest
from sceplab.cms.name import parse_subject
from sceplab.cms.reason import Reason
from sceplab.cms.signature import check_signature
from sceplab.cms.trust import Trust, validate_path
from sceplab.cms.x509 import Certificate
from sceplab.files import load_certificates
from sceplab.lab.identity import Identity, issue, make_request, make_root
from tests.helpers import forge
from tests.helpers.captures import DATA, certificate, key, messages
from tests.helpers.captures import ROOT as REPOSITORY
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
    """Return the times at which a path was really validated, not taken from the cache."""
    moments: list[datetime] = []
    real = trust._find_path

    def counted(inputs: trust._Inputs, at: datetime) -> object:
        moments.append(at)
        return real(inputs, at)

    monkeypatch.setattr(trust, "_find_path", counted)
    return moments


def test_a_signer_is_validated_once_within_its_validity(validated: list[datetime]) -> None:
    """For any order of times, time zones, and certificates given as DER or parsed."""
    inputs = Trust((_ca().certificate,))
    for days in (12, 15, 10, 20):
        assert validate_path(_leaf(), inputs, START + days * DAY).valid
    assert validate_path(_leaf(), Trust((_ca().parsed,)), (START + 13 * DAY).astimezone()).valid
    assert validated == [START + 12 * DAY]


def test_a_cached_path_is_not_valid_outside_its_validity(validated: list[datetime]) -> None:
    """The validator tolerates one second beyond the end; a failure is not cached as valid, nor the reverse."""
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


def test_the_tolerated_second_is_not_extended_by_the_cache(validated: list[datetime]) -> None:
    """A result from the tolerated second after the end is not reused for later times."""
    inputs = Trust((_ca().certificate,))
    end = START + 20 * DAY
    assert validate_path(_leaf(), inputs, end + SECOND).valid
    assert not validate_path(_leaf(), inputs, end + 3 * SECOND).valid
    assert not validate_path(_leaf(), inputs, end + DAY).valid
    assert len(validated) == 3


def test_each_trust_configuration_is_validated_separately(validated: list[datetime]) -> None:
    """Another anchor, further anchors, intermediates, and legacy algorithms each need a validation of their own."""
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
    assert len(validated) == 6 + 2  # failures are not cached


def test_the_cache_ends_where_any_certificate_begins_or_ends(validated: list[datetime]) -> None:
    """Also a certificate outside the path: the set of certificates valid at that time must be the same."""
    inputs = Trust((_ca().certificate, _short().certificate))
    assert validate_path(_leaf(), inputs, START + 15 * DAY).valid
    assert validate_path(_ca().parsed, Trust((_other().certificate,)), START).valid is False
    early = sceplab.parse_certificate(issue(_request(), _ca(), 8, START, START + 20 * DAY))
    for days in (1, 2, 4, 6, 7):
        assert validate_path(early, inputs, START + days * DAY).valid
    assert validated == [START + 15 * DAY, START + DAY, START + 6 * DAY]


def test_large_inputs_are_not_cached(validated: list[datetime], monkeypatch: pytest.MonkeyPatch) -> None:
    """Hostile messages with many certificates may cost time, but no memory."""
    monkeypatch.setattr(trust, "_MAX_KEPT", 1000)
    for _ in range(2):
        assert validate_path(_leaf(), Trust((_ca().certificate,)), START + 12 * DAY).valid
    assert len(validated) == 2
    assert trust._spans.cache_info().currsize == 0


@settings(deadline=None)
@given(st.lists(st.integers(-3 * 86_400, 30 * 86_400), min_size=1, max_size=8))
def test_cached_and_new_validations_agree(seconds: list[int]) -> None:
    """For any times in any order."""
    inputs = Trust((_ca().certificate, _short().certificate))
    kept = [validate_path(_leaf(), inputs, START + s * SECOND) for s in seconds]
    for s, result in zip(seconds, kept, strict=True):
        trust.forget_paths()
        assert validate_path(_leaf(), inputs, START + s * SECOND) == result


def test_parsed_and_der_certificates_give_the_same_verdict() -> None:
    """Parsed or as DER: the same message gives the same verdict."""
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


# --------------------------------------------------------------- hostile input does not hang path building


@pytest.fixture
def signatures(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows by one for each signature that path building checks."""
    checked: list[int] = []

    def counted(*arguments: Any) -> str:
        checked.append(1)
        return check_signature(*arguments)

    monkeypatch.setattr("sceplab.cms.trust.check_signature", counted)
    return checked


def test_twenty_certificates_of_one_name_do_not_hang(signatures: list[int]) -> None:
    """10 kB that once took more than a minute: the chain check fails with a reason after a limited amount of work."""
    folder = REPOSITORY / "tests/data/hostile"
    (ca,) = load_certificates(folder / "ca.pem")
    message = sceplab.decode_message((folder / "pathdos.der").read_bytes(), trust=Trust((ca,)))
    assert message.verification["chain"].reason is Reason.TOO_MUCH_WORK
    assert len(signatures) <= 50


def _chain_of(message: bytes) -> Reason | None:
    trusted = Trust((forge.octets(forge.ca()),))
    return sceplab.decode_message(message, trust=trusted, at=forge.AT).verification["chain"].reason


def test_too_many_certificates_are_refused_unparsed(signatures: list[int]) -> None:
    """A message has room for 10,000 certificates, and parsing one costs 100 times its size."""
    leaf = forge.octets(forge.leaf())
    heap = tuple(leaf[:-2] + n.to_bytes(2, "big") for n in range(300))
    assert _chain_of(forge.message(forge.good().info(), certificates=(leaf, *heap))) is Reason.TOO_MUCH_WORK
    assert _chain_of(forge.message(forge.good().info(), certificates=(leaf,) * 300)) is None
    assert len(signatures) == 1


def test_many_names_with_many_constraints_are_refused(signatures: list[int]) -> None:
    """Each name is compared with each subtree; the sender controls both numbers, so their product is limited."""
    names = [x509.DNSName(f"h{n}.example") for n in range(400)]
    between, key = forge.fresh_key("between"), forge.fresh_key("below")
    limits = (x509.NameConstraints(None, names), True)
    ca = forge.make("Between", between, "Forge CA", forge.fresh_key("ca"), ca=True, extra=(limits,))
    leaf = forge.make("below", key, "Between", between, extra=((x509.SubjectAlternativeName(names), False),))
    message = forge.message(forge.Signer(key, leaf).info(), certificates=(forge.octets(leaf), forge.octets(ca)))
    assert _chain_of(message) is Reason.TOO_MUCH_WORK
    assert signatures == []


def _below(*above: x509.Certificate, leaf: tuple[tuple[x509.ExtensionType, bool], ...] = ()) -> Reason | None:
    """Return why no path leads from a leaf below "Between" through the given certificates; None if one does."""
    own = forge.make("below", forge.fresh_key("below"), "Between", forge.fresh_key("between"), extra=leaf)
    trusted = Trust((forge.octets(forge.ca()),), tuple(map(forge.octets, above)))
    return validate_path(sceplab.parse_certificate(forge.octets(own)), trusted, forge.AT).reason


def _between(*extra: tuple[x509.ExtensionType, bool], days: int = 365) -> x509.Certificate:
    return forge.make(
        "Between", forge.fresh_key("between"), "Forge CA", forge.fresh_key("ca"), ca=True, days=days, extra=extra
    )


def test_an_expired_certificate_beside_the_renewed_one_does_no_harm() -> None:
    """A renewed CA has the same name and key. Each path is tried in any order, up to a limit of signatures."""
    old, new = _between(days=5), _between()
    assert _below(old, new) is None
    assert _below(new, old) is None
    assert _below(old) is Reason.EXPIRED_PATH
    assert _below(new, *(_between(days=5) for _ in range(60))) is None
    assert _below(*(_between(days=5) for _ in range(60)), new) is Reason.TOO_MUCH_WORK


def test_two_cas_that_certify_each_other_give_no_path() -> None:
    """A cycle that never reaches a trusted CA."""
    one, two = forge.fresh_key("between"), forge.fresh_key("rogue")
    circle = (forge.make("Between", one, "Rogue", two, ca=True), forge.make("Rogue", two, "Between", one, ca=True))
    assert _below(*circle) is Reason.NO_PATH
    assert _below(*circle, _between()) is None


def _directory_name(number: int, depth: int) -> x509.DirectoryName:
    parts = [*(f"c{n}" for n in range(depth)), f"last {number}"]
    return x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, part) for part in parts]))


@pytest.mark.parametrize(("names", "depth"), [(30, 800), (100, 100), (300, 10)])
def test_long_names_with_long_constraints_are_refused(names: int, depth: int, signatures: list[int]) -> None:
    """30 names of 800 RDNs against as many constraints took 13 seconds, since the comparison is RDN by RDN."""
    constraints = x509.NameConstraints(None, [_directory_name(n, depth) for n in range(names)])
    alternatives = x509.SubjectAlternativeName([_directory_name(n + names, depth) for n in range(names)])
    assert _below(_between((constraints, True)), leaf=((alternatives, False),)) is Reason.TOO_MUCH_WORK
    assert signatures == []


def test_long_names_without_constraints_are_accepted() -> None:
    """A few constraints of realistic size are accepted too."""
    alternatives = (x509.SubjectAlternativeName([_directory_name(1, 800)]), False)
    assert _below(_between(), leaf=(alternatives,)) is None
    few = x509.NameConstraints(None, [x509.DNSName(f"h{n}.example") for n in range(40)])
    names = x509.SubjectAlternativeName([x509.DNSName(f"other{n}.example") for n in range(40)])
    assert _below(_between((few, True)), leaf=((names, False),)) is None


def test_an_unsupported_critical_constraint_rejects_the_path() -> None:
    """RFC 5280, 4.2.1.10: process a critical constraint on a name form that occurs, or reject the path."""
    network = x509.IPAddress(ip_network("192.0.2.0/24"))
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("192.0.2.1"))])
    limited = _between((x509.NameConstraints(None, [network]), True))
    assert _below(limited, leaf=((address, False),)) is Reason.INVALID_PATH
    assert _below(limited) is None


def test_many_policy_mappings_are_refused(signatures: list[int]) -> None:
    """Each policy mapped to each other one, in each certificate: 600 kB that took seconds."""
    pairs = [der.sequence(der.oid(f"1.2.3.{a}"), der.oid(f"1.2.3.{b}")) for a in range(50) for b in range(50)]
    mappings = x509.UnrecognizedExtension(x509.ObjectIdentifier(oids.POLICY_MAPPINGS), der.sequence(*pairs))
    policies = x509.CertificatePolicies(
        [x509.PolicyInformation(x509.ObjectIdentifier(f"1.2.3.{n}"), None) for n in range(50)]
    )
    assert _below(_between((policies, False), (mappings, True))) is Reason.TOO_MUCH_WORK
    assert signatures == []
    assert _below(_between((policies, False))) is None


def test_a_good_path_among_hostile_certificates_is_found() -> None:
    """The hostile certificates have another name, so they cost nothing."""
    web = sceplab.parse_signed(forge.web_of_certificates()).certificates
    message = forge.message(forge.good().info(), certificates=(*web, forge.octets(forge.leaf())))
    assert _chain_of(message) is None


# --------------------------------------------------------------- notes on a trust anchor


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({}, None),
        ({"days": 5}, Reason.ANCHOR_EXPIRED),
        (
            {"extra": ((x509.NameConstraints([x509.DNSName("example")], None), True),)},
            Reason.ANCHOR_CONSTRAINTS,
        ),
        (
            {"extra": ((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), True),)},
            Reason.ANCHOR_EXTENSION,
        ),
    ],
)
def test_an_anchor_is_trusted_but_its_limits_are_noted(changes: dict[str, Any], note: Reason | None) -> None:
    """RFC 5280, 6.1.1 uses only its name and key; expiry, constraints and critical extensions are reported as notes."""
    anchor = forge.octets(forge.make("Forge CA", forge.fresh_key("ca"), ca=True, **changes))
    leaf = sceplab.parse_certificate(forge.octets(forge.leaf()))
    for certificate_, names in ((leaf, 2), (sceplab.parse_certificate(anchor), 1)):
        for _ in range(2):  # validated, then from the cache
            path = validate_path(certificate_, Trust((anchor,)), forge.AT)
            assert path.valid
            assert path.notes == (() if note is None else (note,))
            assert len(path.path) == names
    check = sceplab.decode_message(
        forge.message(forge.good().info()), trust=Trust((anchor,)), at=forge.AT
    ).verification["chain"]
    assert check.notes == (() if note is None else (note,))
    assert note is None or note.value in check.detail
