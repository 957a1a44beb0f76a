"""Years of a lab in a minute: a CA that rolls over, an RA that renews, and devices that renew in different ways."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sceplab.cms.name import parse_subject
from sceplab.cms.signature import SigningKey
from sceplab.cms.x509 import Certificate
from sceplab.files import pem_certificate
from sceplab.lab.ca import CertificationAuthority
from sceplab.lab.client import ScepClient
from sceplab.lab.clock import SetClock
from sceplab.lab.identity import Identity, make_request
from sceplab.lab.policy import Policy
from sceplab.lab.ra import RaPolicy, RegistrationAuthority
from sceplab.lab.responder import Decision
from sceplab.lab.results import Result
from sceplab.lab.store import Store
from sceplab.scep.attributes import MessageType
from tests.helpers.labs import SECRET, openssl, quick_key

WAYS = (
    "RenewalReq, same request",
    "PKCSReq, same request",
    "RenewalReq, new key",
    "PKCSReq, new key",
    "enrolls anew with the same request once it has ended",
)
"""How a device renews; all but the last sign with the old certificate."""
_EARLY = timedelta(days=60)


@dataclass
class Device:
    """A device: how it renews, whether through the RA, its two keys, and its certificates."""

    name: str
    way: str
    via_ra: bool
    keys: tuple[SigningKey, SigningKey]
    certificates: list[Certificate] = field(default_factory=list)
    turn: int = 0

    @property
    def key(self) -> SigningKey:
        """The current key."""
        return self.keys[self.turn]

    def request(self) -> bytes:
        """Return its PKCS#10 request; the same key gives the same bytes, as in programs that store their request."""
        return make_request(parse_subject(f"CN={self.name}"), self.key, challenge=SECRET)

    def enroll(self, client: ScepClient) -> Result:
        """Enroll for the first time, or again."""
        return client.enroll(self.request(), self.key)

    def renew(self, client: ScepClient) -> Result:
        """Renew in the way of this device."""
        if self.way.startswith("enrolls anew"):
            return self.enroll(client)
        old = Identity(self.certificates[-1].der, self.key)
        if self.way.endswith("new key"):
            self.turn = 1 - self.turn
        kind = MessageType.RenewalReq if self.way.startswith("RenewalReq") else MessageType.PKCSReq
        return client.enroll(self.request(), old, message_type=kind)


class Years:
    """A CA of 620 days, its RA, and devices, without a network; `month` moves the time forward."""

    def __init__(self, folder: Path, devices: int) -> None:
        """Create them all and enroll the devices."""
        self.clock, self.decisions = SetClock(), []  # type: ignore[var-annotated]
        self.store = Store(folder / "ca.sqlite")
        self.folder = folder
        CertificationAuthority.create(self.store, key=quick_key(9), days=620, now=self.clock)
        self.ca = CertificationAuthority(self.store, Policy((SECRET,)), now=self.clock)
        self.ra_certificates: list[bytes] = []
        self.ra = self._ra()
        self.devices = [
            Device(
                f"device{i}",
                WAYS[i % len(WAYS)],
                via_ra=i % 2 == 1,
                keys=(quick_key(100 + i % 4), quick_key(110 + i % 4)),
            )
            for i in range(devices)
        ]
        for device in self.devices:
            self._took(device, device.enroll(self._client(device)))

    def _ra(self) -> RegistrationAuthority:
        upstream, key = self.client(), quick_key(20)
        pending = upstream.enroll(make_request(parse_subject("OU=ioscs RA,CN=R2"), key), key)
        self.ca.grant(self.ca.pending()[0])
        certificate = upstream.poll(pending).certificate
        assert certificate is not None
        return RegistrationAuthority(
            Identity(certificate.der, key),
            upstream,
            RaPolicy((SECRET,)),
            now=self.clock,
            on_decision=self._decided,
            on_renewed=lambda own: self.ra_certificates.append(own.signer.certificate),
        )

    def _decided(self, decision: Decision) -> None:
        self.decisions.append(decision)

    def client(self, *, via_ra: bool = False) -> ScepClient:
        """Return a new client that knows the fingerprint of the current CA."""
        send = self.ra.answer if via_ra else self.ca.answer
        return ScepClient(send, fingerprint=self.ca.issuer.parsed.fingerprint(), now=self.clock)

    def _client(self, device: Device) -> ScepClient:
        return self.client(via_ra=device.via_ra)

    def _took(self, device: Device, result: Result) -> None:
        assert result.certificate is not None, f"{device}: {result}"
        device.certificates.append(result.certificate)

    def month(self) -> None:
        """Move one month forward; RA and devices renew if due."""
        self.clock.wait(days=30.44)
        self.ra.keep_up()
        for device in self.devices:
            end = device.certificates[-1].not_after
            assert end is not None
            early = timedelta(0) if device.way.startswith("enrolls anew") else _EARLY
            if end - self.clock.now < early:
                before = len(device.certificates)
                result = device.renew(self._client(device))
                self._took(device, result)
                assert len({c.der for c in device.certificates}) == before + 1, f"{device.way}: an old one came back"

    def verified(self) -> int:
        """Return how many device certificates openssl verifies now with the current CA certificate."""
        (self.folder / "ca.pem").write_bytes(pem_certificate(self.ca.certificate))
        paths = [self.folder / f"{device.name}.pem" for device in self.devices]
        for path, device in zip(paths, self.devices, strict=True):
            path.write_bytes(pem_certificate(device.certificates[-1].der))
        at = str(int(self.clock.now.timestamp()))
        said = openssl("verify", "-attime", at, "-CAfile", self.folder / "ca.pem", *paths)
        return sum(f"{path}: OK" in said.splitlines() for path in paths)

    def close(self) -> None:
        """Close the store."""
        self.store.close()
