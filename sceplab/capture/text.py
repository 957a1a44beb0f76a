"""Messages as text: HTTP as it went over the wire, a URL, a `message=` value, base64, PEM; and DER alone.

Rule: each function turns one form into `Exchange`s; which form it is, `read_text`
finds out by its signs, the surest first. All take time in proportion to the
text: hostile lines have no end.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from sceplab.capture.http import HttpMessage, read_messages, reply_of, request_of
from sceplab.cms.pem import first_label, parse_pem
from sceplab.errors import InputError, Layer, Problem
from sceplab.scep.transport import (
    CA_CERT,
    CA_RA_CERT,
    DEFAULT_PATH,
    PKCS10,
    PKI_MESSAGE,
    Exchange,
    HttpReply,
    HttpRequest,
    decode_message_value,
)

_PEM_MESSAGES = {"PKCS7", "CMS", "PKCS #7 SIGNED DATA", "SCEP", "MESSAGE"}
_PEM_OTHERS = {"CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"}

# --------------------------------------------------------------- DER and BER alone

_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
_PKI_STATUS = bytes.fromhex("060a6086480186f845010903")
_SCEP_ATTRIBUTE = bytes.fromhex("060a6086480186f8450109")
_MESSAGE_DIGEST = bytes.fromhex("06092a864886f70d010904")


def kind_of(data: bytes) -> str:
    """Return what octets are by their first ones: "request", "reply", "certificates", "csr", "certificate", or ""."""
    outer = _content(data, 0)
    if outer is None:
        return ""
    if data.startswith(_SIGNED_DATA, outer):
        if _PKI_STATUS in data:
            return "reply"
        # No signers: an empty SET at the very end, but for the ends of indefinite lengths.
        bare = _SCEP_ATTRIBUTE not in data and _MESSAGE_DIGEST not in data
        return "certificates" if bare and data.rstrip(b"\0").endswith(b"\x31") else "request"
    inner = _content(data, outer)
    if inner is None:
        return ""
    if data.startswith(b"\x02\x01\x00\x30", inner):
        return "csr"
    return "certificate" if data.startswith(b"\xa0\x03\x02\x01", inner) else ""


def _content(data: bytes, at: int) -> int | None:
    """Return where the content of the SEQUENCE at an octet begins, None where there is none."""
    head = data[at : at + 2]
    if len(head) < 2 or head[0] != 0x30:
        return None
    return at + 2 + (head[1] & 0x7F if head[1] > 0x80 else 0)


def message_alone(data: bytes, name: str, problems: tuple[Problem, ...] = ()) -> Exchange:
    """Return an exchange around octets that came without HTTP, in the place that their content tells.

    A CertRep and certificates are replies; a CSR is a request with its own
    Content-Type; all else is taken for a request.
    """
    kind = kind_of(data)
    if kind in _REPLIES:
        return Exchange(None, HttpReply(200, (("Content-Type", _REPLIES[kind]),), data), source=name, problems=problems)
    if kind == "csr":
        return Exchange(HttpRequest("", "", (("Content-Type", PKCS10),), data), None, source=name, problems=problems)
    request = HttpRequest("POST", f"{DEFAULT_PATH}?operation=PKIOperation", (), data)
    return Exchange(request, None, source=name, problems=problems)


_REPLIES = {"reply": PKI_MESSAGE, "certificates": CA_RA_CERT, "certificate": CA_CERT}


def paired(alone: list[Exchange]) -> list[Exchange]:
    """Put each reply that came alone to the request before it, as a transcript tells them."""
    out: list[Exchange] = []
    for exchange in alone:
        before = out[-1] if out else None
        if (
            before is not None
            and before.request is not None
            and before.request.method
            and before.reply is None
            and exchange.request is None
            and exchange.reply is not None
            and exchange.reply.header("Content-Type") == PKI_MESSAGE
        ):
            out[-1] = replace(before, reply=exchange.reply, problems=(*before.problems, *exchange.problems))
        else:
            out.append(exchange)
    return out


# --------------------------------------------------------------- HTTP as text

_HTTP = re.compile(
    rb"^(?:[<>] ?)?(?:(?:GET|POST) [^\r\n ]+ HTTP/1\.[01]|HTTP/1\.[01] \d{3})(?=[\r\n ]|$)", re.MULTILINE
)
_HTTP_HERE = re.compile(rb"(?:GET|POST) [^\r\n ]+ HTTP/1\.[01]\r?\n|HTTP/1\.[01] \d{3}[\r\n ]")
_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,12})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_CURL = re.compile(rb"^[<>](?: |\r?$)", re.MULTILINE)


def is_http(data: bytes) -> bool:
    """Whether octets begin with an HTTP message, or with what `curl -v` tells before one."""
    if _HTTP.match(data):
        return True
    return data[:2] == b"* " and _CURL.search(data[:65536]) is not None and _HTTP.search(data[:65536]) is not None


def read_http(data: bytes, name: str) -> list[Exchange]:
    """Read requests and replies that follow one another: off the wire, copied from a window, or of `curl -v`."""
    if data[:2] in {b"* ", b"> ", b"< "}:
        lines = (x for x in data.splitlines() if not x.startswith((b"* ", b"{ [", b"} [")))
        data = b"\n".join(x[1:].removeprefix(b" ") if x[:1] in {b"<", b">"} else x for x in lines)
    starts = list(_starts(data))
    out: list[Exchange] = []
    waiting: deque[int] = deque()
    for start, end in zip(starts, [*starts[1:], len(data)], strict=True):
        message = _one(data[start:end])
        if message is None:
            continue
        problems = _whole(message)
        if message.method:
            waiting.append(len(out))
            out.append(Exchange(request_of(message), None, source=name, problems=problems))
        elif waiting:
            asked = out[waiting[0]]
            out[waiting.popleft()] = Exchange(
                asked.request, reply_of(message), source=name, problems=(*asked.problems, *problems)
            )
        else:
            out.append(Exchange(None, reply_of(message), source=name, problems=problems))
    if not out:
        raise InputError("this begins like an HTTP message, but cannot be read as one; give a capture of the packets")
    return out


def _starts(data: bytes) -> Iterator[int]:
    """Yield where messages begin: right behind the last one where its length fits, else at a line's start."""
    found = _HTTP.search(data)
    while found is not None:
        at = found.start()
        yield at
        head = re.compile(rb"\r?\n\r?\n").search(data, at)
        if head is None:
            return
        length = _LENGTH.search(data, at, head.end())
        behind = head.end() + (int(length[1]) if length else 0)
        found = _HTTP_HERE.match(data, behind) or _HTTP.search(data, head.end())


def _one(data: bytes) -> HttpMessage | None:
    head, gap, body = data.partition(b"\r\n\r\n")
    if not gap or b"\n\n" in head:
        head, gap, body = data.partition(b"\n\n")  # a window's copy has no CR
        head = head.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    whole = head.rstrip(b"\r\n") + b"\r\n\r\n" + body
    found = read_messages([(whole, 0.0)], requests=not data.startswith(b"HTTP/"))
    return found[0] if found else None


def _whole(message: HttpMessage) -> tuple[Problem, ...]:
    if message.complete:
        return ()
    promised = message.promised
    found = f"{len(message.body)} octets of body" + (f" of {promised}" if promised is not None else "")
    advice = "Text that was copied loses octets: save the stream as a file (raw), or give the capture."
    return (Problem(Layer.CAPTURE, "incomplete", "the whole message", found, None, advice),)


# --------------------------------------------------------------- PEM, URL, base64


def read_text(data: bytes, name: str) -> list[Exchange]:
    """Read text of any of the forms; raises InputError saying what was found."""
    messages = [block.body for block in parse_pem(data) if block.label in _PEM_MESSAGES | _PEM_OTHERS]
    if messages:
        return paired([_from_value(body.decode("latin-1"), name) for body in messages])
    other = first_label(data)
    if other is not None:
        raise InputError(_other_pem(other))
    words = data.decode("utf-8", "surrogateescape").strip()
    targets = list(targets_in(words))
    if targets:
        if len(targets) == 1:
            targets = [_rejoined(words, targets[0])]
        return [Exchange(HttpRequest("GET", t), None, source=name) for t in targets]
    value = words.partition("message=")[2] if "message=" in words[:200] else words
    exchange = _from_value(_without_quotes(value), name)
    body = exchange.request or exchange.reply
    if body is not None and kind_of(body.body):
        return [exchange]
    raise InputError(_unknown(data, words))


def _other_pem(label: str) -> str:
    if "PRIVATE KEY" in label:
        return f"this is a private key ({label}), no message; give it with --key, beside the capture"
    if label == "CERTIFICATE":
        return "this is a certificate, no message; give it with --cert, beside the capture"
    return f"this is PEM of type {label}, no message of SCEP, or it has no end; give a capture, PKCS7 or CMS"


def _unknown(data: bytes, words: str) -> str:
    start = words[:16].encode("unicode_escape").decode("ascii")
    if re.match(r"\s*<(?:!doctype|html|\?xml)", words, re.IGNORECASE):
        found = "this is a web page or XML, without a SCEP request in it"
    elif b"\0" in data[:4096]:
        found = f"this is a binary file that starts with {data[:8].hex(' ')}"
    else:
        found = f"this is text that starts with {start!r}"
    return (
        f"{found}, and no format known here; "
        "give a pcap or pcapng file, HAR, HTTP, a URL, a message= value, base64, PEM, DER or a hex dump"
    )


_ENDS = re.compile(r"[\s\"'<>`|]")
_OPERATION = re.compile(r"[?&]operation=[a-z]", re.IGNORECASE)
_LONGEST_PATH, LONGEST_TARGET = 4096, 1 << 20


def targets_in(words: str) -> Iterator[str]:
    """Yield the URLs (or request targets) with an operation= in a text, in their order."""
    last = 0
    for found in _OPERATION.finditer(words):
        at = found.start()
        if at < last:
            continue
        low = max(last, at - _LONGEST_PATH)
        start = max((m.end() + low for m in _ENDS.finditer(words[low:at])), default=low)
        end = _ENDS.search(words, at, at + LONGEST_TARGET)
        last = end.start() if end else min(len(words), at + LONGEST_TARGET)
        yield words[start:last].rstrip(").,;]}")


def _rejoined(words: str, target: str) -> str:
    """Put a URL together that a mail program broke into lines."""
    if "message=" not in target.lower():
        return target
    at = words.index(target) + len(target)
    widths: list[int] = []
    while (line := _FURTHER.match(words, at)) is not None:
        # A short line is the last one, behind lines of one width.
        if len(line[1]) < 16 and (len(widths) < 2 or widths[-1] != widths[-2] or len(line[1]) > widths[-1]):
            break
        target += line[1]
        widths.append(len(line[1]))
        at = line.end()
    return target


_FURTHER = re.compile(r"[ \t>]*=?\r?\n[ \t>]*([A-Za-z0-9+/=%_-]+)(?=\s|$)")


def _without_quotes(value: str) -> str:
    """Take off what marks text as a string or a quotation."""
    value = re.sub(r"(?m)^[ \t]*>[ \t]?", "", value)  # a mail's quotation
    return value.strip().strip("\"'`<>").strip()


def _from_value(value: str, name: str) -> Exchange:
    decoded = decode_message_value(value)
    if "%" in value:
        # Still as it stood in a URL: keep the text, so that its dialect can be shown.
        target = f"{DEFAULT_PATH}?operation=PKIOperation&message={''.join(value.split())}"
        return Exchange(HttpRequest("GET", target, (), decoded.data), None, source=name, problems=decoded.problems)
    kept = tuple(p for p in decoded.problems if p.code not in {"line-breaks", "raw-plus"})
    return message_alone(decoded.data, name, kept)
