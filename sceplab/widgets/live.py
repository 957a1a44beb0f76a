"""What every live view has in common: its script, its style, and a still for where JavaScript does not run."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import anywidget
from IPython.core.getipython import get_ipython

from sceplab.files import write_new
from sceplab.views.script import STATIC, join

AS_A_WHOLE: dict[str, Any] = {"continuous_update": False}
"""How a box sends what is typed: when somebody leaves it, so before a button is pressed or a cell is run.

Sent by every key, the rest of the word would be held back while the kernel has
not answered to its first letter.
"""


class Still:
    """A widget's mixin: a still without JavaScript; its messages are handled in order (see `in_order`)."""

    def _still(self) -> str:
        raise NotImplementedError

    def open(self) -> None:
        """Open the comm; what it consists of has been made by then."""
        super().open()  # type: ignore[misc]
        in_order(self)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[Any, Any], dict[Any, Any]] | None:  # noqa: ANN401
        made = super()._repr_mimebundle_(**kwargs)  # type: ignore[misc]
        bundle, metadata = made if isinstance(made, tuple) else (made or {}, {})
        if _unattended():
            bundle.pop(_WIDGET, None)
        return {**bundle, "text/plain": repr(self), "text/html": self._still()}, metadata


class Saved:
    """A mixin of what can be saved as a page that needs no kernel."""

    def _page(self, *, show_secrets: bool) -> str:
        raise NotImplementedError

    def save(self, path: str | Path, *, show_secrets: bool = False, force: bool = False) -> None:
        """Write one HTML file that opens from disk, live, without a kernel or a network.

        Unless `show_secrets`, layers that were decrypted are left out, and so are bytes
        with a challengePassword in clear; the page says so. An earlier file is replaced
        with `force` only. Raises InputError where nothing could be shown, and where the
        file cannot be written.
        """
        page = self._page(show_secrets=show_secrets)
        write_new(Path(path), page.encode(), force=force, private=show_secrets)


_WIDGET = "application/vnd.jupyter.widget-view+json"


def _unattended() -> bool:
    """Whether the cell is run by a program such as nbconvert, whose output is looked at without a kernel.

    Such a program asks for no input. An exported page prefers the widget to the
    still, but has to load its parts from the internet. Voila shows the page with
    its kernel.
    """
    if os.environ.get("SERVER_SOFTWARE", "").startswith("voila"):
        return False
    kernel = getattr(get_ipython(), "kernel", None)
    asked: dict[str, Any] = kernel.get_parent("shell") if kernel is not None else {}
    return asked.get("content", {}).get("allow_stdin") is False


def in_order(widget: Any) -> None:  # noqa: ANN401 - ipywidgets has no types
    """Have the kernel handle messages of a widget, and of what it consists of, one after the other and between cells.

    JupyterLab 4.4 and later ask that messages of widgets be handled in a thread of
    their own (a "subshell"), beside the cell that runs. A cell would then not see
    what was selected before it was run, nor a button what was typed before it was
    pressed. ipykernel 7.4 asks the comm where a message belongs, and goes by that.
    """
    if hasattr(widget.comm, "_reply_subshell_for"):
        widget.comm._reply_subshell_for = _main_shell  # noqa: SLF001 - there is no public way
    for part in getattr(widget, "children", ()):
        in_order(part)


def _main_shell(_data: object, _asked: str | None) -> None:
    """Return the subshell for a message: None, where cells run."""


# Seconds between two refreshes.
_EVERY = 1.0


class Following(Still):
    """A widget's mixin: it is refreshed every second from when it is shown until there is nothing left to follow.

    The kernel's own event loop does it, so no thread is needed, and a cell that
    runs long delays it. Without an event loop nothing happens by itself.
    """

    _task: asyncio.Task[None] | None = None

    def refresh(self) -> None:
        """Show the present state. Never raises."""
        raise NotImplementedError

    def _followed(self) -> bool:
        """Whether anything can still change."""
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


CHOSEN = {"sync": True, "echo_update": False}
"""Tags of a trait that scripts set as `View` says; ipywidgets' own echo would move a person back."""


class View(Still, anywidget.AnyWidget):
    """A widget with a script of our own; what a person selects in it is known to the cell that runs next.

    ipywidgets' own way does not ensure that: it holds a state back while the
    kernel has not answered the one before. So scripts send {"kind": "set", "name",
    "value", "window", "number"} at once for a trait, and get the same back, by
    which other windows follow. The one that set it takes it only where it is the
    last it sent: an older one would move a person back.
    """

    def __init__(self, **traits: object) -> None:
        """Set the traits, and listen."""
        super().__init__(**traits)
        self.on_msg(self._receive)

    def _receive(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        """Handle a message of the script."""
        if content.get("kind") == "set":
            self.set_state({content["name"]: content["value"]})
            self.send(content)


class LiveView(Saved, View):
    """A view of static/viewer.js."""

    _esm = join(STATIC / "viewer.js")
    _css = STATIC / "viewer.css"
