"""Sentences that clients write when an enrollment fails.

Rule: data only, in the products' own words, as short as they can be recognised.
"""

from __future__ import annotations

from sceplab.analysis.products.saying import Saying

_STRONGSWAN = "strongswan/strongswan: src/pki/commands/scep.c, src/pki/scep/scep.c"
_CERTMONGER = "certmonger: src/scep.c"
_SSCEP = "certnanny/sscep: src/sscep.c, src/net.c, src/pkcs7.c"
_CISCO = "Cisco PKI lab notes"

CLIENTS: tuple[Saying, ...] = (
    Saying("jscep", r"RA not issued by CA", "ra-not-of-ca", "", "jscep/jscep"),,
    Saying(
        "Apple",
        r"Registration Authority.s response is invalid",
        "untrusted-root",
        "Deploy the true root (SHA-256 signed) in the trusted-root profile.",
        "MicrosoftDocs, ios-scep-failure-no-getcacaps.md",
    ),,
    Saying(
        "strongSwan",
        r"unable to verify PKCS ?#?7 container",
        "reply-unverified",
        "Pass the RA's signing certificate.",
        _STRONGSWAN,
    ),,
    Saying(
        "strongSwan",
        r"could not decrypt envelopedData",
        "reply-unreadable",
        "Check that key and self-signed certificate are those of the request.",
        _STRONGSWAN,
    ),,
    Saying(
        "Cisco IOS",
        r"E_ENCRYPT_ALG_NOT_SUPPORTED|encryption algorithms? not supported",
        "reply-algorithm",
        "Have the CA answer in a cipher that the router knows (3DES for old images), or update the image.",
        "jscep#97",
    ),,
    Saying(
        "Cisco IOS",
        r"E_DIGEST_ALG_NOT_SUPPORTED",
        "reply-algorithm",
        "Have the CA sign with a digest that the image knows, or update the image.",
        "Cisco PKCS12 import notes",
    ),,
    Saying(
        "strongSwan",
        r"(?:digest|encryption) algorithm not supported by CA",
        "not-offered",
        "Choose an algorithm that GetCACaps lists.",
        _STRONGSWAN,
    ),,
    Saying(
        "certmonger, sscep",
        r"unrecognized or unsupported algorithm( identifier)?",
        "badAlg",
        "Compare cipher and digest with GetCACaps.",
        _CERTMONGER,
    ),,
    Saying(
        "sscep",
        r"unsupported algorithm:",
        "client-option",
        "Use a name that the client knows for -E, -S or -F.",
        _SSCEP,
    ),,
    Saying(
        "OpenSSL",
        r"error verifying signature|digital envelope routines.{0,80}unsupported|inner_evp_generic_fetch",
        "reply-algorithm",
        "The platform's crypto policy may refuse SHA-1, MD5 or DES: have the CA use SHA-256 and AES.",
        "certnanny/sscep#157",
        "the signature may be wrong as well",
    ),,
    Saying(
        "jscep",
        r"InvalidContentTypeException.{0,200}but was (?:null|text/html)|mscep_admin\S{0,20}operation=",
        "admin-page",
        "Use the URL without _admin: .../certsrv/mscep/mscep.dll.",
        "jscep#102",
    ),,
    Saying(
        "Cisco IOS",
        r"failed to base64 decode request",
        "get-encoding",
        'Write "+", "/" and "=" as %2B, %2F and %3D, or use POST.',
        "forum.mikrotik.com, MikroTik SCEP with Cisco 2921",
    ),,
    Saying("certmonger", r"Clock skew too great", "clock", "Set the client's clock (NTP).", _CERTMONGER),,
    Saying(
        "Cisco IOS",
        r"CERTIFICATE_INVALID_NOT_YET_VALID",
        "clock",
        "Set the router's clock (NTP).",
        "Cisco PKI lab clock notes",
    ),,
    Saying(
        "Cisco IOS",
        r"CERTIFICATE_INVALID_EXPIRED",
        "clock",
        "Set the router's clock, or renew the certificate.",
        _CISCO,
    ),,
    Saying(
        "certmonger, sscep",
        r"(?:message )?time (?:attribute )?(?:was )?not (?:sufficiently )?close to(?: the)? system time|signingTime[^.\n]{0,40}not close",
        "badTime",
        "Set the clocks (NTP).",
        _SSCEP,
    ),,
    Saying(
        "strongSwan",
        r"Renewal operation not supported",
        "renewal-offered",
        "Enroll as new, or enable renewal at the server.",
        _STRONGSWAN,
    ),,
    Saying("sscep", r"-O also requires -K", "client-option", "Give both the old certificate and its key.", _SSCEP),,
    Saying(
        "jscep",
        r"Transaction ID Mismatch",
        "transaction-answer",
        "Compare the transactionIDs of request and reply.",
        "jscep/jscep",
    ),,
    Saying(
        "sscep",
        r"illegal size of payload",
        "empty-content",
        "The server said SUCCESS without a certificate: approve the request in the CA, or upgrade it.",
        "certnanny/sscep#159, #123",
    ),,
    Saying(
        "strongSwan",
        r"maximum poll time reached",
        "pending",
        "Approve the request at the CA, or raise the limit.",
        _STRONGSWAN,
    ),,
    Saying("certmonger", r"Server reply was of unexpected MIME type", "reply-type", "", _CERTMONGER),,
    Saying(
        "sscep",
        r"wrong \(or missing\) MIME content type",
        "reply-type",
        "The body is no SCEP reply: read the server's log of this moment (NDES event 18 is a wrong recipient).",
        "certnanny/sscep#60",
    ),,
    Saying(
        "sscep",
        r"no data, perhaps you should define CA identifier",
        "unknown-ca",
        "Pass -i with the CA's name.",
        _SSCEP,
    ),,
    Saying(
        "jscep",
        r"content-?type attribute type MUST be present",
        "cms-attributes",
        "Upgrade the server: its CertRep lacks the signed attribute contentType.",
        "openxpki#789; jscep#152",
    ),,
    Saying(
        "Cisco",
        r"status = FAIL, cert length = 0",
        "ca-form",
        "Check URL and reachability; after a 200, the signature algorithm and set of certificates in the bundle.",
        f"{_CISCO}; petenetlive.com KB 0001021",
    ),,
    Saying(
        "certmonger, sscep",
        r"transaction not permitted or supported|\bbadRequest\b|Fail(?:ure)? ?Info ?[=:]? ?\(?2\b|failInfo ?= ?badRequest",
        "badRequest",
        "",
        _SSCEP,
    ),,
    Saying(
        "certmonger, sscep",
        r"integrity check failed|\bbadMessageCheck\b|Fail(?:ure)? ?Info ?[=:]? ?\(?1\b",
        "badMessageCheck",
        "",
        _SSCEP,
    ),,
    Saying(
        "Cisco IOS",
        r"PKI-6-CERTREJECT|certificate request is rejected",
        "refused",
        "Leave the password prompts empty or give the CA's challenge; read the CA's log for its reason.",
        "Cisco IOS-XE and step-ca incident note",
    ),,
    Saying(
        "Cisco IOS",
        r"PKI-6-CERTFAIL",
        "client-rejects-reply",
        "The lines before it name what the router did not accept.",
        "jscep#97",
    ),,
    Saying(
        "certmonger",
        r"\bCA_UNREACHABLE\b",
        "client-no-reply",
        "",
        _CERTMONGER,
        "certmonger says so of an unreadable or unverifiable reply too",
    ),,
    Saying("certmonger", r"\bCA_REJECTED\b", "refused", "", _CERTMONGER),,
)
