"""What a number or name that a product gives means.

Rule: data only, no table here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """A code with its name, what it means, and the fault behind it ("" where it names none).

    A `vague` one says that something failed, not why.
    """

    name: str
    meaning: str
    fault: str = ""
    fix: str = ""
    source: str = ""
    vague: bool = False
