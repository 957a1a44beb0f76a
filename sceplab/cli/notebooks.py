"""`sceplab notebooks`: the tutorial in a folder of the reader's own, opened in JupyterLab.

Rule: it adds files and replaces only those that are as it wrote them; what a reader
has changed stays, and a newer version is put beside it.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from sceplab import __version__
from sceplab.cli.terminal import say
from sceplab.errors import InputError
from sceplab.extras import NOTEBOOKS as EXTRA
from sceplab.extras import needs
from sceplab.files import is_there, write_new
from sceplab.paths import DATA, NOTEBOOKS, SHIPPED
from sceplab.sources import open_source, read_small

FOLDER = Path("sceplab-notebooks")
FIRST = "notebooks/00-start-here.ipynb"
_RECORD = ".sceplab-notebooks.json"
"""The SHA-256 of each file as it was written, by path: what differs from it the reader has changed."""


class Fate(Enum):
    """What became of one file."""

    NEW = "written"
    SAME = "unchanged: they are those of this version"
    REPLACED = "replaced by those of this version"
    KEPT = "kept: they differ from this version (--update replaces those that you did not change)"
    BESIDE = "kept, since you changed them; the new ones are beside them"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser of the command its arguments."""
    parser.description = (
        "Copy the notebooks and their data to FOLDER and open them in JupyterLab. Later calls open them as "
        "you left them; nothing that you changed is ever replaced."
    )
    parser.add_argument(
        "folder", metavar="FOLDER", nargs="?", type=Path, default=FOLDER, help=f"folder for them (default: {FOLDER})"
    )
    parser.add_argument(
        "--update",
        action="store_true",
        help=f"update what you did not change to version {__version__}; put the rest beside yours",
    )
    parser.add_argument("--no-open", action="store_true", help="write the files only")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the files and run JupyterLab; returns its exit code. Raises InputError and MissingLibraryError."""
    folder: Path = arguments.folder
    if not arguments.no_open:
        with needs(EXTRA):
            importlib.import_module("jupyterlab")
    fates = copy(folder, update=arguments.update)
    for fate in Fate:
        if fates[fate]:
            say(f"{folder}: {fates[fate]} files {fate.value}")
    command = jupyterlab(folder)
    if arguments.no_open:
        say(f"open them with: {' '.join(command[1:])}")
        return 0
    with subprocess.Popen(command) as running:
        while True:
            try:
                return running.wait()
            except KeyboardInterrupt:  # JupyterLab has it too, and asks what to do
                continue


def jupyterlab(folder: Path) -> list[str]:
    """Return the command that opens the first notebook of a folder."""
    return [
        sys.executable,
        "-m",
        "jupyter",
        "lab",
        f"--ServerApp.root_dir={folder.resolve()}",
        f"--LabApp.default_url=/lab/tree/{FIRST}",
    ]


def copy(folder: Path, *, update: bool = False) -> Counter[Fate]:
    """Write the notebooks and the data into a folder; returns how many files met each fate.

    Raises InputError for a folder or file that cannot be written.
    """
    known = _read_record(folder)
    fates: Counter[Fate] = Counter()
    for name, data in _files():
        fates[_put(folder, name, data, known, update=update)] += 1
    _make(folder)
    write_new(folder / _RECORD, json.dumps(known, indent=1, sort_keys=True).encode() + b"\n", force=True)
    return fates


def _files() -> Iterator[tuple[str, bytes]]:
    """Yield the path in the folder and the content of each file."""
    for path in (*sorted(NOTEBOOKS.glob("*.ipynb")), *sorted(p for p in DATA.rglob("*") if p.is_file())):
        yield path.relative_to(SHIPPED).as_posix(), path.read_bytes()


def _put(folder: Path, name: str, data: bytes, known: dict[str, str], *, update: bool) -> Fate:
    path, ours = folder / name, hashlib.sha256(data).hexdigest()
    if not is_there(path):
        _make(path.parent)
        write_new(path, data)
        known[name] = ours
        return Fate.NEW
    with open_source(path) as file:
        there = hashlib.sha256(file.read()).hexdigest()
    if there == ours:
        known[name] = ours
        return Fate.SAME
    if not update:
        return Fate.KEPT
    if there == known.get(name):
        write_new(path, data, force=True)
        known[name] = ours
        return Fate.REPLACED
    beside = path.with_name(f"{path.stem}.{__version__}{path.suffix}")
    if not is_there(beside):
        write_new(beside, data)
    return Fate.BESIDE


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise InputError(f"{folder} cannot be created: {getattr(error, 'strerror', None) or error}") from error


def _read_record(folder: Path) -> dict[str, str]:
    """Return the digests of an earlier call; a record that is spoilt counts as none: nothing is replaced then."""
    path = folder / _RECORD
    if not is_there(path):
        return {}
    try:
        found = json.loads(read_small(path))
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}
