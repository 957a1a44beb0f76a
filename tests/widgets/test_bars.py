"""Bar charts: every count is written out, names from captures are escaped, and parts have a legend."""

from __future__ import annotations

import pytest

from sceplab.widgets import bars
from tests.helpers.html import assert_harmless


def test_counts_are_written_beside_their_bars() -> None:
    """In HTML and in text. The longest bar has full length, and a count of 0 has no bar."""
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
    """The chart has one column for each part, in order of first appearance."""
    chart = bars("By month", {"2026-01": {"SUCCESS": 20, "FAILURE": 0}, "2026-02": {"FAILURE": 5, "PENDING": 1}})
    assert chart.parts == ("SUCCESS", "FAILURE", "PENDING")
    assert "20 SUCCESS" in repr(chart)
    assert "5 FAILURE, 1 PENDING" in repr(chart)
    html = chart._repr_html_()
    assert html.count("<th style=") == 4
    assert "color:var" not in html, "the text keeps the colour of the page"


def test_markup_in_names_is_escaped() -> None:
    """The names come from captures."""
    chart = bars("<script>", {"<img src=x onerror=y>\u202e": {"</td><script>": 1}})
    assert_harmless(chart._repr_html_())
    assert "\u202e" not in repr(chart)


def test_empty_charts_and_negative_counts() -> None:
    """An empty chart shows only its title, and a negative count raises ValueError."""
    assert repr(bars("none", {})) == "none"
    assert "<table>" in bars("none", {})._repr_html_()
    with pytest.raises(ValueError, match="at least 0"):
        bars("x", {"a": -1})
