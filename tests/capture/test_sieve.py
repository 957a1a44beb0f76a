"""The sieve leaves out a pattern only where it cannot match, and a text of bytes is tried with few."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sceplab.analysis.products import recognition
from sceplab.capture import words
from sceplab.capture.fields import BAD
from sceplab.capture.sieve import Guarded, Sieve, folded, literals

SAYINGS = (*recognition._SENTENCES, *recognition._LOOSE)


@pytest.mark.parametrize(
    ("pattern", "needed"),
    [
        ("abc", {"abc"}),
        ("ABC|d", {"abc", "d"}),
        ("a?bc", {"abc", "bc"}),
        ("ab+c", {"ab"}),
        ("a+b", {"ab"}),
        ("(?:a|b)*cd", {"cd"}),
        ("a{0,3}bc", {"bc"}),
        ("a{2}bc", {"abc"}),
        (r"\b(?:foo|ba[rz])\b x", {"foo x", "bar x", "baz x"}),
        ("[^a]bc", {"bc"}),
        ("[]a]b", {"]b", "ab"}),
        ("ab[a-z]", {"ab"}),
        ("(?!no)yes(?=never)", {"yes"}),
        (r"ab\.c\dd", {"ab.c"}),
        ("x{", {"x{"}),
        (r"\x41bc", {"bc"}),
        ("(?P<name>ab)c", {"abc"}),
        # Of these nothing is known.
        ("a|b*", set()),
        ("x|", set()),
        ("[a-c]", set()),
        ("é", set()),
        ("(a", set()),
        ("a)b", set()),
    ],
)
def test_needed_strings(pattern: str, needed: set[str]) -> None:
    """The strings that a pattern needs are those that each of its matches has."""
    assert literals(pattern) == needed


@pytest.mark.parametrize("letter", ["ſ", "K", "ı", "İ"])
def test_letters_that_match_ascii_when_case_is_ignored(letter: str) -> None:
    """Letters that Python takes for ASCII ones are folded to these."""
    plain = folded(letter)
    assert plain.isascii()
    assert re.fullmatch(plain, letter, re.IGNORECASE)
    assert Guarded(f"a{plain}c", re.IGNORECASE).search(f"A{letter}C")


def test_no_other_letter_matches_ascii() -> None:
    """Folding knows each letter that Python takes for an ASCII one."""
    alike = {c for n in range(128, 0x110000) if (c := chr(n)) and re.match("[a-z]", c, re.IGNORECASE)}
    assert {folded(c).isascii() for c in alike} == {True}


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_what_a_pattern_matches_passes_the_sieve(data: st.DataObject) -> None:
    """A text that a pattern of a table matches is tried with that pattern."""
    saying = data.draw(st.sampled_from(SAYINGS))
    text = data.draw(st.from_regex(saying.pattern))
    sentences, loose = recognition._sieves()
    assert saying in [*sentences.among(text), *loose.among(text)]


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_what_a_guarded_pattern_matches_passes(data: st.DataObject) -> None:
    """A guarded pattern matches what it matches without its guard."""
    guarded = data.draw(st.sampled_from([each for each in vars(words).values() if isinstance(each, Guarded)]))
    text = data.draw(st.from_regex(guarded._pattern))
    assert guarded.search(text) is not None


def test_every_pattern_of_the_tables_needs_something() -> None:
    """No pattern of a table is tried on every text."""
    assert [saying.words for saying in SAYINGS if not literals(saying.expression)] == []
    assert literals(BAD.pattern)


def test_rows_stay_in_their_order_and_unknown_ones_are_always_there() -> None:
    """Rows are returned in their order; one of which nothing is known is always among them."""
    sieve = Sieve([("b.{3}", 1), ("alpha|beta", 2), ("[xy]", 3), ("ALP", 4)])
    assert sieve.among("An alphabet") == [1, 2, 3, 4]
    assert sieve.among("an other") == [1, 3]


def test_each_alternative_needs_all_of_its_strings() -> None:
    """Of an alternative that has one of two strings the pattern is not tried."""
    sieve = Sieve([("(?:alpha|beta) .{0,9}gamma|delta", 1)])
    assert sieve.among("beta and Gamma") == sieve.among("delta") == [1]
    assert sieve.among("beta") == sieve.among("alpha beta") == sieve.among("gamma") == []


def test_few_patterns_are_tried_on_lines_of_bytes() -> None:
    """Almost no pattern is tried on a line of a test vector."""
    sentences, loose = recognition._sieves()
    line = "static const uint8_t kData[] = {0x30, 0x82, 0x03, 0x6c, 0x0a, 0x02, 0x2b, 0x06, 0xba, 0xdf, 0x00d};"
    assert len(sentences.among(line)) + len(loose.among(line)) < 5
