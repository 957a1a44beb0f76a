"""Recipients of a request compared with the certificates of the server (RFC 8894, 2.1.2 and 3.2.2)."""

from __future__ import annotations

from collections.abc import Iterator

from sceplab.analysis.faults.ca_certificates import key_name
from sceplab.analysis.faults.model import Context, Fault, Hit, Likelihood
from sceplab.cms.keytransport import KeyTransRecipient
from sceplab.cms.verify import CheckName, Outcome
from sceplab.cms.x509 import Certificate, CertificateIdentifier, rsa_bits
from sceplab.scep.attributes import FailInfo
from sceplab.scep.conversation import DecodedExchange

_P, _L = Likelihood.POSSIBLE, Likelihood.LIKELY

WRONG_RECIPIENT = Fault(
    "wrong-recipient",
    "The request is encrypted for a certificate that GetCACert did not return.",
    "Fetch the CA certificate again (GetCACert): it was renewed, or an old copy is configured.",
    section="RFC 8894, 3.2.2",
    explains=Likelihood.CERTAIN,
)
SIGNING_ONLY = Fault(
    "signing-only-recipient",
    "The request is encrypted for a certificate that is not for encryption (no keyEncipherment).",
    "Encrypt for the certificate with keyEncipherment from the CA's set (the RA's), or give the CA's that bit.",
    section="RFC 8894, 2.1.2",
    explains=_L,
)
CA_NOT_RA = Fault(
    "ca-instead-of-ra",
    "The request is encrypted for the CA's certificate although GetCACert returned an RA certificate for encryption.",
    "Encrypt for the RA certificate with keyEncipherment.",
    section="RFC 8894, 2.1.2",
    explains=_L,
)
KEY_ID_WRAPPED = Fault(
    "key-id-wrapped",
    "The recipient's key identifier has its OCTET STRING header (04 14) inside: it is the CA's key, written wrongly.",
    "Write the content of the extension's OCTET STRING, without its header, into subjectKeyIdentifier.",
    section="RFC 5652, 6.2.1",
    explains=_L,
)
OTHER_KEY = Fault(
    "request-for-another-key",
    "The request is encrypted for a key that you did not give.",
    "Give the private key of the certificate that the request names.",
    explains=_P,
)
NO_ENCRYPTION_KEY = Fault(
    "no-encryption-key",
    "The signer's key cannot decrypt, so no reply can be encrypted for it.",
    "Sign requests with an RSA key, or use a password recipient.",
    section="RFC 8894, 3.1",
    explains=_P,
)


def recipients(item: DecodedExchange, context: Context) -> Iterator[Hit]:
    """Yield a request that is encrypted for a wrong recipient."""
    request = item.request
    if request is None or request.enveloped is None:
        return
    signer = request.verification.signer
    fits = request.verification[CheckName.SIGNATURE].outcome is Outcome.PASSED
    if signer is not None and fits and rsa_bits(signer.public_key_info) is None:
        yield Hit(NO_ENCRYPTION_KEY, f"{signer.subject} signs with {key_name(signer)}")
    named = [r.identifier for r in request.enveloped.recipients if isinstance(r, KeyTransRecipient)]
    given, known = context.ca_certificates, (*context.ca_certificates, *context.held.certificates)
    wrapped = [i for i in named if any(_is_wrapped(i, c) for c in known)]
    for identifier in wrapped:
        yield Hit(
            KEY_ID_WRAPPED, f"it is {identifier}; without 04 14 it is the key identifier of {_owner(identifier, known)}"
        )
    if named and given and not wrapped and not any(i.matches(c) for i in named for c in given):
        yield Hit(WRONG_RECIPIENT, f"it is for {named[0]}; GetCACert gave {'; '.join(map(str, given[:6]))}")
    # A CA that rejects the content has decrypted it.
    failure = item.reply.attributes.failure if item.reply is not None else None
    sure = _P if failure not in {None, FailInfo.badMessageCheck} else _L
    for target in (c for i in named for c in known if i.matches(c)):
        usage = target.key_usage
        if usage is not None and "keyEncipherment" not in usage:
            yield Hit(SIGNING_ONLY, f"{target} has {', '.join(sorted(usage))}", None, sure)
            break
        beside = context.certificates_beside(target)
        encrypting = [c for c in beside if not c.is_ca and "keyEncipherment" in (c.key_usage or ())]
        if target.is_ca and encrypting and target not in encrypting:
            yield Hit(
                CA_NOT_RA, f"it is for {target}; {encrypting[0]} is the RA certificate for encryption", None, sure
            )
            break
    mine = [c for c in known if c.public_key_info in context.held.keys] if request.opened is None else []
    if named and mine and not wrapped and not any(i.matches(c) for i in named for c in mine):
        yield Hit(OTHER_KEY, f"it is for {named[0]}; you gave the key of {mine[0]}")


def _is_wrapped(identifier: CertificateIdentifier, certificate: Certificate) -> bool:
    key_id = identifier.key_identifier
    own = certificate.subject_key_identifier
    return key_id is not None and own is not None and len(key_id) == len(own) + 2 and key_id[2:] == own


def _owner(identifier: CertificateIdentifier, known: tuple[Certificate, ...]) -> Certificate | None:
    return next((c for c in known if _is_wrapped(identifier, c)), None)


FAULTS = (WRONG_RECIPIENT, SIGNING_ONLY, CA_NOT_RA, KEY_ID_WRAPPED, OTHER_KEY, NO_ENCRYPTION_KEY)
