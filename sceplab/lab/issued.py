"""The certificates that a CA issued, as its operator looks for them: by serial in any notation, and by state.

Rule: reads the store, changes nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sceplab.cms.x509 import Certificate, parse_certificate
from sceplab.errors import InputError
from sceplab.lab.clock import ended
from sceplab.lab.store import Issued, Store


class Standing(StrEnum):
    """What a certificate is good for at a moment."""

    VALID = "valid"
    EARLY = "not valid yet"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Held:
    """An issued certificate, and its standing; `revoked` is when it was revoked."""

    certificate: Certificate
    standing: Standing
    revoked: datetime | None


def held(issued: Issued, now: datetime) -> Held:
    """Return an issued certificate with its standing at a moment."""
    certificate = parse_certificate(issued.der)
    if issued.revoked is not None:
        standing = Standing.REVOKED
    elif ended(certificate, now):
        standing = Standing.EXPIRED
    elif certificate.not_before is None or now < certificate.not_before:
        standing = Standing.EARLY
    else:
        standing = Standing.VALID
    return Held(certificate, standing, issued.revoked)


def all_held(store: Store, now: datetime) -> list[Held]:
    """Return every issued certificate, by the start of its validity."""
    found = (held(issued, now) for issued in store.all_issued())
    return sorted(found, key=lambda h: (str(h.certificate.not_before), h.certificate.serial_hex))


def find_issued(store: Store, text: str) -> Issued:
    """Return the certificate with a serial: decimal, hex with or without 0x or colons, or as `openssl x509 -serial`.

    Digits alone may be decimal or hex: what is issued decides. Raises InputError where none is
    issued, and where both are.
    """
    numbers = _numbers(text)
    found = [issued for number in numbers if (issued := store.issued(number)) is not None]
    if not found:
        raise InputError(f"no certificate has the serial {text[:_LONGEST]}: `sceplab lab list` shows those of this CA")
    if len(found) > 1:
        which = "; ".join(f"0x{i.serial:X} is {parse_certificate(i.der).subject}" for i in found)
        raise InputError(f"{text} is the serial of two certificates, as decimal and as hex: {which}. Write it with 0x")
    return found[0]


def _numbers(text: str) -> list[int]:
    """Return what a serial may mean, each once. Raises InputError."""
    word = text.strip().lower().removeprefix("serial=")
    if len(word) <= _LONGEST:
        if re.fullmatch(r"0x[0-9a-f]+|[0-9a-f]{1,2}(:[0-9a-f]{1,2})+", word):
            parts = word.removeprefix("0x").split(":")
            return [int("".join(part.zfill(2) for part in parts) if len(parts) > 1 else parts[0], 16)]
        if re.fullmatch(r"[0-9a-f]+", word):
            meant = [int(word)] if word.isdecimal() else []
            return list(dict.fromkeys([*meant, int(word, 16)]))
    raise InputError(f"{text[:_LONGEST]!r} is not a serial: write it in decimal, or in hex as 0x1F2E, 1F2E or 1f:2e")


# Characters; a serial has at most 20 bytes (RFC 5280, 4.1.2.2).
_LONGEST = 80
