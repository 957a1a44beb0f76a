"""Names of object identifiers: one table, so that every layer says the same word.

Rule: only names live here. What an algorithm can do is in `algorithms`, what a
field means is in `schema`. Names are those of the RFCs; algorithm names are
OpenSSL's, because they are what a reader types to confirm a step.
"""

from __future__ import annotations

# Content types (RFC 5652)
DATA = "1.2.840.113549.1.7.1"
SIGNED_DATA = "1.2.840.113549.1.7.2"
ENVELOPED_DATA = "1.2.840.113549.1.7.3"

# CMS signed attributes (RFC 5652, 11)
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_TIME = "1.2.840.113549.1.9.5"

# SCEP signed attributes (RFC 8894, 3.2.1)
MESSAGE_TYPE = "2.16.840.1.113733.1.9.2"
PKI_STATUS = "2.16.840.1.113733.1.9.3"
FAIL_INFO = "2.16.840.1.113733.1.9.4"
SENDER_NONCE = "2.16.840.1.113733.1.9.5"
RECIPIENT_NONCE = "2.16.840.1.113733.1.9.6"
TRANSACTION_ID = "2.16.840.1.113733.1.9.7"
FAIL_INFO_TEXT = "1.3.6.1.5.5.7.24.1"

# Microsoft NDES says its HRESULT in this signed attribute (szOID_ENROLL_SCEP_ERROR).
MS_ERROR = "1.3.6.1.4.1.311.21.33"

# PKCS#10 attributes (RFC 2985, 5.4)
CHALLENGE_PASSWORD = "1.2.840.113549.1.9.7"  # noqa: S105 - the attribute's OID, not a secret
EXTENSION_REQUEST = "1.2.840.113549.1.9.14"
MS_EXTENSION_REQUEST = "1.3.6.1.4.1.311.2.1.14"

# Key transport and key derivation
RSA_ENCRYPTION = "1.2.840.113549.1.1.1"
RSAES_OAEP = "1.2.840.113549.1.1.7"
MGF1 = "1.2.840.113549.1.1.8"
P_SPECIFIED = "1.2.840.113549.1.1.9"
RSASSA_PSS = "1.2.840.113549.1.1.10"
EC_PUBLIC_KEY = "1.2.840.10045.2.1"
PWRI_KEK = "1.2.840.113549.1.9.16.3.9"
PBKDF2 = "1.2.840.113549.1.5.12"
HMAC_SHA1 = "1.2.840.113549.2.7"
HMAC_SHA256 = "1.2.840.113549.2.9"

# X.509 extensions (RFC 5280, 4.2)
SUBJECT_KEY_IDENTIFIER = "2.5.29.14"
KEY_USAGE = "2.5.29.15"
SUBJECT_ALT_NAME = "2.5.29.17"
BASIC_CONSTRAINTS = "2.5.29.19"
CRL_NUMBER = "2.5.29.20"
AUTHORITY_KEY_IDENTIFIER = "2.5.29.35"
EXTENDED_KEY_USAGE = "2.5.29.37"

NAMES = {
    DATA: "data",
    SIGNED_DATA: "signedData",
    ENVELOPED_DATA: "envelopedData",
    "1.2.840.113549.1.7.5": "digestedData",
    "1.2.840.113549.1.7.6": "encryptedData",
    CONTENT_TYPE: "contentType",
    MESSAGE_DIGEST: "messageDigest",
    SIGNING_TIME: "signingTime",
    "1.2.840.113549.1.9.15": "smimeCapabilities",
    "1.2.840.113549.1.9.16.2.47": "signingCertificateV2",
    "1.2.840.113549.1.9.52": "cmsAlgorithmProtection",
    "1.2.840.113549.1.9.25.3": "randomNonce",
    MESSAGE_TYPE: "messageType",
    PKI_STATUS: "pkiStatus",
    FAIL_INFO: "failInfo",
    SENDER_NONCE: "senderNonce",
    RECIPIENT_NONCE: "recipientNonce",
    TRANSACTION_ID: "transactionID",
    "2.16.840.1.113733.1.9.8": "extensionReq (VeriSign)",
    FAIL_INFO_TEXT: "failInfoText",
    MS_ERROR: "enrollScepError (Microsoft)",
    CHALLENGE_PASSWORD: "challengePassword",
    EXTENSION_REQUEST: "extensionRequest",
    MS_EXTENSION_REQUEST: "extensionRequest (Microsoft)",
    "1.3.6.1.4.1.311.13.2.3": "osVersion (Microsoft)",
    "1.3.6.1.4.1.311.21.20": "requestClientInfo (Microsoft)",
    "1.3.6.1.4.1.311.21.38": "szOID_ISSUED_CERT_HASH (Microsoft)",
    "1.3.6.1.4.1.311.13.2.2": "enrollmentCSP (Microsoft)",
    "1.3.6.1.4.1.311.20.2": "certificateTemplateName (Microsoft)",
    "1.3.6.1.4.1.311.21.7": "certificateTemplate (Microsoft)",
    # digests
    "1.2.840.113549.2.5": "md5",
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
    "2.16.840.1.101.3.4.2.4": "sha224",
    # public keys, signatures, key transport
    RSA_ENCRYPTION: "rsaEncryption",
    "1.2.840.113549.1.1.4": "md5WithRSAEncryption",
    "1.2.840.113549.1.1.5": "sha1WithRSAEncryption",
    RSAES_OAEP: "rsaesOaep",
    MGF1: "mgf1",
    P_SPECIFIED: "pSpecified",
    RSASSA_PSS: "rsassaPss",
    "1.2.840.113549.1.1.11": "sha256WithRSAEncryption",
    "1.2.840.113549.1.1.12": "sha384WithRSAEncryption",
    "1.2.840.113549.1.1.13": "sha512WithRSAEncryption",
    "1.2.840.113549.1.1.14": "sha224WithRSAEncryption",
    EC_PUBLIC_KEY: "id-ecPublicKey",
    "1.2.840.10045.4.1": "ecdsa-with-SHA1",
    "1.2.840.10045.4.3.1": "ecdsa-with-SHA224",
    "1.2.840.10045.4.3.2": "ecdsa-with-SHA256",
    "1.2.840.10045.4.3.3": "ecdsa-with-SHA384",
    "1.2.840.10045.4.3.4": "ecdsa-with-SHA512",
    "1.2.840.10045.3.1.7": "prime256v1",
    "1.3.132.0.34": "secp384r1",
    "1.3.132.0.35": "secp521r1",
    "1.3.101.112": "ED25519",
    # content encryption
    "1.3.14.3.2.7": "des-cbc",
    "1.2.840.113549.3.7": "des-ede3-cbc",
    "1.2.840.113549.3.2": "rc2-cbc",
    "1.3.6.1.4.1.3029.1.2": "bf-cbc",
    "2.16.840.1.101.3.4.1.2": "aes-128-cbc",
    "2.16.840.1.101.3.4.1.6": "aes-128-gcm",
    "2.16.840.1.101.3.4.1.22": "aes-192-cbc",
    "2.16.840.1.101.3.4.1.26": "aes-192-gcm",
    "2.16.840.1.101.3.4.1.42": "aes-256-cbc",
    "2.16.840.1.101.3.4.1.46": "aes-256-gcm",
    PWRI_KEK: "id-alg-PWRI-KEK",
    PBKDF2: "PBKDF2",
    HMAC_SHA1: "hmacWithSHA1",
    HMAC_SHA256: "hmacWithSHA256",
    # X.509 extensions
    SUBJECT_KEY_IDENTIFIER: "subjectKeyIdentifier",
    KEY_USAGE: "keyUsage",
    SUBJECT_ALT_NAME: "subjectAltName",
    "2.5.29.18": "issuerAltName",
    BASIC_CONSTRAINTS: "basicConstraints",
    CRL_NUMBER: "cRLNumber",
    "2.5.29.21": "reasonCode",
    "2.5.29.27": "deltaCRLIndicator",
    "2.5.29.24": "invalidityDate",
    "2.5.29.28": "issuingDistributionPoint",
    "2.5.29.30": "nameConstraints",
    "2.5.29.31": "cRLDistributionPoints",
    "2.5.29.32": "certificatePolicies",
    AUTHORITY_KEY_IDENTIFIER: "authorityKeyIdentifier",
    EXTENDED_KEY_USAGE: "extKeyUsage",
    "2.5.29.46": "freshestCRL",
    "1.3.6.1.5.5.7.1.11": "subjectInfoAccess",
    "1.3.6.1.5.5.7.48.1": "ocsp",
    "1.3.6.1.5.5.7.48.2": "caIssuers",
    "1.3.6.1.5.5.7.2.1": "cps",
    "1.3.6.1.5.5.7.2.2": "unotice",
    "2.5.29.32.0": "anyPolicy",
    "2.16.840.1.113730.1.1": "netscapeCertType",
    "2.16.840.1.113730.1.13": "netscapeComment",
    "1.3.6.1.4.1.311.21.1": "caVersion (Microsoft)",
    "1.3.6.1.4.1.311.21.10": "applicationPolicies (Microsoft)",
    "1.3.6.1.4.1.311.20.2.1": "enrollmentAgent (Microsoft)",
    "1.3.6.1.4.1.311.20.2.2": "smartcardLogon (Microsoft)",
    "1.3.6.1.4.1.311.20.2.3": "userPrincipalName (Microsoft)",
    "1.3.6.1.5.5.7.1.1": "authorityInfoAccess",
    "1.3.6.1.5.5.7.3.1": "serverAuth",
    "1.3.6.1.5.5.7.3.2": "clientAuth",
    "1.3.6.1.5.5.7.3.3": "codeSigning",
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.5": "ipsecEndSystem",
    "1.3.6.1.5.5.7.3.17": "ipsecIKE",
    "1.3.6.1.5.5.8.2.2": "iKEIntermediate",
    "1.3.6.1.5.5.7.3.9": "OCSPSigning",
    # name attributes
    "2.5.4.3": "commonName",
    "2.5.4.4": "surname",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "countryName",
    "2.5.4.7": "localityName",
    "2.5.4.8": "stateOrProvinceName",
    "2.5.4.9": "streetAddress",
    "2.5.4.10": "organizationName",
    "2.5.4.11": "organizationalUnitName",
    "2.5.4.12": "title",
    "2.5.4.13": "description",
    "2.5.4.17": "postalCode",
    "2.5.4.42": "givenName",
    "2.5.4.43": "initials",
    "2.5.4.46": "dnQualifier",
    "2.5.4.97": "organizationIdentifier",
    "0.9.2342.19200300.100.1.1": "userId",
    "0.9.2342.19200300.100.1.25": "domainComponent",
    "1.2.840.113549.1.9.1": "emailAddress",
    "1.2.840.113549.1.9.2": "unstructuredName",
    "1.2.840.113549.1.9.8": "unstructuredAddress",
}

# The keywords of RFC 4514 and OpenSSL for a name on one line.
NAME_KEYWORDS = {
    "2.5.4.3": "CN",
    "2.5.4.4": "SN",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "street",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.42": "GN",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
}


NAMES_TO_OID = {name: oid for oid, name in NAMES.items()}


def name_of(oid: str) -> str:
    """Return the name of an object identifier, or its dotted form where it has none here."""
    return NAMES.get(oid, oid)


def keyword_of(oid: str) -> str:
    """Return the short keyword of a name attribute (CN, O, ...), else its name, else its dotted form."""
    return NAME_KEYWORDS.get(oid) or NAMES.get(oid, oid)
