"""Each cause is found in a test scene, and successful enrollments have no causes."""

from __future__ import annotations

import pytest

import sceplab
from sceplab.analysis.analyse import analyse
from sceplab.analysis.faults.model import Likelihood
from sceplab.report.plain import to_text
from tests.helpers import scenes as s
from tests.helpers.captures import DATA, SHARED, capture_folders, certificate, decoded, materials
from tests.helpers.causes import SCENES
from tests.helpers.scenes import scene


@pytest.mark.parametrize("name", SCENES)
def test_each_cause_is_found(name: str) -> None:
    """The scene shows its cause with evidence and an action. The text output does not contain the challenge."""
    made = SCENES[name]()
    causes = analyse(made.decode(), made.held).causes
    found = {c.fault.id: c for c in causes}
    name = name.removesuffix("-early")
    assert name in found, sorted(found)
    cause = found[name]
    assert cause.evidence
    assert cause.action
    assert "secret" not in to_text(analyse(made.decode(), made.held))
    assert [c.rank for c in causes] == sorted(c.rank for c in causes)


# Scenes in which only one thing went wrong: their cause must be ranked first.
@pytest.mark.parametrize(
    "name",
    [
        *("plus-lost", "cut-off", "html-reply", "not-found", "digest", "signature", "validity"),
        *("wrong-recipient", "wrong-challenge", "pending", "nonce-answer", "transaction-answer", "poll-transaction"),
        *("possession", "renewal-signer", "issued-key", "reply-recipient", "message-type"),
    ],
)
def test_a_single_fault_is_ranked_first(name: str) -> None:
    """Scenes with a single fault rank its cause above all others."""
    made = SCENES[name]()
    causes = analyse(made.decode(), made.held).causes
    assert name == causes[0].fault.id, [c.fault.id for c in causes]


def test_successful_enrollments_have_no_causes() -> None:
    """Successful enrollments by POST and by GET, and every real capture in which all replies are SUCCESS."""
    good = scene(s.caps(), s.ca(certificate("ca")), s.posted(s.request(), s.reply()))
    assert analyse(good.decode(), good.held).causes == ()
    assert analyse(scene(s.got(s.request(), s.reply())).decode()).causes == ()
    quiet = 0
    for folder in (DATA / "specimen", *capture_folders()):
        items = decoded(folder)
        statuses = {i.reply.attributes.status for i in items if i.reply is not None}
        whole = all(i.exchange.reply is not None and i.exchange.reply.status == 200 for i in items)
        if whole and statuses == {sceplab.PkiStatus.SUCCESS}:
            assert analyse(items).causes == (), folder.name
            quiet += 1
    assert quiet >= 4


def test_a_message_without_an_exchange_has_no_causes() -> None:
    """A message read from a file has no known outcome."""
    from sceplab.capture import read_capture
    from sceplab.scep.conversation import decode_exchanges

    assert analyse(decode_exchanges(read_capture(s.request()))).causes == ()


def test_causes_of_real_failures() -> None:
    """Two captures with a wrong challenge and one with the URL-safe base64 alphabet in a GET."""
    for name in ("micromdm-wrongchallenge", "strongswan-wrongchallenge"):
        folder = DATA / "captures" / name
        (first, *rest) = analyse(decoded(folder), materials(folder)).causes
        assert first.fault.id == "challenge-unknown"
        assert "badRequest" in {c.fault.id for c in rest}
    folder = DATA / "captures" / "micromdm-get-urlsafe-b64"
    assert "url-alphabet" in {c.fault.id for c in analyse(decoded(folder)).causes if c.likelihood is Likelihood.LIKELY}
    if SHARED.is_dir():
        folder = SHARED / "captures" / "sscep-jscep-pending-poll3"
        assert analyse(decoded(folder)).causes == ()  # granted after three polls


def test_secrets_are_shown_on_request() -> None:
    """With `show_secrets` the evidence quotes both challengePasswords and hints at the difference."""
    made = SCENES["wrong-challenge"]()
    (shown,) = [
        c for c in analyse(made.decode(), made.held, show_secrets=True).causes if c.fault.id == "wrong-challenge"
    ]
    assert "'secret'" in shown.evidence
    assert "'Secret '" in shown.evidence
    assert "spaces or capitals" in shown.evidence
