"""`sceplab doctor`: check what the notebooks need: versions, data files, optional tools.

Rule: it only reports; it changes nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from sceplab.cli.terminal import say
from sceplab.extras import CORE, EXTRAS
from sceplab.paths import DATA

# The use of each optional program, and its Debian package.
_TOOLS = {
    "openssl": ('the "confirm it" commands of the notebooks', "openssl"),
    "tshark": ("decoding captures with Wireshark", "tshark"),
    "tcpdump": ("making your own captures", "tcpdump"),
    "chromium": ("the browser tests", "chromium"),
    "scepserver": ("the test against micromdm's server", "scep"),
}
_ROW = re.compile(r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$", re.MULTILINE)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Do nothing: the command has no arguments."""
    parser.set_defaults(run=lambda _: main())


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement and its state: `ok` is None if it is optional and missing."""

    what: str
    ok: bool | None
    detail: str

    def __str__(self) -> str:
        sign = {True: "ok", False: "WRONG", None: "--"}[self.ok]
        return f"{sign:6} {self.what}: {self.detail}"


def data_hashes(folder: Path = DATA) -> dict[str, str]:
    """Return the SHA-256 of each data file as PROVENANCE.md states it, by path under `folder`."""
    return dict(_ROW.findall((folder / "PROVENANCE.md").read_text()))


def examine() -> Iterator[Requirement]:
    """Yield the state of each requirement, mandatory ones first."""
    yield Requirement("Python", True, platform.python_version())  # noqa: FBT003
    for name in CORE:
        yield _library(name, name, missing=False, advice=f"pip install {name}")
    for extra in EXTRAS:
        for name in extra.libraries:
            yield _library(
                name, f"[{extra.name}] {name}", missing=None, advice=f"{extra.user} need it: {extra.command}"
            )
    yield _data()
    for program, (purpose, package) in _TOOLS.items():
        if shutil.which(program) is None:
            yield Requirement(program, None, f"not installed, needed for {purpose} (Debian: apt-get install {package})")
        else:
            yield Requirement(program, True, _version(program) or "installed")  # noqa: FBT003


def _library(name: str, what: str, *, missing: bool | None, advice: str) -> Requirement:
    """Look a library up by its name on PyPI; `missing` is the value of `ok` if it is not installed."""
    try:
        return Requirement(what, True, metadata.version(name))  # noqa: FBT003
    except metadata.PackageNotFoundError:
        return Requirement(what, missing, f"not installed; {advice}")


def _data() -> Requirement:
    stated = data_hashes()
    wrong = [
        n
        for n, h in stated.items()
        if not (DATA / n).is_file() or hashlib.sha256((DATA / n).read_bytes()).hexdigest() != h
    ]
    if wrong or not stated:
        return Requirement("data files", False, f"changed or missing: {', '.join(wrong) or 'all'}")  # noqa: FBT003
    return Requirement("data files", True, f"all {len(stated)} match PROVENANCE.md")  # noqa: FBT003


def _version(program: str) -> str:
    argument = {"openssl": "version", "scepserver": "-version"}.get(program, "--version")
    try:
        done = subprocess.run([program, argument], capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = (done.stdout or done.stderr).decode("utf-8", "replace").splitlines()
    return lines[0].strip() if lines and not done.returncode else ""


def main() -> int:
    """Print all requirements; returns 1 if a mandatory one is missing or wrong, else 0."""
    requirements = list(examine())
    for requirement in requirements:
        say(str(requirement))
    return 1 if any(r.ok is False for r in requirements) else 0
