"""The verdict on each enrollment in a sentence: client, server, ending, and cause.

Rule: worded once for the terminal, reports and views; what was not recorded is named as unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sceplab.analysis.analyse import Analysis
from sceplab.analysis.enrollments import Ending, Enrollment
from sceplab.analysis.faults.model import Likelihood
from sceplab.analysis.ranking import Cause
from sceplab.cms.x509 import Certificate
from sceplab.report.names import count, is_cut, reading_lines, transaction_of
from sceplab.scep.attributes import MessageType
from sceplab.scep.conversation import DecodedExchange
from sceplab.scep.messagedata import IssuerAndSubject

NO_FAILURE = "No failure found."
_QUERIES = frozenset({MessageType.GetCert, MessageType.GetCRL})


def verdicts(analysis: Analysis) -> list[str]:
    """Return a sentence for each enrollment, in the order of the capture."""
    first = first_causes(analysis)
    return [verdict(e, analysis.decoded, first.get(n)) for n, e in enumerate(analysis.enrollments.found)]


def first_causes(analysis: Analysis) -> dict[int, Cause]:
    """Return the first cause of each enrollment that has one, by its number."""
    return {cause.enrollment: cause for cause in reversed(analysis.causes)}


def verdict(enrollment: Enrollment, decoded: Sequence[DecodedExchange], cause: Cause | None) -> str:
    """Return the verdict on one enrollment; `cause` is its first cause, if any."""
    text = f"{subject_of(enrollment, decoded)}: {_ending(enrollment, decoded)}."
    if cause is None:
        return text
    how = "" if cause.likelihood is Likelihood.CERTAIN else f" ({cause.likelihood.name.lower()})"
    return f"{text} Cause: {cause.words.rstrip('.')}{how}."


def remaining_lines(analysis: Analysis) -> Iterator[str]:
    """Yield further lines: what was seen if nothing failed, what was left out or not read."""
    found = analysis.enrollments.found
    if not found:
        tail = "; its words are evidence." if analysis.remarks else "."
        yield f"No SCEP message or SCEP request found{tail}"
    elif not analysis.causes:
        yield from _nothing_found(analysis)
    other = len(analysis.enrollments.other)
    if other:
        yield f"{count(other, 'other HTTP exchange')} left out: not SCEP."
    yield from reading_lines(analysis.notes, analysis.unread)


def _nothing_found(analysis: Analysis) -> Iterator[str]:
    found = analysis.enrollments.found
    endings = {e.ending for e in found}
    if endings == {Ending.GRANTED}:
        unseen = [e for e in found if e.last is not None and not _seen(analysis.decoded[e.last])]
        if not unseen:
            yield NO_FAILURE
        else:
            yield (
                f"Granted, as far as can be seen: {count(len(unseen), 'certificate')} not opened. "
                "Give the client's key (--key) to check what was issued."
            )
        return
    yield "No cause was found in what was recorded."
    if Ending.NOT_SENT in endings:
        yield "Next: capture an enrollment from its first request to the last reply."
    if Ending.NOT_RECORDED in endings or Ending.NO_ANSWER in endings:
        yield "Next: capture the traffic with its replies (pcap), or get the server's log of that time."
    if Ending.REFUSED in endings or Ending.FAILED in endings:
        yield "Next: give the CA's certificate and key (--cert, --key), or get the server's log of that time."


def _seen(item: DecodedExchange) -> bool:
    return item.reply is not None and item.reply.message_data is not None


# --------------------------------------------------------------- client and server


def subject_of(enrollment: Enrollment, decoded: Sequence[DecodedExchange]) -> str:
    """Return the subject of an enrollment, and the RA or other signer."""
    requests = [m for i in enrollment.steps if (m := decoded[i].request) is not None]
    signer = next((m.verification.signer for m in requests if m.verification.signer is not None), None)
    subject = enrollment.csr.subject.rfc4514() if enrollment.csr is not None else _asked(enrollment, decoded)
    client = f" from {enrollment.service.client}" if enrollment.service.client else ""
    if enrollment.renewal and signer is not None:
        return f"Renewal of {_name(signer)}{client}"
    if subject:
        other = signer is not None and not signer.self_issued and signer.subject.rfc4514() != subject
        return f"{subject}{f' via {_name(signer)}' if other and signer is not None else ''}{client}"
    if signer is not None:
        return f"A request signed by {_name(signer)}{client}"
    transaction = next((t for m in requests if (t := transaction_of(m)) is not None), enrollment.transaction)
    if transaction:
        shown = transaction if len(transaction) <= 48 else f"{transaction[:40]}..."
        return f"Transaction {shown}{client}"
    if any(map(is_cut, requests)):
        return f"A damaged request{client}"
    return f"An enrollment{client}"


def _asked(enrollment: Enrollment, decoded: Sequence[DecodedExchange]) -> str:
    """Return the subject in a poll, or in the issued certificate."""
    for index in enrollment.steps:
        item = decoded[index]
        data = item.request.message_data if item.request is not None else None
        if isinstance(data, IssuerAndSubject) and data.subject.rdns:
            return data.subject.rfc4514()
        if item.issued is not None and (item.request is None or item.request.type not in _QUERIES):
            return item.issued.subject.rfc4514()
    return ""


def _name(certificate: Certificate) -> str:
    return certificate.subject.rfc4514() or f"serial {certificate.serial_hex}"


# --------------------------------------------------------------- ending


def _ending(enrollment: Enrollment, decoded: Sequence[DecodedExchange]) -> str:
    item = decoded[enrollment.last] if enrollment.last is not None else None
    reply = item.exchange.reply if item is not None else None
    server = enrollment.service.server
    by, at = (f" by {server}" if server else ""), (f" at {server}" if server else "")
    answered = f"{server} answered" if server else "answered"
    query = item is not None and item.request is not None and item.request.type in _QUERIES
    match enrollment.ending:
        case Ending.GRANTED if query and item is not None and item.request is not None:
            return f"{item.request.type.name if item.request.type is not None else ''} answered{by}"
        case Ending.GRANTED:
            return f"granted{by}" + (f", {item.issued}" if item is not None and item.issued is not None else "")
        case Ending.REFUSED:
            return f"refused{by} ({_failure(item)})"
        case Ending.FAILED if reply is not None and reply.status not in {200, None}:
            return f"{answered} with HTTP {reply.status} {reply.reason}".rstrip()
        case Ending.FAILED:
            return f"{answered} with something that is not a SCEP reply"
        case Ending.PENDING:
            polls = sum(_is_poll(decoded[i]) for i in enrollment.steps)
            polled = f", polled {polls} times" if polls > 1 else ", polled once" if polls else ""
            return f"pending{at}{polled}"
        case Ending.NO_ANSWER:
            return f"no answer{f' of {server}' if server else ''} in the capture"
        case Ending.NOT_SENT:
            return f"only capabilities or CA certificates were fetched{at}; no request was sent in what was recorded"
        case _:
            return _not_recorded(item)


def _failure(item: DecodedExchange | None) -> str:
    attributes = item.reply.attributes if item is not None and item.reply is not None else None
    if attributes is None:
        return "FAILURE"
    if attributes.failure is not None:
        reason = f" {attributes.failure.name}"
    else:
        reason = f" failInfo {attributes.fail_info}" if attributes.fail_info is not None else " without failInfo"
    return f"FAILURE{reason}" + (f', "{attributes.fail_info_text}"' if attributes.fail_info_text else "")


def _is_poll(item: DecodedExchange) -> bool:
    return item.request is not None and item.request.type is MessageType.CertPoll


def _not_recorded(item: DecodedExchange | None) -> str:
    reply = item.exchange.reply if item is not None else None
    if reply is not None and reply.status is not None:
        return f"answered with HTTP {reply.status}; the log has no body, so the outcome is unknown: capture the traffic"
    if item is not None and item.request is not None and is_cut(item.request):
        return "a request that is cut off here; what came of it is not recorded"
    if item is None or item.request is None:
        return "what came of it is not recorded"
    return "a request without its reply: what came of it is not recorded; get the reply or the server's log"
