"""Why an enrollment failed: causes in plain words, with their evidence, likeliest first.

Rule: a kind of cause is data (`KINDS`); the functions below only yield where one is
seen and how likely it is. Causes follow from decoded values and findings, never
from a guess about a product.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from sceplab.analysis.faults.model import Finding, Side
from sceplab.asn1 import der, oids
from sceplab.cms.algorithms import MIN_RSA_BITS
from sceplab.cms.csr import MASK
from sceplab.cms.keytransport import KeyTransRecipient
from sceplab.cms.verify import CheckName, Outcome
from sceplab.cms.x509 import (
    Certificate,
    CertificateIdentifier,
    certificate_of,
    public_key_info,
    rsa_bits,
)
from sceplab.scep.attributes import FailInfo, MessageType, PkiStatus
from sceplab.scep.conversation import NO_MATERIALS, DecodedExchange, Materials
from sceplab.scep.message import PkiMessage


class Likelihood(IntEnum):
    """How likely it is that this is why: CERTAIN alone explains it, POSSIBLE is worth ruling out."""

    CERTAIN = 3
    LIKELY = 2
    POSSIBLE = 1


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of cause: what happened in `words`, what to `do`, and the RFC's section about it."""

    id: str
    words: str
    do: str
    section: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause that was seen in an exchange (counted from 0), with its `evidence`."""

    kind: Kind
    likelihood: Likelihood
    evidence: str
    exchange: int


_C, _L, _P = Likelihood.CERTAIN, Likelihood.LIKELY, Likelihood.POSSIBLE
# Allowed clock skew plus transit time.
_LATE = timedelta(minutes=10)

_KINDS = (
    # ---- on the way
    Kind("no-reply", "The server did not answer.", "Is it up, the port open, the capture complete?"),
    Kind("forbidden", "The server wants a login, or refuses this client.", "Open its SCEP path for this client."),
    Kind(
        "not-found",
        "There is no SCEP server at that path.",
        "Ask for the CA's SCEP URL (/cgi-bin/pkiclient.exe, /scep, /certsrv/mscep/mscep.dll ...).",
        "RFC 8894, 4.1",
    ),
    Kind(
        "method",
        "The server does not take this HTTP method.",
        "POST where GetCACaps offers POSTPKIOperation or SCEPStandard, GET elsewhere.",
        "RFC 8894, 4.1",
    ),
    Kind("too-long", "The request is too long for the server.", "Use POST.", "RFC 8894, 4.1"),
    Kind("redirect", "The server sends the client elsewhere; many SCEP clients do not follow.", "Use the right URL."),
    Kind("server-error", "The server failed, and did not say why.", "Read its log; see what the message itself shows."),
    Kind("http-error", "The server refused the request.", "Read the server's log."),
    Kind("empty-reply", "The reply is empty.", "Read the server's log."),
    Kind(
        "html-reply",
        "The reply is a web page, not a SCEP message.",
        "A proxy or login page answers in place of the CA: check the URL.",
    ),
    Kind("not-a-message", "The reply is no SCEP message.", "Is this the SCEP URL? Read the server's log."),
    Kind("broken-reply", "The reply cannot be read to its end.", "Was all of it captured? Is a proxy cutting it?"),
    Kind("plus-lost", 'The "+" of the base64 became spaces.', 'Write "+" as %2B, or use POST.', "RFC 8894, 4.1"),
    Kind("raw-plus", 'The "+" of the base64 is not escaped.', "Write %2B: some servers read a space.", "RFC 8894, 4.1"),
    Kind(
        "url-alphabet",
        "The base64 is in the URL-safe alphabet, which servers refuse.",
        'Use "+" and "/", percent-encoded.',
        "RFC 8894, 4.1",
    ),
    Kind("escaped-twice", "The message was percent-encoded twice.", "The HTTP library does it too: once is enough."),
    Kind("posted-base64", "The POST carries base64 in place of the message.", "Post the octets.", "RFC 8894, 4.3"),
    Kind("cut-off", "The request is cut off.", "Proxies and servers cut long URLs: use POST.", "RFC 8894, 4.1"),
    Kind("wrong-operation", "SCEP has no such operation.", "Write operation=PKIOperation.", "RFC 8894, 4.1"),
    # ---- the request as signed
    Kind("content-changed", "The content was changed after it was signed.", "Look for what changes it on the way."),
    Kind(
        "bad-signature",
        "The signature does not fit the signer's certificate.",
        "Sign with the key of the certificate that is sent; see that nothing changes octets on the way.",
        "RFC 5652, 5.6",
    ),
    Kind(
        "bad-request-signature",
        "The CSR is not signed with its own key.",
        "Whoever changes a CSR must have it signed again by the requester.",
        "RFC 2986, 3",
    ),
    Kind("signer-missing", "The signer's certificate is not in the message.", "Put it there.", "RFC 8894, 2.3"),
    Kind("not-scep", "This is CMS, but no SCEP message.", "Add the SCEP signed attributes.", "RFC 8894, 3.2.1"),
    Kind("no-nonce", "The request has no senderNonce.", "Add one of 16 random octets.", "RFC 8894, 3.2.1.5"),
    Kind("unknown-type", "The messageType is none that CAs know.", "Send 19, 17 or 20.", "RFC 8894, 3.2.1.2"),
    Kind(
        "wrong-content",
        "What is encrypted is not what the messageType says.",
        "A PKCSReq holds a CSR, a CertPoll an IssuerAndSubject, a GetCert an IssuerAndSerialNumber.",
        "RFC 8894, 3.2",
    ),
    Kind(
        "expired-signer",
        "The signer's certificate has expired.",
        "Renew it (an RA's is often forgotten), then enroll again.",
        "RFC 5280, 4.1.2.5",
    ),
    Kind("not-yet-valid", "The signer's certificate is not valid yet.", "Set the clocks (NTP).", "RFC 5280, 4.1.2.5"),
    Kind("clock", "The client's clock is wrong.", "Set it (NTP) before enrolling.", "RFC 8894, 3.2.1.4"),
    Kind(
        "unknown-signer",
        "The signer's certificate does not lead to the CA whose certificate is at hand.",
        "Is it another CA's RA? Give the certificates in between, too.",
        "RFC 8894, 2.3",
    ),
    Kind("signer-usage", "The signer's certificate lacks a keyUsage.", "Set both bits.", "RFC 8894, 2.3"),
    Kind(
        "signer-is-another",
        "The self-signed certificate has another key than the request.",
        "Self-sign with the key that is to be certified; some CAs compare.",
        "RFC 8894, 2.3",
    ),
    Kind(
        "subject-differs",
        "The self-signed certificate has another subject than the request.",
        "Some CAs (OpenXPKI for one) compare: use the same subject.",
        "RFC 8894, 2.3",
    ),
    Kind("renewal-self-signed", "A RenewalReq must be signed with the old certificate.", "Or send a PKCSReq."),
    Kind("renewal-not-offered", "A RenewalReq, but the CA does not offer Renewal.", "Send a PKCSReq.", "RFC 8894, 2.3"),
    Kind("algorithm", "The CA may refuse an algorithm of the request.", "Use AES-128-CBC, SHA-256.", "RFC 8894, 2.9"),
    Kind("short-key", f"A key is shorter than {MIN_RSA_BITS} bits, which many CAs refuse.", "Make a longer one."),
    Kind("oaep", "The content key is encrypted with OAEP, which many CAs cannot open.", "Use PKCS#1 v1.5."),
    Kind("ber", "The message is BER of indefinite length, which some cannot read.", "Write DER."),
    Kind("clear-secret", "A challengePassword went unencrypted.", "Count it as known; put it in the CSR."),
    # ---- for whom
    Kind(
        "wrong-recipient",
        "The request is encrypted for a certificate that is not the CA's.",
        "Fetch the CA certificate again (GetCACert): it was renewed, or an old copy is configured.",
        "RFC 8894, 3.2.2",
    ),
    Kind(
        "signing-only-recipient",
        "The request is encrypted for a certificate that is not for encryption.",
        "Take the one with keyEncipherment from the CA's set (an RA has two), or give the CA's that bit.",
        "RFC 8894, 2.1.2",
    ),
    Kind("request-for-another-key", "The request is encrypted for a key that you do not hold.", "Find that key."),
    Kind("no-encryption-key", "The signer's key cannot decrypt, so no reply can.", "Use RSA keys.", "RFC 8894, 3.1"),
    # ---- the secret
    Kind("no-challenge", "The request has no challengePassword.", "Get one from the CA's operator.", "RFC 8894, 2.4"),
    Kind(
        "wrong-challenge",
        "The challengePassword is not the expected one.",
        "Type it again: watch for spaces, quotes, and one-time passwords that were used.",
        "RFC 8894, 2.4",
    ),
    Kind(
        "challenge",
        "The CA may not accept the challengePassword.",
        "Compare it with the CA's (--password P says which is expected); one-time ones work once.",
        "RFC 8894, 2.4",
    ),
    # ---- the answer
    Kind(
        "pending",
        "The CA waits for a person to grant the request.",
        "Grant it there; the client polls on with the same transactionID.",
        "RFC 8894, 3.2.1.3",
    ),
    Kind("ca-says", "The CA says why.", "Its own words; the rest is from the messages.", "RFC 8894, 3.2.1.4"),
    Kind("badAlg", "The CA does not know or allow an algorithm.", "Compare with GetCACaps.", "RFC 8894, 3.2.1.4"),
    Kind("badMessageCheck", "The CA could not verify or decrypt the message.", "Run its checks.", "RFC 8894, 3.2.1.4"),
    Kind("badRequest", "The CA does not allow this request.", "Challenge, subject, key, renewal.", "RFC 8894, 3.2.1.4"),
    Kind("badTime", "The CA finds the signing time too far from its clock.", "Set the clocks.", "RFC 8894, 3.2.1.4"),
    Kind("badCertId", "The CA has no such certificate.", "Compare issuer and serial.", "RFC 8894, 3.2.1.4"),
    Kind("wrong-nonce", "The reply repeats another nonce.", "An old reply, from a cache?", "RFC 8894, 3.2.1.5"),
    Kind("wrong-transaction", "The reply is of another transaction.", "A cache, a proxy?", "RFC 8894, 3.2.1.1"),
    Kind("reply-for-another", "The reply is encrypted for somebody other than who signed the request.", "Mend the CA."),
    Kind("unexpected-signer", "The reply is signed by somebody whom GetCACert did not name.", "Fetch them again."),
    Kind("wrong-ca", "The reply is not from the CA whose certificate is at hand.", "Compare the fingerprints."),
    Kind("issued-for-another", "The issued certificate is for another key.", "Was another request of it taken?"),
    Kind("get-cert-pending", "GetCert and GetCRL are answered at once or not at all.", "Mend the CA.", "RFC 8894, 4.5"),
    Kind("ca-expired", "The CA certificate has expired.", "Renew the CA, or fetch its new one.", "RFC 8894, 2.2"),
    # ---- over time
    Kind(
        "poll-of-nothing",
        "The poll has another transactionID than the request.",
        "Keep it until the certificate is there: a new key or a reboot must not change it.",
        "RFC 8894, 4.4",
    ),
    Kind("transaction-reused", "A request of another key had this transactionID.", "Make it of the key."),
    Kind("nonce-reused", "The senderNonce was sent before: a replay?", "Take new random octets.", "RFC 8894, 3.2.1.5"),
)
KINDS = {kind.id: kind for kind in _KINDS}

# A broken rule that is a cause by itself: rule -> (cause, likelihood).
_FROM_RULES: dict[str, tuple[str, Likelihood]] = {
    "digest": ("content-changed", _C),
    "signature": ("bad-signature", _C),
    "possession": ("bad-request-signature", _C),
    "signer-included": ("signer-missing", _L),
    "scep-attributes": ("not-scep", _C),
    "sender-nonce": ("no-nonce", _L),
    "message-type": ("unknown-type", _C),
    "update-req": ("unknown-type", _L),
    "message-data": ("wrong-content", _L),
    "inner-type": ("wrong-content", _L),
    "renewal-offered": ("renewal-not-offered", _L),
    "renewal-signer": ("renewal-self-signed", _C),
    "self-signed-key": ("signer-is-another", _L),
    "self-signed-subject": ("subject-differs", _P),
    "signer-usage": ("signer-usage", _P),
    "not-offered": ("algorithm", _L),
    "weak-digest": ("algorithm", _P),
    "weak-cipher": ("algorithm", _P),
    "odd-cipher": ("algorithm", _P),
    "short-key": ("short-key", _P),
    "oaep": ("oaep", _P),
    "ber": ("ber", _P),
    "clear-secret": ("clear-secret", _P),
    "nonce-answer": ("wrong-nonce", _C),
    "transaction-answer": ("wrong-transaction", _C),
    "poll-transaction": ("poll-of-nothing", _C),
    "transaction-reused": ("transaction-reused", _L),
    "nonce-reused": ("nonce-reused", _P),
    "reply-recipient": ("reply-for-another", _C),
    "reply-signer": ("unexpected-signer", _L),
    "issued-key": ("issued-for-another", _C),
    "operation": ("wrong-operation", _C),
    "ca-expired": ("ca-expired", _C),
    "get-cert-pending": ("get-cert-pending", _L),
}
_EXPLAINING = {*_FROM_RULES, "validity", "chain"}
# In a reply these explain nothing that happened to the request.
_OF_REQUESTS = {"algorithm", "ber", "short-key", "oaep", "signer-usage"}
_OF_TEXT = ("plus-lost", "url-alphabet", "escaped-twice", "posted-base64", "raw-plus")
_SURE = {"plus-lost": _C, "raw-plus": _P}

_Seen = tuple[str, Likelihood, str]


def diagnose(
    decoded: Sequence[DecodedExchange],
    findings: Sequence[Sequence[Finding]],
    materials: Materials = NO_MATERIALS,
    *,
    show_secrets: bool = False,
) -> list[Cause]:
    """Return why exchanges failed, likeliest first; [] where all went well. Never raises on content.

    `findings` are those of each exchange (`registry.check_each`), `materials.passwords`
    the challengePasswords that the CA expects. Without `show_secrets` those in
    messages are masked. `analyse` does both steps.
    """
    held = _held(decoded, materials)
    unique: dict[tuple[str, int], Cause] = {}
    polls = 0
    for index, (item, broken) in enumerate(zip(decoded, findings, strict=True)):
        well = ended_well(item)
        seen = [
            *_transport(item),
            *_delivery(item, held),
            *_answer(item, polls),
            *(_from_finding(item, f) for f in broken if f.rule.id in _EXPLAINING),
        ]
        if item.request is not None and not well:
            seen += _request(item, item.request, materials, show_secrets=show_secrets)
        polls += item.request is not None and item.request.type is MessageType.CertPoll
        asks = item.operation is None or item.operation.operation == "PKIOperation"
        for name, likelihood, evidence in sorted((s for s in seen if s is not None), key=lambda s: -s[1]):
            # For a successful exchange only CERTAIN causes; for GetCACaps and GetCACert also LIKELY ones.
            if likelihood is _C or (not well and (asks or likelihood is _L)):
                unique.setdefault((name, index), Cause(KINDS[name], likelihood, evidence, index))
    return sorted(unique.values(), key=lambda c: (-c.likelihood, c.exchange))


def ended_well(item: DecodedExchange) -> bool:
    """Whether the client got what it asked for."""
    reply = item.exchange.reply
    if item.reply is not None:
        return item.reply.attributes.status is PkiStatus.SUCCESS
    name = item.operation.operation if item.operation is not None else ""
    if name == "PKIOperation" or reply is None:
        # A message alone, out of a file, failed nowhere that we know of.
        return not item.exchange.client and reply is None and item.request is not None
    return reply.status == 200 and bool(reply.body) and (name == "GetCACaps" or bool(item.ca_certificates))


def _from_finding(item: DecodedExchange, finding: Finding) -> _Seen | None:
    rule, in_reply = finding.rule.id, finding.side is Side.REPLY
    if rule == "validity":
        early = _signed_too_early(item, item.reply if in_reply else item.request)
        return ("not-yet-valid", _L, finding.found) if early else ("expired-signer", _C, finding.found)
    if rule == "chain":
        return ("wrong-ca" if in_reply else "unknown-signer"), _L, finding.found
    name, likelihood = _FROM_RULES[rule]
    if in_reply and name in _OF_REQUESTS:
        return None
    if name == "algorithm" and _failure(item) is FailInfo.badAlg:
        likelihood = _C
    where = "in the reply: " if in_reply else ""
    return name, likelihood, where + finding.found


def _signed_too_early(item: DecodedExchange, message: PkiMessage | None) -> bool:
    """Whether a message was signed before its signer's certificate was valid, by the clock of its verification."""
    signer = message.verification.signer if message is not None else None
    if message is None or signer is None or signer.not_before is None or signer.not_after is None:
        return False
    moment = item.exchange.time or _signing_time(message)
    return moment is not None and moment < signer.not_before <= signer.not_after


def _signing_time(message: PkiMessage) -> datetime | None:
    info = message.signed.signer_info
    return info.signing_time if info is not None else None


def _failure(item: DecodedExchange) -> FailInfo | None:
    return item.reply.attributes.failure if item.reply is not None else None


# --------------------------------------------------------------- on the way


def _transport(item: DecodedExchange) -> Iterator[_Seen]:
    operation, reply = item.operation, item.exchange.reply
    problems = {p.code: p for p in (operation.problems if operation is not None else ())}
    for code in _OF_TEXT:
        if code in problems:
            yield code, _SURE.get(code, _L), str(problems[code])
    broken = item.request.signed.problems if item.request is not None else ()
    cut = problems.get("cut-off") or next((p for p in broken if p.code in {"ber", "short"}), None)
    if cut is not None and operation is not None:
        yield "cut-off", _L, f"{len(operation.message or b'')} octets were read; {cut}"
    if reply is None:
        if operation is not None and item.exchange.client:
            yield "no-reply", _L, f"no reply to {operation.operation}"
    elif item.exchange.client:
        yield from _status(item)


_STATUS = {401: "forbidden", 403: "forbidden", 404: "not-found", 413: "too-long", 414: "too-long"}


def _status(item: DecodedExchange) -> Iterator[_Seen]:
    reply, request = item.exchange.reply, item.exchange.request
    if reply is None or request is None:
        return
    line = f"HTTP {reply.status} {reply.reason}".strip()
    path = item.operation.path if item.operation is not None else ""
    if reply.status in _STATUS:
        yield _STATUS[reply.status], _C, f"{line} for {request.method} {path}"
    elif reply.status in {405, 501} or (reply.status == 400 and request.method == "POST"):
        yield "method", _C if reply.status == 405 else _L, f"{line} for {request.method}"
    elif 300 <= reply.status < 400:
        yield "redirect", _L, f"{line}, Location: {reply.header('Location') or 'none'}"
    elif reply.status >= 500:
        yield "server-error", _L, line
    elif reply.status >= 400:
        yield "http-error", _L, line
    elif item.operation is not None and item.operation.operation == "PKIOperation":
        start = repr(reply.body[:60].decode("latin-1").strip())
        if reply.truncated and item.reply is None:
            return  # what came is not known: a log has no bodies
        if not reply.body:
            yield "empty-reply", _C, f"{line}, no content"
        elif reply.body.lstrip()[:1] == b"<":
            yield "html-reply", _C, start
        elif item.reply is None:
            yield "not-a-message", _C, start
        elif item.reply.signed.problems:
            yield "broken-reply", _C, str(item.reply.signed.problems[0])


# --------------------------------------------------------------- for whom


def _named(message: PkiMessage | None) -> list[CertificateIdentifier]:
    if message is None or message.enveloped is None:
        return []
    return [r.identifier for r in message.enveloped.recipients if isinstance(r, KeyTransRecipient)]


@dataclass(frozen=True, slots=True)
class _Held:
    """Certificates of GetCACert, these together with the reader's own, and the public keys of the reader's keys."""

    authorities: tuple[Certificate, ...]
    certificates: tuple[Certificate, ...]
    keys: frozenset[bytes]


def _held(decoded: Sequence[DecodedExchange], materials: Materials) -> _Held:
    authorities = tuple({c.der: c for item in decoded for c in item.ca_certificates}.values())
    given = tuple(certificate_of(c) for c in materials.certificates)
    return _Held(authorities, (*authorities, *given), frozenset(public_key_info(k) for k in materials.keys))


def _delivery(item: DecodedExchange, held: _Held) -> Iterator[_Seen]:
    """Yield where the request is encrypted for a certificate that cannot or should not open it."""
    named = _named(item.request)
    if named and held.authorities and not any(i.matches(c) for i in named for c in held.authorities):
        yield "wrong-recipient", _C, f"for {named[0]}; GetCACert gave {'; '.join(map(str, held.authorities))}"
    # A CA that refuses for another reason has decrypted the request.
    read = _failure(item) not in {None, FailInfo.badMessageCheck}
    for identifier in named:
        target = next((c for c in held.certificates if identifier.matches(c)), None)
        usage = target.key_usage if target is not None else None
        if usage is not None and "keyEncipherment" not in usage:
            yield "signing-only-recipient", _P if read else _L, f"{target} has {', '.join(sorted(usage))}"
    closed = item.request is not None and item.request.opened is None
    mine = [c for c in held.certificates if c.public_key_info in held.keys] if closed and named else []
    if mine and not any(i.matches(c) for i in named for c in mine):
        yield "request-for-another-key", _P, f"for {named[0]}; you hold the key of {mine[0]}"


# --------------------------------------------------------------- what was asked and answered


def _answer(item: DecodedExchange, polls: int) -> Iterator[_Seen]:
    """Yield what the reply itself says; `polls` counts those of earlier exchanges."""
    reply, failure = item.reply, _failure(item)
    if reply is None:
        return
    if reply.attributes.status is PkiStatus.PENDING:
        yield "pending", _C, f"pkiStatus PENDING, polls before: {polls}"
    if reply.attributes.fail_info_text:
        yield "ca-says", _L, repr(reply.attributes.fail_info_text)
    if failure is not None:
        yield failure.name, _P, f"failInfo {failure.value}"


def _request(item: DecodedExchange, request: PkiMessage, materials: Materials, *, show_secrets: bool) -> list[_Seen]:
    seen = [_challenge(item, request, materials, show_secrets=show_secrets), _clock(item, request)]
    signer = request.verification.signer
    fits = request.verification[CheckName.SIGNATURE].outcome is Outcome.PASSED
    if signer is not None and fits and rsa_bits(signer.public_key_info) is None:
        seen.append(("no-encryption-key", _P, f"{signer.subject} signs with {_key_name(signer)}"))
    return [s for s in seen if s is not None]


def _challenge(item: DecodedExchange, request: PkiMessage, materials: Materials, *, show_secrets: bool) -> _Seen | None:
    refused = _failure(item) is FailInfo.badRequest
    if item.csr is None:
        asks = request.type in {MessageType.PKCSReq, MessageType.RenewalReq}
        closed = "the request cannot be read without the CA's key, so the secret in it is not known"
        return ("challenge", _L, closed) if refused and asks and request.opened is None else None
    sent = item.csr.challenge_password
    if not sent:
        if request.type is not MessageType.PKCSReq:
            return None
        return "no-challenge", _L if refused else _P, "no such attribute in the CSR"
    expected = [p.decode("utf-8", "replace") for p in materials.passwords]
    if sent in expected:
        return None
    if not expected:
        shown = repr(sent) if show_secrets else f"{MASK} ({len(sent)} characters)"
        return ("challenge", _L, f"{shown} was sent") if refused else None
    seen = f"{sent!r} was sent, {expected[0]!r} is expected"
    if not show_secrets:
        seen = f"{MASK} of {len(sent)} characters was sent, one of {len(expected[0])} is expected"
    if sent.strip().lower() in {e.strip().lower() for e in expected}:
        seen += "; they differ in spaces or capitals only"
    return "wrong-challenge", _C if refused else _L, seen


def _clock(item: DecodedExchange, request: PkiMessage) -> _Seen | None:
    signed = _signing_time(request)
    if signed is None or item.exchange.time is None or abs(item.exchange.time - signed) <= _LATE:
        return None
    evidence = f"signingTime {signed:%Y-%m-%d %H:%M:%S}, seen on the wire {item.exchange.time:%Y-%m-%d %H:%M:%S}"
    return "clock", _C if _failure(item) is FailInfo.badTime else _L, evidence


def _key_name(certificate: Certificate) -> str:
    try:
        return oids.name_of(der.oid_of(der.read(certificate.public_key_info).children()[0].children()[0]))
    except (der.DerError, IndexError):
        return "an unknown key"
