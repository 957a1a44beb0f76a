"""Words of devices under management, and of the consoles that manage them: Apple, Android, ChromeOS, MDM servers.

Rule: data only, in the products' own words, as short as recognition allows; Apple's
numbers are in `clients`.
"""

from __future__ import annotations

from sceplab.analysis.products.saying import Saying

_APPLE = "developer.apple.com: Security framework result codes; MDM error code list"
_JAMF = "learn.jamf.com, SCEP proxy"
_ANDROID = "developer.android.com: KeyChain, KeyStore"
_MDM = "Workspace ONE, MobileIron, Jamf, Mosyle: guides"

MDM: tuple[Saying, ...] = (
    # ---- the console fetches the challenge
    Saying(
        "MDM server",
        r"(?:retriev|obtain|fetch|get|request|read|pars)\w*[^.\n]{0,40}challenge[^\n]{0,200}(?:\b401\b|\b403\b|unauthori[sz]ed|forbidden|logon|login|credential|access (?:is )?denied|NTLM|Kerberos)",
        "admin-login",
        "",
        _JAMF,
    ),
    Saying(
        "MDM server",
        r"(?:retriev|obtain|fetch|get|request)\w*[^.\n]{0,30}(?:dynamic )?challenge[^\n]{0,200}(?:timed? ?out|connection|refused|unknown host|unreachable|\b50\d\b|could not be (?:reached|found))",
        "admin-login",
        "The management server does not reach the page that gives challenges (mscep_admin): check its URL and the network.",
        _JAMF,
    ),
    Saying(
        "MDM server",
        r"(?:pars|find|read|extract|locat)\w*[^.\n]{0,30}challenge[^\n]{0,80}(?:page|html|response|admin)|challenge[^.\n]{0,40}not (?:be )?(?:found|parsed|extracted)[^.\n]{0,40}(?:page|html|response)",
        "admin-login",
        "The page that gives challenges has none for this account: look at it in a browser, as that account.",
        _JAMF,
    ),
    # ---- keys of the device
    Saying(
        "Apple",
        r"errSecInteractionNotAllowed|errSecAuthFailed|errSecMissingEntitlement|errSecNotAvailable|errSecInternalComponent|-25308\b|-25293\b|-34018\b|"
        r"MDM-SCEP:1400[45]\b|Secure Enclave[^\n]{0,60}(?:fail|error)|SecKey(?:Generate|Create)\w*[^\n]{0,60}(?:fail|error)|(?:generat|creat)\w* (?:the )?(?:RSA )?key ?pair[^\n]{0,40}(?:fail|error)|"
        r"(?:fail|unable|could not|cannot)[^.\n]{0,20}(?:generat|creat)\w*[^.\n]{0,20}key ?pair",
        "client-key",
        "",
        _APPLE,
    ),
    Saying(
        "Android",
        r"KeyStoreException|KeyChainException|ProviderException: (?:Keystore|Failed to generate)|StrongBoxUnavailable|InvalidAlgorithmParameterException[^\n]{0,80}key|"
        r"keystore (?:is )?(?:locked|not initiali[sz]ed)|credential storage|KeyPairGenerator|lock ?screen[^.\n]{0,60}(?:required|not set|needed)",
        "client-key",
        "Unlock or set up the device's credential storage (it needs a screen lock).",
        _ANDROID,
    ),
    Saying(
        "Android, Apple",
        r"installKeyPair (?:returned )?(?:false)|(?:fail\w*|error|unable|could not|cannot)[^.\n]{0,20}\b(?:install|import|stor)(?:e|ing)?\b[^.\n]{0,30}(?:certificate|identity|key ?pair|pkcs ?#?12)|\b(?:install|import)(?:ing|ation)?\b[^.\n]{0,30}(?:certificate|identity|key ?pair|pkcs ?#?12)[^.\n]{0,40}(?:failed|denied)|errSecDuplicateItem|-25299\b",
        "issued-unusable",
        "",
        _ANDROID,
    ),
    # ---- Apple
    Saying(
        "Apple",
        r"Could not obtain the CA certificate|GetCACert[^\n]{0,40}(?:failed|invalid response)|CA (?:server.s )?response is invalid|Certificate Authority.s response is invalid",
        "ca-form",
        "",
        _APPLE,
        vague=True,
    ),
    Saying(
        "Apple",
        r"certificate (?:for this server|of the server) is (?:invalid|not valid)|NSURLErrorDomain\D{0,20}-120\d\b|ATS policy|kCFStreamErrorDomainSSL|boringssl[^\n]{0,60}(?:fail|error|alert)|nw_protocol_boringssl\w*[^\n]{0,40}(?:fail|error)|SecTrustEvaluate[^\n]{0,40}(?:fail|error)|Trust evaluate failure",
        "tls",
        "",
        _APPLE,
    ),
    Saying(
        "Apple",
        r"NSURLErrorDomain\D{0,20}-100[1349]\b|NSPOSIXErrorDomain\D{0,20}(?:50|51|60|61|64|65)\b|appears to be offline|Internet connection appears|Could not connect to the server",
        "no-network",
        "",
        _APPLE,
    ),
    Saying(
        "Apple",
        r"fingerprint (?:of|for) the (?:CA|SCEP)[^.\n]{0,60}|CA fingerprint[^.\n]{0,40}(?:not|mismatch|fail)|CAFingerprint",
        "fingerprint",
        "",
        _APPLE,
    ),
    Saying(
        "Apple",
        r"SCEP server (?:configuration|certificate) is (?:invalid|not (?:valid|supported))|not supported by (?:the|this) SCEP server|capabilities are insufficient|insufficient capabilit",
        "caps-weak",
        "",
        _APPLE,
        vague=True,
    ),
    Saying(
        "Apple",
        r"profile (?:is )?(?:not )?signed[^.\n]{0,40}(?:invalid|expired)|CertificateServiceErrorDomain|MCInstallationErrorDomain\D{0,20}4001|Profile (?:Installation )?Failed",
        "client-no-reply",
        "Read the device's log (Console, process profiled or mdmclient), and the SCEP server's log of that moment.",
        _APPLE,
        vague=True,
    ),
    # ---- consoles
    Saying(
        "MDM server",
        r"SCEP proxy[^\n]{0,60}(?:disabled|not (?:enabled|configured))|external CA[^\n]{0,40}not (?:configured|enabled)",
        "scep-disabled",
        "",
        _MDM,
    ),
    Saying(
        "MDM server",
        r"(?:lookup value|substitution variable|macro|placeholder|payload variable)[^.\n]{0,60}(?:not (?:resolved|found|available)|empty|missing|could not)|\$[A-Z_]{4,40}\b[^.\n]{0,40}(?:not (?:resolved|replaced)|empty)|unresolved (?:variable|placeholder)",
        "bad-subject",
        "Fill the field of the device or user from which the subject is made.",
        _MDM,
    ),
)
