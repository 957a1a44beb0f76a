"""ContentInfo: the wrapper that names what is inside (RFC 5652, 3).

Rule: the content is returned as an element; its type is parsed by the caller.
"""

from __future__ import annotations

from sceplab.asn1 import der, oids
from sceplab.errors import Layer, Problem


def content_of(data: bytes, content_type: str, what: str, problems: list[Problem], layer: Layer) -> der.Element:
    """Open a ContentInfo (RFC 5652, 3) and return the element inside its [0].

    A wrong content type or trailing bytes become problems; raises DerError
    where there is no ContentInfo at all.
    """
    outer = der.read_expected(data, der.SEQUENCE, "ContentInfo")
    fields = outer.children()
    if not fields:
        raise der.DerError(outer.start, "ContentInfo with a contentType", "an empty SEQUENCE")
    if outer.end != len(data):
        extra = f"{len(data) - outer.end} more bytes"
        problems.append(Problem(layer, "trailing", "the end of the message", extra, outer.end, "They are ignored."))
    found = der.oid_of(fields[0])
    if found != content_type:
        name = oids.name_of(found)
        problems.append(Problem(layer, "content-type", f"contentType {what}", name, fields[0].start))
    if len(fields) < 2 or fields[1].tag != der.CONTEXT | der.CONSTRUCTED:
        raise der.DerError(outer.end if len(fields) < 2 else fields[1].start, f"[0] with {what}", "none")
    inner = fields[1].children()
    if not inner:
        raise der.DerError(fields[1].start, what, "an empty [0]")
    return inner[0]
