"""`sceplab lab`: a CA and an RA on this machine, and decisions on their requests.

Rule: `start` serves; the other actions work on its folder, while it serves or
not, from any terminal.
"""

from __future__ import annotations

import argparse

from sceplab.cli.commands import Command, register

ACTIONS = (
    Command("start", "serve CA and RA on loopback until Ctrl-C", "lab.start"),
    Command("pending", "list pending requests", "lab.decide", "add_pending"),
    Command(
        "grant",
        "grant a request, by its number or at least 8 characters of its transactionID",
        "lab.decide",
        "add_grant",
    ),
    Command("deny", "refuse a request", "lab.decide", "add_deny"),
    Command("challenge", "create a one-time challengePassword", "lab.decide", "add_challenge"),
    Command("list", "list the certificates that were issued", "lab.certificates", "add_list"),
    Command("export", "write certificates that were issued to a folder, as PEM", "lab.certificates", "add_export"),
    Command("revoke", "revoke a certificate, by its serial", "lab.certificates", "add_revoke"),
    Command("next-ca", "make the CA certificate that GetNextCACert announces", "lab.decide", "add_next_ca"),
    Command("rollover", "let the announced CA certificate take over", "lab.decide", "add_rollover"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions of the command to its parser."""
    register(parser, ACTIONS, "ACTION")
