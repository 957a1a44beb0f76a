"""Sphinx: the pages of docs/ and the API reference, which is read from the source without importing it."""

from __future__ import annotations

import re
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from sceplab.analysis.analyse import analyse
from sceplab.capture import read_capture
from sceplab.files import load_private_keys
from sceplab.scep.conversation import Materials, decode_exchanges
from sceplab.views.page import inspector_page

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


# Captures of data/ that the page of the viewer shows live, with what is said of them; the keys are test keys.
_SPECIMEN = ROOT / "data" / "specimen"
_LIVE = {
    "specimen": (_SPECIMEN / "capture.pcap", (_SPECIMEN / "ca.key.pem",), "the specimen, opened with the CA's key"),
    "refused": (ROOT / "data" / "mysteries" / "5.pcap", (), "an enrollment that was refused"),
}


def _try_it(app: Sphinx, docname: str, source: list[str]) -> None:  # noqa: ARG001
    """Add live views to the page of the viewer; on GitHub it has none, since they are files of this site alone."""
    if docname == "viewer":
        links = ", ".join(f'<a href="live/{name}.html">{words}</a>' for name, (_, _, words) in _LIVE.items())
        frame = (
            '<iframe src="live/specimen.html" title="The specimen" style="width:100%;height:60em;border:0"></iframe>'
        )
        source[0] += f"\n## Try it\n\n<p>Such files, to explore: {links}.</p>\n{frame}\n"


def _write_live(app: Sphinx, exception: Exception | None) -> None:
    """Write the files of `_LIVE` beside the pages."""
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir) / "live"
    folder.mkdir(exist_ok=True)
    for name, (path, keys, _) in _LIVE.items():
        held = Materials(keys=tuple(k for key in keys for k in load_private_keys(key)))
        capture = read_capture(str(path))
        analysis = analyse(decode_exchanges(capture, held), held, capture=capture, show_secrets=bool(keys))
        (folder / f"{name}.html").write_text(inspector_page(analysis)[0], "utf-8")


def setup(app: Sphinx) -> None:
    """Let Sphinx call what changes docstrings, and what makes the live views."""
    app.connect("autodoc-process-docstring", _code)
    app.connect("source-read", _try_it)
    app.connect("build-finished", _write_live)
