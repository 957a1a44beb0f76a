"""Path validation: does a certificate chain to a CA that the caller trusts (RFC 5280, 6)?

Rule: path validation is done by `pyhanko-certvalidator` (MIT, kept with pyHanko,
releases through 2026), because it takes the old algorithms of real SCEP networks
when told to; the verifier of `cryptography` refuses SHA-1 whatever it is told.
It is imported on first use: most decoding needs no path. The candidate paths are
built here, because a message may bring any certificates: each step and each
signature is counted, and above a limit the path is refused (`Reason.TOO_MUCH_WORK`).

Valid paths are cached: validation is the slowest step of decoding a message,
and most messages of a capture have the same few signers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Coroutine, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm

from sceplab.asn1 import der, oids
from sceplab.cms.reason import Reason
from sceplab.cms.signature import check_signature
from sceplab.cms.x509 import (
    Certificate,
    CertificateLike,
    certificate_of,
    der_of,
    parse_certificate,
    shortness,
    signed_parts,
)


@dataclass(frozen=True, slots=True)
class Trust:
    """The CA certificates that the caller trusts, and how strictly.

    `intermediates` may help to build a path. `legacy` allows what is refused for
    policy alone (MD5, SHA-1 and short keys in the path; a signer with a short key,
    without digitalSignature in its keyUsage, or revoked by a CRL in the message):
    an explicit choice, never a default. What it let pass is noted.
    """

    anchors: tuple[CertificateLike, ...]
    intermediates: tuple[CertificateLike, ...] = ()
    legacy: bool = False


@dataclass(frozen=True, slots=True)
class PathResult:
    """Whether a path was found and valid, and which one or why not.

    `path` is the valid path, the certificate itself first and the anchor last.
    `reason` names why there is none. `notes` names what RFC 5280 does not ask of a
    trust anchor (6.1.1): its expiry, its name constraints and its unknown critical
    extensions are not applied, but never passed over in silence.
    """

    valid: bool
    detail: str
    reason: Reason | None = None
    notes: tuple[Reason, ...] = ()
    path: tuple[Certificate, ...] = ()


class PathError(Exception):
    """There is no valid path; `reason` says why by name."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def validate_path(certificate: Certificate, trust: Trust, at: datetime) -> PathResult:
    """Validate the path from `certificate` to one of the anchors at the moment `at`. Never raises."""
    inputs = _Inputs(
        certificate.der,
        tuple(map(der_of, trust.anchors)),
        tuple(dict.fromkeys(map(der_of, trust.intermediates))),
        trust.legacy,
    )
    if certificate.der in inputs.anchors:
        notes = _notes_on(certificate, at)
        return PathResult(valid=True, detail="is itself a trusted CA certificate", notes=notes, path=(certificate,))
    if certificate.self_issued and not _is_issued_by_anchor(certificate, trust):
        return PathResult(
            valid=False,
            detail="self-signed (a first request may be, RFC 8894 2.3), not one of the CA certificates given",
            reason=Reason.SELF_SIGNED,
        )
    try:
        _check_size(inputs)
        return _validate(inputs, at.astimezone(UTC))
    except PathError as error:
        return PathResult(valid=False, detail=str(error), reason=error.reason)
    except Exception as error:  # noqa: BLE001 - hostile certificates raise anything inside asn1crypto
        return PathResult(valid=False, detail=_text(error), reason=Reason.UNREADABLE)


def _is_issued_by_anchor(certificate: Certificate, trust: Trust) -> bool:
    return any(certificate_of(a).subject.raw == certificate.issuer.raw for a in trust.anchors)


# Extensions of an anchor that are understood, and need not be applied to it.
_KNOWN_EXTENSIONS = {
    oids.BASIC_CONSTRAINTS,
    oids.KEY_USAGE,
    oids.EXTENDED_KEY_USAGE,
    oids.SUBJECT_KEY_IDENTIFIER,
    oids.AUTHORITY_KEY_IDENTIFIER,
    oids.SUBJECT_ALT_NAME,
    oids.CERTIFICATE_POLICIES,
    oids.NAME_CONSTRAINTS,
}


def _notes_on(anchor: Certificate, at: datetime) -> tuple[Reason, ...]:
    """Return what is to be known of a trust anchor, although RFC 5280 6.1 takes only its name and key."""
    start, end = anchor.not_before, anchor.not_after
    found = {
        Reason.ANCHOR_EXPIRED: start is None or end is None or not start <= at <= end,
        Reason.ANCHOR_CONSTRAINTS: anchor.extension(oids.NAME_CONSTRAINTS) is not None,
        Reason.ANCHOR_EXTENSION: any(e.critical and e.oid not in _KNOWN_EXTENSIONS for e in anchor.extensions),
    }
    return tuple(reason for reason, there in found.items() if there)


# --------------------------------------------------------------- valid paths, kept


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
    from pyhanko_certvalidator import ValidationContext
    from pyhanko_certvalidator.authority import CertTrustAnchor
    from pyhanko_certvalidator.errors import ValidationError
    from pyhanko_certvalidator.path import ValidationPath
    from pyhanko_certvalidator.policy_decl import AcceptAllAlgorithms, DisallowWeakAlgorithmsPolicy
    from pyhanko_certvalidator.validate import async_validate_path

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
    work = _Work()
    failure: PathError | None = None
    for above in _paths([leaf], _by_name(roots), _by_name(others), work):
        objection = _objection([leaf, *above], legacy=inputs.legacy)
        if objection is not None:
            failure = failure or objection
            continue
        *between, root = above
        work.spend("signature", len(above))
        try:
            _run(async_validate_path(context, ValidationPath(CertTrustAnchor(root), reversed(between), leaf)))
        except ValidationError as error:
            failure = failure or PathError(_reason_of(error), _text(error))
            continue
        except NotImplementedError:  # RFC 5280, 4.2.1.10: what is not processed is rejected
            text = "a name constraint of a kind that is not processed here (IP addresses, for example)"
            failure = failure or PathError(Reason.INVALID_PATH, text)
            continue
        path = tuple(parse_certificate(c.dump()) for c in (leaf, *above))
        names = " <- ".join(c.subject.rfc4514() for c in reversed(path))
        result = PathResult(valid=True, detail=names, notes=_notes_on(path[-1], at), path=path)
        return result, _validities((leaf, *roots, *others))
    raise failure or PathError(Reason.NO_PATH, "no CA certificate given has the name and the key that signed it")


def _objection(path: list[Any], *, legacy: bool) -> PathError | None:
    """Return what is wrong with the keys of a path that the validator does not look at, None where nothing is."""
    for number, certificate in enumerate(path):
        parsed = parse_certificate(certificate.dump())
        try:
            parsed.public_key()
        except ValueError as error:
            return PathError(Reason.UNUSABLE_KEY, f"the key of {parsed.subject} cannot be used: {error}")
        short = shortness(parsed.public_key_info) if number else ""  # the caller judges the first one
        if short and not legacy:
            return PathError(Reason.WEAK_PATH, f"the key of {parsed.subject} is weak: its {short}")
    return None


# --------------------------------------------------------------- the work of a path, bounded

# More than any PKI has: real paths have up to four certificates, real messages up to five.
_LIMITS = {
    "certificate": 200,
    "octet": 1 << 20,
    "step": 1_000,
    "signature": 50,
    "name": 100_000,
    "name octet": 3_000_000,
    "policy": 2_000,
}
_MAX_BETWEEN = 8


@dataclass(slots=True)
class _Work:
    """What was spent on one validation; raises PathError above a limit."""

    spent: Counter[str] = field(default_factory=Counter)

    def spend(self, what: str, count: int = 1) -> None:
        self.spent[what] += count
        if self.spent[what] > _LIMITS[what]:
            text = f"gave up: a path may cost {_LIMITS[what]} {what}s, and this needs more"
            raise PathError(Reason.TOO_MUCH_WORK, text)


def _check_size(inputs: _Inputs) -> None:
    """Refuse certificates that are too many or too large, or too many or too long names or policies.

    Each name is compared with each name constraint, element by element.
    """
    work = _Work()
    work.spend("certificate", len(inputs.intermediates))
    work.spend("octet", inputs.size - sum(map(len, inputs.anchors)))
    parsed = [parse_certificate(c) for c in (inputs.certificate, *inputs.anchors, *inputs.intermediates)]
    constraints = sum(_count(c, oids.NAME_CONSTRAINTS, _NAME_TAGS) for c in parsed)
    if constraints:
        names = sum(_count(c, oids.SUBJECT_ALT_NAME, _NAME_TAGS) + len(c.subject.rdns) for c in parsed)
        long_names = sum(_size(c, oids.SUBJECT_ALT_NAME) + len(c.subject.raw) for c in parsed)
        work.spend("name", names * constraints)
        work.spend(
            "name octet", names * sum(_size(c, oids.NAME_CONSTRAINTS) for c in parsed) + long_names * constraints
        )
    for kind in (oids.CERTIFICATE_POLICIES, oids.POLICY_MAPPINGS):
        work.spend("policy", sum(_count(c, kind, (der.SEQUENCE,)) for c in parsed))


def _count(certificate: Certificate, oid: str, tags: tuple[int, ...]) -> int:
    """Return about how many elements with one of the tags an extension has, in all levels."""
    return sum(e.value.count(bytes((tag,))) for e in certificate.extensions if e.oid == oid for tag in tags)


def _size(certificate: Certificate, oid: str) -> int:
    return sum(len(e.value) for e in certificate.extensions if e.oid == oid)


# The tags of a GeneralName. A count of octets may be too high, never too low.
_NAME_TAGS = (0xA0, 0x81, 0x82, 0xA4, 0x86, 0x87)


_ByName = dict[str, list[Any]]


def _by_name(certificates: Iterable[Any]) -> _ByName:
    out: _ByName = {}
    for certificate in certificates:
        out.setdefault(certificate.subject.hashable, []).append(certificate)
    return out


def _paths(above: list[Any], roots: _ByName, others: _ByName, work: _Work) -> Iterator[list[Any]]:
    """Yield what may be above the last of `above`, up to an anchor: each has the name and key of its issuer."""
    last = above[-1]
    name = last.issuer.hashable
    for root in roots.get(name, ()):
        if _issued(root, last, work):
            yield [*above[1:], root]
    if len(above) > _MAX_BETWEEN:
        raise PathError(Reason.TOO_MUCH_WORK, f"gave up: more than {_MAX_BETWEEN} certificates up to the trusted CA")
    known = {c.public_key.sha256 for c in above}
    for other in others.get(name, ()):
        if other.public_key.sha256 not in known and _issued(other, last, work):
            yield from _paths([*above, other], roots, others, work)


def _issued(issuer: Any, certificate: Any, work: _Work) -> bool:  # noqa: ANN401 - types of a lazily imported library
    """Whether `issuer`, which has the right name, also has the key that `certificate` was signed with."""
    work.spend("step")
    wanted, has = certificate.authority_key_identifier, issuer.key_identifier
    if wanted and has and wanted != has:
        return False
    work.spend("signature")
    body, algorithm, signature = signed_parts(certificate.dump())
    try:
        return bool(check_signature(algorithm, "", parse_certificate(issuer.dump()).public_key(), signature, body))
    except (ValueError, der.DerError, UnsupportedAlgorithm):
        return True  # not an algorithm of ours: the validator decides


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


def _reason_of(error: Exception) -> Reason:
    from pyhanko_certvalidator.errors import DisallowedAlgorithmError, ExpiredError, NotYetValidError

    if isinstance(error, ExpiredError | NotYetValidError):
        return Reason.EXPIRED_PATH
    return Reason.WEAK_PATH if isinstance(error, DisallowedAlgorithmError) else Reason.INVALID_PATH


def _text(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text or type(error).__name__
