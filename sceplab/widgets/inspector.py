"""Bring your own capture: files or text in, then who sent what, the onion, findings, causes, a report.

Rule: buttons and boxes only; everything shown is made by the core. What is
uploaded stays in this process's memory, and the password boxes are emptied once
they were used.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import ipywidgets as w

from sceplab.analysis.checks import Finding, check_exchanges
from sceplab.analysis.diagnose import Cause, diagnose
from sceplab.capture import read_capture
from sceplab.errors import InputError, ScepError
from sceplab.files import read_certificates, read_private_keys
from sceplab.report.page import causes_section, findings_section, ladder_section, section_html, to_html, to_markdown
from sceplab.scep.capabilities import parse_caps
from sceplab.scep.conversation import NO_MATERIALS, DecodedExchange, Materials, decode_exchanges
from sceplab.scep.transport import Exchange
from sceplab.widgets.ladder import Ladder
from sceplab.widgets.live import Still
from sceplab.widgets.text import safe
from sceplab.widgets.viewer import show

_HINT = "or paste: a URL, log lines with it, base64, a hex dump, a router's debug output"


class Inspector(Still, w.VBox):  # type: ignore[misc]
    """What `inspect_capture` shows. `decoded` and `materials` are for cells that want to go on.

    `ladder` is the ladder diagram; what is selected there is shown below it.
    """

    def __init__(self, exchanges: Sequence[Exchange], materials: Materials) -> None:
        """Lay it out, and show the exchanges if there are any."""
        self.exchanges, self.materials = tuple(exchanges), materials
        self.decoded: list[DecodedExchange] = []
        self._causes: list[Cause] = []
        self._findings: list[Finding] = []
        self.capture = w.FileUpload(description="Capture", multiple=False, layout=w.Layout(width="11em"))
        self.paste = w.Textarea(placeholder=_HINT, layout=w.Layout(flex="1 1 auto", width="auto", height="4.5em"))
        self.held = w.FileUpload(description="Keys, certificates", multiple=True, layout=w.Layout(width="15em"))
        self.passphrase = w.Password(placeholder="their passphrase", layout=w.Layout(width="10em"))
        self.challenge = w.Password(placeholder="challenge expected", layout=w.Layout(width="11em"))
        self.button = w.Button(description="Take it apart", button_style="primary", layout=w.Layout(width="auto"))
        self.forget = w.Button(
            description="Forget all", tooltip="the capture, the keys and the passwords", layout=w.Layout(width="auto")
        )
        self.status = w.HTML()
        self.ladder = Ladder()
        self.onion = w.VBox(layout=w.Layout(flex="3 1 440px", min_width="0"))
        self.causes, self.found = w.HTML(), w.HTML()
        self.side = w.Tab([self.causes, self.found], layout=w.Layout(flex="2 1 300px", min_width="0"))
        self.side.titles = ("Why it failed", "Rules broken")
        self.links = w.HTML()
        wrapped = w.Layout(flex_flow="row wrap", align_items="flex-start")
        super().__init__(
            [
                w.HBox([self.capture, self.paste]),
                w.HBox([self.held, self.passphrase, self.challenge, self.button, self.forget], layout=wrapped),
                self.status,
                self.ladder,
                w.HBox([self.onion, self.side], layout=w.Layout(flex_flow="row wrap", overflow="visible")),
                self.links,
            ]
        )
        self.button.on_click(self._take_apart)
        self.forget.on_click(self._forget)
        self.ladder.observe(lambda _: self._choose(), names=["selected"])
        self._show()

    # ---------------------------------------------------------- what was given

    def _take_apart(self, _button: object) -> None:
        """Read what was uploaded or pasted; say in one line what is wrong with it."""
        try:
            if self.held.value or self.challenge.value:
                self.materials = self._with_held()
            if self.capture.value:
                self.exchanges = tuple(read_capture(bytes(self.capture.value[0]["content"])))
            elif self.paste.value.strip():
                self.exchanges = tuple(read_capture(self.paste.value.encode()))
            if not self.exchanges:
                raise InputError("choose a capture, or paste something into the box")
        except ScepError as error:
            self.status.value = f"<b>Not read:</b> {safe(str(error))}"
            return
        finally:
            self._empty()
        self._show()

    def _forget(self, _button: object) -> None:
        self.exchanges, self.materials, self.paste.value = (), NO_MATERIALS, ""
        self._empty()
        self._show()

    def _empty(self) -> None:
        """Empty what could end in a saved notebook: uploads and passwords."""
        self.passphrase.value = self.challenge.value = ""
        self.capture.value = self.held.value = ()

    def _with_held(self) -> Materials:
        """Return what was held before and what was added now."""
        passphrase: bytes = self.passphrase.value.encode()

        def ask(name: str) -> bytes:
            if not passphrase:
                raise InputError(f"{name} is protected: type its passphrase")
            return passphrase

        keys, names = list(self.materials.keys), list(self.materials.key_names)
        certificates, errors = list(self.materials.certificates), []
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
                    certificates += [c for c in found if c not in certificates]
            if not read:
                raise InputError(errors[-2])
        passwords = (self.challenge.value.encode(),) if self.challenge.value else self.materials.passwords
        return replace(
            self.materials,
            keys=tuple(keys),
            certificates=tuple(certificates),
            passwords=passwords,
            legacy=True,
            key_names=tuple(names),
        )

    # ---------------------------------------------------------- what is shown

    def _show(self) -> None:
        self.decoded = decode_exchanges(self.exchanges, self.materials)
        self._causes = diagnose(self.decoded, self.materials)
        self._findings = check_exchanges(self.decoded)
        there = bool(self.decoded)
        for part in (self.ladder, self.onion, self.side, self.links):
            part.layout.display = None if there else "none"
        if not there:
            self.status.value = "Choose a capture or paste something, then <b>Take it apart</b>."
            self.ladder.show(())
            self.onion.children = ()
            self.links.value = self.causes.value = self.found.value = ""
            return
        first = self._causes[0] if self._causes else None
        told = f"<b>{safe(first.kind.words)}</b>" if first is not None else "No failure was seen."
        self.status.value = (
            f"{_count(self.decoded, 'exchange')}, {_count(self.materials.keys, 'key')}, "
            f"{_count(self.materials.certificates, 'certificate')}. {told}"
        )
        reports = (("report.html", "text/html", to_html), ("report.md", "text/markdown", to_markdown))
        self.links.value = "Report for a ticket, secrets masked: " + " ".join(
            f'<a download="{name}" href="data:{kind};base64,'
            f'{base64.b64encode(make(self.decoded, self.materials).encode()).decode()}">{name}</a>'
            for name, kind, make in reports
        )
        self.causes.value = _causes_html(self._causes)
        index = first.exchange if first is not None else _first_message(self.decoded)
        self.ladder.show(self.decoded)
        self.ladder.selected = {}
        item = self.decoded[index]
        self.side.selected_index = 0 if self._causes else 1
        self.ladder.select(index, "request" if item.exchange.request is not None else "reply")

    def _choose(self) -> None:
        """Show what is selected in the ladder."""
        index, side = self.ladder.selected.get("exchange"), self.ladder.selected.get("side")
        if not isinstance(index, int) or not 0 <= index < len(self.decoded):
            return
        self.onion.children = list(_views(self.decoded[index], str(side)))
        self.found.value = _findings_html(self._findings, index)

    def __repr__(self) -> str:
        if not self.decoded:
            return "Inspector: nothing to show yet"
        return to_markdown(self.decoded, self.materials)

    def _still(self) -> str:
        if not self.decoded:
            return "<p>Run this cell: two upload buttons, a box to paste into, and a button appear.</p>"
        sections = (ladder_section(self.decoded), causes_section(self._causes), findings_section(self._findings))
        return "<div>" + "".join(map(section_html, sections)) + "</div>"


def _count(things: Sequence[object], word: str) -> str:
    return f"{len(things)} {word}{'' if len(things) == 1 else 's'}"


def _first_message(decoded: Sequence[DecodedExchange]) -> int:
    return next((i for i, d in enumerate(decoded) if d.request or d.reply), 0)


def _views(item: DecodedExchange, side: str) -> Iterable[w.Widget]:
    """Yield what shows one message of an exchange: its layers, certificates, or what HTTP carried."""
    exchange, message = item.exchange, item.request if side == "request" else item.reply
    for problem in exchange.problems:
        yield w.HTML(f"<p>{safe(str(problem))}</p>")
    if message is not None:
        operation = item.operation
        text = (operation.message_text or "") if operation is not None and side == "request" else ""
        if message.decrypt_error:
            yield w.HTML(f"<p><b>Not decrypted.</b> {safe(' '.join(message.decrypt_error.split()))}</p>")
        yield show(message, text=text, open_depth=4)
        return
    if side == "request" and item.csr is not None:
        yield show(item.csr.raw, "CertificationRequest", title="PKCS#10, alone", open_depth=4)
    for certificate in item.ca_certificates if side == "reply" else ():
        yield show(certificate.der, "Certificate", title=str(certificate))
    if side == "request" and exchange.request is not None and item.csr is None:
        yield w.HTML(f"<pre>{safe(exchange.request.method)} {safe(exchange.request.target[:2000])}</pre>")
    if side == "reply" and exchange.reply is not None and not item.ca_certificates:
        yield w.HTML(f"<p>HTTP {exchange.reply.status} {safe(exchange.reply.reason)}</p>")
        shown = parse_caps(exchange.reply.body[:4000])
        yield w.HTML("<pre>" + "\n".join(map(safe, shown)) + "</pre>")
    if side == "reply" and exchange.reply is None:
        yield w.HTML("<p>The capture has no reply to this request.</p>")


def _causes_html(causes: Sequence[Cause]) -> str:
    if not causes:
        return "<p>No failure was seen.</p>"
    return (
        "<ol>"
        + "".join(
            f"<li><b>{safe(c.kind.words)}</b> <i>{c.likelihood.name.lower()}</i>, "
            f"exchange [{c.exchange}]<br>{safe(c.evidence)}<br>{safe(c.kind.do)} "
            f"<small>{safe(c.kind.section)}</small></li>"
            for c in causes
        )
        + "</ol>"
    )


def _findings_html(findings: Sequence[Finding], index: int) -> str:
    """Return the findings of one exchange, and how many there are elsewhere."""
    mine = [f for f in findings if f.where.partition(" ")[0] == f"[{index}]"]
    rest = len(findings) - len(mine)
    order = ("MUST", "SHOULD", "info")
    mine.sort(key=lambda f: order.index(f.rule.level.value))
    listed = "".join(
        f"<li><b>{f.rule.level.value}</b> {safe(f.rule.text)}<br>{safe(f.where)}: {safe(f.found)}"
        f"{'<br>' + safe(f.rule.mend) if f.rule.mend else ''} <small>{safe(f.rule.section)}</small></li>"
        for f in mine
    )
    told = f"<ul>{listed}</ul>" if mine else "<p>Nothing in this exchange.</p>"
    return f"<p><b>Exchange [{index}]</b></p>{told}" + (f"<p>{rest} more in other exchanges.</p>" if rest else "")


def inspect_capture(source: str | bytes | Sequence[Exchange] = (), materials: Materials = NO_MATERIALS) -> Inspector:
    """Return an inspector, empty or with a capture (a path, octets, text, or exchanges) already in it.

    Raises InputError where the source cannot be read.
    """
    exchanges = read_capture(source) if isinstance(source, str | bytes) else source
    return Inspector(exchanges, materials)
