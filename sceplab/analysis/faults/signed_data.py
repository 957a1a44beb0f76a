"""Faults of SignedData: structure, attributes, signature, signer (RFC 5652, 5; RFC 8894, 3.2).

Rule: failed checks of `message.verification` become broken rules; they are not run
again.
"""

from __future__ import annotations

from collections.abc import Iterator

from sceplab.analysis.faults.model import Fault, Hit, Level, Likelihood
from sceplab.asn1 import der, oids
from sceplab.asn1.scan import is_sorted
from sceplab.cms.reason import Reason
from sceplab.cms.verify import CheckName, Outcome
from sceplab.scep.attributes import MessageType
from sceplab.scep.message import PkiMessage

READABLE = Fault(
    "readable",
    "The message cannot be read to its end as CMS.",
    "Look at the bytes at the offset; check that all of it was captured and that nothing changed it on the way.",
    section="RFC 5652",
    level=Level.MUST,
    rule="the message is CMS that can be read",
    explains=Likelihood.LIKELY,
)
BER = Fault(
    "ber",
    "The message is BER of indefinite length, which some programs cannot read.",
    "Write DER: definite lengths.",
    section="RFC 5652, 3",
    level=Level.INFO,
    rule="DER is what everybody reads",
    seen="micromdm, jscep, iOS",
    explains=Likelihood.POSSIBLE,
)
ONE_SIGNER = Fault(
    "one-signer",
    "The message does not have exactly one signer.",
    "Sign with one SignerInfo.",
    section="RFC 8894, 3.2",
    level=Level.MUST,
    rule="there is one SignerInfo",
    explains=Likelihood.LIKELY,
)
CONTENT_TYPE = Fault(
    "content-type",
    "The signed content is not of type data.",
    "Write eContentType 1.2.840.113549.1.7.1 (data).",
    section="RFC 8894, 3.2",
    level=Level.MUST,
    rule="eContentType is data",
    explains=Likelihood.LIKELY,
)
SIGNED_ATTRIBUTES = Fault(
    "signed-attributes",
    "The signature covers no signed attributes.",
    "Add signedAttrs with the SCEP attributes, and sign those.",
    section="RFC 8894, 3.2",
    level=Level.MUST,
    rule="the signature is over attributes",
    explains=Likelihood.LIKELY,
)
CMS_ATTRIBUTES = Fault(
    "cms-attributes",
    "The signed attribute contentType or messageDigest is missing or has several values.",
    "Send each of the two with one value; clients such as jscep refuse a message without them.",
    section="RFC 5652, 11",
    level=Level.MUST,
    rule="contentType and messageDigest, one value each",
    explains=Likelihood.LIKELY,
)
REPEATED_ATTRIBUTE = Fault(
    "repeated-attribute",
    "A signed attribute is there twice or has two values, so that two readers may read different ones.",
    "Send each signed attribute once, with one value.",
    section="RFC 5652, 11",
    level=Level.MUST,
    rule="each signed attribute is there once, with one value",
    explains=Likelihood.LIKELY,
)


def structure(message: PkiMessage) -> Iterator[Hit]:
    """Yield parts of the SignedData that break RFC 5652 or RFC 8894."""
    signed, info = message.signed, message.signed.signer_info
    for problem in signed.problems:
        yield Hit(READABLE, str(problem), problem.offset)
    if message.raw[1:2] == b"\x80":
        yield Hit(BER, "the length is indefinite", 0)
    if len(signed.signer_infos) > 1 or (info is None and not signed.problems):
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
    check = message.verification[CheckName.STRUCTURE]
    if check.reason in {Reason.REPEATED_ATTRIBUTE, Reason.SEVERAL_VALUES}:
        yield Hit(REPEATED_ATTRIBUTE, check.detail)


ATTRIBUTE_ORDER = Fault(
    "attribute-order",
    "The signed attributes are not in DER order.",
    "Sort the attributes before signing.",
    section="RFC 5652, 5.4",
    level=Level.INFO,
    rule="signedAttrs are sent in DER order",
)


def attribute_order(message: PkiMessage) -> Iterator[Hit]:
    """Yield signedAttrs that are not sent in the order that DER gives a SET OF."""
    info = message.signed.signer_info
    if info is None or not info.signed_attributes_raw:
        return
    raw = info.signed_attributes_raw
    try:
        element = der.read(raw)
    except der.DerError:
        return
    if not is_sorted(raw, element.content_start, element.content_end):
        yield Hit(ATTRIBUTE_ORDER, "they are not sorted", max(message.raw.find(raw), 0))


DIGEST = Fault(
    "digest",
    "The content was changed after it was signed.",
    "Find what changes the body between signing and sending, and send it unchanged.",
    section="RFC 5652, 5.4",
    level=Level.MUST,
    rule="messageDigest fits the content",
    explains=Likelihood.CERTAIN,
)
SIGNATURE = Fault(
    "signature",
    "The signature does not fit the signer's certificate.",
    "Sign with the key of the certificate that is sent; see that nothing changes bytes on the way.",
    section="RFC 5652, 5.6",
    level=Level.MUST,
    rule="the signature verifies",
    explains=Likelihood.CERTAIN,
)
SIGNATURE_ALGORITHM = Fault(
    "signature-algorithm",
    "The signature algorithm does not fit the digestAlgorithm, or has parameters that are not allowed.",
    "Sign with the digest that digestAlgorithm names; leave the trailerField of RSASSA-PSS out.",
    section="RFC 4056, 3",
    level=Level.MUST,
    rule="the signature is made with the digest of digestAlgorithm",
    explains=Likelihood.CERTAIN,
)
VALIDITY = Fault(
    "validity",
    "The signer's certificate was not valid when the message was signed.",
    "Renew the certificate, or set the signer's clock (NTP).",
    section="RFC 5280, 4.1.2.5",
    level=Level.MUST,
    rule="the signer's certificate is valid at signing",
    explains=Likelihood.CERTAIN,
)
CHAIN = Fault(
    "chain",
    "The signer's certificate does not chain to the CA whose certificate was given.",
    "Give the certificates in between (--cert), or use a certificate that this CA issued.",
    section="RFC 8894, 2.3",
    level=Level.MUST,
    rule="the signer's certificate leads to the CA",
    explains=Likelihood.LIKELY,
)
REVOKED = Fault(
    "signer-revoked",
    "A CRL in the message says that the signer's certificate was revoked.",
    "Enroll for a new certificate.",
    section="RFC 5280, 6.3.3",
    level=Level.MUST,
    rule="the signer's certificate is not revoked",
    explains=Likelihood.LIKELY,
)
KEY_USAGE = Fault(
    "signer-key-usage",
    "The signer's certificate may not be used to sign.",
    "Issue the certificate with digitalSignature in its keyUsage, or without a keyUsage.",
    section="RFC 5280, 4.2.1.3",
    level=Level.SHOULD,
    rule="the signer's keyUsage allows digitalSignature",
    explains=Likelihood.POSSIBLE,
)
TRUSTED_CA = Fault(
    "trusted-ca",
    "The trusted CA certificate has limits of its own, which a path check does not apply.",
    "Check whether you still want to trust this CA certificate.",
    section="RFC 5280, 6.1.1",
    level=Level.INFO,
    rule="the trusted CA certificate is valid and has no limits of its own",
)
SIGNER_INCLUDED = Fault(
    "signer-included",
    "The signer's certificate is not in the message.",
    "Put the signer's certificate into certificates.",
    section="RFC 8894, 2.3",
    level=Level.MUST,
    rule="a request brings its signer's certificate",
    explains=Likelihood.LIKELY,
)


_BY_CHECK = {CheckName.DIGEST: DIGEST, CheckName.SIGNATURE: SIGNATURE, CheckName.VALIDITY: VALIDITY}
_BY_REASON: dict[Reason | None, Fault] = {
    Reason.MISSING_ATTRIBUTE: CMS_ATTRIBUTES,
    Reason.SEVERAL_VALUES: CMS_ATTRIBUTES,
    Reason.OTHER_DIGEST: SIGNATURE_ALGORITHM,
    Reason.BAD_PARAMETERS: SIGNATURE_ALGORITHM,
    Reason.REVOKED: REVOKED,
    Reason.KEY_USAGE: KEY_USAGE,
}


def verification(message: PkiMessage) -> Iterator[Hit]:
    """Yield failures of the verification of the signature and of its signer."""
    if message.signed.signer_info is None:
        return
    verified = message.verification
    for name, rule in _BY_CHECK.items():
        check = verified[name]
        if check.outcome is Outcome.FAILED:
            yield Hit(_BY_REASON.get(check.reason, rule), check.detail)
    reply = message.type is MessageType.CertRep
    chain = verified[CheckName.CHAIN]
    # A first request, and the polls for it, are self-signed.
    may = not reply and verified.signer is not None and verified.signer.self_issued
    # A short key is a finding of `strength`.
    if chain.outcome is Outcome.FAILED and not may and chain.reason is not Reason.SHORT_KEY:
        yield Hit(_BY_REASON.get(chain.reason, CHAIN), chain.detail)
    for note in chain.notes:
        if note is not Reason.SHORT_KEY:
            yield Hit(_BY_REASON.get(note, TRUSTED_CA), note.value)
    if not reply and not verified.signer_in_message:
        yield Hit(SIGNER_INCLUDED, verified[CheckName.SIGNER].detail)


SERIAL = Fault(
    "serial",
    "A serial number is longer than 20 bytes or not positive.",
    "Use a positive serial number of at most 20 bytes.",
    section="RFC 5280, 4.1.2.2",
    level=Level.INFO,
    rule="serials are positive, 20 bytes at most",
    seen="sscep, OpenSCEP: 32",
)


def serial(message: PkiMessage) -> Iterator[Hit]:
    """Yield a signer's serial number that RFC 5280 does not allow."""
    signer = message.verification.signer
    if message.signed.signer_info is not None and signer is not None and not 0 < signer.serial_number < 1 << 160:
        yield Hit(SERIAL, f"the signer's serial has {len(signer.serial)} bytes")


FAULTS = (
    *(READABLE, BER, ONE_SIGNER, CONTENT_TYPE, SIGNED_ATTRIBUTES, CMS_ATTRIBUTES, REPEATED_ATTRIBUTE, ATTRIBUTE_ORDER),
    *(DIGEST, SIGNATURE, SIGNATURE_ALGORITHM, VALIDITY, CHAIN, REVOKED, KEY_USAGE, TRUSTED_CA, SIGNER_INCLUDED, SERIAL),
)
