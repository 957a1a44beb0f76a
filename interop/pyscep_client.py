"""One enrollment or GetNextCACert with PyScep's or scepreq's library.

It runs in `.venv-peers`, not in the project's environment.
Rule: it calls the library and decides nothing. Its argument is one JSON object
(see `interop.peers.PyScep`), and its last output line is one JSON object.
scepreq is used as a library too, since its command defines the option --url twice
and argparse stops it in every version of Python.
"""

from __future__ import annotations

import importlib
import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

USAGE = {"digital_signature", "key_encipherment"}


def _new_key(wish: dict[str, Any]) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1()) if wish["ec"] else rsa.generate_private_key(65537, wish["bits"])
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def main() -> None:
    """Enroll as the wish says; the library's tracebacks are not caught."""
    wish = json.loads(sys.argv[1])
    logging.basicConfig(level=logging.INFO)
    library = "scepreq" if wish["library"] == "scepreq" else "scep.Client"

    def part(name: str) -> Any:
        return importlib.import_module(f"{library}.{name}")

    client = part("client").Client(wish["url"])
    if wish.get("next"):
        print(json.dumps({"next": [c.to_pem().decode() for c in client.rollover_certificate()]}))
        return
    request = part("signingrequest").SigningRequest
    success = part("enums").PKIStatus.SUCCESS
    pending = part("enums").PKIStatus.PENDING
    pem = Path(wish["old_key"]).read_bytes() if wish["same"] else _new_key(wish)
    Path(wish["key"]).write_bytes(pem)
    key = part("privatekey").PrivateKey.from_pem(pem)
    if library == "scepreq":
        csr, _ = request.generate_csr(f"CN={wish['name']}", USAGE, [], wish["challenge"], key)
    else:
        csr, _ = request.generate_csr(wish["name"], USAGE, wish["challenge"], key)
    if wish["old_key"]:
        identity = part("certificate").Certificate.from_pem_file(wish["old_certificate"])
        identity_key = part("privatekey").PrivateKey.from_pem_file(wish["old_key"])
    else:
        # An EC key cannot decrypt the reply, so the requester uses a separate RSA key.
        identity, identity_key = request.generate_self_signed(wish["name"], USAGE, None if wish["ec"] else key)
    reply = client.enrol(csr, identity, identity_key)
    deadline = time.monotonic() + wish["patience"]
    while reply.status == pending and time.monotonic() < deadline:
        time.sleep(1)
        subject = csr.to_crypto_csr()["certification_request_info"]["subject"]
        reply = client.poll(identity, identity_key, subject, reply.transaction_id)
    if reply.status == success:
        print(json.dumps({"certificate": reply.certificates[0].to_pem().decode()}))
    elif reply.status == pending:
        print(json.dumps({"pending": True}))
    else:
        print(json.dumps({"failure": str(reply.fail_info)}))


if __name__ == "__main__":
    main()
