"""The actions of `sceplab lab` on what the CA issued: list, export, revoke.

Rule: thin. `lab.issued` finds certificates, and what is shown is bounded and escaped.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sceplab.cli.lab.folder import add_folder, opened
from sceplab.cli.terminal import say, say_json, width
from sceplab.errors import InputError
from sceplab.files import is_there, pem_certificate, write_new
from sceplab.lab.issued import Held, all_held, find_issued, held
from sceplab.report.bounds import cut, listed
from sceplab.report.escape import visible
from sceplab.report.layout import columns
from sceplab.sources import reason

_HEAD = ("serial", "not after", "state", "subject")
_LISTED = 1_000
_SUBJECT = 200


def add_list(parser: argparse.ArgumentParser) -> None:
    """Give the parser of `list` its arguments."""
    add_folder(parser)
    parser.add_argument("--json", action="store_true", help="print the certificates as JSON, all of them")
    parser.set_defaults(run=_list)


def add_export(parser: argparse.ArgumentParser) -> None:
    """Give the parser of `export` its arguments."""
    add_folder(parser)
    parser.add_argument("which", metavar="SERIAL", nargs="?", help="one certificate (default: all)")
    parser.add_argument(
        "--out", type=Path, default=Path("issued"), metavar="FOLDER", help="where to write them (default: issued)"
    )
    parser.add_argument("--force", action="store_true", help="replace existing files")
    parser.set_defaults(run=_export)


def add_revoke(parser: argparse.ArgumentParser) -> None:
    """Give the parser of `revoke` its arguments."""
    add_folder(parser)
    parser.add_argument("which", metavar="SERIAL", help="decimal, or hex with or without 0x and colons")
    parser.set_defaults(run=_revoke)


def _list(arguments: argparse.Namespace) -> int:
    with opened(arguments) as authority:
        found = all_held(authority.store, authority.time())
    if arguments.json:
        say_json([_facts(each) for each in found])
    elif not found:
        say("no certificate was issued yet")
    else:
        rows = [_row(each) for each in found[-_LISTED:]]
        for line in columns(_HEAD, rows, width()):
            say(line.rstrip())
        if len(found) > _LISTED:
            say(f"... and {len(found) - _LISTED:,} older ones, which --json shows")
    return 0


def _row(each: Held) -> tuple[str, ...]:
    own = each.certificate
    end = f"{own.not_after:%Y-%m-%d}" if own.not_after is not None else "?"
    return own.serial_hex, end, each.standing.value, visible(cut(str(own.subject), _SUBJECT))


def _facts(each: Held) -> dict[str, str | None]:
    own = each.certificate
    start, end, revoked = (
        t.isoformat() if t is not None else None for t in (own.not_before, own.not_after, each.revoked)
    )
    return {
        "serial": own.serial_hex,
        "subject": str(own.subject),
        "notBefore": start,
        "notAfter": end,
        "state": each.standing.value,
        "revoked": revoked,
        "sha256": own.fingerprint(),
    }


def _export(arguments: argparse.Namespace) -> int:
    with opened(arguments) as authority:
        now = authority.time()
        if arguments.which is not None:
            found = [held(find_issued(authority.store, arguments.which), now)]
        else:
            found = all_held(authority.store, now)
    files = {arguments.out / f"{each.certificate.serial_hex}.pem": each.certificate for each in found}
    if not arguments.force:
        there = [str(path) for path in files if is_there(path)]
        if there:
            raise InputError(f"{', '.join(listed(there, 'files', 3))}: already written; use --force to replace them")
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise InputError(f"{arguments.out} cannot be created: {reason(error)}") from error
    for path, certificate in files.items():
        write_new(path, pem_certificate(certificate), force=arguments.force)
    say(f"{len(files):,} {'certificate' if len(files) == 1 else 'certificates'} written to {arguments.out}")
    return 0


def _revoke(arguments: argparse.Namespace) -> int:
    with opened(arguments) as authority:
        found = find_issued(authority.store, arguments.which)
        authority.revoke(found.serial)
        each = held(found, authority.time()).certificate
    say(f"revoked: {each.serial_hex}  {cut(str(each.subject), _SUBJECT)}")
    return 0
