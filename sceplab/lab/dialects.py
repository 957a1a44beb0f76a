"""How real clients write their requests, for a `ScepClient` that imitates one.

Rule: data only, from their messages and source code; `client` uses it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from sceplab.asn1 import der
from sceplab.scep import transport
from sceplab.scep.attributes import transaction_id_of
from sceplab.scep.transport import PKI_MESSAGE, Base64Dialect


def _of_key(digest: str) -> Callable[[bytes], str]:
    """Return a function that gives the digest of a SubjectPublicKeyInfo in upper-case hex."""
    return lambda public_key_info: transaction_id_of(public_key_info, digest)


def _of_bits(public_key_info: bytes) -> bytes:
    """Return the bytes of the key itself (for RSA: the RSAPublicKey), without the algorithm."""
    return der.read(public_key_info).children()[1].value[1:]


def _sha1_of_bits(public_key_info: bytes) -> str:
    return hashlib.sha1(_of_bits(public_key_info), usedforsecurity=False).hexdigest().upper()


def _base64_of_bits(public_key_info: bytes) -> str:
    return base64.b64encode(hashlib.sha1(_of_bits(public_key_info), usedforsecurity=False).digest()).decode()


def _decimal(public_key_info: bytes) -> str:
    return str(int.from_bytes(hashlib.sha256(public_key_info).digest(), "big"))


@dataclass(frozen=True, slots=True)
class ClientDialect:
    """How a client sends. None for `method`, `cipher` or `digest`: the best that GetCACaps offers.

    `transaction_id` makes a transactionID from the SubjectPublicKeyInfo of the
    request; `identifier` goes with GetCACert; `to_all` encrypts for every
    certificate of GetCACert.
    """

    name: str
    base64: Base64Dialect = transport.PLAIN
    method: str | None = None
    headers: tuple[tuple[str, str], ...] = (("Content-Type", PKI_MESSAGE),)
    identifier: str | None = None
    cipher: str | None = None
    digest: str | None = None
    key_transport: str = "rsaEncryption"
    signature_scheme: str = "rsaEncryption"
    nonce_length: int = 16
    transaction_id: Callable[[bytes], str] = _of_key("sha256")
    to_all: bool = False


SCEPLAB = ClientDialect("sceplab", headers=(("Content-Type", PKI_MESSAGE), ("User-Agent", "sceplab")))

_DIALECTS = (
    SCEPLAB,
    ClientDialect(
        "ios",
        transport.IOS,
        "GET",
        (("User-Agent", "Mozilla/4.0 (compatible; MSIE 5.0; Cisco PKI)"),),
        identifier="R1",
        cipher="des-ede3-cbc",
        digest="sha256",
        transaction_id=_of_key("md5"),
    ),
    ClientDialect(
        "windows",
        method="POST",
        headers=(("Content-Type", PKI_MESSAGE), ("User-Agent", "Mozilla/4.0 (compatible; Win32; NDES client)")),
        cipher="des-ede3-cbc",
        digest="sha1",
        key_transport="oaep",
        transaction_id=_of_key("sha1"),
    ),
    ClientDialect(
        "apple",
        transport.APPLE,
        headers=(("Content-Type", PKI_MESSAGE), ("User-Agent", "mdmclient/1.0")),
        identifier="R1",
        nonce_length=8,
        transaction_id=_sha1_of_bits,
    ),
    ClientDialect("strongswan", transport.STRONGSWAN, headers=(), transaction_id=_of_key("sha1")),
    ClientDialect(
        "micromdm",
        transport.MICROMDM,
        headers=(("Content-Type", "application/octet-stream"), ("User-Agent", "Go-http-client/1.1")),
        cipher="des-cbc",
        digest="sha1",
        signature_scheme="digestWithRSA",
        transaction_id=_base64_of_bits,
        to_all=True,
    ),
    ClientDialect("sscep", transport.SSCEP, headers=(), identifier="CAIdentifier", transaction_id=_of_key("md5")),
    ClientDialect("certmonger", transport.CERTMONGER, "GET", (), identifier="0", transaction_id=_decimal),
    ClientDialect(
        "jscep",
        transport.JSCEP,
        headers=(("Content-Type", "application/octet-stream"), ("User-Agent", "Java")),
        identifier="",
        signature_scheme="digestWithRSA",
        transaction_id=lambda key: transaction_id_of(key, "sha1").lower(),
    ),
)
CLIENT_DIALECTS = {d.name: d for d in _DIALECTS}
