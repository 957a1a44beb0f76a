"""Other projects' SCEP clients, each driven by one method: enroll at a URL, in a folder.

Rule: this module starts programs and reads their output; `interop.judge` checks the
certificates. A task that a program has no option for raises Unsupported, so that the
table can say so. Every program has a time limit, and none is left running.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / ".venv-peers" / "bin" / "python"
# Seconds for steps that take less than one on an idle machine; only a hanging program takes this long.
_AT_MOST = 90


class Unsupported(Exception):  # noqa: N818 - no error: a fact about a program
    """The program cannot do this; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Held:
    """A key and its certificate, as PEM files."""

    key: Path
    certificate: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The task for a program.

    `cipher` ("aes", "3des") and `digest` ("sha1", "sha256", "sha512") are None
    if the program may choose. A program that is `led` chooses by GetCACaps, so the
    server must offer the right capabilities.
    `patience` is the time in seconds to wait for an operator's decision.
    `renew` holds a key and certificate to renew, and with `same` the PKCS#10 request
    is the one that was sent for it: the same key, name and challenge. An empty
    challenge is not sent. `tls_ca` holds the CA of an https server's certificate.
    """

    challenge: str = ""
    name: str = "device"
    bits: int = 2048
    ec: bool = False
    cipher: str | None = None
    digest: str | None = None
    patience: float = 0
    renew: Held | None = None
    same: bool = False
    tls_ca: Path | None = None


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The result of an enrollment.

    `held` is the new key and certificate, or None. `refused`: the program received
    FAILURE. `waiting`: it received PENDING until its time ended.
    `log` is the program's whole output.
    """

    held: Held | None
    refused: bool
    waiting: bool
    log: str


class Peer(Protocol):
    """A program: its name, what it needs to run, and its method to enroll."""

    @property
    def name(self) -> str:
        """The program's usual name."""

    @property
    def able(self) -> frozenset[str]:
        """Which of "ec", "cipher", "digest", "wait", "renew" it supports."""

    @property
    def led(self) -> bool:
        """Whether cipher and digest follow from GetCACaps because it has no options for them."""

    def missing(self) -> str | None:
        """Return how to install what is missing, or None."""

    def enroll(self, url: str, folder: Path, wish: Wish) -> Enrolled:
        """Enroll at a URL; files go into the folder. Raises Unsupported."""


def run(
    command: Sequence[str], folder: Path, *, seconds: float, environment: Mapping[str, str] | None = None
) -> tuple[int | None, str]:
    """Run a program and its children for a limited time; return the exit code (None: timed out) and the output."""
    with started(command, folder, folder / "log", environment) as process:
        try:
            code: int | None = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
    return code, (folder / "log").read_text(errors="replace")


@contextlib.contextmanager
def started(
    command: Sequence[str], folder: Path, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program during the block; its output and its children's goes to `log`, and all end with the block."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            list(command),
            cwd=folder,
            env={**os.environ, "NO_PROXY": "127.0.0.1", **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        # start_new_session created this process group, so it contains only our processes.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(5)


def _write_key(path: Path, wish: Wish) -> None:
    # scepclient reads PKCS#1.
    key = rsa.generate_private_key(65537, wish.bits)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    path.chmod(0o600)


def cannot(able: frozenset[str], wish: Wish) -> str | None:
    """Return what the wish needs and a program with these abilities cannot do, or None."""
    asked = {
        "ec": (wish.ec, "no EC keys"),
        "cipher": (wish.cipher is not None, "one cipher only"),
        "digest": (wish.digest is not None, "one digest only"),
        "wait": (wish.patience > 0, "cannot wait for a person"),
        "renew": (wish.renew is not None, "cannot renew"),
    }
    return next((why for what, (wanted, why) in asked.items() if wanted and what not in able), None)


def _check(able: frozenset[str], wish: Wish) -> None:
    why = cannot(able, wish)
    if why is not None:
        raise Unsupported(why)


def _programs_missing(packages: str, *programs: str) -> str | None:
    lost = [p for p in programs if shutil.which(p) is None and not Path(p).exists()]
    return f"{', '.join(lost)} is missing (apt-get install {packages})" if lost else None


def _certificates(text: str) -> list[x509.Certificate]:
    """Return the certificates in PEM in a program's output."""
    found = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", text, re.DOTALL)
    return [x509.load_pem_x509_certificate(pem.encode()) for pem in found]


def _first_certificate(path: Path) -> bool:
    return path.exists() and b"BEGIN CERTIFICATE" in path.read_bytes()


@dataclass(frozen=True, slots=True)
class Scepclient:
    """micromdm's scepclient 2.1.0: SHA-1, single DES; POST if offered; polls every 30 seconds while PENDING."""

    name: str = "micromdm scepclient"
    able: frozenset[str] = frozenset({"wait", "renew"})
    led: bool = False

    def missing(self) -> str | None:
        """See `Peer.missing`."""
        return _programs_missing("scep", "scepclient")

    def enroll(self, url: str, folder: Path, wish: Wish) -> Enrolled:
        """See `Peer.enroll`. It renews if the certificate file exists."""
        _check(self.able, wish)
        key, certificate = folder / "key.pem", folder / "certificate.pem"
        command = ["scepclient", "-server-url", url, "-cn", wish.name]
        if wish.renew:
            shutil.copy(wish.renew.key, key)
            shutil.copy(wish.renew.certificate, certificate)
            if wish.same:
                # Beside the key; it sends this file again, whatever the options say.
                shutil.copy(wish.renew.key.parent / "csr.pem", folder)
        else:
            _write_key(key, wish)
        if wish.challenge:
            command += ["-challenge", wish.challenge]
        before = certificate.read_bytes() if wish.renew else b""
        command += ["-private-key", str(key), "-certificate", str(certificate), "-debug"]
        # Go's variable for the CAs of TLS; the program has no option.
        trust = {"SSL_CERT_FILE": str(wish.tls_ca)} if wish.tls_ca else {}
        code, log = run(command, folder, seconds=_AT_MOST + wish.patience, environment=trust)
        done = code == 0 and _first_certificate(certificate) and certificate.read_bytes() != before
        return Enrolled(
            Held(key, certificate) if done else None, "failInfo:" in log, code is None and "PENDING" in log, log
        )


@dataclass(frozen=True, slots=True)
class StrongSwan:
    """strongSwan's `pki --scepca` and `pki --scep` (5.9.8)."""

    name: str = "strongSwan pki"
    able: frozenset[str] = frozenset({"cipher", "digest", "wait", "renew"})
    led: bool = False

    def missing(self) -> str | None:
        """See `Peer.missing`."""
        return _programs_missing("strongswan-pki libstrongswan-standard-plugins libstrongswan-extra-plugins", "pki")

    def enroll(self, url: str, folder: Path, wish: Wish) -> Enrolled:
        """See `Peer.enroll`. The same program fetches the certificates of the CA and RA first."""
        _check(self.able, wish)
        fetch = ["pki", "--scepca", "--url", url, "--caout", "ca.pem", "--raout", "ra.pem", "--outform", "pem"]
        code, fetched = run(fetch, folder, seconds=_AT_MOST)
        if code != 0 or not (folder / "ca.pem").exists():
            return Enrolled(None, refused=False, waiting=False, log=fetched)
        key = folder / "key.pem"
        if wish.renew and wish.same:
            shutil.copy(wish.renew.key, key)
        else:
            _write_key(key, wish)
        encryption, signature = self._addressees(folder)
        command = ["pki", "--scep", "--url", url, "--in", str(key), "--dn", f"CN={wish.name}", "--outform", "pem"]
        command += ["--cacert-enc", str(encryption), "--cacert-sig", str(signature)]
        for more in sorted(folder.glob("ca*.pem")):
            command += ["--cacert", str(more)]
        command += ["--interval", "1", "--maxpolltime", str(int(wish.patience) or 1)]
        if wish.cipher:
            command += ["--cipher", {"aes": "aes", "3des": "des3"}[wish.cipher]]
        if wish.digest:
            command += ["--digest", wish.digest]
        if wish.renew:
            command += ["--cert", str(wish.renew.certificate), "--key", str(wish.renew.key)]
        if wish.challenge:
            command += ["--password", wish.challenge]
        code, log = run(command, folder, seconds=_AT_MOST + wish.patience)
        certificate = folder / "certificate.pem"
        found = _certificates(log)
        if code == 0 and found:
            certificate.write_bytes(found[0].public_bytes(Encoding.PEM))
            return Enrolled(Held(key, certificate), refused=False, waiting=False, log=fetched + log)
        return Enrolled(None, "failInfo" in log or "FAILURE" in log, "maximum poll time reached" in log, fetched + log)

    @staticmethod
    def _addressees(folder: Path) -> tuple[Path, Path]:
        """Return the encryption and signing certificates: the RA's by keyUsage, else the issuing CA's."""
        authorities = {p: x509.load_pem_x509_certificate(p.read_bytes()) for p in sorted(folder.glob("ca*.pem"))}
        above = {c.issuer for c in authorities.values() if c.issuer != c.subject}
        issuing = [p for p, c in authorities.items() if c.subject not in above]
        encryption = signature = issuing[0] if issuing else folder / "ca.pem"
        for path in sorted(folder.glob("ra*.pem")):
            usage = x509.load_pem_x509_certificate(path.read_bytes()).extensions.get_extension_for_class(x509.KeyUsage)
            if usage.value.key_encipherment:
                encryption = path
            if usage.value.digital_signature:
                signature = path
        return encryption, signature


@dataclass(frozen=True, slots=True)
class Certmonger:
    """certmonger 0.79.17 with its helper scep-submit, on a socket of its own, so it needs no D-Bus; always GET."""

    name: str = "certmonger"
    able: frozenset[str] = frozenset({"cipher", "digest", "wait", "renew"})
    led: bool = True
    daemon: str = "/usr/lib/certmonger/certmonger-session"
    helper: str = "/usr/lib/certmonger/scep-submit"

    def missing(self) -> str | None:
        """See `Peer.missing`."""
        return _programs_missing("certmonger", "getcert", self.daemon, self.helper)

    def enroll(self, url: str, folder: Path, wish: Wish) -> Enrolled:
        """See `Peer.enroll`. It polls only on `getcert refresh`, which runs here every second."""
        # For EC keys it says "Keys aren't RSA. They won't work with SCEP."
        _check(self.able, wish)
        with self.running(folder, wish.digest) as (environment, log):
            result = self._ask(url, folder, wish, environment)
        return Enrolled(result.held, result.refused, result.waiting, result.log + log.read_text(errors="replace"))

    @contextlib.contextmanager
    def running(self, folder: Path, digest: str | None = None) -> Iterator[tuple[Mapping[str, str], Path]]:
        """Run the daemon with its files in the folder; yield the environment for getcert, and the log."""
        # A socket path has at most 107 bytes; pytest's folders are longer.
        with tempfile.TemporaryDirectory(prefix="cm") as short:
            socket = Path(short) / "socket"
            environment = {"HOME": short, "CERTMONGER_PVT_ADDRESS": f"unix:path={socket}"}
            for variable in ("CONFIG", "REQUESTS", "CAS", "LOCAL_CA"):
                (folder / variable).mkdir()
                environment[f"CERTMONGER_{variable}_DIR"] = str(folder / variable)
            environment["CERTMONGER_TMPDIR"] = short
            if digest:
                (folder / "CONFIG" / "certmonger.conf").write_text(f"[defaults]\ndigest = {digest}\n")
            log = folder / "certmonger.log"
            with started([self.daemon, "-n", "-L", "-P", str(socket), "-d", "2"], folder, log, environment):
                deadline = time.monotonic() + _AT_MOST
                while not socket.exists() and time.monotonic() < deadline:
                    time.sleep(0.05)
                yield environment, log

    def _ask(self, url: str, folder: Path, wish: Wish, environment: Mapping[str, str]) -> Enrolled:
        def getcert(*words: str) -> str:
            return run(["getcert", *words], folder, seconds=_AT_MOST, environment=environment)[1]

        key, certificate = folder / "key.pem", folder / "certificate.pem"
        # Without -N it accepts no reply's signature: "certificate verify error".
        trust = ["-R", str(wish.tls_ca)] if wish.tls_ca else []
        _, chain = run([self.helper, "-u", url, *trust, "-C"], folder, seconds=_AT_MOST)
        authorities = [c for c in _certificates(chain) if c.issuer == c.subject]
        if len(authorities) != 1:
            return Enrolled(None, refused=False, waiting=False, log=chain)
        (folder / "ca.pem").write_bytes(authorities[0].public_bytes(Encoding.PEM))
        log = getcert("add-scep-ca", "-c", "lab", "-u", url, *trust, "-N", str(folder / "ca.pem"), "-v")
        # It fetches the CA's certificates by itself; an earlier request has no recipient to encrypt for.
        deadline = time.monotonic() + _AT_MOST
        while "SCEP CA certificate thumbprint" not in getcert("list-cas", "-c", "lab") and time.monotonic() < deadline:
            time.sleep(0.1)
        files = ["-c", "lab", "-I", "one", "-k", str(key), "-f", str(certificate)]
        if wish.renew:
            shutil.copy(wish.renew.key, key)
            shutil.copy(wish.renew.certificate, certificate)
            log += getcert("start-tracking", *files, "-v")
            # Before it has read the certificate it would send a new request, signed by a minicert, and not renew.
            deadline = time.monotonic() + _AT_MOST
            while "status: MONITORING" not in getcert("list", "-i", "one") and time.monotonic() < deadline:
                time.sleep(0.1)
            challenge = ["-L", wish.challenge] if wish.same else []
            log += getcert("resubmit", "-i", "one", *challenge, "-v")
        else:
            kind = ["-G", "RSA", "-g", str(wish.bits), "-N", f"CN={wish.name}"]
            log += getcert("request", *files, *kind, *(["-L", wish.challenge] if wish.challenge else []), "-v")
        before = certificate.read_bytes() if wish.renew else b""
        deadline = time.monotonic() + _AT_MOST + wish.patience
        while time.monotonic() < deadline:
            listed = getcert("list", "-i", "one")
            status = re.search(r"status: (\w+)", listed)
            state = status[1] if status else "none"
            if state == "MONITORING" and _first_certificate(certificate) and certificate.read_bytes() != before:
                return Enrolled(Held(key, certificate), refused=False, waiting=False, log=log + listed)
            if state == "CA_WORKING":
                getcert("refresh", "-i", "one")
            if state in ("CA_REJECTED", "CA_UNREACHABLE", "NEED_GUIDANCE", "CA_UNCONFIGURED"):
                return Enrolled(None, state == "CA_REJECTED", waiting=False, log=log + listed)
            time.sleep(0.5 if state == "CA_WORKING" else 0.1)
        return Enrolled(None, refused=False, waiting=state == "CA_WORKING", log=log + listed)


@dataclass(frozen=True, slots=True)
class PyScep:
    """PyPI's PyScep 0.0.14 or its descendant scepreq 0.1.1, in `.venv-peers`; uses the strongest that the CA offers."""

    name: str = "PyScep"
    library: str = "pyscep"
    able: frozenset[str] = frozenset({"ec", "cipher", "digest", "wait", "renew"})
    led: bool = True

    def missing(self) -> str | None:
        """See `Peer.missing`."""
        return None if PEERS.exists() else f"{PEERS} is missing (make interop makes it)"

    def enroll(self, url: str, folder: Path, wish: Wish) -> Enrolled:
        """See `Peer.enroll`."""
        _check(self.able, wish)
        key, certificate = folder / "key.pem", folder / "certificate.pem"
        what = {
            "library": self.library,
            "url": url,
            "key": str(key),
            "name": wish.name,
            "challenge": wish.challenge,
            "bits": wish.bits,
            "ec": wish.ec,
            "patience": wish.patience,
            "old_key": str(wish.renew.key) if wish.renew else "",
            "old_certificate": str(wish.renew.certificate) if wish.renew else "",
            "same": wish.same,
        }
        said, log = self._run(what, folder, wish)
        if "certificate" in said:
            certificate.write_text(said["certificate"])
        held = Held(key, certificate) if "certificate" in said else None
        return Enrolled(held, "failure" in said, "pending" in said, log)

    def next_ca(self, url: str, folder: Path) -> tuple[list[x509.Certificate], str]:
        """Ask for the next CA's certificates (GetNextCACert); return them and the program's output."""
        said, log = self._run({"library": self.library, "url": url, "next": True}, folder, Wish())
        return _certificates("".join(said.get("next", []))), log

    def _run(self, what: dict[str, object], folder: Path, wish: Wish) -> tuple[dict[str, Any], str]:
        command = [str(PEERS), "-W", "ignore", str(ROOT / "interop" / "pyscep_client.py"), json.dumps(what)]
        # The variable of requests for the CAs of TLS; the library has no option.
        trust = {"REQUESTS_CA_BUNDLE": str(wish.tls_ca)} if wish.tls_ca else {}
        code, log = run(command, folder, seconds=_AT_MOST + wish.patience, environment=trust)
        return (json.loads(log.splitlines()[-1]) if code == 0 else {}), log


PROGRAMS: tuple[Peer, ...] = (
    Scepclient(),
    StrongSwan(),
    Certmonger(),
    PyScep(),
    PyScep("scepreq", "scepreq"),
)
