"""Error text of products is recognised as a fault, and the text of successful runs is not."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from sceplab.analysis.analyse import Analysis, analyse
from sceplab.analysis.faults.registry import FAULTS
from sceplab.analysis.products.clients import APPLE, CISCO, EXITS, FAIL_INFOS, PKI_STATUSES
from sceplab.analysis.products.events import CONNECTOR, EVENTS, WITH_HRESULT
from sceplab.analysis.products.grammar import fault_of
from sceplab.analysis.products.hresults import HRESULTS, code_of
from sceplab.analysis.products.hresults_system import OF_CLIENT, SYSTEM, TEXTS, TPM
from sceplab.analysis.products.iis import STATUSES, SUBSTATUSES, WIN32
from sceplab.analysis.products.recognition import code_in, codes_in, recognise
from sceplab.analysis.products.words_any import ANY
from sceplab.analysis.products.words_clients import CLIENTS
from sceplab.analysis.products.words_grammar import FAULTS as MEANT
from sceplab.analysis.products.words_grammar import STATES, SUBJECTS
from sceplab.analysis.products.words_network import NETWORK
from sceplab.analysis.products.words_servers import SERVERS
from sceplab.analysis.products.words_transport import TRANSPORT
from sceplab.analysis.products.words_windows import WINDOWS
from sceplab.capture.reading import Capture
from sceplab.report.html import to_html
from sceplab.report.markdown import to_markdown
from sceplab.report.plain import to_text
from sceplab.scep.transport import Remark
from tests.helpers.symptoms import HEALTHY, SYMPTOMS

_WORDS = (*SERVERS, *WINDOWS, *NETWORK, *CLIENTS, *TRANSPORT, *ANY)
_TABLES = (
    *(APPLE, CISCO, EXITS, FAIL_INFOS, PKI_STATUSES, CONNECTOR, EVENTS, WITH_HRESULT),
    *(HRESULTS, SYSTEM, OF_CLIENT, STATUSES, SUBSTATUSES, WIN32),
)
_AROUND = ("{}", "2026-11-24T08:00:01Z host scepd[77]: {}", 'ERROR "{}"', "  {}\r")


def _first(line: str) -> str:
    causes = analyse((), capture=Capture(remarks=(Remark(line, "", 1),))).causes
    return causes[0].fault.id if causes else ""


@pytest.mark.parametrize(("row", "line", "fault"), SYMPTOMS, ids=lambda v: v[:40])
def test_first_cause_of_a_log_line(row: str, line: str, fault: str) -> None:
    """The first cause is the same for the line alone and with a timestamp, quotes or line ends around it."""
    for around in _AROUND:
        assert _first(around.format(line)) == fault, (row, around)


@pytest.mark.parametrize("line", HEALTHY, ids=lambda v: v[:40])
def test_success_lines_have_no_cause(line: str) -> None:
    """Lines that products write on success have no cause."""
    assert _first(line) == "", [s.product for s in recognise(line)]


@pytest.mark.parametrize("number", ["31", "18", "101", "22013", "14006", "0x762", "404", "12175", "73"])
def test_a_bare_number_is_not_recognised(number: str) -> None:
    """A number counts as a code only next to its name."""
    assert not list(recognise(f"issued certificate {number}"))


def test_tables_name_only_existing_faults() -> None:
    """Rows, codes and the grammar name only faults of the registry."""
    named = {s.fault for s in _WORDS} | {c.fault for table in _TABLES for c in table.values() if c.fault}
    named |= {fault for faults in MEANT.values() for fault in faults.values()}
    assert named <= set(FAULTS)


def test_every_row_has_a_source_or_belongs_to_any_product() -> None:
    """A row names the source of its text unless the text belongs to no particular product."""
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
def test_long_lines_are_searched_quickly(text: str) -> None:
    """No pattern backtracks for long on repeated words."""
    began = time.process_time()
    list(recognise(text))
    list(codes_in(text[:4000]))
    code_in(text)
    fault_of(text)
    assert time.process_time() - began < 1


@pytest.mark.parametrize("write", [to_text, to_markdown, to_html])
def test_misleading_text_is_shown_with_a_caution(write: Callable[[Analysis], str]) -> None:
    """Certmonger reports CA_UNREACHABLE also for a reply that it cannot read; other text has no caution."""
    line = "certmonger: status CA_UNREACHABLE"
    shown = " ".join(write(analyse((), capture=Capture(remarks=(Remark(line, "", 1),)))).split())
    assert "These words often mislead: certmonger also writes them about a reply" in shown
    other = write(analyse((), capture=Capture(remarks=(Remark("%PKI-6-CERTFAIL: failed", "", 1),))))
    assert "mislead" not in other


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("the pass phrase of the device is out of date", "challenge-expired"),
        ("EnrollmentSecretMismatch", "challenge-refused"),
        ("ENROLLMENT_TOKEN_CONSUMED", "challenge-used"),
        ("template WebServer2 is unknown here", "template"),
        ("the 1024 bit key is too weak", "key-length"),
        ("clock is 3 days behind, not synchronized", "clock"),
        ("could not open the CMS envelope", "cannot-decrypt"),
        ("cannot use the issuing CA certificate; certificate expired", "ca-expired"),
        ("hash algorithm SHA1 disallowed", "algorithm-refused"),
        ("unknown device", "unknown-entity"),
        ("certificate has not expired", ""),
        ("SCEP enrollment failed", ""),
        ("0 errors in 3 certificates", ""),
    ],
)
def test_unknown_text_is_read_as_subject_and_state(words: str, fault: str) -> None:
    """The nearest subject and state in a clause decide; a negated state does not count."""
    assert fault_of(words) == fault


def test_a_guess_is_only_possible_and_yields_to_known_text() -> None:
    """A guess is only POSSIBLE, and it is dropped when a table recognises other text."""
    odd = "switchd: enrollment failed: registration secret no longer valid since Monday"
    (cause,) = analyse((), capture=Capture(remarks=(Remark(odd, "", 1),))).causes
    assert (cause.fault.id, cause.guessed, cause.likelihood.name) == ("challenge-expired", True, "POSSIBLE")
    known = Remark("The RPC server is unavailable.", "", 2)
    both = analyse((), capture=Capture(remarks=(Remark(odd, "", 1), known))).causes
    assert [c.fault.id for c in both] == ["ca-unreachable"]


def test_grammar_subjects_and_states_are_defined() -> None:
    """The map from subject and state to fault uses only subjects and states that the word lists define."""
    assert set(MEANT) == {name for name, _ in SUBJECTS}
    assert {state for faults in MEANT.values() for state in faults} <= {name for name, _ in STATES}


def test_one_windows_code_differs_between_server_and_client() -> None:
    """A missing key set is the RA's key in NDES messages and the client's own key in client event 32."""
    assert _first("cannot retrieve one of its required certificates (0x80090016)") == "ra-key"
    assert _first("SCEP: Certificate enroll failed. Result: (Keyset does not exist).") == "client-key"
    assert code_of(0x80280009) is TPM


def test_windows_error_text_equals_its_code() -> None:
    """Each error text maps to a known code, and the text alone gives the same fault as the code."""
    assert all(code_of(number) is not None for number in TEXTS.values())
    assert _first("Error: An untrusted root certificate") == _first("Error 0x800B0109") == "untrusted-root"


@pytest.mark.parametrize(
    "notation",
    [
        "failInfo: 4",
        'fail_info="4"',
        "failure info = 0x04",
        "2.16.840.1.113733.1.9.4 PrintableString '4'",
        "FailInfo(4)",
    ],
)
def test_fail_info_in_any_notation(notation: str) -> None:
    """The failInfo number is recognised next to its name or OID in any notation."""
    assert _first(f"scepd: reply {notation}") == "badCertId"
