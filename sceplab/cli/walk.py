"""`sceplab walk`: one captured request, step by step, each step kept in a file.

Rule: the order and the text of the steps. Decoding is done by other packages;
files are written by `files.write_new`, which overwrites nothing unless told to.
"""

from __future__ import annotations

import argparse
import base64
from collections.abc import Iterator, Sequence
from pathlib import Path

from sceplab import openssl
from sceplab.capture import read_capture
from sceplab.cli.arguments import add_materials, exchanges_of, materials_of
from sceplab.cli.terminal import say
from sceplab.errors import InputError
from sceplab.files import is_there, load_certificates, load_private_keys, write_new
from sceplab.paths import SPECIMEN
from sceplab.report.escape import visible
from sceplab.report.names import kind_of
from sceplab.report.text import envelope_lines, signed_lines
from sceplab.scep.conversation import DecodedExchange, Materials, decode_exchanges
from sceplab.scep.message import PkiMessage
from sceplab.scep.transport import Exchange


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser of the command its arguments."""
    parser.description = (
        "Walk the first PKIOperation request of FILE from the URL to the CSR. Without FILE: the specimen."
    )
    parser.add_argument("file", metavar="FILE", nargs="?", help="a capture or any other form of a request")
    parser.add_argument(
        "--out", metavar="DIR", type=Path, default=Path(), help="where the files of the steps go (default: here)"
    )
    parser.add_argument("--show-secrets", action="store_true", help="show the challengePassword instead of masking it")
    parser.add_argument("--force", action="store_true", help="replace files of an earlier walk")
    add_materials(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the walk and write its files; returns 0."""
    if arguments.file is None:
        exchanges, materials = specimen()
    else:
        exchanges, materials = exchanges_of(arguments.file), materials_of(arguments)
    for line in walk(exchanges, materials, arguments.out, force=arguments.force, show_secrets=arguments.show_secrets):
        say(line)
    return 0


def specimen() -> tuple[Sequence[Exchange], Materials]:
    """Return the specimen's exchanges, with the CA's certificate and key.

    Raises InputError if the package is not in a checkout of the repository.
    """
    if not SPECIMEN.is_dir():
        raise InputError("the specimen is not here (it comes with a checkout, not with the package); name a FILE")
    keys = load_private_keys(SPECIMEN / "ca.key.pem")
    certificates = load_certificates(SPECIMEN / "ca.pem")
    materials = Materials(tuple(keys), tuple(certificates), key_names=("ca.key.pem",))
    return read_capture(SPECIMEN / "capture.pcap"), materials


def walk(
    exchanges: Sequence[Exchange], materials: Materials, out: Path, *, force: bool = False, show_secrets: bool = False
) -> Iterator[str]:
    """Yield the lines of the walk for the first pkiMessage among `exchanges`, writing each step's file into `out`.

    Files: RA-CA.b64, RA-CA.bin (the pkiMessage), RA-CA.signer.der, RA-CA.payload1.der
    (the pkcsPKIEnvelope), RA-CA.payload2.der (the messageData). Raises InputError
    if there is no message, or if a file exists and `force` is not set.
    """
    item, message = _first(decode_exchanges(exchanges, materials))
    steps = _files(message)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out} cannot be made: {error.strerror}") from error
    taken = [name for name in steps if is_there(out / name)]
    if taken and not force:
        raise InputError(f"{out / taken[0]} is already there; use --force to replace the files of an earlier walk")
    for name, data in steps.items():
        write_new(out / name, data, force=force)
    for line in _story(item, message, steps, show_secrets=show_secrets):
        yield visible(line)


def _first(decoded: Sequence[DecodedExchange]) -> tuple[DecodedExchange, PkiMessage]:
    for item in decoded:
        message = item.request or item.reply
        if message is not None and message.signed.signer_infos:
            return item, message
    raise InputError("there is no PKIOperation with a pkiMessage in it; see `sceplab decode` for what there is")


def _files(message: PkiMessage) -> dict[str, bytes]:
    files = {"RA-CA.b64": base64.encodebytes(message.raw), "RA-CA.bin": message.raw}
    if message.verification.signer is not None:
        files["RA-CA.signer.der"] = message.verification.signer.der
    if message.signed.content:
        files["RA-CA.payload1.der"] = message.signed.content
    if message.opened is not None:
        files["RA-CA.payload2.der"] = message.opened.plaintext
    return files


def _story(item: DecodedExchange, message: PkiMessage, steps: dict[str, bytes], *, show_secrets: bool) -> Iterator[str]:
    request = item.exchange.request
    if request is not None and item.exchange.client:
        yield f"1. The HTTP request, from {item.exchange.client} to {item.exchange.server}"
        yield f"   {request.method} {request.target[:100]}{'...' if len(request.target) > 100 else ''}"
    else:
        yield "1. The message as it was given, without HTTP around it"
    for problem in item.operation.problems if item.operation else ():
        yield f"   note: {problem}"
    yield ""
    yield f"2. URL-decoded, the value of message= is base64; decoded, it is a CMS message of {len(message.raw)} octets"
    yield "   wrote RA-CA.b64, RA-CA.bin"
    yield f"   $ {openssl.shell(openssl.base64_decode(Path('RA-CA.b64'), Path('RA-CA.bin')))}"
    yield ""
    yield "3. signedData: who signed it, and does it verify?"
    if message.verification.signer is not None:
        yield f"   the signer's certificate: {message.verification.signer}"
        yield "   wrote RA-CA.signer.der"
    yield f"   messageType     {message.attributes.message_type} {kind_of(message)}"
    yield from (f"   {line}" for line in signed_lines(message))
    yield f"   $ {openssl.shell(openssl.verify(Path('RA-CA.bin'), Path('ca.pem'), Path('RA-CA.payload1.der')))}"
    yield ""
    if message.enveloped is None:
        yield "4. There is no envelopedData: the message is all in its signed attributes"
        return
    yield "4. envelopedData: for whom, and what is in it?"
    yield "   wrote RA-CA.payload1.der"
    yield from (f"   {line}" for line in envelope_lines(message, show_secrets=show_secrets))
    cipher = message.enveloped.content_encryption.name
    command = openssl.decrypt(
        Path("RA-CA.payload1.der"), Path("ca.pem"), Path("ca.key.pem"), Path("RA-CA.payload2.der"), cipher=cipher
    )
    yield f"   $ {openssl.shell(command)}"
    if "RA-CA.payload2.der" in steps:
        yield "   wrote RA-CA.payload2.der"
        if message.csr is not None:
            yield f"   $ {openssl.shell(openssl.print_csr(Path('RA-CA.payload2.der')))}"
