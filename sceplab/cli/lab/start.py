"""`sceplab lab start`: serve a CA and an RA until Ctrl-C.

Rule: thin: options become the policy of a `Lab`, and its decisions are printed.
"""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sceplab.asn1 import oids
from sceplab.cli.arguments import secret
from sceplab.cli.lab.folder import add_folder
from sceplab.cli.lab.recipes import Recipe, Server, recipes, set_challenge
from sceplab.cli.listening import host_of, until_signal
from sceplab.cli.terminal import OutputError, say, warn, width
from sceplab.cli.values import DAY, PORT, YEAR, whole
from sceplab.errors import InputError
from sceplab.files import pem_certificate, write_new
from sceplab.lab.claims import TLS_USAGES
from sceplab.lab.faults import FAULTS, faults_named
from sceplab.lab.guard import is_loopback
from sceplab.lab.listening import is_every_address
from sceplab.lab.network import Lab
from sceplab.lab.opening import Strictness
from sceplab.lab.policy import Policy
from sceplab.lab.ra import RaPolicy
from sceplab.lab.recording import Record
from sceplab.lab.replies import ReplyForm
from sceplab.lab.responder import Decision
from sceplab.report.bounds import cut
from sceplab.report.escape import visible


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser of the action its arguments."""
    parser.description = (
        "Serve a CA (R1) and an RA (R2), on loopback unless told otherwise. Grant pending requests with "
        "`sceplab lab grant` in another terminal. For labs only: the keys are in the folder, unprotected."
    )
    add_folder(parser)
    parser.add_argument(
        "--listen",
        metavar="ADDRESS",
        help="address that other machines reach, for example 192.0.2.7, or 0.0.0.0 for all of this machine "
        "(default: loopback, which only this machine reaches)",
    )
    parser.add_argument("--ca-port", type=PORT, default=8080, help="port of the CA (default: 8080; 0: any)")
    parser.add_argument("--ra-port", type=PORT, default=8081, help="port of the RA (default: 8081; 0: any)")
    parser.add_argument("--no-ra", action="store_true", help="start only the CA")
    parser.add_argument("--two-ra-certificates", action="store_true", help="a new RA gets one to sign, one to receive")
    parser.add_argument("--separate", action="store_true", help="a new CA gets certificates for signing and receiving")
    parser.add_argument("--subject", default="CN=R1", help="subject of a new CA (default: CN=R1)")
    parser.add_argument("--ca-key", default="2048", help="key of a new CA: RSA bits, or P-256 (default: 2048)")
    parser.add_argument(
        "--challenge",
        help="challengePassword that CA and RA accept; without one a person decides; "
        "- asks for it, or reads a line of standard input",
    )
    parser.add_argument(
        "--allow-name",
        action="append",
        default=[],
        metavar="PATTERN",
        help="subjectAltName that needs no person, for example 'DNS:*.example'",
    )
    parser.add_argument(
        "--allow-usage",
        action="append",
        default=[],
        metavar="USAGE",
        help="extendedKeyUsage that needs no person, besides serverAuth and clientAuth: a name or an OID",
    )
    parser.add_argument("--grant-auto", action="store_true", help="grant every request (as `grant auto` of Cisco IOS)")
    parser.add_argument("--no-ra-auto", action="store_true", help="ask a person also for what the RA signed")
    parser.add_argument("--legacy", action="store_true", help="accept single DES and MD5 (micromdm's client needs it)")
    parser.add_argument("--min-rsa-bits", type=whole(0, 16_384), default=2048, help="shortest RSA key (default: 2048)")
    parser.add_argument(
        "--days", type=whole(1, 100 * YEAR), default=365, help="validity of certificates (default: 365)"
    )
    parser.add_argument(
        "--clock-skew", type=whole(0, YEAR * DAY), metavar="SECONDS", help="refuse a signingTime further off: badTime"
    )
    parser.add_argument("--rfc-failure", action="store_true", help="FAILURE without eContent, as RFC 8894 3.3.2.2 says")
    parser.add_argument("--fault", action="append", default=[], metavar="F", help=f"misbehave: {', '.join(FAULTS)}")
    parser.add_argument(
        "--host-name",
        action="append",
        default=[],
        metavar="NAME",
        help="also accept requests for this host name, not only "
        "for localhost and loopback addresses (for a port that is forwarded to this one)",
    )
    parser.add_argument("--record", type=Path, metavar="FILE", help="write the traffic to a new pcap, as it passes")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal ends it; returns 0. Raises InputError."""
    host = host_of(arguments.listen) if arguments.listen is not None else None
    typed = arguments.challenge == "-"
    challenge = secret(arguments.challenge, "challengePassword") if arguments.challenge else ""
    challenges = (challenge,) if challenge else ()
    skew = timedelta(seconds=arguments.clock_skew) if arguments.clock_skew is not None else None
    strict = Strictness(arguments.legacy, arguments.min_rsa_bits, skew)
    form = ReplyForm(not arguments.rfc_failure)
    policy = Policy(
        challenges,
        grant_auto=arguments.grant_auto,
        ra_auto=not arguments.no_ra_auto,
        alt_names=tuple(arguments.allow_name),
        usages=(*TLS_USAGES, *map(_usage, arguments.allow_usage)),
        validity=timedelta(days=arguments.days),
        strict=strict,
        form=replace(form, faults=faults_named(*arguments.fault)),
    )
    with ExitStack() as stack:
        record = None
        if arguments.record is not None:
            # First: what cannot be written is better known now than when the traffic is lost.
            record = stack.enter_context(Record(arguments.record, warn))
        lab = Lab(
            arguments.dir,
            policy=policy,
            ra_policy=RaPolicy(challenges, strict=strict, form=form),
            subject=arguments.subject,
            key=arguments.ca_key,
            separate=arguments.separate,
            ports=(arguments.ca_port, arguments.ra_port),
            record=False,
            host=host,
            host_names=arguments.host_name,
            on_decision=_tell,
            on_sent=record.take if record is not None else None,
        )
        ended = stack.enter_context(until_signal())
        stack.enter_context(lab)
        for sentence in lab.concerns():
            warn(f"sceplab: warning: {sentence}")
        if not arguments.no_ra and (lab.ra is None or lab.ra.has_ended()):
            had_two = lab.ra is not None and lab.ra.decrypter != lab.ra.signer
            lab.enroll_ra(two_certificates=arguments.two_ra_certificates or had_two)
        for line in _welcome(lab, challenge, typed=typed):
            say(line, at_once=True)
        if host is not None and not is_loopback(host):
            warn(f"sceplab: warning: {_who_reaches(host, lab, policy)}")
        ended.wait()
    if arguments.record is not None:
        say(f"recorded in {arguments.record}")
    return 0


def _who_reaches(host: str, lab: Lab, policy: Policy) -> str:
    """Return what it means that a lab listens on an address that is not loopback."""
    where = "every address of this machine" if is_every_address(host) else host
    servers = "the CA listens" if lab.ra is None else "CA and RA listen"
    gets = "anyone who knows the challengePassword gets a certificate without a person"
    if policy.grant_auto:
        gets = "anyone gets a certificate"
    elif not policy.challenges:
        gets = "a person decides on each request"
    return (
        f"{servers} on {where}, not on loopback: whoever reaches it over the network can send requests, and {gets}. "
        f"It is plain HTTP, requests for any host name are taken, and the keys in {lab.folder} are unprotected: "
        "use it in a network of your own, and trust its certificates nowhere else"
    )


def _tell(decision: Decision) -> None:
    # A log that nobody reads any more is no reason to leave the client without an answer.
    with suppress(OutputError, BrokenPipeError):
        for line in log_lines(decision, width()):
            say(line, at_once=True)


def log_lines(decision: Decision, columns: int) -> list[str]:
    """Return a decision as lines of at most `columns` characters: who decided what, then why, indented."""
    number = decision.transaction_id
    # As many as `lab grant` may need to tell requests apart, and their number is in `lab pending`.
    number = number if len(number) <= _NUMBER else f"{number[:_NUMBER]}..."
    head = visible(f"{decision.who}: {decision.kind} {number}: {decision.outcome}")
    why = visible(cut("; ".join(decision.steps)))
    out = textwrap.wrap(head, columns, subsequent_indent=_INDENT, break_on_hyphens=False)
    return out + textwrap.wrap(why, columns, initial_indent=_INDENT, subsequent_indent=_INDENT, break_on_hyphens=False)


_INDENT = "    "
_NUMBER = 16


def _usage(text: str) -> str:
    """Return the object identifier of an extended key usage that is given by name or as itself. Raises InputError."""
    oid = oids.NAMES_TO_OID.get(text, text)
    if not re.fullmatch(r"[0-2](\.\d+)+", oid):
        raise InputError(f"{text} is not an extendedKeyUsage; give a name (codeSigning) or an OID (1.3.6.1.5.5.7.3.3)")
    return oid


def _welcome(lab: Lab, challenge: str, *, typed: bool) -> list[str]:
    certificate = lab.folder / "ca.pem"
    write_new(certificate, pem_certificate(lab.ca.certificate), force=True)
    out = [f"R1 (CA)  {lab.ca_url}"]
    if lab.ra is not None:
        out.append(f"R2 (RA)  {lab.ra_url}")
    out += [
        f"CA certificate  {certificate}, SHA-256 {lab.ca.issuer.parsed.fingerprint()}",
        f"Pending requests: sceplab lab pending --dir {lab.folder}; grant or deny them likewise.",
        "",
        "Clients, from an empty folder:",
    ]
    if challenge:
        out.append(f"  {set_challenge(None if typed else challenge)}")
    server = Server(lab.ca_url, certificate.resolve(), bool(challenge))
    out += _indented(recipes(server))
    if lab.ra is not None:
        own = {lab.ra.signer.certificate, lab.ra.decrypter.certificate}
        out += ["", f"At the RA, from another one (the others as above, with {lab.ra_url}):"]
        at_ra = recipes(replace(server, url=lab.ra_url, ra_certificates=len(own)))
        out += _indented(recipe for recipe in at_ra if recipe.names_ra)
    return [*out, "", "Press Ctrl-C to stop."]


def _indented(found: Iterable[Recipe]) -> Iterator[str]:
    return (f"  {line}" for recipe in found for line in recipe.lines())
