"""Sentences that network gear writes as a client or server of SCEP: routers, firewalls, controllers, printers, phones.

Rule: data only, in the products' own words, as short as recognition allows.
"""

from __future__ import annotations

from sceplab.analysis.products.saying import Saying

_CISCO = "Cisco IOS system message guide, PKI"
_ASA = "Cisco Secure Firewall ASA syslog messages, 717001 to 717070"
_JUNOS = "juniper.net, Junos PKI topic"
_FORTINET = "community.fortinet.com, SCEP technical tips"
_MIKROTIK = "MikroTik documentation, Certificates"
_PAN = "docs.paloaltonetworks.com, Deploy certificates using SCEP"
_F5 = "F5 and NetScaler log references"

NETWORK: tuple[Saying, ...] = (
    Saying(
        "Cisco NX-OS",
        r"could not perform CA authentication|is not a CA certificate",
        "ca-form",
        "Give the CA's certificate (basicConstraints CA:TRUE): GetCACert or the paste held another one.",
        _CISCO,
    ),
    Saying(
        "Cisco IOS",
        r"must authenticate the Certificate Authority|trustpoint \S{1,60} (?:is )?not (?:yet )?authenticated|"
        r"no CA certificate (?:is )?(?:configured|found|installed)",
        "ca-form",
        "Fetch and accept the CA certificate first (crypto pki authenticate, crypto ca authenticate).",
        _CISCO,
    ),
    Saying(
        "Cisco",
        r"must generate RSA keys|(?:cannot|can ?not|could not|unable to) find (?:the )?(?:RSA )?key ?pair|"
        r"key ?pair \S{0,60} ?(?:does not exist|not found)|ASA-\d-717001|querying key ?pair failed|"
        r"(?:create|creat\w+|generat\w+)[^.\n]{0,20}key ?pair[^.\n]{0,60}fail\w*|fail\w*[^.\n]{0,20}(?:create|generate)[^.\n]{0,20}key ?pair",
        "client-key",
        "Make the key pair on the device, under the name that the trustpoint or certificate id gives, then enroll.",
        f"{_CISCO}; {_ASA}; {_JUNOS}",
    ),
    Saying(
        "Cisco",
        r"no suitable trustpoints?|no trusted issuer|unable to verify signature of the certificate|ASA-\d-717031|"
        r"failed to find a suitable trustpoint",
        "untrusted-root",
        "Put the certificates of the root and of CAs in between into trustpoints of their own, and authenticate them.",
        f"{_CISCO}; {_ASA}",
    ),
    Saying(
        "Cisco ASA",
        r"ASA-\d-717026|name lookup failed for hostname",
        "no-network",
        "Correct the host name in the enrollment URL, or the device's DNS server.",
        _ASA,
    ),
    Saying(
        "Cisco ASA",
        r"ASA-\d-717020|KEY_CMP_MISMATCH|key in the certificate and stored key does not match|"
        r"certificate does not match the (?:private )?key|public key[^.\n]{0,60}(?:mismatch|not match)[^.\n]{0,40}key ?pair",
        "issued-unusable",
        "Enroll anew with the key pair that the trustpoint names.",
        f"{_CISCO}; {_ASA}",
    ),
    Saying(
        "Cisco ASA",
        r"ASA-\d-717017|failed to query CA certificate",
        "ca-form",
        "Check the enrollment URL, and that the CA can be reached.",
        _ASA,
        vague=True,
    ),
    Saying(
        "Cisco ASA",
        r"ASA-\d-7170(?:02|20)|certificate enrollment failed for trustpoint",
        "refused",
        "",
        _ASA,
        vague=True,
    ),
    Saying("Cisco IOS", r"HTTPS handshake failed|SSL-3-BAD_CERT_ERR", "tls", "", _CISCO),
    Saying(
        "Cisco IOS CA",
        r"^\s*\d+\s+pending\s+[0-9A-F]{16,}",
        "pending",
        "Grant it at the CA (crypto pki server NAME grant NUMBER).",
        _CISCO,
    ),
    Saying(
        "Cisco IOS CA",
        r"crypto_cs[^\n]{0,80}(?:server|certificate server)[^\n]{0,40}(?:disabled|not enabled|stopped)|certificate server[^.\n]{0,30}(?:is )?disabled",
        "unavailable",
        "Enable the CA (crypto pki server NAME, no shutdown), and set its clock first.",
        _CISCO,
    ),
    Saying(
        "Fortinet",
        r"no enrol?lment request (?:was )?found|no matching enrol?lment request|enrol?lment request[^.\n]{0,60}(?:not found|does not exist)",
        "unknown-entity",
        "Make an enrollment request at the server whose subject (or wildcard) fits the request's.",
        _FORTINET,
    ),
    Saying(
        "Fortinet",
        r"(?:failed|unable) to (?:read|load|parse|find)[^.\n]{0,20}(?:PKCS ?#?7 from reply|CA certificate|cacert)|process_ca_cert_reply[^\n]{0,60}(?:fail|error|unable)",
        "ca-form",
        "Look at what GetCACert returns: status, Content-Type, and the bytes.",
        _FORTINET,
    ),
    Saying(
        "MikroTik",
        r"OTP (?:is )?(?:not valid|invalid)",
        "challenge-refused",
        "Make a new one-time password at the server (scep-server otp generate).",
        _MIKROTIK,
    ),
    Saying(
        "F5, NetScaler",
        r"pool \S{1,120} has no (?:active|available) (?:members|nodes)|no (?:active|available) (?:pool )?members|"
        r"all services? (?:is|are) down|vserver \S{1,80} (?:is )?(?:DOWN|OUT OF SERVICE)|State changed to DOWN",
        "gateway",
        "Bring a member of the pool up, and check its monitor: it may not like the SCEP path's reply.",
        _F5,
    ),
    Saying(
        "Palo Alto Networks",
        r"(?:dynamic challenge|\bOTP\b|challenge)[^\n]{0,120}HTTP(?:/[\d.]+)? ?(?:error|status|code)?:? ?40[13]\b",
        "admin-login",
        "Correct user name and password of the dynamic challenge in the SCEP profile.",
        _PAN,
    ),
    Saying(
        "any client",
        r"(?:could not|cannot|can.t|unable to|fail\w* to|error(?: while)?) encrypt\w*[^\n]{0,160}(?:unsupported|inner_evp_generic_fetch|not supported)",
        "client-algorithm",
        "Choose AES-128-CBC for the client, or enable the legacy provider of its OpenSSL.",
        "inverse-inc/packetfence#8727",
    ),
)
