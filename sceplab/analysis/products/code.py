"""Type: the meaning of an error number or name of a product.

Rule: the type only; the tables are in other modules.
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
