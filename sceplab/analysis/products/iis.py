"""Statuses of IIS: substatus, win32 status, and the meaning of a status alone.

Rule: data only.
"""

from __future__ import annotations

from sceplab.analysis.products.code import Code
from sceplab.analysis.products.hresults import code_of

_SUPPORT = "MicrosoftDocs/SupportArticles-docs, support/mem/intune/certificates"
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
    (403, 0): Code(
        "403.0",
        "refused; mscep.dll opened by hand answers so where the Intune policy module is installed, and is healthy",
        "forbidden",
        "Was this a browser's visit, all is well; else read the policy module's log (NDESPlugin.log).",
        f"{_SUPPORT}/troubleshoot-scep-certificate-device-to-ndes.md",
    ),
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
"""The field sc-win32-status of IIS -> meaning; an HRESULT is possible too."""


def substatus_of(status: int, substatus: int) -> Code | None:
    """Return what an IIS status with its substatus means, or None if it adds nothing."""
    return SUBSTATUSES.get((status, substatus))


def win32_of(number: int) -> Code | None:
    """Return what a win32 status of an IIS log means, or None (0 is success)."""
    return WIN32.get(number) or (code_of(number) if number > 1 << 16 else None)


STATUSES: dict[int, Code] = {
    400: Code("HTTP 400", "the server did not like the request", "http-error"),
    401: Code("HTTP 401", "a login is wanted, or the client may not enroll", "login"),
    403: Code("HTTP 403", "forbidden", "forbidden"),
    404: Code("HTTP 404", "not found: path, CA or profile", "not-found"),
    405: Code("HTTP 405", "this method is not allowed", "method"),
    407: Code("HTTP 407", "the proxy wants a login", "proxy-login"),
    413: Code("HTTP 413", "the body is too large", "too-large"),
    414: Code("HTTP 414", "the URL is too long", "too-long"),
    429: Code("HTTP 429", "too many requests", "overloaded"),
    431: Code("HTTP 431", "the URL or a header is too long", "too-long"),
    500: Code("HTTP 500", "the server failed", "server-error"),
    501: Code("HTTP 501", "not implemented", "type-not-supported"),
    502: Code("HTTP 502", "bad gateway", "gateway"),
    503: Code("HTTP 503", "the service is unavailable", "unavailable"),
    504: Code("HTTP 504", "the gateway waited too long", "gateway"),
}
"""A status alone, in words of a client or log -> meaning."""
