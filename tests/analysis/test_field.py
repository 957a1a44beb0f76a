"""Field cases in `tests/data/field`: input is read completely, the true cause is first, no false statement appears."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from sceplab.cli import main
from tests.helpers.captures import ROOT, SHARED

FOLDER = ROOT / "tests" / "data" / "field"
CASES: list[dict[str, Any]] = json.loads((FOLDER / "cases.json").read_text(encoding="utf-8"))
FLAGS = re.IGNORECASE | re.DOTALL

# Cases that are expected to fail for now.
NOT_YET: frozenset[str] = frozenset()


def _path(text: str) -> str:
    """Resolve a path from cases.json; a path that starts with ../ is in the shared captures."""
    if text.startswith("../"):
        return str(SHARED / text[3:])
    return str(FOLDER / text) if "/" in text or (FOLDER / text).is_file() else text


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    out, err = capsys.readouterr()
    return code, out, err


def _read(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> dict[str, object]:
    code, out, _ = _run(capsys, "decode", *arguments, "--json", "--show-secrets")
    if code:
        return {"requests": 0, "replies": 0, "statuses": []}
    facts = json.loads(out)
    messages, http = facts.get("messages", []), facts.get("http", [])
    return {
        "requests": sum(m.get("direction") == "request" and bool(m.get("messageType")) for m in messages),
        "replies": sum(m.get("direction") == "reply" and bool(m.get("messageType")) for m in messages),
        "statuses": [h["status"] for h in http if h.get("status") is not None],
    }


def _first(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str | None:
    code, out, _ = _run(capsys, "diagnose", *arguments, "--json")
    found = json.loads(out)["causes"] if code in {0, 1} else []
    keys = ("likelihood", "words", "evidence", "do")
    return "\n".join(str(found[0][k]) for k in keys if k in found[0]) if found else None


@pytest.mark.parametrize(
    "case",
    [pytest.param(c, id=c["id"], marks=[pytest.mark.xfail(strict=True)] if c["id"] in NOT_YET else []) for c in CASES],
)
def test_field_case(case: dict[str, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Apply the criteria of the README: input read, no forbidden statement, true cause first."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "1000")
    arguments = [_path(a) for a in (case["file"], *case["args"])]
    if not Path(arguments[0]).is_file():
        pytest.skip("a shared capture that is not here")
    code, out, err = _run(capsys, "diagnose", *arguments)
    said = out + err
    first = _first(capsys, arguments)
    read = _read(capsys, arguments)

    wanted = case.get("reads") or {}
    whole = {k: read[k] for k in wanted} == wanted if wanted else code != 2
    pattern = case.get("silent_loss") or ""
    owned = bool(pattern) and re.search(pattern, said, FLAGS) is not None
    assert ((whole and bool(wanted)) or owned) if pattern else whole, f"read {read}"
    assert not [r for r in case["never"] if re.search(r, said, FLAGS)]
    if case.get("clean"):
        assert code == 0
        assert first is None
        assert said.strip()
    elif case["first"] and not (owned and not whole):
        assert [r for r in case["first"] if re.search(r, first or "", FLAGS)], first
