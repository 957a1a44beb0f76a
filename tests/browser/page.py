"""A page that shows one live view without JupyterLab, which keeps the tests fast and isolated."""

from __future__ import annotations

import base64
from typing import Any

from anywidget import AnyWidget
from playwright.sync_api import Page, Route

from sceplab.views.script import STATIC, join

ADDRESS = "http://views.test/"
# A stand-in for anywidget's model, with traits, change events and messages. It records the messages that are sent.
_PAGE = """<!doctype html><meta charset="utf-8"><style>{css}</style><div id="host"></div>
<script type="module">
import * as viewer from "/{script}";
window.viewer = viewer;
window.mount = (state) => {{
  const listeners = {{}}, values = {{}};
  for (const [name, value] of Object.entries(state)) {{
    values[name] = value?.base64 === undefined ? value
      : new DataView(Uint8Array.from(atob(value.base64), (c) => c.charCodeAt(0)).buffer);
  }}
  const tell = (name, what) => (listeners[name] ?? []).forEach((f) => f(what));
  const model = {{
    sent: [], saved: 0,
    get: (name) => values[name],
    set: (name, value) => {{
      const same = JSON.stringify(values[name]) === JSON.stringify(value);
      values[name] = value;
      if (!same) tell("change:" + name);
    }},
    save_changes: () => {{ model.saved += 1; }},
    on: (name, f) => (listeners[name] ??= []).push(f),
    off: (name, f) => {{ listeners[name] = (listeners[name] ?? []).filter((g) => g !== f); }},
    send: (message) => model.sent.push(message),
    tell,
  }};
  window.model = model;
  const started = performance.now();
  window.close_view = viewer.default.render({{ model, el: document.querySelector("#host") }});
  return new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(performance.now() - started))));
}};
window.loaded = true;
</script>"""


def state_of(view: AnyWidget) -> dict[str, Any]:
    """Return the traits that a browser would get."""
    own = {n for c in type(view).__mro__ if c.__module__.startswith("sceplab.") for n in vars(c)}
    values = {n: getattr(view, n) for n in view.traits(sync=True) if n in own and not n.startswith("_")}
    return {n: {"base64": base64.b64encode(v).decode()} if isinstance(v, bytes) else v for n, v in values.items()}


def open_page(page: Page, name: str = "viewer") -> None:
    """Open the page with the script and style of that name.

    Afterwards `mount(state)` shows a view and returns the milliseconds until it was painted.
    """

    def script(route: Route) -> None:
        route.fulfill(body=join(STATIC / f"{name}.js"), content_type="text/javascript")

    html = _PAGE.format(css=(STATIC / f"{name}.css").read_text("utf-8"), script=f"{name}.js")
    page.route(ADDRESS, lambda route: route.fulfill(body=html, content_type="text/html"))
    page.route(f"{ADDRESS}{name}.js", script)
    page.goto(ADDRESS)
    page.wait_for_function("() => window.loaded")


def mount(page: Page, view: AnyWidget) -> float:
    """Show a view; returns the milliseconds until it was painted."""
    taken: float = page.evaluate("(state) => window.mount(state)", state_of(view))
    return taken


def painted(page: Page) -> None:
    """Wait two frames, until all changes so far are drawn: the first frame may have begun before them."""
    page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
    )
