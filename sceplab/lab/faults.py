"""Ways for a CA of the lab to be wrong, each for one lesson.

Rule: a fault is data (`FAULTS`); what it changes is done where replies are built
(`replies`), asked by its identifier. None is on unless somebody asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sceplab.errors import InputError


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, and what clients were seen to make of it, one change at a time."""

    id: str
    what: str
    clients: str


_FAULTS = (
    Fault(
        "wrong-nonce", "recipientNonce is not the request's senderNonce", "certmonger and jscep refuse; others accept"
    ),
    Fault("no-nonce", "recipientNonce is missing", "micromdm, sscep, certmonger and jscep refuse"),
    Fault("wrong-transaction", "transactionID is another one", "micromdm and PyScep accept; others refuse"),
    Fault("no-status", "pkiStatus is missing", "all but PyScep refuse"),
    Fault("no-fail-info", "a FAILURE does not say why", "micromdm, sscep and jscep crash or stop with an error"),
    Fault("des-reply", "the reply is encrypted with single DES", "read by old clients; AES-only ones refuse"),
    Fault("md5-reply", "the reply is signed with MD5", "micromdm and PyScep refuse"),
    Fault("pss-reply", "the reply is signed with RSA-PSS", "all but strongSwan 6 refuse"),
    Fault("no-certificates", "the reply does not carry its signer's certificate", "nobody minds: it is known already"),
    Fault("nothing-issued", "SUCCESS without a certificate in it", "all stop with an error"),
    Fault("wrong-recipient", "the reply is encrypted for somebody else", "nobody can open it"),
    Fault("expired-signer", "the reply is signed by a certificate that has expired", "few look"),
    Fault("bad-signature", "the signature does not fit", "all refuse"),
    Fault("wrong-content-type", "Content-Type is text/html", "sscep, certmonger and jscep refuse"),
    Fault("pem-reply", "the reply is PEM text", "all refuse; sscep crashes"),
    Fault("empty-reply", "HTTP 200 with an empty body, as NDES 2012 does", "all refuse"),
    Fault(
        "empty-caps", "GetCACaps is empty", "strongSwan, PyScep and certmonger stop; jscep falls back to DES and MD5"
    ),
    Fault("caps-not-found", "GetCACaps answers 404", "as empty-caps"),
    Fault("weak-caps", "GetCACaps offers nothing newer than 3DES and SHA-1: somebody took the rest out", "all obey"),
    Fault("server-error", "PKIOperation answers 500", "all stop; some try again"),
    Fault("slow", "every answer takes 3 seconds", "most wait"),
)
FAULTS = {fault.id: fault for fault in _FAULTS}


def faults_named(*names: str) -> frozenset[str]:
    """Return the identifiers as a set; raises InputError on one that there is not."""
    unknown = set(names) - set(FAULTS)
    if unknown:
        raise InputError(f"{', '.join(sorted(unknown))}: no such fault; there are {', '.join(FAULTS)}")
    return frozenset(names)
