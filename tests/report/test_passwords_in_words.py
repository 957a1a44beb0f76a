"""No part of a password is shown that a log, a command or a URL has, with quotation marks and spaces inside too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sceplab import cli
from sceplab.capture import read_capture
from sceplab.masking import masked_url, overhang, without_passwords, without_secrets

FIRST, SECOND = "hunt3r", "qu4rry"
BETWEEN = [
    '"',
    "'",
    ";",
    "#",
    "<",
    ">",
    "&",
    '"!',
    "\\",
    '\\"',
    "|",
    "`",
    "@",
    "%22",
    ")",
    "]",
    '",',
    "&quot;",
    "=",
    "%",
]
"""What may stand in the middle of a password."""


@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize(
    "form",
    [
        "/scep?operation=PKIOperation&password=PASSWORD&x=1",
        "GET /scep?challenge=PASSWORD HTTP/1.1",
        "?a=1;challengePassword=PASSWORD",
        "/scep?challenge%50assword=PASSWORD",
        "/scep?one-time-password=PASSWORD",
        "/login?next=%2Fscep%3Ftoken%3DPASSWORD",
        "http://r3:PASSWORD@ca.example/scep",
        "see 'http://r3:PASSWORD@ca.example/scep'",
        "challengePassword: PASSWORD",
        "challengePassword=PASSWORD, status 2",
        "sscep enroll --challenge PASSWORD -u http://ca.example/",
        "scepclient --password=PASSWORD",
        "the challenge password is: PASSWORD",
        "otp = 'PASSWORD'",
    ],
)
def test_no_half_of_a_password_is_left(form: str, between: str) -> None:
    """Masking twice changes nothing more."""
    text = form.replace("PASSWORD", f"{FIRST}{between}{SECOND}")
    shown = without_secrets(text)
    assert FIRST not in shown
    assert SECOND not in shown
    assert without_secrets(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"url":"http://ca/?token=abc","x":1}', '{"url":"http://ca/?token=********","x":1}'),
        (r"{\"url\":\"http://ca/?token=abc\",\"x\":1}", r"{\"url\":\"http://ca/?token=********\",\"x\":1}"),
        ('<a href="http://ca/?token=abc">go</a>', '<a href="http://ca/?token=********">go</a>'),
        ("?token=abc&amp;x=1", "?token=********&amp;x=1"),
        ("?token=&x=1", "?token=&x=1"),
        ('http://r3:a b"c@ca.example/', "http://r3:********@ca.example/"),
        ("http://ca.example:8080/x or mail a@b", "http://ca.example:8080/x or mail a@b"),
        ("http://[2001:db8::1]:80/x or mail a@b", "http://[2001:db8::1]:80/x or mail a@b"),
        ('?password="a b"&x=1', "?password=********&x=1"),
    ],
)
def test_what_is_no_password_stays(text: str, shown: str) -> None:
    """A quotation mark ends a value where it closes a string."""
    assert without_passwords(text) == shown


@pytest.mark.parametrize(
    "words",
    [
        "challenge password: invalid",
        "challenge password: does not match",
        "challengePassword=null",
        'challenge="" is empty',
        "invalid challenge password",
        "password: wrong",
        "token: expired.",
        "Wrong username or password: org.ejbca.core.model.ca.AuthLoginException: Wrong username or password",
        "challenge password: 0x80094811",
        "if (password == null)",
        "challenge password failed: unknown transaction",
    ],
)
def test_words_about_a_password_stay(words: str) -> None:
    """They are the evidence of a diagnosis."""
    assert without_secrets(words) == words


@pytest.mark.parametrize(
    "url", ["r3:PASSWORD@ca/scep", "http:/r3:PASSWORD@ca", "//r3:PASSWORD@ca", "x://r3:PASSWORD@ca"]
)
def test_what_is_meant_as_a_url_shows_no_password(url: str) -> None:
    """The scheme was forgotten, or is wrong."""
    for between in BETWEEN:
        shown = masked_url(url.replace("PASSWORD", f"{FIRST}{between}{SECOND}"))
        assert FIRST not in shown
        assert SECOND not in shown
    assert masked_url("ca.example:80/a@b") == "ca.example:80/a@b"


def test_the_rest_of_a_password_is_found() -> None:
    """A reader of logs takes a quotation mark for the end of a URL."""
    assert overhang("/scep?password=hun", '"ter2 HTTP/1.1" 200') == len('"ter2')
    assert overhang("http://r3:hun", '"ter2@ca/ HTTP/1.1" 200') == len('"ter2@ca/')
    assert overhang("/scep?password=hunter2", '" 200') == 0
    assert overhang("/scep?x=1", '"y HTTP/1.1" 200') == 0


@pytest.mark.parametrize(
    "piece", ["?token='", "challenge:", "password='a ", '&pass="', "://a:b ", "%3Ftoken%3D", "&amp;", "--otp "]
)
def test_long_lines_are_masked_in_one_pass(piece: str) -> None:
    """With quadratic time this test would not end."""
    assert without_secrets(piece * 100_000)


PASSWORDS = [f'{FIRST}"{SECOND}', f"{FIRST}'{SECOND}", f"{FIRST};{SECOND}", f"{FIRST}<{SECOND}", f"{FIRST}#{SECOND}"]


@pytest.mark.parametrize("password", PASSWORDS)
def test_no_command_shows_half_of_a_password(password: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In access logs, logs of services, words of clients and in what they were called with."""
    url = f"http://r3:{password}@ca.example/scep?operation=PKIOperation&challenge={password}"
    lines = [
        f'192.0.2.2 - - [24/Nov/2026:08:04:11 +0000] "GET {url} HTTP/1.1" 403 0 "-" "x" denied for {url}',
        f'192.0.2.2 - - [24/Nov/2026:08:04:11 +0000] "GET {url.partition("example")[2]} HTTP/1.1" 500 0',
        f"403 Client Error: Forbidden for url: {url}",
        f"Received '403 Forbidden' when sending GET to {url} on behalf of R3",
        f"scepclient: challengePassword: {password} was rejected, error 0x80094811",
        f"failed: sscep enroll -u {url} --challenge {password}",
        json.dumps({"level": "error", "msg": f"challenge password={password} failed", "url": url}),
        f'level=error err="bad challenge: challengePassword={password}" uri={url}',
        (
            f"2026/11/24 08:04:11 [error] 12#12: *5 failed for {url}, client: 192.0.2.2, server: ca, "
            f'request: "GET /scep?operation=GetCACert&token={password} HTTP/1.1", host: "ca"'
        ),
    ]
    seen = ""
    for number, line in enumerate([*lines, "\n".join(lines)]):
        path = tmp_path / f"{number}.log"
        path.write_text(line, encoding="utf-8")
        for command in (["decode"], ["decode", "--json"], ["lint"], ["diagnose", "--all"], ["diagnose", "--json"]):
            cli.main([command[0], str(path), *command[1:]])
            seen += "".join(capsys.readouterr())
        seen += repr(read_capture(path).remarks)
    assert "403" in seen
    assert FIRST not in seen
    assert SECOND not in seen


def test_a_password_at_the_end_of_what_is_shown_is_not_cut_in_two() -> None:
    """A line is masked before it is cut."""
    url = f"http://r3:{FIRST}{SECOND * 40}@ca.example/"
    for length in range(1900, 2000, 7):
        [remark] = read_capture(f"scep error {'x' * (length - 11)} {url}".encode()).remarks
        assert FIRST not in remark.text
