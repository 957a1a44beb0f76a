"""Does this certificate lead to a CA that the caller trusts (RFC 5280, 6)?

Rule: path validation is done by `pyhanko-certvalidator` (MIT, kept with pyHanko,
releases through 2026), because it takes the old algorithms of real SCEP networks
when told to; the verifier of `cryptography` refuses SHA-1 whatever it is told.
It is imported on first use: most decoding needs no path.
"""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sceplab.cms.x509 import Certificate, parse_certificate


@dataclass(frozen=True, slots=True)
class Trust:
    """The CA certificates that the caller trusts, and how strictly.

    `anchors` and `intermediates` are DER certificates. `legacy` allows MD5,
    SHA-1 and short RSA keys in the path: an explicit choice, never a default.
    """

    anchors: tuple[bytes, ...]
    intermediates: tuple[bytes, ...] = ()
    legacy: bool = False


@dataclass(frozen=True, slots=True)
class PathResult:
    """Whether a path was found and valid, and which one or why not."""

    valid: bool
    detail: str


def validate_path(certificate: Certificate, trust: Trust, at: datetime) -> PathResult:
    """Validate the path from `certificate` to one of the anchors at the moment `at`. Never raises."""
    if certificate.der in trust.anchors:
        return PathResult(valid=True, detail="is itself a trusted CA certificate")
    if certificate.self_issued and not _is_issued_by_anchor(certificate, trust):
        return PathResult(
            valid=False,
            detail="self-signed (a first request may be, RFC 8894 2.3), not one of the CA certificates given",
        )
    try:
        return _validate(certificate, trust, at)
    except Exception as error:  # noqa: BLE001 - hostile certificates raise anything inside asn1crypto
        return PathResult(valid=False, detail=_reason(error))


def _is_issued_by_anchor(certificate: Certificate, trust: Trust) -> bool:
    return any(parse_certificate(a).subject.raw == certificate.issuer.raw for a in trust.anchors)


def _validate(certificate: Certificate, trust: Trust, at: datetime) -> PathResult:
    from asn1crypto import x509 as asn1_x509
    from pyhanko_certvalidator import CertificateValidator, ValidationContext
    from pyhanko_certvalidator.policy_decl import (
        AcceptAllAlgorithms,
        DisallowWeakAlgorithmsPolicy,
    )

    load = asn1_x509.Certificate.load
    context = ValidationContext(
        trust_roots=[load(a) for a in trust.anchors],
        other_certs=[load(i) for i in trust.intermediates],
        moment=at.astimezone(UTC),
        allow_fetching=False,
        revocation_mode="soft-fail",
        algorithm_usage_policy=AcceptAllAlgorithms() if trust.legacy else DisallowWeakAlgorithmsPolicy(),
    )
    validator = CertificateValidator(load(certificate.der), validation_context=context)
    path = _run(validator.async_validate_usage(set()))
    names = [parse_certificate(c.dump()).subject.rfc4514() for c in path]
    return PathResult(valid=True, detail=" <- ".join(names))


def _run(work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - the path type of a lazily imported library
    """Drive a coroutine that never waits: fetching is off. `asyncio.run` would fail inside a notebook."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    work.close()
    raise RuntimeError("path validation wanted to wait for the network")


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text or type(error).__name__
