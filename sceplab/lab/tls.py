"""TLS to a server: whom to trust, and what to say where it fails.

Rule: nothing is sent from here. Certificates are always checked; there is no way to switch that off.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from sceplab.errors import InputError
from sceplab.files import load_certificates
from sceplab.sources import reason


def tls_context(ca_file: Path | None = None) -> ssl.SSLContext:
    """Return what a TLS client goes by: the CAs of a file alone, or those that the system trusts.

    An intermediate CA, or the server's own certificate, in the file is trusted too. Raises InputError.
    """
    if ca_file is None:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cadata=b"".join(load_certificates(ca_file)))
    except (ssl.SSLError, ValueError, OverflowError) as error:
        raise InputError(f"{ca_file} has no certificate that TLS can trust: {error}") from error
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


# X509_V_ERR_... of openssl: no way to a certificate that is trusted.
_UNKNOWN_ISSUER = frozenset({2, 7, 18, 19, 20, 21, 27})
_OTHER_NAME = frozenset({62, 64})
_TIMES = {9: "is not valid yet", 10: "has expired"}


def why_tls_failed(error: OSError, where: str, *, own_cas: bool = False) -> str:
    """Return in one sentence why there is no TLS connection, and what to do.

    Args:
        error: What the connection ended with.
        where: The server, as host and port.
        own_cas: Whether the trusted CAs came from a file.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        words = error.verify_message.rstrip(".")
        if error.verify_code in _UNKNOWN_ISSUER:
            given = "the CAs in --ca-file" if own_cas else "the CAs that this system trusts"
            advice = "give the CA that issued it" if own_cas else "give the certificate of its CA with --ca-file"
            return f"the TLS certificate of {where} is not trusted: it does not lead to {given} ({words}); {advice}"
        if error.verify_code in _OTHER_NAME:
            return f"the TLS certificate of {where} is for another name: {words}; use the name that is in it"
        if error.verify_code in _TIMES:
            return (
                f"the TLS certificate of {where} {_TIMES[error.verify_code]}; it must be renewed (or a clock is wrong)"
            )
        return f"the TLS certificate of {where} is not trusted: {words}"
    if isinstance(error, ssl.SSLError):
        said = error.reason or ""
        if said in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}:
            return f"{where} does not speak TLS: use an http:// URL, or its port for TLS"
        if "PROTOCOL_VERSION" in said or said == "UNSUPPORTED_PROTOCOL":
            return f"{where} speaks neither TLS 1.2 nor TLS 1.3"
        if "CERTIFICATE_REQUIRED" in said:
            return f"{where} asks for a TLS certificate of the client, which sceplab cannot give"
        return f"TLS with {where} failed: {said.replace('_', ' ').lower() or reason(error)}"
    return f"{where} cannot be reached: {reason(error)}"
