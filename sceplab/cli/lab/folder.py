"""The folder of a lab, as an option, and the CA in it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sceplab.errors import InputError
from sceplab.files import is_there
from sceplab.lab.ca import CertificationAuthority
from sceplab.lab.network import STORE_FILE
from sceplab.lab.store import Store


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Add `--dir`."""
    parser.add_argument("--dir", type=Path, default=Path("sceplab-lab"), help="the lab's folder (default: sceplab-lab)")


@contextmanager
def opened(arguments: argparse.Namespace) -> Iterator[CertificationAuthority]:
    """Yield the CA in the folder. Raises InputError where there is none."""
    path = arguments.dir / STORE_FILE
    if not is_there(path):
        raise InputError(f"{arguments.dir} is not the folder of a lab; `sceplab lab start` makes one")
    store = Store(path)
    try:
        yield CertificationAuthority(store)
    finally:
        store.close()
