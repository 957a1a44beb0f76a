"""Text for people: verdicts first, wrapped lines, many enrollments as tables, all faults listed."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import pytest

import sceplab
from sceplab import cli
from sceplab.analysis.analyse import analyse
from sceplab.analysis.faults.model import Level
from sceplab.analysis.faults.registry import FAULTS, check_exchanges
from sceplab.cms.partial import mended, parts_of_enveloped, parts_of_signed
from sceplab.report.escape import safe
from sceplab.report.html import section_html, to_html
from sceplab.report.layout import columns, wrapped
from sceplab.report.markdown import to_markdown
from sceplab.report.names import transaction_of
from sceplab.report.sections import Section, input_section
from sceplab.report.text import as_utf8, grouped_lines, outline
from tests.helpers import scenes as s
from tests.helpers.captures import DATA
from tests.helpers.scenes import scene

REFUSED = DATA / "captures" / "micromdm-wrongchallenge" / "capture.pcap"


def test_every_rule_has_a_fix_and_every_title_is_a_sentence() -> None:
    """Faults of level INFO need no fix."""
    assert not [f.id for f in FAULTS.values() if f.rule and f.level is not Level.INFO and not f.fix]
    # A title may begin with the name of a field such as senderNonce, for which islower() is false.
    begins = {f.id: f.title.split()[0] for f in FAULTS.values()}
    assert not [f.id for f in FAULTS.values() if begins[f.id].islower() or not f.title.endswith(".")]


def test_diagnose_list_needs_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    """The list has all faults. Without FILE and --list the command fails with one line."""
    assert cli.main(["diagnose", "--list"]) == 0
    out = capsys.readouterr().out
    assert all(f"{fault.id}: " in out for fault in FAULTS.values())
    assert cli.main(["diagnose"]) == 2
    assert "needs a FILE" in capsys.readouterr().err


def test_the_first_line_is_the_verdict() -> None:
    """It names the client, the outcome and the cause."""
    made = scene(s.posted(s.request(), s.reply("2", fail="2", text="quota used up")))
    text = sceplab.to_text(analyse(made.decode(), made.held), width=1000)
    first = text.splitlines()[0]
    assert "refused" in first
    assert 'FAILURE badRequest, "quota used up"' in first
    assert "Cause: " in first
    assert "None" not in text


def test_many_enrollments_are_summarised() -> None:
    """The text has counts and an example. With `everything` it lists each enrollment."""
    made = scene(
        *(s.posted(s.request(transaction=f"T{n}"), s.reply("2", fail="2", transaction=f"T{n}")) for n in range(9))
    )
    analysis = analyse(made.decode(), made.held)
    short, long = sceplab.to_text(analysis), sceplab.to_text(analysis, everything=True)
    assert short.startswith("9 enrollments: 9 refused.")
    assert "For example: " in short
    assert long.count("refused") >= 9
    assert len(short) < len(long)


def test_lines_wrap_with_a_hanging_indent() -> None:
    """Words stay whole, and continuation lines align with the text after the label."""
    lines = wrapped("    seen: " + "word " * 40 + "f" * 90, 60)
    assert all(len(line) <= 60 or "f" * 90 in line for line in lines)
    assert all(line.startswith(" " * 10) for line in lines[1:])
    assert list(columns(("n", "text"), [("12", "a b"), ("3", "c")])) == [" n  text", "12  a b", " 3  c"]


def test_a_self_signed_first_request_has_no_chain_failure() -> None:
    """A self-signed renewal still fails its chain check."""
    made = scene(s.posted(s.request(), s.reply()))
    lines = [x for x in outline(made.decode()) if "chain:" in x]
    assert any("nothing to chain to" in x for x in lines)
    renewal = scene(s.posted(s.request(message_type="17"), s.reply()))
    assert not any("nothing to chain to" in x for x in outline(renewal.decode()))


def test_a_truncated_message_shows_what_remains() -> None:
    """The recipient and the algorithms are shown although the signature is missing."""
    whole = s.request()
    for end in (len(whole) // 2, len(whole) * 3 // 4, len(whole) - 100):
        signed = parts_of_signed(whole[:end])
        assert signed.content
        assert parts_of_enveloped(signed.content).recipients
        text = "\n".join(outline(scene(s.posted(whole[:end], s.reply())).decode()))
        assert "the part that can be read" in text
        assert "    for issuer" in text
    assert mended(whole) == whole
    for end in range(0, len(whole), 7):
        parts_of_signed(whole[:end])


def test_binary_transaction_ids_are_shown_in_hex() -> None:
    """Printable IDs stay text."""
    message = sceplab.decode_message(s.request(transaction="T1"))
    assert transaction_of(message) == "T1"
    assert as_utf8("Z\u00c3\u00bcrich", "T61String") == "Z\u00fcrich"
    assert as_utf8("Z\u00fcrich", "T61String") is None


def test_reports_begin_with_the_outcome() -> None:
    """In Markdown and HTML the outcome comes before the ladder."""
    items = sceplab.decode_exchanges(sceplab.read_capture(REFUSED))
    for text in (to_markdown(analyse(items)), to_html(analyse(items))):
        assert "capture.pcap" in text
        assert text.index("Outcome") < text.index("Who sent what")


def test_lint_groups_repeated_findings() -> None:
    """Each rule has one line, with its count and first places."""
    items = sceplab.decode_exchanges(sceplab.read_capture(REFUSED)) * 30
    findings = check_exchanges(items)
    lines = list(grouped_lines(findings))
    assert len(lines) == len({f.fault.id for f in findings})
    assert any("30 times: " in line for line in lines)


def test_a_missing_file_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name that is not a file is not parsed as a message."""
    for name in (str(tmp_path / "none.pcap"), "none.pcap"):
        assert cli.main(["decode", name]) == 2
        assert "no such file" in capsys.readouterr().err


def test_json_lists_what_was_not_read(capsys: pytest.CaptureFixture[str]) -> None:
    """Both diagnose and decode have the list `not_read`."""
    for command in ("diagnose", "decode"):
        cli.main([command, str(REFUSED), "--json"])
        assert json.loads(capsys.readouterr().out)["not_read"] == []


def test_cells_break_long_words_only() -> None:
    """A word of up to 20 characters stays whole, of others no piece is longer than 24; passwords are masked before."""
    name, url = "CN=mm-dev1,OU=MDM,O=scep-client", "https://ca:hunter2-hunter2-hunter2@192.0.2.7:8443/certsrv/mscep"
    words = ("SHOULD", "digitalSignature", "a" * 70, name, url, "<&>" * 9)
    html = section_html(Section("T", head=("",) * len(words), rows=(words,)))
    cells = re.findall("<td>(.*?)</td>", html)
    assert cells[:2] == ["SHOULD", "digitalSignature"]
    assert "hunter2" not in html.replace("<wbr>", "")
    assert [c.replace("<wbr>", "") for c in cells] == [safe(w) for w in words]
    assert all(len(unescape(piece)) <= 24 for c in cells for piece in c.split("<wbr>"))
    assert "CN=mm-dev1,<wbr>OU=MDM,<wbr>O=scep-client" in html


def test_a_time_span_of_one_second_is_a_time() -> None:
    """Exchanges within one second have one time in the report, not the same time twice."""
    analysis = analyse(sceplab.decode_exchanges(sceplab.read_capture(REFUSED)))
    assert [s for s in input_section(analysis).sentences if "Time" in s] == ["Time: 2026-11-24 00:13:15 UTC"]
