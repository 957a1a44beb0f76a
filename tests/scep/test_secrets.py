"""The repr of decoded messages contains no secrets: notebooks show it, and tracebacks may contain it."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

import pytest

from sceplab.paths import SPECIMEN
from sceplab.walk import open_story

SECRET = "R3-to-R1-via-R2"


def test_no_part_of_a_message_prints_its_challenge_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The message, exchange, opened envelope, request and attributes, as text and as the bytes in it."""
    monkeypatch.chdir(tmp_path_factory.mktemp("empty"))
    monkeypatch.delenv("SCEPLAB_CAPTURE", raising=False)
    story = open_story()
    assert story.csr is not None
    assert story.csr.challenge_password == SECRET
    printed = [story, story.item, story.message, story.message.opened, story.csr, story.csr.attributes, story.settings]
    for value in (*printed, *(getattr(story.message, f.name) for f in fields(story.message))):
        for shown in (repr(value), str(value)):
            assert SECRET not in shown
            assert SECRET.encode().hex() not in shown


def test_keys_and_passwords_are_not_printed() -> None:
    """Keys, passwords and content keys."""
    story = open_story(SPECIMEN / "capture.pcap", keys=[SPECIMEN / "ca.key.pem"], passwords=[SECRET])
    assert is_dataclass(story.materials)
    opened = story.message.opened
    assert opened is not None
    shown = repr((story.materials, opened, story.settings))
    assert SECRET not in shown
    assert repr(opened.content_key) not in shown
    assert "RSAPrivateKey" not in shown
