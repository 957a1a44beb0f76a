"""Fragments of pasted text that are easily misread, and archives of other programs."""

from __future__ import annotations

import io
import zipfile

import pytest

from sceplab.analysis.analyse import analyse
from sceplab.capture import saz
from sceplab.capture.forms import read_octets
from sceplab.errors import InputError
from sceplab.scep.conversation import decode_exchanges
from sceplab.scep.transport import build_request
from tests.helpers import scenes as s


def _archive(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"raw/{name.lstrip('_')}.txt", data)
    return out.getvalue()


def _posted() -> bytes:
    message = s.request()
    target = build_request("PKIOperation", message=message, method="POST").target
    head = f"POST http://ca.example{target} HTTP/1.1\r\nHost: ca.example\r\nContent-Length: {len(message)}\r\n\r\n"
    return head.encode() + message


def test_fiddler_sessions_are_read() -> None:
    """Request and reply of a session are paired by number; a CONNECT is not a SCEP request."""
    data = _archive(
        _2_c=_posted(),
        _2_s=b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        _1_c=b"CONNECT ca.example:443 HTTP/1.1\r\n\r\n",
        _1_s=b"HTTP/1.1 200 OK\r\n\r\n",
    )
    capture = read_octets(data, "x.saz")
    (item,) = [d for d in decode_exchanges(capture) if d.request is not None]
    assert item.exchange.reply is not None
    assert item.exchange.reply.status == 403


def test_a_fiddler_archive_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive that is too large when unpacked, and a damaged one, raise InputError."""
    data = _archive(_1_c=_posted(), _2_c=_posted())
    monkeypatch.setattr(saz, "MAX_UNPACKED", len(_posted()) + 10)
    with pytest.raises(InputError, match="enormous"):
        read_octets(data, "x.saz")
    with pytest.raises(InputError, match="cannot be unpacked"):
        read_octets(data[:-30], "x.saz")


@pytest.mark.parametrize(
    ("data", "advice"),
    [
        (_archive().replace(b"PK\x05\x06", b"PK\x03\x04"), "unpack it"),
        (b"mitmproxy dump", "hardump"),
        (b"<?charles serialisation-version='2.0' ?>\n<session/>", "HAR"),
    ],
)
def test_errors_for_unsupported_exports_name_the_fix(data: bytes, advice: str) -> None:
    """Other ZIP archives, and the native formats of mitmproxy and Charles."""
    with pytest.raises(InputError, match=advice):
        read_octets(data, "x")


def test_headers_without_a_body_are_not_an_empty_reply() -> None:
    """A router log shows only HTTP headers, and the header of a pkiMessage reply does not answer GetCACert."""
    head = "Nov 24 09:12:24: CRYPTO_PKI: HTTP response header:\n HTTP/1.1 200 OK\nContent-Type: {}\n"
    asked = "Nov 24 09:12:20: CRYPTO_PKI: Sending:\nGET /scep?operation=GetCACert&message=LAB HTTP/1.0\nHost: ca\n"
    for kind in ("application/x-x509-ca-cert", "application/x-pki-message"):
        capture = read_octets((asked + head.format(kind)).encode(), "x")
        assert "ca-empty" not in {c.fault.id for c in analyse(decode_exchanges(capture), capture=capture).causes}
        answered = [e for e in capture if e.request is not None and e.reply is not None]
        assert bool(answered) == (kind != "application/x-pki-message")


def test_the_curl_command_is_not_a_second_request() -> None:
    """The command line and the request that curl printed give one exchange."""
    text = (
        "$ curl -sv 'http://ca.example/scep?operation=GetCACaps'\n> GET /scep?operation=GetCACaps HTTP/1.1\n"
        "> Host: ca.example\n> \n< HTTP/1.1 404 Not Found\n< Content-Length: 0\n< \n"
    )
    assert len(read_octets(text.encode(), "x")) == 1
