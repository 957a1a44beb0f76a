"""Bar charts: each count is written, other people's names are text, and parts have a legend."""

from __future__ import annotations

import pytest

from sceplab.widgets import bars
from tests.helpers.html import assert_harmless


def test_counts_are_written_beside_their_bars() -> None:
    """In HTML and in text; the longest bar is full, none is 0 pixels where something was counted."""
    chart = bars("Ciphers", {"aes-128-cbc": 12, "des-cbc": 3, "none": 0})
    html = chart._repr_html_()
    assert "&nbsp;12</td>" in html
    assert "width:300px" in html
    assert "width:75px" in html
    assert repr(chart).splitlines() == [
        "Ciphers",
        f"aes-128-cbc  {'█' * 40} 12",
        f"des-cbc      {'█' * 10} 3",
        "none          0",
    ]


def test_parts_have_colours_and_a_legend() -> None:
    """A column of numbers for each part, in the order in which they came."""
    chart = bars("By month", {"2026-01": {"SUCCESS": 20, "FAILURE": 0}, "2026-02": {"FAILURE": 5, "PENDING": 1}})
    assert chart.parts == ("SUCCESS", "FAILURE", "PENDING")
    assert "20 SUCCESS" in repr(chart)
    assert "5 FAILURE, 1 PENDING" in repr(chart)
    html = chart._repr_html_()
    assert html.count("<th style=") == 4
    assert "color:var" not in html, "the text keeps the colour of the page"


def test_hostile_names_are_text() -> None:
    """Names are of captures."""
    chart = bars("<script>", {"<img src=x onerror=y>\u202e": {"</td><script>": 1}})
    assert_harmless(chart._repr_html_())
    assert "\u202e" not in repr(chart)


def test_nothing_and_less_than_nothing() -> None:
    """An empty chart is a title; a negative count is an error."""
    assert repr(bars("none", {})) == "none"
    assert "<table>" in bars("none", {})._repr_html_()
    with pytest.raises(ValueError, match="at least 0"):
        bars("x", {"a": -1})
