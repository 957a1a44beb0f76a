"""Every field has a line that explains it, and every header is described in words."""

from __future__ import annotations

import pytest

from sceplab.asn1 import oids
from sceplab.schema import describe, nodes_of
from sceplab.schema.meanings import MEANINGS, meaning_of
from sceplab.schema.tables import BY, TYPES
from tests.helpers.captures import DATA, messages

FIELDS = sorted(
    {
        (name, field.name)
        for name, kind in TYPES.items()
        for field in (*kind.fields, *([kind.each] if kind.each else []), *kind.choices.values())
    }
)


@pytest.mark.parametrize(("owner", "field"), FIELDS)
def test_each_field_has_an_explanation(owner: str, field: str) -> None:
    """This fails for a new field in a table until its explanation is written."""
    said = meaning_of(owner, field)
    assert said
    assert "\n" not in said
    assert not said.endswith(".")


@pytest.mark.parametrize("oid", [oid for kind in ("attribute", "extension") for oid in BY[kind]], ids=oids.name_of)
def test_each_attribute_and_extension_has_an_explanation(oid: str) -> None:
    """The key is the name that `oids` has for it."""
    assert meaning_of("", oids.name_of(oid))


def test_no_explanation_is_unused() -> None:
    """Each belongs to an existing field, attribute or extension."""
    known = {f"{owner}.{field}" for owner, field in FIELDS} | {field for _, field in FIELDS}
    known |= {oids.name_of(oid) for kind in ("attribute", "extension") for oid in BY[kind]}
    assert {m for m in MEANINGS if m not in known} <= {"ContentInfo", "RSAPublicKey", "segment"}


def test_each_known_element_of_a_message_is_explained() -> None:
    """The input is the specimen. An attribute has the explanation of its own name, not of "attribute"."""
    (message, *_) = messages(DATA / "specimen")
    nodes = [n for n in nodes_of(describe(message.raw)) if n.known]
    assert len(nodes) > 100
    assert [n.name for n in nodes if not n.meaning] == []
    (nonce,) = (n for n in nodes if n.name == "senderNonce")
    assert "recipientNonce" in nonce.meaning


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        ("3082098e", "30 82 09 8e: SEQUENCE, constructed, length in 2 bytes = 2446, only 0 are there"),
        ("020105", "02 01: INTEGER, primitive, length = 1"),
        ("0500", "05 00: NULL, primitive, length = 0"),
        ("a103020100", "a1 03: [1], constructed, length = 3"),
        ("040100", "04 01: OCTET STRING, primitive, length = 1"),
        ("048101ff", "04 81 01: OCTET STRING, primitive, length in 1 byte = 1"),
        ("30800000", "30 80: SEQUENCE, constructed, length not given, ends at 00 00"),
        ("9f8101020000", "9f 81 01 02: [129], primitive, length = 2"),
        ("30", ""),
        ("", ""),
    ],
)
def test_headers_are_described_in_words(octets: str, said: str) -> None:
    """Including long tags, long and indefinite lengths, and truncated input."""
    assert describe(bytes.fromhex(octets), "ANY").header == said
