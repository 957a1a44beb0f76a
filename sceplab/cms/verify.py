"""Verify a SignedData: signer, digest, signature and chain (RFC 5652, 5.4 to 5.6).

Rule: every check is a named `Check` with an outcome. A signature is verified over
the captured bytes, never over a new encoding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from itertools import islice, pairwise

from cryptography.exceptions import UnsupportedAlgorithm

from sceplab.asn1 import der, oids
from sceplab.cms import algorithms
from sceplab.cms.attribute import Attribute, build_attribute
from sceplab.cms.reason import Reason
from sceplab.cms.signature import (
    OtherDigestError,
    ParametersError,
    UnknownAlgorithmError,
    check_signature,
    digest_of,
)
from sceplab.cms.signed import TRAILING, UNREAD_SIGNER, SignedData, SignerInfo
from sceplab.cms.trust import PathResult, Trust, validate_path
from sceplab.cms.x509 import (
    Certificate,
    CertificateLike,
    certificate_of,
    parse_crl,
    shortness,
    signed_parts,
)


class Outcome(StrEnum):
    """How a check ended; NOT_POSSIBLE means that something it needs is missing."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_POSSIBLE = "not possible"


class CheckName(StrEnum):
    """The checks of a signed structure, in the order of `Verification.checks`; the last is `csr.verify_csr`'s."""

    STRUCTURE = "structure"
    SIGNER = "signer certificate"
    CONTENT_TYPE = "content type"
    DIGEST = "digest"
    SIGNATURE = "signature"
    CHAIN = "chain"
    VALIDITY = "validity"
    POSSESSION = "proof of possession"


class SignedForm(StrEnum):
    """Which form of the bytes a signature covers (RFC 5652, 5.4)."""

    CONTENT = "content"
    AS_SENT = "as sent"
    DER_ORDER = "DER order"


@dataclass(frozen=True, slots=True)
class Check:
    """One named check. `detail` is for people; `reason` names why it did not pass, `notes` what it let pass."""

    name: str
    outcome: Outcome
    detail: str
    reason: Reason | None = None
    notes: tuple[Reason, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}: {self.outcome.value} ({self.detail})"


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify_signed` found.

    `checks` has one of each `CheckName` except the last, in order. `covers` is
    None where the signature did not pass.
    """

    checks: tuple[Check, ...]
    signer: Certificate | None
    signer_in_message: bool
    covers: SignedForm | None = None

    def __getitem__(self, name: str) -> Check:
        """Return a check by its name; raises KeyError."""
        for check in self.checks:
            if check.name == name:
                return check
        raise KeyError(name)

    @property
    def intact(self) -> bool:
        """Whether digest and signature passed, so the content is as signed."""
        return self[CheckName.DIGEST].outcome == self[CheckName.SIGNATURE].outcome == Outcome.PASSED

    @property
    def ok(self) -> bool:
        """Whether it is intact and no check failed (a check that was not possible does not fail)."""
        return self.intact and all(c.outcome != Outcome.FAILED for c in self.checks)


def verify_signed(
    signed: SignedData,
    *,
    certificates: Iterable[CertificateLike] = (),
    trust: Trust | None = None,
    at: datetime | None = None,
    single_valued: Collection[str] = (),
) -> Verification:
    """Judge the SignerInfo (RFC 5652, 5.6). Never raises.

    `certificates` are searched for the signer besides those in the message
    (CertReps often carry none). `trust` names the CA certificates for the chain.
    `at` is the moment of signing where it is known from elsewhere (a capture's
    time); without it the signingTime attribute is used. `single_valued` are the
    signed attributes that have one value, besides those of RFC 5652 11.

    A structure that readers could take in two ways fails: nobody may pick the
    reading that suits. Where there are several SignerInfos the first is judged.
    """
    info = signed.signer_info
    structure = _check_structure(signed, info, {*_SINGLE_VALUED, *single_valued})
    if info is None:
        nobody = Check(CheckName.SIGNER, Outcome.FAILED, "there is no SignerInfo: nobody signed this", Reason.NO_SIGNER)
        rest = [n for n in CheckName if n not in {CheckName.STRUCTURE, CheckName.SIGNER, CheckName.POSSESSION}]
        checks = (structure, nobody, *(_impossible(n, "no SignerInfo") for n in rest))
        return Verification(checks, None, signer_in_message=False)
    signer, carried, signature, covers = _find_signer(signed, info, certificates)
    found = [structure, _check_signer(info, signer, carried=carried), _check_content_type(signed, info)]
    found += [_check_digest(signed, info), signature]
    if signer is None:
        found += [_impossible(n, _NO_CERTIFICATE) for n in (CheckName.CHAIN, CheckName.VALIDITY)]
    else:
        found += _check_chain(signed, signer, trust, at or info.signing_time)
    return Verification(tuple(found), signer, carried, covers)


_NO_CERTIFICATE = "the signer's certificate is not known"
_SINGLE_VALUED = (oids.CONTENT_TYPE, oids.MESSAGE_DIGEST, oids.SIGNING_TIME)


def _check_structure(signed: SignedData, info: SignerInfo | None, single_valued: Collection[str]) -> Check:
    """Check that there is one way to read the message: one SignerInfo, each attribute once, nothing behind it."""
    name, failed = CheckName.STRUCTURE, Outcome.FAILED
    trailing = [p for p in signed.problems if p.code == TRAILING]
    for problem in signed.problems:
        if problem not in trailing:
            reason = Reason.UNREADABLE_SIGNER if problem.code == UNREAD_SIGNER else Reason.UNREADABLE
            return Check(name, failed, str(problem), reason)
    if len(signed.signer_infos) > 1:
        detail = f"there are {len(signed.signer_infos)} SignerInfos; SCEP has one (RFC 8894, 3.2)"
        return Check(name, failed, detail, Reason.SEVERAL_SIGNERS)
    attributes = info.signed_attributes if info is not None else ()
    counts = Counter([a.oid for a in attributes])
    for oid, count in counts.items():
        if count > 1:
            detail = f"the signed attribute {oids.name_of(oid)} is there {count} times"
            return Check(name, failed, detail, Reason.REPEATED_ATTRIBUTE)
    for attribute in attributes:
        if attribute.oid in single_valued and len(attribute.values) != 1:
            detail = f"the signed attribute {attribute.name} has {len(attribute.values)} values, not one"
            return Check(name, failed, detail, Reason.SEVERAL_VALUES)
    if trailing:  # last: the mildest of these, which some callers overlook
        return Check(name, failed, str(trailing[0]), Reason.TRAILING)
    return _passed(name, "one signer, each signed attribute once, nothing after the message")


# Nearly all messages have the same results, so each is made once.
@lru_cache(maxsize=128)
def _passed(name: CheckName, detail: str) -> Check:
    return Check(name, Outcome.PASSED, detail)


@lru_cache(maxsize=128)
def _impossible(name: CheckName, why: str) -> Check:
    return Check(name, Outcome.NOT_POSSIBLE, why)


# Certificates of one name, serial or key identifier whose keys are tried: renewed ones, and more is hostile.
_MAX_CANDIDATES = 8


def _find_signer(
    signed: SignedData, info: SignerInfo, certificates: Iterable[CertificateLike]
) -> tuple[Certificate | None, bool, Check, SignedForm | None]:
    """Return the signer's certificate, whether the message carries it, and the check of the signature with its key.

    Names and key identifiers are not unique: the certificate whose key fits is
    the signer's, and the first where none fits. Those that the message carries come first.
    """
    first: tuple[Certificate | None, bool, Check, SignedForm | None] | None = None
    for given, carried in ((signed.certificates, True), (certificates, False)):
        matching = {c.der: c for c in map(certificate_of, given) if info.identifier.matches(c)}
        for certificate in islice(matching.values(), _MAX_CANDIDATES):
            check, covers = _check_signature(signed, info, certificate)
            if covers is not None:
                return certificate, carried, check, covers
            first = first or (certificate, carried, check, None)
        if first is not None:
            return first
    return None, False, _impossible(CheckName.SIGNATURE, _NO_CERTIFICATE), None


def _check_signer(info: SignerInfo, signer: Certificate | None, *, carried: bool) -> Check:
    if signer is None:
        detail = f"signed by {info.identifier}, whose certificate is neither in the message nor given"
        return Check(CheckName.SIGNER, Outcome.NOT_POSSIBLE, detail, Reason.UNKNOWN_SIGNER)
    where = "in the message" if carried else "given by the caller"
    return Check(CheckName.SIGNER, Outcome.PASSED, f"{signer.subject}, serial {signer.serial_hex}, {where}")


def _check_content_type(signed: SignedData, info: SignerInfo) -> Check:
    name = CheckName.CONTENT_TYPE
    if not info.signed_attributes:
        if signed.content_type not in {"", oids.DATA}:
            detail = (
                f"the content is {oids.name_of(signed.content_type)}, so it needs signed attributes (RFC 5652, 5.3)"
            )
            return Check(name, Outcome.FAILED, detail, Reason.ATTRIBUTES_NEEDED)
        return _impossible(name, "there are no signed attributes")
    attribute = info.attribute(oids.CONTENT_TYPE)
    if attribute is None or len(attribute.values) != 1:
        return _lacking(name, attribute, "contentType", "11.1")
    try:
        value = der.oid_of(der.read(attribute.values[0]))
    except der.DerError as error:
        return Check(name, Outcome.FAILED, str(error), Reason.UNREADABLE)
    if value != signed.content_type:
        detail = f"the attribute says {oids.name_of(value)}, the content is {oids.name_of(signed.content_type)}"
        return Check(name, Outcome.FAILED, detail, Reason.MISMATCH)
    return _passed(name, oids.name_of(value))


def _lacking(name: CheckName, attribute: Attribute | None, what: str, section: str) -> Check:
    if attribute is None:
        detail = f"the {what} attribute is missing (RFC 5652, {section} demands it)"
        return Check(name, Outcome.FAILED, detail, Reason.MISSING_ATTRIBUTE)
    detail = f"the {what} attribute has {len(attribute.values)} values (RFC 5652, {section} demands one)"
    return Check(name, Outcome.FAILED, detail, Reason.SEVERAL_VALUES)


def _check_digest(signed: SignedData, info: SignerInfo) -> Check:
    name = CheckName.DIGEST
    digest = algorithms.DIGESTS_BY_OID.get(info.digest_algorithm.oid)
    if digest is None:
        detail = f"digest algorithm {info.digest_algorithm.name} is not known"
        return Check(name, Outcome.NOT_POSSIBLE, detail, Reason.UNKNOWN_ALGORITHM)
    if not info.signed_attributes_raw:
        return Check(name, Outcome.PASSED, "there are no signed attributes: the signature covers the content itself")
    attribute = info.attribute(oids.MESSAGE_DIGEST)
    if attribute is None or len(attribute.values) != 1:
        return _lacking(name, attribute, "messageDigest", "11.2")
    try:
        stated = der.read(attribute.values[0]).octets()
    except der.DerError as error:
        return Check(name, Outcome.FAILED, str(error), Reason.UNREADABLE)
    actual = digest_of(digest.name, signed.content or b"")
    if actual != stated:
        detail = f"messageDigest says {stated.hex()}, the content gives {actual.hex()} ({digest.name}): it was changed"
        return Check(name, Outcome.FAILED, detail, Reason.MISMATCH)
    return _passed(name, f"{digest.name} of the content equals messageDigest")


def covered_forms(info: SignerInfo, content: bytes) -> Iterator[tuple[SignedForm, bytes]]:
    """Yield the bytes that the signature may cover, likeliest first (RFC 5652, 5.4).

    With signed attributes that is the captured [0] with its tag read as SET OF
    (31): as sent, and, where that differs, in DER form and order.
    """
    raw = info.signed_attributes_raw
    if not raw:
        yield SignedForm.CONTENT, content
        return
    as_sent = b"\x31" + raw[1:]
    yield SignedForm.AS_SENT, as_sent
    ordered = der.set_of(build_attribute(a) for a in info.signed_attributes)
    if ordered != as_sent:
        yield SignedForm.DER_ORDER, ordered


_FORMS = {
    SignedForm.CONTENT: "the content",
    SignedForm.AS_SENT: "signedAttrs as sent, 0xA0 read as 0x31",
    SignedForm.DER_ORDER: "signedAttrs put into DER order",
}


def _check_signature(signed: SignedData, info: SignerInfo, signer: Certificate) -> tuple[Check, SignedForm | None]:
    name = CheckName.SIGNATURE
    try:
        key = signer.public_key()
        for form, octets in covered_forms(info, signed.content or b""):
            how = check_signature(info.signature_algorithm, info.digest_algorithm.name, key, info.signature, octets)
            if how:
                return _passed(name, f"{how} over {_FORMS[form]}"), form
    except UnknownAlgorithmError as error:
        return Check(name, Outcome.NOT_POSSIBLE, str(error), Reason.UNKNOWN_ALGORITHM), None
    except OtherDigestError as error:
        return Check(name, Outcome.FAILED, f"{error} (RFC 4056, 3)", Reason.OTHER_DIGEST), None
    except ParametersError as error:
        return Check(name, Outcome.FAILED, str(error), Reason.BAD_PARAMETERS), None
    except (ValueError, UnsupportedAlgorithm, der.DerError) as error:
        detail = f"the signer's key cannot be used: {error}"
        return Check(name, Outcome.FAILED, detail, Reason.UNUSABLE_KEY), None
    detail = f"does not fit the signed attributes and the key of {signer.subject}"
    return Check(name, Outcome.FAILED, detail, Reason.MISMATCH), None


def _check_chain(signed: SignedData, signer: Certificate, trust: Trust | None, at: datetime | None) -> list[Check]:
    validity, moment = _check_validity(signer, at)
    if trust is None or moment is None:
        return [_impossible(CheckName.CHAIN, "no CA certificate was given"), validity]
    held = replace(trust, intermediates=(*trust.intermediates, *signed.certificates))
    path = validate_path(signer, held, moment)
    if not path.valid:
        return [Check(CheckName.CHAIN, Outcome.FAILED, path.detail, path.reason), validity]
    objections = _objections(signed, path, moment)
    if objections and not trust.legacy:
        reason = next(iter(objections))
        return [Check(CheckName.CHAIN, Outcome.FAILED, objections[reason], reason, path.notes), validity]
    notes = (*path.notes, *objections)
    detail = "; ".join((path.detail, *(f"note: {n.value}" for n in notes)))
    return [Check(CheckName.CHAIN, Outcome.PASSED, detail, None, notes), validity]


def _check_validity(signer: Certificate, at: datetime | None) -> tuple[Check, datetime | None]:
    """Return the check, and the moment to judge the chain at: within the signer's validity, so each fails alone."""
    name, failed = CheckName.VALIDITY, Outcome.FAILED
    start, end = signer.not_before, signer.not_after
    if start is None or end is None or start > end:
        detail = "the signer's certificate has no readable validity"
        return Check(name, failed, detail, Reason.UNREADABLE), at or start or end
    if at is None:
        detail = "no signingTime in the message and no moment given; the certificate is valid"
        return _impossible(name, f"{detail} from {start:%Y-%m-%d} to {end:%Y-%m-%d}"), start
    moment = f"{at:%Y-%m-%d %H:%M:%S}"
    if at < start:
        detail = f"signed {moment}, not valid before {start:%Y-%m-%d %H:%M:%S}"
        return Check(name, failed, detail, Reason.NOT_YET_VALID), start
    if at > end:
        return Check(name, failed, f"signed {moment}, expired {end:%Y-%m-%d %H:%M:%S}", Reason.EXPIRED), end
    return Check(name, Outcome.PASSED, f"{moment} is within the certificate's validity"), at


def _objections(signed: SignedData, path: PathResult, at: datetime) -> dict[Reason, str]:
    """Return why a signer with a valid path is refused all the same, but for `Trust.legacy`."""
    signer = path.path[0]
    out: dict[Reason, str] = {}
    for certificate, issuer in pairwise(path.path):
        if _is_revoked(certificate, issuer, signed.crls, at):
            out[Reason.REVOKED] = f"a CRL in the message revokes {certificate}"
    usage = signer.key_usage
    # An anchor is trusted as it is: what RFC 5280 6.1 takes of it is its name and key.
    if len(path.path) > 1 and usage is not None and not usage & {"digitalSignature", "nonRepudiation"}:
        listed = ", ".join(sorted(usage)) or "nothing"
        out[Reason.KEY_USAGE] = f"the signer's keyUsage allows {listed}, but no signatures (RFC 5280, 4.2.1.3)"
    short = shortness(signer.public_key_info)
    if short:
        out[Reason.SHORT_KEY] = f"the signer's {short}"
    return out


# CRLs of one issuer that are tried; a message has one.
_MAX_CRLS = 8


def _is_revoked(certificate: Certificate, issuer: Certificate, crls: Iterable[bytes], at: datetime) -> bool:
    """Whether one of the CRLs says that `certificate` was revoked before `at`; only what `issuer` signed counts."""
    mine = (crl for crl in map(parse_crl, crls) if crl.issuer.raw == certificate.issuer.raw)
    for crl in islice(mine, _MAX_CRLS):
        if certificate.serial in crl.revoked and (crl.revoked_at(certificate.serial) or at) <= at:
            try:
                body, algorithm, signature = signed_parts(crl.der)
                if check_signature(algorithm, "", issuer.public_key(), signature, body):
                    return True
            except (ValueError, UnsupportedAlgorithm, der.DerError):
                continue
    return False
