"""Passwords in URLs are masked wherever a URL is shown, no matter where it comes from."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from sceplab import cli
from sceplab.errors import MASK, InputError
from sceplab.lab.http import ClientError, http_sender
from sceplab.lab.server import Server
from sceplab.masking import without_passwords
from sceplab.report.escape import json_text, marked, safe, sarif_text, visible
from sceplab.scep.transport import DEFAULT_PATH, HttpReply, HttpRequest
from tests.helpers import packets, scenes
from tests.helpers.html import unpacked
from tests.helpers.packets import Piece

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://r3:hunter2@ca.example/scep", "http://r3:********@ca.example/scep"),
        ("see https://r3:hunter2@ca.example:8443, then", "see https://r3:********@ca.example:8443, then"),
        ("http://r3:hunter2@a/ and http://r3:hunter2@b/", "http://r3:********@a/ and http://r3:********@b/"),
        ("http://:hunter2@ca.example", "http://:********@ca.example"),
        ("http://r3:hun@ter2@ca.example/", "http://r3:********@ca.example/"),
        ("http://r3:hun/ter2@ca.example/", "http://r3:********@ca.example/"),
        ("http://r3:hun?ter2@ca.example/", "http://r3:********@ca.example/"),
        ('http://r3:hun"ter2@ca.example/', "http://r3:********@ca.example/"),
        ("http://r3:12345@ca.example/", "http://r3:********@ca.example/"),
        ("http://r3:12345x/y@ca.example/", "http://r3:********@ca.example/"),
        ("http://r3@ca.example/", "http://r3@ca.example/"),
        ("http://ca.example:8080/a@b", "http://ca.example:8080/a@b"),
        ('"http://ca.example:8080","a@b"', '"http://ca.example:8080","a@b"'),
        ("http://ca.example/a:b@c", "http://ca.example/a:b@c"),
        ("http://[2001:db8::1]:80/x", "http://[2001:db8::1]:80/x"),
        ("/scep?operation=GetCACaps&challenge=hunter2", "/scep?operation=GetCACaps&challenge=********"),
        ("/scep?Password=hunter2&x=1", "/scep?Password=********&x=1"),
        ("?token=hunter2#top", "?token=********"),
        ("?a=1&amp;challengePassword=hunter2 HTTP/1.1", "?a=1&amp;challengePassword=******** HTTP/1.1"),
        ("password=hunter2 is no URL", "password=hunter2 is no URL"),
        ("/scep?operation=PKIOperation&message=MIIB", "/scep?operation=PKIOperation&message=MIIB"),
    ],
)
def test_passwords_in_text_are_masked(text: str, shown: str) -> None:
    """User passwords and secret query fields are masked, nothing else. Masking twice changes nothing more."""
    assert without_passwords(text) == shown
    assert without_passwords(shown) == shown
    for escaped in (visible, safe, marked, sarif_text):
        assert escaped(text) == escaped(shown)
    assert json.loads(json_text({"a": [{text: text}], "b": (text, 1, None)})) == {
        "a": [{shown: shown}],
        "b": [shown, 1, None],
    }


@pytest.mark.parametrize("piece", ["://a:", "://a:b@", "?token=", "a", "://", "@", "x://a:1/"])
def test_long_texts_are_masked_in_one_pass(piece: str) -> None:
    """The text has megabytes without a space: with quadratic time this test would not end."""
    text = piece * 400_000
    assert without_passwords(f"{text} http://r3:hunter2@ca/ {text}").count(SECRET) == 0


URL = f"http://r3:{SECRET}@ca.example/scep"
QUERY = f"operation=PKIOperation&token={SECRET}"


def _files(folder: Path) -> dict[str, Path]:
    """Write a capture of each kind whose URLs have passwords."""
    message, refusal = scenes.request(), scenes.reply("2", fail="2")
    page = f"<a href='{URL}?{QUERY}'>go to {URL}?{QUERY}</a>".encode()
    entries = []
    for status, body in ((200, refusal), (302, page), (500, page)):
        posted = {"text": base64.b64encode(message).decode(), "encoding": "base64"}
        asked = {"method": "POST", "url": f"{URL}?{QUERY}", "headers": [], "postData": posted}
        content = {"text": base64.b64encode(body).decode(), "encoding": "base64", "mimeType": "text/html"}
        headers = [{"name": "Location", "value": f"{URL}?{QUERY}"}, {"name": "Server", "value": URL}]
        answer = {"status": status, "statusText": URL, "headers": headers, "content": content}
        entries.append({"startedDateTime": "2026-06-01T12:00:00Z", "request": asked, "response": answer})
    head = f"HTTP/1.1 302 Found\r\nLocation: {URL}?{QUERY}\r\nContent-Length: {len(page)}\r\n\r\n".encode()
    posted_head = f"POST {URL}?{QUERY} HTTP/1.1\r\nHost: ca\r\nReferer: {URL}\r\nContent-Length: {len(message)}\r\n\r\n"
    talk = [Piece(from_client=True, data=posted_head.encode() + message), Piece(from_client=False, data=head + page)]
    lines = [
        f'10.0.0.1 - - [01/Jun/2026:12:00:00 +0000] "GET {URL}?{QUERY} HTTP/1.1" 500 5 "{URL}?{QUERY}" "x"',
        f"403 Client Error: Forbidden for url: {URL}?{QUERY}",
        f"scepclient: cannot fetch {URL}?{QUERY}: connection refused, access is denied",
        f"something else about {URL}?{QUERY}",
    ]
    contents = {
        "a.har": json.dumps({"log": {"entries": entries}}).encode(),
        "a.pcap": packets.pcap(packets.frames(packets.conversation(talk))),
        "a.log": "\n".join(lines).encode(),
        "url.txt": f"GET {URL}?{QUERY}".encode(),
        "curl.txt": f"> GET {URL}?{QUERY} HTTP/1.1\n>\n< HTTP/1.1 302 Found\n< Location: {URL}\n<\n".encode(),
        "noise.txt": f"{URL}?{QUERY}".encode(),
    }
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    return {name: folder / name for name in contents}


COMMANDS = (
    ["decode"],
    ["decode", "--json"],
    ["decode", "--json", "--show-secrets"],
    ["lint", "--all"],
    ["lint", "--json"],
    ["lint", "--sarif"],
    ["diagnose", "--all"],
    ["diagnose", "--json"],
    ["diagnose", "--report", "OUT.md"],
    ["diagnose", "--report", "OUT.html"],
    ["inspect", "--force", "--html", "OUT.html"],
    ["walk", "--force", "--out", "OUT"],
    ["walk", "--force", "--json", "--out", "OUT"],
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_prints_a_password(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For captures, logs and exports: neither the terminal, JSON nor reports show the password."""
    seen = ""
    for name, path in _files(tmp_path).items():
        options = [str(tmp_path / f"{name}.{o}") if o.startswith("OUT") else o for o in command[1:]]
        cli.main([command[0], str(path), *options])
        seen += "".join(capsys.readouterr())
    for path in tmp_path.rglob("*.OUT*"):
        texts = [p.read_text("utf-8", "replace") for p in ([path] if path.is_file() else path.rglob("*.sh"))]
        seen += "".join([*texts, *(pack.decode("latin-1") for text in texts for pack in unpacked(text))])
    assert seen
    assert SECRET not in seen


def test_a_table_has_no_password(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table is made of all these files."""
    _files(tmp_path)
    out = tmp_path / "table.csv"
    assert cli.main(["table", str(tmp_path), "--pattern", "*.*", "--csv", str(out)]) == 0
    seen = out.read_text() + "".join(capsys.readouterr())
    assert "a.har" in seen
    assert SECRET not in seen


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"http://r3:{SECRET}@127.0.0.1:9/scep?token={SECRET}", "cannot be reached"),
        (f"ftp://r3:{SECRET}@ca.example/", "not the URL of a SCEP server"),
        (f"http://r3:{SECRET}/x@ca.example/", "not the URL of a SCEP server"),
        (f"http://r3:{SECRET}@ca.example:0/", "not the URL of a SCEP server"),
    ],
)
def test_client_errors_mask_passwords(url: str, words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """On the terminal, and in the exception that a notebook shows."""
    assert cli.main(["enroll", url, "--subject", "CN=R3", "--out", str(tmp_path), "--timeout", "2"]) != 0
    shown = "".join(capsys.readouterr())
    assert words in shown
    assert SECRET not in shown
    assert f"r3:{MASK}@" in shown
    with pytest.raises((ClientError, InputError), match=words) as raised:
        http_sender(url, timeout=2, retries=0)(HttpRequest("GET", f"{DEFAULT_PATH}?operation=GetCACaps"))
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("status", [302, 503])
def test_errors_about_a_reply_mask_passwords(status: int) -> None:
    """The server redirects to a URL with a password or answers 503. The client's own URL has one, too."""
    answer = HttpReply(status, (("Location", f"{URL}?{QUERY}"),), b"busy")
    with Server(lambda *_: answer) as server:
        url = server.url.replace("://", f"://r3:{SECRET}@")
        with pytest.raises(ClientError) as raised:
            http_sender(url, retries=0)(HttpRequest("GET", "/x?operation=GetCACaps"))
    assert SECRET not in str(raised.value)
    assert f"r3:{MASK}@" in str(raised.value)
