"""Type: the meaning of an error number or name of a product.

Rule: the type only; the tables are in other modules.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """A code with its name, its meaning, and the fault it indicates ("" if none)."""

    name: str
    meaning: str
    fault: str = ""
    fix: str = ""
    source: str = ""
