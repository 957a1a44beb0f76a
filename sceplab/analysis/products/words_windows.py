"""Sentences that NDES, AD CS, Intune, and the web servers and proxies in front of a CA, write when an enrollment fails.

Rule: data only, in the products' own words, as short as recognition allows.
"""

from __future__ import annotations

from sceplab.analysis.products.saying import Saying

_INTUNE = "microsoft/Intune-Resource-Access: IntuneScepServiceException.cs"
_NDES = "gradenegger.eu, NDES events"

WINDOWS: tuple[Saying, ...] = (
    Saying(
        "Intune",
        r"\bChallengeExpired\b",
        "challenge-expired",
        "Sync the device, so that it gets a new challenge.",
        _INTUNE,
    ),
    Saying("Intune", r"\bChallengePasswordMissing\b", "no-challenge", "", _INTUNE),
    Saying(
        "Intune",
        r"\b(?:Challenge(?:Deserialization|Decryption|Decoding)Error|ChallengeInvalidTimestamp|Bad(?:CertificateRequestId|DeviceId|UserId)InChallenge)\b",
        "challenge-refused",
        "Sync the device, so that it gets a new challenge.",
        _INTUNE,
    ),
    Saying("Fleet", r"Invalid NDES admin credentials", "admin-login", "", "github.com/fleetdm/fleet/pull/49298"),
    Saying(
        "NDES",
        r"password (?:in the (?:certificate )?request )?(?:cannot be verified|is incorrect)|cannot (?:verify|decode) the password|challenge password .{0,40}cannot be verified",
        "challenge-refused",
        "Fetch a new password from mscep_admin: each works once and for an hour.",
        _NDES,
    ),
    Saying("NDES", r"password cache is full", "password-cache", "", _NDES),
    Saying(
        "Jamf", r"SCEP challenge.{0,40}(?:fail|invalid)", "challenge-refused", "", "Connector for SCEP with Jamf Pro"
    ),
    Saying("Windows", r"hash value is not correct", "fingerprint", "", "support.okta.com; scepman-docs"),
    Saying(
        "Entra application proxy",
        r"\bGatewayTimeout\b",
        "gateway",
        "Start the proxy connector's service.",
        "MicrosoftDocs, SCEP HTTP errors",
    ),
    Saying(
        "Entra application proxy",
        r"This page can.?t be displayed",
        "not-found",
        "Set the SCEP external URL to the published domain.",
        "MicrosoftDocs, troubleshoot-scep-certificate-device-to-ndes.md",
    ),
    Saying(
        "NDES policy module",
        r"CERT_CN_INVALID|\bError:? 12175\b",
        "tls",
        "Issue a web certificate with the external and internal names in subjectAltName.",
        "MicrosoftDocs, NDES policy module",
    ),
    Saying(
        "AD CS",
        r"requested certificate template is not supported|CERTSRV_E_UNSUPPORTED_CERT_TYPE",
        "template",
        "",
        _NDES,
    ),
    Saying("AD CS", r"(?:public )?key does not meet the minimum size|CERTSRV_E_KEY_LENGTH", "key-length", "", _NDES),
    Saying(
        "AD CS",
        r"request subject name is invalid or too long",
        "bad-subject",
        "Shorten or correct the subject in the profile.",
        _NDES,
    ),
    Saying(
        "AD CS",
        r"certificate has an invalid name",
        "bad-subject",
        "A name constraint of the CA excludes it: ask for a permitted name.",
        _NDES,
    ),
    Saying(
        "Intune",
        r"\b(?:KeyUsage|EnhancedKeyUsage|SubjectName|SubjectAltName)(?:Missing|Mismatch)\b|RegisteredKeyMismatch|AadKeyIdentifierListMissing|SigningCertThumbprintMismatch",
        "profile-mismatch",
        "Ask for what the profile says: subject, names, key usage.",
        _INTUNE,
    ),
    Saying(
        "Intune",
        r"ScepProfileNoLongerTargetedToTheClient",
        "profile-mismatch",
        "Assign the profile to the device again.",
        _INTUNE,
    ),
    Saying("Intune", r"CertificateRequestDecodingFailed", "csr-unreadable", "", _INTUNE),
    Saying("AD CS", r"RPC server is unavailable", "ca-unreachable", "", _NDES),
    Saying("AD CS", r"revocation server was offline|revocation function was unable", "revocation-offline", "", _NDES),
    Saying(
        "Policy module",
        r"m_safeCertContext is an invalid handle",
        "policy-module",
        "Restart the connector; if values are still missing, set the template names again and reboot.",
        "MicrosoftDocs, scep-certificate-request-fails.md",
    ),
    Saying(
        "Windows",
        r"not within its validity period",
        "server-certificate-expired",
        "Find which certificate of NDES has expired (RA, policy module) and renew it.",
        "MicrosoftDocs, cannot-assign-scep-certificates.md",
    ),
    Saying(
        "Intune",
        r"\bSignatureValidationFailed\b",
        "challenge-refused",
        "Sync the device, so that it gets a new challenge.",
        "microsoft/Intune-Resource-Access: IntuneScepServiceException.cs",
    ),
    Saying(
        "NDES",
        r"(?:service )?account[^.\n]{0,30}(?:locked|disabled)|account[^.\n]{0,40}password[^.\n]{0,20}expired",
        "service-account",
        "Unlock the NDES service account or set its password.",
        "gradenegger.eu, NDES events",
    ),
    Saying(
        "NDES",
        r"cannot submit the (?:certificate )?request|failed to submit the request",
        "ca-unreachable",
        "Check that the CA runs, that RPC/DCOM reaches it, and that the service account may request.",
        "gradenegger.eu, NDES event 31",
    ),
    Saying(
        "NDES",
        r"cannot decrypt the (?:client.s )?(?:PKCS ?#?7 )?(?:inner )?message",
        "cannot-decrypt",
        "",
        "gradenegger.eu, NDES events",
    ),
    Saying(
        "NDES",
        r"bad impersonation level|impersonation level was not provided",
        "impersonation",
        "",
        "gradenegger.eu, NDES events",
    ),
    Saying(
        "NDES",
        r"cannot (?:retrieve|get|find) (?:one of )?(?:its|the) (?:required )?certificates?",
        "ra-key",
        "",
        "gradenegger.eu, NDES events",
    ),
    Saying(
        "nginx",
        r"upstream (?:timed out|prematurely closed)|no live upstreams|connect\(\) failed.{0,80}upstream|upstream sent (?:too big|invalid) header",
        "gateway",
        "Start the SCEP server behind the proxy, and check the proxy's route and time limits.",
        "nginx, ngx_http error log",
    ),
    Saying(
        "nginx",
        r"client intended to send too large body",
        "too-large",
        "Raise client_max_body_size.",
        "nginx, ngx_http error log",
    ),
    Saying(
        "nginx",
        r"client sent too long (?:URI|header)|too long URI",
        "too-long",
        "Use POST, or raise large_client_header_buffers.",
        "nginx, ngx_http error log",
    ),
    Saying(
        "Apache",
        r"AH00126|Invalid URI in request",
        "filtered",
        "Use POST, or write the base64 of the GET as %2B, %2F and %3D.",
        "Apache httpd, error log",
    ),
    Saying(
        "Apache",
        r"AH00957|AH01114|AH01102|AH00898|AH00941|\[proxy(?:_http)?:error\]|proxy: error reading (?:status line|from remote)|HTTP: failed to make connection to backend",
        "gateway",
        "",
        "Apache httpd, error log",
    ),
    Saying(
        "squid",
        r"\bERR_(?:CONNECT_FAIL|DNS_FAIL|CANNOT_FORWARD|READ_TIMEOUT|READ_ERROR)\b",
        "gateway",
        "",
        "squid, error pages",
    ),
    Saying("squid", r"\bERR_CACHE_ACCESS_DENIED\b|TCP_DENIED/407", "proxy-login", "", "squid, error pages"),
    Saying(
        "squid",
        r"\bERR_ACCESS_DENIED\b|TCP_DENIED/403",
        "forbidden",
        "Let the SCEP server's address pass the proxy.",
        "squid, error pages",
    ),
    Saying(
        "AD CS",
        r"Denied by Policy Module.{0,200}(?:permissions|0x80094012)|permissions on (?:the|this) certif\w+ (?:template|authority) do not allow",
        "service-rights",
        "Give the NDES service account Enroll on the template.",
        "fortra/impacket, hresult_errors.py",
    ),
    Saying(
        "AD CS",
        r"Denied by Policy Module",
        "policy-refused",
        "Read the CA's failed requests: the policy module's reason stands there.",
        "fortra/impacket, hresult_errors.py",
    ),
)
