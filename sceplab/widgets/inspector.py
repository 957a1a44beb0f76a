"""The reader's own capture: files or text in; ladder, layers, findings, causes and a report out.

Rule: buttons and boxes only; `sceplab.views.inspector` makes what is shown. What
is uploaded stays in the memory of this process, and the password boxes are
cleared once they were used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ipywidgets as w

from sceplab.analysis.analyse import Analysis, analyse
from sceplab.analysis.faults.model import Side
from sceplab.capture import read_capture
from sceplab.capture.reading import Capture
from sceplab.errors import InputError, ScepError
from sceplab.files import read_certificates, read_private_keys
from sceplab.report.markdown import to_markdown
from sceplab.scep.conversation import NO_MATERIALS, DecodedExchange, Materials, decode_exchanges
from sceplab.scep.transport import Exchange
from sceplab.views.inspector import (
    Opened,
    Said,
    causes_html,
    findings_html,
    inspector_html,
    message_parts,
    report_links_html,
    selected_at_first,
    summary_html,
)
from sceplab.views.page import inspector_page
from sceplab.views.text import compact, safe
from sceplab.walk.settings import set_capture
from sceplab.widgets.ladder import Ladder
from sceplab.widgets.live import AS_A_WHOLE, Saved, Still
from sceplab.widgets.viewer import Asn1Viewer

_HINT = "a URL, log lines with it, base64, a hex dump, a router's debug output"


class Inspector(Saved, Still, w.VBox):  # type: ignore[misc]
    """What `inspect_capture` shows; cells can use `decoded` and `materials`.

    `ladder` is the ladder diagram; the message that is selected there is shown below it.
    """

    def __init__(self, exchanges: Sequence[Exchange], materials: Materials, source: str | bytes = b"") -> None:
        """Lay it out, and show the exchanges if there are any; `source` is where they are from."""
        self.source = source
        self.exchanges: Sequence[Exchange] = exchanges if isinstance(exchanges, Capture) else tuple(exchanges)
        self.materials = materials
        self.decoded: list[DecodedExchange] = []
        self._analysis = Analysis()
        self.capture = w.FileUpload(description="Capture", multiple=False, layout=w.Layout(width="11em"))
        self.paste = w.Textarea(
            description="Or paste",
            placeholder=_HINT,
            layout=w.Layout(flex="1 1 auto", width="auto", height="4.5em"),
            style={"description_width": "initial"},
            **AS_A_WHOLE,
        )
        self.held = w.FileUpload(description="Keys, certificates", multiple=True, layout=w.Layout(width="15em"))
        self.passphrase = _secret("Key passphrase (optional)")
        self.challenge = _secret("Expected challengePassword (optional)")
        self.button = w.Button(description="Decode", button_style="primary", layout=w.Layout(width="auto"))
        self.forget = w.Button(
            description="Clear", tooltip="Forget the capture, keys and passwords", layout=w.Layout(width="auto")
        )
        self.walk = w.Button(
            description="Walk through it",
            tooltip="Notebooks 01 to 05 will take apart the message selected in the ladder",
            layout=w.Layout(width="auto"),
        )
        self.walked = w.HTML()
        self.status = w.HTML()
        self.ladder = Ladder()
        self.onion = w.VBox(layout=w.Layout(flex="3 1 440px", min_width="0"))
        self.causes, self.found = w.HTML(), w.HTML()
        self.side = w.Tab([self.causes, self.found], layout=w.Layout(flex="2 1 300px", min_width="0"))
        self.side.titles = ("Why it failed", "RFC violations")
        self.links = w.HTML()
        wrapped = w.Layout(flex_flow="row wrap", align_items="flex-start")
        super().__init__(
            [
                w.HBox([self.capture, self.paste]),
                w.HBox([self.held, self.passphrase, self.challenge, self.button, self.forget], layout=wrapped),
                self.status,
                self.ladder,
                w.HBox([self.onion, self.side], layout=w.Layout(flex_flow="row wrap", overflow="visible")),
                w.HBox([self.links, self.walk], layout=w.Layout(flex_flow="row wrap", align_items="center")),
                self.walked,
            ]
        )
        self.button.on_click(self._take_apart)
        self.forget.on_click(self._forget)
        self.walk.on_click(self._write_walk)
        self.ladder.observe(lambda _: self._choose(), names=["selected"])
        self._show()

    # ---------------------------------------------------------- what was given

    def _take_apart(self, _button: object) -> None:
        """Read what was uploaded or pasted, or show in one line why it cannot be read."""
        try:
            if self.held.value or self.challenge.value:
                self.materials = self._with_held()
            if self.capture.value:
                self.source = bytes(self.capture.value[0]["content"])
                self.exchanges = read_capture(self.source)
            elif self.paste.value.strip():
                self.source = self.paste.value.encode()
                self.exchanges = read_capture(self.source)
            if not self.exchanges and not getattr(self.exchanges, "remarks", ()):
                raise InputError("choose a capture, or paste something into the box")
        except ScepError as error:
            self.status.value = compact(f"<b>Not read:</b> {safe(str(error))}")
            return
        finally:
            self._empty()
        self._show()

    def _forget(self, _button: object) -> None:
        self.exchanges, self.materials, self.paste.value, self.source = (), NO_MATERIALS, "", b""
        self._empty()
        self._show()

    def _write_walk(self, _button: object) -> None:
        """Set the capture, and the message selected in the ladder, for notebooks 01 to 05."""
        index = self.ladder.selected.get("exchange")
        number = index if isinstance(index, int) and self.decoded[index].request is not None else None
        try:
            path = set_capture(Path.cwd(), self.source, number)
        except ScepError as error:
            self.walked.value = compact(f"<b>Not written:</b> {safe(str(error))}")
            return
        self.walked.value = compact(
            f"Notebooks 01 to 05 now open this capture: run them again. It is named in <code>{safe(path.name)}</code>, "
            "beside them. Keys are not copied: write the paths of their files into <code>keys</code> there. "
            "To go back to the specimen, delete the file."
        )

    def _empty(self) -> None:
        """Clear what a saved notebook could contain: uploads and passwords."""
        self.passphrase.value = self.challenge.value = ""
        self.capture.value = self.held.value = ()

    def _with_held(self) -> Materials:
        """Return the keys, certificates and passwords held before and those added now."""
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
        capture = self.exchanges if isinstance(self.exchanges, Capture) else None
        self._analysis = analyse(self.decoded, self.materials, capture=capture)
        causes = self._analysis.causes
        there = bool(self.decoded)
        self.walked.value = ""
        self.walk.layout.display = "none" if not self.source or all(d.request is None for d in self.decoded) else None
        for part in (self.ladder, self.onion, self.side, self.links):
            part.layout.display = None if there else "none"
        if not there:
            self.status.value = "Choose a capture or paste something, then press <b>Decode</b>."
            self.ladder.show(())
            self.onion.children = ()
            self.links.value = self.causes.value = self.found.value = ""
            return
        self.status.value = compact(summary_html(self._analysis, self.materials))
        self.links.value = compact(report_links_html(self._analysis))
        self.causes.value = compact(causes_html(self._analysis))
        self.ladder.show(self.decoded)
        self.ladder.selected = {}
        self.side.selected_index = 0 if causes else 1
        self.ladder.select(*selected_at_first(self.decoded, causes))

    def _choose(self) -> None:
        """Show what is selected in the ladder."""
        index, side = self.ladder.selected.get("exchange"), self.ladder.selected.get("side")
        if not isinstance(index, int) or not 0 <= index < len(self.decoded):
            return
        parts = message_parts(self.decoded[index], Side.REQUEST if side == Side.REQUEST else Side.REPLY)
        self.onion.children = [_shown(part) for part in parts]
        self.found.value = compact(findings_html(self._analysis, index))

    def __repr__(self) -> str:
        if not self.decoded:
            return "Inspector: nothing to show yet"
        return to_markdown(self._analysis)

    def _page(self, *, show_secrets: bool) -> str:
        if not self.decoded:
            raise InputError("nothing is saved: decode a capture first")
        capture = self.exchanges if isinstance(self.exchanges, Capture) else None
        analysis = analyse(self.decoded, self.materials, capture=capture, show_secrets=show_secrets)
        return inspector_page(analysis)[0]

    def _still(self) -> str:
        if not self.decoded:
            return "<p>Run this cell: two upload buttons, a text box and a button appear.</p>"
        return inspector_html(self._analysis)


def _secret(label: str) -> w.Password:
    return w.Password(
        description=label,
        layout=w.Layout(width="auto"),
        style={"description_width": "initial"},
        **AS_A_WHOLE,
    )


def _shown(part: Said | Opened) -> w.Widget:
    if isinstance(part, Said):
        return w.HTML(compact(part.html))
    return Asn1Viewer(part.layers, part.message, title=part.title, open_depth=part.open_depth)


def inspect_capture(source: str | bytes | Sequence[Exchange] = (), materials: Materials = NO_MATERIALS) -> Inspector:
    """Return an inspector, empty or with a capture: a path, bytes, text, or exchanges.

    Raises InputError for a source that cannot be read.
    """
    exchanges = read_capture(source) if isinstance(source, str | bytes) else source
    return Inspector(exchanges, materials, source if isinstance(source, str | bytes) else b"")
