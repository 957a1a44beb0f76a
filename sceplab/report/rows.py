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
from sceplab.cms import algorithms
from sceplab.cms.x509 import rsa_bits
from sceplab.errors import ScepError
from sceplab.report.escape import visible
from sceplab.report.names import kind_of, transaction_of
from sceplab.scep.conversation import NO_MATERIALS, DecodedExchange, Materials, decode_exchanges
from sceplab.scep.message import PkiMessage

Row = dict[str, Any]


def rows_of(path: str | Path, materials: Materials = NO_MATERIALS, root: str | Path | None = None) -> list[Row]:
    """Return one row for each exchange of a capture that has a message. Never raises on content.

    A file that cannot be read gives one row with its name and the error. A row has:
    file (its path below `root`, without `root` its name), exchange, time, client,
    device (subject of the request where it could be opened, else of the signer's
    certificate), server, method, type, transaction, cipher, digest, key_bits, weak
    (names of weak algorithms, and RSA keys that are too short), status, failInfo,
    worst (level of its broken rules), rules (identifiers), cause (the likeliest), error.
    """
    name = Path(path).name if root is None else Path(path).relative_to(root).as_posix()
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
    info, csr, signer = message.signed.signer_info, message.csr, message.verification.signer
    cipher = message.enveloped.content_encryption.name if message.enveloped is not None else ""
    digest = info.digest_algorithm.name if info is not None else ""
    subject = csr.subject if csr is not None else signer.subject if signer is not None else ""
    return {
        "device": visible(str(subject)),
        "type": kind_of(message),
        "transaction": transaction_of(message) or "",
        "cipher": cipher,
        "digest": digest,
        "key_bits": csr.key_bits if csr is not None else None,
        "weak": [name for name in (cipher, digest) if name in _WEAK] + _short_key(message),
    }


_WEAK = {name for table in (algorithms.CIPHERS, algorithms.DIGESTS) for name, a in table.items() if a.weak}


def _short_key(message: PkiMessage) -> list[str]:
    bits = rsa_bits(message.csr.public_key_info) if message.csr is not None else None
    return [f"RSA {bits}"] if bits is not None and bits < algorithms.MIN_RSA_BITS else []
