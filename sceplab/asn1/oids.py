"""Names of object identifiers: one table for all layers.

Rule: each identifier is written once, as a constant here, and used by that
constant everywhere else. What an algorithm can do is in `algorithms`, what a
field means is in `schema`. Names are those of the RFCs; algorithm names are
OpenSSL's, because readers type them to confirm a step.
"""

from __future__ import annotations

# Content types (RFC 5652)
DATA = "1.2.840.113549.1.7.1"
SIGNED_DATA = "1.2.840.113549.1.7.2"
ENVELOPED_DATA = "1.2.840.113549.1.7.3"
DIGESTED_DATA = "1.2.840.113549.1.7.5"
ENCRYPTED_DATA = "1.2.840.113549.1.7.6"

# CMS signed attributes (RFC 5652, 11, and extensions of it)
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_TIME = "1.2.840.113549.1.9.5"
SMIME_CAPABILITIES = "1.2.840.113549.1.9.15"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
CMS_ALGORITHM_PROTECTION = "1.2.840.113549.1.9.52"
RANDOM_NONCE = "1.2.840.113549.1.9.25.3"

# SCEP signed attributes (RFC 8894, 3.2.1)
MESSAGE_TYPE = "2.16.840.1.113733.1.9.2"
PKI_STATUS = "2.16.840.1.113733.1.9.3"
FAIL_INFO = "2.16.840.1.113733.1.9.4"
SENDER_NONCE = "2.16.840.1.113733.1.9.5"
RECIPIENT_NONCE = "2.16.840.1.113733.1.9.6"
TRANSACTION_ID = "2.16.840.1.113733.1.9.7"
FAIL_INFO_TEXT = "1.3.6.1.5.5.7.24.1"

# Microsoft NDES sends its HRESULT in this signed attribute (szOID_ENROLL_SCEP_ERROR).
MS_ERROR = "1.3.6.1.4.1.311.21.33"

# PKCS#10 attributes (RFC 2985, 5.4; MS-WCCE, 2.2.2.7)
VERISIGN_EXTENSION_REQUEST = "2.16.840.1.113733.1.9.8"
CHALLENGE_PASSWORD = "1.2.840.113549.1.9.7"  # noqa: S105 - the attribute's OID, not a secret
EXTENSION_REQUEST = "1.2.840.113549.1.9.14"
MS_EXTENSION_REQUEST = "1.3.6.1.4.1.311.2.1.14"
MS_OS_VERSION = "1.3.6.1.4.1.311.13.2.3"
MS_REQUEST_CLIENT_INFO = "1.3.6.1.4.1.311.21.20"
MS_ISSUED_CERT_HASH = "1.3.6.1.4.1.311.21.38"
MS_ENROLLMENT_CSP = "1.3.6.1.4.1.311.13.2.2"
MS_CERTIFICATE_TEMPLATE_NAME = "1.3.6.1.4.1.311.20.2"
MS_CERTIFICATE_TEMPLATE = "1.3.6.1.4.1.311.21.7"

# Digests
MD5 = "1.2.840.113549.2.5"
SHA1 = "1.3.14.3.2.26"
SHA256 = "2.16.840.1.101.3.4.2.1"
SHA384 = "2.16.840.1.101.3.4.2.2"
SHA512 = "2.16.840.1.101.3.4.2.3"
SHA224 = "2.16.840.1.101.3.4.2.4"

# Public keys, signatures, key transport
RSA_ENCRYPTION = "1.2.840.113549.1.1.1"
MD5_WITH_RSA = "1.2.840.113549.1.1.4"
SHA1_WITH_RSA = "1.2.840.113549.1.1.5"
RSAES_OAEP = "1.2.840.113549.1.1.7"
MGF1 = "1.2.840.113549.1.1.8"
P_SPECIFIED = "1.2.840.113549.1.1.9"
RSASSA_PSS = "1.2.840.113549.1.1.10"
SHA256_WITH_RSA = "1.2.840.113549.1.1.11"
SHA384_WITH_RSA = "1.2.840.113549.1.1.12"
SHA512_WITH_RSA = "1.2.840.113549.1.1.13"
SHA224_WITH_RSA = "1.2.840.113549.1.1.14"
EC_PUBLIC_KEY = "1.2.840.10045.2.1"
ECDSA_WITH_SHA1 = "1.2.840.10045.4.1"
ECDSA_WITH_SHA224 = "1.2.840.10045.4.3.1"
ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2"
ECDSA_WITH_SHA384 = "1.2.840.10045.4.3.3"
ECDSA_WITH_SHA512 = "1.2.840.10045.4.3.4"
PRIME256V1 = "1.2.840.10045.3.1.7"
SECP384R1 = "1.3.132.0.34"
SECP521R1 = "1.3.132.0.35"
ED25519 = "1.3.101.112"
ED448 = "1.3.101.113"

# Content encryption, key derivation and key wrapping
DES_CBC = "1.3.14.3.2.7"
DES_EDE3_CBC = "1.2.840.113549.3.7"
RC2_CBC = "1.2.840.113549.3.2"
BLOWFISH_CBC = "1.3.6.1.4.1.3029.1.2"
AES_128_CBC = "2.16.840.1.101.3.4.1.2"
AES_128_GCM = "2.16.840.1.101.3.4.1.6"
AES_192_CBC = "2.16.840.1.101.3.4.1.22"
AES_192_GCM = "2.16.840.1.101.3.4.1.26"
AES_256_CBC = "2.16.840.1.101.3.4.1.42"
AES_256_GCM = "2.16.840.1.101.3.4.1.46"
PWRI_KEK = "1.2.840.113549.1.9.16.3.9"
PBKDF2 = "1.2.840.113549.1.5.12"
HMAC_SHA1 = "1.2.840.113549.2.7"
HMAC_SHA256 = "1.2.840.113549.2.9"

# X.509 extensions and their contents (RFC 5280, 4.2)
SUBJECT_KEY_IDENTIFIER = "2.5.29.14"
KEY_USAGE = "2.5.29.15"
SUBJECT_ALT_NAME = "2.5.29.17"
ISSUER_ALT_NAME = "2.5.29.18"
BASIC_CONSTRAINTS = "2.5.29.19"
CRL_NUMBER = "2.5.29.20"
REASON_CODE = "2.5.29.21"
DELTA_CRL_INDICATOR = "2.5.29.27"
INVALIDITY_DATE = "2.5.29.24"
ISSUING_DISTRIBUTION_POINT = "2.5.29.28"
NAME_CONSTRAINTS = "2.5.29.30"
CRL_DISTRIBUTION_POINTS = "2.5.29.31"
CERTIFICATE_POLICIES = "2.5.29.32"
POLICY_MAPPINGS = "2.5.29.33"
AUTHORITY_KEY_IDENTIFIER = "2.5.29.35"
EXTENDED_KEY_USAGE = "2.5.29.37"
FRESHEST_CRL = "2.5.29.46"
SUBJECT_INFO_ACCESS = "1.3.6.1.5.5.7.1.11"
OCSP = "1.3.6.1.5.5.7.48.1"
CA_ISSUERS = "1.3.6.1.5.5.7.48.2"
CERTIFICATION_PRACTICE_STATEMENT = "1.3.6.1.5.5.7.2.1"
USER_NOTICE = "1.3.6.1.5.5.7.2.2"
ANY_POLICY = "2.5.29.32.0"
NETSCAPE_CERT_TYPE = "2.16.840.1.113730.1.1"
NETSCAPE_COMMENT = "2.16.840.1.113730.1.13"
MS_CA_VERSION = "1.3.6.1.4.1.311.21.1"
MS_APPLICATION_POLICIES = "1.3.6.1.4.1.311.21.10"
MS_ENROLLMENT_AGENT = "1.3.6.1.4.1.311.20.2.1"
MS_SMARTCARD_LOGON = "1.3.6.1.4.1.311.20.2.2"
MS_USER_PRINCIPAL_NAME = "1.3.6.1.4.1.311.20.2.3"
AUTHORITY_INFO_ACCESS = "1.3.6.1.5.5.7.1.1"
SERVER_AUTH = "1.3.6.1.5.5.7.3.1"
CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"
CODE_SIGNING = "1.3.6.1.5.5.7.3.3"
EMAIL_PROTECTION = "1.3.6.1.5.5.7.3.4"
IPSEC_END_SYSTEM = "1.3.6.1.5.5.7.3.5"
IPSEC_IKE = "1.3.6.1.5.5.7.3.17"
IKE_INTERMEDIATE = "1.3.6.1.5.5.8.2.2"
TIME_STAMPING = "1.3.6.1.5.5.7.3.8"
OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"
CMC_RA = "1.3.6.1.5.5.7.3.28"
ANY_EXTENDED_KEY_USAGE = "2.5.29.37.0"

# Name attributes (RFC 4519, RFC 2985)
COMMON_NAME = "2.5.4.3"
SURNAME = "2.5.4.4"
SERIAL_NUMBER = "2.5.4.5"
COUNTRY_NAME = "2.5.4.6"
LOCALITY_NAME = "2.5.4.7"
STATE_OR_PROVINCE_NAME = "2.5.4.8"
STREET_ADDRESS = "2.5.4.9"
ORGANIZATION_NAME = "2.5.4.10"
ORGANIZATIONAL_UNIT_NAME = "2.5.4.11"
TITLE = "2.5.4.12"
DESCRIPTION = "2.5.4.13"
POSTAL_CODE = "2.5.4.17"
GIVEN_NAME = "2.5.4.42"
INITIALS = "2.5.4.43"
DN_QUALIFIER = "2.5.4.46"
ORGANIZATION_IDENTIFIER = "2.5.4.97"
USER_ID = "0.9.2342.19200300.100.1.1"
DOMAIN_COMPONENT = "0.9.2342.19200300.100.1.25"
EMAIL_ADDRESS = "1.2.840.113549.1.9.1"
UNSTRUCTURED_NAME = "1.2.840.113549.1.9.2"
UNSTRUCTURED_ADDRESS = "1.2.840.113549.1.9.8"

NAMES = {
    DATA: "data",
    SIGNED_DATA: "signedData",
    ENVELOPED_DATA: "envelopedData",
    DIGESTED_DATA: "digestedData",
    ENCRYPTED_DATA: "encryptedData",
    CONTENT_TYPE: "contentType",
    MESSAGE_DIGEST: "messageDigest",
    SIGNING_TIME: "signingTime",
    SMIME_CAPABILITIES: "smimeCapabilities",
    SIGNING_CERTIFICATE_V2: "signingCertificateV2",
    CMS_ALGORITHM_PROTECTION: "cmsAlgorithmProtection",
    RANDOM_NONCE: "randomNonce",
    MESSAGE_TYPE: "messageType",
    PKI_STATUS: "pkiStatus",
    FAIL_INFO: "failInfo",
    SENDER_NONCE: "senderNonce",
    RECIPIENT_NONCE: "recipientNonce",
    TRANSACTION_ID: "transactionID",
    VERISIGN_EXTENSION_REQUEST: "extensionReq (VeriSign)",
    FAIL_INFO_TEXT: "failInfoText",
    MS_ERROR: "enrollScepError (Microsoft)",
    CHALLENGE_PASSWORD: "challengePassword",
    EXTENSION_REQUEST: "extensionRequest",
    MS_EXTENSION_REQUEST: "extensionRequest (Microsoft)",
    MS_OS_VERSION: "osVersion (Microsoft)",
    MS_REQUEST_CLIENT_INFO: "requestClientInfo (Microsoft)",
    MS_ISSUED_CERT_HASH: "szOID_ISSUED_CERT_HASH (Microsoft)",
    MS_ENROLLMENT_CSP: "enrollmentCSP (Microsoft)",
    MS_CERTIFICATE_TEMPLATE_NAME: "certificateTemplateName (Microsoft)",
    MS_CERTIFICATE_TEMPLATE: "certificateTemplate (Microsoft)",
    MD5: "md5",
    SHA1: "sha1",
    SHA256: "sha256",
    SHA384: "sha384",
    SHA512: "sha512",
    SHA224: "sha224",
    RSA_ENCRYPTION: "rsaEncryption",
    MD5_WITH_RSA: "md5WithRSAEncryption",
    SHA1_WITH_RSA: "sha1WithRSAEncryption",
    RSAES_OAEP: "rsaesOaep",
    MGF1: "mgf1",
    P_SPECIFIED: "pSpecified",
    RSASSA_PSS: "rsassaPss",
    SHA256_WITH_RSA: "sha256WithRSAEncryption",
    SHA384_WITH_RSA: "sha384WithRSAEncryption",
    SHA512_WITH_RSA: "sha512WithRSAEncryption",
    SHA224_WITH_RSA: "sha224WithRSAEncryption",
    EC_PUBLIC_KEY: "id-ecPublicKey",
    ECDSA_WITH_SHA1: "ecdsa-with-SHA1",
    ECDSA_WITH_SHA224: "ecdsa-with-SHA224",
    ECDSA_WITH_SHA256: "ecdsa-with-SHA256",
    ECDSA_WITH_SHA384: "ecdsa-with-SHA384",
    ECDSA_WITH_SHA512: "ecdsa-with-SHA512",
    PRIME256V1: "prime256v1",
    SECP384R1: "secp384r1",
    SECP521R1: "secp521r1",
    ED25519: "ED25519",
    ED448: "ED448",
    DES_CBC: "des-cbc",
    DES_EDE3_CBC: "des-ede3-cbc",
    RC2_CBC: "rc2-cbc",
    BLOWFISH_CBC: "bf-cbc",
    AES_128_CBC: "aes-128-cbc",
    AES_128_GCM: "aes-128-gcm",
    AES_192_CBC: "aes-192-cbc",
    AES_192_GCM: "aes-192-gcm",
    AES_256_CBC: "aes-256-cbc",
    AES_256_GCM: "aes-256-gcm",
    PWRI_KEK: "id-alg-PWRI-KEK",
    PBKDF2: "PBKDF2",
    HMAC_SHA1: "hmacWithSHA1",
    HMAC_SHA256: "hmacWithSHA256",
    SUBJECT_KEY_IDENTIFIER: "subjectKeyIdentifier",
    KEY_USAGE: "keyUsage",
    SUBJECT_ALT_NAME: "subjectAltName",
    ISSUER_ALT_NAME: "issuerAltName",
    BASIC_CONSTRAINTS: "basicConstraints",
    CRL_NUMBER: "cRLNumber",
    REASON_CODE: "reasonCode",
    DELTA_CRL_INDICATOR: "deltaCRLIndicator",
    INVALIDITY_DATE: "invalidityDate",
    ISSUING_DISTRIBUTION_POINT: "issuingDistributionPoint",
    NAME_CONSTRAINTS: "nameConstraints",
    CRL_DISTRIBUTION_POINTS: "cRLDistributionPoints",
    CERTIFICATE_POLICIES: "certificatePolicies",
    POLICY_MAPPINGS: "policyMappings",
    AUTHORITY_KEY_IDENTIFIER: "authorityKeyIdentifier",
    EXTENDED_KEY_USAGE: "extKeyUsage",
    FRESHEST_CRL: "freshestCRL",
    SUBJECT_INFO_ACCESS: "subjectInfoAccess",
    OCSP: "ocsp",
    CA_ISSUERS: "caIssuers",
    CERTIFICATION_PRACTICE_STATEMENT: "cps",
    USER_NOTICE: "unotice",
    ANY_POLICY: "anyPolicy",
    NETSCAPE_CERT_TYPE: "netscapeCertType",
    NETSCAPE_COMMENT: "netscapeComment",
    MS_CA_VERSION: "caVersion (Microsoft)",
    MS_APPLICATION_POLICIES: "applicationPolicies (Microsoft)",
    MS_ENROLLMENT_AGENT: "enrollmentAgent (Microsoft)",
    MS_SMARTCARD_LOGON: "smartcardLogon (Microsoft)",
    MS_USER_PRINCIPAL_NAME: "userPrincipalName (Microsoft)",
    AUTHORITY_INFO_ACCESS: "authorityInfoAccess",
    SERVER_AUTH: "serverAuth",
    CLIENT_AUTH: "clientAuth",
    CODE_SIGNING: "codeSigning",
    EMAIL_PROTECTION: "emailProtection",
    IPSEC_END_SYSTEM: "ipsecEndSystem",
    IPSEC_IKE: "ipsecIKE",
    IKE_INTERMEDIATE: "iKEIntermediate",
    TIME_STAMPING: "timeStamping",
    OCSP_SIGNING: "OCSPSigning",
    CMC_RA: "cmcRA",
    ANY_EXTENDED_KEY_USAGE: "anyExtendedKeyUsage",
    COMMON_NAME: "commonName",
    SURNAME: "surname",
    SERIAL_NUMBER: "serialNumber",
    COUNTRY_NAME: "countryName",
    LOCALITY_NAME: "localityName",
    STATE_OR_PROVINCE_NAME: "stateOrProvinceName",
    STREET_ADDRESS: "streetAddress",
    ORGANIZATION_NAME: "organizationName",
    ORGANIZATIONAL_UNIT_NAME: "organizationalUnitName",
    TITLE: "title",
    DESCRIPTION: "description",
    POSTAL_CODE: "postalCode",
    GIVEN_NAME: "givenName",
    INITIALS: "initials",
    DN_QUALIFIER: "dnQualifier",
    ORGANIZATION_IDENTIFIER: "organizationIdentifier",
    USER_ID: "userId",
    DOMAIN_COMPONENT: "domainComponent",
    EMAIL_ADDRESS: "emailAddress",
    UNSTRUCTURED_NAME: "unstructuredName",
    UNSTRUCTURED_ADDRESS: "unstructuredAddress",
}

# The keywords of RFC 4514 and OpenSSL for a name on one line.
NAME_KEYWORDS = {
    COMMON_NAME: "CN",
    SURNAME: "SN",
    COUNTRY_NAME: "C",
    LOCALITY_NAME: "L",
    STATE_OR_PROVINCE_NAME: "ST",
    STREET_ADDRESS: "street",
    ORGANIZATION_NAME: "O",
    ORGANIZATIONAL_UNIT_NAME: "OU",
    GIVEN_NAME: "GN",
    USER_ID: "UID",
    DOMAIN_COMPONENT: "DC",
}


NAMES_TO_OID = {name: oid for oid, name in NAMES.items()}
"""For names that people type; code uses the constants."""


def name_of(oid: str) -> str:
    """Return the name of an object identifier, or its dotted form if the table has none."""
    return NAMES.get(oid, oid)


def keyword_of(oid: str) -> str:
    """Return the short keyword of a name attribute (CN, O, ...), else its name, else its dotted form."""
    return NAME_KEYWORDS.get(oid) or NAMES.get(oid, oid)
