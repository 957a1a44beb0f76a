"""The meaning of a leaf in words: numbers, dates, names, flags, SCEP's codes, weak algorithms.

Rule: a function of an element and the name of its type; never raises. Weak
digests and short keys are marked here too, from `algorithms`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping

from sceplab.asn1 import der, oids
from sceplab.asn1.scan import CUT, GARBAGE, INDEFINITE, TRAILING
from sceplab.cms import algorithms
from sceplab.cms.name import Name
from sceplab.cms.x509 import KEY_USAGE_BITS, parse_time
from sceplab.scep.attributes import FAIL_INFO_MEANING, FailInfo, MessageType, PkiStatus

# Longer values are shown as a length only.
SHOWN = 32
_LONGEST_TEXT = 2000

_TAG_NAMES = {
    0x01: "BOOLEAN",
    0x02: "INTEGER",
    0x03: "BIT STRING",
    0x04: "OCTET STRING",
    0x05: "NULL",
    0x06: "OBJECT IDENTIFIER",
    0x0A: "ENUMERATED",
    0x17: "UTCTime",
    0x18: "GeneralizedTime",
    0x30: "SEQUENCE",
    0x31: "SET",
} | der.STRING_TYPE_NAMES
# The universal tag of a leaf type, for elements with an IMPLICIT tag.
_IMPLICIT = {
    "INTEGER": der.INTEGER,
    "serial": der.INTEGER,
    "BOOLEAN": der.BOOLEAN,
    "OID": der.OID,
    "OCTET STRING": der.OCTET_STRING,
    "keyIdentifier": der.OCTET_STRING,
    "iPAddress": der.OCTET_STRING,
    "BIT STRING": der.BIT_STRING,
    "ReasonFlags": der.BIT_STRING,
    "IA5String": der.IA5_STRING,
}
_REASON_FLAGS = (
    *("unused", "keyCompromise", "cACompromise", "affiliationChanged", "superseded"),
    *("cessationOfOperation", "certificateHold", "privilegeWithdrawn", "aACompromise"),
)
_REASONS = (
    *("unspecified", "keyCompromise", "cACompromise", "affiliationChanged", "superseded", "cessationOfOperation"),
    *("certificateHold", "(7)", "removeFromCRL", "privilegeWithdrawn", "aACompromise"),
)
_NETSCAPE = ("SSL client", "SSL server", "S/MIME", "object signing", "(4)", "SSL CA", "S/MIME CA", "object signing CA")
_WEAK = {d.oid: d.weak for d in algorithms.DIGESTS.values() if d.weak} | {
    c.oid: c.weak for c in algorithms.CIPHERS.values() if c.weak
}
_WEAK |= {
    oid: algorithms.DIGESTS[digest].weak
    for oid, (_, digest) in algorithms.SIGNATURES.items()
    if digest and algorithms.DIGESTS[digest].weak
}


def link(section: str) -> str:
    """Return the address of an RFC's section ("RFC 5652, 5.3"), "" where it is none of an RFC."""
    found = re.fullmatch(r"RFC (\d+), ([\d.]+|[A-Z](?:\.[\d.]+)?)", section)
    if found is None:
        return ""
    number, place = found.groups()
    kind = "appendix" if place[0].isalpha() else "section"
    return f"https://www.rfc-editor.org/rfc/rfc{number}#{kind}-{place}"


def tag_name(tag: int, type_name: str = "") -> str:
    """Return the ASN.1 name of identifier bytes; an IMPLICIT tag of a known type with that type."""
    known = _TAG_NAMES.get(tag) or _TAG_NAMES.get(tag & ~der.CONSTRUCTED)
    if known:
        return known
    first = tag >> 8 * ((max(tag.bit_length(), 1) + 7) // 8 - 1)
    kind = {0: "UNIVERSAL ", 1: "APPLICATION ", 2: "", 3: "PRIVATE "}[first >> 6]
    number = first & 0x1F
    if number == 0x1F:
        number = 0
        rest = tag & ((1 << (tag.bit_length() + 7) // 8 * 8 - 8) - 1)
        for octet in rest.to_bytes((rest.bit_length() + 7) // 8 or 1, "big"):
            number = number << 7 | octet & 0x7F
    implicit = _TAG_NAMES.get(_IMPLICIT.get(type_name, -1), "")
    return f"[{kind}{number}]" + (f" IMPLICIT {implicit}" if implicit else "")


def header_words(element: der.Element, flags: int = 0) -> str:
    """Return identifier and length octets, in words: "30 82 09 8e: SEQUENCE, constructed, length in 2 bytes = 2446".

    `flags` are those of `scan.header`; "" where no element is (X.690, 8.1.2 and 8.1.3).
    """
    header = element.data[element.start : element.content_start]
    if flags & (GARBAGE | TRAILING) or len(header) < 2:
        return ""
    size = element.content_end - element.content_start
    octets = (element.tag.bit_length() + 7) // 8 or 1
    length = len(header) - octets
    if flags & INDEFINITE:
        said = "length not given, ends at 00 00"
    elif length == 1:
        said = f"length = {header[-1]}"
    else:
        said = f"length in {length - 1} byte{'s' if length > 2 else ''} = {int.from_bytes(header[octets + 1 :], 'big')}"
    if flags & CUT:
        said += f", only {size} are there"
    kind = "constructed" if element.constructed else "primitive"
    return f"{header.hex(' ')}: {tag_name(element.tag)}, {kind}, {said}"


def value_of(element: der.Element, type_name: str, names: Mapping[str, str]) -> str:
    """Return what a leaf (or a Name) says, for people; "" where that is nothing or not readable."""
    try:
        special = _MEANINGS.get(type_name)
        if special is not None and (text := special(element)):
            return text
        tag = element.tag
        if tag >= der.CONTEXT:
            tag = _IMPLICIT.get(type_name, tag)
        return _by_tag(element, tag, names)
    except (der.DerError, ValueError):
        return ""


def _by_tag(element: der.Element, tag: int, names: Mapping[str, str]) -> str:
    content = element.value
    plain = tag & ~der.CONSTRUCTED
    if tag == der.OID:
        dotted = der.decode_oid(content)
        return _oid(dotted, names.get(dotted) or oids.name_of(dotted))
    if tag in {der.INTEGER, 0x0A}:
        if len(content) > 16:
            return f"{int.from_bytes(content, 'big', signed=True).bit_length()} bits" if len(content) < 4096 else ""
        return str(int.from_bytes(content, "big", signed=True))
    if tag in {der.UTC_TIME, der.GENERALIZED_TIME}:
        moment = parse_time(element)
        return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else content[:64].decode("latin-1")
    if tag == der.BOOLEAN:
        return "TRUE" if content != b"\0" else "FALSE"
    if plain in der.STRING_TYPE_NAMES and plain != der.OCTET_STRING and plain < der.CONTEXT:
        return _text(der.text_of(element) if element.tag < der.CONTEXT else content.decode("latin-1"))
    if element.constructed or tag == der.NULL:
        return ""
    return _octets(content)


def _oid(dotted: str, name: str) -> str:
    text = dotted if name == dotted else f"{name} ({dotted})"
    weak = _WEAK.get(dotted)
    return f"{text} - weak: {weak}" if weak else text


def _text(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]} ... {len(text) - _LONGEST_TEXT} more"


def _octets(content: bytes) -> str:
    if not content:
        return "empty"
    return content.hex(" ") if len(content) <= SHOWN else f"{len(content)} bytes"


def _serial(element: der.Element) -> str:
    content = element.value
    return f"{int.from_bytes(content, 'big', signed=True):X}" if len(content) <= 64 else f"{len(content)} bytes"


def _modulus(element: der.Element) -> str:
    bits = int.from_bytes(element.value[:4096], "big").bit_length()
    return f"{bits} bits" + (f" - weak: below {algorithms.MIN_RSA_BITS} bits" if bits < algorithms.MIN_RSA_BITS else "")


def _bits(names: tuple[str, ...]) -> Callable[[der.Element], str]:
    def meaning(element: der.Element) -> str:
        content = element.value
        bits = int.from_bytes(content[1:3].ljust(2, b"\0"), "big")
        set_bits = [n for i, n in enumerate(names) if bits & 0x8000 >> i]
        return ", ".join(set_bits) or "none"

    return meaning


def _code(meaning: Callable[[int], str]) -> Callable[[der.Element], str]:
    def value(element: der.Element) -> str:
        text = _text(der.text_of(element))
        try:
            return f"{text} = {meaning(int(text))}"
        except ValueError:
            return f"{text} (not in RFC 8894)"

    return value


def _address(element: der.Element) -> str:
    content = element.value
    if len(content) in {4, 16}:
        return str(ipaddress.ip_address(content))
    if len(content) in {8, 32}:
        half = len(content) // 2
        return f"{ipaddress.ip_address(content[:half])}/{ipaddress.ip_address(content[half:])}"
    return _octets(content)


def _numbered(names: Mapping[int, str]) -> Callable[[der.Element], str]:
    def meaning(element: der.Element) -> str:
        number = int.from_bytes(element.value[:16], "big", signed=True)
        return f"{number} = {names[number]}" if number in names else str(number)

    return meaning


def _curve_point(element: der.Element) -> str:
    content = element.value[1:]
    kind = {4: "uncompressed point", 2: "compressed point", 3: "compressed point"}.get(content[0] if content else 0)
    if kind is None:
        return ""
    bits = (len(content) - 1) * (4 if content[0] == 4 else 8)
    return f"{kind}, {bits}-bit curve"


def _signature(element: der.Element) -> str:
    content = element.value
    length = len(content) - (element.tag == der.BIT_STRING)
    return f"{length} bytes" if length > 0 else ""


_MEANINGS: dict[str, Callable[[der.Element], str]] = {
    "serial": _serial,
    "modulus": _modulus,
    # (Empty, as DER has it for the default.)
    "BasicConstraints": lambda element: "" if element.value else "empty: not a CA",
    "Name": lambda element: _text(Name(element.raw).rfc4514()) if element.end - element.start < 1 << 16 else "",
    "keyUsage": _bits(KEY_USAGE_BITS),
    "ReasonFlags": _bits(_REASON_FLAGS),
    "netscapeCertType": _bits(_NETSCAPE),
    "reasonCode": _numbered(dict(enumerate(_REASONS))),
    "certificateVersion": _numbered({0: "v1", 1: "v2", 2: "v3"}),
    "rc2Version": _numbered({version: f"{bits} bits" for version, bits in algorithms.RC2_VERSIONS.items()}),
    "messageType": _code(lambda n: MessageType(n).name),
    "pkiStatus": _code(lambda n: PkiStatus(n).name),
    "failInfo": _code(lambda n: f"{FailInfo(n).name}: {FAIL_INFO_MEANING[FailInfo(n)]}"),
    "iPAddress": _address,
    "ecKey": _curve_point,
    "signature": _signature,
}
