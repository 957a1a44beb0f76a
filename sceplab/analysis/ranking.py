"""Rank causes: which fault explains which words, which follows from another, and which says more.

Rule: the tables of ranking live here, by the ids of faults; the causes are found in `diagnose`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum

from sceplab.analysis.faults.model import Fault, Likelihood, Side
from sceplab.analysis.faults.outcome import BY_FAIL_INFO, SAYS


class Rank(IntEnum):
    """The order of causes; the smallest comes first."""

    AGREED = 0
    """A fault found in a message, and words or a failInfo that it explains."""
    SAID = 1
    """Words or a code of the server, the client, or a log."""
    PROVEN = 2
    EXPLAINS = 3
    COMMON = 4
    """A frequent reason of such a status."""
    WORTH_A_LOOK = 5


@dataclass(frozen=True, slots=True)
class Cause:
    """A fault as a cause: `evidence` says what was seen, `fix` what to do about it here.

    A `vague` one is of words that say that something failed, not why. `misleading`
    is not empty where it rests on words of a product that are also written for
    other reasons. A `guessed` one rests on words of no table.
    """

    fault: Fault
    likelihood: Likelihood
    evidence: str
    exchange: int | None
    side: Side | None = None
    rank: Rank = Rank.EXPLAINS
    enrollment: int = 0
    fix: str = ""
    vague: bool = False
    misleading: str = ""
    guessed: bool = False

    @property
    def words(self) -> str:
        """What is wrong, as a sentence that names the message."""
        title = self.fault.title
        if self.side is Side.REPLY and self.fault.rule and "reply" not in title.lower():
            return f"In the reply: {title[0].lower()}{title[1:]}"
        return title

    @property
    def action(self) -> str:
        """What a person can do about it."""
        return self.fix or self.fault.fix


# The words or replies of a server that a fault in a message explains.
EXPLAINS_WORDS: Mapping[str, tuple[str, ...]] = {
    "cannot-decrypt": (
        *("weak-digest", "oaep", "signing-only-recipient", "ca-instead-of-ra", "wrong-recipient", "key-id-wrapped"),
        *("odd-cipher", "weak-cipher", "content-unreadable"),
    ),
    "badMessageCheck": (
        *("signature", "digest", "oaep", "wrong-recipient", "signing-only-recipient", "ca-instead-of-ra"),
        *("key-id-wrapped", "weak-digest", "odd-cipher", "weak-cipher", "possession", "cut-off", "self-signed-key"),
        "renewal-signer",
    ),
    "server-rejects-signature": ("signature", "digest", "weak-digest", "possession", "cms-attributes"),
    "csr-unreadable": ("csr-pem", "csr-base64", "csr-no-outer", "csr-is-other", "challenge-type", "possession"),
    "not-a-request": (
        *("text-utf8", "text-crlf", "text-ascii", "posted-base64", "plus-lost", "cut-off", "csr-pem", "csr-base64"),
        *("csr-no-outer", "csr-is-other", "challenge-type", "ber", "escaped-twice", "weak-digest"),
    ),
    "get-encoding": ("plus-lost", "raw-plus", "url-alphabet", "escaped-twice", "cut-off"),
    "challenge-refused": ("no-challenge", "wrong-challenge", "challenge-type"),
    "no-challenge": ("no-challenge",),
    "badRequest": (
        "wrong-challenge",
        "no-challenge",
        "renewal-signer",
        "transaction-reused",
        "csr-pem",
        "csr-no-outer",
    ),
    "algorithm-refused": ("weak-digest", "weak-cipher", "odd-cipher", "oaep", "not-offered"),
    "badAlg": ("weak-digest", "weak-cipher", "odd-cipher", "oaep", "not-offered", "short-key"),
    "key-length": ("short-key",),
    "badTime": ("clock", "validity"),
    "clock": ("clock", "validity"),
    "validity": ("validity", "clock"),
    "chain": ("chain",),
    "badCertId": ("poll-transaction",),
    "renewal-refused": ("renewal-signer", "renewal-offered"),
    "too-long": ("too-long",),
    "double-escape": ("escaped-twice",),
}
# In the reply of a granted enrollment these make the certificate unusable.
SPOILS = frozenset(
    {
        *("cms-attributes", "issued-key", "issued-not-first", "renewed-nothing", "nonce-answer", "transaction-answer"),
        *("reply-recipient", "digest", "signature", "empty-content", "reply-attributes", "degenerate", "readable"),
        *("reply-base64", "reply-signer", "reply-type"),
    }
)
# These only repeat the status or failInfo.
GENERIC = frozenset(
    {
        "server-error",
        "http-error",
        "refused",
        "forbidden",
        "operation-not-found",
        "unavailable",
        "client-stops",
        "pending",
    }
) | {fault.id for fault in BY_FAIL_INFO.values()}
# These are the least specific.
_LAST = frozenset({"server-says", "refused", "log-says", "client-no-reply"})
# These add nothing to the server's own words.
EMPTY = frozenset({"server-error", "http-error", "refused"})
# What is said in general follows from what is said in particular.
_CHALLENGE = frozenset({"challenge-expired", "challenge-used", "challenge-form", "no-challenge", "stored-password"})
_WHY_404 = frozenset(
    {
        *(
            "too-long",
            "too-large",
            "double-escape",
            "filtered",
            "method",
            "server-configuration",
            "unknown-ca",
            "profile",
        ),
        *("scep-disabled", "unknown-entity", "cannot-decrypt", "port-in-path", "admin-page", "impersonation"),
    }
)
# Who got a failInfo has read a reply, and a CA certificate before it.
_IN_MESSAGE = frozenset(fault.id for fault in BY_FAIL_INFO.values())
_FOLLOWS: Mapping[str, frozenset[str]] = {
    "not-found": _WHY_404,
    "operation-not-found": _WHY_404,
    "login": _CHALLENGE | {"challenge-refused", "tls-client-certificate", "service-rights", "unknown-entity"},
    "ca-form": frozenset(
        {
            *("not-found", "operation-not-found", "login", "forbidden", "no-network", "no-reply", "tls", "https"),
            *("ca-html", "server-error", "http-error", "gateway", "unavailable", "redirect", "unknown-ca", "clock"),
            *("fingerprint", "untrusted-root", "reply-type", "html-reply", "proxy-login"),
        }
        | _IN_MESSAGE
    ),
    "server-rejects-signature": frozenset({"reply-unverified"}),
    "tls": frozenset({"tls-client-certificate", "https"}),
    "challenge-refused": _CHALLENGE,
    "not-authorized": _CHALLENGE
    | {"challenge-refused", "login", "service-rights", "forbidden", "filtered", "proxy-login", "admin-login"}
    | {"tls-client-certificate", "ca-cannot-sign"},
    "reply-algorithm": frozenset({"client-algorithm"}),
    "reply-type": frozenset(
        {
            *("not-found", "operation-not-found", "unknown-ca", "login", "forbidden", "server-error", "http-error"),
            *("gateway", "unavailable", "overloaded", "redirect", "method", "html-reply", "proxy-login"),
        }
    )
    | _IN_MESSAGE,
    "no-reply": frozenset({"no-network", "tls", "gateway", "overloaded", "unavailable", "proxy-login"}),
    "no-network": frozenset({"gateway", "proxy-login", "ca-unreachable", "tls", "https"}),
    "unavailable": frozenset({"overloaded", "gateway"}),
    "forbidden": frozenset({"filtered", "https", "tls-client-certificate", "login"}),
    "policy-refused": frozenset({"template", "service-rights", "key-length", "bad-subject", "revocation-offline"}),
    "not-a-request": frozenset({"server-rejects-signature", "csr-unreadable", "get-encoding", "cannot-decrypt"}),
    "chain": frozenset({"untrusted-root", "certificate-revoked", "tls"}),
    "validity": frozenset({"clock", "server-certificate-expired", "tls", "renewal-refused"}),
}
# These say no more than that it was refused.
LITTLE = EMPTY | {"badRequest"}
# In a reply, these do not explain why the request was refused.
OF_REPLY = frozenset({"readable", "broken-reply", "cms-attributes", "signature", "digest", "reply-attributes"})

# Such a status says more than words of no table that a proxy puts on its page.
_TELLING_STATUS = frozenset({"unavailable", "gateway", "overloaded", "too-large", "too-long", "proxy-login"})


def telling(found: Iterable[Cause]) -> dict[str, Cause]:
    """Return the causes in rank order, each fault once, without those that follow from another that says more."""
    unique: dict[str, Cause] = {}
    for cause in sorted(found, key=order):
        unique.setdefault(cause.fault.id, cause)
    said = {name for name, c in unique.items() if c.rank <= Rank.COMMON}
    why = {name for name, c in unique.items() if not c.vague and name not in _LAST and c.rank != Rank.WORTH_A_LOOK}
    if unique.keys() & _TELLING_STATUS:
        for name, cause in unique.items():
            if name == SAYS.id or cause.guessed:
                unique[name] = replace(cause, rank=Rank.WORTH_A_LOOK)
    if any(c.rank <= Rank.SAID and not c.vague and name not in _LAST for name, c in unique.items()):
        unique.pop(SAYS.id, None)
    return {
        name: c
        for name, c in unique.items()
        if not (c.vague and why - {name}) and not _FOLLOWS.get(name, frozenset()) & said
    }


# What a client says that follows from the server's refusal: a reason that the server gives comes first.
_CONSEQUENCES = frozenset(
    {
        *("reply-type", "html-reply", "client-rejects-reply", "client-no-reply", "not-a-message", "no-reply"),
        *("reply-unreadable", "ca-form", "issued-unusable", "empty-content"),
    }
)


def order(cause: Cause) -> tuple[int, bool, int, bool, bool, int]:
    """Return the key by which causes are sorted, the likeliest first."""
    # At equal rank, broken rules come after other causes, and unrecognised words are last.
    place = -1 if cause.exchange is None else cause.exchange
    follows = cause.rank == Rank.SAID and cause.fault.id in _CONSEQUENCES
    return cause.rank, follows, -cause.likelihood, cause.fault.id in _LAST, bool(cause.fault.rule), place
