"""Check an issued certificate with openssl: is it signed by the CA, and is it for this key?

Rule: only openssl decides; no code of sceplab is used.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from interop.peers import Held


def _openssl(*words: str) -> str:
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"openssl {' '.join(words)}: {done.stdout}{done.stderr}"
    return done.stdout


def judge(held: Held, ca: Path, *, name: str, kind: str, between: Path | None = None) -> None:
    """Assert that the CA (PEM) issued the certificate for the key and CN=`name`; `kind` is for example "2048 bit".

    `between` has the CAs (PEM) between this one and the certificate.
    """
    more = ["-untrusted", str(between)] if between else []
    _openssl("verify", "-CAfile", str(ca), *more, str(held.certificate))
    public = _openssl("x509", "-in", str(held.certificate), "-noout", "-pubkey")
    assert public == _openssl("pkey", "-in", str(held.key), "-pubout"), "the certificate is for another key"
    subject = _openssl("x509", "-in", str(held.certificate), "-noout", "-subject", "-nameopt", "multiline")
    assert f"commonName                = {name}\n" in subject, subject
    text = _openssl("x509", "-in", str(held.certificate), "-noout", "-text")
    assert f"Public-Key: ({kind})" in text, text
