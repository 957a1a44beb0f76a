"""No logic reads texts for people: every sentence may be reworded, and nothing else changes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from sceplab.analysis.analyse import Analysis, analyse
from sceplab.analysis.faults.model import Finding
from sceplab.analysis.faults.registry import FAULTS
from sceplab.analysis.ranking import Cause
from sceplab.capture import read_capture
from sceplab.cms.trust import PathResult
from sceplab.cms.verify import Check
from sceplab.errors import Problem
from sceplab.scep.conversation import Materials, decode_exchanges
from sceplab.scep.transport import Exchange
from tests.helpers.broken_rules import BROKEN
from tests.helpers.captures import DATA, capture_file, capture_folders, materials
from tests.helpers.causes import SCENES

# The fields of each class that contain sentences for people.
_PROSE: dict[type, tuple[str, ...]] = {
    Check: ("detail",),
    PathResult: ("detail",),
    Problem: ("expected", "found", "advice"),
    Finding: ("found",),
    Cause: ("evidence",),
}


def _captures() -> Iterator[tuple[str, Sequence[Exchange], Materials]]:
    """Yield every test conversation: (name, exchanges, the keys and certificates for it)."""
    for name, make in (*SCENES.items(), *BROKEN.items()):
        made = make()
        yield name, list(made.exchanges), made.held
    for folder in (DATA / "specimen", *capture_folders()):
        yield folder.name, read_capture(capture_file(folder)), materials(folder)


def _outcome(analysis: Analysis) -> tuple[object, ...]:
    """Return the parts of an analysis that are not texts for people."""
    return (
        [(f.fault.id, f.fault.level, f.exchange, f.side, f.offset) for f in analysis.findings],
        [(c.fault.id, c.likelihood, c.exchange) for c in analysis.causes],
        [(check.name, check.outcome) for item in analysis.decoded for check in _checks(item)],
    )


def _checks(item: Any) -> Iterator[Check]:
    for message in (item.request, item.reply):
        if message is not None:
            yield from message.verification.checks


def _reworded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace every sentence made from now on with other words, no two alike."""
    words = (f"reworded {n}" for n in itertools.count())

    def wrap(kind: type, names: tuple[str, ...]) -> Callable[..., None]:
        plain = kind.__init__  # type: ignore[misc]

        def init(self: object, *args: Any, **kwargs: Any) -> None:
            plain(self, *args, **kwargs)
            for name in names:
                object.__setattr__(self, name, next(words))

        return init

    for kind, names in _PROSE.items():
        monkeypatch.setattr(kind, "__init__", wrap(kind, names))


@pytest.fixture
def _other_words() -> Iterator[None]:
    """Reword every fault, and restore the texts afterwards."""
    before = [(x, n, getattr(x, n)) for x in FAULTS.values() for n in ("title", "fix", "seen")]
    for number, (thing, name, _) in enumerate(before):
        object.__setattr__(thing, name, f"other words {number}")
    yield
    for thing, name, value in before:
        object.__setattr__(thing, name, value)


def test_rewording_changes_no_result(monkeypatch: pytest.MonkeyPatch, _other_words: None) -> None:  # noqa: PT019
    """Rules, levels, places, causes, likelihoods, checks and their order, in every test conversation."""
    given = list(_captures())
    before = {name: _outcome(analyse(decode_exchanges(found, held), held)) for name, found, held in given}
    _reworded(monkeypatch)
    for name, found, held in given:
        analysis = analyse(decode_exchanges(found, held), held)
        assert all("reworded" in f.found for f in analysis.findings)
        assert _outcome(analysis) == before[name], name
    assert len(before) > 100
