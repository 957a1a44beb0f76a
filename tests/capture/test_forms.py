"""Pasted text: a message in many notations between other text; parts that were not read are listed."""

from __future__ import annotations

import base64
import json
import quopri
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sceplab.capture import read_capture
from sceplab.capture.forms import read_text
from sceplab.errors import InputError
from sceplab.scep.conversation import decode_exchanges
from sceplab.scep.transport import HTTP_TEXT, LOG_LINE
from tests.helpers.captures import DATA, messages


def _request() -> bytes:
    return messages(DATA / "specimen")[0].raw


def _reply() -> bytes:
    return messages(DATA / "specimen")[1].raw


def _base64() -> str:
    return base64.b64encode(_request()).decode()


def _target() -> str:
    return f"/scep?operation=PKIOperation&message={_base64().replace('+', '%2B').replace('/', '%2F')}"


def _lines(text: str, width: int = 64) -> list[str]:
    return [text[i : i + width] for i in range(0, len(text), width)]


def _printable(row: bytes) -> str:
    return "".join(chr(b) if 32 <= b < 127 else "." for b in row)


def _rows(data: bytes, form: str, width: int = 16) -> str:
    """Write a hex dump; `{o}` is the offset, `{h}` the hex, `{t}` the characters."""
    rows = [(i, data[i : i + width]) for i in range(0, len(data), width)]
    return "".join(form.format(o=i, h=f"{r.hex(' '):{3 * width - 1}}", t=_printable(r)) + "\n" for i, r in rows)


FORMS: dict[str, Callable[[], str]] = {
    "base64 behind a log's words": lambda: f"2026-11-24 08:00:00,123 DEBUG [scep] request: {_base64()}",
    "base64 behind a log's words on every line": lambda: "\n".join(
        f"08:00:00 DEBUG scep {x}" for x in _lines(_base64(), 76)
    ),
    "base64 with written line ends": lambda: "\\n".join(_lines(_base64())),
    "base64 with written CR LF": lambda: '"body": "' + "\\r\\n".join(_lines(_base64())) + '"',
    "base64 in JSON": lambda: json.dumps({"id": 7, "message": _base64()}),
    "base64 in XML": lambda: f"<pkcs7>\n  {_base64()}\n</pkcs7>",
    "base64 in YAML": lambda: "message: |\n" + "".join(f"  {x}\n" for x in _lines(_base64())) + "next: 1\n",
    "base64 in joined strings": lambda: 'String m = "' + '" +\n    "'.join(_lines(_base64())) + '";',
    "base64 as quoted-printable": lambda: "Hello,\n\n" + quopri.encodestring(_base64().encode()).decode() + "\nRegards",
    "a link of asn1js": lambda: f"https://lapo.it/asn1js/#{_base64().replace('+', '-').replace('/', '_')}",
    "Java": lambda: f"message = {[b - 256 if b > 127 else b for b in _request()]}",
    "Go": lambda: f"{list(_request())}".replace(",", ""),
    "Go, []byte": lambda: "[]byte{" + ", ".join(f"0x{b:x}" for b in _request()) + "}",
    "Java, casts": lambda: "byte[] m = {" + ", ".join(f"(byte)0x{b:02X}" for b in _request()) + "};",
    "Python": lambda: repr(_request()),
    "Python, list": lambda: str(list(_request())),
    "Node, JSON": lambda: json.dumps({"type": "Buffer", "data": list(_request())}),
    "Node": lambda: f"<Buffer {_request().hex(' ')}>",
    "NSData": lambda: f"<{_request().hex(' ', -4)}>",
    ".NET": lambda: f"data: {_request().hex('-').upper()}",
    "PostgreSQL": lambda: f"m | '\\x{_request().hex()}'",
    "hex behind a log's words": lambda: f"13:30:01 scep,debug,packet {_request().hex()}",
    "certutil": lambda: _rows(_request(), "    {o:04x}\t{h}   {t}"),
    "strongSwan": lambda: f"=> {len(_request())} bytes @ 0x55d0c8a7e2c0\n" + _rows(_request(), "{o:4d}: {h}  {t}"),
    "FortiGate": lambda: _rows(_request(), "0x{o:04x}\t {h}\t{t}"),
    "a dump behind a log's words": lambda: _rows(_request(), "08:00:00.123 DEBUG {o:04x}: {h}  {t}"),
    "xxd -c 32": lambda: _rows(_request(), "{o:08x}: {h}  {t}", 32),
    "xxd -c 8": lambda: _rows(_request(), "{o:08x}: {h}  {t}", 8),
    "hex of HTTP": lambda: f"GET {_target()} HTTP/1.1\r\nHost: ca\r\n\r\n".encode().hex(),
    "base64 of HTTP": lambda: (
        "raw: " + base64.b64encode(f"GET {_target()} HTTP/1.1\r\nHost: ca\r\n\r\n".encode()).decode()
    ),
    "a wrapped log line": lambda: "\n".join(
        _lines(f'192.0.2.7 - - [24/Nov/2026:08:00:00 +0000] "GET {_target()} HTTP/1.1" 500 1 "-" "-"', 200)
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_message_in_any_notation(name: str) -> None:
    """The request's bytes are read, and nothing is listed as unread."""
    capture = read_capture(FORMS[name]())
    assert [d.request.raw for d in decode_exchanges(capture) if d.request is not None] == [_request()]
    assert capture.unread == ()


@pytest.mark.parametrize("shift", range(16))
@pytest.mark.parametrize("form", ["{o:08x}: {h}  {t}", "{o:04x}  {h}   {t}", "{o:08x}  {h}  |{t}|"])
def test_a_time_in_the_text_column_of_a_dump(form: str, shift: int) -> None:
    """The time in an HTTP Date header, at any place of the dump's text column, is not read as a log prefix."""
    head = b"HTTP/1.1 200 OK\r\nX: " + b"x" * shift + b"\r\nDate: Tue, 24 Nov 2026 08:00:00 GMT\r\n"
    data = head + b"Content-Type: application/x-pki-message\r\nContent-Length: %d\r\n\r\n" % len(_reply()) + _reply()
    (item,) = decode_exchanges(read_capture(_rows(data, form)))
    assert item.reply is not None
    assert item.reply.raw == _reply()
    assert item.exchange.reply is not None
    assert item.exchange.reply.status == 200


def test_a_mixed_log_is_one_enrollment() -> None:
    """`sscep -v -d` writes text, PEM and a hex dump. Request, status and reply form one exchange."""
    pem = "-----BEGIN PKCS7-----\n" + base64.encodebytes(_request()).decode() + "-----END PKCS7-----\n"
    text = (
        f"sscep: starting sscep\nsscep: printing PEM fomatted PKCS#7\n{pem}sscep: scep request:\n"
        "POST /scep?operation=PKIOperation HTTP/1.1\nHost: ca.example\nContent-Length: 2450\n\n"
        "sscep: server response status code: 200, MIME header: application/x-pki-message\n"
        f"{_rows(_reply(), '{o:08x}: {h}  {t}')}sscep: pkistatus: FAILURE\n"
    )
    capture = read_capture(text)
    (item,) = decode_exchanges(capture)
    assert item.request is not None
    assert item.request.raw == _request()
    assert item.reply is not None
    assert item.reply.raw == _reply()
    assert item.exchange.reply is not None
    assert item.exchange.reply.status == 200
    assert item.exchange.recorded == HTTP_TEXT
    assert any("pkistatus: FAILURE" in r.text for r in capture.remarks)
    assert capture.unread == ()


def test_error_text_of_logs_becomes_remarks() -> None:
    """Error fields of a line, IIS codes, and a service's line about the same request become remarks."""
    (one,) = read_capture('level=info method=POST path="/scep?operation=PKIOperation" status=500 error="no password"\n')
    assert [(r.name, r.text, r.line) for r in one.remarks] == [("error", "no password", 1)]
    assert one.recorded == LOG_LINE
    (two,) = read_capture(
        "2026-11-24 01:01:43 192.0.2.5 GET /certsrv/mscep/mscep.dll operation=GetCACaps 80 - 192.0.2.22 - - 404 15 0 1"
    )
    assert [(r.name, r.text) for r in two.remarks] == [("sc-substatus", "15"), ("sc-win32-status", "0")]
    (three,) = read_capture(
        'level=info component=scep_service method=PKIOperation err="bad signature"\n'
        'level=info component=http method=POST status=500 path="/scep?operation=PKIOperation"\n'
    )
    assert [r.text for r in three.remarks] == ["bad signature"]


def test_log_text_without_a_message_is_kept() -> None:
    """A log without a message gives its error lines with their line numbers."""
    capture = read_capture("hello\n%PKI-6-CERTFAIL: Certificate enrollment failed.\n")
    assert len(capture) == 0
    assert [(r.line, r.text[:15]) for r in capture.remarks] == [(2, "%PKI-6-CERTFAIL")]


def test_unread_parts_are_listed() -> None:
    """PEM certificates next to a request, and hex that is no known structure."""
    pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    capture = read_capture(f"GET /scep?operation=GetCACaps HTTP/1.0\n\n{pem}{pem}" + "\n".join(["ab" * 32] * 5))
    assert [(u.count, u.lines) for u in capture.unread] == [(2, (3, 8)), (1, (9, 13))]


def test_the_markup_of_a_page_is_kept() -> None:
    """`curl -v` marks header lines with "<", and lines of an HTML page also begin with it."""
    text = "> GET /scep?operation=GetCACert HTTP/1.1\n> Host: ca\n> \n< HTTP/1.1 403 Forbidden\n< \n<html>no</html>\n"
    (one,) = read_capture(text)
    assert one.reply is not None
    assert one.reply.body.strip() == b"<html>no</html>"


_PIECES = st.one_of(
    st.sampled_from(list(FORMS)).map(lambda name: FORMS[name]()),
    st.builds(lambda: _reply().hex()),
    st.builds(lambda: f"GET {_target()} HTTP/1.1\n"),
    st.sampled_from(
        [
            "HTTP/1.1 500 Internal Server Error\n",
            "-----BEGIN PKCS7-----\n",
            "> GET /x?operation=GetCACaps HTTP/1.1\n> \n< HTTP/1.1 200 OK\n< \nAES\n",
            "=> Send header, 9 bytes\n0000: 47 45\n",
        ]
    ),
    st.text(max_size=60),
)


@settings(deadline=None)
@given(st.lists(_PIECES, max_size=6))
def test_spans_never_overlap(pieces: list[str]) -> None:
    """In any mix of such pieces each byte is claimed at most once and line numbers are valid."""
    data = "\n".join(pieces).encode("utf-8", "surrogateescape")
    try:
        capture, claims = read_text(data, "")
    except InputError:
        return
    assert all(0 <= first < last <= len(data) for first, last in claims)
    assert all(before[1] <= after[0] for before, after in pairwise(claims))
    lines = data.count(b"\n") + 1
    assert all(e.line is not None and 1 <= e.line <= lines for e in capture)
    assert all(1 <= u.lines[0] <= u.lines[1] <= lines for u in capture.unread)
    decode_exchanges(capture)


def test_the_text_of_an_error_log_belongs_to_its_request() -> None:
    """An nginx error line gives the client, the server, the request and the error text."""
    line = (
        "2026/11/20 10:00:00 [error] 12#12: *5 client intended to send too large body: 2097152 bytes, "
        'client: 10.0.0.1, server: ca.example, request: "POST /scep?operation=PKIOperation HTTP/1.1", host: "ca"'
    )
    (exchange,) = read_capture(f"{line}\n".encode()).exchanges
    assert exchange.client == "10.0.0.1"
    assert exchange.server == "ca.example"
    assert exchange.request is not None
    assert exchange.request.method == "POST"
    assert [r.text for r in exchange.remarks] == ["client intended to send too large body: 2097152 bytes"]
