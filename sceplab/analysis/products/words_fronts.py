"""What stands in front of a SCEP server writes: reverse proxies, load balancers, filters, clouds, portals.

Rule: data only, of pages and error logs. They answer in the server's place, so they say what is
between client and server.
"""

from __future__ import annotations

from sceplab.analysis.products.saying import Saying

_NGINX = "nginx: src/http, error pages"
_APACHE = "httpd: log message tags (AH...)"
_CLOUDFLARE = "developers.cloudflare.com, 5xx and 1xxx errors"
_AWS = "docs.aws.amazon.com, ALB and CloudFront errors"
_ENVOY = "envoyproxy.io, response flags"
_LINE = "Use POST, or let the proxy take longer lines (large_client_header_buffers, LimitRequestLine, tune.bufsize)."

FRONTS: tuple[Saying, ...] = (
    # ---- the length of a request
    Saying(
        "nginx, Apache, Tomcat",
        r"Request Header (?:Or Cookie )?(?:Fields )?Too Large|request line longer than|URI too long|LimitRequest(?:Line|FieldSize)|"
        r"client sent too long (?:URI|header)|Request header is too large|AH0013[45]|Invalid URI in request[^\n]{0,40}too long|"
        r"\b431\b[^\n]{0,30}Header|upstream sent too big|maxQueryString|The request URI is longer|PR--[^\n]{0,200}\b400\b|header (?:line )?too long[^\n]{0,80}HTTP",
        "too-long",
        _LINE,
        _NGINX,
    ),
    Saying(
        "nginx, Apache",
        r"client intended to send too large body|AH01587|AH0158\d|Request body exceeds|SecRequestBodyLimit|body_too_large|"
        r"body size limit|\b(?:body|payload|entity)[^.\n]{0,20}(?:is |was )?too large|exceeds? (?:the )?(?:max\w*|configured) (?:body|request|size)",
        "too-large",
        "Raise the proxy's limit for bodies (client_max_body_size, LimitRequestBody).",
        _NGINX,
    ),
    # ---- filters and portals
    Saying(
        "Cloudflare, Imperva, Akamai",
        r"Just a moment\.\.\.|Enable JavaScript and cookies|Checking your browser|cf-mitigated|Attention Required! \| Cloudflare|"
        r"error code: 10(?:06|09|10|12|15|20)\b|Incapsula incident|_Incapsula_|You have been blocked|Sucuri Website Firewall|"
        r"Reference(?:&#32;|\s){1,3}(?:&#35;|#)\d+(?:&#46;|\.)[0-9a-f]{4,}|errors\.edgesuite\.net|Powered by (?:Incapsula|Imperva)|PerimeterX|Please verify you are a human",
        "filtered",
        "Let the SCEP path through the bot filter: a SCEP client runs no JavaScript.",
        _CLOUDFLARE,
    ),
    Saying(
        "F5, FortiWeb, Barracuda, ModSecurity",
        r"requested URL was rejected\. ?Please consult|Your support ID is|Web Page Blocked|Application (?:Firewall|Security)|attack ID|"
        r"ModSecurity: (?:Access denied|Rejecting)|\[id \"9[0-9]{5}\"\]|Request blocked by|Web Application Firewall|"
        r"\bWAF\b[^\n]{0,60}(?:block|den|reject|rule)|(?:block|den|reject)\w*[^\n]{0,60}\bWAF\b|ASM_?VIOLATION",
        "filtered",
        "Use POST, or allow the SCEP path and the characters of base64 in the filter.",
        "F5, FortiWeb, ModSecurity: block pages",
    ),
    Saying(
        "identity provider",
        r"Username/Password Authentication Failed|Sign in to your account|login\.microsoftonline\.com|SAMLRequest|Single Sign-?On|oauth2/authorize|Duo Security|okta\.com/|"
        r"adfs/ls|Access Proxy login|cloudflareaccess\.com|Cloudflare Access",
        "login",
        "Publish the SCEP path without sign-in (pass-through): SCEP clients cannot log in.",
        "learn.microsoft.com, application proxy",
    ),
    Saying(
        "captive portal",
        r"captive ?portal|hotspot login|guest (?:access|portal|network)[^\n]{0,60}(?:log|accept|terms)|accept (?:the )?terms",
        "html-reply",
        "A captive portal answers: connect to the network first, or exempt the SCEP host.",
        "RFC 8910",
    ),
    # ---- http and https
    Saying(
        "nginx, Apache",
        r"plain HTTP request was sent to HTTPS port|speaking plain HTTP to an SSL-enabled|Client sent an HTTP request to an HTTPS server",
        "https",
        "Use the https URL, or a port without TLS.",
        _NGINX,
    ),
    Saying(
        "nginx, Apache",
        r"No required SSL certificate was sent|SSL certificate error[^\n]{0,60}400|client SSL certificate verify error|client certificate[^.\n]{0,40}(?:required|not provided|missing)|"
        r"peer did not return a certificate|bad_certificate \(|certificate required\b|AH02039|Certificate Verification: Error",
        "tls-client-certificate",
        "",
        _NGINX,
    ),
    # ---- the way to the server behind
    Saying(
        "Cloudflare",
        r"\b52[0-4]\b[: |]{1,3}(?:Web server|Connection timed|Origin|A timeout|unknown error)|Error code:? ?52[0-4]\b|error code: 52[0-4]|"
        r"Cloudflare[^\n]{0,80}origin (?:web )?server|Argo Tunnel error|Error 1033|error code: 10(?:16|33)",
        "gateway",
        "",
        _CLOUDFLARE,
    ),
    Saying(
        "Cloudflare",
        r"\b52[56]\b[: |]{1,3}(?:SSL|Invalid SSL)|Error code:? ?52[56]\b|error code: 52[56]|Invalid SSL certificate",
        "gateway",
        "The proxy does not accept the SCEP server's TLS certificate: renew it, or correct the proxy's TLS mode.",
        _CLOUDFLARE,
    ),
    Saying(
        "nginx, Apache, HAProxy, Envoy",
        r"while (?:connecting to|reading response header from|SSL handshaking to) upstream|upstream (?:prematurely closed|timed out|sent)|"
        r"no live upstreams|no healthy upstream|upstream connect error|host not found in upstream|upstream request timeout|"
        r"AH0(?:0957|1114|0898|1102|1079|0895)\b|error reading (?:status line )?from remote server|DNS lookup failure for|"
        r"proxy server received an invalid response|HTTP: attempt to connect to|No server is available to handle|<NOSRV>|"
        r"Server \S{1,120} is DOWN|backend \S{1,120} has no server available|didn.t respond in time|upstream_reset|no_healthy_upstream|"
        r"upstream_response_timeout|delayed[_ ]connect[_ ]error|Backend fetch failed|Guru Meditation|backend (?:is )?unhealthy|"
        r"dial tcp[^\n]{0,120}(?:502|Bad Gateway)|(?:502|504) [^\n]{0,60}(?:caused by|dial tcp)|'502 Bad Gateway' caused by",
        "gateway",
        "",
        _ENVOY,
    ),
    Saying(
        "CloudFront, Azure, Google",
        r"CloudFront (?:attempted|wasn.t able|could not)|Failed to contact the origin|Microsoft-Azure-Application-Gateway|"
        r"Our services aren.t available right now|OriginConnection|Backend server did not respond|Error: Server Error The server encountered a temporary|"
        r"connector (?:is )?(?:not (?:available|connected)|timed out)[^\n]{0,60}|BadGateway: This corporate app|This corporate app can.t be accessed|GatewayTimeout",
        "gateway",
        "",
        _AWS,
    ),
    Saying(
        "forward proxy",
        r"ERR_(?:CONNECT_FAIL|DNS_FAIL|READ_TIMEOUT|CANNOT_FORWARD|ZERO_SIZE_OBJECT)|The requested URL could not be retrieved[^\n]{0,400}(?:Connection to|Unable to determine)",
        "gateway",
        "",
        "Squid: error pages",
    ),
    Saying(
        "forward proxy",
        r"403 ?\(?Forbidden[^\n]{0,60}\bIP\b|\bIP (?:address )?(?:allow|white|block|deny|access)[- ]?list|client denied by server configuration|access forbidden by rule|"
        r"ERR_(?:CACHE_)?ACCESS_DENIED|TCP_DENIED/403|Zscaler|Blue ?Coat|Forcepoint|Websense|policy_denied|Internet Usage Policy|"
        r"(?:web|URL|content) (?:site )?(?:filter|category|categorization)[^\n]{0,80}(?:block|den)|[Bb]locked by (?:a |the )?(?:content|web|URL) filter",
        "forbidden",
        "Let the SCEP server's address pass the web filter without inspection.",
        "Squid, Zscaler: block pages",
    ),
    Saying(
        "API gateway",
        r"limiting requests, excess|limiting connections by zone|\"?message\"?:? ?\"?(?:Limit Exceeded|Too Many Requests)|Rate exceeded|API rate limit|SlowDown",
        "overloaded",
        "",
        _AWS,
    ),
    Saying(
        "Kubernetes, Traefik",
        r"default backend - 404|404 page not found|Missing Authentication Token|no matching (?:route|virtual ?host)|Host header[^\n]{0,40}(?:invalid|not (?:found|known|match))",
        "not-found",
        "Correct host and path, or add the route to the proxy.",
        "ingress-nginx, Traefik, Go net/http",
    ),
)
