"""A TLS proxy for any HTTP server: a CA made for the test, and a port that decrypts TLS for the server."""

from __future__ import annotations

import asyncio
import queue
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

_KEY = ec.generate_private_key(ec.SECP256R1())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@cache
def server_files(
    folder: Path, names: Sequence[str] = ("localhost", "127.0.0.1"), *, days: int = 2
) -> tuple[Path, Path]:
    """Make a CA and a server certificate for these names; return the CA's file, and the file of key and certificate.

    With `days` below 1 the certificate has expired.
    """
    now = datetime.now(UTC)
    start, end = now - timedelta(days=9), now + timedelta(days=days)
    ca_key = ec.generate_private_key(ec.SECP256R1())
    public = _KEY.public_key()

    def make(subject: str, key: ec.EllipticCurvePublicKey, last: datetime, *, ca: bool) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder(_name("Test TLS CA"), _name(subject), key, x509.random_serial_number())
        builder = builder.not_valid_before(start).not_valid_after(last)
        return builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)

    root = make("Test TLS CA", ca_key.public_key(), now + timedelta(days=2), ca=True).sign(ca_key, hashes.SHA256())
    given: list[x509.GeneralName] = []
    for name in names:
        try:
            given.append(x509.IPAddress(ip_address(name)))
        except ValueError:
            given.append(x509.DNSName(name))
    leaf = make("server", public, end, ca=False).add_extension(x509.SubjectAlternativeName(given), critical=False)
    certificate = leaf.sign(ca_key, hashes.SHA256())
    folder.mkdir(exist_ok=True, parents=True)
    ca_file, server_file = folder / "tls-ca.pem", folder / "tls-server.pem"
    ca_file.write_bytes(root.public_bytes(Encoding.PEM))
    key_pem = _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    server_file.write_bytes(key_pem + certificate.public_bytes(Encoding.PEM))
    return ca_file, server_file


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65_536):
            target.write(data)
            await target.drain()
        if target.can_write_eof():
            target.write_eof()


async def _connected(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    opening = asyncio.ensure_future(asyncio.open_connection(host, port))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        # A connection that is made at the moment of a cancellation would stay open.
        with suppress(OSError):
            (await opening)[1].close()
        raise


@contextmanager
def tls_front(port: int, server_file: Path, host: str = "127.0.0.1") -> Iterator[int]:
    """Yield a port that decrypts TLS and forwards to `port` of 127.0.0.1 or another local address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server_file)
    ports: queue.Queue[int] = queue.Queue()
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    busy: set[asyncio.Task[None]] = set()

    async def attend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = None
        try:
            with suppress(OSError):
                back, there = await _connected(host, port)
                up = asyncio.create_task(_pump(reader, there))
                try:
                    await _pump(back, writer)
                finally:
                    up.cancel()
                    await asyncio.gather(up, return_exceptions=True)
        finally:
            # Close both directions: asyncio's TLS has no half-close.
            both = [one for one in (writer, there) if one is not None]
            for one in both:
                one.close()
            for one in both:
                with suppress(OSError, TimeoutError):
                    await asyncio.wait_for(one.wait_closed(), 2)

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(attend(reader, writer))
        busy.add(task)
        task.add_done_callback(busy.discard)
        # Also if the task was cancelled before it started.
        task.add_done_callback(lambda _: writer.close())

    async def serve() -> None:
        server = await asyncio.start_server(begin, "127.0.0.1", 0, ssl=context)
        ended = asyncio.Event()
        running.append((asyncio.get_running_loop(), ended))
        ports.put(server.sockets[0].getsockname()[1])
        await ended.wait()
        server.close()
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)

    worker = threading.Thread(target=lambda: asyncio.run(serve()))
    worker.start()
    try:
        yield ports.get(timeout=60)
    finally:
        loop, ended = running[0]
        loop.call_soon_threadsafe(ended.set)
        worker.join()
