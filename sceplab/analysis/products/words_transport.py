"""Words of the libraries that carry HTTP: names (DNS), sockets, TLS; many products print them as they are.

Rule: data only. They are tried after the sentences of products, before words of any product.
"""

from __future__ import annotations

from sceplab.analysis.products.saying import Saying

_OPENSSL = "OpenSSL, ssl/ssl_err.c; curl, libcurl-errors(3)"
_TRUST = "Put the CA of the server's TLS certificate into the client's trust store, and serve the whole chain."
_NAME = "Issue a TLS certificate with the name that the client calls, or correct the host in the URL."
_DATE = "Renew the server's TLS certificate, and check the client's clock."
_VERSIONS = "Allow a TLS version and cipher on the server that the client knows (TLS 1.2), or update the client."
_DNS = "Correct the host name in the SCEP URL, or the client's DNS server."
_PORT = "Start the service, and check port and firewall: something answers that nobody listens there."
_ROUTE = "Check route, firewall and source interface from the client to the server."

TRANSPORT: tuple[Saying, ...] = (
    Saying(
        "TLS",
        r"tls(?:v1(?:\.?3)?)? alert certificate required|alert number 116\b|peer did not return a certificate|"
        r"client certificate(?: \w+){0,2} (?:required|missing|needed|not (?:sent|presented|provided|supplied))|"
        r"(?:no|without a?) client certificate (?:was )?(?:presented|sent|provided|supplied)|"
        r"GNUTLS_E_CERTIFICATE_REQUIRED|SSL_ERROR_RX_CERTIFICATE_REQUIRED_ALERT|ERR_BAD_SSL_CLIENT_AUTH_CERT",
        "tls-client-certificate",
        "",
        _OPENSSL,
    ),
    Saying(
        "TLS",
        r"no alternative certificate subject name matches|certificate is (?:not )?valid for [^\n]{1,200}, not |"
        r"host ?name[^.\n]{0,60}(?:mismatch|(?:does not|doesn.t|not) match)|doesn.t match host name|"
        r"SSL_ERROR_BAD_CERT_DOMAIN|CERT_(?:COMMON_NAME|CN)_INVALID|RemoteCertificateNameMismatch",
        "tls",
        _NAME,
        _OPENSSL,
    ),
    Saying(
        "TLS",
        r"(?:\b(?:SSL|TLS|https)\b|certificate.?verify.?failed)[^\n]{0,200}certificate (?:has |is )?(?:expired|not yet valid)|"
        r"sslv3 alert certificate expired|SEC_ERROR_EXPIRED_CERTIFICATE|CERT_DATE_INVALID|\bERR_CERT_DATE\b",
        "tls",
        _DATE,
        _OPENSSL,
    ),
    Saying(
        "TLS",
        r"unable to get (?:local )?issuer certificate|(?<!pkcs7:\sx509:\s)certificate signed by unknown authority|alert unknown ca\b|"
        r"self.?signed certificate(?: in (?:the )?(?:certificate )?chain)?(?= |$|[,;:)\"'])(?=[^\n]{0,80}(?:verif|curl|SSL|TLS|https|num=))|"
        r"SEC_ERROR_(?:UNKNOWN|UNTRUSTED)_ISSUER|CERT_AUTHORITY_INVALID|RemoteCertificateChainErrors|"
        r"WINHTTP_CALLBACK_STATUS_FLAG_INVALID_CA|unable to find valid certification path|"
        r"trust relationship for the SSL/TLS|remote certificate (?:is|was) (?:invalid|rejected)",
        "tls",
        _TRUST,
        _OPENSSL,
    ),
    Saying(
        "TLS",
        r"wrong version number|http request(?=[^\n]{0,40}(?:SSL|TLS)|$)|SSL_ERROR_RX_RECORD_TOO_LONG|"
        r"unrecognized SSL message, plaintext|unexpected message[^\n]{0,40}plain ?text|GNUTLS_E_UNEXPECTED_PACKET_LENGTH",
        "https",
        "The URL says https and the server speaks plain HTTP at that port, or the other way: correct the URL.",
        _OPENSSL,
    ),
    Saying(
        "TLS",
        r"alert protocol version|alert handshake failure|no shared cipher|no protocols available|no cipher match|"
        r"(?:ssl|tls) version[^.\n]{0,40}(?:mismatch|unsupported|not (?:supported|match))|SSL_ERROR_(?:NO_CYPHER|UNSUPPORTED_VERSION)\w*|"
        r"Received fatal alert: (?:handshake_failure|protocol_version)|unsupported TLS version|protocol is disabled or cipher suites|"
        r"fatal alert code is (?:40|70|71)\b|dh key too small|ee key too small|ca md too weak",
        "tls",
        _VERSIONS,
        _OPENSSL,
    ),
    Saying(
        "TLS",
        r"certificate.?verify.?failed|(?:SSL|TLS|https)[^\n]{0,80}certificate verification (?:error|fail\w*)|SSL peer certificate|"
        r"fatal alert code is \d|(?:TLS|SSL)[^.\n]{0,30}fatal alert|SSL alert number \d|sslv3 alert|tlsv1 alert|"
        r"\b(?:SEC|SSL)_ERROR_[A-Z_]{3,}|GNUTLS_E_\w+|TLS connection was non-properly terminated|"
        r"\bSSL_(?:connect|accept)\b[^\n]{0,40}(?:error|fail|syscall)|SSL(?:/TLS)? (?:connect|connection|handshake|secure channel) (?:error|fail\w*|could not)|"
        r"(?:could not|cannot|unable to|failed to) (?:create|establish)[^.\n]{0,20}(?:SSL|TLS)|handshake[^.\n]{0,20}(?:fail|error|abort)|"
        r"SSL-3-BAD_CERT|SSL_HANDSHAKE_FAILURE|(?:javax\.net\.ssl\.)?SSL(?:Handshake)?Exception|schannel[^\n]{0,60}(?:fail|error)|"
        r"\bSSL: [A-Z_]{4,}\]|(?:secure|SSL|TLS) channel (?:error|fail\w*)|unsupported protocol",
        "tls",
        "",
        _OPENSSL,
    ),
    Saying(
        "curl", r"\bcurl\W{1,3}(?:error )?\(?(?:35|51|53|54|58|59|60|66|77|80|83|90|91)\)?(?=\W|$)", "tls", "", _OPENSSL
    ),
    Saying("curl", r"\bcurl\W{1,3}(?:error )?\(?[56]\)?(?=\W|$)", "no-network", _DNS, _OPENSSL),
    Saying("curl", r"\bcurl\W{1,3}(?:error )?\(?7\)?(?=\W|$)", "no-network", "", _OPENSSL),
    Saying("curl", r"\bcurl\W{1,3}(?:error )?\(?(?:28|52|55|56)\)?(?=\W|$)", "no-reply", "", _OPENSSL),
    Saying(
        "DNS",
        r"\bNXDOMAIN\b|\bSERVFAIL\b|getaddrinfo|gethostbyname|\bEAI_[A-Z]+|\bENOTFOUND\b|temporary failure in name resolution|"
        r"nodename nor servname|no address associated|resolving error|HOSTNAME_RESOLVE_ERR|ERR_NAME_NOT_RESOLVED|"
        r"(?:DNS|name|host ?name)[ -](?:look-?up|resolution|query|resolve)[^.\n]{0,30}(?:fail\w*|error|time\w* ?out)|"
        r"DNS (?:error|failure|timeout)|(?:fail\w*|error|unable|could not|cannot|couldn.t)[^.\n]{0,20}resolv\w*|"
        r"(?:remote|server|host) ?name[^.\n]{0,20}(?:could not|cannot|not) be resolved|no such host|NSURLErrorDomain\D{0,20}-1003\b",
        "no-network",
        _DNS,
        "resolver(3), Windows Sockets",
    ),
    Saying(
        "sockets",
        r"\bECONNREFUSED\b|connection refused|actively refused|\berrno\D{0,3}111\b|WSAECONNREFUSED|PR_CONNECT_REFUSED",
        "no-network",
        _PORT,
        "connect(2), Windows Sockets",
    ),
    Saying(
        "sockets",
        r"\bE(?:HOST|NET)UNREACH\b|\berrno\D{0,3}11[03]\b|no route to (?:the )?host|(?:host|network|destination)(?: host| net)? (?:is )?unreachable|"
        r"connected party did not properly respond|unable to connect to the remote server|connection attempt failed|"
        r"(?:\bCA\b|server|host|peer)[^.\n]{0,60}(?:is |was )?(?:unreachable|not reachable|could not be (?:reached|contacted))",
        "no-network",
        _ROUTE,
        "connect(2), Windows Sockets",
    ),
)
