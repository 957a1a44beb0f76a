"""Measure whether reply times leak why decryption failed (Bleichenbacher and Vaudenay oracles).

For each way of failing, the figure is the chance to distinguish it from the first way
by reply time: given one reply of each, the probability that the slower way is
identified (0.50 is guessing, 1.00 is certain). It is measured twice:

- *on the wire*, as an attacker sees it, over HTTP from another process and with the
  server's ticks. This must be close to 0.50. "quiet" uses only the faster half of each
  way: noise only delays replies, so an attacker drops the late ones.
- *work*, the CPU time of the CA, which the ticks hide.

The ways alternate in random order, so that other load on the machine affects all of
them alike. Noise also hides differences: "shows" is the smallest time difference that
this run would have detected with a chance of 0.60.
"""

from __future__ import annotations

import math
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import sceplab
from bench.load import body_of
from sceplab.cms.enveloped import build_enveloped
from sceplab.cms.keytransport import KeyTransRecipient
from sceplab.cms.name import parse_subject
from sceplab.cms.sign import build_signed
from sceplab.cms.x509 import load_public_key
from sceplab.lab.ca import CertificationAuthority
from sceplab.lab.client import self_signed
from sceplab.lab.identity import make_request, new_key
from sceplab.lab.network import STORE_FILE
from sceplab.lab.policy import Policy
from sceplab.lab.store import Store
from sceplab.scep.attributes import ScepAttributes

WAYS = ("RSA padding", "key too long", "CBC padding", "garbage", "spoilt request", "another's signature")
GOAL = 0.60
CONNECTIONS = 8
# The CA of a folder, run in a separate process until its standard input ends.
SERVER = """
import sys
from sceplab.lab.network import Lab
with Lab(sys.argv[1], challenge="secret", record=False) as lab:
    print(lab.ca_url.split("/")[2].split(":")[1], flush=True)
    sys.stdin.read()
"""
Times = dict[str, list[float]]


def messages(ca: CertificationAuthority) -> dict[str, bytes]:
    """Return one message for each way of failing, signed again so that only the envelope is wrong."""
    key = new_key()
    good = make_request(parse_subject("CN=R3"), key, challenge="secret")
    own = self_signed(good, key)
    public = load_public_key(ca.issuer.parsed.public_key_info)
    assert isinstance(public, rsa.RSAPublicKey)
    # The effect of a changed ciphertext block in the middle of a request.
    spoilt = good[:40] + bytes(b ^ 0xA5 for b in good[40:56]) + good[56:]
    plaintexts = {"spoilt request": spoilt}
    plaintexts["another's signature"] = good[:-1] + bytes((good[-1] ^ 1,))
    out = {}
    for way in WAYS:
        plaintext = plaintexts.get(way, good)
        draft = sceplab.draft_message(
            ScepAttributes("19", "T", bytes(16)),
            plaintext,
            signer_certificate=own.certificate,
            recipients=[ca.certificate],
        )
        assert draft.envelope is not None
        envelope = build_enveloped(draft.envelope, plaintext)
        parsed = sceplab.parse_enveloped(envelope)
        (recipient,) = parsed.recipients
        assert isinstance(recipient, KeyTransRecipient)
        secret, body = recipient.encrypted_key, parsed.encrypted_content
        if way == "RSA padding":
            envelope = envelope.replace(secret, secret[:-1] + bytes((secret[-1] ^ 1,)))
        elif way == "key too long":
            envelope = envelope.replace(secret, public.encrypt(bytes(24), padding.PKCS1v15()))
        elif way == "CBC padding":
            envelope = envelope.replace(body, body[:-1] + bytes((body[-1] ^ 1,)))
        elif way == "garbage":
            envelope = envelope.replace(body, bytes((body[0] ^ 0x80,)) + body[1:])
        out[way] = build_signed(draft.signed, envelope, own.key)
    return out


def told_apart(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the chance to distinguish a from b by one time, from 0.5 to 1."""
    ordered = sorted(b)
    wins = sum(bisect_left(ordered, x) + bisect_right(ordered, x) for x in a) / 2
    share = wins / (len(a) * len(b))
    return max(share, 1 - share)


def quiet(times: Sequence[float]) -> list[float]:
    """Return the faster half of the times."""
    return sorted(times)[: len(times) // 2]


def shows(times: Sequence[float]) -> float:
    """Return the smallest difference between two ways that these times would reveal, in their unit."""
    low, high = 0.0, max(times) - min(times)
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if told_apart([t + middle for t in times], times) >= GOAL else (middle, high)
    return high


def on_the_wire(made: dict[str, bytes], port: int, rounds: int) -> Times:
    """Return the milliseconds until each reply, over parallel connections with one message at a time."""
    times: Times = {way: [] for way in made}
    start = f"POST /?operation=PKIOperation HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: "
    requests = {way: f"{start}{len(data)}\r\n\r\n".encode() + data for way, data in made.items()}
    dice = random.Random(8894)  # noqa: S311 - repeatable, no secret

    def work(count: int, seed: int) -> None:
        own = random.Random(seed)  # noqa: S311 - as above
        with socket.create_connection(("127.0.0.1", port), 30) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(count):
                for way in own.sample(list(requests), len(requests)):
                    time.sleep(own.random() / 100)  # keeps the connections from synchronising
                    buffer, sent = bytearray(), time.perf_counter()
                    connection.sendall(requests[way])
                    while body_of(buffer) is None:
                        buffer += connection.recv(65536)
                    times[way].append((time.perf_counter() - sent) * 1e3)

    work(3, 0)
    for found in times.values():
        found.clear()
    share = math.ceil(rounds / CONNECTIONS)
    threads = [threading.Thread(target=work, args=(share, dice.random())) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def of_work(made: dict[str, bytes], ca: CertificationAuthority, rounds: int) -> Times:
    """Return the milliseconds of CPU time for each reply."""
    times: Times = {way: [] for way in made}
    dice = random.Random(8894)  # noqa: S311 - repeatable, no secret
    for number in range(rounds + 5):
        for way in dice.sample(list(made), len(made)):
            start = time.thread_time()
            ca.operate(made[way])
            if number >= 5:
                times[way].append((time.thread_time() - start) * 1e3)
    return times


def report(title: str, times: Times) -> float:
    """Print a table, and return the largest chance to distinguish a way from the first."""
    first = times[WAYS[0]]
    n = len(first)
    table = Table(title=f"{title}: {n} answers of each way, ms; a chance is right within {1 / math.sqrt(6 * n):.2f}")
    for column in ("way of failing", "10 %", "median", "90 %", "told from the first", "quiet"):
        table.add_column(column)
    worst = 0.5
    for way in WAYS:
        deciles = statistics.quantiles(times[way], n=10)
        chances = told_apart(times[way], first), told_apart(quiet(times[way]), quiet(first))
        worst = max(worst, *chances)
        numbers = [f"{v:.2f}" for v in (deciles[0], statistics.median(times[way]), deciles[8], *chances)]
        table.add_row(way, *numbers)
    Console(width=110).print(table)
    print(f"shows: a difference of {shows(first):.3f} ms, in the quiet half {shows(quiet(first)):.3f} ms\n")
    return worst


def main() -> None:
    """Measure and print. A missed goal is reported and is not an error."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / STORE_FILE)
        CertificationAuthority.create(store)
        ca = CertificationAuthority(store, Policy(("secret",)))
        made = messages(ca)
        replies = {way: sceplab.decode_message(ca.operate(data)).attributes for way, data in made.items()}
        alike = {(a.failure, a.fail_info_text) for a in replies.values()}
        command = [sys.executable, "-c", SERVER, folder]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdin is not None
            assert server.stdout is not None
            wire = on_the_wire(made, int(server.stdout.readline()), rounds)
            server.stdin.close()
        work = of_work(made, ca, rounds)
        store.close()
    print(f"{len(WAYS)} ways of failing get {len(alike)} answer" + "s" * (len(alike) != 1))
    report("Work of the CA", work)
    worst = report("Answers on the wire", wire)
    print(f"told from the first on the wire with a chance of {worst:.2f} at most")
    if worst > GOAL or len(alike) != 1:
        print(f"  goal missed: one answer, and a chance of at most {GOAL:.2f}")


if __name__ == "__main__":
    main()
