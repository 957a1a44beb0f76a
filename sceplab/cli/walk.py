"""`sceplab walk`: one captured message, step by step, each step kept in a file.

Rule: options in, the steps of `report.walk` out. Files are written through
`files.write_new`, so nothing is lost unasked.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from sceplab.capture import read_capture
from sceplab.capture.reading import Capture
from sceplab.cli.arguments import Decoded, add_materials, decoded
from sceplab.cli.terminal import say, say_json
from sceplab.cli.values import whole
from sceplab.errors import InputError
from sceplab.files import is_there, load_certificates, load_private_keys, write_new
from sceplab.paths import SPECIMEN
from sceplab.report.json import unread_facts
from sceplab.report.names import reading_lines
from sceplab.report.walk import Walk, walk_facts, walk_lines, walk_of
from sceplab.scep.conversation import Materials, decode_exchanges


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser of the command its arguments."""
    parser.description = (
        "Take one pkiMessage of FILE apart, from HTTP to its content: the first PKIOperation, or the one that "
        "--exchange names. Without FILE, take the specimen."
    )
    parser.add_argument("file", metavar="FILE", nargs="?", help="a capture or any other form of a message")
    parser.add_argument(
        "--exchange",
        metavar="N",
        type=whole(0, 10**9),
        help="walk exchange N, as `sceplab decode` numbers them (from 0)",
    )
    parser.add_argument("--reply", action="store_true", help="walk the reply instead of the request")
    parser.add_argument(
        "--out", metavar="DIR", type=Path, default=Path(), help="folder for the files (default: this one)"
    )
    parser.add_argument("--json", action="store_true", help="print the steps as JSON")
    parser.add_argument("--show-secrets", action="store_true", help="show the challengePassword instead of masking it")
    parser.add_argument("--force", action="store_true", help="replace files of an earlier walk")
    add_materials(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the walk and write its files; returns 0."""
    capture, items, materials = specimen() if arguments.file is None else decoded(arguments)
    # The commands use a key where it is; it is never copied.
    paths = {path.name: str(path.resolve()) for path in arguments.key}
    materials = replace(materials, key_names=tuple(paths.get(name, name) for name in materials.key_names))
    walk = walk_of(
        items, materials, number=arguments.exchange, reply=arguments.reply, show_secrets=arguments.show_secrets
    )
    write_files(walk, arguments.out, force=arguments.force)
    if arguments.json:
        facts = walk_facts(walk) | {
            "not_read": unread_facts(capture.unread),
            "notes": [str(note) for note in capture.notes],
        }
        say_json(facts)
        return 0
    for line in (*walk_lines(walk), *reading_lines(capture.notes, capture.unread)):
        say(line)
    return 0


def specimen() -> Decoded:
    """Return the specimen decoded, with the CA's certificate and key."""
    keys = load_private_keys(SPECIMEN / "ca.key.pem")
    certificates = load_certificates(SPECIMEN / "ca.pem")
    materials = Materials(tuple(keys), tuple(certificates), key_names=(str(SPECIMEN / "ca.key.pem"),))
    capture: Capture = read_capture(SPECIMEN / "capture.pcap")
    return Decoded(capture, decode_exchanges(capture, materials), materials)


def write_files(walk: Walk, out: Path, *, force: bool = False) -> None:
    """Write the files of the steps into the folder `out`, which is made where it is not there.

    Raises InputError when that cannot be done, or when one of them is already there, unless `force` replaces it.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out} cannot be created: {error.strerror}") from error
    taken = [name for name in walk.files if is_there(out / name)]
    if taken and not force:
        raise InputError(f"{out / taken[0]} already exists; use --force to replace the files of an earlier walk")
    for name, data in walk.files.items():
        write_new(out / name, data, force=force)
