"""A TLS proxy for any HTTP server: a CA made for the test, and a port that decrypts TLS for the server."""

from __future__ import annotations

import asyncio
import queue
import socket
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
from tornado.netutil import add_accept_handler

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


async def _attend(
    connection: socket.socket, context: ssl.SSLContext, target: tuple[str, int], waiting: set[socket.socket]
) -> None:
    """Decrypt TLS of a connection, which waits no more, and forward both directions until one ends."""
    waiting.discard(connection)
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    both: list[asyncio.StreamWriter] = []
    try:
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, connection, ssl=context)
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        both.append(writer)
        back, there = await asyncio.open_connection(*target)
        both.append(there)
        up = asyncio.create_task(_pump(reader, there))
        try:
            await _pump(back, writer)
        finally:
            up.cancel()
            await asyncio.gather(up, return_exceptions=True)
    except OSError:
        pass
    finally:
        # Close both directions: asyncio's TLS has no half-close.
        for one in both:
            one.close()
        try:
            async with asyncio.timeout(2):
                await asyncio.gather(*(one.wait_closed() for one in both), return_exceptions=True)
        except TimeoutError:
            pass
        finally:
            # Also if this is cancelled: a transport that has bytes left to write stays open after `close`.
            for one in both:
                one.transport.abort()


@contextmanager
def tls_front(port: int, server_file: Path, host: str = "127.0.0.1") -> Iterator[int]:
    """Yield a port that decrypts TLS and forwards to `port` of 127.0.0.1 or another local address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server_file)
    ports: queue.Queue[int] = queue.Queue()
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    busy: set[asyncio.Task[None]] = set()
    waiting: set[socket.socket] = set()

    def begin(connection: socket.socket, _: object) -> None:
        waiting.add(connection)
        task = asyncio.create_task(_attend(connection, context, (host, port), waiting))
        busy.add(task)
        task.add_done_callback(busy.discard)

    async def serve() -> None:
        listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        listening.setblocking(False)
        # Not `asyncio.start_server`: until Python 3.12 it forgets to close what it is about to take when it ends.
        refuse = add_accept_handler(listening, begin)
        ended = asyncio.Event()
        running.append((asyncio.get_running_loop(), ended))
        ports.put(listening.getsockname()[1])
        await ended.wait()
        refuse()
        listening.close()
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)
        # Of tasks that were cancelled before they began.
        for connection in waiting:
            connection.close()

    worker = threading.Thread(target=lambda: asyncio.run(serve()))
    worker.start()
    try:
        yield ports.get(timeout=60)
    finally:
        loop, ended = running[0]
        loop.call_soon_threadsafe(ended.set)
        worker.join()
