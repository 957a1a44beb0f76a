"""Messages with other content than they should have: another kind of file, text in place of DER."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from sceplab.analysis.faults.model import Context, Fault, Hit, Likelihood
from sceplab.asn1 import der, oids
from sceplab.cms.csr import CertificationRequest
from sceplab.scep.attributes import MessageType
from sceplab.scep.conversation import DecodedExchange
from sceplab.scep.message import PkiMessage

_C = Likelihood.CERTAIN

APPLE_PLIST = Fault(
    "apple-profile",
    "This is Apple's profile service (a signed property list), not SCEP: SCEP comes after it.",
    "Answer it with a profile that holds a SCEP payload; capture the SCEP traffic that follows.",
    explains=_C,
)
ENVELOPE_ALONE = Fault(
    "envelope-alone",
    "This is an EnvelopedData alone: nobody signed it, so it is no SCEP message.",
    "Put it into a SignedData with the SCEP attributes.",
    section="RFC 8894, 3.2",
    explains=_C,
)
CSR_PEM = Fault(
    "csr-pem",
    "The envelope holds the CSR as PEM text; SCEP wants DER.",
    "Encrypt the DER of the CSR (openssl req -outform DER).",
    section="RFC 8894, 3.3.1",
    explains=_C,
)
CSR_BASE64 = Fault(
    "csr-base64",
    "The envelope holds the CSR as base64 text; SCEP wants DER.",
    "Encrypt the DER of the CSR, not its base64.",
    section="RFC 8894, 3.3.1",
    explains=_C,
)
CSR_NO_OUTER = Fault(
    "csr-no-outer",
    "The CSR in the envelope lacks its outer SEQUENCE.",
    "Encrypt the whole CertificationRequest: SEQUENCE { certificationRequestInfo, signatureAlgorithm, signature }.",
    section="RFC 2986, 4.2",
    explains=_C,
)
CSR_IS_OTHER = Fault(
    "csr-is-other",
    "The envelope holds no CSR.",
    "Encrypt a PKCS#10 CertificationRequest (DER) in a PKCSReq or RenewalReq.",
    section="RFC 8894, 3.3.1",
    explains=_C,
)
_REQUESTS = {MessageType.PKCSReq, MessageType.RenewalReq, MessageType.UpdateReq}


def kind(item: DecodedExchange, _context: Context) -> Iterator[Hit]:
    """Yield the kind of data that a request has in place of a SCEP message."""
    message = item.request
    if message is None:
        return
    content = message.signed.content or b""
    start = content[:200].lstrip()
    if message.attributes.message_type is None and (
        start.startswith((b"<?xml", b"<!DOCTYPE plist", b"<plist", b"bplist"))
    ):
        yield Hit(APPLE_PLIST, f"the signed content begins with {start[:40].decode('latin-1')!r}")
    if not message.signed.signer_infos and der.oid(oids.ENVELOPED_DATA) in message.raw[:32]:
        yield Hit(ENVELOPE_ALONE, "the outer contentType is envelopedData")


def inside(message: PkiMessage) -> Iterator[Hit]:
    """Yield the kind of data that an envelope has in place of a CSR."""
    data = message.message_data
    if message.type not in _REQUESTS or not isinstance(data, CertificationRequest) or not data.problems:
        return
    plain = data.raw
    if b"-----BEGIN" in plain[:64]:
        label = re.search(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----", plain)
        yield Hit(CSR_PEM, f"it begins with BEGIN {label[1].decode() if label else '...'}")
    elif re.fullmatch(rb"\s*MI[A-Za-z0-9+/=\s]+", plain) and _is_base64(plain):
        yield Hit(CSR_BASE64, f"it begins with {plain[:16].decode('latin-1')!r}")
    elif _without_outer(plain):
        yield Hit(CSR_NO_OUTER, "it begins with the certificationRequestInfo (SEQUENCE { INTEGER 0, ...)")
    else:
        yield Hit(CSR_IS_OTHER, str(data.problems[0]))


def _is_base64(text: bytes) -> bool:
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)[:1] == b"\x30"
    except binascii.Error:
        return False


def _without_outer(plain: bytes) -> bool:
    """Whether bytes are the parts of a CertificationRequest without the outer SEQUENCE."""
    try:
        info = der.read(plain)
        fields = info.children()
        if info.tag == der.INTEGER:  # the header of the certificationRequestInfo is missing, too
            return True
        return info.tag == der.SEQUENCE and len(fields) >= 3 and fields[0].tag == der.INTEGER and info.end <= len(plain)
    except der.DerError:
        return False


FAULTS = (APPLE_PLIST, ENVELOPE_ALONE, CSR_PEM, CSR_BASE64, CSR_NO_OUTER, CSR_IS_OTHER)
