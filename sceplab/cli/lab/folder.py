"""The folder of a lab, as an option."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Add `--dir`."""
    parser.add_argument("--dir", type=Path, default=Path("sceplab-lab"), help="the lab's folder (default: sceplab-lab)")
