"""What an answer without SCEP means: HTTP statuses, web pages and other bodies, in words for who sits at a client.

Rule: text only; what a server wrote is cut to a line, and escaped where it is printed.
"""

from __future__ import annotations

from http.client import responses

from sceplab.analysis.statements import body_words, is_web_page
from sceplab.scep.transport import HttpReply

_LONGEST = 200
_MEANINGS = {
    400: "the server cannot read the request",
    401: "the server wants a login, which SCEP does not have: check the URL, or allow this path without one",
    403: "the server forbids it: the path, this machine's address, or a filter in front of the server",
    404: "nothing is at this path: NDES has /certsrv/mscep/mscep.dll, others /scep or /cgi-bin/pkiclient.exe",
    407: "a proxy on the way wants a login: give it as http://USER:PASSWORD@HOST:PORT, or go without the proxy",
    413: "the request is too long for the server or a proxy",
    414: "the URL is too long for the server or a proxy: try --method POST",
    421: "the server has another name: use the one that it knows",
    431: "the request is too long for the server or a proxy: try --method POST",
    429: "too many requests: wait",
    500: "the server failed: its log says why",
    502: "a gateway or relay cannot reach the server behind it",
    504: "a gateway or relay had no answer in time from the server behind it",
}


def explained(reply: HttpReply, method: str) -> str:
    """Return a sentence on an answer that has no SCEP message: its status, what that means, what the body says."""
    status = reply.status or 0
    name = reply.reason.strip()[:_LONGEST] or responses.get(status, "")
    text = f"HTTP {status} {name}".rstrip()
    meaning = _MEANINGS.get(status, "")
    if status == 405:
        other = "GET" if method == "POST" else "POST"
        meaning = f"the server does not take {method}: try --method {other}"
        allowed = (reply.header("Allow") or "")[:_LONGEST]
        meaning += f" (it allows {allowed})" if allowed else ""
    if status == 401 and (scheme := (reply.header("WWW-Authenticate") or "").partition(" ")[0][:_LONGEST]):
        meaning += f" (it asks for {scheme})"
    if 300 <= status < 400 and reply.header("Location") is not None:
        meaning = f"it redirects to {(reply.header('Location') or '')[:_LONGEST]}"
    return "; ".join(
        part for part in (f"{text}: {meaning}" if meaning else text, f"it sent {summary(reply.body)}") if part
    )


def summary(body: bytes) -> str:
    """Return what a body is, in a few words: of a web page its text, of other text the first line."""
    if not body.strip():
        return "an empty body"
    words = body_words(HttpReply(200, (), body))
    shown = words if len(words) <= _LONGEST else f"{words[:_LONGEST].rstrip()}..."
    if is_web_page(body):
        return f'a web page: "{shown}"' if shown else "a web page without text"
    if not shown:
        return f"{len(body):,} bytes that are not text"
    return f'"{shown}"'
