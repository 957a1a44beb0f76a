"""Reading BER, writing DER, and converting between them, each in both directions."""

from __future__ import annotations

import pytest
from asn1crypto import core
from hypothesis import example, given
from hypothesis import strategies as st

from sceplab.asn1 import ber, der, scan
from sceplab.asn1.ber import Form
from sceplab.asn1.der import DerError

# (name, BER, the same element in DER); every BER form here occurs in real SCEP traffic.
TWINS = [
    ("DER stays DER", "3003020105", "3003020105"),
    ("indefinite length", "30800201050000", "3003020105"),
    ("indefinite inside indefinite", "3080308002010500000000", "30053003020105"),
    ("length of one octet too many", "308103020105", "3003020105"),
    ("segmented string, indefinite", "2480040261620401630000", "0403616263"),
    ("segmented string, definite", "240704026162040163", "0403616263"),
    ("segments inside segments", "2409240404026162040163", "0403616263"),
    ("empty segmented string", "24800000", "0400"),
    ("context tag, indefinite", "a0800201050000", "a003020105"),
    ("high tag number", "bf8148800201050000", "bf814803020105"),
]


@pytest.mark.parametrize(("captured", "plain"), [t[1:] for t in TWINS], ids=[t[0] for t in TWINS])
def test_normalise_and_dress_are_inverse(captured: str, plain: str) -> None:
    """BER becomes DER, and the recorded shape turns it back into the same BER."""
    data = bytes.fromhex(captured)
    normal, shape = ber.normalise(data)
    assert bytes.fromhex(plain) == normal
    assert data == ber.dress(normal, shape)
    assert (normal, ber.DER_SHAPE) == ber.normalise(normal)


def test_an_implicit_string_needs_a_schema() -> None:
    """[0]{OCTET STRING} is an explicit tag unless the schema says that [0] is the string itself."""
    data = bytes.fromhex("3006a00404026162")
    assert data == ber.normalise(data)[0]
    normal, shape = ber.normalise(data, [2])
    assert bytes.fromhex("300480026162") == normal
    assert shape.forms == ((1, Form(segments=((2, ber.DER_FORM),))),)
    assert data == ber.dress(normal, shape)


BROKEN = [
    ("nothing", ""),
    ("a tag alone", "30"),
    ("too long", "3005020105"),
    ("length of lengths cut off", "3082"),
    ("absurd length", "30fe" + "ff" * 126),
    ("no end-of-contents", "3080020105"),
    ("indefinite primitive", "04800000"),
    ("endless tag number", "bf" + "ff" * 20),
    ("trailing octets", "300000"),
]


@pytest.mark.parametrize("data", [b[1] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_broken_ber_is_a_der_error(data: str) -> None:
    """Malformed bytes raise DerError with the place of the error."""
    with pytest.raises(DerError) as info:
        ber.normalise(bytes.fromhex(data))
    assert info.value.offset >= 0
    assert info.value.expected


def test_very_deep_nesting_ends_quickly() -> None:
    """100,000 levels are refused without a RecursionError and without quadratic time."""
    for data in (b"\x30\x80" * 100_000 + b"\0\0" * 100_000, b"\x30\x80" * 100_000):
        with pytest.raises(DerError):
            ber.normalise(data)


@given(st.binary(max_size=300))
def test_reading_any_bytes_raises_only_der_error(data: bytes) -> None:
    """Any bytes give an element within the data, or DerError."""
    try:
        element = der.read(data)
        assert 0 < element.content_start <= element.content_end <= element.end <= len(data)
        last = element.content_start
        for child in element.children():
            assert child.start == last
            last = child.end
        assert last == element.content_end
    except DerError as error:
        assert 0 <= error.offset <= len(data)  # noqa: PT017 - either outcome is right


@given(st.binary(max_size=300))
def test_any_normalised_bytes_are_dressed_back(data: bytes) -> None:
    """Everything that `normalise` accepts can be dressed again, byte for byte."""
    try:
        normal, shape = ber.normalise(data)
    except DerError:
        return
    assert data == ber.dress(normal, shape)


ber_values = st.recursive(
    st.binary(max_size=20).map(lambda b: der.encode(der.OCTET_STRING, b)) | st.integers().map(der.integer),
    lambda inner: st.tuples(
        st.sampled_from([der.SEQUENCE, der.SET, 0xA0, 0x24]), st.lists(inner, max_size=4), st.integers(0, 3)
    ).map(lambda t: _ber(t[0], b"".join(t[1]), t[2])),
    max_leaves=12,
)


def _ber(tag: int, content: bytes, form: int) -> bytes:
    if tag == 0x24:  # only OCTET STRINGs may be segments
        content = der.encode(der.OCTET_STRING, content)
    if form == 0:
        return bytes((tag, 0x80)) + content + b"\0\0"
    if form == 1:
        return bytes((tag, 0x83)) + len(content).to_bytes(3, "big") + content
    return der.encode(tag, content)


@given(ber_values)
def test_generated_ber_round_trips(data: bytes) -> None:
    """Nested forms in every mixture: `normalise` gives DER, `dress` restores the original."""
    normal, shape = ber.normalise(data)
    assert data == ber.dress(normal, shape)
    assert not ber.normalise(normal)[1]


headers = st.lists(
    st.sampled_from([0x00, 0x02, 0x04, 0x30, 0x1F, 0x3F, 0x7F, 0x80, 0x81, 0x82, 0x83, 0xA0, 0xBF, 0xFF])
    | st.integers(0, 255),
    max_size=40,
).map(bytes)


@given(headers | ber_values.map(lambda data: data[2:]))
def test_all_header_readers_agree(data: bytes) -> None:
    """The fast paths of `Element.children`, `scan` and `scan.level` agree with `read` and `header`."""
    whole = der.Element(data, 0, der.SEQUENCE, 0, len(data), len(data))
    slow: list[der.Element] = []
    stopped = ""
    try:
        while (pos := slow[-1].end if slow else 0) < len(data):
            slow.append(der.read(data, pos, len(data)))
    except DerError as error:
        stopped = str(error)
    try:
        fast = whole.children()
    except DerError as error:
        assert str(error) == stopped  # noqa: PT017 - either outcome is right
    else:
        assert not stopped
        assert list(map(repr, fast)) == list(map(repr, slow))
        assert [e.end for e in fast] == [e.end for e in slow]
    found = scan.scan(b"\x30\x83" + len(data).to_bytes(3, "big") + data)
    starts = [found.start[i] - 5 for i in found.children(0)]
    assert starts[: len(slow)] == list(scan.level(data, 0, len(data), {}))[: len(starts)][: len(slow)]
    for element, index in zip(slow, found.children(0), strict=False):
        assert (element.start, element.content_start) == (found.start[index] - 5, found.content_start[index] - 5)
        assert (element.content_end, element.end) == (found.content_end(index) - 5, found.end[index] - 5)
    if stopped:  # where `read` raises, the scan reports garbage or a cut-off element
        assert found.problems


@given(st.integers())
@example(-128)
@example(-(2**15))
@example(-129)
def test_integers_equal_asn1crypto(value: int) -> None:
    """INTEGER in both directions, compared with asn1crypto."""
    data = der.integer(value)
    assert core.Integer(value).dump() == data
    assert value == der.int_of(der.read(data))


@given(st.lists(st.integers(0, 2**40), min_size=0, max_size=8), st.sampled_from(["0.9", "1.2", "1.39", "2.5", "2.999"]))
def test_oids_equal_asn1crypto(arcs: list[int], first: str) -> None:
    """OBJECT IDENTIFIER in both directions, compared with asn1crypto."""
    dotted = ".".join([first, *map(str, arcs)])
    data = der.oid(dotted)
    assert core.ObjectIdentifier(dotted).dump() == data
    assert dotted == der.oid_of(der.read(data))


def test_a_set_of_is_sorted() -> None:
    """DER sorts the elements of a SET OF by their encoded bytes (X.690, 11.6)."""
    assert bytes.fromhex("3106020101020102") == der.set_of([der.integer(2), der.integer(1)])


def test_nested_indefinite_lengths_are_limited() -> None:
    """Each decoded level costs one pass over the data, and 600 kB of them once took 28 passes."""
    der.read(b"\x30\x80" * der.MAX_DEPTH + b"\0\0" * der.MAX_DEPTH)
    with pytest.raises(der.DerError, match="levels"):
        der.read(b"\x30\x80" * 300_000)


def test_an_integer_of_5000_bytes_is_refused() -> None:
    """Python refuses to print such an integer: as a version it ended `lint` and `diagnose` with a traceback."""
    assert der.int_of(der.read(der.integer(1 << 4096))) == 1 << 4096
    with pytest.raises(der.DerError):
        der.int_of(der.read(der.encode(der.INTEGER, b"\1" + bytes(5000))))
