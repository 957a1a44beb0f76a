"""Time to read and diagnose long texts that have no enrollment: test vectors, source files with bytes, dumps, logs.

    python bench/bench_text.py [--megabytes 2]

Each text is read (`read_capture`) and what was found in it diagnosed (`analyse`). The
floor is one pattern tried on each line of the same text. Processor time counts. Goal: at
most 5 s, and 1 s more for each megabyte.
"""

from __future__ import annotations

import argparse
import base64
import random
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
_FLOOR = re.compile(rb"operation=", re.IGNORECASE)
_SECONDS, _PER_MEGABYTE = 5.0, 1.0
Make = Callable[[random.Random], str]


def _dump(made: random.Random) -> str:
    row = made.randbytes(16)
    characters = "".join(chr(c) if 0x20 <= c < 0x7F else "." for c in row)
    return f"{made.randrange(1 << 32):08x}  {row[:8].hex(' ')}  {row[8:].hex(' ')}  |{characters}|\n"


def _pem(made: random.Random) -> str:
    body = base64.encodebytes(b"\x30\x82\x03\xfc" + made.randbytes(1020)).decode()
    return f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n"


def _words(made: random.Random) -> str:
    words = ("alpha", "the", "certificate", "status", "of", "failed", "request", "is", "not", "found")
    return f"{' '.join(made.choice(words) for _ in range(12))}\n"


TEXTS: dict[str, Make] = {
    "test vectors, a value of 4 kB in a line": lambda r: f"sk = {r.randbytes(2400).hex().upper()}\n",
    "test vectors, short values": lambda r: (
        f"COUNT = 7\nKey = {r.randbytes(16).hex()}\nTag = {r.randbytes(16).hex()}\n\n"
    ),
    "array in C": lambda r: f"    {' '.join(f'0x{b:02x},' for b in r.randbytes(12))}\n",
    "hex dump": _dump,
    "certificates in PEM": _pem,
    "JSON with base64": lambda r: f' "x5c": "{base64.b64encode(bytes((0x30, 0x82)) + r.randbytes(1020)).decode()}",\n',
    "page with events": lambda r: f"<tr><td>{r.randbytes(4).hex()}</td><td>Event ID: 5</td></tr>\n",
    "words that speak of errors": _words,
}


def text_of(make: Make, size: int) -> bytes:
    """Return a text of at least `size` bytes, the same each time."""
    made = random.Random(1)  # noqa: S311 - no secret is made of it

    def pieces() -> Iterator[str]:
        there = 0
        while there < size:
            piece = make(made)
            there += len(piece)
            yield piece

    return "".join(pieces()).encode()


def measure(text: bytes) -> tuple[float, float]:
    """Return the processor seconds to read and diagnose a text, and those of the floor."""
    from sceplab.analysis.analyse import analyse
    from sceplab.capture import read_capture
    from sceplab.errors import InputError
    from sceplab.scep.conversation import decode_exchanges

    started = time.process_time()
    try:
        capture = read_capture(text)
    except InputError:
        pass  # the error says what was found
    else:
        analyse(decode_exchanges(capture), capture=capture)
    read = time.process_time()
    for line in text.split(b"\n"):
        _FLOOR.search(line)
    return read - started, time.process_time() - read


def main() -> int:
    """Measure each text and print it; return 1 if one misses the goal, else 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=2)
    wanted: float = parser.parse_args().megabytes
    measure(b"HTTP 500 failed: unknown certificate\n" * 3)  # what is loaded and compiled once
    missed = 0
    for name, make in TEXTS.items():
        text = text_of(make, int(wanted * 1e6))
        taken, floor = measure(text)
        print(f"  {name:42} {len(text) / 1e6:5.1f} MB {taken:6.2f} s ({taken / floor:5.0f} x one pattern on each line)")
        missed += taken > _SECONDS + _PER_MEGABYTE * len(text) / 1e6
    if missed:
        print(f"  goal missed by {missed}: {_SECONDS:g} s, and {_PER_MEGABYTE:g} s more for each megabyte")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
