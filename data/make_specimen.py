"""Make the specimen: R3's request, carried by R2 (RA) to R1 (CA), sniffed off the loopback interface.

Made once and committed; run it only to make a new one (as root, with openssl
and tcpdump): `python data/make_specimen.py`. Keys that exist are kept. Every
secret of the messages is memorable, so that a reader knows it by sight in any
hex view:

    request: senderNonce 00 01 .. 0f, content key 20 21 .. 2f, IV a0 a1 .. af
    reply:   senderNonce f0 f1 .. ff, content key 40 41 .. 4f, IV c0 c1 .. cf
    padding of the wrapped keys: 01 02 .. ff 01 02 ..

Test keys, never deploy.
"""

from __future__ import annotations

import base64
import http.server
import shutil
import socket
import subprocess
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

import sceplab
from sceplab import MessageType, NameAttribute, PkiStatus, ScepAttributes
from sceplab.asn1 import oids
from sceplab.cms.x509 import Extension

HERE = Path(__file__).parent / "specimen"
R1, R2 = "127.0.0.1", "127.0.0.2"
PORT = 80
PATH = "/cgi-bin/pkiclient.exe"
# As a router prints it when it exports its key pair; the passphrase is part of the story.
CA_KEY_PASSPHRASE = "cisco123"  # noqa: S105
# Text before BEGIN is ignored by every PEM reader, and read by every person.
WARNING = b"sceplab TEST KEY, published with its certificate: never deploy it.\n"
CHALLENGE = "R3-to-R1-via-R2"
FROM, TO = datetime(2026, 1, 1, tzinfo=UTC), datetime(2046, 1, 1, tzinfo=UTC)


def octets(first: int, count: int = 16) -> bytes:
    """Return `count` octets counting up from `first`."""
    return bytes(range(first, first + count))


def padding(count: int) -> bytes:
    """Return padding that counts 01 02 .. ff and starts again: never zero, as PKCS#1 v1.5 wants it."""
    return bytes(i % 255 + 1 for i in range(count))


def key(name: str) -> rsa.RSAPrivateKey:
    """Return the 2048-bit test key of that name, made if it is not there yet."""
    path = HERE / f"{name}.key.pem"
    if not path.exists():
        new = rsa.generate_private_key(65537, 2048)
        path.write_bytes(WARNING + new.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        path.chmod(0o600)
    loaded = load_pem_private_key(path.read_bytes(), None)
    if not isinstance(loaded, rsa.RSAPrivateKey):
        raise TypeError(f"{path} is no RSA key")
    return loaded


def name(*rdns: list[tuple[str, str, str]]) -> sceplab.Name:
    """Return a name of RDNs, each a list of (OID, value, string type)."""
    return sceplab.build_name([[NameAttribute(*a) for a in rdn] for rdn in rdns])


def certificate(
    csr_der: bytes, serial: int, issuer: x509.Certificate | None, issuer_key: rsa.RSAPrivateKey, *, ca: bool = False
) -> x509.Certificate:
    """Issue a certificate for a request; self-signed where there is no issuer."""
    csr = x509.load_der_x509_csr(csr_der)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=True,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(csr.subject)
        .issuer_name(issuer.subject if issuer else csr.subject)
        .public_key(csr.public_key())
        .serial_number(serial)
        .not_valid_before(FROM)
        .not_valid_after(TO)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(csr.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return builder.sign(issuer_key, hashes.SHA256())


def sniff(target: str, reply: bytes, pcap: Path) -> None:
    """Send the GET from R2 to R1 over the loopback interface while tcpdump writes it down."""

    class R1Handler(http.server.BaseHTTPRequestHandler):
        server_version = "cisco-IOS"
        sys_version = ""

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/x-pki-message")
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            pass

    server = http.server.HTTPServer((R1, PORT), R1Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    tcpdump = shutil.which("tcpdump")
    if tcpdump is None:
        raise SystemExit("tcpdump is not installed; on Debian: apt-get install tcpdump")
    sniffer = subprocess.Popen(
        [
            tcpdump,
            "-i",
            "lo",
            "-Z",
            "root",
            "-U",
            "-s",
            "0",
            "-w",
            str(pcap),
            "host",
            R2,
            "and",
            "tcp",
            "port",
            str(PORT),
        ],
        stderr=subprocess.PIPE,
    )
    assert sniffer.stderr is not None
    sniffer.stderr.readline()  # "listening on lo ..."
    time.sleep(1)
    with socket.create_connection((R1, PORT), timeout=10, source_address=(R2, 0)) as connection:
        lines = [
            f"GET {target} HTTP/1.0",
            "User-Agent: Mozilla/4.0 (compatible; MSIE 5.0; Cisco PKI)",
            f"Host: {R1}",
            "",
            "",
        ]
        connection.sendall("\r\n".join(lines).encode("ascii"))
        while connection.recv(65536):
            pass
    time.sleep(1)
    sniffer.terminate()
    sniffer.wait()
    server.shutdown()
    server.server_close()


def main() -> None:
    """Make every file of the specimen."""
    HERE.mkdir(exist_ok=True)
    r1, r2, r3 = key("ca"), key("ra"), key("r3")
    text = "PrintableString"
    unstructured = oids.UNSTRUCTURED_NAME
    serial = oids.SERIAL_NUMBER
    ca_csr = sceplab.build_csr(name([(oids.COMMON_NAME, "CA", text)]), r1)
    ra_subject = name(
        [(oids.ORGANIZATIONAL_UNIT_NAME, "ioscs RA", text)],
        [(serial, "4279256517", text), (unstructured, "R2", "IA5String")],
    )
    usage = Extension(oids.KEY_USAGE, True, b"\x03\x02\x05\xa0")  # noqa: FBT003 - critical
    ra_csr = sceplab.build_csr(ra_subject, r2, extensions=[usage])
    r3_subject = name([(serial, "4279256583", text), (unstructured, "R3", "IA5String")])
    csr = sceplab.build_csr(r3_subject, r3, challenge_password=CHALLENGE, extensions=[usage])
    ca = certificate(ca_csr, 1, None, r1, ca=True)
    ra = certificate(ra_csr, 2, ca, r1)
    issued = certificate(csr, 3, ca, r1)
    der_of = {n: c.public_bytes(Encoding.DER) for n, c in (("ca", ca), ("ra", ra), ("r3", issued))}

    transaction = sceplab.transaction_id_of(sceplab.parse_csr(csr).public_key_info, "md5")
    request = sceplab.encode_message(
        sceplab.draft_message(
            ScepAttributes(
                message_type=str(int(MessageType.PKCSReq)), transaction_id=transaction, sender_nonce=octets(0x00)
            ),
            csr,
            signer_certificate=der_of["ra"],
            recipients=[der_of["ca"]],
            content_key=octets(0x20),
            iv=octets(0xA0),
            padding=[padding(256 - 3 - 16)],
        ),
        r2,
    )
    reply = sceplab.encode_message(
        sceplab.draft_message(
            ScepAttributes(
                message_type=str(int(MessageType.CertRep)),
                transaction_id=transaction,
                sender_nonce=octets(0xF0),
                recipient_nonce=octets(0x00),
                pki_status=str(int(PkiStatus.SUCCESS)),
            ),
            sceplab.build_degenerate([der_of["r3"], der_of["ca"]]),
            signer_certificate=der_of["ca"],
            recipients=[der_of["ra"]],
            content_key=octets(0x40),
            iv=octets(0xC0),
            padding=[padding(256 - 3 - 16)],
        ),
        r1,
    )
    # IOS breaks base64 after 64 characters, ends with a line break, and escapes what a URL cannot hold.
    encoded = base64.b64encode(request).decode("ascii")
    lines = "".join(encoded[i : i + 64] + "\n" for i in range(0, len(encoded), 64))
    target = f"{PATH}?operation=PKIOperation&message={quote(lines, safe='')}"

    for stem, cert in (("ca", ca), ("ra", ra), ("r3", issued)):
        (HERE / f"{stem}.pem").write_bytes(cert.public_bytes(Encoding.PEM))
    (HERE / "r3.csr.der").write_bytes(csr)
    subprocess.run(
        [
            "openssl",
            "rsa",
            "-in",
            str(HERE / "ca.key.pem"),
            "-traditional",
            "-des3",
            "-passout",
            f"pass:{CA_KEY_PASSPHRASE}",
            "-out",
            str(HERE / "ca.key.encrypted.pem"),
        ],
        check=True,
        capture_output=True,
    )
    encrypted = HERE / "ca.key.encrypted.pem"
    encrypted.write_bytes(WARNING + encrypted.read_bytes())
    sniff(target, reply, HERE / "capture.pcap")


if __name__ == "__main__":
    main()
