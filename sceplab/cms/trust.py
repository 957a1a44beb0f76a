"""Path validation: does a certificate chain to a CA that the caller trusts (RFC 5280, 6)?

Rule: path validation is done by `pyhanko-certvalidator` (MIT, kept with pyHanko,
releases through 2026), because it can be configured to accept the old algorithms
of real SCEP networks; the verifier of `cryptography` always refuses SHA-1.
It is imported on first use: most decoding needs no path.

Valid paths are cached: validation is the slowest step of decoding a message,
and most messages of a capture have the same few signers.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sceplab.cms.x509 import Certificate, CertificateLike, certificate_of, der_of, parse_certificate


@dataclass(frozen=True, slots=True)
class Trust:
    """The CA certificates that the caller trusts, and how strictly.

    `intermediates` may help to build a path. `legacy` allows MD5, SHA-1 and
    short RSA keys in the path: an explicit choice, never a default.
    """

    anchors: tuple[CertificateLike, ...]
    intermediates: tuple[CertificateLike, ...] = ()
    legacy: bool = False


@dataclass(frozen=True, slots=True)
class PathResult:
    """Whether a path was found and valid, and which one or why not."""

    valid: bool
    detail: str


def validate_path(certificate: Certificate, trust: Trust, at: datetime) -> PathResult:
    """Validate the path from `certificate` to one of the anchors at the moment `at`. Never raises."""
    inputs = _Inputs(
        certificate.der, tuple(map(der_of, trust.anchors)), tuple(map(der_of, trust.intermediates)), trust.legacy
    )
    if certificate.der in inputs.anchors:
        return PathResult(valid=True, detail="is itself a trusted CA certificate")
    if certificate.self_issued and not _is_issued_by_anchor(certificate, trust):
        return PathResult(
            valid=False,
            detail="self-signed (a first request may be, RFC 8894 2.3), not one of the CA certificates given",
        )
    try:
        return _validate(inputs, at.astimezone(UTC))
    except Exception as error:  # noqa: BLE001 - hostile certificates raise anything inside asn1crypto
        return PathResult(valid=False, detail=_reason(error))


def _is_issued_by_anchor(certificate: Certificate, trust: Trust) -> bool:
    return any(certificate_of(a).subject.raw == certificate.issuer.raw for a in trust.anchors)


# --------------------------------------------------------------- cache of valid paths


@dataclass(frozen=True, slots=True)
class _Inputs:
    """Everything that a validation depends on except the time."""

    certificate: bytes
    anchors: tuple[bytes, ...]
    intermediates: tuple[bytes, ...]
    legacy: bool

    @property
    def size(self) -> int:
        return len(self.certificate) + sum(map(len, self.anchors)) + sum(map(len, self.intermediates))


# First and last moment of a time span in which a path is valid, and the result.
_Span = tuple[datetime, datetime, PathResult]
# In bytes; larger inputs are not cached, or hostile input would fill the memory.
_MAX_KEPT = 65_536
# The validator tolerates one second of clock skew; so close to the end of a validity nothing is cached.
_MARGIN = timedelta(minutes=1)


@lru_cache(maxsize=256)
def _spans(inputs: _Inputs) -> list[_Span]:  # noqa: ARG001 - the key
    """Return the cached spans for these inputs, a list that is empty at first."""
    return []


def forget_paths() -> None:
    """Clear the cache of valid paths; results do not change, the next message of each signer takes longer."""
    _spans.cache_clear()


def _validate(inputs: _Inputs, at: datetime) -> PathResult:
    if inputs.size > _MAX_KEPT:
        return _find_path(inputs, at)[0]
    known = _spans(inputs)
    for first, last, result in known:
        if first <= at <= last:
            return result
    result, validities = _find_path(inputs, at)
    span = None if validities is None else _steady(validities, at)
    if span is not None:
        known.append((*span, result))
    return result


def _steady(validities: Iterable[tuple[datetime, datetime]], at: datetime) -> tuple[datetime, datetime] | None:
    """Return the span around `at` in which no validity begins or ends, None if one does within the tolerance.

    The result of a validation is the same within this span.
    """
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    for start, end in validities:
        if start <= at <= end:
            first, last = max(first, start), min(last, end)
        elif start - at > _MARGIN:
            last = min(last, start - _MARGIN)
        elif at - end > _MARGIN:
            first = max(first, end + _MARGIN)
        else:
            return None
    return first, last


def _find_path(inputs: _Inputs, at: datetime) -> tuple[PathResult, list[tuple[datetime, datetime]] | None]:
    """Return the valid path, and the validities of all certificates given; raises where there is no valid path."""
    from asn1crypto import x509 as asn1_x509
    from pyhanko_certvalidator import CertificateValidator, ValidationContext
    from pyhanko_certvalidator.policy_decl import (
        AcceptAllAlgorithms,
        DisallowWeakAlgorithmsPolicy,
    )

    load = asn1_x509.Certificate.load
    leaf, roots, others = load(inputs.certificate), [*map(load, inputs.anchors)], [*map(load, inputs.intermediates)]
    context = ValidationContext(
        trust_roots=roots,
        other_certs=others,
        moment=at,
        allow_fetching=False,
        revocation_mode="soft-fail",
        algorithm_usage_policy=AcceptAllAlgorithms() if inputs.legacy else DisallowWeakAlgorithmsPolicy(),
    )
    path = _run(CertificateValidator(leaf, validation_context=context).async_validate_usage(set()))
    names = [parse_certificate(c.dump()).subject.rfc4514() for c in path]
    return PathResult(valid=True, detail=" <- ".join(names)), _validities((leaf, *roots, *others))


def _validities(certificates: Iterable[Any]) -> list[tuple[datetime, datetime]] | None:
    """Return the validity of each certificate as the validator reads it; None if one has none."""
    try:
        out = [(c.not_valid_before, c.not_valid_after) for c in certificates]
    except (ValueError, TypeError, KeyError, OverflowError):
        return None
    readable = all(isinstance(moment, datetime) and moment.tzinfo is not None for both in out for moment in both)
    return out if readable else None


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
