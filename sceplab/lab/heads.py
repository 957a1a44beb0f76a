"""The requests in what a client sends: where each head is, and the server's name in it.

Rule: bytes only, no sockets. What comes out is what came in, but for the name of the
server in Host and in an absolute URL. Where it is not certain where the next request
begins, everything that follows is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import Enum, auto

from sceplab.errors import ScepError
from sceplab.scep.transport import Headers, HttpRequest

HEAD_SIZE = 200_000
"""The most bytes of a head; a GET has its message there."""


class HeadError(ScepError):
    """A request that is not passed on: `status` is the HTTP status to answer with."""

    def __init__(self, status: int, text: str) -> None:
        """Take the status and the sentence."""
        super().__init__(text)
        self.status = status


Change = Callable[[bytes, HttpRequest], bytes]
"""Gets the bytes of a head and what they say; returns the bytes to pass on, or raises HeadError."""


class _State(Enum):
    HEAD = auto()
    BODY = auto()
    CHUNK_SIZE = auto()
    CHUNK = auto()
    TRAILER = auto()
    REST = auto()
    """Everything that follows, unread."""


_END = re.compile(rb"\n\r?\n")
_BEGUN = re.compile(rb"[A-Za-z-]{1,20}(?: |\Z)")
_LINE = re.compile(rb"([A-Za-z-]{1,20}) (.+) HTTP/(1\.[01])[ \t]*\r?\n")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?\r?\n", re.DOTALL)
_LONGEST_LINE = 10_000
# Bytes of a line that can be its end: CR and LF.
_ENDS = b"\r\n"


class RequestStream:
    """Takes what a client sends, and gives back what to pass on.

    `partial` says that a head has begun and is not whole.
    """

    def __init__(self, change: Change) -> None:
        """Begin a connection; `change` is called once for each head."""
        self._change = change
        self._state = _State.HEAD
        self._held = bytearray()
        # The start of a line of a chunked body.
        self._begun = bytearray()
        # Bytes left of a body, or of a chunk with its line end.
        self._left = 0

    @property
    def partial(self) -> bool:
        """Whether bytes are held back because a head is not whole."""
        return bool(self._held)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what to pass on after these bytes. Raises HeadError, after which nothing more may be fed."""
        if self._held:
            ended = _END.search(bytes(self._held[-3:]) + data)
            self._held += data
            if ended is None and _is_head(self._held, 0):
                self._check_size()
                return
            data = self.end()
        here = 0
        while here < len(data):
            if self._state is _State.REST:
                yield data[here:]
                return
            if self._state is not _State.HEAD:
                end = self._skip(data, here)
                yield data[here:end]
            elif data[here] in _ENDS:
                # Some clients end a body with a line end that does not count.
                end = here + 1
                yield data[here:end]
            elif not _is_head(data, here):
                self._state, end = _State.REST, here
            elif (found := _END.search(data, here)) is None:
                self._held += data[here:]
                self._check_size()
                return
            else:
                end = found.end()
                head = data[here:end]
                request = read_head(head)
                changed = self._change(head, request)
                self._state, self._left = _what_follows(request)
                yield changed
            here = end

    def end(self) -> bytes:
        """Return what is still held back when the client sends no more."""
        held = bytes(self._held)
        self._held.clear()
        return held

    def _check_size(self) -> None:
        if len(self._held) > HEAD_SIZE:
            raise HeadError(431, f"a request has more than {HEAD_SIZE} bytes before its body")

    def _skip(self, data: bytes, here: int) -> int:
        """Read on in a body from `here`; returns where the part that was read ends."""
        if self._state in {_State.BODY, _State.CHUNK}:
            end = min(len(data), here + self._left)
            self._left -= end - here
            if not self._left:
                self._state = _State.HEAD if self._state is _State.BODY else _State.CHUNK_SIZE
            return end
        newline = data.find(b"\n", here)
        end = newline + 1 if newline >= 0 else len(data)
        self._begun += data[here:end]
        if newline >= 0:
            line = bytes(self._begun)
            self._begun.clear()
            self._line(line)
        elif len(self._begun) > _LONGEST_LINE:
            self._state = _State.REST
        return end

    def _line(self, line: bytes) -> None:
        """Take a line of a chunked body: the size of a chunk, or a trailer field."""
        if self._state is _State.TRAILER:
            if not line.strip(_ENDS):
                self._state = _State.HEAD
            return
        size = _SIZE.fullmatch(line)
        if size is None:
            self._state = _State.REST
        elif int(size[1], 16) == 0:
            self._state = _State.TRAILER
        else:
            self._state, self._left = _State.CHUNK, int(size[1], 16) + 2


def _is_head(data: bytes | bytearray, here: int) -> bool:
    """Whether what begins at `here` may be the start of a request, as far as it has come."""
    whole = data.find(b"\n", here) >= 0
    return (_LINE if whole else _BEGUN).match(data, here) is not None


def read_head(head: bytes) -> HttpRequest:
    """Return what the head of a request says; `body` is empty."""
    line = _LINE.match(head)
    assert line is not None  # noqa: S101 - the stream looked
    fields = head[line.end() :].decode("latin-1").split("\n")
    pairs = (field.partition(":") for field in fields if field.strip())
    headers: Headers = tuple((name.strip(), value.strip()) for name, _, value in pairs)
    return HttpRequest(line[1].decode(), line[2].decode("latin-1"), headers, b"", line[3].decode())


def _what_follows(request: HttpRequest) -> tuple[_State, int]:
    """Return what comes after a head (RFC 9112, 6.3), and how many bytes of it."""
    codings = [v.lower() for n, v in request.headers if n.lower() == "transfer-encoding"]
    lengths = [v for n, v in request.headers if n.lower() == "content-length"]
    if request.method.upper() == "CONNECT" or len(codings) > 1 or len(lengths) > 1 or (codings and lengths):
        return _State.REST, 0
    if codings:
        return (_State.CHUNK_SIZE, 0) if codings[0] == "chunked" else (_State.REST, 0)
    if not lengths or lengths[0] == "0":
        return _State.HEAD, 0
    if re.fullmatch("[0-9]{1,15}", lengths[0]) is None or not int(lengths[0]):
        return _State.REST, 0
    return _State.BODY, int(lengths[0])


_HOST = re.compile(rb"(?im)^(host[ \t]*:[ \t]*)([^\r\n]*?)(?=[ \t]*\r?$)")
_ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://[^/?#\s]*")


def name_server(head: bytes, scheme: str, authority: str) -> bytes:
    """Return a head with this server's name in place of another: in Host, and in an absolute URL.

    Names of fields, their order and case, spaces and all else stay as they are.
    """
    line = _LINE.match(head)
    assert line is not None  # noqa: S101 - as above
    target = line[2]
    if (url := _ABSOLUTE.match(target)) is not None:
        target = f"{scheme}://{authority}".encode() + target[url.end() :]
    start = head[: line.start(2)] + target + head[line.end(2) : line.end()]
    return start + _HOST.sub(lambda found: found[1] + authority.encode(), head[line.end() :])
