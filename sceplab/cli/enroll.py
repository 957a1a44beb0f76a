"""`sceplab enroll`: get a certificate from a SCEP server.

Rule: thin: options become a `ScepClient`, its result is printed and written to files.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sceplab.cli.arguments import ask, secret
from sceplab.cli.terminal import progress, say, warn
from sceplab.cli.values import DAY, YEAR, seconds
from sceplab.cms import algorithms
from sceplab.cms.name import parse_subject
from sceplab.cms.pem import build_pem
from sceplab.errors import InputError
from sceplab.files import is_there, load_certificates, load_signing_key, pem_certificate, pem_key, write_new
from sceplab.lab.client import ScepClient
from sceplab.lab.dialects import CLIENT_DIALECTS
from sceplab.lab.http import http_sender
from sceplab.lab.identity import Identity, make_request, new_key
from sceplab.lab.results import Result
from sceplab.report.bounds import cut
from sceplab.scep.attributes import PkiStatus


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser of the command its arguments."""
    parser.description = (
        "Ask the SCEP server at URL for a certificate. Writes NAME.key.pem (mode 0600) before it asks, "
        "NAME.csr.pem, NAME.pem and NAME.ca.pem. Exit code 1 where it was refused or is still pending; to ask again "
        "then, give the same options with --key NAME.key.pem."
    )
    parser.add_argument("url", metavar="URL")
    parser.add_argument("--subject", required=True, help="for example CN=R3,O=Lab")
    parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where files go (default: here)")
    parser.add_argument("--name", default="device", help="what the files begin with (default: device)")
    parser.add_argument("--challenge", help="challengePassword; - asks for it, or reads a line of standard input")
    parser.add_argument("--dns", action="append", default=[], metavar="NAME", help="DNS name for subjectAltName")
    parser.add_argument("--new-key", default="2048", metavar="KIND", help="RSA bits, or P-256, P-384, P-521")
    parser.add_argument("--key", type=Path, metavar="FILE", help="use this private key instead of a new one")
    parser.add_argument("--signer-cert", type=Path, metavar="FILE", help="sign as this: an RA, or what is renewed")
    parser.add_argument("--signer-key", type=Path, metavar="FILE", help="the private key of --signer-cert")
    parser.add_argument("--renew", action="store_true", help="renew --signer-cert (RenewalReq where it is offered)")
    parser.add_argument("--fingerprint", metavar="HEX", help="SHA-256 of the CA certificate, from elsewhere")
    parser.add_argument("--method", choices=["GET", "POST"], help="instead of what the CA offers")
    parser.add_argument("--cipher", choices=list(algorithms.CIPHERS), metavar="C", help="instead of the best offered")
    parser.add_argument("--digest", choices=list(algorithms.DIGESTS), metavar="D", help="instead of the best offered")
    parser.add_argument("--like", choices=list(CLIENT_DIALECTS), default="sceplab", help="send as this client does")
    parser.add_argument(
        "--every", type=seconds(0.01, DAY), default=5, metavar="SECONDS", help="time between polls (default: 5)"
    )
    parser.add_argument(
        "--limit", type=seconds(0, YEAR * DAY), default=600, metavar="SECONDS", help="how long to poll (default: 600)"
    )
    parser.add_argument(
        "--timeout", type=seconds(0.01, DAY), default=10, metavar="SECONDS", help="for a whole answer (default: 10)"
    )
    parser.add_argument("--force", action="store_true", help="replace files that are there")
    parser.set_defaults(run=run)


def _ask(what: str) -> bytes:
    return ask(what, f"{what} must be typed; run this in a terminal")


def run(arguments: argparse.Namespace) -> int:
    """Enroll; returns 0 where a certificate was granted, else 1. Raises InputError and the client's errors."""
    subject = parse_subject(arguments.subject)
    signer = _signer(arguments)
    paths = {kind: arguments.out / f"{arguments.name}.{kind}.pem" for kind in ("key", "csr", "ca")}
    paths["certificate"] = arguments.out / f"{arguments.name}.pem"
    for kind, path in paths.items():
        if is_there(path) and not arguments.force and not (arguments.key is not None and kind != "certificate"):
            raise InputError(f"{path} is already there; --force replaces it, --key goes on with it")
    challenge = arguments.challenge
    if challenge is not None:
        challenge = secret(challenge, "challengePassword")
    client = ScepClient(
        http_sender(arguments.url, timeout=arguments.timeout),
        fingerprint=arguments.fingerprint,
        dialect=CLIENT_DIALECTS[arguments.like],
        method=arguments.method,
        cipher=arguments.cipher,
        digest=arguments.digest,
        on_warning=lambda text: warn(f"sceplab: warning: {text}"),
    )
    if arguments.key is not None:
        key = load_signing_key(arguments.key, lambda name: _ask(f"Passphrase for {name}"))
    else:
        key = new_key(arguments.new_key)
    csr = make_request(subject, key, challenge=challenge, dns_names=arguments.dns)
    _ = client.ca
    if arguments.key is None:
        # Before the request is sent: a certificate without its key is worth nothing.
        write_new(paths["key"], pem_key(key), force=arguments.force, private=True)
    write_new(paths["csr"], build_pem("CERTIFICATE REQUEST", csr), force=True)
    chain = dict.fromkeys((*client.ca.all, *client.ca.above))
    write_new(paths["ca"], b"".join(pem_certificate(c.der) for c in chain), force=True)
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
        say(f"PENDING: transaction {result.transaction_id} waits for the CA's operator", at_once=True)

        def tell(waited: float) -> None:
            progress(f"polling, {waited:.0f} s so far ...")

        result = client.wait(result, every=arguments.every, limit=arguments.limit, on_wait=tell)
        progress("")
    say(cut(str(result)))
    if result.status is not PkiStatus.SUCCESS or result.certificate is None:
        return 1
    write_new(path, pem_certificate(result.certificate.der), force=arguments.force)
    say(f"certificate in {path}")
    return 0
