"""HRESULTs of NDES, certsrv and the SCEP client of Windows.

Rule: data only.
"""

from __future__ import annotations

from sceplab.analysis.products.code import Code
from sceplab.analysis.products.hresults_system import SYSTEM, TPM, is_of_tpm

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
    0x80072EFE: Code("WININET_E_CONNECTION_ABORTED", "the connection was aborted (12030)", "no-network", "", _IMPACKET),
    0x80072F7D: Code("WININET_E_SECURE_CHANNEL", "the secure channel failed (12157)", "tls", "", _IMPACKET),
    0x80072F05: Code(
        "WININET_E_SEC_CERT_DATE_INVALID",
        "the server's certificate is not within its validity (12037)",
        "tls",
        "",
        _IMPACKET,
    ),
    0x80072F06: Code(
        "WININET_E_SEC_CERT_CN_INVALID", "the server's certificate has another name (12038)", "tls", "", _IMPACKET
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
    0x80094801: Code("CERTSRV_E_NO_CERT_TYPE", "the request names no certificate template", "template", "", _IMPACKET),
    0x80094802: Code(
        "CERTSRV_E_TEMPLATE_CONFLICT", "the request names conflicting templates", "template", "", _IMPACKET
    ),
    0x80094803: Code(
        "CERTSRV_E_SUBJECT_ALT_NAME_REQUIRED", "the template wants a subjectAltName", "bad-subject", "", _IMPACKET
    ),
    0x80094806: Code(
        "CERTSRV_E_BAD_RENEWAL_SUBJECT",
        "the request is made for another subject than the caller",
        "renewal-refused",
        "",
        _IMPACKET,
    ),
    0x8009480D: Code(
        "CERTSRV_E_SUBJECT_UPN_REQUIRED", "the template wants a UPN in the subject", "bad-subject", "", _IMPACKET
    ),
    0x8009480F: Code("CERTSRV_E_SUBJECT_DNS_REQUIRED", "the template wants a DNS name", "bad-subject", "", _IMPACKET),
    0x80094812: Code(
        "CERTSRV_E_SUBJECT_EMAIL_REQUIRED", "the template wants an e-mail name", "bad-subject", "", _IMPACKET
    ),
    0x80094011: Code(
        "CERTSRV_E_ENROLL_DENIED", "the CA does not allow this account to enroll", "service-rights", "", _IMPACKET
    ),
    0x80094014: Code(
        "CERTSRV_E_ADMIN_DENIED_REQUEST", "an administrator denied the request", "policy-refused", "", _IMPACKET
    ),
    0x800B010C: Code("CERT_E_REVOKED", "a certificate is revoked", "certificate-revoked", "", _IMPACKET),
    0x800B010E: Code(
        "CERT_E_REVOCATION_FAILURE", "revocation could not be checked", "revocation-offline", "", _IMPACKET
    ),
    0x800B010F: Code("CERT_E_CN_NO_MATCH", "the name in the server certificate does not match", "tls", "", _IMPACKET),
    0x80091002: Code("CRYPT_E_UNKNOWN_ALGO", "the algorithm is unknown", "algorithm-refused", "", _IMPACKET),
    0x8007000D: Code("ERROR_INVALID_DATA", "the data is invalid", "not-a-request", "", _IMPACKET),
    0xC0000005: Code(
        "STATUS_ACCESS_VIOLATION",
        "the process crashed",
        "unavailable",
        "Find the module that crashes w3wp.exe in the Application log (event 1000).",
        _SUPPORT,
    ),
}
"""HRESULTs of NDES, certsrv and Windows' SCEP client, as unsigned numbers."""


def code_of(number: int) -> Code | None:
    """Return the meaning of an HRESULT, signed or unsigned, or None if unknown."""
    number &= 0xFFFFFFFF
    return HRESULTS.get(number) or SYSTEM.get(number) or (TPM if is_of_tpm(number) else None)
