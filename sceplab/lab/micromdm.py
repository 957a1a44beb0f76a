"""Run micromdm's SCEP server for a `with` block: an independent check of what we build.

Rule: starts the server and sends requests, never decodes. micromdm's `scepserver` listens on all
interfaces (it has no option for one), on a free port, while the block runs.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from sceplab.errors import InputError
from sceplab.extras import LAB, needs
from sceplab.scep.transport import PKI_MESSAGE

with needs(LAB):
    import requests

# Seconds: a 2048-bit CA key takes one or two to make on a slow machine.
_STARTED_AFTER = 20


def available() -> bool:
    """Whether micromdm's scepserver is on the PATH (Debian: apt-get install scep)."""
    return shutil.which("scepserver") is not None


@contextlib.contextmanager
def scepserver(challenge: str) -> Iterator[str]:
    """Run micromdm's scepserver with a new CA and this challenge password; yields its URL.

    Raises InputError when it is not installed or does not start.
    """
    if not available():
        raise InputError("scepserver is not installed; on Debian: apt-get install scep")
    with tempfile.TemporaryDirectory() as folder:
        depot = str(Path(folder) / "depot")
        subprocess.run(
            ["scepserver", "ca", "-init", "-keySize", "2048", "-depot", depot], check=True, capture_output=True
        )
        port = free_port()
        command = ["scepserver", "-depot", depot, "-port", str(port), "-challenge", challenge, "-allowrenew", "0"]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        url = f"http://127.0.0.1:{port}/scep"
        try:
            _wait(server, url)
            yield url
        finally:
            server.terminate()
            server.wait(10)


def free_port() -> int:
    """Return a free port of 127.0.0.1, for a program that cannot choose one by itself.

    It is outside the ephemeral range (from 32768 on Linux, 49152 elsewhere), so
    that no other program is given it before the program starts.
    """
    while True:
        port = secrets.randbelow(12_000) + 20_000
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _wait(server: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + _STARTED_AFTER
    while server.poll() is None and time.monotonic() < deadline:
        try:
            get_ca_certificates(url)
        except requests.RequestException:
            time.sleep(0.1)
        else:
            return
    raise InputError(f"scepserver did not start (exit code {server.poll()})")


def get_ca_certificates(url: str) -> bytes:
    """Return the body of a GetCACert reply (RFC 8894, 4.2); raises requests.RequestException."""
    reply = requests.get(url, params={"operation": "GetCACert"}, timeout=10)
    reply.raise_for_status()
    return reply.content


def post_message(url: str, message: bytes) -> bytes:
    """Deliver a pkiMessage by POST and return the reply (RFC 8894, 4.3); raises requests.RequestException."""
    headers = {"Content-Type": PKI_MESSAGE}
    reply = requests.post(url, params={"operation": "PKIOperation"}, data=message, headers=headers, timeout=30)
    reply.raise_for_status()
    return reply.content
