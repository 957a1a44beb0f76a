"""Sphinx: the pages of docs/ and the API reference, which is read from the source without importing it."""

from __future__ import annotations

import re
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

ROOT = Path(__file__).parent.parent

project = "sceplab"
release = version = version_of("sceplab")
author = "the sceplab developers"

extensions = ["myst_parser", "autoapi.extension", "sphinx.ext.napoleon"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

autoapi_dirs = [str(ROOT / "sceplab")]
autoapi_root = "api"
autoapi_options = ["members", "undoc-members", "show-inheritance", "show-module-summary"]
autoapi_python_class_content = "both"
autoapi_member_order = "bysource"
autoapi_add_toctree_entry = False
# `type[...]` in an annotation is Python's, though some dataclasses have a field `type`.
suppress_warnings = ["ref.python"]

html_theme = "pydata_sphinx_theme"
# The whole tree on each page took a third of the build.
html_theme_options = {"collapse_navigation": True}
html_title = "sceplab"
html_copy_source = False
html_show_sourcelink = False


def _code(app: Sphinx, what: str, name: str, obj: object, options: Any, lines: list[str]) -> None:  # noqa: ANN401, ARG001
    """Write the code of docstrings as reStructuredText: they have `code` and `code`s, as Markdown does."""
    text = re.sub(
        r"(?<!`)`([^`]+)`(?!`)(\w)?", lambda m: f"``{m[1]}``" + (f"\\ {m[2]}" if m[2] else ""), "\n".join(lines)
    )
    lines[:] = text.split("\n")


def setup(app: Sphinx) -> None:
    """Let Sphinx call what changes docstrings."""
    app.connect("autodoc-process-docstring", _code)
