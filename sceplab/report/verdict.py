"""The verdict on each enrollment in a sentence: who asked whom, how it ended, and why.

Rule: worded once for the terminal, reports and views; what was not recorded is said to be unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sceplab.analysis.analyse import Analysis
from sceplab.analysis.diagnose import Cause
from sceplab.analysis.enrollments import Ending, Enrollment
from sceplab.report.escape import visible
from sceplab.scep.attributes import MessageType
from sceplab.scep.conversation import DecodedExchange


def verdict_lines(analysis: Analysis) -> Iterator[str]:
    """Yield the verdicts, and below them what was not read or not SCEP."""
    yield from map(visible, verdicts(analysis))
    if not analysis.enrollments.found:
        yield "No SCEP exchange could be read here" + ("; the words in it are evidence." if analysis.remarks else ".")
    other = len(analysis.enrollments.other)
    if other:
        yield f"{other} other HTTP exchange{'s' if other > 1 else ''} left out: not SCEP."
    for note in analysis.notes:
        yield visible(f"note: {note}")
    for unread in analysis.unread:
        yield visible(f"not read: {unread}")


def verdicts(analysis: Analysis) -> Iterator[str]:
    """Yield a sentence for each enrollment, in the order of the capture."""
    for number, enrollment in enumerate(analysis.enrollments.found):
        first = next((c for c in analysis.causes if c.enrollment == number), None)
        yield verdict(enrollment, analysis.decoded, first)


def verdict(enrollment: Enrollment, decoded: Sequence[DecodedExchange], cause: Cause | None) -> str:
    """Return the verdict on one enrollment; `cause` is its first."""
    text = f"{_who(enrollment, decoded)}: {_ending(enrollment, decoded)}."
    return f"{text} Cause: {cause.words}" if cause is not None else text


def _who(enrollment: Enrollment, decoded: Sequence[DecodedExchange]) -> str:
    subject = enrollment.csr.subject.rfc4514() if enrollment.csr is not None else ""
    if not subject:
        signers = (decoded[i].request for i in enrollment.steps)
        signer = next((m.verification.signer for m in signers if m is not None and m.verification.signer), None)
        subject = f"signed by {signer.subject.rfc4514()}" if signer is not None else ""
    what = subject or (f"transaction {enrollment.transaction[:40]}" if enrollment.transaction else "an enrollment")
    client, server = enrollment.service.client, enrollment.service.server
    at = f" at {server}" if server else ""
    by = f" from {client}" if client else ""
    return f"{what}{by}{at}"


def _ending(enrollment: Enrollment, decoded: Sequence[DecodedExchange]) -> str:
    item = decoded[enrollment.last] if enrollment.last is not None else None
    reply = item.exchange.reply if item is not None else None
    match enrollment.ending:
        case Ending.GRANTED:
            issued = f", {item.issued}" if item is not None and item.issued is not None else ""
            return f"granted{issued}"
        case Ending.REFUSED:
            attributes = item.reply.attributes if item is not None and item.reply is not None else None
            failure = attributes.failure.name if attributes is not None and attributes.failure is not None else ""
            words = f', "{attributes.fail_info_text}"' if attributes is not None and attributes.fail_info_text else ""
            return f"refused (FAILURE {failure}{words})".replace(" )", ")")
        case Ending.FAILED if reply is not None and reply.status not in {200, None}:
            return f"answered with HTTP {reply.status} {reply.reason}".rstrip()
        case Ending.FAILED:
            return "answered with something that is no SCEP reply"
        case Ending.PENDING:
            polls = sum(_is_poll(decoded[i]) for i in enrollment.steps)
            return f"pending, polled {polls} times" if polls > 1 else "pending" + (", polled once" if polls else "")
        case Ending.NO_ANSWER:
            return "no answer in the capture"
        case Ending.NOT_SENT:
            return "only capabilities or CA certificates were fetched; no request was sent in what was recorded"
        case _:
            return _not_recorded(item)


def _is_poll(item: DecodedExchange) -> bool:
    return item.request is not None and item.request.type is MessageType.CertPoll


def _not_recorded(item: DecodedExchange | None) -> str:
    if item is None:
        return "what came of it is not recorded"
    reply = item.exchange.reply
    if reply is not None and reply.status is not None:
        return (
            f"answered with HTTP {reply.status}; the body is not in this log, so the outcome is not known: capture it"
        )
    if item.request is not None and item.request.signed.problems:
        return "a request that is cut off here; what came of it is not recorded"
    return "a request without its reply: what came of it is not recorded; bring the reply or the server's log"
