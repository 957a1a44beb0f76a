"""The `sceplab` command: the walk of the notebooks, and the decoder, in a terminal.

Rule: thin. It reads files, calls the layers, prints. Bad input ends in one line
on standard error and exit code 2; a finding that the user asked about in exit 1.
"""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from sceplab import __version__, doctor, walk
from sceplab.capture import read_capture
from sceplab.conversation import Materials, decode_exchanges
from sceplab.errors import InputError, ScepError
from sceplab.facts import capture_facts, masked
from sceplab.files import load_certificates, load_private_keys
from sceplab.outline import outline
from sceplab.transport import Exchange


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
    except ScepError as error:
        print(f"sceplab: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # `sceplab decode ... | head` is no error.
        sys.stderr.close()
        return 0
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sceplab", description="Take SCEP enrollments (RFC 8894) apart and put them together."
    )
    parser.add_argument("--version", action="version", version=f"sceplab {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    decode = commands.add_parser(
        "decode",
        help="decode every SCEP message in a capture, URL, base64, PEM or DER file",
        description="Decode every SCEP message in FILE (- for standard input), as far as the keys at hand allow.",
    )
    decode.add_argument(
        "file", metavar="FILE", help="what you have: pcap, pcapng, URL, message= value, base64, PEM, DER ..."
    )
    _add_materials(decode)
    decode.add_argument("--json", action="store_true", help="print the facts as JSON")
    decode.add_argument("--show-secrets", action="store_true", help="show challengePasswords instead of masking them")
    decode.set_defaults(run=_decode)

    story = commands.add_parser(
        "walk",
        help="take one captured request apart, step by step, and keep every step in a file",
        description="Walk the first PKIOperation request of FILE from the URL to the CSR. Without FILE: the specimen.",
    )
    story.add_argument("file", metavar="FILE", nargs="?", help="a capture or any other form of a request")
    story.add_argument(
        "--out", metavar="DIR", type=Path, default=Path(), help="where the files of the steps go (default: here)"
    )
    story.add_argument("--show-secrets", action="store_true", help="show the challengePassword instead of masking it")
    story.add_argument("--force", action="store_true", help="replace files of an earlier walk")
    _add_materials(story)
    story.set_defaults(run=_walk)

    check = commands.add_parser("doctor", help="check versions, data files and optional tools")
    check.set_defaults(run=lambda _: doctor.main())
    return parser


def _add_materials(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cert",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="certificate (PEM, DER, PKCS#12); CA ones are trusted",
    )
    parser.add_argument(
        "--key",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="private key that may open envelopes (PEM, DER, PKCS#12)",
    )
    parser.add_argument(
        "--password", metavar="P", action="append", default=[], help="challengePassword for password recipients"
    )
    parser.add_argument("--legacy", action="store_true", help="allow SHA-1, MD5 and short keys in certificate paths")


def _ask(name: str) -> bytes:
    if not sys.stdin.isatty():
        raise InputError(f"{name} is protected by a passphrase; run this in a terminal to be asked for it")
    return getpass.getpass(f"Passphrase for {name}: ").encode()


def _materials(arguments: argparse.Namespace) -> Materials:
    keys = [(key, path.name) for path in arguments.key for key in load_private_keys(path, _ask)]
    return Materials(
        keys=tuple(key for key, _ in keys),
        certificates=tuple(c for path in arguments.cert for c in load_certificates(path, _ask)),
        passwords=tuple(p.encode() for p in arguments.password),
        legacy=arguments.legacy,
        key_names=tuple(name for _, name in keys),
    )


def _exchanges(source: str) -> list[Exchange]:
    return read_capture(sys.stdin.buffer.read() if source == "-" else source)


def _decode(arguments: argparse.Namespace) -> int:
    materials = _materials(arguments)
    decoded = decode_exchanges(_exchanges(arguments.file), materials)
    if not decoded:
        raise InputError(
            f"{arguments.file} holds no HTTP exchange; capture the traffic between client and CA, as plain HTTP"
        )
    if arguments.json:
        facts = capture_facts(decoded, materials)
        shown = facts if arguments.show_secrets else masked(facts)
        print(json.dumps(shown, indent=1, ensure_ascii=False))
    else:
        for line in outline(decoded, show_secrets=arguments.show_secrets):
            print(line)
    return 0


def _walk(arguments: argparse.Namespace) -> int:
    if arguments.file is None:
        exchanges, materials = walk.specimen()
    else:
        exchanges, materials = _exchanges(arguments.file), _materials(arguments)
    for line in walk.walk(
        exchanges, materials, arguments.out, force=arguments.force, show_secrets=arguments.show_secrets
    ):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
