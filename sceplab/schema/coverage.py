"""Which octets a signature, a digest or a key is about.

Rule: found in the described tree alone; nothing is verified here. A region may
be in pieces (BER segments), and what a signature covers may not be the octets as
they stand: signedAttrs are signed with 31 where the message has a0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sceplab.schema import Node
from sceplab.schema.layers import LayerBytes

# Lists longer than this hold nothing of interest here (revoked certificates).
_LONG = 1000


@dataclass(frozen=True, slots=True)
class Span:
    """Octets `start` to `end` of a buffer."""

    buffer: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """Octets with a meaning; `proof` is where the signature, digest or ciphertext stands."""

    kind: str
    label: str
    spans: tuple[Span, ...]
    proof: Span | None = None
    note: str = ""


def coverage_of(buffers: Sequence[LayerBytes]) -> tuple[Coverage, ...]:
    """Return the regions of all buffers, in the order of their octets (RFC 5652, 5.4 and 6; RFC 5280, 4.1.1.3)."""
    out: list[Coverage] = []
    for index, buffer in enumerate(buffers):
        root = buffer.describe()
        if root is None:
            continue
        for node in _structures(root):
            out += _of(node, index)
        if buffer.how == "decrypted" and buffer.parent is not None:
            out.append(_plaintext(buffers, index))
    return tuple(out)


def _structures(root: Node) -> Iterator[Node]:
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        if len(node.children) <= _LONG and node.depth < 64:
            stack += reversed(node.children)


def _child(node: Node, name: str) -> Node | None:
    return next((c for c in node.children if c.name == name), None)


def _whole(node: Node, buffer: int) -> Span:
    return Span(buffer, node.start, node.end)


def _content(node: Node, buffer: int) -> tuple[Span, ...]:
    if node.segmented:
        return tuple(s for c in node.children for s in _content(c, buffer))
    return (Span(buffer, node.content_start, node.content_end),)


# Type -> (what is signed, where the signature is, what it is called)
_SIGNED = {
    "Certificate": ("tbsCertificate", "signatureValue", "the issuer's signature"),
    "CertificateList": ("tbsCertList", "signatureValue", "the CA's signature"),
    "CertificationRequest": ("certificationRequestInfo", "signature", "the requester's signature"),
}


def _of(node: Node, buffer: int) -> Iterator[Coverage]:
    if node.type == "SignedData":
        yield from _of_signed(node, buffer)
    elif node.type in _SIGNED:
        covered, proof, whose = _SIGNED[node.type]
        what, where = _child(node, covered), _child(node, proof)
        if what is not None and where is not None:
            label = f"{whose} covers {covered}"
            yield Coverage("signature", label, (_whole(what, buffer),), _whole(where, buffer))
    elif node.type == "KeyTransRecipientInfo":
        key, rid = _child(node, "encryptedKey"), _child(node, "rid")
        if key is not None:
            whom = ", ".join(c.value for c in rid.children) if rid is not None and rid.children else ""
            whom = whom or (rid.value if rid is not None else "")
            yield Coverage("key", f"the content key, encrypted for {whom}", _content(key, buffer))
    elif node.name == "encryptedContent" and node.type != "EncryptedContentInfo":
        yield Coverage("ciphertext", "the encrypted content", _content(node, buffer))


def _of_signed(node: Node, buffer: int) -> Iterator[Coverage]:
    content = next(
        (n for n in _structures(node) if n.name == "eContent" and n.holds),
        None,
    )
    signers = _child(node, "signerInfos")
    for info in signers.children[:_LONG] if signers is not None else ():
        attributes, signature = _child(info, "signedAttrs"), _child(info, "signature")
        if signature is None:
            continue
        proof = _whole(signature, buffer)
        if attributes is None:
            if content is not None:
                yield Coverage("signature", "the signature covers eContent", _content(content, buffer), proof)
            continue
        note = "with the first octet a0 read as 31, SET OF (RFC 5652, 5.4)"
        yield Coverage("signature", "the signature covers signedAttrs", (_whole(attributes, buffer),), proof, note)
        digest = next((n for n in _structures(attributes) if n.name == "messageDigest"), None)
        if digest is not None and content is not None:
            note = "the content octets alone, without tag and length (RFC 5652, 5.4)"
            label = "messageDigest covers eContent"
            yield Coverage("digest", label, _content(content, buffer), _whole(digest, buffer), note)


def _plaintext(buffers: Sequence[LayerBytes], index: int) -> Coverage:
    buffer = buffers[index]
    whole = (Span(index, 0, len(buffer.data)),)
    proof = None
    root = buffers[buffer.parent].describe() if buffer.parent is not None else None
    place = next((n for n in _structures(root) if n.start == buffer.at), None) if root is not None else None
    if place is not None and buffer.parent is not None:
        proof = _whole(place, buffer.parent)
    return Coverage("plaintext", f"{buffer.title}: what was encrypted", whole, proof)
