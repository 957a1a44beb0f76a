"""Why enrollments failed: causes in rank order, each a fault with its evidence.

Rule: faults are found in `faults`, words are recognised in `products`, the tables of
ranking are in `ranking`. The server's own words about an exchange come first, unless a fault found in
the message explains those words: then two pieces of evidence agree.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from sceplab.analysis.enrollments import Ending, Enrollment, Enrollments, service_of
from sceplab.analysis.faults.model import Fault, Finding, Likelihood, Side
from sceplab.analysis.faults.outcome import SAYS
from sceplab.analysis.faults.registry import FAULTS
from sceplab.analysis.faults.said import LOG_SAYS
from sceplab.analysis.faults.way import RAW_PLUS, is_cut_by_source
from sceplab.analysis.products import (
    Saying,
    guess_in,
    is_client,
    is_server,
    of_reply,
    parties_in,
    recognise,
    sentence_in,
    tells_of_failure,
    tells_of_grant,
    tells_of_issue,
    tells_of_start,
)
from sceplab.analysis.ranking import (
    EMPTY,
    EXPLAINS_WORDS,
    GENERIC,
    LITTLE,
    OF_REPLY,
    SPOILS,
    Cause,
    Rank,
    order,
    telling,
)
from sceplab.analysis.statements import Source, Statement, is_web_page, statements_of
from sceplab.scep.conversation import DecodedExchange


def diagnose(
    decoded: Sequence[DecodedExchange],
    findings: Sequence[Sequence[Finding]],
    enrollments: Enrollments,
    remarks: Sequence[Statement] = (),
) -> list[Cause]:
    """Return why enrollments failed, in rank order; [] if none failed. Never raises on content.

    `findings` are those of each exchange (`registry.check_each`), `remarks` words of a
    log that belong to no exchange.
    """
    causes: list[Cause] = []
    lines = _by_enrollment(decoded, enrollments, remarks)
    for number, enrollment in enumerate(enrollments.found):
        found = list(_of(enrollment, decoded, findings, lines.get(number, ())))
        unique = {name: replace(cause, enrollment=number) for name, cause in telling(found).items()}
        if all(c.vague for c in unique.values()) and enrollment.ending is not Ending.GRANTED:
            unknown = _unknown(lines.get(number, ()), only_guesses=bool(unique))
            unique |= {c.fault.id: replace(c, enrollment=number) for c in unknown if c.fault.id not in unique}
        causes += unique.values()
    if not enrollments.found:
        causes += _of_none(decoded, findings, enrollments, remarks)
    return sorted(causes, key=order)


_SCEP_PATH = re.compile(r"scep|pkiclient|certsrv", re.IGNORECASE)


def _of_none(
    decoded: Sequence[DecodedExchange],
    findings: Sequence[Sequence[Finding]],
    enrollments: Enrollments,
    remarks: Sequence[Statement],
) -> list[Cause]:
    """Return the causes where no enrollment was recorded: only words, or the answers to what was left out."""
    answers = []
    for index in enrollments.other:
        request, reply = decoded[index].exchange.request, decoded[index].exchange.reply
        failed = reply is not None and (is_web_page(reply.body) or (reply.status is not None and reply.status >= 300))
        if failed and (request is None or _SCEP_PATH.search(request.target)):
            answers.append(index)
    left = _since_grant(remarks)
    found: Iterable[Cause] = _of_lines(left)
    if answers:
        service = service_of(decoded[answers[-1]])
        alone = Enrollment(service, None, answers, [], Ending.FAILED, answers[-1])
        found = _of(alone, decoded, findings, remarks)
    causes = list(telling(found).values())
    if all(c.vague for c in causes):
        known = {c.fault.id for c in causes}
        causes += (c for c in _unknown(left, only_guesses=bool(causes)) if c.fault.id not in known)
    return causes


def _since_grant(lines: Sequence[Statement]) -> Sequence[Statement]:
    """Return the lines that no later success settles.

    A client that has its certificate settles what was before; where both lines name a
    client or transaction it must be the same one. A server's success settles only lines that name the same.
    """
    settled: set[str] = set()
    granted = somebody = False
    left = []
    for line in reversed(lines):
        parties = parties_in(line.text)
        grant = tells_of_grant(line.text)
        if grant or (tells_of_issue(line.text) and parties):
            somebody, granted = somebody or (grant and not parties), granted or grant
            settled |= parties
        elif not (somebody or (granted and not parties) or settled & parties):
            left.append(line)
    return left[::-1]


def _by_enrollment(
    decoded: Sequence[DecodedExchange], enrollments: Enrollments, remarks: Sequence[Statement]
) -> dict[int, list[Statement]]:
    """Assign each line of words to the last enrollment that begins before it, else to the first."""
    starts = sorted(
        (min((decoded[i].exchange.line or 0 for i in e.exchanges), default=0), n)
        for n, e in enumerate(enrollments.found)
    )
    out: dict[int, list[Statement]] = {}
    for remark in remarks if starts else ():
        before = bisect_right(starts, remark.line or 0, key=lambda start: start[0])
        out.setdefault(starts[before - 1][1] if before else 0, []).append(remark)
    return out


def _of(
    enrollment: Enrollment,
    decoded: Sequence[DecodedExchange],
    findings: Sequence[Sequence[Finding]],
    lines: Sequence[Statement],
) -> Iterator[Cause]:
    pool = [f for i in enrollment.exchanges for f in findings[i] if f.likelihood is not None]
    ending = enrollment.ending
    if ending is Ending.GRANTED:
        for finding in pool:
            reply = finding.side is not Side.REQUEST and finding.exchange == enrollment.last
            if reply and finding.fault.id in SPOILS and finding.likelihood != Likelihood.POSSIBLE:
                yield _cause(finding)
        return
    said = [s for i in enrollment.exchanges for s in statements_of(i, decoded[i])]
    if ending is Ending.PENDING:
        pool = [f for f in pool if f.exchange == enrollment.last or f.likelihood is Likelihood.CERTAIN]
    if ending is Ending.NOT_RECORDED:
        pool = [_alone(f, decoded) for f in pool]
        pool = [f for f in pool if f.likelihood != Likelihood.POSSIBLE]
    if ending is Ending.NOT_SENT:
        stopped = _stopped(enrollment, decoded)
        if stopped is not None:
            # A cause that is otherwise only possible is likely if the client stops here.
            pool = [replace(f, likelihood=max(f.likelihood or Likelihood.LIKELY, Likelihood.LIKELY)) for f in pool]
            pool.append(stopped)
        else:
            pool = [f for f in pool if f.likelihood != Likelihood.POSSIBLE]
    elif ending is Ending.REFUSED:
        # The server went on to process the request: its earlier replies were no obstacle.
        pool = [f for f in pool if f.exchange in enrollment.steps]
    pool = [f for f in pool if f.side is not Side.REPLY or not f.fault.rule or _tells(f, ending)]
    pool = _without_consequences(pool, {i for i in enrollment.steps if is_cut_by_source(decoded[i])})
    spoken = [*_said(said), *_of_lines(_since_grant(lines))]
    stated = {c.fault.id: c for c in spoken} | {f.fault.id: _cause(f) for f in pool if f.fault.id in GENERIC}
    merged: set[int] = set()
    for finding in pool:
        words = [c for name, c in stated.items() if finding.fault.id in EXPLAINS_WORDS.get(name, ())]
        if finding.likelihood is Likelihood.CERTAIN and finding.side is not Side.REPLY:
            # Unrecognised words next to a certain fault are about that fault.
            words += [c for c in spoken if c.fault is SAYS and c.exchange == finding.exchange]
        agreed = next((c for c in words if c.fault.id != finding.fault.id), None)
        cause = _cause(finding)
        if agreed is not None and finding.fault.id not in GENERIC:
            merged.add(id(agreed))
            likelihood = max(cause.likelihood, Likelihood.LIKELY)
            evidence = f"{cause.evidence}; {agreed.evidence}"
            yield replace(cause, rank=Rank.AGREED, evidence=evidence, likelihood=likelihood)
        elif not (finding.fault.id in EMPTY and any(not c.vague for c in spoken)):
            yield cause
    yield from (c for c in spoken if id(c) not in merged)


# Damage in transit: other faults of the message follow from it.
_DAMAGE = frozenset({"cut-off", "text-utf8", "text-crlf", "text-ascii", "apple-profile", "envelope-alone"})
# The envelope has something else than a CSR: "not a CSR" and "no subject" follow from it.
_NO_CSR = frozenset({"csr-pem", "csr-base64", "csr-no-outer", "csr-is-other"})
_OF_CSR = frozenset({"message-data", "subject", "possession", "no-challenge"})


def _alone(finding: Finding, decoded: Sequence[DecodedExchange]) -> Finding:
    """Adjust a finding of a request whose outcome is unknown: a "+" that many servers misread is a likely cause."""
    item = decoded[finding.exchange] if finding.exchange is not None else None
    if item is not None and finding.fault is RAW_PLUS and item.exchange.recorded.http:
        return replace(finding, likelihood=Likelihood.LIKELY)
    return finding


def _without_consequences(found: Sequence[Finding], cut: set[int]) -> list[Finding]:
    """Leave out consequences of damage in transit, or of a source with only a part of the message (`cut`)."""
    damaged = {f.exchange for f in found if f.fault.id in _DAMAGE} | cut
    other = {f.exchange for f in found if f.fault.id in _NO_CSR}
    return [
        f
        for f in found
        if (f.exchange not in damaged or f.fault.id in _DAMAGE or f.side is Side.REPLY or not f.fault.rule)
        and (f.exchange not in other or f.fault.id not in _OF_CSR)
    ]


def _tells(finding: Finding, ending: Ending) -> bool:
    """Whether a fault of the reply may be why the client stopped."""
    return ending not in {Ending.REFUSED, Ending.FAILED} or finding.fault.id in OF_REPLY


_RANKS = {
    Likelihood.CERTAIN: Rank.PROVEN,
    Likelihood.LIKELY: Rank.EXPLAINS,
    Likelihood.POSSIBLE: Rank.WORTH_A_LOOK,
}


def _cause(finding: Finding) -> Cause:
    likelihood = finding.likelihood or Likelihood.POSSIBLE
    rank = Rank.COMMON if finding.fault.id in GENERIC else _RANKS[likelihood]
    return Cause(finding.fault, likelihood, finding.found, finding.exchange, finding.side, rank)


def _said(statements: Sequence[Statement]) -> Iterator[Cause]:
    """Yield a cause for each statement: the fault that its code or words mean, else the words themselves."""
    logged = [s.text for s in statements if s.source in _LOGGED]
    client_alone = any(map(is_client, logged)) and not any(map(is_server, logged))
    for statement in statements:
        if statement.source is Source.LOG_LINE and tells_of_start(statement.text):
            continue
        code = statement.code if statement.code is not None and statement.code.fault else None
        # A code means different things to different programs: the sentence around it says which.
        saying = sentence_in(statement.text) if code is not None else _most_telling(recognise(statement.text))
        if saying is not None:
            who = "" if saying.product.startswith("any ") else f" ({saying.product})"
            own = statement.source in _LOGGED and (client_alone or is_client(statement.text))
            name = of_reply(saying.fault, saying.product, statement.text) if own else saying.fault
            fix = saying.fix if name == saying.fault else ""
            cause = _from_words(FAULTS[name], statement, fix, who, vague=saying.vague)
            yield replace(cause, misleading=saying.misleading)
        elif code is not None:
            who = "" if code.meaning in statement.text else f" ({code.name}: {code.meaning})"
            # Such a number without words around it says little.
            vague = code.name in _COMMON_CODES and len(_WORD.findall(statement.text)) < _FEW_WORDS
            yield _from_words(FAULTS[code.fault], statement, code.fix, who, vague=vague)
        elif statement.code is None and statement.source not in _QUIET and not _repeats_status(statement.text):
            guess = guess_in(statement.text)
            cause = _from_words(FAULTS[guess] if guess else SAYS, statement, "")
            yield replace(cause, likelihood=Likelihood.POSSIBLE, guessed=True) if guess else cause


_COMMON_CODES = frozenset({"E_ACCESSDENIED", "E_INVALIDARG", "ERROR_FILE_NOT_FOUND"})
_WORD = re.compile(r"[A-Za-z]{3,}")
_FEW_WORDS = 4


def _of_lines(lines: Sequence[Statement]) -> list[Cause]:
    """Return the causes that lines state; where none says why, also those of sentences that go over several lines."""
    found = list(_said(lines))
    if not any(c.rank <= Rank.SAID and not c.vague for c in found):
        found += _wrapped(lines)
    return found


_MOST_WRAPPED = 4
_QUOTE = re.compile(r"^[\s>|*#]+")


def _wrapped(lines: Sequence[Statement]) -> Iterator[Cause]:
    """Yield the causes of sentences that a mail or terminal wrapped: only words that follow one another count."""
    for first, start in enumerate(lines):
        block = [start]
        for line in lines[first + 1 : first + _MOST_WRAPPED]:
            if (line.line or 0) - (block[-1].line or 0) > 2 or line.exchange != start.exchange:
                break
            block.append(line)
        saying = sentence_in("\n".join(_QUOTE.sub("", each.text) for each in block)) if len(block) > 1 else None
        if saying is not None:
            whole = replace(start, text=" ".join(each.text for each in block))
            yield _from_words(FAULTS[saying.fault], whole, saying.fix, f" ({saying.product})")


def _unknown(lines: Sequence[Statement], *, only_guesses: bool = False) -> list[Cause]:
    """Return a cause for lines about a failure that no table knows, used if no other cause says why.

    The first line whose words let the fault be guessed, else the first that tells of a
    failure, which says nothing beside vague words (`only_guesses`).
    """
    rank = Rank.EXPLAINS if only_guesses else Rank.WORTH_A_LOOK
    guesses = ((line, guess) for line in lines if not tells_of_start(line.text) and (guess := guess_in(line.text)))
    for line, guess in guesses:
        evidence = f"{line.quoted} (words that no table knows)"
        return [Cause(FAULTS[guess], Likelihood.POSSIBLE, evidence, line.exchange, None, rank, guessed=True)]
    told = next((s for s in lines if tells_of_failure(s.text)), None)
    if told is None or only_guesses:
        return []
    return [Cause(LOG_SAYS, Likelihood.POSSIBLE, told.quoted, told.exchange, None, rank)]


def _most_telling(sayings: Iterable[Saying]) -> Saying | None:
    """Return the first that gives a reason beyond the refusal, else the first."""
    known = tuple(sayings)
    return next((s for s in known if s.fault not in LITTLE), known[0] if known else None)


# A log may be the client's.
_LOGGED = frozenset({Source.LOG_FIELD, Source.LOG_LINE})
# The text there is not about a failure unless it is recognised.
_QUIET = frozenset({Source.ATTRIBUTE, Source.LOG_LINE, Source.SUBSTATUS})


def _from_words(fault: Fault, statement: Statement, fix: str, who: str = "", *, vague: bool = False) -> Cause:
    generic = vague or fault.id in GENERIC or fault.id in {"client-rejects-reply", "client-no-reply"}
    return Cause(
        fault,
        Likelihood.LIKELY,
        f"{statement.quoted}{who}",
        statement.exchange,
        None,
        Rank.COMMON if generic else Rank.SAID,
        fix=fix,
        vague=vague,
    )


# Words of web servers that only repeat the status.
_BOILERPLATE = frozenset(
    {
        *("error", "errors", "page", "not", "found", "bad", "request", "internal", "server", "service"),
        *("unavailable", "gateway", "timeout", "time-out", "forbidden", "unauthorized", "access", "denied"),
        *("the", "requested", "url", "was", "on", "this", "http", "status", "request-uri", "uri", "too"),
        *("long", "large", "method", "allowed", "proxy", "authentication", "required", "moved"),
        *("permanently", "temporarily", "object", "here", "document", "has", "see", "other", "redirect"),
        *("redirecting", "title", "html", "is", "of", "to", "in", "and", "or", "an", "for", "by", "occurred"),
        *("while", "processing", "your", "please", "contact", "administrator", "cannot", "be", "displayed"),
        *("because", "detailed", "resource", "could", "located", "server's", "port", "ubuntu", "debian"),
        *("centos", "unix", "win64", "iis", "runtime", "application", "httpapi", "address", "rejected", "at"),
        *("entity"),
    }
)
_SOFTWARE = re.compile(r"(?:nginx|apache|microsoft-iis|microsoft-httpapi|openssl|squid|haproxy|envoy|tomcat|jetty)\b")


def _repeats_status(text: str) -> bool:
    """Whether words only repeat the HTTP status."""
    words = [w.strip(".,:;!?()[]\"'<>-").lower() for w in text.split()]
    left = [w for w in words if len(w) > 1 and not _is_boilerplate(w)]
    # A page with many such words may have one or two others.
    return len(left) <= (len(words) // 6 if len(words) > 8 else 0)


def _is_boilerplate(word: str) -> bool:
    status = re.fullmatch(r"[1-5]\d\d(?:\.\d+)?", word) is not None
    return status or word in _BOILERPLATE or word.startswith("/") or _SOFTWARE.match(word) is not None


def _stopped(enrollment: Enrollment, decoded: Sequence[DecodedExchange]) -> Finding | None:
    """Return that a client asks again and again for certificates or capabilities and sends no request."""
    names = []
    for item in (decoded[i] for i in enrollment.before):
        # What was refused says itself why the client goes no further.
        refused = item.exchange.reply is not None and item.exchange.reply.status not in {200, None}
        if item.operation is not None and not refused:
            names.append(item.operation.operation)
    most = max(((names.count(n), n) for n in set(names)), default=(0, ""))
    if most[0] < 2:
        return None
    found = f"{most[1]} {most[0]} times, and no PKIOperation"
    return Finding(FAULTS["client-stops"], found, enrollment.before[-1], Side.EXCHANGE, None, Likelihood.LIKELY)
