"""Decode whole exchanges: request and reply together.

Rule: what needs more than one message is done here (which request a certificate
answers, which certificates a GetCACert gave); single messages belong to
`message`, the JSON form to `facts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import rsa

from sceplab.cms.csr import CertificationRequest, parse_csr
from sceplab.cms.trust import Trust
from sceplab.cms.x509 import Certificate, CertificateLike, certificate_of
from sceplab.scep.message import PkiMessage, decode_message
from sceplab.scep.messagedata import CertsOnly, parse_ca_certificates
from sceplab.scep.transport import CA_CERT, CA_RA_CERT, PKCS10, Exchange, ScepRequest, message_in_text, parse_request


@dataclass(frozen=True, slots=True)
class Materials:
    """What the reader holds: private keys, certificates, challenge passwords.

    CA certificates among `certificates` are trusted. `legacy` allows old
    algorithms in their paths. `key_names` says where each key came from.
    """

    keys: tuple[rsa.RSAPrivateKey, ...] = field(default=(), repr=False)
    certificates: tuple[CertificateLike, ...] = ()
    passwords: tuple[bytes, ...] = field(default=(), repr=False)
    legacy: bool = False
    key_names: tuple[str, ...] = ()

    @property
    def trust(self) -> Trust | None:
        """The CA certificates as trust anchors, None where there are none."""
        parsed = [*map(certificate_of, self.certificates)]
        anchors = tuple(c.der for c in parsed if c.is_ca or (c.self_issued and c.version == 1))
        return Trust(anchors, tuple(c.der for c in parsed if c.der not in anchors), self.legacy) if anchors else None

    def name_of(self, key: rsa.RSAPrivateKey | None) -> str | None:
        """Return where a key came from, or None."""
        return next((n for k, n in zip(self.keys, self.key_names, strict=False) if k is key), None)


NO_MATERIALS = Materials()


@dataclass(frozen=True, slots=True)
class DecodedExchange:
    """One HTTP request and its reply, decoded as far as they are SCEP.

    `request` and `reply` are pkiMessages of a PKIOperation, `ca_certificates`
    those of a GetCACert or GetNextCACert reply. `issued` is the certificate that
    a SUCCESS brought, `answers` the CSR of the same transaction. `csr` is the
    PKCS#10 of the request: from the envelope, or one captured alone (a router's
    debug output shows it) that has the key of the request's signer.
    """

    exchange: Exchange
    operation: ScepRequest | None
    request: PkiMessage | None = None
    reply: PkiMessage | None = None
    ca_certificates: tuple[Certificate, ...] = ()
    issued: Certificate | None = None
    answers: CertificationRequest | None = None
    csr: CertificationRequest | None = None


class Place(NamedTuple):
    """A SCEP service on the network: the server's address (or its Host), and the path. "" where not recorded."""

    server: str
    path: str


def place_of(exchange: Exchange, operation: ScepRequest | None) -> Place:
    """Return the service that an exchange was with."""
    server = exchange.server or (exchange.request.header("Host") if exchange.request is not None else None)
    path = operation.path if operation is not None else ""
    return Place(server or "", path.rstrip("/").lower())


def decode_exchanges(exchanges: Iterable[Exchange], materials: Materials = NO_MATERIALS) -> list[DecodedExchange]:
    """Decode exchanges in their order. Never raises on content.

    CA certificates in GetCACert replies are used to find signers and
    recipients; that does not make them trusted.
    """
    return list(iter_decoded(exchanges, materials))


# How much of a conversation is kept: enough for any one enrollment.
_REMEMBERED = 10_000
_SEEN = 1000


def iter_decoded(exchanges: Iterable[Exchange], materials: Materials = NO_MATERIALS) -> Iterator[DecodedExchange]:
    """Yield what `decode_exchanges` returns, one by one: of an endless capture only a little is remembered."""
    seen: dict[Place, list[bytes]] = {}
    requests = _Requests()
    alone: list[CertificationRequest] = []
    trust = materials.trust
    for exchange in exchanges:
        operation = parse_request(exchange.request) if exchange.request is not None else None
        place = place_of(exchange, operation)
        body = exchange.reply.body if exchange.reply is not None and exchange.reply.status in {200, None} else b""
        name = operation.operation if operation is not None else ""
        if not name and exchange.request is not None and exchange.request.header("Content-Type") == PKCS10:
            alone.append(parse_csr(exchange.request.body))
            yield DecodedExchange(exchange, operation, csr=alone[-1])
            continue
        if name in {"GetCACert", "GetNextCACert"} or _certificates_alone(exchange):
            certificates = parse_ca_certificates(body) if body else ()
            of_place = seen.setdefault(place, [])
            room = _SEEN - sum(map(len, seen.values()))
            of_place += [c.der for c in certificates if c.der not in of_place][: max(room, 0)]
            yield DecodedExchange(exchange, operation, ca_certificates=certificates)
            continue
        decode = partial(
            decode_message, keys=materials.keys, passwords=materials.passwords, trust=trust, at=exchange.time
        )
        # Two CAs may have the same name and serial: what the server itself gave comes first.
        elsewhere = [der for other, ders in seen.items() if other != place for der in ders]
        known = (*materials.certificates, *seen.get(place, ()), *elsewhere)
        asked = (operation.message if operation is not None else None) or _posted_alone(exchange, name)
        request = decode(asked, certificates=known) if asked else None
        # The reply is encrypted for the signer of the request: try that key first.
        known += request.signed.certificates if request is not None else ()
        octets = exchange.reply.body if exchange.reply is not None else b""
        if name == "PKIOperation" and octets[:1] != b"\x30":
            octets = message_in_text(octets) or octets
        reply = decode(octets, certificates=known) if _may_be_message(name, octets) else None
        csr = _asked_with(request, alone)
        if request is not None and csr is not None and request.attributes.transaction_id is not None:
            requests.keep(place, request.attributes.transaction_id, csr)
        transaction = reply.attributes.transaction_id if reply is not None else None
        answers = requests.of(place, transaction) if transaction is not None else None
        yield DecodedExchange(
            exchange, operation, request, reply, (), _issued(reply, answers), answers if reply else None, csr
        )


class _Requests:
    """What was asked for, by service and transactionID: servers that count have the same ones for different keys."""

    def __init__(self) -> None:
        """Begin with nothing asked."""
        self._kept: dict[tuple[Place, str], CertificationRequest] = {}
        self._last: dict[str, tuple[Place, CertificationRequest]] = {}

    def keep(self, place: Place, transaction: str, csr: CertificationRequest) -> None:
        """Remember a request; of very many the oldest are forgotten."""
        self._kept[place, transaction] = csr
        self._last[transaction] = place, csr
        if len(self._kept) > _REMEMBERED:
            del self._kept[next(iter(self._kept))]
        if len(self._last) > _REMEMBERED:
            del self._last[next(iter(self._last))]

    def of(self, place: Place, transaction: str) -> CertificationRequest | None:
        """Return what a service was asked for; where one of both has no address, what was asked for last."""
        found = self._kept.get((place, transaction))
        if found is not None:
            return found
        asked, csr = self._last.get(transaction, (place, None))
        return csr if not (asked.server and place.server) or asked == place else None


_CMS = bytes.fromhex("06092a864886f70d0107")


def _posted_alone(exchange: Exchange, operation: str) -> bytes | None:
    """Return the body of a POST that names no operation, where it is CMS (Apple's profile service, a wrong URL)."""
    body = exchange.request.body if exchange.request is not None and not operation else b""
    return body if body[:1] == b"\x30" and _CMS in body[:32] else None


def _certificates_alone(exchange: Exchange) -> bool:
    reply = exchange.reply
    return exchange.request is None and reply is not None and reply.header("Content-Type") in {CA_CERT, CA_RA_CERT}


def _asked_with(request: PkiMessage | None, alone: Sequence[CertificationRequest]) -> CertificationRequest | None:
    if request is None or request.csr is not None:
        return request.csr if request is not None else None
    signer = request.verification.signer
    return next((c for c in alone if signer is not None and c.public_key_info == signer.public_key_info), None)


def _may_be_message(operation: str, body: bytes) -> bool:
    return operation != "GetCACaps" and body[:1] == b"\x30"


def _issued(reply: PkiMessage | None, answers: CertificationRequest | None) -> Certificate | None:
    """Return the issued certificate of a SUCCESS: the one with the request's key, else the leaf."""
    data = reply.message_data if reply is not None else None
    if reply is None or not isinstance(data, CertsOnly) or not data.certificates:
        return None
    return _with_key(data.certificates, answers) or _leaf(data.certificates, reply.verification.signer)


def _leaf(certificates: Sequence[Certificate], signer: Certificate | None) -> Certificate:
    """Return the certificate that issued none of the others and is not the reply's signer, else the first."""
    others = [c for c in certificates if signer is None or c.public_key_info != signer.public_key_info]
    issuers = {c.issuer for c in certificates if not c.self_issued}
    leaves = [c for c in others if not c.is_ca and c.subject not in issuers]
    return next(iter(leaves or [c for c in others if not c.is_ca] or others), certificates[0])


def _with_key(certificates: Sequence[Certificate], request: CertificationRequest | None) -> Certificate | None:
    if request is None:
        return None
    return next((c for c in certificates if c.public_key_info == request.public_key_info), None)
