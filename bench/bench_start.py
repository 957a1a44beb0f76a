"""Start-up time of commands, compared with an interpreter that does nothing.

Run by `make bench`. Each figure is a ratio to `python -c pass` of the same run.
The runs of all commands alternate and the shortest of each counts, so that other
load on the machine affects all alike.
"""

from __future__ import annotations

import subprocess
import sys
import time

from sceplab.paths import SPECIMEN

ROUNDS = 30
# The same start as the installed script `sceplab`.
SCEPLAB = "import sys; from sceplab.cli import main; sys.exit(main())"
FLOOR = "python -c pass"
# Name of the run, arguments to python, and the maximum ratio to the floor.
RUNS: dict[str, tuple[list[str], float | None]] = {
    FLOOR: (["-c", "pass"], None),
    "import sceplab": (["-c", "import sceplab"], 2),
    "sceplab --version": (["-c", SCEPLAB, "--version"], 8),
    "sceplab --help": (["-c", SCEPLAB, "--help"], 8),
    "sceplab decode specimen/capture.pcap": (["-c", SCEPLAB, "decode", str(SPECIMEN / "capture.pcap")], 16),
}


def seconds(arguments: list[str]) -> float:
    """Return the seconds that one run of python takes."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print. A missed goal is reported and is not an error, because machines differ."""
    times: dict[str, list[float]] = {name: [] for name in RUNS}
    for _ in range(ROUNDS):
        for name, (arguments, _goal) in RUNS.items():
            times[name].append(seconds(arguments))
    floor = min(times[FLOOR])
    for name, (_arguments, goal) in RUNS.items():
        ratio = min(times[name]) / floor
        print(f"{name:45} {min(times[name]) * 1e3:8.1f} ms   {ratio:5.1f} x python -c pass")
        if goal is not None and ratio > goal:
            print(f"  goal missed: at most {goal} x python -c pass")


if __name__ == "__main__":
    main()
