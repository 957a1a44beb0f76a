"""Faults of the certificate in a SUCCESS: is it there, new, first, and usable (RFC 8894, 3.3.2.1 and 3.4)?"""

from __future__ import annotations

from collections.abc import Iterator

from sceplab.analysis.faults.model import Context, Fault, Hit, Likelihood, Side
from sceplab.analysis.faults.said import BY_ID
from sceplab.scep.attributes import MessageType, PkiStatus
from sceplab.scep.conversation import DecodedExchange
from sceplab.scep.messagedata import CertsOnly

NOT_FIRST = Fault(
    "issued-not-first",
    "The reply has another certificate (the CA's) first, the issued one behind it; Apple takes the first.",
    "Have the CA put the issued certificate first, or send it alone.",
    section="RFC 8894, 3.4",
    explains=Likelihood.LIKELY,
)
RENEWED_NOTHING = Fault(
    "renewed-nothing",
    "The renewal was answered with the certificate that was to be renewed: nothing new was issued.",
    "Renew with a new CSR, or have the server issue a new certificate for a renewal.",
    section="RFC 8894, 2.5",
    explains=Likelihood.CERTAIN,
)
EMPTY_CONTENT = BY_ID["empty-content"]


def issued(item: DecodedExchange, _context: Context) -> Iterator[Hit]:
    """Yield faults that make an issued certificate unusable for the client."""
    reply, request = item.reply, item.request
    if reply is None or reply.attributes.status is not PkiStatus.SUCCESS:
        return
    asks = request is None or request.type not in {MessageType.GetCert, MessageType.GetCRL}
    if asks and not reply.signed.content:
        yield Hit(EMPTY_CONTENT, "pkiStatus 0 (SUCCESS) without content", None, Likelihood.LIKELY, Side.REPLY)
        return
    data = reply.message_data
    if not isinstance(data, CertsOnly) or not data.certificates:
        return
    first, mine = data.certificates[0], item.issued
    if mine is not None and first.der != mine.der:
        yield Hit(NOT_FIRST, f"first: {first}; issued: {mine}", side=Side.REPLY)
    elif mine is not None and item.answers is None and first.is_ca and len(data.certificates) > 1:
        yield Hit(NOT_FIRST, f"first: {first}, a CA's", side=Side.REPLY)
    signer = request.verification.signer if request is not None else None
    if signer is not None and mine is not None and mine.der == signer.der:
        yield Hit(RENEWED_NOTHING, f"serial number {mine.serial_hex} and validity are as before", side=Side.REPLY)


FAULTS = (NOT_FIRST, RENEWED_NOTHING)
