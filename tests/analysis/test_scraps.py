"""Pasted log excerpts (`tests/data/scraps*.txt`): the true cause is first and no other cause contradicts it.

The formats and sentences follow public bug reports and guides; names and addresses are examples.
A scrap begins with `#### name | faults accepted as first cause`, with "-" for a successful enrollment.
"""

from __future__ import annotations

import re

import pytest

from sceplab.analysis.analyse import analyse
from sceplab.capture.forms import read_octets
from sceplab.scep.conversation import decode_exchanges
from tests.helpers.captures import ROOT

# scraps_words.txt: words that are in no table, and alternatives that a line leaves open.
# scraps_servers.txt: open-source servers and clients, proxies in front of them, clouds, managed devices.
_PARTS = [
    part
    for name in ("scraps.txt", "scraps_servers.txt", "scraps_words.txt")
    for part in re.split(r"(?m)^#### ", (ROOT / "tests" / "data" / name).read_text(encoding="utf-8"))[1:]
]
SCRAPS = [
    (head.partition("|")[0].strip(), frozenset(head.partition("|")[2].split()), text)
    for head, _, text in (part.partition("\n") for part in _PARTS)
]

# Pairs of first cause and another cause that contradicts it.
_CONTRADICTS = {
    ("too-long", "not-found"),
    ("double-escape", "not-found"),
    ("badAlg", "empty-content"),
    ("badRequest", "empty-content"),
    ("badMessageCheck", "empty-content"),
    ("no-network", "ca-form"),
    ("not-found", "client-stops"),
    ("ra-key", "challenge-refused"),
    ("client-algorithm", "reply-algorithm"),
    ("reply-unverified", "server-rejects-signature"),
    ("admin-login", "challenge-refused"),
    ("filtered", "not-authorized"),
    ("tls", "chain"),
}


def _causes(text: str) -> list[str]:
    capture = read_octets(text.encode(), "scrap")
    return [cause.fault.id for cause in analyse(decode_exchanges(capture), capture=capture).causes]


@pytest.mark.parametrize(
    ("name", "first", "text"), SCRAPS, ids=lambda v: v if isinstance(v, str) and len(v) < 40 else ""
)
def test_first_cause_of_a_scrap(name: str, first: frozenset[str], text: str) -> None:
    """The first cause is an accepted one, no other cause contradicts it, and no cause appears twice."""
    found = _causes(text)
    assert (found[0] if found else "-") in first, (name, found)
    assert len(set(found)) == len(found)
    assert not _CONTRADICTS & {(found[0], other) for other in found[1:]} if found else True


def test_scraps_cover_many_causes() -> None:
    """The collection has over 200 scraps and over 50 different first causes."""
    assert len(SCRAPS) > 200
    assert len(frozenset().union(*(first for _, first, _ in SCRAPS))) > 50


def test_text_at_the_end_of_a_long_line_is_recognised() -> None:
    """Long lines are cut for display only; recognition uses the whole line."""
    words = "scep enrollment of a device with a long description " * 12
    assert _causes(f"level=error {words} failed validating challenge password")[0] == "challenge-refused"


def test_a_later_failure_counts_after_a_success() -> None:
    """A success resolves only the failures before it."""
    text = (
        "sscep: pkistatus: FAILURE, reason: badRequest\nsscep: pkistatus: SUCCESS\n"
        "sscep: certificate written as a.pem\nsscep: error verifying signature\n"
    )
    assert _causes(text) == ["reply-unverified"]


def test_two_windows_events_are_separate_records() -> None:
    """The number of the second event is not combined with the source of the first."""
    text = (
        "Source: Microsoft-Windows-NetworkDeviceEnrollmentService\nEvent ID: 1\nDescription:\nStarted.\n\n"
        "Source: Some-Other-Program\nEvent ID: 29\nDescription:\nA printer has no paper: error.\n"
    )
    assert "challenge-refused" not in _causes(text)
