"""Lines that a page wraps between words."""

from __future__ import annotations

import re
from html import unescape

import sceplab
from sceplab.report.ladder import lay_out
from sceplab.report.layout import hang
from sceplab.views.inspector import inspector_html
from sceplab.views.ladder import ladder_html
from sceplab.widgets import show_text
from tests.helpers.captures import DATA


def test_the_text_of_the_html_is_the_text() -> None:
    """Each line is a block that ends with a line end, so that without styles it is a line too."""
    text = "one & <two>\n    seen: three\n\nfour"
    html = show_text(text).html
    assert html.count("display:block") == 4
    inside = html.partition("<code>")[2].replace("</span>", "").replace("</code></pre>", "")
    assert "".join(unescape(part.partition(">")[2]) for part in inside.split("<span")[1:]) == text + "\n"
    assert repr(show_text(text)) == text


def test_what_others_wrote_is_escaped() -> None:
    """This holds for markup and for characters that change a terminal."""
    shown = show_text("<script>\x1b[31m")
    assert "<script" not in shown.html
    assert "\x1b" not in shown.html + repr(shown)


def test_lines_go_on_below_their_text() -> None:
    """A label such as `seen:` is left of all lines of its text; long indentations stop growing in HTML."""
    assert hang("    seen: a") == 10
    assert "padding-left:10ch;text-indent:-10ch" in show_text("    seen: a").html
    assert "padding-left:10ch" in show_text(" " * 60 + "a").html


def test_stills_keep_ladders_straight_and_tables_left_aligned() -> None:
    """Pages of nbconvert give `<pre>` alone a font of several widths, and align cells to the right."""
    decoded = sceplab.decode_exchanges(sceplab.read_capture(DATA / "captures/micromdm-wrongchallenge/capture.pcap"))
    capture = inspector_html(sceplab.analyse(decoded))
    assert "<td" in capture
    for html in (ladder_html(lay_out(decoded)), show_text("a").html, capture):
        assert re.findall("<pre[^>]*>(?!<code>)", html) == []
        assert re.findall("<t[dh]>", html) == []
