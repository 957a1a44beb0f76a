"""Serial numbers in the notations that people copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from sceplab.errors import InputError
from sceplab.lab.clock import utc_now
from sceplab.lab.issued import find_issued
from tests.helpers.labs import authority


def test_digits_are_decimal_or_hex_whichever_was_issued(tmp_path: Path) -> None:
    """Where both were issued the serial is refused, and both are named; 0x and colons say which."""
    with authority(tmp_path) as ca:
        store = ca.store

        def issue(serial: int) -> None:
            name = str(serial)
            assert store.add(name, b"", b"", b"", utc_now(), certificate=(serial, ca.certificate))

        issue(0x1234)
        for text in ("1234", "0x1234", "0X1234", "12:34", "4660", "001234", " 1234\n", "serial=1234"):
            assert find_issued(store, text).serial == 0x1234, text
        issue(1234)
        with pytest.raises(InputError, match=r"0x4D2 is .*; 0x1234 is .*Write it with 0x"):
            find_issued(store, "1234")
        assert find_issued(store, "0x1234").serial == 0x1234
        assert find_issued(store, "0x4d2").serial == 1234
        issue(0xABC)
        for text in ("abc", "0xABC", "a:bc", "0A:BC"):
            assert find_issued(store, text).serial == 0xABC, text


WRONG = ["", " ", "-1", "0x", "x", "1:", ":1", "123:4", "1.5", "1_0", "\u0661", "9" * 81, "0x12:34", "\x1b"]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_serial_is_said(tmp_path: Path, text: str) -> None:
    """Another error than for a serial that was not issued."""
    with authority(tmp_path) as ca:
        with pytest.raises(InputError, match="is not a serial"):
            find_issued(ca.store, text)
        with pytest.raises(InputError, match="no certificate has the serial"):
            find_issued(ca.store, "9" * 80)
