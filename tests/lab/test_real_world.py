"""The client in real networks: TLS with private CAs, proxies, redirects, logins and web pages."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from sceplab.cli import main
from sceplab.errors import InputError
from sceplab.files import load_certificates, load_signing_key
from sceplab.lab.answers import explained, summary
from sceplab.lab.client import ScepClient
from sceplab.lab.http import ClientError, http_sender, proxy_of_environment, proxy_url
from sceplab.lab.network import Lab
from sceplab.lab.policy import Policy
from sceplab.scep.transport import HttpReply, HttpRequest
from tests.helpers.captures import needs
from tests.helpers.labs import SECRET, openssl, quick_key
from tests.helpers.tls import server_files, tls_front
from tests.lab.test_wire import CAPS, hostile

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nAES\n"
VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Yield a lab that accepts other host names."""
    with Lab(policy=Policy((SECRET,)), host_names=("127.0.0.1", "localhost")) as running:
        yield running


def _port(url: str) -> int:
    return int(url.split("/")[2].rpartition(":")[2])


@contextmanager
def https(lab: Lab, folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield an https URL of a lab's CA, and the file with the CA certificate for TLS."""
    ca, files = server_files(folder)
    with tls_front(_port(lab.ca_url), files) as port:
        yield f"https://localhost:{port}/scep", ca


def _enroll(url: str, out: Path, *more: str) -> int:
    return main(["enroll", url, "--subject", "CN=R3", "--challenge", SECRET, "--out", str(out), *more])


# --------------------------------------------------------------- TLS


def test_tls_server_with_a_private_ca_needs_ca_file(
    lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --ca-file one sentence gives the reason and the fix, and nothing is sent.

    A server without TLS is named too.
    """
    with https(lab, tmp_path / "tls") as (url, ca):
        before = len(lab.exchanges)
        assert _enroll(url, tmp_path / "a") == 2
        assert "give the certificate of its CA with --ca-file" in capsys.readouterr().err
        assert len(lab.exchanges) == before
        assert _enroll(url, tmp_path / "a", "--ca-file", str(ca)) == 0
        other, _ = server_files(tmp_path / "other")
        assert _enroll(url, tmp_path / "b", "--ca-file", str(other)) == 2
        assert "does not lead to the CAs in --ca-file" in capsys.readouterr().err
    with hostile(lambda link: link.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as (plain, _):
        assert _enroll(plain.replace("http:", "https:"), tmp_path / "c") == 2
        assert "does not speak TLS: use an http:// URL" in capsys.readouterr().err


def test_tls_uses_the_trust_store_of_the_system(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of the certifi package is not used. SSL_CERT_FILE is openssl's variable for the store."""
    with https(lab, tmp_path / "tls") as (url, ca):
        monkeypatch.setenv("SSL_CERT_FILE", str(ca))
        assert ScepClient(url).get_ca_cert().ca.der == lab.ca.certificate


@pytest.mark.parametrize("content", [b"", b"no certificate", b"\x30\x03\x02\x01\x00"])
def test_ca_file_without_certificates_is_an_input_error(tmp_path: Path, content: bytes) -> None:
    """The error comes before anything is sent."""
    path = tmp_path / "ca.pem"
    path.write_bytes(content)
    with pytest.raises(InputError):
        http_sender("https://ca.example/", ca_file=path)


# --------------------------------------------------------------- proxies


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def proxy() -> Iterator[tuple[str, list[bytes]]]:
    """Yield the URL of a forward proxy, and the list of request lines that it received."""
    asked: list[bytes] = []

    def serve(link: socket.socket) -> None:
        with link, ExitStack() as stack, suppress(OSError):
            link.settimeout(60)
            head = b""
            while b"\r\n\r\n" not in head:
                head += link.recv(65_536)
            asked.append(head.split(b"\r\n")[0])
            method, target, _ = asked[-1].split(b" ")
            authority = target if method == b"CONNECT" else target.split(b"/")[2]
            host, _, port = authority.decode().rpartition(":")
            there = stack.enter_context(socket.create_connection((host, int(port)), 60))
            if method == b"CONNECT":
                link.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            else:
                there.sendall(head.replace(b"http://" + authority, b"", 1))
            back = threading.Thread(target=_pump, args=(there, link))
            back.start()
            _pump(link, there)
            back.join()

    workers: list[threading.Thread] = []

    def accept() -> None:
        with suppress(OSError):
            while True:
                worker = threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True)
                workers.append(worker)
                worker.start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=accept)
        accepting.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
        listener.shutdown(socket.SHUT_RDWR)
        accepting.join()


def test_proxy_option_works_for_http_and_https(lab: Lab, tmp_path: Path) -> None:
    """HTTP requests carry the whole URL; https goes through a CONNECT tunnel, and the certificate is still checked."""
    port = _port(lab.ca_url)
    with proxy() as (url, asked), https(lab, tmp_path / "tls") as (secure, ca):
        assert _enroll(lab.ca_url, tmp_path / "a", "--proxy", url) == 0
        assert {line.split(b"?")[0] for line in asked} >= {
            f"GET http://127.0.0.1:{port}/cgi-bin/pkiclient.exe".encode()
        }
        asked.clear()
        assert _enroll(secure, tmp_path / "b", "--proxy", url, "--ca-file", str(ca)) == 0
        assert {line.split(b" ")[0] for line in asked} == {b"CONNECT"}
        assert _enroll(secure, tmp_path / "c", "--proxy", url) == 2


def test_proxy_of_the_environment_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A note says whether it is used. Its password is masked."""
    assert proxy_of_environment("http://ca.example/scep") == (None, "")
    monkeypatch.setenv("http_proxy", "http://me:word@192.0.2.9:3128")
    monkeypatch.setenv("no_proxy", ".intern.example")
    found, words = proxy_of_environment("http://ca.example/scep")
    assert found == "http://me:word@192.0.2.9:3128"
    assert words == (
        "the proxy http://me:********@192.0.2.9:3128 (http_proxy in the environment) is used; --proxy none ignores it"
    )
    for host in ("127.0.0.1", "localhost", "ca.intern.example"):
        found, words = proxy_of_environment(f"http://{host}/scep")
        assert found is None
        assert words.endswith(f"is not used for {host}")
    assert proxy_of_environment("https://ca.example/scep") == (None, "")
    monkeypatch.setenv("all_proxy", "socks5://192.0.2.9")
    with pytest.raises(InputError, match="not the URL of an HTTP proxy"):
        proxy_of_environment("https://ca.example/scep")


def test_lab_needs_no_proxy_and_bad_proxy_urls_are_refused(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client reaches a local lab without the proxy of the environment. Errors do not show the proxy's password."""
    monkeypatch.setenv("http_proxy", "http://192.0.2.9:3128")
    assert _enroll(lab.ca_url, tmp_path) == 0
    assert _enroll(lab.ca_url, tmp_path, "--force", "--proxy", "none") == 0
    for wrong in ("socks5://x", "x", "http://", "http://x:0", "http://x y/", "http://me:word@/"):
        with pytest.raises(InputError) as refused:
            proxy_url(wrong)
        assert "word" not in str(refused.value)


# --------------------------------------------------------------- redirects


def test_redirects_on_the_same_host_are_followed_and_reported() -> None:
    """The Location of the redirected GET is a path."""
    notes: list[str] = []
    head = b"HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\nLocation: "
    last = OK.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
    answers = [head + b"/scep/?operation=GetCACaps\r\n\r\n", last]
    with hostile(lambda link: link.sendall(answers.pop(0))) as (url, asked):
        assert http_sender(url, pause=0, on_note=notes.append)(CAPS).body == b"AES\n"
        assert len(asked) == 2
    assert notes == [f"{url} redirects to {url}/?operation=GetCACaps: followed"]


def test_endless_redirects_are_given_up() -> None:
    """The client follows five."""
    head = b"HTTP/1.1 301 Moved\r\nConnection: close\r\nContent-Length: 0\r\nLocation: /again\r\n\r\n"
    with hostile(lambda link: link.sendall(head)) as (url, asked):
        with pytest.raises(ClientError, match="redirects again and again"):
            http_sender(url, pause=0)(CAPS)
        assert len(asked) == 6


def test_redirect_of_a_post_is_not_followed() -> None:
    """A pkiMessage goes only to the URL that the user gave."""
    head = b"HTTP/1.1 307 Moved\r\nConnection: close\r\nContent-Length: 0\r\nLocation: /again\r\n\r\n"
    with hostile(lambda link: link.sendall(head)) as (url, asked):
        with pytest.raises(ClientError, match="redirects to /again: give that URL instead"):
            http_sender(url, pause=0)(HttpRequest("POST", "/?operation=PKIOperation", (), b"x"))
        assert len(asked) == 1


def test_redirect_from_https_to_http_is_not_followed(lab: Lab, tmp_path: Path) -> None:
    """The redirect goes to the same host. The error names its URL."""
    ca, files = server_files(tmp_path)
    head = b"HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\nLocation: %s\r\n\r\n" % lab.ca_url.encode()
    with (
        hostile(lambda link: link.sendall(head)) as (url, _),
        tls_front(_port(url), files) as port,
        pytest.raises(ClientError, match="give that URL instead"),
    ):
        http_sender(f"https://127.0.0.1:{port}/", ca_file=ca, pause=0)(CAPS)


# --------------------------------------------------------------- answers that are not SCEP

PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title><script>x()</script></head><body><p>Please</body></html>"
ANSWERS = {
    "401": (HttpReply(401, (("WWW-Authenticate", "Basic realm=x"),), PAGE), ("wants a login", "Basic", "Sign in")),
    "403": (HttpReply(403), ("forbids it", "an empty body")),
    "404": (HttpReply(404, (), b"nope\nmore"), ("/certsrv/mscep/mscep.dll", '"nope')),
    "405": (HttpReply(405, (("Allow", "GET"),)), ("does not take POST: try --method GET (it allows GET)",)),
    "407": (HttpReply(407), ("a proxy on the way wants a login",)),
    "414": (HttpReply(414), ("try --method POST",)),
    "302": (HttpReply(302, (("Location", "http://x/"),)), ("it redirects to http://x/",)),
    "200": (HttpReply(200, (), PAGE), ('a web page: "Sign in',)),
    "599": (HttpReply(599, (), bytes(300), "Odd"), ("HTTP 599 Odd;", "300 bytes that are not text")),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_http_status_is_explained(name: str) -> None:
    """The text says what the status means, what to try, and how the body begins."""
    reply, words = ANSWERS[name]
    text = explained(reply, "POST")
    for each in words:
        assert each in text
    assert len(text) < 1000
    assert "x()" not in text


def test_login_page_with_status_200_is_named() -> None:
    """The page replaces the answer to GetCACert. The summary of a long page is short."""
    page = HttpReply(200, (("Content-Type", "text/html"),), PAGE)
    with pytest.raises(ClientError, match=r'no readable certificate, but a web page: "Sign in'):
        ScepClient(lambda _: page).get_ca_cert()
    assert len(summary(b"<html>" + b"word " * 10_000)) < 300


def test_timeout_covers_all_retries() -> None:
    """The limit includes the retries and the pauses between them."""
    # 13 tries with pauses would take 41 seconds.
    with hostile(lambda link: link.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")) as (url, asked):
        with pytest.raises(ClientError, match=r"answers 503|no complete answer"):
            http_sender(url, timeout=0.5, retries=12, pause=0.01)(CAPS)
        assert len(asked) < 13


# --------------------------------------------------------------- files and secrets


def test_output_folder_is_created_before_anything_is_sent(lab: Lab, tmp_path: Path) -> None:
    """If the folder cannot be created, no request is sent."""
    (tmp_path / "file").write_text("mine")
    before = len(lab.exchanges)
    assert _enroll(lab.ca_url, tmp_path / "file" / "below") == 2
    assert len(lab.exchanges) == before
    assert _enroll(lab.ca_url, tmp_path / "new" / "below") == 0
    assert load_certificates(tmp_path / "new" / "below" / "device.pem")


@needs("openssl")
@pytest.mark.parametrize("source", ["env:WORD", "file:word.txt"])
def test_pkcs12_passphrase_comes_from_environment_or_file(
    lab: Lab, tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Openssl opens the file: it holds the key, its certificate and the CA's.

    The passphrase also opens the key that is read.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORD", "pass word")
    Path("word.txt").write_bytes(b"pass word\r\nmore\n")
    key = quick_key(5)
    Path("own.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pass word"))
    )
    assert _enroll(lab.ca_url, Path(), "--key", "own.pem", "--p12", "--passphrase", source) == 0
    out, err = capsys.readouterr()
    assert "device.p12" in out
    assert "pass word" not in out + err
    assert Path("device.p12").stat().st_mode & 0o777 == 0o600
    text = openssl("pkcs12", "-in", "device.p12", "-passin", "env:WORD", "-nodes")
    assert text.count("BEGIN CERTIFICATE") == 2
    assert text.count("BEGIN PRIVATE KEY") == 1
    monkeypatch.setenv("WORD", "wrong")
    assert _enroll(lab.ca_url, Path(), "--key", "own.pem", "--force", "--passphrase", "env:WORD") == 2
    assert load_signing_key(Path("device.p12"), lambda _: b"pass word").public_key() == key.public_key()


@pytest.mark.parametrize(
    "source", ["secret", "env:", "env:NOT_THERE", "file:", "file:no/such", "file:empty", "pass:x", ""]
)
def test_bad_passphrase_source_is_an_error(
    lab: Lab, tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error comes before anything is sent. A passphrase itself is not accepted as an argument."""
    monkeypatch.chdir(tmp_path)
    Path("empty").touch()
    before = len(lab.exchanges)
    assert _enroll(lab.ca_url, tmp_path, "--p12", "--passphrase", source) == 2
    assert len(lab.exchanges) == before


def test_ec_key_is_warned_about(lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The reply must be encrypted with the challengePassword, which few CAs support. The lab does."""
    assert _enroll(lab.ca_url, tmp_path, "--new-key", "P-256") == 0
    warned = [line for line in capsys.readouterr().err.splitlines() if "EC key" in line]
    assert len(warned) == 1
    assert "encrypt its reply with the challengePassword (RFC 8894, 3.1), which few CAs support" in warned[0]
    assert _enroll(lab.ca_url, tmp_path, "--force") == 0
    assert "EC key" not in capsys.readouterr().err
