"""`sceplab relay`: relay and explain the traffic between a client and a server.

Rule: thin: options become a `Relay`, and what passes is printed.
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack, suppress
from pathlib import Path

from sceplab.cli.arguments import add_materials, materials_of
from sceplab.cli.listening import address_of, until_signal
from sceplab.cli.terminal import OutputError, say, warn, width
from sceplab.cli.values import DAY, seconds
from sceplab.lab.guard import is_loopback
from sceplab.lab.narration import Narration
from sceplab.lab.recording import Record
from sceplab.lab.relay import Relay
from sceplab.report.follow import Follower
from sceplab.report.plain import Line

_LISTEN = "127.0.0.1:8082"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give the parser of the command its arguments."""
    parser.description = (
        "Relay the traffic between a SCEP client and the server at URL (http or https), and print a line for each "
        "exchange, and why an enrollment failed. Bytes pass unchanged, except the name of the server in Host and "
        "in absolute URLs. Press Ctrl-C to stop."
    )
    parser.add_argument("--to", required=True, metavar="URL", help="the SCEP URL of the server, http or https")
    parser.add_argument(
        "--listen", default=_LISTEN, metavar="ADDRESS", help=f"HOST:PORT to listen on (default: {_LISTEN}; port 0: any)"
    )
    parser.add_argument(
        "--ca-file", type=Path, metavar="FILE", help="CAs to trust for TLS, instead of those of the system"
    )
    parser.add_argument("--keep-host", action="store_true", help="pass on Host and absolute URLs unchanged too")
    parser.add_argument(
        "--host-name",
        action="append",
        default=[],
        metavar="NAME",
        help="when listening on loopback, also accept requests for this host name",
    )
    parser.add_argument("--record", type=Path, metavar="FILE", help="write the traffic to a new pcap, as it passes")
    parser.add_argument("--layers", action="store_true", help="also print each message layer by layer")
    parser.add_argument(
        "--timeout", type=seconds(0.01, DAY), default=10, metavar="SECONDS", help="to reach the server (default: 10)"
    )
    add_materials(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal ends it; returns 0. Raises InputError."""
    host, port = address_of(arguments.listen, _LISTEN)
    materials = materials_of(arguments)
    with ExitStack() as stack:
        narration = Narration(Follower(materials, layers=arguments.layers, width=width()), _tell)
        relay = Relay(
            arguments.to,
            host=host,
            port=port,
            ca_file=arguments.ca_file,
            keep_host=arguments.keep_host,
            host_names=arguments.host_name,
            materials=materials,
            timeout=arguments.timeout,
            on_exchange=narration.take,
            on_problem=narration.take,
        )
        if arguments.record is not None:
            record = stack.enter_context(Record(arguments.record, narration.take))
            relay.on_sent = record.take
        ended = stack.enter_context(until_signal())
        relay.start()
        # Ended in the other order: first the relay, then what is still to be told.
        stack.enter_context(narration)
        stack.callback(relay.stop)
        for line in _welcome(relay, arguments.record):
            say(line, at_once=True)
        if not is_loopback(host):
            warn(
                f"sceplab: warning: the relay listens on {relay.host}:{relay.port}: anyone who can reach this machine "
                "can use it to reach the server"
            )
        ended.wait()
    if arguments.record is not None:
        say(f"recorded in {arguments.record}")
    return 0


def _welcome(relay: Relay, record: Path | None) -> list[str]:
    if relay.keep_host:
        changed = "Nothing is changed: Host and absolute URLs are passed on as the client sends them."
    else:
        changed = (
            f"Changed on the way: the name of the server in Host and absolute URLs becomes {relay.authority} "
            "(--keep-host keeps it). All other bytes pass unchanged."
        )
    return [
        f"Give the client this URL: {relay.url}",
        f"It leads to {relay.to}.",
        changed,
        *([f"The traffic is written to {record}."] if record is not None else []),
        "Press Ctrl-C to stop.",
        "",
    ]


def _tell(line: Line) -> None:
    # A log that nobody reads any more is no reason to stop.
    with suppress(OutputError, BrokenPipeError):
        say(line.text, line.word, at_once=True)
