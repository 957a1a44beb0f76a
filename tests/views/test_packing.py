"""What is packed for a page is unpacked by its script to the same state."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from sceplab.analysis.compare import compare
from sceplab.analysis.faults.model import Side
from sceplab.schema.coverage import coverage_of
from sceplab.views import viewer
from sceplab.views.difference import difference_state
from sceplab.views.inspector import text_of
from sceplab.views.packing import Packer, packed_json, text_form, written
from sceplab.views.state import LabelsFound, PageExchange, PagePart, ViewerState
from sceplab.views.viewer import labels_later, layers_to_show, viewer_state
from tests.helpers.captures import DATA, capture_folders, decoded, in_node, message_places, messages, needs, place_name
from tests.helpers.certificates import make_crl

pytestmark = needs("node")

_UNPACK = """
    const { Book, diffState, viewerState } = await load("saved/book.js");
    const { unpacked } = await load("saved/book.js");
    const state = JSON.parse(new TextDecoder().decode(await unpacked(given.index)));
    const book = new Book(state, given.packs);
    const text = (view) => Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString("base64");
    const out = [];
    for (const number of given.numbers) {
        const found = await book.exchange(number);
        if (!found) { out.push(null); continue; }
        out.push(found.exchange.request.map(({ view, diff }) => {
            if (diff) {
                const made = diffState(diff, found.bytes);
                return { ...made, first: text(made.first), second: text(made.second) };
            }
            const made = viewerState(view, state.kinds, found.bytes);
            return { ...made.state, data: text(made.state.data), later: made.later };
        }));
    }
    return out;
"""


def _unpack(packer: Packer, numbers: list[int]) -> list[Any]:
    index = packed_json({"packs": packer.held, "kinds": packer.kinds})
    out: list[Any] = in_node(_UNPACK, {"index": index, "packs": packer.packs, "numbers": numbers})
    return out


def _exchange(*parts: PagePart) -> PageExchange:
    return {"request": list(parts), "reply": [], "findings": [], "more": 0}


def _expected(state: ViewerState, later: list[LabelsFound]) -> dict[str, Any]:
    return {**state, "data": base64.b64encode(state["data"]).decode(), "later": later}


def _states(place: Path) -> list[ViewerState]:
    found = []
    for item in decoded(place):
        for side, message in ((Side.REQUEST, item.request), (Side.REPLY, item.reply)):
            if message is not None:
                layers = layers_to_show(message, text=text_of(item, side))
                found.append(viewer_state(layers, coverage_of(layers), message, title="<a>"))
    return found


@pytest.mark.parametrize("place", [p for p in message_places() if p.is_dir()], ids=place_name)
def test_a_page_has_the_state_that_a_widget_has(place: Path) -> None:
    """For every message of the real captures: labels, bytes of each layer, and all the rest are the same."""
    packer, states = Packer(), _states(place)
    for number, state in enumerate(states):
        state["selected"], state["lit"] = [0, 4], 1
        packer.add(number, _exchange({"head": "", "text": "", "lines": False, "view": packer.view(state)}))
    packer.finish()
    got = _unpack(packer, [*range(len(states)), len(states)])
    assert got == [*([_expected(state, [])] for state in states), None]


def test_what_can_be_worked_out_is_not_packed() -> None:
    """The base64 text of a GET, in lines and with escapes, and the hex of nonces are not written."""
    (state,) = [s for s in _states(DATA / "specimen") if s["buffers"][0]["type"] == "text"]
    view = Packer().view(state)
    text = state["buffers"][0]["length"]
    assert view["text"] is not None
    assert view["length"] == len(state["data"]) - text
    values = [row[3] for rows in view["labels"] for row in rows]
    assert [2, 16] in values
    assert len(values) > 100


def test_later_packs_are_opened_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """With small packs each exchange has its own, and its bytes are found in it."""
    monkeypatch.setattr("sceplab.views.packing._PACK", 1)
    packer = Packer()
    states = _states(capture_folders()[0])
    for number, state in enumerate(states):
        packer.add(7 * number, _exchange({"head": "", "text": "", "lines": False, "view": packer.view(state)}))
    assert packer.held == [[7 * number] for number in range(len(states))]
    assert packer.size == sum(map(len, packer.packs))
    got = _unpack(packer, [7 * (len(states) - 1), 0])
    assert got == [[_expected(states[-1], [])], [_expected(states[0], [])]]


def test_labels_of_a_large_layer_are_kept_for_later() -> None:
    """A CRL names its outermost elements at once; the page has the names of the others too."""
    layers = layers_to_show(make_crl(1500, reasons=True), "CertificateList")
    state = viewer_state(layers, coverage_of(layers))
    assert len(state["labels"][0]) < 400
    (later,) = labels_later(layers)
    names = {label["start"]: label for label in later["labels"]}
    assert len(names) > 9000
    (reply,) = [viewer.labels_found(layers, 0, [start]) for start in list(names)[5000:5001]]
    assert reply["labels"] == [names[list(names)[5000]]]
    packer = Packer()
    packer.add(0, _exchange({"head": "", "text": "", "lines": False, "view": packer.view(state, [later])}))
    packer.finish()
    assert _unpack(packer, [0]) == [[_expected(state, [later])]]
    assert len(labels_later(layers, 100)[0]["labels"]) == 100
    assert labels_later(layers_to_show(messages(DATA / "specimen")[0])) == []


def test_a_page_has_the_state_of_a_comparison() -> None:
    """Rows, and the bytes of both sides."""
    first, second = (m.raw for m in messages(capture_folders()[0])[:2])
    state = difference_state(first, second, ("a", "<b>"), compare(first, second, "ContentInfo"))
    packer = Packer()
    packer.add(0, _exchange({"head": "", "text": "", "lines": False, "diff": packer.diff(state)}))
    packer.finish()
    both = {side: base64.b64encode(data).decode() for side, data in (("first", first), ("second", second))}
    assert _unpack(packer, [0]) == [[{**state, **both}]]


# Bytes whose base64 has "+", "/" and "=".
_DATA = bytes.fromhex("30020500") + bytes(range(256)) + b"\xfb\xff\xfe\xff\xff"
assert len(_DATA) % 3 == 1
_PLAIN = base64.b64encode(_DATA).decode()


def _lines(text: str, size: int, between: str) -> str:
    return between.join(text[i : i + size] for i in range(0, len(text), size))


def _length(text: str) -> str:
    return f"{len(text)} characters"


@pytest.mark.parametrize(
    "text",
    [
        _PLAIN,
        f"{_PLAIN}\n",
        _PLAIN.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D"),
        _PLAIN.replace("+", "%2b").replace("/", "%2f").replace("=", "%3d") + "&x=1",
        _PLAIN.replace("+", "%2B"),
        _PLAIN.replace("+", " "),
        _PLAIN.replace("+", "-").replace("/", "_"),
        _PLAIN.rstrip("="),
        _PLAIN.replace("+", "-").replace("/", "_").rstrip("="),
        _lines(_PLAIN, 64, "\n") + "\n",
        _lines(_PLAIN, 76, "\r\n"),
        _lines(_PLAIN, 64, "%0A").replace("+", "%2B") + "%0A",
        "%0D%0A".join(
            part.replace("+", "%2B").replace("=", "%3D").replace("/", "%2F")
            for part in _lines(_PLAIN, 60, "\n").split("\n")
        ),
    ],
    ids=_length,
)
def test_base64_text_is_written_from_its_bytes(text: str) -> None:
    """In lines, escaped, URL-safe, with and without an end: Python and JavaScript write the same text."""
    form = text_form(text.encode(), _DATA)
    assert form is not None
    assert written(form, _DATA) == text.encode()
    code = 'const { written } = await load("saved/book.js"); return Buffer.from(written(...given)).toString("latin1");'
    as_bytes = code.replace("...given", "given[0], Uint8Array.from(given[1])")
    assert in_node(as_bytes, [form, list(_DATA)]) == text


@pytest.mark.parametrize("text", ["", "AAAA", "\xff" * 50, f"x{_PLAIN}", _PLAIN[:40] + "?" + _PLAIN[40:]], ids=_length)
def test_text_of_another_kind_is_kept(text: str) -> None:
    """It is no base64 of these bytes."""
    assert text_form(text.encode("utf-8"), _DATA) is None
