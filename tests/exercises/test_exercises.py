"""Exercises: every answer, right or wrong, gets a correct reply, and none raises an error."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import sceplab
from sceplab import exercises
from sceplab.capture import read_capture
from sceplab.cms.name import parse_subject
from sceplab.errors import InputError
from sceplab.exercises import Exercise
from sceplab.lab.identity import make_request
from sceplab.lab.network import Lab
from sceplab.scep.conversation import Materials
from sceplab.scep.transport import parse_request
from tests.helpers.captures import DATA, certificate, key


def _load(notebook: str) -> tuple[Exercise, ...]:
    """Load a notebook's exercises as the notebook does."""
    (exchange,) = read_capture(DATA / "specimen" / "capture.pcap")
    assert exchange.request is not None
    request = parse_request(exchange.request)
    assert request.message is not None
    message = sceplab.decode_message(request.message, keys=[key("ca")])
    loaded: dict[str, Callable[[], tuple[object, ...]]] = {
        "00": lambda: (message,),
        "06": lambda: (message, key("ca")),
        "08": lambda: (message.raw, Materials((key("ca"),), (certificate("ca"),)), exchange.time),
    }
    return exercises.load(notebook, *loaded[notebook]())


@pytest.mark.parametrize("notebook", ["00", "06", "08"])
def test_right_wrong_and_missing_answers(notebook: str) -> None:
    """The right answer is accepted, `...` counts as not attempted, every known mistake is explained."""
    made = _load(notebook)
    assert made
    for exercise in made:
        _assert_judges(exercise)


def test_exercises_use_the_traffic_of_the_lab() -> None:
    """The exercises of notebook 07 get an enrollment through the RA and one that was pending."""
    csr = make_request(parse_subject("CN=R3"), key("r3"))
    with Lab() as lab:
        lab.enroll_ra()
        start = len(lab.exchanges)
        lab.client(via="ra").enroll(csr, key("r3"))
        legs = [d for d in lab.decoded()[start:] if d.request is not None]
        start = len(lab.exchanges)
        client = lab.client()
        client.wait(client.enroll(csr, key("r3")), every=1, limit=4, sleep=lambda _: None)
        polling = lab.decoded()[start:]
    made = exercises.load("07", legs, polling)
    assert [e.right for e in made] == [csr, legs[1].request.attributes.sender_nonce, 5]  # type: ignore[union-attr]
    for exercise in made:
        _assert_judges(exercise)
    with pytest.raises(ValueError, match="need both legs"):
        exercises.load("07", legs, legs)


def _assert_judges(exercise: Exercise) -> None:
    assert repr(exercise.check(exercise.right)).startswith("Right")
    assert repr(exercise.check(...)).startswith("Not attempted yet")
    assert exercise.mistakes
    for what, wrong in exercise.mistakes.items():
        if wrong is not None:
            assert repr(exercise.check(wrong)) == f"Not yet: {what}"
    for nonsense in (None, "nonsense", b"", -1, object(), [], float("nan")):
        assert repr(exercise.check(nonsense)).startswith("Not yet")
    assert len(exercise.hints) >= 2
    assert repr(exercise.hint()).startswith("Hint 1")
    assert repr(exercise.hint(99)).startswith(f"Hint {len(exercise.hints)}")
    assert exercise.code in repr(exercise.solution())


def test_an_answer_that_cannot_be_compared_is_wrong() -> None:
    """The comparison of a user's object may raise an exception."""

    class Odd(int):
        def __eq__(self, other: object) -> bool:
            raise RuntimeError

        __hash__ = int.__hash__

    exercise = Exercise("?", 1, "1", ("think",))
    assert repr(exercise.check(Odd(1))).startswith("Not yet")


def test_a_notebook_without_exercises_is_an_error() -> None:
    """The message names the notebook."""
    with pytest.raises(InputError, match="99"):
        exercises.load("99")
