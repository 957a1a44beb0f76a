"""Shared by several commands: options for keys and certificates, passphrases, the exchanges of a file.

Rule: options in, values of other packages out; nothing is printed except questions and progress.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from pathlib import Path
from typing import NamedTuple

from sceplab.capture import read_capture
from sceplab.capture.reading import Capture
from sceplab.cli.terminal import tracked
from sceplab.errors import InputError
from sceplab.files import load_certificates, load_private_keys
from sceplab.report.escape import visible
from sceplab.scep.conversation import DecodedExchange, Materials, decode_exchanges
from sceplab.sources import read_small

_LONGEST_SECRET = 10_000
_MANY = 100
"""Decoding shows a progress bar from this many exchanges on."""


def add_materials(parser: argparse.ArgumentParser) -> None:
    """Add the options for the user's certificates, keys and passwords."""
    parser.add_argument(
        "--cert",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="certificate (PEM, DER, PKCS#12); CA certificates are trusted",
    )
    parser.add_argument(
        "--key",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="private key to open envelopes with (PEM, DER, PKCS#12)",
    )
    parser.add_argument(
        "--password",
        metavar="P",
        action="append",
        default=[],
        help="challengePassword for password recipients; - asks for it, or reads a line of standard input",
    )
    parser.add_argument("--legacy", action="store_true", help="allow SHA-1, MD5 and short keys in certificate paths")


def materials_of(arguments: argparse.Namespace) -> Materials:
    """Return what the options of `add_materials` name; asks for passphrases. Raises InputError."""
    free = getattr(arguments, "file", None) != "-"
    passwords = tuple(
        secret(p, "challengePassword", from_input=free).encode("utf-8", "surrogateescape") for p in arguments.password
    )
    keys = [(key, path.name) for path in arguments.key for key in load_private_keys(path, ask_passphrase)]
    return Materials(
        keys=tuple(key for key, _ in keys),
        certificates=tuple(c for path in arguments.cert for c in load_certificates(path, ask_passphrase)),
        passwords=passwords,
        legacy=arguments.legacy,
        key_names=tuple(name for _, name in keys),
    )


def ask_passphrase(name: str) -> bytes:
    """Ask for the passphrase of a file. Raises InputError if standard input is not a terminal."""
    return ask(
        f"Passphrase for {name}",
        f"{name} is protected by a passphrase; run this in a terminal to be asked for it",
    )


def ask(what: str, otherwise: str) -> bytes:
    """Return what the user types unseen; raises InputError(otherwise) where standard input is no terminal."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise InputError(otherwise)
    try:
        return getpass.getpass(visible(f"{what}: ")).encode()
    except (EOFError, UnicodeError) as error:
        raise InputError(f"{what}: the input cannot be used") from error


def secret(given: str, what: str, *, from_input: bool = True) -> str:
    """Return the secret that an option names: itself, or for "-" one that no other user sees among the arguments.

    That one is asked for on a terminal; elsewhere it is the next line of standard input.
    Raises InputError where there is none, or where standard input is for something else (`from_input` False).
    """
    if given != "-":
        return given
    otherwise = f"{what} -: run this in a terminal to be asked for it, or give it as a line of standard input"
    if sys.stdin is None or sys.stdin.isatty() or not from_input:
        return ask(what, otherwise).decode("utf-8", "surrogateescape")
    try:
        line = sys.stdin.readline(_LONGEST_SECRET).rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise InputError(otherwise) from error
    if not line:
        raise InputError(otherwise)
    return line


def add_passphrase(parser: argparse.ArgumentParser, whose: str) -> None:
    """Add the option that says where a passphrase comes from; it is never an argument itself."""
    parser.add_argument(
        "--passphrase",
        metavar="SOURCE",
        help=f"source of the passphrase of {whose}: env:NAME, file:PATH (its first line), or - (default: asked for)",
    )


def passphrase_of(source: str | None) -> bytes | None:
    """Return the passphrase in env:NAME, file:PATH or -; None where no source is given. Raises InputError."""
    if source is None:
        return None
    if source == "-":
        return secret("-", "passphrase").encode("utf-8", "surrogateescape")
    kind, colon, name = source.partition(":")
    if kind == "env" and colon and name and "=" not in name and "\0" not in name:
        found = os.environb.get(os.fsencode(name)) if os.supports_bytes_environ else os.environ.get(name, "").encode()
        if not found:
            raise InputError(f"the environment variable {name} is empty or not set")
        return found
    if kind == "file" and colon and name:
        line = read_small(Path(name)).split(b"\n")[0].rstrip(b"\r")
        if not line:
            raise InputError(f"the first line of {name} is empty; it must hold the passphrase")
        return line
    raise InputError("give the passphrase as env:NAME, file:PATH or -; other users can see what is typed in a command")


class Decoded(NamedTuple):
    """A file as it was read and decoded, with the materials used."""

    capture: Capture
    items: list[DecodedExchange]
    materials: Materials


def exchanges_of(source: str) -> Capture:
    """Return the capture in a file, or in standard input for "-". Raises InputError."""
    if source == "-":
        if sys.stdin is None:
            raise InputError("standard input is closed; name a file")
        return read_capture(sys.stdin.buffer)
    return read_capture(source)


def decoded(arguments: argparse.Namespace) -> Decoded:
    """Return `arguments.file` decoded; a progress bar is shown for long input, on a terminal only.

    Raises InputError if the file has no exchange and no lines of a log.
    """
    materials = materials_of(arguments)
    capture = exchanges_of(arguments.file)
    if not capture and not capture.remarks and not capture.unread:
        raise InputError(
            f"{arguments.file} has no HTTP exchange in it; capture the traffic between client and CA, as plain HTTP"
        )
    if len(capture) < _MANY:
        return Decoded(capture, decode_exchanges(capture, materials), materials)
    return Decoded(capture, decode_exchanges(tracked(capture, "decoding"), materials), materials)
