"""Many captures as rows of a table: one row for each exchange.

Rule: plain values only, so that rows can be sent between processes and used in any
table. A file that cannot be read gives a row with the error; the others are read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sceplab.analysis.analyse import analyse
from sceplab.analysis.faults.model import worst
from sceplab.capture import read_capture
from sceplab.errors import ScepError
from sceplab.report.names import kind_of, transaction_of
from sceplab.scep.conversation import NO_MATERIALS, DecodedExchange, Materials, decode_exchanges
from sceplab.scep.message import PkiMessage

Row = dict[str, Any]


def rows_of(path: str | Path, materials: Materials = NO_MATERIALS) -> list[Row]:
    """Return one row for each exchange of a capture that has a message. Never raises on content.

    A file that cannot be read gives one row with its name and the error. A row has:
    file, exchange, time, client, server, method, type, transaction, cipher, digest,
    key_bits, status, failInfo, worst (level of its broken rules),
    rules (identifiers), cause (the likeliest), error.
    """
    name = Path(path).name
    try:
        capture = read_capture(str(path))
        decoded = decode_exchanges(capture, materials)
    except ScepError as error:
        return [{"file": name, "error": str(error)}]
    analysis = analyse(decoded, materials)
    causes = {c.exchange: c.fault.id for c in reversed(analysis.causes)}
    out = []
    for index, (item, findings) in enumerate(zip(decoded, analysis.by_exchange, strict=True)):
        if item.request is None and item.reply is None:
            continue
        level = worst(f for f in findings if f.fault.rule)
        out.append(
            {
                "file": name,
                "exchange": index,
                **_exchange(item),
                "worst": level.value if level is not None else "",
                "rules": sorted({f.fault.id for f in findings if f.fault.rule}),
                "cause": causes.get(index, ""),
                "error": "",
            }
        )
    return out


def _exchange(item: DecodedExchange) -> Row:
    exchange, message = item.exchange, item.request or item.reply
    attributes = item.reply.attributes if item.reply is not None else None
    return {
        "time": exchange.time.isoformat() if exchange.time is not None else "",
        "client": exchange.client.rpartition(":")[0],
        "server": exchange.server.rpartition(":")[0],
        "method": exchange.request.method if exchange.request is not None else "",
        **(_message(message) if message is not None else {}),
        "status": attributes.status.name if attributes is not None and attributes.status is not None else "",
        "failInfo": attributes.failure.name if attributes is not None and attributes.failure is not None else "",
    }


def _message(message: PkiMessage) -> Row:
    info = message.signed.signer_info
    return {
        "type": kind_of(message),
        "transaction": transaction_of(message) or "",
        "cipher": message.enveloped.content_encryption.name if message.enveloped is not None else "",
        "digest": info.digest_algorithm.name if info is not None else "",
        "key_bits": message.csr.key_bits if message.csr is not None else None,
    }
