"""Digests, signature algorithms and content ciphers: what each identifier means and how strong it is.

Rule: decoding takes every algorithm that `cryptography` can still do and flags
the weak ones; building takes any of them, but weak ones only by name. All
properties of algorithms are in this module.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.decrepit.ciphers.algorithms import RC2, Blowfish, TripleDES
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from sceplab.asn1 import der, oids
from sceplab.asn1.memo import memo


@dataclass(frozen=True, slots=True)
class AlgorithmIdentifier:
    """An AlgorithmIdentifier as sent (RFC 5280, 4.1.1.2): `parameters` are DER, or None where absent."""

    oid: str
    parameters: bytes | None = None

    @property
    def name(self) -> str:
        """The name of the algorithm (OpenSSL's), or the dotted identifier."""
        return oids.name_of(self.oid)


def parse_algorithm(element: der.Element) -> AlgorithmIdentifier:
    """Read an AlgorithmIdentifier; raises DerError if it is malformed."""
    try:
        return _algorithm_of(element.raw)
    except der.DerError:
        return _parse_algorithm(element)  # again: the error has offsets in the message


@memo(256, longest=256)
def _algorithm_of(raw: bytes) -> AlgorithmIdentifier:
    return _parse_algorithm(der.read(raw))


def _parse_algorithm(element: der.Element) -> AlgorithmIdentifier:
    if element.tag != der.SEQUENCE:
        raise der.DerError(element.start, "an AlgorithmIdentifier (SEQUENCE)", f"tag {element.tag:02x}")
    children = element.children()
    if not children:
        raise der.DerError(element.start, "an algorithm OBJECT IDENTIFIER", "an empty SEQUENCE")
    return AlgorithmIdentifier(der.oid_of(children[0]), children[1].raw if len(children) > 1 else None)


def build_algorithm(algorithm: AlgorithmIdentifier) -> bytes:
    """Return the DER of an AlgorithmIdentifier."""
    return der.sequence(der.oid(algorithm.oid), algorithm.parameters or b"")


# --------------------------------------------------------------- digests


@dataclass(frozen=True, slots=True)
class Digest:
    """A message digest algorithm; `weak` says why it must not be used today ("" if it may)."""

    name: str
    oid: str
    make: Callable[[], hashes.HashAlgorithm]
    weak: str = ""


_DIGESTS = (
    Digest("md5", oids.MD5, hashes.MD5, "MD5: collisions are easy; RFC 8894 2.9 forbids it"),
    Digest("sha1", oids.SHA1, hashes.SHA1, "SHA-1: collisions are practical; RFC 8894 2.9 allows it for old peers"),
    Digest("sha224", oids.SHA224, hashes.SHA224),
    Digest("sha256", oids.SHA256, hashes.SHA256),
    Digest("sha384", oids.SHA384, hashes.SHA384),
    Digest("sha512", oids.SHA512, hashes.SHA512),
)
DIGESTS = {d.name: d for d in _DIGESTS}
DIGESTS_BY_OID = {d.oid: d for d in _DIGESTS}

# PBKDF2's pseudorandom function -> digest (RFC 8018, B.1)
HMACS = {oids.HMAC_SHA1: "sha1", oids.HMAC_SHA256: "sha256"}

# --------------------------------------------------------------- signatures

MIN_RSA_BITS = 2048
"""RFC 8894 names no least size; below this the CAs of 2013 on refuse (NIST SP 800-131A)."""
MIN_EC_BITS = 256
"""The size of an elliptic curve, likewise; keys of certificates have 256 bits or more (CA/Browser Forum BR, 6.1.5)."""

# signatureAlgorithm -> (key type, digest it names or None for "the digestAlgorithm")
SIGNATURES: dict[str, tuple[str, str | None]] = {
    oids.RSA_ENCRYPTION: ("rsa", None),
    oids.MD5_WITH_RSA: ("rsa", "md5"),
    oids.SHA1_WITH_RSA: ("rsa", "sha1"),
    oids.SHA224_WITH_RSA: ("rsa", "sha224"),
    oids.SHA256_WITH_RSA: ("rsa", "sha256"),
    oids.SHA384_WITH_RSA: ("rsa", "sha384"),
    oids.SHA512_WITH_RSA: ("rsa", "sha512"),
    oids.RSASSA_PSS: ("pss", None),
    oids.ECDSA_WITH_SHA1: ("ec", "sha1"),
    oids.ECDSA_WITH_SHA224: ("ec", "sha224"),
    oids.ECDSA_WITH_SHA256: ("ec", "sha256"),
    oids.ECDSA_WITH_SHA384: ("ec", "sha384"),
    oids.ECDSA_WITH_SHA512: ("ec", "sha512"),
    # Some programs name the key instead of the signature.
    oids.EC_PUBLIC_KEY: ("ec", None),
}
SIGNATURE_OIDS = {(kind, digest): oid for oid, (kind, digest) in SIGNATURES.items() if digest}

# --------------------------------------------------------------- content encryption


@dataclass(frozen=True, slots=True)
class ContentCipher:
    """A content-encryption algorithm; lengths in bytes, `mode` is "cbc" or "gcm"."""

    name: str
    oid: str
    key_length: int
    block_length: int
    make: Callable[[bytes], BlockCipherAlgorithm]
    mode: str = "cbc"
    weak: str = ""


def _single_des(key: bytes) -> BlockCipherAlgorithm:
    # `cryptography` has no single DES: E(D(E(x))) with one key three times is E(x).
    return TripleDES(key * 3)


_CIPHERS = (
    ContentCipher("aes-128-cbc", oids.AES_128_CBC, 16, 16, AES),
    ContentCipher("aes-192-cbc", oids.AES_192_CBC, 24, 16, AES),
    ContentCipher("aes-256-cbc", oids.AES_256_CBC, 32, 16, AES),
    ContentCipher("aes-128-gcm", oids.AES_128_GCM, 16, 16, AES, "gcm"),
    ContentCipher("aes-192-gcm", oids.AES_192_GCM, 24, 16, AES, "gcm"),
    ContentCipher("aes-256-gcm", oids.AES_256_GCM, 32, 16, AES, "gcm"),
    ContentCipher(
        "des-ede3-cbc",
        oids.DES_EDE3_CBC,
        24,
        8,
        TripleDES,
        weak="3DES: 64-bit blocks; RFC 8894 2.9 allows it for old peers",
    ),
    ContentCipher(
        "des-cbc",
        oids.DES_CBC,
        8,
        8,
        _single_des,
        weak="single DES: 56-bit key, breakable by search; RFC 8894 2.9 forbids it",
    ),
    ContentCipher("bf-cbc", oids.BLOWFISH_CBC, 16, 8, Blowfish, weak="Blowfish: 64-bit blocks, not a SCEP algorithm"),
    ContentCipher("rc2-cbc", oids.RC2_CBC, 16, 8, RC2, weak="RC2: an export-era cipher, not a SCEP algorithm"),
)
CIPHERS = {c.name: c for c in _CIPHERS}
CIPHERS_BY_OID = {c.oid: c for c in _CIPHERS}

# RC2's version number encodes the effective key bits (RFC 3370, 5.2).
RC2_VERSIONS = {160: 40, 120: 64, 58: 128}
