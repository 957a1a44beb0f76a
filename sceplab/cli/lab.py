"""`sceplab lab` and `sceplab enroll`: the lab and its client in a terminal.

Rule: thin, as `cli` is: options in, words out. `lab start` serves; the other
`lab` commands work on its folder, while it serves or not, from any terminal.
"""

from __future__ import annotations

import argparse
import getpass
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sceplab.cms import algorithms
from sceplab.cms.csr import parse_csr
from sceplab.cms.name import parse_subject
from sceplab.cms.pem import build_pem
from sceplab.errors import InputError
from sceplab.files import load_certificates, load_signing_key, pem_certificate, pem_key, write_new
from sceplab.lab.ca import CertificationAuthority, Policy, wants_ra
from sceplab.lab.client import Result, ScepClient, http_sender
from sceplab.lab.dialects import CLIENT_DIALECTS
from sceplab.lab.faults import FAULTS, faults_named
from sceplab.lab.identity import Identity, make_request, new_key
from sceplab.lab.network import Lab
from sceplab.lab.ra import RaPolicy
from sceplab.lab.replies import Decision, ReplyForm, Strictness
from sceplab.lab.store import Store, Transaction
from sceplab.report.text import visible
from sceplab.scep.attributes import PkiStatus


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `lab` and `enroll` to the command line."""
    lab = commands.add_parser("lab", help="run a CA and an RA on this machine, and decide what waits for a person")
    actions = lab.add_subparsers(required=True, metavar="ACTION")
    _add_start(actions)
    for name, run, argument, text in (
        ("pending", _pending, None, "list what waits for a person"),
        ("grant", _grant, "TRANSACTION", "grant a request: its number, or the beginning of its transactionID"),
        ("deny", _deny, "TRANSACTION", "refuse a request"),
        ("challenge", _challenge, None, "make a challengePassword that holds once"),
        ("revoke", _revoke, "SERIAL", "revoke a certificate, by its serial in hex"),
        ("next-ca", _next_ca, None, "make the CA certificate that GetNextCACert announces"),
        ("rollover", _rollover, None, "let the announced CA certificate take over"),
    ):
        action = actions.add_parser(name, help=text, description=text)
        _add_folder(action)
        if argument is not None:
            action.add_argument("which", metavar=argument)
        if name == "deny":
            action.add_argument("--why", default="denied by the operator", help="what the client is told")
        if name == "challenge":
            action.add_argument("--subject", help="the one subject that it holds for")
            action.add_argument("--minutes", type=int, default=60, help="how long it holds (default: 60)")
        action.set_defaults(run=run)
    _add_enroll(commands)


def _add_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dir", type=Path, default=Path("sceplab-lab"), help="the lab's folder (default: sceplab-lab)")


def _add_start(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    start = actions.add_parser(
        "start",
        help="serve CA and RA on loopback until Ctrl-C",
        description="Serve a CA (R1) and an RA (R2) on loopback. What waits for a person is granted with "
        "`sceplab lab grant` in another terminal. For labs only: the keys are in the folder, unprotected.",
    )
    _add_folder(start)
    start.add_argument("--ca-port", type=int, default=8080, help="port of the CA (default: 8080; 0: any)")
    start.add_argument("--ra-port", type=int, default=8081, help="port of the RA (default: 8081; 0: any)")
    start.add_argument("--no-ra", action="store_true", help="the CA alone")
    start.add_argument("--two-ra-certificates", action="store_true", help="a new RA gets one to sign, one to receive")
    start.add_argument("--separate", action="store_true", help="a new CA gets certificates for signing and receiving")
    start.add_argument("--subject", default="CN=R1", help="subject of a new CA (default: CN=R1)")
    start.add_argument("--ca-key", default="2048", help="key of a new CA: RSA bits, or P-256 (default: 2048)")
    start.add_argument("--challenge", help="challengePassword that CA and RA take; without one a person decides")
    start.add_argument("--grant-auto", action="store_true", help="grant every request (as `grant auto` of Cisco IOS)")
    start.add_argument("--no-ra-auto", action="store_true", help="ask a person also for what the RA signed")
    start.add_argument("--legacy", action="store_true", help="take single DES and MD5 (micromdm's client needs it)")
    start.add_argument("--min-rsa-bits", type=int, default=2048, help="shortest RSA key (default: 2048)")
    start.add_argument("--days", type=int, default=365, help="validity of certificates (default: 365)")
    start.add_argument("--clock-skew", type=int, metavar="SECONDS", help="refuse a signingTime further off: badTime")
    start.add_argument(
        "--rfc-failure", action="store_true", help="FAILURE without eContent, as RFC 8894 3.3.2.2 has it"
    )
    start.add_argument("--fault", action="append", default=[], metavar="F", help=f"be wrong: {', '.join(FAULTS)}")
    start.add_argument("--record", type=Path, metavar="FILE", help="write what passed as a pcap when it ends")
    start.set_defaults(run=_start)


def _add_enroll(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    enroll = commands.add_parser(
        "enroll",
        help="get a certificate from a SCEP server",
        description="Ask the SCEP server at URL for a certificate. Writes NAME.key.pem (mode 0600) before it asks, "
        "NAME.csr.pem, NAME.pem and NAME.ca.pem. Exit code 1 where it was refused or is still pending; to ask again "
        "then, give the same options with --key NAME.key.pem.",
    )
    enroll.add_argument("url", metavar="URL")
    enroll.add_argument("--subject", required=True, help="for example CN=R3,O=Lab")
    enroll.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where files go (default: here)")
    enroll.add_argument("--name", default="device", help="what the files begin with (default: device)")
    enroll.add_argument("--challenge", help="challengePassword; - asks for it")
    enroll.add_argument("--dns", action="append", default=[], metavar="NAME", help="DNS name for subjectAltName")
    enroll.add_argument("--new-key", default="2048", metavar="KIND", help="RSA bits, or P-256, P-384, P-521")
    enroll.add_argument("--key", type=Path, metavar="FILE", help="use this private key instead of a new one")
    enroll.add_argument("--signer-cert", type=Path, metavar="FILE", help="sign as this: an RA, or what is renewed")
    enroll.add_argument("--signer-key", type=Path, metavar="FILE", help="the private key of --signer-cert")
    enroll.add_argument("--renew", action="store_true", help="renew --signer-cert (RenewalReq where it is offered)")
    enroll.add_argument("--fingerprint", metavar="HEX", help="SHA-256 of the CA certificate, from elsewhere")
    enroll.add_argument("--method", choices=["GET", "POST"], help="instead of what the CA offers")
    enroll.add_argument("--cipher", choices=list(algorithms.CIPHERS), metavar="C", help="instead of the best offered")
    enroll.add_argument("--digest", choices=list(algorithms.DIGESTS), metavar="D", help="instead of the best offered")
    enroll.add_argument("--like", choices=list(CLIENT_DIALECTS), default="sceplab", help="send as this client does")
    enroll.add_argument("--every", type=float, default=5, metavar="SECONDS", help="time between polls (default: 5)")
    enroll.add_argument("--limit", type=float, default=600, metavar="SECONDS", help="how long to poll (default: 600)")
    enroll.add_argument("--timeout", type=float, default=10, metavar="SECONDS", help="for one answer (default: 10)")
    enroll.add_argument("--force", action="store_true", help="replace files that are there")
    enroll.set_defaults(run=_enroll)


# --------------------------------------------------------------- lab start


def _start(arguments: argparse.Namespace) -> int:
    if arguments.record is not None and arguments.record.exists():
        raise InputError(f"{arguments.record} is already there")
    challenges = (arguments.challenge,) if arguments.challenge else ()
    skew = timedelta(seconds=arguments.clock_skew) if arguments.clock_skew is not None else None
    strict = Strictness(arguments.legacy, arguments.min_rsa_bits, skew)
    form = ReplyForm(not arguments.rfc_failure)
    policy = Policy(
        challenges,
        grant_auto=arguments.grant_auto,
        ra_auto=not arguments.no_ra_auto,
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
        on_decision=_tell,
    )
    ended = threading.Event()
    # Both as a person (Ctrl-C) and as a service manager ends it.
    before = {s: signal.signal(s, lambda *_: ended.set()) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        with lab:
            if not arguments.no_ra and lab.ra is None:
                lab.enroll_ra(two_certificates=arguments.two_ra_certificates)
            for line in _welcome(lab, arguments):
                print(line, flush=True)
            ended.wait()
            if arguments.record is not None:
                write_new(arguments.record, lab.pcap())
                print(f"recorded in {arguments.record}")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def _tell(decision: Decision) -> None:
    print(visible(str(decision)), flush=True)


def _welcome(lab: Lab, arguments: argparse.Namespace) -> list[str]:
    password = arguments.challenge or ""
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
    out += [f"  {line}" for line in client_commands(lab.ca_url, password, certificate.resolve())]
    return [*out, "", "Ctrl-C ends it."]


def client_commands(url: str, challenge: str, certificate: Path) -> list[str]:
    """Return what to type to enroll with known clients at this URL; `certificate` is the file of the CA's."""
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


# --------------------------------------------------------------- lab: what a person decides


def _authority(arguments: argparse.Namespace) -> CertificationAuthority:
    path = arguments.dir / "ca.sqlite"
    if not path.exists():
        raise InputError(f"{arguments.dir} is no folder of a lab; sceplab lab start makes one")
    return CertificationAuthority(Store(path))


def _with_authority(
    work: Callable[[CertificationAuthority, argparse.Namespace], str],
) -> Callable[[argparse.Namespace], int]:
    def run(arguments: argparse.Namespace) -> int:
        authority = _authority(arguments)
        try:
            print(work(authority, arguments))
        finally:
            authority.store.close()
        return 0

    return run


def describe(transaction: Transaction) -> str:
    """Return one line about a pending request, for a person who decides."""
    request = parse_csr(transaction.request)
    warning = "  WOULD BE AN RA" if wants_ra(request) else ""
    key = f"{request.key_bits or '?'}-bit key"
    return visible(
        f"{transaction.id:>4}  {transaction.created:%Y-%m-%d %H:%M:%S}  {request.subject}  {key}  "
        f"{transaction.transaction_id}{warning}"
    )


@_with_authority
def _pending(authority: CertificationAuthority, _: argparse.Namespace) -> str:
    return "\n".join(map(describe, authority.pending())) or "nothing waits"


@_with_authority
def _grant(authority: CertificationAuthority, arguments: argparse.Namespace) -> str:
    transaction = authority.find_pending(arguments.which)
    authority.grant(transaction)
    return f"granted: {describe(transaction).strip()}"


@_with_authority
def _deny(authority: CertificationAuthority, arguments: argparse.Namespace) -> str:
    transaction = authority.find_pending(arguments.which)
    authority.deny(transaction, arguments.why)
    return f"denied: {describe(transaction).strip()}"


@_with_authority
def _challenge(authority: CertificationAuthority, arguments: argparse.Namespace) -> str:
    return authority.new_challenge(arguments.subject, timedelta(minutes=arguments.minutes))


@_with_authority
def _revoke(authority: CertificationAuthority, arguments: argparse.Namespace) -> str:
    try:
        serial = int(arguments.which, 16)
    except ValueError:
        raise InputError(f"{arguments.which} is no serial in hex") from None
    authority.revoke(serial)
    return f"revoked: {serial:X}"


@_with_authority
def _next_ca(authority: CertificationAuthority, _: argparse.Namespace) -> str:
    return pem_certificate(authority.prepare_rollover()).decode().rstrip()


@_with_authority
def _rollover(authority: CertificationAuthority, _: argparse.Namespace) -> str:
    authority.roll_over()
    return pem_certificate(authority.certificate).decode().rstrip()


# --------------------------------------------------------------- enroll


def _ask(name: str) -> bytes:
    if not sys.stdin.isatty():
        raise InputError(f"{name} must be typed; run this in a terminal")
    return getpass.getpass(f"{name}: ").encode()


def _enroll(arguments: argparse.Namespace) -> int:
    subject = parse_subject(arguments.subject)
    signer = _signer(arguments)
    paths = {kind: arguments.out / f"{arguments.name}.{kind}.pem" for kind in ("key", "csr", "ca")}
    paths["certificate"] = arguments.out / f"{arguments.name}.pem"
    for kind, path in paths.items():
        if path.exists() and not arguments.force and not (arguments.key is not None and kind != "certificate"):
            raise InputError(f"{path} is already there; --force replaces it, --key goes on with it")
    challenge = arguments.challenge
    if challenge == "-":
        challenge = _ask("challengePassword").decode()
    client = ScepClient(
        http_sender(arguments.url, timeout=arguments.timeout),
        fingerprint=arguments.fingerprint,
        dialect=CLIENT_DIALECTS[arguments.like],
        method=arguments.method,
        cipher=arguments.cipher,
        digest=arguments.digest,
        on_warning=lambda text: print(f"sceplab: warning: {visible(text)}", file=sys.stderr),
    )
    _ = client.ca
    if arguments.key is not None:
        key = load_signing_key(arguments.key, lambda name: _ask(f"Passphrase for {name}"))
    else:
        key = new_key(arguments.new_key)
        # Before anything is sent: a certificate without its key is worth nothing.
        write_new(paths["key"], pem_key(key), force=arguments.force, private=True)
    csr = make_request(subject, key, challenge=challenge, dns_names=arguments.dns)
    write_new(paths["csr"], build_pem("CERTIFICATE REQUEST", csr), force=True)
    write_new(paths["ca"], b"".join(pem_certificate(c.der) for c in client.ca.all), force=True)
    renewing = arguments.renew and signer is not None
    result = client.renew(csr, signer) if renewing and signer else client.enroll(csr, signer or key)
    return _finish(client, result, arguments, paths["certificate"])


def _signer(arguments: argparse.Namespace) -> Identity | None:
    given = (arguments.signer_cert, arguments.signer_key)
    if given == (None, None):
        if arguments.renew:
            raise InputError("--renew needs --signer-cert and --signer-key: the certificate to renew, and its key")
        return None
    if None in given:
        raise InputError("--signer-cert and --signer-key go together")
    key = load_signing_key(arguments.signer_key, lambda name: _ask(f"Passphrase for {name}"))
    return Identity(load_certificates(arguments.signer_cert)[0], key)


def _finish(client: ScepClient, result: Result, arguments: argparse.Namespace, path: Path) -> int:
    if result.status is PkiStatus.PENDING:
        print(f"PENDING: transaction {visible(result.transaction_id)} waits for the CA's operator", flush=True)

        def tell(waited: float) -> None:
            if sys.stderr.isatty():
                print(f"\rpolling, {waited:.0f} s so far ...", end="", file=sys.stderr, flush=True)

        result = client.wait(result, every=arguments.every, limit=arguments.limit, on_wait=tell)
        if sys.stderr.isatty():
            print(file=sys.stderr)
    print(visible(str(result)))
    if result.status is not PkiStatus.SUCCESS or result.certificate is None:
        return 1
    write_new(path, pem_certificate(result.certificate.der), force=arguments.force)
    print(f"certificate in {path}")
    return 0
