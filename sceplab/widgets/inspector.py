"""Bring your own capture: files or text in, then who sent what, the onion, findings, causes, a report.

Rule: buttons and boxes only; everything shown is made by the core. What is
uploaded stays in this process's memory, and the password boxes are emptied once
they were used.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from typing import Any

import ipywidgets as w

from sceplab.capture import read_capture
from sceplab.checks import check_exchanges
from sceplab.conversation import NO_MATERIALS, DecodedExchange, Materials, decode_exchanges
from sceplab.diagnose import diagnose
from sceplab.errors import InputError, ScepError
from sceplab.files import read_certificates, read_private_keys
from sceplab.message import PkiMessage
from sceplab.outline import visible
from sceplab.report import causes_section, findings_section, ladder, section_html, to_html, to_markdown
from sceplab.transport import Exchange
from sceplab.widgets.live import Still
from sceplab.widgets.viewer import show

_HINT = "or paste: a URL, a log line with it, base64, a hex dump, a router's debug output"


class Inspector(Still, w.VBox):  # type: ignore[misc]
    """What `inspect_capture` shows. `decoded` and `materials` are for cells that want to go on."""

    def __init__(self, exchanges: Sequence[Exchange], materials: Materials) -> None:
        """Lay it out, and show the exchanges if there are any."""
        self.exchanges, self.materials = tuple(exchanges), materials
        self.decoded: list[DecodedExchange] = []
        self.capture = w.FileUpload(description="Capture", multiple=False)
        self.paste = w.Textarea(placeholder=_HINT, layout=w.Layout(width="60%", height="5em"))
        self.held = w.FileUpload(description="Keys, certificates", multiple=True, layout=w.Layout(width="12em"))
        self.passphrase = w.Password(placeholder="passphrase of the keys")
        self.challenge = w.Password(placeholder="challengePassword that the CA expects")
        self.button = w.Button(description="Take it apart", button_style="primary")
        self.status = w.HTML()
        self.chosen = w.Select(rows=6, layout=w.Layout(width="100%"))
        self.chosen.style.font_family = "monospace"
        self.onion = w.VBox()
        self.found, self.causes, self.rungs = w.HTML(), w.HTML(), w.HTML()
        self.links = w.HTML()
        self.tabs = w.Tab([self.onion, self.causes, self.found, self.rungs])
        self.tabs.titles = ("The onion", "Why it failed", "What breaks the RFCs", "Who sent what")
        super().__init__(
            [
                w.HBox([self.capture, self.paste]),
                w.HBox([self.held, self.passphrase, self.challenge, self.button]),
                self.status,
                self.chosen,
                self.tabs,
                self.links,
            ]
        )
        self.button.on_click(self._take_apart)
        self.chosen.observe(lambda _: self._choose(), names=["index"])
        self._show()

    # ---------------------------------------------------------- what was given

    def _take_apart(self, _button: object) -> None:
        """Read what was uploaded or pasted; say in one line what is wrong with it."""
        try:
            if self.held.value or self.challenge.value:
                self.materials = self._read_held()
            if self.capture.value:
                self.exchanges = tuple(read_capture(bytes(self.capture.value[0]["content"])))
            elif self.paste.value.strip():
                self.exchanges = tuple(read_capture(self.paste.value.encode()))
            if not self.exchanges:
                raise InputError("this holds no SCEP exchange: capture the plain HTTP between client and CA")
        except ScepError as error:
            self.status.value = f"<b>Not read:</b> {escape(visible(str(error)))}"
            return
        finally:
            self.passphrase.value = self.challenge.value = ""
        self._show()

    def _read_held(self) -> Materials:
        passphrase: bytes = self.passphrase.value.encode()

        def ask(name: str) -> bytes:
            if not passphrase:
                raise InputError(f"{name} is protected: type its passphrase")
            return passphrase

        keys, names, certificates, errors = [], [], [], []
        for file in self.held.value:
            name, content = file["name"], bytes(file["content"])
            read = 0
            for reader in (read_private_keys, read_certificates):
                try:
                    found: Any = reader(content, name, ask)
                except InputError as error:
                    errors.append(str(error))
                    continue
                read += 1
                if reader is read_private_keys:
                    keys += found
                    names += [name] * len(found)
                else:
                    certificates += found
            if not read:
                raise InputError(errors[-2])
        passwords = (self.challenge.value.encode(),) if self.challenge.value else ()
        return Materials(tuple(keys), tuple(certificates), passwords, legacy=True, key_names=tuple(names))

    # ---------------------------------------------------------- what is shown

    def _show(self) -> None:
        self.decoded = decode_exchanges(self.exchanges, self.materials)
        if not self.decoded:
            self.status.value = "Choose a capture or paste something, then <b>Take it apart</b>."
            return
        causes = diagnose(self.decoded, self.materials)
        self.status.value = (
            f"{len(self.decoded)} exchanges, {len(self.materials.keys)} keys, "
            f"{len(self.materials.certificates)} certificates. "
            + (f"<b>{escape(visible(causes[0].kind.words))}</b>" if causes else "No failure was seen.")
        )
        rows = ladder(self.decoded).rows
        self.causes.value = section_html(causes_section(causes))
        self.found.value = section_html(findings_section(check_exchanges(self.decoded)))
        self.rungs.value = section_html(ladder(self.decoded))
        reports = (("report.html", "text/html", to_html), ("report.md", "text/markdown", to_markdown))
        self.links.value = "Report for a ticket, secrets masked: " + " ".join(
            f'<a download="{name}" href="data:{kind};base64,'
            f'{base64.b64encode(make(self.decoded, self.materials).encode()).decode()}">{name}</a>'
            for name, kind, make in reports
        )
        self.chosen.options = [
            (visible(f"[{r[0]}] {r[1]} {r[2]} {r[3]} {r[5]}   {r[4]}"), i) for i, r in enumerate(rows)
        ]
        first = causes[0].exchange if causes else next((i for i, d in enumerate(self.decoded) if d.request), 0)
        self.chosen.index = first
        self.tabs.selected_index = 1 if causes else 0
        self._choose()

    def _choose(self) -> None:
        index = self.chosen.index
        if index is None or index >= len(self.decoded):
            return
        item = self.decoded[index]
        views: list[w.Widget] = []
        for label, message in (("request", item.request), ("reply", item.reply)):
            if isinstance(message, PkiMessage):
                operation = item.operation
                text = (operation.message_text or "") if operation is not None and label == "request" else ""
                why = f"<br>{escape(visible(message.decrypt_error))}" if message.decrypt_error else ""
                views += [w.HTML(f"<h3>{label}</h3>{why}"), show(message, text=text, open_depth=4)]
        for certificate in item.ca_certificates:
            views.append(show(certificate.der, "Certificate", title=str(certificate)))
        self.onion.children = views or [w.HTML("No SCEP message in this exchange.")]

    def __repr__(self) -> str:
        if not self.decoded:
            return "Inspector: nothing to show yet"
        return to_markdown(self.decoded, self.materials)

    def _still(self) -> str:
        if not self.decoded:
            return "<p>Run this cell: two upload buttons, a box to paste into, and a button appear.</p>"
        sections = (
            ladder(self.decoded),
            causes_section(diagnose(self.decoded, self.materials)),
            findings_section(check_exchanges(self.decoded)),
        )
        return "<div>" + "".join(map(section_html, sections)) + "</div>"


def inspect_capture(source: str | bytes | Sequence[Exchange] = (), materials: Materials = NO_MATERIALS) -> Inspector:
    """Return an inspector, empty or with a capture (a path, octets, text, or exchanges) already in it.

    Raises InputError where the source cannot be read.
    """
    exchanges = read_capture(source) if isinstance(source, str | bytes) else source
    return Inspector(exchanges, materials)
