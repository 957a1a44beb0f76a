"""The structures, as the RFCs print them: field, type, tag.

Rule: data only. A `Type` is a structure (`fields`), a list (`each`), a CHOICE
(`choices`, by tag), or a leaf; `holds` names the ASN.1 inside a string. The type
of a field may depend on the identifier before it: `by` names the table for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sceplab.asn1 import der, oids


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a structure: `tag` is its identifier byte, None where any may stand.

    `explicit` says that the tag is around the element; `by` is the table (a key
    of `BY`) in which the last identifier tells the type; `default` are the
    content bytes that DER leaves out. `section` and `definition` stand in for
    those of the type.
    """

    name: str
    type: str = "ANY"
    tag: int | None = None
    explicit: bool = False
    by: str = ""
    default: bytes | None = None
    section: str = ""
    definition: Type | None = None


@dataclass(frozen=True, slots=True)
class Type:
    """A type of the ASN.1 modules; see the module's rule."""

    section: str = ""
    fields: tuple[Field, ...] = ()
    each: Field | None = None
    choices: Mapping[int, Field] = field(default_factory=dict)
    holds: Field | None = None
    set_of: bool = False


def _sequence(section: str, *fields: Field) -> Type:
    return Type(section, fields)


def _many(section: str, name: str, of: str, *, set_of: bool = False) -> Type:
    return Type(section, each=Field(name, of), set_of=set_of)


def _choice(section: str, choices: Mapping[int, Field]) -> Type:
    return Type(section, choices=choices)


_OID, _INT, _SEQ, _SET, _OCT, _BITS = der.OID, der.INTEGER, der.SEQUENCE, der.SET, der.OCTET_STRING, der.BIT_STRING
_BOOL, _ENUM, _UTC, _GENERALIZED = der.BOOLEAN, 0x0A, der.UTC_TIME, der.GENERALIZED_TIME
_FALSE = b"\0"

_CMS: dict[str, Type] = {
    "ContentInfo": _sequence(
        "RFC 5652, 3", Field("contentType", "OID", _OID), Field("content", "ANY", 0xA0, explicit=True, by="content")
    ),
    "SignedData": _sequence(
        "RFC 5652, 5.1",
        Field("version", "CMSVersion", _INT),
        Field("digestAlgorithms", "AlgorithmIdentifiers", _SET),
        Field("encapContentInfo", "EncapsulatedContentInfo", _SEQ),
        Field("certificates", "CertificateSet", 0xA0),
        Field("crls", "RevocationInfoChoices", 0xA1),
        Field("signerInfos", "SignerInfos", _SET),
    ),
    "AlgorithmIdentifiers": _many("RFC 5652, 5.1", "digestAlgorithm", "AlgorithmIdentifier", set_of=True),
    "EncapsulatedContentInfo": _sequence(
        "RFC 5652, 5.2", Field("eContentType", "OID", _OID), Field("eContent", "eContent", 0xA0, explicit=True)
    ),
    "eContent": Type("RFC 5652, 5.2", holds=Field("ContentInfo", "ContentInfo")),
    "CertificateSet": _many("RFC 5652, 10.2.3", "certificate", "CertificateChoices", set_of=True),
    "CertificateChoices": _choice(
        "RFC 5652, 10.2.2",
        {_SEQ: Field("certificate", "Certificate"), 0xA1: Field("v1AttrCert"), 0xA2: Field("v2AttrCert")},
    ),
    "RevocationInfoChoices": _many("RFC 5652, 10.2.1", "crl", "CertificateList", set_of=True),
    "SignerInfos": _many("RFC 5652, 5.1", "signerInfo", "SignerInfo", set_of=True),
    "SignerInfo": _sequence(
        "RFC 5652, 5.3",
        Field("version", "CMSVersion", _INT),
        Field("sid", "IssuerAndSerialNumber", _SEQ),
        Field("sid", "keyIdentifier", 0x80),
        Field("digestAlgorithm", "AlgorithmIdentifier", _SEQ),
        Field("signedAttrs", "Attributes", 0xA0),
        Field("signatureAlgorithm", "AlgorithmIdentifier", _SEQ),
        Field("signature", "signature", _OCT),
        Field("unsignedAttrs", "Attributes", 0xA1),
    ),
    "IssuerAndSerialNumber": _sequence(
        "RFC 5652, 10.2.4", Field("issuer", "Name", _SEQ), Field("serialNumber", "serial", _INT)
    ),
    "Attributes": _many("RFC 5652, 5.3", "attribute", "Attribute", set_of=True),
    "Attribute": _sequence(
        "RFC 5652, 5.3", Field("attrType", "OID", _OID), Field("attrValues", "ANY", _SET, by="attribute")
    ),
    "EnvelopedData": _sequence(
        "RFC 5652, 6.1",
        Field("version", "CMSVersion", _INT),
        Field("originatorInfo", "OriginatorInfo", 0xA0),
        Field("recipientInfos", "RecipientInfos", _SET),
        Field("encryptedContentInfo", "EncryptedContentInfo", _SEQ),
        Field("unprotectedAttrs", "Attributes", 0xA1),
    ),
    "OriginatorInfo": _sequence(
        "RFC 5652, 6.1", Field("certs", "CertificateSet", 0xA0), Field("crls", "RevocationInfoChoices", 0xA1)
    ),
    "RecipientInfos": _many("RFC 5652, 6.1", "recipientInfo", "RecipientInfo", set_of=True),
    "RecipientInfo": _choice(
        "RFC 5652, 6.2",
        {
            _SEQ: Field("ktri", "KeyTransRecipientInfo"),
            0xA1: Field("kari"),
            0xA2: Field("kekri"),
            0xA3: Field("pwri", "PasswordRecipientInfo"),
            0xA4: Field("ori"),
        },
    ),
    "KeyTransRecipientInfo": _sequence(
        "RFC 5652, 6.2.1",
        Field("version", "CMSVersion", _INT),
        Field("rid", "IssuerAndSerialNumber", _SEQ),
        Field("rid", "keyIdentifier", 0x80),
        Field("keyEncryptionAlgorithm", "AlgorithmIdentifier", _SEQ),
        Field("encryptedKey", "OCTET STRING", _OCT),
    ),
    "PasswordRecipientInfo": _sequence(
        "RFC 5652, 6.2.4",
        Field("version", "CMSVersion", _INT),
        Field("keyDerivationAlgorithm", "AlgorithmIdentifier", 0xA0),
        Field("keyEncryptionAlgorithm", "AlgorithmIdentifier", _SEQ),
        Field("encryptedKey", "OCTET STRING", _OCT),
    ),
    "EncryptedContentInfo": _sequence(
        "RFC 5652, 6.1",
        Field("contentType", "OID", _OID),
        Field("contentEncryptionAlgorithm", "AlgorithmIdentifier", _SEQ),
        Field("encryptedContent", "OCTET STRING", 0x80),
        Field("encryptedContent", "segments", 0xA0),
    ),
    "DigestedData": _sequence(
        "RFC 5652, 7",
        Field("version", "CMSVersion", _INT),
        Field("digestAlgorithm", "AlgorithmIdentifier", _SEQ),
        Field("encapContentInfo", "EncapsulatedContentInfo", _SEQ),
        Field("digest", "OCTET STRING", _OCT),
    ),
    "SMIMECapabilities": _many("RFC 8551, 2.5.2", "capability", "SMIMECapability"),
    "SMIMECapability": _sequence(
        "RFC 8551, 2.5.2", Field("capabilityID", "OID", _OID), Field("parameters", by="parameters")
    ),
    "CMSAlgorithmProtection": _sequence(
        "RFC 6211, 2",
        Field("digestAlgorithm", "AlgorithmIdentifier", _SEQ),
        Field("signatureAlgorithm", "AlgorithmIdentifier", 0xA1),
        Field("macAlgorithm", "AlgorithmIdentifier", 0xA2),
    ),
    "SigningCertificateV2": _sequence(
        "RFC 5035, 3", Field("certs", "ESSCertIDs", _SEQ), Field("policies", "CertificatePolicies", _SEQ)
    ),
    "ESSCertIDs": _many("RFC 5035, 4", "essCertIDv2", "ESSCertIDv2"),
    "ESSCertIDv2": _sequence(
        "RFC 5035, 4",
        Field("hashAlgorithm", "AlgorithmIdentifier", _SEQ),
        Field("certHash", "OCTET STRING", _OCT),
        Field("issuerSerial", "IssuerSerial", _SEQ),
    ),
    "IssuerSerial": _sequence(
        "RFC 5035, 5", Field("issuer", "GeneralNames", _SEQ), Field("serialNumber", "serial", _INT)
    ),
}

_SCEP: dict[str, Type] = {
    "IssuerAndSubject": _sequence("RFC 8894, 3.3.3", Field("issuer", "Name", _SEQ), Field("subject", "Name", _SEQ)),
}

_ALGORITHMS: dict[str, Type] = {
    "AlgorithmIdentifier": _sequence(
        "RFC 5280, 4.1.1.2", Field("algorithm", "OID", _OID), Field("parameters", by="parameters")
    ),
    "GCMParameters": _sequence("RFC 5084, 3.2", Field("nonce", "OCTET STRING", _OCT), Field("icvLen", "INTEGER", _INT)),
    "RC2CBCParameter": _sequence(
        "RFC 3370, 5.2", Field("rc2ParameterVersion", "rc2Version", _INT), Field("iv", "OCTET STRING", _OCT)
    ),
    "RSAES-OAEP-params": _sequence(
        "RFC 8017, A.2.1",
        Field("hashAlgorithm", "AlgorithmIdentifier", 0xA0, explicit=True),
        Field("maskGenAlgorithm", "AlgorithmIdentifier", 0xA1, explicit=True),
        Field("pSourceAlgorithm", "AlgorithmIdentifier", 0xA2, explicit=True),
    ),
    "RSASSA-PSS-params": _sequence(
        "RFC 8017, A.2.3",
        Field("hashAlgorithm", "AlgorithmIdentifier", 0xA0, explicit=True),
        Field("maskGenAlgorithm", "AlgorithmIdentifier", 0xA1, explicit=True),
        Field("saltLength", "INTEGER", 0xA2, explicit=True),
        Field("trailerField", "INTEGER", 0xA3, explicit=True),
    ),
    "PBKDF2-params": _sequence(
        "RFC 8018, A.2",
        Field("salt", "OCTET STRING", _OCT),
        Field("iterationCount", "INTEGER", _INT),
        Field("keyLength", "INTEGER", _INT),
        Field("prf", "AlgorithmIdentifier", _SEQ),
    ),
    "RSAPublicKey": _sequence(
        "RFC 8017, A.1.1", Field("modulus", "modulus", _INT), Field("publicExponent", "INTEGER", _INT)
    ),
    "ECDSA-Sig-Value": _sequence("RFC 5480, A", Field("r", "INTEGER", _INT), Field("s", "INTEGER", _INT)),
}

_X509: dict[str, Type] = {
    "Certificate": _sequence(
        "RFC 5280, 4.1",
        Field("tbsCertificate", "TBSCertificate", _SEQ),
        Field("signatureAlgorithm", "AlgorithmIdentifier", _SEQ),
        Field("signatureValue", "signature", _BITS),
    ),
    "TBSCertificate": _sequence(
        "RFC 5280, 4.1.2",
        Field("version", "certificateVersion", 0xA0, explicit=True, default=b"\x02\x01\0"),
        Field("serialNumber", "serial", _INT),
        Field("signature", "AlgorithmIdentifier", _SEQ),
        Field("issuer", "Name", _SEQ),
        Field("validity", "Validity", _SEQ),
        Field("subject", "Name", _SEQ),
        Field("subjectPublicKeyInfo", "SubjectPublicKeyInfo", _SEQ),
        Field("issuerUniqueID", "BIT STRING", 0x81),
        Field("subjectUniqueID", "BIT STRING", 0x82),
        Field("extensions", "Extensions", 0xA3, explicit=True),
    ),
    "Validity": _sequence("RFC 5280, 4.1.2.5", Field("notBefore", "Time"), Field("notAfter", "Time")),
    "SubjectPublicKeyInfo": _sequence(
        "RFC 5280, 4.1.2.7",
        Field("algorithm", "AlgorithmIdentifier", _SEQ),
        Field("subjectPublicKey", "BIT STRING", _BITS, by="key"),
    ),
    "rsaKey": Type("RFC 5280, 4.1.2.7", holds=Field("RSAPublicKey", "RSAPublicKey")),
    "ecKey": Type("RFC 5480, 2.2"),
    "Extensions": _many("RFC 5280, 4.2", "extension", "Extension"),
    "Extension": _sequence(
        "RFC 5280, 4.2",
        Field("extnID", "OID", _OID),
        Field("critical", "BOOLEAN", _BOOL, default=_FALSE),
        Field("extnValue", "OCTET STRING", _OCT, by="extension"),
    ),
    "AuthorityKeyIdentifier": _sequence(
        "RFC 5280, 4.2.1.1",
        Field("keyIdentifier", "keyIdentifier", 0x80),
        Field("authorityCertIssuer", "GeneralNames", 0xA1),
        Field("authorityCertSerialNumber", "serial", 0x82),
    ),
    "BasicConstraints": _sequence(
        "RFC 5280, 4.2.1.9",
        Field("cA", "BOOLEAN", _BOOL, default=_FALSE),
        Field("pathLenConstraint", "INTEGER", _INT),
    ),
    "GeneralNames": _many("RFC 5280, 4.2.1.6", "generalName", "GeneralName"),
    "GeneralName": _choice(
        "RFC 5280, 4.2.1.6",
        {
            0xA0: Field("otherName", "AnotherName"),
            0x81: Field("rfc822Name", "IA5String"),
            0x82: Field("dNSName", "IA5String"),
            0xA4: Field("directoryName", "Name", explicit=True),
            0xA5: Field("ediPartyName"),
            0x86: Field("uniformResourceIdentifier", "IA5String"),
            0x87: Field("iPAddress", "iPAddress"),
            0x88: Field("registeredID", "OID"),
        },
    ),
    "AnotherName": _sequence(
        "RFC 5280, 4.2.1.6", Field("type-id", "OID", _OID), Field("value", "string", 0xA0, explicit=True)
    ),
    "ExtKeyUsage": _many("RFC 5280, 4.2.1.12", "keyPurposeId", "OID"),
    "CertificatePolicies": _many("RFC 5280, 4.2.1.4", "policyInformation", "PolicyInformation"),
    "PolicyInformation": _sequence(
        "RFC 5280, 4.2.1.4", Field("policyIdentifier", "OID", _OID), Field("policyQualifiers", "PolicyQualifiers", _SEQ)
    ),
    "PolicyQualifiers": _many("RFC 5280, 4.2.1.4", "policyQualifier", "PolicyQualifierInfo"),
    "PolicyQualifierInfo": _sequence(
        "RFC 5280, 4.2.1.4", Field("policyQualifierId", "OID", _OID), Field("qualifier", "Qualifier")
    ),
    "Qualifier": _choice(
        "RFC 5280, 4.2.1.4", {der.IA5_STRING: Field("cPSuri", "string"), _SEQ: Field("userNotice", "UserNotice")}
    ),
    "UserNotice": _sequence(
        "RFC 5280, 4.2.1.4", Field("noticeRef", "NoticeReference", _SEQ), Field("explicitText", "string")
    ),
    "NoticeReference": _sequence(
        "RFC 5280, 4.2.1.4", Field("organization", "string"), Field("noticeNumbers", "INTEGERs", _SEQ)
    ),
    "INTEGERs": _many("RFC 5280, 4.2.1.4", "number", "INTEGER"),
    "NameConstraints": _sequence(
        "RFC 5280, 4.2.1.10",
        Field("permittedSubtrees", "GeneralSubtrees", 0xA0),
        Field("excludedSubtrees", "GeneralSubtrees", 0xA1),
    ),
    "GeneralSubtrees": _many("RFC 5280, 4.2.1.10", "generalSubtree", "GeneralSubtree"),
    "GeneralSubtree": _sequence(
        "RFC 5280, 4.2.1.10",
        Field("base", "GeneralName"),
        Field("minimum", "INTEGER", 0x80),
        Field("maximum", "INTEGER", 0x81),
    ),
    "CRLDistributionPoints": _many("RFC 5280, 4.2.1.13", "distributionPoint", "DistributionPoint"),
    "DistributionPoint": _sequence(
        "RFC 5280, 4.2.1.13",
        Field("distributionPoint", "DistributionPointName", 0xA0, explicit=True),
        Field("reasons", "ReasonFlags", 0x81),
        Field("cRLIssuer", "GeneralNames", 0xA2),
    ),
    "DistributionPointName": _choice(
        "RFC 5280, 4.2.1.13",
        {0xA0: Field("fullName", "GeneralNames"), 0xA1: Field("nameRelativeToCRLIssuer", "RelativeDistinguishedName")},
    ),
    "IssuingDistributionPoint": _sequence(
        "RFC 5280, 5.2.5",
        Field("distributionPoint", "DistributionPointName", 0xA0, explicit=True),
        Field("onlyContainsUserCerts", "BOOLEAN", 0x81),
        Field("onlyContainsCACerts", "BOOLEAN", 0x82),
        Field("onlySomeReasons", "ReasonFlags", 0x83),
        Field("indirectCRL", "BOOLEAN", 0x84),
        Field("onlyContainsAttributeCerts", "BOOLEAN", 0x85),
    ),
    "AuthorityInfoAccess": _many("RFC 5280, 4.2.2.1", "accessDescription", "AccessDescription"),
    "AccessDescription": _sequence(
        "RFC 5280, 4.2.2.1", Field("accessMethod", "OID", _OID), Field("accessLocation", "GeneralName")
    ),
    "NetscapeComment": Type("Netscape"),
    "MicrosoftTemplate": _sequence(
        "MS-WCCE, 2.2.2.7.7.2",
        Field("templateID", "OID", _OID),
        Field("templateMajorVersion", "INTEGER", _INT),
        Field("templateMinorVersion", "INTEGER", _INT),
    ),
    "ClientInformation": _sequence(
        "MS-WCCE, 2.2.2.7.4",
        Field("clientId", "INTEGER", _INT),
        Field("machineName", "string"),
        Field("userName", "string"),
        Field("processName", "string"),
    ),
    "CSPProvider": _sequence(
        "MS-WCCE, 2.2.2.7.5",
        Field("keySpec", "INTEGER", _INT),
        Field("cspName", "string"),
        Field("signature", "BIT STRING", _BITS),
    ),
    "Name": _many("RFC 5280, 4.1.2.4", "rdn", "RelativeDistinguishedName"),
    "RelativeDistinguishedName": _many("RFC 5280, 4.1.2.4", "attribute", "AttributeTypeAndValue", set_of=True),
    "AttributeTypeAndValue": _sequence("RFC 5280, 4.1.2.4", Field("type", "OID", _OID), Field("value", "string")),
    "CertificateList": _sequence(
        "RFC 5280, 5.1",
        Field("tbsCertList", "TBSCertList", _SEQ),
        Field("signatureAlgorithm", "AlgorithmIdentifier", _SEQ),
        Field("signatureValue", "signature", _BITS),
    ),
    "TBSCertList": _sequence(
        "RFC 5280, 5.1.2",
        Field("version", "certificateVersion", _INT),
        Field("signature", "AlgorithmIdentifier", _SEQ),
        Field("issuer", "Name", _SEQ),
        Field("thisUpdate", "Time", _UTC),
        Field("thisUpdate", "Time", _GENERALIZED),
        Field("nextUpdate", "Time", _UTC),
        Field("nextUpdate", "Time", _GENERALIZED),
        Field("revokedCertificates", "RevokedCertificates", _SEQ),
        Field("crlExtensions", "Extensions", 0xA0, explicit=True),
    ),
    "RevokedCertificates": _many("RFC 5280, 5.1.2.6", "revokedCertificate", "RevokedCertificate"),
    "RevokedCertificate": _sequence(
        "RFC 5280, 5.1.2.6",
        Field("userCertificate", "serial", _INT),
        Field("revocationDate", "Time"),
        Field("crlEntryExtensions", "Extensions", _SEQ),
    ),
}

_PKCS10: dict[str, Type] = {
    "CertificationRequest": _sequence(
        "RFC 2986, 4.2",
        Field("certificationRequestInfo", "CertificationRequestInfo", _SEQ),
        Field("signatureAlgorithm", "AlgorithmIdentifier", _SEQ),
        Field("signature", "signature", _BITS),
    ),
    "CertificationRequestInfo": _sequence(
        "RFC 2986, 4.1",
        Field("version", "certificateVersion", _INT),
        Field("subject", "Name", _SEQ),
        Field("subjectPKInfo", "SubjectPublicKeyInfo", _SEQ),
        Field("attributes", "Attributes", 0xA0),
    ),
}

TYPES: dict[str, Type] = {**_CMS, **_SCEP, **_ALGORITHMS, **_X509, **_PKCS10}

# What the last identifier says about the field that follows: type and RFC section.
BY: dict[str, dict[str, tuple[str, str]]] = {
    "content": {
        oids.DATA: ("OCTET STRING", "RFC 5652, 4"),
        oids.SIGNED_DATA: ("SignedData", ""),
        oids.ENVELOPED_DATA: ("EnvelopedData", ""),
        oids.DIGESTED_DATA: ("DigestedData", ""),
    },
    "attribute": {
        oids.CONTENT_TYPE: ("OID", "RFC 5652, 11.1"),
        oids.MESSAGE_DIGEST: ("OCTET STRING", "RFC 5652, 11.2"),
        oids.SIGNING_TIME: ("Time", "RFC 5652, 11.3"),
        oids.MESSAGE_TYPE: ("messageType", "RFC 8894, 3.2.1.2"),
        oids.PKI_STATUS: ("pkiStatus", "RFC 8894, 3.2.1.3"),
        oids.FAIL_INFO: ("failInfo", "RFC 8894, 3.2.1.4"),
        oids.FAIL_INFO_TEXT: ("string", "RFC 8894, 3.2.1.4"),
        oids.SENDER_NONCE: ("OCTET STRING", "RFC 8894, 3.2.1.5"),
        oids.RECIPIENT_NONCE: ("OCTET STRING", "RFC 8894, 3.2.1.5"),
        oids.TRANSACTION_ID: ("string", "RFC 8894, 3.2.1.1"),
        oids.CHALLENGE_PASSWORD: ("string", "RFC 2985, 5.4.1"),
        oids.EXTENSION_REQUEST: ("Extensions", "RFC 2985, 5.4.2"),
        oids.MS_EXTENSION_REQUEST: ("Extensions", "RFC 2985, 5.4.2"),
        oids.VERISIGN_EXTENSION_REQUEST: ("Extensions", ""),
        oids.SMIME_CAPABILITIES: ("SMIMECapabilities", "RFC 8551, 2.5.2"),
        oids.CMS_ALGORITHM_PROTECTION: ("CMSAlgorithmProtection", "RFC 6211, 2"),
        oids.SIGNING_CERTIFICATE_V2: ("SigningCertificateV2", "RFC 5035, 3"),
        oids.RANDOM_NONCE: ("OCTET STRING", ""),
        oids.UNSTRUCTURED_NAME: ("string", "RFC 2985, 5.4.3"),
        oids.EMAIL_ADDRESS: ("string", "RFC 2985, 5.2.1"),
        oids.MS_OS_VERSION: ("string", "MS-WCCE, 2.2.2.7.1"),
        oids.MS_REQUEST_CLIENT_INFO: ("ClientInformation", ""),
        oids.MS_ENROLLMENT_CSP: ("CSPProvider", ""),
        oids.MS_ISSUED_CERT_HASH: ("OCTET STRING", "MS-WCCE, 2.2.2.7"),
    },
    "extension": {
        oids.KEY_USAGE: ("keyUsage", "RFC 5280, 4.2.1.3"),
        oids.BASIC_CONSTRAINTS: ("BasicConstraints", ""),
        oids.SUBJECT_KEY_IDENTIFIER: ("keyIdentifier", "RFC 5280, 4.2.1.2"),
        oids.AUTHORITY_KEY_IDENTIFIER: ("AuthorityKeyIdentifier", ""),
        oids.SUBJECT_ALT_NAME: ("GeneralNames", ""),
        oids.ISSUER_ALT_NAME: ("GeneralNames", "RFC 5280, 4.2.1.7"),
        oids.EXTENDED_KEY_USAGE: ("ExtKeyUsage", ""),
        oids.CRL_NUMBER: ("INTEGER", "RFC 5280, 5.2.3"),
        oids.REASON_CODE: ("reasonCode", "RFC 5280, 5.3.1"),
        oids.DELTA_CRL_INDICATOR: ("INTEGER", "RFC 5280, 5.2.4"),
        oids.INVALIDITY_DATE: ("Time", "RFC 5280, 5.3.2"),
        oids.ISSUING_DISTRIBUTION_POINT: ("IssuingDistributionPoint", ""),
        oids.NAME_CONSTRAINTS: ("NameConstraints", ""),
        oids.CRL_DISTRIBUTION_POINTS: ("CRLDistributionPoints", ""),
        oids.FRESHEST_CRL: ("CRLDistributionPoints", "RFC 5280, 4.2.1.15"),
        oids.CERTIFICATE_POLICIES: ("CertificatePolicies", ""),
        oids.AUTHORITY_INFO_ACCESS: ("AuthorityInfoAccess", ""),
        oids.SUBJECT_INFO_ACCESS: ("AuthorityInfoAccess", "RFC 5280, 4.2.2.2"),
        oids.NETSCAPE_CERT_TYPE: ("netscapeCertType", "Netscape"),
        oids.NETSCAPE_COMMENT: ("string", "Netscape"),
        oids.MS_CERTIFICATE_TEMPLATE_NAME: ("string", "MS-WCCE, 2.2.2.7.7.1"),
        oids.MS_CERTIFICATE_TEMPLATE: ("MicrosoftTemplate", ""),
        oids.MS_CA_VERSION: ("INTEGER", ""),
        oids.MS_APPLICATION_POLICIES: ("CertificatePolicies", ""),
        oids.CHALLENGE_PASSWORD: ("string", "RFC 2985, 5.4.1"),
    },
    "parameters": {
        oids.RSAES_OAEP: ("RSAES-OAEP-params", ""),
        oids.RSASSA_PSS: ("RSASSA-PSS-params", ""),
        oids.MGF1: ("AlgorithmIdentifier", "RFC 8017, A.2.1"),
        oids.P_SPECIFIED: ("OCTET STRING", "RFC 8017, A.2.1"),
        oids.EC_PUBLIC_KEY: ("OID", "RFC 5480, 2.1.1"),
        oids.PBKDF2: ("PBKDF2-params", ""),
        oids.PWRI_KEK: ("AlgorithmIdentifier", "RFC 3211, 3"),
        oids.RC2_CBC: ("RC2CBCParameter", ""),
        oids.DES_CBC: ("iv", "RFC 3370, 5"),
        oids.DES_EDE3_CBC: ("iv", "RFC 3370, 5"),
        oids.AES_128_CBC: ("iv", "RFC 3565, 4.1"),
        oids.AES_192_CBC: ("iv", "RFC 3565, 4.1"),
        oids.AES_256_CBC: ("iv", "RFC 3565, 4.1"),
        oids.BLOWFISH_CBC: ("iv", ""),
        oids.AES_128_GCM: ("GCMParameters", ""),
        oids.AES_192_GCM: ("GCMParameters", ""),
        oids.AES_256_GCM: ("GCMParameters", ""),
    },
    "key": {
        oids.RSA_ENCRYPTION: ("rsaKey", "RFC 5280, 4.1.2.7"),
        oids.RSASSA_PSS: ("rsaKey", "RFC 5280, 4.1.2.7"),
        oids.EC_PUBLIC_KEY: ("ecKey", "RFC 5480, 2.2"),
        oids.ED25519: ("BIT STRING", "RFC 8410, 4"),
    },
}
