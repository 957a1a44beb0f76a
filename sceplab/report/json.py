"""Decoded messages as plain JSON values: what `sceplab decode --json` prints.

Rule: names and values are those of the truth files that openssl and tshark made from
real captures, so that our decoder can be compared with them field by field. Nothing
is decoded here. `cmsPrintOK`, in truth files the result of openssl, is here whether
the CMS structure was read without a problem.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from sceplab.analysis.analyse import Analysis
from sceplab.analysis.faults.model import Finding
from sceplab.analysis.ranking import Cause
from sceplab.asn1 import der, oids
from sceplab.capture.reading import Capture, Unread
from sceplab.cms.algorithms import AlgorithmIdentifier
from sceplab.cms.csr import CertificationRequest, verify_csr
from sceplab.cms.enveloped import EnvelopedData
from sceplab.cms.keytransport import KeyTransRecipient
from sceplab.cms.name import Name
from sceplab.cms.verify import CheckName, Outcome
from sceplab.cms.x509 import Certificate, RevocationList
from sceplab.errors import MASK
from sceplab.report.names import place, transaction_of
from sceplab.report.verdict import verdicts
from sceplab.scep.capabilities import parse_caps
from sceplab.scep.conversation import NO_MATERIALS, DecodedExchange, Materials
from sceplab.scep.message import PkiMessage
from sceplab.scep.messagedata import (
    CertsOnly,
    IssuerAndSerialNumber,
    IssuerAndSubject,
    MessageData,
)
from sceplab.scep.transport import Exchange, ScepRequest

Facts = dict[str, Any]

_ATTRIBUTE_ORDER = (
    oids.MESSAGE_TYPE,
    oids.PKI_STATUS,
    oids.FAIL_INFO,
    oids.FAIL_INFO_TEXT,
    oids.SENDER_NONCE,
    oids.RECIPIENT_NONCE,
    oids.TRANSACTION_ID,
)
_TYPE_WORDS = {"OCTET STRING": "OCTET STRING      [HEX DUMP]"}


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def message_facts(message: PkiMessage) -> Facts:
    """Return the facts of one pkiMessage, with the challengePassword: apply `masked` before publishing it."""
    signed, attributes, verification = message.signed, message.attributes, message.verification
    info = signed.signer_info
    sent = {a.oid: a for a in info.signed_attributes} if info else {}
    failed = [c for c in verification.checks if c.outcome is Outcome.FAILED and c.name != CheckName.CHAIN]
    facts: Facts = {
        "der_sha256": _sha256(message.raw),
        "der_len": len(message.raw),
        "indefiniteLength": _indefinite(message.raw),
        "attributes": [oids.name_of(o) for o in _ATTRIBUTE_ORDER if o in sent],
        "attributeTypes": {oids.name_of(o): _type_word(sent[o].string_type) for o in _ATTRIBUTE_ORDER if o in sent},
        "messageType": attributes.message_type,
        "transactionID": transaction_of(message),
        "senderNonce": _hex(attributes.sender_nonce),
        "recipientNonce": _hex(attributes.recipient_nonce),
        "pkiStatus": attributes.pki_status,
        "failInfo": attributes.fail_info,
        "failInfoText": attributes.fail_info_text,
        "messageTypeName": attributes.type.name if attributes.type is not None else None,
        "cmsPrintOK": not signed.problems,
        "digestAlg": _algorithm(info.digest_algorithm) if info else None,
        "signatureAlg": _algorithm(info.signature_algorithm) if info else None,
        "signerCertInMessage": verification.signer_in_message,
        "signatureOK": verification.intact,
        "verifyError": "; ".join(map(str, failed)) or None,
        "certCount": len(signed.certificates),
        "signer": _signer(verification.signer),
        "envelope": envelope_facts(message.enveloped) if message.enveloped else None,
        "inner": data_facts(message.message_data) if message.message_data else None,
    }
    if signed.content is None:
        facts["contentAbsent"] = True
    if message.decrypt_error:
        facts["decryptError"] = message.decrypt_error
    if message.problems:
        facts["problems"] = [str(p) for p in message.problems]
    return facts


def _type_word(string_type: str) -> str:
    return _TYPE_WORDS.get(string_type, string_type.upper())


def _hex(data: bytes | None) -> str | None:
    return None if data is None else data.hex()


def _indefinite(data: bytes) -> bool:
    try:
        outer = der.read(data)
    except der.DerError:
        return False
    return outer.indefinite


def _algorithm(algorithm: AlgorithmIdentifier) -> Facts:
    return {"name": algorithm.name, "oid": algorithm.oid}


def certificate_facts(certificate: Certificate) -> Facts:
    """Return the facts that identify a certificate."""
    return {
        "subject": certificate.subject.rfc4514(),
        "issuer": certificate.issuer.rfc4514(),
        "serial": certificate.serial_hex,
        "spki_sha256": _sha256(certificate.public_key_info),
        "der_sha256": _sha256(certificate.der),
    }


def _signer(certificate: Certificate | None) -> Facts | None:
    if certificate is None:
        return None
    return certificate_facts(certificate) | {"selfIssued": certificate.self_issued}


def envelope_facts(enveloped: EnvelopedData) -> Facts:
    """Return the facts of a pkcsPKIEnvelope: algorithms and recipients."""
    recipients = [r for r in enveloped.recipients if isinstance(r, KeyTransRecipient)]
    return {
        "der_sha256": _sha256(enveloped.raw),
        "contentEncryptionAlg": _algorithm(enveloped.content_encryption),
        "keyEncryptionAlg": _algorithm(recipients[0].key_encryption) if recipients else None,
        "recipients": [_recipient(r) for r in recipients],
        "cmsPrintOK": not enveloped.problems,
    }


def _recipient(recipient: KeyTransRecipient) -> Facts:
    identifier = recipient.identifier
    if identifier.issuer is None:
        return {"subjectKeyIdentifier": (identifier.key_identifier or b"").hex()}
    number = int.from_bytes(identifier.serial, "big", signed=True)
    # As OpenSSL's i2s_ASN1_INTEGER: decimal below 128 bits, hexadecimal above.
    small = number.bit_length() < 128
    serial = str(number) if small else "0x" + _even(f"{number:X}")
    return {"issuer": identifier.issuer.oneline(), "serial": serial}


def _even(digits: str) -> str:
    return digits.zfill(len(digits) + len(digits) % 2)


def data_facts(data: MessageData) -> Facts:
    """Return the facts of a decrypted messageData."""
    facts: Facts = {"der_sha256": _sha256(data.raw), "der_len": len(data.raw)}
    if isinstance(data, CertificationRequest):
        facts |= _csr(data)
    elif isinstance(data, IssuerAndSubject):
        facts |= {"kind": "IssuerAndSubject", "issuer": _pairs(data.issuer), "subject": _pairs(data.subject)}
    elif isinstance(data, IssuerAndSerialNumber):
        facts |= {"kind": "IssuerAndSerialNumber", "issuer": _pairs(data.issuer), "serial": data.serial_hex}
    elif isinstance(data, CertsOnly):
        facts |= {
            "kind": "crl" if data.crls and not data.certificates else "certs-only",
            "certs": [certificate_facts(c) for c in data.certificates],
            "crls": [_crl(c) for c in data.crls],
        }
    else:
        facts["kind"] = "unknown"
    return facts


def _csr(request: CertificationRequest) -> Facts:
    facts: Facts = {
        "kind": "CSR",
        "subject": request.subject.rfc4514(),
        "selfSignatureOK": verify_csr(request).outcome is Outcome.PASSED,
        "challengePassword": request.challenge_password,
        "spki_sha256": _sha256(request.public_key_info),
        "keyBits": request.key_bits,
        "sigAlg": request.signature_algorithm.name,
        "subjectAltName": request.subject_alt_name,
    }
    if request.challenge_password_type is not None:
        facts["challengePasswordType"] = _type_word(request.challenge_password_type)
    return facts


def _pairs(name: Name) -> list[list[str]]:
    return [[oids.name_of(a.oid), a.value] for rdn in name.rdns for a in rdn]


def _crl(crl: RevocationList) -> str:
    number = "" if crl.number is None else f"; crlNumber=0x{_even(f'{crl.number:X}')}"
    update = (
        ""
        if crl.this_update is None
        else f"; lastUpdate={crl.this_update:%b} {crl.this_update.day:2d} {crl.this_update:%H:%M:%S %Y} GMT"
    )
    return f"issuer={crl.issuer.rfc4514()}{number}{update}"


# --------------------------------------------------------------- whole captures


def capture_facts(decoded: Sequence[DecodedExchange], materials: Materials = NO_MATERIALS) -> Facts:
    """Return `http[]` and `messages[]` of a decoded capture."""
    messages: list[Facts] = []
    for index, item in enumerate(decoded):
        for direction, message in (("request", item.request), ("reply", item.reply)):
            if message is None:
                continue
            exchange = item.exchange
            facts: Facts = {
                "n": len(messages),
                "http": index,
                "direction": direction,
                "method": exchange.request.method if exchange.request else None,
                "stream": exchange.stream,
                "file": exchange.source,
            }
            facts |= message_facts(message)
            name = materials.name_of(message.opened.key) if message.opened else None
            if name is not None:
                facts["decryptKey"] = name
            if direction == "reply" and item.issued is not None:
                facts["issuedSerial"] = item.issued.serial_hex
                facts["issuedSubject"] = item.issued.subject.rfc4514()
                key = item.answers.public_key_info if item.answers is not None else None
                facts["issuedMatchesCSRKey"] = key == item.issued.public_key_info
            messages.append(facts)
    return {"http": [exchange_facts(item) for item in decoded], "messages": messages}


def exchange_facts(item: DecodedExchange) -> Facts:
    """Return the facts of one HTTP exchange, without those of its messages."""
    exchange, operation = item.exchange, item.operation
    request, reply = exchange.request, exchange.reply
    body = reply.body if reply is not None else b""
    facts: Facts = {
        "file": exchange.source,
        "stream": exchange.stream,
        "firstFrame": exchange.first_frame,
        "gap": exchange.gap,
        "client": exchange.client,
        "server": exchange.server,
        "method": request.method if request else None,
        "path": operation.path if operation else None,
        "operation": operation.operation if operation else None,
        "requestBodyLen": len(request.body) if request else 0,
        "requestTruncated": request.truncated if request else False,
        "requestContentType": request.header("Content-Type") if request else None,
        "userAgent": request.header("User-Agent") if request else None,
        "hostHeader": request.header("Host") if request else None,
        "status": reply.status if reply else None,
        "contentType": reply.header("Content-Type") if reply else None,
        "responseLen": len(body),
        "responseTruncated": reply.truncated if reply else True,
        "responseSha256": _sha256(body),
    }
    if operation is not None:
        facts |= _operation(operation, exchange, item.ca_certificates)
    if item.csr is not None and item.request is None:
        facts["csr"] = _csr(item.csr)
    problems = [*exchange.problems, *(operation.problems if operation else ())]
    if problems:
        facts["problems"] = [str(p) for p in problems]
    return facts


def _operation(operation: ScepRequest, exchange: Exchange, certificates: Sequence[Certificate]) -> Facts:
    facts: Facts = {}
    answered = exchange.reply is not None and exchange.reply.status == 200
    if operation.operation in {"GetCACert", "GetNextCACert"}:
        facts["caIdentifier"] = operation.identifier
        if certificates:
            facts["certs"] = [certificate_facts(c) for c in certificates]
    if operation.operation == "GetCACaps" and answered and exchange.reply is not None:
        facts["caps"] = list(parse_caps(exchange.reply.body))
    if operation.dialect is not None and operation.method == "GET":
        text = operation.message_text or ""
        facts["base64"] = {
            "percent2B": "%2b" in text.lower(),
            "rawPlus": "+" in text,
            "newlines": operation.dialect.line_length > 0,
            "urlsafe": operation.dialect.urlsafe,
            "padding": operation.dialect.padding,
        }
    return facts


# --------------------------------------------------------------- findings and causes


def finding_facts(finding: Finding) -> Facts:
    """Return a finding with its rule."""
    rule = finding.fault
    return {
        "id": rule.id,
        "level": rule.level.value,
        "section": rule.section,
        "where": place(finding.exchange, finding.side),
        "offset": finding.offset,
        "demanded": rule.rule,
        "found": finding.found,
        "fix": rule.fix,
        "seenIn": rule.seen,
    }


def lint_facts(findings: Sequence[Finding], capture: Capture) -> Facts:
    """Return the findings in order, what had to be put right to read the source, and what was not read of it."""
    return {
        "findings": [finding_facts(f) for f in findings],
        "not_read": unread_facts(capture.unread),
        "notes": [str(note) for note in capture.notes],
    }


def analysis_facts(analysis: Analysis) -> Facts:
    """Return causes in rank order, enrollments with their verdicts, and unread data."""
    words = verdicts(analysis)
    return {
        "causes": [cause_facts(c) for c in analysis.causes],
        "enrollments": [
            {
                "client": e.service.client,
                "server": e.service.server,
                "path": e.service.path,
                "subject": e.csr.subject.rfc4514() if e.csr is not None else None,
                "transaction": e.transaction,
                "ending": e.ending.value,
                "verdict": words[number],
                "exchanges": list(e.exchanges),
            }
            for number, e in enumerate(analysis.enrollments.found)
        ],
        "not_read": unread_facts(analysis.unread),
        "notes": [str(note) for note in analysis.notes],
        "not_scep": list(analysis.enrollments.other),
    }


def unread_facts(unread: Sequence[Unread]) -> list[Facts]:
    """Return the data of the input that was not read, with its lines."""
    return [{"what": u.what, "count": u.count, "first_line": u.lines[0], "last_line": u.lines[1]} for u in unread]


def cause_facts(cause: Cause) -> Facts:
    """Return a cause with its evidence; `misleading` is None, or why the words in it may mislead."""
    return {
        "id": cause.fault.id,
        "likelihood": cause.likelihood.name.lower(),
        "enrollment": cause.enrollment,
        "exchange": cause.exchange,
        "words": cause.words,
        "evidence": cause.evidence,
        "misleading": cause.misleading or None,
        "do": cause.action,
        "section": cause.fault.section,
    }


# --------------------------------------------------------------- secrets


def masked(facts: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return the same JSON value with every challengePassword masked."""
    if isinstance(facts, dict):
        return {k: MASK if k == "challengePassword" and v is not None else masked(v) for k, v in facts.items()}
    return [masked(v) for v in facts] if isinstance(facts, list) else facts
