"""Keys and certificates from files, or from their bytes: PEM, DER and PKCS#12.

Rule: private keys are read here only and never printed. Raises `InputError` with
what was found and what to try. `cryptography.x509` is slow to import, so it is
imported only for a certificate or a PKCS#12 file.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_pem_private_key,
)

from sceplab.cms.pem import build_pem, parse_pem
from sceplab.cms.x509 import CertificateLike, der_of, quiet
from sceplab.errors import InputError
from sceplab.sources import read_small, reason

AskPassphrase = Callable[[str], bytes]


def _no_passphrase(what: str) -> bytes:
    raise InputError(f"{what} is protected by a passphrase; give it")


def load_private_keys(path: str | Path, ask: AskPassphrase = _no_passphrase) -> list[rsa.RSAPrivateKey]:
    """Return the RSA private keys in a PEM, DER or PKCS#12 file.

    `ask` is called with the file's name when a passphrase is needed.
    """
    return read_private_keys(read_small(Path(path)), str(path), ask)


def read_private_keys(data: bytes, path: str, ask: AskPassphrase = _no_passphrase) -> list[rsa.RSAPrivateKey]:
    """Return the RSA private keys in the bytes of such a file; `path` is its name in errors and questions."""
    loaded = _private_keys(data, path, ask)
    keys = [k for k in loaded if isinstance(k, rsa.RSAPrivateKey)]
    if not keys:
        kinds = ", ".join(sorted({type(k).__name__ for k in loaded})) or "none"
        raise InputError(f"{path} holds no RSA private key (found: {kinds}); give the PEM, DER or PKCS#12 file of one")
    return keys


def _private_keys(data: bytes, path: str, ask: AskPassphrase) -> list[object]:
    """Return private keys of any kind."""
    blocks = [b.raw for b in parse_pem(data) if "PRIVATE KEY" in b.label]
    if blocks:
        return [_load(load_pem_private_key, block, path, ask) for block in blocks]
    if b"-----BEGIN" in data:
        return []
    try:
        return [_load(load_der_private_key, data, path, ask)]
    except InputError:
        return [_load_pkcs12(data, path, ask)[0]]


@quiet()
def _load(loader: Callable[..., object], data: bytes, path: str, ask: AskPassphrase) -> object:
    try:
        return loader(data, None)
    except TypeError:
        passphrase = ask(path)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError(f"{path} holds a private key that cannot be read: {error}") from error
    try:
        return loader(data, passphrase)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise InputError(f"{path}: the passphrase does not open this key") from error


@quiet()
def _load_pkcs12(data: bytes, path: str, ask: AskPassphrase) -> tuple[object, list[bytes]]:
    from cryptography.hazmat.primitives.serialization import pkcs12

    bundle = None
    try:
        bundle = pkcs12.load_pkcs12(data, None)
    except (ValueError, UnsupportedAlgorithm):
        if not data.startswith(b"\x30"):
            raise InputError(f"{path} is neither PEM nor DER nor PKCS#12") from None
        try:
            bundle = pkcs12.load_pkcs12(data, ask(path))
        except (ValueError, UnsupportedAlgorithm) as error:
            raise InputError(f"{path} is not a readable key or PKCS#12 file, or the passphrase is wrong") from error
    certificates = [c for c in (bundle.cert, *bundle.additional_certs) if c is not None]
    return bundle.key, [c.certificate.public_bytes(Encoding.DER) for c in certificates]


def load_signing_key(
    path: str | Path, ask: AskPassphrase = _no_passphrase
) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    """Return the one private key, RSA or EC, in a PEM, DER or PKCS#12 file. Raises InputError."""
    found = [k for k in _private_keys(read_small(Path(path)), str(path), ask) if isinstance(k, _SIGNING)]
    if len(found) != 1:
        raise InputError(f"{path} holds {len(found)} RSA or EC private keys; give a file with one")
    return found[0]


_SIGNING = (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)


def pem_key(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    """Return a private key as PEM (PKCS#8, not encrypted), for `write_new(..., private=True)` only."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def pem_certificate(certificate: CertificateLike) -> bytes:
    """Return a certificate as PEM."""
    return build_pem("CERTIFICATE", der_of(certificate))


def build_pkcs12(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, certificates: Sequence[bytes], passphrase: bytes, name: str
) -> bytes:
    """Return a PKCS#12 file (RFC 7292) of a private key, its certificate and then those of its CA (DER).

    It is encrypted with the passphrase, for `write_new(..., private=True)`. Raises
    InputError for certificates that cannot be in one.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

    try:
        own, *others = map(x509.load_der_x509_certificate, certificates)
        return pkcs12.serialize_key_and_certificates(
            name.encode(), key, own, others or None, BestAvailableEncryption(passphrase)
        )
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise InputError(f"no PKCS#12 file can be made of this certificate: {error}") from error


def load_certificates(path: str | Path, ask: AskPassphrase = _no_passphrase) -> list[bytes]:
    """Return the certificates in a PEM, DER or PKCS#12 file, as DER."""
    return read_certificates(read_small(Path(path)), str(path), ask)


@quiet()
def read_certificates(data: bytes, path: str, ask: AskPassphrase = _no_passphrase) -> list[bytes]:
    """Return the certificates in the bytes of such a file, as DER; `path` is its name in errors and questions."""
    from cryptography import x509

    blocks = [b.raw for b in parse_pem(data) if b.label in {"CERTIFICATE", "X509 CERTIFICATE"}]
    # InvalidVersion is no ValueError: a certificate of a version that X.509 does not have.
    unreadable = (ValueError, UnsupportedAlgorithm, x509.InvalidVersion)
    try:
        if blocks:
            return [x509.load_pem_x509_certificate(b).public_bytes(Encoding.DER) for b in blocks]
        if b"-----BEGIN" not in data:
            return [x509.load_der_x509_certificate(data).public_bytes(Encoding.DER)]
    except unreadable as error:
        if blocks or isinstance(error, x509.InvalidVersion):
            raise InputError(f"{path} holds a certificate that cannot be read: {error}") from error
        found = _load_pkcs12(data, path, ask)[1]
        if found:
            return found
    raise InputError(f"{path} holds no certificate; give a PEM, DER or PKCS#12 file of one")


def write_new(path: Path, data: bytes, *, force: bool = False, private: bool = False) -> None:
    """Write a file that must not exist yet (unless `force`); private keys get mode 0600.

    The new content replaces the old at once, so a failed write loses nothing.
    Raises InputError when the file is there, cannot be written, or is no regular
    file (also with `force`: a device, a folder, a link to one or to nothing).
    """
    if is_there(path):
        if not force:
            raise InputError(f"{path} already exists; use --force to replace it")
        if not path.is_file():
            raise InputError(f"{path} is no regular file and is not replaced; give another name")
    scratch = path.parent / f".sceplab-{secrets.token_hex(8)}"
    try:
        with os.fdopen(
            os.open(scratch, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600 if private else 0o644), "wb"
        ) as new:
            new.write(data)
        scratch.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {reason(error)}") from error
    finally:
        with contextlib.suppress(OSError):
            scratch.unlink()


def is_there(path: Path) -> bool:
    """Whether a name is taken, be it by a link to nothing. Raises InputError for a name that no file can have."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be used: {reason(error)}") from error
    return True
