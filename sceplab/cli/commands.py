"""The table of commands, and parsers that load a command's module when it is chosen.

Rule: a command is one line of a table: name, help, and the function that adds its
arguments to its parser. Nothing here imports a command.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterable
from typing import Any, NamedTuple, NoReturn

from sceplab.report.escape import visible


class Command(NamedTuple):
    """One command of a parser.

    `home` is its module under `sceplab.cli`; `adds` names the function of that module
    that takes the command's parser, adds the arguments, and sets `run` as default.
    """

    name: str
    help: str
    home: str
    adds: str = "add_arguments"


COMMANDS = (
    Command("decode", "decode every SCEP message in a capture, URL, base64, PEM or DER file", "decode"),
    Command("lint", "list the rules of RFC 8894, 5652, 2986 and 5280 that messages break", "lint"),
    Command("diagnose", "explain why an enrollment failed, likeliest cause first", "diagnose"),
    Command("inspect", "write a capture as one HTML file to explore in a browser", "inspect"),
    Command("walk", "take one captured request apart, step by step, and write every step to a file", "walk"),
    Command("table", "read a folder of captures into one table: CSV, JSON, or a summary", "table"),
    Command("lab", "run a CA and an RA on this machine, and grant or deny pending requests", "lab"),
    Command("enroll", "get a certificate from a SCEP server", "enroll"),
    Command("notebooks", "copy the notebooks to a folder of your own and open them in JupyterLab", "notebooks"),
    Command("progress", "show how many exercises of the notebooks are solved", "progress"),
    Command("relay", "relay and explain the traffic between a client and a server, also over TLS", "relay"),
    Command("doctor", "check versions, data files and optional tools", "doctor"),
)


class Parser(argparse.ArgumentParser):
    """A parser whose errors show what was typed escaped."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and the error, and exit with 2."""
        super().error(visible(message))


class _LateParser(Parser):
    """A parser that gets its arguments from its command's module, at the moment when it has something to parse."""

    def __init__(self, *, command: Command, **settings: Any) -> None:  # noqa: ANN401 - as ArgumentParser takes them
        super().__init__(**settings)
        self._command: Command | None = command

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:  # noqa: ANN401
        command, self._command = self._command, None
        if command is not None:
            module = importlib.import_module(f"sceplab.cli.{command.home}")
            getattr(module, command.adds)(self)
        return super().parse_known_args(args, namespace)


def register(parser: argparse.ArgumentParser, commands: Iterable[Command], metavar: str) -> None:
    """Add commands to a parser, one of which is required."""
    choices = parser.add_subparsers(required=True, metavar=metavar, parser_class=_LateParser)
    for command in commands:
        choices.add_parser(command.name, help=command.help, description=command.help, command=command)
