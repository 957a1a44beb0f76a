"""Make and verify one signature over bytes (RFC 5652, 5.4 to 5.6; RFC 4055).

Rule: keys, algorithms and bytes only. Used by SignedData and PKCS#10.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from sceplab.asn1 import der, oids
from sceplab.cms import algorithms
from sceplab.cms.algorithms import AlgorithmIdentifier
from sceplab.errors import BuildError

SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class UnknownAlgorithmError(ValueError):
    """An algorithm that is not in `algorithms`."""


class OtherDigestError(ValueError):
    """A signature algorithm whose digest is not the one that the structure around it names."""


class ParametersError(ValueError):
    """Signature parameters that are not understood, or not allowed."""


def digest_of(algorithm: str, data: bytes) -> bytes:
    """Return the digest of `data` with a named algorithm of `algorithms.DIGESTS`."""
    hasher = hashes.Hash(algorithms.DIGESTS[algorithm].make())
    hasher.update(data)
    return hasher.finalize()


def check_signature(
    algorithm: AlgorithmIdentifier, digest: str, key: PublicKeyTypes, signature: bytes, octets: bytes
) -> str:
    """Return how `signature` over `octets` was found valid ("RSA with sha256"), or "" where it is not.

    `digest` is the digestAlgorithm of the SignerInfo, "" where there is none
    (PKCS#10). Raises UnknownAlgorithmError for an algorithm that is not known,
    OtherDigestError for one whose digest is not `digest` (RFC 4056, 3), ParametersError,
    and ValueError where key and algorithm do not fit.
    """
    kind, named = algorithms.SIGNATURES.get(algorithm.oid, ("", None))
    scheme = None
    if kind == "pss":
        scheme, named = parse_pss(algorithm.parameters)
    if not kind or (named or digest) not in algorithms.DIGESTS:
        beside = f" with digest {digest}" if digest else ""
        raise UnknownAlgorithmError(f"signature algorithm {algorithm.name}{beside} is not known")
    if named and digest and named != digest:
        raise OtherDigestError(f"{algorithm.name} signs a {named} digest, but digestAlgorithm is {digest}")
    digest = named or digest
    try:
        if kind == "ec" and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, octets, ec.ECDSA(algorithms.DIGESTS[digest].make()))
            return f"ECDSA with {digest}"
        if scheme is not None and isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, octets, scheme, algorithms.DIGESTS[digest].make())
            return f"RSA-PSS with {digest}"
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

    Raises ParametersError on parameters that are not understood, DerError on malformed ones.
    """
    digest, mgf_digest, salt, trailer = "sha1", "sha1", 20, 1
    for field in der.read(parameters).children() if parameters else []:
        inner = field.children()
        if len(inner) != 1:
            raise ParametersError("RSASSA-PSS parameters that are not understood")
        if field.tag == der.CONTEXT | der.CONSTRUCTED:
            digest = algorithms.parse_algorithm(inner[0]).name
        elif field.tag == der.CONTEXT | der.CONSTRUCTED | 1:
            mgf = algorithms.parse_algorithm(inner[0])
            mgf_digest = algorithms.parse_algorithm(der.read(mgf.parameters or b"")).name
        elif field.tag == der.CONTEXT | der.CONSTRUCTED | 2:
            salt = der.int_of(inner[0])
        elif field.tag == der.CONTEXT | der.CONSTRUCTED | 3:
            trailer = der.int_of(inner[0])
    if digest not in algorithms.DIGESTS or mgf_digest not in algorithms.DIGESTS or not 0 <= salt <= 512:
        raise ParametersError("RSASSA-PSS parameters that are not understood")
    if trailer != 1:
        raise ParametersError("the trailerField of RSASSA-PSS is not 1 (RFC 4055, 3.1)")
    return padding.PSS(padding.MGF1(algorithms.DIGESTS[mgf_digest].make()), salt), digest


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
