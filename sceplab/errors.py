"""What can go wrong, as data (`Problem`) and as exceptions.

Rule: decoding collects `Problem`s and goes on; only a step that cannot give any
result at all (decrypt without the right key, build from unusable input, a file
that holds nothing we know) raises, and then one of the classes below.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Layer(StrEnum):
    """The layer of the onion that a finding belongs to, outermost first."""

    CAPTURE = "capture"
    HTTP = "HTTP"
    BASE64 = "base64"
    DER = "DER"
    SIGNED = "SignedData"
    ATTRIBUTES = "signedAttrs"
    ENVELOPED = "EnvelopedData"
    MESSAGE_DATA = "messageData"
    CSR = "PKCS#10"
    CERTIFICATE = "certificate"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that a decoder met and read past.

    `offset` counts octets from the start of the bytes that were given to the
    parser of that layer (None where no single place is to blame).
    """

    layer: Layer
    code: str
    expected: str
    found: str
    offset: int | None = None
    advice: str = ""

    def __str__(self) -> str:
        where = self.layer.value if self.offset is None else f"{self.layer.value}, octet {self.offset}"
        text = f"{where}: expected {self.expected}, found {self.found}"
        return f"{text}. {self.advice}" if self.advice else text


class ScepError(Exception):
    """Base of everything that sceplab raises on purpose."""


class InputError(ScepError):
    """What was given cannot be used at all; the message says what to try."""


class DecryptError(ScepError):
    """No key at hand opens the pkcsPKIEnvelope; the message says for whom it is."""


class BuildError(ScepError):
    """A message cannot be built from these arguments."""
