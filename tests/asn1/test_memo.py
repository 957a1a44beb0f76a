"""Results that are kept: those of small inputs alone."""

from __future__ import annotations

import pytest

from sceplab.asn1.memo import memo


def test_small_inputs_are_read_once_and_large_ones_each_time() -> None:
    """The limit itself is small; beyond the number of results the oldest is read again."""
    calls: list[bytes] = []

    @memo(2, longest=3)
    def length(data: bytes) -> int:
        """Return the length."""
        calls.append(data)
        return len(data)

    assert [length(data) for data in (b"abc", b"abc", b"abcd", b"abcd")] == [3, 3, 4, 4]
    assert calls == [b"abc", b"abcd", b"abcd"]
    calls.clear()
    assert [length(data) for data in (b"a", b"b", b"abc")] == [1, 1, 3]
    assert calls == [b"a", b"b", b"abc"]
    assert length.__doc__ == "Return the length."


def test_errors_are_raised_again() -> None:
    """Each call has an error of its own."""
    calls: list[bytes] = []

    @memo(2, longest=3)
    def fail(data: bytes) -> None:
        calls.append(data)
        raise ValueError(len(calls))

    for number in (1, 2):
        with pytest.raises(ValueError, match=str(number)):
            fail(b"")
