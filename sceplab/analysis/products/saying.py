"""Type: a known sentence of a product.

Rule: the type only; the tables are in other modules.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Saying:
    """Words of a product, the fault they mean, and the source of that.

    `words` is a pattern in which a space stands for white space. `fix` replaces the
    fault's own where the product has a special one. `misleading` says, as a sentence,
    what else the product writes these words about. `vague` words say that something
    failed, or what followed from it, not why: any others say more.
    """

    product: str
    words: str
    fault: str
    fix: str = ""
    source: str = ""
    misleading: str = ""
    vague: bool = False

    @property
    def expression(self) -> str:
        """The words as a regular expression that folds white space."""
        return self.words.replace(" ?", r"\s?").replace(" ", r"\s+")

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The words as a pattern that ignores case and folds white space."""
        return re.compile(self.expression, re.IGNORECASE)
