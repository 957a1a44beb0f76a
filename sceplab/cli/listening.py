"""What the commands share that listen: the address that was typed, and a run until a signal ends it.

Rule: reads words and signals; opens nothing.
"""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sceplab.errors import InputError

_HOST = r"(?:\[([0-9A-Fa-f:.%a-z]+)\]|([0-9A-Za-z.-]+))"
_BARE_IPV6 = re.compile(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[0-9A-Za-z.-]+)?")


def host_of(text: str) -> str:
    """Return the host of an address without a port: a name, IPv4, or IPv6 with or without brackets.

    Raises InputError.
    """
    if _BARE_IPV6.fullmatch(text):
        return text
    found = re.fullmatch(_HOST, text)
    if found is None or _is_half_an_address(text):
        raise InputError(
            f"{text!r} is not an address to listen on; give one without a port, for example 0.0.0.0 or 192.0.2.7"
        )
    return str(found[1] or found[2])


def address_of(text: str, example: str) -> tuple[str, int]:
    """Return host and port of HOST:PORT, [IPV6]:PORT, or a port alone; the error shows `example`. Raises InputError."""
    found = re.fullmatch(rf"(?:{_HOST}:|)([0-9]{{1,5}})", text)
    if found is None or int(found[3]) > 65_535 or _is_half_an_address(found[2] or ""):
        raise InputError(
            f"{text!r} is not an address to listen on; give for example {example}, [::1]:8082 or 0.0.0.0:8082"
        )
    return found[1] or found[2] or "127.0.0.1", int(found[3])


def _is_half_an_address(host: str) -> bool:
    """Whether a host is digits and dots and no IPv4 address: systems take 0 for 0.0.0.0, and 1 for 0.0.0.1."""
    return bool(re.fullmatch(r"[0-9.]+", host)) and not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3}){3}", host)


@contextmanager
def until_signal() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C (SIGINT) or a service manager (SIGTERM) sets, in place of what they did before."""
    ended = threading.Event()
    before = {s: signal.signal(s, lambda *_: ended.set()) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
