"""Does the time of an answer tell why a request could not be opened? Bleichenbacher's and Vaudenay's question.

For each way of failing: the time of the CA's answer, taken in turns, and how well
one way can be told from the first by a single answer (the chance that a random
pair stands in order: 0.50 is not at all, 1.00 is always).
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from rich.console import Console
from rich.table import Table

import sceplab
from sceplab.cms.enveloped import build_enveloped
from sceplab.cms.keytransport import KeyTransRecipient
from sceplab.cms.name import parse_subject
from sceplab.cms.sign import build_signed
from sceplab.cms.x509 import load_public_key
from sceplab.lab.ca import CertificationAuthority
from sceplab.lab.client import self_signed
from sceplab.lab.identity import make_request, new_key
from sceplab.lab.policy import Policy
from sceplab.lab.store import Store
from sceplab.scep.attributes import ScepAttributes

WAYS = ("RSA padding", "key too long", "CBC padding", "garbage", "spoilt request", "another's signature")


def messages(ca: CertificationAuthority) -> dict[str, bytes]:
    """Return one message for each way of failing, signed anew so that only the envelope is wrong."""
    key = new_key()
    good = make_request(parse_subject("CN=R3"), key, challenge="secret")
    own = self_signed(good, key)
    public = load_public_key(ca.issuer.parsed.public_key_info)
    assert isinstance(public, rsa.RSAPublicKey)
    # What a changed block in the middle makes of a request.
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
    """Return the chance to tell a from b by one time, from 0.5 to 1."""
    ordered = sorted(b)
    wins = sum(bisect_left(ordered, x) + bisect_right(ordered, x) for x in a) / 2
    share = wins / (len(a) * len(b))
    return max(share, 1 - share)


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "ca.sqlite")
        CertificationAuthority.create(store)
        ca = CertificationAuthority(store, Policy(("secret",)))
        made = messages(ca)
        replies = {way: ca.operate(data) for way, data in made.items()}
        times: dict[str, list[float]] = {way: [] for way in made}
        order = [way for way in made for _ in range(rounds)]
        random.Random(8894).shuffle(order)  # noqa: S311 - repeatable, no secret
        for way in order:
            start = time.perf_counter()
            ca.operate(made[way])
            times[way].append((time.perf_counter() - start) * 1e3)
        store.close()
    table = Table(title=f"Answers to requests that cannot be opened, {rounds} of each, ms")
    for column in ("way of failing", "octets", "failInfo", "10 %", "median", "90 %", "told from the first"):
        table.add_column(column)
    for way in WAYS:
        deciles = statistics.quantiles(times[way], n=10)
        answer = sceplab.decode_message(replies[way]).attributes.failure
        numbers = [f"{v:.2f}" for v in (deciles[0], statistics.median(times[way]), deciles[8])]
        apart = f"{told_apart(times[way], times[WAYS[0]]):.2f}"
        table.add_row(way, str(len(replies[way])), answer.name if answer is not None else "none", *numbers, apart)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
