"""Sentences of CAs and of services that enroll for a CA: EJBCA, OpenXPKI, Dogtag, Venafi, Keyfactor, cloud CAs.

Rule: data only, in the products' own words, as short as recognition allows. The older
table of servers is `words_servers`.
"""

from __future__ import annotations

from sceplab.analysis.products.saying import Saying

_EJBCA = "Keyfactor/ejbca-ce: ScepMessageDispatcherSessionBean, cesecore"
_OPENXPKI = "openxpki/openxpki: Client/Service/SCEP.pm, Response.pm"
_DOGTAG = "dogtagpki/pki: CRSEnrollment.java"
_STEP = "smallstep/certificates: authority/provisioner/webhook.go, scep.go"
_UNREACHED = (
    r"(?:dial tcp|connection refused|no such host|i/o timeout|deadline exceeded|x509:|tls:|ECONN\w+|UnknownHost|ConnectException|"
    r"SSL\w*Exception|TLS (?:error|handshake)|connect(?:ion)? (?:timed out|failed)|unreachable|status(?: code)?:? ?5\d\d|\b50[0234]\b)"
)

STEPS: tuple[Saying, ...] = (
    Saying("Go x509", r"not yet valid: current time \S{1,40} is before", "clock", "", _STEP),
    Saying(
        "any server",
        r"malformed certificate request|(?:\bCSR\b|certificate request|PKCS ?#?10)[^.\n]{0,30}(?:trailing data|malformed)|trailing data (?:in|after) (?:the )?(?:CSR|certificate request)",
        "csr-unreadable",
        "",
        _STEP,
    ),
    Saying(
        "any server",
        r"(?:\bCSR\b|certificate request|PKCS ?#?10)(?:'s)? signature[^\n]{0,40}(?:fail|invalid|wrong|error|bad|not valid|mismatch)|(?:invalid|bad|wrong) signature (?:of|on|in) (?:the )?(?:CSR|certificate request|PKCS ?#?10)",
        "possession",
        "",
        _STEP,
    ),
    Saying(
        "any server",
        r"recipient\w*[^\n]{0,80}(?:is|are|was) not (?:our|this|the|ours)\b|not (?:encrypted|addressed|meant) (?:for|to) (?:us|our|this)\b",
        "cannot-decrypt",
        "",
        _STEP,
    ),
    Saying(
        "server with a webhook",
        rf"(?:webhook|validation (?:service|endpoint|url)|(?:validat|verif|check)\w* (?:the )?challenge)[^\n]{{0,300}}{_UNREACHED}",
        "policy-module",
        "The service that decides about the challenge was not reached: start it, and check its address and certificate.",
        _STEP,
    ),
    Saying(
        "RA or proxy",
        rf"(?:submit|forward|relay|proxy|send|post)\w*[^\n]{{0,60}}(?:to (?:the )?(?:issuing |backend )?CA\b|\bCA\b server|backend CA|upstream CA|to vault|issuer)[^\n]{{0,200}}{_UNREACHED}|"
        rf"no (?:response|answer|reply) from (?:the )?(?:\bCA\b|backend|issu\w+)|(?:sign|issue|certificate) request[^\n]{{0,60}}(?:CA|backend|vault|issuer)[^\n]{{0,200}}{_UNREACHED}",
        "ca-unreachable",
        "",
        _STEP,
    ),
)
"""A step that another service decides, and did not: tried before the words about that step."""

CAS: tuple[Saying, ...] = (
    # ---- EJBCA
    Saying(
        "EJBCA",
        r"CryptoTokenOffline|crypto token[^.\n]{0,40}(?:off-?line|not active|must be activated)|CA[^.\n]{0,60}\bis off-?line|CA token is off-?line|CAOfflineException",
        "ca-inactive",
        "Activate the CA's crypto token.",
        _EJBCA,
    ),
    Saying(
        "EJBCA",
        r"EndEntityProfileValidationException|Wrong number of \w+ fields|field[^.\n]{0,40}not allowed by (?:the )?end entity profile|UserDoesntFullfillEndEntityProfile|"
        r"does not fulfill end entity profile",
        "profile-mismatch",
        "Make the subject of the request fit the end entity profile, or the profile fit the subject.",
        _EJBCA,
    ),
    Saying(
        "EJBCA",
        r"IllegalKeyException|bit \w+ key was rejected|key (?:length|size|strength) \d+[^.\n]{0,60}not (?:permitted|allowed)|key algorithm[^.\n]{0,60}not (?:permitted|allowed) (?:for|by)",
        "key-length",
        "Make a key of a length that the certificate profile allows.",
        _EJBCA,
    ),
    Saying(
        "EJBCA",
        r"(?:Wrong|Invalid|Incorrect) (?:user ?name or )?password for user|AuthLoginException|Got wrong password|Authentication failed for end entity",
        "challenge-refused",
        "The challenge is the enrollment code of the end entity (in RA mode, of the alias): compare both.",
        _EJBCA,
    ),
    Saying(
        "EJBCA",
        r"(?:SCEP )?alias[^.\n]{0,60}(?:not (?:found|configured|exist)|does not exist|unknown)|No (?:such )?(?:SCEP )?alias|NoSuchAliasException",
        "profile",
        "Put an alias that exists into the path: /ejbca/publicweb/apply/scep/ALIAS/pkiclient.exe.",
        _EJBCA,
    ),
    Saying(
        "EJBCA",
        r"User .{0,80} not found|NoSuchEndEntityException|Could not find (?:the )?(?:end entity|user)|FinderException",
        "unknown-entity",
        "Add the end entity (its name is the CN), or use RA mode.",
        _EJBCA,
    ),
    Saying(
        "EJBCA",
        r"SignRequestSignatureException|popo? verification failed|Verification of (?:POPO?|request) failed|proof.of.possession[^.\n]{0,40}(?:fail|invalid)",
        "possession",
        "",
        _EJBCA,
    ),
    Saying(
        "EJBCA, Dogtag",
        r"\b(?:public )?key\b(?! ?pair)[^.\n]{0,40}(?:already (?:used|exists|in use)|used (?:by|before))|\bsame (?:public )?key\b[^.\n]{0,60}(?:exist|not allowed|used)|"
        r"another certificate already exists|CertificateExists|subject DN[^.\n]{0,40}(?:already|belongs to)|uniqueness (?:constraint|check)",
        "subject-exists",
        "",
        _EJBCA,
    ),
    Saying(
        "EJBCA",
        r"CA ?DoesntExists|CADoesntExists\w*|CA with (?:name|id)[^.\n]{0,60}(?:not|does)|No CA certificate found for|CA '?[^'\n]{1,80}'? (?:not found|does not exist)",
        "unknown-ca",
        "",
        _EJBCA,
    ),
    Saying(
        "EJBCA",
        r"(?<!pool\s)SCEP (?:protocol )?(?:is |has been )?(?:disabled|not enabled|switched off)|protocol (?:is )?(?:disabled|not enabled)[^\n]{0,40}scep|SCEP (?:service |endpoint )?(?:is )?not (?:available|enabled)",
        "scep-disabled",
        "",
        _EJBCA,
    ),
    Saying(
        "EJBCA",
        r"no peer connection|RaMasterApi\w*[^\n]{0,40}(?:unavailable|not available)|peer (?:system|connector)[^\n]{0,60}(?:unreachable|not connected|unavailable)",
        "ca-unreachable",
        "Start the peer connection between RA and CA.",
        _EJBCA,
    ),
    # ---- OpenXPKI, OpenCA
    Saying(
        "OpenXPKI",
        r"No config file found for endpoint|[Ii]nvalid endpoint|invalid server name in request|unknown endpoint",
        "profile",
        "Put an endpoint that is configured into the path: /scep/ENDPOINT.",
        _OPENXPKI,
    ),
    Saying(
        "OpenXPKI",
        r"openxpki\.socket|is the (?:OpenXPKI )?server running|Could not instantiate client|Unable to connect to (?:socket|server|backend)|CLIENT_INIT_CONNECTION_FAILED",
        "ca-unreachable",
        "Start the OpenXPKI server, and check its socket and permissions.",
        _OPENXPKI,
    ),
    Saying(
        "OpenXPKI",
        r"(?:signer|request)[^.\n]{0,40}(?:not (?:authori[sz]ed|trusted))|signer_(?:trusted|authorized)[^.\n]{0,10}(?:0|no|false)|UNTRUSTED_SIGNER",
        "not-authorized",
        "",
        _OPENXPKI,
    ),
    Saying(
        "OpenXPKI",
        r"\bpolicy violation\b|eligib\w+[^.\n]{0,40}(?:fail|check|not|den)|max_active_certs|too many active certs|invalid_request_error",
        "policy-refused",
        "",
        _OPENXPKI,
    ),
    Saying(
        "OpenXPKI, certificate tokens",
        r"token[^.\n]{0,40}(?:not usable|offline|not online|no active|unavailable)|unable to load (?:the )?(?:CA|RA|scep) (?:key|token)|GET_CRYPTO_?TOKEN|TOKEN_NOT_USABLE|no active (?:token|alias)|alias group[^.\n]{0,40}(?:empty|no)",
        "ra-key",
        "Check the RA's token: alias, key file and passphrase.",
        _OPENXPKI,
    ),
    Saying(
        "OpenCA",
        r"Cannot extract content of PKCS ?#?7|wrong recipient(?: key)?|Error decrypting (?:the )?pkcs7: ",
        "cannot-decrypt",
        "",
        "openca-scep",
    ),
    # ---- Dogtag
    Saying(
        "Dogtag",
        r"unwrap PKCS ?#?10[^\n]{0,120}invalid (?:key|signature)",
        "possession",
        "",
        _DOGTAG,
    ),
    Saying(
        "Dogtag",
        r"unwrap PKCS ?#?10|key does not support the requested operation|-8152\b|-8190\b|-8145\b",
        "cannot-decrypt",
        "",
        _DOGTAG,
    ),
    Saying(
        "Dogtag",
        r"SCEP (?:support|service) is (?:disabled|not enabled)|ca\.scep\.enable",
        "scep-disabled",
        "Set ca.scep.enable=true and restart the CA.",
        _DOGTAG,
    ),
    Saying(
        "Dogtag",
        r"nonce[^.\n]{0,40}(?:size|length)[^.\n]{0,40}(?:limit|exceed|less|small|short)",
        "nonce-size",
        "",
        _DOGTAG,
    ),
    Saying(
        "Venafi",
        r"violates (?:the )?policy|does not (?:meet|match|comply with) (?:the )?(?:policy|requirements)|policy on folder|locked by policy",
        "policy-refused",
        "Make the request fit the policy of its folder, or change the policy.",
        "docs.venafi.com, Network Device Enrollment",
    ),
    Saying(
        "Keyfactor",
        r"template '?[^'\n]{0,80}'? (?:is )?not (?:configured|enabled|available|allowed)[^.\n]{0,40}",
        "template",
        "Enable the template for enrollment at this CA.",
        "software.keyfactor.com",
    ),
    Saying(
        "Vault, OpenBao",
        r"role[^.\n]{0,40}(?:not found|unknown|does not exist)|unknown role",
        "profile",
        "Name a role that exists in the PKI mount.",
        "hashicorp/vault: builtin/logical/pki",
    ),
    Saying(
        "Vault, OpenBao",
        r"\b(?:common name|subject|name|domain)\b[^\n]{0,80}not allowed by this role",
        "bad-subject",
        "Allow the name in the role (allowed_domains, allow_subdomains), or ask for another.",
        "hashicorp/vault: builtin/logical/pki",
    ),
    Saying(
        "Vault, OpenBao",
        r"Vault is sealed|no handler for route|no default issuer|unsupported path",
        "ca-inactive",
        "Unseal Vault, and mount and configure the PKI engine at this path.",
        "hashicorp/vault: http, builtin/logical/pki",
    ),
    Saying(
        "SCEPman, Intune",
        r"SubjectNameMismatch|SubjectAltName(?:Missing|Mismatch)|ExtendedKeyUsageMi\w+|KeyUsageMi\w+|KeyLengthMi\w+|HashAlgorithmMi\w+",
        "profile-mismatch",
        "Compare the request with the SCEP profile: the device asks for something else.",
        "microsoft/Intune-Resource-Access: IntuneScepServiceException.cs",
    ),
)

SERVICES: tuple[Saying, ...] = (
    Saying(
        "RA, proxy, connector",
        r"(?:signing|RA|registration authority|proxy|decryption|encryption|exchange|enrollment agent|decrypter|service|connector) (?:certificate|cert)\b[^.\n]{0,40}(?<!not\s)(?:expired|no longer valid|not yet valid)",
        "server-certificate-expired",
        "",
        "Jamf, SCEPman, NDES: guides",
    ),
    Saying(
        "RA, proxy, connector",
        r"(?:signing|RA|registration authority|decryption|exchange|enrollment agent|decrypter) (?:certificate|key|private key)[^.\n]{0,40}(?:not (?:found|loaded|configured|available|accessible)|missing|could not be (?:loaded|read))",
        "ra-key",
        "",
        "NDES, OpenXPKI, step-ca: guides",
    ),
    Saying(
        "RA with a directory",
        r"(?:device|computer|machine|serial number|member|principal)[^.\n]{0,60}(?:not (?:found|registered|enrolled|managed|known|present|in (?:the )?(?:directory|inventory))|does not exist|unknown|no match|could not be found)|lookup returned (?:0|no) results",
        "unknown-entity",
        "Add the device to the directory that the CA asks, or correct the field of the subject that names it.",
        "SecureW2, SCEPman, Foxpass: guides",
    ),
    Saying(
        "cloud CA",
        r"challenge\b[^\n]{0,60}(?:older than|past its (?:lifetime|validity))",
        "challenge-expired",
        "",
        "Mosyle, SCEPman: guides",
    ),
    Saying(
        "cloud CA",
        r"challenge\b[^\n]{0,60}does not belong|challenge (?:comparison|validation|check|verification) failed",
        "challenge-refused",
        "",
        "AWS, UCM: guides",
    ),
    Saying(
        "cloud CA",
        r"no (?:matching )?(?:pre-?registration|inventory entry|enrol\w* record|allow-?list entry)[^\n]{0,60}|not pre-?registered",
        "unknown-entity",
        "Register the device first.",
        "Nexus: guides",
    ),
    Saying(
        "cloud CA",
        r"(?:authori[sz]ation|activation|registration|enrol\w*|reference|access) (?:code|number|token|key|pin)\b[^\n]{0,60}(?:already|consumed|redeemed|used up|been used)",
        "challenge-used",
        "",
        "Entrust, DigiCert, Nexus: guides",
    ),
    Saying(
        "cloud CA",
        r"(?:authori[sz]ation|activation|registration|reference) (?:code|number|token|key|pin)\b[^\n]{0,60}(?:invalid|wrong|incorrect|not (?:valid|found|match|recogni[sz]ed)|reject|mismatch|unknown|does not)",
        "challenge-refused",
        "",
        "Entrust, DigiCert, Nexus: guides",
    ),
    Saying(
        "RA with a directory",
        r"(?:max\w*|limit)[^.\n]{0,30}(?:devices|certificates|enrol\w*)[^.\n]{0,30}(?:reached|exceeded)|too many (?:devices|certificates|active certificates)|(?:device|certificate|enrol\w*) limit",
        "policy-refused",
        "Revoke or delete an old certificate or device of this user, or raise the limit.",
        "ClearPass, OpenXPKI: guides",
    ),
    Saying(
        "any CA",
        r"keys? (?:shorter|smaller|weaker|less) than|\b(?:512|768|1024|2048)[ -]bits?\b[^.\n]{0,40}(?:not (?:accepted|allowed|permitted|supported)|reject|too (?:short|small|weak)|refused)",
        "key-length",
        "",
        "RFC 8894, 2.1",
    ),
    Saying(
        "any CA",
        r"(?:\bOCSP\b|\bCRLs?\b|revocation)[^\n]{0,120}(?:unreachable|unavailable|offline|timed? ?out|cannot (?:be )?(?:determine|check|download|fetch)|could not (?:be )?(?:check|fetch|download|determin|retriev)\w*)",
        "revocation-offline",
        "",
        "RFC 5280, 6.3",
    ),
    Saying(
        "RA with a directory",
        r"\b(?:user|account|device|computer)\b[^\n]{0,80}(?:not active|inactive)\b|(?:device|user|account|computer)[^.\n]{0,40}(?:is |was |has been )?(?:disabled|deactivated|not compliant|non-?compliant|blocked|suspended|wiped|retired)|device compliance",
        "not-authorized",
        "",
        "SecureW2, SCEPman: guides",
    ),
    Saying(
        "cloud CA",
        r"licen[cs]e[^.\n]{0,60}(?:exceed|exhaust|expired|limit|reached|invalid|no more|insufficient|not (?:found|valid|available))|no more licen[cs]es|(?:insufficient|no) (?:balance|credits?|inventory|units)|subscription (?:has )?(?:expired|ended)|quota (?:exceeded|reached)",
        "policy-refused",
        "Buy or free licences at the CA.",
        "Sectigo, GlobalSign, DigiCert: guides",
    ),
    Saying(
        "cloud CA",
        r"not in the list of[^.\n]{0,40}(?:domain|name|organi[sz]ation)|pre-?vetted|domain[^.\n]{0,40}not (?:been )?(?:validated|verified|approved|allowed|vetted)|not authori[sz]ed to (?:request|order)[^.\n]{0,40}domain",
        "bad-subject",
        "Ask for a name of a validated domain, or have the CA validate this one.",
        "GlobalSign, DigiCert: guides",
    ),
    Saying(
        "cloud CA",
        r"(?:invalid|unknown|expired|revoked|wrong|bad) (?:API ?key|api token|access token|bearer token|client credentials)|API ?key[^.\n]{0,40}(?:invalid|expired|revoked|not)|token (?:has )?expired",
        "service-account",
        "Renew the key or token with which the service logs in at the CA.",
        "SCEPman, Keyfactor, Venafi: guides",
    ),
    Saying(
        "any product",
        r"(?:returned|status|state|response|result|pkistatus|reply|outcome)\W{0,5}(?:is |was )?\bPENDING\b|\bCertRep\b[^.\n]{0,20}\bPENDING\b|waiting for (?:manual )?(?:approval|authori[sz]ation)",
        "pending",
        "",
        "RFC 8894, 3.2.1.3",
    ),
)
"""Words of services of many makers: tried after the sentences of products and the codes."""
