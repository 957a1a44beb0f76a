"""The messages of every capture decode to the same facts when they are written in any other input format."""

from __future__ import annotations

import base64
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
from sceplab.scep.transport import Exchange, parse_request
from tests.helpers import scenes
from tests.helpers.captures import DATA, capture_folders, certificate, decoded, materials
from tests.helpers.spellings import LOGS, PAIRS, PATH, REQUESTS, b64, ios_dump, url_of

FOLDERS = [DATA / "specimen", *capture_folders()]
assert len(PAIRS) + len(REQUESTS) + len(LOGS) >= 50


Pair = tuple[PkiMessage, PkiMessage | None, list[Exchange], Exchange]


def _pairs(folder: Path) -> list[Pair]:
    """Return each request with its reply, the exchanges before it and its own exchange."""
    items = decoded(folder)
    return [
        (d.request, d.reply, [e.exchange for e in items[:n] if e.request is None], d.exchange)
        for n, d in enumerate(items)
        if d.request is not None
    ]


def test_captures_contain_messages() -> None:
    """Guard: the tests below would pass without any messages."""
    assert sum(len(_pairs(f)) for f in FOLDERS[:7]) >= 5
    assert sum(reply is not None for f in FOLDERS[:7] for _, reply, *_ in _pairs(f)) >= 4


def _again(given: str | bytes, pair: Pair, folder: Path) -> DecodedExchange:
    """Read one exchange and decode it like the one in the capture: same time, same exchanges before it."""
    (exchange,) = read_capture(given)
    held = materials(folder) if folder.is_relative_to(DATA) else NO_MATERIALS
    return decode_exchanges([*pair[2], replace(exchange, time=pair[3].time)], held)[-1]


def _facts(message: PkiMessage | None, folder: Path) -> dict[str, Any] | bytes | None:
    """Return what is compared: all facts, also decrypted ones; for the many shared captures only the bytes."""
    if message is None:
        return None
    return message_facts(message) if folder.is_relative_to(DATA) else message.raw


@pytest.mark.parametrize("form", PAIRS)
def test_request_and_reply_in_any_format(form: str) -> None:
    """A request and its reply decode as they do from the capture, with the same keys."""
    for folder in FOLDERS:
        for pair in _pairs(folder):
            request, reply, *_ = pair
            if reply is not None:
                item = _again(PAIRS[form](request.raw, reply.raw), pair, folder)
                assert _facts(item.request, folder) == _facts(request, folder), folder.name
                assert _facts(item.reply, folder) == _facts(reply, folder), folder.name


# Forms that do not show the direction of the message.
_BARE = ("base64", "PEM", "DER", "hex", "xxd", "C ", "Wireshark")


@pytest.mark.parametrize("form", REQUESTS)
def test_single_message_in_any_format(form: str) -> None:
    """A single request and a single reply decode as they do from the capture."""
    for folder in FOLDERS:
        for pair in _pairs(folder):
            request, reply, *_ = pair
            again = _again(REQUESTS[form](request.raw), pair, folder)
            assert _facts(again.request, folder) == _facts(request, folder), folder.name
            if reply is not None and form.startswith(_BARE):
                again = _again(REQUESTS[form](reply.raw), pair, folder)
                assert _facts(again.reply, folder) == _facts(reply, folder), folder.name


@pytest.mark.parametrize("name", LOGS)
def test_request_in_any_log_format(name: str) -> None:
    """A log line among others gives the message, the client, the time and the status."""
    caps = PATH.replace("PKIOperation", "GetCACaps")
    for folder in FOLDERS:
        for request, *_ in _pairs(folder):
            urls = ("/index.html?x=1", url_of(request.raw), caps)
            one, two = read_capture("\n".join(LOGS[name].format(url=u) for u in urls))
            assert parse_request(two.request).operation == "GetCACaps" if two.request else False
            assert parse_request(one.request).message == request.raw if one.request else False
            assert one.client == "192.0.2.3"
            assert one.time == datetime(2026, 11, 24, 8, 4, 11, tzinfo=UTC)
            assert one.reply is not None
            assert one.reply.status == 200
            assert one.request is not None
            assert one.request.target.startswith("/")
            assert one.problems == ()


def test_repairs_are_reported_as_problems() -> None:
    """Lost plus signs, double escapes, the URL-safe alphabet and foreign characters are listed as problems."""
    (request, *_), *_ = _pairs(DATA / "specimen")
    text = b64(request.raw)
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


def test_truncated_log_lines_and_posts_in_logs_are_reported() -> None:
    """HAProxy cuts lines at 1024 bytes; the problem names the setting that helps."""
    (request, *_), *_ = _pairs(DATA / "specimen")
    (exchange,) = read_capture(LOGS["HAProxy"].format(url=url_of(request.raw))[:1024] + "\n")
    assert "len 8192" in str(exchange.problems[0])
    (exchange,) = read_capture(LOGS["nginx, combined"].format(url=PATH).replace("GET", "POST"))
    assert "a POST, whose body no log has" in str(exchange.problems[0])


# --------------------------------------------------------------- router transcripts


def test_dumps_are_recognised_by_content() -> None:
    """Five dumps with meaningless headings: CA certificates, a CSR, a request, its reply, a certificate."""
    csr, request, reply = scenes.csr(), scenes.request(), scenes.reply("2", fail="2")
    ca = certificate("ca")
    bundle = sceplab_degenerate([ca])
    text = "".join(
        f"*Nov 24 08:04:10.001: CRYPTO_PKI: dump {n}\n{ios_dump(d)}"
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
    # The request cannot be decrypted without a key, but the router printed the CSR inside it.
    assert item.request.csr is None
    assert item.csr == alone.csr


def sceplab_degenerate(certificates: list[bytes]) -> bytes:
    """Return a degenerate SignedData with certificates, as in a GetCACert reply."""
    from sceplab.cms.signed import build_degenerate

    return build_degenerate(certificates)


def test_a_router_transcript_shows_the_challenge() -> None:
    """The CSR in the transcript shows the wrong challenge without any key."""
    from sceplab.analysis.analyse import analyse

    text = "\n\n".join(
        map(
            ios_dump,
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
    "a binary file with words of ours": (b"\x9cR\xe5: CA [3] RA = \xb1\xe9\xf0\xc3 cert\n" * 9, "no format known"),
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
def test_bad_input_is_one_error_sentence(name: str) -> None:
    """The error names what was found and what to try, in one short line without control characters of the input."""
    given, words = BAD[name]
    with pytest.raises(InputError, match=words) as raised:
        read_capture(given)
    text = str(raised.value)
    assert text.isprintable()
    assert len(text) < 300
