"""Events of NDES, Windows and the Intune connector.

Rule: data only.
"""

from __future__ import annotations

from sceplab.analysis.products.code import Code

_NDES_2_10 = "NDES events 2 and 10 (AskDS blog)"
_EVENT_31 = "gradenegger.eu, NDES event 31"
_SUPPORT = "MicrosoftDocs/SupportArticles-docs, support/mem/intune/certificates"

EVENTS: dict[tuple[str, int], Code] = {
    ("ndes", 2): Code(
        "NDES event 2", "NDES cannot start; the code in it names the reason", "ndes-start", "", _NDES_2_10, vague=True
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
    ("ndes", 31): Code(
        "NDES event 31", "NDES could not submit the request to the CA", "ca-unreachable", "", _EVENT_31, vague=True
    ),
    ("ndes", 49): Code(
        "NDES event 49",
        "the stored password cannot be decrypted",
        "stored-password",
        "Delete the EncryptedPassword value in the MSCEP registry and restart NDES.",
        "docs.microsoft.com, NDES EncryptedPassword",
    ),
    ("certenroll", 86): Code(
        "CertEnroll event 86",
        "Windows could not begin SCEP; its text names stage and code",
        "client-no-reply",
        "",
        "gradenegger.eu, CertEnroll event 86",
        vague=True,
    ),
    ("certenroll", 87): Code(
        "CertEnroll event 87",
        "the enrollment failed; its text names stage and code",
        "refused",
        "",
        "gradenegger.eu, CertEnroll event 87",
        vague=True,
    ),
    ("device-management", 32): Code(
        "DeviceManagement event 32",
        "the SCEP enrollment failed; its text names the code",
        "refused",
        "",
        "scepman/scepman-docs",
        vague=True,
    ),
    ("device-management", 307): Code(
        "DeviceManagement event 307", "details of a failed enrollment", "refused", "", _SUPPORT, vague=True
    ),
    ("capi2", 30): Code("CAPI2 event 30", "the chain is not trusted", "untrusted-root", "", _SUPPORT),
    ("connector", 20501): Code(
        "connector event 20501",
        "the challenge was rejected",
        "challenge-refused",
        "",
        f"{_SUPPORT} (connector events)",
        vague=True,
    ),
    ("connector", 20502): Code(
        "connector event 20502",
        "the challenge could not be checked",
        "policy-module",
        "",
        f"{_SUPPORT} (connector events)",
        vague=True,
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
    ("system", 5002): Code(
        "System event 5002", "the application pool was switched off after it crashed", "unavailable"
    ),
    ("system", 5021): Code("System event 5021", "the identity of the application pool is invalid", "service-account"),
    ("system", 5022): Code("System event 5022", "the pool's account could not be logged on", "service-account"),
    ("system", 5057): Code("System event 5057", "the identity of the application pool is invalid", "service-account"),
    ("system", 5059): Code("System event 5059", "the application pool was switched off", "unavailable"),
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

_READ_KEYS = (
    "Check that the pool's account can read the RA keys, then that this CA issued the RA certificates, "
    "then that CRLs and delta CRLs are reachable."
)
_START = Code(
    "0x80070057 in NDES event 2 or 10", "NDES cannot use its RA certificates", "ra-key", _READ_KEYS, _NDES_2_10
)
WITH_HRESULT: dict[tuple[str, int, int], Code] = {
    ("ndes", 2, 0x80070057): _START,
    ("ndes", 10, 0x80070057): _START,
    ("ndes", 2, 0x80070005): _START,
    ("ndes", 10, 0x80070005): _START,
    ("ndes", 10, 0x80092004): _START,
}
"""(source, event id, HRESULT) -> meaning, if the event changes the meaning of the HRESULT."""
