"""`sceplab decode`: every message in a file, as text or as JSON."""

from __future__ import annotations

import argparse

from sceplab.cli.arguments import add_materials, decoded
from sceplab.cli.terminal import say_json, say_wrapped


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser of the command its arguments."""
    parser.description = "Decode every SCEP message in FILE (- for standard input), as far as the given keys allow."
    parser.add_argument("file", metavar="FILE", help="pcap, pcapng, URL, message= value, base64, PEM, DER, ...")
    add_materials(parser)
    parser.add_argument("--json", action="store_true", help="print the messages as JSON")
    parser.add_argument("--show-secrets", action="store_true", help="show challengePasswords instead of masking them")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the messages in the file; returns 0."""
    capture, items, materials = decoded(arguments)
    if arguments.json:
        from sceplab.report.json import capture_facts, masked, unread_facts

        facts = capture_facts(items, materials) | {"not_read": unread_facts(capture.unread)}
        say_json(facts if arguments.show_secrets else masked(facts))
        return 0
    from sceplab.report.bounds import cut, listed
    from sceplab.report.names import reading_lines
    from sceplab.report.text import outline

    for line in outline(items, show_secrets=arguments.show_secrets):
        say_wrapped(line)
    remarks = (cut(f"line {r.line}: {r.text}" if r.line is not None else r.text) for r in capture.remarks)
    for line in listed(remarks, "remarks"):
        say_wrapped(line)
    if not any(item.request or item.reply for item in items):
        say_wrapped("No pkiMessage found: the input has no PKIOperation with a message.")
    for line in reading_lines(capture.notes, capture.unread):
        say_wrapped(line)
    return 0
