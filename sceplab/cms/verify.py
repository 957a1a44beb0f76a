"""Verify a SignedData: signer, digest, signature and chain (RFC 5652, 5.4 to 5.6).

Rule: every check is a named `Check` with an outcome. A signature is verified over
the captured bytes, never over a new encoding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from cryptography.exceptions import UnsupportedAlgorithm

from sceplab.asn1 import der, oids
from sceplab.cms import algorithms
from sceplab.cms.attribute import build_attribute
from sceplab.cms.signature import UnknownAlgorithmError, check_signature, digest_of
from sceplab.cms.signed import SignedData, SignerInfo
from sceplab.cms.trust import Trust, validate_path
from sceplab.cms.x509 import Certificate, CertificateLike, certificate_of


class Outcome(StrEnum):
    """How a check ended; NOT_POSSIBLE means that something it needs is missing."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_POSSIBLE = "not possible"


class CheckName(StrEnum):
    """The checks of a signed structure, in the order of `Verification.checks`; the last is `csr.verify_csr`'s."""

    SIGNER = "signer certificate"
    CONTENT_TYPE = "content type"
    DIGEST = "digest"
    SIGNATURE = "signature"
    CHAIN = "chain"
    VALIDITY = "validity"
    POSSESSION = "proof of possession"


class Reason(StrEnum):
    """Why a signature did not pass."""

    UNKNOWN_ALGORITHM = "unknown algorithm"
    UNUSABLE_KEY = "unusable key"
    MISMATCH = "mismatch"


class SignedForm(StrEnum):
    """Which form of the bytes a signature covers (RFC 5652, 5.4)."""

    CONTENT = "content"
    AS_SENT = "as sent"
    DER_ORDER = "DER order"


@dataclass(frozen=True, slots=True)
class Check:
    """One named check. `detail` is for people; `reason` says why a signature did not pass."""

    name: str
    outcome: Outcome
    detail: str
    reason: Reason | None = None

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
) -> Verification:
    """Judge the first SignerInfo (RFC 5652, 5.6). Never raises.

    `certificates` are searched for the signer besides those in the message
    (CertReps often carry none). `trust` names the CA certificates for the chain.
    `at` is the moment of signing where it is known from elsewhere (a capture's
    time); without it the signingTime attribute is used.
    """
    info = signed.signer_info
    if info is None:
        nobody = Check(CheckName.SIGNER, Outcome.FAILED, "there is no SignerInfo: nobody signed this")
        rest = [n for n in CheckName if n not in {CheckName.SIGNER, CheckName.POSSESSION}]
        return Verification((nobody, *(_impossible(n, "no SignerInfo") for n in rest)), None, signer_in_message=False)
    signer, carried = _find_signer(signed, info, certificates)
    checks = [_check_signer(info, signer, carried=carried), _check_content_type(signed, info)]
    checks.append(_check_digest(signed, info))
    covers = None
    if signer is None:
        rest = [CheckName.SIGNATURE, CheckName.CHAIN, CheckName.VALIDITY]
        checks += [_impossible(n, "the signer's certificate is not known") for n in rest]
    else:
        check, covers = _check_signature(signed, info, signer)
        checks += [check, *_check_chain(signed, signer, trust, at or info.signing_time)]
    return Verification(tuple(checks), signer, carried, covers)


def _impossible(name: CheckName, why: str) -> Check:
    return Check(name, Outcome.NOT_POSSIBLE, why)


def _find_signer(
    signed: SignedData, info: SignerInfo, certificates: Iterable[CertificateLike]
) -> tuple[Certificate | None, bool]:
    """Return the signer's certificate, and whether the message carries it."""
    for given, carried in ((signed.certificates, True), (certificates, False)):
        for item in given:
            certificate = certificate_of(item)
            if info.identifier.matches(certificate):
                return certificate, carried
    return None, False


def _check_signer(info: SignerInfo, signer: Certificate | None, *, carried: bool) -> Check:
    if signer is None:
        detail = f"signed by {info.identifier}, whose certificate is neither in the message nor given"
        return _impossible(CheckName.SIGNER, detail)
    where = "in the message" if carried else "given by the caller"
    return Check(CheckName.SIGNER, Outcome.PASSED, f"{signer.subject}, serial {signer.serial_hex}, {where}")


def _check_content_type(signed: SignedData, info: SignerInfo) -> Check:
    name = CheckName.CONTENT_TYPE
    if not info.signed_attributes:
        return _impossible(name, "there are no signed attributes")
    attribute = info.attribute(oids.CONTENT_TYPE)
    if attribute is None or len(attribute.values) != 1:
        return Check(name, Outcome.FAILED, "the contentType attribute is missing (RFC 5652, 11.1 demands it)")
    try:
        value = der.oid_of(der.read(attribute.values[0]))
    except der.DerError as error:
        return Check(name, Outcome.FAILED, str(error))
    if value != signed.content_type:
        detail = f"the attribute says {oids.name_of(value)}, the content is {oids.name_of(signed.content_type)}"
        return Check(name, Outcome.FAILED, detail)
    return Check(name, Outcome.PASSED, oids.name_of(value))


def _check_digest(signed: SignedData, info: SignerInfo) -> Check:
    name = CheckName.DIGEST
    digest = algorithms.DIGESTS_BY_OID.get(info.digest_algorithm.oid)
    if digest is None:
        return _impossible(name, f"digest algorithm {info.digest_algorithm.name} is not known")
    if not info.signed_attributes_raw:
        return Check(name, Outcome.PASSED, "there are no signed attributes: the signature covers the content itself")
    attribute = info.attribute(oids.MESSAGE_DIGEST)
    if attribute is None or len(attribute.values) != 1:
        return Check(name, Outcome.FAILED, "the messageDigest attribute is missing (RFC 5652, 11.2 demands it)")
    try:
        stated = der.read(attribute.values[0]).octets()
    except der.DerError as error:
        return Check(name, Outcome.FAILED, str(error))
    actual = digest_of(digest.name, signed.content or b"")
    if actual != stated:
        detail = f"messageDigest says {stated.hex()}, the content gives {actual.hex()} ({digest.name}): it was changed"
        return Check(name, Outcome.FAILED, detail)
    return Check(name, Outcome.PASSED, f"{digest.name} of the content equals messageDigest")


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
                return Check(name, Outcome.PASSED, f"{how} over {_FORMS[form]}"), form
    except UnknownAlgorithmError as error:
        return Check(name, Outcome.NOT_POSSIBLE, str(error), Reason.UNKNOWN_ALGORITHM), None
    except (ValueError, UnsupportedAlgorithm, der.DerError) as error:
        detail = f"the signer's key cannot be used: {error}"
        return Check(name, Outcome.FAILED, detail, Reason.UNUSABLE_KEY), None
    detail = f"does not fit the signed attributes and the key of {signer.subject}"
    return Check(name, Outcome.FAILED, detail, Reason.MISMATCH), None


def _check_chain(signed: SignedData, signer: Certificate, trust: Trust | None, at: datetime | None) -> list[Check]:
    start, end = signer.not_before, signer.not_after
    moment = at
    if start is None or end is None or start > end:
        validity = Check(CheckName.VALIDITY, Outcome.FAILED, "the signer's certificate has no readable validity")
        moment = moment or start or end
    elif at is None:
        detail = "no signingTime in the message and no moment given; the certificate is valid"
        validity = _impossible(CheckName.VALIDITY, f"{detail} from {start:%Y-%m-%d} to {end:%Y-%m-%d}")
        moment = start
    elif at < start:
        validity = Check(
            CheckName.VALIDITY,
            Outcome.FAILED,
            f"signed {at:%Y-%m-%d %H:%M:%S}, not valid before {start:%Y-%m-%d %H:%M:%S}",
        )
        moment = start
    elif at > end:
        validity = Check(
            CheckName.VALIDITY, Outcome.FAILED, f"signed {at:%Y-%m-%d %H:%M:%S}, expired {end:%Y-%m-%d %H:%M:%S}"
        )
        moment = end
    else:
        validity = Check(
            CheckName.VALIDITY, Outcome.PASSED, f"{at:%Y-%m-%d %H:%M:%S} is within the certificate's validity"
        )
    if trust is None or moment is None:
        return [_impossible(CheckName.CHAIN, "no CA certificate was given"), validity]
    trust = replace(trust, intermediates=(*trust.intermediates, *signed.certificates))
    path = validate_path(signer, trust, moment)
    return [Check(CheckName.CHAIN, Outcome.PASSED if path.valid else Outcome.FAILED, path.detail), validity]
