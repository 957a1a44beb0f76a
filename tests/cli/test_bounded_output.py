"""Output for people stays small, however large a message or capture is, and says what it left out.

JSON and SARIF are complete: their size is at most a multiple of the size of the input.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import sceplab
from sceplab import cli
from sceplab.asn1 import der, oids
from sceplab.cli.terminal import warn
from sceplab.cms.signed import serialize_signed
from sceplab.errors import Layer, Problem, counted
from sceplab.report.bounds import LISTED, LONGEST, cut, listed
from sceplab.report.ladder import DRAWN, lay_out
from sceplab.scep.conversation import decode_exchanges
from sceplab.schema.layers import layers_of
from sceplab.views.inspector import findings_html
from sceplab.views.ladder import ladder_html
from sceplab.views.page import ROOM_IN_REPORT
from sceplab.views.still import still_html, still_text
from tests.helpers import forge, scenes
from tests.helpers.captures import DATA

MANY = 4_000
LONG = 300_000
_LARGEST = 200_000
"""Upper limit for any output for people, in characters."""
_MULTIPLE = 150
"""Characters of JSON per byte of input: an empty element has 2 bytes and becomes an entry with names and digests."""


def _text(value: str) -> bytes:
    return der.encode(der.PRINTABLE_STRING, value.encode())


def _attributes(number: int = MANY) -> tuple[bytes, ...]:
    return tuple(forge.attribute(f"1.2.3.{n}", _text(f"value {n}")) for n in range(number))


def _certificates(number: int) -> tuple[bytes, ...]:
    leaf = forge.octets(forge.leaf())
    return tuple(leaf[:-3] + n.to_bytes(3, "big") for n in range(number))


def _signed(*more: bytes) -> bytes:
    return forge.message(replace(forge.good(), attributes=(*forge.ATTRIBUTES, *more)).info())


def _envelope(*recipients: bytes) -> bytes:
    """Return a request with these RecipientInfos; without any, with many that differ in the serial number."""
    message = sceplab.parse_signed(scenes.request())
    envelope = der.read(message.content or b"").children()[1].children()[0].children()
    own = der.read(envelope[1].children()[0].raw).children()
    issuer = own[1].children()[0].raw
    names = (der.sequence(issuer, der.integer(n)) for n in range(MANY))
    many = [der.sequence(own[0].raw, name, *(e.raw for e in own[2:])) for name in names]
    body = der.sequence(envelope[0].raw, der.encode(der.SET, *(recipients or many)), *(e.raw for e in envelope[2:]))
    content = der.sequence(der.oid(oids.ENVELOPED_DATA), der.context(0, body))
    return serialize_signed(replace(message, content=content))


def _csr(*attributes: bytes, subject: bytes = b"") -> bytes:
    """Return a request with an unsigned CSR."""
    key = sceplab.parse_csr(scenes.csr()).public_key_info
    info = der.sequence(der.integer(0), subject or _name(1), key, der.encode(0xA0, *attributes))
    algorithm = der.sequence(der.oid(oids.SHA256_WITH_RSA), der.NULL_ELEMENT)
    return scenes.request(der.sequence(info, algorithm, der.encode(der.BIT_STRING, bytes(257))))


def _name(number: int, size: int = 5) -> bytes:
    value = "x" * size
    rdns = (der.encode(der.SET, der.sequence(der.oid(oids.COMMON_NAME), _text(f"{value}{n}"))) for n in range(number))
    return der.sequence(*rdns)


def _extensions(*extensions: bytes) -> bytes:
    return forge.attribute(oids.EXTENSION_REQUEST, der.sequence(*extensions))


def _extension(oid: str, value: bytes) -> bytes:
    return der.sequence(der.oid(oid), der.encode(der.OCTET_STRING, value))


def _names() -> bytes:
    return der.sequence(*(der.encode(0x82, f"h{n}.example".encode()) for n in range(MANY)))


def _har(number: int, operation: str, answer: Callable[[int], str], status: int = 500) -> bytes:
    """Return a HAR file with `number` exchanges, each with another server and another reply."""
    entries = []
    for n in range(number):
        url = f"http://h{n}.example/scep?operation={operation}"
        body = {"text": base64.b64encode(b"0\x03\x02\x01\x01").decode(), "encoding": "base64"}
        reply = {"status": status, "statusText": f"no {n}", "headers": []}
        content = {"content": {"text": answer(n), "mimeType": "text/plain"}}
        asked = {"method": "POST", "url": url, "headers": [], "postData": body}
        entries.append({"startedDateTime": "2026-06-01T12:00:00Z", "request": asked, "response": reply | content})
    return json.dumps({"log": {"entries": entries}}).encode()


def _lines(form: str, number: int = MANY) -> bytes:
    return "\n".join(form.format(n=n) for n in range(number)).encode()


_LOG = '{n} - - [01/Jun/2026:12:00:00 +0000] "GET /scep?operation=PKIOperation&message=MAMCAQE={n} HTTP/1.1" 500 5'
_UNREAD = (
    "%PKI-6-CERTREJECT: {n}\n-----BEGIN CERTIFICATE-----\nMII{n}\n-----END CERTIFICATE-----\nGET /x?operation=GetCACaps"
)
MESSAGES: dict[str, Callable[[], bytes]] = {
    "unreadable signers": lambda: forge.message(*[b"\x30\x00"] * MANY),
    "signers": lambda: forge.message(*[forge.good().info()] * 500),
    "certificates": lambda: forge.message(forge.good().info(), certificates=_certificates(MANY // 4)),
    "CRLs": lambda: forge.message(forge.good().info(), crls=(forge.crl(),) * (MANY // 4)),
    "attributes": lambda: _signed(*_attributes()),
    "unreadable attributes": lambda: _signed(*[b"\x30\x00"] * MANY),
    "one attribute, again and again": lambda: _signed(*forge.ATTRIBUTES[-1:] * MANY),
    "values of an attribute": lambda: _signed(forge.attribute("1.2.3", *(_text(f"value {n}") for n in range(MANY)))),
    "a truncated message": lambda: _signed(*_attributes())[:-100],
    "truncated, with many signers": lambda: forge.message(*[forge.good().info()] * 500)[:-100],
    "recipients": _envelope,
    "unreadable recipients": lambda: _envelope(*[b"\x30\x00"] * MANY),
    "attributes of a CSR": lambda: _csr(*_attributes()),
    "unreadable attributes of a CSR": lambda: _csr(*[b"\x30\x00"] * MANY),
    "extensions of a CSR": lambda: _csr(_extensions(*(_extension(f"1.2.3.{n}", b"\5\0") for n in range(MANY)))),
    "names of a CSR": lambda: _csr(_extensions(_extension(oids.SUBJECT_ALT_NAME, _names()))),
    "RDNs": lambda: _csr(subject=_name(MANY // 2)),
    "issued certificates": lambda: scenes.reply(issued=_certificates(MANY // 4)),
    "unreadable issued certificates": lambda: scenes.reply(issued=[b"\x30\x00"] * MANY),
    "a long transactionID": lambda: scenes.request(transaction="x" * LONG),
    "a long nonce": lambda: scenes.request(nonce=bytes(LONG)),
    "a long messageType": lambda: scenes.request(message_type="1" * LONG),
    "a long failInfoText": lambda: scenes.reply("2", fail="2", text="word " * (LONG // 5)),
    "a long subject": lambda: _csr(subject=_name(1, LONG)),
    "a long challengePassword": lambda: _csr(forge.attribute(oids.CHALLENGE_PASSWORD, _text("x" * LONG))),
}
CAPTURES: dict[str, Callable[[], bytes]] = {
    "enrollments and causes": lambda: _har(400, "PKIOperation", lambda n: f"access is denied {n}"),
    "capabilities": lambda: _har(1, "GetCACaps", lambda _: "\n".join(f"Word{n}" for n in range(MANY)), 200),
    "a long body": lambda: _har(1, "PKIOperation", lambda _: "access is denied " * (LONG // 17)),
    "clients in a log": lambda: _lines(_LOG, 600),
    "words in a log": lambda: _lines("scepclient[1]: transaction {n} failed: access is denied {n}", 1_000),
    "parts that are not read": lambda: _lines(_UNREAD, 400),
    "a long line": lambda: b"sscep: reason: " + b"Transaction not permitted or supported " * (LONG // 40),
    "PEM blocks": lambda: b"-----BEGIN PKCS7-----\nMAMCAQE=\n-----END PKCS7-----\n" * 400,
}
BOUNDED = ("lint", "diagnose", "walk", "decode --show-secrets")
WHOLE = ("decode --json", "lint --json", "lint --sarif", "diagnose --json")


def _outputs(data: bytes, folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, int], dict[str, int]]:
    """Return the sizes of the outputs for people, and of those for programs."""
    small: dict[str, int] = {}
    whole: dict[str, int] = {}
    path = folder / "input"
    path.write_bytes(data)
    own = ["--key", str(DATA / "specimen/ca.key.pem"), "--key", str(DATA / "specimen/r3.key.pem")]
    for command in (*BOUNDED, *WHOLE):
        name, *options = command.split()
        more = ["--out", str(folder / "out"), "--force"] if name == "walk" else []
        cli.main([name, str(path), *own, *options, *more])
        (small if command in BOUNDED else whole)[command] = len("".join(capsys.readouterr()))
    for kind in ("md", "html"):
        report = folder / f"report.{kind}"
        cli.main(["diagnose", str(path), *own, "--report", str(report)])
        capsys.readouterr()
        small[kind] = len(report.read_text()) - (ROOM_IN_REPORT if kind == "html" else 0)
    return small, whole


@pytest.mark.parametrize("name", MESSAGES)
def test_output_for_a_huge_message_is_bounded(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every command, report and static view."""
    data = MESSAGES[name]()
    small, whole = _outputs(data, tmp_path, capsys)
    layers = layers_of(sceplab.decode_message(data, keys=scenes.materials().keys))
    small |= {"still": len(still_text(layers)), "still HTML": len(still_html(layers, 3))}
    assert {k: v for k, v in small.items() if v > _LARGEST} == {}
    assert {k: v for k, v in whole.items() if v > _MULTIPLE * len(data) + 20_000} == {}


@pytest.mark.parametrize("name", CAPTURES)
def test_output_for_a_huge_capture_is_bounded(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only `decode` prints something for each exchange, since that is its purpose."""
    data = CAPTURES[name]()
    small, whole = _outputs(data, tmp_path, capsys)
    decoded = small.pop("decode --show-secrets")
    assert {k: v for k, v in small.items() if v > _LARGEST} == {}
    assert {k: v for k, v in (whole | {"decode": decoded}).items() if v > _MULTIPLE * len(data) + 20_000} == {}


def test_the_views_of_many_exchanges_are_bounded() -> None:
    """Regression: the ladder was as wide as the number of clients, and every finding of one exchange was listed."""
    asked = scenes.sent("/scep?operation=Get")
    items = decode_exchanges([replace(asked, client=f"10.0.{n // 256}.{n % 256}:1") for n in range(2_000)])
    html = ladder_html(lay_out(items))
    assert f"{2 * len(items) - DRAWN:,} more messages" in html
    assert len(html) < _LARGEST
    few = ladder_html(lay_out(items[:3]))
    assert "more" not in few
    assert "10.0.0.2" in few
    words = scenes.caps("\n".join(f"Word{n}" for n in range(MANY)))
    analysis = sceplab.analyse(decode_exchanges([words]))
    assert len(findings_html(analysis, 0)) < _LARGEST


def test_a_list_says_how_much_was_left_out() -> None:
    """A list that is complete says nothing."""
    assert list(listed(["  a", "  b"], "letters", 2)) == ["  a", "  b"]
    assert list(listed(map("  {}".format, range(1_003)), "numbers", 2)) == [
        "  0",
        "  1",
        "  ... and 1,001 more numbers",
    ]
    assert len(list(listed(map(str, range(MANY)), "numbers"))) == LISTED + 1


def test_a_long_line_says_how_much_was_left_out() -> None:
    """A password is not cut in two, since the halves would no longer be masked."""
    assert cut("x" * LONGEST) == "x" * LONGEST
    assert cut("x" * 1_234) == f"{'x' * LONGEST} ... 234 more characters"
    text = cut("x" * (LONGEST - 15) + " http://r3:hunter2@ca.example/")
    assert "hunt" not in text


def test_problems_of_one_kind_are_counted() -> None:
    """The first ones are shown with the number of the others; problems of other kinds stay visible."""
    many = [Problem(Layer.SIGNED, "signer-info", "a SignerInfo", f"number {n}", n) for n in range(1_000)]
    other = Problem(Layer.SIGNED, "field", "crls", "tag a3")
    kept = counted([*many, other])
    assert kept[:50] == tuple(many[:50])
    assert kept[50] == other
    assert str(kept[51]) == "SignedData: expected a SignerInfo, found 950 more like it"
    assert counted([*many[:50], other]) == (*many[:50], other)


def test_a_long_error_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard error may contain a server's reply, so it is limited too."""
    warn("sceplab: the server says " + "x" * LONG)
    assert len(capsys.readouterr().err) < 5_000
