"""The ladder: lifelines, labels and order of arrows, as text and as HTML."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sceplab.analysis.faults.model import Side
from sceplab.capture import read_capture
from sceplab.report.ladder import ArrowState, drawn, lay_out
from sceplab.scep.conversation import DecodedExchange, decode_exchanges
from sceplab.scep.transport import Exchange, HttpReply, HttpRequest
from sceplab.widgets import Ladder
from tests.helpers import scenes
from tests.helpers.captures import DATA, capture_folders, certificate
from tests.helpers.captures import decoded as decoded_folder
from tests.helpers.scenes import WHEN, decode


def _between(exchange: Exchange, client: str, server: str, began: float, ended: float | None = None) -> Exchange:
    answered = None if ended is None else WHEN + timedelta(seconds=ended)
    return replace(exchange, client=client, server=server, time=WHEN + timedelta(seconds=began), answered=answered)


def _through_an_ra(ra_as_client: str, ra_as_server: str, *, ended: bool = True) -> list[DecodedExchange]:
    """Decode an enrollment of R3 through an RA, which asks the CA before it answers."""
    message = scenes.request()
    outer = _between(scenes.posted(message, scenes.reply()), "192.0.2.3:4000", ra_as_server, 0, 3 if ended else None)
    inner = _between(scenes.posted(message, scenes.reply()), ra_as_client, "192.0.2.1:80", 1, 2 if ended else None)
    return decode(outer, inner)


def test_a_host_that_is_client_and_server_has_one_lifeline() -> None:
    """Clients are left, servers right, the RA between them. The inner exchange lies within the outer one."""
    ladder = lay_out(_through_an_ra("192.0.2.2:4711", "192.0.2.2:8080"))
    assert ladder.lifelines == ("192.0.2.3", "192.0.2.2", "192.0.2.1:80")
    assert [(a.source, a.target, a.side) for a in ladder.arrows] == [
        (0, 1, "request"),
        (1, 2, "request"),
        (2, 1, "reply"),
        (1, 0, "reply"),
    ]
    assert [a.state for a in ladder.arrows] == [ArrowState.PLAIN, ArrowState.PLAIN, ArrowState.GOOD, ArrowState.GOOD]


def test_endpoints_with_one_name_share_a_lifeline() -> None:
    """When all run on one machine, only names distinguish the actors."""
    exchanges = _through_an_ra("127.0.0.1:4711", "127.0.0.1:8081")
    exchanges = [
        replace(d, exchange=replace(d.exchange, server=s))
        for d, s in zip(exchanges, ("127.0.0.1:8081", "127.0.0.1:8080"), strict=True)
    ]
    exchanges[0] = replace(exchanges[0], exchange=replace(exchanges[0].exchange, client="127.0.0.1:4000"))
    assert lay_out(exchanges).lifelines == ("127.0.0.1", "127.0.0.1:8081", "127.0.0.1:8080")
    names = {
        "127.0.0.1:4000": "R3",
        "127.0.0.1:4711": "R2 (RA)",
        "127.0.0.1:8081": "R2 (RA)",
        "127.0.0.1:8080": "R1 (CA)",
    }
    assert lay_out(exchanges, names).lifelines == ("R3", "R2 (RA)", "R1 (CA)")
    assert lay_out(exchanges, {"127.0.0.1": "all"}).lifelines == ("all",)


def test_without_times_the_order_is_kept() -> None:
    """A reply without a time follows its request. Exchanges keep their order if a time is missing or naive."""
    ladder = lay_out(_through_an_ra("192.0.2.2:4711", "192.0.2.2:8080", ended=False))
    assert [(a.exchange, a.side) for a in ladder.arrows] == [
        (0, "request"),
        (0, "reply"),
        (1, "request"),
        (1, "reply"),
    ]
    mixed = decode(scenes.caps(), replace(scenes.posted(scenes.request()), time=None))
    assert [a.exchange for a in lay_out(mixed).arrows] == [0, 0, 1, 1]
    naive = decode(scenes.caps(), replace(scenes.caps(), time=WHEN.replace(tzinfo=None)))
    assert [a.exchange for a in lay_out(naive).arrows] == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("exchange", "label", "state"),
    [
        (lambda: scenes.posted(scenes.request(), scenes.reply()), "CertRep SUCCESS", ArrowState.GOOD),
        (
            lambda: scenes.posted(scenes.request(), scenes.reply("2", fail="2")),
            "CertRep FAILURE badRequest",
            ArrowState.FAILED,
        ),
        (lambda: scenes.posted(scenes.request(), scenes.reply("3")), "CertRep PENDING", ArrowState.PENDING),
        (lambda: scenes.posted(scenes.request(), scenes.reply("7")), "CertRep", ArrowState.PLAIN),
        (
            lambda: scenes.posted(scenes.request(), HttpReply(500, (), b"no", "x")),
            "HTTP 500, 2 bytes",
            ArrowState.FAILED,
        ),
        (lambda: scenes.posted(scenes.request()), "no reply in the capture", ArrowState.MISSING),
        (scenes.caps, "HTTP 200, 8 capabilities", ArrowState.PLAIN),
        (lambda: scenes.ca(certificate("ca")), "HTTP 200, 1 certificate", ArrowState.PLAIN),
    ],
)
def test_label_and_state_of_an_arrow(exchange: Callable[[], Exchange], label: str, state: ArrowState) -> None:
    """The label has type, status and failInfo, or the HTTP status."""
    arrow = lay_out(decode(exchange())).arrows[-1]
    assert (arrow.label, arrow.state, arrow.side) == (label, state, "reply")


def test_a_changed_message_is_marked() -> None:
    """A SUCCESS whose signature does not verify counts as failed."""
    good = scenes.reply()
    bad = good.replace(bytes(range(16)), bytes(range(1, 17)))
    assert bad != good
    arrow = lay_out(decode(scenes.posted(scenes.request(), bad))).arrows[-1]
    assert (arrow.label, arrow.state) == ("CertRep SUCCESS, changed or forged", ArrowState.FAILED)


def test_the_ladder_is_drawn_as_text() -> None:
    """Arrows end at their lifelines and cross those between. Every row has its time."""
    message = scenes.request()
    far = _between(scenes.posted(message, scenes.reply("2", fail="0")), "192.0.2.3:4000", "192.0.2.1:80", 5, 6)
    ladder = lay_out([*_through_an_ra("192.0.2.2:4711", "192.0.2.2:8080"), *decode(far)])
    lines = list(drawn(ladder))
    assert lines[0].split() == ["192.0.2.3", "192.0.2.2", "192.0.2.1:80"]
    assert lines[1].startswith("12:00:00.000")
    assert "POST PKCSReq" in lines[1]
    bars = [i for i, c in enumerate(lines[1]) if c == "|"]
    assert len(bars) == 3
    assert lines[1][bars[1] - 1] == ">"
    for line in lines[1:-2]:
        assert [i for i, c in enumerate(line) if c == "|"] == bars
    for line in lines[-2:]:
        assert [i for i, c in enumerate(line) if c == "|"] == [bars[0], bars[2]]
    assert "✗ CertRep FAILURE badAlg" in lines[-1]
    assert lines[-1][bars[0] + 1] == "<"


def test_every_message_of_every_capture_has_an_arrow() -> None:
    """Text and HTML list all requests and replies."""
    for folder in [DATA / "specimen", *capture_folders()]:
        items = decoded_folder(folder)
        view = Ladder(items)
        sides = sum((d.exchange.request is not None) + 1 for d in items)
        assert len(view.arrows) == sides
        assert len(repr(view).splitlines()) == sides + 1
        assert view._still().count("<li>") == sides


def test_the_selection_stays_while_its_exchange_is_shown() -> None:
    """The selection is a message or None. Unknown exchanges are refused."""
    items = decode(scenes.caps(), scenes.posted(scenes.request(), scenes.reply()), scenes.posted(scenes.request()))
    view = Ladder(items[:2])
    seen: list[Any] = []
    view.observe(lambda change: seen.append(change["new"]), names=["selected"])
    assert view.selected_message is None
    view.select(1, "reply")
    assert view.selected_message is items[1].reply
    view.decoded = items
    assert view.decoded == tuple(items)
    assert view.selected == {"exchange": 1, "side": "reply"}
    view.selected = {"exchange": 2, "side": "request"}
    assert view.selected_message is items[2].request
    view.select(0)
    assert view.selected_message is None
    with pytest.raises(LookupError, match="exchange 7 has no reply"):
        view.select(7, "reply")
    view.select(2)
    view.names = {"192.0.2.1": "CA"}
    assert view.lifelines == ["192.0.2.3", "CA"]
    assert view.names == {"192.0.2.1": "CA"}
    assert view.selected == {"exchange": 2, "side": "request"}
    view.show(items[:1])
    assert view.selected == {}
    assert view.lifelines == ["192.0.2.3", "CA"]
    assert [s.get("exchange") for s in seen] == [1, 2, 0, 2, None]
    view.selected = {"exchange": "no", "side": 4}
    assert view.selected_message is None


def test_markup_in_names_and_targets_is_escaped() -> None:
    """They also have control characters and line ends."""
    evil = "<img src=x onerror=alert(1)>\x1b[31m\u202e\n"
    items = decode(scenes.sent(f"/{evil}"), Exchange(HttpRequest("GET", evil), None, evil, evil))
    view = Ladder(items, {"192.0.2.1": evil})
    html = view._still()
    assert "<img" not in html
    assert "&lt;img" in html
    for text in (html, repr(view), repr(view.arrows), repr(view.lifelines)):
        assert not {"\x1b", "\u202e"} & set(text)
    assert len(repr(view).splitlines()) == 1 + len(view.arrows)


def test_an_empty_ladder_shows_a_sentence() -> None:
    """Text and HTML say that there is no exchange yet."""
    assert "no exchange yet" in repr(Ladder())
    assert "No exchange yet" in Ladder()._still()
    bundle = Ladder()._repr_mimebundle_()
    assert bundle is not None
    assert {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"} <= set(bundle[0])


def test_a_log_without_bodies_has_no_number_of_capabilities() -> None:
    """An access log has the status alone; an empty body that was recorded is no capability."""
    decoded = decode_exchanges(read_capture(DATA / "mysteries" / "4.log"))
    assert {a.label for a in lay_out(decoded).arrows if a.side is Side.REPLY} == {"HTTP 200"}
    (passed, *_) = decode_exchanges(read_capture(DATA / "captures" / "micromdm-default" / "capture.pcap"))
    assert passed.exchange.request is not None
    assert passed.exchange.reply is not None
    asked = replace(passed.exchange.request, target="/scep?operation=GetCACaps")
    empty = replace(passed.exchange, request=asked, reply=replace(passed.exchange.reply, body=b""))
    assert lay_out(decode_exchanges([empty])).arrows[1].label == "HTTP 200, 0 capabilities"
