"""Decoded exchanges, findings and causes as text: what `sceplab` prints for people.

Rule: plain lines from decoded values. Control characters of other people's
names never reach a terminal as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sceplab.analysis.diagnose import Cause
from sceplab.analysis.faults.model import Finding, Side
from sceplab.cms.csr import MASK, CertificationRequest
from sceplab.cms.verify import Outcome
from sceplab.report.escape import visible
from sceplab.scep.attributes import FAIL_INFO_MEANING
from sceplab.scep.capabilities import parse_caps
from sceplab.scep.conversation import DecodedExchange
from sceplab.scep.message import PkiMessage
from sceplab.scep.messagedata import CertsOnly, IssuerAndSerialNumber, IssuerAndSubject, MessageData

_SIGNS = {Outcome.PASSED: "ok", Outcome.FAILED: "FAILED", Outcome.NOT_POSSIBLE: "--"}


def place(exchange: int | None, side: Side | None = None) -> str:
    """Return where something was seen: "[2] reply", "[2]" for the whole exchange, "" for a message alone."""
    if exchange is None:
        return ""
    return f"[{exchange}] {side.value}" if side is not None and side is not Side.EXCHANGE else f"[{exchange}]"


def finding_line(finding: Finding) -> str:
    """Return a finding as one line: where, how bad, which rule, what was found."""
    where, rule = place(finding.exchange, finding.side), finding.fault
    found = f"{rule.level.value} {rule.id}: {finding.found} ({rule.section})"
    return visible(f"{where}: {found}" if where else found)


def cause_lines(cause: Cause) -> Iterator[str]:
    """Yield a cause as three lines: what happened, the evidence, what to do."""
    section = f" ({cause.fault.section})" if cause.fault.section else ""
    where = place(cause.exchange)
    yield visible(f"{where} {cause.likelihood.name.lower()}: {cause.words}".lstrip())
    yield visible(f"    seen: {cause.evidence}{section}")
    yield visible(f"    do:   {cause.action}")


def outline(decoded: Sequence[DecodedExchange], *, show_secrets: bool = False) -> Iterator[str]:
    """Yield the lines for a list of exchanges."""
    for index, item in enumerate(decoded):
        yield from map(visible, _exchange(index, item, show_secrets=show_secrets))


def _exchange(index: int, item: DecodedExchange, *, show_secrets: bool) -> Iterator[str]:
    exchange, operation = item.exchange, item.operation
    ends = f"{exchange.client} -> {exchange.server}  " if exchange.client else ""
    when = f"  {exchange.time:%Y-%m-%d %H:%M:%S}Z" if exchange.time else ""
    method = exchange.request.method + " " if exchange.request and exchange.client else ""
    yield f"[{index}] {ends}{method}{operation.operation if operation else ''}{when}".rstrip()
    if exchange.reply is not None and exchange.client:
        kind = exchange.reply.header("Content-Type") or "no Content-Type"
        yield f"    HTTP {exchange.reply.status}, {kind}, {len(exchange.reply.body)} octets"
    elif exchange.client:
        yield "    no reply in the capture"
    for problem in (*exchange.problems, *(operation.problems if operation else ())):
        yield f"    note: {problem}"
    if operation is not None and operation.operation == "GetCACaps" and exchange.reply is not None:
        yield f"    offers {', '.join(parse_caps(exchange.reply.body)) or 'nothing'}"
    for certificate in item.ca_certificates:
        yield f"    certificate {certificate}"
    if item.csr is not None and item.request is None:
        yield from (f"    {line}" for line in _data(item.csr, show_secrets=show_secrets))
    for label, message in (("request", item.request), ("reply", item.reply)):
        if message is not None:
            yield from (f"    {line}" for line in message_lines(label, message, show_secrets=show_secrets))
    if item.issued is not None:
        match = item.answers is not None and item.answers.public_key_info == item.issued.public_key_info
        yield f"    issued: {item.issued}" + (", for the request's key" if match else "")
    yield ""


def message_lines(label: str, message: PkiMessage, *, show_secrets: bool = False) -> Iterator[str]:
    """Yield the lines for one message, layer by layer."""
    yield f"{label}: {kind_of(message)}, {len(message.raw)} octets"
    yield from (f"  {line}" for line in signed_lines(message))
    yield from (f"  {line}" for line in envelope_lines(message, show_secrets=show_secrets))
    for problem in message.problems:
        yield f"  note: {problem}"


def kind_of(message: PkiMessage) -> str:
    """Return the name of the messageType, or what was sent in its place."""
    attributes = message.attributes
    return attributes.type.name if attributes.type is not None else f"messageType {attributes.message_type!r}"


def signed_lines(message: PkiMessage) -> Iterator[str]:
    """Yield the lines for the signedData: its SCEP attributes and the checks."""
    attributes = message.attributes
    yield f"transactionID   {attributes.transaction_id}"
    for name, nonce in (("senderNonce", attributes.sender_nonce), ("recipientNonce", attributes.recipient_nonce)):
        if nonce is not None:
            yield f"{name:15} {nonce.hex(' ')}"
    if attributes.pki_status is not None:
        name = attributes.status.name if attributes.status is not None else "(unknown)"
        yield f"pkiStatus       {attributes.pki_status} {name}"
    if attributes.fail_info is not None:
        failure = attributes.failure
        meaning = f" {failure.name}: {FAIL_INFO_MEANING[failure]}" if failure is not None else ""
        yield f"failInfo        {attributes.fail_info}{meaning}"
    if attributes.fail_info_text is not None:
        yield f"failInfoText    {attributes.fail_info_text}"
    info = message.signed.signer_info
    if info is not None:
        yield f"SignedData      {info.digest_algorithm.name}, {info.signature_algorithm.name}"
    for check in message.verification.checks:
        yield f"  {_SIGNS[check.outcome]:6} {check.name}: {check.detail}"


def envelope_lines(message: PkiMessage, *, show_secrets: bool = False) -> Iterator[str]:
    """Yield the lines for the envelopedData and what is in it, as far as it was opened."""
    if message.enveloped is not None:
        yield f"EnvelopedData   {message.enveloped.content_encryption.name}"
        for recipient in message.enveloped.recipients:
            yield f"  for {recipient}"
    yield from (f"  {line}" for line in message.decrypt_error.splitlines())
    if message.message_data is not None:
        yield from _data(message.message_data, show_secrets=show_secrets)
    if message.proof_of_possession is not None:
        check = message.proof_of_possession
        yield f"  {_SIGNS[check.outcome]:6} {check.name}: {check.detail}"


def _data(data: MessageData, *, show_secrets: bool) -> Iterator[str]:
    if isinstance(data, CertificationRequest):
        yield f"PKCS#10         {data.subject.rfc4514()}, {data.key_bits}-bit key, {data.signature_algorithm.name}"
        if data.challenge_password is not None:
            secret = data.challenge_password if show_secrets else MASK
            yield f"  challengePassword {secret} ({data.challenge_password_type})"
        if data.subject_alt_name is not None:
            yield f"  subjectAltName {data.subject_alt_name}"
    elif isinstance(data, IssuerAndSubject):
        yield f"IssuerAndSubject issuer {data.issuer}, subject {data.subject}"
    elif isinstance(data, IssuerAndSerialNumber):
        yield f"IssuerAndSerialNumber issuer {data.issuer}, serial {data.serial_hex}"
    elif isinstance(data, CertsOnly):
        for certificate in data.certificates:
            yield f"certificate     {certificate}"
        for crl in data.crls:
            yield f"CRL             issuer {crl.issuer}, {len(crl.revoked)} revoked"
    else:
        yield f"messageData     {len(data.raw)} octets of an unknown kind"
