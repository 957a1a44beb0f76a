"""Two structures side by side in a notebook.

Rule: `sceplab.views.difference` makes the state, static/viewer.js draws it.
"""

from __future__ import annotations

from typing import Any

import traitlets

from sceplab.analysis.compare import Likeness, Pair, compare
from sceplab.scep.message import PkiMessage
from sceplab.views.difference import (
    counts_of,
    difference_html,
    difference_state,
    difference_text,
    differences_of,
    pairs_in_order,
)
from sceplab.views.page import difference_page
from sceplab.widgets.live import CHOSEN, LiveView


class Asn1Diff(LiveView):
    """A live view of two structures, aligned by `compare`; `show_differences` makes one.

    `selected` is the index of a field in `pairs`.
    """

    view = traitlets.Unicode("diff").tag(sync=True)
    first = traitlets.Bytes(b"").tag(sync=True)
    second = traitlets.Bytes(b"").tag(sync=True)
    titles: Any = traitlets.List().tag(sync=True)
    likenesses: Any = traitlets.List().tag(sync=True)
    rows: Any = traitlets.List().tag(sync=True)
    selected = traitlets.Int(-1).tag(**CHOSEN)

    def __init__(self, first: bytes, second: bytes, type_name: str, titles: tuple[str, str]) -> None:
        """Compare and show."""
        self.root = compare(first, second, type_name)
        self.pairs: list[Pair] = [pair for pair, _ in pairs_in_order(self.root)]
        super().__init__(**difference_state(first, second, titles, self.root))

    @property
    def differences(self) -> list[Pair]:
        """The fields that are not the same, in order."""
        return differences_of(self.root)

    @property
    def counts(self) -> dict[Likeness, int]:
        """The number of fields of each likeness."""
        return counts_of(self.root)

    def __repr__(self) -> str:
        return difference_text(self.root, self.titles)

    def _page(self, *, show_secrets: bool) -> str:
        first, second = self.titles
        return difference_page(self.first, self.second, (first, second), self.root, show_secrets=show_secrets)

    def _still(self) -> str:
        return difference_html(self.root, self.titles)


def show_differences(
    first: bytes | PkiMessage,
    second: bytes | PkiMessage,
    type_name: str = "ContentInfo",
    *,
    titles: tuple[str, str] = ("first", "second"),
) -> Asn1Diff:
    """Return a view of two values of one type, or two decoded messages, field beside field (see `compare.compare`)."""
    one, other = (value.raw if isinstance(value, PkiMessage) else value for value in (first, second))
    return Asn1Diff(one, other, type_name, titles)
