"""Read the part of a truncated message that was captured (RFC 5652).

Rule: the lengths of the truncated elements are set to the bytes that are left; then
the ordinary parsers read it. No content is added.
"""

from __future__ import annotations

from sceplab.asn1 import der
from sceplab.cms.enveloped import EnvelopedData, parse_enveloped
from sceplab.cms.signed import SignedData, parse_signed

_DEEPEST = 12


def parts_of_signed(data: bytes) -> SignedData:
    """Return what can be read of a SignedData that ends too early. Never raises."""
    return parse_signed(mended(data))


def parts_of_enveloped(data: bytes) -> EnvelopedData:
    """Return what can be read of an EnvelopedData that ends too early. Never raises."""
    return parse_enveloped(mended(data))


def mended(data: bytes, depth: int = 0) -> bytes:
    """Return a truncated element with its lengths corrected; a complete one is returned unchanged."""
    try:
        return der.read(data).raw
    except der.DerError:
        pass
    if len(data) < 2:
        return b""
    tag_end, start, length = der.header(data, 0, len(data))
    if length < der.INDEFINITE or tag_end != 1:
        return b""
    content = data[start:]
    if not data[0] & der.CONSTRUCTED or depth > _DEEPEST:
        return der.encode(data[0], content)
    children, pos = [], 0
    while pos < len(content):
        try:
            child = der.read(content, pos)
        except der.DerError:
            children.append(mended(content[pos:], depth + 1))
            break
        children.append(child.raw)
        pos = child.end
    return der.encode(data[0], *children)
