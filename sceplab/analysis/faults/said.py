"""Faults that a server or client states, in words or by a code.

Rule: definitions only. `products` has the words and codes of each fault; a fault that
is found in a message is defined next to its finder.
"""

from __future__ import annotations

from sceplab.analysis.faults.model import Fault

LOG_SAYS = Fault(
    "log-says",
    "A line of the log says that something went wrong.",
    "Read the lines around it, and the other side's log of the same time.",
)
SAID: tuple[Fault, ...] = (
    # ---- the challenge
    Fault(
        "challenge-refused",
        "The server refused the challengePassword of the request.",
        "Compare the challengePassword in the CSR with the server's; a one-time one works once.",
        "RFC 8894, 2.4",
    ),
    Fault(
        "challenge-expired",
        "The challengePassword has expired.",
        "Get a new one and enroll again at once.",
        "RFC 8894, 2.4",
    ),
    Fault(
        "challenge-used",
        "The challengePassword was used before, or is locked.",
        "Get a new one; stop the client's retries with the old one.",
        "RFC 8894, 2.4",
    ),
    Fault(
        "challenge-form",
        "The challengePassword does not have the form that this server expects.",
        "Write it as the server's guide says.",
        "RFC 8894, 2.4",
    ),
    Fault(
        "password-cache",
        "NDES has given out as many passwords as it keeps.",
        "Wait until some expire (an hour), restart NDES, or raise PasswordMax.",
    ),
    Fault(
        "stored-password",
        "NDES cannot decrypt its stored password.",
        "Delete EncryptedPassword in the MSCEP registry and restart NDES.",
    ),
    Fault(
        "admin-login",
        "The management server cannot log in to the page that gives challenges.",
        "Correct the stored account of mscep_admin.",
    ),
    Fault(
        "admin-page",
        "The client uses the address of the challenge page (mscep_admin), not of SCEP.",
        "Use the URL without _admin: http://HOST/certsrv/mscep/mscep.dll.",
    ),
    # ---- recipient and keys
    Fault(
        "cannot-decrypt",
        "The server cannot decrypt the request.",
        "Fetch GetCACert again and encrypt for its certificate with keyEncipherment; use RSA PKCS#1 v1.5, AES-128-CBC.",
        "RFC 8894, 3.2.2",
    ),
    Fault(
        "no-decrypter",
        "The server has no RSA key to decrypt requests with.",
        "Configure an RSA decrypter (an RA certificate).",
        "RFC 8894, 2.1.2",
    ),
    Fault(
        "two-ra-certificates",
        "The client wants separate certificates for signing and encryption; the server has one for both.",
        "Use a client that accepts one certificate.",
    ),
    Fault(
        "ra-not-of-ca",
        "The RA certificate in the GetCACert reply was not issued by the CA in it.",
        "Repair the set that GetCACert returns: the CA, and RA certificates that it issued.",
        "RFC 8894, 2.1.2",
    ),
    Fault(
        "ra-key",
        "The RA cannot use one of its own certificates or keys.",
        "Check that they exist, are valid, and that the service account can read the private keys.",
    ),
    Fault(
        "untrusted-root",
        "The client does not trust the chain of the CA or RA certificate.",
        "Deploy the root certificate that really issued them.",
        "RFC 8894, 2.2",
    ),
    Fault(
        "fingerprint",
        "The CA certificate does not have the fingerprint that the client was given.",
        "Compare both: put the fingerprint of the present CA certificate into the client, or find out who answers.",
        "RFC 8894, 2.2",
    ),
    Fault(
        "reply-unverified",
        "The client could not verify the signature of the reply.",
        "Give the client the certificate that signs replies (the CA's or RA's).",
        "RFC 8894, 3.3.2",
    ),
    Fault(
        "reply-unreadable",
        "The client could not read or decrypt the reply.",
        "Check that key and certificate are those that signed the request, and which cipher the reply uses.",
        "RFC 8894, 3.3.2",
    ),
    Fault(
        "client-rejects-reply",
        "The client did not accept the reply.",
        "Read the client's lines before it: they name what it did not accept.",
    ),
    Fault(
        "server-rejects-signature",
        "The server could not verify the signature of the request.",
        "Sign with the key of the certificate that is sent, with SHA-256; see that nothing changes bytes on the way.",
        "RFC 5652, 5.6",
    ),
    # ---- algorithms
    Fault(
        "algorithm-refused",
        "The server does not accept an algorithm of the request.",
        "Use what GetCACaps lists: SHA-256, AES-128-CBC, RSA PKCS#1 v1.5.",
        "RFC 8894, 3.5.2",
    ),
    Fault(
        "reply-algorithm",
        "The client does not support an algorithm of the reply.",
        "Have the CA answer with the request's cipher and digest, or update the client.",
        "RFC 8894, 3.5.2",
    ),
    # ---- URL, HTTP, network
    Fault(
        "login",
        "The web server wants a login for the SCEP path; SCEP clients cannot log in.",
        "Allow anonymous access to the SCEP path.",
    ),
    Fault(
        "not-authorized",
        "The server does not allow this client to enroll.",
        "Give this client or requestor the right to enroll at this CA or profile.",
    ),
    Fault(
        "proxy-login",
        "A proxy between client and server wants a login.",
        "Let the SCEP server's address pass the proxy without a login.",
    ),
    Fault(
        "gateway",
        "A proxy or gateway in front did not reach the SCEP server.",
        "Start the server behind it, and check the proxy's route to it.",
    ),
    Fault("unavailable", "The SCEP service is stopped or crashing.", "Start it; its log names why it stopped."),
    Fault("overloaded", "The server is overloaded.", "Let fewer devices enroll at once, or raise the server's limits."),
    Fault(
        "client-gave-up",
        "The client closed the connection before the server had answered.",
        "Find out why the server takes so long (its log, its CA), or raise the client's timeout.",
    ),
    Fault(
        "too-large", "The body of the request is larger than the server allows.", "Raise the server's limit for bodies."
    ),
    Fault(
        "double-escape",
        "The URL is escaped twice, or looks so to the server (%2B in the query).",
        "Use POST, or allow double escaping for the SCEP path.",
    ),
    Fault(
        "filtered",
        "A filter of the web server refuses the URL.",
        "Use POST, or allow the characters of base64 in the filter.",
    ),
    Fault("https", "The server wants HTTPS.", "Use the https URL, or allow plain HTTP for the SCEP path."),
    Fault(
        "tls",
        "The TLS connection failed.",
        "Check the server certificate's names, chain and validity, the client's clock, and TLS versions.",
    ),
    Fault(
        "tls-client-certificate",
        "The server wants a TLS client certificate that it accepts.",
        "Switch client certificates off for the SCEP path.",
    ),
    Fault(
        "no-network",
        "The client could not connect to the server.",
        "Check name, port, route and firewall, and that the server runs.",
    ),
    Fault(
        "client-no-reply",
        "The client could not use what it got from the CA, or got nothing.",
        "Look at the HTTP exchange itself: status, Content-Type, and the reply's signature.",
    ),
    Fault(
        "unknown-ca",
        "The server knows no CA of the name that was asked for.",
        "Give the CA's name in message= (sscep: -i NAME), or leave it out.",
        "RFC 8894, 4.2",
    ),
    Fault(
        "get-encoding",
        "The server could not decode the base64 of the GET request.",
        'Write "+", "/" and "=" as %2B, %2F and %3D, or use POST.',
        "RFC 8894, 4.1",
    ),
    Fault("scep-disabled", "SCEP is switched off for this CA or profile.", "Enable SCEP there."),
    Fault(
        "server-configuration",
        "The server is not configured for SCEP as it should be.",
        "Correct the setting that the code names.",
    ),
    Fault(
        "impersonation",
        "The web server's accounts lack the impersonation right.",
        "Give IIS_IUSRS the right 'Impersonate a client after authentication'.",
    ),
    Fault(
        "service-account",
        "The service account is locked, disabled, or its password has expired.",
        "Unlock it or set its password.",
    ),
    Fault(
        "service-rights",
        "The service account or caller lacks a right at the CA or template.",
        "Give it Enroll on the template and Request Certificates on the CA.",
    ),
    Fault("registry", "The NDES registry is incomplete.", "Restore the missing MSCEP values."),
    Fault("ndes-start", "NDES cannot start.", "The code in event 2 names the reason."),
    Fault(
        "provider",
        "The certificate's key is in a provider that the program cannot use.",
        "Issue it from a version 2 template.",
    ),
    # ---- the CA's objections to the request
    Fault("refused", "The CA refused the request and did not say more here.", "Read the CA's log of this moment."),
    Fault("policy-refused", "The CA refused to issue: policy, template or key.", "Read the CA's log of this moment."),
    Fault(
        "template",
        "The CA does not offer the certificate template that the RA asks for.",
        "Correct the template's name at the RA and publish it on the CA.",
    ),
    Fault(
        "key-length",
        "The key of the request is shorter than the CA or template allows.",
        "Make a longer key (2048 bits or more).",
    ),
    Fault(
        "bad-subject",
        "The CA does not accept the subject or the names of the request.",
        "Correct the subject, or the CA's rule for it.",
    ),
    Fault(
        "subject-exists",
        "The CA has a certificate of this subject or key already.",
        "Revoke it, allow duplicates, or change the subject.",
    ),
    Fault(
        "unknown-entity",
        "The CA knows no user, seat or end entity for this request.",
        "Create it, or correct the field of the subject that names it.",
    ),
    Fault(
        "entity-used",
        "The end entity has been used already.",
        "Reset it, and find out why the first reply was refused.",
    ),
    Fault(
        "profile",
        "The profile that is named does not exist or does not fit.",
        "Use a profile that exists on the server.",
    ),
    Fault(
        "profile-mismatch",
        "The request does not agree with the profile.",
        "Ask for what the profile says: subject, names, key usage.",
    ),
    Fault("certificate-revoked", "A certificate that was used has been revoked.", "Enroll anew with a valid one."),
    Fault(
        "csr-unreadable",
        "The server could not parse the certificate request in the envelope.",
        "Encrypt the DER of the CSR: with its outer SEQUENCE, no PEM, no base64.",
        "RFC 2986, 4",
    ),
    Fault(
        "not-a-request",
        "The server met other bytes than the DER it expected.",
        "Look at what was sent: base64 text, PEM, or a body that was changed on the way.",
        "RFC 8894, 3.2",
    ),
    Fault(
        "renewal-refused",
        "The server refused the renewal.",
        "Allow renewal with the old certificate at the server, or enroll anew.",
        "RFC 8894, 2.5",
    ),
    Fault(
        "type-not-supported",
        "The server does not support this messageType.",
        "Use PKCSReq and immediate approval.",
        "RFC 8894, 3.2.1.2",
    ),
    Fault(
        "empty-content",
        "The reply says SUCCESS and carries no certificate.",
        "Approve the request in the CA, or upgrade the server.",
        "RFC 8894, 3.3.2.1",
    ),
    # ---- the CA behind the SCEP server
    Fault(
        "ca-unreachable",
        "The RA or front end does not reach its CA.",
        "Check that the CA runs and that the RA reaches it.",
    ),
    Fault("ca-cannot-sign", "The CA could not sign.", "Read the CA's log; repair its store and permissions."),
    Fault("ca-inactive", "The CA is not active.", "Activate it again."),
    Fault("ca-ending", "The CA certificate ends too soon for the service.", "Reissue the CA certificate."),
    Fault(
        "revocation-offline",
        "The CA could not check revocation of the RA's chain.",
        "Publish the CRL where its URL points to, and make it reachable.",
    ),
    Fault(
        "server-certificate-expired",
        "A certificate that the server uses is not within its validity.",
        "Find which one (RA, policy module) and renew it.",
    ),
    Fault(
        "policy-module",
        "The policy module or connector failed.",
        "Check its certificates and registry values; restart it.",
    ),
    # ---- the client itself
    Fault(
        "client-stops",
        "The client asks again and again, and never sends a request: it does not like what it got.",
        "Look at what GetCACert and GetCACaps returned (form, type, key usage, RSA key, chain), and the client's log.",
        "RFC 8894, 4.2",
    ),
    Fault(
        "client-algorithm",
        "The client's own library does not have the algorithm that it is to use.",
        "Choose another cipher or digest for the client, or enable the old one in its library.",
    ),
    Fault("client-option", "The client does not know an option, or lacks one.", "Correct the command."),
    Fault("client-key", "The client could not make or store its key.", "Check the client's key store."),
    Fault("client-files", "The client could not read or write a file.", "Check paths and permissions."),
    Fault(
        "issued-unusable",
        "The client cannot use the issued certificate.",
        "Compare it with the request: key, names, usage, chain.",
    ),
    Fault(
        "ca-form",
        "The client cannot use what GetCACert returned.",
        "Return one DER certificate, or a degenerate PKCS#7 of CA and RA certificates.",
        "RFC 8894, 4.2.1",
    ),
    # ---- unrecognised words
    LOG_SAYS,
)
FAULTS = SAID
BY_ID = {fault.id: fault for fault in SAID}
