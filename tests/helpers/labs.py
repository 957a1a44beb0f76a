"""Helpers for tests of the lab: cached keys, a lab for each test, and requests for it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from sceplab.cms.name import parse_subject
from sceplab.cms.signature import SigningKey
from sceplab.lab.ca import CertificationAuthority
from sceplab.lab.client import ScepClient
from sceplab.lab.clock import Clock, utc_now
from sceplab.lab.identity import make_request, new_key
from sceplab.lab.network import Lab
from sceplab.lab.policy import Policy
from sceplab.lab.ra import RaPolicy
from sceplab.lab.store import Store

SECRET = "open sesame"


def quick_key(number: int = 0, kind: str = "2048") -> SigningKey:
    """Return a key that is made once per test run; each `number` gives another key."""
    return _made(number, kind)


@cache
def _made(number: int, kind: str) -> SigningKey:
    assert number >= 0
    return new_key(kind)


def csr(subject: str = "CN=R3", number: int = 0, challenge: str | None = SECRET, kind: str = "2048") -> bytes:
    """Return a CSR for key `number`."""
    return make_request(parse_subject(subject), quick_key(number, kind), challenge=challenge)


def openssl(*arguments: object) -> str:
    """Run openssl and return its output and errors; a failure fails the test."""
    command = ["openssl", *map(str, arguments)]
    done = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout


@contextmanager
def authority(
    folder: Path, policy: Policy | None = None, *, separate: bool = False, clock: Clock | None = None, key: int = 9
) -> Iterator[CertificationAuthority]:
    """Yield a CA whose store is in `folder`, without a network."""
    store = Store(folder / "ca.sqlite")
    now = clock or utc_now
    try:
        CertificationAuthority.create(store, "CN=R1", key=quick_key(key), separate=separate, now=now)
        yield CertificationAuthority(store, policy or Policy((SECRET,)), now=now)
    finally:
        store.close()


def client_of(ca: CertificationAuthority, **options: object) -> ScepClient:
    """Return a client that knows the CA's fingerprint and calls it without a network."""
    return ScepClient(ca.answer, fingerprint=ca.issuer.parsed.fingerprint(), **options)  # type: ignore[arg-type]


@contextmanager
def running_lab(*, ra: bool = False, **policy: object) -> Iterator[Lab]:
    """Yield a running lab; `policy` gives fields of the CA's policy."""
    made = Policy(**{"challenges": (SECRET,), **policy})  # type: ignore[arg-type]
    with Lab(policy=made, ra_policy=RaPolicy((SECRET,)), record=False) as lab:
        if ra:
            lab.enroll_ra()
        yield lab
