"""The `sceplab` command: decode, diagnose, walk through a request, and run the lab in a terminal.

Rule: thin. One module a command reads files, calls the floors below, and prints.
Bad input ends in one line on standard error and exit code 2; a finding that the
user asked about in exit 1; Ctrl-C in 130. A command's module is imported when it is chosen, so
that `sceplab --version` loads neither cryptography nor the lab.
"""

from __future__ import annotations

from collections.abc import Sequence

from sceplab import __version__
from sceplab.cli import terminal
from sceplab.cli.commands import COMMANDS, Parser, register
from sceplab.errors import ScepError

_INTERRUPTED = 130
"""What shells have for a program that SIGINT ended: 128 + 2."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    terminal.prepare()
    parser = Parser(prog="sceplab", description="Take SCEP enrollments (RFC 8894) apart and put them back together.")
    parser.add_argument("--version", action="version", version=f"sceplab {__version__}")
    register(parser, COMMANDS, "COMMAND")
    try:
        try:
            arguments = parser.parse_args(argv)  # loads the command, whose libraries may be missing
            code: int = arguments.run(arguments)
        finally:
            terminal.finish()
    except BrokenPipeError:
        return 0  # `sceplab decode ... | head` is no error
    except ScepError as error:
        terminal.warn(f"sceplab: {error}")
        return 2
    except KeyboardInterrupt:
        terminal.warn("sceplab: interrupted")
        return _INTERRUPTED
    return code
