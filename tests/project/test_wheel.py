"""What is built of a checkout: the wheel has all that a plain install needs, and nothing else."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from tests.helpers import wheels
from tests.helpers.captures import ROOT


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheel, and `site` with the wheel installed."""
    folder = tmp_path_factory.mktemp("wheel")
    wheels.install(folder)
    return folder


def test_wheel_has_notebooks_data_and_documentation(built: Path) -> None:
    """Every file of git in these folders is in it, byte for byte, but for sources and makers."""
    shipped = built / "site" / "sceplab" / "shipped"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "notebooks/*.ipynb", "data", "docs"], cwd=ROOT, capture_output=True, check=True
    )
    wanted = {n.decode() for n in listed.stdout.split(b"\0") if n} - {"data/make_specimen.py"}
    assert len(wanted) > 80
    assert {p.relative_to(shipped).as_posix() for p in shipped.rglob("*") if p.is_file()} == wanted
    for name in wanted:
        assert (
            hashlib.sha256((shipped / name).read_bytes()).digest()
            == hashlib.sha256((ROOT / name).read_bytes()).digest()
        )


def test_wheel_is_small(built: Path) -> None:
    """It is what everybody downloads."""
    (wheel,) = (built / "wheel").iterdir()
    assert wheel.stat().st_size < 2_000_000


def test_what_lies_in_a_checkout_besides_is_left_out(tmp_path: Path) -> None:
    """A reader's own work and settings are in no distribution."""
    source = tmp_path / "checkout"
    subprocess.run(["git", "clone", "-q", ROOT, source], check=True)
    for name in ("notebooks/work/02/ca.key.pem", "notebooks/walk.toml", "notebooks/.ipynb_checkpoints/x.ipynb"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("private")
    for kind in ("wheel", "sdist"):
        wheels.run("-m", "hatchling", "build", "-t", kind, "-d", tmp_path / "dist", cwd=source)
    wheel, archive = sorted((tmp_path / "dist").iterdir(), key=lambda p: p.suffix, reverse=True)
    names = wheels.run("-m", "zipfile", "-l", wheel) + wheels.run("-m", "tarfile", "-l", archive)
    assert "00-start-here.ipynb" in names
    for name in ("walk.toml", "notebooks/work", ".ipynb_checkpoints"):
        assert name not in names


def test_plain_install_walks_the_specimen(built: Path, tmp_path: Path) -> None:
    """Without a checkout, `sceplab walk` needs no FILE."""
    out = wheels.run("-m", "sceplab.cli", "walk", "--out", tmp_path, cwd=tmp_path, path=built / "site")
    assert "PKIOperation" in out
    assert (tmp_path / "walk.sh").is_file()


def test_doctor_finds_the_data_of_a_wheel(built: Path, tmp_path: Path) -> None:
    """All files have the hashes of PROVENANCE.md."""
    out = wheels.run("-m", "sceplab.cli", "doctor", cwd=tmp_path, path=built / "site")
    assert "match PROVENANCE.md" in out


def test_notebooks_are_copied_from_a_wheel(built: Path, tmp_path: Path) -> None:
    """`sceplab notebooks` needs no checkout."""
    out = wheels.run("-m", "sceplab.cli", "notebooks", "mine", "--no-open", cwd=tmp_path, path=built / "site")
    assert "written" in out
    assert len(list((tmp_path / "mine" / "notebooks").glob("*.ipynb"))) >= 13


def test_plain_install_writes_a_page_that_needs_no_kernel(built: Path, tmp_path: Path) -> None:
    """The scripts and styles of the views are in the wheel, and no library of notebooks is needed."""
    specimen = built / "site" / "sceplab" / "shipped" / "data" / "specimen" / "capture.pcap"
    command = ("inspect", specimen, "--html", "out.html")
    code = (
        "import sys; sys.modules |= dict.fromkeys(('anywidget', 'ipywidgets', 'traitlets', 'IPython'));"
        "from sceplab import cli; sys.exit(cli.main(sys.argv[1:]))"
    )
    out = wheels.run("-c", code, *command, cwd=tmp_path, path=built / "site")
    assert "1 exchange" in out
    assert "sceplab-live" in (tmp_path / "out.html").read_text("utf-8")


def test_what_is_uploaded_has_sound_metadata(built: Path) -> None:
    """Wheel and source distribution pass `twine check`, also what it only warns of."""
    files = [*(built / "sdist").iterdir(), *(built / "wheel").iterdir()]
    assert {p.suffix for p in files} == {".gz", ".whl"}
    told = wheels.run("-m", "twine", "--no-color", "check", "--strict", *files)
    assert told.count("PASSED") == len(files), told
