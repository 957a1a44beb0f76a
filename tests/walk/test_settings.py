"""Settings of the walk, from environment variables and from walk.toml."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sceplab.errors import InputError
from sceplab.walk.settings import FILE, Settings, read_settings, toml_of


def test_no_settings_without_file_and_variables(tmp_path: Path) -> None:
    """The function returns None."""
    assert read_settings(tmp_path, {}) is None


def test_environment_variables_override_the_file(tmp_path: Path) -> None:
    """Lists in variables are separated as in PATH."""
    (tmp_path / FILE).write_text('capture = "of-the-file.pcap"\n', encoding="utf-8")
    given_ = {"SCEPLAB_CAPTURE": "x.pcap", "SCEPLAB_KEYS": os.pathsep.join(("a.pem", "b.pem")), "SCEPLAB_EXCHANGE": "3"}
    found = read_settings(tmp_path, given_)
    assert found is not None
    assert (found.capture, found.keys, found.exchange) == ("x.pcap", (Path("a.pem"), Path("b.pem")), 3)
    assert "SCEPLAB_CAPTURE" in found.origin


def test_paths_in_the_file_are_relative_to_its_folder(tmp_path: Path) -> None:
    """The file can be moved together with the capture."""
    (tmp_path / "scep.pcap").touch()
    (tmp_path / FILE).write_text('capture = "scep.pcap"\nkeys = ["k.pem"]\nexchange = 2\n', encoding="utf-8")
    found = read_settings(tmp_path, {})
    assert found is not None
    assert Path(found.capture) == tmp_path / "scep.pcap"
    assert found.keys == (tmp_path / "k.pem",)
    assert found.exchange == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("capture = ", "not TOML"),
        ("keys = []", "name a capture"),
        ('capture = "x"\nkeys = "k.pem"', "a list of texts"),
        ('capture = "x"\nkey = ["k.pem"]', "'key' is not a setting"),
        ('capture = "x"\nexchange = -1', "`sceplab decode` shows"),
        ('capture = "x"\nexchange = true', "`sceplab decode` shows"),
    ],
)
def test_broken_file_is_an_input_error(tmp_path: Path, text: str, says: str) -> None:
    """The error says what is wrong with the file."""
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=says):
        read_settings(tmp_path, {})


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@pytest.mark.parametrize("capture", ["~nobody-of-this-name", "~0", "https://r1.lab/scep?message=" + "A" * 5000, "a\0b"])
def test_capture_that_is_not_a_path_stays_unchanged(tmp_path: Path, capture: str) -> None:
    """The inputs: "~" with an unknown user, a URL longer than any file name may be, and a NUL."""
    (tmp_path / FILE).write_text(toml_of(Settings(capture, (tmp_path / "~0.pem",))), encoding="utf-8")
    found = read_settings(tmp_path, {})
    assert found is not None
    assert (found.capture, found.keys) == (capture, (tmp_path / "~0.pem",))


def test_tilde_is_expanded_to_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a shell."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "scep.pcap").touch()
    (tmp_path / FILE).write_text('capture = "~/scep.pcap"\nkeys = ["~/k.pem"]\n', encoding="utf-8")
    found = read_settings(tmp_path, {})
    assert found is not None
    assert (found.capture, found.keys) == (str(tmp_path / "scep.pcap"), (tmp_path / "k.pem",))


@given(
    capture=_TEXTS.filter(lambda text: text and not text.startswith("~")),
    keys=st.lists(_TEXTS.filter(bool), max_size=3),
    passwords=st.lists(_TEXTS, max_size=2),
)
def test_written_settings_are_read_back(
    tmp_path_factory: pytest.TempPathFactory, capture: str, keys: list[str], passwords: list[str]
) -> None:
    """The values have arbitrary characters."""
    folder = tmp_path_factory.mktemp("walk")
    absolute = tuple(folder / k.replace("/", "_").replace("\0", "_").replace("~", "_") for k in keys)
    written = toml_of(Settings(capture, absolute, (), tuple(passwords), 7))
    (folder / FILE).write_text(written, encoding="utf-8", newline="")
    found = read_settings(folder, {})
    assert found is not None
    assert (found.keys, found.passwords, found.exchange) == (absolute, tuple(passwords), 7)
    assert found.capture in {capture, str(folder / capture)}
