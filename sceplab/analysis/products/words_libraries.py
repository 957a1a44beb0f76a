"""Words of languages, libraries and systems in which clients and servers are written: errno, TLS, ASN.1, CMS.

Rule: data only. They name what failed, not in which product; `speaker` turns a fault
of the request into one of the reply where a client writes them.
"""

from __future__ import annotations

from sceplab.analysis.products.saying import Saying

_GO = "golang: net, net/http, crypto/tls, crypto/x509"
_JAVA = "OpenJDK: java.net, javax.net.ssl, java.security"
_NET = "dotnet/runtime: System.Net, System.Security.Cryptography"
_NODE = "nodejs.org, errors; OpenSSL, X509_verify_cert_error_string"
_CURL = "curl.se, libcurl-errors"
_BC = "bcgit/bc-java: ASN1InputStream, CMS"
_PYTHON = "urllib3, requests, cryptography: exceptions"
_OPENSSL = "OpenSSL: crypto/err, crypto/asn1"
_WEB_NAME = "Issue a web certificate with the name that the client calls."
_WEB_EXPIRED = "Renew the server's web certificate, or set the client's clock."
_WEB_ROOT = "Give the client the root (and the server the intermediates) of the web certificate."

LIBRARIES: tuple[Saying, ...] = (
    # ---- TLS: the web certificate, before any SCEP
    Saying(
        "TLS",
        r"\b(?:Get|Post|Head) \"?[^\n]{0,600}x509: certificate has expired|(?:SSL|TLS|https|(?<!certificate\s)server)[^\n]{0,80}(?<!CA\s)(?<!RA\s)certificate (?:has )?expired|"
        r"CERT_HAS_EXPIRED|sslv3 alert certificate expired|CertificateExpiredException[^\n]{0,400}SSL|SSL[^\n]{0,400}CertificateExpiredException",
        "tls",
        _WEB_EXPIRED,
        _GO,
    ),
    Saying(
        "TLS",
        r"ERR_TLS_CERT_ALTNAME_INVALID|Hostname mismatch|RemoteCertificateNameMismatch|"
        r"x509: (?:certificate is valid for|cannot validate certificate for)|doesn.t match (?:target host ?name|certificate)|"
        r"does not match target host|No name matching \S{1,200} found|SSL_ERROR_BAD_CERT_DOMAIN",
        "tls",
        _WEB_NAME,
        _GO,
    ),
    Saying(
        "TLS",
        r"SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT|"
        r"RemoteCertificateChainErrors|remote certificate (?:is|was) (?:invalid|rejected)|Trust anchor for certification path|"
        r"tls: failed to verify certificate|(?:Get|Post) \"?[^\n]{0,600}x509: |unable to get local issuer certificate \(_ssl",
        "tls",
        _WEB_ROOT,
        _NODE,
    ),
    Saying(
        "TLS",
        r"tls: (?:handshake failure|protocol version|no (?:application|supported)|bad certificate|unrecognized name|first record)|"
        r"remote error: tls|TLS fatal alert|SSL connection could not be established|EPROTO\b|wrong version number|no protocols? available|"
        r"unsupported protocol|no cipher match|no shared cipher|tlsv1 alert|SSL routines|"
        r"SSLException|SSL peer shut down|errSSL\w+|ERR_SSL\w+|SEC_E_(?:ILLEGAL_MESSAGE|UNTRUSTED_ROOT|CERT_UNKNOWN)|"
        r"Could not create SSL/TLS secure channel|underlying connection was closed[^\n]{0,80}trust",
        "tls",
        "",
        _JAVA,
    ),
    Saying(
        "Android, Apple",
        r"CLEARTEXT communication[^\n]{0,200}not permitted|ERR_CLEARTEXT_NOT_PERMITTED|UnknownServiceException",
        "https",
        "Use an https URL, or allow plain HTTP for the SCEP host in the app's network security.",
        "developer.android.com, network security configuration",
    ),
    # ---- the network
    Saying(
        "name resolution",
        r"\bENOTFOUND\b|\bEAI_(?:AGAIN|NONAME|NODATA|FAIL)\b|getaddrinfo|gaierror|nodename nor servname|Name does not resolve|"
        r"Temporary failure in name resolution|No address associated with hostname|Unable to resolve host|"
        r"NameResolutionError|curl: \(6\)|CURLE_COULDNT_RESOLVE|remote name could not be resolved|No such host is known|"
        r"NSURLErrorDomain\D{0,20}-100[36]\b|hostname could not be found|WSAHOST_NOT_FOUND|\b11001\b[^\n]{0,40}host|"
        r"dial tcp: lookup |lookup \S{1,200} on \S{1,80}: |Bad hostname|DNS (?:lookup|resolution|query)[^\n]{0,40}(?:fail|error|timed)",
        "no-network",
        "Correct the host name in the SCEP URL, or the client's DNS server.",
        _NODE,
    ),
    Saying(
        "network",
        r"\bECONNREFUSED\b|\bEHOSTUNREACH\b|\bENETUNREACH\b|\bEHOSTDOWN\b|actively refused|NewConnectionError|ConnectTimeout|"
        r"ConnectionRefused|HttpHostConnectException|curl: \((?:7|28)\)[^\n]{0,200}connect|CURLE_COULDNT_CONNECT|"
        r"Can.t connect to \S{1,200}:\d|dial tcp[^\n]{0,120}(?:i/o timeout|refused|unreachable|no route)|WSAECONNREFUSED|WSAETIMEDOUT|"
        r"network location cannot be reached|No network (?:route|connection)|connect: (?:connection refused|network is|no route)",
        "no-network",
        "",
        _NODE,
    ),
    Saying(
        "network",
        r"\bECONNRESET\b|\bEPIPE\b|\bECONNABORTED\b|ESOCKETTIMEDOUT|socket hang up|broken pipe|RemoteDisconnected|"
        r"ReadTimeout|BadStatusLine|IncompleteRead|ConnectionResetError|forcibly closed|\bEOFException|unexpected EOF while reading|premature(?:ly)? (?:clos|end|EOF)|"
        r"unexpected end of (?:stream|file from server)|NoHttpResponseException|failed to respond|"
        r"curl: \((?:28|52|56)\)|server closed (?:the )?(?:idle )?connection|(?:Get|Post) \"?[^\"\n]{0,600}\"?: (?:EOF|unexpected EOF)|"
        r": EOF ?$|Client\.Timeout exceeded|awaiting headers|TaskCanceledException|"
        r"request was (?:aborted|canceled due to the configured)|WSAECONNRESET|NSURLErrorDomain\D{0,20}-1005\b|network connection was lost",
        "no-reply",
        "",
        _GO,
    ),
    # ---- the store behind a server
    Saying(
        "database",
        r"Duplicate entry '|duplicate key value violates|UNIQUE constraint failed|ORA-00001\b|Violation of (?:UNIQUE|PRIMARY) KEY|"
        r"IntegrityError[^\n]{0,120}(?:unique|duplicate)|E11000 duplicate",
        "subject-exists",
        "The server's store has an entry of this name: revoke or delete it, or change the subject.",
        "MySQL 1062, PostgreSQL 23505, SQLite",
    ),
    Saying(
        "database",
        r"\bbolt: |timeout acquiring lock|SQLException|OperationalError|too many clients already|Communications link failure|database is locked|"
        r"DBI connect|could not connect to (?:the )?(?:database|server: )|Lost connection to MySQL|JDBC[^\n]{0,60}(?:fail|error|exception)",
        "ca-cannot-sign",
        "Bring the CA's database back.",
        "JDBC, DBI, psycopg, SQLAlchemy: errors",
    ),
    Saying(
        "system",
        r"No space left on device|\bENOSPC\b|read-only file system|\bEROFS\b|disk (?:is )?full|quota exceeded \(\d",
        "ca-cannot-sign",
        "Free the CA's disk.",
        "errno(3)",
    ),
    Saying(
        "system",
        r"OutOfMemoryError|java heap space|unable to create (?:new )?native thread|\bOOM\b|\bENOMEM\b|Cannot allocate memory|"
        r"\bEMFILE\b|too many open files",
        "overloaded",
        "",
        "errno(3); OpenJDK",
    ),
    # ---- algorithms that the own library lacks
    Saying(
        "crypto library",
        r"Illegal key size|NoSuchAlgorithmException|NoSuchPaddingException|Could not create \w+ cipher|"
        r"Cannot find any provider supporting|not available in FIPS|FIPS mode|disabled for fips|"
        r"unsupported hash type|UnsupportedAlgorithm|Unknown (?:message )?digest|unknown cipher|"
        r"\bunsupported:crypto/evp|algorithm is not supported for (?:cryptographic|this) |NTE_BAD_ALGID|"
        r"(?:encryption|digest|signature|cipher|key transport) (?:algorithm )?(?:OID )?[\w.-]{1,60}[^\n]{0,40}(?:unsupported|not supported|not implemented)|"
        r"disabled (?:algorithm|by (?:policy|jdk))|Algorithm constraints check failed",
        "algorithm-refused",
        "Use SHA-256 and AES-128-CBC, or enable the algorithm in the library (its crypto policy).",
        _JAVA,
    ),
    # ---- decryption
    Saying(
        "crypto library",
        r"pad block corrupted|InvalidCipherText|BadPadding|bad decrypt\b|padding check failed|block type is not 02|"
        r"data too (?:large|small) for (?:key size|modulus)|AEADBadTag|does not contain the specified recipient|no enveloped recipient|"
        r"RecipientInfo[^\n]{0,60}(?:not found|no match|null)|no recipients? (?:found|match\w*)|recipient info[^\n]{0,40}(?:could not be|cannot be|not) match|No recipient for (?:this|our) (?:key|certificate)|"
        r"rsa routines[^\n]{0,80}(?:padding|oaep|decrypt)|unwrap(?:ping)? (?:the )?key[^\n]{0,40}(?:fail|error)|InvalidKeyException[^\n]{0,60}unwrap|"
        r"bad (?:key or|password or)|final block (?:not properly padded|length)|wrong final block length",
        "cannot-decrypt",
        "",
        _BC,
    ),
    # ---- signatures
    Saying(
        "crypto library",
        r"SignerInfo[^\n]{0,60}(?:fail|invalid|mismatch)|CMSVerifierCertificateNotValid|CMSSignerDigestMismatch|"
        r"message-?digest attribute (?:value )?does not match|digest (?:check failed|mismatch|does not match)|hash value is not correct|"
        r"InvalidSignature\b|bad signature\b|signature (?:check failed|was not valid|did not verify)|"
        r"rsa routines[^\n]{0,80}bad signature|crypto/rsa: verification error",
        "server-rejects-signature",
        "",
        _BC,
    ),
    # ---- bytes that are no DER
    Saying(
        "ASN.1 library",
        r"Too few bytes to (?:read|parse)|Unparsed DER bytes|corrupted stream|out of bounds length|DEF length \d+ object truncated|object truncated|unknown tag \d+ encountered|"
        r"unexpected end-of-contents|DERParseException|ASN1ParsingException|ASN\.?1 (?:corrupted|value[^\n]{0,40}not|bad tag|parse)|"
        r"error parsing asn1|ParseError \{ kind|ASN1 (?:parsing|decoding) (?:error|failed)|Asn1Error|PyAsn1Error|Malformed content|IOException reading content|"
        r"extra data (?:found )?(?:after|at end)|trailing data|asn1_d2i|nested asn1 error|TagUnexpected|Unexpected ?Tag|expected: Some\(Tag|header too long|not enough (?:data|bytes)|"
        r"ClassCastException[^\n]{0,200}\basn1\b|invalid (?:DER|BER|ASN\.1)|The encoded (?:data|length)|"
        r"illegal object in getInstance|Unable to (?:parse|decode) (?:the )?(?:PKCS ?#?7|CMS|message|request)|no start line|BadTag",
        "not-a-request",
        "",
        _BC,
    ),
    # ---- the command line
    Saying(
        "command line",
        r"(?:unrecogni[sz]ed|unknown|invalid|illegal) (?:command line )?(?:option|argument|flag|switch|parameter)\b[^\n]{0,20}-|flag provided but not defined|"
        r"(?:missing|required) (?:command line )?(?:option|argument|flag)s?\b|option `?'?-{1,2}[\w-]{1,40}'? (?:also )?(?:needs|requires|is required|must)|"
        r"the following arguments are required|arg(?:ument)? -{1,2}\w+: (?:invalid|expected)",
        "client-option",
        "",
        "getopt(3), argparse, Go flag",
    ),
    # ---- time
    Saying(
        "any program",
        r"(?<!or\sis\s)(?<!or\s)not yet valid|valid(?:ity)? (?:starts|begins) in the future|(?:device|system|local) (?:time|clock)[^\n]{0,40}(?:19[6-9]\d|200\d|wrong|off by|behind|ahead)|clock skew|time (?:difference|drift)",
        "clock",
        "Set the clocks (NTP).",
        "RFC 5280, 4.1.2.5",
    ),
)
