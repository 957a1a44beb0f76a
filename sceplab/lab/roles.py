"""The certificates of a CA by role: its own, and those to sign replies and to receive requests where it has them.

Rule: makes them and stores nothing; what follows what at a rollover is decided in `ca`.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sceplab.cms.csr import parse_csr
from sceplab.cms.name import Name, parse_subject
from sceplab.cms.signature import SigningKey
from sceplab.lab.identity import CURVES, ENCIPHER, SIGN, Identity, issue, make_request, make_root, new_key


def new_serial() -> int:
    """Return a serial of 127 random bits: it cannot be guessed, and the store refuses one that was used."""
    return secrets.randbits(126) | 1 << 126


def new_roles(
    subject: Name, key: SigningKey, now: datetime, days: int, *, separate: bool
) -> dict[str, tuple[bytes, bytes]]:
    """Return certificate and private key (DER) of each role of a new CA."""
    start = now - timedelta(minutes=5)
    end = start + timedelta(days=days)
    root = make_root(subject, key, new_serial(), start, end)
    roles = {"issuer": root}
    if separate or not isinstance(root.key, rsa.RSAPrivateKey):
        for role, usage in (("signer", SIGN), ("decrypter", ENCIPHER)):
            own = new_key(2048)
            request = make_request(parse_subject(f"CN=SCEP {role}"), own, usage=usage)
            roles[role] = Identity(issue(parse_csr(request), root, new_serial(), start, end), own)
    return {role: (i.certificate, key_octets(i.key)) for role, i in roles.items()}


def kind_of(key: SigningKey) -> str | int:
    """Return the kind of a key, as `new_key` takes it."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.key_size
    return next((name for name, curve in CURVES.items() if isinstance(key.curve, curve)), "P-256")


def key_octets(key: SigningKey) -> bytes:
    """Return a private key as the store keeps it: PKCS#8, DER, not encrypted."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
