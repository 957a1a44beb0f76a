"""Sentences of no table: a subject of SCEP and a state next to it, such as "the pass phrase is out of date".

Rule: used only where no table knows the words; what it returns is possible, not likely.
A pair counts within one clause, and the two nearest words decide. Time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sceplab.analysis.products.words_grammar import FAULTS, IN_GENERAL, STATES, SUBJECTS

LONGEST = 2000
"""How many characters are searched."""
_FARTHEST = 70
"""Characters between a subject and its state."""
_NEAR = 12
"""The same for "no", which may be about anything."""
_BEFORE = 8
_LITTLE = 25
# A dot ends a clause only before a space: names and numbers have dots, too.
_CLAUSE = re.compile(r"[;!?\n|]|(?<!\.)\.(?=\s|$)|\s[-–—]{1,2}\s|,?\s(?:but|however|although|whereas)\s", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_|(?=/)|(?<=/)")


def _compiled(rows: tuple[tuple[str, str], ...]) -> re.Pattern[str]:
    # Each row is a group: several rows may have the same name.
    return re.compile("|".join(rf"(\b(?:{words})(?!\w))" for _, words in rows))


_SUBJECT = _compiled(SUBJECTS)
_STATE = _compiled(STATES)
# "Not yet been revoked", "no longer pending": up to two words may be between.
_NEGATED = re.compile(
    r"(?:\bnot|n't|\bno|\b0|\bwithout|\bnever|\bneither|\bnor)\s(?:(?:yet|been|be|an?|any|the|longer|ever|is|was)\s){0,2}$"
)
# Between two states of one subject that are told as possible, not as facts.
_OR = re.compile(r"^.{0,25}?(?:\bor\b|\band/or\b|/|,).{0,25}$")


def fault_of(text: str) -> str:
    """Return the id of the fault that a sentence seems to state, "" if it states none."""
    best: tuple[int, int, str, str] | None = None
    named: set[str] = set()
    for number, clause in enumerate(_clauses(text)):
        subjects = [
            (found.start(), found.end(), SUBJECTS[(found.lastindex or 1) - 1][0])
            for found in _SUBJECT.finditer(clause)
            if not _AGENT.search(clause, max(0, found.start() - _FARTHEST), found.start())
        ]
        named |= {subject for _, _, subject in subjects}
        either = list(_alternatives(clause)) if subjects else []
        for at, end, state in _states(clause) if subjects else ():
            for begins, ends, subject in subjects:
                gap = at - ends if ends <= at else begins - end
                farthest = _NEAR if clause[at:end] == "no" else _FARTHEST
                if not 0 <= gap <= farthest or not _meant(subject, state):
                    continue
                # A state behind its subject is more common than one before it, and "failed" says little.
                cost, told = gap + _BEFORE * (begins >= end) + _LITTLE * (state == "wrong"), state
                # "PKCSReq refused: exponent not allowed": the reason is on one side of the colon.
                cost += _LITTLE * (": " in clause[min(ends, end) : max(at, begins)])
                group = next((g for g in either if any(place == at for place, _, _ in g)), ())
                if len({fault for _, _, each in group if (fault := _meant(subject, each))}) > 1:
                    cost, told = gap, IN_GENERAL.get(subject, state)
                if best is None or (cost, number) < best[:2]:
                    best = (cost, number, subject, told)
    if best is None:
        return ""
    _, _, subject, state = best
    if subject in _WHICH:
        # "Cannot use the CA certificate: certificate expired" is about the one that was named.
        which = next((name for name in _CERTIFICATES if name in named and _meant(name, state)), subject)
        subject = which
    return _meant(subject, state)


def is_open(text: str) -> bool:
    """Whether a clause of a text leaves several states possible: "is wrong, used already, or too old"."""
    return any(
        len({state for _, _, state in group}) > 1 for clause in _clauses(text) for group in _alternatives(clause)
    )


def _alternatives(clause: str) -> Iterator[list[tuple[int, int, str]]]:
    """Yield the states of a clause that "or" joins."""
    group: list[tuple[int, int, str]] = []
    joined = False
    for state in _states(clause):
        between = clause[group[-1][1] : state[0]] if group else ""
        if group and _OR.fullmatch(between):
            joined = joined or re.search(r"\bor\b|/", between) is not None
            group.append(state)
            continue
        if joined:
            yield group
        group, joined = [state], False
    if joined:
        yield group


# "Not allowed by the profile": who refuses is not what is refused.
_AGENT = re.compile(r"\bby (?:the |our |this |its )?$")
_CERTIFICATES = ("ca-certificate", "ra-certificate", "client-certificate", "server-certificate")
_WHICH = frozenset({"certificate", "validity"})


def _meant(subject: str, state: str) -> str:
    faults = FAULTS.get(subject, {})
    return faults.get(state) or (faults.get("wrong", "") if state == "unknown" else "")


def _clauses(text: str) -> Iterator[str]:
    for clause in _CLAUSE.split(_CAMEL.sub(" ", text[:LONGEST])):
        yield clause.lower()


def _states(clause: str) -> Iterator[tuple[int, int, str]]:
    for found in _STATE.finditer(clause):
        state = STATES[(found.lastindex or 1) - 1][0]
        if _NEGATED.search(clause, max(0, found.start() - _FARTHEST), found.start()):
            continue
        yield found.start(), found.end(), state
