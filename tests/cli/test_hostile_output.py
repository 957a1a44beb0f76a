"""Untrusted text never controls a terminal or adds markup, in any command and any kind of output."""

from __future__ import annotations

import ast
import base64
import contextlib
import io
import json
import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from sceplab import cli
from sceplab.cli.lab import start
from sceplab.lab.ca import CertificationAuthority
from sceplab.lab.http import ClientError
from sceplab.lab.responder import Decision
from sceplab.report.escape import json_text, marked, paragraph, sarif_text, visible
from sceplab.scep.transport import HttpReply, HttpRequest
from tests.helpers import packets, scenes
from tests.helpers.captures import DATA, ROOT, certificate, key
from tests.helpers.certificates import make_certificate
from tests.helpers.html import assert_harmless, still_part
from tests.helpers.labs import authority
from tests.helpers.packets import Piece, asked

# Title and colour sequences in 7 and 8 bits, DEL, NEL, overrides, isolates, separators, unusual spaces.
EVIL = "\x1b]0;pwned\x07\x1b[2J\x9b31m\x7f\x85\u202e\u2066\u200f\u2028\u2029\u00a0\ufeff\r\n\b"
MARKUP = (
    "[x](http://evil.example) ![x](//evil.example/x) <img src=x onerror=alert(1)> <http://evil.example> `c` **b** |"
)
WORDS = f"{EVIL}{MARKUP}"
ASCII = WORDS.encode("ascii", "ignore").decode()
SPECIMEN = DATA / "specimen"
KEYS = ["--key", str(SPECIMEN / "ca.key.pem"), "--key", str(SPECIMEN / "r3.key.pem")]
KEYS += ["--cert", str(SPECIMEN / "ca.pem"), "--password", EVIL]


def _har(entries: list[tuple[str, bytes, int, str, str, bytes]]) -> bytes:
    """Return a HAR file; each entry is (method, body, status, reason, content type, body of the reply)."""
    made = []
    for method, body, status, reason, kind, answer in entries:
        target = f"http://{WORDS}.example/scep?operation=PKIOperation"
        asked_for: dict[str, Any] = {"method": method, "url": target, "headers": [{"name": WORDS, "value": WORDS}]}
        if body:
            asked_for["postData"] = {"text": base64.b64encode(body).decode(), "encoding": "base64"}
        content = {"text": base64.b64encode(answer).decode(), "encoding": "base64", "mimeType": kind}
        headers = [{"name": "Content-Type", "value": kind}, {"name": "Server", "value": WORDS}]
        answered = {"status": status, "statusText": reason, "headers": headers, "content": content}
        made.append({"startedDateTime": "2026-06-01T12:00:00Z", "request": asked_for, "response": answered})
    return json.dumps({"log": {"entries": made}}).encode()


def _request() -> bytes:
    subject = WORDS.encode()[:60].decode("utf-8", "ignore")
    own = make_certificate(subject, key("r3"))
    return scenes.request(scenes.csr(challenge=None), transaction=ASCII, signer=own)


def _files(folder: Path) -> Iterator[Path]:
    """Write hostile inputs of every kind, under hostile file names."""
    folder.mkdir()
    refusal = scenes.reply("2", fail="2", text=WORDS, transaction=ASCII)
    page = f"<html><title>{WORDS}</title>{WORDS} 0x80094004 access is denied</html>".encode()
    har = _har(
        [
            ("POST", _request(), 200, WORDS, "application/x-pki-message", refusal),
            ("POST", _request(), 500, WORDS, f"text/html; {WORDS}", page),
            (WORDS, b"", 200, WORDS, WORDS, page),
        ]
    )
    head = f"HTTP/1.1 403 {MARKUP}\r\nServer: {MARKUP}\r\nContent-Length: {len(page)}\r\n\r\n".encode()
    talk = [Piece(from_client=True, data=asked(_request())), Piece(from_client=False, data=head + page)]
    lines = [
        f"Jun  1 12:00:00 host scepclient[1]: transaction {WORDS} failed: {MARKUP}",
        f'10.0.0.1 - - [01/Jun/2026:12:00:00 +0000] "GET /{EVIL}?operation=PKIOperation&message={EVIL} HTTP/1.1" 500 5',
        f"sscep: reason: Transaction not permitted or supported {WORDS}",
        f"%PKI-6-CERTREJECT: {WORDS}",
    ]
    contents = {
        "evil.har": har,
        "evil.pcap": packets.pcap(packets.frames(packets.conversation(talk))),
        "evil.log": "\n".join(line.replace("\r\n", "") for line in lines).encode("utf-8", "surrogateescape") + b"\xff",
        "evil.der": _request(),
        "refusal.der": refusal,
        "noise.txt": WORDS.encode() + b"\xff\xfe",
    }
    for name, data in contents.items():
        path = folder / os.fsdecode(
            f"{EVIL.replace(chr(13) + chr(10), '')}[x](y)<b>{name}".encode().replace(b"x", b"\xff")
        )
        path.write_bytes(data)
        yield path


def _harmless(text: str) -> None:
    found = {c for c in text if not (c.isprintable() or c == "\n")}
    assert not found, [f"U+{ord(c):04X}" for c in sorted(found)]


COMMANDS = {
    "decode": [],
    "decode --json": [],
    "decode --json --show-secrets": [],
    "decode --show-secrets": [],
    "lint": [],
    "lint --all": [],
    "lint --json": [],
    "lint --sarif": [],
    "diagnose": [],
    "diagnose --all --show-secrets": [],
    "diagnose --json": [],
    "walk --force --show-secrets": ["--out"],
}


def _run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    try:
        code = cli.main(arguments)
    except SystemExit as ended:
        code = int(ended.code or 0)
    out, err = capsys.readouterr()
    _harmless(out)
    _harmless(err)
    assert code in {0, 1, 2}
    return code, out


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_every_command_escapes_control_characters_of_files(
    command: str, encoding: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Output contains no unprintable characters and no encoding errors; JSON is valid and has the original text."""
    monkeypatch.setenv("COLUMNS", "500")
    seen = ""
    for path in _files(tmp_path / "in"):
        out = [str(tmp_path / f"out{EVIL}")] if COMMANDS[command] else []
        name, *options = command.split()
        if encoding == "ascii":
            stdout = io.TextIOWrapper(io.BytesIO(), "ascii")
            with monkeypatch.context() as patch:
                patch.setattr(sys, "stdout", stdout)
                code = cli.main([name, str(path), *options, *COMMANDS[command], *out, *KEYS])
            stdout.seek(0)
            text = stdout.read()
            _harmless(text)
            _harmless(capsys.readouterr().err)
        else:
            code, text = _run([name, str(path), *options, *COMMANDS[command], *out, *KEYS], capsys)
        assert code in {0, 1} or not text
        if text and options and options[0] in {"--json", "--sarif"}:
            json.loads(text)
        seen += text
    assert "evil.example" in seen


def test_json_has_the_original_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A program that parses the JSON gets the text that was sent."""
    path = next(p for p in _files(tmp_path / "in") if p.name.endswith("refusal.der"))
    _, out = _run(["decode", "--json", str(path)], capsys)
    assert WORDS in _strings(json.loads(out))
    for text in (WORDS, "\udcff", "\U000e0001", "\u00e9\u4e2d", '"\\', "\x7f"):
        for ascii_only in (False, True):
            assert json.loads(json_text({text: [text]}, ascii_only=ascii_only)) == {text: [text]}
            _harmless(json_text({text: [text]}, ascii_only=ascii_only))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)


@pytest.mark.parametrize("suffix", [".md", ".html"])
def test_markup_in_reports_is_escaped(suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No link, picture, HTML, code or heading comes from the input."""
    report = tmp_path / f"report{suffix}"
    headings = {"Input", "Outcome", "Why it failed", "Who sent what (times are UTC)", "RFC violations"}
    headings |= {"Layer by layer", "SCEP enrollment", "By cause", "By client"}
    written = 0
    for path in _files(tmp_path / "in"):
        code, _ = _run(["diagnose", str(path), "--report", str(report), "--force", "--show-secrets", *KEYS], capsys)
        if code == 2:
            continue
        written += 1
        text = report.read_text("utf-8")
        _harmless(text)
        if suffix == ".html":
            body = still_part(text).partition("<body>")[2].replace("<br>", "")
            assert_harmless(re.sub("</?h[12]>", "", body.partition("</body>")[0]))
            continue
        tokens = MarkdownIt("commonmark").enable("table").parse(text)
        kinds = {t.type for token in tokens for t in (token, *(token.children or ()))}
        assert not kinds & {"link_open", "image", "html_inline", "html_block", "code_inline", "code_block", "hr"}, kinds
        titles = [tokens[i + 1].content for i, t in enumerate(tokens) if t.type == "heading_open"]
        assert set(titles) <= headings
    assert written >= 4


@pytest.mark.parametrize(
    "text",
    [MARKUP, "- a", "1. a", "23) a", "# a", "> a", "    a", "===", "---", "+ a", "* a", "~~~", "```", "$x$", "\t- a"],
)
def test_markdown_at_the_start_of_a_paragraph_is_escaped(text: str) -> None:
    """Text that begins like another Markdown element stays the same text in a paragraph."""
    tokens = MarkdownIt("commonmark").enable("table").parse(f"Before\n\n{paragraph(text)}\n\nAfter")
    assert [t.type for t in tokens] == ["paragraph_open", "inline", "paragraph_close"] * 3
    inline = tokens[4].children or []
    assert {t.type for t in inline} <= {"text", "text_special"}
    assert "".join(t.content for t in inline) == visible(text.strip())
    assert "\n" not in marked(f"{text}\n{text}")


def test_links_in_sarif_messages_are_escaped() -> None:
    """Brackets would make links in a SARIF message."""
    assert sarif_text("[x](y) \\ \x1b") == "\\[x\\](y) \\\\ \\\\x1b"


TYPED = [
    [WORDS],
    ["decode", f"{EVIL}.pcap"],
    ["decode", "x.pcap", f"--{WORDS}"],
    ["decode", "http://x/?operation=GetCACaps", "--cert", f"{WORDS}\udcff"],
    ["decode", "http://x/?operation=GetCACaps", "--key", WORDS],
    ["lint", "x", "--level", WORDS],
    ["diagnose", "http://x/?operation=GetCACaps", "--report", f"/nowhere/{EVIL}"],
    ["walk", "--out", f"/dev/null/{EVIL}"],
    ["enroll", WORDS, "--subject", "CN=x"],
    ["enroll", "http://127.0.0.1:9", "--subject", WORDS],
    ["enroll", "http://127.0.0.1:9", "--subject", "CN=x", "--cipher", WORDS],
    ["enroll", "http://127.0.0.1:9", "--subject", "CN=x", "--out", f"/dev/null/{EVIL}"],
    ["lab", "grant", WORDS, "--dir", EVIL],
    ["lab", "start", "--fault", WORDS],
    ["lab", "start", "--ca-key", WORDS],
    ["lab", "start", "--ca-port", WORDS],
    ["lab", WORDS],
]


@pytest.mark.parametrize("arguments", TYPED, ids=lambda a: visible(" ".join(a))[:40])
def test_arguments_in_errors_are_escaped(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scripts may pass untrusted text as arguments."""
    monkeypatch.chdir(tmp_path)
    assert _run(arguments, capsys)[0] == 2


@pytest.fixture
def ca(tmp_path: Path) -> Iterator[CertificationAuthority]:
    """Yield a CA that requires approval."""
    from sceplab.lab.policy import Policy

    with authority(tmp_path, Policy()) as made:
        yield made


def _enroll(folder: Path, name: str = EVIL) -> list[str]:
    common = ["--subject", f"CN=x{name}"[:40], "--out", str(folder), "--limit", "0", "--force", "--new-key", "2048"]
    return ["enroll", "http://ca.example", *common]


def test_text_of_requests_is_escaped_for_client_and_operator(
    ca: CertificationAuthority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names, reasons and error pages, on the client's side and on the operator's side."""
    monkeypatch.setattr("sceplab.cli.enroll.http_sender", lambda *_, **__: ca.answer)
    code, out = _run(_enroll(tmp_path, EVIL), capsys)
    assert (code, "control character" in out) == (1, True)
    # The CA refuses control characters; a request with other characters that affect a line awaits approval.
    name = "pwned" + "".join(c for c in EVIL if unicodedata.category(c) == "Cf")
    assert _run(_enroll(tmp_path, name), capsys)[0] == 1
    assert "pwned" in _run(["lab", "pending", "--dir", str(tmp_path)], capsys)[1]
    (waiting,) = ca.pending()
    assert _run(["lab", "deny", str(waiting.id), "--why", WORDS, "--dir", str(tmp_path)], capsys)[0] == 0
    code, out = _run([*_enroll(tmp_path, name), "--key", str(tmp_path / "device.key.pem")], capsys)
    assert (code, "evil.example" in out) == (1, True)
    start._tell(Decision(WORDS, WORDS, WORDS, WORDS, (WORDS,)))
    _harmless(capsys.readouterr().out)


def _answers(kind: str) -> dict[str, HttpReply]:
    page = HttpReply(200, (("Content-Type", WORDS),), WORDS.encode(), WORDS)
    good = HttpReply(200, (("Content-Type", "application/x-x509-ca-cert"),), certificate("ca"), "OK")
    return {
        "error": dict.fromkeys(("GetCACaps", "GetCACert", "PKIOperation"), HttpReply(500, (), WORDS.encode(), WORDS)),
        "page": dict.fromkeys(("GetCACaps", "GetCACert", "PKIOperation"), page),
        "late": {"GetCACaps": page, "GetCACert": good, "PKIOperation": page},
        "refusal": {"GetCACaps": page, "GetCACert": good, "PKIOperation": HttpReply(403, (), WORDS.encode(), WORDS)},
    }[kind]


@pytest.mark.parametrize("kind", ["error", "page", "late", "refusal", "unreachable"])
def test_text_of_a_hostile_server_is_escaped(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its text appears in errors and warnings."""

    def send(request: HttpRequest) -> HttpReply:
        if kind == "unreachable":
            raise ClientError(WORDS)
        return next(reply for name, reply in _answers(kind).items() if name in request.target)

    monkeypatch.setattr("sceplab.cli.enroll.http_sender", lambda *_, **__: send)
    assert _run(_enroll(tmp_path), capsys)[0] == 2


def test_only_one_module_prints() -> None:
    """No other module can bypass the function that escapes."""
    for path in sorted((ROOT / "sceplab" / "cli").rglob("*.py")):
        if path.name == "terminal.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            assert not (isinstance(node, ast.Name) and node.id == "print"), path
            assert ast.unparse(node) not in {"sys.stdout", "sys.stderr"}, path
            assert not (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rich")), path


def test_output_of_doctor_and_help_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    """Version text of other programs, and the usage of each command."""
    _run(["doctor"], capsys)
    for command in ([], ["lab"], ["lab", "start"], ["enroll"], ["decode"]):
        with contextlib.suppress(SystemExit):
            cli.main([*command, "--help"])
        _harmless(capsys.readouterr().out)
