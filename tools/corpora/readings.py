"""What is done with each file of a corpus: everything that reads, judges and shows other people's bytes.

Rule: only the exceptions that sceplab raises on purpose are taken for an answer.
"""

from __future__ import annotations

import binascii
import contextlib
import random
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import sceplab
from sceplab.analysis.analyse import analyse
from sceplab.analysis.compare import compare
from sceplab.analysis.faults.registry import check_exchanges
from sceplab.analysis.whatif import judge
from sceplab.asn1 import ber, scan
from sceplab.capture import read_capture
from sceplab.capture.packets import is_packets
from sceplab.cms.pem import parse_pem
from sceplab.cms.x509 import parse_certificate, parse_crl
from sceplab.errors import ScepError
from sceplab.files import read_certificates, read_private_keys
from sceplab.report.escape import json_text
from sceplab.report.html import to_html
from sceplab.report.json import analysis_facts, capture_facts
from sceplab.report.markdown import to_markdown
from sceplab.report.sarif import to_sarif
from sceplab.report.text import outline
from sceplab.scep.conversation import NO_MATERIALS, DecodedExchange, decode_exchanges
from sceplab.scep.messagedata import parse_message_data
from sceplab.schema.layers import layers_of
from sceplab.views.still import still_html, still_text

_SHORT = 20_000
"""Bytes up to which data is also damaged."""
_MANY = 200
"""Exchanges of a capture, and blocks of a PEM file, that are looked at."""


def examine(path: Path) -> None:
    """Read a file as everything that it may be."""
    data = path.read_bytes()
    for read in (read_certificates, read_private_keys):
        with contextlib.suppress(ScepError):
            read(data, path.name, lambda _: b"password")
    _capture(path)
    octets: Iterable[bytes] = [data] if data[:1] in {b"\x30", b"\x31", b"\x24"} else []
    for structure in (*octets, *_in_blocks(data)):
        _structure(structure)
        for damaged in _damaged(structure):
            _structure(damaged)
    if is_packets(data):
        for damaged in _damaged(data):
            _capture(damaged)


def _damaged(data: bytes) -> Iterator[bytes]:
    """Yield short data cut off, and with one byte changed; the same each time."""
    if not 8 <= len(data) <= _SHORT:
        return
    yield data[: len(data) // 3]
    yield data[: len(data) * 2 // 3]
    chosen = random.Random(zlib.crc32(data))  # noqa: S311 - no secret is made of it
    for _ in range(4):
        at = chosen.randrange(len(data))
        yield data[:at] + bytes((chosen.randrange(256),)) + data[at + 1 :]


def _in_blocks(data: bytes) -> Iterable[bytes]:
    for block in parse_pem(data)[:_MANY]:
        with contextlib.suppress(ValueError):
            yield binascii.a2b_base64(block.body)


def _capture(source: Path | bytes) -> None:
    try:
        capture = read_capture(source)
    except ScepError:
        return
    items = decode_exchanges(capture[:_MANY])
    findings = check_exchanges(items)
    analysis = analyse(items, capture=capture)
    sceplab.to_text(analysis)
    to_markdown(analysis)
    to_html(analysis)
    json_text(analysis_facts(analysis))
    json_text(capture_facts(items, NO_MATERIALS))
    json_text(to_sarif(findings, "corpus"))
    list(outline(items))
    for item in items[:10]:
        _stills(item)


def _stills(item: DecodedExchange) -> None:
    for message in (item.request, item.reply):
        if message is not None:
            still_text(layers_of(message))
            still_html(layers_of(message), 3)


def _structure(data: bytes) -> None:
    """Read BER as each structure, and change and show it."""
    message = sceplab.decode_message(data)
    list(map(str, message.problems))
    layers = layers_of(message)
    still_text(layers)
    still_html(layers, 3)
    sceplab.parse_enveloped(data)
    sceplab.verify_csr(sceplab.parse_csr(data))
    parse_certificate(data)
    parse_crl(data)
    sceplab.parse_ca_certificates(data)
    for kind in sceplab.MessageType:
        parse_message_data(kind, data)
    list(scan.scan(data).findings())
    with contextlib.suppress(ScepError):
        plain, shape = ber.normalise(data)
        if ber.dress(plain, shape) != data:
            raise AssertionError("BER that was made DER is not what it was when it is dressed again")
    list(compare(data, data[: len(data) // 2]).leaves())
    judge(data)
    with contextlib.suppress(ScepError):
        sceplab.draft_of(message)
