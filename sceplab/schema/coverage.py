"""Which bytes a signature or digest covers, and where key, ciphertext and plaintext are.

Rule: found in the described tree alone; nothing is verified here. Covered bytes
may be in several pieces (BER segments), and may differ from those in the message:
signedAttrs are signed with tag 31 where the message has a0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sceplab.schema import Node
from sceplab.schema.layers import LayerBytes, Made

# Longer lists (revoked certificates) hold nothing that is covered on its own.
_LONG = 1000
_DEEPEST = 64


class Covered(StrEnum):
    """What the bytes are for."""

    SIGNATURE = "signature"
    DIGEST = "digest"
    KEY = "key"
    CIPHERTEXT = "ciphertext"
    PLAINTEXT = "plaintext"


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` to `end` of the layer with index `layer`."""

    layer: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """Bytes with a purpose.

    `field` is the name of the covered field ("signedAttrs"), `label` and `note`
    are words for people, and `proof` is the place of the signature, digest or
    ciphertext.
    """

    kind: Covered
    field: str
    label: str
    spans: tuple[Span, ...]
    proof: Span | None = None
    note: str = ""


def coverage_of(layers: Sequence[LayerBytes]) -> tuple[Coverage, ...]:
    """Return the coverage of all layers, in the order of the bytes (RFC 5652, 5.4 and 6; RFC 5280, 4.1.1.3)."""
    out: list[Coverage] = []
    for index, layer in enumerate(layers):
        if layer.tree is None:
            continue
        for node in _structures(layer.tree):
            out += _of(node, index)
        if layer.made is Made.DECRYPTED and layer.parent is not None:
            out.append(_plaintext(layers, index, layer.parent))
    return tuple(out)


def _structures(root: Node) -> Iterator[Node]:
    """Yield a node and what is inside it, without long lists."""
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        if len(node.children) <= _LONG and node.depth < _DEEPEST:
            stack += reversed(node.children)


def _child(node: Node, name: str) -> Node | None:
    return next((c for c in node.children if c.name == name), None)


def _whole(node: Node, layer: int) -> Span:
    return Span(layer, node.start, node.end)


def _content(node: Node, layer: int) -> tuple[Span, ...]:
    """Return where the content is: for a string in segments, that of each segment."""
    if node.segmented:
        return tuple(s for c in node.children for s in _content(c, layer))
    return (Span(layer, node.content_start, node.content_end),)


# Type -> (covered field, field of the signature, whose signature it is)
_SIGNED = {
    "Certificate": ("tbsCertificate", "signatureValue", "the issuer's signature"),
    "CertificateList": ("tbsCertList", "signatureValue", "the CA's signature"),
    "CertificationRequest": ("certificationRequestInfo", "signature", "the requester's signature"),
}


def _of(node: Node, layer: int) -> Iterator[Coverage]:
    if node.type == "SignedData":
        yield from _of_signed(node, layer)
    elif node.type in _SIGNED:
        field, proof, whose = _SIGNED[node.type]
        what, where = _child(node, field), _child(node, proof)
        if what is not None and where is not None:
            label = f"{whose} covers {field}"
            yield Coverage(Covered.SIGNATURE, field, label, (_whole(what, layer),), _whole(where, layer))
    elif node.type == "KeyTransRecipientInfo":
        key, rid = _child(node, "encryptedKey"), _child(node, "rid")
        if key is not None:
            whom = ", ".join(c.value for c in rid.children) if rid is not None and rid.children else ""
            whom = whom or (rid.value if rid is not None else "")
            yield Coverage(Covered.KEY, key.name, f"the content key, encrypted for {whom}", _content(key, layer))
    elif node.name == "encryptedContent" and node.type != "EncryptedContentInfo":
        yield Coverage(Covered.CIPHERTEXT, node.name, "the encrypted content", _content(node, layer))


def _of_signed(node: Node, layer: int) -> Iterator[Coverage]:
    content = next((n for n in _structures(node) if n.name == "eContent" and n.holds), None)
    signers = _child(node, "signerInfos")
    for info in signers.children[:_LONG] if signers is not None else ():
        attributes, signature = _child(info, "signedAttrs"), _child(info, "signature")
        if signature is None:
            continue
        proof = _whole(signature, layer)
        if attributes is None:
            if content is not None:
                label = "the signature covers eContent"
                yield Coverage(Covered.SIGNATURE, content.name, label, _content(content, layer), proof)
            continue
        label = "the signature covers signedAttrs"
        note = "with the first byte a0 read as 31, SET OF (RFC 5652, 5.4)"
        yield Coverage(Covered.SIGNATURE, attributes.name, label, (_whole(attributes, layer),), proof, note)
        digest = next((n for n in _structures(attributes) if n.name == "messageDigest"), None)
        if digest is not None and content is not None:
            label = "messageDigest covers eContent"
            note = "the content bytes alone, without tag and length (RFC 5652, 5.4)"
            yield Coverage(Covered.DIGEST, content.name, label, _content(content, layer), _whole(digest, layer), note)


def _plaintext(layers: Sequence[LayerBytes], index: int, parent: int) -> Coverage:
    layer, around = layers[index], layers[parent].tree
    every = _structures(around) if around is not None else ()
    place = next((n for n in every if n.start == layer.at), None)
    return Coverage(
        Covered.PLAINTEXT,
        layer.title,
        f"{layer.title}: what was encrypted",
        (Span(index, 0, len(layer.data)),),
        None if place is None else _whole(place, parent),
    )
