"""Words that indicate a fault for any product; they are tried last.

Rule: data only. A line of a healthy enrollment must match none of them.
"""

from __future__ import annotations

from sceplab.analysis.products.saying import Saying

_MICROMDM = "micromdm/scep: server/, depot/, challenge/"

ANY: tuple[Saying, ...] = (
    Saying(
        "any client",
        r"(?:current time|clock)[^\n]{0,80}(?:is before|19\d\d|20[01]\d)|not yet valid(?!: current time \S{1,40} is after)|certificate not valid before",
        "clock",
    ),
    Saying(
        "any server",
        r"(?:challenge|OTP|one.time password|passcode|enrol?lment (?:secret|code|password|token|key))[^.\n]{0,60}(?:has |is |was )?expired",
        "challenge-expired",
        "",
        "",
    ),
    Saying(
        "any server",
        r"enrol?lment (?:secret|token|key)[^.\n]{0,60}(?:invalid|wrong|incorrect|fail|mismatch|denied|reject|unknown|not (?:valid|found|accepted))",
        "challenge-refused",
        "",
        "",
    ),
    Saying(
        "any server",
        r"(?:extension|key ?usage|\bEKU\b|validity)[^.\n]{0,60}(?:not (?:allowed|permitted)|forbidden|refused|denied|mismatch)",
        "profile-mismatch",
        "",
        "",
    ),
    Saying(
        "any server",
        r"transaction ?id[^.\n]{0,40}(?:already|re-?used|in use|exists)",
        "transaction-reused",
    ),
    Saying(
        "any client",
        r"(?:server|\bCA\b)[^.\n]{0,20}(?:does not|doesn.t) (?:support|offer|advertise|list)[^.\n]{0,40}(?:\bAES|SHA-?(?:2|256|512))",
        "caps-weak",
    ),
    Saying(
        "any client",
        r"(?:\bCA\b|\bRA\b|issuer.?s?) certificate[^.\n]{0,40}(?:has |is |was |\s)(?<!not\s)expired",
        "ca-expired",
    ),
    Saying(
        "any client",
        r"CA certificate[^.\n]{0,60}(?:is not a CA|invalid|cannot be (?:read|parsed|used)|not (?:a )?valid)|(?:parse|decode|read) (?:the )?CA certificate",
        "ca-form",
    ),
    Saying(
        "any server",
        r"encrypted (?:for|to)[^.\n]{0,80}(?:none of|not (?:one of )?our|unknown|another|other)|recipient[^.\n]{0,40}(?:not found|unknown|mismatch|(?:does not|doesn.t|not) match)",
        "cannot-decrypt",
    ),
    Saying(
        "any server",
        r"(?:CSR|request) validation failed|\bmust be one of\b",
        "profile-mismatch",
    ),
    Saying(
        "any server",
        r"(?:key (?:length|size|type|algorithm)|CSR key)[^.\n]{0,60}(?:mismatch|(?:does not|did not|doesn.t|not) (?:match|fit|equal))",
        "profile-mismatch",
        "Ask for the key that the profile says: its type and its length.",
        "",
    ),
    Saying(
        "any server",
        r"(?:user|client|device|requestor|account)[^.\n]{0,40}(?:is |was )?not (?:allowed|permitted|authori[sz]ed|entitled|enabled)",
        "not-authorized",
        "",
        "",
    ),
    Saying(
        "any CA",
        r"\bCA\b[^.\n]{0,60}(?:does not exist|not found|unknown|is not known)|(?<!alert,\s)unknown CA\b|no such CA\b|invalid CA ?Identifier",
        "unknown-ca",
        "Give the CA's name in message= (sscep: -i NAME).",
        "certnanny/sscep#160",
    ),
    Saying(
        "any server",
        r"illegal base64 data|invalid base64|incorrect padding|base64[^.\n]{0,30}(?:decod|invalid|malformed)",
        "get-encoding",
        'Write "+", "/" and "=" as %2B, %2F and %3D, or use POST.',
        _MICROMDM,
    ),
    Saying("any server", r"service (?:is )?(?:temporarily )?unavailable", "unavailable"),
    Saying("any server", r"Request-URI Too (?:Long|Large)|URI too long", "too-long", "Use POST."),
    Saying("any proxy", r"Proxy Authentication Required|Cache Access Denied", "proxy-login"),
    Saying(
        "any CA",
        r"(?:RSA |public )?key[^.\n]{0,40}(?:too (?:short|small|weak)|at least \d+ bits?|minimum|less than \d+)|KeyLengthMismatch|(?:does not|not) meet the minimum (?:key )?size",
        "key-length",
    ),
    Saying(
        "any CA",
        r"already (?:issued|enrolled|has a certificate|has an active certificate)|(?:certificate|subject|\bDN\b|\bCN\b|entity|serial|request)[^.\n]{0,60}already (?:exists|in use|known)|duplicate (?:subject|certificate|key)",
        "subject-exists",
    ),
    Saying(
        "any CA",
        r"(?:profile|provisioner|\balias|realm)[^.\n]{0,60}(?:not found|does not exist|unknown)|(?:unknown|invalid|no such) (?:profile|provisioner|alias|realm)",
        "profile",
    ),
    Saying(
        "any CA",
        r"renew\w*[^.\n]{0,60}(?:not (?:allowed|permitted|supported|possible)|refused|denied|too early|outside|rejected)",
        "renewal-refused",
    ),
    Saying(
        "any server", r"\bMD5\b[^.\n]{0,40}(?:not (?:allowed|supported)|insecure|refused|disabled)", "algorithm-refused"
    ),
    Saying(
        "any client",
        r"SignatureException: Signature does not match|(?:response|reply|CertRep)[^.\n]{0,40}signature[^.\n]{0,30}(?:fail|invalid|mismatch|not valid)",
        "client-rejects-reply",
    ),
    Saying(
        "any server",
        r"signature is not valid|(?:signature|sig)[^.\n]{0,30}(?:verif\w+ (?:failed|error)|invalid|mismatch)|(?:invalid|bad|wrong|incorrect|broken)[^.\n]{0,30}signature|(?:could ?n.t|could not|cannot|can.t|unable to|failed to|error|failure|failed)[^.\n]{0,20}verif\w+[^.\n]{0,30}signature",
        "server-rejects-signature",
    ),
    Saying(
        "any server",
        r"ber2der|asn1 encoding routines|wrong tag|bad object header|not enough data|unexpected EOF|malformed (?:der|asn|cms|pkcs|csr|certificate)|cannot parse|could ?n.t parse|failed to parse|unparse?able",
        "not-a-request",
    ),
    Saying(
        "any client",
        r"connection refused|unable to open (?:a )?connection|PKI-3-SOCKETSELECT|fail\w* to (?:select|open|create)[^.\n]{0,10} socket|NSURLErrorDomain\D{0,20}-100[134569]\b|no route to host|network is unreachable|PKI-3-SOCKETSEND|cannot connect|could not connect|couldn.t connect|\bconnect(?:ion|ing)? (?:has |was )?(?:timed out|failed)|\bconnect time-?out\b(?!\s?[=:]\s?\d)|\bconnect\w* to [^\n]{0,60}(?:failed|refused|timed out)|failed to (?:connect|open http connection)|SOCKET_?SEND",
        "no-network",
    ),
    Saying(
        "any client",
        r"(?:could not|cannot|can.t|unable to|couldn.t) resolve|name or service not known|no such host|unknown host",
        "no-network",
        "Correct the host name in the SCEP URL, or the client's DNS server.",
    ),
    Saying(
        "Go pkcs7",
        r"(?:\bpkcs7: |\bCertRep\b[^\n]{0,60})x509: certificate signed by unknown",
        "server-rejects-signature",
        "",
        "smallstep/pkcs7: verify.go",
    ),
    Saying(
        "any client",
        r"certificate verify failed|\bTLS alert\b|NSURLErrorDomain\D{0,20}-120\d\b|self.signed certificate in (?:certificate )?chain|(?<!pkcs7:\s)x509: certificate signed by unknown authority|SSL certificate problem|(?:tls|ssl)[^.\n]{0,20}handshake[^.\n]{0,30}(?:fail|error|timeout|alert)|handshake[_ ]failure|SSLHandshakeException|certificate (?:has )?unknown alert|unsupported protocol",
        "tls",
    ),
    Saying(
        "any client",
        r"empty reply from server|connection (?:was )?(?:reset|closed|aborted)|(?:reset|closed) by (?:the )?(?:peer|remote|server)|remote end closed|recv failure|timed out(?! for)|\b(?:connection|connect|request|read|operation|i/o|gateway|response|socket) ?time-?out\b(?!\s?[=:]\s?\d)|time-?out (?:was |is )?(?:expired|reached|occurred|error|exceeded|while|waiting)|deadline exceeded|ETIMEDOUT|Socket ?Timeout ?Exception",
        "no-reply",
    ),
    Saying("any client", r"\bbadAlg\b|Fail(?:ure)? ?Info ?[=:]? ?\(?0\b", "badAlg"),
    Saying("any client", r"\bbadTime\b|Fail(?:ure)? ?Info ?[=:]? ?\(?3\b", "badTime"),
    Saying(
        "any client",
        r"\bbadCertId\b|no certificate (?:could be )?(?:identified|matching)|Fail(?:ure)? ?Info ?[=:]? ?\(?4\b",
        "badCertId",
    ),
    # What does not say which of several it was is no word for one of them.
    Saying(
        "any server",
        r"challenge[^.\n]{0,30}(?:wrong|invalid|incorrect|unknown)[^.\n]{0,10}(?:,| or )[^.\n]{0,40}(?:old|expired|used)",
        "challenge-refused",
    ),
    Saying(
        "any server",
        r"challenge[^.\n]{0,60}(?:expired|too old|timed? ?out)|(?:expired|old)[^.\n]{0,20}(?:challenge|OTP|one.time password)",
        "challenge-expired",
    ),
    Saying(
        "any server",
        r"(?:challenge|OTP|one.time password|passcode)[^.\n]{0,60}(?:already|used (?:before|twice|up)|(?:was|been) used|redeemed|consumed|locked)",
        "challenge-used",
    ),
    Saying(
        "any server",
        r"(?:no|missing|without|empty|lacks? (?:a )?)[^.\n]{0,15}(?:challenge|OTP|one.time password|enrollment (?:code|password))(?!\w* (?:is )?(?:required|needed|wanted))|(?:challenge\w*|password)[^.\n]{0,20}(?:is |was )?(?:missing|required|not (?:present|provided|given|sent|found|supplied))",
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
        r"(?:cannot|can.t|could not|couldn.t|unable to|fail(?:ed|ure)? (?:to|in|while)?|error)[^.\n]{0,20}(?:decrypt(?!ing (?:CMS|PKCS))|decipher|open(?:ing)? (?:the )?envelope|unwrap)|decryption (?:failed|error|failure)",
        "cannot-decrypt",
    ),
    Saying(
        "any server",
        r"(?:cipher|digest|hash|encryption|signature|key transport) ?(?:algorithm)?[^.\n]{0,60}(?:not (?:supported|allowed|permitted|offered)|unsupported|unknown|forbidden|disabled)|(?:unsupported|unknown|forbidden|weak)[^.\n]{0,20}(?:cipher|digest|hash|encryption|signature) ?(?:algorithm)?",
        "algorithm-refused",
    ),
    Saying(
        "any server",
        r"(?:signer|certificate|cert)[^.\n]{0,40}(?:has |is |was )?(?<!not\s)(?:expired|no longer valid)",
        "validity",
    ),
    Saying(
        "any server",
        r"(?:certificate|cert|signer)[^.\n]{0,40}(?:is |was |has been )?(?<!not\s)revoked",
        "certificate-revoked",
    ),
    Saying(
        "any server",
        r"(?:not|un) ?(?:trusted|known)[^.\n]{0,30}(?:signer|issuer|certificate|CA\b)|unknown (?:authority|issuer)|(?:certificate|chain|signer)[^.\n]{0,40}(?:not (?:be )?(?:trusted|verified|issued by)|untrusted)",
        "chain",
    ),
    Saying(
        "any server",
        r"(?:request|enrol\w*) (?:is |was )?(?:still |now )?pending|(?:certificate|request) pending\b|(?:awaiting|waiting for|pending|requires?)[^.\n]{0,30}(?:approval|authori[sz]ation|grant|operator|administrator|\badmin\b)|manual approval",
        "pending",
    ),
    Saying("any server", r"403[ :-]{1,3}Forbidden|HTTP Error 403", "forbidden"),
    Saying(
        "any server",
        r"(?:login|log in|sign in|authentication|authori[sz]ation) (?:is )?(?:required|needed|failed)|access (?:is )?denied|not authori[sz]ed",
        "not-authorized",
    ),
    Saying(
        "any server",
        r"(?:over|high)load|too many (?:requests|connections)|rate limit|throttl|server (?:is )?busy",
        "overloaded",
    ),
    Saying("any server", r"\bPasscode[^.\n]{0,20}expired", "challenge-expired"),
    Saying(
        "any server",
        r"try again later",
        "overloaded",
        vague=True,
    ),
    Saying(
        "any server",
        r"\brequest (?:\w+ )?(?:was |is |has been )?(?:rejected|denied|refused|declined|disapproved)|(?:rejected|denied|refused) by (?:the )?\bCA\b",
        "refused",
        vague=True,
    ),
    Saying(
        "any client",
        r"(?:content-?type|mime(?: type)?)[^\n]{0,40}text/html|text/html[^\n]{0,40}(?:expected|instead|unexpected)",
        "html-reply",
        "Correct the URL: a web page answers (a login or portal page, a proxy, an error page).",
    ),
    Saying("any server", r"unsupported algorithm", "algorithm-refused"),
    Saying("any server", r"\b(?:sender)?nonce[^.\n]{0,30}(?:missing|absent|required)", "sender-nonce", "", ""),
    Saying(
        "any server",
        r"\bpolic(?:y|ies)\b[^.\n]{0,60}(?:den(?:y|ied)|reject|refus|violat|fail|not allow)|(?:max\w*|limit|quota|count)[^.\n]{0,40}(?:certificate|request|enrol)\w*[^.\n]{0,40}(?:exceed|reached)|(?:den(?:y|ied)|reject|refus)\w*[^.\n]{0,40}\bpolicy\b",
        "policy-refused",
        "",
        "",
    ),
    Saying(
        "any server",
        r"revocation[^.\n]{0,60}(?:offline|fail|unable|unavailable|not (?:be )?(?:checked|reachable))|(?:CRL|OCSP)[^.\n]{0,40}(?:offline|fail|expired|unreachable|unavailable)",
        "revocation-offline",
        "",
        "",
    ),
    Saying(
        "any server",
        r"(?:denied|rejected|refused|declined|disapproved) (?:manually )?by (?:the |an? )?(?:\w+ )?(?:operator|administrator|admin|officer|approver|person)\b",
        "refused",
        "Ask the person who refused it; what they wrote stands beside it.",
    ),
    Saying(
        "any client",
        r"\bSUCCESS\b[^\n]{0,60}(?:contains? no|without (?:a |any )?|no |missing )certificate",
        "empty-content",
    ),
    Saying(
        "any client",
        r"certificate[^\n]{0,60}public key[^\n]{0,40}(?:not match|mismatch|differ)|certificate[^\n]{0,30}not match[^\n]{0,20}(?:private )?key",
        "issued-unusable",
    ),
    Saying("any client", r"pki ?status\W{0,4}(?:PENDING|3)\b", "pending"),
)
