"""All rules, and the finders in the order in which they report.

Rule: a new module of faults is registered here only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sceplab.analysis.faults import (
    attributes,
    ca_certificates,
    capabilities,
    content,
    conversation,
    delivery,
    envelope,
    http,
    issued,
    outcome,
    pair,
    request,
    said,
    secret,
    signed_data,
    status,
    strength,
    way,
)
from sceplab.analysis.faults.model import NOTHING, Context, Finding, Held, Hit, Side
from sceplab.scep.conversation import DecodedExchange, Place, place_of
from sceplab.scep.message import PkiMessage

_THEMES = (
    *(signed_data, strength, attributes, envelope, request, content, secret, delivery),
    *(way, http, status, capabilities, ca_certificates, pair, issued, outcome, conversation, said),
)
FAULTS = {fault.id: fault for theme in _THEMES for fault in theme.FAULTS}

_OF_MESSAGES: tuple[Callable[[PkiMessage], Iterator[Hit]], ...] = (
    signed_data.structure,
    signed_data.attribute_order,
    signed_data.verification,
    strength.digests,
    strength.signer_key,
    signed_data.serial,
    attributes.present,
    attributes.of_reply,
    attributes.transaction_id,
    envelope.presence,
    strength.ciphers,
    envelope.fields,
    envelope.content,
    request.request,
    content.inside,
)
_OF_EXCHANGES: tuple[Callable[[DecodedExchange, Context], Iterator[Hit]], ...] = (
    way.sent,
    content.kind,
    http.asked,
    http.answered,
    status.answered,
    capabilities.listed,
    ca_certificates.usable,
    ca_certificates.whole,
    capabilities.used,
    delivery.recipients,
    secret.challenge,
    outcome.clock,
    outcome.stated,
    pair.answer,
    issued.issued,
    conversation.history,
)


def check_message(message: PkiMessage, exchange: int | None = None, side: Side | None = None) -> list[Finding]:
    """Return the faults of a single message. Never raises on content.

    `exchange` and `side` say where the message was, for the findings.
    """
    return [_finding(hit, exchange, side) for finder in _OF_MESSAGES for hit in finder(message)]


def _finding(hit: Hit, exchange: int | None, side: Side | None) -> Finding:
    return Finding(hit.fault, hit.found, exchange, hit.side or side, hit.offset, hit.likelihood or hit.fault.explains)


def check_exchanges(decoded: Sequence[DecodedExchange]) -> list[Finding]:
    """Return the broken rules of a conversation: of each message, each pair, and the whole, in order.

    Never raises on content.
    """
    return [finding for findings in check_each(decoded) for finding in findings if finding.fault.rule]


def check_each(decoded: Sequence[DecodedExchange], held: Held = NOTHING) -> Iterator[list[Finding]]:
    """Yield all faults that are found, one list for each exchange; those with a `rule` are what lint shows.

    What a server offers and which certificates it has is kept for each server and
    path, and there for each CA that is asked for by name: one capture may hold a
    client, an RA and several CAs.
    """
    contexts: dict[Place, Context] = {}
    for index, item in enumerate(decoded):
        out: list[Finding] = []
        for side, message in ((Side.REQUEST, item.request), (Side.REPLY, item.reply)):
            if message is not None:
                out += check_message(message, index, side)
        context = contexts.setdefault(place_of(item.exchange, item.operation), Context(held=held))
        conversation.learn_server(item, context)
        hits = (hit for finder in _OF_EXCHANGES for hit in finder(item, context))
        out += [_finding(hit, index, Side.EXCHANGE) for hit in hits]
        conversation.learn_client(item, context)
        yield out
