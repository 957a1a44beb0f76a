"""Opening a stored notebook does not mark it as changed."""

from __future__ import annotations

import platform

import pytest
from playwright.sync_api import Page

from tests.browser.notebook import open_notebook
from tests.helpers.captures import ROOT
from tools.notebooks import LANGUAGE

_METADATA = "() => window.jupyterapp.shell.currentWidget.context.model.toJSON().metadata"
# JupyterLab takes over the kernel's description in a task of its own, after the kernel is ready.
_LANGUAGE_IS_SET = f"""async () => {{
    const info = await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.info;
    return info.language_info.version === ({_METADATA})().language_info.version;
}}"""
_DIRTY = "() => window.jupyterapp.shell.currentWidget.context.model.dirty"


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb")))
def test_opening_a_notebook_leaves_it_unchanged(page: Page, lab: str, name: str) -> None:
    """JupyterLab writes the kernel's description into the notebook; the stored one is already the same."""
    open_notebook(page, lab, name)
    page.wait_for_function(_LANGUAGE_IS_SET)
    metadata = page.evaluate(_METADATA)
    assert metadata["language_info"] == LANGUAGE | {"version": platform.python_version()}
    # With another version of Python, JupyterLab has to note that version.
    assert page.evaluate(_DIRTY) == (platform.python_version() != LANGUAGE["version"])
