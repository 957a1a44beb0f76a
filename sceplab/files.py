"""Keys and certificates from files, or from their bytes: PEM, DER and PKCS#12.

Rule: private keys are read here only and never printed. Raises `InputError` with
what was found and what to try. `cryptography.x509` is slow to import, so it is
imported only for a certificate or a PKCS#12 file.
"""

from __future__ import annotations

from collections.abc import Callable
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
from sceplab.cms.x509 import CertificateLike, der_of
from sceplab.errors import InputError

AskPassphrase = Callable[[str], bytes]
_MAX_BYTES = 10_000_000


def read_bytes(path: Path) -> bytes:
    """Return a file's bytes; raises InputError if it cannot be read or is too large for keys."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{path} has {path.stat().st_size} octets: too many for keys or certificates")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error


def _no_passphrase(what: str) -> bytes:
    raise InputError(f"{what} is protected by a passphrase; give it")


def load_private_keys(path: str | Path, ask: AskPassphrase = _no_passphrase) -> list[rsa.RSAPrivateKey]:
    """Return the RSA private keys in a PEM, DER or PKCS#12 file.

    `ask` is called with the file's name when a passphrase is needed.
    """
    return read_private_keys(read_bytes(Path(path)), str(path), ask)


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
    found = [k for k in _private_keys(read_bytes(Path(path)), str(path), ask) if isinstance(k, _SIGNING)]
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


def load_certificates(path: str | Path, ask: AskPassphrase = _no_passphrase) -> list[bytes]:
    """Return the certificates in a PEM, DER or PKCS#12 file, as DER."""
    return read_certificates(read_bytes(Path(path)), str(path), ask)


def read_certificates(data: bytes, path: str, ask: AskPassphrase = _no_passphrase) -> list[bytes]:
    """Return the certificates in the bytes of such a file, as DER; `path` is its name in errors and questions."""
    from cryptography import x509

    blocks = [b.raw for b in parse_pem(data) if b.label in {"CERTIFICATE", "X509 CERTIFICATE"}]
    try:
        if blocks:
            return [x509.load_pem_x509_certificate(b).public_bytes(Encoding.DER) for b in blocks]
        if b"-----BEGIN" not in data:
            return [x509.load_der_x509_certificate(data).public_bytes(Encoding.DER)]
    except ValueError as error:
        if blocks:
            raise InputError(f"{path} holds a certificate that cannot be read: {error}") from error
        found = _load_pkcs12(data, path, ask)[1]
        if found:
            return found
    raise InputError(f"{path} holds no certificate; give a PEM, DER or PKCS#12 file of one")


def write_new(path: Path, data: bytes, *, force: bool = False, private: bool = False) -> None:
    """Write a file that must not exist yet (unless `force`); private keys get mode 0600.

    The new content replaces the old in one step, so a failed write loses nothing.
    Raises InputError if the file exists, or cannot be written.
    """
    if path.exists() and not force:
        raise InputError(f"{path} is already there; use --force to replace it")
    scratch = path.with_name(path.name + ".new")
    try:
        scratch.unlink(missing_ok=True)
        scratch.touch(mode=0o600 if private else 0o644)
        scratch.write_bytes(data)
        scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise InputError(f"{path} cannot be written: {error.strerror}") from error
