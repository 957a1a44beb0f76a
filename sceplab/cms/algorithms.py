"""Digests, signature algorithms and content ciphers: what each identifier means and how strong it is.

Rule: decoding takes every algorithm that `cryptography` can still do and flags
the weak ones; building takes any of them, but weak ones only by name. This is
the one place that knows which is which.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.decrepit.ciphers.algorithms import RC2, Blowfish, TripleDES
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from sceplab.asn1 import der, oids


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
    """Read an AlgorithmIdentifier; raises DerError where it is none."""
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
    Digest("md5", "1.2.840.113549.2.5", hashes.MD5, "MD5: collisions are easy; RFC 8894 2.9 forbids it"),
    Digest(
        "sha1", "1.3.14.3.2.26", hashes.SHA1, "SHA-1: collisions are practical; RFC 8894 2.9 allows it for old peers"
    ),
    Digest("sha224", "2.16.840.1.101.3.4.2.4", hashes.SHA224),
    Digest("sha256", "2.16.840.1.101.3.4.2.1", hashes.SHA256),
    Digest("sha384", "2.16.840.1.101.3.4.2.2", hashes.SHA384),
    Digest("sha512", "2.16.840.1.101.3.4.2.3", hashes.SHA512),
)
DIGESTS = {d.name: d for d in _DIGESTS}
DIGESTS_BY_OID = {d.oid: d for d in _DIGESTS}

# --------------------------------------------------------------- signatures

# signatureAlgorithm -> (key type, digest it names or None for "the digestAlgorithm")
SIGNATURES: dict[str, tuple[str, str | None]] = {
    oids.RSA_ENCRYPTION: ("rsa", None),
    "1.2.840.113549.1.1.4": ("rsa", "md5"),
    "1.2.840.113549.1.1.5": ("rsa", "sha1"),
    "1.2.840.113549.1.1.14": ("rsa", "sha224"),
    "1.2.840.113549.1.1.11": ("rsa", "sha256"),
    "1.2.840.113549.1.1.12": ("rsa", "sha384"),
    "1.2.840.113549.1.1.13": ("rsa", "sha512"),
    oids.RSASSA_PSS: ("pss", None),
    "1.2.840.10045.4.1": ("ec", "sha1"),
    "1.2.840.10045.4.3.1": ("ec", "sha224"),
    "1.2.840.10045.4.3.2": ("ec", "sha256"),
    "1.2.840.10045.4.3.3": ("ec", "sha384"),
    "1.2.840.10045.4.3.4": ("ec", "sha512"),
    # Some programs name the key instead of the signature.
    oids.EC_PUBLIC_KEY: ("ec", None),
}
SIGNATURE_OIDS = {(kind, digest): oid for oid, (kind, digest) in SIGNATURES.items() if digest}

# --------------------------------------------------------------- content encryption


@dataclass(frozen=True, slots=True)
class ContentCipher:
    """A content-encryption algorithm; lengths in octets, `mode` is "cbc" or "gcm"."""

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
    ContentCipher("aes-128-cbc", "2.16.840.1.101.3.4.1.2", 16, 16, AES),
    ContentCipher("aes-192-cbc", "2.16.840.1.101.3.4.1.22", 24, 16, AES),
    ContentCipher("aes-256-cbc", "2.16.840.1.101.3.4.1.42", 32, 16, AES),
    ContentCipher("aes-128-gcm", "2.16.840.1.101.3.4.1.6", 16, 16, AES, "gcm"),
    ContentCipher("aes-192-gcm", "2.16.840.1.101.3.4.1.26", 24, 16, AES, "gcm"),
    ContentCipher("aes-256-gcm", "2.16.840.1.101.3.4.1.46", 32, 16, AES, "gcm"),
    ContentCipher(
        "des-ede3-cbc",
        "1.2.840.113549.3.7",
        24,
        8,
        TripleDES,
        weak="3DES: 64-bit blocks; RFC 8894 2.9 allows it for old peers",
    ),
    ContentCipher(
        "des-cbc",
        "1.3.14.3.2.7",
        8,
        8,
        _single_des,
        weak="single DES: 56-bit key, breakable by search; RFC 8894 2.9 forbids it",
    ),
    ContentCipher(
        "bf-cbc", "1.3.6.1.4.1.3029.1.2", 16, 8, Blowfish, weak="Blowfish: 64-bit blocks, not a SCEP algorithm"
    ),
    ContentCipher("rc2-cbc", "1.2.840.113549.3.2", 16, 8, RC2, weak="RC2: an export-era cipher, not a SCEP algorithm"),
)
CIPHERS = {c.name: c for c in _CIPHERS}
CIPHERS_BY_OID = {c.oid: c for c in _CIPHERS}

# RC2's version number encodes the effective key bits (RFC 3370, 5.2).
RC2_VERSIONS = {160: 40, 120: 64, 58: 128}
