"""The work on each file of a corpus: every function that reads, checks or shows untrusted bytes.

Rule: only the exceptions that sceplab documents are accepted; any other is a failure.
Original and damaged data are counted separately.
"""

from __future__ import annotations

import binascii
import contextlib
import random
import re
import zlib
from collections.abc import Iterator
from itertools import islice
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
"""Data up to this size, in bytes, is also damaged."""
_MANY = 200
"""Limit for the exchanges of a capture, and for the structures in a text, that are examined."""
FILE, INSIDE, DAMAGED = "files", "structures in them", "made of them by damage"


def examine(path: Path, ways: int = 6) -> Iterator[str]:
    """Read a file, and the structures in it, as everything that they may be; repeat with damaged copies of each.

    Each copy has one of `ways` damages. After each item, yields its kind: FILE, INSIDE or DAMAGED.
    """
    data = path.read_bytes()
    for read in (read_certificates, read_private_keys):
        with contextlib.suppress(ScepError):
            read(data, path.name, lambda _: b"password")
    _capture(path)
    whole = data[:1] in {b"\x30", b"\x31", b"\x24"}
    if whole:
        _structure(data)
    yield FILE
    for damaged in _damaged(data, ways):
        if whole:
            _structure(damaged)
        elif is_packets(data):
            _capture(damaged)
        else:
            break
        yield DAMAGED
    for structure in () if whole else islice(dict.fromkeys(_inside(data)), _MANY):
        _structure(structure)
        yield INSIDE
        for damaged in _damaged(structure, ways):
            _structure(damaged)
            yield DAMAGED


def _damaged(data: bytes, ways: int) -> Iterator[bytes]:
    """Yield `ways` damaged copies of short data, with one byte changed or cut off; each call yields the same."""
    if not 8 <= len(data) <= _SHORT:
        return
    chosen = random.Random(zlib.crc32(data))  # noqa: S311 - no secret is made of it
    for way in range(ways):
        at = chosen.randrange(1, len(data))
        changed = data[:at] + bytes((chosen.randrange(256),)) + data[at + 1 :]
        yield data[:at] if way % 3 == 1 else changed


_HEX = re.compile(rb"(?<![0-9A-Fa-f])30(?:8[0-3])?(?:[0-9A-Fa-f]{2}){20,}(?![0-9A-Fa-f])")
_BASE64 = re.compile(rb"(?<![A-Za-z0-9+/])M[A-Z](?:[A-Za-z0-9+/]|\\[nr]){40,}={0,2}")


def _inside(data: bytes) -> Iterator[bytes]:
    """Yield possible DER in a text: PEM blocks, and hex and base64 as in test vectors of JSON and source files."""
    for block in parse_pem(data):
        with contextlib.suppress(ValueError):
            yield binascii.a2b_base64(block.body)
    for found in _HEX.finditer(data):
        yield binascii.a2b_hex(found[0])
    for found in _BASE64.finditer(data):
        with contextlib.suppress(ValueError):
            yield binascii.a2b_base64(re.sub(rb"\\[nr]", b"", found[0]))


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
    """Parse BER as each structure, then edit and show it."""
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
