"""Of many patterns, the few that a text may match: each needs certain letters, which are quick to look for.

Rule: a pattern may be tried in vain, but is never left out where it matches. What
this module does not understand of a pattern counts as "any text".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

_UNKNOWN: frozenset[str] = frozenset()
_NOTHING = frozenset({""})
_REPEATED = re.compile(r"(?:([*+?])|\{(\d*)(,?)(\d*)\})[?+]?")
_ESCAPE = re.compile(r"\\(?:x..|u.{4}|U.{8}|N\{[^}]*\}|\d{1,3}|(.))", re.DOTALL)
_SET = re.compile(r"\[(\^?)(\]?(?:\\.|[^\]\\])*)\]", re.DOTALL)
# A group that stands for what is in it: plain, without number, named, atomic, with flags of its own.
_GROUP = re.compile(r"\((?:\?(?::|>|P<\w+>|[aiLmsux-]+:)|(?!\?))")
# A group that only looks forward or back.
_ASIDE = re.compile(r"\(\?(?:=|!|<=|<!)")
_WITHOUT_WIDTH = re.compile(r"[\^$]|\\[bBAZ]|\(\?(?:[aiLmsux]+|#[^)]*)\)")
_MOST = 64
"""Limit for the strings that an item may stand for, and of a set of characters."""
_MOST_OF_SET = 4
_ENOUGH = 6
# Letters that a pattern that ignores case takes for ASCII ones.
_ALIKE = {0x130: "i", 0x131: "i", 0x17F: "s", 0x212A: "k"}


def folded(text: str) -> str:
    """Return a text in the form in which `literals` are looked for."""
    return text.lower() if text.isascii() else text.translate(_ALIKE).lower()


def literals(pattern: str) -> frozenset[str]:
    """Return strings of which every text that a pattern matches has at least one when it is `folded`.

    The empty set means that nothing is known. Flags other than VERBOSE make no difference.
    """
    reader = _Pattern(pattern)
    found = reader.alternatives().needed
    return found if reader.at == len(pattern) else _UNKNOWN


def demands(pattern: str) -> tuple[tuple[frozenset[str], ...], ...]:
    """Return for each alternative of a pattern all sets like that of `literals`, the rarest first.

    Nothing is returned if one alternative has none.
    """
    reader = _Pattern(pattern)
    found = reader.branches()
    if reader.at != len(pattern) or not all(branch.every for branch in found):
        return ()
    return tuple(tuple(sorted(branch.every, key=_rarity, reverse=True)) for branch in found)


@dataclass(frozen=True, slots=True)
class _Item:
    """A part of a pattern: all strings that it matches (empty if unknown), and those of which it needs one.

    `every` has all sets of which it needs one string each.
    """

    exact: frozenset[str] = _UNKNOWN
    needed: frozenset[str] = _UNKNOWN
    every: tuple[frozenset[str], ...] = ()


class _Pattern:
    """A pattern while it is read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def alternatives(self) -> _Item:
        """Read up to the closing parenthesis, or to the end."""
        branches = self.branches()
        needed, exact = [b.needed for b in branches], [b.exact for b in branches]
        return _Item(
            _bounded(_UNKNOWN.union(*exact)) if all(exact) else _UNKNOWN,
            _UNKNOWN.union(*needed) if all(needed) else _UNKNOWN,
        )

    def branches(self) -> list[_Item]:
        """Read alternatives, each by itself."""
        branches = [self._sequence()]
        while self.text.startswith("|", self.at):
            self.at += 1
            branches.append(self._sequence())
        return branches

    def _sequence(self) -> _Item:
        every: list[frozenset[str]] = []
        run, whole = _NOTHING, True
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            item = self._atom()
            least, most = self._repeated()
            exact = item.exact if least else _bounded(item.exact | _NOTHING) if item.exact and most else _UNKNOWN
            longer = _bounded(frozenset(a + b for a in run for b in exact))
            whole = whole and bool(longer) and most
            if longer:
                run = longer
            if not longer or not most:
                every += [_as_needed(run), item.needed if least else _UNKNOWN]
                # What is there once or more is there directly before what follows.
                run = exact or _NOTHING
        known = tuple(strings for strings in (*every, _as_needed(run)) if strings)
        return _Item(run if whole else _UNKNOWN, max(known, key=_rarity, default=_UNKNOWN), known)

    def _atom(self) -> _Item:
        """Read one item without its repetition."""
        text, at = self.text, self.at
        if (found := _WITHOUT_WIDTH.match(text, at)) is not None:
            self.at = found.end()
            return _Item(_NOTHING)
        if (found := _ESCAPE.match(text, at)) is not None:
            self.at = found.end()
            return _letter(found[1] if found[1] and not found[1].isalnum() else "")
        if (found := _SET.match(text, at)) is not None:
            self.at = found.end()
            plain = not found[1] and "\\" not in found[2] and "-" not in found[2][1:-1] and found[2].isascii()
            return _Item(frozenset(found[2].lower()) if plain and len(found[2]) <= _MOST_OF_SET else _UNKNOWN)
        aside = _ASIDE.match(text, at)
        if (found := aside or _GROUP.match(text, at)) is not None:
            self.at = found.end()
            item = self.alternatives()
            # Without its end it is not understood, and neither is the whole.
            self.at = self.at + 1 if text.startswith(")", self.at) else len(text) + 1
            return item if aside is None else _Item(_NOTHING)
        self.at = at + 1 if text[at] not in "([" else len(text) + 1
        return _letter(text[at] if text[at] not in ".([" else "")

    def _repeated(self) -> tuple[bool, bool]:
        """Return whether the item must be there, and whether it is there at most once."""
        found = _REPEATED.match(self.text, self.at)
        if found is None or (found[1] is None and not (found[2] or found[4])):
            return True, True
        self.at = found.end()
        if found[1] is not None:
            return found[1] == "+", found[1] == "?"
        return int(found[2] or 0) > 0, False


def _letter(letter: str) -> _Item:
    return _Item(frozenset({letter.lower()}) if letter and letter.isascii() else _UNKNOWN)


def _bounded(strings: frozenset[str]) -> frozenset[str]:
    return strings if len(strings) <= _MOST else _UNKNOWN


def _as_needed(strings: frozenset[str]) -> frozenset[str]:
    return _UNKNOWN if "" in strings else strings


def _rarity(strings: frozenset[str]) -> int:
    """Return a measure of how few texts have one of some strings, and how quick it is to look for them."""
    return 8 * min(_ENOUGH, *map(len, strings)) - len(strings)


class Guarded:
    """A pattern that is tried only on a text that has what it needs."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        """Take a pattern, and flags other than VERBOSE."""
        self._pattern = re.compile(pattern, flags)
        needed = literals(pattern)
        self._needed = tuple(sorted(n for n in needed if not any(other in n and other != n for other in needed)))

    def search(self, text: str, at: int = 0) -> re.Match[str] | None:
        """Return the first match in a text from `at` on."""
        if self._needed:
            small = folded(text)
            for literal in self._needed:
                if literal in small:
                    break
            else:
                return None
        return self._pattern.search(text, at)


T = TypeVar("T")
_Others = tuple[tuple[str, ...], ...]
_GRAM = 3


class Sieve(Generic[T]):
    """Rows, each with a pattern."""

    def __init__(self, rows: Iterable[tuple[str, T]]) -> None:
        """Take the patterns (none of them VERBOSE) with what belongs to each."""
        self._rows: list[T] = []
        self._always: list[int] = []
        needing: dict[str, list[tuple[int, _Others]]] = {}
        for number, (pattern, row) in enumerate(rows):
            self._rows.append(row)
            alternatives = demands(pattern)
            if not alternatives or any(len(literal) < _GRAM for needed in alternatives for literal in needed[0]):
                self._always.append(number)
                continue
            for rarest, *others in alternatives:
                for literal in rarest:
                    needing.setdefault(literal, []).append((number, tuple(map(tuple, others))))
        # Each literal is looked for only where the rarest three letters of it are.
        common = Counter(gram for literal in needing for gram in _grams(literal))
        self._of_gram: dict[str, list[tuple[str, list[tuple[int, _Others]]]]] = {}
        for literal, those in needing.items():
            rarest_gram = min(sorted(_grams(literal)), key=lambda gram: common[gram])
            self._of_gram.setdefault(rarest_gram, []).append((literal, those))

    def among(self, text: str) -> list[T]:
        """Return, in their order, the rows whose patterns the text may match."""
        small = folded(text)
        numbers = {*self._always}
        for gram in self._of_gram.keys() & _grams(small):
            for literal, those in self._of_gram[gram]:
                if literal in small:
                    numbers.update(number for number, others in those if _has(small, others))
        return [self._rows[number] for number in sorted(numbers)]


def _has(text: str, sets: _Others) -> bool:
    """Whether a text has one string of each set."""
    for strings in sets:
        for literal in strings:
            if literal in text:
                break
        else:
            return False
    return True


def _grams(text: str) -> set[str]:
    return {text[at : at + _GRAM] for at in range(len(text) - _GRAM + 1)}
