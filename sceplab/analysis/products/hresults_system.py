"""Numbers and texts of Windows that any of its programs may report: HTTP, WinHTTP, sockets, Schannel, key stores.

Rule: data only. What NDES and certsrv say of their own is in `hresults`.
"""

from __future__ import annotations

from sceplab.analysis.products.code import Code

_WIN32 = "learn.microsoft.com, system error codes"
_WINHTTP = "learn.microsoft.com, WinHTTP error messages"
_SSPI = "learn.microsoft.com, COM error codes (security and setup)"
_TLS_TRUST = "Put the CA of the server's TLS certificate into the client's trust store, and serve the whole chain."
_TLS_NAME = "Issue a TLS certificate with the name that the client calls, or correct the URL."
_TLS_DATE = "Renew the server's TLS certificate, and check the client's clock."
_TPM = "Check the TPM (tpm.msc), or let the profile use the software key storage provider."


def _http(status: int, name: str, fault: str) -> tuple[int, Code]:
    return 0x80190000 + status, Code(f"HTTP_E_STATUS_{name}", f"the server answered {status}", fault, "", _WINHTTP)


def _winhttp(number: int, name: str, meaning: str, fault: str, fix: str = "") -> tuple[int, Code]:
    return 0x80070000 + number, Code(f"ERROR_WINHTTP_{name}", f"{meaning} ({number})", fault, fix, _WINHTTP)


def _win32(number: int, name: str, meaning: str, fault: str, fix: str = "") -> tuple[int, Code]:
    return 0x80070000 + number, Code(name, meaning, fault, fix, _WIN32)


def _sspi(number: int, name: str, meaning: str, fault: str, fix: str = "") -> tuple[int, Code]:
    return number, Code(name, meaning, fault, fix, _SSPI)


SYSTEM: dict[int, Code] = dict(
    (
        _http(405, "BAD_METHOD", "method"),
        _http(407, "PROXY_AUTH_REQ", "proxy-login"),
        _http(408, "REQUEST_TIMEOUT", "no-reply"),
        _http(410, "GONE", "not-found"),
        _http(413, "REQUEST_TOO_LARGE", "too-large"),
        _http(414, "URI_TOO_LONG", "too-long"),
        _http(429, "TOO_MANY_REQUESTS", "overloaded"),
        _http(501, "NOT_SUPPORTED", "type-not-supported"),
        _http(502, "BAD_GATEWAY", "gateway"),
        _http(504, "GATEWAY_TIMEOUT", "gateway"),
        _winhttp(12005, "INVALID_URL", "the URL is not valid", "not-found", "Correct the SCEP URL in the profile."),
        _winhttp(12031, "CONNECTION_RESET", "the connection was reset", "no-network"),
        _winhttp(
            12044, "CLIENT_AUTH_CERT_NEEDED", "the server wants a TLS client certificate", "tls-client-certificate"
        ),
        _winhttp(12055, "SECURE_CERT_ERRORS", "the server's TLS certificate has errors", "tls"),
        _winhttp(12056, "SECURE_CERT_NO_REV", "the server's TLS certificate has no revocation list", "tls"),
        _winhttp(
            12057,
            "SECURE_CERT_REV_FAILED",
            "revocation of the server's TLS certificate could not be checked",
            "tls",
            "Make the CRL or OCSP address of the TLS certificate reachable for the client.",
        ),
        _winhttp(12169, "SECURE_INVALID_CERT", "the server's TLS certificate is not valid", "tls"),
        _winhttp(12170, "SECURE_CERT_REVOKED", "the server's TLS certificate is revoked", "tls"),
        _winhttp(12179, "SECURE_CERT_WRONG_USAGE", "the server's TLS certificate has the wrong usage", "tls"),
        _winhttp(12180, "AUTODETECTION_FAILED", "no proxy was found by autodetection", "no-network"),
        _winhttp(
            12185,
            "CLIENT_CERT_NO_PRIVATE_KEY",
            "the TLS client certificate has no private key",
            "tls-client-certificate",
            "Import the client certificate with its private key.",
        ),
        _winhttp(
            12186,
            "CLIENT_CERT_NO_ACCESS_PRIVATE_KEY",
            "the private key of the TLS client certificate cannot be read",
            "tls-client-certificate",
            "Let the service account read the private key of the client certificate.",
        ),
        _win32(53, "ERROR_BAD_NETPATH", "the network path was not found", "no-network"),
        _win32(55, "ERROR_DEV_NOT_EXIST", "a device (a key store) is no longer available", "ca-cannot-sign"),
        _win32(67, "ERROR_BAD_NET_NAME", "the network name cannot be found", "no-network"),
        _win32(1219, "ERROR_SESSION_CREDENTIAL_CONFLICT", "other credentials are in use", "service-account"),
        _win32(1326, "ERROR_LOGON_FAILURE", "the user name or password is wrong", "service-account"),
        _win32(1330, "ERROR_PASSWORD_EXPIRED", "the account's password has expired", "service-account"),
        _win32(1331, "ERROR_ACCOUNT_DISABLED", "the account is disabled", "service-account"),
        _win32(1355, "ERROR_NO_SUCH_DOMAIN", "the domain cannot be contacted", "ca-unreachable"),
        _win32(1385, "ERROR_LOGON_TYPE_NOT_GRANTED", "the account lacks the type of logon", "service-account"),
        _win32(1907, "ERROR_PASSWORD_MUST_CHANGE", "the account's password must be changed", "service-account"),
        _win32(1909, "ERROR_ACCOUNT_LOCKED_OUT", "the account is locked", "service-account"),
        _win32(1727, "RPC_S_CALL_FAILED_DNE", "the RPC call failed", "ca-unreachable"),
        _win32(1753, "EPT_S_NOT_REGISTERED", "no endpoint of the CA is registered", "ca-unreachable"),
        _win32(1818, "RPC_S_CALL_CANCELLED", "the RPC call was cancelled", "ca-unreachable"),
        _win32(10051, "WSAENETUNREACH", "the network is unreachable", "no-network"),
        _win32(10053, "WSAECONNABORTED", "the connection was aborted", "no-network"),
        _win32(10054, "WSAECONNRESET", "the connection was reset", "no-network"),
        _win32(10060, "WSAETIMEDOUT", "the connection timed out", "no-network"),
        _win32(10061, "WSAECONNREFUSED", "the connection was refused", "no-network"),
        _win32(10065, "WSAEHOSTUNREACH", "the host is unreachable", "no-network"),
        _win32(11001, "WSAHOST_NOT_FOUND", "the host name is not known", "no-network"),
        _sspi(0x80080005, "CO_E_SERVER_EXEC_FAILURE", "the CA's service did not start", "ca-unreachable"),
        _sspi(0x80090308, "SEC_E_INVALID_TOKEN", "the other side sent no valid TLS token", "tls"),
        _sspi(0x8009030C, "SEC_E_LOGON_DENIED", "the logon was denied", "login"),
        _sspi(0x8009030E, "SEC_E_NO_CREDENTIALS", "no credentials are available", "tls"),
        _sspi(0x80090322, "SEC_E_WRONG_PRINCIPAL", "the TLS certificate has another name", "tls", _TLS_NAME),
        _sspi(0x80090325, "SEC_E_UNTRUSTED_ROOT", "the TLS certificate's root is not trusted", "tls", _TLS_TRUST),
        _sspi(0x80090326, "SEC_E_ILLEGAL_MESSAGE", "the TLS message was unexpected", "tls"),
        _sspi(0x80090327, "SEC_E_CERT_UNKNOWN", "an error with the TLS certificate", "tls"),
        _sspi(0x80090328, "SEC_E_CERT_EXPIRED", "the TLS certificate has expired", "tls", _TLS_DATE),
        _sspi(0x80090331, "SEC_E_ALGORITHM_MISMATCH", "client and server have no TLS algorithm in common", "tls"),
        _sspi(0x80090349, "SEC_E_CERT_WRONG_USAGE", "the TLS certificate has the wrong usage", "tls"),
        _sspi(0x80090004, "NTE_BAD_LEN", "the length is not valid", "not-a-request"),
        _sspi(0x80090009, "NTE_BAD_FLAGS", "the flags are not valid", ""),
        _sspi(0x8009000F, "NTE_EXISTS", "the object already exists", "client-key"),
        _sspi(0x80090010, "NTE_PERM", "access to the key is denied", "ra-key"),
        _sspi(0x80090019, "NTE_KEYSET_NOT_DEF", "the key set is not defined", "ra-key"),
        _sspi(0x8009001A, "NTE_KEYSET_ENTRY_BAD", "the key set as registered is not valid", "ra-key"),
        _sspi(0x8009001D, "NTE_PROVIDER_DLL_FAIL", "the provider could not be loaded", "provider"),
        _sspi(0x80090020, "NTE_FAIL", "an internal error of the provider", ""),
        _sspi(0x80090029, "NTE_NOT_SUPPORTED", "the provider does not support this", "provider"),
        _sspi(0x80090030, "NTE_DEVICE_NOT_READY", "the TPM is not ready", "client-key", _TPM),
        _sspi(0x80090035, "NTE_DEVICE_NOT_FOUND", "the TPM is not found", "client-key", _TPM),
        _sspi(0x8009002D, "NTE_INTERNAL_ERROR", "an internal error of the provider", ""),
        _sspi(
            0x80091004,
            "CRYPT_E_INVALID_MSG_TYPE",
            "the type of the cryptographic message is not valid",
            "not-a-request",
        ),
        _sspi(0x8009100D, "CRYPT_E_STREAM_MSG_NOT_READY", "the message is not complete", "not-a-request"),
        _sspi(0x8009100E, "CRYPT_E_NO_SIGNER", "the message has no signer that fits", "server-rejects-signature"),
        _sspi(0x80091005, "CRYPT_E_UNEXPECTED_ENCODING", "the encoding is unexpected", "not-a-request"),
        _sspi(0x8009100C, "CRYPT_E_RECIPIENT_NOT_FOUND", "no recipient of the message is known", "cannot-decrypt"),
        _sspi(0x80092002, "CRYPT_E_BAD_ENCODE", "the encoding is bad", "not-a-request"),
        _sspi(0x80092009, "CRYPT_E_NO_MATCH", "no match was found", ""),
        _sspi(0x80092023, "CRYPT_E_INVALID_X500_STRING", "the name is no valid X.500 name", "bad-subject"),
        _sspi(0x80092026, "CRYPT_E_SECURITY_SETTINGS", "a security setting forbids it", "algorithm-refused"),
        _sspi(0x80093102, "CRYPT_E_ASN1_EOD", "ASN.1: the data ends too early", "not-a-request"),
        _sspi(0x80093103, "CRYPT_E_ASN1_CORRUPT", "ASN.1: the data is corrupt", "not-a-request"),
        _sspi(0x80093104, "CRYPT_E_ASN1_LARGE", "ASN.1: a value is too large", "not-a-request"),
        _sspi(0x80094004, "CERTSRV_E_PROPERTY_EMPTY", "a required property is empty", ""),
        _sspi(0x80094005, "CERTSRV_E_INVALID_CA_CERTIFICATE", "the CA's certificate is not valid", "ca-cannot-sign"),
        _sspi(0x80094006, "CERTSRV_E_SERVER_SUSPENDED", "the CA is suspended", "ca-inactive"),
        _sspi(
            0x8009400A,
            "CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED",
            "the CA is not configured for key archival",
            "template",
            "Switch key archival off in the template.",
        ),
        _sspi(
            0x8009400C,
            "CERTSRV_E_BAD_RENEWAL_CERT_ATTRIBUTE",
            "the renewal does not name a valid certificate",
            "renewal-refused",
        ),
        _sspi(0x80094013, "CERTSRV_E_DOWNLEVEL_DC_SSL_OR_UPGRADE", "the domain controller is too old", "template"),
        _sspi(0x80094015, "CERTSRV_E_NO_POLICY_SERVER", "no enrollment policy server is known", "server-configuration"),
        _sspi(
            0x80094016,
            "CERTSRV_E_WEAK_SIGNATURE_OR_KEY",
            "the request's signature or key is too weak",
            "key-length",
            "Sign the request with SHA-256, and make a key of at least 2048 bits.",
        ),
        _sspi(
            0x80094017,
            "CERTSRV_E_KEY_ATTESTATION_NOT_SUPPORTED",
            "the CA does not do key attestation",
            "template",
            "Switch key attestation off in the template.",
        ),
        _sspi(
            0x80094804,
            "CERTSRV_E_ARCHIVED_KEY_REQUIRED",
            "the template wants an archived key",
            "template",
            "Switch key archival off in the template: SCEP cannot send the key.",
        ),
        _sspi(0x80094807, "CERTSRV_E_BAD_TEMPLATE_VERSION", "the template's version does not fit", "template"),
        _sspi(0x80094808, "CERTSRV_E_TEMPLATE_POLICY_REQUIRED", "the template wants a policy", "template"),
        _sspi(
            0x80094809,
            "CERTSRV_E_SIGNATURE_POLICY_REQUIRED",
            "the request lacks a signature that the template wants",
            "template",
            "Let the template want one signature with the usage Certificate Request Agent, or none.",
        ),
        _sspi(
            0x8009480A,
            "CERTSRV_E_SIGNATURE_COUNT",
            "the request has fewer signatures than the template wants",
            "template",
            "Let the template want no more than one authorized signature (that of NDES), or none.",
        ),
        _sspi(0x8009480B, "CERTSRV_E_SIGNATURE_REJECTED", "a signature of the request is rejected", "service-rights"),
        _sspi(0x8009480C, "CERTSRV_E_ISSUANCE_POLICY_REQUIRED", "an issuance policy is missing", "template"),
        _sspi(
            0x8009480E,
            "CERTSRV_E_SUBJECT_DIRECTORY_GUID_REQUIRED",
            "the template wants a directory GUID",
            "bad-subject",
        ),
        _sspi(0x80094813, "CERTSRV_E_UNKNOWN_CERT_TYPE", "the template is not known", "template"),
        _sspi(0x800B0102, "CERT_E_VALIDITYPERIODNESTING", "the validity periods do not nest", "ca-ending"),
        _sspi(0x800B0110, "CERT_E_WRONG_USAGE", "a certificate has the wrong usage", "ca-usage"),
        _sspi(0x800B0112, "CERT_E_UNTRUSTEDCA", "a CA of the chain is not trusted", "untrusted-root"),
        _sspi(0x800B0114, "CERT_E_INVALID_NAME", "a certificate has an invalid name", "bad-subject"),
        _sspi(0xC00000BB, "STATUS_NOT_SUPPORTED", "the request is not supported", "no-encryption-key"),
    )
)
"""HRESULTs of the system, as unsigned numbers; `hresults` has others."""

OF_CLIENT: dict[int, Code] = {
    number: Code(name, meaning, "client-key", fix, _SSPI)
    for number, name, meaning, fix in (
        (0x8009000B, "NTE_BAD_KEY_STATE", "the key cannot be used in this state", ""),
        (0x8009000D, "NTE_NO_KEY", "the key does not exist", ""),
        (0x80090010, "NTE_PERM", "access to the key is denied", ""),
        (0x80090016, "NTE_BAD_KEYSET", "the key set does not exist", _TPM),
        (0x80090014, "NTE_BAD_PROV_TYPE", "invalid provider type", _TPM),
        (0x8009001D, "NTE_PROVIDER_DLL_FAIL", "the provider could not be loaded", _TPM),
        (0x80090029, "NTE_NOT_SUPPORTED", "the provider does not support this", _TPM),
        (0x80090011, "NTE_NOT_FOUND", "the key is not found", _TPM),
    )
} | {
    0x80070057: Code(
        "E_INVALIDARG",
        "the parameter is incorrect",
        "profile",
        "Check the SCEP profile: subject and its variables, key usage, key size, and the hash algorithm.",
        _WIN32,
    ),
    0x80070005: Code("E_ACCESSDENIED", "access is denied", "client-key", "Check the rights at the key store.", _WIN32),
    0x80070002: Code("ERROR_FILE_NOT_FOUND", "the file is not found", "client-files", "", _WIN32),
    0x80092004: Code(
        "CRYPT_E_NOT_FOUND",
        "the object is not found",
        "ca-usage",
        "Look which certificates GetCACert returns: one must have keyEncipherment, and the trusted root must fit.",
        _SSPI,
    ),
}
"""HRESULTs that mean something else where Windows' SCEP client reports them about itself."""


def is_of_tpm(number: int) -> bool:
    """Whether an unsigned HRESULT is of the TPM (its facilities are 0x28 and 0x29)."""
    return number >> 16 in {0x8028, 0x8029}


TPM = Code("TPM error", "the TPM refused", "client-key", _TPM, _SSPI)
"""The meaning of such a number."""

TEXTS: dict[str, int] = {
    "keyset does not exist": 0x80090016,
    "the device that is required by this cryptographic provider is not ready for use": 0x80090030,
    "the device that is required by this cryptographic provider is not found on this platform": 0x80090035,
    "the certificate is revoked": 0x80092010,
    "an untrusted root certificate": 0x800B0109,
    "a certificate chain processed, but terminated in a root certificate which is not trusted": 0x800B0109,
    "a certificate chain could not be built to a trusted root authority": 0x800B010A,
    "the certificate is not valid for the requested usage": 0x800B0110,
    "the rpc server is unavailable": 0x800706BA,
    "there are no more endpoints available from the endpoint mapper": 0x800706D9,
    "the specified domain either does not exist or could not be contacted": 0x8007054B,
    "the referenced account is currently locked out": 0x80070775,
    "the password for this account has expired": 0x80070532,
    "the server name or address could not be resolved": 0x80072EE7,
    "a connection with the server could not be established": 0x80072EFD,
    "the connection with the server was terminated abnormally": 0x80072EFE,
    "the connection with the server was reset": 0x80072EFF,
    "the server returned an invalid or unrecognized response": 0x80072F78,
    "the operation timed out": 0x80072EE2,
    "a security error occurred": 0x80072F8F,
    "the certificate authority is invalid or incorrect": 0x80072F0D,
    "the host name in the certificate is invalid or does not match": 0x80072F06,
    "the date in the certificate is invalid or has expired": 0x80072F05,
    "a certificate is required to complete client authentication": 0x80072F0C,
    "bad request (400)": 0x80190190,
    "unauthorized (401)": 0x80190191,
    "access denied (401)": 0x80190191,
    "forbidden (403)": 0x80190193,
    "not found (404)": 0x80190194,
    "proxy authentication required (407)": 0x80190197,
    "internal server error (500)": 0x801901F4,
    "bad gateway (502)": 0x801901F6,
    "service unavailable (503)": 0x801901F7,
    "gateway timeout (504)": 0x801901F8,
    "asn1 bad tag value met": 0x8009310B,
    "asn1 unexpected end of data": 0x80093102,
    "asn1 corrupted data": 0x80093103,
    "the permissions on the certificate template do not allow the current user": 0x80094012,
    "the request is missing one or more required signatures": 0x8009480A,
    "the request is missing required signature policy information": 0x80094809,
    "the request does not contain a certificate template extension": 0x80094801,
    "the dns name is unavailable": 0x8009480F,
    "the email name is unavailable": 0x80094812,
    "the request's current status does not allow this operation": 0x80094003,
    "the certification authority's certificate contains invalid data": 0x80094005,
    "certificate service has been suspended": 0x80094006,
    "the validity periods of the certification chain do not nest correctly": 0x800B0102,
    "the specified network resource or device is no longer available": 0x80070037,
}
"""How Windows writes them in English, in lower case and without the full stop -> number."""
