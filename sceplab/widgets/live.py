"""What every live view has in common: its script, its style, and a still for where scripts do not run."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import anywidget

from sceplab.widgets.script import join

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


# Seconds between two looks.
_EVERY = 1.0


class Following(Still):
    """A widget's mixin: it is refreshed every second from when it is shown until there is nothing left to follow.

    The kernel's own event loop does it, so no thread is needed, and a cell that
    runs long delays it. Without an event loop nothing happens by itself.
    """

    _task: asyncio.Task[None] | None = None

    def refresh(self) -> None:
        """Show what is there now. Never raises."""
        raise NotImplementedError

    def _followed(self) -> bool:
        """Whether something may change yet."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[Any, Any], dict[Any, Any]] | None:  # noqa: ANN401
        self.refresh()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            loop = None
        if loop is not None and (self._task is None or self._task.done()):
            self._task = loop.create_task(self._follow())
        return super()._repr_mimebundle_(**kwargs)

    async def _follow(self) -> None:
        while self._followed():
            await asyncio.sleep(_EVERY)
            self.refresh()


class LiveView(Still, anywidget.AnyWidget):
    """A widget of static/viewer.js with a still in HTML and a good `repr`."""

    _esm = join(STATIC / "viewer.js")
    _css = STATIC / "viewer.css"
