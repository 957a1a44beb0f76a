"""The lab's widgets without a browser: their content, the effect of their buttons, and what is left afterwards."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import ipywidgets as w
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

import sceplab
from sceplab.asn1 import oids
from sceplab.cms.name import parse_subject
from sceplab.errors import InputError
from sceplab.files import load_certificates, load_signing_key
from sceplab.lab.ca import requester_of
from sceplab.lab.client import self_signed
from sceplab.lab.identity import Identity, make_request
from sceplab.lab.network import Lab
from sceplab.lab.responder import Decision
from sceplab.lab.results import Result
from sceplab.lab.store import Store
from sceplab.scep.attributes import PkiStatus
from sceplab.scep.transport import Exchange, HttpReply, HttpRequest
from sceplab.widgets import EnrollmentForm, LabView, PendingQueue, show
from sceplab.widgets import lab as lab_module
from sceplab.widgets import pending as pending_module
from tests.helpers.captures import key
from tests.helpers.html import assert_harmless

T = TypeVar("T")
SECRET = "R3-to-R1-via-R2"
# At most 64 characters, the limit of a commonName.
HOSTILE = '<script>x()</script>"><img src=x onerror=x()>&amp;\u202e\u0000\x1b[31m'


@pytest.fixture
def lab() -> Iterator[Lab]:
    """Start a lab; afterwards check that none of its threads is left."""
    with Lab(challenge=SECRET) as made:
        yield made
    assert [t.name for t in threading.enumerate() if "sceplab" in t.name] == []


def _ask(lab: Lab, subject: str = "CN=R3", challenge: str | None = None) -> Result:
    return lab.client().enroll(make_request(parse_subject(subject), key("r3"), challenge=challenge), key("r3"))


def _beside(act: Callable[[], T]) -> T:
    """Run it in another thread, since the browser tests leave an event loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(act).result()


def _html(view: Any) -> str:
    """Return the static HTML of a widget that is displayed where no event loop runs."""
    bundle: Any = _beside(view._repr_mimebundle_)
    assert {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"} <= set(bundle[0])
    return str(bundle[0]["text/html"])


def _values(widget: w.Widget) -> str:
    """Return the state that a widget and its children would send to a browser."""
    held = json.dumps({k: v for k, v in widget.get_state().items() if not isinstance(v, bytes | memoryview)})
    return held + "".join(_values(child) for child in getattr(widget, "children", ()))


def _texts(widget: w.Widget) -> str:
    """Return the HTML of a widget and of its children."""
    own = widget.value if isinstance(widget, w.HTML) else ""
    return own + "".join(_texts(child) for child in getattr(widget, "children", ()))


def _row(queue: PendingQueue, subject: str) -> tuple[w.Button, w.Button, w.Text]:
    """Return Grant, Deny and the box for a reason beside a request."""
    (row,) = (r for r in queue._list.children if subject in r.children[0].value)
    _, grant, deny, reason = row.children
    return grant, deny, reason


# --------------------------------------------------------------- the pending queue


def test_a_pending_request_is_granted(lab: Lab) -> None:
    """Refresh shows the request. Grant issues the certificate and removes the row."""
    queue = PendingQueue(lab)
    assert "No pending requests" in queue.status.value
    asked = _ask(lab, "CN=R3,O=Lab")
    queue.refresh_button.click()
    assert "1 request awaiting approval" in queue.status.value
    text = _texts(queue)
    for shown in ("O=Lab,CN=R3", "RSA 2048", "its own key", asked.transaction_id, "challengePassword <b>none"):
        assert shown in text
    assert "an RA" not in text
    _row(queue, "CN=R3")[0].click()
    assert queue._list.children == ()
    assert "O=Lab,CN=R3: granted" in queue.status.value
    assert lab.client().poll(asked).status is PkiStatus.SUCCESS


def test_a_denied_request_gives_the_client_a_reason(lab: Lab) -> None:
    """The typed reason becomes the failInfoText. Without one, a default sentence is sent."""
    queue = PendingQueue(lab)
    asked = [_ask(lab, f"CN=R{n}") for n in (3, 4)]
    queue.refresh()
    _, deny, reason = _row(queue, "CN=R3")
    reason.value = "call me first"
    deny.click()
    _row(queue, "CN=R4")[1].click()
    client = lab.client()
    polled = [client.poll(a) for a in asked]
    # Both requests have one key and one transactionID: a poll gets the newest.
    assert {p.fail_info_text for p in polled} <= {"call me first", "denied by the operator"}
    assert polled[0].status is PkiStatus.FAILURE
    assert lab.ca.pending() == []


def test_a_refresh_keeps_a_half_typed_reason(lab: Lab) -> None:
    """A row keeps its widgets when other rows come and go."""
    queue = PendingQueue(lab)
    _ask(lab, "CN=first")
    queue.refresh()
    _, _, reason = _row(queue, "CN=first")
    reason.value = "half a sen"
    _ask(lab, "CN=second")
    queue.refresh()
    assert len(queue._list.children) == 2
    assert _row(queue, "CN=first")[2] is reason
    gone = _row(queue, "CN=second")[0]
    queue.grant(lab.ca.find_pending(str(lab.ca.pending()[1].id)))
    assert [c.children[2 + 1] for c in queue._list.children] == [reason]
    assert gone.comm is None
    assert reason.value == "half a sen"


def test_the_queue_follows_decisions_of_other_processes(lab: Lab) -> None:
    """The store is authoritative: another process may add, grant and deny requests."""
    queue = PendingQueue(lab)
    _ask(lab)
    (waiting,) = lab.ca.pending()
    queue.refresh()
    grant, _, _ = _row(queue, "CN=R3")
    other = Store(lab.folder / "ca.sqlite")
    other.deny(waiting.id, "denied elsewhere")
    other.close()
    grant.click()
    assert "Not granted" in queue.status.value
    assert "is not pending" in queue.status.value
    assert queue._list.children == ()
    _ask(lab, "CN=R4")
    (waiting,) = lab.ca.pending()
    lab.ca.grant(waiting)
    queue.grant(waiting)
    assert "granted" in queue.status.value
    with pytest.raises(InputError, match="not pending"):
        lab.ca.deny(waiting)
    queue.deny(waiting)
    assert "Not denied" in queue.status.value


def _kept_by_an_older_version(lab: Lab, request: bytes, signer: Identity) -> None:
    """Store a request that the CA would refuse today: the view must show any stored request."""
    digest = hashlib.sha256(request).digest()
    lab.store.add("an-older-one", digest, request, requester_of(signer.parsed), datetime.now(UTC))


def test_a_row_shows_ra_requests_and_the_signer(lab: Lab) -> None:
    """Whoever approves a request must see that it would create an RA, and whose key signed it."""
    queue = PendingQueue(lab)
    lab.enroll_ra()
    assert lab.ra is not None
    client = lab.client()
    client.enroll(make_request(parse_subject("OU=ioscs RA,CN=R9"), key("r3")), lab.ra.signer)
    _ask(lab, "CN=R3")
    stranger = self_signed(make_request(parse_subject("CN=stranger"), key("ra")), key("ra"))
    _kept_by_an_older_version(lab, make_request(parse_subject("CN=R4"), key("r3")), stranger)
    queue.refresh()
    ra, plain, other = (_texts(row) for row in queue._list.children)
    assert "a key that this CA does not know" in other
    assert "an RA: every request that it signs is granted at once" in ra
    assert "unstructuredName=R2,OU=ioscs RA, which has a certificate of this CA" in ra
    assert "an RA" not in plain
    assert "its own key" in plain
    assert "an RA" in repr(queue)
    assert_harmless(_html(queue))


def test_markup_in_decisions_is_escaped(lab: Lab) -> None:
    """An attacker may write the transactionID and the steps. The text view must escape control characters too."""
    evil = f"{HOSTILE}\x9b31m\u2028"
    view = LabView(lab)
    lab._decided(Decision("R1 (CA)", evil, evil, evil, (evil,)))
    assert "script" in repr(view)
    assert all(c.isprintable() or c == "\n" for c in repr(view))


def test_markup_in_requests_is_escaped(lab: Lab) -> None:
    """The subject has markup, bidi and control characters."""
    queue = PendingQueue(lab)
    evil = sceplab.build_name([[sceplab.NameAttribute(oids.COMMON_NAME, HOSTILE, "UTF8String")]])
    evil_csr = make_request(evil, key("r3"))
    _kept_by_an_older_version(lab, evil_csr, self_signed(make_request(parse_subject("CN=x"), key("r3")), key("r3")))
    queue.refresh()
    assert len(queue._list.children) == 1
    shown = _values(queue)
    for text in (json.loads(f'"{part}"') for part in re.findall(r'"value": "((?:[^"\\]|\\.)*)"', shown)):
        assert "<script" not in text
        assert "<img" not in text
    assert not {"\u202e", "\x1b", "\0"} & set(_texts(queue) + repr(queue))
    assert "&lt;script" in _texts(queue)
    assert_harmless(_html(queue))
    queue.deny(lab.ca.pending()[0], HOSTILE)
    assert "<img" not in queue.status.value


def test_a_very_long_subject_is_truncated(lab: Lab) -> None:
    """The server accepts a large request, and its row stays short."""
    queue = PendingQueue(lab)
    long = make_request(parse_subject(",".join(f"OU={'x' * 60}{n}" for n in range(1000))), key("r3"))
    _kept_by_an_older_version(lab, long, self_signed(long, key("r3")))
    queue.refresh()
    assert len(queue._list.children) == 1
    assert "more characters" in _texts(queue)
    assert len(_texts(queue)) < 2000
    queue.deny(lab.ca.pending()[0])
    assert len(queue.status.value) < 2000
    lab.client().enroll(long, key("r3"))
    assert len(LabView(lab).decided.value) < 3000


def test_the_challenge_of_a_pending_request_is_masked() -> None:
    """A CA without its own challengePassword keeps such a request pending. The queue must not reveal the password."""
    with Lab() as lab:
        queue = PendingQueue(lab)
        _ask(lab, challenge="typed-at-a-prompt")
        queue.refresh()
        assert "challengePassword <b>********" in _texts(queue)
        for text in (_values(queue), repr(queue), _html(queue)):
            assert "typed-at-a-prompt" not in text


def test_only_the_first_requests_have_rows(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The status line counts the others."""
    monkeypatch.setattr(pending_module, "_SHOWN", 3)
    queue = PendingQueue(lab)
    for number in range(2, 7):
        _ask(lab, f"CN=R{number}")
    queue.refresh()
    assert len(queue._list.children) == 3
    assert "5 requests awaiting" in queue.status.value
    assert "first 3 are shown" in queue.status.value
    queue.grant(lab.ca.pending()[0])
    assert len(queue._list.children) == 3
    assert "4 requests awaiting" in queue.status.value


def test_a_displayed_widget_updates_until_the_lab_stops(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an event loop it needs no button and no thread. Its task ends with the lab."""
    monkeypatch.setattr("sceplab.widgets.live._EVERY", 0.01)

    async def play() -> None:
        before = threading.active_count()
        queue, view = PendingQueue(lab), LabView(lab)
        for shown in (queue, queue, view):
            shown._repr_mimebundle_()
        assert queue._task is not None
        assert view._task is not None
        _ask(lab)
        for _ in range(500):
            await asyncio.sleep(0.01)
            if queue._list.children and view.ladder.arrows:
                break
        assert len(queue._list.children) == 1
        assert len(view.ladder.arrows) == 6
        assert view.queue._task is None
        assert threading.active_count() <= before + 4  # threads of the server while it answers
        lab.stop()
        await asyncio.wait_for(asyncio.gather(queue._task, view._task), 5)
        assert "not running" in queue.status.value
        assert "not running" in view.status.value
        assert queue.refresh_button.disabled

    _beside(lambda: asyncio.run(play()))


def test_a_closed_widget_stops_updating(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing it ends its task while the lab keeps running."""
    monkeypatch.setattr("sceplab.widgets.live._EVERY", 0.01)

    async def play() -> None:
        queue = PendingQueue(lab)
        queue._repr_mimebundle_()
        assert queue._task is not None
        queue.close()
        await asyncio.wait_for(queue._task, 5)

    _beside(lambda: asyncio.run(play()))


# --------------------------------------------------------------- the form


def _filled(lab: Lab, **values: str) -> EnrollmentForm:
    form = EnrollmentForm(lab)
    for name, value in values.items():
        getattr(form, name).value = value
    return form


def _words(form: EnrollmentForm) -> str:
    return str(form.status.value)


def test_enroll_wait_poll_renew_save(lab: Lab, tmp_path: Path) -> None:
    """The whole workflow by method calls, with the buttons that are enabled at each step."""
    form = _filled(lab, subject="CN=R3,O=Lab", folder=str(tmp_path / "mine"))
    buttons = (form.enroll_button, form.poll_button, form.renew_button, form.save_button)
    assert [b.disabled for b in buttons] == [False, True, True, True]
    form.poll()
    assert "Not done: no pending request" in _words(form)
    form.renew()
    assert "Not done: there is no certificate to renew" in _words(form)
    form.save()
    assert "Not done: there is no certificate to save" in _words(form)
    form.enroll()
    assert "PENDING" in _words(form)
    assert [b.disabled for b in buttons] == [False, False, True, True]
    form.poll()
    assert "PENDING" in _words(form)
    lab.ca.grant(lab.ca.pending()[0])
    form.poll()
    assert "SUCCESS: a certificate for O=Lab,CN=R3, issued by CN=R1." in _words(form)
    assert [b.disabled for b in buttons] == [False, True, False, False]
    first = form.identity
    form.subject.value = "CN=somebody else"
    form.renew()
    assert "SUCCESS" in _words(form)
    assert form.result is not None
    assert form.result.request.attributes.type is sceplab.MessageType.RenewalReq
    assert first is not None
    assert form.identity is not None
    assert form.identity.parsed.subject.raw == first.parsed.subject.raw
    assert form.identity.key is not first.key
    form.save()
    assert "Saved: o-lab-cn-r3.key.pem (mode 0600)" in _words(form)
    saved = tmp_path / "mine" / "o-lab-cn-r3.key.pem"
    assert saved.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "mine").stat().st_mode & 0o777 == 0o700
    (certificate,) = load_certificates(tmp_path / "mine" / "o-lab-cn-r3.pem")
    assert certificate == form.identity.certificate
    assert load_signing_key(saved).public_key() == form.identity.key.public_key()


def test_save_overwrites_files_only_on_request(lab: Lab, tmp_path: Path) -> None:
    """Neither key nor certificate is overwritten until the box is ticked."""
    form = _filled(lab, challenge=SECRET, folder=str(tmp_path))
    form.enroll()
    (tmp_path / "cn-r3.pem").write_text("mine")
    form.save()
    assert "Not done" in _words(form)
    assert "already has cn-r3.pem" in _words(form)
    assert [p.name for p in tmp_path.iterdir()] == ["cn-r3.pem"]
    assert (tmp_path / "cn-r3.pem").read_text() == "mine"
    form.replace.value = True
    form.save()
    assert "Saved" in _words(form)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cn-r3.key.pem", "cn-r3.pem"]
    form.folder.value = str(tmp_path / "cn-r3.pem" / "below-a-file")
    form.save()
    assert "cannot be created" in _words(form)


def test_a_subject_cannot_escape_the_folder(lab: Lab, tmp_path: Path) -> None:
    """Dots and slashes in a subject do not appear in the file names."""
    form = _filled(lab, subject="CN=../../etc/<b>x", challenge=SECRET, folder=str(tmp_path / "in"))
    form.enroll()
    form.save()
    assert sorted(p.name for p in (tmp_path / "in").iterdir()) == ["cn-etc-b-x.key.pem", "cn-etc-b-x.pem"]
    assert "<b>x" not in _words(form)
    assert_harmless(_html(form))


@pytest.mark.parametrize("method", ["", "GET", "POST"])
@pytest.mark.parametrize("dialect", ["sceplab", "ios", "windows"])
def test_the_chosen_method_and_dialect_are_sent(lab: Lab, method: str, dialect: str) -> None:
    """Without a chosen method the client uses the default of its dialect."""
    form = _filled(lab, challenge=SECRET, method=method, dialect=dialect)
    form.enroll()
    assert "SUCCESS" in _words(form)
    sent = lab.decoded()[-1]
    assert sent.exchange.request is not None
    own = {"sceplab": "POST", "ios": "GET", "windows": "POST"}
    assert sent.exchange.request.method == (method or own[dialect])
    agent = sent.exchange.request.header("User-Agent") or ""
    assert {"sceplab": "sceplab", "ios": "Cisco", "windows": "Win32"}[dialect] in agent


def test_the_form_reports_errors(lab: Lab) -> None:
    """A wrong challengePassword, a missing RA, a bad subject, an EC key, and a lab that has stopped."""
    form = _filled(lab, challenge="wrong")
    form.enroll()
    assert (
        "FAILURE: badRequest (transaction not permitted or supported). The server says: the challengePassword"
        in _words(form)
    )
    form.via.value = "ra"
    form.enroll()
    assert "Not done: there is no RA yet" in _words(form)
    form.via.value, form.subject.value = "ca", "no subject"
    form.enroll()
    assert "Not done" in _words(form)
    assert "is not part of a subject" in _words(form)
    form.subject.value, form.challenge.value, form.kind.value = "CN=EC", "", "P-256"
    form.enroll()
    assert "FAILURE" in _words(form)
    form.challenge.value = SECRET
    form.enroll()
    assert "SUCCESS" in _words(form)
    assert form.identity is not None
    assert isinstance(form.identity.key, ec.EllipticCurvePrivateKey)
    before = form.identity
    lab.stop()
    form.renew()
    assert "Not done" in _words(form)
    assert "cannot be reached" in _words(form)
    assert form.identity is before


def test_a_downgrade_gives_a_warning(lab: Lab) -> None:
    """The client's warnings appear below the result."""
    lab.set_faults("weak-caps")
    form = _filled(lab, challenge=SECRET)
    form.enroll()
    assert "SUCCESS" in _words(form)
    assert "the CA offers no AES" in form.details.value
    assert "the CA offers no AES" in _html(form)
    lab.set_faults()
    form.enroll()
    assert "AES" not in form.details.value


def test_a_button_works_in_the_background(lab: Lab) -> None:
    """A click returns at once, the buttons are disabled until the thread ends, and a second click does nothing."""
    lab.set_faults("slow")
    form = _filled(lab, challenge=SECRET)
    form.enroll_button.click()
    assert form.enroll_button.disabled
    thread = form._thread
    assert thread is not None
    form.enroll_button.click()
    assert form._thread is thread
    lab.set_faults()
    thread.join(60)
    assert not thread.is_alive()
    assert "SUCCESS" in _words(form)
    assert not form.enroll_button.disabled


def test_the_private_key_stays_in_the_kernel(lab: Lab) -> None:
    """Widget state, text and HTML contain no key. Text and HTML do not contain the challengePassword."""
    form = _filled(lab, challenge=SECRET)
    form.enroll()
    assert form.identity is not None
    private = form.identity.key.private_numbers()
    for text in (_values(form), repr(form), _html(form), repr(form.identity)):
        assert "PRIVATE" not in text
        assert f"{getattr(private, 'd', 0):x}" not in text
    for text in (repr(form), _html(form)):
        assert SECRET not in text


# --------------------------------------------------------------- the whole view


def test_the_view_shows_and_opens_the_traffic(lab: Lab) -> None:
    """A refresh adds new arrows. A selected message is shown in layers, decrypted with the lab's keys."""
    view = LabView(lab)
    assert "R2 (RA): not started" in view.status.value
    assert "No decisions yet" in view.decided.value
    view.form.challenge.value = SECRET
    view.form.enroll()
    view.refresh()
    assert [a["label"] for a in view.ladder.arrows] == [
        *("GET GetCACert", "HTTP 200, 1 certificate", "GET GetCACaps", "HTTP 200, 10 capabilities"),
        *("POST PKCSReq", "CertRep SUCCESS"),
    ]
    assert "granted: the challengePassword is right" in view.decided.value
    for side, kind in (("request", "PKCSReq"), ("reply", "CertRep")):
        view.ladder.select(2, side)
        assert view.selected_message is not None
        assert view.selected_message.message_data is not None
        heading, onion = view.onion.children
        assert kind in heading.value
        assert onion.data == show(view.selected_message).data
    view.ladder.select(0, "reply")
    heading, certificate = view.onion.children
    assert "1 certificate" in heading.value
    assert certificate.title == "CN=R1"
    view.ladder.select(1, "reply")
    assert "AES, DES3" in view.onion.children[0].value
    view.ladder.select(1)
    assert "GET /cgi-bin/pkiclient.exe?operation=GetCACaps" in view.onion.children[0].value
    view.ladder.selected = {}
    assert view.onion.children == ()


def test_a_key_added_later_decrypts_a_shown_message(lab: Lab) -> None:
    """A reply is encrypted for the client, so the lab needs the client's key."""
    view = LabView(lab)
    _ask(lab, challenge=SECRET)
    view.refresh()
    view.ladder.select(2, "reply")
    assert view.selected_message is not None
    assert view.selected_message.message_data is None
    assert "No key at hand" in view.onion.children[0].value
    lab.keys.append(key("r3"))
    view.refresh()
    assert view.selected_message.message_data is not None


def test_the_selection_stays_until_its_message_is_dropped(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The view drops the oldest exchanges. The selected message stays selected until it is dropped itself."""
    monkeypatch.setattr(lab_module, "_EXCHANGES", 4)
    view = LabView(lab)
    client = lab.client()
    client.get_ca_caps()
    client.get_ca_cert()
    view.refresh()
    view.ladder.select(1, "reply")
    onion = view.onion.children
    client.get_ca_caps()
    client.get_ca_caps()
    client.get_ca_caps()
    view.refresh()
    assert view.ladder.selected == {"exchange": 0, "side": "reply"}
    assert view.onion.children is onion
    client.get_ca_caps()
    view.refresh()
    assert view.ladder.selected == {}
    assert view.onion.children == ()
    assert len(view.ladder.decoded) == 4


def test_markup_in_an_exchange_without_scep_is_escaped(lab: Lab) -> None:
    """The request has markup and a bidi character in its query."""
    import requests

    requests.get(f"{lab.ca_url}?operation=<script>alert(1)</script>&x=%E2%80%AE", timeout=10)
    view = LabView(lab)
    view.refresh()
    for side in ("request", "reply"):
        view.ladder.select(0, side)
        assert "<script" not in _texts(view.onion)
    assert "operation must be" in _texts(view.onion)
    assert view.ladder.lifelines[0] == "this machine"
    assert_harmless(_html(view))


def test_two_labs_give_the_same_static_output() -> None:
    """Keys, serials, times and ports differ between runs. The output stored in a notebook must not."""
    stills = []
    for _ in range(2):
        with Lab(challenge=SECRET) as lab:
            lab.enroll_ra()
            view = LabView(lab)
            view.form.via.value, view.form.challenge.value = "ra", SECRET
            view.form.enroll()
            _ask(lab)
            stills.append((_html(view), repr(view)))
            assert_harmless(stills[-1][0])
            assert "CertRep PENDING" in stills[-1][0]
            assert "vouched for" in stills[-1][0]
    assert stills[0] == stills[1]
    assert not re.search(r"\d\d:\d\d:\d\d|\d{4}-\d\d-\d\d|[0-9A-F]{16}|127\.0\.0", "".join(stills[0]))


def test_the_view_works_after_the_lab_stops() -> None:
    """The traffic can still be inspected, and the form reports that the lab is not running."""
    lab = Lab(challenge=SECRET).start()
    view = LabView(lab)
    view.form.challenge.value = SECRET
    view.form.enroll()
    view.refresh()
    lab.stop()
    view.refresh()
    assert "not running" in view.status.value
    view.ladder.select(2)
    assert view.selected_message is not None
    assert view.selected_message.csr is not None
    view.form.enroll()
    assert "Not done: the lab is not running" in _words(view.form)
    assert [t.name for t in threading.enumerate() if "sceplab" in t.name] == []


def test_large_exchanges_are_not_all_decoded(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """To limit memory, the view decodes only the newest exchanges up to a total size."""
    monkeypatch.setattr(lab_module, "_EXCHANGES_SIZE", 55_000)
    view = LabView(lab)
    for number in range(20):
        request = HttpRequest("POST", f"/?operation=PKIOperation&{number}", (), bytes(9_000))
        lab.exchanges.append(Exchange(request, HttpReply(200)))
        view.refresh()
    shown = [item.exchange.request for item in view.ladder.decoded]
    assert [request.target[-2:] for request in shown if request is not None] == ["15", "16", "17", "18", "19"]
    assert len(lab.exchanges) == 20
