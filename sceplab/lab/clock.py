"""The clock of the lab, and what it says about a certificate: ended, or ending soon.

Rule: a clock is a function that is passed in, so that years can pass in a test.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sceplab.cms.x509 import Certificate

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the current time, in UTC."""
    return datetime.now(UTC)


class SetClock:
    """A clock that stands still until it is set: years pass in a test, and months in notebook 10."""

    def __init__(self, now: datetime | None = None) -> None:
        """Begin at a time, by default the current one."""
        self.now = now or utc_now()

    def __call__(self) -> datetime:
        """Return the time that it was set to."""
        return self.now

    def wait(self, **span: float) -> None:
        """Move it forward by a `timedelta`: days=1, hours=2 ..."""
        self.now += timedelta(**span)


SOON = timedelta(days=30)
"""A certificate of a CA that ends within this time is mentioned when the lab starts."""


def ended(certificate: Certificate, now: datetime) -> bool:
    """Whether the validity of a certificate is over; also where it has none that can be read."""
    return certificate.not_after is None or certificate.not_after < now


def ends_soon(certificate: Certificate, now: datetime) -> bool:
    """Whether less than a fifth of a certificate's lifetime is left, or nothing: time to renew it."""
    start, end = certificate.not_before, certificate.not_after
    return start is None or end is None or end - now < (end - start) / 5


def concern(whose: str, certificate: Certificate, now: datetime, remedy: str) -> str | None:
    """Return a sentence about a certificate that has ended, is not valid yet, or ends soon; else None.

    `whose` is the subject of the sentence, as "the certificate of R1 (CA)", and `remedy` what its operator can do.
    """
    start, end = certificate.not_before, certificate.not_after
    if end is None or start is None:
        return f"{whose} has no validity that can be read: {remedy}"
    if end < now:
        return f"{whose} ended on {end:%Y-%m-%d}: {remedy}"
    if now < start:
        return f"{whose} is not valid before {start:%Y-%m-%d}: look at the clock of this machine"
    if end - now < SOON:
        return f"{whose} ends on {end:%Y-%m-%d}: {remedy}"
    return None
