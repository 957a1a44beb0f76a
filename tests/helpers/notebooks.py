"""Write a notebook for a test. Needs no browser."""

from __future__ import annotations

import json
from pathlib import Path


def write_notebook(folder: Path, name: str, *cells: str, output: dict[str, object] | None = None) -> None:
    """Write a notebook of these cells into `folder`/notebooks, each with `output` if given."""
    outputs = [output] if output else []
    code: dict[str, object] = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": outputs}
    notebook = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
        "cells": [{**code, "id": f"c{n}", "source": text} for n, text in enumerate(cells)],
    }
    (folder / "notebooks" / f"{name}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
