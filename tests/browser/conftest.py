"""A JupyterLab on a copy of the notebooks, and a Chromium that can reach only that JupyterLab."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Route, sync_playwright

from sceplab.lab.micromdm import free_port
from tests.helpers.captures import ROOT

_SETTINGS = {
    # Render all cells, so that the tests find them.
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
    # The dialog that asks about news would cover the notebook.
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "doNotDisturbMode": True},
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
}
_STARTED_AFTER = 60


@pytest.fixture(scope="session")
def lab_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the root folder of the JupyterLab: a copy of the project's notebooks and data."""
    root = tmp_path_factory.mktemp("root")
    for name in ("notebooks", "data"):
        shutil.copytree(ROOT / name, root / name)
    return root


@pytest.fixture(scope="session")
def lab(lab_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a JupyterLab on `lab_root` and yield its address."""
    folder = tmp_path_factory.mktemp("lab")
    settings = folder / "lab" / "settings"
    for name, value in _SETTINGS.items():
        plugin, _, file = name.partition(":")
        path = folder / "user-settings" / plugin / f"{file}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value))
    settings.mkdir(parents=True)
    port = free_port()
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
        "JUPYTERLAB_SETTINGS_DIR": "user-settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    }
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "IdentityProvider.token": "",
        "ServerApp.password": "",
        "ServerApp.root_dir": lab_root,
        "LabApp.expose_app_in_browser": True,
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    log = folder / "lab.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [*command, *(f"--{k}={v}" for k, v in options.items())],
            env=os.environ | {k: str(folder / v) for k, v in places.items()},
            stdout=output,
            stderr=output,
        )
        address = f"http://127.0.0.1:{port}"
        try:
            _wait(server, address, log)
            yield address
        finally:
            server.terminate()
            server.wait(30)


def _wait(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + _STARTED_AFTER
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{address}/api", timeout=5):  # noqa: S310 - our own http address
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-3000:]}")


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """Start Debian's Chromium, headless."""
    program = shutil.which("chromium")
    assert program is not None
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    quiet += ["--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=program,
            headless=True,
            args=quiet,
            viewport={"width": 1280, "height": 900},
        )
        yield context
        context.close()


# A known error of ipywidgets: JupyterLab may have a message queued for a view that is already disposed. The view's
# processMessage then fails, and the message loop catches the error and logs it. The line on the console is the only
# effect.
_LATE_MESSAGE = re.compile(
    r"processLuminoMessage'\)\n +at \w+\.processMessage \(\S+/@jupyter-widgets/jupyterlab-manager/(?!.*sceplab)",
    re.DOTALL,
)


@pytest.fixture
def page(lab: str, chromium: BrowserContext) -> Iterator[Page]:
    """Yield a page that can reach only the lab; then check for requests to other hosts and console errors."""
    page = chromium.new_page()
    strangers: list[str] = []
    errors: list[str] = []

    def only_the_lab(route: Route) -> None:
        if route.request.url.startswith((lab, "data:", "blob:")):
            route.continue_()
        else:
            strangers.append(route.request.url)
            route.abort()

    page.route("**/*", only_the_lab)
    page.on(
        "console", lambda m: errors.append(m.text) if m.type == "error" and not _LATE_MESSAGE.search(m.text) else None
    )
    page.on("pageerror", lambda e: errors.append(e.stack or str(e)))
    yield page
    page.close()
    assert strangers == []
    assert errors == [], "\n\n".join(errors)
