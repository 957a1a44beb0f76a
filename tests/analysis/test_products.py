"""What products write is recognised, and what healthy ones write is not."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from sceplab.analysis.analyse import Analysis, analyse
from sceplab.analysis.faults.registry import FAULTS
from sceplab.analysis.products.clients import APPLE, CISCO, EXITS
from sceplab.analysis.products.events import CONNECTOR, EVENTS, WITH_HRESULT
from sceplab.analysis.products.hresults import HRESULTS
from sceplab.analysis.products.iis import STATUSES, SUBSTATUSES, WIN32
from sceplab.analysis.products.recognition import code_in, codes_in, recognise
from sceplab.analysis.products.words_any import ANY
from sceplab.analysis.products.words_clients import CLIENTS
from sceplab.analysis.products.words_servers import SERVERS
from sceplab.analysis.products.words_windows import WINDOWS
from sceplab.capture.reading import Capture
from sceplab.report.html import to_html
from sceplab.report.markdown import to_markdown
from sceplab.report.plain import to_text
from sceplab.scep.transport import Remark
from tests.helpers.symptoms import HEALTHY, SYMPTOMS

_WORDS = (*SERVERS, *WINDOWS, *CLIENTS, *ANY)
_TABLES = (APPLE, CISCO, EXITS, CONNECTOR, EVENTS, WITH_HRESULT, HRESULTS, STATUSES, SUBSTATUSES, WIN32)
_AROUND = ("{}", "2026-11-24T08:00:01Z host scepd[77]: {}", 'ERROR "{}"', "  {}\r")


def _first(line: str) -> str:
    causes = analyse((), capture=Capture(remarks=(Remark(line, "", 1),))).causes
    return causes[0].fault.id if causes else ""


@pytest.mark.parametrize(("row", "line", "fault"), SYMPTOMS, ids=lambda v: v[:40])
def test_first_cause_of_a_line_of_words(row: str, line: str, fault: str) -> None:
    """The line alone, or with what logs put around it, names the fault first."""
    for around in _AROUND:
        assert _first(around.format(line)) == fault, (row, around)


@pytest.mark.parametrize("line", HEALTHY, ids=lambda v: v[:40])
def test_healthy_lines_are_no_fault(line: str) -> None:
    """What is written when all goes well is no cause."""
    assert _first(line) == "", [s.product for s in recognise(line)]


@pytest.mark.parametrize("number", ["31", "18", "101", "22013", "14006", "0x762", "404", "12175", "73"])
def test_a_bare_number_means_nothing(number: str) -> None:
    """A number is a code only beside its name."""
    assert not list(recognise(f"issued certificate {number}"))


def test_every_fault_that_is_named_exists() -> None:
    """Rows and codes name faults of the registry."""
    named = {s.fault for s in _WORDS} | {c.fault for table in _TABLES for c in table.values() if c.fault}
    assert named <= set(FAULTS)


def test_every_row_has_a_source_or_is_of_any_product() -> None:
    """Where words were read is said, unless any product may write them."""
    for saying in _WORDS:
        assert saying.pattern.pattern
        assert saying.source or saying.product.startswith("any "), saying.words


@pytest.mark.parametrize(
    "text",
    [
        "challenge " * 10_000,
        "certificate signer " * 6_000,
        "HTTP " * 20_000,
        "status = " * 12_000,
        "a" * 100_000,
        "GET " * 25_000,
        "sscep exit " * 9_000,
        "CA " * 33_000,
    ],
    ids=lambda v: v[:12],
)
def test_long_lines_cost_little(text: str) -> None:
    """No pattern is slow, whatever is repeated."""
    began = time.process_time()
    list(recognise(text))
    list(codes_in(text[:4000]))
    code_in(text)
    assert time.process_time() - began < 1


@pytest.mark.parametrize("write", [to_text, to_markdown, to_html])
def test_words_that_often_mislead_are_shown_with_a_caution(write: Callable[[Analysis], str]) -> None:
    """Certmonger says that a CA is unreachable also when it cannot read the reply; other words have no caution."""
    line = "certmonger: status CA_UNREACHABLE"
    shown = " ".join(write(analyse((), capture=Capture(remarks=(Remark(line, "", 1),)))).split())
    assert "These words often mislead: certmonger also writes them about a reply" in shown
    other = write(analyse((), capture=Capture(remarks=(Remark("%PKI-6-CERTFAIL: failed", "", 1),))))
    assert "mislead" not in other
