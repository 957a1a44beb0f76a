"""What a request asks to have certified besides its key: names, and what the certificate may be used for.

Rule: reads and judges the form; what is granted is decided in `policy`. Every claim
is a text that says all of it, since a person reads it before granting, and the
policy compares it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from sceplab.asn1 import der, oids
from sceplab.cms.csr import CertificationRequest, general_names
from sceplab.cms.name import Name, check_lengths
from sceplab.cms.x509 import Extension

TLS_USAGES = (oids.SERVER_AUTH, oids.CLIENT_AUTH)
"""The extendedKeyUsage of a certificate whose request asks for none: with no such extension it would have them all."""
CLAIMS = (oids.SUBJECT_ALT_NAME, oids.EXTENDED_KEY_USAGE)
"""The extensions that a certificate takes over from its request; the others are the CA's to say."""

# Bounds of one request. A person must be able to read it.
_MAX_ATTRIBUTES = 32
_MAX_ALT_NAMES = 50
_MAX_USAGES = 20
_MAX_CHARACTERS = 255


@dataclass(frozen=True, slots=True)
class Claims:
    """Alternative names, as "DNS:r3.example", and object identifiers of extended key usages."""

    alt_names: tuple[str, ...] = ()
    usages: tuple[str, ...] = ()

    def beyond(self, alt_names: Iterable[str], usages: Iterable[str]) -> Claims:
        """Return the claims that are not among these. `alt_names` may be patterns, as "DNS:*.example"."""
        patterns = [name.casefold() for name in alt_names]
        allowed = frozenset(usages)
        return Claims(
            tuple(n for n in self.alt_names if not any(fnmatchcase(n.casefold(), p) for p in patterns)),
            tuple(u for u in self.usages if u not in allowed),
        )

    def without(self, other: Claims) -> Claims:
        """Return the claims that `other` has not."""
        return Claims(
            tuple(n for n in self.alt_names if n not in other.alt_names),
            tuple(u for u in self.usages if u not in other.usages),
        )

    def lines(self) -> tuple[tuple[str, str], ...]:
        """Return (extension, its content) for each that is asked for. The texts are as they were sent: escape them."""
        out = []
        if self.alt_names:
            out.append(("subjectAltName", ", ".join(self.alt_names)))
        if self.usages:
            out.append(("extendedKeyUsage", ", ".join(map(oids.name_of, self.usages))))
        return tuple(out)

    def __bool__(self) -> bool:
        return bool(self.alt_names or self.usages)

    def __str__(self) -> str:
        return "; ".join(f"{what} {value}" for what, value in self.lines())


def claims_in(request: CertificationRequest) -> Claims:
    """Return what a request claims, for a person who decides; nothing of what cannot be read is granted."""
    try:
        return claims_of(request.extensions)
    except der.DerError:
        return Claims()


def claims_of(extensions: Iterable[Extension]) -> Claims:
    """Return the claims in the extensions of a request or a certificate. Raises DerError where one cannot be read."""
    alt_names: list[str] = []
    usages: list[str] = []
    for extension in extensions:
        if extension.oid == oids.SUBJECT_ALT_NAME:
            alt_names += map(_general_name, der.read_expected(extension.value, der.SEQUENCE, "GeneralNames").children())
        elif extension.oid == oids.EXTENDED_KEY_USAGE:
            usages += map(der.oid_of, der.read_expected(extension.value, der.SEQUENCE, "ExtKeyUsage").children())
    return Claims(tuple(alt_names), tuple(usages))


def _general_name(element: der.Element) -> str:
    """Return a GeneralName as OpenSSL prints it; one that it prints without its value has that too, in hex."""
    text = general_names(der.sequence(element.raw))
    if text == "(unreadable)":
        raise der.DerError(element.start, "a GeneralName", f"tag {element.tag:02x}")
    return f"{text}:{element.value.hex()}" if text.startswith("othername:") else text


def check_claims(request: CertificationRequest) -> None:
    """Raise ValueError where names or usages of a request are too many, too long, or cannot be shown truthfully."""
    attributes = [a for rdn in request.subject.rdns for a in rdn]
    if len(attributes) > _MAX_ATTRIBUTES:
        raise ValueError(f"the subject has {len(attributes)} attributes, at most {_MAX_ATTRIBUTES} are allowed")
    if not _readable(request.subject):
        raise ValueError("a part of the subject cannot be read")
    check_lengths(request.subject)
    try:
        claims = claims_of(request.extensions)
    except der.DerError as error:
        raise ValueError(f"subjectAltName or extendedKeyUsage cannot be read: {error}") from error
    if len(claims.alt_names) > _MAX_ALT_NAMES:
        raise ValueError(f"{len(claims.alt_names)} alternative names, at most {_MAX_ALT_NAMES} are allowed")
    if len(claims.usages) > _MAX_USAGES:
        raise ValueError(f"{len(claims.usages)} extended key usages, at most {_MAX_USAGES} are allowed")
    for what, text in (*((a.keyword, a.value) for a in attributes), *(("subjectAltName", n) for n in claims.alt_names)):
        if len(text) > _MAX_CHARACTERS:
            raise ValueError(f"{what} has {len(text)} characters, at most {_MAX_CHARACTERS} are allowed")
        if any(unicodedata.category(c) in _UNPRINTED for c in text):
            raise ValueError(f"{what} has a control character in it")


# Control characters, surrogates, line and paragraph separators. (Format characters are shown escaped.)
_UNPRINTED = {"Cc", "Cs", "Zl", "Zp"}


def _readable(name: Name) -> bool:
    """Whether every part of a name was read, so that nothing in it is hidden from whoever grants."""
    try:
        pairs = [pair.children() for rdn in der.read(name.raw).children() for pair in rdn.children()]
    except der.DerError:
        return False
    read = [a.oid for rdn in name.rdns for a in rdn]
    return all(len(pair) == 2 for pair in pairs) and len(read) == len(pairs) and "(unreadable)" not in read
