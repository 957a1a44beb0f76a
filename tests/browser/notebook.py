"""A notebook in the JupyterLab of the tests: open it and run its cells."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page

PATIENCE = 120_000
"""Milliseconds to wait for a kernel: it may take long to start on two busy cores."""
ERROR = ".jp-RenderedText[data-mime-type='application/vnd.jupyter.error']"
"""The output of a cell that failed."""
_READY = """async () => {
    const app = window.jupyterapp, widget = app.shell.currentWidget;
    await app.started; await app.restored; await widget.context.ready;
    await widget.sessionContext.ready; await widget.sessionContext.session.kernel.info;
}"""
# While a notebook has no connected kernel, JupyterLab silently skips its cells. After a run, the kernel is idle once
# all outputs have arrived.
_IDLE = """() => {
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel;
    return kernel?.connectionStatus === "connected" && kernel.status === "idle";
}"""
# JupyterLab's promise resolves once each cell has its reply, was aborted by an earlier error, or was skipped.
_RUN_ALL = """() => {
    const commands = window.jupyterapp.commands;
    return commands.execute("notebook:run-all-cells").then(String, (reason) => `${reason}`);
}"""
_CELLS = """() => {
    const cells = window.jupyterapp.shell.currentWidget.content.widgets.filter((c) => c.model.type === "code");
    return cells.map(({ model, prompt }) => ({
        count: model.executionCount,
        prompt,
        state: model.executionState ?? "",
        errors: model.outputs.toJSON().filter((o) => o.output_type === "error" || o.name === "stderr")
            .map((o) => o.traceback?.join("\\n") ?? [o.text].flat().join("")),
        failed: model.outputs.toJSON().some((o) => o.output_type === "error"),
    }));
}"""


@dataclass(frozen=True, slots=True)
class Cell:
    """A code cell after a run: execution count (None: not run), prompt, state, and its error output."""

    count: int | None
    prompt: str
    state: str
    errors: list[str]
    failed: bool


def open_notebook(page: Page, lab: str, name: str) -> None:
    """Open a notebook of `lab_root` and wait until its kernel is connected and idle."""
    page.goto(f"{lab}/lab/tree/notebooks/{name}.ipynb?reset")
    page.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.sessionContext", timeout=PATIENCE)
    wait_for_kernel(page)


def wait_for_kernel(page: Page) -> None:
    """Wait until the notebook's kernel is connected and idle."""
    page.evaluate(_READY)
    page.wait_for_function(_IDLE, timeout=PATIENCE)


def run_all(page: Page) -> list[Cell]:
    """Run all cells, and wait until all replies and outputs have arrived.

    Raises AssertionError, with prompt and error output of every cell, unless the cells ran in
    order and none failed. The execution count continues if another test used the same kernel.
    """
    ended = page.evaluate(_RUN_ALL)
    page.wait_for_function(_IDLE, timeout=PATIENCE)
    cells = [Cell(**c) for c in page.evaluate(_CELLS)]
    clean = ended == "true" and not any(c.failed for c in cells)
    first = cells[0].count or 0 if cells else 0
    in_order = first > 0 and [c.count for c in cells] == list(range(first, first + len(cells)))
    assert clean, report(ended, cells)
    assert in_order, report(ended, cells)
    return cells


def clear_outputs(page: Page) -> None:
    """Remove the stored outputs of all cells."""
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")


def report(ended: str, cells: list[Cell]) -> str:
    """Return the result of Run All, and prompt, state and error output of each cell, as lines."""
    lines = [f"Run All ended with {ended!r}:"]
    for number, cell in enumerate(cells, 1):
        lines.append(f"cell {number}: [{cell.prompt or ' '}] {cell.state}".rstrip())
        lines += [f"    {line}" for text in cell.errors for line in text.splitlines()]
    return "\n".join(lines)


def run_cell(page: Page, number: int, text: str = "") -> Locator:
    """Run a cell, after replacing its text if `text` is given, and return its output."""
    cell = page.locator(".jp-CodeCell").nth(number)
    cell.locator(".cm-content").click()
    if text:
        page.keyboard.press("Control+a")
        page.keyboard.type(text)
    page.keyboard.press("Control+Enter")
    return cell.locator(".jp-OutputArea")


def screenshot(page: Page, name: str) -> None:
    """Save a screenshot if the environment variable SCEPLAB_SCREENSHOTS names a folder."""
    folder = os.environ.get("SCEPLAB_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png")
