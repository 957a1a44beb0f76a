"""Keep what was read of small inputs: messages share algorithms, names and certificates.

Rule: what is larger than a limit is read each time, or hostile input would fill the memory.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

T = TypeVar("T")


def memo(count: int, longest: int) -> Callable[[Callable[[bytes], T]], Callable[[bytes], T]]:
    """Return a decorator for a function of bytes; what it raises is not kept.

    Args:
        count: How many results are kept; the one that was not used for longest leaves.
        longest: The most bytes of an input whose result is kept.
    """

    def decorate(function: Callable[[bytes], T]) -> Callable[[bytes], T]:
        kept = lru_cache(count)(function)

        @wraps(function)
        def result(data: bytes) -> T:
            return kept(data) if len(data) <= longest else function(data)

        return result

    return decorate
