"""Which program does what with which server, and which failures are known: data only.

Rule: a known failure has a reason that names the faulty program, and a sign in the
output. If a known failure does not happen, or has another sign, the test fails, so
this list stays current.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from interop.peers import Wish
from sceplab.lab.policy import DEFAULT_CAPABILITIES

CHALLENGE = "R3-to-R1-via-R2"
CERTIFICATE, REFUSED = "certificate", "refused"


def without(*words: str) -> tuple[str, ...]:
    """Return the lab's capabilities without these words."""
    return tuple(c for c in DEFAULT_CAPABILITIES if c not in words)


@dataclass(frozen=True, slots=True)
class Case:
    """One task for a client at one of the lab's servers.

    `capabilities` is the server's GetCACaps reply, for programs that follow it.
    `method`, and the wish's cipher and digest, are compared with the request.
    `person`: an operator decides. `strict`: the server keeps its default policy,
    which accepts neither single DES nor keys under 2048 bits.
    `one_ra_certificate`: the RA has one certificate, instead of one for signing
    and one for encryption.
    """

    name: str
    wish: Wish = field(default_factory=lambda: Wish(challenge=CHALLENGE))
    capabilities: tuple[str, ...] = DEFAULT_CAPABILITIES
    method: str | None = None
    person: bool = False
    renew: bool = False
    strict: bool = False
    one_ra_certificate: bool = False
    outcome: str = CERTIFICATE


def _wish(**more: object) -> Wish:
    return Wish(challenge=CHALLENGE, **more)  # type: ignore[arg-type]


CASES = (
    Case("POST", method="POST"),
    Case("GET", capabilities=without("POSTPKIOperation", "SCEPStandard"), method="GET"),
    Case("AES", _wish(cipher="aes")),
    Case("3DES", _wish(cipher="3des"), without("AES", "SCEPStandard")),
    Case("SHA-1", _wish(digest="sha1"), without("SHA-256", "SHA-384", "SHA-512", "SCEPStandard")),
    Case("SHA-256", _wish(digest="sha256"), without("SHA-384", "SHA-512")),
    Case("SHA-512", _wish(digest="sha512")),
    Case("1024 bits", _wish(bits=1024)),
    Case("4096 bits", _wish(bits=4096)),
    Case("EC key", _wish(ec=True)),
    Case("wrong challenge", Wish(challenge="wrong"), outcome=REFUSED),
    Case("pending, then granted", Wish(patience=60), person=True),
    Case("pending, then denied", Wish(patience=60), person=True, outcome=REFUSED),
    Case("renewal", renew=True),
    Case("usual policy", strict=True),
    Case("1024 bits, usual policy", _wish(bits=1024), strict=True, outcome=REFUSED),
    Case("RA with one certificate", one_ra_certificate=True),
)
"""The tasks for every program, at the lab's CA and at its RA."""


@dataclass(frozen=True, slots=True)
class Known:
    """A known failure: `sign` is a part of the program's output or of the test's error.

    `lacks`: the program has no such feature, so the table says n/a instead of "fails".
    """

    program: str
    case: str
    reason: str
    sign: str
    lacks: bool = False


_LIBRARIES = ("PyScep", "scepreq")
_FIRST = "takes the CA by its place in GetCACert, not by who issued whom"
_STRONGSWAN = "5.9.8 takes enum numbers for bit masks and always POSTs"

KNOWN: tuple[Known, ...] = (
    Known("micromdm scepserver", "sent as windows", "opens PKCS#1 v1.5 only, Windows sends OAEP", "decryption error"),
    Known(
        "micromdm scepclient",
        "usual policy",
        "sends single DES, which our CA takes only if told to",
        "badAlg",
    ),
    Known("strongSwan pki", "GET", f"{_STRONGSWAN}, which is answered with 405 where it is not offered", "HTTP 405"),
    Known(
        "strongSwan pki",
        "micromdm scepserver",
        "takes rsaEncryption only as the signatureAlgorithm of a reply, also without the relay",
        "only RSA digest encryption supported",
    ),
    Known(
        "certmonger",
        "micromdm scepserver",
        "cannot open the reply, which is in single DES: openssl 3 has it as legacy only, and so without the relay",
        "error:0308010C",
    ),
    *(
        Known(
            name,
            "micromdm scepserver",
            "cannot read encryptedContent in pieces, as micromdm's server sends it, and so without the relay",
            "method should have been primitive",
        )
        for name in _LIBRARIES
    ),
    *(
        Known(
            name, "RA with one certificate", "encrypts for the CA where the RA has one certificate", '{"failure": "1"}'
        )
        for name in _LIBRARIES
    ),
    *(
        Known(
            name,
            "EC key",
            "signs a request for an EC key with an RSA key, which RFC 8894 2.3 allows to an RA alone",
            '{"failure": "1"}',
        )
        for name in _LIBRARIES
    ),
    *(Known(n, "GET", "calls encode() on bytes, so it cannot GET", "no attribute 'encode'") for n in _LIBRARIES),
    # Years.
    *(
        Known(name, "GetNextCACert", "never asks for the next CA", "never asked", lacks=True)
        for name in ("micromdm scepclient", "strongSwan pki", "certmonger")
    ),
    *(
        Known(
            name,
            "GetNextCACert",
            "checks the signature, then parses each certificate twice and stops, whatever the server",
            "encoded_data must be a byte string, not",
        )
        for name in _LIBRARIES
    ),
    Known(
        "certmonger",
        "renewal with the same request",
        "asks for the usages that its certificate has, so no request repeats the first one",
        "these are different requests",
        lacks=True,
    ),
    Known(
        "micromdm scepserver",
        "GetNextCACert",
        "has no GetNextCACert",
        "operation not implemented",
        lacks=True,
    ),
    # Chains.
    Known("PyScep", "root sub ca", _FIRST, "cryptography.exceptions.InvalidSignature"),
    Known("scepreq", "root sub ca", _FIRST, '{"failure": "1"}'),
    *(
        Known(name, shape, _FIRST, "RA is not issued by CA")
        for name in _LIBRARIES
        for shape in ("ra ca sub root", "root ca sub ra")
    ),
    # TLS.
    Known(
        "strongSwan pki",
        "the CA of TLS is given",
        "has no option for the CA of TLS, and takes the system's",
        "SSL certificate problem: unable to get local issuer",
        lacks=True,
    ),
    Known(
        "certmonger",
        "the CA of TLS is given",
        "scep-submit of 0.79.17 uses -R for the first request of a run only, which is GetCACaps",
        "SSL peer certificate or SSH remote key was not OK",
    ),
    Known("scepreq", "the CA of TLS is unknown", "does not check the server (verify=False)", "was not checked"),
)


def known_failure(program: str, case: str) -> Known | None:
    """Return the known failure of this case, or None."""
    found = (k for k in KNOWN if (k.program, k.case) == (program, case))
    return next(found, None)
