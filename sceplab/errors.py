"""Errors as data (`Problem`) and as exceptions.

Rule: decoding collects `Problem`s and continues; only a step without any result
(decrypt without the right key, build from unusable input, a file in no known
format) raises one of the classes below.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

MASK = "********"
"""What is shown in place of a password."""


class Layer(StrEnum):
    """The layer of a message that a finding belongs to, outermost first."""

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
    """One deviation that a decoder found and skipped.

    `offset` counts bytes from the start of the data given to the parser of that
    layer (None if there is no single place).
    """

    layer: Layer
    code: str
    expected: str
    found: str
    offset: int | None = None
    advice: str = ""

    def __str__(self) -> str:
        where = self.layer.value if self.offset is None else f"{self.layer.value}, byte {self.offset}"
        text = f"{where}: expected {self.expected}, found {self.found}"
        return f"{text}. {self.advice}" if self.advice else text


_OF_EACH = 50
"""Problems of one layer and code that are kept one by one."""


def counted(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return problems in their order, of each layer and code the first ones, and at the end how many more there are.

    A message of 10 kB can have thousands of parts that cannot be read.
    """
    out: list[Problem] = []
    seen: Counter[tuple[Layer, str]] = Counter()
    for problem in problems:
        seen[problem.layer, problem.code] += 1
        if seen[problem.layer, problem.code] <= _OF_EACH:
            out.append(problem)
    for (layer, code), number in seen.items():
        if number > _OF_EACH:
            expected = next(p.expected for p in out if (p.layer, p.code) == (layer, code))
            out.append(Problem(layer, code, expected, f"{number - _OF_EACH} more like it"))
    return tuple(out)


class ScepError(Exception):
    """Base of everything that sceplab raises on purpose."""


class InputError(ScepError):
    """The input cannot be used at all; the message says what to try."""


class DecryptError(ScepError):
    """No given key opens the pkcsPKIEnvelope; the message names its recipients."""


class BuildError(ScepError):
    """A message cannot be built from these arguments."""
