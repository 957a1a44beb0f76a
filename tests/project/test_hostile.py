"""Hostile bytes give only sceplab's own problems and errors, in bounded time and memory."""

from __future__ import annotations

import contextlib
import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sceplab
from sceplab.asn1 import ber, der
from sceplab.capture import read_capture
from sceplab.cms.x509 import parse_certificate, parse_crl
from sceplab.errors import InputError, Problem, ScepError
from sceplab.scep import transport
from sceplab.scep.capabilities import parse_caps
from sceplab.scep.messagedata import parse_message_data
from sceplab.scep.transport import HttpRequest, decode_message_value, encode_message_value, parse_request
from tests.helpers.captures import key, message_places, messages_at, place_name, real_messages


def decode(data: bytes) -> None:
    """Decode in every way; problems have a type, and nothing is raised."""
    message = sceplab.decode_message(data, keys=[key("ca")])
    assert all(isinstance(p, Problem) and p.expected for p in message.problems)
    assert len(message.verification.checks) == 7
    sceplab.parse_enveloped(data)
    sceplab.parse_csr(data)
    parse_certificate(data)
    parse_crl(data)
    sceplab.parse_ca_certificates(data)
    for kind in sceplab.MessageType:
        parse_message_data(kind, data)


def test_real_messages_are_available() -> None:
    """Without any messages the tests below would pass without testing anything."""
    assert len(real_messages()) >= 15
    assert max(map(len, real_messages())) > 2000


@pytest.mark.parametrize("place", message_places(), ids=place_name)
def test_every_truncation_of_every_real_message(place: Path) -> None:
    """Cut at every byte: there is a problem, or nothing was lost."""
    for data in messages_at(place):
        for length in range(len(data)):
            assert sceplab.parse_signed(data[:length]).problems
        # The inner part is cut too: the outer lengths are adjusted, so the first bytes stay valid.
        inner = sceplab.parse_signed(data).content or data
        for length in range(len(inner)):
            assert sceplab.parse_enveloped(inner[:length]).problems


@settings(max_examples=400, deadline=None)
@given(st.deferred(lambda: st.sampled_from(real_messages())), st.data())
def test_changed_bytes_of_real_messages(message: bytes, data: st.DataObject) -> None:
    """A few bytes changed, removed or duplicated anywhere."""
    changed = bytearray(message)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(changed) - 1))
        match data.draw(st.integers(0, 3)):
            case 0:
                changed[at] ^= 1 << data.draw(st.integers(0, 7))
            case 1:
                changed[at] = data.draw(st.integers(0, 255))
            case 2:
                del changed[at : at + data.draw(st.integers(1, 9))]
            case _:
                changed[at:at] = changed[at : at + data.draw(st.integers(1, 9))]
        if not changed:
            return
    decode(bytes(changed))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=600))
def test_random_bytes(data: bytes) -> None:
    """Random bytes without any structure."""
    decode(data)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=400))
def test_random_text_in_a_url(text: str) -> None:
    """Query strings of any kind."""
    decode_message_value(text)
    parse_request(HttpRequest("GET", text))
    parse_request(HttpRequest("POST", text, (), text.encode("utf-8", "surrogatepass")))
    parse_caps(text.encode("utf-8", "surrogatepass"))


@given(st.binary(max_size=300), st.sampled_from(list(transport.DIALECTS.values())))
def test_every_dialect_round_trips(data: bytes, dialect: transport.Base64Dialect) -> None:
    """Text in a dialect is decoded, and encoded back to the same text."""
    text = encode_message_value(data, dialect)
    value = decode_message_value(text)
    assert data == value.data
    assert text == encode_message_value(value.data, value.dialect)


# Far beyond Python's recursion limit; memory tracing makes each level thirty times slower.
_DEEP = 25_000

HOSTILE = {
    "deep definite": lambda: _nest(b"\x30", _DEEP),
    "deep indefinite": lambda: b"\x30\x80" * _DEEP + b"\0\0" * _DEEP,
    "deep indefinite, open": lambda: b"\x30\x80" * _DEEP,
    "deep strings": lambda: b"\x24\x80" * _DEEP + b"\0\0" * _DEEP,
    "huge length": lambda: b"\x30\x88\x7f" + b"\xff" * 7 + b"\x30" * 50,
    "huge length of length": lambda: b"\x30\xfe" + b"\xff" * 126,
    "endless tag": lambda: b"\x3f" + b"\xff" * 1_000_000,
    "a million nulls": lambda: der.encode(0x30, b"\x05\x00" * 500_000),
    "a million signers": lambda: _signed(der.encode(0x31, b"\x30\x00" * 300_000)),
    "a million certificates": lambda: _signed(b"", der.encode(0xA0, b"\x30\x00" * 300_000)),
    "a huge OID": lambda: der.sequence(der.encode(der.OID, b"\xff" * 100_000 + b"\x01"), b"\xa0\x00"),
    "zeros": lambda: bytes(1_000_000),
}


def _nest(tag: bytes, depth: int) -> bytes:
    """Return `depth` definite-length elements, one inside the other."""
    heads = []
    length = 0
    for _ in range(depth):
        head = tag + der.encode_length(length)
        heads.append(head)
        length += len(head)
    return b"".join(reversed(heads))


def _signed(signers: bytes, certificates: bytes = b"") -> bytes:
    content = der.sequence(der.oid("1.2.840.113549.1.7.1"))
    body = der.sequence(der.integer(1), der.encode(0x31), content, certificates, signers or der.encode(0x31))
    return der.sequence(der.oid("1.2.840.113549.1.7.2"), der.context(0, body))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_sizes_stay_bounded(name: str) -> None:
    """Hostile depth, length and number: no RecursionError, and memory within a small multiple of the input."""
    data = HOSTILE[name]()
    tracemalloc.start()
    try:
        decode(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * len(data) + 4_000_000
    with contextlib.suppress(ScepError):
        ber.normalise(data)


def test_caches_do_not_keep_hostile_input() -> None:
    """Caches do not keep large unknown certificates after decoding."""
    tracemalloc.start()
    try:
        for i in range(400):
            parse_certificate(der.encode(0x30, bytes([i % 256]) * 100_000))
        current, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert current < 10_000_000


def test_a_segment_that_is_no_octet_string_is_refused() -> None:
    """Found by fuzzing: such a segment was treated as an OCTET STRING, and encoded again as one."""
    data = bytes.fromhex("24 06 0c 01 41 04 01 42")
    with pytest.raises(der.DerError, match="OCTET STRING"):
        ber.normalise(data)


def test_ipv6_packets_that_the_pcap_library_cannot_read_are_skipped() -> None:
    """Found by fuzzing: an extension header out of place, and no header after it."""
    fixed = struct.pack(">IHBB", 0x60000000, 24, 0, 64) + bytes(32)
    for extensions in (b"\x2c\x00" + bytes(22), b"\x06\x00" + bytes(22), b""):
        packet = bytes(12) + b"\x86\xdd" + fixed + extensions
        record = struct.pack("<IIII", 0, 0, len(packet), len(packet))
        head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
        with contextlib.suppress(InputError):
            assert read_capture(head + record + packet).exchanges == ()
