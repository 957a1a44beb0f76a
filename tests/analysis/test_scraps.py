"""Scraps as people paste them (`tests/data/scraps*.txt`): the true cause first, and nothing that the scrap contradicts.

The forms and sentences are those of public bug reports and guides; names and addresses are examples.
A scrap begins with `#### name | faults that may be said first`, "-" where all went well.
"""

from __future__ import annotations

import re

import pytest

from sceplab.analysis.analyse import analyse
from sceplab.capture.forms import read_octets
from sceplab.scep.conversation import decode_exchanges
from tests.helpers.captures import ROOT

# scraps_servers.txt: servers and clients of open source, what is in front of them, clouds, managed devices.
_PARTS = [
    part
    for name in ("scraps.txt", "scraps_servers.txt")
    for part in re.split(r"(?m)^#### ", (ROOT / "tests" / "data" / name).read_text(encoding="utf-8"))[1:]
]
SCRAPS = [
    (head.partition("|")[0].strip(), frozenset(head.partition("|")[2].split()), text)
    for head, _, text in (part.partition("\n") for part in _PARTS)
]

# Of these two, what is said second contradicts what is said first.
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
def test_scrap(name: str, first: frozenset[str], text: str) -> None:
    """The cause said first is the true one; no other contradicts it, and none is said twice."""
    found = _causes(text)
    assert (found[0] if found else "-") in first, (name, found)
    assert len(set(found)) == len(found)
    assert not _CONTRADICTS & {(found[0], other) for other in found[1:]} if found else True


def test_enough_scraps_of_many_causes() -> None:
    """The collection is not about a few causes."""
    assert len(SCRAPS) > 200
    assert len(frozenset().union(*(first for _, first, _ in SCRAPS))) > 50


def test_a_sentence_behind_many_words_is_recognised() -> None:
    """What is shown is cut; what is recognised is not."""
    words = "scep enrollment of a device with a long description " * 12
    assert _causes(f"level=error {words} failed validating challenge password")[0] == "challenge-refused"


def test_a_later_failure_counts_after_a_success() -> None:
    """Only what stood before the success is settled by it."""
    text = (
        "sscep: pkistatus: FAILURE, reason: badRequest\nsscep: pkistatus: SUCCESS\n"
        "sscep: certificate written as a.pem\nsscep: error verifying signature\n"
    )
    assert _causes(text) == ["reply-algorithm"]


def test_two_events_are_two_records() -> None:
    """A second event does not lend its number to the first one's source."""
    text = (
        "Source: Microsoft-Windows-NetworkDeviceEnrollmentService\nEvent ID: 1\nDescription:\nStarted.\n\n"
        "Source: Some-Other-Program\nEvent ID: 29\nDescription:\nA printer has no paper: error.\n"
    )
    assert "challenge-refused" not in _causes(text)
