"""`sceplab enroll`: get a certificate from a SCEP server.

Rule: thin: options become a `ScepClient`, its result is printed and written to files.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from sceplab.cli.arguments import add_passphrase, ask, passphrase_of, secret
from sceplab.cli.terminal import progress, say, warn
from sceplab.cli.values import DAY, YEAR, seconds
from sceplab.cms import algorithms
from sceplab.cms.name import parse_subject
from sceplab.cms.pem import build_pem
from sceplab.errors import InputError
from sceplab.files import (
    build_pkcs12,
    is_there,
    load_certificates,
    load_signing_key,
    pem_certificate,
    pem_key,
    write_new,
)
from sceplab.lab.client import ScepClient
from sceplab.lab.dialects import CLIENT_DIALECTS
from sceplab.lab.http import http_sender, proxy_of_environment
from sceplab.lab.identity import Identity, make_request, new_key
from sceplab.lab.results import Result
from sceplab.report.bounds import cut
from sceplab.scep.attributes import PkiStatus
from sceplab.sources import reason


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser of the command its arguments."""
    parser.description = (
        "Request a certificate from the SCEP server at URL. Writes NAME.key.pem (mode 0600) before the request, "
        "NAME.csr.pem, NAME.pem and NAME.ca.pem, and with --p12 NAME.p12. "
        "Exit code 1 if it was refused or is still pending; to ask again "
        "then, use the same options with --key NAME.key.pem."
    )
    parser.add_argument("url", metavar="URL", help="the SCEP URL of the server")
    parser.add_argument("--subject", required=True, help="for example CN=R3,O=Lab")
    parser.add_argument(
        "--out", type=Path, default=Path(), metavar="DIR", help="folder for the files (default: this one)"
    )
    parser.add_argument("--name", default="device", help="how the names of the files begin (default: device)")
    parser.add_argument("--challenge", help="challengePassword; - asks for it, or reads a line of standard input")
    parser.add_argument("--dns", action="append", default=[], metavar="NAME", help="DNS name for subjectAltName")
    parser.add_argument("--new-key", default="2048", metavar="KIND", help="RSA bits, or P-256, P-384, P-521")
    parser.add_argument("--key", type=Path, metavar="FILE", help="use this private key instead of a new one")
    add_passphrase(parser, "--key, --signer-key and the PKCS#12 file")
    parser.add_argument("--p12", action="store_true", help="also write key, certificate and CA certificates as PKCS#12")
    parser.add_argument("--signer-cert", type=Path, metavar="FILE", help="sign with this: an RA's, or the one to renew")
    parser.add_argument("--signer-key", type=Path, metavar="FILE", help="the private key of --signer-cert")
    parser.add_argument("--renew", action="store_true", help="renew --signer-cert (RenewalReq if the CA offers it)")
    parser.add_argument("--fingerprint", metavar="HEX", help="SHA-256 of the CA certificate, from a safe source")
    parser.add_argument("--method", choices=["GET", "POST"], help="instead of what the CA offers")
    parser.add_argument(
        "--cipher", choices=list(algorithms.CIPHERS), metavar="C", help="instead of the strongest offered"
    )
    parser.add_argument(
        "--digest", choices=list(algorithms.DIGESTS), metavar="D", help="instead of the strongest offered"
    )
    parser.add_argument("--like", choices=list(CLIENT_DIALECTS), default="sceplab", help="send as this client does")
    parser.add_argument(
        "--every", type=seconds(0.01, DAY), default=5, metavar="SECONDS", help="time between polls (default: 5)"
    )
    parser.add_argument(
        "--limit", type=seconds(0, YEAR * DAY), default=600, metavar="SECONDS", help="how long to poll (default: 600)"
    )
    parser.add_argument(
        "--timeout", type=seconds(0.01, DAY), default=10, metavar="SECONDS", help="for a complete reply (default: 10)"
    )
    parser.add_argument(
        "--ca-file", type=Path, metavar="FILE", help="CAs to trust for https, instead of those of the system"
    )
    parser.add_argument("--proxy", metavar="URL", help="HTTP proxy, or none (default: from the environment)")
    parser.add_argument("--force", action="store_true", help="replace existing files")
    parser.set_defaults(run=run)


def _asker(arguments: argparse.Namespace) -> Callable[[str], bytes]:
    """Return what gives the passphrase of a file: the one that was named, else what is typed for each."""
    given = passphrase_of(arguments.passphrase)

    def passphrase(name: str) -> bytes:
        return given if given is not None else _ask(f"Passphrase for {name}")

    return passphrase


def _ask(what: str) -> bytes:
    return ask(what, f"{what} is missing; run this in a terminal to be asked for it, or give --passphrase")


def _warn(text: str) -> None:
    warn(f"sceplab: warning: {text}")


def _proxy(arguments: argparse.Namespace) -> str | None:
    """Return the proxy to use, and say what the environment has to do with it."""
    if arguments.proxy is not None:
        return None if arguments.proxy == "none" else str(arguments.proxy)
    proxy, words = proxy_of_environment(arguments.url)
    if words:
        warn(f"sceplab: {words}")
    return proxy


def run(arguments: argparse.Namespace) -> int:
    """Enroll; returns 0 where a certificate was granted, else 1. Raises InputError and the client's errors."""
    subject = parse_subject(arguments.subject)
    passphrase = _asker(arguments)
    signer = _signer(arguments, passphrase)
    paths = {kind: arguments.out / f"{arguments.name}.{kind}.pem" for kind in ("key", "csr", "ca")}
    paths["certificate"] = arguments.out / f"{arguments.name}.pem"
    if arguments.p12:
        paths["p12"] = arguments.out / f"{arguments.name}.p12"
    for kind, path in paths.items():
        if is_there(path) and not arguments.force and not (arguments.key is not None and kind in {"key", "csr", "ca"}):
            raise InputError(f"{path} already exists; --force replaces it, --key continues with it")
    challenge = arguments.challenge
    if challenge is not None:
        challenge = secret(challenge, "challengePassword")
    client = ScepClient(
        http_sender(
            arguments.url,
            timeout=arguments.timeout,
            ca_file=arguments.ca_file,
            proxy=_proxy(arguments),
            on_note=lambda text: warn(f"sceplab: {text}"),
        ),
        fingerprint=arguments.fingerprint,
        dialect=CLIENT_DIALECTS[arguments.like],
        method=arguments.method,
        cipher=arguments.cipher,
        digest=arguments.digest,
        on_warning=_warn,
    )
    key = load_signing_key(arguments.key, passphrase) if arguments.key is not None else new_key(arguments.new_key)
    # Asked for now: what is typed wrongly must not cost a certificate.
    secret_of_p12 = passphrase(f"{paths['p12']} (a new one)") if arguments.p12 else b""
    if arguments.p12 and not secret_of_p12:
        raise InputError("a PKCS#12 file needs a passphrase")
    if signer is None and isinstance(key, ec.EllipticCurvePrivateKey):
        _warn(_EC if challenge else f"{_EC}; this request has none")
    csr = make_request(subject, key, challenge=challenge, dns_names=arguments.dns)
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{arguments.out} cannot be created: {reason(error)}") from error
    _ = client.ca
    if arguments.key is None:
        # Before the request is sent: a certificate without its key is worth nothing.
        write_new(paths["key"], pem_key(key), force=arguments.force, private=True)
    write_new(paths["csr"], build_pem("CERTIFICATE REQUEST", csr), force=True)
    chain = dict.fromkeys((*client.ca.all, *client.ca.above))
    write_new(paths["ca"], b"".join(pem_certificate(c.der) for c in chain), force=True)
    renewing = arguments.renew and signer is not None
    result = client.renew(csr, signer) if renewing and signer else client.enroll(csr, signer or key)
    result = _finish(client, result, arguments)
    if result.status is not PkiStatus.SUCCESS or result.certificate is None:
        return 1
    write_new(paths["certificate"], pem_certificate(result.certificate.der), force=arguments.force)
    say(f"certificate in {paths['certificate']}")
    if arguments.p12:
        held = [result.certificate.der, *(c.der for c in chain if c.der != result.certificate.der)]
        whole = build_pkcs12(key, held, secret_of_p12, arguments.name)
        write_new(paths["p12"], whole, force=arguments.force, private=True)
        say(f"key and certificates in {paths['p12']}")
    return 0


_EC = (
    "nothing can be encrypted for an EC key: the CA must encrypt its reply with the challengePassword "
    "(RFC 8894, 3.1), which few CAs support"
)


def _signer(arguments: argparse.Namespace, passphrase: Callable[[str], bytes]) -> Identity | None:
    given = (arguments.signer_cert, arguments.signer_key)
    if given == (None, None):
        if arguments.renew:
            raise InputError("--renew needs --signer-cert and --signer-key: the certificate to renew, and its key")
        return None
    if None in given:
        raise InputError("--signer-cert and --signer-key go together")
    key = load_signing_key(arguments.signer_key, passphrase)
    return Identity(load_certificates(arguments.signer_cert, passphrase)[0], key)


def _finish(client: ScepClient, result: Result, arguments: argparse.Namespace) -> Result:
    """Wait where the request is pending; print and return how it ended."""
    if result.status is PkiStatus.PENDING:
        say(f"PENDING: transaction {result.transaction_id} awaits approval by the CA's operator", at_once=True)

        def tell(waited: float) -> None:
            progress(f"polling, {waited:.0f} s so far ...")

        result = client.wait(result, every=arguments.every, limit=arguments.limit, on_wait=tell)
        progress("")
    say(cut(str(result)))
    return result
