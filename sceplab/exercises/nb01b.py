"""Exercises of 01b-read-asn1."""

from __future__ import annotations

from sceplab.asn1 import der, oids
from sceplab.exercises import Exercise


def exercises() -> tuple[Exercise, ...]:
    """Return them; they need no message."""
    return (
        Exercise(
            "A length is written 82 01 2c. How many bytes has the value?",
            300,
            'int.from_bytes(bytes.fromhex("01 2c"), "big")',
            ("82: the next two bytes hold the length.", "0x01 * 256 + 0x2c"),
            {"you read the bytes in the wrong order.": 0x2C01, "82 belongs to the form, not to the number.": 0x82012C},
            why="82 means that two bytes of length follow; 01 2c is 256 + 44.",
        ),
        Exercise(
            "Which object identifier is 60 86 48 01 65 03 04 02 01? Give it with dots.",
            oids.SHA256,
            'read_oid(bytes.fromhex("60 86 48 01 65 03 04 02 01"))',
            ("60 is 96 = 40 * 2 + 16.", "86 48 is one number: (0x86 & 0x7f) * 128 + 0x48."),
            {"the first byte holds two numbers: 96 = 40 * 2 + 16.": "96.840.1.101.3.4.2.1"},
            why="It is SHA-256, in the part of the tree that belongs to NIST, in the United States.",
        ),
        Exercise(
            "Write the DER (bytes) of a SEQUENCE of the INTEGER 5 and an OCTET STRING of 200 zero bytes.",
            _judge,
            'string = b"\\x04\\x81\\xc8" + bytes(200); body = b"\\x02\\x01\\x05" + string; b"\\x30\\x81\\xce" + body',
            ("Begin inside: 02 01 05, then the string.", "200 is more than 127: its length takes two bytes, 81 c8."),
            why="Lengths are written from the inside out: 3 bytes of INTEGER and 203 of OCTET STRING are 206, 81 ce.",
        ),
    )


def _judge(answer: object) -> str:
    if not isinstance(answer, bytes | bytearray):
        return f"give bytes, not {type(answer).__name__}."
    data = bytes(answer)
    right = der.sequence(der.integer(5), der.encode(der.OCTET_STRING, bytes(200)))
    if data == right:
        return ""
    try:
        top = der.read(data)
    except der.DerError as error:
        return f"a reader fails: {error}."
    if top.end != len(data):
        return f"the outer length is {top.content_end - top.content_start}, but {len(data) - top.content_start} follow."
    return "it can be read, but it is something else, or its lengths are not written in the shortest form."
