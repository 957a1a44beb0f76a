"""What an RA does by itself in the course of years: follow a rollover of its CA, and renew its own certificates.

Rule: no sockets and no timer: `tend` is called now and then, with the time. What an
RA works with is one value (`Standing`), replaced as a whole, so that each request
sees the old one or the new one. Another CA is trusted only where the one before
has signed it (GetNextCACert, RFC 8894, 4.7).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sceplab.cms.trust import Trust
from sceplab.cms.x509 import Certificate, parse_certificate
from sceplab.errors import ScepError
from sceplab.lab.chains import issued_by
from sceplab.lab.client import ScepClient
from sceplab.lab.clock import ended, ends_soon
from sceplab.lab.http import ClientError, UntrustedError
from sceplab.lab.identity import ENCIPHER, SIGN, Identity, make_request
from sceplab.lab.responder import Decision
from sceplab.lab.results import Result
from sceplab.scep.attributes import PkiStatus

# Between two tries.
_PAUSE = timedelta(hours=1)
_RECOVERY_PAUSE = timedelta(seconds=30)
# The next CA certificate is asked for daily, so long before the end of the current one.
_ANNOUNCED_BEFORE = timedelta(days=90)
_DAY = timedelta(days=1)
# Certificates of before that clients may still know.
_FORMER = 4


@dataclass(frozen=True, slots=True)
class Standing:
    """What an RA works with.

    `upstream` is the client that talks to the CA, and `ca` the CA's certificate once it
    is known. `former` are the RA's certificates of before, (decrypter, signer) each;
    `former_cas` the CA's before its rollovers.
    """

    upstream: ScepClient
    signer: Identity
    decrypter: Identity
    ca: Certificate | None = None
    former: tuple[tuple[Identity, Identity], ...] = ()
    former_cas: tuple[Certificate, ...] = ()

    def trust(self, now: datetime) -> Trust:
        """Return what the certificate of a device must lead to: the CA, or the CA before a rollover."""
        former = (c for c in self.former_cas if not ended(c, now))
        return Trust((self.upstream.ca.ca, *former), legacy=True)


class Upkeep:
    """Keeps a `Standing` up to date. All methods may be called from several threads."""

    def __init__(
        self,
        standing: Standing,
        name: str,
        on_decision: Callable[[Decision], None],
        on_renewed: Callable[[Standing], None],
    ) -> None:
        """Take what to begin with; what is done is told to `on_decision`, and a new standing to `on_renewed`."""
        self.standing = standing
        self._name, self._on_decision, self._on_renewed = name, on_decision, on_renewed
        self._lock = threading.Lock()
        self._waiting: dict[bytes, Result] = {}
        self._announced: Certificate | None = None
        self._tried: datetime | None = None
        self._recovered: datetime | None = None
        self._looked: datetime | None = None
        self._hinted: bytes | None = None

    def know_ca(self) -> Certificate:
        """Return the CA's certificate, and believe no other from now on. Raises ClientError."""
        standing = self.standing
        ca = standing.upstream.ca.ca
        if standing.upstream.fingerprint is None:
            standing.upstream.fingerprint = ca.fingerprint()
        if standing.ca is None:
            with self._lock:
                if self.standing is standing:
                    self.standing = replace(standing, ca=ca)
        return ca

    def take(self, signer: Identity, decrypter: Identity, upstream: ScepClient) -> None:
        """Go on with certificates that a person granted anew, and a client of the CA that is to be trusted."""
        with self._lock:
            self._waiting.clear()
            self._tried = self._recovered = None
            before = self.standing
            cas = (before.ca, *before.former_cas) if before.ca is not None else before.former_cas
            self._replace(replace(before, upstream=upstream, ca=None, former_cas=cas), signer, decrypter)

    def tend(self, now: datetime, hint: bytes | None = None) -> None:
        """Do what is due: follow the CA, renew what ends soon. Never raises; what fails is told, and tried again.

        `hint` is what somebody says is the CA's certificate (DER): no reason to believe it, but one to look.
        """
        if self._is_due(now, hint) and self._lock.acquire(blocking=False):
            try:
                self._tried, self._hinted = now, hint
                self._work(now)
            finally:
                self._lock.release()

    def recover(self, before: Standing, now: datetime) -> bool:
        """Return whether what failed with the standing `before` is worth another try, after looking for a rollover."""
        with self._lock:
            if self.standing is before and (self._recovered is None or now - self._recovered >= _RECOVERY_PAUSE):
                self._recovered = now
                self._work(now)
            return self.standing.upstream is not before.upstream or self.standing.signer is not before.signer

    # ---------------------------------------------------------- what is due

    def _is_due(self, now: datetime, hint: bytes | None) -> bool:
        standing = self.standing
        if hint is not None and hint != self._hinted:
            ca = standing.ca
            if ca.der != hint if ca is not None else not issued_by(standing.signer.parsed, parse_certificate(hint)):
                return True
        if self._tried is not None and now - self._tried < _PAUSE:
            return False
        return self._asks_for_next(now) or any(self._is_renewable(i, now) for i in self._own())

    def _own(self) -> tuple[Identity, ...]:
        """The RA's certificates, one or two."""
        standing = self.standing
        own = (standing.signer, standing.decrypter)
        return own[:1] if own[0].certificate == own[1].certificate else own

    def _is_renewable(self, own: Identity, now: datetime) -> bool:
        certificate, ca = own.parsed, self.standing.ca
        return ends_soon(certificate, now) or (ca is not None and not issued_by(certificate, ca))

    def _asks_for_next(self, now: datetime) -> bool:
        ca = self.standing.ca
        near = ca is not None and (ca.not_after is None or ca.not_after - now < _ANNOUNCED_BEFORE)
        return near and (self._looked is None or now - self._looked >= _DAY)

    def _work(self, now: datetime) -> None:
        try:
            self._follow(now)
            for own in self._own():
                if self._is_renewable(own, now):
                    self._renew(own, now)
        except ScepError as error:
            self._tell("GetCACert", "FAILURE", f"this RA looked after its certificates: {error}")

    def _tell(self, kind: str, outcome: str, *steps: str, transaction_id: str = "") -> None:
        self._on_decision(Decision(self._name, kind, transaction_id, outcome, steps))

    # ---------------------------------------------------------- following the CA

    def _follow(self, now: datetime) -> None:
        """Fetch the CA's certificate anew; another one is trusted if the one before signed it. Raises ClientError."""
        standing = self.standing
        fresh = copy(standing.upstream)
        fresh.forget()
        try:
            ca = fresh.get_ca_cert().ca
        except UntrustedError as mistrust:
            ca = self._next_of(fresh, mistrust)
        if fresh.fingerprint is None:
            fresh.fingerprint = ca.fingerprint()
        before = standing.ca
        if before is None or before.der != ca.der:
            former = standing.former_cas if before is None else (before, *standing.former_cas)
            self.standing = replace(standing, upstream=fresh, ca=ca, former_cas=former[:_FORMER])
        if self._asks_for_next(now):
            self._looked = now
            try:
                announced = fresh.get_next_ca_cert().ca
            except ClientError:
                return  # none yet
            if announced != self._announced:
                self._announced = announced
                self._tell("GetNextCACert", "SUCCESS", f"the CA's next certificate: {announced}", "the CA signed it")

    def _next_of(self, fresh: ScepClient, mistrust: ClientError) -> Certificate:
        """Return the certificate of a CA that the one before announced. Raises `mistrust` where none is."""
        announced = self._announced
        if announced is None or not _is_now(fresh, announced):
            try:
                announced = fresh.get_next_ca_cert().ca
            except ClientError:
                raise mistrust from None
            if not _is_now(fresh, announced):
                raise mistrust
        self._announced = None
        step = f"the CA has a new certificate: {announced}, SHA-256 {announced.fingerprint()}"
        self._tell("GetNextCACert", "SUCCESS", step, "the CA's previous certificate signed it")
        return announced

    # ---------------------------------------------------------- renewing

    def _renew(self, own: Identity, now: datetime) -> None:
        """Renew one of the RA's certificates with its key. Raises ScepError."""
        certificate, standing = own.parsed, self.standing
        if ended(certificate, now):
            step = f"this RA's own certificate ended on {certificate.not_after:%Y-%m-%d}: a person must enroll it anew"
            self._tell("RenewalReq", "FAILURE", step)
            return
        waiting = self._waiting.pop(own.certificate, None)
        if waiting is not None:
            result = standing.upstream.poll(waiting)
        else:
            usage = (certificate.key_usage or SIGN | ENCIPHER) & (SIGN | ENCIPHER)
            result = standing.upstream.renew(make_request(certificate.subject, own.key, usage=usage), own)
        steps = [f"this RA renews its own certificate, which ends on {certificate.not_after:%Y-%m-%d}", str(result)]
        if result.status is PkiStatus.PENDING:
            self._waiting[own.certificate] = result
        new = result.certificate
        if new is not None:
            steps.append(f"the new one ends on {new.not_after:%Y-%m-%d}")
            if _is_better(new, certificate, standing.ca):
                identity = Identity(new.der, own.key)
                roles = (
                    identity if i.certificate == own.certificate else i for i in (standing.signer, standing.decrypter)
                )
                self._replace(standing, *roles)
            else:
                steps.append("which is not later: not used")
        self._tell("RenewalReq", result.status.name, *steps, transaction_id=result.transaction_id)

    def _replace(self, before: Standing, signer: Identity, decrypter: Identity) -> None:
        former = ((before.decrypter, before.signer), *before.former)[:_FORMER]
        self.standing = replace(before, signer=signer, decrypter=decrypter, former=former)
        self._on_renewed(self.standing)


def _is_now(client: ScepClient, announced: Certificate) -> bool:
    """Whether GetCACert has this certificate as the CA's; then the client trusts it from now on."""
    before = client.fingerprint
    client.fingerprint = announced.fingerprint()
    try:
        return client.get_ca_cert().ca.der == announced.der
    except ClientError:
        client.fingerprint = before
        client.forget()
        return False


def _is_better(new: Certificate, old: Certificate, ca: Certificate | None) -> bool:
    """Whether a certificate lasts longer than the one before, or is of the CA that followed."""
    if new.not_after is None or old.not_after is None:
        return False
    return new.not_after > old.not_after or (ca is not None and issued_by(new, ca) and not issued_by(old, ca))
