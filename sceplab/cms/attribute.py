"""Attribute: an object identifier and a SET OF values (RFC 5652, 5.3; RFC 2986, 4.1).

Rule: values are kept as the DER elements that were sent; what they mean is
known where they are used.
"""

from __future__ import annotations

from dataclasses import dataclass

from sceplab.asn1 import der, oids


@dataclass(frozen=True, slots=True)
class Attribute:
    """A CMS Attribute (RFC 5652, 5.3): `values` are the DER elements in the order sent."""

    oid: str
    values: tuple[bytes, ...]

    def __repr__(self) -> str:
        # A challengePassword is a secret, and a notebook shows what this returns.
        shown = "********" if self.oid == oids.CHALLENGE_PASSWORD else ", ".join(v.hex() for v in self.values)
        return f"<Attribute {self.name}: {shown}>"

    @property
    def name(self) -> str:
        """The attribute's name, or its dotted identifier."""
        return oids.name_of(self.oid)

    @property
    def string_type(self) -> str:
        """The ASN.1 type of the first value, "" where there is none."""
        if not self.values or not self.values[0]:
            return ""
        tag = self.values[0][0]
        return der.STRING_TYPE_NAMES.get(tag & ~der.CONSTRUCTED, f"tag {tag:02x}")


def parse_attribute_list(content: bytes, start: int = 0, end: int | None = None) -> tuple[Attribute, ...]:
    """Read the Attributes that follow each other in `content`.

    Raises DerError where one is malformed.
    """
    out = []
    stop = len(content) if end is None else end
    for item in der.Element(content, start, der.SET, start, stop, stop).children():
        fields = item.children()
        if item.tag != der.SEQUENCE or len(fields) != 2 or fields[1].tag != der.SET:
            raise der.DerError(item.start, "an Attribute (type and SET of values)", f"tag {item.tag:02x}")
        values = [content[v.start : v.end] for v in fields[1].children()]
        out.append(Attribute(der.oid_of(fields[0]), tuple(values)))
    return tuple(out)


def build_attribute(attribute: Attribute) -> bytes:
    """Return the DER of one Attribute, its values in the order given."""
    return der.sequence(der.oid(attribute.oid), der.encode(der.SET, *attribute.values))
