"""SignedData: the outer layer of a pkiMessage, and who vouches for it (RFC 5652, 5).

Rule: this module does not look inside the content. `parse_signed` and
`serialize_signed` are inverse, without any key; `verify_signed` judges and
`build_signed` signs. What a signature covers is cut from the captured bytes,
never written anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from sceplab.asn1 import der, oids
from sceplab.cms import algorithms
from sceplab.cms.algorithms import AlgorithmIdentifier
from sceplab.cms.attribute import Attribute, build_attribute, parse_attribute_list
from sceplab.cms.trust import Trust, validate_path
from sceplab.cms.x509 import Certificate, CertificateIdentifier, parse_certificate, parse_identifier, parse_time
from sceplab.errors import BuildError, Layer, Problem

_SIGNED_ATTRS = der.CONTEXT | der.CONSTRUCTED  # [0] IMPLICIT
_UNSIGNED_ATTRS = _SIGNED_ATTRS | 1


@dataclass(frozen=True, slots=True)
class SignerInfo:
    """One SignerInfo (RFC 5652, 5.3). `signed_attributes_raw` is the [0] element as captured."""

    version: int
    identifier: CertificateIdentifier
    digest_algorithm: AlgorithmIdentifier
    signed_attributes: tuple[Attribute, ...]
    signed_attributes_raw: bytes
    signature_algorithm: AlgorithmIdentifier
    signature: bytes
    unsigned_attributes_raw: bytes = b""

    def attribute(self, oid: str) -> Attribute | None:
        """Return a signed attribute by its identifier, or None."""
        return next((a for a in self.signed_attributes if a.oid == oid), None)

    @property
    def signing_time(self) -> datetime | None:
        """The signingTime attribute (RFC 5652, 11.3), or None where it was not sent."""
        attribute = self.attribute(oids.SIGNING_TIME)
        if attribute is None or not attribute.values:
            return None
        try:
            return parse_time(der.read(attribute.values[0]))
        except der.DerError:
            return None


@dataclass(frozen=True, slots=True)
class SignedData:
    """A ContentInfo of type signedData, taken apart.

    `content` is the joined octets of eContent: None where it was left out,
    b"" where an empty OCTET STRING was sent. `raw` are the captured bytes.
    """

    raw: bytes
    version: int = 1
    digest_algorithms: tuple[AlgorithmIdentifier, ...] = ()
    content_type: str = ""
    content: bytes | None = None
    certificates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    signer_infos: tuple[SignerInfo, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def signer_info(self) -> SignerInfo | None:
        """The first SignerInfo: SCEP has one (RFC 8894, 3.2)."""
        return self.signer_infos[0] if self.signer_infos else None


class _Draft:
    """The fields of SignedData read so far."""

    def __init__(self) -> None:
        self.version = 1
        self.digest_algorithms: tuple[AlgorithmIdentifier, ...] = ()
        self.content_type = ""
        self.content: bytes | None = None
        self.certificates: tuple[bytes, ...] = ()
        self.crls: tuple[bytes, ...] = ()
        self.signer_infos: list[SignerInfo] = []


def parse_signed(data: bytes) -> SignedData:
    """Take a ContentInfo with SignedData apart, BER or DER.

    Never raises: what could not be read is absent from the result and named in
    its `problems`, with offsets into `data`.
    """
    draft = _Draft()
    problems: list[Problem] = []
    try:
        _read_signed(data, draft, problems)
    except der.DerError as error:
        advice = "Check that the whole message was copied, from its first octet (30) to its last."
        problems.append(error.problem(Layer.SIGNED, advice))
    return SignedData(
        data,
        draft.version,
        draft.digest_algorithms,
        draft.content_type,
        draft.content,
        draft.certificates,
        draft.crls,
        tuple(draft.signer_infos),
        tuple(problems),
    )


def content_of(data: bytes, content_type: str, what: str, problems: list[Problem], layer: Layer) -> der.Element:
    """Open a ContentInfo (RFC 5652, 3) and return the element inside its [0].

    A wrong content type or trailing octets become problems; raises DerError
    where there is no ContentInfo at all.
    """
    outer = der.read_expected(data, der.SEQUENCE, "ContentInfo")
    fields = outer.children()
    if not fields:
        raise der.DerError(outer.start, "ContentInfo with a contentType", "an empty SEQUENCE")
    if outer.end != len(data):
        extra = f"{len(data) - outer.end} more octets"
        problems.append(Problem(layer, "trailing", "the end of the message", extra, outer.end, "They are ignored."))
    found = der.oid_of(fields[0])
    if found != content_type:
        name = oids.name_of(found)
        problems.append(Problem(layer, "content-type", f"contentType {what}", name, fields[0].start))
    if len(fields) < 2 or fields[1].tag != der.CONTEXT | der.CONSTRUCTED:
        raise der.DerError(outer.end if len(fields) < 2 else fields[1].start, f"[0] with {what}", "none")
    inner = fields[1].children()
    if not inner:
        raise der.DerError(fields[1].start, what, "an empty [0]")
    return inner[0]


def _read_signed(data: bytes, out: _Draft, problems: list[Problem]) -> None:
    body = content_of(data, oids.SIGNED_DATA, "signedData", problems, Layer.SIGNED)
    if body.tag != der.SEQUENCE:
        raise der.DerError(body.start, "SignedData (SEQUENCE)", f"tag {body.tag:02x}")
    fields = body.children()
    if len(fields) < 4:
        missing = "version, digestAlgorithms, encapContentInfo and signerInfos"
        problems.append(Problem(Layer.SIGNED, "short", missing, f"{len(fields)} fields", body.start))
    if fields:
        out.version = der.int_of(fields[0])
    if len(fields) > 1:
        out.digest_algorithms = tuple(algorithms.parse_algorithm(a) for a in fields[1].children())
    if len(fields) > 2:
        _read_content(fields[2], out)
    for field in fields[3:]:
        if field.tag == _SIGNED_ATTRS:
            out.certificates = tuple(c.raw for c in field.children())
        elif field.tag == _UNSIGNED_ATTRS:
            out.crls = tuple(c.raw for c in field.children())
        elif field.tag == der.SET:
            for item in field.children():
                try:
                    out.signer_infos.append(_read_signer(item))
                except der.DerError as error:
                    problems.append(error.problem(Layer.SIGNED))
        else:
            expected = "certificates [0], crls [1] or signerInfos"
            problems.append(Problem(Layer.SIGNED, "field", expected, f"tag {field.tag:02x}", field.start))


def _read_content(element: der.Element, out: _Draft) -> None:
    fields = element.children()
    if not fields:
        raise der.DerError(element.start, "eContentType", "an empty encapContentInfo")
    out.content_type = der.oid_of(fields[0])
    if len(fields) > 1:
        inner = fields[1].children()
        if inner:
            # Some programs leave the OCTET STRING away and put the content itself here (PKCS#7 1.5).
            out.content = inner[0].octets() if inner[0].tag & ~der.CONSTRUCTED == der.OCTET_STRING else inner[0].raw


def _read_signer(element: der.Element) -> SignerInfo:
    fields = element.children()
    if len(fields) < 5:
        raise der.DerError(element.start, "a SignerInfo of at least five fields", f"{len(fields)}")
    version, identifier, digest = fields[:3]
    rest = fields[3:]
    attributes: tuple[Attribute, ...] = ()
    raw = b""
    if rest[0].tag == _SIGNED_ATTRS:
        signed = rest.pop(0)
        raw = signed.raw
        attributes = parse_attribute_list(element.data, signed.content_start, signed.content_end)
    if len(rest) < 2:
        raise der.DerError(element.end, "signatureAlgorithm and signature", "the end of SignerInfo")
    return SignerInfo(
        der.int_of(version),
        parse_identifier(identifier),
        algorithms.parse_algorithm(digest),
        attributes,
        raw,
        algorithms.parse_algorithm(rest[0]),
        rest[1].octets(),
        rest[2].raw if len(rest) > 2 else b"",
    )


# --------------------------------------------------------------- judging


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


def digest_of(algorithm: str, data: bytes) -> bytes:
    """Return the digest of `data` with a named algorithm of `algorithms.DIGESTS`."""
    hasher = hashes.Hash(algorithms.DIGESTS[algorithm].make())
    hasher.update(data)
    return hasher.finalize()


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


class UnknownAlgorithmError(ValueError):
    """An algorithm that is not in `algorithms`."""


def check_signature(
    algorithm: AlgorithmIdentifier, digest: str, key: PublicKeyTypes, signature: bytes, octets: bytes
) -> str:
    """Return how `signature` over `octets` was found valid ("RSA with sha256"), or "" where it is not.

    `digest` is used where the algorithm names none (rsaEncryption). Raises
    UnknownAlgorithmError for one that is not known, ValueError where key and
    algorithm do not fit.
    """
    kind, named = algorithms.SIGNATURES.get(algorithm.oid, ("", None))
    digest = named or digest
    if not kind or digest not in algorithms.DIGESTS:
        raise UnknownAlgorithmError(f"signature algorithm {algorithm.name} with digest {digest} is not known")
    try:
        if kind == "ec" and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, octets, ec.ECDSA(algorithms.DIGESTS[digest].make()))
            return f"ECDSA with {digest}"
        if kind == "pss" and isinstance(key, rsa.RSAPublicKey):
            scheme, pss_digest = parse_pss(algorithm.parameters)
            key.verify(signature, octets, scheme, algorithms.DIGESTS[pss_digest].make())
            return f"RSA-PSS with {pss_digest}"
        if kind == "rsa" and isinstance(key, rsa.RSAPublicKey):
            return _check_rsa(key, signature, octets, digest)
    except InvalidSignature:
        return ""
    raise ValueError(f"a {type(key).__name__} cannot check {algorithm.name}")


def _check_rsa(key: rsa.RSAPublicKey, signature: bytes, octets: bytes, digest: str) -> str:
    try:
        key.verify(signature, octets, padding.PKCS1v15(), algorithms.DIGESTS[digest].make())
    except InvalidSignature:
        pass
    else:
        return f"RSA with {digest}"
    # RFC 8017 A.2.4: parameters of the DigestInfo may be left out; OpenSSL's verify insists on NULL.
    try:
        info = key.recover_data_from_signature(signature, padding.PKCS1v15(), None)
    except (InvalidSignature, ValueError):
        return ""
    without_null = der.sequence(
        der.sequence(der.oid(algorithms.DIGESTS[digest].oid)), der.encode(der.OCTET_STRING, digest_of(digest, octets))
    )
    return f"RSA with {digest} (DigestInfo without NULL)" if info == without_null else ""


def parse_pss(parameters: bytes | None) -> tuple[padding.PSS, str]:
    """Read RSASSA-PSS-params (RFC 4055, 3.1): the padding, and the digest's name.

    Raises ValueError on parameters that are not understood.
    """
    digest, mgf_digest, salt = "sha1", "sha1", 20
    for field in der.read(parameters).children() if parameters else []:
        inner = field.children()[0]
        if field.tag == der.CONTEXT | der.CONSTRUCTED:
            digest = algorithms.parse_algorithm(inner).name
        elif field.tag == der.CONTEXT | der.CONSTRUCTED | 1:
            mgf = algorithms.parse_algorithm(inner)
            mgf_digest = algorithms.parse_algorithm(der.read(mgf.parameters or b"")).name
        elif field.tag == der.CONTEXT | der.CONSTRUCTED | 2:
            salt = der.int_of(inner)
    if digest not in algorithms.DIGESTS or mgf_digest not in algorithms.DIGESTS or not 0 <= salt <= 512:
        raise ValueError("RSASSA-PSS parameters that are not understood")
    return padding.PSS(padding.MGF1(algorithms.DIGESTS[mgf_digest].make()), salt), digest


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


# --------------------------------------------------------------- putting together


def serialize_signed(signed: SignedData) -> bytes:
    """Write SignedData as DER, field by field: the inverse of `parse_signed` for DER input.

    Attributes, certificates and signers keep the order they have in `signed`.
    """
    content = b""
    if signed.content is not None:
        content = der.context(0, der.encode(der.OCTET_STRING, signed.content))
    body = der.sequence(
        der.integer(signed.version),
        der.encode(der.SET, *map(algorithms.build_algorithm, signed.digest_algorithms)),
        der.sequence(der.oid(signed.content_type), content),
        der.context(0, *signed.certificates) if signed.certificates else b"",
        der.context(1, *signed.crls) if signed.crls else b"",
        der.encode(der.SET, *map(_serialize_signer, signed.signer_infos)),
    )
    return der.sequence(der.oid(oids.SIGNED_DATA), der.context(0, body))


def _serialize_signer(info: SignerInfo) -> bytes:
    attributes = b""
    if info.signed_attributes:
        attributes = der.context(0, *map(build_attribute, info.signed_attributes))
    return der.sequence(
        der.integer(info.version),
        info.identifier.raw,
        algorithms.build_algorithm(info.digest_algorithm),
        attributes,
        algorithms.build_algorithm(info.signature_algorithm),
        der.encode(der.OCTET_STRING, info.signature),
        info.unsigned_attributes_raw,
    )


def build_degenerate(certificates: Sequence[bytes], crls: Sequence[bytes] = ()) -> bytes:
    """Return a degenerate certificates-only SignedData: no content, no signers (RFC 8894, 3.4).

    Certificates stand in the order given, which BER allows for a SET OF: some
    clients take the first for the one they asked for.
    """
    return serialize_signed(SignedData(b"", content_type=oids.DATA, certificates=tuple(certificates), crls=tuple(crls)))


@dataclass(frozen=True, slots=True)
class SignedDraft:
    """All that goes into a SignedData apart from its content and the signer's private key.

    `attributes` stand in the order to be sent; contentType and messageDigest are
    in it without values, which `build_signed` fills in. `signature_algorithm` is
    what the SignerInfo says; `digest` names the digest.
    """

    signer: CertificateIdentifier
    certificates: tuple[bytes, ...]
    attributes: tuple[Attribute, ...]
    digest_algorithm: AlgorithmIdentifier
    signature_algorithm: AlgorithmIdentifier
    digest_algorithms: tuple[AlgorithmIdentifier, ...] = ()
    content_type: str = oids.DATA
    version: int = 1
    signer_version: int = 1
    crls: tuple[bytes, ...] = ()
    unsigned_attributes_raw: bytes = b""
    shape: der.Shape = der.DER_SHAPE
    signed_in_order: bool = False


def draft_of_signed(signed: SignedData) -> SignedDraft:
    """Return what went into a parsed SignedData, without its digest and its signature.

    Raises BuildError when there is no SignerInfo to take it from, or BER that
    cannot be written again.
    """
    info = signed.signer_info
    if info is None or len(signed.signer_infos) != 1:
        raise BuildError(f"a pkiMessage has one SignerInfo, this has {len(signed.signer_infos)}")
    filled = {oids.CONTENT_TYPE, oids.MESSAGE_DIGEST}
    try:
        _, shape = der.normalise(signed.raw)
    except der.DerError as error:
        raise BuildError(f"the captured encoding cannot be described: {error}") from error
    return SignedDraft(
        info.identifier,
        signed.certificates,
        tuple(Attribute(a.oid, ()) if a.oid in filled else a for a in info.signed_attributes),
        info.digest_algorithm,
        info.signature_algorithm,
        signed.digest_algorithms,
        signed.content_type,
        signed.version,
        info.version,
        signed.crls,
        info.unsigned_attributes_raw,
        shape,
        signed_in_order=_covers_ordered(signed),
    )


def _covers_ordered(signed: SignedData) -> bool:
    """Whether the sender signed the attributes in DER order, but sent them in another."""
    return "DER order" in verify_signed(signed)["signature"].detail


SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def build_signed(draft: SignedDraft, content: bytes | None, key: SigningKey) -> bytes:
    """Sign `content` (None: eContent left out; b"": an empty OCTET STRING) and write the SignedData.

    PKCS#1 v1.5 signatures repeat byte for byte; PSS and ECDSA ones do not.
    Raises BuildError when key and algorithm do not fit.
    """
    digest = algorithms.DIGESTS_BY_OID.get(draft.digest_algorithm.oid)
    if digest is None:
        raise BuildError(f"digest algorithm {draft.digest_algorithm.name} is not known")
    values = {
        oids.CONTENT_TYPE: der.oid(draft.content_type),
        oids.MESSAGE_DIGEST: der.encode(der.OCTET_STRING, digest_of(digest.name, content or b"")),
    }
    attributes = tuple(
        Attribute(a.oid, (values[a.oid],)) if a.oid in values and not a.values else a for a in draft.attributes
    )
    if attributes:
        parts = [build_attribute(a) for a in attributes]
        covered = der.set_of(parts) if draft.signed_in_order else der.encode(der.SET, *parts)
    else:
        covered = content or b""
    signature = sign(key, draft.signature_algorithm, digest.name, covered)
    info = SignerInfo(
        draft.signer_version,
        draft.signer,
        draft.digest_algorithm,
        attributes,
        b"",
        draft.signature_algorithm,
        signature,
        draft.unsigned_attributes_raw,
    )
    signed = SignedData(
        b"",
        draft.version,
        draft.digest_algorithms or (draft.digest_algorithm,),
        draft.content_type,
        content,
        draft.certificates,
        draft.crls,
        (info,),
    )
    try:
        return der.dress(serialize_signed(signed), draft.shape)
    except der.DerError as error:
        raise BuildError(f"the captured BER form does not fit this message: {error}") from error


def sign(key: SigningKey, algorithm: AlgorithmIdentifier, digest: str, octets: bytes) -> bytes:
    """Return the signature of `octets`; raises BuildError when key and algorithm do not fit."""
    kind, named = algorithms.SIGNATURES.get(algorithm.oid, ("", None))
    make = algorithms.DIGESTS[named or digest].make
    try:
        if kind == "rsa" and isinstance(key, rsa.RSAPrivateKey):
            return key.sign(octets, padding.PKCS1v15(), make())
        if kind == "pss" and isinstance(key, rsa.RSAPrivateKey):
            scheme, pss_digest = parse_pss(algorithm.parameters)
            return key.sign(octets, scheme, algorithms.DIGESTS[pss_digest].make())
        if kind == "ec" and isinstance(key, ec.EllipticCurvePrivateKey):
            return key.sign(octets, ec.ECDSA(make()))
    except (ValueError, UnsupportedAlgorithm, der.DerError) as error:
        raise BuildError(f"cannot sign with {algorithm.name}: {error}") from error
    raise BuildError(f"a {type(key).__name__} cannot sign with {algorithm.name}")


def signature_algorithm_for(
    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, digest: str, scheme: str = "rsaEncryption"
) -> AlgorithmIdentifier:
    """Return the signatureAlgorithm to put into a SignerInfo.

    `scheme` is for RSA keys: "rsaEncryption" (every known client takes it),
    "digestWithRSA" (sha256WithRSAEncryption and so on) or "pss". EC keys
    always give ecdsa-with-SHAx.
    """
    if isinstance(key, ec.EllipticCurvePublicKey):
        return AlgorithmIdentifier(algorithms.SIGNATURE_OIDS["ec", digest])
    if scheme == "pss":
        sha = der.sequence(der.oid(algorithms.DIGESTS[digest].oid), der.NULL_ELEMENT)
        length = algorithms.DIGESTS[digest].make().digest_size
        parameters = der.sequence(
            der.context(0, sha),
            der.context(1, der.sequence(der.oid(oids.MGF1), sha)),
            der.context(2, der.integer(length)),
        )
        return AlgorithmIdentifier(oids.RSASSA_PSS, parameters)
    oid = oids.RSA_ENCRYPTION if scheme == "rsaEncryption" else algorithms.SIGNATURE_OIDS["rsa", digest]
    return AlgorithmIdentifier(oid, der.NULL_ELEMENT)
