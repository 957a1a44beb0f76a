"""The network of the notebooks on this machine: R1 (the CA), R2 (the RA), and their traffic.

Rule: combines the other modules of the lab and has no policy of its own. Where the
operating system allows it (Linux does), each router has its own address (127.0.0.1,
.2, .3), to tell them apart in a capture; elsewhere they share one address and
differ by port.
"""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives.asymmetric import rsa

from sceplab.capture.record import Sent, build_pcap
from sceplab.cms.name import parse_subject
from sceplab.errors import InputError
from sceplab.files import load_certificates, load_signing_key, pem_certificate, pem_key, write_new
from sceplab.lab.ca import CertificationAuthority, requester_of
from sceplab.lab.client import ScepClient
from sceplab.lab.clock import Clock, utc_now
from sceplab.lab.dialects import SCEPLAB, ClientDialect
from sceplab.lab.http import http_sender
from sceplab.lab.identity import ENCIPHER, RA_UNIT, SIGN, Identity, make_request, new_key
from sceplab.lab.kept import Budget, Kept
from sceplab.lab.policy import Policy, with_faults
from sceplab.lab.ra import RaPolicy, RegistrationAuthority
from sceplab.lab.responder import Decision, ignore
from sceplab.lab.server import LIMITS, Answerer, Limits, Server
from sceplab.lab.store import Store, StoreError
from sceplab.scep.conversation import DecodedExchange, Materials, decode_exchanges
from sceplab.scep.transport import Exchange, HttpReply, HttpRequest


@cache
def own_addresses() -> bool:
    """Whether 127.0.0.2 and 127.0.0.3 are addresses of this machine too."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.2", 0))
        except OSError:
            return False
    return True


R1 = "127.0.0.1"
"""The address of the CA."""
STORE_FILE = "ca.sqlite"
"""The store of the CA in the folder of a lab (see `store`)."""
_CA, _RA, _CLIENT = "R1 (CA)", "R2 (RA)", "R3 (client)"
# The RA's files in that folder begin with these: to sign, and to receive where that is another certificate.
_RA_STEMS = ("ra", "ra-decrypter")
# Seconds until the lab looks again whether something is to be renewed.
_UPKEEP = 60.0


def _address(number: int) -> str:
    return f"127.0.0.{number}" if own_addresses() else R1


class Lab:
    """R1 and, once it has a certificate, R2, on loopback. A context manager; `stop` frees all of it.

    `ca` and `ra` are the CA and the RA, `decisions` their decisions with reasons,
    `exchanges` the traffic so far, oldest first.
    """

    def __init__(
        self,
        folder: Path | str | None = None,
        *,
        policy: Policy | None = None,
        challenge: str | None = None,
        ra_policy: RaPolicy | None = None,
        subject: str = "CN=R1",
        key: str | int = 2048,
        separate: bool = False,
        ports: tuple[int, int] = (0, 0),
        limits: Limits = LIMITS,
        record: bool = True,
        host: str | None = None,
        host_names: Sequence[str] = (),
        memory_size: int = 64_000_000,
        on_decision: Callable[[Decision], None] = ignore,
        on_sent: Callable[[Sent], None] | None = None,
        now: Clock = utc_now,
    ) -> None:
        """Set it up; `start` (or `with`) opens the ports.

        Args:
            folder: Where the CA's store and the RA's keys are, and stay; a
                temporary folder by default.
            policy: Of the CA; by default `challenge` is granted, other requests are pending.
            challenge: challengePassword that CA and RA accept.
            ra_policy: Of the RA; by default it forwards requests with `challenge`.
            subject: Of a new CA.
            key: Kind of key of a new CA, as for `new_key`.
            separate: Give a new CA certificates of their own for replies and requests.
            ports: Of R1 and R2; 0 is any free port.
            limits: What a client may use.
            record: Keep the bytes that pass, for `pcap`.
            host: The address that both listen on, so that others can reach them, in place of loopback ones.
            host_names: On loopback, names that requests may be for, besides localhost and loopback addresses.
            memory_size: Bytes of memory for `exchanges`, `decisions` and the record together; the oldest make room.
            on_decision: Called with each decision of CA and RA, besides `decisions`.
            on_sent: Called with the bytes as they are sent or received, in several threads, besides `pcap`.
            now: The clock of CA, RA and clients; what passes is recorded by that of the machine.
        """
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        if folder is None:
            self._temporary = tempfile.TemporaryDirectory()
            folder = self._temporary.name
        self.folder = Path(folder)
        challenges = (challenge,) if challenge is not None else ()
        # The CA behind this RA knows what an RA does not vouch for.
        self._ra_policy = replace(ra_policy or RaPolicy(challenges), asks_ca=True)
        self._limits, self._ports, self._host, self._host_names = limits, ports, host, host_names
        self._record, self._on_decision, self._now = record, on_decision, now
        self._on_sent = on_sent
        memory = Budget(memory_size)
        self._sent: Kept[Sent] = Kept(memory)
        self.exchanges: Kept[Exchange] = Kept(memory)
        self.decisions: Kept[Decision] = Kept(memory)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{self.folder} cannot be created: {error.strerror}") from error
        self.store = Store(self.folder / STORE_FILE)
        try:
            CertificationAuthority.create(self.store, subject, key=key, separate=separate, now=now)
        except InputError:
            self.store.close()
            raise
        self.ca = CertificationAuthority(
            self.store, policy or Policy(challenges), name=_CA, now=now, on_decision=self._decided
        )
        self.ra: RegistrationAuthority | None = None
        self._servers: list[Server] = []
        self._tending: threading.Thread | None = None
        self._stopping = threading.Event()
        self.keys: list[rsa.RSAPrivateKey] = []
        self._last_materials: Materials | None = None

    def _decided(self, decision: Decision) -> None:
        self.decisions.append(decision)
        self._on_decision(decision)

    def _passed(self, sent: Sent) -> None:
        if self._record:
            self._sent.append(sent)
        if self._on_sent is not None:
            self._on_sent(sent)

    # ---------------------------------------------------------- starting and stopping

    def start(self) -> Self:
        """Open the CA's port, and the RA's if one was enrolled in this folder before. Raises InputError."""
        if not self._servers:
            self._last_materials = None
            try:
                self._serve(self.ca.answer, self._host or R1, self._ports[0])
                found = self._load_ra()
                if found is not None:
                    self.start_ra(*found)
                self._stopping.clear()
                self._tending = threading.Thread(target=self._tend, name="sceplab upkeep", daemon=True)
                self._tending.start()
            except BaseException:
                for server in self._servers:
                    server.stop()
                self._servers.clear()
                self.ra = None
                raise
        return self

    def stop(self) -> None:
        """Close the ports, end the threads, remove the temporary folder. Stopping twice is not an error."""
        self._stopping.set()
        if self._tending is not None:
            self._tending.join()
            self._tending = None
        for server in reversed(self._servers):
            server.stop()
        if self._servers:
            # The traffic can still be decoded afterwards.
            self._last_materials = self.materials()
        self._servers.clear()
        self.store.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _serve(self, answer: Answerer, host: str, port: int) -> None:
        server = Server(
            answer,
            host=host,
            port=port,
            limits=self._limits,
            delay=lambda: sum(fault.delay for fault in self.ca.policy.form.faults),
            on_exchange=self.exchanges.append,
            on_sent=self._passed if self._record or self._on_sent is not None else None,
            host_names=self._host_names,
        )
        server.start()
        self._servers.append(server)

    def _tend(self) -> None:
        while not self._stopping.wait(_UPKEEP):
            self.keep_up()

    def keep_up(self) -> None:
        """Let the RA follow a rollover of the CA and renew its certificates where that is due. Never raises.

        The running lab does so by itself: each minute, and when a request comes.
        """
        if self.ra is not None:
            with suppress(StoreError):
                self.ra.keep_up(self.ca.certificate)

    def concerns(self) -> list[str]:
        """Return what the operator should know: a sentence for each certificate that ends soon, or has ended."""
        return [*self.ca.concerns(), *(self.ra.concerns() if self.ra is not None else ())]

    @property
    def running(self) -> bool:
        """Whether the ports are open."""
        return bool(self._servers)

    # ---------------------------------------------------------- addresses

    @property
    def ca_url(self) -> str:
        """The SCEP URL of R1."""
        if not self._servers:
            raise InputError("the lab is not running: start it")
        return self._servers[0].url

    @property
    def ra_url(self) -> str:
        """The SCEP URL of R2."""
        if len(self._servers) < 2:
            raise InputError("there is no RA yet: enroll_ra() or start_ra(...)")
        return self._servers[1].url

    @property
    def places(self) -> dict[str, str]:
        """The URL of each server, with its name."""
        return {name: server.url for server, name in zip(self._servers, (_CA, _RA), strict=False)}

    @property
    def _own_addresses(self) -> bool:
        """Whether each router has its own address."""
        return self._host is None and own_addresses()

    @property
    def names(self) -> dict[str, str]:
        """The labels of addresses, for diagrams."""
        out = {f"{s.host}:{s.port}": name for s, name in zip(self._servers, (_CA, _RA), strict=False)}
        if self._own_addresses:
            out |= {_address(2): _RA, _address(3): _CLIENT}
        return out

    def client(
        self,
        *,
        via: str = "ca",
        dialect: ClientDialect = SCEPLAB,
        source: int = 3,
        fingerprint: bool = True,
        on_warning: Callable[[str], None] = lambda _: None,
    ) -> ScepClient:
        """Return a client of the CA (or `via="ra"`) that has its fingerprint: R3, or the router number `source`.

        `on_warning` is that of ScepClient.
        """
        url = self.ca_url if via == "ca" else self.ra_url
        send = http_sender(url, source=_address(source) if self._own_addresses else None)
        known = self.ca.issuer.parsed.fingerprint() if fingerprint else None
        return ScepClient(send, fingerprint=known, dialect=dialect, on_warning=on_warning, now=self._now)

    # ---------------------------------------------------------- the RA

    def enroll_ra(self, name: str = "R2", *, two_certificates: bool = False) -> None:
        """Make an RA's key and request, submit and grant it, and start the RA; a running one goes on with the new one.

        With `two_certificates` it gets one to sign with and one to be encrypted
        for, as NDES has; PyScep's client needs that.
        """
        usages = (SIGN, ENCIPHER) if two_certificates else (SIGN | ENCIPHER,)
        signer, *others = (self._enroll_ra(f"OU={RA_UNIT},unstructuredName={name}", usage) for usage in usages)
        decrypter = others[0] if others else None
        if self.ra is None:
            self.start_ra(signer, decrypter)
        else:
            self.ra.take(signer, decrypter, self.client(source=2))

    def _enroll_ra(self, subject: str, usage: frozenset[str]) -> Identity:
        key = new_key()
        client = self.client(source=2)
        pending = client.enroll(make_request(parse_subject(subject), key, usage=usage), key)
        # By its key: the transactionID is no secret, and another client may send the same.
        waiting = self.store.latest(pending.transaction_id, requester_of(pending.signer.parsed))
        if waiting is None:
            raise InputError(f"the CA did not take the RA's request: {pending}")
        self.ca.grant(waiting)
        certificate = client.poll(pending).certificate
        if certificate is None:
            raise InputError("the CA granted the RA no certificate")
        return Identity(certificate.der, key)

    def start_ra(self, signer: Identity, decrypter: Identity | None = None) -> None:
        """Start R2 with this certificate and key, which are kept in the folder. Raises InputError."""
        if self.ra is not None:
            raise InputError("R2 is running already")
        self._keep_ra(signer, decrypter)
        previous = self.ca.identity("previous")
        self.ra = RegistrationAuthority(
            signer,
            self.client(source=2),
            self._ra_policy,
            decrypter=decrypter,
            name=_RA,
            now=self._now,
            on_decision=self._decided,
            on_renewed=lambda own: self._keep_ra(own.signer, own.decrypter),
            former_cas=() if previous is None else (previous.parsed,),
        )
        self._serve(self._answer_as_ra, self._host or _address(2), self._ports[1])
        self.keep_up()

    def _answer_as_ra(self, request: HttpRequest) -> HttpReply:
        assert self.ra is not None  # noqa: S101 - it is served
        self.keep_up()
        return self.ra.answer(request)

    def _keep_ra(self, signer: Identity, decrypter: Identity | None) -> None:
        """Write the RA's certificates and keys into the folder, and remove what it no longer has. Raises InputError."""
        for stem, identity in zip(_RA_STEMS, (signer, decrypter), strict=True):
            certificate, key = self._files(stem)
            if identity is None or (stem != _RA_STEMS[0] and identity.certificate == signer.certificate):
                certificate.unlink(missing_ok=True)
                key.unlink(missing_ok=True)
                continue
            write_new(key, pem_key(identity.key), force=True, private=True)
            write_new(certificate, pem_certificate(identity.certificate), force=True)

    def _load_ra(self) -> list[Identity] | None:
        out = []
        for stem in _RA_STEMS:
            certificate, key = self._files(stem)
            if certificate.exists():
                out.append(Identity(load_certificates(certificate)[0], load_signing_key(key)))
        return out or None

    def _files(self, stem: str) -> tuple[Path, Path]:
        """Return where a certificate and its private key are kept, both PEM."""
        return self.folder / f"{stem}.pem", self.folder / f"{stem}.key.pem"

    # ---------------------------------------------------------- traffic

    def set_faults(self, *names: str) -> None:
        """Switch on these faults of the CA (`faults.FAULTS`) and all others off. Raises InputError for unknown ones."""
        self.ca.policy = with_faults(self.ca.policy, *names)

    def materials(self) -> Materials:
        """Return all keys of the lab, and those added to `keys`; keys of a lab are not secret."""
        if self._last_materials is not None and not self._servers:
            return self._last_materials
        roles = ("issuer", "decrypter", "previous", "previous_decrypter")
        identities = [i for role in roles if (i := self.ca.identity(role)) is not None]
        if self.ra is not None:
            identities += self.ra.identities
        keys = [i.key for i in identities] + self.keys
        return Materials(
            tuple(k for k in keys if isinstance(k, rsa.RSAPrivateKey)),
            tuple(dict.fromkeys(i.certificate for i in identities)),
            legacy=True,
        )

    def decoded(self) -> list[DecodedExchange]:
        """Return the traffic so far, decoded with all keys of the lab, by time."""
        passed = sorted(self.exchanges, key=lambda e: e.time.timestamp() if e.time is not None else 0)
        return decode_exchanges(passed, self.materials())

    def pcap(self) -> bytes:
        """Return the traffic so far as a pcap (bytes). Raises InputError when the lab does not record."""
        if not self._record:
            raise InputError("this lab does not record")
        return build_pcap(list(self._sent))
