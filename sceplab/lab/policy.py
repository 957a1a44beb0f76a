"""Policy of the CA: grant a request at once, leave it pending, or refuse it.

Rule: reads the store and decides; writes nothing and issues nothing (`ca` does). The
steps of a decision are reported, so that people can learn from them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sceplab.asn1 import der, oids
from sceplab.cms.attribute import Attribute
from sceplab.cms.csr import CertificationRequest, build_extensions
from sceplab.cms.name import Name, fold, same_name
from sceplab.cms.x509 import Certificate, parse_certificate
from sceplab.lab.chains import issued_by
from sceplab.lab.claims import CLAIMS, TLS_USAGES, Claims, claims_of
from sceplab.lab.faults import faults_named
from sceplab.lab.identity import RA_UNIT
from sceplab.lab.opening import Refused, SignedRequest, Strictness, is_one_of
from sceplab.lab.replies import ReplyForm
from sceplab.lab.store import Store
from sceplab.lab.vouching import is_vouched, renewed_by
from sceplab.scep.attributes import FailInfo, MessageType

DEFAULT_CAPABILITIES = (
    *("AES", "DES3", "POSTPKIOperation", "Renewal", "SHA-1", "SHA-256", "SHA-384", "SHA-512"),
    *("SCEPStandard", "GetNextCACert"),
)
"""SHA-384 is for strongSwan 5.9.8, which uses AES only if the CA offers it."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Who gets a certificate from this CA, and how it answers.

    `challenges` are challengePasswords that can be used any number of times;
    one-time ones are in the store. A request without a challengePassword, or with
    one where none is set, is pending. `grant_auto` grants everything (as
    `grant auto` of Cisco IOS does); `ra_auto` grants what an RA of this CA signed
    (`grant ra-auto`). `renewal_window` is how long before its end a certificate may
    be renewed (None: any time).

    Whichever way it comes, a request needs approval where it asks for an RA
    certificate, for a subjectAltName that none of `alt_names` allows (patterns of what
    OpenSSL prints, as ``DNS:*.example``), or for an extendedKeyUsage that is not one of
    `usages` (object identifiers). A renewal may have what the old certificate has.
    `max_pending` requests may wait for a person, of `max_pending_size` bytes together. A store
    of `max_store_size` bytes takes no more requests: a certificate and its request have about 2200.
    """

    challenges: tuple[str, ...] = field(default=(), repr=False)
    grant_auto: bool = False
    ra_auto: bool = True
    renewal_window: timedelta | None = None
    alt_names: tuple[str, ...] = ()
    usages: tuple[str, ...] = TLS_USAGES
    validity: timedelta = timedelta(days=365)
    capabilities: tuple[str, ...] = DEFAULT_CAPABILITIES
    strict: Strictness = Strictness()
    max_pending: int = 1000
    max_pending_size: int = 10_000_000
    max_store_size: int = 1_000_000_000
    crl_url: str | None = None
    form: ReplyForm = ReplyForm()


DEFAULT_POLICY = Policy()


def with_faults(policy: Policy, *names: str) -> Policy:
    """Return the policy with these faults and no others (see `faults.FAULTS`). Raises InputError for unknown ones."""
    return replace(policy, form=replace(policy.form, faults=faults_named(*names)))


# --------------------------------------------------------------- RAs


_RA_UNIT = fold(RA_UNIT)


def is_name_of_ra(name: Name) -> bool:
    """Whether this CA takes a subject for an RA's."""
    unit = oids.ORGANIZATIONAL_UNIT_NAME
    return any(a.oid == unit and fold(a.value) == _RA_UNIT for rdn in name.rdns for a in rdn)


def is_ra(certificate: Certificate) -> bool:
    """Whether a certificate of this CA is an RA's: `OU=ioscs RA` in its subject."""
    return is_name_of_ra(certificate.subject)


def wants_ra(request: CertificationRequest) -> bool:
    """Whether the certificate would be an RA's."""
    return is_name_of_ra(request.subject)


# --------------------------------------------------------------- the decision

WRONG_CHALLENGE = "the challengePassword is wrong, used already or too old"


def challenge_digest(text: str) -> bytes:
    """Return the SHA-256 under which the store has a one-time challengePassword."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a certificate is issued at once (else a person decides), for which request, and what that uses up.

    `request` is the one that came, or for a renewal with subject and claims of the old
    certificate. `challenge` is the `challenge_digest` of a one-time challengePassword,
    None where none was used. `same_ra`: an RA renews its own certificate.
    """

    granted: bool
    request: CertificationRequest
    challenge: bytes | None = None
    same_ra: bool = False


@dataclass(frozen=True, slots=True)
class Judge:
    """Decides on one request. Holds the CA's policy, store and certificate, the time, and the list for the steps."""

    policy: Policy
    store: Store
    issuer: Certificate
    now: datetime
    steps: list[str]

    def authorise(self, incoming: SignedRequest, request: CertificationRequest) -> Verdict:
        """Return what becomes of a PKCSReq or RenewalReq. Raises Refused when a person should not even be asked."""
        if same_name(request.subject, self.issuer.subject):
            raise Refused(FailInfo.badRequest, "the subject is the CA's own")
        holder = self._renewable(incoming.signer)
        renewing = holder is not None and same_name(holder.subject, request.subject)
        if incoming.attributes.type is MessageType.RenewalReq and not renewing:
            if holder is None:
                raise Refused(FailInfo.badRequest, "a RenewalReq must be signed with the certificate to renew")
            raise Refused(FailInfo.badRequest, "a RenewalReq must ask for the subject of the certificate that signs it")
        by_ra = holder is not None and is_ra(holder)
        if not by_ra and not renewing:
            check_own_key(incoming.signer, request)
        if wants_ra(request):
            # First of all: whoever signs, and whatever else the policy grants.
            if holder is not None and renewing and self._is_same_ra(incoming, holder, request):
                return self._renew(holder, request, same_ra=True)
            self.steps.append(f"needs approval: OU={RA_UNIT} would make it an RA")
            return Verdict(granted=False, request=request)
        if holder is not None and renewing:
            return self._renew(holder, request)
        if by_ra and self.policy.ra_auto and is_vouched(incoming.signed):
            old = self._renewed_through_ra(incoming, request)
            return (
                self._renew(old, request) if old is not None else self._granted(request, "signed by an RA of this CA")
            )
        if self.policy.grant_auto:
            return self._granted(request, "this CA grants everything")
        return self._check_challenge(request)

    def _granted(self, request: CertificationRequest, why: str, challenge: bytes | None = None) -> Verdict:
        """Grant a request, or let it wait where it asks for more than the policy gives without a person."""
        beyond = claims_of(request.extensions).beyond(self.policy.alt_names, self.policy.usages)
        if beyond:
            self.steps.extend((why, f"needs approval: {beyond}"))
        else:
            self.steps.append(f"granted: {why}")
        return Verdict(granted=not beyond, request=request, challenge=challenge)

    def _is_same_ra(self, incoming: SignedRequest, holder: Certificate, request: CertificationRequest) -> bool:
        """Whether an RA of this CA renews its own certificate, so that nobody becomes an RA who was none.

        A client of the RA that asks for the RA's name cannot bring this about, also
        where an RA passes on everything: what an RA passes on is a PKCSReq, and a
        request with the RA's key has a proof of possession that only the RA can make. A
        key that is in a revoked certificate renews nothing.
        """
        key, kind = holder.public_key_info, incoming.attributes.type
        if not is_ra(holder) or kind is not MessageType.RenewalReq or request.public_key_info != key:
            return False
        return all(parse_certificate(i.der).public_key_info != key for i in self.store.all_revoked())

    def _renew(self, old: Certificate, request: CertificationRequest, *, same_ra: bool = False) -> Verdict:
        """Grant a renewal with what the old certificate had; one that asks for more needs approval."""
        self._check_window(old)
        more = claims_of(request.extensions).without(_claims_of(old))
        if more:
            self.steps.append(f"needs approval: a renewal that asks for more than the old certificate has: {more}")
            return Verdict(granted=False, request=request)
        what = "renewal of an RA's own certificate, with its key" if same_ra else "renewal with the old certificate"
        self.steps.append(f"granted: {what}")
        taken = (*CLAIMS, oids.KEY_USAGE) if same_ra else CLAIMS
        kept = [e for e in request.extensions if e.oid not in taken] + [e for e in old.extensions if e.oid in taken]
        attribute = Attribute(oids.EXTENSION_REQUEST, (build_extensions(kept),))
        renewed = replace(request, subject=old.subject, attributes=(attribute,))
        return Verdict(granted=True, request=renewed, same_ra=same_ra)

    def _renewed_through_ra(self, incoming: SignedRequest, request: CertificationRequest) -> Certificate | None:
        """Return the certificate that an RA renews, where it has all that is asked for. Raises Refused."""
        named = renewed_by(incoming.signed)
        old = self._renewable(named, "the certificate that the RA renews") if named is not None else None
        if old is None or not same_name(old.subject, request.subject):
            return None
        return None if claims_of(request.extensions).without(_claims_of(old)) else old

    def _renewable(self, signer: Certificate, what: str = "the signer's certificate") -> Certificate | None:
        """Return a certificate if this CA issued it. Raises Refused if it is revoked or not valid now."""
        serial = signer.serial_number
        issued = self.store.issued(serial) if serial > 0 else None
        if issued is None or issued.der != signer.der:
            return None
        if issued.revoked is not None:
            raise Refused(FailInfo.badRequest, f"{what} was revoked {issued.revoked:%Y-%m-%d}")
        start, end = signer.not_before, signer.not_after
        if start is None or end is None or not start <= self.now <= end:
            raise Refused(FailInfo.badRequest, f"{what} is valid from {start} to {end}")
        self.steps.append(f"{what} is this CA's")
        return signer

    def _check_window(self, old: Certificate) -> None:
        window, end = self.policy.renewal_window, old.not_after
        if not issued_by(old, self.issuer):
            return  # after a rollover: it should follow
        if window is not None and end is not None and end - self.now > window:
            raise Refused(FailInfo.badRequest, f"it is too early: renewal is possible {window.days} days before {end}")

    def _check_challenge(self, request: CertificationRequest) -> Verdict:
        given, steps = request.challenge_password, self.steps
        if given is None:
            steps.append("needs approval: no challengePassword")
            return Verdict(granted=False, request=request)
        if is_one_of(given, self.policy.challenges):
            return self._granted(request, "the challengePassword is right")
        digest = challenge_digest(given)
        once = self.store.challenge(digest)
        if once is not None:
            fresh = not once.used and (once.expires is None or self.now <= once.expires)
            if fresh and (once.subject is None or same_name(Name(once.subject), request.subject)):
                return self._granted(request, "the one-time challengePassword is right", digest)
        if once is None and not self.policy.challenges:
            # Cisco IOS sends what was typed at its prompt even to a CA that does not require it.
            steps.append("needs approval: this CA has no challengePassword to compare with")
            return Verdict(granted=False, request=request)
        raise Refused(FailInfo.badRequest, WRONG_CHALLENGE)


def check_own_key(signer: Certificate, request: CertificationRequest) -> None:
    """Raise Refused where a request is signed with another key than its own (RFC 8894, 2.3).

    Anybody may sign a captured envelope anew. The reply is encrypted for the signer, for
    an EC key under the challengePassword inside: it could then be guessed offline.
    """
    if signer.public_key_info != request.public_key_info:
        reason = "the message is signed with another key than the request inside (RFC 8894, 2.3)"
        raise Refused(FailInfo.badMessageCheck, reason)


def _claims_of(certificate: Certificate) -> Claims:
    try:
        return claims_of(certificate.extensions)
    except der.DerError:
        return Claims()
