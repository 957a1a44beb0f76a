"""Weak, old and unusual algorithms, and short keys (RFC 8894, 2.9 and 3.5.2).

Rule: a message is judged by the algorithms that it uses, even if the other side chose them.
"""

from __future__ import annotations

from collections.abc import Iterator

from sceplab.analysis.faults.envelope import judged_envelope
from sceplab.analysis.faults.model import Fault, Hit, Level, Likelihood
from sceplab.cms import algorithms
from sceplab.cms.csr import CertificationRequest
from sceplab.cms.x509 import shortness
from sceplab.scep.message import PkiMessage

_OLD = "old Cisco IOS, sscep without -S/-E, micromdm scep (DES), MikroTik fall back to it"
WEAK_DIGEST = Fault(
    "weak-digest",
    "The message is signed with MD5, which many servers and libraries refuse.",
    "Sign with SHA-256.",
    section="RFC 8894, 2.9",
    level=Level.MUST,
    rule="MD5 is not used",
    seen=_OLD,
    explains=Likelihood.POSSIBLE,
)
OLD_DIGEST = Fault(
    "old-digest",
    "The message is signed with SHA-1.",
    "Sign with SHA-256 where the other side knows it.",
    section="RFC 8894, 2.9",
    level=Level.INFO,
    rule="SHA-1 is for old peers only",
    seen="micromdm, Windows MDM",
)


def digests_of(message: PkiMessage) -> set[str]:
    """Return the names of the digests that a message's signature uses."""
    info = message.signed.signer_info
    if info is None:
        return set()
    named = {algorithms.SIGNATURES.get(info.signature_algorithm.oid, ("", None))[1]}
    digest = algorithms.DIGESTS_BY_OID.get(info.digest_algorithm.oid)
    return {n for n in (digest.name if digest else None, *named) if n}


def digests(message: PkiMessage) -> Iterator[Hit]:
    """Yield digests that are broken or old."""
    for name in sorted(digests_of(message)):
        if name == "md5":
            yield Hit(WEAK_DIGEST, "MD5")
        elif name == "sha1":
            yield Hit(OLD_DIGEST, "SHA-1")


WEAK_CIPHER = Fault(
    "weak-cipher",
    "The content is encrypted with single DES, which RFC 8894 forbids.",
    "Use AES-128-CBC.",
    section="RFC 8894, 2.9",
    level=Level.MUST,
    rule="single DES is not used",
    seen=_OLD,
    explains=Likelihood.POSSIBLE,
)
ODD_CIPHER = Fault(
    "odd-cipher",
    "The content is encrypted with a cipher that SCEP does not name.",
    "Use AES-128-CBC.",
    section="RFC 8894, 3.5.2",
    level=Level.SHOULD,
    rule="AES or 3DES is used",
    seen="sscep -E blowfish",
    explains=Likelihood.POSSIBLE,
)
OLD_CIPHER = Fault(
    "old-cipher",
    "The content is encrypted with 3DES.",
    "Use AES-128-CBC where the other side knows it.",
    section="RFC 8894, 2.9",
    level=Level.INFO,
    rule="3DES is for old peers only",
    seen="sscep, Apple, NDES",
)


def ciphers(message: PkiMessage) -> Iterator[Hit]:
    """Yield a content encryption that is weak, old or unusual."""
    enveloped = judged_envelope(message)
    if enveloped is None:
        return
    cipher = enveloped.cipher
    name = cipher.name if cipher is not None else enveloped.content_encryption.name
    if name == "des-cbc":
        yield Hit(WEAK_CIPHER, "single DES")
    elif name == "des-ede3-cbc":
        yield Hit(OLD_CIPHER, "3DES")
    elif not name.startswith("aes-"):
        yield Hit(ODD_CIPHER, name)


SHORT_KEY = Fault(
    "short-key",
    "A key is shorter than many CAs take.",
    "Make an RSA key of at least 2048 bits, or one on a curve of at least 256 bits.",
    section="NIST SP 800-131A",
    level=Level.SHOULD,
    rule="RSA keys have 2048 bits or more, elliptic curves 256 or more",
    seen="Cisco default 1024",
    explains=Likelihood.POSSIBLE,
)


def signer_key(message: PkiMessage) -> Iterator[Hit]:
    """Yield a signer's key that is short."""
    signer = message.verification.signer
    if signer is not None and message.signed.signer_info is not None and (short := shortness(signer.public_key_info)):
        yield Hit(SHORT_KEY, f"the signer's {short}")


def request_key(_message: PkiMessage, csr: CertificationRequest) -> Iterator[Hit]:
    """Yield a key of a certificate request that is short."""
    if short := shortness(csr.public_key_info):
        yield Hit(SHORT_KEY, f"the request's {short}")


FAULTS = (WEAK_DIGEST, OLD_DIGEST, WEAK_CIPHER, ODD_CIPHER, OLD_CIPHER, SHORT_KEY)
