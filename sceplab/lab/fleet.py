"""Hundreds of captures for practice: the devices of a company enroll for a year, and not all of it goes well.

Rule: the lab's own clients and CA talk without a network, and the clock is an argument.
Keys, serials and nonces are new each time; who enrolls when, how, and with which
outcome is always the same.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.client import responses
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

from sceplab.capture.record import Endpoint, Sent, build_pcap
from sceplab.cms.name import parse_subject
from sceplab.cms.signature import SigningKey
from sceplab.lab.ca import CertificationAuthority
from sceplab.lab.client import ScepClient, self_signed
from sceplab.lab.clock import SetClock
from sceplab.lab.dialects import CLIENT_DIALECTS, SCEPLAB, ClientDialect
from sceplab.lab.identity import make_request, new_key
from sceplab.lab.opening import Strictness
from sceplab.lab.policy import Policy, with_faults
from sceplab.lab.store import Store
from sceplab.scep.conversation import Materials
from sceplab.scep.transport import Headers, HttpReply, HttpRequest

_PRINTER = replace(SCEPLAB, name="printer", method="GET", cipher="des-cbc", digest="md5")
_UPDATED = replace(SCEPLAB, name="printer", method="GET", cipher="aes-128-cbc", digest="sha256")
# What the devices are, whose dialect they write, the bits of their RSA keys, and how many there are.
_KINDS = (
    ("router", CLIENT_DIALECTS["ios"], 2048, 5),
    ("laptop", CLIENT_DIALECTS["windows"], 2048, 5),
    ("phone", CLIENT_DIALECTS["apple"], 2048, 4),
    ("gateway", CLIENT_DIALECTS["strongswan"], 2048, 3),
    ("server", CLIENT_DIALECTS["certmonger"], 2048, 2),
    ("build", CLIENT_DIALECTS["micromdm"], 2048, 2),
    ("printer", _PRINTER, 1024, 4),
)
_MONTHS = tuple(datetime(2026, month, 3, 8, tzinfo=UTC) for month in range(1, 11))
# From then on, updated printers use AES; from then on, the CA refuses single DES, MD5 and short keys.
_UPDATE, _STRICT = 5, 8
_CA: Endpoint = ("198.51.100.1", 80)
_LEGACY = Strictness(legacy=True, min_rsa_bits=1024)


@dataclass(frozen=True, slots=True)
class _Device:
    number: int
    kind: str
    name: str
    dialect: ClientDialect
    key: SigningKey

    def dialect_in(self, month: int) -> ClientDialect:
        updated = self.kind == "printer" and month >= _UPDATE and self.number % 2 == 0
        return _UPDATED if updated else self.dialect


class _Recorded(Exception):  # noqa: N818 - no error
    """The reply is in the capture: nobody needs to read it."""


def record_fleet(folder: Path) -> Materials:
    """Write one pcap for each device and month into `folder`, as 2026-01/router-1.pcap, and one that is cut off.

    Returns the CA's key and certificate, with which the messages can be opened.
    """
    devices = list(_devices())
    clock = SetClock(_MONTHS[0] - timedelta(days=30))
    with tempfile.TemporaryDirectory() as scratch:
        store = Store(Path(scratch) / "ca.sqlite")
        try:
            CertificationAuthority.create(store, "CN=CA", now=clock)
            ca = CertificationAuthority(store, now=clock)
            for month, start in enumerate(_MONTHS):
                here = folder / f"{start:%Y-%m}"
                here.mkdir(parents=True, exist_ok=True)
                for device in devices:
                    clock.now = start + timedelta(hours=device.number, minutes=7 * month)
                    (here / f"{device.name}.pcap").write_bytes(build_pcap(_enrollment(ca, device, month, clock)))
            issuer = ca.issuer
        finally:
            store.close()
    whole = here / f"{devices[0].name}.pcap"
    (here / "cut-off.pcap").write_bytes(whole.read_bytes()[:20])
    keys = (issuer.key,) if isinstance(issuer.key, rsa.RSAPrivateKey) else ()
    return Materials(keys, (issuer.certificate,))


def _devices() -> Iterator[_Device]:
    number = 0
    for kind, dialect, bits, count in _KINDS:
        for one in range(1, count + 1):
            yield _Device(number, kind, f"{kind}-{one}", dialect, new_key(bits))
            number += 1


def _enrollment(ca: CertificationAuthority, device: _Device, month: int, clock: SetClock) -> list[Sent]:
    """Let a device enroll; returns what passed, whatever came of it."""
    secret = f"challenge of month {month + 1}"
    policy = Policy((secret,), strict=Strictness() if month >= _STRICT else _LEGACY)
    ca.policy = with_faults(policy, *_faults(device, month))
    passed: list[Sent] = []
    here = (f"192.0.2.{10 + device.number}", 49_152 + month)

    def send(request: HttpRequest) -> HttpReply:
        passed.append(Sent(clock.now, here, _CA, _request_bytes(request)))
        reply = ca.answer(request)
        clock.wait(milliseconds=40)
        passed.append(Sent(clock.now, _CA, here, _reply_bytes(reply)))
        clock.wait(milliseconds=10)
        if "PKIOperation" in request.target:
            raise _Recorded
        return reply

    client = ScepClient(send, fingerprint=ca.issuer.parsed.fingerprint(), dialect=device.dialect_in(month))
    subject = parse_subject(f"CN={device.name},O=Example")
    csr = make_request(subject, device.key, challenge=_challenge(device, month, secret))
    with suppress(_Recorded):
        client.enroll(csr, self_signed(csr, device.key, clock.now))
    return passed


def _challenge(device: _Device, month: int, right: str) -> str | None:
    """Return what a device sends as challengePassword: now and then that of another month, or none."""
    turn = device.number + 3 * month
    if turn % 17 == 4:
        return "challenge of last month"
    return None if turn % 19 == 7 else right


def _faults(device: _Device, month: int) -> tuple[str, ...]:
    """Return the faults of the CA at an enrollment: an outage in April, a proxy in June, a downgrade in August."""
    if month == 3 and device.number % 3 == 0:
        return ("server-error",)
    if month == 5 and device.number % 6 == 1:
        return ("empty-reply",)
    if month == 7 and device.kind in {"server", "gateway"}:
        return ("weak-caps",)
    return ("wrong-nonce",) if (device.number + month) % 23 == 11 else ()


def _request_bytes(request: HttpRequest) -> bytes:
    line = f"{request.method} {request.target} HTTP/1.1"
    return _http(line, (("Host", "ca.example"), *request.headers), request.body, sized=request.method == "POST")


def _reply_bytes(reply: HttpReply) -> bytes:
    line = f"HTTP/1.1 {reply.status} {responses.get(reply.status or 0, '')}"
    return _http(line, reply.headers, reply.body, sized=True)


def _http(line: str, headers: Headers, body: bytes, *, sized: bool) -> bytes:
    length = (("Content-Length", str(len(body))),) if sized else ()
    lines = (line, *(f"{name}: {value}" for name, value in (*headers, *length)), "", "")
    return "\r\n".join(lines).encode() + body
