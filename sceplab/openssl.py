"""The decoding steps as openssl commands: to confirm the results of sceplab, and to learn openssl.

Rule: each function returns the command as an argument list, never a shell
string, and runs nothing; `run` and `confirm` run one if openssl is installed. Tests
prove that both give the same result.

openssl cannot make a pkiMessage: `openssl cms -sign` has no way to add the SCEP
signed attributes. That step is where sceplab is needed.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

from sceplab.errors import InputError

Command = list[str]
# OpenSSL 3 has single DES, RC2 and Blowfish only in a provider that must be named.
_LEGACY = {"des-cbc", "rc2-cbc", "bf-cbc"}


def available() -> bool:
    """Whether there is an openssl program on the PATH."""
    return shutil.which("openssl") is not None


def base64_decode(source: Path, target: Path, *, one_line: bool = False) -> Command:
    """Base64 text, in lines or all in `one_line`, to bytes.

    The wrong choice gives an empty file and no error.
    """
    return ["openssl", "base64", "-d", *(["-A"] if one_line else []), "-in", str(source), "-out", str(target)]


def asn1parse(source: Path, offset: int | None = None) -> Command:
    """The ASN.1 elements of a DER file; with `offset`, of the content of the string that starts there."""
    extra = [] if offset is None else ["-strparse", str(offset)]
    return ["openssl", "asn1parse", "-inform", "DER", "-i", "-in", str(source), *extra]


def print_cms(source: Path) -> Command:
    """The fields of a CMS message with their names."""
    return ["openssl", "cms", "-cmsout", "-print", "-noout", "-inform", "DER", "-in", str(source)]


def signer_certificates(source: Path, target: Path | None = None) -> Command:
    """The certificates that a SignedData carries, as PEM."""
    out = [] if target is None else ["-out", str(target)]
    return ["openssl", "pkcs7", "-inform", "DER", "-in", str(source), "-print_certs", *out]


def verify(source: Path, ca: Path, content: Path, *, check_time: bool = True) -> Command:
    """Verify a SignedData with the CA's certificate, and write its content."""
    time = [] if check_time else ["-no_check_time"]
    trust = ["-CAfile", str(ca), "-purpose", "any", *time]
    return ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", str(source), *trust, "-out", str(content)]


def verify_signature_only(source: Path, content: Path) -> Command:
    """Verify the signature with the certificate in the message, without checking its issuer, and write the content."""
    return [
        "openssl",
        "cms",
        "-verify",
        "-noverify",
        "-binary",
        "-inform",
        "DER",
        "-in",
        str(source),
        "-out",
        str(content),
    ]


def decrypt(source: Path, certificate: Path, key: Path, plaintext: Path, *, cipher: str = "aes-128-cbc") -> Command:
    """Decrypt an EnvelopedData with the recipient's certificate and key.

    The certificate picks the RecipientInfo. Without it openssl tries the key on
    each, and if none fits writes random bytes with exit code 0.
    """
    legacy = ["-provider", "legacy", "-provider", "default"] if cipher in _LEGACY else []
    who = ["-recip", str(certificate), "-inkey", str(key)]
    return [
        "openssl",
        "cms",
        "-decrypt",
        "-binary",
        "-inform",
        "DER",
        "-in",
        str(source),
        *who,
        "-out",
        str(plaintext),
        *legacy,
    ]


def encrypt(plaintext: Path, certificate: Path, target: Path, *, cipher: str = "aes-128-cbc") -> Command:
    """Encrypt for a recipient: an EnvelopedData around the file."""
    where = ["-outform", "DER", "-in", str(plaintext), "-out", str(target)]
    return ["openssl", "cms", "-encrypt", "-binary", f"-{cipher}", *where, str(certificate)]


def print_csr(source: Path) -> Command:
    """The fields of a PKCS#10 request, with its signature checked."""
    return ["openssl", "req", "-inform", "DER", "-in", str(source), "-noout", "-text", "-verify"]


def print_certificate(source: Path) -> Command:
    """The fields of a certificate."""
    return ["openssl", "x509", "-in", str(source), "-noout", "-text"]


def print_degenerate(source: Path) -> Command:
    """The certificates of a certificates-only message, a line or two each."""
    return ["openssl", "pkcs7", "-inform", "DER", "-in", str(source), "-print_certs", "-noout"]


def shell(command: Command) -> str:
    """Return the command as a line for a shell."""
    return shlex.join(command)


def run(command: Command, *, cwd: Path | None = None, timeout: float = 30) -> str:
    """Run a command and return what it printed.

    Raises InputError if openssl is missing or fails; the message has its output.
    """
    if not available():
        raise InputError("openssl is not installed; on Debian: apt-get install openssl")
    done = subprocess.run(command, cwd=cwd, capture_output=True, timeout=timeout, check=False)
    text = (done.stdout + done.stderr).decode("utf-8", "replace")
    if done.returncode:
        raise InputError(f"{shell(command)}\nexit code {done.returncode}\n{text}")
    return text


def confirm(command: Command, *, cwd: Path | None = None, refusal_is_shown: bool = False) -> str:
    """Return the command as typed at a prompt, and what it printed when it was run.

    Without openssl the text says that it was not run. Raises InputError when
    openssl refuses, unless its refusal is to be shown.
    """
    if not available():
        return f"$ {shell(command)}\n(not run: openssl is not installed here)"
    try:
        return f"$ {shell(command)}\n{run(command, cwd=cwd)}".rstrip()
    except InputError as error:
        if not refusal_is_shown:
            raise
        return f"$ {_without_pointers(str(error))}".rstrip()


def _without_pointers(text: str) -> str:
    """Leave out what differs from run to run: OpenSSL begins a line of an error with the thread's number."""
    return re.sub(r"^[0-9A-F]{8,}:error:", "error:", text, flags=re.MULTILINE)
