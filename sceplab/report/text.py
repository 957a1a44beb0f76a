"""Decoded exchanges and findings as text: what `sceplab` prints for people.

Rule: plain lines from decoded values. Control characters in captured text are
always escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sceplab.analysis.faults.model import Finding
from sceplab.analysis.statements import Source, attribute_words, statements_of
from sceplab.asn1 import der, oids
from sceplab.cms.attribute import Attribute
from sceplab.cms.csr import CertificationRequest
from sceplab.cms.name import Name
from sceplab.cms.partial import parts_of_enveloped, parts_of_signed
from sceplab.cms.signed import SignerInfo
from sceplab.cms.verify import Outcome
from sceplab.cms.x509 import parse_certificate
from sceplab.errors import MASK
from sceplab.report.bounds import cut, listed
from sceplab.report.escape import visible
from sceplab.report.names import checks_of, is_cut, kind_of, place, transaction_of
from sceplab.scep.attributes import FAIL_INFO_MEANING, FIELDS
from sceplab.scep.capabilities import parse_caps
from sceplab.scep.conversation import DecodedExchange
from sceplab.scep.message import PkiMessage
from sceplab.scep.messagedata import CertsOnly, IssuerAndSerialNumber, IssuerAndSubject, MessageData
from sceplab.scep.transport import Exchange

_PLACES = 5
"""How many places are listed for a rule that is broken often."""
_SIGNERS = 5
"""SignerInfos of a truncated message that are listed; SCEP has one (RFC 8894, 3.2)."""
_SIGNS = {Outcome.PASSED: "ok", Outcome.FAILED: "FAILED", Outcome.NOT_POSSIBLE: "–"}
_T61 = der.STRING_TYPE_NAMES[der.T61_STRING]
_SHOWN = frozenset({oids.CONTENT_TYPE, oids.MESSAGE_DIGEST, oids.SIGNING_TIME, *(oid for oid, _ in FIELDS.values())})
"""Signed attributes that have their own line or check."""


def finding_line(finding: Finding) -> str:
    """Return a finding as one line: place, level, rule, what was found."""
    where, rule = place(finding.exchange, finding.side), finding.fault
    found = f"{rule.level.value} {rule.id}: {cut(finding.found)} ({rule.section})"
    return visible(f"{where}: {found}" if where else found)


def first_of_each(findings: Sequence[Finding]) -> list[Finding]:
    """Return the first finding of each rule, in their order."""
    once: dict[str, Finding] = {}
    for finding in findings:
        once.setdefault(finding.fault.id, finding)
    return list(once.values())


def grouped_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield a line for each rule: the first finding, their number, and the first places."""
    places: dict[str, list[str]] = {}
    for finding in findings:
        places.setdefault(finding.fault.id, []).append(place(finding.exchange, finding.side))
    for finding in first_of_each(findings):
        where = places[finding.fault.id]
        often = f"; {len(where):,} times: {', '.join(where[:_PLACES])}" if len(where) > 1 else ""
        yield finding_line(finding) + often + (" ..." if len(where) > _PLACES else "")


def outline(decoded: Sequence[DecodedExchange], *, show_secrets: bool = False) -> Iterator[str]:
    """Yield the lines for a list of exchanges."""
    for index, item in enumerate(decoded):
        for line in _exchange(index, item, show_secrets=show_secrets):
            yield visible(cut(line))


def _exchange(index: int, item: DecodedExchange, *, show_secrets: bool) -> Iterator[str]:
    exchange, operation = item.exchange, item.operation
    ends = f"{exchange.client} -> {exchange.server}  " if exchange.client else ""
    when = f"  {exchange.time:%Y-%m-%d %H:%M:%S}Z" if exchange.time else ""
    method = exchange.request.method + " " if exchange.request and exchange.recorded.http else ""
    yield f"[{index}] {ends}{method}{operation.operation if operation else ''}{when}".rstrip()
    yield from _http(exchange)
    said = (s for s in statements_of(index, item) if s.source not in {Source.FAIL_INFO_TEXT, Source.ATTRIBUTE})
    yield from listed((f"    {statement.quoted}" for statement in said), "statements")
    problems = (*exchange.problems, *(operation.problems if operation else ()))
    yield from listed((f"    note: {problem}" for problem in problems), "notes")
    if operation is not None and operation.operation == "GetCACaps":
        yield from _offers(exchange)
    yield from listed((f"    certificate {certificate}" for certificate in item.ca_certificates), "certificates")
    if item.csr is not None and item.request is None:
        yield from (f"    {line}" for line in _data(item.csr, show_secrets=show_secrets))
    for label, message in (("request", item.request), ("reply", item.reply)):
        if message is not None:
            yield from (f"    {line}" for line in message_lines(label, message, show_secrets=show_secrets))
    if item.issued is not None:
        match = item.answers is not None and item.answers.public_key_info == item.issued.public_key_info
        yield f"    issued: {item.issued}" + (", for the request's key" if match else "")
    yield ""


def _http(exchange: Exchange) -> Iterator[str]:
    reply, recorded = exchange.reply, exchange.recorded
    if not recorded.http:
        return
    if reply is None:
        yield "    no reply in the capture" if recorded.answers else "    the reply is not recorded"
        return
    parts = [f"HTTP {reply.status}" if reply.status is not None else "status not recorded"]
    if recorded.headers:
        parts.append(reply.header("Content-Type") or "no Content-Type")
    parts.append(f"{len(reply.body)} bytes" if recorded.bodies or reply.body else "body not recorded")
    yield f"    {', '.join(parts)}"


def _offers(exchange: Exchange) -> Iterator[str]:
    reply = exchange.reply
    if reply is not None and reply.status in {200, None} and (exchange.recorded.bodies or reply.body):
        yield f"    offers {', '.join(parse_caps(reply.body)) or 'nothing'}"


def message_lines(label: str, message: PkiMessage, *, show_secrets: bool = False) -> Iterator[str]:
    """Yield the lines for one message, layer by layer; of a truncated one those of the captured part."""
    yield f"{label}: {kind_of(message)}, {len(message.raw)} bytes"
    if is_cut(message):
        yield from (f"  {line}" for line in _cut_lines(message))
    else:
        yield from (f"  {line}" for line in signed_lines(message))
        yield from (f"  {line}" for line in envelope_lines(message))
        yield from (f"  {line}" for line in data_lines(message, show_secrets=show_secrets))
    yield from listed((f"  note: {problem}" for problem in message.problems), "notes")


def _cut_lines(message: PkiMessage) -> Iterator[str]:
    signed = parts_of_signed(message.raw)
    yield "damaged; the part that can be read:"
    if signed.digest_algorithms:
        yield f"  SignedData      {', '.join(a.name for a in signed.digest_algorithms)}"
    words = (f"  certificate     {_certificate_words(certificate)}" for certificate in signed.certificates)
    yield from listed(words, "certificates")
    for info in signed.signer_infos[:_SIGNERS]:
        yield f"  signer          {info.identifier}"
        yield from (f"  {line}" for line in _attribute_lines(info, frozenset()))
    if len(signed.signer_infos) > _SIGNERS:
        yield f"  ... and {len(signed.signer_infos) - _SIGNERS:,} more signers"
    envelope = parts_of_enveloped(signed.content) if signed.content else None
    if envelope is not None and (envelope.recipients or envelope.content_encryption.oid):
        yield f"  EnvelopedData   {envelope.content_encryption.name or 'algorithm missing'}"
        yield from listed((f"    for {recipient}" for recipient in envelope.recipients), "recipients")


def _certificate_words(raw: bytes) -> str:
    try:
        return str(parse_certificate(raw))
    except der.DerError:
        return f"cut off after {len(raw)} bytes"


def _attribute_lines(info: SignerInfo, hidden: frozenset[str]) -> Iterator[str]:
    """Yield signed attributes with their values as text, without those in `hidden`."""
    shown = (attribute for attribute in info.signed_attributes if attribute.oid not in hidden)
    yield from listed(map(_attribute_line, shown), "attributes")


def _attribute_line(attribute: Attribute) -> str:
    words, _ = attribute_words(attribute)
    size = sum(map(len, attribute.values))
    return f"attribute       {attribute.name}: {words or f'{size} bytes'}"


def signed_lines(message: PkiMessage) -> Iterator[str]:
    """Yield the lines for the signedData: its SCEP attributes and the checks."""
    attributes = message.attributes
    transaction = transaction_of(message)
    shown = transaction if transaction is not None else "(not sent)"
    yield f"transactionID   {shown}" + (" (hex: it is not text)" if transaction != attributes.transaction_id else "")
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
        yield from _attribute_lines(info, _SHOWN)
        yield f"SignedData      {info.digest_algorithm.name}, {info.signature_algorithm.name}"
    for check in checks_of(message):
        yield f"  {_SIGNS[check.outcome]:6} {check.name}: {check.detail}"


def envelope_lines(message: PkiMessage) -> Iterator[str]:
    """Yield the lines for the envelopedData: algorithm, recipients, and why it was not opened."""
    if message.enveloped is not None:
        yield f"EnvelopedData   {message.enveloped.content_encryption.name}"
        yield from listed((f"  for {recipient}" for recipient in message.enveloped.recipients), "recipients")
    yield from (f"  {line}" for line in message.decrypt_error.splitlines())


def data_lines(message: PkiMessage, *, show_secrets: bool = False) -> Iterator[str]:
    """Yield the lines for what is in the envelope, where it was opened."""
    if message.message_data is not None:
        yield from _data(message.message_data, show_secrets=show_secrets)
    if message.proof_of_possession is not None:
        check = message.proof_of_possession
        yield f"  {_SIGNS[check.outcome]:6} {check.name}: {check.detail}"


def as_utf8(text: str, string_type: str) -> str | None:
    """Return a T61String as UTF-8 if its bytes are non-ASCII UTF-8, else None."""
    if string_type != _T61 or text.isascii():
        return None
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return None


def _t61_notes(name: Name) -> Iterator[str]:
    for attribute in (a for rdn in name.rdns for a in rdn):
        text = as_utf8(attribute.value, attribute.string_type)
        if text is not None:
            yield f"  note: {attribute.keyword} is a T61String that holds UTF-8: {text}"


def _data(data: MessageData, *, show_secrets: bool) -> Iterator[str]:
    if isinstance(data, CertificationRequest):
        subject = data.subject.rfc4514() or "(empty subject)"
        size = f"{data.key_bits}-bit key" if data.key_bits is not None else "key of unknown size"
        yield f"PKCS#10         {subject}, {size}, {data.signature_algorithm.name}"
        yield from listed(_t61_notes(data.subject), "notes")
        if data.challenge_password is not None:
            secret = data.challenge_password if show_secrets else MASK
            yield f"  challengePassword {secret} ({data.challenge_password_type})"
            text = as_utf8(data.challenge_password, data.challenge_password_type or "")
            if text is not None:
                yield f"  note: as UTF-8 this T61String is {text if show_secrets else 'another text'}"
        if data.subject_alt_name is not None:
            yield f"  subjectAltName {data.subject_alt_name}"
    elif isinstance(data, IssuerAndSubject):
        yield f"IssuerAndSubject issuer {data.issuer}, subject {data.subject}"
    elif isinstance(data, IssuerAndSerialNumber):
        yield f"IssuerAndSerialNumber issuer {data.issuer}, serial {data.serial_hex}"
    elif isinstance(data, CertsOnly):
        yield from listed((f"certificate     {certificate}" for certificate in data.certificates), "certificates")
        words = (f"CRL             issuer {crl.issuer}, {len(crl.revoked)} revoked" for crl in data.crls)
        yield from listed(words, "CRLs")
    else:
        yield f"messageData     {len(data.raw)} bytes of an unknown kind"
