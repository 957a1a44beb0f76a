"""What notebooks show: true offsets, and nobody's text becomes markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sceplab
from sceplab import oids
from sceplab.widgets import hexdump, show, show_checks, table
from sceplab.widgets.live import LiveView
from tests.support import DATA, key, messages, real_messages

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(1)>&amp;\u202eevil\u0000\x1b[31m'
_ALLOWED = {"div", "p", "b", "i", "details", "summary", "code", "small", "pre", "ul", "li"} | {
    *("table", "thead", "tbody", "tr", "th", "td", "a")
}


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[tuple[str, str]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.update((tag, a) for a, _ in attrs)
        self.seen.add((tag, ""))


def _html(view: LiveView) -> str:
    bundle = view._repr_mimebundle_()
    assert bundle is not None
    html: str = bundle[0]["text/html"]
    return html


def assert_harmless(html: str) -> None:
    """Fail where HTML has more than the plain elements of a still."""
    parser = _Tags()
    parser.feed(html)
    assert parser.seen <= {(t, "") for t in _ALLOWED} | {("details", "open"), ("a", "href")}
    assert all(link.startswith("https://www.rfc-editor.org/rfc/rfc") for link in re.findall(r'href="([^"]*)"', html))
    assert "\u202e" not in html
    assert "\x1b" not in html
    assert "\0" not in html


def test_names_and_passwords_of_others_are_text() -> None:
    """A subject and a challengePassword full of markup show as what they are."""
    name = sceplab.build_name([[sceplab.NameAttribute(oids.NAMES_TO_OID["commonName"], HOSTILE, "UTF8String")]])
    csr = sceplab.build_csr(name, key("r3"), challenge_password=HOSTILE, challenge_type=0x0C)
    html = _html(show(csr, "CertificationRequest"))
    assert "&lt;script&gt;" in html
    assert_harmless(html)
    assert_harmless(show_checks([sceplab.Check(HOSTILE, sceplab.Outcome.FAILED, HOSTILE)])._repr_html_())
    assert_harmless(table((HOSTILE,), [(HOSTILE,)])._repr_html_())
    assert "\x1b" not in repr(show(csr, "CertificationRequest"))


@given(st.binary(max_size=400))
def test_any_octets_can_be_shown(data: bytes) -> None:
    """Octets that are no ASN.1 are shown as far as they can be."""
    for kind in ("ContentInfo", "CertificationRequest", "Certificate"):
        assert_harmless(_html(show(data, kind)))


def test_every_real_message_is_named_all_the_way_down() -> None:
    """In every real message the signer, the signed attributes and the SCEP ones stand by their names."""
    # Among the shared files are requests and certificates without a message around them.
    found = [raw for raw in real_messages() if b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02" in raw[:30]]
    assert len(found) >= 10
    for raw in found:
        view = show(raw)
        assert_harmless(_html(view))
        assert "content SignedData" in repr(view)
        named = {"signerInfo SignerInfo", "signedAttrs Attributes", "messageType PrintableString", "transactionID "}
        if sceplab.parse_signed(raw).signer_infos:
            assert [n for n in named if n not in repr(view)] == []


def test_offsets_are_true() -> None:
    """At each offset that is shown stand the octets that are shown."""
    (message, *_) = messages(DATA / "specimen")
    html = _html(show(message.raw, open_depth=99))
    found = re.findall(r"<pre> *(\d+)  \[([0-9a-f ]*)\]", html)
    assert len(found) > 100
    for offset, header in found:
        octets = bytes.fromhex(header)
        assert message.raw[int(offset) : int(offset) + len(octets)] == octets


def test_a_table_refuses_rows_of_another_width() -> None:
    """That is a mistake of ours, not of the data."""
    with pytest.raises(ValueError, match="cells"):
        table(("a", "b"), [("1",)])


def test_hexdump() -> None:
    """Offsets, hex, ASCII, and how much is left out."""
    assert hexdump(b"AB\x00" * 6, start=16, limit=16).splitlines() == [
        "   16  41 42 00 41 42 00 41 42 00 41 42 00 41 42 00 41  AB.AB.AB.AB.AB.A",
        "       ... 2 more octets",
    ]
