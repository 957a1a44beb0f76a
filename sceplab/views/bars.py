"""Counts as a bar chart, in HTML without scripts and in text.

Rule: every number is written beside its bar, and text keeps the colour of the page, so
that a chart can be read in a light and in a dark theme, printed, and by a screen reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sceplab.views.text import safe, visible

# Pixels and characters of the longest bar.
_WIDE, _WIDE_WITH_COLUMNS, _CHARACTERS = 300, 160, 40
# Far enough from white, from black, and from each other (also for those who cannot see red and green).
_COLOURS = ("#2f7fc1", "#d1495b", "#d98e04", "#7a7a7a", "#6a51a3", "#1b9e77")
_SIGNS = "█▒░▓▞▚"
_CELL = "text-align:left;vertical-align:middle;padding:2px 8px"
_NUMBER = "text-align:right;vertical-align:middle;padding:2px 8px"


@dataclass(frozen=True, slots=True)
class Bars:
    """A bar chart: `rows` are (name, count of each part), `parts` their names ("" where there is one alone)."""

    title: str
    parts: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int, ...]], ...]

    @property
    def _most(self) -> int:
        return max((sum(counts) for _, counts in self.rows), default=0) or 1

    def __repr__(self) -> str:
        wide = max((len(visible(name)) for name, _ in self.rows), default=0)
        lines = [visible(self.title)]
        for name, counts in self.rows:
            bar = "".join(_SIGNS[i % len(_SIGNS)] * round(n * _CHARACTERS / self._most) for i, n in enumerate(counts))
            if self.parts == ("",):
                said = f"{counts[0]}"
            else:
                said = ", ".join(f"{n} {part}" for part, n in zip(self.parts, counts, strict=True) if n)
            lines.append(f"{visible(name):{wide}}  {bar} {said}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        many = self.parts != ("",)
        heads = "".join(
            f'<th style="{_NUMBER}">{_square(i)}&nbsp;{safe(part)}</th>' for i, part in enumerate(self.parts) if many
        )
        head = f'<tr><th style="{_CELL}">{safe(self.title)}</th><th></th>{heads}</tr>' if many else ""
        body = "".join(self._row(name, counts, many=many) for name, counts in self.rows)
        title = "" if many else f"<p><b>{safe(self.title)}</b></p>"
        return f"<div>{title}<table><thead>{head}</thead><tbody>{body}</tbody></table></div>"

    def _row(self, name: str, counts: tuple[int, ...], *, many: bool) -> str:
        wide = _WIDE_WITH_COLUMNS if many else _WIDE
        pieces = "".join(
            f'<span style="display:inline-block;height:14px;width:{round(n * wide / self._most)}px;'
            f'background-color:{_COLOURS[i % len(_COLOURS)]}"></span>'
            for i, n in enumerate(counts)
            if n
        )
        numbers = "".join(f'<td style="{_NUMBER}">{n or ""}</td>' for n in counts) if many else ""
        alone = "" if many else f"&nbsp;{counts[0]}"
        return (
            f'<tr><td style="{_CELL}">{safe(name)}</td>'
            f'<td style="{_CELL};white-space:nowrap">{pieces}{alone}</td>{numbers}</tr>'
        )


def _square(number: int) -> str:
    colour = _COLOURS[number % len(_COLOURS)]
    return f'<span style="display:inline-block;height:10px;width:10px;background-color:{colour}"></span>'


def bars(title: str, counts: Mapping[str, int] | Mapping[str, Mapping[str, int]]) -> Bars:
    """Return a bar chart of counts by name, in their order; of counts by name and part, with one colour for each part.

    Raises ValueError for a count below 0.
    """
    parts: dict[str, None] = {}
    for value in counts.values():
        parts |= dict.fromkeys(value if isinstance(value, Mapping) else ("",))
    rows = tuple(
        (name, tuple((value if isinstance(value, Mapping) else {"": value}).get(part, 0) for part in parts))
        for name, value in counts.items()
    )
    if any(n < 0 for _, numbers in rows for n in numbers):
        raise ValueError("a count is at least 0")
    return Bars(title, tuple(parts), rows)
