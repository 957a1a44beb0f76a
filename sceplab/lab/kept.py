"""What a running lab keeps to be looked at: queues that share one limit of memory.

Rule: every byte of an item is counted, whoever chose it: bodies, targets, header
fields, words of a decision. Beyond the limit the oldest item of all queues leaves.
"""

from __future__ import annotations

import itertools
import sys
import threading
from collections import deque
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, TypeVar

T = TypeVar("T")


# The fields of each class that was seen, none for what is no dataclass.
_names: dict[type, tuple[str, ...]] = {}


def size_of(item: object) -> int:
    """Return how many bytes of memory an item takes: a dataclass, tuple, text or bytes, and all in it.

    What several items share is counted for each.
    """
    size = 0
    todo: list[Any] = [item]
    while todo:
        one = todo.pop()
        kind = type(one)
        if kind is str or kind is bytes:
            size += sys.getsizeof(one)
        elif kind is tuple:
            size += sys.getsizeof(one)
            todo += one
        elif one is not None and not isinstance(one, bool | Enum):
            size += sys.getsizeof(one)
            if kind not in _names:
                _names[kind] = tuple(f.name for f in fields(one)) if is_dataclass(one) else ()
            todo += [getattr(one, name) for name in _names[kind]]
    return size


class Budget:
    """The limit of memory that some queues share; `held` is what they hold, in bytes."""

    def __init__(self, octets: int) -> None:
        """Allow so many bytes."""
        self.octets, self.held = octets, 0
        self.lock = threading.RLock()
        self.stamps = itertools.count()
        self.queues: list[Kept[object]] = []

    def make_room(self) -> None:
        """Drop the oldest items until the limit is kept."""
        while self.held > self.octets:
            min((q for q in self.queues if q), key=lambda q: q.oldest).drop()


# Of an item's place in a queue: pointers, and the stamp and size beside it.
_PLACE = 150


class Kept(deque[T]):
    """A queue that drops its oldest items beyond its budget, so that memory does not grow. Only `append` to it."""

    def __init__(self, budget: Budget, items: int = 20_000) -> None:
        """Take the budget, which other queues may share, and the most items of this queue."""
        super().__init__()
        self._budget, self._items = budget, items
        self._sizes: deque[tuple[int, int]] = deque()
        budget.queues.append(self)  # type: ignore[arg-type]  # dropped and counted only

    def append(self, item: T, /) -> None:
        """Add one item, and drop the oldest ones of all queues beyond the budget."""
        size = size_of(item) + _PLACE
        with self._budget.lock:
            super().append(item)
            self._sizes.append((next(self._budget.stamps), size))
            self._budget.held += size
            if len(self) > self._items:
                self.drop()
            self._budget.make_room()

    def newest(self, items: int, octets: int) -> list[T]:
        """Return the newest items, oldest first: so many at most, and of so many bytes together."""
        with self._budget.lock:
            found, held = 0, 0
            for _, size in reversed(self._sizes):
                held += size
                if found == items or held > octets:
                    break
                found += 1
            return list(self)[len(self) - found :]

    @property
    def oldest(self) -> int:
        """When the oldest item came, as a number that grows; only where there is one."""
        return self._sizes[0][0]

    def drop(self) -> None:
        """Drop the oldest item."""
        with self._budget.lock:
            self.popleft()
            self._budget.held -= self._sizes.popleft()[1]
