"""All rules, and the finders in the order in which they report.

Rule: a theme is added here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sceplab.analysis.faults import (
    attributes,
    ca_certificates,
    capabilities,
    conversation,
    envelope,
    http,
    pair,
    request,
    signed_data,
    strength,
)
from sceplab.analysis.faults.model import Context, Finding, Hit, Side
from sceplab.scep.conversation import DecodedExchange
from sceplab.scep.message import PkiMessage

_THEMES = (
    *(signed_data, strength, attributes, envelope, request),
    *(http, capabilities, ca_certificates, pair, conversation),
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
)
_OF_EXCHANGES: tuple[Callable[[DecodedExchange, Context], Iterator[Hit]], ...] = (
    http.asked,
    http.answered,
    capabilities.listed,
    ca_certificates.usable,
    capabilities.used,
    pair.answer,
    conversation.history,
)


def check_message(message: PkiMessage, exchange: int | None = None, side: Side | None = None) -> list[Finding]:
    """Return which rules a message breaks by itself. Never raises on content.

    `exchange` and `side` say where the message was, for the findings.
    """
    return [
        Finding(hit.fault, hit.found, exchange, side, hit.offset) for finder in _OF_MESSAGES for hit in finder(message)
    ]


def check_exchanges(decoded: Sequence[DecodedExchange]) -> list[Finding]:
    """Return which rules a conversation breaks: each message, each pair, and all together, in order.

    Never raises on content.
    """
    return [finding for findings in check_each(decoded) for finding in findings]


def check_each(decoded: Sequence[DecodedExchange]) -> Iterator[list[Finding]]:
    """Yield the findings of `check_exchanges`, one list for each exchange."""
    context = Context()
    for index, item in enumerate(decoded):
        out: list[Finding] = []
        for side, message in ((Side.REQUEST, item.request), (Side.REPLY, item.reply)):
            if message is not None:
                out += check_message(message, index, side)
        conversation.learn_server(item, context)
        hits = (hit for finder in _OF_EXCHANGES for hit in finder(item, context))
        out += [Finding(hit.fault, hit.found, index, Side.EXCHANGE, hit.offset) for hit in hits]
        conversation.learn_client(item, context)
        yield out
