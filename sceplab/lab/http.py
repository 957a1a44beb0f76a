"""HTTP for the lab: send a client's requests over the network, write replies of one line.

Rule: transport only; messages are handled by `client`, `ca` and `ra`. `requests` is
imported when a sender is made, so that a client without a network starts fast.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urljoin, urlsplit

from sceplab.errors import InputError, ScepError
from sceplab.extras import LAB, needs
from sceplab.lab.tls import tls_context, why_tls_failed
from sceplab.masking import masked_url, without_passwords
from sceplab.scep.transport import DEFAULT_PATH, HttpReply, HttpRequest

if TYPE_CHECKING:
    import requests

Send = Callable[[HttpRequest], HttpReply]
"""Brings a request to a server and returns its reply."""

OK = 200
UNAVAILABLE = 503


class ClientError(ScepError):
    """The server cannot be reached, or its answer cannot be trusted; the text says which."""


class UntrustedError(ClientError):
    """What came is not from the CA that is known: it has another certificate now, or somebody is in between."""


def _silent(_: str) -> None:
    pass


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
    ca_file: Path | None = None,
    proxy: str | None = None,
    on_note: Callable[[str], None] = _silent,
) -> Send:
    """Return a function that sends to the SCEP URL; the path of `url` replaces the request's own.

    It tries again when there is no connection or the answer is 503: sending the
    same pkiMessage twice is safe. It does not try again when time is up. A redirect
    of a GET is followed on the same host, and said; others are reported only: they
    would lead to a server that nobody chose.

    Args:
        url: The SCEP URL of the server.
        timeout: Seconds for a request, all tries together: connecting, sending, and the whole of the reply.
        retries: How many times it tries again.
        pause: Seconds before the first retry; each later pause is twice as long.
        source: The address of this machine to send from.
        most: The most bytes of a reply's body, also after unpacking.
        ca_file: The CAs to trust for TLS, instead of those of the system.
        proxy: URL of an HTTP proxy; by default there is none, whatever the environment says.
        on_note: Called with a sentence about each redirect that is followed.

    Raises:
        InputError: When `url` or `proxy` is not an HTTP URL, or `ca_file` cannot be used.
        ClientError: From the returned function, when the server cannot be reached, or its reply
            is too large, too slow or a redirect elsewhere.
    """
    with needs(LAB):
        import requests

    from sceplab.lab import wire

    parts, shown = parts_of(url), masked_url(url)
    path = parts.path or DEFAULT_PATH
    proxies = {}
    if proxy is not None:
        proxies = dict.fromkeys(("http", "https"), proxy_url(proxy))
    tls = tls_context(ca_file) if ca_file is not None else None
    allowance = wire.Allowance()
    session = requests.Session()
    # A proxy from the environment could change what the lab demonstrates.
    session.trust_env = False
    # SCEP has no cookies; a server could fill the memory with them.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    for scheme in ("http://", "https://"):
        session.mount(scheme, wire.adapter(allowance, source, tls))

    def fetch(prepared: requests.PreparedRequest, left: float) -> HttpReply:
        allowance.begin(left)
        reply = session.send(prepared, timeout=left, allow_redirects=False, stream=True, proxies=proxies)
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
        return _ask(
            fetch,
            prepared,
            lambda error: _reason(error, shown, timeout, most, ca_file=ca_file),
            time.monotonic() + timeout,
            [pause * 2**attempt for attempt in range(retries)],
            on_note,
        )

    return send


def _ask(
    fetch: Callable[[requests.PreparedRequest, float], HttpReply],
    prepared: requests.PreparedRequest,
    why: Callable[[Exception], str],
    due: float,
    pauses: list[float],
    on_note: Callable[[str], None],
) -> HttpReply:
    """Send a request until it is answered, it is `due` (`time.monotonic`), or no pause is left. Raises ClientError.

    `fetch` gets the seconds that are left; `why` words what it raised.
    """
    import requests
    from urllib3.exceptions import HTTPError

    left, followed = list(pauses), 0
    while True:
        url = without_passwords(prepared.url or "").partition("?")[0]
        try:
            reply = fetch(prepared, max(due - time.monotonic(), 0.001))
        except (requests.RequestException, HTTPError, OSError, ValueError, ScepError) as error:
            reason = why(error)
        else:
            if reply.status in _REDIRECTS and reply.header("Location") is not None:
                prepared.url = _redirected(prepared.url or "", reply, prepared.method or "", followed)
                on_note(f"{url} redirects to {without_passwords(prepared.url)[:200]}: followed")
                followed += 1
                continue
            if reply.status != UNAVAILABLE:
                return reply
            reason = f"{url} answers 503: {first_line(reply.body)}"
        if not left or time.monotonic() >= due:
            raise ClientError(reason)
        time.sleep(max(0.0, min(left.pop(0), due - time.monotonic())))


_MOST_REDIRECTS = 5


def _redirected(here: str, reply: HttpReply, method: str, followed: int) -> str:
    """Return where a redirect leads on the same host. Raises ClientError for any other."""
    named = reply.header("Location") or ""
    shown, there = without_passwords(here).partition("?")[0], without_passwords(named)[:200]
    advice = ClientError(f"{shown} redirects to {there}: give that URL instead")
    try:
        old, new = urlsplit(here), urlsplit(urljoin(here, named))
        same = new.hostname == old.hostname and new.scheme in {"http", "https"} and new.port != 0
    except ValueError:
        raise advice from None
    # Not from https back to http, and not with a message that a server could want elsewhere.
    if not same or method != "GET" or (old.scheme, new.scheme) == ("https", "http") or new.username is not None:
        raise advice
    if not re.fullmatch(r"[!-~]+", new.geturl()):
        raise advice
    if followed >= _MOST_REDIRECTS:
        raise ClientError(f"{shown} redirects again and again; the last time to {there}")
    return new._replace(fragment="").geturl()


def proxy_url(text: str) -> str:
    """Return the URL of a proxy. Raises InputError where it is none."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not re.fullmatch(r"[!-~]+", text):
        raise InputError(f"{masked_url(text)} is not the URL of an HTTP proxy; write for example http://192.0.2.9:3128")
    return text


def proxy_of_environment(url: str) -> tuple[str | None, str]:
    """Return the proxy that the environment names for a URL, or None, and a sentence about it ("" where there is none).

    Hosts in `no_proxy`, and this machine, are reached without it.
    """
    # Not documented, but what every user of urllib goes by.
    from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

    from sceplab.lab.guard import is_loopback

    parts = parts_of(url)
    found = getproxies_environment()
    name = next((n for n in (parts.scheme, "all") if found.get(n)), None)
    if name is None:
        return None, ""
    shown = f"the proxy {masked_url(found[name])} ({name}_proxy in the environment)"
    host = parts.hostname or ""
    if is_loopback(host) or proxy_bypass_environment(host, found):
        return None, f"{shown} is not used for {host}"
    return proxy_url(found[name]), f"{shown} is used; --proxy none ignores it"


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
            f"{masked_url(url)} is not the URL of a SCEP server; "
            f"write for example {example} (other than ASCII: as xn--, %)"
        )
    return parts


_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PIECE = 1 << 16


def _reason(error: Exception, shown: str, timeout: float, most: int, *, ca_file: Path | None) -> str:
    """Return why a request to the URL `shown` failed. Raises ClientError where trying again would not help."""
    import requests

    from sceplab.lab.wire import TooMuchError

    # `requests` wraps the reason three times.
    causes = [error]
    while isinstance(inner := causes[-1].__cause__ or causes[-1].__context__, Exception):
        causes.append(inner)
    if any(isinstance(each, TooMuchError) for each in causes):
        raise ClientError(f"the reply of {shown} is too large: more than {most} bytes, or endless headers") from error
    if any(isinstance(each, TimeoutError | requests.Timeout) for each in causes):
        raise ClientError(f"{shown} cannot be reached: no complete answer in {timeout:g} seconds") from error
    failed = next((each for each in reversed(causes) if isinstance(each, ssl.SSLError)), None)
    if failed is not None:
        raise ClientError(why_tls_failed(failed, shown.split("/")[2], own_cas=ca_file is not None)) from error
    if isinstance(error, ScepError):
        raise ClientError(f"the reply of {shown} cannot be read: {error}") from error
    return f"{shown} cannot be reached: {getattr(causes[-1], 'strerror', None) or causes[-1]}"


def first_line(body: bytes) -> str:
    """Return the first line of a body, at most 200 bytes, for an error message."""
    return body[:200].decode("utf-8", "replace").strip().split("\n")[0]


@dataclass(frozen=True, slots=True)
class HeldReply(HttpReply):
    """A reply whose time must not show what was found in the request: the server sends it at a tick of its clock."""


def text_reply(status: int, text: str) -> HttpReply:
    """Return an HTTP reply of one line."""
    return HttpReply(status, (("Content-Type", "text/plain"),), f"{text}\n".encode())
