"""Coverage-guided fuzzing of everything that reads untrusted bytes (Linux, atheris).

    python fuzz/fuzz_decode.py --seconds 30 [--target NAME]

Each target starts from real messages and runs in its own process for that many
seconds; each capture reader of `readers` runs for an eighth of that time. Any error
other than sceplab's own makes the exit code 1, and the input is kept in fuzz/crashes/.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

try:
    import atheris
except ImportError:
    raise SystemExit("atheris is not installed: it exists for Linux on x86-64 and Python 3.11 or 3.12") from None

with atheris.instrument_imports(include=["sceplab"]):
    import sceplab
    from fuzz import readers
    from sceplab import schema
    from sceplab.analysis import compare
    from sceplab.analysis.whatif import judge
    from sceplab.asn1 import ber, der, scan
    from sceplab.capture import read_capture
    from sceplab.capture.http import HttpReader
    from sceplab.capture.packets import read_packets, segment_of
    from sceplab.errors import InputError, ScepError
    from sceplab.files import load_certificates, load_private_keys
    from sceplab.lab.heads import RequestStream, name_server
    from sceplab.paths import DATA, SPECIMEN
    from sceplab.scep import transport
    from sceplab.scep.messagedata import parse_message_data
    from sceplab.schema.coverage import coverage_of
    from sceplab.schema.layers import LayerBytes


# Bytes of one input: larger than any real message, small enough to be fast.
_LONGEST = 8192
# There are many readers: each gets one eighth of the time of another target.
_SHARE = 8


def decode_message(data: bytes) -> None:
    """Decode all layers of a message with a key, a password and a CA certificate."""
    message = sceplab.decode_message(
        data, keys=_KEYS, certificates=_CERTIFICATES, passwords=(b"secret",), trust=sceplab.Trust(_CERTIFICATES)
    )
    assert message.raw == data  # noqa: S101 - a fuzz target asserts
    list(map(str, message.problems))


def parse_signed(data: bytes) -> None:
    """Parse SignedData, and encode the decoded message again where possible."""
    signed = sceplab.parse_signed(data)
    with contextlib.suppress(ScepError):
        sceplab.encode_message(sceplab.draft_of(sceplab.decode_message(data)), _KEYS[0])
    list(map(str, signed.problems))


def parse_inner(data: bytes) -> None:
    """Parse the input as each inner layer: envelope, CSR, certificate and every other messageData."""
    sceplab.parse_enveloped(data)
    sceplab.verify_csr(sceplab.parse_csr(data))
    sceplab.parse_certificate(data)
    for kind in sceplab.MessageType:
        parse_message_data(kind, data)


def read_der(data: bytes) -> None:
    """Convert BER to DER and back; the result must equal the input."""
    try:
        plain, shape = ber.normalise(data)
    except der.DerError:
        return
    assert ber.dress(plain, shape) == data  # noqa: S101


def scan_and_name(data: bytes) -> None:
    """Scan the input and describe it as one of several types, as a viewer does: names, values, findings, coverage."""
    made = scan.scan(data)
    roots = [i for i in range(len(made)) if made.parent[i] < 0]
    assert sum(made.end[i] - made.start[i] for i in roots) == len(data)  # noqa: S101
    list(made.findings())
    kind = _KINDS[len(data) % len(_KINDS)]
    for node in schema.nodes_of(schema.describe(data, kind, probe=len(data) % 2 == 1), 3000):
        assert 0 <= node.start <= node.content_start <= node.content_end <= node.end <= len(data)  # noqa: S101
        assert node.value is not None  # noqa: S101
        assert node.findings is not None  # noqa: S101
    coverage_of((LayerBytes("fuzz", data, kind),))


def compare_and_judge(data: bytes) -> None:
    """Compare the two halves, compare the whole with a real message, and run every check on it."""
    middle = len(data) // 2
    list(compare.compare(data[:middle], data[middle:]).leaves())
    list(compare.compare(data, _KNOWN).leaves())
    judge(data)


def read_value(data: bytes) -> None:
    """Decode the input as the value of `message=` in a URL."""
    transport.decode_message_value(data.decode("latin-1"))


def read_http(data: bytes) -> None:
    """Read HTTP requests and replies from pieces with gaps between them."""
    for requests in (True, False):
        reader = HttpReader(requests=requests)
        for at in range(0, len(data), 41):
            reader.take(data[at + 1 : at + 41], data[at] - 128 if data[at] % 3 == 0 else 0, 1.0)
        reader.finish(closed=len(data) % 2 == 0)
        assert sum(len(m.body) for m in reader.done) <= 21 * len(data) + 4096 * len(reader.done)  # noqa: S101


def pass_requests(data: bytes) -> None:
    """Pass client bytes through the relay, unchanged or with the server name replaced, in pieces of any size."""
    data = b"POST /x HTTP/1.1\r\nHost: r\r\nContent-Length: 2\r\n\r\n" + data
    outcomes = set()
    for size in (7, len(data)):
        same, named = RequestStream(lambda head, _: head), RequestStream(lambda head, _: name_server(head, "http", "s"))
        out = []
        for stream in (same, named):
            passed = [piece for at in range(0, len(data), size) for piece in stream.feed(data[at : at + size])]
            out.append(b"".join(passed) + stream.end())
        assert out[0] == data  # noqa: S101
        outcomes.add(out[1])
    assert len(outcomes) == 1  # noqa: S101


def read_frames(data: bytes) -> None:
    """Read a frame of every link type, and a capture file behind a pcap and a pcapng magic number."""
    for linktype in (0, 1, 9, 12, 101, 104, 108, 109, 113, 127, 239, 276):
        segment_of(data, linktype)
    for magic in (bytes.fromhex("d4c3b2a102000400000000000000000000000400"), bytes.fromhex("0a0d0d0a")):
        with contextlib.suppress(InputError):
            for _ in read_packets(io.BytesIO(magic + data)):
                pass


TARGETS: dict[str, Callable[[bytes], None]] = {
    f.__name__: f
    for f in (
        decode_message,
        parse_signed,
        parse_inner,
        read_der,
        scan_and_name,
        compare_and_judge,
        read_value,
        read_http,
        read_frames,
        pass_requests,
    )
} | readers.TARGETS
_KINDS = ("ContentInfo", "CertificationRequest", "Certificate", "CertificateList", "Attributes", "ANY")
_KNOWN = next(
    raw
    for exchange in read_capture(SPECIMEN / "capture.pcap")
    if exchange.request and (raw := transport.parse_request(exchange.request).message)
)
_KEYS = tuple(load_private_keys(SPECIMEN / "ca.key.pem"))
_CERTIFICATES = tuple(load_certificates(SPECIMEN / "ca.pem"))


def seeds(folder: Path) -> int:
    """Write one file for each real capture, message and layer; return the number of files."""
    found: set[bytes] = set()
    for pcap in sorted(DATA.glob("**/*.pcap")):
        found.add(pcap.read_bytes())
        for exchange in read_capture(pcap):
            operation = transport.parse_request(exchange.request) if exchange.request else None
            for raw in (operation.message if operation else None, exchange.reply.body if exchange.reply else None):
                if not raw:
                    continue
                found.add(raw)
                message = sceplab.decode_message(raw, keys=_KEYS)
                found.update(x for x in (message.signed.content, *message.signed.certificates) if x)
                if message.opened is not None:
                    found.add(message.opened.plaintext)
    for number, data in enumerate(sorted(found)):
        (folder / f"{number:03}").write_bytes(data)
    return len(found)


def fuzz(target: str, seconds: int, seed: int) -> None:
    """Fuzz one target in this process; libFuzzer ends the process. Seed 0 selects a random seed."""
    with tempfile.TemporaryDirectory() as folder:
        reads = target in readers.TARGETS
        count = readers.write_seeds(target, Path(folder)) if reads else seeds(Path(folder))
        print(f"{target}: {count} seeds", flush=True)
        assert count  # noqa: S101 - a target without a sample finds nothing
        crashes = HERE / "crashes"
        crashes.mkdir(exist_ok=True)
        options = [
            f"-seed={seed}",
            f"-max_total_time={seconds}",
            f"-max_len={readers.LONGEST if reads else _LONGEST}",
            f"-artifact_prefix={crashes}/{target}-",
        ]
        # 512 MB: a hostile message must not use much more memory than its size.
        atheris.Setup(
            [sys.argv[0], *options, "-timeout=10", "-rss_limit_mb=512", "-verbosity=0", folder], TARGETS[target]
        )
        atheris.Fuzz()


def _run(target: str, seconds: int, seed: int) -> subprocess.CompletedProcess[str]:
    """Fuzz a target in a process of its own."""
    share = max(2, seconds // _SHARE) if target in readers.TARGETS else seconds
    command = [sys.executable, __file__, "--target", target, "--seconds", str(share), "--seed", str(seed)]
    return subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, errors="replace")


def main() -> int:
    """Fuzz every target, or the named one; return 1 when a target failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=30, help="for each target")
    parser.add_argument("--seed", type=int, default=0, help="the same finds again; 0: others each time")
    parser.add_argument("--target", choices=sorted(TARGETS))
    arguments = parser.parse_args()
    if arguments.target:
        fuzz(arguments.target, arguments.seconds, arguments.seed)
        return 0
    failed = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, done in pool.map(lambda name: (name, _run(name, arguments.seconds, arguments.seed)), TARGETS):
            print(f"{name}: {'clean' if done.returncode == 0 else 'FAILED'}", flush=True)
            if done.returncode:
                failed.append(name)
                print(done.stdout[-3000:], done.stderr[-6000:], flush=True)
    print(
        f"{len(TARGETS) - len(failed)} of {len(TARGETS)} targets clean"
        + (f"; failed: {', '.join(failed)}" if failed else "")
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
