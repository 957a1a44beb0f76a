"""Types: faults, findings, and the context of finders.

Rule: nothing is judged here. Text is for people only: logic uses the fields of a
finding (fault, level, exchange, side, offset, likelihood).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import NamedTuple

from sceplab.cms.x509 import Certificate, CertificateIdentifier


class Level(StrEnum):
    """How strong a rule is, the strongest first; their order is defined here."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    INFO = "info"

    @property
    def rank(self) -> int:
        """The position in the order of levels; 0 is the strongest."""
        return list(Level).index(self)


class Side(StrEnum):
    """The part of an exchange that something is about; EXCHANGE is both sides."""

    REQUEST = "request"
    REPLY = "reply"
    EXCHANGE = "exchange"


class Likelihood(IntEnum):
    """How surely a fault is the cause of a failed enrollment.

    CERTAIN: nothing in the input contradicts it. POSSIBLE: worth ruling out.
    """

    POSSIBLE = 1
    LIKELY = 2
    CERTAIN = 3


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, defined once for all outputs.

    `title` says in a sentence what is wrong and with whose message, `fix` is one
    action that a person can do. `rule` is the requirement of the standard in `section`
    ("" if there is none: `lint` does not list it), `level` its strength, `seen` the
    products known for it. `explains` is how surely it explains a failure; None if it
    explains none.
    """

    id: str
    title: str
    fix: str
    section: str = ""
    level: Level = Level.INFO
    rule: str = ""
    seen: str = ""
    explains: Likelihood | None = None


class Hit(NamedTuple):
    """Yielded by a finder: the fault, what was found, and the byte offset in the message.

    `likelihood` replaces the fault's own if this case is more or less sure;
    `side` is given by finders that look at a whole exchange.
    """

    fault: Fault
    found: str
    offset: int | None = None
    likelihood: Likelihood | None = None
    side: Side | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault that was found: the evidence, and where.

    `exchange` counts from 0 and `side` is the part of it; both are None for a
    message that was judged alone. `offset` counts bytes of the message (None
    if there is no single place). `likelihood` is how surely it explains a failure,
    None if it explains none.
    """

    fault: Fault
    found: str
    exchange: int | None = None
    side: Side | None = None
    offset: int | None = None
    likelihood: Likelihood | None = None


def strongest_first(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings by level, those of one level in their order."""
    return sorted(findings, key=lambda finding: finding.fault.level.rank)


def worst(findings: Iterable[Finding]) -> Level | None:
    """Return the strongest level among findings, None if there are none."""
    return min((f.fault.level for f in findings), key=lambda level: level.rank, default=None)


@dataclass(frozen=True, slots=True)
class Held:
    """The user's materials: certificates, the public keys of private keys, expected challengePasswords.

    `show_secrets` says whether a challengePassword may be written into a finding.
    """

    certificates: tuple[Certificate, ...] = ()
    keys: frozenset[bytes] = frozenset()
    passwords: tuple[str, ...] = ()
    show_secrets: bool = False


NOTHING = Held()


@dataclass(slots=True)
class Context:
    """What earlier exchanges with one server and path showed.

    Several CAs may be there: `caps` and `certificates` hold the last answers to GetCACaps
    and GetCACert by the name of the CA that was asked for ("" where none was; RFC 8894,
    4.2). A PKIOperation names no CA, so each is a candidate. `keys` holds, by
    transactionID, the SubjectPublicKeyInfos that were asked for under it.
    `answered` are the operations that got a 200, `held` what the reader has.
    """

    caps: dict[str, tuple[str, ...]] = field(default_factory=dict)
    certificates: dict[str, tuple[Certificate, ...]] = field(default_factory=dict)
    nonces: set[bytes] = field(default_factory=set)
    keys: dict[str, set[bytes]] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    held: Held = field(default_factory=Held)

    @property
    def ca_certificates(self) -> tuple[Certificate, ...]:
        """The certificates of all CAs, each once."""
        return tuple({c.der: c for found in self.certificates.values() for c in found}.values())

    def certificates_beside(self, certificate: Certificate) -> tuple[Certificate, ...]:
        """Return the certificates of the CAs that have this one; of all CAs where none has it."""
        having = [found for found in self.certificates.values() if certificate in found]
        return tuple(c for found in having for c in found) or self.ca_certificates

    def caps_for(self, recipients: Iterable[CertificateIdentifier]) -> tuple[tuple[str, ...], ...]:
        """Return the lists of capabilities that may hold for a request that is encrypted for `recipients`.

        They are those of the CAs whose certificate is among them; of all CAs where that
        is not known.
        """
        named = list(recipients)
        asked = [ca for ca, found in self.certificates.items() if any(i.matches(c) for i in named for c in found)]
        lists = [self.caps[ca] for ca in asked if ca in self.caps]
        return tuple(dict.fromkeys(lists or self.caps.values()))
