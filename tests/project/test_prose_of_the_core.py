"""No logic reads texts for people: every sentence of the core may be reworded, and no result changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

import sceplab
from sceplab.analysis.faults.registry import check_exchanges
from sceplab.analysis.whatif import judge
from sceplab.asn1.der import DerError
from sceplab.capture import read_capture
from sceplab.cms.reason import Reason
from sceplab.cms.trust import PathResult
from sceplab.cms.verify import Check, CheckName, Outcome, SignedForm
from sceplab.cms.x509 import public_key_info
from sceplab.errors import BuildError, DecryptError, Layer, Problem
from sceplab.lab.opening import Refused, Strictness, read_csr
from sceplab.scep.conversation import Materials, decode_exchanges
from sceplab.scep.message import PkiMessage
from tests.helpers.captures import DATA, capture_file, capture_folders, certificate, decoded, key, materials, messages

_WORDS = "other words"


@pytest.fixture
def reworded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the text of every check, problem, path and error of the core."""
    check, problem, path, error = (
        *(Check.__init__, Problem.__init__),
        *(PathResult.__init__, DerError.__init__),
    )

    def new_check(self: Check, name: str, outcome: Outcome, detail: str, *names: Any) -> None:
        assert detail is not None
        check(self, name, outcome, _WORDS, *names)

    def new_problem(
        self: Problem, layer: Layer, code: str, expected: str, found: str, offset: int | None = None, advice: str = ""
    ) -> None:
        assert expected is not None is not found is not advice
        problem(self, layer, code, _WORDS, _WORDS, offset, _WORDS)

    def new_path(self: PathResult, *, valid: bool, detail: str, **names: Any) -> None:
        assert detail is not None
        path(self, valid=valid, detail=_WORDS, **names)

    def new_error(self: DerError, offset: int, expected: str, found: str) -> None:
        assert expected is not None is not found
        error(self, offset, _WORDS, _WORDS)

    monkeypatch.setattr(Check, "__init__", new_check)
    monkeypatch.setattr(Problem, "__init__", new_problem)
    monkeypatch.setattr(PathResult, "__init__", new_path)
    monkeypatch.setattr(DerError, "__init__", new_error)
    for kind in (DecryptError, BuildError):
        monkeypatch.setattr(kind, "__str__", lambda _: _WORDS)


def _inputs() -> list[tuple[list[PkiMessage], Materials]]:
    specimen = Materials((key("ca"), key("ra")), (certificate("ca"),))
    own = [(f, materials(f)) for f in capture_folders() if f.parent.parent == DATA]
    return [(messages(DATA / "specimen"), specimen), *((messages(folder), held) for folder, held in own)]


def _results(found: Sequence[tuple[list[PkiMessage], Materials]]) -> list[object]:
    """Return the results for every message, and for some damaged ones, without any text for people."""
    out: list[object] = []
    for sent, held in found:
        for message in sent:
            for data in (message.raw, message.raw[:-9], message.raw.replace(b"\x13", b"\x0c", 3), _flipped(message)):
                judged = judge(data, held)
                out.append([(c.name, c.outcome) for c in judged.checks])
                out.append(judged.message.verification.covers)
    return out


def _flipped(message: PkiMessage) -> bytes:
    at = len(message.raw) - 5
    return message.raw[:at] + bytes((message.raw[at] ^ 1,)) + message.raw[at + 1 :]


def _findings() -> list[object]:
    out: list[object] = []
    for folder in capture_folders():
        for findings in (decoded(folder), decode_exchanges(read_capture(capture_file(folder)))):
            out += [(f.fault.id, f.exchange, f.side, f.offset) for f in check_exchanges(findings)]
    return out


def test_checks_and_findings_do_not_change(request: pytest.FixtureRequest) -> None:
    """Passed checks, failed checks and broken rules of every message and of damaged ones."""
    found = _inputs()
    before, findings = _results(found), _findings()
    assert len(before) > 100
    assert len(findings) > 100
    request.getfixturevalue("reworded")
    assert Check("x", Outcome.PASSED, "y").detail == _WORDS
    assert _results(found) == before
    assert _findings() == findings


@pytest.mark.usefixtures("reworded")
def test_a_message_is_rebuilt_without_reading_text() -> None:
    """Signed as sent, or in DER order but sent in another: a field records which."""
    keys = [key("ca"), key("ra")]
    (message, _) = messages(DATA / "specimen")
    draft = sceplab.draft_of(sceplab.decode_message(message.raw, keys=keys), keys=keys)
    attributes = draft.signed.attributes[::-1]
    ordered = replace(draft, signed=replace(draft.signed, attributes=attributes, signed_in_order=True))
    for made, form in ((draft, SignedForm.AS_SENT), (ordered, SignedForm.DER_ORDER)):
        data = sceplab.encode_message(made, key("ra"))
        again = sceplab.decode_message(data, keys=keys)
        assert again.verification.intact
        assert again.verification.covers is form
        assert sceplab.encode_message(sceplab.draft_of(again, keys=keys), key("ra")) == data


@pytest.mark.usefixtures("reworded")
def test_reasons_of_an_invalid_request_are_told_apart_without_text() -> None:
    """A signature of another key, an unknown algorithm and an unusable key give different reason codes."""
    name = sceplab.parse_certificate(certificate("ca")).subject
    good = sceplab.parse_csr(sceplab.build_csr(name, key("r3")))
    assert sceplab.verify_csr(good).outcome is Outcome.PASSED
    assert sceplab.verify_csr(good).name == CheckName.POSSESSION
    other = replace(good, public_key_info=public_key_info(key("ca")))
    unknown = replace(good, signature_algorithm=replace(good.signature_algorithm, oid="1.2.3"))
    unusable = replace(good, public_key_info=b"\x30\x00")
    found = [sceplab.verify_csr(r).reason for r in (good, other, unknown, unusable)]
    assert found == [None, Reason.MISMATCH, Reason.UNKNOWN_ALGORITHM, Reason.UNUSABLE_KEY]
    with pytest.raises(Refused):
        read_csr(b"\x30\x00", Strictness())
