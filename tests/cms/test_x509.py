"""Certificates that break rules: each defect is reported, and the rest is parsed."""

from __future__ import annotations

from sceplab.asn1 import oids
from sceplab.cms.x509 import parse_certificate
from sceplab.files import load_certificates
from tests.helpers.captures import DATA


def test_a_duplicate_extension_is_a_problem() -> None:
    """One copy may say that the subject is a CA and the other that it is not; parsers differ on which one counts."""
    (octets,) = load_certificates(DATA / "specimen" / "ca.pem")
    known = parse_certificate(octets)
    assert not known.problems
    usage, constraints = (next(e for e in known.extensions if e.oid == oid) for oid in _PAIR)
    # Both identifiers have the same length, so replacing one with the other keeps the DER well-formed.
    renamed = _identifier(usage.oid), _identifier(constraints.oid)
    assert octets.count(renamed[0]) == 1
    twice = parse_certificate(octets.replace(*renamed))
    assert [(p.code, p.found) for p in twice.problems] == [("repeated-extension", "basicConstraints 2 times")]


_PAIR = (oids.KEY_USAGE, oids.BASIC_CONSTRAINTS)


def _identifier(oid: str) -> bytes:
    """Return the DER of an extension's identifier, 2.5.29.x."""
    return bytes((6, 3, 0x55, 0x1D, int(oid.rsplit(".", 1)[1])))
