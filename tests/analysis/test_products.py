"""What products write is recognised, and what healthy ones write is not."""

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
    named |= {fault for faults in MEANT.values() for fault in faults.values()}
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
    fault_of(text)
    assert time.process_time() - began < 1


@pytest.mark.parametrize("write", [to_text, to_markdown, to_html])
def test_words_that_often_mislead_are_shown_with_a_caution(write: Callable[[Analysis], str]) -> None:
    """Certmonger says that a CA is unreachable also when it cannot read the reply; other words have no caution."""
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
def test_words_of_no_table_are_a_subject_and_its_state(words: str, fault: str) -> None:
    """The two words that are nearest in a clause decide, and a negated state is none."""
    assert fault_of(words) == fault


def test_a_guess_is_possible_and_stands_only_where_no_table_knows_the_words() -> None:
    """A guess is never likely, and known words are preferred to it."""
    odd = "switchd: enrollment failed: registration secret no longer valid since Monday"
    (cause,) = analyse((), capture=Capture(remarks=(Remark(odd, "", 1),))).causes
    assert (cause.fault.id, cause.guessed, cause.likelihood.name) == ("challenge-expired", True, "POSSIBLE")
    known = Remark("The RPC server is unavailable.", "", 2)
    both = analyse((), capture=Capture(remarks=(Remark(odd, "", 1), known))).causes
    assert [c.fault.id for c in both] == ["ca-unreachable"]


def test_each_row_of_the_grammar_is_used() -> None:
    """Subjects and states of the map are those that words have."""
    assert set(MEANT) == {name for name, _ in SUBJECTS}
    assert {state for faults in MEANT.values() for state in faults} <= {name for name, _ in STATES}


def test_the_client_of_windows_means_another_thing_by_the_same_number() -> None:
    """A key set that is missing is the RA's at NDES, and the client's own in its event 32."""
    assert _first("cannot retrieve one of its required certificates (0x80090016)") == "ra-key"
    assert _first("SCEP: Certificate enroll failed. Result: (Keyset does not exist).") == "client-key"
    assert code_of(0x80280009) is TPM


def test_what_windows_writes_stands_for_its_number() -> None:
    """Each text has a number that is known, and a sentence without its number means the same."""
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
    """The number counts beside its name or OID, however it is written."""
    assert _first(f"scepd: reply {notation}") == "badCertId"
