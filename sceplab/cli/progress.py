"""`sceplab progress`: how far readers of the notebooks are, for them and for their teacher."""

from __future__ import annotations

import argparse
from pathlib import Path

from sceplab.cli.terminal import say, say_json
from sceplab.errors import InputError
from sceplab.exercises.progress import solved_in, total


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser of the command its arguments."""
    parser.description = "Print how many exercises are solved in each folder of notebooks. Nothing is sent anywhere."
    parser.add_argument(
        "folders",
        metavar="FOLDER",
        nargs="*",
        type=Path,
        default=[Path()],
        help="folder with the notebooks (default: this one)",
    )
    parser.add_argument("--json", action="store_true", help="print the numbers of the solved exercises as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print a line for each folder, or JSON; returns 0. Raises InputError for one that is no folder."""
    found = {str(folder): solved_in(_folder(folder)) for folder in arguments.folders}
    if arguments.json:
        say_json(found)
        return 0
    for folder, solved in found.items():
        listed = ", ".join(f"{name}: {len(numbers)}" for name, numbers in solved.items() if numbers)
        say(f"{folder}: {total(solved)} exercises solved{f' ({listed})' if listed else ''}")
    return 0


def _folder(folder: Path) -> Path:
    try:
        if folder.is_dir():
            return folder
    except (OSError, ValueError):
        pass
    raise InputError(f"{folder} is not a folder; name a folder with the notebooks")
