"""Group exchanges into enrollments: one transaction from its first request to its outcome.

Rule: an enrollment belongs to one client, one server and one transactionID. HTTP that
is not SCEP is left out and counted. What was not recorded is unknown, never a failure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sceplab.cms.csr import CertificationRequest
from sceplab.scep.attributes import MessageType, PkiStatus
from sceplab.scep.conversation import DecodedExchange, place_of
from sceplab.scep.transport import OPERATIONS


class Ending(StrEnum):
    """How an enrollment ended, as far as it was recorded."""

    GRANTED = "granted"
    REFUSED = "refused"
    FAILED = "failed"
    """Answered, but without a SCEP message: an HTTP error, a web page, nothing."""
    PENDING = "pending"
    NO_ANSWER = "no answer"
    NOT_SENT = "not sent"
    """The client fetched capabilities or CA certificates and sent no request."""
    NOT_RECORDED = "not recorded"


@dataclass(frozen=True, slots=True)
class Service:
    """A SCEP service as one client sees it: both addresses, and the path."""

    client: str
    server: str
    path: str


@dataclass(slots=True)
class Enrollment:
    """One transaction. `steps` are the numbers of its exchanges, `before` those of its preparation (GetCACaps ...)."""

    service: Service
    transaction: str | None
    steps: list[int] = field(default_factory=list)
    before: list[int] = field(default_factory=list)
    ending: Ending = Ending.NOT_RECORDED
    last: int | None = None
    """The exchange that decided the ending."""
    csr: CertificationRequest | None = None
    renewal: bool = False

    @property
    def exchanges(self) -> tuple[int, ...]:
        """The numbers of all its exchanges, in order."""
        return tuple(sorted({*self.before, *self.steps}))


@dataclass(frozen=True, slots=True)
class Enrollments:
    """All enrollments of a capture, and the numbers of the exchanges that are not SCEP."""

    found: tuple[Enrollment, ...]
    other: tuple[int, ...] = ()


def is_scep(item: DecodedExchange) -> bool:
    """Whether an exchange has a SCEP operation or message."""
    if item.request is not None or item.reply is not None or item.ca_certificates or item.csr is not None:
        return True
    name = item.operation.operation if item.operation is not None else ""
    return name in OPERATIONS or (bool(name) and bool(item.operation and item.operation.message_text))


def service_of(item: DecodedExchange) -> Service:
    """Return the service of an exchange. A client's port is left out: it changes with each connection."""
    exchange = item.exchange
    client = exchange.client.rpartition(":")[0] if exchange.client.count(":") else exchange.client
    return Service(client, *place_of(exchange, item.operation))


def group(decoded: Sequence[DecodedExchange]) -> Enrollments:
    """Group exchanges into enrollments. Time is linear in their number."""
    found: list[Enrollment] = []
    other: list[int] = []
    open_by_transaction: dict[tuple[str, str, str], Enrollment] = {}
    prepared: dict[tuple[str, str], dict[str, list[int]]] = {}
    unread: dict[Service, Enrollment] = {}
    for index, item in enumerate(decoded):
        if not is_scep(item):
            other.append(index)
            continue
        service = service_of(item)
        place = (service.client, service.server)
        name = item.operation.operation if item.operation is not None else ""
        if item.request is None and item.reply is None and name != "PKIOperation" and item.csr is None:
            prepared.setdefault(place, {}).setdefault(service.path, []).append(index)
            continue
        transaction = _transaction(item)
        if transaction is None:
            enrollment = unread.get(service)
            if enrollment is None or name != "PKIOperation":
                enrollment = Enrollment(service, None)
                found.append(enrollment)
                unread[service] = enrollment
        else:
            key = (*place, transaction)
            enrollment = open_by_transaction.get(key) or open_by_transaction.get(("", "", transaction))
            if enrollment is None:
                enrollment = open_by_transaction[key] = Enrollment(service, transaction)
                found.append(enrollment)
        # A client may try several paths before its request.
        enrollment.before += sorted(i for indices in prepared.pop(place, {}).values() for i in indices)
        _take(enrollment, index, item)
    last = {e.service: e for e in found}
    for indices in (each for paths in prepared.values() for each in paths.values()):
        service = service_of(decoded[indices[0]])
        if service in last:
            last[service].before += indices
        else:
            found.append(Enrollment(service, None, [], indices, Ending.NOT_SENT, indices[-1]))
    found.sort(key=lambda e: e.exchanges[0])
    return Enrollments(tuple(found), tuple(other))


def _transaction(item: DecodedExchange) -> str | None:
    for message in (item.request, item.reply):
        if message is not None and message.attributes.transaction_id is not None:
            return message.attributes.transaction_id
    return None


def _take(enrollment: Enrollment, index: int, item: DecodedExchange) -> None:
    enrollment.steps.append(index)
    if item.csr is not None and not item.csr.problems:
        enrollment.csr = item.csr
    if item.request is not None and item.request.type is MessageType.RenewalReq:
        enrollment.renewal = True
    ending = ending_of(item)
    # A grant is final: retries and polls after it change nothing, nor does an exchange with an unknown ending.
    if enrollment.ending is Ending.GRANTED or (ending is Ending.NOT_RECORDED and enrollment.last is not None):
        return
    enrollment.ending, enrollment.last = ending, index


def ending_of(item: DecodedExchange) -> Ending:
    """Return how one exchange with a pkiMessage ended."""
    exchange, reply = item.exchange, item.exchange.reply
    if item.reply is not None and item.reply.attributes.status is not None:
        return {
            PkiStatus.SUCCESS: Ending.GRANTED,
            PkiStatus.FAILURE: Ending.REFUSED,
            PkiStatus.PENDING: Ending.PENDING,
        }[item.reply.attributes.status]
    if reply is None:
        return Ending.NO_ANSWER if exchange.recorded.answers and exchange.request is not None else Ending.NOT_RECORDED
    if reply.status is not None and reply.status != 200:
        return Ending.FAILED
    if not exchange.recorded.bodies:
        return Ending.NOT_RECORDED
    return Ending.FAILED
