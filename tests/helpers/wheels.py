"""The wheel of this checkout, installed into a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.helpers.captures import ROOT


def run(*command: str | Path, cwd: Path = ROOT, path: Path | None = None) -> str:
    """Run Python with arguments and return its output; `path` is searched for modules first, and alone."""
    environment = {**os.environ, "PYTHONPATH": str(path or "")}
    done = subprocess.run(
        [sys.executable, "-P", *map(str, command)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def install(folder: Path) -> Path:
    """Build the wheel from the source distribution and install it; returns the folder to import from."""
    run("-m", "hatchling", "build", "-t", "sdist", "-d", folder / "sdist")
    (archive,) = (folder / "sdist").glob("*.tar.gz")
    source = folder / "source"
    source.mkdir()
    subprocess.run(["tar", "xzf", archive, "--strip-components=1", "-C", source], check=True)
    run("-m", "hatchling", "build", "-t", "wheel", "-d", folder / "wheel", cwd=source)
    (wheel,) = (folder / "wheel").glob("*.whl")
    options = ("--quiet", "--no-deps", "--no-index", "--no-compile")
    run("-m", "pip", "install", *options, "--target", folder / "site", wheel)
    return folder / "site"
