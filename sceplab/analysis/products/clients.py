"""Codes of clients: exit codes of sscep, statuses of Cisco IOS, error numbers of Apple.

Rule: data only.
"""

from __future__ import annotations

from sceplab.analysis.products.code import Code

_APPLE_SOURCE = "MDM error code list"

EXITS: dict[tuple[str, int], Code] = {
    ("sscep", 2): Code("sscep exit 2", "pkiStatus FAILURE", "refused"),
    ("sscep", 3): Code("sscep exit 3", "pkiStatus PENDING", "pending"),
    ("sscep", 70): Code("sscep exit 70", "failInfo 0, badAlg", "badAlg"),
    ("sscep", 71): Code("sscep exit 71", "failInfo 1, badMessageCheck", "badMessageCheck"),
    ("sscep", 72): Code("sscep exit 72", "failInfo 2, badRequest", "badRequest"),
    ("sscep", 73): Code("sscep exit 73", "failInfo 3, badTime", "badTime"),
    ("sscep", 74): Code("sscep exit 74", "failInfo 4, badCertId", "badCertId"),
    ("sscep", 89): Code("sscep exit 89", "timeout", "no-reply"),
    ("sscep", 91): Code("sscep exit 91", "error with the self-signed certificate", "client-files"),
    ("sscep", 93): Code("sscep exit 93", "a file cannot be read or written", "client-files"),
    ("sscep", 95): Code("sscep exit 95", "network error", "no-network"),
    ("sscep", 97): Code("sscep exit 97", "the PKCS#7 could not be made or read", "reply-unreadable"),
    ("sscep", 99): Code("sscep exit 99", "the reply has no pkiStatus", "not-a-message"),
    ("certmonger", 2): Code("certmonger exit 2", "the CA refused", "refused"),
    ("certmonger", 3): Code(
        "certmonger exit 3", "CA unreachable, or its reply unreadable or unverified", "client-no-reply"
    ),
    ("certmonger", 4): Code("certmonger exit 4", "the configuration lacks something", "client-option"),
    ("certmonger", 1): Code("certmonger exit 1", "the CA has not decided", "pending"),
    ("certmonger", 5): Code("certmonger exit 5", "the CA has not decided", "pending"),
}
"""(program, exit code) -> meaning (sscep: src/sscep.h; certmonger-scep-submit(8))."""

CISCO: dict[int, Code] = {
    0x760: Code(
        "0x760 E_DIGEST_ALG_NOT_SUPPORTED",
        "the image does not know the digest",
        "reply-algorithm",
        "Have the CA sign with a digest that the image knows, or update the image.",
        "Cisco PKCS12 import notes",
    ),
    0x762: Code(
        "0x762 E_ENCRYPT_ALG_NOT_SUPPORTED",
        "the router does not support the cipher of the reply",
        "reply-algorithm",
        "Have the CA answer in a cipher that the router knows (3DES for old images), or update the image.",
        "github.com/seize-the-dave/jscep/issues/97",
    ),
    102: Code("status 102", "certificate request is pending", "pending", "", "Cisco PKI lab notes"),
    101: Code("status 101", "certificate request is rejected", "refused", "", "Cisco IOS-XE and step-ca incident note"),
}
"""`status =` of CRYPTO_PKI -> meaning."""

APPLE: dict[int, Code] = {
    22000: Code("MCSCEPErrorDomain 22000", "invalid key usage", "ca-usage", "", _APPLE_SOURCE),
    22001: Code("MCSCEPErrorDomain 22001", "the key pair cannot be made", "client-key", "", _APPLE_SOURCE),
    22002: Code("MCSCEPErrorDomain 22002", "the CA's response is invalid", "ca-form", "", _APPLE_SOURCE),
    22003: Code(
        "MCSCEPErrorDomain 22003",
        "the RA's response is invalid",
        "untrusted-root",
        "Deploy the root that issued the RA's certificate, and look at the chain that GetCACert returns.",
        _APPLE_SOURCE,
    ),
    22004: Code(
        "MCSCEPErrorDomain 22004", "the certificate configuration is not supported", "profile", "", _APPLE_SOURCE
    ),
    22005: Code("MCSCEPErrorDomain 22005", "network error", "no-network", "", _APPLE_SOURCE),
    22006: Code(
        "MCSCEPErrorDomain 22006",
        "the CA's capabilities do not suffice",
        "caps-weak",
        "Offer POSTPKIOperation, SHA-256, and AES or DES3 in GetCACaps.",
        _APPLE_SOURCE,
    ),
    22007: Code("MCSCEPErrorDomain 22007", "the signed certificate is invalid", "issued-unusable", "", _APPLE_SOURCE),
    22008: Code("MCSCEPErrorDomain 22008", "the identity cannot be made", "issued-unusable", "", _APPLE_SOURCE),
    22009: Code("MCSCEPErrorDomain 22009", "no temporary identity can be made", "client-key", "", _APPLE_SOURCE),
    22010: Code("MCSCEPErrorDomain 22010", "the temporary identity cannot be stored", "client-key", "", _APPLE_SOURCE),
    22011: Code("MCSCEPErrorDomain 22011", "the CSR cannot be made", "ca-without-rsa", "", _APPLE_SOURCE),
    22012: Code("MCSCEPErrorDomain 22012", "the CA certificate cannot be stored", "ca-form", "", _APPLE_SOURCE),
    22013: Code(
        "MCSCEPErrorDomain 22013",
        "the PKIOperation response is invalid",
        "reply-unreadable",
        "Look at the reply: status, Content-Type, the issued certificate first, no root inside.",
        _APPLE_SOURCE,
    ),
    14003: Code(
        "MDM-SCEP:14003",
        "the CSR cannot be made: GetCACert gave no RSA certificate to encrypt for",
        "ca-without-rsa",
        "Give the server an RSA decrypter (an RA certificate).",
        "step-ca provisioning notes",
    ),
    14006: Code(
        "MDM-SCEP:14006",
        "the certificate was refused; often the challenge",
        "challenge-refused",
        "Compare the challenge of the profile with the CA's.",
        "Connector for SCEP with Jamf Pro",
    ),
    15001: Code(
        "MDM-SCEP:15001", "no certificate was obtained; trying again can help", "refused", "", "Jamf Pro guide"
    ),
    15002: Code("MDM-SCEP:15002", "no certificate was obtained: the CA refused", "refused", "", "FastPKI user guide"),
}
"""Apple's codes -> meaning."""

FAIL_INFOS: dict[int, Code] = {
    0: Code("failInfo 0", "badAlg", "badAlg"),
    1: Code("failInfo 1", "badMessageCheck", "badMessageCheck"),
    2: Code("failInfo 2", "badRequest", "badRequest"),
    3: Code("failInfo 3", "badTime", "badTime"),
    4: Code("failInfo 4", "badCertId", "badCertId"),
}
"""failInfo as a number in words -> meaning (RFC 8894, 3.2.1.4)."""

PKI_STATUSES: dict[int, Code] = {
    2: Code("pkiStatus 2", "FAILURE", "refused", vague=True),
    3: Code("pkiStatus 3", "PENDING", "pending"),
}
"""pkiStatus as a number in words -> meaning, without SUCCESS (RFC 8894, 3.2.1.3)."""
