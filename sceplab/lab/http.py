"""HTTP for the lab: send a client's requests over the network, write replies of one line.

Rule: transport only; messages are handled by `client`, `ca` and `ra`. `requests` is
imported when a sender is made, so that a client without a network starts fast.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from sceplab.errors import InputError, ScepError
from sceplab.extras import LAB, needs
from sceplab.scep.transport import DEFAULT_PATH, HttpReply, HttpRequest

if TYPE_CHECKING:
    import requests

Send = Callable[[HttpRequest], HttpReply]
"""Brings a request to a server and returns its reply."""

OK = 200
UNAVAILABLE = 503


class ClientError(ScepError):
    """The server cannot be reached, or its answer cannot be trusted; the text says which."""


REPLY_SIZE = 10_000_000
"""The most bytes that a client takes as the body of a reply, also after unpacking; a CRL may be large."""


def http_sender(
    url: str,
    *,
    timeout: float = 10,
    retries: int = 2,
    pause: float = 0.5,
    source: str | None = None,
    most: int = REPLY_SIZE,
) -> Send:
    """Return a function that sends to the SCEP URL; the path of `url` replaces the request's own.

    It tries again when there is no connection or the answer is 503: sending the
    same pkiMessage twice is safe. It does not try again when time is up. Redirects
    are reported, not followed: they would lead to a server that nobody chose.

    Args:
        url: The SCEP URL of the server.
        timeout: Seconds for a request: connecting, sending, and the whole of the reply.
        retries: How many times it tries again.
        pause: Seconds before the first retry; each later pause is twice as long.
        source: The address of this machine to send from.
        most: The most bytes of a reply's body, also after unpacking.

    Raises:
        InputError: When `url` is not an HTTP URL.
        ClientError: From the returned function, when the server cannot be reached, or its reply
            is too large, too slow or a redirect.
    """
    with needs(LAB):
        import requests
        from urllib3.exceptions import HTTPError

    from sceplab.lab import wire

    parts = parts_of(url)
    path = parts.path or DEFAULT_PATH
    allowance = wire.Allowance()
    session = requests.Session()
    # A proxy from the environment could change what the lab demonstrates.
    session.trust_env = False
    # SCEP has no cookies; a server could fill the memory with them.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    for scheme in ("http://", "https://"):
        session.mount(scheme, wire.adapter(allowance, source))

    def fetch(prepared: requests.PreparedRequest) -> HttpReply:
        allowance.begin(timeout)
        reply = session.send(prepared, timeout=timeout, allow_redirects=False, stream=True)
        try:
            # Twice as many on the wire: chunks have a header each.
            allowance.octets = 2 * most + wire.HEADER_SIZE
            body = bytearray()
            while piece := reply.raw.read(_PIECE, decode_content=False):
                body += piece
                if len(body) > most:
                    raise wire.TooMuchError("the reply is too large")
        finally:
            reply.close()
        plain = wire.unpacked(bytes(body), reply.headers.get("Content-Encoding", ""), most)
        return HttpReply(reply.status_code, tuple(reply.headers.items()), plain, reply.reason or "")

    def send(request: HttpRequest) -> HttpReply:
        query = request.target.partition("?")[2]
        prepared = session.prepare_request(
            requests.Request(request.method, url, data=request.body or None, headers=dict(request.headers))
        )
        # Set afterwards: `requests` rewrites some escapes, which are part of a client's dialect.
        prepared.url = f"{parts.scheme}://{parts.netloc}{path}?{query}"
        reason = ""
        for attempt in range(retries + 1):
            if attempt:
                time.sleep(pause * 2 ** (attempt - 1))
            try:
                reply = fetch(prepared)
            except (requests.RequestException, HTTPError, OSError, ValueError, ScepError) as error:
                reason = _reason(error, url, timeout, most)
                continue
            if reply.status in _REDIRECTS and reply.header("Location") is not None:
                raise ClientError(f"{url} redirects to {(reply.header('Location') or '')[:200]}: give that URL instead")
            if reply.status != UNAVAILABLE:
                return reply
            reason = f"{url} answers 503: {first_line(reply.body)}"
        raise ClientError(reason)

    return send


def parts_of(url: str) -> SplitResult:
    """Return the parts of a SCEP URL. Raises InputError where it is none."""
    import requests

    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.port != 0 and re.fullmatch(r"[!-~]+", url)
        requests.Request("GET", url).prepare()
    except ValueError:  # of urlsplit, of the port, and of requests
        usable = None
    if not usable:
        example = f"http://192.0.2.1{DEFAULT_PATH}"
        raise InputError(
            f"{url} is no URL of a SCEP server; write for example {example} (other than ASCII: as xn--, %)"
        )
    return parts


_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PIECE = 1 << 16


def _reason(error: Exception, url: str, timeout: float, most: int) -> str:
    """Return why a request failed. Raises ClientError where trying again would not help."""
    import requests

    from sceplab.lab.wire import TooMuchError

    # `requests` wraps the reason three times.
    causes = [error]
    while isinstance(inner := causes[-1].__cause__ or causes[-1].__context__, Exception):
        causes.append(inner)
    if any(isinstance(each, TooMuchError) for each in causes):
        raise ClientError(f"the reply of {url} is too large: more than {most} bytes, or endless headers") from error
    if any(isinstance(each, TimeoutError | requests.Timeout) for each in causes):
        raise ClientError(f"{url} cannot be reached: no complete answer in {timeout:g} seconds") from error
    if isinstance(error, ScepError):
        raise ClientError(f"the reply of {url} cannot be read: {error}") from error
    return f"{url} cannot be reached: {getattr(causes[-1], 'strerror', None) or causes[-1]}"


def first_line(body: bytes) -> str:
    """Return the first line of a body, at most 200 bytes, for an error message."""
    return body[:200].decode("utf-8", "replace").strip().split("\n")[0]


def text_reply(status: int, text: str) -> HttpReply:
    """Return an HTTP reply of one line."""
    return HttpReply(status, (("Content-Type", "text/plain"),), f"{text}\n".encode())
