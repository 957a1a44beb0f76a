"""The live view of a relay, without a browser: its traffic, and what it means."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sceplab.cms.name import parse_subject
from sceplab.lab.client import ScepClient
from sceplab.lab.identity import make_request
from sceplab.lab.network import Lab
from sceplab.lab.relay import Relay
from sceplab.widgets import LabView
from tests.helpers.captures import key
from tests.helpers.html import assert_harmless
from tests.helpers.tls import server_files, tls_front
from tests.widgets.test_lab import SECRET, _beside, _html

HOSTILE = "<script>x()</script>"


@contextmanager
def relayed(folder: Path) -> Iterator[tuple[Relay, LabView]]:
    """Yield a relay to a lab behind TLS, which has the lab's keys, and its view; nothing of it is left afterwards."""
    ca, files = server_files(folder)
    # The relay gives the name of its server, with that one's port.
    with Lab(challenge=SECRET, host_names=("localhost",)) as lab:
        lab.keys.append(key("r3"))
        port = int(lab.ca_url.split(":")[2].split("/")[0])
        with tls_front(port, files) as secure:
            url = f"https://localhost:{secure}/{lab.ca_url.split('/', 3)[3]}"
            with Relay(url, name="R1 behind TLS", ca_file=ca, materials=lab.materials()) as relay:
                yield relay, LabView(relay)
    assert [t.name for t in threading.enumerate() if "sceplab" in t.name] == []


def _ask(relay: Relay, challenge: str) -> None:
    """Enroll through the relay, and wait until all of it was seen."""
    passed = len(relay.exchanges)
    ScepClient(relay.url).enroll(make_request(parse_subject("CN=R3"), key("r3"), challenge=challenge), key("r3"))
    deadline = time.monotonic() + 60
    while len(relay.exchanges) < passed + 3:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_view_of_a_relay_shows_ladder_onion_and_verdict(tmp_path: Path) -> None:
    """The relay's URL and the server's; a refused request is opened with the keys given, and the verdict says why."""
    with relayed(tmp_path) as (relay, view):
        assert relay.url in view.status.value
        assert relay.to in view.status.value
        assert not hasattr(view, "queue")
        assert not hasattr(view, "form")
        _ask(relay, "wrong-word")
        view.refresh()
        assert [a["label"] for a in view.ladder.arrows][-2:] == ["POST PKCSReq", "CertRep FAILURE badRequest"]
        assert "challengePassword" in view.decided.value
        assert "wrong-word" not in view.decided.value
        # R1 does not say whether it was wrong, used or too old.
        assert "The server refused the challengePassword of the request" in view.decided.value
        assert "expired" not in view.decided.value
        sentence = next(line for line in view.decided.value.split("<div") if "refused by" in line)
        assert "Cause: " in sentence, "the browser wraps the lines"
        view.ladder.select(2, "request")
        assert view.selected_message is not None
        assert view.selected_message.csr is not None
        before = view.decided.value
        view.refresh()
        assert view.decided.value is before, "nothing new is analysed again"
        _ask(relay, SECRET)
        view.refresh()
        assert "CertRep SUCCESS" in view.ladder.arrows[-1]["label"]
        assert view.decided.value != before
    view.refresh()
    assert "The relay is not running" in view.status.value
    assert view.selected_message is not None


def test_two_relays_give_the_same_static_output(tmp_path: Path) -> None:
    """The output stored in a notebook has no ports, times and numbers that are new each time."""
    stills = []
    for _ in range(2):
        with relayed(tmp_path) as (relay, view):
            _ask(relay, "wrong-word")
            stills.append((_html(view), repr(view)))
    assert_harmless(stills[0][0])
    assert "R1 behind TLS" in stills[0][0]
    assert "CertRep FAILURE" in stills[0][0]
    assert stills[0] == stills[1]
    assert not re.search(r"\d\d:\d\d:\d\d|\d{4}-\d\d-\d\d|[0-9A-F]{16}|:\d{4,5}\b", "".join(stills[0]))


def test_markup_in_a_verdict_is_escaped(tmp_path: Path) -> None:
    """A server's text is text."""
    with relayed(tmp_path) as (relay, view):
        request = make_request(parse_subject(f"CN={HOSTILE}"), key("r3"), challenge="wrong-word")
        _beside(lambda: ScepClient(relay.url).enroll(request, key("r3")))
        view.refresh()
        assert_harmless(_html(view))
        assert "CN=" in view.decided.value
        assert "<script" not in view.decided.value + _html(view)


def test_a_view_of_an_unused_relay_says_so() -> None:
    """No exchange, no verdict."""
    with Relay("http://127.0.0.1:9/") as relay:
        view = LabView(relay)
        assert "No exchange yet" in _html(view)
        assert "No exchange yet" in repr(view)
