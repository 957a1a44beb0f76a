"""Who vouches for a SignedData, and whether it was changed since (RFC 5652, 5.4 to 5.6).

Rule: every question is a named `Check` with an outcome. What a signature covers
is cut from the captured bytes, never written anew.
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
from sceplab.cms.x509 import Certificate, parse_certificate


class Outcome(StrEnum):
    """How a check ended; NOT_POSSIBLE means that something it needs is not there."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_POSSIBLE = "not possible"


@dataclass(frozen=True, slots=True)
class Check:
    """One named check: `name` is stable, `detail` is for people."""

    name: str
    outcome: Outcome
    detail: str

    def __str__(self) -> str:
        return f"{self.name}: {self.outcome.value} ({self.detail})"


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify_signed` found.

    Checks, in order: "signer certificate", "content type", "digest",
    "signature", "chain", "validity".
    """

    checks: tuple[Check, ...]
    signer: Certificate | None
    signer_in_message: bool

    def __getitem__(self, name: str) -> Check:
        """Return a check by its name; raises KeyError."""
        for check in self.checks:
            if check.name == name:
                return check
        raise KeyError(name)

    @property
    def intact(self) -> bool:
        """Whether nothing was changed since the signer signed: digest and signature passed."""
        return self["digest"].outcome == self["signature"].outcome == Outcome.PASSED

    @property
    def ok(self) -> bool:
        """Whether it is intact and no check failed (a check that was not possible does not fail)."""
        return self.intact and all(c.outcome != Outcome.FAILED for c in self.checks)


def verify_signed(
    signed: SignedData,
    *,
    certificates: Iterable[bytes] = (),
    trust: Trust | None = None,
    at: datetime | None = None,
) -> Verification:
    """Judge the first SignerInfo (RFC 5652, 5.6). Never raises.

    `certificates` are further DER certificates that the signer may be among
    (CertReps often carry none). `trust` names the CA certificates for the chain.
    `at` is the moment of signing where it is known from elsewhere (a capture's
    time); without it the signingTime attribute is used.
    """
    info = signed.signer_info
    if info is None:
        nobody = Check("signer certificate", Outcome.FAILED, "there is no SignerInfo: nobody signed this")
        rest = ("content type", "digest", "signature", "chain", "validity")
        return Verification((nobody, *(_impossible(n, "no SignerInfo") for n in rest)), None, signer_in_message=False)
    signer, carried, found = _find_signer(signed, info, certificates)
    checks = [found, _check_content_type(signed, info), _check_digest(signed, info)]
    if signer is None:
        checks += [_impossible(n, "the signer's certificate is not known") for n in ("signature", "chain", "validity")]
    else:
        checks.append(_check_signature(signed, info, signer))
        checks += _check_chain(signed, signer, trust, at or info.signing_time)
    return Verification(tuple(checks), signer, signer_in_message=carried)


def _impossible(name: str, why: str) -> Check:
    return Check(name, Outcome.NOT_POSSIBLE, why)


def _find_signer(
    signed: SignedData, info: SignerInfo, certificates: Iterable[bytes]
) -> tuple[Certificate | None, bool, Check]:
    for source, where in ((signed.certificates, "in the message"), (certificates, "given by the caller")):
        for raw in source:
            certificate = parse_certificate(raw)
            if info.identifier.matches(certificate):
                check = Check(
                    "signer certificate",
                    Outcome.PASSED,
                    f"{certificate.subject}, serial {certificate.serial_hex}, {where}",
                )
                return certificate, where == "in the message", check
    detail = f"signed by {info.identifier}, whose certificate is neither in the message nor given"
    return None, False, _impossible("signer certificate", detail)


def _check_content_type(signed: SignedData, info: SignerInfo) -> Check:
    name = "content type"
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
    name = "digest"
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


def covered_forms(info: SignerInfo, content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the octets that the signature may cover, likeliest first (RFC 5652, 5.4).

    With signed attributes that is the captured [0] with its tag read as SET OF
    (31): as sent, and, where that differs, in DER form and order.
    """
    raw = info.signed_attributes_raw
    if not raw:
        yield "the content", content
        return
    as_sent = b"\x31" + raw[1:]
    yield "signedAttrs as sent, 0xA0 read as 0x31", as_sent
    ordered = der.set_of(build_attribute(a) for a in info.signed_attributes)
    if ordered != as_sent:
        yield "signedAttrs put into DER order", ordered


def _check_signature(signed: SignedData, info: SignerInfo, signer: Certificate) -> Check:
    name = "signature"
    try:
        key = signer.public_key()
        for what, octets in covered_forms(info, signed.content or b""):
            how = check_signature(info.signature_algorithm, info.digest_algorithm.name, key, info.signature, octets)
            if how:
                return Check(name, Outcome.PASSED, f"{how} over {what}")
    except UnknownAlgorithmError as error:
        return _impossible(name, str(error))
    except (ValueError, UnsupportedAlgorithm, der.DerError) as error:
        return Check(name, Outcome.FAILED, f"the signer's key cannot be used: {error}")
    return Check(name, Outcome.FAILED, f"does not fit the signed attributes and the key of {signer.subject}")


def _check_chain(signed: SignedData, signer: Certificate, trust: Trust | None, at: datetime | None) -> list[Check]:
    start, end = signer.not_before, signer.not_after
    moment = at
    if start is None or end is None or start > end:
        validity = Check("validity", Outcome.FAILED, "the signer's certificate has no readable validity")
        moment = moment or start or end
    elif at is None:
        detail = "no signingTime in the message and no moment given; the certificate is valid"
        validity = _impossible("validity", f"{detail} from {start:%Y-%m-%d} to {end:%Y-%m-%d}")
        moment = start
    elif at < start:
        validity = Check(
            "validity", Outcome.FAILED, f"signed {at:%Y-%m-%d %H:%M:%S}, not valid before {start:%Y-%m-%d %H:%M:%S}"
        )
        moment = start
    elif at > end:
        validity = Check("validity", Outcome.FAILED, f"signed {at:%Y-%m-%d %H:%M:%S}, expired {end:%Y-%m-%d %H:%M:%S}")
        moment = end
    else:
        validity = Check("validity", Outcome.PASSED, f"{at:%Y-%m-%d %H:%M:%S} is within the certificate's validity")
    if trust is None or moment is None:
        return [_impossible("chain", "no CA certificate was given"), validity]
    trust = replace(trust, intermediates=(*trust.intermediates, *signed.certificates))
    path = validate_path(signer, trust, moment)
    return [Check("chain", Outcome.PASSED if path.valid else Outcome.FAILED, path.detail), validity]
