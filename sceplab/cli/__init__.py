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
from functools import partial
from pathlib import Path
from typing import NoReturn

from rich.console import Console
from rich.progress import track
from rich.text import Text

from sceplab import __version__
from sceplab.analysis.checks import Level, check_exchanges, finding_facts, to_sarif
from sceplab.analysis.diagnose import cause_facts, diagnose, ended_well
from sceplab.capture import read_capture
from sceplab.cli import doctor, walk
from sceplab.errors import InputError, ScepError
from sceplab.extras import MissingLibraryError
from sceplab.files import load_certificates, load_private_keys, write_new
from sceplab.report.json import capture_facts, masked
from sceplab.report.page import to_html, to_markdown
from sceplab.report.text import outline, visible
from sceplab.scep.conversation import DecodedExchange, Materials, decode_exchanges
from sceplab.scep.transport import Exchange


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

    lint = commands.add_parser(
        "lint",
        help="say which rules of RFC 8894, 5652, 2986 and 5280 are broken",
        description="Check everything in FILE against the RFCs. Exit code 1 where a MUST or SHOULD is broken.",
    )
    lint.add_argument("file", metavar="FILE", help="as for decode")
    _add_materials(lint)
    form = lint.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the findings as JSON")
    form.add_argument("--sarif", action="store_true", help="print the findings as SARIF 2.1.0, for code scanners")
    lint.add_argument("--level", choices=["MUST", "SHOULD", "info"], default="info", help="leave out what is weaker")
    lint.set_defaults(run=_lint)

    why = commands.add_parser(
        "diagnose",
        help="say why an enrollment failed, likeliest first",
        description="Say why the enrollments in FILE failed. --password gives the challengePassword that the CA "
        "expects. Exit code 1 where a cause was found.",
    )
    why.add_argument("file", metavar="FILE", help="as for decode")
    _add_materials(why)
    why.add_argument("--json", action="store_true", help="print the causes as JSON")
    why.add_argument("--show-secrets", action="store_true", help="show challengePasswords instead of masking them")
    why.add_argument(
        "--report", metavar="FILE", type=Path, help="write a report for a ticket too: Markdown, or HTML for .html"
    )
    why.add_argument("--force", action="store_true", help="replace an earlier report")
    why.set_defaults(run=_diagnose)

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

    _add_lab(commands)

    check = commands.add_parser("doctor", help="check versions, data files and optional tools")
    check.set_defaults(run=lambda _: doctor.main())
    return parser


def _add_lab(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `lab` and `enroll`; in the plain install they say what to install, whatever their arguments are."""
    try:
        from sceplab.cli.lab import add_commands
    except MissingLibraryError as error:
        for name in ("lab", "enroll"):
            # No argument begins with NUL: all of them are taken as words.
            missing = commands.add_parser(name, help=f"not installed: {error}", prefix_chars="\0", add_help=False)
            missing.add_argument("arguments", nargs="*")
            missing.set_defaults(run=partial(_raise, error))
    else:
        add_commands(commands)


def _raise(error: ScepError, _: argparse.Namespace) -> NoReturn:
    raise error


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
    decoded, materials = _decoded(arguments)
    if arguments.json:
        facts = capture_facts(decoded, materials)
        shown = facts if arguments.show_secrets else masked(facts)
        print(json.dumps(shown, indent=1, ensure_ascii=False))
    else:
        for line in outline(decoded, show_secrets=arguments.show_secrets):
            print(line)
    return 0


def _decoded(arguments: argparse.Namespace) -> tuple[list[DecodedExchange], Materials]:
    """Read and decode with a progress bar, which is shown on a terminal and for long input only."""
    materials = _materials(arguments)
    exchanges = _exchanges(arguments.file)
    if not exchanges:
        raise InputError(
            f"{arguments.file} holds no HTTP exchange; capture the traffic between client and CA, as plain HTTP"
        )
    console = Console(stderr=True)
    quick = len(exchanges) < _MANY or not console.is_terminal
    shown = track(exchanges, "decoding", console=console, transient=True, disable=quick)
    return decode_exchanges(shown, materials), materials


# From so many exchanges on a person waits.
_MANY = 100
_COLOURS = {"MUST": "red", "SHOULD": "yellow", "certain": "red", "likely": "yellow"}


def _print(line: str, word: str) -> None:
    """Print a line with its first `word` in colour, where the output is a terminal."""
    head, _, rest = line.partition(word)
    text = Text(head).append(word, style=_COLOURS.get(word, "dim")).append(rest) if word in line else Text(line)
    Console(soft_wrap=True, highlight=False).print(text)


def _lint(arguments: argparse.Namespace) -> int:
    decoded, _ = _decoded(arguments)
    levels = list(Level)
    shown = levels[: levels.index(Level(arguments.level)) + 1]
    findings = [f for f in check_exchanges(decoded) if f.rule.level in shown]
    if arguments.json:
        print(json.dumps([finding_facts(f) for f in findings], indent=1, ensure_ascii=False))
    elif arguments.sarif:
        print(json.dumps(to_sarif(findings, arguments.file), indent=1, ensure_ascii=False))
    else:
        for finding in findings:
            _print(visible(str(finding)), finding.rule.level.value)
            if finding.rule.mend:
                print(f"    {finding.rule.mend}")
        loud = sum(f.rule.level is not Level.INFO for f in findings)
        print(f"{loud} findings, {len(findings) - loud} notes, in {len(decoded)} exchanges")
    return int(any(f.rule.level is not Level.INFO for f in findings))


def _diagnose(arguments: argparse.Namespace) -> int:
    decoded, materials = _decoded(arguments)
    causes = diagnose(decoded, materials, show_secrets=arguments.show_secrets)
    if arguments.report is not None:
        write = to_html if arguments.report.suffix.lower() in {".html", ".htm"} else to_markdown
        text = write(decoded, materials, show_secrets=arguments.show_secrets)
        write_new(arguments.report, text.encode(), force=arguments.force)
    if arguments.json:
        print(json.dumps([cause_facts(c) for c in causes], indent=1, ensure_ascii=False))
    else:
        for cause in causes:
            first, *rest = str(cause).splitlines()
            _print(visible(first), cause.likelihood.name.lower())
            for line in rest:
                print(visible(line))
        if not causes:
            print("no failure was seen" if any(map(ended_well, decoded)) else "nothing tells why it failed")
    return int(bool(causes))


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
