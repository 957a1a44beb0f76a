"""Output of notebooks: offsets are correct, and text from messages never becomes markup."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbclient import NotebookClient
from nbconvert import HTMLExporter

import sceplab
import sceplab.widgets
from sceplab.asn1 import oids
from sceplab.cms.verify import Check
from sceplab.cms.x509 import parse_certificate
from sceplab.schema import Node, describe
from sceplab.schema.coverage import coverage_of
from sceplab.views.viewer import layers_to_show, viewer_state
from sceplab.widgets import hexdump, show, show_checks, show_differences, table, what_if
from sceplab.widgets.live import LiveView
from tests.helpers.captures import DATA, ROOT, key, messages, real_messages
from tests.helpers.certificates import make_certificate
from tests.helpers.html import assert_harmless
from tests.helpers.notebooks import write_notebook

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(1)>&amp;\u202eevil\u0000\x1b[31m'


def _html(view: LiveView) -> str:
    bundle = view._repr_mimebundle_()
    assert bundle is not None
    html: str = bundle[0]["text/html"]
    return html


def test_markup_in_names_and_passwords_is_escaped() -> None:
    """A subject, a challengePassword, a check and a table have markup and control characters."""
    name = sceplab.build_name([[sceplab.NameAttribute(oids.COMMON_NAME, HOSTILE, "UTF8String")]])
    csr = sceplab.build_csr(name, key("r3"), challenge_password=HOSTILE, challenge_type=0x0C)
    html = _html(show(csr, "CertificationRequest"))
    assert "&lt;script&gt;" in html
    assert_harmless(html)
    assert_harmless(show_checks([Check(HOSTILE, sceplab.Outcome.FAILED, HOSTILE)])._repr_html_())
    assert_harmless(table((HOSTILE,), [(HOSTILE,)])._repr_html_())
    assert "\x1b" not in repr(show(csr, "CertificationRequest"))


@given(st.binary(max_size=400))
def test_any_bytes_can_be_shown(data: bytes) -> None:
    """Bytes that are not ASN.1 are shown as far as they parse."""
    for kind in ("ContentInfo", "CertificationRequest", "Certificate"):
        assert_harmless(_html(show(data, kind)))


def test_real_messages_show_signer_and_attribute_names() -> None:
    """The text view names the signer, the signed attributes and the SCEP attributes."""
    # The shared files also have bare requests and certificates, which are skipped.
    found = [raw for raw in real_messages() if b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02" in raw[:30]]
    assert len(found) >= 10
    for raw in found:
        view = show(raw)
        assert_harmless(_html(view))
        assert "content SignedData" in repr(view)
        named = {"signerInfo SignerInfo", "signedAttrs Attributes", "messageType PrintableString", "transactionID "}
        if sceplab.parse_signed(raw).signer_infos:
            assert [n for n in named if n not in repr(view)] == []


def test_shown_offsets_match_the_bytes() -> None:
    """The message has the shown bytes at each shown offset."""
    (message, *_) = messages(DATA / "specimen")
    html = _html(show(message.raw, open_depth=99))
    found = re.findall(r"<pre><code> *(\d+)  ([0-9a-f ]+):", html)
    assert len(found) > 100
    for offset, header in found:
        octets = bytes.fromhex(header)
        assert message.raw[int(offset) : int(offset) + len(octets)] == octets


def test_control_characters_in_a_title_are_escaped() -> None:
    """A title may be a file name. Its bidi characters must not reorder the line."""
    view = show(b"\x05\x00", "ANY", title=HOSTILE)
    for shown in (view.title, view.buffers[0]["title"], repr(view), _html(view)):
        assert "\\u202e" in shown
        assert not {"\u202e", "\x1b", "\0"} & set(shown)


def test_python_selects_by_offset_name_and_end_of_a_path() -> None:
    """The rules are those of "Go to" in the view. An unknown place raises LookupError."""
    (message, *_) = messages(DATA / "specimen")
    view = show(message)
    assert view.selection is None
    whole = "content.signerInfos.signerInfo.signedAttrs.senderNonce.senderNonce"
    for place in (whole, "senderNonce", "senderNonce.senderNonce", view.select(whole).start):
        assert view.select(place).raw[:5] == bytes.fromhex("0410 000102")
        assert view.path == whole
    assert view.select("certificationRequestInfo.subject").name == "subject"
    assert view.selected[0] == 1
    for nowhere in ("no.such.place", "senderNonc", 10**6):
        with pytest.raises(LookupError):
            view.select(nowhere)


def test_guesses_are_marked_in_static_output() -> None:
    """In HTML and in text. Without `probe` there is no guess."""
    data = bytes.fromhex("3007 0405 3003 020107")
    asked = show(data, "ANY", probe=True)
    assert (_html(asked).count("(guess)"), repr(asked).count("(guess)")) == (2, 2)
    assert "guess" not in _html(show(data, "ANY")) + repr(show(data, "ANY"))


def test_python_returns_elements_opened_in_the_browser() -> None:
    """A guess inside a string and an element after the end are selected in the browser."""
    view = show(bytes.fromhex("3009 0407 3005 0203 010203 3003 020107 0500"), "ANY")
    for offset, octets, guess in ((4, "3005 0203 010203", True), (11, "3003 020107", False), (13, "020107", False)):
        view.selected = [0, offset]
        assert view.selection is not None
        assert (view.selection.raw, view.selection.guess) == (bytes.fromhex(octets), guess)
    for strange in ([0, 1], [0, 99], [7, 0], []):
        view.selected = strange
        assert view.selection is None
        assert view.path == ""


def test_the_viewer_s_css_applies_only_to_the_viewer() -> None:
    """Other views in the page have classes with the same names."""
    text = (ROOT / "sceplab" / "views" / "static" / "viewer.css").read_text("utf-8")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    outside, depth, start = [], 0, 0
    for at, character in enumerate(text):
        if character == "{":
            if depth == 0:
                outside.append(text[start:at].strip())
            depth += 1
        elif character == "}":
            depth -= 1
            start = at + 1
    assert depth == 0
    assert outside
    assert [s for s in outside if ".sceplab-viewer" not in s] == []


def test_the_lab_is_imported_on_first_use() -> None:
    """Message views work without the lab's libraries. If these are missing, a lab view names what to install."""
    code = """
import sys
import sceplab.widgets
from sceplab.widgets import show, table
loaded = {m for m in sys.modules if m.split(".")[0] in {"requests", "tornado"} or m.startswith("sceplab.lab")}
assert not loaded, loaded
from sceplab.widgets import LabView
assert LabView.__name__ == "LabView"
assert "sceplab.lab.network" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    missing = "import sys; sys.modules['tornado'] = None; from sceplab.widgets import show, EnrollmentForm"
    done = subprocess.run([sys.executable, "-c", missing], capture_output=True, text=True, check=False)
    assert 'need requests and tornado: pip install "sceplab[lab]"' in done.stderr
    assert not hasattr(sceplab.widgets, "Nothing")


def test_each_layer_is_described_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The viewer, the coverage and the static output share the tree of a layer."""
    (message, *_) = messages(DATA / "specimen")
    described = []

    def counted(data: bytes, *args: Any, **options: Any) -> Node:
        described.append(len(data))
        return describe(data, *args, **options)

    monkeypatch.setattr("sceplab.schema.layers.describe", counted)
    view = show(message)
    _html(view)
    assert view.select("senderNonce").name == "senderNonce"
    assert len(described) == len(view.layers) == 2


def test_a_state_is_json_and_bytes() -> None:
    """A page without a kernel gets the same state as a widget."""
    (message, *_) = messages(DATA / "specimen")
    layers = layers_to_show(message, text="TUlJ")
    state = viewer_state(layers, coverage_of(layers), message, title="base64")
    assert state["data"] == b"".join(layer.data for layer in layers)
    assert json.loads(json.dumps({**state, "data": ""})) == {**state, "data": ""}
    assert [one["how"] for one in state["buffers"]] == ["", "base64 decoded", "decrypted"]
    view = show(message, text="TUlJ")
    assert {name: getattr(view, name) for name in state} == state


def test_the_facts_of_a_message() -> None:
    """The facts name places that exist, say when no key opens the message, and when its signature is wrong."""
    request, reply = messages(DATA / "specimen")
    for message in (request, reply):
        view = show(message)
        assert [f["about"] for f in view.facts][:1] == ["message"]
        for fact in view.facts:
            assert view.select(fact["offset"], fact["buffer"]).start == fact["offset"]
    assert {f["about"]: f["text"] for f in show(reply).facts}["status"] == "SUCCESS"
    broken = sceplab.decode_message(request.raw[:-1] + bytes([request.raw[-1] ^ 1]))
    said = {f["about"]: f["text"] for f in show(broken).facts}
    assert (said["signature"], said["content"]) == ("failed", "closed: no key")
    assert "for" not in said
    assert [r["verdict"] for r in show(broken).regions if r["title"] == "signature"] == ["failed"]
    assert show(request.raw).facts == []


def test_weak_algorithms_are_facts_in_two_words() -> None:
    """Why they are weak is in the tree; a long name is cut with a sign."""
    request, _ = messages(DATA / "captures" / "micromdm-wrongchallenge")
    said = {f["about"]: f["text"] for f in show(request).facts}
    assert (said["digest"], said["cipher"]) == ("sha1, weak", "des-cbc, weak")
    certificate = parse_certificate(make_certificate("x" * 64, key("r3")))
    long = replace(request, verification=replace(request.verification, signer=certificate))
    (name,) = [f["text"] for f in show(long).facts if f["about"] == "from"]
    assert name == "x" * 56 + " ..."


def test_a_table_refuses_rows_of_another_width() -> None:
    """Such a row is a programming error, not bad input."""
    with pytest.raises(ValueError, match="cells"):
        table(("a", "b"), [("1",)])


def test_hexdump() -> None:
    """Offsets, hex, ASCII, and the number of omitted bytes."""
    assert hexdump(b"AB\x00" * 6, start=16, limit=16).splitlines() == [
        "   16  41 42 00 41 42 00 41 42 00 41 42 00 41 42 00 41  AB.AB.AB.AB.AB.A",
        "       ... 2 more bytes",
    ]


def test_a_selection_from_the_browser_sets_the_trait_and_is_echoed() -> None:
    """Observers are called. The only answer is the message itself: a trait update could undo a later selection."""
    view = show(messages(DATA / "specimen")[0])
    told: list[object] = []
    sent: list[object] = []
    view.observe(lambda change: told.append(change["new"]), names=["selected"])
    view._send = lambda content, buffers=None: sent.append((content, buffers))
    message = {"kind": "set", "name": "selected", "value": [0, 30], "window": "w", "number": 1}
    view._handle_custom_msg(message, [])
    assert view.selected == told[0] == [0, 30]
    assert view.path == "content.digestAlgorithms.digestAlgorithm.algorithm"
    assert sent == [({"method": "custom", "content": message}, None)]


def test_decoded_messages_can_be_compared() -> None:
    """Two messages are compared as their bytes are."""
    first, second = messages(DATA / "specimen")
    made, plain = show_differences(first, second), show_differences(first.raw, second.raw)
    assert made.rows == plain.rows


def test_what_if_uses_what_opened_the_message() -> None:
    """The key or password that opened a decoded message opens it after a change, too."""
    view = what_if(sceplab.decode_message(messages(DATA / "specimen")[0].raw, keys=[key("ca")]))
    assert view.message.opened is not None
    view.set_content("transactionID", "other")
    assert view.message.opened is not None
    assert repr(key("ca")) not in repr(view.message)


@pytest.mark.parametrize("stdin", [False, True])
def test_an_exported_notebook_shows_the_still(stdin: bool, tmp_path: Path) -> None:
    """A page made by nbconvert has the still; a widget would have to be loaded from the internet."""
    source = "from sceplab.widgets import show\nshow(b'\\x02\\x01\\x07', 'ANY')"
    (tmp_path / "notebooks").mkdir()
    write_notebook(tmp_path, "show", source)
    notebook: Any = nbformat.read(tmp_path / "notebooks" / "show.ipynb", 4)  # type: ignore[no-untyped-call]
    client = NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}})
    client.create_kernel_manager()
    with client.setup_kernel():
        assert client.kc is not None
        client.kc.allow_stdin = stdin
        client.execute_cell(notebook.cells[0], 0)
        client.set_widgets_metadata()
    html, _ = HTMLExporter().from_notebook_node(notebook)  # type: ignore[no-untyped-call]
    still = "<summary><b>INTEGER</b>" in html
    assert still is not stdin, "with a person at the kernel the live view is shown"
