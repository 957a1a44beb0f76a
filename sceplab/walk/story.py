"""One exchange of a capture, opened for walking through it step by step: the specimen, or the reader's own.

Rule: `open_story` reads files; a Story is data. It holds one PKIOperation, decoded
with the keys at hand; what it lacks is judged in `needs`.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

from sceplab.capture import read_capture
from sceplab.cms.csr import CertificationRequest
from sceplab.cms.keytransport import KeyTransRecipient
from sceplab.cms.trust import Trust
from sceplab.cms.x509 import Certificate, certificate_of
from sceplab.errors import InputError
from sceplab.files import load_certificates, load_private_keys
from sceplab.paths import SPECIMEN
from sceplab.report.escape import visible
from sceplab.report.names import kind_of
from sceplab.scep.conversation import DecodedExchange, Materials, decode_exchanges
from sceplab.scep.message import PkiMessage
from sceplab.scep.transport import Exchange, ScepRequest
from sceplab.walk.settings import PASSPHRASE, Settings, read_settings


@dataclass(frozen=True, slots=True)
class Story:
    """One PKIOperation of a capture. `index` is its place in the capture, as `sceplab decode` numbers them.

    `decoded` are all exchanges of the capture, `item` is the one walked through.
    """

    settings: Settings
    decoded: tuple[DecodedExchange, ...] = field(repr=False)
    index: int
    materials: Materials = field(repr=False)
    specimen: bool = False

    def __repr__(self) -> str:
        return "\n".join(f"{name:10} {visible(text)}" for name, text in self._rows())

    def _rows(self) -> Iterator[tuple[str, str]]:
        yield "capture", "the specimen, data/specimen/capture.pcap" if self.specimen else self.settings.capture[:200]
        if self.settings.origin:
            yield "set by", self.settings.origin
        yield "exchange", self.place
        if self.exchange.client and self.exchange.server:
            yield "", f"{self.exchange.client} asks {self.exchange.server}"
        yield "request", _opened_by(self.message, self.materials)
        if self.reply is not None:
            yield "reply", _opened_by(self.reply, self.materials)
        yield "trusted", "; ".join(str(a.subject) for a in self.anchors) or "no CA certificate is at hand"

    @property
    def item(self) -> DecodedExchange:
        """The exchange that is walked through."""
        return self.decoded[self.index]

    @property
    def place(self) -> str:
        """Which exchange this is, in words."""
        asked = [n for n, item in enumerate(self.decoded) if item.request is not None]
        if len(self.decoded) == 1:
            return "the only exchange in it"
        which = ", the first PKIOperation" if self.index == asked[0] else ""
        return f"exchange {self.index + 1} of {len(self.decoded)} ([{self.index}] in `sceplab decode`){which}"

    @property
    def exchange(self) -> Exchange:
        """The HTTP request and its reply."""
        return self.item.exchange

    @property
    def operation(self) -> ScepRequest:
        """What the HTTP request asks for, with the message as it was written."""
        assert self.item.operation is not None  # noqa: S101 - open_story picked an exchange with a request
        return self.item.operation

    @property
    def message(self) -> PkiMessage:
        """The pkiMessage of the request, decoded with the keys at hand."""
        assert self.item.request is not None  # noqa: S101 - as above
        return self.item.request

    @property
    def reply(self) -> PkiMessage | None:
        """The pkiMessage of the reply, None where the reply has none or was not captured."""
        return self.item.reply

    @property
    def at(self) -> datetime | None:
        """When the exchange took place, None where that is not recorded."""
        return self.exchange.time

    @property
    def trust(self) -> Trust | None:
        """The CA certificates at hand as trust anchors, None where there are none."""
        return self.materials.trust

    @property
    def anchors(self) -> tuple[Certificate, ...]:
        """The CA certificates that are trusted."""
        trust = self.trust
        return tuple(certificate_of(a) for a in trust.anchors) if trust is not None else ()

    @property
    def key(self) -> rsa.RSAPrivateKey | None:
        """The private key that opens the request's envelope, None where it is not at hand."""
        opened = self.message.opened
        return opened.key if opened is not None else None

    @property
    def key_file(self) -> Path | None:
        """The file of that private key."""
        name = self.materials.name_of(self.key)
        return Path(name).resolve() if name else None

    @property
    def recipient(self) -> Certificate | None:
        """The certificate that the request is encrypted for, None where it is not at hand."""
        enveloped = self.message.enveloped
        named = [r.identifier for r in enveloped.recipients if isinstance(r, KeyTransRecipient)] if enveloped else []
        opened = self.message.opened
        if opened is not None and isinstance(opened.recipient, KeyTransRecipient):
            named = [opened.recipient.identifier]
        seen = (c for item in self.decoded for c in item.ca_certificates)
        known = (*map(certificate_of, self.materials.certificates), *seen)
        return next((c for c in known for identifier in named if identifier.matches(c)), None)

    @property
    def reply_key(self) -> rsa.RSAPrivateKey | None:
        """The private key that opens the reply's envelope, None where it is not at hand."""
        opened = self.reply.opened if self.reply is not None else None
        return opened.key if opened is not None else None

    @property
    def csr(self) -> CertificationRequest | None:
        """The certificate request out of the envelope, None where it could not be opened or holds none."""
        return self.message.csr


def _opened_by(message: PkiMessage, materials: Materials) -> str:
    """Return which kind of message it is and what opens it, in words."""
    kind = kind_of(message)
    if message.enveloped is None:
        return f"{kind}, without an envelope"
    if message.opened is None:
        return f"{kind}; no key at hand opens its envelope"
    name = materials.name_of(message.opened.key)
    return f"{kind}; its envelope is opened by {Path(name).name if name else 'a password'}"


def open_story(
    capture: str | os.PathLike[str] | None = None,
    *,
    keys: Sequence[str | os.PathLike[str]] = (),
    certificates: Sequence[str | os.PathLike[str]] = (),
    passwords: Sequence[str] = (),
    exchange: int | None = None,
) -> Story:
    """Open the capture to walk through: the one given, the one that was set, or the specimen.

    `capture` is a file, or a request as text; `keys` and `certificates` are
    files, `passwords` challenge passwords that may open the envelope. `exchange`
    is the number that `sceplab decode` shows; without it the first PKIOperation is taken. Without `capture`,
    the environment (`SCEPLAB_CAPTURE`) and `walk.toml` in the current folder are
    asked. Raises InputError where something cannot be read, or where there is no
    PKIOperation in the capture.
    """
    if capture is not None:
        files = [tuple(Path(p) for p in given) for given in (keys, certificates)]
        settings = Settings(os.fspath(capture), files[0], files[1], tuple(passwords), exchange)
    else:
        settings = read_settings(Path.cwd()) or _of_specimen()
    materials = _materials(settings)
    decoded = tuple(decode_exchanges(read_capture(settings.capture), materials))
    return Story(settings, decoded, _pick(settings, decoded), materials, _is_specimen(settings))


def _of_specimen() -> Settings:
    keys = tuple(SPECIMEN / f"{name}.key.pem" for name in ("ca", "ra"))
    return Settings(str(SPECIMEN / "capture.pcap"), keys, (SPECIMEN / "ca.pem",))


def _is_specimen(settings: Settings) -> bool:
    try:
        return Path(settings.capture).samefile(SPECIMEN / "capture.pcap")
    except OSError:
        return False


def _materials(settings: Settings) -> Materials:
    keys = [(key, str(path)) for path in settings.keys for key in load_private_keys(path, _passphrase)]
    return Materials(
        keys=tuple(key for key, _ in keys),
        certificates=tuple(c for path in settings.certificates for c in load_certificates(path, _passphrase)),
        passwords=tuple(p.encode() for p in settings.passwords),
        legacy=True,
        key_names=tuple(name for _, name in keys),
    )


def _passphrase(name: str) -> bytes:
    given = os.environ.get(PASSPHRASE)
    if given is not None:
        return given.encode()
    try:
        return getpass.getpass(f"Passphrase for {name}: ").encode()
    except (EOFError, RuntimeError, NotImplementedError) as error:
        raise InputError(f"{name} is protected by a passphrase; set {PASSPHRASE}") from error


def _pick(settings: Settings, decoded: Sequence[DecodedExchange]) -> int:
    """Return the number of the exchange to walk through. Raises InputError where there is none."""
    asked = [n for n, item in enumerate(decoded) if item.request is not None]
    hint = "`sceplab decode` shows what there is"
    if not asked:
        raise InputError(f"{settings.capture[:200]} has no PKIOperation request in it; {hint}")
    wanted = settings.exchange
    if wanted is None:
        readable = [n for n in asked if (found := decoded[n].request) is not None and found.signed.signer_infos]
        return (readable or asked)[0]
    if wanted not in asked:
        there = ", ".join(map(str, asked[:20]))
        raise InputError(f"exchange {wanted} is no PKIOperation request; these are: {there}; {hint}")
    return wanted
