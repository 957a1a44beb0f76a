"""SignedData made by a signer: first a draft, then digest and signature (RFC 5652, 5).

Rule: a draft holds everything except the content, the digest and the signature,
so the draft of a parsed message builds the same message again.
"""

from __future__ import annotations

from dataclasses import dataclass

from sceplab.asn1 import ber, der, oids
from sceplab.cms import algorithms
from sceplab.cms.algorithms import AlgorithmIdentifier
from sceplab.cms.attribute import Attribute, build_attribute
from sceplab.cms.signature import SigningKey, digest_of, sign
from sceplab.cms.signed import SignedData, SignerInfo, serialize_signed
from sceplab.cms.verify import SignedForm, verify_signed
from sceplab.cms.x509 import CertificateIdentifier
from sceplab.errors import BuildError


@dataclass(frozen=True, slots=True)
class SignedDraft:
    """Everything that a SignedData is built from except its content and the signer's private key.

    `attributes` are in the order to be sent; contentType and messageDigest are
    among them without values, which `build_signed` fills in. `signature_algorithm` is
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
    shape: ber.Shape = ber.DER_SHAPE
    signed_in_order: bool = False


def draft_of_signed(signed: SignedData) -> SignedDraft:
    """Return the draft of a parsed SignedData, without its digest and its signature.

    Raises BuildError if there is no SignerInfo, or BER that
    cannot be written again.
    """
    info = signed.signer_info
    if info is None or len(signed.signer_infos) != 1:
        raise BuildError(f"a pkiMessage has one SignerInfo, this has {len(signed.signer_infos)}")
    filled = {oids.CONTENT_TYPE, oids.MESSAGE_DIGEST}
    try:
        _, shape = ber.normalise(signed.raw)
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
        signed_in_order=verify_signed(signed).covers is SignedForm.DER_ORDER,
    )


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
        return ber.dress(serialize_signed(signed), draft.shape)
    except der.DerError as error:
        raise BuildError(f"the captured BER form does not fit this message: {error}") from error
