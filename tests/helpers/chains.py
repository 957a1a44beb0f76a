"""A CA below an intermediate CA and a root, with RAs: a server whose GetCACert has any of these certificates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import sceplab
from sceplab.asn1 import oids
from sceplab.lab.client import ScepClient
from sceplab.lab.identity import ENCIPHER, SIGN, Identity, make_request, make_root
from sceplab.lab.policy import Policy
from sceplab.lab.server import Answerer
from sceplab.scep.transport import CA_RA_CERT, HttpReply, HttpRequest, parse_request
from tests.helpers.certificates import make_certificate
from tests.helpers.labs import authority, quick_key


@dataclass(frozen=True)
class Chain:
    """A root, an intermediate CA below it that cannot receive keys, an issuing CA, and one or two RA certificates."""

    root: bytes
    sub: bytes
    ca: bytes
    ra: bytes
    sign: bytes
    encrypt: bytes
    answer: Answerer

    def named(self, names: str) -> list[bytes]:
        """Return the certificates with these names."""
        return [getattr(self, name) for name in names.split()]

    def serving(self, names: str, other: Answerer | None = None) -> Answerer:
        """Return a server whose GetCACert has these certificates; its other replies are the CA's, or `other`'s."""
        return self.with_body(sceplab.build_degenerate(self.named(names)), other)

    def with_body(self, body: bytes, other: Answerer | None = None) -> Answerer:
        """Return a server whose GetCACert has this body."""

        def answer(request: HttpRequest) -> HttpReply:
            if parse_request(request).operation == "GetCACert":
                return HttpReply(200, (("Content-Type", CA_RA_CERT),), body)
            return (other or self.answer)(request)

        return answer


def ca_below(above: Identity, name: str, number: int, serial: int, *, receives: bool = True) -> Identity:
    """Return a CA with the key of this number, issued by the CA above; `receives` gives it keyEncipherment."""
    parent, key = above.parsed, quick_key(number)
    assert parent.not_before is not None
    assert parent.not_after is not None
    issued = make_certificate(
        name,
        key,
        issuer=parent.subject.get(oids.COMMON_NAME),
        signer=above.key,
        serial=serial,
        start=parent.not_before,
        days=(parent.not_after - parent.not_before).days,
        usage=(True, receives),
        ca=True,
    )
    return Identity(issued, key)


@contextmanager
def chain_of(folder: Path, policy: Policy | None = None) -> Iterator[Chain]:
    """Yield the certificates, and the CA that answers; its store is in the folder.

    The keys of the RA, and of the RA's certificates to sign and to receive, are quick_key(20), (21) and (22).
    """
    with authority(folder, policy) as ca:
        start = ca.issuer.parsed.not_before
        assert start is not None
        root = make_root(sceplab.parse_subject("CN=root"), quick_key(50), 5, start, start + timedelta(days=9000))
        sub = ca_below(root, "sub", 51, 6, receives=False)
        own = ca_below(sub, "R1", 9, 7)
        ca.store.set_identities(issuer=(own.certificate, ca.store.identities()["issuer"][1]))
        ca._set_identities()
        found = []
        for number, usage in enumerate((SIGN | ENCIPHER, SIGN, ENCIPHER)):
            key = quick_key(20 + number)
            client = ScepClient(ca.answer, fingerprint=ca.issuer.parsed.fingerprint())
            wanted = make_request(sceplab.parse_subject("OU=ioscs RA,CN=R2"), key, usage=usage)
            pending = client.enroll(wanted, key)
            ca.grant(ca.pending()[0])
            granted = client.poll(pending).certificate
            assert granted is not None
            found.append(granted.der)
        ra, sign, encrypt = found
        yield Chain(root.certificate, sub.certificate, own.certificate, ra, sign, encrypt, ca.answer)
