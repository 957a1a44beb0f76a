"""One message step by step, from the HTTP around it to the messageData: what `sceplab walk` shows and writes.

Rule: who sends and who receives comes from the message and the certificates at hand; names of
files, sentences and commands follow from that. Nothing is decoded, and no file is written, here.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from sceplab import openssl
from sceplab.analysis.faults.model import Side
from sceplab.cms.csr import CertificationRequest
from sceplab.cms.keytransport import KeyTransRecipient
from sceplab.cms.pem import build_pem
from sceplab.cms.verify import Outcome
from sceplab.cms.x509 import Certificate, certificate_of
from sceplab.errors import InputError, Layer
from sceplab.masking import without_passwords
from sceplab.openssl import Command
from sceplab.report.bounds import cut, listed
from sceplab.report.escape import visible
from sceplab.report.json import Facts, data_facts, envelope_facts, exchange_facts, masked, message_facts
from sceplab.report.names import checks_of, count, kind_of
from sceplab.report.text import data_lines, envelope_lines, signed_lines
from sceplab.scep.conversation import DecodedExchange, Materials
from sceplab.scep.message import PkiMessage
from sceplab.scep.messagedata import CertsOnly

SCRIPT = "walk.sh"
"""The file with the commands of all steps, as it runs in the folder of their files."""
_TRUSTED = Path("trusted.pem")
_TARGET = 100
"""Characters of a request's target that are shown."""


class Party(StrEnum):
    """Who signs a message, or for whom it is encrypted. `SERVER` is CA or RA, where no certificate says which."""

    CLIENT = "client"
    RA = "RA"
    CA = "CA"
    SERVER = "server"

    @property
    def name_of_file(self) -> str:
        """How the files of this party begin that the reader has: "ca" for ca.pem and ca.key.pem."""
        return self.value.lower()


@dataclass(frozen=True, slots=True)
class Step:
    """One layer: what it shows (`lines`, `facts`), what it gives (`files`), and the openssl `commands` for it.

    `size` counts the octets of the layer, None where they are not at hand.
    `not_possible` says what could not be done here, and why.
    """

    title: str
    layer: Layer
    size: int | None
    lines: tuple[str, ...] = ()
    facts: Facts = field(default_factory=dict)
    files: tuple[tuple[str, bytes], ...] = ()
    commands: tuple[Command, ...] = ()
    not_possible: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Walk:
    """A message of a capture, and its steps. `exchange` counts from 0, as `sceplab decode` does."""

    exchange: int
    exchanges: int
    side: Side
    message: PkiMessage
    sender: Party
    receiver: Party
    why: str
    steps: tuple[Step, ...]

    @property
    def files(self) -> dict[str, bytes]:
        """The files of all steps, by name, and `walk.sh`, which runs their commands."""
        return dict(file for step in self.steps for file in step.files) | {SCRIPT: _script(self)}

    @property
    def head(self) -> str:
        """Which message of the capture this is, what it is, and who sends it to whom."""
        number = f"{self.side.value.capitalize()} {self.exchange + 1} of {self.exchanges}"
        place = f" ([{self.exchange}] in `sceplab decode`)" if self.exchanges > 1 else ""
        return f"{number}{place}, {self.why}: {kind_of(self.message)}, {self.sender} to {self.receiver}"


def walk_of(
    decoded: Sequence[DecodedExchange],
    materials: Materials,
    *,
    number: int | None = None,
    reply: bool = False,
    show_secrets: bool = False,
) -> Walk:
    """Return the walk of the exchange `number`, or of the first with a pkiMessage: its request, else its reply.

    With `reply` it is the reply in any case. Raises InputError where there is no such message.
    """
    index, side, message = _picked(decoded, number, reply=reply)
    item = decoded[index]
    known = [certificate_of(c) for c in materials.certificates]
    known += [c for other in decoded for c in other.ca_certificates]
    sender, receiver = _ends(item, side, known)
    names = _Names(sender, receiver, materials.name_of(message.opened.key) if message.opened else None)
    steps: tuple[Step, ...] = (
        _http(item, side),
        _message(item, side, message, names),
        _signed(message, names, known),
        *_inside(message, names, _recipient(message, [*known, *_signers(item)]), show_secrets=show_secrets),
    )
    if not show_secrets:
        steps = tuple(replace(step, facts=masked(step.facts)) for step in steps)
    why = "as chosen" if number is not None else _first(decoded, index, side)
    return Walk(index, len(decoded), side, message, sender, receiver, why, steps)


def _picked(decoded: Sequence[DecodedExchange], number: int | None, *, reply: bool) -> tuple[int, Side, PkiMessage]:
    if number is not None and not 0 <= number < len(decoded):
        last = f"0 to {len(decoded) - 1}" if decoded else "none"
        raise InputError(f"there is no exchange {number}; `sceplab decode` numbers them: {last}")
    for index in range(len(decoded)) if number is None else (number,):
        item = decoded[index]
        for side, message in ((Side.REQUEST, item.request), (Side.REPLY, item.reply)):
            if message is not None and message.signed.signer_infos and not (reply and side is Side.REQUEST):
                return index, side, message
    what = "a reply" if reply else "a PKIOperation"
    where = "in it" if number is None else f"in exchange {number}"
    raise InputError(f"there is no {what[2:]} with a pkiMessage {where}; see `sceplab decode` for what there is")


def _first(decoded: Sequence[DecodedExchange], index: int, side: Side) -> str:
    """Return why this one was taken: an earlier PKIOperation may have no message that could be read."""
    if side is Side.REPLY:
        return "the first with a pkiMessage"
    earlier = any(d.operation is not None and d.operation.operation == "PKIOperation" for d in decoded[:index])
    return "the first PKIOperation" + (" with a message that could be read" if earlier else "")


# --------------------------------------------------------------- who


def _ends(item: DecodedExchange, side: Side, known: Sequence[Certificate]) -> tuple[Party, Party]:
    """Return who sends the message, and who receives it."""
    if side is Side.REQUEST:
        return _asking(item, known), _served(item.request, known)
    author = item.reply.verification.signer if item.reply is not None else None
    answering = _server(author) if author is not None else _served(item.request, known)
    return answering, _asking(item, known)


def _asking(item: DecodedExchange, known: Sequence[Certificate]) -> Party:
    """Return who asks: an RA where the signer asks for another's key, or is one that GetCACert gave."""
    message = item.request
    signer = message.verification.signer if message is not None else None
    if message is None or signer is None:
        return Party.CLIENT
    if signer.self_issued and not signer.is_ca:
        return Party.CLIENT
    if any(c.der == signer.der for c in known):
        return Party.CA if signer.is_ca else Party.RA
    csr = message.csr
    other = csr is not None and csr.public_key_info != signer.public_key_info
    # A client that renews signs with its old certificate, which has its name.
    return Party.RA if csr is not None and other and csr.subject.raw != signer.subject.raw else Party.CLIENT


def _served(message: PkiMessage | None, known: Sequence[Certificate]) -> Party:
    """Return who is asked: whose certificate the envelope names."""
    found = _recipient(message, known) if message is not None else None
    return _server(found) if found is not None else Party.SERVER


def _server(certificate: Certificate) -> Party:
    return Party.CA if certificate.is_ca or (certificate.self_issued and certificate.version == 1) else Party.RA


def _recipient(message: PkiMessage, known: Iterable[Certificate]) -> Certificate | None:
    recipients = message.enveloped.recipients if message.enveloped is not None else ()
    named = [r.identifier for r in recipients if isinstance(r, KeyTransRecipient)]
    return next((c for c in known if any(i.matches(c) for i in named)), None)


def _signers(item: DecodedExchange) -> Iterator[Certificate]:
    """Yield the certificates that came in the request: a reply is encrypted for its signer."""
    if item.request is not None:
        yield from map(certificate_of, item.request.signed.certificates)


@dataclass(frozen=True, slots=True)
class _Names:
    """The names of files: those of the steps, and those that the commands ask of the reader."""

    sender: Party
    receiver: Party
    key_name: str | None

    def of(self, part: str) -> str:
        """Return the name of a step's file: "RA-CA.bin"."""
        return f"{self.sender}-{self.receiver}.{part}"

    @property
    def certificate(self) -> Path:
        """The receiver's certificate."""
        return Path(f"{self.receiver.name_of_file}.pem")

    @property
    def key(self) -> Path:
        """The receiver's key: as the reader named it, where it opened the envelope."""
        return Path(self.key_name or f"{self.receiver.name_of_file}.key.pem")


# --------------------------------------------------------------- the steps


def _http(item: DecodedExchange, side: Side) -> Step:
    exchange, facts = item.exchange, exchange_facts(item)
    request, reply = exchange.request, exchange.reply
    if not exchange.recorded.http:
        return Step("The message as it was given, without HTTP around it", Layer.HTTP, None, (), facts)
    first, second = exchange.client, exchange.server
    if side is Side.REPLY:
        first, second = second, first
        status = f"HTTP {reply.status}" if reply is not None and reply.status is not None else "status not recorded"
        content = reply.header("Content-Type") if reply is not None else None
        lines = [f"{status}, {content or 'no Content-Type'}"]
        size = len(reply.body) if reply is not None else None
    else:
        target = request.target if request is not None else ""
        shown = without_passwords(target)
        cut = "..." if len(shown) > _TARGET else ""
        lines = [f"{request.method if request is not None else ''} {shown[:_TARGET]}{cut}".strip()]
        size = (len(request.body) or len(target)) if request is not None else None
    ends = f", from {first} to {second}" if first and second else ""
    asked = item.operation.problems if item.operation is not None and side is Side.REQUEST else ()
    lines += listed((f"note: {problem}" for problem in (*exchange.problems, *asked)), "notes")
    return Step(f"The HTTP {side.value}{ends}", Layer.HTTP, size, tuple(lines), facts)


def _message(item: DecodedExchange, side: Side, message: PkiMessage, names: _Names) -> Step:
    """How the message is in the HTTP, or was given."""
    operation, size = item.operation, len(message.raw)
    binary = (names.of("bin"), message.raw)
    facts = {"der_len": size, "der_sha256": message_facts(message)["der_sha256"]}
    coded = side is Side.REQUEST and operation is not None and operation.dialect is not None
    if coded and operation is not None and item.exchange.recorded.http:
        posted = operation.method == "POST"
        how = "The body is base64" if posted else "URL-decoded, the value of message= is base64"
        text = (names.of("b64"), base64.encodebytes(message.raw))
        command = openssl.base64_decode(Path(text[0]), Path(binary[0]))
        title = f"{how}; decoded, it is a CMS message of {count(size, 'byte')}"
        return Step(title, Layer.BASE64, size, (), facts, (text, binary), (command,))
    if item.exchange.recorded.http:
        title = f"The body of the {side.value} is the CMS message: {count(size, 'byte')}"
    else:
        title = f"It is a CMS message of {count(size, 'byte')}"
    return Step(title, Layer.DER, size, (), facts, (binary,), (openssl.print_cms(Path(binary[0])),))


def _signed(message: PkiMessage, names: _Names, known: Sequence[Certificate]) -> Step:
    signer = message.verification.signer
    lines, files = [], []
    missing = [f"{c.name}: {c.detail}" for c in checks_of(message) if c.outcome is Outcome.NOT_POSSIBLE]
    if signer is not None:
        lines.append(f"the signer's certificate: {signer}")
        files.append((names.of("signer.der"), signer.der))
    else:
        missing.insert(0, "the signer's certificate is neither in the message nor among the given ones")
    lines.append(f"messageType     {message.attributes.message_type} {kind_of(message)}")
    lines += signed_lines(message)
    facts = {k: v for k, v in message_facts(message).items() if k not in {"envelope", "inner", "decryptError"}}
    facts["checks"] = [
        {"name": str(c.name), "outcome": c.outcome.value, "detail": c.detail} for c in checks_of(message)
    ]
    source, content = Path(names.of("bin")), Path(names.of("payload1.der"))
    commands: tuple[Command, ...] = ()
    if message.signed.content:
        files.append((str(content), message.signed.content))
    if message.verification.signer_in_message and message.signed.content is not None:
        trusted = signer is not None and any(c.subject.raw == signer.issuer.raw for c in known)
        if trusted:
            issuers = dict.fromkeys(c.der for c in known if c.is_ca or c.self_issued)
            files.append((str(_TRUSTED), b"".join(build_pem("CERTIFICATE", der) for der in issuers)))
        commands = (
            openssl.verify(source, _TRUSTED, content, check_time=False)
            if trusted
            else openssl.verify_signature_only(source, content),
        )
    else:
        commands = (openssl.print_cms(source),)
    size = len(message.raw)
    title = "SignedData: who signed it, and does it verify?"
    return Step(title, Layer.SIGNED, size, tuple(lines), facts, tuple(files), commands, tuple(missing))


def _inside(message: PkiMessage, names: _Names, recipient: Certificate | None, *, show_secrets: bool) -> Iterator[Step]:
    """Yield the envelope, and what is in it where it was opened."""
    if message.enveloped is None:
        why = "there is no EnvelopedData: the message is all in its signed attributes"
        yield Step("No EnvelopedData", Layer.ENVELOPED, None, not_possible=(why,))
        return
    opened = message.opened
    facts = envelope_facts(message.enveloped) | {"opened": opened.how if opened is not None else None}
    plain = Path(names.of("payload2.der"))
    files: tuple[tuple[str, bytes], ...] = ()
    commands: tuple[Command, ...] = ()
    if any(isinstance(r, KeyTransRecipient) for r in message.enveloped.recipients):
        cipher = message.enveloped.content_encryption.name
        source = Path(names.of("payload1.der"))
        commands = (openssl.decrypt(source, names.certificate, names.key, plain, cipher=cipher),)
    lines = list(envelope_lines(message))
    if recipient is not None:
        files = ((str(names.certificate), build_pem("CERTIFICATE", recipient.der)),)
    if opened is not None:
        lines.append(f"opened with {opened.how}")
        files += ((str(plain), opened.plaintext),)
    why_not = () if opened is not None else (message.decrypt_error or "no key at hand opens it",)
    if opened is not None and commands and recipient is None:
        why_not = ("openssl needs the recipient's certificate, which is not at hand",)
    title = "EnvelopedData: for whom is it encrypted, and who can open it?"
    size = len(message.enveloped.raw)
    yield Step(title, Layer.ENVELOPED, size, tuple(lines), facts, files, commands, why_not)
    if opened is None:
        return
    data = message.message_data
    show: tuple[Command, ...] = ()
    if isinstance(data, CertificationRequest):
        show = (openssl.print_csr(plain),)
    elif isinstance(data, CertsOnly):
        show = (openssl.print_degenerate(plain),)
    inner = data_facts(data) if data is not None else {}
    yield Step(
        "messageData: what was encrypted",
        Layer.CSR if isinstance(data, CertificationRequest) else Layer.MESSAGE_DATA,
        len(opened.plaintext),
        tuple(data_lines(message, show_secrets=show_secrets)),
        inner,
        (),
        show,
    )


# --------------------------------------------------------------- out


def walk_lines(walk: Walk) -> Iterator[str]:
    """Yield the walk as plain lines, not escaped yet."""
    yield cut(walk.head)
    for number, step in enumerate(walk.steps, 1):
        yield ""
        yield cut(f"{number}. {step.title}")
        yield from (cut(f"   {line}") for line in step.lines)
        if step.files:
            yield f"   wrote {', '.join(name for name, _ in step.files)}"
        yield from (f"   $ {openssl.shell(command)}" for command in step.commands)
        shown = "\n".join(step.lines)
        for reason in step.not_possible:
            if reason.partition("\n")[0] not in shown:
                yield cut(f"   not possible: {reason}")
    yield ""
    yield f"wrote {SCRIPT}: all these commands, to run in this folder"


def _script(walk: Walk) -> bytes:
    """Return a script for bash with the commands of all steps that can be run with the files at hand."""
    lines = ["#!/usr/bin/env bash", f"# {visible(walk.head)}", "set -eu", 'cd "$(dirname "$0")"']
    for number, step in enumerate(walk.steps, 1):
        runs = step.commands if not (step.layer is Layer.ENVELOPED and step.not_possible) else ()
        lines += ["", f"# {number}. {visible(step.title)}", *map(openssl.shell, runs)]
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def walk_facts(walk: Walk) -> Facts:
    """Return the walk as JSON values; the challengePassword is masked unless the walk shows secrets."""
    return {
        "exchange": walk.exchange,
        "exchanges": walk.exchanges,
        "head": walk.head,
        "direction": walk.side.value,
        "messageType": walk.message.attributes.message_type,
        "messageTypeName": walk.message.type.name if walk.message.type is not None else None,
        "from": walk.sender.value,
        "to": walk.receiver.value,
        "script": {"name": SCRIPT, "octets": len(walk.files[SCRIPT])},
        "steps": [
            {
                "number": number,
                "title": step.title,
                "layer": step.layer.value,
                "octets": step.size,
                "facts": step.facts,
                "files": [{"name": name, "octets": len(data)} for name, data in step.files],
                "commands": [openssl.shell(command) for command in step.commands],
                "not_possible": list(step.not_possible),
            }
            for number, step in enumerate(walk.steps, 1)
        ],
    }
