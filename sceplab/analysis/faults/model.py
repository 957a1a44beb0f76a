"""What a rule is, what a broken one is, and what finders are given.

Rule: nothing is judged here. Text is for people alone: what logic needs to know
of a finding (rule, level, exchange, side, offset) is a field of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from sceplab.cms.x509 import Certificate


class Level(StrEnum):
    """How strongly a rule is meant, the strongest first: their order is defined here alone."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    INFO = "info"

    @property
    def rank(self) -> int:
        """The place in the order of levels; 0 is the strongest."""
        return list(Level).index(self)


class Side(StrEnum):
    """The part of an exchange that something is about; EXCHANGE is the whole of it."""

    REQUEST = "request"
    REPLY = "reply"
    EXCHANGE = "exchange"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its text, where the RFC has it, how to fix what breaks it, and who is known to break it."""

    id: str
    section: str
    level: Level
    text: str
    fix: str
    seen: str = ""


class Hit(NamedTuple):
    """What a finder yields: the rule that is broken, what was found, and at which byte of the message."""

    rule: Rule
    found: str
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that is broken: what was found, and where.

    `exchange` counts from 0 and `side` is the part of it; both are None for a
    message that was judged alone. `offset` counts bytes of the message (None
    where no single place is to blame).
    """

    rule: Rule
    found: str
    exchange: int | None = None
    side: Side | None = None
    offset: int | None = None


def strongest_first(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings by level, those of one level in their order."""
    return sorted(findings, key=lambda finding: finding.rule.level.rank)


def worst(findings: Iterable[Finding]) -> Level | None:
    """Return the strongest level among findings, None where there are none."""
    return min((f.rule.level for f in findings), key=lambda level: level.rank, default=None)


@dataclass(slots=True)
class Context:
    """What earlier exchanges of a conversation showed.

    `caps` is None where no GetCACaps was answered. `keys` holds, by
    transactionID, the SubjectPublicKeyInfos that were asked for under it.
    """

    caps: tuple[str, ...] | None = None
    ca_certificates: tuple[Certificate, ...] = ()
    nonces: set[bytes] = field(default_factory=set)
    keys: dict[str, set[bytes]] = field(default_factory=dict)

    def offers(self, *any_of: str) -> bool:
        """Whether the server offers one of these capabilities, in whatever case it writes them."""
        lower = {c.lower() for c in self.caps or ()}
        return any(c.lower() in lower for c in any_of)
