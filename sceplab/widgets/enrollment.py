"""A form that enrolls without code: key, request, message, reply.

Rule: fields and buttons only; `sceplab.lab.client` does the work. What the buttons do are
methods that a cell can call too. The private key is in this process's memory
only, until Save writes it to a file that nobody else can read.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import ipywidgets as w
from cryptography.hazmat.primitives.asymmetric import rsa

from sceplab.cms.name import parse_subject
from sceplab.cms.signature import SigningKey
from sceplab.errors import InputError, ScepError
from sceplab.files import pem_certificate, pem_key, write_new
from sceplab.lab.client import ScepClient
from sceplab.lab.dialects import CLIENT_DIALECTS
from sceplab.lab.identity import Identity, make_request, new_key
from sceplab.lab.network import Lab
from sceplab.lab.results import Result
from sceplab.scep.attributes import FAIL_INFO_MEANING, PkiStatus
from sceplab.views.text import compact, safe, visible
from sceplab.widgets.live import AS_A_WHOLE, Still

KEYS = (("RSA 2048", "2048"), ("RSA 3072", "3072"), ("RSA 4096", "4096"), ("EC P-256", "P-256"), ("EC P-384", "P-384"))
_SERVERS = (("R1, the CA", "ca"), ("R2, the RA", "ra"))
_METHODS = (("client's default", ""), ("GET", "GET"), ("POST", "POST"))


def result_words(result: Result) -> str:
    """Return what came back as a sentence, without anything that a new key changes."""
    subject = str(result.csr.subject) if result.csr is not None else "this request"
    if result.status is PkiStatus.PENDING:
        return f"PENDING: {subject} awaits approval. Poll asks again."
    if result.status is PkiStatus.SUCCESS and result.certificate is not None:
        return f"SUCCESS: a certificate for {result.certificate.subject}, issued by {result.certificate.issuer}."
    failure = result.fail_info
    words = f"FAILURE: {failure.name} ({FAIL_INFO_MEANING[failure]})" if failure is not None else "FAILURE: no failInfo"
    said = f"says: {result.fail_info_text}" if result.fail_info_text else "does not say why."
    return f"{words}. The server {said}"


class EnrollmentForm(Still, w.VBox):  # type: ignore[misc]
    """Boxes for a subject, a key and a challengePassword; buttons that enroll, poll, renew and save.

    `result` is what came back last, `identity` the newest certificate with its key,
    `warnings` what a careful client warns about. `enroll`, `poll`, `renew` and
    `save` are what the buttons do; they show what goes wrong and do not raise.
    """

    def __init__(self, lab: Lab, *, folder: Path | str = "enrolled") -> None:
        """Lay it out; `folder` is where Save writes, made when it is needed."""
        self._lab = lab
        self._client: ScepClient | None = None
        self._thread: threading.Thread | None = None
        self.result: Result | None = None
        self.identity: Identity | None = None
        self.warnings: list[str] = []
        wide, style = w.Layout(width="auto", flex="1 1 260px", min_width="200px"), {"description_width": "11em"}
        self.subject = w.Text("CN=R3", description="Subject", layout=wide, style=style, **AS_A_WHOLE)
        self.challenge = w.Password(description="challengePassword", layout=wide, style=style, **AS_A_WHOLE)
        self.kind = w.Dropdown(options=KEYS, description="Key", layout=wide, style=style)
        self.via = w.Dropdown(options=_SERVERS, description="Send to", layout=wide, style=style)
        self.dialect = w.Dropdown(options=list(CLIENT_DIALECTS), description="Imitate", layout=wide, style=style)
        self.method = w.Dropdown(options=_METHODS, description="Method", layout=wide, style=style)
        self.folder = w.Text(str(folder), description="Save in folder", layout=wide, style=style, **AS_A_WHOLE)
        self.replace = w.Checkbox(description="replace existing files", indent=False, layout=w.Layout(width="auto"))
        self.enroll_button = self._button("Enroll", self.enroll, "primary")
        self.poll_button = self._button("Poll", self.poll)
        self.renew_button = self._button("Renew", self.renew)
        self.save_button = self._button("Save", self.save)
        self.status, self.details = w.HTML(), w.HTML()
        wrap = w.Layout(flex_flow="row wrap")
        super().__init__(
            [
                w.HBox([self.subject, self.challenge], layout=wrap),
                w.HBox([self.kind, self.via], layout=wrap),
                w.HBox([self.dialect, self.method], layout=wrap),
                w.HBox([self.enroll_button, self.poll_button, self.renew_button], layout=wrap),
                self.status,
                self.details,
                w.HBox([self.folder, self.replace, self.save_button], layout=wrap),
            ]
        )
        self._say("Nothing sent yet.")

    def _button(self, name: str, act: Callable[[], None], look: str = "") -> w.Button:
        button = w.Button(description=name, button_style=look, layout=w.Layout(width="auto"))
        button.on_click(lambda _: self._beside(act))
        return button

    def _beside(self, act: Callable[[], None]) -> None:
        """Run it in a thread of its own, one at a time, so that a slow server blocks no cell."""
        if self._thread is not None and self._thread.is_alive():
            return
        for button in (self.enroll_button, self.poll_button, self.renew_button, self.save_button):
            button.disabled = True
        self._thread = threading.Thread(target=act, name="sceplab form", daemon=True)
        self._thread.start()

    # ---------------------------------------------------------- what the buttons do

    def enroll(self) -> None:
        """Make a key and a request, send it, and show what came back."""
        self._do(self._enroll)

    def _enroll(self) -> str:
        subject = parse_subject(self.subject.value)
        dialect = CLIENT_DIALECTS[self.dialect.value]
        client = self._lab.client(
            via=self.via.value,
            dialect=replace(dialect, method=self.method.value or dialect.method),
            on_warning=self.warnings.append,
        )
        key = self._new_key()
        result = client.enroll(make_request(subject, key, challenge=self.challenge.value or None), key)
        self._client = client
        return self._took(result, key)

    def poll(self) -> None:
        """Poll for the pending request."""
        self._do(self._poll)

    def _poll(self) -> str:
        if self._client is None or self.result is None or self.result.status is not PkiStatus.PENDING:
            raise InputError("no pending request: enroll first")
        return self._took(self._client.poll(self.result), self.result.signer.key)

    def renew(self) -> None:
        """Make a new key and ask for a new certificate, signed with the one that is there."""
        self._do(self._renew)

    def _renew(self) -> str:
        old = self.identity
        if self._client is None or old is None:
            raise InputError("there is no certificate to renew: enroll first")
        key = self._new_key()
        # The subject of the certificate, whatever is in the field now.
        return self._took(self._client.renew(make_request(old.parsed.subject, key), old), key)

    def save(self) -> None:
        """Write private key (readable by nobody else) and certificate into the folder."""
        self._do(self._save)

    def _save(self) -> str:
        mine = self.identity
        if mine is None:
            raise InputError("there is no certificate to save: enroll first")
        folder, stem = Path(self.folder.value).expanduser(), _stem(str(mine.parsed.subject))
        key, certificate = folder / f"{stem}.key.pem", folder / f"{stem}.pem"
        there = [path.name for path in (key, certificate) if path.exists()]
        if there and not self.replace.value:
            raise InputError(f"{folder} already has {' and '.join(there)}: tick the box to replace existing files")
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{folder} cannot be created: {error.strerror}") from error
        write_new(key, pem_key(mine.key), force=self.replace.value, private=True)
        write_new(certificate, pem_certificate(mine.certificate), force=self.replace.value)
        return f"Saved: {key.name} (mode 0600) and {certificate.name}."

    def _new_key(self) -> SigningKey:
        key = new_key(self.kind.value)
        if isinstance(key, rsa.RSAPrivateKey):
            # So that the ladder can open what is encrypted for this key.
            self._lab.keys.append(key)
        return key

    def _took(self, result: Result, key: SigningKey) -> str:
        """Keep what came back; a certificate is held until another one comes."""
        self.result = result
        if result.certificate is not None:
            self.identity = Identity(result.certificate.der, key)
        return result_words(result)

    def _do(self, work: Callable[[], str]) -> None:
        """Work, and show what came of it or why it did not. Never raises."""
        self._say("Working ...", busy=True)
        self.warnings.clear()
        try:
            words = work()
        except ScepError as error:
            words = f"Not done: {error}"
        except Exception as error:  # noqa: BLE001 - it would be lost in a thread
            words = f"Unexpected error: {type(error).__name__}: {error}"
        self._say(words)

    def _say(self, words: str, *, busy: bool = False) -> None:
        self._words = visible(words)
        self.status.value = compact(f"<b>{safe(words)}</b>")
        warned = "".join(f"<div>⚠ {safe(warning)}</div>" for warning in self.warnings)
        self.details.value = compact(warned + _held(self.identity))
        waits = self.result is not None and self.result.status is PkiStatus.PENDING
        self.enroll_button.disabled = busy
        self.poll_button.disabled = busy or not waits
        self.renew_button.disabled = self.save_button.disabled = busy or self.identity is None

    # ---------------------------------------------------------- where JavaScript does not run

    def _filled(self) -> list[tuple[str, str]]:
        boxes = (self.subject, self.kind, self.via, self.dialect, self.method)
        out = [(box.description, str(box.value if box is self.subject else box.label)) for box in boxes]
        out.insert(1, (self.challenge.description, "********" if self.challenge.value else ""))
        return out

    def __repr__(self) -> str:
        boxes = ", ".join(f"{name}: {visible(value)}" for name, value in self._filled() if value)
        return f"{boxes}\n{self._words}"

    def _still(self) -> str:
        rows = "".join(f"<tr><th>{safe(name)}</th><td>{safe(value)}</td></tr>" for name, value in self._filled())
        warned = "".join(f"<li>{safe(warning)}</li>" for warning in self.warnings)
        buttons = "[Enroll] [Poll] [Renew] [Save]"
        return f"<div><table>{rows}</table><p>{buttons}</p><p><b>{safe(self._words)}</b></p><ul>{warned}</ul></div>"


def _held(identity: Identity | None) -> str:
    if identity is None:
        return ""
    certificate = identity.parsed
    until = f", until {certificate.not_after:%Y-%m-%d %H:%M} UTC" if certificate.not_after is not None else ""
    lines = (
        f"Issued: {certificate.subject}, serial {certificate.serial_hex}{until} (key in memory)",
        f"SHA-256 fingerprint {certificate.fingerprint()}",
    )
    return "".join(f"<div><small>{safe(line)}</small></div>" for line in lines)


def _stem(subject: str) -> str:
    """Return a safe file name: a subject may contain anything, also "../"."""
    return re.sub(r"[^A-Za-z0-9]+", "-", subject).strip("-").lower()[:60] or "device"
