"""Time and memory to read and decode a capture of many enrollments, compared with tshark.

    python bench/bench_capture.py [--enrollments 1000]

The enrollments are made with sceplab's own encoder (unique nonces and
transactionIDs, alternately GET and POST) and written as packets. Three modes are
timed: packets to HTTP; messages decoded and verified without a key; messages also
decrypted with the keys. tshark is timed on the same file, with full dissection (-V)
and with HTTP fields only; it neither verifies nor decrypts. Each run is a separate
process, and the best of three counts. The last table shows the CPU time that lint
and diagnose add to decoding as the number of enrollments grows.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
DISTINCT = 250
"""Number of different enrollments; longer captures repeat them from other ports. No cache is keyed by message."""


def make_messages() -> list[tuple[bytes, bytes]]:
    """Return DISTINCT requests with their replies."""
    from tests.helpers import scenes

    csr, issued, device = scenes.csr(), [scenes.issue()], scenes.device_certificate()
    messages = []
    for number in range(DISTINCT):
        nonce, transaction = number.to_bytes(16, "big"), f"{number:032X}"
        asked = scenes.request(csr, transaction=transaction, nonce=nonce, signer=device)
        answer = scenes.reply(
            transaction=transaction, nonce=nonce, own_nonce=nonce[::-1], issued=issued, recipient=device
        )
        messages.append((asked, answer))
    return messages


def write_capture(path: Path, enrollments: int, messages: list[tuple[bytes, bytes]]) -> None:
    """Write enrollments of GetCACaps, GetCACert and PKIOperation; each enrollment has one connection."""
    from sceplab import build_degenerate
    from sceplab.scep import transport
    from sceplab.scep.transport import build_request
    from tests.helpers import packets, scenes
    from tests.helpers.captures import certificate

    caps = packets.answered(scenes.CAPS.encode())
    ca = packets.answered(build_degenerate([certificate("ca")]))
    made = []
    for number in range(enrollments):
        asked, answer = messages[number % len(messages)]
        talk = []
        for operation, reply in (("GetCACaps", caps), ("GetCACert", ca)):
            request = f"GET {build_request(operation).target} HTTP/1.1\r\nHost: ca\r\n\r\n".encode()
            talk += [packets.Piece(from_client=True, data=request), packets.Piece(from_client=False, data=reply)]
        if number % 2:
            last = packets.asked(asked)
        else:
            target = build_request("PKIOperation", message=asked, dialect=transport.IOS).target
            last = f"GET {target} HTTP/1.0\r\nHost: ca\r\n\r\n".encode()
        talk += [
            packets.Piece(from_client=True, data=last),
            packets.Piece(from_client=False, data=packets.answered(answer)),
        ]
        made += packets.conversation(talk, client=("192.0.2.3", 1024 + number % 60_000), start=number)
    path.write_bytes(packets.pcap(packets.frames(made)))


def read(path: str, mode: str) -> tuple[int, int, float, int]:
    """Read a capture; return exchanges, messages, seconds and the peak memory of this process in MB."""
    from sceplab.capture import iter_capture
    from sceplab.files import load_certificates, load_private_keys
    from sceplab.paths import SPECIMEN
    from sceplab.scep.conversation import NO_MATERIALS, Materials, iter_decoded

    names = ("ca", "r3")
    keys = tuple(load_private_keys(SPECIMEN / f"{n}.key.pem")[0] for n in names)
    held = Materials(keys, tuple(load_certificates(SPECIMEN / "ca.pem")), key_names=names)
    started = time.perf_counter()
    exchanges = messages = 0
    if mode == "read":
        exchanges = sum(1 for _ in iter_capture(Path(path)))
    else:
        for item in iter_decoded(iter_capture(Path(path)), held if mode == "decrypt" else NO_MATERIALS):
            exchanges += 1
            for message in (item.request, item.reply):
                if message is not None:
                    messages += 1
                    assert message.verification.intact
                    assert (message.message_data is not None) == (mode == "decrypt")
    taken = time.perf_counter() - started
    return exchanges, messages, taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def judge(path: str) -> tuple[float, float, float]:
    """Return the CPU seconds to decode a capture, to decode and check it, and to decode and diagnose it."""
    from sceplab.analysis.analyse import analyse
    from sceplab.analysis.faults.registry import check_exchanges
    from sceplab.capture import read_capture
    from sceplab.scep.conversation import decode_exchanges

    started = time.process_time()
    decoded = decode_exchanges(read_capture(path))
    read_in = time.process_time()
    check_exchanges(decoded)
    checked = time.process_time()
    analysis = analyse(decoded)
    done = time.process_time()
    assert len(analysis.enrollments.found) >= min(len(decoded) // 3, DISTINCT)
    assert not analysis.causes
    return read_in - started, checked - started, done - checked + read_in - started


def _child(path: Path, mode: str, runs: int = 3) -> tuple[int, int, float, int]:
    found = []
    for _ in range(runs):
        command = [sys.executable, __file__, "--child", mode, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        exchanges, messages, taken, memory = done.stdout.split()
        found.append((int(exchanges), int(messages), float(taken), int(memory)))
    return min(found, key=lambda f: f[2])


def _tshark(path: Path, options: list[str]) -> float:
    best = 1e9
    for _ in range(3):
        started = time.perf_counter()
        command = ["tshark", "-n", "-r", str(path), "-d", "tcp.port==8080,http", *options]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        best = min(best, time.perf_counter() - started)
    return best


def _judged(number: int, path: Path) -> None:
    command = [sys.executable, __file__, "--child", "judge", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    decode, lint, diagnose = map(float, done.stdout.split())
    print(
        f"  {number:6} enrollments: decode {decode:6.2f} s, lint {lint:6.2f} s ({lint / decode:4.2f} x), "
        f"diagnose {diagnose:6.2f} s ({diagnose / decode:4.2f} x)"
    )
    if lint > 1.5 * decode or diagnose > 2 * decode:
        print("  goal missed: lint at most 1.5 x, diagnose at most 2 x the time of decode")


def main() -> None:
    """Measure and print all comparisons, or run one measurement as a child process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--enrollments", type=int, default=1000)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child and arguments.child[0] == "judge":
        print(*judge(arguments.child[1]))
        return
    if arguments.child:
        print(*read(arguments.child[1], arguments.child[0]))
        return
    wanted: int = arguments.enrollments
    with tempfile.TemporaryDirectory() as folder:
        files = {n: Path(folder) / f"{n}.pcap" for n in (max(wanted // 10, 1), wanted, wanted * 4)}
        messages = make_messages()
        for number, path in files.items():
            write_capture(path, number, messages)
        path = files[wanted]
        times: dict[str, float] = {}
        for mode, name in (
            ("read", "sceplab: packets to HTTP"),
            ("decode", "sceplab: decoded and verified"),
            ("decrypt", "sceplab: decoded, verified and decrypted"),
        ):
            _, _, times[name], _ = _child(path, mode)
        if shutil.which("tshark"):
            times["tshark -V: HTTP dissected"] = _tshark(path, ["-V"])
            fields = ["-T", "fields", "-e", "http.request.uri", "-e", "http.file_data", "-Y", "http"]
            times["tshark: HTTP fields"] = _tshark(path, fields)
        else:
            print("tshark is not installed (apt-get install tshark): nothing to compare with")
        print(f"{wanted} enrollments, {path.stat().st_size / 1e6:.1f} MB; messages per second of {wanted * 2}")
        for name, taken in times.items():
            print(f"  {name:42} {taken:7.2f} s {wanted * 2 / taken:7.0f}/s")
        print("memory as the file grows")
        for number, path in files.items():
            _, _, taken, memory = _child(path, "decrypt", 1)
            print(f"  {number:6} enrollments {path.stat().st_size / 1e6:6.1f} MB {taken:7.2f} s {memory:5} MB at most")
        print("CPU time of lint and diagnose, beside decoding alone")
        large = Path(folder) / "large.pcap"
        write_capture(large, wanted * 10, messages)
        for number, path in ((wanted, files[wanted]), (wanted * 4, files[wanted * 4]), (wanted * 10, large)):
            _judged(number, path)


if __name__ == "__main__":
    main()
