"""One exchange of a capture, opened for the walk through the notebooks."""

from __future__ import annotations

from pathlib import Path

import pytest

from sceplab.errors import InputError
from sceplab.paths import DATA, SPECIMEN
from sceplab.walk import open_story
from sceplab.walk.needs import NEEDS, lacking

CAPTURES = DATA / "captures"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("SCEPLAB_CAPTURE", "SCEPLAB_KEYS", "SCEPLAB_CERTS", "SCEPLAB_PASSWORDS", "SCEPLAB_EXCHANGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_default_story_is_the_specimen_with_nothing_missing() -> None:
    """The specimen meets every need in NEEDS."""
    story = open_story()
    assert story.specimen
    assert {name: lacking(story, name) for name in NEEDS} == dict.fromkeys(NEEDS, "")


def test_default_exchange_is_the_first_pki_operation() -> None:
    """GetCACert and GetCACaps come before it."""
    story = open_story(CAPTURES / "micromdm-default" / "capture.pcap")
    assert not story.specimen
    assert story.index > 0
    assert "the first PKIOperation" in story.place
    assert all(item.request is None for item in story.decoded[: story.index])


def test_chosen_exchange_must_be_a_pki_operation_request() -> None:
    """The numbers are those that `sceplab decode` shows."""
    capture = CAPTURES / "micromdm-renewal" / "capture.pcap"
    asked = [n for n, item in enumerate(open_story(capture).decoded) if item.request is not None]
    assert open_story(capture, exchange=asked[-1]).index == asked[-1]
    with pytest.raises(InputError, match="exchange 0 is no PKIOperation request"):
        open_story(capture, exchange=0)


def test_missing_material_is_named_in_one_sentence() -> None:
    """The sentence for a key names walk.toml as the place for it."""
    story = open_story(CAPTURES / "micromdm-default" / "capture.pcap")
    for name in ("key", "csr", "ca", "chain", "recipient-certificate", "specimen"):
        sentence = lacking(story, name)
        assert sentence.endswith("."), name
        assert "\n" not in sentence
    assert "walk.toml" in lacking(story, "key")


def test_story_names_the_key_file_that_opened_it() -> None:
    """Keys that do not fit are ignored."""
    folder = CAPTURES / "micromdm-default"
    story = open_story(folder / "capture.pcap", keys=[SPECIMEN / "r3.key.pem", folder / "ca.key.pem"])
    assert not lacking(story, "csr")
    assert story.key_file == (folder / "ca.key.pem").resolve()


def test_repr_shows_no_challenge_password() -> None:
    """A notebook shows the repr on its first page."""
    assert "R3-to-R1" not in repr(open_story())
    assert "R3-to-R1" not in repr(open_story(SPECIMEN / "capture.pcap", passwords=["R3-to-R1-via-R2"]))


def test_capture_without_a_request_is_an_input_error(tmp_path: Path) -> None:
    """The capture has a GetCACert only."""
    (tmp_path / "x.txt").write_text("GET /scep?operation=GetCACaps HTTP/1.1\nHost: ca\n\n", encoding="utf-8")
    with pytest.raises(InputError, match="no PKIOperation request"):
        open_story(tmp_path / "x.txt")
