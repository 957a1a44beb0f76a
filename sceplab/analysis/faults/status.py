"""The meaning of an HTTP status or a body that is not a SCEP reply."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from sceplab.analysis.faults.model import Context, Fault, Hit, Likelihood, Side
from sceplab.analysis.faults.said import BY_ID
from sceplab.analysis.statements import is_web_page
from sceplab.asn1 import der
from sceplab.scep.conversation import DecodedExchange
from sceplab.scep.transport import HttpReply

_L, _C = Likelihood.LIKELY, Likelihood.CERTAIN

NOT_FOUND = Fault(
    "not-found",
    "The server has no SCEP service at that path.",
    "Ask for the CA's SCEP URL (/cgi-bin/pkiclient.exe, /scep, /certsrv/mscep/mscep.dll ...).",
    section="RFC 8894, 4.1",
    explains=_L,
)
PORT_IN_PATH = Fault(
    "port-in-path",
    "The port was written behind the path, so it is part of the path.",
    "Write the port behind the host name: http://HOST:PORT/PATH.",
    explains=_L,
)
PATH_LOST = Fault(
    "operation-not-found",
    "The server answers other operations at this path, but not this one.",
    "Read the server's log; a length limit, a filter or the CA's name in message= is a common reason.",
    section="RFC 8894, 4.1",
    explains=_L,
)
FORBIDDEN = Fault(
    "forbidden",
    "The server refuses this client at the SCEP path.",
    "Allow this client's address at the SCEP path.",
    explains=_L,
)
METHOD = Fault(
    "method",
    "The server does not take this HTTP method.",
    "Use POST where GetCACaps offers POSTPKIOperation or SCEPStandard, GET elsewhere.",
    section="RFC 8894, 4.1",
    explains=_C,
)
TOO_LONG = Fault(
    "too-long",
    "The URL or query string is too long for the server.",
    "Use POST, or raise the server's limits for URL and query string.",
    section="RFC 8894, 4.1",
    explains=_C,
)
REDIRECT = Fault(
    "redirect",
    "The server redirects the client elsewhere; many SCEP clients do not follow.",
    "Give the client the URL that it is redirected to; if that is a login page, allow anonymous access.",
    explains=_L,
)
SERVER_ERROR = Fault(
    "server-error",
    "The server failed (an HTTP 5xx).",
    "Read the server's log of this moment.",
    explains=_L,
)
HTTP_ERROR = Fault(
    "http-error",
    "The server refused the request (an HTTP 4xx).",
    "Read the server's log of this moment.",
    explains=_L,
)
EMPTY_REPLY = Fault("empty-reply", "The reply is empty.", "Read the server's log of this moment.", explains=_L)
HTML_REPLY = Fault(
    "html-reply",
    "The reply is a web page, not a SCEP message.",
    "Check the URL: a proxy, a portal or a login page answers in place of the CA.",
    explains=_C,
)
NOT_A_MESSAGE = Fault(
    "not-a-message",
    "The reply is no SCEP message.",
    "Check that this is the SCEP URL, and read the server's log of this moment.",
    explains=_C,
)
REPLY_TEXT = Fault(
    "reply-base64",
    "The reply is base64 text (or PEM), not the bytes of the message: no client can read it.",
    "Have the server, or the proxy in front of it, send the bytes (DER).",
    section="RFC 8894, 4.3",
    explains=_C,
)
BROKEN_REPLY = Fault(
    "broken-reply",
    "The reply cannot be read to its end.",
    "Check that all of it was captured; if it was, find the proxy that changes or cuts it.",
    explains=_L,
)
CA_HTML = Fault(
    "ca-html",
    "GetCACert is answered with a web page: there is no certificate in it.",
    "Correct the URL: this is a page for people (mscep_admin, a login or portal page), not the SCEP service.",
    section="RFC 8894, 4.2.1",
    explains=_C,
)
CA_EMPTY = Fault(
    "ca-empty",
    "GetCACert is answered with nothing.",
    "Give the CA's name in message= (sscep: -i NAME), and check that the server has a CA certificate.",
    section="RFC 8894, 4.2.1",
    explains=_C,
)
CA_TEXT = Fault(
    "ca-pem",
    "GetCACert gives the certificate as text (PEM or base64); SCEP wants the bytes (DER).",
    "Have the server return DER.",
    section="RFC 8894, 4.2.1",
    explains=_C,
)
CA_UNREADABLE = Fault(
    "ca-unreadable",
    "What GetCACert returned is no certificate.",
    "Check the URL, and have the server return a DER certificate or a degenerate PKCS#7.",
    section="RFC 8894, 4.2.1",
    explains=_C,
)
CAPS_HTML = Fault(
    "caps-html",
    "GetCACaps is answered with a web page, so the client knows of no capability.",
    "Correct the URL, or have the server answer with plain lines of keywords.",
    section="RFC 8894, 3.5.2",
    explains=_L,
)
CAPS_FORM = Fault(
    "caps-form",
    "GetCACaps is not answered with one keyword per line, so the client reads no capability.",
    "Have the server write one keyword of RFC 8894 per line, as plain text.",
    section="RFC 8894, 3.5.2",
    explains=_L,
)

_BY_STATUS = {
    401: BY_ID["login"],
    403: FORBIDDEN,
    405: METHOD,
    407: BY_ID["proxy-login"],
    408: BY_ID["overloaded"],
    411: HTTP_ERROR,
    413: BY_ID["too-large"],
    414: TOO_LONG,
    429: BY_ID["overloaded"],
    431: TOO_LONG,
    499: BY_ID["client-gave-up"],
    501: METHOD,
    502: BY_ID["gateway"],
    503: BY_ID["unavailable"],
    504: BY_ID["gateway"],
}
_PORT = re.compile(r":\d{2,5}(?=/|$|\?)")


def answered(item: DecodedExchange, context: Context) -> Iterator[Hit]:
    """Yield the meaning of a status other than 200, and the kind of a body that is not a SCEP reply."""
    reply, operation = item.exchange.reply, item.operation
    if reply is None:
        return
    name = operation.operation if operation is not None else ""
    if reply.status is not None and reply.status != 200:
        if name != "GetNextCACert":
            yield _status(item, reply, context)._replace(side=Side.REPLY)
    elif item.exchange.recorded.bodies and (reply.body or not reply.truncated):
        hit = _body(item, reply, name)
        if hit is not None:
            yield hit._replace(side=Side.REPLY)


def _status(item: DecodedExchange, reply: HttpReply, context: Context) -> Hit:
    operation = item.operation
    status, name = reply.status or 0, operation.operation if operation is not None else ""
    line = f"HTTP {status} {reply.reason}".strip()
    path = operation.path if operation is not None else ""
    what = f"{line} for {name or 'the request'}{f' at {path}' if path else ''}"
    if status in {404, 410}:
        if _PORT.search(path):
            return Hit(PORT_IN_PATH, what)
        if context.answered - {name}:
            others = ", ".join(sorted(context.answered - {name}))
            if name == "GetCACert" and operation is not None and operation.identifier:
                return Hit(
                    BY_ID["unknown-ca"], f"{what}, message={operation.identifier[:60]}; {others} got 200", None, _L
                )
            return Hit(PATH_LOST, f"{what}; {others} got 200")
        return Hit(NOT_FOUND, what)
    if status in _BY_STATUS:
        wanted = reply.header("WWW-Authenticate") or reply.header("Proxy-Authenticate")
        fault = _BY_STATUS[status]
        return Hit(fault, f"{what}{f', which asks for {wanted[:60]}' if wanted else ''}", None, fault.explains or _L)
    if 300 <= status < 400:
        return Hit(REDIRECT, f"{what}, Location: {(reply.header('Location') or 'not recorded')[:200]}")
    return Hit(SERVER_ERROR if status >= 500 else HTTP_ERROR, what)


def _body(item: DecodedExchange, reply: HttpReply, name: str) -> Hit | None:
    body = reply.body
    start = repr(body[:60].decode("latin-1").strip())
    if name == "GetCACaps":
        return not_a_list(body)
    if name == "GetCACert":
        if item.ca_certificates:
            return None
        if not body.strip():
            return Hit(CA_EMPTY, "the body is empty")
        if is_web_page(body):
            return Hit(CA_HTML, start)
        return Hit(CA_TEXT if _is_text_of_der(body) else CA_UNREADABLE, start)
    if name == "PKIOperation" and item.reply is not None and body[:1] != b"\x30":
        return Hit(REPLY_TEXT, start)
    if name != "PKIOperation" or (item.reply is not None and not item.reply.signed.problems):
        return None
    if not body:
        return Hit(EMPTY_REPLY, "the body is empty")
    if is_web_page(body):
        return Hit(HTML_REPLY, start)
    if item.reply is None:
        return Hit(NOT_A_MESSAGE, start)
    return Hit(BROKEN_REPLY, str(item.reply.signed.problems[0]))


def _is_text_of_der(body: bytes) -> bool:
    return b"-----BEGIN" in body or re.fullmatch(rb"\s*MI[A-Za-z0-9+/=\s]+", body) is not None


def not_a_list(body: bytes) -> Hit | None:
    """Return the kind of a GetCACaps body that is not one keyword per line, None if it is."""
    start = repr(body[:60].decode("latin-1").strip())
    text = body.decode("utf-8", "replace")
    if is_web_page(body):
        return Hit(CAPS_HTML, start)
    if text.lstrip("\ufeff \r\n")[:1] in {"{", "["} and _is_json(text):
        return Hit(CAPS_FORM, f"it is JSON: {start}")
    lines = text.split("\n")
    if text.startswith("\ufeff"):
        return Hit(CAPS_FORM, f"it begins with a byte order mark (EF BB BF): {start}")
    if len(lines) <= 3 and re.search(r"\w[ \t]*[,;|][ \t]*\w", text):
        return Hit(CAPS_FORM, f"keywords are separated by {re.search(r'[,;|]', text)[0]!r}, not by lines: {start}")  # type: ignore[index]
    try:
        if body[:1] == b"\x30" and der.read(body).end:
            return Hit(CAPS_FORM, "it is DER, not text")
    except der.DerError:
        pass
    return None


def _is_json(text: str) -> bool:
    try:
        json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return False
    return True


FAULTS = (
    *(NOT_FOUND, PORT_IN_PATH, PATH_LOST, FORBIDDEN, METHOD, TOO_LONG, REDIRECT, SERVER_ERROR, HTTP_ERROR),
    *(EMPTY_REPLY, HTML_REPLY, NOT_A_MESSAGE, REPLY_TEXT, BROKEN_REPLY),
    *(CA_HTML, CA_EMPTY, CA_TEXT, CA_UNREADABLE, CAPS_HTML, CAPS_FORM),
)
