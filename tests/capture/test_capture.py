"""A message gives the same bytes from every input form: captures, logs, URLs, dumps, encodings."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sceplab.capture import har, read_capture
from sceplab.capture.forms import read_octets, read_text
from sceplab.capture.hexdump import read_hex
from sceplab.errors import InputError
from sceplab.scep.capabilities import build_caps, parse_caps
from sceplab.scep.conversation import decode_exchanges
from tests.helpers.captures import DATA, decoded, messages, needs

CAPTURE = DATA / "specimen" / "capture.pcap"


def _request() -> bytes:
    return messages(DATA / "specimen")[0].raw


def _reply() -> bytes:
    return messages(DATA / "specimen")[1].raw


def _target() -> str:
    (item,) = decoded(DATA / "specimen")
    assert item.exchange.request is not None
    return item.exchange.request.target


def _base64() -> str:
    return base64.b64encode(_request()).decode()


def _lines(hex_text: str, width: int) -> str:
    return "\n".join(hex_text[i : i + width] for i in range(0, len(hex_text), width))


def _xxd(data: bytes) -> str:
    rows = []
    for i in range(0, len(data), 16):
        row = data[i : i + 16]
        text = "".join(chr(b) if 32 <= b < 127 else "." for b in row)
        rows.append(f"{i:08x}: {row.hex(' ', 2):39}  {text}")
    return "\n".join(rows)


def _ios(data: bytes) -> str:
    """Write bytes as a router prints them with `debug crypto pki messages`, with a time before every line."""
    rows = [data[i : i + 16].hex(" ").upper() for i in range(0, len(data), 16)]
    return "\n".join(f"*Nov 24 08:04:11.123: {r}" for r in rows)


def _har(body: bytes) -> str:
    headers = [{"name": "Host", "value": "r1.example"}]
    reply = {
        "status": 200,
        "statusText": "OK",
        "headers": [],
        "content": {"text": base64.b64encode(_reply()).decode(), "encoding": "base64"},
    }
    posted = {"text": base64.b64encode(body).decode(), "encoding": "base64"}
    url = "http://r1.example/scep?operation=PKIOperation"
    entry = {
        "startedDateTime": "2026-11-24T08:04:11Z",
        "request": {"method": "POST", "url": url, "headers": headers, "postData": posted},
        "response": reply,
    }
    return json.dumps({"log": {"version": "1.2", "entries": [entry]}})


FORMS: dict[str, Callable[[], str | bytes]] = {
    "pcap": CAPTURE.read_bytes,
    "pcap, gzip": lambda: gzip.compress(CAPTURE.read_bytes()),
    "URL": lambda: f"http://r1.example{_target()}",
    "request line": lambda: f"GET {_target()} HTTP/1.0",
    "HTTP GET": lambda: b"GET %s HTTP/1.0\r\nHost: r1\r\n\r\n" % _target().encode(),
    "HTTP POST": lambda: (
        b"POST /scep?operation=PKIOperation HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(_request()) + _request()
    ),
    "access log": lambda: (
        f'192.0.2.2 - - [24/Nov/2026:08:04:11 +0000] "GET {_target()} HTTP/1.0" 200 3355 "-" "Cisco PKI"\n'
    ),
    "log of key=value": lambda: f'time="2026" level=info method=GET path="{_target()}" status=200\n',
    "HAR": lambda: _har(_request()),
    "value": lambda: _target().partition("message=")[2],
    "base64": _base64,
    "base64 in lines": lambda: base64.encodebytes(_request()),
    "base64, URL-safe": lambda: base64.urlsafe_b64encode(_request()),
    "base64 with its + lost": lambda: _base64().replace("+", " "),
    "PEM": lambda: b"-----BEGIN PKCS7-----\n" + base64.encodebytes(_request()) + b"-----END PKCS7-----\n",
    "DER": _request,
    "hex": lambda: _request().hex(),
    "hex in lines": lambda: _lines(_request().hex(" "), 48),
    "hex with colons": lambda: _request().hex(":"),
    "C array": lambda: ", ".join(f"0x{b:02x}" for b in _request()),
    "xxd": lambda: _xxd(_request()),
    "router debug": lambda: (
        f"*Nov 24 08:04:10.001: CRYPTO_PKI: sending\n{_ios(_request())}\n*Nov 24 08:04:12.000: done\n"
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_message(name: str) -> None:
    """Each form is read as text and as the bytes of a file."""
    form = FORMS[name]()
    octets = form.encode() if isinstance(form, str) else form
    for given_form in (form, octets):
        found = [d.request.raw for d in decode_exchanges(read_capture(given_form)) if d.request is not None]
        assert [_request()] == found


def test_router_debug_with_several_dumps() -> None:
    """A transcript with two dumps gives the request and its reply."""
    text = f"{_ios(_request())}\n*Nov 24 08:04:12.000: CRYPTO_PKI: received:\n{_ios(_reply())}\n"
    (item,) = decode_exchanges(read_capture(text))
    assert item.request is not None
    assert _request() == item.request.raw
    assert item.reply is not None
    assert _reply() == item.reply.raw


PROGRAMS = {
    "xxd": (["xxd", "{message}"], False),
    "hexdump -C": (["hexdump", "-C", "-v", "{message}"], False),
    "od": (["od", "-A", "x", "-t", "x1z", "-v", "{message}"], False),
    "tcpdump -X": (["tcpdump", "-r", "{capture}", "-X"], True),
    "tcpdump -XX": (["tcpdump", "-r", "{capture}", "-XX"], True),
    "tshark -x": (["tshark", "-r", "{capture}", "-x"], True),
}


@pytest.mark.parametrize(
    ("command", "packets"), [pytest.param(*p, marks=needs(p[0][0]), id=name) for name, p in PROGRAMS.items()]
)
def test_dumps_as_programs_write_them(command: list[str], tmp_path: Path, *, packets: bool) -> None:
    """The output of the real programs for the message, or for all packets, is read."""
    (tmp_path / "message").write_bytes(_request())
    places = {"message": str(tmp_path / "message"), "capture": str(CAPTURE)}
    done = subprocess.run([c.format(**places) for c in command], capture_output=True, check=True)
    (item,) = decode_exchanges(read_capture(done.stdout))
    assert item.request is not None
    assert _request() == item.request.raw
    if packets:
        assert item.reply is not None
        assert _reply() == item.reply.raw


def test_a_long_line_that_is_almost_hex_is_read_quickly() -> None:
    """Found by fuzzing: backtracking doubled the time with every byte."""
    for tail in ("{", " {", ": ,"):
        assert read_hex("88" * 1_000_000 + tail) == []
        (dump,) = read_hex("0000  " + "88 " * 1_000_000 + tail)
        assert dump.octets == b"\x88" * 16
    assert read_hex(" " * 1_000_000) == []


@pytest.mark.parametrize("name", [name for name in FORMS if "pcap" not in name])
def test_claimed_spans_contain_the_message(name: str) -> None:
    """The claimed spans contain the whole message and no text around it."""
    form = FORMS[name]()
    octets = form.encode() if isinstance(form, str) else form
    claims = read_text(octets, "")[1]
    assert all(0 <= start < end <= len(octets) for start, end in claims)
    assert sorted(claims) == list(claims)
    claimed = b"".join(octets[start:end] for start, end in claims)
    found = [d.request.raw for d in decode_exchanges(read_octets(claimed, "")) if d.request is not None]
    assert found == [_request()]
    assert b"CRYPTO_PKI" not in claimed


def test_claims_count_bytes() -> None:
    """Spans are in bytes, not characters, when the text is not ASCII."""
    text = f"Grüße\n{_url('a')} – und\n{_url('b')} …\n".encode()
    first, second = read_text(text, "")[1]
    assert [text[slice(*span)].decode() for span in (first, second)] == [_url("a"), _url("b")]


def _url(host: str) -> str:
    return f"http://{host}.example/scep?operation=GetCACaps"


@given(st.text(max_size=300))
def test_any_text_can_be_searched_for_hex(text: str) -> None:
    """Arbitrary text raises no error and gives no more bytes than it has characters."""
    assert sum(len(dump.octets) for dump in read_hex(text)) <= len(text)


@pytest.mark.parametrize("bad", [b"{", b"{}", b'{"log": 1}', b'{"log": {"entries": [1]}}', b'{"a":' * 100_000])
def test_an_invalid_har_file_is_one_error(bad: bytes) -> None:
    """Empty, malformed and deeply nested JSON."""
    with pytest.raises(InputError, match="HAR"):
        har.read(bad, "")


@given(st.lists(st.from_regex(r"[A-Za-z0-9-]{1,20}", fullmatch=True)))
def test_capabilities_round_trip(words: list[str]) -> None:
    """The GetCACaps body is read as it was built, with LF and with CR LF."""
    body = build_caps(words)
    assert tuple(words) == parse_caps(body) == parse_caps(body.replace(b"\n", b"\r\n"))
