"""HTTP for the lab: send a client's requests over the network, write replies of one line.

Rule: transport only; messages are handled by `client`, `ca` and `ra`. `requests` is
imported when a sender is made, so that a client without a network starts fast.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

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


def http_sender(
    url: str, *, timeout: float = 10, retries: int = 2, pause: float = 0.5, source: str | None = None
) -> Send:
    """Return a function that sends to the SCEP URL; the path of `url` replaces the request's own.

    It tries again when there is no connection or the answer is 503: sending the
    same pkiMessage twice is safe.

    Args:
        url: The SCEP URL of the server.
        timeout: Seconds to wait for a connection, and for each part of a reply.
        retries: How many times it tries again.
        pause: Seconds before the first retry; each later pause is twice as long.
        source: The address of this machine to send from.

    Raises:
        InputError: When `url` is not an HTTP URL.
        ClientError: From the returned function, when the server cannot be reached.
    """
    with needs(LAB):
        import requests

    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.port != 0 and re.fullmatch(r"[!-~]+", url)
        requests.Request("GET", url).prepare()
    except ValueError:  # of urlsplit, of the port, and of requests
        usable = False
    if not usable:
        example = f"http://192.0.2.1{DEFAULT_PATH}"
        raise InputError(
            f"{url} is no URL of a SCEP server; write for example {example} (other than ASCII: as xn--, %)"
        )
    path = parts.path or DEFAULT_PATH
    session = requests.Session()
    # A proxy from the environment could change what the lab demonstrates.
    session.trust_env = False
    if source is not None:
        session.mount("http://", _adapter_from(source))

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
                reply = session.send(prepared, timeout=timeout, allow_redirects=False)
            except (requests.RequestException, ValueError) as error:  # ValueError: a host that no DNS name can be
                reason = f"{url} cannot be reached: {_cause(error)}"
                continue
            if reply.status_code != UNAVAILABLE:
                return HttpReply(reply.status_code, tuple(reply.headers.items()), reply.content, reply.reason or "")
            reason = f"{url} answers 503: {first_line(reply.content)}"
        raise ClientError(reason)

    return send


def _adapter_from(source: str) -> requests.adapters.HTTPAdapter:
    """Return an adapter whose connections have this source address."""
    from requests.adapters import HTTPAdapter

    class FromAddress(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as the base class
            super().init_poolmanager(*args, **kwargs, source_address=(source, 0))

    return FromAddress()


def _cause(error: BaseException) -> str:
    """Return the innermost reason: `requests` wraps it three times."""
    import requests

    if isinstance(error, requests.Timeout):
        return "no answer in time"
    while error.__context__ is not None:
        error = error.__context__
    return str(getattr(error, "strerror", None) or error)


def first_line(body: bytes) -> str:
    """Return the first line of a body, at most 200 bytes, for an error message."""
    return body[:200].decode("utf-8", "replace").strip().split("\n")[0]


def text_reply(status: int, text: str) -> HttpReply:
    """Return an HTTP reply of one line."""
    return HttpReply(status, (("Content-Type", "text/plain"),), f"{text}\n".encode())
