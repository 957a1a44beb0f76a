"""Who gets a certificate from the CA: at once, after a person has decided, or not at all.

Rule: reads the store and decides; writes nothing and issues nothing (`ca` does). The
steps of a decision are reported, since people read them to learn.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sceplab.asn1 import oids
from sceplab.cms.csr import CertificationRequest
from sceplab.cms.name import Name
from sceplab.cms.x509 import Certificate
from sceplab.lab.faults import faults_named
from sceplab.lab.identity import RA_UNIT
from sceplab.lab.opening import Refused, SignedRequest, Strictness, is_one_of
from sceplab.lab.replies import ReplyForm
from sceplab.lab.store import Store
from sceplab.scep.attributes import FailInfo, MessageType

DEFAULT_CAPABILITIES = (
    *("AES", "DES3", "POSTPKIOperation", "Renewal", "SHA-1", "SHA-256", "SHA-384", "SHA-512"),
    *("SCEPStandard", "GetNextCACert"),
)
"""SHA-384 is there for strongSwan 5.9.8, which uses AES only with a CA that offers it."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Who gets a certificate from this CA, and how it answers.

    `challenges` are challengePasswords that can be used any number of times;
    one-time ones are in the store. A request without a challengePassword, or with
    one where none is set, waits for a person. `grant_auto` grants everything (as
    `grant auto` of Cisco IOS does); `ra_auto` grants what an RA of this CA signed
    (`grant ra-auto`). A request for an RA certificate always waits for a person.
    `renewal_window` is how long before its end a certificate may be renewed (None:
    any time). `max_pending` requests may wait for a person, of `max_pending_size`
    bytes together.
    """

    challenges: tuple[str, ...] = field(default=(), repr=False)
    grant_auto: bool = False
    ra_auto: bool = True
    renewal_window: timedelta | None = None
    validity: timedelta = timedelta(days=365)
    capabilities: tuple[str, ...] = DEFAULT_CAPABILITIES
    strict: Strictness = Strictness()
    max_pending: int = 1000
    max_pending_size: int = 10_000_000
    crl_url: str | None = None
    form: ReplyForm = ReplyForm()


DEFAULT_POLICY = Policy()


def with_faults(policy: Policy, *names: str) -> Policy:
    """Return the policy with these faults and no others (see `faults.FAULTS`). Raises InputError for unknown ones."""
    return replace(policy, form=replace(policy.form, faults=faults_named(*names)))


# --------------------------------------------------------------- RAs


def _units(name: Name) -> set[str]:
    unit = oids.ORGANIZATIONAL_UNIT_NAME
    return {a.value.strip().casefold() for rdn in name.rdns for a in rdn if a.oid == unit}


def is_ra(certificate: Certificate) -> bool:
    """Whether a certificate of this CA is an RA's: `OU=ioscs RA` in its subject."""
    return RA_UNIT.casefold() in _units(certificate.subject)


def wants_ra(request: CertificationRequest) -> bool:
    """Whether the certificate would be an RA's."""
    return RA_UNIT.casefold() in _units(request.subject)


# --------------------------------------------------------------- the decision

WRONG_CHALLENGE = "the challengePassword is wrong, used already or too old"


def challenge_digest(text: str) -> bytes:
    """Return the SHA-256 by which the store knows a one-time challengePassword."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a certificate is issued at once (else a person decides), and which one-time challenge that uses up.

    `challenge` is its `challenge_digest`, None where no one-time challenge was used.
    """

    granted: bool
    challenge: bytes | None = None


@dataclass(frozen=True, slots=True)
class Judge:
    """Decides on one request: the CA's policy, store and subject, the time, and the list that gets the steps."""

    policy: Policy
    store: Store
    issuer: Name
    now: datetime
    steps: list[str]

    def authorise(self, incoming: SignedRequest, request: CertificationRequest) -> Verdict:
        """Return what becomes of a PKCSReq or RenewalReq. Raises Refused when a person should not even be asked."""
        policy, steps = self.policy, self.steps
        if request.subject.raw == self.issuer.raw:
            raise Refused(FailInfo.badRequest, "the subject is the CA's own")
        renewed = self._renewable(incoming.signer)
        if incoming.attributes.type is MessageType.RenewalReq and renewed is None:
            raise Refused(FailInfo.badRequest, "a RenewalReq must be signed with the certificate to renew")
        if renewed is not None and is_ra(renewed) and policy.ra_auto and not wants_ra(request):
            steps.append("granted: signed by an RA of this CA")
            return Verdict(granted=True)
        if renewed is not None and renewed.subject.raw == request.subject.raw:
            self._check_window(renewed)
            steps.append("granted: renewal with the old certificate")
            return Verdict(granted=True)
        if incoming.attributes.type is MessageType.RenewalReq:
            raise Refused(FailInfo.badRequest, "a RenewalReq must ask for the subject of the certificate that signs it")
        if wants_ra(request):
            steps.append(f"waits for a person: OU={RA_UNIT} would make it an RA")
            return Verdict(granted=False)
        if policy.grant_auto:
            steps.append("granted: this CA grants everything")
            return Verdict(granted=True)
        return self._check_challenge(request)

    def _renewable(self, signer: Certificate) -> Certificate | None:
        """Return the signer's certificate if this CA issued it. Raises Refused if it is revoked or not valid now."""
        serial = signer.serial_number
        issued = self.store.issued(serial) if serial > 0 else None
        if issued is None or issued.der != signer.der:
            return None
        if issued.revoked is not None:
            raise Refused(FailInfo.badRequest, f"the signer's certificate was revoked {issued.revoked:%Y-%m-%d}")
        start, end = signer.not_before, signer.not_after
        if start is None or end is None or not start <= self.now <= end:
            raise Refused(FailInfo.badRequest, f"the signer's certificate is valid from {start} to {end}")
        self.steps.append("the signer's certificate is this CA's")
        return signer

    def _check_window(self, old: Certificate) -> None:
        window, end = self.policy.renewal_window, old.not_after
        if window is not None and end is not None and end - self.now > window:
            raise Refused(FailInfo.badRequest, f"it is too early: renewal is possible {window.days} days before {end}")

    def _check_challenge(self, request: CertificationRequest) -> Verdict:
        given, steps = request.challenge_password, self.steps
        if given is None:
            steps.append("waits for a person: no challengePassword")
            return Verdict(granted=False)
        if is_one_of(given, self.policy.challenges):
            steps.append("granted: the challengePassword is right")
            return Verdict(granted=True)
        digest = challenge_digest(given)
        once = self.store.challenge(digest)
        if once is not None:
            fresh = not once.used and (once.expires is None or self.now <= once.expires)
            if fresh and once.subject in {None, request.subject.raw}:
                steps.append("granted: the one-time challengePassword is right")
                return Verdict(granted=True, challenge=digest)
        if once is None and not self.policy.challenges:
            # Cisco IOS sends whatever was typed at its prompt, also to a CA that never asked for it.
            steps.append("waits for a person: this CA has no challengePassword to compare with")
            return Verdict(granted=False)
        raise Refused(FailInfo.badRequest, WRONG_CHALLENGE)
