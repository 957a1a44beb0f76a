"""Notebooks 01 to 05 run on any capture, also on the specimen without keys: with it set once, every cell runs.

The cells run in this process. `tests/project/test_notebooks.py` runs the notebooks on the specimen, in kernels.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sceplab.errors import InputError
from sceplab.files import load_certificates, load_private_keys
from sceplab.paths import DATA
from sceplab.walk import open_story
from tests.helpers.cells import Ran, run_cells

SHARED = Path(__file__).resolve().parents[3] / "shared" / "captures"
WALK = ("01", "01b", "03", "04", "05", "02")
FOLDERS = sorted(
    p.parent for base in (DATA, DATA / "captures", SHARED) if base.is_dir() for p in base.glob("*/capture.pcap*")
)


def _held(folder: Path) -> tuple[list[str], list[str]]:
    """Return the files with private keys, and those with certificates, in a capture's folder."""
    keys: list[str] = []
    certificates: list[str] = []
    for path in sorted(folder.glob("*.pem")):
        for load, found in ((load_private_keys, keys), (load_certificates, certificates)):
            try:
                load(path)
            except InputError:
                continue
            found.append(str(path))
    return keys, certificates


@pytest.fixture
def walk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Unset all settings and change to an empty folder."""
    for name in ("SCEPLAB_KEYS", "SCEPLAB_CERTS", "SCEPLAB_PASSWORDS", "SCEPLAB_EXCHANGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


def _errors(cells: list[Ran]) -> list[str]:
    return [f"{type(c.error).__name__}: {c.error}\n{c.code}" for c in cells if c.error is not None]


@pytest.mark.parametrize("held", [True, False], ids=["held", "nothing-held"])
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: f.name)
def test_no_cell_fails_on_other_captures(folder: Path, walk: pytest.MonkeyPatch, *, held: bool) -> None:
    """With and without keys, no cell of 01, 01b and 02 to 05 fails, and not all of them are skipped."""
    capture = next(folder.glob("capture.pcap*"))
    walk.setenv("SCEPLAB_CAPTURE", str(capture))
    if held:
        keys, certificates = _held(folder)
        walk.setenv("SCEPLAB_KEYS", os.pathsep.join(keys))
        walk.setenv("SCEPLAB_CERTS", os.pathsep.join(certificates))
    try:
        story = open_story()
    except InputError as error:
        assert "no PKIOperation" in str(error)  # noqa: PT017
        return
    for number in WALK:
        cells = run_cells(number)
        assert not _errors(cells)
        skipped = sum("Skipped." in c.text for c in cells)
        assert skipped < len(cells)
        if number == "04":
            assert (story.csr is None) == any("private key of that certificate is not at hand" in c.text for c in cells)


def test_no_cell_is_skipped_on_the_specimen(walk: pytest.MonkeyPatch) -> None:
    """The specimen has everything that a cell may need."""
    walk.delenv("SCEPLAB_CAPTURE", raising=False)
    for number in sorted(WALK):
        cells = run_cells(number)
        assert not _errors(cells)
        assert not [c.code for c in cells if "Skipped." in c.text]
