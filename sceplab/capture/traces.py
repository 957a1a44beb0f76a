"""Stack traces of Java, .NET, Python and Node.js: the exceptions of a chain without the frames between them.

Rule: the exception that caused the others comes first, since it is the reason. Of the
frames one that speaks of SCEP is kept: it says whose program this is.
"""

from __future__ import annotations

import re

_NAME = r"[\w$<>\[\],/@~`+-]{1,200}"
_FRAME = re.compile(
    # Java and .NET: a name with dots and its arguments; Node.js: a name and its place, or a place alone.
    rf"at (?:async |new )?(?:{_NAME}(?:[.]{_NAME}){{1,40}} ?\(|{_NAME} \((?:node:|native|/|file:|[A-Z]:\\|internal/|<)|"
    r"\S{1,400}:\d{1,7}:\d{1,7}$)|\.\.\. ?\d{1,5} (?:more|common frames)|"
    r"--- End of (?:inner exception stack trace|stack trace)"
)
_ERROR = r"(?:\(Inner Exception #\d{1,4}\) ?)?(?=[A-Z][\w.]{0,200}(?:Exception|Error)\b)"
_INNER = re.compile(rf"(?:Caused by|Wrapped by|Root cause): (?=\S)|-{{2,3}}> ?{_ERROR}")
_CAUSE_INSIDE = re.compile(rf" ?-{{2,3}}> ?{_ERROR}|;? nested exception is:? ?")
_PYTHON_HEAD = re.compile(r"(?:.{0,200}\W)?Traceback \(most recent call last\):$")
_PYTHON_FRAME = re.compile(r"File \"[^\"]{1,400}\", line \d{1,7}")
_PYTHON_BETWEEN = re.compile(r"During handling of the above exception|The above exception was the direct cause")
_RAISED = re.compile(r"[A-Za-z_][\w.]{0,200}(?:Error|Exception|Warning|Timeout|Refused|Failure|Exit)(?::|$)")
_UNDERLINED = re.compile(r"[\^~ ]+")
_SCEP = re.compile(r"scep|pkcs|cms|pkioperation|get_?ca|crsenroll|x509_cert", re.IGNORECASE)
_LONGEST_FRAME = 200
_MOST = 100


# Most lines of most texts are no part of a trace: this is cheaper than to try.
_MAY_FOLLOW = re.compile(r"\s*(?:at\s|\.\.\.|--|Caused by|Wrapped by|Root cause)")


def may_follow(head: str, line: str) -> bool:
    """Whether a line may be of the trace that `head` begins; `Trace.takes` decides."""
    return _MAY_FOLLOW.match(line) is not None or "Traceback (" in head or 'File "' in head


class Trace:
    """An exception with its frames and the exceptions that caused it, taken line by line."""

    def __init__(self, head: str) -> None:
        head = head.strip()
        self._python = _PYTHON_HEAD.match(head) is not None or _PYTHON_FRAME.match(head) is not None
        self._links = [] if self._python else [head]
        self._frame = ""
        self._code = self._python and _PYTHON_FRAME.match(head) is not None
        self._raised = self._between = False
        self.lines = 1

    def takes(self, line: str) -> bool:
        """Whether a line belongs to this exception; if so it has been taken."""
        line = line.strip()
        taken = self._of_python(line) if self._python else self._of_others(line)
        self.lines += taken
        return taken

    def _of_others(self, line: str) -> bool:
        if _FRAME.match(line):
            self._note(line)
            return True
        inner = _INNER.match(line)
        if inner is not None and len(self._links) < _MOST:
            self._links.append(line[inner.end() :])
        return inner is not None

    def _of_python(self, line: str) -> bool:
        if _PYTHON_FRAME.match(line):
            if self._raised and not self._between:
                return False
            self._code = True
            return True
        if _UNDERLINED.fullmatch(line) or (self._code and not _RAISED.match(line)):
            self._note(line)
            self._code = False
            return True
        if _PYTHON_BETWEEN.match(line) or (self._raised and _PYTHON_HEAD.match(line)):
            self._between = True
            return True
        if self._raised and not self._between:
            return False
        self._raised, self._between, self._code = True, False, False
        # Python prints the cause first.
        self._links.insert(0, line)
        return True

    def _note(self, line: str) -> None:
        if _SCEP.search(line) and (not self._frame or ("scep" in line.lower() and "scep" not in self._frame.lower())):
            self._frame = line[:_LONGEST_FRAME]

    @property
    def text(self) -> str:
        """What the chain says, in one line: the innermost cause first, each text once."""
        told: list[str] = []
        inner = ""
        parts = [part.strip() for link in self._links for part in _CAUSE_INSIDE.split(link)]
        for link in reversed(parts):
            # Many exceptions repeat the words of the one that caused them.
            new = link.removesuffix(inner).rstrip(" :") if inner else link
            if new and new not in told:
                told.append(new)
            inner = link or inner
        return "; in ".join([*told, *([self._frame.removeprefix("at ")] if self._frame else [])])
