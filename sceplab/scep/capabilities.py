"""What a CA offers: the words of a GetCACaps reply, and what follows from them (RFC 8894, 3.5.2).

Rule: words are kept as sent and compared without regard to case, since some
servers change it; all keywords are in this module.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Capability(StrEnum):
    """The keywords of RFC 8894, 3.5.2, and SHA-384, which strongSwan 5.9.8 looks for."""

    AES = "AES"
    DES3 = "DES3"
    GET_NEXT_CA_CERT = "GetNextCACert"
    POST = "POSTPKIOperation"
    RENEWAL = "Renewal"
    SHA1 = "SHA-1"
    SHA256 = "SHA-256"
    SHA384 = "SHA-384"
    SHA512 = "SHA-512"
    STANDARD = "SCEPStandard"


# SCEPStandard means AES, SHA-256 and POST.
AES = (Capability.AES, Capability.STANDARD)
SHA256 = (Capability.SHA256, Capability.STANDARD)
POST = (Capability.POST, Capability.STANDARD)
_BY_LOWER = {c.lower(): c for c in Capability if c is not Capability.SHA384}


def offers(words: Iterable[str], *any_of: str) -> bool:
    """Whether one of `any_of` is among the words of a GetCACaps reply, in any case."""
    return not {w.lower() for w in any_of}.isdisjoint(w.lower() for w in words)


def spelling(word: str) -> Capability | None:
    """Return a word as RFC 8894 writes it, None where it has no such keyword."""
    return _BY_LOWER.get(word.lower())


def parse_caps(body: bytes) -> tuple[str, ...]:
    """Read a GetCACaps reply: one keyword a line, LF or CR LF, unknown ones kept. Never raises."""
    lines = body.decode("latin-1").replace("\r", "\n").split("\n")
    return tuple(word for line in lines if (word := line.strip()))


def build_caps(capabilities: Iterable[str]) -> bytes:
    """Write a GetCACaps reply: the inverse of `parse_caps`."""
    return "".join(f"{c}\n" for c in capabilities).encode("ascii")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The words of GetCACaps (RFC 8894, 3.5.2), and what follows from them."""

    words: tuple[str, ...]

    def has(self, *words: str) -> bool:
        """Whether one of the words is offered, in any case."""
        return offers(self.words, *words)

    @property
    def post(self) -> bool:
        """Whether PKIOperation goes by POST."""
        return self.has(*POST)

    @property
    def renewal(self) -> bool:
        """Whether RenewalReq is understood."""
        return self.has(Capability.RENEWAL)

    @property
    def cipher(self) -> str:
        """The best cipher for content: AES-128, or 3DES for old CAs."""
        return "aes-128-cbc" if self.has(*AES) else "des-ede3-cbc"

    @property
    def digest(self) -> str:
        """The digest to use: SHA-256 if offered, else SHA-512 or SHA-384, else SHA-1."""
        if self.has(*SHA256):
            return "sha256"
        return next(
            (n for w, n in ((Capability.SHA512, "sha512"), (Capability.SHA384, "sha384")) if self.has(w)), "sha1"
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is weaker than RFC 8894 requires: an old CA, or an attacker removed keywords (RFC 8894, 7.5)."""
        out = []
        if self.cipher == "des-ede3-cbc":
            out.append("the CA offers no AES: 3DES is used, an old CA or a downgrade")
        if self.digest == "sha1":
            out.append("the CA offers no SHA-2: SHA-1 is used, an old CA or a downgrade")
        if not self.post:
            out.append("the CA offers no POST: GET is used")
        return tuple(out)
