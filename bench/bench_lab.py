"""Enrollments per second of our CA, compared with micromdm's scepserver and with the RSA bound.

Run by `make bench`, or `python bench/bench_lab.py --url URL --challenge ...` against
any server. Every server gets messages of the same kind: PKCSReq, RSA 2048, SHA-256,
AES-128, POST over connections that stay open, from `load.py` in a separate process.
Each reply is decrypted afterwards. It counts if it is a SUCCESS with a certificate
for a requester's key; repeated serials are counted and reported. Both servers store
issued certificates in files; ours waits until they are on the disk (SQLite, WAL,
synchronous=FULL), micromdm's does not.

The bound is the work that no server can avoid: three RSA private operations for each
enrollment (decrypt the envelope, sign the certificate, sign the reply), on all cores.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import sceplab
from bench.load import read_records, write_records
from sceplab.cms.name import parse_subject
from sceplab.lab import micromdm
from sceplab.lab.client import ScepClient, self_signed
from sceplab.lab.identity import Identity, make_request
from sceplab.scep.messagedata import CertsOnly

HERE = Path(__file__).resolve().parent
CHALLENGE = "bench"
KEYS = 8
# Our server, run in a separate process until its standard input ends.
OURS = f"""
import sys
from sceplab.lab.network import Lab
with Lab(challenge={CHALLENGE!r}, record=False) as lab:
    print(lab.ca_url, flush=True)
    sys.stdin.read()
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """The results of one run: SUCCESS replies per second, latencies in milliseconds, and failures.

    `repeated_serials` counts SUCCESS replies whose serial an earlier one had; `rate`
    includes them. `load` is the fraction of one core that the sender used.
    """

    rate: float
    p50: float
    p99: float
    good: int
    failures: int
    repeated_serials: int
    load: float


class Sender:
    """Prepares messages for one server and reads its replies. A few keys serve many requests."""

    def __init__(self, url: str, challenge: str) -> None:
        self._url, self._challenge = url, challenge
        self._recipient = ScepClient(url).get_ca_cert().recipient.der
        self._keys = [rsa.generate_private_key(65537, 2048) for _ in range(KEYS)]
        self._signers: list[Identity] = []
        for number, key in enumerate(self._keys):
            request = make_request(parse_subject(f"CN=bench {number}"), key)
            self._signers.append(self_signed(request, key))
        self._made = 0

    def message(self) -> bytes:
        """Return a new PKCSReq with a unique subject and transactionID."""
        self._made += 1
        signer = self._signers[self._made % KEYS]
        csr = make_request(parse_subject(f"CN=bench {os.getpid()} {self._made}"), signer.key, challenge=self._challenge)
        attributes = sceplab.ScepAttributes(
            message_type="19", transaction_id=f"{os.getpid()}-{id(self)}-{self._made}", sender_nonce=os.urandom(16)
        )
        draft = sceplab.draft_message(
            attributes, csr, signer_certificate=signer.certificate, recipients=[self._recipient]
        )
        return sceplab.encode_message(draft, signer.key)

    def measure(self, connections: int, messages: int) -> Figures:
        """Send `messages` new messages over `connections` connections. Raises RuntimeError when the sender fails."""
        url = urlsplit(self._url)
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder) / "messages", Path(folder) / "replies"
            write_records(source, (self.message() for _ in range(messages)))
            where = [str(url.hostname), str(url.port or 80), url.path, str(connections), str(source), str(target)]
            command = [sys.executable, "-I", str(HERE / "load.py"), *where]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(done.stderr.strip())
            said = json.loads(done.stdout)
            serials = [self._serial(reply) for reply in read_records(target)]
        good = [s for s in serials if s is not None]
        cuts = quantiles(said["times"], n=100)
        distinct = len(set(good))
        return Figures(
            rate=len(good) / said["seconds"],
            p50=cuts[49] * 1e3,
            p99=cuts[98] * 1e3,
            good=len(good),
            failures=len(serials) - len(good),
            repeated_serials=len(good) - distinct,
            load=said["cpu"] / said["seconds"],
        )

    def _serial(self, reply: bytes) -> bytes | None:
        """Return the serial of the certificate in a reply, or None if it has no certificate for our keys."""
        # `decode_message` selects the key of the recipient that the envelope names.
        held = [s.certificate for s in self._signers]
        message = sceplab.decode_message(reply, keys=self._keys, certificates=held)
        if message.attributes.status is not sceplab.PkiStatus.SUCCESS or not message.verification.intact:
            return None
        data = message.message_data
        if not isinstance(data, CertsOnly):
            return None
        keys = {sceplab.parse_certificate(c).public_key_info for c in held}
        return next((c.serial for c in data.certificates if c.public_key_info in keys), None)


def private_operation() -> float:
    """Return the seconds that one RSA-2048 private operation takes on one core of this machine."""
    key = rsa.generate_private_key(65537, 2048)
    count, began = 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < 0.5:
        key.sign(b"x", padding.PKCS1v15(), hashes.SHA256())
        count += 1
    return spent / count


@contextmanager
def ours() -> Iterator[str]:
    """Run our CA in a separate process; yields its URL."""
    process = subprocess.Popen([sys.executable, "-c", OURS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(20)
        process.stdout.close()


def report(name: str, url: str, challenge: str, connections: tuple[int, ...], messages: int) -> list[Figures]:
    """Measure a server, print a line for each number of connections, and return the figures."""
    sender, out = Sender(url, challenge), []
    sender.measure(1, 20)  # warm-up: the first request does work that later ones do not
    for count in connections:
        bound = (os.cpu_count() or 1) / (3 * private_operation())
        got = sender.measure(count, messages)
        out.append(got)
        wrong = f"   {got.failures} refused, {got.repeated_serials} serials repeated"
        print(
            f"{name:22} {count:3} conn. {got.rate:7.0f}/s   p50 {got.p50:6.1f} ms   p99 {got.p99:6.1f} ms"
            f"   {got.rate / bound:5.0%} of RSA's {bound:.0f}/s   sender {got.load:4.0%} of a core"
            + (wrong if got.failures or got.repeated_serials else ""),
            flush=True,
        )
    return out


def main() -> None:
    """Measure our server and micromdm's, or the one at --url. A missed goal is reported and is not an error."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a SCEP URL to measure, instead of ours and micromdm's")
    parser.add_argument("--challenge", default=CHALLENGE)
    parser.add_argument("--messages", type=int, default=800, help="for each number of connections")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 4, 16])
    wish = parser.parse_args()
    connections = tuple(wish.connections)
    if wish.url:
        report(wish.url, wish.url, wish.challenge, connections, wish.messages)
        return
    with ours() as url:
        mine = report("sceplab", url, CHALLENGE, connections, wish.messages)
    if not micromdm.available():
        print("micromdm's scepserver is not installed (apt-get install scep): nothing to compare with")
        return
    with micromdm.scepserver(CHALLENGE) as url:
        theirs = report("micromdm scepserver", url, CHALLENGE, connections, wish.messages)
    for count, a, b in zip(connections, mine, theirs, strict=True):
        print(f"{count:3} conn.: {a.rate / b.rate:.2f} x micromdm's")
        if a.rate < b.rate:
            print("  goal missed: ahead of micromdm")


if __name__ == "__main__":
    main()
