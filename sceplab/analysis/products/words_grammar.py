"""Subjects of SCEP, their states, and the fault that a subject in a state means, in words of any product.

Rule: data only; `grammar` finds the pairs. The more specific words stand first.
"""

from __future__ import annotations

_CERT = r"cert(?:ificate)?s?"
SUBJECTS: tuple[tuple[str, str], ...] = (
    ("challenge", r"challenge(?: ?passwords?)?|one[- ]time (?:pass(?:word|code)|pin|code)|otps?|pass ?codes?|pass ?phrase|shared secret|access codes?|(?:enrol?l?ment|registration|scep) (?:pass ?words?|codes?|secrets?|tokens?|keys?|pins?)"),
    ("account", r"(?:service |run ?as |user )?accounts?|credentials?|user ?name|log-?(?:i|o)n"),
    ("challenge", r"passwords?|pins?"),
    ("ca-certificate", rf"(?:ca|ra) (?:or|and) (?:ca|ra) {_CERT}|(?:issuing |root )?(?:ca|root|issuing|issuer'?s?|authority|trust ?anchor|trusted|server ca) {_CERT}|{_CERT} of the ca|getcacert"),
    ("ra-certificate", rf"(?:ra|registration authority|encryption|exchange|enrol?l?ment agent|signing|decryption) {_CERT}"),
    ("client-certificate", rf"(?:tls |ssl )?client {_CERT}|mutual tls|mtls"),
    ("server-certificate", rf"(?:web|server|https|tls|ssl|site)(?: server)? {_CERT}"),
    ("template", r"(?:certificate )?templates?"),
    ("csr", r"csr|certificate (?:signing )?requests?|pkcs ?#?10|signing requests?"),
    ("certificate", _CERT),
    ("key-size", r"key (?:size|length|strength|bits)|modulus|key ?len"),
    ("private-key", r"private keys?|key ?pairs?|key (?:container|store|set)|keyset|keystore|tpm"),
    ("key", r"(?:public |rsa )?exponent|(?:public |rsa |ec |ecdsa |elliptic[- ]curve )?keys?|rsa[- ]?\d{3,4}|\d{3,4}[- ]?bits?(?: rsa)?"),
    ("usage", r"(?:extended |enhanced )?key usages?|eku|extensions?|usages?"),
    ("subject", r"subject(?: ?alt(?:ernative)? ?names?| ?names?| ?dn)?|common ?name|distinguished name|san|cn|dn|dns names?|upn|rdn|country(?: ?name)?|organi[sz]ation(?:al)?(?: ?unit)?(?: ?name)?|locality(?: ?name)?|email ?address"),
    ("signature", r"message digest|digest value|hash value"),
    ("algorithm", r"(?:content |key |data )?(?:encryption|signature|signing|digest|hash)?[- ]?(?:algorithms?|ciphers?|digests?|hash(?:es)?)|3?des(?:-ede3)?(?:-cbc)?|aes(?:-?\d+)?(?:-cbc)?|sha-?[125]\d*|md5|oaep"),
    ("signature", r"signatures?|signed data"),
    ("fingerprint", r"finger ?prints?|thumb ?prints?"),
    ("reply-type", r"content[- ]?types?|mime(?: ?types?)?|media types?"),
    ("message-type", r"message ?types?|pkcs ?req|renewal ?req|get ?cert ?initial"),
    ("envelope", r"envelope(?:d ?data)?|pkcs ?#?7|cms|pki ?message|scep message|message"),
    ("reply", r"cert ?rep|(?:server |ca |scep )?(?:response|reply|answer)"),
    ("transaction", r"transactions?(?: ?ids?)?"),
    ("permission", r"permissions?|rights?(?!.hand)|privileges?|access"),
    ("entity", r"end ?entit(?:y|ies)|entry|uid|(?:device|endpoint|serial number|user|host|machine|seat|client)(?: id| name)?"),
    ("clock", r"signing ?time|clocks?|system time|time ?stamps?|date and time|ntp"),
    ("revocation", r"crls?|ocsp|revocation"),
    ("profile", r"profiles?|alias(?:es)?|realms?|provisioners?|policy template"),
    ("ca", r"(?:issuing )?ca|certification authority|certificate authority|hsm"),
    ("validity", r"validity(?: period)?|life ?time|not ?after"),
    ("renewal", r"renewals?|re-?enrol?l?ments?|renew"),
    ("approval", r"approval|administrator|operator|manual(?:ly)?"),
    ("enrollment", r"(?:re-?)?enrol?l?ment(?: error)?|client request"),
    ("address", r"(?:client |source |remote |ip )?address(?:es)?"),
    ("path", r"url|uri|path|page|endpoint"),
)  # fmt: skip
"""(subject, its words as a pattern): the first that matches at a place counts."""

STATES: tuple[tuple[str, str], ...] = (
    ("no-longer", r"(?:no longer|not) (?:valid|active) (?:since|after)|out of date|outdated|expired?|(?<=validity )end(?:s|ed)|has lapsed|ran out|past its|too old|stale|life ?time (?:has |was )?(?:exceeded|expired|over|passed|elapsed)"),
    ("not-yet", r"not (?:yet )?valid (?:yet|before|until)|not yet valid|in the future|ahead of|behind by|not (?:be )?synchroni[sz]ed|skew(?:ed)?|out of sync|drift"),
    ("revoked", r"revoked|on hold|suspended"),
    ("used", r"(?:usage|use) limit|(?:max(?:imum|\.)?|all|no more)(?: (?:allowed )?number of)? uses?|(?:already |been |was )used|(?:already |been |was )?(?:consumed|redeemed)|used (?:up|before|twice|already)|exhausted|re-?used|replayed"),
    ("exists", r"(?:been |was )?(?:certified|enrolled|seen) (?:before|already)|already (?:exists?|present|in use|enrolled|issued|registered|taken)|duplicated?s?|in use|not unique"),
    ("locked", r"locked(?: out)?|disabled"),
    ("short", r"too (?:short|small|weak)|(?:less|smaller|shorter|weaker) than|at least|below|insufficient|under \d+"),
    ("long", r"too (?:long|large|big)|exceeds?|longer than|larger than|beyond"),
    ("untrusted", r"(?:not|un|isn't) ?trusted|unknown issuer|unknown (?:ca|authority)|no trust|not (?:chain|issued by)\w*|chain[^.]{0,12}(?:incomplete|broken|fail\w*)|self[- ]signed"),
    ("unreadable", r"(?:can ?not|can't|could ?n[o']t|unable to|fail(?:ed|s|ure)? to|error(?: while| when)?|problem) (?:be )?(?:decrypt|decipher|decode|parse|read|open|unwrap|unpack|process|load|import)\w*|(?:decrypt|decipher|decod|pars|unwrap)\w* (?:\w+ )?(?:fail\w*|error)|undecipherable|malformed|corrupt\w*|garbled|unreadable"),
    ("unverified", r"(?:can ?not|can't|could ?n[o']t|unable to|fail(?:ed|s|ure)? to|error(?: while)?) (?:be )?(?:verif|validat|check)\w*|(?:verif|validat)\w+ (?:\w+ )?(?:fail\w*|error|unsuccessful)|not verified"),
    ("unsupported", r"not in (?:the )?(?:list|allowed|permitted|configured|white)\w*|too early|outside (?:of )?(?:the |its )?renewal \w+|(?:not|un|isn't) ?supported|(?:not|isn't) (?:allowed|permitted|accepted|available|enabled|offered)|unsupported|forbidden|disallowed|prohibited|deprecated|disabled"),
    ("unfetched", r"(?:can ?not|can't|could ?n[o']t|unable to|fail(?:ed|s|ure)? to|error(?: while)?) (?:be )?(?:retriev|get|fetch|download|obtain|receiv)\w*|(?:retriev|fetch|download)\w* (?:\w+ )?(?:fail\w*|error)"),
    ("missing", r"(?:can ?not|can't|could ?n[o']t|unable to|fail(?:ed|s)? to|did(?: not|n't)) (?:be )?(?:find|locate)|none (?:of|with|has|had)|(?:not|wasn't|isn't|never) (?:be )?(?:present|provided|given|supplied|found|set|configured|included|sent|there|located|filled in)|missing|absent|lacks?|lacking|without|empty|required|does ?n[o']t exist|null|blank|no(?= (?!such)\w)"),
    ("unreachable", r"unreachable|(?:not|cannot be|could not be) (?:reach|contact)\w*|no (?:connection|contact)|not respond\w*|offline|unavailable|is down"),
    ("pending", r"pending|waiting|awaiting|queued|in (?:the |a )?queue|under review"),
    ("unknown", r"unknown|unrecogni[sz]ed|not recogni[sz]ed|not known|no such"),
    ("wrong", r"must (?:not |only )?(?:be|end|start|begin|have|contain|match|equal)|(?:belongs? to|is for|of|bound to|issued (?:for|to)) (?:an)?other|expected|invalid|wrong|incorrect|bad|mis-?match(?:ed|es)?|(?:not|n't) match\w*|not valid|not equal|differs?|different|not correct|rejected|denied|refused|not accepted|fail(?:ed|s|ure|ing)?|error|illegal|unexpected|violat\w+|declined|does(?: not|n.t) (?:comply|conform|satisfy|meet|fit|equal|correspond)|not (?:compliant|conform\w*|in line)|not authori[sz]ed|not authenticated"),
)  # fmt: skip
"""(state, its words as a pattern)."""

IN_GENERAL: dict[str, str] = {"challenge": "wrong", "certificate": "no-longer", "account": "wrong", "template": "wrong"}
"""subject -> the state that says no more than that one of several is so ("is wrong or expired")."""

FAULTS: dict[str, dict[str, str]] = {
    "challenge": {
        "no-longer": "challenge-expired",
        "unsupported": "challenge-refused",
        "used": "challenge-used",
        "locked": "challenge-used",
        "missing": "no-challenge",
        **dict.fromkeys(("wrong", "unverified", "unreadable", "exists"), "challenge-refused"),
        **dict.fromkeys(("short", "long"), "challenge-form"),
    },
    "account": {
        **dict.fromkeys(("no-longer", "locked"), "service-account"),
        **dict.fromkeys(("missing", "unsupported"), "not-authorized"),
        "wrong": "login",
    },
    "ra-certificate": {
        **dict.fromkeys(("no-longer", "not-yet"), "server-certificate-expired"),
        "revoked": "certificate-revoked",
        "untrusted": "untrusted-root",
        **dict.fromkeys(("missing", "wrong", "unreadable", "unverified"), "ra-key"),
    },
    "ca-certificate": {
        **dict.fromkeys(("no-longer",), "ca-expired"),
        "not-yet": "clock",
        "revoked": "certificate-revoked",
        **dict.fromkeys(("untrusted", "unverified"), "untrusted-root"),
        **dict.fromkeys(("missing", "wrong", "unreadable", "unsupported"), "ca-form"),
        "unfetched": "client-no-reply",
    },
    "client-certificate": {
        **dict.fromkeys(("missing", "no-longer", "untrusted", "wrong", "revoked", "unverified"), "tls-client-certificate")
    },
    "server-certificate": {
        **dict.fromkeys(("no-longer", "not-yet", "untrusted", "wrong", "unverified", "revoked"), "tls")
    },
    "template": {**dict.fromkeys(("missing", "wrong", "unsupported", "unverified", "unreadable"), "template")},
    "csr": {
        **dict.fromkeys(("unreadable",), "csr-unreadable"),
        "unverified": "possession",
        "exists": "subject-exists",
        "pending": "pending",
        **dict.fromkeys(("wrong", "unsupported"), "refused"),
    },
    "certificate": {
        "unknown": "chain",
        "no-longer": "validity",
        "not-yet": "clock",
        "revoked": "certificate-revoked",
        **dict.fromkeys(("untrusted", "unverified"), "chain"),
        "exists": "subject-exists",
        "pending": "pending",
    },
    "key-size": {
        **dict.fromkeys(("short",), "key-length"),
        **dict.fromkeys(("wrong", "unsupported", "long"), "profile-mismatch"),
    },
    "private-key": {**dict.fromkeys(("missing", "wrong", "unreadable", "unverified", "exists"), "client-key")},
    "key": {"short": "key-length", "exists": "subject-exists", "unsupported": "algorithm-refused"},
    "usage": {**dict.fromkeys(("wrong", "unsupported", "missing"), "profile-mismatch")},
    "subject": {
        **dict.fromkeys(("wrong", "unsupported", "missing", "long", "unverified"), "bad-subject"),
        "exists": "subject-exists",
    },
    "algorithm": {**dict.fromkeys(("unsupported", "wrong", "short"), "algorithm-refused")},
    "signature": {**dict.fromkeys(("wrong", "unverified", "missing"), "server-rejects-signature")},
    "fingerprint": {**dict.fromkeys(("wrong", "unverified"), "fingerprint")},
    "reply-type": {**dict.fromkeys(("wrong", "unsupported", "missing"), "reply-type")},
    "envelope": {"unreadable": "cannot-decrypt", "long": "too-large", "unverified": "server-rejects-signature"},
    "reply": {"unreadable": "reply-unreadable", "unverified": "reply-unverified", "missing": "no-reply"},
    "transaction": {**dict.fromkeys(("exists", "used"), "transaction-reused"), **dict.fromkeys(("unknown", "missing"), "poll-transaction")},
    "permission": {**dict.fromkeys(("missing", "wrong", "short"), "not-authorized")},
    "entity": {**dict.fromkeys(("missing", "unknown"), "unknown-entity"), "unsupported": "not-authorized", "exists": "subject-exists"},
    "clock": {**dict.fromkeys(("not-yet", "wrong"), "clock")},
    "revocation": {**dict.fromkeys(("unreachable", "no-longer", "wrong", "unverified", "missing"), "revocation-offline")},
    "profile": {"missing": "profile", "unknown": "profile", "locked": "scep-disabled", "unsupported": "scep-disabled"},
    "ca": {"unreachable": "ca-unreachable", "locked": "ca-inactive", **dict.fromkeys(("missing", "unknown"), "unknown-ca")},
    "validity": {**dict.fromkeys(("long", "no-longer"), "ca-ending"), "wrong": "profile-mismatch"},
    "renewal": {**dict.fromkeys(("wrong", "unsupported"), "renewal-refused")},
    "approval": {**dict.fromkeys(("pending", "missing"), "pending")},
    "message-type": {**dict.fromkeys(("unsupported", "unknown"), "type-not-supported")},
    "address": {**dict.fromkeys(("unsupported", "wrong"), "forbidden")},
    "enrollment": {"pending": "pending"},
    "path": {"missing": "not-found", "long": "too-long", "wrong": "not-found"},
}  # fmt: skip
"""subject -> state -> id of the fault."""
