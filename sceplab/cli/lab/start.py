"""`sceplab lab start`: serve a CA and an RA until Ctrl-C.

Rule: thin: options become the policy of a `Lab`, and its decisions are printed.
"""

from __future__ import annotations

import argparse
import re
import shlex
import signal
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sceplab.asn1 import oids
from sceplab.cli.arguments import secret
from sceplab.cli.lab.folder import add_folder
from sceplab.cli.terminal import OutputError, say, warn
from sceplab.cli.values import DAY, PORT, YEAR, whole
from sceplab.errors import InputError
from sceplab.files import pem_certificate, write_new
from sceplab.lab.claims import TLS_USAGES
from sceplab.lab.faults import FAULTS, faults_named
from sceplab.lab.network import Lab
from sceplab.lab.opening import Strictness
from sceplab.lab.policy import Policy
from sceplab.lab.ra import RaPolicy
from sceplab.lab.replies import ReplyForm
from sceplab.lab.responder import Decision
from sceplab.report.bounds import cut


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser of the action its arguments."""
    parser.description = (
        "Serve a CA (R1) and an RA (R2) on loopback. What waits for a person is granted with "
        "`sceplab lab grant` in another terminal. For labs only: the keys are in the folder, unprotected."
    )
    add_folder(parser)
    parser.add_argument("--ca-port", type=PORT, default=8080, help="port of the CA (default: 8080; 0: any)")
    parser.add_argument("--ra-port", type=PORT, default=8081, help="port of the RA (default: 8081; 0: any)")
    parser.add_argument("--no-ra", action="store_true", help="the CA alone")
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
    parser.add_argument("--legacy", action="store_true", help="take single DES and MD5 (micromdm's client needs it)")
    parser.add_argument("--min-rsa-bits", type=whole(0, 16_384), default=2048, help="shortest RSA key (default: 2048)")
    parser.add_argument(
        "--days", type=whole(1, 100 * YEAR), default=365, help="validity of certificates (default: 365)"
    )
    parser.add_argument(
        "--clock-skew", type=whole(0, YEAR * DAY), metavar="SECONDS", help="refuse a signingTime further off: badTime"
    )
    parser.add_argument(
        "--rfc-failure", action="store_true", help="FAILURE without eContent, as RFC 8894 3.3.2.2 has it"
    )
    parser.add_argument("--fault", action="append", default=[], metavar="F", help=f"misbehave: {', '.join(FAULTS)}")
    parser.add_argument(
        "--host-name",
        action="append",
        default=[],
        metavar="NAME",
        help="take requests for this name too, not only "
        "for localhost and loopback addresses (for a port that is forwarded to this one)",
    )
    parser.add_argument("--record", type=Path, metavar="FILE", help="write what passed as a pcap when it ends")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal ends it; returns 0. Raises InputError."""
    if arguments.record is not None:
        # What cannot be written is better known now than when the traffic is lost.
        write_new(arguments.record, b"")
        arguments.record.unlink()
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
    lab = Lab(
        arguments.dir,
        policy=policy,
        ra_policy=RaPolicy(challenges, strict=strict, form=form),
        subject=arguments.subject,
        key=arguments.ca_key,
        separate=arguments.separate,
        ports=(arguments.ca_port, arguments.ra_port),
        record=arguments.record is not None,
        host_names=arguments.host_name,
        on_decision=_tell,
    )
    ended = threading.Event()
    # Ctrl-C (SIGINT), and a service manager (SIGTERM).
    before = {s: signal.signal(s, lambda *_: ended.set()) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        with lab:
            for sentence in lab.concerns():
                warn(f"sceplab: warning: {sentence}")
            if not arguments.no_ra and (lab.ra is None or lab.ra.has_ended()):
                had_two = lab.ra is not None and lab.ra.decrypter != lab.ra.signer
                lab.enroll_ra(two_certificates=arguments.two_ra_certificates or had_two)
            for line in _welcome(lab, _TYPED if typed else challenge and shlex.quote(challenge)):
                say(line, at_once=True)
            ended.wait()
            if arguments.record is not None:
                write_new(arguments.record, lab.pcap())
                say(f"recorded in {arguments.record}")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def _tell(decision: Decision) -> None:
    # A log that nobody reads any more is no reason to leave the client without an answer.
    with suppress(OutputError, BrokenPipeError):
        say(cut(str(decision)), at_once=True)


# In place of a challengePassword that was typed unseen.
_TYPED = '"$CHALLENGE"'


def _usage(text: str) -> str:
    """Return the object identifier of an extended key usage that is given by name or as itself. Raises InputError."""
    oid = oids.NAMES_TO_OID.get(text, text)
    if not re.fullmatch(r"[0-2](\.\d+)+", oid):
        raise InputError(f"{text} is no extendedKeyUsage; give a name as codeSigning, or an OID as 1.3.6.1.5.5.7.3.3")
    return oid


def _welcome(lab: Lab, challenge: str) -> list[str]:
    certificate = lab.folder / "ca.pem"
    write_new(certificate, pem_certificate(lab.ca.certificate), force=True)
    out = [f"R1 (CA)  {lab.ca_url}"]
    if lab.ra is not None:
        out.append(f"R2 (RA)  {lab.ra_url}")
    out += [
        f"CA certificate  {certificate}, SHA-256 {lab.ca.issuer.parsed.fingerprint()}",
        f"Waiting requests: sceplab lab pending --dir {lab.folder}; grant or deny them likewise.",
        "",
        "Clients (the same with the RA's URL):",
    ]
    out += [f"  {line}" for line in client_commands(lab.ca_url, challenge, certificate.resolve())]
    return [*out, "", "Ctrl-C ends it."]


def client_commands(url: str, challenge: str, certificate: Path) -> list[str]:
    """Return what to type to enroll with known clients at this URL.

    `challenge` is a word of a shell, `certificate` the file of the CA's certificate.
    """
    word = challenge or "WORD"
    host = url.split("/")[2]
    with_challenge = f" --challenge {challenge}" if challenge else ""
    return f"""\
# sceplab
sceplab enroll {url} --subject CN=R3{with_challenge}
# strongSwan
pki --scepca --url {url} --caout ca.pem --outform pem
pki --gen --outform pem > r3.key
pki --scep --url {url} --in r3.key --dn CN=R3 --password {word} \\
    --cacert-enc ca.pem --cacert-sig ca.pem --cacert ca.pem --outform pem > r3.pem
# micromdm (sends single DES: start the lab with --legacy)
scepclient -server-url {url} -private-key r3.key -certificate r3.pem -challenge {word} -cn R3
# sscep
sscep getca -u {url} -c ca.crt
sscep enroll -u {url} -c ca.crt -k r3.key -r r3.csr -l r3.crt -E aes128 -S sha256
# certmonger
getcert add-scep-ca -c lab -u {url} -N {certificate}
getcert request -c lab -k /tmp/r3.key -f /tmp/r3.pem -N CN=R3 -L {word}
# Cisco IOS (on a router that reaches this machine)
crypto pki trustpoint R1 / enrollment url http://{host} / exit
crypto pki authenticate R1 / crypto pki enroll R1""".splitlines()
