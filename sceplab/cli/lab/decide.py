"""Decisions of the operator of a lab: `sceplab lab pending`, `grant`, `deny`, `challenge`, `revoke`, and the rollover.

Rule: each action opens the CA of a folder, does one thing, and prints one text.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable
from datetime import timedelta

from sceplab.cli.lab.folder import add_folder, opened
from sceplab.cli.terminal import say
from sceplab.cli.values import DAY, YEAR, whole
from sceplab.cms.csr import parse_csr
from sceplab.files import pem_certificate
from sceplab.lab.ca import CertificationAuthority
from sceplab.lab.claims import claims_in
from sceplab.lab.policy import wants_ra
from sceplab.lab.store import Transaction
from sceplab.report.escape import visible

_Work = Callable[[CertificationAuthority, argparse.Namespace], str]


def add_pending(parser: argparse.ArgumentParser) -> None:
    """Give the parser of `pending` its arguments."""
    _add(parser, _pending)


def add_grant(parser: argparse.ArgumentParser) -> None:
    """Give the parser of `grant` its arguments."""
    _add(parser, _grant)
    parser.add_argument("which", metavar="TRANSACTION")


def add_deny(parser: argparse.ArgumentParser) -> None:
    """Give the parser of `deny` its arguments."""
    _add(parser, _deny)
    parser.add_argument("which", metavar="TRANSACTION")
    parser.add_argument("--why", default="denied by the operator", help="what the client is told")


def add_challenge(parser: argparse.ArgumentParser) -> None:
    """Give the parser of `challenge` its arguments."""
    _add(parser, _challenge)
    parser.add_argument("--subject", help="the only subject that may use it")
    parser.add_argument(
        "--minutes", type=whole(1, YEAR * DAY // 60), default=60, help="how long it is valid (default: 60)"
    )


def add_next_ca(parser: argparse.ArgumentParser) -> None:
    """Give the parser of `next-ca` its arguments."""
    _add(parser, _next_ca)


def add_rollover(parser: argparse.ArgumentParser) -> None:
    """Give the parser of `rollover` its arguments."""
    _add(parser, _rollover)


def _add(parser: argparse.ArgumentParser, work: _Work) -> None:
    """Add the folder option, and run `work` on the CA in that folder."""
    add_folder(parser)

    def run(arguments: argparse.Namespace) -> int:
        with opened(arguments) as authority:
            for line in work(authority, arguments).split("\n"):
                say(line)
        return 0

    parser.set_defaults(run=run)


def describe(transaction: Transaction) -> str:
    """Return a line about a pending request, for a person who decides, and one for each extension that it asks for."""
    request = parse_csr(transaction.request)
    warning = "  WOULD BE AN RA" if wants_ra(request) else ""
    other = (
        "" if transaction.requester == hashlib.sha256(request.public_key_info).digest() else "  signed by another key"
    )
    key = f"{request.key_bits or '?'}-bit key"
    asked = f"{transaction.created:%Y-%m-%d %H:%M:%S}"
    lines = [f"{transaction.id:>4}  {asked}  {request.subject}  {key}  {transaction.transaction_id}{other}{warning}"]
    lines += [f"      asks for {what}: {value}" for what, value in claims_in(request).lines()]
    return "\n".join(map(visible, lines))


def _pending(authority: CertificationAuthority, _: argparse.Namespace) -> str:
    return "\n".join(map(describe, authority.pending())) or "no pending requests"


def _grant(authority: CertificationAuthority, arguments: argparse.Namespace) -> str:
    transaction = authority.find_pending(arguments.which)
    authority.grant(transaction)
    return f"granted: {describe(transaction).strip()}"


def _deny(authority: CertificationAuthority, arguments: argparse.Namespace) -> str:
    transaction = authority.find_pending(arguments.which)
    authority.deny(transaction, arguments.why)
    return f"denied: {describe(transaction).strip()}"


def _challenge(authority: CertificationAuthority, arguments: argparse.Namespace) -> str:
    return authority.new_challenge(arguments.subject, timedelta(minutes=arguments.minutes))


def _next_ca(authority: CertificationAuthority, _: argparse.Namespace) -> str:
    return pem_certificate(authority.prepare_rollover()).decode().rstrip()


def _rollover(authority: CertificationAuthority, _: argparse.Namespace) -> str:
    authority.roll_over()
    return pem_certificate(authority.certificate).decode().rstrip()
