"""The `sceplab` command: decode, diagnose, walk through a request, and run the lab in a terminal.

Rule: thin. Each command has one module that reads files, calls other packages, and
prints. Bad input gives one line on standard error and exit code 2; findings give
exit code 1. A command's module is imported when it is chosen, so
that `sceplab --version` loads neither cryptography nor the lab.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from sceplab import __version__
from sceplab.cli.commands import COMMANDS, register
from sceplab.errors import ScepError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="sceplab", description="Take SCEP enrollments (RFC 8894) apart and put them together."
    )
    parser.add_argument("--version", action="version", version=f"sceplab {__version__}")
    register(parser, COMMANDS, "COMMAND")
    try:
        arguments = parser.parse_args(argv)  # loads the command, whose libraries may be missing
        code: int = arguments.run(arguments)
    except ScepError as error:
        print(f"sceplab: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # `sceplab decode ... | head` closes the pipe early: not an error.
        sys.stderr.close()
        return 0
    return code
