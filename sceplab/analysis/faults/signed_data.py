"""SignedData: its structure, its attributes, its signature, its signer (RFC 5652, 5; RFC 8894, 3.2).

Rule: the checks of `message.verification` are taken over as broken rules, never
done a second time.
"""

from __future__ import annotations

from collections.abc import Iterator

from sceplab import schema
from sceplab.analysis.faults.model import Hit, Level, Rule
from sceplab.asn1 import oids
from sceplab.asn1.scan import is_sorted
from sceplab.cms.verify import CheckName, Outcome
from sceplab.scep.attributes import MessageType
from sceplab.scep.message import PkiMessage

READABLE = Rule(
    "readable", "RFC 5652", Level.MUST, "the message is CMS that can be read", "Look at the octets at the offset."
)
BER = Rule(
    "ber", "RFC 5652, 3", Level.INFO, "DER is what everybody reads", "Write definite lengths.", "micromdm, jscep, iOS"
)
ONE_SIGNER = Rule("one-signer", "RFC 8894, 3.2", Level.MUST, "there is one SignerInfo", "Sign once.")
CONTENT_TYPE = Rule("content-type", "RFC 8894, 3.2", Level.MUST, "eContentType is data", "Write 1.2.840.113549.1.7.1.")
SIGNED_ATTRIBUTES = Rule(
    "signed-attributes", "RFC 8894, 3.2", Level.MUST, "the signature is over attributes", "Add signedAttrs."
)
CMS_ATTRIBUTES = Rule(
    "cms-attributes",
    "RFC 5652, 11",
    Level.MUST,
    "contentType and messageDigest, one value each",
    "Add what is missing.",
)


def structure(message: PkiMessage) -> Iterator[Hit]:
    """Yield where the structure of the SignedData breaks RFC 5652 or RFC 8894."""
    signed, info = message.signed, message.signed.signer_info
    for problem in signed.problems:
        yield Hit(READABLE, str(problem), problem.offset)
    if message.raw[1:2] == b"\x80":
        yield Hit(BER, "the length is indefinite", 0)
    if len(signed.signer_infos) != 1:
        yield Hit(ONE_SIGNER, f"there are {len(signed.signer_infos)}")
    if signed.content_type not in {"", oids.DATA}:
        yield Hit(CONTENT_TYPE, f"it is {oids.name_of(signed.content_type)}")
    if info is None:
        return
    if not info.signed_attributes:
        yield Hit(SIGNED_ATTRIBUTES, "there are none")
    for oid in (oids.CONTENT_TYPE, oids.MESSAGE_DIGEST) if info.signed_attributes else ():
        attribute = info.attribute(oid)
        count = 0 if attribute is None else len(attribute.values)
        if count != 1:
            yield Hit(CMS_ATTRIBUTES, f"{oids.name_of(oid)} has {count} values")


ATTRIBUTE_ORDER = Rule(
    "attribute-order", "RFC 5652, 5.4", Level.INFO, "signedAttrs are sent in DER order", "Sort them before signing."
)


def attribute_order(message: PkiMessage) -> Iterator[Hit]:
    """Yield signedAttrs that are not sent in the order that DER gives a SET OF."""
    if message.signed.signer_info is None:
        return
    node = next((n for n in schema.nodes_of(schema.describe(message.raw), 5000) if n.name == "signedAttrs"), None)
    if node is not None and not is_sorted(message.raw, node.content_start, node.content_end):
        yield Hit(ATTRIBUTE_ORDER, "they are not sorted", node.start)


DIGEST = Rule(
    "digest", "RFC 5652, 5.4", Level.MUST, "messageDigest fits the content", "The content was changed after signing."
)
SIGNATURE = Rule(
    "signature",
    "RFC 5652, 5.6",
    Level.MUST,
    "the signature verifies",
    "Is it the signer's key? Were octets changed?",
)
VALIDITY = Rule(
    "validity",
    "RFC 5280, 4.1.2.5",
    Level.MUST,
    "the signer's certificate is valid at signing",
    "Renew it; set the clock.",
)
CHAIN = Rule(
    "chain",
    "RFC 8894, 2.3",
    Level.MUST,
    "the signer's certificate leads to the CA",
    "Renew it, or trust its CA.",
)
SIGNER_INCLUDED = Rule(
    "signer-included",
    "RFC 8894, 2.3",
    Level.MUST,
    "a request brings its signer's certificate",
    "Put it in certificates.",
)


def verification(message: PkiMessage) -> Iterator[Hit]:
    """Yield what the verification of the signature and of its signer found."""
    if message.signed.signer_info is None:
        return
    verified = message.verification
    for name, rule in ((CheckName.DIGEST, DIGEST), (CheckName.SIGNATURE, SIGNATURE), (CheckName.VALIDITY, VALIDITY)):
        if verified[name].outcome is Outcome.FAILED:
            yield Hit(rule, verified[name].detail)
    reply = message.type is MessageType.CertRep
    # A first request, and the polls for it, are self-signed.
    may = not reply and verified.signer is not None and verified.signer.self_issued
    if verified[CheckName.CHAIN].outcome is Outcome.FAILED and not may:
        yield Hit(CHAIN, verified[CheckName.CHAIN].detail)
    if not reply and not verified.signer_in_message:
        yield Hit(SIGNER_INCLUDED, verified[CheckName.SIGNER].detail)


SERIAL = Rule(
    "serial", "RFC 5280, 4.1.2.2", Level.INFO, "serials are positive, 20 octets at most", "", "sscep, OpenSCEP: 32"
)


def serial(message: PkiMessage) -> Iterator[Hit]:
    """Yield a signer's serial number that RFC 5280 does not allow."""
    signer = message.verification.signer
    if message.signed.signer_info is not None and signer is not None and not 0 < signer.serial_number < 1 << 160:
        yield Hit(SERIAL, f"the signer's serial has {len(signer.serial)} octets")


RULES = (
    *(READABLE, BER, ONE_SIGNER, CONTENT_TYPE, SIGNED_ATTRIBUTES, CMS_ATTRIBUTES, ATTRIBUTE_ORDER),
    *(DIGEST, SIGNATURE, VALIDITY, CHAIN, SIGNER_INCLUDED, SERIAL),
)
