"""The messages of every capture, wrapped into every other format that people have, decode to the same."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from sceplab.capture import read_capture
from sceplab.errors import InputError
from sceplab.report.json import message_facts
from sceplab.scep.conversation import NO_MATERIALS, DecodedExchange, Materials, decode_exchanges
from sceplab.scep.message import PkiMessage
from sceplab.scep.transport import DIALECTS, Exchange, encode_message_value, parse_request
from tests.helpers import packets, scenes
from tests.helpers.captures import DATA, capture_folders, certificate, decoded, materials
from tests.helpers.packets import Piece, answered, asked, conversation, frames

FOLDERS = [DATA / "specimen", *capture_folders()]
PATH = "/cgi-bin/pkiclient.exe?operation=PKIOperation"


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _url(data: bytes) -> str:
    return f"{PATH}&message={quote(_b64(data), safe='')}"


def _rows(data: bytes, form: Callable[[int, bytes], str], size: int = 16) -> str:
    return "\n".join(form(i, data[i : i + size]) for i in range(0, len(data), size)) + "\n"


def _text(row: bytes) -> str:
    return "".join(chr(b) if 32 <= b < 127 else "." for b in row)


def _ios(data: bytes, stamp: str = "*Nov 24 08:04:11.123: ") -> str:
    return _rows(data, lambda _, row: f"{stamp}{row.hex(' ').upper()}")


def _transcript(request: bytes, reply: bytes) -> str:
    """Give what a router prints with `debug crypto pki messages` and `transactions`."""
    return (
        "*Nov 24 08:04:10.001: CRYPTO_PKI: Sending CA Certificate Request: \n"
        "GET /cgi-bin/pkiclient.exe HTTP/1.0\n\n"
        "*Nov 24 08:04:10.100: PKI: PKCS#7 to be sent:\n"
        f"{_ios(request)}"
        "*Nov 24 08:04:11.800: CRYPTO_PKI: received msg of 3364 bytes\n"
        "*Nov 24 08:04:11.801: CRYPTO_PKI: HTTP response header:\n HTTP/1.1 200 OK\n"
        "*Nov 24 08:04:11.900: Received pki message:\n"
        f"{_ios(reply)}"
        "*Nov 24 08:04:12.000: CRYPTO_PKI: status = 100: certificate is granted\n"
    )


def _follow(data: bytes, indent: str) -> str:
    """Give one side of Wireshark's "Follow TCP Stream", shown as a hex dump."""
    return _rows(data, lambda i, row: f"{indent}{i:08x}  {row[:8].hex(' ')}  {row[8:].hex(' ')}  {_text(row)}")


def _har(request: bytes, reply: bytes) -> str:
    entry = {
        "startedDateTime": "2026-11-24T08:04:11.123Z",
        "time": 45.5,
        "request": {
            "method": "POST",
            "url": f"http://ca.example{PATH}",
            "postData": {"text": request.decode("latin-1")},
        },
        "response": {"status": 200, "content": {"text": _b64(reply), "encoding": "base64"}},
    }
    return json.dumps({"log": {"entries": [entry]}})


def _segments(request: bytes, reply: bytes) -> list[packets.Tcp]:
    return conversation([Piece(True, asked(request)), Piece(False, answered(reply))])


# Both sides of an exchange.
PAIRS: dict[str, Callable[[bytes, bytes], str | bytes]] = {
    "pcap": lambda q, a: packets.pcap(frames(_segments(q, a))),
    "pcap, gzip": lambda q, a: gzip.compress(packets.pcap(frames(_segments(q, a)))),
    "pcapng": lambda q, a: packets.pcapng([(1, frames(_segments(q, a)))]),
    "pcap of Linux's `any`": lambda q, a: packets.pcap(frames(_segments(q, a), "cooked Linux 2 (SLL2)"), 276),
    "HAR": _har,
    "HAR with a BOM": lambda q, a: b"\xef\xbb\xbf" + _har(q, a).encode(),
    "HTTP of both sides": lambda q, a: asked(q) + answered(a),
    "router debug": _transcript,
    "router debug without times": lambda q, a: f"request\n{_ios(q, '')}\nreply\n{_ios(a, '   ')}",
    "router debug in UTF-16": lambda q, a: _transcript(q, a).encode("utf-16"),
    "Wireshark, followed, hex": lambda q, a: _follow(asked(q), "") + _follow(answered(a), "    "),
    "Wireshark, followed, C arrays": lambda q, a: "".join(
        f"char peer{n}_0[] = {{ /* Packet {n} */\n"
        + _rows(d, lambda _, r: ", ".join(f"0x{b:02x}" for b in r) + ",", 8).rstrip(",\n")
        + " };\n"
        for n, d in ((0, asked(q)), (1, answered(a)))
    ),
    "two PEM blocks": lambda q, a: "".join(
        f"-----BEGIN CMS-----\n{base64.encodebytes(d).decode()}-----END CMS-----\n" for d in (q, a)
    ),
    "tcpdump -X, by hand": lambda q, a: "".join(
        "08:04:11.123456 IP 192.0.2.3.40001 > 192.0.2.1.8080: Flags [P.], length 0\n"
        + _rows(packets.ip(s), lambda i, r: f"\t0x{i:04x}:  {r.hex(' ', 2):39}  {_text(r)}")
        for s in _segments(q, a)
    ),
}

# The request alone.
REQUESTS: dict[str, Callable[[bytes], str | bytes]] = {
    "URL": lambda q: f"http://ca.example{_url(q)}",
    "URL in a ticket": lambda q: f"It asks <http://ca.example{_url(q)}>, and then nothing.\nWhy?",
    "URL broken by mail": lambda q: (
        "> See\n> " + "\n> ".join(re.findall(".{1,72}", f"http://ca.example{_url(q)}")) + "\n"
    ),
    "request line": lambda q: f"GET {_url(q)} HTTP/1.0",
    "HTTP GET": lambda q: f"GET {_url(q)} HTTP/1.0\r\nHost: ca\r\n\r\n".encode(),
    "HTTP GET without CR": lambda q: f"GET {_url(q)} HTTP/1.0\nHost: ca\n",
    "HTTP POST": asked,
    "curl -v": lambda q: (
        f"*   Trying 192.0.2.1:80...\n* Connected\n> GET {_url(q)} HTTP/1.1\n> Host: ca\n> \n< HTTP/1.1 500 No\n< \n"
    ),
    "value": lambda q: quote(_b64(q), safe=""),
    "value with its name": lambda q: f"message={quote(_b64(q), safe='')}",
    "value, escaped twice": lambda q: quote(quote(_b64(q), safe=""), safe=""),
    "value, half escaped": lambda q: quote(_b64(q), safe="+/"),
    **{
        f"value as {name} writes it": lambda q, d=dialect: encode_message_value(q, d)  # type: ignore[misc]
        for name, dialect in DIALECTS.items()
    },
    "base64": _b64,
    "base64 in quotes": lambda q: f'"{_b64(q)}"\n',
    "base64 in lines": base64.encodebytes,
    "base64 in lines of CR LF": lambda q: base64.encodebytes(q).replace(b"\n", b"\r\n"),
    "base64, URL-safe, no padding": lambda q: base64.urlsafe_b64encode(q).rstrip(b"="),
    "base64, + became a space": lambda q: _b64(q).replace("+", " "),
    "base64, quoted in a mail": lambda q: "".join(f"> {x}\n" for x in base64.encodebytes(q).decode().splitlines()),
    "PEM": lambda q: b"-----BEGIN PKCS7-----\n" + base64.encodebytes(q) + b"-----END PKCS7-----\n",
    "DER": lambda q: q,
    "hex": lambda q: q.hex(),
    "hex, capitals, blanks": lambda q: q.hex(" ").upper(),
    "hex in lines": lambda q: _rows(q, lambda _, r: r.hex(), 32),
    "hex with colons": lambda q: q.hex(":"),
    "hex with 0x": lambda q: "0x" + q.hex(),
    "C string": lambda q: _rows(q, lambda _, r: '"' + "".join(f"\\x{b:02x}" for b in r) + '"'),
    "xxd": lambda q: _rows(q, lambda i, r: f"{i:08x}: {r.hex(' ', 2):39}  {_text(r)}"),
    "hexdump -C": lambda q: _rows(q, lambda i, r: f"{i:08x}  {r[:8].hex(' ')}  {r[8:].hex(' ')}  |{_text(r)}|"),
    "Wireshark, hex dump": lambda q: _rows(q, lambda i, r: f"{i:04x}   {r.hex(' '):47}   {_text(r)}"),
    "IIS": lambda q: (
        "#Software: Microsoft Internet Information Services 10.0\n#Fields: date time s-ip cs-method cs-uri-stem "
        "cs-uri-query s-port c-ip cs(User-Agent) sc-status time-taken\n"
        f"2026-11-24 08:04:11 192.0.2.1 GET /certsrv/mscep/mscep.dll {_url(q).partition('?')[2]} 80 192.0.2.3 - "
        "200 15\n"
    ),
}

_LOGS: dict[str, str] = {
    "Apache, common": '192.0.2.3 - - [24/Nov/2026:09:04:11 +0100] "GET {url} HTTP/1.0" 200 3355',
    "nginx, combined": '192.0.2.3 - - [24/Nov/2026:08:04:11 +0000] "GET {url} HTTP/1.0" 200 3355 "-" "Cisco PKI"',
    "Apache, vhost, by syslog": "Nov 24 08:04:11 ca httpd[7]: ca:80 192.0.2.3 - - [24/Nov/2026:08:04:11 +0000] "
    '"GET {url} HTTP/1.0" 200 3355 "-" "-"',
    "HAProxy": "Nov 24 08:04:11 lb haproxy[14]: 192.0.2.3:4711 [24/Nov/2026:08:04:11.000] http-in ca/ca1 "
    '0/0/1/5/6 200 3355 - - ---- 1/1/0/0/0 0/0 "GET {url} HTTP/1.1"',
    "squid": "1795507451.000     45 192.0.2.3 TCP_MISS/200 3355 GET http://ca.example{url} - HIER_DIRECT/192.0.2.1 -",
    "step-ca, text": 'time="2026-11-24T08:04:11Z" level=info duration=5ms method=GET name=ca path="{url}" '
    "protocol=HTTP/1.1 remote-address=192.0.2.3 request-id=c1 size=3355 status=200",
    "step-ca, JSON": '{{"duration":"5ms","level":"info","method":"GET","path":"{url}","remote-address":"192.0.2.3",'
    '"status":200,"time":"2026-11-24T08:04:11Z"}}',
    "Caddy": '{{"level":"info","ts":1795507451.0,"request":{{"remote_ip":"192.0.2.3","method":"GET","host":"ca",'
    '"uri":"{url}"}},"status":200}}',
    "Traefik": '{{"ClientHost":"192.0.2.3","RequestMethod":"GET","RequestPath":"{url}","DownstreamStatus":200,'
    '"StartUTC":"2026-11-24T08:04:11Z"}}',
    "nginx, JSON": '{{"time_iso8601":"2026-11-24T08:04:11+00:00","remote_addr":"192.0.2.3","request":"GET {url} '
    'HTTP/1.0","status":"200"}}',
}
assert len(PAIRS) + len(REQUESTS) + len(_LOGS) >= 50


Pair = tuple[PkiMessage, PkiMessage | None, list[Exchange], Exchange]


def _pairs(folder: Path) -> list[Pair]:
    """Give each request with its reply, the exchanges before it, and its own."""
    items = decoded(folder)
    return [
        (d.request, d.reply, [e.exchange for e in items[:n] if e.request is None], d.exchange)
        for n, d in enumerate(items)
        if d.request is not None
    ]


def test_there_are_messages() -> None:
    """The tests below would pass on none."""
    assert sum(len(_pairs(f)) for f in FOLDERS[:7]) >= 5
    assert sum(reply is not None for f in FOLDERS[:7] for _, reply, *_ in _pairs(f)) >= 4


def _again(given: str | bytes, pair: Pair, folder: Path) -> DecodedExchange:
    """Read one exchange, and decode it as the capture's: at its time, behind those that came before it."""
    (exchange,) = read_capture(given)
    held = materials(folder) if folder.is_relative_to(DATA) else NO_MATERIALS
    return decode_exchanges([*pair[2], replace(exchange, time=pair[3].time)], held)[-1]


def _facts(message: PkiMessage | None, folder: Path) -> dict[str, Any] | bytes | None:
    """Give what is compared: all facts, decrypted ones among them; of the many shared captures the octets."""
    if message is None:
        return None
    return message_facts(message) if folder.is_relative_to(DATA) else message.raw


@pytest.mark.parametrize("form", PAIRS)
def test_both_sides(form: str) -> None:
    """A request and its reply come out as from the capture, decrypted with the same keys."""
    for folder in FOLDERS:
        for pair in _pairs(folder):
            request, reply, *_ = pair
            if reply is not None:
                item = _again(PAIRS[form](request.raw, reply.raw), pair, folder)
                assert _facts(item.request, folder) == _facts(request, folder), folder.name
                assert _facts(item.reply, folder) == _facts(reply, folder), folder.name


# Forms that tell nothing of who sent it.
_BARE = ("base64", "PEM", "DER", "hex", "xxd", "C ", "Wireshark")


@pytest.mark.parametrize("form", REQUESTS)
def test_one_message(form: str) -> None:
    """A request alone, and a reply alone, come out as from the capture."""
    for folder in FOLDERS:
        for pair in _pairs(folder):
            request, reply, *_ = pair
            again = _again(REQUESTS[form](request.raw), pair, folder)
            assert _facts(again.request, folder) == _facts(request, folder), folder.name
            if reply is not None and form.startswith(_BARE):
                again = _again(REQUESTS[form](reply.raw), pair, folder)
                assert _facts(again.reply, folder) == _facts(reply, folder), folder.name


@pytest.mark.parametrize("name", _LOGS)
def test_a_log(name: str) -> None:
    """A line among others: the message, who asked, when, and the status."""
    caps = PATH.replace("PKIOperation", "GetCACaps")
    for folder in FOLDERS:
        for request, *_ in _pairs(folder):
            urls = ("/index.html?x=1", _url(request.raw), caps)
            one, two = read_capture("\n".join(_LOGS[name].format(url=u) for u in urls))
            assert parse_request(two.request).operation == "GetCACaps" if two.request else False
            assert parse_request(one.request).message == request.raw if one.request else False
            assert one.client == "192.0.2.3"
            assert one.time == datetime(2026, 11, 24, 8, 4, 11, tzinfo=UTC)
            assert one.reply is not None
            assert one.reply.status == 200
            assert one.request is not None
            assert one.request.target.startswith("/")
            assert one.problems == ()


def test_what_was_repaired_is_said() -> None:
    """Lost plus signs, lost padding, the other alphabet, double escapes: in the problems of the request."""
    (request, *_), *_ = _pairs(DATA / "specimen")
    text = _b64(request.raw)
    assert {"+", "/"} <= set(text)
    for given, code in (
        (quote(text, safe="+").replace("+", " "), "plus-lost"),
        (text.replace("+", " "), "plus-lost"),
        (quote(quote(text, safe=""), safe=""), "escaped-twice"),
        (base64.urlsafe_b64encode(request.raw).decode(), "url-alphabet"),
        (f"{text[:900]}*{text[900:]}", "not-base64"),
    ):
        (exchange,) = read_capture(given)
        of_operation = parse_request(exchange.request).problems if exchange.request else ()
        assert code in {p.code for p in (*exchange.problems, *of_operation)}, code


def test_a_log_line_that_was_cut() -> None:
    """HAProxy cuts lines at 1024 octets: that is said, and what to do."""
    (request, *_), *_ = _pairs(DATA / "specimen")
    (exchange,) = read_capture(_LOGS["HAProxy"].format(url=_url(request.raw))[:1024] + "\n")
    assert "len 8192" in str(exchange.problems[0])
    (exchange,) = read_capture(_LOGS["nginx, combined"].format(url=PATH).replace("GET", "POST"))
    assert "a POST, whose body no log has" in str(exchange.problems[0])


# --------------------------------------------------------------- a router's transcript, by content


def test_csr_signed_data_and_reply_are_told_apart() -> None:
    """Five dumps under headings that say nothing: CA certificates, a CSR, a request, its reply, a certificate."""
    csr, request, reply = scenes.csr(), scenes.request(), scenes.reply("2", fail="2")
    ca = certificate("ca")
    bundle = sceplab_degenerate([ca])
    text = "".join(
        f"*Nov 24 08:04:10.001: CRYPTO_PKI: dump {n}\n{_ios(d)}"
        for n, d in enumerate((bundle, csr, request, reply, ca))
    )
    certificates, alone, item, one = decode_exchanges(read_capture(text), Materials())
    assert [c.der for c in certificates.ca_certificates] == [ca] == [c.der for c in one.ca_certificates]
    assert alone.csr is not None
    assert alone.csr.challenge_password == "secret"
    assert item.request is not None
    assert item.request.raw == request
    assert item.reply is not None
    assert item.reply.raw == reply
    # The request is closed to who has no key; but the router printed the CSR that is in it.
    assert item.request.csr is None
    assert item.csr == alone.csr


def sceplab_degenerate(certificates: list[bytes]) -> bytes:
    """Give certificates as a GetCACert reply has them."""
    from sceplab.cms.signed import build_degenerate

    return build_degenerate(certificates)


def test_a_router_tells_the_challenge() -> None:
    """With the CSR of the transcript the wrong challenge is found without any key."""
    from sceplab.analysis.analyse import analyse

    text = "\n\n".join(
        map(
            _ios,
            (scenes.csr(challenge="cisco"), scenes.request(scenes.csr(challenge="cisco")), scenes.reply("2", fail="2")),
        )
    )
    text = text.replace("\n\n", "\n*Nov 24 08:04:10.001: CRYPTO_PKI: next\n")
    held = Materials(passwords=(b"secret",))
    first, *_ = analyse(decode_exchanges(read_capture(text), held), held).causes
    assert first.fault.id == "wrong-challenge"
    assert "cisco" not in first.evidence
    assert "5 characters" in first.evidence


# --------------------------------------------------------------- bad input


BAD: dict[str, tuple[str | bytes, str]] = {
    "nothing": (b"", "nothing in it"),
    "blanks": (b" \n\n", "nothing in it"),
    "a name that is no file": ("missing.pcap", "no such file"),
    "ZIP": (b"PK\x03\x04" + bytes(40), "ZIP archive: unpack"),
    "xz": (b"\xfd7zXZ\0" + bytes(40), "unxz"),
    "bzip2": (b"BZh91AY" + bytes(40), "bunzip2"),
    "zstd": (b"\x28\xb5\x2f\xfd" + bytes(40), "unzstd"),
    "snoop": (b"snoop\0\0\0" + bytes(40), "editcap"),
    "Network Monitor": (b"GMBU" + bytes(40), "editcap"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(40), "picture"),
    "a PDF": (b"%PDF-1.7", "PDF"),
    "TLS": (b"\x16\x03\x01\x02\x00" + bytes(40), "TLS record"),
    "a web page": (b"<!DOCTYPE html><html><body>login</body></html>", "web page"),
    "prose": (b"The router does not enroll, please help.", "text that starts with 'The router does "),
    "a binary file": (bytes(range(64)) * 8, "binary file that starts with 00 01 02"),
    "a private key": (
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "private key .* give it with --key",
    ),
    "an encrypted key": (b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n", "private key"),
    "a certificate": (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "give it with --cert"),
    "PEM of another kind": (b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", "PEM of type X509 CRL"),
    "JSON, no HAR": (b'{"a": 1}', "not a readable HAR"),
    "a damaged gzip": (b"\x1f\x8b" + bytes(40), "gzip data is damaged"),
    "base64 of something else": (base64.b64encode(b"hello, world. " * 9), "no format known"),
    "hex of something else": (b"68656c6c6f20776f726c64", "no format known|no plain HTTP|no TCP"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence(name: str) -> None:
    """What was found, and what to try; in one line, without the input's own control characters."""
    given, words = BAD[name]
    with pytest.raises(InputError, match=words) as raised:
        read_capture(given)
    text = str(raised.value)
    assert text.isprintable()
    assert len(text) < 300
