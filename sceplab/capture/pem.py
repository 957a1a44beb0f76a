"""PEM: messages and CSRs between BEGIN and END lines (RFC 7468).

Rule: what is no message is named, with what to do: a key or certificate is no capture.
"""

from __future__ import annotations

import re

from sceplab.capture.alone import paired
from sceplab.capture.reading import Reading
from sceplab.capture.value import exchange_of
from sceplab.errors import InputError

_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 #]{1,40})-----([^-]*)-----END \1-----")
_PEM_HEAD = re.compile(rb"-----BEGIN ([A-Z0-9 #]{1,40})-----")
_LABELS = {
    *(b"PKCS7", b"CMS", b"PKCS #7 SIGNED DATA", b"SCEP", b"MESSAGE"),
    *(b"CERTIFICATE REQUEST", b"NEW CERTIFICATE REQUEST"),
}


def fits(data: bytes) -> bool:
    """Whether there is a BEGIN line of any kind."""
    return _PEM_HEAD.search(data) is not None


def read(data: bytes, name: str) -> Reading:
    """Return the messages of all blocks, paired. Raises InputError when no block is a message."""
    blocks = [found for found in _PEM.finditer(data) if found[1] in _LABELS]
    if blocks:
        exchanges = [exchange_of(found[2].decode("latin-1"), name) for found in blocks]
        return Reading(paired(exchanges), tuple(found.span() for found in blocks))
    other = _PEM_HEAD.search(data)
    raise InputError(_other(other[1].decode("ascii") if other is not None else ""))


def _other(label: str) -> str:
    if "PRIVATE KEY" in label:
        return f"this is a private key ({label}), no message; give it with --key, beside the capture"
    if label == "CERTIFICATE":
        return "this is a certificate, no message; give it with --cert, beside the capture"
    return f"this is PEM of type {label}, no message of SCEP, or it has no end; give a capture, PKCS7 or CMS"
