"""Who wrote a line of a log: a SCEP client or a server; and what a library's words mean from each of them.

Rule: "cannot decrypt" of a server is about the request, of a client about the reply. Only
words of libraries are turned: the sentences of a product are about what their table says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_CLIENT = re.compile(
    r"\bsscep\b|scep-?client|jscep\.(?:client|transaction)|ClientException|\bTransactionException|EnrollmentTransaction|"
    r"\bcertmonger\b|scep-submit|\bprofiled\b|mdmclient|strongswan|pki --scep|\bCertRep\b|\bPSCEP\b|omadm|"
    r"CertificateEnrollmentManager|(?:parse|decode|read|verify|decrypt|unwrap|process)\w*[^.\n]{0,30}\b(?:reply|response|CertRep)\b|"
    r"PKI Status: |getca: |\benroll(?:er|ment client)\b|(?:read|load|pars|decod)\w*[^.\n]{0,15}CA cert|"
    r"(?:GetCACert|GetCACaps)[^.\n]{0,20}(?:failed|error|:)|get_?ca_?cert|load_der_x509|DecodeCertRep|GetIssuedCert|"
    r"\bclient\.(?:py|go|js|ts|rb|java|cs|c)\b|\bin (?:_?enrol\w*|get_cert\w*)\b|"
    r"CRYPTO_PKI|%PKI-|ScepCertInstall|new transaction",
    re.IGNORECASE,
)
_SERVER = re.compile(
    r"scep_?service|scep-?server|\bstep-ca\b|name=ca\b|\bservlet\b|ScepServlet|jscep\.server|\bejbca\b|openxpki|dogtag|"
    r"CRSEnrollment|\bNDES\b|\bmscep\b|remote-?addr|ScepController|Scep\.?Server|http-nio|default task-|\bscepd?\[|"
    r"PKIOperation (?:handler|from)|"
    r"(?:process|parse|decode|read|verify|decrypt|unwrap|handl)\w*[^.\n]{0,30}\b(?:PKIOperation|PKCSReq|request)\b|"
    r"\bserver\.(?:py|go|js|ts|rb|java|cs|c)\b|http-status|status=[45]\d\d|\bRA\]|\bra server\b",
    re.IGNORECASE,
)
_ABOUT_CA = re.compile(
    r"GetCACert|getca\b|get_?ca_?cert|CA cert|_ca\b|load_der_x509|CaCertificate|x509_certificate", re.IGNORECASE
)
_LIBRARIES = frozenset(
    {"Go x509", "Go pkcs7", "Go asn1", "Go", "Java", "crypto library", "ASN.1 library", "any server", "any client"}
)
_OF_REPLY: Mapping[str, str] = {
    "cannot-decrypt": "reply-unreadable",
    "server-rejects-signature": "reply-unverified",
    "not-a-request": "reply-unreadable",
    "algorithm-refused": "reply-algorithm",
}


def is_client(text: str) -> bool:
    """Whether words are those of a client alone."""
    return _CLIENT.search(text) is not None and _SERVER.search(text) is None


def is_server(text: str) -> bool:
    """Whether words are those of a server."""
    return _SERVER.search(text) is not None


def of_reply(fault: str, product: str, text: str) -> str:
    """Return the fault that a client means with words that are about the request where a server writes them."""
    if product not in _LIBRARIES:
        return fault
    if fault == "not-a-request" and _ABOUT_CA.search(text):
        return "ca-form"
    return _OF_REPLY.get(fault, fault)
