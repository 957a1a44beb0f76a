"""The scan: openssl agrees on every element, no input makes it raise, and violations of DER are reported."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sceplab.asn1 import der, scan
from tests.helpers.captures import as_ber, needs, real_messages
from tests.helpers.certificates import make_crl

_LINE = re.compile(r"^ *(\d+):d=(\d+) +hl=(\d+) l= *(\d+|inf) +(prim|cons): (.*?)\s*(?::|$|\[)")


@needs("openssl")
def test_openssl_finds_the_same_elements(tmp_path: Path) -> None:
    """Offset, depth, header length and length of every element of every real message."""
    compared = 0
    for number, data in enumerate(real_messages()):
        file = tmp_path / f"{number}.der"
        file.write_bytes(data)
        command = ["openssl", "asn1parse", "-inform", "DER", "-in", str(file)]
        out = subprocess.run(command, capture_output=True, check=False).stdout.decode("latin-1")
        theirs = []
        for line in out.splitlines():
            found = _LINE.match(line)
            assert found, line
            if found[6] != "EOC":  # openssl lists the end-of-contents bytes as elements
                length = -1 if found[4] == "inf" else int(found[4])
                theirs.append((int(found[1]), int(found[2]), int(found[3]), length))
        made = scan.scan(data)
        depth = [0] * len(made)
        ours = []
        for i in range(len(made)):
            if made.parent[i] >= 0:
                depth[i] = depth[made.parent[i]] + 1
            length = -1 if made.flags[i] & scan.INDEFINITE else made.end[i] - made.content_start[i]
            ours.append((made.start[i], depth[i], made.content_start[i] - made.start[i], length))
        # openssl stops at bytes after the message; the scan reports them as trailing.
        assert ours[: len(theirs)] == theirs
        assert all(made.flags[i] & scan.TRAILING for i in range(len(theirs), len(ours)))
        compared += len(ours)
    assert compared > 2000


def _check_nesting(made: scan.Scan) -> None:
    """Check that every element is inside its parent, after the header, and apart from its siblings."""
    for i in range(len(made)):
        assert made.start[i] <= made.content_start[i] <= made.content_end(i) <= made.end[i] <= len(made.data)
        children = list(made.children(i))
        place = made.content_start[i]
        for child in children:
            assert made.parent[child] == i
            assert made.start[child] >= place
            place = made.end[child]
        assert place <= made.content_end(i) or not children


@settings(deadline=None)
@given(st.binary(max_size=300), st.sets(st.integers(0, 300), max_size=5))
def test_any_bytes_can_be_scanned(data: bytes, inside: set[int]) -> None:
    """Any bytes: every byte belongs to an outermost element, and elements nest."""
    made = scan.scan(data, inside=inside)
    _check_nesting(made)
    list(made.findings())
    roots = [i for i in range(len(made)) if made.parent[i] < 0]
    assert b"".join(data[made.start[i] : made.end[i]] for i in roots) == data


@settings(deadline=None)
@given(st.data())
def test_changed_messages_can_be_scanned(data: st.DataObject) -> None:
    """Bytes of a real message are overwritten, removed and inserted."""
    message = bytearray(data.draw(st.sampled_from(real_messages())))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(message) - 1))
        message[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    _check_nesting(scan.scan(bytes(message)))


def test_one_level_equals_the_same_level_of_the_scan() -> None:
    """`level` and `header` return the children that `scan` returns, also for indefinite lengths."""
    indefinite = 0
    for data in (*map(as_ber, real_messages()[:2]), *real_messages()):
        made = scan.scan(data)
        ends: scan.Ends = {}
        for i in range(len(made)):
            indefinite += made.flags[i] & scan.INDEFINITE
            if data[made.start[i]] & 0x20:
                children = [made.start[c] for c in made.children(i)]
                assert list(scan.level(data, made.content_start[i], made.content_end(i), ends)) == children
                parts = scan.header(data, made.start[i], len(data), ends)
                assert parts == (made.content_start[i], made.content_end(i), made.end[i], made.flags[i])
    assert indefinite > 10


@pytest.mark.parametrize(
    ("octets", "found"),
    [
        ("30020500", ()),
        ("3081020500", ("more length bytes",)),
        ("308005000000", ("indefinite length",)),
        ("30800500", ("cut short", "indefinite length")),
        ("30050500", ("cut short",)),
        ("30030500 30", ("no ASN.1 element",)),
        ("3004 0500 0000", ("end-of-contents bytes that end nothing",)),
        ("30020500 ffff", ("after the end",)),
        ("010101", ("TRUE that is not FF",)),
        ("01020000", ("BOOLEAN of other than one byte",)),
        ("0200", ("INTEGER without bytes",)),
        ("02020001", ("INTEGER with more bytes",)),
        ("0202ff80", ("INTEGER with more bytes",)),
        ("02020080", ()),
        ("0300", ("BIT STRING without",)),
        ("03020800", ("8 unused bits",)),
        ("03020401", ("unused bits that are not zero",)),
        ("030204f0", ()),
        ("050100", ("NULL with bytes",)),
        ("0600", ("cut off",)),
        ("06022a86", ("cut off",)),
        ("06032a8001", ("leading zero",)),
        ("130161", ()),
        ("13012a", ("character (2a) that a PrintableString",)),
        ("120161", ("NumericString",)),
        ("1601ff", ("IA5",)),
        ("0c01ff", ("UTF-8",)),
        ("1e0100", ("UTF-16",)),
        ("170d3236303130313030303030305a", ()),
        ("170b323630313031303030305a", ("UTCTime",)),
        ("180f32303236303130313030303030305a", ()),
        ("181132303236303130313030303030302e305a", ("GeneralizedTime",)),
        ("3106 020102 020101", ("SET OF that is not in ascending order",)),
        ("3106 020101 020102", ()),
        ("2404 04020000", ("string in pieces",)),
        ("1f0100", ("tag number below 31",)),
    ],
)
def test_violations_of_der_are_reported(octets: str, found: tuple[str, ...]) -> None:
    """For each rule of X.690, one value that breaks it and one that does not."""
    said = [text for _, text in scan.scan(bytes.fromhex(octets)).findings()]
    assert len(said) == len(found)
    assert [f for f, s in zip(found, said, strict=True) if f not in s] == []


def test_malformed_bytes_are_problems() -> None:
    """Each problem has a code, an offset and advice."""
    cases = {"30050500": "cut-off", "300130": "not-asn1", "3004 0500 0000": "stray-eoc", "0500 00": "trailing"}
    for octets, code in cases.items():
        made = scan.scan(bytes.fromhex(octets))
        (problem,) = made.problems
        assert problem.code == code
        assert problem.offset is not None
        assert problem.advice


def test_depth_and_element_limits_are_arguments() -> None:
    """Maximum depth and number of elements; the elements read before the limit remain."""
    deep = b"\x05\x00"
    for _ in range(5000):
        deep = der.sequence(deep)
    made = scan.scan(deep)
    assert len(made) == scan.MAX_DEPTH + 1
    assert made.problems[-1].code == "too-deep"
    assert len(scan.scan(deep, max_depth=10_000)) == 5001
    endless = b"\x30\x80" * 5000
    started = time.process_time()
    assert scan.scan(endless).problems
    assert time.process_time() - started < 10  # a generous limit; quadratic time would take minutes
    few = scan.scan(make_crl(100), max_nodes=50)
    assert len(few) == 50
    assert few.problems[-1].code == "too-many"
    _check_nesting(few)


def test_a_scanned_crl_has_every_element() -> None:
    """Four elements for each entry, and 18 around them."""
    assert len(scan.scan(make_crl(25_000))) == 100_018


def test_strings_are_opened_on_request() -> None:
    """The content of an OCTET STRING, and of a BIT STRING after its first byte; trailing bytes are scanned too."""
    inner = der.sequence(der.integer(5))
    data = der.sequence(der.encode(der.OCTET_STRING, inner), der.encode(der.BIT_STRING, b"\0", inner))
    assert len(scan.scan(data)) == 3
    made = scan.scan(data, inside={2, 9})
    assert list(made.start) == [0, 2, 4, 6, 9, 12, 14]
    assert [i for i in range(7) if made.flags[i] & scan.OPENED] == [1, 4]
    two = inner + inner
    assert list(scan.scan(two).flags) == [0, 0, scan.TRAILING]
    assert list(scan.scan(two, inside={5}).start) == [0, 2, 5, 7]


@pytest.mark.parametrize("octets", ["0002aabb", "300400020102", "2002 0500"])
def test_tag_0_with_content_is_reported(octets: str) -> None:
    """Only end-of-contents may use tag 0; a parser of indefinite lengths may stop there."""
    found = [text for _, text in scan.scan(bytes.fromhex(octets)).findings()]
    assert any("tag 0" in text for text in found)
