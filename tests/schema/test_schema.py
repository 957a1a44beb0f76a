"""Names of elements: every byte of a real message belongs to a named element, and asn1crypto agrees on the names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from asn1crypto import cms, core, csr, x509
from hypothesis import given, settings
from hypothesis import strategies as st

import sceplab
from sceplab import schema
from sceplab.analysis.whatif import replace_content
from sceplab.asn1 import der, oids
from sceplab.scep.message import PkiMessage
from sceplab.schema.coverage import Covered, coverage_of
from sceplab.schema.layers import TEXT, LayerBytes, Made, layers_of
from tests.helpers.captures import DATA, capture_folders, decoded, key, messages, real_messages
from tests.helpers.certificates import make_crl

# 1.2.840.113549.1.7, the prefix of the OIDs of CMS content types.
_CMS = bytes.fromhex("2a864886f70d0107")


def _decoded() -> list[PkiMessage]:
    found = [m for folder in (DATA / "specimen", *capture_folders()) for m in messages(folder)]
    assert len(found) >= 15
    return found


def _everything() -> Iterator[LayerBytes]:
    """Yield every layer of every real message, and the shared messages that no key decrypts."""
    seen = set()
    for message in _decoded():
        for layer in layers_of(message):
            seen.add(layer.data)
            yield layer
    for raw in real_messages():
        if raw not in seen:
            yield LayerBytes("message", raw, "ContentInfo" if _CMS in raw[:30] else "CertificationRequest")
    # Replies to GetCACert: a certificate, or several in a SignedData without a signer.
    for folder in (DATA / "specimen", *capture_folders()):
        for item in decoded(folder):
            body = item.exchange.reply.body if item.exchange.reply is not None and item.request is None else b""
            if item.ca_certificates and body:
                yield LayerBytes("GetCACert", body, "ContentInfo" if _CMS in body[:30] else "Certificate")


def test_every_byte_belongs_to_a_named_element() -> None:
    """The result is 100 % for all real messages and their decrypted content."""
    octets = named = nodes = 0
    strangers = []
    for layer in _everything():
        root = layer.tree
        assert root is not None
        octets += len(layer.data)
        for node in schema.nodes_of(root):
            own = node.end - node.start - sum(c.end - c.start for c in node.children)
            assert own >= 0
            nodes += 1
            if node.known:
                named += own
            else:
                strangers.append((layer.title, schema.path_of(schema.find(root, node.start)), node.type))
    assert strangers == []
    assert named == octets
    assert octets > 30_000
    assert nodes > 2000


def test_every_element_cites_its_definition() -> None:
    """Each has a type and a section. A section of an RFC has a link."""
    count = 0
    for layer in _everything():
        root = layer.tree
        assert root is not None
        for node in schema.nodes_of(root):
            count += 1
            assert node.type, node
            assert node.section, (node.name, node.type)
            if node.section.startswith("RFC "):
                assert re.fullmatch(
                    r"https://www.rfc-editor.org/rfc/rfc\d+#(section-[\d.]+|appendix-[A-Z][\d.]*)",
                    schema.link(node.section),
                ), node.section
    assert count > 2000


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda m: m[1].upper(), name)


# Names of asn1crypto that differ from those of the RFCs.
_OTHER_NAMES = {
    "content": "eContent",
    "contentType": "eContentType",
    "type": "attrType",
    "values": "attrValues",
    "subjectPkInfo": "subjectPKInfo",
    "publicKey": "subjectPublicKey",
    "extnId": "extnID",
    "ca": "cA",
}


def _their_fields(value: Any) -> Iterator[tuple[str, bytes]]:
    """Yield (field name, bytes) for each field of every SEQUENCE that asn1crypto knows."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, core.Choice):
            stack.append(item.chosen)
        elif isinstance(item, core.Sequence):
            for field in item._fields:
                child = item[field[0]]
                if not isinstance(child, core.Void) and child.contents is not None:
                    yield field[0], child.contents
                    stack.append(child)
        elif isinstance(item, core.SequenceOf | core.SetOf):
            stack.extend(item)


def test_asn1crypto_agrees_on_the_names() -> None:
    """Each field that asn1crypto names has the same name and content here."""
    compared = 0
    for folder in (DATA / "specimen", *capture_folders()[:4]):
        for message in messages(folder):
            values = [(message.raw, cms.ContentInfo.load(message.raw), "ContentInfo")]
            if message.csr is not None:
                values.append((message.csr.raw, csr.CertificationRequest.load(message.csr.raw), "CertificationRequest"))
            values += [(c, x509.Certificate.load(c), "Certificate") for c in message.signed.certificates]
            for raw, theirs, kind in values:
                if raw[1] == 0x80:
                    continue  # asn1crypto re-encodes BER, so its bytes differ
                ours = {(n.name.lower(), n.content) for n in schema.nodes_of(schema.describe(raw, kind))}
                for name, content in _their_fields(theirs):
                    if (name, content) == ("critical", b"\0"):
                        continue  # a DEFAULT value, which is not encoded
                    names = {_camel(name).lower(), _OTHER_NAMES.get(_camel(name), "").lower(), "rid", "sid"}
                    found = any((n, content) in ours for n in names)
                    assert found or not content, (folder.name, kind, name, content[:20].hex())
                    compared += 1
    assert compared > 500


@settings(deadline=None)
@given(st.binary(max_size=400), st.sampled_from(sorted(schema.TYPES)), st.booleans())
def test_any_bytes_can_be_described(data: bytes, kind: str, probe: bool) -> None:
    """Every type parses arbitrary bytes without an error, with all properties that a view reads."""
    for node in schema.nodes_of(schema.describe(data, kind, probe=probe), 500):
        assert 0 <= node.start <= node.content_start <= node.content_end <= node.end <= len(data)
        assert isinstance(node.value, str)
        assert isinstance(node.findings, tuple)


@settings(deadline=None)
@given(st.data())
def test_changed_messages_can_be_described(data: st.DataObject) -> None:
    """Real messages with random changed bytes raise no error either."""
    message = bytearray(data.draw(st.sampled_from(real_messages())))
    for _ in range(data.draw(st.integers(1, 6))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    for node in schema.nodes_of(schema.describe(bytes(message)), 3000):
        assert isinstance(node.value, str)
        assert isinstance(node.findings, tuple)


def test_a_caller_can_add_names_and_types() -> None:
    """An unknown attribute gets the name and type that the caller gives."""
    attribute = der.sequence(der.oid("1.2.3.4"), der.set_of([der.sequence(der.encode(0x82, b"router.example"))]))
    data = der.set_of([attribute])
    plain = schema.describe(data, "Attributes")
    assert [n.value for n in schema.nodes_of(plain) if n.name == "attrType"] == ["1.2.3.4"]
    own = schema.describe(data, "Attributes", names={"1.2.3.4": "ourNames"}, types={"1.2.3.4": "GeneralNames"})
    (names,) = [n for n in schema.nodes_of(own) if n.name == "ourNames"]
    assert names.type == "GeneralNames"
    assert [(c.name, c.value) for c in names.children] == [("dNSName", "router.example")]


def test_probing_is_optional_and_marked_as_a_guess() -> None:
    """An OCTET STRING of unknown content is opened only with `probe`. One that is not ASN.1 stays closed."""
    data = der.sequence(
        der.encode(der.OCTET_STRING, der.sequence(der.integer(1))), der.encode(der.OCTET_STRING, b"\x30\x05hello")
    )
    assert [len(n.children) for n in schema.describe(data, "ANY").children] == [0, 0]
    first, second = schema.describe(data, "ANY", probe=True).children
    assert [(n.guess, n.known) for n in schema.nodes_of(first)][1:] == [(True, False), (True, False)]
    assert second.children == ()


def test_offsets_and_paths_lead_to_the_same_element() -> None:
    """For every element: from its offset to its path, and from the path back."""
    (message, *_) = messages(DATA / "specimen")
    root = schema.describe(message.raw)
    found = list(schema.nodes_of(root))
    paths = set()
    for node in found[1:]:
        chain = schema.find(root, node.start)
        while chain[-1].start != node.start:
            chain.pop()
        path = schema.path_of(chain)
        if not path:
            continue  # the outermost wrapper
        again = schema.by_path(root, path)
        assert again is not None
        # A wrapper has the path of its content.
        assert again.start <= node.start < again.end or node.start <= again.start < node.end
        paths.add(path)
    # (The root is left out, since its path is empty in one result and missing in the other.)
    assert [n.start for n, _ in schema.paths(root)] == [n.start for n in found]
    assert {p for _, p in schema.paths(root) if p} == paths
    assert "content.signerInfos.signerInfo.signedAttrs.senderNonce.senderNonce" in paths
    assert schema.find(root, len(message.raw)) == []
    assert schema.by_path(root, "content.nothing") is None


def test_values_are_explained() -> None:
    """Numbers have the names of their values, and weak algorithms are marked."""
    said = {}
    for layer in _everything():
        root = layer.tree
        assert root is not None
        said.update({(n.name, n.value): n for n in schema.nodes_of(root)})
    assert ("messageType", "19 = PKCSReq") in said
    assert ("messageType", "3 = CertRep") in said
    assert ("pkiStatus", "0 = SUCCESS") in said
    assert any(n == "modulus" and v == "2048 bits" for n, v in said)
    assert any(n == "keyUsage" and "digitalSignature" in v for n, v in said)
    weak = schema.describe(der.sequence(der.oid(oids.DES_CBC)), "AlgorithmIdentifier")
    assert "weak: single DES" in weak.value
    failure = schema.describe(der.encode(der.PRINTABLE_STRING, b"2"), "failInfo")
    assert failure.value.startswith("2 = badRequest")
    strange = schema.describe(der.encode(der.PRINTABLE_STRING, b"77"), "messageType")
    assert "not in RFC 8894" in strange.value


def test_empty_structures_are_described() -> None:
    """An empty SET, and empty BasicConstraints, which mean "not a CA". The repr escapes bidi characters."""
    assert schema.describe(b"\x31\x00", "SignerInfos").value == "empty"
    assert schema.describe(b"\x30\x00", "BasicConstraints").value == "empty: not a CA"
    assert schema.describe(b"\x30\x03\x01\x01\xff", "BasicConstraints").value == ""
    hostile = schema.describe(b"\x0c\x05a\xe2\x80\xaeb")
    assert repr(hostile) == r"<ContentInfo UTF8String 'a\u202eb', bytes 0 to 6>"


def test_an_element_at_an_offset_can_be_described() -> None:
    """Offsets of a later element still count from the start of the data."""
    data = bytes.fromhex("0500 3003 020107")
    node = schema.describe(data, "ANY", start=2)
    assert [(n.start, n.end, n.value) for n in schema.nodes_of(node)] == [(2, 7, ""), (4, 7, "7")]
    assert schema.describe(data, "ANY", start=7).value == "0 bytes"


def test_a_large_crl_is_named_on_demand() -> None:
    """Of 100,000 entries the last one is found without naming those before it."""
    data = make_crl(100_000, reasons=True)
    root = schema.describe(data, "CertificateList")
    entries = schema.find(root, len(data) - 400)[2]
    assert len(entries.children) == 100_000
    last = entries.children[-1]
    assert last.type == "RevokedCertificate"
    assert [n.value for n in schema.nodes_of(last) if n.name == "reasonCode"] == ["1 = keyCompromise"]
    assert entries.children[99_999:][0].start == last.start


def test_a_structure_with_too_many_elements_keeps_its_fields() -> None:
    """The fields get their names even if a later element is read first."""
    data = der.sequence(der.oid("1.2.3"), *[der.NULL_ELEMENT] * 5000)
    root = schema.describe(data, "AlgorithmIdentifier")
    assert root.children[4000].known is False
    assert root.children[1].name == "parameters"
    assert root.children[0].name == "algorithm"


def test_deep_nesting_needs_no_recursion() -> None:
    """Nesting of 3000 definite and 5000 indefinite lengths."""
    deep = b""
    for _ in range(3000):
        deep = der.sequence(deep)
    for data in (deep, b"\x30\x80" * 5000):
        assert 100 < sum(1 for _ in schema.nodes_of(schema.describe(data, "ANY"))) <= 202


def test_layers_of_a_message() -> None:
    """The layers are text, message and plaintext. A segment of a BER string is an element with that name."""
    (message, *_) = messages(DATA / "specimen")
    text, outer, inner = layers_of(message, "MII...")
    assert (text.type_name, outer.parent, inner.parent) == (TEXT, 0, 1)
    assert outer.data[inner.at] == 0x80  # encryptedContent, [0] IMPLICIT
    assert inner.data == message.csr.raw if message.csr else False
    segments = der.encode(0x24, der.encode(4, b"ab"), der.encode(4, b"cd"))
    assert schema.describe(segments, "eContent").children[0].name == "segment"


def test_joined_segments_are_a_layer() -> None:
    """In BER segments the envelope is not contiguous. Joined, it is a layer, and later layers refer to it."""
    (message, *_) = messages(DATA / "specimen")
    content = message.signed.content or b""
    wrapper = next(n for n in schema.nodes_of(schema.describe(message.raw)) if n.holds)
    pieces = b"".join(der.encode(der.OCTET_STRING, content[i : i + 200]) for i in range(0, len(content), 200))
    ber = replace_content(message.raw, wrapper.start - 4, b"\x24\x80" + pieces + b"\0\0")
    again = sceplab.decode_message(ber, keys=[key("ca")])
    assert again.verification["digest"].outcome is sceplab.Outcome.PASSED
    outer, joined, plain = layers_of(again)
    assert joined.data == content
    assert (joined.parent, joined.at, joined.made) == (0, wrapper.start, Made.JOINED)
    assert (plain.parent, plain.made) == (1, Made.DECRYPTED)
    assert joined.data[plain.at] == 0x80
    (digest,) = [r for r in coverage_of((outer, joined, plain)) if r.kind is Covered.DIGEST]
    assert b"".join(ber[s.start : s.end] for s in digest.spans) == content
    assert len(digest.spans) == 6


@pytest.mark.parametrize(
    ("section", "page"),
    [
        ("RFC 5652, 5.3", "https://www.rfc-editor.org/rfc/rfc5652#section-5.3"),
        ("RFC 8017, A.1.1", "https://www.rfc-editor.org/rfc/rfc8017#appendix-A.1.1"),
        ("MS-WCCE, 2.2.2.7.7.2", ""),
        ("", ""),
    ],
)
def test_sections_of_rfcs_have_a_link(section: str, page: str) -> None:
    """Other sources have none."""
    assert schema.link(section) == page
