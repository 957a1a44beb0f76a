"""Names for what a scan of octets finds: CMS, PKCS#10, X.509 and SCEP as tables.

Rule: a structure is data (field, type, tag), never code; `describe` walks octets
and tables together. A node that no table knows keeps its ASN.1 type as name, and
octets that are not ASN.1 end a branch with a note: this is for showing, so it
never raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sceplab import der, oids
from sceplab.attributes import FAIL_INFO_MEANING, FailInfo, MessageType, PkiStatus
from sceplab.x509 import KEY_USAGE_BITS, Name, parse_time

# How deep and how much is described: beyond this a picture helps nobody.
MAX_DEPTH = 40
MAX_NODES = 20_000


@dataclass(frozen=True, slots=True)
class Node:
    """One element with its meaning: `name` of the field, `type`, RFC `section`, `value` for people.

    Offsets count from the start of the described octets. `children` are the
    elements inside; `inner` says that they are ASN.1 inside a string.
    """

    name: str
    type: str
    section: str
    value: str
    start: int
    content_start: int
    end: int
    children: tuple[Node, ...] = ()
    inner: bool = False


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    type: str = "ANY"
    tag: int | None = None
    explicit: bool = False


@dataclass(frozen=True, slots=True)
class _Type:
    section: str
    fields: tuple[_Field, ...] = ()
    each: _Field | None = None


def _sequence(section: str, *fields: _Field) -> _Type:
    return _Type(section, fields)


def _many(section: str, name: str, of: str) -> _Type:
    return _Type(section, each=_Field(name, of))


_OID, _INT, _SEQ, _SET, _OCT, _BITS = der.OID, der.INTEGER, der.SEQUENCE, der.SET, der.OCTET_STRING, der.BIT_STRING

TYPES: dict[str, _Type] = {
    # RFC 5652
    "ContentInfo": _sequence(
        "RFC 5652, 3", _Field("contentType", "OID", _OID), _Field("content", "by contentType", 0xA0, explicit=True)
    ),
    "SignedData": _sequence(
        "RFC 5652, 5.1",
        _Field("version", "INTEGER", _INT),
        _Field("digestAlgorithms", "AlgorithmIdentifiers", _SET),
        _Field("encapContentInfo", "EncapsulatedContentInfo", _SEQ),
        _Field("certificates", "Certificates", 0xA0),
        _Field("crls", "CertificateLists", 0xA1),
        _Field("signerInfos", "SignerInfos", _SET),
    ),
    "AlgorithmIdentifiers": _many("RFC 5652, 5.1", "digestAlgorithm", "AlgorithmIdentifier"),
    "EncapsulatedContentInfo": _sequence(
        "RFC 5652, 5.2", _Field("eContentType", "OID", _OID), _Field("eContent", "eContent", 0xA0, explicit=True)
    ),
    "Certificates": _many("RFC 5652, 10.2.3", "certificate", "Certificate"),
    "CertificateLists": _many("RFC 5652, 10.2.1", "crl", "CertificateList"),
    "SignerInfos": _many("RFC 5652, 5.3", "signerInfo", "SignerInfo"),
    "SignerInfo": _sequence(
        "RFC 5652, 5.3",
        _Field("version", "INTEGER", _INT),
        _Field("sid", "IssuerAndSerialNumber", _SEQ),
        _Field("sid", "SubjectKeyIdentifier", 0x80),
        _Field("digestAlgorithm", "AlgorithmIdentifier", _SEQ),
        _Field("signedAttrs", "Attributes", 0xA0),
        _Field("signatureAlgorithm", "AlgorithmIdentifier", _SEQ),
        _Field("signature", "OCTET STRING", _OCT),
        _Field("unsignedAttrs", "Attributes", 0xA1),
    ),
    "IssuerAndSerialNumber": _sequence(
        "RFC 5652, 10.2.4", _Field("issuer", "Name", _SEQ), _Field("serialNumber", "serial", _INT)
    ),
    "IssuerAndSubject": _sequence("RFC 8894, 3.3.3", _Field("issuer", "Name", _SEQ), _Field("subject", "Name", _SEQ)),
    "Attributes": _many("RFC 5652, 5.3", "attribute", "Attribute"),
    "Attribute": _sequence("RFC 5652, 5.3", _Field("attrType", "OID", _OID), _Field("attrValues", "by attrType", _SET)),
    "EnvelopedData": _sequence(
        "RFC 5652, 6.1",
        _Field("version", "INTEGER", _INT),
        _Field("originatorInfo", "ANY", 0xA0),
        _Field("recipientInfos", "RecipientInfos", _SET),
        _Field("encryptedContentInfo", "EncryptedContentInfo", _SEQ),
        _Field("unprotectedAttrs", "Attributes", 0xA1),
    ),
    "RecipientInfos": _Type("RFC 5652, 6.2", each=_Field("recipientInfo", "RecipientInfo")),
    "KeyTransRecipientInfo": _sequence(
        "RFC 5652, 6.2.1",
        _Field("version", "INTEGER", _INT),
        _Field("rid", "IssuerAndSerialNumber", _SEQ),
        _Field("rid", "SubjectKeyIdentifier", 0x80),
        _Field("keyEncryptionAlgorithm", "AlgorithmIdentifier", _SEQ),
        _Field("encryptedKey", "OCTET STRING", _OCT),
    ),
    "PasswordRecipientInfo": _sequence(
        "RFC 5652, 6.2.4",
        _Field("version", "INTEGER", _INT),
        _Field("keyDerivationAlgorithm", "AlgorithmIdentifier", 0xA0),
        _Field("keyEncryptionAlgorithm", "AlgorithmIdentifier", _SEQ),
        _Field("encryptedKey", "OCTET STRING", _OCT),
    ),
    "EncryptedContentInfo": _sequence(
        "RFC 5652, 6.1",
        _Field("contentType", "OID", _OID),
        _Field("contentEncryptionAlgorithm", "AlgorithmIdentifier", _SEQ),
        _Field("encryptedContent", "OCTET STRING", 0x80),
        _Field("encryptedContent", "OCTET STRING", 0xA0),
    ),
    # RFC 5280
    "AlgorithmIdentifier": _sequence(
        "RFC 5280, 4.1.1.2", _Field("algorithm", "OID", _OID), _Field("parameters", "parameters")
    ),
    "Certificate": _sequence(
        "RFC 5280, 4.1",
        _Field("tbsCertificate", "TBSCertificate", _SEQ),
        _Field("signatureAlgorithm", "AlgorithmIdentifier", _SEQ),
        _Field("signatureValue", "BIT STRING", _BITS),
    ),
    "TBSCertificate": _sequence(
        "RFC 5280, 4.1.2",
        _Field("version", "INTEGER", 0xA0, explicit=True),
        _Field("serialNumber", "serial", _INT),
        _Field("signature", "AlgorithmIdentifier", _SEQ),
        _Field("issuer", "Name", _SEQ),
        _Field("validity", "Validity", _SEQ),
        _Field("subject", "Name", _SEQ),
        _Field("subjectPublicKeyInfo", "SubjectPublicKeyInfo", _SEQ),
        _Field("issuerUniqueID", "BIT STRING", 0x81),
        _Field("subjectUniqueID", "BIT STRING", 0x82),
        _Field("extensions", "Extensions", 0xA3, explicit=True),
    ),
    "Validity": _sequence("RFC 5280, 4.1.2.5", _Field("notBefore", "Time"), _Field("notAfter", "Time")),
    "SubjectPublicKeyInfo": _sequence(
        "RFC 5280, 4.1.2.7",
        _Field("algorithm", "AlgorithmIdentifier", _SEQ),
        _Field("subjectPublicKey", "publicKey", _BITS),
    ),
    "RSAPublicKey": _sequence(
        "RFC 8017, A.1.1", _Field("modulus", "modulus", _INT), _Field("publicExponent", "INTEGER", _INT)
    ),
    "Extensions": _many("RFC 5280, 4.2", "extension", "Extension"),
    "Extension": _sequence(
        "RFC 5280, 4.2",
        _Field("extnID", "OID", _OID),
        _Field("critical", "BOOLEAN", der.BOOLEAN),
        _Field("extnValue", "by extnID", _OCT),
    ),
    "AuthorityKeyIdentifier": _sequence(
        "RFC 5280, 4.2.1.1",
        _Field("keyIdentifier", "OCTET STRING", 0x80),
        _Field("authorityCertIssuer", "GeneralNames", 0xA1),
        _Field("authorityCertSerialNumber", "serial", 0x82),
    ),
    "BasicConstraints": _sequence(
        "RFC 5280, 4.2.1.9",
        _Field("cA", "BOOLEAN", der.BOOLEAN),
        _Field("pathLenConstraint", "INTEGER", _INT),
    ),
    "GeneralNames": _many("RFC 5280, 4.2.1.6", "generalName", "GeneralName"),
    "KeyPurposes": _many("RFC 5280, 4.2.1.12", "keyPurposeId", "OID"),
    "Name": _many("RFC 5280, 4.1.2.4", "rdn", "RelativeDistinguishedName"),
    "RelativeDistinguishedName": _many("RFC 5280, 4.1.2.4", "attribute", "AttributeTypeAndValue"),
    "AttributeTypeAndValue": _sequence("RFC 5280, 4.1.2.4", _Field("type", "OID", _OID), _Field("value", "string")),
    "CertificateList": _sequence(
        "RFC 5280, 5.1",
        _Field("tbsCertList", "TBSCertList", _SEQ),
        _Field("signatureAlgorithm", "AlgorithmIdentifier", _SEQ),
        _Field("signatureValue", "BIT STRING", _BITS),
    ),
    "TBSCertList": _sequence(
        "RFC 5280, 5.1.2",
        _Field("version", "INTEGER", _INT),
        _Field("signature", "AlgorithmIdentifier", _SEQ),
        _Field("issuer", "Name", _SEQ),
        _Field("thisUpdate", "Time", der.UTC_TIME),
        _Field("thisUpdate", "Time", der.GENERALIZED_TIME),
        _Field("nextUpdate", "Time", der.UTC_TIME),
        _Field("nextUpdate", "Time", der.GENERALIZED_TIME),
        _Field("revokedCertificates", "RevokedCertificates", _SEQ),
        _Field("crlExtensions", "Extensions", 0xA0, explicit=True),
    ),
    "RevokedCertificates": _many("RFC 5280, 5.1.2.6", "revokedCertificate", "RevokedCertificate"),
    "RevokedCertificate": _sequence(
        "RFC 5280, 5.1.2.6",
        _Field("userCertificate", "serial", _INT),
        _Field("revocationDate", "Time"),
        _Field("crlEntryExtensions", "Extensions", _SEQ),
    ),
    # RFC 2986
    "CertificationRequest": _sequence(
        "RFC 2986, 4.2",
        _Field("certificationRequestInfo", "CertificationRequestInfo", _SEQ),
        _Field("signatureAlgorithm", "AlgorithmIdentifier", _SEQ),
        _Field("signature", "BIT STRING", _BITS),
    ),
    "CertificationRequestInfo": _sequence(
        "RFC 2986, 4.1",
        _Field("version", "INTEGER", _INT),
        _Field("subject", "Name", _SEQ),
        _Field("subjectPKInfo", "SubjectPublicKeyInfo", _SEQ),
        _Field("attributes", "Attributes", 0xA0),
    ),
}

_BY_CONTENT_TYPE = {oids.SIGNED_DATA: "SignedData", oids.ENVELOPED_DATA: "EnvelopedData"}
_BY_ATTRIBUTE = {
    oids.CONTENT_TYPE: ("OID", "RFC 5652, 11.1"),
    oids.MESSAGE_DIGEST: ("OCTET STRING", "RFC 5652, 11.2"),
    oids.SIGNING_TIME: ("Time", "RFC 5652, 11.3"),
    oids.MESSAGE_TYPE: ("messageType", "RFC 8894, 3.2.1.2"),
    oids.PKI_STATUS: ("pkiStatus", "RFC 8894, 3.2.1.3"),
    oids.FAIL_INFO: ("failInfo", "RFC 8894, 3.2.1.4"),
    oids.FAIL_INFO_TEXT: ("string", "RFC 8894, 3.2.1.4"),
    oids.SENDER_NONCE: ("OCTET STRING", "RFC 8894, 3.2.1.5"),
    oids.RECIPIENT_NONCE: ("OCTET STRING", "RFC 8894, 3.2.1.5"),
    oids.TRANSACTION_ID: ("string", "RFC 8894, 3.2.1.1"),
    oids.CHALLENGE_PASSWORD: ("string", "RFC 2985, 5.4.1"),
    oids.EXTENSION_REQUEST: ("Extensions", "RFC 2985, 5.4.2"),
    oids.MS_EXTENSION_REQUEST: ("Extensions", "RFC 2985, 5.4.2"),
}
_BY_EXTENSION = {
    oids.KEY_USAGE: "keyUsage",
    oids.BASIC_CONSTRAINTS: "BasicConstraints",
    oids.SUBJECT_KEY_IDENTIFIER: "OCTET STRING",
    oids.AUTHORITY_KEY_IDENTIFIER: "AuthorityKeyIdentifier",
    oids.SUBJECT_ALT_NAME: "GeneralNames",
    oids.EXTENDED_KEY_USAGE: "KeyPurposes",
    oids.CRL_NUMBER: "INTEGER",
}
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


@dataclass(slots=True)
class _Walk:
    names: Mapping[str, str]
    nodes: int = 0
    oid: str = ""
    pending: list[str] = field(default_factory=list)

    def name_of(self, oid: str) -> str:
        return self.names.get(oid) or oids.name_of(oid)


def describe(data: bytes, type_name: str = "ContentInfo", names: Mapping[str, str] | None = None) -> Node:
    """Return the tree of an element with names, types, sections and values. Never raises.

    `type_name` is one of `TYPES`; `names` adds or overrides names of OIDs.
    """
    walk = _Walk(names or {})
    try:
        element = der.read(data)
    except der.DerError as error:
        return Node(type_name, "not ASN.1", "", str(error), 0, 0, len(data))
    return _node(walk, element, type_name, type_name, 0)


def tag_name(element: der.Element) -> str:
    """Return the ASN.1 name of an element's tag."""
    known = _TAG_NAMES.get(element.tag) or _TAG_NAMES.get(element.tag & ~der.CONSTRUCTED)
    if known:
        return known
    kind = {0: "UNIVERSAL", 1: "APPLICATION", 2: "", 3: "PRIVATE"}[element.data[element.start] >> 6]
    return f"[{kind + ' ' if kind else ''}{element.tag & 0x1F}]"


def _node(walk: _Walk, element: der.Element, name: str, type_name: str, depth: int, section: str = "") -> Node:
    walk.nodes += 1
    if type_name == "RecipientInfo":
        type_name = "PasswordRecipientInfo" if element.tag == 0xA3 else "KeyTransRecipientInfo"
    known = TYPES.get(type_name)
    value = _value(walk, element, type_name)
    children: tuple[Node, ...] = ()
    inner = False
    if walk.nodes < MAX_NODES and depth < MAX_DEPTH:
        try:
            children, inner = _children(walk, element, type_name, depth)
        except der.DerError as error:
            value = f"{value} (cut off here: {error})".strip()
    section = section or (known.section if known else "")
    shown = type_name if known else tag_name(element)
    return Node(name, shown, section, value, element.start, element.content_start, element.end, children, inner)


def _children(walk: _Walk, element: der.Element, type_name: str, depth: int) -> tuple[tuple[Node, ...], bool]:
    inside = _inside(element, type_name)
    if inside is not None:
        return (_node(walk, inside[0], inside[1], inside[1], depth + 1),), True
    if not element.constructed:
        return (), False
    known = TYPES.get(type_name)
    items = element.children()
    if known is None:
        return tuple(_node(walk, c, tag_name(c), "ANY", depth + 1) for c in items), False
    if known.each is not None:
        return tuple(_node(walk, c, known.each.name, known.each.type, depth + 1) for c in items), False
    return tuple(_fields(walk, known, items, depth)), False


def _fields(walk: _Walk, known: _Type, items: list[der.Element], depth: int) -> list[Node]:
    out = []
    at = 0
    for item in items:
        while at < len(known.fields) and known.fields[at].tag not in {None, item.tag}:
            at += 1
        if at == len(known.fields):
            out.append(_node(walk, item, tag_name(item), "ANY", depth + 1))
            continue
        found = known.fields[at]
        at += 1
        out.append(_field(walk, item, found, depth))
    return out


def _field(walk: _Walk, item: der.Element, found: _Field, depth: int) -> Node:
    section = ""
    kind = found.type
    if kind == "OID" and item.tag == der.OID:
        walk.oid = _oid(item)
    if kind == "by contentType":
        kind = _BY_CONTENT_TYPE.get(walk.oid, "ANY")
    elif kind == "by attrType":
        kind, section = _BY_ATTRIBUTE.get(walk.oid, ("ANY", ""))
        name = walk.name_of(walk.oid)
        walk.nodes += 1
        children = tuple(_node(walk, c, name, kind, depth + 2, section) for c in item.children())
        return Node(found.name, "SET", "RFC 5652, 5.3", "", item.start, item.content_start, item.end, children)
    elif kind == "by extnID":
        kind = "extnValue:" + _BY_EXTENSION.get(walk.oid, "ANY")
    if found.explicit:
        walk.nodes += 1
        children = tuple(_node(walk, c, found.name, kind, depth + 2) for c in item.children())
        wrapper = f"[{item.tag & 0x1F}] EXPLICIT"
        return Node(found.name, wrapper, "", "", item.start, item.content_start, item.end, children)
    return _node(walk, item, found.name, kind, depth, section)


def _inside(element: der.Element, type_name: str) -> tuple[der.Element, str] | None:
    """Return the element inside a string that the schema says holds ASN.1."""
    try:
        if type_name == "eContent" and not element.constructed and element.content_end > element.content_start:
            inner = der.read(element.data, element.content_start, element.content_end)
            return (inner, "ContentInfo") if inner.tag == der.SEQUENCE else None
        if type_name.startswith("extnValue:") and not element.constructed:
            return der.read(element.data, element.content_start, element.content_end), type_name.partition(":")[2]
        if type_name == "publicKey" and element.content_end - element.content_start > 2:
            inner = der.read(element.data, element.content_start + 1, element.content_end)
            return (inner, "RSAPublicKey") if inner.tag == der.SEQUENCE else None
    except der.DerError:
        return None
    return None


def _oid(element: der.Element) -> str:
    try:
        return der.oid_of(element)
    except der.DerError:
        return ""


def _value(walk: _Walk, element: der.Element, type_name: str) -> str:
    tag = element.tag
    content = element.value
    try:
        if tag == der.OID:
            dotted = der.oid_of(element)
            name = walk.name_of(dotted)
            return name if name == dotted else f"{name} ({dotted})"
        if type_name in {"serial", "modulus"}:
            number = int.from_bytes(content, "big", signed=True)
            return f"{number.bit_length()} bits" if type_name == "modulus" else f"{number:X}"
        if tag == der.INTEGER:
            number = int.from_bytes(content[:32], "big", signed=True)
            return str(number) if len(content) <= 16 else f"{len(content)} octets"
        if type_name == "keyUsage":
            bits = int.from_bytes(content[1:3].ljust(2, b"\0"), "big")
            return ", ".join(n for i, n in enumerate(KEY_USAGE_BITS) if bits & 0x8000 >> i)
        if tag in {der.UTC_TIME, der.GENERALIZED_TIME}:
            moment = parse_time(element)
            return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else content.decode("latin-1")
        if type_name == "Name":
            return Name(element.raw).rfc4514()
        if tag == der.BOOLEAN:
            return "TRUE" if content != b"\0" else "FALSE"
        if (
            tag & ~der.CONSTRUCTED in der.STRING_TYPE_NAMES
            and tag & ~der.CONSTRUCTED != der.OCTET_STRING
            and tag < der.CONTEXT
        ):
            return _meaning(type_name, der.text_of(element))
    except (der.DerError, ValueError):
        return ""
    if element.constructed or tag == der.NULL:
        return ""
    if type_name.startswith("extnValue:") or type_name in {"eContent", "publicKey"}:
        return f"{len(content)} octets"
    return content.hex(" ") if len(content) <= 32 else f"{len(content)} octets"


def _meaning(type_name: str, text: str) -> str:
    try:
        if type_name == "messageType":
            return f"{text} = {MessageType(int(text)).name}"
        if type_name == "pkiStatus":
            return f"{text} = {PkiStatus(int(text)).name}"
        if type_name == "failInfo":
            failure = FailInfo(int(text))
            return f"{text} = {failure.name}: {FAIL_INFO_MEANING[failure]}"
    except ValueError:
        return f"{text} (not in RFC 8894)"
    return text


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of two values that is not the same; None where one of them does not have it."""

    path: str
    first: bytes | None
    second: bytes | None


def fields(data: bytes, type_name: str = "ContentInfo") -> dict[str, bytes]:
    """Return every field that holds no others, by its path of names, with its content octets.

    An attribute or extension stands in the path by its own name
    ("signerInfos.signerInfo.signedAttrs.senderNonce"). Never raises.
    """
    out: dict[str, bytes] = {}
    stack: list[tuple[Node, str]] = [(describe(data, type_name), "")]
    while stack:
        node, path = stack.pop()
        if not node.children:
            out[path or node.name] = data[node.content_start : node.end]
            continue
        names = [_step(child) for child in node.children]
        for position, (child, name) in enumerate(zip(node.children, names, strict=True)):
            number = f"[{names[:position].count(name)}]" if names.count(name) > 1 else ""
            stack.append((child, ".".join(filter(None, (path, name + number if name else "")))))
    return dict(sorted(out.items()))


def _step(node: Node) -> str:
    """Return what a node adds to a path: nothing for wrappers, its own name for an attribute."""
    if node.type.endswith("EXPLICIT") or node.name in {"ContentInfo", "attrValues", "SET"}:
        return ""
    first = node.children[0] if node.children else None
    if node.name in {"attribute", "extension"} and first is not None and first.type == "OBJECT IDENTIFIER":
        return first.value.partition(" (")[0]
    return node.name


def differences(first: bytes, second: bytes, type_name: str = "ContentInfo") -> list[Difference]:
    """Return the fields in which two values of one type differ, in the order of their paths."""
    a, b = fields(first, type_name), fields(second, type_name)
    return [Difference(path, a.get(path), b.get(path)) for path in sorted({*a, *b}) if a.get(path) != b.get(path)]
