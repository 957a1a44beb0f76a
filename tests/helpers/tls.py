"""A TLS front for any HTTP server: a CA made for the test, and a port that speaks TLS before the server."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
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
    """Make a CA and a server's certificate for these names; returns the CA's file, and that of key and certificate.

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


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def tls_front(port: int, server_file: Path, host: str = "127.0.0.1") -> Iterator[int]:
    """Yield a port that speaks TLS and passes on to `port` of 127.0.0.1 or another host of this machine."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server_file)
    open_now: list[socket.socket] = []
    workers: list[threading.Thread] = []

    def serve(raw: socket.socket) -> None:
        with ExitStack() as stack:
            raw.settimeout(60)
            stack.callback(raw.close)
            try:
                link = stack.enter_context(context.wrap_socket(raw, server_side=True))
                there = stack.enter_context(socket.create_connection((host, port), 60))
            except OSError:
                return
            open_now.extend((link, there))
            up = threading.Thread(target=_pump, args=(link, there))
            up.start()
            with suppress(OSError):
                while data := there.recv(65_536):
                    link.sendall(data)
            # TLS ends as a whole.
            with suppress(OSError, ValueError):
                link.unwrap()
            for one in (link, there):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            up.join()

    def accept(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                worker = threading.Thread(target=serve, args=(listener.accept()[0],))
                workers.append(worker)
                worker.start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=accept, args=(listener,))
        accepting.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for one in open_now:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            for worker in workers:
                worker.join()
