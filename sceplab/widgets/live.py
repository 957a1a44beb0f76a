"""What every live view has in common: its script, its style, and a still for where scripts do not run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget

STATIC = Path(__file__).parent / "static"
"""Where the browser's halves are."""


class Still:
    """A widget's mixin: what is shown where no script runs."""

    def _still(self) -> str:
        raise NotImplementedError

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[Any, Any], dict[Any, Any]] | None:  # noqa: ANN401
        made = super()._repr_mimebundle_(**kwargs)  # type: ignore[misc]
        bundle, metadata = made if isinstance(made, tuple) else (made or {}, {})
        return {**bundle, "text/plain": repr(self), "text/html": self._still()}, metadata


class LiveView(Still, anywidget.AnyWidget):
    """A widget of static/viewer.js with a still in HTML and a good `repr`."""

    _esm = STATIC / "viewer.js"
    _css = STATIC / "viewer.css"
