"""`sceplab table`: a folder of captures as one table, for a spreadsheet or a program.

Rule: options in, rows of `report.rows` out. Files are read one by one, or by the
workers of a Dask cluster.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from sceplab.cli.arguments import add_materials, materials_of
from sceplab.cli.terminal import say, say_json, tracked, warn
from sceplab.errors import InputError
from sceplab.extras import MANY, needs
from sceplab.files import write_new
from sceplab.report.rows import Row, rows_of
from sceplab.report.table import csv_lines, summary_lines
from sceplab.scep.conversation import Materials

_MOST_FILES = 1_000_000
_LONGEST_PATTERN = 200
_ADDRESS = re.compile(r"(?:[a-z]{2,5}://)?[\w.\[\]:%-]{1,300}:\d{1,5}", re.ASCII)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser of the command its arguments."""
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="captures; folders below it are read too")
    parser.add_argument("--csv", metavar="FILE", type=Path, help="write one row for each message into FILE")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--pattern", default="*.pcap*", help="files to read (default: *.pcap*)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="read on the Dask cluster with this scheduler")
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")
    add_materials(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the table, or a summary of what was written; returns 0, or 1 where a file could not be read."""
    materials = materials_of(arguments)
    files = _files(arguments.folder, arguments.pattern)
    if arguments.scheduler:
        if materials.keys or materials.passwords:
            raise InputError("secrets are not sent to a cluster: leave out --key and --password, or --scheduler")
        read: Iterable[list[Row]] = _on_cluster(files, materials, arguments.folder, arguments.scheduler)
    else:
        read = (rows_of(path, materials, arguments.folder) for path in tracked(files, "reading"))
    rows = [row for found in read for row in found]
    if arguments.csv is not None:
        write_new(arguments.csv, "".join(f"{line}\r\n" for line in csv_lines(rows)).encode(), force=arguments.force)
    if arguments.json:
        say_json(rows)
    elif arguments.csv is None:
        for line in csv_lines(rows):
            say(line)
    for line in summary_lines(rows):
        (say if arguments.csv is not None and not arguments.json else warn)(line)
    return int(any(row["error"] for row in rows))


def _files(folder: Path, pattern: str) -> Sequence[str]:
    """Return the files of a folder by name. Raises InputError where there are none."""
    if len(pattern) > _LONGEST_PATTERN:
        raise InputError(f"the pattern is longer than {_LONGEST_PATTERN} characters")
    try:
        if not folder.is_dir():
            raise InputError(f"{folder} is not a folder")
        found = sorted(str(path) for path in islice(folder.rglob(pattern), _MOST_FILES) if path.is_file())
    except (ValueError, NotImplementedError, OSError) as error:
        raise InputError(f"cannot look for {pattern} in {folder}: {error}") from error
    if not found:
        raise InputError(f"{folder} has no file that matches {pattern}; choose others with --pattern")
    return found


def _on_cluster(files: Sequence[str], materials: Materials, folder: Path, scheduler: str) -> list[list[Row]]:
    """Return the rows of each file. Raises InputError, MissingLibraryError."""
    if not _ADDRESS.fullmatch(scheduler):
        raise InputError(f"{scheduler} is not the address of a scheduler; give for example tcp://192.0.2.1:8786")
    with needs(MANY):
        from distributed import Client

    try:
        with Client(scheduler, timeout=10) as client:
            return list(client.gather(client.map(partial(rows_of, materials=materials, root=folder), files)))
    except (OSError, ValueError, TypeError, AssertionError, RuntimeError) as error:
        raise InputError(f"the cluster at {scheduler} cannot be used: {error}") from error
