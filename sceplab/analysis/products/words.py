"""Sentences that servers and clients write when an enrollment fails, and the fault behind each.

Rule: patterns are the products' own words, as short as they can be recognised; the
first that fits is the most special one. Rows at the end are for words of any product.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Saying:
    """Words of a product, the fault they stand for, and where that was read.

    `fix` replaces the fault's own fix where the product has a special one. `misleading`
    says what else the words are used for.
    """

    product: str
    words: str
    fault: str
    fix: str = ""
    source: str = ""
    misleading: str = ""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The words as a pattern that ignores case and folds white space."""
        return re.compile(self.words.replace(" ", r"\s+"), re.IGNORECASE)


_STEP = "smallstep/certificates: scep/api/api.go, scep/authority.go, authority/provisioner/scep.go"
_DOGTAG = "dogtagpki/pki: CRSEnrollment.java, LogMessages.properties"
_XIPKI = "xipki/xipki: gateway/.../scep/ScepResponder.java"
_DIGICERT = "docs.digicert.com, Troubleshoot SCEP (Trust Lifecycle Manager)"
_DIGICERT_OLD = "knowledge.digicert.com, SCEP server error codes (PKI Platform)"
_INTUNE = "microsoft/Intune-Resource-Access: IntuneScepServiceException.cs"
_OPENXPKI = "openxpki/openxpki: Client/Service/SCEP.pm, Response.pm"
_STRONGSWAN = "strongswan/strongswan: src/pki/commands/scep.c, src/pki/scep/scep.c"
_CERTMONGER = "certmonger: src/scep.c"
_SSCEP = "certnanny/sscep: src/sscep.c, src/net.c, src/pkcs7.c"
_AWS = "docs.aws.amazon.com, Connector for SCEP troubleshooting"
_NDES = "gradenegger.eu, NDES events"
_MICROMDM = "micromdm/scep: server/, depot/, challenge/"
_CISCO = "Cisco PKI lab notes"

SAYINGS: tuple[Saying, ...] = (
    # ---- challenge
    Saying(
        "step-ca",
        r"failed validating challenge password",
        "challenge-refused",
        "Set the same challenge at the provisioner and at the client.",
        f"{_STEP}; smallstep/certificates#1932",
    ),
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
    Saying(
        "EJBCA",
        r"No password in request",
        "no-challenge",
        "Put the challenge into the CSR; delete a CSR that the client kept.",
        "github.com/micromdm/scep/issues/239",
    ),
    Saying(
        "DigiCert",
        r"Challenge password is invalid",
        "challenge-refused",
        "Use an enrollment code of that seat that was not redeemed yet.",
        _DIGICERT,
    ),
    Saying("DigiCert", r"Passcode Authentication Failed", "challenge-refused", "", _DIGICERT_OLD),
    Saying(
        "DigiCert",
        r"Passcode is either redeemed or locked",
        "challenge-used",
        "Make a new code, and stop the client's retries.",
        _DIGICERT_OLD,
    ),
    Saying(
        "DigiCert",
        r"No SCEP enrollment with status = CREATED",
        "challenge-used",
        "Enroll the seat on the SCEP profile.",
        _DIGICERT,
    ),
    Saying("Fleet", r"Invalid NDES admin credentials", "admin-login", "", "github.com/fleetdm/fleet/pull/49298"),
    Saying(
        "XiPKI",
        r"challengePassword does not have the format",
        "challenge-form",
        "Send user and password joined by a colon.",
        _XIPKI,
    ),
    Saying(
        "XiPKI",
        r"could not authenticate user",
        "challenge-refused",
        "Correct the requestor's user or password.",
        _XIPKI,
    ),
    Saying(
        "Dogtag",
        r"user failed to authenticate|\bbadIdentity\b",
        "challenge-refused",
        "Correct the client's PIN entry (flatfile.txt), then try again.",
        _DOGTAG,
    ),
    Saying(
        "AWS connector",
        r"challenge password is not valid|invalid challenge password",
        "challenge-refused",
        "Make a new challenge password at the connector and put it into the profile.",
        _AWS,
    ),
    Saying(
        "NDES",
        r"password (?:in the (?:certificate )?request )?(?:cannot be verified|is incorrect)|cannot (?:verify|decode) the password|challenge password .{0,40}cannot be verified",
        "challenge-refused",
        "Fetch a new password from mscep_admin: each works once and for an hour.",
        _NDES,
    ),
    Saying("NDES", r"password cache is full", "password-cache", "", _NDES),
    Saying(
        "micromdm",
        r"challenge\w* (?:does not match|mismatch|has expired)|invalid challenge|missing challenge",
        "challenge-refused",
        "",
        _MICROMDM,
    ),
    Saying("Jamf", r"SCEP challenge.{0,40}(?:fail|invalid)", "challenge-refused"),
    # ---- recipient and keys
    Saying(
        "DigiCert",
        r"Failed to decrypt a PKCS7 message",
        "scep-disabled",
        "Enable SCEP on the profile's issuing CA.",
        _DIGICERT,
    ),
    Saying(
        "Dogtag",
        r"Could not unwrap PKCS ?#?10 blob|Could not decrypt PKCS ?#?10 request",
        "cannot-decrypt",
        "",
        _DOGTAG,
    ),
    Saying(
        "OpenXPKI",
        r"Unable to find RA certificate",
        "cannot-decrypt",
        "Refresh the RA certificate on the client (GetCACert).",
        _OPENXPKI,
    ),
    Saying(
        "step-ca",
        r"does not have a decrypter",
        "no-decrypter",
        "Configure a decrypter certificate and key (RSA).",
        f"{_STEP}; smallstep/certificates#1723",
    ),
    Saying("step-ca", r"only RSA keys are supported", "no-decrypter", "Use an RSA decrypter.", _STEP),
    Saying(
        "step-ca, micromdm",
        r"cannot decrypt data: only RSA, DES|unsupported content encryption|ErrUnsupportedAlgorithm",
        "algorithm-refused",
        "Change the client's cipher, or take a server that knows it.",
        "smallstep/certificates#2100",
    ),
    Saying(
        "step-ca, micromdm",
        r"no enveloped data recipient|ErrNoRecipient|pkcs7: no recipient",
        "cannot-decrypt",
        "",
        _STEP,
    ),
    Saying(
        "Go pkcs7",
        r"crypto/rsa: decryption error|rsa: decryption error|could not decrypt|pkcs7: failed to decrypt|decrypt(?:ing)? pki ?envelope",
        "cannot-decrypt",
        "",
        _MICROMDM,
        "Go's library says so of an unknown cipher and of RSA-OAEP as well",
    ),
    Saying(
        "AWS connector",
        r"Encryption or signing certificate is not present",
        "two-ra-certificates",
        "Use a client that takes one certificate for both.",
        _AWS,
    ),
    Saying("jscep", r"RA not issued by CA", "ra-not-of-ca", "", "jscep/jscep"),
    Saying(
        "Apple",
        r"Registration Authority.s response is invalid",
        "untrusted-root",
        "Deploy the true root (SHA-256 signed) in the trusted-root profile.",
        "MicrosoftDocs, ios-scep-failure-no-getcacaps.md",
    ),
    Saying(
        "strongSwan",
        r"unable to verify PKCS ?#?7 container",
        "reply-unverified",
        "Pass the RA's signing certificate.",
        _STRONGSWAN,
    ),
    Saying(
        "strongSwan",
        r"could not decrypt envelopedData",
        "reply-unreadable",
        "Check that key and self-signed certificate are those of the request.",
        _STRONGSWAN,
    ),
    Saying("Windows", r"hash value is not correct", "fingerprint", "", "support.okta.com; scepman-docs"),
    # ---- algorithms
    Saying(
        "Cisco IOS",
        r"E_ENCRYPT_ALG_NOT_SUPPORTED|encryption algorithms? not supported",
        "reply-algorithm",
        "Have the CA answer in a cipher that the router knows (3DES for old images), or update the image.",
        "jscep#97",
    ),
    Saying(
        "Cisco IOS",
        r"E_DIGEST_ALG_NOT_SUPPORTED",
        "reply-algorithm",
        "Have the CA sign with a digest that the image knows, or update the image.",
        "Cisco PKCS12 import notes",
    ),
    Saying(
        "Dogtag",
        r"Encryption algorithm .{0,80}not allowed|hash algorithm .{0,80}not allowed",
        "algorithm-refused",
        "",
        _DOGTAG,
    ),
    Saying(
        "XiPKI",
        r"unsupported (?:digest|signature|content ?encryption) algorithm",
        "algorithm-refused",
        "Use what GetCACaps lists: SHA-256 and AES-128-CBC.",
        _XIPKI,
    ),
    Saying(
        "Ultimate CA Manager",
        r"Unsupported SCEP key transport algorithm",
        "algorithm-refused",
        "Use RSA PKCS#1 v1.5 (rsaEncryption) for the content key, or upgrade the server.",
        "NeySlim/ultimate-ca-manager#228",
    ),
    Saying(
        "strongSwan",
        r"(?:digest|encryption) algorithm not supported by CA",
        "not-offered",
        "Choose an algorithm that GetCACaps lists.",
        _STRONGSWAN,
    ),
    Saying(
        "certmonger, sscep",
        r"unrecognized or unsupported algorithm( identifier)?",
        "badAlg",
        "Compare cipher and digest with GetCACaps.",
        _CERTMONGER,
    ),
    Saying(
        "sscep",
        r"unsupported algorithm:",
        "client-option",
        "Use a name that the client knows for -E, -S or -F.",
        _SSCEP,
    ),
    Saying(
        "OpenSSL",
        r"error verifying signature|digital envelope routines.{0,80}unsupported|inner_evp_generic_fetch",
        "reply-algorithm",
        "The platform's crypto policy may refuse SHA-1, MD5 or DES: have the CA use SHA-256 and AES.",
        "certnanny/sscep#157",
        "the signature may be wrong as well",
    ),
    Saying(
        "Go x509",
        r"insecure algorithm|cannot verify signature: (?:insecure )?algorithm",
        "algorithm-refused",
        "Sign with SHA-256.",
    ),
    Saying(
        "Go pkcs7", r"pkcs7: unsupported (?:digest|algorithm|hash)[^.]{0,60}|unsupported algorithm", "algorithm-refused"
    ),
    # ---- URL, HTTP, proxy
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
        r"CERT_CN_INVALID|\b12175\b",
        "tls",
        "Issue a web certificate with the external and internal names in subjectAltName.",
        "MicrosoftDocs, NDES policy module",
    ),
    Saying(
        "jscep",
        r"InvalidContentTypeException.{0,200}but was (?:null|text/html)|mscep_admin",
        "admin-page",
        "Use the URL without _admin: .../certsrv/mscep/mscep.dll.",
        "jscep#102",
    ),
    Saying(
        "any CA",
        r"\bCA\b[^.\n]{0,60}(?:does not exist|not found|unknown|is not known)|unknown CA\b|no such CA\b|CAIdentifier",
        "unknown-ca",
        "Give the CA's name in message= (sscep: -i NAME).",
        "certnanny/sscep#160",
    ),
    Saying(
        "Cisco IOS",
        r"failed to base64 decode request",
        "get-encoding",
        'Write "+", "/" and "=" as %2B, %2F and %3D, or use POST.',
        "forum.mikrotik.com, MikroTik SCEP with Cisco 2921",
    ),
    Saying("AWS connector", r"must contain base64", "get-encoding", "Use POST, or valid base64 in GET.", _AWS),
    Saying(
        "any server",
        r"illegal base64 data|invalid base64|incorrect padding|base64[^.\n]{0,30}(?:decod|invalid|malformed)",
        "get-encoding",
        'Write "+", "/" and "=" as %2B, %2F and %3D, or use POST.',
        _MICROMDM,
    ),
    Saying("Dogtag", r"SCEP support is disabled", "scep-disabled", "Enable SCEP at the CA and restart it.", _DOGTAG),
    Saying(
        "Dogtag",
        r"operation missing from URL",
        "operation",
        "Send ?operation=...: a rewrite rule may drop the query.",
        _DOGTAG,
    ),
    Saying(
        "SCEPman", r"Cannot download ZIP", "unavailable", "Set the package URL to its present place.", "scepman-docs"
    ),
    Saying("any server", r"Request-URI Too (?:Long|Large)|URI too long", "too-long", "Use POST."),
    Saying("any proxy", r"Proxy Authentication Required|Cache Access Denied", "proxy-login"),
    # ---- template, profile, subject
    Saying(
        "AD CS",
        r"requested certificate template is not supported|CERTSRV_E_UNSUPPORTED_CERT_TYPE",
        "template",
        "",
        _NDES,
    ),
    Saying("AD CS", r"(?:public )?key does not meet the minimum size|CERTSRV_E_KEY_LENGTH", "key-length", "", _NDES),
    Saying(
        "any CA",
        r"(?:RSA |public )?key[^.\n]{0,40}(?:too (?:short|small|weak)|at least \d+ bits?|minimum|less than \d+)|KeyLengthMismatch",
        "key-length",
    ),
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
        "DigiCert",
        r"Could not find seat with identifier",
        "unknown-entity",
        "Create the seat, or correct the subject field it is mapped from.",
        _DIGICERT,
    ),
    Saying(
        "EJBCA",
        r"Got request with status (?:GENERATED|[A-Z]+) ?\(\d+\)",
        "entity-used",
        "Set the end entity to NEW; find out why the client refused the first reply.",
        "Keyfactor/ejbca-ce#40",
    ),
    Saying("EJBCA", r"(?:end entity|user)[^.\n]{0,60}(?:not found|does not exist|unknown)", "unknown-entity"),
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
    Saying("XiPKI", r"no CommonName in requested subject", "bad-subject", "Add a commonName.", _XIPKI),
    Saying(
        "XiPKI",
        r"self-signed identityCert\.subject",
        "self-signed-subject",
        "Use the CSR's subject in the self-signed certificate.",
        _XIPKI,
    ),
    Saying(
        "XiPKI",
        r"self-signed certificate is not permitted for messageType",
        "renewal-signer",
        "Sign with the current certificate.",
        _XIPKI,
    ),
    Saying("micromdm", r"DN .{0,200}already exists", "subject-exists", "", _MICROMDM),
    Saying(
        "any CA",
        r"already (?:exists|issued|enrolled|has a certificate)|duplicate (?:subject|certificate|key)",
        "subject-exists",
    ),
    Saying(
        "step-ca",
        r"internal server error; please see the certificate authority logs",
        "policy-refused",
        "Read the CA's log of that moment: policy, template or key was refused.",
        _STEP,
    ),
    Saying("Dogtag", r"Profile '?.{0,80}'? not found", "profile", "Use an enrollment profile that exists.", _DOGTAG),
    Saying("any CA", r"profile[^.\n]{0,60}(?:not found|does not exist|unknown)|unknown profile", "profile"),
    # ---- CA behind the RA
    Saying("AD CS", r"RPC server is unavailable", "ca-unreachable", "", _NDES),
    Saying("AD CS", r"revocation server was offline|revocation function was unable", "revocation-offline", "", _NDES),
    Saying(
        "AWS connector",
        r"certificate authority[^.\n]{0,60}not active|\bCA\b[^.\n]{0,40}not (?:active|enabled)",
        "ca-inactive",
        "Activate the CA again.",
        _AWS,
    ),
    Saying(
        "AWS connector",
        r"(?:less|under|at least)[^.\n]{0,30}one year",
        "ca-ending",
        "Reissue the CA certificate for longer.",
        _AWS,
    ),
    Saying(
        "OpenXPKI",
        r"Unable to connect to backend",
        "ca-unreachable",
        "Start the backend, and check its socket.",
        _OPENXPKI,
    ),
    Saying(
        "OpenXPKI",
        r"UNRECOGNIZED_SERVICE_MESSAGE",
        "server-configuration",
        "Import the SCEP token and install its helper.",
        "openxpki#562",
    ),
    Saying(
        "micromdm",
        r"failed to sign CSR",
        "ca-cannot-sign",
        "Repair the depot: its files and permissions.",
        "micromdm/scep#234",
    ),
    Saying(
        "Policy module",
        r"m_safeCertContext is an invalid handle",
        "policy-module",
        "Restart the connector; if values are still missing, set the template names again and reboot.",
        "MicrosoftDocs, scep-certificate-request-fails.md",
    ),
    # ---- clock and validity
    Saying("certmonger", r"Clock skew too great", "clock", "Set the client's clock (NTP).", _CERTMONGER),
    Saying(
        "AWS connector",
        r"certificate[^.\n]{0,60}(?:in the request)?[^.\n]{0,20}(?:is|has) expired",
        "validity",
        "Set the client's clock; make a new self-signed certificate.",
        _AWS,
    ),
    Saying(
        "Windows",
        r"not within its validity period",
        "server-certificate-expired",
        "Find which certificate of NDES has expired (RA, policy module) and renew it.",
        "MicrosoftDocs, cannot-assign-scep-certificates.md",
    ),
    Saying(
        "Cisco IOS",
        r"CERTIFICATE_INVALID_NOT_YET_VALID",
        "clock",
        "Set the router's clock (NTP).",
        "Cisco PKI lab clock notes",
    ),
    Saying(
        "Cisco IOS",
        r"CERTIFICATE_INVALID_EXPIRED",
        "clock",
        "Set the router's clock, or renew the certificate.",
        _CISCO,
    ),
    Saying(
        "certmonger, sscep",
        r"(?:message )?time (?:attribute )?(?:was )?not (?:sufficiently )?close to(?: the)? system time|signingTime[^.\n]{0,40}not close",
        "badTime",
        "Set the clocks (NTP).",
        _SSCEP,
    ),
    # ---- renewal
    Saying(
        "strongSwan",
        r"Renewal operation not supported",
        "renewal-offered",
        "Enroll as new, or enable renewal at the server.",
        _STRONGSWAN,
    ),
    Saying("sscep", r"-O also requires -K", "client-option", "Give both the old certificate and its key.", _SSCEP),
    Saying(
        "Dogtag",
        r"Invalid request type",
        "renewal-refused",
        "Use a version with SCEP renewal, or enroll anew.",
        f"{_DOGTAG}; dogtagpki/pki#3413",
    ),
    Saying(
        "OmniTrust ILM",
        r"NullPointerException.{0,120}challengePassword",
        "renewal-refused",
        "Upgrade the server: it wants a challenge for a renewal.",
        "OmniTrustILM/core#1904",
    ),
    Saying(
        "any CA",
        r"renew\w*[^.\n]{0,60}(?:not (?:allowed|permitted|supported|possible)|refused|denied|too early|outside)",
        "renewal-refused",
    ),
    # ---- transaction and polling
    Saying(
        "jscep",
        r"Transaction ID Mismatch",
        "transaction-answer",
        "Compare the transactionIDs of request and reply.",
        "jscep/jscep",
    ),
    Saying(
        "step-ca",
        r"not implemented|unexpected message type",
        "type-not-supported",
        "This CA has no pending mode: approve at once, by challenge.",
        f"{_STEP}; smallstep/certificates#1170",
    ),
    Saying(
        "sscep",
        r"illegal size of payload",
        "empty-content",
        "The server said SUCCESS without a certificate: approve the request in the CA, or upgrade it.",
        "certnanny/sscep#159, #123",
    ),
    Saying(
        "strongSwan",
        r"maximum poll time reached",
        "pending",
        "Approve the request at the CA, or raise the limit.",
        _STRONGSWAN,
    ),
    Saying(
        "OpenXPKI",
        r"No result for given pickup parameters",
        "poll-transaction",
        "Poll with the transactionID of the request.",
        _OPENXPKI,
    ),
    # ---- what a client says of GetCACert and GetCACaps
    Saying("certmonger", r"Server reply was of unexpected MIME type", "reply-type", "", _CERTMONGER),
    Saying(
        "sscep",
        r"wrong \(or missing\) MIME content type",
        "reply-type",
        "The body is no SCEP reply: read the server's log of this moment (NDES event 18 is a wrong recipient).",
        "certnanny/sscep#60",
    ),
    Saying(
        "sscep",
        r"no data, perhaps you should define CA identifier",
        "unknown-ca",
        "Pass -i with the CA's name.",
        _SSCEP,
    ),
    Saying(
        "jscep",
        r"content-?type attribute type MUST be present",
        "cms-attributes",
        "Upgrade the server: its CertRep lacks the signed attribute contentType.",
        "openxpki#789; jscep#152",
    ),
    Saying(
        "Cisco",
        r"status = FAIL, cert length = 0",
        "ca-form",
        "Check URL and reachability; after a 200, the signature algorithm and set of certificates in the bundle.",
        f"{_CISCO}; petenetlive.com KB 0001021",
    ),
    # ---- signatures and structures, in servers' words
    Saying(
        "any server", r"\bMD5\b[^.\n]{0,40}(?:not (?:allowed|supported)|insecure|refused|disabled)", "algorithm-refused"
    ),
    Saying(
        "micromdm",
        r"parse CSR from pki ?envelope|parse(?:ing)? (?:the )?(?:CSR|certificate request)|unable to parse PKCS ?#?10",
        "csr-unreadable",
        "Encrypt the DER of the CSR: its outer SEQUENCE, no PEM, no base64.",
        _MICROMDM,
    ),
    Saying(
        "any server",
        r"signature is not valid|(?:signature|sig)[^.\n]{0,30}(?:verif\w+ (?:failed|error)|invalid|mismatch)|(?:verif\w+|invalid|bad)[^.\n]{0,30}signature",
        "server-rejects-signature",
    ),
    Saying(
        "Go asn1",
        r"asn1: (?:structure|syntax) error",
        "not-a-request",
        "The server met other bytes than DER: look at what was sent (base64 text, PEM, a body changed on the way), and use POST.",
        _MICROMDM,
    ),
    Saying(
        "any server",
        r"ber2der|asn1 encoding routines|wrong tag|bad object header|not enough data|unexpected EOF|malformed|cannot parse|could ?n.t parse|failed to parse|unparse?able",
        "not-a-request",
    ),
    # ---- the network under it, in clients' words
    Saying(
        "any client",
        r"connection refused|no route to host|network is unreachable|PKI-3-SOCKETSEND|cannot connect|could not connect|couldn.t connect|connection timed out|SOCKET_?SEND",
        "no-network",
    ),
    Saying(
        "any client",
        r"(?:could not|cannot|can.t|unable to|couldn.t) resolve|name or service not known|no such host|unknown host",
        "no-network",
        "Correct the host name in the SCEP URL, or the client's DNS server.",
    ),
    Saying(
        "any client",
        r"certificate verify failed|self.signed certificate in (?:certificate )?chain|x509: certificate signed by unknown authority|SSL certificate problem|tls handshake|handshake failure",
        "tls",
    ),
    Saying("any client", r"timed out|timeout", "no-reply"),
    # ---- failInfo, in clients' words
    Saying(
        "certmonger, sscep",
        r"transaction not permitted or supported|\bbadRequest\b|Fail(?:ure)? ?Info ?[=:]? ?\(?2\b|failInfo ?= ?badRequest",
        "badRequest",
        "",
        _SSCEP,
    ),
    Saying(
        "certmonger, sscep",
        r"integrity check failed|\bbadMessageCheck\b|Fail(?:ure)? ?Info ?[=:]? ?\(?1\b",
        "badMessageCheck",
        "",
        _SSCEP,
    ),
    Saying("any client", r"\bbadAlg\b|Fail(?:ure)? ?Info ?[=:]? ?\(?0\b", "badAlg"),
    Saying("any client", r"\bbadTime\b|Fail(?:ure)? ?Info ?[=:]? ?\(?3\b", "badTime"),
    Saying(
        "any client",
        r"\bbadCertId\b|no certificate (?:could be )?(?:identified|matching)|Fail(?:ure)? ?Info ?[=:]? ?\(?4\b",
        "badCertId",
    ),
    # ---- refusals without a reason
    Saying(
        "Cisco IOS",
        r"PKI-6-CERTREJECT|certificate request is rejected",
        "refused",
        "Leave the password prompts empty or give the CA's challenge; read the CA's log for its reason.",
        "Cisco IOS-XE and step-ca incident note",
    ),
    Saying(
        "Cisco IOS",
        r"PKI-6-CERTFAIL",
        "client-rejects-reply",
        "The lines before it name what the router did not accept.",
        "jscep#97",
    ),
    Saying(
        "certmonger",
        r"\bCA_UNREACHABLE\b",
        "client-no-reply",
        "",
        _CERTMONGER,
        "certmonger says so of an unreadable or unverifiable reply too",
    ),
    Saying("certmonger", r"\bCA_REJECTED\b", "refused", "", _CERTMONGER),
    # ---- any product, by the word
    Saying(
        "any server",
        r"challenge[^.\n]{0,60}(?:expired|too old|timed? ?out)|(?:expired|old)[^.\n]{0,20}(?:challenge|OTP|one.time password)",
        "challenge-expired",
    ),
    Saying(
        "any server",
        r"(?:challenge|OTP|one.time password|passcode)[^.\n]{0,60}(?:already|used|redeemed|consumed|locked)",
        "challenge-used",
    ),
    Saying(
        "any server",
        r"(?:no|missing|without|empty|lacks? (?:a )?)[^.\n]{0,15}(?:challenge|OTP|one.time password|enrollment (?:code|password))|(?:challenge\w*|password)[^.\n]{0,20}(?:is |was )?(?:missing|required|not (?:present|provided|given|sent|found|supplied))",
        "no-challenge",
    ),
    Saying(
        "any server",
        r"(?:challenge|OTP|one.time password|passcode|shared secret|enrollment (?:code|password)|\bPIN\b|password)[^.\n]{0,60}(?:invalid|wrong|incorrect|fail|mismatch|mis-match|not (?:valid|match|correct|accept|verif|equal)|did(?:n.t| not) match|does(?:n.t| not) match|differ|bad|unknown|denied|reject)|(?:invalid|wrong|incorrect|bad|unknown)[^.\n]{0,20}(?:challenge|OTP|one.time password|passcode|shared secret|enrollment (?:code|password)|password)",
        "challenge-refused",
    ),
    Saying(
        "any server",
        r"template[^.\n]{0,60}(?:not (?:found|supported|available|exist|published)|does not|unknown|invalid)",
        "template",
    ),
    Saying(
        "any server",
        r"(?:subject|common ?name|\bCN\b|\bDN\b|SAN|subjectAltName)[^.\n]{0,60}(?:not (?:allowed|permitted|valid|match)|invalid|missing|mismatch|denied|forbidden|required|empty|too long)",
        "bad-subject",
    ),
    Saying(
        "any server",
        r"(?:cannot|can.t|could not|couldn.t|unable to|fail(?:ed|ure)? (?:to|in|while)?|error)[^.\n]{0,20}(?:decrypt|decipher|open(?:ing)? (?:the )?envelope|unwrap)|decryption (?:failed|error|failure)",
        "cannot-decrypt",
    ),
    Saying(
        "any server",
        r"(?:cipher|digest|hash|encryption|signature|key transport) ?(?:algorithm)?[^.\n]{0,60}(?:not (?:supported|allowed|permitted|offered)|unsupported|unknown|forbidden|disabled)|(?:unsupported|unknown|forbidden|weak)[^.\n]{0,20}(?:cipher|digest|hash|encryption|signature) ?(?:algorithm)?",
        "algorithm-refused",
    ),
    Saying(
        "any server",
        r"(?:signer|certificate|cert)[^.\n]{0,40}(?:has |is |was )?(?:expired|no longer valid)",
        "validity",
    ),
    Saying(
        "any server", r"(?:certificate|cert|signer)[^.\n]{0,40}(?:is |was |has been )?revoked", "certificate-revoked"
    ),
    Saying(
        "any server",
        r"(?:not|un) ?(?:trusted|known)[^.\n]{0,30}(?:signer|issuer|certificate|CA\b)|unknown (?:authority|issuer)|(?:certificate|chain|signer)[^.\n]{0,40}(?:not (?:be )?(?:trusted|verified|issued by)|untrusted)",
        "chain",
    ),
    Saying(
        "any server",
        r"(?:awaiting|waiting for|pending|requires?)[^.\n]{0,30}(?:approval|authori[sz]ation|grant|operator)|manual approval",
        "pending",
    ),
    Saying(
        "any server",
        r"(?:login|log in|sign in|authentication|authori[sz]ation) (?:is )?(?:required|needed|failed)|access (?:is )?denied|not authori[sz]ed|permission denied|forbidden",
        "not-authorized",
    ),
    Saying(
        "any server",
        r"(?:over|high)load|too many (?:requests|connections)|rate limit|throttl|server (?:is )?busy|try again later|service unavailable",
        "overloaded",
    ),
)


def recognise(text: str) -> Iterator[Saying]:
    """Yield the rows whose words are in a text, most special first. Time is linear in the text."""
    short = text[:4000]
    for saying in SAYINGS:
        if saying.pattern.search(short):
            yield saying
