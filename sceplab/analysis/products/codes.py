"""Numbers that products give: HRESULTs, IIS substatuses, win32 statuses, exit codes, event ids.

Rule: a number means something only beside its name (`0x80094811`, `sc-substatus`,
`Event ID 31`): a bare number in a text is never taken for a code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """A code with its name, what it means, and the fault behind it ("" where it names none)."""

    name: str
    meaning: str
    fault: str = ""
    fix: str = ""
    source: str = ""


_IMPACKET = "HRESULT names: fortra/impacket, hresult_errors.py"
_NDES_2_10 = "NDES events 2 and 10 (AskDS blog)"
_EVENT_31 = "gradenegger.eu, NDES event 31"
_SUPPORT = "MicrosoftDocs/SupportArticles-docs, support/mem/intune/certificates"

HRESULTS: dict[int, Code] = {
    0x80070057: Code(
        "E_INVALIDARG",
        "the parameter is incorrect",
        "challenge-refused",
        "Check the challengePassword first: it is wrong, used, or expired. If it is right, read the NDES events "
        "2 and 10: the pool's account may not be able to read the RA keys, or a revocation check fails.",
        f"github.com/certnanny/sscep/issues/59; {_NDES_2_10}",
    ),
    0x80070005: Code(
        "E_ACCESSDENIED",
        "access is denied",
        "service-rights",
        "Give the NDES service account Enroll on the template and Request Certificates on the CA.",
        _IMPACKET,
    ),
    0x80070002: Code(
        "ERROR_FILE_NOT_FOUND",
        "the file is not found",
        "registry",
        "Restore the MSCEP registry values.",
        "gradenegger.eu, NDES event 10",
    ),
    0x800700EA: Code(
        "ERROR_MORE_DATA",
        "more data is available",
        "server-configuration",
        "Move the handler for URLs without an extension below StaticFile in IIS.",
        "KB 2800975",
    ),
    0x80004005: Code("E_FAIL", "unspecified error; the event's text names the reason", "", "", _EVENT_31),
    0x800706BA: Code(
        "RPC_S_SERVER_UNAVAILABLE",
        "the RPC server is unavailable",
        "ca-unreachable",
        "Check that the CA service runs and that the RA reaches it by RPC/DCOM.",
        _EVENT_31,
    ),
    0x80090005: Code(
        "NTE_BAD_DATA",
        "bad data: the message cannot be decrypted",
        "cannot-decrypt",
        "Encrypt for the RA certificate with keyEncipherment that GetCACert returns, not for the issuing CA.",
        "github.com/certnanny/sscep/issues/60",
    ),
    0x8009310B: Code(
        "CRYPT_E_ASN1_BADTAG",
        "ASN.1 bad tag value: this is no SCEP message",
        "not-a-request",
        "Send the DER of the signed message; check what changes it on the way.",
        _IMPACKET,
    ),
    0x8009000B: Code(
        "NTE_BAD_KEY_STATE",
        "the key cannot be used in this state",
        "stored-password",
        "Delete the EncryptedPassword value in the MSCEP registry and restart NDES.",
        "docs.microsoft.com, NDES EncryptedPassword",
    ),
    0x80090014: Code(
        "NTE_BAD_PROV_TYPE",
        "invalid provider type",
        "provider",
        "Issue the NDES certificate from a version 2 template (CryptoAPI provider).",
        f"{_SUPPORT}/error-0x80090014-installing-ndes-certificate.md",
    ),
    0x80090016: Code("NTE_BAD_KEYSET", "the key set does not exist", "ra-key", "", _IMPACKET),
    0x8009000D: Code("NTE_NO_KEY", "the key does not exist", "ra-key", "", _IMPACKET),
    0x80090006: Code("NTE_BAD_SIGNATURE", "the signature is not valid", "server-rejects-signature", "", _IMPACKET),
    0x80090008: Code("NTE_BAD_ALGID", "an invalid algorithm is named", "algorithm-refused", "", _IMPACKET),
    0x80092004: Code("CRYPT_E_NOT_FOUND", "the object or property is not found", "cannot-decrypt", "", _IMPACKET),
    0x80094800: Code(
        "CERTSRV_E_UNSUPPORTED_CERT_TYPE",
        "the CA does not offer the certificate template",
        "template",
        "Put the template's name into the three MSCEP registry values, publish it on the CA, restart NDES.",
        f"{_SUPPORT}/devices-receive-scep-certificates-error-0x80094800.md",
    ),
    0x80094811: Code(
        "CERTSRV_E_KEY_LENGTH",
        "the key is shorter than the template's minimum size",
        "key-length",
        "Make a key of at least the template's minimum key size (2048 bits), or lower the template's.",
        "gradenegger.eu, CertEnroll event 87",
    ),
    0x80094001: Code(
        "CERTSRV_E_BAD_REQUESTSUBJECT",
        "the request's subject name is invalid or too long",
        "bad-subject",
        "",
        _EVENT_31,
    ),
    0x80094003: Code(
        "CERTSRV_E_BAD_REQUESTSTATUS", "the request's status is not one that allows this", "", "", _IMPACKET
    ),
    0x80094012: Code(
        "CERTSRV_E_TEMPLATE_DENIED",
        "the template does not allow this account to enroll",
        "service-rights",
        "Give the NDES service account Enroll on the template.",
        _IMPACKET,
    ),
    0x80094009: Code(
        "CERTSRV_E_RESTRICTEDOFFICER", "the officer may not manage this request", "service-rights", "", _IMPACKET
    ),
    0x80092012: Code(
        "CRYPT_E_NO_REVOCATION_CHECK", "revocation could not be checked", "revocation-offline", "", _IMPACKET
    ),
    0x80092013: Code(
        "CRYPT_E_REVOCATION_OFFLINE", "the revocation server was offline", "revocation-offline", "", _EVENT_31
    ),
    0x80092010: Code("CRYPT_E_REVOKED", "the certificate is revoked", "certificate-revoked", "", _IMPACKET),
    0x800B0101: Code(
        "CERT_E_EXPIRED",
        "a certificate is not within its validity period",
        "server-certificate-expired",
        "",
        f"{_SUPPORT}/cannot-assign-scep-certificates.md",
    ),
    0x800B0109: Code(
        "CERT_E_UNTRUSTEDROOT",
        "the chain ends in a root that is not trusted",
        "untrusted-root",
        "After a renewal of the CA issue new RA certificates; on the client deploy the root that issued them.",
        f"{_SUPPORT}/scep-deployment-to-win10-devices-fails.md",
    ),
    0x800B010A: Code("CERT_E_CHAINING", "the chain cannot be built", "untrusted-root", "", _IMPACKET),
    0x80091007: Code(
        "CRYPT_E_HASH_VALUE",
        "the hash value is not correct",
        "fingerprint",
        "Put the fingerprint of the CA certificate that GetCACert returns into the profile.",
        "scepman/scepman-docs, docs/other/troubleshooting/general.md",
    ),
    0x8010002C: Code(
        "SCARD_E_NO_SUCH_CERTIFICATE",
        "no certificate fits; the RA certificate may lack its usages",
        "ca-usage",
        "",
        "github.com/microsoft/Intune-Resource-Access/issues/87",
    ),
    0x80072F8F: Code(
        "WININET_E_DECODING_FAILED",
        "secure channel failure (12175)",
        "tls",
        "Allow TLS 1.2 on the server, and check its certificate's names, chain and validity (and the client's clock).",
        "gradenegger.eu, CertEnroll event 86",
    ),
    0x80072F78: Code(
        "WININET_E_INVALID_SERVER_RESPONSE",
        "the server's response is invalid (12152)",
        "caps-form",
        "Look at the GetCACaps reply: plain lines, nothing else.",
        "github.com/NeySlim/ultimate-ca-manager/issues/326",
    ),
    0x80072EE2: Code("WININET_E_TIMEOUT", "the server did not answer in time (12002)", "no-reply", "", _IMPACKET),
    0x80072EE7: Code(
        "WININET_E_NAME_NOT_RESOLVED", "the server's name is not resolved (12007)", "no-network", "", _IMPACKET
    ),
    0x80072EFD: Code("WININET_E_CANNOT_CONNECT", "no connection to the server (12029)", "no-network", "", _IMPACKET),
    0x80072F0D: Code(
        "WININET_E_INVALID_CA", "the server's TLS certificate is not trusted (12045)", "tls", "", _IMPACKET
    ),
    0x80190190: Code("HTTP_E_STATUS_BAD_REQUEST", "the server answered 400", "http-error", "", _IMPACKET),
    0x80190191: Code("HTTP_E_STATUS_DENIED", "the server answered 401", "login", "", _IMPACKET),
    0x80190193: Code("HTTP_E_STATUS_FORBIDDEN", "the server answered 403", "forbidden", "", _IMPACKET),
    0x80190194: Code(
        "HTTP_E_STATUS_NOT_FOUND", "the server answered 404", "not-found", "", "github.com/micromdm/scep/issues/238"
    ),
    0x801901F4: Code("HTTP_E_STATUS_SERVER_ERROR", "the server answered 500", "server-error", "", _IMPACKET),
    0x801901F7: Code("HTTP_E_STATUS_SERVICE_UNAVAIL", "the server answered 503", "unavailable", "", _IMPACKET),
    0xC0000005: Code(
        "STATUS_ACCESS_VIOLATION",
        "the process crashed",
        "unavailable",
        "Find the module that crashes w3wp.exe in the Application log (event 1000).",
        _SUPPORT,
    ),
}
"""HRESULTs of NDES, certsrv and Windows' SCEP client, as unsigned numbers."""

_HEX = re.compile(r"(?i)\b(?:0x)([0-9a-f]{8})\b|\b(8009[0-9a-f]{4}|800[7bB][0-9a-f]{4})\b")
_DECIMAL = re.compile(r"-\d{10}\b")
_NAMES = {code.name: number for number, code in HRESULTS.items()}
_NAME = re.compile(r"\b(?:" + "|".join(_NAMES) + r")\b")


def code_of(number: int) -> Code | None:
    """Return the HRESULT of a number, signed or not, or None where it is not known."""
    return HRESULTS.get(number & 0xFFFFFFFF)


def codes_in(text: str) -> Iterator[tuple[str, int]]:
    """Yield each HRESULT written in a text (hex, negative decimal, or by name) with its unsigned value."""
    for found in _HEX.finditer(text):
        yield found[0], int(found[1] or found[2], 16)
    for found in _DECIMAL.finditer(text):
        yield found[0], int(found[0]) & 0xFFFFFFFF
    for found in _NAME.finditer(text):
        yield found[0], _NAMES[found[0]]


_IIS = "MicrosoftDocs/SupportArticles-docs, iis/http-status-code.md"
_URL_LIMIT = "Use POST, or raise maxUrl and maxQueryString of IIS request filtering and the limits of HTTP.sys."

SUBSTATUSES: dict[tuple[int, int], Code] = {
    (401, 1): Code("401.1", "logon failed", "login", "Correct the account that logs in (often for mscep_admin).", _IIS),
    (401, 2): Code(
        "401.2",
        "the server's configuration wants a login",
        "login",
        "Switch Anonymous Authentication on for the SCEP application: SCEP clients cannot log in.",
        _IIS,
    ),
    (401, 3): Code("401.3", "the file's access list denies it", "service-rights", "", _IIS),
    (401, 5): Code("401.5", "an ISAPI or CGI program refused the login", "login", "", _IIS),
    (403, 4): Code("403.4", "the site wants HTTPS", "https", "", _IIS),
    (403, 6): Code("403.6", "the client's address is refused", "forbidden", "", _IIS),
    (403, 7): Code(
        "403.7",
        "the site wants a TLS client certificate",
        "tls-client-certificate",
        "Set client certificates to Ignore for the SCEP application.",
        _IIS,
    ),
    (403, 13): Code("403.13", "the TLS client certificate is revoked", "tls-client-certificate", "", _IIS),
    (403, 14): Code("403.14", "directory listing denied: the URL names a folder", "not-found", "", _IIS),
    (403, 16): Code(
        "403.16",
        "the TLS client certificate is not trusted",
        "tls-client-certificate",
        "Remove certificates that are not self-signed from the server's Trusted Root store.",
        f"{_SUPPORT}/troubleshoot-scep-certificate-ndes-policy-module.md",
    ),
    (403, 17): Code(
        "403.17",
        "the TLS client certificate has expired or is not valid yet",
        "tls-client-certificate",
        "Renew the policy module's certificate.",
        _IIS,
    ),
    (403, 18): Code("403.18", "the request cannot run in this application pool", "server-configuration", "", _IIS),
    (404, 0): Code("404.0", "not found", "not-found", "", _IIS),
    (404, 2): Code(
        "404.2",
        "ISAPI and CGI restrictions deny mscep.dll",
        "server-configuration",
        "Allow mscep.dll in ISAPI and CGI Restrictions.",
        _IIS,
    ),
    (404, 3): Code("404.3", "no handler for this type of file", "server-configuration", "", _IIS),
    (404, 4): Code(
        "404.4", "no handler for this URL", "server-configuration", "Restore the handler mapping of mscep.dll.", _IIS
    ),
    (404, 5): Code("404.5", "request filtering denies a sequence in the URL", "filtered", "", _IIS),
    (404, 6): Code("404.6", "request filtering denies the HTTP verb", "method", "", _IIS),
    (404, 7): Code("404.7", "request filtering denies the file extension", "filtered", "", _IIS),
    (404, 8): Code("404.8", "request filtering hides this namespace", "filtered", "", _IIS),
    (404, 10): Code("404.10", "a request header is too long", "too-long", "", _IIS),
    (404, 11): Code(
        "404.11",
        "the URL is escaped twice (double escaping), which request filtering denies",
        "double-escape",
        "Use POST, or set allowDoubleEscaping for the SCEP application.",
        _IIS,
    ),
    (404, 12): Code("404.12", "the URL has characters outside ASCII", "filtered", "", _IIS),
    (404, 13): Code(
        "404.13", "the body is too large", "too-large", "Raise maxAllowedContentLength of IIS request filtering.", _IIS
    ),
    (404, 14): Code("404.14", "the URL is too long", "too-long", _URL_LIMIT, _IIS),
    (404, 15): Code("404.15", "the query string is too long", "too-long", _URL_LIMIT, _IIS),
    (404, 18): Code("404.18", "request filtering denies a sequence in the query string", "filtered", "", _IIS),
    (404, 19): Code("404.19", "a filtering rule denies it", "filtered", "", _IIS),
    (413, 0): Code("413.0", "the body is too large", "too-large", "", _IIS),
    (413, 1): Code("413.1", "the body is too large", "too-large", "", _IIS),
    (500, 0): Code(
        "500.0",
        "a module or ISAPI program failed",
        "server-error",
        "Read the NDES events in the Application log.",
        _IIS,
    ),
    (500, 13): Code("500.13", "the web server is too busy", "overloaded", "", _IIS),
    (500, 19): Code("500.19", "the site's configuration is invalid", "server-configuration", "", _IIS),
    (500, 21): Code("500.21", "a module is not recognised", "server-configuration", "", _IIS),
    (502, 2): Code("502.2", "the map request failed", "gateway", "", _IIS),
    (502, 3): Code("502.3", "the forwarder did not reach the server behind it", "gateway", "", _IIS),
    (503, 0): Code(
        "503.0",
        "the application pool is stopped or crashes",
        "unavailable",
        "Start the SCEP application pool; the Application log names what crashes it.",
        _IIS,
    ),
    (503, 2): Code(
        "503.2",
        "the limit of concurrent requests is exceeded: the server is overloaded",
        "overloaded",
        "Raise appConcurrentRequestLimit, or let fewer devices enroll at once.",
        _IIS,
    ),
    (503, 3): Code("503.3", "the queue of the application is full", "overloaded", "", _IIS),
}
"""IIS status and substatus -> meaning."""

WIN32: dict[int, Code] = {
    64: Code("ERROR_NETNAME_DELETED", "the client closed the connection before the reply was sent", ""),
    121: Code("ERROR_SEM_TIMEOUT", "the connection timed out", ""),
    995: Code("ERROR_OPERATION_ABORTED", "the client went away", ""),
    1236: Code("ERROR_CONNECTION_ABORTED", "the connection was aborted", ""),
    1346: Code(
        "ERROR_BAD_IMPERSONATION_LEVEL",
        "the impersonation right is missing",
        "impersonation",
        "Give IIS_IUSRS the right 'Impersonate a client after authentication' and restart the server.",
        f"{_SUPPORT}/troubleshoot-scep-certificate-device-to-ndes.md",
    ),
    1326: Code("ERROR_LOGON_FAILURE", "wrong user name or password", "login"),
    1331: Code("ERROR_ACCOUNT_DISABLED", "the account is disabled", "service-account"),
    1909: Code("ERROR_ACCOUNT_LOCKED_OUT", "the account is locked", "service-account"),
    1330: Code("ERROR_PASSWORD_EXPIRED", "the account's password has expired", "service-account"),
    5: Code("ERROR_ACCESS_DENIED", "access is denied", ""),
}
"""The field sc-win32-status of IIS -> meaning; an HRESULT may stand there too."""


def substatus_of(status: int, substatus: int) -> Code | None:
    """Return what an IIS status with its substatus means, or None where it adds nothing."""
    return SUBSTATUSES.get((status, substatus))


def win32_of(number: int) -> Code | None:
    """Return what a win32 status of an IIS log means, or None (0 is success)."""
    return WIN32.get(number) or (code_of(number) if number > 1 << 16 else None)


EVENTS: dict[tuple[str, int], Code] = {
    ("ndes", 2): Code(
        "NDES event 2", "NDES cannot start; the code in it names the reason", "ndes-start", "", _NDES_2_10
    ),
    ("ndes", 6): Code(
        "NDES event 6",
        "no password was given: the caller lacks Enroll, or the CA does not issue the template",
        "service-rights",
        "Give the caller Enroll on the templates and publish them.",
        "gradenegger.eu, NDES events",
    ),
    ("ndes", 7): Code(
        "NDES event 7", "NDES could not return the CA certificates", "ra-key", "", "gradenegger.eu, NDES events"
    ),
    ("ndes", 10): Code(
        "NDES event 10", "NDES cannot get one of its certificates", "ra-key", "", "gradenegger.eu, NDES event 10"
    ),
    ("ndes", 16): Code(
        "NDES event 16",
        "NDES cannot decode the HTTP message",
        "not-a-request",
        "",
        "gradenegger.eu, NDES events 16 to 19",
    ),
    ("ndes", 17): Code(
        "NDES event 17",
        "NDES cannot read transactionID, messageType or signer",
        "not-a-request",
        "",
        "gradenegger.eu, NDES events 16 to 19",
    ),
    ("ndes", 18): Code(
        "NDES event 18",
        "NDES cannot decrypt the request",
        "cannot-decrypt",
        "Encrypt for the RA certificate with keyEncipherment that GetCACert returns.",
        "gradenegger.eu, NDES events 16 to 19",
    ),
    ("ndes", 26): Code(
        "NDES event 26",
        "the challengePassword is wrong (other guides give event 29)",
        "challenge-refused",
        "",
        "engineerdirect.co.uk, NDES/SCEP enrollment failing",
    ),
    ("ndes", 28): Code(
        "NDES event 28",
        "seen where a renewal was refused",
        "renewal-refused",
        "",
        "github.com/certnanny/sscep/issues/123",
    ),
    ("ndes", 29): Code(
        "NDES event 29",
        "the challengePassword is wrong, was used, or is encoded badly",
        "challenge-refused",
        "",
        "github.com/certnanny/sscep/issues/156",
    ),
    ("ndes", 31): Code("NDES event 31", "NDES could not submit the request to the CA", "ca-unreachable", "", _EVENT_31),
    ("ndes", 49): Code(
        "NDES event 49",
        "the stored password cannot be decrypted",
        "stored-password",
        "Delete the EncryptedPassword value in the MSCEP registry and restart NDES.",
        "docs.microsoft.com, NDES EncryptedPassword",
    ),
    ("capi2", 30): Code("CAPI2 event 30", "the chain is not trusted", "untrusted-root", "", _SUPPORT),
    ("connector", 20501): Code(
        "connector event 20501", "the challenge was rejected", "challenge-refused", "", f"{_SUPPORT} (connector events)"
    ),
    ("connector", 20502): Code(
        "connector event 20502",
        "the challenge could not be checked",
        "policy-module",
        "",
        f"{_SUPPORT} (connector events)",
    ),
    ("connector", 20602): Code(
        "connector event 20602",
        "the notification of an issued certificate failed",
        "ca-unreachable",
        "",
        f"{_SUPPORT} (connector events)",
    ),
    ("connector", 10102): Code("connector event 10102", "the connector's certificate was not renewed", "policy-module"),
    ("connector", 10301): Code("connector event 10301", "the connector's certificate was not found", "policy-module"),
    ("connector", 10302): Code("connector event 10302", "the connector's certificate was not found", "policy-module"),
    ("application", 1000): Code("Application Error 1000", "a process crashed (w3wp.exe)", "unavailable"),
    ("system", 5009): Code("System event 5009", "a process of the application pool ended", "unavailable"),
    ("asp.net", 1310): Code(
        "ASP.NET event 1310",
        "a compilation error",
        "service-rights",
        "Let the pool's account write to the Windows Temp folder.",
        f"{_SUPPORT}/certificateregistrationsvc-verify-request-error.md",
    ),
}
"""(source, event id) -> meaning."""

CONNECTOR: dict[int, Code] = {
    0x403: Code("0x403", "certificate not found", "policy-module"),
    0x404: Code("0x404", "certificate not found", "policy-module"),
    0x405: Code("0x405", "certificate expired", "policy-module"),
    0x408: Code("0x408", "encryption certificate not found", "policy-module"),
    0x409: Code("0x409", "signing certificate not found", "policy-module"),
    0x410: Code("0x410", "challenge cannot be read", "challenge-refused"),
    0x411: Code(
        "0x411", "challenge has expired", "challenge-expired", "Sync the device, so that it receives a new challenge."
    ),
}
"""Diagnostic codes of the Intune certificate connector -> meaning."""

SSCEP_EXITS: dict[int, Code] = {
    2: Code("sscep exit 2", "pkiStatus FAILURE", ""),
    3: Code("sscep exit 3", "pkiStatus PENDING", "pending"),
    70: Code("sscep exit 70", "failInfo 0, badAlg", "badAlg"),
    71: Code("sscep exit 71", "failInfo 1, badMessageCheck", "badMessageCheck"),
    72: Code("sscep exit 72", "failInfo 2, badRequest", "badRequest"),
    73: Code("sscep exit 73", "failInfo 3, badTime", "badTime"),
    74: Code("sscep exit 74", "failInfo 4, badCertId", "badCertId"),
    89: Code("sscep exit 89", "timeout", "no-reply"),
    91: Code("sscep exit 91", "error with the self-signed certificate", ""),
    93: Code("sscep exit 93", "a file cannot be read or written", "client-files"),
    95: Code("sscep exit 95", "network error", "no-network"),
    97: Code("sscep exit 97", "the PKCS#7 could not be made or read", "reply-unreadable"),
    99: Code("sscep exit 99", "the reply has no pkiStatus", "not-a-message"),
}
"""Exit codes of sscep -> meaning (certnanny/sscep, src/sscep.h)."""

CISCO: dict[int, Code] = {
    0x760: Code(
        "0x760 E_DIGEST_ALG_NOT_SUPPORTED",
        "the image does not know the digest",
        "reply-algorithm",
        "Have the CA sign with a digest that the image knows, or update the image.",
        "Cisco PKCS12 import notes",
    ),
    0x762: Code(
        "0x762 E_ENCRYPT_ALG_NOT_SUPPORTED",
        "the router does not support the cipher of the reply",
        "reply-algorithm",
        "Have the CA answer in a cipher that the router knows (3DES for old images), or update the image.",
        "github.com/seize-the-dave/jscep/issues/97",
    ),
    101: Code("status 101", "certificate request is rejected", "refused", "", "Cisco IOS-XE and step-ca incident note"),
}
"""`status =` of CRYPTO_PKI -> meaning."""

_APPLE_SOURCE = "MDM error code list"
APPLE: dict[int, Code] = {
    22000: Code("MCSCEPErrorDomain 22000", "invalid key usage", "ca-usage", "", _APPLE_SOURCE),
    22001: Code("MCSCEPErrorDomain 22001", "the key pair cannot be made", "client-key", "", _APPLE_SOURCE),
    22002: Code("MCSCEPErrorDomain 22002", "the CA's response is invalid", "ca-form", "", _APPLE_SOURCE),
    22003: Code(
        "MCSCEPErrorDomain 22003",
        "the RA's response is invalid",
        "untrusted-root",
        "Deploy the root that issued the RA's certificate, and look at the chain that GetCACert returns.",
        _APPLE_SOURCE,
    ),
    22004: Code(
        "MCSCEPErrorDomain 22004", "the certificate configuration is not supported", "profile", "", _APPLE_SOURCE
    ),
    22005: Code("MCSCEPErrorDomain 22005", "network error", "no-network", "", _APPLE_SOURCE),
    22006: Code(
        "MCSCEPErrorDomain 22006",
        "the CA's capabilities do not suffice",
        "caps-weak",
        "Offer POSTPKIOperation, SHA-256, and AES or DES3 in GetCACaps.",
        _APPLE_SOURCE,
    ),
    22007: Code("MCSCEPErrorDomain 22007", "the signed certificate is invalid", "issued-unusable", "", _APPLE_SOURCE),
    22008: Code("MCSCEPErrorDomain 22008", "the identity cannot be made", "issued-unusable", "", _APPLE_SOURCE),
    22009: Code("MCSCEPErrorDomain 22009", "no temporary identity can be made", "client-key", "", _APPLE_SOURCE),
    22010: Code("MCSCEPErrorDomain 22010", "the temporary identity cannot be stored", "client-key", "", _APPLE_SOURCE),
    22011: Code("MCSCEPErrorDomain 22011", "the CSR cannot be made", "ca-without-rsa", "", _APPLE_SOURCE),
    22012: Code("MCSCEPErrorDomain 22012", "the CA certificate cannot be stored", "ca-form", "", _APPLE_SOURCE),
    22013: Code(
        "MCSCEPErrorDomain 22013",
        "the PKIOperation response is invalid",
        "reply-unreadable",
        "Look at the reply: status, Content-Type, the issued certificate first, no root inside.",
        _APPLE_SOURCE,
    ),
    14003: Code(
        "MDM-SCEP:14003",
        "the CSR cannot be made: GetCACert gave no RSA certificate to encrypt for",
        "ca-without-rsa",
        "Give the server an RSA decrypter (an RA certificate).",
        "step-ca provisioning notes",
    ),
    14006: Code(
        "MDM-SCEP:14006",
        "the certificate was refused; often the challenge",
        "challenge-refused",
        "Compare the challenge of the profile with the CA's.",
        "Connector for SCEP with Jamf Pro",
    ),
    15001: Code(
        "MDM-SCEP:15001", "no certificate was obtained; trying again can help", "refused", "", "Jamf Pro guide"
    ),
    15002: Code("MDM-SCEP:15002", "no certificate was obtained: the CA refused", "refused", "", "FastPKI user guide"),
}
"""Apple's codes -> meaning."""
