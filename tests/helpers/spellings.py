"""Messages in the formats that users have: each entry makes text or a file of a message, or of an exchange."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Callable
from urllib.parse import quote

from sceplab.scep.transport import DIALECTS, encode_message_value
from tests.helpers import packets
from tests.helpers.packets import Piece, answered, asked, conversation, frames

PATH = "/cgi-bin/pkiclient.exe?operation=PKIOperation"


def b64(data: bytes) -> str:
    """Return bytes as base64 in one line."""
    return base64.b64encode(data).decode()


def url_of(data: bytes) -> str:
    """Return the target of a GET request with a message."""
    return f"{PATH}&message={quote(b64(data), safe='')}"


def rows(data: bytes, form: Callable[[int, bytes], str], size: int = 16) -> str:
    """Return a dump with one line for each `size` bytes."""
    return "\n".join(form(i, data[i : i + size]) for i in range(0, len(data), size)) + "\n"


def characters(row: bytes) -> str:
    """Return the text column of a hex dump."""
    return "".join(chr(b) if 32 <= b < 127 else "." for b in row)


def ios_dump(data: bytes, stamp: str = "*Nov 24 08:04:11.123: ") -> str:
    """Return bytes as a router dumps them."""
    return rows(data, lambda _, row: f"{stamp}{row.hex(' ').upper()}")


def transcript(request: bytes, reply: bytes) -> str:
    """Return what a router prints with `debug crypto pki messages` and `transactions`."""
    return (
        "*Nov 24 08:04:10.001: CRYPTO_PKI: Sending CA Certificate Request: \n"
        "GET /cgi-bin/pkiclient.exe HTTP/1.0\n\n"
        "*Nov 24 08:04:10.100: PKI: PKCS#7 to be sent:\n"
        f"{ios_dump(request)}"
        "*Nov 24 08:04:11.800: CRYPTO_PKI: received msg of 3364 bytes\n"
        "*Nov 24 08:04:11.801: CRYPTO_PKI: HTTP response header:\n HTTP/1.1 200 OK\n"
        "*Nov 24 08:04:11.900: Received pki message:\n"
        f"{ios_dump(reply)}"
        "*Nov 24 08:04:12.000: CRYPTO_PKI: status = 100: certificate is granted\n"
    )


def _follow(data: bytes, indent: str) -> str:
    """Return one side of Wireshark's "Follow TCP Stream", shown as a hex dump."""
    return rows(data, lambda i, row: f"{indent}{i:08x}  {row[:8].hex(' ')}  {row[8:].hex(' ')}  {characters(row)}")


def har(request: bytes, reply: bytes) -> str:
    """Return a HAR file of one POST."""
    entry = {
        "startedDateTime": "2026-11-24T08:04:11.123Z",
        "time": 45.5,
        "request": {
            "method": "POST",
            "url": f"http://ca.example{PATH}",
            "postData": {"text": request.decode("latin-1")},
        },
        "response": {"status": 200, "content": {"text": b64(reply), "encoding": "base64"}},
    }
    return json.dumps({"log": {"entries": [entry]}})


def _segments(request: bytes, reply: bytes) -> list[packets.Tcp]:
    return conversation([Piece(True, asked(request)), Piece(False, answered(reply))])


# Formats with both request and reply.
PAIRS: dict[str, Callable[[bytes, bytes], str | bytes]] = {
    "pcap": lambda q, a: packets.pcap(frames(_segments(q, a))),
    "pcap, gzip": lambda q, a: gzip.compress(packets.pcap(frames(_segments(q, a)))),
    "pcapng": lambda q, a: packets.pcapng([(1, frames(_segments(q, a)))]),
    "pcap of Linux's `any`": lambda q, a: packets.pcap(frames(_segments(q, a), "cooked Linux 2 (SLL2)"), 276),
    "HAR": har,
    "HAR with a BOM": lambda q, a: b"\xef\xbb\xbf" + har(q, a).encode(),
    "HTTP of both sides": lambda q, a: asked(q) + answered(a),
    "router debug": transcript,
    "router debug without times": lambda q, a: f"request\n{ios_dump(q, '')}\nreply\n{ios_dump(a, '   ')}",
    "router debug in UTF-16": lambda q, a: transcript(q, a).encode("utf-16"),
    "Wireshark, followed, hex": lambda q, a: _follow(asked(q), "") + _follow(answered(a), "    "),
    "Wireshark, followed, C arrays": lambda q, a: "".join(
        f"char peer{n}_0[] = {{ /* Packet {n} */\n"
        + rows(d, lambda _, r: ", ".join(f"0x{b:02x}" for b in r) + ",", 8).rstrip(",\n")
        + " };\n"
        for n, d in ((0, asked(q)), (1, answered(a)))
    ),
    "two PEM blocks": lambda q, a: "".join(
        f"-----BEGIN CMS-----\n{base64.encodebytes(d).decode()}-----END CMS-----\n" for d in (q, a)
    ),
    "tcpdump -X, by hand": lambda q, a: "".join(
        "08:04:11.123456 IP 192.0.2.3.40001 > 192.0.2.1.8080: Flags [P.], length 0\n"
        + rows(packets.ip(s), lambda i, r: f"\t0x{i:04x}:  {r.hex(' ', 2):39}  {characters(r)}")
        for s in _segments(q, a)
    ),
}

# Formats with the request alone.
REQUESTS: dict[str, Callable[[bytes], str | bytes]] = {
    "URL": lambda q: f"http://ca.example{url_of(q)}",
    "URL in a ticket": lambda q: f"It asks <http://ca.example{url_of(q)}>, and then nothing.\nWhy?",
    "URL broken by mail": lambda q: (
        "> See\n> " + "\n> ".join(re.findall(".{1,72}", f"http://ca.example{url_of(q)}")) + "\n"
    ),
    "request line": lambda q: f"GET {url_of(q)} HTTP/1.0",
    "HTTP GET": lambda q: f"GET {url_of(q)} HTTP/1.0\r\nHost: ca\r\n\r\n".encode(),
    "HTTP GET without CR": lambda q: f"GET {url_of(q)} HTTP/1.0\nHost: ca\n",
    "HTTP POST": asked,
    "curl -v": lambda q: (
        f"*   Trying 192.0.2.1:80...\n* Connected\n> GET {url_of(q)} HTTP/1.1\n> Host: ca\n> \n< HTTP/1.1 500 No\n< \n"
    ),
    "value": lambda q: quote(b64(q), safe=""),
    "value with its name": lambda q: f"message={quote(b64(q), safe='')}",
    "value, escaped twice": lambda q: quote(quote(b64(q), safe=""), safe=""),
    "value, half escaped": lambda q: quote(b64(q), safe="+/"),
    **{
        f"value as {name} writes it": lambda q, d=dialect: encode_message_value(q, d)  # type: ignore[misc]
        for name, dialect in DIALECTS.items()
    },
    "base64": b64,
    "base64 in quotes": lambda q: f'"{b64(q)}"\n',
    "base64 in lines": base64.encodebytes,
    "base64 in lines of CR LF": lambda q: base64.encodebytes(q).replace(b"\n", b"\r\n"),
    "base64, URL-safe, no padding": lambda q: base64.urlsafe_b64encode(q).rstrip(b"="),
    "base64, + became a space": lambda q: b64(q).replace("+", " "),
    "base64, quoted in a mail": lambda q: "".join(f"> {x}\n" for x in base64.encodebytes(q).decode().splitlines()),
    "PEM": lambda q: b"-----BEGIN PKCS7-----\n" + base64.encodebytes(q) + b"-----END PKCS7-----\n",
    "DER": lambda q: q,
    "hex": lambda q: q.hex(),
    "hex, capitals, blanks": lambda q: q.hex(" ").upper(),
    "hex in lines": lambda q: rows(q, lambda _, r: r.hex(), 32),
    "hex with colons": lambda q: q.hex(":"),
    "hex with 0x": lambda q: "0x" + q.hex(),
    "C string": lambda q: rows(q, lambda _, r: '"' + "".join(f"\\x{b:02x}" for b in r) + '"'),
    "xxd": lambda q: rows(q, lambda i, r: f"{i:08x}: {r.hex(' ', 2):39}  {characters(r)}"),
    "hexdump -C": lambda q: rows(q, lambda i, r: f"{i:08x}  {r[:8].hex(' ')}  {r[8:].hex(' ')}  |{characters(r)}|"),
    "Wireshark, hex dump": lambda q: rows(q, lambda i, r: f"{i:04x}   {r.hex(' '):47}   {characters(r)}"),
    "IIS": lambda q: (
        "#Software: Microsoft Internet Information Services 10.0\n#Fields: date time s-ip cs-method cs-uri-stem "
        "cs-uri-query s-port c-ip cs(User-Agent) sc-status time-taken\n"
        f"2026-11-24 08:04:11 192.0.2.1 GET /certsrv/mscep/mscep.dll {url_of(q).partition('?')[2]} 80 192.0.2.3 - "
        "200 15\n"
    ),
}

LOGS: dict[str, str] = {
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
