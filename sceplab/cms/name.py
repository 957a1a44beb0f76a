"""Distinguished names: kept as they were sent, read on demand, built from parts or text (RFC 5280, 4.1.2.4).

Rule: a name is kept as the bytes that were sent. `Name.rdns` and `build_name`
are inverse; `parse_subject` reads what a person types.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from sceplab.asn1 import der, oids
from sceplab.asn1.memo import memo
from sceplab.errors import InputError

# The same few names come with every message, so they are kept; larger things
# are not, or hostile input would fill the memory.
_MAX_CACHED = 8_192


@dataclass(frozen=True, slots=True)
class NameAttribute:
    """One AttributeTypeAndValue of a name; `string_type` is the ASN.1 type that was sent."""

    oid: str
    value: str
    string_type: str

    @property
    def keyword(self) -> str:
        """The short keyword (CN, O, unstructuredName ...)."""
        return oids.keyword_of(self.oid)


@dataclass(frozen=True, slots=True)
class Name:
    """A distinguished name, kept as the bytes that were sent; the parts are read on demand."""

    raw: bytes

    @property
    def rdns(self) -> tuple[tuple[NameAttribute, ...], ...]:
        """The RDNs in the order sent; an RDN of several attributes is one with "+" in text."""
        return _rdns(self.raw)

    def get(self, oid: str) -> str | None:
        """Return the first value of an attribute type, or None."""
        return next((a.value for rdn in self.rdns for a in rdn if a.oid == oid), None)

    def rfc4514(self) -> str:
        """Return the name on one line, last RDN first (RFC 4514), as `openssl -nameopt RFC2253,utf8` prints it."""
        return _text(self.raw)

    def oneline(self) -> str:
        """Return the name in the order sent, as `openssl cms -cmsout -print` prints it."""
        return ", ".join(" + ".join(f"{a.keyword}={_quote(a.value)}" for a in rdn) for rdn in self.rdns)

    def __str__(self) -> str:
        return self.rfc4514()


_PLAIN = re.compile(r"[\w.@:/'()=?*&!-]+( [\w.@:/'()=?*&!-]+)*")


def _escape(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    out = "".join("\\" + c if c in ',+"\\<>;' else f"\\{ord(c):02X}" if c < " " or c == "\x7f" else c for c in value)
    if out[:1] in {"#", " "}:
        out = "\\" + out
    if len(out) > 1 and out.endswith(" "):
        out = out[:-1] + "\\ "
    return out


def _quote(value: str) -> str:
    escaped = "".join("\\" + c if c in '"\\' else f"\\{ord(c):02X}" if c < " " or c == "\x7f" else c for c in value)
    special = any(c in ",+<>;" for c in value) or value[:1] in {"#", " "} or value[-1:] == " "
    return f'"{escaped}"' if special else escaped


@memo(512, longest=_MAX_CACHED)
def _text(raw: bytes) -> str:
    return ",".join("+".join(f"{a.keyword}={_escape(a.value)}" for a in reversed(rdn)) for rdn in reversed(_rdns(raw)))


@memo(512, longest=_MAX_CACHED)
def _rdns(raw: bytes) -> tuple[tuple[NameAttribute, ...], ...]:
    out: list[tuple[NameAttribute, ...]] = []
    try:
        for rdn in der.read(raw).children():
            attributes = []
            for pair in rdn.children():
                kind, value = pair.children()[:2]
                string_type = der.STRING_TYPE_NAMES.get(value.tag & ~der.CONSTRUCTED, f"tag {value.tag:02x}")
                attributes.append(NameAttribute(der.oid_of(kind), der.text_of(value), string_type))
            out.append(tuple(attributes))
    except (der.DerError, ValueError):
        # Malformed from here on; the parts before are still useful.
        out.append((NameAttribute("(unreadable)", raw.hex(), "raw"),))
    return tuple(out)


def build_name(rdns: Sequence[Sequence[NameAttribute]]) -> Name:
    """Return the name with these RDNs, each value in its `string_type`: the inverse of `Name.rdns`.

    Raises ValueError on a string type that is not known, or a value that does not fit it.
    """
    out = []
    for rdn in rdns:
        pairs = []
        for attribute in rdn:
            tag = _STRING_TAGS.get(attribute.string_type)
            if tag is None:
                raise ValueError(f"{attribute.string_type} is not a string type")
            pairs.append(der.sequence(der.oid(attribute.oid), der.encode(tag, der.encode_text(tag, attribute.value))))
        out.append(der.set_of(pairs))
    return Name(der.sequence(*out))


_STRING_TAGS = {name: tag for tag, name in der.STRING_TYPE_NAMES.items()}


# --------------------------------------------------------------- comparing


def fold(text: str) -> str:
    """Return what two values have in common that RFC 5280 7.1 takes for equal.

    As RFC 4518 2 prepares strings: letters without case, compatible characters as one,
    invisible ones left out, and spaces as one, none at the ends.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join("".join(c for c in folded if c.isspace() or unicodedata.category(c) not in _UNSEEN).split())


_UNSEEN = {"Cc", "Cf"}  # control and format characters


def same_name(one: Name, other: Name) -> bool:
    """Whether two names are the same by RFC 5280 7.1: whatever their string types, case, spaces, order in an RDN."""
    return one.raw == other.raw or _folded(one) == _folded(other)


def _folded(name: Name) -> list[list[tuple[str, str]]]:
    return [sorted((a.oid, fold(a.value)) for a in rdn) for rdn in name.rdns]


# --------------------------------------------------------------- as a person types it

_BY_KEYWORD = {keyword.upper(): oid for oid, keyword in oids.NAME_KEYWORDS.items()}
_IA5 = {oids.UNSTRUCTURED_NAME, oids.DOMAIN_COMPONENT, oids.EMAIL_ADDRESS}
_PRINTABLE = re.compile(r"[A-Za-z0-9 '()+,\-./:=?]*")


def parse_subject(text: str) -> Name:
    r"""Read a subject such as "CN=R3,O=Lab" or "OU=ioscs RA,serialNumber=42+unstructuredName=R2".

    RDNs are in the order in which they are sent; "+" joins the attributes of
    one, and "\," is a comma. Raises InputError.
    """
    try:
        name = build_name([[_attribute(item) for item in _split(part, "+")] for part in _split(text, ",")])
        check_lengths(name)
    except ValueError as error:
        raise InputError(str(error)) from error
    return name


# RFC 5280, appendix A.1 (ub-common-name and the like, and CountryName of two letters); RFC 2985, 5.2.
_LENGTHS = {
    oids.COMMON_NAME: (1, 64),
    oids.COUNTRY_NAME: (2, 2),
    oids.ORGANIZATION_NAME: (1, 64),
    oids.ORGANIZATIONAL_UNIT_NAME: (1, 64),
    oids.LOCALITY_NAME: (1, 128),
    oids.STATE_OR_PROVINCE_NAME: (1, 128),
    oids.SERIAL_NUMBER: (1, 64),
    oids.TITLE: (1, 64),
    oids.UNSTRUCTURED_NAME: (1, 255),
    oids.EMAIL_ADDRESS: (1, 255),
}
# X.509 bounds no others; this is ub-name.
_LONGEST = 32_768


def check_lengths(name: Name) -> None:
    """Raise ValueError where a value is longer or shorter than X.509 allows."""
    for attribute in (a for rdn in name.rdns for a in rdn):
        least, most = _LENGTHS.get(attribute.oid, (0, _LONGEST))
        if not least <= len(attribute.value) <= most:
            allowed = f"{most}" if least == most else f"{least} to {most}"
            found = f"{attribute.keyword} has {len(attribute.value)} characters"
            raise ValueError(f"{found}, not {allowed} (RFC 5280, A.1)")


def is_printable(text: str) -> bool:
    """Whether the text fits a PrintableString (X.680, 41.4)."""
    return _PRINTABLE.fullmatch(text) is not None


def _split(text: str, mark: str) -> list[str]:
    return re.findall(rf"((?:[^\\{re.escape(mark)}]|\\.)*){re.escape(mark)}", text + mark) or [text]


def _attribute(item: str) -> NameAttribute:
    keyword, _, value = item.strip().partition("=")
    oid = _BY_KEYWORD.get(keyword.upper()) or oids.NAMES_TO_OID.get(keyword)
    value = re.sub(r"\\(.)", r"\1", value)
    if oid is None or not value:
        raise InputError(f"{item!r} is not part of a subject; write for example CN=R3,O=Lab")
    if oid in _IA5 and value.isascii():
        return NameAttribute(oid, value, "IA5String")
    return NameAttribute(oid, value, "PrintableString" if is_printable(value) else "UTF8String")
