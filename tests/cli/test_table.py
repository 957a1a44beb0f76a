"""`sceplab table`: a folder of captures as rows."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from sceplab.cli import main
from sceplab.report.table import COLUMNS, csv_lines, summary_lines
from tests.helpers.captures import DATA

FOLDER = DATA / "captures"


def _run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main(["table", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_rows_as_csv_and_a_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One row for each message, file paths relative to the folder, and the weak clients by name."""
    target = tmp_path / "table.csv"
    code, out, err = _run(str(FOLDER), "--csv", str(target), capsys=capsys)
    rows = list(csv.DictReader(io.StringIO(target.read_text())))
    assert (code, err) == (0, "")
    assert tuple(rows[0]) == COLUMNS
    assert {row["file"] for row in rows} >= {"micromdm-default/capture.pcap", "strongswan-des3-sha1/capture.pcap"}
    assert [r["status"] for r in rows if r["file"].startswith("micromdm-wrongchallenge")] == ["FAILURE"]
    assert "des-cbc" in out
    assert f"{len(rows)} messages in " in out


def test_rows_as_json_equal_those_of_csv(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON and CSV have the same rows."""
    _, as_json, _ = _run(str(FOLDER), "--json", capsys=capsys)
    _, as_csv, _ = _run(str(FOLDER), capsys=capsys)
    rows = json.loads(as_json)
    assert [r["transaction"] for r in rows] == [r["transaction"] for r in csv.DictReader(io.StringIO(as_csv))]


def test_an_existing_table_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An existing table stays, unless --force is given."""
    target = tmp_path / "table.csv"
    target.write_text("mine")
    assert _run(str(FOLDER), "--csv", str(target), capsys=capsys)[0] == 2
    assert target.read_text() == "mine"


@pytest.mark.parametrize("arguments", [["no/such"], [str(DATA), "--pattern", "*.none"], [str(DATA), "--pattern", "/x"]])
def test_a_folder_without_captures_is_one_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The error says what to give instead."""
    code, out, err = _run(*arguments, capsys=capsys)
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_an_unreadable_file_becomes_a_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The other files are still read."""
    (tmp_path / "bad.pcap").write_bytes(b"no capture")
    (tmp_path / "good.pcap").write_bytes((FOLDER / "micromdm-default" / "capture.pcap").read_bytes())
    code, out, _ = _run(str(tmp_path), capsys=capsys)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 1
    assert [(r["file"], bool(r["error"])) for r in rows] == [("bad.pcap", True), ("good.pcap", False)]


def test_secrets_are_not_sent_to_a_cluster(capsys: pytest.CaptureFixture[str]) -> None:
    """Anyone who runs a worker could read them."""
    key = str(DATA / "specimen" / "ca.key.pem")
    code, _, err = _run(str(FOLDER), "--key", key, "--scheduler", "tcp://127.0.0.1:1", capsys=capsys)
    assert (code, "secrets are not sent" in err) == (2, True)


def test_formulas_from_a_capture_are_escaped_in_csv() -> None:
    """The sender chooses names and transactionIDs."""
    row = {"file": "x", "transaction": "=HYPERLINK(1)", "client": "@x", "error": "", "rules": ["a", "b"]}
    (_, line) = csv_lines([row])
    cells = dict(zip(COLUMNS, next(csv.reader([line])), strict=True))
    assert (cells["transaction"], cells["client"], cells["rules"]) == ("'=HYPERLINK(1)", "'@x", "a b")


def test_the_summary_of_no_rows() -> None:
    """A folder without rows is not an error."""
    assert list(summary_lines([])) == ["0 messages in 0 files; 0 files could not be read"]
