"""`sceplab inspect`: a capture as one file of HTML to explore, which needs no notebook and no network."""

from __future__ import annotations

import argparse
from pathlib import Path

from sceplab.analysis.analyse import analyse
from sceplab.cli.arguments import add_materials, decoded
from sceplab.cli.terminal import say_wrapped
from sceplab.files import write_new
from sceplab.report.names import count
from sceplab.views.page import inspector_page


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser of the command its arguments."""
    parser.description = (
        "Write everything in FILE into one HTML file that opens in a browser: who sent what, every layer of each "
        "message with its bytes, which rules are broken, and why an enrollment failed. The file makes no request."
    )
    parser.add_argument("file", metavar="FILE", help="as for decode")
    add_materials(parser)
    parser.add_argument("--html", metavar="FILE", type=Path, required=True, help="the file to write")
    parser.add_argument(
        "--show-secrets", action="store_true", help="include decrypted layers and challengePasswords in clear"
    )
    parser.add_argument("--force", action="store_true", help="replace an earlier file")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the file, and say what is in it; returns 0."""
    capture, items, materials = decoded(arguments)
    analysis = analyse(items, materials, capture=capture, show_secrets=arguments.show_secrets)
    html, words = inspector_page(analysis)
    data = html.encode()
    write_new(arguments.html, data, force=arguments.force, private=arguments.show_secrets)
    say_wrapped(f"{arguments.html}: {count(len(items), 'exchange')}, {len(data) // 1000:,} kB. {words}")
    return 0
